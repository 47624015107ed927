/* Idle, prepare and check watchers, and what every handle has in common:
 * references, closing, accessors, sizes and names. */

#include "test-callbacks.h"
#include "test-trace.h"

static void note_close_cb(uv_handle_t* handle) {
  (void) handle;
  note('x');
}

/* The three watchers behave alike, so one table of tests serves them all. */
enum phase { IDLE, PREPARE, CHECK, PHASES };

struct watcher {
  union {
    uv_handle_t handle;
    uv_idle_t idle;
    uv_prepare_t prepare;
    uv_check_t check;
  } u;
  enum phase phase;
  char name;
  void (*action)(struct watcher* self); /* after its name is noted */
  struct watcher* peer;
};

static void fire(struct watcher* w) {
  note(w->name);
  if (w->action != NULL) w->action(w);
}

static void idle_cb(uv_idle_t* handle) {
  fire(handle->data);
}

static void prepare_cb(uv_prepare_t* handle) {
  fire(handle->data);
}

static void check_cb(uv_check_t* handle) {
  fire(handle->data);
}

static void watcher_init(uv_loop_t* loop, struct watcher* w, enum phase phase,
                         char name) {
  memset(w, 0, sizeof(*w));
  switch (phase) {
    case IDLE: ASSERT_OK(uv_idle_init(loop, &w->u.idle)); break;
    case PREPARE: ASSERT_OK(uv_prepare_init(loop, &w->u.prepare)); break;
    default: ASSERT_OK(uv_check_init(loop, &w->u.check)); break;
  }
  w->u.handle.data = w;
  w->phase = phase;
  w->name = name;
}

static void watcher_start(struct watcher* w) {
  switch (w->phase) {
    case IDLE: ASSERT_OK(uv_idle_start(&w->u.idle, idle_cb)); break;
    case PREPARE: ASSERT_OK(uv_prepare_start(&w->u.prepare, prepare_cb)); break;
    default: ASSERT_OK(uv_check_start(&w->u.check, check_cb)); break;
  }
}

static void watcher_stop(struct watcher* w) {
  switch (w->phase) {
    case IDLE: ASSERT_OK(uv_idle_stop(&w->u.idle)); break;
    case PREPARE: ASSERT_OK(uv_prepare_stop(&w->u.prepare)); break;
    default: ASSERT_OK(uv_check_stop(&w->u.check)); break;
  }
}

static int watcher_start_null(struct watcher* w) {
  switch (w->phase) {
    case IDLE: return uv_idle_start(&w->u.idle, NULL);
    case PREPARE: return uv_prepare_start(&w->u.prepare, NULL);
    default: return uv_check_start(&w->u.check, NULL);
  }
}

static void watcher_close(struct watcher* w) {
  uv_close(&w->u.handle, note_close_cb);
}

/* A loop that is alive whatever its watchers do. */
static uv_async_t keeper;

static void loop_open(uv_loop_t* loop) {
  trace[0] = '\0';
  ASSERT_OK(uv_loop_init(loop));
  ASSERT_OK(uv_async_init(loop, &keeper, NULL));
}

static void run_iterations(uv_loop_t* loop, int n) {
  while (n-- > 0) {
    note('|');
    ASSERT_NE(uv_run(loop, UV_RUN_NOWAIT), 0);
  }
}

static void stop_self(struct watcher* w) {
  watcher_stop(w);
}

static void close_self(struct watcher* w) {
  watcher_close(w);
}

static void restart_self(struct watcher* w) {
  watcher_stop(w);
  watcher_start(w);
}

static void start_peer(struct watcher* w) {
  watcher_start(w->peer);
}

static void stop_peer(struct watcher* w) {
  watcher_stop(w->peer);
}

static void close_peer(struct watcher* w) {
  if (!uv_is_closing(&w->peer->u.handle)) watcher_close(w->peer);
}

static void close_peer_or_self(struct watcher* w) {
  watcher_close(uv_is_closing(&w->peer->u.handle) ? w : w->peer);
}

