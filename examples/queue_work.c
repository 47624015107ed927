/* Long work runs on the thread pool; its result is passed back to the loop's
 * thread. */
#include <stdio.h>
#include <uv.h>

struct sum {
  uv_work_t req;
  unsigned long long limit;
  unsigned long long result;
};

/* Runs in a worker thread. The only libuv function allowed here is
 * uv_async_send. */
static void work(uv_work_t* req) {
  struct sum* sum = req->data;
  unsigned long long i;

  sum->result = 0;
  for (i = 1; i <= sum->limit; i++) sum->result += i;
}

/* Runs in the loop's thread. */
static void after_work(uv_work_t* req, int status) {
  struct sum* sum = req->data;

  if (status == UV_ECANCELED)
    printf("1 + ... + %llu: cancelled\n", sum->limit);
  else
    printf("1 + ... + %llu = %llu\n", sum->limit, sum->result);
}

int main(void) {
  uv_loop_t* loop = uv_default_loop();
  struct sum sums[3];
  int i;

  for (i = 0; i < 3; i++) {
    sums[i].req.data = &sums[i];
    sums[i].limit = 1000000ull * (unsigned) (i + 1);
    uv_queue_work(loop, &sums[i].req, work, after_work);
  }
  uv_run(loop, UV_RUN_DEFAULT);
  return uv_loop_close(loop);
}
