/* The operations of a random program, and what they act on. driver.c includes this file; emit.py prints the parts
 * of it that a program needs. Everything runs in virtual time, and each wait is made to find what has been caused:
 * the pool's work is done, children that end have ended. So a program has one log, however fast the machine is. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

enum { SLOTS = 20, LOOPS = 2, LOG = 1 << 20, CHILDREN = 64 };

enum kind { FREE, TIMER, IDLE, PREPARE, CHECK, ASYNC, SIGNAL, POLL, STREAM, SERVER, UDP, PROCESS, REQUEST, CLOSING };

/* A handle or a request with what the program knows of it. Its memory is overwritten and freed when the library may
 * not use it any more. */
struct thing {
  union {
    uv_handle_t handle;
    uv_timer_t timer;
    uv_idle_t idle;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_async_t async;
    uv_signal_t signal;
    uv_poll_t poll;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
    uv_udp_t udp;
    uv_process_t process;
    uv_req_t request;
    uv_work_t work;
    uv_fs_t fs;
    uv_random_t random;
  } u;
  int slot;
  enum kind kind;
  int fd;
  int peer;    /* the other end, which the program reads and writes itself, or -1 */
  int type;    /* how a stream was made */
  int reading; /* also: polling, receiving */
  int waiting; /* for a callback, after which something is allowed (again); datagrams that were sent */
  int port;
  int left, reports; /* datagrams */
  int ended;   /* a stream's end was read */
  int polled;  /* the descriptor is the program's to close */
  char bytes[64];
};

static struct thing* things[SLOTS];
static uv_loop_t loops[LOOPS];
static uv_async_t nudges[LOOPS];
static int loop_open[LOOPS];
static int called[SLOTS], connected[SLOTS];
static int runs;
static uv_loop_t* until_called; /* NULL, or the loop that runs in the default mode */
static unsigned callbacks; /* of handles and requests, but those of each iteration */
static int undispatched[LOOPS]; /* a signal came since the loop's last wait */
static int in_child, in_host, woken, silent;
static int in_signal; /* in a callback of a signal or of a child that ended */
static int in_mail; /* in a callback of an async handle or of the pool */
static char log_text[LOG];
static size_t log_size;
static size_t latest; /* where the line of the latest callback begins, or that of a run */
static char folder[64];
static const char* child_program;

static void note(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  if (format[0] != ' ') latest = log_size;
  if (log_size < LOG - 256) {
    log_size += (size_t) vsnprintf(log_text + log_size, 250, format, arguments);
    log_text[log_size++] = '\n';
  }
  va_end(arguments);
}

/* libuv calls signal handles in the order of their addresses, so these must not depend on what a library allocates.
   No address is used twice. */
static struct thing* new_thing(void) {
  enum { MOST = 1 << 16 };
  static struct thing memory[MOST];
  static int used;
  if (used == MOST) abort();
  return &memory[used++];
}

static enum kind kind_at(int slot) { return things[slot] == NULL ? FREE : things[slot]->kind; }

static struct thing* thing_at(int slot, enum kind kind) {
  struct thing* thing = things[slot];
  return thing != NULL && thing->kind == kind ? thing : NULL;
}

static uv_loop_t* loop_for(int slot) { return &loops[slot % 4 == 3]; }

/* Runs what the program does in this call of a callback of the slot. */
static void trigger(int slot, int call);

/* Notes that the loop has called back, for which a run in the default mode waits. */
static void has_called(void) {
  callbacks++;
  if (until_called != NULL) uv_stop(until_called);
}

static void now_called(int slot) {
  in_host = 0; /* what comes after the first callback may be caused by it */
  if (kind_at(slot) != PREPARE && kind_at(slot) != CHECK) has_called();
  int call = ++called[slot];
  if (!silent) trigger(slot, call);
}

/* A callback that an event caused: an embedded loop's host must have been woken for it. */
static void by_event(int slot) {
  if (in_host && !woken) note("MISSED %d", slot);
  now_called(slot);
}

/* ---- virtual time -------------------------------------------------------------------------------------------- */

static uint64_t milliseconds = 1000000;
static uint64_t clock_reads;
static __thread int is_main;

/* The clock of the library. Moves within a millisecond, so that short spins end. */
int clock_gettime(clockid_t clock, struct timespec* time) {
  if (!is_main || (clock != CLOCK_MONOTONIC && clock != CLOCK_MONOTONIC_COARSE))
    return (int) syscall(SYS_clock_gettime, clock, time);
  uint64_t part = ++clock_reads < 900 ? clock_reads * 1000 : 900000;
  time->tv_sec = (time_t) (milliseconds / 1000);
  time->tv_nsec = (long) (milliseconds % 1000 * 1000000 + part);
  return 0;
}

static void pass(int time) {
  milliseconds += (uint64_t) time;
  clock_reads = 0;
}

/* ---- the pool: its one worker is held until the next wait, then everything is done -------------------------- */

static uv_loop_t gate_loop;
static sem_t gate, all_done;
static int gated, pool_used, async_used, default_used;

static void hold_worker(uv_work_t* work) { (void) work; sem_wait(&gate); }
static void tell_done(uv_work_t* work) { (void) work; sem_post(&all_done); }
static void free_work(uv_work_t* work, int status) { (void) status; free(work); }

static void hold_pool(void) {
  if (gated) return;
  gated = pool_used = 1;
  uv_queue_work(&gate_loop, malloc(sizeof(uv_work_t)), hold_worker, free_work);
}

static void finish_pool(void) {
  if (!gated || in_child) return;
  gated = 0;
  uv_queue_work(&gate_loop, malloc(sizeof(uv_work_t)), tell_done, free_work);
  sem_post(&gate);
  while (sem_wait(&all_done) != 0) {}
}

/* ---- children: those that end have ended before the next wait ----------------------------------------------- */

static struct { pid_t pid; int ends; } children[CHILDREN];
static int child_count;

static void await_children(void) {
  if (in_child) return;
  for (int i = 0; i < child_count; i++) {
    siginfo_t info;
    if (!children[i].ends) continue;
    while (waitid(P_PID, (id_t) children[i].pid, &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {}
    children[i].ends = 0;
  }
}

/* The kernel lets the parent of a vfork() go on before the child has closed what is not for it, and a file that the
 * child still has stays in an epoll. So the write end of a pipe is the first and the last of the descriptors. */
static int lowest = -1;

static int open_for_child(int* highest) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0 || dup3(ends[1], lowest, O_CLOEXEC) < 0) abort();
  *highest = fcntl(ends[1], F_DUPFD_CLOEXEC, 900);
  close(ends[1]);
  return ends[0];
}

static void await_exec(int read_end, int highest) {
  char byte;
  close(highest);
  if (dup3(0, lowest, O_CLOEXEC) < 0) abort();
  while (read(read_end, &byte, 1) < 0 && errno == EINTR) {}
  close(read_end);
}

static void end_children(void) {
  for (int i = 0; i < child_count; i++) {
    if (waitpid(children[i].pid, NULL, WNOHANG) != 0) continue;
    kill(children[i].pid, SIGKILL);
    while (waitpid(children[i].pid, NULL, 0) < 0 && errno == EINTR) {}
  }
  child_count = 0;
}

