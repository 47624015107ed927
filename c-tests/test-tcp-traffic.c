/* Whole conversations: echo, many clients, backpressure, fairness, threads,
 * and a process that runs out of descriptors. */
#include <pthread.h>
#include <sys/resource.h>

#include "test-tcp.h"

static uv_loop_t loop;

/* An echo server: writes the data that it reads, and closes at end of file. */
struct echo_write {
  uv_write_t req;
  uv_buf_t buf;
};

static int echo_connections;
static int echo_closed;

static void echo_on_close(uv_handle_t* handle) {
  echo_closed++;
  free(handle);
}

static void echo_on_write(uv_write_t* req, int status) {
  struct echo_write* write = (struct echo_write*) req;
  ASSERT_OK(status);
  free(write->buf.base);
  free(write);
}

static void echo_on_shutdown(uv_shutdown_t* req, int status) {
  ASSERT_OK(status);
  uv_close(HANDLE(req->handle), echo_on_close);
  free(req);
}

static void alloc_heap(uv_handle_t* handle, size_t suggested, uv_buf_t* buf) {
  (void) handle;
  *buf = uv_buf_init(malloc(suggested), suggested);
}

static void echo_on_read(uv_stream_t* stream, ssize_t nread,
                         const uv_buf_t* buf) {
  if (nread <= 0) {
    free(buf->base);
    if (nread == UV_EOF)
      ASSERT_OK(uv_shutdown(malloc(sizeof(uv_shutdown_t)), stream,
                            echo_on_shutdown));
    else
      ASSERT_EQ(nread, 0);
    return;
  }
  {
    struct echo_write* write = malloc(sizeof(*write));
    write->buf = uv_buf_init(buf->base, nread);
    ASSERT_OK(uv_write(&write->req, stream, &write->buf, 1, echo_on_write));
  }
}

static void echo_on_connection(uv_stream_t* server, int status) {
  uv_tcp_t* connection = malloc(sizeof(*connection));
  ASSERT_OK(status);
  ASSERT_OK(uv_tcp_init(server->loop, connection));
  ASSERT_OK(uv_accept(server, STREAM(connection)));
  ASSERT_OK(uv_read_start(STREAM(connection), alloc_heap, echo_on_read));
  echo_connections++;
}

/* 100 MB through the echo server, a few chunks queued at a time. */
enum { CHUNK = 256 << 10, CHUNKS = 400, WINDOW = 8 };

static uv_write_t chunk_writes[CHUNKS];
static unsigned char* chunk;
static size_t echoed;
static int chunks_written;
static uv_shutdown_t client_shutdown;

static unsigned char byte_at(size_t i) {
  return (unsigned char) (i * 31 + (i >> 8));
}

static void write_chunk(uv_stream_t* stream);

static void on_chunk_written(uv_write_t* req, int status) {
  ASSERT_OK(status);
  write_chunk(req->handle);
}

static void write_chunk(uv_stream_t* stream) {
  uv_buf_t buf = uv_buf_init((char*) chunk, CHUNK);
  if (chunks_written == CHUNKS) {
    if (client_shutdown.handle == NULL)
      ASSERT_OK(uv_shutdown(&client_shutdown, stream, NULL));
    return;
  }
  ASSERT_OK(uv_write(&chunk_writes[chunks_written++], stream, &buf, 1,
                     on_chunk_written));
}

static void check_echo(uv_stream_t* stream, ssize_t nread,
                       const uv_buf_t* buf) {
  ssize_t i;
  if (nread < 0) {
    ASSERT_EQ(nread, UV_EOF);
    uv_close(HANDLE(stream), NULL);
    return;
  }
  for (i = 0; i < nread; i++)
    if ((unsigned char) buf->base[i] != chunk[(echoed + i) % CHUNK])
      test_fail(__FILE__, __LINE__, "wrong byte at %zu", echoed + i);
  echoed += nread;
}

