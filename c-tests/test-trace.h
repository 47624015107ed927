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

#endif
