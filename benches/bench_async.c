/* Wake-ups of a loop from other threads. */
#include "bench.h"

#include <pthread.h>
#include <stdatomic.h>

enum { MAX_THREADS = 8 };

/* ---- One message at a time between two loops ---------------------------- */

struct peer {
  uv_loop_t loop;
  uv_async_t wakeup;
  struct peer* other;
  int rounds_left; /* of the peer that begins */
};

static void on_ping(uv_async_t* wakeup) {
  struct peer* peer = wakeup->data;
  int last = peer->other->rounds_left == 0;

  CHECK(uv_async_send(&peer->other->wakeup) == 0);
  if (last) uv_close((uv_handle_t*) wakeup, NULL);
}

static void on_pong(uv_async_t* wakeup) {
  struct peer* peer = wakeup->data;

  if (peer->rounds_left == 0) {
    uv_close((uv_handle_t*) wakeup, NULL);
    return;
  }
  peer->rounds_left--;
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

/* Both loops sleep between messages, so this measures the latency of a wake-up
 * in both directions. Each pair has its own threads, loops and message. */
static void ping_pong(const char* metric, int pairs) {
  int rounds = bench_count(50000) / pairs, i;
  struct stopwatch watch = {0};
  struct peer(*peers)[2] = calloc(pairs, sizeof(*peers));
  pthread_t threads[MAX_THREADS][2];

  CHECK(peers != NULL);
  for (i = 0; i < pairs; i++) {
    peer_init(&peers[i][0], &peers[i][1], on_pong);
    peer_init(&peers[i][1], &peers[i][0], on_ping);
    peers[i][0].rounds_left = rounds;
  }
  stopwatch_start(&watch);
  for (i = 0; i < 2 * pairs; i++)
    CHECK(pthread_create(&threads[i / 2][i % 2], NULL, run_peer,
                         &peers[i / 2][i % 2]) == 0);
  for (i = 0; i < pairs; i++)
    CHECK(uv_async_send(&peers[i][0].wakeup) == 0);
  for (i = 0; i < 2 * pairs; i++)
    CHECK(pthread_join(threads[i / 2][i % 2], NULL) == 0);
  stopwatch_stop(&watch);
  bench_report(metric, (double) rounds * pairs, "round trips", &watch);
  for (i = 0; i < 2 * pairs; i++) bench_close_loop(&peers[i / 2][i % 2].loop);
  free(peers);
}

BENCH(async1) {
  ping_pong("async1", 1);
}

BENCH(async2) {
  ping_pong("async2", 2);
}

BENCH(async4) {
  ping_pong("async4", 4);
}

BENCH(async8) {
  ping_pong("async8", 8);
}

/* ---- Several threads send to one handle as fast as they can ------------- */

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
  struct stopwatch watch = {0};
  pthread_t senders[MAX_THREADS];
  uv_loop_t loop;
  uv_async_t wakeup;
  int i;

  CHECK(uv_loop_init(&loop) == 0);
  CHECK(uv_async_init(&loop, &wakeup, on_pummel) == 0);
  callbacks_left = callbacks;
  stopwatch_start(&watch);
  for (i = 0; i < count; i++)
    CHECK(pthread_create(&senders[i], NULL, send_until_done, &wakeup) == 0);
  /* The handle stays open while a sender can use it. */
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

BENCH(async_pummel_2) {
  pummel("async_pummel_2", 2);
}

BENCH(async_pummel_4) {
  pummel("async_pummel_4", 4);
}

BENCH(async_pummel_8) {
  pummel("async_pummel_8", 8);
}

/* Sends to a handle that is already pending. */
BENCH(async_send_coalesced) {
  int sends = bench_count(50000000);
  struct stopwatch watch = {0};
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
