/* expect: handle-overwritten uv_run
 * A started timer is freed. */
#include <stdlib.h>
#include <uv.h>

static void on_timer(uv_timer_t* timer) {
  (void) timer;
}


int main(void) {
  uv_timer_t* timer = malloc(sizeof(*timer));

  uv_timer_init(uv_default_loop(), timer);
  uv_timer_start(timer, on_timer, 10, 0);
  free(timer);
  return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
