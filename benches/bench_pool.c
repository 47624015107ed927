/* The thread pool: empty jobs, and chains of file operations. */
#include "bench.h"

#include <fcntl.h>

static int left_to_start;

/* ---- uv_queue_work ------------------------------------------------------ */

static void on_work(uv_work_t* req) {
  (void) req;
}

static void start_work(uv_loop_t* loop, void* req);

static void on_work_done(uv_work_t* req, int status) {
  CHECK(status == 0);
  if (left_to_start > 0) start_work(req->loop, req);
}

static void start_work(uv_loop_t* loop, void* req) {
  left_to_start--;
  CHECK(uv_queue_work(loop, req, on_work, on_work_done) == 0);
}

static void work(const char* metric, int depth, int total) {
  left_to_start = total;
  bench_in_flight(metric, total, "jobs", depth, sizeof(uv_work_t), start_work);
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

/* ---- open, fstat, read, close: reading a small file ---------------------- */

enum { BLOCK = 4096 };

struct chain {
  uv_fs_t req;
  uv_file file;
  char block[BLOCK];
};

static void open_next(uv_loop_t* loop, void* chain);

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

/* The file is the program itself, which exists and is in the page cache. */
static void open_next(uv_loop_t* loop, void* request) {
  struct chain* chain = request;

  left_to_start--;
  chain->req.data = chain;
  CHECK(uv_fs_open(loop, &chain->req, "/proc/self/exe", O_RDONLY, 0,
                   on_open) == 0);
}

static void read_files(const char* metric, int depth, int total) {
  left_to_start = total;
  bench_in_flight(metric, total, "files", depth, sizeof(struct chain),
                  open_next);
}

BENCH(fs_chain_1) {
  read_files("fs_chain_1", 1, bench_count(5000));
}

BENCH(fs_chain_16) {
  read_files("fs_chain_16", 16, bench_count(30000));
}
