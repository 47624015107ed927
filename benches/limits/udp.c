/* Datagrams over loopback; every one that is sent arrives and is read. */
#define _GNU_SOURCE
#include "bench.h"

#include <arpa/inet.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_BURST = 64, MAX_SIZE = 1200, MAX_SEGMENTED = 65507 };

static char data[MAX_BURST * MAX_SIZE];
static int from, to;
static struct sockaddr_in address;

static void open_sockets(void) {
  socklen_t length = sizeof(address);

  from = socket(AF_INET, SOCK_DGRAM, 0);
  to = socket(AF_INET, SOCK_DGRAM, 0);
  CHECK(from >= 0 && to >= 0);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
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

/* The kernel cuts one large message into datagrams. */
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

static int receive_each(int length) {
  static char room[MAX_SIZE];
  int i;

  for (i = 0; i < length; i++)
    CHECK(recvfrom(to, room, sizeof(room), MSG_DONTWAIT, NULL, NULL) > 0);
  return length;
}

static int receive_burst(int length) {
  static char room[MAX_BURST][MAX_SIZE];
  struct iovec vectors[MAX_BURST];
  struct mmsghdr burst[MAX_BURST] = {0};
  int i;

  for (i = 0; i < length; i++) {
    vectors[i] = (struct iovec){room[i], MAX_SIZE};
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
    CHECK(receive_burst(length) == length);
  }
  bench_report(metric, (double) rounds * length, "datagrams", &watch);
  close_sockets();
}

static void receiving(const char* metric, int (*receive)(int length)) {
  int length = 20, rounds = bench_count(1000000) / length, i;
  struct stopwatch watch = {0};

  open_sockets();
  for (i = 0; i < rounds; i++) {
    send_burst(length, 64);
    stopwatch_start(&watch);
    CHECK(receive(length) == length);
    stopwatch_stop(&watch);
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

BENCH(recvfrom_20x64) {
  receiving("recvfrom_20x64", receive_each);
}

BENCH(recvmmsg_20x64) {
  receiving("recvmmsg_20x64", receive_burst);
}
