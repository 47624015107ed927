/* The benchmark API: write `BENCH(name) { ... }` in any .c file here and report
 * one or more figures from it. A benchmark does a fixed amount of work, so two
 * libraries can be compared on rate and on CPU time; bench_main.c runs one
 * benchmark by name. The binary does not contain libuv: it uses the libuv.so.1
 * that the dynamic linker finds, and prints its path.
 *
 * The programs in baselines/ use the same API with BENCH_BASELINE defined, and
 * no libuv. */
#ifndef OXUV_BENCH_H
#define OXUV_BENCH_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifndef BENCH_BASELINE
#include <uv.h>
#endif

struct bench_entry {
  const char* name;
  void (*run)(void);
  struct bench_entry* next;
};

void bench_register(struct bench_entry* entry);

#define BENCH(bench_name)                                                \
  static void bench_##bench_name(void);                                  \
  __attribute__((constructor)) static void register_##bench_name(void) { \
    static struct bench_entry entry = {                                  \
        #bench_name, bench_##bench_name, NULL};                          \
    bench_register(&entry);                                              \
  }                                                                      \
  static void bench_##bench_name(void)

/* Ends the program when a call fails: a benchmark whose calls fail measures
 * nothing. */
#define CHECK(condition)                                                      \
  do {                                                                        \
    if (!(condition)) {                                                       \
      fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__,            \
              #condition);                                                    \
      exit(1);                                                                \
    }                                                                         \
  } while (0)

/* Wall-clock and CPU time in seconds, of all threads and reaped children, and
 * system calls if they are counted. Sums over every start/stop pair, so set-up
 * can be left out. */
struct stopwatch {
  double wall;
  double cpu;
  double syscalls;
};

void stopwatch_start(struct stopwatch* watch);
void stopwatch_stop(struct stopwatch* watch);

/* Prints the metric as one line of JSON: `amount` per second of wall time, so
 * more is better. */
void bench_report(const char* metric,
                  double amount,
                  const char* unit,
                  const struct stopwatch* watch);

/* Prints the metric `name.part`: one part of a benchmark that has several. */
void bench_report_part(const char* name,
                       const char* part,
                       double amount,
                       const char* unit,
                       const struct stopwatch* watch);

/* Prints a metric that is a cost: less is better. */
void bench_report_cost(const char* metric, double cost, const char* unit);

/* Returns the number of operations to do: `full`, or a tenth of it in a quick
 * run. */
int bench_count(int full);

/* Returns N of a benchmark that is run as `name/N`, which becomes the metric's
 * name as well; `otherwise` when no N was given. */
int bench_parameter(int otherwise);

/* Lets the process have at least `count` files open, or ends the program. */
void bench_need_files(int count);

enum { BENCH_PATH_SIZE = 256 };

/* Creates a temporary file of `size` bytes with its pages in the cache, stores
 * its name in `path`, and returns its descriptor. */
int bench_create_file(char path[BENCH_PATH_SIZE], int64_t size);

#ifndef BENCH_BASELINE
/* Closes the loop, which must have nothing left open. */
void bench_close_loop(uv_loop_t* loop);

/* Times a loop that handles `total` operations with `depth` of them in flight.
 * `start` starts one with its own zeroed request of `size` bytes; the callback
 * of each starts the next. */
void bench_in_flight(const char* metric,
                     int total,
                     const char* unit,
                     int depth,
                     size_t size,
                     void (*start)(uv_loop_t* loop, void* request));
#endif

#endif
