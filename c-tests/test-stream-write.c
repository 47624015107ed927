/* uv_write, uv_try_write and uv_cancel of writes. The peer is a plain socket
 * that reads only when the test says so. */
#include <poll.h>

#include "test-stream.h"

enum { BIG = 8 << 20 }; /* More than the kernel's buffers take. */

/* A pattern that shows a lost, doubled or moved byte. */
static unsigned char pattern_at(size_t position) {
  return (unsigned char) (position * 7 + (position >> 8) * 13 +
                          (position >> 16));
}

static uv_buf_t big_buf(void) {
  static char* memory;
  size_t i;
  if (memory == NULL) {
    memory = malloc(BIG);
    ASSERT_NOT_NULL(memory);
    for (i = 0; i < BIG; i++) memory[i] = pattern_at(i);
  }
  return uv_buf_init(memory, BIG);
}

/* Reads exactly `length` bytes of the pattern while the loop runs. */
static void peer_reads_pattern(size_t length) {
  static unsigned char chunk[1 << 16];
  size_t seen = 0, i;
  while (seen < length) {
    size_t room = length - seen < sizeof(chunk) ? length - seen
                                                : sizeof(chunk);
    ssize_t r = recv(peer, chunk, room, MSG_DONTWAIT);
    if (r < 0) {
      ASSERT_EQ(errno, EAGAIN);
      uv_run(&loop, UV_RUN_NOWAIT);
      continue;
    }
    ASSERT_GT(r, 0);
    for (i = 0; i < (size_t) r; i++)
      if (chunk[i] != pattern_at((seen + i) % BIG))
        test_fail(__FILE__, __LINE__, "wrong byte at %zu", seen + i);
    seen += r;
  }
}

static void peer_expects_text(const char* text) {
  char received[256];
  size_t length = strlen(text);
  ASSERT_LT(length, sizeof(received));
  ASSERT_EQ(recv(peer, received, length, MSG_WAITALL), length);
  ASSERT_MEM_EQ(received, text, length);
}

static void write_big(int i) {
  uv_buf_t buf = big_buf();
  ASSERT_OK(uv_write(&writes[i], STREAM(&tcp), &buf, 1, note_write));
}

static void answer(uv_stream_t* stream, ssize_t nread, const uv_buf_t* buf) {
  uv_buf_t reply = uv_buf_init("reply", 5);
  uv_write_t* write = stream == STREAM(&tcp) ? &writes[0] : &writes[1];
  if (nread == 0) return;
  note_read(stream, nread, buf);
  ASSERT_OK(uv_write(write, stream, &reply, 1, note_write));
}

static void send_and_wait(int from, const uv_tcp_t* to) {
  struct pollfd readable = {fd_of(to), POLLIN, 0};
  ASSERT_EQ(send(from, "x", 1, 0), 1);
  ASSERT_EQ(poll(&readable, 1, -1), 1);
}

/* A write in a read callback is called back after the other callbacks of the poll
 * phase. */
TEST(stream_write_in_read_callback) {
  uv_tcp_t other;
  int other_peer;
  set_up();
  other_peer = tcp_with_peer(&loop, &other);
  tcp.data = "0";
  other.data = "1";
  ASSERT_OK(uv_read_start(STREAM(&tcp), alloc_static, answer));
  ASSERT_OK(uv_read_start(STREAM(&other), alloc_static, answer));
  uv_run(&loop, UV_RUN_NOWAIT);
  send_and_wait(peer, &tcp);
  send_and_wait(other_peer, &other);
  uv_run(&loop, UV_RUN_NOWAIT);
  EXPECT_EVENTS("read0 read1 write0 write1");
  ASSERT_OK(close(other_peer));
  tear_down();
}

TEST(stream_write_request_fields) {
  uv_buf_t buf = uv_buf_init("x", 1);
  set_up();
  ASSERT_OK(uv_write(&writes[0], STREAM(&tcp), &buf, 1, note_write));
  ASSERT_EQ(writes[0].type, UV_WRITE);
  ASSERT_PTR_EQ(writes[0].handle, &tcp);
  ASSERT_NULL(writes[0].send_handle);
  EXPECT_EVENTS(""); /* Never from within uv_write(). */
  ASSERT_EQ(uv_loop_alive(&loop), 1);
  ASSERT_EQ(uv_is_active(HANDLE(&tcp)), 0);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("write0");
  peer_expects_text("x");
  tear_down();
}

