/* Connecting and accepting pipes. */
#include "test-pipe.h"

static uv_loop_t loop;
static uv_pipe_t server;

static int connect_status, connect_calls;

static void on_connect(uv_connect_t* req, int status) {
  (void) req;
  connect_status = status;
  connect_calls++;
}

/* Connects a new handle and waits for the outcome. */
static int connect_new(uv_pipe_t* pipe, const char* name, size_t len,
                       unsigned flags) {
  uv_connect_t req;
  int calls = connect_calls;
  ASSERT_OK(uv_pipe_init(&loop, pipe, 0));
  ASSERT_OK(uv_pipe_connect2(&req, pipe, name, len, flags, on_connect));
  ASSERT_EQ(connect_calls, calls);
  RUN_UNTIL(&loop, connect_calls > calls);
  return connect_status;
}

TEST(pipe_connect_and_accept) {
  uv_pipe_t client, accepted, another;
  char name[64];
  size_t size = sizeof(name);
  use_scratch(&loop);
  pipe_server(&loop, &server, "socket", count_connection);
  ASSERT_OK(connect_new(&client, "socket", 6, 0));
  ASSERT_EQ(uv_is_readable(STREAM(&client)), 1);
  ASSERT_EQ(uv_is_writable(STREAM(&client)), 1);
  RUN_UNTIL(&loop, connections == 1);
  ASSERT_OK(uv_pipe_init(&loop, &accepted, 0));
  ASSERT_OK(uv_accept(STREAM(&server), STREAM(&accepted)));
  ASSERT_EQ(uv_is_readable(STREAM(&accepted)), 1);
  ASSERT_EQ(uv_is_writable(STREAM(&accepted)), 1);
  ASSERT_NE(fcntl(fd_of(&accepted), F_GETFL) & O_NONBLOCK, 0);
  ASSERT_NE(fcntl(fd_of(&accepted), F_GETFD) & FD_CLOEXEC, 0);
  ASSERT_OK(uv_pipe_getpeername(&client, name, &size));
  ASSERT_STR_EQ(name, "socket");
  size = sizeof(name);
  ASSERT_OK(uv_pipe_getsockname(&accepted, name, &size));
  ASSERT_STR_EQ(name, "socket");
  ASSERT_OK(uv_pipe_init(&loop, &another, 0));
  ASSERT_EQ(uv_accept(STREAM(&server), STREAM(&another)), UV_EAGAIN);
  CLOSE_LOOP(&loop);
}

/* One that is not accepted stays, and the others wait behind it. */
TEST(pipe_accept_later) {
  uv_pipe_t clients[3], accepted[3];
  int i;
  use_scratch(&loop);
  pipe_server(&loop, &server, "socket", count_connection);
  for (i = 0; i < 3; i++)
    ASSERT_OK(connect_new(&clients[i], "socket", 6, 0));
  for (i = 0; i < 5; i++) uv_run(&loop, UV_RUN_NOWAIT);
  ASSERT_EQ(connections, 1);
  for (i = 0; i < 3; i++) {
    RUN_UNTIL(&loop, connections == i + 1);
    ASSERT_OK(uv_pipe_init(&loop, &accepted[i], 0));
    ASSERT_OK(uv_accept(STREAM(&server), STREAM(&accepted[i])));
  }
  CLOSE_LOOP(&loop);
}

TEST(pipe_connect_failures_come_with_the_callback) {
  uv_pipe_t pipe;
  char name[64];
  int fd, len;
  use_scratch(&loop);
  ASSERT_EQ(connect_new(&pipe, "missing", 7, 0), UV_ENOENT);
  ASSERT_EQ(uv_is_readable(STREAM(&pipe)), 0);
  ASSERT_EQ(uv_is_writable(STREAM(&pipe)), 0);
  ASSERT_EQ(connect_new(&pipe, "no/such", 7, 0), UV_ENOENT);
  fd = open("file", O_CREAT | O_WRONLY, 0600);
  ASSERT_OK(close(fd));
  ASSERT_EQ(connect_new(&pipe, "file", 4, 0), UV_ECONNREFUSED);
  name[0] = 0;
  len = 1 + snprintf(name + 1, sizeof(name) - 1, "oxuv-none-%d", getpid());
  ASSERT_EQ(connect_new(&pipe, name, len, 0), UV_ECONNREFUSED);
  CLOSE_LOOP(&loop);
}

TEST(pipe_connect_without_descriptors) {
  uv_pipe_t pipe, bound;
  uv_os_fd_t fd;
  use_scratch(&loop);
  uv_run(&loop, UV_RUN_NOWAIT);
  ASSERT_OK(uv_pipe_init(&loop, &bound, 0));
  exhaust_descriptors();
  ASSERT_EQ(connect_new(&pipe, "socket", 6, 0), UV_EMFILE);
  ASSERT_EQ(uv_fileno(HANDLE(&pipe), &fd), UV_EBADF);
  ASSERT_EQ(uv_pipe_bind(&bound, "socket"), UV_EMFILE);
  CLOSE_LOOP(&loop);
}

