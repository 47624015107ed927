/* The loop: run modes, stop, close, walk and the clock. */

#include "test-callbacks.h"
#include "test-trace.h"

#include <time.h>

NOTE_CALLBACK(timer_cb, uv_timer_t)
NOTE_CALLBACK(idle_cb, uv_idle_t)
NOTE_CALLBACK(prepare_cb, uv_prepare_t)
NOTE_CALLBACK(check_cb, uv_check_t)
NOTE_CALLBACK(close_cb, uv_handle_t)

TEST(loop_run_of_an_empty_loop_returns_zero) {
  static const uv_run_mode modes[] = {UV_RUN_DEFAULT, UV_RUN_ONCE,
                                      UV_RUN_NOWAIT};
  uv_loop_t loop;
  uv_timer_t stopped;
  uv_idle_t unreferenced;
  size_t i;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_timer_init(&loop, &stopped));
  ASSERT_OK(uv_idle_init(&loop, &unreferenced));
  unreferenced.data = "i";
  ASSERT_OK(uv_idle_start(&unreferenced, idle_cb));
  uv_unref((uv_handle_t*) &unreferenced);
  for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
    ASSERT_EQ(uv_loop_alive(&loop), 0);
    ASSERT_EQ(uv_run(&loop, modes[i]), 0);
  }
  /* A loop that is not alive does not begin an iteration. */
  ASSERT_STR_EQ(trace, "");
  uv_ref((uv_handle_t*) &unreferenced);
  ASSERT_NE(uv_run(&loop, UV_RUN_NOWAIT), 0);
  ASSERT_STR_EQ(trace, "i");
  CLOSE_LOOP(&loop);
}

TEST(loop_run_returns_whether_it_is_still_alive) {
  static const uv_run_mode modes[] = {UV_RUN_ONCE, UV_RUN_NOWAIT};
  uv_loop_t loop;
  uv_idle_t idle;
  uv_timer_t timer;
  size_t i;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_idle_init(&loop, &idle));
  ASSERT_OK(uv_timer_init(&loop, &timer));
  idle.data = "i";
  timer.data = "t";
  for (i = 0; i < 2; i++) {
    ASSERT_OK(uv_idle_start(&idle, idle_cb));
    ASSERT_EQ(uv_run(&loop, modes[i]), 1);
    ASSERT_OK(uv_idle_stop(&idle));
    ASSERT_OK(uv_timer_start(&timer, timer_cb, 0, 0));
    ASSERT_EQ(uv_loop_alive(&loop), 1);
    /* The last timer ran at the end of this iteration: no_work is left. */
    ASSERT_EQ(uv_run(&loop, modes[i]), 0);
    ASSERT_EQ(uv_loop_alive(&loop), 0);
  }
  ASSERT_STR_EQ(trace, "itit");
  CLOSE_LOOP(&loop);
}

TEST(loop_alive_counts_closing_handles) {
  uv_loop_t loop;
  uv_timer_t timer;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_timer_init(&loop, &timer));
  uv_unref((uv_handle_t*) &timer);
  ASSERT_EQ(uv_loop_alive(&loop), 0);
  timer.data = "x";
  uv_close((uv_handle_t*) &timer, close_cb);
  ASSERT_NE(uv_loop_alive(&loop), 0);
  ASSERT_EQ(uv_backend_timeout(&loop), 0);
  ASSERT_EQ(uv_run(&loop, UV_RUN_NOWAIT), 0);
  ASSERT_STR_EQ(trace, "x");
  ASSERT_OK(uv_loop_close(&loop));
}

static void after_nothing(uv_work_t* req, int status) {
  (void) req;
  ASSERT_OK(status);
  note('w');
}

TEST(loop_alive_counts_active_requests) {
  uv_loop_t loop;
  uv_work_t req;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_queue_work(&loop, &req, no_work, after_nothing));
  ASSERT_NE(uv_loop_alive(&loop), 0);
  ASSERT_EQ(uv_loop_close(&loop), UV_EBUSY);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(uv_loop_alive(&loop), 0);
  ASSERT_STR_EQ(trace, "w");
  ASSERT_OK(uv_loop_close(&loop));
}

