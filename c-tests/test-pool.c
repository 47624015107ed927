/* The thread pool: uv_queue_work() and uv_cancel(). */
#define _GNU_SOURCE
#include "test-child.h"
#include "test-pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

static void cancelled_cb(uv_work_t* req, int status) {
  (void) req;
  ASSERT_EQ(status, UV_ECANCELED);
  done++;
}

static pthread_t work_thread;
static int worked_on_thread;

static void note_thread(uv_work_t* req) {
  (void) req;
  work_thread = pthread_self();
  worked_on_thread++;
}

static void check_thread_cb(uv_work_t* req, int status) {
  ASSERT_OK(status);
  ASSERT(pthread_equal(pthread_self(), *(pthread_t*) req->data));
  ASSERT_EQ(worked_on_thread, 1);
  ASSERT(!pthread_equal(pthread_self(), work_thread));
  done++;
}

TEST(pool_work_runs_on_another_thread_and_completes_on_the_loop) {
  pthread_t loop_thread = pthread_self();
  uv_loop_t loop;
  uv_work_t req;

  ASSERT_OK(uv_loop_init(&loop));
  req.data = &loop_thread;
  ASSERT_OK(uv_queue_work(&loop, &req, note_thread, check_thread_cb));
  ASSERT_EQ(done, 0);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(done, 1);
  CLOSE_LOOP(&loop);
}

TEST(pool_null_work_is_einval) {
  uv_loop_t loop;
  uv_work_t req;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_EQ(uv_queue_work(&loop, &req, NULL, count_work), UV_EINVAL);
  ASSERT_EQ(uv_queue_work(&loop, &req, NULL, NULL), UV_EINVAL);
  ASSERT_EQ(uv_loop_alive(&loop), 0);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(done, 0);
  CLOSE_LOOP(&loop);
}

static atomic_int worked;

static void count_in_pool(uv_work_t* req) {
  (void) req;
  atomic_fetch_add(&worked, 1);
}

TEST(pool_after_callback_is_optional) {
  uv_loop_t loop;
  uv_work_t reqs[3];
  int i;

  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < 3; i++)
    ASSERT_OK(uv_queue_work(&loop, &reqs[i], count_in_pool, NULL));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(worked, 3);
  ASSERT_OK(uv_loop_close(&loop));
}

static char order[65];
static int ordered;

static void append(uv_work_t* req) {
  order[ordered++] = *(const char*) req->data;
}

static char after_order[65];

static void append_cb(uv_work_t* req, int status) {
  ASSERT_OK(status);
  after_order[done++] = *(const char*) req->data;
}

TEST(pool_of_one_is_first_in_first_out) {
  static const char letters[] =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/";
  uv_loop_t loop;
  uv_work_t reqs[64];
  struct holder h;
  int i;

  ASSERT_OK(uv_loop_init(&loop));
  hold_the_only_worker(&loop, &h);
  for (i = 0; i < 64; i++) {
    reqs[i].data = (void*) &letters[i];
    ASSERT_OK(uv_queue_work(&loop, &reqs[i], append, append_cb));
  }
  holder_release(&h);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_STR_EQ(order, letters);
  ASSERT_STR_EQ(after_order, letters);
  CLOSE_LOOP(&loop);
}

/* Shows that exactly `expected` pieces of work run at a time: so many are
 * taken while none is let go, and one more stays in the queue. */
static void check_pool_size(const char* size, int expected) {
  struct holder* holders = calloc((size_t) expected, sizeof(*holders));
  uv_loop_t loop;
  uv_work_t extra;
  int i;

  ASSERT_NOT_NULL(holders);
  if (size == NULL)
    ASSERT_EQ(unsetenv("UV_THREADPOOL_SIZE"), 0);
  else
    ASSERT_EQ(setenv("UV_THREADPOOL_SIZE", size, 1), 0);
  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < expected; i++) holder_start(&loop, &holders[i]);
  for (i = 0; i < expected; i++) uv_sem_wait(&holders[i].taken);
  ASSERT_OK(uv_queue_work(&loop, &extra, never_work, cancelled_cb));
  ASSERT_OK(uv_cancel((uv_req_t*) &extra));
  for (i = 0; i < expected; i++) holder_release(&holders[i]);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(done, 1);
  CLOSE_LOOP(&loop);
  free(holders);
}

