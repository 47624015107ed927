/* copy_file FROM TO: reads and writes in turn, one block at a time, without
 * ever blocking the loop. (uv_fs_copyfile does it in one call.) */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

static uv_loop_t* loop;
static uv_fs_t from, to, io;
static char block[64 * 1024];
static size_t filled;  /* bytes of the block that were read ... */
static size_t written; /* ... and of those, the bytes that were written */
static unsigned long long total;

/* Returns the request's result and frees its memory. */
static size_t finish(uv_fs_t* req, const char* what) {
  ssize_t result = req->result;

  uv_fs_req_cleanup(req);
  if (result >= 0) return (size_t) result;
  fprintf(stderr, "%s: %s\n", what, uv_strerror((int) result));
  exit(1);
}

static void on_closed(uv_fs_t* req) {
  finish(req, "close");
}

static void on_read(uv_fs_t* req);
static void on_written(uv_fs_t* req);

static void read_block(void) {
  uv_buf_t buf = uv_buf_init(block, sizeof(block));
  uv_fs_read(loop, &io, (uv_file) from.result, &buf, 1, -1, on_read);
}

/* A write may write fewer bytes than requested. */
static void write_rest(void) {
  uv_buf_t buf = uv_buf_init(block + written, (unsigned) (filled - written));
  uv_fs_write(loop, &io, (uv_file) to.result, &buf, 1, -1, on_written);
}

static void on_read(uv_fs_t* req) {
  filled = finish(req, "read");
  written = 0;
  if (filled > 0) {
    write_rest();
    return;
  }
  printf("%llu bytes copied\n", total);
  uv_fs_close(loop, &from, (uv_file) from.result, on_closed);
  uv_fs_close(loop, &to, (uv_file) to.result, on_closed);
}

static void on_written(uv_fs_t* req) {
  size_t count = finish(req, "write");

  written += count;
  total += count;
  if (written < filled)
    write_rest();
  else
    read_block();
}

static void on_to_open(uv_fs_t* req) {
  finish(req, "cannot open the target");
  read_block();
}

static void on_from_open(uv_fs_t* req) {
  const char* target = req->data;

  finish(req, "cannot open the source");
  uv_fs_open(loop, &to, target, UV_FS_O_WRONLY | UV_FS_O_CREAT | UV_FS_O_TRUNC,
             0644, on_to_open);
}

int main(int argc, char** argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: %s FROM TO\n", argv[0]);
    return 2;
  }
  loop = uv_default_loop();
  from.data = argv[2];
  uv_fs_open(loop, &from, argv[1], UV_FS_O_RDONLY, 0, on_from_open);
  uv_run(loop, UV_RUN_DEFAULT);
  return uv_loop_close(loop);
}
