/* expect: moved-handle uv_timer_stop
 * An array of handles grows, which moves them. */
#include <stdlib.h>
#include <uv.h>

static void on_timer(uv_timer_t* timer) {
  (void) timer;
}


int main(void) {
  uv_timer_t* timers = malloc(sizeof(*timers));
  void* between;

  uv_timer_init(uv_default_loop(), timers);
  uv_timer_start(timers, on_timer, 10, 0);
  between = malloc(1);
  timers = realloc(timers, 1000 * sizeof(*timers));
  uv_timer_stop(timers);
  free(between);
  return 0;
}
