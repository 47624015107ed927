/* Runs one benchmark: `oxuv-bench NAME[/N] [--quick] [--syscalls] [--busy]`,
 * lists them: `--list`, or counts another program's system calls:
 * `--count-syscalls COMMAND...`. */
#define _GNU_SOURCE
#include "bench.h"

#include <limits.h>
#include <linux/perf_event.h>
#include <link.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The exit status of a program that cannot measure this on this machine. */
enum { NOT_HERE = 3 };

static struct bench_entry* benches;
static int divisor = 1;
static int parameter = -1;
static int busy;
static int syscall_counter = -1;

void bench_register(struct bench_entry* entry) {
  struct bench_entry** link = &benches;
  while (*link != NULL && strcmp((*link)->name, entry->name) < 0)
    link = &(*link)->next;
  entry->next = *link;
  *link = entry;
}

/* ---- Measuring ---------------------------------------------------------- */

/* Counts the system calls of this process and of all threads and processes
 * that it starts from now on. Returns 0 where the kernel does not permit it. */
static int count_syscalls(void) {
  static const char* const ids[] = {
      "/sys/kernel/tracing/events/raw_syscalls/sys_enter/id",
      "/sys/kernel/debug/tracing/events/raw_syscalls/sys_enter/id"};
  struct perf_event_attr attr = {0};
  unsigned long long id;
  FILE* file = NULL;
  int i, known;

  for (i = 0; i < 2 && file == NULL; i++) file = fopen(ids[i], "re");
  if (file == NULL) return 0;
  known = fscanf(file, "%llu", &id) == 1;
  fclose(file);
  if (!known) return 0;
  attr.type = PERF_TYPE_TRACEPOINT;
  attr.size = sizeof(attr);
  attr.config = id;
  attr.inherit = 1;
  syscall_counter = syscall(SYS_perf_event_open, &attr, 0, -1, -1,
                            PERF_FLAG_FD_CLOEXEC);
  return syscall_counter >= 0;
}

static double syscalls(void) {
  uint64_t count;
  if (syscall_counter < 0) return 0;
  CHECK(read(syscall_counter, &count, sizeof(count)) == sizeof(count));
  return (double) count;
}

static double seconds(clockid_t clock) {
  struct timespec now;
  CHECK(clock_gettime(clock, &now) == 0);
  return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

static double cpu_seconds(void) {
  struct rusage children;
  CHECK(getrusage(RUSAGE_CHILDREN, &children) == 0);
  return seconds(CLOCK_PROCESS_CPUTIME_ID) +
         (double) (children.ru_utime.tv_sec + children.ru_stime.tv_sec) +
         (double) (children.ru_utime.tv_usec + children.ru_stime.tv_usec) / 1e6;
}

void stopwatch_start(struct stopwatch* watch) {
  watch->syscalls -= syscalls();
  watch->cpu -= cpu_seconds();
  watch->wall -= seconds(CLOCK_MONOTONIC);
}

void stopwatch_stop(struct stopwatch* watch) {
  watch->wall += seconds(CLOCK_MONOTONIC);
  watch->cpu += cpu_seconds();
  /* Five of the calls between the two counts are ours. */
  watch->syscalls += syscalls() - (syscall_counter >= 0 ? 5 : 0);
}

/* ---- Printing ----------------------------------------------------------- */

static void print_metric(const char* metric) {
  printf("{\"metric\": \"%s", metric);
  if (parameter >= 0) printf("/%d", parameter);
  if (busy) printf("_busy");
  printf("\", ");
}

void bench_report(const char* metric,
                  double amount,
                  const char* unit,
                  const struct stopwatch* watch) {
  print_metric(metric);
  printf("\"rate\": %.6g, \"unit\": \"%s/s\", \"amount\": %.0f, "
         "\"wall_s\": %.6f, \"cpu_s\": %.6f",
         amount / watch->wall, unit, amount, watch->wall, watch->cpu);
  if (syscall_counter >= 0) printf(", \"syscalls\": %.0f", watch->syscalls);
  puts("}");
}

void bench_report_part(const char* name,
                       const char* part,
                       double amount,
                       const char* unit,
                       const struct stopwatch* watch) {
  char metric[64];

  snprintf(metric, sizeof(metric), "%s.%s", name, part);
  bench_report(metric, amount, unit, watch);
}

void bench_report_cost(const char* metric, double cost, const char* unit) {
  print_metric(metric);
  printf("\"cost\": %.6g, \"unit\": \"%s\"}\n", cost, unit);
}

/* ---- Helpers of benchmarks ---------------------------------------------- */

int bench_count(int full) {
  return full / divisor;
}

int bench_parameter(int otherwise) {
  return parameter >= 0 ? parameter : otherwise;
}

void bench_need_files(int count) {
  struct rlimit limit;

  CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  if (limit.rlim_max < (rlim_t) count) limit.rlim_max = count;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) == 0) return;
  fprintf(stderr, "needs %d open files: raise ulimit -Hn\n", count);
  exit(NOT_HERE);
}

