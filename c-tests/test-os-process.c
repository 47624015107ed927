/* Process ids, priorities, signals, resources. */

#include "test-os.h"

#include <signal.h>
#include <sys/resource.h>

/* No process: there are never as many. */
enum { NO_PROCESS = 0x7ffffff0 };

TEST(os_pid_and_parent) {
  pid_t parent = getpid(), pid;

  ASSERT_EQ(uv_os_getpid(), getpid());
  ASSERT_EQ(uv_os_getppid(), getppid());
  pid = fork();
  ASSERT_GE(pid, 0);
  if (pid == 0)
    _exit(uv_os_getpid() != getpid() || uv_os_getppid() != parent);
  await_child(pid);
}

TEST(os_priority) {
  int got, lower = UV_PRIORITY_BELOW_NORMAL;

  ASSERT_OK(uv_os_getpriority(0, &got));
  ASSERT_EQ(got, getpriority(PRIO_PROCESS, 0));
  /* The tests may run under nice, and raising needs a privilege. */
  if (lower < got) lower = got;
  ASSERT_OK(uv_os_setpriority(0, lower));
  ASSERT_OK(uv_os_getpriority(getpid(), &got));
  ASSERT_EQ(got, lower);
  ASSERT_OK(uv_os_setpriority(getpid(), UV_PRIORITY_LOW));
  ASSERT_OK(uv_os_getpriority(0, &got));
  ASSERT_EQ(got, UV_PRIORITY_LOW);
}

TEST(os_priority_negative) {
  int got;

  if (uv_os_setpriority(0, -1) == UV_EACCES)
    SKIP("needs the privilege to raise a priority");
  /* -1 is a value, not a failure. */
  ASSERT_OK(uv_os_getpriority(0, &got));
  ASSERT_EQ(got, -1);
}

TEST(os_priority_errors) {
  int got = 7;

  ASSERT_EQ(uv_os_getpriority(0, NULL), UV_EINVAL);
  ASSERT_EQ(uv_os_getpriority(NO_PROCESS, &got), UV_ESRCH);
  ASSERT_EQ(got, 7);
  ASSERT_EQ(uv_os_setpriority(NO_PROCESS, 0), UV_ESRCH);
  ASSERT_EQ(uv_os_setpriority(0, UV_PRIORITY_HIGHEST - 1), UV_EINVAL);
  ASSERT_EQ(uv_os_setpriority(0, UV_PRIORITY_LOW + 1), UV_EINVAL);
}

static volatile sig_atomic_t received;

static void receive(int signum) { received = signum; }

TEST(os_kill) {
  ASSERT_NE(signal(SIGUSR1, receive), SIG_ERR);
  ASSERT_OK(uv_kill(getpid(), SIGUSR1));
  ASSERT_EQ(received, SIGUSR1);
  received = 0;
  ASSERT_OK(uv_kill(getpid(), 0));
  ASSERT_EQ(received, 0);
  ASSERT_EQ(uv_kill(NO_PROCESS, 0), UV_ESRCH);
  ASSERT_EQ(uv_kill(NO_PROCESS, SIGTERM), UV_ESRCH);
  ASSERT_EQ(uv_kill(getpid(), -1), UV_EINVAL);
  ASSERT_EQ(uv_kill(getpid(), 65), UV_EINVAL);
}

TEST(os_resident_set_grows) {
  enum { SIZE = 64 << 20 };
  size_t before, after;
  char* block;

  ASSERT_OK(uv_resident_set_memory(&before));
  ASSERT_GT(before, 0);
  ASSERT_EQ(before % (size_t) sysconf(_SC_PAGESIZE), 0);
  block = malloc(SIZE);
  ASSERT_NOT_NULL(block);
  memset(block, 1, SIZE);
  ASSERT_OK(uv_resident_set_memory(&after));
  ASSERT_EQ(block[SIZE - 1], 1);
  /* The kernel counts with a few pages of delay. */
  ASSERT_GE(after, before + SIZE - (1 << 20));
  free(block);
}

static int64_t microseconds(uv_timeval_t time) {
  return (int64_t) time.tv_sec * 1000000 + time.tv_usec;
}

static int64_t microseconds_of(struct timeval time) {
  return (int64_t) time.tv_sec * 1000000 + time.tv_usec;
}

static void check_usage(int (*get)(uv_rusage_t*), int who) {
  struct rusage before, after;
  uv_rusage_t got;

  memset(&got, '#', sizeof(got));
  ASSERT_EQ(getrusage(who, &before), 0);
  ASSERT_OK(get(&got));
  ASSERT_EQ(getrusage(who, &after), 0);
  ASSERT_GE(microseconds(got.ru_utime), microseconds_of(before.ru_utime));
  ASSERT_LE(microseconds(got.ru_utime), microseconds_of(after.ru_utime));
  ASSERT_GE(microseconds(got.ru_stime), microseconds_of(before.ru_stime));
  ASSERT_LE(microseconds(got.ru_stime), microseconds_of(after.ru_stime));
  ASSERT_GE(got.ru_maxrss, before.ru_maxrss);
  ASSERT_LE(got.ru_maxrss, after.ru_maxrss);
  ASSERT_GE(got.ru_minflt, before.ru_minflt);
  ASSERT_LE(got.ru_minflt, after.ru_minflt);
  ASSERT_GE(got.ru_majflt, before.ru_majflt);
  ASSERT_LE(got.ru_majflt, after.ru_majflt);
  ASSERT_GE(got.ru_nvcsw, before.ru_nvcsw);
  ASSERT_LE(got.ru_nivcsw, after.ru_nivcsw);
  /* Linux does not count these. */
  ASSERT_EQ(got.ru_ixrss, 0);
  ASSERT_EQ(got.ru_idrss, 0);
  ASSERT_EQ(got.ru_isrss, 0);
  ASSERT_EQ(got.ru_nswap, 0);
  ASSERT_EQ(got.ru_msgsnd, 0);
  ASSERT_EQ(got.ru_msgrcv, 0);
  ASSERT_EQ(got.ru_nsignals, 0);
}

TEST(os_rusage_of_the_process) { check_usage(uv_getrusage, RUSAGE_SELF); }

TEST(os_rusage_of_the_thread) {
  check_usage(uv_getrusage_thread, RUSAGE_THREAD);
}
