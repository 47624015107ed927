/* fork(): a child that goes on with its parent's loop after uv_loop_fork(),
 * or with one of its own, and a parent that notices nothing. */
#define _GNU_SOURCE /* cpu_set_t */
#include "test-callbacks.h"
#include "test-child.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

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
  run_in_child(run_loop, &loop);
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
  run_in_child(send_to_self, &s);
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
  run_in_child(own_loop, NULL);
  /* Also when the parent's pool has run: its threads are not in the child. */
  req.data = &worked;
  ASSERT_OK(uv_queue_work(&loop, &req, work, NULL));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  run_in_child(own_loop, NULL);
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
  run_in_child(wait_for_work, NULL);
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
    run_in_child(work_in_forked_loop, s);
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
  run_in_child(read_in_child, &s);
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
  run_in_child(close_all_in_child, &s);
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
  run_in_child(poll_backend_in_child, &s);
  p.fd = uv_backend_fd(&s.loop);
  ASSERT_EQ(poll(&p, 1, 0), 0);
  CLOSE_LOOP(&s.loop);
}

static void use_default_loop(void* arg) {
  uv_loop_t* loop = uv_default_loop();

  ASSERT_NOT_NULL(loop);
  ASSERT_PTR_EQ(loop, arg);
  ASSERT_OK(uv_loop_fork(loop));
  ASSERT_OK(uv_run(loop, UV_RUN_DEFAULT));
  ASSERT_EQ(fired, 1);
  CLOSE_LOOP(loop);
}

TEST(fork_default_loop) {
  uv_loop_t* loop = uv_default_loop();
  uv_timer_t timer;

  ASSERT_NOT_NULL(loop);
  ASSERT_OK(uv_timer_init(loop, &timer));
  ASSERT_OK(uv_timer_start(&timer, count_timer, 1, 0));
  run_in_child(use_default_loop, loop);
  ASSERT_OK(uv_run(loop, UV_RUN_DEFAULT));
  ASSERT_EQ(fired, 1);
  CLOSE_LOOP(loop);
}
