/* A thread wakes the loop. Sends may coalesce, so the data is passed through
 * memory with a lock, and the callback takes all of it. */
#include <pthread.h>
#include <stdio.h>
#include <uv.h>

enum { MESSAGES = 1000 };

static uv_async_t wakeup;
static pthread_t thread;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int sent;

static void* produce(void* arg) {
  int i;

  (void) arg;
  for (i = 0; i < MESSAGES; i++) {
    pthread_mutex_lock(&lock);
    sent++;
    pthread_mutex_unlock(&lock);
    uv_async_send(&wakeup); /* any thread may call this function */
  }
  return NULL;
}

static void on_wakeup(uv_async_t* handle) {
  static int received, wakeups;

  pthread_mutex_lock(&lock);
  received = sent;
  pthread_mutex_unlock(&lock);
  wakeups++;
  if (received < MESSAGES) return;
  printf("%d messages in %d wake-ups\n", received, wakeups);
  /* The thread may still be in its last send, which needs an open handle. */
  pthread_join(thread, NULL);
  uv_close((uv_handle_t*) handle, NULL);
}

int main(void) {
  uv_loop_t* loop = uv_default_loop();

  uv_async_init(loop, &wakeup, on_wakeup);
  if (pthread_create(&thread, NULL, produce, NULL) != 0) return 1;
  uv_run(loop, UV_RUN_DEFAULT); /* returns when the handle is closed */
  return uv_loop_close(loop);
}