TEST(tcp_echo_100_megabytes) {
  uv_tcp_t server, client;
  uv_connect_t connect_req;
  struct sockaddr_in addr;
  size_t i;
  chunk = malloc(CHUNK);
  for (i = 0; i < CHUNK; i++) chunk[i] = byte_at(i);
  ASSERT_OK(uv_loop_init(&loop));
  addr = listen_loopback(&loop, &server, echo_on_connection);
  uv_unref(HANDLE(&server));
  ASSERT_OK(uv_tcp_init(&loop, &client));
  ASSERT_OK(uv_tcp_connect(&connect_req, &client, SA(&addr), NULL));
  for (i = 0; i < WINDOW; i++) write_chunk(STREAM(&client));
  ASSERT_OK(uv_read_start(STREAM(&client), alloc_static, check_echo));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(echoed, (size_t) CHUNK * CHUNKS);
  ASSERT_EQ(echo_closed, 1);
  free(chunk);
  CLOSE_LOOP(&loop);
}

/* 200 clients at the same time, each with 50 round trips of its own text. */
enum { CLIENTS = 200, ROUNDS = 50 };

struct client {
  uv_tcp_t tcp;
  uv_connect_t connect;
  uv_write_t write;
  char text[32];
  size_t text_len;
  size_t seen;
  int rounds;
};

static int clients_done;

static void client_send(struct client* client) {
  uv_buf_t buf = uv_buf_init(client->text, client->text_len);
  client->seen = 0;
  ASSERT_OK(uv_write(&client->write, STREAM(&client->tcp), &buf, 1, NULL));
}

static void client_on_close(uv_handle_t* handle) {
  (void) handle;
  clients_done++;
}

static void client_on_read(uv_stream_t* stream, ssize_t nread,
                           const uv_buf_t* buf) {
  struct client* client = stream->data;
  if (nread == 0) return;
  ASSERT_GT(nread, 0);
  ASSERT_LE(client->seen + nread, client->text_len);
  ASSERT_MEM_EQ(buf->base, client->text + client->seen, nread);
  client->seen += nread;
  if (client->seen < client->text_len) return;
  if (++client->rounds == ROUNDS)
    uv_close(HANDLE(stream), client_on_close);
  else
    client_send(client);
}

static void client_on_connect(uv_connect_t* req, int status) {
  struct client* client = req->data;
  ASSERT_OK(status);
  ASSERT_OK(uv_read_start(STREAM(&client->tcp), alloc_static,
                          client_on_read));
  client_send(client);
}

static void run_clients(uv_loop_t* client_loop, struct sockaddr_in addr,
                        struct client* clients, int count) {
  int i;
  for (i = 0; i < count; i++) {
    struct client* client = &clients[i];
    client->text_len = snprintf(client->text, sizeof(client->text),
                                "client %d says hello", i);
    client->connect.data = client->tcp.data = client;
    ASSERT_OK(uv_tcp_init(client_loop, &client->tcp));
    ASSERT_OK(uv_tcp_connect(&client->connect, &client->tcp, SA(&addr),
                             client_on_connect));
  }
}

static struct client clients[CLIENTS];

TEST(tcp_echo_200_clients) {
  uv_tcp_t server;
  struct sockaddr_in addr;
  ASSERT_OK(uv_loop_init(&loop));
  addr = listen_loopback(&loop, &server, echo_on_connection);
  uv_unref(HANDLE(&server));
  run_clients(&loop, addr, clients, CLIENTS);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(clients_done, CLIENTS);
  ASSERT_EQ(echo_connections, CLIENTS);
  ASSERT_EQ(echo_closed, CLIENTS);
  CLOSE_LOOP(&loop);
}

/* The server has a loop and a thread of its own. */
static uv_async_t stop_server;

static void on_stop_server(uv_async_t* async) {
  uv_close(HANDLE(async), NULL);
  uv_close(HANDLE(async->data), NULL);
}

static void* server_thread(void* server_loop) {
  ASSERT_OK(uv_run(server_loop, UV_RUN_DEFAULT));
  return NULL;
}

