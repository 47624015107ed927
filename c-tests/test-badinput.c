/* Arguments that cannot be right, function by function: each gets the error
 * code of libuv 1.53, and leaves no trace in the loop. The fs functions have
 * their own file, streams are in test-stream-*.c and test-tcp-*.c. */
#include <signal.h>
#include <sys/resource.h>

#include "test-memory.h"
#include "test-tcp.h"

static uv_loop_t loop;

static void never_called_on_timer(uv_timer_t* timer) {
  (void) timer;
  ASSERT(0);
}

static void never_called_on_signal(uv_signal_t* signal, int number) {
  (void) signal, (void) number;
  ASSERT(0);
}

static void never_after_work(uv_work_t* req, int status) {
  (void) req, (void) status;
  ASSERT(0);
}

static void expect_idle_loop(void) {
  ASSERT_EQ(uv_loop_alive(&loop), 0);
  CLOSE_LOOP(&loop);
}

TEST(bad_null_callbacks) {
  uv_timer_t timer;
  uv_idle_t idle;
  uv_prepare_t prepare;
  uv_check_t check;
  uv_work_t work;
  uv_tcp_t tcp;
  int peer;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_timer_init(&loop, &timer));
  ASSERT_OK(uv_idle_init(&loop, &idle));
  ASSERT_OK(uv_prepare_init(&loop, &prepare));
  ASSERT_OK(uv_check_init(&loop, &check));
  peer = tcp_with_peer(&loop, &tcp);
  ASSERT_EQ(uv_timer_start(&timer, NULL, 0, 0), UV_EINVAL);
  ASSERT_EQ(uv_timer_again(&timer), UV_EINVAL); /* Never started. */
  ASSERT_EQ(uv_idle_start(&idle, NULL), UV_EINVAL);
  ASSERT_EQ(uv_prepare_start(&prepare, NULL), UV_EINVAL);
  ASSERT_EQ(uv_check_start(&check, NULL), UV_EINVAL);
  ASSERT_EQ(uv_queue_work(&loop, &work, NULL, never_after_work), UV_EINVAL);
  ASSERT_EQ(uv_read_start(STREAM(&tcp), NULL, never_read), UV_EINVAL);
  ASSERT_EQ(uv_read_start(STREAM(&tcp), alloc_static, NULL), UV_EINVAL);
  ASSERT_EQ(uv_is_active(HANDLE(&timer)), 0);
  ASSERT_EQ(uv_is_active(HANDLE(&idle)), 0);
  ASSERT_EQ(uv_is_active(HANDLE(&prepare)), 0);
  ASSERT_EQ(uv_is_active(HANDLE(&check)), 0);
  ASSERT_EQ(uv_is_active(HANDLE(&tcp)), 0);
  expect_idle_loop();
  ASSERT_OK(close(peer));
}

/* Stopping what never ran is no error. */
TEST(bad_stop_without_start) {
  uv_timer_t timer;
  uv_idle_t idle;
  uv_prepare_t prepare;
  uv_check_t check;
  uv_signal_t signal;
  uv_tcp_t tcp;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_timer_init(&loop, &timer));
  ASSERT_OK(uv_idle_init(&loop, &idle));
  ASSERT_OK(uv_prepare_init(&loop, &prepare));
  ASSERT_OK(uv_check_init(&loop, &check));
  ASSERT_OK(uv_signal_init(&loop, &signal));
  ASSERT_OK(uv_tcp_init(&loop, &tcp));
  ASSERT_OK(uv_timer_stop(&timer));
  ASSERT_OK(uv_idle_stop(&idle));
  ASSERT_OK(uv_prepare_stop(&prepare));
  ASSERT_OK(uv_check_stop(&check));
  ASSERT_OK(uv_signal_stop(&signal));
  ASSERT_OK(uv_read_stop(STREAM(&tcp)));
  expect_idle_loop();
}

TEST(bad_signal_numbers) {
  /* 32 and 33 belong to the C library's threads. */
  static const int numbers[] = {0, -1, 65, 9999, SIGKILL, SIGSTOP, 32, 33};
  uv_signal_t signal;
  size_t i;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_signal_init(&loop, &signal));
  for (i = 0; i < COUNT(numbers); i++) {
    ASSERT_EQ(uv_signal_start(&signal, never_called_on_signal, numbers[i]),
              UV_EINVAL);
    ASSERT_EQ(uv_signal_start_oneshot(&signal, never_called_on_signal,
                                      numbers[i]),
              UV_EINVAL);
    ASSERT_EQ(uv_is_active(HANDLE(&signal)), 0);
    ASSERT_EQ(signal.signum, 0);
  }
  expect_idle_loop();
}

