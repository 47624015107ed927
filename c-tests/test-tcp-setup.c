/* uv_tcp_t before any byte flows: init, open, bind, listen. */
#include "test-tcp.h"

static uv_loop_t loop;

TEST(tcp_init_makes_no_socket) {
  uv_tcp_t tcp;
  uv_os_fd_t fd;
  memset(&tcp, 0xaa, sizeof(tcp));
  tcp.data = &fd;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_tcp_init(&loop, &tcp));
  ASSERT_EQ(uv_fileno(HANDLE(&tcp), &fd), UV_EBADF);
  ASSERT_EQ(tcp.type, UV_TCP);
  ASSERT_PTR_EQ(tcp.loop, &loop);
  ASSERT_PTR_EQ(tcp.data, &fd);
  ASSERT_EQ(tcp.write_queue_size, 0);
  ASSERT_EQ(uv_stream_get_write_queue_size(STREAM(&tcp)), 0);
  ASSERT_EQ(uv_is_active(HANDLE(&tcp)), 0);
  ASSERT_EQ(uv_is_closing(HANDLE(&tcp)), 0);
  ASSERT_EQ(uv_has_ref(HANDLE(&tcp)), 1);
  ASSERT_EQ(uv_is_readable(STREAM(&tcp)), 0);
  ASSERT_EQ(uv_is_writable(STREAM(&tcp)), 0);
  ASSERT_EQ(uv_loop_alive(&loop), 0);
  CLOSE_LOOP(&loop);
}

TEST(tcp_init_ex_families) {
  static const struct { unsigned flags; int has_socket; } cases[] = {
      {AF_UNSPEC, 0}, {AF_INET, 1}, {AF_INET6, 1}};
  uv_tcp_t tcp[COUNT(cases)];
  uv_os_fd_t fd;
  size_t i;
  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < COUNT(cases); i++) {
    ASSERT_OK(uv_tcp_init_ex(&loop, &tcp[i], cases[i].flags));
    if (!cases[i].has_socket) {
      ASSERT_EQ(uv_fileno(HANDLE(&tcp[i]), &fd), UV_EBADF);
      continue;
    }
    fd = fd_of(&tcp[i]);
    ASSERT_EQ(int_option(fd, SOL_SOCKET, SO_DOMAIN), cases[i].flags);
    ASSERT_EQ(int_option(fd, SOL_SOCKET, SO_TYPE), SOCK_STREAM);
    ASSERT_NE(descriptor_flags(fd) & O_NONBLOCK, 0);
    ASSERT_NE(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
    ASSERT_EQ(uv_is_readable(STREAM(&tcp[i])), 0);
    ASSERT_EQ(uv_is_writable(STREAM(&tcp[i])), 0);
  }
  CLOSE_LOOP(&loop);
}

/* A handle that failed to initialise is not part of the loop. */
TEST(tcp_init_ex_bad_flags) {
  static const unsigned flags[] = {AF_UNIX, AF_NETLINK, 0xff, 0x100,
                                   AF_INET | 0x100, AF_INET6 | 0x10000,
                                   ~0u};
  uv_tcp_t tcp;
  size_t i;
  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < COUNT(flags); i++)
    ASSERT_EQ(uv_tcp_init_ex(&loop, &tcp, flags[i]), UV_EINVAL);
  ASSERT_OK(uv_loop_close(&loop));
}

TEST(tcp_open_sets_nonblocking) {
  uv_tcp_t tcp;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_EQ(descriptor_flags(fd) & O_NONBLOCK, 0);
  ASSERT_OK(uv_tcp_init(&loop, &tcp));
  ASSERT_OK(uv_tcp_open(&tcp, fd));
  ASSERT_EQ(fd_of(&tcp), fd);
  ASSERT_NE(descriptor_flags(fd) & O_NONBLOCK, 0);
  ASSERT_EQ(uv_is_active(HANDLE(&tcp)), 0);
  CLOSE_LOOP(&loop);
  /* The handle owned the descriptor. */
  ASSERT_EQ(fcntl(fd, F_GETFD), -1);
}

TEST(tcp_open_in_a_busy_handle) {
  uv_tcp_t tcp;
  int first = socket(AF_INET, SOCK_STREAM, 0);
  int second = socket(AF_INET, SOCK_STREAM, 0);
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_tcp_init(&loop, &tcp));
  ASSERT_OK(uv_tcp_open(&tcp, first));
  ASSERT_EQ(uv_tcp_open(&tcp, second), UV_EBUSY);
  ASSERT_EQ(fd_of(&tcp), first);
  ASSERT_OK(close(second));
  CLOSE_LOOP(&loop);
}

