/* Receiving: one datagram at a time and with recvmmsg(2), the arguments of the
 * callbacks, stopping and closing within them. */
#include <sys/un.h>

#include "test-udp.h"

static uv_loop_t loop;
static uv_udp_t receiver;
static struct sockaddr_in receiver_addr, sender_addr;

/* A handle that waits to receive, and a blocking socket to send from. */
static int open_receiver(unsigned flags) {
  int fd = udp_raw(&sender_addr);
  ASSERT_OK(uv_loop_init(&loop));
  receiver_addr = udp_bound(&loop, &receiver, flags, 0);
  return fd;
}

static void send_some(int fd, int count) {
  static int number;
  char text[16];
  while (count-- > 0) {
    snprintf(text, sizeof(text), "%d", number++);
    raw_send(fd, text, &receiver_addr);
  }
}

static void expect_texts(int first, int count) {
  char text[16];
  int i, n = first;
  for (i = 0; i < receipt_count; i++) {
    if (receipts[i].nread <= 0 || receipts[i].family == -1) continue;
    snprintf(text, sizeof(text), "%d", n++);
    ASSERT_STR_EQ(receipts[i].text, text);
  }
  ASSERT_EQ(n, first + count);
}

TEST(udp_recv_start_arguments) {
  uv_udp_t udp;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_udp_init(&loop, &udp));
  ASSERT_EQ(uv_udp_recv_start(&udp, NULL, never_recv), UV_EINVAL);
  ASSERT_EQ(uv_udp_recv_start(&udp, alloc_slab, NULL), UV_EINVAL);
  ASSERT_EQ(uv_is_active(HANDLE(&udp)), 0);
  ASSERT_OK(uv_udp_recv_stop(&udp));
  ASSERT_OK(uv_udp_recv_start(&udp, alloc_slab, never_recv));
  ASSERT_EQ(uv_is_active(HANDLE(&udp)), 1);
  ASSERT_EQ(uv_udp_recv_start(&udp, alloc_slab, never_recv), UV_EALREADY);
  ASSERT_EQ(uv_udp_recv_start(&udp, NULL, never_recv), UV_EINVAL);
  ASSERT_OK(uv_udp_recv_stop(&udp));
  ASSERT_EQ(uv_is_active(HANDLE(&udp)), 0);
  ASSERT_EQ(uv_loop_alive(&loop), 0);
  ASSERT_OK(uv_udp_recv_stop(&udp));
  CLOSE_LOOP(&loop);
}

/* Each datagram, then the news that there are no more. */
TEST(udp_recv_reports) {
  int fd = open_receiver(AF_UNSPEC);
  ASSERT_OK(uv_udp_recv_start(&receiver, alloc_slab, record_recv));
  raw_send(fd, "one", &receiver_addr);
  raw_send(fd, "", &receiver_addr);
  raw_send(fd, "three", &receiver_addr);
  RUN_UNTIL(&loop, receipt_count == 4);
  ASSERT_EQ(allocs, 4);
  EXPECT_RECEIPT(0, 3, AF_INET, 0);
  EXPECT_RECEIPT(1, 0, AF_INET, 0);
  EXPECT_RECEIPT(2, 5, AF_INET, 0);
  EXPECT_RECEIPT(3, 0, -1, 0);
  ASSERT_STR_EQ(receipts[0].text, "one");
  ASSERT_STR_EQ(receipts[2].text, "three");
  ASSERT_EQ(receipts[0].port, ntohs(sender_addr.sin_port));
  ASSERT_EQ(receipts[1].port, ntohs(sender_addr.sin_port));
  ASSERT_EQ(receipts[3].offset, 0);
  ASSERT_EQ(receipts[3].len, DATAGRAM_SIZE);
  ASSERT_EQ(uv_run(&loop, UV_RUN_NOWAIT), 1);
  ASSERT_EQ(receipt_count, 4);
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(fd));
}

