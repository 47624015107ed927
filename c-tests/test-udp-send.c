/* Sending: uv_udp_send(), uv_udp_try_send(), uv_udp_try_send2(), the queue. */
#include <sys/un.h>

#include "test-memory.h"
#include "test-udp.h"

static uv_loop_t loop;
static uv_buf_t ping = {.base = "ping", .len = 4};

TEST(udp_send_comes_back_in_the_loop) {
  struct sockaddr_in addr;
  uv_udp_send_t req;
  uv_udp_t udp;
  int sent = 0, peer = udp_raw(&addr);
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_udp_init(&loop, &udp));
  req.data = &sent;
  ASSERT_OK(uv_udp_send(&req, &udp, &ping, 1, SA(&addr), count_send));
  ASSERT_EQ(req.type, UV_UDP_SEND);
  ASSERT_PTR_EQ(req.handle, &udp);
  /* It is gone already, but its callback is not made from within. */
  raw_expect(peer, "ping");
  ASSERT_EQ(sent, 0);
  ASSERT_EQ(udp.send_queue_size, 4);
  ASSERT_EQ(udp.send_queue_count, 1);
  ASSERT_EQ(uv_is_active(HANDLE(&udp)), 1);
  ASSERT_EQ(uv_loop_alive(&loop), 1);
  ASSERT_EQ(uv_run(&loop, UV_RUN_DEFAULT), 0);
  ASSERT_EQ(sent, 1);
  ASSERT_EQ(udp.send_queue_size, 0);
  ASSERT_EQ(udp.send_queue_count, 0);
  ASSERT_EQ(uv_is_active(HANDLE(&udp)), 0);
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(peer));
}

/* The request keeps the loop alive although its handle does not. */
TEST(udp_send_on_an_unreferenced_handle) {
  struct sockaddr_in addr;
  uv_udp_send_t req;
  uv_udp_t udp;
  int sent = 0, peer = udp_raw(&addr);
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_udp_init(&loop, &udp));
  uv_unref(HANDLE(&udp));
  req.data = &sent;
  ASSERT_OK(uv_udp_send(&req, &udp, &ping, 1, SA(&addr), count_send));
  ASSERT_EQ(uv_loop_alive(&loop), 1);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(sent, 1);
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(peer));
}

TEST(udp_send_without_a_callback) {
  struct sockaddr_in addr;
  uv_udp_send_t req;
  uv_udp_t udp;
  int peer = udp_raw(&addr);
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_udp_init(&loop, &udp));
  ASSERT_OK(uv_udp_send(&req, &udp, &ping, 1, SA(&addr), NULL));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  raw_expect(peer, "ping");
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(peer));
}

/* The arrays and the address belong to the caller again at once. */
TEST(udp_send_copies_what_it_is_given) {
  struct sockaddr_in addr[2], to;
  uv_buf_t few[2], many[9];
  uv_udp_send_t req[4];
  uv_udp_t udp;
  size_t i;
  int sent = 0, peer[2] = {udp_raw(&addr[0]), udp_raw(&addr[1])};
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_udp_init(&loop, &udp));
  for (i = 0; i < COUNT(req); i++) {
    size_t n;
    few[0] = uv_buf_init("ab", 2);
    few[1] = uv_buf_init("cd", 2);
    for (n = 0; n < COUNT(many); n++)
      many[n] = uv_buf_init("123456789" + n, 1);
    to = addr[i / 2];
    req[i].data = &sent;
    ASSERT_OK(uv_udp_send(&req[i], &udp, i % 2 ? many : few, i % 2 ? 9 : 2,
                          SA(&to), count_send));
    memset(few, 0, sizeof(few));
    memset(many, 0, sizeof(many));
    memset(&to, 0, sizeof(to));
  }
  ASSERT_EQ(udp.send_queue_size, 2 * (4 + 9));
  ASSERT_EQ(udp.send_queue_count, 4);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(sent, 4);
  for (i = 0; i < 2; i++) {
    raw_expect(peer[i], "abcd");
    raw_expect(peer[i], "123456789");
    ASSERT_OK(close(peer[i]));
  }
  CLOSE_LOOP(&loop);
}

