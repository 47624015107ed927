/* uv_shutdown, uv_close and uv_tcp_close_reset of streams. */

#include "test-stream.h"

static uv_shutdown_t shutdown_req;
static uv_write_t write_req;
static char big[8 << 20];

static void write_big(void) {
  uv_buf_t buf = uv_buf_init(big, sizeof(big));
  ASSERT_OK(uv_write(&write_req, STREAM(&tcp), &buf, 1, note_write));
  ASSERT_GT(tcp.write_queue_size, 0);
}

TEST(stream_shutdown_sends_eof) {
  char byte;
  set_up();
  ASSERT_OK(uv_shutdown(&shutdown_req, STREAM(&tcp), note_shutdown));
  ASSERT_EQ(shutdown_req.type, UV_SHUTDOWN);
  ASSERT_PTR_EQ(shutdown_req.handle, &tcp);
  ASSERT_EQ(uv_is_writable(STREAM(&tcp)), 0);
  ASSERT_EQ(uv_is_readable(STREAM(&tcp)), 1);
  ASSERT_EQ(uv_loop_alive(&loop), 1);
  EXPECT_EVENTS(""); /* Never from within uv_shutdown(). */
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("shutdown");
  ASSERT_EQ(uv_is_closing(HANDLE(&tcp)), 0);
  ASSERT_EQ(read(peer, &byte, 1), 0);
  tear_down();
}

TEST(stream_shutdown_null_callback) {
  char byte;
  set_up();
  ASSERT_OK(uv_shutdown(&shutdown_req, STREAM(&tcp), NULL));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(read(peer, &byte, 1), 0);
  tear_down();
}

TEST(stream_shutdown_after_queued_writes) {
  static char chunk[1 << 16];
  size_t seen = 0;
  ssize_t r;
  set_up();
  write_big();
  ASSERT_OK(uv_shutdown(&shutdown_req, STREAM(&tcp), note_shutdown));
  uv_run(&loop, UV_RUN_NOWAIT);
  EXPECT_EVENTS("");
  while ((r = recv(peer, chunk, sizeof(chunk), MSG_DONTWAIT)) != 0) {
    if (r > 0) {
      seen += r;
    } else {
      ASSERT_EQ(errno, EAGAIN);
      uv_run(&loop, UV_RUN_NOWAIT);
    }
  }
  ASSERT_EQ(seen, sizeof(big));
  EXPECT_EVENTS("write shutdown");
  tear_down();
}

TEST(stream_shutdown_twice) {
  uv_shutdown_t second;
  set_up();
  ASSERT_OK(uv_shutdown(&shutdown_req, STREAM(&tcp), note_shutdown));
  ASSERT_EQ(uv_shutdown(&second, STREAM(&tcp), never_shutdown), UV_ENOTCONN);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(uv_shutdown(&second, STREAM(&tcp), never_shutdown), UV_ENOTCONN);
  EXPECT_EVENTS("shutdown");
  tear_down();
}

TEST(stream_shutdown_in_the_wrong_state) {
  enum { NO_SOCKET, UNCONNECTED, LISTENING, CLOSING, STATES };
  uv_tcp_t handles[STATES];
  int i;
  set_up();
  ASSERT_OK(uv_tcp_init(&loop, &handles[NO_SOCKET]));
  ASSERT_OK(uv_tcp_init_ex(&loop, &handles[UNCONNECTED], AF_INET));
  listen_loopback(&loop, &handles[LISTENING], never_connection);
  ASSERT_OK(uv_tcp_init(&loop, &handles[CLOSING]));
  uv_close(HANDLE(&handles[CLOSING]), NULL);
  for (i = 0; i < STATES; i++)
    ASSERT_EQ(uv_shutdown(&shutdown_req, STREAM(&handles[i]), never_shutdown),
              UV_ENOTCONN);
  tear_down();
}