TEST(pipe_connect_bad_arguments) {
  uv_pipe_t pipe;
  uv_connect_t req;
  char name[200];
  use_scratch(&loop);
  memset(name, 'n', sizeof(name));
  ASSERT_OK(uv_pipe_init(&loop, &pipe, 0));
  ASSERT_EQ(uv_pipe_connect2(&req, &pipe, "", 0, 0, never_connect), UV_EINVAL);
  ASSERT_EQ(uv_pipe_connect2(&req, &pipe, NULL, 0, 0, never_connect),
            UV_EINVAL);
  ASSERT_EQ(uv_pipe_connect2(&req, &pipe, "a\0b", 3, 0, never_connect),
            UV_EINVAL);
  ASSERT_EQ(uv_pipe_connect2(&req, &pipe, "a", 1, 2, never_connect),
            UV_EINVAL);
  ASSERT_EQ(uv_pipe_connect2(&req, &pipe, name, sizeof(name),
                             UV_PIPE_NO_TRUNCATE, never_connect),
            UV_EINVAL);
  ASSERT_EQ(uv_run(&loop, UV_RUN_DEFAULT), 0);
  /* This one has no other way to say it. */
  uv_pipe_connect(&req, &pipe, "", on_connect);
  ASSERT_EQ(connect_calls, 0);
  RUN_UNTIL(&loop, connect_calls == 1);
  ASSERT_EQ(connect_status, UV_EINVAL);
  CLOSE_LOOP(&loop);
}

TEST(pipe_connect_long_path) {
  uv_pipe_t client;
  uv_connect_t req;
  char name[200];
  use_scratch(&loop);
  memset(name, 'n', sizeof(name));
  name[199] = 0;
  pipe_server(&loop, &server, name, count_connection);
  ASSERT_OK(connect_new(&client, name, 199, 0));
  ASSERT_OK(connect_new(&client, name, 108, UV_PIPE_NO_TRUNCATE));
  ASSERT_OK(uv_pipe_init(&loop, &client, 0));
  ASSERT_EQ(uv_pipe_connect2(&req, &client, name, 199, UV_PIPE_NO_TRUNCATE,
                             never_connect),
            UV_EINVAL);
  CLOSE_LOOP(&loop);
}

TEST(pipe_connect_abstract) {
  uv_pipe_t client;
  char name[64];
  size_t len = sizeof(name);
  use_scratch(&loop);
  ASSERT_OK(uv_pipe_init(&loop, &server, 0));
  ASSERT_OK(uv_pipe_bind2(&server, "", 0, 0));
  ASSERT_OK(uv_listen(STREAM(&server), 1, count_connection));
  ASSERT_OK(uv_pipe_getsockname(&server, name, &len));
  ASSERT_OK(connect_new(&client, name, len, 0));
  RUN_UNTIL(&loop, connections == 1);
  CLOSE_LOOP(&loop);
}

TEST(pipe_connect_twice) {
  uv_pipe_t client;
  uv_connect_t req;
  use_scratch(&loop);
  pipe_server(&loop, &server, "socket", count_connection);
  ASSERT_OK(connect_new(&client, "socket", 6, 0));
  ASSERT_OK(uv_pipe_connect2(&req, &client, "socket", 6, 0, on_connect));
  RUN_UNTIL(&loop, connect_calls == 2);
  ASSERT_EQ(connect_status, UV_EISCONN);
  ASSERT_EQ(uv_is_writable(STREAM(&client)), 1);
  CLOSE_LOOP(&loop);
}

TEST(pipe_connect_bound) {
  uv_pipe_t client, accepted;
  uv_connect_t req;
  char name[64];
  size_t size = sizeof(name);
  use_scratch(&loop);
  pipe_server(&loop, &server, "socket", count_connection);
  ASSERT_OK(uv_pipe_init(&loop, &client, 0));
  ASSERT_OK(uv_pipe_bind(&client, "client"));
  ASSERT_OK(uv_pipe_connect2(&req, &client, "socket", 6, 0, on_connect));
  RUN_UNTIL(&loop, connect_calls == 1 && connections == 1);
  ASSERT_OK(connect_status);
  ASSERT_OK(uv_pipe_init(&loop, &accepted, 0));
  ASSERT_OK(uv_accept(STREAM(&server), STREAM(&accepted)));
  ASSERT_OK(uv_pipe_getpeername(&accepted, name, &size));
  ASSERT_STR_EQ(name, "client");
  CLOSE_LOOP(&loop);
}

