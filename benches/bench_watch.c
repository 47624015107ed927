/* Watching all directories of a tree: with UV_FS_EVENT_RECURSIVE where the library
 * supports it, or else with a handle for each directory. */
#define _GNU_SOURCE
#include "bench.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <malloc.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Each directory of two levels has WIDTH directories and FILES files. */
enum { WIDTH = 100, FILES = 3, RUNS = 7 };

static char top[BENCH_PATH_SIZE];
static int directories;

static void make_files(const char* directory) {
  char path[2 * BENCH_PATH_SIZE];
  int i;

  directories++;
  for (i = 0; i < FILES; i++) {
    snprintf(path, sizeof(path), "%s/file-%d.c", directory, i);
    CHECK(mknod(path, S_IFREG | 0644, 0) == 0);
  }
}

static void make_tree(void) {
  const char* in = getenv("TMPDIR");
  char path[2 * BENCH_PATH_SIZE];
  int i, j, width = bench_count(WIDTH);

  directories = 0;
  snprintf(top, sizeof(top), "%s/oxuv-bench-XXXXXX", in != NULL ? in : "/tmp");
  CHECK(mkdtemp(top) != NULL);
  make_files(top);
  for (i = 0; i < width; i++) {
    snprintf(path, sizeof(path), "%s/package-%d", top, i);
    CHECK(mkdir(path, 0755) == 0);
    make_files(path);
    for (j = 0; j < WIDTH; j++) {
      snprintf(path, sizeof(path), "%s/package-%d/module-%d", top, i, j);
      CHECK(mkdir(path, 0755) == 0);
      make_files(path);
    }
  }
}

static int remove_entry(const char* path, const struct stat* info, int type,
                        struct FTW* ftw) {
  (void) info, (void) type, (void) ftw;
  return remove(path);
}

static void remove_tree(void) {
  CHECK(nftw(top, remove_entry, 16, FTW_DEPTH | FTW_PHYS) == 0);
}

struct entry {
  uint64_t inode;
  int64_t offset;
  unsigned short size;
  unsigned char type;
  char name[];
};

/* Calls a function for each directory, without the help of a library. */
static void walk(void (*found)(const char* path)) {
  static char buffer[32 * 1024];
  char** paths = malloc(sizeof(*paths));
  int room = 1, count = 1;

  CHECK(paths != NULL && (paths[0] = strdup(top)) != NULL);
  while (count > 0) {
    char* path = paths[--count];
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    long size, at;

    CHECK(fd >= 0);
    found(path);
    while ((size = syscall(SYS_getdents64, fd, buffer, sizeof(buffer))) > 0) {
      for (at = 0; at < size;) {
        struct entry* entry = (struct entry*) (buffer + at);
        at += entry->size;
        if (entry->type != DT_DIR || strcmp(entry->name, ".") == 0 ||
            strcmp(entry->name, "..") == 0)
          continue;
        if (count == room) {
          room *= 2;
          paths = realloc(paths, room * sizeof(*paths));
          CHECK(paths != NULL);
        }
        CHECK(asprintf(&paths[count++], "%s/%s", path, entry->name) > 0);
      }
    }
    CHECK(size == 0 && close(fd) == 0);
    free(path);
  }
  free(paths);
}

static int inotify;

static void add_watch(const char* path) {
  CHECK(inotify_add_watch(inotify, path,
                          IN_ATTRIB | IN_MODIFY | IN_CREATE | IN_DELETE |
                              IN_DELETE_SELF | IN_MOVE_SELF | IN_MOVED_FROM |
                              IN_MOVED_TO) >= 0);
}

static void watch_bare(void) {
  inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  CHECK(inotify >= 0);
  walk(add_watch);
}

static uv_loop_t loop;
static uv_fs_event_t* handles;
static int started, calls;

static void on_change(uv_fs_event_t* handle, const char* name, int events,
                      int status) {
  (void) handle, (void) name, (void) events;
  CHECK(status == 0);
  calls++;
}

static void start_handle(const char* path) {
  CHECK(uv_fs_event_init(&loop, &handles[started]) == 0);
  CHECK(uv_fs_event_start(&handles[started++], on_change, path,
                          UV_FS_EVENT_RECURSIVE) == 0);
}

static void stop_handles(void) {
  while (started > 0) uv_close((uv_handle_t*) &handles[--started], NULL);
  uv_run(&loop, UV_RUN_NOWAIT);
}

/* Returns whether the library reports a change below a directory. */
static int is_recursive(void) {
  char path[2 * BENCH_PATH_SIZE];

  calls = 0;
  start_handle(top);
  snprintf(path, sizeof(path), "%s/package-0/file-0.c", top);
  CHECK(chmod(path, 0600) == 0);
  uv_run(&loop, UV_RUN_NOWAIT);
  stop_handles();
  return calls == 1;
}

static void watch_with_library(int recursive) {
  if (recursive)
    start_handle(top);
  else
    walk(start_handle);
}

static void set_up(void) {
  make_tree();
  handles = calloc(directories, sizeof(*handles));
  CHECK(handles != NULL && uv_loop_init(&loop) == 0);
  /* So that the instance of the loop exists. */
  start_handle("/");
  stop_handles();
}

static void tear_down(void) {
  bench_close_loop(&loop);
  free(handles);
  remove_tree();
}

static int compare(const void* a, const void* b) {
  double x = *(const double*) a, y = *(const double*) b;
  return (x > y) - (x < y);
}

static double median(double* values) {
  qsort(values, RUNS, sizeof(*values), compare);
  return values[RUNS / 2];
}

BENCH(fs_event_tree) {
  double bare[RUNS], ours[RUNS];
  struct stopwatch all = {0};
  int recursive, i;

  set_up();
  recursive = is_recursive();
  for (i = 0; i < RUNS; i++) {
    struct stopwatch watch = {0};
    double before = all.wall;

    stopwatch_start(&watch);
    watch_bare();
    stopwatch_stop(&watch);
    bare[i] = watch.wall;
    CHECK(close(inotify) == 0);

    stopwatch_start(&all);
    watch_with_library(recursive);
    stopwatch_stop(&all);
    ours[i] = all.wall - before;
    stop_handles();
  }
  bench_report("fs_event_tree", (double) RUNS * directories, "directories", &all);
  bench_report_cost("fs_event_tree.of_bare", median(ours) / median(bare),
                    "times a plain program");
  tear_down();
}

/* Bytes that the library has allocated. */
static size_t allocated;

static void* count_block(void* block) {
  allocated += malloc_usable_size(block);
  return block;
}

static void* counted_malloc(size_t size) {
  return count_block(malloc(size));
}

static void* counted_calloc(size_t count, size_t size) {
  return count_block(calloc(count, size));
}

static void* counted_realloc(void* block, size_t size) {
  allocated -= malloc_usable_size(block);
  return count_block(realloc(block, size));
}

static void counted_free(void* block) {
  allocated -= malloc_usable_size(block);
  free(block);
}

/* With the handle that the user needs for it, and without the kernel's part. */
BENCH(memory_watched_directory) {
  size_t before;
  int recursive;

  CHECK(uv_replace_allocator(counted_malloc, counted_realloc, counted_calloc,
                             counted_free) == 0);
  set_up();
  recursive = is_recursive();
  before = allocated;
  watch_with_library(recursive);
  bench_report_cost("memory_watched_directory",
                    (double) (started * sizeof(*handles) + allocated - before) /
                        directories,
                    "bytes each");
  stop_handles();
  tear_down();
}
