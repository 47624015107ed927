/* Runs the tests that TEST() registered: each in a process of its own, with a
 * scratch directory of its own and a limit on how long it may take. */
#define _GNU_SOURCE
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <ftw.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_SKIPPED = 77 };
enum { MAX_JOBS = 64, MAX_WRAP = 32 };

static const char usage[] =
    "usage: oxuv-tests [option...] [test...]\n"
    "Runs the named tests, or all. A name may be a prefix or a glob pattern.\n"
    "  -l, --list            print the names and stop\n"
    "  -j, --jobs N          run N tests at a time\n"
    "  -q, --quiet           print only what did not pass, and the summary\n"
    "  -r, --repeat N        run everything N times\n"
    "  -s, --shuffle[=SEED]  run in random order\n"
    "      --one NAME        run one test in this process, for a debugger\n"
    "      --library FILE    refuse to run on any other libuv.so.1\n"
    "      --wrap COMMAND    run each test under COMMAND, such as valgrind\n"
    "OXUV_TEST_TIMEOUT is the limit for one test in seconds (60).\n";

static struct test_entry* tests;
static size_t test_count;

void test_register(struct test_entry* entry) {
  /* Sorted by name, so that the order does not depend on the linker. */
  struct test_entry** at = &tests;
  while (*at != NULL && strcmp((*at)->name, entry->name) < 0)
    at = &(*at)->next;
  entry->next = *at;
  *at = entry;
  test_count++;
}

__attribute__((format(printf, 1, 2), noreturn))
static void die(const char* format, ...) {
  va_list args;
  va_start(args, format);
  fprintf(stderr, "oxuv-tests: ");
  vfprintf(stderr, format, args);
  fprintf(stderr, "\n");
  va_end(args);
  exit(EXIT_USAGE);
}

/* ---- Inside a test's process ---- */

static char scratch[PATH_MAX];
static pid_t test_pid;
static bool test_returned;

struct path_entry {
  struct path_entry* next;
  char path[];
};
static struct path_entry* paths;

void test_fail(const char* file, int line, const char* format, ...) {
  va_list args;
  va_start(args, format);
  fflush(stdout);
  fprintf(stderr, "%s:%d: ", file, line);
  vfprintf(stderr, format, args);
  fprintf(stderr, "\n");
  va_end(args);
  _exit(EXIT_FAILED);
}

void test_skip(const char* file, int line, const char* reason) {
  fflush(stdout);
  fprintf(stderr, "%s:%d: %s\n", file, line, reason);
  _exit(EXIT_SKIPPED);
}

static void close_handle(uv_handle_t* handle, void* arg) {
  (void) arg;
  if (!uv_is_closing(handle))
    uv_close(handle, NULL);
}

void test_close_loop(const char* file, int line, uv_loop_t* loop) {
  int result;
  uv_walk(loop, close_handle, NULL);
  uv_run(loop, UV_RUN_DEFAULT);
  result = uv_loop_close(loop);
  if (result != 0)
    test_fail(file, line, "uv_loop_close() == 0\n  left:  %d (%s)\n  right: 0",
              result, uv_strerror(result));
}

int test_under_valgrind(void) {
  const char* preload = getenv("LD_PRELOAD");
  return preload != NULL && strstr(preload, "valgrind") != NULL;
}

static void find_library(char* path, size_t size);

int test_on_reference(void) {
  char library[PATH_MAX];

  find_library(library, sizeof(library));
  return strstr(library, "/reference/") != NULL;
}

void test_survives(const char* file, int line, void (*run)(void)) {
  int status;
  bool ended;
  pid_t pid = fork();

  if (pid == -1)
    test_fail(file, line, "fork: %s", strerror(errno));
  if (pid == 0) {
    const struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    run();
    exit(0);
  }
  waitpid(pid, &status, 0);
  ended = test_on_reference() ? WIFSIGNALED(status) : status == 0;
  if (!ended)
    test_fail(file, line, "the child's status is %#x", status);
}