/* A second close for a handle that a close callback closes: both get theirs,
 * the second in a later iteration. */
static void close_next_cb(uv_handle_t* handle) {
  note('1');
  uv_close(handle->data, close_cb);
}

TEST(loop_close_from_close_callback_is_for_the_next_iteration) {
  uv_loop_t loop;
  uv_idle_t first;
  uv_idle_t second;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_idle_init(&loop, &first));
  ASSERT_OK(uv_idle_init(&loop, &second));
  first.data = &second;
  second.data = "2";
  uv_close((uv_handle_t*) &first, close_next_cb);
  ASSERT_NE(uv_run(&loop, UV_RUN_NOWAIT), 0);
  ASSERT_STR_EQ(trace, "1");
  ASSERT_EQ(uv_run(&loop, UV_RUN_NOWAIT), 0);
  ASSERT_STR_EQ(trace, "12");
  ASSERT_OK(uv_loop_close(&loop));
}

TEST(loop_close_callbacks_run_last_closed_first) {
  uv_loop_t loop;
  uv_timer_t timers[4];
  int i;

  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < 4; i++) {
    ASSERT_OK(uv_timer_init(&loop, &timers[i]));
    timers[i].data = (void*) &"abcd"[i];
    uv_close((uv_handle_t*) &timers[i], close_cb);
  }
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_STR_EQ(trace, "dcba");
  ASSERT_OK(uv_loop_close(&loop));
}

static void stop_cb(uv_idle_t* idle) {
  note('i');
  uv_stop(idle->loop);
}

TEST(loop_stop_finishes_the_iteration_without_waiting) {
  uv_loop_t loop;
  uv_idle_t idle;
  uv_prepare_t prepare;
  uv_check_t check;
  uv_timer_t timer;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_idle_init(&loop, &idle));
  ASSERT_OK(uv_prepare_init(&loop, &prepare));
  ASSERT_OK(uv_check_init(&loop, &check));
  ASSERT_OK(uv_timer_init(&loop, &timer));
  prepare.data = "p";
  check.data = "c";
  ASSERT_OK(uv_idle_start(&idle, stop_cb));
  ASSERT_OK(uv_prepare_start(&prepare, prepare_cb));
  ASSERT_OK(uv_check_start(&check, check_cb));
  ASSERT_OK(uv_timer_start(&timer, timer_cb, 1000000, 0));
  ASSERT_NE(uv_run(&loop, UV_RUN_DEFAULT), 0);
  ASSERT_STR_EQ(trace, "ipc");
  /* The request to stop is used up: the next run goes on until the next. */
  ASSERT_NE(uv_run(&loop, UV_RUN_DEFAULT), 0);
  ASSERT_STR_EQ(trace, "ipcipc");
  CLOSE_LOOP(&loop);
}

TEST(loop_stop_before_run_skips_one_run) {
  static const uv_run_mode modes[] = {UV_RUN_DEFAULT, UV_RUN_ONCE,
                                      UV_RUN_NOWAIT};
  size_t i;

  for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
    uv_loop_t loop;
    uv_timer_t timer;

    trace[0] = '\0';
    ASSERT_OK(uv_loop_init(&loop));
    ASSERT_OK(uv_timer_init(&loop, &timer));
    timer.data = "t";
    ASSERT_OK(uv_timer_start(&timer, timer_cb, 0, 0));
    uv_stop(&loop);
    uv_stop(&loop);
    ASSERT_NE(uv_run(&loop, modes[i]), 0);
    ASSERT_STR_EQ(trace, "");
    ASSERT_EQ(uv_run(&loop, modes[i]), 0);
    ASSERT_STR_EQ(trace, "t");
    CLOSE_LOOP(&loop);
  }
}

TEST(loop_stop_of_an_empty_loop_is_forgotten) {
  uv_loop_t loop;
  uv_timer_t timer;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_timer_init(&loop, &timer));
  timer.data = "t";
  uv_stop(&loop);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_OK(uv_timer_start(&timer, timer_cb, 0, 0));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_STR_EQ(trace, "t");
  CLOSE_LOOP(&loop);
}

