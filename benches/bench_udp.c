/* UDP over loopback, in bursts to one address. */
#define _GNU_SOURCE
#include "bench.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
  BURST = 20,
  SIZE = 64,
  MAX_BURST = 64,
  MAX_SIZE = 1200,
  DATAGRAM_SIZE = 64 * 1024
};

static uv_loop_t loop;
static char data[MAX_SIZE];

static void bind_loopback(uv_udp_t* udp,
                          unsigned flags,
                          struct sockaddr_in* addr) {
  int length = sizeof(*addr);
  CHECK(uv_udp_init_ex(&loop, udp, flags) == 0);
  CHECK(uv_ip4_addr("127.0.0.1", 0, addr) == 0);
  CHECK(uv_udp_bind(udp, (struct sockaddr*) addr, 0) == 0);
  CHECK(uv_udp_getsockname(udp, (struct sockaddr*) addr, &length) == 0);
}

/* ---- Sending ------------------------------------------------------------ */

static int sends_left;

static void on_sent(uv_udp_send_t* req, int status) {
  (void) req;
  CHECK(status == 0);
  sends_left--;
}

struct burst {
  uv_udp_t sender;
  struct sockaddr_in addr;
  int length;
  size_t size;
};

static void send_burst(struct burst* burst) {
  static uv_udp_send_t requests[MAX_BURST];
  uv_buf_t buf = uv_buf_init(data, burst->size);
  int i;

  sends_left = burst->length;
  for (i = 0; i < burst->length; i++)
    CHECK(uv_udp_send(&requests[i], &burst->sender, &buf, 1,
                      (struct sockaddr*) &burst->addr, on_sent) == 0);
  while (sends_left > 0) uv_run(&loop, UV_RUN_NOWAIT);
}

static void try_send_burst(struct burst* burst) {
  uv_buf_t* bufs[MAX_BURST];
  unsigned nbufs[MAX_BURST];
  struct sockaddr* addrs[MAX_BURST];
  uv_buf_t buf = uv_buf_init(data, burst->size);
  int sent, left, i;

  for (i = 0; i < burst->length; i++) {
    bufs[i] = &buf;
    nbufs[i] = 1;
    addrs[i] = (struct sockaddr*) &burst->addr;
  }
  for (left = burst->length; left > 0; left -= sent) {
    sent = uv_udp_try_send2(&burst->sender, left, bufs, nbufs, addrs, 0);
    CHECK(sent > 0);
  }
}

/* Reads all datagrams that have arrived, to make room for the next burst. */
static int drain(int fd) {
  static char byte[MAX_BURST];
  struct iovec vectors[MAX_BURST];
  struct mmsghdr room[MAX_BURST] = {0};
  int count, total = 0, i;

  for (i = 0; i < MAX_BURST; i++) {
    vectors[i] = (struct iovec){&byte[i], 1};
    room[i].msg_hdr.msg_iov = &vectors[i];
    room[i].msg_hdr.msg_iovlen = 1;
  }
  while ((count = recvmmsg(fd, room, MAX_BURST, MSG_DONTWAIT, NULL)) > 0)
    total += count;
  return total;
}

/* Times only sending; every datagram arrives. */
static void send_bursts(const char* metric,
                        void (*send)(struct burst* burst),
                        int length,
                        size_t size,
                        int datagrams) {
  struct stopwatch watch = {0};
  struct burst burst = {.length = length, .size = size};
  struct sockaddr_in mine;
  uv_udp_t receiver;
  uv_os_fd_t fd;
  int rounds = datagrams / length, round;

  CHECK(uv_loop_init(&loop) == 0);
  bind_loopback(&receiver, AF_UNSPEC, &burst.addr);
  bind_loopback(&burst.sender, AF_UNSPEC, &mine);
  CHECK(uv_fileno((uv_handle_t*) &receiver, &fd) == 0);
  for (round = 0; round < rounds; round++) {
    stopwatch_start(&watch);
    send(&burst);
    stopwatch_stop(&watch);
    CHECK(drain(fd) == length);
  }
  bench_report(metric, (double) rounds * length, "datagrams", &watch);
  uv_close((uv_handle_t*) &burst.sender, NULL);
  uv_close((uv_handle_t*) &receiver, NULL);
  bench_close_loop(&loop);
}

BENCH(udp_send_burst) {
  send_bursts("udp_send_burst", send_burst, BURST, SIZE, bench_count(600000));
}

BENCH(udp_try_send2_burst) {
  send_bursts("udp_try_send2_burst", try_send_burst, BURST, SIZE,
              bench_count(600000));
}

/* Like QUIC: many datagrams of the largest size that fits a link. */
BENCH(udp_send_64x1200) {
  send_bursts("udp_send_64x1200", send_burst, MAX_BURST, MAX_SIZE,
              bench_count(600000));
}

BENCH(udp_try_send2_64x1200) {
  send_bursts("udp_try_send2_64x1200", try_send_burst, MAX_BURST, MAX_SIZE,
              bench_count(600000));
}

/* ---- Receiving: only the loop is timed ------------------------------------ */

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
