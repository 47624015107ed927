/* uv_fs_poll_t: stat(2) at an interval. That nothing is reported is shown by
 * letting the handle poll several more times, which the loop's metrics count,
 * as each stat(2) comes back from the pool as one event. */
#define _GNU_SOURCE
#include "test-pool.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static uv_loop_t loop;
static uv_fs_poll_t handle;
static char path[256];

static int calls;
static int last_status;
static uv_stat_t before, now;
static const uv_stat_t zeroes;

static void note(uv_fs_poll_t* poll, int status, const uv_stat_t* prev,
                 const uv_stat_t* curr) {
  ASSERT_PTR_EQ(poll, &handle);
  ASSERT(uv_is_active((uv_handle_t*) poll));
  calls++;
  last_status = status;
  before = *prev;
  now = *curr;
}

/* Appends to the file. A new file gets its name once it has its text: a stat(2)
 * on the pool would see creating and writing as two changes. */
static void put(const char* text) {
  char unnamed[sizeof(path) + 4];
  const char* name = access(path, F_OK) == 0 ? path : unnamed;
  int fd;
  snprintf(unnamed, sizeof(unnamed), "%s-new", path);
  fd = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  ASSERT_GE(fd, 0);
  ASSERT_EQ(write(fd, text, strlen(text)), (ssize_t) strlen(text));
  ASSERT_OK(close(fd));
  if (name == unnamed) ASSERT_OK(rename(unnamed, path));
}

static void setup(void) {
  snprintf(path, sizeof(path), "%s", test_path("file"));
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_fs_poll_init(&loop, &handle));
}

/* Returns whether a stat(2) is under way: only requests keep the loop alive then. */
static int is_polling(void) {
  int result;
  uv_unref((uv_handle_t*) &handle);
  result = uv_loop_alive(&loop);
  uv_ref((uv_handle_t*) &handle);
  return result;
}

/* Runs the loop while stat(2) is called `count` times, and until none is under way,
 * which could see half of what the test does next. */
static void polls(unsigned count) {
  uv_metrics_t metrics;
  uint64_t end;

  ASSERT_OK(uv_metrics_info(&loop, &metrics));
  end = metrics.events + count;
  while (metrics.events < end || is_polling()) {
    ASSERT(uv_run(&loop, UV_RUN_ONCE));
    ASSERT_OK(uv_metrics_info(&loop, &metrics));
  }
}

/* Runs the loop until the callback was called, and a little longer, and then
 * asserts that it was called once. */
static void expect_call(int status) {
  RUN_UNTIL(&loop, calls > 0);
  polls(4);
  ASSERT_EQ(calls, 1);
  ASSERT_EQ(last_status, status);
  calls = 0;
}

static void expect_no_report(void) {
  polls(5);
  ASSERT_EQ(calls, 0);
}

TEST(fs_poll_reports_changes) {
  struct timespec times[2] = {{1000, 1}, {2000, 2}};
  char name[256 + 4];

  setup();
  put("text");
  ASSERT_OK(uv_fs_poll_start(&handle, note, path, 1));
  expect_no_report();

  put("more");
  expect_call(0);
  ASSERT_EQ(before.st_size, 4);
  ASSERT_EQ(now.st_size, 8);
  ASSERT_EQ(before.st_ino, now.st_ino);

  ASSERT_OK(chmod(path, 0600));
  expect_call(0);
  ASSERT_EQ(before.st_mode, S_IFREG | 0644);
  ASSERT_EQ(now.st_mode, S_IFREG | 0600);

  ASSERT_OK(utimensat(AT_FDCWD, path, times, 0));
  expect_call(0);
  ASSERT_EQ(now.st_mtim.tv_sec, 2000);
  ASSERT_EQ(now.st_mtim.tv_nsec, 2);

  snprintf(name, sizeof(name), "%s-2", path);
  ASSERT_OK(link(path, name));
  expect_call(0);
  ASSERT_EQ(before.st_nlink, 1);
  ASSERT_EQ(now.st_nlink, 2);
  CLOSE_LOOP(&loop);
}

TEST(fs_poll_a_file_in_the_place_of_another) {
  char name[256 + 4];

  setup();
  put("text");
  ASSERT_OK(uv_fs_poll_start(&handle, note, path, 1));
  expect_no_report();
  snprintf(name, sizeof(name), "%s-2", path);
  ASSERT_OK(link(path, name));
  expect_call(0);
  ASSERT_OK(unlink(path));
  expect_call(UV_ENOENT);
  put("text");
  expect_call(0);
  ASSERT_NE(before.st_ino, now.st_ino);
  CLOSE_LOOP(&loop);
}

