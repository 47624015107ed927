/* Shared by the tests of reading, writing and shutting down: one connection,
 * whose other end is a plain blocking socket that sends and reads only when the
 * test says so. */
#ifndef OXUV_TEST_STREAM_H
#define OXUV_TEST_STREAM_H

#include "test-tcp.h"

static uv_loop_t loop;
static uv_tcp_t tcp;
static int peer;
static uv_write_t writes[8]; /* note_write() logs each with its index */

static void set_up(void) {
  static const char* const names[] = {"0", "1", "2", "3", "4", "5", "6", "7"};
  size_t i;
  ASSERT_OK(uv_loop_init(&loop));
  peer = tcp_with_peer(&loop, &tcp);
  tcp.data = NULL;
  for (i = 0; i < COUNT(writes); i++) writes[i].data = (void*) names[i];
}

static void tear_down(void) {
  CLOSE_LOOP(&loop);
  ASSERT_OK(close(peer));
}

static void reset_peer(void) {
  reset_on_close(peer);
  ASSERT_OK(close(peer));
  peer = dup(0);
}

#endif