TEST(stream_shutdown_then_write) {
  uv_buf_t buf = uv_buf_init("x", 1);
  int round;
  set_up();
  ASSERT_OK(uv_shutdown(&shutdown_req, STREAM(&tcp), note_shutdown));
  for (round = 0; round < 2; round++) {
    ASSERT_EQ(uv_write(&write_req, STREAM(&tcp), &buf, 1, never_write),
              UV_EPIPE);
    ASSERT_EQ(uv_try_write(STREAM(&tcp), &buf, 1), UV_EPIPE);
    ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
    EXPECT_EVENTS("shutdown");
  }
  tear_down();
}

/* One direction is closed, the other works. */
TEST(stream_shutdown_leaves_reading) {
  set_up();
  tcp.data = NULL;
  ASSERT_OK(uv_read_start(STREAM(&tcp), alloc_static, note_read));
  ASSERT_OK(uv_shutdown(&shutdown_req, STREAM(&tcp), note_shutdown));
  RUN_UNTIL(&loop, events[0] != '\0');
  ASSERT_EQ(write(peer, "more", 4), 4);
  RUN_UNTIL(&loop, strstr(events, "read") != NULL);
  ASSERT_OK(shutdown(peer, SHUT_WR));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("shutdown read read:EOF");
  tear_down();
}

TEST(stream_shutdown_on_both_sides) {
  uv_tcp_t a, b;
  uv_shutdown_t reqs[2];
  ASSERT_OK(uv_loop_init(&loop));
  tcp_pair(&loop, &a, &b);
  a.data = b.data = NULL;
  reqs[0].data = reqs[1].data = NULL;
  ASSERT_OK(uv_read_start(STREAM(&a), alloc_static, note_read));
  ASSERT_OK(uv_read_start(STREAM(&b), alloc_static, note_read));
  ASSERT_OK(uv_shutdown(&reqs[0], STREAM(&a), note_shutdown));
  ASSERT_OK(uv_shutdown(&reqs[1], STREAM(&b), note_shutdown));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("shutdown shutdown read:EOF read:EOF");
  CLOSE_LOOP(&loop);
}

TEST(stream_shutdown_then_close) {
  set_up();
  tcp.data = NULL;
  ASSERT_OK(uv_shutdown(&shutdown_req, STREAM(&tcp), note_shutdown));
  uv_close(HANDLE(&tcp), note_close);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("shutdown:ECANCELED close");
  tear_down();
}

TEST(stream_shutdown_and_write_then_close) {
  set_up();
  tcp.data = NULL;
  write_big();
  ASSERT_OK(uv_shutdown(&shutdown_req, STREAM(&tcp), note_shutdown));
  uv_close(HANDLE(&tcp), note_close);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("write:ECANCELED shutdown:ECANCELED close");
  tear_down();
}

static void close_from_write(uv_write_t* req, int status) {
  note_write(req, status);
  uv_close(HANDLE(req->handle), note_close);
}

static void note_check(uv_check_t* check) {
  (void) check;
  note("check", NULL, 0);
}

/* The shutdown after a write whose callback closes the stream is cancelled before the closing phase. */
TEST(stream_shutdown_after_a_write_that_closes) {
  uv_buf_t buf = uv_buf_init("x", 1);
  uv_check_t check;
  set_up();
  ASSERT_OK(uv_check_init(&loop, &check));
  ASSERT_OK(uv_check_start(&check, note_check));
  ASSERT_OK(uv_write(&write_req, STREAM(&tcp), &buf, 1, close_from_write));
  ASSERT_OK(uv_shutdown(&shutdown_req, STREAM(&tcp), note_shutdown));
  uv_run(&loop, UV_RUN_NOWAIT);
  EXPECT_EVENTS("write shutdown:ECANCELED check close");
  uv_close(HANDLE(&check), NULL);
  tear_down();
}

static void close_from_shutdown(uv_shutdown_t* req, int status) {
  note_shutdown(req, status);
  uv_close(HANDLE(req->handle), note_close);
}

TEST(stream_shutdown_callback_closes) {
  set_up();
  tcp.data = NULL;
  ASSERT_OK(uv_shutdown(&shutdown_req, STREAM(&tcp), close_from_shutdown));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("shutdown close");
  tear_down();
}

