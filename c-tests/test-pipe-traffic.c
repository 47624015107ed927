/* Data through pipes: local sockets, pipe(2), FIFOs, files. */
#define _GNU_SOURCE /* pipe2, O_DIRECT */
#include <pthread.h>

#include "test-pipe.h"

static uv_loop_t loop;
static uv_pipe_t one, other;

static int finished;

static void count_write(uv_write_t* req, int status) {
  (void) req;
  ASSERT_OK(status);
  finished++;
}

static void write_status(uv_write_t* req, int status) {
  *(int*) req->data = status;
  finished++;
}

static void shutdown_status(uv_shutdown_t* req, int status) {
  *(int*) req->data = status;
  finished++;
}

/* An end of a pipe(2) as a handle; the result is the other end. */
static int open_end(uv_pipe_t* handle, int index) {
  int fds[2];
  ASSERT_OK(pipe(fds));
  ASSERT_OK(uv_pipe_init(&loop, handle, 0));
  ASSERT_OK(uv_pipe_open(handle, fds[index]));
  return fds[!index];
}

TEST(pipe_both_directions) {
  uv_write_t writes[2];
  uv_buf_t bufs[] = {uv_buf_init("ab", 2), uv_buf_init("cd", 2)};
  ASSERT_OK(uv_loop_init(&loop));
  pipe_pair(&loop, &one, &other, 0);
  ASSERT_OK(uv_write(&writes[0], STREAM(&one), bufs, 2, count_write));
  ASSERT_OK(uv_read_start(STREAM(&other), alloc_static, collect));
  RUN_UNTIL(&loop, received_len == 4 && finished == 1);
  ASSERT_MEM_EQ(received, "abcd", 4);
  ASSERT_OK(uv_write(&writes[1], STREAM(&other), &bufs[1], 1, count_write));
  ASSERT_OK(uv_read_start(STREAM(&one), alloc_static, collect));
  RUN_UNTIL(&loop, received_len == 6 && finished == 2);
  ASSERT_MEM_EQ(received + 4, "cd", 2);
  CLOSE_LOOP(&loop);
}

TEST(pipe_end_of_stream) {
  int peer;
  ASSERT_OK(uv_loop_init(&loop));
  peer = pipe_with_peer(&loop, &one, 0);
  ASSERT_EQ(write(peer, "last", 4), 4);
  ASSERT_OK(shutdown(peer, SHUT_WR));
  ASSERT_OK(uv_read_start(STREAM(&one), alloc_static, collect));
  ASSERT_EQ(uv_run(&loop, UV_RUN_DEFAULT), 0);
  ASSERT_EQ(received_len, 4);
  ASSERT_EQ(received_end, UV_EOF);
  /* The other direction goes on. */
  ASSERT_EQ(uv_is_writable(STREAM(&one)), 1);
  ASSERT_OK(close(peer));
  CLOSE_LOOP(&loop);
}

TEST(pipe_shutdown_ends_the_peer) {
  uv_shutdown_t req;
  int status = -1, peer;
  char byte;
  ASSERT_OK(uv_loop_init(&loop));
  peer = pipe_with_peer(&loop, &one, 0);
  req.data = &status;
  ASSERT_OK(uv_shutdown(&req, STREAM(&one), shutdown_status));
  RUN_UNTIL(&loop, finished == 1);
  ASSERT_OK(status);
  ASSERT_EQ(read(peer, &byte, 1), 0);
  ASSERT_OK(close(peer));
  CLOSE_LOOP(&loop);
}

TEST(pipe_shutdown_needs_a_socket) {
  uv_shutdown_t req;
  int status = 0, peer;
  ASSERT_OK(uv_loop_init(&loop));
  peer = open_end(&one, 1);
  req.data = &status;
  ASSERT_OK(uv_shutdown(&req, STREAM(&one), shutdown_status));
  RUN_UNTIL(&loop, finished == 1);
  ASSERT_EQ(status, UV_ENOTSOCK);
  ASSERT_EQ(uv_is_writable(STREAM(&one)), 0);
  ASSERT_OK(close(peer));
  CLOSE_LOOP(&loop);
}