TEST(tcp_open_bad_descriptors) {
  uv_tcp_t tcp;
  uv_os_fd_t fd;
  int closed;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_tcp_init(&loop, &tcp));
  closed = dup(0);
  ASSERT_OK(close(closed));
  ASSERT_EQ(uv_tcp_open(&tcp, -1), UV_EBADF);
  ASSERT_EQ(uv_tcp_open(&tcp, closed), UV_EBADF);
  ASSERT_EQ(uv_fileno(HANDLE(&tcp), &fd), UV_EBADF);
  CLOSE_LOOP(&loop);
}

/* The type of the descriptor is not checked: a pipe reads like a stream. */
TEST(tcp_open_something_else) {
  uv_tcp_t tcp;
  int fds[2];
  ASSERT_OK(pipe(fds));
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_tcp_init(&loop, &tcp));
  ASSERT_OK(uv_tcp_open(&tcp, fds[0]));
  ASSERT_EQ(fd_of(&tcp), fds[0]);
  ASSERT_EQ(uv_tcp_nodelay(&tcp, 1), UV_ENOTSOCK);
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(fds[1]));
}

/* A descriptor that an active handle of the loop watches is taken. */
TEST(tcp_open_one_descriptor_twice) {
  uv_tcp_t first;
  uv_tcp_t second;
  uv_os_fd_t fd;
  int peer;
  ASSERT_OK(uv_loop_init(&loop));
  peer = tcp_with_peer(&loop, &first);
  fd = fd_of(&first);
  ASSERT_OK(uv_read_start(STREAM(&first), alloc_static, never_read));
  ASSERT_OK(uv_tcp_init(&loop, &second));
  ASSERT_EQ(uv_tcp_open(&second, fd), UV_EEXIST);
  ASSERT_EQ(uv_fileno(HANDLE(&second), &fd), UV_EBADF);
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(peer));
}

/* A socket from outside counts as open both ways, connected or not. */
TEST(tcp_open_directions) {
  uv_tcp_t tcp[3];
  int fds[2];
  struct sockaddr_storage name;
  int len = sizeof(name);
  ASSERT_OK(uv_loop_init(&loop));

  raw_pair(fds);
  ASSERT_OK(uv_tcp_init(&loop, &tcp[0]));
  ASSERT_OK(uv_tcp_open(&tcp[0], fds[0]));
  ASSERT_EQ(uv_is_readable(STREAM(&tcp[0])), 1);
  ASSERT_EQ(uv_is_writable(STREAM(&tcp[0])), 1);
  ASSERT_OK(uv_tcp_getpeername(&tcp[0], (struct sockaddr*) &name, &len));
  ASSERT_EQ(name.ss_family, AF_INET);

  ASSERT_OK(uv_tcp_init(&loop, &tcp[1]));
  ASSERT_OK(uv_tcp_open(&tcp[1], socket(AF_INET, SOCK_STREAM, 0)));
  ASSERT_EQ(uv_tcp_getpeername(&tcp[1], (struct sockaddr*) &name, &len),
            UV_ENOTCONN);
  ASSERT_EQ(uv_is_readable(STREAM(&tcp[1])), 1);
  ASSERT_EQ(uv_is_writable(STREAM(&tcp[1])), 1);

  /* So does one that was shut down before. */
  ASSERT_OK(shutdown(fds[1], SHUT_WR));
  ASSERT_OK(uv_tcp_init(&loop, &tcp[2]));
  ASSERT_OK(uv_tcp_open(&tcp[2], fds[1]));
  ASSERT_EQ(uv_is_readable(STREAM(&tcp[2])), 1);
  ASSERT_EQ(uv_is_writable(STREAM(&tcp[2])), 1);
  CLOSE_LOOP(&loop);
}

TEST(tcp_open_a_listening_socket) {
  struct sockaddr_in addr = loopback(0);
  uv_tcp_t server;
  uv_tcp_t client;
  uv_connect_t req;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  ASSERT_OK(bind(fd, SA(&addr), sizeof(addr)));
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_tcp_init(&loop, &server));
  ASSERT_OK(uv_tcp_open(&server, fd));
  ASSERT_NE(bound_port(&server), 0);
  {
    uv_tcp_t accepted;
    struct tcp_pair_state state = {&accepted, 0};
    server.data = &state;
    req.data = &state;
    ASSERT_OK(uv_listen(STREAM(&server), 1, tcp_pair_on_connection));
    addr = loopback(bound_port(&server));
    ASSERT_OK(uv_tcp_init(&loop, &client));
    ASSERT_OK(uv_tcp_connect(&req, &client, SA(&addr), tcp_pair_on_connect));
    RUN_UNTIL(&loop, state.done == 2);
    CLOSE_LOOP(&loop);
  }
}