/* ---- the wait ------------------------------------------------------------------------------------------------ */

static int (*place_of)(int slot); /* NULL, or where another order than that of slots comes from */
static uint32_t first_fd; /* below it are the loops' own descriptors */

static uint32_t fd_of(const struct epoll_event* event) {
  uint32_t fd = (uint32_t) event->data.u64;
  if (fd < first_fd || fd == UINT32_MAX) return UINT32_MAX; /* oxuv's waker is UINT32_MAX */
  for (int i = 0; i < SLOTS; i++)
    if (things[i] != NULL && things[i]->kind != CLOSING && things[i]->fd == (int) fd) return (uint32_t) (place_of == NULL ? i : place_of(i));
  return fd;
}

static int by_slot(const void* a, const void* b) {
  uint32_t left = fd_of(a), right = fd_of(b);
  return left < right ? -1 : left > right;
}

static int loop_of_epoll(int epoll) {
  for (int i = 0; i < LOOPS; i++)
    if (loop_open[i] && uv_backend_fd(&loops[i]) == epoll) return i;
  return -1;
}

/* Passes the time of a wait, whose limit is from the loop's time on. A loop that is woken for nothing, as libuv's may
 * be by a message that it has had, waits again or calls back later, so the time that has passed since does not add. */
static void pass_until(int loop, int timeout) {
  uint64_t limit = (loop >= 0 ? uv_now(&loops[loop]) : milliseconds) + (uint64_t) timeout;
  if (limit > milliseconds) pass((int) (limit - milliseconds));
}

/* Returns what is ready, in the order of slots: the kernel's order is not promised. When nothing is, the time
 * is up at once; a wait without a limit is ended by an event. */
static int wait_for_events(int epoll, struct epoll_event* events, int max, int timeout) {
  int loop = loop_of_epoll(epoll);
  finish_pool();
  await_children();
  if (loop >= 0) undispatched[loop] = 0;
  int count = (int) syscall(SYS_epoll_pwait, epoll, events, max, 0, NULL, 8);
  if (count == 0 && timeout > 0) pass_until(loop, timeout);
  if (count == 0 && timeout < 0) {
    if (loop >= 0) uv_async_send(&nudges[loop]);
    count = (int) syscall(SYS_epoll_pwait, epoll, events, max, loop >= 0 ? 0 : timeout, NULL, 8);
  }
  if (count > 1) qsort(events, (size_t) count, sizeof *events, by_slot);
  return count;
}

int epoll_wait(int epoll, struct epoll_event* events, int max, int timeout) {
  return wait_for_events(epoll, events, max, timeout);
}

int epoll_pwait(int epoll, struct epoll_event* events, int max, int timeout, const sigset_t* mask) {
  (void) mask;
  return wait_for_events(epoll, events, max, timeout);
}

/* ---- callbacks ----------------------------------------------------------------------------------------------- */

#define THING(pointer) ((struct thing*) (pointer)->data)

static void on_nudge(uv_async_t* nudge) { (void) nudge; has_called(); }
static void on_timer(uv_timer_t* h) { note("timer %d", THING(h)->slot); now_called(THING(h)->slot); }
static void on_idle(uv_idle_t* h) { note("idle %d", THING(h)->slot); now_called(THING(h)->slot); }
static void on_prepare(uv_prepare_t* h) { note("prepare %d", THING(h)->slot); now_called(THING(h)->slot); }
static void on_check(uv_check_t* h) { note("check %d", THING(h)->slot); now_called(THING(h)->slot); }
static void on_async(uv_async_t* h) {
  note("async %d", THING(h)->slot);
  THING(h)->waiting = 0;
  in_mail++;
  by_event(THING(h)->slot);
  in_mail--;
}

static void on_signal(uv_signal_t* h, int number) {
  note("signal %d: %d", THING(h)->slot, number);
  in_signal++;
  by_event(THING(h)->slot);
  in_signal--;
}

static void on_poll(uv_poll_t* h, int status, int events) {
  note("poll %d: %d %d", THING(h)->slot, status, events);
  by_event(THING(h)->slot);
}

static void on_exit_of_child(uv_process_t* h, int64_t status, int number) {
  note("exit %d: %d %d", THING(h)->slot, (int) status, number);
  in_signal++;
  by_event(THING(h)->slot);
  in_signal--;
}

static void release(struct thing* thing) {
  if (thing->peer >= 0) close(thing->peer);
  things[thing->slot] = NULL;
  memset(thing, 0xee, sizeof *thing);
}

static void on_close(uv_handle_t* handle) {
  struct thing* thing = THING(handle);
  int slot = thing->slot;
  note("close %d", slot);
  if (thing->polled) close(thing->fd);
  release(thing);
  now_called(slot);
}

static char buffer[65536];

static void give_buffer(uv_handle_t* handle, size_t size, uv_buf_t* given) {
  (void) size;
  static const unsigned sizes[] = {65536, 1000, 64, 1};
  int type = THING(handle)->kind == UDP ? 0 : THING(handle)->type >> 4 & 3;
  *given = uv_buf_init(buffer, sizes[type]);
}

static void on_read(uv_stream_t* stream, ssize_t count, const uv_buf_t* given) {
  (void) given;
  if (count == 0) return; /* as UV_EAGAIN, and may come at any time */
  note("read %d: %d", THING(stream)->slot, (int) count);
  if (count < 0) {
    THING(stream)->reading = 0;
    THING(stream)->ended = 1;
  }
  by_event(THING(stream)->slot);
}

static void on_receive(uv_udp_t* h, ssize_t count, const uv_buf_t* given, const struct sockaddr* from, unsigned flags) {
  (void) given;
  struct thing* thing = THING(h);
  if (thing->type == 1) {
    thing->reports += (flags & UV_UDP_LINUX_RECVERR) != 0;
  } else if (thing->type == 2) {
    thing->reports += count > 0;
  } else {
    note("receive %d: %d %d", thing->slot, (int) count, from != NULL);
    by_event(thing->slot);
  }
}

static void on_connection(uv_stream_t* server, int status) {
  note("connection %d: %d", THING(server)->slot, status);
  by_event(THING(server)->slot);
}

#define ON_DONE(name, type, text)                         \
  static void name(type* request, int status) {           \
    int slot = THING(request)->slot;                      \
    note(text " %d: %d", slot, status);                   \
    free(request);                                        \
    by_event(slot);                                       \
  }
ON_DONE(on_write, uv_write_t, "written")
ON_DONE(on_shutdown, uv_shutdown_t, "shutdown")

static void on_connect(uv_connect_t* request, int status) {
  struct thing* thing = THING(request);
  note("connected %d: %d", thing->slot, status);
  thing->waiting = 0;
  free(request);
  by_event(thing->slot);
}

/* oxuv knows at once that a local socket is connected, and calls back after the events of the poll phase. The status
 * is that of a socket whose peer was closed meanwhile, or not. So nothing happens in this callback. */
