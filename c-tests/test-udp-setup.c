/* uv_udp_t before any datagram flows: init, open, bind, connect, names. */
#include "test-udp.h"

static uv_loop_t loop;

TEST(udp_init_makes_no_socket) {
  uv_udp_t udp;
  uv_os_fd_t fd;
  struct sockaddr_in name;
  int len = sizeof(name);
  memset(&udp, 0xaa, sizeof(udp));
  udp.data = &fd;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_udp_init(&loop, &udp));
  ASSERT_EQ(uv_fileno(HANDLE(&udp), &fd), UV_EBADF);
  ASSERT_EQ(udp.type, UV_UDP);
  ASSERT_PTR_EQ(udp.loop, &loop);
  ASSERT_PTR_EQ(udp.data, &fd);
  ASSERT_EQ(udp.send_queue_size, 0);
  ASSERT_EQ(udp.send_queue_count, 0);
  ASSERT_EQ(uv_udp_get_send_queue_size(&udp), 0);
  ASSERT_EQ(uv_udp_get_send_queue_count(&udp), 0);
  ASSERT_EQ(uv_udp_using_recvmmsg(&udp), 0);
  ASSERT_EQ(uv_is_active(HANDLE(&udp)), 0);
  ASSERT_EQ(uv_has_ref(HANDLE(&udp)), 1);
  ASSERT_EQ(uv_loop_alive(&loop), 0);
  ASSERT_EQ(uv_udp_getsockname(&udp, (struct sockaddr*) &name, &len),
            UV_EBADF);
  ASSERT_EQ(uv_udp_getpeername(&udp, (struct sockaddr*) &name, &len),
            UV_EBADF);
  CLOSE_LOOP(&loop);
}

TEST(udp_init_ex_families) {
  static const struct { unsigned flags; int family; int mmsg; } cases[] = {
      {AF_UNSPEC, 0, 0},
      {AF_INET, AF_INET, 0},
      {AF_INET6, AF_INET6, 0},
      {AF_UNSPEC | UV_UDP_RECVMMSG, 0, 1},
      {AF_INET | UV_UDP_RECVMMSG, AF_INET, 1},
      {AF_INET6 | UV_UDP_RECVMMSG, AF_INET6, 1}};
  uv_udp_t udp[COUNT(cases)];
  uv_os_fd_t fd;
  size_t i;
  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < COUNT(cases); i++) {
    ASSERT_OK(uv_udp_init_ex(&loop, &udp[i], cases[i].flags));
    ASSERT_EQ(uv_udp_using_recvmmsg(&udp[i]), cases[i].mmsg);
    if (cases[i].family == 0) {
      ASSERT_EQ(uv_fileno(HANDLE(&udp[i]), &fd), UV_EBADF);
      continue;
    }
    fd = fd_of(&udp[i]);
    ASSERT_EQ(int_option(fd, SOL_SOCKET, SO_DOMAIN), cases[i].family);
    ASSERT_EQ(int_option(fd, SOL_SOCKET, SO_TYPE), SOCK_DGRAM);
    ASSERT_NE(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    ASSERT_NE(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
  }
  CLOSE_LOOP(&loop);
}

/* A handle that failed to initialise is not part of the loop. */
TEST(udp_init_ex_bad_flags) {
  static const unsigned flags[] = {AF_UNIX,       AF_NETLINK,      0xff,
                                   AF_INET | 512, AF_INET | 0x400, ~0u};
  uv_udp_t udp;
  size_t i;
  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < COUNT(flags); i++)
    ASSERT_EQ(uv_udp_init_ex(&loop, &udp, flags[i]), UV_EINVAL);
  ASSERT_OK(uv_loop_close(&loop));
}

