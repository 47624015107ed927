/* Datagrams over loopback; every datagram arrives and is read. */
#define _GNU_SOURCE
#include "bench.h"

#include <arpa/inet.h>
#include <netinet/udp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
  MAX_BURST = 64,
  MAX_SIZE = 1200,
  MAX_SEGMENTED = 65507,
  DATAGRAM_SIZE = 64 * 1024
};

static char data[MAX_BURST * MAX_SIZE];
static int from, to;
static struct sockaddr_in address;

static void open_sockets(void) {
  socklen_t length = sizeof(address);

  from = socket(AF_INET, SOCK_DGRAM, 0);
  to = socket(AF_INET, SOCK_DGRAM, 0);
  CHECK(from >= 0 && to >= 0);
  address = (struct sockaddr_in){.sin_family = AF_INET,
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  CHECK(bind(to, (struct sockaddr*) &address, length) == 0);
  CHECK(getsockname(to, (struct sockaddr*) &address, &length) == 0);
}

static void close_sockets(void) {
  CHECK(close(from) == 0 && close(to) == 0);
}

static void send_burst(int length, int size) {
  struct iovec vector = {data, size};
  struct mmsghdr burst[MAX_BURST] = {0};
  int i;

  for (i = 0; i < length; i++) {
    burst[i].msg_hdr.msg_name = &address;
    burst[i].msg_hdr.msg_namelen = sizeof(address);
    burst[i].msg_hdr.msg_iov = &vector;
    burst[i].msg_hdr.msg_iovlen = 1;
  }
  CHECK(sendmmsg(from, burst, length, 0) == length);
}

/* Sends one large message that the kernel splits into datagrams. */
static void send_segmented(int length, int size) {
  char control[CMSG_SPACE(sizeof(uint16_t))] = {0};
  struct iovec vector = {data, 0};
  struct msghdr message = {.msg_name = &address,
                           .msg_namelen = sizeof(address),
                           .msg_iov = &vector,
                           .msg_iovlen = 1,
                           .msg_control = control,
                           .msg_controllen = sizeof(control)};
  struct cmsghdr* segment = CMSG_FIRSTHDR(&message);
  int at_once = MAX_SEGMENTED / size;

  segment->cmsg_level = SOL_UDP;
  segment->cmsg_type = UDP_SEGMENT;
  segment->cmsg_len = CMSG_LEN(sizeof(uint16_t));
  memcpy(CMSG_DATA(segment), &(uint16_t){size}, sizeof(uint16_t));
  for (; length > 0; length -= at_once) {
    vector.iov_len = (size_t) (length < at_once ? length : at_once) * size;
    CHECK(sendmsg(from, &message, 0) == (ssize_t) vector.iov_len);
  }
}

/* Reads the datagrams, untimed, to make room for the next burst. */
static int drain(int length) {
  static char rooms[MAX_BURST][MAX_SIZE];
  struct iovec vectors[MAX_BURST];
  struct mmsghdr burst[MAX_BURST] = {0};
  int i;

  for (i = 0; i < length; i++) {
    vectors[i] = (struct iovec){rooms[i], MAX_SIZE};
    burst[i].msg_hdr.msg_iov = &vectors[i];
    burst[i].msg_hdr.msg_iovlen = 1;
  }
  return recvmmsg(to, burst, length, MSG_DONTWAIT, NULL);
}

static void sending(const char* metric,
                    void (*send)(int length, int size),
                    int length,
                    int size) {
  int rounds = bench_count(600000) / length, i;
  struct stopwatch watch = {0};

  open_sockets();
  for (i = 0; i < rounds; i++) {
    stopwatch_start(&watch);
    send(length, size);
    stopwatch_stop(&watch);
    CHECK(drain(length) == length);
  }
  bench_report(metric, (double) rounds * length, "datagrams", &watch);
  close_sockets();
}

BENCH(sendmmsg_20x64) {
  sending("sendmmsg_20x64", send_burst, 20, 64);
}

BENCH(gso_20x64) {
  sending("gso_20x64", send_segmented, 20, 64);
}

BENCH(sendmmsg_64x1200) {
  sending("sendmmsg_64x1200", send_burst, 64, 1200);
}

BENCH(gso_64x1200) {
  sending("gso_64x1200", send_segmented, 64, 1200);
}

/* ---- Receiving, as libuv's interface requires: each datagram with its sender,
 * into a buffer for the largest, until none is left -------------------------- */

static char room[MAX_BURST * DATAGRAM_SIZE];

/* Returns whether it received a datagram. */
static int receive_one(int fd) {
  struct sockaddr_storage sender;
  socklen_t length = sizeof(sender);

  return recvfrom(fd, room, DATAGRAM_SIZE, MSG_DONTWAIT,
                  (struct sockaddr*) &sender, &length) > 0;
}

static int receive_each(int length) {
  int received = 0;

  (void) length;
  while (receive_one(to)) received++;
  return received;
}

static int receive_burst(int length) {
  struct sockaddr_storage senders[MAX_BURST];
  struct iovec vectors[MAX_BURST];
  struct mmsghdr burst[MAX_BURST];
  int received = 0, count, i;

  for (;;) {
    for (i = 0; i < length; i++) {
      vectors[i] = (struct iovec){room + i * DATAGRAM_SIZE, DATAGRAM_SIZE};
      burst[i].msg_hdr =
          (struct msghdr){.msg_name = &senders[i],
                          .msg_namelen = sizeof(senders[i]),
                          .msg_iov = &vectors[i],
                          .msg_iovlen = 1};
    }
    count = recvmmsg(to, burst, length, MSG_DONTWAIT, NULL);
    if (count < 0) return received;
    received += count;
  }
}

static void watch_for_datagrams(int epoll, int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

  CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0);
}

