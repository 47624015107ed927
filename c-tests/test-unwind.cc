/* Leaving a callback by a C++ exception or by pthread_exit(): the stack is unwound
 * through uv_run(), which can be called again and goes on with what is left. Each
 * test runs once with either. */
#include "test.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>
#include <string>
#include <vector>

#define UNWIND_TEST(name)                                                     \
  static void name(uv_loop_t* loop);                                          \
  TEST(name##_throw) { with_loop(THROW, name); }                              \
  TEST(name##_exit) { with_loop(EXIT, name); }                                \
  static void name(uv_loop_t* loop)

/* Of tests that libuv 1.53 fails: the callbacks that were to come after the one that
 * was left do not come, and uv_run() or uv_loop_close() finds that something is left. */
#define UNWIND_TEST_LOST(name)                                                \
  static void name(uv_loop_t* loop);                                          \
  TEST(name##_throw) { with_loop_unless_lost(THROW, name); }                  \
  TEST(name##_exit) { with_loop_unless_lost(EXIT, name); }                    \
  static void name(uv_loop_t* loop)

enum way { THROW, EXIT };

static enum way way;
/* How often each handle or request was called back, in whatever it is about. */
static std::map<void*, int> calls;
static int left_callbacks;

struct thrown {};

/* Ends a callback without returning from it. */
[[noreturn]] static void leave(void* handle) {
  calls[handle]++;
  left_callbacks++;
  if (way == EXIT) pthread_exit(nullptr);
  throw thrown();
}

template <typename Handle>
static void leave_cb(Handle* handle) {
  leave(handle);
}

template <typename Handle>
static void leave_status_cb(Handle* handle, int) {
  leave(handle);
}

static uv_run_mode mode;
static int alive;

static void* run_in_thread(void* loop) {
  alive = uv_run(static_cast<uv_loop_t*>(loop), mode);
  return loop;
}

/* Runs the loop; whether a callback was left. */
static bool run(uv_loop_t* loop, uv_run_mode run_mode = UV_RUN_DEFAULT) {
  const int before = left_callbacks;
  mode = run_mode;
  if (way == EXIT) {
    pthread_t thread;
    void* result;
    ASSERT_EQ(pthread_create(&thread, nullptr, run_in_thread, loop), 0);
    ASSERT_EQ(pthread_join(thread, &result), 0);
    ASSERT_EQ(result == nullptr, left_callbacks > before);
    return result == nullptr;
  }
  try {
    run_in_thread(loop);
  } catch (const thrown&) {
    ASSERT_EQ(left_callbacks, before + 1);
    return true;
  }
  ASSERT_EQ(left_callbacks, before);
  return false;
}

/* Runs the loop until it has nothing left to do; how many callbacks were left. */
static int run_to_the_end(uv_loop_t* loop) {
  int count = 0;
  while (run(loop)) count++;
  ASSERT_EQ(alive, 0);
  return count;
}

static void with_loop(enum way how, void (*test)(uv_loop_t* loop)) {
  uv_loop_t loop;
  way = how;
  ASSERT_OK(uv_loop_init(&loop));
  test(&loop);
  CLOSE_LOOP(&loop);
}

static void with_loop_unless_lost(enum way how, void (*test)(uv_loop_t* loop)) {
  SKIP_ON_REFERENCE("libuv loses the callbacks after one that is left");
  with_loop(how, test);
}

template <typename T, size_t N>
static void check_each_called_once(const T (&handles)[N]) {
  for (const T& handle : handles) ASSERT_EQ(calls[(void*) &handle], 1);
}

/* ---- Phases of the loop ---- */

UNWIND_TEST_LOST(unwind_timers) {
  static uv_timer_t timers[3];
  for (uv_timer_t& timer : timers) {
    ASSERT_OK(uv_timer_init(loop, &timer));
    ASSERT_OK(uv_timer_start(&timer, leave_cb, 0, 0));
  }
  ASSERT_EQ(run_to_the_end(loop), 3);
  check_each_called_once(timers);
}

UNWIND_TEST(unwind_timer_closed_afterwards) {
  static uv_timer_t timers[3];
  for (uv_timer_t& timer : timers) {
    ASSERT_OK(uv_timer_init(loop, &timer));
    ASSERT_OK(uv_timer_start(&timer, leave_cb, 0, 0));
  }
  ASSERT(run(loop));
  uv_close((uv_handle_t*) &timers[1], nullptr);
  ASSERT_OK(uv_timer_stop(&timers[2]));
  ASSERT_OK(uv_timer_start(&timers[2], leave_cb, 1, 0));
  ASSERT_EQ(run_to_the_end(loop), 1);
  ASSERT_EQ(calls[&timers[1]], 0);
  ASSERT_EQ(calls[&timers[2]], 1);
}

UNWIND_TEST(unwind_repeating_timer) {
  static uv_timer_t timer;
  ASSERT_OK(uv_timer_init(loop, &timer));
  ASSERT_OK(uv_timer_start(&timer, leave_cb, 1, 1));
  for (int i = 1; i <= 3; i++) {
    ASSERT(run(loop));
    ASSERT_EQ(calls[&timer], i);
    ASSERT(uv_is_active((uv_handle_t*) &timer));
  }
}

template <typename Handle>
static void leave_and_stop(Handle* handle, int (*stop)(Handle*)) {
  ASSERT_OK(stop(handle));
  leave(handle);
}

#define LOOP_WATCHER_TEST(type)                                               \
  UNWIND_TEST_LOST(unwind_##type) {                                           \
    static uv_##type##_t handles[3];                                          \
    static uv_idle_t busy;                                                    \
    ASSERT_OK(uv_idle_init(loop, &busy));                                     \
    ASSERT_OK(uv_idle_start(&busy, [](uv_idle_t*) {}));                       \
    uv_unref((uv_handle_t*) &busy);                                           \
    for (uv_##type##_t& handle : handles) {                                   \
      ASSERT_OK(uv_##type##_init(loop, &handle));                             \
      ASSERT_OK(uv_##type##_start(&handle, [](uv_##type##_t* handle) {        \
        leave_and_stop(handle, uv_##type##_stop);                             \
      }));                                                                    \
    }                                                                         \
    ASSERT_EQ(run_to_the_end(loop), 3);                                       \
    check_each_called_once(handles);                                          \
  }

LOOP_WATCHER_TEST(idle)
LOOP_WATCHER_TEST(prepare)
LOOP_WATCHER_TEST(check)

UNWIND_TEST_LOST(unwind_async) {
  static uv_async_t asyncs[3];
  for (uv_async_t& async : asyncs) {
    ASSERT_OK(uv_async_init(loop, &async, leave_cb));
    ASSERT_OK(uv_async_send(&async));
  }
  for (uv_async_t& async : asyncs) {
    ASSERT(run(loop));
    ASSERT_EQ(calls[&async], 1);
  }
  ASSERT_OK(uv_async_send(&asyncs[0]));
  ASSERT(run(loop));
  ASSERT_EQ(calls[&asyncs[0]], 2);
}

UNWIND_TEST_LOST(unwind_close) {
  static uv_timer_t timers[3];
  for (uv_timer_t& timer : timers) {
    ASSERT_OK(uv_timer_init(loop, &timer));
    uv_close((uv_handle_t*) &timer, leave_cb);
  }
  ASSERT_EQ(run_to_the_end(loop), 3);
  check_each_called_once(timers);
}

static int walked;

static void count_walked(uv_handle_t*, void*) { walked++; }

static void* walk_in_thread(void* loop) {
  uv_walk(static_cast<uv_loop_t*>(loop),
          [](uv_handle_t* handle, void* nested) {
            if (nested != nullptr) {
              uv_walk(handle->loop, [](uv_handle_t* h, void*) { leave(h); }, nullptr);
            }
            leave(handle);
          },
          calls.empty() ? nullptr : loop);
  return nullptr;
}

UNWIND_TEST_LOST(unwind_walk) {
  static uv_timer_t timers[3];
  for (uv_timer_t& timer : timers) ASSERT_OK(uv_timer_init(loop, &timer));
  /* The second walk is left from a walk in its callback. */
  for (int i = 1; i <= 2; i++) {
    if (way == EXIT) {
      pthread_t thread;
      ASSERT_EQ(pthread_create(&thread, nullptr, walk_in_thread, loop), 0);
      ASSERT_EQ(pthread_join(thread, nullptr), 0);
    } else {
      try {
        walk_in_thread(loop);
      } catch (const thrown&) {
      }
    }
    ASSERT_EQ(left_callbacks, i);
  }
  uv_walk(loop, count_walked, nullptr);
  ASSERT_EQ(walked, 3);
}

/* ---- Descriptors ---- */

UNWIND_TEST(unwind_poll) {
  int fds[3][2];
  static uv_poll_t polls[3];
  for (int i = 0; i < 3; i++) {
    ASSERT_EQ(pipe(fds[i]), 0);
    ASSERT_EQ(write(fds[i][1], "x", 1), 1);
    ASSERT_OK(uv_poll_init(loop, &polls[i], fds[i][0]));
    ASSERT_OK(uv_poll_start(&polls[i], UV_READABLE, [](uv_poll_t* poll, int, int) {
      ASSERT_OK(uv_poll_stop(poll));
      leave(poll);
    }));
  }
  ASSERT_EQ(run_to_the_end(loop), 3);
  check_each_called_once(polls);
  for (int i = 0; i < 3; i++) {
    close(fds[i][0]);
    close(fds[i][1]);
  }
}

static char memory[64];

static void alloc_cb(uv_handle_t*, size_t, uv_buf_t* buf) {
  *buf = uv_buf_init(memory, sizeof(memory));
}

static std::map<void*, std::string> received;

/* Takes what was read, and leaves the callback until there is `wanted`. */
static void leave_read_cb(uv_stream_t* stream, ssize_t nread, const uv_buf_t* buf) {
  if (nread == 0) return;
  if (nread < 0) {
    uv_close((uv_handle_t*) stream, nullptr);
  } else {
    received[stream].append(buf->base, (size_t) nread);
  }
  leave(stream);
}

/* A connected pair of TCP sockets that are edge-triggered in oxuv. */
static void tcp_pair(uv_loop_t* loop, uv_tcp_t* handle, int* peer) {
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in addr;
  socklen_t size = sizeof(addr);

  ASSERT_OK(uv_ip4_addr("127.0.0.1", 0, &addr));
  ASSERT_EQ(bind(listener, (struct sockaddr*) &addr, size), 0);
  ASSERT_EQ(listen(listener, 1), 0);
  ASSERT_EQ(getsockname(listener, (struct sockaddr*) &addr, &size), 0);
  *peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(connect(*peer, (struct sockaddr*) &addr, size), 0);
  int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  ASSERT_GE(fd, 0);
  ASSERT_OK(uv_tcp_init(loop, handle));
  ASSERT_OK(uv_tcp_open(handle, fd));
  close(listener);
}

UNWIND_TEST(unwind_read) {
  static uv_tcp_t streams[3];
  int peers[3];
  const std::string text(3 * sizeof(memory), 'x');

  for (int i = 0; i < 3; i++) {
    tcp_pair(loop, &streams[i], &peers[i]);
    ASSERT_EQ(write(peers[i], text.data(), text.size()), text.size());
    ASSERT_EQ(shutdown(peers[i], SHUT_WR), 0);
    ASSERT_OK(uv_read_start((uv_stream_t*) &streams[i], alloc_cb, leave_read_cb));
  }
  /* Three buffers full, and the end. */
  ASSERT_EQ(run_to_the_end(loop), 3 * 4);
  for (int i = 0; i < 3; i++) {
    ASSERT(received[&streams[i]] == text);
    close(peers[i]);
  }
}

UNWIND_TEST(unwind_read_pipe) {
  static uv_pipe_t pipes[3];
  int fds[3][2];
  const std::string text(2 * sizeof(memory), 'x');

  for (int i = 0; i < 3; i++) {
    ASSERT_EQ(pipe(fds[i]), 0);
    ASSERT_OK(uv_pipe_init(loop, &pipes[i], 0));
    ASSERT_OK(uv_pipe_open(&pipes[i], fds[i][0]));
    ASSERT_EQ(write(fds[i][1], text.data(), text.size()), text.size());
    close(fds[i][1]);
    ASSERT_OK(uv_read_start((uv_stream_t*) &pipes[i], alloc_cb, leave_read_cb));
  }
  ASSERT_EQ(run_to_the_end(loop), 3 * 3);
  for (uv_pipe_t& pipe : pipes) ASSERT(received[&pipe] == text);
}

UNWIND_TEST(unwind_stream_alloc) {
  static uv_tcp_t stream;
  int peer;

  tcp_pair(loop, &stream, &peer);
  ASSERT_EQ(write(peer, "hello", 5), 5);
  close(peer);
  ASSERT_OK(uv_read_start((uv_stream_t*) &stream,
                          [](uv_handle_t* handle, size_t, uv_buf_t* buf) {
                            alloc_cb(handle, 0, buf);
                            if (calls[handle] < 2) leave(handle);
                          },
                          leave_read_cb));
  ASSERT_EQ(run_to_the_end(loop), 2 + 2);
  ASSERT(received[&stream] == "hello");
}

UNWIND_TEST_LOST(unwind_write) {
  static uv_tcp_t stream;
  static uv_write_t writes[3];
  int peer;
  char text[3];
  uv_buf_t buf = uv_buf_init((char*) "x", 1);

  tcp_pair(loop, &stream, &peer);
  for (uv_write_t& write : writes) {
    ASSERT_OK(uv_write(&write, (uv_stream_t*) &stream, &buf, 1, leave_status_cb));
  }
  ASSERT_EQ(run_to_the_end(loop), 3);
  check_each_called_once(writes);
  ASSERT_EQ(uv_stream_get_write_queue_size((uv_stream_t*) &stream), 0);
  ASSERT_EQ(recv(peer, text, sizeof(text), MSG_WAITALL), 3);
  close(peer);
}

UNWIND_TEST_LOST(unwind_write_and_shutdown_cancelled_by_close) {
  static uv_pipe_t pipe;
  static uv_write_t writes[3];
  static uv_shutdown_t shutdown;
  uv_os_sock_t fds[2];
  std::string text(1 << 20, 'x');
  uv_buf_t buf = uv_buf_init(&text[0], (unsigned) text.size());

  ASSERT_OK(uv_socketpair(SOCK_STREAM, 0, fds, UV_NONBLOCK_PIPE, 0));
  ASSERT_OK(uv_pipe_init(loop, &pipe, 0));
  ASSERT_OK(uv_pipe_open(&pipe, fds[0]));
  for (uv_write_t& write : writes) {
    ASSERT_OK(uv_write(&write, (uv_stream_t*) &pipe, &buf, 1,
                       [](uv_write_t* req, int status) {
                         ASSERT_EQ(status, UV_ECANCELED);
                         leave(req);
                       }));
  }
  ASSERT_OK(uv_shutdown(&shutdown, (uv_stream_t*) &pipe, leave_status_cb));
  uv_close((uv_handle_t*) &pipe, leave_cb);
  ASSERT_EQ(run_to_the_end(loop), 5);
  check_each_called_once(writes);
  ASSERT_EQ(calls[&shutdown], 1);
  ASSERT_EQ(calls[&pipe], 1);
  close(fds[1]);
}

UNWIND_TEST(unwind_shutdown) {
  static uv_tcp_t stream;
  static uv_shutdown_t req;
  int peer;
  char byte;

  tcp_pair(loop, &stream, &peer);
  ASSERT_OK(uv_shutdown(&req, (uv_stream_t*) &stream, leave_status_cb));
  ASSERT_EQ(run_to_the_end(loop), 1);
  ASSERT_EQ(read(peer, &byte, 1), 0);
  close(peer);
}

static uv_tcp_t accepted[3];
static int accepted_count;

UNWIND_TEST(unwind_connect_and_connection) {
  static uv_tcp_t server;
  static uv_tcp_t clients[3];
  static uv_connect_t connects[3];
  static uv_write_t writes[3];
  uv_buf_t buf = uv_buf_init((char*) "x", 1);
  struct sockaddr_in addr;
  int size = sizeof(addr);

  ASSERT_OK(uv_ip4_addr("127.0.0.1", 0, &addr));
  ASSERT_OK(uv_tcp_init(loop, &server));
  ASSERT_OK(uv_tcp_bind(&server, (struct sockaddr*) &addr, 0));
  ASSERT_OK(uv_listen((uv_stream_t*) &server, 8, [](uv_stream_t* server, int status) {
    ASSERT_OK(status);
    uv_tcp_t* client = &accepted[accepted_count++];
    ASSERT_OK(uv_tcp_init(server->loop, client));
    ASSERT_OK(uv_accept(server, (uv_stream_t*) client));
    uv_close((uv_handle_t*) client, nullptr);
    if (accepted_count == 3) uv_close((uv_handle_t*) server, nullptr);
    leave(server);
  }));
  ASSERT_OK(uv_tcp_getsockname(&server, (struct sockaddr*) &addr, &size));
  for (int i = 0; i < 3; i++) {
    ASSERT_OK(uv_tcp_init(loop, &clients[i]));
    ASSERT_OK(uv_tcp_connect(&connects[i], &clients[i], (struct sockaddr*) &addr,
                             leave_status_cb));
    /* Waits for the connection. */
    ASSERT_OK(uv_write(&writes[i], (uv_stream_t*) &clients[i], &buf, 1, leave_status_cb));
  }
  ASSERT_EQ(run_to_the_end(loop), 9);
  check_each_called_once(connects);
  check_each_called_once(writes);
  ASSERT_EQ(calls[&server], 3);
}

UNWIND_TEST(unwind_failed_connect) {
  static uv_pipe_t pipe;
  static uv_connect_t req;

  ASSERT_OK(uv_pipe_init(loop, &pipe, 0));
  uv_pipe_connect(&req, &pipe, test_path("nobody"), leave_status_cb);
  ASSERT_EQ(run_to_the_end(loop), 1);
  ASSERT_EQ(calls[&req], 1);
}

/* ---- Datagrams ---- */

static void udp_pair(uv_loop_t* loop, uv_udp_t* sender, uv_udp_t* receiver) {
  struct sockaddr_in addr;
  int size = sizeof(addr);

  ASSERT_OK(uv_ip4_addr("127.0.0.1", 0, &addr));
  ASSERT_OK(uv_udp_init(loop, receiver));
  ASSERT_OK(uv_udp_bind(receiver, (struct sockaddr*) &addr, 0));
  ASSERT_OK(uv_udp_getsockname(receiver, (struct sockaddr*) &addr, &size));
  ASSERT_OK(uv_udp_init(loop, sender));
  ASSERT_OK(uv_udp_connect(sender, (struct sockaddr*) &addr));
}

UNWIND_TEST(unwind_udp_send) {
  static uv_udp_t sender;
  static uv_udp_t receiver;
  static uv_udp_send_t sends[3];
  uv_buf_t buf = uv_buf_init((char*) "x", 1);

  udp_pair(loop, &sender, &receiver);
  for (uv_udp_send_t& send : sends) {
    ASSERT_OK(uv_udp_send(&send, &sender, &buf, 1, nullptr, leave_status_cb));
  }
  ASSERT_EQ(run_to_the_end(loop), 3);
  check_each_called_once(sends);
  ASSERT_EQ(uv_udp_get_send_queue_count(&sender), 0);
  ASSERT(!uv_is_active((uv_handle_t*) &sender));
  /* It sends at once again. */
  ASSERT_OK(uv_udp_send(&sends[0], &sender, &buf, 1, nullptr, nullptr));
  ASSERT_EQ(recv(receiver.io_watcher.fd, memory, 1, 0), 1);
}

UNWIND_TEST_LOST(unwind_udp_send_cancelled_by_close) {
  static uv_udp_t sender;
  static uv_udp_t receiver;
  static uv_udp_send_t sends[3];
  uv_buf_t buf = uv_buf_init((char*) "x", 1);

  udp_pair(loop, &sender, &receiver);
  for (uv_udp_send_t& send : sends) {
    ASSERT_OK(uv_udp_send(&send, &sender, &buf, 1, nullptr, leave_status_cb));
  }
  uv_close((uv_handle_t*) &sender, leave_cb);
  ASSERT_EQ(run_to_the_end(loop), 4);
  check_each_called_once(sends);
  ASSERT_EQ(calls[&sender], 1);
}

UNWIND_TEST(unwind_udp_recv) {
  static uv_udp_t sender;
  static uv_udp_t receiver;
  uv_buf_t buf = uv_buf_init((char*) "x", 1);

  udp_pair(loop, &sender, &receiver);
  for (int i = 0; i < 3; i++) ASSERT_EQ(uv_udp_try_send(&sender, &buf, 1, nullptr), 1);
  ASSERT_OK(uv_udp_recv_start(&receiver, alloc_cb,
                              [](uv_udp_t* handle, ssize_t nread, const uv_buf_t*,
                                 const struct sockaddr* addr, unsigned) {
                                if (addr == nullptr) return;
                                ASSERT_EQ(nread, 1);
                                if (calls[handle] == 2) uv_close((uv_handle_t*) handle, nullptr);
                                leave(handle);
                              }));
  ASSERT_EQ(run_to_the_end(loop), 3);
}

UNWIND_TEST(unwind_udp_alloc) {
  static uv_udp_t sender;
  static uv_udp_t receiver;
  uv_buf_t buf = uv_buf_init((char*) "x", 1);

  udp_pair(loop, &sender, &receiver);
  ASSERT_EQ(uv_udp_try_send(&sender, &buf, 1, nullptr), 1);
  ASSERT_OK(uv_udp_recv_start(&receiver,
                              [](uv_handle_t* handle, size_t, uv_buf_t* buf) {
                                alloc_cb(handle, 0, buf);
                                if (calls[handle] < 2) leave(handle);
                              },
                              [](uv_udp_t* handle, ssize_t nread, const uv_buf_t*,
                                 const struct sockaddr* addr, unsigned) {
                                if (addr == nullptr) return;
                                ASSERT_EQ(nread, 1);
                                uv_close((uv_handle_t*) handle, nullptr);
                              }));
  ASSERT_EQ(run_to_the_end(loop), 2);
}

/* ---- Signals and children ---- */

UNWIND_TEST_LOST(unwind_signal) {
  static uv_signal_t handles[3];
  for (int i = 0; i < 3; i++) {
    ASSERT_OK(uv_signal_init(loop, &handles[i]));
    ASSERT_OK(uv_signal_start(&handles[i], [](uv_signal_t* handle, int) {
      ASSERT_OK(uv_signal_stop(handle));
      leave(handle);
    }, i < 2 ? SIGUSR1 : SIGUSR2));
  }
  ASSERT_EQ(raise(SIGUSR1), 0);
  ASSERT_EQ(raise(SIGUSR2), 0);
  ASSERT_EQ(run_to_the_end(loop), 3);
  check_each_called_once(handles);
}

UNWIND_TEST_LOST(unwind_one_shot_signal) {
  static uv_signal_t handles[2];
  for (uv_signal_t& handle : handles) {
    ASSERT_OK(uv_signal_init(loop, &handle));
    ASSERT_OK(uv_signal_start_oneshot(&handle, leave_status_cb, SIGUSR1));
  }
  ASSERT_EQ(raise(SIGUSR1), 0);
  ASSERT_EQ(run_to_the_end(loop), 2);
  check_each_called_once(handles);
}

UNWIND_TEST_LOST(unwind_process_exit) {
  static uv_process_t processes[3];
  char name[] = "true";
  char* args[] = {name, nullptr};
  uv_process_options_t options = {};

  options.file = name;
  options.args = args;
  options.exit_cb = [](uv_process_t* process, int64_t status, int) {
    ASSERT_EQ(status, 0);
    leave(process);
  };
  for (uv_process_t& process : processes) ASSERT_OK(uv_spawn(loop, &process, &options));
  for (uv_process_t& process : processes) {
    siginfo_t info;
    ASSERT_EQ(waitid(P_PID, (id_t) uv_process_get_pid(&process), &info, WEXITED | WNOWAIT), 0);
  }
  ASSERT_EQ(run_to_the_end(loop), 3);
  check_each_called_once(processes);
}

/* ---- File watching ---- */

UNWIND_TEST_LOST(unwind_fs_event) {
  static uv_fs_event_t handles[3];
  for (uv_fs_event_t& handle : handles) {
    ASSERT_OK(uv_fs_event_init(loop, &handle));
    ASSERT_OK(uv_fs_event_start(&handle, [](uv_fs_event_t* handle, const char* name, int, int status) {
      ASSERT_OK(status);
      ASSERT_STR_EQ(name, calls[handle] == 0 ? "first" : "second");
      if (calls[handle] == 1) ASSERT_OK(uv_fs_event_stop(handle));
      leave(handle);
    }, test_path(""), 0));
  }
  ASSERT_EQ(mkdir(test_path("first"), 0700), 0);
  ASSERT_EQ(mkdir(test_path("second"), 0700), 0);
  ASSERT_EQ(run_to_the_end(loop), 6);
  for (uv_fs_event_t& handle : handles) ASSERT_EQ(calls[&handle], 2);
}

UNWIND_TEST(unwind_fs_event_closed_afterwards) {
  static uv_fs_event_t handles[3];
  for (uv_fs_event_t& handle : handles) {
    ASSERT_OK(uv_fs_event_init(loop, &handle));
    ASSERT_OK(uv_fs_event_start(&handle, [](uv_fs_event_t* handle, const char*, int, int) {
      leave(handle);
    }, test_path(""), 0));
  }
  ASSERT_EQ(mkdir(test_path("first"), 0700), 0);
  ASSERT(run(loop));
  for (uv_fs_event_t& handle : handles) uv_close((uv_handle_t*) &handle, nullptr);
  ASSERT_EQ(run_to_the_end(loop), 0);
}

/* Out of the report of each entry of directories that appeared. */
UNWIND_TEST(unwind_fs_event_recursive) {
  static uv_fs_event_t handle, stopped;
  static std::string names;
  if (test_on_reference()) SKIP("libuv ignores the flag");
  ASSERT_OK(uv_fs_event_init(loop, &handle));
  ASSERT_OK(uv_fs_event_start(&handle, [](uv_fs_event_t* handle, const char* name, int, int status) {
    ASSERT_OK(status);
    names += name + std::string(" ");
    if (calls[handle] == 5) ASSERT_OK(uv_fs_event_stop(handle));
    leave(handle);
  }, test_path(""), UV_FS_EVENT_RECURSIVE));
  /* This one is freed by its callback, and used once more. */
  ASSERT_OK(uv_fs_event_init(loop, &stopped));
  ASSERT_OK(uv_fs_event_start(&stopped, [](uv_fs_event_t* handle, const char*, int, int) {
    uv_close((uv_handle_t*) handle, nullptr);
    leave(handle);
  }, test_path(""), UV_FS_EVENT_RECURSIVE));
  for (const char* path : {"1", "1/2", "1/2/3", "1/2/3/4", "1/2/3/4/5"}) {
    ASSERT_EQ(mkdir(test_path(path), 0700), 0);
  }
  ASSERT_EQ(mkdir(test_path("last"), 0700), 0);
  ASSERT_EQ(run_to_the_end(loop), 7);
  ASSERT_STR_EQ(names.c_str(), "1 1/2 1/2/3 1/2/3/4 1/2/3/4/5 last ");
  ASSERT_EQ(calls[&stopped], 1);
}

/* The kernel has dropped events, which every watch is told of; libuv tells nobody. */
UNWIND_TEST(unwind_fs_event_overflow) {
  static uv_fs_event_t handles[3];
  int limit = 0;
  FILE* file = fopen("/proc/sys/fs/inotify/max_queued_events", "r");
  if (file == nullptr || fscanf(file, "%d", &limit) != 1 || limit > 20000) {
    SKIP("the queue of events is too long");
  }
  fclose(file);
  for (uv_fs_event_t& handle : handles) {
    const std::string path = test_path(std::to_string(&handle - handles).c_str());
    ASSERT_EQ(mkdir(path.c_str(), 0700), 0);
    ASSERT_OK(uv_fs_event_init(loop, &handle));
    ASSERT_OK(uv_fs_event_start(&handle, [](uv_fs_event_t* handle, const char*, int events, int) {
      if (events == (UV_RENAME | UV_CHANGE)) leave(handle);
    }, path.c_str(), 0));
  }
  const std::string from = test_path("0/from"), to = test_path("0/to");
  ASSERT_EQ(mkdir(from.c_str(), 0700), 0);
  for (int i = 0; i < limit / 2 + 10; i++) {
    ASSERT_EQ(rename(from.c_str(), to.c_str()), 0);
    ASSERT_EQ(rename(to.c_str(), from.c_str()), 0);
  }
  for (int i = 0; i < 2000; i++) run(loop, UV_RUN_NOWAIT);
  for (uv_fs_event_t& handle : handles) ASSERT_EQ(calls[&handle], test_on_reference() ? 0 : 1);
  for (uv_fs_event_t& handle : handles) uv_close((uv_handle_t*) &handle, nullptr);
  ASSERT_EQ(run_to_the_end(loop), 0);
}

UNWIND_TEST_LOST(unwind_fs_poll) {
  static uv_fs_poll_t handles[2];
  for (uv_fs_poll_t& handle : handles) {
    ASSERT_OK(uv_fs_poll_init(loop, &handle));
    /* A path that is not there is reported once. */
    ASSERT_OK(uv_fs_poll_start(&handle, [](uv_fs_poll_t* handle, int status, const uv_stat_t*,
                                           const uv_stat_t*) {
      ASSERT_EQ(status, UV_ENOENT);
      uv_close((uv_handle_t*) handle, leave_cb);
      leave(handle);
    }, test_path("none"), 1));
  }
  ASSERT_EQ(run_to_the_end(loop), 4);
}

/* ---- Requests of the pool ---- */

UNWIND_TEST_LOST(unwind_after_work) {
  static uv_work_t works[3];
  for (uv_work_t& work : works) {
    ASSERT_OK(uv_queue_work(loop, &work, [](uv_work_t*) {}, leave_status_cb));
  }
  ASSERT_EQ(run_to_the_end(loop), 3);
  check_each_called_once(works);
}

UNWIND_TEST_LOST(unwind_fs) {
  static uv_fs_t reqs[3];
  for (uv_fs_t& req : reqs) ASSERT_OK(uv_fs_stat(loop, &req, "/", leave_cb));
  ASSERT_EQ(run_to_the_end(loop), 3);
  check_each_called_once(reqs);
  for (uv_fs_t& req : reqs) {
    ASSERT_EQ(req.result, 0);
    uv_fs_req_cleanup(&req);
  }
}

UNWIND_TEST_LOST(unwind_getaddrinfo) {
  static uv_getaddrinfo_t reqs[2];
  for (uv_getaddrinfo_t& req : reqs) {
    ASSERT_OK(uv_getaddrinfo(loop, &req, [](uv_getaddrinfo_t* req, int, struct addrinfo* res) {
      uv_freeaddrinfo(res);
      leave(req);
    }, "127.0.0.1", nullptr, nullptr));
  }
  ASSERT_EQ(run_to_the_end(loop), 2);
  check_each_called_once(reqs);
}

UNWIND_TEST_LOST(unwind_getnameinfo) {
  static uv_getnameinfo_t reqs[2];
  struct sockaddr_in addr;
  ASSERT_OK(uv_ip4_addr("127.0.0.1", 80, &addr));
  for (uv_getnameinfo_t& req : reqs) {
    ASSERT_OK(uv_getnameinfo(loop, &req, [](uv_getnameinfo_t* req, int, const char*, const char*) {
      leave(req);
    }, (struct sockaddr*) &addr, NI_NUMERICHOST));
  }
  ASSERT_EQ(run_to_the_end(loop), 2);
  check_each_called_once(reqs);
}

UNWIND_TEST_LOST(unwind_random) {
  static uv_random_t reqs[2];
  char bytes[2][8];
  for (int i = 0; i < 2; i++) {
    ASSERT_OK(uv_random(loop, &reqs[i], bytes[i], sizeof(bytes[i]), 0,
                        [](uv_random_t* req, int, void*, size_t) { leave(req); }));
  }
  ASSERT_EQ(run_to_the_end(loop), 2);
  check_each_called_once(reqs);
}

/* ---- Threads ---- */

static void cancel_self(uv_timer_t* timer) {
  pthread_cancel(pthread_self());
  pthread_testcancel();
  calls[timer]++; /* Not reached. */
}

TEST(unwind_cancelled_in_a_callback) {
  uv_loop_t loop;
  static uv_timer_t timers[2];
  pthread_t thread;
  void* result;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_timer_init(&loop, &timers[0]));
  ASSERT_OK(uv_timer_start(&timers[0], cancel_self, 0, 0));
  ASSERT_EQ(pthread_create(&thread, nullptr, run_in_thread, &loop), 0);
  ASSERT_EQ(pthread_join(thread, &result), 0);
  ASSERT_PTR_EQ(result, PTHREAD_CANCELED);
  ASSERT_OK(uv_timer_init(&loop, &timers[1]));
  ASSERT_OK(uv_timer_start(&timers[1], leave_cb, 0, 0));
  way = THROW;
  ASSERT_EQ(run_to_the_end(&loop), 1);
  ASSERT_EQ(calls[&timers[0]], 0);
  ASSERT_EQ(calls[&timers[1]], 1);
  CLOSE_LOOP(&loop);
}

TEST(unwind_once) {
  static uv_once_t guard = UV_ONCE_INIT;
  int thrown_count = 0;
  way = THROW;
  for (int i = 0; i < 2; i++) {
    try {
      uv_once(&guard, [] { leave(&guard); });
    } catch (const thrown&) {
      thrown_count++;
    }
  }
  /* As pthread_once() has it: what was left has not been done. */
  ASSERT_EQ(thrown_count, 2);
}

TEST(unwind_thread_entry) {
  uv_thread_t thread;
  way = EXIT;
  ASSERT_OK(uv_thread_create(&thread, [](void* arg) { leave(arg); }, &thread));
  ASSERT_OK(uv_thread_join(&thread));
  ASSERT_EQ(calls[&thread], 1);
}