static void stop_timer_cb(uv_timer_t* timer) {
  note('t');
  uv_stop(timer->loop);
}

TEST(loop_stop_in_a_timer_still_runs_the_other_due_timers) {
  uv_loop_t loop;
  uv_timer_t first;
  uv_timer_t second;
  uv_idle_t idle;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_timer_init(&loop, &first));
  ASSERT_OK(uv_timer_init(&loop, &second));
  ASSERT_OK(uv_idle_init(&loop, &idle));
  second.data = "u";
  idle.data = "i";
  ASSERT_OK(uv_timer_start(&first, stop_timer_cb, 0, 0));
  ASSERT_OK(uv_timer_start(&second, timer_cb, 0, 0));
  ASSERT_OK(uv_idle_start(&idle, idle_cb));
  /* Stopped by the timers that come before the first iteration, which then
   * does not begin. */
  ASSERT_NE(uv_run(&loop, UV_RUN_DEFAULT), 0);
  ASSERT_STR_EQ(trace, "tu");
  CLOSE_LOOP(&loop);
}

TEST(loop_once_does_not_wait_when_an_idle_handle_is_active) {
  uv_loop_t loop;
  uv_idle_t idle;
  uv_timer_t timer;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_idle_init(&loop, &idle));
  ASSERT_OK(uv_timer_init(&loop, &timer));
  idle.data = "i";
  ASSERT_OK(uv_idle_start(&idle, idle_cb));
  ASSERT_OK(uv_timer_start(&timer, timer_cb, 1000000, 0));
  ASSERT_EQ(uv_backend_timeout(&loop), 0);
  ASSERT_NE(uv_run(&loop, UV_RUN_ONCE), 0);
  ASSERT_STR_EQ(trace, "i");
  CLOSE_LOOP(&loop);
}

static void inner_run_cb(uv_timer_t* timer) {
  uv_loop_t* inner = timer->data;
  note('(');
  ASSERT_OK(uv_run(inner, UV_RUN_DEFAULT));
  note(')');
}

TEST(loop_runs_inside_a_callback_of_another_loop) {
  uv_loop_t outer;
  uv_loop_t inner;
  uv_timer_t outer_timer;
  uv_timer_t inner_timer;

  ASSERT_OK(uv_loop_init(&outer));
  ASSERT_OK(uv_loop_init(&inner));
  ASSERT_OK(uv_timer_init(&outer, &outer_timer));
  ASSERT_OK(uv_timer_init(&inner, &inner_timer));
  outer_timer.data = &inner;
  inner_timer.data = "i";
  ASSERT_OK(uv_timer_start(&outer_timer, inner_run_cb, 0, 0));
  ASSERT_OK(uv_timer_start(&inner_timer, timer_cb, 1, 0));
  ASSERT_OK(uv_run(&outer, UV_RUN_DEFAULT));
  ASSERT_STR_EQ(trace, "(i)");
  CLOSE_LOOP(&inner);
  CLOSE_LOOP(&outer);
}

TEST(loop_close_is_busy_until_every_handle_is_closed) {
  uv_loop_t loop;
  uv_timer_t timer;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_timer_init(&loop, &timer));
  timer.data = "x";
  /* Stopped and unreferenced, but open. */
  uv_unref((uv_handle_t*) &timer);
  ASSERT_EQ(uv_loop_close(&loop), UV_EBUSY);
  /* The refusal changed no_work: the loop runs. */
  uv_ref((uv_handle_t*) &timer);
  ASSERT_OK(uv_timer_start(&timer, timer_cb, 0, 0));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  uv_close((uv_handle_t*) &timer, close_cb);
  ASSERT_EQ(uv_loop_close(&loop), UV_EBUSY);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_STR_EQ(trace, "xx");
  ASSERT_OK(uv_loop_close(&loop));
}