static void receiving(const char* metric, int (*receive)(int length)) {
  int length = 20, rounds = bench_count(1000000) / length, i;
  int epoll = epoll_create1(0);
  struct stopwatch watch = {0};
  struct epoll_event event;

  CHECK(epoll >= 0);
  open_sockets();
  watch_for_datagrams(epoll, to);
  for (i = 0; i < rounds; i++) {
    send_burst(length, 64);
    stopwatch_start(&watch);
    CHECK(epoll_wait(epoll, &event, 1, 0) == 1);
    CHECK(receive(length) == length);
    stopwatch_stop(&watch);
  }
  bench_report(metric, (double) rounds * length, "datagrams", &watch);
  close_sockets();
  CHECK(close(epoll) == 0);
}

/* ---- Both directions: libuv's udp_pummel ---------------------------------- */

enum {
  MAX_PAIRS = 100,
  SENDS_IN_A_TICK = 9 /* sends of a socket between two polls in libuv */
};

/* Each of `pairs` sockets sends to its own receiver, datagrams of five buffers
 * as in libuv's program. */
static void pummel(const char* metric, int pairs) {
  struct iovec vectors[5] = {
      {data, 10}, {data, 10}, {data, 10}, {data, 10}, {data, 5}};
  struct sockaddr_in addresses[MAX_PAIRS];
  int senders[MAX_PAIRS], receivers[MAX_PAIRS];
  struct epoll_event events[MAX_PAIRS];
  struct msghdr message = {.msg_namelen = sizeof(addresses[0]),
                           .msg_iov = vectors,
                           .msg_iovlen = 5};
  int ticks = bench_count(200000) / (SENDS_IN_A_TICK * pairs);
  int epoll = epoll_create1(0), tick, ready, i, j;
  struct stopwatch watch = {0};
  double received = 0;

  CHECK(epoll >= 0);
  for (i = 0; i < pairs; i++) {
    open_sockets();
    senders[i] = from;
    receivers[i] = to;
    addresses[i] = address;
    watch_for_datagrams(epoll, to);
  }
  stopwatch_start(&watch);
  for (tick = 0; tick < ticks; tick++) {
    for (j = 0; j < SENDS_IN_A_TICK; j++) {
      for (i = 0; i < pairs; i++) {
        message.msg_name = &addresses[i];
        CHECK(sendmsg(senders[i], &message, 0) == 45);
      }
    }
    ready = epoll_wait(epoll, events, MAX_PAIRS, 0);
    for (i = 0; i < ready; i++)
      while (receive_one(events[i].data.fd)) received++;
  }
  stopwatch_stop(&watch);
  bench_report(metric, received, "datagrams", &watch);
  for (i = 0; i < pairs; i++)
    CHECK(close(senders[i]) == 0 && close(receivers[i]) == 0);
  CHECK(close(epoll) == 0);
}

BENCH(recvfrom_20x64) {
  receiving("recvfrom_20x64", receive_each);
}

BENCH(recvmmsg_20x64) {
  receiving("recvmmsg_20x64", receive_burst);
}

BENCH(udp_pummel_1) {
  pummel("udp_pummel_1", 1);
}

BENCH(udp_pummel_10) {
  pummel("udp_pummel_10", 10);
}

BENCH(udp_pummel_100) {
  pummel("udp_pummel_100", 100);
}
