/* expect: double-close uv_close
 * A handle is closed twice. */
#include <uv.h>

int main(void) {
  uv_timer_t timer;

  uv_timer_init(uv_default_loop(), &timer);
  uv_close((uv_handle_t*) &timer, NULL);
  uv_close((uv_handle_t*) &timer, NULL);
  return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
