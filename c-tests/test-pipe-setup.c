/* uv_pipe_t before any byte flows: init, open, bind, listen, names, modes. */
#include "test-memory.h"
#include "test-pipe.h"

static uv_loop_t loop;

/* Binds a new handle; the caller closes it with the loop. */
static int bind_new(uv_pipe_t* pipe, const char* name, size_t len,
                    unsigned flags) {
  ASSERT_OK(uv_pipe_init(&loop, pipe, 0));
  return uv_pipe_bind2(pipe, name, len, flags);
}

static int exists(const char* path) {
  struct stat st;
  return lstat(path, &st) == 0;
}

TEST(pipe_init_makes_no_socket) {
  uv_pipe_t pipe;
  uv_os_fd_t fd;
  memset(&pipe, 0xaa, sizeof(pipe));
  pipe.data = &fd;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_pipe_init(&loop, &pipe, 1));
  ASSERT_EQ(pipe.type, UV_NAMED_PIPE);
  ASSERT_PTR_EQ(pipe.loop, &loop);
  ASSERT_PTR_EQ(pipe.data, &fd);
  ASSERT_NE(pipe.ipc, 0);
  ASSERT_EQ(uv_fileno(HANDLE(&pipe), &fd), UV_EBADF);
  ASSERT_EQ(uv_is_readable(STREAM(&pipe)), 0);
  ASSERT_EQ(uv_is_writable(STREAM(&pipe)), 0);
  ASSERT_EQ(uv_is_active(HANDLE(&pipe)), 0);
  ASSERT_EQ(uv_pipe_pending_count(&pipe), 0);
  ASSERT_EQ(uv_pipe_pending_type(&pipe), UV_UNKNOWN_HANDLE);
  uv_pipe_pending_instances(&pipe, 4);
  CLOSE_LOOP(&loop);
}

TEST(pipe_open_directions) {
  uv_pipe_t ends[3];
  int fds[2], pair[2], i;
  static const int readable[] = {1, 0, 1}, writable[] = {0, 1, 1};
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(pipe(fds));
  ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  for (i = 0; i < 3; i++) {
    int fd = i < 2 ? fds[i] : pair[0];
    ASSERT_OK(uv_pipe_init(&loop, &ends[i], 0));
    ASSERT_EQ(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    ASSERT_OK(uv_pipe_open(&ends[i], fd));
    ASSERT_NE(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    ASSERT_EQ(fd_of(&ends[i]), fd);
    ASSERT_EQ(uv_is_readable(STREAM(&ends[i])), readable[i]);
    ASSERT_EQ(uv_is_writable(STREAM(&ends[i])), writable[i]);
  }
  ASSERT_EQ(uv_read_start(STREAM(&ends[1]), alloc_static, never_read),
            UV_ENOTCONN);
  ASSERT_OK(close(pair[1]));
  CLOSE_LOOP(&loop);
  for (i = 0; i < 2; i++) ASSERT_EQ(fcntl(fds[i], F_GETFD), -1);
}

TEST(pipe_open_errors) {
  uv_pipe_t one, other;
  int fds[2];
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_pipe_init(&loop, &one, 0));
  ASSERT_OK(uv_pipe_init(&loop, &other, 0));
  ASSERT_EQ(uv_pipe_open(&one, -1), UV_EBADF);
  ASSERT_EQ(uv_pipe_open(&one, 1 << 20), UV_EBADF);
  ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
  ASSERT_OK(uv_pipe_open(&one, fds[0]));
  ASSERT_OK(uv_pipe_open(&one, fds[0]));
  ASSERT_EQ(uv_pipe_open(&one, fds[1]), UV_EBUSY);
  ASSERT_EQ(fd_of(&one), fds[0]);
  ASSERT_OK(uv_read_start(STREAM(&one), alloc_static, never_read));
  uv_run(&loop, UV_RUN_NOWAIT);
  ASSERT_EQ(uv_pipe_open(&other, fds[0]), UV_EEXIST);
  ASSERT_OK(close(fds[1]));
  ASSERT_OK(uv_read_stop(STREAM(&one)));
  CLOSE_LOOP(&loop);
}

TEST(pipe_standard_descriptors_stay_open) {
  uv_pipe_t pipe;
  int fds[2];
  ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
  ASSERT_EQ(dup2(fds[0], 0), 0);
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_pipe_init(&loop, &pipe, 0));
  ASSERT_OK(uv_pipe_open(&pipe, 0));
  ASSERT_EQ(fd_of(&pipe), 0);
  CLOSE_LOOP(&loop);
  ASSERT_NE(fcntl(0, F_GETFD), -1);
}

