/* UV_FS_EVENT_RECURSIVE. libuv accepts and ignores the flag on Linux, so most of
 * these tests run on oxuv only. */
#define _GNU_SOURCE
#include "test-child.h"
#include "test-inotify.h"
#include "test-memory.h"
#include "test-sandbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <linux/fs.h>
#include <pthread.h>
#include <sched.h>
#include <search.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static uv_loop_t loop;
static uv_fs_event_t a, b, c;

#define ONLY_OURS() SKIP_ON_REFERENCE("libuv ignores the flag")

/* --- what was reported --------------------------------------------------- */

struct report {
  uv_fs_event_t* handle;
  char* name;
  int events;
  int status;
  struct report* next;
};

static struct report* reports;
static struct report** last_report = &reports;
static int report_count;

static void record(uv_fs_event_t* handle, const char* name, int events,
                   int status) {
  struct report* report = malloc(sizeof(*report));
  ASSERT(uv_is_active(HANDLE(handle)));
  *report = (struct report) {handle, strdup(name), events, status, NULL};
  *last_report = report;
  last_report = &report->next;
  report_count++;
}

static void forget(void) {
  while (reports != NULL) {
    struct report* next = reports->next;
    free(reports->name);
    free(reports);
    reports = next;
  }
  last_report = &reports;
  report_count = 0;
}

/* How often a name was reported with these events. */
static int reported(const char* name, int events) {
  struct report* report;
  int count = 0;
  for (report = reports; report != NULL; report = report->next)
    if (strcmp(report->name, name) == 0 && report->events == events) {
      ASSERT_OK(report->status);
      count++;
    }
  return count;
}

/* One pass delivers all, as long as it is not too much for one. */
static void run(void) {
  forget();
  uv_run(&loop, UV_RUN_NOWAIT);
}

static void run_all(void) {
  int before;
  do {
    before = report_count;
    uv_run(&loop, UV_RUN_NOWAIT);
  } while (report_count != before || uv_backend_timeout(&loop) == 0);
}

/* "NAME EVENTS, ..." of all reports. */
static const char* all(void) {
  static char text[4096];
  struct report* report;
  size_t length = 0;
  text[0] = '\0';
  for (report = reports; report != NULL; report = report->next)
    length += snprintf(text + length, sizeof(text) - length, "%s%s %s%s%s",
                       length > 0 ? ", " : "", report->name,
                       report->events & UV_RENAME ? "R" : "",
                       report->events & UV_CHANGE ? "C" : "",
                       report->status != 0 ? uv_err_name(report->status) : "");
  return text;
}

#define EXPECT(what)                                                          \
  do {                                                                        \
    run();                                                                    \
    ASSERT_STR_EQ(all(), what);                                               \
  } while (0)

/* --- what is done -------------------------------------------------------- */

static void put(const char* path, const char* text) {
  int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  ASSERT_GE(fd, 0);
  ASSERT_EQ(write(fd, text, strlen(text)), (ssize_t) strlen(text));
  ASSERT_OK(close(fd));
}

static void make(const char* path) {
  if (mkdir(path, 0755) != 0) test_fail(__FILE__, __LINE__, "mkdir %s", path);
}

/* dir/, dir/sub/, dir/sub/deep/, other/ */
static void setup(void) {
  make(test_path("here"));
  ASSERT_OK(chdir(test_path("here")));
  make("dir");
  make("dir/sub");
  make("dir/sub/deep");
  make("other");
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_fs_event_init(&loop, &a));
  ASSERT_OK(uv_fs_event_init(&loop, &b));
  ASSERT_OK(uv_fs_event_init(&loop, &c));
}

static int start(uv_fs_event_t* handle, const char* path) {
  return uv_fs_event_start(handle, record, path, UV_FS_EVENT_RECURSIVE);
}

static void finish(void) {
  CLOSE_LOOP(&loop);
  forget();
}

/* The inotify watches of this process. */
static int watches(void) {
  DIR* fds = opendir("/proc/self/fdinfo");
  struct dirent* entry;
  char line[512];
  int count = 0;
  ASSERT_NOT_NULL(fds);
  while ((entry = readdir(fds)) != NULL) {
    char path[300];
    FILE* file;
    snprintf(path, sizeof(path), "/proc/self/fdinfo/%s", entry->d_name);
    if ((file = fopen(path, "r")) == NULL) continue;
    while (fgets(line, sizeof(line), file) != NULL)
      count += strncmp(line, "inotify wd:", 11) == 0;
    fclose(file);
  }
  closedir(fds);
  return count;
}

static int descriptors(void) {
  DIR* fds = opendir("/proc/self/fd");
  int count = 0;
  while (readdir(fds) != NULL) count++;
  closedir(fds);
  return count;
}

