/* uv_replace_allocator(): every byte goes through it and comes back, and its
 * failure is UV_ENOMEM. */

#include "test-callbacks.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

static atomic_long allocated; /* blocks */
static atomic_long freed;

/* How many more allocations succeed; negative: all. Any thread may allocate. */
static atomic_long budget = -1;
static atomic_int failed;

static int out_of_memory(void) {
  long left = atomic_load(&budget);

  while (left > 0)
    if (atomic_compare_exchange_weak(&budget, &left, left - 1)) return 0;
  if (left < 0) return 0;
  atomic_fetch_add(&failed, 1);
  errno = ENOMEM;
  return 1;
}

static void* counting_malloc(size_t size) {
  if (out_of_memory()) return NULL;
  atomic_fetch_add(&allocated, 1);
  return malloc(size);
}

static void* counting_calloc(size_t count, size_t size) {
  if (out_of_memory()) return NULL;
  atomic_fetch_add(&allocated, 1);
  return calloc(count, size);
}

static void* counting_realloc(void* block, size_t size) {
  if (out_of_memory()) return NULL;
  if (block == NULL) atomic_fetch_add(&allocated, 1);
  return realloc(block, size);
}

static void counting_free(void* block) {
  if (block != NULL) atomic_fetch_add(&freed, 1);
  free(block);
}

static void install(void) {
  ASSERT_OK(uv_replace_allocator(counting_malloc, counting_realloc,
                                 counting_calloc, counting_free));
}

TEST(allocator_null_functions_are_einval) {
  ASSERT_EQ(uv_replace_allocator(NULL, realloc, calloc, free), UV_EINVAL);
  ASSERT_EQ(uv_replace_allocator(malloc, NULL, calloc, free), UV_EINVAL);
  ASSERT_EQ(uv_replace_allocator(malloc, realloc, NULL, free), UV_EINVAL);
  ASSERT_EQ(uv_replace_allocator(malloc, realloc, calloc, NULL), UV_EINVAL);
  ASSERT_EQ(uv_replace_allocator(NULL, NULL, NULL, NULL), UV_EINVAL);
  ASSERT_OK(uv_replace_allocator(malloc, realloc, calloc, free));
}

/* --- counting ------------------------------------------------------------ */

static void timer_cb(uv_timer_t* timer) {
  (void) timer;
}

static void async_cb(uv_async_t* async) {
  uv_close((uv_handle_t*) async, NULL);
}

static void signal_cb(uv_signal_t* watcher, int signum) {
  (void) signum;
  uv_close((uv_handle_t*) watcher, NULL);
}

static atomic_int worked;

static void work(uv_work_t* req) {
  (void) req;
  worked++;
}

static void fs_cb(uv_fs_t* req) {
  uv_fs_req_cleanup(req);
}

static void alloc_cb(uv_handle_t* handle, size_t suggested, uv_buf_t* buf) {
  static char memory[256];
  (void) handle;
  (void) suggested;
  *buf = uv_buf_init(memory, sizeof(memory));
}

static size_t received;

static void read_cb(uv_stream_t* stream, ssize_t nread, const uv_buf_t* buf) {
  (void) buf;
  if (nread == UV_EOF) {
    uv_close((uv_handle_t*) stream, NULL);
    return;
  }
  ASSERT_GE(nread, 0);
  received += (size_t) nread;
}

static void write_cb(uv_write_t* req, int status) {
  ASSERT_OK(status);
  uv_close((uv_handle_t*) req->handle, NULL);
}