/* 150 are more than one sendmmsg(2) takes; order and accounting hold. */
TEST(udp_send_many_in_order) {
  enum { MANY = 150 };
  static uv_udp_send_t req[MANY];
  static char text[MANY][8];
  static char got[8];
  struct sockaddr_in addr;
  uv_udp_t udp;
  int i, sent = 0, peer = udp_raw(&addr);
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_udp_init(&loop, &udp));
  for (i = 0; i < MANY; i++) {
    uv_buf_t buf = uv_buf_init(text[i], 4);
    snprintf(text[i], sizeof(text[i]), "%04d", i);
    req[i].data = &sent;
    ASSERT_OK(uv_udp_send(&req[i], &udp, &buf, 1, SA(&addr), count_send));
    ASSERT_EQ(uv_udp_get_send_queue_size(&udp), 4 * (i + 1));
    ASSERT_EQ(uv_udp_get_send_queue_count(&udp), i + 1);
  }
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(sent, MANY);
  ASSERT_EQ(uv_udp_get_send_queue_size(&udp), 0);
  for (i = 0; i < MANY; i++) {
    ASSERT_EQ(recv(peer, got, sizeof(got), MSG_DONTWAIT), 4);
    ASSERT_EQ(atoi(got), i);
  }
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(peer));
}

static uv_udp_send_t chain_req;
static int chain_left;

static void chain_sent(uv_udp_send_t* req, int status) {
  struct sockaddr_in* addr = req->data;
  ASSERT_OK(status);
  ASSERT_EQ(req->handle->send_queue_count, 0);
  if (--chain_left > 0)
    ASSERT_OK(uv_udp_send(req, req->handle, &ping, 1, SA(addr), chain_sent));
}

/* A request may be used again from its callback. */
TEST(udp_send_from_the_callback) {
  struct sockaddr_in addr;
  uv_udp_t udp;
  int i, peer = udp_raw(&addr);
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_udp_init(&loop, &udp));
  chain_left = 40;
  chain_req.data = &addr;
  ASSERT_OK(uv_udp_send(&chain_req, &udp, &ping, 1, SA(&addr), chain_sent));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(chain_left, 0);
  for (i = 0; i < 40; i++) raw_expect(peer, "ping");
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(peer));
}

static void free_sent(uv_udp_send_t* req, int status) {
  ASSERT_OK(status);
  ++*(int*) req->data;
  memset(req, 0xaa, sizeof(*req));
  free(req);
}

TEST(udp_send_request_is_free_in_its_callback) {
  uv_buf_t many[6];
  struct sockaddr_in addr;
  uv_udp_t udp;
  int i, sent = 0, peer = udp_raw(&addr);
  for (i = 0; i < 6; i++) many[i] = ping;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_udp_init(&loop, &udp));
  for (i = 0; i < 10; i++) {
    uv_udp_send_t* req = malloc(sizeof(*req));
    req->data = &sent;
    ASSERT_OK(uv_udp_send(req, &udp, many, i % 2 ? 6 : 1, SA(&addr),
                          free_sent));
  }
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(sent, 10);
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(peer));
}

