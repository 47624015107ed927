/* expect: init-over-active-handle uv_timer_init
 * A started timer is initialised again. */
#include <uv.h>

static void on_timer(uv_timer_t* timer) {
  (void) timer;
}


int main(void) {
  uv_timer_t timer;

  uv_timer_init(uv_default_loop(), &timer);
  uv_timer_start(&timer, on_timer, 10, 0);
  uv_timer_init(uv_default_loop(), &timer);
  return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
