/* Timers: order, repeat, limits, and changes in callbacks. */

#include "test-callbacks.h"
#include "test-trace.h"

/* Lets `ms` milliseconds pass on the loop's own clock. */
static void pass_time(uv_loop_t* loop, uint64_t ms) {
  uint64_t until = uv_now(loop) + ms;
  while (uv_now(loop) < until) {
    uv_sleep(1);
    uv_update_time(loop);
  }
}

static void note_cb(uv_timer_t* timer) {
  note(*(const char*) timer->data);
}

static void count_cb(uv_timer_t* timer) {
  ++*(int*) timer->data;
}

TEST(timer_one_shot_fires_once_and_is_then_inactive) {
  uv_loop_t loop;
  uv_timer_t timer;
  int fired = 0;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_timer_init(&loop, &timer));
  ASSERT_EQ(uv_is_active((uv_handle_t*) &timer), 0);
  timer.data = &fired;
  ASSERT_OK(uv_timer_start(&timer, count_cb, 2, 0));
  ASSERT_EQ(uv_is_active((uv_handle_t*) &timer), 1);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(fired, 1);
  ASSERT_EQ(uv_is_active((uv_handle_t*) &timer), 0);
  CLOSE_LOOP(&loop);
}

struct due_timer {
  uv_timer_t timer;
  uint64_t due;
  int fired;
};

static void due_cb(uv_timer_t* timer) {
  struct due_timer* t = timer->data;
  ASSERT_GE(uv_now(timer->loop), t->due);
  t->fired++;
}

TEST(timer_never_fires_before_its_due_time) {
  uv_loop_t loop;
  struct due_timer timers[12] = {0};
  int i;

  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < 12; i++) {
    struct due_timer* t = &timers[i];
    uint64_t timeout = (uint64_t) (i * 7 % 12);
    t->due = uv_now(&loop) + timeout;
    ASSERT_OK(uv_timer_init(&loop, &t->timer));
    t->timer.data = t;
    ASSERT_OK(uv_timer_start(&t->timer, due_cb, timeout, 0));
  }
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  for (i = 0; i < 12; i++) ASSERT_EQ(timers[i].fired, 1);
  CLOSE_LOOP(&loop);
}

TEST(timer_order_is_due_time_then_start_order) {
  static const struct {
    uint64_t timeouts[6];
    const char* order;
  } cases[] = {
      {{1, 1, 1, 1, 1, 1}, "abcdef"}, {{6, 5, 4, 3, 2, 1}, "fedcba"},
      {{3, 1, 3, 1, 2, 0}, "fbdeac"}, {{0, 0, 1, 0, 1, 0}, "abdfce"},
      {{2, 2, 1, 1, 0, 0}, "efcdab"}, {{9, 0, 9, 0, 9, 0}, "bdface"},
  };
  size_t c;
  int i;

  for (c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
    uv_loop_t loop;
    uv_timer_t timers[6];

    trace[0] = '\0';
    ASSERT_OK(uv_loop_init(&loop));
    for (i = 0; i < 6; i++) {
      ASSERT_OK(uv_timer_init(&loop, &timers[i]));
      timers[i].data = (void*) &"abcdef"[i];
      ASSERT_OK(uv_timer_start(&timers[i], note_cb, cases[c].timeouts[i], 0));
    }
    /* All are due when the loop next looks: order is all that decides. */
    pass_time(&loop, 10);
    ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
    ASSERT_STR_EQ(trace, cases[c].order);
    CLOSE_LOOP(&loop);
  }
}

TEST(timer_restart_moves_behind_equal_ones) {
  uv_loop_t loop;
  uv_timer_t timers[3];
  int i;

  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < 3; i++) {
    ASSERT_OK(uv_timer_init(&loop, &timers[i]));
    timers[i].data = (void*) &"abc"[i];
    ASSERT_OK(uv_timer_start(&timers[i], note_cb, 1, 0));
  }
  ASSERT_OK(uv_timer_start(&timers[0], note_cb, 1, 0));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_STR_EQ(trace, "bca");
  CLOSE_LOOP(&loop);
}