TEST(udp_bind_gives_a_port) {
  struct sockaddr_in addr = loopback(0), name;
  uv_udp_t udp;
  int len = sizeof(name);
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_udp_init(&loop, &udp));
  ASSERT_OK(uv_udp_bind(&udp, SA(&addr), 0));
  ASSERT_OK(uv_udp_getsockname(&udp, (struct sockaddr*) &name, &len));
  ASSERT_EQ(len, sizeof(name));
  ASSERT_EQ(name.sin_family, AF_INET);
  ASSERT_EQ(name.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
  ASSERT_NE(name.sin_port, 0);
  ASSERT_EQ(uv_is_active(HANDLE(&udp)), 0);
  ASSERT_EQ(uv_udp_getpeername(&udp, (struct sockaddr*) &name, &len),
            UV_ENOTCONN);
  CLOSE_LOOP(&loop);
}

TEST(udp_bind_twice) {
  struct sockaddr_in addr = loopback(0);
  struct sockaddr_in6 addr6;
  uv_udp_t udp;
  ASSERT_OK(uv_loop_init(&loop));
  udp_bound(&loop, &udp, AF_UNSPEC, 0);
  ASSERT_EQ(uv_udp_bind(&udp, SA(&addr), 0), UV_EINVAL);
  ASSERT_OK(uv_ip6_addr("::1", 0, &addr6));
  ASSERT_EQ(uv_udp_bind(&udp, SA(&addr6), 0), UV_EINVAL);
  CLOSE_LOOP(&loop);
}

TEST(udp_bind_bad_arguments) {
  static const unsigned flags[] = {UV_UDP_PARTIAL, UV_UDP_MMSG_CHUNK,
                                   UV_UDP_MMSG_FREE, 128, UV_UDP_RECVMMSG,
                                   UV_UDP_IPV6ONLY, ~0u};
  struct sockaddr_in addr = loopback(0);
  struct sockaddr_in6 addr6;
  struct sockaddr_storage other = {.ss_family = AF_UNIX};
  uv_udp_t udp, early;
  size_t i;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_udp_init(&loop, &udp));
  for (i = 0; i < COUNT(flags); i++)
    ASSERT_EQ(uv_udp_bind(&udp, SA(&addr), flags[i]), UV_EINVAL);
  ASSERT_EQ(uv_udp_bind(&udp, SA(&other), 0), UV_EINVAL);
  other.ss_family = AF_UNSPEC;
  ASSERT_EQ(uv_udp_bind(&udp, SA(&other), 0), UV_EINVAL);
  /* An address of another family than the socket's. */
  ASSERT_OK(uv_udp_init_ex(&loop, &early, AF_INET6));
  ASSERT_EQ(uv_udp_bind(&early, SA(&addr), 0), UV_EINVAL);
  ASSERT_OK(uv_udp_init_ex(&loop, &early, AF_INET));
  ASSERT_OK(uv_ip6_addr("::1", 0, &addr6));
  ASSERT_EQ(uv_udp_bind(&early, SA(&addr6), 0), UV_EINVAL);
  CLOSE_LOOP(&loop);
}

TEST(udp_bind_address_in_use) {
  static const struct { unsigned first, second; int result; } cases[] = {
      {0, 0, UV_EADDRINUSE},
      {UV_UDP_REUSEADDR, 0, UV_EADDRINUSE},
      {0, UV_UDP_REUSEADDR, UV_EADDRINUSE},
      {UV_UDP_REUSEADDR, UV_UDP_REUSEADDR, 0},
      {UV_UDP_REUSEPORT, 0, UV_EADDRINUSE},
      {UV_UDP_REUSEPORT, UV_UDP_REUSEPORT, 0},
      {UV_UDP_REUSEADDR | UV_UDP_REUSEPORT, UV_UDP_REUSEPORT, 0}};
  struct sockaddr_in addr;
  uv_udp_t udp[2 * COUNT(cases)];
  size_t i;
  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < COUNT(cases); i++) {
    addr = udp_bound(&loop, &udp[2 * i], AF_UNSPEC, cases[i].first);
    ASSERT_OK(uv_udp_init(&loop, &udp[2 * i + 1]));
    ASSERT_EQ(uv_udp_bind(&udp[2 * i + 1], SA(&addr), cases[i].second),
              cases[i].result);
  }
  CLOSE_LOOP(&loop);
}