static void toggle_peer(struct watcher* w) {
  watcher_stop(w->peer);
  watcher_start(w->peer);
}

TEST(handle_watcher_runs_once_per_iteration) {
  int phase;

  for (phase = 0; phase < PHASES; phase++) {
    uv_loop_t loop;
    struct watcher w;

    loop_open(&loop);
    watcher_init(&loop, &w, (enum phase) phase, 'a');
    ASSERT_EQ(uv_is_active(&w.u.handle), 0);
    watcher_start(&w);
    ASSERT_EQ(uv_is_active(&w.u.handle), 1);
    run_iterations(&loop, 3);
    watcher_stop(&w);
    ASSERT_EQ(uv_is_active(&w.u.handle), 0);
    run_iterations(&loop, 1);
    ASSERT_STR_EQ(trace, "|a|a|a|");
    CLOSE_LOOP(&loop);
  }
}

TEST(handle_watcher_start_and_stop_are_idempotent) {
  int phase;

  for (phase = 0; phase < PHASES; phase++) {
    uv_loop_t loop;
    struct watcher w;

    loop_open(&loop);
    watcher_init(&loop, &w, (enum phase) phase, 'a');
    watcher_stop(&w);
    watcher_start(&w);
    watcher_start(&w);
    run_iterations(&loop, 1);
    watcher_stop(&w);
    watcher_stop(&w);
    uv_unref((uv_handle_t*) &keeper);
    ASSERT_EQ(uv_loop_alive(&loop), 0);
    ASSERT_STR_EQ(trace, "|a");
    CLOSE_LOOP(&loop);
  }
}

static void other_idle_cb(uv_idle_t* handle) {
  (void) handle;
  note('?');
}

TEST(handle_watcher_start_of_an_active_one_keeps_the_callback) {
  uv_loop_t loop;
  struct watcher w;

  loop_open(&loop);
  watcher_init(&loop, &w, IDLE, 'a');
  watcher_start(&w);
  ASSERT_OK(uv_idle_start(&w.u.idle, other_idle_cb));
  run_iterations(&loop, 1);
  watcher_stop(&w);
  ASSERT_OK(uv_idle_start(&w.u.idle, other_idle_cb));
  run_iterations(&loop, 1);
  ASSERT_STR_EQ(trace, "|a|?");
  CLOSE_LOOP(&loop);
}

TEST(handle_watcher_null_callback_is_einval) {
  int phase;

  for (phase = 0; phase < PHASES; phase++) {
    uv_loop_t loop;
    struct watcher w;

    ASSERT_OK(uv_loop_init(&loop));
    watcher_init(&loop, &w, (enum phase) phase, 'a');
    ASSERT_EQ(watcher_start_null(&w), UV_EINVAL);
    ASSERT_EQ(uv_is_active(&w.u.handle), 0);
    watcher_start(&w);
    /* An active watcher ignores a start altogether. */
    ASSERT_EQ(watcher_start_null(&w), 0);
    CLOSE_LOOP(&loop);
  }
}

/* Watchers of one phase run last started first. Each case gives watcher `a`
 * an action on itself or on `b`; `first` says which of the two runs first. */