TEST(tcp_bind_gives_a_name) {
  static const char* const hosts[] = {"127.0.0.1", "0.0.0.0", "127.9.8.7",
                                      "::1", "::", "::ffff:127.0.0.1"};
  struct sockaddr_storage addr;
  struct sockaddr_storage name;
  char text[INET6_ADDRSTRLEN];
  size_t i;
  int len;
  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < COUNT(hosts); i++) {
    uv_tcp_t* tcp = malloc(sizeof(*tcp));
    if (strchr(hosts[i], ':') != NULL)
      ASSERT_OK(uv_ip6_addr(hosts[i], 0, (struct sockaddr_in6*) &addr));
    else
      ASSERT_OK(uv_ip4_addr(hosts[i], 0, (struct sockaddr_in*) &addr));
    ASSERT_OK(uv_tcp_init(&loop, tcp));
    ASSERT_OK(uv_tcp_bind(tcp, SA(&addr), 0));
    ASSERT_EQ(uv_is_active(HANDLE(tcp)), 0);
    ASSERT_NE(bound_port(tcp), 0);
    len = sizeof(name);
    ASSERT_OK(uv_tcp_getsockname(tcp, (struct sockaddr*) &name, &len));
    ASSERT_EQ(len, addr.ss_family == AF_INET ? sizeof(struct sockaddr_in)
                                             : sizeof(struct sockaddr_in6));
    ASSERT_OK(uv_ip_name(SA(&name), text, sizeof(text)));
    ASSERT_STR_EQ(text, hosts[i]);
    ASSERT_EQ(int_option(fd_of(tcp), SOL_SOCKET, SO_REUSEADDR), 1);
    uv_close(HANDLE(tcp), (uv_close_cb) free);
  }
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_OK(uv_loop_close(&loop));
}

TEST(tcp_bind_ipv6only) {
  struct sockaddr_in6 any6;
  struct sockaddr_in any4;
  uv_tcp_t six[10];
  uv_tcp_t four[10];
  uv_tcp_t dual;
  int result = UV_EADDRINUSE;
  int i;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_ip6_addr("::", 0, &any6));

  ASSERT_OK(uv_tcp_init(&loop, &dual));
  ASSERT_OK(uv_tcp_bind(&dual, SA(&any6), 0));
  ASSERT_EQ(int_option(fd_of(&dual), IPPROTO_IPV6, IPV6_V6ONLY), 0);

  /* Both families can then listen on one port, unless another program has the
   * IPv4 port that was free for IPv6. */
  for (i = 0; i < 10 && result == UV_EADDRINUSE; i++) {
    ASSERT_OK(uv_tcp_init(&loop, &six[i]));
    ASSERT_OK(uv_tcp_bind(&six[i], SA(&any6), UV_TCP_IPV6ONLY));
    ASSERT_EQ(int_option(fd_of(&six[i]), IPPROTO_IPV6, IPV6_V6ONLY), 1);
    ASSERT_OK(uv_listen(STREAM(&six[i]), 1, never_connection));

    ASSERT_OK(uv_ip4_addr("0.0.0.0", bound_port(&six[i]), &any4));
    ASSERT_OK(uv_tcp_init(&loop, &four[i]));
    ASSERT_OK(uv_tcp_bind(&four[i], SA(&any4), 0));
    result = uv_listen(STREAM(&four[i]), 1, never_connection);
  }
  ASSERT_OK(result);
  CLOSE_LOOP(&loop);
}

TEST(tcp_bind_ipv6only_on_ipv4) {
  struct sockaddr_in addr = loopback(0);
  uv_tcp_t tcp;
  uv_os_fd_t fd;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_tcp_init(&loop, &tcp));
  ASSERT_EQ(uv_tcp_bind(&tcp, SA(&addr), UV_TCP_IPV6ONLY), UV_EINVAL);
  ASSERT_EQ(uv_fileno(HANDLE(&tcp), &fd), UV_EBADF);
  CLOSE_LOOP(&loop);
}

TEST(tcp_bind_reuseport) {
  struct sockaddr_in addr = loopback(0);
  uv_tcp_t first;
  uv_tcp_t second;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_tcp_init(&loop, &first));
  ASSERT_OK(uv_tcp_bind(&first, SA(&addr), UV_TCP_REUSEPORT));
  ASSERT_EQ(int_option(fd_of(&first), SOL_SOCKET, SO_REUSEPORT), 1);
  ASSERT_OK(uv_listen(STREAM(&first), 1, never_connection));
  addr = loopback(bound_port(&first));
  ASSERT_OK(uv_tcp_init(&loop, &second));
  ASSERT_OK(uv_tcp_bind(&second, SA(&addr), UV_TCP_REUSEPORT));
  ASSERT_OK(uv_listen(STREAM(&second), 1, never_connection));
  CLOSE_LOOP(&loop);
}

