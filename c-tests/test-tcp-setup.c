/* uv_tcp_t before any byte flows: init, open, bind, listen, names, options. */
#include "test-tcp.h"

static uv_loop_t loop;

static int descriptor_flags(int fd) {
  int flags = fcntl(fd, F_GETFL);
  ASSERT_GE(flags, 0);
  return flags;
}

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

TEST(tcp_names_of_a_fresh_handle) {
  struct sockaddr_storage name;
  uv_tcp_t bare;
  uv_tcp_t with_socket;
  int len = sizeof(name);
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_tcp_init(&loop, &bare));
  ASSERT_OK(uv_tcp_init_ex(&loop, &with_socket, AF_INET));
  ASSERT_EQ(uv_tcp_getsockname(&bare, (struct sockaddr*) &name, &len),
            UV_EBADF);
  ASSERT_EQ(uv_tcp_getpeername(&bare, (struct sockaddr*) &name, &len),
            UV_EBADF);
  /* An unbound socket has the name 0.0.0.0:0. */
  ASSERT_OK(uv_tcp_getsockname(&with_socket, (struct sockaddr*) &name, &len));
  ASSERT_EQ(name.ss_family, AF_INET);
  ASSERT_EQ(bound_port(&with_socket), 0);
  ASSERT_EQ(uv_tcp_getpeername(&with_socket, (struct sockaddr*) &name, &len),
            UV_ENOTCONN);
  CLOSE_LOOP(&loop);
}

TEST(tcp_names_of_a_connection) {
  struct sockaddr_in name;
  uv_tcp_t client;
  uv_tcp_t accepted;
  int len = sizeof(name);
  ASSERT_OK(uv_loop_init(&loop));
  tcp_pair(&loop, &client, &accepted);
  ASSERT_OK(uv_tcp_getpeername(&client, (struct sockaddr*) &name, &len));
  ASSERT_EQ(len, sizeof(name));
  ASSERT_EQ(ntohs(name.sin_port), bound_port(&accepted));
  ASSERT_OK(uv_tcp_getpeername(&accepted, (struct sockaddr*) &name, &len));
  ASSERT_EQ(ntohs(name.sin_port), bound_port(&client));
  CLOSE_LOOP(&loop);
}

/* The name is cut to the room there is; the length is the one it needs. */
TEST(tcp_names_with_little_room) {
  unsigned char name[sizeof(struct sockaddr_in)];
  struct sockaddr_in addr;
  uv_tcp_t tcp;
  int len = 4;
  ASSERT_OK(uv_loop_init(&loop));
  addr = listen_loopback(&loop, &tcp, never_connection);
  memset(name, 0xee, sizeof(name));
  ASSERT_OK(uv_tcp_getsockname(&tcp, (struct sockaddr*) name, &len));
  ASSERT_EQ(len, sizeof(struct sockaddr_in));
  ASSERT_MEM_EQ(name, &addr, 4);
  ASSERT_EQ(name[4], 0xee);
  len = 0;
  ASSERT_OK(uv_tcp_getsockname(&tcp, (struct sockaddr*) name, &len));
  ASSERT_EQ(len, sizeof(struct sockaddr_in));
  len = -1;
  ASSERT_EQ(uv_tcp_getsockname(&tcp, (struct sockaddr*) name, &len),
            UV_EINVAL);
  CLOSE_LOOP(&loop);
}

