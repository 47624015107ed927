/* A timer that fires once, and one that repeats until it is stopped. */
#include <stdio.h>
#include <uv.h>

static void on_once(uv_timer_t* timer) {
  (void) timer;
  puts("once");
}

static void on_repeat(uv_timer_t* timer) {
  int* left = timer->data;
  printf("repeat, %d left\n", --*left);
  if (*left == 0) uv_timer_stop(timer);
}

int main(void) {
  uv_loop_t* loop = uv_default_loop();
  uv_timer_t once, repeat;
  int left = 3;

  uv_timer_init(loop, &once);
  uv_timer_init(loop, &repeat);
  repeat.data = &left;
  uv_timer_start(&once, on_once, 5, 0);
  uv_timer_start(&repeat, on_repeat, 20, 20); /* every 20 ms */

  uv_run(loop, UV_RUN_DEFAULT); /* returns when no timer is active */

  uv_close((uv_handle_t*) &once, NULL);
  uv_close((uv_handle_t*) &repeat, NULL);
  uv_run(loop, UV_RUN_DEFAULT); /* a handle is closed by the loop */
  return uv_loop_close(loop);
}