static void on_local_connect(uv_connect_t* request, int status) {
  (void) status;
  connected[THING(request)->slot]++;
  has_called();
  free(request);
}

/* Datagrams that have to wait leave in libuv's poll phase or in oxuv's pending phase, and which send or receive is
 * told of a refusal depends on what asks the kernel first. So the log has the sums of such handles (types 1 and 2). */
static void on_send(uv_udp_send_t* request, int status) {
  struct thing* thing = THING(request);
  free(request);
  if (thing->type != 0) {
    thing->left += status == 0;
    has_called();
    return;
  }
  note("sent %d: %d", thing->slot, status);
  by_event(thing->slot);
}

static void note_connected(void) {
  for (int i = 0; i < SLOTS; i++) {
    if (connected[i] == 0) continue;
    note("connected %d: %d", i, connected[i]);
    if (things[i] != NULL && things[i]->kind == STREAM) things[i]->waiting = 0;
    connected[i] = 0;
  }
}

/* A send to a port that nobody has is reported once. */
static void note_sums(void) {
  for (int i = 0; i < SLOTS; i++) {
    struct thing* udp = thing_at(i, UDP);
    if (udp == NULL || udp->type != 1) continue;
    /* How many runs it takes is not compared, nor what else they call. */
    size_t logged = log_size;
    uv_ref(&udp->u.handle);
    for (int j = 0; j < 40 && udp->left > udp->reports; j++) uv_run(loop_for(i), UV_RUN_NOWAIT);
    log_size = logged;
  }
  for (int i = 0; i < SLOTS; i++) {
    struct thing* thing = things[i];
    if (thing == NULL || thing->kind != UDP || thing->type == 0) continue;
    if (thing->type == 1) note("lacking reports %d: %d", i, thing->left - thing->reports);
    else note("sums %d: %d sent, %d received", i, thing->left, thing->reports);
  }
}

static void request_done(struct thing* thing, const char* what, int status) {
  int slot = thing->slot;
  note("%s %d: %d", what, slot, status);
  release(thing);
  in_mail++;
  by_event(slot);
  in_mail--;
}

static void on_work(uv_work_t* work, int status) { request_done(THING(work), "work", status); }
static void on_random(uv_random_t* random, int status, void* bytes, size_t size) {
  (void) bytes; (void) size;
  request_done(THING(random), "random", status);
}
static void on_fs(uv_fs_t* fs) {
  int result = (int) fs->result, type = fs->fs_type;
  if (type == UV_FS_OPEN && result >= 0) { close(result); result = 0; }
  uv_fs_req_cleanup(fs);
  request_done(THING(fs), "fs", result);
}

/* ---- making things ------------------------------------------------------------------------------------------- */

static struct thing* make(int slot, enum kind kind) {
  struct thing* thing = new_thing();
  thing->slot = slot;
  thing->kind = kind;
  thing->fd = thing->peer = -1;
  thing->u.handle.data = thing;
  things[slot] = thing;
  return thing;
}

static void made(int slot, int result) {
  note("  make %d: %d", slot, result);
  if (result == 0) return;
  if (things[slot]->polled) close(things[slot]->fd);
  release(things[slot]);
}

/* Keeps the number of the descriptor, for the order of events. */
static void find_descriptor(struct thing* thing) {
  uv_os_fd_t fd;
  if (uv_fileno(&thing->u.handle, &fd) == 0) thing->fd = fd;
}

static void op_timer(int s, int a, int b) { (void) a; (void) b; made(s, uv_timer_init(loop_for(s), &make(s, TIMER)->u.timer)); }
static void op_idle(int s, int a, int b) { (void) a; (void) b; made(s, uv_idle_init(loop_for(s), &make(s, IDLE)->u.idle)); }
static void op_prepare(int s, int a, int b) { (void) a; (void) b; made(s, uv_prepare_init(loop_for(s), &make(s, PREPARE)->u.prepare)); }
static void op_check(int s, int a, int b) { (void) a; (void) b; made(s, uv_check_init(loop_for(s), &make(s, CHECK)->u.check)); }
/* A handle that an async callback makes comes first in libuv's order, and last in oxuv's. */
static void op_async(int s, int a, int b) { (void) a; (void) b; if (!in_mail) made(s, uv_async_init(loop_for(s), &make(s, ASYNC)->u.async, on_async)); }
static void op_signal(int s, int a, int b) { (void) a; (void) b; made(s, uv_signal_init(loop_for(s), &make(s, SIGNAL)->u.signal)); }

static struct sockaddr_in loopback(int port) {
  struct sockaddr_in address;
  uv_ip4_addr("127.0.0.1", port, &address);
  return address;
}

static int bound_socket(int type, int* port) {
  struct sockaddr_in address = loopback(0);
  socklen_t length = sizeof address;
  int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
  if (bind(fd, (struct sockaddr*) &address, length) != 0) abort();
  getsockname(fd, (struct sockaddr*) &address, &length);
  *port = ntohs(address.sin_port);
  return fd;
}

/* Connects two descriptors: local sockets, a pipe, TCP. The second is the program's, non-blocking. */
static void connect_pair(int type, int ends[2]) {
  if (type == 0) {
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) abort();
  } else if (type == 1) {
    if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) abort();
  } else {
    int port, listener = bound_socket(SOCK_STREAM, &port);
    struct sockaddr_in address = loopback(port);
    ends[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listen(listener, 1) != 0 || connect(ends[1], (struct sockaddr*) &address, sizeof address) != 0) abort();
    ends[0] = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    close(listener);
  }
}

static void op_poll(int s, int a, int b) {
  (void) b;
  int ends[2];
  struct thing* thing = make(s, POLL);
  connect_pair(a % 3, ends);
  thing->type = a % 3;
  thing->fd = ends[0];
  thing->polled = 1;
  thing->peer = ends[1];
  made(s, uv_poll_init(loop_for(s), &thing->u.poll, ends[0]));
}

static void op_stream(int s, int a, int b) {
  int ends[2], type = a % 3, result;
  struct thing* thing = make(s, STREAM);
  connect_pair(type, ends);
  thing->type = type | b << 4;
  thing->peer = ends[1];
  if (type == 2) {
    uv_tcp_init(loop_for(s), &thing->u.tcp);
    result = uv_tcp_open(&thing->u.tcp, ends[0]);
  } else {
    uv_pipe_init(loop_for(s), &thing->u.pipe, 0);
    result = uv_pipe_open(&thing->u.pipe, ends[0]);
  }
  find_descriptor(thing);
  note("  open %d: %d", s, result);
}

static void path_of(int slot, char path[128]) { snprintf(path, 128, "%s/p%d", folder, slot); }

static void op_server(int s, int a, int b) {
  (void) b;
  int result;
  struct thing* thing = make(s, SERVER);
  thing->type = a & 1;
  if (a & 1) {
    char path[128];
    path_of(s, path);
    unlink(path);
    uv_pipe_init(loop_for(s), &thing->u.pipe, 0);
    result = uv_pipe_bind(&thing->u.pipe, path);
  } else {
    struct sockaddr_in address = loopback(0);
    int length = sizeof address;
    uv_tcp_init(loop_for(s), &thing->u.tcp);
    result = uv_tcp_bind(&thing->u.tcp, (struct sockaddr*) &address, 0);
    uv_tcp_getsockname(&thing->u.tcp, (struct sockaddr*) &address, &length);
    thing->port = ntohs(address.sin_port);
  }
  if (result == 0) result = uv_listen(&thing->u.stream, 16, on_connection);
  find_descriptor(thing);
  note("  listen %d: %d", s, result);
}