/* --- names --------------------------------------------------------------- */

TEST(fs_recursive_names_are_relative) {
  int reference = test_on_reference();
  char path[16];
  size_t size = sizeof(path);

  setup();
  ASSERT_OK(start(&a, "dir"));
  ASSERT_OK(uv_fs_event_getpath(&a, path, &size));
  ASSERT_STR_EQ(path, "dir");
  put("dir/file", "text");
  EXPECT("file R, file C");
  put("dir/sub/file", "text");
  EXPECT(reference ? "" : "sub/file R, sub/file C");
  put("dir/sub/deep/file", "text");
  EXPECT(reference ? "" : "sub/deep/file R, sub/deep/file C");
  ASSERT_OK(chmod("dir/sub/deep", 0700));
  EXPECT(reference ? "" : "sub/deep C");
  ASSERT_OK(rename("dir/sub/file", "dir/file2"));
  EXPECT(reference ? "file2 R" : "sub/file R, file2 R");
  ASSERT_OK(unlink("dir/sub/deep/file"));
  EXPECT(reference ? "" : "sub/deep/file R");
  ASSERT_OK(rmdir("dir/sub/deep"));
  EXPECT(reference ? "" : "sub/deep R");
  /* The directory itself is reported as without the flag. */
  ASSERT_OK(chmod("dir", 0700));
  EXPECT(reference ? "dir RC" : "dir C");
  finish();
}

TEST(fs_recursive_one_watch_for_each_directory) {
  int before = descriptors();
  ONLY_OURS();
  setup();
  put("dir/file", "");
  put("dir/sub/file", "");
  ASSERT_OK(symlink("../other", "dir/link"));
  ASSERT_EQ(watches(), 0);
  ASSERT_OK(start(&a, "dir"));
  ASSERT_EQ(watches(), 3);
  make("dir/new");
  make("dir/new/below");
  put("dir/new/file", "");
  run();
  ASSERT_EQ(watches(), 5);
  ASSERT_OK(unlink("dir/new/file"));
  ASSERT_OK(rmdir("dir/new/below"));
  ASSERT_OK(rmdir("dir/new"));
  run();
  ASSERT_EQ(watches(), 3);
  ASSERT_OK(uv_fs_event_stop(&a));
  ASSERT_EQ(watches(), 0);
  finish();
  ASSERT_EQ(descriptors(), before);
}

TEST(fs_recursive_of_a_file) {
  setup();
  put("dir/file", "");
  ASSERT_OK(start(&a, "dir/file"));
  put("dir/file", "text");
  EXPECT("file C");
  ASSERT_EQ(start(&b, "dir/file/below"), UV_ENOTDIR);
  ASSERT_EQ(start(&b, "absent"), UV_ENOENT);
  ASSERT_EQ(start(&b, ""), UV_ENOENT);
  ASSERT_EQ(start(&a, "dir"), UV_EINVAL);
  ASSERT_EQ(uv_is_active(HANDLE(&b)), 0);
  finish();
}

TEST(fs_recursive_does_not_follow_links) {
  ONLY_OURS();
  setup();
  ASSERT_OK(symlink("../other", "dir/link"));
  ASSERT_OK(symlink("dir", "way"));
  /* Except for the path itself. */
  ASSERT_OK(start(&a, "way"));
  put("other/file", "");
  put("dir/sub/file", "");
  ASSERT_OK(symlink("../../other", "dir/sub/later"));
  EXPECT("sub/file R, sub/later R");
  put("other/file", "more");
  EXPECT("");
  finish();
}

TEST(fs_recursive_in_another_working_directory) {
  ONLY_OURS();
  setup();
  ASSERT_OK(start(&a, "dir"));
  ASSERT_OK(chdir("other"));
  make("../dir/new");
  run();
  put("../dir/new/file", "");
  EXPECT("new/file R");
  finish();
}

/* --- directories that come and go ----------------------------------------- */

TEST(fs_recursive_made_while_watching) {
  ONLY_OURS();
  setup();
  ASSERT_OK(start(&a, "dir"));
  /* All of it is there before the first event is looked at. */
  make("dir/x");
  make("dir/x/y");
  make("dir/x/y/z");
  put("dir/x/y/z/file", "text");
  run();
  ASSERT_EQ(reported("x", UV_RENAME), 1);
  ASSERT_EQ(reported("x/y", UV_RENAME), 1);
  ASSERT_EQ(reported("x/y/z", UV_RENAME), 1);
  ASSERT_EQ(reported("x/y/z/file", UV_RENAME), 1);
  ASSERT_EQ(report_count, 4);
  put("dir/x/y/z/file", "more");
  EXPECT("x/y/z/file C");
  finish();
}

