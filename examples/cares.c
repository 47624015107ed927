/* Looks up names with c-ares on the loop, all at once and without a thread, as
 * Node.js does: c-ares names the sockets that it waits for, and a timeout.
 *   cares SERVER[:PORT] NAME... */
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include <ares.h>

struct question {
  const char* name;
  int status;
  char addresses[1024];
};

/* A socket of c-ares. */
struct watcher {
  uv_poll_t poll;
  ares_socket_t socket;
  struct watcher* next;
};

static uv_loop_t loop;
static uv_timer_t timer;
static ares_channel channel;
static struct watcher* watchers;
static int unanswered;

static void must(int result, const char* what) {
  if (result >= 0) return;
  fprintf(stderr, "%s: %s\n", what, uv_strerror(result));
  exit(1);
}

static void must_ares(int status, const char* what) {
  if (status == ARES_SUCCESS) return;
  fprintf(stderr, "%s: %s\n", what, ares_strerror(status));
  exit(1);
}

/* ---- From the loop to c-ares -------------------------------------------- */

static void on_timeout(uv_timer_t* handle);

/* Every use of c-ares changes its timeout. */
static void set_timer(void) {
  struct timeval wait;

  if (unanswered == 0 || ares_timeout(channel, NULL, &wait) == NULL)
    uv_timer_stop(&timer);
  else
    uv_timer_start(&timer, on_timeout,
                   (uint64_t) wait.tv_sec * 1000 +
                       (uint64_t) (wait.tv_usec + 999) / 1000,
                   0);
}

static void on_timeout(uv_timer_t* handle) {
  (void) handle;
  ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  set_timer();
}

static void on_event(uv_poll_t* poll, int status, int events) {
  ares_socket_t socket = ((struct watcher*) poll)->socket;

  /* On an error c-ares sees it in both directions. */
  if (status < 0) events = UV_READABLE | UV_WRITABLE;
  ares_process_fd(channel, events & UV_READABLE ? socket : ARES_SOCKET_BAD,
                  events & UV_WRITABLE ? socket : ARES_SOCKET_BAD);
  set_timer();
}

/* ---- From c-ares to the loop -------------------------------------------- */

static void free_watcher(uv_handle_t* handle) {
  free(handle);
}

static void watch(void* data, ares_socket_t socket, int readable,
                  int writable) {
  struct watcher** link = &watchers;
  struct watcher* watcher;

  (void) data;
  while (*link != NULL && (*link)->socket != socket) link = &(*link)->next;
  watcher = *link;
  if (!readable && !writable) { /* c-ares closes it next */
    if (watcher == NULL) return;
    *link = watcher->next;
    uv_close((uv_handle_t*) &watcher->poll, free_watcher);
    return;
  }
  if (watcher == NULL) {
    watcher = malloc(sizeof(*watcher));
    if (watcher == NULL) must(UV_ENOMEM, "malloc");
    watcher->socket = socket;
    watcher->next = watchers;
    watchers = watcher;
    must(uv_poll_init_socket(&loop, &watcher->poll, socket), "uv_poll_init");
  }
  must(uv_poll_start(&watcher->poll,
                     (readable ? UV_READABLE : 0) |
                         (writable ? UV_WRITABLE : 0),
                     on_event),
       "uv_poll_start");
}

/* ---- Main --------------------------------------------------------------- */

static void on_answer(void* data, int status, int timeouts,
                      struct ares_addrinfo* result) {
  struct question* question = data;
  struct ares_addrinfo_node* node;
  size_t used = 0;

  (void) timeouts;
  unanswered--;
  question->status = status;
  if (status != ARES_SUCCESS) return;
  for (node = result->nodes; node != NULL; node = node->ai_next) {
    char text[64];

    uv_ip_name(node->ai_addr, text, sizeof(text));
    used += (size_t) snprintf(question->addresses + used,
                              sizeof(question->addresses) - used, "%s%s",
                              used > 0 ? " " : "", text);
    if (used >= sizeof(question->addresses)) break;
  }
  ares_freeaddrinfo(result);
}

int main(int argc, char** argv) {
  struct ares_addrinfo_hints hints = {ARES_AI_NOSORT, AF_INET, 0, 0};
  struct ares_options options = {0};
  struct question* questions = calloc((size_t) argc + 1, sizeof(*questions));
  int failed = 0;
  int i;

  if (argc < 3) {
    fprintf(stderr, "cares SERVER[:PORT] NAME...\n");
    return 1;
  }
  if (questions == NULL) return 1;
  must(uv_loop_init(&loop), "uv_loop_init");
  must(uv_timer_init(&loop, &timer), "uv_timer_init");
  must_ares(ares_library_init(ARES_LIB_INIT_ALL), "ares_library_init");
  options.sock_state_cb = watch;
  options.timeout = 500; /* milliseconds for the first attempt */
  must_ares(ares_init_options(&channel, &options,
                              ARES_OPT_SOCK_STATE_CB | ARES_OPT_TIMEOUTMS),
            "ares_init_options");
  must_ares(ares_set_servers_ports_csv(channel, argv[1]), "the server");

  for (i = 2; i < argc; i++) {
    questions[i].name = argv[i];
    unanswered++;
    ares_getaddrinfo(channel, argv[i], NULL, &hints, on_answer, &questions[i]);
  }
  set_timer();
  must(uv_run(&loop, UV_RUN_DEFAULT), "uv_run");

  ares_destroy(channel); /* closes all open sockets */
  uv_close((uv_handle_t*) &timer, NULL);
  must(uv_run(&loop, UV_RUN_DEFAULT), "uv_run");
  must(uv_loop_close(&loop), "uv_loop_close");
  ares_library_cleanup();

  for (i = 2; i < argc; i++) {
    printf("%s: %s\n", questions[i].name,
           questions[i].status == ARES_SUCCESS
               ? questions[i].addresses
               : ares_strerror(questions[i].status));
    if (questions[i].status != ARES_SUCCESS) failed = 1;
  }
  free(questions);
  return failed;
}