TEST(handle_watcher_callback_may_change_watchers_of_its_phase) {
  static const struct {
    const char* what;
    void (*action)(struct watcher*);
    int a_first;
    int b_active;
    const char* order; /* of three iterations */
  } cases[] = {
      {"nothing", NULL, 1, 1, "|ab|ab|ab"},
      {"nothing", NULL, 0, 1, "|ba|ba|ba"},
      {"stop self", stop_self, 1, 1, "|ab|b|b"},
      {"stop self", stop_self, 0, 1, "|ba|b|b"},
      {"close self", close_self, 1, 1, "|abx|b|b"},
      {"close self", close_self, 0, 1, "|bax|b|b"},
      {"restart self", restart_self, 1, 1, "|ab|ab|ab"},
      {"restart self", restart_self, 0, 1, "|ba|ab|ab"},
      {"stop other", stop_peer, 1, 1, "|a|a|a"},
      {"stop other", stop_peer, 0, 1, "|ba|a|a"},
      {"close other", close_peer, 1, 1, "|ax|a|a"},
      {"close other", close_peer, 0, 1, "|bax|a|a"},
      {"start other", start_peer, 1, 0, "|a|ba|ba"},
      {"restart other", toggle_peer, 1, 1, "|a|ba|ba"},
      {"restart other", toggle_peer, 0, 1, "|ba|ba|ba"},
  };
  size_t c;
  int phase;

  for (phase = 0; phase < PHASES; phase++) {
    for (c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
      uv_loop_t loop;
      struct watcher a;
      struct watcher b;

      loop_open(&loop);
      watcher_init(&loop, &a, (enum phase) phase, 'a');
      watcher_init(&loop, &b, (enum phase) phase, 'b');
      a.action = cases[c].action;
      a.peer = &b;
      if (!cases[c].a_first) watcher_start(&a);
      if (cases[c].b_active) watcher_start(&b);
      if (cases[c].a_first) watcher_start(&a);
      run_iterations(&loop, 3);
      if (strcmp(trace, cases[c].order) != 0)
        test_fail(__FILE__, __LINE__, "phase %d, %s, %s first: %s, not %s",
                  phase, cases[c].what, cases[c].a_first ? "a" : "b", trace,
                  cases[c].order);
      CLOSE_LOOP(&loop);
    }
  }
}

static void stop_next_two(struct watcher* w) {
  watcher_stop(w->peer);
  watcher_stop(w->peer->peer);
}

static void close_next_two(struct watcher* w) {
  close_peer(w);
  close_peer(w->peer);
}

/* Whatever a callback does to those that would be next, the ones behind them
 * have their turn. */
TEST(handle_watcher_behind_those_that_go_runs) {
  static const struct {
    void (*action)(struct watcher*);
    const char* order; /* of three iterations */
  } cases[] = {
      {NULL, "|abcd|abcd|abcd"},
      {stop_peer, "|acd|acd|acd"},
      {close_peer, "|acdx|acd|acd"},
      {toggle_peer, "|acd|bacd|bacd"},
      {stop_next_two, "|ad|ad|ad"},
      {close_next_two, "|adxx|ad|ad"},
  };
  size_t c;
  int phase, i;

  for (phase = 0; phase < PHASES; phase++) {
    for (c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
      uv_loop_t loop;
      struct watcher w[4];

      loop_open(&loop);
      for (i = 3; i >= 0; i--) {
        watcher_init(&loop, &w[i], (enum phase) phase, (char) ('a' + i));
        w[i].peer = &w[(i + 1) % 4];
        watcher_start(&w[i]);
      }
      w[0].action = cases[c].action;
      run_iterations(&loop, 3);
      if (strcmp(trace, cases[c].order) != 0)
        test_fail(__FILE__, __LINE__, "phase %d: %s, not %s", phase, trace,
                  cases[c].order);
      CLOSE_LOOP(&loop);
    }
  }
}

/* A watcher that is started from another phase runs when its own phase comes
 * next, in this iteration or the following one. */
TEST(handle_watcher_started_from_another_phase) {
  static const struct {
    enum phase from;
    enum phase to;
    const char* order; /* of two iterations; `a` starts `b` */
  } cases[] = {
      {IDLE, PREPARE, "|ab|ab"},    {IDLE, CHECK, "|ab|ab"},
      {PREPARE, CHECK, "|ab|ab"},   {PREPARE, IDLE, "|a|ba"},
      {CHECK, IDLE, "|a|ba"},       {CHECK, PREPARE, "|a|ba"},
  };
  size_t c;

  for (c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
    uv_loop_t loop;
    struct watcher a;
    struct watcher b;

    loop_open(&loop);
    watcher_init(&loop, &a, cases[c].from, 'a');
    watcher_init(&loop, &b, cases[c].to, 'b');
    a.action = start_peer;
    a.peer = &b;
    watcher_start(&a);
    run_iterations(&loop, 2);
    ASSERT_STR_EQ(trace, cases[c].order);
    CLOSE_LOOP(&loop);
  }
}

