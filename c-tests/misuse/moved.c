/* expect: moved-handle uv_timer_start
 * A struct with a handle is copied, and the copy is used. */
#include <uv.h>

static void on_timer(uv_timer_t* timer) {
  (void) timer;
}


struct job {
  uv_timer_t timer;
};

static struct job make(void) {
  struct job job;

  uv_timer_init(uv_default_loop(), &job.timer);
  return job;
}

int main(void) {
  static struct job job;

  job = make();
  return uv_timer_start(&job.timer, on_timer, 1, 0);
}
