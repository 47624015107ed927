/* Helpers of the tests of child processes: starting one, and reading its output. */
#ifndef OXUV_TEST_PROCESS_H
#define OXUV_TEST_PROCESS_H

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "test-pipe.h"

#define PROCESS(p) ((uv_process_t*) (p))

/* Options whose child has the test's standard descriptors; set what differs. */
struct spawning {
  uv_process_options_t options;
  uv_stdio_container_t stdio[8];
  char* args[8];
};

UNUSED static int exits;
UNUSED static int64_t exit_status;
UNUSED static int exit_signal;

UNUSED static void on_exit_cb(uv_process_t* process, int64_t status,
                              int signum) {
  ASSERT_EQ(uv_is_active(HANDLE(process)), 0);
  exits++;
  exit_status = status;
  exit_signal = signum;
}

/* A program with up to three arguments. */
UNUSED static struct spawning* program(struct spawning* s, const char* file,
                                       const char* one, const char* two,
                                       const char* three) {
  int i;
  memset(s, 0, sizeof(*s));
  s->args[0] = (char*) file;
  s->args[1] = (char*) one;
  s->args[2] = (char*) two;
  s->args[3] = (char*) three;
  s->options.file = file;
  s->options.args = s->args;
  s->options.exit_cb = on_exit_cb;
  s->options.stdio = s->stdio;
  s->options.stdio_count = 3;
  for (i = 0; i < 3; i++) {
    s->stdio[i].flags = UV_INHERIT_FD;
    s->stdio[i].data.fd = i;
  }
  return s;
}

UNUSED static struct spawning* shell(struct spawning* s, const char* script) {
  return program(s, "/bin/sh", "-c", script, NULL);
}

/* Runs the child to its end, without a loop of the test's own; its standard
 * output is in `received`. */
UNUSED static void run_child(struct spawning* s) {
  uv_loop_t loop;
  uv_process_t process;
  uv_pipe_t out;

  received_len = 0;
  received_end = 0;
  exits = 0;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_pipe_init(&loop, &out, 0));
  s->stdio[1].flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE;
  s->stdio[1].data.stream = STREAM(&out);
  ASSERT_OK(uv_spawn(&loop, &process, &s->options));
  ASSERT_OK(uv_read_start(STREAM(&out), alloc_static, collect));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(exits, 1);
  ASSERT_EQ(received_end, UV_EOF);
  ASSERT_LT(received_len, sizeof(received));
  received[received_len] = '\0';
  CLOSE_LOOP(&loop);
}

/* The program has no children left, not even ended ones. */
#define ASSERT_NO_CHILDREN()                                                  \
  do {                                                                        \
    ASSERT_EQ(waitpid(-1, NULL, WNOHANG), -1);                                \
    ASSERT_EQ(errno, ECHILD);                                                 \
  } while (0)

/* Waits until the child has ended, and leaves it to others to reap. */
UNUSED static void await_end(pid_t pid) {
  siginfo_t info;
  ASSERT_OK(waitid(P_PID, pid, &info, WEXITED | WNOWAIT));
}

UNUSED static int is_default(int signum) {
  struct sigaction action;
  ASSERT_OK(sigaction(signum, NULL, &action));
  return action.sa_handler == SIG_DFL;
}

#endif
