/* expect: request-overwritten uv_run
 * A request is freed while the pool has it. */
#include <stdlib.h>
#include <uv.h>

static uv_sem_t begun, go;

static void wait(uv_work_t* work) {
  (void) work;
  uv_sem_post(&begun);
  uv_sem_wait(&go);
}

static void on_timer(uv_timer_t* timer) {
  (void) timer;
  uv_sem_post(&go);
}

int main(void) {
  uv_work_t* work = malloc(sizeof(*work));
  uv_timer_t timer;

  uv_sem_init(&begun, 0);
  uv_sem_init(&go, 0);
  uv_timer_init(uv_default_loop(), &timer);
  uv_timer_start(&timer, on_timer, 50, 0);
  uv_queue_work(uv_default_loop(), work, wait, NULL);
  uv_sem_wait(&begun);
  free(work);
  return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