static void op_client(int s, int a, int b) {
  struct thing* server = thing_at(a, SERVER);
  if (server == NULL) return;
  struct thing* thing = make(s, STREAM);
  uv_connect_t* request = malloc(sizeof *request);
  request->data = thing;
  thing->waiting = 1;
  thing->type = (server->type ? 4 : 3) | b << 4;
  if (server->type) {
    char path[128];
    path_of(a, path);
    uv_pipe_init(loop_for(s), &thing->u.pipe, 0);
    uv_pipe_connect(request, &thing->u.pipe, path, on_local_connect);
    note("  connect %d", s);
  } else {
    struct sockaddr_in address = loopback(server->port);
    uv_tcp_init(loop_for(s), &thing->u.tcp);
    note("  connect %d: %d", s, uv_tcp_connect(request, &thing->u.tcp, (struct sockaddr*) &address, on_connect));
  }
  find_descriptor(thing);
}

/* A client that the program itself has. */
static void op_knock(int s, int a, int b) {
  (void) a; (void) b;
  struct thing* server = things[s];
  if (server->type) return;
  struct sockaddr_in address = loopback(server->port);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  connect(fd, (struct sockaddr*) &address, sizeof address);
  if (server->peer >= 0) close(server->peer);
  server->peer = fd;
}

static void op_accept(int s, int a, int b) {
  struct thing* server = thing_at(a, SERVER);
  if (server == NULL || loop_for(a) != loop_for(s)) return;
  struct thing* thing = make(s, STREAM);
  thing->type = (server->type ? 4 : 3) | b << 4;
  if (server->type) uv_pipe_init(loop_for(s), &thing->u.pipe, 0);
  else uv_tcp_init(loop_for(s), &thing->u.tcp);
  note("  accept %d: %d of %d", s, uv_accept(&server->u.stream, &thing->u.stream), a);
  find_descriptor(thing);
}

static int is_udp(int slot, int type) { return thing_at(slot, UDP) != NULL && things[slot]->type == type; }

/* a: 0 sends one datagram at a time; 1 has an error queue and sends to a port that nobody has; 2 sends many. */
static void op_udp(int s, int a, int b) {
  (void) b;
  struct thing* thing = make(s, UDP);
  struct sockaddr_in address = loopback(0);
  int length = sizeof address, result = uv_udp_init(loop_for(s), &thing->u.udp);
  thing->type = a;
  thing->fd = dup(0); /* uv_fileno would change how oxuv receives */
  close(thing->fd);
  if (result == 0)
    result = uv_udp_bind(&thing->u.udp, (struct sockaddr*) &address, a == 1 ? UV_UDP_LINUX_RECVERR : 0);
  uv_udp_getsockname(&thing->u.udp, (struct sockaddr*) &address, &length);
  thing->port = ntohs(address.sin_port);
  /* libuv crashes when an error report comes while nobody receives. */
  if (a != 0) uv_udp_recv_start(&thing->u.udp, give_buffer, on_receive);
  note("  udp %d: %d", s, result);
}

/* ---- operations on what exists -------------------------------------------------------------------------------- */

/* A UDP handle with a send whose callback is due is active in oxuv, and in libuv unless it was stopped. A stream whose
 * read callback is told of an error is active in libuv until that returns. */
static int is_active(uv_handle_t* handle) {
  struct thing* thing = THING(handle);
  return thing->kind != UDP && !(thing->kind == STREAM && thing->ended) && uv_is_active(handle);
}

static void did(const char* what, int slot, int result) {
  struct thing* thing = things[slot];
  int active = thing != NULL && thing->kind != REQUEST && is_active(&thing->u.handle);
  note("  %s %d: %d active %d", what, slot, result, active);
}

/* How often a handle was closed in each kind of callback, or by the program itself. */
static struct { char name[16]; unsigned long count; } closes[32];

static void count_close(void) {
  char name[16] = "program";
  const char* line = log_text + latest;
  if (log_size > latest && line[0] != ' ' && strncmp(line, "ran ", 4) != 0) sscanf(line, "%15s", name);
  for (int i = 0; i < 32; i++) {
    if (closes[i].name[0] == 0) strcpy(closes[i].name, name);
    if (strcmp(closes[i].name, name) == 0) { closes[i].count++; return; }
  }
}

static void op_close(int s, int a, int b) {
  (void) b;
  struct thing* thing = things[s];
  /* libuv puts the close callback off until the signal was dispatched. */
  if (thing->kind == SIGNAL && undispatched[loop_for(s) - loops]) return;
  /* libuv tells of the end of several children, of one that is closed by the callback of another, too. */
  if (thing->kind == PROCESS && in_signal) return;
  if (a == 0 && thing->kind == STREAM && thing->type % 16 == 2)
    note("  reset %d: %d", s, uv_tcp_close_reset(&thing->u.tcp, on_close));
  if (!uv_is_closing(&thing->u.handle)) uv_close(&thing->u.handle, on_close);
  thing->kind = CLOSING;
  count_close();
  did("close", s, 0);
}

static void op_ref(int s, int a, int b) {
  (void) b;
  if (a) uv_ref(&things[s]->u.handle);
  else uv_unref(&things[s]->u.handle);
  note("  ref %d: %d", s, uv_has_ref(&things[s]->u.handle));
}

static void op_timer_start(int s, int a, int b) { did("start", s, uv_timer_start(&things[s]->u.timer, on_timer, a, b)); }
static void op_timer_stop(int s, int a, int b) { (void) a; (void) b; did("stop", s, uv_timer_stop(&things[s]->u.timer)); }
static void op_timer_again(int s, int a, int b) { (void) a; (void) b; did("again", s, uv_timer_again(&things[s]->u.timer)); }
static void op_timer_due(int s, int a, int b) { (void) a; (void) b; did("due", s, (int) uv_timer_get_due_in(&things[s]->u.timer)); }
static void op_timer_repeat(int s, int a, int b) {
  (void) b;
  uv_timer_set_repeat(&things[s]->u.timer, (uint64_t) a);
  did("repeat", s, (int) uv_timer_get_repeat(&things[s]->u.timer));
}
static void op_idle_start(int s, int a, int b) { (void) a; (void) b; did("start", s, uv_idle_start(&things[s]->u.idle, on_idle)); }
static void op_idle_stop(int s, int a, int b) { (void) a; (void) b; did("stop", s, uv_idle_stop(&things[s]->u.idle)); }
static void op_prepare_start(int s, int a, int b) { (void) a; (void) b; did("start", s, uv_prepare_start(&things[s]->u.prepare, on_prepare)); }
static void op_prepare_stop(int s, int a, int b) { (void) a; (void) b; did("stop", s, uv_prepare_stop(&things[s]->u.prepare)); }
static void op_check_start(int s, int a, int b) { (void) a; (void) b; did("start", s, uv_check_start(&things[s]->u.check, on_check)); }
static void op_check_stop(int s, int a, int b) { (void) a; (void) b; did("stop", s, uv_check_stop(&things[s]->u.check)); }
static void op_async_send(int s, int a, int b) {
  (void) a; (void) b;
  things[s]->waiting = async_used = 1;
  did("send", s, uv_async_send(&things[s]->u.async));
}

