/* expect: handle-overwritten uv_run
 * A struct is cleared while a handle in it is open. */
#include <string.h>
#include <uv.h>

static struct {
  uv_async_t async;
  int count;
} state;

int main(void) {
  uv_async_init(uv_default_loop(), &state.async, NULL);
  memset(&state, 0, sizeof(state));
  return uv_run(uv_default_loop(), UV_RUN_NOWAIT);
}
