/* Datagrams that are sent together: however a library hands them to the
 * kernel, each arrives by itself, as it was sent and in order. */
#include <netinet/udp.h>

#include "test-udp.h"

enum { MAX_DATAGRAMS = 200, MAX_BUFFERS = 6, PEERS = 2 };

struct datagram {
  int size;
  int buffers;
  int peer;
};

static uv_loop_t loop;
static uv_udp_t udp;
static struct datagram run[MAX_DATAGRAMS];
static char content[MAX_DATAGRAMS][10000];
static uv_buf_t buffers[MAX_DATAGRAMS][MAX_BUFFERS];
static int peers[PEERS];
static struct sockaddr_storage addresses[PEERS];
static int callbacks;

/* The datagram's bytes are its own, in as many pieces as are asked for. */
static void prepare(int i, int size, int count, int peer) {
  int k, done = 0;
  run[i] = (struct datagram) {size, count, peer};
  for (k = 0; k < size; k++) content[i][k] = (char) (i * 7 + k);
  for (k = 0; k < count; k++) {
    int len = k == count - 1 ? size - done : size / count;
    buffers[i][k] = uv_buf_init(content[i] + done, len);
    done += len;
  }
}

static void sent(uv_udp_send_t* req, int status) {
  ASSERT_OK(status);
  ASSERT_EQ((intptr_t) req->data, callbacks);
  callbacks++;
}

static const struct sockaddr* address_of(int i) {
  return SA(&addresses[run[i].peer]);
}

static void send_all(int count, int connected) {
  static uv_udp_send_t reqs[MAX_DATAGRAMS];
  int i;
  callbacks = 0;
  for (i = 0; i < count; i++) {
    reqs[i].data = (void*) (intptr_t) i;
    ASSERT_OK(uv_udp_send(&reqs[i], &udp, buffers[i], run[i].buffers,
                          connected ? NULL : address_of(i), sent));
  }
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(callbacks, count);
}

static void try_all(int count, int connected) {
  uv_buf_t* bufs[MAX_DATAGRAMS];
  unsigned nbufs[MAX_DATAGRAMS];
  struct sockaddr* addrs[MAX_DATAGRAMS];
  int i, n;
  for (i = 0; i < count; i++) {
    bufs[i] = buffers[i];
    nbufs[i] = run[i].buffers;
    addrs[i] = connected ? NULL : (struct sockaddr*) address_of(i);
  }
  for (i = 0; i < count; i += n) {
    n = uv_udp_try_send2(&udp, count - i < 20 ? count - i : 20, bufs + i,
                         nbufs + i, addrs + i, 0);
    ASSERT_GT(n, 0);
  }
}

static void expect(int i) {
  static char got[DATAGRAM_SIZE];
  ssize_t n = recv(peers[run[i].peer], got, sizeof(got), MSG_DONTWAIT);
  ASSERT_EQ(n, run[i].size);
  ASSERT_OK(memcmp(got, content[i], n));
}

static void expect_all(int count) {
  char byte;
  int i;
  for (i = 0; i < count; i++) expect(i);
  for (i = 0; i < PEERS; i++)
    ASSERT_EQ(recv(peers[i], &byte, 1, MSG_DONTWAIT), -1);
}

static void start(int family) {
  int i, room = 4 << 20;
  socklen_t len = sizeof(addresses[0]);
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_udp_init(&loop, &udp));
  for (i = 0; i < PEERS; i++) {
    peers[i] = socket(family, SOCK_DGRAM, 0);
    ASSERT_GE(peers[i], 0);
    ASSERT_OK(setsockopt(peers[i], SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)));
    if (family == AF_INET)
      *(struct sockaddr_in*) &addresses[i] = loopback(0);
    else
      ASSERT_OK(uv_ip6_addr("::1", 0, (struct sockaddr_in6*) &addresses[i]));
    ASSERT_OK(bind(peers[i], SA(&addresses[i]),
                   family == AF_INET ? sizeof(struct sockaddr_in)
                                     : sizeof(struct sockaddr_in6)));
    ASSERT_OK(getsockname(peers[i], (struct sockaddr*) &addresses[i], &len));
    len = sizeof(addresses[0]);
  }
}

static void finish(void) {
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(peers[0]));
  ASSERT_OK(close(peers[1]));
}

