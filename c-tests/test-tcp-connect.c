/* uv_tcp_connect, uv_listen and uv_accept. */
#include "test-tcp.h"

static uv_loop_t loop;
static uv_tcp_t server;
static uv_tcp_t client;
static uv_connect_t connect_req;

static void accept_and_close(uv_stream_t* stream, int status) {
  uv_tcp_t* peer = malloc(sizeof(*peer));
  ASSERT_OK(status);
  ASSERT_OK(uv_tcp_init(stream->loop, peer));
  ASSERT_OK(uv_accept(stream, STREAM(peer)));
  uv_close(HANDLE(peer), (uv_close_cb) free);
}

static void start_connect(struct sockaddr_in addr, uv_connect_cb cb) {
  ASSERT_OK(uv_tcp_init(&loop, &client));
  connect_req.data = NULL;
  ASSERT_OK(uv_tcp_connect(&connect_req, &client, SA(&addr), cb));
}

TEST(tcp_connect_states) {
  struct sockaddr_in addr;
  ASSERT_OK(uv_loop_init(&loop));
  addr = listen_loopback(&loop, &server, accept_and_close);
  uv_unref(HANDLE(&server));
  start_connect(addr, note_connect);
  ASSERT_EQ(connect_req.type, UV_CONNECT);
  ASSERT_PTR_EQ(connect_req.handle, &client);
  ASSERT_EQ(uv_loop_alive(&loop), 1);
  /* The request is active, not the handle, which already counts as open. */
  ASSERT_EQ(uv_is_active(HANDLE(&client)), 0);
  ASSERT_EQ(uv_is_readable(STREAM(&client)), 1);
  ASSERT_EQ(uv_is_writable(STREAM(&client)), 1);
  EXPECT_EVENTS(""); /* Never from within uv_tcp_connect(). */
  RUN_UNTIL(&loop, events[0] != '\0');
  EXPECT_EVENTS("connect");
  ASSERT_EQ(uv_is_active(HANDLE(&client)), 0);
  ASSERT_EQ(uv_is_readable(STREAM(&client)), 1);
  ASSERT_EQ(uv_is_writable(STREAM(&client)), 1);
  CLOSE_LOOP(&loop);
}

TEST(tcp_connect_keeps_the_loop_alive) {
  struct sockaddr_in addr;
  ASSERT_OK(uv_loop_init(&loop));
  addr = listen_loopback(&loop, &server, accept_and_close);
  uv_unref(HANDLE(&server));
  start_connect(addr, note_connect);
  /* The request counts, whatever is said of the handle. */
  uv_unref(HANDLE(&client));
  ASSERT_EQ(uv_loop_alive(&loop), 1);
  ASSERT_EQ(uv_run(&loop, UV_RUN_DEFAULT), 0);
  EXPECT_EVENTS("connect");
  CLOSE_LOOP(&loop);
}

static uv_tcp_t reset_peer;

static void accept_and_reset(uv_stream_t* stream, int status) {
  ASSERT_OK(status);
  ASSERT_OK(uv_tcp_init(stream->loop, &reset_peer));
  ASSERT_OK(uv_accept(stream, STREAM(&reset_peer)));
  ASSERT_OK(uv_tcp_close_reset(&reset_peer, NULL));
  uv_close(HANDLE(stream), NULL);
}

/* The kernel reports both ends in one batch, the listening one first. */
TEST(tcp_connect_reset_in_the_same_batch) {
  struct sockaddr_in addr;
  ASSERT_OK(uv_loop_init(&loop));
  addr = listen_loopback(&loop, &server, accept_and_reset);
  start_connect(addr, note_connect);
  ASSERT_EQ(uv_run(&loop, UV_RUN_DEFAULT), 0);
  EXPECT_EVENTS("connect:ECONNRESET");
  CLOSE_LOOP(&loop);
}

TEST(tcp_connect_refused) {
  ASSERT_OK(uv_loop_init(&loop));
  start_connect(refused_address(), note_connect);
  EXPECT_EVENTS("");
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("connect:ECONNREFUSED");
  ASSERT_EQ(uv_is_active(HANDLE(&client)), 0);
  ASSERT_EQ(uv_loop_alive(&loop), 0);
  CLOSE_LOOP(&loop);
}

