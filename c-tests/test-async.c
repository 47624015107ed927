/* Async handles: no wake-up is lost, sends coalesce, any thread may send; in
 * what order callbacks come. */

#include "test-callbacks.h"

#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

static int checked;

static void close_self_cb(uv_async_t* async) {
  fired++;
  uv_close((uv_handle_t*) async, NULL);
}

TEST(async_sends_before_the_run_become_one_callback) {
  uv_loop_t loop;
  uv_async_t async;
  int i;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_async_init(&loop, &async, count_async));
  for (i = 0; i < 1000; i++) ASSERT_OK(uv_async_send(&async));
  ASSERT_NE(uv_run(&loop, UV_RUN_ONCE), 0);
  ASSERT_EQ(fired, 1);
  ASSERT_NE(uv_run(&loop, UV_RUN_NOWAIT), 0);
  ASSERT_EQ(fired, 1);
  CLOSE_LOOP(&loop);
}

TEST(async_is_active_from_init_to_close) {
  uv_loop_t loop;
  uv_async_t async;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_async_init(&loop, &async, count_async));
  ASSERT_EQ(uv_is_active((uv_handle_t*) &async), 1);
  ASSERT_EQ(uv_loop_alive(&loop), 1);
  ASSERT_NE(uv_run(&loop, UV_RUN_NOWAIT), 0);
  ASSERT_EQ(fired, 0);
  uv_close((uv_handle_t*) &async, NULL);
  ASSERT_EQ(uv_is_active((uv_handle_t*) &async), 0);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_OK(uv_loop_close(&loop));
}

static void resend_cb(uv_async_t* async) {
  if (++fired < 5)
    ASSERT_OK(uv_async_send(async));
  else
    uv_close((uv_handle_t*) async, NULL);
}

static void count_check_cb(uv_check_t* check) {
  (void) check;
  checked++;
  ASSERT_EQ(fired, checked);
}

TEST(async_send_in_its_callback_is_for_the_next_iteration) {
  uv_loop_t loop;
  uv_async_t async;
  uv_check_t check;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_async_init(&loop, &async, resend_cb));
  ASSERT_OK(uv_check_init(&loop, &check));
  ASSERT_OK(uv_check_start(&check, count_check_cb));
  uv_unref((uv_handle_t*) &check);
  ASSERT_OK(uv_async_send(&async));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(fired, 5);
  ASSERT_EQ(checked, 5);
  CLOSE_LOOP(&loop);
}

static void end_cb(uv_timer_t* timer) {
  uv_stop(timer->loop);
}

static void endless_cb(uv_async_t* async) {
  if (fired++ == 0) ASSERT_OK(uv_timer_start(async->data, end_cb, 2, 0));
  ASSERT_OK(uv_async_send(async));
}

TEST(async_that_sends_itself_does_not_starve_timers) {
  uv_loop_t loop;
  uv_async_t async;
  uv_timer_t timer;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_async_init(&loop, &async, endless_cb));
  ASSERT_OK(uv_timer_init(&loop, &timer));
  async.data = &timer;
  ASSERT_OK(uv_async_send(&async));
  ASSERT_NE(uv_run(&loop, UV_RUN_DEFAULT), 0);
  ASSERT_GT(fired, 0);
  CLOSE_LOOP(&loop);
}

enum { THREADS = 8, SENDS = 5000 };

static atomic_int posted;

static void many_sends(void* arg) {
  int i;
  for (i = 0; i < SENDS; i++) {
    atomic_fetch_add(&posted, 1);
    ASSERT_OK(uv_async_send(arg));
  }
}

static void close_when_all_posted_cb(uv_async_t* async) {
  ASSERT_EQ(uv_is_closing((uv_handle_t*) async), 0);
  fired++;
  if (atomic_load(&posted) == THREADS * SENDS) uv_stop(async->loop);
}

/* A callback after a send sees the writes before it: if a wake-up were lost, the
 * last count would never be seen and the run would not end. */
