/* Redis PUB/SUB with hiredis, whose adapter puts a connection on a libuv loop.
 * A publisher and three subscribers share one thread. The publisher limits the
 * number of messages without a reply, so that they do not accumulate in memory
 * when it is faster than the server. All disconnect after the last message.
 *   redis-server --port 6379 &
 *   redis_pubsub [port] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include <hiredis/adapters/libuv.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>

enum { SUBSCRIBERS = 3, MESSAGES = 10000, WINDOW = 100 };

static uv_loop_t loop;
static int port = 6379;
static int connected;

static void fail(const char* who, const char* why) {
  fprintf(stderr, "%s: %s\n", who, why);
  exit(1);
}

static void on_connected(const redisAsyncContext* redis, int status) {
  if (status != REDIS_OK) fail("connect", redis->errstr);
  connected = 1;
}

static void on_disconnected(const redisAsyncContext* redis, int status) {
  /* hiredis frees the context after this. */
  if (status != REDIS_OK) fail("connection lost", redis->errstr);
}

static redisAsyncContext* connect_to_redis(void* data) {
  redisAsyncContext* redis = redisAsyncConnect("127.0.0.1", port);

  if (redis == NULL) fail("connect", "out of memory");
  if (redis->err) fail("connect", redis->errstr);
  redis->data = data;
  if (redisLibuvAttach(redis, &loop) != REDIS_OK) fail("attach", "failed");
  redisAsyncSetConnectCallback(redis, on_connected);
  redisAsyncSetDisconnectCallback(redis, on_disconnected);
  return redis;
}

/* ---- Publisher ---------------------------------------------------------- */

static redisAsyncContext* publisher;
static int published;
static int answered;
static long long deliveries; /* as reported by the server */

static void publish_some(void);

static void on_published(redisAsyncContext* redis, void* reply, void* data) {
  redisReply* answer = reply;

  (void) data;
  if (answer == NULL || answer->type != REDIS_REPLY_INTEGER)
    fail("publish", answer == NULL ? redis->errstr : answer->str);
  deliveries += answer->integer;
  answered++;
  publish_some();
}

/* Only queues commands. hiredis writes them when the socket is writable. */
static void publish_some(void) {
  while (published < MESSAGES && published - answered < WINDOW) {
    redisAsyncCommand(publisher, on_published, NULL, "PUBLISH news.%s %d",
                      published % 2 == 0 ? "even" : "odd", published);
    published++;
  }
  if (answered == MESSAGES) redisAsyncDisconnect(publisher);
}

/* ---- Subscribers -------------------------------------------------------- */

struct subscriber {
  const char* command;
  int first; /* the message it expects first, and the step to the next */
  int step;
  int received;
};

static struct subscriber subscribers[SUBSCRIBERS] = {
    {"SUBSCRIBE news.even", 0, 2, 0},
    {"SUBSCRIBE news.odd", 1, 2, 0},
    {"PSUBSCRIBE news.*", 0, 1, 0},
};
static int subscribed;

/* The callback of a subscription is called for each message, until the end of
 * the connection. hiredis frees the reply when this returns. */
static void on_message(redisAsyncContext* redis, void* reply, void* data) {
  struct subscriber* subscriber = data;
  redisReply* message = reply;
  const char* text;
  int expected;

  if (message == NULL) return; /* the connection ends */
  if (message->type != REDIS_REPLY_ARRAY) fail("subscribe", message->str);

  /* ["subscribe", channel, number], then ["message", channel, text], or with
   * a pattern ["psubscribe", ...] and ["pmessage", pattern, channel, text]. */
  if (strstr(message->element[0]->str, "subscribe") != NULL) {
    /* Publishing starts after the last subscription, so none misses a message.
     */
    if (++subscribed == SUBSCRIBERS) publish_some();
    return;
  }
  text = message->element[message->elements - 1]->str;
  expected = subscriber->first + subscriber->received * subscriber->step;
  if (atoi(text) != expected) fail(subscriber->command, "out of order");
  subscriber->received++;
  if (expected + subscriber->step >= MESSAGES) redisAsyncDisconnect(redis);
}

int main(int argc, char** argv) {
  int total = 0;
  int i;

  if (argc > 1) port = atoi(argv[1]);
  if (uv_loop_init(&loop) != 0) fail("uv_loop_init", "failed");

  publisher = connect_to_redis(NULL);
  for (i = 0; i < SUBSCRIBERS; i++)
    redisAsyncCommand(connect_to_redis(&subscribers[i]), on_message,
                      &subscribers[i], subscribers[i].command);

  uv_run(&loop, UV_RUN_DEFAULT);
  /* hiredis 0.14's adapter does not call on_connected when it was refused. */
  if (!connected) fail("connect", "no Redis server listens on this port");
  if (uv_loop_close(&loop) != 0) fail("uv_loop_close", "something is left");

  for (i = 0; i < SUBSCRIBERS; i++) {
    printf("%s: %d messages in order\n", subscribers[i].command,
           subscribers[i].received);
    total += subscribers[i].received;
  }
  printf("%d published, %lld delivered, %d received\n", answered, deliveries,
         total);
  return total == deliveries && total == 2 * MESSAGES ? 0 : 1;
}
