/* 0MQ sockets on the loop, all in one thread: a source distributes tasks to
 * three workers (PUSH to PULL), a sink collects the results (PUSH to PULL) and
 * tells all workers to stop (XPUB to SUB). Workers request their number (REQ to
 * REP). Queues are short, so a fast sender waits until the receiver has room.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include <zmq.h>

enum { WORKERS = 3, TASKS = 10000, QUEUE = 10 };

/* ---- A 0MQ socket on the loop ------------------------------------------- */

/* ZMQ_FD only reports that the state may have changed, and only once: any use
 * of the socket resets it. After a wake-up the program therefore uses the
 * socket until it is neither readable nor writable. */
struct endpoint {
  void* socket;
  uv_poll_t poll;
  uv_idle_t more;
  /* Performs one operation. Returns 0 if none was possible. */
  int (*work)(struct endpoint* endpoint);
  void* data;
};

static void* context;
static uv_loop_t loop;

static void must(int ok, const char* what) {
  if (ok) return;
  fprintf(stderr, "%s: %s\n", what, zmq_strerror(errno));
  exit(1);
}

static int ready(struct endpoint* endpoint, int events) {
  int now;
  size_t size = sizeof(now);

  must(zmq_getsockopt(endpoint->socket, ZMQ_EVENTS, &now, &size) == 0,
       "ZMQ_EVENTS");
  return (now & events) != 0;
}

/* After some operations other handles are served. The idle handle then
 * continues this one. */
static void run(struct endpoint* endpoint);

static void on_more(uv_idle_t* idle) {
  run(idle->data);
}

static void run(struct endpoint* endpoint) {
  int turns;

  for (turns = 0; turns < 50; turns++) {
    if (endpoint->work(endpoint)) continue;
    uv_idle_stop(&endpoint->more);
    return;
  }
  uv_idle_start(&endpoint->more, on_more);
}

static void on_signal(uv_poll_t* poll, int status, int events) {
  (void) events;
  must(status == 0, "poll");
  run(poll->data);
}

static void open_endpoint(struct endpoint* endpoint, int type,
                          int (*work)(struct endpoint*), void* data) {
  int queue = QUEUE;
  int fd;
  size_t size = sizeof(fd);

  endpoint->socket = zmq_socket(context, type);
  must(endpoint->socket != NULL, "zmq_socket");
  zmq_setsockopt(endpoint->socket, ZMQ_SNDHWM, &queue, sizeof(queue));
  zmq_setsockopt(endpoint->socket, ZMQ_RCVHWM, &queue, sizeof(queue));
  must(zmq_getsockopt(endpoint->socket, ZMQ_FD, &fd, &size) == 0, "ZMQ_FD");
  endpoint->work = work;
  endpoint->data = data;
  endpoint->poll.data = endpoint;
  endpoint->more.data = endpoint;
  must(uv_idle_init(&loop, &endpoint->more) == 0, "uv_idle_init");
  must(uv_poll_init(&loop, &endpoint->poll, fd) == 0, "uv_poll_init");
  must(uv_poll_start(&endpoint->poll, UV_READABLE, on_signal) == 0,
       "uv_poll_start");
}

/* 0MQ owns the descriptor, so the poll handle is closed first. */
static void close_endpoint(struct endpoint* endpoint) {
  uv_close((uv_handle_t*) &endpoint->more, NULL);
  uv_close((uv_handle_t*) &endpoint->poll, NULL);
  must(zmq_close(endpoint->socket) == 0, "zmq_close");
}

/* Binds to a free port. */
static void listen_on(struct endpoint* endpoint, char* address, size_t size) {
  must(zmq_bind(endpoint->socket, "tcp://127.0.0.1:*") == 0, "zmq_bind");
  zmq_getsockopt(endpoint->socket, ZMQ_LAST_ENDPOINT, address, &size);
}

static void connect_to(struct endpoint* endpoint, const char* address) {
  must(zmq_connect(endpoint->socket, address) == 0, "zmq_connect");
}

/* ---- The source, and the socket that assigns numbers --------------------- */

static struct endpoint source, office;
static char source_address[64], office_address[64];
static int dealt_out, numbers;

static int deal_out(struct endpoint* endpoint) {
  if (dealt_out == TASKS || !ready(endpoint, ZMQ_POLLOUT)) return 0;
  dealt_out++;
  must(zmq_send(endpoint->socket, &dealt_out, sizeof(dealt_out),
                ZMQ_DONTWAIT) >= 0, "send a task");
  return 1;
}

static int give_number(struct endpoint* endpoint) {
  char question[16];

  if (!ready(endpoint, ZMQ_POLLIN)) return 0;
  zmq_recv(endpoint->socket, question, sizeof(question), ZMQ_DONTWAIT);
  numbers++;
  must(zmq_send(endpoint->socket, &numbers, sizeof(numbers), ZMQ_DONTWAIT) >= 0,
       "send a number");
  return 1;
}

/* ---- The sink ----------------------------------------------------------- */

static struct endpoint sink, control;
static char sink_address[64], control_address[64];
static int results, listeners;
static unsigned long long sum;

