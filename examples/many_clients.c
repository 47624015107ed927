/* Tens of thousands of TCP connections at once on one loop: a server, and the
 * clients in another process. When all are connected, they send messages, one
 * on every connection in each round, with a fixed number in flight, and check
 * the replies. At the end the program prints the latency of the replies, and
 * the memory that the library took in the server for each connection.
 *
 *   many_clients [connections [rounds]] */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <uv.h>

enum {
  MESSAGE = 64,
  IN_FLIGHT = 100,     /* messages */
  CONNECTING = 1000,   /* connections; at most the server's backlog */
  PER_ADDRESS = 10000, /* a client has about 28,000 ports for each */
};

static void must(int result, const char* what) {
  if (result >= 0) return;
  fprintf(stderr, "%s: %s\n", what, uv_strerror(result));
  exit(1);
}

static void check(int condition, const char* what) {
  if (condition) return;
  fprintf(stderr, "%s\n", what);
  exit(1);
}

/* Allocates memory that is resident at once, so that later growth is due to the
 * library. */
static void* resident_alloc(size_t count, size_t size) {
  void* memory = malloc(count * size);
  check(memory != NULL, "out of memory");
  memset(memory, 1, count * size);
  return memory;
}

/* Returns KiB, without the pages of files such as the library's code. */
static long resident(void) {
  char line[256];
  long size = -1;
  FILE* status = fopen("/proc/self/status", "r");

  check(status != NULL, "/proc/self/status cannot be opened");
  while (size < 0 && fgets(line, sizeof(line), status) != NULL)
    sscanf(line, "RssAnon: %ld kB", &size);
  fclose(status);
  return size;
}

