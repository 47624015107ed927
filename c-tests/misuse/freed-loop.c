/* expect: loop-overwritten uv_run
 * A loop is freed without being closed, and run. */
#include <stdlib.h>
#include <string.h>
#include <uv.h>

int main(void) {
  uv_loop_t* volatile loop = malloc(sizeof(*loop));

  uv_loop_init(loop);
  memset(loop, 'x', sizeof(*loop));
  free(loop);
  return uv_run(loop, UV_RUN_DEFAULT);
}
