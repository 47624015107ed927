/* Exhausted resources: descriptors, threads, inotify instances and watches. Each
 * call fails, leaves nothing behind, and works again later. */
#include "test-os.h"
#include "test-process.h"

#include <sched.h>

static uv_loop_t loop;

/* --- descriptors --------------------------------------------------------- */

enum { LIMIT = 128 };

static int fillers[LIMIT];
static int filled;

static void release_descriptors(void) {
  while (filled > 0) ASSERT_OK(close(fillers[--filled]));
}

/* From now on so many can be opened. */
static void leave_descriptors(int count) {
  while ((fillers[filled] = dup(0)) != -1) filled++;
  ASSERT_EQ(errno, EMFILE);
  while (count-- > 0) ASSERT_OK(close(fillers[--filled]));
}

static int do_loop_init(void) {
  uv_loop_t another;
  int r = uv_loop_init(&another);
  if (r == 0) ASSERT_OK(uv_loop_close(&another));
  return r;
}

static int do_loop_new(void) {
  uv_loop_t* another = uv_loop_new();
  if (another == NULL) return UV_EMFILE;
  uv_loop_delete(another);
  return 0;
}

static union uv_any_handle handle;

static int do_tcp_init(void) {
  int r = uv_tcp_init_ex(&loop, &handle.tcp, AF_INET);
  /* A handle whose init failed is none. */
  if (r == 0) uv_close(&handle.handle, NULL);
  return r;
}

static int do_tcp_bind(void) {
  struct sockaddr_in addr = loopback(0);
  ASSERT_OK(uv_tcp_init(&loop, &handle.tcp));
  return uv_tcp_bind(&handle.tcp, SA(&addr), 0);
}

static int do_tcp_listen(void) {
  ASSERT_OK(uv_tcp_init(&loop, &handle.tcp));
  return uv_listen(&handle.stream, 1, never_connection);
}

static int result;

static void connect_cb(uv_connect_t* req, int status) {
  (void) req;
  result = status;
}

static int do_tcp_connect(void) {
  static uv_connect_t req;
  struct sockaddr_in addr = loopback(9);
  ASSERT_OK(uv_tcp_init(&loop, &handle.tcp));
  return uv_tcp_connect(&req, &handle.tcp, SA(&addr), connect_cb);
}

static int do_pipe_bind(void) {
  ASSERT_OK(uv_pipe_init(&loop, &handle.pipe, 0));
  return uv_pipe_bind(&handle.pipe, test_path("pipe"));
}

static int do_pipe_connect(void) {
  static uv_connect_t req;
  int r;
  ASSERT_OK(uv_pipe_init(&loop, &handle.pipe, 0));
  r = uv_pipe_connect2(&req, &handle.pipe, "/absent", 7, 0, connect_cb);
  ASSERT_EQ(uv_run(&loop, UV_RUN_DEFAULT), 0);
  /* With a socket, connecting fails because there is no listener. */
  if (r == 0 && result != UV_ENOENT) r = result;
  return r;
}

static int do_udp_init(void) {
  int r = uv_udp_init_ex(&loop, &handle.udp, AF_INET);
  if (r == 0) uv_close(&handle.handle, NULL);
  return r;
}

static int do_udp_bind(void) {
  struct sockaddr_in addr = loopback(0);
  ASSERT_OK(uv_udp_init(&loop, &handle.udp));
  return uv_udp_bind(&handle.udp, SA(&addr), 0);
}

static int do_udp_connect(void) {
  struct sockaddr_in addr = loopback(9);
  ASSERT_OK(uv_udp_init(&loop, &handle.udp));
  return uv_udp_connect(&handle.udp, SA(&addr));
}

static void never_receive(uv_udp_t* udp, ssize_t nread, const uv_buf_t* buf,
                          const struct sockaddr* addr, unsigned flags) {
  (void) udp, (void) buf, (void) addr, (void) flags;
  test_fail(__FILE__, __LINE__, "unexpected receive callback (%ld)",
            (long) nread);
}

static int do_udp_recv(void) {
  ASSERT_OK(uv_udp_init(&loop, &handle.udp));
  return uv_udp_recv_start(&handle.udp, alloc_static, never_receive);
}

static int do_udp_send(void) {
  static uv_udp_send_t req;
  struct sockaddr_in addr = loopback(9);
  uv_buf_t buf = uv_buf_init("x", 1);
  ASSERT_OK(uv_udp_init(&loop, &handle.udp));
  return uv_udp_send(&req, &handle.udp, &buf, 1, SA(&addr), NULL);
}

static int do_udp_try_send(void) {
  struct sockaddr_in addr = loopback(9);
  uv_buf_t buf = uv_buf_init("x", 1);
  int r;
  ASSERT_OK(uv_udp_init(&loop, &handle.udp));
  r = uv_udp_try_send(&handle.udp, &buf, 1, SA(&addr));
  return r == 1 ? 0 : r;
}

