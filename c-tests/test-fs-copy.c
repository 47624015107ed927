/* copyfile and sendfile. */
#include <sys/resource.h>
#include <sys/sysmacros.h>
#include <signal.h>

#include "test-fs.h"

FS_TEST(fs_copyfile_sizes) {
  static const size_t sizes[] = {0, 1, 4095, 4096, 8193, 100000, 3 << 20};
  size_t i;
  for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
    char* bytes = fs_pattern(sizes[i] + 1);
    const char* from = fs_make("from", bytes, sizes[i]);
    const char* to = test_path("to");
    ASSERT_EQ(FS(copyfile, from, to, 0), 0);
    ASSERT_STR_EQ(fs_req.path, from);
    ASSERT_NULL(fs_req.ptr);
    fs_clean();
    fs_assert_file(to, bytes, sizes[i]);
    fs_assert_file(from, bytes, sizes[i]);
    unlink(to);
    free(bytes);
  }
}

/* A longer file that is in the way is cut to the new size. */
FS_TEST(fs_copyfile_overwrites) {
  const char* from = fs_make("from", "short", 5);
  const char* to = fs_make("to", "something longer", 16);
  FS_OK(copyfile, from, to, 0);
  fs_assert_file(to, "short", 5);
}

FS_TEST(fs_copyfile_excl) {
  const char* from = fs_make("from", "new", 3);
  const char* to = fs_make("to", "old", 3);
  FS_IS(UV_EEXIST, copyfile, from, to, UV_FS_COPYFILE_EXCL);
  fs_assert_file(to, "old", 3);
  FS_IS(UV_EEXIST, copyfile, from, from, UV_FS_COPYFILE_EXCL);
  ASSERT_OK(unlink(to));
  FS_OK(copyfile, from, to, UV_FS_COPYFILE_EXCL);
  fs_assert_file(to, "new", 3);
}

FS_TEST(fs_copyfile_onto_itself) {
  const char* file = fs_make("file", "precious", 8);
  ASSERT_OK(link(file, test_path("hard")));
  ASSERT_OK(symlink("file", test_path("soft")));
  FS_OK(copyfile, file, file, 0);
  FS_OK(copyfile, file, test_path("hard"), 0);
  FS_OK(copyfile, file, test_path("soft"), UV_FS_COPYFILE_FICLONE);
  FS_OK(copyfile, test_path("soft"), file, 0);
  fs_assert_file(file, "precious", 8);
}

/* Mode and times come along; the owner too where that is allowed. */
FS_TEST(fs_copyfile_attributes) {
  static const int modes[] = {0600, 0640, 0444, 0755, 0777};
  struct timespec times[] = {{12345, 678000000}, {98765, 432000000}};
  const char* to = test_path("to");
  struct stat st;
  size_t i;
  umask(077);
  for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
    const char* from = fs_make("from", "x", 1);
    ASSERT_OK(chmod(from, modes[i]));
    ASSERT_OK(utimensat(AT_FDCWD, from, times, 0));
    FS_OK(copyfile, from, to, 0);
    ASSERT_OK(stat(to, &st));
    ASSERT_EQ(st.st_mode, S_IFREG | modes[i]);
    ASSERT_EQ(st.st_atim.tv_sec, times[0].tv_sec);
    ASSERT_EQ(st.st_atim.tv_nsec, times[0].tv_nsec);
    ASSERT_EQ(st.st_uid, geteuid());
    ASSERT_OK(unlink(to));
    ASSERT_OK(unlink(from));
  }
  if (geteuid() == 0) {
    const char* from = fs_make("from", "x", 1);
    ASSERT_OK(chown(from, 11, 12));
    FS_OK(copyfile, from, to, 0);
    ASSERT_OK(stat(to, &st));
    ASSERT_EQ(st.st_uid, 11);
    ASSERT_EQ(st.st_gid, 12);
  }
}

FS_TEST(fs_copyfile_bad_flags) {
  const char* from = fs_make("from", "x", 1);
  const char* to = test_path("to");
  FS_IS(UV_EINVAL, copyfile, from, to, -1);
  FS_IS(UV_EINVAL, copyfile, from, to, 8);
  FS_IS(UV_EINVAL, copyfile, from, to, UV_FS_COPYFILE_EXCL | 0x10);
  ASSERT(!fs_exists(to));
}