/* A handle whose connection failed may try again, once the kernel has said a
 * second time that the first attempt failed. */
TEST(tcp_connect_after_refused) {
  struct sockaddr_in addr;
  ASSERT_OK(uv_loop_init(&loop));
  start_connect(refused_address(), note_connect);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  addr = listen_loopback(&loop, &server, accept_and_close);
  uv_unref(HANDLE(&server));
  ASSERT_EQ(uv_tcp_connect(&connect_req, &client, SA(&addr), never_connect),
            UV_ECONNABORTED);
  ASSERT_OK(uv_tcp_connect(&connect_req, &client, SA(&addr), note_connect));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("connect:ECONNREFUSED connect");
  ASSERT_EQ(uv_is_writable(STREAM(&client)), 1);
  CLOSE_LOOP(&loop);
}

TEST(tcp_connect_refused_ipv6) {
  struct sockaddr_in6 addr;
  socklen_t len = sizeof(addr);
  int fd = socket(AF_INET6, SOCK_STREAM, 0);
  ASSERT_OK(uv_ip6_addr("::1", 0, &addr));
  if (fd < 0 || bind(fd, SA(&addr), len) != 0) SKIP("no IPv6 on loopback");
  ASSERT_OK(getsockname(fd, (struct sockaddr*) &addr, &len));
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_tcp_init(&loop, &client));
  connect_req.data = NULL;
  ASSERT_OK(uv_tcp_connect(&connect_req, &client, SA(&addr), note_connect));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("connect:ECONNREFUSED");
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(fd));
}

TEST(tcp_connect_ipv6) {
  struct sockaddr_in6 addr;
  ASSERT_OK(uv_ip6_addr("::1", 0, &addr));
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_tcp_init(&loop, &server));
  if (uv_tcp_bind(&server, SA(&addr), 0) == UV_EADDRNOTAVAIL)
    SKIP("no IPv6 on loopback");
  ASSERT_OK(uv_listen(STREAM(&server), 1, accept_and_close));
  uv_unref(HANDLE(&server));
  addr.sin6_port = htons(bound_port(&server));
  ASSERT_OK(uv_tcp_init(&loop, &client));
  connect_req.data = NULL;
  ASSERT_OK(uv_tcp_connect(&connect_req, &client, SA(&addr), note_connect));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("connect");
  CLOSE_LOOP(&loop);
}

/* The unspecified address means this host. */
TEST(tcp_connect_unspecified_address) {
  struct sockaddr_in addr;
  ASSERT_OK(uv_loop_init(&loop));
  addr = listen_loopback(&loop, &server, accept_and_close);
  uv_unref(HANDLE(&server));
  addr.sin_addr.s_addr = htonl(INADDR_ANY);
  start_connect(addr, note_connect);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("connect");
  CLOSE_LOOP(&loop);
}

TEST(tcp_connect_null_callback) {
  struct sockaddr_in addr;
  ASSERT_OK(uv_loop_init(&loop));
  addr = listen_loopback(&loop, &server, accept_and_close);
  uv_unref(HANDLE(&server));
  start_connect(addr, NULL);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(uv_is_writable(STREAM(&client)), 1);
  CLOSE_LOOP(&loop);
}

TEST(tcp_connect_while_connecting) {
  struct sockaddr_in addr;
  uv_connect_t second;
  ASSERT_OK(uv_loop_init(&loop));
  addr = listen_loopback(&loop, &server, accept_and_close);
  uv_unref(HANDLE(&server));
  start_connect(addr, note_connect);
  ASSERT_EQ(uv_tcp_connect(&second, &client, SA(&addr), never_connect),
            UV_EALREADY);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("connect");
  ASSERT_EQ(uv_loop_alive(&loop), 0);
  CLOSE_LOOP(&loop);
}

TEST(tcp_connect_when_connected) {
  struct sockaddr_in addr;
  int peer;
  ASSERT_OK(uv_loop_init(&loop));
  addr = listen_loopback(&loop, &server, never_connection);
  peer = tcp_with_peer(&loop, &client);
  ASSERT_EQ(uv_tcp_connect(&connect_req, &client, SA(&addr), never_connect),
            UV_EISCONN);
  uv_unref(HANDLE(&server));
  ASSERT_EQ(uv_loop_alive(&loop), 0);
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(peer));
}

