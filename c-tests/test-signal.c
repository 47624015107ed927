/* Signal handles: delivery, sharing one signal, and giving it back. */

#include "test-callbacks.h"
#include "test-child.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void count_and_stop_cb(uv_signal_t* handle, int signum) {
  ASSERT_EQ(handle->signum, signum);
  fired++;
  ASSERT_OK(uv_signal_stop(handle));
  ASSERT_EQ(uv_is_active((uv_handle_t*) handle), 0);
}

/* Raises the signal that ends the child of expect_killed_by(). */
static void raise_the_last(int signum) {
  ASSERT_OK(mkdir(test_path("last"), 0700));
  ASSERT_EQ(raise(signum), 0);
}

static void expect_killed_by(void (*scenario)(void), int signum) {
  int status = child_status(scenario);
  ASSERT(WIFSIGNALED(status));
  ASSERT_EQ(WTERMSIG(status), signum);
  ASSERT_OK(rmdir(test_path("last")));
}

TEST(signal_is_delivered_on_the_loop) {
  uv_loop_t loop;
  uv_signal_t watcher;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_signal_init(&loop, &watcher));
  ASSERT_EQ(watcher.signum, 0);
  ASSERT_OK(uv_signal_start(&watcher, count_and_stop_cb, SIGUSR1));
  ASSERT_EQ(watcher.signum, SIGUSR1);
  ASSERT_EQ(uv_is_active((uv_handle_t*) &watcher), 1);
  ASSERT_EQ(raise(SIGUSR1), 0);
  ASSERT_EQ(fired, 0);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(fired, 1);
  ASSERT_EQ(watcher.signum, 0);
  CLOSE_LOOP(&loop);
}

static void kill_self(void* arg) {
  (void) arg;
  ASSERT_EQ(kill(getpid(), SIGUSR2), 0);
}

TEST(signal_from_another_thread_wakes_the_loop) {
  uv_loop_t loop;
  uv_signal_t watcher;
  uv_thread_t thread;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_signal_init(&loop, &watcher));
  ASSERT_OK(uv_signal_start(&watcher, count_and_stop_cb, SIGUSR2));
  ASSERT_OK(uv_thread_create(&thread, kill_self, NULL));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_OK(uv_thread_join(&thread));
  ASSERT_EQ(fired, 1);
  CLOSE_LOOP(&loop);
}

TEST(signal_burst_arrives_one_by_one) {
  enum { BURST = 500 };
  uv_loop_t loop;
  uv_signal_t watchers[2];
  int i;

  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < 2; i++) {
    ASSERT_OK(uv_signal_init(&loop, &watchers[i]));
    ASSERT_OK(uv_signal_start(&watchers[i], count_signal, SIGUSR1));
  }
  for (i = 0; i < BURST; i++) ASSERT_EQ(raise(SIGUSR1), 0);
  while (fired < 2 * BURST) ASSERT_NE(uv_run(&loop, UV_RUN_ONCE), 0);
  ASSERT_NE(uv_run(&loop, UV_RUN_NOWAIT), 0);
  ASSERT_EQ(fired, 2 * BURST);
  CLOSE_LOOP(&loop);
}

TEST(signal_start_and_stop_are_repeatable) {
  uv_loop_t loop;
  uv_signal_t watcher;
  int i;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_signal_init(&loop, &watcher));
  ASSERT_OK(uv_signal_stop(&watcher));
  for (i = 1; i <= 20; i++) {
    ASSERT_OK(uv_signal_start(&watcher, count_and_stop_cb, SIGHUP));
    ASSERT_EQ(raise(SIGHUP), 0);
    ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
    ASSERT_EQ(fired, i);
    ASSERT_OK(uv_signal_stop(&watcher));
  }
  CLOSE_LOOP(&loop);
}

TEST(signal_start_again_changes_the_callback) {
  uv_loop_t loop;
  uv_signal_t watcher;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_signal_init(&loop, &watcher));
  ASSERT_OK(uv_signal_start(&watcher, never_signal, SIGUSR1));
  ASSERT_OK(uv_signal_start(&watcher, count_and_stop_cb, SIGUSR1));
  ASSERT_EQ(raise(SIGUSR1), 0);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(fired, 1);
  CLOSE_LOOP(&loop);
}