TEST(stream_write_null_callback) {
  uv_buf_t buf = uv_buf_init("x", 1);
  set_up();
  ASSERT_OK(uv_write(&writes[0], STREAM(&tcp), &buf, 1, NULL));
  ASSERT_EQ(uv_loop_alive(&loop), 1);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  peer_expects_text("x");
  tear_down();
}

TEST(stream_write_callbacks_in_order) {
  static const char* const texts[] = {"alpha", "b", "", "gamma-delta"};
  size_t i;
  set_up();
  for (i = 0; i < COUNT(texts); i++) {
    uv_buf_t buf = uv_buf_init((char*) texts[i], strlen(texts[i]));
    ASSERT_OK(uv_write(&writes[i], STREAM(&tcp), &buf, 1, note_write));
  }
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("write0 write1 write2 write3");
  peer_expects_text("alphabgamma-delta");
  tear_down();
}

/* The array of buffers is copied, even when it is long; the bytes are not. */
TEST(stream_write_copies_the_array) {
  enum { SMALL = 3, LARGE = 50 };
  static const char digits[] = "0123456789";
  uv_buf_t bufs[LARGE];
  char expected[LARGE + SMALL + 1];
  int i;
  set_up();
  write_big(0); /* So that the others are queued. */
  for (i = 0; i < LARGE + SMALL; i++) expected[i] = digits[i % 10];
  expected[i] = '\0';
  for (i = 0; i < LARGE; i++)
    bufs[i] = uv_buf_init((char*) &digits[i % 10], 1);
  ASSERT_OK(uv_write(&writes[1], STREAM(&tcp), bufs, LARGE, note_write));
  memset(bufs, 0, sizeof(bufs));
  for (i = 0; i < SMALL; i++)
    bufs[i] = uv_buf_init((char*) &digits[(LARGE + i) % 10], 1);
  ASSERT_OK(uv_write(&writes[2], STREAM(&tcp), bufs, SMALL, note_write));
  memset(bufs, 0, sizeof(bufs));
  peer_reads_pattern(BIG);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("write0 write1 write2");
  peer_expects_text(expected);
  tear_down();
}

/* More buffers than one system call takes (IOV_MAX is 1024). */
TEST(stream_write_many_buffers) {
  enum { BUFFERS = 5000, SIZE = 11 };
  uv_buf_t big = big_buf();
  uv_buf_t* bufs = malloc(BUFFERS * sizeof(*bufs));
  int i, sent;
  set_up();
  for (i = 0; i < BUFFERS; i++)
    bufs[i] = uv_buf_init(big.base + i * SIZE, SIZE);
  ASSERT_OK(uv_write(&writes[0], STREAM(&tcp), bufs, BUFFERS, note_write));
  peer_reads_pattern(BUFFERS * SIZE);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("write0");
  /* uv_try_write() makes one call, and says how far it got. */
  sent = uv_try_write(STREAM(&tcp), bufs, BUFFERS);
  ASSERT_EQ(sent, 1024 * SIZE);
  peer_reads_pattern(sent);
  free(bufs);
  tear_down();
}

TEST(stream_write_nothing) {
  uv_buf_t empty[3];
  set_up();
  memset(empty, 0, sizeof(empty));
  ASSERT_OK(uv_write(&writes[0], STREAM(&tcp), empty, 1, note_write));
  ASSERT_OK(uv_write(&writes[1], STREAM(&tcp), empty, 3, note_write));
  ASSERT_EQ(uv_try_write(STREAM(&tcp), empty, 3), 0);
  ASSERT_EQ(tcp.write_queue_size, 0);
  ASSERT_EQ(uv_write(&writes[2], STREAM(&tcp), empty, 0, never_write),
            UV_EINVAL);
  ASSERT_EQ(uv_try_write(STREAM(&tcp), empty, 0), UV_EINVAL);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("write0 write1");
  tear_down();
}

TEST(stream_write_queue_size) {
  size_t before, after;
  set_up();
  write_big(0);
  /* The first write goes to the kernel at once, as far as it fits. */
  before = tcp.write_queue_size;
  ASSERT_GT(before, 0);
  ASSERT_LT(before, BIG);
  write_big(1);
  ASSERT_EQ(tcp.write_queue_size, before + BIG);
  ASSERT_EQ(uv_stream_get_write_queue_size(STREAM(&tcp)), before + BIG);
  peer_reads_pattern(BIG / 2);
  uv_run(&loop, UV_RUN_NOWAIT);
  after = tcp.write_queue_size;
  ASSERT_LT(after, before + BIG);
  ASSERT_GE(after, BIG / 2);
  {
    static char rest[1 << 16];
    size_t left = 2 * BIG - BIG / 2;
    while (left > 0) {
      ssize_t r = recv(peer, rest, sizeof(rest), MSG_DONTWAIT);
      if (r > 0) left -= r;
      else uv_run(&loop, UV_RUN_NOWAIT);
    }
  }
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("write0 write1");
  ASSERT_EQ(tcp.write_queue_size, 0);
  tear_down();
}

