/* Pipes on the two ends of a socket pair, with a loop and a thread each. */
#include "bench.h"

#include <pthread.h>
#include <sys/socket.h>

enum { MESSAGE = 64, CHUNK = 64 * 1024, WRITES_IN_FLIGHT = 4 };

struct end {
  uv_loop_t loop;
  uv_pipe_t pipe;
  uv_write_t writes[WRITES_IN_FLIGHT];
  int writes_left;
  int writes_pending;
  size_t size; /* of a message */
  size_t received;
  int64_t bytes_left; /* to receive in all */
  char buffer[CHUNK];
};

static char zeros[CHUNK];

static void end_init(struct end* end, uv_os_sock_t fd) {
  CHECK(uv_loop_init(&end->loop) == 0);
  CHECK(uv_pipe_init(&end->loop, &end->pipe, 0) == 0);
  CHECK(uv_pipe_open(&end->pipe, fd) == 0);
  end->pipe.data = end;
}

static void write_next(struct end* end, uv_write_t* req);

static void on_written(uv_write_t* req, int status) {
  struct end* end = req->handle->data;

  CHECK(status == 0);
  end->writes_pending--;
  if (end->size == CHUNK && end->writes_left > 0) write_next(end, req);
  if (end->writes_left == 0 && end->writes_pending == 0 && end->bytes_left == 0)
    uv_close((uv_handle_t*) &end->pipe, NULL);
}

static void write_next(struct end* end, uv_write_t* req) {
  uv_buf_t buf = uv_buf_init(zeros, end->size);

  end->writes_left--;
  end->writes_pending++;
  CHECK(uv_write(req, (uv_stream_t*) &end->pipe, &buf, 1, on_written) == 0);
}

static void on_alloc(uv_handle_t* handle, size_t size, uv_buf_t* buf) {
  struct end* end = handle->data;
  (void) size;
  *buf = uv_buf_init(end->buffer, CHUNK);
}

static void on_read(uv_stream_t* stream, ssize_t nread, const uv_buf_t* buf) {
  struct end* end = stream->data;

  (void) buf;
  CHECK(nread >= 0);
  end->bytes_left -= nread;
  end->received += nread;
  if (end->size == MESSAGE && end->received == MESSAGE) {
    end->received = 0;
    /* The previous write has finished, because its reply has arrived. */
    if (end->writes_left > 0)
      write_next(end, &end->writes[end->writes_left % WRITES_IN_FLIGHT]);
  }
  if (end->writes_left == 0 && end->writes_pending == 0 && end->bytes_left == 0)
    uv_close((uv_handle_t*) &end->pipe, NULL);
}

static void* run_end(void* arg) {
  struct end* end = arg;
  CHECK(uv_run(&end->loop, UV_RUN_DEFAULT) == 0);
  return NULL;
}

static void run_both(const char* metric,
                     struct end* ends,
                     double amount,
                     const char* unit) {
  struct stopwatch watch = {0};
  pthread_t thread;

  stopwatch_start(&watch);
  CHECK(pthread_create(&thread, NULL, run_end, &ends[1]) == 0);
  run_end(&ends[0]);
  CHECK(pthread_join(thread, NULL) == 0);
  stopwatch_stop(&watch);
  bench_report(metric, amount, unit, &watch);
  bench_close_loop(&ends[0].loop);
  bench_close_loop(&ends[1].loop);
  free(ends);
}

static struct end* connected_ends(size_t size) {
  struct end* ends = calloc(2, sizeof(*ends));
  uv_os_sock_t fds[2];
  int i;

  CHECK(ends != NULL);
  CHECK(uv_socketpair(SOCK_STREAM, 0, fds, UV_NONBLOCK_PIPE,
                      UV_NONBLOCK_PIPE) == 0);
  for (i = 0; i < 2; i++) {
    end_init(&ends[i], fds[i]);
    ends[i].size = size;
  }
  return ends;
}

BENCH(pipe_ping_pong) {
  int messages = bench_count(50000), i;
  struct end* ends = connected_ends(MESSAGE);

  for (i = 0; i < 2; i++) {
    ends[i].writes_left = messages;
    ends[i].bytes_left = (int64_t) messages * MESSAGE;
    CHECK(uv_read_start((uv_stream_t*) &ends[i].pipe, on_alloc, on_read) == 0);
  }
  write_next(&ends[0], &ends[0].writes[0]);
  run_both("pipe_ping_pong", ends, messages, "round trips");
}

BENCH(pipe_pump) {
  int chunks = bench_count(30000), i;
  struct end* ends = connected_ends(CHUNK);

  ends[0].writes_left = chunks;
  ends[1].bytes_left = (int64_t) chunks * CHUNK;
  CHECK(uv_read_start((uv_stream_t*) &ends[1].pipe, on_alloc, on_read) == 0);
  for (i = 0; i < WRITES_IN_FLIGHT; i++)
    write_next(&ends[0], &ends[0].writes[i]);
  run_both("pipe_pump", ends, (double) chunks * CHUNK / (1024 * 1024), "MiB");
}
