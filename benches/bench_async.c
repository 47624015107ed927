/* Wake-ups of a loop from other threads. */
#include "bench.h"

#include <pthread.h>
#include <stdatomic.h>

static int rounds_left;

/* ---- One message at a time between two loops ---------------------------- */

struct peer {
  uv_loop_t loop;
  uv_async_t wakeup;
  struct peer* other;
};

static void on_ping(uv_async_t* wakeup) {
  struct peer* peer = wakeup->data;
  int last = rounds_left == 0;

  CHECK(uv_async_send(&peer->other->wakeup) == 0);
  if (last) uv_close((uv_handle_t*) wakeup, NULL);
}

static void on_pong(uv_async_t* wakeup) {
  struct peer* peer = wakeup->data;

  if (rounds_left == 0) {
    uv_close((uv_handle_t*) wakeup, NULL);
    return;
  }
  rounds_left--;
  CHECK(uv_async_send(&peer->other->wakeup) == 0);
}

static void peer_init(struct peer* peer, struct peer* other, uv_async_cb cb) {
  CHECK(uv_loop_init(&peer->loop) == 0);
  CHECK(uv_async_init(&peer->loop, &peer->wakeup, cb) == 0);
  peer->wakeup.data = peer;
  peer->other = other;
}

static void* run_peer(void* arg) {
  struct peer* peer = arg;
  CHECK(uv_run(&peer->loop, UV_RUN_DEFAULT) == 0);
  return NULL;
}

/* Both loops sleep between messages, so this is wake-up latency, there and
 * back. Whoever holds the message may use rounds_left; it needs no lock. */
BENCH(async1) {
  int rounds = bench_count(50000);
  struct stopwatch watch = {0, 0};
  struct peer here, there;
  pthread_t thread;

  peer_init(&here, &there, on_pong);
  peer_init(&there, &here, on_ping);
  CHECK(pthread_create(&thread, NULL, run_peer, &there) == 0);
  rounds_left = rounds;
  stopwatch_start(&watch);
  CHECK(uv_async_send(&here.wakeup) == 0);
  run_peer(&here);
  stopwatch_stop(&watch);
  CHECK(pthread_join(thread, NULL) == 0);
  bench_report("async1", rounds, "round trips", &watch);
  bench_close_loop(&here.loop);
  bench_close_loop(&there.loop);
}

/* ---- Several threads send to one handle as fast as they can ------------- */

enum { MAX_SENDERS = 4 };

static atomic_int callbacks_left;

static void on_pummel(uv_async_t* wakeup) {
  (void) wakeup;
  atomic_fetch_sub(&callbacks_left, 1);
}

static void* send_until_done(void* arg) {
  while (atomic_load_explicit(&callbacks_left, memory_order_relaxed) > 0)
    CHECK(uv_async_send(arg) == 0);
  return NULL;
}

static void pummel(const char* metric, int count) {
  int callbacks = bench_count(50000);
  struct stopwatch watch = {0, 0};
  pthread_t senders[MAX_SENDERS];
  uv_loop_t loop;
  uv_async_t wakeup;
  int i;

  CHECK(uv_loop_init(&loop) == 0);
  CHECK(uv_async_init(&loop, &wakeup, on_pummel) == 0);
  callbacks_left = callbacks;
  stopwatch_start(&watch);
  for (i = 0; i < count; i++)
    CHECK(pthread_create(&senders[i], NULL, send_until_done, &wakeup) == 0);
  /* The handle stays open until no sender can use it any more. */
  while (callbacks_left > 0) uv_run(&loop, UV_RUN_ONCE);
  stopwatch_stop(&watch);
  for (i = 0; i < count; i++) CHECK(pthread_join(senders[i], NULL) == 0);
  bench_report(metric, callbacks, "callbacks", &watch);
  uv_close((uv_handle_t*) &wakeup, NULL);
  bench_close_loop(&loop);
}

BENCH(async_pummel_1) {
  pummel("async_pummel_1", 1);
}

BENCH(async_pummel_4) {
  pummel("async_pummel_4", 4);
}

/* What a send costs that finds the handle already woken up. */
BENCH(async_send_coalesced) {
  int sends = bench_count(50000000);
  struct stopwatch watch = {0, 0};
  uv_loop_t loop;
  uv_async_t wakeup;
  int i;

  CHECK(uv_loop_init(&loop) == 0);
  CHECK(uv_async_init(&loop, &wakeup, NULL) == 0);
  stopwatch_start(&watch);
  for (i = 0; i < sends; i++) CHECK(uv_async_send(&wakeup) == 0);
  stopwatch_stop(&watch);
  bench_report("async_send_coalesced", sends, "sends", &watch);
  uv_close((uv_handle_t*) &wakeup, NULL);
  bench_close_loop(&loop);
}
