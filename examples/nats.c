/* NATS through its C client, whose adapter puts the connection on a libuv loop.
 * Messages arrive in threads of the client; a list and an async handle pass
 * them to the loop's thread. The client reconnects to its server by itself:
 * with "wait" the program waits until that has happened.
 *   nats-server --addr 127.0.0.1 --port 4222 &
 *   nats [port [wait]] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include <nats/adapters/libuv.h>
#include <nats/nats.h>

enum { SUBSCRIPTIONS = 3, MESSAGES = 10000, WINDOW = 500 };

static uv_loop_t loop;
static uv_async_t arrival;
static natsConnection* connection;

static void must(int result, const char* what) {
  if (result >= 0) return;
  fprintf(stderr, "%s: %s\n", what, uv_strerror(result));
  exit(1);
}

static void must_nats(natsStatus status, const char* what) {
  if (status == NATS_OK) return;
  fprintf(stderr, "%s: %s\n", what, natsStatus_GetText(status));
  exit(1);
}

/* ---- From the client's threads to the loop ------------------------------- */

struct arrived {
  struct arrived* next;
  natsMsg* message; /* NULL: reconnected */
  void* data;
};

static uv_mutex_t lock;
static struct arrived* first;
static struct arrived** last = &first;

static void pass_on(natsMsg* message, void* data) {
  struct arrived* arrived = malloc(sizeof(*arrived));

  if (arrived == NULL) must(UV_ENOMEM, "malloc");
  arrived->next = NULL;
  arrived->message = message;
  arrived->data = data;
  uv_mutex_lock(&lock);
  *last = arrived;
  last = &arrived->next;
  uv_mutex_unlock(&lock);
  uv_async_send(&arrival);
}

static void on_message(natsConnection* nats, natsSubscription* subscription,
                       natsMsg* message, void* data) {
  (void) nats;
  (void) subscription;
  pass_on(message, data);
}

static void on_reconnected(natsConnection* nats, void* data) {
  (void) nats;
  pass_on(NULL, data);
}

/* ---- In the loop's thread ----------------------------------------------- */

struct subscriber {
  const char* subject;
  const char* queue; /* members of a queue share the messages */
  natsSubscription* subscription;
  int received;
};

static struct subscriber subscribers[SUBSCRIPTIONS] = {
    {"news.>", NULL, NULL, 0},
    {"news.*", "workers", NULL, 0},
    {"news.*", "workers", NULL, 0},
};
static int published, received;
static int waits;

static void publish_some(void) {
  while (published < MESSAGES && 2 * published - received < 2 * WINDOW) {
    char subject[32], text[16];

    if (waits && published == MESSAGES / 2) {
      if (received < 2 * published) return;
      printf("half of it, waiting for a new connection\n");
      fflush(stdout);
      waits = 0;
      return;
    }
    snprintf(subject, sizeof(subject), "news.%d", published % 10);
    snprintf(text, sizeof(text), "%d", published);
    must_nats(natsConnection_PublishString(connection, subject, text),
              "publish");
    published++;
  }
}

static void receive(struct subscriber* subscriber, natsMsg* message) {
  int number = atoi(natsMsg_GetData(message));

  /* The first one receives all of them, in order. */
  if (subscriber->queue == NULL && number != subscriber->received) {
    fprintf(stderr, "%d instead of %d\n", number, subscriber->received);
    exit(1);
  }
  subscriber->received++;
  received++;
  natsMsg_Destroy(message);
}

static void on_arrival(uv_async_t* async) {
  struct arrived *arrived, *next;
  int i;

  uv_mutex_lock(&lock);
  arrived = first;
  first = NULL;
  last = &first;
  uv_mutex_unlock(&lock);

  for (; arrived != NULL; arrived = next) {
    next = arrived->next;
    if (arrived->message != NULL)
      receive(arrived->data, arrived->message);
    else
      printf("connected again\n");
    free(arrived);
  }
  publish_some();
  if (received < 2 * MESSAGES) return;
  for (i = 0; i < SUBSCRIPTIONS; i++)
    natsSubscription_Destroy(subscribers[i].subscription);
  natsConnection_Close(connection); /* removes its handles from the loop */
  uv_close((uv_handle_t*) async, NULL);
}

int main(int argc, char** argv) {
  natsOptions* options;
  char url[64];
  int i;

  waits = argc > 2 && strcmp(argv[2], "wait") == 0;
  snprintf(url, sizeof(url), "nats://127.0.0.1:%s",
           argc > 1 ? argv[1] : "4222");
  must(uv_loop_init(&loop), "uv_loop_init");
  must(uv_mutex_init(&lock), "uv_mutex_init");
  must(uv_async_init(&loop, &arrival, on_arrival), "uv_async_init");

  natsLibuv_Init();
  natsLibuv_SetThreadLocalLoop(&loop); /* this is the loop's thread */
  must_nats(natsOptions_Create(&options), "options");
  natsOptions_SetURL(options, url);
  natsOptions_SetMaxReconnect(options, 1000);
  natsOptions_SetReconnectWait(options, 20); /* milliseconds */
  natsOptions_SetReconnectedCB(options, on_reconnected, NULL);
  must_nats(natsOptions_SetEventLoop(options, &loop, natsLibuv_Attach,
                                     natsLibuv_Read, natsLibuv_Write,
                                     natsLibuv_Detach),
            "event loop");
  must_nats(natsConnection_Connect(&connection, options), "connect");
  for (i = 0; i < SUBSCRIPTIONS; i++) {
    struct subscriber* subscriber = &subscribers[i];

    must_nats(subscriber->queue == NULL
                  ? natsConnection_Subscribe(&subscriber->subscription,
                                             connection, subscriber->subject,
                                             on_message, subscriber)
                  : natsConnection_QueueSubscribe(
                        &subscriber->subscription, connection,
                        subscriber->subject, subscriber->queue, on_message,
                        subscriber),
              "subscribe");
  }
  publish_some();

  must(uv_run(&loop, UV_RUN_DEFAULT), "uv_run");
  must(uv_loop_close(&loop), "uv_loop_close");
  natsConnection_Destroy(connection);
  natsOptions_Destroy(options);
  nats_Close();
  uv_mutex_destroy(&lock);

  printf("%d messages published\n", published);
  printf("%d received by the one who hears all, %d by the queue\n",
         subscribers[0].received,
         subscribers[1].received + subscribers[2].received);
  return 0;
}
