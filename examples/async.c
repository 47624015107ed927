/* A thread wakes the loop. Sends may coalesce, so what there is to tell goes
 * through memory with a lock, and the callback takes all of it. */
#include <stdio.h>
#include <uv.h>

enum { MESSAGES = 1000 };

static uv_async_t wakeup;
static uv_thread_t thread;
static uv_mutex_t lock;
static int sent;

static void produce(void* arg) {
  int i;

  (void) arg;
  for (i = 0; i < MESSAGES; i++) {
    uv_mutex_lock(&lock);
    sent++;
    uv_mutex_unlock(&lock);
    uv_async_send(&wakeup); /* the one function every thread may call */
  }
}

static void on_wakeup(uv_async_t* handle) {
  static int received, wakeups;

  uv_mutex_lock(&lock);
  received = sent;
  uv_mutex_unlock(&lock);
  wakeups++;
  if (received < MESSAGES) return;
  printf("%d messages in %d wake-ups\n", received, wakeups);
  /* The thread may still be inside its last send, which needs an open handle.
   */
  uv_thread_join(&thread);
  uv_close((uv_handle_t*) handle, NULL);
}

int main(void) {
  uv_loop_t* loop = uv_default_loop();

  uv_mutex_init(&lock);
  uv_async_init(loop, &wakeup, on_wakeup);
  uv_thread_create(&thread, produce, NULL);
  uv_run(loop, UV_RUN_DEFAULT); /* returns when the handle is closed */
  uv_mutex_destroy(&lock);
  return uv_loop_close(loop);
}
