/* Helpers of the tests of pipes and of handles sent over them. */
#ifndef OXUV_TEST_PIPE_H
#define OXUV_TEST_PIPE_H

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "test-tcp.h"

#define PIPE(p) ((uv_pipe_t*) (p))

/* Two connected pipe handles. */
UNUSED static void pipe_pair(uv_loop_t* loop, uv_pipe_t* one, uv_pipe_t* other,
                             int ipc) {
  int fds[2];
  ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
  ASSERT_OK(uv_pipe_init(loop, one, ipc));
  ASSERT_OK(uv_pipe_init(loop, other, ipc));
  ASSERT_OK(uv_pipe_open(one, fds[0]));
  ASSERT_OK(uv_pipe_open(other, fds[1]));
}

/* A loop in the scratch directory, as the names of sockets are short. */
UNUSED static void use_scratch(uv_loop_t* loop) {
  ASSERT_OK(chdir(test_path(".")));
  ASSERT_OK(uv_loop_init(loop));
}

/* A pipe handle; the result is the peer's blocking socket. */
UNUSED static int pipe_with_peer(uv_loop_t* loop, uv_pipe_t* pipe, int ipc) {
  int fds[2];
  ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
  ASSERT_OK(uv_pipe_init(loop, pipe, ipc));
  ASSERT_OK(uv_pipe_open(pipe, fds[0]));
  return fds[1];
}

/* A listening pipe. */
UNUSED static void pipe_server(uv_loop_t* loop, uv_pipe_t* server,
                               const char* name, uv_connection_cb cb) {
  ASSERT_OK(uv_pipe_init(loop, server, 0));
  ASSERT_OK(uv_pipe_bind(server, name));
  ASSERT_OK(uv_listen(STREAM(server), 128, cb));
}

/* Collects the data read. */
UNUSED static char received[1 << 16];
UNUSED static size_t received_len;
UNUSED static int received_end; /* The error that ended it, or 0. */

UNUSED static void collect(uv_stream_t* stream, ssize_t nread,
                           const uv_buf_t* buf) {
  (void) stream;
  if (nread < 0) {
    received_end = (int) nread;
    return;
  }
  ASSERT_LE(received_len + nread, sizeof(received));
  memcpy(received + received_len, buf->base, nread);
  received_len += nread;
}

/* From now on no descriptor can be opened. */
UNUSED static void exhaust_descriptors(void) {
  struct rlimit limit;
  int fd = dup(0);
  ASSERT_OK(getrlimit(RLIMIT_NOFILE, &limit));
  limit.rlim_cur = fd + 1;
  ASSERT_OK(setrlimit(RLIMIT_NOFILE, &limit));
  while (dup(0) != -1) continue;
  ASSERT_EQ(errno, EMFILE);
}

#endif
