/* expect: null-callback uv_walk
 * A walk has no callback. */
#include <uv.h>

int main(void) {
  uv_timer_t timer;

  uv_timer_init(uv_default_loop(), &timer);
  uv_walk(uv_default_loop(), NULL, NULL);
  return 0;
}
