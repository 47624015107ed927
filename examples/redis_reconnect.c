/* A Redis subscriber that survives the end of its server. A timer starts every
 * attempt until there is a subscription, each after twice the delay of the one
 * before. Redis does not keep messages for clients that are not connected. The
 * message "quit" ends the program.
 *   redis_reconnect [port]
 *   redis-cli publish news hello */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include <hiredis/adapters/libuv.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>

enum { FIRST_DELAY = 50, LONGEST_DELAY = 2000 }; /* milliseconds */

static uv_timer_t retry;
static uint64_t delay = FIRST_DELAY;
static redisAsyncContext* redis;
static int port = 6379;
static int received;
static int done;

static void on_message(redisAsyncContext* context, void* reply, void* data) {
  redisReply* message = reply;

  (void) data;
  if (message == NULL || message->type != REDIS_REPLY_ARRAY) return;
  if (strcmp(message->element[0]->str, "subscribe") == 0) {
    printf("subscribed\n");
    fflush(stdout);
    uv_timer_stop(&retry);
    delay = FIRST_DELAY;
  } else if (strcmp(message->element[2]->str, "quit") == 0) {
    done = 1;
    redisAsyncDisconnect(context);
  } else {
    received++;
  }
}

static void on_connected(const redisAsyncContext* context, int status) {
  (void) context;
  if (status != REDIS_OK) redis = NULL; /* hiredis frees it after this */
}

static void on_retry(uv_timer_t* timer);

static void on_disconnected(const redisAsyncContext* context, int status) {
  (void) context;
  (void) status;
  redis = NULL; /* freed as above */
  printf("disconnected after %d messages\n", received);
  fflush(stdout);
  if (done)
    uv_close((uv_handle_t*) &retry, NULL);
  else
    uv_timer_start(&retry, on_retry, delay, 0);
}

static void on_retry(uv_timer_t* timer) {
  /* The previous attempt took too long, or was refused, which hiredis 0.14's
   * adapter does not report. */
  if (redis != NULL) {
    redisAsyncFree(redis);
    fprintf(stderr, "no answer on port %d, trying again\n", port);
  }

  uv_timer_start(timer, on_retry, delay, 0);
  delay = delay * 2 < LONGEST_DELAY ? delay * 2 : LONGEST_DELAY;

  redis = redisAsyncConnect("127.0.0.1", port);
  if (redis == NULL) return;
  if (redis->err || redisLibuvAttach(redis, timer->loop) != REDIS_OK) return;
  redisAsyncSetConnectCallback(redis, on_connected);
  redisAsyncSetDisconnectCallback(redis, on_disconnected);
  redisAsyncCommand(redis, on_message, NULL, "SUBSCRIBE news");
}

int main(int argc, char** argv) {
  uv_loop_t loop;

  if (argc > 1) port = atoi(argv[1]);
  if (uv_loop_init(&loop) != 0) return 1;
  uv_timer_init(&loop, &retry);
  on_retry(&retry);
  uv_run(&loop, UV_RUN_DEFAULT);
  return uv_loop_close(&loop) == 0 ? 0 : 1;
}
