/* The cost of one event as the number of handles grows: each benchmark runs as
 * `name/N`. The timed work is the same for every N; only the number of handles
 * differs. */
#include "bench.h"

#include <sys/socket.h>
#include <unistd.h>

/* A linear congruential generator: every run must have the same order. */
static uint32_t next_random(void) {
  static uint32_t state = 1;
  state = state * 1664525 + 1013904223;
  return state >> 8;
}

static int handles(void) {
  return bench_parameter(100);
}

static void* handle_array(size_t size) {
  void* array = calloc(handles(), size);
  CHECK(array != NULL);
  return array;
}

/* ---- N connections, one message at a time ------------------------------- */

struct connection {
  uv_pipe_t pipe;
  uv_os_sock_t peer;
};

static struct connection* connections;
static int events_left;

/* The next message goes to another connection, chosen at random. */
static void write_to_next(uv_loop_t* loop) {
  if (events_left-- == 0) {
    uv_stop(loop);
    return;
  }
  CHECK(write(connections[next_random() % handles()].peer, "x", 1) == 1);
}

static void on_alloc(uv_handle_t* handle, size_t size, uv_buf_t* buf) {
  static char room[64 * 1024];
  (void) handle, (void) size;
  *buf = uv_buf_init(room, sizeof(room));
}

static void on_byte(uv_stream_t* stream, ssize_t nread, const uv_buf_t* buf) {
  (void) buf;
  CHECK(nread == 1 || nread == 0);
  if (nread == 1) write_to_next(stream->loop);
}

BENCH(growth_connections) {
  int events = bench_count(100000), fds[2], i;
  struct stopwatch watch = {0};
  uv_loop_t loop;

  bench_need_files(2 * handles() + 100);
  connections = handle_array(sizeof(*connections));
  CHECK(uv_loop_init(&loop) == 0);
  for (i = 0; i < handles(); i++) {
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    CHECK(uv_pipe_init(&loop, &connections[i].pipe, 0) == 0);
    CHECK(uv_pipe_open(&connections[i].pipe, fds[0]) == 0);
    connections[i].peer = fds[1];
    CHECK(uv_read_start((uv_stream_t*) &connections[i].pipe, on_alloc,
                        on_byte) == 0);
  }
  uv_run(&loop, UV_RUN_NOWAIT);
  events_left = events;
  write_to_next(&loop);
  stopwatch_start(&watch);
  uv_run(&loop, UV_RUN_DEFAULT);
  stopwatch_stop(&watch);
  bench_report("growth_connections", events, "events", &watch);
  for (i = 0; i < handles(); i++) {
    uv_close((uv_handle_t*) &connections[i].pipe, NULL);
    CHECK(close(connections[i].peer) == 0);
  }
  bench_close_loop(&loop);
  free(connections);
}

/* ---- N timers, one of them restarted at a time --------------------------- */

static void on_timer(uv_timer_t* timer) {
  (void) timer;
}

BENCH(growth_timers) {
  int restarts = bench_count(1000000), i;
  struct stopwatch watch = {0};
  uv_timer_t* timers = handle_array(sizeof(*timers));
  uv_loop_t loop;

  CHECK(uv_loop_init(&loop) == 0);
  for (i = 0; i < handles(); i++) {
    CHECK(uv_timer_init(&loop, &timers[i]) == 0);
    CHECK(uv_timer_start(&timers[i], on_timer, 100000 + next_random() % 60000,
                         0) == 0);
  }
  stopwatch_start(&watch);
  for (i = 0; i < restarts; i++)
    CHECK(uv_timer_start(&timers[next_random() % handles()], on_timer,
                         100000 + next_random() % 60000, 0) == 0);
  stopwatch_stop(&watch);
  bench_report("growth_timers", restarts, "restarts", &watch);
  for (i = 0; i < handles(); i++) uv_close((uv_handle_t*) &timers[i], NULL);
  bench_close_loop(&loop);
  free(timers);
}

/* ---- N async handles, one of them woken up at a time --------------------- */

static uv_async_t* wakeups;

static void on_wakeup(uv_async_t* wakeup) {
  if (events_left-- == 0)
    uv_stop(wakeup->loop);
  else
    CHECK(uv_async_send(&wakeups[next_random() % handles()]) == 0);
}

