/* fork() with signal handles: who gets a signal, and forks in and beside
 * handlers. */

#include "test-callbacks.h"
#include "test-child.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/time.h>

struct signal_scenario {
  uv_loop_t loop;
  uv_signal_t watcher;
  int to_parent[2];
  int to_child[2];
};

static void signal_cb(uv_signal_t* watcher, int signum) {
  ASSERT_EQ(signum, SIGUSR1);
  fired++;
  uv_stop(watcher->loop);
}

static void step(int fd) {
  char byte = 0;
  ASSERT_EQ(write(fd, &byte, 1), 1);
}

static void await(int fd) {
  char byte;
  ssize_t n;
  do n = read(fd, &byte, 1);
  while (n < 0 && errno == EINTR);
  ASSERT_EQ(n, 1);
}

static void signal_scenario_init(struct signal_scenario* s) {
  ASSERT_EQ(pipe(s->to_parent), 0);
  ASSERT_EQ(pipe(s->to_child), 0);
  ASSERT_OK(uv_loop_init(&s->loop));
  ASSERT_OK(uv_signal_init(&s->loop, &s->watcher));
  ASSERT_OK(uv_signal_start(&s->watcher, signal_cb, SIGUSR1));
}

static void raise_in_child(void* arg) {
  struct signal_scenario* s = arg;

  ASSERT_OK(uv_loop_fork(&s->loop));
  ASSERT_EQ(raise(SIGUSR1), 0);
  ASSERT_NE(uv_run(&s->loop, UV_RUN_DEFAULT), 0);
  ASSERT_EQ(fired, 1);
  CLOSE_LOOP(&s->loop);
}

TEST(fork_signal_to_the_child_is_the_childs) {
  struct signal_scenario s;

  signal_scenario_init(&s);
  run_in_child(raise_in_child, &s);
  ASSERT_NE(uv_run(&s.loop, UV_RUN_NOWAIT), 0);
  ASSERT_EQ(fired, 0);
  ASSERT_EQ(raise(SIGUSR1), 0);
  ASSERT_NE(uv_run(&s.loop, UV_RUN_DEFAULT), 0);
  ASSERT_EQ(fired, 1);
  CLOSE_LOOP(&s.loop);
}

TEST(fork_signal_to_the_parent_is_the_parents) {
  struct signal_scenario s;
  pid_t pid;

  signal_scenario_init(&s);
  pid = fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) {
    ASSERT_OK(uv_loop_fork(&s.loop));
    step(s.to_parent[1]);
    await(s.to_child[0]);
    ASSERT_NE(uv_run(&s.loop, UV_RUN_NOWAIT), 0);
    ASSERT_EQ(fired, 0);
    CLOSE_LOOP(&s.loop);
    _exit(0);
  }
  await(s.to_parent[0]);
  ASSERT_EQ(raise(SIGUSR1), 0);
  ASSERT_NE(uv_run(&s.loop, UV_RUN_DEFAULT), 0);
  ASSERT_EQ(fired, 1);
  step(s.to_child[1]);
  await_child(pid);
  CLOSE_LOOP(&s.loop);
}

/* The child waits in the kernel when the signal comes, and nothing else ends
 * that wait. */
TEST(fork_signal_wakes_a_waiting_child) {
  struct signal_scenario s;
  pid_t pid;

  signal_scenario_init(&s);
  ASSERT_OK(uv_signal_start(&s.watcher, count_signal, SIGUSR1));
  ASSERT_NE(uv_run(&s.loop, UV_RUN_NOWAIT), 0);
  pid = fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) {
    ASSERT_OK(uv_loop_fork(&s.loop));
    step(s.to_parent[1]);
    ASSERT_NE(uv_run(&s.loop, UV_RUN_ONCE), 0);
    ASSERT_EQ(fired, 1);
    CLOSE_LOOP(&s.loop);
    _exit(0);
  }
  await(s.to_parent[0]);
  ASSERT_EQ(kill(pid, SIGUSR1), 0);
  await_child(pid);
  ASSERT_NE(uv_run(&s.loop, UV_RUN_NOWAIT), 0);
  ASSERT_EQ(fired, 0);
  CLOSE_LOOP(&s.loop);
}

static void close_watcher_in_child(void* arg) {
  struct signal_scenario* s = arg;
  ASSERT_OK(uv_loop_fork(&s->loop));
  CLOSE_LOOP(&s->loop);
}

TEST(fork_child_that_closes_its_watcher_leaves_the_parents) {
  struct signal_scenario s;

  signal_scenario_init(&s);
  run_in_child(close_watcher_in_child, &s);
  ASSERT_EQ(raise(SIGUSR1), 0);
  ASSERT_NE(uv_run(&s.loop, UV_RUN_DEFAULT), 0);
  ASSERT_EQ(fired, 1);
  CLOSE_LOOP(&s.loop);
}

static atomic_int stop_raising;

static void keep_raising(void* arg) {
  (void) arg;
  do {
    raise(SIGUSR1);
  } while (!atomic_load(&stop_raising));
}

static void other_signal_cb(uv_signal_t* watcher, int signum) {
  ASSERT_EQ(signum, SIGUSR2);
  uv_stop(watcher->loop);
}

static void watch_another_signal(void* arg) {
  struct signal_scenario s;

  (void) arg;
  ASSERT_OK(uv_loop_init(&s.loop));
  ASSERT_OK(uv_signal_init(&s.loop, &s.watcher));
  ASSERT_OK(uv_signal_start(&s.watcher, other_signal_cb, SIGUSR2));
  ASSERT_EQ(raise(SIGUSR2), 0);
  ASSERT_NE(uv_run(&s.loop, UV_RUN_DEFAULT), 0);
  CLOSE_LOOP(&s.loop);
}