const char* test_path(const char* name) {
  size_t size = strlen(scratch) + strlen(name) + 2;
  struct path_entry* entry = malloc(sizeof(*entry) + size);
  if (entry == NULL)
    die("out of memory");
  snprintf(entry->path, size, "%s/%s", scratch, name);
  entry->next = paths;
  paths = entry;
  return entry->path;
}

static void make_scratch(char* path, size_t size) {
  const char* parent = getenv("TMPDIR");
  snprintf(path, size, "%s/oxuv-XXXXXX", parent != NULL ? parent : "/tmp");
  if (mkdtemp(path) == NULL)
    die("mkdtemp %s: %s", path, strerror(errno));
}

static int remove_entry(const char* path,
                        const struct stat* statbuf,
                        int type,
                        struct FTW* ftw) {
  (void) statbuf;
  (void) type;
  (void) ftw;
  remove(path);
  return 0;
}

static void remove_scratch(const char* path) {
  nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

/* A test that calls exit(0) half-way has not passed. */
static void check_returned(void) {
  if (getpid() == test_pid && !test_returned)
    test_fail(__FILE__, __LINE__, "the test left its process with exit()");
}

static int run_one(const char* name, const char* given_scratch) {
  struct test_entry* entry;
  struct path_entry* next;

  for (entry = tests; entry != NULL; entry = entry->next)
    if (strcmp(entry->name, name) == 0)
      break;
  if (entry == NULL)
    die("no test is called %s", name);

  if (given_scratch != NULL)
    snprintf(scratch, sizeof(scratch), "%s", given_scratch);
  else
    make_scratch(scratch, sizeof(scratch));

  /* A forked child would print the unflushed output again. */
  setvbuf(stdout, NULL, _IOLBF, 0);
  /* As in every program that writes to sockets. */
  signal(SIGPIPE, SIG_IGN);
  test_pid = getpid();
  atexit(check_returned);
  entry->run();
  test_returned = true;
  if (getpid() != test_pid) {
    fprintf(stderr, "%s returned in a forked child\n", name);
    _exit(EXIT_FAILED);
  }

  for (; paths != NULL; paths = next) {
    next = paths->next;
    free(paths);
  }
  if (given_scratch == NULL)
    remove_scratch(scratch);
  return 0;
}

/* ---- Which library this is ---- */

/* Finds the path of the libuv that is loaded, in /proc/self/maps, which is right
 * whatever the value of LD_LIBRARY_PATH. */
static void find_library(char* path, size_t size) {
  char line[PATH_MAX + 128];
  FILE* maps = fopen("/proc/self/maps", "re");

  if (maps == NULL)
    die("/proc/self/maps: %s", strerror(errno));
  path[0] = '\0';
  while (fgets(line, sizeof(line), maps) != NULL) {
    char* file = strchr(line, '/');
    const char* base;
    if (file == NULL)
      continue;
    file[strcspn(file, "\n")] = '\0';
    base = strrchr(file, '/') + 1;
    if (strncmp(base, "libuv.so", 8) != 0 || strcmp(file, path) == 0)
      continue;
    if (path[0] != '\0')
      die("two libraries are mapped: %s and %s", path, file);
    snprintf(path, size, "%s", file);
  }
  fclose(maps);
  if (path[0] == '\0')
    die("no libuv.so is mapped");
}

static void require_library(const char* mapped, const char* wanted) {
  struct stat a;
  struct stat b;
  if (stat(wanted, &b) != 0)
    die("%s: %s", wanted, strerror(errno));
  if (stat(mapped, &a) != 0 || a.st_dev != b.st_dev || a.st_ino != b.st_ino)
    die("this process runs on %s, not on %s", mapped, wanted);
}

/* ---- The parent ---- */

struct job {
  pid_t pid; /* 0 when the slot is free. */
  const char* name;
  int output;
  bool timed_out;
  uint64_t started;
  uint64_t deadline;
  char scratch[PATH_MAX];
};

static struct {
  const char* one;
  const char* scratch;
  const char* library;
  char* wrap[MAX_WRAP + 1];
  bool list;
  bool quiet;
  bool shuffle;
  unsigned seed;
  long repeat;
  long jobs;
  long timeout;
} options = {.repeat = 1, .jobs = 1, .timeout = 60};

static struct job jobs[MAX_JOBS];
/* The signals that wake the parent: blocked in it, and unblocked in the tests. */
static sigset_t signals;
static sigset_t old_mask;
static char exe_path[PATH_MAX];
static size_t passed;
static size_t failed;
static size_t skipped;

static uint64_t now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t) t.tv_sec * 1000 + (uint64_t) t.tv_nsec / 1000000;
}