static void timer_fires_cb(uv_timer_t* timer) {
  fire(timer->data);
}

static void async_fires_cb(uv_async_t* async) {
  fire(async->data);
}

/* Timer and async callbacks are phases too: a watcher started or stopped
 * there counts from the next time its phase comes round. */
TEST(handle_watcher_changed_from_timer_and_async_callbacks) {
  static const struct {
    enum phase to;
    const char* from_timer;
    const char* from_async;
  } cases[] = {
      {IDLE, "|t|b", "|s|b"},
      {PREPARE, "|t|b", "|s|b"},
      {CHECK, "|t|b", "|sb|b"},
  };
  size_t c;

  for (c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
    uv_loop_t loop;
    uv_timer_t timer;
    uv_async_t async;
    struct watcher source = {.action = start_peer};
    struct watcher b;

    source.peer = &b;
    loop_open(&loop);
    ASSERT_OK(uv_timer_init(&loop, &timer));
    ASSERT_OK(uv_async_init(&loop, &async, async_fires_cb));
    timer.data = &source;
    async.data = &source;
    watcher_init(&loop, &b, cases[c].to, 'b');

    trace[0] = '\0';
    source.name = 't';
    ASSERT_OK(uv_timer_start(&timer, timer_fires_cb, 0, 0));
    run_iterations(&loop, 2);
    ASSERT_STR_EQ(trace, cases[c].from_timer);
    watcher_stop(&b);

    trace[0] = '\0';
    source.name = 's';
    ASSERT_OK(uv_async_send(&async));
    run_iterations(&loop, 2);
    ASSERT_STR_EQ(trace, cases[c].from_async);
    CLOSE_LOOP(&loop);
  }
}

static void reopen_cb(uv_handle_t* handle) {
  struct watcher* w = handle->data;
  uv_loop_t* loop = handle->loop;

  note('x');
  watcher_init(loop, w, w->phase, 'b');
  watcher_start(w);
}

TEST(handle_watcher_restarted_in_its_close_callback) {
  int phase;

  for (phase = 0; phase < PHASES; phase++) {
    uv_loop_t loop;
    struct watcher w;

    loop_open(&loop);
    watcher_init(&loop, &w, (enum phase) phase, 'a');
    watcher_start(&w);
    run_iterations(&loop, 1);
    uv_close(&w.u.handle, reopen_cb);
    run_iterations(&loop, 2);
    ASSERT_STR_EQ(trace, "|a|x|b");
    CLOSE_LOOP(&loop);
  }
}

TEST(handle_watcher_many_stop_each_other) {
  enum { N = 50 };
  uv_loop_t loop;
  struct watcher w[N];
  int phase;
  int i;

  for (phase = 0; phase < PHASES; phase++) {
    loop_open(&loop);
    for (i = 0; i < N; i++) {
      watcher_init(&loop, &w[i], (enum phase) phase, '.');
      w[i].action = stop_peer;
      w[i].peer = &w[i ^ 1];
      watcher_start(&w[i]);
    }
    /* Of each pair, whichever runs first silences the other. */
    run_iterations(&loop, 2);
    ASSERT_EQ(strlen(trace), 2 + N);
    CLOSE_LOOP(&loop);
  }
}

TEST(handle_watcher_all_close_each_other) {
  enum { N = 20 };
  uv_loop_t loop;
  struct watcher w[N];
  int phase;
  int i;

  for (phase = 0; phase < PHASES; phase++) {
    loop_open(&loop);
    for (i = 0; i < N; i++) {
      watcher_init(&loop, &w[i], (enum phase) phase, '.');
      w[i].action = close_peer_or_self;
      w[i].peer = &w[(i + 1) % N];
      watcher_start(&w[i]);
    }
    run_iterations(&loop, 2);
    for (i = 0; i < N; i++) ASSERT_NE(uv_is_closing(&w[i].u.handle), 0);
    CLOSE_LOOP(&loop);
  }
}

/* --- what every handle has in common --------------------------------- */

