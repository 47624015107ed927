/* uv_metrics_info() and uv_metrics_idle_time(). */

#include "test-tcp.h"

/* Runs timers until one was waited for: on a busy machine a timer may be due
 * before the loop gets to wait. */
static void run_until_it_waited(uv_loop_t* loop, uv_timer_t* timer) {
  do {
    ASSERT_OK(uv_timer_start(timer, count_timer, 3, 0));
    ASSERT_OK(uv_run(loop, UV_RUN_DEFAULT));
  } while (uv_metrics_idle_time(loop) == 0);
}

TEST(metrics_count_iterations) {
  uv_loop_t loop;
  uv_async_t async;
  uv_metrics_t metrics;
  int i;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_async_init(&loop, &async, count_async));
  for (i = 0; i < 5; i++) {
    ASSERT_OK(uv_metrics_info(&loop, &metrics));
    ASSERT_EQ(metrics.loop_count, i);
    ASSERT_EQ(metrics.events, 0);
    ASSERT_EQ(metrics.events_waiting, 0);
    ASSERT_NE(uv_run(&loop, UV_RUN_NOWAIT), 0);
  }
  uv_close((uv_handle_t*) &async, NULL);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  /* Nothing left to run for: not an iteration. */
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_OK(uv_metrics_info(&loop, &metrics));
  ASSERT_EQ(metrics.loop_count, 6);
  CLOSE_LOOP(&loop);
}

static void check_count_cb(uv_prepare_t* prepare) {
  uv_metrics_t metrics;
  int* runs = prepare->data;

  /* The iteration that is going on is not counted yet. */
  ASSERT_OK(uv_metrics_info(prepare->loop, &metrics));
  ASSERT_EQ(metrics.loop_count, *runs);
  if (++*runs == 4) ASSERT_OK(uv_prepare_stop(prepare));
}

static void idle_cb(uv_idle_t* idle) {
  int* runs = idle->data;
  if (*runs == 3) ASSERT_OK(uv_idle_stop(idle));
}

TEST(metrics_in_a_prepare_callback) {
  uv_loop_t loop;
  uv_prepare_t prepare;
  uv_idle_t idle;
  int runs = 0;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_prepare_init(&loop, &prepare));
  ASSERT_OK(uv_idle_init(&loop, &idle));
  prepare.data = &runs;
  idle.data = &runs;
  ASSERT_OK(uv_prepare_start(&prepare, check_count_cb));
  ASSERT_OK(uv_idle_start(&idle, idle_cb));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(runs, 4);
  CLOSE_LOOP(&loop);
}

TEST(metrics_count_events) {
  uv_loop_t loop;
  uv_async_t async;
  uv_metrics_t metrics;
  int i;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_loop_configure(&loop, UV_METRICS_IDLE_TIME));
  ASSERT_OK(uv_async_init(&loop, &async, count_async));
  for (i = 1; i <= 4; i++) {
    ASSERT_OK(uv_async_send(&async));
    ASSERT_NE(uv_run(&loop, i % 2 ? UV_RUN_ONCE : UV_RUN_NOWAIT), 0);
    ASSERT_OK(uv_metrics_info(&loop, &metrics));
    ASSERT_EQ(metrics.events, i);
    /* It was there before the loop asked. */
    ASSERT_EQ(metrics.events_waiting, i);
  }
  ASSERT_NE(uv_run(&loop, UV_RUN_NOWAIT), 0);
  ASSERT_OK(uv_metrics_info(&loop, &metrics));
  ASSERT_EQ(metrics.events, 4);
  ASSERT_EQ(metrics.loop_count, 5);
  CLOSE_LOOP(&loop);
}

TEST(metrics_count_pool_completions) {
  enum { N = 10 };
  uv_loop_t loop;
  uv_work_t reqs[N];
  uv_metrics_t metrics;
  int i;

  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < N; i++)
    ASSERT_OK(uv_queue_work(&loop, &reqs[i], no_work, NULL));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_OK(uv_metrics_info(&loop, &metrics));
  /* Each completion is an event; a wake-up that finds none is one too. */
  ASSERT_GE(metrics.events, N);
  ASSERT_LE(metrics.events_waiting, metrics.events);
  CLOSE_LOOP(&loop);
}

static uv_tcp_t accepted;

static void accept_and_read(uv_stream_t* listener, int status) {
  ASSERT_OK(status);
  ASSERT_OK(uv_tcp_init(listener->loop, &accepted));
  ASSERT_OK(uv_accept(listener, STREAM(&accepted)));
  ASSERT_OK(uv_read_start(STREAM(&accepted), alloc_static, never_read));
}

/* That it can be written to is not worth waking up for. */
TEST(metrics_a_silent_connection_is_one_event) {
  uv_loop_t loop;
  uv_tcp_t listener;
  uv_metrics_t metrics;
  struct sockaddr_in addr;
  int client, i;

  ASSERT_OK(uv_loop_init(&loop));
  addr = listen_loopback(&loop, &listener, accept_and_read);
  client = socket(AF_INET, SOCK_STREAM, 0);
  ASSERT_OK(connect(client, SA(&addr), sizeof(addr)));
  for (i = 0; i < 4; i++) ASSERT_NE(uv_run(&loop, UV_RUN_NOWAIT), 0);
  ASSERT_OK(uv_metrics_info(&loop, &metrics));
  ASSERT_EQ(metrics.events, 1);
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(client));
}