TEST(udp_recv_truncates) {
  int fd = open_receiver(AF_UNSPEC);
  slab_len = 4;
  ASSERT_OK(uv_udp_recv_start(&receiver, alloc_slab, record_recv));
  raw_send(fd, "12345", &receiver_addr);
  raw_send(fd, "6789", &receiver_addr);
  RUN_UNTIL(&loop, receipt_count == 3);
  EXPECT_RECEIPT(0, 4, AF_INET, UV_UDP_PARTIAL);
  EXPECT_RECEIPT(1, 4, AF_INET, 0);
  EXPECT_RECEIPT(2, 0, -1, 0);
  ASSERT_STR_EQ(receipts[0].text, "1234");
  ASSERT_STR_EQ(receipts[1].text, "6789");
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(fd));
}

TEST(udp_recv_over_ipv6) {
  struct sockaddr_in6 addr, from;
  uv_buf_t buf = uv_buf_init("six", 3);
  uv_udp_t sender;
  int len = sizeof(addr);
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_ip6_addr("::1", 0, &addr));
  ASSERT_OK(uv_udp_init(&loop, &receiver));
  ASSERT_OK(uv_udp_bind(&receiver, SA(&addr), 0));
  ASSERT_OK(uv_udp_getsockname(&receiver, (struct sockaddr*) &addr, &len));
  ASSERT_OK(uv_udp_init(&loop, &sender));
  ASSERT_OK(uv_udp_recv_start(&receiver, alloc_slab, record_recv));
  ASSERT_EQ(uv_udp_try_send(&sender, &buf, 1, SA(&addr)), 3);
  ASSERT_EQ(int_option(fd_of(&sender), SOL_SOCKET, SO_DOMAIN), AF_INET6);
  RUN_UNTIL(&loop, receipt_count == 2);
  EXPECT_RECEIPT(0, 3, AF_INET6, 0);
  len = sizeof(from);
  ASSERT_OK(uv_udp_getsockname(&sender, (struct sockaddr*) &from, &len));
  ASSERT_EQ(receipts[0].port, ntohs(from.sin6_port));
  CLOSE_LOOP(&loop);
}

/* IPv4 datagrams reach an IPv6 socket unless that was excluded. */
TEST(udp_recv_dual_stack) {
  int ipv6only;
  for (ipv6only = 0; ipv6only < 2; ipv6only++) {
    struct sockaddr_in6 any;
    int fd = udp_raw(&sender_addr);
    receipt_count = 0;
    ASSERT_OK(uv_loop_init(&loop));
    ASSERT_OK(uv_ip6_addr("::", 0, &any));
    ASSERT_OK(uv_udp_init(&loop, &receiver));
    ASSERT_OK(uv_udp_bind(&receiver, SA(&any),
                          ipv6only ? UV_UDP_IPV6ONLY : 0));
    ASSERT_OK(uv_udp_recv_start(&receiver, alloc_slab, record_recv));
    receiver_addr = loopback(udp_port(&receiver));
    raw_send(fd, "four", &receiver_addr);
    uv_run(&loop, UV_RUN_NOWAIT);
    if (ipv6only) {
      ASSERT_EQ(receipt_count, 0);
    } else {
      EXPECT_RECEIPT(0, 4, AF_INET6, 0);
      ASSERT_EQ(receipts[0].port, ntohs(sender_addr.sin_port));
    }
    CLOSE_LOOP(&loop);
    ASSERT_OK(close(fd));
  }
}

/* The sender has no address. */
TEST(udp_recv_from_an_unnamed_socket) {
  int fds[2];
  ASSERT_OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds));
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_udp_init(&loop, &receiver));
  ASSERT_OK(uv_udp_open(&receiver, fds[0]));
  ASSERT_OK(uv_udp_recv_start(&receiver, alloc_slab, record_recv));
  ASSERT_EQ(send(fds[1], "unnamed", 7, 0), 7);
  RUN_UNTIL(&loop, receipt_count == 2);
  ASSERT_EQ(receipts[0].nread, 7);
  ASSERT_STR_EQ(receipts[0].text, "unnamed");
  EXPECT_RECEIPT(1, 0, -1, 0);
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(fds[1]));
}