static void signal_cb(uv_signal_t* watcher, int signum) {
  (void) watcher, (void) signum;
}

static int do_signal(void) {
  int r = uv_signal_init(&loop, &handle.signal);
  return r != 0 ? r : uv_signal_start(&handle.signal, signal_cb, SIGUSR1);
}

static int do_fs_event(void) {
  ASSERT_OK(uv_fs_event_init(&loop, &handle.fs_event));
  return uv_fs_event_start(&handle.fs_event, NULL, "/", 0);
}

static int do_spawn(void) {
  enum { PIPES = 3 };
  static uv_pipe_t pipes[PIPES];
  struct spawning s;
  int i, r;

  program(&s, "true", NULL, NULL, NULL);
  for (i = 0; i < PIPES; i++) {
    ASSERT_OK(uv_pipe_init(&loop, &pipes[i], 0));
    s.stdio[i].flags = UV_CREATE_PIPE | UV_READABLE_PIPE | UV_WRITABLE_PIPE;
    s.stdio[i].data.stream = STREAM(&pipes[i]);
  }
  r = uv_spawn(&loop, &handle.process, &s.options);
  ASSERT_EQ(uv_run(&loop, UV_RUN_DEFAULT), 0);
  ASSERT_NO_CHILDREN();
  return r;
}

static uv_fs_t req;

static int fs_result(int r) {
  if (r > 0) ASSERT_OK(close(r));
  uv_fs_req_cleanup(&req);
  return r > 0 ? 0 : r;
}

static int do_open(void) {
  return fs_result(uv_fs_open(NULL, &req, "/", UV_FS_O_RDONLY, 0, NULL));
}

static int do_mkstemp(void) {
  return fs_result(uv_fs_mkstemp(NULL, &req, test_path("XXXXXX"), NULL));
}

static int do_scandir(void) {
  return uv_fs_scandir(NULL, &req, "/", 0, NULL) < 0 ? fs_result(req.result)
                                                     : fs_result(0);
}

static int do_opendir(void) {
  int r = uv_fs_opendir(NULL, &req, "/", NULL);
  if (r == 0) ASSERT_OK(uv_fs_closedir(NULL, &req, req.ptr, NULL));
  return fs_result(r);
}

static int do_copyfile(void) {
  const char* copy = test_path("copy");
  unlink(copy); /* As read-only as the file that was copied to it before. */
  return fs_result(
      uv_fs_copyfile(NULL, &req, "/proc/self/status", copy, 0, NULL));
}

static void fs_cb(uv_fs_t* r) { result = fs_result((int) r->result); }

static int do_open_async(void) {
  ASSERT_OK(uv_fs_open(&loop, &req, "/", UV_FS_O_RDONLY, 0, fs_cb));
  ASSERT_EQ(uv_run(&loop, UV_RUN_DEFAULT), 0);
  return result;
}

static int close_both(int r, int fds[2]) {
  if (r == 0) {
    ASSERT_OK(close(fds[0]));
    ASSERT_OK(close(fds[1]));
  }
  return r;
}

static int do_pipe(void) {
  int fds[2];
  return close_both(uv_pipe(fds, 0, 0), fds);
}

static int do_socketpair(void) {
  int fds[2];
  return close_both(uv_socketpair(SOCK_STREAM, 0, fds, 0, 0), fds);
}

static int do_resident_set_memory(void) {
  size_t size;
  return uv_resident_set_memory(&size);
}

static int do_cpu_info(void) {
  uv_cpu_info_t* cpus;
  int count;
  int r = uv_cpu_info(&cpus, &count);
  if (r == 0) uv_free_cpu_info(cpus, count);
  return r;
}

static int do_interface_addresses(void) {
  uv_interface_address_t* list;
  int count;
  int r = uv_interface_addresses(&list, &count);
  if (r == 0) uv_free_interface_addresses(list, count);
  return r;
}

