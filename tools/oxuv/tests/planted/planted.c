/* Programs with one thing in them that is to be found from outside. `planted NAME` prints "ready" and then stays in
 * that state until it is killed. */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <uv.h>

#include "check.h"

static uv_loop_t* loop;
static sem_t started;
static sem_t never;

static void ready(void) {
  puts("ready");
  fflush(stdout);
}

static void wait_forever(void) {
  for (;;) sem_wait(&never);
}

static struct sockaddr* local(int port) {
  static struct sockaddr_in address;
  CHECK(uv_ip4_addr("127.0.0.1", port, &address));
  return (struct sockaddr*) &address;
}

/* ---- a callback that does not return -------------------------------------- */

void callback_that_blocks(uv_timer_t* timer) {
  (void) timer;
  ready();
  wait_forever();
}

static void plant_callback(void) {
  static uv_timer_t timer;
  CHECK(uv_timer_init(loop, &timer));
  CHECK(uv_timer_start(&timer, callback_that_blocks, 1, 0));
}

void idle_that_blocks(uv_idle_t* idle) {
  (void) idle;
  ready();
  wait_forever();
}

static void plant_idle(void) {
  static uv_idle_t idle;
  CHECK(uv_idle_init(loop, &idle));
  CHECK(uv_idle_start(&idle, idle_that_blocks));
}

__attribute__((noinline)) uint64_t spin_inside(uint64_t end) {
  uint64_t now;
  do now = uv_hrtime();
  while (now < end);
  return now;
}

__attribute__((noinline)) uint64_t spin(uint64_t end) {
  return spin_inside(end) - end;
}

void callback_of_300_ms(uv_timer_t* timer) {
  timer->data = (void*) (uintptr_t) (spin(uv_hrtime() + 300 * 1000 * 1000) + 1);
}

static void plant_slow(void) {
  static uv_timer_t timer;
  CHECK(uv_timer_init(loop, &timer));
  CHECK(uv_timer_start(&timer, callback_of_300_ms, 1, 100));
  ready();
}

/* ---- code that no file has, as of a JIT compiler ------------------------------ */

static void (*compiled)(void (*function)(void));

void spin_always(void) {
  while (spin(uv_hrtime() + 1000) < UINT64_MAX) {
  }
}

void callback_of_compiled_code(uv_timer_t* timer) {
  (void) timer;
  compiled(spin_always);
}

static void plant_jit(void) {
  /* Makes a frame and calls its argument. */
#ifdef __x86_64__
  static const unsigned char code[] = {0x55, 0x48, 0x89, 0xe5, 0xff, 0xd7, 0x5d, 0xc3};
#else
  static const unsigned char code[] = {0xfd, 0x7b, 0xbf, 0xa9, 0xfd, 0x03, 0x00, 0x91, 0x00, 0x00,
                                       0x3f, 0xd6, 0xfd, 0x7b, 0xc1, 0xa8, 0xc0, 0x03, 0x5f, 0xd6};
#endif
  static uv_timer_t timer;
  void* page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memcpy(page, code, sizeof(code));
  CHECK(mprotect(page, 4096, PROT_READ | PROT_EXEC));
  __builtin___clear_cache((char*) page, (char*) page + sizeof(code));
  memcpy(&compiled, &page, sizeof(page));
  CHECK(uv_timer_init(loop, &timer));
  CHECK(uv_timer_start(&timer, callback_of_compiled_code, 1, 0));
  printf("%lx\n", (unsigned long) page);
  ready();
}

/* ---- a timer that keeps the process alive ---------------------------------- */

void timer_that_repeats(uv_timer_t* timer) {
  (void) timer;
}

static void plant_timer(void) {
  static uv_timer_t timer, unreferenced;
  CHECK(uv_timer_init(loop, &timer));
  CHECK(uv_timer_start(&timer, timer_that_repeats, 3600 * 1000, 5000));
  CHECK(uv_timer_init(loop, &unreferenced));
  CHECK(uv_timer_start(&unreferenced, timer_that_repeats, 1800 * 1000, 0));
  uv_unref((uv_handle_t*) &unreferenced);
  ready();
}

/* ---- sockets ----------------------------------------------------------------- */

static uv_tcp_t server, client, accepted;

void on_read(uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer) {
  (void) stream, (void) size, (void) buffer;
}

void on_alloc(uv_handle_t* handle, size_t size, uv_buf_t* buffer) {
  (void) handle, (void) size;
  *buffer = uv_buf_init(NULL, 0);
}

void on_written(uv_write_t* request, int status) {
  (void) request, (void) status;
}

