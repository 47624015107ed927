/* uv_poll on both ends of a socket pair: round trips of a byte. */
#include "bench.h"

#include <sys/socket.h>
#include <unistd.h>

static int bytes_left;

static void on_readable(uv_poll_t* poll, int status, int events) {
  int* fd = poll->data;
  char byte;

  CHECK(status == 0 && events == UV_READABLE);
  CHECK(read(*fd, &byte, 1) == 1);
  if (bytes_left == 0) {
    uv_stop(poll->loop);
    return;
  }
  bytes_left--;
  CHECK(write(*fd, &byte, 1) == 1);
}

BENCH(poll_ping_pong) {
  int round_trips = bench_count(200000), fds[2], i;
  struct stopwatch watch = {0};
  uv_poll_t polls[2];
  uv_loop_t loop;

  CHECK(uv_loop_init(&loop) == 0);
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
  for (i = 0; i < 2; i++) {
    CHECK(uv_poll_init(&loop, &polls[i], fds[i]) == 0);
    polls[i].data = &fds[i];
    CHECK(uv_poll_start(&polls[i], UV_READABLE, on_readable) == 0);
  }
  bytes_left = 2 * round_trips - 1;
  CHECK(write(fds[0], "x", 1) == 1);
  stopwatch_start(&watch);
  uv_run(&loop, UV_RUN_DEFAULT);
  stopwatch_stop(&watch);
  bench_report("poll_ping_pong", round_trips, "round trips", &watch);
  for (i = 0; i < 2; i++) uv_close((uv_handle_t*) &polls[i], NULL);
  bench_close_loop(&loop);
  for (i = 0; i < 2; i++) CHECK(close(fds[i]) == 0);
}

static void on_never(uv_poll_t* poll, int status, int events) {
  (void) poll, (void) status, (void) events;
}

/* Restarts one handle, for the two masks in turn. */
static void restart(const char* metric,
                    int starts,
                    int events[2],
                    int starts_per_run,
                    const char* unit) {
  int fds[2], i;
  struct stopwatch watch = {0};
  uv_poll_t poll;
  uv_loop_t loop;

  CHECK(uv_loop_init(&loop) == 0);
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
  CHECK(uv_poll_init(&loop, &poll, fds[0]) == 0);
  stopwatch_start(&watch);
  for (i = 1; i <= starts; i++) {
    CHECK(uv_poll_start(&poll, events[i % 2], on_never) == 0);
    if (i % starts_per_run == 0) uv_run(&loop, UV_RUN_NOWAIT);
  }
  stopwatch_stop(&watch);
  bench_report(metric, starts, unit, &watch);
  uv_close((uv_handle_t*) &poll, NULL);
  bench_close_loop(&loop);
  for (i = 0; i < 2; i++) CHECK(close(fds[i]) == 0);
}

/* Changes the events of a handle, like programs with their own protocol state
 * between two writes. */
BENCH(poll_change_events) {
  int events[2] = {UV_READABLE, UV_READABLE | UV_DISCONNECT};
  restart("poll_change_events", bench_count(400000), events, 1, "changes");
}

/* hiredis's adapter starts with the same events for every command it queues. */
BENCH(poll_same_events) {
  int events[2] = {UV_READABLE, UV_READABLE};
  restart("poll_same_events", bench_count(1000000), events, 50, "starts");
}
