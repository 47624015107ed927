/* A TCP echo server and its clients on one loop, in one thread. Each client
 * sends its messages one after another and checks the echo. The program ends by
 * itself: after the last client the loop has no active handles. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum { CLIENTS = 4, MESSAGES = 3 };

/* From a few bytes to more than socket buffers hold: the last one arrives in
 * many reads, and its write waits for the reader. */
static const size_t message_sizes[MESSAGES] = {12, 4096, 8 * 1024 * 1024};

static void must(int result, const char* what) {
  if (result >= 0) return;
  fprintf(stderr, "%s: %s\n", what, uv_strerror(result));
  exit(1);
}

static void* must_alloc(size_t size) {
  void* memory = malloc(size);
  if (memory == NULL) must(UV_ENOMEM, "malloc");
  return memory;
}

static void free_handle(uv_handle_t* handle) {
  free(handle);
}

/* The read callback frees the buffer. */
static void on_alloc(uv_handle_t* handle, size_t suggested, uv_buf_t* buf) {
  (void) handle;
  *buf = uv_buf_init(must_alloc(suggested), (unsigned int) suggested);
}

/* ---- Server ------------------------------------------------------------- */

static uv_tcp_t server;
static int accepted;
static size_t echoed;

/* A write request and its bytes, which must live until its callback. */
struct echo {
  uv_write_t req;
  char* data;
};

static void on_echo_written(uv_write_t* req, int status) {
  struct echo* echo = (struct echo*) req;
  must(status, "server write");
  free(echo->data);
  free(echo);
}

static void on_server_read(uv_stream_t* peer,
                           ssize_t nread,
                           const uv_buf_t* buf) {
  struct echo* echo;
  uv_buf_t out;

  if (nread <= 0) {
    free(buf->base);
    if (nread == UV_EOF)
      uv_close((uv_handle_t*) peer, free_handle);
    else
      must((int) nread, "server read"); /* 0 means no data yet */
    return;
  }
  echoed += (size_t) nread;
  echo = must_alloc(sizeof(*echo));
  echo->data = buf->base;
  out = uv_buf_init(echo->data, (unsigned int) nread);
  must(uv_write(&echo->req, peer, &out, 1, on_echo_written), "uv_write");
}

static void on_connection(uv_stream_t* listener, int status) {
  uv_tcp_t* peer = must_alloc(sizeof(*peer));

  must(status, "listen");
  must(uv_tcp_init(listener->loop, peer), "uv_tcp_init");
  must(uv_accept(listener, (uv_stream_t*) peer), "uv_accept");
  must(uv_read_start((uv_stream_t*) peer, on_alloc, on_server_read),
       "uv_read_start");
  if (++accepted == CLIENTS) uv_close((uv_handle_t*) listener, NULL);
}

/* ---- Clients ------------------------------------------------------------ */

struct client {
  uv_tcp_t tcp;
  uv_connect_t connect;
  uv_write_t write;
  int number;
  int message; /* index of the one in flight */
  char* sent;
  size_t received;
  int waiting; /* for the write's callback, for the echo, or for both */
};

static struct client clients[CLIENTS];
static int matched;

static void send_message(struct client* client);

static void next_step(struct client* client) {
  if (--client->waiting > 0) return;
  printf("client %d: message %d of %zu bytes came back\n", client->number,
         client->message + 1, message_sizes[client->message]);
  matched++;
  free(client->sent);
  if (++client->message < MESSAGES)
    send_message(client);
  else
    uv_close((uv_handle_t*) &client->tcp, NULL);
}

static void on_client_written(uv_write_t* req, int status) {
  must(status, "client write");
  next_step(req->data);
}

static void on_client_read(uv_stream_t* stream,
                           ssize_t nread,
                           const uv_buf_t* buf) {
  struct client* client = stream->data;
  size_t size = message_sizes[client->message];

  must((int) nread, "client read");
  if (client->received + (size_t) nread > size ||
      memcmp(buf->base, client->sent + client->received, (size_t) nread) != 0) {
    fprintf(stderr, "client %d: the echo differs\n", client->number);
    exit(1);
  }
  free(buf->base);
  client->received += (size_t) nread;
  if (nread > 0 && client->received == size) next_step(client);
}

static void send_message(struct client* client) {
  size_t size = message_sizes[client->message];
  uv_buf_t buf;
  size_t i;

  client->sent = must_alloc(size);
  for (i = 0; i < size; i++)
    client->sent[i] = (char) (i * 7 + (size_t) client->number);
  client->received = 0;
  client->waiting = 2;
  buf = uv_buf_init(client->sent, (unsigned int) size);
  must(uv_write(&client->write, (uv_stream_t*) &client->tcp, &buf, 1,
                on_client_written),
       "uv_write");
}

static void on_connected(uv_connect_t* req, int status) {
  must(status, "connect");
  must(uv_read_start(req->handle, on_alloc, on_client_read), "uv_read_start");
  send_message(req->handle->data);
}

/* ---- Main --------------------------------------------------------------- */

int main(void) {
  struct sockaddr_in address;
  int length = sizeof(address);
  uv_loop_t loop;
  int i;

  must(uv_loop_init(&loop), "uv_loop_init");

  /* With port 0 the system chooses a free one. */
  must(uv_ip4_addr("127.0.0.1", 0, &address), "uv_ip4_addr");
  must(uv_tcp_init(&loop, &server), "uv_tcp_init");
  must(uv_tcp_bind(&server, (const struct sockaddr*) &address, 0), "bind");
  must(uv_listen((uv_stream_t*) &server, 16, on_connection), "uv_listen");
  must(uv_tcp_getsockname(&server, (struct sockaddr*) &address, &length),
       "uv_tcp_getsockname");
  printf("server: listening on 127.0.0.1:%d\n", ntohs(address.sin_port));

  for (i = 0; i < CLIENTS; i++) {
    struct client* client = &clients[i];
    client->number = i + 1;
    must(uv_tcp_init(&loop, &client->tcp), "uv_tcp_init");
    client->tcp.data = client;
    client->write.data = client;
    must(uv_tcp_connect(&client->connect, &client->tcp,
                        (const struct sockaddr*) &address, on_connected),
         "uv_tcp_connect");
  }

  must(uv_run(&loop, UV_RUN_DEFAULT), "uv_run");
  must(uv_loop_close(&loop), "uv_loop_close");
  printf("server: %d connections, %zu bytes echoed\n", accepted, echoed);
  printf("%d of %d messages matched\n", matched, CLIENTS * MESSAGES);
  return matched == CLIENTS * MESSAGES ? 0 : 1;
}
