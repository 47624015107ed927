/* open, close, read, write, sync, truncate. */
#define _GNU_SOURCE /* pipe2, F_GETPIPE_SZ */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>

#include "test-fs.h"

FS_TEST(fs_open_close) {
  const char* path = test_path("file");
  struct stat st;
  uv_file fd;
  umask(022);
  fd = FS(open, path, UV_FS_O_RDWR | UV_FS_O_CREAT | UV_FS_O_EXCL, 0666);
  ASSERT_GE(fd, 0);
  ASSERT_STR_EQ(fs_req.path, path);
  ASSERT_NULL(fs_req.ptr);
  fs_clean();
  ASSERT_OK(fstat(fd, &st));
  ASSERT_EQ(st.st_mode, S_IFREG | 0644);
  ASSERT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
  ASSERT_EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
  FS_OK(close, fd);
  ASSERT_EQ(fcntl(fd, F_GETFD), -1);
  FS_IS(UV_EBADF, close, fd);
}

FS_TEST(fs_open_errors) {
  const char* file = fs_make("file", "x", 1);
  const char* link = test_path("link");
  ASSERT_OK(symlink(file, link));
  FS_IS(UV_EEXIST, open, file, UV_FS_O_RDWR | UV_FS_O_CREAT | UV_FS_O_EXCL, 0);
  FS_IS(UV_EISDIR, open, test_path("."), UV_FS_O_WRONLY, 0);
  FS_IS(UV_ENOTDIR, open, file, UV_FS_O_RDONLY | UV_FS_O_DIRECTORY, 0);
  FS_IS(UV_ELOOP, open, link, UV_FS_O_RDONLY | UV_FS_O_NOFOLLOW, 0);
  ASSERT_OK(mkfifo(test_path("fifo"), 0600));
  FS_IS(UV_ENXIO, open, test_path("fifo"), UV_FS_O_WRONLY | UV_FS_O_NONBLOCK,
        0);
}

FS_TEST(fs_open_flags) {
  const char* path = fs_make("file", "12345", 5);
  uv_buf_t buf = uv_buf_init("abc", 3);
  uv_file fd = FS(open, path, UV_FS_O_WRONLY | UV_FS_O_APPEND, 0);
  ASSERT_GE(fd, 0);
  fs_clean();
  FS_IS(3, write, fd, &buf, 1, -1);
  /* Linux appends even where an offset is given. */
  FS_IS(3, write, fd, &buf, 1, 0);
  FS_OK(close, fd);
  fs_assert_file(path, "12345abcabc", 11);

  fd = FS(open, path, UV_FS_O_WRONLY | UV_FS_O_TRUNC, 0);
  ASSERT_GE(fd, 0);
  fs_clean();
  fs_assert_file(path, "", 0);
  FS_OK(close, fd);
}

FS_TEST(fs_open_directory) {
  char byte;
  uv_buf_t buf = uv_buf_init(&byte, 1);
  uv_file fd = FS(open, test_path("."), UV_FS_O_RDONLY | UV_FS_O_DIRECTORY, 0);
  ASSERT_GE(fd, 0);
  fs_clean();
  FS_IS(UV_EISDIR, read, fd, &buf, 1, -1);
  FS_IS(UV_EISDIR, read, fd, &buf, 1, 0);
  FS_OK(fsync, fd);
  FS_OK(close, fd);
}

/* Not on a ring, which does not see the limits that valgrind imitates. */
FS_TEST_NOT_RING(fs_open_out_of_descriptors) {
  const char* path = fs_make("file", "", 0);
  struct rlimit limit;
  struct rlimit low;
  FS_OK(stat, path); /* what the library opens once is open now */
  ASSERT_OK(getrlimit(RLIMIT_NOFILE, &limit));
  low = limit;
  low.rlim_cur = 0;
  ASSERT_OK(setrlimit(RLIMIT_NOFILE, &low));
  FS_IS(UV_EMFILE, open, path, UV_FS_O_RDONLY, 0);
  FS_IS(UV_EMFILE, scandir, test_path("."), 0);
  FS_IS(UV_EMFILE, opendir, test_path("."));
  FS_IS(UV_EMFILE, mkstemp, test_path("XXXXXX"));
  FS_IS(UV_EMFILE, copyfile, path, test_path("copy"), 0);
  ASSERT_OK(setrlimit(RLIMIT_NOFILE, &limit));
}

