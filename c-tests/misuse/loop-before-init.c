/* expect: use-before-init uv_timer_init
 * A handle is made on a loop that was not initialised. */
#include <uv.h>

int main(void) {
  static uv_loop_t loop;
  uv_timer_t timer;

  return uv_timer_init(&loop, &timer);
}
