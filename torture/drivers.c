/* Programs that expect errors, one for each family of functions. Whatever fails, each
 * request that was started is called back exactly once, the loop closes, and no
 * descriptor, thread or block of memory is left. run.py makes calls fail in them. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <pty.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

static uv_loop_t loop;
static unsigned started, called; /* requests */
static atomic_long blocks;
static int (*memory_fails)(void);

/* ---- the checks ---- */

static void* counted(void* block) {
  if (block != NULL) atomic_fetch_add(&blocks, 1);
  return block;
}

static int refused(void) { return memory_fails != NULL && memory_fails(); }

static void* count_malloc(size_t size) {
  return refused() ? NULL : counted(malloc(size));
}

static void* count_calloc(size_t number, size_t size) {
  return refused() ? NULL : counted(calloc(number, size));
}

static void* count_realloc(void* old, size_t size) {
  void* block;
  if (refused()) return NULL;
  block = realloc(old, size);
  if (old == NULL) counted(block);
  return block;
}

static void count_free(void* block) {
  if (block != NULL) atomic_fetch_sub(&blocks, 1);
  free(block);
}

static int entries(const char* directory) {
  DIR* list = opendir(directory);
  int number = 0;
  ASSERT_NOT_NULL(list);
  while (readdir(list) != NULL) number++;
  closedir(list);
  return number;
}

static void no_more(uv_handle_t* handle, void* unused) {
  (void) unused;
  if (!uv_is_closing(handle)) uv_close(handle, NULL);
}

/* Gives up, because something has failed. */
static void give_up(void) { uv_walk(&loop, no_more, NULL); }

/* Returns whether a call has succeeded; otherwise everything is closed. */
static int good(int64_t result) {
  if (result < 0) give_up();
  return result >= 0;
}

/* The same for a call that starts a request. */
static int begun(int result) {
  if (result == 0) started++;
  return good(result);
}

static void ended(int64_t result) {
  called++;
  good(result);
}

static void drive(void (*begin)(void)) {
  int descriptors = entries("/proc/self/fd");
  *(void**) &memory_fails = dlsym(RTLD_DEFAULT, "oxuv_torture_memory_fails");
  ASSERT_OK(uv_replace_allocator(count_malloc, count_realloc, count_calloc, count_free));
  if (uv_loop_init(&loop) == 0) {
    begin();
    uv_run(&loop, UV_RUN_DEFAULT);
    give_up();
    ASSERT_EQ(uv_run(&loop, UV_RUN_DEFAULT), 0);
    ASSERT_OK(uv_loop_close(&loop));
  }
  ASSERT_EQ(called, started);
  uv_library_shutdown();
  ASSERT_EQ(atomic_load(&blocks), 0);
  ASSERT_EQ(entries("/proc/self/fd"), descriptors);
  ASSERT_EQ(waitpid(-1, NULL, WNOHANG), -1);
}