TEST(fs_recursive_renamed_within) {
  ONLY_OURS();
  setup();
  make("dir/to");
  put("dir/sub/deep/file", "");
  ASSERT_OK(start(&a, "dir"));
  ASSERT_OK(rename("dir/sub", "dir/to/moved"));
  run();
  ASSERT_EQ(reported("sub", UV_RENAME), 1);
  ASSERT_EQ(reported("to/moved", UV_RENAME), 1);
  /* Renamed entries are reported under their new names. */
  ASSERT_EQ(reported("to/moved/deep", UV_RENAME), 1);
  ASSERT_EQ(reported("to/moved/deep/file", UV_RENAME), 1);
  ASSERT_EQ(report_count, 4);
  ASSERT_EQ(watches(), 4);
  put("dir/to/moved/deep/file", "more");
  EXPECT("to/moved/deep/file C");
  /* Twice before it is looked at. */
  ASSERT_OK(rename("dir/to/moved", "dir/once"));
  ASSERT_OK(rename("dir/once", "dir/twice"));
  put("dir/twice/deep/new", "");
  run();
  ASSERT_GE(reported("twice", UV_RENAME), 1);
  ASSERT_GE(reported("twice/deep/new", UV_RENAME), 1);
  put("dir/twice/deep/file", "more");
  EXPECT("twice/deep/file C");
  ASSERT_EQ(watches(), 4);
  finish();
}

TEST(fs_recursive_exchanged) {
  ONLY_OURS();
  setup();
  make("dir/two");
  put("dir/two/of-two", "");
  put("dir/sub/deep/of-sub", "");
  ASSERT_OK(start(&a, "dir"));
  ASSERT_OK(syscall(SYS_renameat2, AT_FDCWD, "dir/two", AT_FDCWD, "dir/sub",
                    RENAME_EXCHANGE));
  run();
  put("dir/sub/of-two", "text");
  put("dir/two/deep/of-sub", "text");
  EXPECT("sub/of-two C, two/deep/of-sub C");
  ASSERT_EQ(watches(), 4);
  finish();
}

TEST(fs_recursive_moved_out_and_in) {
  ONLY_OURS();
  setup();
  put("dir/sub/deep/file", "");
  ASSERT_OK(start(&a, "dir"));
  ASSERT_OK(rename("dir/sub", "other/out"));
  EXPECT("sub R");
  ASSERT_EQ(watches(), 1);
  put("other/out/deep/file", "text");
  make("other/out/new");
  EXPECT("");
  ASSERT_OK(rename("other/out", "dir/in"));
  run();
  ASSERT_EQ(reported("in", UV_RENAME), 1);
  ASSERT_EQ(reported("in/new", UV_RENAME), 1);
  ASSERT_EQ(reported("in/deep", UV_RENAME), 1);
  ASSERT_EQ(reported("in/deep/file", UV_RENAME), 1);
  ASSERT_EQ(report_count, 4);
  ASSERT_EQ(watches(), 4);
  put("dir/in/deep/file", "text");
  EXPECT("in/deep/file C");
  /* Out and in before it is looked at. */
  ASSERT_OK(rename("dir/in", "other/out"));
  ASSERT_OK(rename("other/out", "dir/back"));
  run();
  put("dir/back/deep/file", "text");
  EXPECT("back/deep/file C");
  ASSERT_EQ(watches(), 4);
  finish();
}

/* Another directory has the name by the time that the first one is looked at. */
TEST(fs_recursive_replaced_by_another) {
  ONLY_OURS();
  setup();
  ASSERT_OK(start(&a, "dir"));
  make("dir/sub/x");
  put("dir/sub/x/first", "");
  ASSERT_OK(rename("dir/sub", "dir/gone"));
  make("dir/sub");
  make("dir/sub/x");
  put("dir/sub/x/second", "");
  run();
  ASSERT_GE(reported("gone/x/first", UV_RENAME), 1);
  ASSERT_GE(reported("sub/x/second", UV_RENAME), 1);
  put("dir/gone/x/first", "text");
  put("dir/sub/x/second", "text");
  EXPECT("gone/x/first C, sub/x/second C");
  ASSERT_EQ(watches(), 6);
  finish();
}

TEST(fs_recursive_root_that_goes) {
  ONLY_OURS();
  setup();
  ASSERT_OK(start(&a, "dir/sub"));
  ASSERT_OK(rmdir("dir/sub/deep"));
  ASSERT_OK(rmdir("dir/sub"));
  run();
  /* The directory is gone, and then its watch is; as without the flag. */
  ASSERT_STR_EQ(all(), "deep R, sub R, sub R");
  ASSERT(uv_is_active(HANDLE(&a)));
  make("dir/sub");
  EXPECT("");
  ASSERT_OK(uv_fs_event_stop(&a));
  ASSERT_OK(start(&a, "dir/sub"));
  make("dir/sub/new");
  EXPECT("new R");
  /* The known directories below a watched one that is moved stay watched. */
  ASSERT_OK(rename("dir/sub", "other/sub"));
  EXPECT("sub R");
  put("other/sub/new/file", "");
  EXPECT("new/file R");
  finish();
}

