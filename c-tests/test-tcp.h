/* Shared by the TCP and stream tests: loopback addresses, connected pairs, a
 * log of callbacks. */
#ifndef OXUV_TEST_TCP_H
#define OXUV_TEST_TCP_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test-callbacks.h"

#define SA(p) ((const struct sockaddr*) (p))

UNUSED static struct sockaddr_in loopback(int port) {
  struct sockaddr_in addr;
  ASSERT_OK(uv_ip4_addr("127.0.0.1", port, &addr));
  return addr;
}

/* The port that an IPv4 or IPv6 handle is bound to. */
UNUSED static int bound_port(const uv_tcp_t* tcp) {
  struct sockaddr_storage name;
  int len = sizeof(name);
  ASSERT_OK(uv_tcp_getsockname(tcp, (struct sockaddr*) &name, &len));
  if (name.ss_family == AF_INET6)
    return ntohs(((struct sockaddr_in6*) &name)->sin6_port);
  return ntohs(((struct sockaddr_in*) &name)->sin_port);
}

UNUSED static int fd_of(const void* handle) {
  uv_os_fd_t fd;
  ASSERT_OK(uv_fileno((const uv_handle_t*) handle, &fd));
  return fd;
}

UNUSED static int open_descriptors(void) {
  int fd, count = 0;
  for (fd = 0; fd < 1024; fd++) count += fcntl(fd, F_GETFD) != -1;
  return count;
}

UNUSED static int descriptor_flags(int fd) {
  int flags = fcntl(fd, F_GETFL);
  ASSERT_GE(flags, 0);
  return flags;
}

UNUSED static int int_option(int fd, int level, int option) {
  int value = -1;
  socklen_t len = sizeof(value);
  ASSERT_OK(getsockopt(fd, level, option, &value, &len));
  return value;
}

/* A listener on 127.0.0.1 with a port of the kernel's choice. */
UNUSED static struct sockaddr_in listen_loopback(uv_loop_t* loop,
                                                 uv_tcp_t* server,
                                                 uv_connection_cb cb) {
  struct sockaddr_in addr = loopback(0);
  ASSERT_OK(uv_tcp_init(loop, server));
  ASSERT_OK(uv_tcp_bind(server, SA(&addr), 0));
  ASSERT_OK(uv_listen(STREAM(server), 128, cb));
  return loopback(bound_port(server));
}

/* An address of 127.0.0.1 on which nothing listens. The socket that holds the
 * port stays open (and bound) so that no other process can take it. */
UNUSED static struct sockaddr_in refused_address(void) {
  struct sockaddr_in addr = loopback(0);
  socklen_t len = sizeof(addr);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  ASSERT_GE(fd, 0);
  ASSERT_OK(bind(fd, SA(&addr), len));
  ASSERT_OK(getsockname(fd, (struct sockaddr*) &addr, &len));
  return addr;
}

/* Two connected blocking TCP sockets, without libuv. */
UNUSED static void raw_pair(int fds[2]) {
  struct sockaddr_in addr = loopback(0);
  socklen_t len = sizeof(addr);
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  ASSERT_GE(listener, 0);
  ASSERT_OK(bind(listener, SA(&addr), len));
  ASSERT_OK(listen(listener, 1));
  ASSERT_OK(getsockname(listener, (struct sockaddr*) &addr, &len));
  fds[0] = socket(AF_INET, SOCK_STREAM, 0);
  ASSERT_GE(fds[0], 0);
  ASSERT_OK(connect(fds[0], SA(&addr), len));
  fds[1] = accept(listener, NULL, NULL);
  ASSERT_GE(fds[1], 0);
  ASSERT_OK(close(listener));
}

/* Makes the close of the socket send a reset. */
UNUSED static void reset_on_close(int fd) {
  struct linger linger = {1, 0};
  ASSERT_OK(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
}

/* A connected TCP handle; the result is the peer's blocking socket. */
UNUSED static int tcp_with_peer(uv_loop_t* loop, uv_tcp_t* tcp) {
  int fds[2];
  raw_pair(fds);
  ASSERT_OK(uv_tcp_init(loop, tcp));
  ASSERT_OK(uv_tcp_open(tcp, fds[0]));
  return fds[1];
}

/* Two connected TCP handles on the same loop, through connect and accept. */
struct tcp_pair_state {
  uv_tcp_t* accepted;
  int done;
};

UNUSED static void tcp_pair_on_connection(uv_stream_t* server, int status) {
  struct tcp_pair_state* state = server->data;
  ASSERT_OK(status);
  ASSERT_OK(uv_tcp_init(server->loop, state->accepted));
  ASSERT_OK(uv_accept(server, STREAM(state->accepted)));
  state->done++;
}

UNUSED static void tcp_pair_on_connect(uv_connect_t* req, int status) {
  ASSERT_OK(status);
  ((struct tcp_pair_state*) req->data)->done++;
}

UNUSED static void tcp_pair_on_close(uv_handle_t* handle) {
  ((struct tcp_pair_state*) handle->data)->done++;
}

UNUSED static void tcp_pair(uv_loop_t* loop, uv_tcp_t* client,
                            uv_tcp_t* accepted) {
  struct tcp_pair_state state = {accepted, 0};
  uv_tcp_t server;
  uv_connect_t req;
  struct sockaddr_in addr =
      listen_loopback(loop, &server, tcp_pair_on_connection);
  server.data = &state;
  req.data = &state;
  ASSERT_OK(uv_tcp_init(loop, client));
  ASSERT_OK(uv_tcp_connect(&req, client, SA(&addr), tcp_pair_on_connect));
  RUN_UNTIL(loop, state.done == 2);
  uv_close(HANDLE(&server), tcp_pair_on_close);
  RUN_UNTIL(loop, state.done == 3);
}

/* Gives every read the same static buffer. */
UNUSED static void alloc_static(uv_handle_t* handle, size_t suggested,
                                uv_buf_t* buf) {
  static char slab[65536];
  (void) handle;
  ASSERT_GT(suggested, 0);
  *buf = uv_buf_init(slab, sizeof(slab));
}

/* A log of callbacks, for tests about their order: "connect write:EPIPE close".
 * A request or handle whose data is not NULL is named by that string. */
UNUSED static char events[2048];

UNUSED static void note(const char* what, const void* name, int status) {
  size_t used = strlen(events);
  snprintf(events + used, sizeof(events) - used, "%s%s%s%s%s",
           used == 0 ? "" : " ", what, name ? (const char*) name : "",
           status == 0 ? "" : ":", status == 0 ? "" : uv_err_name(status));
}

UNUSED static void note_connect(uv_connect_t* req, int status) {
  note("connect", req->data, status);
}

UNUSED static void note_write(uv_write_t* req, int status) {
  note("write", req->data, status);
}

UNUSED static void note_shutdown(uv_shutdown_t* req, int status) {
  note("shutdown", req->data, status);
}

UNUSED static void note_close(uv_handle_t* handle) {
  note("close", handle->data, 0);
}

UNUSED static void note_connection(uv_stream_t* server, int status) {
  note("connection", server->data, status);
}

UNUSED static void note_read(uv_stream_t* stream, ssize_t nread,
                             const uv_buf_t* buf) {
  (void) buf;
  if (nread != 0) note("read", stream->data, nread < 0 ? (int) nread : 0);
}

#define EXPECT_EVENTS(expected) ASSERT_STR_EQ(events, expected)

#endif
