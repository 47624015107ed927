/* expect: use-after-close uv_async_send
 * A thread sends to an async handle after its close callback. */
#include <uv.h>

static uv_async_t async;

static void send_late(void* arg) {
  (void) arg;
  uv_async_send(&async);
}

int main(void) {
  uv_thread_t thread;

  uv_async_init(uv_default_loop(), &async, NULL);
  uv_close((uv_handle_t*) &async, NULL);
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  uv_thread_create(&thread, send_late, NULL);
  return uv_thread_join(&thread);
}