/* One-shot handles have a signal of their own: libuv restores its default action when it comes, for other handles too. */
static int signal_number(int s, int a) { return s % 3 == 0 ? SIGURG : a == 0 ? SIGUSR1 : a == 1 ? SIGUSR2 : SIGWINCH; }

static int other_one_shot(int slot) {
  for (int i = 0; i < SLOTS; i += 3)
    if (thing_at(i, SIGNAL) != NULL && things[i]->waiting) return 1;
  return things[slot]->waiting;
}

/* A one-shot handle is started once, alone, and not while a signal waits, which has restored the default action. In libuv it stays one-shot for good, a signal from before a new start stops it, and
 * so does the end of a callback that has started it again. */
static void op_signal_start(int s, int a, int b) {
  (void) b;
  struct thing* thing = things[s];
  int number = signal_number(s, a);
  if (s % 3 != 0) did("start", s, uv_signal_start(&thing->u.signal, on_signal, number));
  else if (!other_one_shot(s) && !in_signal && !undispatched[0] && !undispatched[1]) did("start", s, uv_signal_start_oneshot(&thing->u.signal, on_signal, number));
  thing->waiting = s % 3 == 0;
}
static void op_signal_stop(int s, int a, int b) { (void) a; (void) b; did("stop", s, uv_signal_stop(&things[s]->u.signal)); }

/* libuv reports children and signals caused by signal and exit callbacks in the same iteration, oxuv in the next. */
static void op_raise(int s, int a, int b) {
  (void) b;
  if (in_signal || (s % 3 == 0 && (undispatched[0] || undispatched[1]))) return;
  struct sigaction action;
  sigaction(signal_number(s, a), NULL, &action);
  int caught = action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN;
  note("  raise %d: %d", a, caught);
  if (!caught) return;
  undispatched[0] = undispatched[1] = 1;
  raise(signal_number(s, a));
}

static void op_poll_start(int s, int a, int b) {
  (void) b;
  did("start", s, uv_poll_start(&things[s]->u.poll, a, on_poll));
  things[s]->reading = 1;
}
static void op_poll_stop(int s, int a, int b) {
  (void) a; (void) b;
  did("stop", s, uv_poll_stop(&things[s]->u.poll));
  things[s]->reading = 0;
}
static void op_poll_drain(int s, int a, int b) {
  (void) b;
  note("  drain %d: %d", s, (int) read(things[s]->fd, buffer, a ? sizeof buffer : 1));
}

static void op_peer_write(int s, int a, int b) {
  (void) b;
  static const size_t sizes[] = {1, 64, 3000, 60000};
  if (things[s]->peer < 0 || things[s]->kind == SERVER) return;
  note("  peer writes %d: %d", s, (int) write(things[s]->peer, buffer, sizes[a]));
}
static void op_peer_read(int s, int a, int b) {
  (void) b;
  if (things[s]->peer < 0 || things[s]->kind == SERVER) return;
  ssize_t count, sum = 0;
  while ((count = read(things[s]->peer, buffer, a ? sizeof buffer : 10)) > 0) {
    sum += count;
    if (!a) break;
  }
  note("  peer reads %d: %d %d", s, (int) sum, count == 0);
}
static void op_peer_close(int s, int a, int b) {
  (void) b;
  if (things[s]->peer < 0) return;
  if (a) shutdown(things[s]->peer, SHUT_WR);
  else { close(things[s]->peer); things[s]->peer = -1; }
  note("  peer closes %d", s);
}

/* Puts another file over the descriptor of a handle that is stopped, and of a poll handle at any time. */
static void op_replace(int s, int a, int b) {
  (void) b;
  struct thing* thing = things[s];
  uv_os_fd_t fd;
  int ends[2];
  if (thing->kind == STREAM && (thing->reading || thing->ended || thing->type % 16 > 2 || uv_stream_get_write_queue_size(&thing->u.stream))) return;
  if (thing->kind == POLL && a == 0 && thing->reading) uv_poll_stop(&thing->u.poll);
  if (uv_fileno(&thing->u.handle, &fd) != 0) return;
  if (thing->kind == UDP) {
    if (thing->reading || thing->type != 0) return;
    ends[0] = bound_socket(SOCK_DGRAM | SOCK_NONBLOCK, &thing->port);
    ends[1] = -1;
  } else {
    connect_pair(thing->type % 16, ends);
  }
  dup3(ends[0], fd, O_CLOEXEC);
  close(ends[0]);
  if (thing->peer >= 0) close(thing->peer);
  thing->peer = ends[1];
  if (thing->kind == POLL) { op_poll_start(s, UV_READABLE, 0); if (a == 1) op_peer_write(s, 0, 0); }
  note("  replace %d", s);
}

/* Reading after the end: libuv tells the end again in this iteration, if the descriptor is in its batch, or in the next. */
static void op_read_start(int s, int a, int b) {
  (void) a; (void) b;
  if (things[s]->ended || things[s]->waiting) return;
  int result = uv_read_start(&things[s]->u.stream, give_buffer, on_read);
  if (result == 0) things[s]->reading = 1;
  did("read", s, result);
}
static void op_read_stop(int s, int a, int b) {
  (void) a; (void) b;
  did("stop", s, uv_read_stop(&things[s]->u.stream));
  things[s]->reading = 0;
}

static char payload[1 << 18];
static unsigned size_of(int a) {
  static const unsigned sizes[] = {1, 100, 5000, 1 << 18};
  return sizes[a];
}

/* oxuv writes as soon as the stream is connected, libuv an iteration later. */
static void op_write(int s, int a, int b) {
  (void) b;
  if (things[s]->waiting) return;
  uv_write_t* request = malloc(sizeof *request);
  uv_buf_t given = uv_buf_init(payload, size_of(a));
  request->data = things[s];
  int result = uv_write(request, &things[s]->u.stream, &given, 1, on_write);
  if (result != 0) free(request);
  did("write", s, result);
}
static void op_try_write(int s, int a, int b) {
  (void) b;
  uv_buf_t given = uv_buf_init(payload, size_of(a));
  did("try", s, uv_try_write(&things[s]->u.stream, &given, 1));
}
static void op_shutdown(int s, int a, int b) {
  (void) a; (void) b;
  if (things[s]->waiting) return;
  uv_shutdown_t* request = malloc(sizeof *request);
  request->data = things[s];
  int result = uv_shutdown(request, &things[s]->u.stream, on_shutdown);
  if (result != 0) free(request);
  did("shutdown", s, result);
}
static void op_stream_ask(int s, int a, int b) {
  (void) a; (void) b;
  uv_stream_t* stream = &things[s]->u.stream;
  note("  ask %d: %d %d %d", s, uv_is_readable(stream), uv_is_writable(stream), (int) uv_stream_get_write_queue_size(stream));
}

