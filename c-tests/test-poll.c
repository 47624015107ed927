/* Poll handles: which events are reported, for how long, and what becomes of
 * descriptors that are closed, reopened or duplicated. */

#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

#include "test-child.h"
#include "test-tcp.h"

enum { R = UV_READABLE, W = UV_WRITABLE, D = UV_DISCONNECT, P = UV_PRIORITIZED };

/* ---- reported events by state of a descriptor ---- */

/* Each makes a descriptor in fds[0]; a peer that is to stay open is fds[1]. */
static void quiet(int fds[2]) { raw_pair(fds); }

static void data(int fds[2]) {
  raw_pair(fds);
  ASSERT_EQ(write(fds[1], "x", 1), 1);
}

static void urgent(int fds[2]) {
  raw_pair(fds);
  ASSERT_EQ(send(fds[1], "x", 1, MSG_OOB), 1);
}

static void urgent_and_data(int fds[2]) {
  urgent(fds);
  ASSERT_EQ(write(fds[1], "y", 1), 1);
}

static void peer_shut(int fds[2]) {
  raw_pair(fds);
  ASSERT_OK(shutdown(fds[1], SHUT_WR));
}

static void both_shut(int fds[2]) {
  peer_shut(fds);
  ASSERT_OK(shutdown(fds[0], SHUT_WR));
}

static void reset(int fds[2]) {
  raw_pair(fds);
  reset_on_close(fds[1]);
  ASSERT_OK(close(fds[1]));
  fds[1] = -1;
}

static void not_connected(int fds[2]) {
  fds[0] = socket(AF_INET, SOCK_STREAM, 0);
}

static void unix_closed(int fds[2]) {
  ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
  ASSERT_OK(close(fds[1]));
  fds[1] = -1;
}

static void datagrams(int fds[2]) { fds[0] = socket(AF_INET, SOCK_DGRAM, 0); }

static void pipe_with_data_and_end(int fds[2]) {
  ASSERT_OK(pipe(fds));
  ASSERT_EQ(write(fds[1], "x", 1), 1);
  ASSERT_OK(close(fds[1]));
  fds[1] = -1;
}

static void pipe_end(int fds[2]) {
  ASSERT_OK(pipe(fds));
  ASSERT_OK(close(fds[1]));
  fds[1] = -1;
}

static void writing_end(int fds[2]) {
  int ends[2];
  ASSERT_OK(pipe(ends));
  fds[0] = ends[1];
  fds[1] = ends[0];
}

static void writing_end_full(int fds[2]) {
  static const char block[4096];
  writing_end(fds);
  ASSERT_OK(fcntl(fds[0], F_SETFL, O_WRONLY | O_NONBLOCK));
  while (write(fds[0], block, sizeof(block)) > 0) {
  }
}

static void no_reader(int fds[2]) {
  writing_end(fds);
  ASSERT_OK(close(fds[1]));
  fds[1] = -1;
}

static void counter(int fds[2]) { fds[0] = eventfd(1, 0); }

static void counter_of_zero(int fds[2]) { fds[0] = eventfd(0, 0); }

static void nested_epoll(int fds[2]) { fds[0] = epoll_create1(0); }

enum { ALL = -1, FAILS = -2 }; /* Everything asked for; UV_EBADF. */

/* Requested events that are reported. */
static const struct state {
  const char* name;
  void (*make)(int fds[2]);
  int events;
} states[] = {
    {"quiet", quiet, W},
    {"data", data, R | W},
    {"urgent", urgent, W | P},
    {"urgent and data", urgent_and_data, R | W | P},
    {"peer shut", peer_shut, R | W | D},
    {"both shut", both_shut, ALL},
    {"reset", reset, FAILS},
    {"not connected", not_connected, ALL},
    {"unix closed", unix_closed, ALL},
    {"datagrams", datagrams, W},
    {"pipe with data and end", pipe_with_data_and_end, ALL},
    {"pipe end", pipe_end, ALL},
    {"writing end", writing_end, W},
    {"writing end full", writing_end_full, 0},
    {"no reader", no_reader, FAILS},
    {"counter", counter, R | W},
    {"counter of zero", counter_of_zero, W},
    {"nested epoll", nested_epoll, 0},
};

static int calls;
static int last_status;
static int last_events;

