/* expect: wrong-thread uv_write
 * A thread writes to a stream of a loop that another thread runs. */
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

int main(void) {
  static uv_pipe_t pipe;
  static uv_write_t request;
  uv_buf_t buffer = uv_buf_init("x", 1);
  int ends[2];

  uv_pipe(ends, 0, 0);
  uv_pipe_init(uv_default_loop(), &pipe, 0);
  uv_pipe_open(&pipe, ends[1]);
  start_thread();
  return uv_write(&request, (uv_stream_t*) &pipe, &buffer, 1, NULL);
}