TEST(signal_start_again_changes_the_signal) {
  uv_loop_t loop;
  uv_signal_t watcher;
  uv_signal_t other;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_signal_init(&loop, &watcher));
  ASSERT_OK(uv_signal_init(&loop, &other));
  ASSERT_OK(uv_signal_start(&other, count_signal, SIGUSR1));
  ASSERT_OK(uv_signal_start(&watcher, never_signal, SIGUSR1));
  ASSERT_OK(uv_signal_start(&watcher, count_signal, SIGUSR2));
  ASSERT_EQ(watcher.signum, SIGUSR2);
  ASSERT_EQ(raise(SIGUSR1), 0);
  ASSERT_NE(uv_run(&loop, UV_RUN_ONCE), 0);
  ASSERT_EQ(fired, 1);
  ASSERT_EQ(raise(SIGUSR2), 0);
  ASSERT_NE(uv_run(&loop, UV_RUN_ONCE), 0);
  ASSERT_EQ(fired, 2);
  CLOSE_LOOP(&loop);
}

static const int bad_signums[] = {0,  -1,   65,      1000,
                                  INT32_MAX, INT32_MIN, SIGKILL, SIGSTOP};
enum { BAD = sizeof(bad_signums) / sizeof(bad_signums[0]) };

TEST(signal_bad_numbers_are_einval) {
  uv_loop_t loop;
  uv_signal_t watcher;
  int i;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_signal_init(&loop, &watcher));
  for (i = 0; i < BAD; i++) {
    ASSERT_EQ(uv_signal_start(&watcher, never_signal, bad_signums[i]),
              UV_EINVAL);
    ASSERT_EQ(uv_signal_start_oneshot(&watcher, never_signal, bad_signums[i]),
              UV_EINVAL);
    ASSERT_EQ(uv_is_active((uv_handle_t*) &watcher), 0);
    ASSERT_EQ(watcher.signum, 0);
  }
  /* The handle is as good as new. */
  ASSERT_OK(uv_signal_start(&watcher, count_and_stop_cb, SIGUSR1));
  ASSERT_EQ(raise(SIGUSR1), 0);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(fired, 1);
  CLOSE_LOOP(&loop);
}

TEST(signal_every_catchable_number_can_be_watched) {
  uv_loop_t loop;
  uv_signal_t watchers[64];
  int signum;

  ASSERT_OK(uv_loop_init(&loop));
  for (signum = 1; signum < 64; signum++) { /* 64 is valgrind's own */
    ASSERT_OK(uv_signal_init(&loop, &watchers[signum]));
    if (signum == SIGKILL || signum == SIGSTOP) continue;
    if (signum >= 32 && signum < SIGRTMIN) continue; /* the C library's */
    ASSERT_OK(uv_signal_start(&watchers[signum], count_signal, signum));
  }
  /* Faults can be watched; what happens when one occurs is undefined. */
  ASSERT_EQ(watchers[SIGSEGV].signum, SIGSEGV);
  ASSERT_EQ(watchers[SIGILL].signum, SIGILL);
  ASSERT_EQ(watchers[SIGFPE].signum, SIGFPE);
  ASSERT_EQ(watchers[SIGBUS].signum, SIGBUS);
  ASSERT_EQ(raise(SIGRTMIN + 1), 0);
  ASSERT_EQ(raise(SIGTERM), 0);
  ASSERT_EQ(raise(SIGWINCH), 0);
  while (fired < 3) ASSERT_NE(uv_run(&loop, UV_RUN_ONCE), 0);
  ASSERT_EQ(fired, 3);
  CLOSE_LOOP(&loop);
}

TEST(signal_oneshot_fires_once_and_stops_itself) {
  uv_loop_t loop;
  uv_signal_t watcher;
  struct sigaction action;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_signal_init(&loop, &watcher));
  ASSERT_OK(uv_signal_start_oneshot(&watcher, count_signal, SIGUSR1));
  ASSERT_EQ(raise(SIGUSR1), 0);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(fired, 1);
  ASSERT_EQ(uv_is_active((uv_handle_t*) &watcher), 0);
  ASSERT_EQ(watcher.signum, 0);
  ASSERT_EQ(sigaction(SIGUSR1, NULL, &action), 0);
  ASSERT(action.sa_handler == SIG_DFL);
  CLOSE_LOOP(&loop);
}

static void raise_twice_with_a_oneshot(void) {
  uv_loop_t loop;
  uv_signal_t watcher;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_signal_init(&loop, &watcher));
  ASSERT_OK(uv_signal_start_oneshot(&watcher, count_signal, SIGUSR1));
  ASSERT_EQ(raise(SIGUSR1), 0);
  /* The default action is back before the loop has run. */
  raise_the_last(SIGUSR1);
}

TEST(signal_oneshot_gives_the_signal_back_at_delivery) {
  expect_killed_by(raise_twice_with_a_oneshot, SIGUSR1);
}

