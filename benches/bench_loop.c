/* The cost of a loop iteration without events. */
#include "bench.h"

static int ticks_left;

static void on_idle(uv_idle_t* idle) {
  if (--ticks_left == 0) uv_close((uv_handle_t*) idle, NULL);
}

/* An idle handle prevents the loop from blocking. */
BENCH(loop_count) {
  int ticks = bench_count(2000000);
  struct stopwatch watch = {0};
  uv_loop_t loop;
  uv_idle_t idle;

  CHECK(uv_loop_init(&loop) == 0);
  CHECK(uv_idle_init(&loop, &idle) == 0);
  CHECK(uv_idle_start(&idle, on_idle) == 0);
  ticks_left = ticks;
  stopwatch_start(&watch);
  CHECK(uv_run(&loop, UV_RUN_DEFAULT) == 0);
  stopwatch_stop(&watch);
  bench_report("loop_count", ticks, "ticks", &watch);
  bench_close_loop(&loop);
}

static void on_timer(uv_timer_t* timer) {
  if (--ticks_left == 0)
    uv_close((uv_handle_t*) timer, NULL);
  else
    CHECK(uv_timer_start(timer, on_timer, 0, 0) == 0);
}

/* A timer of 0 ms that restarts itself: one expiry in every iteration. */
BENCH(loop_count_timer) {
  int ticks = bench_count(2000000);
  struct stopwatch watch = {0};
  uv_loop_t loop;
  uv_timer_t timer;

  CHECK(uv_loop_init(&loop) == 0);
  CHECK(uv_timer_init(&loop, &timer) == 0);
  CHECK(uv_timer_start(&timer, on_timer, 0, 0) == 0);
  ticks_left = ticks;
  stopwatch_start(&watch);
  CHECK(uv_run(&loop, UV_RUN_DEFAULT) == 0);
  stopwatch_stop(&watch);
  bench_report("loop_count_timer", ticks, "ticks", &watch);
  bench_close_loop(&loop);
}
