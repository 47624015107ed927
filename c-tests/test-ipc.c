/* Handles passed over pipes. */
#include <sys/wait.h>

#include "test-child.h"
#include "test-memory.h"
#include "test-pipe.h"

static uv_loop_t loop;
static uv_pipe_t sender, receiver;
static uv_write_t writes[8];

static int finished;

static void count_write(uv_write_t* req, int status) {
  (void) req;
  ASSERT_OK(status);
  finished++;
}

static void open_channel(void) {
  ASSERT_OK(uv_loop_init(&loop));
  pipe_pair(&loop, &sender, &receiver, 1);
  ASSERT_OK(uv_read_start(STREAM(&receiver), alloc_static, collect));
}

/* A TCP handle that has a name to be recognised by; the result is its port. */
static int bound_tcp(uv_tcp_t* tcp) {
  struct sockaddr_in addr = loopback(0);
  ASSERT_OK(uv_tcp_init(&loop, tcp));
  ASSERT_OK(uv_tcp_bind(tcp, SA(&addr), 0));
  return bound_port(tcp);
}

static void send_handle(int index, const char* text, void* handle) {
  uv_buf_t buf = uv_buf_init((char*) text, strlen(text));
  ASSERT_OK(uv_write2(&writes[index], STREAM(&sender), &buf, 1,
                      STREAM(handle), count_write));
}

/* Sends descriptors without libuv, all in one message. */
static void send_raw(int fd, const int* fds, int count) {
  char byte = 'X';
  struct iovec iov = {&byte, 1};
  size_t size = sizeof(int) * count;
  char* control = calloc(1, CMSG_SPACE(size));
  struct msghdr msg = {0};
  struct cmsghdr* header;
  msg.msg_iov = &iov;
  msg.msg_iovlen = 1;
  msg.msg_control = control;
  msg.msg_controllen = CMSG_SPACE(size);
  header = CMSG_FIRSTHDR(&msg);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(size);
  memcpy(CMSG_DATA(header), fds, size);
  ASSERT_EQ(sendmsg(fd, &msg, 0), 1);
  free(control);
}

TEST(ipc_send_tcp) {
  uv_tcp_t tcp, arrived;
  int port;
  open_channel();
  port = bound_tcp(&tcp);
  send_handle(0, "tcp", &tcp);
  RUN_UNTIL(&loop, finished == 1 && received_len == 3);
  ASSERT_NULL(writes[0].send_handle);
  ASSERT_EQ(uv_pipe_pending_count(&receiver), 1);
  ASSERT_EQ(uv_pipe_pending_type(&receiver), UV_TCP);
  ASSERT_OK(uv_tcp_init(&loop, &arrived));
  ASSERT_OK(uv_accept(STREAM(&receiver), STREAM(&arrived)));
  ASSERT_EQ(uv_pipe_pending_count(&receiver), 0);
  ASSERT_EQ(uv_pipe_pending_type(&receiver), UV_UNKNOWN_HANDLE);
  ASSERT_EQ(bound_port(&arrived), port);
  ASSERT_NE(fd_of(&arrived), fd_of(&tcp));
  ASSERT_NE(fcntl(fd_of(&arrived), F_GETFD) & FD_CLOEXEC, 0);
  ASSERT_EQ(uv_accept(STREAM(&receiver), STREAM(&arrived)), UV_EAGAIN);
  CLOSE_LOOP(&loop);
}

