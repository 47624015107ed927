/* expect: request-active uv_write
 * One write request is used for two writes. */
#include <uv.h>

static void on_written(uv_write_t* request, int status) {
  (void) request;
  (void) status;
}

int main(void) {
  uv_pipe_t pipe;
  uv_write_t request;
  uv_buf_t buffer = uv_buf_init("x", 1);
  int ends[2];

  uv_pipe(ends, 0, 0);
  uv_pipe_init(uv_default_loop(), &pipe, 0);
  uv_pipe_open(&pipe, ends[1]);
  uv_write(&request, (uv_stream_t*) &pipe, &buffer, 1, on_written);
  uv_write(&request, (uv_stream_t*) &pipe, &buffer, 1, on_written);
  return uv_run(uv_default_loop(), UV_RUN_NOWAIT);
}