FS_TEST(fs_copyfile_clone) {
  const char* from = fs_make("from", "clone me", 8);
  const char* to = test_path("to");
  int result;
  FS_OK(copyfile, from, to, UV_FS_COPYFILE_FICLONE);
  fs_assert_file(to, "clone me", 8);
  ASSERT_OK(unlink(to));
  result = FS(copyfile, from, to, UV_FS_COPYFILE_FICLONE_FORCE);
  fs_clean();
  if (result == 0) {
    fs_assert_file(to, "clone me", 8);
  } else {
    ASSERT(result == UV_ENOTSUP || result == UV_ENOTTY || result == UV_ENOSYS);
    ASSERT(!fs_exists(to));
  }
}

/* A copy that fails leaves nothing half-made behind. */
FS_TEST(fs_copyfile_errors) {
  const char* file = fs_make("file", "x", 1);
  const char* dir = test_path("dir");
  const char* to = test_path("to");
  ASSERT_OK(mkdir(dir, 0777));
  FS_IS(UV_ENOENT, copyfile, test_path("missing"), to, 0);
  ASSERT(!fs_exists(to));
  FS_IS(UV_EISDIR, copyfile, dir, to, 0);
  ASSERT(!fs_exists(to));
  FS_IS(UV_EISDIR, copyfile, file, dir, 0);
  ASSERT(fs_exists(dir));
  FS_IS(UV_ENOENT, copyfile, file, test_path("missing/to"), 0);
}

FS_TEST(fs_copyfile_out_of_space) {
  enum { LIMIT = 10000 };
  char* bytes = fs_pattern(3 * LIMIT);
  const char* from = fs_make("from", bytes, 3 * LIMIT);
  const char* to = test_path("to");
  struct rlimit old;
  struct rlimit limit;
  signal(SIGXFSZ, SIG_IGN);
  ASSERT_OK(getrlimit(RLIMIT_FSIZE, &old));
  limit = old;
  limit.rlim_cur = LIMIT;
  ASSERT_OK(setrlimit(RLIMIT_FSIZE, &limit));
  FS_IS(UV_EFBIG, copyfile, from, to, 0);
  ASSERT_OK(setrlimit(RLIMIT_FSIZE, &old));
  ASSERT(!fs_exists(to));
  fs_assert_file(from, bytes, 3 * LIMIT);
  free(bytes);
}

/* Copies a file that gets larger than is allowed. */
static void copy_too_much(const char* from, const char* to) {
  struct rlimit old;
  struct rlimit limit;
  signal(SIGXFSZ, SIG_IGN);
  ASSERT_OK(getrlimit(RLIMIT_FSIZE, &old));
  limit = old;
  limit.rlim_cur = 10000;
  ASSERT_OK(setrlimit(RLIMIT_FSIZE, &limit));
  FS_IS(UV_EFBIG, copyfile, from, to, 0);
  ASSERT_OK(setrlimit(RLIMIT_FSIZE, &old));
}

/* A copy that fails removes no file that was there before. libuv removes it. */
FS_TEST(fs_copyfile_error_keeps_a_file_that_was_there) {
  char* bytes = fs_pattern(30000);
  const char* from = fs_make("from", bytes, 30000);
  const char* to = fs_make("to", "old", 3);
  const char* soft = test_path("soft");
  struct stat before;
  struct stat after;
  ASSERT_OK(link(to, test_path("hard")));
  ASSERT_OK(stat(to, &before));
  copy_too_much(from, to);
  ASSERT_EQ(fs_exists(to), !test_on_reference());
  ASSERT_OK(stat(test_path("hard"), &after));
  ASSERT_EQ(after.st_nlink, test_on_reference() ? 1 : 2);
  ASSERT_EQ(after.st_ino, before.st_ino);
  /* A link to a file, and one to nothing. */
  ASSERT_OK(symlink("hard", soft));
  copy_too_much(from, soft);
  ASSERT_EQ(readlink(soft, bytes, 8), test_on_reference() ? -1 : 4);
  unlink(soft);
  ASSERT_OK(symlink("nothing", soft));
  copy_too_much(from, soft);
  ASSERT_EQ(readlink(soft, bytes, 8), test_on_reference() ? -1 : 7);
  free(bytes);
}

/* Nor what is no regular file. The first step of the copy, which is to cut the file,
 * fails for a device. */
FS_TEST(fs_copyfile_error_keeps_a_device) {
  const char* from = fs_make("from", "x", 1);
  const char* device = test_path("device");
  if (mknod(device, S_IFCHR | 0600, makedev(1, 3)) != 0)
    SKIP("needs the privilege to make a device");
  FS_IS(UV_EINVAL, copyfile, from, device, 0);
  ASSERT_EQ(fs_exists(device), !test_on_reference());
}