TEST(tcp_echo_between_two_threads) {
  uv_loop_t server_loop;
  uv_tcp_t server;
  pthread_t thread;
  struct sockaddr_in addr;
  ASSERT_OK(uv_loop_init(&server_loop));
  addr = listen_loopback(&server_loop, &server, echo_on_connection);
  ASSERT_OK(uv_async_init(&server_loop, &stop_server, on_stop_server));
  stop_server.data = &server;
  ASSERT_OK(pthread_create(&thread, NULL, server_thread, &server_loop));

  ASSERT_OK(uv_loop_init(&loop));
  run_clients(&loop, addr, clients, 20);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(clients_done, 20);
  CLOSE_LOOP(&loop);

  ASSERT_OK(uv_async_send(&stop_server));
  ASSERT_OK(pthread_join(thread, NULL));
  ASSERT_EQ(echo_closed, 20);
  CLOSE_LOOP(&server_loop);
}

/* Backpressure: the reader stops, the writer's queue grows, and drains once
 * the reader goes on. */
static size_t drained;

static void count_drained(uv_stream_t* stream, ssize_t nread,
                          const uv_buf_t* buf) {
  (void) stream, (void) buf;
  ASSERT_GE(nread, 0);
  drained += nread;
}

TEST(tcp_backpressure) {
  enum { PIECE = 1 << 20, PIECES = 16 };
  uv_tcp_t a, b;
  uv_write_t reqs[PIECES];
  uv_buf_t buf = uv_buf_init(calloc(1, PIECE), PIECE);
  size_t stuck;
  int i;
  ASSERT_OK(uv_loop_init(&loop));
  tcp_pair(&loop, &a, &b);
  for (i = 0; i < PIECES; i++)
    ASSERT_OK(uv_write(&reqs[i], STREAM(&a), &buf, 1, NULL));
  /* Nobody reads: after a while the queue stays as it is. */
  do {
    stuck = a.write_queue_size;
    for (i = 0; i < 10; i++) uv_run(&loop, UV_RUN_NOWAIT);
  } while (a.write_queue_size != stuck);
  ASSERT_GT(stuck, 0);

  ASSERT_OK(uv_read_start(STREAM(&b), alloc_static, count_drained));
  RUN_UNTIL(&loop, drained >= PIECE);
  ASSERT_OK(uv_read_stop(STREAM(&b)));
  ASSERT_LT(a.write_queue_size, (size_t) PIECE * PIECES);
  ASSERT_LT(drained, (size_t) PIECE * PIECES);

  ASSERT_OK(uv_read_start(STREAM(&b), alloc_static, count_drained));
  RUN_UNTIL(&loop, drained == (size_t) PIECE * PIECES);
  RUN_UNTIL(&loop, a.write_queue_size == 0);
  CLOSE_LOOP(&loop);
  free(buf.base);
}

/* A connection that never runs dry leaves room for timers and for others. */
static uv_tcp_t firehose_in, firehose_out;
static uv_tcp_t quiet_in, quiet_out;
static uv_write_t firehose_write;
static uv_timer_t firehose_timer;
static char firehose_data[1 << 20];
static size_t firehose_bytes;
static int quiet_rounds;
static int timer_rounds;

static void firehose_more(uv_write_t* req, int status) {
  uv_buf_t buf = uv_buf_init(firehose_data, sizeof(firehose_data));
  if (status == UV_ECANCELED) return;
  ASSERT_OK(status);
  ASSERT_OK(uv_write(req, req->handle, &buf, 1, firehose_more));
}

static void firehose_end_if_done(void) {
  if (quiet_rounds < 20 || timer_rounds < 20) return;
  /* The first write was followed by others. */
  if (firehose_bytes <= sizeof(firehose_data)) return;
  if (uv_is_closing(HANDLE(&firehose_in))) return;
  uv_close(HANDLE(&firehose_in), NULL);
  uv_close(HANDLE(&firehose_out), NULL);
  uv_close(HANDLE(&quiet_in), NULL);
  uv_close(HANDLE(&quiet_out), NULL);
  uv_close(HANDLE(&firehose_timer), NULL);
}

static void firehose_read(uv_stream_t* stream, ssize_t nread,
                          const uv_buf_t* buf) {
  (void) stream, (void) buf;
  ASSERT_GE(nread, 0);
  firehose_bytes += nread;
}

static void quiet_read(uv_stream_t* stream, ssize_t nread,
                       const uv_buf_t* buf) {
  uv_buf_t ball = uv_buf_init(buf->base, 1);
  if (nread == 0) return;
  ASSERT_EQ(nread, 1);
  quiet_rounds++;
  ASSERT_EQ(uv_try_write(stream, &ball, 1), 1);
  firehose_end_if_done();
}