TEST(loop_memory_is_reusable_after_close) {
  uv_loop_t loop;
  uv_timer_t timer;
  int i;

  for (i = 0; i < 3; i++) {
    memset(&loop, 0xa5, sizeof(loop));
    memset(&timer, 0xa5, sizeof(timer));
    ASSERT_OK(uv_loop_init(&loop));
    ASSERT_OK(uv_timer_init(&loop, &timer));
    timer.data = "t";
    ASSERT_OK(uv_timer_start(&timer, timer_cb, 0, 0));
    ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
    CLOSE_LOOP(&loop);
  }
  ASSERT_STR_EQ(trace, "ttt");
}

TEST(loop_init_and_close_keep_the_data_pointer) {
  uv_loop_t loop;

  loop.data = trace;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_PTR_EQ(loop.data, trace);
  ASSERT_PTR_EQ(uv_loop_get_data(&loop), trace);
  uv_loop_set_data(&loop, &loop);
  ASSERT_PTR_EQ(loop.data, &loop);
  CLOSE_LOOP(&loop);
}

TEST(loop_size_is_the_size_of_the_struct) {
  ASSERT_EQ(uv_loop_size(), sizeof(uv_loop_t));
}

TEST(loop_default_is_one_loop_that_reopens) {
  uv_loop_t* loop = uv_default_loop();
  uv_timer_t timer;

  ASSERT_NOT_NULL(loop);
  ASSERT_PTR_EQ(uv_default_loop(), loop);
  ASSERT_OK(uv_timer_init(loop, &timer));
  ASSERT_EQ(uv_loop_close(loop), UV_EBUSY);
  ASSERT_PTR_EQ(uv_default_loop(), loop);
  CLOSE_LOOP(loop);

  loop = uv_default_loop();
  ASSERT_NOT_NULL(loop);
  ASSERT_OK(uv_timer_init(loop, &timer));
  timer.data = "t";
  ASSERT_OK(uv_timer_start(&timer, timer_cb, 0, 0));
  ASSERT_OK(uv_run(loop, UV_RUN_DEFAULT));
  ASSERT_STR_EQ(trace, "t");
  CLOSE_LOOP(loop);
}

TEST(loop_new_and_delete) {
  uv_loop_t* loop = uv_loop_new();
  uv_timer_t timer;

  ASSERT_NOT_NULL(loop);
  ASSERT_NOT_NULL(uv_default_loop());
  ASSERT(loop != uv_default_loop());
  ASSERT_OK(uv_timer_init(loop, &timer));
  timer.data = "t";
  ASSERT_OK(uv_timer_start(&timer, timer_cb, 0, 0));
  ASSERT_OK(uv_run(loop, UV_RUN_DEFAULT));
  uv_close((uv_handle_t*) &timer, NULL);
  ASSERT_OK(uv_run(loop, UV_RUN_DEFAULT));
  uv_loop_delete(loop);
  ASSERT_STR_EQ(trace, "t");
  CLOSE_LOOP(uv_default_loop());
}

TEST(loop_configure_answers) {
  static const int signums[] = {0, -1, 1, 9, 11, 64, 65};
  uv_loop_t loop;
  size_t i;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_loop_configure(&loop, UV_METRICS_IDLE_TIME));
  ASSERT_OK(uv_loop_configure(&loop, UV_METRICS_IDLE_TIME));
  ASSERT_OK(uv_loop_configure(&loop, UV_LOOP_BLOCK_SIGNAL, SIGPROF));
  ASSERT_OK(uv_loop_configure(&loop, UV_LOOP_BLOCK_SIGNAL, SIGPROF));
  for (i = 0; i < sizeof(signums) / sizeof(signums[0]); i++)
    ASSERT_EQ(uv_loop_configure(&loop, UV_LOOP_BLOCK_SIGNAL, signums[i]),
              UV_EINVAL);
  ASSERT_EQ(uv_loop_configure(&loop, (uv_loop_option) 99), UV_ENOSYS);
  ASSERT_EQ(uv_loop_configure(&loop, (uv_loop_option) 3), UV_ENOSYS);
  CLOSE_LOOP(&loop);
}

static void all_cb(uv_handle_t* handle, void* arg) {
  (void) arg;
  note(*(const char*) handle->data);
}

