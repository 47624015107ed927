/* UDP over loopback, in bursts of 20 small datagrams to one address. */
#define _GNU_SOURCE
#include "bench.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BURST = 20, SIZE = 64, DATAGRAM_SIZE = 64 * 1024 };

static uv_loop_t loop;
static char data[SIZE];

static void bind_loopback(uv_udp_t* udp,
                          unsigned flags,
                          struct sockaddr_in* addr) {
  int length = sizeof(*addr);
  CHECK(uv_udp_init_ex(&loop, udp, flags) == 0);
  CHECK(uv_ip4_addr("127.0.0.1", 0, addr) == 0);
  CHECK(uv_udp_bind(udp, (struct sockaddr*) addr, 0) == 0);
  CHECK(uv_udp_getsockname(udp, (struct sockaddr*) addr, &length) == 0);
}

/* ---- Sending: nobody receives, so the kernel drops what does not fit ------ */

static int sends_left;

static void on_sent(uv_udp_send_t* req, int status) {
  (void) req;
  CHECK(status == 0);
  sends_left--;
}

BENCH(udp_send_burst) {
  static uv_udp_send_t requests[BURST];
  struct stopwatch watch = {0};
  struct sockaddr_in addr;
  uv_udp_t sender, sink;
  uv_buf_t buf = uv_buf_init(data, SIZE);
  int rounds = bench_count(50000), round, i;

  CHECK(uv_loop_init(&loop) == 0);
  bind_loopback(&sink, AF_UNSPEC, &addr);
  CHECK(uv_udp_init(&loop, &sender) == 0);
  stopwatch_start(&watch);
  for (round = 0; round < rounds; round++) {
    sends_left = BURST;
    for (i = 0; i < BURST; i++)
      CHECK(uv_udp_send(&requests[i], &sender, &buf, 1,
                        (struct sockaddr*) &addr, on_sent) == 0);
    while (sends_left > 0) uv_run(&loop, UV_RUN_NOWAIT);
  }
  stopwatch_stop(&watch);
  bench_report("udp_send_burst", (double) rounds * BURST, "datagrams", &watch);
  uv_close((uv_handle_t*) &sender, NULL);
  uv_close((uv_handle_t*) &sink, NULL);
  bench_close_loop(&loop);
}

BENCH(udp_try_send2_burst) {
  struct stopwatch watch = {0};
  struct sockaddr_in addr, mine;
  uv_udp_t sender, sink;
  uv_buf_t buf = uv_buf_init(data, SIZE);
  uv_buf_t* bufs[BURST];
  unsigned nbufs[BURST];
  struct sockaddr* addrs[BURST];
  int rounds = bench_count(50000), round, i;

  CHECK(uv_loop_init(&loop) == 0);
  bind_loopback(&sink, AF_UNSPEC, &addr);
  bind_loopback(&sender, AF_UNSPEC, &mine);
  for (i = 0; i < BURST; i++) {
    bufs[i] = &buf;
    nbufs[i] = 1;
    addrs[i] = (struct sockaddr*) &addr;
  }
  stopwatch_start(&watch);
  for (round = 0; round < rounds; round++)
    CHECK(uv_udp_try_send2(&sender, BURST, bufs, nbufs, addrs, 0) == BURST);
  stopwatch_stop(&watch);
  bench_report("udp_try_send2_burst", (double) rounds * BURST, "datagrams",
               &watch);
  uv_close((uv_handle_t*) &sender, NULL);
  uv_close((uv_handle_t*) &sink, NULL);
  bench_close_loop(&loop);
}

/* ---- Receiving: only the loop is on the clock ----------------------------- */

static char room[BURST * DATAGRAM_SIZE];
static int receives_left;

static void on_alloc(uv_handle_t* handle, size_t size, uv_buf_t* buf) {
  (void) size;
  buf->base = room;
  buf->len = uv_udp_using_recvmmsg((uv_udp_t*) handle) ? sizeof(room)
                                                       : DATAGRAM_SIZE;
}

static void on_receive(uv_udp_t* udp,
                       ssize_t nread,
                       const uv_buf_t* buf,
                       const struct sockaddr* addr,
                       unsigned flags) {
  (void) udp, (void) buf, (void) flags;
  CHECK(nread >= 0);
  if (addr != NULL) receives_left--;
}

static void receive_bursts(const char* metric, unsigned flags) {
  struct stopwatch watch = {0};
  struct sockaddr_in addr;
  struct iovec vector = {data, SIZE};
  struct mmsghdr burst[BURST] = {0};
  uv_udp_t receiver;
  int rounds = bench_count(50000), round, i;
  int fd = socket(AF_INET, SOCK_DGRAM, 0);

  CHECK(fd >= 0);
  CHECK(uv_loop_init(&loop) == 0);
  bind_loopback(&receiver, flags, &addr);
  CHECK(uv_udp_recv_start(&receiver, on_alloc, on_receive) == 0);
  for (i = 0; i < BURST; i++) {
    burst[i].msg_hdr.msg_name = &addr;
    burst[i].msg_hdr.msg_namelen = sizeof(addr);
    burst[i].msg_hdr.msg_iov = &vector;
    burst[i].msg_hdr.msg_iovlen = 1;
  }
  for (round = 0; round < rounds; round++) {
    receives_left = BURST;
    CHECK(sendmmsg(fd, burst, BURST, 0) == BURST);
    stopwatch_start(&watch);
    while (receives_left > 0) uv_run(&loop, UV_RUN_NOWAIT);
    stopwatch_stop(&watch);
  }
  bench_report(metric, (double) rounds * BURST, "datagrams", &watch);
  uv_close((uv_handle_t*) &receiver, NULL);
  bench_close_loop(&loop);
  close(fd);
}

BENCH(udp_receive_burst) {
  receive_bursts("udp_receive_burst", AF_UNSPEC);
}

BENCH(udp_recvmmsg_burst) {
  receive_bursts("udp_recvmmsg_burst", AF_UNSPEC | UV_UDP_RECVMMSG);
}
