/* A binary heap of keys in one array: a priority queue without timers. */
#include "bench.h"

struct heap {
  uint64_t* keys;
  int count;
};

static void insert(struct heap* heap, uint64_t key) {
  int at = heap->count++;

  for (; at > 0 && heap->keys[(at - 1) / 2] > key; at = (at - 1) / 2)
    heap->keys[at] = heap->keys[(at - 1) / 2];
  heap->keys[at] = key;
}

static uint64_t remove_first(struct heap* heap) {
  uint64_t first = heap->keys[0];
  uint64_t last = heap->keys[--heap->count];
  int at = 0, child;

  while ((child = 2 * at + 1) < heap->count) {
    if (child + 1 < heap->count && heap->keys[child + 1] < heap->keys[child])
      child++;
    if (heap->keys[child] >= last) break;
    heap->keys[at] = heap->keys[child];
    at = child;
  }
  heap->keys[at] = last;
  return first;
}

BENCH(heap) {
  int count = bench_count(1000000), i;
  struct stopwatch inserting = {0};
  struct stopwatch removing = {0};
  struct heap heap = {malloc(count * sizeof(uint64_t)), 0};
  uint64_t previous = 0, key;
  uint32_t state = 1;

  CHECK(heap.keys != NULL);
  memset(heap.keys, 1, count * sizeof(uint64_t));
  stopwatch_start(&inserting);
  for (i = 0; i < count; i++) {
    state = state * 1664525 + 1013904223;
    insert(&heap, 1 + (state >> 8) % 500);
  }
  stopwatch_stop(&inserting);
  stopwatch_start(&removing);
  for (i = 0; i < count; i++) {
    key = remove_first(&heap);
    CHECK(key >= previous);
    previous = key;
  }
  stopwatch_stop(&removing);
  bench_report("heap_insert", count, "keys", &inserting);
  bench_report("heap_remove", count, "keys", &removing);
  free(heap.keys);
}