static void op_udp_start(int s, int a, int b) {
  (void) a; (void) b;
  if (things[s]->type != 0) return;
  int result = uv_udp_recv_start(&things[s]->u.udp, give_buffer, on_receive);
  if (result == 0) things[s]->reading = 1;
  did("receive", s, result);
}
static void op_udp_stop(int s, int a, int b) {
  (void) a; (void) b;
  /* libuv's handle is inactive from then on, although its send waits. */
  if (things[s]->type != 0 || uv_udp_get_send_queue_count(&things[s]->u.udp) > 0) return;
  did("stop", s, uv_udp_recv_stop(&things[s]->u.udp));
  things[s]->reading = 0;
}

static int send_one(int s, int port) {
  struct sockaddr_in address = loopback(port);
  uv_udp_send_t* request = malloc(sizeof *request);
  uv_buf_t given = uv_buf_init(payload, 100);
  request->data = things[s];
  int result = uv_udp_send(request, &things[s]->u.udp, &given, 1, (struct sockaddr*) &address, on_send);
  if (result != 0) free(request);
  return result;
}

/* Sends to the port of a handle of the same type, or to one that nobody has. */
static void op_udp_send(int s, int a, int b) {
  int type = things[s]->type, port = 0, result = 0;
  struct thing* target = thing_at(a, UDP);
  if (type == 0 && uv_udp_get_send_queue_count(&things[s]->u.udp) > 0) return;
  if (type == 1) close(bound_socket(SOCK_DGRAM, &port));
  else if (target != NULL && target->type == type) port = target->port;
  else return;
  /* The kernel limits reports, for all programs together. */
  if (type == 1 && b > 4) b = 4;
  if (type == 1 && things[s]->waiting > 20) return;
  for (int i = 0; i <= (type == 0 ? 0 : b); i++) result |= send_one(s, port);
  things[s]->waiting += b + 1;
  did("send", s, result);
}

static void op_udp_try(int s, int a, int b) {
  (void) b;
  struct thing* target = thing_at(a, UDP);
  if (!is_udp(s, 0) || target == NULL || target->type != 0) return;
  struct sockaddr_in address = loopback(target->port);
  uv_buf_t given = uv_buf_init(payload, 100);
  did("try", s, uv_udp_try_send(&things[s]->u.udp, &given, 1, (struct sockaddr*) &address));
}

/* Starts a child that ends with status b % 8 at once, after writing a line, or when it is killed. a: nothing, its
 * output goes to the stream that is made in a slot beside. */
static void op_spawn(int s, int a, int b) {
  char mode[2] = {(char) ('0' + b % 3), 0}, status[2] = {(char) ('0' + b % 8), 0};
  char* arguments[] = {"child", mode, status, NULL};
  uv_stdio_container_t stdio[2] = {{.flags = UV_IGNORE}, {.flags = UV_IGNORE}};
  uv_process_options_t options = {.file = child_program, .args = arguments, .exit_cb = on_exit_of_child,
                                  .stdio = stdio, .stdio_count = 2};
  int output = (s + 4) % SLOTS;
  if (in_child || in_signal || child_count == CHILDREN) return;
  if (a && things[output] == NULL) {
    struct thing* stream = make(output, STREAM);
    stream->type = 4;
    uv_pipe_init(loop_for(output), &stream->u.pipe, 0);
    stdio[1].flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE;
    stdio[1].data.stream = &stream->u.stream;
  }
  struct thing* thing = make(s, PROCESS);
  int highest, read_end = open_for_child(&highest);
  int result = uv_spawn(loop_for(s), &thing->u.process, &options);
  await_exec(read_end, highest);
  if (result == 0) {
    children[child_count].pid = uv_process_get_pid(&thing->u.process);
    children[child_count++].ends = b % 3 != 2;
    await_children();
  }
  if (things[output] != NULL && things[output]->kind == STREAM) find_descriptor(things[output]);
  did("spawn", s, result);
}

static void op_kill(int s, int a, int b) {
  (void) b;
  if (in_signal) return;
  uv_process_t* process = &things[s]->u.process;
  int result = uv_process_kill(process, a ? SIGTERM : SIGKILL);
  for (int i = 0; i < child_count; i++)
    if (result == 0 && children[i].pid == uv_process_get_pid(process)) children[i].ends = 1;
  await_children();
  did("kill", s, result);
}

static void nothing(uv_work_t* work) { (void) work; }

static void op_work(int s, int a, int b) {
  (void) a; (void) b;
  if (in_child) return;
  hold_pool();
  made(s, uv_queue_work(loop_for(s), &make(s, REQUEST)->u.work, nothing, on_work));
}
static void op_random(int s, int a, int b) {
  (void) a; (void) b;
  if (in_child) return;
  hold_pool();
  struct thing* thing = make(s, REQUEST);
  made(s, uv_random(loop_for(s), &thing->u.random, thing->bytes, 16, 0, on_random));
}
static void op_fs(int s, int a, int b) {
  if (in_child) return;
  char path[128];
  snprintf(path, sizeof path, "%s/f%d", folder, b);
  hold_pool();
  uv_loop_t* loop = loop_for(s);
  struct thing* thing = make(s, REQUEST);
  uv_fs_t* fs = &thing->u.fs;
  int result = a == 0   ? uv_fs_stat(loop, fs, path, on_fs)
               : a == 1 ? uv_fs_open(loop, fs, path, O_CREAT | O_RDWR, 0600, on_fs)
               : a == 2 ? uv_fs_unlink(loop, fs, path, on_fs)
               : a == 3 ? uv_fs_mkdir(loop, fs, path, 0700, on_fs)
               : a == 4 ? uv_fs_rmdir(loop, fs, path, on_fs)
                        : uv_fs_scandir(loop, fs, folder, 0, on_fs);
  note("  fs %d: %d", s, result);
}
/* libuv puts a request that is cancelled twice at the end of the order. */
static void op_cancel(int s, int a, int b) {
  (void) a; (void) b;
  if (things[s]->waiting) return;
  int result = uv_cancel(&things[s]->u.request);
  things[s]->waiting = result == 0;
  note("  cancel %d: %d", s, result);
}

/* ---- loops --------------------------------------------------------------------------------------------------- */

static void walked(uv_handle_t* handle, void* to_close) {
  if (handle->data == NULL) return;
  note("  walk %d: %d", THING(handle)->slot, is_active(handle));
  if (handle == to_close && THING(handle)->kind != CLOSING) op_close(THING(handle)->slot, 1, 0);
}
/* b: closes the slot's handle in its callback. */
static void op_walk(int s, int a, int b) {
  void* to_close = b == 0 && things[s] != NULL && things[s]->kind != REQUEST ? &things[s]->u.handle : NULL;
  uv_walk(&loops[a], walked, to_close);
}
static void op_stop(int s, int a, int b) { (void) s; (void) b; uv_stop(&loops[a]); note("  stop loop %d", a); }
static void op_tick(int s, int a, int b) { (void) s; (void) b; pass(a); }
static void op_alive(int s, int a, int b) { (void) s; (void) b; note("  alive %d", uv_loop_alive(&loops[a])); }
static void op_now(int s, int a, int b) { (void) s; (void) b; uv_now(&loops[a]); }
static void op_update(int s, int a, int b) { (void) s; (void) b; uv_update_time(&loops[a]); }