static void use_a_bit_of_everything(uv_loop_t* loop) {
  enum { TIMERS = 200 };
  static uv_timer_t timers[TIMERS];
  static uv_async_t async;
  static uv_signal_t watcher;
  static uv_work_t reqs[8];
  static uv_fs_t fs[4];
  static uv_tcp_t tcp[2];
  static uv_write_t write_req;
  uv_os_sock_t fds[2];
  uv_buf_t bufs[8];
  int i;

  for (i = 0; i < TIMERS; i++) {
    ASSERT_OK(uv_timer_init(loop, &timers[i]));
    ASSERT_OK(uv_timer_start(&timers[i], timer_cb, (uint64_t) i % 5, 0));
  }
  ASSERT_OK(uv_async_init(loop, &async, async_cb));
  ASSERT_OK(uv_async_send(&async));
  ASSERT_OK(uv_signal_init(loop, &watcher));
  ASSERT_OK(uv_signal_start(&watcher, signal_cb, SIGUSR1));
  ASSERT_EQ(raise(SIGUSR1), 0);
  for (i = 0; i < 8; i++)
    ASSERT_OK(uv_queue_work(loop, &reqs[i], work, NULL));
  ASSERT_OK(uv_fs_stat(loop, &fs[0], "/", fs_cb));
  ASSERT_OK(uv_fs_realpath(loop, &fs[1], ".", fs_cb));
  ASSERT_OK(uv_fs_scandir(loop, &fs[2], "/", 0, fs_cb));
  ASSERT_OK(uv_fs_open(loop, &fs[3], "/does/not/exist", O_RDONLY, 0, fs_cb));

  ASSERT_OK(uv_socketpair(SOCK_STREAM, 0, fds, UV_NONBLOCK_PIPE,
                          UV_NONBLOCK_PIPE));
  for (i = 0; i < 2; i++) {
    ASSERT_OK(uv_tcp_init(loop, &tcp[i]));
    ASSERT_OK(uv_tcp_open(&tcp[i], fds[i]));
  }
  for (i = 0; i < 8; i++) bufs[i] = uv_buf_init("12345678", 8);
  ASSERT_OK(uv_read_start((uv_stream_t*) &tcp[0], alloc_cb, read_cb));
  ASSERT_OK(uv_write(&write_req, (uv_stream_t*) &tcp[1], bufs, 8, write_cb));

  ASSERT_OK(uv_run(loop, UV_RUN_DEFAULT));
  ASSERT_EQ(received, 64);
  received = 0;
}

TEST(allocator_every_block_is_freed) {
  uv_loop_t loop;
  uv_loop_t* heap_loop;
  uv_timer_t timer;

  install();
  ASSERT_OK(uv_loop_init(&loop));
  use_a_bit_of_everything(&loop);
  CLOSE_LOOP(&loop);

  heap_loop = uv_default_loop();
  ASSERT_NOT_NULL(heap_loop);
  use_a_bit_of_everything(heap_loop);
  CLOSE_LOOP(uv_default_loop());

  heap_loop = uv_loop_new();
  ASSERT_NOT_NULL(heap_loop);
  ASSERT_OK(uv_timer_init(heap_loop, &timer));
  uv_close((uv_handle_t*) &timer, NULL);
  ASSERT_OK(uv_run(heap_loop, UV_RUN_DEFAULT));
  uv_loop_delete(heap_loop);

  uv_library_shutdown();
  ASSERT_GT(allocated, 0);
  ASSERT_EQ(allocated, freed);
}

TEST(allocator_serves_loop_new) {
  uv_loop_t* loop;
  long before;

  install();
  before = allocated;
  loop = uv_loop_new();
  ASSERT_NOT_NULL(loop);
  ASSERT_GT(allocated, before);
  uv_loop_delete(loop);
  ASSERT_EQ(allocated, freed);
}

/* --- failing ------------------------------------------------------------- */

static uv_loop_t* loop;

static int fs_result;

static void fs_result_cb(uv_fs_t* req) {
  fs_result = req->result < 0 ? (int) req->result : 0;
  uv_fs_req_cleanup(req);
}

/* The outcome of a file operation, synchronous or seen through to its end. */
static int fs_finish(uv_fs_t* req, int r) {
  if (req->cb != NULL && r == 0) {
    fs_result = 1;
    while (fs_result == 1) uv_run(loop, UV_RUN_ONCE);
    return fs_result;
  }
  uv_fs_req_cleanup(req);
  return r < 0 ? r : 0;
}

