/* File system requests on the thread pool. */
#include "bench.h"

#include <fcntl.h>
#include <unistd.h>

static int left_to_start;

/* ---- stat --------------------------------------------------------------- */

static void start_stat(uv_loop_t* loop, void* req);

static void on_stat(uv_fs_t* req) {
  CHECK(req->result == 0);
  uv_fs_req_cleanup(req);
  if (left_to_start > 0) start_stat(req->loop, req);
}

static void start_stat(uv_loop_t* loop, void* req) {
  left_to_start--;
  CHECK(uv_fs_stat(loop, req, ".", on_stat) == 0);
}

static void stat_many(const char* metric, int depth, int total) {
  left_to_start = total;
  bench_in_flight(metric, total, "requests", depth, sizeof(uv_fs_t),
                  start_stat);
}

BENCH(fs_stat_1) {
  stat_many("fs_stat_1", 1, bench_count(20000));
}

BENCH(fs_stat_64) {
  stat_many("fs_stat_64", 64, bench_count(400000));
}

/* The parameter is the size of the pool. */
BENCH(fs_stat_64_pool) {
  char size[16];

  snprintf(size, sizeof(size), "%d", bench_parameter(4));
  CHECK(uv_os_setenv("UV_THREADPOOL_SIZE", size) == 0);
  stat_many("fs_stat_64_pool", 64, bench_count(100000));
}

/* ---- read --------------------------------------------------------------- */

struct reader {
  uv_fs_t req;
  uv_file file;
  uv_buf_t buf;
  int64_t offset;
  int64_t size;
};

static void read_next(uv_loop_t* loop, struct reader* reader);

static void on_read(uv_fs_t* req) {
  struct reader* reader = req->data;

  CHECK(req->result == (ssize_t) reader->buf.len);
  uv_fs_req_cleanup(req);
  reader->offset += (int64_t) reader->buf.len;
  if (reader->offset == reader->size) reader->offset = 0;
  if (left_to_start > 0) read_next(req->loop, reader);
}

static void read_next(uv_loop_t* loop, struct reader* reader) {
  left_to_start--;
  CHECK(uv_fs_read(loop, &reader->req, reader->file, &reader->buf, 1,
                   reader->offset, on_read) == 0);
}

enum { FILE_SIZE = 32 * 1024 * 1024 };

/* Sequential reads over a cached file, one in flight. */
static void read_many(const char* name, int block, int total) {
  struct stopwatch watch = {0};
  char path[BENCH_PATH_SIZE];
  struct reader reader;
  uv_loop_t loop;

  CHECK(uv_loop_init(&loop) == 0);
  reader.size = FILE_SIZE;
  reader.file = bench_create_file(path, reader.size);
  CHECK(unlink(path) == 0);
  reader.buf = uv_buf_init(malloc(block), block);
  CHECK(reader.buf.base != NULL);
  reader.req.data = &reader;
  reader.offset = 0;
  left_to_start = total;
  stopwatch_start(&watch);
  read_next(&loop, &reader);
  CHECK(uv_run(&loop, UV_RUN_DEFAULT) == 0);
  stopwatch_stop(&watch);
  bench_report(name, (double) total * block / (1024 * 1024), "MiB", &watch);
  CHECK(close(reader.file) == 0);
  bench_close_loop(&loop);
  free(reader.buf.base);
}

BENCH(fs_read_4k) {
  read_many("fs_read_4k", 4 * 1024, bench_count(20000));
}

BENCH(fs_read_64k) {
  read_many("fs_read_64k", 64 * 1024, bench_count(15000));
}

/* ---- from file to file -------------------------------------------------- */

static char from_path[BENCH_PATH_SIZE], to_path[BENCH_PATH_SIZE];
static uv_file from, to;

static void on_copied(uv_fs_t* req);

static void copy_next(uv_loop_t* loop, uv_fs_t* req) {
  left_to_start--;
  CHECK(uv_fs_copyfile(loop, req, from_path, to_path, 0, on_copied) == 0);
}

static void on_copied(uv_fs_t* req) {
  CHECK(req->result == 0);
  uv_fs_req_cleanup(req);
  if (left_to_start > 0) copy_next(req->loop, req);
}

static int64_t sent;

static void on_sent(uv_fs_t* req);

static void send_next(uv_loop_t* loop, uv_fs_t* req) {
  CHECK(uv_fs_sendfile(loop, req, to, from, sent, FILE_SIZE - sent, on_sent) ==
        0);
}

static void on_sent(uv_fs_t* req) {
  CHECK(req->result > 0);
  sent += req->result;
  uv_fs_req_cleanup(req);
  if (sent == FILE_SIZE) {
    if (--left_to_start == 0) return;
    sent = 0;
    CHECK(lseek(to, 0, SEEK_SET) == 0);
  }
  send_next(req->loop, req);
}

/* Copies the whole file repeatedly. */
static void copy_many(const char* metric,
                      void (*next)(uv_loop_t* loop, uv_fs_t* req)) {
  int copies = bench_count(20);
  struct stopwatch watch = {0};
  uv_loop_t loop;
  uv_fs_t req;

  CHECK(uv_loop_init(&loop) == 0);
  from = bench_create_file(from_path, FILE_SIZE);
  to = bench_create_file(to_path, FILE_SIZE);
  left_to_start = copies;
  stopwatch_start(&watch);
  next(&loop, &req);
  CHECK(uv_run(&loop, UV_RUN_DEFAULT) == 0);
  stopwatch_stop(&watch);
  bench_report(metric, (double) copies * (FILE_SIZE >> 20), "MiB", &watch);
  CHECK(unlink(from_path) == 0 && unlink(to_path) == 0);
  CHECK(close(from) == 0 && close(to) == 0);
  bench_close_loop(&loop);
}

BENCH(fs_copyfile) {
  copy_many("fs_copyfile", copy_next);
}

BENCH(fs_sendfile) {
  copy_many("fs_sendfile", send_next);
}