static const struct {
  const char* name;
  int (*call)(void);
  int spares; /* libuv, unlike oxuv, makes what it takes with the loop */
} calls[] = {
    {"uv_loop_init", do_loop_init, 0},
    {"uv_loop_new", do_loop_new, 0},
    {"uv_tcp_init_ex", do_tcp_init, 0},
    {"uv_tcp_bind", do_tcp_bind, 0},
    {"uv_listen", do_tcp_listen, 0},
    {"uv_tcp_connect", do_tcp_connect, 0},
    {"uv_pipe_bind", do_pipe_bind, 0},
    {"uv_pipe_connect2", do_pipe_connect, 0},
    {"uv_udp_init_ex", do_udp_init, 0},
    {"uv_udp_bind", do_udp_bind, 0},
    {"uv_udp_connect", do_udp_connect, 0},
    {"uv_udp_recv_start", do_udp_recv, 0},
    {"uv_udp_send", do_udp_send, 0},
    {"uv_udp_try_send", do_udp_try_send, 0},
    {"uv_signal_start", do_signal, 1},
    {"uv_fs_event_start", do_fs_event, 0},
    {"uv_spawn", do_spawn, 0},
    {"uv_fs_open", do_open, 0},
    {"uv_fs_open with a callback", do_open_async, 0},
    {"uv_fs_mkstemp", do_mkstemp, 0},
    {"uv_fs_scandir", do_scandir, 0},
    {"uv_fs_opendir", do_opendir, 0},
    {"uv_fs_copyfile", do_copyfile, 0},
    {"uv_pipe", do_pipe, 0},
    {"uv_socketpair", do_socketpair, 0},
    {"uv_resident_set_memory", do_resident_set_memory, 0},
    {"uv_cpu_info", do_cpu_info, 0},
    {"uv_interface_addresses", do_interface_addresses, 0},
};

/* With 0 descriptors the call fails, then with 1 and so on until there are
 * enough. */
TEST(exhaustion_too_few_descriptors) {
  struct rlimit limit;
  size_t i;

  if (test_under_valgrind())
    SKIP("valgrind opens descriptors that the limit forbids");
  ASSERT_OK(getrlimit(RLIMIT_NOFILE, &limit));
  limit.rlim_cur = LIMIT;
  ASSERT_OK(setrlimit(RLIMIT_NOFILE, &limit));
  /* Resources that the process keeps. */
  ASSERT_OK(do_loop_init());
  for (i = 0; i < COUNT(calls); i++) {
    int count = 0;
    int before, r;

    do {
      printf("%s with %d\n", calls[i].name, count);
      before = open_descriptors();
      ASSERT_OK(uv_loop_init(&loop));
      leave_descriptors(count);
      result = 0;
      r = calls[i].call();
      release_descriptors();
      if (r != 0) ASSERT_EQ(r, UV_EMFILE);
      if (count == 0 && !calls[i].spares) ASSERT_EQ(r, UV_EMFILE);
      CLOSE_LOOP(&loop);
      ASSERT_EQ(open_descriptors(), before);
      /* Now there are enough. */
      ASSERT_OK(uv_loop_init(&loop));
      result = 0;
      ASSERT_OK(calls[i].call());
      CLOSE_LOOP(&loop);
      ASSERT_EQ(open_descriptors(), before);
      ASSERT_LT(count++, LIMIT);
    } while (r != 0);
  }
}

/* --- descriptors that are sent ------------------------------------------- */

static int sent_reads;

static void sent_read(uv_stream_t* stream, ssize_t nread, const uv_buf_t* buf) {
  if (nread == 0) return;
  (void) buf;
  ASSERT_EQ(nread, 1);
  ASSERT_EQ(uv_pipe_pending_count((uv_pipe_t*) stream), *(int*) stream->data);
  sent_reads++;
}

static void send_descriptors(int over, int count) {
  char byte = 'x';
  struct iovec vec = {&byte, 1};
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(16 * sizeof(int))];
  } control;
  struct msghdr message = {.msg_iov = &vec,
                           .msg_iovlen = 1,
                           .msg_control = &control,
                           .msg_controllen = CMSG_SPACE(count * sizeof(int))};
  int i;

  memset(&control, 0, sizeof(control));
  control.header.cmsg_level = SOL_SOCKET;
  control.header.cmsg_type = SCM_RIGHTS;
  control.header.cmsg_len = CMSG_LEN(count * sizeof(int));
  for (i = 0; i < count; i++) ((int*) CMSG_DATA(&control.header))[i] = over;
  ASSERT_EQ(sendmsg(over, &message, 0), 1);
}

TEST(exhaustion_too_few_descriptors_for_those_that_are_sent) {
  struct rlimit limit;
  int peer, room;

  if (test_under_valgrind())
    SKIP("valgrind opens descriptors that the limit forbids");
  ASSERT_OK(getrlimit(RLIMIT_NOFILE, &limit));
  limit.rlim_cur = LIMIT;
  ASSERT_OK(setrlimit(RLIMIT_NOFILE, &limit));
  ASSERT_OK(do_loop_init());
  for (room = 0; room <= 3; room++) {
    int before = open_descriptors();
    ASSERT_OK(uv_loop_init(&loop));
    peer = pipe_with_peer(&loop, &handle.pipe, 1);
    handle.handle.data = &room;
    ASSERT_OK(uv_read_start(&handle.stream, alloc_static, sent_read));
    send_descriptors(peer, 3);
    leave_descriptors(room);
    sent_reads = 0;
    RUN_UNTIL(&loop, sent_reads == 1);
    release_descriptors();
    ASSERT_OK(close(peer));
    CLOSE_LOOP(&loop);
    ASSERT_EQ(open_descriptors(), before);
  }
}

