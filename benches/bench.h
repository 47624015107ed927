/* The benchmark API: write `BENCH(name) { ... }` in any .c file here and report
 * one or more figures from it. A benchmark does a fixed amount of work, so two
 * libraries can be compared on rate and on CPU time; bench_main.c runs one
 * benchmark by name. The binary holds no libuv: it uses whichever libuv.so.1
 * the dynamic linker finds, and prints which one that was.
 *
 * The programs in limits/ use the same API with BENCH_BARE defined, and no
 * libuv at all. */
#ifndef OXUV_BENCH_H
#define OXUV_BENCH_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifndef BENCH_BARE
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

/* Wall-clock and CPU time in seconds, all threads and reaped children included,
 * and system calls if they are counted. Sums over every start/stop pair, so
 * set-up can be left out. */
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

/* Prints a metric that is a cost: less is better. */
void bench_report_cost(const char* metric, double cost, const char* unit);

/* The number of operations to do: `full`, or a tenth of it in a quick run. */
int bench_count(int full);

/* N of a benchmark that is run as `name/N`, which becomes the metric's name as
 * well; `otherwise` when no N was given. */
int bench_parameter(int otherwise);

/* Lets the process have at least `count` files open, or ends the program. */
void bench_need_files(int count);

#ifndef BENCH_BARE
/* Closes the loop, which must have nothing left open. */
void bench_close_loop(uv_loop_t* loop);
#endif

#endif
