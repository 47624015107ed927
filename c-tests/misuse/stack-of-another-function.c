/* expect: handle-overwritten uv_run
 * A handle is a local variable of a function that has returned. */
#include <string.h>
#include <uv.h>

static void on_timer(uv_timer_t* timer) {
  (void) timer;
}


__attribute__((noinline))
static void start(void) {
  uv_timer_t timer;

  uv_timer_init(uv_default_loop(), &timer);
  uv_timer_start(&timer, on_timer, 10, 0);
}

__attribute__((noinline))
static void use_stack(void) {
  volatile char other[1024];

  memset((char*) other, 'x', sizeof(other));
}

int main(void) {
  start();
  use_stack();
  return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
