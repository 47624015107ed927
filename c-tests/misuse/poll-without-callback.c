/* expect: null-callback uv_run
 * A poll handle is started without a callback. */
#include <uv.h>

int main(void) {
  uv_poll_t poll;
  int ends[2];

  uv_pipe(ends, 0, 0);
  uv_poll_init(uv_default_loop(), &poll, ends[1]);
  uv_poll_start(&poll, UV_WRITABLE, NULL);
  return uv_run(uv_default_loop(), UV_RUN_ONCE);
}