/* Not where messages may come later. */
static void op_metrics(int s, int a, int b) {
  (void) s; (void) b;
  if (pool_used && (async_used || default_used || runs > 1)) return;
  uv_metrics_t metrics;
  uv_metrics_info(&loops[a], &metrics);
  note("  metrics %d", (int) metrics.events_waiting);
}

/* Whether a callback of this kind of handle comes in each iteration of the loop. */
static int has_phases(int loop) {
  for (int i = 0; i < SLOTS; i++)
    if ((kind_at(i) == PREPARE || kind_at(i) == CHECK) && loop_for(i) == &loops[loop]) return 1;
  return 0;
}

static void run(int loop, uv_run_mode mode) {
  runs++;
  if (has_phases(loop)) mode = UV_RUN_NOWAIT;
  note("run %d %d", loop, mode);
  unsigned before = callbacks;
  until_called = mode == UV_RUN_DEFAULT ? &loops[loop] : NULL;
  default_used |= mode == UV_RUN_DEFAULT;
  int alive = uv_run(&loops[loop], mode);
  until_called = NULL;
  /* An event of a handle that is idle by now may end a wait. */
  for (int i = 0; i < 8 && mode == UV_RUN_ONCE && alive && callbacks == before; i++) alive = uv_run(&loops[loop], mode);
  note_connected();
  note("ran %d alive %d", loop, alive);
  uv_run(&gate_loop, UV_RUN_NOWAIT);
}
/* In the default mode until something was called. */
static void op_run(int s, int a, int b) { (void) s; run(a, b == 0 ? UV_RUN_ONCE : b == 3 ? UV_RUN_DEFAULT : UV_RUN_NOWAIT); }

/* Runs the loop as a host does that polls its descriptor. It may be woken for nothing, but for each event. */
static void op_host(int s, int a, int b) {
  (void) s; (void) b;
  struct pollfd backend = {uv_backend_fd(&loops[a]), POLLIN, 0};
  finish_pool();
  await_children();
  woken = uv_backend_timeout(&loops[a]) == 0 || poll(&backend, 1, 0) == 1;
  in_host = 1;
  run(a, UV_RUN_NOWAIT);
  in_host = 0;
}

static int has_descriptor(const struct thing* thing) {
  return thing->kind == POLL || thing->kind == STREAM || thing->kind == SERVER || thing->kind == UDP;
}

static void close_one(uv_handle_t* handle, void* all) {
  if (uv_is_closing(handle)) return;
  if (handle->data == NULL) { if (all != NULL) uv_close(handle, NULL); return; }
  if (all == NULL && has_descriptor(THING(handle))) return;
  THING(handle)->kind = CLOSING;
  uv_close(handle, on_close);
}

/* The child of a fork closes its copies of what the kernel does not share, or takes over by uv_loop_fork. */
static void live_as_child(int takes_over) {
  int shared = 0;
  in_child = silent = 1;
  for (int i = 0; i < SLOTS; i++)
    if (things[i] != NULL) shared |= has_descriptor(things[i]) || things[i]->kind == CLOSING ;
  for (int i = 0; i < LOOPS; i++) {
    if (takes_over) {
      note("child %d: %d", i, uv_loop_fork(&loops[i]));
      for (int j = 0; j < 3; j++) run(i, UV_RUN_NOWAIT);
    }
    uv_walk(&loops[i], close_one, takes_over || !shared ? "all" : NULL);
    if (takes_over || !shared) {
      uv_run(&loops[i], UV_RUN_NOWAIT);
      note("child closes %d: %d", i, uv_loop_close(&loops[i]));
    }
  }
}

static void op_fork(int s, int a, int b) {
  (void) s; (void) b;
  int ends[2];
  /* The child of libuv's fork loses what was sent before, or takes its parent's signals. A child that goes on takes
   * error reports from the queue that both share. */
  for (int i = 0; i < SLOTS; i++)
    if (thing_at(i, REQUEST) != NULL || (thing_at(i, ASYNC) != NULL && things[i]->waiting) || is_udp(i, 1)) return;
  if (in_child || gated || undispatched[0] || undispatched[1] || pipe2(ends, O_CLOEXEC) != 0) return;
  pid_t pid = fork();
  if (pid == 0) {
    log_size = latest = 0;
    live_as_child(a);
    if (log_size > 60000) log_size = 60000;
    _exit(write(ends[1], log_text, log_size) < 0);
  }
  close(ends[1]);
  ssize_t count;
  note("fork");
  while ((count = read(ends[0], log_text + log_size, LOG - 256 - log_size)) > 0) log_size += (size_t) count;
  close(ends[0]);
  int status;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
  note(WIFSIGNALED(status) ? "ENDED BY SIGNAL" : "forked: %d", status);
}

/* ---- the table ----------------------------------------------------------------------------------------------- */

#define ONE(kind) (1u << (kind))
#define HANDLES (ONE(CLOSING) - ONE(TIMER) - ONE(REQUEST))
#define PEERS (ONE(POLL) | ONE(STREAM))
#define ANY 0u /* no thing */

struct operation {
  const char* name;
  void (*act)(int slot, int a, int b);
  unsigned kinds; /* which the slot must have */
  int a, b;       /* the arguments are less */
  int weight;
};