/* Bits that name no flag are ignored. */
TEST(tcp_bind_unknown_flags) {
  struct sockaddr_in addr = loopback(0);
  uv_tcp_t tcp;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_tcp_init(&loop, &tcp));
  ASSERT_OK(uv_tcp_bind(&tcp, SA(&addr), 0x80));
  ASSERT_GT(bound_port(&tcp), 0);
  CLOSE_LOOP(&loop);
}

/* An address in use is not an error of bind but of what follows it. */
TEST(tcp_bind_in_use_fails_in_listen) {
  struct sockaddr_in addr;
  uv_tcp_t first;
  uv_tcp_t second;
  ASSERT_OK(uv_loop_init(&loop));
  addr = listen_loopback(&loop, &first, never_connection);
  ASSERT_OK(uv_tcp_init(&loop, &second));
  ASSERT_OK(uv_tcp_bind(&second, SA(&addr), 0));
  ASSERT_EQ(uv_listen(STREAM(&second), 1, never_connection), UV_EADDRINUSE);
  ASSERT_EQ(uv_is_active(HANDLE(&second)), 0);
  CLOSE_LOOP(&loop);
}

static int connect_status = 1;

static void on_connect_status(uv_connect_t* req, int status) {
  ASSERT_PTR_EQ(req->handle, req->data);
  ASSERT_EQ(connect_status, 1);
  connect_status = status;
}

TEST(tcp_bind_in_use_fails_in_connect) {
  struct sockaddr_in addr;
  uv_tcp_t first;
  uv_tcp_t second;
  uv_connect_t req;
  ASSERT_OK(uv_loop_init(&loop));
  addr = listen_loopback(&loop, &first, never_connection);
  ASSERT_OK(uv_tcp_init(&loop, &second));
  ASSERT_OK(uv_tcp_bind(&second, SA(&addr), 0));
  req.data = &second;
  ASSERT_OK(uv_tcp_connect(&req, &second, SA(&addr), on_connect_status));
  ASSERT_EQ(connect_status, 1);
  RUN_UNTIL(&loop, connect_status != 1);
  ASSERT_EQ(connect_status, UV_EADDRINUSE);
  CLOSE_LOOP(&loop);
}

TEST(tcp_bind_address_of_another_host) {
  struct sockaddr_in addr4;
  struct sockaddr_in6 addr6;
  uv_tcp_t tcp;
  uv_os_fd_t fd;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_ip4_addr("203.0.113.7", 0, &addr4));
  ASSERT_OK(uv_ip6_addr("2001:db8::7", 0, &addr6));
  ASSERT_OK(uv_tcp_init(&loop, &tcp));
  ASSERT_EQ(uv_tcp_bind(&tcp, SA(&addr4), 0), UV_EADDRNOTAVAIL);
  /* The socket stays, and keeps its family. */
  ASSERT_OK(uv_fileno(HANDLE(&tcp), &fd));
  ASSERT_EQ(int_option(fd, SOL_SOCKET, SO_DOMAIN), AF_INET);
  CLOSE_LOOP(&loop);

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_tcp_init(&loop, &tcp));
  ASSERT_EQ(uv_tcp_bind(&tcp, SA(&addr6), 0), UV_EADDRNOTAVAIL);
  CLOSE_LOOP(&loop);
}

TEST(tcp_bind_bad_family) {
  static const int families[] = {AF_UNSPEC, AF_UNIX, AF_NETLINK, 0x6262};
  struct sockaddr_storage addr;
  uv_tcp_t tcp;
  size_t i;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_tcp_init(&loop, &tcp));
  memset(&addr, 0, sizeof(addr));
  for (i = 0; i < COUNT(families); i++) {
    addr.ss_family = families[i];
    ASSERT_EQ(uv_tcp_bind(&tcp, SA(&addr), 0), UV_EINVAL);
  }
  CLOSE_LOOP(&loop);
}