/* Only the peer's datagrams. */
TEST(udp_recv_connected) {
  struct sockaddr_in other_addr;
  int fd = open_receiver(AF_UNSPEC), other = udp_raw(&other_addr);
  ASSERT_OK(uv_udp_connect(&receiver, SA(&sender_addr)));
  ASSERT_OK(uv_udp_recv_start(&receiver, alloc_slab, record_recv));
  sendto(other, "no", 2, 0, SA(&receiver_addr), sizeof(receiver_addr));
  raw_send(fd, "yes", &receiver_addr);
  RUN_UNTIL(&loop, receipt_count == 2);
  EXPECT_RECEIPT(0, 3, AF_INET, 0);
  ASSERT_STR_EQ(receipts[0].text, "yes");
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(fd));
  ASSERT_OK(close(other));
}

/* A burst that is more than one turn takes; nothing is lost or reordered. */
TEST(udp_recv_burst) {
  int fd = open_receiver(AF_UNSPEC);
  ASSERT_OK(uv_udp_recv_start(&receiver, alloc_slab, record_recv));
  send_some(fd, 100);
  RUN_UNTIL(&loop, receipt_count > 0 && receipts[receipt_count - 1].nread == 0);
  ASSERT_EQ(receipt_count, 101);
  expect_texts(0, 100);
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(fd));
}

static void stop_recv(uv_udp_t* udp, ssize_t nread, const uv_buf_t* buf,
                      const struct sockaddr* addr, unsigned flags) {
  record(nread, buf, addr, flags);
  ASSERT_OK(uv_udp_recv_stop(udp));
  ASSERT_EQ(uv_is_active(HANDLE(udp)), 0);
}

/* Datagrams that were not received stay until the next start. */
TEST(udp_recv_stop_and_start) {
  int i, fd = open_receiver(AF_UNSPEC);
  send_some(fd, 5);
  for (i = 1; i <= 5; i++) {
    ASSERT_OK(uv_udp_recv_start(&receiver, alloc_slab, stop_recv));
    ASSERT_EQ(uv_run(&loop, UV_RUN_DEFAULT), 0);
    ASSERT_EQ(receipt_count, i);
  }
  expect_texts(0, 5);
  /* More arrive while the handle does not receive. */
  for (i = 0; i < 3; i++) {
    send_some(fd, 1);
    uv_run(&loop, UV_RUN_NOWAIT);
  }
  ASSERT_EQ(receipt_count, 5);
  ASSERT_OK(uv_udp_recv_start(&receiver, alloc_slab, record_recv));
  RUN_UNTIL(&loop, receipt_count == 9);
  ASSERT_EQ(datagrams, 8);
  expect_texts(0, 8);
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(fd));
}

static void restart_recv(uv_udp_t* udp, ssize_t nread, const uv_buf_t* buf,
                         const struct sockaddr* addr, unsigned flags) {
  record(nread, buf, addr, flags);
  ASSERT_OK(uv_udp_recv_stop(udp));
  ASSERT_OK(uv_udp_recv_start(udp, alloc_slab, record_recv));
}

TEST(udp_recv_restart_in_the_callback) {
  int fd = open_receiver(AF_UNSPEC);
  ASSERT_OK(uv_udp_recv_start(&receiver, alloc_slab, restart_recv));
  send_some(fd, 4);
  RUN_UNTIL(&loop, receipt_count == 5);
  expect_texts(0, 4);
  ASSERT_EQ(receipts[4].nread, 0);
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(fd));
}

static void close_recv(uv_udp_t* udp, ssize_t nread, const uv_buf_t* buf,
                       const struct sockaddr* addr, unsigned flags) {
  record(nread, buf, addr, flags);
  if (!uv_is_closing(HANDLE(udp))) uv_close(HANDLE(udp), NULL);
}

TEST(udp_recv_close_in_the_callback) {
  int fd = open_receiver(AF_UNSPEC);
  ASSERT_OK(uv_udp_recv_start(&receiver, alloc_slab, close_recv));
  send_some(fd, 3);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(receipt_count, 1);
  ASSERT_OK(uv_loop_close(&loop));
  ASSERT_OK(close(fd));
}

static void alloc_and_close(uv_handle_t* handle, size_t suggested,
                            uv_buf_t* buf) {
  alloc_slab(handle, suggested, buf);
  uv_close(handle, NULL);
}