TEST(pipe_bind_creates_and_close_removes) {
  uv_pipe_t pipe;
  use_scratch(&loop);
  ASSERT_OK(bind_new(&pipe, "socket", 6, 0));
  ASSERT_EQ(exists("socket"), 1);
  ASSERT_NE(fcntl(fd_of(&pipe), F_GETFD) & FD_CLOEXEC, 0);
  ASSERT_NE(fcntl(fd_of(&pipe), F_GETFL) & O_NONBLOCK, 0);
  uv_close(HANDLE(&pipe), NULL);
  ASSERT_EQ(exists("socket"), 0);
  CLOSE_LOOP(&loop);
}

TEST(pipe_bind_errors) {
  uv_pipe_t bound, pipe;
  int fds[2];
  use_scratch(&loop);
  ASSERT_OK(bind_new(&bound, "socket", 6, 0));
  ASSERT_EQ(uv_pipe_bind(&bound, "other"), UV_EINVAL);
  ASSERT_OK(uv_pipe_init(&loop, &pipe, 0));
  ASSERT_EQ(uv_pipe_bind(&pipe, "socket"), UV_EADDRINUSE);
  ASSERT_EQ(uv_pipe_bind(&pipe, "no/such/directory"), UV_EACCES);
  ASSERT_EQ(uv_pipe_bind(&pipe, "socket/below"), UV_ENOTDIR);
  ASSERT_EQ(uv_pipe_bind2(&pipe, NULL, 0, 0), UV_EINVAL);
  ASSERT_EQ(uv_pipe_bind2(&pipe, NULL, 4, 0), UV_EINVAL);
  ASSERT_EQ(uv_pipe_bind2(&pipe, "other", 5, 2), UV_EINVAL);
  ASSERT_EQ(uv_pipe_bind2(&pipe, "ot\0er", 5, 0), UV_EINVAL);
  ASSERT_EQ(uv_pipe_bind2(&pipe, "ot\0er", 5, UV_PIPE_NO_TRUNCATE), UV_EINVAL);
  ASSERT_EQ(uv_pipe_bind2(&pipe, "other", SIZE_MAX, 0), UV_EINVAL);
  ASSERT_EQ(uv_pipe_bind2(&pipe, "\0other", SIZE_MAX, UV_PIPE_NO_TRUNCATE), UV_EINVAL);
  /* A failure leaves nothing behind. */
  ASSERT_EQ(exists("other"), 0);
  ASSERT_OK(uv_pipe_bind(&pipe, "other"));
  ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
  uv_close(HANDLE(&pipe), NULL);
  uv_run(&loop, UV_RUN_DEFAULT);
  ASSERT_EQ(uv_pipe_bind(&pipe, "other"), UV_EINVAL);
  ASSERT_OK(uv_pipe_init(&loop, &pipe, 0));
  ASSERT_OK(uv_pipe_open(&pipe, fds[0]));
  ASSERT_EQ(uv_pipe_bind(&pipe, "other"), UV_EINVAL);
  ASSERT_OK(close(fds[1]));
  CLOSE_LOOP(&loop);
}