TEST(loop_walk_shows_every_handle_and_no_internal_one) {
  uv_loop_t loop;
  uv_timer_t timer;
  uv_idle_t idle;
  uv_async_t async;
  uv_signal_t signal;
  uv_work_t req;

  ASSERT_OK(uv_loop_init(&loop));
  /* Internal handles of the library are not visited. */
  uv_walk(&loop, all_cb, NULL);
  ASSERT_STR_EQ(trace, "");

  ASSERT_OK(uv_timer_init(&loop, &timer));
  ASSERT_OK(uv_idle_init(&loop, &idle));
  ASSERT_OK(uv_async_init(&loop, &async, NULL));
  ASSERT_OK(uv_signal_init(&loop, &signal));
  timer.data = "t";
  idle.data = "i";
  async.data = "a";
  signal.data = "s";
  ASSERT_OK(uv_queue_work(&loop, &req, no_work, NULL));
  uv_unref((uv_handle_t*) &async);
  uv_close((uv_handle_t*) &idle, NULL);
  uv_walk(&loop, all_cb, NULL);
  ASSERT_STR_EQ(trace, "tias");
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  uv_walk(&loop, all_cb, NULL);
  ASSERT_STR_EQ(trace, "tiastas");
  CLOSE_LOOP(&loop);
}

static uv_timer_t walk_timers[4];

static void close_and_open_cb(uv_handle_t* handle, void* arg) {
  int* visits = arg;

  if (++*visits == 1) {
    ASSERT_OK(uv_timer_init(handle->loop, &walk_timers[3]));
    ASSERT_OK(uv_timer_start(&walk_timers[3], timer_cb, 0, 0));
    walk_timers[3].data = "d";
  }
  if (!uv_is_closing(handle)) uv_close(handle, close_cb);
}

TEST(loop_walk_allows_close_and_init) {
  uv_loop_t loop;
  int visits = 0;
  int i;

  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < 3; i++) {
    ASSERT_OK(uv_timer_init(&loop, &walk_timers[i]));
    walk_timers[i].data = (void*) &"abc"[i];
  }
  uv_walk(&loop, close_and_open_cb, &visits);
  /* A handle that is born during the walk is not part of it. */
  ASSERT_EQ(visits, 3);
  ASSERT_EQ(uv_is_closing((uv_handle_t*) &walk_timers[3]), 0);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(strlen(trace), 4);
  CLOSE_LOOP(&loop);
}

static void nested_walk_cb(uv_handle_t* handle, void* arg) {
  int* visits = arg;
  (void) handle;
  ++*visits;
}

static void walk_from_cb(uv_timer_t* timer) {
  uv_walk(timer->loop, nested_walk_cb, timer->data);
}

TEST(loop_walk_inside_a_callback) {
  uv_loop_t loop;
  uv_timer_t timer;
  uv_check_t check;
  int visits = 0;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_timer_init(&loop, &timer));
  ASSERT_OK(uv_check_init(&loop, &check));
  timer.data = &visits;
  ASSERT_OK(uv_timer_start(&timer, walk_from_cb, 0, 0));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(visits, 2);
  CLOSE_LOOP(&loop);
}

static void walk_again_cb(uv_handle_t* handle, void* arg) {
  int nested = 0;
  ++*(int*) arg;
  uv_walk(handle->loop, nested_walk_cb, &nested);
  ASSERT_GE(nested, 1);
}

TEST(loop_walk_inside_a_walk) {
  uv_loop_t loop;
  int visits = 0;
  int i;

  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < 4; i++) ASSERT_OK(uv_timer_init(&loop, &walk_timers[i]));
  uv_walk(&loop, walk_again_cb, &visits);
  ASSERT_EQ(visits, 4);
  for (i = 0; i < 4; i++) walk_timers[i].data = (void*) &"abcd"[i];
  uv_walk(&loop, all_cb, NULL);
  ASSERT_STR_EQ(trace, "abcd");
  CLOSE_LOOP(&loop);
}

