/* Round trips of a message between two threads, and a thread that wakes itself,
 * without a loop. */
#define _GNU_SOURCE
#include "bench.h"

#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { HERE, THERE };

static atomic_int turn;
static int rounds;

static void futex(int operation, int value) {
  syscall(SYS_futex, &turn, operation | FUTEX_PRIVATE_FLAG, value, NULL);
}

/* ---- Sleeping ----------------------------------------------------------- */

static void take_turns_sleeping(int me) {
  int i, now;

  for (i = 0; i < rounds; i++) {
    while ((now = atomic_load(&turn)) != me) futex(FUTEX_WAIT, now);
    atomic_store(&turn, !me);
    futex(FUTEX_WAKE, 1);
  }
}

static void* there_sleeping(void* arg) {
  (void) arg;
  take_turns_sleeping(THERE);
  return NULL;
}

/* ---- Spinning ----------------------------------------------------------- */

static void take_turns_spinning(int me) {
  int i;

  for (i = 0; i < rounds; i++) {
    while (atomic_load_explicit(&turn, memory_order_acquire) != me) continue;
    atomic_store_explicit(&turn, !me, memory_order_release);
  }
}

static void* there_spinning(void* arg) {
  (void) arg;
  take_turns_spinning(THERE);
  return NULL;
}

static void hand_over(const char* metric,
                      int count,
                      void (*here)(int me),
                      void* (*there)(void* arg)) {
  struct stopwatch watch = {0};
  pthread_t thread;

  rounds = count;
  turn = HERE;
  stopwatch_start(&watch);
  CHECK(pthread_create(&thread, NULL, there, NULL) == 0);
  here(HERE);
  CHECK(pthread_join(thread, NULL) == 0);
  stopwatch_stop(&watch);
  bench_report(metric, rounds, "round trips", &watch);
}

BENCH(handover_sleep) {
  hand_over("handover_sleep", bench_count(50000), take_turns_sleeping,
            there_sleeping);
}

/* With one core, spinning would take a time slice for each message. */
BENCH(handover_spin) {
  if (sysconf(_SC_NPROCESSORS_ONLN) == 1) return;
  hand_over("handover_spin", bench_count(1000000), take_turns_spinning,
            there_spinning);
}

/* ---- eventfd and epoll -------------------------------------------------- */

struct loop {
  int epoll;
  int wakeup;
};

enum { MAX_PAIRS = 8 };

static struct loop loops[MAX_PAIRS][2];

static void loop_open(struct loop* loop) {
  struct epoll_event event = {.events = EPOLLIN | EPOLLET};

  loop->epoll = epoll_create1(0);
  loop->wakeup = eventfd(0, EFD_NONBLOCK);
  CHECK(loop->epoll >= 0 && loop->wakeup >= 0);
  CHECK(epoll_ctl(loop->epoll, EPOLL_CTL_ADD, loop->wakeup, &event) == 0);
}

static void loop_close(struct loop* loop) {
  CHECK(close(loop->epoll) == 0 && close(loop->wakeup) == 0);
}

static void wake(struct loop* loop) {
  uint64_t one = 1;
  CHECK(write(loop->wakeup, &one, sizeof(one)) == sizeof(one));
}

/* The eventfd is edge-triggered, so it need not be read. */
static void wait_for_wake(struct loop* loop) {
  struct epoll_event event;
  CHECK(epoll_wait(loop->epoll, &event, 1, -1) == 1);
}

static void take_turns_polling(struct loop* pair, int me) {
  int i;

  for (i = 0; i < rounds; i++) {
    if (me == THERE || i > 0) wait_for_wake(&pair[me]);
    wake(&pair[!me]);
  }
}

static void* here_polling(void* pair) {
  take_turns_polling(pair, HERE);
  return NULL;
}

static void* there_polling(void* pair) {
  take_turns_polling(pair, THERE);
  return NULL;
}

static void hand_over_in_pairs(const char* metric, int pairs, int count) {
  struct stopwatch watch = {0};
  pthread_t threads[MAX_PAIRS][2];
  int i, me;

  rounds = count / pairs;
  for (i = 0; i < 2 * pairs; i++) loop_open(&loops[i / 2][i % 2]);
  stopwatch_start(&watch);
  for (i = 0; i < 2 * pairs; i++)
    CHECK(pthread_create(&threads[i / 2][i % 2], NULL,
                         i % 2 == HERE ? here_polling : there_polling,
                         loops[i / 2]) == 0);
  for (i = 0; i < pairs; i++)
    for (me = HERE; me <= THERE; me++)
      CHECK(pthread_join(threads[i][me], NULL) == 0);
  stopwatch_stop(&watch);
  bench_report(metric, (double) rounds * pairs, "round trips", &watch);
  for (i = 0; i < 2 * pairs; i++) loop_close(&loops[i / 2][i % 2]);
}

BENCH(eventfd) {
  hand_over_in_pairs("eventfd", 1, bench_count(50000));
}

BENCH(eventfd_8) {
  hand_over_in_pairs("eventfd_8", 8, bench_count(50000));
}

BENCH(eventfd_self) {
  int wakeups = bench_count(500000), i;
  struct stopwatch watch = {0};
  struct loop loop;

  loop_open(&loop);
  stopwatch_start(&watch);
  for (i = 0; i < wakeups; i++) {
    wake(&loop);
    wait_for_wake(&loop);
  }
  stopwatch_stop(&watch);
  bench_report("eventfd_self", wakeups, "wake-ups", &watch);
  loop_close(&loop);
}
