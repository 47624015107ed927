/* How handles and requests end: closed in every callback there is, by their own
 * and by those of others; the loop or the whole process ending while they are
 * open. Memory is the test's again as soon as the last callback has begun. */
#include "test-os.h"
#include "test-process.h"

/* --- memory that must not be accessed any more --------------------------- */

enum { POISON = 0xdd };

/* Checkers detect a use of freed memory. Without one the memory is filled and kept
 * for a while, which detects writes and makes reads fail. */
static int checked(void) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return 1;
#else
  return test_under_valgrind();
#endif
}

static void* blocks[256]; /* in use */
static size_t block_count;
static struct {
  unsigned char* memory;
  size_t size;
} retired[256];
static size_t retired_count;

static void* take(size_t size) {
  void* memory = malloc(size);
  ASSERT_NOT_NULL(memory);
  memset(memory, 0x5a, size);
  ASSERT_LT(block_count, COUNT(blocks));
  blocks[block_count++] = memory;
  return memory;
}

static void retire(void* memory, size_t size) {
  size_t i = 0;
  while (blocks[i] != memory) i++;
  blocks[i] = blocks[--block_count];
  memset(memory, POISON, size);
  if (checked()) {
    free(memory);
    return;
  }
  ASSERT_LT(retired_count, COUNT(retired));
  retired[retired_count].memory = memory;
  retired[retired_count++].size = size;
}

static void check_memory(void) {
  ASSERT_EQ(block_count, 0);
  while (retired_count > 0) {
    size_t i;
    retired_count--;
    for (i = 0; i < retired[retired_count].size; i++)
      ASSERT_EQ(retired[retired_count].memory[i], POISON);
    free(retired[retired_count].memory);
  }
}

/* --- parties ------------------------------------------------------------- */

/* A handle or a request, or a handle and a request of it, which is about to have
 * a callback. */
struct party {
  const struct kind* kind;
  uv_loop_t* loop;
  void* handle; /* NULL when there is none, or none any more */
  int fds[2];   /* of the test: a peer, or what a poll handle watches */
  int calls;    /* of the callback that the kind is named after */
  int requests; /* under way */
  int again;    /* how often the request is to be started from its callback */
};

struct kind {
  const char* name;
  void (*make)(struct party*);
  /* Starts a request in this memory; NULL when there is none that could be
   * started more than once. */
  void (*start)(struct party*, void*);
  /* libuv 1.53 crashes when the handle is closed in this callback. */
  int spare_self;
};

/* The action of the next callback. */
static void (*action)(struct party*);

static void happened(struct party* p) {
  p->calls++;
  if (action != NULL) action(p);
}

static void on_close(uv_handle_t* handle) {
  struct party* p = handle->data;
  /* Requests end before their handle. */
  ASSERT_EQ(p->requests, 0);
  p->handle = NULL;
  retire(handle, uv_handle_size(handle->type));
}

static void close_handle(uv_handle_t* handle, void* arg) {
  (void) arg;
  if (handle->data != NULL && !uv_is_closing(handle))
    uv_close(handle, on_close);
}

static void close_party(struct party* p) {
  if (p->handle != NULL) close_handle(p->handle, NULL);
}

/* The handle's memory; who calls this initialises it next. */
static void* new_handle(struct party* p, uv_handle_type type) {
  uv_handle_t* handle = p->handle = take(uv_handle_size(type));
  handle->data = p;
  return handle;
}

static void on_handle(uv_handle_t* handle) {
  struct party* p = handle->data;
  ASSERT(!uv_is_closing(handle));
  happened(p);
}

static void* new_request(struct party* p, uv_req_type type) {
  uv_req_t* req = take(uv_req_size(type));
  req->data = p;
  p->requests++;
  return req;
}

static void on_request(void* memory, int status) {
  uv_req_t* req = memory;
  struct party* p = req->data;
  size_t size = uv_req_size(req->type);
  p->requests--;
  ASSERT(status >= 0 || status == UV_ECANCELED);
  if (p->again > 0) {
    p->again--;
    p->requests++;
    memset(req, POISON, size);
    req->data = p;
    p->kind->start(p, req);
  } else {
    retire(req, size);
  }
  happened(p);
}

static void make_request(struct party* p, uv_req_type type) {
  p->kind->start(p, new_request(p, type));
}

/* --- the kinds: timers, phases, other threads, signals ------------------- */

static void timer_cb(uv_timer_t* timer) { on_handle(HANDLE(timer)); }
static void idle_cb(uv_idle_t* idle) { on_handle(HANDLE(idle)); }
static void prepare_cb(uv_prepare_t* prepare) { on_handle(HANDLE(prepare)); }
static void check_cb(uv_check_t* check) { on_handle(HANDLE(check)); }
static void async_cb(uv_async_t* async) { on_handle(HANDLE(async)); }