static void firehose_tick(uv_timer_t* timer) {
  (void) timer;
  timer_rounds++;
  firehose_end_if_done();
}

/* A small buffer: a loop that read until it would block might never stop. */
static void alloc_small(uv_handle_t* handle, size_t suggested,
                        uv_buf_t* buf) {
  static char small[1024];
  (void) handle, (void) suggested;
  *buf = uv_buf_init(small, sizeof(small));
}

TEST(tcp_firehose_starves_nobody) {
  uv_buf_t ball = uv_buf_init("o", 1);
  ASSERT_OK(uv_loop_init(&loop));
  tcp_pair(&loop, &firehose_out, &firehose_in);
  tcp_pair(&loop, &quiet_out, &quiet_in);
  ASSERT_OK(uv_timer_init(&loop, &firehose_timer));
  ASSERT_OK(uv_timer_start(&firehose_timer, firehose_tick, 1, 1));
  firehose_write.handle = STREAM(&firehose_out);
  firehose_more(&firehose_write, 0);
  ASSERT_OK(uv_read_start(STREAM(&firehose_in), alloc_small, firehose_read));
  ASSERT_OK(uv_read_start(STREAM(&quiet_in), alloc_static, quiet_read));
  ASSERT_OK(uv_read_start(STREAM(&quiet_out), alloc_static, quiet_read));
  ASSERT_EQ(uv_try_write(STREAM(&quiet_out), &ball, 1), 1);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_GE(quiet_rounds, 20);
  ASSERT_GE(timer_rounds, 20);
  ASSERT_GT(firehose_bytes, sizeof(firehose_data));
  CLOSE_LOOP(&loop);
}

/* Out of descriptors: what cannot be accepted is turned away, so that the
 * listener neither spins nor stops, and serves again once there is room. */
static int served;
static int refused;

static void serve(uv_stream_t* server, int status) {
  uv_tcp_t* connection;
  if (status != 0) {
    ASSERT_EQ(status, UV_EMFILE);
    refused++;
    return;
  }
  connection = malloc(sizeof(*connection));
  ASSERT_OK(uv_tcp_init(server->loop, connection));
  ASSERT_OK(uv_accept(server, STREAM(connection)));
  uv_close(HANDLE(connection), echo_on_close);
  served++;
}

TEST(tcp_accept_out_of_descriptors) {
  enum { WAITING = 8 };
  uv_tcp_t server;
  struct sockaddr_in addr;
  struct rlimit limit;
  int fds[WAITING];
  int fillers[256];
  int filled = 0, i, last;
  char byte;
  ASSERT_OK(getrlimit(RLIMIT_NOFILE, &limit));
  limit.rlim_cur = 200;
  ASSERT_OK(setrlimit(RLIMIT_NOFILE, &limit));
  ASSERT_OK(uv_loop_init(&loop));
  addr = listen_loopback(&loop, &server, serve);

  /* Connect first, then take every descriptor that is left. */
  for (i = 0; i < WAITING; i++) {
    fds[i] = socket(AF_INET, SOCK_STREAM, 0);
    ASSERT_GE(fds[i], 0);
    ASSERT_OK(connect(fds[i], SA(&addr), sizeof(addr)));
  }
  while ((fillers[filled] = dup(fds[0])) != -1) {
    filled++;
    ASSERT_LT(filled, COUNT(fillers));
  }
  ASSERT_EQ(errno, EMFILE);

  /* Each waiting client sees its connection end. */
  for (i = 0; i < WAITING; i++) {
    ssize_t r;
    while ((r = recv(fds[i], &byte, 1, MSG_DONTWAIT)) == -1 &&
           errno == EAGAIN)
      uv_run(&loop, UV_RUN_NOWAIT);
    ASSERT_LE(r, 0);
  }
  ASSERT_EQ(served, 0);

  /* With room again, the same listener serves. */
  while (filled > 0) ASSERT_OK(close(fillers[--filled]));
  last = socket(AF_INET, SOCK_STREAM, 0);
  ASSERT_OK(connect(last, SA(&addr), sizeof(addr)));
  RUN_UNTIL(&loop, served == 1);
  ASSERT_EQ(read(last, &byte, 1), 0);
  ASSERT_OK(close(last));
  for (i = 0; i < WAITING; i++) ASSERT_OK(close(fds[i]));
  CLOSE_LOOP(&loop);
}

