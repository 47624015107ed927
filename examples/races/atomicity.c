/* An atomicity race: a deposit reads the balance in one callback and writes it in the next, and another deposit
 * comes between. It seems to work because the second has more to do before. Prints the balance; the status is 3 if
 * a deposit is lost. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

struct deposit {
  uv_fs_t request;
  int amount;
  int checks; /* how often the account's owner is looked up before */
  char text[16];
};

static uv_file account;

static void on_written(uv_fs_t* request) {
  uv_fs_req_cleanup(request);
}

static void on_read(uv_fs_t* request) {
  struct deposit* deposit = request->data;
  uv_buf_t buffer;

  uv_fs_req_cleanup(request);
  /* What was read may be old by now. */
  buffer = uv_buf_init(deposit->text, (unsigned) snprintf(deposit->text, sizeof(deposit->text), "%08d",
                                                          atoi(deposit->text) + deposit->amount));
  uv_fs_write(uv_default_loop(), request, account, &buffer, 1, 0, on_written);
}

static void next(uv_fs_t* request) {
  struct deposit* deposit = request->data;

  uv_fs_req_cleanup(request);
  if (deposit->checks-- > 0) {
    uv_fs_stat(uv_default_loop(), request, ".", next);
  } else {
    uv_buf_t buffer = uv_buf_init(deposit->text, 8);
    uv_fs_read(uv_default_loop(), request, account, &buffer, 1, 0, on_read);
  }
}

int main(void) {
  static struct deposit deposits[] = {{.amount = 10, .checks = 0}, {.amount = 5, .checks = 2}};
  char path[] = "account-XXXXXX", text[16] = "";
  uv_fs_t request;
  uv_buf_t buffer = uv_buf_init("00000100", 8);
  int i;

  /* The program believes that one thread does one thing at a time. */
  uv_os_setenv("UV_THREADPOOL_SIZE", "1");
  if (uv_fs_mkstemp(NULL, &request, path, NULL) < 0) return 2;
  account = (uv_file) request.result;
  uv_fs_unlink(NULL, &request, request.path, NULL);
  uv_fs_write(NULL, &request, account, &buffer, 1, 0, NULL);

  for (i = 0; i < 2; i++) {
    deposits[i].request.data = &deposits[i];
    next(&deposits[i].request);
  }
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);

  buffer = uv_buf_init(text, 8);
  uv_fs_read(NULL, &request, account, &buffer, 1, 0, NULL);
  printf("%d\n", atoi(text));
  return atoi(text) == 115 ? 0 : 3;
}
