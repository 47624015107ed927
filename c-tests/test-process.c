/* Child processes: how they end, what keeps them from starting, whose they are,
 * and what becomes of the handle. */

#define _GNU_SOURCE
#include <pthread.h>
#include <sys/resource.h>

#include "test-process.h"
#include "test-sandbox.h"

/* ---- the end ---- */

TEST(process_exit_status) {
  struct spawning s;
  uv_loop_t loop;
  uv_process_t process;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_spawn(&loop, &process, &shell(&s, "exit 7")->options));
  ASSERT_EQ(uv_handle_get_type(HANDLE(&process)), UV_PROCESS);
  ASSERT_EQ(uv_is_active(HANDLE(&process)), 1);
  ASSERT_GT(process.pid, 0);
  ASSERT_EQ(uv_process_get_pid(&process), process.pid);
  ASSERT_EQ(exits, 0);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(exits, 1);
  ASSERT_EQ(exit_status, 7);
  ASSERT_EQ(exit_signal, 0);
  ASSERT_GT(process.pid, 0);
  ASSERT_NO_CHILDREN();
  CLOSE_LOOP(&loop);
}

TEST(process_ended_by_a_signal) {
  struct spawning s;
  uv_loop_t loop;
  uv_process_t process;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_spawn(&loop, &process, &shell(&s, "kill -KILL $$")->options));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(exits, 1);
  ASSERT_EQ(exit_status, 0);
  ASSERT_EQ(exit_signal, SIGKILL);
  CLOSE_LOOP(&loop);
}

TEST(process_kill) {
  struct spawning s;
  uv_loop_t loop;
  uv_process_t process;
  int pid;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_spawn(&loop, &process,
                     &program(&s, "sleep", "1000", NULL, NULL)->options));
  ASSERT_OK(uv_process_kill(&process, 0));
  ASSERT_OK(uv_kill(process.pid, 0));
  ASSERT_EQ(uv_process_kill(&process, -1), UV_EINVAL);
  ASSERT_EQ(uv_process_kill(&process, 1000), UV_EINVAL);
  ASSERT_OK(uv_process_kill(&process, SIGTERM));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(exits, 1);
  ASSERT_EQ(exit_signal, SIGTERM);
  /* Its number may be another's now. */
  pid = process.pid;
  process.pid = getpid();
  ASSERT_EQ(uv_process_kill(&process, 0), UV_ESRCH);
  process.pid = pid;
  ASSERT_EQ(uv_kill(pid, 0), UV_ESRCH);
  CLOSE_LOOP(&loop);
}

TEST(process_without_callback) {
  struct spawning s;
  uv_loop_t loop;
  uv_process_t process;

  ASSERT_OK(uv_loop_init(&loop));
  program(&s, "touch", test_path("ran"), NULL, NULL)->options.exit_cb = NULL;
  ASSERT_OK(uv_spawn(&loop, &process, &s.options));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_OK(access(test_path("ran"), F_OK));
  ASSERT_EQ(uv_is_active(HANDLE(&process)), 0);
  ASSERT_EQ(uv_is_closing(HANDLE(&process)), 0);
  ASSERT_NO_CHILDREN();
  CLOSE_LOOP(&loop);
}

static char order[8];

static void note_output(uv_stream_t* stream, ssize_t nread,
                        const uv_buf_t* buf) {
  (void) buf;
  strcat(order, nread > 0 ? "d" : nread == UV_EOF ? "e" : "?");
  if (nread < 0)
    uv_close(HANDLE(stream), NULL);
}

static void note_exit(uv_process_t* process, int64_t status, int signum) {
  on_exit_cb(process, status, signum);
  strcat(order, "x");
}

TEST(process_exit_comes_after_output_of_the_same_tick) {
  struct spawning s;
  uv_loop_t loop;
  uv_process_t process;
  uv_pipe_t out;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_pipe_init(&loop, &out, 0));
  shell(&s, "echo hello")->options.exit_cb = note_exit;
  s.stdio[1].flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE;
  s.stdio[1].data.stream = STREAM(&out);
  ASSERT_OK(uv_spawn(&loop, &process, &s.options));
  ASSERT_OK(uv_read_start(STREAM(&out), alloc_static, note_output));
  await_end(process.pid);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  /* The end of the stream may be found out one tick later. */
  ASSERT_EQ(order[0], 'd');
  ASSERT(strcmp(order, "dex") == 0 || strcmp(order, "dxe") == 0);
  CLOSE_LOOP(&loop);
}

