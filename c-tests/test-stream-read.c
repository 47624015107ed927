/* uv_read_start, uv_read_stop and the arguments of the read callback. The peer is a
 * blocking socket, so that the test determines when each byte is sent. */
#include "test-stream.h"

#include <signal.h>

static char received[4096];
static size_t received_len;
static int callbacks;
static int last_error;

static void send_text(const char* text) {
  ASSERT_EQ(write(peer, text, strlen(text)), strlen(text));
}

/* Collects text and the first error. */
static void collect(uv_stream_t* stream, ssize_t nread, const uv_buf_t* buf) {
  ASSERT_PTR_EQ(stream, &tcp);
  if (nread == 0) return;
  callbacks++;
  if (nread < 0) {
    ASSERT_EQ(last_error, 0);
    last_error = (int) nread;
    return;
  }
  ASSERT_LE(nread, buf->len);
  ASSERT_LT(received_len + nread, sizeof(received));
  memcpy(received + received_len, buf->base, nread);
  received_len += nread;
}

static void collect_and_stop(uv_stream_t* stream, ssize_t nread,
                             const uv_buf_t* buf) {
  collect(stream, nread, buf);
  if (nread != 0) ASSERT_OK(uv_read_stop(stream));
}

static void collect_and_close(uv_stream_t* stream, ssize_t nread,
                              const uv_buf_t* buf) {
  collect(stream, nread, buf);
  if (nread != 0) uv_close(HANDLE(stream), note_close);
}

static void alloc_one_byte(uv_handle_t* handle, size_t suggested,
                           uv_buf_t* buf) {
  static char byte;
  (void) handle, (void) suggested;
  *buf = uv_buf_init(&byte, 1);
}

TEST(stream_read_start_arguments) {
  uv_tcp_t other;
  set_up();
  ASSERT_EQ(uv_read_start(NULL, alloc_static, never_read), UV_EINVAL);
  ASSERT_EQ(uv_read_start(STREAM(&tcp), NULL, never_read), UV_EINVAL);
  ASSERT_EQ(uv_read_start(STREAM(&tcp), alloc_static, NULL), UV_EINVAL);
  ASSERT_EQ(uv_is_active(HANDLE(&tcp)), 0);
  ASSERT_OK(uv_read_start(STREAM(&tcp), alloc_static, never_read));
  ASSERT_EQ(uv_read_start(STREAM(&tcp), alloc_static, never_read),
            UV_EALREADY);
  uv_close(HANDLE(&tcp), NULL);
  ASSERT_EQ(uv_read_start(STREAM(&tcp), alloc_static, never_read), UV_EINVAL);

  ASSERT_OK(uv_tcp_init(&loop, &other));
  ASSERT_EQ(uv_read_start(STREAM(&other), alloc_static, never_read),
            UV_ENOTCONN);
  ASSERT_OK(uv_listen(STREAM(&other), 1, never_connection));
  ASSERT_EQ(uv_read_start(STREAM(&other), alloc_static, never_read),
            UV_ENOTCONN);
  tear_down();
}

TEST(stream_read_stop_always_succeeds) {
  uv_tcp_t fresh;
  set_up();
  ASSERT_OK(uv_tcp_init(&loop, &fresh));
  ASSERT_OK(uv_read_stop(STREAM(&fresh)));
  ASSERT_OK(uv_read_stop(STREAM(&tcp)));
  ASSERT_OK(uv_read_start(STREAM(&tcp), alloc_static, never_read));
  ASSERT_EQ(uv_is_active(HANDLE(&tcp)), 1);
  ASSERT_OK(uv_read_stop(STREAM(&tcp)));
  ASSERT_EQ(uv_is_active(HANDLE(&tcp)), 0);
  ASSERT_OK(uv_read_stop(STREAM(&tcp)));
  uv_close(HANDLE(&tcp), NULL);
  ASSERT_OK(uv_read_stop(STREAM(&tcp)));
  tear_down();
}

TEST(stream_read_makes_active) {
  set_up();
  ASSERT_EQ(uv_is_active(HANDLE(&tcp)), 0);
  ASSERT_EQ(uv_loop_alive(&loop), 0);
  ASSERT_OK(uv_read_start(STREAM(&tcp), alloc_static, never_read));
  ASSERT_EQ(uv_is_active(HANDLE(&tcp)), 1);
  ASSERT_EQ(uv_loop_alive(&loop), 1);
  uv_unref(HANDLE(&tcp));
  ASSERT_EQ(uv_loop_alive(&loop), 0);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  uv_ref(HANDLE(&tcp));
  ASSERT_OK(uv_read_stop(STREAM(&tcp)));
  ASSERT_EQ(uv_is_active(HANDLE(&tcp)), 0);
  ASSERT_EQ(uv_loop_alive(&loop), 0);
  tear_down();
}