TEST(async_no_wakeup_from_many_threads_is_lost) {
  uv_loop_t loop;
  uv_async_t async;
  uv_thread_t threads[THREADS];
  int i;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_async_init(&loop, &async, close_when_all_posted_cb));
  for (i = 0; i < THREADS; i++)
    ASSERT_OK(uv_thread_create(&threads[i], many_sends, &async));
  ASSERT_NE(uv_run(&loop, UV_RUN_DEFAULT), 0);
  for (i = 0; i < THREADS; i++) ASSERT_OK(uv_thread_join(&threads[i]));
  ASSERT_GE(fired, 1);
  ASSERT_LE(fired, THREADS * SENDS);
  CLOSE_LOOP(&loop);
}

enum { ROUNDS = 500 };

static uv_sem_t answered;

static void ask(void* arg) {
  int i;
  for (i = 0; i < ROUNDS; i++) {
    ASSERT_OK(uv_async_send(arg));
    uv_sem_wait(&answered);
  }
}

static void answer_cb(uv_async_t* async) {
  uv_sem_post(&answered);
  if (++fired == ROUNDS) uv_close((uv_handle_t*) async, NULL);
}

/* Each send meets a loop that is going to sleep or asleep. */
TEST(async_ping_pong_with_a_thread) {
  uv_loop_t loop;
  uv_async_t async;
  uv_thread_t thread;

  ASSERT_OK(uv_sem_init(&answered, 0));
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_async_init(&loop, &async, answer_cb));
  ASSERT_OK(uv_thread_create(&thread, ask, &async));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_OK(uv_thread_join(&thread));
  ASSERT_EQ(fired, ROUNDS);
  uv_sem_destroy(&answered);
  CLOSE_LOOP(&loop);
}

static uv_async_t* signalled;

static void send_from_handler(int signum) {
  (void) signum;
  uv_async_send(signalled);
}

static void raise_cb(uv_idle_t* idle) {
  ASSERT_EQ(raise(SIGUSR1), 0);
  ASSERT_OK(uv_idle_stop(idle));
}

TEST(async_send_from_a_signal_handler) {
  struct sigaction action;
  uv_loop_t loop;
  uv_async_t async;
  uv_idle_t idle;

  memset(&action, 0, sizeof(action));
  action.sa_handler = send_from_handler;
  ASSERT_EQ(sigaction(SIGUSR1, &action, NULL), 0);
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_async_init(&loop, &async, close_self_cb));
  ASSERT_OK(uv_idle_init(&loop, &idle));
  ASSERT_OK(uv_idle_start(&idle, raise_cb));
  signalled = &async;
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(fired, 1);
  CLOSE_LOOP(&loop);
}

TEST(async_closed_with_a_send_pending_does_not_fire) {
  uv_loop_t loop;
  uv_async_t async;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_async_init(&loop, &async, never_async));
  ASSERT_OK(uv_async_send(&async));
  uv_close((uv_handle_t*) &async, NULL);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_OK(uv_loop_close(&loop));
}

static void close_peer_cb(uv_async_t* async) {
  fired++;
  uv_close(async->data, NULL);
  uv_close((uv_handle_t*) async, NULL);
}

TEST(async_callback_may_close_another_pending_one) {
  uv_loop_t loop;
  uv_async_t a;
  uv_async_t b;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_async_init(&loop, &a, close_peer_cb));
  ASSERT_OK(uv_async_init(&loop, &b, close_peer_cb));
  a.data = &b;
  b.data = &a;
  ASSERT_OK(uv_async_send(&a));
  ASSERT_OK(uv_async_send(&b));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(fired, 1);
  ASSERT_OK(uv_loop_close(&loop));
}

static uv_async_t newborn;

static void open_another_cb(uv_async_t* async) {
  fired++;
  ASSERT_OK(uv_async_init(async->loop, &newborn, close_self_cb));
  ASSERT_OK(uv_async_send(&newborn));
  uv_close((uv_handle_t*) async, NULL);
}

TEST(async_callback_may_open_and_send_to_another) {
  uv_loop_t loop;
  uv_async_t async;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_async_init(&loop, &async, open_another_cb));
  ASSERT_OK(uv_async_send(&async));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(fired, 2);
  ASSERT_OK(uv_loop_close(&loop));
}

