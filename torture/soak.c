/* A mixed load for a long time: soak SECONDS FILE [DESCRIPTOR]. Each second a line "second,descriptors,threads,KiB,operations" is
 * written to FILE. The status is 1 if descriptors, threads or memory were not flat, and if anything is left in the
 * end. The descriptor is one of /proc/PID of this process, which is used where there is no /proc. scripts/soak.sh runs it. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#define CHECK(call) check((call), #call, __LINE__)
#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define ANY(handle) ((uv_handle_t*) (handle))
#define STREAM(handle) ((uv_stream_t*) (handle))

static uv_loop_t loop;
static int stopping, proc = -1;
static unsigned long operations;
static uint64_t end_time;

static int check(int result, const char* what, int line) {
  if (result >= 0) return result;
  fprintf(stderr, "soak.c:%d: %s: %s\n", line, what, uv_strerror(result));
  exit(2);
}

static unsigned draw(unsigned limit) {
  static uint64_t state = 88172645463325252ull;
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (unsigned) (state >> 33) % limit;
}

/* ---- samples ------------------------------------------------------------- */

struct sample { int descriptors, threads; long memory; };
static struct sample samples[100000];
static int sample_count;
static FILE* table;
static uv_timer_t sampler;

static int entries(const char* name) {
  int fd = openat(proc, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC), count = 0;
  DIR* directory = fdopendir(fd);
  struct dirent* entry;
  if (directory == NULL) { perror(name); exit(2); }
  while ((entry = readdir(directory)) != NULL) count += entry->d_name[0] != '.';
  closedir(directory);
  return count;
}

static struct sample measure(void) {
  char text[128] = {0};
  long pages = 0;
  int fd = openat(proc, "statm", O_RDONLY | O_CLOEXEC);
  struct sample now;
  if (read(fd, text, sizeof(text) - 1) > 0) sscanf(text, "%*d %ld", &pages);
  close(fd);
  now.memory = pages * (sysconf(_SC_PAGESIZE) / 1024);
  /* Without the descriptor that lists them. */
  now.descriptors = entries("fd") - 1;
  now.threads = entries("task");
  return now;
}

static void stop_all(void);

static void on_sample(uv_timer_t* timer) {
  struct sample now = measure();
  if (sample_count < (int) COUNT(samples)) samples[sample_count] = now;
  fprintf(table, "%d,%d,%d,%ld,%lu\n", ++sample_count, now.descriptors, now.threads, now.memory, operations);
  fflush(table);
  if (uv_hrtime() < end_time) return;
  uv_close(ANY(timer), NULL);
  stop_all();
}

static int compare(const void* a, const void* b) {
  long x = *(const long*) a, y = *(const long*) b;
  return (x > y) - (x < y);
}

/* The median of a part of the samples: 0 for descriptors, 1 for threads, 2 for memory. */
static long median(int from, int to, int what) {
  static long values[COUNT(samples)];
  int i;
  for (i = from; i < to; i++)
    values[i - from] = what == 0 ? samples[i].descriptors : what == 1 ? samples[i].threads : samples[i].memory;
  qsort(values, to - from, sizeof(*values), compare);
  return values[(to - from) / 2];
}

/* Compares the last quarter with the second one. */
static int is_flat(void) {
  static const char* const names[] = {"descriptors", "threads", "KiB"};
  int quarter = sample_count / 4, what, flat = 1;
  if (quarter < 3) return 1;
  for (what = 0; what < 3; what++) {
    long before = median(quarter, 2 * quarter, what), after = median(3 * quarter, sample_count, what);
    long allowed = what == 2 ? (before / 10 > 4096 ? before / 10 : 4096) : what == 1 ? 2 : 12;
    printf("%-11s %8ld then %8ld\n", names[what], before, after);
    if (after > before + allowed) flat = 0;
  }
  return flat;
}

/* ---- echo over TCP and local sockets -------------------------------------- */

static char pattern[1 << 16];

static void alloc_cb(uv_handle_t* handle, size_t size, uv_buf_t* buf) {
  (void) handle;
  *buf = uv_buf_init(malloc(size), (unsigned) size);
}