/* ---- what keeps a program from starting ---- */

static void make_file(const char* path, const char* text, int mode) {
  int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  ASSERT_GE(fd, 0);
  ASSERT_EQ(write(fd, text, strlen(text)), (int) strlen(text));
  ASSERT_OK(fchmod(fd, mode));
  ASSERT_OK(close(fd));
}

static void expect_failure(struct spawning* s, int error) {
  /* A handle of the loop only from when everything is ready to be started. */
  int is_handle = error != UV_EINVAL;

  uv_loop_t loop;
  uv_process_t process;

  exits = 0;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_EQ(uv_spawn(&loop, &process, &s->options), error);
  ASSERT_EQ(uv_handle_get_type(HANDLE(&process)), UV_PROCESS);
  ASSERT_EQ(uv_is_active(HANDLE(&process)), 0);
  ASSERT_EQ(uv_process_get_pid(&process), 0);
  ASSERT_NO_CHILDREN();
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(exits, 0);
  if (is_handle)
    ASSERT_EQ(uv_loop_close(&loop), UV_EBUSY);
  uv_close(HANDLE(&process), NULL);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT(is_default(SIGCHLD));
  ASSERT_OK(uv_loop_close(&loop));
}

TEST(process_that_cannot_be_run) {
  struct spawning s;
  const char* plain = test_path("plain");
  const char* script = test_path("script");
  char name[300];

  make_file(plain, "", 0644);
  make_file(script, "exit 0\n", 0755);
  memset(name, 'a', sizeof(name));
  name[sizeof(name) - 1] = '\0';

  expect_failure(program(&s, "/nonexistent", NULL, NULL, NULL), UV_ENOENT);
  /* A directory that this user may not search would make it UV_EACCES. */
  ASSERT_OK(setenv("PATH", "/usr/bin:/bin", 1));
  expect_failure(program(&s, "nonexistent-program", NULL, NULL, NULL),
                 UV_ENOENT);
  expect_failure(program(&s, plain, NULL, NULL, NULL), UV_EACCES);
  expect_failure(program(&s, "/", NULL, NULL, NULL), UV_EACCES);
  expect_failure(program(&s, "/dev/null/x", NULL, NULL, NULL), UV_ENOTDIR);
  expect_failure(program(&s, script, NULL, NULL, NULL), UV_ENOEXEC);
  expect_failure(program(&s, name, NULL, NULL, NULL), UV_ENAMETOOLONG);
}

TEST(process_script_of_a_missing_interpreter) {
  struct spawning s;
  const char* script = test_path("script");

  if (test_under_valgrind())
    SKIP("valgrind cannot go on after this");
  make_file(script, "#!/nonexistent/interpreter\n", 0755);
  expect_failure(program(&s, script, NULL, NULL, NULL), UV_ENOENT);
}

TEST(process_in_a_directory_that_cannot_be_entered) {
  struct spawning s;

  program(&s, "true", NULL, NULL, NULL)->options.cwd = "/nonexistent";
  expect_failure(&s, UV_ENOENT);
  s.options.cwd = "/etc/passwd";
  expect_failure(&s, UV_ENOTDIR);
  s.options.cwd = "";
  expect_failure(&s, UV_ENOENT);
}

TEST(process_with_unusable_descriptors) {
  struct spawning s;
  uv_loop_t loop;
  uv_tcp_t tcp;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_tcp_init(&loop, &tcp));

  program(&s, "true", NULL, NULL, NULL)->stdio[2].data.fd = 1000;
  expect_failure(&s, UV_EBADF);
  s.stdio[2].data.fd = -1;
  expect_failure(&s, UV_EINVAL);
  /* A stream that is not open, and one that is no pipe. */
  s.stdio[2].flags = UV_INHERIT_STREAM;
  s.stdio[2].data.stream = STREAM(&tcp);
  expect_failure(&s, UV_EINVAL);
  s.stdio[2].flags = UV_CREATE_PIPE | UV_READABLE_PIPE;
  expect_failure(&s, UV_EINVAL);
  /* More than one kind. */
  s.stdio[2].flags = UV_CREATE_PIPE | UV_INHERIT_FD;
  expect_failure(&s, UV_EINVAL);
  CLOSE_LOOP(&loop);
}

