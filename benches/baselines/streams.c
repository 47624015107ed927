/* Echo over epoll, connections, and one-way streams. */
#define _GNU_SOURCE
#include "bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MESSAGE = 64, CHUNK = 64 * 1024, MAX_EVENTS = 1024 };

/* ---- Echo --------------------------------------------------------------- */

/* A socket's data in epoll: its number and its end. */
enum { SERVER = 1 << 30 };

enum {
  TWO_THREADS = 1, /* an epoll instance and a thread for each end */
  SPIN = 2,        /* poll repeatedly before sleeping */
  LOCAL = 4        /* socket pairs instead of TCP */
};

static int messages_left;

static void watch(int epoll, int fd, int flags) {
  struct epoll_event event = {.events = EPOLLIN | EPOLLET,
                              .data.u32 = (uint32_t) (fd | flags)};
  CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0);
}

static void send_message(int fd) {
  static const char message[MESSAGE];
  CHECK(send(fd, message, MESSAGE, 0) == MESSAGE);
}

/* A loop ends when its last socket is closed. */
struct loop {
  int epoll;
  int sockets;
  int spins; /* polls before sleeping */
};

static void on_readable(struct loop* loop, uint32_t data) {
  int fd = (int) (data & ~(uint32_t) SERVER);
  char message[MESSAGE];
  ssize_t size = recv(fd, message, MESSAGE, 0);

  if (size == 0 || (!(data & SERVER) && messages_left == 0)) {
    CHECK(close(fd) == 0);
    loop->sockets--;
    return;
  }
  CHECK(size == MESSAGE);
  if (!(data & SERVER)) messages_left--;
  send_message(fd);
}

static void* run(void* arg) {
  static _Thread_local struct epoll_event events[MAX_EVENTS];
  struct loop* loop = arg;
  int count, polls, i;

  while (loop->sockets > 0) {
    polls = 0;
    do count = epoll_wait(loop->epoll, events, MAX_EVENTS,
                          polls < loop->spins ? 0 : -1);
    while (count == 0 && polls++ < loop->spins);
    CHECK(count > 0);
    for (i = 0; i < count; i++) on_readable(loop, events[i].data.u32);
  }
  return NULL;
}

static void connect_pair(int listener, int ends[2]) {
  struct sockaddr_in address;
  socklen_t length = sizeof(address);
  int one = 1, i;

  CHECK(getsockname(listener, (struct sockaddr*) &address, &length) == 0);
  ends[0] = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(ends[0] >= 0);
  CHECK(connect(ends[0], (struct sockaddr*) &address, length) == 0);
  ends[1] = accept(listener, NULL, NULL);
  CHECK(ends[1] >= 0);
  for (i = 0; i < 2; i++)
    CHECK(setsockopt(ends[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) ==
          0);
}

static int listen_on_loopback(void) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  int listener = socket(AF_INET, SOCK_STREAM, 0);

  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(listener >= 0);
  CHECK(bind(listener, (struct sockaddr*) &address, sizeof(address)) == 0);
  CHECK(listen(listener, SOMAXCONN) == 0);
  return listener;
}

static void echo(const char* metric, int connections, int how, int count) {
  struct stopwatch clock = {0};
  int spins = how & SPIN ? 100 : 0, threaded = (how & TWO_THREADS) != 0;
  struct loop loops[2] = {{epoll_create1(0), 0, spins},
                          {epoll_create1(0), 0, spins}};
  int* sockets = calloc(connections, sizeof(*sockets));
  int listener = listen_on_loopback(), ends[2], i;
  pthread_t thread;

  bench_need_files(2 * connections + 100);
  CHECK(sockets != NULL);
  for (i = 0; i < connections; i++) {
    if (how & LOCAL)
      CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    else
      connect_pair(listener, ends);
    sockets[i] = ends[0];
    watch(loops[0].epoll, ends[0], 0);
    watch(loops[threaded].epoll, ends[1], SERVER);
    loops[0].sockets++;
    loops[threaded].sockets++;
  }
  messages_left = count - connections;
  stopwatch_start(&clock);
  if (threaded)
    CHECK(pthread_create(&thread, NULL, run, &loops[1]) == 0);
  for (i = 0; i < connections; i++) send_message(sockets[i]);
  run(&loops[0]);
  if (threaded) CHECK(pthread_join(thread, NULL) == 0);
  stopwatch_stop(&clock);
  bench_report(metric, count, "round trips", &clock);
  CHECK(close(listener) == 0);
  for (i = 0; i < 2; i++) CHECK(close(loops[i].epoll) == 0);
  free(sockets);
}