static void alloc_checked(uv_handle_t* handle, size_t suggested,
                          uv_buf_t* buf) {
  ASSERT_PTR_EQ(handle, &tcp);
  ASSERT_EQ(suggested, 65536);
  ASSERT_NULL(buf->base);
  ASSERT_EQ(buf->len, 0);
  *buf = uv_buf_init(received + 1000, 17);
}

static void check_buffer(uv_stream_t* stream, ssize_t nread,
                         const uv_buf_t* buf) {
  ASSERT_EQ(nread, 5);
  ASSERT_PTR_EQ(buf->base, received + 1000);
  ASSERT_EQ(buf->len, 17);
  ASSERT_MEM_EQ(buf->base, "hello", 5);
  callbacks++;
  ASSERT_OK(uv_read_stop(stream));
}

TEST(stream_read_uses_the_given_buffer) {
  set_up();
  send_text("hello");
  ASSERT_OK(uv_read_start(STREAM(&tcp), alloc_checked, check_buffer));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(callbacks, 1);
  tear_down();
}

static uv_buf_t refused_buf;
static int refusals;

static void alloc_refused_twice(uv_handle_t* handle, size_t suggested,
                                uv_buf_t* buf) {
  if (refusals < 2)
    *buf = refused_buf;
  else
    alloc_static(handle, suggested, buf);
}

static void count_enobufs(uv_stream_t* stream, ssize_t nread,
                          const uv_buf_t* buf) {
  if (nread == UV_ENOBUFS) {
    ASSERT_PTR_EQ(buf->base, refused_buf.base);
    ASSERT_EQ(buf->len, 0);
    refusals++;
    return;
  }
  collect_and_stop(stream, nread, buf);
}

/* No buffer is an error of that callback only: the data is still there. */
TEST(stream_read_without_a_buffer) {
  char byte;
  uv_buf_t bufs[2];
  size_t i;
  bufs[0] = uv_buf_init(NULL, 0);
  bufs[1] = uv_buf_init(&byte, 0);
  set_up();
  for (i = 0; i < COUNT(bufs); i++) {
    refused_buf = bufs[i];
    refusals = 0;
    received_len = 0;
    send_text("hello");
    ASSERT_OK(uv_read_start(STREAM(&tcp), alloc_refused_twice,
                            count_enobufs));
    ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
    ASSERT_EQ(refusals, 2);
    ASSERT_EQ(received_len, 5);
  }
  tear_down();
}

TEST(stream_read_one_byte_at_a_time) {
  char text[201];
  int i;
  for (i = 0; i < 200; i++) text[i] = 'a' + i % 26;
  text[200] = '\0';
  set_up();
  send_text(text);
  ASSERT_OK(uv_read_start(STREAM(&tcp), alloc_one_byte, collect));
  RUN_UNTIL(&loop, received_len == 200);
  ASSERT_EQ(callbacks, 200);
  ASSERT_MEM_EQ(received, text, 200);
  tear_down();
}

/* Every buffer that alloc_cb hands out comes back in one read callback. */
static int buffers_out;

static void alloc_counted(uv_handle_t* handle, size_t suggested,
                          uv_buf_t* buf) {
  (void) handle, (void) suggested;
  *buf = uv_buf_init(malloc(8), 8);
  buffers_out++;
}

static void free_counted(uv_stream_t* stream, ssize_t nread,
                         const uv_buf_t* buf) {
  ASSERT_NOT_NULL(buf->base);
  ASSERT_EQ(buf->len, 8);
  ASSERT_EQ(buffers_out, 1);
  buffers_out--;
  free(buf->base);
  if (nread > 0)
    received_len += nread;
  else if (nread < 0) {
    ASSERT_EQ(nread, UV_EOF);
    ASSERT_OK(uv_read_stop(stream));
  }
}

TEST(stream_read_gives_every_buffer_back) {
  set_up();
  send_text("0123456789abcdef"); /* Two full buffers: the third read blocks. */
  ASSERT_OK(uv_read_start(STREAM(&tcp), alloc_counted, free_counted));
  RUN_UNTIL(&loop, received_len == 16);
  uv_run(&loop, UV_RUN_NOWAIT);
  ASSERT_EQ(buffers_out, 0);
  ASSERT_OK(shutdown(peer, SHUT_WR));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(buffers_out, 0);
  tear_down();
}

