/* A descriptor's number that means another file than when its handle last used it. */

#include "test-udp.h"

#include <poll.h>
#include <unistd.h>

static uv_loop_t loop;
static int fired_polls, received;

static void read_and_stop(uv_stream_t* stream, ssize_t nread,
                          const uv_buf_t* buf) {
  (void) buf;
  if (nread == 0) return;
  ASSERT_GT(nread, 0);
  received += (int) nread;
  ASSERT_OK(uv_read_stop(stream));
}

/* Puts another connection under the number of a handle that has stopped reading. */
static void replace_while_stopped(uv_stream_t* stream, int first[2],
                                  int second[2]) {
  ASSERT_OK(uv_read_start(stream, alloc_static, read_and_stop));
  ASSERT_EQ(write(first[1], "abc", 3), 3);
  RUN_UNTIL(&loop, received == 3);
  uv_run(&loop, UV_RUN_NOWAIT);
  ASSERT_EQ(dup2(second[0], first[0]), first[0]);
  ASSERT_OK(uv_read_start(stream, alloc_static, read_and_stop));
  ASSERT_EQ(write(second[1], "defgh", 5), 5);
  RUN_UNTIL(&loop, received == 8);
  CLOSE_LOOP(&loop);
}

TEST(replaced_tcp_socket) {
  int first[2], second[2];
  uv_tcp_t tcp;
  raw_pair(first);
  raw_pair(second);
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_tcp_init(&loop, &tcp));
  ASSERT_OK(uv_tcp_open(&tcp, first[0]));
  replace_while_stopped(STREAM(&tcp), first, second);
}

TEST(replaced_pipe) {
  int first[2], second[2];
  uv_pipe_t handle;
  ASSERT_OK(pipe(first));
  ASSERT_OK(pipe(second));
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_pipe_init(&loop, &handle, 0));
  ASSERT_OK(uv_pipe_open(&handle, first[0]));
  replace_while_stopped(STREAM(&handle), first, second);
}

static void ignore_shutdown(uv_shutdown_t* req, int status) {
  (void) req;
  (void) status;
}

/* A shutdown that waits for its callback needs no event. */
TEST(replaced_before_the_shutdown) {
  int first[2], second[2];
  uv_pipe_t handle;
  uv_shutdown_t shutdown;
  ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, first));
  ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, second));
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_pipe_init(&loop, &handle, 0));
  ASSERT_OK(uv_pipe_open(&handle, first[0]));
  ASSERT_OK(uv_read_start(STREAM(&handle), alloc_static, read_and_stop));
  ASSERT_OK(uv_shutdown(&shutdown, STREAM(&handle), ignore_shutdown));
  ASSERT_OK(uv_read_stop(STREAM(&handle)));
  ASSERT_EQ(dup2(second[0], first[0]), first[0]);
  ASSERT_OK(uv_read_start(STREAM(&handle), alloc_static, read_and_stop));
  ASSERT_EQ(write(second[1], "defgh", 5), 5);
  RUN_UNTIL(&loop, received == 5);
  CLOSE_LOOP(&loop);
}

/* The handle has stored that the first is not a socket; the second is one. */
TEST(replaced_pipe_by_a_socket) {
  int first[2], second[2];
  uv_pipe_t handle;
  ASSERT_OK(pipe(first));
  ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, second));
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_pipe_init(&loop, &handle, 0));
  ASSERT_OK(uv_pipe_open(&handle, first[0]));
  replace_while_stopped(STREAM(&handle), first, second);
}

static void receive_and_stop(uv_udp_t* udp, ssize_t nread, const uv_buf_t* buf,
                             const struct sockaddr* addr, unsigned flags) {
  (void) buf, (void) addr, (void) flags;
  if (nread == 0) return;
  ASSERT_EQ(nread, 4);
  received++;
  ASSERT_OK(uv_udp_recv_stop(udp));
}

