/* A million timers: starting, expiring and stopping, each timed separately. */
#include "bench.h"

enum { MAX_TIMEOUT_MS = 500 };

static int expired;

static void on_timer(uv_timer_t* timer) {
  (void) timer;
  expired++;
}

static uint64_t random_timeout(uint32_t* state) {
  *state = *state * 1664525 + 1013904223;
  return 1 + (*state >> 8) % MAX_TIMEOUT_MS;
}

/* Starts every timer, with ascending or random timeouts. */
static void insert(uv_timer_t* timers, int count, int ascending) {
  uint32_t state = 1;
  int i;

  for (i = 0; i < count; i++) {
    uint64_t timeout = ascending
                           ? 1 + (uint64_t) i * MAX_TIMEOUT_MS / (count + 1)
                           : random_timeout(&state);
    CHECK(uv_timer_start(&timers[i], on_timer, timeout, 0) == 0);
  }
}

static void run(const char* name, int ascending) {
  int count = bench_count(1000000);
  struct stopwatch inserting = {0};
  struct stopwatch dispatching = {0};
  struct stopwatch cancelling = {0};
  uv_timer_t* timers = malloc(count * sizeof(*timers));
  uv_loop_t loop;
  int i;

  CHECK(timers != NULL);
  CHECK(uv_loop_init(&loop) == 0);
  for (i = 0; i < count; i++) CHECK(uv_timer_init(&loop, &timers[i]) == 0);

  stopwatch_start(&inserting);
  insert(timers, count, ascending);
  stopwatch_stop(&inserting);

  /* Wait outside the measurement until all of them are due. */
  uv_sleep(MAX_TIMEOUT_MS + 1);
  expired = 0;
  stopwatch_start(&dispatching);
  CHECK(uv_run(&loop, UV_RUN_DEFAULT) == 0);
  stopwatch_stop(&dispatching);
  CHECK(expired == count);

  insert(timers, count, ascending);
  stopwatch_start(&cancelling);
  for (i = 0; i < count; i++) CHECK(uv_timer_stop(&timers[i]) == 0);
  stopwatch_stop(&cancelling);
  CHECK(!uv_loop_alive(&loop));

  bench_report_part(name, "insert", count, "timers", &inserting);
  bench_report_part(name, "dispatch", count, "timers", &dispatching);
  bench_report_part(name, "cancel", count, "timers", &cancelling);

  for (i = 0; i < count; i++) uv_close((uv_handle_t*) &timers[i], NULL);
  bench_close_loop(&loop);
  free(timers);
}

/* Random timeouts, like those of connections with different deadlines. */
BENCH(million_timers) {
  run("million_timers", 0);
}

/* Each timer due no earlier than the one before it. */
BENCH(million_timers_ordered) {
  run("million_timers_ordered", 1);
}

/* Starts timers with distinct due times, none of them during the benchmark. */
static void insert_sparse(uv_timer_t* timers, const uint32_t* ranks, int count,
                          struct stopwatch* watch) {
  int i;

  stopwatch_start(watch);
  for (i = 0; i < count; i++)
    CHECK(uv_timer_start(&timers[i], on_timer, 10000 + ranks[i], 0) == 0);
  stopwatch_stop(watch);
}

/* Times stopping in the order of starting, in which due times are random, and
 * in the order of due times, in which each timer is the first. */
BENCH(million_timers_sparse) {
  int count = bench_count(1000000);
  struct stopwatch inserting = {0};
  struct stopwatch cancelling = {0};
  struct stopwatch cancelling_first = {0};
  struct stopwatch untimed = {0};
  uv_timer_t* timers = malloc(count * sizeof(*timers));
  uint32_t* ranks = calloc(count, sizeof(*ranks));
  uint32_t* in_order = malloc(count * sizeof(*in_order));
  uint32_t state = 1;
  uv_loop_t loop;
  int i;

  CHECK(timers != NULL && ranks != NULL && in_order != NULL);
  CHECK(uv_loop_init(&loop) == 0);
  for (i = 0; i < count; i++) {
    uint32_t other = (state = state * 1664525 + 1013904223) / 4 % (i + 1);
    CHECK(uv_timer_init(&loop, &timers[i]) == 0);
    ranks[i] = ranks[other];
    ranks[other] = i;
  }
  for (i = 0; i < count; i++) in_order[ranks[i]] = i;

  insert_sparse(timers, ranks, count, &inserting);
  stopwatch_start(&cancelling);
  for (i = 0; i < count; i++) CHECK(uv_timer_stop(&timers[i]) == 0);
  stopwatch_stop(&cancelling);

  insert_sparse(timers, ranks, count, &untimed);
  stopwatch_start(&cancelling_first);
  for (i = 0; i < count; i++) {
    CHECK(uv_backend_timeout(&loop) >= 0);
    CHECK(uv_timer_stop(&timers[in_order[i]]) == 0);
  }
  stopwatch_stop(&cancelling_first);
  CHECK(!uv_loop_alive(&loop));

  bench_report("million_timers_sparse.insert", count, "timers", &inserting);
  bench_report("million_timers_sparse.cancel", count, "timers", &cancelling);
  bench_report("million_timers_sparse.cancel_first", count, "timers",
               &cancelling_first);

  for (i = 0; i < count; i++) uv_close((uv_handle_t*) &timers[i], NULL);
  bench_close_loop(&loop);
  free(in_order);
  free(ranks);
  free(timers);
}
