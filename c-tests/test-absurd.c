/* Files of the system with contents that no kernel writes, and arguments at their extremes. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "test-child.h"
#include "test-fs.h"
#include "test-udp.h"

static uv_loop_t loop;

/* ---- files of the system ------------------------------------------------------ */

static const char* const texts[] = {
    "", "\n", "\n\n\n", " ", "x", "0", "-1", "-1 -1 -1\n", "max", "max max\n", "nan inf 1e999\n",
    "18446744073709551615\n", "18446744073709551616 99999999999999999999999 1\n", "9223372036854775807 1\n", "1 0\n", ".",
    ". . .\n", "1.99999999999999999999999999 2. .3\n", "\xff\xfe\x00\x80", "0::", "0::\n", "::::\n", "1:memory:\n",
    "4:memory:/../../../etc\n3:cpu:relative\n", "0::/..%s%n/\x01\n",
    "MemTotal: kB\nMemFree:\nMemAvailable: -5 kB\n", "MemTotal: 18446744073709551615 kB\nMemAvailable: 18446744073709551615 kB\n",
    "cpu  1\ncpu0\ncpu1 x\n", "cpu 1 2 3\ncpu4294967296 1 2 3 4 5 6 7\ncpu99999 18446744073709551615 1 1 1 1 1 1\n",
    "processor\t: 99999999999\nmodel name\t:\n", "1 (((( S 1 2\n", ")", "1 () 3",
};

static const char* const files[] = {
    "/proc/meminfo", "/proc/stat", "/proc/cpuinfo", "/proc/uptime", "/proc/loadavg", "/proc/self/cgroup", "/proc/self/stat",
};

static void lay_over(const char* path, const char* text, size_t length) {
  int fd = open(test_path("text"), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  ASSERT_GE(fd, 0);
  ASSERT_EQ(write(fd, text, length), length);
  close(fd);
  if (mount(test_path("text"), path, "none", MS_BIND, "") != 0) SKIP("needs the privilege to mount");
}

static const char *the_file, *the_text;
static size_t the_length;

/* Calls all that read these files. What they say is not asserted, but it is an answer. */
static void read_everything(void) {
  uv_cpu_info_t* cpus;
  double loads[3], uptime;
  size_t memory;
  int count;
  lay_over(the_file, the_text, the_length);
  (void) uv_get_total_memory();
  (void) uv_get_free_memory();
  (void) uv_get_constrained_memory();
  (void) uv_get_available_memory();
  ASSERT_GE(uv_available_parallelism(), 1);
  if (uv_cpu_info(&cpus, &count) == 0) {
    ASSERT_GE(count, 0);
    uv_free_cpu_info(cpus, count);
  }
  uv_loadavg(loads);
  ASSERT_LE(uv_uptime(&uptime), 0);
  ASSERT_LE(uv_resident_set_memory(&memory), 0);
}

/* libuv may crash. */
static void read_over(const char* text, size_t length) {
  size_t i;
  for (i = 0; i < COUNT(files); i++) {
    int status;
    the_file = files[i];
    the_text = text;
    the_length = length;
    status = child_status(read_everything);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) SKIP("needs the privilege to mount");
    if (!test_on_reference() && status != 0)
      test_fail(__FILE__, __LINE__, "%s with \"%.40s\": status %#x", the_file, text, status);
  }
}

static void own_mounts(void) {
  if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, "") != 0)
    SKIP("needs the privilege to mount");
}

TEST(absurd_files_of_the_system) {
  size_t i;
  own_mounts();
  for (i = 0; i < COUNT(texts); i++) read_over(texts[i], strlen(texts[i]));
}

TEST(absurd_files_of_the_system_long) {
  enum { LENGTH = 1 << 18 };
  static const char pieces[][16] = {"1", "1 ", "cpu0 1 ", "cpu0 1 2 3 4 5\n", "/", "0::/", "a,", "\n", ":", ")"};
  char* text = malloc(LENGTH);
  size_t i, at;
  own_mounts();
  for (i = 0; i < COUNT(pieces); i++) {
    for (at = 0; at < LENGTH; at++) text[at] = pieces[i][at % strlen(pieces[i])];
    read_over(text, LENGTH);
  }
  free(text);
}

static int looked_up;
static void on_addresses(uv_getaddrinfo_t* req, int status, struct addrinfo* found) {
  (void) req;
  ASSERT_LE(status, 0);
  uv_freeaddrinfo(found);
  looked_up++;
}

TEST(absurd_files_of_the_resolver) {
  static const char* const names[] = {"/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf"};
  char* text = malloc(1 << 16);
  uv_getaddrinfo_t req;
  size_t i, round;
  own_mounts();
  if (unshare(CLONE_NEWNET) != 0) SKIP("needs a network of its own");
  for (i = 0; i < COUNT(names); i++) {
    if (access(names[i], F_OK) != 0) continue;
    for (round = 0; round < 3; round++) {
      static const char line[] = "options ndots:-1 timeout:x\nnameserver 999.1\n999.1 localhost\nhosts: none [\n";
      size_t at;
      for (at = 0; at < 1 << 16; at++) text[at] = round == 0 ? 'a' : round == 1 ? '\n' : line[at % (sizeof(line) - 1)];
      lay_over(names[i], text, 1 << 16);
      looked_up = 0;
      ASSERT_OK(uv_loop_init(&loop));
      ASSERT_OK(uv_getaddrinfo(&loop, &req, on_addresses, "localhost", NULL, NULL));
      ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
      ASSERT_EQ(looked_up, 1);
      CLOSE_LOOP(&loop);
      ASSERT_OK(umount(names[i]));
    }
  }
  free(text);
}