static void make_timer(struct party* p) {
  uv_timer_t* timer = new_handle(p, UV_TIMER);
  ASSERT_OK(uv_timer_init(p->loop, timer));
  ASSERT_OK(uv_timer_start(timer, timer_cb, 0, 1));
}

static void make_idle(struct party* p) {
  uv_idle_t* idle = new_handle(p, UV_IDLE);
  ASSERT_OK(uv_idle_init(p->loop, idle));
  ASSERT_OK(uv_idle_start(idle, idle_cb));
}

static void make_prepare(struct party* p) {
  uv_prepare_t* prepare = new_handle(p, UV_PREPARE);
  ASSERT_OK(uv_prepare_init(p->loop, prepare));
  ASSERT_OK(uv_prepare_start(prepare, prepare_cb));
}

static void make_check(struct party* p) {
  uv_check_t* check = new_handle(p, UV_CHECK);
  ASSERT_OK(uv_check_init(p->loop, check));
  ASSERT_OK(uv_check_start(check, check_cb));
}

static void make_async(struct party* p) {
  uv_async_t* async = new_handle(p, UV_ASYNC);
  ASSERT_OK(uv_async_init(p->loop, async, async_cb));
  ASSERT_OK(uv_async_send(async));
}

static void signal_cb(uv_signal_t* watcher, int signum) {
  ASSERT_EQ(signum, SIGUSR1);
  on_handle(HANDLE(watcher));
}

static void make_signal(struct party* p) {
  uv_signal_t* watcher = new_handle(p, UV_SIGNAL);
  ASSERT_OK(uv_signal_init(p->loop, watcher));
  ASSERT_OK(uv_signal_start(watcher, signal_cb, SIGUSR1));
  ASSERT_OK(raise(SIGUSR1));
}

static void exit_cb(uv_process_t* process, int64_t status, int signum) {
  ASSERT_EQ(status, 0);
  ASSERT_EQ(signum, 0);
  /* libuv 1.53 makes the callback of a child that it has reaped even if the
   * callback of another has closed the handle. */
  if (!uv_is_closing(HANDLE(process))) on_handle(HANDLE(process));
}

static void make_process(struct party* p) {
  uv_process_t* process = new_handle(p, UV_PROCESS);
  struct spawning s;
  program(&s, "true", NULL, NULL, NULL)->options.exit_cb = exit_cb;
  ASSERT_OK(uv_spawn(p->loop, process, &s.options));
}

/* --- streams ------------------------------------------------------------- */

static void alloc_cb(uv_handle_t* handle, size_t size, uv_buf_t* buf) {
  struct party* p = handle->data;
  ASSERT_GE(size, 64);
  *buf = uv_buf_init(take(64), 64);
  if (strstr(p->kind->name, "alloc") != NULL) on_handle(handle);
}

static void read_cb(uv_stream_t* stream, ssize_t nread, const uv_buf_t* buf) {
  struct party* p = stream->data;
  if (buf->base != NULL) retire(buf->base, buf->len);
  if (nread == 0 || strstr(p->kind->name, "alloc") != NULL) return;
  ASSERT_EQ(nread, strstr(p->kind->name, "eof") != NULL ? UV_EOF : 1);
  on_handle(HANDLE(stream));
}

static void connection_cb(uv_stream_t* server, int status) {
  ASSERT_OK(status);
  on_handle(HANDLE(server));
}

static void write_cb(uv_write_t* req, int status) { on_request(req, status); }

static void shutdown_cb(uv_shutdown_t* req, int status) {
  on_request(req, status);
}

static void connect_cb(uv_connect_t* req, int status) {
  on_request(req, status);
}

/* A connected handle, whose peer is p->fds[1]. */
static uv_stream_t* make_tcp(struct party* p) {
  uv_tcp_t* tcp = new_handle(p, UV_TCP);
  p->fds[1] = tcp_with_peer(p->loop, tcp);
  return STREAM(tcp);
}

static uv_stream_t* make_pipe(struct party* p) {
  uv_pipe_t* pipe = new_handle(p, UV_NAMED_PIPE);
  p->fds[1] = pipe_with_peer(p->loop, pipe, 0);
  return STREAM(pipe);
}

static uv_stream_t* make_tty(struct party* p) {
  char path[64];
  int fd;
  uv_tty_t* tty = new_handle(p, UV_TTY);
  p->fds[1] = posix_openpt(O_RDWR | O_NOCTTY);
  if (p->fds[1] == -1) SKIP("no pseudo-terminals");
  ASSERT_OK(grantpt(p->fds[1]));
  ASSERT_OK(unlockpt(p->fds[1]));
  ASSERT_OK(ptsname_r(p->fds[1], path, sizeof(path)));
  fd = open(path, O_RDWR | O_NOCTTY);
  ASSERT_GE(fd, 0);
  ASSERT_OK(uv_tty_init(p->loop, tty, fd, 0));
  return STREAM(tty);
}

