/* The initial state of a child process: program, environment, directory, signals,
 * user, and descriptors. */

#define _GNU_SOURCE
#include <ctype.h>
#include <grp.h>
#include <pwd.h>

#include "test-process.h"

/* ---- program, arguments, environment, directory ---- */

static void make_script(const char* path, const char* text) {
  int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0700);
  ASSERT_GE(fd, 0);
  ASSERT_EQ(write(fd, text, strlen(text)), (int) strlen(text));
  ASSERT_OK(close(fd));
}

static void expect_output(struct spawning* s, const char* output) {
  run_child(s);
  ASSERT_STR_EQ(received, output);
  ASSERT_EQ(exit_status, 0);
  ASSERT_EQ(exit_signal, 0);
}

TEST(process_arguments_are_passed_as_they_are) {
  struct spawning s;
  program(&s, "/bin/sh", "-c", "printf '[%s]' \"$0\" \"$@\"", "a b");
  s.args[0] = "another name";
  s.args[4] = "";
  s.args[5] = "\"q\" $HOME \\";
  expect_output(&s, "[a b][][\"q\" $HOME \\]");
}

TEST(process_environment) {
  struct spawning s;
  char* env[] = {"ONE=1", "TWO=two words", "EMPTY=", NULL};
  char* none[] = {NULL};

  program(&s, "/usr/bin/env", NULL, NULL, NULL)->options.env = env;
  expect_output(&s, "ONE=1\nTWO=two words\nEMPTY=\n");
  s.options.env = none;
  expect_output(&s, "");
  ASSERT_OK(setenv("OXUV_INHERITED", "yes", 1));
  shell(&s, "echo $OXUV_INHERITED");
  expect_output(&s, "yes\n");
}

TEST(process_directory) {
  struct spawning s;
  char resolved[4096];
  char expected[4200];

  ASSERT_NOT_NULL(realpath(test_path("."), resolved));
  snprintf(expected, sizeof(expected), "%s\n", resolved);
  program(&s, "/bin/pwd", "-P", NULL, NULL)->options.cwd = test_path(".");
  expect_output(&s, expected);
  /* A relative path starts from there. */
  make_script(test_path("here"), "#!/bin/sh\necho here\n");
  program(&s, "./here", NULL, NULL, NULL)->options.cwd = test_path(".");
  expect_output(&s, "here\n");
}

/* Runs the program `which`, which says where it was found. */
static void expect_found(const char* path, const char* cwd,
                         const char* output) {
  struct spawning s;
  char* env[] = {(char*) path, NULL};

  program(&s, "which-one", NULL, NULL, NULL)->options.env = env;
  s.options.cwd = cwd;
  expect_output(&s, output);
}

static void expect_not_found(const char* path, const char* cwd, int error) {
  struct spawning s;
  uv_loop_t loop;
  uv_process_t process;
  char* env[] = {(char*) path, NULL};

  program(&s, "which-one", NULL, NULL, NULL)->options.env = env;
  s.options.cwd = cwd;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_EQ(uv_spawn(&loop, &process, &s.options), error);
  CLOSE_LOOP(&loop);
}

TEST(process_is_looked_up_in_the_path_of_the_child) {
  const char* root = test_path(".");
  char path[3 * 4096];

  ASSERT_OK(mkdir(test_path("a"), 0700));
  ASSERT_OK(mkdir(test_path("b"), 0700));
  ASSERT_OK(mkdir(test_path("locked"), 0700));
  make_script(test_path("a/which-one"), "#!/bin/sh\necho a\n");
  make_script(test_path("b/which-one"), "#!/bin/sh\necho b\n");
  make_script(test_path("which-one"), "#!/bin/sh\necho cwd\n");
  make_script(test_path("locked/which-one"), "");
  ASSERT_OK(chmod(test_path("locked/which-one"), 0600));

  snprintf(path, sizeof(path), "PATH=/nonexistent:/etc/passwd:%s:%s",
           test_path("locked"), test_path("a"));
  expect_found(path, NULL, "a\n");
  snprintf(path, sizeof(path), "PATH=%s:%s", test_path("b"), test_path("a"));
  expect_found(path, NULL, "b\n");
  /* Relative parts start from the child's directory; an empty one is it. */
  expect_found("PATH=a", root, "a\n");
  expect_found("PATH=", root, "cwd\n");
  expect_found("PATH=/nonexistent:", root, "cwd\n");
  expect_found("PATH=:a", root, "cwd\n");
  expect_found("PATH=a::b", root, "a\n");
  /* A part that is too long is passed over. */
  memset(path, 'x', sizeof(path));
  memcpy(path, "PATH=/", 6);
  snprintf(path + 5000, sizeof(path) - 5000, ":%s", test_path("b"));
  expect_found(path, NULL, "b\n");

  ASSERT_OK(setenv("PATH", test_path("a"), 1));
  expect_not_found("PATH=/nonexistent", root, UV_ENOENT);
  expect_not_found("PATH=/nonexistent:/etc/passwd", root, UV_ENOTDIR);
  expect_not_found("OTHER=x", root, UV_ENOENT);
  snprintf(path, sizeof(path), "PATH=%s:/nonexistent", test_path("locked"));
  expect_not_found(path, root, UV_EACCES);
}