/* The pool lives as long as its process, so each size gets one. */
static void check_pool_size_in_child(const char* size, int expected) {
  int status;
  pid_t pid = fork();

  ASSERT_GE(pid, 0);
  if (pid == 0) {
    check_pool_size(size, expected);
    uv_library_shutdown();
    _exit(0);
  }
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  if (status != 0)
    test_fail(__FILE__, __LINE__, "UV_THREADPOOL_SIZE=%s is not %d workers",
              size == NULL ? "(unset)" : size, expected);
}

TEST(pool_size_from_the_environment) {
  static const struct {
    const char* size;
    int expected;
  } cases[] = {
      {NULL, 4}, {"1", 1}, {"2", 2}, {"7", 7}, {"64", 64},
      {"0", 1}, {"", 1}, {"many", 1}, {"3 workers", 3}, {" 5", 5},
      {"+3", 3}, {"3\xff", 3},
  };
  size_t i;

  for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
    check_pool_size_in_child(cases[i].size, cases[i].expected);
}

TEST(pool_size_is_at_most_1024) {
  check_pool_size_in_child("2000", 1024);
}

static uv_barrier_t everybody;
static atomic_int met;

static void meet(uv_work_t* req) {
  (void) req;
  uv_barrier_wait(&everybody);
  atomic_fetch_add(&met, 1);
}

/* Some threads were started for work that is over, the others are for work that
 * comes all at once and waits for each other. */
TEST(pool_reaches_its_size_after_some_work) {
  uv_work_t reqs[8];
  uv_loop_t loop;
  int i;

  ASSERT_EQ(setenv("UV_THREADPOOL_SIZE", "8", 1), 0);
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_barrier_init(&everybody, 8));
  for (i = 0; i < 4; i++)
    ASSERT_OK(uv_queue_work(&loop, &reqs[i], no_work, count_work));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  for (i = 0; i < 8; i++)
    ASSERT_OK(uv_queue_work(&loop, &reqs[i], meet, count_work));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(done, 12);
  ASSERT_EQ(atomic_load(&met), 8);
  uv_barrier_destroy(&everybody);
  CLOSE_LOOP(&loop);
}

TEST(pool_cancel_queued_work) {
  uv_loop_t loop;
  uv_work_t reqs[8];
  struct holder h;
  int i;

  ASSERT_OK(uv_loop_init(&loop));
  hold_the_only_worker(&loop, &h);
  for (i = 0; i < 8; i++)
    ASSERT_OK(uv_queue_work(&loop, &reqs[i], never_work, cancelled_cb));
  for (i = 8; i-- > 0;) ASSERT_OK(uv_cancel((uv_req_t*) &reqs[i]));
  ASSERT_EQ(done, 0); /* never_work from within uv_cancel() */
  holder_release(&h);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(done, 8);
  CLOSE_LOOP(&loop);
}

/* The completion of cancelled work does not wait for the workers. */
TEST(pool_cancelled_work_completes_while_the_workers_are_busy) {
  uv_loop_t loop;
  uv_work_t req;
  struct holder h;

  ASSERT_OK(uv_loop_init(&loop));
  hold_the_only_worker(&loop, &h);
  ASSERT_OK(uv_queue_work(&loop, &req, never_work, cancelled_cb));
  ASSERT_OK(uv_cancel((uv_req_t*) &req));
  while (done == 0) ASSERT_NE(uv_run(&loop, UV_RUN_ONCE), 0);
  holder_release(&h);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  CLOSE_LOOP(&loop);
}

TEST(pool_cancel_spares_the_rest_of_the_queue) {
  uv_loop_t loop;
  uv_work_t reqs[9];
  struct holder h;
  int i;

  ASSERT_OK(uv_loop_init(&loop));
  hold_the_only_worker(&loop, &h);
  for (i = 0; i < 9; i++) {
    int cancel = i % 3 == 1;
    ASSERT_OK(uv_queue_work(&loop, &reqs[i],
                            cancel ? never_work : count_in_pool,
                            cancel ? cancelled_cb : count_work));
  }
  for (i = 1; i < 9; i += 3) ASSERT_OK(uv_cancel((uv_req_t*) &reqs[i]));
  holder_release(&h);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(done, 9);
  ASSERT_EQ(worked, 6);
  CLOSE_LOOP(&loop);
}

TEST(pool_cancel_running_work_is_busy) {
  uv_loop_t loop;
  struct holder h;

  ASSERT_OK(uv_loop_init(&loop));
  hold_the_only_worker(&loop, &h);
  ASSERT_EQ(uv_cancel((uv_req_t*) &h.req), UV_EBUSY);
  ASSERT_EQ(uv_cancel((uv_req_t*) &h.req), UV_EBUSY);
  holder_release(&h);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(h.held, 1);
  CLOSE_LOOP(&loop);
}

