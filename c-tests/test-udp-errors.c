/* Datagrams without a receiver: the ICMP error in send and receive callbacks and in
 * the error queue. On the loopback interface it has arrived when the send call
 * returns. */
#include "test-udp.h"

static uv_loop_t loop;
static uv_buf_t ping = {.base = "ping", .len = 4};
static struct sockaddr_in refused;

static void open_client(uv_udp_t* udp, unsigned init_flags,
                        unsigned bind_flags, int connected) {
  refused = udp_refused_address();
  ASSERT_OK(uv_loop_init(&loop));
  udp_bound(&loop, udp, init_flags, bind_flags);
  if (connected) ASSERT_OK(uv_udp_connect(udp, SA(&refused)));
}

static void run_some(void) {
  int i;
  for (i = 0; i < 4; i++) uv_run(&loop, UV_RUN_NOWAIT);
}

TEST(udp_refused_receiving) {
  static const unsigned flags[] = {0, UV_UDP_RECVMMSG};
  size_t i;
  for (i = 0; i < COUNT(flags); i++) {
    uv_udp_t udp;
    open_client(&udp, flags[i], 0, 1);
    receipt_count = allocs = 0;
    ASSERT_OK(uv_udp_recv_start(&udp, alloc_slab, record_recv));
    ASSERT_EQ(uv_udp_try_send(&udp, &ping, 1, NULL), 4);
    run_some();
    /* Once, however long it is waited. */
    ASSERT_EQ(receipt_count, 2);
    ASSERT_EQ(allocs, 2);
    EXPECT_RECEIPT(0, UV_ECONNREFUSED, -1, 0);
    EXPECT_RECEIPT(1, 0, -1, 0);
    /* The handle goes on receiving. */
    ASSERT_EQ(uv_is_active(HANDLE(&udp)), 1);
    ASSERT_EQ(uv_udp_try_send(&udp, &ping, 1, NULL), 4);
    run_some();
    ASSERT_EQ(receipt_count, 4);
    EXPECT_RECEIPT(2, UV_ECONNREFUSED, -1, 0);
    CLOSE_LOOP(&loop);
  }
}

TEST(udp_refused_try_send) {
  uv_udp_t udp;
  open_client(&udp, 0, 0, 1);
  ASSERT_EQ(uv_udp_try_send(&udp, &ping, 1, NULL), 4);
  ASSERT_EQ(uv_udp_try_send(&udp, &ping, 1, NULL), UV_ECONNREFUSED);
  ASSERT_EQ(uv_udp_try_send(&udp, &ping, 1, NULL), 4);
  CLOSE_LOOP(&loop);
}

static int sent_ok, sent_refused;

static void count_refused(uv_udp_send_t* req, int status) {
  (void) req;
  if (status == 0) {
    sent_ok++;
  } else {
    ASSERT_EQ(status, UV_ECONNREFUSED);
    sent_refused++;
  }
}

/* Every datagram is called back, and the error ends one of them. */
TEST(udp_refused_sending) {
  uv_udp_send_t req[8];
  uv_udp_t udp;
  size_t i;
  open_client(&udp, 0, 0, 1);
  for (i = 0; i < COUNT(req); i++)
    ASSERT_OK(uv_udp_send(&req[i], &udp, &ping, 1, NULL, count_refused));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(sent_ok + sent_refused, COUNT(req));
  ASSERT_GE(sent_refused, 1);
  ASSERT_GE(sent_ok, 2);
  ASSERT_EQ(udp.send_queue_size, 0);
  ASSERT_EQ(uv_is_active(HANDLE(&udp)), 0);
  CLOSE_LOOP(&loop);
}

/* Without a peer the kernel keeps such errors to itself ... */
TEST(udp_refused_unconnected) {
  uv_udp_t udp;
  open_client(&udp, 0, 0, 0);
  ASSERT_OK(uv_udp_recv_start(&udp, alloc_slab, never_recv));
  ASSERT_EQ(uv_udp_try_send(&udp, &ping, 1, SA(&refused)), 4);
  ASSERT_EQ(uv_udp_try_send(&udp, &ping, 1, SA(&refused)), 4);
  run_some();
  CLOSE_LOOP(&loop);
}

/* ... unless it is asked for them. libuv passes the queued error on as an
 * unsigned number, of which only the lower half is the code. */
