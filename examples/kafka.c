/* Kafka through librdkafka, which has its own threads and writes a byte to a
 * descriptor when an element is added to one of its empty queues. The
 * descriptor is a pipe whose other end is on the loop, so all callbacks run in
 * the loop's thread. A producer sends to a topic with three partitions. Two
 * consumers, in a group each, receive all messages. The brokers are
 * librdkafka's mock cluster, in this process; one of them is down for a while.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

enum { BROKERS = 3, PARTITIONS = 3, CONSUMERS = 2, MESSAGES = 10000 };

static const char topic[] = "ticks";
static uv_loop_t loop;

static void must(int result, const char* what) {
  if (result >= 0) return;
  fprintf(stderr, "%s: %s\n", what, uv_strerror(result));
  exit(1);
}

static void must_kafka(rd_kafka_resp_err_t error, const char* what) {
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return;
  fprintf(stderr, "%s: %s\n", what, rd_kafka_err2str(error));
  exit(1);
}

/* ---- A queue of librdkafka on the loop ---------------------------------- */

struct client {
  rd_kafka_t* kafka;
  rd_kafka_queue_t* queue;
  uv_pipe_t wakeup;
  uv_file wakeup_end; /* librdkafka's */
  uv_idle_t more;
  uv_work_t leaving;
  /* Serves one element of the queue. Returns 0 if it was empty. */
  int (*serve)(struct client* client);
};

/* The byte arrives when an empty queue gets its first element, so the queue
 * must be served until it is empty. The work is spread over iterations of the
 * loop, so that other handles are served too. */
static void serve_some(uv_idle_t* idle) {
  struct client* client = idle->data;
  int i;

  for (i = 0; i < 100; i++) {
    if (client->serve(client)) continue;
    uv_idle_stop(idle);
    return;
  }
}

static void on_alloc(uv_handle_t* handle, size_t suggested, uv_buf_t* buf) {
  static char memory[64]; /* the number of bytes does not matter */

  (void) handle;
  (void) suggested;
  *buf = uv_buf_init(memory, sizeof(memory));
}

static void on_wakeup(uv_stream_t* pipe, ssize_t nread, const uv_buf_t* buf) {
  struct client* client = pipe->data;

  (void) buf;
  must((int) nread, "read");
  uv_idle_start(&client->more, serve_some);
}

static void set(rd_kafka_conf_t* conf, const char* name, const char* value) {
  char error[256];

  if (rd_kafka_conf_set(conf, name, value, error, sizeof(error)) ==
      RD_KAFKA_CONF_OK)
    return;
  fprintf(stderr, "%s\n", error);
  exit(1);
}

static void create_kafka(struct client* client, rd_kafka_type_t type,
                         rd_kafka_conf_t* conf) {
  char error[256];

  set(conf, "log_level", "2"); /* does not log that a broker is down */
  rd_kafka_conf_set_opaque(conf, client);
  client->kafka = rd_kafka_new(type, conf, error, sizeof(error));
  if (client->kafka != NULL) return;
  fprintf(stderr, "%s\n", error);
  exit(1);
}

static void watch_queue(struct client* client, rd_kafka_queue_t* queue,
                        int (*serve)(struct client*)) {
  uv_file ends[2];

  client->queue = queue;
  client->serve = serve;
  must(uv_pipe(ends, UV_NONBLOCK_PIPE, UV_NONBLOCK_PIPE), "uv_pipe");
  must(uv_pipe_init(&loop, &client->wakeup, 0), "uv_pipe_init");
  must(uv_pipe_open(&client->wakeup, ends[0]), "uv_pipe_open");
  must(uv_idle_init(&loop, &client->more), "uv_idle_init");
  client->wakeup.data = client;
  client->more.data = client;
  client->wakeup_end = ends[1];
  must(uv_read_start((uv_stream_t*) &client->wakeup, on_alloc, on_wakeup),
       "uv_read_start");
  rd_kafka_queue_io_event_enable(queue, ends[1], "!", 1);
  uv_idle_start(&client->more, serve_some); /* for earlier elements */
}

/* ---- The end of a client ------------------------------------------------ */

/* Leaving a group and flushing block, so they run on the thread pool. */
static void leave(uv_work_t* req) {
  struct client* client = req->data;

  if (rd_kafka_type(client->kafka) == RD_KAFKA_CONSUMER)
    must_kafka(rd_kafka_consumer_close(client->kafka), "close the consumer");
  rd_kafka_queue_destroy(client->queue);
  rd_kafka_destroy(client->kafka);
}

static void one_has_ended(void);

static void after_leave(uv_work_t* req, int status) {
  struct client* client = req->data;
  uv_fs_t close;

  must(status, "leave");
  uv_fs_close(&loop, &close, client->wakeup_end, NULL);
  one_has_ended();
}

static void close_client(struct client* client) {
  rd_kafka_queue_io_event_enable(client->queue, -1, NULL, 0);
  uv_close((uv_handle_t*) &client->wakeup, NULL);
  uv_close((uv_handle_t*) &client->more, NULL);
  client->leaving.data = client;
  must(uv_queue_work(&loop, &client->leaving, leave, after_leave),
       "uv_queue_work");
}

/* ---- The producer, which contains the brokers --------------------------- */

