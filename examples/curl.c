/* libcurl on the loop: it names the descriptors that it waits for, and a
 * timeout, and the loop reports events to it. All transfers share one thread.
 *   curl URL... */
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include <curl/curl.h>

struct transfer {
  const char* url;
  size_t size;
  long status;
  CURLcode result;
};

static uv_loop_t loop;
static uv_timer_t timer;
static CURLM* curl;

static void must(int result, const char* what) {
  if (result >= 0) return;
  fprintf(stderr, "%s: %s\n", what, uv_strerror(result));
  exit(1);
}

static void must_curl(CURLMcode code) {
  if (code == CURLM_OK) return;
  fprintf(stderr, "%s\n", curl_multi_strerror(code));
  exit(1);
}

/* Called after every use of libcurl that may have finished transfers. */
static void take_finished(void) {
  struct transfer* transfer;
  CURLMsg* message;
  int left;

  while ((message = curl_multi_info_read(curl, &left)) != NULL) {
    CURL* handle = message->easy_handle;
    CURLcode result = message->data.result; /* not valid after the removal */

    curl_easy_getinfo(handle, CURLINFO_PRIVATE, &transfer);
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &transfer->status);
    transfer->result = result;
    must_curl(curl_multi_remove_handle(curl, handle));
    curl_easy_cleanup(handle);
  }
}

/* ---- From the loop to libcurl ------------------------------------------- */

static void on_event(uv_poll_t* poll, int status, int events) {
  curl_socket_t* socket = poll->data;
  int flags = 0;
  int running;

  if (status < 0) flags |= CURL_CSELECT_ERR;
  if (events & UV_READABLE) flags |= CURL_CSELECT_IN;
  if (events & UV_WRITABLE) flags |= CURL_CSELECT_OUT;
  must_curl(curl_multi_socket_action(curl, *socket, flags, &running));
  take_finished();
}

static void on_timeout(uv_timer_t* handle) {
  int running;

  (void) handle;
  must_curl(curl_multi_socket_action(curl, CURL_SOCKET_TIMEOUT, 0, &running));
  take_finished();
}

/* ---- From libcurl to the loop ------------------------------------------- */

struct watcher {
  uv_poll_t poll;
  curl_socket_t socket;
};

static void free_watcher(uv_handle_t* handle) {
  free(handle);
}

static int watch(CURL* easy, curl_socket_t socket, int what, void* data,
                 void* known) {
  struct watcher* watcher = known; /* from curl_multi_assign, or NULL */
  int events = 0;

  (void) easy;
  (void) data;
  if (what == CURL_POLL_REMOVE) {
    /* libcurl closes the descriptor next. */
    if (watcher != NULL) uv_close((uv_handle_t*) &watcher->poll, free_watcher);
    return 0;
  }
  if (watcher == NULL) {
    watcher = malloc(sizeof(*watcher));
    if (watcher == NULL) return -1;
    watcher->socket = socket;
    watcher->poll.data = &watcher->socket;
    must(uv_poll_init_socket(&loop, &watcher->poll, socket), "uv_poll_init");
    curl_multi_assign(curl, socket, watcher);
  }
  if (what & CURL_POLL_IN) events |= UV_READABLE;
  if (what & CURL_POLL_OUT) events |= UV_WRITABLE;
  must(uv_poll_start(&watcher->poll, events, on_event), "uv_poll_start");
  return 0;
}

static int set_timeout(CURLM* multi, long milliseconds, void* data) {
  (void) multi;
  (void) data;
  /* The timer also serves a timeout of 0: libcurl must not be called from its
   * own callback. */
  if (milliseconds < 0)
    uv_timer_stop(&timer);
  else
    uv_timer_start(&timer, on_timeout, (uint64_t) milliseconds, 0);
  return 0;
}

/* ---- Main --------------------------------------------------------------- */

static size_t on_data(char* bytes, size_t size, size_t count, void* data) {
  struct transfer* transfer = data;

  (void) bytes;
  transfer->size += size * count;
  return size * count;
}

static void start(struct transfer* transfer, const char* url) {
  const char* ca_bundle = getenv("CURL_CA_BUNDLE");
  CURL* handle = curl_easy_init();

  if (handle == NULL) must(UV_ENOMEM, "curl_easy_init");
  transfer->url = url;
  curl_easy_setopt(handle, CURLOPT_URL, url);
  curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 1L);
  if (ca_bundle != NULL) curl_easy_setopt(handle, CURLOPT_CAINFO, ca_bundle);
  curl_easy_setopt(handle, CURLOPT_PRIVATE, transfer);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_data);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, transfer);
  must_curl(curl_multi_add_handle(curl, handle));
}

int main(int argc, char** argv) {
  struct transfer* transfers = calloc((size_t) argc, sizeof(*transfers));
  int failed = 0;
  int i;

  must(transfers != NULL ? 0 : UV_ENOMEM, "calloc");
  must(uv_loop_init(&loop), "uv_loop_init");
  must(uv_timer_init(&loop, &timer), "uv_timer_init");
  curl_global_init(CURL_GLOBAL_ALL);
  curl = curl_multi_init();
  if (curl == NULL) must(UV_ENOMEM, "curl_multi_init");
  curl_multi_setopt(curl, CURLMOPT_SOCKETFUNCTION, watch);
  curl_multi_setopt(curl, CURLMOPT_TIMERFUNCTION, set_timeout);
  curl_multi_setopt(curl, CURLMOPT_MAX_HOST_CONNECTIONS, 10L);

  for (i = 1; i < argc; i++) start(&transfers[i], argv[i]);
  must(uv_run(&loop, UV_RUN_DEFAULT), "uv_run");

  /* This may close connections that were kept alive, and stop the timer. */
  must_curl(curl_multi_cleanup(curl));
  uv_close((uv_handle_t*) &timer, NULL);
  must(uv_run(&loop, UV_RUN_DEFAULT), "uv_run");
  must(uv_loop_close(&loop), "uv_loop_close");
  curl_global_cleanup();

  for (i = 1; i < argc; i++) {
    printf("%s: %s, status %ld, %zu bytes\n", transfers[i].url,
           curl_easy_strerror(transfers[i].result), transfers[i].status,
           transfers[i].size);
    if (transfers[i].result != CURLE_OK) failed = 1;
  }
  free(transfers);
  return failed;
}