static void record(uv_poll_t* handle, int status, int events) {
  calls++;
  last_status = status;
  last_events = events;
  if (status != 0) {
    ASSERT_EQ(events, 0);
    ASSERT_EQ(uv_is_active(HANDLE(handle)), 0);
  }
}

static void check_state(const struct state* state, int asked) {
  int fds[2] = {-1, -1};
  int expected = state->events == ALL ? asked : state->events & asked;
  int fails = state->events == FAILS;
  int tick;
  uv_loop_t loop;
  uv_poll_t poll;

  state->make(fds);
  ASSERT_GE(fds[0], 0);
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_poll_init(&loop, &poll, fds[0]));
  ASSERT_OK(uv_poll_start(&poll, asked, record));
  ASSERT_EQ(uv_is_active(HANDLE(&poll)), 1);
  for (tick = 1; tick <= 3; tick++) {
    int due = fails ? tick == 1 : expected != 0;
    calls = last_status = last_events = 0;
    uv_run(&loop, UV_RUN_NOWAIT);
    if (calls != due || last_status != (fails && due ? UV_EBADF : 0) ||
        last_events != (fails ? 0 : expected))
      test_fail(__FILE__, __LINE__,
                "%s, asked for %d, tick %d: %d calls, status %d, events %d",
                state->name, asked, tick, calls, last_status, last_events);
  }
  uv_close(HANDLE(&poll), NULL);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_OK(uv_loop_close(&loop));
  ASSERT_OK(close(fds[0]));
  if (fds[1] != -1)
    ASSERT_OK(close(fds[1]));
}

TEST(poll_reports_each_state_with_each_mask_in_every_tick) {
  size_t i;
  int asked;
  for (i = 0; i < COUNT(states); i++)
    for (asked = 1; asked <= (R | W | D | P); asked++)
      check_state(&states[i], asked);
}

/* The data that came before a reset is readable first. libuv reports UV_EBADF at once,
 * and the program does not get to read it. */
static void check_reset_with_data(int asked) {
  int reference = test_on_reference();
  int fds[2];
  char bytes[4];
  uv_loop_t loop;
  uv_poll_t poll;

  raw_pair(fds);
  ASSERT_EQ(write(fds[1], "data", 4), 4);
  reset_on_close(fds[1]);
  ASSERT_OK(close(fds[1]));
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_poll_init(&loop, &poll, fds[0]));
  ASSERT_OK(uv_poll_start(&poll, asked, record));
  calls = 0;
  uv_run(&loop, UV_RUN_NOWAIT);
  ASSERT_EQ(calls, 1);
  if (reference || !(asked & R)) {
    ASSERT_EQ(last_status, UV_EBADF);
  } else {
    ASSERT_OK(last_status);
    ASSERT_EQ(last_events, asked);
    ASSERT_EQ(read(fds[0], bytes, 2), 2);
    uv_run(&loop, UV_RUN_NOWAIT);
    ASSERT_EQ(calls, 2);
    ASSERT_OK(last_status);
    ASSERT_EQ(read(fds[0], bytes + 2, 2), 2);
    ASSERT_MEM_EQ(bytes, "data", 4);
    /* Then comes the error, once. */
    uv_run(&loop, UV_RUN_NOWAIT);
    ASSERT_EQ(calls, 3);
    ASSERT_EQ(last_status, UV_EBADF);
    uv_run(&loop, UV_RUN_NOWAIT);
    ASSERT_EQ(calls, 3);
  }
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(fds[0]));
}

TEST(poll_reset_connection_with_data_is_readable) {
  check_reset_with_data(R);
  check_reset_with_data(R | W);
  check_reset_with_data(R | D);
  check_reset_with_data(R | W | D | P);
  check_reset_with_data(W);
  check_reset_with_data(D);
}

