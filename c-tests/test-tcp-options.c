/* Names, options and descriptors of TCP handles. */
#include "test-tcp.h"

static uv_loop_t loop;

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
  /* libuv remembers that it was switched on, and uses default values. */
  ASSERT_EQ(int_option(fd, IPPROTO_TCP, TCP_KEEPIDLE),
            test_on_reference() ? 60 : 99);
  ASSERT_EQ(int_option(fd, IPPROTO_TCP, TCP_KEEPINTVL), 1);
  ASSERT_EQ(int_option(fd, IPPROTO_TCP, TCP_KEEPCNT), 10);
  CLOSE_LOOP(&loop);
}

/* The values of a handle without a socket are kept for the socket; libuv drops them. */
TEST(tcp_keepalive_values_before_the_socket) {
  uv_tcp_t tcp;
  int reference = test_on_reference();
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_tcp_init(&loop, &tcp));
  ASSERT_OK(uv_tcp_keepalive_ex(&tcp, 1, 9, 8, 7));
  ASSERT_OK(uv_listen(STREAM(&tcp), 1, never_connection));
  ASSERT_EQ(int_option(fd_of(&tcp), SOL_SOCKET, SO_KEEPALIVE), 1);
  ASSERT_EQ(int_option(fd_of(&tcp), IPPROTO_TCP, TCP_KEEPIDLE), reference ? 60 : 9);
  ASSERT_EQ(int_option(fd_of(&tcp), IPPROTO_TCP, TCP_KEEPINTVL), reference ? 1 : 8);
  ASSERT_EQ(int_option(fd_of(&tcp), IPPROTO_TCP, TCP_KEEPCNT), reference ? 10 : 7);
  CLOSE_LOOP(&loop);
}

/* libuv looks at the values only when there is a socket. */
TEST(tcp_keepalive_bad_before_the_socket) {
  uv_tcp_t tcp;
  int refused = test_on_reference() ? 0 : UV_EINVAL;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_tcp_init(&loop, &tcp));
  ASSERT_EQ(uv_tcp_keepalive_ex(&tcp, 1, 0, 1, 1), refused);
  ASSERT_EQ(uv_tcp_keepalive_ex(&tcp, 1, 1, 0, 1), refused);
  ASSERT_EQ(uv_tcp_keepalive_ex(&tcp, 1, 1, 1, 0), refused);
  ASSERT_EQ(uv_tcp_keepalive(&tcp, 1, 0), refused);
  ASSERT_OK(uv_listen(STREAM(&tcp), 1, never_connection));
  ASSERT_EQ(int_option(fd_of(&tcp), SOL_SOCKET, SO_KEEPALIVE), refused == 0);
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