TEST(signal_oneshot_beside_a_normal_watcher) {
  uv_loop_t loop;
  uv_signal_t once;
  uv_signal_t always;
  int order;

  for (order = 0; order < 2; order++) {
    fired = 0;
    ASSERT_OK(uv_loop_init(&loop));
    ASSERT_OK(uv_signal_init(&loop, &once));
    ASSERT_OK(uv_signal_init(&loop, &always));
    if (order == 0)
      ASSERT_OK(uv_signal_start_oneshot(&once, count_signal, SIGUSR1));
    ASSERT_OK(uv_signal_start(&always, count_signal, SIGUSR1));
    if (order == 1)
      ASSERT_OK(uv_signal_start_oneshot(&once, count_signal, SIGUSR1));
    /* Deliver, then again: the normal one keeps the signal. */
    ASSERT_EQ(raise(SIGUSR1), 0);
    while (fired < 2) ASSERT_NE(uv_run(&loop, UV_RUN_ONCE), 0);
    ASSERT_EQ(uv_is_active((uv_handle_t*) &once), 0);
    ASSERT_EQ(raise(SIGUSR1), 0);
    ASSERT_NE(uv_run(&loop, UV_RUN_ONCE), 0);
    ASSERT_EQ(fired, 3);
    CLOSE_LOOP(&loop);
  }
}

static uv_signal_t* called[4];

static void note_cb(uv_signal_t* handle, int signum) {
  ASSERT_EQ(handle->signum, signum);
  ASSERT_LT(fired, 4);
  called[fired++] = handle;
}

/* Whatever the order of the starts: the one-shot ones last, either in the
 * order of their addresses. */
TEST(signal_watchers_are_called_in_order) {
  static const int starts[][4] = {
      {0, 1, 2, 3}, {3, 2, 1, 0}, {1, 3, 0, 2}, {2, 0, 3, 1}};
  uv_loop_t loop;
  uv_signal_t watchers[4]; /* the first and the third are one-shot */
  int i;
  int k;

  for (i = 0; i < 4; i++) {
    fired = 0;
    ASSERT_OK(uv_loop_init(&loop));
    for (k = 0; k < 4; k++) ASSERT_OK(uv_signal_init(&loop, &watchers[k]));
    for (k = 0; k < 4; k++) {
      int which = starts[i][k];
      if (which % 2 == 0)
        ASSERT_OK(
            uv_signal_start_oneshot(&watchers[which], note_cb, SIGUSR1));
      else
        ASSERT_OK(uv_signal_start(&watchers[which], note_cb, SIGUSR1));
    }
    ASSERT_EQ(raise(SIGUSR1), 0);
    while (fired < 4) ASSERT_NE(uv_run(&loop, UV_RUN_ONCE), 0);
    ASSERT_PTR_EQ(called[0], &watchers[1]);
    ASSERT_PTR_EQ(called[1], &watchers[3]);
    ASSERT_PTR_EQ(called[2], &watchers[0]);
    ASSERT_PTR_EQ(called[3], &watchers[2]);
    CLOSE_LOOP(&loop);
  }
}

static void stop_normal_beside_oneshot(void) {
  uv_loop_t loop;
  uv_signal_t once;
  uv_signal_t always;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_signal_init(&loop, &once));
  ASSERT_OK(uv_signal_init(&loop, &always));
  ASSERT_OK(uv_signal_start(&always, count_signal, SIGUSR1));
  ASSERT_OK(uv_signal_start_oneshot(&once, count_signal, SIGUSR1));
  ASSERT_OK(uv_signal_stop(&always));
  /* Only the one-shot is left: the first goes to it, the second kills. */
  ASSERT_EQ(raise(SIGUSR1), 0);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(fired, 1);
  raise_the_last(SIGUSR1);
}

TEST(signal_oneshot_left_alone_gives_the_signal_back) {
  expect_killed_by(stop_normal_beside_oneshot, SIGUSR1);
}

static void restart_oneshot_cb(uv_signal_t* handle, int signum) {
  fired++;
  ASSERT_OK(uv_signal_start_oneshot(handle, restart_oneshot_cb, signum));
}

static void restart_normal_cb(uv_signal_t* handle, int signum) {
  fired++;
  ASSERT_OK(uv_signal_start(handle, restart_normal_cb, signum));
}