static void free_cb(uv_handle_t* handle) { free(handle); }
static void close_it(void* handle) {
  if (!uv_is_closing(ANY(handle))) uv_close(ANY(handle), free_cb);
}

static void echoed(uv_write_t* write, int status) {
  (void) status;
  free(write->data);
  free(write);
}

static void echo_read(uv_stream_t* stream, ssize_t length, const uv_buf_t* buf) {
  if (length > 0) {
    uv_write_t* write = malloc(sizeof(*write));
    uv_buf_t part = uv_buf_init(buf->base, (unsigned) length);
    write->data = buf->base;
    if (uv_write(write, stream, &part, 1, echoed) == 0) return;
    free(write);
  }
  free(buf->base);
  if (length < 0) close_it(stream);
}

static void on_connection(uv_stream_t* server, int status) {
  uv_stream_t* peer = malloc(sizeof(union uv_any_handle));
  CHECK(status);
  if (server->type == UV_TCP) CHECK(uv_tcp_init(&loop, (uv_tcp_t*) peer));
  else CHECK(uv_pipe_init(&loop, (uv_pipe_t*) peer, 0));
  CHECK(uv_accept(server, peer));
  CHECK(uv_read_start(peer, alloc_cb, echo_read));
}

struct client {
  union uv_any_handle handle;
  uv_connect_t connect;
  uv_write_t write;
  size_t size, received;
  int is_tcp;
};

static union uv_any_handle servers[2];
static struct client clients[12];
static struct sockaddr_in address;
static char path[128];
static void connect_client(struct client* client);

static void client_closed(uv_handle_t* handle) {
  operations++;
  if (!stopping) connect_client((struct client*) handle->data);
}

static void close_client(struct client* client) {
  if (!uv_is_closing(&client->handle.handle)) uv_close(&client->handle.handle, client_closed);
}

static void client_read(uv_stream_t* stream, ssize_t length, const uv_buf_t* buf) {
  struct client* client = stream->data;
  free(buf->base);
  if (length > 0) client->received += length;
  /* A third of them leave early. */
  if (length < 0 || client->received >= client->size || (draw(3) == 0 && client->received > 0)) close_client(client);
}

static void no_write(uv_write_t* write, int status) { (void) write; (void) status; }

static void connected(uv_connect_t* connect, int status) {
  struct client* client = connect->data;
  uv_buf_t buf = uv_buf_init(pattern, (unsigned) client->size);
  if (status != 0) { close_client(client); return; }
  CHECK(uv_read_start(&client->handle.stream, alloc_cb, client_read));
  CHECK(uv_write(&client->write, &client->handle.stream, &buf, 1, no_write));
}

static void connect_client(struct client* client) {
  client->size = 1 + draw(sizeof(pattern));
  client->received = 0;
  client->connect.data = client;
  if (client->is_tcp) {
    CHECK(uv_tcp_init(&loop, &client->handle.tcp));
    CHECK(uv_tcp_connect(&client->connect, &client->handle.tcp, (struct sockaddr*) &address, connected));
  } else {
    CHECK(uv_pipe_init(&loop, &client->handle.pipe, 0));
    uv_pipe_connect(&client->connect, &client->handle.pipe, path, connected);
  }
  client->handle.handle.data = client;
}

static void start_echo(void) {
  int length = sizeof(address);
  size_t i;
  CHECK(uv_ip4_addr("127.0.0.1", 0, &address));
  CHECK(uv_tcp_init(&loop, &servers[0].tcp));
  CHECK(uv_tcp_bind(&servers[0].tcp, (struct sockaddr*) &address, 0));
  CHECK(uv_listen(&servers[0].stream, 128, on_connection));
  CHECK(uv_tcp_getsockname(&servers[0].tcp, (struct sockaddr*) &address, &length));
  CHECK(uv_pipe_init(&loop, &servers[1].pipe, 0));
  CHECK(uv_pipe_bind(&servers[1].pipe, path));
  CHECK(uv_listen(&servers[1].stream, 128, on_connection));
  for (i = 0; i < COUNT(clients); i++) {
    clients[i].is_tcp = i % 2;
    connect_client(&clients[i]);
  }
}

/* ---- datagrams, timers, signals, work -------------------------------------- */

