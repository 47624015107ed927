/* Helpers of the tests of uv_fs_*(). FS_TEST(name) { ... } defines three tests,
 * name_sync, name_async and name_ring, that make the same calls through FS():
 * without a callback, on a loop that runs until the callback came, and on such
 * a loop that uses io_uring where the kernel has it. FS_TEST_NOT_RING leaves
 * the last one out. */
#ifndef OXUV_TEST_FS_H
#define OXUV_TEST_FS_H

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test-callbacks.h"

static uv_fs_t fs_req;
static uv_loop_t* fs_loop;
static uv_fs_cb fs_cb;
static int fs_cb_calls;

static void fs_on_done(uv_fs_t* req) {
  ASSERT_PTR_EQ(req, &fs_req);
  fs_cb_calls++;
}

/* The request of the next call, full of garbage: every field that matters must
 * be set by the call itself. */
static inline uv_fs_t* fs_fresh(void) {
  memset(&fs_req, 0xdb, sizeof(fs_req));
  fs_req.data = &fs_req;
  fs_cb_calls = 0;
  return &fs_req;
}

static inline ssize_t fs_finish(int returned, uv_fs_type type, int line) {
  if (fs_req.type != UV_FS || fs_req.fs_type != type ||
      uv_fs_get_type(&fs_req) != type || fs_req.loop != fs_loop ||
      fs_req.data != &fs_req)
    test_fail(__FILE__, line, "type %d, fs_type %d, want %d; loop %p, want %p",
              fs_req.type, fs_req.fs_type, type, (void*) fs_req.loop,
              (void*) fs_loop);
  if (fs_cb == NULL) {
    /* A call that is refused as a whole leaves the result at 0. */
    if (fs_req.result != returned && !(returned < 0 && fs_req.result == 0))
      test_fail(__FILE__, line, "returned %d, result %zd", returned,
                fs_req.result);
    return returned;
  }
  if (returned != 0) {
    ASSERT_LT(returned, 0);
    ASSERT_EQ(uv_loop_alive(fs_loop), 0);
    return returned;
  }
  ASSERT_EQ(uv_loop_alive(fs_loop), 1);
  ASSERT_EQ(fs_cb_calls, 0);
  ASSERT_EQ(uv_run(fs_loop, UV_RUN_DEFAULT), 0);
  ASSERT_EQ(fs_cb_calls, 1);
  return fs_req.result;
}

static inline void fs_clean(void) {
  uv_fs_req_cleanup(&fs_req);
  ASSERT_NULL(fs_req.path);
  ASSERT_NULL(fs_req.ptr);
}

/* FS() makes a call and gives its result, the request is left for inspection
 * and fs_clean(). FS_IS() also checks the result and cleans up. */