static void stop_if_done(void) {
  /* A worker without a subscription would miss the message. */
  if (results < TASKS || listeners < WORKERS) return;
  must(zmq_send(control.socket, "stop", 4, ZMQ_DONTWAIT) >= 0, "send stop");
  close_endpoint(&source);
  close_endpoint(&office);
  close_endpoint(&sink);
  close_endpoint(&control);
}

static int collect(struct endpoint* endpoint) {
  unsigned long long result;

  if (results == TASKS || !ready(endpoint, ZMQ_POLLIN)) return 0;
  must(zmq_recv(endpoint->socket, &result, sizeof(result), ZMQ_DONTWAIT) ==
           sizeof(result), "receive a result");
  sum += result;
  results++;
  stop_if_done();
  return results < TASKS;
}

/* An XPUB socket receives the subscriptions: a byte 1, then the prefix. */
static int count_listeners(struct endpoint* endpoint) {
  char subscription[16];

  if (listeners == WORKERS || !ready(endpoint, ZMQ_POLLIN)) return 0;
  zmq_recv(endpoint->socket, subscription, sizeof(subscription), ZMQ_DONTWAIT);
  listeners++;
  stop_if_done();
  return listeners < WORKERS;
}

/* ---- The workers -------------------------------------------------------- */

struct worker {
  struct endpoint ask, in, out, stop;
  int number;
};

static struct worker workers[WORKERS];
static int stopped;

/* Takes a task only if its result can be sent. */
static int do_task(struct endpoint* endpoint) {
  struct worker* worker = endpoint->data;
  unsigned long long result;
  int task;

  if (!ready(&worker->in, ZMQ_POLLIN) || !ready(&worker->out, ZMQ_POLLOUT))
    return 0;
  must(zmq_recv(worker->in.socket, &task, sizeof(task), ZMQ_DONTWAIT) ==
           sizeof(task), "receive a task");
  result = (unsigned long long) task * (unsigned long long) task;
  must(zmq_send(worker->out.socket, &result, sizeof(result), ZMQ_DONTWAIT) >= 0,
       "send a result");
  return 1;
}

static int hear_stop(struct endpoint* endpoint) {
  struct worker* worker = endpoint->data;

  if (!ready(endpoint, ZMQ_POLLIN)) return 0;
  close_endpoint(&worker->ask);
  close_endpoint(&worker->in);
  close_endpoint(&worker->out);
  close_endpoint(&worker->stop);
  stopped++;
  return 0;
}

static int get_number(struct endpoint* endpoint) {
  struct worker* worker = endpoint->data;

  if (worker->number != 0 || !ready(endpoint, ZMQ_POLLIN)) return 0;
  zmq_recv(endpoint->socket, &worker->number, sizeof(worker->number),
           ZMQ_DONTWAIT);
  connect_to(&worker->out, sink_address);
  connect_to(&worker->in, source_address);
  run(&worker->in); /* connecting also used the socket */
  return 0;
}

static void start_worker(struct worker* worker) {
  open_endpoint(&worker->ask, ZMQ_REQ, get_number, worker);
  open_endpoint(&worker->in, ZMQ_PULL, do_task, worker);
  open_endpoint(&worker->out, ZMQ_PUSH, do_task, worker);
  open_endpoint(&worker->stop, ZMQ_SUB, hear_stop, worker);
  zmq_setsockopt(worker->stop.socket, ZMQ_SUBSCRIBE, "", 0);
  connect_to(&worker->stop, control_address);
  run(&worker->stop);
  connect_to(&worker->ask, office_address);
  zmq_send(worker->ask.socket, "number?", 7, ZMQ_DONTWAIT);
  run(&worker->ask);
}

int main(void) {
  int verbose = 1; /* every subscription, not only the first to a prefix */
  int i;

  must(uv_loop_init(&loop) == 0, "uv_loop_init");
  context = zmq_ctx_new();
  must(context != NULL, "zmq_ctx_new");

  open_endpoint(&source, ZMQ_PUSH, deal_out, NULL);
  open_endpoint(&office, ZMQ_REP, give_number, NULL);
  open_endpoint(&sink, ZMQ_PULL, collect, NULL);
  open_endpoint(&control, ZMQ_XPUB, count_listeners, NULL);
  must(zmq_setsockopt(control.socket, ZMQ_XPUB_VERBOSE, &verbose,
                      sizeof(verbose)) == 0, "ZMQ_XPUB_VERBOSE");
  listen_on(&source, source_address, sizeof(source_address));
  listen_on(&office, office_address, sizeof(office_address));
  listen_on(&sink, sink_address, sizeof(sink_address));
  listen_on(&control, control_address, sizeof(control_address));
  for (i = 0; i < WORKERS; i++) start_worker(&workers[i]);

  uv_run(&loop, UV_RUN_DEFAULT);
  must(uv_loop_close(&loop) == 0, "uv_loop_close");
  zmq_ctx_term(context);

  for (i = 0; i < WORKERS; i++)
    must(workers[i].number >= 1 && workers[i].number <= WORKERS, "numbers");
  printf("%d tasks, %d results, their sum %llu\n", dealt_out, results, sum);
  printf("%d workers were told to stop, %d did\n", listeners, stopped);
  return 0;
}