static uv_udp_t udp[2];
static uv_timer_t ticker, many[500];
static uv_signal_t usr1;
static uv_work_t works[4];
static uv_getaddrinfo_t lookup;
static char datagram[2048];

static void datagram_alloc(uv_handle_t* handle, size_t size, uv_buf_t* buf) {
  static char room[1 << 16];
  (void) handle;
  (void) size;
  *buf = uv_buf_init(room, sizeof(room));
}

static void on_datagram(uv_udp_t* handle, ssize_t length, const uv_buf_t* buf, const struct sockaddr* from,
                        unsigned flags) {
  (void) handle; (void) buf; (void) from; (void) flags;
  operations += length > 0;
}

static void sent(uv_udp_send_t* send, int status) { (void) status; free(send); }

static void on_timer(uv_timer_t* timer) {
  operations++;
  CHECK(uv_timer_start(timer, on_timer, 1 + draw(3000), 0));
}

static void on_signal(uv_signal_t* handle, int number) { (void) handle; (void) number; operations++; }
static void do_work(uv_work_t* work) { (void) work; usleep(draw(500)); }
static void after_work(uv_work_t* work, int status) {
  (void) status;
  operations++;
  if (!stopping) CHECK(uv_queue_work(&loop, work, do_work, after_work));
}

static void looked_up(uv_getaddrinfo_t* request, int status, struct addrinfo* result) {
  CHECK(status);
  uv_freeaddrinfo(result);
  operations++;
  if (!stopping) CHECK(uv_getaddrinfo(&loop, request, looked_up, "127.0.0.1", "80", NULL));
}

static void on_tick(uv_timer_t* timer) {
  int i;
  (void) timer;
  for (i = 0; i < 32; i++) {
    uv_udp_send_t* send = malloc(sizeof(*send));
    uv_buf_t buf = uv_buf_init(datagram, draw(sizeof(datagram)));
    if (uv_udp_send(send, &udp[0], &buf, 1, NULL, sent) != 0) free(send);
  }
  for (i = 0; i < 10; i++) kill(getpid(), SIGUSR1);
}

static void start_small(void) {
  struct sockaddr_in to;
  int length = sizeof(to);
  size_t i;
  CHECK(uv_ip4_addr("127.0.0.1", 0, &to));
  CHECK(uv_udp_init(&loop, &udp[0]));
  CHECK(uv_udp_init_ex(&loop, &udp[1], AF_INET | UV_UDP_RECVMMSG));
  CHECK(uv_udp_bind(&udp[1], (struct sockaddr*) &to, 0));
  CHECK(uv_udp_getsockname(&udp[1], (struct sockaddr*) &to, &length));
  CHECK(uv_udp_connect(&udp[0], (struct sockaddr*) &to));
  CHECK(uv_udp_recv_start(&udp[1], datagram_alloc, on_datagram));
  for (i = 0; i < COUNT(many); i++) {
    CHECK(uv_timer_init(&loop, &many[i]));
    on_timer(&many[i]);
  }
  CHECK(uv_timer_init(&loop, &ticker));
  CHECK(uv_timer_start(&ticker, on_tick, 5, 5));
  CHECK(uv_signal_init(&loop, &usr1));
  CHECK(uv_signal_start(&usr1, on_signal, SIGUSR1));
  for (i = 0; i < COUNT(works); i++) CHECK(uv_queue_work(&loop, &works[i], do_work, after_work));
  CHECK(uv_getaddrinfo(&loop, &lookup, looked_up, "127.0.0.1", "80", NULL));
}

/* ---- files ------------------------------------------------------------------ */

struct file { uv_fs_t request; uv_file fd; int step; char name[160], data[4096]; };
static struct file files[4];