TEST(udp_send_bad_arguments) {
  struct sockaddr_in addr = loopback(9);
  struct sockaddr_storage other = {.ss_family = AF_UNSPEC};
  uv_udp_send_t req;
  uv_os_fd_t fd;
  uv_udp_t udp;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_udp_init(&loop, &udp));
  ASSERT_EQ(uv_udp_send(&req, &udp, &ping, 1, NULL, never_send),
            UV_EDESTADDRREQ);
  ASSERT_EQ(uv_udp_send(&req, &udp, &ping, 0, SA(&addr), never_send),
            UV_EINVAL);
  ASSERT_EQ(uv_udp_send(&req, &udp, &ping, -1, SA(&addr), never_send),
            UV_EINVAL);
  ASSERT_EQ(uv_udp_send(&req, &udp, &ping, 1, SA(&other), never_send),
            UV_EINVAL);
  ASSERT_EQ(uv_udp_try_send(&udp, &ping, 1, NULL), UV_EDESTADDRREQ);
  ASSERT_EQ(uv_udp_try_send(&udp, &ping, 0, SA(&addr)), UV_EINVAL);
  ASSERT_EQ(uv_udp_try_send(&udp, &ping, -1, SA(&addr)), UV_EINVAL);
  ASSERT_EQ(uv_udp_try_send(&udp, &ping, 1, SA(&other)), UV_EINVAL);
  ASSERT_EQ(uv_fileno(HANDLE(&udp), &fd), UV_EBADF);
  ASSERT_EQ(uv_loop_alive(&loop), 0);
  ASSERT_EQ(udp.send_queue_count, 0);
  ASSERT_OK(uv_udp_connect(&udp, SA(&addr)));
  ASSERT_EQ(uv_udp_send(&req, &udp, &ping, 1, SA(&addr), never_send),
            UV_EISCONN);
  ASSERT_EQ(uv_udp_try_send(&udp, &ping, 1, SA(&addr)), UV_EISCONN);
  CLOSE_LOOP(&loop);
}

TEST(udp_send_to_a_peer) {
  struct sockaddr_in addr;
  uv_udp_send_t req[3];
  uv_udp_t udp;
  int i, sent = 0, peer = udp_raw(&addr);
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_udp_init(&loop, &udp));
  ASSERT_OK(uv_udp_connect(&udp, SA(&addr)));
  for (i = 0; i < 3; i++) {
    req[i].data = &sent;
    ASSERT_OK(uv_udp_send(&req[i], &udp, &ping, 1, NULL, count_send));
  }
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(sent, 3);
  for (i = 0; i < 3; i++) raw_expect(peer, "ping");
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(peer));
}

/* The error of one datagram is that datagram's alone. */
TEST(udp_send_too_large_among_others) {
  static char large[70000];
  uv_buf_t buf = uv_buf_init(large, sizeof(large));
  struct sockaddr_in addr;
  uv_udp_send_t req[5];
  uv_udp_t udp;
  int i, peer = udp_raw(&addr);
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_udp_init(&loop, &udp));
  for (i = 0; i < 5; i++) {
    static char* names[] = {"0", "1", "2", "3", "4"};
    req[i].data = names[i];
    ASSERT_OK(uv_udp_send(&req[i], &udp, i == 0 || i == 3 ? &buf : &ping, 1,
                          SA(&addr), note_send));
  }
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("send0:EMSGSIZE send1 send2 send3:EMSGSIZE send4");
  for (i = 0; i < 3; i++) raw_expect(peer, "ping");
  ASSERT_EQ(udp.send_queue_size, 0);
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(peer));
}

TEST(udp_close_cancels_what_is_queued) {
  struct sockaddr_in addr;
  uv_udp_send_t req[4];
  uv_udp_t udp;
  int i, peer = udp_raw(&addr);
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_udp_init(&loop, &udp));
  udp.data = NULL;
  for (i = 0; i < 3; i++) {
    req[i].data = NULL;
    ASSERT_OK(uv_udp_send(&req[i], &udp, &ping, 1, SA(&addr), note_send));
  }
  uv_close(HANDLE(&udp), note_close);
  ASSERT_STR_EQ(events, "");
  /* Too late to be sent, not too late to be called back. */
  req[3].data = NULL;
  ASSERT_OK(uv_udp_send(&req[3], &udp, &ping, 1, SA(&addr), note_send));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS(
      "send send:ECANCELED send:ECANCELED send:ECANCELED close");
  raw_expect(peer, "ping");
  ASSERT_EQ(recv(peer, events, 1, MSG_DONTWAIT), -1);
  ASSERT_OK(uv_loop_close(&loop));
  ASSERT_OK(close(peer));
}

static void close_in_send(uv_udp_send_t* req, int status) {
  note("send", req->data, status);
  if (!uv_is_closing(HANDLE(req->handle)))
    uv_close(HANDLE(req->handle), note_close);
}