static void shutdown_from_write(uv_write_t* req, int status) {
  note_write(req, status);
  ASSERT_OK(uv_shutdown(&shutdown_req, req->handle, note_shutdown));
}

TEST(stream_shutdown_from_write_callback) {
  uv_buf_t buf = uv_buf_init("x", 1);
  char text[2];
  set_up();
  ASSERT_OK(uv_write(&write_req, STREAM(&tcp), &buf, 1, shutdown_from_write));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("write shutdown");
  ASSERT_EQ(recv(peer, text, 2, MSG_WAITALL), 1);
  tear_down();
}

TEST(stream_shutdown_of_a_reset_connection) {
  set_up();
  reset_peer();
  ASSERT_OK(uv_shutdown(&shutdown_req, STREAM(&tcp), note_shutdown));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("shutdown:ENOTCONN");
  tear_down();
}

/* uv_close. */

TEST(stream_close_is_deferred) {
  set_up();
  tcp.data = NULL;
  ASSERT_OK(uv_read_start(STREAM(&tcp), alloc_static, never_read));
  ASSERT_EQ(write(peer, "unread", 6), 6);
  uv_close(HANDLE(&tcp), note_close);
  EXPECT_EVENTS("");
  ASSERT_EQ(uv_is_closing(HANDLE(&tcp)), 1);
  ASSERT_EQ(uv_is_active(HANDLE(&tcp)), 0);
  ASSERT_EQ(uv_is_readable(STREAM(&tcp)), 0);
  ASSERT_EQ(uv_is_writable(STREAM(&tcp)), 0);
  ASSERT_EQ(uv_loop_alive(&loop), 1);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("close");
  tear_down();
}

TEST(stream_close_callbacks_in_order) {
  static const char* const names[] = {"0", "1", "2", "3"};
  uv_tcp_t tcps[COUNT(names)];
  size_t i;
  set_up();
  for (i = 0; i < COUNT(names); i++) {
    ASSERT_OK(uv_tcp_init(&loop, &tcps[i]));
    tcps[i].data = (void*) names[i];
  }
  for (i = 0; i < COUNT(names); i++) uv_close(HANDLE(&tcps[i]), note_close);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("close3 close2 close1 close0");
  tear_down();
}

/* Every getter answers; nothing reaches the descriptor, which is gone. */
TEST(stream_calls_on_a_closing_handle) {
  struct sockaddr_in addr = loopback(0);
  uv_os_fd_t fd;
  int len = sizeof(addr);
  int value = 0;
  set_up();
  uv_close(HANDLE(&tcp), NULL);
  ASSERT_EQ(uv_fileno(HANDLE(&tcp), &fd), UV_EBADF);
  ASSERT_EQ(uv_tcp_getsockname(&tcp, (struct sockaddr*) &addr, &len),
            UV_EBADF);
  ASSERT_EQ(uv_tcp_getpeername(&tcp, (struct sockaddr*) &addr, &len),
            UV_EBADF);
  ASSERT_EQ(uv_send_buffer_size(HANDLE(&tcp), &value), UV_EBADF);
  ASSERT_EQ(uv_recv_buffer_size(HANDLE(&tcp), &value), UV_EBADF);
  ASSERT_EQ(uv_stream_set_blocking(STREAM(&tcp), 1), UV_EBADF);
  ASSERT_EQ(uv_tcp_bind(&tcp, SA(&addr), 0), UV_EINVAL);
  ASSERT_EQ(uv_listen(STREAM(&tcp), 1, never_connection), UV_EINVAL);
  ASSERT_OK(uv_read_stop(STREAM(&tcp)));
  tear_down();
}

static void free_handle(uv_handle_t* handle) {
  note("free", NULL, 0);
  free(handle);
}