TEST(tcp_connect_bad_family) {
  static const int families[] = {AF_UNSPEC, AF_UNIX, 0x6262};
  struct sockaddr_storage addr;
  size_t i;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_tcp_init(&loop, &client));
  memset(&addr, 0, sizeof(addr));
  for (i = 0; i < COUNT(families); i++) {
    addr.ss_family = families[i];
    ASSERT_EQ(uv_tcp_connect(&connect_req, &client, SA(&addr), never_connect),
              UV_EINVAL);
  }
  ASSERT_EQ(uv_loop_alive(&loop), 0);
  CLOSE_LOOP(&loop);
}

TEST(tcp_connect_from_a_bound_handle) {
  struct sockaddr_in addr;
  struct sockaddr_in local = loopback(0);
  int port;
  ASSERT_OK(uv_loop_init(&loop));
  addr = listen_loopback(&loop, &server, accept_and_close);
  uv_unref(HANDLE(&server));
  ASSERT_OK(uv_tcp_init(&loop, &client));
  ASSERT_OK(uv_tcp_bind(&client, SA(&local), 0));
  port = bound_port(&client);
  connect_req.data = NULL;
  ASSERT_OK(uv_tcp_connect(&connect_req, &client, SA(&addr), note_connect));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("connect");
  ASSERT_EQ(bound_port(&client), port);
  CLOSE_LOOP(&loop);
}

TEST(tcp_connect_on_a_listener) {
  struct sockaddr_in addr;
  ASSERT_OK(uv_loop_init(&loop));
  addr = listen_loopback(&loop, &server, never_connection);
  ASSERT_EQ(uv_tcp_connect(&connect_req, &server, SA(&addr), never_connect),
            UV_EISCONN);
  CLOSE_LOOP(&loop);
}

TEST(tcp_connect_cancelled_by_close) {
  struct sockaddr_in addr;
  ASSERT_OK(uv_loop_init(&loop));
  addr = listen_loopback(&loop, &server, never_connection);
  start_connect(addr, note_connect);
  client.data = NULL;
  uv_close(HANDLE(&client), note_close);
  uv_close(HANDLE(&server), NULL);
  EXPECT_EVENTS("");
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("connect:ECANCELED close");
  CLOSE_LOOP(&loop);
}

static void close_from_connect(uv_connect_t* req, int status) {
  note_connect(req, status);
  uv_close(HANDLE(req->handle), note_close);
}

TEST(tcp_connect_callback_closes) {
  struct sockaddr_in addr;
  ASSERT_OK(uv_loop_init(&loop));
  addr = listen_loopback(&loop, &server, accept_and_close);
  uv_unref(HANDLE(&server));
  start_connect(addr, close_from_connect);
  client.data = NULL;
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("connect close");
  CLOSE_LOOP(&loop);
}

/* The memory of the request is the callback's to free. */
static void free_from_connect(uv_connect_t* req, int status) {
  ASSERT_OK(status);
  note("connect", NULL, status);
  uv_close(HANDLE(req->handle), NULL);
  free(req);
}

TEST(tcp_connect_request_freed_in_callback) {
  uv_connect_t* req = malloc(sizeof(*req));
  struct sockaddr_in addr;
  ASSERT_OK(uv_loop_init(&loop));
  addr = listen_loopback(&loop, &server, accept_and_close);
  uv_unref(HANDLE(&server));
  ASSERT_OK(uv_tcp_init(&loop, &client));
  ASSERT_OK(uv_tcp_connect(req, &client, SA(&addr), free_from_connect));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("connect");
  CLOSE_LOOP(&loop);
}