TEST(timer_start_does_not_read_the_clock) {
  uv_loop_t loop;
  uv_timer_t timer;
  uint64_t now;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_timer_init(&loop, &timer));
  now = uv_now(&loop);
  uv_sleep(5);
  ASSERT_OK(uv_timer_start(&timer, never_timer, 1000, 0));
  ASSERT_EQ(uv_now(&loop), now);
  ASSERT_EQ(uv_timer_get_due_in(&timer), 1000);
  pass_time(&loop, 5);
  ASSERT_LE(uv_timer_get_due_in(&timer), 995);
  CLOSE_LOOP(&loop);
}

TEST(timer_due_in_counts_down_to_zero) {
  uv_loop_t loop;
  uv_timer_t timer;
  uint64_t start;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_timer_init(&loop, &timer));
  start = uv_now(&loop);
  ASSERT_OK(uv_timer_start(&timer, never_timer, 60, 0));
  ASSERT_EQ(uv_timer_get_due_in(&timer), 60);
  pass_time(&loop, 3);
  if (uv_now(&loop) < start + 60)
    ASSERT_EQ(uv_timer_get_due_in(&timer), 60 - (uv_now(&loop) - start));
  pass_time(&loop, 60);
  ASSERT_EQ(uv_timer_get_due_in(&timer), 0);
  CLOSE_LOOP(&loop);
}

static void repeat_cb(uv_timer_t* timer) {
  int* left = timer->data;
  ASSERT_EQ(uv_is_active((uv_handle_t*) timer), 1);
  ASSERT_EQ(uv_timer_get_repeat(timer), 1);
  ASSERT_EQ(uv_timer_get_due_in(timer), 1);
  if (--*left == 0) {
    ASSERT_OK(uv_timer_stop(timer));
    ASSERT_EQ(uv_is_active((uv_handle_t*) timer), 0);
  }
}

TEST(timer_repeats_until_stopped_in_its_callback) {
  uv_loop_t loop;
  uv_timer_t timer;
  int left = 5;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_timer_init(&loop, &timer));
  timer.data = &left;
  ASSERT_OK(uv_timer_start(&timer, repeat_cb, 0, 1));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(left, 0);
  CLOSE_LOOP(&loop);
}

/* A repeating timer that is many intervals late fires once, and counts its
 * next interval from now: it does not catch up. */
TEST(timer_repeat_does_not_catch_up) {
  uv_loop_t loop;
  uv_timer_t timer;
  int fired = 0;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_timer_init(&loop, &timer));
  timer.data = &fired;
  ASSERT_OK(uv_timer_start(&timer, count_cb, 1, 1000000));
  pass_time(&loop, 3);
  ASSERT_NE(uv_run(&loop, UV_RUN_NOWAIT), 0);
  ASSERT_EQ(fired, 1);
  ASSERT_EQ(uv_timer_get_due_in(&timer), 1000000);
  ASSERT_NE(uv_run(&loop, UV_RUN_NOWAIT), 0);
  ASSERT_EQ(fired, 1);
  CLOSE_LOOP(&loop);
}

TEST(timer_again_needs_a_callback_and_a_repeat) {
  uv_loop_t loop;
  uv_timer_t timer;
  int fired = 0;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_timer_init(&loop, &timer));
  ASSERT_EQ(uv_timer_again(&timer), UV_EINVAL);

  /* Without a repeat it leaves the timer as it is. */
  timer.data = &fired;
  ASSERT_OK(uv_timer_start(&timer, count_cb, 5000, 0));
  pass_time(&loop, 2);
  ASSERT_OK(uv_timer_again(&timer));
  ASSERT_EQ(uv_is_active((uv_handle_t*) &timer), 1);
  ASSERT_LT(uv_timer_get_due_in(&timer), 5000);
  ASSERT_OK(uv_timer_stop(&timer));
  ASSERT_OK(uv_timer_again(&timer));
  ASSERT_EQ(uv_is_active((uv_handle_t*) &timer), 0);

  /* With one it starts even a stopped timer, one interval from now. */
  uv_timer_set_repeat(&timer, 700);
  ASSERT_OK(uv_timer_again(&timer));
  ASSERT_EQ(uv_is_active((uv_handle_t*) &timer), 1);
  ASSERT_EQ(uv_timer_get_due_in(&timer), 700);
  ASSERT_EQ(fired, 0);

  /* A closing timer it does not start, and does not complain. */
  uv_close((uv_handle_t*) &timer, NULL);
  ASSERT_OK(uv_timer_again(&timer));
  ASSERT_EQ(uv_is_active((uv_handle_t*) &timer), 0);
  CLOSE_LOOP(&loop);
}

