/* The child of a fork that goes on with its parent's loop without uv_loop_fork():
 * whatever it does with its copy, the parent's loop notices nothing. */

#include "test-callbacks.h"
#include "test-child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static uv_loop_t loop;
static uv_signal_t watcher;
static uv_pipe_t reader;
static uv_poll_t poller;
static uv_fs_event_t watch;
static int writers[2];
static int exits, reads, polls, changes;

static void exit_cb(uv_process_t* process, int64_t status, int signum) {
  ASSERT_EQ(status, 0);
  ASSERT_EQ(signum, 0);
  exits++;
  uv_close(HANDLE(process), NULL);
}

static void alloc_cb(uv_handle_t* handle, size_t suggested, uv_buf_t* buf) {
  static char slab[64];
  (void) handle, (void) suggested;
  *buf = uv_buf_init(slab, sizeof(slab));
}

static void read_cb(uv_stream_t* stream, ssize_t nread, const uv_buf_t* buf) {
  (void) stream, (void) buf;
  ASSERT_EQ(nread, 1);
  reads++;
}

static void poll_cb(uv_poll_t* handle, int status, int events) {
  ASSERT_OK(status);
  ASSERT_EQ(events, UV_READABLE);
  polls++;
  ASSERT_OK(uv_poll_stop(handle));
}

static void change_cb(uv_fs_event_t* handle, const char* name, int events,
                      int status) {
  (void) name, (void) events;
  ASSERT_OK(status);
  changes++;
  ASSERT_OK(uv_fs_event_stop(handle));
}

static int signals_only;

static void open_all(void) {
  int fds[2];
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_signal_init(&loop, &watcher));
  ASSERT_OK(uv_signal_start(&watcher, count_signal, SIGUSR1));
  if (signals_only) return;
  ASSERT_OK(pipe(fds));
  writers[0] = fds[1];
  ASSERT_OK(uv_pipe_init(&loop, &reader, 0));
  ASSERT_OK(uv_pipe_open(&reader, fds[0]));
  ASSERT_OK(uv_read_start(STREAM(&reader), alloc_cb, read_cb));
  ASSERT_OK(pipe(fds));
  writers[1] = fds[1];
  ASSERT_OK(uv_poll_init(&loop, &poller, fds[0]));
  ASSERT_OK(uv_poll_start(&poller, UV_READABLE, poll_cb));
  ASSERT_OK(mkdir(test_path("watched"), 0700));
  ASSERT_OK(uv_fs_event_init(&loop, &watch));
  ASSERT_OK(uv_fs_event_start(&watch, change_cb, test_path("watched"), 0));
  /* All of it is registered with the kernel. */
  uv_run(&loop, UV_RUN_NOWAIT);
}

/* Everything that the parent's loop waits for still comes. */
static void expect_all(void) {
  uv_process_t process;
  char* args[] = {"true", NULL};
  uv_process_options_t options = {
      .exit_cb = exit_cb, .file = "true", .args = args};

  ASSERT_OK(raise(SIGUSR1));
  RUN_UNTIL(&loop, fired == 1);
  ASSERT_OK(uv_spawn(&loop, &process, &options));
  RUN_UNTIL(&loop, exits == 1);
  if (signals_only) {
    CLOSE_LOOP(&loop);
    return;
  }
  ASSERT_EQ(write(writers[0], "x", 1), 1);
  RUN_UNTIL(&loop, reads == 1);
  ASSERT_EQ(write(writers[1], "x", 1), 1);
  RUN_UNTIL(&loop, polls == 1);
  ASSERT_GE(close(open(test_path("watched/new"), O_CREAT | O_WRONLY, 0600)), 0);
  RUN_UNTIL(&loop, changes == 1);
  CLOSE_LOOP(&loop);
}

static void close_all(void* arg) {
  (void) arg;
  CLOSE_LOOP(&loop);
}

TEST(inherited_loop_is_closed_in_the_child) {
  /* libuv keeps signals and child processes apart, but closing handles takes their
   * descriptors out of the epoll instance that parent and child share. */
  signals_only = test_on_reference();
  open_all();
  run_in_child(close_all, NULL);
  expect_all();
}

static void stop_all(void* arg) {
  (void) arg;
  ASSERT_OK(uv_signal_stop(&watcher));
  ASSERT_OK(uv_read_stop(STREAM(&reader)));
  ASSERT_OK(uv_poll_stop(&poller));
  ASSERT_OK(uv_fs_event_stop(&watch));
}

TEST(inherited_handles_are_stopped_in_the_child) {
  /* libuv takes the descriptor of a poll handle out of the epoll instance, and the
   * path out of the inotify instance, that parent and child share. */
  if (test_on_reference()) SKIP("libuv lets the child's copy reach the parent");
  open_all();
  run_in_child(stop_all, NULL);
  expect_all();
}

static void run_once(void* arg) {
  uv_timer_t timer;
  (void) arg;
  ASSERT_OK(uv_timer_init(&loop, &timer));
  ASSERT_OK(uv_timer_start(&timer, count_timer, 1, 0));
  RUN_UNTIL(&loop, fired == 1);
}

TEST(inherited_loop_is_run_in_the_child) {
  open_all();
  run_in_child(run_once, NULL);
  expect_all();
}

static void watch_another_signal(void* arg) {
  uv_signal_t other;
  (void) arg;
  ASSERT_OK(uv_signal_init(&loop, &other));
  ASSERT_OK(uv_signal_start(&other, count_signal, SIGUSR1));
  ASSERT_OK(raise(SIGUSR1));
  _exit(0);
}

TEST(inherited_signals_of_the_child_are_not_the_parents) {
  if (test_on_reference()) SKIP("libuv tells the parent of the child's signals");
  open_all();
  run_in_child(watch_another_signal, NULL);
  uv_run(&loop, UV_RUN_NOWAIT);
  ASSERT_EQ(fired, 0);
  expect_all();
}

static void watch_the_first_signal(void* arg) {
  (void) arg;
  ASSERT_OK(uv_signal_start(&watcher, count_signal, SIGUSR1));
  ASSERT_OK(raise(SIGUSR1));
  RUN_UNTIL(&loop, fired == 1);
}

/* The parent's loop has a pipe for signals, which nothing uses at the time of the fork. */
TEST(inherited_loop_watches_its_first_signal_in_the_child) {
  signals_only = 1;
  open_all();
  ASSERT_OK(uv_signal_stop(&watcher));
  run_in_child(watch_the_first_signal, NULL);
  ASSERT_OK(uv_signal_start(&watcher, count_signal, SIGUSR1));
  expect_all();
}

static void spawn_and_wait(void* arg) {
  uv_process_t process;
  char* args[] = {"true", NULL};
  uv_process_options_t options = {
      .exit_cb = exit_cb, .file = "true", .args = args};
  int before = exits;
  (void) arg;
  ASSERT_OK(uv_spawn(&loop, &process, &options));
  RUN_UNTIL(&loop, exits == before + 1);
  uv_run(&loop, UV_RUN_NOWAIT);
}

TEST(inherited_loop_spawns_in_the_child) {
  ASSERT_OK(uv_loop_init(&loop));
  spawn_and_wait(NULL);
  run_in_child(spawn_and_wait, NULL);
  spawn_and_wait(NULL);
  CLOSE_LOOP(&loop);
}