TEST(process_failures_leave_no_descriptors) {
  struct spawning s;
  uv_loop_t loop;
  uv_process_t process;
  uv_pipe_t pipe;
  int before = 0;
  int i;

  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < 50; i++) {
    ASSERT_OK(uv_pipe_init(&loop, &pipe, 0));
    program(&s, "/nonexistent", NULL, NULL, NULL);
    s.stdio[0].flags = UV_CREATE_PIPE | UV_READABLE_PIPE;
    s.stdio[0].data.stream = STREAM(&pipe);
    s.stdio[2].data.fd = i % 2 == 0 ? 2 : -1;
    ASSERT_EQ(uv_spawn(&loop, &process, &s.options),
              i % 2 == 0 ? UV_ENOENT : UV_EINVAL);
    uv_close(HANDLE(&pipe), NULL);
    uv_close(HANDLE(&process), NULL);
    ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
    if (i == 1)
      before = open_descriptors();
  }
  ASSERT_EQ(open_descriptors(), before);
  CLOSE_LOOP(&loop);
}

TEST(process_when_there_are_no_descriptors_left) {
  struct spawning s;
  uv_loop_t loop;
  uv_process_t process;
  struct rlimit limit;

  if (test_under_valgrind())
    SKIP("valgrind makes socket pairs that the limit forbids");
  ASSERT_OK(uv_loop_init(&loop));
  /* The first one creates the descriptors that the loop keeps. */
  ASSERT_OK(uv_spawn(&loop, &process,
                     &program(&s, "true", NULL, NULL, NULL)->options));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  uv_close(HANDLE(&process), NULL);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));

  ASSERT_OK(getrlimit(RLIMIT_NOFILE, &limit));
  limit.rlim_cur = 100;
  ASSERT_OK(setrlimit(RLIMIT_NOFILE, &limit));
  while (dup(0) != -1) {
  }
  ASSERT_EQ(errno, EMFILE);
  {
    uv_pipe_t pipe;
    ASSERT_OK(uv_pipe_init(&loop, &pipe, 0));
    s.stdio[0].flags = UV_CREATE_PIPE | UV_READABLE_PIPE;
    s.stdio[0].data.stream = STREAM(&pipe);
    ASSERT_EQ(uv_spawn(&loop, &process, &s.options), UV_EMFILE);
    ASSERT_NO_CHILDREN();
    CLOSE_LOOP(&loop);
  }
}

/* ---- whose children they are ---- */

TEST(process_children_of_the_program_are_left_to_it) {
  struct spawning s;
  uv_loop_t loop;
  uv_process_t process;
  int status;
  pid_t own = fork();

  if (own == 0)
    _exit(3);
  await_end(own);
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_spawn(&loop, &process,
                     &program(&s, "true", NULL, NULL, NULL)->options));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(exits, 1);
  ASSERT_EQ(waitpid(own, &status, 0), own);
  ASSERT_EQ(WEXITSTATUS(status), 3);
  CLOSE_LOOP(&loop);
}

TEST(process_reaped_by_the_program) {
  struct spawning s;
  uv_loop_t loop;
  uv_process_t process;
  int i;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_spawn(&loop, &process,
                     &program(&s, "true", NULL, NULL, NULL)->options));
  await_end(process.pid);
  ASSERT_EQ(waitpid(process.pid, NULL, 0), process.pid);
  for (i = 0; i < 3; i++)
    uv_run(&loop, UV_RUN_NOWAIT);
  /* Nobody knows how it ended, so the handle waits until it is closed. */
  ASSERT_EQ(exits, 0);
  ASSERT_EQ(uv_is_active(HANDLE(&process)), 1);
  CLOSE_LOOP(&loop);
}

TEST(process_closed_before_it_ends) {
  struct spawning s;
  uv_loop_t loop;
  uv_process_t process;
  int status;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT(is_default(SIGCHLD));
  ASSERT_OK(uv_spawn(&loop, &process,
                     &program(&s, "sleep", "1000", NULL, NULL)->options));
  ASSERT(!is_default(SIGCHLD));
  uv_close(HANDLE(&process), NULL);
  ASSERT(is_default(SIGCHLD));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_OK(uv_loop_close(&loop));
  /* It runs on, and is the program's affair. */
  ASSERT_OK(uv_process_kill(&process, SIGKILL));
  ASSERT_EQ(waitpid(process.pid, &status, 0), process.pid);
  ASSERT_EQ(WTERMSIG(status), SIGKILL);
  ASSERT_EQ(exits, 0);
}

TEST(process_when_sigchld_was_ignored) {
  struct spawning s;
  uv_loop_t loop;
  uv_process_t process;

  ASSERT(signal(SIGCHLD, SIG_IGN) != SIG_ERR);
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_spawn(&loop, &process, &shell(&s, "exit 5")->options));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(exit_status, 5);
  CLOSE_LOOP(&loop);
}