static void on_file(uv_fs_t* request) {
  struct file* file = request->data;
  uv_buf_t buf = uv_buf_init(file->data, sizeof(file->data));
  if (file->step > 0) {
    CHECK((int) request->result);
    if (file->step == 1) file->fd = (uv_file) request->result;
    uv_fs_req_cleanup(request);
    operations++;
  }
  if (stopping && file->step == 0) return;
  switch (file->step++) {
    case 0: CHECK(uv_fs_open(&loop, request, file->name, O_RDWR | O_CREAT | O_TRUNC, 0600, on_file)); break;
    case 1: CHECK(uv_fs_write(&loop, request, file->fd, &buf, 1, 0, on_file)); break;
    case 2: CHECK(uv_fs_read(&loop, request, file->fd, &buf, 1, 0, on_file)); break;
    case 3: CHECK(uv_fs_fstat(&loop, request, file->fd, on_file)); break;
    case 4: CHECK(uv_fs_close(&loop, request, file->fd, on_file)); break;
    case 5: CHECK(uv_fs_scandir(&loop, request, "/", 0, on_file)); break;
    case 6: CHECK(uv_fs_unlink(&loop, request, file->name, on_file)); break;
    default:
      file->step = 0;
      on_file(request);
  }
}

/* ---- children, threads, forks ----------------------------------------------- */

struct child { uv_process_t process; uv_pipe_t output; int open; };
static struct child children[3];
static uv_timer_t killer, starter;
static uv_thread_t thread;
static int thread_runs;
static uv_async_t thread_done;
static void spawn(struct child* child);

static void child_closed(uv_handle_t* handle) {
  struct child* child = handle->data;
  operations++;
  if (--child->open == 0 && !stopping) spawn(child);
}

static void close_child_output(struct child* child) {
  if (!uv_is_closing(ANY(&child->output))) uv_close(ANY(&child->output), child_closed);
}

static void on_exit_cb(uv_process_t* process, int64_t status, int number) {
  struct child* child = process->data;
  (void) status;
  (void) number;
  uv_close(ANY(process), child_closed);
  close_child_output(child);
}

static void child_read(uv_stream_t* stream, ssize_t length, const uv_buf_t* buf) {
  free(buf->base);
  if (length < 0) close_child_output(stream->data);
}

static void spawn(struct child* child) {
  char* arguments[] = {"sh", "-c", draw(2) ? "echo text" : "echo text; exec sleep 5", NULL};
  uv_stdio_container_t stdio[2] = {{.flags = UV_IGNORE},
                                   {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = STREAM(&child->output)}};
  uv_process_options_t options = {.file = "/bin/sh", .args = arguments, .exit_cb = on_exit_cb, .stdio = stdio,
                                  .stdio_count = 2};
  CHECK(uv_pipe_init(&loop, &child->output, 0));
  CHECK(uv_spawn(&loop, &child->process, &options));
  child->process.data = child->output.data = child;
  child->open = 2;
  CHECK(uv_read_start(STREAM(&child->output), alloc_cb, child_read));
}

static void kill_one(uv_timer_t* timer) {
  struct child* child = &children[draw(COUNT(children))];
  (void) timer;
  if (child->open == 2 && uv_is_active(ANY(&child->process))) (void) uv_process_kill(&child->process, SIGKILL);
}

static void close_walked(uv_handle_t* handle, void* arg) {
  (void) arg;
  if (!uv_is_closing(handle)) uv_close(handle, NULL);
}

static void no_timer(uv_timer_t* timer) { (void) timer; }
static void no_fs(uv_fs_t* request) { uv_fs_req_cleanup(request); }

/* A loop that is made, used and closed. */
static void short_loop(void) {
  uv_loop_t own;
  uv_timer_t timer;
  uv_async_t async;
  uv_fs_t request;
  CHECK(uv_loop_init(&own));
  CHECK(uv_timer_init(&own, &timer));
  CHECK(uv_timer_start(&timer, no_timer, 1, 0));
  CHECK(uv_async_init(&own, &async, NULL));
  uv_unref(ANY(&async));
  CHECK(uv_async_send(&async));
  CHECK(uv_fs_stat(&own, &request, "/", no_fs));
  CHECK(uv_run(&own, UV_RUN_DEFAULT));
  uv_walk(&own, close_walked, NULL);
  CHECK(uv_run(&own, UV_RUN_DEFAULT));
  CHECK(uv_loop_close(&own));
}

static void in_thread(void* arg) {
  int i;
  (void) arg;
  for (i = 0; i < 10; i++) short_loop();
  CHECK(uv_async_send(&thread_done));
}

static void on_thread_done(uv_async_t* async) {
  (void) async;
  CHECK(uv_thread_join(&thread));
  thread_runs = 0;
  operations++;
  if (stopping) uv_close(ANY(&thread_done), NULL);
}