TEST(udp_close_in_a_send_callback) {
  struct sockaddr_in addr;
  uv_udp_send_t req[3];
  uv_udp_t udp;
  int i, peer = udp_raw(&addr);
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_udp_init(&loop, &udp));
  udp.data = NULL;
  for (i = 0; i < 3; i++) {
    req[i].data = NULL;
    ASSERT_OK(uv_udp_send(&req[i], &udp, &ping, 1, SA(&addr), close_in_send));
  }
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("send send send close");
  ASSERT_OK(uv_loop_close(&loop));
  ASSERT_OK(close(peer));
}

/* A datagram that the kernel has no room for waits for some. */
TEST(udp_send_waits_for_room) {
  enum { MANY = 40, SIZE = 8192 };
  static char data[SIZE], got[SIZE];
  static uv_udp_send_t req[MANY];
  struct sockaddr_un addr = {.sun_family = AF_UNIX};
  uv_buf_t buf = uv_buf_init(data, SIZE);
  int i, size = SIZE, received = 0, sent = 0;
  int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
  int peer = socket(AF_UNIX, SOCK_DGRAM, 0);
  uv_udp_t udp;
  snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", test_path("peer"));
  ASSERT_OK(bind(peer, SA(&addr), sizeof(addr)));
  ASSERT_OK(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)));
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_udp_init(&loop, &udp));
  ASSERT_OK(uv_udp_open(&udp, fd));
  for (i = 0; i < MANY; i++) {
    req[i].data = &sent;
    ASSERT_OK(uv_udp_send(&req[i], &udp, &buf, 1, SA(&addr), count_send));
  }
  while (sent < MANY) {
    uv_run(&loop, UV_RUN_NOWAIT);
    ASSERT_EQ(udp.send_queue_count, MANY - sent);
    ASSERT_EQ(udp.send_queue_size, (size_t) (MANY - sent) * SIZE);
    if (sent < MANY) {
      /* Full, so nothing can go past what waits. */
      ASSERT_EQ(uv_udp_try_send(&udp, &buf, 1, SA(&addr)), UV_EAGAIN);
      ASSERT_LT(sent, MANY);
      ASSERT_EQ(recv(peer, got, SIZE, MSG_DONTWAIT), SIZE);
      received++;
    }
  }
  while (received < MANY) {
    ASSERT_EQ(recv(peer, got, SIZE, MSG_DONTWAIT), SIZE);
    received++;
  }
  ASSERT_EQ(uv_loop_alive(&loop), 0);
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(peer));
}

/* Many buffers need memory of the library's; few do not. */
TEST(udp_send_without_memory) {
  uv_buf_t many[9];
  struct sockaddr_in addr;
  uv_udp_send_t req;
  uv_udp_t udp;
  size_t i;
  int sent = 0, peer = udp_raw(&addr);
  for (i = 0; i < COUNT(many); i++) many[i] = ping;
  use_scarce_memory();
  ASSERT_OK(uv_loop_init(&loop));
  udp_bound(&loop, &udp, AF_UNSPEC, 0);
  req.data = &sent;
  out_of_memory = 1;
  ASSERT_EQ(uv_udp_send(&req, &udp, many, 9, SA(&addr), never_send),
            UV_ENOMEM);
  ASSERT_EQ(udp.send_queue_count, 0);
  ASSERT_EQ(uv_is_active(HANDLE(&udp)), 0);
  ASSERT_EQ(uv_loop_alive(&loop), 0);
  ASSERT_OK(uv_udp_send(&req, &udp, many, 4, SA(&addr), count_send));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  out_of_memory = 0;
  ASSERT_EQ(sent, 1);
  raw_expect(peer, "pingpingpingping");
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(peer));
}