/* More than a pipe holds, so that writing has to wait for the reader. */
TEST(pipe_more_than_it_holds) {
  enum { SIZE = 300000 };
  static char data[SIZE], copy[SIZE];
  uv_write_t write;
  uv_buf_t buf = uv_buf_init(data, SIZE);
  size_t got = 0, i;
  int peer;
  ASSERT_OK(uv_loop_init(&loop));
  peer = open_end(&one, 1);
  ASSERT_OK(fcntl(peer, F_SETFL, O_NONBLOCK));
  for (i = 0; i < SIZE; i++) data[i] = (char) (i * 31 + i / 251);
  ASSERT_OK(uv_write(&write, STREAM(&one), &buf, 1, count_write));
  ASSERT_GT(uv_stream_get_write_queue_size(STREAM(&one)), 0);
  ASSERT_EQ(uv_try_write(STREAM(&one), &buf, 1), UV_EAGAIN);
  while (got < SIZE) {
    ssize_t n = read(peer, copy + got, 5000);
    if (n > 0)
      got += n;
    else
      ASSERT_EQ(errno, EAGAIN);
    uv_run(&loop, UV_RUN_NOWAIT);
  }
  RUN_UNTIL(&loop, finished == 1);
  ASSERT_MEM_EQ(copy, data, SIZE);
  ASSERT_EQ(uv_stream_get_write_queue_size(STREAM(&one)), 0);
  ASSERT_OK(close(peer));
  CLOSE_LOOP(&loop);
}

TEST(pipe_reader_goes_away) {
  uv_write_t write;
  uv_buf_t buf = uv_buf_init("x", 1);
  int status = 0, peer;
  signal(SIGPIPE, SIG_IGN);
  ASSERT_OK(uv_loop_init(&loop));
  peer = open_end(&one, 1);
  ASSERT_OK(close(peer));
  write.data = &status;
  ASSERT_OK(uv_write(&write, STREAM(&one), &buf, 1, write_status));
  RUN_UNTIL(&loop, finished == 1);
  ASSERT_EQ(status, UV_EPIPE);
  ASSERT_EQ(uv_try_write(STREAM(&one), &buf, 1), UV_EPIPE);
  CLOSE_LOOP(&loop);
}

TEST(pipe_reader_goes_away_while_writing_waits) {
  static char data[300000];
  uv_write_t write;
  uv_buf_t buf = uv_buf_init(data, sizeof(data));
  int status = 0, peer;
  signal(SIGPIPE, SIG_IGN);
  ASSERT_OK(uv_loop_init(&loop));
  peer = open_end(&one, 1);
  write.data = &status;
  ASSERT_OK(uv_write(&write, STREAM(&one), &buf, 1, write_status));
  uv_run(&loop, UV_RUN_NOWAIT);
  ASSERT_EQ(finished, 0);
  ASSERT_OK(close(peer));
  RUN_UNTIL(&loop, finished == 1);
  ASSERT_EQ(status, UV_EPIPE);
  CLOSE_LOOP(&loop);
}

TEST(pipe_fifo) {
  const char* path = test_path("fifo");
  int writer, reader;
  ASSERT_OK(mkfifo(path, 0600));
  reader = open(path, O_RDONLY | O_NONBLOCK);
  writer = open(path, O_WRONLY);
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_pipe_init(&loop, &one, 0));
  ASSERT_OK(uv_pipe_open(&one, reader));
  ASSERT_OK(uv_read_start(STREAM(&one), alloc_static, collect));
  ASSERT_EQ(write(writer, "through", 7), 7);
  RUN_UNTIL(&loop, received_len == 7);
  ASSERT_OK(close(writer));
  ASSERT_EQ(uv_run(&loop, UV_RUN_DEFAULT), 0);
  ASSERT_EQ(received_end, UV_EOF);
  CLOSE_LOOP(&loop);
}

/* In a pipe of packets every read ends at a packet, however large the buffer is, so
 * more may be left after a short read. */
TEST(pipe_of_packets) {
  int fds[2], i;
  if (pipe2(fds, O_DIRECT) != 0) SKIP("no pipes of packets");
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_pipe_init(&loop, &one, 0));
  ASSERT_OK(uv_pipe_open(&one, fds[0]));
  for (i = 0; i < 5; i++) ASSERT_EQ(write(fds[1], "abc", 3), 3);
  ASSERT_OK(uv_read_start(STREAM(&one), alloc_static, collect));
  RUN_UNTIL(&loop, received_len == 15);
  ASSERT_OK(close(fds[1]));
  CLOSE_LOOP(&loop);
}