static size_t read_all(const char* path, char* bytes, size_t size) {
  int fd = fs_open_plain(path, O_RDONLY);
  size_t length = 0;
  ssize_t count;
  while ((count = read(fd, bytes + length, size - length)) > 0)
    length += (size_t) count;
  ASSERT_EQ(count, 0);
  close(fd);
  return length;
}

/* The size of a file in /proc is said to be 0, and the copy has the content all the
 * same. libuv makes an empty file and reports success. */
FS_TEST(fs_copyfile_of_proc) {
  static const char* const paths[] = {"/proc/version", "/proc/self/environ",
                                      "/proc/self/limits"};
  static const int flags[] = {0, UV_FS_COPYFILE_EXCL, UV_FS_COPYFILE_FICLONE};
  static char original[1 << 16];
  const char* to = test_path("to");
  size_t i;
  for (i = 0; i < COUNT(paths); i++) {
    size_t length = read_all(paths[i], original, sizeof(original));
    ASSERT_GT(length, 0);
    FS_OK(copyfile, paths[i], to, flags[i]);
    fs_assert_file(to, original, test_on_reference() ? 0 : length);
    ASSERT_OK(unlink(to));
  }
}

/* The size of a file in /sys is that of a page, whatever its content is. libuv asks for
 * the rest again and again, and does not return. */
FS_TEST(fs_copyfile_of_sysfs) {
  const char* from = "/sys/class/net/lo/mtu";
  const char* to = test_path("to");
  char original[64];
  size_t length;
  if (!fs_exists(from)) SKIP("there is no sysfs");
  SKIP_ON_REFERENCE("libuv does not return");
  length = read_all(from, original, sizeof(original));
  FS_OK(copyfile, from, to, 0);
  fs_assert_file(to, original, length);
}

/* A device has a size of 0 too, and may have no end. */
FS_TEST(fs_copyfile_of_a_device_is_empty) {
  const char* to = test_path("to");
  FS_OK(copyfile, "/dev/zero", to, 0);
  fs_assert_file(to, "", 0);
}

/* Holes stay holes. libuv writes zeros. */
FS_TEST(fs_copyfile_keeps_holes) {
  enum { SIZE = 8 << 20, DATA = 5 << 20 };
  static const int ends[] = {DATA + 5, SIZE};
  const char* from = test_path("from");
  const char* to = test_path("to");
  char* bytes = calloc(1, SIZE);
  size_t i;
  ASSERT_NOT_NULL(bytes);
  for (i = 0; i < COUNT(ends); i++) {
    int fd = fs_open_plain(from, O_RDWR | O_CREAT | O_TRUNC);
    struct stat original;
    struct stat copy;
    ASSERT_EQ(pwrite(fd, "begin", 5, 4096), 5);
    ASSERT_EQ(pwrite(fd, "later", 5, DATA), 5);
    memcpy(bytes + 4096, "begin", 5);
    memcpy(bytes + DATA, "later", 5);
    ASSERT_OK(ftruncate(fd, ends[i]));
    close(fd);
    ASSERT_OK(stat(from, &original));
    if (original.st_blocks > 1024) SKIP("needs a file system with holes");
    FS_OK(copyfile, from, to, 0);
    fs_assert_file(to, bytes, (size_t) ends[i]);
    ASSERT_OK(stat(to, &copy));
    if (!test_on_reference()) ASSERT_LE(copy.st_blocks, 1024);
    ASSERT_OK(unlink(to));
  }
  /* Nothing but a hole. */
  ASSERT_OK(truncate(from, 0));
  ASSERT_OK(truncate(from, SIZE));
  memset(bytes, 0, SIZE);
  FS_OK(copyfile, from, to, 0);
  fs_assert_file(to, bytes, SIZE);
  free(bytes);
}

FS_TEST(fs_copyfile_across_devices) {
  enum { SIZE = 1000003 };
  char to[PATH_MAX];
  char* bytes = fs_pattern(SIZE);
  const char* from = fs_make("from", bytes, SIZE);
  struct stat here;
  struct stat there;
  ASSERT_OK(stat(from, &here));
  if (stat("/dev/shm", &there) != 0 || here.st_dev == there.st_dev)
    SKIP("needs a second file system");
  snprintf(to, sizeof(to), "/dev/shm/oxuv-copyfile-%d", (int) getpid());
  FS_OK(copyfile, from, to, 0);
  fs_assert_file(to, bytes, SIZE);
  FS_OK(copyfile, to, test_path("back"), 0);
  fs_assert_file(test_path("back"), bytes, SIZE);
  ASSERT_OK(unlink(to));
  free(bytes);
}