union any_handle {
  uv_handle_t handle;
  uv_timer_t timer;
  uv_idle_t idle;
  uv_prepare_t prepare;
  uv_check_t check;
  uv_async_t async;
  uv_signal_t signal;
  uv_tcp_t tcp;
};

static void signal_cb(uv_signal_t* handle, int signum) {
  (void) handle;
  (void) signum;
}

static void no_timer_cb(uv_timer_t* handle) {
  (void) handle;
}

static void no_idle_cb(uv_idle_t* handle) {
  (void) handle;
}

static void no_prepare_cb(uv_prepare_t* handle) {
  (void) handle;
}

static void no_check_cb(uv_check_t* handle) {
  (void) handle;
}

static void connection_cb(uv_stream_t* server, int status) {
  (void) server;
  (void) status;
}

static const uv_handle_type kinds[] = {
    UV_TIMER, UV_IDLE, UV_PREPARE, UV_CHECK, UV_ASYNC, UV_SIGNAL, UV_TCP,
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void any_init(uv_loop_t* loop, union any_handle* h,
                     uv_handle_type kind) {
  /* Init may not rely on what the memory held before. */
  memset(h, 0xff, sizeof(*h));
  switch (kind) {
    case UV_TIMER: ASSERT_OK(uv_timer_init(loop, &h->timer)); break;
    case UV_IDLE: ASSERT_OK(uv_idle_init(loop, &h->idle)); break;
    case UV_PREPARE: ASSERT_OK(uv_prepare_init(loop, &h->prepare)); break;
    case UV_CHECK: ASSERT_OK(uv_check_init(loop, &h->check)); break;
    case UV_ASYNC: ASSERT_OK(uv_async_init(loop, &h->async, NULL)); break;
    case UV_SIGNAL: ASSERT_OK(uv_signal_init(loop, &h->signal)); break;
    default: ASSERT_OK(uv_tcp_init(loop, &h->tcp)); break;
  }
}

static void any_start(union any_handle* h) {
  struct sockaddr_in addr;

  switch (h->handle.type) {
    case UV_TIMER:
      ASSERT_OK(uv_timer_start(&h->timer, no_timer_cb, 1000000, 0));
      break;
    case UV_IDLE: ASSERT_OK(uv_idle_start(&h->idle, no_idle_cb)); break;
    case UV_PREPARE:
      ASSERT_OK(uv_prepare_start(&h->prepare, no_prepare_cb));
      break;
    case UV_CHECK: ASSERT_OK(uv_check_start(&h->check, no_check_cb)); break;
    case UV_ASYNC: break; /* active from birth */
    case UV_SIGNAL:
      ASSERT_OK(uv_signal_start(&h->signal, signal_cb, SIGUSR1));
      break;
    default:
      ASSERT_OK(uv_ip4_addr("127.0.0.1", 0, &addr));
      ASSERT_OK(uv_tcp_bind(&h->tcp, (struct sockaddr*) &addr, 0));
      ASSERT_OK(uv_listen((uv_stream_t*) &h->tcp, 1, connection_cb));
      break;
  }
}

TEST(handle_init_sets_type_loop_and_state) {
  uv_loop_t loop;
  union any_handle h;
  size_t i;

  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < KINDS; i++) {
    any_init(&loop, &h, kinds[i]);
    ASSERT_EQ(h.handle.type, kinds[i]);
    ASSERT_EQ(uv_handle_get_type(&h.handle), kinds[i]);
    ASSERT_PTR_EQ(h.handle.loop, &loop);
    ASSERT_PTR_EQ(uv_handle_get_loop(&h.handle), &loop);
    /* The data pointer is the user's: init leaves it alone. */
    ASSERT_EQ((intptr_t) h.handle.data, -1);
    ASSERT_EQ(uv_is_active(&h.handle), kinds[i] == UV_ASYNC);
    ASSERT_EQ(uv_is_closing(&h.handle), 0);
    ASSERT_EQ(uv_has_ref(&h.handle), 1);
    uv_close(&h.handle, NULL);
    ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  }
  CLOSE_LOOP(&loop);
}

