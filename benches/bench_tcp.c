/* TCP over loopback. The server stops listening after the expected number of
 * connections, so its loop ends with the last of them. */
#include "bench.h"

#include <pthread.h>

static const char* metric;

/* ---- The server --------------------------------------------------------- */

enum service {
  SERVE_ECHO,    /* write back what was read */
  SERVE_DISCARD, /* only read */
  SERVE_HANG_UP  /* close each connection as soon as it is accepted */
};

struct server {
  uv_loop_t* loop;
  uv_tcp_t listener;
  pthread_t thread;
  struct sockaddr_in address;
  int connections_left;
  enum service service;
  char buffer[64 * 1024]; /* every read is processed before the next one */
};

struct echo_write {
  uv_write_t req;
  char data[];
};

static void free_handle(uv_handle_t* handle) {
  free(handle);
}

static void server_alloc(uv_handle_t* handle, size_t size, uv_buf_t* buf) {
  struct server* server = handle->data;
  (void) size;
  *buf = uv_buf_init(server->buffer, sizeof(server->buffer));
}

static void on_echo_written(uv_write_t* req, int status) {
  CHECK(status == 0);
  free(req);
}

static void on_server_read(uv_stream_t* stream,
                           ssize_t nread,
                           const uv_buf_t* buf) {
  struct server* server = stream->data;
  struct echo_write* write;
  uv_buf_t out;

  if (nread < 0) {
    CHECK(nread == UV_EOF);
    uv_close((uv_handle_t*) stream, free_handle);
    return;
  }
  if (server->service == SERVE_DISCARD || nread == 0) return;
  write = malloc(sizeof(*write) + nread);
  CHECK(write != NULL);
  memcpy(write->data, buf->base, nread);
  out = uv_buf_init(write->data, nread);
  CHECK(uv_write(&write->req, stream, &out, 1, on_echo_written) == 0);
}

static void on_connection(uv_stream_t* listener, int status) {
  struct server* server = listener->data;
  uv_tcp_t* peer = malloc(sizeof(*peer));

  CHECK(status == 0 && peer != NULL);
  CHECK(uv_tcp_init(listener->loop, peer) == 0);
  CHECK(uv_accept(listener, (uv_stream_t*) peer) == 0);
  peer->data = server;
  if (server->service == SERVE_HANG_UP)
    uv_close((uv_handle_t*) peer, free_handle);
  else
    CHECK(uv_read_start((uv_stream_t*) peer, server_alloc, on_server_read) ==
          0);
  if (--server->connections_left == 0) uv_close((uv_handle_t*) listener, NULL);
}

static void server_listen(struct server* server,
                          uv_loop_t* loop,
                          int connections,
                          enum service service) {
  struct sockaddr_in any;
  int length = sizeof(server->address);

  server->loop = loop;
  server->connections_left = connections;
  server->service = service;
  CHECK(uv_ip4_addr("127.0.0.1", 0, &any) == 0);
  CHECK(uv_tcp_init(loop, &server->listener) == 0);
  server->listener.data = server;
  CHECK(uv_tcp_bind(&server->listener, (const struct sockaddr*) &any, 0) == 0);
  CHECK(uv_listen((uv_stream_t*) &server->listener, 1024, on_connection) == 0);
  CHECK(uv_tcp_getsockname(&server->listener,
                           (struct sockaddr*) &server->address, &length) == 0);
}

static void* run_server(void* arg) {
  struct server* server = arg;
  CHECK(uv_run(server->loop, UV_RUN_DEFAULT) == 0);
  return NULL;
}

/* Runs the client's loop, with the server in a thread of its own if it has
 * another loop, and reports. */
static void run_both(struct server* server,
                     uv_loop_t* loop,
                     double amount,
                     const char* unit) {
  struct stopwatch watch = {0};
  int threaded = server->loop != loop;

  stopwatch_start(&watch);
  if (threaded)
    CHECK(pthread_create(&server->thread, NULL, run_server, server) == 0);
  CHECK(uv_run(loop, UV_RUN_DEFAULT) == 0);
  if (threaded) CHECK(pthread_join(server->thread, NULL) == 0);
  stopwatch_stop(&watch);
  bench_report(metric, amount, unit, &watch);
}

