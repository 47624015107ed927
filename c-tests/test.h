/* The test API of c-tests/: write `TEST(group_what_it_shows) { ... }` in any
 * test-*.c file; the runner lists, finds and isolates tests by name. A test
 * passes when it returns; an assertion that does not hold prints both sides
 * and ends the test's process. The same binary runs on oxuv and on the
 * reference libuv, whichever libuv.so.1 the dynamic linker finds. */
#ifndef OXUV_TEST_H
#define OXUV_TEST_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#ifdef __cplusplus
extern "C" {
#endif

struct test_entry {
  const char* name;
  void (*run)(void);
  struct test_entry* next;
};

void test_register(struct test_entry* entry);

/* Prints the message and ends the test as failed. */
void test_fail(const char* file, int line, const char* format, ...)
    __attribute__((format(printf, 3, 4), noreturn));

/* Ends the test as skipped; the runner counts and names skipped tests. */
void test_skip(const char* file, int line, const char* reason)
    __attribute__((noreturn));

/* Closes every handle still open, runs the loop until it is empty, and asserts
 * that uv_loop_close() then succeeds. */
void test_close_loop(const char* file, int line, uv_loop_t* loop);

/* Whether this process runs under valgrind, which objects to what some tests ask
 * the kernel, and cannot do all that the kernel does. */
int test_under_valgrind(void);

/* Whether this process runs on the reference. For what oxuv does better on purpose; the
 * test then says what libuv does. */
int test_on_reference(void);

/* For what libuv 1.53 does not survive: runs the function in a forked child, which
 * ends with 0 on oxuv and is killed by a signal on the reference. */
void test_survives(const char* file, int line, void (*run)(void));

/* Whether the test runs on the reference libuv. */
int test_on_reference(void);

/* A path inside the test's own scratch directory, which the runner makes before
 * the test and removes after it. The result is valid until the test ends. */
const char* test_path(const char* name);

#ifdef __cplusplus
}
#endif

#define TEST(test_name)                                                       \
  static void test_name(void);                                                \
  __attribute__((constructor)) static void register_##test_name(void) {      \
    static struct test_entry entry = {#test_name, test_name, NULL};           \
    test_register(&entry);                                                    \
  }                                                                           \
  static void test_name(void)

#define ASSERT_INT_(a, op, b)                                                 \
  do {                                                                        \
    int64_t a_ = (int64_t) (a);                                               \
    int64_t b_ = (int64_t) (b);                                               \
    if (!(a_ op b_))                                                          \
      test_fail(__FILE__, __LINE__, "%s %s %s\n  left:  %lld\n  right: %lld", \
                #a, #op, #b, (long long) a_, (long long) b_);                 \
  } while (0)

#define ASSERT_EQ(a, b) ASSERT_INT_(a, ==, b)
#define ASSERT_NE(a, b) ASSERT_INT_(a, !=, b)
#define ASSERT_LT(a, b) ASSERT_INT_(a, <, b)
#define ASSERT_LE(a, b) ASSERT_INT_(a, <=, b)
#define ASSERT_GT(a, b) ASSERT_INT_(a, >, b)
#define ASSERT_GE(a, b) ASSERT_INT_(a, >=, b)

#define ASSERT(condition)                                                     \
  do {                                                                        \
    if (!(condition)) test_fail(__FILE__, __LINE__, "%s", #condition);        \
  } while (0)

/* For functions that return 0 or a libuv error code. */
#define ASSERT_OK(call)                                                       \
  do {                                                                        \
    int64_t result_ = (int64_t) (call);                                       \
    if (result_ != 0)                                                         \
      test_fail(__FILE__, __LINE__, "%s\n  left:  %lld (%s)\n  right: 0",     \
                #call, (long long) result_, uv_strerror((int) result_));      \
  } while (0)

#define ASSERT_PTR_EQ(a, b)                                                   \
  do {                                                                        \
    const void* a_ = (const void*) (a);                                       \
    const void* b_ = (const void*) (b);                                       \
    if (a_ != b_)                                                             \
      test_fail(__FILE__, __LINE__, "%s == %s\n  left:  %p\n  right: %p",     \
                #a, #b, a_, b_);                                              \
  } while (0)

#define ASSERT_NULL(a) ASSERT_PTR_EQ(a, NULL)
#define ASSERT_NOT_NULL(a)                                                    \
  do {                                                                        \
    if ((const void*) (a) == NULL)                                            \
      test_fail(__FILE__, __LINE__, "%s is NULL", #a);                        \
  } while (0)

#define ASSERT_STR_EQ(a, b)                                                   \
  do {                                                                        \
    const char* a_ = (a);                                                     \
    const char* b_ = (b);                                                     \
    if (a_ == NULL || b_ == NULL || strcmp(a_, b_) != 0)                      \
      test_fail(__FILE__, __LINE__,                                           \
                "%s == %s\n  left:  \"%s\"\n  right: \"%s\"", #a, #b,         \
                a_ ? a_ : "(null)", b_ ? b_ : "(null)");                      \
  } while (0)

#define ASSERT_MEM_EQ(a, b, len)                                              \
  do {                                                                        \
    if (memcmp((a), (b), (len)) != 0)                                         \
      test_fail(__FILE__, __LINE__, "%s and %s differ in their first %zu bytes", \
                #a, #b, (size_t) (len));                                      \
  } while (0)

#define HANDLE(p) ((uv_handle_t*) (p))
#define STREAM(p) ((uv_stream_t*) (p))
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
/* For definitions of a header that some of its users do not use. */
#define UNUSED __attribute__((unused))

/* Runs the loop until the condition holds, and fails when the loop has nothing
 * left to do before. */
#define RUN_UNTIL(loop, condition)                                            \
  do {                                                                        \
    while (!(condition)) {                                                    \
      if (uv_run((loop), UV_RUN_ONCE) == 0 && !(condition))                   \
        test_fail(__FILE__, __LINE__, "the loop is empty before %s",          \
                  #condition);                                                \
    }                                                                         \
  } while (0)

#define SKIP_ON_REFERENCE(reason)                                             \
  do {                                                                        \
    if (test_on_reference()) SKIP(reason);                                    \
  } while (0)
#define SKIP(reason) test_skip(__FILE__, __LINE__, reason)
#define ASSERT_SURVIVES(run) test_survives(__FILE__, __LINE__, (run))
#define CLOSE_LOOP(loop) test_close_loop(__FILE__, __LINE__, (loop))

#endif
