/* expect: request-active uv_queue_work
 * A work request is queued while it is queued already. */
#include <uv.h>

static void nothing(uv_work_t* work) {
  (void) work;
}

int main(void) {
  uv_work_t work;

  uv_queue_work(uv_default_loop(), &work, nothing, NULL);
  uv_queue_work(uv_default_loop(), &work, nothing, NULL);
  return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