TEST(async_unreferenced_does_not_keep_the_loop) {
  uv_loop_t loop;
  uv_async_t async;
  uv_timer_t timer;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_async_init(&loop, &async, count_async));
  ASSERT_OK(uv_timer_init(&loop, &timer));
  uv_unref((uv_handle_t*) &async);
  ASSERT_OK(uv_async_send(&async));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(fired, 0);
  /* The send is not forgotten: it arrives when the loop next runs. */
  ASSERT_OK(uv_timer_start(&timer, end_cb, 1000000, 0));
  ASSERT_NE(uv_run(&loop, UV_RUN_NOWAIT), 0);
  ASSERT_EQ(fired, 1);
  CLOSE_LOOP(&loop);
}

static void tally_cb(uv_async_t* async) {
  fired++;
  ++*(int*) async->data;
}

TEST(async_thousands_of_handles) {
  enum { N = 5000 };
  static uv_async_t asyncs[N];
  static int tally[N];
  uv_loop_t loop;
  int i;

  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < N; i++) {
    ASSERT_OK(uv_async_init(&loop, &asyncs[i], tally_cb));
    asyncs[i].data = &tally[i];
  }
  ASSERT_OK(uv_async_send(&asyncs[N / 2]));
  ASSERT_NE(uv_run(&loop, UV_RUN_ONCE), 0);
  ASSERT_EQ(fired, 1);
  ASSERT_EQ(tally[N / 2], 1);
  for (i = 0; i < N; i += 7) {
    ASSERT_OK(uv_async_send(&asyncs[i]));
    ASSERT_OK(uv_async_send(&asyncs[i]));
  }
  while (fired < 1 + (N + 6) / 7) ASSERT_NE(uv_run(&loop, UV_RUN_ONCE), 0);
  for (i = 0; i < N; i++)
    ASSERT_EQ(tally[i], (i % 7 == 0) + (i == N / 2));
  CLOSE_LOOP(&loop);
  ASSERT_EQ(fired, 1 + (N + 6) / 7);
}

static void send_null(void* arg) {
  ASSERT_OK(uv_async_send(arg));
}

static void stop_in_check_cb(uv_check_t* check) {
  checked++;
  uv_stop(check->loop);
}

TEST(async_without_a_callback_still_wakes_the_loop) {
  uv_loop_t loop;
  uv_async_t async;
  uv_check_t check;
  uv_thread_t thread;

  ASSERT_OK(uv_loop_init(&loop));
  memset(&async, 0xff, sizeof(async));
  ASSERT_OK(uv_async_init(&loop, &async, NULL));
  ASSERT_OK(uv_check_init(&loop, &check));
  ASSERT_OK(uv_check_start(&check, stop_in_check_cb));
  ASSERT_OK(uv_thread_create(&thread, send_null, &async));
  ASSERT_NE(uv_run(&loop, UV_RUN_DEFAULT), 0);
  ASSERT_OK(uv_thread_join(&thread));
  ASSERT_EQ(checked, 1);
  CLOSE_LOOP(&loop);
}

static uv_loop_t relay_loops[2];
static uv_async_t relay[2];

static void relay_cb(uv_async_t* async) {
  int* left = async->data;
  if (--*left >= 0) ASSERT_OK(uv_async_send(&relay[async == &relay[0]]));
  if (*left <= 0) uv_stop(async->loop);
}

static void relay_run(void* arg) {
  ASSERT_NE(uv_run(arg, UV_RUN_DEFAULT), 0);
}

TEST(async_two_loops_relay_to_each_other) {
  uv_thread_t thread;
  int left[2] = {200, 200};
  int i;

  for (i = 0; i < 2; i++) {
    ASSERT_OK(uv_loop_init(&relay_loops[i]));
    ASSERT_OK(uv_async_init(&relay_loops[i], &relay[i], relay_cb));
    relay[i].data = &left[i];
  }
  ASSERT_OK(uv_async_send(&relay[0]));
  ASSERT_OK(uv_thread_create(&thread, relay_run, &relay_loops[1]));
  relay_run(&relay_loops[0]);
  ASSERT_OK(uv_thread_join(&thread));
  ASSERT_EQ(left[0], 0);
  ASSERT_EQ(left[1], 0);
  for (i = 0; i < 2; i++) CLOSE_LOOP(&relay_loops[i]);
}