static void again_cb(uv_timer_t* timer) {
  int* fired = timer->data;
  if (++*fired == 1) {
    uv_timer_set_repeat(timer, 2);
    ASSERT_OK(uv_timer_again(timer));
    ASSERT_EQ(uv_timer_get_due_in(timer), 2);
  } else if (*fired == 3) {
    ASSERT_OK(uv_timer_stop(timer));
  }
}

TEST(timer_again_in_callback_revives_a_one_shot) {
  uv_loop_t loop;
  uv_timer_t timer;
  int fired = 0;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_timer_init(&loop, &timer));
  timer.data = &fired;
  ASSERT_OK(uv_timer_start(&timer, again_cb, 1, 0));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(fired, 3);
  CLOSE_LOOP(&loop);
}

static void change_repeat_cb(uv_timer_t* timer) {
  int* fired = timer->data;
  ++*fired;
  if (*fired == 1) {
    /* The next interval was decided before this callback ran. */
    uv_timer_set_repeat(timer, 100000);
    ASSERT_EQ(uv_timer_get_repeat(timer), 100000);
    ASSERT_EQ(uv_timer_get_due_in(timer), 1);
  } else {
    ASSERT_EQ(uv_timer_get_due_in(timer), 100000);
    uv_timer_set_repeat(timer, 0);
    ASSERT_OK(uv_timer_stop(timer));
  }
}

TEST(timer_set_repeat_in_callback_takes_effect_one_round_later) {
  uv_loop_t loop;
  uv_timer_t timer;
  int fired = 0;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_timer_init(&loop, &timer));
  timer.data = &fired;
  ASSERT_OK(uv_timer_start(&timer, change_repeat_cb, 1, 1));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(fired, 2);
  CLOSE_LOOP(&loop);
}

static void set_repeat_only_cb(uv_timer_t* timer) {
  count_cb(timer);
  uv_timer_set_repeat(timer, 1);
}

TEST(timer_set_repeat_does_not_start_a_one_shot_again) {
  uv_loop_t loop;
  uv_timer_t timer;
  int fired = 0;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_timer_init(&loop, &timer));
  timer.data = &fired;
  ASSERT_OK(uv_timer_start(&timer, set_repeat_only_cb, 1, 0));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(fired, 1);
  ASSERT_EQ(uv_timer_get_repeat(&timer), 1);
  CLOSE_LOOP(&loop);
}

TEST(timer_start_sets_the_repeat_and_stop_keeps_it) {
  uv_loop_t loop;
  uv_timer_t timer;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_timer_init(&loop, &timer));
  ASSERT_EQ(uv_timer_get_repeat(&timer), 0);
  ASSERT_OK(uv_timer_start(&timer, never_timer, 1000, 33));
  ASSERT_OK(uv_timer_stop(&timer));
  ASSERT_OK(uv_timer_stop(&timer));
  ASSERT_EQ(uv_timer_get_repeat(&timer), 33);
  ASSERT_OK(uv_timer_start(&timer, never_timer, 1000, 0));
  ASSERT_EQ(uv_timer_get_repeat(&timer), 0);
  CLOSE_LOOP(&loop);
}