TEST(fs_poll_time_of_access_is_no_change) {
  struct timespec times[2] = {{1000, 0}, {2000, 0}};
  struct stat st;
  char byte;
  int fd;

  setup();
  put("text");
  ASSERT_OK(utimensat(AT_FDCWD, path, times, 0));
  ASSERT_OK(uv_fs_poll_start(&handle, note, path, 1));
  expect_no_report();
  fd = open(path, O_RDONLY | O_CLOEXEC);
  ASSERT_EQ(read(fd, &byte, 1), 1);
  ASSERT_OK(close(fd));
  ASSERT_OK(stat(path, &st));
  if (st.st_atime == 1000)
    SKIP("the file system does not record when a file was read");
  expect_no_report();
  put("more");
  /* Twice if stat(2) sees the time of the write before the size. */
  RUN_UNTIL(&loop, calls > 0);
  CLOSE_LOOP(&loop);
}

TEST(fs_poll_reports_an_error_once_and_its_end) {
  setup();
  ASSERT_OK(uv_fs_poll_start(&handle, note, path, 1));
  expect_call(UV_ENOENT);
  ASSERT_MEM_EQ(&before, &zeroes, sizeof(zeroes));
  ASSERT_MEM_EQ(&now, &zeroes, sizeof(zeroes));

  put("text");
  expect_call(0);
  ASSERT_MEM_EQ(&before, &zeroes, sizeof(zeroes));
  ASSERT_EQ(now.st_size, 4);

  ASSERT_OK(unlink(path));
  expect_call(UV_ENOENT);
  ASSERT_EQ(before.st_size, 4);
  ASSERT_MEM_EQ(&now, &zeroes, sizeof(zeroes));

  /* The previous attributes are kept after an error. */
  put("longer text");
  expect_call(0);
  ASSERT_EQ(before.st_size, 4);
  ASSERT_EQ(now.st_size, 11);
  CLOSE_LOOP(&loop);
}

TEST(fs_poll_another_error_is_a_change) {
  char below[256 + 6];

  setup();
  snprintf(below, sizeof(below), "%s/below", path);
  ASSERT_OK(uv_fs_poll_start(&handle, note, below, 1));
  expect_call(UV_ENOENT);
  put("text");
  expect_call(UV_ENOTDIR);
  ASSERT_OK(unlink(path));
  expect_call(UV_ENOENT);
  CLOSE_LOOP(&loop);
}

TEST(fs_poll_unchanged_after_an_error_is_reported) {
  char away[256 + 6];

  setup();
  snprintf(away, sizeof(away), "%s-away", path);
  ASSERT_OK(mkdir(path, 0755));
  ASSERT_OK(uv_fs_poll_start(&handle, note, path, 1));
  expect_no_report();
  ASSERT_OK(rename(path, away));
  expect_call(UV_ENOENT);
  ASSERT_OK(rename(away, path));
  expect_call(0);
  ASSERT_EQ(before.st_ino, now.st_ino);
  CLOSE_LOOP(&loop);
}

TEST(fs_poll_start_twice_keeps_the_first) {
  char buffer[256];
  size_t size = sizeof(buffer);

  setup();
  put("text");
  ASSERT_OK(uv_fs_poll_start(&handle, note, path, 1));
  ASSERT_OK(uv_fs_poll_start(&handle, never_fs_poll, "elsewhere", 1));
  ASSERT_OK(uv_fs_poll_getpath(&handle, buffer, &size));
  ASSERT_STR_EQ(buffer, path);
  expect_no_report();
  put("more");
  expect_call(0);
  CLOSE_LOOP(&loop);
}

TEST(fs_poll_interval_of_nothing) {
  setup();
  put("text");
  ASSERT_OK(uv_fs_poll_start(&handle, note, path, 0));
  expect_no_report();
  put("more");
  expect_call(0);
  CLOSE_LOOP(&loop);
}

TEST(fs_poll_without_a_callback) {
  setup();
  ASSERT_OK(uv_fs_poll_start(&handle, NULL, path, 1));
  ASSERT(uv_is_active((uv_handle_t*) &handle));
  ASSERT_OK(uv_fs_poll_stop(&handle));
  CLOSE_LOOP(&loop);
}

TEST(fs_poll_getpath_sizes) {
  char buffer[8];
  size_t size = sizeof(buffer);

  setup();
  ASSERT_EQ(uv_fs_poll_getpath(&handle, buffer, &size), UV_EINVAL);
  ASSERT_EQ(size, 0);
  ASSERT_OK(uv_fs_poll_start(&handle, never_fs_poll, "/dev", 1000));
  size = 4;
  ASSERT_EQ(uv_fs_poll_getpath(&handle, buffer, &size), UV_ENOBUFS);
  ASSERT_EQ(size, 5);
  memset(buffer, '#', sizeof(buffer));
  ASSERT_OK(uv_fs_poll_getpath(&handle, buffer, &size));
  ASSERT_EQ(size, 4);
  ASSERT_MEM_EQ(buffer, "/dev\0###", sizeof(buffer));
  ASSERT_EQ(uv_fs_poll_getpath(&handle, NULL, &size), UV_EINVAL);
  ASSERT_EQ(uv_fs_poll_getpath(&handle, buffer, NULL), UV_EINVAL);
  size = 0;
  ASSERT_EQ(uv_fs_poll_getpath(&handle, buffer, &size), UV_EINVAL);
  ASSERT_OK(uv_fs_poll_stop(&handle));
  size = sizeof(buffer);
  ASSERT_EQ(uv_fs_poll_getpath(&handle, buffer, &size), UV_EINVAL);
  CLOSE_LOOP(&loop);
}