TEST(udp_bind_flags_set_options) {
  struct sockaddr_in6 addr6;
  uv_udp_t udp, udp6;
  int fd;
  ASSERT_OK(uv_loop_init(&loop));
  udp_bound(&loop, &udp, AF_UNSPEC, 0);
  fd = fd_of(&udp);
  ASSERT_EQ(int_option(fd, SOL_SOCKET, SO_REUSEADDR), 0);
  ASSERT_EQ(int_option(fd, SOL_SOCKET, SO_REUSEPORT), 0);
  ASSERT_EQ(int_option(fd, IPPROTO_IP, IP_RECVERR), 0);
  udp_bound(&loop, &udp, AF_UNSPEC,
            UV_UDP_REUSEADDR | UV_UDP_REUSEPORT | UV_UDP_LINUX_RECVERR);
  fd = fd_of(&udp);
  ASSERT_EQ(int_option(fd, SOL_SOCKET, SO_REUSEADDR), 1);
  ASSERT_EQ(int_option(fd, SOL_SOCKET, SO_REUSEPORT), 1);
  ASSERT_EQ(int_option(fd, IPPROTO_IP, IP_RECVERR), 1);
  ASSERT_OK(uv_ip6_addr("::1", 0, &addr6));
  ASSERT_OK(uv_udp_init(&loop, &udp6));
  ASSERT_OK(uv_udp_bind(&udp6, SA(&addr6),
                        UV_UDP_IPV6ONLY | UV_UDP_LINUX_RECVERR));
  fd = fd_of(&udp6);
  ASSERT_EQ(int_option(fd, IPPROTO_IPV6, IPV6_V6ONLY), 1);
  ASSERT_EQ(int_option(fd, IPPROTO_IPV6, IPV6_RECVERR), 1);
  CLOSE_LOOP(&loop);
}

TEST(udp_open_takes_the_socket_over) {
  struct sockaddr_in addr;
  uv_udp_t udp;
  int fd = udp_raw(&addr);
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_EQ(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
  ASSERT_OK(uv_udp_init(&loop, &udp));
  ASSERT_OK(uv_udp_open(&udp, fd));
  ASSERT_EQ(fd_of(&udp), fd);
  ASSERT_EQ(udp_port(&udp), ntohs(addr.sin_port));
  ASSERT_NE(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
  ASSERT_EQ(int_option(fd, SOL_SOCKET, SO_REUSEADDR), 1);
  ASSERT_EQ(uv_is_active(HANDLE(&udp)), 0);
  CLOSE_LOOP(&loop);
  ASSERT_EQ(fcntl(fd, F_GETFD), -1);
}

TEST(udp_open_ex_flags) {
  static const struct { unsigned flags; int reuseaddr, reuseport; } cases[] = {
      {0, 0, 0},
      {UV_UDP_REUSEADDR, 1, 0},
      {UV_UDP_REUSEPORT, 0, 1},
      {UV_UDP_REUSEADDR | UV_UDP_REUSEPORT, 1, 1}};
  static const unsigned bad[] = {UV_UDP_IPV6ONLY, UV_UDP_PARTIAL,
                                 UV_UDP_LINUX_RECVERR, UV_UDP_RECVMMSG, ~0u};
  uv_udp_t udp[COUNT(cases)], other;
  size_t i;
  int fd;
  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < COUNT(cases); i++) {
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    ASSERT_OK(uv_udp_init(&loop, &udp[i]));
    ASSERT_OK(uv_udp_open_ex(&udp[i], fd, cases[i].flags));
    ASSERT_EQ(int_option(fd, SOL_SOCKET, SO_REUSEADDR), cases[i].reuseaddr);
    ASSERT_EQ(int_option(fd, SOL_SOCKET, SO_REUSEPORT), cases[i].reuseport);
  }
  fd = socket(AF_INET, SOCK_DGRAM, 0);
  ASSERT_OK(uv_udp_init(&loop, &other));
  for (i = 0; i < COUNT(bad); i++)
    ASSERT_EQ(uv_udp_open_ex(&other, fd, bad[i]), UV_EINVAL);
  ASSERT_OK(close(fd));
  CLOSE_LOOP(&loop);
}

TEST(udp_open_refuses) {
  struct sockaddr_in addr;
  uv_udp_t first, second;
  int fd = udp_raw(&addr), other = udp_raw(&addr);
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_udp_init(&loop, &first));
  ASSERT_OK(uv_udp_open(&first, fd));
  /* The handle has a socket. */
  ASSERT_EQ(uv_udp_open(&first, other), UV_EBUSY);
  ASSERT_EQ(uv_udp_open(&first, fd), UV_EBUSY);
  /* Another handle uses it. */
  ASSERT_OK(uv_udp_recv_start(&first, alloc_slab, never_recv));
  ASSERT_OK(uv_udp_init(&loop, &second));
  ASSERT_EQ(uv_udp_open(&second, fd), UV_EEXIST);
  ASSERT_EQ(uv_udp_open(&second, -1), UV_EBADF);
  ASSERT_EQ(uv_udp_open(&second, 1 << 20), UV_EBADF);
  ASSERT_OK(close(other));
  CLOSE_LOOP(&loop);
}

