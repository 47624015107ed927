/* Helpers of the UDP tests: bound handles, receivers that record datagrams, and
 * blocking peers without libuv. */
#ifndef OXUV_TEST_UDP_H
#define OXUV_TEST_UDP_H

#include "test-tcp.h"

enum { DATAGRAM_SIZE = 65536 };

UNUSED static int udp_port(const uv_udp_t* udp) {
  struct sockaddr_storage name;
  int len = sizeof(name);
  ASSERT_OK(uv_udp_getsockname(udp, (struct sockaddr*) &name, &len));
  if (name.ss_family == AF_INET6)
    return ntohs(((struct sockaddr_in6*) &name)->sin6_port);
  return ntohs(((struct sockaddr_in*) &name)->sin_port);
}

/* A handle bound to a port of the kernel's choice on 127.0.0.1; the result is
 * its address. `init_flags` are those of uv_udp_init_ex(). */
UNUSED static struct sockaddr_in udp_bound(uv_loop_t* loop, uv_udp_t* udp,
                                           unsigned init_flags,
                                           unsigned bind_flags) {
  struct sockaddr_in addr = loopback(0);
  ASSERT_OK(uv_udp_init_ex(loop, udp, init_flags));
  ASSERT_OK(uv_udp_bind(udp, SA(&addr), bind_flags));
  return loopback(udp_port(udp));
}

/* An address of 127.0.0.1 that nothing receives on: a socket with a peer of its
 * own holds the port, so that datagrams from elsewhere are refused. */
UNUSED static struct sockaddr_in udp_refused_address(void) {
  struct sockaddr_in addr = loopback(0);
  socklen_t len = sizeof(addr);
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  ASSERT_GE(fd, 0);
  ASSERT_OK(bind(fd, SA(&addr), len));
  ASSERT_OK(getsockname(fd, (struct sockaddr*) &addr, &len));
  ASSERT_OK(connect(fd, SA(&addr), len));
  return addr;
}

/* A blocking socket bound on 127.0.0.1, without libuv. */
UNUSED static int udp_raw(struct sockaddr_in* addr) {
  socklen_t len = sizeof(*addr);
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  ASSERT_GE(fd, 0);
  *addr = loopback(0);
  ASSERT_OK(bind(fd, SA(addr), len));
  ASSERT_OK(getsockname(fd, (struct sockaddr*) addr, &len));
  return fd;
}

UNUSED static void raw_send(int fd, const char* text,
                            const struct sockaddr_in* to) {
  ssize_t len = strlen(text);
  ASSERT_EQ(sendto(fd, text, len, 0, SA(to), sizeof(*to)), len);
}

UNUSED static void raw_expect(int fd, const char* text) {
  char got[DATAGRAM_SIZE];
  ssize_t n = recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT);
  ASSERT_GE(n, 0);
  got[n] = '\0';
  ASSERT_STR_EQ(got, text);
}

/* Everything that receive callbacks were called with. */
struct receipt {
  ssize_t nread;
  long offset; /* of the buffer in the slab, -1 for elsewhere */
  size_t len;
  int family; /* -1 for no address */
  int port;
  unsigned flags;
  char text[64];
};

UNUSED static char slab[64 * DATAGRAM_SIZE];
UNUSED static size_t slab_len;
UNUSED static int allocs;
UNUSED static struct receipt receipts[256];
UNUSED static int receipt_count;
/* Datagrams, without reports of emptiness and errors. */
UNUSED static int datagrams;

UNUSED static void record(ssize_t nread, const uv_buf_t* buf,
                          const struct sockaddr* addr, unsigned flags) {
  struct receipt* r = &receipts[receipt_count];
  ASSERT_LT(receipt_count, COUNT(receipts));
  receipt_count++;
  memset(r, 0, sizeof(*r));
  r->nread = nread;
  r->offset = -1;
  if (buf->base >= slab && buf->base < slab + sizeof(slab))
    r->offset = buf->base - slab;
  r->len = buf->len;
  r->family = addr == NULL ? -1 : addr->sa_family;
  if (addr != NULL && addr->sa_family == AF_INET)
    r->port = ntohs(((const struct sockaddr_in*) addr)->sin_port);
  if (addr != NULL && addr->sa_family == AF_INET6)
    r->port = ntohs(((const struct sockaddr_in6*) addr)->sin6_port);
  r->flags = flags;
  if (nread > 0 && !(flags & UV_UDP_LINUX_RECVERR))
    memcpy(r->text, buf->base,
           (size_t) nread < sizeof(r->text) ? (size_t) nread
                                            : sizeof(r->text) - 1);
  if (nread >= 0 && addr != NULL && !(flags & UV_UDP_LINUX_RECVERR))
    datagrams++;
}

UNUSED static void alloc_slab(uv_handle_t* handle, size_t suggested,
                              uv_buf_t* buf) {
  (void) handle;
  ASSERT_EQ(suggested, DATAGRAM_SIZE);
  allocs++;
  buf->base = slab;
  buf->len = slab_len == 0 ? DATAGRAM_SIZE : slab_len;
}

UNUSED static void record_recv(uv_udp_t* udp, ssize_t nread,
                               const uv_buf_t* buf,
                               const struct sockaddr* addr, unsigned flags) {
  (void) udp;
  record(nread, buf, addr, flags);
}

UNUSED static void note_send(uv_udp_send_t* req, int status) {
  note("send", req->data, status);
}

#define EXPECT_RECEIPT(i, n, address_family, receipt_flags)                   \
  do {                                                                        \
    ASSERT_GT(receipt_count, i);                                              \
    ASSERT_EQ(receipts[i].nread, n);                                          \
    ASSERT_EQ(receipts[i].family, address_family);                            \
    ASSERT_EQ(receipts[i].flags, receipt_flags);                              \
  } while (0)

#endif
