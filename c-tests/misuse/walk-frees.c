/* expect: handle-overwritten uv_walk
 * A walk frees the handles, without closing them. */
#include <stdlib.h>
#include <uv.h>

static void free_it(uv_handle_t* handle, void* arg) {
  (void) arg;
  free(handle);
}

int main(void) {
  uv_timer_t* timer = malloc(sizeof(*timer));

  uv_timer_init(uv_default_loop(), timer);
  uv_walk(uv_default_loop(), free_it, NULL);
  return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