static int do_loop_init(void) {
  uv_loop_t other;
  int r = uv_loop_init(&other);
  if (r == 0) ASSERT_OK(uv_loop_close(&other));
  return r;
}

static int do_loop_new(void) {
  uv_loop_t* other = uv_loop_new();
  if (other == NULL) return UV_ENOMEM;
  uv_loop_delete(other);
  return 0;
}

static int do_timers(void) {
  enum { N = 100 };
  static uv_timer_t timers[N];
  int result = 0;
  int i;

  for (i = 0; i < N; i++) {
    int r;
    ASSERT_OK(uv_timer_init(loop, &timers[i]));
    r = uv_timer_start(&timers[i], timer_cb, 1000, 0);
    ASSERT_EQ(uv_is_active((uv_handle_t*) &timers[i]), r == 0);
    if (r != 0) result = r;
  }
  return result;
}

static int do_async(void) {
  static uv_async_t asyncs[40];
  int result = 0;
  int i;

  for (i = 0; i < 40; i++) {
    int r = uv_async_init(loop, &asyncs[i], async_cb);
    if (r == 0) r = uv_async_send(&asyncs[i]);
    if (r != 0) result = r;
  }
  return result;
}

static int do_signal(void) {
  static uv_signal_t watcher;
  int r = uv_signal_init(loop, &watcher);
  return r == 0 ? uv_signal_start(&watcher, signal_cb, SIGUSR1) : r;
}

static int do_work(void) {
  static uv_work_t req;
  int r;

  worked = 0;
  r = uv_queue_work(loop, &req, work, NULL);
  ASSERT_OK(uv_run(loop, UV_RUN_DEFAULT));
  ASSERT_EQ(worked, r == 0);
  return r;
}

static int do_stat_async(void) {
  static uv_fs_t req;
  return fs_finish(&req, uv_fs_stat(loop, &req, "/", fs_result_cb));
}

static int do_rename_async(void) {
  static uv_fs_t req;
  const char* path = test_path("file");
  return fs_finish(&req,
                   uv_fs_rename(loop, &req, path, path, fs_result_cb));
}

static int do_write_vectored_async(void) {
  static uv_fs_t req;
  static char bytes[8];
  uv_buf_t bufs[8];
  int fd = open(test_path("file"), O_WRONLY);
  int r;
  int i;

  ASSERT_GE(fd, 0);
  for (i = 0; i < 8; i++) bufs[i] = uv_buf_init(bytes + i, 1);
  r = fs_finish(&req, uv_fs_write(loop, &req, fd, bufs, 8, 0, fs_result_cb));
  close(fd);
  return r;
}

static int do_realpath(void) {
  static uv_fs_t req;
  return fs_finish(&req, uv_fs_realpath(NULL, &req, "/", NULL));
}

static int do_readlink(void) {
  static uv_fs_t req;
  return fs_finish(&req, uv_fs_readlink(NULL, &req, "/proc/self/exe", NULL));
}

static int do_statfs(void) {
  static uv_fs_t req;
  return fs_finish(&req, uv_fs_statfs(NULL, &req, "/", NULL));
}

static int do_mkdtemp(void) {
  static uv_fs_t req;
  int r = uv_fs_mkdtemp(NULL, &req, test_path("dXXXXXX"), NULL);
  if (r == 0) ASSERT_EQ(rmdir(req.path), 0);
  return fs_finish(&req, r);
}

static int do_opendir(void) {
  static uv_fs_t req;
  static uv_fs_t close_req;
  int r = uv_fs_opendir(NULL, &req, "/", NULL);
  if (r == 0) {
    ASSERT_OK(uv_fs_closedir(NULL, &close_req, req.ptr, NULL));
    uv_fs_req_cleanup(&close_req);
  }
  return fs_finish(&req, r);
}

