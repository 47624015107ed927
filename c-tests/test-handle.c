/* Behaviour that all handles share: references, closing, accessors, sizes and
 * names. */

#include "test-callbacks.h"
#include "test-trace.h"

union any_handle {
  uv_handle_t handle;
  uv_timer_t timer;
  uv_idle_t idle;
  uv_prepare_t prepare;
  uv_check_t check;
  uv_async_t async;
  uv_signal_t signal;
  uv_tcp_t tcp;
};

static const uv_handle_type kinds[] = {
    UV_TIMER, UV_IDLE, UV_PREPARE, UV_CHECK, UV_ASYNC, UV_SIGNAL, UV_TCP,
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void any_init(uv_loop_t* loop, union any_handle* h,
                     uv_handle_type kind) {
  /* Init must not rely on the previous content of the memory. */
  memset(h, 0xff, sizeof(*h));
  switch (kind) {
    case UV_TIMER: ASSERT_OK(uv_timer_init(loop, &h->timer)); break;
    case UV_IDLE: ASSERT_OK(uv_idle_init(loop, &h->idle)); break;
    case UV_PREPARE: ASSERT_OK(uv_prepare_init(loop, &h->prepare)); break;
    case UV_CHECK: ASSERT_OK(uv_check_init(loop, &h->check)); break;
    case UV_ASYNC: ASSERT_OK(uv_async_init(loop, &h->async, NULL)); break;
    case UV_SIGNAL: ASSERT_OK(uv_signal_init(loop, &h->signal)); break;
    default: ASSERT_OK(uv_tcp_init(loop, &h->tcp)); break;
  }
}

static void any_start(union any_handle* h) {
  struct sockaddr_in addr;

  switch (h->handle.type) {
    case UV_TIMER:
      ASSERT_OK(uv_timer_start(&h->timer, never_timer, 1000000, 0));
      break;
    case UV_IDLE: ASSERT_OK(uv_idle_start(&h->idle, never_idle)); break;
    case UV_PREPARE:
      ASSERT_OK(uv_prepare_start(&h->prepare, never_prepare));
      break;
    case UV_CHECK: ASSERT_OK(uv_check_start(&h->check, never_check)); break;
    case UV_ASYNC: break; /* active from birth */
    case UV_SIGNAL:
      ASSERT_OK(uv_signal_start(&h->signal, never_signal, SIGUSR1));
      break;
    default:
      ASSERT_OK(uv_ip4_addr("127.0.0.1", 0, &addr));
      ASSERT_OK(uv_tcp_bind(&h->tcp, (struct sockaddr*) &addr, 0));
      ASSERT_OK(uv_listen((uv_stream_t*) &h->tcp, 1, never_connection));
      break;
  }
}

TEST(handle_init_sets_type_loop_and_state) {
  uv_loop_t loop;
  union any_handle h;
  size_t i;

  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < KINDS; i++) {
    any_init(&loop, &h, kinds[i]);
    ASSERT_EQ(h.handle.type, kinds[i]);
    ASSERT_EQ(uv_handle_get_type(&h.handle), kinds[i]);
    ASSERT_PTR_EQ(h.handle.loop, &loop);
    ASSERT_PTR_EQ(uv_handle_get_loop(&h.handle), &loop);
    /* The data pointer is the user's: init leaves it alone. */
    ASSERT_EQ((intptr_t) h.handle.data, -1);
    ASSERT_EQ(uv_is_active(&h.handle), kinds[i] == UV_ASYNC);
    ASSERT_EQ(uv_is_closing(&h.handle), 0);
    ASSERT_EQ(uv_has_ref(&h.handle), 1);
    uv_close(&h.handle, NULL);
    ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  }
  CLOSE_LOOP(&loop);
}