static struct client producer;
static rd_kafka_mock_cluster_t* brokers;
static uv_timer_t outage;
static int produced, delivered;

static void on_outage_over(uv_timer_t* timer) {
  must_kafka(rd_kafka_mock_broker_set_up(brokers, 1), "start a broker");
  uv_close((uv_handle_t*) timer, NULL);
  one_has_ended();
}

/* The brokers end with the producer, so it waits for the consumers and for the
 * end of the outage. */
static void one_has_ended(void) {
  static int ended;

  if (++ended == CONSUMERS + 1) close_client(&producer);
}

/* Fills the producer's queue. When it is full, delivery reports tell that there
 * is room again. */
static void produce_some(void) {
  while (produced < MESSAGES) {
    rd_kafka_resp_err_t error = rd_kafka_producev(
        producer.kafka, RD_KAFKA_V_TOPIC(topic),
        RD_KAFKA_V_PARTITION(produced % PARTITIONS),
        RD_KAFKA_V_VALUE(&produced, sizeof(produced)),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
    if (error == RD_KAFKA_RESP_ERR__QUEUE_FULL) return;
    must_kafka(error, "produce");
    produced++;
  }
}

static void on_delivered(rd_kafka_t* kafka, const rd_kafka_message_t* message,
                         void* opaque) {
  (void) kafka;
  (void) opaque;
  must_kafka(message->err, "deliver");
  delivered++;
  if (delivered == MESSAGES / 2) {
    must_kafka(rd_kafka_mock_broker_set_down(brokers, 1), "stop a broker");
    uv_timer_start(&outage, on_outage_over, 300, 0);
  }
}

static int serve_producer(struct client* client) {
  int served = rd_kafka_poll(client->kafka, 0); /* calls on_delivered */

  produce_some();
  return served;
}

static void start_producer(void) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  char number[16];

  snprintf(number, sizeof(number), "%d", BROKERS);
  set(conf, "test.mock.num.brokers", number); /* else: bootstrap.servers */
  set(conf, "queue.buffering.max.messages", "1000");
  set(conf, "enable.idempotence", "true"); /* in order, and each once */
  set(conf, "linger.ms", "1");
  rd_kafka_conf_set_dr_msg_cb(conf, on_delivered);
  create_kafka(&producer, RD_KAFKA_PRODUCER, conf);
  brokers = rd_kafka_handle_mock_cluster(producer.kafka);
  must_kafka(rd_kafka_mock_topic_create(brokers, topic, PARTITIONS, 1),
             "create the topic");
  must(uv_timer_init(&loop, &outage), "uv_timer_init");
  watch_queue(&producer, rd_kafka_queue_get_main(producer.kafka),
              serve_producer);
}

/* ---- The consumers ------------------------------------------------------ */

struct consumer {
  struct client client;
  int received;
  int next[PARTITIONS]; /* the number expected from each */
};

static struct consumer consumers[CONSUMERS];

static int serve_consumer(struct client* client) {
  struct consumer* consumer = (struct consumer*) client;
  rd_kafka_message_t* message = rd_kafka_consumer_poll(client->kafka, 0);
  int value;

  if (message == NULL) return 0;
  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    memcpy(&value, message->payload, sizeof(value));
    if (value != consumer->next[message->partition]) {
      fprintf(stderr, "%d instead of %d\n", value,
              consumer->next[message->partition]);
      exit(1);
    }
    consumer->next[message->partition] += PARTITIONS;
    consumer->received++;
  } /* librdkafka recovers from other errors by itself. */
  rd_kafka_message_destroy(message);
  if (consumer->received < MESSAGES) return 1;
  close_client(client);
  return 0;
}

static void start_consumer(struct consumer* consumer, int number) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  rd_kafka_topic_partition_list_t* topics;
  char group[16];
  int i;

  snprintf(group, sizeof(group), "group-%d", number);
  set(conf, "bootstrap.servers", rd_kafka_mock_cluster_bootstraps(brokers));
  set(conf, "group.id", group);
  set(conf, "auto.offset.reset", "earliest");
  for (i = 0; i < PARTITIONS; i++) consumer->next[i] = i;
  create_kafka(&consumer->client, RD_KAFKA_CONSUMER, conf);
  rd_kafka_poll_set_consumer(consumer->client.kafka);
  watch_queue(&consumer->client,
              rd_kafka_queue_get_consumer(consumer->client.kafka),
              serve_consumer);
  topics = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(topics, topic, RD_KAFKA_PARTITION_UA);
  must_kafka(rd_kafka_subscribe(consumer->client.kafka, topics), "subscribe");
  rd_kafka_topic_partition_list_destroy(topics);
}

int main(void) {
  int i;

  must(uv_loop_init(&loop), "uv_loop_init");
  start_producer();
  for (i = 0; i < CONSUMERS; i++) start_consumer(&consumers[i], i + 1);
  must(uv_run(&loop, UV_RUN_DEFAULT), "uv_run");
  must(uv_loop_close(&loop), "uv_loop_close");

  printf("%d messages produced, %d delivered\n", produced, delivered);
  for (i = 0; i < CONSUMERS; i++)
    printf("consumer %d: %d messages, each once and in order\n", i + 1,
           consumers[i].received);
  return 0;
}
