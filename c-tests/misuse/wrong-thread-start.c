/* expect: wrong-thread uv_timer_start
 * A thread starts a timer of a loop that another thread runs. */
#include "thread.h"

static void on_timer(uv_timer_t* timer) {
  (void) timer;
}

int main(void) {
  static uv_timer_t timer;

  uv_timer_init(uv_default_loop(), &timer);
  start_thread();
  return uv_timer_start(&timer, on_timer, 1, 0);
}
