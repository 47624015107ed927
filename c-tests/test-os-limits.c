/* Memory and CPUs under limits. The tests lay files of their own over those of
 * the kernel, in a mount namespace that ends with the test's process. */

#include "test-os.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

enum { KIB = 1024 };

static void write_file(const char* path, const char* text) {
  size_t length = strlen(text);
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

  ASSERT_GE(fd, 0);
  ASSERT_EQ(write(fd, text, length), length);
  ASSERT_EQ(close(fd), 0);
}

/* A user namespace gives the privilege to make a mount namespace. */
static int enter_user_namespace(void) {
  char map[64];
  uid_t uid = getuid();
  gid_t gid = getgid();

  if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return -1;
  write_file("/proc/self/setgroups", "deny");
  snprintf(map, sizeof(map), "0 %u 1", (unsigned) uid);
  write_file("/proc/self/uid_map", map);
  snprintf(map, sizeof(map), "0 %u 1", (unsigned) gid);
  write_file("/proc/self/gid_map", map);
  return 0;
}

/* After this /sys/fs/cgroup is empty, and the kernel says that the process is
 * in these control groups. */
static void enter_groups(const char* groups) {
  if (unshare(CLONE_NEWNS) != 0 && enter_user_namespace() != 0)
    SKIP("needs the privilege to make a mount namespace");
  if (mount("none", "/", "none", MS_REC | MS_PRIVATE, "") != 0 ||
      mount("none", "/sys/fs/cgroup", "tmpfs", 0, "") != 0)
    SKIP("needs /sys/fs/cgroup and the privilege to mount");
  write_file(test_path("cgroup"), groups);
  ASSERT_EQ(mount(test_path("cgroup"), "/proc/self/cgroup", "none", MS_BIND,
                  ""), 0);
}

static void put(const char* name, const char* text) {
  char path[256];
  char* slash;

  snprintf(path, sizeof(path), "/sys/fs/cgroup/%s", name);
  for (slash = path + strlen("/sys/fs/cgroup/"); *slash != '\0'; slash++) {
    if (*slash != '/') continue;
    *slash = '\0';
    ASSERT(mkdir(path, 0755) == 0 || errno == EEXIST);
    *slash = '/';
  }
  write_file(path, text);
}

static void lay_over(const char* path, const char* text) {
  const char* copy = test_path(strrchr(path, '/') + 1);

  if (unshare(CLONE_NEWNS) != 0 && enter_user_namespace() != 0)
    SKIP("needs the privilege to make a mount namespace");
  if (mount("none", "/", "none", MS_REC | MS_PRIVATE, "") != 0)
    SKIP("needs the privilege to mount");
  write_file(copy, text);
  if (mount(copy, path, "none", MS_BIND, "") != 0)
    SKIP("needs the privilege to mount");
}

TEST(os_memory_makes_sense) {
  uint64_t total = uv_get_total_memory();

  ASSERT_GT(total, 0);
  ASSERT_GT(uv_get_free_memory(), 0);
  ASSERT_LE(uv_get_free_memory(), total);
  ASSERT_LE(uv_get_available_memory(), total);
}

TEST(os_memory_is_what_meminfo_says) {
  lay_over("/proc/meminfo",
           "MemTotal:       1000 kB\nMemFree:   1 kB\nMemAvailable:  300 kB\n");
  ASSERT_EQ(uv_get_total_memory(), 1000 * KIB);
  ASSERT_EQ(uv_get_free_memory(), 300 * KIB);
}

TEST(os_memory_without_meminfo) {
  lay_over("/proc/meminfo", "");
  ASSERT_GT(uv_get_free_memory(), 0);
  ASSERT_GT(uv_get_total_memory(), uv_get_free_memory());
}

TEST(os_memory_cgroup_v2) {
  enter_groups("0::/a/b\n");
  put("a/b/memory.max", "1000000\n");
  put("a/b/memory.high", "max\n");
  put("a/b/memory.current", "400000\n");
  ASSERT_EQ(uv_get_constrained_memory(), 1000000);
  ASSERT_EQ(uv_get_available_memory(), 600000);
  /* The lower limit counts. */
  put("a/b/memory.high", "700000\n");
  ASSERT_EQ(uv_get_constrained_memory(), 700000);
  ASSERT_EQ(uv_get_available_memory(), 300000);
  put("a/b/memory.current", "800000\n");
  ASSERT_EQ(uv_get_available_memory(), 0);
}

TEST(os_memory_cgroup_v2_unlimited) {
  enter_groups("0::/\n");
  put("memory.max", "max\n");
  put("memory.high", "max\n");
  put("memory.current", "5\n");
  ASSERT_EQ(uv_get_constrained_memory(), UINT64_MAX);
  ASSERT_GT(uv_get_available_memory(), 1 << 20);
}

