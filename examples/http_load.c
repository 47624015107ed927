/* Keep-alive HTTP clients on one loop, with http_parser: each sends a request,
 * checks the response and sends the next. Every tenth request is a POST whose
 * body must come back. The server is http_server.
 *   http_load [port [connections [requests on each]]] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include <http_parser.h>

enum { BODY_SIZE = 20000 };

struct client {
  uv_tcp_t tcp;
  uv_connect_t connect;
  uv_write_t write;
  http_parser parser;
  int answers;
  int waiting;     /* for the write's callback, for the response, or for both */
  size_t received; /* of the body */
  char head[128];
};

static http_parser_settings settings;
static const char hello[] = "Hello from the loop.\n";
static char body[BODY_SIZE];
static int requests = 50;
static long answers, bytes;

static void must(int result, const char* what) {
  if (result >= 0) return;
  fprintf(stderr, "%s: %s\n", what, uv_strerror(result));
  exit(1);
}

static void fail(const char* what) {
  fprintf(stderr, "%s\n", what);
  exit(1);
}

static int is_post(const struct client* client) {
  return client->answers % 10 == 9;
}

static void send_request(struct client* client);

static void next_step(struct client* client) {
  if (--client->waiting > 0) return;
  if (++client->answers < requests)
    send_request(client);
  else
    uv_close((uv_handle_t*) &client->tcp, NULL);
}

static void on_written(uv_write_t* req, int status) {
  must(status, "write");
  next_step(req->handle->data);
}

static void send_request(struct client* client) {
  uv_buf_t bufs[2];
  int size;

  if (is_post(client))
    size = snprintf(client->head, sizeof(client->head),
                    "POST /echo HTTP/1.1\r\nHost: localhost\r\n"
                    "Content-Length: %d\r\n\r\n",
                    BODY_SIZE);
  else
    size = snprintf(client->head, sizeof(client->head),
                    "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  bufs[0] = uv_buf_init(client->head, (unsigned int) size);
  bufs[1] = uv_buf_init(body, BODY_SIZE);
  client->received = 0;
  client->waiting = 2;
  must(uv_write(&client->write, (uv_stream_t*) &client->tcp, bufs,
                is_post(client) ? 2 : 1, on_written),
       "uv_write");
}

static int on_body(http_parser* parser, const char* at, size_t size) {
  struct client* client = parser->data;
  const char* expected = is_post(client) ? body : hello;
  size_t expected_size = is_post(client) ? BODY_SIZE : strlen(hello);

  if (client->received + size > expected_size ||
      memcmp(at, expected + client->received, size) != 0)
    fail("a wrong body");
  client->received += size;
  return 0;
}

static int on_complete(http_parser* parser) {
  struct client* client = parser->data;

  if (parser->status_code != 200) fail("a status other than 200");
  if (client->received != (is_post(client) ? BODY_SIZE : strlen(hello)))
    fail("a body too short");
  bytes += (long) client->received;
  answers++;
  next_step(client);
  return 0;
}

static void on_alloc(uv_handle_t* handle, size_t suggested, uv_buf_t* buf) {
  static char memory[64 * 1024];

  (void) handle;
  (void) suggested;
  *buf = uv_buf_init(memory, sizeof(memory));
}

static void on_read(uv_stream_t* stream, ssize_t nread, const uv_buf_t* buf) {
  struct client* client = stream->data;

  must((int) nread, "read");
  if (nread == 0) return; /* no data yet; to the parser 0 means the end */
  http_parser_execute(&client->parser, &settings, buf->base, (size_t) nread);
  if (HTTP_PARSER_ERRNO(&client->parser) != HPE_OK) fail("not HTTP");
}

static void on_connected(uv_connect_t* req, int status) {
  must(status, "connect");
  must(uv_read_start(req->handle, on_alloc, on_read), "uv_read_start");
  send_request(req->handle->data);
}

int main(int argc, char** argv) {
  int port = argc > 1 ? atoi(argv[1]) : 8080;
  int connections = argc > 2 ? atoi(argv[2]) : 300;
  struct sockaddr_in address;
  struct client* clients;
  uv_loop_t loop;
  int i;

  if (argc > 3) requests = atoi(argv[3]);
  for (i = 0; i < BODY_SIZE; i++) body[i] = (char) ('a' + i % 26);
  settings.on_body = on_body;
  settings.on_message_complete = on_complete;
  clients = calloc((size_t) connections, sizeof(*clients));
  if (clients == NULL) must(UV_ENOMEM, "calloc");

  must(uv_loop_init(&loop), "uv_loop_init");
  must(uv_ip4_addr("127.0.0.1", port, &address), "uv_ip4_addr");
  for (i = 0; i < connections; i++) {
    struct client* client = &clients[i];
    http_parser_init(&client->parser, HTTP_RESPONSE);
    client->parser.data = client;
    must(uv_tcp_init(&loop, &client->tcp), "uv_tcp_init");
    client->tcp.data = client;
    must(uv_tcp_connect(&client->connect, &client->tcp,
                        (const struct sockaddr*) &address, on_connected),
         "uv_tcp_connect");
  }
  must(uv_run(&loop, UV_RUN_DEFAULT), "uv_run");
  must(uv_loop_close(&loop), "uv_loop_close");
  free(clients);
  printf("%d connections, %ld answers, %ld bytes of bodies\n", connections,
         answers, bytes);
  return 0;
}