/* ---- arguments ------------------------------------------------------------------ */

static const int64_t offsets[] = {INT64_MIN, INT64_MIN + 1, -(INT64_C(1) << 32), -2,        3,
                                  INT_MAX,   INT64_C(1) << 32, INT64_MAX - 1, INT64_MAX};

/* The result of a system call as libuv's. */
static int64_t as_result(int64_t result) { return result == -1 ? -errno : result; }

FS_TEST(absurd_offsets) {
  char byte;
  uv_buf_t buf = uv_buf_init(&byte, 1);
  int fd = open(fs_make("file", "0123456789", 10), O_RDWR);
  size_t i;
  ASSERT_GE(fd, 0);
  for (i = 0; i < COUNT(offsets); i++) {
    /* A negative offset means the position of the file. */
    ASSERT_EQ(lseek(fd, 5, SEEK_SET), 5);
    FS_IS(offsets[i] < 0 ? 1 : as_result(pread(fd, &byte, 1, offsets[i])), read, fd, &buf, 1, offsets[i]);
  }
  for (i = 0; i < 4; i++) FS_IS(UV_EINVAL, ftruncate, fd, offsets[i]);
  FS_IS(UV_EINVAL, read, fd, NULL, 1, 0);
  FS_IS(UV_EINVAL, read, fd, &buf, 0, 0);
  FS_IS(UV_EINVAL, write, fd, NULL, 1, 0);
  FS_IS(UV_EINVAL, write, fd, &buf, 0, 0);
  close(fd);
}

TEST(absurd_values_of_socket_options) {
  static const int values[] = {INT_MIN, -2, 256, 257, INT_MAX};
  struct sockaddr_in addr = loopback(0);
  uv_tcp_t tcp;
  uv_udp_t udp;
  size_t i;
  ASSERT_OK(uv_loop_init(&loop));
  (void) udp_bound(&loop, &udp, 0, 0);
  for (i = 0; i < COUNT(values); i++) {
    int value = values[i];
    ASSERT_EQ(uv_udp_set_ttl(&udp, value), UV_EINVAL);
    ASSERT_EQ(uv_udp_set_multicast_ttl(&udp, value), UV_EINVAL);
    value = values[i];
    ASSERT_LE(uv_send_buffer_size(HANDLE(&udp), &value), 0);
    value = values[i];
    ASSERT_LE(uv_recv_buffer_size(HANDLE(&udp), &value), 0);
    ASSERT_OK(uv_tcp_init(&loop, &tcp));
    ASSERT_OK(uv_tcp_bind(&tcp, SA(&addr), 0));
    ASSERT_OK(uv_listen(STREAM(&tcp), values[i], never_connection));
    uv_close(HANDLE(&tcp), NULL);
    uv_run(&loop, UV_RUN_NOWAIT);
  }
  CLOSE_LOOP(&loop);
}

/* Sizes of buffers for text, from none on. */
TEST(absurd_sizes_of_buffers) {
  int (*const functions[])(char*, size_t*) = {uv_cwd, uv_exepath, uv_os_homedir, uv_os_tmpdir, uv_os_gethostname};
  char buffer[4096];
  size_t i, size;
  for (i = 0; i < COUNT(functions); i++) {
    size_t room = 1;
    ASSERT_EQ(functions[i](NULL, &room), UV_EINVAL);
    ASSERT_EQ(functions[i](buffer, NULL), UV_EINVAL);
    room = 0;
    ASSERT_EQ(functions[i](buffer, &room), UV_EINVAL);
    for (size = 1; size <= sizeof(buffer); size *= 2) {
      int result;
      room = size;
      memset(buffer, 0x55, sizeof(buffer));
      result = functions[i](buffer, &room);
      if (result == 0) {
        ASSERT_EQ(strlen(buffer), room);
        ASSERT_LT(room, size);
      }
      if (size < sizeof(buffer)) ASSERT_EQ(buffer[size], 0x55);
    }
    /* It is only said that there is so much room. */
    room = SIZE_MAX / 2;
    if (functions[i] != uv_cwd && functions[i] != uv_exepath) ASSERT_OK(functions[i](buffer, &room));
  }
}

/* Variables that are long, empty or without a name. */
TEST(absurd_environment) {
  enum { LENGTH = 1 << 20 };
  char *value = malloc(LENGTH + 1), *found = malloc(LENGTH + 1);
  uv_env_item_t* items;
  size_t size;
  int count, i, seen = 0;
  memset(value, 'x', LENGTH);
  value[LENGTH] = '\0';
  ASSERT_EQ(uv_os_setenv("", "x"), UV_EINVAL);
  ASSERT_EQ(uv_os_setenv("a=b", "x"), UV_EINVAL);
  ASSERT_OK(uv_os_setenv("OXUV_TEST_LONG", value));
  size = LENGTH;
  ASSERT_EQ(uv_os_getenv("OXUV_TEST_LONG", found, &size), UV_ENOBUFS);
  ASSERT_EQ(size, LENGTH + 1);
  ASSERT_OK(uv_os_getenv("OXUV_TEST_LONG", found, &size));
  ASSERT_EQ(size, LENGTH);
  ASSERT_EQ(strcmp(value, found), 0);
  /* Entries that are no variables. */
  ASSERT_OK(putenv((char*) "NO_VALUE="));
  environ[0] = (char*) "no equals sign";
  ASSERT_OK(uv_os_environ(&items, &count));
  for (i = 0; i < count; i++) seen += strcmp(items[i].name, "OXUV_TEST_LONG") == 0;
  ASSERT_EQ(seen, 1);
  uv_os_free_environ(items, count);
  free(value);
  free(found);
}