TEST(ipc_send_udp) {
  struct sockaddr_in addr = loopback(0), name;
  int len = sizeof(name);
  uv_udp_t udp, arrived;
  open_channel();
  ASSERT_OK(uv_udp_init(&loop, &udp));
  ASSERT_OK(uv_udp_bind(&udp, SA(&addr), 0));
  ASSERT_OK(uv_udp_getsockname(&udp, (struct sockaddr*) &addr, &len));
  send_handle(0, "udp", &udp);
  RUN_UNTIL(&loop, finished == 1 && received_len == 3);
  ASSERT_EQ(uv_pipe_pending_type(&receiver), UV_UDP);
  ASSERT_OK(uv_udp_init(&loop, &arrived));
  ASSERT_OK(uv_accept(STREAM(&receiver), STREAM(&arrived)));
  len = sizeof(name);
  ASSERT_OK(uv_udp_getsockname(&arrived, (struct sockaddr*) &name, &len));
  ASSERT_EQ(name.sin_port, addr.sin_port);
  CLOSE_LOOP(&loop);
}

/* The other end of a connection goes through the channel and then talks. */
TEST(ipc_send_pipe) {
  uv_pipe_t local, remote, arrived;
  uv_buf_t buf = uv_buf_init("hello", 5);
  open_channel();
  pipe_pair(&loop, &local, &remote, 0);
  send_handle(0, "pipe", &remote);
  uv_close(HANDLE(&remote), NULL);
  RUN_UNTIL(&loop, finished == 1 && received_len == 4);
  ASSERT_EQ(uv_pipe_pending_type(&receiver), UV_NAMED_PIPE);
  ASSERT_OK(uv_pipe_init(&loop, &arrived, 0));
  ASSERT_OK(uv_accept(STREAM(&receiver), STREAM(&arrived)));
  ASSERT_OK(uv_write(&writes[1], STREAM(&local), &buf, 1, count_write));
  ASSERT_OK(uv_read_start(STREAM(&arrived), alloc_static, collect));
  RUN_UNTIL(&loop, received_len == 9);
  ASSERT_MEM_EQ(received, "pipehello", 9);
  CLOSE_LOOP(&loop);
}

static void on_connect(uv_connect_t* req, int status) {
  (void) req;
  ASSERT_OK(status);
  finished++;
}

/* A listening socket accepts in its new place. */
TEST(ipc_send_listener) {
  struct sockaddr_in addr;
  uv_tcp_t tcp, arrived, client;
  uv_connect_t req;
  open_channel();
  addr = loopback(bound_tcp(&tcp));
  send_handle(0, "x", &tcp);
  RUN_UNTIL(&loop, finished == 1 && received_len == 1);
  uv_close(HANDLE(&tcp), NULL);
  ASSERT_OK(uv_tcp_init(&loop, &arrived));
  ASSERT_OK(uv_accept(STREAM(&receiver), STREAM(&arrived)));
  ASSERT_OK(uv_listen(STREAM(&arrived), 8, count_connection));
  ASSERT_OK(uv_tcp_init(&loop, &client));
  ASSERT_OK(uv_tcp_connect(&req, &client, SA(&addr), on_connect));
  RUN_UNTIL(&loop, connections == 1 && finished == 2);
  CLOSE_LOOP(&loop);
}

/* For each read, the number of bytes and of handles received so far. */
static struct { int bytes, handles; } reads[16];
static int read_count;

static void note_ipc_read(uv_stream_t* stream, ssize_t nread,
                          const uv_buf_t* buf) {
  collect(stream, nread, buf);
  ASSERT_LT(read_count, 16);
  reads[read_count].bytes = (int) nread;
  reads[read_count++].handles = uv_pipe_pending_count(PIPE(stream));
}