static void cancel_self_cb(uv_work_t* req, int status) {
  ASSERT_OK(status);
  ASSERT_EQ(uv_cancel((uv_req_t*) req), UV_EBUSY);
  done++;
}

TEST(pool_cancel_finished_work_is_busy) {
  uv_loop_t loop;
  uv_work_t req;
  struct holder h;

  ASSERT_OK(uv_loop_init(&loop));
  hold_the_only_worker(&loop, &h);
  ASSERT_OK(uv_queue_work(&loop, &req, no_work, cancel_self_cb));
  holder_release(&h);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(done, 1);
  ASSERT_EQ(uv_cancel((uv_req_t*) &req), UV_EBUSY);
  CLOSE_LOOP(&loop);
}

static void cancel_other_cb(uv_work_t* req, int status) {
  ASSERT_OK(status);
  ASSERT_OK(uv_cancel(req->data));
}

TEST(pool_cancel_from_a_completion) {
  uv_loop_t loop;
  uv_work_t first;
  uv_work_t last;
  struct holder h[2];

  ASSERT_OK(uv_loop_init(&loop));
  hold_the_only_worker(&loop, &h[0]);
  first.data = &last;
  ASSERT_OK(uv_queue_work(&loop, &first, no_work, cancel_other_cb));
  holder_start(&loop, &h[1]);
  ASSERT_OK(uv_queue_work(&loop, &last, never_work, cancelled_cb));
  holder_release(&h[0]);
  /* `first` is done when the second holder has the worker, and `last` waits
   * behind that. */
  uv_sem_wait(&h[1].taken);
  while (done == 0) ASSERT_NE(uv_run(&loop, UV_RUN_ONCE), 0);
  holder_release(&h[1]);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(done, 1);
  CLOSE_LOOP(&loop);
}

TEST(pool_cancel_twice) {
  uv_loop_t loop;
  uv_work_t req;
  struct holder h;

  ASSERT_OK(uv_loop_init(&loop));
  hold_the_only_worker(&loop, &h);
  ASSERT_OK(uv_queue_work(&loop, &req, never_work, cancelled_cb));
  ASSERT_OK(uv_cancel((uv_req_t*) &req));
  ASSERT_EQ(uv_cancel((uv_req_t*) &req), 0);
  holder_release(&h);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(done, 1);
  CLOSE_LOOP(&loop);
}

TEST(pool_cancel_of_other_requests_is_einval) {
  static const uv_req_type types[] = {
      UV_UNKNOWN_REQ, UV_REQ, UV_CONNECT, UV_SHUTDOWN, UV_UDP_SEND,
  };
  union uv_any_req req;
  size_t i;

  for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
    memset(&req, 0, sizeof(req));
    req.req.type = types[i];
    ASSERT_EQ(uv_cancel(&req.req), UV_EINVAL);
  }
}

static void stat_cancelled_cb(uv_fs_t* req) {
  ASSERT_EQ(req->result, UV_ECANCELED);
  uv_fs_req_cleanup(req);
  done++;
}

static void stat_cb(uv_fs_t* req) {
  ASSERT_OK(req->result);
  uv_fs_req_cleanup(req);
  done++;
}

TEST(pool_cancel_file_operation) {
  uv_loop_t loop;
  uv_fs_t cancelled;
  uv_fs_t kept;
  struct holder h;

  ASSERT_OK(uv_loop_init(&loop));
  hold_the_only_worker(&loop, &h);
  ASSERT_OK(uv_fs_stat(&loop, &cancelled, "/", stat_cancelled_cb));
  ASSERT_OK(uv_fs_stat(&loop, &kept, "/", stat_cb));
  ASSERT_OK(uv_cancel((uv_req_t*) &cancelled));
  holder_release(&h);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(done, 2);
  CLOSE_LOOP(&loop);
}

static void again_cb(uv_work_t* req, int status) {
  ASSERT_OK(status);
  if (++done < 50)
    ASSERT_OK(uv_queue_work(req->loop, req, count_in_pool, again_cb));
}

TEST(pool_request_is_reusable_in_its_completion) {
  uv_loop_t loop;
  uv_work_t req;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_queue_work(&loop, &req, count_in_pool, again_cb));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(done, 50);
  ASSERT_EQ(worked, 50);
  CLOSE_LOOP(&loop);
}

static void free_cb(uv_work_t* req, int status) {
  ASSERT_OK(status);
  memset(req, 0xdd, sizeof(*req));
  free(req);
  done++;
}

