/* uv_fs_event_t: inotify through the loop. The kernel queues an event within
 * the call that causes it, so one pass of the loop delivers all of them. */
#define _GNU_SOURCE
#include "test-callbacks.h"
#include "test-child.h"
#include "test-inotify.h"

#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static uv_loop_t loop;
static uv_fs_event_t a, b, c;

/* The arguments of the callbacks: "HANDLE NAME EVENTS, ..." */
static char seen[8192];

static void note(uv_fs_event_t* handle, const char* name, int events,
                 int status) {
  size_t length = strlen(seen);
  ASSERT_OK(status);
  ASSERT(uv_is_active((uv_handle_t*) handle));
  snprintf(seen + length, sizeof(seen) - length, "%s%s %s %s%s",
           length > 0 ? ", " : "",
           handle == &a ? "a" : handle == &b ? "b" : "c", name,
           events & UV_RENAME ? "R" : "", events & UV_CHANGE ? "C" : "");
}

#define EXPECT(what)                                                          \
  do {                                                                        \
    uv_run(&loop, UV_RUN_NOWAIT);                                             \
    ASSERT_STR_EQ(seen, what);                                                \
    seen[0] = '\0';                                                           \
  } while (0)

static void put(const char* path, const char* text) {
  int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  ASSERT_GE(fd, 0);
  ASSERT_EQ(write(fd, text, strlen(text)), (ssize_t) strlen(text));
  ASSERT_OK(close(fd));
}

/* A loop with three handles, in a directory with "dir/file". */
static void setup(void) {
  ASSERT_OK(mkdir(test_path("here"), 0755));
  ASSERT_OK(chdir(test_path("here")));
  ASSERT_OK(mkdir("dir", 0755));
  put("dir/file", "text");
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_fs_event_init(&loop, &a));
  ASSERT_OK(uv_fs_event_init(&loop, &b));
  ASSERT_OK(uv_fs_event_init(&loop, &c));
}

TEST(fs_event_of_a_directory_names_its_entries) {
  setup();
  ASSERT_OK(uv_fs_event_start(&a, note, "dir", 0));
  put("dir/file", "more");
  EXPECT("a file C");
  put("dir/new", "");
  EXPECT("a new R");
  ASSERT_OK(chmod("dir/new", 0600));
  EXPECT("a new C");
  ASSERT_OK(rename("dir/new", "dir/newer"));
  EXPECT("a new R, a newer R");
  ASSERT_OK(rename("dir/newer", "gone"));
  EXPECT("a newer R");
  ASSERT_OK(unlink("dir/file"));
  EXPECT("a file R");
  ASSERT_OK(mkdir("dir/sub", 0755));
  EXPECT("a sub R");
  put("dir/sub/file", "not looked at");
  EXPECT("");
  CLOSE_LOOP(&loop);
}

/* libuv calls it renamed too, as the kernel says that it is a directory. */
TEST(fs_event_change_of_a_directory_is_a_change) {
  int reference = test_on_reference();
  setup();
  ASSERT_OK(uv_fs_event_start(&a, note, "dir", 0));
  ASSERT_OK(chmod("dir", 0700));
  EXPECT(reference ? "a dir RC" : "a dir C");
  ASSERT_OK(mkdir("dir/sub", 0700));
  EXPECT("a sub R");
  ASSERT_OK(chmod("dir/sub", 0755));
  EXPECT(reference ? "a sub RC" : "a sub C");
  ASSERT_OK(rmdir("dir/sub"));
  EXPECT("a sub R");
  ASSERT_OK(uv_fs_event_stop(&a));
  /* The name is what follows the last slash of the path. */
  ASSERT_OK(uv_fs_event_start(&a, note, "dir/", 0));
  ASSERT_OK(chmod("dir", 0755));
  EXPECT(reference ? "a  RC" : "a  C");
  CLOSE_LOOP(&loop);
}

