/* The library as a whole, and writes that do not go through. */

#include "test-callbacks.h"

#include <dirent.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

TEST(misc_version) {
  ASSERT_EQ(uv_version(), UV_VERSION_HEX);
  ASSERT_EQ(UV_VERSION_HEX, UV_VERSION_MAJOR << 16 | UV_VERSION_MINOR << 8 |
                                UV_VERSION_PATCH);
  ASSERT_EQ(UV_VERSION_MAJOR, 1);
  ASSERT_EQ(UV_VERSION_MINOR, 53);
  ASSERT_STR_EQ(uv_version_string(), "1.53.0");
}

TEST(misc_buf_init) {
  char memory[4];
  uv_buf_t buf = uv_buf_init(memory, sizeof(memory));

  ASSERT_PTR_EQ(buf.base, memory);
  ASSERT_EQ(buf.len, sizeof(memory));
  buf = uv_buf_init(NULL, 0);
  ASSERT_NULL(buf.base);
  ASSERT_EQ(buf.len, 0);
}

TEST(misc_library_shutdown_without_any_use) {
  uv_library_shutdown();
  uv_library_shutdown();
}

static int count_threads(void) {
  DIR* dir = opendir("/proc/self/task");
  int n = 0;

  ASSERT_NOT_NULL(dir);
  while (readdir(dir) != NULL) n++;
  closedir(dir);
  return n - 2; /* . and .. */
}

TEST(misc_library_shutdown_ends_the_pool) {
  uv_loop_t loop;
  uv_work_t req;
  int before = count_threads();

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_queue_work(&loop, &req, no_work, count_work));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(done, 1);
  ASSERT_GT(count_threads(), before);
  CLOSE_LOOP(&loop);
  uv_library_shutdown();
  /* A thread that has been joined may still be ending in the kernel. */
  while (count_threads() > before) sched_yield();
  ASSERT_EQ(count_threads(), before);
  uv_library_shutdown();
}

TEST(misc_sleep_returns_after_its_time) {
  uint64_t before = uv_hrtime();
  uv_sleep(5);
  ASSERT_GE(uv_hrtime() - before, 5000000);
  uv_sleep(0);
}

TEST(misc_idle_loop_opens_no_threads_and_leaks_no_descriptors) {
  uv_loop_t loop;
  uv_timer_t timer;
  int first;
  int fd;
  int i;

  /* The first loop may open descriptors that the process keeps. */
  for (i = 0; i < 2; i++) {
    ASSERT_OK(uv_loop_init(&loop));
    CLOSE_LOOP(&loop);
    first = dup(0);
    close(first);
  }
  for (i = 0; i < 20; i++) {
    ASSERT_OK(uv_loop_init(&loop));
    ASSERT_OK(uv_timer_init(&loop, &timer));
    ASSERT_OK(uv_timer_start(&timer, count_timer, 1, 0));
    ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
    ASSERT_EQ(fired, i + 1);
    ASSERT_EQ(count_threads(), 1);
    CLOSE_LOOP(&loop);
  }
  fd = dup(0);
  ASSERT_EQ(fd, first);
  close(fd);
}

/* --- writes ------------------------------------------------------------- */

static uv_write_t reqs[64];
static int statuses[64];
static int callbacks;

static void write_cb(uv_write_t* req, int status) {
  statuses[req - reqs] = status;
  callbacks++;
}

struct jam {
  uv_loop_t loop;
  uv_tcp_t tcp;
  int peer;
};

static char block[64 * 1024];

/* A stream whose peer does not read: the first writes fill the socket, the
 * last ones are certain to be queued. */
static void jam_init(struct jam* j) {
  uv_buf_t buf = uv_buf_init(block, sizeof(block));
  uv_os_sock_t fds[2];
  int i;

  ASSERT_OK(uv_socketpair(SOCK_STREAM, 0, fds, UV_NONBLOCK_PIPE, 0));
  j->peer = fds[1];
  ASSERT_OK(uv_loop_init(&j->loop));
  ASSERT_OK(uv_tcp_init(&j->loop, &j->tcp));
  ASSERT_OK(uv_tcp_open(&j->tcp, fds[0]));
  for (i = 0; i < 64; i++) {
    statuses[i] = 1;
    ASSERT_OK(uv_write(&reqs[i], (uv_stream_t*) &j->tcp, &buf, 1, write_cb));
  }
  ASSERT_GT(j->tcp.write_queue_size, 8 * sizeof(block));
}

