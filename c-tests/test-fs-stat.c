/* stat, lstat, fstat, statfs, and what changes them: access, chmod, chown,
 * utime. */
#define _GNU_SOURCE /* statx */
#include <math.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "test-fs.h"

/* Compares every field with the kernel's. */
static void assert_stat(int dirfd, const char* path, int flags) {
  const uv_stat_t* s = &fs_req.statbuf;
  struct stat st;
  ASSERT_OK(fstatat(dirfd, path, &st, flags));
  ASSERT_EQ(s->st_dev, st.st_dev);
  ASSERT_EQ(s->st_mode, st.st_mode);
  ASSERT_EQ(s->st_nlink, st.st_nlink);
  ASSERT_EQ(s->st_uid, st.st_uid);
  ASSERT_EQ(s->st_gid, st.st_gid);
  ASSERT_EQ(s->st_rdev, st.st_rdev);
  ASSERT_EQ(s->st_ino, st.st_ino);
  ASSERT_EQ(s->st_size, st.st_size);
  ASSERT_EQ(s->st_blksize, st.st_blksize);
  ASSERT_EQ(s->st_blocks, st.st_blocks);
  ASSERT_EQ(s->st_flags, 0);
  ASSERT_EQ(s->st_gen, 0);
  ASSERT_EQ(s->st_atim.tv_sec, st.st_atim.tv_sec);
  ASSERT_EQ(s->st_atim.tv_nsec, st.st_atim.tv_nsec);
  ASSERT_EQ(s->st_mtim.tv_sec, st.st_mtim.tv_sec);
  ASSERT_EQ(s->st_mtim.tv_nsec, st.st_mtim.tv_nsec);
  ASSERT_EQ(s->st_ctim.tv_sec, st.st_ctim.tv_sec);
  ASSERT_EQ(s->st_ctim.tv_nsec, st.st_ctim.tv_nsec);
#ifdef STATX_BTIME /* musl has it since 1.2.4 */
  {
    struct statx stx;
    ASSERT_OK(statx(dirfd, path, flags, STATX_BASIC_STATS | STATX_BTIME, &stx));
    ASSERT_EQ(s->st_birthtim.tv_sec, stx.stx_btime.tv_sec);
    ASSERT_EQ(s->st_birthtim.tv_nsec, stx.stx_btime.tv_nsec);
  }
#endif
  ASSERT_PTR_EQ(fs_req.ptr, s);
}

FS_TEST(fs_stat_fields) {
  const char* paths[] = {
      fs_make("file", "0123456789", 10), test_path("."), test_path("fifo"),
      test_path("link"),                 "/dev/null",    "/proc/self/status",
      "/",                               "/dev",
  };
  size_t i;
  ASSERT_OK(mkfifo(paths[2], 0644));
  ASSERT_OK(symlink("file", paths[3]));
  ASSERT_OK(link(paths[0], test_path("hard")));
  for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
    int fd;
    ASSERT_EQ(FS(stat, paths[i]), 0);
    assert_stat(AT_FDCWD, paths[i], 0);
    ASSERT_STR_EQ(fs_req.path, paths[i]);
    fs_clean();
    ASSERT_EQ(FS(lstat, paths[i]), 0);
    assert_stat(AT_FDCWD, paths[i], AT_SYMLINK_NOFOLLOW);
    fs_clean();
    fd = fs_open_plain(paths[i], O_RDONLY | O_NONBLOCK);
    ASSERT_EQ(FS(fstat, fd), 0);
    assert_stat(fd, "", AT_EMPTY_PATH);
    ASSERT_NULL(fs_req.path);
    fs_clean();
    close(fd);
  }
}

FS_TEST(fs_lstat_does_not_follow) {
  const char* link = test_path("link");
  ASSERT_OK(symlink("nowhere", link));
  ASSERT_EQ(FS(lstat, link), 0);
  ASSERT(S_ISLNK(fs_req.statbuf.st_mode));
  ASSERT_EQ(fs_req.statbuf.st_size, 7);
  fs_clean();
  FS_IS(UV_ENOENT, stat, link);
}

FS_TEST(fs_fstat_pipe_and_stdio) {
  int fds[2];
  int fd;
  ASSERT_OK(pipe(fds));
  ASSERT_EQ(FS(fstat, fds[0]), 0);
  ASSERT(S_ISFIFO(fs_req.statbuf.st_mode));
  fs_clean();
  for (fd = 0; fd <= 2; fd++) FS_OK(fstat, fd);
  close(fds[0]);
  close(fds[1]);
}

/* A failed call says nothing about a file. */
FS_TEST(fs_stat_error_has_no_ptr) {
  ASSERT_EQ(FS(stat, test_path("missing")), UV_ENOENT);
  ASSERT_NULL(fs_req.ptr);
  fs_clean();
  ASSERT_EQ(FS(fstat, -1), UV_EBADF);
  ASSERT_NULL(fs_req.ptr);
  fs_clean();
}

