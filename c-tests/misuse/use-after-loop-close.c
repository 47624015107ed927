/* expect: use-after-loop-close uv_run
 * A closed loop is run. */
#include <uv.h>

int main(void) {
  uv_loop_t loop;

  uv_loop_init(&loop);
  uv_loop_close(&loop);
  return uv_run(&loop, UV_RUN_DEFAULT);
}
