/* The order of callbacks in an iteration of the loop. */

#include "test-callbacks.h"
#include "test-trace.h"

NOTE_CALLBACK(timer_cb, uv_timer_t)
NOTE_CALLBACK(idle_cb, uv_idle_t)
NOTE_CALLBACK(prepare_cb, uv_prepare_t)
NOTE_CALLBACK(check_cb, uv_check_t)
NOTE_CALLBACK(async_cb, uv_async_t)
NOTE_CALLBACK(close_cb, uv_handle_t)

static void connect_cb(uv_connect_t* req, int status) {
  ASSERT_EQ(status, UV_EADDRINUSE);
  note(*(const char*) req->data);
}

/* One handle for each phase, all due in the first iteration. */
struct tick {
  uv_loop_t loop;
  uv_timer_t timer;
  uv_idle_t idle;
  uv_prepare_t prepare;
  uv_async_t async;
  uv_check_t check;
  uv_timer_t closing;
  uv_tcp_t server;
  uv_tcp_t client;
  uv_connect_t connect;
};

static void ignore_connection(uv_stream_t* server, int status) {
  (void) server;
  (void) status;
}

static void tick_init(struct tick* t) {
  struct sockaddr_in addr;
  int len = sizeof(addr);

  trace[0] = '\0';
  ASSERT_OK(uv_loop_init(&t->loop));
  ASSERT_OK(uv_check_init(&t->loop, &t->check));
  ASSERT_OK(uv_prepare_init(&t->loop, &t->prepare));
  ASSERT_OK(uv_idle_init(&t->loop, &t->idle));
  ASSERT_OK(uv_timer_init(&t->loop, &t->timer));
  ASSERT_OK(uv_timer_init(&t->loop, &t->closing));
  ASSERT_OK(uv_async_init(&t->loop, &t->async, async_cb));
  t->timer.data = "T";
  t->idle.data = "i";
  t->prepare.data = "p";
  t->async.data = "a";
  t->check.data = "c";
  t->closing.data = "x";
  t->connect.data = "n";
  ASSERT_OK(uv_check_start(&t->check, check_cb));
  ASSERT_OK(uv_prepare_start(&t->prepare, prepare_cb));
  ASSERT_OK(uv_idle_start(&t->idle, idle_cb));
  ASSERT_OK(uv_timer_start(&t->timer, timer_cb, 0, 0));
  ASSERT_OK(uv_async_send(&t->async));
  uv_close((uv_handle_t*) &t->closing, close_cb);

  /* A connect that failed before it began is a pending callback: the address
   * is taken, which bind() kept for later. */
  ASSERT_OK(uv_tcp_init(&t->loop, &t->server));
  ASSERT_OK(uv_tcp_init(&t->loop, &t->client));
  ASSERT_OK(uv_ip4_addr("127.0.0.1", 0, &addr));
  ASSERT_OK(uv_tcp_bind(&t->server, (struct sockaddr*) &addr, 0));
  ASSERT_OK(uv_listen((uv_stream_t*) &t->server, 1, ignore_connection));
  ASSERT_OK(uv_tcp_getsockname(&t->server, (struct sockaddr*) &addr, &len));
  ASSERT_OK(uv_tcp_bind(&t->client, (struct sockaddr*) &addr, 0));
  ASSERT_OK(uv_tcp_connect(&t->connect, &t->client, (struct sockaddr*) &addr,
                           connect_cb));
}

static void stop_in_check_cb(uv_check_t* check) {
  note('c');
  uv_stop(check->loop);
}

TEST(loop_phase_order_default) {
  struct tick t;

  tick_init(&t);
  /* Default mode runs due timers once before its first iteration. */
  ASSERT_OK(uv_check_stop(&t.check));
  ASSERT_OK(uv_check_start(&t.check, stop_in_check_cb));
  ASSERT_NE(uv_run(&t.loop, UV_RUN_DEFAULT), 0);
  ASSERT_STR_EQ(trace, "Tnipacx");
  CLOSE_LOOP(&t.loop);
}

TEST(loop_phase_order_once) {
  struct tick t;

  tick_init(&t);
  ASSERT_NE(uv_run(&t.loop, UV_RUN_ONCE), 0);
  ASSERT_STR_EQ(trace, "nipacxT");
  ASSERT_NE(uv_run(&t.loop, UV_RUN_ONCE), 0);
  ASSERT_STR_EQ(trace, "nipacxTipc");
  CLOSE_LOOP(&t.loop);
}

TEST(loop_phase_order_nowait) {
  struct tick t;

  tick_init(&t);
  ASSERT_NE(uv_run(&t.loop, UV_RUN_NOWAIT), 0);
  ASSERT_STR_EQ(trace, "nipacxT");
  ASSERT_NE(uv_run(&t.loop, UV_RUN_NOWAIT), 0);
  ASSERT_STR_EQ(trace, "nipacxTipc");
  CLOSE_LOOP(&t.loop);
}

static void second_timer_cb(uv_timer_t* timer) {
  note('T');
  uv_stop(timer->loop);
}

static void first_timer_cb(uv_timer_t* timer) {
  note('T');
  ASSERT_OK(uv_timer_start(timer, second_timer_cb, 0, 0));
}