TEST(process_without_a_path_is_looked_up_in_the_usual_places) {
  struct spawning s;
  char* env[] = {NULL};
  program(&s, "true", NULL, NULL, NULL)->options.env = env;
  expect_output(&s, "");
}

/* ---- signals, session, user ---- */

/* A line of the child's /proc/self/status. */
static const char* status_line(const char* name) {
  static char line[256];
  char* at = strstr(received, name);
  ASSERT_NOT_NULL(at);
  at += strlen(name);
  while (isspace((unsigned char) *at) && *at != '\n')
    at++;
  snprintf(line, sizeof(line), "%.*s", (int) strcspn(at, "\n"), at);
  while (line[0] != '\0' && isspace((unsigned char) line[strlen(line) - 1]))
    line[strlen(line) - 1] = '\0';
  return line;
}

TEST(process_signals_are_as_in_a_new_program) {
  struct spawning s;
  sigset_t blocked;
  sigset_t now;

  ASSERT(signal(SIGUSR1, SIG_IGN) != SIG_ERR);
  ASSERT(signal(SIGHUP, SIG_IGN) != SIG_ERR);
  ASSERT(signal(SIGRTMIN + 3, SIG_IGN) != SIG_ERR);
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  sigaddset(&blocked, SIGRTMIN + 4);
  ASSERT_OK(sigprocmask(SIG_BLOCK, &blocked, NULL));

  run_child(program(&s, "/bin/cat", "/proc/self/status", NULL, NULL));
  ASSERT_STR_EQ(status_line("SigBlk:"), "0000000000000000");
  /* All but two, which belong to libc. */
  ASSERT_EQ(strtoull(status_line("SigIgn:"), NULL, 16) & ~0x180000000ull, 0);
  ASSERT_STR_EQ(status_line("SigCgt:"), "0000000000000000");
  /* The parent keeps its own. */
  ASSERT_OK(sigprocmask(SIG_BLOCK, NULL, &now));
  ASSERT_EQ(sigismember(&now, SIGTERM), 1);
  ASSERT_EQ(sigismember(&now, SIGRTMIN + 4), 1);
  ASSERT_EQ(sigismember(&now, SIGUSR1), 0);
  ASSERT(!is_default(SIGHUP));
}

static int handled;

static void count_handler(int signum) {
  (void) signum;
  handled++;
}

TEST(process_start_loses_no_signal_of_the_parent) {
  struct spawning s;
  uv_loop_t loop;
  uv_process_t process;

  ASSERT(signal(SIGUSR2, count_handler) != SIG_ERR);
  ASSERT_OK(uv_loop_init(&loop));
  shell(&s, "kill -USR2 $PPID");
  ASSERT_OK(uv_spawn(&loop, &process, &s.options));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(exits, 1);
  ASSERT_EQ(handled, 1);
  CLOSE_LOOP(&loop);
}

TEST(process_detached_leads_a_session) {
  struct spawning s;
  uv_loop_t loop;
  uv_process_t process;
  int detached;

  for (detached = 0; detached < 2; detached++) {
    ASSERT_OK(uv_loop_init(&loop));
    program(&s, "sleep", "1000", NULL, NULL);
    s.options.flags = detached ? UV_PROCESS_DETACHED : 0;
    ASSERT_OK(uv_spawn(&loop, &process, &s.options));
    ASSERT_EQ(getsid(process.pid), detached ? process.pid : getsid(0));
    ASSERT_EQ(getpgid(process.pid), detached ? process.pid : getpgrp());
    ASSERT_OK(uv_process_kill(&process, SIGKILL));
    ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
    ASSERT_EQ(exits, detached + 1);
    ASSERT_EQ(exit_signal, SIGKILL);
    CLOSE_LOOP(&loop);
  }
}