/* Longer than a path may be, and deeper than a stack would be. */
TEST(fs_recursive_deep_tree) {
  enum { DEPTH = 1500 };
  char* name = malloc(DEPTH * 3 + 16);
  char* end = name;
  int top, i;

  ONLY_OURS();
  setup();
  ASSERT_OK(chdir("dir"));
  top = open(".", O_RDONLY | O_DIRECTORY);
  for (i = 0; i < DEPTH; i++) {
    make("dd");
    ASSERT_OK(chdir("dd"));
    end += sprintf(end, "dd/");
  }
  ASSERT_OK(fchdir(top));
  ASSERT_OK(chdir(".."));
  ASSERT_OK(start(&a, "dir"));
  ASSERT_EQ(watches(), DEPTH + 3);
  ASSERT_OK(fchdir(top));
  for (i = 0; i < DEPTH; i++) ASSERT_OK(chdir("dd"));
  make("new");
  run();
  ASSERT_EQ(report_count, 1);
  put("new/file", "");
  run();
  ASSERT_EQ(report_count, 1);
  strcpy(end, "new/file");
  ASSERT_STR_EQ(reports->name, name);
  ASSERT_OK(uv_fs_event_stop(&a));
  /* The runner's rm has a path for everything. */
  ASSERT_OK(unlink("new/file"));
  ASSERT_OK(rmdir("new"));
  for (i = 0; i < DEPTH; i++) {
    ASSERT_OK(chdir(".."));
    ASSERT_OK(rmdir("dd"));
  }
  close(top);
  free(name);
  finish();
}

/* More than the loop looks at in one iteration. */
TEST(fs_recursive_large_tree_moved_in_and_out) {
  enum { DIRECTORIES = 60, FILES = 100 };
  char path[64];
  int i, j;

  ONLY_OURS();
  setup();
  make("other/large");
  for (i = 0; i < DIRECTORIES; i++) {
    snprintf(path, sizeof(path), "other/large/%d", i);
    make(path);
    for (j = 0; j < FILES; j++) {
      snprintf(path, sizeof(path), "other/large/%d/%d", i, j);
      ASSERT_OK(mknod(path, S_IFREG | 0644, 0));
    }
  }
  ASSERT_OK(start(&a, "dir"));
  ASSERT_OK(rename("other/large", "dir/large"));
  run();
  ASSERT_LT(report_count, DIRECTORIES * FILES);
  /* Nothing has to happen for the rest to follow. */
  ASSERT_EQ(uv_backend_timeout(&loop), 0);
  run_all();
  ASSERT_EQ(report_count, 1 + DIRECTORIES * (1 + FILES));
  for (i = 0; i < DIRECTORIES; i++) {
    snprintf(path, sizeof(path), "large/%d/%d", i, i);
    ASSERT_EQ(reported(path, UV_RENAME), 1);
  }
  ASSERT_EQ(watches(), 3 + 1 + DIRECTORIES);
  ASSERT_OK(rename("dir/large", "other/large"));
  EXPECT("large R");
  ASSERT_EQ(watches(), 3);
  ASSERT_EQ(uv_backend_timeout(&loop), -1);
  finish();
}

TEST(fs_recursive_directories_that_may_not_be_read) {
  pid_t pid;
  ONLY_OURS();
  setup();
  make("dir/closed");
  make("dir/closed/below");
  ASSERT_OK(chmod("dir/closed", 0));
  ASSERT_OK(chmod("dir", 0777));
  pid = fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) {
    /* root may read everything. */
    if (geteuid() == 0) ASSERT_OK(setresuid(65534, 65534, 65534));
    ASSERT_OK(uv_loop_fork(&loop));
    ASSERT_OK(start(&a, "dir"));
    ASSERT_EQ(watches(), 3);
    ASSERT_EQ(start(&b, "dir/closed"), UV_EACCES);
    make("dir/open");
    ASSERT_OK(mkdir("dir/shut", 0));
    run();
    ASSERT_EQ(reported("shut", UV_RENAME), 1);
    ASSERT_EQ(report_count, 2);
    put("dir/open/file", "");
    EXPECT("open/file R");
    _exit(0);
  }
  await_child(pid);
  ASSERT_OK(chmod("dir/closed", 0700));
  finish();
}