/* The memory of the handle is the close callback's to free. */
TEST(stream_close_frees_the_handle) {
  uv_tcp_t* heap[3];
  uv_write_t heap_write;
  uv_buf_t buf = uv_buf_init(big, sizeof(big));
  int fd;
  size_t i;
  set_up();
  for (i = 0; i < COUNT(heap); i++) heap[i] = malloc(sizeof(uv_tcp_t));
  ASSERT_OK(uv_tcp_init(&loop, heap[0]));
  listen_loopback(&loop, heap[1], never_connection);
  fd = tcp_with_peer(&loop, heap[2]);
  heap_write.data = NULL;
  ASSERT_OK(uv_write(&heap_write, STREAM(heap[2]), &buf, 1, note_write));
  ASSERT_OK(uv_read_start(STREAM(heap[2]), alloc_static, never_read));
  for (i = 0; i < COUNT(heap); i++) uv_close(HANDLE(heap[i]), free_handle);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("write:ECANCELED free free free");
  ASSERT_OK(close(fd));
  tear_down();
}

/* uv_tcp_close_reset. */

TEST(tcp_close_reset_is_seen_by_the_peer) {
  char byte;
  set_up();
  tcp.data = NULL;
  ASSERT_OK(uv_tcp_close_reset(&tcp, note_close));
  ASSERT_EQ(uv_is_closing(HANDLE(&tcp)), 1);
  EXPECT_EVENTS("");
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("close");
  ASSERT_EQ(read(peer, &byte, 1), -1);
  ASSERT_EQ(errno, ECONNRESET);
  tear_down();
}

TEST(tcp_close_reset_between_two_handles) {
  uv_tcp_t a, b;
  ASSERT_OK(uv_loop_init(&loop));
  tcp_pair(&loop, &a, &b);
  a.data = b.data = NULL;
  ASSERT_OK(uv_read_start(STREAM(&b), alloc_static, note_read));
  ASSERT_OK(uv_tcp_close_reset(&a, NULL));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("read:ECONNRESET");
  CLOSE_LOOP(&loop);
}

TEST(tcp_close_reset_cancels_writes) {
  set_up();
  tcp.data = NULL;
  write_big();
  ASSERT_OK(uv_tcp_close_reset(&tcp, note_close));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("write:ECANCELED close");
  tear_down();
}

TEST(tcp_close_reset_after_shutdown) {
  char byte;
  set_up();
  tcp.data = NULL;
  write_big();
  ASSERT_OK(uv_shutdown(&shutdown_req, STREAM(&tcp), note_shutdown));
  ASSERT_EQ(uv_tcp_close_reset(&tcp, note_close), UV_EINVAL);
  ASSERT_EQ(uv_is_closing(HANDLE(&tcp)), 0);
  uv_close(HANDLE(&tcp), note_close);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("write:ECANCELED shutdown:ECANCELED close");
  ASSERT_EQ(recv(peer, &byte, 1, MSG_WAITALL), 1);
  tear_down();
}

TEST(tcp_close_reset_in_other_states) {
  uv_tcp_t fresh, listener;
  set_up();
  ASSERT_OK(uv_tcp_init(&loop, &fresh));
  ASSERT_EQ(uv_tcp_close_reset(&fresh, note_close), UV_EBADF);
  ASSERT_EQ(uv_is_closing(HANDLE(&fresh)), 0);
  listen_loopback(&loop, &listener, never_connection);
  listener.data = NULL;
  ASSERT_OK(uv_tcp_close_reset(&listener, note_close));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("close");
  tear_down();
}

/* A connection that is reset does not stop one that is not. */
TEST(tcp_close_reset_touches_one_connection) {
  uv_tcp_t other;
  char byte;
  int other_peer;
  uv_buf_t buf = uv_buf_init("x", 1);
  set_up();
  other_peer = tcp_with_peer(&loop, &other);
  ASSERT_OK(uv_tcp_close_reset(&tcp, NULL));
  ASSERT_EQ(uv_try_write(STREAM(&other), &buf, 1), 1);
  ASSERT_EQ(read(other_peer, &byte, 1), 1);
  ASSERT_OK(close(other_peer));
  tear_down();
}