TEST(tcp_options_are_set) {
  uv_tcp_t tcp;
  int fd;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_tcp_init_ex(&loop, &tcp, AF_INET));
  fd = fd_of(&tcp);
  ASSERT_EQ(int_option(fd, IPPROTO_TCP, TCP_NODELAY), 0);
  ASSERT_OK(uv_tcp_nodelay(&tcp, 7));
  ASSERT_EQ(int_option(fd, IPPROTO_TCP, TCP_NODELAY), 1);
  ASSERT_OK(uv_tcp_nodelay(&tcp, 0));
  ASSERT_EQ(int_option(fd, IPPROTO_TCP, TCP_NODELAY), 0);

  ASSERT_EQ(int_option(fd, SOL_SOCKET, SO_KEEPALIVE), 0);
  ASSERT_OK(uv_tcp_keepalive(&tcp, 1, 77));
  ASSERT_EQ(int_option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
  ASSERT_EQ(int_option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 77);
  ASSERT_EQ(int_option(fd, IPPROTO_TCP, TCP_KEEPINTVL), 1);
  ASSERT_EQ(int_option(fd, IPPROTO_TCP, TCP_KEEPCNT), 10);
  ASSERT_OK(uv_tcp_keepalive_ex(&tcp, 1, 11, 12, 13));
  ASSERT_EQ(int_option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 11);
  ASSERT_EQ(int_option(fd, IPPROTO_TCP, TCP_KEEPINTVL), 12);
  ASSERT_EQ(int_option(fd, IPPROTO_TCP, TCP_KEEPCNT), 13);
  ASSERT_OK(uv_tcp_keepalive(&tcp, 0, 0));
  ASSERT_EQ(int_option(fd, SOL_SOCKET, SO_KEEPALIVE), 0);
  ASSERT_EQ(int_option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 11);
  CLOSE_LOOP(&loop);
}

TEST(tcp_keepalive_bad_values) {
  static const struct { unsigned idle, interval, count; int error; } cases[] = {
      {0, 1, 1, UV_EINVAL},          {1, 0, 1, UV_EINVAL},
      {1, 1, 0, UV_EINVAL},          {1, 1, 1, 0},
      {32767, 32767, 127, 0},        {32768, 1, 1, UV_EINVAL},
      {1, 32768, 1, UV_EINVAL},      {1, 1, 128, UV_EINVAL},
      {~0u, 1, 1, UV_EINVAL},
  };
  uv_tcp_t tcp;
  size_t i;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_tcp_init_ex(&loop, &tcp, AF_INET));
  ASSERT_EQ(uv_tcp_keepalive(&tcp, 1, 0), UV_EINVAL);
  for (i = 0; i < COUNT(cases); i++)
    ASSERT_EQ(uv_tcp_keepalive_ex(&tcp, 1, cases[i].idle, cases[i].interval,
                                  cases[i].count),
              cases[i].error);
  ASSERT_OK(uv_tcp_keepalive_ex(&tcp, 0, 0, 0, 0));
  CLOSE_LOOP(&loop);
}

/* Without a socket the wish is remembered, for the socket to come. */
TEST(tcp_options_before_the_socket) {
  struct sockaddr_in addr = loopback(0);
  uv_tcp_t tcp;
  int fd;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_tcp_init(&loop, &tcp));
  ASSERT_OK(uv_tcp_nodelay(&tcp, 1));
  ASSERT_OK(uv_tcp_keepalive(&tcp, 1, 99));
  ASSERT_OK(uv_tcp_bind(&tcp, SA(&addr), 0));
  fd = fd_of(&tcp);
  ASSERT_EQ(int_option(fd, IPPROTO_TCP, TCP_NODELAY), 1);
  ASSERT_EQ(int_option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
  /* That it is wished for, that is: the delay is the default one. */
  ASSERT_EQ(int_option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 60);
  ASSERT_EQ(int_option(fd, IPPROTO_TCP, TCP_KEEPINTVL), 1);
  ASSERT_EQ(int_option(fd, IPPROTO_TCP, TCP_KEEPCNT), 10);
  CLOSE_LOOP(&loop);
}

/* Whether the values are good is not looked at until there is a socket. */
TEST(tcp_keepalive_bad_before_the_socket) {
  uv_tcp_t tcp;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_tcp_init(&loop, &tcp));
  ASSERT_OK(uv_tcp_keepalive_ex(&tcp, 1, 0, 0, 0));
  ASSERT_OK(uv_listen(STREAM(&tcp), 1, never_connection));
  ASSERT_EQ(int_option(fd_of(&tcp), SOL_SOCKET, SO_KEEPALIVE), 1);
  CLOSE_LOOP(&loop);
}