/* uv_tcp_init() itself needs no descriptor, making the socket does. */
TEST(tcp_connect_out_of_descriptors) {
  uv_tcp_t tcp, other;
  uv_connect_t req;
  struct sockaddr_in addr = loopback(9);
  struct rlimit limit;
  int fillers[256];
  int filled = 0;
  ASSERT_OK(getrlimit(RLIMIT_NOFILE, &limit));
  limit.rlim_cur = 200;
  ASSERT_OK(setrlimit(RLIMIT_NOFILE, &limit));
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_tcp_init(&loop, &tcp));
  while ((fillers[filled] = dup(0)) != -1) {
    filled++;
    ASSERT_LT(filled, COUNT(fillers));
  }
  ASSERT_EQ(uv_tcp_connect(&req, &tcp, SA(&addr), never_connect), UV_EMFILE);
  ASSERT_EQ(uv_tcp_bind(&tcp, SA(&addr), 0), UV_EMFILE);
  ASSERT_EQ(uv_listen(STREAM(&tcp), 1, never_connection), UV_EMFILE);
  ASSERT_EQ(uv_tcp_init_ex(&loop, &other, AF_INET), UV_EMFILE);
  ASSERT_EQ(uv_loop_alive(&loop), 0);
  while (filled > 0) ASSERT_OK(close(fillers[--filled]));
  CLOSE_LOOP(&loop);
}

/* Everything that keeps a loop alive, one at a time. */
TEST(tcp_what_keeps_the_loop_alive) {
  uv_tcp_t a, b;
  uv_write_t write_req;
  uv_shutdown_t shutdown_req;
  uv_buf_t buf = uv_buf_init("x", 1);
  ASSERT_OK(uv_loop_init(&loop));
  tcp_pair(&loop, &a, &b);
  ASSERT_EQ(uv_loop_alive(&loop), 0); /* Open connections do not. */
  uv_unref(HANDLE(&a));
  ASSERT_OK(uv_write(&write_req, STREAM(&a), &buf, 1, NULL));
  ASSERT_EQ(uv_loop_alive(&loop), 1);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_OK(uv_shutdown(&shutdown_req, STREAM(&a), NULL));
  ASSERT_EQ(uv_loop_alive(&loop), 1);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  uv_ref(HANDLE(&a));
  ASSERT_OK(uv_read_start(STREAM(&a), alloc_static, never_read));
  ASSERT_EQ(uv_loop_alive(&loop), 1);
  ASSERT_EQ(uv_loop_close(&loop), UV_EBUSY);
  uv_unref(HANDLE(&a));
  ASSERT_EQ(uv_loop_alive(&loop), 0);
  uv_close(HANDLE(&a), NULL);
  ASSERT_EQ(uv_loop_alive(&loop), 1); /* A closing handle does, even so. */
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  CLOSE_LOOP(&loop);
}

/* A descriptor number that comes back at once, on another connection, starts
 * with nothing of the old one's events. */
static int reuse_reads;

static void read_then_close(uv_stream_t* stream, ssize_t nread,
                            const uv_buf_t* buf) {
  if (nread == 0) return;
  ASSERT_EQ(nread, 1);
  ASSERT_EQ(buf->base[0], *(char*) stream->data);
  reuse_reads++;
  uv_close(HANDLE(stream), NULL);
}

TEST(tcp_descriptor_numbers_are_reused) {
  enum { TIMES = 50 };
  char letters[TIMES];
  uv_tcp_t tcps[TIMES];
  int i;
  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < TIMES; i++) {
    int peer = tcp_with_peer(&loop, &tcps[i]);
    letters[i] = 'A' + i;
    tcps[i].data = &letters[i];
    ASSERT_EQ(write(peer, &letters[i], 1), 1);
    ASSERT_OK(uv_read_start(STREAM(&tcps[i]), alloc_static,
                            read_then_close));
    RUN_UNTIL(&loop, reuse_reads == i + 1);
    ASSERT_OK(close(peer));
  }
  CLOSE_LOOP(&loop);
}