TEST(stream_read_stop_takes_effect_at_once) {
  set_up();
  send_text("abcdef");
  ASSERT_OK(uv_read_start(STREAM(&tcp), alloc_one_byte, collect_and_stop));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(callbacks, 1);
  /* Unread data stays until the next start. */
  ASSERT_OK(uv_read_start(STREAM(&tcp), alloc_static, collect_and_stop));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(callbacks, 2);
  ASSERT_EQ(received_len, 6);
  ASSERT_MEM_EQ(received, "abcdef", 6);
  tear_down();
}

TEST(stream_read_stopped_loses_nothing) {
  int round;
  set_up();
  ASSERT_OK(uv_read_start(STREAM(&tcp), alloc_static, collect));
  for (round = 0; round < 100; round++) {
    int before = callbacks;
    ASSERT_OK(uv_read_stop(STREAM(&tcp)));
    send_text("x");
    uv_run(&loop, UV_RUN_NOWAIT);
    send_text("y");
    uv_run(&loop, UV_RUN_NOWAIT);
    ASSERT_EQ(callbacks, before);
    /* Data that came before the start is noticed as well. */
    ASSERT_OK(uv_read_start(STREAM(&tcp), alloc_static, collect));
    RUN_UNTIL(&loop, received_len == 2 * (size_t) (round + 1));
  }
  tear_down();
}

/* A reader that is stopped while more and more arrives, and while the stream
 * is busy writing, misses nothing either. */
TEST(stream_read_stopped_while_writing) {
  static char big[8 << 20], chunk[1 << 16];
  uv_buf_t buf = uv_buf_init(big, sizeof(big));
  uv_write_t req;
  size_t left = sizeof(big);
  int i;
  set_up();
  req.data = NULL;
  ASSERT_OK(uv_read_start(STREAM(&tcp), alloc_static, collect));
  send_text("a");
  RUN_UNTIL(&loop, received_len == 1);
  ASSERT_OK(uv_read_stop(STREAM(&tcp)));
  ASSERT_OK(uv_write(&req, STREAM(&tcp), &buf, 1, note_write));
  for (i = 0; i < 5; i++) {
    send_text("b");
    uv_run(&loop, UV_RUN_NOWAIT);
  }
  while (left > 0) {
    ssize_t r = recv(peer, chunk, sizeof(chunk), MSG_DONTWAIT);
    if (r > 0)
      left -= r;
    else
      uv_run(&loop, UV_RUN_NOWAIT);
  }
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("write");
  ASSERT_EQ(received_len, 1);
  ASSERT_OK(uv_read_start(STREAM(&tcp), alloc_static, collect));
  RUN_UNTIL(&loop, received_len == 6);
  ASSERT_MEM_EQ(received, "abbbbb", 6);
  tear_down();
}

/* The end of the connection is noticed by a reader that was stopped then. */
TEST(stream_read_stopped_during_the_end) {
  int with_reset;
  for (with_reset = 0; with_reset < 2; with_reset++) {
    set_up();
    last_error = 0;
    ASSERT_OK(uv_read_start(STREAM(&tcp), alloc_static, collect));
    uv_run(&loop, UV_RUN_NOWAIT);
    ASSERT_OK(uv_read_stop(STREAM(&tcp)));
    if (with_reset) reset_on_close(peer);
    ASSERT_OK(close(peer));
    peer = dup(0);
    uv_run(&loop, UV_RUN_NOWAIT);
    uv_run(&loop, UV_RUN_NOWAIT);
    ASSERT_EQ(last_error, 0);
    ASSERT_OK(uv_read_start(STREAM(&tcp), alloc_static, collect));
    ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
    ASSERT_EQ(last_error, with_reset ? UV_ECONNRESET : UV_EOF);
    tear_down();
  }
}

/* Stop and start within one callback change the callbacks. */
static void switch_reader(uv_stream_t* stream, ssize_t nread,
                          const uv_buf_t* buf) {
  if (nread == 0) return;
  collect(stream, nread, buf);
  ASSERT_OK(uv_read_stop(stream));
  ASSERT_OK(uv_read_start(stream, alloc_static, collect_and_stop));
}

TEST(stream_read_restart_in_callback) {
  set_up();
  send_text("abcdef");
  ASSERT_OK(uv_read_start(STREAM(&tcp), alloc_one_byte, switch_reader));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(callbacks, 2);
  ASSERT_EQ(received_len, 6);
  tear_down();
}

