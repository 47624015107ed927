/* expect: nested-run uv_run
 * A callback runs its own loop. */
#include <uv.h>

static void on_timer(uv_timer_t* timer) {
  uv_run(timer->loop, UV_RUN_NOWAIT);
}

int main(void) {
  uv_timer_t timer;

  uv_timer_init(uv_default_loop(), &timer);
  uv_timer_start(&timer, on_timer, 1, 0);
  return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