TEST(poll_sysfs_attribute_is_urgent) {
  /* Such a file reports an error together with urgent data until it is read. */
  const char* file = "/sys/class/net/lo/operstate";
  uv_loop_t loop;
  uv_poll_t poll;
  int fd = open(file, O_RDONLY);

  if (fd == -1)
    SKIP("there is no sysfs");
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_poll_init(&loop, &poll, fd));
  ASSERT_OK(uv_poll_start(&poll, P, record));
  uv_run(&loop, UV_RUN_NOWAIT);
  ASSERT_EQ(calls, 1);
  ASSERT_OK(last_status);
  ASSERT_EQ(last_events, P);
  ASSERT_OK(uv_poll_start(&poll, R | D | P, record));
  uv_run(&loop, UV_RUN_NOWAIT);
  ASSERT_EQ(calls, 2);
  ASSERT_EQ(last_events, R | D | P);
  ASSERT_OK(uv_poll_start(&poll, R, record));
  uv_run(&loop, UV_RUN_NOWAIT);
  ASSERT_EQ(last_status, UV_EBADF);
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(fd));
}

/* ---- descriptors that can be watched ---- */

TEST(poll_refuses_what_cannot_be_waited_for) {
  uv_loop_t loop;
  uv_poll_t poll;
  int file = open(test_path("file"), O_CREAT | O_RDWR, 0600);
  int directory = open("/", O_RDONLY);
  int null = open("/dev/null", O_RDWR);

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_EQ(uv_poll_init(&loop, &poll, file), UV_EPERM);
  ASSERT_EQ(uv_poll_init(&loop, &poll, directory), UV_EPERM);
  ASSERT_EQ(uv_poll_init_socket(&loop, &poll, null), UV_EPERM);
  ASSERT_EQ(uv_poll_init(&loop, &poll, -1), UV_EBADF);
  ASSERT_OK(close(file));
  ASSERT_EQ(uv_poll_init(&loop, &poll, file), UV_EBADF);
  /* None of them became a handle. */
  ASSERT_OK(uv_loop_close(&loop));
  ASSERT_OK(close(directory));
  ASSERT_OK(close(null));
}

TEST(poll_makes_the_descriptor_nonblocking_and_leaves_it_open) {
  uv_loop_t loop;
  uv_poll_t poll;
  uv_os_fd_t fd = -1;
  int fds[2];

  raw_pair(fds);
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_poll_init_socket(&loop, &poll, fds[0]));
  ASSERT_EQ(uv_handle_get_type(HANDLE(&poll)), UV_POLL);
  ASSERT_EQ(uv_is_active(HANDLE(&poll)), 0);
  ASSERT(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
  ASSERT_OK(uv_fileno(HANDLE(&poll), &fd));
  ASSERT_EQ(fd, fds[0]);
  uv_close(HANDLE(&poll), NULL);
  ASSERT_EQ(uv_fileno(HANDLE(&poll), &fd), UV_EBADF);
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(fds[0]));
  ASSERT_OK(close(fds[1]));
}

TEST(poll_one_watcher_for_each_descriptor) {
  uv_loop_t loop;
  uv_poll_t one;
  uv_poll_t other;
  uv_poll_t third;
  int fd = eventfd(1, 0);

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_poll_init(&loop, &one, fd));
  ASSERT_OK(uv_poll_init(&loop, &other, fd));
  ASSERT_OK(uv_poll_start(&one, R, record));
  ASSERT_EQ(uv_poll_start(&other, R, record), UV_EEXIST);
  ASSERT_EQ(uv_is_active(HANDLE(&other)), 0);
  ASSERT_EQ(uv_poll_init(&loop, &third, fd), UV_EEXIST);
  ASSERT_OK(uv_poll_stop(&one));
  ASSERT_OK(uv_poll_start(&other, R, record));
  /* Stopping a handle that is not started leaves the other's watching alone. */
  ASSERT_OK(uv_poll_stop(&one));
  uv_run(&loop, UV_RUN_NOWAIT);
  ASSERT_EQ(calls, 1);
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(fd));
}

TEST(poll_refuses_the_descriptor_of_a_stream) {
  uv_loop_t loop;
  uv_tcp_t server;
  uv_poll_t poll;

  ASSERT_OK(uv_loop_init(&loop));
  listen_loopback(&loop, &server, NULL);
  ASSERT_EQ(uv_poll_init(&loop, &poll, fd_of(&server)), UV_EEXIST);
  CLOSE_LOOP(&loop);
}

static void read_byte_and_stop(uv_stream_t* stream, ssize_t nread,
                               const uv_buf_t* buf) {
  (void) buf;
  ASSERT_EQ(nread, 1);
  calls++;
  ASSERT_OK(uv_read_stop(stream));
}

