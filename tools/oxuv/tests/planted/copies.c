/* Opens the libraries whose paths are given, and makes and runs a loop of each, which has as many handles as its
 * number. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <uv.h>

static void on_timer(uv_timer_t* timer) {
  (void) timer;
}

static void* function(void* library, const char* name) {
  void* found = dlsym(library, name);
  if (found == NULL) exit(1);
  return found;
}

int main(int argc, char** argv) {
  /* Lets others read it where Yama restricts that to parents. */
  prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
  for (int i = 1; i < argc; i++) {
    void* library = dlopen(argv[i], RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
      fprintf(stderr, "%s\n", dlerror());
      return 1;
    }
    int (*init)(uv_loop_t*) = (int (*)(uv_loop_t*)) function(library, "uv_loop_init");
    int (*run)(uv_loop_t*, uv_run_mode) =
        (int (*)(uv_loop_t*, uv_run_mode)) function(library, "uv_run");
    int (*timer_init)(uv_loop_t*, uv_timer_t*) =
        (int (*)(uv_loop_t*, uv_timer_t*)) function(library, "uv_timer_init");
    int (*timer_start)(uv_timer_t*, uv_timer_cb, uint64_t, uint64_t) =
        (int (*)(uv_timer_t*, uv_timer_cb, uint64_t, uint64_t)) function(library, "uv_timer_start");
    uv_loop_t* loop = malloc(sizeof *loop);
    init(loop);
    for (int j = 0; j < i; j++) {
      uv_timer_t* timer = malloc(sizeof *timer);
      timer_init(loop, timer);
      timer_start(timer, on_timer, 3600 * 1000, 0);
    }
    run(loop, UV_RUN_NOWAIT);
  }
  puts("ready");
  fflush(stdout);
  for (;;) pause();
}