TEST(fs_event_of_a_file_is_told_under_its_own_name) {
  setup();
  put("dir/other", "");
  ASSERT_OK(uv_fs_event_start(&a, note, "dir/file", 0));
  put("dir/other", "not watched");
  put("dir/file", "watched");
  EXPECT("a file C");
  ASSERT_OK(truncate("dir/file", 0));
  EXPECT("a file C");
  /* The name stays that of the start. */
  ASSERT_OK(rename("dir/file", "moved"));
  EXPECT("a file R");
  put("moved", "still watched");
  EXPECT("a file C");
  CLOSE_LOOP(&loop);
}

TEST(fs_event_handle_of_a_deleted_file_stays_active) {
  setup();
  ASSERT_OK(uv_fs_event_start(&a, note, "dir/file", 0));
  ASSERT_OK(unlink("dir/file"));
  /* The link count changed, the file is gone, the watch is gone. */
  EXPECT("a file C, a file R, a file R");
  ASSERT(uv_is_active((uv_handle_t*) &a));
  ASSERT(uv_loop_alive(&loop));
  /* A new file of that name is another file. */
  put("dir/file", "new");
  EXPECT("");
  ASSERT_OK(uv_fs_event_stop(&a));
  ASSERT_EQ(uv_loop_alive(&loop), 0);
  ASSERT_OK(uv_fs_event_start(&a, note, "dir/file", 0));
  put("dir/file", "newer");
  EXPECT("a file C");
  CLOSE_LOOP(&loop);
}

TEST(fs_event_handles_share_a_watch) {
  char path[16];
  size_t size = sizeof(path);

  setup();
  ASSERT_OK(uv_fs_event_start(&a, note, "dir", 0));
  ASSERT_OK(uv_fs_event_start(&b, note, "dir/../dir", 0));
  ASSERT_OK(uv_fs_event_start(&c, note, "dir/file", 0));
  /* The kernel tells the directory first. */
  put("dir/file", "more");
  EXPECT("a file C, b file C, c file C");
  ASSERT_OK(uv_fs_event_getpath(&b, path, &size));
  ASSERT_STR_EQ(path, "dir");

  ASSERT_OK(uv_fs_event_stop(&a));
  put("dir/file", "more");
  EXPECT("b file C, c file C");
  ASSERT_OK(uv_fs_event_start(&a, note, "dir", 0));
  put("dir/file", "more");
  EXPECT("b file C, a file C, c file C");
  ASSERT_OK(uv_fs_event_stop(&b));
  ASSERT_OK(uv_fs_event_stop(&a));
  put("dir/file", "more");
  EXPECT("c file C");
  CLOSE_LOOP(&loop);
}

TEST(fs_event_start_refuses) {
  char name[PATH_MAX + 1];

  setup();
  ASSERT_EQ(uv_fs_event_start(&a, never_fs_event, "absent", 0), UV_ENOENT);
  ASSERT_EQ(uv_fs_event_start(&a, never_fs_event, "", 0), UV_ENOENT);
  ASSERT_EQ(uv_fs_event_start(&a, never_fs_event, "dir/file/below", 0),
            UV_ENOTDIR);
  memset(name, 'x', sizeof(name));
  name[sizeof(name) - 1] = '\0';
  ASSERT_EQ(uv_fs_event_start(&a, never_fs_event, name, 0), UV_ENAMETOOLONG);
  ASSERT_EQ(uv_fs_event_start(&a, never_fs_event, NULL, 0), UV_EFAULT);
  ASSERT_EQ(uv_is_active((uv_handle_t*) &a), 0);
  ASSERT_EQ(uv_loop_alive(&loop), 0);

  ASSERT_OK(uv_fs_event_start(&a, note, "dir", 0));
  ASSERT_EQ(uv_fs_event_start(&a, never_fs_event, "dir", 0), UV_EINVAL);
  ASSERT_EQ(uv_fs_event_start(&a, never_fs_event, "absent", 0), UV_EINVAL);
  put("dir/file", "more");
  EXPECT("a file C");
  CLOSE_LOOP(&loop);
}

