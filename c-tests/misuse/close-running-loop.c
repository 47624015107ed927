/* expect: close-running-loop uv_loop_close
 * A callback closes the loop that runs it. */
#include <uv.h>

static void on_done(uv_work_t* work, int status) {
  (void) status;
  uv_loop_close(work->loop);
}

static void nothing(uv_work_t* work) {
  (void) work;
}

int main(void) {
  uv_work_t work;

  uv_queue_work(uv_default_loop(), &work, nothing, on_done);
  return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