/* A file never blocks, so it can be written to without being watched. */
TEST(pipe_write_to_a_file) {
  const char* path = test_path("file");
  uv_write_t write;
  uv_buf_t buf = uv_buf_init("line\n", 5);
  struct stat st;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_pipe_init(&loop, &one, 0));
  ASSERT_OK(uv_pipe_open(&one, open(path, O_CREAT | O_WRONLY, 0600)));
  ASSERT_OK(uv_write(&write, STREAM(&one), &buf, 1, count_write));
  RUN_UNTIL(&loop, finished == 1);
  ASSERT_EQ(uv_try_write(STREAM(&one), &buf, 1), 5);
  ASSERT_OK(stat(path, &st));
  ASSERT_EQ(st.st_size, 10);
  CLOSE_LOOP(&loop);
}

TEST(pipe_stop_and_start) {
  int peer, i;
  ASSERT_OK(uv_loop_init(&loop));
  peer = pipe_with_peer(&loop, &one, 0);
  for (i = 1; i <= 3; i++) {
    ASSERT_OK(uv_read_start(STREAM(&one), alloc_static, collect));
    ASSERT_EQ(write(peer, "ab", 2), 2);
    RUN_UNTIL(&loop, received_len == (size_t) (4 * i - 2));
    ASSERT_OK(uv_read_stop(STREAM(&one)));
    ASSERT_EQ(write(peer, "cd", 2), 2);
    uv_run(&loop, UV_RUN_NOWAIT);
    uv_run(&loop, UV_RUN_NOWAIT);
    ASSERT_EQ(received_len, 4 * i - 2);
    ASSERT_OK(uv_read_start(STREAM(&one), alloc_static, collect));
    RUN_UNTIL(&loop, received_len == (size_t) (4 * i));
    ASSERT_OK(uv_read_stop(STREAM(&one)));
  }
  ASSERT_OK(close(peer));
  CLOSE_LOOP(&loop);
}

static int ticks;

static void count_tick(uv_prepare_t* prepare) {
  (void) prepare;
  ticks++;
}

static void on_timer(uv_timer_t* timer) {
  *(int*) timer->data = 1;
}

/* Unread data and a hang-up do not keep the loop busy. */
TEST(pipe_unread_data_costs_no_ticks) {
  uv_prepare_t prepare;
  uv_timer_t timer;
  int peer, fired = 0;
  ASSERT_OK(uv_loop_init(&loop));
  peer = pipe_with_peer(&loop, &one, 0);
  ASSERT_OK(uv_read_start(STREAM(&one), alloc_static, collect));
  ASSERT_EQ(write(peer, "a", 1), 1);
  RUN_UNTIL(&loop, received_len == 1);
  ASSERT_OK(uv_read_stop(STREAM(&one)));
  ASSERT_EQ(write(peer, "b", 1), 1);
  ASSERT_OK(close(peer));
  ASSERT_OK(uv_prepare_init(&loop, &prepare));
  ASSERT_OK(uv_prepare_start(&prepare, count_tick));
  ASSERT_OK(uv_timer_init(&loop, &timer));
  timer.data = &fired;
  ASSERT_OK(uv_timer_start(&timer, on_timer, 20, 0));
  RUN_UNTIL(&loop, fired);
  ASSERT_GT(ticks, 0);
  ASSERT_LE(ticks, 10);
  ASSERT_OK(uv_read_start(STREAM(&one), alloc_static, collect));
  RUN_UNTIL(&loop, received_end != 0);
  ASSERT_EQ(received_len, 2);
  ASSERT_EQ(received_end, UV_EOF);
  CLOSE_LOOP(&loop);
}