TEST(fs_recursive_mount_points) {
  ONLY_OURS();
  setup();
  make("dir/mount");
  make("dir/sub/again");
  if (unshare(CLONE_NEWNS) != 0) SKIP("needs root");
  ASSERT_OK(mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL));
  ASSERT_OK(mount("none", "dir/mount", "tmpfs", 0, NULL));
  make("dir/mount/in");
  /* A directory below itself, of which a plain walk finds no end. */
  ASSERT_OK(mount("dir", "dir/sub/again", "none", MS_BIND, NULL));
  ASSERT_OK(start(&a, "dir"));
  put("dir/mount/in/file", "");
  EXPECT("mount/in/file R");
  ASSERT_EQ(watches(), 5);
  /* The other file system is not kept busy. */
  ASSERT_OK(umount("dir/mount"));
  run();
  ASSERT_EQ(reported("mount", UV_RENAME), 1);
  ASSERT_EQ(watches(), 3);
  ASSERT_OK(umount("dir/sub/again"));
  put("dir/sub/deep/file", "");
  EXPECT("sub/deep/file R");
  finish();
}

/* --- handles -------------------------------------------------------------- */

TEST(fs_recursive_several_handles) {
  ONLY_OURS();
  setup();
  ASSERT_OK(start(&a, "dir"));
  ASSERT_OK(uv_fs_event_start(&b, record, "dir", 0));
  ASSERT_OK(start(&c, "dir/sub"));
  put("dir/file", "");
  put("dir/sub/deep/file", "");
  run();
  ASSERT_EQ(reported("file", UV_RENAME), 2);
  ASSERT_EQ(reported("sub/deep/file", UV_RENAME), 1);
  ASSERT_EQ(reported("deep/file", UV_RENAME), 1);
  ASSERT_EQ(report_count, 4);
  ASSERT_OK(uv_fs_event_stop(&a));
  put("dir/file", "text");
  put("dir/sub/deep/file", "text");
  run();
  ASSERT_EQ(reported("file", UV_CHANGE), 1);
  ASSERT_EQ(reported("deep/file", UV_CHANGE), 1);
  ASSERT_EQ(report_count, 2);
  /* The same directory twice. */
  ASSERT_OK(start(&a, "dir/sub"));
  put("dir/sub/deep/file", "text");
  run();
  ASSERT_EQ(reported("deep/file", UV_CHANGE), 2);
  /* A handle is plain again. */
  ASSERT_OK(uv_fs_event_stop(&a));
  ASSERT_OK(uv_fs_event_start(&a, record, "dir/sub", 0));
  put("dir/sub/deep/file", "text");
  put("dir/sub/file", "");
  run();
  ASSERT_EQ(reported("deep/file", UV_CHANGE), 1);
  ASSERT_EQ(reported("file", UV_RENAME), 2);
  finish();
}

static int calls;

static void stop_cb(uv_fs_event_t* handle, const char* name, int events,
                    int status) {
  ASSERT_OK(status);
  ASSERT_EQ(events, UV_RENAME);
  ASSERT_OK(uv_fs_event_stop(handle));
  ASSERT_EQ(strncmp(name, "x", 1), 0);
  calls++;
}

TEST(fs_recursive_stopped_in_its_callback) {
  ONLY_OURS();
  setup();
  ASSERT_OK(uv_fs_event_start(&a, stop_cb, "dir", UV_FS_EVENT_RECURSIVE));
  make("dir/x");
  put("dir/x/file", "");
  put("dir/y", "");
  EXPECT("");
  ASSERT_EQ(calls, 1);
  ASSERT_EQ(uv_loop_alive(&loop), 0);
  ASSERT_EQ(watches(), 0);
  finish();
}

static int closed;

static void close_cb(uv_handle_t* handle) {
  memset(handle, 0xdb, sizeof(uv_fs_event_t));
  closed++;
}

static void close_at(uv_fs_event_t* handle, const char* name, int events,
                     int status) {
  record(handle, name, events, status);
  if (strcmp(name, "x/file") != 0) return;
  uv_close(HANDLE(handle), close_cb);
  ASSERT_STR_EQ(name, "x/file");
}

/* In the middle of a directory that is being read. */
TEST(fs_recursive_closed_while_a_directory_is_read) {
  int before = descriptors();
  ONLY_OURS();
  setup();
  ASSERT_OK(uv_fs_event_start(&a, close_at, "dir", UV_FS_EVENT_RECURSIVE));
  make("dir/x");
  put("dir/x/file", "");
  make("dir/x/later");
  put("dir/x/later/file", "");
  run();
  ASSERT_EQ(closed, 1);
  ASSERT_EQ(reported("x/later/file", UV_RENAME), 0);
  finish();
  ASSERT_EQ(descriptors(), before);
}

