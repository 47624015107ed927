/* File operations on a loop that uses io_uring: which of them go to the ring
 * and when, and cancelling, forking, embedding and metrics. The _ring tests of
 * FS_TEST test the results of the operations.
 *
 * Where the ring is not to be had the pool does the same work; tests of the
 * ring itself are skipped then. */

#include <linux/io_uring.h>
#include <poll.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "test-child.h"
#include "test-fs.h"

/* Whether the kernel lets this process have a ring that will do. */
static int ring_available(void) {
  struct io_uring_params params;
  struct utsname names;
  int major;
  int minor;
  int fd;

  ASSERT_OK(uname(&names));
  ASSERT_EQ(sscanf(names.release, "%d.%d", &major, &minor), 2);
  if (major < 6 || (major == 6 && minor < 1)) return 0;
  memset(&params, 0, sizeof(params));
  params.flags = IORING_SETUP_SQPOLL;
  fd = syscall(__NR_io_uring_setup, 1, &params);
  if (fd < 0) return 0;
  ASSERT_OK(close(fd));
  return 1;
}

static void init_ring_loop(uv_loop_t* loop) {
  setenv("UV_USE_IO_URING", "1", 1);
  ASSERT_OK(uv_loop_init(loop));
  ASSERT_OK(uv_loop_configure(loop, UV_LOOP_USE_IO_URING_SQPOLL));
}

#define NEED_RING()                                                           \
  do {                                                                        \
    if (!ring_available()) SKIP("no io_uring");                               \
  } while (0)

/* libuv's own tests tell by this field whether the pool has a request. */
static int is_on_ring(const uv_fs_t* req) {
  return req->work_req.done == NULL;
}

static int calls;
static ssize_t result;

static void done_cb(uv_fs_t* req) {
  calls++;
  result = req->result;
  ASSERT_EQ(uv_cancel((uv_req_t*) req), UV_EBUSY);
  uv_fs_req_cleanup(req);
}

/* Whether a stat on this loop goes to the ring. */
static int uses_ring(uv_loop_t* loop) {
  uv_fs_t req;
  int on_ring;

  memset(&req, 0xdb, sizeof(req));
  ASSERT_OK(uv_fs_stat(loop, &req, "/", done_cb));
  on_ring = is_on_ring(&req);
  result = -1;
  ASSERT_OK(uv_run(loop, UV_RUN_DEFAULT));
  ASSERT_OK(result);
  return on_ring;
}

static void env_test(const char* value, int configure, int want) {
  uv_loop_t loop;

  unsetenv("UV_USE_IO_URING");
  if (value != NULL) setenv("UV_USE_IO_URING", value, 1);
  ASSERT_OK(uv_loop_init(&loop));
  if (configure)
    ASSERT_OK(uv_loop_configure(&loop, UV_LOOP_USE_IO_URING_SQPOLL));
  ASSERT_EQ(uses_ring(&loop), want && ring_available());
  CLOSE_LOOP(&loop);
}

TEST(uring_takes_option_and_environment) { env_test("1", 1, 1); }
TEST(uring_any_positive_number_switches_on) { env_test(" 27x", 1, 1); }
TEST(uring_off_without_environment) { env_test(NULL, 1, 0); }
TEST(uring_off_without_option) { env_test("1", 0, 0); }
TEST(uring_off_for_zero) { env_test("0", 1, 0); }
TEST(uring_off_for_a_word) { env_test("yes", 1, 0); }
TEST(uring_off_for_nothing) { env_test("", 1, 0); }
TEST(uring_off_for_a_negative_number) { env_test("-1", 1, 0); }

TEST(uring_environment_is_read_once) {
  uv_loop_t loop;
  uv_loop_t later;

  NEED_RING();
  init_ring_loop(&loop);
  ASSERT_EQ(uses_ring(&loop), 1);
  unsetenv("UV_USE_IO_URING");
  ASSERT_OK(uv_loop_init(&later));
  ASSERT_OK(uv_loop_configure(&later, UV_LOOP_USE_IO_URING_SQPOLL));
  ASSERT_EQ(uses_ring(&later), 1);
  CLOSE_LOOP(&loop);
  CLOSE_LOOP(&later);
}

