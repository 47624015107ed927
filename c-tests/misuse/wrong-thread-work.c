/* expect: wrong-thread uv_queue_work
 * A worker of the pool queues more work itself. */
#include <uv.h>

static uv_sem_t runs;
static uv_work_t first, second;

static void nothing(uv_work_t* work) {
  (void) work;
}

static void queue_more(uv_work_t* work) {
  uv_sem_wait(&runs);
  uv_queue_work(work->loop, &second, nothing, NULL);
}

static void on_timer(uv_timer_t* timer) {
  (void) timer;
  uv_sem_post(&runs);
}

int main(void) {
  uv_timer_t timer;

  uv_sem_init(&runs, 0);
  uv_queue_work(uv_default_loop(), &first, queue_more, NULL);
  uv_timer_init(uv_default_loop(), &timer);
  uv_timer_start(&timer, on_timer, 1, 0);
  return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