BENCH(epoll_echo) {
  echo("epoll_echo", 1, 0, bench_count(50000));
}

BENCH(epoll_echo_2threads) {
  echo("epoll_echo_2threads", 1, TWO_THREADS, bench_count(30000));
}

BENCH(epoll_echo_spin) {
  echo("epoll_echo_spin", 1, TWO_THREADS | SPIN, bench_count(30000));
}

BENCH(pipe_echo_2threads) {
  echo("pipe_echo_2threads", 1, TWO_THREADS | LOCAL, bench_count(30000));
}

BENCH(pipe_echo_spin) {
  echo("pipe_echo_spin", 1, TWO_THREADS | LOCAL | SPIN, bench_count(30000));
}

BENCH(epoll_echo_100) {
  echo("epoll_echo_100", 100, TWO_THREADS, bench_count(150000));
}

BENCH(epoll_echo_1000) {
  echo("epoll_echo_1000", 1000, TWO_THREADS, bench_count(150000));
}

/* ---- Connections -------------------------------------------------------- */

enum { CHURNERS = 8, POUNDERS = 100, ACCEPTED = 40, MAX_ACCEPTERS = 8 };

static struct sockaddr_in server_address;
static int connections_left;

static void add(int epoll, int fd, uint32_t events) {
  struct epoll_event event = {.events = events, .data.fd = fd};
  CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0);
}

static int listen_for_clients(void) {
  socklen_t length = sizeof(server_address);
  int listener = listen_on_loopback();

  CHECK(fcntl(listener, F_SETFL, O_NONBLOCK) == 0);
  CHECK(getsockname(listener, (struct sockaddr*) &server_address, &length) ==
        0);
  return listener;
}