/* Asserts who did the operation that was just begun, and its result. */
static void finish(uv_loop_t* loop, uv_fs_t* req, int on_ring, ssize_t want) {
  ASSERT_EQ(is_on_ring(req), on_ring);
  ASSERT_EQ(uv_loop_alive(loop), 1);
  ASSERT_EQ(uv_loop_close(loop), UV_EBUSY);
  result = -1;
  ASSERT_OK(uv_run(loop, UV_RUN_DEFAULT));
  ASSERT_EQ(result, want);
}

TEST(uring_reading_and_writing) {
  enum { MANY = 1100 };
  static uv_buf_t many[MANY];
  char bytes[10] = "0123456789";
  uv_buf_t buf = uv_buf_init(bytes, sizeof(bytes));
  uv_loop_t loop;
  uv_fs_t req;
  int fd;
  int i;

  NEED_RING();
  init_ring_loop(&loop);
  fd = fs_open_plain(test_path("file"), O_RDWR | O_CREAT);
  for (i = 0; i < MANY; i++) many[i] = uv_buf_init(bytes, 1);

  memset(&req, 0xdb, sizeof(req));
  ASSERT_OK(uv_fs_write(&loop, &req, fd, &buf, 1, 0, done_cb));
  finish(&loop, &req, 1, 10);
  ASSERT_OK(uv_fs_read(&loop, &req, fd, &buf, 1, 4, done_cb));
  finish(&loop, &req, 1, 6);
  ASSERT_MEM_EQ(bytes, "4567896789", 10);
  ASSERT_OK(uv_fs_write(&loop, &req, fd, many, MANY, 0, done_cb));
  finish(&loop, &req, 0, MANY);
  /* The limit for a single call. */
  ASSERT_OK(uv_fs_read(&loop, &req, fd, many, MANY, 0, done_cb));
  finish(&loop, &req, 1, 1024);
  ASSERT_OK(uv_fs_read(&loop, &req, -1, &buf, 1, 0, done_cb));
  finish(&loop, &req, 1, UV_EBADF);
  ASSERT_OK(uv_fs_fsync(&loop, &req, fd, done_cb));
  finish(&loop, &req, 1, 0);
  ASSERT_OK(uv_fs_fdatasync(&loop, &req, fd, done_cb));
  finish(&loop, &req, 1, 0);
  ASSERT_OK(close(fd));
  CLOSE_LOOP(&loop);
}

TEST(uring_operations_on_paths) {
  const char* file = fs_make("file", "0123456789", 10);
  const char* other = test_path("other");
  uv_loop_t loop;
  uv_fs_t req;
  int fd;

  NEED_RING();
  init_ring_loop(&loop);
  fd = fs_open_plain(file, O_RDWR);
  memset(&req, 0xdb, sizeof(req));
  ASSERT_OK(uv_fs_stat(&loop, &req, file, done_cb));
  finish(&loop, &req, 1, 0);
  ASSERT_EQ(req.statbuf.st_size, 10);
  ASSERT_OK(uv_fs_lstat(&loop, &req, other, done_cb));
  finish(&loop, &req, 1, UV_ENOENT);
  ASSERT_OK(uv_fs_fstat(&loop, &req, fd, done_cb));
  finish(&loop, &req, 1, 0);
  ASSERT_EQ(req.statbuf.st_size, 10);
  ASSERT_OK(uv_fs_link(&loop, &req, file, other, done_cb));
  finish(&loop, &req, 1, 0);
  ASSERT_OK(uv_fs_unlink(&loop, &req, file, done_cb));
  finish(&loop, &req, 1, 0);
  ASSERT_OK(uv_fs_rename(&loop, &req, other, file, done_cb));
  finish(&loop, &req, 1, 0);
  ASSERT_OK(uv_fs_symlink(&loop, &req, file, other, 0, done_cb));
  finish(&loop, &req, 1, 0);
  ASSERT_OK(uv_fs_mkdir(&loop, &req, other, 0700, done_cb));
  finish(&loop, &req, 1, UV_EEXIST);
  ASSERT_OK(uv_fs_close(&loop, &req, fd, done_cb));
  finish(&loop, &req, 1, 0);
  ASSERT_OK(uv_fs_open(&loop, &req, other, O_RDONLY, 0, done_cb));
  finish(&loop, &req, 1, fd);
  ASSERT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
  ASSERT_OK(close(fd));
  CLOSE_LOOP(&loop);
}