TEST(loop_timers_end_the_iterations_after_the_first) {
  struct tick t;

  tick_init(&t);
  ASSERT_OK(uv_timer_start(&t.timer, first_timer_cb, 0, 0));
  ASSERT_NE(uv_run(&t.loop, UV_RUN_DEFAULT), 0);
  ASSERT_STR_EQ(trace, "TnipacxT");
  CLOSE_LOOP(&t.loop);
}

/* A row of connects, each of which fails before it began and so is a pending
 * callback; each starts the next. */
enum { ROW = 24 };

struct pending_row {
  uv_loop_t loop;
  uv_tcp_t server;
  uv_tcp_t clients[ROW];
  uv_connect_t reqs[ROW];
  struct sockaddr_in addr;
  int length;
  int next;
};

static void next_pending(struct pending_row* row);

static void pending_cb(uv_connect_t* req, int status) {
  struct pending_row* row = req->data;

  ASSERT_EQ(status, UV_EADDRINUSE);
  note('n');
  if (row->next < row->length) next_pending(row);
}

static void next_pending(struct pending_row* row) {
  uv_tcp_t* client = &row->clients[row->next];
  uv_connect_t* req = &row->reqs[row->next++];
  const struct sockaddr* addr = (const struct sockaddr*) &row->addr;

  ASSERT_OK(uv_tcp_init(&row->loop, client));
  ASSERT_OK(uv_tcp_bind(client, addr, 0));
  req->data = row;
  ASSERT_OK(uv_tcp_connect(req, client, addr, pending_cb));
}

static void pending_row_init(struct pending_row* row, int length) {
  int len = sizeof(row->addr);

  ASSERT_OK(uv_loop_init(&row->loop));
  ASSERT_OK(uv_ip4_addr("127.0.0.1", 0, &row->addr));
  ASSERT_OK(uv_tcp_init(&row->loop, &row->server));
  ASSERT_OK(
      uv_tcp_bind(&row->server, (const struct sockaddr*) &row->addr, 0));
  ASSERT_OK(uv_listen((uv_stream_t*) &row->server, 1, ignore_connection));
  ASSERT_OK(uv_tcp_getsockname(&row->server, (struct sockaddr*) &row->addr,
                               &len));
  row->next = 0;
  row->length = length;
}

static void pending_from_async_cb(uv_async_t* async) {
  note('a');
  next_pending(async->data);
}

static void pending_from_check_cb(uv_check_t* check) {
  struct pending_row* row = check->data;
  note('c');
  if (row->next == 0) next_pending(row);
}

TEST(loop_pending_callbacks_of_the_poll_phase_run_right_after_it) {
  struct pending_row row;
  uv_async_t async;
  uv_check_t check;
  int n;

  pending_row_init(&row, ROW);
  ASSERT_OK(uv_async_init(&row.loop, &async, pending_from_async_cb));
  ASSERT_OK(uv_check_init(&row.loop, &check));
  async.data = &row;
  check.data = "c";
  ASSERT_OK(uv_check_start(&check, check_cb));
  ASSERT_OK(uv_async_send(&async));
  ASSERT_NE(uv_run(&row.loop, UV_RUN_NOWAIT), 0);
  /* Eight rounds, then the next phase has its turn. */
  ASSERT_STR_EQ(trace, "annnnnnnnc");
  for (n = 0; n < ROW; n++) ASSERT_NE(uv_run(&row.loop, UV_RUN_NOWAIT), 0);
  ASSERT_EQ(row.next, ROW);
  ASSERT_EQ(strlen(trace), 1 + ROW + (1 + ROW)); /* a, each n, each c */
  CLOSE_LOOP(&row.loop);
}

TEST(loop_pending_callbacks_of_the_check_phase_wait_for_the_next_iteration) {
  struct pending_row row;
  uv_check_t check;
  uv_idle_t idle;
  int n;

  pending_row_init(&row, 2);
  ASSERT_OK(uv_check_init(&row.loop, &check));
  ASSERT_OK(uv_idle_init(&row.loop, &idle));
  check.data = &row;
  idle.data = "i";
  ASSERT_OK(uv_check_start(&check, pending_from_check_cb));
  ASSERT_OK(uv_idle_start(&idle, idle_cb));
  for (n = 0; n < 3; n++) ASSERT_NE(uv_run(&row.loop, UV_RUN_NOWAIT), 0);
  /* The second, started by the first, is not for the same round. */
  ASSERT_STR_EQ(trace, "icnincic");
  CLOSE_LOOP(&row.loop);
}

TEST(loop_pending_callbacks_keep_it_from_waiting) {
  struct pending_row row;

  pending_row_init(&row, 1);
  ASSERT_NE(uv_run(&row.loop, UV_RUN_NOWAIT), 0);
  next_pending(&row);
  ASSERT_EQ(uv_backend_timeout(&row.loop), 0);
  ASSERT_NE(uv_run(&row.loop, UV_RUN_ONCE), 0);
  ASSERT_STR_EQ(trace, "n");
  CLOSE_LOOP(&row.loop);
}