static int accept_one(int listener) {
  return accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static void start_connecting(int epoll) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

  CHECK(fd >= 0);
  CHECK(connect(fd, (struct sockaddr*) &server_address,
                sizeof(server_address)) == 0 || errno == EINPROGRESS);
  add(epoll, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
}

static void finish_connecting(int fd) {
  socklen_t length = sizeof(int);
  int error;

  CHECK(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0);
  CHECK(error == 0);
}

/* Reads a request of two bytes, or the end of the stream, and closes. */
static void receive_and_close(int fd, ssize_t size) {
  char request[3];

  CHECK(recv(fd, request, sizeof(request), 0) == size);
  CHECK(close(fd) == 0);
}

/* Starts another client in place of one that is done. Returns 0 when all
 * have been started. */
static int replace_client(int epoll) {
  if (connections_left == 0) return 0;
  connections_left--;
  start_connecting(epoll);
  return 1;
}

/* Connects `clients` at a time; each sends a request, if `size` is not 0, and
 * waits for the server to close the connection. The server runs in the same
 * loop if there is a listener. */
static void connect_all(int epoll, int listener, int clients, int size) {
  struct epoll_event events[MAX_EVENTS];
  int open = 0, i, fd, count;

  while (open < clients && replace_client(epoll)) open++;
  while (open > 0) {
    count = epoll_wait(epoll, events, MAX_EVENTS, -1);
    for (i = 0; i < count; i++) {
      fd = events[i].data.fd;
      if (fd == listener) {
        CHECK(close(accept_one(listener)) == 0);
      } else if (events[i].events & EPOLLIN) {
        receive_and_close(fd, 0);
        open -= !replace_client(epoll);
      } else {
        finish_connecting(fd);
        if (size > 0) CHECK(send(fd, "QS", size, 0) == size);
      }
    }
  }
}

/* Accepts connections and closes each one after its request of `size` bytes,
 * until the listener is shut down. */
static void serve(int listener, int size) {
  struct epoll_event events[MAX_EVENTS];
  int epoll = epoll_create1(0), i, fd, count;

  /* Level-triggered: epoll reports it again while connections are left. */
  add(epoll, listener, EPOLLIN);
  for (;;) {
    count = epoll_wait(epoll, events, MAX_EVENTS, -1);
    for (i = 0; i < count; i++) {
      if (events[i].data.fd != listener) {
        receive_and_close(events[i].data.fd, size);
      } else if (events[i].events & EPOLLHUP) {
        CHECK(close(epoll) == 0);
        return;
      } else if ((fd = accept_one(listener)) >= 0) {
        add(epoll, fd, EPOLLIN | EPOLLRDHUP | EPOLLET);
      } else {
        /* Another thread took it, or the listener was just shut down. */
        CHECK(errno == EAGAIN || errno == EINVAL);
      }
    }
  }
}

/* Like tcp_churn: the server closes the connections of eight clients at a
 * time. */
BENCH(tcp_churn) {
  struct stopwatch clock = {0};
  int epoll = epoll_create1(0), listener = listen_for_clients();
  int connections = connections_left = bench_count(12000);

  add(epoll, listener, EPOLLIN);
  stopwatch_start(&clock);
  connect_all(epoll, listener, CHURNERS, 0);
  stopwatch_stop(&clock);
  bench_report("tcp_churn", connections, "connections", &clock);
  CHECK(close(listener) == 0);
  CHECK(close(epoll) == 0);
}

/* Like libuv's tcp_pound_100: a hundred clients, and a server process that
 * closes each connection on request. */
BENCH(tcp_pound_100) {
  struct stopwatch clock = {0};
  int epoll, listener = listen_for_clients();
  int connections = connections_left = bench_count(10000);
  pid_t server;

  stopwatch_start(&clock);
  server = fork();
  CHECK(server >= 0);
  if (server == 0) {
    serve(listener, 2);
    _exit(0);
  }
  epoll = epoll_create1(0);
  connect_all(epoll, -1, POUNDERS, 2);
  CHECK(shutdown(listener, SHUT_RDWR) == 0);
  CHECK(waitpid(server, NULL, 0) == server);
  stopwatch_stop(&clock);
  bench_report("tcp_pound_100", connections, "connections", &clock);
  CHECK(close(listener) == 0);
  CHECK(close(epoll) == 0);
}

static void* run_accepter(void* listener) {
  serve(*(int*) listener, 0);
  return NULL;
}

/* Like libuv's tcp_multi_accept: clients that close one iteration after they
 * were connected, and threads that accept. */
static void multi_accept(const char* metric, int accepters) {
  struct epoll_event events[MAX_EVENTS];
  struct stopwatch clock = {0};
  int epoll = epoll_create1(0), listener = listen_for_clients();
  int connections = connections_left = bench_count(10000);
  int connected[ACCEPTED], done = 0, open = 0, i, count;
  pthread_t threads[MAX_ACCEPTERS];

  for (i = 0; i < accepters; i++)
    CHECK(pthread_create(&threads[i], NULL, run_accepter, &listener) == 0);
  stopwatch_start(&clock);
  while (open < ACCEPTED && replace_client(epoll)) open++;
  while (open > 0) {
    count = epoll_wait(epoll, events, MAX_EVENTS, done > 0 ? 0 : -1);
    for (i = 0; i < done; i++) CHECK(close(connected[i]) == 0);
    for (i = 0; i < done; i++) open -= !replace_client(epoll);
    for (done = 0; done < count; done++) {
      connected[done] = events[done].data.fd;
      finish_connecting(connected[done]);
    }
  }
  stopwatch_stop(&clock);
  bench_report(metric, connections, "connections", &clock);
  CHECK(shutdown(listener, SHUT_RDWR) == 0);
  for (i = 0; i < accepters; i++) CHECK(pthread_join(threads[i], NULL) == 0);
  CHECK(close(listener) == 0);
  CHECK(close(epoll) == 0);
}

BENCH(tcp_multi_accept2) { multi_accept("tcp_multi_accept2", 2); }

BENCH(tcp_multi_accept8) { multi_accept("tcp_multi_accept8", 8); }

/* ---- One way ------------------------------------------------------------ */

static void* read_all(void* arg) {
  static char chunk[CHUNK];
  while (read(*(int*) arg, chunk, CHUNK) > 0) continue;
  return NULL;
}

/* Like a loop: reads while whole buffers arrive, then polls. */
static void* read_all_epoll(void* arg) {
  static char chunk[CHUNK];
  int fd = *(int*) arg, epoll = epoll_create1(0);
  struct epoll_event event;
  ssize_t size;

  add(epoll, fd, EPOLLIN);
  do {
    CHECK(epoll_wait(epoll, &event, 1, -1) == 1);
    do size = recv(fd, chunk, CHUNK, MSG_DONTWAIT);
    while (size == CHUNK);
    CHECK(size >= 0 || errno == EAGAIN);
  } while (size != 0);
  CHECK(close(epoll) == 0);
  return NULL;
}

static void write_epoll(int fd, int64_t bytes_left, ssize_t size) {
  static char chunk[CHUNK];
  int epoll = epoll_create1(0);
  struct epoll_event event;
  ssize_t written;

  add(epoll, fd, EPOLLOUT);
  while (bytes_left > 0) {
    written = send(fd, chunk, size, MSG_DONTWAIT);
    CHECK(written >= 0 || errno == EAGAIN);
    if (written < size) CHECK(epoll_wait(epoll, &event, 1, -1) == 1);
    if (written > 0) bytes_left -= written;
  }
  CHECK(close(epoll) == 0);
}

static void pump(const char* metric, int ends[2], int by_epoll) {
  static char chunk[CHUNK];
  int chunks = bench_count(30000), i;
  struct stopwatch clock = {0};
  pthread_t thread;

  stopwatch_start(&clock);
  CHECK(pthread_create(&thread, NULL, by_epoll ? read_all_epoll : read_all,
                       &ends[1]) == 0);
  if (by_epoll)
    write_epoll(ends[0], (int64_t) chunks * CHUNK, CHUNK);
  else
    for (i = 0; i < chunks; i++) CHECK(write(ends[0], chunk, CHUNK) == CHUNK);
  CHECK(close(ends[0]) == 0);
  CHECK(pthread_join(thread, NULL) == 0);
  stopwatch_stop(&clock);
  bench_report(metric, (double) chunks * CHUNK / (1024 * 1024), "MiB", &clock);
  CHECK(close(ends[1]) == 0);
}

static void tcp_pump(const char* metric, int by_epoll) {
  int listener = listen_on_loopback(), ends[2];

  connect_pair(listener, ends);
  pump(metric, ends, by_epoll);
  CHECK(close(listener) == 0);
}

static void pipe_pump(const char* metric, int by_epoll) {
  int ends[2];

  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  pump(metric, ends, by_epoll);
}

BENCH(tcp_pump) {
  tcp_pump("tcp_pump", 0);
}

BENCH(epoll_tcp_pump) {
  tcp_pump("epoll_tcp_pump", 1);
}

BENCH(pipe_pump) {
  pipe_pump("pipe_pump", 0);
}

BENCH(epoll_pipe_pump) {
  pipe_pump("epoll_pipe_pump", 1);
}

/* Like libuv's tcp_write_batch: a call for each of many small messages. */
BENCH(tcp_write_batch) {
  enum { SIZE = 13 };
  int listener = listen_on_loopback(), count = bench_count(100000), ends[2];
  struct stopwatch clock = {0};
  pthread_t thread;

  connect_pair(listener, ends);
  CHECK(pthread_create(&thread, NULL, read_all_epoll, &ends[1]) == 0);
  stopwatch_start(&clock);
  write_epoll(ends[0], (int64_t) count * SIZE, SIZE);
  stopwatch_stop(&clock);
  bench_report("tcp_write_batch", count, "writes", &clock);
  CHECK(close(ends[0]) == 0);
  CHECK(pthread_join(thread, NULL) == 0);
  CHECK(close(ends[1]) == 0);
  CHECK(close(listener) == 0);
}
