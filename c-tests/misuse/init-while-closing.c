/* expect: init-over-active-handle uv_idle_init
 * A handle is initialised again before its close callback. */
#include <uv.h>

int main(void) {
  uv_idle_t idle;

  uv_idle_init(uv_default_loop(), &idle);
  uv_close((uv_handle_t*) &idle, NULL);
  uv_idle_init(uv_default_loop(), &idle);
  return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