TEST(process_flags_for_windows_are_ignored) {
  struct spawning s;
  program(&s, "true", NULL, NULL, NULL)->options.flags =
      UV_PROCESS_WINDOWS_VERBATIM_ARGUMENTS | UV_PROCESS_WINDOWS_HIDE |
      UV_PROCESS_WINDOWS_HIDE_CONSOLE | UV_PROCESS_WINDOWS_HIDE_GUI |
      UV_PROCESS_WINDOWS_FILE_PATH_EXACT_NAME;
  expect_output(&s, "");
}

TEST(process_user_and_group) {
  static const gid_t groups[] = {5, 6};
  struct spawning s;
  unsigned flags;

  if (geteuid() != 0)
    SKIP("only the superuser can start processes of other users");
  ASSERT_OK(setgroups(2, groups));
  for (flags = 0; flags < 4; flags++) {
    program(&s, "/bin/cat", "/proc/self/status", NULL, NULL);
    s.options.flags = flags;
    s.options.uid = 12345;
    s.options.gid = 23456;
    run_child(&s);
    ASSERT_STR_EQ(status_line("Uid:"), flags & UV_PROCESS_SETUID
                                           ? "12345\t12345\t12345\t12345"
                                           : "0\t0\t0\t0");
    ASSERT_STR_EQ(status_line("Gid:"), flags & UV_PROCESS_SETGID
                                           ? "23456\t23456\t23456\t23456"
                                           : "0\t0\t0\t0");
    ASSERT_STR_EQ(status_line("Groups:"), flags == 0 ? "5 6" : "");
  }
  ASSERT_EQ(geteuid(), 0);
  ASSERT_EQ(getgroups(0, NULL), 2);
}

TEST(process_of_a_user_that_is_not_allowed) {
  struct spawning s;
  uv_loop_t loop;
  uv_process_t process;

  if (geteuid() == 0) {
    ASSERT_OK(setgroups(0, NULL));
    ASSERT_OK(setgid(12345));
    ASSERT_OK(setuid(12345));
  }
  ASSERT_OK(uv_loop_init(&loop));
  program(&s, "/bin/true", NULL, NULL, NULL)->options.flags =
      UV_PROCESS_SETUID;
  ASSERT_EQ(uv_spawn(&loop, &process, &s.options), UV_EPERM);
  uv_close(HANDLE(&process), NULL);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  s.options.flags = UV_PROCESS_SETGID;
  ASSERT_EQ(uv_spawn(&loop, &process, &s.options), UV_EPERM);
  uv_close(HANDLE(&process), NULL);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_NO_CHILDREN();
  /* The current user and group. */
  s.options.flags = UV_PROCESS_SETUID | UV_PROCESS_SETGID;
  s.options.uid = geteuid();
  s.options.gid = getegid();
  ASSERT_OK(uv_spawn(&loop, &process, &s.options));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(exit_status, 0);
  CLOSE_LOOP(&loop);
}

/* ---- descriptors ---- */

/* Runs a child that prints the type of each descriptor up to 9. */
static void expect_descriptors(struct spawning* s, const char* expected) {
  char* from = received;
  char* to = received;

  shell(s, "for fd in 0 1 2 3 4 5 6 7 8 9; do"
           "  test -L /proc/$$/fd/$fd && printf '%s ' $fd &&"
           "  readlink /proc/$$/fd/$fd;"
           "done; exit 0")->stdio[0].flags = UV_IGNORE;
  s->stdio[2].flags = UV_IGNORE;
  run_child(s);
  /* Without the numbers in "socket:[4711]". */
  while (*from != '\0') {
    if (*from == ':')
      from += strcspn(from, "\n");
    *to++ = *from++;
  }
  *to = '\0';
  ASSERT_STR_EQ(received, expected);
}

TEST(process_ignored_descriptors_are_dev_null) {
  struct spawning s;

  expect_descriptors(&s, "0 /dev/null\n1 socket\n2 /dev/null\n");
  /* The same when they are not mentioned. */
  shell(&s, "readlink /proc/$$/fd/2; readlink /proc/$$/fd/0");
  s.stdio[0].flags = UV_IGNORE;
  s.options.stdio_count = 2;
  expect_output(&s, "/dev/null\n/dev/null\n");
  /* Access as it suits the standard descriptors. */
  shell(&s, "grep flags /proc/self/fdinfo/0; grep flags /proc/self/fdinfo/2")
      ->stdio[0].flags = UV_IGNORE;
  s.stdio[2].flags = UV_IGNORE;
  run_child(&s);
  ASSERT_EQ(strtol(status_line("flags:"), NULL, 8) & O_ACCMODE, O_RDONLY);
  ASSERT_EQ(strtol(strrchr(received, '\t'), NULL, 8) & O_ACCMODE, O_RDWR);
}