static int walked;

static void walk_cb(uv_handle_t* h, void* arg) {
  (void) arg;
  ASSERT_PTR_EQ(h, &handle);
  walked++;
}

TEST(fs_poll_reference) {
  setup();
  put("text");
  ASSERT_OK(uv_fs_poll_start(&handle, never_fs_poll, path, 1));
  polls(2);
  uv_unref((uv_handle_t*) &handle);
  ASSERT_EQ(uv_run(&loop, UV_RUN_DEFAULT), 0);
  uv_close((uv_handle_t*) &handle, NULL);
  ASSERT_EQ(uv_run(&loop, UV_RUN_DEFAULT), 0);
  CLOSE_LOOP(&loop);
}

/* Stopped, started and closed while the pool is at the stat(2): a worker that
 * is held keeps it there. */

static struct holder holder;
static int closed;

static void close_cb(uv_handle_t* h) {
  memset(h, 0xdb, sizeof(uv_fs_poll_t));
  closed++;
}

TEST(fs_poll_closing_waits_for_the_pool) {
  setup();
  hold_the_only_worker(&loop, &holder);
  ASSERT_OK(uv_fs_poll_start(&handle, never_fs_poll, path, 1));
  uv_close((uv_handle_t*) &handle, close_cb);
  ASSERT_EQ(uv_is_active((uv_handle_t*) &handle), 0);
  ASSERT(uv_is_closing((uv_handle_t*) &handle));
  uv_run(&loop, UV_RUN_NOWAIT);
  uv_run(&loop, UV_RUN_NOWAIT);
  ASSERT_EQ(closed, 0);
  ASSERT_EQ(uv_loop_close(&loop), UV_EBUSY);
  holder_release(&holder);
  ASSERT_EQ(uv_run(&loop, UV_RUN_DEFAULT), 0);
  ASSERT_EQ(closed, 1);
  CLOSE_LOOP(&loop);
}

TEST(fs_poll_started_and_stopped_again_and_again) {
  int i;

  setup();
  hold_the_only_worker(&loop, &holder);
  for (i = 0; i < 10; i++) {
    ASSERT_OK(uv_fs_poll_start(&handle, never_fs_poll, path, 1));
    ASSERT_OK(uv_fs_poll_stop(&handle));
    ASSERT_OK(uv_fs_poll_stop(&handle));
  }
  uv_walk(&loop, walk_cb, NULL);
  ASSERT_EQ(walked, 1);
  holder_release(&holder);
  /* The results of the ten are not reported. */
  ASSERT_EQ(uv_run(&loop, UV_RUN_DEFAULT), 0);
  ASSERT_OK(uv_fs_poll_start(&handle, note, path, 1));
  expect_call(UV_ENOENT);
  uv_close((uv_handle_t*) &handle, close_cb);
  ASSERT_EQ(uv_run(&loop, UV_RUN_DEFAULT), 0);
  ASSERT_EQ(closed, 1);
  CLOSE_LOOP(&loop);
}

static void stop_cb(uv_fs_poll_t* poll, int status, const uv_stat_t* prev,
                    const uv_stat_t* curr) {
  note(poll, status, prev, curr);
  ASSERT_OK(uv_fs_poll_stop(poll));
  /* These are there until the callback returns. */
  ASSERT_MEM_EQ(prev, &zeroes, sizeof(zeroes));
  ASSERT_MEM_EQ(curr, &zeroes, sizeof(zeroes));
}

TEST(fs_poll_stop_in_the_callback) {
  setup();
  ASSERT_OK(uv_fs_poll_start(&handle, stop_cb, path, 1));
  ASSERT_EQ(uv_run(&loop, UV_RUN_DEFAULT), 0);
  ASSERT_EQ(calls, 1);
  ASSERT_EQ(last_status, UV_ENOENT);
  ASSERT_MEM_EQ(&now, &zeroes, sizeof(zeroes));
  CLOSE_LOOP(&loop);
}

static void close_in_cb(uv_fs_poll_t* poll, int status, const uv_stat_t* prev,
                        const uv_stat_t* curr) {
  note(poll, status, prev, curr);
  uv_close((uv_handle_t*) poll, close_cb);
}

TEST(fs_poll_close_in_the_callback) {
  setup();
  ASSERT_OK(uv_fs_poll_start(&handle, close_in_cb, path, 1));
  RUN_UNTIL(&loop, closed > 0);
  ASSERT_EQ(calls, 1);
  CLOSE_LOOP(&loop);
}