__attribute__((noreturn))
static void exec_test(const struct job* job) {
  char* argv[MAX_WRAP + 8];
  size_t n = 0;
  int null = open("/dev/null", O_RDONLY);

  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  dup2(null, 0);
  dup2(job->output, 1);
  dup2(job->output, 2);
  close(null);
  sigprocmask(SIG_SETMASK, &old_mask, NULL);

  for (; options.wrap[n] != NULL; n++)
    argv[n] = options.wrap[n];
  argv[n++] = exe_path;
  argv[n++] = "--scratch";
  argv[n++] = (char*) job->scratch;
  argv[n++] = "--one";
  argv[n++] = (char*) job->name;
  argv[n] = NULL;
  /* The link, not the path: a rebuild may have replaced the file meanwhile. */
  execvp(options.wrap[0] != NULL ? argv[0] : "/proc/self/exe", argv);
  fprintf(stderr, "exec %s: %s\n", argv[0], strerror(errno));
  _exit(EXIT_FAILED);
}

static void start(struct job* job, const char* name) {
  job->name = name;
  job->timed_out = false;
  make_scratch(job->scratch, sizeof(job->scratch));
  job->output = memfd_create("output", MFD_CLOEXEC);
  if (job->output == -1)
    die("memfd_create: %s", strerror(errno));
  job->started = now_ms();
  job->deadline = job->started + (uint64_t) options.timeout * 1000;
  fflush(NULL);
  job->pid = fork();
  if (job->pid == -1)
    die("fork: %s", strerror(errno));
  if (job->pid == 0)
    exec_test(job);
  setpgid(job->pid, job->pid);
}

static void print_output(int fd) {
  char buffer[4096];
  ssize_t size;
  off_t offset = 0;
  bool at_line_start = true;
  ssize_t i;

  while ((size = pread(fd, buffer, sizeof(buffer), offset)) > 0) {
    for (i = 0; i < size; i++) {
      if (at_line_start)
        fputs("    ", stdout);
      putchar(buffer[i]);
      at_line_start = buffer[i] == '\n';
    }
    offset += size;
  }
  if (!at_line_start)
    putchar('\n');
}

static void finish(struct job* job, int status) {
  unsigned long long elapsed = now_ms() - job->started;
  bool skip = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIPPED;
  bool pass = WIFEXITED(status) && WEXITSTATUS(status) == 0;

  /* Children that the test left behind. */
  kill(-job->pid, SIGKILL);

  if (job->timed_out) {
    failed++;
    printf("FAILED %s: still running after %ld s\n", job->name,
           options.timeout);
  } else if (pass) {
    passed++;
    if (!options.quiet)
      printf("ok %s (%llu ms)\n", job->name, elapsed);
  } else if (skip) {
    skipped++;
    printf("skipped %s\n", job->name);
  } else if (WIFSIGNALED(status)) {
    failed++;
    printf("FAILED %s: killed by signal %d (%s)\n", job->name,
           WTERMSIG(status), strsignal(WTERMSIG(status)));
  } else {
    failed++;
    printf("FAILED %s: exit code %d\n", job->name, WEXITSTATUS(status));
  }
  if (!pass || job->timed_out)
    print_output(job->output);
  fflush(stdout);

  close(job->output);
  remove_scratch(job->scratch);
  job->pid = 0;
}

__attribute__((noreturn))
static void interrupted(int signum) {
  size_t i;
  for (i = 0; i < MAX_JOBS; i++) {
    if (jobs[i].pid == 0)
      continue;
    kill(-jobs[i].pid, SIGKILL);
    waitpid(jobs[i].pid, NULL, 0);
    remove_scratch(jobs[i].scratch);
  }
  printf("interrupted\n");
  exit(128 + signum);
}

