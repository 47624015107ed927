/* expect: cleanup-active-request uv_fs_req_cleanup
 * A file request is cleaned up before its callback. */
#include <uv.h>

static void on_stat(uv_fs_t* request) {
  (void) request;
}

int main(void) {
  uv_fs_t request;

  uv_fs_stat(uv_default_loop(), &request, "/", on_stat);
  uv_fs_req_cleanup(&request);
  return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