TEST(uring_operations_that_the_pool_does) {
  const char* file = fs_make("file", "0123456789", 10);
  const char* link = test_path("link");
  uv_loop_t loop;
  uv_fs_t req;

  NEED_RING();
  init_ring_loop(&loop);
  ASSERT_OK(symlink(file, link));
  memset(&req, 0xdb, sizeof(req));
  ASSERT_OK(uv_fs_readlink(&loop, &req, link, done_cb));
  finish(&loop, &req, 0, 0);
  ASSERT_OK(uv_fs_rmdir(&loop, &req, link, done_cb));
  finish(&loop, &req, 0, UV_ENOTDIR);
  ASSERT_OK(uv_fs_access(&loop, &req, link, 0, done_cb));
  finish(&loop, &req, 0, 0);
  CLOSE_LOOP(&loop);
}

/* Begins a read that waits for the pipe. */
static void begin_waiting(uv_loop_t* loop, uv_fs_t* req, int fd) {
  static char bytes[16];
  uv_buf_t buf = uv_buf_init(bytes, sizeof(bytes));
  ASSERT_OK(uv_fs_read(loop, req, fd, &buf, 1, -1, done_cb));
}

TEST(uring_cancel_what_waits) {
  uv_loop_t loop;
  uv_fs_t req;
  int fds[2];

  NEED_RING();
  init_ring_loop(&loop);
  ASSERT_OK(uv_pipe(fds, 0, 0));
  begin_waiting(&loop, &req, fds[0]);
  ASSERT_EQ(is_on_ring(&req), 1);
  /* Not possible before the kernel has begun it. */
  while (uv_cancel((uv_req_t*) &req) == UV_EBUSY) sched_yield();
  ASSERT_EQ(uv_loop_close(&loop), UV_EBUSY);
  ASSERT_EQ(calls, 0);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(calls, 1);
  ASSERT_EQ(result, UV_ECANCELED);
  close(fds[0]);
  close(fds[1]);
  CLOSE_LOOP(&loop);
}

/* As a request that waits for the pool can always be cancelled. libuv answers
 * UV_EBUSY before the kernel has taken the operation. */
static void cancel_at_once(void) {
  uv_loop_t loop;
  uv_fs_t req;
  int fds[2];
  int i;

  init_ring_loop(&loop);
  ASSERT_OK(uv_pipe(fds, 0, 0));
  for (i = 1; i <= 100; i++) {
    begin_waiting(&loop, &req, fds[0]);
    if (uv_cancel((uv_req_t*) &req) == UV_EBUSY) abort();
    ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
    ASSERT_EQ(calls, i);
    ASSERT_EQ(result, UV_ECANCELED);
  }
  close(fds[0]);
  close(fds[1]);
  CLOSE_LOOP(&loop);
}

TEST(uring_cancel_what_the_kernel_has_not_taken) {
  NEED_RING();
  ASSERT_SURVIVES(cancel_at_once);
}

static void await_backend(uv_loop_t* loop) {
  struct pollfd ask = { uv_backend_fd(loop), POLLIN, 0 };
  ASSERT_EQ(poll(&ask, 1, -1), 1);
}

