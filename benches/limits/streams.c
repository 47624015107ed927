/* Echo over epoll, and one-way streams, without anything else. */
#define _GNU_SOURCE
#include "bench.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MESSAGE = 64, CHUNK = 64 * 1024, MAX_EVENTS = 1024 };

/* ---- Echo --------------------------------------------------------------- */

/* A socket's data in epoll: its number, and which end it is. */
enum { SERVER = 1 << 30 };

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

/* A loop ends when it has no socket left. */
struct loop {
  int epoll;
  int sockets;
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
  int count, i;

  while (loop->sockets > 0) {
    count = epoll_wait(loop->epoll, events, MAX_EVENTS, -1);
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
  CHECK(listen(listener, 128) == 0);
  return listener;
}

static void echo(const char* metric, int connections, int threaded, int count) {
  struct stopwatch clock = {0};
  struct loop loops[2] = {{epoll_create1(0), 0}, {epoll_create1(0), 0}};
  int* sockets = calloc(connections, sizeof(*sockets));
  int listener = listen_on_loopback(), ends[2], i;
  pthread_t thread;

  bench_need_files(2 * connections + 100);
  CHECK(sockets != NULL);
  for (i = 0; i < connections; i++) {
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
  echo("epoll_echo_2threads", 1, 1, bench_count(30000));
}

BENCH(epoll_echo_100) {
  echo("epoll_echo_100", 100, 1, bench_count(150000));
}

BENCH(epoll_echo_1000) {
  echo("epoll_echo_1000", 1000, 1, bench_count(150000));
}

/* ---- One way ------------------------------------------------------------ */

static void* read_all(void* arg) {
  static char chunk[CHUNK];
  while (read(*(int*) arg, chunk, CHUNK) > 0) continue;
  return NULL;
}

static void pump(const char* metric, int ends[2]) {
  static char chunk[CHUNK];
  int chunks = bench_count(30000), i;
  struct stopwatch clock = {0};
  pthread_t thread;

  stopwatch_start(&clock);
  CHECK(pthread_create(&thread, NULL, read_all, &ends[1]) == 0);
  for (i = 0; i < chunks; i++) CHECK(write(ends[0], chunk, CHUNK) == CHUNK);
  CHECK(close(ends[0]) == 0);
  CHECK(pthread_join(thread, NULL) == 0);
  stopwatch_stop(&clock);
  bench_report(metric, (double) chunks * CHUNK / (1024 * 1024), "MiB", &clock);
  CHECK(close(ends[1]) == 0);
}

BENCH(tcp_pump) {
  int listener = listen_on_loopback(), ends[2];

  connect_pair(listener, ends);
  pump("tcp_pump", ends);
  CHECK(close(listener) == 0);
}

BENCH(pipe_pump) {
  int ends[2];

  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  pump("pipe_pump", ends);
}