/* An IPv6 address for an IPv4 socket and the other way round. */
TEST(tcp_bind_family_of_the_socket) {
  struct sockaddr_in addr4 = loopback(0);
  struct sockaddr_in6 addr6;
  uv_tcp_t four;
  uv_tcp_t six;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_ip6_addr("::1", 0, &addr6));
  ASSERT_OK(uv_tcp_init_ex(&loop, &four, AF_INET));
  ASSERT_OK(uv_tcp_init_ex(&loop, &six, AF_INET6));
  ASSERT_EQ(uv_tcp_bind(&four, SA(&addr6), 0), UV_ENOPROTOOPT);
  ASSERT_EQ(uv_tcp_bind(&six, SA(&addr4), 0), UV_EINVAL);
  CLOSE_LOOP(&loop);
}

TEST(tcp_bind_twice) {
  struct sockaddr_in addr = loopback(0);
  uv_tcp_t tcp;
  int port;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_tcp_init(&loop, &tcp));
  ASSERT_OK(uv_tcp_bind(&tcp, SA(&addr), 0));
  port = bound_port(&tcp);
  ASSERT_EQ(uv_tcp_bind(&tcp, SA(&addr), 0), UV_EINVAL);
  ASSERT_EQ(bound_port(&tcp), port);
  CLOSE_LOOP(&loop);
}

TEST(tcp_listen_without_bind) {
  uv_tcp_t tcp;
  struct sockaddr_in name;
  int len = sizeof(name);
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_tcp_init(&loop, &tcp));
  ASSERT_OK(uv_listen(STREAM(&tcp), 1, never_connection));
  ASSERT_OK(uv_tcp_getsockname(&tcp, (struct sockaddr*) &name, &len));
  ASSERT_EQ(name.sin_family, AF_INET);
  ASSERT_EQ(name.sin_addr.s_addr, INADDR_ANY);
  ASSERT_NE(name.sin_port, 0);
  CLOSE_LOOP(&loop);
}

TEST(tcp_listen_makes_active) {
  uv_tcp_t tcp;
  ASSERT_OK(uv_loop_init(&loop));
  listen_loopback(&loop, &tcp, never_connection);
  ASSERT_EQ(uv_is_active(HANDLE(&tcp)), 1);
  ASSERT_EQ(uv_loop_alive(&loop), 1);
  ASSERT_EQ(uv_is_readable(STREAM(&tcp)), 0);
  ASSERT_EQ(uv_is_writable(STREAM(&tcp)), 0);
  ASSERT_EQ(int_option(fd_of(&tcp), SOL_SOCKET, SO_ACCEPTCONN), 1);
  uv_unref(HANDLE(&tcp));
  ASSERT_EQ(uv_loop_alive(&loop), 0);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  uv_close(HANDLE(&tcp), NULL);
  ASSERT_EQ(uv_is_active(HANDLE(&tcp)), 0);
  ASSERT_EQ(uv_is_closing(HANDLE(&tcp)), 1);
  CLOSE_LOOP(&loop);
}

static int second_listener_called;

static void count_second(uv_stream_t* server, int status) {
  ASSERT_OK(status);
  second_listener_called++;
  uv_close(HANDLE(server), NULL);
}

/* The second call replaces the callback. */
TEST(tcp_listen_twice) {
  struct sockaddr_in addr;
  uv_tcp_t server;
  uv_tcp_t client;
  uv_connect_t req;
  ASSERT_OK(uv_loop_init(&loop));
  addr = listen_loopback(&loop, &server, never_connection);
  ASSERT_OK(uv_listen(STREAM(&server), 5, count_second));
  ASSERT_OK(uv_tcp_init(&loop, &client));
  req.data = &client;
  ASSERT_OK(uv_tcp_connect(&req, &client, SA(&addr), on_connect_status));
  RUN_UNTIL(&loop, second_listener_called == 1 && connect_status == 0);
  CLOSE_LOOP(&loop);
}

TEST(tcp_listen_backlog_values) {
  static const int backlogs[] = {-1, 0, 1, 1 << 20};
  uv_tcp_t tcp[COUNT(backlogs)];
  size_t i;
  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < COUNT(backlogs); i++) {
    ASSERT_OK(uv_tcp_init(&loop, &tcp[i]));
    ASSERT_OK(uv_listen(STREAM(&tcp[i]), backlogs[i], never_connection));
    ASSERT_EQ(uv_is_active(HANDLE(&tcp[i])), 1);
    ASSERT_EQ(int_option(fd_of(&tcp[i]), SOL_SOCKET, SO_ACCEPTCONN), 1);
  }
  CLOSE_LOOP(&loop);
}

TEST(tcp_listen_on_a_connected_socket) {
  uv_tcp_t tcp;
  int peer;
  ASSERT_OK(uv_loop_init(&loop));
  peer = tcp_with_peer(&loop, &tcp);
  ASSERT_EQ(uv_listen(STREAM(&tcp), 1, never_connection), UV_EINVAL);
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(peer));
}