static int polled;

static void on_poll(uv_poll_t* poll, int status, int happened) {
  char byte;
  ASSERT_OK(status);
  ASSERT_EQ(happened, UV_READABLE);
  ASSERT_EQ(recv(((uv_udp_t*) poll->data)->io_watcher.fd, &byte, 1, 0), 1);
  ASSERT_OK(uv_poll_stop(poll));
  polled++;
}

/* A handle that does not receive leaves its descriptor to others for now. */
TEST(udp_descriptor_is_lent_while_stopped) {
  struct sockaddr_in addr;
  uv_buf_t buf = uv_buf_init("x", 1);
  uv_udp_t udp, sender;
  uv_poll_t poll;
  ASSERT_OK(uv_loop_init(&loop));
  addr = udp_bound(&loop, &udp, AF_UNSPEC, 0);
  ASSERT_OK(uv_udp_init(&loop, &sender));
  ASSERT_OK(uv_udp_recv_start(&udp, alloc_slab, record_recv));
  ASSERT_EQ(uv_poll_init(&loop, &poll, fd_of(&udp)), UV_EEXIST);
  ASSERT_OK(uv_udp_recv_stop(&udp));
  ASSERT_OK(uv_poll_init(&loop, &poll, fd_of(&udp)));
  poll.data = &udp;
  ASSERT_OK(uv_poll_start(&poll, UV_READABLE, on_poll));
  ASSERT_EQ(uv_udp_try_send(&sender, &buf, 1, SA(&addr)), 1);
  RUN_UNTIL(&loop, polled == 1);
  ASSERT_OK(uv_udp_recv_start(&udp, alloc_slab, record_recv));
  ASSERT_EQ(uv_udp_try_send(&sender, &buf, 1, SA(&addr)), 1);
  RUN_UNTIL(&loop, datagrams == 1);
  ASSERT_EQ(polled, 1);
  CLOSE_LOOP(&loop);
}

