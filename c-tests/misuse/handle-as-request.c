/* expect: wrong-type uv_queue_work
 * The memory of an open handle is used for a request. */
#include <uv.h>

static void nothing(uv_work_t* work) {
  (void) work;
}

int main(void) {
  union {
    uv_timer_t timer;
    uv_work_t work;
  } memory;

  uv_timer_init(uv_default_loop(), &memory.timer);
  uv_queue_work(uv_default_loop(), &memory.work, nothing, NULL);
  return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