/* In the child no thread finishes a handler that another thread began. */
TEST(fork_while_another_thread_handles_signals) {
  enum { CHILDREN = 50 };
  struct signal_scenario s;
  uv_thread_t thread;
  int i;

  signal_scenario_init(&s);
  ASSERT_OK(uv_thread_create(&thread, keep_raising, NULL));
  for (i = 0; i < CHILDREN; i++) run_in_child(watch_another_signal, NULL);
  atomic_store(&stop_raising, 1);
  ASSERT_OK(uv_thread_join(&thread));
  ASSERT_NE(uv_run(&s.loop, UV_RUN_NOWAIT), 0);
  ASSERT_GT(fired, 0);
  CLOSE_LOOP(&s.loop);
}

enum { RAISERS = 2, ROUNDS = 100, RAISED_PER_ROUND = 50 };
static uv_barrier_t round_begins;
static uv_barrier_t round_ends;

static void raise_in_rounds(void* arg) {
  int round, i;

  (void) arg;
  for (round = 0; round < ROUNDS; round++) {
    uv_barrier_wait(&round_begins);
    for (i = 0; i < RAISED_PER_ROUND; i++) ASSERT_EQ(raise(SIGUSR1), 0);
    uv_barrier_wait(&round_ends);
  }
}

TEST(fork_loses_no_signal_of_the_parents_threads) {
  struct signal_scenario s;
  uv_thread_t threads[RAISERS];
  int round, i;
  pid_t pid;

  signal_scenario_init(&s);
  ASSERT_OK(uv_signal_start(&s.watcher, count_signal, SIGUSR1));
  ASSERT_OK(uv_barrier_init(&round_begins, RAISERS + 1));
  ASSERT_OK(uv_barrier_init(&round_ends, RAISERS + 1));
  for (i = 0; i < RAISERS; i++)
    ASSERT_OK(uv_thread_create(&threads[i], raise_in_rounds, NULL));
  for (round = 1; round <= ROUNDS; round++) {
    uv_barrier_wait(&round_begins);
    pid = fork();
    ASSERT_GE(pid, 0);
    if (pid == 0) _exit(0);
    await_child(pid);
    uv_barrier_wait(&round_ends);
    ASSERT_NE(uv_run(&s.loop, UV_RUN_NOWAIT), 0);
    ASSERT_EQ(fired, round * RAISERS * RAISED_PER_ROUND);
  }
  for (i = 0; i < RAISERS; i++) ASSERT_OK(uv_thread_join(&threads[i]));
  uv_barrier_destroy(&round_begins);
  uv_barrier_destroy(&round_ends);
  CLOSE_LOOP(&s.loop);
}

static volatile sig_atomic_t forks;

static void fork_in_handler(int signum) {
  int saved = errno;
  pid_t pid = fork();

  (void) signum;
  if (pid == 0) _exit(0);
  if (pid > 0 && waitpid(pid, NULL, 0) == pid) forks++;
  errno = saved;
}

/* The program's own handler interrupts the library anywhere, also where it changes
 * the watched signals. */
TEST(fork_in_a_handler_that_interrupts_starting_a_watcher) {
  struct signal_scenario s;
  struct sigaction action = {.sa_handler = fork_in_handler};
  struct itimerval soon = {{0, 0}, {0, 100}};
  int i;

  signal_scenario_init(&s);
  ASSERT_EQ(sigaction(SIGALRM, &action, NULL), 0);
  for (i = 0; i < 100; i++) {
    ASSERT_EQ(setitimer(ITIMER_REAL, &soon, NULL), 0);
    while (forks == i) {
      ASSERT_OK(uv_signal_stop(&s.watcher));
      ASSERT_OK(uv_signal_start(&s.watcher, signal_cb, SIGUSR1));
    }
  }
  ASSERT_EQ(raise(SIGUSR1), 0);
  ASSERT_NE(uv_run(&s.loop, UV_RUN_DEFAULT), 0);
  ASSERT_EQ(fired, 1);
  CLOSE_LOOP(&s.loop);
}

static struct {
  uv_signal_t watchers[3];
  pid_t pid;
} forked;

static void fork_once_cb(uv_signal_t* watcher, int signum) {
  ASSERT_EQ(signum, SIGUSR1);
  if (fired++ > 0) return;
  forked.pid = fork();
  ASSERT_GE(forked.pid, 0);
  if (forked.pid == 0) ASSERT_OK(uv_loop_fork(watcher->loop));
}

/* Signals that the loop read before the fork are for parent and child. */
TEST(fork_in_a_signal_callback) {
  uv_loop_t loop;
  int i;

  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < 3; i++) {
    ASSERT_OK(uv_signal_init(&loop, &forked.watchers[i]));
    ASSERT_OK(uv_signal_start(&forked.watchers[i], fork_once_cb, SIGUSR1));
  }
  ASSERT_EQ(raise(SIGUSR1), 0);
  ASSERT_NE(uv_run(&loop, UV_RUN_NOWAIT), 0);
  ASSERT_EQ(fired, 3);
  ASSERT_EQ(raise(SIGUSR1), 0);
  ASSERT_NE(uv_run(&loop, UV_RUN_NOWAIT), 0);
  ASSERT_EQ(fired, 6);
  CLOSE_LOOP(&loop);
  if (forked.pid == 0) _exit(0);
  await_child(forked.pid);
}
