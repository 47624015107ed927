/* expect: close-busy-loop uv_loop_close
 * A loop with an open handle is closed, and the error ignored. */
#include <uv.h>

int main(void) {
  uv_loop_t loop;
  uv_timer_t timer;

  uv_loop_init(&loop);
  uv_timer_init(&loop, &timer);
  uv_loop_close(&loop);
  return 0;
}
