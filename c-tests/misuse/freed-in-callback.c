/* expect: handle-overwritten uv_run
 * A timer frees itself in its own callback. */
#include <stdlib.h>
#include <uv.h>

static void on_timer(uv_timer_t* timer) {
  free(timer);
}

int main(void) {
  uv_timer_t* timer = malloc(sizeof(*timer));

  uv_timer_init(uv_default_loop(), timer);
  uv_timer_start(timer, on_timer, 1, 0);
  return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