static void with_a_byte(struct party* p, uv_stream_t* stream) {
  ASSERT_EQ(write(p->fds[1], "\n", 1), 1);
  ASSERT_OK(uv_read_start(stream, alloc_cb, read_cb));
}

static void make_tcp_read(struct party* p) { with_a_byte(p, make_tcp(p)); }
static void make_pipe_read(struct party* p) { with_a_byte(p, make_pipe(p)); }
static void make_tty_read(struct party* p) { with_a_byte(p, make_tty(p)); }
static void make_tcp_alloc(struct party* p) { with_a_byte(p, make_tcp(p)); }
static void make_pipe_alloc(struct party* p) { with_a_byte(p, make_pipe(p)); }

static void at_the_end(struct party* p, uv_stream_t* stream) {
  ASSERT_OK(close(p->fds[1]));
  p->fds[1] = -1;
  ASSERT_OK(uv_read_start(stream, alloc_cb, read_cb));
}

static void make_tcp_eof(struct party* p) { at_the_end(p, make_tcp(p)); }
static void make_pipe_eof(struct party* p) { at_the_end(p, make_pipe(p)); }

static void start_write(struct party* p, void* req) {
  uv_buf_t bufs[] = {uv_buf_init("a", 1), uv_buf_init("b", 1),
                     uv_buf_init("c", 1), uv_buf_init("d", 1),
                     uv_buf_init("\n", 1)};
  ASSERT_OK(uv_write(req, p->handle, bufs, COUNT(bufs), write_cb));
}

static void make_tcp_write(struct party* p) {
  make_tcp(p);
  make_request(p, UV_WRITE);
}

static void make_pipe_write(struct party* p) {
  make_pipe(p);
  make_request(p, UV_WRITE);
}

static void make_tty_write(struct party* p) {
  make_tty(p);
  make_request(p, UV_WRITE);
}

static void make_tcp_shutdown(struct party* p) {
  uv_stream_t* stream = make_tcp(p);
  ASSERT_OK(uv_shutdown(new_request(p, UV_SHUTDOWN), stream, shutdown_cb));
}

static void make_pipe_shutdown(struct party* p) {
  uv_stream_t* stream = make_pipe(p);
  ASSERT_OK(uv_shutdown(new_request(p, UV_SHUTDOWN), stream, shutdown_cb));
}

static void make_tcp_connect(struct party* p) {
  struct sockaddr_in addr = loopback(0);
  socklen_t len = sizeof(addr);
  uv_tcp_t* tcp = new_handle(p, UV_TCP);
  p->fds[1] = socket(AF_INET, SOCK_STREAM, 0);
  ASSERT_OK(bind(p->fds[1], SA(&addr), len));
  ASSERT_OK(listen(p->fds[1], 1));
  ASSERT_OK(getsockname(p->fds[1], (struct sockaddr*) &addr, &len));
  ASSERT_OK(uv_tcp_init(p->loop, tcp));
  ASSERT_OK(uv_tcp_connect(new_request(p, UV_CONNECT), tcp, SA(&addr),
                           connect_cb));
}

/* An abstract name, chosen by the kernel. */
static struct sockaddr_un listen_unix(int* fd, socklen_t* len) {
  struct sockaddr_un addr = {.sun_family = AF_UNIX};
  *fd = socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_OK(bind(*fd, SA(&addr), sizeof(addr.sun_family)));
  ASSERT_OK(listen(*fd, 1));
  *len = sizeof(addr);
  ASSERT_OK(getsockname(*fd, (struct sockaddr*) &addr, len));
  return addr;
}

static void make_pipe_connect(struct party* p) {
  socklen_t len;
  struct sockaddr_un addr = listen_unix(&p->fds[1], &len);
  uv_pipe_t* pipe = new_handle(p, UV_NAMED_PIPE);
  ASSERT_OK(uv_pipe_init(p->loop, pipe, 0));
  ASSERT_OK(uv_pipe_connect2(new_request(p, UV_CONNECT), pipe, addr.sun_path,
                             len - sizeof(addr.sun_family), 0, connect_cb));
}

static void make_tcp_connection(struct party* p) {
  uv_tcp_t* tcp = new_handle(p, UV_TCP);
  struct sockaddr_in addr = listen_loopback(p->loop, tcp, connection_cb);
  p->fds[1] = socket(AF_INET, SOCK_STREAM, 0);
  ASSERT_OK(connect(p->fds[1], SA(&addr), sizeof(addr)));
}

static void make_pipe_connection(struct party* p) {
  socklen_t len;
  int fd;
  struct sockaddr_un addr = listen_unix(&fd, &len);
  uv_pipe_t* pipe = new_handle(p, UV_NAMED_PIPE);
  ASSERT_OK(uv_pipe_init(p->loop, pipe, 0));
  ASSERT_OK(uv_pipe_open(pipe, fd));
  ASSERT_OK(uv_listen(STREAM(pipe), 1, connection_cb));
  p->fds[1] = socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_OK(connect(p->fds[1], SA(&addr), len));
}