TEST(pool_thousands_of_requests_freed_in_their_completions) {
  enum { N = 5000 };
  uv_loop_t loop;
  int i;

  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < N; i++) {
    uv_work_t* req = malloc(sizeof(*req));
    ASSERT_NOT_NULL(req);
    ASSERT_OK(uv_queue_work(&loop, req, count_in_pool, free_cb));
  }
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(worked, N);
  ASSERT_EQ(done, N);
  CLOSE_LOOP(&loop);
}

struct own_loop {
  uv_thread_t thread;
  uv_loop_t loop;
  uv_work_t reqs[8];
  int left;
};

static void own_loop_cb(uv_work_t* req, int status) {
  struct own_loop* own = req->data;
  ASSERT_OK(status);
  ASSERT_PTR_EQ(req->loop, &own->loop);
  if (own->left-- > 0)
    ASSERT_OK(uv_queue_work(&own->loop, req, count_in_pool, own_loop_cb));
}

static void own_loop_run(void* arg) {
  struct own_loop* own = arg;
  int i;

  ASSERT_OK(uv_loop_init(&own->loop));
  own->left = 200;
  for (i = 0; i < 8; i++) {
    own->reqs[i].data = own;
    ASSERT_OK(uv_queue_work(&own->loop, &own->reqs[i], count_in_pool,
                            own_loop_cb));
  }
  ASSERT_OK(uv_run(&own->loop, UV_RUN_DEFAULT));
  ASSERT_EQ(own->left, -8);
  CLOSE_LOOP(&own->loop);
}

TEST(pool_serves_several_loops) {
  enum { N = 6 };
  static struct own_loop own[N];
  int i;

  for (i = 0; i < N; i++)
    ASSERT_OK(uv_thread_create(&own[i].thread, own_loop_run, &own[i]));
  for (i = 0; i < N; i++) ASSERT_OK(uv_thread_join(&own[i].thread));
  ASSERT_EQ(worked, N * 208);
}

static void stop_loop_cb(uv_work_t* req, int status) {
  count_work(req, status);
  uv_stop(req->loop);
}

TEST(pool_completion_survives_a_stop) {
  uv_loop_t loop;
  uv_work_t reqs[20];
  int i;

  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < 20; i++)
    ASSERT_OK(uv_queue_work(&loop, &reqs[i], no_work, stop_loop_cb));
  while (uv_run(&loop, UV_RUN_DEFAULT) != 0) continue;
  ASSERT_EQ(done, 20);
  CLOSE_LOOP(&loop);
}

static char worker_name[32];
static size_t worker_stack;

static void describe_worker(uv_work_t* req) {
  pthread_attr_t attr;
  void* addr;

  (void) req;
  pthread_getname_np(pthread_self(), worker_name, sizeof(worker_name));
  if (pthread_getattr_np(pthread_self(), &attr) != 0) return;
  pthread_attr_getstack(&attr, &addr, &worker_stack);
  pthread_attr_destroy(&attr);
}

TEST(pool_workers_have_a_name_and_an_eight_megabyte_stack) {
  uv_loop_t loop;
  uv_work_t req;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_queue_work(&loop, &req, describe_worker, count_work));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_STR_EQ(worker_name, "libuv-worker");
  ASSERT_GE(worker_stack, 8 << 20);
  CLOSE_LOOP(&loop);
}

TEST(pool_request_keeps_the_loop_open_until_it_completes) {
  uv_loop_t loop;
  struct holder h;

  ASSERT_OK(uv_loop_init(&loop));
  hold_the_only_worker(&loop, &h);
  ASSERT_EQ(uv_loop_alive(&loop), 1);
  ASSERT_NE(uv_run(&loop, UV_RUN_NOWAIT), 0);
  ASSERT_EQ(uv_loop_close(&loop), UV_EBUSY);
  holder_release(&h);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(h.held, 1);
  ASSERT_OK(uv_loop_close(&loop));
}

/* --- files behind blocked workers ------------------------------------------ */

enum { WORKERS = 4, FILES = 200 };

static int files_done;

static void file_done(uv_fs_t* req) {
  ASSERT_EQ(req->result, 0);
  uv_fs_req_cleanup(req);
  files_done++;
}

static void hold_all_workers(uv_loop_t* loop, struct holder* holders) {
  int i;
  for (i = 0; i < WORKERS; i++) holder_start(loop, &holders[i]);
  for (i = 0; i < WORKERS; i++) uv_sem_wait(&holders[i].taken);
}