/* libuv stops a one-shot watcher after its callback, whatever that did. */
TEST(signal_oneshot_started_in_its_callback_is_stopped_after_it) {
  static const uv_signal_cb callbacks[] = {restart_oneshot_cb,
                                           restart_normal_cb};
  uv_loop_t loop;
  uv_signal_t watcher;
  int i;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_signal_init(&loop, &watcher));
  for (i = 0; i < 2; i++) {
    ASSERT_OK(uv_signal_start_oneshot(&watcher, callbacks[i], SIGUSR1));
    ASSERT_EQ(raise(SIGUSR1), 0);
    ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
    ASSERT_EQ(fired, i + 1);
    ASSERT_EQ(uv_is_active((uv_handle_t*) &watcher), 0);
  }
  CLOSE_LOOP(&loop);
}

static void stop_then_raise(void) {
  uv_loop_t loop;
  uv_signal_t watcher;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_signal_init(&loop, &watcher));
  ASSERT_OK(uv_signal_start(&watcher, count_signal, SIGTERM));
  ASSERT_OK(uv_signal_stop(&watcher));
  raise_the_last(SIGTERM);
}

static void close_then_raise(void) {
  uv_loop_t loop;
  uv_signal_t watcher;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_signal_init(&loop, &watcher));
  ASSERT_OK(uv_signal_start(&watcher, count_signal, SIGTERM));
  CLOSE_LOOP(&loop);
  raise_the_last(SIGTERM);
}

static void change_then_raise(void) {
  uv_loop_t loop;
  uv_signal_t watcher;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_signal_init(&loop, &watcher));
  ASSERT_OK(uv_signal_start(&watcher, count_signal, SIGTERM));
  ASSERT_OK(uv_signal_start(&watcher, count_signal, SIGHUP));
  ASSERT_EQ(raise(SIGHUP), 0);
  ASSERT_NE(uv_run(&loop, UV_RUN_ONCE), 0);
  ASSERT_EQ(fired, 1);
  raise_the_last(SIGTERM);
}

TEST(signal_last_stop_gives_the_default_action_back) {
  expect_killed_by(stop_then_raise, SIGTERM);
  expect_killed_by(close_then_raise, SIGTERM);
  expect_killed_by(change_then_raise, SIGTERM);
}

TEST(signal_default_comes_back_with_the_last_of_several_watchers) {
  enum { N = 3 };
  uv_loop_t loops[N];
  uv_signal_t watchers[N];
  struct sigaction action;
  int i;

  for (i = 0; i < N; i++) {
    ASSERT_OK(uv_loop_init(&loops[i]));
    ASSERT_OK(uv_signal_init(&loops[i], &watchers[i]));
    ASSERT_OK(uv_signal_start(&watchers[i], count_signal, SIGUSR2));
  }
  for (i = 0; i < N; i++) {
    ASSERT_EQ(sigaction(SIGUSR2, NULL, &action), 0);
    ASSERT(action.sa_handler != SIG_DFL);
    ASSERT_OK(uv_signal_stop(&watchers[i]));
  }
  ASSERT_EQ(sigaction(SIGUSR2, NULL, &action), 0);
  ASSERT(action.sa_handler == SIG_DFL);
  for (i = 0; i < N; i++) CLOSE_LOOP(&loops[i]);
}

static atomic_int old_handler_ran;

static void old_handler(int signum) {
  (void) signum;
  atomic_store(&old_handler_ran, 1);
}

/* A handler that the program installed is replaced, and not put back: after
 * the last watcher the default action holds. */
TEST(signal_replaces_the_handler_of_the_program) {
  struct sigaction action;
  uv_loop_t loop;
  uv_signal_t watcher;

  memset(&action, 0, sizeof(action));
  action.sa_handler = old_handler;
  ASSERT_EQ(sigaction(SIGUSR1, &action, NULL), 0);
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_signal_init(&loop, &watcher));
  ASSERT_OK(uv_signal_start(&watcher, count_signal, SIGUSR1));
  ASSERT_EQ(raise(SIGUSR1), 0);
  ASSERT_NE(uv_run(&loop, UV_RUN_ONCE), 0);
  ASSERT_EQ(fired, 1);
  ASSERT_EQ(old_handler_ran, 0);
  ASSERT_OK(uv_signal_stop(&watcher));
  ASSERT_EQ(sigaction(SIGUSR1, NULL, &action), 0);
  ASSERT(action.sa_handler == SIG_DFL);
  CLOSE_LOOP(&loop);
}