static void restart_cb(uv_fs_event_t* handle, const char* name, int events,
                       int status) {
  record(handle, name, events, status);
  ASSERT_OK(uv_fs_event_stop(handle));
  ASSERT_OK(start(handle, "dir"));
}

TEST(fs_recursive_restarted_in_its_callback) {
  ONLY_OURS();
  setup();
  ASSERT_OK(uv_fs_event_start(&a, restart_cb, "dir", UV_FS_EVENT_RECURSIVE));
  make("dir/x");
  put("dir/x/file", "");
  EXPECT("x R");
  put("dir/x/file", "text");
  EXPECT("x/file C");
  ASSERT_EQ(watches(), 4);
  finish();
}

/* --- forks ---------------------------------------------------------------- */

TEST(fs_recursive_in_the_child_of_a_fork) {
  pid_t pid;
  ONLY_OURS();
  setup();
  ASSERT_OK(start(&a, "dir"));
  ASSERT_OK(start(&b, "dir/sub"));
  ASSERT_OK(chdir("other"));
  pid = fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) {
    ASSERT_OK(uv_loop_fork(&loop));
    make("../dir/sub/deep/x");
    put("../dir/sub/deep/x/file", "");
    run();
    ASSERT_EQ(reported("sub/deep/x/file", UV_RENAME), 1);
    ASSERT_EQ(reported("deep/x/file", UV_RENAME), 1);
    ASSERT_EQ(watches(), 3 + 2 + 2);
    uv_close(HANDLE(&a), NULL);
    put("../dir/sub/deep/x/file", "text");
    EXPECT("deep/x/file C");
    finish();
    _exit(0);
  }
  await_child(pid);
  run();
  ASSERT_EQ(reported("sub/deep/x/file", UV_RENAME), 1);
  ASSERT_EQ(reported("deep/x/file", UV_RENAME), 1);
  ASSERT_EQ(watches(), 3 + 2 + 2);
  finish();
}

/* A child that only closes its copy takes nothing from the parent. */
TEST(fs_recursive_closed_in_the_child_of_a_fork) {
  pid_t pid;
  ONLY_OURS();
  setup();
  ASSERT_OK(start(&a, "dir"));
  pid = fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) {
    ASSERT_OK(uv_fs_event_stop(&a));
    CLOSE_LOOP(&loop);
    _exit(0);
  }
  await_child(pid);
  put("dir/sub/file", "");
  EXPECT("sub/file R");
  finish();
}

static pid_t forked = -1;
static int parent_read[2]; /* The parent closes it when it has read the events. */

static void fork_cb(uv_fs_event_t* handle, const char* name, int events,
                    int status) {
  record(handle, name, events, status);
  if (forked != -1) return;
  forked = fork();
  ASSERT_GE(forked, 0);
  if (forked == 0) ASSERT_OK(uv_loop_fork(&loop));
}

TEST(fs_recursive_callback_that_forks) {
  char byte;
  ONLY_OURS();
  setup();
  ASSERT_OK(pipe(parent_read));
  ASSERT_OK(uv_fs_event_start(&a, fork_cb, "dir", UV_FS_EVENT_RECURSIVE));
  make("dir/x");
  put("dir/x/file", "");
  run();
  ASSERT_OK(close(parent_read[1]));
  if (forked == 0) {
    ASSERT_EQ(read(parent_read[0], &byte, 1), 0);
    put("dir/x/file", "text");
    EXPECT("x/file C");
    finish();
    _exit(0);
  }
  await_child(forked);
  uv_run(&loop, UV_RUN_NOWAIT);
  ASSERT_EQ(reported("x/file", UV_RENAME), 1);
  ASSERT_EQ(reported("x/file", UV_CHANGE), 1);
  finish();
}

/* Directories are opened by the path that was given if the kernel does not tell theirs. */
TEST(fs_recursive_where_links_cannot_be_read) {
  ONLY_OURS();
  setup();
#ifdef SYS_readlink
  refuse_call(SYS_readlink, EACCES);
#endif
  refuse_call(SYS_readlinkat, EACCES);
  ASSERT_OK(start(&a, "dir"));
  ASSERT_EQ(watches(), 3);
  make("dir/sub/more");
  run();
  put("dir/sub/more/file", "");
  EXPECT("sub/more/file R");
  ASSERT_EQ(watches(), 4);
  finish();
}

/* --- limits --------------------------------------------------------------- */

static void limit_watches(int limit) {
  FILE* file;
  if (unshare(CLONE_NEWUSER) != 0) SKIP("needs user namespaces");
  file = fopen("/proc/sys/user/max_inotify_watches", "w");
  ASSERT_NOT_NULL(file);
  fprintf(file, "%d", limit);
  ASSERT_OK(fclose(file));
}