/* --- reading --- */

FS_TEST(fs_read_at_offset_and_position) {
  static const struct {
    int64_t offset;
    unsigned int size;
    const char* want;
    off_t position;
  } steps[] = {
      {-1, 4, "0123", 4}, {6, 3, "678", 4},   {-1, 4, "4567", 8},
      {0, 10, "0123456789", 8}, {8, 10, "89", 8}, {10, 10, "", 8},
      {1000, 1, "", 8},   {-1, 10, "89", 10}, {-1, 10, "", 10},
      {-2, 10, "", 10}, /* any negative offset means the position */
  };
  int fd = fs_open_plain(fs_make("file", "0123456789", 10), O_RDONLY);
  char bytes[10];
  size_t i;
  for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
    uv_buf_t buf = uv_buf_init(bytes, steps[i].size);
    size_t len = strlen(steps[i].want);
    memset(bytes, '#', sizeof(bytes));
    FS_IS(len, read, fd, &buf, 1, steps[i].offset);
    ASSERT_MEM_EQ(bytes, steps[i].want, len);
    if (len < 10) ASSERT_EQ(bytes[len], '#');
    ASSERT_EQ(lseek(fd, 0, SEEK_CUR), steps[i].position);
  }
  close(fd);
}

FS_TEST(fs_read_empty_file_and_empty_buffer) {
  int empty = fs_open_plain(fs_make("empty", "", 0), O_RDONLY);
  int full = fs_open_plain(fs_make("full", "abc", 3), O_RDONLY);
  char bytes[3] = "##";
  uv_buf_t bufs[] = {uv_buf_init(bytes, 0), uv_buf_init(bytes, 2)};
  FS_IS(0, read, empty, bufs, 2, -1);
  FS_IS(0, read, empty, bufs, 2, 0);
  FS_IS(0, read, full, bufs, 1, 0);
  FS_IS(0, read, full, bufs, 1, -1);
  ASSERT_MEM_EQ(bytes, "##", 2);
  FS_IS(2, read, full, bufs, 2, -1);
  ASSERT_MEM_EQ(bytes, "ab", 2);
  close(empty);
  close(full);
}

/* The array of buffers is copied, so it may go away before the read runs. */
FS_TEST(fs_read_vectored) {
  static const unsigned int counts[] = {2, 4, 5, 9, 100, 1024};
  enum { SIZE = 4096 };
  char* want = fs_pattern(SIZE);
  char* have = malloc(SIZE);
  int fd = fs_open_plain(fs_make("file", want, SIZE), O_RDONLY);
  size_t i;
  ASSERT_NOT_NULL(have);
  for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
    unsigned int n = counts[i];
    unsigned int each = SIZE / n;
    int64_t offset = i % 2 ? -1 : 0;
    uv_buf_t* bufs = malloc(n * sizeof(*bufs));
    unsigned int b;
    int result;
    ASSERT_NOT_NULL(bufs);
    memset(have, '#', SIZE);
    ASSERT_EQ(lseek(fd, 0, SEEK_SET), 0);
    for (b = 0; b < n; b++) bufs[b] = uv_buf_init(have + b * each, each);
    result = uv_fs_read(fs_loop, fs_fresh(), fd, bufs, n, offset, fs_cb);
    memset(bufs, 0xdb, n * sizeof(*bufs));
    free(bufs);
    ASSERT_EQ(fs_finish(result, UV_FS_READ, __LINE__), n * each);
    fs_clean();
    ASSERT_MEM_EQ(have, want, n * each);
    ASSERT_EQ(lseek(fd, 0, SEEK_CUR), offset < 0 ? n * each : 0);
  }
  close(fd);
  free(have);
  free(want);
}

/* The last buffers of a vectored read stay untouched at the end of the file. */
FS_TEST(fs_read_vectored_short) {
  int fd = fs_open_plain(fs_make("file", "abcdefg", 7), O_RDONLY);
  char bytes[16];
  uv_buf_t bufs[] = {uv_buf_init(bytes, 4), uv_buf_init(bytes + 4, 0),
                     uv_buf_init(bytes + 4, 4), uv_buf_init(bytes + 8, 8)};
  memset(bytes, '#', sizeof(bytes));
  FS_IS(7, read, fd, bufs, 4, 0);
  ASSERT_MEM_EQ(bytes, "abcdefg#########", 16);
  memset(bytes, '#', sizeof(bytes));
  FS_IS(2, read, fd, bufs, 4, 5);
  ASSERT_MEM_EQ(bytes, "fg##############", 16);
  close(fd);
}

