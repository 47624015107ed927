/* An HTTP/1.1 server with http_parser, the first parser of Node.js: keep-alive,
 * pipelined requests, limits on requests, and a timeout for idle connections.
 * The server stops reading from a client that does not read its responses. On
 * SIGINT and SIGTERM it ends after the responses to the requests that it has
 * received.
 *   http_server [port] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include <http_parser.h>

enum {
  LONGEST_TARGET = 256,
  LARGEST_BODY = 1024 * 1024,
  MOST_UNSENT = 64 * 1024, /* above this the server stops reading */
  SILENCE = 30 * 1000      /* milliseconds */
};

struct client {
  uv_tcp_t tcp;
  uv_timer_t silence;
  http_parser parser;
  int handles; /* that are not closed yet */
  int in_request;
  int heard; /* whether data moved since the timer last fired */
  int last; /* this request is the last one */
  char target[LONGEST_TARGET + 1];
  size_t target_size;
  char* body;
  size_t body_size;
};

struct response {
  uv_write_t req;
  char head[256];
  char* body; /* freed after it is sent */
};

static uv_tcp_t listener;
static uv_signal_t stop_signals[2];
static http_parser_settings settings;
static int stopping;
static long connections, requests;

static void must(int result, const char* what) {
  if (result >= 0) return;
  fprintf(stderr, "%s: %s\n", what, uv_strerror(result));
  exit(1);
}

/* ---- Connections -------------------------------------------------------- */

static void on_closed(uv_handle_t* handle) {
  struct client* client = handle->data;

  if (--client->handles > 0) return;
  free(client->body);
  free(client);
}

static void close_client(struct client* client) {
  client->last = 1;
  if (uv_is_closing((uv_handle_t*) &client->tcp)) return;
  uv_close((uv_handle_t*) &client->tcp, on_closed);
  uv_close((uv_handle_t*) &client->silence, on_closed);
}

/* The timer only checks a flag that sending and receiving set. */
static void on_silence(uv_timer_t* timer) {
  struct client* client = timer->data;

  if (!client->heard) close_client(client);
  client->heard = 0;
}

static void on_alloc(uv_handle_t* handle, size_t suggested, uv_buf_t* buf) {
  /* Only one read callback runs at a time, and it does not keep the buffer. */
  static char memory[64 * 1024];

  (void) handle;
  (void) suggested;
  *buf = uv_buf_init(memory, sizeof(memory));
}

static void on_read(uv_stream_t* stream, ssize_t nread, const uv_buf_t* buf);

static void on_written(uv_write_t* req, int status) {
  struct response* response = (struct response*) req;
  uv_stream_t* stream = req->handle;
  struct client* client = stream->data;

  free(response->body);
  free(response);
  if (uv_is_closing((uv_handle_t*) stream)) return;
  if (status != 0) {
    close_client(client);
    return;
  }
  client->heard = 1;
  if (uv_stream_get_write_queue_size(stream) > 0) return;
  if (client->last)
    close_client(client);
  else
    uv_read_start(stream, on_alloc, on_read); /* it may have been stopped */
}

/* Takes ownership of the body. */
static void respond(struct client* client, const char* status, char* body,
                    size_t body_size) {
  struct response* response = malloc(sizeof(*response));
  uv_stream_t* stream = (uv_stream_t*) &client->tcp;
  uv_buf_t bufs[2];
  int head_size;

  if (response == NULL || (body == NULL && body_size > 0)) {
    free(response);
    free(body);
    close_client(client);
    return;
  }
  response->body = body;
  head_size = snprintf(response->head, sizeof(response->head),
                       "HTTP/1.1 %s\r\n"
                       "Content-Type: text/plain\r\n"
                       "Content-Length: %zu\r\n"
                       "Connection: %s\r\n\r\n",
                       status, body_size,
                       client->last ? "close" : "keep-alive");
  bufs[0] = uv_buf_init(response->head, (unsigned int) head_size);
  bufs[1] = uv_buf_init(body, (unsigned int) body_size);
  if (uv_write(&response->req, stream, bufs, body_size > 0 ? 2 : 1,
               on_written) != 0) {
    free(body);
    free(response);
    close_client(client);
    return;
  }
  if (client->last || uv_stream_get_write_queue_size(stream) > MOST_UNSENT)
    uv_read_stop(stream);
}

/* The same for a string constant. */
static void respond_text(struct client* client, const char* status,
                         const char* text) {
  respond(client, status, strdup(text), strlen(text));
}

/* ---- Requests and responses --------------------------------------------- */

static void handle_request(struct client* client) {
  const char* method = http_method_str(client->parser.method);

  if (strcmp(client->target, "/echo") == 0 && strcmp(method, "POST") == 0) {
    respond(client, "200 OK", client->body, client->body_size);
    client->body = NULL;
  } else if (strcmp(client->target, "/") != 0) {
    respond_text(client, "404 Not Found", "There is nothing here.\n");
  } else if (strcmp(method, "GET") != 0) {
    respond_text(client, "405 Method Not Allowed", "Only GET.\n");
  } else {
    respond_text(client, "200 OK", "Hello from the loop.\n");
  }
}

/* ---- Callbacks of the parser, which stops on any result but 0 ------------ */

static int on_begin(http_parser* parser) {
  struct client* client = parser->data;

  client->in_request = 1;
  client->target_size = 0;
  client->body_size = 0;
  return 0;
}