static int sigchlds;

static void on_sigchld(uv_signal_t* handle, int signum) {
  ASSERT_EQ(signum, SIGCHLD);
  (void) handle;
  sigchlds++;
}

TEST(process_beside_a_watcher_of_sigchld) {
  struct spawning s;
  uv_loop_t loop;
  uv_process_t process;
  uv_signal_t watcher;
  int i;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_signal_init(&loop, &watcher));
  ASSERT_OK(uv_signal_start(&watcher, on_sigchld, SIGCHLD));
  uv_unref(HANDLE(&watcher));
  for (i = 1; i <= 3; i++) {
    ASSERT_OK(uv_spawn(&loop, &process, &shell(&s, "exit 1")->options));
    ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
    ASSERT_EQ(exits, i);
    ASSERT_GE(sigchlds, i);
    uv_close(HANDLE(&process), NULL);
    ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  }
  /* The last process handle is gone, the watcher is not. */
  uv_ref(HANDLE(&watcher));
  sigchlds = 0;
  ASSERT_EQ(raise(SIGCHLD), 0);
  ASSERT_EQ(uv_run(&loop, UV_RUN_ONCE), 1);
  ASSERT_EQ(sigchlds, 1);
  CLOSE_LOOP(&loop);
}

/* ---- many of them ---- */

enum { MANY = 300 };
static uv_process_t many[MANY];

static void on_one_of_many(uv_process_t* process, int64_t status, int signum) {
  ASSERT_EQ(status, (process - many) % 200);
  ASSERT_EQ(signum, 0);
  exits++;
  uv_close(HANDLE(process), NULL);
}

TEST(process_many_at_once) {
  struct spawning s;
  uv_loop_t loop;
  char script[32];
  int i;

  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < MANY; i++) {
    snprintf(script, sizeof(script), "exit %d", i % 200);
    shell(&s, script)->options.exit_cb = on_one_of_many;
    ASSERT_OK(uv_spawn(&loop, &many[i], &s.options));
  }
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(exits, MANY);
  ASSERT_NO_CHILDREN();
  ASSERT(is_default(SIGCHLD));
  CLOSE_LOOP(&loop);
}

static void close_both(uv_process_t* process, int64_t status, int signum) {
  on_exit_cb(process, status, signum);
  uv_close(HANDLE(&many[0]), NULL);
  uv_close(HANDLE(&many[1]), NULL);
}

TEST(process_closed_by_the_callback_of_another) {
  struct spawning s;
  uv_loop_t loop;

  ASSERT_OK(uv_loop_init(&loop));
  shell(&s, "exit 0")->options.exit_cb = close_both;
  ASSERT_OK(uv_spawn(&loop, &many[0], &s.options));
  program(&s, "sleep", "1000", NULL, NULL)->options.exit_cb = close_both;
  ASSERT_OK(uv_spawn(&loop, &many[1], &s.options));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(exits, 1);
  ASSERT_OK(uv_loop_close(&loop));
  ASSERT_OK(uv_kill(many[1].pid, SIGKILL));
  ASSERT_EQ(waitpid(many[1].pid, NULL, 0), many[1].pid);
}

static void spawn_again(uv_process_t* process, int64_t status, int signum);

static void closed_spawn_again(uv_handle_t* handle) {
  struct spawning s;
  shell(&s, "exit 0")->options.exit_cb = spawn_again;
  ASSERT_OK(uv_spawn(handle->loop, PROCESS(handle), &s.options));
}

static void spawn_again(uv_process_t* process, int64_t status, int signum) {
  ASSERT_EQ(status, 0);
  ASSERT_EQ(signum, 0);
  uv_close(HANDLE(process), ++exits < 20 ? closed_spawn_again : NULL);
}

TEST(process_started_from_a_close_callback) {
  struct spawning s;
  uv_loop_t loop;

  ASSERT_OK(uv_loop_init(&loop));
  shell(&s, "exit 0")->options.exit_cb = spawn_again;
  ASSERT_OK(uv_spawn(&loop, &many[0], &s.options));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(exits, 20);
  ASSERT_OK(uv_loop_close(&loop));
}

static void count_exit(uv_process_t* process, int64_t status, int signum) {
  ASSERT_EQ(status, 9);
  ASSERT_EQ(signum, 0);
  ++*(int*) process->data;
}