/* Data after a handle is not read together with data before it. */
TEST(ipc_handles_in_order_with_data) {
  static const char* texts[] = {"plain", "first", "more", "second"};
  uv_tcp_t tcp[2], arrived;
  int i, ports[2];
  open_channel();
  ASSERT_OK(uv_read_stop(STREAM(&receiver)));
  for (i = 0; i < 2; i++) ports[i] = bound_tcp(&tcp[i]);
  for (i = 0; i < 4; i++)
    send_handle(i, texts[i], i % 2 ? &tcp[i / 2] : NULL);
  RUN_UNTIL(&loop, finished == 4);
  ASSERT_OK(uv_read_start(STREAM(&receiver), alloc_static, note_ipc_read));
  RUN_UNTIL(&loop, received_len == 20);
  ASSERT_MEM_EQ(received, "plainfirstmoresecond", 20);
  ASSERT_EQ(read_count, 2);
  ASSERT_EQ(reads[0].bytes, 10);
  ASSERT_EQ(reads[0].handles, 1);
  ASSERT_EQ(reads[1].bytes, 10);
  ASSERT_EQ(reads[1].handles, 2);
  for (i = 0; i < 2; i++) {
    ASSERT_OK(uv_tcp_init(&loop, &arrived));
    ASSERT_OK(uv_accept(STREAM(&receiver), STREAM(&arrived)));
    ASSERT_EQ(bound_port(&arrived), ports[i]);
    uv_close(HANDLE(&arrived), NULL);
    uv_run(&loop, UV_RUN_NOWAIT);
  }
  CLOSE_LOOP(&loop);
}

TEST(ipc_many_handles_wait) {
  enum { BATCHES = 5, BATCH = 50 };
  uv_pipe_t arrived;
  int fds[BATCH], i, batch, before, peer;
  ASSERT_OK(uv_loop_init(&loop));
  peer = pipe_with_peer(&loop, &receiver, 1);
  ASSERT_OK(uv_read_start(STREAM(&receiver), alloc_static, collect));
  for (i = 0; i < BATCH; i++) fds[i] = peer;
  uv_run(&loop, UV_RUN_NOWAIT);
  before = open_descriptors();
  for (batch = 1; batch <= BATCHES; batch++) {
    send_raw(peer, fds, BATCH);
    RUN_UNTIL(&loop, received_len == (size_t) batch);
    ASSERT_EQ(uv_pipe_pending_count(&receiver), batch * BATCH);
  }
  ASSERT_EQ(open_descriptors(), before + BATCHES * BATCH);
  for (i = 1; i <= BATCH; i++) {
    ASSERT_EQ(uv_pipe_pending_type(&receiver), UV_NAMED_PIPE);
    ASSERT_OK(uv_pipe_init(&loop, &arrived, 0));
    ASSERT_OK(uv_accept(STREAM(&receiver), STREAM(&arrived)));
    ASSERT_EQ(uv_pipe_pending_count(&receiver), BATCHES * BATCH - i);
    uv_close(HANDLE(&arrived), NULL);
    uv_run(&loop, UV_RUN_NOWAIT);
  }
  /* The others go with the pipe. */
  uv_close(HANDLE(&receiver), NULL);
  uv_run(&loop, UV_RUN_NOWAIT);
  ASSERT_EQ(open_descriptors(), before - 1);
  ASSERT_OK(close(peer));
  CLOSE_LOOP(&loop);
}

/* The queue never runs empty while handles come and go, and keeps their
 * order. The handles are identified by the data read from them. */
TEST(ipc_handles_come_and_go) {
  enum { AHEAD = 5, ROUNDS = 40 };
  uv_pipe_t arrived;
  int ends[2], peer, round;
  char byte;
  ASSERT_OK(uv_loop_init(&loop));
  peer = pipe_with_peer(&loop, &receiver, 1);
  ASSERT_OK(uv_read_start(STREAM(&receiver), alloc_static, collect));
  for (round = 0; round < ROUNDS + AHEAD; round++) {
    if (round < ROUNDS) {
      ASSERT_OK(pipe(ends));
      byte = (char) round;
      ASSERT_EQ(write(ends[1], &byte, 1), 1);
      send_raw(peer, &ends[0], 1);
      ASSERT_OK(close(ends[0]));
      ASSERT_OK(close(ends[1]));
      RUN_UNTIL(&loop, received_len == (size_t) round + 1);
    }
    if (round >= AHEAD) {
      ASSERT_OK(uv_pipe_init(&loop, &arrived, 0));
      ASSERT_OK(uv_accept(STREAM(&receiver), STREAM(&arrived)));
      ASSERT_EQ(read(fd_of(&arrived), &byte, 1), 1);
      ASSERT_EQ(byte, round - AHEAD);
      uv_close(HANDLE(&arrived), NULL);
      uv_run(&loop, UV_RUN_NOWAIT);
    }
  }
  ASSERT_EQ(uv_pipe_pending_count(&receiver), 0);
  ASSERT_OK(close(peer));
  CLOSE_LOOP(&loop);
}

