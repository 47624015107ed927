/* Starting processes and threads, and a loop iteration without events. */
#define _GNU_SOURCE
#include "bench.h"

#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char** environ;

static void spawn_children(const char* metric, int shares_memory) {
  size_t size = (size_t) 256 << 20;
  char* args[] = {"/bin/true", NULL};
  int children = bench_count(1000), i, status;
  struct stopwatch watch = {0};
  char* memory = malloc(size);
  pid_t pid;

  CHECK(memory != NULL);
  memset(memory, 1, size);
  stopwatch_start(&watch);
  for (i = 0; i < children; i++) {
    pid = shares_memory ? vfork() : fork();
    CHECK(pid >= 0);
    if (pid == 0) {
      execve(args[0], args, environ);
      _exit(127);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
  }
  stopwatch_stop(&watch);
  bench_report(metric, children, "children", &watch);
  free(memory);
}

BENCH(fork_exec) {
  spawn_children("fork_exec", 0);
}

BENCH(vfork_exec) {
  spawn_children("vfork_exec", 1);
}

/* The program that the next benchmark starts. */
BENCH(nothing) {}

BENCH(exec) {
  char* args[] = {"/proc/self/exe", "nothing", NULL};
  int programs = bench_count(500), i, status;
  struct stopwatch watch = {0};
  pid_t pid;

  stopwatch_start(&watch);
  for (i = 0; i < programs; i++) {
    CHECK(posix_spawn(&pid, args[0], NULL, NULL, args, environ) == 0);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
  }
  stopwatch_stop(&watch);
  bench_report("exec", programs, "programs", &watch);
}

static void* on_thread(void* arg) {
  return arg;
}

BENCH(pthread_create) {
  int threads = bench_count(20000), i;
  struct stopwatch watch = {0};
  pthread_t thread;

  stopwatch_start(&watch);
  for (i = 0; i < threads; i++) {
    CHECK(pthread_create(&thread, NULL, on_thread, NULL) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
  }
  stopwatch_stop(&watch);
  bench_report("pthread_create", threads, "threads", &watch);
}

BENCH(tick) {
  int ticks = bench_count(2000000), epoll = epoll_create1(0), i;
  struct stopwatch watch = {0};
  struct epoll_event event;
  struct timespec now;

  CHECK(epoll >= 0);
  stopwatch_start(&watch);
  for (i = 0; i < ticks; i++) {
    CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    CHECK(epoll_wait(epoll, &event, 1, 0) == 0);
  }
  stopwatch_stop(&watch);
  bench_report("tick", ticks, "ticks", &watch);
  CHECK(close(epoll) == 0);
}
