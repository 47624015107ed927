/* Idle, prepare and check watchers. They behave alike, so one table of tests
 * serves all three. */

#include "test-callbacks.h"
#include "test-trace.h"

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
  uv_close(&w->u.handle, note_close);
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
    /* Of each pair, the one that runs first stops the other. */
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