/* Writes wait for the connection. */
TEST(tcp_connect_write_before_connected) {
  uv_buf_t buf = uv_buf_init("0123456789", 10);
  uv_write_t writes[2];
  uv_tcp_t accepted;
  struct tcp_pair_state state = {&accepted, 0};
  struct sockaddr_in addr;
  ASSERT_OK(uv_loop_init(&loop));
  addr = listen_loopback(&loop, &server, tcp_pair_on_connection);
  server.data = &state;
  start_connect(addr, note_connect);
  writes[0].data = "1";
  writes[1].data = "2";
  ASSERT_EQ(uv_try_write(STREAM(&client), &buf, 1), UV_EAGAIN);
  ASSERT_OK(uv_write(&writes[0], STREAM(&client), &buf, 1, note_write));
  ASSERT_OK(uv_write(&writes[1], STREAM(&client), &buf, 1, note_write));
  ASSERT_EQ(client.write_queue_size, 20);
  ASSERT_EQ(uv_try_write(STREAM(&client), &buf, 1), UV_EAGAIN);
  RUN_UNTIL(&loop, state.done && strstr(events, "write2") != NULL);
  EXPECT_EVENTS("connect write1 write2");
  ASSERT_EQ(client.write_queue_size, 0);
  accepted.data = NULL;
  ASSERT_OK(uv_read_start(STREAM(&accepted), alloc_static, note_read));
  RUN_UNTIL(&loop, strstr(events, "read") != NULL);
  CLOSE_LOOP(&loop);
}

TEST(tcp_connect_refused_with_writes) {
  uv_buf_t buf = uv_buf_init("0123456789", 10);
  uv_write_t writes[2];
  ASSERT_OK(uv_loop_init(&loop));
  start_connect(refused_address(), note_connect);
  writes[0].data = "1";
  writes[1].data = "2";
  ASSERT_OK(uv_write(&writes[0], STREAM(&client), &buf, 1, note_write));
  ASSERT_OK(uv_write(&writes[1], STREAM(&client), &buf, 1, note_write));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("connect:ECONNREFUSED write1:ECANCELED write2:ECANCELED");
  ASSERT_EQ(client.write_queue_size, 0);
  CLOSE_LOOP(&loop);
}

TEST(tcp_connect_cancel_write) {
  uv_buf_t buf = uv_buf_init("0123456789", 10);
  uv_write_t writes[2];
  struct sockaddr_in addr;
  uv_tcp_t accepted;
  struct tcp_pair_state state = {&accepted, 0};
  ASSERT_OK(uv_loop_init(&loop));
  addr = listen_loopback(&loop, &server, tcp_pair_on_connection);
  server.data = &state;
  start_connect(addr, note_connect);
  writes[0].data = "1";
  writes[1].data = "2";
  ASSERT_OK(uv_write(&writes[0], STREAM(&client), &buf, 1, note_write));
  ASSERT_OK(uv_write(&writes[1], STREAM(&client), &buf, 1, note_write));
  ASSERT_OK(uv_cancel((uv_req_t*) &writes[0]));
  RUN_UNTIL(&loop, state.done && strstr(events, "write2") != NULL);
  EXPECT_EVENTS("connect write1:ECANCELED write2");
  ASSERT_EQ(client.write_queue_size, 0);
  CLOSE_LOOP(&loop);
}

TEST(tcp_connect_closed_with_writes) {
  uv_buf_t buf = uv_buf_init("0123456789", 10);
  uv_write_t writes[2];
  struct sockaddr_in addr;
  ASSERT_OK(uv_loop_init(&loop));
  addr = listen_loopback(&loop, &server, never_connection);
  start_connect(addr, note_connect);
  client.data = NULL;
  writes[0].data = "1";
  writes[1].data = "2";
  ASSERT_OK(uv_write(&writes[0], STREAM(&client), &buf, 1, note_write));
  ASSERT_OK(uv_write(&writes[1], STREAM(&client), &buf, 1, note_write));
  uv_close(HANDLE(&client), note_close);
  uv_close(HANDLE(&server), NULL);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("connect:ECANCELED write1:ECANCELED write2:ECANCELED close");
  CLOSE_LOOP(&loop);
}

static void read_hello(uv_stream_t* stream, ssize_t nread,
                       const uv_buf_t* buf) {
  if (nread == 0) return;
  ASSERT_EQ(nread, 5);
  ASSERT_MEM_EQ(buf->base, "hello", 5);
  note("read", NULL, 0);
  uv_close(HANDLE(stream), NULL);
}