static const struct operation operations[] = {
    {"timer", op_timer, ONE(FREE), 1, 1, 3}, {"idle", op_idle, ONE(FREE), 1, 1, 1},
    {"prepare", op_prepare, ONE(FREE), 1, 1, 1}, {"check", op_check, ONE(FREE), 1, 1, 1},
    {"async", op_async, ONE(FREE), 1, 1, 3}, {"signal", op_signal, ONE(FREE), 1, 1, 3},
    {"poll", op_poll, ONE(FREE), 3, 1, 3}, {"stream", op_stream, ONE(FREE), 3, 4, 5},
    {"server", op_server, ONE(FREE), 2, 1, 2}, {"client", op_client, ONE(FREE), SLOTS, 4, 8},
    {"udp", op_udp, ONE(FREE), 3, 1, 3}, {"spawn", op_spawn, ONE(FREE), 2, 24, 1},
    {"work", op_work, ONE(FREE), 1, 1, 1}, {"random", op_random, ONE(FREE), 1, 1, 1},
    {"fs", op_fs, ONE(FREE), 6, 3, 2}, {"cancel", op_cancel, ONE(REQUEST), 1, 1, 4},
    {"close", op_close, HANDLES, 2, 1, 3}, {"ref", op_ref, HANDLES, 2, 1, 2},
    {"timer_start", op_timer_start, ONE(TIMER), 4, 3, 8}, {"timer_stop", op_timer_stop, ONE(TIMER), 1, 1, 2},
    {"timer_again", op_timer_again, ONE(TIMER), 1, 1, 2}, {"timer_due", op_timer_due, ONE(TIMER), 1, 1, 1},
    {"timer_repeat", op_timer_repeat, ONE(TIMER), 3, 1, 1},
    {"idle_start", op_idle_start, ONE(IDLE), 1, 1, 5}, {"idle_stop", op_idle_stop, ONE(IDLE), 1, 1, 3},
    {"prepare_start", op_prepare_start, ONE(PREPARE), 1, 1, 5}, {"prepare_stop", op_prepare_stop, ONE(PREPARE), 1, 1, 3},
    {"check_start", op_check_start, ONE(CHECK), 1, 1, 5}, {"check_stop", op_check_stop, ONE(CHECK), 1, 1, 3},
    {"async_send", op_async_send, ONE(ASYNC), 1, 1, 8}, {"signal_start", op_signal_start, ONE(SIGNAL), 3, 3, 8},
    {"signal_stop", op_signal_stop, ONE(SIGNAL), 1, 1, 4}, {"raise", op_raise, ONE(SIGNAL), 3, 1, 8},
    {"poll_start", op_poll_start, ONE(POLL), 16, 1, 8}, {"poll_stop", op_poll_stop, ONE(POLL), 1, 1, 3},
    {"poll_drain", op_poll_drain, ONE(POLL), 2, 1, 4}, {"peer_write", op_peer_write, PEERS, 4, 1, 6},
    {"peer_read", op_peer_read, PEERS, 2, 1, 5}, {"peer_close", op_peer_close, PEERS | ONE(SERVER), 2, 1, 1},
    {"replace", op_replace, PEERS | ONE(UDP), 3, 1, 4}, {"knock", op_knock, ONE(SERVER), 1, 1, 8},
    {"read_start", op_read_start, ONE(STREAM), 1, 1, 9}, {"read_stop", op_read_stop, ONE(STREAM), 1, 1, 4},
    {"write", op_write, ONE(STREAM), 4, 1, 6}, {"try_write", op_try_write, ONE(STREAM), 4, 1, 3},
    {"shutdown", op_shutdown, ONE(STREAM), 1, 1, 2}, {"stream_ask", op_stream_ask, ONE(STREAM), 1, 1, 1},
    {"udp_start", op_udp_start, ONE(UDP), 1, 1, 6}, {"udp_stop", op_udp_stop, ONE(UDP), 1, 1, 2},
    {"udp_send", op_udp_send, ONE(UDP), SLOTS, 12, 8}, {"udp_try", op_udp_try, ONE(UDP), SLOTS, 1, 6},
    {"kill", op_kill, ONE(PROCESS), 2, 1, 3},
    {"accept", op_accept, ONE(FREE), SLOTS, 4, 8},
    {"walk", op_walk, ANY, LOOPS, 3, 1}, {"stop", op_stop, ANY, LOOPS, 1, 1}, {"tick", op_tick, ANY, 4, 1, 3},
    {"alive", op_alive, ANY, LOOPS, 1, 1}, {"now", op_now, ANY, LOOPS, 1, 1}, {"update", op_update, ANY, LOOPS, 1, 1},
    {"metrics", op_metrics, ANY, LOOPS, 1, 1},
    /* These are the program's own, not a callback's. */
    {"run", op_run, ANY, LOOPS, 4, 0}, {"host", op_host, ANY, LOOPS, 1, 0}, {"fork", op_fork, ANY, 2, 1, 0},
};
enum { OPERATIONS = sizeof operations / sizeof *operations };
static unsigned long counts[OPERATIONS];

/* Performs an operation if the slot has what it acts on. */
static void perform(int index, int slot, int a, int b) {
  const struct operation* operation = &operations[index];
  if (operation->kinds != ANY && !(operation->kinds & ONE(kind_at(slot)))) return;
  counts[index]++;
  operation->act(slot, a, b);
}

static void on_first_exit(uv_process_t* process, int64_t status, int number) {
  (void) status; (void) number;
  uv_close((uv_handle_t*) process, NULL);
}

/* The first uv_spawn() of a process is another one in libuv: it forks to find out what the kernel can do, and that
 * child's end is a signal, too. */
static void spawn_first(void) {
  static uv_process_t process;
  char* arguments[] = {"child", "0", "0", NULL};
  uv_process_options_t options = {.file = child_program, .args = arguments, .exit_cb = on_first_exit};
  if (uv_spawn(&gate_loop, &process, &options) != 0) uv_close((uv_handle_t*) &process, NULL);
  uv_run(&gate_loop, UV_RUN_DEFAULT);
}

/* ---- a program's beginning and end --------------------------------------------------------------------------- */

static void begin_world(const char* child) {
  is_main = 1;
  lowest = fcntl(0, F_DUPFD_CLOEXEC, 3);
  child_program = child;
  setenv("UV_THREADPOOL_SIZE", "1", 1);
  signal(SIGPIPE, SIG_IGN);
  snprintf(folder, sizeof folder, "/tmp/uv-fuzz-XXXXXX");
  if (mkdtemp(folder) == NULL || sem_init(&gate, 0, 0) != 0 || sem_init(&all_done, 0, 0) != 0) abort();
  if (uv_loop_init(&gate_loop) != 0) abort();
  spawn_first();
}

static void remove_files(void) {
  char path[128];
  for (int i = 0; i < 3; i++) {
    snprintf(path, sizeof path, "%s/f%d", folder, i);
    if (remove(path) != 0 && errno != ENOENT) abort();
  }
  for (int i = 0; i < SLOTS; i++) { path_of(i, path); unlink(path); }
}

static void begin_program(void) {
  memset(called, 0, sizeof called);
  runs = pool_used = async_used = default_used = 0;
  log_size = latest = 0;
  milliseconds = 1000000;
  clock_reads = 0;
  for (int i = 0; i < LOOPS; i++) {
    if (uv_loop_init(&loops[i]) != 0 || uv_async_init(&loops[i], &nudges[i], on_nudge) != 0) abort();
    nudges[i].data = NULL;
    uv_unref((uv_handle_t*) &nudges[i]);
    loop_open[i] = 1;
  }
  first_fd = (uint32_t) dup(0);
  close((int) first_fd);
}

static void end_program(void) {
  silent = 1;
  for (int j = 0; j < 3; j++)
    for (int i = 0; i < LOOPS; i++) run(i, UV_RUN_NOWAIT);
  note_sums();
  for (int i = 0; i < LOOPS; i++) {
    uv_walk(&loops[i], close_one, "all");
    for (int j = 0; j < 100 && uv_run(&loops[i], UV_RUN_ONCE) != 0; j++) {}
    note("end %d: %d", i, uv_loop_close(&loops[i]));
    loop_open[i] = 0;
  }
  silent = 0;
  end_children();
  uv_run(&gate_loop, UV_RUN_NOWAIT);
  for (int i = 0; i < SLOTS; i++)
    if (things[i] != NULL) { note("LEFT %d", i); things[i] = NULL; }
  remove_files();
}
