/* Ends the program if a call fails. */
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#define CHECK(call)                                                            \
  do {                                                                         \
    int result_ = (call);                                                      \
    if (result_ < 0) {                                                         \
      fprintf(stderr, "%s: %s\n", #call, uv_strerror(result_));                \
      exit(1);                                                                 \
    }                                                                          \
  } while (0)