static void accept_and_greet(uv_stream_t* stream, int status) {
  uv_buf_t buf = uv_buf_init("hello", 5);
  uv_tcp_t* peer = malloc(sizeof(*peer));
  ASSERT_OK(status);
  ASSERT_OK(uv_tcp_init(stream->loop, peer));
  ASSERT_OK(uv_accept(stream, STREAM(peer)));
  ASSERT_EQ(uv_try_write(STREAM(peer), &buf, 1), 5);
  uv_close(HANDLE(peer), (uv_close_cb) free);
}

TEST(tcp_connect_read_before_connected) {
  struct sockaddr_in addr;
  ASSERT_OK(uv_loop_init(&loop));
  addr = listen_loopback(&loop, &server, accept_and_greet);
  uv_unref(HANDLE(&server));
  start_connect(addr, note_connect);
  ASSERT_OK(uv_read_start(STREAM(&client), alloc_static, read_hello));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("connect read");
  CLOSE_LOOP(&loop);
}

TEST(tcp_connect_refused_while_reading) {
  ASSERT_OK(uv_loop_init(&loop));
  start_connect(refused_address(), note_connect);
  client.data = NULL;
  ASSERT_OK(uv_read_start(STREAM(&client), alloc_static, note_read));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("connect:ECONNREFUSED read:EOF");
  CLOSE_LOOP(&loop);
}

/* The connection, data and the end of it are all there before the loop gets to
 * look: one event tells of everything. */
TEST(tcp_connect_everything_at_once) {
  int with_read;
  for (with_read = 0; with_read < 2; with_read++) {
    struct sockaddr_in addr = loopback(0);
    socklen_t len = sizeof(addr);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    int peer;
    events[0] = '\0';
    ASSERT_OK(bind(listener, SA(&addr), len));
    ASSERT_OK(listen(listener, 1));
    ASSERT_OK(getsockname(listener, (struct sockaddr*) &addr, &len));
    ASSERT_OK(uv_loop_init(&loop));
    start_connect(addr, note_connect);
    client.data = NULL;
    if (with_read)
      ASSERT_OK(uv_read_start(STREAM(&client), alloc_static, note_read));
    peer = accept(listener, NULL, NULL);
    ASSERT_GE(peer, 0);
    ASSERT_EQ(write(peer, "hello", 5), 5);
    ASSERT_OK(close(peer));
    if (!with_read) {
      RUN_UNTIL(&loop, events[0] != '\0');
      ASSERT_OK(uv_read_start(STREAM(&client), alloc_static, note_read));
    }
    ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
    EXPECT_EVENTS("connect read read:EOF");
    CLOSE_LOOP(&loop);
    ASSERT_OK(close(listener));
  }
}

TEST(tcp_connect_shutdown_before_connected) {
  uv_buf_t buf = uv_buf_init("x", 1);
  uv_shutdown_t shutdown_req;
  uv_write_t write_req;
  uv_tcp_t accepted;
  struct tcp_pair_state state = {&accepted, 0};
  struct sockaddr_in addr;
  ASSERT_OK(uv_loop_init(&loop));
  addr = listen_loopback(&loop, &server, tcp_pair_on_connection);
  server.data = &state;
  start_connect(addr, note_connect);
  write_req.data = NULL;
  shutdown_req.data = NULL;
  ASSERT_OK(uv_write(&write_req, STREAM(&client), &buf, 1, note_write));
  ASSERT_OK(uv_shutdown(&shutdown_req, STREAM(&client), note_shutdown));
  ASSERT_EQ(uv_is_writable(STREAM(&client)), 0);
  RUN_UNTIL(&loop, state.done && strstr(events, "shutdown") != NULL);
  EXPECT_EVENTS("connect write shutdown");
  CLOSE_LOOP(&loop);
}

/* Accepting. */

static uv_tcp_t peers[4];

static int raw_connect(struct sockaddr_in addr) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  ASSERT_GE(fd, 0);
  ASSERT_OK(connect(fd, SA(&addr), sizeof(addr)));
  return fd;
}