/* A first datagram makes and binds the socket. */
static int open_socket(void) {
  uv_os_fd_t fd;
  prepare(0, 1, 1, 0);
  send_all(1, 0);
  expect(0);
  ASSERT_OK(uv_fileno((uv_handle_t*) &udp, &fd));
  return fd;
}

TEST(udp_run_of_one_size) {
  int i;
  start(AF_INET);
  for (i = 0; i < 150; i++) prepare(i, 100, 1, 0);
  send_all(150, 0);
  expect_all(150);
  try_all(150, 0);
  expect_all(150);
  finish();
}

TEST(udp_runs_of_many_sizes) {
  static const int sizes[] = {0, 1, 64, 64, 64, 64, 63, 1200};
  unsigned random = 1;
  int i, round;
  start(AF_INET);
  for (round = 0; round < 20; round++) {
    for (i = 0; i < MAX_DATAGRAMS; i++) {
      random = random * 1103515245 + 12345;
      /* Mostly like the one before, so that there are runs. */
      if (i > 0 && random >> 16 & 3)
        prepare(i, run[i - 1].size, 1 + (random >> 20) % MAX_BUFFERS,
                run[i - 1].peer);
      else
        prepare(i, sizes[(random >> 24) % 8], 1,
                random >> 18 & 1);
    }
    send_all(MAX_DATAGRAMS, 0);
    expect_all(MAX_DATAGRAMS);
    try_all(MAX_DATAGRAMS, 0);
    expect_all(MAX_DATAGRAMS);
  }
  finish();
}

TEST(udp_run_to_a_peer) {
  int i;
  start(AF_INET);
  open_socket();
  for (i = 0; i < 40; i++) prepare(i, i == 20 ? 10 : 300, 2, 0);
  ASSERT_OK(uv_udp_connect(&udp, SA(&addresses[0])));
  send_all(40, 1);
  expect_all(40);
  try_all(40, 1);
  expect_all(40);
  finish();
}

/* Together they are more than the largest datagram. */
TEST(udp_run_of_large_ones) {
  int i;
  start(AF_INET);
  for (i = 0; i < 12; i++) prepare(i, 9000, 3, 0);
  send_all(12, 0);
  expect_all(12);
  finish();
}

/* They travel in fragments, each by itself. */
TEST(udp_run_larger_than_the_way_takes) {
  int i, mtu = 1280;
  start(AF_INET6);
  ASSERT_OK(setsockopt(open_socket(), IPPROTO_IPV6, IPV6_MTU, &mtu,
                       sizeof(mtu)));
  for (i = 0; i < 12; i++) prepare(i, 4000, 1, 0);
  send_all(12, 0);
  expect_all(12);
  try_all(12, 0);
  expect_all(12);
  finish();
}

/* Without checksums the kernel does not segment; the first datagram is for another
 * peer. */
TEST(udp_run_without_checksums) {
  uv_buf_t* bufs[11];
  unsigned nbufs[11];
  struct sockaddr* addrs[11];
  int i, on = 1;
  start(AF_INET);
  ASSERT_OK(setsockopt(open_socket(), SOL_SOCKET, SO_NO_CHECK, &on,
                       sizeof(on)));
  for (i = 0; i < 11; i++) {
    prepare(i, 100, 1, i == 0);
    bufs[i] = buffers[i];
    nbufs[i] = 1;
    addrs[i] = (struct sockaddr*) address_of(i);
  }
  ASSERT_EQ(uv_udp_try_send2(&udp, 11, bufs, nbufs, addrs, 0), 11);
  expect_all(11);
  send_all(11, 0);
  expect_all(11);
  finish();
}

/* Who has the kernel cut up what he sends still gets that. */
TEST(udp_run_on_a_socket_that_cuts_up) {
  int i, k, size = 100;
  char got[300];
  start(AF_INET);
  ASSERT_OK(setsockopt(open_socket(), SOL_UDP, UDP_SEGMENT, &size,
                       sizeof(size)));
  for (i = 0; i < 10; i++) prepare(i, 250, 1, 0);
  send_all(10, 0);
  try_all(10, 0);
  for (i = 0; i < 20; i++)
    for (k = 0; k < 250; k += 100) {
      ssize_t n = recv(peers[0], got, sizeof(got), MSG_DONTWAIT);
      ASSERT_EQ(n, k == 200 ? 50 : 100);
      ASSERT_OK(memcmp(got, content[i % 10] + k, n));
    }
  finish();
}