TEST(os_memory_cgroup_v2_unknown) {
  enter_groups("0::/a\n");
  ASSERT_EQ(uv_get_constrained_memory(), 0);
  ASSERT_GT(uv_get_available_memory(), 1 << 20);
}

TEST(os_memory_cgroup_v1) {
  enter_groups("9:name=systemd:/x\n4:memory:/m\n3:cpu,cpuacct:/c\n0::/z\n");
  put("memory/m/memory.limit_in_bytes", "123456\n");
  put("memory/m/memory.soft_limit_in_bytes", "99999\n");
  put("memory/m/memory.usage_in_bytes", "1111\n");
  ASSERT_EQ(uv_get_constrained_memory(), 99999);
  ASSERT_EQ(uv_get_available_memory(), 98888);
  put("memory/m/memory.soft_limit_in_bytes", "9223372036854771712\n");
  ASSERT_EQ(uv_get_constrained_memory(), 123456);
  put("memory/m/memory.limit_in_bytes", "9223372036854771712\n");
  ASSERT_EQ(uv_get_constrained_memory(), UINT64_MAX);
}

TEST(os_memory_cgroup_v1_in_a_container) {
  /* The path is the host's and does not exist here. */
  enter_groups("4:memory:/docker/0123\n");
  put("memory/memory.limit_in_bytes", "123456\n");
  put("memory/memory.soft_limit_in_bytes", "9223372036854771712\n");
  put("memory/memory.usage_in_bytes", "456\n");
  ASSERT_EQ(uv_get_constrained_memory(), 123456);
  ASSERT_EQ(uv_get_available_memory(), 123000);
}

/* The limits of the groups above hold too. libuv looks at the group alone. */
TEST(os_memory_cgroup_v2_parents) {
  int reference = test_on_reference();

  enter_groups("0::/a/b/c\n");
  put("a/memory.max", "1000000\n");
  put("a/memory.high", "max\n");
  put("a/memory.current", "900000\n");
  put("a/b/memory.max", "800000\n");
  put("a/b/memory.high", "max\n");
  put("a/b/memory.current", "100000\n");
  put("a/b/c/memory.max", "max\n");
  put("a/b/c/memory.high", "max\n");
  put("a/b/c/memory.current", "1000\n");
  ASSERT_EQ(uv_get_constrained_memory(), reference ? UINT64_MAX : 800000);
  /* Less is left of the higher limit. */
  if (!reference) ASSERT_EQ(uv_get_available_memory(), 100000);
  put("a/b/c/memory.max", "50000\n");
  ASSERT_EQ(uv_get_constrained_memory(), 50000);
  ASSERT_EQ(uv_get_available_memory(), 49000);
}

TEST(os_memory_cgroup_v1_parents) {
  int reference = test_on_reference();

  enter_groups("4:memory:/a/b\n");
  put("memory/a/memory.limit_in_bytes", "123456\n");
  put("memory/a/memory.soft_limit_in_bytes", "9223372036854771712\n");
  put("memory/a/memory.usage_in_bytes", "3456\n");
  put("memory/a/b/memory.limit_in_bytes", "9223372036854771712\n");
  put("memory/a/b/memory.soft_limit_in_bytes", "9223372036854771712\n");
  put("memory/a/b/memory.usage_in_bytes", "456\n");
  ASSERT_EQ(uv_get_constrained_memory(), reference ? UINT64_MAX : 123456);
  if (!reference) ASSERT_EQ(uv_get_available_memory(), 120000);
  /* A group can be told not to count the groups below it. */
  put("memory/a/memory.use_hierarchy", "0\n");
  ASSERT_EQ(uv_get_constrained_memory(), UINT64_MAX);
}

TEST(os_memory_resource_limits) {
  struct rlimit limit = {1 << 30, RLIM_INFINITY};

  enter_groups("0::/a\n");
  put("a/memory.max", "max\n");
  put("a/memory.high", "max\n");
  ASSERT_EQ(getrlimit(RLIMIT_DATA, &limit), 0);
  limit.rlim_cur = 1 << 30;
  ASSERT_EQ(setrlimit(RLIMIT_DATA, &limit), 0);
  ASSERT_EQ(uv_get_constrained_memory(), 1 << 30);
  put("a/memory.max", "5000\n");
  ASSERT_EQ(uv_get_constrained_memory(), 5000);
  /* Also where nothing is known of a group. */
  put("a/memory.max", "");
  ASSERT_EQ(uv_get_constrained_memory(), 1 << 30);
}