static int chained;

static void write_next(uv_write_t* req, int status) {
  uv_buf_t buf = uv_buf_init("z", 1);
  ASSERT_OK(status);
  if (++chained < 1000)
    ASSERT_OK(uv_write(req, req->handle, &buf, 1, write_next));
}

/* The request may be used again in its own callback. */
TEST(stream_write_from_write_callback) {
  uv_buf_t buf = uv_buf_init("z", 1);
  char text[1000];
  set_up();
  ASSERT_OK(uv_write(&writes[0], STREAM(&tcp), &buf, 1, write_next));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(chained, 1000);
  ASSERT_EQ(recv(peer, text, sizeof(text), MSG_WAITALL), 1000);
  tear_down();
}

static void free_write(uv_write_t* req, int status) {
  ASSERT_OK(status);
  chained++;
  free(req);
}

TEST(stream_write_request_freed_in_callback) {
  uv_buf_t buf = uv_buf_init("z", 1);
  uv_buf_t bufs[20];
  size_t i;
  set_up();
  for (i = 0; i < COUNT(bufs); i++) bufs[i] = buf;
  for (i = 1; i <= COUNT(bufs); i++)
    ASSERT_OK(uv_write(malloc(sizeof(uv_write_t)), STREAM(&tcp), bufs, i,
                       free_write));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(chained, COUNT(bufs));
  tear_down();
}

/* Closing cancels queued writes, in order, before the close callback. */
TEST(stream_write_closed_with_a_queue) {
  set_up();
  write_big(0);
  write_big(1);
  write_big(2);
  uv_close(HANDLE(&tcp), note_close);
  EXPECT_EVENTS("");
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("write0:ECANCELED write1:ECANCELED write2:ECANCELED close");
  ASSERT_EQ(tcp.write_queue_size, 0);
  tear_down();
}

static void expect_no_work(uv_write_t* req, int status) {
  note_write(req, status);
  ASSERT_EQ(uv_loop_alive(&loop), 0);
}

/* The loop has nothing else to do when their callbacks are called. */
TEST(stream_write_cancelled_in_an_idle_loop) {
  uv_buf_t buf = uv_buf_init("x", 1);
  set_up();
  ASSERT_OK(uv_write(&writes[0], STREAM(&tcp), &buf, 1, note_write));
  write_big(1);
  ASSERT_OK(uv_write(&writes[2], STREAM(&tcp), &buf, 1, expect_no_work));
  uv_close(HANDLE(&tcp), note_close);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("write0 write1:ECANCELED write2:ECANCELED close");
  tear_down();
}

/* A write that was done before the close has succeeded. */
TEST(stream_write_done_then_closed) {
  uv_buf_t buf = uv_buf_init("x", 1);
  set_up();
  ASSERT_OK(uv_write(&writes[0], STREAM(&tcp), &buf, 1, note_write));
  write_big(1);
  uv_close(HANDLE(&tcp), note_close);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("write0 write1:ECANCELED close");
  tear_down();
}

/* A write after one that has failed waits for that one's callback. */
TEST(stream_write_after_a_failed_one_then_closed) {
  uv_buf_t buf = uv_buf_init("x", 1);
  uv_pipe_t pipe;
  int ends[2];
  set_up();
  ASSERT_OK(uv_pipe_init(&loop, &pipe, 0));
  pipe.data = NULL;
  ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
  ASSERT_OK(uv_pipe_open(&pipe, ends[0]));
  ASSERT_OK(close(ends[1]));
  ASSERT_OK(uv_write(&writes[0], STREAM(&pipe), &buf, 1, note_write));
  ASSERT_OK(uv_write(&writes[1], STREAM(&pipe), &buf, 1, note_write));
  ASSERT_EQ(uv_try_write(STREAM(&pipe), &buf, 1), UV_EAGAIN);
  uv_close(HANDLE(&pipe), note_close);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("write0:EPIPE write1:ECANCELED close");
  tear_down();
}