TEST(fs_event_without_a_descriptor_to_be_had) {
  struct rlimit limit, none;
  int fd;

  setup();
  ASSERT_OK(getrlimit(RLIMIT_NOFILE, &limit));
  fd = dup(0);
  ASSERT_OK(close(fd));
  none = limit;
  none.rlim_cur = fd;
  ASSERT_OK(setrlimit(RLIMIT_NOFILE, &none));
  ASSERT_EQ(uv_fs_event_start(&a, never_fs_event, "dir", 0), UV_EMFILE);
  ASSERT_EQ(uv_is_active((uv_handle_t*) &a), 0);
  ASSERT_OK(setrlimit(RLIMIT_NOFILE, &limit));
  ASSERT_OK(uv_fs_event_start(&a, note, "dir", 0));
  put("dir/file", "more");
  EXPECT("a file C");
  CLOSE_LOOP(&loop);
}

/* Except for UV_FS_EVENT_RECURSIVE, in test-fs-recursive.c. */
TEST(fs_event_flags_change_nothing) {
  setup();
  ASSERT_OK(mkdir("dir/sub", 0755));
  ASSERT_OK(uv_fs_event_start(&a, note, "dir",
                              UV_FS_EVENT_STAT | UV_FS_EVENT_WATCH_ENTRY));
  put("dir/sub/file", "below");
  put("dir/file", "more");
  EXPECT("a file C");
  CLOSE_LOOP(&loop);
}

TEST(fs_event_without_a_callback) {
  setup();
  ASSERT_OK(uv_fs_event_start(&a, NULL, "dir", 0));
  ASSERT(uv_is_active((uv_handle_t*) &a));
  ASSERT_OK(uv_fs_event_stop(&a));
  CLOSE_LOOP(&loop);
}

TEST(fs_event_stop_and_reference) {
  setup();
  ASSERT_OK(uv_fs_event_stop(&a));
  ASSERT_OK(uv_fs_event_start(&a, never_fs_event, "dir", 0));
  put("dir/file", "before it stops");
  ASSERT_OK(uv_fs_event_stop(&a));
  ASSERT_OK(uv_fs_event_stop(&a));
  ASSERT_EQ(uv_is_active((uv_handle_t*) &a), 0);
  EXPECT("");
  ASSERT_OK(uv_fs_event_start(&a, never_fs_event, "dir", 0));
  uv_unref((uv_handle_t*) &a);
  ASSERT_EQ(uv_run(&loop, UV_RUN_DEFAULT), 0);
  uv_ref((uv_handle_t*) &a);
  ASSERT_OK(uv_fs_event_stop(&a));
  ASSERT_OK(uv_fs_event_start(&a, note, "dir", 0));
  put("dir/file", "while it is started");
  EXPECT("a file C");
  CLOSE_LOOP(&loop);
}

TEST(fs_event_getpath_sizes) {
  char path[8];
  size_t size = sizeof(path);

  setup();
  ASSERT_EQ(uv_fs_event_getpath(&a, path, &size), UV_EINVAL);
  ASSERT_EQ(size, 0);
  ASSERT_OK(uv_fs_event_start(&a, never_fs_event, "dir/", 0));
  size = 4;
  ASSERT_EQ(uv_fs_event_getpath(&a, path, &size), UV_ENOBUFS);
  ASSERT_EQ(size, 5);
  memset(path, '#', sizeof(path));
  ASSERT_OK(uv_fs_event_getpath(&a, path, &size));
  ASSERT_EQ(size, 4);
  ASSERT_MEM_EQ(path, "dir/\0###", sizeof(path));
  ASSERT_EQ(uv_fs_event_getpath(&a, NULL, &size), UV_EINVAL);
  ASSERT_EQ(uv_fs_event_getpath(&a, path, NULL), UV_EINVAL);
  size = 0;
  ASSERT_EQ(uv_fs_event_getpath(&a, path, &size), UV_EINVAL);
  ASSERT_OK(uv_fs_event_stop(&a));
  size = sizeof(path);
  ASSERT_EQ(uv_fs_event_getpath(&a, path, &size), UV_EINVAL);
  CLOSE_LOOP(&loop);
}