/* Waits until a child ends, a deadline passes or the user interrupts. */
static void wait_for_event(void) {
  uint64_t now = now_ms();
  uint64_t nearest = UINT64_MAX;
  struct timespec timeout;
  int signum;
  size_t i;

  for (i = 0; i < MAX_JOBS; i++)
    if (jobs[i].pid != 0 && jobs[i].deadline < nearest)
      nearest = jobs[i].deadline;
  nearest = nearest > now ? nearest - now : 0;
  timeout.tv_sec = (time_t) (nearest / 1000);
  timeout.tv_nsec = (long) (nearest % 1000) * 1000000;
  signum = sigtimedwait(&signals, NULL, &timeout);
  if (signum == SIGINT || signum == SIGTERM)
    interrupted(signum);
}

static void reap(void) {
  size_t i;
  int status;

  for (i = 0; i < MAX_JOBS; i++) {
    struct job* job = &jobs[i];
    if (job->pid == 0)
      continue;
    if (waitpid(job->pid, &status, WNOHANG) == job->pid) {
      finish(job, status);
    } else if (now_ms() >= job->deadline && !job->timed_out) {
      job->timed_out = true;
      kill(-job->pid, SIGKILL);
      job->deadline += 60 * 1000;
    }
  }
}

static void run_all(const char** names, size_t count) {
  size_t next = 0;
  size_t running;
  long i;

  for (;;) {
    running = 0;
    for (i = 0; i < options.jobs; i++) {
      if (jobs[i].pid == 0 && next < count)
        start(&jobs[i], names[next++]);
      running += jobs[i].pid != 0;
    }
    if (running == 0)
      return;
    wait_for_event();
    reap();
  }
}

static bool matches(const char* name, const char* pattern) {
  if (strpbrk(pattern, "*?[") != NULL)
    return fnmatch(pattern, name, 0) == 0;
  return strncmp(name, pattern, strlen(pattern)) == 0;
}

/* Fills names, which has room for every test, and returns their number. */
static size_t select_tests(const char** names, char** patterns, int n) {
  struct test_entry* entry;
  size_t count = 0;
  bool used[n > 0 ? n : 1];
  int i;

  memset(used, 0, sizeof(used));
  for (entry = tests; entry != NULL; entry = entry->next) {
    bool selected = n == 0;
    /* An exact name selects that test alone, even if others begin with it. */
    for (i = 0; i < n; i++) {
      struct test_entry* exact = tests;
      while (exact != NULL && strcmp(exact->name, patterns[i]) != 0)
        exact = exact->next;
      if (exact != NULL ? exact == entry : matches(entry->name, patterns[i]))
        selected = used[i] = true;
    }
    if (selected)
      names[count++] = entry->name;
  }
  for (i = 0; i < n; i++)
    if (!used[i])
      die("no test matches %s", patterns[i]);
  return count;
}

static void shuffle(const char** names, size_t count) {
  size_t i;
  for (i = count; i > 1; i--) {
    size_t j = (size_t) rand_r(&options.seed) % i;
    const char* name = names[i - 1];
    names[i - 1] = names[j];
    names[j] = name;
  }
}

static long parse_number(const char* text, long min, long max) {
  char* end;
  long value = strtol(text, &end, 10);
  if (*text == '\0' || *end != '\0' || value < min || value > max)
    die("%s is not a number from %ld to %ld", text, min, max);
  return value;
}

static void parse_wrap(char* text) {
  size_t n = 0;
  char* word;
  for (word = strtok(text, " "); word != NULL; word = strtok(NULL, " ")) {
    if (n == MAX_WRAP)
      die("--wrap has more than %d words", MAX_WRAP);
    options.wrap[n++] = word;
  }
}

static void parse_shuffle(const char* seed) {
  options.shuffle = true;
  options.seed = seed != NULL ? (unsigned) parse_number(seed, 0, INT_MAX)
                              : (unsigned) (now_ms() & INT_MAX);
}

