/* expect: fork-without-loop-fork uv_run
 * The child of a fork runs the loop of its parent. */
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

static void on_timer(uv_timer_t* timer) {
  (void) timer;
}


int main(void) {
  uv_timer_t timer;
  int status = 0;

  uv_timer_init(uv_default_loop(), &timer);
  uv_timer_start(&timer, on_timer, 1, 0);
  if (fork() == 0)
    return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  wait(&status);
  return WEXITSTATUS(status);
}