TEST(signal_handler_restarts_system_calls_and_masks_nothing) {
  struct sigaction action;
  uv_loop_t loop;
  uv_signal_t watcher;
  sigset_t before;
  sigset_t after;
  int signum;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_signal_init(&loop, &watcher));
  ASSERT_EQ(pthread_sigmask(SIG_SETMASK, NULL, &before), 0);
  ASSERT_OK(uv_signal_start(&watcher, count_signal, SIGUSR1));
  ASSERT_EQ(sigaction(SIGUSR1, NULL, &action), 0);
  ASSERT_NE(action.sa_flags & SA_RESTART, 0);
  /* Starting a watcher leaves the thread's own mask as it was. */
  ASSERT_EQ(pthread_sigmask(SIG_SETMASK, NULL, &after), 0);
  for (signum = 1; signum < 32; signum++)
    ASSERT_EQ(sigismember(&before, signum), sigismember(&after, signum));
  CLOSE_LOOP(&loop);
}

static void close_self_cb(uv_signal_t* handle, int signum) {
  (void) signum;
  fired++;
  uv_close((uv_handle_t*) handle, NULL);
}

TEST(signal_closed_in_its_callback) {
  uv_loop_t loop;
  uv_signal_t watcher;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_signal_init(&loop, &watcher));
  ASSERT_OK(uv_signal_start(&watcher, close_self_cb, SIGUSR1));
  ASSERT_EQ(raise(SIGUSR1), 0);
  ASSERT_EQ(raise(SIGUSR1), 0);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(fired, 1);
  ASSERT_OK(uv_loop_close(&loop));
}

static int closed;

static void free_closed_cb(uv_handle_t* handle) {
  memset(handle, 0xdd, sizeof(uv_signal_t));
  free(handle);
  closed++;
}

TEST(signal_closed_while_one_is_pending) {
  uv_loop_t loop;
  int i;

  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < 10; i++) {
    uv_signal_t* watcher = malloc(sizeof(*watcher));
    ASSERT_NOT_NULL(watcher);
    ASSERT_OK(uv_signal_init(&loop, watcher));
    ASSERT_OK(uv_signal_start(watcher, never_signal, SIGUSR1));
    ASSERT_EQ(raise(SIGUSR1), 0);
    uv_close((uv_handle_t*) watcher, free_closed_cb);
  }
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(closed, 10);
  ASSERT_OK(uv_loop_close(&loop));
}

TEST(signal_stopped_while_one_is_pending) {
  uv_loop_t loop;
  uv_signal_t watcher;
  uv_async_t keeper;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_async_init(&loop, &keeper, NULL));
  ASSERT_OK(uv_signal_init(&loop, &watcher));
  ASSERT_OK(uv_signal_start(&watcher, never_signal, SIGUSR1));
  ASSERT_EQ(raise(SIGUSR1), 0);
  ASSERT_OK(uv_signal_stop(&watcher));
  ASSERT_NE(uv_run(&loop, UV_RUN_NOWAIT), 0);
  ASSERT_OK(uv_signal_start(&watcher, count_signal, SIGUSR2));
  ASSERT_EQ(raise(SIGUSR2), 0);
  while (fired < 1) ASSERT_NE(uv_run(&loop, UV_RUN_ONCE), 0);
  CLOSE_LOOP(&loop);
}

static void stop_peer_cb(uv_signal_t* handle, int signum) {
  (void) signum;
  fired++;
  ASSERT_OK(uv_signal_stop(handle->data));
}

TEST(signal_watcher_stopped_by_another_does_not_fire) {
  uv_loop_t loop;
  uv_signal_t a;
  uv_signal_t b;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_signal_init(&loop, &a));
  ASSERT_OK(uv_signal_init(&loop, &b));
  a.data = &b;
  b.data = &a;
  ASSERT_OK(uv_signal_start(&a, stop_peer_cb, SIGUSR1));
  ASSERT_OK(uv_signal_start(&b, stop_peer_cb, SIGUSR1));
  ASSERT_EQ(raise(SIGUSR1), 0);
  ASSERT_NE(uv_run(&loop, UV_RUN_ONCE), 0);
  ASSERT_NE(uv_run(&loop, UV_RUN_NOWAIT), 0);
  ASSERT_EQ(fired, 1);
  CLOSE_LOOP(&loop);
}

TEST(signal_unreferenced_does_not_keep_the_loop) {
  uv_loop_t loop;
  uv_signal_t watcher;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_signal_init(&loop, &watcher));
  ASSERT_OK(uv_signal_start(&watcher, count_signal, SIGUSR1));
  uv_unref((uv_handle_t*) &watcher);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(uv_loop_close(&loop), UV_EBUSY);
  CLOSE_LOOP(&loop);
}