TEST(timer_huge_timeouts_do_not_wrap) {
  static const uint64_t huge[] = {
      UINT64_MAX, UINT64_MAX - 1, (uint64_t) INT64_MAX + 1, INT64_MAX,
      (uint64_t) UINT32_MAX + 1, UINT32_MAX, (uint64_t) INT32_MAX + 1,
  };
  size_t i;

  for (i = 0; i < sizeof(huge) / sizeof(huge[0]); i++) {
    uv_loop_t loop;
    uv_timer_t far;
    uv_timer_t near;
    int fired = 0;

    ASSERT_OK(uv_loop_init(&loop));
    ASSERT_OK(uv_timer_init(&loop, &far));
    ASSERT_OK(uv_timer_init(&loop, &near));
    near.data = &fired;
    ASSERT_OK(uv_timer_start(&far, never_timer, huge[i], huge[i]));
    ASSERT_EQ(uv_timer_get_repeat(&far), (int64_t) huge[i]);
    ASSERT_NE(uv_run(&loop, UV_RUN_NOWAIT), 0);
    ASSERT_EQ(uv_backend_timeout(&loop), INT32_MAX);
    ASSERT_OK(uv_timer_start(&near, count_cb, 1, 0));
    ASSERT_NE(uv_run(&loop, UV_RUN_ONCE), 0);
    ASSERT_EQ(fired, 1);
    ASSERT_EQ(uv_is_active((uv_handle_t*) &far), 1);
    CLOSE_LOOP(&loop);
  }
}

TEST(timer_overflowing_due_time_is_the_last_of_all) {
  uv_loop_t loop;
  uv_timer_t timer;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_timer_init(&loop, &timer));
  ASSERT_OK(uv_timer_start(&timer, never_timer, UINT64_MAX, 0));
  ASSERT(uv_timer_get_due_in(&timer) == UINT64_MAX - uv_now(&loop));
  CLOSE_LOOP(&loop);
}

TEST(timer_null_callback_is_einval) {
  uv_loop_t loop;
  uv_timer_t timer;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_timer_init(&loop, &timer));
  ASSERT_EQ(uv_timer_start(&timer, NULL, 1, 1), UV_EINVAL);
  ASSERT_EQ(uv_is_active((uv_handle_t*) &timer), 0);

  /* A refused start leaves a running timer as it was. */
  ASSERT_OK(uv_timer_start(&timer, never_timer, 5000, 12));
  ASSERT_EQ(uv_timer_start(&timer, NULL, 1, 1), UV_EINVAL);
  ASSERT_EQ(uv_is_active((uv_handle_t*) &timer), 1);
  ASSERT_EQ(uv_timer_get_due_in(&timer), 5000);
  ASSERT_EQ(uv_timer_get_repeat(&timer), 12);
  CLOSE_LOOP(&loop);
}

TEST(timer_closing_handle_is_einval) {
  uv_loop_t loop;
  uv_timer_t timer;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_timer_init(&loop, &timer));
  ASSERT_OK(uv_timer_start(&timer, never_timer, 0, 0));
  uv_close((uv_handle_t*) &timer, NULL);
  ASSERT_EQ(uv_is_active((uv_handle_t*) &timer), 0);
  ASSERT_EQ(uv_timer_start(&timer, never_timer, 0, 0), UV_EINVAL);
  ASSERT_OK(uv_timer_stop(&timer));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(uv_timer_start(&timer, never_timer, 0, 0), UV_EINVAL);
  CLOSE_LOOP(&loop);
}

static void stop_peer_cb(uv_timer_t* timer) {
  note('a');
  ASSERT_OK(uv_timer_stop(timer->data));
}

TEST(timer_stopped_by_an_earlier_one_does_not_fire) {
  uv_loop_t loop;
  uv_timer_t first;
  uv_timer_t second;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_timer_init(&loop, &first));
  ASSERT_OK(uv_timer_init(&loop, &second));
  first.data = &second;
  ASSERT_OK(uv_timer_start(&first, stop_peer_cb, 1, 0));
  ASSERT_OK(uv_timer_start(&second, never_timer, 1, 0));
  pass_time(&loop, 2);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_STR_EQ(trace, "a");
  CLOSE_LOOP(&loop);
}

static void close_peer_cb(uv_timer_t* timer) {
  note('a');
  uv_close(timer->data, NULL);
  uv_close((uv_handle_t*) timer, NULL);
}