TEST(udp_error_queue) {
  int connected;
  for (connected = 0; connected < 2; connected++) {
    uv_udp_t udp;
    open_client(&udp, 0, UV_UDP_LINUX_RECVERR, connected);
    receipt_count = allocs = 0;
    ASSERT_OK(uv_udp_recv_start(&udp, alloc_slab, record_recv));
    ASSERT_EQ(
        uv_udp_try_send(&udp, &ping, 1, connected ? NULL : SA(&refused)), 4);
    run_some();
    ASSERT_EQ(receipt_count, 3);
    ASSERT_EQ(allocs, 3);
    EXPECT_RECEIPT(0, UV_ECONNREFUSED, -1, 0);
    ASSERT_EQ((int) receipts[1].nread, UV_ECONNREFUSED);
    ASSERT_EQ(receipts[1].flags, UV_UDP_LINUX_RECVERR);
    ASSERT_EQ(receipts[1].family, AF_INET);
    ASSERT_EQ(receipts[1].offset, 0);
    EXPECT_RECEIPT(2, 0, -1, 0);
    CLOSE_LOOP(&loop);
  }
}

/* libuv takes the unsigned number for the size of a piece of the buffer, which
 * it gives back in a call of its own; so only the errors are looked at. */
TEST(udp_error_queue_mmsg) {
  uv_udp_t udp;
  open_client(&udp, UV_UDP_RECVMMSG, UV_UDP_LINUX_RECVERR, 0);
  ASSERT_OK(uv_udp_recv_start(&udp, alloc_slab, record_recv));
  ASSERT_EQ(uv_udp_try_send(&udp, &ping, 1, SA(&refused)), 4);
  run_some();
  EXPECT_RECEIPT(0, UV_ECONNREFUSED, -1, 0);
  ASSERT_EQ((int) receipts[1].nread, UV_ECONNREFUSED);
  ASSERT_NE(receipts[1].flags & UV_UDP_LINUX_RECVERR, 0);
  EXPECT_RECEIPT(receipt_count - 1, 0, -1, 0);
  CLOSE_LOOP(&loop);
}

TEST(udp_error_queue_ipv6) {
  struct sockaddr_in6 addr, dead;
  socklen_t len = sizeof(dead);
  uv_udp_t udp;
  int fd = socket(AF_INET6, SOCK_DGRAM, 0);
  ASSERT_OK(uv_ip6_addr("::1", 0, &addr));
  ASSERT_OK(bind(fd, SA(&addr), sizeof(addr)));
  ASSERT_OK(getsockname(fd, (struct sockaddr*) &dead, &len));
  ASSERT_OK(connect(fd, SA(&dead), len));
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_udp_init(&loop, &udp));
  ASSERT_OK(uv_udp_bind(&udp, SA(&addr), UV_UDP_LINUX_RECVERR));
  ASSERT_OK(uv_udp_recv_start(&udp, alloc_slab, record_recv));
  ASSERT_EQ(uv_udp_try_send(&udp, &ping, 1, SA(&dead)), 4);
  run_some();
  ASSERT_EQ(receipt_count, 3);
  EXPECT_RECEIPT(0, UV_ECONNREFUSED, -1, 0);
  ASSERT_EQ((int) receipts[1].nread, UV_ECONNREFUSED);
  ASSERT_EQ(receipts[1].flags, UV_UDP_LINUX_RECVERR);
  ASSERT_EQ(receipts[1].family, AF_INET6);
  EXPECT_RECEIPT(2, 0, -1, 0);
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(fd));
}

/* Errors come beside datagrams, not instead of them. */
TEST(udp_error_queue_and_datagrams) {
  struct sockaddr_in addr, mine;
  uv_udp_t udp;
  int i, errors = 0, peer = udp_raw(&addr);
  open_client(&udp, 0, UV_UDP_LINUX_RECVERR, 0);
  mine = loopback(udp_port(&udp));
  ASSERT_OK(uv_udp_recv_start(&udp, alloc_slab, record_recv));
  raw_send(peer, "one", &mine);
  ASSERT_EQ(uv_udp_try_send(&udp, &ping, 1, SA(&refused)), 4);
  raw_send(peer, "two", &mine);
  run_some();
  ASSERT_EQ(datagrams, 2);
  for (i = 0; i < receipt_count; i++)
    errors += receipts[i].flags == UV_UDP_LINUX_RECVERR;
  ASSERT_EQ(errors, 1);
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(peer));
}

/* A handle that does not receive is not troubled, and hears of it later. */
TEST(udp_error_queue_before_receiving) {
  uv_udp_send_t req;
  uv_udp_t udp;
  int i, errors = 0, sent = 0;
  open_client(&udp, 0, UV_UDP_LINUX_RECVERR, 0);
  req.data = &sent;
  ASSERT_OK(uv_udp_send(&req, &udp, &ping, 1, SA(&refused), count_send));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(sent, 1);
  ASSERT_EQ(uv_loop_alive(&loop), 0);
  ASSERT_OK(uv_udp_recv_start(&udp, alloc_slab, record_recv));
  run_some();
  for (i = 0; i < receipt_count; i++)
    errors += receipts[i].flags == UV_UDP_LINUX_RECVERR;
  ASSERT_EQ(errors, 1);
  CLOSE_LOOP(&loop);
}