/* Callbacks that change who watches, in the middle of a batch of events. */

static void note_and_stop_all(uv_fs_event_t* handle, const char* name,
                              int events, int status) {
  note(handle, name, events, status);
  ASSERT_OK(uv_fs_event_stop(&a));
  ASSERT_OK(uv_fs_event_stop(&b));
  ASSERT_OK(uv_fs_event_stop(&c));
}

TEST(fs_event_stopping_all_in_a_callback_ends_the_batch) {
  setup();
  ASSERT_OK(uv_fs_event_start(&a, note_and_stop_all, "dir", 0));
  ASSERT_OK(uv_fs_event_start(&b, note_and_stop_all, "dir", 0));
  ASSERT_OK(uv_fs_event_start(&c, note_and_stop_all, "dir/file", 0));
  put("dir/file", "more");
  ASSERT_OK(unlink("dir/file"));
  EXPECT("a file C");
  ASSERT_EQ(uv_loop_alive(&loop), 0);
  CLOSE_LOOP(&loop);
}

static int closed;

static void close_cb(uv_handle_t* handle) {
  memset(handle, 0xdb, sizeof(uv_fs_event_t));
  closed++;
}

static void note_and_close_all(uv_fs_event_t* handle, const char* name,
                               int events, int status) {
  note(handle, name, events, status);
  uv_close((uv_handle_t*) &a, close_cb);
  uv_close((uv_handle_t*) &b, close_cb);
  uv_close((uv_handle_t*) &c, close_cb);
  /* The name is the library's, until the callback returns. */
  ASSERT_STR_EQ(name, "dir");
}

TEST(fs_event_closing_all_in_a_callback) {
  setup();
  ASSERT_OK(uv_fs_event_start(&a, note_and_close_all, "dir", 0));
  ASSERT_OK(uv_fs_event_start(&b, note_and_close_all, "dir", 0));
  ASSERT_OK(uv_fs_event_start(&c, note_and_close_all, "dir/file", 0));
  ASSERT_OK(chmod("dir", 0700));
  put("dir/file", "more");
  EXPECT(test_on_reference() ? "a dir RC" : "a dir C");
  ASSERT_EQ(closed, 3);
  CLOSE_LOOP(&loop);
}

static void note_and_restart(uv_fs_event_t* handle, const char* name,
                             int events, int status) {
  note(handle, name, events, status);
  ASSERT_OK(uv_fs_event_stop(handle));
  ASSERT_OK(uv_fs_event_start(handle, note, "dir", 0));
}

TEST(fs_event_restarted_in_a_callback_is_a_new_start) {
  setup();
  ASSERT_OK(uv_fs_event_start(&a, note_and_restart, "dir", 0));
  /* The second event is of the watch that the first callback ended, or, if
   * the watch is shared, of the one that goes on. */
  put("dir/file", "more");
  ASSERT_OK(unlink("dir/file"));
  uv_run(&loop, UV_RUN_NOWAIT);
  ASSERT_EQ(strncmp(seen, "a file C", 8), 0);
  seen[0] = '\0';
  put("dir/new", "");
  EXPECT("a new R");
  CLOSE_LOOP(&loop);
}

static void note_and_start_c(uv_fs_event_t* handle, const char* name,
                             int events, int status) {
  note(handle, name, events, status);
  if (!uv_is_active((uv_handle_t*) &c))
    ASSERT_OK(uv_fs_event_start(&c, note, "dir", 0));
}