/* --- datagrams, descriptors, files --------------------------------------- */

static void recv_cb(uv_udp_t* udp, ssize_t nread, const uv_buf_t* buf,
                    const struct sockaddr* addr, unsigned flags) {
  struct party* p = udp->data;
  (void) flags;
  if (buf->base != NULL) retire(buf->base, buf->len);
  if (addr == NULL || strstr(p->kind->name, "alloc") != NULL) return;
  ASSERT_EQ(nread, 1);
  on_handle(HANDLE(udp));
}

static void make_udp_recv(struct party* p) {
  struct sockaddr_in addr = loopback(0);
  int len = sizeof(addr);
  uv_udp_t* udp = new_handle(p, UV_UDP);
  ASSERT_OK(uv_udp_init(p->loop, udp));
  ASSERT_OK(uv_udp_bind(udp, SA(&addr), 0));
  ASSERT_OK(uv_udp_getsockname(udp, (struct sockaddr*) &addr, &len));
  p->fds[1] = socket(AF_INET, SOCK_DGRAM, 0);
  ASSERT_EQ(sendto(p->fds[1], "x", 1, 0, SA(&addr), len), 1);
  ASSERT_OK(uv_udp_recv_start(udp, alloc_cb, recv_cb));
}

static void make_udp_alloc(struct party* p) { make_udp_recv(p); }

static void send_cb(uv_udp_send_t* req, int status) { on_request(req, status); }

static void start_send(struct party* p, void* req) {
  struct sockaddr_in addr = loopback(0);
  int len = sizeof(addr);
  uv_buf_t bufs[] = {uv_buf_init("a", 1), uv_buf_init("b", 1),
                     uv_buf_init("c", 1), uv_buf_init("d", 1),
                     uv_buf_init("e", 1)};
  ASSERT_OK(uv_udp_getsockname(p->handle, (struct sockaddr*) &addr, &len));
  ASSERT_OK(uv_udp_send(req, p->handle, bufs, COUNT(bufs), SA(&addr), send_cb));
}

static void make_udp_send(struct party* p) {
  struct sockaddr_in addr = loopback(0);
  uv_udp_t* udp = new_handle(p, UV_UDP);
  ASSERT_OK(uv_udp_init(p->loop, udp));
  ASSERT_OK(uv_udp_bind(udp, SA(&addr), 0));
  make_request(p, UV_UDP_SEND);
}

static void poll_cb(uv_poll_t* poll, int status, int events) {
  ASSERT_OK(status);
  ASSERT_EQ(events, UV_READABLE | UV_WRITABLE);
  on_handle(HANDLE(poll));
}

static void make_poll(struct party* p) {
  uv_poll_t* poll = new_handle(p, UV_POLL);
  ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, p->fds));
  ASSERT_EQ(write(p->fds[1], "x", 1), 1);
  ASSERT_OK(uv_poll_init(p->loop, poll, p->fds[0]));
  ASSERT_OK(uv_poll_start(poll, UV_READABLE | UV_WRITABLE, poll_cb));
}

static void fs_event_cb(uv_fs_event_t* event, const char* name, int events,
                        int status) {
  ASSERT_OK(status);
  ASSERT_NE(events, 0);
  ASSERT_NOT_NULL(name);
  on_handle(HANDLE(event));
}

static void make_fs_event(struct party* p) {
  const char* file = test_path("file");
  uv_fs_event_t* event = new_handle(p, UV_FS_EVENT);
  ASSERT_OK(uv_fs_event_init(p->loop, event));
  ASSERT_OK(uv_fs_event_start(event, fs_event_cb, test_path(""), 0));
  ASSERT_OK(close(open(file, O_WRONLY | O_CREAT, 0600)));
  ASSERT_OK(unlink(file));
}

static void fs_poll_cb(uv_fs_poll_t* poll, int status, const uv_stat_t* before,
                       const uv_stat_t* now) {
  ASSERT_EQ(status, UV_ENOENT);
  ASSERT_EQ(before->st_ino, now->st_ino);
  on_handle(HANDLE(poll));
}

static void make_fs_poll(struct party* p) {
  uv_fs_poll_t* poll = new_handle(p, UV_FS_POLL);
  ASSERT_OK(uv_fs_poll_init(p->loop, poll));
  ASSERT_OK(uv_fs_poll_start(poll, fs_poll_cb, test_path("absent"), 1));
}

/* --- requests without a handle ------------------------------------------- */

static void fs_cb(uv_fs_t* req) {
  int result = (int) req->result;
  uv_fs_req_cleanup(req);
  on_request(req, result);
}

static void start_fs(struct party* p, void* req) {
  ASSERT_OK(uv_fs_realpath(p->loop, req, test_path("."), fs_cb));
}

static void work_cb(uv_work_t* req) { (void) req; }