/* Ten children at once, each with a loop of its own, or with this one, which they do not run. */
static void fork_storm(void) {
  pid_t pids[10];
  int i, status;
  for (i = 0; i < 10; i++) {
    pids[i] = CHECK(fork());
    if (pids[i] != 0) continue;
    if (i % 2) short_loop();
    else CHECK(uv_loop_fork(&loop));
    _exit(0);
  }
  for (i = 0; i < 10; i++) {
    if (waitpid(pids[i], &status, 0) != pids[i] || status != 0) {
      fprintf(stderr, "a forked child ended with status %#x\n", status);
      exit(1);
    }
  }
  operations += 10;
}

static void on_start(uv_timer_t* timer) {
  (void) timer;
  if (!thread_runs) {
    CHECK(uv_thread_create(&thread, in_thread, NULL));
    thread_runs = 1;
  }
  if (draw(5) == 0) fork_storm();
}

static void start_processes(void) {
  size_t i;
  for (i = 0; i < COUNT(children); i++) spawn(&children[i]);
  CHECK(uv_async_init(&loop, &thread_done, on_thread_done));
  CHECK(uv_timer_init(&loop, &killer));
  CHECK(uv_timer_start(&killer, kill_one, 100, 100));
  CHECK(uv_timer_init(&loop, &starter));
  CHECK(uv_timer_start(&starter, on_start, 200, 200));
}

/* ---- the whole ---------------------------------------------------------------- */

static void stop_all(void) {
  size_t i;
  stopping = 1;
  for (i = 0; i < COUNT(clients); i++) close_client(&clients[i]);
  for (i = 0; i < COUNT(many); i++) uv_close(ANY(&many[i]), NULL);
  for (i = 0; i < 2; i++) uv_close(ANY(&servers[i]), NULL);
  for (i = 0; i < 2; i++) uv_close(ANY(&udp[i]), NULL);
  uv_close(ANY(&ticker), NULL);
  uv_close(ANY(&usr1), NULL);
  uv_close(ANY(&killer), NULL);
  uv_close(ANY(&starter), NULL);
  for (i = 0; i < COUNT(children); i++)
    if (children[i].open == 2 && uv_is_active(ANY(&children[i].process)))
      (void) uv_process_kill(&children[i].process, SIGKILL);
  if (!thread_runs) uv_close(ANY(&thread_done), NULL);
}

int main(int argc, char** argv) {
  struct sample before, after;
  size_t i;
  int flat;
  if ((argc != 3 && argc != 4) || (table = fopen(argv[2], "w")) == NULL) return 2;
  proc = argc == 4 ? atoi(argv[3]) : open("/proc/self", O_RDONLY | O_DIRECTORY);
  fcntl(proc, F_SETFD, FD_CLOEXEC);
  signal(SIGPIPE, SIG_IGN);
  snprintf(path, sizeof(path), "/tmp/oxuv-soak-%d", (int) getpid());
  for (i = 0; i < COUNT(files); i++) {
    snprintf(files[i].name, sizeof(files[i].name), "%s-%d", path, (int) i);
    files[i].request.data = &files[i];
  }
  /* What the process keeps once it has used the library. */
  short_loop();
  before = measure();
  CHECK(uv_loop_init(&loop));
  end_time = uv_hrtime() + (uint64_t) (atof(argv[1]) * 1e9);
  start_echo();
  start_small();
  start_processes();
  for (i = 0; i < COUNT(files); i++) on_file(&files[i].request);
  CHECK(uv_timer_init(&loop, &sampler));
  CHECK(uv_timer_start(&sampler, on_sample, 1000, 1000));
  CHECK(uv_run(&loop, UV_RUN_DEFAULT));
  CHECK(uv_loop_close(&loop));
  after = measure();
  flat = is_flat();
  printf("%lu operations; descriptors %d before, %d after; threads %d before, %d after\n", operations,
         before.descriptors, after.descriptors, before.threads, after.threads);
  /* Signals and a pipe to stop them may have been opened for good with the first one; the pool keeps its threads. */
  return flat && after.descriptors <= before.descriptors + 4 ? 0 : 1;
}