TEST(udp_try_send_sends_at_once) {
  struct sockaddr_in addr;
  uv_buf_t bufs[3] = {{.base = "a", .len = 1},
                      {.base = NULL, .len = 0},
                      {.base = "bc", .len = 2}};
  uv_buf_t empty = uv_buf_init(NULL, 0);
  uv_udp_t udp;
  char byte;
  int peer = udp_raw(&addr);
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_udp_init(&loop, &udp));
  ASSERT_EQ(uv_udp_try_send(&udp, bufs, 3, SA(&addr)), 3);
  raw_expect(peer, "abc");
  ASSERT_EQ(uv_udp_try_send(&udp, &empty, 1, SA(&addr)), 0);
  ASSERT_EQ(recv(peer, &byte, 1, MSG_DONTWAIT), 0);
  ASSERT_EQ(udp.send_queue_count, 0);
  ASSERT_EQ(uv_loop_alive(&loop), 0);
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(peer));
}

TEST(udp_try_send_sizes) {
  static char data[65536];
  uv_buf_t buf = uv_buf_init(data, 65507);
  struct sockaddr_in addr;
  uv_udp_t udp;
  int peer = udp_raw(&addr);
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_udp_init(&loop, &udp));
  ASSERT_EQ(uv_udp_try_send(&udp, &buf, 1, SA(&addr)), 65507);
  ASSERT_EQ(recv(peer, data, sizeof(data), MSG_DONTWAIT), 65507);
  buf.len++;
  ASSERT_EQ(uv_udp_try_send(&udp, &buf, 1, SA(&addr)), UV_EMSGSIZE);
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(peer));
}

TEST(udp_try_send_behind_a_queue) {
  struct sockaddr_in addr;
  struct sockaddr* addrs[] = {(struct sockaddr*) &addr};
  uv_buf_t* bufs[] = {&ping};
  unsigned nbufs[] = {1};
  uv_udp_send_t req;
  uv_udp_t udp;
  int sent = 0, peer = udp_raw(&addr);
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_udp_init(&loop, &udp));
  req.data = &sent;
  ASSERT_OK(uv_udp_send(&req, &udp, &ping, 1, SA(&addr), count_send));
  ASSERT_EQ(uv_udp_try_send(&udp, &ping, 1, SA(&addr)), UV_EAGAIN);
  ASSERT_EQ(uv_udp_try_send2(&udp, 1, bufs, nbufs, addrs, 0), UV_EAGAIN);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(sent, 1);
  ASSERT_EQ(uv_udp_try_send(&udp, &ping, 1, SA(&addr)), 4);
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(peer));
}

/* A partial count is the caller's to go on from. */
TEST(udp_try_send2_many) {
  enum { MANY = 100, AT_ONCE = 20 };
  static char text[MANY][4], got[8];
  static uv_buf_t buf[MANY];
  uv_buf_t* bufs[MANY];
  unsigned nbufs[MANY];
  struct sockaddr* addrs[MANY];
  struct sockaddr_in addr;
  uv_udp_t udp;
  int i, n, sent = 0, peer = udp_raw(&addr);
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_udp_init(&loop, &udp));
  for (i = 0; i < MANY; i++) {
    snprintf(text[i], sizeof(text[i]), "%03d", i);
    buf[i] = uv_buf_init(text[i], 3);
    bufs[i] = &buf[i];
    nbufs[i] = 1;
    addrs[i] = (struct sockaddr*) &addr;
  }
  /* It does not make a socket. */
  ASSERT_EQ(uv_udp_try_send2(&udp, 1, bufs, nbufs, addrs, 0), UV_EINVAL);
  udp_bound(&loop, &udp, AF_UNSPEC, 0);
  while (sent < MANY) {
    n = uv_udp_try_send2(&udp, AT_ONCE, bufs + sent, nbufs + sent,
                         addrs + sent, 0);
    ASSERT_GT(n, 0);
    ASSERT_LE(n, AT_ONCE);
    sent += n;
  }
  for (i = 0; i < MANY; i++) {
    ASSERT_EQ(recv(peer, got, sizeof(got), MSG_DONTWAIT), 3);
    ASSERT_EQ(atoi(got), i);
  }
  /* However many fit into one call, the result says how many went. */
  n = uv_udp_try_send2(&udp, MANY, bufs, nbufs, addrs, 0);
  ASSERT_GE(n, AT_ONCE);
  for (i = 0; i < n; i++)
    ASSERT_EQ(recv(peer, got, sizeof(got), MSG_DONTWAIT), 3);
  ASSERT_EQ(recv(peer, got, sizeof(got), MSG_DONTWAIT), -1);
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(peer));
}

