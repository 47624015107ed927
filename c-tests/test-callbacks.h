/* Callbacks that many tests use: those that must not be called, those that
 * count, and those that do nothing. */
#ifndef OXUV_TEST_CALLBACKS_H
#define OXUV_TEST_CALLBACKS_H

#include "test.h"

/* ---- callbacks that fail the test ---- */

UNUSED static void never_timer(uv_timer_t* timer) {
  (void) timer;
  test_fail(__FILE__, __LINE__, "unexpected timer callback");
}

UNUSED static void never_idle(uv_idle_t* idle) {
  (void) idle;
  test_fail(__FILE__, __LINE__, "unexpected idle callback");
}

UNUSED static void never_prepare(uv_prepare_t* prepare) {
  (void) prepare;
  test_fail(__FILE__, __LINE__, "unexpected prepare callback");
}

UNUSED static void never_check(uv_check_t* check) {
  (void) check;
  test_fail(__FILE__, __LINE__, "unexpected check callback");
}

UNUSED static void never_async(uv_async_t* async) {
  (void) async;
  test_fail(__FILE__, __LINE__, "unexpected async callback");
}

UNUSED static void never_signal(uv_signal_t* watcher, int signum) {
  (void) watcher;
  test_fail(__FILE__, __LINE__, "unexpected signal callback (%d)", signum);
}

UNUSED static void never_poll(uv_poll_t* poll, int status, int events) {
  (void) poll;
  test_fail(__FILE__, __LINE__, "unexpected poll callback (%d, %d)", status,
            events);
}

UNUSED static void never_fs(uv_fs_t* req) {
  test_fail(__FILE__, __LINE__, "unexpected file callback (%ld)",
            (long) req->result);
}

UNUSED static void never_fs_event(uv_fs_event_t* handle, const char* name,
                                  int events, int status) {
  (void) handle;
  test_fail(__FILE__, __LINE__, "unexpected event callback (%s, %d, %d)", name,
            events, status);
}

UNUSED static void never_fs_poll(uv_fs_poll_t* poll, int status,
                                 const uv_stat_t* before,
                                 const uv_stat_t* now) {
  (void) poll, (void) before, (void) now;
  test_fail(__FILE__, __LINE__, "unexpected path callback (%d)", status);
}

UNUSED static void never_work(uv_work_t* req) {
  (void) req;
  test_fail(__FILE__, __LINE__, "unexpected work");
}

UNUSED static void never_read(uv_stream_t* stream, ssize_t nread,
                              const uv_buf_t* buf) {
  (void) stream, (void) buf;
  test_fail(__FILE__, __LINE__, "unexpected read callback (%ld)",
            (long) nread);
}

UNUSED static void never_write(uv_write_t* req, int status) {
  (void) req;
  test_fail(__FILE__, __LINE__, "unexpected write callback (%d)", status);
}

UNUSED static void never_connect(uv_connect_t* req, int status) {
  (void) req;
  test_fail(__FILE__, __LINE__, "unexpected connect callback (%d)", status);
}

UNUSED static void never_shutdown(uv_shutdown_t* req, int status) {
  (void) req;
  test_fail(__FILE__, __LINE__, "unexpected shutdown callback (%d)", status);
}

UNUSED static void never_connection(uv_stream_t* server, int status) {
  (void) server;
  test_fail(__FILE__, __LINE__, "unexpected connection callback (%d)", status);
}

UNUSED static void never_recv(uv_udp_t* udp, ssize_t nread,
                              const uv_buf_t* buf, const struct sockaddr* addr,
                              unsigned flags) {
  (void) udp, (void) buf, (void) addr, (void) flags;
  test_fail(__FILE__, __LINE__, "unexpected receive callback (%ld)",
            (long) nread);
}

UNUSED static void never_send(uv_udp_send_t* req, int status) {
  (void) req;
  test_fail(__FILE__, __LINE__, "unexpected send callback (%d)", status);
}

/* ---- callbacks that count ---- */

/* Calls of count_timer(), count_async() and count_signal(). */
UNUSED static int fired;

UNUSED static void count_timer(uv_timer_t* timer) {
  (void) timer;
  fired++;
}

UNUSED static void count_async(uv_async_t* async) {
  (void) async;
  fired++;
}

UNUSED static void count_signal(uv_signal_t* watcher, int signum) {
  ASSERT_EQ(watcher->signum, signum);
  fired++;
}

/* Calls of count_work(). */
UNUSED static int done;

UNUSED static void count_work(uv_work_t* req, int status) {
  (void) req;
  ASSERT_OK(status);
  done++;
}

/* Calls of count_connection(). */
UNUSED static int connections;

UNUSED static void count_connection(uv_stream_t* server, int status) {
  (void) server;
  ASSERT_OK(status);
  connections++;
}

/* These count in the int that data points to. */

UNUSED static void count_close(uv_handle_t* handle) {
  ++*(int*) handle->data;
}

UNUSED static void count_send(uv_udp_send_t* req, int status) {
  ASSERT_OK(status);
  ++*(int*) req->data;
}

/* ---- work that does nothing ---- */

UNUSED static void no_work(uv_work_t* req) {
  (void) req;
}

#endif