/* The buffer comes back. */
TEST(udp_recv_close_in_alloc) {
  static const unsigned flags[] = {0, UV_UDP_RECVMMSG};
  size_t i;
  for (i = 0; i < COUNT(flags); i++) {
    int fd = open_receiver(flags[i]);
    receipt_count = 0;
    ASSERT_OK(uv_udp_recv_start(&receiver, alloc_and_close, record_recv));
    send_some(fd, 1);
    ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
    ASSERT_EQ(receipt_count, 1);
    EXPECT_RECEIPT(0, UV_EBADF, -1, 0);
    ASSERT_EQ(receipts[0].offset, 0);
    ASSERT_OK(uv_loop_close(&loop));
    ASSERT_OK(close(fd));
  }
}

static void alloc_nothing(uv_handle_t* handle, size_t suggested,
                          uv_buf_t* buf) {
  (void) handle, (void) suggested;
  ASSERT_NULL(buf->base);
  ASSERT_EQ(buf->len, 0);
  allocs++;
}

static void alloc_no_length(uv_handle_t* handle, size_t suggested,
                            uv_buf_t* buf) {
  alloc_slab(handle, suggested, buf);
  buf->len = 0;
}

/* Nothing is received until there is memory for it. */
TEST(udp_recv_without_memory) {
  static const unsigned flags[] = {0, UV_UDP_RECVMMSG};
  static const uv_alloc_cb alloc[] = {alloc_nothing, alloc_no_length};
  size_t i, n;
  for (i = 0; i < COUNT(flags); i++) {
    int fd = open_receiver(flags[i]);
    send_some(fd, 1);
    for (n = 0; n < COUNT(alloc); n++) {
      receipt_count = allocs = 0;
      ASSERT_OK(uv_udp_recv_start(&receiver, alloc[n], record_recv));
      RUN_UNTIL(&loop, receipt_count == 2);
      ASSERT_EQ(allocs, 2);
      EXPECT_RECEIPT(0, UV_ENOBUFS, -1, 0);
      EXPECT_RECEIPT(1, UV_ENOBUFS, -1, 0);
      ASSERT_OK(uv_udp_recv_stop(&receiver));
    }
    datagrams = receipt_count = 0;
    ASSERT_OK(uv_udp_recv_start(&receiver, alloc_slab, record_recv));
    RUN_UNTIL(&loop, datagrams == 1);
    CLOSE_LOOP(&loop);
    ASSERT_OK(close(fd));
  }
}

static uv_udp_send_t echo_reqs[64];
static char echo_text[64][8];
static int echoed, echo_sent;

static void echo_recv(uv_udp_t* udp, ssize_t nread, const uv_buf_t* buf,
                      const struct sockaddr* addr, unsigned flags) {
  uv_buf_t out;
  (void) flags;
  if (nread <= 0) return;
  ASSERT_LT(nread, 8);
  memcpy(echo_text[echoed], buf->base, nread);
  out = uv_buf_init(echo_text[echoed], nread);
  echo_reqs[echoed].data = &echo_sent;
  ASSERT_OK(uv_udp_send(&echo_reqs[echoed], udp, &out, 1, addr, count_send));
  echoed++;
}

TEST(udp_recv_and_send_on_one_handle) {
  char text[16];
  int i, fd = open_receiver(AF_UNSPEC);
  ASSERT_OK(uv_udp_recv_start(&receiver, alloc_slab, echo_recv));
  send_some(fd, 50);
  RUN_UNTIL(&loop, echo_sent == 50);
  ASSERT_EQ(echoed, 50);
  ASSERT_EQ(uv_is_active(HANDLE(&receiver)), 1);
  for (i = 0; i < 50; i++) {
    snprintf(text, sizeof(text), "%d", i);
    raw_expect(fd, text);
  }
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(fd));
}

/* An unreferenced receiver receives, but does not keep the loop alive. */
TEST(udp_recv_unreferenced) {
  uv_timer_t other;
  int fd = open_receiver(AF_UNSPEC);
  ASSERT_OK(uv_udp_recv_start(&receiver, alloc_slab, record_recv));
  uv_unref(HANDLE(&receiver));
  ASSERT_EQ(uv_loop_alive(&loop), 0);
  send_some(fd, 1);
  ASSERT_OK(uv_run(&loop, UV_RUN_NOWAIT));
  ASSERT_EQ(receipt_count, 0);
  ASSERT_EQ(uv_is_active(HANDLE(&receiver)), 1);
  /* Something else keeps the loop alive. */
  ASSERT_OK(uv_timer_init(&loop, &other));
  ASSERT_OK(uv_timer_start(&other, never_timer, 1000000, 0));
  ASSERT_NE(uv_run(&loop, UV_RUN_NOWAIT), 0);
  ASSERT_EQ(datagrams, 1);
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(fd));
}

