/* Prints the order of callbacks that libuv leaves open: of descriptors that are ready at once, of equal timers, of
 * finished work, of signals and their handles, and the lengths of reads and writes. run.py compares seeds. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#define MANY 8
#define SIZE 20000

#define CHECK(call)                                          \
  do {                                                       \
    if ((call) < 0) {                                        \
      printf("line %d failed\n", __LINE__);                  \
      exit(1);                                               \
    }                                                        \
  } while (0)

static uv_loop_t* loop;

static void close_all(uv_handle_t* handle, void* arg) {
  (void) arg;
  if (!uv_is_closing(handle))
    uv_close(handle, NULL);
}

/* Runs the loop until it is done, and closes its handles. */
static void finish(void) {
  uv_run(loop, UV_RUN_DEFAULT);
  uv_walk(loop, close_all, NULL);
  uv_run(loop, UV_RUN_DEFAULT);
  putchar('\n');
}

static void print_number(const void* data) {
  printf(" %d", (int) (size_t) data);
}

/* ---- descriptors ------------------------------------------------------------ */

static void on_ready(uv_poll_t* poll, int status, int events) {
  (void) status, (void) events;
  print_number(poll->data);
  uv_poll_stop(poll);
}

static void descriptors(void) {
  static uv_poll_t polls[MANY];
  int pairs[MANY][2];
  printf("descriptors:");
  for (int i = 0; i < MANY; i++) {
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[i]));
    CHECK(write(pairs[i][1], "x", 1));
    CHECK(uv_poll_init(loop, &polls[i], pairs[i][0]));
    polls[i].data = (void*) (size_t) i;
    CHECK(uv_poll_start(&polls[i], UV_READABLE, on_ready));
  }
  finish();
  for (int i = 0; i < MANY; i++) {
    close(pairs[i][0]);
    close(pairs[i][1]);
  }
}

/* ---- timers ----------------------------------------------------------------- */

static void on_timer(uv_timer_t* timer) {
  print_number(timer->data);
}

static void timers(void) {
  static uv_timer_t equal[MANY], later[MANY];
  printf("timers:");
  for (int i = 0; i < MANY; i++) {
    equal[i].data = (void*) (size_t) i;
    later[i].data = (void*) (size_t) (100 + i);
    uv_timer_init(loop, &equal[i]);
    uv_timer_init(loop, &later[i]);
    uv_timer_start(&later[i], on_timer, 2 + (uint64_t) i, 0);
    uv_timer_start(&equal[i], on_timer, 1, 0);
  }
  /* All of them are due at once. */
  uv_sleep(20);
  finish();
}

/* ---- work ------------------------------------------------------------------- */

static uv_sem_t last_runs;

static void do_work(uv_work_t* work) {
  if (work->data == NULL)
    uv_sem_post(&last_runs);
}

static void after_work(uv_work_t* work, int status) {
  (void) status;
  if (work->data != NULL)
    printf(" %d", (int) (size_t) work->data - 1);
}

/* On a pool of one thread all others are done when the last one runs, however slow the machine is. */
static void work(void) {
  static uv_work_t works[MANY + 1];
  printf("work:");
  CHECK(uv_sem_init(&last_runs, 0));
  for (int i = 0; i <= MANY; i++) {
    works[i].data = (void*) (size_t) (i < MANY ? i + 1 : 0);
    CHECK(uv_queue_work(loop, &works[i], do_work, after_work));
  }
  uv_sem_wait(&last_runs);
  finish();
  uv_sem_destroy(&last_runs);
}

/* ---- signals ---------------------------------------------------------------- */

static int signals_left;

static void on_signal(uv_signal_t* handle, int signum) {
  printf(" %d/%d", signum, (int) (size_t) handle->data);
  if (--signals_left == 0)
    uv_stop(loop);
}

static void signals(void) {
  static const int numbers[] = {SIGUSR1, SIGUSR2, SIGHUP, SIGWINCH};
  static uv_signal_t handles[8];
  printf("signals:");
  for (int i = 0; i < 8; i++) {
    handles[i].data = (void*) (size_t) i;
    CHECK(uv_signal_init(loop, &handles[i]));
    CHECK(uv_signal_start(&handles[i], on_signal, numbers[i % 4]));
  }
  signals_left = 8;
  for (int i = 0; i < 4; i++)
    raise(numbers[i]);
  finish();
}

/* ---- streams ---------------------------------------------------------------- */

static size_t received;
static int reads;

static void alloc(uv_handle_t* handle, size_t size, uv_buf_t* buffer) {
  static char memory[65536];
  (void) handle, (void) size;
  *buffer = uv_buf_init(memory, sizeof(memory));
}

static void on_read(uv_stream_t* stream, ssize_t length, const uv_buf_t* buffer) {
  if (length < 0) {
    uv_close((uv_handle_t*) stream, NULL);
    return;
  }
  for (ssize_t i = 0; i < length; i++) {
    if (buffer->base[i] != (char) (received++ % 251)) {
      puts("the data is in another order");
      exit(1);
    }
  }
  if (length > 0)
    reads++;
}

static void after_write(uv_write_t* request, int status) {
  CHECK(status);
  print_number(request->data);
  if ((size_t) request->data == MANY - 1)
    uv_close((uv_handle_t*) request->handle, NULL);
}

static void stream(void) {
  static uv_pipe_t ends[2];
  static uv_write_t requests[MANY];
  static char data[MANY][SIZE];
  uv_os_sock_t pair[2];
  size_t sent = 0;
  printf("stream:");
  CHECK(uv_socketpair(SOCK_STREAM, 0, pair, UV_NONBLOCK_PIPE, UV_NONBLOCK_PIPE));
  for (int i = 0; i < 2; i++) {
    CHECK(uv_pipe_init(loop, &ends[i], 0));
    CHECK(uv_pipe_open(&ends[i], pair[i]));
  }
  CHECK(uv_read_start((uv_stream_t*) &ends[1], alloc, on_read));
  for (int i = 0; i < MANY; i++) {
    uv_buf_t halves[2] = {uv_buf_init(data[i], SIZE / 2), uv_buf_init(data[i] + SIZE / 2, SIZE / 2)};
    for (int j = 0; j < SIZE; j++)
      data[i][j] = (char) (sent++ % 251);
    requests[i].data = (void*) (size_t) i;
    CHECK(uv_write(&requests[i], (uv_stream_t*) &ends[0], halves, 2, after_write));
  }
  uv_run(loop, UV_RUN_DEFAULT);
  printf(" %zu bytes in %d reads", received, reads);
  finish();
}

int main(int argc, char** argv) {
  uv_loop_t first;
  (void) argv;
  setvbuf(stdout, NULL, _IOFBF, 0);
  CHECK(uv_os_setenv("UV_THREADPOOL_SIZE", "1"));
  if (argc > 1) {
    loop = &first;
    CHECK(uv_loop_init(loop));
    descriptors();
    CHECK(uv_loop_close(loop));
  }
  loop = uv_default_loop();
  descriptors();
  timers();
  work();
  signals();
  stream();
  return uv_loop_close(loop) != 0;
}