static void reap_cb(uv_signal_t* handle, int signum) {
  int status;
  ASSERT_EQ(signum, SIGCHLD);
  if (waitpid(*(pid_t*) handle->data, &status, WNOHANG) <= 0) return;
  ASSERT(WIFEXITED(status));
  ASSERT_EQ(WEXITSTATUS(status), 42);
  fired++;
  ASSERT_OK(uv_signal_stop(handle));
}

TEST(signal_sigchld_tells_of_a_child_that_ended) {
  uv_loop_t loop;
  uv_signal_t watcher;
  pid_t pid;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_signal_init(&loop, &watcher));
  watcher.data = &pid;
  ASSERT_OK(uv_signal_start(&watcher, reap_cb, SIGCHLD));
  pid = fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) _exit(42);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(fired, 1);
  CLOSE_LOOP(&loop);
}

struct watching_loop {
  uv_thread_t thread;
  uv_sem_t* ready;
  int got[2];
};

static void thread_cb(uv_signal_t* handle, int signum) {
  struct watching_loop* w = handle->data;
  w->got[signum == SIGUSR2]++;
  uv_close((uv_handle_t*) handle, NULL);
}

static void watch_in_thread(void* arg) {
  struct watching_loop* w = arg;
  uv_loop_t loop;
  uv_signal_t watchers[3];
  int i;

  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < 3; i++) {
    ASSERT_OK(uv_signal_init(&loop, &watchers[i]));
    watchers[i].data = w;
    ASSERT_OK(uv_signal_start(&watchers[i], thread_cb,
                              i == 2 ? SIGUSR2 : SIGUSR1));
  }
  uv_sem_post(w->ready);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_OK(uv_loop_close(&loop));
}

TEST(signal_reaches_every_loop_in_every_thread) {
  enum { N = 8 };
  struct watching_loop w[N];
  uv_sem_t ready;
  int i;

  memset(w, 0, sizeof(w));
  ASSERT_OK(uv_sem_init(&ready, 0));
  for (i = 0; i < N; i++) {
    w[i].ready = &ready;
    ASSERT_OK(uv_thread_create(&w[i].thread, watch_in_thread, &w[i]));
  }
  for (i = 0; i < N; i++) uv_sem_wait(&ready);
  ASSERT_EQ(kill(getpid(), SIGUSR1), 0);
  ASSERT_EQ(kill(getpid(), SIGUSR2), 0);
  for (i = 0; i < N; i++) ASSERT_OK(uv_thread_join(&w[i].thread));
  for (i = 0; i < N; i++) {
    ASSERT_EQ(w[i].got[0], 2);
    ASSERT_EQ(w[i].got[1], 1);
  }
  uv_sem_destroy(&ready);
}

static atomic_int churned;

static void churn_loops(void* arg) {
  int i;
  (void) arg;
  for (i = 0; i < 50; i++) {
    uv_loop_t loop;
    uv_signal_t watcher;
    ASSERT_OK(uv_loop_init(&loop));
    ASSERT_OK(uv_signal_init(&loop, &watcher));
    ASSERT_OK(uv_signal_start(&watcher, count_and_stop_cb, SIGPROF));
    CLOSE_LOOP(&loop);
    atomic_fetch_add(&churned, 1);
  }
}

TEST(signal_watchers_come_and_go_while_signals_arrive) {
  uv_thread_t threads[4];
  uv_loop_t loop;
  uv_signal_t watcher;
  int i;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_signal_init(&loop, &watcher));
  /* Keeps the signal from its default action throughout. */
  ASSERT_OK(uv_signal_start(&watcher, count_signal, SIGUSR1));
  for (i = 0; i < 4; i++)
    ASSERT_OK(uv_thread_create(&threads[i], churn_loops, NULL));
  for (i = 0; i < 200; i++) {
    ASSERT_EQ(raise(SIGUSR1), 0);
    ASSERT_NE(uv_run(&loop, UV_RUN_NOWAIT), 0);
  }
  for (i = 0; i < 4; i++) ASSERT_OK(uv_thread_join(&threads[i]));
  ASSERT_EQ(atomic_load(&churned), 200);
  while (fired < 200) ASSERT_NE(uv_run(&loop, UV_RUN_ONCE), 0);
  ASSERT_EQ(fired, 200);
  CLOSE_LOOP(&loop);
}

static atomic_int interruptions;

static void interrupt(int signum) {
  (void) signum;
  atomic_fetch_add(&interruptions, 1);
}

static void stop_async_cb(uv_async_t* async) {
  fired++;
  uv_stop(async->loop);
}

struct interrupted {
  pthread_t thread;
  uv_async_t async;
};