static void parse_environment(void) {
  const char* timeout = getenv("OXUV_TEST_TIMEOUT");
  if (timeout != NULL)
    options.timeout = parse_number(timeout, 1, 1000000);
}

static void parse_options(int argc, char** argv) {
  enum { ONE = 256, LIBRARY, WRAP, SCRATCH };
  static const struct option longs[] = {
      {"help", no_argument, NULL, 'h'},
      {"jobs", required_argument, NULL, 'j'},
      {"library", required_argument, NULL, LIBRARY},
      {"list", no_argument, NULL, 'l'},
      {"one", required_argument, NULL, ONE},
      {"quiet", no_argument, NULL, 'q'},
      {"repeat", required_argument, NULL, 'r'},
      {"scratch", required_argument, NULL, SCRATCH},
      {"shuffle", optional_argument, NULL, 's'},
      {"wrap", required_argument, NULL, WRAP},
      {NULL, 0, NULL, 0},
  };
  int option;

  while ((option = getopt_long(argc, argv, "hj:lqr:s::", longs, NULL)) != -1) {
    switch (option) {
      case 'h':
        fputs(usage, stdout);
        exit(0);
      case 'j':
        options.jobs = parse_number(optarg, 1, MAX_JOBS);
        break;
      case 'l':
        options.list = true;
        break;
      case 'q':
        options.quiet = true;
        break;
      case 'r':
        options.repeat = parse_number(optarg, 1, 1000000);
        break;
      case 's':
        parse_shuffle(optarg);
        break;
      case ONE:
        options.one = optarg;
        break;
      case LIBRARY:
        options.library = optarg;
        break;
      case WRAP:
        parse_wrap(optarg);
        break;
      case SCRATCH:
        options.scratch = optarg;
        break;
      default:
        fputs(usage, stderr);
        exit(EXIT_USAGE);
    }
  }
}

/* Tests and their children do not inherit descriptors that this program's parent
 * left open, such as CTest's log: where memory ends in the middle of a call, the
 * result of libuv depends on the number of the descriptor. */
static void keep_descriptors_from_children(void) {
  int fd;

  for (fd = STDERR_FILENO + 1; fd < 256; fd++) fcntl(fd, F_SETFD, FD_CLOEXEC);
}

int main(int argc, char** argv) {
  char library[PATH_MAX];
  const char** names;
  struct test_entry* entry;
  size_t count;
  size_t i;
  ssize_t size;

  parse_environment();
  parse_options(argc, argv);
  for (entry = tests; entry != NULL && entry->next != NULL; entry = entry->next)
    if (strcmp(entry->name, entry->next->name) == 0)
      die("two tests are called %s", entry->name);

  keep_descriptors_from_children();
  if (options.one != NULL) return run_one(options.one, options.scratch);

  names = malloc((test_count + 1) * sizeof(*names));
  if (names == NULL)
    die("out of memory");
  count = select_tests(names, argv + optind, argc - optind);
  if (options.list) {
    for (i = 0; i < count; i++)
      puts(names[i]);
    free(names);
    return 0;
  }

  size = readlink("/proc/self/exe", exe_path, sizeof(exe_path) - 1);
  if (size == -1)
    die("/proc/self/exe: %s", strerror(errno));
  exe_path[size] = '\0';
  find_library(library, sizeof(library));
  if (options.library != NULL)
    require_library(library, options.library);
  printf("libuv %s, %s\n", uv_version_string(), library);
  if (options.shuffle)
    printf("shuffled with seed %u\n", options.seed);

  sigemptyset(&signals);
  sigaddset(&signals, SIGCHLD);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigprocmask(SIG_BLOCK, &signals, &old_mask);
  while (options.repeat-- > 0) {
    if (options.shuffle)
      shuffle(names, count);
    run_all(names, count);
  }
  free(names);
  printf("%zu passed, %zu failed, %zu skipped\n", passed, failed, skipped);
  if (failed > 0)
    return EXIT_FAILED;
  return passed > 0 ? 0 : EXIT_SKIPPED;
}