/* Two connections are ready in one turn; the first callback closes the other,
 * which must not hear of its data. */
static uv_tcp_t sibling[2];
static int sibling_reads;

static void close_both(uv_stream_t* stream, ssize_t nread,
                       const uv_buf_t* buf) {
  (void) stream, (void) buf;
  ASSERT_EQ(nread, 1);
  sibling_reads++;
  uv_close(HANDLE(&sibling[0]), NULL);
  uv_close(HANDLE(&sibling[1]), NULL);
}

TEST(tcp_read_callback_closes_a_sibling) {
  int peers[2];
  int i;
  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < 2; i++) {
    peers[i] = tcp_with_peer(&loop, &sibling[i]);
    ASSERT_OK(uv_read_start(STREAM(&sibling[i]), alloc_static, close_both));
    ASSERT_EQ(write(peers[i], "x", 1), 1);
  }
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(sibling_reads, 1);
  CLOSE_LOOP(&loop);
  for (i = 0; i < 2; i++) ASSERT_OK(close(peers[i]));
}

/* As before, but the sibling's descriptor number has a new owner already. */
static uv_tcp_t newcomer;
static int newcomer_peer;

static void replace_sibling(uv_stream_t* stream, ssize_t nread,
                            const uv_buf_t* buf) {
  uv_tcp_t* other = stream == STREAM(&sibling[0]) ? &sibling[1] : &sibling[0];
  (void) buf;
  ASSERT_EQ(nread, 1);
  sibling_reads++;
  uv_close(HANDLE(other), NULL);
  newcomer_peer = tcp_with_peer(&loop, &newcomer);
  ASSERT_OK(uv_read_start(STREAM(&newcomer), alloc_static, never_read));
  uv_close(HANDLE(stream), NULL);
  uv_unref(HANDLE(&newcomer));
}

TEST(tcp_read_callback_replaces_a_sibling) {
  int peers[2];
  int i;
  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < 2; i++) {
    peers[i] = tcp_with_peer(&loop, &sibling[i]);
    ASSERT_OK(uv_read_start(STREAM(&sibling[i]), alloc_static,
                            replace_sibling));
    ASSERT_EQ(write(peers[i], "x", 1), 1);
  }
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(sibling_reads, 1);
  CLOSE_LOOP(&loop);
  for (i = 0; i < 2; i++) ASSERT_OK(close(peers[i]));
  ASSERT_OK(close(newcomer_peer));
}

static int iteration, accepted_in[6], accepts, ended_in, data_in;

static void count_iteration(uv_prepare_t* prepare) {
  (void) prepare;
  iteration++;
}

static void accept_and_close(uv_stream_t* server, int status) {
  static uv_tcp_t clients[6];
  ASSERT_OK(status);
  ASSERT_LT(accepts, 6);
  ASSERT_OK(uv_tcp_init(server->loop, &clients[accepts]));
  ASSERT_OK(uv_accept(server, STREAM(&clients[accepts])));
  uv_close(HANDLE(&clients[accepts]), NULL);
  accepted_in[accepts++] = iteration;
}

/* However many clients wait, a listening handle reports one in each iteration. */
TEST(tcp_one_connection_in_an_iteration) {
  uv_loop_t tcp_loop;
  uv_tcp_t server;
  uv_prepare_t prepare;
  struct sockaddr_in addr;
  int fds[6];
  int i;
  ASSERT_OK(uv_loop_init(&tcp_loop));
  addr = listen_loopback(&tcp_loop, &server, accept_and_close);
  ASSERT_OK(uv_prepare_init(&tcp_loop, &prepare));
  ASSERT_OK(uv_prepare_start(&prepare, count_iteration));
  for (i = 0; i < 6; i++) {
    fds[i] = socket(AF_INET, SOCK_STREAM, 0);
    ASSERT_OK(connect(fds[i], SA(&addr), sizeof(addr)));
  }
  RUN_UNTIL(&tcp_loop, accepts == 6);
  for (i = 1; i < 6; i++) ASSERT_EQ(accepted_in[i], accepted_in[i - 1] + 1);
  for (i = 0; i < 6; i++) ASSERT_OK(close(fds[i]));
  CLOSE_LOOP(&tcp_loop);
}