TEST(timer_closed_by_an_earlier_one_does_not_fire) {
  uv_loop_t loop;
  uv_timer_t first;
  uv_timer_t second;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_timer_init(&loop, &first));
  ASSERT_OK(uv_timer_init(&loop, &second));
  first.data = &second;
  ASSERT_OK(uv_timer_start(&first, close_peer_cb, 0, 1));
  ASSERT_OK(uv_timer_start(&second, never_timer, 0, 1));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_STR_EQ(trace, "a");
  ASSERT_OK(uv_loop_close(&loop));
}

static void postpone_peer_cb(uv_timer_t* timer) {
  note('a');
  ASSERT_OK(uv_timer_start(timer->data, note_cb, 3, 0));
}

TEST(timer_postponed_by_an_earlier_one_fires_once_later) {
  uv_loop_t loop;
  uv_timer_t first;
  uv_timer_t second;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_timer_init(&loop, &first));
  ASSERT_OK(uv_timer_init(&loop, &second));
  first.data = &second;
  second.data = "b";
  ASSERT_OK(uv_timer_start(&first, postpone_peer_cb, 1, 0));
  ASSERT_OK(uv_timer_start(&second, note_cb, 1, 0));
  pass_time(&loop, 2);
  ASSERT_NE(uv_run(&loop, UV_RUN_NOWAIT), 0);
  ASSERT_STR_EQ(trace, "a");
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_STR_EQ(trace, "ab");
  CLOSE_LOOP(&loop);
}

static void restart_zero_cb(uv_timer_t* timer) {
  note('t');
  ASSERT_OK(uv_timer_start(timer, restart_zero_cb, 0, 0));
}

static void note_idle_cb(uv_idle_t* idle) {
  note('i');
  if (strlen(trace) >= 6) uv_stop(idle->loop);
}

/* A timer that restarts itself with 0 runs once per iteration: the other
 * phases get their turn in between. */
TEST(timer_zero_from_callback_waits_for_the_next_iteration) {
  uv_loop_t loop;
  uv_timer_t timer;
  uv_idle_t idle;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_timer_init(&loop, &timer));
  ASSERT_OK(uv_idle_init(&loop, &idle));
  ASSERT_OK(uv_timer_start(&timer, restart_zero_cb, 0, 0));
  ASSERT_OK(uv_idle_start(&idle, note_idle_cb));
  ASSERT_NE(uv_run(&loop, UV_RUN_DEFAULT), 0);
  ASSERT_STR_EQ(trace, "tititit");
  CLOSE_LOOP(&loop);
}

static void start_peer_zero_cb(uv_timer_t* timer) {
  note('a');
  ASSERT_OK(uv_timer_start(timer->data, note_cb, 0, 0));
}

TEST(timer_zero_started_by_another_waits_for_the_next_iteration) {
  uv_loop_t loop;
  uv_timer_t first;
  uv_timer_t second;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_timer_init(&loop, &first));
  ASSERT_OK(uv_timer_init(&loop, &second));
  first.data = &second;
  second.data = "b";
  ASSERT_OK(uv_timer_start(&first, start_peer_zero_cb, 0, 0));
  ASSERT_NE(uv_run(&loop, UV_RUN_NOWAIT), 0);
  ASSERT_STR_EQ(trace, "a");
  ASSERT_EQ(uv_run(&loop, UV_RUN_NOWAIT), 0);
  ASSERT_STR_EQ(trace, "ab");
  CLOSE_LOOP(&loop);
}

static void reinit_close_cb(uv_handle_t* handle) {
  uv_timer_t* timer = (uv_timer_t*) handle;
  void* data = handle->data;

  if (++*(int*) data < 3) {
    ASSERT_OK(uv_timer_init(timer->loop, timer));
    timer->data = data;
    uv_close(handle, reinit_close_cb);
  }
}

TEST(timer_memory_is_reusable_in_its_close_callback) {
  uv_loop_t loop;
  uv_timer_t timer;
  int closed = 0;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_timer_init(&loop, &timer));
  timer.data = &closed;
  uv_close((uv_handle_t*) &timer, reinit_close_cb);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(closed, 3);
  ASSERT_OK(uv_loop_close(&loop));
}