/* The events, a letter for each. */
static char story[64];
static uv_async_t named[5];

static void tell(char letter) {
  size_t length = strlen(story);
  ASSERT_LT(length, sizeof(story) - 1);
  story[length] = letter;
}

static void tell_cb(uv_async_t* async) {
  tell('a' + (char) (async - named));
}

static void tell_check_cb(uv_check_t* check) {
  (void) check;
  tell('|');
}

/* A loop with the handles `named` and a letter for each iteration's end. */
static void open_named(uv_loop_t* loop, uv_check_t* check, uv_async_cb cb) {
  int i;

  ASSERT_OK(uv_loop_init(loop));
  for (i = 0; i < 5; i++) ASSERT_OK(uv_async_init(loop, &named[i], cb));
  ASSERT_OK(uv_check_init(loop, check));
  ASSERT_OK(uv_check_start(check, tell_check_cb));
}

TEST(async_callbacks_come_in_the_order_of_init) {
  static const int order[] = {3, 1, 4, 0, 2};
  uv_loop_t loop;
  uv_check_t check;
  int i;

  open_named(&loop, &check, tell_cb);
  for (i = 0; i < 5; i++) ASSERT_OK(uv_async_send(&named[order[i]]));
  ASSERT_NE(uv_run(&loop, UV_RUN_NOWAIT), 0);
  ASSERT_STR_EQ(story, "abcde|");
  for (i = 4; i > 0; i--) ASSERT_OK(uv_async_send(&named[order[i]]));
  ASSERT_NE(uv_run(&loop, UV_RUN_NOWAIT), 0);
  ASSERT_STR_EQ(story, "abcde|abce|");
  CLOSE_LOOP(&loop);
}

enum { CROWD = 3000 };

static uv_async_t crowd[CROWD];
static uv_timer_t bystanders[CROWD];
static int last_called;

static void in_turn_cb(uv_async_t* async) {
  int index = (int) (async - crowd);

  ASSERT_GT(index, last_called);
  last_called = index;
  ASSERT_NOT_NULL(async->data);
  async->data = NULL;
  fired++;
}

/* Few or many of them, sent to in any order, and with other handles between. */
TEST(async_callbacks_of_many_come_in_the_order_of_init) {
  static const int counts[] = {1, 2, 3, 40, 250, 260, 270, 400, 1500, 2000};
  static int order[CROWD];
  unsigned int random = 1;
  uv_loop_t loop;
  int with_others, c, i, k;

  for (with_others = 0; with_others < 2; with_others++) {
    ASSERT_OK(uv_loop_init(&loop));
    for (i = 0; i < CROWD; i++) {
      ASSERT_OK(uv_async_init(&loop, &crowd[i], in_turn_cb));
      crowd[i].data = NULL;
      order[i] = i;
      if (with_others) ASSERT_OK(uv_timer_init(&loop, &bystanders[i]));
    }
    /* The last thousand are gone. */
    for (i = 2000; i < CROWD; i++) uv_close((uv_handle_t*) &crowd[i], NULL);
    ASSERT_NE(uv_run(&loop, UV_RUN_NOWAIT), 0);
    for (c = 0; c < (int) (sizeof(counts) / sizeof(counts[0])); c++) {
      for (i = 0; i < counts[c]; i++) {
        random = random * 1103515245 + 12345;
        k = i + (int) ((random >> 8) % (unsigned int) (2000 - i));
        int swapped = order[i];
        order[i] = order[k];
        order[k] = swapped;
        crowd[order[i]].data = &crowd;
        ASSERT_OK(uv_async_send(&crowd[order[i]]));
      }
      fired = 0;
      last_called = -1;
      ASSERT_NE(uv_run(&loop, UV_RUN_NOWAIT), 0);
      ASSERT_EQ(fired, counts[c]);
    }
    CLOSE_LOOP(&loop);
  }
}

enum { TEAM = 400, TEAM_ITERATIONS = 6 };

static int iteration;
static int called_in[TEAM], sent_in[TEAM];