TEST(stream_read_data_then_eof) {
  set_up();
  send_text("last words");
  ASSERT_OK(shutdown(peer, SHUT_WR));
  ASSERT_OK(uv_read_start(STREAM(&tcp), alloc_static, collect));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(callbacks, 2);
  ASSERT_EQ(received_len, 10);
  ASSERT_EQ(last_error, UV_EOF);
  tear_down();
}

/* End of file stops the reading, once, and leaves the handle open. */
TEST(stream_read_eof_comes_once) {
  uv_buf_t buf = uv_buf_init("still here", 10);
  char reply[10];
  set_up();
  ASSERT_OK(shutdown(peer, SHUT_WR));
  ASSERT_OK(uv_read_start(STREAM(&tcp), alloc_static, collect));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(callbacks, 1);
  ASSERT_EQ(last_error, UV_EOF);
  ASSERT_EQ(uv_is_active(HANDLE(&tcp)), 0);
  ASSERT_EQ(uv_is_closing(HANDLE(&tcp)), 0);
  ASSERT_EQ(uv_is_readable(STREAM(&tcp)), 1);
  ASSERT_EQ(uv_is_writable(STREAM(&tcp)), 1);
  ASSERT_EQ(uv_try_write(STREAM(&tcp), &buf, 1), 10);
  ASSERT_EQ(read(peer, reply, sizeof(reply)), 10);
  ASSERT_OK(uv_read_stop(STREAM(&tcp)));
  tear_down();
}

/* A new start meets the end again. */
TEST(stream_read_after_eof) {
  set_up();
  ASSERT_OK(shutdown(peer, SHUT_WR));
  ASSERT_OK(uv_read_start(STREAM(&tcp), alloc_static, collect));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(last_error, UV_EOF);
  last_error = 0;
  ASSERT_OK(uv_read_start(STREAM(&tcp), alloc_static, collect));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(last_error, UV_EOF);
  ASSERT_EQ(callbacks, 2);
  tear_down();
}

TEST(stream_read_connection_reset) {
  set_up();
  reset_peer();
  ASSERT_OK(uv_read_start(STREAM(&tcp), alloc_static, collect));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(callbacks, 1);
  ASSERT_EQ(last_error, UV_ECONNRESET);
  ASSERT_EQ(uv_is_active(HANDLE(&tcp)), 0);
  ASSERT_EQ(uv_is_readable(STREAM(&tcp)), 0);
  ASSERT_EQ(uv_is_writable(STREAM(&tcp)), 0);
  ASSERT_EQ(uv_read_start(STREAM(&tcp), alloc_static, collect), UV_ENOTCONN);
  tear_down();
}

TEST(stream_read_callback_closes) {
  set_up();
  tcp.data = NULL;
  send_text("abcdef");
  ASSERT_OK(uv_read_start(STREAM(&tcp), alloc_one_byte, collect_and_close));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(callbacks, 1);
  EXPECT_EVENTS("close");
  tear_down();
}

TEST(stream_read_eof_callback_closes) {
  set_up();
  tcp.data = NULL;
  ASSERT_OK(shutdown(peer, SHUT_WR));
  ASSERT_OK(uv_read_start(STREAM(&tcp), alloc_static, collect_and_close));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(last_error, UV_EOF);
  EXPECT_EVENTS("close");
  tear_down();
}

/* Urgent data is not part of the stream, and its arrival disturbs nothing. */
TEST(stream_read_urgent_data) {
  set_up();
  ASSERT_OK(uv_read_start(STREAM(&tcp), alloc_static, collect));
  ASSERT_EQ(send(peer, "!", 1, MSG_OOB), 1);
  uv_run(&loop, UV_RUN_NOWAIT);
  send_text("hello");
  ASSERT_OK(shutdown(peer, SHUT_WR));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(last_error, UV_EOF);
  ASSERT_EQ(received_len, 5);
  ASSERT_MEM_EQ(received, "hello", 5);
  tear_down();
}

/* Urgent data within the stream, if the socket says so. */
TEST(stream_read_urgent_data_inline) {
  int on = 1;
  set_up();
  ASSERT_OK(setsockopt(fd_of(&tcp), SOL_SOCKET, SO_OOBINLINE, &on,
                       sizeof(on)));
  ASSERT_OK(uv_read_start(STREAM(&tcp), alloc_static, collect));
  send_text("ab");
  ASSERT_EQ(send(peer, "!", 1, MSG_OOB), 1);
  send_text("cd");
  ASSERT_OK(shutdown(peer, SHUT_WR));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(received_len, 5);
  ASSERT_MEM_EQ(received, "ab!cd", 5);
  tear_down();
}