/* A pool of the usual size whose workers are all held. */
static void set_up_held_pool(uv_loop_t* loop, struct holder* holders) {
  ASSERT_OK(unsetenv("UV_THREADPOOL_SIZE"));
  ASSERT_OK(uv_loop_init(loop));
  hold_all_workers(loop, holders);
}

static void stat_files(uv_loop_t* loop, uv_fs_t* reqs) {
  int i;
  files_done = 0;
  for (i = 0; i < FILES; i++) ASSERT_OK(uv_fs_stat(loop, &reqs[i], "/", file_done));
}

/* All files are called back while the workers are held. libuv's wait for them. */
TEST(pool_files_do_not_wait_for_blocked_work) {
  static struct holder holders[WORKERS];
  static uv_fs_t reqs[FILES];
  uv_loop_t loop;
  int i, round;
  if (test_on_reference()) SKIP("libuv's file operations wait");
  ASSERT_OK(unsetenv("UV_THREADPOOL_SIZE"));
  ASSERT_OK(uv_loop_init(&loop));
  for (round = 0; round < 2; round++) {
    hold_all_workers(&loop, holders);
    stat_files(&loop, reqs);
    RUN_UNTIL(&loop, files_done == FILES);
    for (i = 0; i < WORKERS; i++) ASSERT_EQ(holders[i].held, 0);
    for (i = 0; i < WORKERS; i++) holder_release(&holders[i]);
    ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  }
  CLOSE_LOOP(&loop);
}

/* Files that were queued before the last worker was blocked, behind more work. */
TEST(pool_files_in_a_queue_of_work) {
  static struct holder holders[2 * WORKERS];
  static uv_fs_t reqs[FILES];
  uv_loop_t loop;
  int i;
  if (test_on_reference()) SKIP("libuv's file operations wait");
  set_up_held_pool(&loop, holders);
  for (i = WORKERS; i < 2 * WORKERS; i++) holder_start(&loop, &holders[i]);
  stat_files(&loop, reqs);
  RUN_UNTIL(&loop, files_done == FILES);
  for (i = 0; i < 2 * WORKERS; i++) ASSERT_EQ(holders[i].held, 0);
  for (i = 0; i < 2 * WORKERS; i++) holder_release(&holders[i]);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  for (i = 0; i < 2 * WORKERS; i++) ASSERT_EQ(holders[i].held, 1);
  CLOSE_LOOP(&loop);
}

static void release_all(uv_timer_t* timer) {
  struct holder* holders = timer->data;
  int i;
  ASSERT_EQ(files_done, 0);
  for (i = 0; i < WORKERS; i++) holder_release(&holders[i]);
  uv_close((uv_handle_t*) timer, NULL);
}

/* A size that was set is the limit. */
TEST(pool_files_wait_if_the_size_was_set) {
  static struct holder holders[WORKERS];
  static uv_fs_t reqs[FILES];
  uv_loop_t loop;
  uv_timer_t timer;
  ASSERT_OK(setenv("UV_THREADPOOL_SIZE", "4", 1));
  ASSERT_OK(uv_loop_init(&loop));
  hold_all_workers(&loop, holders);
  stat_files(&loop, reqs);
  ASSERT_OK(uv_timer_init(&loop, &timer));
  timer.data = holders;
  ASSERT_OK(uv_timer_start(&timer, release_all, 150, 0));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(files_done, FILES);
  CLOSE_LOOP(&loop);
}

/* A child of a fork, and the end of the library, while there is such a thread. */
static void use_the_pool_in_the_child(void) {
  uv_loop_t loop;
  uv_fs_t req;
  files_done = 0;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_fs_stat(&loop, &req, "/", file_done));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(files_done, 1);
  CLOSE_LOOP(&loop);
}

TEST(pool_files_fork_and_shutdown_while_blocked) {
  static struct holder holders[WORKERS];
  static uv_fs_t reqs[FILES];
  uv_loop_t loop;
  int i;
  if (test_on_reference()) SKIP("libuv's file operations wait");
  set_up_held_pool(&loop, holders);
  stat_files(&loop, reqs);
  RUN_UNTIL(&loop, files_done == FILES);
  ASSERT_EQ(child_status(use_the_pool_in_the_child), 0);
  for (i = 0; i < WORKERS; i++) holder_release(&holders[i]);
  uv_library_shutdown();
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  /* The pool starts again. */
  stat_files(&loop, reqs);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(files_done, FILES);
  CLOSE_LOOP(&loop);
}
