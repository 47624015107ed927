/* expect: request-overwritten uv_run
 * A request is a local variable of a function that has returned. */
#include <string.h>
#include <unistd.h>
#include <uv.h>

static void on_stat(uv_fs_t* request) {
  uv_fs_req_cleanup(request);
}

__attribute__((noinline))
static void begin(void) {
  uv_fs_t request;

  uv_fs_stat(uv_default_loop(), &request, "/", on_stat);
  /* Until the pool does not write to it any more. */
  usleep(100000);
}

__attribute__((noinline))
static void use_stack(void) {
  volatile char other[2048];

  memset((char*) other, 'x', sizeof(other));
}

int main(void) {
  begin();
  use_stack();
  return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