TEST(poll_takes_turns_with_a_stream) {
  uv_loop_t loop;
  uv_tcp_t tcp;
  uv_poll_t poll;
  int peer;
  int i;

  ASSERT_OK(uv_loop_init(&loop));
  peer = tcp_with_peer(&loop, &tcp);
  ASSERT_OK(uv_poll_init(&loop, &poll, fd_of(&tcp)));
  for (i = 0; i < 3; i++) {
    ASSERT_EQ(write(peer, "x", 1), 1);
    calls = 0;
    ASSERT_OK(uv_poll_start(&poll, R, record));
    uv_run(&loop, UV_RUN_ONCE);
    uv_run(&loop, UV_RUN_ONCE);
    ASSERT_EQ(calls, 2);
    ASSERT_OK(uv_poll_stop(&poll));
    ASSERT_OK(uv_read_start(STREAM(&tcp), alloc_static, read_byte_and_stop));
    ASSERT_EQ(uv_poll_start(&poll, R, record), UV_EEXIST);
    ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
    ASSERT_EQ(calls, 3);
  }
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(peer));
}

/* Reading on a stream whose descriptor a poll handle is started for is the
 * user's mistake, and does nothing to the poll handle. */
TEST(poll_is_not_disturbed_by_a_stream) {
  uv_loop_t loop;
  uv_tcp_t tcp;
  uv_poll_t poll;
  int peer;

  ASSERT_OK(uv_loop_init(&loop));
  peer = tcp_with_peer(&loop, &tcp);
  ASSERT_OK(uv_poll_init(&loop, &poll, fd_of(&tcp)));
  ASSERT_OK(uv_poll_start(&poll, R, record));
  (void) uv_read_start(STREAM(&tcp), alloc_static, never_read);
  ASSERT_EQ(write(peer, "x", 1), 1);
  uv_run(&loop, UV_RUN_ONCE);
  ASSERT_EQ(calls, 1);
  ASSERT_OK(uv_poll_stop(&poll));
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(peer));
}

TEST(poll_duplicates_are_watched_apart) {
  uv_loop_t loop;
  uv_poll_t polls[3];
  int fds[3];
  int i;

  ASSERT_OK(uv_loop_init(&loop));
  fds[0] = eventfd(1, 0);
  for (i = 0; i < 3; i++) {
    if (i > 0)
      fds[i] = dup(fds[0]);
    ASSERT_OK(uv_poll_init(&loop, &polls[i], fds[i]));
    ASSERT_OK(uv_poll_start(&polls[i], R, record));
  }
  uv_run(&loop, UV_RUN_NOWAIT);
  ASSERT_EQ(calls, 3);
  uv_close(HANDLE(&polls[1]), NULL);
  uv_run(&loop, UV_RUN_NOWAIT);
  ASSERT_EQ(calls, 5);
  CLOSE_LOOP(&loop);
  for (i = 0; i < 3; i++)
    ASSERT_OK(close(fds[i]));
}

/* ---- starting and stopping ---- */

static void drain_and_stop(uv_poll_t* handle, int status, int events) {
  uint64_t value;
  uv_os_fd_t fd;

  record(handle, status, events);
  ASSERT_OK(uv_fileno(HANDLE(handle), &fd));
  ASSERT_EQ(read(fd, &value, sizeof(value)), (int) sizeof(value));
  ASSERT_OK(uv_poll_stop(handle));
  ASSERT_OK(uv_poll_stop(handle));
}

TEST(poll_wakes_a_waiting_loop) {
  uv_loop_t loop;
  uv_poll_t poll;
  uint64_t one = 1;
  int fd = eventfd(0, 0);
  pid_t child;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_poll_init(&loop, &poll, fd));
  ASSERT_OK(uv_poll_start(&poll, R, drain_and_stop));
  child = fork();
  if (child == 0)
    _exit(write(fd, &one, sizeof(one)) != sizeof(one));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(calls, 1);
  ASSERT_EQ(last_events, R);
  ASSERT_EQ(waitpid(child, NULL, 0), child);
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(fd));
}