/* Descriptors that there is no memory for are closed, and reading fails. */
TEST(ipc_handles_without_memory) {
  int fds[3], peer, before, i;
  use_scarce_memory();
  ASSERT_OK(uv_loop_init(&loop));
  peer = pipe_with_peer(&loop, &receiver, 1);
  ASSERT_OK(uv_read_start(STREAM(&receiver), alloc_static, collect));
  for (i = 0; i < 3; i++) fds[i] = peer;
  uv_run(&loop, UV_RUN_NOWAIT);
  before = open_descriptors();
  send_raw(peer, fds, 3);
  out_of_memory = 1;
  RUN_UNTIL(&loop, received_end != 0);
  out_of_memory = 0;
  ASSERT_EQ(received_end, UV_ENOMEM);
  ASSERT_EQ(uv_pipe_pending_count(&receiver), 1);
  ASSERT_EQ(open_descriptors(), before + 1);
  uv_close(HANDLE(&receiver), NULL);
  uv_run(&loop, UV_RUN_NOWAIT);
  ASSERT_EQ(open_descriptors(), before - 1);
  ASSERT_OK(close(peer));
  CLOSE_LOOP(&loop);
}

TEST(ipc_types_of_other_descriptors) {
  uv_pipe_t arrived;
  int fds[4], ends[2], peer, i;
  static const int types[] = {UV_FILE, UV_UNKNOWN_HANDLE, UV_NAMED_PIPE,
                              UV_NAMED_PIPE};
  ASSERT_OK(uv_loop_init(&loop));
  peer = pipe_with_peer(&loop, &receiver, 1);
  ASSERT_OK(uv_read_start(STREAM(&receiver), alloc_static, collect));
  ASSERT_OK(pipe(ends));
  fds[0] = open("/dev/null", O_RDWR);
  fds[1] = open("/", O_RDONLY);
  fds[2] = ends[0];
  fds[3] = peer;
  send_raw(peer, fds, 4);
  RUN_UNTIL(&loop, received_len == 1);
  for (i = 0; i < 4; i++) {
    ASSERT_EQ(uv_pipe_pending_type(&receiver), types[i]);
    ASSERT_OK(uv_pipe_init(&loop, &arrived, 0));
    ASSERT_OK(uv_accept(STREAM(&receiver), STREAM(&arrived)));
    uv_close(HANDLE(&arrived), NULL);
    uv_run(&loop, UV_RUN_NOWAIT);
  }
  ASSERT_OK(close(peer));
  CLOSE_LOOP(&loop);
}

/* A handle that cannot take the descriptor loses it. */
TEST(ipc_accept_into_busy_handle) {
  uv_pipe_t busy;
  int peer, fds[2], own, before;
  ASSERT_OK(uv_loop_init(&loop));
  peer = pipe_with_peer(&loop, &receiver, 1);
  ASSERT_OK(uv_read_start(STREAM(&receiver), alloc_static, collect));
  own = pipe_with_peer(&loop, &busy, 0);
  uv_run(&loop, UV_RUN_NOWAIT);
  before = open_descriptors();
  fds[0] = fds[1] = peer;
  send_raw(peer, fds, 2);
  RUN_UNTIL(&loop, received_len == 1);
  ASSERT_EQ(uv_accept(STREAM(&receiver), STREAM(&busy)), UV_EBUSY);
  ASSERT_EQ(uv_pipe_pending_count(&receiver), 1);
  ASSERT_EQ(open_descriptors(), before + 1);
  ASSERT_OK(close(peer));
  ASSERT_OK(close(own));
  CLOSE_LOOP(&loop);
}