#define DRIVER(name)                                                           \
  static void begin_##name(void);                                              \
  TEST(name) { drive(begin_##name); }                                          \
  static void begin_##name(void)

/* ---- loops, and what needs no descriptor ---- */

static uv_timer_t timer;
static uv_async_t async;
static uv_thread_t thread;

static void on_timer(uv_timer_t* handle) {
  uv_close(HANDLE(handle), NULL);
}

static void on_async(uv_async_t* handle) {
  uv_close(HANDLE(handle), NULL);
}

static void send_async(void* unused) {
  (void) unused;
  uv_async_send(&async);
}

static void on_prepare(uv_prepare_t* handle) { uv_close(HANDLE(handle), NULL); }
static void on_check(uv_check_t* handle) { uv_close(HANDLE(handle), NULL); }
static void on_idle(uv_idle_t* handle) { uv_close(HANDLE(handle), NULL); }

DRIVER(timers_and_phases) {
  static uv_prepare_t prepare;
  static uv_check_t check;
  static uv_idle_t idle;
  static uv_timer_t many[100];
  size_t i;
  for (i = 0; i < COUNT(many); i++) {
    ASSERT_OK(uv_timer_init(&loop, &many[i]));
    if (!good(uv_timer_start(&many[i], on_timer, i % 5, 0))) return;
  }
  ASSERT_OK(uv_prepare_init(&loop, &prepare));
  ASSERT_OK(uv_check_init(&loop, &check));
  ASSERT_OK(uv_idle_init(&loop, &idle));
  ASSERT_OK(uv_prepare_start(&prepare, on_prepare));
  ASSERT_OK(uv_check_start(&check, on_check));
  ASSERT_OK(uv_idle_start(&idle, on_idle));
}

DRIVER(async_from_a_thread) {
  if (!good(uv_async_init(&loop, &async, on_async))) return;
  if (!good(uv_thread_create(&thread, send_async, NULL))) return;
  ASSERT_OK(uv_thread_join(&thread));
}

DRIVER(several_loops) {
  uv_loop_t loops[3];
  size_t i, made = 0;
  while (made < COUNT(loops) && uv_loop_init(&loops[made]) == 0) {
    uv_loop_configure(&loops[made], UV_METRICS_IDLE_TIME);
    uv_run(&loops[made++], UV_RUN_NOWAIT);
  }
  for (i = 0; i < made; i++) ASSERT_OK(uv_loop_close(&loops[i]));
}

static void on_signal(uv_signal_t* handle, int signum) {
  ASSERT_EQ(signum, SIGUSR1);
  uv_close(HANDLE(handle), NULL);
}

DRIVER(signals) {
  static uv_signal_t first, second;
  if (!good(uv_signal_init(&loop, &first))) return;
  if (!good(uv_signal_start(&first, on_signal, SIGUSR1))) return;
  if (!good(uv_signal_init(&loop, &second))) return;
  if (!good(uv_signal_start_oneshot(&second, on_signal, SIGUSR1))) return;
  raise(SIGUSR1);
}

/* ---- processes and streams ---- */

static void alloc(uv_handle_t* handle, size_t size, uv_buf_t* buf) {
  static char memory[65536];
  (void) handle;
  (void) size;
  *buf = uv_buf_init(memory, sizeof(memory));
}

static void close_at_end(uv_stream_t* stream, ssize_t nread, const uv_buf_t* buf) {
  (void) buf;
  if (nread == UV_EOF)
    uv_close(HANDLE(stream), NULL);
  else
    good(nread);
}

static void on_write(uv_write_t* request, int status) {
  (void) request;
  ended(status);
}

static void on_shutdown(uv_shutdown_t* request, int status) {
  (void) request;
  ended(status);
}

static void on_connect(uv_connect_t* request, int status) {
  static uv_shutdown_t shutdown;
  ended(status);
  if (status == 0) begun(uv_shutdown(&shutdown, request->handle, on_shutdown));
}

static uv_process_t process;
static int exits;

static void on_exit_cb(uv_process_t* handle, int64_t status, int signum) {
  (void) status;
  (void) signum;
  exits++;
  uv_close(HANDLE(handle), NULL);
}

static void kill_child(uv_handle_t* handle, void* unused) {
  (void) unused;
  if (handle->type == UV_PROCESS) uv_process_kill((uv_process_t*) handle, SIGKILL);
}

/* The child must be waited for, so its handle stays open until it has ended. */
DRIVER(processes) {
  static uv_pipe_t in, out;
  static uv_write_t write;
  static uv_shutdown_t shutdown;
  char* args[] = {"cat", NULL};
  uv_buf_t text = uv_buf_init("text", 4);
  uv_stdio_container_t stdio[3] = {
      {.flags = UV_CREATE_PIPE | UV_READABLE_PIPE, .data.stream = STREAM(&in)},
      {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = STREAM(&out)},
      {.flags = UV_IGNORE}};
  uv_process_options_t options = {.file = "cat", .args = args, .stdio = stdio,
                                  .stdio_count = 3, .exit_cb = on_exit_cb};
  ASSERT_OK(uv_pipe_init(&loop, &in, 0));
  ASSERT_OK(uv_pipe_init(&loop, &out, 0));
  if (!good(uv_spawn(&loop, &process, &options))) return;
  if (uv_read_start(STREAM(&out), alloc, close_at_end) != 0 ||
      uv_write(&write, STREAM(&in), &text, 1, on_write) != 0) {
    uv_walk(&loop, kill_child, NULL);
    uv_close(HANDLE(&in), NULL);
    uv_close(HANDLE(&out), NULL);
  } else {
    started++;
    if (uv_shutdown(&shutdown, STREAM(&in), on_shutdown) == 0)
      started++;
    else
      uv_close(HANDLE(&in), NULL);
  }
  uv_run(&loop, UV_RUN_DEFAULT);
  if (exits == 0) {
    /* give_up() has closed the handle. */
    kill(process.pid, SIGKILL);
    ASSERT_EQ(waitpid(process.pid, NULL, 0), process.pid);
  }
}

static char block[300000];

static uv_tcp_t tcp_server, tcp_client, tcp_accepted;
static uv_pipe_t pipe_server, pipe_client, pipe_accepted;

static void write_much(uv_stream_t* stream) {
  static uv_write_t writes[3];
  uv_buf_t bufs[] = {uv_buf_init(block, 10), uv_buf_init(block, sizeof(block))};
  size_t i;
  for (i = 0; i < COUNT(writes); i++)
    if (!begun(uv_write(&writes[i], stream, bufs, 2, on_write))) return;
}

static void on_tcp(uv_stream_t* server, int status) {
  if (!good(status) || !good(uv_tcp_init(&loop, &tcp_accepted))) return;
  if (!good(uv_accept(server, STREAM(&tcp_accepted)))) return;
  uv_close(HANDLE(server), NULL);
  good(uv_read_start(STREAM(&tcp_accepted), alloc, close_at_end));
}

DRIVER(tcp) {
  static uv_connect_t connect;
  struct sockaddr_in address;
  int length = sizeof(address);
  ASSERT_OK(uv_ip4_addr("127.0.0.1", 0, &address));
  if (!good(uv_tcp_init(&loop, &tcp_server))) return;
  if (!good(uv_tcp_init_ex(&loop, &tcp_client, AF_INET))) return;
  if (!good(uv_tcp_nodelay(&tcp_client, 1))) return;
  if (!good(uv_tcp_keepalive(&tcp_client, 1, 60))) return;
  if (!good(uv_tcp_bind(&tcp_server, (struct sockaddr*) &address, 0))) return;
  if (!good(uv_listen(STREAM(&tcp_server), 5, on_tcp))) return;
  if (!good(uv_tcp_getsockname(&tcp_server, (struct sockaddr*) &address, &length)))
    return;
  if (!begun(uv_tcp_connect(&connect, &tcp_client, (struct sockaddr*) &address,
                            on_connect)))
    return;
  if (!good(uv_read_start(STREAM(&tcp_client), alloc, close_at_end))) return;
  write_much(STREAM(&tcp_client));
}

static void on_pipe(uv_stream_t* server, int status) {
  if (!good(status)) return;
  ASSERT_OK(uv_pipe_init(&loop, &pipe_accepted, 0));
  if (!good(uv_accept(server, STREAM(&pipe_accepted)))) return;
  uv_close(HANDLE(server), NULL);
  good(uv_read_start(STREAM(&pipe_accepted), alloc, close_at_end));
}

DRIVER(pipes) {
  static uv_connect_t connect;
  const char* name = test_path("socket");
  ASSERT_OK(uv_pipe_init(&loop, &pipe_server, 0));
  ASSERT_OK(uv_pipe_init(&loop, &pipe_client, 0));
  if (!good(uv_pipe_bind(&pipe_server, name))) return;
  if (!good(uv_pipe_chmod(&pipe_server, UV_READABLE | UV_WRITABLE))) return;
  if (!good(uv_listen(STREAM(&pipe_server), 5, on_pipe))) return;
  if (!begun(uv_pipe_connect2(&connect, &pipe_client, name, strlen(name), 0, on_connect)))
    return;
  if (!good(uv_read_start(STREAM(&pipe_client), alloc, close_at_end))) return;
  write_much(STREAM(&pipe_client));
}

static void on_handle(uv_stream_t* stream, ssize_t nread, const uv_buf_t* buf) {
  uv_pipe_t* pipe = (uv_pipe_t*) stream;
  while (nread > 0 && uv_pipe_pending_count(pipe) > 0) {
    uv_tcp_t* tcp = &tcp_accepted;
    if (HANDLE(tcp)->loop != NULL) break;
    if (!good(uv_tcp_init(&loop, tcp)) || !good(uv_accept(stream, STREAM(tcp)))) return;
  }
  close_at_end(stream, nread, buf);
}

DRIVER(handles_between_pipes) {
  static uv_write_t writes[2];
  static uv_shutdown_t shutdown;
  uv_buf_t buf = uv_buf_init("x", 1);
  uv_os_sock_t ends[2];
  ASSERT_OK(uv_pipe_init(&loop, &pipe_client, 1));
  ASSERT_OK(uv_pipe_init(&loop, &pipe_accepted, 1));
  if (!good(uv_tcp_init_ex(&loop, &tcp_client, AF_INET))) return;
  if (!good(uv_socketpair(SOCK_STREAM, 0, ends, UV_NONBLOCK_PIPE, UV_NONBLOCK_PIPE)))
    return;
  if (uv_pipe_open(&pipe_client, ends[0]) != 0) close(ends[0]);
  if (uv_pipe_open(&pipe_accepted, ends[1]) != 0) close(ends[1]);
  if (!good(uv_read_start(STREAM(&pipe_accepted), alloc, on_handle))) return;
  if (!begun(uv_write2(&writes[0], STREAM(&pipe_client), &buf, 1, STREAM(&tcp_client),
                       on_write)))
    return;
  if (!begun(uv_write(&writes[1], STREAM(&pipe_client), &buf, 1, on_write))) return;
  begun(uv_shutdown(&shutdown, STREAM(&pipe_client), on_shutdown));
}

DRIVER(terminals) {
  static uv_tty_t tty;
  static uv_write_t write;
  uv_buf_t buf = uv_buf_init("text", 4);
  int master, slave, width, height;
  ASSERT_OK(openpty(&master, &slave, NULL, NULL, NULL));
  if (good(uv_tty_init(&loop, &tty, slave, 0))) {
    uv_tty_get_winsize(&tty, &width, &height);
    if (good(uv_tty_set_mode(&tty, UV_TTY_MODE_RAW)) &&
        begun(uv_write(&write, STREAM(&tty), &buf, 1, on_write)))
      uv_run(&loop, UV_RUN_DEFAULT);
    uv_tty_reset_mode();
    give_up();
    uv_run(&loop, UV_RUN_DEFAULT);
  }
  close(master);
  if (fcntl(slave, F_GETFD) != -1) close(slave);
}

/* ---- datagrams, descriptors, files ---- */

static unsigned received;

static void on_datagram(uv_udp_t* handle, ssize_t nread, const uv_buf_t* buf,
                        const struct sockaddr* from, unsigned flags) {
  (void) buf;
  if (flags & UV_UDP_MMSG_FREE) return;
  if (!good(nread)) return;
  if (from != NULL && ++received == 3) uv_close(HANDLE(handle), NULL);
}

static void on_sent(uv_udp_send_t* request, int status) {
  (void) request;
  ended(status);
}

static void datagrams(unsigned flags) {
  static uv_udp_t udp;
  static uv_udp_send_t sends[2];
  struct sockaddr_in address;
  int length = sizeof(address);
  uv_buf_t buf = uv_buf_init("text", 4);
  ASSERT_OK(uv_ip4_addr("127.0.0.1", 0, &address));
  if (!good(uv_udp_init_ex(&loop, &udp, AF_UNSPEC | flags))) return;
  if (!good(uv_udp_bind(&udp, (struct sockaddr*) &address, 0))) return;
  if (!good(uv_udp_getsockname(&udp, (struct sockaddr*) &address, &length))) return;
  if (!good(uv_udp_recv_start(&udp, alloc, on_datagram))) return;
  if (!good(uv_udp_try_send(&udp, &buf, 1, (struct sockaddr*) &address))) return;
  if (!begun(uv_udp_send(&sends[0], &udp, &buf, 1, (struct sockaddr*) &address, on_sent)))
    return;
  begun(uv_udp_send(&sends[1], &udp, &buf, 1, (struct sockaddr*) &address, on_sent));
}

DRIVER(datagrams_one_by_one) { datagrams(0); }
DRIVER(datagrams_in_batches) { datagrams(UV_UDP_RECVMMSG); }

static void on_poll(uv_poll_t* handle, int status, int events) {
  (void) events;
  good(status);
  if (!uv_is_closing(HANDLE(handle))) uv_close(HANDLE(handle), NULL);
}

DRIVER(polling) {
  static uv_poll_t poll;
  int ends[2];
  ASSERT_OK(pipe(ends));
  ASSERT_EQ(write(ends[1], "x", 1), 1);
  if (good(uv_poll_init(&loop, &poll, ends[0])) &&
      good(uv_poll_start(&poll, UV_READABLE, on_poll)))
    uv_run(&loop, UV_RUN_DEFAULT);
  give_up();
  uv_run(&loop, UV_RUN_DEFAULT);
  close(ends[0]);
  close(ends[1]);
}

static uv_fs_event_t event;

static void on_event(uv_fs_event_t* handle, const char* name, int events, int status) {
  (void) name;
  (void) events;
  good(status);
  if (!uv_is_closing(HANDLE(handle))) uv_close(HANDLE(handle), NULL);
}

static void make_file(const char* path) {
  int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  ASSERT_GE(fd, 0);
  ASSERT_EQ(write(fd, block, 5000), 5000);
  ASSERT_OK(close(fd));
}

DRIVER(watching) {
  ASSERT_OK(mkdir(test_path("dir"), 0700));
  if (!good(uv_fs_event_init(&loop, &event))) return;
  if (!good(uv_fs_event_start(&event, on_event, test_path("dir"), 0))) return;
  make_file(test_path("dir/file"));
}

DRIVER(watching_recursively) {
  ASSERT_OK(mkdir(test_path("dir"), 0700));
  ASSERT_OK(mkdir(test_path("dir/sub"), 0700));
  if (!good(uv_fs_event_init(&loop, &event))) return;
  if (!good(uv_fs_event_start(&event, on_event, test_path("dir"), UV_FS_EVENT_RECURSIVE)))
    return;
  make_file(test_path("dir/file"));
}

static void on_fs_poll(uv_fs_poll_t* handle, int status, const uv_stat_t* before,
                       const uv_stat_t* now) {
  (void) status;
  (void) before;
  (void) now;
  if (!uv_is_closing(HANDLE(handle))) uv_close(HANDLE(handle), NULL);
}

static void change_file(uv_timer_t* handle) {
  static int length = 5000;
  ASSERT_OK(truncate(test_path("file"), ++length));
  if (!uv_is_active(HANDLE(handle)) || length > 5200) give_up();
}

DRIVER(polling_a_file) {
  static uv_fs_poll_t poll;
  make_file(test_path("file"));
  ASSERT_OK(uv_fs_poll_init(&loop, &poll));
  ASSERT_OK(uv_timer_init(&loop, &timer));
  uv_unref(HANDLE(&timer));
  if (!good(uv_fs_poll_start(&poll, on_fs_poll, test_path("file"), 1))) return;
  good(uv_timer_start(&timer, change_file, 1, 1));
}

static unsigned step;
static void next_step(uv_fs_t* request);

/* Starts the next operation; `done` tells whether the one before has a result. */
static int files(uv_fs_t* fs, uv_fs_cb cb, int done) {
  static uv_file file = -1, other = -1;
  static uv_dir_t* directory;
  static uv_dirent_t names[3];
  uv_buf_t buf = uv_buf_init(block, 5000);
  uv_loop_t* on = &loop;
  if (done && fs->fs_type == UV_FS_OPEN && fs->result >= 0)
    *(step == 1 ? &file : &other) = (uv_file) fs->result;
  if (done && fs->fs_type == UV_FS_OPENDIR && fs->result == 0) directory = fs->ptr;
  uv_fs_req_cleanup(fs);
  switch (step++) {
    case 0: return uv_fs_open(on, fs, test_path("a"), UV_FS_O_CREAT | UV_FS_O_RDWR, 0600, cb);
    case 1: return uv_fs_write(on, fs, file, &buf, 1, 0, cb);
    case 2: return uv_fs_read(on, fs, file, &buf, 1, 0, cb);
    case 3: return uv_fs_fsync(on, fs, file, cb);
    case 4: return uv_fs_fstat(on, fs, file, cb);
    case 5: return uv_fs_ftruncate(on, fs, file, 4000, cb);
    case 6: return uv_fs_open(on, fs, test_path("b"), UV_FS_O_CREAT | UV_FS_O_RDWR, 0600, cb);
    case 7: return uv_fs_sendfile(on, fs, other, file, 0, 4000, cb);
    case 8: return uv_fs_futime(on, fs, file, 1, 2, cb);
    case 9: return uv_fs_copyfile(on, fs, test_path("a"), test_path("c"), 0, cb);
    case 10: return uv_fs_rename(on, fs, test_path("c"), test_path("d"), cb);
    case 11: return uv_fs_stat(on, fs, test_path("d"), cb);
    case 12: return uv_fs_symlink(on, fs, "d", test_path("link"), 0, cb);
    case 13: return uv_fs_readlink(on, fs, test_path("link"), cb);
    case 14: return uv_fs_realpath(on, fs, test_path("link"), cb);
    case 15: return uv_fs_mkdir(on, fs, test_path("dir"), 0700, cb);
    case 16: return uv_fs_scandir(on, fs, test_path("."), 0, cb);
    case 17: return uv_fs_opendir(on, fs, test_path("."), cb);
    case 18:
      if (directory == NULL) break;
      directory->dirents = names;
      directory->nentries = COUNT(names);
      return uv_fs_readdir(on, fs, directory, cb);
    case 19:
      if (directory == NULL) break;
      return uv_fs_closedir(on, fs, directory, cb);
    case 20: return uv_fs_access(on, fs, test_path("d"), R_OK, cb);
    case 21: return uv_fs_unlink(on, fs, test_path("d"), cb);
    case 22: return uv_fs_rmdir(on, fs, test_path("dir"), cb);
    case 23: return uv_fs_statfs(on, fs, test_path("."), cb);
    case 24: return uv_fs_mkdtemp(on, fs, test_path("XXXXXX"), cb);
    case 25: return file == -1 ? UV_EBADF : uv_fs_close(on, fs, file, cb);
    case 26: return other == -1 ? UV_EBADF : uv_fs_close(on, fs, other, cb);
    default: step = 0; return 0;
  }
  return UV_EBADF;
}

static void start_step(uv_fs_t* request, int done) {
  while (files(request, next_step, done) != 0) done = 0;
  if (step != 0) started++;
}

static void next_step(uv_fs_t* request) {
  called++;
  start_step(request, 1);
}

DRIVER(files_in_the_pool) {
  static uv_fs_t request;
  start_step(&request, 0);
}

DRIVER(files_at_once) {
  static uv_fs_t request;
  int done = 0;
  do done = files(&request, NULL, done) >= 0;
  while (step != 0);
  uv_fs_req_cleanup(&request);
}

/* ---- the pool, and the rest ---- */

static void on_lookup(uv_getaddrinfo_t* request, int status, struct addrinfo* result) {
  (void) request;
  uv_freeaddrinfo(result);
  ended(status);
}

static void on_name(uv_getnameinfo_t* request, int status, const char* host,
                    const char* service) {
  (void) request;
  (void) host;
  (void) service;
  ended(status);
}

static void work(uv_work_t* request) { (void) request; }

static void after_work(uv_work_t* request, int status) {
  (void) request;
  called++;
  (void) status;
}

static void on_random(uv_random_t* request, int status, void* buf, size_t length) {
  (void) request;
  (void) buf;
  (void) length;
  ended(status);
}

DRIVER(pool) {
  static uv_getaddrinfo_t lookup;
  static uv_getnameinfo_t name;
  static uv_work_t works[8];
  static uv_random_t random;
  struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
  struct sockaddr_in address;
  size_t i;
  ASSERT_OK(uv_ip4_addr("127.0.0.1", 80, &address));
  for (i = 0; i < COUNT(works); i++)
    if (!begun(uv_queue_work(&loop, &works[i], work, after_work))) return;
  uv_cancel((uv_req_t*) &works[7]);
  if (!begun(uv_getaddrinfo(&loop, &lookup, on_lookup, "127.0.0.1", "80", &hints))) return;
  if (!begun(uv_getnameinfo(&loop, &name, on_name, (struct sockaddr*) &address,
                            NI_NUMERICHOST | NI_NUMERICSERV)))
    return;
  begun(uv_random(&loop, &random, block, 1000, 0, on_random));
}

DRIVER(operating_system) {
  uv_interface_address_t* addresses;
  uv_cpu_info_t* cpus;
  uv_env_item_t* items;
  uv_passwd_t user;
  uv_group_t group;
  uv_utsname_t name;
  uv_rusage_t usage;
  size_t size = 1000;
  char text[1000];
  size_t resident;
  double uptime;
  int number;
  if (uv_interface_addresses(&addresses, &number) == 0)
    uv_free_interface_addresses(addresses, number);
  if (uv_cpu_info(&cpus, &number) == 0) uv_free_cpu_info(cpus, number);
  if (uv_os_environ(&items, &number) == 0) uv_os_free_environ(items, number);
  if (uv_os_get_passwd(&user) == 0) uv_os_free_passwd(&user);
  if (uv_os_get_group(&group, 0) == 0) uv_os_free_group(&group);
  uv_os_uname(&name);
  uv_getrusage(&usage);
  uv_uptime(&uptime);
  uv_resident_set_memory(&resident);
  uv_get_constrained_memory();
  uv_get_available_memory();
  uv_available_parallelism();
  uv_exepath(text, &size);
  size = sizeof(text);
  uv_cwd(text, &size);
  size = sizeof(text);
  uv_os_homedir(text, &size);
  size = sizeof(text);
  uv_os_tmpdir(text, &size);
  size = sizeof(text);
  uv_os_gethostname(text, &size);
  uv_random(NULL, NULL, block, 100, 0, NULL);
}
