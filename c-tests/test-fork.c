/* fork(): a child that goes on with its parent's loop after uv_loop_fork(),
 * or with one of its own, and a parent that notices nothing. */

#include "test-callbacks.h"
#include "test-child.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

/* Forks; the child runs the scenario and must end well. */
static void in_child(void (*scenario)(void*), void* arg) {
  pid_t pid = fork();

  ASSERT_GE(pid, 0);
  if (pid == 0) {
    scenario(arg);
    /* So that a leak checker looks at the child as well. */
    exit(0);
  }
  await_child(pid);
}

static void async_cb(uv_async_t* async) {
  fired++;
  uv_stop(async->loop);
}

static void work(uv_work_t* req) {
  ++*(int*) req->data;
}

static void after_work(uv_work_t* req, int status) {
  (void) req;
  ASSERT_OK(status);
  fired++;
}

static void run_loop(void* arg) {
  ASSERT_OK(uv_loop_fork(arg));
  ASSERT_OK(uv_run(arg, UV_RUN_DEFAULT));
  ASSERT_EQ(fired, 2);
  CLOSE_LOOP(arg);
}

TEST(fork_timers_run_in_parent_and_child) {
  uv_loop_t loop;
  uv_timer_t timers[2];
  int i;

  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < 2; i++) {
    ASSERT_OK(uv_timer_init(&loop, &timers[i]));
    ASSERT_OK(uv_timer_start(&timers[i], count_timer, (uint64_t) i, 0));
  }
  in_child(run_loop, &loop);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(fired, 2);
  CLOSE_LOOP(&loop);
}

struct async_scenario {
  uv_loop_t loop;
  uv_async_t async;
};

static void send_to_self(void* arg) {
  struct async_scenario* s = arg;
  int i;

  ASSERT_OK(uv_loop_fork(&s->loop));
  for (i = 1; i <= 3; i++) {
    ASSERT_OK(uv_async_send(&s->async));
    ASSERT_NE(uv_run(&s->loop, UV_RUN_DEFAULT), 0);
    ASSERT_EQ(fired, i);
  }
  CLOSE_LOOP(&s->loop);
}

TEST(fork_async_in_child_does_not_reach_the_parent) {
  struct async_scenario s;

  ASSERT_OK(uv_loop_init(&s.loop));
  ASSERT_OK(uv_async_init(&s.loop, &s.async, async_cb));
  ASSERT_NE(uv_run(&s.loop, UV_RUN_NOWAIT), 0);
  in_child(send_to_self, &s);
  ASSERT_NE(uv_run(&s.loop, UV_RUN_NOWAIT), 0);
  ASSERT_EQ(fired, 0);
  ASSERT_OK(uv_async_send(&s.async));
  ASSERT_NE(uv_run(&s.loop, UV_RUN_DEFAULT), 0);
  ASSERT_EQ(fired, 1);
  CLOSE_LOOP(&s.loop);
}

static void own_loop(void* arg) {
  uv_loop_t loop;
  uv_timer_t timer;
  uv_async_t async;
  uv_work_t req;
  int worked = 0;

  (void) arg;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_timer_init(&loop, &timer));
  ASSERT_OK(uv_async_init(&loop, &async, async_cb));
  ASSERT_OK(uv_timer_start(&timer, count_timer, 0, 0));
  ASSERT_OK(uv_async_send(&async));
  ASSERT_NE(uv_run(&loop, UV_RUN_DEFAULT), 0);
  ASSERT_EQ(fired, 2);
  uv_close((uv_handle_t*) &async, NULL);
  req.data = &worked;
  ASSERT_OK(uv_queue_work(&loop, &req, work, after_work));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(worked, 1);
  ASSERT_EQ(fired, 3);
  CLOSE_LOOP(&loop);
}

TEST(fork_child_may_use_a_loop_of_its_own) {
  uv_loop_t loop;
  uv_work_t req;
  int worked = 0;

  ASSERT_OK(uv_loop_init(&loop));
  in_child(own_loop, NULL);
  /* Also when the parent's pool has run: its threads are not in the child. */
  req.data = &worked;
  ASSERT_OK(uv_queue_work(&loop, &req, work, NULL));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  in_child(own_loop, NULL);
  ASSERT_OK(uv_queue_work(&loop, &req, work, NULL));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(worked, 2);
  CLOSE_LOOP(&loop);
}

static struct {
  uv_sem_t worked;
  uv_sem_t release;
  atomic_int hold;
  atomic_int worker;
} asked;

/* In place of the C library's. Holds a worker that asks for its cores, if it
 * does so at all. */