/* A stream that stops itself on every byte shares the loop with a check
 * handle that starts it again. */
static int check_calls;

static void restart_reading(uv_check_t* check) {
  check_calls++;
  if (last_error != 0)
    uv_close(HANDLE(check), NULL);
  else if (!uv_is_active(HANDLE(&tcp)))
    ASSERT_OK(uv_read_start(STREAM(&tcp), alloc_one_byte, collect_and_stop));
}

TEST(stream_read_stop_and_restart_per_byte) {
  uv_check_t check;
  set_up();
  ASSERT_OK(uv_check_init(&loop, &check));
  ASSERT_OK(uv_check_start(&check, restart_reading));
  send_text("the quick brown fox jumps over the lazy dog");
  ASSERT_OK(shutdown(peer, SHUT_WR));
  ASSERT_OK(uv_read_start(STREAM(&tcp), alloc_one_byte, collect_and_stop));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(received_len, 43);
  ASSERT_EQ(callbacks, 44);
  ASSERT_GE(check_calls, 44);
  ASSERT_MEM_EQ(received, "the quick brown fox jumps over the lazy dog", 43);
  tear_down();
}

static void count_and_stop(uv_stream_t* stream, ssize_t nread,
                           const uv_buf_t* buf) {
  (void) buf;
  ASSERT_GT(nread, 0);
  received_len += nread;
  ASSERT_OK(uv_read_stop(stream));
}

/* Two handles of one descriptor, of which one at a time reads. */
TEST(stream_read_handles_of_one_descriptor_take_turns) {
  uv_tcp_t second;
  int turn;
  uv_tcp_t* reader;

  set_up();
  ASSERT_OK(uv_tcp_init(&loop, &second));
  ASSERT_OK(uv_tcp_open(&second, fd_of(&tcp)));
  for (turn = 0; turn < 6; turn++) {
    reader = turn % 2 == 0 ? &tcp : &second;
    received_len = 0;
    ASSERT_OK(uv_read_start(STREAM(reader), alloc_static, count_and_stop));
    /* Every second time nothing has arrived when reading starts. */
    if (turn % 4 < 2)
      uv_run(&loop, UV_RUN_NOWAIT);
    send_text("hello");
    ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
    ASSERT_EQ(received_len, 5);
  }
  tear_down();
}

enum { READS = 32 }; /* of a stream in one iteration */

static int reads_at_signal;

static void give_one_byte(uv_handle_t* handle, size_t size, uv_buf_t* buf) {
  static char byte;
  (void) handle, (void) size;
  *buf = uv_buf_init(&byte, 1);
}

static void count_read(uv_stream_t* stream, ssize_t nread, const uv_buf_t* buf) {
  (void) stream, (void) buf;
  callbacks += nread > 0;
}

static void keep_reads(uv_signal_t* handle, int signum) {
  (void) handle, (void) signum;
  reads_at_signal = callbacks;
}

/* New data is reported by an event, beside what the stream left unread. */
TEST(read_as_much_in_an_iteration_with_unread_data_and_an_event) {
  char bytes[4 * READS] = {0};

  set_up();
  ASSERT_OK(uv_read_start(STREAM(&tcp), give_one_byte, count_read));
  for (int i = 1; i <= 3; i++) {
    ASSERT_EQ(write(peer, bytes, sizeof(bytes)), sizeof(bytes));
    uv_run(&loop, UV_RUN_NOWAIT);
    ASSERT_EQ(callbacks, i * READS);
  }
  tear_down();
}

TEST(read_what_was_left_unread_before_signals) {
  char bytes[2 * READS] = {0};
  uv_signal_t watcher;

  set_up();
  ASSERT_OK(uv_signal_init(&loop, &watcher));
  ASSERT_OK(uv_signal_start(&watcher, keep_reads, SIGUSR1));
  ASSERT_OK(uv_read_start(STREAM(&tcp), give_one_byte, count_read));
  ASSERT_EQ(write(peer, bytes, sizeof(bytes)), sizeof(bytes));
  uv_run(&loop, UV_RUN_NOWAIT);
  ASSERT_EQ(callbacks, READS);
  ASSERT_EQ(raise(SIGUSR1), 0);
  uv_run(&loop, UV_RUN_NOWAIT);
  ASSERT_EQ(reads_at_signal, 2 * READS);
  tear_down();
}
