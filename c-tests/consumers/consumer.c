/* A program as a user of the package writes it. Prints the version it was
 * compiled for, the version it runs on, and the libuv.so that is mapped. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

static int fired;

static void on_timer(uv_timer_t* timer) {
  fired++;
  uv_close((uv_handle_t*) timer, NULL);
  /* The stack is unwound through uv_run(). */
  pthread_exit(timer);
}

static void* run(void* loop) {
  uv_run(loop, UV_RUN_DEFAULT);
  return NULL;
}

static void print_mapped_library(void) {
  char line[4096];
  char* path = NULL;
  FILE* maps = fopen("/proc/self/maps", "r");

  if (maps == NULL)
    return;
  while (path == NULL && fgets(line, sizeof(line), maps) != NULL)
    if (strstr(line, "/libuv.so") != NULL)
      path = strchr(line, '/');
  printf("%s", path != NULL ? path : "static\n");
  fclose(maps);
}

int main(void) {
  uv_loop_t loop;
  uv_timer_t timer;
  pthread_t thread;
  void* result;

  if (uv_loop_init(&loop) != 0 ||
      uv_timer_init(&loop, &timer) != 0 ||
      uv_timer_start(&timer, on_timer, 1, 0) != 0 ||
      pthread_create(&thread, NULL, run, &loop) != 0 ||
      pthread_join(thread, &result) != 0 ||
      result != &timer ||
      uv_run(&loop, UV_RUN_DEFAULT) != 0 ||
      uv_loop_close(&loop) != 0 ||
      fired != 1)
    return 1;
  printf("%d.%d.%d %s ", UV_VERSION_MAJOR, UV_VERSION_MINOR, UV_VERSION_PATCH,
         uv_version_string());
  print_mapped_library();
  return 0;
}