static void write_again(uv_write_t* req, int status) {
  uv_buf_t buf = uv_buf_init("x", 1);
  note_write(req, status);
  ASSERT_OK(uv_write(&writes[2], req->handle, &buf, 1, note_write));
}

/* One that a callback starts before that of the failed one is tried after it. */
TEST(stream_write_in_a_callback_after_a_failed_one) {
  uv_buf_t buf = uv_buf_init("x", 1);
  uv_pipe_t pipe;
  int ends[2];
  set_up();
  ASSERT_OK(uv_pipe_init(&loop, &pipe, 0));
  pipe.data = NULL;
  ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
  ASSERT_OK(uv_pipe_open(&pipe, ends[0]));
  ASSERT_OK(uv_write(&writes[0], STREAM(&pipe), &buf, 1, write_again));
  ASSERT_OK(close(ends[1]));
  ASSERT_OK(uv_write(&writes[1], STREAM(&pipe), &buf, 1, note_write));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("write0 write1:EPIPE write2:EPIPE");
  tear_down();
}

static void close_from_write(uv_write_t* req, int status) {
  note_write(req, status);
  uv_close(HANDLE(req->handle), note_close);
}

TEST(stream_write_callback_closes) {
  uv_buf_t buf = uv_buf_init("x", 1);
  set_up();
  ASSERT_OK(uv_write(&writes[0], STREAM(&tcp), &buf, 1, close_from_write));
  ASSERT_OK(uv_write(&writes[1], STREAM(&tcp), &buf, 1, note_write));
  write_big(2);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("write0 write1 write2:ECANCELED close");
  tear_down();
}

TEST(stream_write_to_a_reset_connection) {
  uv_buf_t buf = uv_buf_init("x", 1);
  set_up();
  reset_peer();
  ASSERT_OK(uv_write(&writes[0], STREAM(&tcp), &buf, 1, note_write));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_OK(uv_write(&writes[1], STREAM(&tcp), &buf, 1, note_write));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("write0:ECONNRESET write1:EPIPE");
  ASSERT_EQ(uv_try_write(STREAM(&tcp), &buf, 1), UV_EPIPE);
  tear_down();
}

/* Each queued write meets the error by itself. */
TEST(stream_write_reset_with_a_queue) {
  set_up();
  write_big(0);
  write_big(1);
  reset_peer();
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("write0:ECONNRESET write1:EPIPE");
  ASSERT_EQ(tcp.write_queue_size, 0);
  ASSERT_EQ(uv_is_writable(STREAM(&tcp)), 1);
  tear_down();
}

TEST(stream_write_in_the_wrong_state) {
  enum { NO_SOCKET, UNCONNECTED, LISTENING, CLOSING, STATES };
  static const int errors[STATES] = {UV_EBADF, UV_EPIPE, UV_EPIPE, UV_EBADF};
  uv_buf_t buf = uv_buf_init("x", 1);
  uv_tcp_t handles[STATES];
  int i;
  set_up();
  ASSERT_OK(uv_tcp_init(&loop, &handles[NO_SOCKET]));
  ASSERT_OK(uv_tcp_init_ex(&loop, &handles[UNCONNECTED], AF_INET));
  listen_loopback(&loop, &handles[LISTENING], never_connection);
  ASSERT_OK(uv_tcp_init(&loop, &handles[CLOSING]));
  uv_close(HANDLE(&handles[CLOSING]), NULL);
  for (i = 0; i < STATES; i++) {
    ASSERT_EQ(uv_write(&writes[0], STREAM(&handles[i]), &buf, 1, never_write),
              errors[i]);
    ASSERT_EQ(uv_try_write(STREAM(&handles[i]), &buf, 1), errors[i]);
  }
  tear_down();
}

TEST(stream_write2_wants_an_ipc_pipe) {
  uv_buf_t buf = uv_buf_init("x", 1);
  uv_tcp_t other;
  set_up();
  ASSERT_OK(uv_tcp_init_ex(&loop, &other, AF_INET));
  ASSERT_EQ(uv_write2(&writes[0], STREAM(&tcp), &buf, 1, STREAM(&other),
                      never_write),
            UV_EINVAL);
  ASSERT_EQ(uv_try_write2(STREAM(&tcp), &buf, 1, STREAM(&other)), UV_EINVAL);
  /* Without a handle to send they are uv_write() and uv_try_write(). */
  ASSERT_OK(uv_write2(&writes[0], STREAM(&tcp), &buf, 1, NULL, note_write));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(uv_try_write2(STREAM(&tcp), &buf, 1, NULL), 1);
  EXPECT_EVENTS("write0");
  peer_expects_text("xx");
  tear_down();
}