TEST(ipc_what_cannot_be_sent) {
  uv_tcp_t empty;
  uv_timer_t timer;
  uv_pipe_t plain, other;
  uv_buf_t buf = uv_buf_init("x", 1);
  open_channel();
  ASSERT_OK(uv_tcp_init(&loop, &empty));
  ASSERT_OK(uv_timer_init(&loop, &timer));
  pipe_pair(&loop, &plain, &other, 0);
  ASSERT_EQ(uv_write2(&writes[0], STREAM(&sender), &buf, 1, STREAM(&empty),
                      never_write),
            UV_EBADF);
  ASSERT_EQ(uv_write2(&writes[0], STREAM(&sender), &buf, 1, STREAM(&timer),
                      never_write),
            UV_EBADF);
  ASSERT_EQ(uv_try_write2(STREAM(&sender), &buf, 1, STREAM(&empty)), UV_EBADF);
  ASSERT_EQ(uv_write2(&writes[0], STREAM(&plain), &buf, 1, STREAM(&other),
                      never_write),
            UV_EINVAL);
  ASSERT_EQ(uv_try_write2(STREAM(&plain), &buf, 1, STREAM(&other)), UV_EINVAL);
  uv_close(HANDLE(&plain), NULL);
  ASSERT_EQ(uv_write2(&writes[0], STREAM(&sender), &buf, 1, STREAM(&plain),
                      never_write),
            UV_EBADF);
  CLOSE_LOOP(&loop);
}

TEST(ipc_try_write) {
  uv_tcp_t tcp;
  uv_buf_t bufs[] = {uv_buf_init("ab", 2), uv_buf_init("c", 1)};
  open_channel();
  bound_tcp(&tcp);
  ASSERT_EQ(uv_try_write2(STREAM(&sender), bufs, 2, STREAM(&tcp)), 3);
  RUN_UNTIL(&loop, received_len == 3);
  ASSERT_MEM_EQ(received, "abc", 3);
  ASSERT_EQ(uv_pipe_pending_count(&receiver), 1);
  CLOSE_LOOP(&loop);
}

enum { MUCH = 1000000 };

static size_t total;

static void count_much(uv_stream_t* stream, ssize_t nread,
                       const uv_buf_t* buf) {
  (void) buf;
  ASSERT_GE(nread, 0);
  total += nread;
  if (total > 0)
    ASSERT_EQ(uv_pipe_pending_count(PIPE(stream)), total <= MUCH ? 1 : 2);
}

/* The handle goes with the first byte and only with that. */
TEST(ipc_handle_with_much_data) {
  static char data[MUCH];
  uv_buf_t buf = uv_buf_init(data, MUCH);
  uv_tcp_t tcp;
  int i;
  ASSERT_OK(uv_loop_init(&loop));
  pipe_pair(&loop, &sender, &receiver, 1);
  bound_tcp(&tcp);
  for (i = 0; i < 2; i++)
    ASSERT_OK(uv_write2(&writes[i], STREAM(&sender), &buf, 1, STREAM(&tcp),
                        count_write));
  ASSERT_EQ(uv_try_write2(STREAM(&sender), &buf, 1, STREAM(&tcp)), UV_EAGAIN);
  ASSERT_OK(uv_read_start(STREAM(&receiver), alloc_static, count_much));
  RUN_UNTIL(&loop, total == 2 * MUCH && finished == 2);
  ASSERT_EQ(uv_pipe_pending_count(&receiver), 2);
  CLOSE_LOOP(&loop);
}

static void write_status(uv_write_t* req, int status) {
  *(int*) req->data = status;
  finished++;
}