static int do_listen(void) {
  static uv_tcp_t server;
  struct sockaddr_in addr;
  int r;

  ASSERT_OK(uv_ip4_addr("127.0.0.1", 0, &addr));
  r = uv_tcp_init(loop, &server);
  if (r == 0) r = uv_tcp_bind(&server, (struct sockaddr*) &addr, 0);
  if (r == 0) r = uv_listen((uv_stream_t*) &server, 1, (uv_connection_cb) abort);
  return r;
}

static int do_scandir_async(void) {
  static uv_fs_t req;
  return fs_finish(&req, uv_fs_scandir(loop, &req, test_path("."), 0,
                                       fs_result_cb));
}

static int do_readlink_async(void) {
  static uv_fs_t req;
  return fs_finish(&req, uv_fs_readlink(loop, &req, "/proc/self/exe",
                                        fs_result_cb));
}

static int do_realpath_async(void) {
  static uv_fs_t req;
  return fs_finish(&req, uv_fs_realpath(loop, &req, "/", fs_result_cb));
}

static int do_statfs_async(void) {
  static uv_fs_t req;
  return fs_finish(&req, uv_fs_statfs(loop, &req, "/", fs_result_cb));
}

static int do_copyfile_async(void) {
  static uv_fs_t req;
  const char* path = test_path("file");
  return fs_finish(&req, uv_fs_copyfile(loop, &req, path, test_path("copy"), 0,
                                        fs_result_cb));
}

static void made_cb(uv_fs_t* req) {
  if (req->result >= 0) ASSERT_EQ(remove(req->path), 0);
  if (req->result > 0) close((int) req->result);
  fs_result_cb(req);
}

static int do_mkdtemp_async(void) {
  static uv_fs_t req;
  return fs_finish(&req, uv_fs_mkdtemp(loop, &req, test_path("dXXXXXX"),
                                       made_cb));
}

static int do_mkstemp_async(void) {
  static uv_fs_t req;
  return fs_finish(&req, uv_fs_mkstemp(loop, &req, test_path("fXXXXXX"),
                                       made_cb));
}

static int do_readdir_async(void) {
  static uv_fs_t req;
  static uv_dirent_t entries[4];
  uv_dir_t* dir = NULL;
  int r = uv_fs_opendir(NULL, &req, test_path("."), NULL);
  if (r != 0) return fs_finish(&req, r);
  dir = req.ptr;
  uv_fs_req_cleanup(&req);
  dir->dirents = entries;
  dir->nentries = 4;
  r = fs_finish(&req, uv_fs_readdir(loop, &req, dir, fs_result_cb));
  ASSERT_OK(uv_fs_closedir(NULL, &req, dir, NULL));
  uv_fs_req_cleanup(&req);
  return r;
}

static int do_fs_event(void) {
  enum { N = 12 };
  static uv_fs_event_t events[N];
  char name[16];
  int result = 0;
  int i;

  for (i = 0; i < N; i++) {
    int r;
    snprintf(name, sizeof(name), "w%d", i);
    close(open(test_path(name), O_WRONLY | O_CREAT, 0600));
    ASSERT_OK(uv_fs_event_init(loop, &events[i]));
    r = uv_fs_event_start(&events[i], (uv_fs_event_cb) abort, test_path(name),
                          0);
    ASSERT_EQ(uv_is_active((uv_handle_t*) &events[i]), r == 0);
    if (r != 0) result = r;
  }
  return result;
}

static int do_fs_event_recursive(void) {
  static uv_fs_event_t event;
  char name[16];
  int r, i;

  for (i = 0; i < 20; i++) {
    snprintf(name, sizeof(name), "d%d", i);
    mkdir(test_path(name), 0700);
  }
  ASSERT_OK(uv_fs_event_init(loop, &event));
  r = uv_fs_event_start(&event, (uv_fs_event_cb) abort, test_path(""),
                        UV_FS_EVENT_RECURSIVE);
  ASSERT_EQ(uv_is_active((uv_handle_t*) &event), r == 0);
  return r;
}

