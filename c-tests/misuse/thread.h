/* The default loop, run by another thread. */
#include <uv.h>

static uv_loop_t* loop;
static uv_async_t started;
static uv_sem_t runs;

static void on_started(uv_async_t* async) {
  (void) async;
  uv_sem_post(&runs);
}

static void run(void* arg) {
  (void) arg;
  uv_run(loop, UV_RUN_DEFAULT);
}

/* Runs the loop in a thread, and waits until it does. */
static void start_thread(void) {
  uv_thread_t thread;

  loop = uv_default_loop();
  uv_sem_init(&runs, 0);
  uv_async_init(loop, &started, on_started);
  uv_async_send(&started);
  uv_thread_create(&thread, run, NULL);
  uv_sem_wait(&runs);
}