static void* loop_of_a_thread(void* arg) {
  struct spawning s;
  uv_loop_t loop;
  uv_process_t process;
  int count = 0;
  int i;

  (void) arg;
  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < 25; i++) {
    shell(&s, "exit 9")->options.exit_cb = count_exit;
    process.data = &count;
    ASSERT_OK(uv_spawn(&loop, &process, &s.options));
    ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
    ASSERT_EQ(count, i + 1);
    uv_close(HANDLE(&process), NULL);
    ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  }
  ASSERT_OK(uv_loop_close(&loop));
  return NULL;
}

TEST(process_loops_of_several_threads) {
  pthread_t threads[4];
  int i;

  for (i = 0; i < 4; i++)
    ASSERT_OK(pthread_create(&threads[i], NULL, loop_of_a_thread, NULL));
  for (i = 0; i < 4; i++)
    ASSERT_OK(pthread_join(threads[i], NULL));
  ASSERT_NO_CHILDREN();
  ASSERT(is_default(SIGCHLD));
}

/* ---- the handle and the loop ---- */

TEST(process_exit_where_waitid_is_refused) {
  struct spawning s;
  uv_loop_t loop;
  uv_process_t processes[3];
  int i;

  refuse_call(SYS_waitid, EPERM);
  ASSERT_EQ(syscall(SYS_waitid, P_ALL, 0, NULL, WEXITED | WNOHANG, NULL), -1);
  ASSERT_EQ(errno, EPERM);
  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < 3; i++)
    ASSERT_OK(uv_spawn(&loop, &processes[i], &shell(&s, "exit 3")->options));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(exits, 3);
  ASSERT_EQ(exit_status, 3);
  ASSERT_NO_CHILDREN();
  CLOSE_LOOP(&loop);
}

TEST(process_unreferenced_does_not_hold_the_loop) {
  struct spawning s;
  uv_loop_t loop;
  uv_process_t process;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_spawn(&loop, &process,
                     &program(&s, "sleep", "1000", NULL, NULL)->options));
  uv_unref(HANDLE(&process));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(exits, 0);
  uv_ref(HANDLE(&process));
  ASSERT_OK(uv_process_kill(&process, SIGTERM));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(exits, 1);
  CLOSE_LOOP(&loop);
}

TEST(process_started_in_the_child_of_a_fork) {
  struct spawning s;
  uv_loop_t loop;
  uv_process_t process;
  uv_process_t other;
  int status;
  pid_t child;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_spawn(&loop, &process,
                     &program(&s, "sleep", "1000", NULL, NULL)->options));
  child = fork();
  if (child == 0) {
    ASSERT_OK(uv_loop_fork(&loop));
    /* Not this process's child, so nothing will be heard of it. */
    uv_unref(HANDLE(&process));
    ASSERT_OK(uv_spawn(&loop, &other, &shell(&s, "exit 4")->options));
    ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
    ASSERT_EQ(exits, 1);
    ASSERT_EQ(exit_status, 4);
    CLOSE_LOOP(&loop);
    _exit(0);
  }
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  ASSERT_EQ(exits, 0);
  ASSERT_OK(uv_process_kill(&process, SIGKILL));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(exits, 1);
  ASSERT_EQ(exit_signal, SIGKILL);
  CLOSE_LOOP(&loop);
}

static int signals, signals_at_exit;

static void keep_signals(uv_process_t* process, int64_t status, int signum) {
  (void) process, (void) status, (void) signum;
  signals_at_exit = signals;
}

static void add_signal(uv_signal_t* handle, int signum) {
  (void) handle, (void) signum;
  signals++;
}

/* A child's end is the signal SIGCHLD, and its callback comes among those of other signals. */
TEST(process_exit_comes_in_the_order_of_signals) {
  struct spawning s;
  uv_loop_t loop;
  uv_signal_t watcher;
  uv_process_t process;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_signal_init(&loop, &watcher));
  ASSERT_OK(uv_signal_start(&watcher, add_signal, SIGUSR1));
  ASSERT_EQ(raise(SIGUSR1), 0);
  shell(&s, "exit 0")->options.exit_cb = keep_signals;
  ASSERT_OK(uv_spawn(&loop, &process, &s.options));
  await_end(process.pid);
  ASSERT_EQ(raise(SIGUSR1), 0);
  uv_run(&loop, UV_RUN_NOWAIT);
  ASSERT_EQ(signals, 2);
  ASSERT_EQ(signals_at_exit, 1);
  CLOSE_LOOP(&loop);
}
