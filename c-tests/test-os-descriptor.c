/* Types of descriptors, pipes, and inherited descriptors. */

#include "test-os.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>

static void check_guess(int fd, uv_handle_type expected) {
  ASSERT_GE(fd, 0);
  ASSERT_EQ(uv_guess_handle(fd), expected);
  ASSERT_EQ(close(fd), 0);
}

TEST(os_guess_handle) {
  int fds[2];

  check_guess(open("/proc/self/exe", O_RDONLY), UV_FILE);
  check_guess(open("/proc/self/stat", O_RDONLY), UV_FILE);
  check_guess(open("/dev/null", O_RDWR), UV_FILE);
  check_guess(open("/", O_RDONLY), UV_UNKNOWN_HANDLE);
  check_guess(posix_openpt(O_RDWR | O_NOCTTY), UV_TTY);
  check_guess(socket(AF_INET, SOCK_STREAM, 0), UV_TCP);
  check_guess(socket(AF_INET, SOCK_DGRAM, 0), UV_UDP);
  check_guess(socket(AF_UNIX, SOCK_STREAM, 0), UV_NAMED_PIPE);
  check_guess(socket(AF_UNIX, SOCK_DGRAM, 0), UV_UNKNOWN_HANDLE);
  check_guess(socket(AF_UNIX, SOCK_SEQPACKET, 0), UV_UNKNOWN_HANDLE);
  check_guess(socket(AF_NETLINK, SOCK_DGRAM, 0), UV_UNKNOWN_HANDLE);
  check_guess(eventfd(0, 0), UV_UNKNOWN_HANDLE);
  check_guess(epoll_create1(0), UV_UNKNOWN_HANDLE);
  ASSERT_EQ(pipe(fds), 0);
  check_guess(fds[0], UV_NAMED_PIPE);
  check_guess(fds[1], UV_NAMED_PIPE);
  ASSERT_EQ(uv_guess_handle(fds[0]), UV_UNKNOWN_HANDLE);
  ASSERT_EQ(uv_guess_handle(-1), UV_UNKNOWN_HANDLE);
}

TEST(os_guess_handle_ipv6) {
  int fd = socket(AF_INET6, SOCK_STREAM, 0);

  if (fd < 0) SKIP("there is no IPv6");
  check_guess(fd, UV_TCP);
  check_guess(socket(AF_INET6, SOCK_DGRAM, 0), UV_UDP);
}

TEST(os_pipe_flags) {
  int flags;

  for (flags = 0; flags < 4; flags++) {
    uv_file fds[2];
    char byte = 0;
    int reader = flags & 1 ? UV_NONBLOCK_PIPE : 0;
    int writer = flags & 2 ? UV_NONBLOCK_PIPE : 0;

    ASSERT_OK(uv_pipe(fds, reader, writer));
    ASSERT_EQ(fcntl(fds[0], F_GETFL) & O_NONBLOCK, reader ? O_NONBLOCK : 0);
    ASSERT_EQ(fcntl(fds[1], F_GETFL) & O_NONBLOCK, writer ? O_NONBLOCK : 0);
    ASSERT_EQ(fcntl(fds[0], F_GETFD), FD_CLOEXEC);
    ASSERT_EQ(fcntl(fds[1], F_GETFD), FD_CLOEXEC);
    ASSERT_EQ(write(fds[1], "x", 1), 1);
    ASSERT_EQ(read(fds[0], &byte, 1), 1);
    ASSERT_EQ(byte, 'x');
    ASSERT_EQ(close(fds[0]), 0);
    ASSERT_EQ(close(fds[1]), 0);
  }
}

TEST(os_pipe_without_descriptors) {
  uv_file fds[2] = {-7, -7};
  struct rlimit limit;

  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = 0;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  ASSERT_EQ(uv_pipe(fds, 0, 0), UV_EMFILE);
  ASSERT_EQ(fds[0], -7);
  ASSERT_EQ(fds[1], -7);
}

static int closed_on_exec(int fd) {
  int flags = fcntl(fd, F_GETFD);
  return flags < 0 ? -1 : flags == FD_CLOEXEC;
}

TEST(os_disable_stdio_inheritance) {
  int fd;

  /* All from 3 to 29 are open, but for 5 and 20. */
  for (fd = 3; fd < 30; fd++) ASSERT_EQ(dup2(0, fd), fd);
  ASSERT_EQ(close(5), 0);
  ASSERT_EQ(close(20), 0);

  uv_disable_stdio_inheritance();
  /* A gap among the first 16 is stepped over, one behind them is the end. */
  for (fd = 0; fd < 20; fd++)
    ASSERT_EQ(closed_on_exec(fd), fd == 5 ? -1 : 1);
  ASSERT_EQ(closed_on_exec(20), -1);
  for (fd = 21; fd < 30; fd++) ASSERT_EQ(closed_on_exec(fd), 0);
}
