/* Helpers of the tests of services without a loop. */
#ifndef OXUV_TEST_OS_H
#define OXUV_TEST_OS_H

/* Before any header: what these services stand on is not all in POSIX. */
#ifndef _GNU_SOURCE
# define _GNU_SOURCE
#endif

#include "test-child.h"

/* A function that gives a text has a buffer and its size as arguments, and one
 * set of rules about them. Checks those, and that the text is the expected
 * one. */
static inline void os_check_text(int (*get)(char*, size_t*),
                                 const char* expected) {
  char buffer[4096];
  size_t length = strlen(expected);
  size_t size = sizeof(buffer);

  ASSERT_OK(get(buffer, &size));
  ASSERT_STR_EQ(buffer, expected);
  ASSERT_EQ(size, length);

  /* Just enough room, and the byte behind it stays as it was. */
  memset(buffer, '#', sizeof(buffer));
  size = length + 1;
  ASSERT_OK(get(buffer, &size));
  ASSERT_STR_EQ(buffer, expected);
  ASSERT_EQ(size, length);
  ASSERT_EQ(buffer[length + 1], '#');

  /* One byte less: nothing is written, and the size is the required one. */
  if (length > 0) {
    memset(buffer, '#', sizeof(buffer));
    size = length;
    ASSERT_EQ(get(buffer, &size), UV_ENOBUFS);
    ASSERT_EQ(size, length + 1);
    ASSERT_EQ(buffer[0], '#');
  }

  size = 0;
  ASSERT_EQ(get(buffer, &size), UV_EINVAL);
  size = sizeof(buffer);
  ASSERT_EQ(get(NULL, &size), UV_EINVAL);
  ASSERT_EQ(get(buffer, NULL), UV_EINVAL);
}

#endif