TEST(uring_cancel_what_is_done) {
  uv_loop_t loop;
  uv_fs_t req;

  NEED_RING();
  init_ring_loop(&loop);
  ASSERT_OK(uv_fs_stat(&loop, &req, "/", done_cb));
  ASSERT_EQ(is_on_ring(&req), 1);
  await_backend(&loop);
  ASSERT_EQ(uv_cancel((uv_req_t*) &req), UV_EBUSY);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(calls, 1);
  ASSERT_OK(result);
  CLOSE_LOOP(&loop);
}

TEST(uring_wakes_embedders) {
  uv_loop_t loop;
  uv_fs_t req;
  int i;

  init_ring_loop(&loop);
  for (i = 1; i <= 5; i++) {
    ASSERT_OK(uv_fs_stat(&loop, &req, "/", done_cb));
    if (i > 1) ASSERT_EQ(uv_backend_timeout(&loop), -1);
    while (calls < i) {
      await_backend(&loop);
      uv_run(&loop, UV_RUN_NOWAIT);
    }
    ASSERT_EQ(calls, i);
    ASSERT_EQ(uv_loop_alive(&loop), 0);
  }
  CLOSE_LOOP(&loop);
}

/* More than the ring has room for. */
TEST(uring_full) {
  enum { N = 500 };
  static uv_fs_t reqs[N];
  uv_loop_t loop;
  int on_ring = 0;
  int fds[2];
  int i;

  NEED_RING();
  init_ring_loop(&loop);
  ASSERT_OK(uv_pipe(fds, 0, 0));
  for (i = 0; i < N; i++) {
    begin_waiting(&loop, &reqs[i], fds[0]);
    on_ring += is_on_ring(&reqs[i]);
  }
  ASSERT_GT(on_ring, 0);
  ASSERT_OK(close(fds[1]));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(calls, N);
  ASSERT_OK(result);
  close(fds[0]);
  CLOSE_LOOP(&loop);
}

enum { CHAIN = 300 };

/* The request's memory goes as soon as its callback begins. */
static void next_cb(uv_fs_t* req) {
  uv_loop_t* loop = req->loop;

  ASSERT_OK(req->result);
  ASSERT_PTR_EQ(req->ptr, &req->statbuf);
  uv_fs_req_cleanup(req);
  memset(req, 0xdb, sizeof(*req));
  free(req);
  if (++calls == CHAIN) return;
  req = malloc(sizeof(*req));
  ASSERT_NOT_NULL(req);
  ASSERT_OK(uv_fs_lstat(loop, req, "/", next_cb));
}

TEST(uring_callbacks_begin_the_next) {
  uv_loop_t loop;
  uv_fs_t* req = malloc(sizeof(*req));

  ASSERT_NOT_NULL(req);
  init_ring_loop(&loop);
  ASSERT_OK(uv_fs_lstat(&loop, req, "/", next_cb));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(calls, CHAIN);
  CLOSE_LOOP(&loop);
}

static uv_timer_t starved_timer;
static int timer_calls;

static void timer_cb(uv_timer_t* timer) {
  timer_calls++;
  uv_close((uv_handle_t*) timer, NULL);
}

static void until_timer_cb(uv_fs_t* req) {
  uv_fs_req_cleanup(req);
  calls++;
  if (timer_calls == 0)
    ASSERT_OK(uv_fs_stat(req->loop, req, "/", until_timer_cb));
}

TEST(uring_does_not_starve_timers) {
  uv_loop_t loop;
  uv_fs_t req;

  init_ring_loop(&loop);
  ASSERT_OK(uv_timer_init(&loop, &starved_timer));
  ASSERT_OK(uv_timer_start(&starved_timer, timer_cb, 1, 0));
  ASSERT_OK(uv_fs_stat(&loop, &req, "/", until_timer_cb));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(timer_calls, 1);
  ASSERT_GT(calls, 0);
  CLOSE_LOOP(&loop);
}

