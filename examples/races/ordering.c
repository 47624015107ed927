/* An ordering race: one socket brings the configuration and another the first request. The configuration was sent
 * first, but nothing says that its callback comes first. The status is 3 if the request has none. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <uv.h>

static char greeting[32];
static int lost;

static void alloc(uv_handle_t* handle, size_t size, uv_buf_t* buffer) {
  static char memory[64];
  (void) handle, (void) size;
  *buffer = uv_buf_init(memory, sizeof(memory));
}

static void on_configuration(uv_stream_t* stream, ssize_t length, const uv_buf_t* buffer) {
  if (length <= 0) return;
  memcpy(greeting + strlen(greeting), buffer->base, (size_t) length);
  if (strlen(greeting) == 5) uv_close((uv_handle_t*) stream, NULL);
}

static void on_request(uv_stream_t* stream, ssize_t length, const uv_buf_t* buffer) {
  if (length <= 0) return;
  lost = strlen(greeting) != 5;
  printf("%s %.*s\n", lost ? "(no configuration)" : greeting, (int) length, buffer->base);
  uv_close((uv_handle_t*) stream, NULL);
}

int main(void) {
  static uv_pipe_t ends[4];
  uv_os_sock_t fds[4];
  uv_buf_t texts[] = {uv_buf_init("Hello", 5), uv_buf_init("W", 1)};
  int i;

  for (i = 0; i < 4; i += 2)
    if (uv_socketpair(SOCK_STREAM, 0, fds + i, UV_NONBLOCK_PIPE, UV_NONBLOCK_PIPE) != 0) return 2;
  for (i = 0; i < 4; i++) {
    uv_pipe_init(uv_default_loop(), &ends[i], 0);
    uv_pipe_open(&ends[i], fds[i]);
  }
  uv_read_start((uv_stream_t*) &ends[0], alloc, on_configuration);
  uv_read_start((uv_stream_t*) &ends[2], alloc, on_request);
  for (i = 0; i < 2; i++) {
    static uv_write_t writes[2];
    uv_write(&writes[i], (uv_stream_t*) &ends[2 * i + 1], &texts[i], 1, NULL);
    uv_unref((uv_handle_t*) &ends[2 * i + 1]);
  }
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  return lost ? 3 : 0;
}
