/* expect: use-before-init uv_timer_start
 * A timer is started that was not initialised. */
#include <uv.h>

static void on_timer(uv_timer_t* timer) {
  (void) timer;
}


int main(void) {
  static uv_timer_t timer;

  uv_timer_start(&timer, on_timer, 10, 0);
  return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