/* ---- Clients that send a message and wait for its echo ------------------ */

enum { MESSAGE = 64 };

static int messages_left;

struct pinger {
  uv_tcp_t tcp;
  uv_connect_t connect;
  char message[MESSAGE];
  size_t echoed;
  char buffer[MESSAGE];
};

static void on_ping_written(uv_write_t* req, int status) {
  CHECK(status == 0);
  free(req);
}

/* The echo may arrive before the write's callback, so each message has a
 * request of its own. */
static void ping(struct pinger* pinger) {
  uv_buf_t buf = uv_buf_init(pinger->message, MESSAGE);
  uv_write_t* write;

  if (messages_left == 0) {
    uv_close((uv_handle_t*) &pinger->tcp, NULL);
    return;
  }
  messages_left--;
  pinger->echoed = 0;
  write = malloc(sizeof(*write));
  CHECK(write != NULL);
  CHECK(uv_write(write, (uv_stream_t*) &pinger->tcp, &buf, 1,
                 on_ping_written) == 0);
}

static void pinger_alloc(uv_handle_t* handle, size_t size, uv_buf_t* buf) {
  struct pinger* pinger = handle->data;
  (void) size;
  *buf = uv_buf_init(pinger->buffer, MESSAGE);
}

static void on_pong(uv_stream_t* stream, ssize_t nread, const uv_buf_t* buf) {
  struct pinger* pinger = stream->data;

  CHECK(nread >= 0 && pinger->echoed + nread <= MESSAGE);
  CHECK(memcmp(buf->base, pinger->message + pinger->echoed, nread) == 0);
  pinger->echoed += nread;
  if (pinger->echoed == MESSAGE) ping(pinger);
}

static void on_pinger_connected(uv_connect_t* req, int status) {
  struct pinger* pinger = req->handle->data;

  CHECK(status == 0);
  CHECK(uv_read_start(req->handle, pinger_alloc, on_pong) == 0);
  ping(pinger);
}

static void ping_pong(int connections, int threaded, int messages) {
  struct pinger* pingers = calloc(connections, sizeof(*pingers));
  struct server* server = calloc(1, sizeof(*server));
  uv_loop_t loop, server_loop;
  int i;

  CHECK(pingers != NULL && server != NULL);
  CHECK(uv_loop_init(&loop) == 0);
  CHECK(uv_loop_init(&server_loop) == 0);
  server_listen(server, threaded ? &server_loop : &loop, connections,
                SERVE_ECHO);
  messages_left = messages;
  for (i = 0; i < connections; i++) {
    memset(pingers[i].message, 'a' + i % 26, MESSAGE);
    CHECK(uv_tcp_init(&loop, &pingers[i].tcp) == 0);
    CHECK(uv_tcp_nodelay(&pingers[i].tcp, 1) == 0);
    pingers[i].tcp.data = &pingers[i];
    CHECK(uv_tcp_connect(&pingers[i].connect, &pingers[i].tcp,
                         (const struct sockaddr*) &server->address,
                         on_pinger_connected) == 0);
  }
  run_both(server, &loop, messages, "round trips");
  bench_close_loop(&loop);
  bench_close_loop(&server_loop);
  free(server);
  free(pingers);
}

BENCH(tcp_ping_pong) {
  metric = "tcp_ping_pong";
  ping_pong(1, 0, bench_count(50000));
}

BENCH(tcp_ping_pong_2threads) {
  metric = "tcp_ping_pong_2threads";
  ping_pong(1, 1, bench_count(30000));
}

BENCH(tcp_echo_100) {
  metric = "tcp_echo_100";
  ping_pong(100, 1, bench_count(150000));
}

BENCH(tcp_echo_1000) {
  bench_need_files(2100);
  metric = "tcp_echo_1000";
  ping_pong(1000, 1, bench_count(150000));
}

/* ---- One way, at full speed --------------------------------------------- */

enum { CHUNK = 64 * 1024, WRITES_IN_FLIGHT = 4 };

static int chunks_left;
static int chunks_pending;
static char chunk[CHUNK];