TEST(tcp_simultaneous_accepts_is_accepted) {
  uv_tcp_t tcp;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_tcp_init(&loop, &tcp));
  ASSERT_OK(uv_tcp_simultaneous_accepts(&tcp, 0));
  ASSERT_OK(uv_tcp_simultaneous_accepts(&tcp, 1));
  CLOSE_LOOP(&loop);
}

typedef int (*buffer_size_fn)(uv_handle_t* handle, int* value);

TEST(tcp_buffer_sizes) {
  static const struct { buffer_size_fn call; int option; } cases[] = {
      {uv_send_buffer_size, SO_SNDBUF}, {uv_recv_buffer_size, SO_RCVBUF}};
  uv_tcp_t bare;
  uv_tcp_t tcp;
  size_t i;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_tcp_init(&loop, &bare));
  ASSERT_OK(uv_tcp_init_ex(&loop, &tcp, AF_INET));
  for (i = 0; i < COUNT(cases); i++) {
    int value = 0;
    ASSERT_OK(cases[i].call(HANDLE(&tcp), &value));
    ASSERT_EQ(value, int_option(fd_of(&tcp), SOL_SOCKET, cases[i].option));
    value = 10000;
    ASSERT_OK(cases[i].call(HANDLE(&tcp), &value));
    ASSERT_EQ(value, 10000);
    value = 0;
    ASSERT_OK(cases[i].call(HANDLE(&tcp), &value));
    ASSERT_EQ(value, 20000); /* Linux keeps twice what was asked for. */
    value = -1; /* A setting like any other; the kernel keeps its minimum. */
    ASSERT_OK(cases[i].call(HANDLE(&tcp), &value));
    ASSERT_EQ(cases[i].call(HANDLE(&tcp), NULL), UV_EINVAL);
    ASSERT_EQ(cases[i].call(NULL, &value), UV_EINVAL);
    value = 0;
    ASSERT_EQ(cases[i].call(HANDLE(&bare), &value), UV_EBADF);
  }
  CLOSE_LOOP(&loop);
}

TEST(tcp_fileno_over_a_lifetime) {
  struct sockaddr_in addr = loopback(0);
  uv_tcp_t tcp;
  uv_idle_t idle;
  uv_os_fd_t fd = -2;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_tcp_init(&loop, &tcp));
  ASSERT_EQ(uv_fileno(HANDLE(&tcp), &fd), UV_EBADF);
  ASSERT_EQ(fd, -2);
  ASSERT_OK(uv_tcp_bind(&tcp, SA(&addr), 0));
  ASSERT_OK(uv_fileno(HANDLE(&tcp), &fd));
  ASSERT_GE(fd, 0);
  uv_close(HANDLE(&tcp), NULL);
  ASSERT_EQ(uv_fileno(HANDLE(&tcp), &fd), UV_EBADF);
  ASSERT_EQ(fcntl(fd, F_GETFD), -1); /* Closed by uv_close() itself. */
  ASSERT_OK(uv_idle_init(&loop, &idle));
  ASSERT_EQ(uv_fileno(HANDLE(&idle), &fd), UV_EINVAL);
  CLOSE_LOOP(&loop);
}

TEST(tcp_set_blocking) {
  uv_tcp_t tcp;
  int fd;
  int peer;
  ASSERT_OK(uv_loop_init(&loop));
  peer = tcp_with_peer(&loop, &tcp);
  fd = fd_of(&tcp);
  ASSERT_OK(uv_stream_set_blocking(STREAM(&tcp), 1));
  ASSERT_EQ(descriptor_flags(fd) & O_NONBLOCK, 0);
  ASSERT_OK(uv_stream_set_blocking(STREAM(&tcp), 0));
  ASSERT_NE(descriptor_flags(fd) & O_NONBLOCK, 0);
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(peer));
}

