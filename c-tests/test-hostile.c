/* Peers that send what no program should: handles without end, of wrong types and inside of each other, and
 * datagrams with unusual control data. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <netinet/udp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/timerfd.h>

#include "test-child.h"
#include "test-pipe.h"
#include "test-udp.h"

/* From this number of handles on oxuv does not read the pipe; SCM_MAX_FD. */
#define MANY 256
#define IN_A_MESSAGE 253

static uv_loop_t loop;
static uv_pipe_t receiver;

/* Sends `count` descriptors with one byte; the result is 0 when the peer has no room. */
static int try_send(int peer, const int* fds, int count) {
  union {
    struct cmsghdr header;
    char room[CMSG_SPACE(IN_A_MESSAGE * sizeof(int))];
  } control = {0};
  char byte = 'X';
  struct iovec iov = {&byte, 1};
  struct msghdr message = {0};
  message.msg_iov = &iov;
  message.msg_iovlen = 1;
  message.msg_control = &control;
  message.msg_controllen = CMSG_SPACE(count * sizeof(int));
  control.header.cmsg_level = SOL_SOCKET;
  control.header.cmsg_type = SCM_RIGHTS;
  control.header.cmsg_len = CMSG_LEN(count * sizeof(int));
  memcpy(CMSG_DATA(&control.header), fds, count * sizeof(int));
  if (sendmsg(peer, &message, MSG_DONTWAIT | MSG_NOSIGNAL) == 1) return 1;
  if (errno != EAGAIN && errno != ETOOMANYREFS) ASSERT_EQ(errno, EPIPE);
  return 0;
}

static void allow_descriptors(void) {
  struct rlimit limit;
  ASSERT_OK(getrlimit(RLIMIT_NOFILE, &limit));
  limit.rlim_cur = 4096 < limit.rlim_max ? 4096 : limit.rlim_max;
  if (limit.rlim_cur < 2048) SKIP("needs 2048 descriptors");
  ASSERT_OK(setrlimit(RLIMIT_NOFILE, &limit));
}

/* A pipe that reads, and its peer. */
static int open_pipe(void) {
  int peer;
  allow_descriptors();
  ASSERT_OK(uv_loop_init(&loop));
  peer = pipe_with_peer(&loop, &receiver, 1);
  ASSERT_OK(uv_read_start(STREAM(&receiver), alloc_static, collect));
  uv_run(&loop, UV_RUN_NOWAIT);
  return peer;
}

/* Sends messages until so many were sent, or the pipe is not read any more. */
static int flood(int peer, int count, int messages) {
  int fds[IN_A_MESSAGE], i, sent = 0;
  size_t before;
  for (i = 0; i < count; i++) fds[i] = peer;
  do {
    before = received_len;
    while (sent < messages && try_send(peer, fds, count)) sent++;
    for (i = 0; i < 40; i++) uv_run(&loop, UV_RUN_NOWAIT);
  } while (received_len > before);
  return sent;
}

static void accept_one(void) {
  uv_pipe_t arrived;
  ASSERT_OK(uv_pipe_init(&loop, &arrived, 0));
  ASSERT_OK(uv_accept(STREAM(&receiver), STREAM(&arrived)));
  uv_close(HANDLE(&arrived), NULL);
  uv_run(&loop, UV_RUN_NOWAIT);
}

/* libuv takes all. */
TEST(hostile_flood_of_handles_is_not_read) {
  enum { ALL = 1000 };
  int peer = open_pipe(), before = open_descriptors(), sent, accepted;

  sent = flood(peer, 1, ALL);
  if (test_on_reference()) {
    ASSERT_EQ(uv_pipe_pending_count(&receiver), ALL);
  } else {
    ASSERT_EQ(uv_pipe_pending_count(&receiver), MANY);
    ASSERT_EQ(received_len, MANY);
    ASSERT_EQ(open_descriptors(), before + MANY);
    ASSERT_LT(sent, ALL);
  }
  /* Nothing is lost: each that is accepted lets another one in. */
  for (accepted = 0; accepted < ALL; accepted++) {
    RUN_UNTIL(&loop, uv_pipe_pending_count(&receiver) > 0);
    accept_one();
    while (sent < ALL && try_send(peer, &peer, 1)) sent++;
  }
  ASSERT_EQ(sent, ALL);
  ASSERT_EQ(uv_pipe_pending_count(&receiver), 0);
  ASSERT_EQ(open_descriptors(), before);
  /* The end is read as well. */
  ASSERT_OK(close(peer));
  RUN_UNTIL(&loop, received_end == UV_EOF);
  CLOSE_LOOP(&loop);
}