/* One connection is offered at a time; the next comes after uv_accept(). */
TEST(tcp_accept_after_the_callback) {
  struct sockaddr_in addr;
  int fds[COUNT(peers)];
  size_t i;
  ASSERT_OK(uv_loop_init(&loop));
  addr = listen_loopback(&loop, &server, count_connection);
  for (i = 0; i < COUNT(peers); i++) fds[i] = raw_connect(addr);
  for (i = 0; i < COUNT(peers); i++) {
    RUN_UNTIL(&loop, connections == (int) i + 1);
    uv_run(&loop, UV_RUN_NOWAIT);
    uv_run(&loop, UV_RUN_NOWAIT);
    ASSERT_EQ(connections, i + 1);
    ASSERT_OK(uv_tcp_init(&loop, &peers[i]));
    ASSERT_OK(uv_accept(STREAM(&server), STREAM(&peers[i])));
    ASSERT_EQ(uv_is_readable(STREAM(&peers[i])), 1);
    ASSERT_EQ(uv_is_writable(STREAM(&peers[i])), 1);
    ASSERT_EQ(uv_is_active(HANDLE(&peers[i])), 0);
  }
  CLOSE_LOOP(&loop);
  for (i = 0; i < COUNT(peers); i++) ASSERT_OK(close(fds[i]));
}

static void accept_until_eagain(uv_stream_t* stream, int status) {
  uv_tcp_t spare;
  ASSERT_OK(status);
  ASSERT_OK(uv_tcp_init(&loop, &peers[connections]));
  ASSERT_OK(uv_accept(stream, STREAM(&peers[connections])));
  ASSERT_NE(fcntl(fd_of(&peers[connections]), F_GETFL) & O_NONBLOCK, 0);
  ASSERT_NE(fcntl(fd_of(&peers[connections]), F_GETFD) & FD_CLOEXEC, 0);
  connections++;
  /* Whether or not another one waits in the kernel. */
  memset(&spare, 0, sizeof(spare));
  ASSERT_EQ(uv_accept(stream, STREAM(&spare)), UV_EAGAIN);
}

TEST(tcp_accept_once_per_callback) {
  struct sockaddr_in addr;
  int fds[COUNT(peers)];
  size_t i;
  ASSERT_OK(uv_loop_init(&loop));
  addr = listen_loopback(&loop, &server, accept_until_eagain);
  for (i = 0; i < COUNT(peers); i++) fds[i] = raw_connect(addr);
  RUN_UNTIL(&loop, connections == COUNT(peers));
  CLOSE_LOOP(&loop);
  for (i = 0; i < COUNT(peers); i++) ASSERT_OK(close(fds[i]));
}

TEST(tcp_accept_nothing_pending) {
  ASSERT_OK(uv_loop_init(&loop));
  listen_loopback(&loop, &server, never_connection);
  ASSERT_OK(uv_tcp_init(&loop, &client));
  ASSERT_EQ(uv_accept(STREAM(&server), STREAM(&client)), UV_EAGAIN);
  /* A handle that does not listen has nothing pending either. */
  ASSERT_EQ(uv_accept(STREAM(&client), STREAM(&server)), UV_EAGAIN);
  CLOSE_LOOP(&loop);
}

TEST(tcp_accept_into_a_busy_handle) {
  struct sockaddr_in addr;
  uv_tcp_t busy;
  int fd;
  ASSERT_OK(uv_loop_init(&loop));
  addr = listen_loopback(&loop, &server, count_connection);
  fd = raw_connect(addr);
  RUN_UNTIL(&loop, connections == 1);
  ASSERT_OK(uv_tcp_init_ex(&loop, &busy, AF_INET));
  ASSERT_EQ(uv_accept(STREAM(&server), STREAM(&busy)), UV_EBUSY);
  /* The connection is gone with the failed call. */
  ASSERT_OK(uv_tcp_init(&loop, &client));
  ASSERT_EQ(uv_accept(STREAM(&server), STREAM(&client)), UV_EAGAIN);
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(fd));
}