TEST(timer_run_once_waits_for_the_nearest) {
  uv_loop_t loop;
  uv_timer_t near;
  uv_timer_t far;
  int fired = 0;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_timer_init(&loop, &near));
  ASSERT_OK(uv_timer_init(&loop, &far));
  near.data = &fired;
  ASSERT_OK(uv_timer_start(&far, never_timer, 100000, 0));
  ASSERT_OK(uv_timer_start(&near, count_cb, 5, 0));
  ASSERT_NE(uv_run(&loop, UV_RUN_ONCE), 0);
  ASSERT_EQ(fired, 1);
  CLOSE_LOOP(&loop);
}

TEST(timer_run_nowait_does_not_wait) {
  uv_loop_t loop;
  uv_timer_t timer;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_timer_init(&loop, &timer));
  ASSERT_OK(uv_timer_start(&timer, never_timer, 100000, 0));
  ASSERT_NE(uv_run(&loop, UV_RUN_NOWAIT), 0);
  CLOSE_LOOP(&loop);
}

TEST(timer_unreferenced_fires_only_while_something_else_runs) {
  uv_loop_t loop;
  uv_timer_t background;
  uv_timer_t keeper;
  int background_fired = 0;
  int keeper_fired = 0;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_timer_init(&loop, &background));
  ASSERT_OK(uv_timer_init(&loop, &keeper));
  background.data = &background_fired;
  keeper.data = &keeper_fired;
  ASSERT_OK(uv_timer_start(&background, count_cb, 1, 0));
  uv_unref((uv_handle_t*) &background);
  ASSERT_OK(uv_run(&loop, UV_RUN_ONCE));
  ASSERT_OK(uv_timer_start(&background, count_cb, 1, 0));
  ASSERT_OK(uv_timer_start(&keeper, count_cb, 3, 0));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(keeper_fired, 1);
  ASSERT_GE(background_fired, 1);
  CLOSE_LOOP(&loop);
}

#define MANY 100000

static uint64_t last_due;
static unsigned many_fired;

static void many_cb(uv_timer_t* timer) {
  uint64_t due = (uint64_t) (uintptr_t) timer->data;
  ASSERT_GE(due, last_due);
  last_due = due;
  many_fired++;
}

/* Insert 100000 timers in random order, cancel and move random ones, and see
 * the rest arrive in order, none lost and none twice. */
TEST(timer_hundred_thousand_random_inserts_and_cancels) {
  uv_loop_t loop;
  uv_timer_t* timers = calloc(MANY, sizeof(*timers));
  uint32_t seed = 20240917;
  unsigned expected = 0;
  unsigned i;

  ASSERT_NOT_NULL(timers);
  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < MANY; i++) {
    uint64_t timeout = (seed = seed * 1664525 + 1013904223) >> 27;
    ASSERT_OK(uv_timer_init(&loop, &timers[i]));
    timers[i].data = (void*) (uintptr_t) timeout;
    ASSERT_OK(uv_timer_start(&timers[i], many_cb, timeout, 0));
  }
  for (i = 0; i < MANY; i++) {
    unsigned which = ((seed = seed * 1664525 + 1013904223) >> 8) % MANY;
    if (i % 3 == 0) {
      ASSERT_OK(uv_timer_stop(&timers[which]));
    } else if (i % 3 == 1) {
      uint64_t timeout = (seed = seed * 1664525 + 1013904223) >> 27;
      timers[which].data = (void*) (uintptr_t) timeout;
      ASSERT_OK(uv_timer_start(&timers[which], many_cb, timeout, 0));
    }
  }
  for (i = 0; i < MANY; i++)
    expected += (unsigned) uv_is_active((uv_handle_t*) &timers[i]);
  ASSERT_GT(expected, MANY / 2);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(many_fired, expected);
  CLOSE_LOOP(&loop);
  free(timers);
}

/* Timers due soon and much later, started, moved and stopped at random: the
 * nearest is known to the millisecond after each step. */