static void fs_poll_cb(uv_fs_poll_t* poll, int status, const uv_stat_t* before,
                       const uv_stat_t* now) {
  (void) poll, (void) status, (void) before, (void) now;
}

static int do_fs_poll(void) {
  static uv_fs_poll_t poll;
  int r;
  ASSERT_OK(uv_fs_poll_init(loop, &poll));
  r = uv_fs_poll_start(&poll, fs_poll_cb, test_path("file"), 1000);
  ASSERT_EQ(uv_is_active((uv_handle_t*) &poll), r == 0);
  return r;
}

static int do_pipe_bind(void) {
  static uv_pipe_t pipe;
  int r;
  ASSERT_OK(uv_pipe_init(loop, &pipe, 0));
  r = uv_pipe_bind(&pipe, test_path("pipe"));
  /* Closing it removes the name. */
  uv_close((uv_handle_t*) &pipe, NULL);
  return r;
}

static void connection_cb(uv_stream_t* server, int status) {
  (void) server, (void) status;
}

static int connect_result;

static void connect_cb(uv_connect_t* req, int status) {
  (void) req;
  connect_result = status;
}

static int do_pipe_connect(void) {
  static uv_pipe_t server, client;
  static uv_connect_t req;
  const char* path = test_path("pipe");
  int r;

  ASSERT_OK(uv_pipe_init(loop, &server, 0));
  ASSERT_OK(uv_pipe_init(loop, &client, 0));
  r = uv_pipe_bind(&server, path);
  if (r == 0) {
    ASSERT_OK(uv_listen((uv_stream_t*) &server, 1, connection_cb));
    connect_result = 1;
    r = uv_pipe_connect2(&req, &client, path, strlen(path), 0, connect_cb);
    while (r == 0 && connect_result == 1) uv_run(loop, UV_RUN_ONCE);
    if (r == 0) r = connect_result;
  }
  uv_close((uv_handle_t*) &server, NULL);
  return r;
}

static int do_udp_send(void) {
  static uv_udp_t udp;
  static uv_udp_send_t req;
  struct sockaddr_in addr;
  uv_buf_t bufs[8];
  int r;
  int i;

  ASSERT_OK(uv_ip4_addr("127.0.0.1", 9, &addr));
  for (i = 0; i < 8; i++) bufs[i] = uv_buf_init("x", 1);
  ASSERT_OK(uv_udp_init(loop, &udp));
  r = uv_udp_send(&req, &udp, bufs, 8, (struct sockaddr*) &addr, NULL);
  ASSERT_EQ(uv_udp_get_send_queue_count(&udp), r == 0);
  return r;
}

static int do_udp_recv(void) {
  static uv_udp_t udp;
  int r;
  ASSERT_OK(uv_udp_init_ex(loop, &udp, UV_UDP_RECVMMSG));
  r = uv_udp_recv_start(&udp, alloc_cb, (uv_udp_recv_cb) abort);
  ASSERT_EQ(uv_is_active((uv_handle_t*) &udp), r == 0);
  return r;
}

static int do_poll(void) {
  static uv_poll_t poll;
  static int fds[2];
  int r;
  if (fds[1] == 0) ASSERT_EQ(pipe(fds), 0);
  r = uv_poll_init(loop, &poll, fds[0]);
  if (r == 0) r = uv_poll_start(&poll, UV_READABLE, (uv_poll_cb) abort);
  return r;
}

static int lookup_result;

static void getaddrinfo_cb(uv_getaddrinfo_t* req, int status,
                           struct addrinfo* list) {
  (void) req;
  lookup_result = status;
  uv_freeaddrinfo(list);
}

static int do_getaddrinfo(void) {
  static uv_getaddrinfo_t req;
  int r = uv_getaddrinfo(loop, &req, getaddrinfo_cb, "127.0.0.1", "80", NULL);
  ASSERT_EQ(uv_run(loop, UV_RUN_DEFAULT), 0);
  return r == 0 ? lookup_result : r;
}

