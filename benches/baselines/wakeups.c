/* Wake-ups from other threads without a loop. */
#define _GNU_SOURCE
#include "bench.h"

#include <pthread.h>
#include <stdatomic.h>

/* ---- A send to a handle that is already pending -------------------------- */

BENCH(atomic_or) {
  int count = bench_count(50000000), i;
  struct stopwatch watch = {0};
  atomic_uint word = 0;

  stopwatch_start(&watch);
  for (i = 0; i < count; i++) atomic_fetch_or(&word, 1);
  stopwatch_stop(&watch);
  bench_report("atomic_or", count, "operations", &watch);
}

/* ---- Sends to a million handles ------------------------------------------ */

enum { HANDLES = 1024 * 1024, HANDLE_SIZE = 128 };

struct handle {
  struct handle* next;
  atomic_uint pending;
  void* data;
  char rest[HANDLE_SIZE - 3 * sizeof(void*)];
};

static struct handle* handles;
static _Atomic(struct handle*) sent;
static atomic_int over;

static void* send_at_random(void* arg) {
  unsigned random = 0;

  while (!atomic_load_explicit(&over, memory_order_relaxed)) {
    struct handle* handle;

    random = random * 214013 + 2531011;
    handle = &handles[random % HANDLES];
    if (atomic_fetch_or(&handle->pending, 1) != 0) continue;
    handle->next = atomic_load(&sent);
    while (!atomic_compare_exchange_weak(&sent, &handle->next, handle))
      continue;
  }
  return arg;
}

/* One thread sends to handles in random order; another takes each off a list
 * and writes to it. */
BENCH(million_flags) {
  int count = bench_count(5000000), left = count;
  struct stopwatch watch = {0};
  pthread_t sender;

  handles = calloc(HANDLES, sizeof(*handles));
  CHECK(handles != NULL);
  memset(handles, 0, HANDLES * sizeof(*handles));
  stopwatch_start(&watch);
  CHECK(pthread_create(&sender, NULL, send_at_random, NULL) == 0);
  while (left > 0) {
    struct handle* handle = atomic_exchange(&sent, NULL);

    while (handle != NULL) {
      struct handle* next = handle->next;

      atomic_store(&handle->pending, 0);
      handle->data = handle;
      handle = next;
      left--;
    }
  }
  stopwatch_stop(&watch);
  bench_report("million_flags", count - left, "events", &watch);
  atomic_store(&over, 1);
  CHECK(pthread_join(sender, NULL) == 0);
  free(handles);
}