int bench_create_file(char path[BENCH_PATH_SIZE], int64_t size) {
  static char block[64 * 1024];
  const char* directory = getenv("TMPDIR");
  int64_t written;
  int fd;

  snprintf(path, BENCH_PATH_SIZE, "%s/oxuv-bench-XXXXXX",
           directory != NULL ? directory : "/tmp");
  fd = mkstemp(path);
  CHECK(fd >= 0);
  memset(block, 'x', sizeof(block));
  for (written = 0; written < size; written += (int64_t) sizeof(block))
    CHECK(pwrite(fd, block, sizeof(block), written) == sizeof(block));
  return fd;
}

#ifdef BENCH_BASELINE
static void print_library(void) {}
#else
void bench_close_loop(uv_loop_t* loop) {
  CHECK(uv_run(loop, UV_RUN_DEFAULT) == 0);
  CHECK(uv_loop_close(loop) == 0);
}

void bench_in_flight(const char* metric,
                     int total,
                     const char* unit,
                     int depth,
                     size_t size,
                     void (*start)(uv_loop_t* loop, void* request)) {
  struct stopwatch watch = {0};
  char* requests = calloc(depth, size);
  uv_loop_t loop;
  int i;

  CHECK(requests != NULL);
  CHECK(uv_loop_init(&loop) == 0);
  stopwatch_start(&watch);
  for (i = 0; i < depth; i++) start(&loop, requests + i * size);
  CHECK(uv_run(&loop, UV_RUN_DEFAULT) == 0);
  stopwatch_stop(&watch);
  bench_report(metric, total, unit, &watch);
  bench_close_loop(&loop);
  free(requests);
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

static void print_library(void) {
  CHECK(dl_iterate_phdr(print_if_libuv, NULL) == 1);
}
#endif

/* ---- The command line --------------------------------------------------- */

static pid_t counted;

static void end_counted(int signum) {
  (void) signum;
  kill(counted, SIGKILL);
}

/* Prints the number of system calls of `command` as the last line of the
 * output. SIGTERM ends it. */
static int run_counted(char** command) {
  double before;
  int status;

  if (!count_syscalls()) return NOT_HERE;
  before = syscalls();
  counted = fork();
  CHECK(counted >= 0);
  if (counted == 0) {
    execv(command[0], command);
    _exit(127);
  }
  signal(SIGTERM, end_counted);
  while (waitpid(counted, &status, 0) != counted) continue;
  printf("{\"syscalls\": %.0f}\n", syscalls() - before);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* Starts a process on every core that never sleeps and ends with this one. */
static void occupy_cores(void) {
  long core;

  busy = 1;
  for (core = sysconf(_SC_NPROCESSORS_ONLN); core > 0; core--) {
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid > 0) continue;
    CHECK(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
    for (;;) __asm__ volatile("");
  }
}

static struct bench_entry* find(char* name) {
  struct bench_entry* bench = benches;
  char* number = strchr(name, '/');

  if (number != NULL) {
    *number = '\0';
    parameter = atoi(number + 1);
  }
  while (bench != NULL && strcmp(bench->name, name) != 0) bench = bench->next;
  return bench;
}

int main(int argc, char** argv) {
  struct bench_entry* bench;
  int i;

  if (argc == 2 && strcmp(argv[1], "--list") == 0) {
    for (bench = benches; bench != NULL; bench = bench->next) puts(bench->name);
    return 0;
  }
  if (argc > 2 && strcmp(argv[1], "--count-syscalls") == 0)
    return run_counted(argv + 2);
  if (argc > 1 && (bench = find(argv[1])) != NULL) {
    for (i = 2; i < argc; i++) {
      if (strcmp(argv[i], "--quick") == 0) divisor = 10;
      if (strcmp(argv[i], "--busy") == 0) occupy_cores();
      if (strcmp(argv[i], "--syscalls") == 0 && !count_syscalls())
        return NOT_HERE;
    }
    signal(SIGPIPE, SIG_IGN);
    print_library();
    bench->run();
    return 0;
  }
  fprintf(stderr, "usage: %s --list | NAME[/N] [--quick] [--syscalls] [--busy]\n",
          argv[0]);
  return 2;
}