TEST(udp_try_send2_errors) {
  static char large[70000];
  uv_buf_t big = uv_buf_init(large, sizeof(large));
  uv_buf_t* bufs[3] = {&ping, &ping, &ping};
  unsigned nbufs[3] = {1, 1, 1};
  struct sockaddr* addrs[3];
  struct sockaddr_in addr;
  uv_udp_t udp;
  char byte;
  int i, peer = udp_raw(&addr);
  for (i = 0; i < 3; i++) addrs[i] = (struct sockaddr*) &addr;
  ASSERT_OK(uv_loop_init(&loop));
  udp_bound(&loop, &udp, AF_UNSPEC, 0);
  ASSERT_EQ(uv_udp_try_send2(&udp, 0, bufs, nbufs, addrs, 0), UV_EINVAL);
  ASSERT_EQ(uv_udp_try_send2(&udp, 3, bufs, nbufs, addrs, 1), UV_EINVAL);
  nbufs[1] = 0;
  ASSERT_EQ(uv_udp_try_send2(&udp, 3, bufs, nbufs, addrs, 0), UV_EINVAL);
  nbufs[1] = -1;
  ASSERT_EQ(uv_udp_try_send2(&udp, 3, bufs, nbufs, addrs, 0), UV_EINVAL);
  nbufs[1] = 1;
  addrs[1] = NULL;
  ASSERT_EQ(uv_udp_try_send2(&udp, 3, bufs, nbufs, addrs, 0),
            UV_EDESTADDRREQ);
  addrs[1] = addrs[0];
  /* Nothing was sent so far; now one goes before the one that cannot. */
  ASSERT_EQ(recv(peer, &byte, 1, MSG_DONTWAIT), -1);
  bufs[1] = &big;
  ASSERT_EQ(uv_udp_try_send2(&udp, 3, bufs, nbufs, addrs, 0), 1);
  raw_expect(peer, "ping");
  ASSERT_EQ(recv(peer, &byte, 1, MSG_DONTWAIT), -1);
  ASSERT_EQ(uv_udp_try_send2(&udp, 2, bufs + 1, nbufs + 1, addrs + 1, 0),
            UV_EMSGSIZE);
  ASSERT_OK(uv_udp_connect(&udp, SA(&addr)));
  ASSERT_EQ(uv_udp_try_send2(&udp, 1, bufs, nbufs, addrs, 0), UV_EISCONN);
  addrs[0] = NULL;
  ASSERT_EQ(uv_udp_try_send2(&udp, 1, bufs, nbufs, addrs, 0), 1);
  raw_expect(peer, "ping");
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(peer));
}

/* Any datagram socket will do. */
TEST(udp_send_to_a_unix_socket) {
  struct sockaddr_un addr = {.sun_family = AF_UNIX};
  uv_udp_send_t req;
  uv_udp_t udp;
  int sent = 0, peer = socket(AF_UNIX, SOCK_DGRAM, 0);
  snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", test_path("socket"));
  ASSERT_OK(bind(peer, SA(&addr), sizeof(addr)));
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_udp_init(&loop, &udp));
  ASSERT_OK(uv_udp_open(&udp, socket(AF_UNIX, SOCK_DGRAM, 0)));
  ASSERT_EQ(uv_udp_try_send(&udp, &ping, 1, SA(&addr)), 4);
  raw_expect(peer, "ping");
  req.data = &sent;
  ASSERT_OK(uv_udp_send(&req, &udp, &ping, 1, SA(&addr), count_send));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(sent, 1);
  raw_expect(peer, "ping");
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(peer));
}