static uv_tcp_t one_client;

static void reject(uv_stream_t* server, int status) {
  ASSERT_OK(status);
  ASSERT_OK(uv_tcp_init(server->loop, &one_client));
  ASSERT_OK(uv_accept(server, STREAM(&one_client)));
  uv_close(HANDLE(&one_client), NULL);
  if (++accepts == 3) uv_close(HANDLE(server), NULL);
}

/* A server may reject every client through one handle. */
TEST(tcp_reject_through_one_handle) {
  uv_loop_t tcp_loop;
  uv_tcp_t server;
  struct sockaddr_in addr;
  int fds[3];
  int i;
  ASSERT_OK(uv_loop_init(&tcp_loop));
  addr = listen_loopback(&tcp_loop, &server, reject);
  for (i = 0; i < 3; i++) {
    fds[i] = socket(AF_INET, SOCK_STREAM, 0);
    ASSERT_OK(connect(fds[i], SA(&addr), sizeof(addr)));
  }
  ASSERT_OK(uv_run(&tcp_loop, UV_RUN_DEFAULT));
  ASSERT_EQ(accepts, 3);
  for (i = 0; i < 3; i++) ASSERT_OK(close(fds[i]));
  ASSERT_OK(uv_loop_close(&tcp_loop));
}

static void note_iteration(uv_stream_t* stream, ssize_t nread,
                           const uv_buf_t* buf) {
  (void) buf;
  if (nread > 0) data_in = iteration;
  if (nread < 0) {
    ASSERT_EQ(nread, UV_EOF);
    ended_in = iteration;
    uv_close(HANDLE(stream), NULL);
  }
}

/* The end of a stream comes in the iteration after that of its last data. */
TEST(tcp_end_in_the_iteration_after_the_data) {
  uv_loop_t tcp_loop;
  uv_tcp_t tcp;
  uv_prepare_t prepare;
  int peer;
  ASSERT_OK(uv_loop_init(&tcp_loop));
  peer = tcp_with_peer(&tcp_loop, &tcp);
  ASSERT_OK(uv_prepare_init(&tcp_loop, &prepare));
  ASSERT_OK(uv_prepare_start(&prepare, count_iteration));
  ASSERT_EQ(write(peer, "abc", 3), 3);
  ASSERT_OK(shutdown(peer, SHUT_WR));
  ASSERT_OK(uv_read_start(STREAM(&tcp), alloc_static, note_iteration));
  RUN_UNTIL(&tcp_loop, ended_in != 0);
  ASSERT_GT(data_in, 0);
  ASSERT_EQ(ended_in, data_in + 1);
  ASSERT_OK(close(peer));
  CLOSE_LOOP(&tcp_loop);
}

static size_t read_blocking;

static void alloc_little(uv_handle_t* handle, size_t suggested, uv_buf_t* buf) {
  static char slab[1000];
  (void) handle, (void) suggested;
  *buf = uv_buf_init(slab, sizeof(slab));
}

static void count_read(uv_stream_t* stream, ssize_t nread,
                       const uv_buf_t* buf) {
  (void) stream, (void) buf;
  ASSERT_GT(nread, 0);
  read_blocking += (size_t) nread;
}

/* A blocking socket is read once for each event; what is left makes another one.
 * (libuv reads on until a buffer is not filled, and blocks if none is left.) */
TEST(tcp_blocking_socket_is_read_to_the_end) {
  static char data[9500];
  uv_loop_t loop;
  uv_tcp_t tcp;
  int peer;

  ASSERT_OK(uv_loop_init(&loop));
  peer = tcp_with_peer(&loop, &tcp);
  ASSERT_OK(uv_stream_set_blocking(STREAM(&tcp), 1));
  ASSERT_EQ(write(peer, data, sizeof(data)), sizeof(data));
  ASSERT_OK(uv_read_start(STREAM(&tcp), alloc_little, count_read));
  RUN_UNTIL(&loop, read_blocking == sizeof(data));
  CLOSE_LOOP(&loop);
}