TEST(poll_start_replaces_mask_and_callback) {
  uv_loop_t loop;
  uv_poll_t poll;
  int fd = eventfd(1, 0);

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_poll_init(&loop, &poll, fd));
  ASSERT_OK(uv_poll_start(&poll, W, never_poll));
  ASSERT_OK(uv_poll_start(&poll, R | D, record));
  uv_run(&loop, UV_RUN_NOWAIT);
  ASSERT_EQ(calls, 1);
  ASSERT_EQ(last_events, R);
  /* No events: stopped. */
  ASSERT_OK(uv_poll_start(&poll, 0, record));
  ASSERT_EQ(uv_is_active(HANDLE(&poll)), 0);
  ASSERT_EQ(uv_run(&loop, UV_RUN_DEFAULT), 0);
  ASSERT_EQ(calls, 1);
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(fd));
}

/* The first of two callbacks in an iteration acts on the other handle. */
static uv_poll_t pair[2];
static void (*interfere)(uv_poll_t* other);

static void on_pair(uv_poll_t* handle, int status, int events) {
  record(handle, status, events);
  if (calls == 1)
    interfere(handle == &pair[0] ? &pair[1] : &pair[0]);
}

static void stop_other(uv_poll_t* other) { ASSERT_OK(uv_poll_stop(other)); }

static void close_other(uv_poll_t* other) { uv_close(HANDLE(other), NULL); }

static void restart_other(uv_poll_t* other) {
  ASSERT_OK(uv_poll_start(other, R, on_pair));
}

static void stop_and_start_other(uv_poll_t* other) {
  ASSERT_OK(uv_poll_stop(other));
  ASSERT_OK(uv_poll_start(other, R, on_pair));
}

static void ask_other_for_writing(uv_poll_t* other) {
  ASSERT_OK(uv_poll_start(other, W, on_pair));
}

/* Runs two ticks with two ready handles: the calls made in each. */
static void two_ticks(void (*what)(uv_poll_t* other), int first, int second) {
  uv_loop_t loop;
  int fds[2];
  int i;

  interfere = what;
  calls = 0;
  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < 2; i++) {
    fds[i] = eventfd(1, 0);
    ASSERT_OK(uv_poll_init(&loop, &pair[i], fds[i]));
    ASSERT_OK(uv_poll_start(&pair[i], R, on_pair));
  }
  uv_run(&loop, UV_RUN_NOWAIT);
  ASSERT_EQ(calls, first);
  uv_run(&loop, UV_RUN_NOWAIT);
  ASSERT_EQ(calls, first + second);
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(fds[0]));
  ASSERT_OK(close(fds[1]));
}

TEST(poll_what_a_callback_does_to_another_counts_at_once) {
  two_ticks(stop_other, 1, 1);
  two_ticks(close_other, 1, 1);
  /* Earlier events are dropped, even if they are still requested. */
  two_ticks(restart_other, 1, 2);
  two_ticks(stop_and_start_other, 1, 2);
  two_ticks(ask_other_for_writing, 1, 2);
}

static void close_self(uv_poll_t* handle, int status, int events) {
  record(handle, status, events);
  uv_close(HANDLE(handle), NULL);
}

TEST(poll_close_in_the_callback) {
  uv_loop_t loop;
  uv_poll_t poll;
  int fds[2];
  int i;
  const struct state* state;

  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < (int) COUNT(states); i++) {
    state = &states[i];
    if (state->events == 0 || state->make == nested_epoll)
      continue;
    fds[1] = -1;
    state->make(fds);
    calls = 0;
    ASSERT_OK(uv_poll_init(&loop, &poll, fds[0]));
    ASSERT_OK(uv_poll_start(&poll, R | W, close_self));
    ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
    ASSERT_EQ(calls, 1);
    ASSERT_OK(close(fds[0]));
    if (fds[1] != -1)
      ASSERT_OK(close(fds[1]));
  }
  CLOSE_LOOP(&loop);
}

TEST(poll_unreferenced_does_not_hold_the_loop) {
  uv_loop_t loop;
  uv_poll_t poll;
  int fd = eventfd(0, 0);

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_poll_init(&loop, &poll, fd));
  ASSERT_OK(uv_poll_start(&poll, R, never_poll));
  ASSERT_EQ(uv_loop_alive(&loop), 1);
  uv_unref(HANDLE(&poll));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(fd));
}

