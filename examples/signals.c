/* Signals as events: their callbacks run in the loop, where any function may be
 * called. The second handle is one-shot. */
#include <signal.h>
#include <stdio.h>
#include <uv.h>

static void on_usr1(uv_signal_t* handle, int signum) {
  static int count;

  printf("signal %d, time %d\n", signum, ++count);
  if (count < 3)
    raise(SIGUSR1);
  else
    uv_close((uv_handle_t*) handle, NULL);
}

static void on_usr2(uv_signal_t* handle, int signum) {
  printf("signal %d, once\n", signum);
  uv_close((uv_handle_t*) handle, NULL);
  raise(SIGUSR1);
}

int main(void) {
  uv_loop_t* loop = uv_default_loop();
  uv_signal_t usr1, usr2;

  uv_signal_init(loop, &usr1);
  uv_signal_init(loop, &usr2);
  uv_signal_start(&usr1, on_usr1, SIGUSR1);
  uv_signal_start_oneshot(&usr2, on_usr2, SIGUSR2);
  raise(SIGUSR2);
  uv_run(loop, UV_RUN_DEFAULT);
  return uv_loop_close(loop);
}
