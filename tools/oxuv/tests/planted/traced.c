/* Does a known sequence of things and ends, so that a trace of it can be compared. Each step starts the next. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#include "check.h"

static uv_loop_t* loop;
static uv_timer_t timer;
static uv_async_t async;
static uv_pipe_t ends[2];
static uv_write_t write_request;
static uv_work_t work_request;
static uv_fs_t fs_request;
static char room[64];

void on_close(uv_handle_t* handle) {
  (void) handle;
}

void on_alloc(uv_handle_t* handle, size_t size, uv_buf_t* buffer) {
  (void) handle;
  (void) size;
  *buffer = uv_buf_init(room, sizeof(room));
}

void on_read(uv_stream_t* stream, ssize_t length, const uv_buf_t* buffer) {
  (void) buffer;
  if (length != 5) exit(2);
  /* With OXUV_TRACED=kill the process ends here, in a callback. */
  if (getenv("OXUV_TRACED") != NULL) kill(getpid(), SIGKILL);
  uv_close((uv_handle_t*) stream, on_close);
  uv_close((uv_handle_t*) &ends[1], on_close);
}

void on_written(uv_write_t* request, int status) {
  (void) request;
  CHECK(status);
}

void on_async(uv_async_t* handle) {
  uv_buf_t buffer = uv_buf_init((char*) "12345", 5);
  uv_close((uv_handle_t*) handle, on_close);
  CHECK(uv_read_start((uv_stream_t*) &ends[0], on_alloc, on_read));
  CHECK(uv_write(&write_request, (uv_stream_t*) &ends[1], &buffer, 1, on_written));
}

void on_stat(uv_fs_t* request) {
  if (request->result != 0) exit(3);
  uv_fs_req_cleanup(request);
}

void work_on_thread(uv_work_t* request) {
  (void) request;
  CHECK(uv_async_send(&async));
}

void after_work(uv_work_t* request, int status) {
  (void) request;
  CHECK(status);
  CHECK(uv_fs_stat(loop, &fs_request, "/", on_stat));
}

void on_timer(uv_timer_t* handle) {
  CHECK(uv_queue_work(loop, &work_request, work_on_thread, after_work));
  uv_close((uv_handle_t*) handle, on_close);
}

int main(void) {
  int fds[2];
  loop = uv_default_loop();
  CHECK(uv_timer_init(loop, &timer));
  CHECK(uv_async_init(loop, &async, on_async));
  CHECK(uv_socketpair(SOCK_STREAM, 0, fds, UV_NONBLOCK_PIPE, UV_NONBLOCK_PIPE));
  for (int i = 0; i < 2; i++) {
    CHECK(uv_pipe_init(loop, &ends[i], 0));
    CHECK(uv_pipe_open(&ends[i], fds[i]));
  }
  CHECK(uv_timer_start(&timer, on_timer, 1, 0));
  CHECK(uv_run(loop, UV_RUN_DEFAULT));
  CHECK(uv_loop_close(loop));
  return 0;
}