TEST(udp_connect_and_disconnect) {
  struct sockaddr_in addr, peer;
  uv_udp_t udp, server;
  int len = sizeof(peer);
  ASSERT_OK(uv_loop_init(&loop));
  addr = udp_bound(&loop, &server, AF_UNSPEC, 0);
  ASSERT_OK(uv_udp_init(&loop, &udp));
  ASSERT_EQ(uv_udp_connect(&udp, NULL), UV_ENOTCONN);
  ASSERT_OK(uv_udp_connect(&udp, SA(&addr)));
  ASSERT_NE(udp_port(&udp), 0);
  ASSERT_OK(uv_udp_getpeername(&udp, (struct sockaddr*) &peer, &len));
  ASSERT_EQ(len, sizeof(peer));
  ASSERT_EQ(peer.sin_port, addr.sin_port);
  ASSERT_EQ(peer.sin_addr.s_addr, addr.sin_addr.s_addr);
  ASSERT_EQ(uv_udp_connect(&udp, SA(&addr)), UV_EISCONN);
  ASSERT_OK(uv_udp_connect(&udp, NULL));
  ASSERT_EQ(uv_udp_connect(&udp, NULL), UV_ENOTCONN);
  ASSERT_EQ(uv_udp_getpeername(&udp, (struct sockaddr*) &peer, &len),
            UV_ENOTCONN);
  ASSERT_OK(uv_udp_connect(&udp, SA(&addr)));
  CLOSE_LOOP(&loop);
}

TEST(udp_connect_bad_addresses) {
  struct sockaddr_storage other = {.ss_family = AF_UNIX};
  struct sockaddr_in addr = loopback(9);
  struct sockaddr_in6 addr6;
  uv_udp_t udp;
  uv_os_fd_t fd;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_udp_init(&loop, &udp));
  ASSERT_EQ(uv_udp_connect(&udp, SA(&other)), UV_EINVAL);
  other.ss_family = AF_UNSPEC;
  ASSERT_EQ(uv_udp_connect(&udp, SA(&other)), UV_EINVAL);
  ASSERT_EQ(uv_fileno(HANDLE(&udp), &fd), UV_EBADF);
  ASSERT_OK(uv_udp_connect(&udp, SA(&addr)));
  ASSERT_OK(uv_udp_connect(&udp, NULL));
  ASSERT_OK(uv_ip6_addr("::1", 9, &addr6));
  ASSERT_EQ(uv_udp_connect(&udp, SA(&addr6)), UV_EAFNOSUPPORT);
  CLOSE_LOOP(&loop);
}

/* A socket that has a peer when the handle takes it over. */
TEST(udp_open_connected) {
  struct sockaddr_in addr, mine;
  uv_buf_t buf = uv_buf_init("hello", 5);
  uv_udp_t udp;
  int peer = udp_raw(&addr);
  int fd = udp_raw(&mine);
  ASSERT_OK(connect(fd, SA(&addr), sizeof(addr)));
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_udp_init(&loop, &udp));
  ASSERT_OK(uv_udp_open(&udp, fd));
  ASSERT_EQ(uv_udp_connect(&udp, SA(&addr)), UV_EISCONN);
  ASSERT_EQ(uv_udp_try_send(&udp, &buf, 1, SA(&addr)), UV_EISCONN);
  ASSERT_EQ(uv_udp_try_send(&udp, &buf, 1, NULL), 5);
  raw_expect(peer, "hello");
  ASSERT_OK(uv_udp_connect(&udp, NULL));
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(peer));
}

TEST(udp_names_are_cut_to_the_room) {
  struct sockaddr_in addr, name, connected = loopback(9);
  uv_udp_t udp;
  int len;
  ASSERT_OK(uv_loop_init(&loop));
  addr = udp_bound(&loop, &udp, AF_UNSPEC, 0);
  ASSERT_OK(uv_udp_connect(&udp, SA(&connected)));
  memset(&name, 0xaa, sizeof(name));
  len = 4;
  ASSERT_OK(uv_udp_getsockname(&udp, (struct sockaddr*) &name, &len));
  ASSERT_EQ(len, sizeof(name));
  ASSERT_EQ(name.sin_port, addr.sin_port);
  ASSERT_EQ(name.sin_addr.s_addr, 0xaaaaaaaa);
  len = 2;
  memset(&name, 0xaa, sizeof(name));
  ASSERT_OK(uv_udp_getpeername(&udp, (struct sockaddr*) &name, &len));
  ASSERT_EQ(len, sizeof(name));
  ASSERT_EQ(name.sin_port, 0xaaaa);
  CLOSE_LOOP(&loop);
}