TEST(fs_event_started_in_a_callback_gets_the_next_event) {
  setup();
  ASSERT_OK(uv_fs_event_start(&a, note_and_start_c, "dir", 0));
  ASSERT_OK(uv_fs_event_start(&b, note, "dir", 0));
  put("dir/file", "more");
  put("dir/new", "");
  EXPECT("a file C, b file C, a new R, c new R, b new R");
  CLOSE_LOOP(&loop);
}

static int many;

static void count(uv_fs_event_t* handle, const char* name, int events,
                  int status) {
  char expected[NAME_MAX + 1];
  (void) handle;
  ASSERT_OK(status);
  ASSERT_EQ(events, UV_RENAME);
  memset(expected, 'n', 200);
  snprintf(expected + 200, 16, "%d", many++);
  ASSERT_STR_EQ(name, expected);
}

TEST(fs_event_more_events_than_one_read_takes) {
  char path[NAME_MAX + 16] = "dir/";
  int i;

  setup();
  ASSERT_OK(uv_fs_event_start(&a, count, "dir", 0));
  memset(path + 4, 'n', 200);
  for (i = 0; i < 300; i++) {
    snprintf(path + 204, 16, "%d", i);
    ASSERT_OK(mknod(path, S_IFREG | 0644, 0));
  }
  RUN_UNTIL(&loop, many == 300);
  EXPECT("");
  ASSERT_EQ(many, 300);
  CLOSE_LOOP(&loop);
}

TEST(fs_event_many_files) {
  enum { FILES = 200 };
  static uv_fs_event_t handles[FILES];
  char path[32];
  int i;

  setup();
  for (i = 0; i < FILES; i++) {
    snprintf(path, sizeof(path), "dir/%d", i);
    put(path, "");
    ASSERT_OK(uv_fs_event_init(&loop, &handles[i]));
    ASSERT_OK(uv_fs_event_start(&handles[i], i % 3 ? never_fs_event : note,
                                path, 0));
  }
  for (i = 0; i < FILES; i++)
    if (i % 3) ASSERT_OK(uv_fs_event_stop(&handles[i]));
  for (i = 0; i < FILES; i++) {
    snprintf(path, sizeof(path), "dir/%d", i);
    put(path, "more");
    snprintf(path, sizeof(path), "c %d C", i);
    EXPECT(i % 3 ? "" : path);
  }
  CLOSE_LOOP(&loop);
}

/* In the child the handles of before go on, with watches of their own. */

static void in_child(void) {
  ASSERT_OK(uv_loop_fork(&loop));
  put("dir/file", "child");
  EXPECT("a file C, b file C, c file C");
  ASSERT_OK(uv_fs_event_stop(&b));
  put("dir/file", "child");
  EXPECT("a file C, c file C");
  uv_close((uv_handle_t*) &c, NULL);
  put("dir/new", "");
  EXPECT("a new R");
  CLOSE_LOOP(&loop);
}

TEST(fs_event_goes_on_in_the_child_of_a_fork) {
  pid_t pid;

  setup();
  ASSERT_OK(uv_fs_event_start(&a, note, "dir", 0));
  ASSERT_OK(uv_fs_event_start(&b, note, "dir", 0));
  ASSERT_OK(uv_fs_event_start(&c, note, "dir/file", 0));
  pid = fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) {
    in_child();
    _exit(0);
  }
  await_child(pid);
  /* The parent sees the child's changes; a handle stopped there continues here. */
  EXPECT("a file C, b file C, c file C, a file C, b file C, c file C, "
         "a new R, b new R");
  CLOSE_LOOP(&loop);
}

/* The content of freed memory, to make a use of it fail. Volatile, or it is
 * optimised away, and its pointers are reported as leaks. */
enum { FREED = 64 };
static void* volatile freed[FREED];

