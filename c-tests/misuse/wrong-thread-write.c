/* expect: wrong-thread uv_write
 * A thread writes to a stream of a loop that another thread runs. */
#include "thread.h"

int main(void) {
  static uv_pipe_t pipe;
  static uv_write_t request;
  uv_buf_t buffer = uv_buf_init("x", 1);
  int ends[2];

  uv_pipe(ends, 0, 0);
  uv_pipe_init(uv_default_loop(), &pipe, 0);
  uv_pipe_open(&pipe, ends[1]);
  start_thread();
  return uv_write(&request, (uv_stream_t*) &pipe, &buffer, 1, NULL);
}