TEST(metrics_start_at_zero_in_a_reopened_loop) {
  uv_loop_t loop;
  uv_timer_t timer;
  uv_metrics_t metrics;
  int i;

  for (i = 0; i < 2; i++) {
    ASSERT_OK(uv_loop_init(&loop));
    ASSERT_OK(uv_loop_configure(&loop, UV_METRICS_IDLE_TIME));
    ASSERT_OK(uv_metrics_info(&loop, &metrics));
    ASSERT_EQ(metrics.loop_count, 0);
    ASSERT_EQ(metrics.events, 0);
    ASSERT_EQ(metrics.events_waiting, 0);
    ASSERT_EQ(uv_metrics_idle_time(&loop), 0);
    ASSERT_OK(uv_timer_init(&loop, &timer));
    run_until_it_waited(&loop, &timer);
    CLOSE_LOOP(&loop);
  }
}

TEST(metrics_idle_time_is_only_kept_on_request) {
  uv_loop_t loop;
  uv_timer_t timer;
  uint64_t before;
  uint64_t idle;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_timer_init(&loop, &timer));
  ASSERT_OK(uv_timer_start(&timer, count_timer, 3, 0));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(uv_metrics_idle_time(&loop), 0);

  ASSERT_OK(uv_loop_configure(&loop, UV_METRICS_IDLE_TIME));
  before = uv_hrtime();
  run_until_it_waited(&loop, &timer);
  idle = uv_metrics_idle_time(&loop);
  ASSERT_LE(idle, uv_hrtime() - before);
  /* Busy or empty, it does not grow. */
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(uv_metrics_idle_time(&loop), (int64_t) idle);
  CLOSE_LOOP(&loop);
}

TEST(metrics_idle_time_stays_zero_without_waiting) {
  uv_loop_t loop;
  uv_async_t async;
  int i;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_loop_configure(&loop, UV_METRICS_IDLE_TIME));
  ASSERT_OK(uv_async_init(&loop, &async, count_async));
  for (i = 0; i < 10; i++) {
    ASSERT_OK(uv_async_send(&async));
    ASSERT_NE(uv_run(&loop, UV_RUN_NOWAIT), 0);
    ASSERT_EQ(fired, i + 1);
  }
  ASSERT_EQ(uv_metrics_idle_time(&loop), 0);
  CLOSE_LOOP(&loop);
}

static void stop_cb(uv_async_t* async) {
  uv_stop(async->loop);
}

static void watch_idle_time(void* arg) {
  uv_async_t* async = arg;
  uint64_t last = 0;

  /* Nothing else wakes the loop, so the time grows by the current wait. */
  while (last == 0) last = uv_metrics_idle_time(async->loop);
  while (uv_metrics_idle_time(async->loop) <= last) continue;
  ASSERT_OK(uv_async_send(async));
}

TEST(metrics_idle_time_of_a_waiting_loop_is_seen_by_other_threads) {
  uv_loop_t loop;
  uv_async_t async;
  uv_thread_t thread;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_loop_configure(&loop, UV_METRICS_IDLE_TIME));
  ASSERT_OK(uv_async_init(&loop, &async, stop_cb));
  ASSERT_OK(uv_thread_create(&thread, watch_idle_time, &async));
  ASSERT_NE(uv_run(&loop, UV_RUN_DEFAULT), 0);
  ASSERT_OK(uv_thread_join(&thread));
  ASSERT_GT(uv_metrics_idle_time(&loop), 0);
  CLOSE_LOOP(&loop);
}

static void never_waited(uv_timer_t* timer) {
  uv_metrics_t metrics;
  ASSERT_OK(uv_metrics_info(timer->loop, &metrics));
  ASSERT_EQ(metrics.events_waiting, 0);
  fired++;
}

/* Without UV_METRICS_IDLE_TIME no event counts as waiting. */
TEST(metrics_waiting_is_by_request) {
  uv_loop_t loop;
  uv_async_t async;
  uv_timer_t timer;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_async_init(&loop, &async, count_async));
  ASSERT_OK(uv_async_send(&async));
  uv_run(&loop, UV_RUN_NOWAIT);
  ASSERT_EQ(fired, 1);
  ASSERT_OK(uv_timer_init(&loop, &timer));
  ASSERT_OK(uv_timer_start(&timer, never_waited, 0, 0));
  RUN_UNTIL(&loop, fired == 2);
  CLOSE_LOOP(&loop);
}

/* Without UV_METRICS_IDLE_TIME too; the first is the event that a waiting loop is woken for. */
TEST(metrics_all_but_the_first_pool_completion_were_waiting) {
  enum { N = 3 };
  uv_loop_t loop, other;
  uv_work_t reqs[N], last;
  uv_metrics_t metrics;

  ASSERT_OK(uv_os_setenv("UV_THREADPOOL_SIZE", "1"));
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_loop_init(&other));
  for (int i = 0; i < N; i++)
    ASSERT_OK(uv_queue_work(&loop, &reqs[i], no_work, NULL));
  /* The only worker does it last. */
  ASSERT_OK(uv_queue_work(&other, &last, no_work, NULL));
  ASSERT_OK(uv_run(&other, UV_RUN_DEFAULT));
  uv_run(&loop, UV_RUN_NOWAIT);
  ASSERT_OK(uv_metrics_info(&loop, &metrics));
  ASSERT_EQ(metrics.events, N);
  ASSERT_EQ(metrics.events_waiting, N - 1);
  CLOSE_LOOP(&loop);
  CLOSE_LOOP(&other);
}