TEST(os_parallelism_cgroup_quota) {
  unsigned all = uv_available_parallelism();

  enter_groups("0::/a/b\n");
  put("a/b/cgroup.controllers", "cpu memory\n");
  put("a/b/cpu.max", "max 100000\n");
  ASSERT_EQ(uv_available_parallelism(), all);
  put("a/b/cpu.max", "100000000 100000\n");
  ASSERT_EQ(uv_available_parallelism(), all);
  put("a/b/cpu.max", "199999 100000\n");
  ASSERT_EQ(uv_available_parallelism(), 1);
  put("a/b/cpu.max", "50000 100000\n");
  ASSERT_EQ(uv_available_parallelism(), 1);
  put("a/b/cpu.max", "garbage\n");
  ASSERT_EQ(uv_available_parallelism(), all);
  put("a/b/cpu.max", "100000 0\n");
  ASSERT_EQ(uv_available_parallelism(), all);
  /* So do the quotas of the groups above. */
  put("cpu.max", "100000 100000\n");
  ASSERT_EQ(uv_available_parallelism(), 1);
}

/* libuv does not find the quotas of version 1. */
TEST(os_parallelism_cgroup_v1_quota) {
  unsigned all = uv_available_parallelism();
  unsigned one = test_on_reference() ? all : 1;

  enter_groups("4:memory:/m\n3:cpu,cpuacct:/a/b\n");
  put("cpu/a/b/cpu.cfs_period_us", "100000\n");
  put("cpu/a/b/cpu.cfs_quota_us", "-1\n");
  ASSERT_EQ(uv_available_parallelism(), all);
  put("cpu/a/b/cpu.cfs_quota_us", "199999\n");
  ASSERT_EQ(uv_available_parallelism(), one);
  put("cpu/a/b/cpu.cfs_quota_us", "100000000\n");
  ASSERT_EQ(uv_available_parallelism(), all);
  put("cpu/a/b/cpu.cfs_period_us", "0\n");
  ASSERT_EQ(uv_available_parallelism(), all);
  /* The groups above, and the root, which is the group itself in a container. */
  put("cpu/cpu.cfs_period_us", "100000\n");
  put("cpu/cpu.cfs_quota_us", "50000\n");
  ASSERT_EQ(uv_available_parallelism(), one);
}

TEST(os_cpu_times_and_models) {
  uv_cpu_info_t* cpus;
  int count;

  lay_over("/proc/stat",
           "cpu  9 9 9 9 9 9 9\ncpu0 1 2 3 4 5 6 7 8 9 10\n"
           "cpu2 11 12 13 14 15 16 17\nintr 1 2 3\n");
  lay_over("/proc/cpuinfo",
           "processor\t: 0\nmodel name\t: A CPU @ 1 GHz\n\n"
           "processor\t: 2\nmodel name\t: A CPU @ 1 GHz\n\n");
  ASSERT_OK(uv_cpu_info(&cpus, &count));
  ASSERT_EQ(count, 2);
  ASSERT_STR_EQ(cpus[0].model, "A CPU @ 1 GHz");
  ASSERT_STR_EQ(cpus[1].model, "A CPU @ 1 GHz");
  /* In milliseconds; the kernel's unit is a hundredth of a second. */
  ASSERT_EQ(sysconf(_SC_CLK_TCK), 100);
  ASSERT_EQ(cpus[0].cpu_times.user, 10);
  ASSERT_EQ(cpus[0].cpu_times.nice, 20);
  ASSERT_EQ(cpus[0].cpu_times.sys, 30);
  ASSERT_EQ(cpus[0].cpu_times.idle, 40);
  ASSERT_EQ(cpus[0].cpu_times.irq, 60);
  ASSERT_EQ(cpus[1].cpu_times.user, 110);
  ASSERT_EQ(cpus[1].cpu_times.irq, 160);
  uv_free_cpu_info(cpus, count);
}

TEST(os_uptime_and_load_of_a_container) {
  double uptime, load[3];

  lay_over("/proc/uptime", "12345.67 99.00\n");
  ASSERT_OK(uv_uptime(&uptime));
  ASSERT(uptime > 12345.66 && uptime < 12345.68);
  lay_over("/proc/loadavg", "0.50 1.25 3.75 1/2 3\n");
  uv_loadavg(load);
  ASSERT(load[0] == 0.5 && load[1] == 1.25 && load[2] == 3.75);
}

TEST(os_uptime_and_load_without_files) {
  double uptime = -1, load[3] = {-1, -1, -1};

  lay_over("/proc/uptime", "garbage\n");
  ASSERT_OK(uv_uptime(&uptime));
  ASSERT(uptime > 0);
  lay_over("/proc/loadavg", "1.0\n");
  uv_loadavg(load);
  ASSERT(load[0] >= 0 && load[1] >= 0 && load[2] >= 0);
}