TEST(hostile_messages_full_of_handles) {
  int peer = open_pipe(), before = open_descriptors();

  /* The kernel's room for handles that are under way is limited, too. */
  flood(peer, IN_A_MESSAGE, 6);
  if (!test_on_reference()) {
    ASSERT_EQ(uv_pipe_pending_count(&receiver), 2 * IN_A_MESSAGE);
    ASSERT_EQ(open_descriptors(), before + 2 * IN_A_MESSAGE);
  }
  uv_close(HANDLE(&receiver), NULL);
  uv_run(&loop, UV_RUN_NOWAIT);
  ASSERT_EQ(open_descriptors(), before - 1);
  ASSERT_OK(close(peer));
  CLOSE_LOOP(&loop);
}

static int iterations;
static void count_iteration(uv_prepare_t* prepare) { (void) prepare; iterations++; }

/* Runs the loop until a timer ends it; the result is the number of iterations. */
static int iterations_until_timer(void) {
  uv_prepare_t prepare;
  uv_timer_t timer;
  iterations = 0;
  ASSERT_OK(uv_prepare_init(&loop, &prepare));
  ASSERT_OK(uv_prepare_start(&prepare, count_iteration));
  uv_unref(HANDLE(&prepare));
  ASSERT_OK(uv_timer_init(&loop, &timer));
  ASSERT_OK(uv_timer_start(&timer, count_timer, 20, 0));
  uv_update_time(&loop);
  fired = 0;
  RUN_UNTIL(&loop, fired == 1);
  uv_close(HANDLE(&prepare), NULL);
  uv_close(HANDLE(&timer), NULL);
  uv_run(&loop, UV_RUN_NOWAIT);
  return iterations;
}

/* A pipe that is not read does not keep the loop busy, with or without a peer, and can be written. */
TEST(hostile_full_pipe_leaves_the_loop_idle) {
  uv_buf_t buf = uv_buf_init("text", 4);
  char text[4];
  int peer = open_pipe();
  if (test_on_reference()) SKIP_ON_REFERENCE("reads until it has no descriptor left");
  flood(peer, 1, 1000);
  ASSERT_EQ(uv_pipe_pending_count(&receiver), MANY);
  ASSERT_LT(iterations_until_timer(), 20);
  ASSERT_EQ(uv_try_write(STREAM(&receiver), &buf, 1), 4);
  ASSERT_EQ(recv(peer, text, 4, MSG_WAITALL), 4);
  /* Stopping and starting changes nothing. */
  ASSERT_OK(uv_read_stop(STREAM(&receiver)));
  ASSERT_OK(uv_read_start(STREAM(&receiver), alloc_static, collect));
  ASSERT_LT(iterations_until_timer(), 20);
  ASSERT_EQ(received_len, MANY);
  ASSERT_OK(close(peer));
  ASSERT_LT(iterations_until_timer(), 20);
  ASSERT_EQ(received_end, 0);
  accept_one();
  RUN_UNTIL(&loop, received_len > MANY);
  while (received_end == 0) {
    if (uv_pipe_pending_count(&receiver) > 0) accept_one();
    uv_run(&loop, UV_RUN_NOWAIT);
  }
  ASSERT_EQ(received_end, UV_EOF);
  CLOSE_LOOP(&loop);
}

static void ignore_read(uv_stream_t* stream, ssize_t nread, const uv_buf_t* buf) {
  (void) buf;
  if (nread < 0) (void) uv_read_stop(stream);
}