TEST(uring_completions_are_events) {
  enum { N = 10 };
  uv_loop_t loop;
  uv_fs_t reqs[N];
  uv_metrics_t metrics;
  int i;

  NEED_RING();
  init_ring_loop(&loop);
  for (i = 0; i < N; i++)
    ASSERT_OK(uv_fs_stat(&loop, &reqs[i], "/", done_cb));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(calls, N);
  ASSERT_OK(uv_metrics_info(&loop, &metrics));
  ASSERT_EQ(metrics.events, N);
  CLOSE_LOOP(&loop);
}

TEST(uring_two_loops) {
  uv_loop_t loops[2];
  uv_fs_t req;
  int fds[2];

  NEED_RING();
  init_ring_loop(&loops[0]);
  init_ring_loop(&loops[1]);
  ASSERT_OK(uv_pipe(fds, 0, 0));
  begin_waiting(&loops[0], &req, fds[0]);
  ASSERT_EQ(is_on_ring(&req), 1);
  ASSERT_EQ(uses_ring(&loops[1]), 1);
  ASSERT_EQ(calls, 1);
  ASSERT_EQ(write(fds[1], "abc", 3), 3);
  ASSERT_OK(uv_run(&loops[0], UV_RUN_DEFAULT));
  ASSERT_EQ(calls, 2);
  ASSERT_EQ(result, 3);
  close(fds[0]);
  close(fds[1]);
  CLOSE_LOOP(&loops[0]);
  CLOSE_LOOP(&loops[1]);
}

/* Active requests stay the parent's, and the child has its own ring. */
TEST(uring_fork) {
  uv_loop_t loop;
  uv_fs_t waiting;
  uv_fs_t req;
  pid_t child;
  int fds[2];

  NEED_RING();
  init_ring_loop(&loop);
  ASSERT_OK(uv_pipe(fds, 0, 0));
  ASSERT_EQ(uses_ring(&loop), 1);
  begin_waiting(&loop, &waiting, fds[0]);
  ASSERT_EQ(is_on_ring(&waiting), 1);
  calls = 0;

  child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ASSERT_OK(uv_loop_fork(&loop));
    ASSERT_EQ(uv_cancel((uv_req_t*) &waiting), UV_EBUSY);
    ASSERT_OK(uv_fs_stat(&loop, &req, "/", done_cb));
    ASSERT_EQ(is_on_ring(&req), 1);
    RUN_UNTIL(&loop, calls > 0);
    ASSERT_EQ(calls, 1);
    ASSERT_OK(result);
    _exit(0);
  }
  await_child(child);

  ASSERT_EQ(write(fds[1], "abc", 3), 3);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(calls, 1);
  ASSERT_EQ(result, 3);
  ASSERT_EQ(uses_ring(&loop), 1);
  close(fds[0]);
  close(fds[1]);
  CLOSE_LOOP(&loop);
}

/* No descriptor is left for a ring, which is no error. */
TEST(uring_without_a_descriptor) {
  struct rlimit limit;
  rlim_t before;
  uv_loop_t loop;
  uv_fs_t req;
  int fd;

  init_ring_loop(&loop);
  fd = dup(0);
  ASSERT_GE(fd, 0);
  ASSERT_OK(close(fd));
  ASSERT_OK(getrlimit(RLIMIT_NOFILE, &limit));
  before = limit.rlim_cur;
  limit.rlim_cur = fd;
  ASSERT_OK(setrlimit(RLIMIT_NOFILE, &limit));
  ASSERT_OK(uv_fs_stat(&loop, &req, "/", done_cb));
  ASSERT_EQ(is_on_ring(&req), 0);
  limit.rlim_cur = before;
  ASSERT_OK(setrlimit(RLIMIT_NOFILE, &limit));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(calls, 1);
  ASSERT_OK(result);
  CLOSE_LOOP(&loop);
}