#define FS(op, ...)                                                           \
  fs_finish(uv_fs_##op(fs_loop, fs_fresh(), __VA_ARGS__, fs_cb),              \
            FS_TYPE_##op, __LINE__)
#define FS_IS(want, op, ...)                                                  \
  do {                                                                        \
    ASSERT_EQ(FS(op, __VA_ARGS__), want);                                     \
    fs_clean();                                                               \
  } while (0)
#define FS_OK(op, ...) FS_IS(0, op, __VA_ARGS__)

#define FS_TYPE_open UV_FS_OPEN
#define FS_TYPE_close UV_FS_CLOSE
#define FS_TYPE_read UV_FS_READ
#define FS_TYPE_write UV_FS_WRITE
#define FS_TYPE_sendfile UV_FS_SENDFILE
#define FS_TYPE_stat UV_FS_STAT
#define FS_TYPE_lstat UV_FS_LSTAT
#define FS_TYPE_fstat UV_FS_FSTAT
#define FS_TYPE_ftruncate UV_FS_FTRUNCATE
#define FS_TYPE_utime UV_FS_UTIME
#define FS_TYPE_futime UV_FS_FUTIME
#define FS_TYPE_lutime UV_FS_LUTIME
#define FS_TYPE_access UV_FS_ACCESS
#define FS_TYPE_chmod UV_FS_CHMOD
#define FS_TYPE_fchmod UV_FS_FCHMOD
#define FS_TYPE_fsync UV_FS_FSYNC
#define FS_TYPE_fdatasync UV_FS_FDATASYNC
#define FS_TYPE_unlink UV_FS_UNLINK
#define FS_TYPE_rmdir UV_FS_RMDIR
#define FS_TYPE_mkdir UV_FS_MKDIR
#define FS_TYPE_mkdtemp UV_FS_MKDTEMP
#define FS_TYPE_mkstemp UV_FS_MKSTEMP
#define FS_TYPE_rename UV_FS_RENAME
#define FS_TYPE_scandir UV_FS_SCANDIR
#define FS_TYPE_link UV_FS_LINK
#define FS_TYPE_symlink UV_FS_SYMLINK
#define FS_TYPE_readlink UV_FS_READLINK
#define FS_TYPE_realpath UV_FS_REALPATH
#define FS_TYPE_chown UV_FS_CHOWN
#define FS_TYPE_fchown UV_FS_FCHOWN
#define FS_TYPE_lchown UV_FS_LCHOWN
#define FS_TYPE_copyfile UV_FS_COPYFILE
#define FS_TYPE_opendir UV_FS_OPENDIR
#define FS_TYPE_readdir UV_FS_READDIR
#define FS_TYPE_closedir UV_FS_CLOSEDIR
#define FS_TYPE_statfs UV_FS_STATFS

enum fs_how { FS_SYNC, FS_ASYNC, FS_RING };

static inline void fs_run(void (*body)(void), enum fs_how how) {
  uv_loop_t loop;
  if (how == FS_SYNC) {
    fs_loop = NULL;
    fs_cb = NULL;
    body();
    return;
  }
  ASSERT_OK(uv_loop_init(&loop));
  if (how == FS_RING) {
    setenv("UV_USE_IO_URING", "1", 1);
    ASSERT_OK(uv_loop_configure(&loop, UV_LOOP_USE_IO_URING_SQPOLL));
  }
  fs_loop = &loop;
  fs_cb = fs_on_done;
  body();
  ASSERT_OK(uv_loop_close(&loop));
}

#define FS_TEST_NOT_RING(name)                                                \
  static void name(void);                                                     \
  TEST(name##_sync) { fs_run(name, FS_SYNC); }                                \
  TEST(name##_async) { fs_run(name, FS_ASYNC); }                              \
  static void name(void)

#define FS_TEST(name)                                                         \
  static void name(void);                                                     \
  TEST(name##_ring) { fs_run(name, FS_RING); }                                \
  FS_TEST_NOT_RING(name)

/* Plain system calls for setting the scene and checking it. */

static inline int fs_open_plain(const char* path, int flags) {
  int fd = open(path, flags | O_CLOEXEC, 0644);
  if (fd < 0)
    test_fail(__FILE__, __LINE__, "open %s: %s", path, strerror(errno));
  return fd;
}

static inline const char* fs_make(const char* name,
                                  const void* data,
                                  size_t len) {
  const char* path = test_path(name);
  int fd = fs_open_plain(path, O_WRONLY | O_CREAT | O_TRUNC);
  ASSERT_EQ(write(fd, data, len), len);
  close(fd);
  return path;
}

/* Asserts that the file holds exactly these bytes. */
static inline void fs_assert_file(const char* path,
                                  const void* want,
                                  size_t len) {
  char* have = malloc(len + 1);
  int fd = fs_open_plain(path, O_RDONLY);
  size_t got = 0;
  ssize_t n;
  ASSERT_NOT_NULL(have);
  while (got <= len && (n = read(fd, have + got, len + 1 - got)) > 0)
    got += n;
  ASSERT_EQ(got, len);
  ASSERT_MEM_EQ(have, want, len);
  close(fd);
  free(have);
}

static inline int fs_exists(const char* path) {
  struct stat st;
  return lstat(path, &st) == 0;
}

/* Bytes that repeat with no power-of-two period, so that misplaced blocks
 * show. */
static inline char* fs_pattern(size_t len) {
  char* bytes = malloc(len);
  size_t i;
  ASSERT_NOT_NULL(bytes);
  for (i = 0; i < len; i++) bytes[i] = (char) (i % 251);
  return bytes;
}

#endif