static int do_getnameinfo(void) {
  static uv_getnameinfo_t req;
  struct sockaddr_in addr;
  ASSERT_OK(uv_ip4_addr("127.0.0.1", 80, &addr));
  return uv_getnameinfo(loop, &req, NULL, (struct sockaddr*) &addr,
                        NI_NUMERICHOST | NI_NUMERICSERV);
}

static int do_random(void) {
  char bytes[16];
  return uv_random(NULL, NULL, bytes, sizeof(bytes), 0, NULL);
}

static void exit_cb(uv_process_t* process, int64_t status, int signum) {
  (void) status, (void) signum;
  uv_close((uv_handle_t*) process, NULL);
}

static int do_spawn(void) {
  enum { N = 20 };
  static uv_process_t process;
  static uv_pipe_t pipes[N];
  uv_stdio_container_t stdio[N];
  char* args[] = {"true", NULL};
  uv_process_options_t options = {.exit_cb = exit_cb, .file = "true",
                                  .args = args, .stdio = stdio,
                                  .stdio_count = N};
  int r;
  int i;

  for (i = 0; i < N; i++) {
    ASSERT_OK(uv_pipe_init(loop, &pipes[i], 0));
    stdio[i].flags = UV_CREATE_PIPE | UV_READABLE_PIPE;
    stdio[i].data.stream = (uv_stream_t*) &pipes[i];
  }
  r = uv_spawn(loop, &process, &options);
  if (r != 0) uv_close((uv_handle_t*) &process, NULL);
  ASSERT_EQ(uv_run(loop, UV_RUN_DEFAULT), 0);
  return r;
}

/* Lets a call's first allocation fail, then its second, and so on until none
 * is left to fail. The call answers UV_ENOMEM or copes; afterwards, with
 * memory again, the same call works and nothing is left behind. */
static void starve(const char* name, int (*call)(void), int must_report,
                   long limit) {
  uv_loop_t own;
  long n;

  printf("%s\n", name);
  for (n = 0; n < limit; n++) {
    int hit;
    int r;

    ASSERT_OK(uv_loop_init(&own));
    loop = &own;
    atomic_store(&failed, 0);
    atomic_store(&budget, n);
    r = call();
    atomic_store(&budget, -1);
    hit = atomic_load(&failed);
    if (r != 0 && (r != UV_ENOMEM || !hit))
      test_fail(__FILE__, __LINE__, "%s with %ld allocations: %s", name, n,
                uv_strerror(r));
    if (n == 0 && must_report && r != UV_ENOMEM)
      test_fail(__FILE__, __LINE__, "%s without memory: %d, not UV_ENOMEM",
                name, r);
    CLOSE_LOOP(&own);

    ASSERT_OK(uv_loop_init(&own));
    r = call();
    if (r != 0)
      test_fail(__FILE__, __LINE__, "%s with memory again: %s", name,
                uv_strerror(r));
    CLOSE_LOOP(&own);
    if (!hit) break;
  }
}