/* Every connection is a descriptor. */
static void allow_descriptors(rlim_t count) {
  struct rlimit limit;
  must(getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
  if (limit.rlim_cur >= count) return;
  limit.rlim_cur = count;
  if (limit.rlim_max < count) limit.rlim_max = count; /* needs a privilege */
  if (setrlimit(RLIMIT_NOFILE, &limit) == 0) return;
  getrlimit(RLIMIT_NOFILE, &limit);
  fprintf(stderr, "%lu descriptors are needed, the hard limit is %lu\n",
          (unsigned long) count, (unsigned long) limit.rlim_max);
  exit(1);
}

static uv_loop_t* loop;
static int connections;
static int rounds;

/* Both sides read into this; each read is processed before the next one. */
static char read_buffer[64 * 1024];

static void on_alloc(uv_handle_t* handle, size_t suggested, uv_buf_t* buf) {
  (void) handle;
  (void) suggested;
  *buf = uv_buf_init(read_buffer, sizeof(read_buffer));
}

/* ---- Server ------------------------------------------------------------- */

struct peer {
  uv_tcp_t tcp;
  uv_write_t write;
  int writing;
  char message[MESSAGE];
};

static uv_tcp_t listener;
static struct peer* peers;
static int accepted, closed;
static long resident_before, resident_with_all;
static uv_rusage_t usage_before;

static double cpu_seconds(const uv_rusage_t* usage) {
  return usage->ru_utime.tv_sec + usage->ru_stime.tv_sec +
         (usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1e6;
}

static void server_report(void) {
  uv_rusage_t usage;
  must(uv_getrusage(&usage), "uv_getrusage");
  printf("server_memory_per_connection %.1f bytes\n",
         (resident_with_all - resident_before) * 1024.0 / connections);
  printf("server_cpu %.3f s\n",
         cpu_seconds(&usage) - cpu_seconds(&usage_before));
}

static void on_peer_closed(uv_handle_t* handle) {
  (void) handle;
  if (++closed < connections) return;
  uv_close((uv_handle_t*) &listener, NULL);
  server_report();
}

static void on_echoed(uv_write_t* req, int status) {
  struct peer* peer = req->data;
  must(status, "server: write");
  peer->writing = 0;
}

static void on_server_read(uv_stream_t* stream,
                           ssize_t nread,
                           const uv_buf_t* buf) {
  struct peer* peer = stream->data;
  uv_buf_t echo;

  if (nread == UV_EOF) {
    check(accepted == connections, "a client left before all had come");
    /* The first connection ends: all work is done, and all others are open. */
    if (resident_with_all == 0) resident_with_all = resident();
    uv_close((uv_handle_t*) stream, on_peer_closed);
    return;
  }
  must((int) nread, "server: read");
  if (nread == 0) return;
  check(!peer->writing && nread <= MESSAGE, "more than one message at a time");
  memcpy(peer->message, buf->base, (size_t) nread);
  echo = uv_buf_init(peer->message, (unsigned int) nread);
  peer->writing = 1;
  peer->write.data = peer;
  must(uv_write(&peer->write, stream, &echo, 1, on_echoed), "server: uv_write");
}

static void on_connection(uv_stream_t* stream, int status) {
  struct peer* peer = &peers[accepted++];

  must(status, "server: connection");
  check(accepted <= connections, "more connections than clients");
  must(uv_tcp_init(loop, &peer->tcp), "uv_tcp_init");
  must(uv_accept(stream, (uv_stream_t*) &peer->tcp), "uv_accept");
  peer->tcp.data = peer;
  peer->writing = 0;
  must(uv_read_start((uv_stream_t*) &peer->tcp, on_alloc, on_server_read),
       "uv_read_start");
}

static void serve(void) {
  struct sockaddr_in address;
  int length = sizeof(address);

  peers = resident_alloc((size_t) connections, sizeof(*peers));
  must(uv_ip4_addr("0.0.0.0", 0, &address), "uv_ip4_addr");
  must(uv_tcp_init(loop, &listener), "uv_tcp_init");
  must(uv_tcp_bind(&listener, (struct sockaddr*) &address, 0), "uv_tcp_bind");
  must(uv_listen((uv_stream_t*) &listener, 4096, on_connection), "uv_listen");
  must(uv_tcp_getsockname(&listener, (struct sockaddr*) &address, &length),
       "uv_tcp_getsockname");
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  must(uv_getrusage(&usage_before), "uv_getrusage");
  resident_before = resident();
  uv_run(loop, UV_RUN_DEFAULT);
  free(peers);
}

/* ---- Clients ------------------------------------------------------------ */

struct client {
  uv_tcp_t tcp;
  uv_connect_t connect;
  uv_write_t write;
  uint64_t sent_at;
  size_t received;
  int waiting;
  char message[MESSAGE];
};

static int port;
static struct client* clients;
static int started, connected;
static uint64_t connecting_since, sending_since;
static long sent, answered;
static uint32_t* latencies; /* nanoseconds / 100 */

static int compare(const void* left, const void* right) {
  uint32_t a = *(const uint32_t*) left, b = *(const uint32_t*) right;
  return (a > b) - (a < b);
}

static void client_report(uint64_t now) {
  static const struct {
    const char* name;
    double share;
  } shown[] = {{"p50", .5}, {"p90", .9}, {"p99", .99}, {"p99.9", .999}};
  size_t i;

  qsort(latencies, (size_t) answered, sizeof(*latencies), compare);
  printf("connections %d\nanswers %ld of %ld\n", connected, answered, sent);
  printf("connects_per_second %.0f\n",
         connected / ((double) (sending_since - connecting_since) / 1e9));
  printf("answers_per_second %.0f\n",
         answered / ((double) (now - sending_since) / 1e9));
  for (i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
    printf("%s %.1f us\n", shown[i].name,
           latencies[(size_t) ((double) answered * shown[i].share)] / 10.0);
}

static void on_sent(uv_write_t* req, int status) {
  (void) req;
  must(status, "client: write");
}

/* Returns every connection once in each round, in an order that differs from
 * that of their descriptors: the stride is prime and does not divide the count.
 * Skips a connection whose reply takes longer than a round. */
static void send_next(void) {
  static long place;
  struct client* client;
  uv_buf_t buf;
  long turn = sent++;

  do client = &clients[place++ * 7919L % connections];
  while (client->waiting);
  memset(client->message, 'a' + (int) (turn % 26), MESSAGE);
  snprintf(client->message, MESSAGE, "message %ld", turn);
  client->waiting = 1;
  client->received = 0;
  client->sent_at = uv_hrtime();
  buf = uv_buf_init(client->message, MESSAGE);
  must(uv_write(&client->write, (uv_stream_t*) &client->tcp, &buf, 1, on_sent),
       "client: uv_write");
}

static void on_client_read(uv_stream_t* stream,
                           ssize_t nread,
                           const uv_buf_t* buf) {
  struct client* client = stream->data;
  uint64_t now;
  int i;

  must((int) nread, "client: read");
  if (nread == 0) return;
  check(client->waiting && client->received + nread <= MESSAGE &&
            memcmp(buf->base, client->message + client->received,
                   (size_t) nread) == 0,
        "the answer is not what was sent");
  client->received += (size_t) nread;
  if (client->received < MESSAGE) return;
  client->waiting = 0;
  now = uv_hrtime();
  latencies[answered++] = (uint32_t) ((now - client->sent_at) / 100);
  if (sent < (long) connections * rounds) {
    send_next();
  } else if (answered == sent) {
    client_report(now);
    for (i = 0; i < connections; i++)
      uv_close((uv_handle_t*) &clients[i].tcp, NULL);
  }
}

static void connect_next(void);

static void on_connect(uv_connect_t* req, int status) {
  struct client* client = req->data;
  int i;

  must(status, "client: connect");
  must(uv_read_start((uv_stream_t*) &client->tcp, on_alloc, on_client_read),
       "uv_read_start");
  connected++;
  if (started < connections) connect_next();
  if (connected < connections) return;
  sending_since = uv_hrtime();
  for (i = 0; i < IN_FLIGHT && i < connections; i++) send_next();
}

static void connect_next(void) {
  struct client* client = &clients[started];
  struct sockaddr_in address;
  char ip[16];

  snprintf(ip, sizeof(ip), "127.0.0.%d", 1 + started / PER_ADDRESS);
  started++;
  client->tcp.data = client->connect.data = client;
  client->waiting = 0;
  must(uv_ip4_addr(ip, port, &address), "uv_ip4_addr");
  must(uv_tcp_init(loop, &client->tcp), "uv_tcp_init");
  must(uv_tcp_connect(&client->connect, &client->tcp,
                      (struct sockaddr*) &address, on_connect),
       "uv_tcp_connect");
}

/* The server prints its port first and, at the end, its figures. */
static void on_server_output(uv_stream_t* pipe,
                             ssize_t nread,
                             const uv_buf_t* buf) {
  static char line[16];
  static size_t length;
  int i;

  if (nread == UV_EOF) {
    uv_close((uv_handle_t*) pipe, NULL);
    return;
  }
  must((int) nread, "server's output");
  if (clients != NULL) {
    fwrite(buf->base, 1, (size_t) nread, stdout);
    return;
  }
  check(length + nread < sizeof(line), "the server did not tell its port");
  memcpy(line + length, buf->base, (size_t) nread);
  length += (size_t) nread;
  if (line[length - 1] != '\n') return;
  port = atoi(line);

  clients = resident_alloc((size_t) connections, sizeof(*clients));
  latencies = resident_alloc((size_t) connections * rounds, sizeof(*latencies));
  connecting_since = uv_hrtime();
  for (i = 0; i < CONNECTING && i < connections; i++) connect_next();
}

static void on_server_exit(uv_process_t* process, int64_t status, int signal) {
  check(status == 0 && signal == 0, "the server failed");
  uv_close((uv_handle_t*) process, NULL);
}

static void run_clients(char* program, char* count) {
  char* args[] = {program, "server", count, NULL};
  uv_process_t process;
  uv_pipe_t output;
  uv_stdio_container_t stdio[3] = {{.flags = UV_IGNORE}};
  uv_process_options_t options = {0};

  must(uv_pipe_init(loop, &output, 0), "uv_pipe_init");
  stdio[1].flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE;
  stdio[1].data.stream = (uv_stream_t*) &output;
  stdio[2].flags = UV_INHERIT_FD;
  stdio[2].data.fd = 2;
  options.file = program;
  options.args = args;
  options.stdio = stdio;
  options.stdio_count = 3;
  options.exit_cb = on_server_exit;
  must(uv_spawn(loop, &process, &options), "uv_spawn");
  must(uv_read_start((uv_stream_t*) &output, on_alloc, on_server_output),
       "uv_read_start");
  uv_run(loop, UV_RUN_DEFAULT);
  check(answered == (long) connections * rounds, "some answers never came");
  free(clients);
  free(latencies);
}

int main(int argc, char** argv) {
  int is_server = argc == 3 && strcmp(argv[1], "server") == 0;
  char program[4096];
  size_t size = sizeof(program);
  char count[16];

  loop = uv_default_loop();
  connections = is_server ? atoi(argv[2]) : argc > 1 ? atoi(argv[1]) : 10000;
  rounds = !is_server && argc > 2 ? atoi(argv[2]) : 5;
  check(connections > IN_FLIGHT && connections % 7919 != 0 && rounds > 0,
        "usage: many_clients [connections [rounds]]: above 100, no multiple of "
        "7919");
  allow_descriptors((rlim_t) connections + 64);
  if (is_server) {
    serve();
  } else {
    snprintf(count, sizeof(count), "%d", connections);
    must(uv_exepath(program, &size), "uv_exepath");
    run_clients(program, count);
  }
  must(uv_loop_close(loop), "uv_loop_close");
  return 0;
}