static void on_chunk_written(uv_write_t* req, int status);

static void write_chunk(uv_write_t* req, uv_stream_t* stream) {
  uv_buf_t buf = uv_buf_init(chunk, CHUNK);

  chunks_left--;
  chunks_pending++;
  CHECK(uv_write(req, stream, &buf, 1, on_chunk_written) == 0);
}

static void on_chunk_written(uv_write_t* req, int status) {
  CHECK(status == 0);
  chunks_pending--;
  if (chunks_left > 0)
    write_chunk(req, req->handle);
  else if (chunks_pending == 0)
    uv_close((uv_handle_t*) req->handle, NULL);
}

static void on_pump_connected(uv_connect_t* req, int status) {
  static uv_write_t writes[WRITES_IN_FLIGHT];
  int i;

  CHECK(status == 0);
  for (i = 0; i < WRITES_IN_FLIGHT; i++) write_chunk(&writes[i], req->handle);
}

BENCH(tcp_pump) {
  int chunks = bench_count(20000);
  struct server* server = calloc(1, sizeof(*server));
  uv_loop_t loop, server_loop;
  uv_connect_t connect;
  uv_tcp_t tcp;

  CHECK(server != NULL);
  CHECK(uv_loop_init(&loop) == 0);
  CHECK(uv_loop_init(&server_loop) == 0);
  server_listen(server, &server_loop, 1, SERVE_DISCARD);
  chunks_left = chunks;
  CHECK(uv_tcp_init(&loop, &tcp) == 0);
  CHECK(uv_tcp_connect(&connect, &tcp,
                       (const struct sockaddr*) &server->address,
                       on_pump_connected) == 0);
  metric = "tcp_pump";
  run_both(server, &loop, (double) chunks * CHUNK / (1024 * 1024), "MiB");
  bench_close_loop(&loop);
  bench_close_loop(&server_loop);
  free(server);
}

/* ---- Connect, accept, close --------------------------------------------- */

enum { CHURNERS = 8 };

static int connects_left;

struct churner {
  uv_tcp_t tcp;
  uv_connect_t connect;
  const struct sockaddr* address;
};

static void on_churn_closed(uv_handle_t* handle);

static void churn_alloc(uv_handle_t* handle, size_t size, uv_buf_t* buf) {
  static char byte;
  (void) handle;
  (void) size;
  *buf = uv_buf_init(&byte, 1);
}

static void on_hang_up(uv_stream_t* stream, ssize_t n, const uv_buf_t* buf) {
  (void) buf;
  CHECK(n == UV_EOF);
  uv_close((uv_handle_t*) stream, on_churn_closed);
}

static void on_churn_connected(uv_connect_t* req, int status) {
  CHECK(status == 0);
  CHECK(uv_read_start(req->handle, churn_alloc, on_hang_up) == 0);
}

static void churn(uv_loop_t* loop, struct churner* churner) {
  if (connects_left == 0) return;
  connects_left--;
  CHECK(uv_tcp_init(loop, &churner->tcp) == 0);
  churner->tcp.data = churner;
  CHECK(uv_tcp_connect(&churner->connect, &churner->tcp, churner->address,
                       on_churn_connected) == 0);
}

static void on_churn_closed(uv_handle_t* handle) {
  churn(handle->loop, handle->data);
}

/* Waiting for the server's close keeps the listener's backlog short; if it
 * overflowed, this would measure the kernel's SYN retransmission timer. */
BENCH(tcp_churn) {
  int connections = bench_count(12000);
  struct server* server = calloc(1, sizeof(*server));
  struct churner churners[CHURNERS];
  uv_loop_t loop;
  int i;

  CHECK(server != NULL);
  CHECK(uv_loop_init(&loop) == 0);
  server_listen(server, &loop, connections, SERVE_HANG_UP);
  connects_left = connections;
  for (i = 0; i < CHURNERS; i++) {
    churners[i].address = (const struct sockaddr*) &server->address;
    churn(&loop, &churners[i]);
  }
  metric = "tcp_churn";
  run_both(server, &loop, connections, "connections");
  bench_close_loop(&loop);
  free(server);
}
