/* A log of callbacks with a letter for each, for tests about their order. */
#ifndef OXUV_TEST_TRACE_H
#define OXUV_TEST_TRACE_H

#include "test.h"

static char trace[256];

static void note(char letter) {
  size_t n = strlen(trace);
  ASSERT_LT(n + 1, sizeof(trace));
  trace[n] = letter;
  trace[n + 1] = '\0';
}

UNUSED static void note_close(uv_handle_t* handle) {
  (void) handle;
  note('x');
}

/* Defines a callback that notes the letter which its handle's data points to. */
#define NOTE_CALLBACK(name, type)                                             \
  static void name(type* handle) { note(*(const char*) handle->data); }

#endif