int sched_getaffinity(pid_t pid, size_t size, cpu_set_t* set) {
  long written;

  if (atomic_load(&asked.hold)) uv_sem_wait(&asked.release);
  written = syscall(SYS_sched_getaffinity, pid, size, set);
  if (written < 0) return -1;
  memset((char*) set + written, 0, size - (size_t) written);
  return 0;
}

static void note_worker(uv_work_t* req) {
  (void) req;
  atomic_store(&asked.worker, (int) syscall(SYS_gettid));
  uv_sem_post(&asked.worked);
}

static int sleeps(int tid) {
  char path[64], state = 0;
  FILE* file;

  snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
  file = fopen(path, "r");
  ASSERT_NOT_NULL(file);
  ASSERT_EQ(fscanf(file, "%*d %*s %c", &state), 1);
  fclose(file);
  return state == 'S';
}

static void await_release(uv_work_t* req) {
  uv_sem_wait(req->data);
}

static void release_cb(uv_timer_t* timer) {
  uv_sem_post(timer->data);
}

/* A loop that has to wait for its work. */
static void wait_for_work(void* arg) {
  uv_loop_t loop;
  uv_timer_t timer;
  uv_work_t req;
  uv_sem_t release;

  (void) arg;
  ASSERT_OK(uv_sem_init(&release, 0));
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_timer_init(&loop, &timer));
  timer.data = req.data = &release;
  ASSERT_OK(uv_timer_start(&timer, release_cb, 1, 0));
  ASSERT_OK(uv_queue_work(&loop, &req, await_release, after_work));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(fired, 1);
  CLOSE_LOOP(&loop);
  uv_sem_destroy(&release);
}

/* Whatever a worker looks up for the first time then, the child does not wait
 * for it. */
TEST(fork_while_a_worker_that_has_no_work_asks_for_its_cores) {
  uv_loop_t loop;
  uv_work_t req;

  ASSERT_OK(uv_sem_init(&asked.worked, 0));
  ASSERT_OK(uv_sem_init(&asked.release, 0));
  ASSERT_OK(uv_loop_init(&loop));
  atomic_store(&asked.hold, 1);
  ASSERT_OK(uv_queue_work(&loop, &req, note_worker, NULL));
  uv_sem_wait(&asked.worked);
  while (!sleeps(atomic_load(&asked.worker))) sched_yield();
  atomic_store(&asked.hold, 0);
  in_child(wait_for_work, NULL);
  uv_sem_post(&asked.release);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  CLOSE_LOOP(&loop);
  uv_sem_destroy(&asked.worked);
  uv_library_shutdown();
  uv_sem_destroy(&asked.release);
}

struct pool_scenario {
  uv_loop_t loop;
  int depth;
};

static void work_in_forked_loop(void* arg) {
  struct pool_scenario* s = arg;
  uv_work_t reqs[8];
  int worked[8] = {0};
  int i;

  if (s->depth > 0) ASSERT_OK(uv_loop_fork(&s->loop));
  fired = 0;
  for (i = 0; i < 8; i++) {
    reqs[i].data = &worked[i];
    ASSERT_OK(uv_queue_work(&s->loop, &reqs[i], work, after_work));
  }
  ASSERT_OK(uv_run(&s->loop, UV_RUN_DEFAULT));
  ASSERT_EQ(fired, 8);
  for (i = 0; i < 8; i++) ASSERT_EQ(worked[i], 1);
  if (s->depth < 2) {
    s->depth++;
    in_child(work_in_forked_loop, s);
    s->depth--;
  }
  if (s->depth > 0) CLOSE_LOOP(&s->loop);
}

TEST(fork_pool_works_in_parent_child_and_grandchild) {
  struct pool_scenario s = {.depth = 0};

  ASSERT_OK(uv_loop_init(&s.loop));
  work_in_forked_loop(&s);
  work_in_forked_loop(&s);
  CLOSE_LOOP(&s.loop);
}

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
  in_child(raise_in_child, &s);
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
  in_child(close_watcher_in_child, &s);
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