/* One call fills at most IOV_MAX buffers; the rest is for the next call. */
FS_TEST(fs_read_more_buffers_than_iov_max) {
  enum { COUNT = 3000, EACH = 3 };
  static uv_buf_t bufs[COUNT];
  char* want = fs_pattern(COUNT * EACH);
  /* Set, as valgrind does not see the writes of a ring. */
  char* have = calloc(COUNT, EACH);
  int fd = fs_open_plain(fs_make("file", want, COUNT * EACH), O_RDONLY);
  long max = sysconf(_SC_IOV_MAX);
  int i;
  ASSERT_NOT_NULL(have);
  for (i = 0; i < COUNT; i++) bufs[i] = uv_buf_init(have + i * EACH, EACH);
  FS_IS(max * EACH, read, fd, bufs, COUNT, -1);
  ASSERT_EQ(lseek(fd, 0, SEEK_CUR), max * EACH);
  FS_IS(max * EACH, read, fd, bufs + max, COUNT - max, -1);
  FS_IS((COUNT - 2 * max) * EACH, read, fd, bufs + 2 * max, COUNT - 2 * max,
        2 * max * EACH);
  ASSERT_MEM_EQ(have, want, COUNT * EACH);
  close(fd);
  free(have);
  free(want);
}

FS_TEST(fs_read_write_without_buffers) {
  uv_buf_t buf = uv_buf_init(NULL, 0);
  int fd = fs_open_plain(fs_make("file", "x", 1), O_RDWR);
  FS_IS(UV_EINVAL, read, fd, NULL, 0, 0);
  FS_IS(UV_EINVAL, read, fd, NULL, 1, -1);
  FS_IS(UV_EINVAL, read, fd, &buf, 0, 0);
  FS_IS(UV_EINVAL, write, fd, NULL, 0, 0);
  FS_IS(UV_EINVAL, write, fd, NULL, 1, -1);
  FS_IS(UV_EINVAL, write, fd, &buf, 0, 0);
  /* One empty buffer is a request like any other. */
  FS_IS(0, read, fd, &buf, 1, 0);
  FS_IS(0, write, fd, &buf, 1, 0);
  FS_IS(0, write, fd, &buf, 1, -1);
  close(fd);
}

FS_TEST(fs_read_write_wrong_mode) {
  const char* path = fs_make("file", "x", 1);
  char byte = 'y';
  uv_buf_t bufs[] = {uv_buf_init(&byte, 1), uv_buf_init(&byte, 1)};
  int reader = fs_open_plain(path, O_RDONLY);
  int writer = fs_open_plain(path, O_WRONLY);
  FS_IS(UV_EBADF, write, reader, bufs, 1, 0);
  FS_IS(UV_EBADF, write, reader, bufs, 2, -1);
  FS_IS(UV_EBADF, read, writer, bufs, 1, 0);
  FS_IS(UV_EBADF, read, writer, bufs, 2, -1);
  FS_IS(UV_EINVAL, ftruncate, reader, 0);
  fs_assert_file(path, "x", 1);
  close(reader);
  close(writer);
}

/* On a ring, an operation that is not possible at once waits, also with
 * O_NONBLOCK, and the offset on a pipe is ignored. */
FS_TEST_NOT_RING(fs_read_write_pipe) {
  char bytes[8];
  uv_buf_t out = uv_buf_init("hello", 5);
  uv_buf_t in = uv_buf_init(bytes, sizeof(bytes));
  int fds[2];
  ASSERT_OK(pipe2(fds, O_NONBLOCK));
  FS_IS(UV_EAGAIN, read, fds[0], &in, 1, -1);
  FS_IS(UV_ESPIPE, read, fds[0], &in, 1, 0);
  FS_IS(UV_ESPIPE, write, fds[1], &out, 1, 0);
  FS_IS(5, write, fds[1], &out, 1, -1);
  FS_IS(5, read, fds[0], &in, 1, -1);
  ASSERT_MEM_EQ(bytes, "hello", 5);
  close(fds[1]);
  FS_IS(0, read, fds[0], &in, 1, -1);
  close(fds[0]);
}