/* A number that cannot be watched leaves the watcher as it was. */
TEST(bad_signal_number_while_watching) {
  uv_signal_t signal;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_signal_init(&loop, &signal));
  ASSERT_OK(uv_signal_start(&signal, never_called_on_signal, SIGUSR2));
  ASSERT_EQ(uv_signal_start(&signal, never_called_on_signal, 0), UV_EINVAL);
  ASSERT_EQ(uv_is_active(HANDLE(&signal)), 1);
  ASSERT_EQ(signal.signum, SIGUSR2);
  CLOSE_LOOP(&loop);
}

TEST(bad_timer_on_a_closing_handle) {
  uv_timer_t timer;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_timer_init(&loop, &timer));
  uv_close(HANDLE(&timer), NULL);
  ASSERT_EQ(uv_timer_start(&timer, never_called_on_timer, 0, 0), UV_EINVAL);
  CLOSE_LOOP(&loop);
}

TEST(bad_loop_options) {
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_EQ(uv_loop_configure(&loop, (uv_loop_option) 9999), UV_ENOSYS);
  ASSERT_EQ(uv_loop_configure(&loop, UV_LOOP_BLOCK_SIGNAL, SIGINT),
            UV_EINVAL);
  ASSERT_EQ(uv_loop_configure(&loop, UV_LOOP_BLOCK_SIGNAL, 0), UV_EINVAL);
  ASSERT_OK(uv_loop_configure(&loop, UV_LOOP_BLOCK_SIGNAL, SIGPROF));
  expect_idle_loop();
}

TEST(bad_clock) {
  uv_timespec64_t ts;
  ASSERT_EQ(uv_clock_gettime((uv_clock_id) 7, &ts), UV_EINVAL);
  ASSERT_EQ(uv_clock_gettime((uv_clock_id) -1, &ts), UV_EINVAL);
  ASSERT_EQ(uv_clock_gettime(UV_CLOCK_MONOTONIC, NULL), UV_EFAULT);
  ASSERT_EQ(uv_clock_gettime((uv_clock_id) 7, NULL), UV_EFAULT);
}

TEST(bad_types) {
  static const int handle_types[] = {UV_UNKNOWN_HANDLE, UV_HANDLE_TYPE_MAX,
                                     9999, -1};
  static const int req_types[] = {UV_UNKNOWN_REQ, UV_REQ_TYPE_MAX, 9999, -1};
  size_t i;
  for (i = 0; i < COUNT(handle_types); i++) {
    uv_handle_type type = (uv_handle_type) handle_types[i];
    ASSERT_EQ(uv_handle_size(type), (size_t) -1);
    ASSERT_NULL(uv_handle_type_name(type));
  }
  for (i = 0; i < COUNT(req_types); i++) {
    uv_req_type type = (uv_req_type) req_types[i];
    ASSERT_EQ(uv_req_size(type), (size_t) -1);
    ASSERT_NULL(uv_req_type_name(type));
  }
  /* uv_guess_handle() says UV_FILE, but no handle is one. */
  ASSERT_EQ(uv_handle_size(UV_FILE), (size_t) -1);
  ASSERT_STR_EQ(uv_handle_type_name(UV_FILE), "file");
}

TEST(bad_cancel) {
  static const int types[] = {UV_UNKNOWN_REQ, UV_REQ,      UV_CONNECT,
                              UV_SHUTDOWN,    UV_UDP_SEND, UV_REQ_TYPE_MAX};
  size_t i;
  for (i = 0; i < COUNT(types); i++) {
    uv_req_t req;
    memset(&req, 0, sizeof(req));
    req.type = (uv_req_type) types[i];
    ASSERT_EQ(uv_cancel(&req), UV_EINVAL);
  }
}

/* Functions of sockets on handles that have none. */
TEST(bad_handle_types) {
  uv_timer_t timer;
  uv_idle_t idle;
  uv_async_t async;
  uv_signal_t signal;
  uv_handle_t* handles[] = {HANDLE(&timer), HANDLE(&idle), HANDLE(&async),
                            HANDLE(&signal)};
  size_t i;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_timer_init(&loop, &timer));
  ASSERT_OK(uv_idle_init(&loop, &idle));
  ASSERT_OK(uv_async_init(&loop, &async, NULL));
  ASSERT_OK(uv_signal_init(&loop, &signal));
  for (i = 0; i < COUNT(handles); i++) {
    uv_os_fd_t fd = -7;
    int value = 0;
    ASSERT_EQ(uv_fileno(handles[i], &fd), UV_EINVAL);
    ASSERT_EQ(fd, -7);
    ASSERT_EQ(uv_send_buffer_size(handles[i], &value), UV_ENOTSUP);
    ASSERT_EQ(uv_recv_buffer_size(handles[i], &value), UV_ENOTSUP);
  }
  ASSERT_EQ(uv_send_buffer_size(NULL, NULL), UV_EINVAL);
  CLOSE_LOOP(&loop);
}

