/* expect: use-after-close uv_prepare_start
 * A handle is started after its close callback. */
#include <uv.h>

static void on_prepare(uv_prepare_t* prepare) {
  uv_prepare_stop(prepare);
}

int main(void) {
  uv_prepare_t prepare;

  uv_prepare_init(uv_default_loop(), &prepare);
  uv_close((uv_handle_t*) &prepare, NULL);
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  uv_prepare_start(&prepare, on_prepare);
  return uv_run(uv_default_loop(), UV_RUN_NOWAIT);
}