FS_TEST(fs_statfs) {
  const char* paths[] = {test_path("."), fs_make("file", "", 0), "/proc"};
  size_t i;
  for (i = 0; i < 3; i++) {
    struct statfs want;
    uv_statfs_t* have;
    ASSERT_OK(statfs(paths[i], &want));
    ASSERT_EQ(FS(statfs, paths[i]), 0);
    have = fs_req.ptr;
    ASSERT_NOT_NULL(have);
    ASSERT_EQ(have->f_type, (uint64_t) want.f_type);
    ASSERT_EQ(have->f_bsize, want.f_bsize);
    ASSERT_EQ(have->f_frsize, want.f_frsize);
    ASSERT_EQ(have->f_blocks, want.f_blocks);
    ASSERT_LE(have->f_bfree, have->f_blocks);
    ASSERT_LE(have->f_bavail, have->f_bfree);
    ASSERT_EQ(have->f_files, want.f_files);
    ASSERT_LE(have->f_ffree, have->f_files);
    fs_clean();
  }
  ASSERT_EQ(FS(statfs, test_path("missing")), UV_ENOENT);
  ASSERT_NULL(fs_req.ptr);
  fs_clean();
}

/* --- access, chmod, chown --- */

FS_TEST(fs_access) {
  const char* path = fs_make("file", "", 0);
  ASSERT_OK(chmod(path, 0600));
  FS_OK(access, path, F_OK);
  FS_OK(access, path, R_OK | W_OK);
  FS_IS(UV_EACCES, access, path, X_OK); /* not even for root */
  ASSERT_OK(chmod(path, 0700));
  FS_OK(access, path, R_OK | W_OK | X_OK);
  FS_IS(UV_EINVAL, access, path, 0x100);
  FS_IS(UV_ENOENT, access, test_path("missing"), F_OK);
}

FS_TEST(fs_chmod_fchmod) {
  static const int modes[] = {0, 0200, 0400, 0600, 0644, 0777, 04755, 01777};
  const char* path = fs_make("file", "", 0);
  const char* link = test_path("link");
  int fd = fs_open_plain(path, O_RDONLY);
  struct stat st;
  size_t i;
  ASSERT_OK(symlink(path, link));
  for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
    FS_OK(chmod, link, modes[i]);
    ASSERT_OK(stat(path, &st));
    ASSERT_EQ(st.st_mode, S_IFREG | modes[i]);
  }
  for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
    FS_OK(fchmod, fd, modes[i]);
    ASSERT_OK(stat(path, &st));
    ASSERT_EQ(st.st_mode, S_IFREG | modes[i]);
  }
  FS_IS(UV_ENOENT, chmod, test_path("missing"), 0600);
  close(fd);
}

/* -1 leaves an id as it is, so these succeed without privileges. */
FS_TEST(fs_chown_keeps_with_minus_one) {
  const char* path = fs_make("file", "", 0);
  const char* link = test_path("link");
  int fd = fs_open_plain(path, O_RDONLY);
  struct stat before;
  struct stat after;
  ASSERT_OK(symlink("nowhere", link));
  ASSERT_OK(stat(path, &before));
  FS_OK(chown, path, -1, -1);
  FS_OK(fchown, fd, -1, -1);
  FS_OK(lchown, path, -1, -1);
  FS_OK(lchown, link, -1, -1);
  FS_IS(UV_ENOENT, chown, link, -1, -1);
  ASSERT_OK(stat(path, &after));
  ASSERT_EQ(before.st_uid, after.st_uid);
  ASSERT_EQ(before.st_gid, after.st_gid);
  close(fd);
}

FS_TEST(fs_chown_as_root) {
  const char* path = fs_make("file", "", 0);
  const char* link = test_path("link");
  int fd = fs_open_plain(path, O_RDONLY);
  struct stat st;
  if (geteuid() != 0) SKIP("needs root");
  ASSERT_OK(symlink(path, link));
  FS_OK(chown, link, 11, 12);
  ASSERT_OK(lstat(path, &st));
  ASSERT_EQ(st.st_uid, 11);
  ASSERT_EQ(st.st_gid, 12);
  FS_OK(lchown, link, 21, -1);
  ASSERT_OK(lstat(link, &st));
  ASSERT_EQ(st.st_uid, 21);
  ASSERT_EQ(st.st_gid, getegid());
  FS_OK(fchown, fd, -1, 32);
  ASSERT_OK(lstat(path, &st));
  ASSERT_EQ(st.st_uid, 11);
  ASSERT_EQ(st.st_gid, 32);
  close(fd);
}

/* --- times --- */