TEST(stream_try_write_until_full) {
  uv_buf_t buf = big_buf();
  size_t sent = 0;
  int r;
  set_up();
  while ((r = uv_try_write(STREAM(&tcp), &buf, 1)) > 0) {
    ASSERT_LE(r, buf.len);
    sent += r;
    buf.base += r;
    buf.len -= r;
    ASSERT_GT(buf.len, 0);
  }
  ASSERT_EQ(r, UV_EAGAIN);
  ASSERT_EQ(tcp.write_queue_size, 0);
  ASSERT_EQ(uv_loop_alive(&loop), 0);
  peer_reads_pattern(sent);
  ASSERT_GT(uv_try_write(STREAM(&tcp), &buf, 1), 0);
  tear_down();
}

/* uv_try_write() does not overtake queued writes. */
TEST(stream_try_write_behind_a_queue) {
  uv_buf_t buf = uv_buf_init("x", 1);
  set_up();
  write_big(0);
  ASSERT_EQ(uv_try_write(STREAM(&tcp), &buf, 1), UV_EAGAIN);
  peer_reads_pattern(BIG);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("write0");
  ASSERT_EQ(uv_try_write(STREAM(&tcp), &buf, 1), 1);
  peer_expects_text("x");
  tear_down();
}

TEST(stream_write_blocking) {
  uv_buf_t buf = uv_buf_init("x", 1);
  set_up();
  ASSERT_OK(uv_stream_set_blocking(STREAM(&tcp), 1));
  ASSERT_OK(uv_write(&writes[0], STREAM(&tcp), &buf, 1, note_write));
  ASSERT_EQ(tcp.write_queue_size, 0);
  peer_expects_text("x");
  EXPECT_EVENTS("");
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("write0");
  tear_down();
}

/* Cancelling. */

static size_t nwritten[COUNT(writes)];

static void note_nwritten(uv_write_t* req, int status) {
  note_write(req, status);
  nwritten[req - writes] = uv_write_nwritten(req);
}

static void queue_big(int count) {
  uv_buf_t buf = big_buf();
  int i;
  for (i = 0; i < count; i++)
    ASSERT_OK(uv_write(&writes[i], STREAM(&tcp), &buf, 1, note_nwritten));
}

static int cancel_write(int i) {
  return uv_cancel((uv_req_t*) &writes[i]);
}

static void run_a_little(void) {
  uv_run(&loop, UV_RUN_NOWAIT);
  uv_run(&loop, UV_RUN_NOWAIT);
}

TEST(stream_cancel_a_queued_write) {
  size_t before;
  set_up();
  queue_big(3);
  before = tcp.write_queue_size;
  ASSERT_OK(cancel_write(1));
  EXPECT_EVENTS("");
  ASSERT_OK(cancel_write(1)); /* Once more makes no difference. */
  run_a_little();
  EXPECT_EVENTS("write1:ECANCELED");
  ASSERT_EQ(nwritten[1], 0);
  /* Less the bytes of the first write that the kernel accepted meanwhile. */
  ASSERT_LE(tcp.write_queue_size, before - BIG);
  ASSERT_GE(tcp.write_queue_size, BIG);
  /* The others go through, without its bytes. */
  peer_reads_pattern(2 * (size_t) BIG);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("write1:ECANCELED write0 write2");
  ASSERT_EQ(nwritten[0], BIG);
  ASSERT_EQ(nwritten[2], BIG);
  ASSERT_EQ(tcp.write_queue_size, 0);
  tear_down();
}

/* Bytes that the kernel has are on their way; the callback tells how many. */
TEST(stream_cancel_a_partial_write) {
  size_t queued;
  set_up();
  queue_big(1);
  queued = tcp.write_queue_size;
  ASSERT_GT(queued, 0);
  ASSERT_OK(cancel_write(0));
  run_a_little();
  EXPECT_EVENTS("write0:ECANCELED");
  ASSERT_EQ(nwritten[0], BIG - queued);
  ASSERT_EQ(tcp.write_queue_size, 0);
  ASSERT_EQ(uv_loop_alive(&loop), 0);
  peer_reads_pattern(nwritten[0]);
  tear_down();
}