/* Descriptors of all kinds: none is closed before the pipe is, and none makes uv_accept() do more than refuse. */
TEST(hostile_handles_of_every_kind) {
  int peer = open_pipe(), kind, taker, fds[12], ends[2], before, last;
  union uv_any_handle any;

  ASSERT_OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends));
  close(ends[1]);
  fds[0] = ends[0]; /* A socket whose peer is gone. */
  fds[1] = open("/", O_RDONLY | O_DIRECTORY);
  fds[2] = epoll_create1(0);
  fds[3] = open("/dev/zero", O_RDWR);
  fds[4] = eventfd(0, 0);
  fds[5] = timerfd_create(CLOCK_MONOTONIC, 0);
  fds[6] = socket(AF_INET, SOCK_STREAM, 0);
  fds[7] = socket(AF_INET, SOCK_DGRAM, 0);
  fds[8] = socket(AF_UNIX, SOCK_SEQPACKET, 0);
  fds[9] = open(".", O_PATH);
  ASSERT_OK(pipe(ends));
  close(ends[0]);
  fds[10] = ends[1]; /* A pipe that nobody reads. */
  fds[11] = socket(AF_NETLINK, SOCK_RAW, 0);
  before = open_descriptors();
  for (kind = 0; kind < 12; kind++) {
    ASSERT_GE(fds[kind], 0);
    for (taker = 0; taker < 3; taker++) {
      size_t length = received_len;
      ASSERT_EQ(try_send(peer, &fds[kind], 1), 1);
      RUN_UNTIL(&loop, received_len > length);
      ASSERT_EQ(uv_pipe_pending_count(&receiver), 1);
      ASSERT_EQ(open_descriptors(), before + 1);
      (void) uv_pipe_pending_type(&receiver);
      if (taker == 0) ASSERT_OK(uv_tcp_init(&loop, &any.tcp));
      if (taker == 1) ASSERT_OK(uv_pipe_init(&loop, &any.pipe, 1));
      if (taker == 2) ASSERT_OK(uv_udp_init(&loop, &any.udp));
      last = uv_accept(STREAM(&receiver), &any.stream);
      ASSERT_LE(last, 0);
      ASSERT_EQ(uv_pipe_pending_count(&receiver), 0);
      if (last == 0 && taker < 2) (void) uv_read_start(&any.stream, alloc_static, ignore_read);
      uv_close(&any.handle, NULL);
      uv_run(&loop, UV_RUN_NOWAIT);
      ASSERT_EQ(open_descriptors(), before);
    }
  }
  for (kind = 0; kind < 12; kind++) close(fds[kind]);
  ASSERT_OK(close(peer));
  CLOSE_LOOP(&loop);
}

/* A socket in which a socket is under way, in which a socket is under way, and a pipe that is sent over itself. */
TEST(hostile_handles_inside_of_handles) {
  enum { DEPTH = 4 };
  int peer = open_pipe(), ends[DEPTH][2], i, before = open_descriptors();
  int own = fd_of(&receiver);

  for (i = 0; i < DEPTH; i++) {
    ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends[i]));
    if (i > 0) {
      ASSERT_EQ(try_send(ends[i][0], &ends[i - 1][1], 1), 1);
      close(ends[i - 1][1]);
    }
  }
  ASSERT_EQ(try_send(peer, &ends[DEPTH - 1][1], 1), 1);
  close(ends[DEPTH - 1][1]);
  ASSERT_EQ(try_send(peer, &own, 1), 1);
  ASSERT_EQ(try_send(peer, &peer, 1), 1);
  RUN_UNTIL(&loop, received_len == 3);
  ASSERT_EQ(uv_pipe_pending_count(&receiver), 3);
  accept_one();
  /* Its own other copy: closing that does not end the pipe. */
  accept_one();
  ASSERT_EQ(try_send(peer, &peer, 1), 1);
  RUN_UNTIL(&loop, received_len == 4);
  /* Two are never accepted. */
  uv_close(HANDLE(&receiver), NULL);
  uv_run(&loop, UV_RUN_NOWAIT);
  for (i = 0; i < DEPTH; i++) close(ends[i][0]);
  ASSERT_OK(close(peer));
  ASSERT_EQ(open_descriptors(), before - 2);
  CLOSE_LOOP(&loop);
}