static char* printed(uv_loop_t* loop,
                     void (*print)(uv_loop_t*, FILE*)) {
  char* text = NULL;
  size_t len = 0;
  FILE* stream = open_memstream(&text, &len);

  ASSERT_NOT_NULL(stream);
  print(loop, stream);
  ASSERT_EQ(fclose(stream), 0);
  return text;
}

TEST(loop_print_handles) {
  uv_loop_t loop;
  uv_timer_t timer;
  uv_idle_t idle;
  uv_signal_t signal;
  char line[3][64];
  char* text;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_timer_init(&loop, &timer));
  ASSERT_OK(uv_idle_init(&loop, &idle));
  ASSERT_OK(uv_signal_init(&loop, &signal));
  ASSERT_OK(uv_timer_start(&timer, timer_cb, 1000, 0));
  ASSERT_OK(uv_idle_start(&idle, idle_cb));
  uv_unref((uv_handle_t*) &idle);
  snprintf(line[0], sizeof(line[0]), "[RA-] timer    %p\n", (void*) &timer);
  snprintf(line[1], sizeof(line[1]), "[-A-] idle     %p\n", (void*) &idle);
  snprintf(line[2], sizeof(line[2]), "[R--] signal   %p\n", (void*) &signal);

  text = printed(&loop, uv_print_all_handles);
  ASSERT_NOT_NULL(strstr(text, line[0]));
  ASSERT_NOT_NULL(strstr(text, line[1]));
  ASSERT_NOT_NULL(strstr(text, line[2]));
  free(text);

  text = printed(&loop, uv_print_active_handles);
  ASSERT_NOT_NULL(strstr(text, line[0]));
  ASSERT_NOT_NULL(strstr(text, line[1]));
  ASSERT_NULL(strstr(text, line[2]));
  free(text);
  CLOSE_LOOP(&loop);
}

TEST(loop_backend_fd_is_the_same_open_fd_for_life) {
  uv_loop_t loop;
  uv_timer_t timer;
  int fd;

  ASSERT_OK(uv_loop_init(&loop));
  fd = uv_backend_fd(&loop);
  ASSERT_GE(fd, 0);
  ASSERT_OK(uv_timer_init(&loop, &timer));
  timer.data = "t";
  ASSERT_OK(uv_timer_start(&timer, timer_cb, 1, 0));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_STR_EQ(trace, "t");
  ASSERT_EQ(uv_backend_fd(&loop), fd);
  CLOSE_LOOP(&loop);
}

TEST(loop_now_moves_only_when_asked_and_never_back) {
  uv_loop_t loop;
  uint64_t before;
  uint64_t now;
  int i;

  ASSERT_OK(uv_loop_init(&loop));
  before = uv_now(&loop);
  uv_sleep(3);
  ASSERT_EQ(uv_now(&loop), before);
  for (i = 0; i < 1000; i++) {
    uv_update_time(&loop);
    now = uv_now(&loop);
    ASSERT_GE(now, before);
    before = now;
  }
  uv_sleep(2);
  uv_update_time(&loop);
  ASSERT_GE(uv_now(&loop), before + 1);
  CLOSE_LOOP(&loop);
}

TEST(loop_now_is_hrtime_in_milliseconds) {
  uv_loop_t loop;
  uint64_t before;
  uint64_t after;

  ASSERT_OK(uv_loop_init(&loop));
  before = uv_hrtime() / 1000000;
  uv_update_time(&loop);
  after = uv_hrtime() / 1000000;
  /* The loop's clock may be a coarser one: it lags, by less than a tick. */
  ASSERT_GE(uv_now(&loop) + 20, before);
  ASSERT_LE(uv_now(&loop), after);
  CLOSE_LOOP(&loop);
}

TEST(loop_hrtime_is_monotonic) {
  uint64_t before = uv_hrtime();
  int i;

  ASSERT_GT(before, 0);
  for (i = 0; i < 10000; i++) {
    uint64_t now = uv_hrtime();
    ASSERT_GE(now, before);
    before = now;
  }
}