TEST(handle_data_accessors) {
  uv_loop_t loop;
  union any_handle h;

  ASSERT_OK(uv_loop_init(&loop));
  any_init(&loop, &h, UV_TIMER);
  uv_handle_set_data(&h.handle, &loop);
  ASSERT_PTR_EQ(h.handle.data, &loop);
  h.handle.data = &h;
  ASSERT_PTR_EQ(uv_handle_get_data(&h.handle), &h);
  uv_close(&h.handle, NULL);
  ASSERT_PTR_EQ(h.handle.data, &h);
  CLOSE_LOOP(&loop);
}

TEST(handle_ref_and_unref_are_idempotent) {
  uv_loop_t loop;
  union any_handle h;
  size_t i;
  int started;

  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < KINDS; i++) {
    for (started = 0; started < 2; started++) {
      int counts;

      any_init(&loop, &h, kinds[i]);
      if (started) any_start(&h);
      counts = uv_is_active(&h.handle);
      ASSERT_EQ(uv_loop_alive(&loop), counts);
      uv_ref(&h.handle);
      uv_ref(&h.handle);
      ASSERT_EQ(uv_has_ref(&h.handle), 1);
      ASSERT_EQ(uv_loop_alive(&loop), counts);
      uv_unref(&h.handle);
      ASSERT_EQ(uv_has_ref(&h.handle), 0);
      ASSERT_EQ(uv_loop_alive(&loop), 0);
      uv_unref(&h.handle);
      ASSERT_EQ(uv_loop_alive(&loop), 0);
      ASSERT_EQ(uv_is_active(&h.handle), counts);
      ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
      uv_ref(&h.handle);
      ASSERT_EQ(uv_has_ref(&h.handle), 1);
      ASSERT_EQ(uv_loop_alive(&loop), counts);
      uv_close(&h.handle, NULL);
      ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
    }
  }
  CLOSE_LOOP(&loop);
}

TEST(handle_started_while_unreferenced_does_not_keep_the_loop) {
  uv_loop_t loop;
  union any_handle h;
  size_t i;

  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < KINDS; i++) {
    any_init(&loop, &h, kinds[i]);
    uv_unref(&h.handle);
    any_start(&h);
    ASSERT_EQ(uv_is_active(&h.handle), 1);
    ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
    uv_close(&h.handle, NULL);
    /* Closing counts, referenced or not. */
    ASSERT_NE(uv_loop_alive(&loop), 0);
    ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  }
  CLOSE_LOOP(&loop);
}

TEST(handle_close_stops_and_calls_back_once) {
  uv_loop_t loop;
  union any_handle h;
  size_t i;
  int started;

  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < KINDS; i++) {
    for (started = 0; started < 2; started++) {
      trace[0] = '\0';
      any_init(&loop, &h, kinds[i]);
      if (started) any_start(&h);
      uv_close(&h.handle, note_close);
      ASSERT_STR_EQ(trace, ""); /* never from within uv_close() */
      ASSERT_EQ(uv_is_active(&h.handle), 0);
      ASSERT_NE(uv_is_closing(&h.handle), 0);
      ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
      ASSERT_STR_EQ(trace, "x");
      ASSERT_NE(uv_is_closing(&h.handle), 0);
    }
  }
  CLOSE_LOOP(&loop);
}

/* The memory is the caller's again from inside the close callback on. */
static void free_cb(uv_handle_t* handle) {
  memset(handle, 0xdd, sizeof(union any_handle));
  free(handle);
  note('x');
}

TEST(handle_memory_may_be_freed_in_the_close_callback) {
  uv_loop_t loop;
  size_t i;

  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < 3 * KINDS; i++) {
    union any_handle* h = malloc(sizeof(*h));
    ASSERT_NOT_NULL(h);
    any_init(&loop, h, kinds[i % KINDS]);
    any_start(h);
    uv_close(&h->handle, free_cb);
  }
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(strlen(trace), 3 * KINDS);
  ASSERT_OK(uv_loop_close(&loop));
}