/* Sends to all, the last ones first. */
static void send_to_team_cb(uv_async_t* async) {
  int index = (int) (async - crowd), i;

  ASSERT_LT(called_in[index], iteration);
  called_in[index] = iteration;
  ASSERT_GT(sent_in[index], 0);
  ASSERT_LE(iteration, sent_in[index] + 1);
  sent_in[index] = 0;
  fired++;
  if (iteration == TEAM_ITERATIONS) return;
  for (i = TEAM - 1; i >= 0; i--) {
    if (sent_in[i] == 0) sent_in[i] = iteration;
    ASSERT_OK(uv_async_send(&crowd[i]));
  }
}

/* However many handles send to each other, an iteration calls each back at most
 * once, and the next one calls all that were sent to. */
TEST(async_handles_that_send_to_each_other_come_once_in_an_iteration) {
  uv_loop_t loop;
  int i;

  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < TEAM; i++)
    ASSERT_OK(uv_async_init(&loop, &crowd[i], send_to_team_cb));
  sent_in[0] = 1;
  ASSERT_OK(uv_async_send(&crowd[0]));
  for (iteration = 1; iteration <= TEAM_ITERATIONS + 1; iteration++) {
    fired = 0;
    ASSERT_NE(uv_run(&loop, UV_RUN_NOWAIT), 0);
    if (iteration == 1) ASSERT_GT(fired, 1);
    if (iteration > 1 && iteration < TEAM_ITERATIONS) ASSERT_EQ(fired, TEAM);
  }
  for (i = 0; i < TEAM; i++) ASSERT_EQ(sent_in[i], 0);
  CLOSE_LOOP(&loop);
}

/* The first callback sends to a handle that comes very many places before the
 * last; those after it send to the handle before and close the one before that,
 * which was sent to by the callback before. */
static void send_and_close_behind_cb(uv_async_t* async) {
  ASSERT(!uv_is_closing((uv_handle_t*) async));
  fired++;
  if (checked == 0) return;
  if (async == &crowd[0]) ASSERT_OK(uv_async_send(&crowd[1]));
  if (async < &crowd[4] || (async - crowd) % 2 != 0) return;
  ASSERT_OK(uv_async_send(async - 2));
  uv_close((uv_handle_t*) (async - 4), NULL);
}

TEST(async_closed_right_after_it_was_sent_to_again_does_not_fire) {
  uv_loop_t loop;
  int i;

  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < CROWD; i++)
    ASSERT_OK(uv_async_init(&loop, &crowd[i], send_and_close_behind_cb));
  for (i = 0; i < CROWD; i += 2) ASSERT_OK(uv_async_send(&crowd[i]));
  checked = 1;
  ASSERT_NE(uv_run(&loop, UV_RUN_NOWAIT), 0);
  checked = 0;
  ASSERT_NE(uv_run(&loop, UV_RUN_NOWAIT), 0);
  /* Handle 1, and the one that the last of them sent to. */
  ASSERT_EQ(fired, CROWD / 2 + 2);
  for (i = CROWD - 4; i < CROWD; i += 2)
    uv_close((uv_handle_t*) &crowd[i], NULL);
  for (i = 1; i < CROWD; i += 2) uv_close((uv_handle_t*) &crowd[i], NULL);
  CLOSE_LOOP(&loop);
}

static void send_around_cb(uv_async_t* async) {
  tell_cb(async);
  if (async != &named[2] || checked++ > 0) return;
  ASSERT_OK(uv_async_send(&named[1]));
  ASSERT_OK(uv_async_send(&named[2]));
  ASSERT_OK(uv_async_send(&named[4]));
  ASSERT_OK(uv_async_send(&named[3]));
}

TEST(async_send_to_a_later_handle_in_a_callback_is_for_the_same_iteration) {
  uv_loop_t loop;
  uv_check_t check;

  open_named(&loop, &check, send_around_cb);
  ASSERT_OK(uv_async_send(&named[2]));
  ASSERT_NE(uv_run(&loop, UV_RUN_NOWAIT), 0);
  ASSERT_NE(uv_run(&loop, UV_RUN_NOWAIT), 0);
  ASSERT_STR_EQ(story, "cde|bc|");
  CLOSE_LOOP(&loop);
}