TEST(tcp_socketpair_types_and_flags) {
  static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
  size_t i;
  int flags;
  int end;
  for (i = 0; i < COUNT(types); i++) {
    for (flags = 0; flags < 4; flags++) {
      uv_os_sock_t fds[2];
      char c = 0;
      ASSERT_OK(uv_socketpair(types[i], 0, fds,
                              flags & 1 ? UV_NONBLOCK_PIPE : 0,
                              flags & 2 ? UV_NONBLOCK_PIPE : 0));
      for (end = 0; end < 2; end++) {
        int want = (flags >> end) & 1 ? O_NONBLOCK : 0;
        ASSERT_EQ(int_option(fds[end], SOL_SOCKET, SO_DOMAIN), AF_UNIX);
        ASSERT_EQ(int_option(fds[end], SOL_SOCKET, SO_TYPE), types[i]);
        ASSERT_EQ(descriptor_flags(fds[end]) & O_NONBLOCK, want);
        ASSERT_NE(fcntl(fds[end], F_GETFD) & FD_CLOEXEC, 0);
      }
      ASSERT_EQ(write(fds[0], "x", 1), 1);
      ASSERT_EQ(read(fds[1], &c, 1), 1);
      ASSERT_EQ(c, 'x');
      ASSERT_OK(close(fds[0]));
      ASSERT_OK(close(fds[1]));
    }
  }
}

TEST(tcp_socketpair_errors) {
  static const struct { int type, protocol, flags, error; } cases[] = {
      {99, 0, 0, UV_EINVAL},
      {SOCK_STREAM, IPPROTO_TCP, 0, UV_EPROTONOSUPPORT},
      {-1, 0, 0, UV_EINVAL},
      /* SOCK_RAW on AF_UNIX is a datagram socket. */
      {SOCK_RAW, 0, 0, 0},
      {SOCK_RDM, 0, 0, UV_ESOCKTNOSUPPORT},
  };
  size_t i;
  for (i = 0; i < COUNT(cases); i++) {
    uv_os_sock_t fds[2] = {-5, -6};
    ASSERT_EQ(uv_socketpair(cases[i].type, cases[i].protocol, fds,
                            cases[i].flags, 0),
              cases[i].error);
    if (cases[i].error == 0) {
      ASSERT_OK(close(fds[0]));
      ASSERT_OK(close(fds[1]));
    } else {
      ASSERT_EQ(fds[0], -5);
      ASSERT_EQ(fds[1], -6);
    }
  }
}

static int socketpair_reads;

static void read_ping(uv_stream_t* stream, ssize_t nread,
                      const uv_buf_t* buf) {
  if (nread == 0) return;
  ASSERT_EQ(nread, 4);
  ASSERT_MEM_EQ(buf->base, "PING", 4);
  socketpair_reads++;
  uv_close(HANDLE(stream), NULL);
}

TEST(tcp_open_socketpair_ends) {
  uv_os_sock_t fds[2];
  uv_tcp_t tcp[2];
  uv_buf_t buf = uv_buf_init("PING", 4);
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_socketpair(SOCK_STREAM, 0, fds, 0, UV_NONBLOCK_PIPE));
  ASSERT_OK(uv_tcp_init(&loop, &tcp[0]));
  ASSERT_OK(uv_tcp_init(&loop, &tcp[1]));
  ASSERT_OK(uv_tcp_open(&tcp[0], fds[0]));
  ASSERT_OK(uv_tcp_open(&tcp[1], fds[1]));
  ASSERT_OK(uv_read_start(STREAM(&tcp[1]), alloc_static, read_ping));
  ASSERT_EQ(uv_try_write(STREAM(&tcp[0]), &buf, 1), 4);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(socketpair_reads, 1);
  CLOSE_LOOP(&loop);
}