TEST(handle_sizes_are_those_of_the_header) {
#define XX(uc, lc) ASSERT_EQ(uv_handle_size(UV_##uc), sizeof(uv_##lc##_t));
  UV_HANDLE_TYPE_MAP(XX)
#undef XX
#define XX(uc, lc) ASSERT_EQ(uv_req_size(UV_##uc), sizeof(uv_##lc##_t));
  UV_REQ_TYPE_MAP(XX)
#undef XX
}

TEST(handle_type_names) {
#define XX(uc, lc) ASSERT_STR_EQ(uv_handle_type_name(UV_##uc), #lc);
  UV_HANDLE_TYPE_MAP(XX)
#undef XX
#define XX(uc, lc) ASSERT_STR_EQ(uv_req_type_name(UV_##uc), #lc);
  UV_REQ_TYPE_MAP(XX)
#undef XX
  ASSERT_STR_EQ(uv_handle_type_name(UV_FILE), "file");
}

TEST(handle_sizes_and_names_out_of_range) {
  static const int bad[] = {0, UV_HANDLE_TYPE_MAX, UV_HANDLE_TYPE_MAX + 1,
                            -1, 1000, INT32_MAX, INT32_MIN};
  size_t i;

  for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    ASSERT_EQ(uv_handle_size((uv_handle_type) bad[i]), -1);
    ASSERT_NULL(uv_handle_type_name((uv_handle_type) bad[i]));
  }
  ASSERT_EQ(uv_handle_size(UV_FILE), -1);
  for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    int type = bad[i];
    if (type == UV_HANDLE_TYPE_MAX) type = UV_REQ_TYPE_MAX;
    if (type == UV_HANDLE_TYPE_MAX + 1) type = UV_REQ_TYPE_MAX + 1;
    ASSERT_EQ(uv_req_size((uv_req_type) type), -1);
    ASSERT_NULL(uv_req_type_name((uv_req_type) type));
  }
}

static void after_work_cb(uv_work_t* req, int status) {
  ASSERT_OK(status);
  ASSERT_PTR_EQ(uv_req_get_data((uv_req_t*) req), trace);
  note('w');
}

TEST(handle_req_accessors) {
  uv_loop_t loop;
  uv_work_t req;

  ASSERT_OK(uv_loop_init(&loop));
  memset(&req, 0xff, sizeof(req));
  uv_req_set_data((uv_req_t*) &req, trace);
  ASSERT_OK(uv_queue_work(&loop, &req, no_work, after_work_cb));
  ASSERT_EQ(uv_req_get_type((uv_req_t*) &req), UV_WORK);
  ASSERT_EQ(req.type, UV_WORK);
  ASSERT_PTR_EQ(req.loop, &loop);
  ASSERT_PTR_EQ(req.data, trace);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_STR_EQ(trace, "w");
  CLOSE_LOOP(&loop);
}

TEST(handle_fileno_and_buffer_sizes_need_a_socket) {
  uv_loop_t loop;
  union any_handle h;
  uv_os_fd_t fd;
  size_t i;

  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < KINDS; i++) {
    int size = 0;

    any_init(&loop, &h, kinds[i]);
    if (kinds[i] == UV_TCP) {
      ASSERT_EQ(uv_fileno(&h.handle, &fd), UV_EBADF); /* no socket yet */
      any_start(&h);
      ASSERT_OK(uv_fileno(&h.handle, &fd));
      ASSERT_GE(fd, 0);
      ASSERT_OK(uv_send_buffer_size(&h.handle, &size));
      ASSERT_GT(size, 0);
      uv_close(&h.handle, NULL);
      ASSERT_EQ(uv_fileno(&h.handle, &fd), UV_EBADF);
    } else {
      ASSERT_EQ(uv_fileno(&h.handle, &fd), UV_EINVAL);
      ASSERT_EQ(uv_send_buffer_size(&h.handle, &size), UV_ENOTSUP);
      ASSERT_EQ(uv_recv_buffer_size(&h.handle, &size), UV_ENOTSUP);
      uv_close(&h.handle, NULL);
    }
    ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  }
  CLOSE_LOOP(&loop);
}