/* Descriptors travel over sockets only. */
TEST(ipc_needs_a_socket) {
  uv_tcp_t tcp;
  uv_pipe_t ends[2];
  uv_buf_t buf = uv_buf_init("x", 1);
  int fds[2], status = 0, i;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(pipe(fds));
  for (i = 0; i < 2; i++) {
    ASSERT_OK(uv_pipe_init(&loop, &ends[i], 1));
    ASSERT_OK(uv_pipe_open(&ends[i], fds[i]));
  }
  bound_tcp(&tcp);
  writes[0].data = &status;
  ASSERT_OK(uv_write2(&writes[0], STREAM(&ends[1]), &buf, 1, STREAM(&tcp),
                      write_status));
  RUN_UNTIL(&loop, finished == 1);
  ASSERT_EQ(status, UV_ENOTSOCK);
  ASSERT_OK(uv_write(&writes[1], STREAM(&ends[1]), &buf, 1, count_write));
  ASSERT_OK(uv_read_start(STREAM(&ends[0]), alloc_static, collect));
  RUN_UNTIL(&loop, received_end != 0);
  ASSERT_EQ(received_end, UV_ENOTSOCK);
  CLOSE_LOOP(&loop);
}

/* A pipe that is not for handles drops them, and reads on behind them. */
TEST(ipc_handles_for_a_plain_pipe) {
  int peer, before, i;
  ASSERT_OK(uv_loop_init(&loop));
  peer = pipe_with_peer(&loop, &receiver, 0);
  before = open_descriptors();
  for (i = 0; i < 3; i++) send_raw(peer, &peer, 1);
  ASSERT_OK(uv_read_start(STREAM(&receiver), alloc_static, collect));
  RUN_UNTIL(&loop, received_len == 3);
  ASSERT_EQ(uv_pipe_pending_count(&receiver), 0);
  ASSERT_EQ(open_descriptors(), before);
  ASSERT_OK(close(peer));
  ASSERT_OK(uv_read_stop(STREAM(&receiver)));
  CLOSE_LOOP(&loop);
}

/* A child takes a connection over and answers on it. */
TEST(ipc_between_processes) {
  int channel[2], fds[2];
  char answer[8] = {0};
  uv_tcp_t tcp;
  pid_t child;
  ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, channel));
  child = fork();
  ASSERT_GE(child, 0);
  ASSERT_OK(uv_loop_init(&loop));
  if (child == 0) {
    uv_buf_t buf = uv_buf_init("child", 5);
    ASSERT_OK(close(channel[0]));
    ASSERT_OK(uv_pipe_init(&loop, &receiver, 1));
    ASSERT_OK(uv_pipe_open(&receiver, channel[1]));
    ASSERT_OK(uv_read_start(STREAM(&receiver), alloc_static, collect));
    RUN_UNTIL(&loop, received_len == 4);
    ASSERT_EQ(uv_pipe_pending_type(&receiver), UV_TCP);
    ASSERT_OK(uv_tcp_init(&loop, &tcp));
    ASSERT_OK(uv_accept(STREAM(&receiver), STREAM(&tcp)));
    ASSERT_OK(uv_write(&writes[0], STREAM(&tcp), &buf, 1, count_write));
    RUN_UNTIL(&loop, finished == 1);
    _exit(0);
  }
  ASSERT_OK(close(channel[1]));
  raw_pair(fds);
  ASSERT_OK(uv_pipe_init(&loop, &sender, 1));
  ASSERT_OK(uv_pipe_open(&sender, channel[0]));
  ASSERT_OK(uv_tcp_init(&loop, &tcp));
  ASSERT_OK(uv_tcp_open(&tcp, fds[0]));
  send_handle(0, "take", &tcp);
  uv_close(HANDLE(&tcp), NULL);
  RUN_UNTIL(&loop, finished == 1);
  ASSERT_EQ(recv(fds[1], answer, 5, MSG_WAITALL), 5);
  ASSERT_STR_EQ(answer, "child");
  await_child(child);
  ASSERT_OK(close(fds[1]));
  CLOSE_LOOP(&loop);
}