static void alloc_later(uv_handle_t* handle, size_t suggested,
                        uv_buf_t* buf) {
  alloc_slab(handle, suggested, buf);
  if (allocs <= 3) *buf = uv_buf_init(NULL, 0);
}

/* No memory for an error: the user is asked again. */
TEST(udp_error_without_memory) {
  uv_udp_t udp;
  int i, errors = 0;
  open_client(&udp, 0, UV_UDP_LINUX_RECVERR, 1);
  ASSERT_OK(uv_udp_recv_start(&udp, alloc_later, record_recv));
  ASSERT_EQ(uv_udp_try_send(&udp, &ping, 1, NULL), 4);
  for (i = 0; i < 10; i++) uv_run(&loop, UV_RUN_NOWAIT);
  for (i = 0; i < receipt_count; i++) {
    if (i < 3) EXPECT_RECEIPT(i, UV_ENOBUFS, -1, 0);
    errors += receipts[i].flags == UV_UDP_LINUX_RECVERR;
  }
  ASSERT_EQ(errors, 1);
  CLOSE_LOOP(&loop);
}

static void close_recv(uv_udp_t* udp, ssize_t nread, const uv_buf_t* buf,
                       const struct sockaddr* addr, unsigned flags) {
  record(nread, buf, addr, flags);
  uv_close(HANDLE(udp), NULL);
}

static void close_queued(uv_udp_t* udp, ssize_t nread, const uv_buf_t* buf,
                         const struct sockaddr* addr, unsigned flags) {
  record(nread, buf, addr, flags);
  if (flags & UV_UDP_LINUX_RECVERR) uv_close(HANDLE(udp), NULL);
}

TEST(udp_close_in_an_error_callback) {
  static const uv_udp_recv_cb callbacks[] = {close_recv, close_queued};
  size_t i;
  for (i = 0; i < COUNT(callbacks); i++) {
    uv_udp_t udp;
    open_client(&udp, 0, UV_UDP_LINUX_RECVERR, 1);
    receipt_count = allocs = 0;
    ASSERT_OK(uv_udp_recv_start(&udp, alloc_slab, callbacks[i]));
    ASSERT_EQ(uv_udp_try_send(&udp, &ping, 1, NULL), 4);
    ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
    ASSERT_EQ(receipt_count, i + 1);
    ASSERT_EQ(allocs, receipt_count);
    ASSERT_OK(uv_loop_close(&loop));
  }
}

/* The peer of a Unix socket that is gone is an error of the datagram. */
TEST(udp_send_to_nobody) {
  struct sockaddr_storage nowhere = {.ss_family = AF_UNIX};
  uv_udp_send_t req[2];
  uv_udp_t udp;
  strcpy((char*) &nowhere + sizeof(sa_family_t), "/nowhere/at/all");
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_udp_init(&loop, &udp));
  ASSERT_OK(uv_udp_open(&udp, socket(AF_UNIX, SOCK_DGRAM, 0)));
  req[0].data = "0";
  req[1].data = "1";
  ASSERT_OK(uv_udp_send(&req[0], &udp, &ping, 1, SA(&nowhere), note_send));
  ASSERT_OK(uv_udp_send(&req[1], &udp, &ping, 1, SA(&nowhere), note_send));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("send0:ENOENT send1:ENOENT");
  CLOSE_LOOP(&loop);
}

enum { RUN = 16 };

static int reports, answered;

static void count_reports(uv_udp_t* udp, ssize_t nread, const uv_buf_t* buf,
                          const struct sockaddr* addr, unsigned flags) {
  (void) udp, (void) buf, (void) addr;
  if (nread < 0 || (flags & UV_UDP_LINUX_RECVERR) != 0) reports++;
}

static int left_unreported;

static void count_sent(uv_udp_send_t* req, int status) {
  (void) req;
  answered++;
  if (status == 0) left_unreported++;
}

/* With an error queue each datagram that left is reported, also one of a run that
 * could have left as one message. libuv marks reports, oxuv makes them errors. */
TEST(udp_error_queue_reports_each_of_a_run) {
  uv_udp_send_t reqs[RUN];
  uv_udp_t udp;
  int i;
  open_client(&udp, 0, UV_UDP_LINUX_RECVERR, 0);
  ASSERT_OK(uv_udp_recv_start(&udp, alloc_slab, count_reports));
  for (i = 0; i < RUN; i++)
    ASSERT_OK(uv_udp_send(&reqs[i], &udp, &ping, 1, SA(&refused), count_sent));
  RUN_UNTIL(&loop, answered == RUN && reports >= left_unreported);
  ASSERT_GE(left_unreported, RUN / 2);
  ASSERT_GE(reports, left_unreported);
  CLOSE_LOOP(&loop);
}
