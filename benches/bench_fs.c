/* File system requests through the thread pool. */
#include "bench.h"

#include <fcntl.h>

static int left_to_start;

/* ---- stat --------------------------------------------------------------- */

static void on_stat(uv_fs_t* req) {
  CHECK(req->result == 0);
  uv_fs_req_cleanup(req);
  if (left_to_start == 0) return;
  left_to_start--;
  CHECK(uv_fs_stat(req->loop, req, ".", on_stat) == 0);
}

/* Keeps `depth` requests in flight: each callback issues the next. */
static void stat_many(const char* name, int depth, int total) {
  struct stopwatch watch = {0, 0};
  uv_fs_t* reqs = calloc(depth, sizeof(*reqs));
  uv_loop_t loop;
  int i;

  CHECK(reqs != NULL);
  CHECK(uv_loop_init(&loop) == 0);
  left_to_start = total - depth;
  stopwatch_start(&watch);
  for (i = 0; i < depth; i++)
    CHECK(uv_fs_stat(&loop, &reqs[i], ".", on_stat) == 0);
  CHECK(uv_run(&loop, UV_RUN_DEFAULT) == 0);
  stopwatch_stop(&watch);
  bench_report(name, total, "requests", &watch);
  bench_close_loop(&loop);
  free(reqs);
}

BENCH(fs_stat_1) {
  stat_many("fs_stat_1", 1, bench_count(20000));
}

BENCH(fs_stat_64) {
  stat_many("fs_stat_64", 64, bench_count(400000));
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

/* A file that is gone as soon as it is closed, its pages in the cache. */
static uv_file scratch_file(int64_t size) {
  static char block[64 * 1024];
  uv_buf_t buf = uv_buf_init(block, sizeof(block));
  const char* directory = getenv("TMPDIR");
  char path[256];
  int64_t offset;
  uv_file file;
  uv_fs_t made, req;

  snprintf(path, sizeof(path), "%s/oxuv-bench-XXXXXX",
           directory != NULL ? directory : "/tmp");
  file = uv_fs_mkstemp(NULL, &made, path, NULL);
  CHECK(file >= 0);
  CHECK(uv_fs_unlink(NULL, &req, made.path, NULL) == 0);
  uv_fs_req_cleanup(&req);
  uv_fs_req_cleanup(&made);
  memset(block, 'x', sizeof(block));
  for (offset = 0; offset < size; offset += (int64_t) sizeof(block)) {
    CHECK(uv_fs_write(NULL, &req, file, &buf, 1, offset, NULL) ==
          (int) sizeof(block));
  }
  return file;
}

/* Sequential reads over a cached file, one in flight. */
static void read_many(const char* name, int block, int total) {
  struct stopwatch watch = {0, 0};
  struct reader reader;
  uv_loop_t loop;
  uv_fs_t req;

  CHECK(uv_loop_init(&loop) == 0);
  reader.size = 32 * 1024 * 1024;
  reader.file = scratch_file(reader.size);
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
  CHECK(uv_fs_close(NULL, &req, reader.file, NULL) == 0);
  bench_close_loop(&loop);
  free(reader.buf.base);
}

BENCH(fs_read_4k) {
  read_many("fs_read_4k", 4 * 1024, bench_count(20000));
}

BENCH(fs_read_64k) {
  read_many("fs_read_64k", 64 * 1024, bench_count(15000));
}