TEST(bad_allocator) {
  ASSERT_EQ(uv_replace_allocator(NULL, realloc, calloc, free), UV_EINVAL);
  ASSERT_EQ(uv_replace_allocator(malloc, NULL, calloc, free), UV_EINVAL);
  ASSERT_EQ(uv_replace_allocator(malloc, realloc, NULL, free), UV_EINVAL);
  ASSERT_EQ(uv_replace_allocator(malloc, realloc, calloc, NULL), UV_EINVAL);
  ASSERT_OK(uv_replace_allocator(malloc, realloc, calloc, free));
}

TEST(bad_memory_loop_init) {
  int descriptors = open_descriptors();
  use_scarce_memory();
  out_of_memory = 1;
  ASSERT_EQ(uv_loop_init(&loop), UV_ENOMEM);
  ASSERT_NULL(uv_loop_new());
  ASSERT_EQ(blocks, 0);
  ASSERT_EQ(open_descriptors(), descriptors);
  out_of_memory = 0;
  ASSERT_OK(uv_loop_init(&loop));
  expect_idle_loop();
  ASSERT_EQ(blocks, 0);
}

/* A long array of buffers is copied to the heap, a short one into the
 * request. */
TEST(bad_memory_write) {
  uv_buf_t bufs[9];
  uv_write_t write_req;
  uv_tcp_t tcp;
  char text[16];
  int peer;
  size_t i;
  for (i = 0; i < COUNT(bufs); i++) bufs[i] = uv_buf_init("x", 1);
  use_scarce_memory();
  ASSERT_OK(uv_loop_init(&loop));
  peer = tcp_with_peer(&loop, &tcp);
  out_of_memory = 1;
  ASSERT_EQ(uv_write(&write_req, STREAM(&tcp), bufs, 9, never_write),
            UV_ENOMEM);
  ASSERT_EQ(tcp.write_queue_size, 0);
  ASSERT_EQ(recv(peer, text, sizeof(text), MSG_DONTWAIT), -1);
  write_req.data = NULL;
  ASSERT_OK(uv_write(&write_req, STREAM(&tcp), bufs, 4, note_write));
  out_of_memory = 0;
  RUN_UNTIL(&loop, events[0] != '\0');
  EXPECT_EVENTS("write");
  ASSERT_EQ(recv(peer, text, 4, MSG_WAITALL), 4);
  /* No CLOSE_LOOP: libuv 1.53 keeps counting the request that failed. */
  ASSERT_OK(close(peer));
}

TEST(bad_loop_close) {
  uv_timer_t timer;
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_timer_init(&loop, &timer));
  /* An inactive handle is in the way too, until its close callback ran. */
  ASSERT_EQ(uv_loop_close(&loop), UV_EBUSY);
  uv_close(HANDLE(&timer), NULL);
  ASSERT_EQ(uv_loop_close(&loop), UV_EBUSY);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_OK(uv_loop_close(&loop));
}

/* No descriptors: every function that needs one says so. */
TEST(bad_out_of_descriptors) {
  struct rlimit limit;
  uv_tcp_t tcp;
  int fillers[256];
  int filled = 0;
  ASSERT_OK(getrlimit(RLIMIT_NOFILE, &limit));
  limit.rlim_cur = 128;
  ASSERT_OK(setrlimit(RLIMIT_NOFILE, &limit));
  while ((fillers[filled] = dup(0)) != -1) {
    filled++;
    ASSERT_LT(filled, COUNT(fillers));
  }
  ASSERT_EQ(uv_loop_init(&loop), UV_EMFILE);
  ASSERT_NULL(uv_loop_new());
  while (filled > 0) ASSERT_OK(close(fillers[--filled]));
  /* The failed calls left nothing behind. */
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_tcp_init_ex(&loop, &tcp, AF_INET));
  expect_idle_loop();
}

/* A mode that is none of the three runs the loop once, without waiting or
 * not; an empty loop returns in any case. */
TEST(bad_run_mode) {
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_EQ(uv_run(&loop, (uv_run_mode) 99), 0);
  expect_idle_loop();
}