/* ---- recvmmsg ---- */

/* Pieces of one buffer, the buffer itself, and the news of emptiness. */
TEST(udp_mmsg_reports) {
  int i, fd = open_receiver(UV_UDP_RECVMMSG);
  slab_len = 4 * DATAGRAM_SIZE;
  ASSERT_OK(uv_udp_recv_start(&receiver, alloc_slab, record_recv));
  raw_send(fd, "a", &receiver_addr);
  raw_send(fd, "", &receiver_addr);
  raw_send(fd, "ccc", &receiver_addr);
  RUN_UNTIL(&loop, receipt_count == 5);
  ASSERT_EQ(allocs, 2);
  for (i = 0; i < 3; i++) {
    static const int sizes[] = {1, 0, 3};
    EXPECT_RECEIPT(i, sizes[i], AF_INET, UV_UDP_MMSG_CHUNK);
    ASSERT_EQ(receipts[i].port, ntohs(sender_addr.sin_port));
    ASSERT_EQ(receipts[i].offset, (long) i * DATAGRAM_SIZE);
    ASSERT_EQ(receipts[i].len, DATAGRAM_SIZE);
  }
  EXPECT_RECEIPT(3, 0, -1, UV_UDP_MMSG_FREE);
  ASSERT_EQ(receipts[3].offset, 0);
  ASSERT_EQ(receipts[3].len, slab_len);
  EXPECT_RECEIPT(4, 0, -1, 0);
  ASSERT_EQ(receipts[4].offset, 0);
  uv_run(&loop, UV_RUN_NOWAIT);
  ASSERT_EQ(receipt_count, 5);
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(fd));
}

/* Exactly as many as there is room for, and more. */
TEST(udp_mmsg_full_buffers) {
  static const int counts[] = {4, 9, 63};
  size_t i;
  int first = 0, fd = open_receiver(UV_UDP_RECVMMSG);
  slab_len = 4 * DATAGRAM_SIZE;
  ASSERT_OK(uv_udp_recv_start(&receiver, alloc_slab, record_recv));
  for (i = 0; i < COUNT(counts); i++) {
    int n, frees = 0, empties = 0;
    receipt_count = 0;
    send_some(fd, counts[i]);
    RUN_UNTIL(&loop, receipt_count > 0 &&
                         receipts[receipt_count - 1].family == -1 &&
                         receipts[receipt_count - 1].flags == 0);
    for (n = 0; n < receipt_count; n++) {
      frees += receipts[n].flags == UV_UDP_MMSG_FREE;
      empties += receipts[n].flags == 0;
    }
    ASSERT_EQ(frees, (counts[i] + 3) / 4);
    ASSERT_EQ(empties, 1);
    expect_texts(first, counts[i]);
    first += counts[i];
  }
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(fd));
}

TEST(udp_mmsg_large_buffer) {
  int fd = open_receiver(UV_UDP_RECVMMSG);
  slab_len = sizeof(slab);
  ASSERT_OK(uv_udp_recv_start(&receiver, alloc_slab, record_recv));
  send_some(fd, 100);
  RUN_UNTIL(&loop, datagrams == 100);
  expect_texts(0, 100);
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(fd));
}

/* The rest of a buffer that is not a multiple of 64 KiB is not used. */
TEST(udp_mmsg_odd_buffer) {
  int fd = open_receiver(UV_UDP_RECVMMSG);
  slab_len = 3 * DATAGRAM_SIZE - 1;
  ASSERT_OK(uv_udp_recv_start(&receiver, alloc_slab, record_recv));
  send_some(fd, 3);
  RUN_UNTIL(&loop, datagrams == 3);
  EXPECT_RECEIPT(2, 0, -1, UV_UDP_MMSG_FREE);
  ASSERT_EQ(receipts[2].len, slab_len);
  ASSERT_EQ(receipts[3].offset, 0);
  ASSERT_EQ(receipts[3].flags, UV_UDP_MMSG_CHUNK);
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(fd));
}