/* A full pipe takes what fits; the caller learns how much that was. */
FS_TEST_NOT_RING(fs_write_until_pipe_is_full) {
  enum { SIZE = 1 << 20 };
  char* bytes = fs_pattern(SIZE);
  uv_buf_t bufs[] = {uv_buf_init(bytes, 100),
                     uv_buf_init(bytes + 100, SIZE - 100)};
  int fds[2];
  int capacity;
  ASSERT_OK(pipe2(fds, O_NONBLOCK));
  capacity = fcntl(fds[1], F_GETPIPE_SZ);
  ASSERT_GT(capacity, 100);
  FS_IS(capacity, write, fds[1], bufs, 2, -1);
  FS_IS(UV_EAGAIN, write, fds[1], bufs, 2, -1);
  close(fds[0]);
  close(fds[1]);
  free(bytes);
}

FS_TEST(fs_write_to_closed_pipe) {
  uv_buf_t buf = uv_buf_init("x", 1);
  int fds[2];
  signal(SIGPIPE, SIG_IGN);
  ASSERT_OK(pipe(fds));
  close(fds[0]);
  FS_IS(UV_EPIPE, write, fds[1], &buf, 1, -1);
  close(fds[1]);
}

/* --- writing --- */

FS_TEST(fs_write_at_offset_and_position) {
  const char* path = test_path("file");
  int fd = fs_open_plain(path, O_RDWR | O_CREAT);
  uv_buf_t abc = uv_buf_init("abc", 3);
  uv_buf_t de = uv_buf_init("de", 2);
  FS_IS(3, write, fd, &abc, 1, -1);
  FS_IS(2, write, fd, &de, 1, 1);
  ASSERT_EQ(lseek(fd, 0, SEEK_CUR), 3);
  FS_IS(2, write, fd, &de, 1, -1);
  fs_assert_file(path, "adede", 5);
  FS_IS(3, write, fd, &abc, 1, 7);
  ASSERT_EQ(lseek(fd, 0, SEEK_CUR), 5);
  fs_assert_file(path, "adede\0\0abc", 10);
  close(fd);
}

FS_TEST(fs_write_vectored) {
  static const unsigned int counts[] = {2, 4, 5, 9, 1024, 5000};
  enum { SIZE = 10000 };
  const char* path = test_path("file");
  char* want = fs_pattern(SIZE);
  size_t i;
  for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
    int fd = fs_open_plain(path, O_RDWR | O_CREAT | O_TRUNC);
    int64_t offset = i % 2 ? -1 : 0;
    unsigned int n = counts[i];
    unsigned int each = SIZE / n;
    unsigned int b;
    uv_buf_t* bufs = malloc(n * sizeof(*bufs));
    int result;
    ASSERT_NOT_NULL(bufs);
    for (b = 0; b < n; b++) bufs[b] = uv_buf_init(want + b * each, each);
    result = uv_fs_write(fs_loop, fs_fresh(), fd, bufs, n, offset, fs_cb);
    memset(bufs, 0xdb, n * sizeof(*bufs));
    free(bufs);
    /* All buffers are written, also when they are more than IOV_MAX. */
    ASSERT_EQ(fs_finish(result, UV_FS_WRITE, __LINE__), n * each);
    fs_clean();
    ASSERT_EQ(lseek(fd, 0, SEEK_CUR), offset < 0 ? n * each : 0);
    fs_assert_file(path, want, n * each);
    close(fd);
  }
  free(want);
}

FS_TEST(fs_write_vectored_at_offset) {
  enum { COUNT = 2500, EACH = 7, AT = 13 };
  static uv_buf_t bufs[COUNT];
  const char* path = fs_make("file", "0123456789abc", AT);
  char* bytes = fs_pattern(AT + COUNT * EACH);
  int fd = fs_open_plain(path, O_RDWR);
  int i;
  memcpy(bytes, "0123456789abc", AT);
  for (i = 0; i < COUNT; i++) bufs[i] = uv_buf_init(bytes + AT + i * EACH, EACH);
  FS_IS(COUNT * EACH, write, fd, bufs, COUNT, AT);
  ASSERT_EQ(lseek(fd, 0, SEEK_CUR), 0);
  fs_assert_file(path, bytes, AT + COUNT * EACH);
  close(fd);
  free(bytes);
}

/* A write that reaches the size limit stops there: what fits counts, and the
 * next call reports why there is no more. */