static const struct {
  double time;
  long sec;
  long nsec;
} times[] = {
    {0, 0, 0},
    {1.25, 1, 250000000},
    {400497753.25, 400497753, 250000000},
    {1291404900, 1291404900, 0},
    {2147483648.5, 2147483648, 500000000}, /* beyond 2038 */
    {-1, -1, 0},
    {-0.5, -1, 500000000},
    {-1.25, -2, 750000000},
    {-14220000.75, -14220001, 250000000},
    {0.000000001, 0, 1},
    {0.000000999, 0, 999},
    {1234567.123456789, 1234567, 123456788}, /* a double's precision */
};
enum { TIMES = sizeof(times) / sizeof(times[0]) };

static void assert_times(const char* path, int atime, int mtime) {
  struct stat st;
  ASSERT_OK(lstat(path, &st));
  ASSERT_EQ(st.st_atim.tv_sec, times[atime].sec);
  ASSERT_EQ(st.st_atim.tv_nsec, times[atime].nsec);
  ASSERT_EQ(st.st_mtim.tv_sec, times[mtime].sec);
  ASSERT_EQ(st.st_mtim.tv_nsec, times[mtime].nsec);
}

FS_TEST(fs_utime_values) {
  const char* path = fs_make("file", "", 0);
  const char* link = test_path("link");
  int fd = fs_open_plain(path, O_RDONLY);
  int a;
  ASSERT_OK(symlink(path, link));
  for (a = 0; a < TIMES; a++) {
    int m = (a + 1) % TIMES;
    FS_OK(utime, link, times[a].time, times[m].time);
    assert_times(path, a, m);
    FS_OK(futime, fd, times[m].time, times[a].time);
    assert_times(path, m, a);
  }
  for (a = 0; a < TIMES; a++) {
    int m = (a + 1) % TIMES;
    FS_OK(lutime, link, times[a].time, times[m].time);
    assert_times(link, a, m);
  }
  /* The file behind the link keeps the times of the first loop's end. */
  assert_times(path, 0, TIMES - 1);
  close(fd);
}

static int set_times(int how, const char* path, int fd, double a, double m) {
  int result = how == 0   ? (int) FS(utime, path, a, m)
               : how == 1 ? (int) FS(futime, fd, a, m)
                          : (int) FS(lutime, path, a, m);
  fs_clean();
  return result;
}

FS_TEST(fs_utime_now_and_omit) {
  const char* path = fs_make("file", "", 0);
  int fd = fs_open_plain(path, O_RDONLY);
  int how;
  ASSERT(isinf(UV_FS_UTIME_NOW));
  ASSERT(isnan(UV_FS_UTIME_OMIT));
  for (how = 0; how < 3; how++) {
    struct timespec before;
    struct stat st;
    ASSERT_OK(set_times(how, path, fd, 1.25, 400497753.25));
    ASSERT_OK(set_times(how, path, fd, UV_FS_UTIME_OMIT, UV_FS_UTIME_OMIT));
    assert_times(path, 1, 2);

    /* File times come from the kernel's coarse clock. */
    clock_gettime(CLOCK_REALTIME_COARSE, &before);
    ASSERT_OK(set_times(how, path, fd, UV_FS_UTIME_NOW, UV_FS_UTIME_OMIT));
    ASSERT_OK(stat(path, &st));
    ASSERT_GE(st.st_atim.tv_sec, before.tv_sec);
    ASSERT_EQ(st.st_mtim.tv_sec, times[2].sec);
    ASSERT_EQ(st.st_mtim.tv_nsec, times[2].nsec);

    ASSERT_OK(set_times(how, path, fd, times[1].time, UV_FS_UTIME_OMIT));
    assert_times(path, 1, 2);
    ASSERT_OK(set_times(how, path, fd, UV_FS_UTIME_OMIT, UV_FS_UTIME_NOW));
    ASSERT_OK(stat(path, &st));
    ASSERT_EQ(st.st_atim.tv_sec, times[1].sec);
    ASSERT_GE(st.st_mtim.tv_sec, before.tv_sec);

    ASSERT_OK(set_times(how, path, fd, -INFINITY, UV_FS_UTIME_NOW));
    ASSERT_OK(stat(path, &st));
    ASSERT_GE(st.st_atim.tv_sec, before.tv_sec);
  }
  close(fd);
}

FS_TEST(fs_utime_out_of_range) {
  const char* path = fs_make("file", "", 0);
  int fd = fs_open_plain(path, O_RDONLY);
  int how;
  ASSERT_OK(set_times(0, path, fd, 1.25, 1.25));
  for (how = 0; how < 3; how++) {
    ASSERT_EQ(set_times(how, path, fd, 1e30, 0), UV_EINVAL);
    ASSERT_EQ(set_times(how, path, fd, 0, -1e30), UV_EINVAL);
  }
  assert_times(path, 1, 1);
  close(fd);
}

FS_TEST(fs_utime_errors) {
  FS_IS(UV_ENOENT, utime, test_path("missing"), 1, 1);
  FS_IS(UV_ENOENT, lutime, test_path("missing"), 1, 1);
  FS_IS(UV_EBADF, futime, -1, 1, 1);
}