/* --- sendfile --- */

FS_TEST(fs_sendfile_offsets) {
  static const struct {
    int64_t offset;
    size_t length;
    const char* want;
  } steps[] = {
      {0, 4, "0123"},  {6, 2, "67"}, {6, 100, "6789"},
      {0, 0, ""},      {10, 5, ""},  {1000, 5, ""},
  };
  int in = fs_open_plain(fs_make("in", "0123456789", 10), O_RDONLY);
  size_t i;
  for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
    const char* path = test_path("out");
    int out = fs_open_plain(path, O_WRONLY | O_CREAT | O_TRUNC);
    size_t len = strlen(steps[i].want);
    FS_IS(len, sendfile, out, in, steps[i].offset, steps[i].length);
    fs_assert_file(path, steps[i].want, len);
    /* The input keeps its position, the output moves on. */
    ASSERT_EQ(lseek(in, 0, SEEK_CUR), 0);
    ASSERT_EQ(lseek(out, 0, SEEK_CUR), len);
    close(out);
  }
  close(in);
}

FS_TEST(fs_sendfile_appends_at_position) {
  const char* path = fs_make("out", "head-", 5);
  int in = fs_open_plain(fs_make("in", "0123456789", 10), O_RDONLY);
  int out = fs_open_plain(path, O_WRONLY);
  ASSERT_EQ(lseek(out, 0, SEEK_END), 5);
  FS_IS(3, sendfile, out, in, 2, 3);
  FS_IS(3, sendfile, out, in, 5, 3);
  fs_assert_file(path, "head-234567", 11);
  close(in);
  close(out);
}

FS_TEST(fs_sendfile_large) {
  enum { SIZE = 5000011, AT = 4097 };
  char* bytes = fs_pattern(SIZE);
  const char* path = test_path("out");
  int in = fs_open_plain(fs_make("in", bytes, SIZE), O_RDONLY);
  int out = fs_open_plain(path, O_WRONLY | O_CREAT);
  FS_IS(SIZE - AT, sendfile, out, in, AT, SIZE);
  fs_assert_file(path, bytes + AT, SIZE - AT);
  close(in);
  close(out);
  free(bytes);
}

/* Pipes can neither be copied from nor to by the kernel's file-to-file call;
 * the data gets there all the same. */
FS_TEST(fs_sendfile_pipes) {
  char bytes[16];
  const char* path = test_path("out");
  int in = fs_open_plain(fs_make("in", "0123456789", 10), O_RDONLY);
  int out = fs_open_plain(path, O_WRONLY | O_CREAT);
  int fds[2];
  ASSERT_OK(pipe(fds));
  FS_IS(7, sendfile, fds[1], in, 3, 100);
  ASSERT_EQ(read(fds[0], bytes, sizeof(bytes)), 7);
  ASSERT_MEM_EQ(bytes, "3456789", 7);
  ASSERT_EQ(write(fds[1], "from a pipe", 11), 11);
  close(fds[1]);
  FS_IS(11, sendfile, out, fds[0], 0, 11);
  fs_assert_file(path, "from a pipe", 11);
  close(fds[0]);
  close(in);
  close(out);
}

FS_TEST(fs_sendfile_errors) {
  int in = fs_open_plain(fs_make("in", "0123456789", 10), O_RDONLY);
  int out = fs_open_plain(test_path("out"), O_WRONLY | O_CREAT);
  int append = fs_open_plain(test_path("out"), O_WRONLY | O_APPEND);
  int dir = fs_open_plain(test_path("."), O_RDONLY);
  FS_IS(UV_EBADF, sendfile, in, in, 0, 1);
  FS_IS(UV_EBADF, sendfile, out, out, 0, 1);
  FS_IS(UV_EBADF, sendfile, append, in, 0, 1);
  FS_IS(UV_EISDIR, sendfile, out, dir, 0, 1);
  FS_IS(UV_EOVERFLOW, sendfile, out, in, -1, 1);
  fs_assert_file(test_path("out"), "", 0);
  close(in);
  close(out);
  close(append);
  close(dir);
}
