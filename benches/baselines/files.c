/* File operations in the calling thread. */
#define _GNU_SOURCE
#include "bench.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_SIZE = 32 * 1024 * 1024 };

/* Returns a file that is deleted when it is closed. */
static int unnamed_file(void) {
  char path[BENCH_PATH_SIZE];
  int fd = bench_create_file(path, FILE_SIZE);

  CHECK(unlink(path) == 0);
  return fd;
}

BENCH(stat) {
  int count = bench_count(500000), i;
  struct stopwatch watch = {0};
  struct stat info;

  stopwatch_start(&watch);
  for (i = 0; i < count; i++) CHECK(stat(".", &info) == 0);
  stopwatch_stop(&watch);
  bench_report("stat", count, "requests", &watch);
}

static int stats_each;

static void* stat_often(void* arg) {
  struct stat info;
  int i;

  for (i = 0; i < stats_each; i++) CHECK(stat(".", &info) == 0);
  return arg;
}

BENCH(stat_all_cores) {
  int threads = (int) sysconf(_SC_NPROCESSORS_ONLN), i;
  struct stopwatch watch = {0};
  pthread_t* ids = calloc(threads, sizeof(*ids));

  CHECK(ids != NULL);
  stats_each = bench_count(500000);
  stopwatch_start(&watch);
  for (i = 0; i < threads; i++)
    CHECK(pthread_create(&ids[i], NULL, stat_often, NULL) == 0);
  for (i = 0; i < threads; i++) CHECK(pthread_join(ids[i], NULL) == 0);
  stopwatch_stop(&watch);
  bench_report("stat_all_cores", (double) threads * stats_each, "requests",
               &watch);
  free(ids);
}

BENCH(file_chain) {
  static char block[4096];
  int count = bench_count(100000), i;
  struct stopwatch watch = {0};
  struct stat info;

  stopwatch_start(&watch);
  for (i = 0; i < count; i++) {
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0);
    CHECK(fstat(fd, &info) == 0);
    CHECK(pread(fd, block, sizeof(block), 0) > 0);
    CHECK(close(fd) == 0);
  }
  stopwatch_stop(&watch);
  bench_report("file_chain", count, "files", &watch);
}

static void read_many(const char* metric, int size, int count) {
  struct stopwatch watch = {0};
  char* block = malloc(size);
  int fd = unnamed_file(), i, offset = 0;

  CHECK(block != NULL);
  stopwatch_start(&watch);
  for (i = 0; i < count; i++) {
    CHECK(pread(fd, block, size, offset) == size);
    offset = (offset + size) % FILE_SIZE;
  }
  stopwatch_stop(&watch);
  bench_report(metric, (double) count * size / (1024 * 1024), "MiB", &watch);
  CHECK(close(fd) == 0);
  free(block);
}

BENCH(pread_4k) {
  read_many("pread_4k", 4 * 1024, bench_count(200000));
}

BENCH(pread_64k) {
  read_many("pread_64k", 64 * 1024, bench_count(40000));
}

/* Copies the whole file. */
static void copy_range(int from, int to) {
  off_t from_offset = 0, to_offset = 0;

  while (from_offset < FILE_SIZE)
    CHECK(copy_file_range(from, &from_offset, to, &to_offset,
                          FILE_SIZE - from_offset, 0) > 0);
}

/* Truncates the target first, as uv_fs_copyfile() does, so every page and block
 * is new; some file systems begin to write them when the file is closed. */
static void copy_truncating(int from, int to) {
  char path[64];
  int fd;

  snprintf(path, sizeof(path), "/proc/self/fd/%d", to);
  fd = open(path, O_WRONLY);
  CHECK(fd >= 0 && ftruncate(fd, 0) == 0);
  copy_range(from, fd);
  CHECK(close(fd) == 0);
}

static void copy_many(const char* metric, void (*copy)(int from, int to)) {
  int copies = bench_count(20), from = unnamed_file(), to = unnamed_file(), i;
  struct stopwatch watch = {0};

  stopwatch_start(&watch);
  for (i = 0; i < copies; i++) copy(from, to);
  stopwatch_stop(&watch);
  bench_report(metric, (double) copies * (FILE_SIZE >> 20), "MiB", &watch);
  CHECK(close(from) == 0 && close(to) == 0);
}

BENCH(copy_file_range) {
  copy_many("copy_file_range", copy_range);
}

BENCH(copyfile) {
  copy_many("copyfile", copy_truncating);
}
