/* Starting children, threads, loops and programs that use the library. */
#include "bench.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

extern char** environ;

/* ---- Children ----------------------------------------------------------- */

static int children_left;

static void spawn_next(uv_loop_t* loop, uv_process_t* process);

static void on_closed(uv_handle_t* process) {
  if (--children_left > 0) spawn_next(process->loop, (uv_process_t*) process);
}

static void on_child_exit(uv_process_t* process, int64_t status, int signum) {
  CHECK(status == 0 && signum == 0);
  uv_close((uv_handle_t*) process, on_closed);
}

static void spawn_next(uv_loop_t* loop, uv_process_t* process) {
  char* args[] = {"/bin/true", NULL};
  uv_process_options_t options = {0};

  options.file = args[0];
  options.args = args;
  options.exit_cb = on_child_exit;
  CHECK(uv_spawn(loop, process, &options) == 0);
}

/* One /bin/true after another, from a process of 256 MiB as a server may be. */
BENCH(spawn) {
  size_t size = (size_t) 256 << 20;
  int children = bench_count(1000);
  struct stopwatch watch = {0};
  char* memory = malloc(size);
  uv_process_t process;
  uv_loop_t loop;

  CHECK(memory != NULL);
  memset(memory, 1, size);
  CHECK(uv_loop_init(&loop) == 0);
  children_left = children;
  stopwatch_start(&watch);
  spawn_next(&loop, &process);
  CHECK(uv_run(&loop, UV_RUN_DEFAULT) == 0);
  stopwatch_stop(&watch);
  bench_report("spawn", children, "children", &watch);
  bench_close_loop(&loop);
  free(memory);
}

/* ---- Threads ------------------------------------------------------------ */

static void on_thread(void* arg) {
  (void) arg;
}

BENCH(thread_create) {
  int threads = bench_count(20000), i;
  struct stopwatch watch = {0};
  uv_thread_t thread;

  stopwatch_start(&watch);
  for (i = 0; i < threads; i++) {
    CHECK(uv_thread_create(&thread, on_thread, NULL) == 0);
    CHECK(uv_thread_join(&thread) == 0);
  }
  stopwatch_stop(&watch);
  bench_report("thread_create", threads, "threads", &watch);
}

/* ---- Loops -------------------------------------------------------------- */

BENCH(loop_init_close) {
  int loops = bench_count(50000), i;
  struct stopwatch watch = {0};
  uv_loop_t loop;

  stopwatch_start(&watch);
  for (i = 0; i < loops; i++) {
    CHECK(uv_loop_init(&loop) == 0);
    CHECK(uv_loop_close(&loop) == 0);
  }
  stopwatch_stop(&watch);
  bench_report("loop_init_close", loops, "loops", &watch);
}

/* ---- Loading ------------------------------------------------------------ */

/* The program that the next benchmark starts; not a benchmark itself. */
BENCH(first_loop) {
  uv_loop_t loop;

  CHECK(uv_loop_init(&loop) == 0);
  bench_close_loop(&loop);
}

/* Programs from exec to exit: they load the library, initialise and close a
 * loop. */
BENCH(load_and_init) {
  char* args[] = {"/proc/self/exe", "first_loop", NULL};
  int programs = bench_count(500), i, status;
  struct stopwatch watch = {0};
  posix_spawn_file_actions_t quiet;
  pid_t pid;

  CHECK(posix_spawn_file_actions_init(&quiet) == 0);
  CHECK(posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0) ==
        0);
  stopwatch_start(&watch);
  for (i = 0; i < programs; i++) {
    CHECK(posix_spawn(&pid, args[0], &quiet, NULL, args, environ) == 0);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
  }
  stopwatch_stop(&watch);
  bench_report("load_and_init", programs, "programs", &watch);
  CHECK(posix_spawn_file_actions_destroy(&quiet) == 0);
}