TEST(process_with_nothing_open_in_the_parent) {
  struct spawning s;

  ASSERT_OK(close(0));
  program(&s, "/bin/cat", NULL, NULL, NULL)->stdio[0].flags = UV_IGNORE;
  s.stdio[2].flags = UV_IGNORE;
  expect_output(&s, "");
  expect_descriptors(&s, "0 /dev/null\n1 socket\n2 /dev/null\n");
}

static int open_file(const char* name, const char* text) {
  int fd = open(test_path(name), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  ASSERT_GE(fd, 0);
  ASSERT_EQ(write(fd, text, strlen(text)), (int) strlen(text));
  ASSERT_EQ(lseek(fd, 0, SEEK_SET), 0);
  return fd;
}

TEST(process_inherits_a_file) {
  struct spawning s;
  int fd = open_file("input", "from the file\n");

  program(&s, "/bin/cat", NULL, NULL, NULL)->stdio[0].data.fd = fd;
  expect_output(&s, "from the file\n");
  /* The same one as several descriptors. */
  ASSERT_EQ(lseek(fd, 0, SEEK_SET), 0);
  shell(&s, "read x <&5; echo $x; cat <&3");
  s.stdio[3].flags = s.stdio[5].flags = UV_INHERIT_FD;
  s.stdio[3].data.fd = s.stdio[5].data.fd = fd;
  s.options.stdio_count = 6;
  expect_output(&s, "from the file\n");
  ASSERT_OK(close(fd));
}

/* Gives the child file k as its descriptor order[k] when the parent's are 4 to
 * 7: targets that are sources of others. */
static void expect_permutation(const int order[4]) {
  struct spawning s;
  char expected[64];
  int i;

  shell(&s, "for fd in 4 5 6 7; do eval \"read x <&$fd\"; echo $fd $x; done");
  s.options.stdio_count = 8;
  expected[0] = '\0';
  for (i = 0; i < 4; i++) {
    ASSERT_EQ(lseek(4 + i, 0, SEEK_SET), 0);
    s.stdio[4 + i].flags = UV_INHERIT_FD;
    s.stdio[4 + i].data.fd = order[i];
    snprintf(expected + strlen(expected), sizeof(expected) - strlen(expected),
             "%d file %d\n", 4 + i, order[i]);
  }
  expect_output(&s, expected);
}

TEST(process_descriptors_that_change_places) {
  char text[16];
  int i;
  int order[4];

  /* The numbers 4 to 7, whatever was open. */
  for (i = 4; i < 8; i++) {
    int fd;
    snprintf(text, sizeof(text), "file %d\n", i);
    fd = open_file(text, text);
    if (fd != i) {
      ASSERT_EQ(dup3(fd, i, O_CLOEXEC), i);
      ASSERT_OK(close(fd));
    }
  }
  for (i = 0; i < 4 * 4 * 4 * 4; i++) {
    order[0] = 4 + i % 4;
    order[1] = 4 + i / 4 % 4;
    order[2] = 4 + i / 16 % 4;
    order[3] = 4 + i / 64 % 4;
    /* Descriptors that share a file share its position. */
    if (order[0] == order[1] || order[0] == order[2] || order[0] == order[3] ||
        order[1] == order[2] || order[1] == order[3] || order[2] == order[3])
      continue;
    expect_permutation(order);
  }
}

TEST(process_standard_descriptors_swapped) {
  struct spawning s;
  int out = open_file("out", "");
  int err = open_file("err", "");
  int saved = dup(2);
  uv_loop_t loop;
  uv_process_t process;
  char text[16] = {0};

  shell(&s, "echo out; echo err >&2");
  s.stdio[1].data.fd = 2;
  s.stdio[2].data.fd = out;
  ASSERT_EQ(dup2(err, 2), 2);
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_spawn(&loop, &process, &s.options));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(dup2(saved, 2), 2);
  ASSERT_EQ(pread(err, text, sizeof(text) - 1, 0), 4);
  ASSERT_STR_EQ(text, "out\n");
  ASSERT_EQ(pread(out, text, sizeof(text) - 1, 0), 4);
  ASSERT_STR_EQ(text, "err\n");
  CLOSE_LOOP(&loop);
}