/* A listener whose queue is full refuses at once. */
TEST(pipe_connect_queue_full) {
  uv_pipe_t clients[8];
  int i, refused = 0;
  use_scratch(&loop);
  ASSERT_OK(uv_pipe_init(&loop, &server, 0));
  ASSERT_OK(uv_pipe_bind(&server, "socket"));
  ASSERT_OK(uv_listen(STREAM(&server), 1, count_connection));
  for (i = 0; i < 8; i++) {
    int status = connect_new(&clients[i], "socket", 6, 0);
    ASSERT(status == 0 || status == UV_EAGAIN);
    refused += status != 0;
  }
  ASSERT_GT(refused, 0);
  CLOSE_LOOP(&loop);
}

TEST(pipe_connect_closed_before_the_callback) {
  uv_pipe_t good, bad;
  uv_connect_t reqs[2];
  use_scratch(&loop);
  pipe_server(&loop, &server, "socket", count_connection);
  server.data = good.data = NULL;
  ASSERT_OK(uv_pipe_init(&loop, &good, 0));
  ASSERT_OK(uv_pipe_init(&loop, &bad, 0));
  good.data = reqs[0].data = "1";
  bad.data = reqs[1].data = "2";
  ASSERT_OK(uv_pipe_connect2(&reqs[0], &good, "socket", 6, 0, note_connect));
  ASSERT_OK(uv_pipe_connect2(&reqs[1], &bad, "missing", 7, 0, note_connect));
  uv_close(HANDLE(&good), note_close);
  uv_close(HANDLE(&bad), note_close);
  uv_close(HANDLE(&server), NULL);
  ASSERT_EQ(uv_run(&loop, UV_RUN_DEFAULT), 0);
  EXPECT_EVENTS("connect2:ECANCELED close2 connect1:ECANCELED close1");
  CLOSE_LOOP(&loop);
}

static void note_prepare(uv_prepare_t* prepare) {
  (void) prepare;
  note("prepare", NULL, 0);
}

static void note_check(uv_check_t* check) {
  (void) check;
  note("check", NULL, 0);
}

/* The kernel makes the connection at once; the callbacks for it come in the poll
 * phase all the same, the server's first. */
TEST(pipe_connect_callback_in_poll_phase) {
  uv_prepare_t prepare;
  uv_check_t check;
  uv_connect_t req;
  uv_pipe_t client;
  use_scratch(&loop);
  pipe_server(&loop, &server, "socket", note_connection);
  server.data = req.data = NULL;
  ASSERT_OK(uv_prepare_init(&loop, &prepare));
  ASSERT_OK(uv_prepare_start(&prepare, note_prepare));
  ASSERT_OK(uv_check_init(&loop, &check));
  ASSERT_OK(uv_check_start(&check, note_check));
  ASSERT_OK(uv_pipe_init(&loop, &client, 0));
  uv_pipe_connect(&req, &client, "socket", note_connect);
  ASSERT_EQ(uv_run(&loop, UV_RUN_NOWAIT), 1);
  EXPECT_EVENTS("prepare connection connect check");
  CLOSE_LOOP(&loop);
}

TEST(pipe_write_before_connected) {
  uv_pipe_t client, accepted;
  uv_connect_t req;
  uv_write_t write;
  uv_buf_t buf = uv_buf_init("early", 5);
  use_scratch(&loop);
  pipe_server(&loop, &server, "socket", count_connection);
  ASSERT_OK(uv_pipe_init(&loop, &client, 0));
  req.data = write.data = NULL;
  ASSERT_OK(uv_pipe_connect2(&req, &client, "socket", 6, 0, note_connect));
  ASSERT_EQ(uv_try_write(STREAM(&client), &buf, 1), UV_EAGAIN);
  ASSERT_OK(uv_write(&write, STREAM(&client), &buf, 1, note_write));
  RUN_UNTIL(&loop, connections == 1);
  ASSERT_OK(uv_pipe_init(&loop, &accepted, 0));
  ASSERT_OK(uv_accept(STREAM(&server), STREAM(&accepted)));
  ASSERT_OK(uv_read_start(STREAM(&accepted), alloc_static, collect));
  RUN_UNTIL(&loop, received_len == 5);
  ASSERT_MEM_EQ(received, "early", 5);
  EXPECT_EVENTS("connect write");
  CLOSE_LOOP(&loop);
}

/* Closing removes only the file that the handle itself created. */
TEST(pipe_opened_listener_keeps_its_file) {
  struct sockaddr_un addr = {AF_UNIX, "raw"};
  uv_pipe_t client;
  struct stat st;
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  use_scratch(&loop);
  ASSERT_OK(bind(fd, SA(&addr), sizeof(addr)));
  ASSERT_OK(uv_pipe_init(&loop, &server, 0));
  ASSERT_OK(uv_pipe_open(&server, fd));
  ASSERT_OK(uv_listen(STREAM(&server), 1, count_connection));
  ASSERT_OK(connect_new(&client, "raw", 3, 0));
  RUN_UNTIL(&loop, connections == 1);
  CLOSE_LOOP(&loop);
  ASSERT_OK(stat("raw", &st));
}
