/* expect: double-close uv_close
 * A walk closes all handles, without asking whether one is closing. */
#include <uv.h>

static void close_it(uv_handle_t* handle, void* arg) {
  (void) arg;
  uv_close(handle, NULL);
}

int main(void) {
  uv_timer_t timers[2];

  uv_timer_init(uv_default_loop(), &timers[0]);
  uv_timer_init(uv_default_loop(), &timers[1]);
  uv_close((uv_handle_t*) &timers[1], NULL);
  uv_walk(uv_default_loop(), close_it, NULL);
  return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