TEST(stream_cancel_every_write) {
  uv_buf_t buf = uv_buf_init("x", 1);
  set_up();
  queue_big(4);
  ASSERT_OK(cancel_write(3));
  ASSERT_OK(cancel_write(2));
  ASSERT_OK(cancel_write(1));
  ASSERT_OK(cancel_write(0));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("write3:ECANCELED write2:ECANCELED write1:ECANCELED "
                "write0:ECANCELED");
  ASSERT_EQ(tcp.write_queue_size, 0);
  /* The stream goes on. */
  peer_reads_pattern(nwritten[0]);
  ASSERT_OK(uv_write(&writes[4], STREAM(&tcp), &buf, 1, NULL));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  peer_expects_text("x");
  tear_down();
}

/* A finished write has nothing to cancel, which is no error. */
TEST(stream_cancel_a_finished_write) {
  uv_buf_t buf = uv_buf_init("x", 1);
  set_up();
  ASSERT_OK(uv_write(&writes[0], STREAM(&tcp), &buf, 1, note_nwritten));
  ASSERT_OK(cancel_write(0));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("write0");
  ASSERT_EQ(nwritten[0], 1);
  ASSERT_OK(cancel_write(0));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("write0");
  tear_down();
}

TEST(stream_cancel_after_close) {
  set_up();
  queue_big(1);
  uv_close(HANDLE(&tcp), note_close);
  ASSERT_EQ(cancel_write(0), UV_EBUSY);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("write0:ECANCELED close");
  tear_down();
}

TEST(stream_cancel_before_a_shutdown) {
  uv_shutdown_t req;
  char byte;
  set_up();
  req.data = NULL;
  queue_big(1);
  ASSERT_OK(uv_shutdown(&req, STREAM(&tcp), note_shutdown));
  ASSERT_OK(cancel_write(0));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("write0:ECANCELED shutdown");
  peer_reads_pattern(nwritten[0]);
  ASSERT_EQ(read(peer, &byte, 1), 0);
  tear_down();
}

TEST(stream_cancel_other_requests) {
  uv_shutdown_t shutdown_req;
  uv_connect_t connect_req;
  uv_tcp_t server, client;
  struct sockaddr_in addr;
  set_up();
  addr = listen_loopback(&loop, &server, note_connection);
  server.data = NULL;
  ASSERT_OK(uv_tcp_init(&loop, &client));
  connect_req.data = "1";
  shutdown_req.data = "2";
  ASSERT_OK(uv_tcp_connect(&connect_req, &client, SA(&addr), note_connect));
  ASSERT_EQ(uv_cancel((uv_req_t*) &connect_req), UV_EINVAL);
  ASSERT_OK(uv_shutdown(&shutdown_req, STREAM(&tcp), note_shutdown));
  ASSERT_EQ(uv_cancel((uv_req_t*) &shutdown_req), UV_EINVAL);
  /* They end as without the attempt. */
  RUN_UNTIL(&loop, strstr(events, "connect1") && strstr(events, "shutdown2"));
  ASSERT_NULL(strchr(events, ':'));
  uv_close(HANDLE(&server), NULL);
  tear_down();
}

static void write_to_a_blocking_socket(void) {
  static char data[8 << 20];
  uv_loop_t write_loop;
  uv_tcp_t tcp;
  uv_write_t req;
  uv_buf_t bufs[2];
  int peer;
  bufs[0] = bufs[1] = uv_buf_init(data, sizeof(data));
  ASSERT_OK(uv_loop_init(&write_loop));
  peer = tcp_with_peer(&write_loop, &tcp);
  ASSERT_OK(fcntl(fd_of(&tcp), F_SETFL, 0));
  alarm(5);
  /* More than the kernel takes: a blocking call would wait for a reader. */
  ASSERT_OK(uv_write(&req, STREAM(&tcp), bufs, 2, NULL));
  ASSERT_GT(tcp.write_queue_size, 0);
  alarm(0);
  ASSERT_OK(close(peer));
  uv_close(HANDLE(&tcp), NULL);
  ASSERT_OK(uv_run(&write_loop, UV_RUN_DEFAULT));
  ASSERT_OK(uv_loop_close(&write_loop));
}

/* Another process that has the socket may make it blocking. libuv then blocks the
 * loop, which the alarm ends. */
TEST(stream_write_to_a_socket_that_was_made_blocking) {
  ASSERT_SURVIVES(write_to_a_blocking_socket);
}