TEST(loop_clock_gettime) {
  uv_timespec64_t ts;
  struct timespec real;
  uint64_t before;

  ASSERT_OK(uv_clock_gettime(UV_CLOCK_MONOTONIC, &ts));
  before = (uint64_t) ts.tv_sec * 1000000000 + (uint64_t) ts.tv_nsec;
  ASSERT_LT(ts.tv_nsec, 1000000000);
  ASSERT_LE(before, uv_hrtime());

  ASSERT_EQ(clock_gettime(CLOCK_REALTIME, &real), 0);
  ASSERT_OK(uv_clock_gettime(UV_CLOCK_REALTIME, &ts));
  ASSERT_GE(ts.tv_sec, real.tv_sec);
  ASSERT_GE(ts.tv_nsec, 0);
  ASSERT_LT(ts.tv_nsec, 1000000000);

  ASSERT_EQ(uv_clock_gettime((uv_clock_id) 1337, &ts), UV_EINVAL);
  ASSERT_EQ(uv_clock_gettime((uv_clock_id) -1, &ts), UV_EINVAL);
  ASSERT_EQ(uv_clock_gettime(UV_CLOCK_MONOTONIC, NULL), UV_EFAULT);
}

static void slow_cb(uv_timer_t* timer) {
  uint64_t now = uv_now(timer->loop);
  uv_sleep(3);
  ASSERT_EQ(uv_now(timer->loop), now);
  uv_update_time(timer->loop);
  ASSERT_GE(uv_now(timer->loop), now + 2);
  note('t');
}

TEST(loop_update_time_in_a_callback) {
  uv_loop_t loop;
  uv_timer_t timer;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_timer_init(&loop, &timer));
  ASSERT_OK(uv_timer_start(&timer, slow_cb, 0, 0));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_STR_EQ(trace, "t");
  CLOSE_LOOP(&loop);
}

#define LOOPS 64

TEST(loop_many_at_once) {
  static uv_loop_t loops[LOOPS];
  static uv_timer_t timers[LOOPS];
  int i;

  for (i = 0; i < LOOPS; i++) {
    ASSERT_OK(uv_loop_init(&loops[i]));
    ASSERT_OK(uv_timer_init(&loops[i], &timers[i]));
    timers[i].data = "t";
    ASSERT_OK(uv_timer_start(&timers[i], timer_cb, 0, 0));
  }
  for (i = LOOPS; i-- > 0;) ASSERT_OK(uv_run(&loops[i], UV_RUN_DEFAULT));
  ASSERT_EQ(strlen(trace), LOOPS);
  for (i = 0; i < LOOPS; i++) CLOSE_LOOP(&loops[i]);
}

/* Memory in which a loop was closed is no loop: closing it once more is an error.
 * libuv frees its memory twice. */
static void close_twice(void) {
  uv_loop_t twice;
  ASSERT_OK(uv_loop_init(&twice));
  ASSERT_OK(uv_loop_close(&twice));
  ASSERT_EQ(uv_loop_close(&twice), UV_EBUSY);
  ASSERT_OK(uv_run(&twice, UV_RUN_DEFAULT));
}

TEST(loop_close_twice) {
  if (test_on_reference()) SKIP("what libuv does is undefined");
  close_twice();
}

/* The two handles that libuv keeps in every loop are printed. */
TEST(loop_prints_internal_handles) {
  uv_loop_t printed;
  char text[512] = "";
  FILE* file = fmemopen(text, sizeof(text), "w");
  ASSERT_NOT_NULL(file);
  ASSERT_OK(uv_loop_init(&printed));
  uv_print_all_handles(&printed, file);
  ASSERT_OK(fclose(file));
  ASSERT_NOT_NULL(strstr(text, "[--I] signal "));
  ASSERT_NOT_NULL(strstr(text, "[-AI] async "));
  file = fmemopen(text, sizeof(text), "w");
  uv_print_active_handles(&printed, file);
  ASSERT_OK(fclose(file));
  ASSERT_NULL(strstr(text, "signal"));
  ASSERT_NOT_NULL(strstr(text, "[-AI] async "));
  ASSERT_OK(uv_loop_close(&printed));
}