static void interrupt_then_send(void* arg) {
  struct interrupted* i = arg;
  int n;

  for (n = 1; n <= 50; n++) {
    ASSERT_EQ(pthread_kill(i->thread, SIGUSR2), 0);
    while (atomic_load(&interruptions) < n) continue;
  }
  ASSERT_OK(uv_async_send(&i->async));
}

/* A handler of the program's own interrupts the wait; the run goes on. */
TEST(signal_that_is_not_watched_does_not_end_a_wait) {
  struct sigaction action;
  struct interrupted i;
  uv_loop_t loop;
  uv_thread_t thread;

  memset(&action, 0, sizeof(action));
  action.sa_handler = interrupt;
  ASSERT_EQ(sigaction(SIGUSR2, &action, NULL), 0);
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_async_init(&loop, &i.async, stop_async_cb));
  i.thread = pthread_self();
  ASSERT_OK(uv_thread_create(&thread, interrupt_then_send, &i));
  ASSERT_NE(uv_run(&loop, UV_RUN_ONCE), 0);
  ASSERT_EQ(fired, 1);
  ASSERT_EQ(interruptions, 50);
  ASSERT_OK(uv_thread_join(&thread));
  CLOSE_LOOP(&loop);
}

TEST(signal_blocked_while_polling_is_still_delivered) {
  uv_loop_t loop;
  uv_signal_t watcher;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_loop_configure(&loop, UV_LOOP_BLOCK_SIGNAL, SIGPROF));
  ASSERT_OK(uv_signal_init(&loop, &watcher));
  ASSERT_OK(uv_signal_start(&watcher, count_and_stop_cb, SIGPROF));
  ASSERT_EQ(raise(SIGPROF), 0);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(fired, 1);
  CLOSE_LOOP(&loop);
}

static void never_first(uv_signal_t* handle, int signum) {
  (void) handle;
  test_fail(__FILE__, __LINE__, "the callback of before (%d)", signum);
}

/* A signal that was caught while the handle watched it is told after the handle was
 * stopped and started again, or watched another signal in between. */
TEST(signal_caught_before_stop_and_start) {
  int over_another;
  for (over_another = 0; over_another < 2; over_another++) {
    uv_loop_t loop;
    uv_signal_t watcher;
    fired = 0;
    ASSERT_OK(uv_loop_init(&loop));
    ASSERT_OK(uv_signal_init(&loop, &watcher));
    ASSERT_OK(uv_signal_start(&watcher, never_first, SIGUSR1));
    ASSERT_OK(raise(SIGUSR1));
    if (over_another)
      ASSERT_OK(uv_signal_start(&watcher, never_first, SIGUSR2));
    else
      ASSERT_OK(uv_signal_stop(&watcher));
    ASSERT_OK(uv_signal_start(&watcher, count_signal, SIGUSR1));
    RUN_UNTIL(&loop, fired == 1);
    uv_run(&loop, UV_RUN_NOWAIT);
    ASSERT_EQ(fired, 1);
    CLOSE_LOOP(&loop);
  }
}

/* One that is stopped when the loop runs is not told later. */
TEST(signal_caught_before_the_stop_is_dropped) {
  uv_loop_t loop;
  uv_signal_t watcher;
  uv_signal_t other;
  ASSERT_OK(uv_loop_init(&loop));
  /* The loop has something to wait for. */
  ASSERT_OK(uv_signal_init(&loop, &other));
  ASSERT_OK(uv_signal_start(&other, never_first, SIGUSR2));
  ASSERT_OK(uv_signal_init(&loop, &watcher));
  ASSERT_OK(uv_signal_start(&watcher, never_first, SIGUSR1));
  ASSERT_OK(raise(SIGUSR1));
  ASSERT_OK(uv_signal_stop(&watcher));
  uv_run(&loop, UV_RUN_NOWAIT);
  uv_run(&loop, UV_RUN_NOWAIT);
  ASSERT_OK(uv_signal_start(&watcher, count_signal, SIGUSR1));
  uv_run(&loop, UV_RUN_NOWAIT);
  uv_run(&loop, UV_RUN_NOWAIT);
  ASSERT_EQ(fired, 0);
  ASSERT_OK(raise(SIGUSR1));
  RUN_UNTIL(&loop, fired == 1);
  CLOSE_LOOP(&loop);
}

static void ignore_signal(uv_signal_t* handle, int signum) {
  (void) handle;
  (void) signum;
}

/* A handle is told of a signal that it watched when the signal was caught and watches when the loop
 * runs, whatever it watched between. */
