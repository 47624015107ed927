/* File operations of one thread on the threads of a pool, with a fixed number
 * in flight. There is no polling of descriptors, no lock and no cancellation.
 * Requests and results are handed over in batches. */
#define _GNU_SOURCE
#include "bench.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MAX_DEPTH = 64, MAX_WORKERS = 64, BLOCK = 4096, STEPS = 4 };

/* About as large as libuv's, with a copy of the path as in libuv. */
struct request {
  _Alignas(64) struct request* next;
  char* path;
  int step;
  int fd;
  struct statx found;
  char* block;
};

/* Requests for one thread, its owner, from others. */
struct mailbox {
  _Alignas(128) _Atomic(struct request*) newest;
  _Alignas(128) atomic_int asleep;
};

static struct mailbox inboxes[MAX_WORKERS];
static struct mailbox done;
static struct request stop;
static int sleeping;  /* whether a waiting thread sleeps or spins */
static int at_a_time; /* requests in a batch */
static void (*perform)(struct request* request);

static void futex(atomic_int* word, int operation, int value) {
  syscall(SYS_futex, word, operation | FUTEX_PRIVATE_FLAG, value, NULL);
}

static void put(struct mailbox* mailbox,
                struct request* first,
                struct request* last) {
  struct request* before = atomic_load(&mailbox->newest);

  do last->next = before;
  while (!atomic_compare_exchange_weak(&mailbox->newest, &before, first));
  if (atomic_load(&mailbox->asleep) && atomic_exchange(&mailbox->asleep, 0))
    futex(&mailbox->asleep, FUTEX_WAKE, 1);
}

static struct request* take(struct mailbox* mailbox) {
  int tries = 0;

  while (atomic_load_explicit(&mailbox->newest, memory_order_relaxed) == NULL) {
    if (!sleeping) {
      /* If the other thread runs on this core, spinning blocks it. */
      if (++tries % 100000 == 0) sched_yield();
      continue;
    }
    atomic_store(&mailbox->asleep, 1);
    if (atomic_load(&mailbox->newest) != NULL) {
      atomic_store(&mailbox->asleep, 0);
      break;
    }
    while (atomic_load(&mailbox->asleep))
      futex(&mailbox->asleep, FUTEX_WAIT, 1);
  }
  return atomic_exchange(&mailbox->newest, NULL);
}

static void* work(void* inbox) {
  for (;;) {
    struct request* request = take(inbox);

    while (request != NULL) {
      struct request *first = NULL, *last = request;
      int i;

      for (i = 0; i < at_a_time && request != NULL; i++) {
        struct request* next = request->next;
        if (request == &stop) return NULL;
        perform(request);
        request->next = first;
        first = request;
        request = next;
      }
      put(&done, first, last);
    }
  }
}

/* ---- The work ----------------------------------------------------------- */

static void perform_stat(struct request* request) {
  CHECK(statx(AT_FDCWD, request->path, 0, STATX_BASIC_STATS | STATX_BTIME,
              &request->found) == 0);
}

/* Performs one of the four steps; the next is requested when it is done. */
static void perform_step(struct request* request) {
  switch (request->step++ % STEPS) {
    case 0:
      request->fd = open(request->path, O_RDONLY | O_CLOEXEC);
      CHECK(request->fd >= 0);
      return;
    case 1:
      CHECK(statx(request->fd, "", AT_EMPTY_PATH,
                  STATX_BASIC_STATS | STATX_BTIME, &request->found) == 0);
      return;
    case 2:
      CHECK(pread(request->fd, request->block, BLOCK, 0) > 0);
      return;
    case 3:
      CHECK(close(request->fd) == 0);
  }
}

/* ---- The requesting thread ---------------------------------------------- */

static void keep_in_flight(int depth,
                           int total,
                           int workers,
                           const char* path) {
  int left = total - depth, under_way = depth, count = 0, next_worker = 0, i;
  struct request* requests = aligned_alloc(64, depth * sizeof(*requests));
  struct request *first = NULL, *last = NULL;

  CHECK(requests != NULL);
  memset(requests, 0, depth * sizeof(*requests));
  for (i = 0; i < depth; i++) {
    requests[i].path = strdup(path);
    requests[i].block = malloc(BLOCK);
    CHECK(requests[i].path != NULL && requests[i].block != NULL);
    put(&inboxes[i % workers], &requests[i], &requests[i]);
  }
  while (under_way > 0) {
    struct request* request = take(&done);

    while (request != NULL) {
      struct request* next = request->next;

      free(request->path);
      under_way--;
      if (left > 0) {
        left--;
        under_way++;
        request->path = strdup(path);
        if (first == NULL) last = request;
        request->next = first;
        first = request;
        count++;
      }
      request = next;
      if (count == at_a_time || (count > 0 && request == NULL)) {
        put(&inboxes[next_worker], first, last);
        first = NULL;
        count = 0;
        next_worker = (next_worker + 1) % workers;
      }
    }
  }
  for (i = 0; i < depth; i++) free(requests[i].block);
  free(requests);
}

/* The requests, and the number in flight. */
struct load {
  void (*perform)(struct request* request);
  const char* path;
  const char* unit;
  int steps; /* requests for one unit */
  int depth;
  int total;
};

static const struct load stat_64 = {
    perform_stat, ".", "requests", 1, 64, 400000};
static const struct load file_chain_16 = {
    perform_step, "/proc/self/exe", "files", STEPS, 16, 30000};

static void measure(const char* metric, const struct load* load, int workers) {
  int total = bench_count(load->total), i;
  struct stopwatch watch = {0};
  pthread_t threads[MAX_WORKERS];

  perform = load->perform;
  stopwatch_start(&watch);
  for (i = 0; i < workers; i++)
    CHECK(pthread_create(&threads[i], NULL, work, &inboxes[i]) == 0);
  keep_in_flight(load->depth, total * load->steps, workers, load->path);
  stopwatch_stop(&watch);
  bench_report(metric, total, load->unit, &watch);
  for (i = 0; i < workers; i++) {
    stop.next = NULL;
    put(&inboxes[i], &stop, &stop);
    CHECK(pthread_join(threads[i], NULL) == 0);
  }
}

/* One core for the requesting thread, one for the pool; both spin. With one
 * core each hand-over would take a time slice. */
static void measure_spinning(const char* metric, const struct load* load) {
  if (sysconf(_SC_NPROCESSORS_ONLN) == 1) return;
  sleeping = 0;
  at_a_time = load->depth / 8;
  measure(metric, load, 1);
}

/* A worker for every core, which the requesting thread shares with them. */
static void measure_sleeping(const char* metric, const struct load* load) {
  long cores = sysconf(_SC_NPROCESSORS_ONLN);

  sleeping = 1;
  at_a_time = load->depth / 2;
  measure(metric, load, cores < MAX_WORKERS ? (int) cores : MAX_WORKERS);
}

BENCH(stat_64_spin) { measure_spinning("stat_64_spin", &stat_64); }

BENCH(stat_64_sleep) { measure_sleeping("stat_64_sleep", &stat_64); }

BENCH(file_chain_16_spin) {
  measure_spinning("file_chain_16_spin", &file_chain_16);
}

BENCH(file_chain_16_sleep) {
  measure_sleeping("file_chain_16_sleep", &file_chain_16);
}