static int on_target(http_parser* parser, const char* at, size_t size) {
  struct client* client = parser->data; /* it may arrive in pieces */

  if (client->target_size + size > LONGEST_TARGET) return 1;
  memcpy(client->target + client->target_size, at, size);
  client->target_size += size;
  return 0;
}

static int on_body(http_parser* parser, const char* at, size_t size) {
  struct client* client = parser->data;
  char* body;

  if (client->body_size + size > LARGEST_BODY) return 1;
  body = realloc(client->body, client->body_size + size);
  if (body == NULL) return 1;
  memcpy(body + client->body_size, at, size);
  client->body = body;
  client->body_size += size;
  return 0;
}

static int on_complete(http_parser* parser) {
  struct client* client = parser->data;

  requests++;
  client->target[client->target_size] = '\0';
  client->last = stopping || !http_should_keep_alive(parser);
  client->in_request = 0;
  handle_request(client);
  return client->last; /* skips the rest of the buffer */
}

static void on_read(uv_stream_t* stream, ssize_t nread, const uv_buf_t* buf) {
  struct client* client = stream->data;

  if (nread < 0) {
    /* A client that has shut down its sending side may still read. */
    client->last = 1;
    uv_read_stop(stream);
    if (nread != UV_EOF || uv_stream_get_write_queue_size(stream) == 0)
      close_client(client);
    return;
  }
  if (nread == 0) return; /* no data yet; to the parser 0 means the end */
  client->heard = 1;
  http_parser_execute(&client->parser, &settings, buf->base, (size_t) nread);
  if (client->last) return;
  if (HTTP_PARSER_ERRNO(&client->parser) != HPE_OK || client->parser.upgrade) {
    client->last = 1;
    respond_text(client, "400 Bad Request",
                 "Not understood, or larger than allowed.\n");
  }
}

/* ---- Start and end ------------------------------------------------------ */

static void on_connection(uv_stream_t* server, int status) {
  struct client* client;

  if (status != 0 || (client = calloc(1, sizeof(*client))) == NULL) return;
  client->handles = 2;
  must(uv_tcp_init(server->loop, &client->tcp), "uv_tcp_init");
  must(uv_timer_init(server->loop, &client->silence), "uv_timer_init");
  client->tcp.data = client;
  client->silence.data = client;
  http_parser_init(&client->parser, HTTP_REQUEST);
  client->parser.data = client;
  if (uv_accept(server, (uv_stream_t*) &client->tcp) != 0) {
    close_client(client);
    return;
  }
  connections++;
  client->heard = 1;
  uv_tcp_nodelay(&client->tcp, 1);
  uv_timer_start(&client->silence, on_silence, SILENCE, SILENCE);
  uv_read_start((uv_stream_t*) &client->tcp, on_alloc, on_read);
}

static void stop_client(uv_handle_t* handle, void* arg) {
  struct client* client = handle->data;

  (void) arg;
  if (handle->type != UV_TCP || client == NULL) return;
  if (uv_stream_get_write_queue_size((uv_stream_t*) handle) > 0)
    client->last = 1;
  else if (!client->in_request)
    close_client(client);
}

static void on_stop(uv_signal_t* signal, int number) {
  (void) number;
  stopping = 1;
  uv_close((uv_handle_t*) &stop_signals[0], NULL);
  uv_close((uv_handle_t*) &stop_signals[1], NULL);
  uv_close((uv_handle_t*) &listener, NULL);
  uv_walk(signal->loop, stop_client, NULL);
}

static int port_of(const char* text) {
  char* end;
  long port = strtol(text, &end, 10);

  if (end == text || *end != '\0' || port < 1 || port > 65535) {
    fprintf(stderr, "%s: a port is a number from 1 to 65535\n", text);
    exit(1);
  }
  return (int) port;
}

int main(int argc, char** argv) {
  int port = argc > 1 ? port_of(argv[1]) : 8080;
  struct sockaddr_in address;
  uv_loop_t loop;

  settings.on_message_begin = on_begin;
  settings.on_url = on_target;
  settings.on_body = on_body;
  settings.on_message_complete = on_complete;

  must(uv_loop_init(&loop), "uv_loop_init");
  must(uv_signal_init(&loop, &stop_signals[0]), "uv_signal_init");
  must(uv_signal_init(&loop, &stop_signals[1]), "uv_signal_init");
  must(uv_signal_start(&stop_signals[0], on_stop, SIGINT), "uv_signal_start");
  must(uv_signal_start(&stop_signals[1], on_stop, SIGTERM), "uv_signal_start");

  must(uv_ip4_addr("127.0.0.1", port, &address), "uv_ip4_addr");
  must(uv_tcp_init(&loop, &listener), "uv_tcp_init");
  listener.data = NULL;
  must(uv_tcp_bind(&listener, (const struct sockaddr*) &address, 0), "bind");
  must(uv_listen((uv_stream_t*) &listener, 511, on_connection), "uv_listen");
  printf("listening on http://127.0.0.1:%d/\n", port);
  fflush(stdout);

  must(uv_run(&loop, UV_RUN_DEFAULT), "uv_run");
  must(uv_loop_close(&loop), "uv_loop_close");
  printf("%ld requests on %ld connections\n", requests, connections);
  return 0;
}