static void close_later_cb(uv_async_t* async) {
  tell_cb(async);
  if (async != &named[1]) return;
  ASSERT_OK(uv_async_send(&named[0]));
  ASSERT_OK(uv_async_send(&named[2]));
  ASSERT_OK(uv_async_send(&named[4]));
  uv_close((uv_handle_t*) &named[2], NULL);
}

TEST(async_handle_closed_by_an_earlier_one_leaves_the_order) {
  uv_loop_t loop;
  uv_check_t check;

  open_named(&loop, &check, close_later_cb);
  ASSERT_OK(uv_async_send(&named[3]));
  ASSERT_OK(uv_async_send(&named[1]));
  ASSERT_NE(uv_run(&loop, UV_RUN_NOWAIT), 0);
  ASSERT_NE(uv_run(&loop, UV_RUN_NOWAIT), 0);
  ASSERT_STR_EQ(story, "bde|a|");
  CLOSE_LOOP(&loop);
}

static void tell_newborn_cb(uv_async_t* async) {
  (void) async;
  tell('n');
}

static void bear_cb(uv_async_t* async) {
  tell_cb(async);
  if (async != &named[0]) return;
  ASSERT_OK(uv_async_init(async->loop, &newborn, tell_newborn_cb));
  ASSERT_OK(uv_async_send(&newborn));
}

TEST(async_handle_opened_in_a_callback_is_for_the_next_iteration) {
  uv_loop_t loop;
  uv_check_t check;

  open_named(&loop, &check, bear_cb);
  ASSERT_OK(uv_async_send(&named[1]));
  ASSERT_OK(uv_async_send(&named[0]));
  ASSERT_NE(uv_run(&loop, UV_RUN_NOWAIT), 0);
  ASSERT_NE(uv_run(&loop, UV_RUN_NOWAIT), 0);
  ASSERT_STR_EQ(story, "ab|n|");
  CLOSE_LOOP(&loop);
}

static void send_in_poll_cb(uv_poll_t* poll, int status, int events) {
  ASSERT_OK(status);
  ASSERT_EQ(events, UV_WRITABLE);
  tell('p');
  ASSERT_OK(uv_poll_stop(poll));
  ASSERT_OK(uv_async_send(&named[0]));
}

TEST(async_send_in_the_callback_of_an_event_is_for_the_next_iteration) {
  uv_loop_t loop;
  uv_check_t check;
  uv_poll_t poll;
  uv_file fds[2];

  open_named(&loop, &check, tell_cb);
  ASSERT_OK(uv_pipe(fds, UV_NONBLOCK_PIPE, UV_NONBLOCK_PIPE));
  ASSERT_OK(uv_poll_init(&loop, &poll, fds[1]));
  ASSERT_OK(uv_poll_start(&poll, UV_WRITABLE, send_in_poll_cb));
  ASSERT_NE(uv_run(&loop, UV_RUN_NOWAIT), 0);
  ASSERT_NE(uv_run(&loop, UV_RUN_NOWAIT), 0);
  ASSERT_STR_EQ(story, "p|a|");
  CLOSE_LOOP(&loop);
  ASSERT_EQ(close(fds[0]), 0);
  ASSERT_EQ(close(fds[1]), 0);
}

static void send_after_work_cb(uv_work_t* work, int status) {
  ASSERT_OK(status);
  tell('w');
  ASSERT_OK(uv_async_send(&named[0]));
  ASSERT_OK(uv_async_send(&named[4]));
  (void) work;
}

TEST(async_send_in_the_callback_of_work_is_for_the_same_iteration) {
  uv_loop_t loop;
  uv_check_t check;
  uv_work_t work;

  open_named(&loop, &check, tell_cb);
  ASSERT_OK(uv_queue_work(&loop, &work, no_work, send_after_work_cb));
  while (strchr(story, 'w') == NULL) ASSERT_NE(uv_run(&loop, UV_RUN_ONCE), 0);
  ASSERT_STR_EQ(strchr(story, 'w'), "wae|");
  CLOSE_LOOP(&loop);
}