TEST(handle_data_accessors) {
  uv_loop_t loop;
  union any_handle h;

  ASSERT_OK(uv_loop_init(&loop));
  any_init(&loop, &h, UV_TIMER);
  uv_handle_set_data(&h.handle, &loop);
  ASSERT_PTR_EQ(h.handle.data, &loop);
  h.handle.data = &h;
  ASSERT_PTR_EQ(uv_handle_get_data(&h.handle), &h);
  uv_close(&h.handle, NULL);
  ASSERT_PTR_EQ(h.handle.data, &h);
  CLOSE_LOOP(&loop);
}

TEST(handle_ref_and_unref_are_idempotent) {
  uv_loop_t loop;
  union any_handle h;
  size_t i;
  int started;

  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < KINDS; i++) {
    for (started = 0; started < 2; started++) {
      int counts;

      any_init(&loop, &h, kinds[i]);
      if (started) any_start(&h);
      counts = uv_is_active(&h.handle);
      ASSERT_EQ(uv_loop_alive(&loop), counts);
      uv_ref(&h.handle);
      uv_ref(&h.handle);
      ASSERT_EQ(uv_has_ref(&h.handle), 1);
      ASSERT_EQ(uv_loop_alive(&loop), counts);
      uv_unref(&h.handle);
      ASSERT_EQ(uv_has_ref(&h.handle), 0);
      ASSERT_EQ(uv_loop_alive(&loop), 0);
      uv_unref(&h.handle);
      ASSERT_EQ(uv_loop_alive(&loop), 0);
      ASSERT_EQ(uv_is_active(&h.handle), counts);
      ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
      uv_ref(&h.handle);
      ASSERT_EQ(uv_has_ref(&h.handle), 1);
      ASSERT_EQ(uv_loop_alive(&loop), counts);
      uv_close(&h.handle, NULL);
      ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
    }
  }
  CLOSE_LOOP(&loop);
}

TEST(handle_started_while_unreferenced_does_not_keep_the_loop) {
  uv_loop_t loop;
  union any_handle h;
  size_t i;

  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < KINDS; i++) {
    any_init(&loop, &h, kinds[i]);
    uv_unref(&h.handle);
    any_start(&h);
    ASSERT_EQ(uv_is_active(&h.handle), 1);
    ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
    uv_close(&h.handle, NULL);
    /* Closing counts, referenced or not. */
    ASSERT_NE(uv_loop_alive(&loop), 0);
    ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  }
  CLOSE_LOOP(&loop);
}

TEST(handle_close_stops_and_calls_back_once) {
  uv_loop_t loop;
  union any_handle h;
  size_t i;
  int started;

  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < KINDS; i++) {
    for (started = 0; started < 2; started++) {
      trace[0] = '\0';
      any_init(&loop, &h, kinds[i]);
      if (started) any_start(&h);
      uv_close(&h.handle, note_close_cb);
      ASSERT_STR_EQ(trace, ""); /* never from within uv_close() */
      ASSERT_EQ(uv_is_active(&h.handle), 0);
      ASSERT_NE(uv_is_closing(&h.handle), 0);
      ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
      ASSERT_STR_EQ(trace, "x");
      ASSERT_NE(uv_is_closing(&h.handle), 0);
    }
  }
  CLOSE_LOOP(&loop);
}

/* The memory is the caller's again from inside the close callback on. */
static void free_cb(uv_handle_t* handle) {
  memset(handle, 0xdd, sizeof(union any_handle));
  free(handle);
  note('x');
}

TEST(handle_memory_may_be_freed_in_the_close_callback) {
  uv_loop_t loop;
  size_t i;

  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < 3 * KINDS; i++) {
    union any_handle* h = malloc(sizeof(*h));
    ASSERT_NOT_NULL(h);
    any_init(&loop, h, kinds[i % KINDS]);
    any_start(h);
    uv_close(&h->handle, free_cb);
  }
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(strlen(trace), 3 * KINDS);
  ASSERT_OK(uv_loop_close(&loop));
}

