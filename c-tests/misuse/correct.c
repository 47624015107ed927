/* expect: nothing
 * A program without a mistake: handles that are used again, a loop that moves to another thread. */
#include <uv.h>

static uv_loop_t loop;
static uv_timer_t timer;
static int closed;

static void on_close(uv_handle_t* handle) {
  closed += uv_is_closing(handle);
  if (closed == 1) {
    uv_timer_init(handle->loop, &timer);
    uv_close((uv_handle_t*) &timer, on_close);
  }
}

static void on_timer(uv_timer_t* handle) {
  uv_close((uv_handle_t*) handle, on_close);
}

static void run(void* arg) {
  (void) arg;
  uv_run(&loop, UV_RUN_DEFAULT);
}

int main(void) {
  uv_thread_t thread;

  uv_loop_init(&loop);
  uv_timer_init(&loop, &timer);
  uv_timer_start(&timer, on_timer, 1, 0);
  uv_thread_create(&thread, run, NULL);
  uv_thread_join(&thread);
  if (uv_loop_close(&loop) != 0 || closed != 2)
    return 1;
  uv_loop_init(&loop);
  return uv_loop_close(&loop);
}