static void on_connected(uv_connect_t* request, int status) {
  CHECK(status);
  CHECK(uv_read_start(request->handle, on_alloc, on_read));
  if (request->data != NULL) {
    static uv_write_t write;
    static char bytes[32 << 20];
    uv_buf_t buffer = uv_buf_init(bytes, sizeof bytes);
    CHECK(uv_write(&write, request->handle, &buffer, 1, on_written));
  }
  ready();
}

/* The peer neither reads nor closes. */
void on_connection(uv_stream_t* stream, int status) {
  CHECK(status);
  CHECK(uv_tcp_init(loop, &accepted));
  CHECK(uv_accept(stream, (uv_stream_t*) &accepted));
}

static void connect_to_itself(void* data) {
  static uv_connect_t request;
  struct sockaddr_in bound;
  int size = sizeof bound;
  CHECK(uv_tcp_init(loop, &server));
  CHECK(uv_tcp_bind(&server, local(0), 0));
  CHECK(uv_listen((uv_stream_t*) &server, 8, on_connection));
  CHECK(uv_tcp_getsockname(&server, (struct sockaddr*) &bound, &size));
  CHECK(uv_tcp_init(loop, &client));
  request.data = data;
  CHECK(uv_tcp_connect(&request, &client, (struct sockaddr*) &bound, on_connected));
}

static void plant_socket(void) {
  connect_to_itself(NULL);
}

static void plant_backlog(void) {
  connect_to_itself(loop);
}

/* ---- the pool ---------------------------------------------------------------- */

void work_that_blocks(uv_work_t* work) {
  (void) work;
  sem_post(&started);
  wait_forever();
}

void after_work(uv_work_t* work, int status) {
  (void) work, (void) status;
}

static void plant_pool(void) {
  static uv_work_t work[7];
  for (int i = 0; i < 7; i++) CHECK(uv_queue_work(loop, &work[i], work_that_blocks, after_work));
  for (int i = 0; i < 4; i++) sem_wait(&started);
  ready();
}

/* Stands for a resolver that does not answer: the library calls this one. */
int getaddrinfo(const char* node, const char* service, const struct addrinfo* hints,
                struct addrinfo** result) {
  (void) node, (void) service, (void) hints, (void) result;
  sem_post(&started);
  wait_forever();
  return EAI_FAIL;
}

void on_address(uv_getaddrinfo_t* request, int status, struct addrinfo* result) {
  (void) request, (void) status, (void) result;
}

static void plant_lookups(void) {
  static uv_getaddrinfo_t requests[4];
  for (int i = 0; i < 4; i++) {
    char host[32];
    snprintf(host, sizeof host, "host%d.example", i);
    CHECK(uv_getaddrinfo(loop, &requests[i], on_address, host, "https", NULL));
  }
  /* Look-ups take half of the threads. */
  for (int i = 0; i < 2; i++) sem_wait(&started);
  ready();
}

void on_opened(uv_fs_t* request) {
  (void) request;
}

/* Opening a FIFO without a writer blocks. argv[2] is its path. */
static void plant_file(const char* path) {
  static uv_fs_t request;
  CHECK(uv_fs_open(loop, &request, path, O_RDONLY, 0, on_opened));
  ready();
}

/* ---- a loop of another thread that spins -------------------------------------- */

static volatile int go_on = 1;

void callback_that_spins(uv_async_t* async) {
  (void) async;
  ready();
  while (go_on) {
  }
}

static void run_loop(void* arg) {
  (void) arg;
  uv_loop_t other;
  uv_async_t async;
  CHECK(uv_loop_init(&other));
  CHECK(uv_async_init(&other, &async, callback_that_spins));
  CHECK(uv_async_send(&async));
  uv_run(&other, UV_RUN_DEFAULT);
}

static void plant_thread(void) {
  static uv_thread_t thread;
  static uv_async_t async;
  CHECK(uv_async_init(loop, &async, NULL));
  CHECK(uv_thread_create(&thread, run_loop, NULL));
}

/* ---- one handle of each type ---------------------------------------------------- */

void on_exit_of_child(uv_process_t* process, int64_t status, int signal) {
  (void) process, (void) status, (void) signal;
}

void on_signal(uv_signal_t* handle, int number) {
  (void) handle, (void) number;
}

void on_fs_event(uv_fs_event_t* handle, const char* name, int events, int status) {
  (void) handle, (void) name, (void) events, (void) status;
}

void on_fs_poll(uv_fs_poll_t* handle, int status, const uv_stat_t* before, const uv_stat_t* now) {
  (void) handle, (void) status, (void) before, (void) now;
}