/* A connection that was not accepted is closed with the listener. */
TEST(tcp_accept_never) {
  struct sockaddr_in addr;
  char byte;
  int fd;
  ASSERT_OK(uv_loop_init(&loop));
  addr = listen_loopback(&loop, &server, count_connection);
  fd = raw_connect(addr);
  RUN_UNTIL(&loop, connections == 1);
  CLOSE_LOOP(&loop);
  ASSERT_EQ(read(fd, &byte, 1), 0);
  ASSERT_OK(close(fd));
}

TEST(tcp_accept_on_a_closed_listener) {
  struct sockaddr_in addr;
  int fd;
  ASSERT_OK(uv_loop_init(&loop));
  addr = listen_loopback(&loop, &server, count_connection);
  fd = raw_connect(addr);
  RUN_UNTIL(&loop, connections == 1);
  uv_close(HANDLE(&server), NULL);
  ASSERT_OK(uv_tcp_init(&loop, &client));
  ASSERT_EQ(uv_accept(STREAM(&server), STREAM(&client)), UV_EAGAIN);
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(fd));
}

static void close_server(uv_stream_t* stream, int status) {
  ASSERT_OK(status);
  connections++;
  ASSERT_OK(uv_tcp_init(&loop, &peers[0]));
  ASSERT_OK(uv_accept(stream, STREAM(&peers[0])));
  uv_close(HANDLE(stream), note_close);
}

/* The other clients see their connections end. */
TEST(tcp_accept_callback_closes_the_listener) {
  struct sockaddr_in addr;
  int fds[2];
  char byte;
  ASSERT_OK(uv_loop_init(&loop));
  addr = listen_loopback(&loop, &server, close_server);
  server.data = NULL;
  fds[0] = raw_connect(addr);
  fds[1] = raw_connect(addr);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  EXPECT_EVENTS("close");
  ASSERT_EQ(connections, 1);
  ASSERT_EQ(recv(fds[0], &byte, 1, MSG_DONTWAIT), -1);
  ASSERT_EQ(errno, EAGAIN);
  ASSERT_LE(read(fds[1], &byte, 1), 0);
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(fds[0]));
  ASSERT_OK(close(fds[1]));
}

/* A listener on a duplicate of another's socket takes from the same queue. */
TEST(tcp_accept_through_a_duplicate) {
  struct sockaddr_in addr;
  uv_tcp_t duplicate;
  int fd;
  ASSERT_OK(uv_loop_init(&loop));
  addr = listen_loopback(&loop, &server, count_connection);
  ASSERT_OK(uv_tcp_init(&loop, &duplicate));
  ASSERT_OK(uv_tcp_open(&duplicate, dup(fd_of(&server))));
  ASSERT_OK(uv_listen(STREAM(&duplicate), 128, count_connection));
  uv_close(HANDLE(&server), NULL);
  fd = raw_connect(addr);
  RUN_UNTIL(&loop, connections == 1);
  ASSERT_OK(uv_tcp_init(&loop, &client));
  ASSERT_OK(uv_accept(STREAM(&duplicate), STREAM(&client)));
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(fd));
}

/* SO_REUSEPORT: between them the listeners serve everyone. */
TEST(tcp_accept_reuseport_shares_the_port) {
  enum { CLIENTS = 32 };
  struct sockaddr_in addr = loopback(0);
  uv_tcp_t listeners[2];
  int fds[CLIENTS];
  int i;
  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < 2; i++) {
    ASSERT_OK(uv_tcp_init(&loop, &listeners[i]));
    ASSERT_OK(uv_tcp_bind(&listeners[i], SA(&addr), UV_TCP_REUSEPORT));
    addr.sin_port = htons(bound_port(&listeners[i]));
    ASSERT_OK(uv_listen(STREAM(&listeners[i]), CLIENTS, accept_and_close));
  }
  for (i = 0; i < CLIENTS; i++) fds[i] = raw_connect(addr);
  for (i = 0; i < CLIENTS; i++) {
    char byte;
    ssize_t r;
    while ((r = recv(fds[i], &byte, 1, MSG_DONTWAIT)) == -1) {
      ASSERT_EQ(errno, EAGAIN);
      uv_run(&loop, UV_RUN_NOWAIT);
    }
    ASSERT_EQ(r, 0);
    ASSERT_OK(close(fds[i]));
  }
  CLOSE_LOOP(&loop);
}