FS_TEST(fs_write_partial_at_size_limit) {
  enum { LIMIT = 10000 };
  const char* path = test_path("file");
  char* bytes = fs_pattern(2 * LIMIT);
  uv_buf_t bufs[] = {uv_buf_init(bytes, 7000),
                     uv_buf_init(bytes + 7000, 2 * LIMIT - 7000)};
  int fd = fs_open_plain(path, O_RDWR | O_CREAT);
  struct rlimit old;
  struct rlimit limit;
  signal(SIGXFSZ, SIG_IGN);
  ASSERT_OK(getrlimit(RLIMIT_FSIZE, &old));
  limit = old;
  limit.rlim_cur = LIMIT;
  ASSERT_OK(setrlimit(RLIMIT_FSIZE, &limit));
  FS_IS(LIMIT, write, fd, bufs, 2, 0);
  FS_IS(UV_EFBIG, write, fd, bufs, 2, LIMIT);
  FS_IS(UV_EFBIG, ftruncate, fd, LIMIT + 1);
  ASSERT_OK(setrlimit(RLIMIT_FSIZE, &old));
  fs_assert_file(path, bytes, LIMIT);
  close(fd);
  free(bytes);
}

FS_TEST(fs_write_no_space) {
  uv_buf_t buf = uv_buf_init("x", 1);
  int fd = open("/dev/full", O_RDWR);
  if (fd < 0) SKIP("no /dev/full");
  FS_IS(UV_ENOSPC, write, fd, &buf, 1, -1);
  FS_IS(UV_ENOSPC, write, fd, &buf, 1, 0);
  close(fd);
}

/* A blocking write is finished although signals keep interrupting it, and the
 * reader takes only small pieces. */
struct drain {
  pthread_t writer;
  int fd;
  size_t size;
  char* bytes;
};

static void no_handler(int signum) { (void) signum; }

static void* drain_thread(void* arg) {
  struct drain* drain = arg;
  size_t got = 0;
  while (got < drain->size) {
    size_t left = drain->size - got;
    ssize_t n = read(drain->fd, drain->bytes + got, left < 1000 ? left : 1000);
    ASSERT_GT(n, 0);
    got += n;
    pthread_kill(drain->writer, SIGUSR1);
  }
  return NULL;
}

TEST(fs_write_interrupted_and_partial) {
  enum { COUNT = 20000, EACH = 13 };
  static uv_buf_t bufs[COUNT];
  struct sigaction action = {.sa_handler = no_handler};
  char* want = fs_pattern(COUNT * EACH);
  struct drain drain = {.writer = pthread_self(), .size = COUNT * EACH};
  pthread_t thread;
  uv_fs_t req;
  int fds[2];
  int i;
  ASSERT_OK(sigaction(SIGUSR1, &action, NULL)); /* without SA_RESTART */
  ASSERT_OK(pipe(fds));
  drain.fd = fds[0];
  drain.bytes = malloc(drain.size);
  ASSERT_NOT_NULL(drain.bytes);
  for (i = 0; i < COUNT; i++) bufs[i] = uv_buf_init(want + i * EACH, EACH);
  ASSERT_OK(pthread_create(&thread, NULL, drain_thread, &drain));
  ASSERT_EQ(uv_fs_write(NULL, &req, fds[1], bufs, COUNT, -1, NULL),
            COUNT * EACH);
  uv_fs_req_cleanup(&req);
  ASSERT_OK(pthread_join(thread, NULL));
  ASSERT_MEM_EQ(drain.bytes, want, COUNT * EACH);
  close(fds[0]);
  close(fds[1]);
  free(drain.bytes);
  free(want);
}

/* Reads are not restarted: what interrupted them may be a reason to stop. */
static atomic_int reader_done;

static void* interrupt_thread(void* arg) {
  while (!reader_done) pthread_kill(*(pthread_t*) arg, SIGUSR1);
  return NULL;
}

TEST(fs_read_interrupted) {
  struct sigaction action = {.sa_handler = no_handler};
  pthread_t reader = pthread_self();
  char byte;
  uv_buf_t buf = uv_buf_init(&byte, 1);
  pthread_t thread;
  uv_fs_t req;
  int fds[2];
  ASSERT_OK(sigaction(SIGUSR1, &action, NULL));
  ASSERT_OK(pipe(fds));
  ASSERT_OK(pthread_create(&thread, NULL, interrupt_thread, &reader));
  ASSERT_EQ(uv_fs_read(NULL, &req, fds[0], &buf, 1, -1, NULL), UV_EINTR);
  uv_fs_req_cleanup(&req);
  reader_done = 1;
  ASSERT_OK(pthread_join(thread, NULL));
  close(fds[0]);
  close(fds[1]);
}

