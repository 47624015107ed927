/* Several copies of the library in one process, and copies that are unloaded. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <signal.h>

#include "test-child.h"
#include "test-fs.h"

/* Functions of another copy. */
static struct copy {
  void* library;
  int (*loop_init)(uv_loop_t*);
  int (*loop_close)(uv_loop_t*);
  int (*run)(uv_loop_t*, uv_run_mode);
  int (*queue_work)(uv_loop_t*, uv_work_t*, uv_work_cb, uv_after_work_cb);
  int (*signal_init)(uv_loop_t*, uv_signal_t*);
  int (*signal_start)(uv_signal_t*, uv_signal_cb, int);
  void (*close)(uv_handle_t*, uv_close_cb);
} copy;

/* Copies the file of this library and loads the copy. */
static void load_copy(const char* name) {
  Dl_info info;
  uv_fs_t req;
  char path[512];
  ASSERT_NE(dladdr(dlsym(RTLD_DEFAULT, "uv_version"), &info), 0);
  snprintf(path, sizeof(path), "%s", test_path(name));
  ASSERT_OK(uv_fs_copyfile(NULL, &req, info.dli_fname, path, 0, NULL));
  uv_fs_req_cleanup(&req);
  /* Otherwise its own calls of exported functions would lead to the first copy. */
  copy.library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
  if (copy.library == NULL) test_fail(__FILE__, __LINE__, "%s", dlerror());
#define FIND(field, function)                                                 \
  *(void**) &copy.field = dlsym(copy.library, function);                      \
  ASSERT_NOT_NULL(*(void**) &copy.field)
  FIND(loop_init, "uv_loop_init");
  FIND(loop_close, "uv_loop_close");
  FIND(run, "uv_run");
  FIND(queue_work, "uv_queue_work");
  FIND(signal_init, "uv_signal_init");
  FIND(signal_start, "uv_signal_start");
  FIND(close, "uv_close");
  ASSERT((void*) copy.loop_init != dlsym(RTLD_DEFAULT, "uv_loop_init"));
}

static int threads(void) {
  DIR* directory = opendir("/proc/self/task");
  int count = 0;
  ASSERT_NOT_NULL(directory);
  while (readdir(directory) != NULL) count++;
  closedir(directory);
  return count - 2;
}

static int worked, caught;
static void work(uv_work_t* req) { (void) req; }
static void after(uv_work_t* req, int status) { (void) req; ASSERT_OK(status); worked++; }
static void on_signal(uv_signal_t* handle, int number) { (void) number; caught++; copy.close((uv_handle_t*) handle, NULL); }

/* Runs work and catches a signal on a loop of the copy. */
static void use_copy(void) {
  uv_loop_t loop;
  uv_work_t works[8];
  uv_signal_t handle;
  int i;
  worked = caught = 0;
  ASSERT_OK(copy.loop_init(&loop));
  for (i = 0; i < 8; i++) ASSERT_OK(copy.queue_work(&loop, &works[i], work, after));
  ASSERT_OK(copy.signal_init(&loop, &handle));
  ASSERT_OK(copy.signal_start(&handle, on_signal, SIGWINCH));
  ASSERT_OK(kill(getpid(), SIGWINCH));
  ASSERT_OK(copy.run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(worked, 8);
  ASSERT_EQ(caught, 1);
  ASSERT_OK(copy.loop_close(&loop));
}

/* The threads of a copy's pool end when it is unloaded, and signals and forks find nothing of it. */
TEST(copies_unloaded_with_live_threads) {
  int before = threads(), i;
  pid_t pid;
  for (i = 0; i < 5; i++) {
    load_copy("copy.so");
    use_copy();
    ASSERT_GT(threads(), before);
    ASSERT_OK(dlclose(copy.library));
    ASSERT_EQ(threads(), before);
    ASSERT_OK(kill(getpid(), SIGWINCH));
    pid = fork();
    ASSERT_GE(pid, 0);
    if (pid == 0) _exit(0);
    await_child(pid);
  }
}

/* Each has its own pool, and takes nothing from the other. */
TEST(copies_beside_each_other) {
  uv_loop_t loop;
  uv_work_t works[8];
  int i, round;
  load_copy("copy.so");
  ASSERT_OK(uv_loop_init(&loop));
  for (round = 0; round < 3; round++) {
    use_copy();
    worked = 0;
    for (i = 0; i < 8; i++) ASSERT_OK(uv_queue_work(&loop, &works[i], work, after));
    ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
    ASSERT_EQ(worked, 8);
  }
  ASSERT_OK(dlclose(copy.library));
  worked = 0;
  ASSERT_OK(uv_queue_work(&loop, &works[0], work, after));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(worked, 1);
  CLOSE_LOOP(&loop);
}
