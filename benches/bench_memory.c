/* Memory of idle handles and loops, including the caller's structures. */
#include "bench.h"

#include <sys/socket.h>
#include <unistd.h>

/* Private pages of this process that are in memory. */
static double resident(void) {
  long total, in_memory, shared;
  FILE* file = fopen("/proc/self/statm", "re");

  CHECK(file != NULL);
  CHECK(fscanf(file, "%ld %ld %ld", &total, &in_memory, &shared) == 3);
  fclose(file);
  return (double) (in_memory - shared) * (double) sysconf(_SC_PAGESIZE);
}

static void* touched(size_t count, size_t size) {
  void* memory = malloc(count * size);
  CHECK(memory != NULL);
  memset(memory, 1, count * size);
  return memory;
}

static void on_alloc(uv_handle_t* handle, size_t size, uv_buf_t* buf) {
  (void) handle, (void) size;
  *buf = uv_buf_init(NULL, 0);
}

static void on_read(uv_stream_t* stream, ssize_t nread, const uv_buf_t* buf) {
  (void) stream, (void) nread, (void) buf;
}

/* A connected stream that waits for data. */
BENCH(memory_connection) {
  enum { COUNT = 5000 };
  uv_tcp_t* handles = touched(COUNT, sizeof(*handles));
  uv_loop_t loop;
  double before;
  int fds[2], i;

  bench_need_files(2 * COUNT + 100);
  CHECK(uv_loop_init(&loop) == 0);
  uv_run(&loop, UV_RUN_NOWAIT);
  before = resident();
  for (i = 0; i < COUNT; i++) {
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    CHECK(uv_tcp_init(&loop, &handles[i]) == 0);
    CHECK(uv_tcp_open(&handles[i], fds[0]) == 0);
    CHECK(uv_read_start((uv_stream_t*) &handles[i], on_alloc, on_read) == 0);
  }
  uv_run(&loop, UV_RUN_NOWAIT);
  bench_report_cost("memory_connection",
                    sizeof(*handles) + (resident() - before) / COUNT,
                    "bytes each");
  for (i = 0; i < COUNT; i++) uv_close((uv_handle_t*) &handles[i], NULL);
  bench_close_loop(&loop);
  free(handles);
}

static void on_timer(uv_timer_t* timer) {
  (void) timer;
}

/* A started timer that is not due. */
BENCH(memory_timer) {
  enum { COUNT = 200000 };
  uv_timer_t* timers = touched(COUNT, sizeof(*timers));
  uv_loop_t loop;
  double before;
  int i;

  CHECK(uv_loop_init(&loop) == 0);
  uv_run(&loop, UV_RUN_NOWAIT);
  before = resident();
  for (i = 0; i < COUNT; i++) {
    CHECK(uv_timer_init(&loop, &timers[i]) == 0);
    CHECK(uv_timer_start(&timers[i], on_timer, 1000000 + i, 0) == 0);
  }
  uv_run(&loop, UV_RUN_NOWAIT);
  bench_report_cost("memory_timer",
                    sizeof(*timers) + (resident() - before) / COUNT,
                    "bytes each");
  for (i = 0; i < COUNT; i++) uv_close((uv_handle_t*) &timers[i], NULL);
  bench_close_loop(&loop);
  free(timers);
}

/* A loop that has run one iteration. */
BENCH(memory_loop) {
  enum { COUNT = 2000 };
  uv_loop_t* loops = touched(COUNT, sizeof(*loops));
  double before;
  int i;

  bench_need_files(5 * COUNT);
  CHECK(uv_loop_init(&loops[0]) == 0);
  bench_close_loop(&loops[0]);
  before = resident();
  for (i = 0; i < COUNT; i++) {
    CHECK(uv_loop_init(&loops[i]) == 0);
    uv_run(&loops[i], UV_RUN_NOWAIT);
  }
  bench_report_cost("memory_loop",
                    sizeof(*loops) + (resident() - before) / COUNT,
                    "bytes each");
  for (i = 0; i < COUNT; i++) bench_close_loop(&loops[i]);
  free(loops);
}
