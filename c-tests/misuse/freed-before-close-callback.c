/* expect: handle-overwritten uv_run
 * A handle is freed when uv_close() has returned. */
#include <stdlib.h>
#include <uv.h>

int main(void) {
  uv_check_t* check = malloc(sizeof(*check));

  uv_check_init(uv_default_loop(), check);
  uv_close((uv_handle_t*) check, NULL);
  free(check);
  return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