TEST(replaced_udp_socket) {
  struct sockaddr_in first, second;
  int other = udp_raw(&second);
  struct sockaddr_in own;
  int sender = udp_raw(&own);
  uv_udp_t udp;
  ASSERT_OK(uv_loop_init(&loop));
  first = udp_bound(&loop, &udp, 0, 0);
  ASSERT_OK(uv_udp_recv_start(&udp, alloc_slab, receive_and_stop));
  raw_send(sender, "ping", &first);
  RUN_UNTIL(&loop, received == 1);
  uv_run(&loop, UV_RUN_NOWAIT);
  ASSERT_GE(dup2(other, fd_of(&udp)), 0);
  ASSERT_OK(uv_udp_recv_start(&udp, alloc_slab, receive_and_stop));
  raw_send(sender, "pong", &second);
  RUN_UNTIL(&loop, received == 2);
  CLOSE_LOOP(&loop);
}

static void count_poll(uv_poll_t* handle, int status, int events) {
  (void) handle, (void) events;
  ASSERT_OK(status);
  fired_polls++;
}

/* A started poll handle whose descriptor's number means the second pipe. */
static void poll_a_replaced_pipe(uv_poll_t* handle, int second[2]) {
  int first[2];
  ASSERT_OK(pipe(first));
  ASSERT_OK(pipe(second));
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_poll_init(&loop, handle, first[0]));
  ASSERT_OK(uv_poll_start(handle, UV_READABLE, count_poll));
  uv_run(&loop, UV_RUN_NOWAIT);
  ASSERT_EQ(dup2(second[0], first[0]), first[0]);
}

/* An embedder that polls the backend descriptor learns of data in the second pipe. */
static void expect_host_is_woken(int second[2]) {
  struct pollfd backend = {.fd = uv_backend_fd(&loop), .events = POLLIN};
  ASSERT_EQ(write(second[1], "x", 1), 1);
  if (uv_backend_timeout(&loop) != 0) ASSERT_EQ(poll(&backend, 1, 0), 1);
  uv_run(&loop, UV_RUN_NOWAIT);
  ASSERT_EQ(fired_polls, 1);
  CLOSE_LOOP(&loop);
}

/* The handle is started again with the events of before, outside of a callback. */
TEST(replaced_poll_descriptor_of_an_embedded_loop) {
  uv_poll_t handle;
  int second[2];
  poll_a_replaced_pipe(&handle, second);
  ASSERT_OK(uv_poll_start(&handle, UV_READABLE, count_poll));
  expect_host_is_woken(second);
}

static void restart_poll(uv_timer_t* timer) {
  ASSERT_OK(uv_poll_start(timer->data, UV_READABLE, count_poll));
}

/* The same in a callback, after which the loop is run no further. */
TEST(replaced_poll_descriptor_in_a_callback) {
  uv_poll_t handle;
  uv_timer_t timer;
  int second[2];
  poll_a_replaced_pipe(&handle, second);
  ASSERT_OK(uv_timer_init(&loop, &timer));
  timer.data = &handle;
  ASSERT_OK(uv_timer_start(&timer, restart_poll, 0, 0));
  uv_run(&loop, UV_RUN_NOWAIT);
  expect_host_is_woken(second);
}

static void poll_and_stop(uv_poll_t* handle, int status, int events) {
  ASSERT_OK(status);
  ASSERT_EQ(events, UV_READABLE);
  ASSERT_OK(uv_poll_stop(handle));
  fired_polls++;
}

/* The kernel keeps the registration of a descriptor that is closed while another one
 * means the same file, and finds it again when the number means that file again. */
TEST(replaced_poll_by_its_own_copy) {
  uv_poll_t handle;
  int fds[2], copy;
  ASSERT_OK(pipe(fds));
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_poll_init(&loop, &handle, fds[0]));
  ASSERT_OK(uv_poll_start(&handle, UV_READABLE, poll_and_stop));
  uv_run(&loop, UV_RUN_NOWAIT);
  copy = dup(fds[0]);
  ASSERT_OK(close(fds[0]));
  ASSERT_OK(uv_poll_stop(&handle));
  ASSERT_EQ(dup2(copy, fds[0]), fds[0]);
  ASSERT_OK(uv_poll_start(&handle, UV_READABLE, poll_and_stop));
  ASSERT_EQ(write(fds[1], "x", 1), 1);
  fired_polls = 0;
  RUN_UNTIL(&loop, fired_polls == 1);
  CLOSE_LOOP(&loop);
}