TEST(signal_caught_before_other_starts) {
  static const int between[] = {SIGUSR2, SIGWINCH, SIGURG, SIGUSR2, SIGHUP};
  uv_loop_t loop;
  uv_signal_t watcher;
  size_t i;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_signal_init(&loop, &watcher));
  ASSERT_OK(uv_signal_start(&watcher, count_signal, SIGUSR1));
  ASSERT_OK(raise(SIGUSR1));
  for (i = 0; i < sizeof between / sizeof *between; i++) {
    ASSERT_OK(uv_signal_start(&watcher, never_first, between[i]));
    ASSERT_OK(raise(between[i]));
    if (i % 2) ASSERT_OK(uv_signal_stop(&watcher));
  }
  ASSERT_OK(uv_signal_start(&watcher, count_signal, SIGUSR1));
  RUN_UNTIL(&loop, fired == 1);
  uv_run(&loop, UV_RUN_NOWAIT);
  ASSERT_EQ(fired, 1);
  CLOSE_LOOP(&loop);
}

/* It is not told of those that came while it did not watch them. */
TEST(signal_caught_between_starts_is_dropped) {
  uv_loop_t loop;
  uv_signal_t watcher;
  uv_signal_t other;
  int i;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_signal_init(&loop, &watcher));
  ASSERT_OK(uv_signal_init(&loop, &other));
  /* Keeps the signal caught. */
  ASSERT_OK(uv_signal_start(&other, ignore_signal, SIGUSR1));
  for (i = 0; i < 3; i++) {
    ASSERT_OK(uv_signal_start(&watcher, count_signal, SIGUSR1));
    ASSERT_OK(raise(SIGUSR1));
    ASSERT_OK(uv_signal_stop(&watcher));
    ASSERT_OK(raise(SIGUSR1));
    ASSERT_OK(raise(SIGUSR1));
  }
  ASSERT_OK(uv_signal_start(&watcher, count_signal, SIGUSR1));
  RUN_UNTIL(&loop, fired == 3);
  uv_run(&loop, UV_RUN_NOWAIT);
  ASSERT_EQ(fired, 3);
  CLOSE_LOOP(&loop);
}

static uv_signal_t* restarted;

static void restart_other(uv_signal_t* handle, int signum) {
  (void) handle;
  fired += 10;
  ASSERT_OK(uv_signal_stop(restarted));
  ASSERT_OK(uv_signal_start(restarted, count_signal, signum));
}

/* Nor does it matter that the callback of another handle restarts it while the signal is dispatched. */
TEST(signal_restarted_while_dispatched) {
  uv_loop_t loop;
  uv_signal_t watchers[2];
  int i;
  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < 2; i++)
    ASSERT_OK(uv_signal_init(&loop, &watchers[i]));
  restarted = &watchers[1];
  ASSERT_OK(uv_signal_start(&watchers[0], restart_other, SIGUSR1));
  ASSERT_OK(uv_signal_start(&watchers[1], never_first, SIGUSR1));
  ASSERT_OK(raise(SIGUSR1));
  ASSERT_OK(raise(SIGUSR1));
  RUN_UNTIL(&loop, fired == 22);
  uv_run(&loop, UV_RUN_NOWAIT);
  ASSERT_EQ(fired, 22);
  CLOSE_LOOP(&loop);
}

static uv_signal_t reused;

static void close_caught(uv_check_t* check) {
  ASSERT_OK(uv_check_stop(check));
  ASSERT_OK(uv_signal_start(&reused, count_signal, SIGUSR1));
  ASSERT_OK(raise(SIGUSR1));
  ASSERT_OK(uv_signal_stop(&reused));
  uv_close((uv_handle_t*) &reused, count_close);
}

/* A handle in the memory of one that was closed does not get its signals. */
TEST(signal_caught_before_the_close_is_dropped) {
  uv_loop_t loop;
  uv_check_t check;
  uv_signal_t other;
  int closes = 0;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_signal_init(&loop, &other));
  ASSERT_OK(uv_signal_start(&other, ignore_signal, SIGUSR1));
  ASSERT_OK(uv_signal_init(&loop, &reused));
  reused.data = &closes;
  ASSERT_OK(uv_check_init(&loop, &check));
  ASSERT_OK(uv_check_start(&check, close_caught));
  while (closes == 0)
    uv_run(&loop, UV_RUN_NOWAIT);
  ASSERT_OK(uv_signal_init(&loop, &reused));
  ASSERT_OK(uv_signal_start(&reused, count_signal, SIGUSR1));
  uv_run(&loop, UV_RUN_NOWAIT);
  uv_run(&loop, UV_RUN_NOWAIT);
  ASSERT_EQ(fired, 0);
  CLOSE_LOOP(&loop);
}
