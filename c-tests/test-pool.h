/* Work that keeps a worker of the pool busy until the test releases it. Requests
 * behind it stay queued. */
#ifndef OXUV_TEST_POOL_H
#define OXUV_TEST_POOL_H

#include "test-callbacks.h"

struct holder {
  uv_work_t req;
  uv_sem_t taken;
  uv_sem_t release;
  int held; /* 1 after its callback */
};

static void holder_work(uv_work_t* req) {
  struct holder* h = req->data;
  uv_sem_post(&h->taken);
  uv_sem_wait(&h->release);
}

static void holder_cb(uv_work_t* req, int status) {
  struct holder* h = req->data;
  ASSERT_OK(status);
  uv_sem_destroy(&h->taken);
  uv_sem_destroy(&h->release);
  h->held = 1;
}

static void holder_start(uv_loop_t* loop, struct holder* h) {
  h->req.data = h;
  h->held = 0;
  ASSERT_OK(uv_sem_init(&h->taken, 0));
  ASSERT_OK(uv_sem_init(&h->release, 0));
  ASSERT_OK(uv_queue_work(loop, &h->req, holder_work, holder_cb));
}

static void holder_release(struct holder* h) {
  uv_sem_post(&h->release);
}

/* One worker, and it is busy. */
static void hold_the_only_worker(uv_loop_t* loop, struct holder* h) {
  ASSERT_EQ(setenv("UV_THREADPOOL_SIZE", "1", 1), 0);
  holder_start(loop, h);
  uv_sem_wait(&h->taken);
}

#endif