static void after_work_cb(uv_work_t* req, int status) {
  on_request(req, status);
}

static void start_work(struct party* p, void* req) {
  ASSERT_OK(uv_queue_work(p->loop, req, work_cb, after_work_cb));
}

static void getaddrinfo_cb(uv_getaddrinfo_t* req, int status,
                           struct addrinfo* list) {
  uv_freeaddrinfo(list);
  on_request(req, status);
}

static void start_getaddrinfo(struct party* p, void* req) {
  ASSERT_OK(uv_getaddrinfo(p->loop, req, getaddrinfo_cb, "127.0.0.1", "80",
                           NULL));
}

static void getnameinfo_cb(uv_getnameinfo_t* req, int status,
                           const char* host, const char* service) {
  ASSERT_STR_EQ(host, "127.0.0.1");
  ASSERT_STR_EQ(service, "80");
  on_request(req, status);
}

static void start_getnameinfo(struct party* p, void* req) {
  struct sockaddr_in addr = loopback(80);
  ASSERT_OK(uv_getnameinfo(p->loop, req, getnameinfo_cb, SA(&addr),
                           NI_NUMERICHOST | NI_NUMERICSERV));
}

static void random_cb(uv_random_t* req, int status, void* bytes, size_t size) {
  retire(bytes, size);
  on_request(req, status);
}

static void start_random(struct party* p, void* req) {
  ASSERT_OK(uv_random(p->loop, req, take(16), 16, 0, random_cb));
}

static void make_fs(struct party* p) { make_request(p, UV_FS); }
static void make_work(struct party* p) { make_request(p, UV_WORK); }

static void make_getaddrinfo(struct party* p) {
  make_request(p, UV_GETADDRINFO);
}

static void make_getnameinfo(struct party* p) {
  make_request(p, UV_GETNAMEINFO);
}

static void make_random(struct party* p) { make_request(p, UV_RANDOM); }

/* --- the table ----------------------------------------------------------- */

/* Name, how to start a request of it again, whether libuv cannot close it. */
#define KINDS(X)                                                              \
  X(timer, NULL, 0)                                                           \
  X(idle, NULL, 0)                                                            \
  X(prepare, NULL, 0)                                                         \
  X(check, NULL, 0)                                                           \
  X(async, NULL, 0)                                                           \
  X(signal, NULL, 0)                                                          \
  X(process, NULL, 0)                                                         \
  X(tcp_alloc, NULL, 1)                                                       \
  X(tcp_read, NULL, 0)                                                        \
  X(tcp_eof, NULL, 0)                                                         \
  X(tcp_write, start_write, 0)                                                \
  X(tcp_shutdown, NULL, 0)                                                    \
  X(tcp_connect, NULL, 0)                                                     \
  X(tcp_connection, NULL, 0)                                                  \
  X(pipe_alloc, NULL, 1)                                                      \
  X(pipe_read, NULL, 0)                                                       \
  X(pipe_eof, NULL, 0)                                                        \
  X(pipe_write, start_write, 0)                                               \
  X(pipe_shutdown, NULL, 0)                                                   \
  X(pipe_connect, NULL, 0)                                                    \
  X(pipe_connection, NULL, 0)                                                 \
  X(tty_read, NULL, 0)                                                        \
  X(tty_write, start_write, 0)                                                \
  X(udp_alloc, NULL, 0)                                                       \
  X(udp_recv, NULL, 0)                                                        \
  X(udp_send, start_send, 0)                                                  \
  X(poll, NULL, 0)                                                            \
  X(fs_event, NULL, 0)                                                        \
  X(fs_poll, NULL, 0)                                                         \
  X(fs, start_fs, 0)                                                          \
  X(work, start_work, 0)                                                      \
  X(getaddrinfo, start_getaddrinfo, 0)                                        \
  X(getnameinfo, start_getnameinfo, 0)                                        \
  X(random, start_random, 0)

enum {
#define INDEX(what, start, spare_self) INDEX_##what,
  KINDS(INDEX)
};

static const struct kind kinds[] = {
#define KIND(what, start, spare_self) {#what, make_##what, start, spare_self},
    KINDS(KIND)
};

/* --- plays --------------------------------------------------------------- */

static uv_loop_t* loop;
static uv_async_t waker; /* The first tick does not wait. */
static struct party parties[COUNT(kinds)];

static void begin(void) {
  loop = take(sizeof(*loop));
  ASSERT_OK(uv_loop_init(loop));
  ASSERT_OK(uv_async_init(loop, &waker, NULL));
  ASSERT_OK(uv_async_send(&waker));
  uv_unref(HANDLE(&waker));
  action = NULL;
}

static void make(struct party* p, const struct kind* kind) {
  memset(p, 0, sizeof(*p));
  p->kind = kind;
  p->loop = loop;
  p->fds[0] = p->fds[1] = -1;
  kind->make(p);
}