TEST(misc_write_needs_a_positive_number_of_buffers) {
  static const int counts[] = {0, -1, -42, INT32_MIN};
  uv_buf_t buf = uv_buf_init("x", 1);
  uv_loop_t loop;
  uv_tcp_t tcp;
  uv_os_sock_t fds[2];
  char byte;
  int opened;
  size_t i;

  ASSERT_OK(uv_socketpair(SOCK_STREAM, 0, fds, UV_NONBLOCK_PIPE,
                          UV_NONBLOCK_PIPE));
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_tcp_init(&loop, &tcp));
  for (opened = 0; opened < 2; opened++) {
    if (opened) ASSERT_OK(uv_tcp_open(&tcp, fds[0]));
    for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
      ASSERT_EQ(uv_write(&reqs[0], (uv_stream_t*) &tcp, &buf,
                         (unsigned int) counts[i], write_cb),
                UV_EINVAL);
    ASSERT_EQ(uv_try_write((uv_stream_t*) &tcp, &buf, 0), UV_EINVAL);
  }
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(callbacks, 0);
  ASSERT_EQ(read(fds[1], &byte, 1), -1);
  CLOSE_LOOP(&loop);
  close(fds[1]);
}

/* Linux transfers at most 2 GiB less a page in one call; a larger write is refused
 * without accessing the memory or the descriptor. */
TEST(misc_write_of_two_gigabytes_is_einval) {
  const unsigned int limit = 0x7ffff000;
  uv_buf_t large = uv_buf_init(NULL, limit + 1);
  uv_buf_t two[2];
  uv_fs_t fs;
  uv_loop_t loop;
  uv_tcp_t tcp;

  two[0] = uv_buf_init(NULL, limit);
  two[1] = uv_buf_init(NULL, 1);
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_tcp_init(&loop, &tcp));
  ASSERT_EQ(uv_write(&reqs[0], (uv_stream_t*) &tcp, &large, 1, write_cb),
            UV_EINVAL);
  ASSERT_EQ(uv_write(&reqs[0], (uv_stream_t*) &tcp, two, 2, write_cb),
            UV_EINVAL);
  ASSERT_EQ(uv_try_write((uv_stream_t*) &tcp, &large, 1), UV_EINVAL);
  ASSERT_EQ(uv_try_write((uv_stream_t*) &tcp, two, 2), UV_EINVAL);
  /* With one byte less it is the descriptor that is missing. */
  ASSERT_EQ(uv_write(&reqs[0], (uv_stream_t*) &tcp, two, 1, write_cb),
            UV_EBADF);
  ASSERT_EQ(uv_try_write((uv_stream_t*) &tcp, two, 1), UV_EBADF);

  /* Here it is the kernel that refuses, which valgrind does not let happen. */
  if (!test_under_valgrind()) {
    ASSERT_EQ(uv_fs_write(NULL, &fs, -1, &large, 1, 0, NULL), UV_EINVAL);
    uv_fs_req_cleanup(&fs);
    ASSERT_EQ(uv_fs_write(NULL, &fs, -1, two, 2, 0, NULL), UV_EINVAL);
    uv_fs_req_cleanup(&fs);
  }
  ASSERT_EQ(uv_fs_sendfile(NULL, &fs, -1, -1, 0, limit + 1, NULL), UV_EINVAL);
  uv_fs_req_cleanup(&fs);
  ASSERT_EQ(uv_fs_sendfile(NULL, &fs, -1, -1, 0, limit, NULL), UV_EBADF);
  uv_fs_req_cleanup(&fs);
  CLOSE_LOOP(&loop);
}

static void drain(void* arg) {
  struct jam* j = arg;
  static char sink[sizeof(block)];
  while (read(j->peer, sink, sizeof(sink)) > 0) continue;
}

TEST(misc_cancel_a_write_between_others) {
  struct jam j;
  uv_thread_t thread;
  int i;

  jam_init(&j);
  for (i = 50; i < 60; i += 3) ASSERT_OK(uv_cancel((uv_req_t*) &reqs[i]));
  ASSERT_OK(uv_thread_create(&thread, drain, &j));
  ASSERT_OK(uv_run(&j.loop, UV_RUN_DEFAULT));
  for (i = 0; i < 64; i++) {
    int cancelled = i >= 50 && i < 60 && (i - 50) % 3 == 0;
    ASSERT_EQ(statuses[i], cancelled ? UV_ECANCELED : 0);
    ASSERT_EQ(uv_write_nwritten(&reqs[i]), cancelled ? 0 : sizeof(block));
  }
  ASSERT_EQ(j.tcp.write_queue_size, 0);
  CLOSE_LOOP(&j.loop);
  ASSERT_OK(uv_thread_join(&thread));
  close(j.peer);
}
