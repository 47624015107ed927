/* Host name, system name, uptime, load, time of day, CPUs. */

#include "test-os.h"

#include <sched.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <time.h>

TEST(os_hostname) {
  char expected[UV_MAXHOSTNAMESIZE];

  ASSERT_EQ(gethostname(expected, sizeof(expected)), 0);
  os_check_text(uv_os_gethostname, expected);
}

TEST(os_uname) {
  struct utsname expected;
  uv_utsname_t got;

  ASSERT_EQ(uv_os_uname(NULL), UV_EINVAL);
  ASSERT_EQ(uname(&expected), 0);
  memset(&got, '#', sizeof(got));
  ASSERT_OK(uv_os_uname(&got));
  ASSERT_STR_EQ(got.sysname, expected.sysname);
  ASSERT_STR_EQ(got.release, expected.release);
  ASSERT_STR_EQ(got.version, expected.version);
  ASSERT_STR_EQ(got.machine, expected.machine);
}

TEST(os_uptime_is_the_kernels) {
  struct timespec before, after;
  double uptime;

  ASSERT_EQ(clock_gettime(CLOCK_BOOTTIME, &before), 0);
  ASSERT_OK(uv_uptime(&uptime));
  ASSERT_EQ(clock_gettime(CLOCK_BOOTTIME, &after), 0);
  /* In hundredths, rounded down. */
  ASSERT(uptime >= before.tv_sec + before.tv_nsec / 1e9 - 0.02);
  ASSERT(uptime <= after.tv_sec + after.tv_nsec / 1e9);
}

TEST(os_loadavg) {
  double got[3] = {-1, -1, -1};
  int i;

  uv_loadavg(got);
  for (i = 0; i < 3; i++) ASSERT(got[i] >= 0 && got[i] < 1e6);
}

TEST(os_gettimeofday) {
  struct timeval before, after;
  uv_timeval64_t now;

  ASSERT_EQ(uv_gettimeofday(NULL), UV_EINVAL);
  ASSERT_EQ(gettimeofday(&before, NULL), 0);
  ASSERT_OK(uv_gettimeofday(&now));
  ASSERT_EQ(gettimeofday(&after, NULL), 0);
  ASSERT_GE(now.tv_sec * 1000000 + now.tv_usec,
            before.tv_sec * 1000000 + before.tv_usec);
  ASSERT_LE(now.tv_sec * 1000000 + now.tv_usec,
            after.tv_sec * 1000000 + after.tv_usec);
}

TEST(os_cpu_info) {
  uv_cpu_info_t *before, *after;
  int count, again, i;

  ASSERT_OK(uv_cpu_info(&before, &count));
  ASSERT_EQ(count, get_nprocs());
  ASSERT_OK(uv_cpu_info(&after, &again));
  ASSERT_EQ(again, count);
  for (i = 0; i < count; i++) {
    ASSERT_GT(strlen(after[i].model), 0);
    ASSERT_GE(after[i].speed, 0);
    /* The time of a CPU in user space only grows. The kernel's count of idle time
     * may decrease a little. */
    ASSERT_GE(after[i].cpu_times.user, before[i].cpu_times.user);
    ASSERT_GT(after[i].cpu_times.user + after[i].cpu_times.sys, 0);
    ASSERT_GT(after[i].cpu_times.idle, 0);
  }
  uv_free_cpu_info(before, count);
  uv_free_cpu_info(after, count);
  uv_free_cpu_info(NULL, 0);
}

TEST(os_available_parallelism) {
  cpu_set_t set;

  ASSERT_EQ(sched_getaffinity(0, sizeof(set), &set), 0);
  /* A quota of the control group may make it less. */
  ASSERT_GE(uv_available_parallelism(), 1);
  ASSERT_LE(uv_available_parallelism(), CPU_COUNT(&set));
}