TEST(pipe_close_cancels_writes) {
  static char data[1 << 20];
  uv_write_t writes[2];
  uv_buf_t buf = uv_buf_init(data, sizeof(data));
  int peer;
  ASSERT_OK(uv_loop_init(&loop));
  peer = pipe_with_peer(&loop, &one, 0);
  writes[0].data = "1";
  writes[1].data = "2";
  one.data = NULL;
  ASSERT_OK(uv_write(&writes[0], STREAM(&one), &buf, 1, note_write));
  ASSERT_OK(uv_write(&writes[1], STREAM(&one), &buf, 1, note_write));
  uv_run(&loop, UV_RUN_NOWAIT);
  EXPECT_EVENTS("");
  uv_close(HANDLE(&one), note_close);
  ASSERT_EQ(uv_run(&loop, UV_RUN_DEFAULT), 0);
  EXPECT_EVENTS("write1:ECANCELED write2:ECANCELED close");
  ASSERT_OK(close(peer));
  CLOSE_LOOP(&loop);
}

TEST(pipe_set_blocking) {
  int peer;
  uv_pipe_t closed;
  ASSERT_OK(uv_loop_init(&loop));
  peer = pipe_with_peer(&loop, &one, 0);
  ASSERT_OK(uv_stream_set_blocking(STREAM(&one), 1));
  ASSERT_EQ(fcntl(fd_of(&one), F_GETFL) & O_NONBLOCK, 0);
  ASSERT_OK(uv_stream_set_blocking(STREAM(&one), 0));
  ASSERT_NE(fcntl(fd_of(&one), F_GETFL) & O_NONBLOCK, 0);
  ASSERT_OK(uv_pipe_init(&loop, &closed, 0));
  ASSERT_EQ(uv_stream_set_blocking(STREAM(&closed), 1), UV_EBADF);
  ASSERT_OK(close(peer));
  CLOSE_LOOP(&loop);
}

/* ---- One question at a time ---------------------------------------------- */

enum { QUESTIONS = 5000 };

static uv_async_t done_async;
static uv_timer_t end_timer;
static uv_write_t question;
static int answers;

/* Answers all questions but the last, of which it tells otherwise. */
static void* answer(void* arg) {
  int fd = *(int*) arg, i;
  char byte;
  for (i = 0; i < QUESTIONS; i++) {
    ASSERT_EQ(read(fd, &byte, 1), 1);
    ASSERT_EQ(byte, (char) i);
    ASSERT_EQ(write(fd, &byte, 1), 1);
  }
  ASSERT_EQ(read(fd, &byte, 1), 1);
  ASSERT_OK(uv_async_send(&done_async));
  return NULL;
}

static void ask(void) {
  static char byte;
  uv_buf_t buf = uv_buf_init(&byte, 1);
  byte = (char) answers;
  ASSERT_OK(uv_write(&question, STREAM(&one), &buf, 1, count_write));
}

static void on_answer(uv_stream_t* stream, ssize_t nread, const uv_buf_t* buf) {
  (void) stream;
  if (nread == 0) return;
  ASSERT_EQ(nread, 1);
  ASSERT_EQ(buf->base[0], (char) answers);
  answers++;
  ask();
}

static void close_all_cb(uv_timer_t* timer) {
  uv_close(HANDLE(timer), NULL);
  uv_close(HANDLE(&done_async), NULL);
  uv_close(HANDLE(&one), NULL);
}

static void done_cb(uv_async_t* async) {
  (void) async;
  ASSERT_OK(uv_timer_start(&end_timer, close_all_cb, 1, 0));
}

/* A loop that spins for fast replies handles other events: a wake-up from another
 * thread, a timer, and in the end none. */
TEST(pipe_answers_from_a_thread) {
  pthread_t thread;
  int peer;
  ASSERT_OK(uv_loop_init(&loop));
  peer = pipe_with_peer(&loop, &one, 0);
  ASSERT_OK(uv_async_init(&loop, &done_async, done_cb));
  ASSERT_OK(uv_timer_init(&loop, &end_timer));
  ASSERT_OK(uv_read_start(STREAM(&one), alloc_static, on_answer));
  ASSERT_OK(pthread_create(&thread, NULL, answer, &peer));
  ask();
  ASSERT_EQ(uv_run(&loop, UV_RUN_DEFAULT), 0);
  ASSERT_EQ(answers, QUESTIONS);
  ASSERT_EQ(finished, QUESTIONS + 1);
  ASSERT_OK(pthread_join(thread, NULL));
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(peer));
}