/* Libraries do so for every command that they send. */
TEST(poll_start_again_and_again) {
  uv_loop_t loop;
  uv_poll_t poll;
  int fd = eventfd(0, 0);
  int i;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_poll_init(&loop, &poll, fd));
  for (i = 0; i < 10; i++) ASSERT_OK(uv_poll_start(&poll, R, never_poll));
  for (i = 0; i < 10; i++) ASSERT_OK(uv_poll_start(&poll, R | W, record));
  for (i = 1; i <= 10; i++) {
    ASSERT_OK(uv_poll_start(&poll, R | W, record));
    ASSERT_OK(uv_poll_start(&poll, W, never_poll));
    ASSERT_OK(uv_poll_start(&poll, W, record));
    uv_run(&loop, UV_RUN_NOWAIT);
    ASSERT_EQ(calls, i);
    ASSERT_EQ(last_events, W);
  }
  /* Stopping is the last word. */
  ASSERT_OK(uv_poll_start(&poll, W, never_poll));
  ASSERT_OK(uv_poll_stop(&poll));
  ASSERT_EQ(uv_run(&loop, UV_RUN_NOWAIT), 0);
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(fd));
}

/* ---- descriptors that are closed under the handle ---- */

TEST(poll_descriptor_closed_before_stop) {
  uv_loop_t loop;
  uv_poll_t poll;
  int fd = eventfd(1, 0);

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_poll_init(&loop, &poll, fd));
  ASSERT_OK(uv_poll_start(&poll, R, record));
  uv_run(&loop, UV_RUN_NOWAIT);
  ASSERT_EQ(calls, 1);
  ASSERT_OK(close(fd));
  uv_run(&loop, UV_RUN_NOWAIT);
  ASSERT_EQ(calls, 1);
  ASSERT_OK(uv_poll_stop(&poll));
  CLOSE_LOOP(&loop);
}

TEST(poll_number_given_out_again) {
  uv_loop_t loop;
  uv_poll_t poll;
  uv_poll_t other;
  int fd = eventfd(1, 0);

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_poll_init(&loop, &poll, fd));
  ASSERT_OK(uv_poll_start(&poll, R, record));
  uv_run(&loop, UV_RUN_NOWAIT);
  ASSERT_EQ(calls, 1);
  ASSERT_OK(close(fd));
  ASSERT_EQ(eventfd(1, 0), fd);
  /* The new one is not watched until the handle is started again. */
  uv_run(&loop, UV_RUN_NOWAIT);
  ASSERT_EQ(calls, 1);
  ASSERT_OK(uv_poll_start(&poll, R, record));
  uv_run(&loop, UV_RUN_NOWAIT);
  ASSERT_EQ(calls, 2);
  ASSERT_EQ(last_events, R);
  ASSERT_OK(close(fd));
  ASSERT_EQ(eventfd(1, 0), fd);
  ASSERT_OK(uv_poll_start(&poll, R | W, record));
  uv_run(&loop, UV_RUN_NOWAIT);
  ASSERT_EQ(calls, 3);
  ASSERT_EQ(last_events, R | W);
  uv_close(HANDLE(&poll), NULL);
  ASSERT_OK(close(fd));
  ASSERT_EQ(eventfd(1, 0), fd);
  ASSERT_OK(uv_poll_init(&loop, &other, fd));
  ASSERT_OK(uv_poll_start(&other, R, record));
  uv_run(&loop, UV_RUN_NOWAIT);
  ASSERT_EQ(calls, 4);
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(fd));
}

TEST(poll_in_the_child_of_a_fork) {
  uv_loop_t loop;
  uv_poll_t poll;
  uint64_t one = 1;
  int fd = eventfd(0, 0);
  pid_t child;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_poll_init(&loop, &poll, fd));
  ASSERT_OK(uv_poll_start(&poll, R, drain_and_stop));
  child = fork();
  if (child == 0) {
    ASSERT_OK(uv_loop_fork(&loop));
    uv_run(&loop, UV_RUN_NOWAIT);
    ASSERT_EQ(calls, 0);
    ASSERT_EQ(write(fd, &one, sizeof(one)), (int) sizeof(one));
    ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
    ASSERT_EQ(calls, 1);
    CLOSE_LOOP(&loop);
    _exit(0);
  }
  await_child(child);
  ASSERT_EQ(calls, 0);
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(fd));
}
