/* The thread pool: work that does nothing, and chains of file operations. */
#include "bench.h"

#include <fcntl.h>

static int left_to_start;

/* ---- uv_queue_work ------------------------------------------------------ */

static void on_work(uv_work_t* req) {
  (void) req;
}

static void on_work_done(uv_work_t* req, int status) {
  CHECK(status == 0);
  if (left_to_start == 0) return;
  left_to_start--;
  CHECK(uv_queue_work(req->loop, req, on_work, on_work_done) == 0);
}

/* Keeps `depth` requests in flight: each callback issues the next. */
static void work(const char* metric, int depth, int total) {
  struct stopwatch watch = {0};
  uv_work_t* reqs = calloc(depth, sizeof(*reqs));
  uv_loop_t loop;
  int i;

  CHECK(reqs != NULL);
  CHECK(uv_loop_init(&loop) == 0);
  left_to_start = total - depth;
  stopwatch_start(&watch);
  for (i = 0; i < depth; i++)
    CHECK(uv_queue_work(&loop, &reqs[i], on_work, on_work_done) == 0);
  CHECK(uv_run(&loop, UV_RUN_DEFAULT) == 0);
  stopwatch_stop(&watch);
  bench_report(metric, total, "jobs", &watch);
  bench_close_loop(&loop);
  free(reqs);
}

BENCH(queue_work_1) {
  work("queue_work_1", 1, bench_count(20000));
}

BENCH(queue_work_64) {
  work("queue_work_64", 64, bench_count(400000));
}

BENCH(queue_work_1000) {
  work("queue_work_1000", 1000, bench_count(400000));
}

/* ---- open, fstat, read, close: how a small file is read ------------------ */

enum { BLOCK = 4096 };

struct chain {
  uv_fs_t req;
  uv_file file;
  char block[BLOCK];
};

static void open_next(uv_loop_t* loop, struct chain* chain);

static void on_close(uv_fs_t* req) {
  CHECK(req->result == 0);
  uv_fs_req_cleanup(req);
  if (left_to_start > 0) open_next(req->loop, req->data);
}

static void on_read(uv_fs_t* req) {
  struct chain* chain = req->data;

  CHECK(req->result > 0);
  uv_fs_req_cleanup(req);
  CHECK(uv_fs_close(req->loop, req, chain->file, on_close) == 0);
}

static void on_fstat(uv_fs_t* req) {
  struct chain* chain = req->data;
  uv_buf_t buf = uv_buf_init(chain->block, BLOCK);

  CHECK(req->result == 0);
  uv_fs_req_cleanup(req);
  CHECK(uv_fs_read(req->loop, req, chain->file, &buf, 1, 0, on_read) == 0);
}

static void on_open(uv_fs_t* req) {
  struct chain* chain = req->data;

  CHECK(req->result >= 0);
  chain->file = (uv_file) req->result;
  uv_fs_req_cleanup(req);
  CHECK(uv_fs_fstat(req->loop, req, chain->file, on_fstat) == 0);
}

/* The file is the program itself: it is there, and in the cache. */
static void open_next(uv_loop_t* loop, struct chain* chain) {
  left_to_start--;
  chain->req.data = chain;
  CHECK(uv_fs_open(loop, &chain->req, "/proc/self/exe", O_RDONLY, 0,
                   on_open) == 0);
}

static void read_files(const char* metric, int depth, int total) {
  struct stopwatch watch = {0};
  struct chain* chains = calloc(depth, sizeof(*chains));
  uv_loop_t loop;
  int i;

  CHECK(chains != NULL);
  CHECK(uv_loop_init(&loop) == 0);
  left_to_start = total;
  stopwatch_start(&watch);
  for (i = 0; i < depth; i++) open_next(&loop, &chains[i]);
  CHECK(uv_run(&loop, UV_RUN_DEFAULT) == 0);
  stopwatch_stop(&watch);
  bench_report(metric, total, "files", &watch);
  bench_close_loop(&loop);
  free(chains);
}

BENCH(fs_chain_1) {
  read_files("fs_chain_1", 1, bench_count(5000));
}

BENCH(fs_chain_16) {
  read_files("fs_chain_16", 16, bench_count(30000));
}