TEST(fs_recursive_more_directories_than_watches) {
  int before;
  ONLY_OURS();
  setup();
  make("dir/fourth");
  limit_watches(3);
  before = descriptors();
  ASSERT_EQ(start(&a, "dir"), UV_ENOSPC);
  ASSERT_EQ(uv_is_active(HANDLE(&a)), 0);
  ASSERT_EQ(watches(), 0);
  ASSERT_EQ(descriptors(), before);
  ASSERT_OK(start(&a, "dir/sub"));
  ASSERT_EQ(watches(), 2);
  make("dir/sub/third");
  run();
  ASSERT_EQ(report_count, 1);
  /* The directory is reported, and then that it is not watched. */
  make("dir/sub/fourth");
  EXPECT("fourth R, fourth ENOSPC");
  ASSERT_EQ(reports->next->status, UV_ENOSPC);
  ASSERT_EQ(reports->next->events, 0);
  /* The rest is watched as before. */
  put("dir/sub/fourth/file", "");
  put("dir/sub/third/file", "");
  put("dir/sub/file", "");
  EXPECT("third/file R, file R");
  /* A watch that is free again is used for the next. */
  ASSERT_OK(rmdir("dir/sub/deep"));
  EXPECT("deep R");
  ASSERT_OK(rename("dir/sub/fourth", "dir/sub/fifth"));
  run();
  ASSERT_EQ(reported("fifth/file", UV_RENAME), 1);
  ASSERT_EQ(watches(), 3);
  finish();
}

TEST(fs_recursive_without_memory) {
  ONLY_OURS();
  use_scarce_memory();
  setup();
  ASSERT_OK(start(&a, "dir"));
  make("dir/x");
  put("dir/x/file", "");
  out_of_memory = 1;
  run();
  out_of_memory = 0;
  ASSERT_GT(refused, 0);
  ASSERT_GE(report_count, 1);
  ASSERT_EQ(last_report == &reports, 0);
  ASSERT(strstr(all(), "ENOMEM") != NULL);
  put("dir/sub/deep/file", "");
  EXPECT("sub/deep/file R");
  ASSERT_OK(rename("dir/x", "dir/y"));
  run();
  ASSERT_EQ(reported("y/file", UV_RENAME), 1);
  finish();
  uv_library_shutdown();
  ASSERT_EQ(blocks, 0);
}

/* --- lost events ---------------------------------------------------------- */

/* After lost events all is read again, and reported once. */
TEST(fs_recursive_overflow) {
  int limit = queue_limit();
  int i;

  ONLY_OURS();
  if (limit == 0 || limit > 20000) SKIP("the queue of events is too long");
  setup();
  put("dir/file", "");
  make("dir/goes");
  make("dir/leaves");
  make("dir/moves");
  put("dir/moves/file", "");
  ASSERT_OK(start(&a, "dir"));
  ASSERT_EQ(watches(), 6);
  for (i = 0; i < limit / 2 + 10; i++) {
    ASSERT_OK(rename("dir/file", "dir/other"));
    ASSERT_OK(rename("dir/other", "dir/file"));
  }
  /* These are lost. */
  make("dir/sub/new");
  put("dir/sub/new/file", "");
  ASSERT_OK(rmdir("dir/goes"));
  ASSERT_OK(rename("dir/leaves", "other/left"));
  ASSERT_OK(rename("dir/moves", "dir/sub/moved"));
  forget();
  run_all();
  ASSERT_EQ(reported("dir", UV_RENAME | UV_CHANGE), 1);
  ASSERT_EQ(reported("file", UV_RENAME) + reported("other", UV_RENAME) + 1,
            report_count);
  ASSERT_EQ(watches(), 5);
  put("dir/sub/new/file", "text");
  put("dir/sub/moved/file", "text");
  put("other/left/file", "");
  EXPECT("sub/new/file C, sub/moved/file C");
  finish();
}

/* --- a storm -------------------------------------------------------------- */

enum { THREADS = 4, OPERATIONS = 6000, NAMES = 6 };

static atomic_int working;

/* A path of one to four parts below dir/. */
static void random_path(unsigned* seed, char* path) {
  int parts = 1 + rand_r(seed) % 4;
  path += sprintf(path, "dir");
  while (parts-- > 0) path += sprintf(path, "/%c", 'a' + rand_r(seed) % NAMES);
}

static int remove_entry(const char* path, const struct stat* stat, int type,
                        struct FTW* ftw) {
  (void) stat, (void) type, (void) ftw;
  remove(path);
  return 0;
}