static const struct {
  const char* name;
  int (*call)(void);
  int must_report; /* it cannot do without memory */
  long limit;      /* allocations to fail: libuv 1.53 itself frees a block
                      twice when a later one of uv_loop_init() fails */
} calls[] = {
    {"uv_loop_init", do_loop_init, 0, 1},
    {"uv_loop_new", do_loop_new, 1, 2},
    {"uv_timer_start", do_timers, 0, 100},
    {"uv_async_init", do_async, 0, 100},
    {"uv_signal_start", do_signal, 0, 100},
    {"uv_queue_work", do_work, 0, 100},
    {"uv_fs_stat", do_stat_async, 1, 100},
    {"uv_fs_rename", do_rename_async, 1, 100},
    {"uv_fs_write", do_write_vectored_async, 1, 100},
    {"uv_fs_realpath", do_realpath, 1, 100},
    {"uv_fs_readlink", do_readlink, 1, 100},
    {"uv_fs_statfs", do_statfs, 1, 100},
    {"uv_fs_mkdtemp", do_mkdtemp, 1, 100},
    {"uv_fs_opendir", do_opendir, 1, 100},
    {"uv_listen", do_listen, 0, 100},
    {"uv_fs_scandir", do_scandir_async, 1, 100},
    {"uv_fs_readlink", do_readlink_async, 1, 100},
    {"uv_fs_realpath", do_realpath_async, 1, 100},
    {"uv_fs_statfs", do_statfs_async, 1, 100},
    {"uv_fs_copyfile", do_copyfile_async, 1, 100},
    {"uv_fs_mkdtemp", do_mkdtemp_async, 1, 100},
    {"uv_fs_mkstemp", do_mkstemp_async, 1, 100},
    {"uv_fs_readdir", do_readdir_async, 1, 100},
    {"uv_fs_event_start", do_fs_event, 1, 100},
    {"uv_fs_event_start, recursive", do_fs_event_recursive, 1, 100},
    {"uv_fs_poll_start", do_fs_poll, 1, 100},
    {"uv_pipe_bind", do_pipe_bind, 1, 100},
    {"uv_pipe_connect2", do_pipe_connect, 1, 100},
    {"uv_udp_send", do_udp_send, 1, 100},
    {"uv_udp_recv_start", do_udp_recv, 0, 100},
    {"uv_poll_start", do_poll, 0, 100},
    {"uv_getaddrinfo", do_getaddrinfo, 1, 100},
    {"uv_getnameinfo", do_getnameinfo, 0, 100},
    {"uv_random", do_random, 0, 100},
    {"uv_spawn", do_spawn, 1, 100},
};

TEST(allocator_failing_each_allocation_in_turn) {
  size_t i;
  int fd = open(test_path("file"), O_WRONLY | O_CREAT, 0600);

  ASSERT_GE(fd, 0);
  close(fd);
  install();
  for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
    starve(calls[i].name, calls[i].call, calls[i].must_report,
           calls[i].limit);
  uv_library_shutdown();
  ASSERT_EQ(allocated, freed);
}

/* Once set up, a loop with timers and watchers runs without any memory. */
TEST(allocator_a_running_loop_survives_without_memory) {
  enum { N = 500 };
  static uv_timer_t timers[N];
  uv_loop_t own;
  uv_async_t async;
  int active = 0;
  int i;

  install();
  ASSERT_OK(uv_loop_init(&own));
  ASSERT_OK(uv_async_init(&own, &async, async_cb));
  for (i = 0; i < N / 2; i++) {
    ASSERT_OK(uv_timer_init(&own, &timers[i]));
    ASSERT_OK(uv_timer_start(&timers[i], count_timer, (uint64_t) i % 7, 0));
  }
  atomic_store(&budget, 0);
  for (; i < N; i++) {
    int r;
    ASSERT_OK(uv_timer_init(&own, &timers[i]));
    r = uv_timer_start(&timers[i], count_timer, (uint64_t) i % 7, 0);
    if (r != 0) ASSERT_EQ(r, UV_ENOMEM);
  }
  for (i = 0; i < N; i++)
    active += uv_is_active((uv_handle_t*) &timers[i]);
  ASSERT_GE(active, N / 2);
  ASSERT_OK(uv_async_send(&async));
  ASSERT_OK(uv_run(&own, UV_RUN_DEFAULT));
  ASSERT_EQ(fired, active);
  for (i = 0; i < N; i++) uv_close((uv_handle_t*) &timers[i], NULL);
  ASSERT_OK(uv_run(&own, UV_RUN_DEFAULT));
  ASSERT_OK(uv_loop_close(&own));
  atomic_store(&budget, -1);
  uv_library_shutdown();
  ASSERT_EQ(allocated, freed);
}