TEST(handle_sizes_are_those_of_the_header) {
#define XX(uc, lc) ASSERT_EQ(uv_handle_size(UV_##uc), sizeof(uv_##lc##_t));
  UV_HANDLE_TYPE_MAP(XX)
#undef XX
#define XX(uc, lc) ASSERT_EQ(uv_req_size(UV_##uc), sizeof(uv_##lc##_t));
  UV_REQ_TYPE_MAP(XX)
#undef XX
}

TEST(handle_type_names) {
#define XX(uc, lc) ASSERT_STR_EQ(uv_handle_type_name(UV_##uc), #lc);
  UV_HANDLE_TYPE_MAP(XX)
#undef XX
#define XX(uc, lc) ASSERT_STR_EQ(uv_req_type_name(UV_##uc), #lc);
  UV_REQ_TYPE_MAP(XX)
#undef XX
  ASSERT_STR_EQ(uv_handle_type_name(UV_FILE), "file");
}

TEST(handle_sizes_and_names_out_of_range) {
  static const int bad[] = {0, UV_HANDLE_TYPE_MAX, UV_HANDLE_TYPE_MAX + 1,
                            -1, 1000, INT32_MAX, INT32_MIN};
  size_t i;

  for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    ASSERT_EQ(uv_handle_size((uv_handle_type) bad[i]), -1);
    ASSERT_NULL(uv_handle_type_name((uv_handle_type) bad[i]));
  }
  ASSERT_EQ(uv_handle_size(UV_FILE), -1);
  for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    int type = bad[i];
    if (type == UV_HANDLE_TYPE_MAX) type = UV_REQ_TYPE_MAX;
    if (type == UV_HANDLE_TYPE_MAX + 1) type = UV_REQ_TYPE_MAX + 1;
    ASSERT_EQ(uv_req_size((uv_req_type) type), -1);
    ASSERT_NULL(uv_req_type_name((uv_req_type) type));
  }
}

static void after_work_cb(uv_work_t* req, int status) {
  ASSERT_OK(status);
  ASSERT_PTR_EQ(uv_req_get_data((uv_req_t*) req), trace);
  note('w');
}

TEST(handle_req_accessors) {
  uv_loop_t loop;
  uv_work_t req;

  ASSERT_OK(uv_loop_init(&loop));
  memset(&req, 0xff, sizeof(req));
  uv_req_set_data((uv_req_t*) &req, trace);
  ASSERT_OK(uv_queue_work(&loop, &req, no_work, after_work_cb));
  ASSERT_EQ(uv_req_get_type((uv_req_t*) &req), UV_WORK);
  ASSERT_EQ(req.type, UV_WORK);
  ASSERT_PTR_EQ(req.loop, &loop);
  ASSERT_PTR_EQ(req.data, trace);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_STR_EQ(trace, "w");
  CLOSE_LOOP(&loop);
}

TEST(handle_fileno_and_buffer_sizes_need_a_socket) {
  uv_loop_t loop;
  union any_handle h;
  uv_os_fd_t fd;
  size_t i;

  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < KINDS; i++) {
    int size = 0;

    any_init(&loop, &h, kinds[i]);
    if (kinds[i] == UV_TCP) {
      ASSERT_EQ(uv_fileno(&h.handle, &fd), UV_EBADF); /* no socket yet */
      any_start(&h);
      ASSERT_OK(uv_fileno(&h.handle, &fd));
      ASSERT_GE(fd, 0);
      ASSERT_OK(uv_send_buffer_size(&h.handle, &size));
      ASSERT_GT(size, 0);
      uv_close(&h.handle, NULL);
      ASSERT_EQ(uv_fileno(&h.handle, &fd), UV_EBADF);
    } else {
      ASSERT_EQ(uv_fileno(&h.handle, &fd), UV_EINVAL);
      ASSERT_EQ(uv_send_buffer_size(&h.handle, &size), UV_ENOTSUP);
      ASSERT_EQ(uv_recv_buffer_size(&h.handle, &size), UV_ENOTSUP);
      uv_close(&h.handle, NULL);
    }
    ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  }
  CLOSE_LOOP(&loop);
}