/* In the child nobody ends what another thread's handler has begun. */
TEST(fork_while_another_thread_handles_signals) {
  enum { CHILDREN = 50 };
  struct signal_scenario s;
  uv_thread_t thread;
  int i;

  signal_scenario_init(&s);
  ASSERT_OK(uv_thread_create(&thread, keep_raising, NULL));
  for (i = 0; i < CHILDREN; i++) in_child(watch_another_signal, NULL);
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

/* The program's own handler interrupts the library anywhere, also where it
 * changes what the process watches. */
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

enum { ASYNCS = 1000, WALKS = 200 };
static struct {
  uv_loop_t loop;
  uv_idle_t first;
  uv_async_t asyncs[ASYNCS];
  uv_barrier_t begin;
  uv_barrier_t end;
  atomic_int sent;
  atomic_int stopped;
  atomic_int go_on;
  pid_t pid;
} walked;

static void send_to_all(void* arg) {
  int round, i;

  (void) arg;
  for (round = 0; round < WALKS; round++) {
    uv_barrier_wait(&walked.begin);
    for (i = 0; i < ASYNCS; i++) {
      ASSERT_OK(uv_async_send(&walked.asyncs[i]));
      atomic_fetch_add(&walked.sent, 1);
    }
    uv_barrier_wait(&walked.end);
  }
}

static void stop_here(int signum) {
  (void) signum;
  atomic_store(&walked.stopped, 1);
  while (!atomic_load(&walked.go_on)) sched_yield();
  atomic_store(&walked.stopped, 0);
}

static void run_until_fired(int count) {
  while (fired < count) ASSERT_NE(uv_run(&walked.loop, UV_RUN_ONCE), 0);
}

static void fork_at_the_first(uv_handle_t* handle, void* arg) {
  (void) arg;
  if (handle != (uv_handle_t*) &walked.first) return;
  walked.pid = fork();
  if (walked.pid == 0) ASSERT_OK(uv_loop_fork(&walked.loop));
}

/* A sender is stopped wherever it is; in the child it stays there. */
TEST(fork_in_a_walk_while_a_thread_sends) {
  struct sigaction action = {.sa_handler = stop_here};
  uv_thread_t thread;
  int round, i;

  ASSERT_EQ(sigaction(SIGUSR2, &action, NULL), 0);
  ASSERT_OK(uv_loop_init(&walked.loop));
  ASSERT_OK(uv_idle_init(&walked.loop, &walked.first));
  for (i = 0; i < ASYNCS; i++)
    ASSERT_OK(uv_async_init(&walked.loop, &walked.asyncs[i], count_async));
  ASSERT_OK(uv_barrier_init(&walked.begin, 2));
  ASSERT_OK(uv_barrier_init(&walked.end, 2));
  ASSERT_OK(uv_thread_create(&thread, send_to_all, NULL));
  for (round = 0; round < WALKS; round++) {
    fired = 0;
    atomic_store(&walked.sent, 0);
    atomic_store(&walked.go_on, 0);
    uv_barrier_wait(&walked.begin);
    while (atomic_load(&walked.sent) < round * 3) continue;
    ASSERT_EQ(pthread_kill(thread, SIGUSR2), 0);
    while (!atomic_load(&walked.stopped)) sched_yield();
    walked.pid = -1;
    uv_walk(&walked.loop, fork_at_the_first, NULL);
    ASSERT_GE(walked.pid, 0);
    if (walked.pid == 0) {
      for (i = 0; i < ASYNCS; i++)
        ASSERT_OK(uv_async_send(&walked.asyncs[i]));
      run_until_fired(ASYNCS);
      CLOSE_LOOP(&walked.loop);
      _exit(0);
    }
    atomic_store(&walked.go_on, 1);
    while (atomic_load(&walked.stopped)) sched_yield();
    await_child(walked.pid);
    uv_barrier_wait(&walked.end);
    run_until_fired(ASYNCS);
  }
  ASSERT_OK(uv_thread_join(&thread));
  uv_barrier_destroy(&walked.begin);
  uv_barrier_destroy(&walked.end);
  CLOSE_LOOP(&walked.loop);
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

/* What the loop knew of before the fork is for parent and child. */
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

struct tcp_scenario {
  uv_loop_t loop;
  uv_tcp_t tcp;
  int peer;
};

static char received[16];

static void alloc_cb(uv_handle_t* handle, size_t suggested, uv_buf_t* buf) {
  (void) handle;
  (void) suggested;
  *buf = uv_buf_init(received, sizeof(received) - 1);
}

static void read_cb(uv_stream_t* stream, ssize_t nread, const uv_buf_t* buf) {
  (void) buf;
  if (nread == 0) return;
  ASSERT_GT(nread, 0);
  received[nread] = '\0';
  fired++;
  uv_stop(stream->loop);
}

static void tcp_scenario_init(struct tcp_scenario* s) {
  uv_os_sock_t fds[2];

  ASSERT_OK(uv_socketpair(SOCK_STREAM, 0, fds, UV_NONBLOCK_PIPE, 0));
  s->peer = fds[1];
  ASSERT_OK(uv_loop_init(&s->loop));
  ASSERT_OK(uv_tcp_init(&s->loop, &s->tcp));
  ASSERT_OK(uv_tcp_open(&s->tcp, fds[0]));
  ASSERT_OK(uv_read_start((uv_stream_t*) &s->tcp, alloc_cb, read_cb));
  /* The loop has its descriptors registered with the kernel when it forks. */
  ASSERT_NE(uv_run(&s->loop, UV_RUN_NOWAIT), 0);
}

static void read_in_child(void* arg) {
  struct tcp_scenario* s = arg;

  ASSERT_OK(uv_loop_fork(&s->loop));
  ASSERT_EQ(write(s->peer, "child", 5), 5);
  ASSERT_NE(uv_run(&s->loop, UV_RUN_DEFAULT), 0);
  ASSERT_EQ(fired, 1);
  ASSERT_STR_EQ(received, "child");
  CLOSE_LOOP(&s->loop);
  close(s->peer);
}

TEST(fork_stream_is_read_in_the_child_then_in_the_parent) {
  struct tcp_scenario s;

  tcp_scenario_init(&s);
  in_child(read_in_child, &s);
  /* The child took its bytes and closed its copies; none of that reached the
   * parent's registrations. */
  ASSERT_NE(uv_run(&s.loop, UV_RUN_NOWAIT), 0);
  ASSERT_EQ(fired, 0);
  ASSERT_EQ(write(s.peer, "parent", 6), 6);
  ASSERT_NE(uv_run(&s.loop, UV_RUN_DEFAULT), 0);
  ASSERT_STR_EQ(received, "parent");
  CLOSE_LOOP(&s.loop);
  close(s.peer);
}

static void close_all_in_child(void* arg) {
  struct tcp_scenario* s = arg;
  ASSERT_OK(uv_loop_fork(&s->loop));
  CLOSE_LOOP(&s->loop);
}

TEST(fork_child_that_closes_everything_leaves_the_parent_registered) {
  struct tcp_scenario s;

  tcp_scenario_init(&s);
  in_child(close_all_in_child, &s);
  ASSERT_EQ(write(s.peer, "still", 5), 5);
  ASSERT_NE(uv_run(&s.loop, UV_RUN_DEFAULT), 0);
  ASSERT_STR_EQ(received, "still");
  CLOSE_LOOP(&s.loop);
  close(s.peer);
}

static void poll_backend_in_child(void* arg) {
  struct async_scenario* s = arg;
  struct pollfd p = {.events = POLLIN};

  ASSERT_OK(uv_loop_fork(&s->loop));
  ASSERT_NE(uv_run(&s->loop, UV_RUN_NOWAIT), 0);
  p.fd = uv_backend_fd(&s->loop);
  ASSERT_GE(p.fd, 0);
  ASSERT_OK(uv_async_send(&s->async));
  ASSERT_EQ(poll(&p, 1, -1), 1);
  ASSERT_NE(uv_run(&s->loop, UV_RUN_NOWAIT), 0);
  ASSERT_EQ(fired, 1);
  CLOSE_LOOP(&s->loop);
}

TEST(fork_backend_fd_of_the_child_is_its_own) {
  struct async_scenario s;
  struct pollfd p = {.events = POLLIN};

  ASSERT_OK(uv_loop_init(&s.loop));
  ASSERT_OK(uv_async_init(&s.loop, &s.async, async_cb));
  ASSERT_NE(uv_run(&s.loop, UV_RUN_NOWAIT), 0);
  in_child(poll_backend_in_child, &s);
  p.fd = uv_backend_fd(&s.loop);
  ASSERT_EQ(poll(&p, 1, 0), 0);
  CLOSE_LOOP(&s.loop);
}

static void use_default_loop(void* arg) {
  uv_loop_t* loop = uv_default_loop();

  ASSERT_PTR_EQ(loop, arg);
  ASSERT_OK(uv_loop_fork(loop));
  ASSERT_OK(uv_run(loop, UV_RUN_DEFAULT));
  ASSERT_EQ(fired, 1);
  CLOSE_LOOP(loop);
}

TEST(fork_default_loop) {
  uv_loop_t* loop = uv_default_loop();
  uv_timer_t timer;

  ASSERT_OK(uv_timer_init(loop, &timer));
  ASSERT_OK(uv_timer_start(&timer, count_timer, 1, 0));
  in_child(use_default_loop, loop);
  ASSERT_OK(uv_run(loop, UV_RUN_DEFAULT));
  ASSERT_EQ(fired, 1);
  CLOSE_LOOP(loop);
}