/* Too small for one datagram: an error in every tick, and nothing is lost. */
TEST(udp_mmsg_small_buffer) {
  int fd = open_receiver(UV_UDP_RECVMMSG);
  slab_len = DATAGRAM_SIZE - 1;
  ASSERT_OK(uv_udp_recv_start(&receiver, alloc_slab, record_recv));
  send_some(fd, 1);
  RUN_UNTIL(&loop, receipt_count == 2);
  EXPECT_RECEIPT(0, UV_EINVAL, -1, 0);
  EXPECT_RECEIPT(1, UV_EINVAL, -1, 0);
  ASSERT_EQ(receipts[0].offset, 0);
  slab_len = DATAGRAM_SIZE;
  RUN_UNTIL(&loop, datagrams == 1);
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(fd));
}

/* Datagrams that recvmmsg() returned are reported for the closing handle, and the
 * buffer is returned. */
TEST(udp_mmsg_close_in_the_callback) {
  int fd = open_receiver(UV_UDP_RECVMMSG);
  slab_len = 4 * DATAGRAM_SIZE;
  ASSERT_OK(uv_udp_recv_start(&receiver, alloc_slab, close_recv));
  send_some(fd, 3);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(receipt_count, 4);
  expect_texts(0, 3);
  EXPECT_RECEIPT(3, 0, -1, UV_UDP_MMSG_FREE);
  ASSERT_OK(uv_loop_close(&loop));
  ASSERT_OK(close(fd));
}

/* libuv loses the others. */
TEST(udp_mmsg_stop_in_the_callback) {
  int fd = open_receiver(UV_UDP_RECVMMSG), lost = test_on_reference() ? 2 : 0;
  slab_len = 4 * DATAGRAM_SIZE;
  ASSERT_OK(uv_udp_recv_start(&receiver, alloc_slab, stop_recv));
  send_some(fd, 3);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(receipt_count, 1);
  send_some(fd, 1);
  ASSERT_OK(uv_udp_recv_start(&receiver, alloc_slab, record_recv));
  RUN_UNTIL(&loop, datagrams == 4 - lost);
  ASSERT_STR_EQ(receipts[1].text, lost ? "3" : "1");
  if (!lost) expect_texts(0, 4);
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(fd));
}

TEST(udp_mmsg_restart_in_the_callback) {
  int fd = open_receiver(UV_UDP_RECVMMSG);
  slab_len = 4 * DATAGRAM_SIZE;
  ASSERT_OK(uv_udp_recv_start(&receiver, alloc_slab, restart_recv));
  send_some(fd, 3);
  RUN_UNTIL(&loop, receipt_count == 5);
  expect_texts(0, 3);
  EXPECT_RECEIPT(3, 0, -1, UV_UDP_MMSG_FREE);
  EXPECT_RECEIPT(4, 0, -1, 0);
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(fd));
}

/* More that comes in while the news of emptiness is told is not missed. */
static int late_sender;

static void send_when_empty(uv_udp_t* udp, ssize_t nread, const uv_buf_t* buf,
                            const struct sockaddr* addr, unsigned flags) {
  (void) udp;
  record(nread, buf, addr, flags);
  if (addr == NULL && flags == 0 && datagrams < 6) send_some(late_sender, 2);
}

TEST(udp_recv_late_datagrams) {
  static const unsigned flags[] = {0, UV_UDP_RECVMMSG};
  size_t i;
  for (i = 0; i < COUNT(flags); i++) {
    late_sender = open_receiver(flags[i]);
    receipt_count = datagrams = 0;
    slab_len = 4 * DATAGRAM_SIZE;
    ASSERT_OK(uv_udp_recv_start(&receiver, alloc_slab, send_when_empty));
    send_some(late_sender, 2);
    RUN_UNTIL(&loop, datagrams == 6);
    CLOSE_LOOP(&loop);
    ASSERT_OK(close(late_sender));
  }
}
