/* uv_random(). */
#include "test-pool.h"

/* The probability that 64 random bytes equal the previous ones is 2^-512. */
static char buf[64];
static const char zeroes[sizeof(buf)];

static void random_cb(uv_random_t* req, int status, void* at, size_t length) {
  ASSERT_EQ(req->type, UV_RANDOM);
  ASSERT_OK(status);
  ASSERT_PTR_EQ(at, buf);
  ASSERT_EQ(length, *(size_t*) req->data);
  done++;
}

TEST(random_fills_without_a_loop) {
  char other[sizeof(buf)];

  ASSERT_OK(uv_random(NULL, NULL, buf, sizeof(buf), 0, NULL));
  ASSERT_NE(memcmp(buf, zeroes, sizeof(buf)), 0);
  ASSERT_OK(uv_random(NULL, NULL, other, sizeof(other), 0, NULL));
  ASSERT_NE(memcmp(buf, other, sizeof(buf)), 0);
}

TEST(random_fills_on_the_pool) {
  uv_loop_t loop;
  uv_random_t req;
  size_t length = sizeof(buf) - 1;

  ASSERT_OK(uv_loop_init(&loop));
  memset(&req, 0xdb, sizeof(req));
  req.data = &length;
  ASSERT_OK(uv_random(&loop, &req, buf, length, 0, random_cb));
  ASSERT(uv_loop_alive(&loop));
  ASSERT_EQ(done, 0);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(done, 1);
  ASSERT_NE(memcmp(buf, zeroes, length), 0);
  /* No more than was asked for. */
  ASSERT_EQ(buf[length], 0);
  CLOSE_LOOP(&loop);
}

TEST(random_more_than_one_system_call_gives) {
  enum { LENGTH = 1 << 20 };
  char* large = calloc(1, LENGTH);
  size_t i, j;

  ASSERT_NOT_NULL(large);
  ASSERT_OK(uv_random(NULL, NULL, large, LENGTH, 0, NULL));
  /* No part of it was left out. */
  for (i = 0; i < LENGTH; i += 64) {
    for (j = 0; j < 64 && large[i + j] == 0; j++) {
    }
    ASSERT_LT(j, 64);
  }
  free(large);
}

TEST(random_of_nothing) {
  uv_loop_t loop;
  uv_random_t req;
  size_t length = 0;

  ASSERT_OK(uv_random(NULL, NULL, buf, 0, 0, NULL));
  ASSERT_OK(uv_loop_init(&loop));
  req.data = &length;
  ASSERT_OK(uv_random(&loop, &req, buf, 0, 0, random_cb));
  ASSERT_EQ(done, 0);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(done, 1);
  ASSERT_MEM_EQ(buf, zeroes, sizeof(buf));
  CLOSE_LOOP(&loop);
}

TEST(random_refuses_flags_and_too_much) {
  const size_t too_much = (size_t) 1 << 31;
  uv_loop_t loop;
  uv_random_t req;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_EQ(uv_random(&loop, &req, buf, 1, 1, random_cb), UV_EINVAL);
  ASSERT_EQ(uv_random(&loop, &req, buf, too_much, 0, random_cb), UV_E2BIG);
  ASSERT_EQ(uv_random(&loop, &req, buf, too_much, 1, random_cb), UV_E2BIG);
  ASSERT_EQ(uv_random(NULL, NULL, buf, 1, 0x80000000u, NULL), UV_EINVAL);
  ASSERT_EQ(uv_random(NULL, NULL, buf, (size_t) -1, 0, NULL), UV_E2BIG);
  ASSERT_EQ(uv_loop_alive(&loop), 0);
  ASSERT_MEM_EQ(buf, zeroes, sizeof(buf));
  CLOSE_LOOP(&loop);
}

static void cancelled_cb(uv_random_t* req, int status, void* at,
                         size_t length) {
  (void) req;
  ASSERT_EQ(status, UV_ECANCELED);
  ASSERT_PTR_EQ(at, buf);
  ASSERT_EQ(length, sizeof(buf));
  done++;
}

TEST(random_cancel) {
  uv_loop_t loop;
  uv_random_t req;
  struct holder holder;

  ASSERT_OK(uv_loop_init(&loop));
  hold_the_only_worker(&loop, &holder);
  ASSERT_OK(uv_random(&loop, &req, buf, sizeof(buf), 0, cancelled_cb));
  ASSERT_OK(uv_cancel((uv_req_t*) &req));
  ASSERT_EQ(done, 0);
  holder_release(&holder);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(done, 1);
  ASSERT_MEM_EQ(buf, zeroes, sizeof(buf));
  CLOSE_LOOP(&loop);
}