/* Everything is closed and all memory given back. */
static void end(size_t count) {
  size_t i;
  action = NULL;
  uv_close(HANDLE(&waker), NULL);
  for (i = 0; i < count; i++) close_party(&parties[i]);
  ASSERT_EQ(uv_loop_close(loop), UV_EBUSY);
  ASSERT_EQ(uv_run(loop, UV_RUN_DEFAULT), 0);
  ASSERT_OK(uv_loop_close(loop));
  for (i = 0; i < count; i++) {
    struct party* p = &parties[i];
    ASSERT_NULL(p->handle);
    ASSERT_EQ(p->requests, 0);
    if (p->fds[0] != -1) ASSERT_OK(close(p->fds[0]));
    if (p->fds[1] != -1) ASSERT_OK(close(p->fds[1]));
  }
  retire(loop, sizeof(*loop));
  check_memory();
  while (waitpid(-1, NULL, 0) > 0) continue;
}

/* Two parties of which the first does something in its first callback. */
static struct party* const one = &parties[0];
static struct party* const other = &parties[1];

static void close_one(struct party* p) {
  if (p == one) close_party(one);
}

static void close_other(struct party* p) {
  if (p == one) close_party(other);
}

static void close_both(struct party* p) {
  if (p != one) return;
  close_party(one);
  close_party(other);
}

static void close_all(struct party* p) {
  if (p == one) uv_walk(loop, close_handle, NULL);
}

static void play(const struct kind* first, const struct kind* second,
                 void (*what)(struct party*)) {
  begin();
  make(one, first);
  make(other, second);
  action = what;
  /* A loop that cannot be closed yet goes on as before. */
  ASSERT_EQ(uv_loop_close(loop), UV_EBUSY);
  RUN_UNTIL(loop, one->calls > 0);
  end(2);
}

static void stop(struct party* p) { uv_stop(p->loop); }

/* Whatever is left undone by a loop that was stopped is done when it is run
 * again. */
static void play_stopping(const struct kind* first, const struct kind* second) {
  begin();
  make(one, first);
  make(other, second);
  action = stop;
  while (one->calls == 0 || other->calls == 0) uv_run(loop, UV_RUN_DEFAULT);
  end(2);
}

static void play_all(const struct kind* first) {
  size_t i;
  for (i = 0; i < COUNT(kinds); i++) {
    const struct kind* second = &kinds[i];
    printf("with %s\n", second->name);
    play(first, second, close_other);
    play_stopping(first, second);
    if (first->spare_self) continue;
    play(first, second, close_one);
    play(first, second, close_both);
    play(first, second, close_all);
  }
}

/* In the callback that the test is named after, each kind of handle is closed
 * that has a callback to come in the same tick. */