TEST(process_gets_no_descriptors_of_the_library) {
  struct spawning s;
  uv_loop_t loop;
  uv_tcp_t tcp;
  uv_signal_t watcher;
  uv_async_t async;
  uv_pipe_t pipe;
  struct sockaddr_in addr = loopback(0);
  int fd;

  /* Not those inherited from the runner. */
  for (fd = 3; fd < 10; fd++)
    close(fd);
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_tcp_init(&loop, &tcp));
  ASSERT_OK(uv_tcp_bind(&tcp, SA(&addr), 0));
  ASSERT_OK(uv_signal_init(&loop, &watcher));
  ASSERT_OK(uv_signal_start(&watcher, NULL, SIGUSR1));
  ASSERT_OK(uv_async_init(&loop, &async, NULL));
  ASSERT_OK(uv_pipe_init(&loop, &pipe, 0));
  ASSERT_OK(uv_pipe_bind(&pipe, test_path("socket")));
  ASSERT_GE(open_descriptors(), 3 + 4);
  expect_descriptors(&s, "0 /dev/null\n1 socket\n2 /dev/null\n");
  CLOSE_LOOP(&loop);
}

TEST(process_disable_inheritance) {
  struct spawning s;
  int fd = dup(0);

  ASSERT_LT(fd, 10);
  ASSERT_EQ(fcntl(fd, F_GETFD), 0);
  shell(&s, "test -e /proc/$$/fd/$0 && echo yes || echo no");
  s.args[3] = (char[]){(char) ('0' + fd), '\0'};
  expect_output(&s, "yes\n");
  uv_disable_stdio_inheritance();
  expect_output(&s, "no\n");
}

/* ---- pipes to the child ---- */

static uv_process_t child;
static uv_pipe_t to;
static uv_pipe_t from;

static void end_input(uv_write_t* req, int status) {
  ASSERT_OK(status);
  uv_close(HANDLE(req->handle), NULL);
}

TEST(process_pipes_in_both_directions) {
  struct spawning s;
  uv_loop_t loop;
  uv_write_t req;
  static char text[20000];
  uv_buf_t buf = uv_buf_init(text, sizeof(text));

  memset(text, 'x', sizeof(text));
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_pipe_init(&loop, &to, 0));
  ASSERT_OK(uv_pipe_init(&loop, &from, 0));
  program(&s, "cat", NULL, NULL, NULL);
  s.stdio[0].flags = UV_CREATE_PIPE | UV_READABLE_PIPE;
  s.stdio[0].data.stream = STREAM(&to);
  s.stdio[1].flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE;
  s.stdio[1].data.stream = STREAM(&from);
  ASSERT_OK(uv_spawn(&loop, &child, &s.options));
  ASSERT_EQ(uv_is_writable(STREAM(&to)), 1);
  ASSERT_EQ(uv_is_readable(STREAM(&to)), 0);
  ASSERT_EQ(uv_is_writable(STREAM(&from)), 0);
  ASSERT_EQ(uv_is_readable(STREAM(&from)), 1);
  ASSERT(fcntl(fd_of(&to), F_GETFL) & O_NONBLOCK);
  ASSERT_EQ(fcntl(fd_of(&to), F_GETFD), FD_CLOEXEC);
  ASSERT_GE(int_option(fd_of(&to), SOL_SOCKET, SO_SNDBUF), 64 * 1024);
  ASSERT_OK(uv_read_start(STREAM(&from), alloc_static, collect));
  ASSERT_OK(uv_write(&req, STREAM(&to), &buf, 1, end_input));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(exits, 1);
  ASSERT_EQ(exit_status, 0);
  ASSERT_EQ(received_len, sizeof(text));
  ASSERT_MEM_EQ(received, text, sizeof(text));
  ASSERT_EQ(received_end, UV_EOF);
  CLOSE_LOOP(&loop);
}

