/* A WebSocket server and its clients in one context of libwebsockets, on a libuv loop. Each client sends
 * messages, a few large ones among them, and compares what comes back. */
#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define CLIENTS 20
#define MESSAGES 200
#define LARGEST 70000

typedef struct {
  unsigned char* data;
  size_t length;
  int is_ready; /* to send the next message */
} connection_t;

static uv_loop_t loop;
static struct lws_context* context;
static int port, connected, closed, ticks, failures;
static unsigned long echoed, received[CLIENTS];

static size_t size_of_message(unsigned long number) {
  return number % 50 == 49 ? LARGEST : 1 + number * 37 % 3000;
}

static void append(connection_t* connection, const void* data, size_t length) {
  connection->data = realloc(connection->data, LWS_PRE + connection->length + length);
  memcpy(connection->data + LWS_PRE + connection->length, data, length);
  connection->length += length;
}

/* Collects a message. Returns whether it is complete. */
static int receive(struct lws* wsi, connection_t* connection, const void* data, size_t length) {
  append(connection, data, length);
  return lws_is_final_fragment(wsi) && lws_remaining_packet_payload(wsi) == 0;
}

static int on_server(struct lws* wsi, enum lws_callback_reasons reason, void* user, void* data, size_t length) {
  connection_t* connection = user;
  switch (reason) {
    case LWS_CALLBACK_RECEIVE:
      if (receive(wsi, connection, data, length)) {
        connection->is_ready = 1;
        lws_callback_on_writable(wsi);
      }
      break;
    case LWS_CALLBACK_SERVER_WRITEABLE:
      if (!connection->is_ready) break;
      if (lws_write(wsi, connection->data + LWS_PRE, connection->length, LWS_WRITE_BINARY) < 0) return -1;
      connection->length = 0;
      connection->is_ready = 0;
      echoed++;
      break;
    case LWS_CALLBACK_CLOSED:
      free(connection->data);
      connection->data = NULL;
      break;
    default:
      break;
  }
  return 0;
}

static int on_client(struct lws* wsi, enum lws_callback_reasons reason, void* user, void* data, size_t length) {
  connection_t* connection = user;
  unsigned long* count = lws_get_opaque_user_data(wsi);
  switch (reason) {
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
      connected++;
      connection->is_ready = 1;
      lws_callback_on_writable(wsi);
      break;
    case LWS_CALLBACK_CLIENT_WRITEABLE: {
      size_t size = size_of_message(*count);
      unsigned char* message;
      int written;
      if (!connection->is_ready) break;
      if (*count == MESSAGES) return -1; /* closes the connection */
      connection->is_ready = 0;
      message = malloc(LWS_PRE + size);
      memset(message + LWS_PRE, (int) (*count % 251), size);
      written = lws_write(wsi, message + LWS_PRE, size, LWS_WRITE_BINARY);
      free(message);
      if (written < 0) return -1;
      break;
    }
    case LWS_CALLBACK_CLIENT_RECEIVE:
      if (receive(wsi, connection, data, length)) {
        size_t i, size = size_of_message(*count);
        if (connection->length != size) failures++;
        for (i = 0; i < connection->length; i++) {
          failures += connection->data[LWS_PRE + i] != *count % 251;
        }
        connection->length = 0;
        ++*count;
        connection->is_ready = 1;
        lws_callback_on_writable(wsi);
      }
      break;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
      failures++;
      /* fall through */
    case LWS_CALLBACK_CLIENT_CLOSED:
      if (connection != NULL) free(connection->data);
      if (++closed == CLIENTS) uv_stop(&loop);
      break;
    default:
      break;
  }
  return 0;
}

static const struct lws_protocols server_protocols[] = {
    {"echo", on_server, sizeof(connection_t), 4096, 0, NULL, 0}, {NULL, NULL, 0, 0, 0, NULL, 0}};
static const struct lws_protocols client_protocols[] = {
    {"echo", on_client, sizeof(connection_t), 4096, 0, NULL, 0}, {NULL, NULL, 0, 0, 0, NULL, 0}};

static struct lws_vhost* make_vhost(const char* name, int at, const struct lws_protocols* protocols) {
  struct lws_context_creation_info info = {0};
  info.vhost_name = name;
  info.port = at;
  info.iface = at == CONTEXT_PORT_NO_LISTEN ? NULL : "127.0.0.1";
  info.protocols = protocols;
  return lws_create_vhost(context, &info);
}

static void on_tick(uv_timer_t* timer) {
  (void) timer;
  ticks++;
}

int main(void) {
  struct lws_context_creation_info info = {0};
  struct lws_vhost* clients;
  void* loops[] = {&loop};
  uv_timer_t timer;
  int i;
  lws_set_log_level(LLL_ERR, NULL);
  uv_loop_init(&loop);
  uv_timer_init(&loop, &timer);
  uv_timer_start(&timer, on_tick, 1, 1);
  info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_LIBUV;
  info.foreign_loops = loops;
  info.port = CONTEXT_PORT_NO_LISTEN;
  context = lws_create_context(&info);
  if (context == NULL) return 1;
  port = 7681;
  if (make_vhost("server", port, server_protocols) == NULL) return 1;
  clients = make_vhost("client", CONTEXT_PORT_NO_LISTEN, client_protocols);

  for (i = 0; i < CLIENTS; i++) {
    struct lws_client_connect_info connect = {0};
    connect.context = context;
    connect.vhost = clients;
    connect.address = connect.host = connect.origin = "127.0.0.1";
    connect.port = port;
    connect.path = "/";
    connect.protocol = "echo";
    connect.opaque_user_data = &received[i];
    if (lws_client_connect_via_info(&connect) == NULL) failures++;
  }
  uv_run(&loop, UV_RUN_DEFAULT);
  printf("%d connected, %d closed, %lu messages echoed, %d failures\n", connected, closed, echoed, failures);
  for (i = 0; i < CLIENTS; i++) failures += received[i] != MESSAGES;
  printf("each client got its %d messages back: %s\n", MESSAGES, failures == 0 ? "yes" : "no");
  printf("timers ran meanwhile: %s\n", ticks > 0 ? "yes" : "no");

  uv_close((uv_handle_t*) &timer, NULL);
  lws_context_destroy(context);
  uv_run(&loop, UV_RUN_DEFAULT);
  lws_context_destroy(context); /* the handles of the loop are closed now */
  printf("the loop is closed: %s\n", uv_loop_close(&loop) == 0 ? "yes" : "no");
  return failures != 0;
}