TEST(timer_backend_timeout_is_exact_among_many) {
  enum { COUNT = 2000, STEPS = 3000 };
  static const uint32_t longest[] = {30, 3000, 300000, 100000000};
  static uv_timer_t timers[COUNT];
  uint32_t seed = 20261123;
  uv_loop_t loop;
  int i, step;

  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < COUNT; i++) {
    ASSERT_OK(uv_timer_init(&loop, &timers[i]));
    ASSERT_OK(uv_timer_start(&timers[i], never_timer, 100000 + i, 0));
  }
  ASSERT_NE(uv_run(&loop, UV_RUN_NOWAIT), 0);
  for (step = 0; step < STEPS; step++) {
    uint32_t which = ((seed = seed * 1664525 + 1013904223) >> 8) % COUNT;
    uint32_t timeout = (seed = seed * 1664525 + 1013904223) >> 4;
    uint64_t nearest = UINT64_MAX;

    if (step % 3 == 0)
      ASSERT_OK(uv_timer_stop(&timers[which]));
    else
      ASSERT_OK(uv_timer_start(&timers[which], never_timer,
                               1 + timeout % longest[step % 4], 0));
    for (i = 0; i < COUNT; i++)
      if (uv_is_active((uv_handle_t*) &timers[i]) &&
          uv_timer_get_due_in(&timers[i]) < nearest)
        nearest = uv_timer_get_due_in(&timers[i]);
    ASSERT_EQ((uint64_t) uv_backend_timeout(&loop), nearest);
  }
  CLOSE_LOOP(&loop);
}

#define EQUALS 3000

static int next_of_equals;

static void equal_cb(uv_timer_t* timer) {
  ASSERT_EQ((int) (intptr_t) timer->data, next_of_equals);
  next_of_equals++;
}

/* Started at different times for the same moment. */
TEST(timer_order_of_equal_ones_is_that_of_starting_however_early) {
  static const uint64_t ahead[] = {1500, 1200, 400, 50, 1};
  static uv_timer_t timers[EQUALS];
  uv_loop_t loop;
  uint64_t due;
  int i;

  ASSERT_OK(uv_loop_init(&loop));
  due = uv_now(&loop) + ahead[0];
  for (i = 0; i < EQUALS; i++) {
    uint64_t now = uv_now(&loop);
    uint64_t start = due - ahead[i * 5 / EQUALS];
    if (now < start) {
      pass_time(&loop, start - now);
      /* On a busy machine so much has passed that none is left. */
      uv_run(&loop, UV_RUN_NOWAIT);
      now = uv_now(&loop);
    }
    ASSERT_OK(uv_timer_init(&loop, &timers[i]));
    timers[i].data = (void*) (intptr_t) i;
    /* On a busy machine it may be late already; then it waits for the rest. */
    if (now > due) due = now;
    ASSERT_OK(uv_timer_start(&timers[i], equal_cb, due - now, 0));
  }
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(next_of_equals, EQUALS);
  CLOSE_LOOP(&loop);
}

TEST(timer_backend_timeout_is_the_nearest_due_time) {
  uv_loop_t loop;
  uv_timer_t a;
  uv_timer_t b;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_timer_init(&loop, &a));
  ASSERT_OK(uv_timer_init(&loop, &b));
  ASSERT_EQ(uv_backend_timeout(&loop), 0); /* nothing to wait for */
  /* Before its first iteration a loop may ask for one at once. */
  ASSERT_OK(uv_timer_start(&b, never_timer, 100000, 0));
  ASSERT_NE(uv_run(&loop, UV_RUN_NOWAIT), 0);
  ASSERT_OK(uv_timer_start(&a, never_timer, 5000, 0));
  ASSERT_EQ(uv_backend_timeout(&loop), 5000);
  ASSERT_OK(uv_timer_start(&b, never_timer, 70, 0));
  ASSERT_EQ(uv_backend_timeout(&loop), 70);
  ASSERT_OK(uv_timer_stop(&b));
  ASSERT_EQ(uv_backend_timeout(&loop), 5000);
  uv_unref((uv_handle_t*) &a);
  ASSERT_EQ(uv_backend_timeout(&loop), 0);
  uv_ref((uv_handle_t*) &a);
  ASSERT_EQ(uv_backend_timeout(&loop), 5000);
  uv_stop(&loop);
  ASSERT_EQ(uv_backend_timeout(&loop), 0);
  ASSERT_NE(uv_run(&loop, UV_RUN_DEFAULT), 0);
  CLOSE_LOOP(&loop);
}