/* --- threads ------------------------------------------------------------- */

#define NEEDS_ROOT()                                                          \
  do {                                                                        \
    if (geteuid() != 0)                                                       \
      SKIP("needs the privilege to be a user who has no processes");          \
  } while (0)

/* From now on this process, as a user who has no other, can have so many. */
static void leave_threads(int count) {
  const struct rlimit limit = {count, count};
  /* Another one for each test: they may run at the same time. */
  const uid_t user = 20000 + (uid_t) getpid() % 40000;
  ASSERT_OK(setrlimit(RLIMIT_NPROC, &limit));
  ASSERT_OK(setresgid(user, user, user));
  ASSERT_OK(setresuid(user, user, user));
}

static void thread_cb(void* arg) { (void) arg; }
static void work_cb(uv_work_t* work) { (void) work; }

static void after_work_cb(uv_work_t* work, int status) {
  (void) work;
  ASSERT_OK(status);
  result++;
}

TEST(exhaustion_no_thread) {
  uv_thread_t thread;

  NEEDS_ROOT();
  leave_threads(1);
  ASSERT_EQ(uv_thread_create(&thread, thread_cb, NULL), UV_EAGAIN);
}

TEST(exhaustion_no_process) {
  struct spawning s;

  NEEDS_ROOT();
  if (test_under_valgrind())
    SKIP("valgrind does not survive it when clone() fails");
  leave_threads(1);
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_EQ(uv_spawn(&loop, &handle.process,
                     &program(&s, "true", NULL, NULL, NULL)->options),
            UV_EAGAIN);
  ASSERT_NO_CHILDREN();
  CLOSE_LOOP(&loop);
}

static void queue_without_a_thread(void) {
  uv_work_t work;
  leave_threads(1);
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_EQ(uv_queue_work(&loop, &work, work_cb, after_work_cb), UV_EAGAIN);
  ASSERT_EQ(uv_fs_stat(&loop, &req, "/", fs_cb), UV_EAGAIN);
  ASSERT_EQ(uv_loop_alive(&loop), 0);
  CLOSE_LOOP(&loop);
}

TEST(exhaustion_no_thread_for_the_pool) {
  NEEDS_ROOT();
  ASSERT_SURVIVES(queue_without_a_thread);
}

static void queue_with_one_thread(void) {
  enum { WORKS = 20 };
  static uv_work_t works[WORKS];
  int i;
  leave_threads(2);
  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < WORKS; i++)
    ASSERT_OK(uv_queue_work(&loop, &works[i], work_cb, after_work_cb));
  ASSERT_EQ(uv_run(&loop, UV_RUN_DEFAULT), 0);
  ASSERT_EQ(result, WORKS);
  CLOSE_LOOP(&loop);
}

TEST(exhaustion_one_thread_for_the_pool) {
  NEEDS_ROOT();
  ASSERT_SURVIVES(queue_with_one_thread);
}

/* --- inotify ------------------------------------------------------------- */

static void write_file(const char* path, const char* text) {
  int fd = open(path, O_WRONLY);
  ASSERT_GE(fd, 0);
  ASSERT_EQ(write(fd, text, strlen(text)), strlen(text));
  ASSERT_OK(close(fd));
}

/* In a user namespace of this process's own. */
static void limit_inotify(const char* what, const char* value) {
  char path[64];
  if (unshare(CLONE_NEWUSER) != 0) SKIP("needs user namespaces");
  snprintf(path, sizeof(path), "/proc/sys/user/max_inotify_%s", what);
  write_file(path, value);
}

TEST(exhaustion_no_inotify_instance) {
  limit_inotify("instances", "0");
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_EQ(do_fs_event(), UV_EMFILE);
  ASSERT_EQ(uv_is_active(&handle.handle), 0);
  CLOSE_LOOP(&loop);
}

TEST(exhaustion_no_inotify_watch) {
  uv_fs_event_t more[3];
  const char* path[] = {"/", "/proc", "/sys"};
  int i;

  limit_inotify("watches", "2");
  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < 3; i++) {
    ASSERT_OK(uv_fs_event_init(&loop, &more[i]));
    ASSERT_EQ(uv_fs_event_start(&more[i], NULL, path[i], 0),
              i < 2 ? 0 : UV_ENOSPC);
  }
  ASSERT_EQ(uv_is_active(HANDLE(&more[2])), 0);
  /* Those of one file share a watch. */
  ASSERT_OK(do_fs_event());
  /* A released watch can be used again. */
  ASSERT_OK(uv_fs_event_stop(&more[1]));
  ASSERT_OK(uv_fs_event_start(&more[2], NULL, path[2], 0));
  CLOSE_LOOP(&loop);
}