static void spoil(void* memory) {
  static size_t count;
  if (memory == NULL) return;
  memset(memory, 0xdd, malloc_usable_size(memory));
  ASSERT_LT(count, FREED);
  freed[count++] = memory;
}

static pid_t forked = -1;

static void note_and_fork(uv_fs_event_t* handle, const char* name, int events,
                          int status) {
  note(handle, name, events, status);
  if (forked != -1) return;
  forked = fork();
  ASSERT_GE(forked, 0);
  if (forked == 0) ASSERT_OK(uv_loop_fork(&loop));
}

/* The child's handles are called for the events that the parent was about to
 * report, and for later ones. */
static void fork_in_callback(void) {
  int status;

  ASSERT_OK(uv_replace_allocator(malloc, realloc, calloc, spoil));
  setup();
  ASSERT_OK(uv_fs_event_start(&a, note_and_fork, "dir", 0));
  ASSERT_OK(uv_fs_event_start(&b, note_and_fork, "dir", 0));
  put("dir/file", "more");
  EXPECT("a file C, b file C");
  if (forked == 0) {
    put("dir/file", "more");
    EXPECT("a file C, b file C");
    ASSERT_OK(uv_fs_event_stop(&a));
    put("dir/file", "more");
    EXPECT("b file C");
    CLOSE_LOOP(&loop);
    _exit(0);
  }
  ASSERT_EQ(waitpid(forked, &status, 0), forked);
  if (WIFSIGNALED(status)) raise(WTERMSIG(status));
  ASSERT_EQ(status, 0);
  EXPECT("a file C, b file C");
  CLOSE_LOOP(&loop);
}

TEST(fs_event_callback_that_forks) {
  ASSERT_SURVIVES(fork_in_callback);
}

TEST(fs_event_path_that_is_gone_when_the_loop_forks) {
  pid_t pid;

  setup();
  ASSERT_OK(uv_fs_event_start(&a, note, "dir/file", 0));
  ASSERT_OK(unlink("dir/file"));
  pid = fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) {
    ASSERT_EQ(uv_loop_fork(&loop), UV_ENOENT);
    ASSERT_EQ(uv_is_active((uv_handle_t*) &a), 0);
    _exit(0);
  }
  await_child(pid);
  CLOSE_LOOP(&loop);
}

static int quiet_calls, quiet_events;

static void count_quiet(uv_fs_event_t* handle, const char* name, int events,
                        int status) {
  (void) handle;
  ASSERT_OK(status);
  ASSERT_STR_EQ(name, "quiet");
  quiet_calls++;
  quiet_events = events;
}

static void ignore_change(uv_fs_event_t* handle, const char* name, int events,
                          int status) {
  (void) handle, (void) name, (void) events;
  ASSERT_OK(status);
}

/* When the kernel has dropped events, every watch of the loop reports a change of
 * itself. libuv reports nothing. */
TEST(fs_event_overflow_is_told_to_every_watch) {
  int limit = queue_limit();
  int i;
  if (limit == 0 || limit > 20000) SKIP("the queue of events is too long");
  setup();
  ASSERT_OK(mkdir("quiet", 0700));
  ASSERT_OK(uv_fs_event_start(&a, ignore_change, "dir", 0));
  ASSERT_OK(uv_fs_event_start(&b, count_quiet, "quiet", 0));
  /* Different events in a row are not merged. */
  for (i = 0; i < limit / 2 + 10; i++) {
    ASSERT_OK(rename("dir/file", "dir/other"));
    ASSERT_OK(rename("dir/other", "dir/file"));
  }
  for (i = 0; i < 2000; i++) uv_run(&loop, UV_RUN_NOWAIT);
  ASSERT_EQ(quiet_calls, test_on_reference() ? 0 : 1);
  if (quiet_calls > 0) ASSERT_EQ(quiet_events, UV_RENAME | UV_CHANGE);
  CLOSE_LOOP(&loop);
}