BENCH(growth_async) {
  int events = bench_count(handles() < 10000 ? 100000 : 20000), i;
  struct stopwatch watch = {0};
  uv_loop_t loop;

  CHECK(uv_loop_init(&loop) == 0);
  wakeups = handle_array(sizeof(*wakeups));
  for (i = 0; i < handles(); i++)
    CHECK(uv_async_init(&loop, &wakeups[i], on_wakeup) == 0);
  events_left = events;
  CHECK(uv_async_send(&wakeups[0]) == 0);
  stopwatch_start(&watch);
  uv_run(&loop, UV_RUN_DEFAULT);
  stopwatch_stop(&watch);
  bench_report("growth_async", events, "events", &watch);
  for (i = 0; i < handles(); i++) uv_close((uv_handle_t*) &wakeups[i], NULL);
  bench_close_loop(&loop);
  free(wakeups);
}

/* ---- N sockets, a datagram at a time -------------------------------------- */

struct receiver {
  uv_udp_t udp;
  struct sockaddr_in address;
};

static struct receiver* receivers;
static int sender;

static void send_to_next(uv_loop_t* loop) {
  struct receiver* to = &receivers[next_random() % handles()];

  if (events_left-- == 0) {
    uv_stop(loop);
    return;
  }
  CHECK(sendto(sender, "x", 1, 0, (const struct sockaddr*) &to->address,
               sizeof(to->address)) == 1);
}

static void on_datagram(uv_udp_t* udp,
                        ssize_t nread,
                        const uv_buf_t* buf,
                        const struct sockaddr* from,
                        unsigned flags) {
  (void) buf, (void) flags;
  CHECK(nread >= 0);
  if (from != NULL) send_to_next(udp->loop);
}

BENCH(growth_udp) {
  int events = bench_count(100000), i;
  struct stopwatch watch = {0};
  uv_loop_t loop;

  bench_need_files(handles() + 100);
  receivers = handle_array(sizeof(*receivers));
  sender = socket(AF_INET, SOCK_DGRAM, 0);
  CHECK(sender >= 0);
  CHECK(uv_loop_init(&loop) == 0);
  for (i = 0; i < handles(); i++) {
    struct receiver* receiver = &receivers[i];
    int length = sizeof(receiver->address);

    CHECK(uv_ip4_addr("127.0.0.1", 0, &receiver->address) == 0);
    CHECK(uv_udp_init(&loop, &receiver->udp) == 0);
    CHECK(uv_udp_bind(&receiver->udp,
                      (const struct sockaddr*) &receiver->address, 0) == 0);
    CHECK(uv_udp_getsockname(&receiver->udp,
                             (struct sockaddr*) &receiver->address,
                             &length) == 0);
    CHECK(uv_udp_recv_start(&receiver->udp, on_alloc, on_datagram) == 0);
  }
  events_left = events;
  send_to_next(&loop);
  stopwatch_start(&watch);
  uv_run(&loop, UV_RUN_DEFAULT);
  stopwatch_stop(&watch);
  bench_report("growth_udp", events, "events", &watch);
  for (i = 0; i < handles(); i++)
    uv_close((uv_handle_t*) &receivers[i].udp, NULL);
  bench_close_loop(&loop);
  CHECK(close(sender) == 0);
  free(receivers);
}

/* ---- An iteration with N idle handles ------------------------------------- */

static void on_idle(uv_idle_t* idle) {
  if (events_left-- == 0) uv_stop(idle->loop);
}

BENCH(growth_idle) {
  int callbacks = bench_count(5000000), i;
  struct stopwatch watch = {0};
  uv_idle_t* idles = handle_array(sizeof(*idles));
  uv_loop_t loop;

  CHECK(uv_loop_init(&loop) == 0);
  for (i = 0; i < handles(); i++) {
    CHECK(uv_idle_init(&loop, &idles[i]) == 0);
    CHECK(uv_idle_start(&idles[i], on_idle) == 0);
  }
  events_left = callbacks;
  stopwatch_start(&watch);
  uv_run(&loop, UV_RUN_DEFAULT);
  stopwatch_stop(&watch);
  bench_report("growth_idle", callbacks, "callbacks", &watch);
  for (i = 0; i < handles(); i++) uv_close((uv_handle_t*) &idles[i], NULL);
  bench_close_loop(&loop);
  free(idles);
}