TEST(process_duplex_pipe_as_a_high_descriptor) {
  struct spawning s;
  uv_loop_t loop;
  uv_write_t req;
  uv_buf_t buf = uv_buf_init("ping\n", 5);

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_pipe_init(&loop, &to, 0));
  shell(&s, "read x <&5 && echo got $x >&5");
  s.stdio[3].flags = s.stdio[4].flags = UV_IGNORE;
  s.stdio[5].flags = UV_CREATE_PIPE | UV_READABLE_PIPE | UV_WRITABLE_PIPE;
  s.stdio[5].data.stream = STREAM(&to);
  s.options.stdio_count = 6;
  ASSERT_OK(uv_spawn(&loop, &child, &s.options));
  ASSERT_EQ(uv_is_writable(STREAM(&to)), 1);
  ASSERT_EQ(uv_is_readable(STREAM(&to)), 1);
  ASSERT_OK(uv_read_start(STREAM(&to), alloc_static, collect));
  ASSERT_OK(uv_write(&req, STREAM(&to), &buf, 1, NULL));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(received_len, 9);
  ASSERT_MEM_EQ(received, "got ping\n", 9);
  CLOSE_LOOP(&loop);
}

TEST(process_pipe_is_opened_though_the_child_is_not_started) {
  struct spawning s;
  uv_loop_t loop;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_pipe_init(&loop, &from, 0));
  program(&s, "/nonexistent", NULL, NULL, NULL);
  s.stdio[1].flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE;
  s.stdio[1].data.stream = STREAM(&from);
  ASSERT_EQ(uv_spawn(&loop, &child, &s.options), UV_ENOENT);
  ASSERT_EQ(uv_is_readable(STREAM(&from)), 1);
  ASSERT_OK(uv_read_start(STREAM(&from), alloc_static, collect));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(received_end, UV_EOF);
  CLOSE_LOOP(&loop);
}

TEST(process_pipe_that_is_open_already) {
  struct spawning s;
  uv_loop_t loop;
  int fd;
  int peer;

  ASSERT_OK(uv_loop_init(&loop));
  peer = pipe_with_peer(&loop, &from, 0);
  fd = fd_of(&from);
  program(&s, "true", NULL, NULL, NULL);
  s.stdio[1].flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE;
  s.stdio[1].data.stream = STREAM(&from);
  ASSERT_EQ(uv_spawn(&loop, &child, &s.options), UV_EBUSY);
  ASSERT_EQ(fd_of(&from), fd);
  /* The child runs all the same. */
  ASSERT_EQ(uv_is_active(HANDLE(&child)), 1);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(exits, 1);
  uv_close(HANDLE(&child), NULL);
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(peer));
}

TEST(process_inherits_a_stream) {
  struct spawning s;
  uv_loop_t loop;
  uv_tcp_t tcp;
  char text[8] = {0};
  int peer;

  ASSERT_OK(uv_loop_init(&loop));
  peer = tcp_with_peer(&loop, &tcp);
  ASSERT(fcntl(fd_of(&tcp), F_GETFL) & O_NONBLOCK);
  shell(&s, "echo hello");
  s.stdio[1].flags = UV_INHERIT_STREAM;
  s.stdio[1].data.stream = STREAM(&tcp);
  ASSERT_OK(uv_spawn(&loop, &child, &s.options));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(exits, 1);
  ASSERT_EQ(read(peer, text, sizeof(text)), 6);
  ASSERT_STR_EQ(text, "hello\n");
  /* The child could not work with a non-blocking one. */
  ASSERT(!(fcntl(fd_of(&tcp), F_GETFL) & O_NONBLOCK));
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(peer));
}

TEST(process_descriptors_of_the_child_are_blocking) {
  struct spawning s;
  uv_loop_t loop;
  int ends[2];

  ASSERT_OK(pipe2(ends, O_NONBLOCK | O_CLOEXEC));
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_pipe_init(&loop, &to, 0));
  shell(&s, "for fd in 0 3 4; do"
            " sed -n 's/flags:[[:space:]]*//p' /proc/$$/fdinfo/$fd; done");
  s.stdio[0].data.fd = ends[0];
  s.stdio[3].flags = UV_INHERIT_FD;
  s.stdio[3].data.fd = ends[1];
  s.stdio[4].flags = UV_CREATE_PIPE | UV_READABLE_PIPE | UV_NONBLOCK_PIPE;
  s.stdio[4].data.stream = STREAM(&to);
  s.options.stdio_count = 5;
  run_child(&s);
  {
    char* at = received;
    int i;
    for (i = 0; i < 3; i++)
      ASSERT_EQ(strtol(at, &at, 8) & O_NONBLOCK, 0);
    ASSERT_STR_EQ(at, "\n");
  }
  ASSERT(fcntl(fd_of(&to), F_GETFL) & O_NONBLOCK);
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(ends[0]));
  ASSERT_OK(close(ends[1]));
}