/* What options of the socket add to a message leaves room for all handles. libuv loses some. */
TEST(hostile_handles_behind_credentials) {
  int peer = open_pipe(), on = 1, fds[IN_A_MESSAGE], i, count;

  ASSERT_OK(setsockopt(fd_of(&receiver), SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
  ASSERT_OK(setsockopt(fd_of(&receiver), SOL_SOCKET, SO_TIMESTAMP, &on, sizeof(on)));
  for (i = 0; i < IN_A_MESSAGE; i++) fds[i] = peer;
  ASSERT_EQ(try_send(peer, fds, IN_A_MESSAGE), 1);
  RUN_UNTIL(&loop, received_len == 1);
  count = uv_pipe_pending_count(&receiver);
  ASSERT_LE(count, IN_A_MESSAGE);
  if (!test_on_reference()) ASSERT_EQ(count, IN_A_MESSAGE);
  ASSERT_OK(close(peer));
  CLOSE_LOOP(&loop);
}

/* ---- datagrams -------------------------------------------------------------- */

static uv_udp_t udp;
static char packet[65507], seen[65536 * 4];
static size_t expected;
static int datagrams, truncated;

static void alloc_seen(uv_handle_t* handle, size_t suggested, uv_buf_t* buf) {
  (void) handle;
  (void) suggested;
  *buf = uv_buf_init(seen, sizeof(seen));
}

static void on_packet(uv_udp_t* handle, ssize_t nread, const uv_buf_t* buf, const struct sockaddr* addr,
                      unsigned flags) {
  (void) handle;
  ASSERT_GE(nread, 0);
  if (addr == NULL) return;
  ASSERT_EQ(nread, expected);
  ASSERT_EQ(memcmp(buf->base, packet, nread), 0);
  truncated += (flags & UV_UDP_PARTIAL) != 0;
  datagrams++;
}

/* Options that add control data to each datagram. */
static void set_options(int fd) {
  static const int options[][2] = {{SOL_SOCKET, SO_TIMESTAMP}, {SOL_SOCKET, SO_RXQ_OVFL}, {SOL_SOCKET, SO_PASSCRED},
                                   {IPPROTO_IP, IP_PKTINFO},   {IPPROTO_IP, IP_RECVTTL},  {IPPROTO_IP, IP_RECVTOS},
                                   {IPPROTO_IP, IP_RECVOPTS},  {IPPROTO_IP, IP_RETOPTS},  {IPPROTO_IP, IP_RECVERR},
                                   {IPPROTO_IP, IP_RECVORIGDSTADDR}};
  size_t i;
  int on = 1;
  for (i = 0; i < COUNT(options); i++) (void) setsockopt(fd, options[i][0], options[i][1], &on, sizeof(on));
}

static void receive_all_sizes(unsigned flags) {
  struct sockaddr_in to;
  int peer, sent = 0;
  size_t size, i;
  const char options[] = {1, 1, 1, 1, 7, 7, 4, 0, 0, 0, 0, 0}; /* Four times nothing, and a route to record. */
  ASSERT_OK(uv_loop_init(&loop));
  to = udp_bound(&loop, &udp, AF_INET | flags, 0);
  set_options(fd_of(&udp));
  ASSERT_OK(uv_udp_recv_start(&udp, alloc_seen, on_packet));
  peer = socket(AF_INET, SOCK_DGRAM, 0);
  ASSERT_GE(peer, 0);
  (void) setsockopt(peer, IPPROTO_IP, IP_OPTIONS, options, sizeof(options));
  for (i = 0; i < sizeof(packet); i++) packet[i] = (char) (i * 31 + i / 256);
  datagrams = truncated = 0;
  for (size = 0; size <= 65000; size += size < 1600 ? 1 : 4097) {
    expected = size;
    ASSERT_EQ(sendto(peer, packet, size, 0, SA(&to), sizeof(to)), size);
    sent++;
    RUN_UNTIL(&loop, datagrams == sent);
  }
  ASSERT_EQ(truncated, 0);
  ASSERT_OK(close(peer));
  CLOSE_LOOP(&loop);
}

TEST(hostile_datagrams_of_all_sizes) { receive_all_sizes(0); }
TEST(hostile_datagrams_of_all_sizes_mmsg) { receive_all_sizes(UV_UDP_RECVMMSG); }

static void on_local(uv_udp_t* handle, ssize_t nread, const uv_buf_t* buf, const struct sockaddr* addr,
                     unsigned flags) {
  (void) handle; (void) buf; (void) addr; (void) flags;
  ASSERT_GE(nread, 0);
  datagrams += nread == 1;
}

/* Descriptors in datagrams of a local socket, which nobody can accept, are not kept. */
TEST(hostile_datagrams_with_handles) {
  int ends[2], i, before;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends));
  ASSERT_OK(uv_udp_init(&loop, &udp));
  ASSERT_OK(uv_udp_open(&udp, ends[0]));
  ASSERT_OK(uv_udp_recv_start(&udp, alloc_seen, on_local));
  uv_run(&loop, UV_RUN_NOWAIT);
  before = open_descriptors();
  datagrams = 0;
  for (i = 1; i <= 50; i++) {
    ASSERT_EQ(try_send(ends[1], &ends[1], 1), 1);
    RUN_UNTIL(&loop, datagrams == i);
  }
  ASSERT_EQ(open_descriptors(), before);
  ASSERT_OK(close(ends[1]));
  CLOSE_LOOP(&loop);
}