static void* make_a_storm(void* arg) {
  unsigned seed = (unsigned) (uintptr_t) arg;
  char path[32], to[32], out[32];
  int i, fd;

  for (i = 0; i < OPERATIONS; i++) {
    random_path(&seed, path);
    random_path(&seed, to);
    sprintf(out, "other/%c", 'a' + rand_r(&seed) % NAMES);
    switch (rand_r(&seed) % 16) {
      case 0: case 1: case 2: case 3: case 4:
        mkdir(path, 0755);
        break;
      case 5: case 6: case 7: case 8:
        fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        if (fd >= 0) close(fd);
        break;
      case 9: case 10: case 11:
        rename(path, to);
        break;
      case 12:
        rename(path, out);
        break;
      case 13:
        rename(out, path);
        break;
      case 14:
        unlink(path);
        rmdir(path);
        break;
      default:
        if (rand_r(&seed) % 4 == 0)
          nftw(path, remove_entry, 512, FTW_DEPTH | FTW_PHYS);
    }
  }
  working--;
  return NULL;
}

/* The paths that existed when they were reported. */
static void* known;
static char latest[128];
static int lost;

static int compare(const void* one, const void* other) {
  return strcmp(one, other);
}

static void look(uv_fs_event_t* handle, const char* name, int events,
                 int status) {
  struct stat stat;
  char path[128];
  (void) handle;
  ASSERT_OK(status);
  if (events == (UV_RENAME | UV_CHANGE)) lost++;
  snprintf(latest, sizeof(latest), "%s", name);
  snprintf(path, sizeof(path), "dir/%s", name);
  if (lstat(path, &stat) == 0 && tfind(path, &known, compare) == NULL)
    ASSERT_NOT_NULL(tsearch(strdup(path), &known, compare));
}

static int unexplained;

static int check_entry(const char* path, const struct stat* stat, int type,
                       struct FTW* ftw) {
  (void) stat, (void) type;
  if (ftw->level > 0 && tfind(path, &known, compare) == NULL) {
    printf("not reported: %s\n", path);
    unexplained++;
  }
  return 0;
}

/* Each directory is watched under the name that it has. */
static int check_directory(const char* path, const struct stat* stat, int type,
                           struct FTW* ftw) {
  char file[128];
  (void) stat, (void) ftw;
  if (type != FTW_D) return 0;
  snprintf(file, sizeof(file), "%s/!", path);
  ASSERT_OK(mknod(file, S_IFREG | 0644, 0));
  latest[0] = '\0';
  uv_run(&loop, UV_RUN_NOWAIT);
  if (strcmp(latest, file + strlen("dir/")) != 0) {
    printf("not watched: %s, reported: %s\n", path, latest);
    unexplained++;
  }
  ASSERT_OK(unlink(file));
  uv_run(&loop, UV_RUN_NOWAIT);
  return 0;
}

/* STORM_SEED in the environment makes another storm, for tests by hand. */
static int first_seed(void) {
  const char* seed = getenv("STORM_SEED");
  return seed == NULL ? 1 : atoi(seed);
}

static int directories;

static int count_directory(const char* path, const struct stat* stat, int type,
                           struct FTW* ftw) {
  (void) path, (void) stat, (void) ftw;
  directories += type == FTW_D;
  return 0;
}

/* Threads make, rename, move out and in, and remove files and directories. In the
 * end every path that exists was reported when it did, and every directory is
 * watched under its name, each once. */
TEST(fs_recursive_storm) {
  pthread_t threads[THREADS];
  int i;

  ONLY_OURS();
  setup();
  ASSERT_OK(rmdir("dir/sub/deep"));
  ASSERT_OK(rmdir("dir/sub"));
  ASSERT_OK(uv_fs_event_start(&a, look, "dir", UV_FS_EVENT_RECURSIVE));
  working = THREADS;
  for (i = 0; i < THREADS; i++)
    ASSERT_OK(pthread_create(&threads[i], NULL, make_a_storm,
                             (void*) (uintptr_t) (first_seed() + i)));
  while (working > 0) uv_run(&loop, UV_RUN_NOWAIT);
  for (i = 0; i < THREADS; i++) ASSERT_OK(pthread_join(threads[i], NULL));
  do {
    uv_run(&loop, UV_RUN_NOWAIT);
  } while (uv_backend_timeout(&loop) == 0);
  uv_run(&loop, UV_RUN_NOWAIT);
  ASSERT_OK(nftw("dir", count_directory, 512, FTW_PHYS));
  printf("%d directories, overflows: %d\n", directories, lost);
  /* After an overflow all is in doubt, and the user looks at all. */
  if (lost == 0) ASSERT_OK(nftw("dir", check_entry, 512, FTW_PHYS));
  ASSERT_OK(nftw("dir", check_directory, 512, FTW_PHYS));
  ASSERT_EQ(unexplained, 0);
  ASSERT_EQ(watches(), directories);
  tdestroy(known, free);
  ASSERT_OK(uv_fs_event_stop(&a));
  ASSERT_EQ(watches(), 0);
  finish();
}