TEST(udp_buffer_sizes) {
  uv_udp_t udp;
  int value = 0;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_udp_init(&loop, &udp));
  ASSERT_EQ(uv_send_buffer_size(HANDLE(&udp), &value), UV_EBADF);
  udp_bound(&loop, &udp, AF_UNSPEC, 0);
  value = 20000;
  ASSERT_OK(uv_send_buffer_size(HANDLE(&udp), &value));
  value = 30000;
  ASSERT_OK(uv_recv_buffer_size(HANDLE(&udp), &value));
  value = 0;
  ASSERT_OK(uv_send_buffer_size(HANDLE(&udp), &value));
  ASSERT_EQ(value, 40000);
  value = 0;
  ASSERT_OK(uv_recv_buffer_size(HANDLE(&udp), &value));
  ASSERT_EQ(value, 60000);
  CLOSE_LOOP(&loop);
}

/* Handles without a socket, and the calls that create one. */
TEST(udp_sockets_are_made_when_needed) {
  struct sockaddr_in addr;
  uv_buf_t buf = uv_buf_init("x", 1);
  uv_udp_t server, udp[4];
  uv_udp_send_t req;
  int sent = 0;
  size_t i;
  ASSERT_OK(uv_loop_init(&loop));
  addr = udp_bound(&loop, &server, AF_UNSPEC, 0);
  for (i = 0; i < COUNT(udp); i++) ASSERT_OK(uv_udp_init(&loop, &udp[i]));
  req.data = &sent;
  ASSERT_OK(uv_udp_recv_start(&udp[0], alloc_slab, never_recv));
  ASSERT_EQ(uv_udp_try_send(&udp[1], &buf, 1, SA(&addr)), 1);
  ASSERT_OK(uv_udp_send(&req, &udp[2], &buf, 1, SA(&addr), count_send));
  ASSERT_OK(uv_udp_connect(&udp[3], SA(&addr)));
  for (i = 0; i < COUNT(udp); i++) {
    ASSERT_NE(udp_port(&udp[i]), 0);
    ASSERT_EQ(int_option(fd_of(&udp[i]), SOL_SOCKET, SO_DOMAIN), AF_INET);
  }
  RUN_UNTIL(&loop, sent == 1);
  CLOSE_LOOP(&loop);
}

TEST(udp_try_send_on_a_closing_handle) {
  struct sockaddr_in peer = loopback(9);
  struct sockaddr* addrs[] = {NULL};
  uv_buf_t buf = uv_buf_init("x", 1);
  uv_buf_t* bufs[] = {&buf};
  unsigned nbufs[] = {1};
  uv_udp_t udp;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_udp_init(&loop, &udp));
  ASSERT_OK(uv_udp_connect(&udp, SA(&peer)));
  uv_close(HANDLE(&udp), NULL);
  ASSERT_EQ(uv_udp_try_send(&udp, &buf, 1, NULL), UV_EBADF);
  ASSERT_EQ(uv_udp_try_send2(&udp, 1, bufs, nbufs, addrs, 0), UV_EINVAL);
  CLOSE_LOOP(&loop);
}

TEST(udp_operations_on_a_closing_handle) {
  struct sockaddr_in name;
  uv_os_fd_t fd;
  uv_udp_t udp;
  int len = sizeof(name);
  ASSERT_OK(uv_loop_init(&loop));
  udp_bound(&loop, &udp, AF_UNSPEC, 0);
  fd = fd_of(&udp);
  uv_close(HANDLE(&udp), NULL);
  ASSERT_EQ(fcntl(fd, F_GETFD), -1);
  ASSERT_EQ(uv_fileno(HANDLE(&udp), &fd), UV_EBADF);
  ASSERT_EQ(uv_udp_getsockname(&udp, (struct sockaddr*) &name, &len),
            UV_EBADF);
  ASSERT_OK(uv_udp_recv_stop(&udp));
  ASSERT_EQ(uv_is_active(HANDLE(&udp)), 0);
  CLOSE_LOOP(&loop);
}