/* --- sync and truncate --- */

FS_TEST(fs_fsync_fdatasync) {
  int fd = fs_open_plain(fs_make("file", "x", 1), O_RDWR);
  int fds[2];
  FS_OK(fsync, fd);
  FS_OK(fdatasync, fd);
  ASSERT_OK(pipe(fds));
  FS_IS(UV_EINVAL, fsync, fds[0]);
  FS_IS(UV_EINVAL, fdatasync, fds[1]);
  close(fd);
  close(fds[0]);
  close(fds[1]);
}

FS_TEST(fs_ftruncate) {
  const char* path = fs_make("file", "0123456789", 10);
  int fd = fs_open_plain(path, O_RDWR);
  struct stat st;
  FS_OK(ftruncate, fd, 4);
  fs_assert_file(path, "0123", 4);
  FS_OK(ftruncate, fd, 6);
  fs_assert_file(path, "0123\0\0", 6);
  FS_IS(UV_EINVAL, ftruncate, fd, -1);
  FS_OK(ftruncate, fd, INT64_C(5) << 30); /* more than 32 bits; sparse */
  ASSERT_OK(fstat(fd, &st));
  ASSERT_EQ(st.st_size, INT64_C(5) << 30);
  FS_OK(ftruncate, fd, 0);
  fs_assert_file(path, "", 0);
  close(fd);
}

FS_TEST(fs_read_write_beyond_4_gib) {
  int fd = fs_open_plain(test_path("file"), O_RDWR | O_CREAT);
  int64_t offset = (INT64_C(1) << 32) + 5;
  char bytes[6] = "";
  uv_buf_t out[] = {uv_buf_init("abc", 3), uv_buf_init("def", 3)};
  uv_buf_t in[] = {uv_buf_init(bytes, 2), uv_buf_init(bytes + 2, 4)};
  struct stat st;
  FS_IS(6, write, fd, out, 2, offset);
  ASSERT_OK(fstat(fd, &st));
  ASSERT_EQ(st.st_size, offset + 6);
  FS_IS(6, read, fd, in, 2, offset);
  ASSERT_MEM_EQ(bytes, "abcdef", 6);
  FS_IS(1, read, fd, in, 1, offset + 5);
  ASSERT_EQ(bytes[0], 'f');
  close(fd);
}

/* Reads and writes in flight together on one file. */
static void chunk_cb(uv_fs_t* req) {
  ASSERT_EQ(req->result, 512);
  uv_fs_req_cleanup(req);
  fs_cb_calls++;
}

TEST(fs_parallel_reads_and_writes) {
  enum { CHUNKS = 64, EACH = 512 };
  static uv_fs_t reqs[CHUNKS];
  const char* path = test_path("file");
  char* want = fs_pattern(CHUNKS * EACH);
  char* have = calloc(CHUNKS, EACH);
  int fd = fs_open_plain(path, O_RDWR | O_CREAT);
  uv_loop_t loop;
  int i;
  ASSERT_NOT_NULL(have);
  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < CHUNKS; i++) {
    uv_buf_t buf = uv_buf_init(want + i * EACH, EACH);
    ASSERT_OK(uv_fs_write(&loop, &reqs[i], fd, &buf, 1, i * EACH, chunk_cb));
  }
  ASSERT_EQ(uv_run(&loop, UV_RUN_DEFAULT), 0);
  ASSERT_EQ(fs_cb_calls, CHUNKS);
  fs_assert_file(path, want, CHUNKS * EACH);
  for (i = 0; i < CHUNKS; i++) {
    uv_buf_t buf = uv_buf_init(have + i * EACH, EACH);
    ASSERT_OK(uv_fs_read(&loop, &reqs[i], fd, &buf, 1, i * EACH, chunk_cb));
  }
  ASSERT_EQ(uv_run(&loop, UV_RUN_DEFAULT), 0);
  ASSERT_EQ(fs_cb_calls, 2 * CHUNKS);
  ASSERT_MEM_EQ(have, want, CHUNKS * EACH);
  ASSERT_OK(uv_loop_close(&loop));
  close(fd);
  free(have);
  free(want);
}
