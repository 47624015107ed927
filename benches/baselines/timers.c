/* A million structures of a timer's size in lists, one for each due time: the
 * cost of memory accesses alone, in the orders of timers. */
#include "bench.h"

enum { MAX_TIMEOUT_MS = 500 };

struct timer {
  struct timer* next;
  struct timer* prev;
  uint64_t due;
  char others[152 - 24];
};

static struct timer slots[MAX_TIMEOUT_MS + 1];

/* Inserts all timers. Fresh ones are initialised first. */
static void insert(struct timer* timers, int count, int ascending, int fresh) {
  uint32_t state = 1;
  int i;

  for (i = 0; i <= MAX_TIMEOUT_MS; i++)
    slots[i].next = slots[i].prev = &slots[i];
  for (i = 0; i < count; i++) {
    struct timer* timer = &timers[i];
    struct timer* slot;

    if (fresh) memset(timer, 0, sizeof(*timer));
    state = state * 1664525 + 1013904223;
    timer->due = ascending ? 1 + (uint64_t) i * MAX_TIMEOUT_MS / (count + 1)
                           : 1 + (state >> 8) % MAX_TIMEOUT_MS;
    slot = &slots[timer->due];
    timer->next = slot;
    timer->prev = slot->prev;
    timer->prev->next = timer;
    slot->prev = timer;
  }
}

static void run(const char* name, int ascending) {
  int count = bench_count(1000000), i;
  struct stopwatch new_memory = {0};
  struct stopwatch inserting = {0};
  struct stopwatch visiting = {0};
  struct stopwatch removing = {0};
  struct timer* timers = malloc(count * sizeof(*timers));
  struct timer* timer;

  CHECK(timers != NULL);
  stopwatch_start(&new_memory);
  insert(timers, count, ascending, 1);
  stopwatch_stop(&new_memory);

  stopwatch_start(&inserting);
  insert(timers, count, ascending, 0);
  stopwatch_stop(&inserting);

  stopwatch_start(&visiting);
  for (i = 0; i <= MAX_TIMEOUT_MS; i++)
    for (timer = slots[i].next; timer != &slots[i]; timer = timer->next)
      timer->due = 0;
  stopwatch_stop(&visiting);

  stopwatch_start(&removing);
  for (i = 0; i < count; i++) {
    timers[i].prev->next = timers[i].next;
    timers[i].next->prev = timers[i].prev;
  }
  stopwatch_stop(&removing);

  bench_report_part(name, "new_memory", count, "timers", &new_memory);
  bench_report_part(name, "insert", count, "timers", &inserting);
  bench_report_part(name, "visit", count, "timers", &visiting);
  bench_report_part(name, "remove", count, "timers", &removing);
  free(timers);
}

BENCH(timer_lists) {
  run("timer_lists", 0);
}

BENCH(timer_lists_ordered) {
  run("timer_lists_ordered", 1);
}
