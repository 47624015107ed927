/* expect: start-closing-handle uv_idle_start
 * A handle is started that is closing. */
#include <uv.h>

static void on_idle(uv_idle_t* idle) {
  uv_idle_stop(idle);
}

int main(void) {
  uv_idle_t idle;

  uv_idle_init(uv_default_loop(), &idle);
  uv_close((uv_handle_t*) &idle, NULL);
  uv_idle_start(&idle, on_idle);
  return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