#define PLAY(what, start, spare_self)                                         \
  TEST(lifecycle_in_the_callback_of_##what) { play_all(&kinds[INDEX_##what]); }
KINDS(PLAY)

static const struct kind* spared;

static void close_in_alloc_callback(void) {
  play(spared, spared, close_one);
  play(spared, spared, close_both);
  play(spared, spared, close_all);
}

TEST(lifecycle_stream_closed_in_its_alloc_callback) {
  int tried = 0;
  for (spared = kinds; spared < kinds + COUNT(kinds); spared++) {
    if (!spared->spare_self) continue;
    ASSERT_SURVIVES(close_in_alloc_callback);
    tried++;
  }
  ASSERT_GT(tried, 0);
}

TEST(lifecycle_request_started_again_in_its_callback) {
  enum { AGAIN = 3 };
  size_t i;
  for (i = 0; i < COUNT(kinds); i++) {
    if (kinds[i].start == NULL) continue;
    begin();
    make(one, &kinds[i]);
    one->again = AGAIN;
    RUN_UNTIL(loop, one->calls == AGAIN + 1);
    end(1);
  }
}

/* --- file requests ------------------------------------------------------- */

static int file;
static uv_dir_t* dir;

static const uv_fs_type families[] = {
    UV_FS_MKDIR,    UV_FS_OPEN,     UV_FS_WRITE,   UV_FS_READ,
    UV_FS_SENDFILE, UV_FS_FTRUNCATE, UV_FS_FSYNC,  UV_FS_FDATASYNC,
    UV_FS_FSTAT,    UV_FS_FCHMOD,   UV_FS_FCHOWN,  UV_FS_FUTIME,
    UV_FS_CLOSE,    UV_FS_STAT,     UV_FS_LSTAT,   UV_FS_STATFS,
    UV_FS_UTIME,    UV_FS_LUTIME,   UV_FS_ACCESS,  UV_FS_CHMOD,
    UV_FS_CHOWN,    UV_FS_LCHOWN,   UV_FS_LINK,    UV_FS_SYMLINK,
    UV_FS_READLINK, UV_FS_REALPATH, UV_FS_COPYFILE, UV_FS_RENAME,
    UV_FS_SCANDIR,  UV_FS_OPENDIR,  UV_FS_READDIR, UV_FS_CLOSEDIR,
    UV_FS_MKDTEMP,  UV_FS_MKSTEMP,  UV_FS_CLOSE,   UV_FS_UNLINK,
    UV_FS_RMDIR,
};

static void family_cb(uv_fs_t* req);

static int start_family(uv_fs_type family, uv_fs_t* req) {
  static char byte;
  static uv_dirent_t entry;
  const uv_fs_cb cb = family_cb;
  const char* path = test_path("d/file");
  const char* link = test_path("d/link");
  const char* copy = test_path("d/copy");
  uv_buf_t bufs[] = {uv_buf_init(&byte, 1), uv_buf_init(&byte, 1),
                     uv_buf_init(&byte, 1), uv_buf_init(&byte, 1),
                     uv_buf_init(&byte, 1)};
  int n = COUNT(bufs);

  switch (family) {
    case UV_FS_MKDIR:
      return uv_fs_mkdir(loop, req, test_path("d"), 0700, cb);
    case UV_FS_OPEN:
      return uv_fs_open(loop, req, path, O_RDWR | O_CREAT, 0600, cb);
    case UV_FS_WRITE: return uv_fs_write(loop, req, file, bufs, n, 0, cb);
    case UV_FS_READ: return uv_fs_read(loop, req, file, bufs, n, 0, cb);
    case UV_FS_SENDFILE: return uv_fs_sendfile(loop, req, file, file, 0, 1, cb);
    case UV_FS_FTRUNCATE: return uv_fs_ftruncate(loop, req, file, 2, cb);
    case UV_FS_FSYNC: return uv_fs_fsync(loop, req, file, cb);
    case UV_FS_FDATASYNC: return uv_fs_fdatasync(loop, req, file, cb);
    case UV_FS_FSTAT: return uv_fs_fstat(loop, req, file, cb);
    case UV_FS_FCHMOD: return uv_fs_fchmod(loop, req, file, 0600, cb);
    case UV_FS_FCHOWN: return uv_fs_fchown(loop, req, file, -1, -1, cb);
    case UV_FS_FUTIME: return uv_fs_futime(loop, req, file, 1, 1, cb);
    case UV_FS_CLOSE: return uv_fs_close(loop, req, file, cb);
    case UV_FS_STAT: return uv_fs_stat(loop, req, path, cb);
    case UV_FS_LSTAT: return uv_fs_lstat(loop, req, path, cb);
    case UV_FS_STATFS: return uv_fs_statfs(loop, req, path, cb);
    case UV_FS_UTIME: return uv_fs_utime(loop, req, path, 1, 1, cb);
    case UV_FS_LUTIME: return uv_fs_lutime(loop, req, path, 1, 1, cb);
    case UV_FS_ACCESS: return uv_fs_access(loop, req, path, R_OK, cb);
    case UV_FS_CHMOD: return uv_fs_chmod(loop, req, path, 0600, cb);
    case UV_FS_CHOWN: return uv_fs_chown(loop, req, path, -1, -1, cb);
    case UV_FS_LCHOWN: return uv_fs_lchown(loop, req, path, -1, -1, cb);
    case UV_FS_LINK: return uv_fs_link(loop, req, path, copy, cb);
    case UV_FS_SYMLINK: return uv_fs_symlink(loop, req, "file", link, 0, cb);
    case UV_FS_READLINK: return uv_fs_readlink(loop, req, link, cb);
    case UV_FS_REALPATH: return uv_fs_realpath(loop, req, link, cb);
    case UV_FS_COPYFILE: return uv_fs_copyfile(loop, req, path, link, 0, cb);
    case UV_FS_RENAME: return uv_fs_rename(loop, req, link, copy, cb);
    case UV_FS_SCANDIR: return uv_fs_scandir(loop, req, test_path("d"), 0, cb);
    case UV_FS_OPENDIR: return uv_fs_opendir(loop, req, test_path("d"), cb);
    case UV_FS_READDIR:
      dir->dirents = &entry;
      dir->nentries = 1;
      return uv_fs_readdir(loop, req, dir, cb);
    case UV_FS_CLOSEDIR: return uv_fs_closedir(loop, req, dir, cb);
    case UV_FS_MKDTEMP:
      return uv_fs_mkdtemp(loop, req, test_path("XXXXXX"), cb);
    case UV_FS_MKSTEMP:
      return uv_fs_mkstemp(loop, req, test_path("XXXXXX"), cb);
    case UV_FS_UNLINK: return uv_fs_unlink(loop, req, path, cb);
    case UV_FS_RMDIR: return uv_fs_rmdir(loop, req, test_path("empty"), cb);
    default: return UV_EINVAL;
  }
}

static size_t finished;

/* Starts the next operation in the same memory. */
static void family_cb(uv_fs_t* req) {
  if (req->result < 0)
    test_fail(__FILE__, __LINE__, "operation %d: %s", req->fs_type,
              uv_strerror((int) req->result));
  ASSERT_EQ(req->fs_type, families[finished]);
  if (req->fs_type == UV_FS_OPEN || req->fs_type == UV_FS_MKSTEMP)
    file = (int) req->result;
  if (req->fs_type == UV_FS_OPENDIR) dir = req->ptr;
  uv_fs_req_cleanup(req);
  if (++finished == COUNT(families)) {
    retire(req, sizeof(*req));
    return;
  }
  memset(req, POISON, sizeof(*req));
  ASSERT_OK(start_family(families[finished], req));
}

static void run_families(void) {
  ASSERT_OK(mkdir(test_path("empty"), 0700));
  finished = 0;
  ASSERT_OK(start_family(families[0], take(sizeof(uv_fs_t))));
  ASSERT_EQ(uv_run(loop, UV_RUN_DEFAULT), 0);
  ASSERT_EQ(finished, COUNT(families));
  end(0);
}

TEST(lifecycle_one_request_for_all_file_operations) {
  begin();
  run_families();
}

TEST(lifecycle_one_request_for_all_file_operations_on_a_ring) {
  setenv("UV_USE_IO_URING", "1", 1);
  begin();
  ASSERT_OK(uv_loop_configure(loop, UV_LOOP_USE_IO_URING_SQPOLL));
  run_families();
}

/* --- the end of the process ---------------------------------------------- */

enum { EXIT_CODE = 7 };

static void make_everything(void) {
  size_t i;
  begin();
  for (i = 0; i < COUNT(kinds); i++) make(&parties[i], &kinds[i]);
}

static void run_for_ever(void) {
  for (;;) uv_run(loop, UV_RUN_DEFAULT);
}

static const struct kind* last;

static void exit_in_last(struct party* p) {
  if (p->kind == last) exit(EXIT_CODE);
}

static void exit_in_callback(void) {
  begin();
  make(one, last);
  make(other, &kinds[INDEX_work]);
  action = exit_in_last;
  run_for_ever();
}

/* The status that wait() gives for an exit code. */
#define EXITED(code) ((code) << 8)

TEST(lifecycle_exit_in_every_callback) {
  for (last = kinds; last < kinds + COUNT(kinds); last++) {
    printf("in %s\n", last->name);
    ASSERT_EQ(child_status(exit_in_callback), EXITED(EXIT_CODE));
  }
}

static void exit_before_running(void) {
  make_everything();
  exit(EXIT_CODE);
}

static void exit_after_a_tick(void) {
  make_everything();
  uv_run(loop, UV_RUN_NOWAIT);
  exit(EXIT_CODE);
}

static void exit_after_shutdown(void) {
  make_everything();
  uv_library_shutdown();
  exit(EXIT_CODE);
}

static void clean_up(void) { end(COUNT(parties)); }

static void exit_and_clean_up(void) {
  make_everything();
  uv_run(loop, UV_RUN_NOWAIT);
  atexit(clean_up);
  exit(EXIT_CODE);
}

static void exit_thread(void* arg) {
  (void) arg;
  exit(EXIT_CODE);
}

#define NOT_UNDER_VALGRIND()                                                  \
  do {                                                                        \
    if (test_under_valgrind())                                                \
      SKIP("valgrind counts what threads have that the process ends with");   \
  } while (0)

static void exit_in_another_thread(void) {
  uv_thread_t thread;
  make_everything();
  ASSERT_OK(uv_thread_create(&thread, exit_thread, NULL));
  run_for_ever();
}

/* On a busy machine libuv's loop may notice that its signals are gone, and abort. */
TEST(lifecycle_exit_in_another_thread) {
  int status;
  NOT_UNDER_VALGRIND();
  status = child_status(exit_in_another_thread);
  if (test_on_reference() && WIFSIGNALED(status)) SKIP("libuv has aborted");
  ASSERT_EQ(status, EXITED(EXIT_CODE));
}

static void exit_in_the_pool_cb(uv_work_t* req) {
  (void) req;
  exit(0);
}

static void exit_in_the_pool(void) {
  static uv_work_t req;
  make_everything();
  ASSERT_OK(uv_queue_work(loop, &req, exit_in_the_pool_cb, NULL));
  run_for_ever();
}

TEST(lifecycle_exit_in_the_pool) {
  NOT_UNDER_VALGRIND();
  ASSERT_SURVIVES(exit_in_the_pool);
}

TEST(lifecycle_exit_with_everything_open) {
  static void (*const ways[])(void) = {
      exit_before_running, exit_after_a_tick, exit_after_shutdown,
      exit_and_clean_up,
  };
  size_t i;
  for (i = 0; i < COUNT(ways); i++) {
    printf("way %zu\n", i);
    ASSERT_EQ(child_status(ways[i]), EXITED(EXIT_CODE));
  }
}