/* An address holds 108 bytes; a path may fill them without a NUL. */
TEST(pipe_bind_long_paths) {
  static const size_t lengths[] = {107, 108, 109, 200};
  char name[201], found[256];
  size_t i, size;
  uv_pipe_t pipe;
  use_scratch(&loop);
  memset(name, 'n', sizeof(name));
  for (i = 0; i < COUNT(lengths); i++) {
    int fits = lengths[i] <= 108;
    ASSERT_OK(bind_new(&pipe, name, lengths[i], 0));
    size = sizeof(found);
    ASSERT_OK(uv_pipe_getsockname(&pipe, found, &size));
    ASSERT_EQ(size, fits ? lengths[i] : 108);
    ASSERT_MEM_EQ(found, name, size);
    ASSERT_EQ(found[size], 0);
    ASSERT_EQ(exists(found), 1);
    uv_close(HANDLE(&pipe), NULL);
    ASSERT_EQ(exists(found), 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    ASSERT_EQ(bind_new(&pipe, name, lengths[i], UV_PIPE_NO_TRUNCATE),
              fits ? 0 : UV_EINVAL);
    uv_close(HANDLE(&pipe), NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
  }
  CLOSE_LOOP(&loop);
}

TEST(pipe_bind_abstract) {
  static const char name[] = "\0oxuv\0test";
  char found[256], unique[64];
  size_t size = sizeof(found), len;
  uv_pipe_t pipe, other, chosen;
  use_scratch(&loop);
  len = 1 + snprintf(unique + 1, sizeof(unique) - 1, "oxuv-%d", getpid());
  unique[0] = 0;
  memcpy(unique + len, name, sizeof(name) - 1);
  len += sizeof(name) - 1;
  ASSERT_OK(bind_new(&pipe, unique, len, 0));
  ASSERT_OK(uv_pipe_getsockname(&pipe, found, &size));
  ASSERT_EQ(size, len);
  ASSERT_MEM_EQ(found, unique, len);
  ASSERT_EQ(bind_new(&other, unique, len, 0), UV_EADDRINUSE);
  /* The kernel chooses a name for an empty one. */
  ASSERT_OK(bind_new(&chosen, "", 0, 0));
  size = sizeof(found);
  ASSERT_OK(uv_pipe_getsockname(&chosen, found, &size));
  ASSERT_EQ(size, 6);
  ASSERT_EQ(found[0], 0);
  CLOSE_LOOP(&loop);
}

TEST(pipe_listen_errors) {
  uv_pipe_t unbound, ipc, pair, other;
  use_scratch(&loop);
  ASSERT_OK(uv_pipe_init(&loop, &unbound, 0));
  ASSERT_EQ(uv_listen(STREAM(&unbound), 1, never_connection), UV_EINVAL);
  ASSERT_OK(uv_pipe_init(&loop, &ipc, 1));
  ASSERT_OK(uv_pipe_bind(&ipc, "ipc"));
  ASSERT_EQ(uv_listen(STREAM(&ipc), 1, never_connection), UV_EINVAL);
  pipe_pair(&loop, &pair, &other, 0);
  ASSERT_EQ(uv_listen(STREAM(&pair), 1, never_connection), UV_EINVAL);
  uv_close(HANDLE(&unbound), NULL);
  ASSERT_EQ(uv_listen(STREAM(&unbound), 1, never_connection), UV_EINVAL);
  CLOSE_LOOP(&loop);
}

TEST(pipe_names_and_room) {
  uv_pipe_t pipe, one, other;
  char name[32];
  size_t room, size;
  use_scratch(&loop);
  ASSERT_OK(uv_pipe_init(&loop, &pipe, 0));
  size = sizeof(name);
  ASSERT_EQ(uv_pipe_getsockname(&pipe, name, &size), UV_EBADF);
  ASSERT_EQ(size, 0);
  size = sizeof(name);
  ASSERT_EQ(uv_pipe_getpeername(&pipe, name, &size), UV_EBADF);
  ASSERT_OK(uv_pipe_bind(&pipe, "five5"));
  for (room = 1; room <= 7; room++) {
    memset(name, '#', sizeof(name));
    size = room;
    ASSERT_EQ(uv_pipe_getsockname(&pipe, name, &size),
              room < 6 ? UV_ENOBUFS : 0);
    ASSERT_EQ(size, room < 6 ? 6 : 5);
    if (room < 6)
      ASSERT_EQ(name[0], '#');
    else
      ASSERT_STR_EQ(name, "five5");
  }
  size = 0;
  ASSERT_EQ(uv_pipe_getsockname(&pipe, name, &size), UV_EINVAL);
  size = sizeof(name);
  ASSERT_EQ(uv_pipe_getsockname(&pipe, NULL, &size), UV_EINVAL);
  ASSERT_EQ(uv_pipe_getsockname(&pipe, name, NULL), UV_EINVAL);
  size = sizeof(name);
  ASSERT_EQ(uv_pipe_getpeername(&pipe, name, &size), UV_ENOTCONN);
  ASSERT_EQ(size, 0);
  /* Sockets of a pair have no names. */
  pipe_pair(&loop, &one, &other, 0);
  name[0] = '#';
  size = 1;
  ASSERT_OK(uv_pipe_getsockname(&one, name, &size));
  ASSERT_EQ(size, 0);
  ASSERT_EQ(name[0], 0);
  size = 1;
  ASSERT_OK(uv_pipe_getpeername(&one, name, &size));
  ASSERT_EQ(size, 0);
  CLOSE_LOOP(&loop);
}

TEST(pipe_names_need_a_socket) {
  uv_pipe_t end;
  char name[32];
  size_t size = sizeof(name);
  int fds[2];
  ASSERT_OK(pipe(fds));
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_pipe_init(&loop, &end, 0));
  ASSERT_OK(uv_pipe_open(&end, fds[0]));
  ASSERT_EQ(uv_pipe_getsockname(&end, name, &size), UV_ENOTSOCK);
  size = sizeof(name);
  ASSERT_EQ(uv_pipe_getpeername(&end, name, &size), UV_ENOTSOCK);
  ASSERT_EQ(uv_pipe_chmod(&end, UV_READABLE), UV_ENOTSOCK);
  ASSERT_OK(close(fds[1]));
  CLOSE_LOOP(&loop);
}

TEST(pipe_chmod_sets_the_mode) {
  static const struct { int mode; unsigned bits; } cases[] = {
      {UV_READABLE, 0444}, {UV_WRITABLE, 0222},
      {UV_READABLE | UV_WRITABLE, 0666}};
  uv_pipe_t bound, closed, one, other;
  struct stat st;
  size_t i;
  int mode;
  use_scratch(&loop);
  ASSERT_OK(bind_new(&bound, "socket", 6, 0));
  for (i = 0; i < COUNT(cases); i++) {
    ASSERT_OK(chmod("socket", 0700));
    ASSERT_OK(uv_pipe_chmod(&bound, cases[i].mode));
    ASSERT_OK(stat("socket", &st));
    ASSERT_EQ(st.st_mode & 07777, cases[i].bits);
  }
  for (mode = 4; mode <= 8; mode++)
    ASSERT_EQ(uv_pipe_chmod(&bound, mode), UV_EINVAL);
  ASSERT_EQ(uv_pipe_chmod(&bound, 0), UV_EINVAL);
  ASSERT_EQ(uv_pipe_chmod(NULL, UV_READABLE), UV_EBADF);
  ASSERT_OK(uv_pipe_init(&loop, &closed, 0));
  ASSERT_EQ(uv_pipe_chmod(&closed, UV_READABLE), UV_EBADF);
  pipe_pair(&loop, &one, &other, 0);
  ASSERT_EQ(uv_pipe_chmod(&one, UV_READABLE), UV_ENOENT);
  ASSERT_OK(unlink("socket"));
  ASSERT_EQ(uv_pipe_chmod(&bound, UV_READABLE), UV_ENOENT);
  CLOSE_LOOP(&loop);
}

TEST(pipe_bind_without_memory) {
  uv_pipe_t pipe;
  use_scarce_memory();
  use_scratch(&loop);
  ASSERT_OK(uv_pipe_init(&loop, &pipe, 0));
  out_of_memory = 1;
  ASSERT_EQ(uv_pipe_bind(&pipe, "socket"), UV_ENOMEM);
  out_of_memory = 0;
  ASSERT_EQ(exists("socket"), 0);
  ASSERT_OK(uv_pipe_bind(&pipe, "socket"));
  CLOSE_LOOP(&loop);
}
