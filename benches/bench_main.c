/* Runs one benchmark: `oxuv-bench NAME [--quick]`, or lists them: `--list`. */
#define _GNU_SOURCE
#include "bench.h"

#include <limits.h>
#include <link.h>
#include <signal.h>
#include <time.h>

static struct bench_entry* benches;
static int divisor = 1;

void bench_register(struct bench_entry* entry) {
  struct bench_entry** link = &benches;
  while (*link != NULL && strcmp((*link)->name, entry->name) < 0)
    link = &(*link)->next;
  entry->next = *link;
  *link = entry;
}

static double seconds(clockid_t clock) {
  struct timespec now;
  CHECK(clock_gettime(clock, &now) == 0);
  return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

void stopwatch_start(struct stopwatch* watch) {
  watch->wall -= seconds(CLOCK_MONOTONIC);
  watch->cpu -= seconds(CLOCK_PROCESS_CPUTIME_ID);
}

void stopwatch_stop(struct stopwatch* watch) {
  watch->wall += seconds(CLOCK_MONOTONIC);
  watch->cpu += seconds(CLOCK_PROCESS_CPUTIME_ID);
}

void bench_report(const char* metric,
                  double amount,
                  const char* unit,
                  const struct stopwatch* watch) {
  printf("{\"metric\": \"%s\", \"rate\": %.6g, \"unit\": \"%s/s\", "
         "\"wall_s\": %.6f, \"cpu_s\": %.6f}\n",
         metric, amount / watch->wall, unit, watch->wall, watch->cpu);
}

int bench_count(int full) {
  return full / divisor;
}

void bench_close_loop(uv_loop_t* loop) {
  CHECK(uv_run(loop, UV_RUN_DEFAULT) == 0);
  CHECK(uv_loop_close(loop) == 0);
}

static int print_if_libuv(struct dl_phdr_info* object, size_t size, void* arg) {
  char path[PATH_MAX];

  (void) size;
  (void) arg;
  if (strstr(object->dlpi_name, "libuv.so") == NULL) return 0;
  CHECK(realpath(object->dlpi_name, path) != NULL);
  printf("{\"library\": \"%s\", \"version\": \"%s\"}\n", path,
         uv_version_string());
  return 1;
}

int main(int argc, char** argv) {
  struct bench_entry* bench;

  if (argc == 2 && strcmp(argv[1], "--list") == 0) {
    for (bench = benches; bench != NULL; bench = bench->next)
      puts(bench->name);
    return 0;
  }
  if (argc == 3 && strcmp(argv[2], "--quick") == 0) divisor = 10;
  for (bench = benches; argc > 1 && bench != NULL; bench = bench->next) {
    if (strcmp(bench->name, argv[1]) != 0) continue;
    signal(SIGPIPE, SIG_IGN);
    CHECK(dl_iterate_phdr(print_if_libuv, NULL) == 1);
    bench->run();
    return 0;
  }
  fprintf(stderr, "usage: %s --list | NAME [--quick]\n", argv[0]);
  return 2;
}