void on_datagram(uv_udp_t* handle, ssize_t size, const uv_buf_t* buffer, const struct sockaddr* from,
                 unsigned flags) {
  (void) handle, (void) size, (void) buffer, (void) from, (void) flags;
}

void on_poll(uv_poll_t* handle, int status, int events) {
  (void) handle, (void) status, (void) events;
}

void on_check(uv_check_t* handle) {
  (void) handle;
}

static void plant_handles(char* program, char* directory) {
  static uv_process_t process;
  static uv_signal_t signal;
  static uv_fs_event_t fs_event;
  static uv_fs_poll_t fs_poll;
  static uv_udp_t udp;
  static uv_poll_t poll;
  static uv_check_t check;
  static uv_pipe_t listener;
  char* arguments[] = {program, "child", NULL};
  uv_process_options_t options;
  char path[256];
  int pipe[2];
  memset(&options, 0, sizeof options);
  options.file = program;
  options.args = arguments;
  options.exit_cb = on_exit_of_child;
  CHECK(uv_spawn(loop, &process, &options));
  CHECK(uv_signal_init(loop, &signal));
  CHECK(uv_signal_start(&signal, on_signal, SIGUSR2));
  CHECK(uv_fs_event_init(loop, &fs_event));
  CHECK(uv_fs_event_start(&fs_event, on_fs_event, directory, 0));
  CHECK(uv_fs_poll_init(loop, &fs_poll));
  CHECK(uv_fs_poll_start(&fs_poll, on_fs_poll, directory, 3600 * 1000));
  CHECK(uv_udp_init(loop, &udp));
  CHECK(uv_udp_bind(&udp, local(0), 0));
  CHECK(uv_udp_recv_start(&udp, on_alloc, on_datagram));
  CHECK(uv_pipe(pipe, 0, 0));
  CHECK(uv_poll_init(loop, &poll, pipe[0]));
  CHECK(uv_poll_start(&poll, UV_READABLE, on_poll));
  CHECK(uv_check_init(loop, &check));
  CHECK(uv_check_start(&check, on_check));
  snprintf(path, sizeof path, "%s/listener", directory);
  CHECK(uv_pipe_init(loop, &listener, 0));
  CHECK(uv_pipe_bind(&listener, path));
  CHECK(uv_listen((uv_stream_t*) &listener, 8, on_connection));
  printf("%d ", process.pid);
  ready();
}

/* ---- lists that change all the time ----------------------------------------------- */

#define CHURNED 64

static uv_timer_t churned[CHURNED];

static void on_churned(uv_handle_t* handle) {
  uv_timer_t* timer = (uv_timer_t*) handle;
  CHECK(uv_timer_init(loop, timer));
  CHECK(uv_timer_start(timer, timer_that_repeats, 0, 0));
}

void idle_that_churns(uv_idle_t* idle) {
  static int next;
  (void) idle;
  for (int i = 0; i < CHURNED / 4; i++) {
    uv_handle_t* handle = (uv_handle_t*) &churned[next++ % CHURNED];
    if (!uv_is_closing(handle)) uv_close(handle, on_churned);
  }
}

static void plant_churn(void) {
  static uv_idle_t idle;
  for (int i = 0; i < CHURNED; i++) CHECK(uv_timer_init(loop, &churned[i]));
  CHECK(uv_idle_init(loop, &idle));
  CHECK(uv_idle_start(&idle, idle_that_churns));
  ready();
}

int main(int argc, char** argv) {
  /* Lets others read it where Yama restricts that to parents. */
  prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
  const char* name = argc > 1 ? argv[1] : "";
  loop = uv_default_loop();
  sem_init(&started, 0, 0);
  sem_init(&never, 0, 0);
  if (strcmp(name, "callback") == 0) plant_callback();
  else if (strcmp(name, "idle") == 0) plant_idle();
  else if (strcmp(name, "timer") == 0) plant_timer();
  else if (strcmp(name, "socket") == 0) plant_socket();
  else if (strcmp(name, "backlog") == 0) plant_backlog();
  else if (strcmp(name, "pool") == 0) plant_pool();
  else if (strcmp(name, "lookups") == 0) plant_lookups();
  else if (strcmp(name, "file") == 0) plant_file(argv[2]);
  else if (strcmp(name, "thread") == 0) plant_thread();
  else if (strcmp(name, "handles") == 0) plant_handles(argv[0], argv[2]);
  else if (strcmp(name, "churn") == 0) plant_churn();
  else if (strcmp(name, "slow") == 0) plant_slow();
  else if (strcmp(name, "jit") == 0) plant_jit();
  else if (strcmp(name, "child") == 0) wait_forever();
  else return 2;
  return uv_run(loop, UV_RUN_DEFAULT);
}
