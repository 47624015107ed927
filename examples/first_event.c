/* The first event program: a request and its result are two different moments.
 * The program requests a file, continues at once, and receives the contents
 * later, among the other events of one loop. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

static uv_loop_t loop;
static uv_timer_t timer;
static uv_idle_t idle;
static uv_check_t check;
static uv_signal_t sig;

static uv_fs_t open_req, read_req, close_req;
static char contents[64 * 1024 + 1]; /* always ends with a zero */
static size_t contents_size;

static void say(const char* phase, const char* what) {
  static int step;
  printf("%d. %-8s %s\n", ++step, phase, what);
}

static void must(int result, const char* what) {
  if (result >= 0) return;
  fprintf(stderr, "%s: %s\n", what, uv_strerror(result));
  exit(1);
}

/* ---- The file ----------------------------------------------------------- */

static void on_close(uv_fs_t* req) {
  must((int) req->result, "close");
  uv_fs_req_cleanup(req);
  say("[poll]", "The file is closed. Nothing is left to wait for.");
}

static void on_read(uv_fs_t* req);

static void read_more(void) {
  uv_buf_t buf = uv_buf_init(contents + contents_size,
                             sizeof(contents) - 1 - contents_size);
  must(uv_fs_read(&loop, &read_req, (uv_file) open_req.result, &buf, 1, -1,
                  on_read),
       "uv_fs_read");
}

static void on_read(uv_fs_t* req) {
  ssize_t nread = req->result;
  char line[128];

  uv_fs_req_cleanup(req);
  must((int) nread, "read");
  contents_size += (size_t) nread;
  if (nread > 0 && contents_size < sizeof(contents) - 1) {
    read_more(); /* a read may return less than the rest of the file */
    return;
  }
  snprintf(line, sizeof(line),
           "The contents arrive: %zu bytes. The first line:", contents_size);
  say("[poll]", line);
  printf("            | %.*s\n", (int) strcspn(contents, "\n"), contents);
  must(uv_fs_close(&loop, &close_req, (uv_file) open_req.result, on_close),
       "uv_fs_close");
}

static void on_open(uv_fs_t* req) {
  must((int) req->result, req->path);
  uv_fs_req_cleanup(req);
  read_more();
}

/* ---- The other events --------------------------------------------------- */

static void on_timer(uv_timer_t* handle) {
  say("[timers]", "A timer of 0 ms: already due when uv_run starts.");
  uv_close((uv_handle_t*) handle, NULL);
}

static void on_idle(uv_idle_t* handle) {
  say("[idle]", "In each iteration, before the poll for events. It raises a "
                "signal.");
  raise(SIGUSR1);
  uv_close((uv_handle_t*) handle, NULL);
}

static void on_signal(uv_signal_t* handle, int signum) {
  char line[128];
  snprintf(line, sizeof(line), "Signal %d arrives: an event like any other.",
           signum);
  say("[poll]", line);
  uv_close((uv_handle_t*) handle, NULL);
}

static void on_check(uv_check_t* handle) {
  say("[check]", "In each iteration, after the poll.");
  uv_close((uv_handle_t*) handle, NULL);
}

int main(int argc, char** argv) {
  /* A file that every program finds, from any directory. */
  const char* path = argc > 1 ? argv[1] : "/proc/self/status";
  int left;

  must(uv_loop_init(&loop), "uv_loop_init");

  must(uv_timer_init(&loop, &timer), "uv_timer_init");
  must(uv_timer_start(&timer, on_timer, 0, 0), "uv_timer_start");
  must(uv_idle_init(&loop, &idle), "uv_idle_init");
  must(uv_idle_start(&idle, on_idle), "uv_idle_start");
  must(uv_check_init(&loop, &check), "uv_check_init");
  must(uv_check_start(&check, on_check), "uv_check_start");
  must(uv_signal_init(&loop, &sig), "uv_signal_init");
  must(uv_signal_start(&sig, on_signal, SIGUSR1), "uv_signal_start");

  must(uv_fs_open(&loop, &open_req, path, UV_FS_O_RDONLY, 0, on_open),
       "uv_fs_open");

  /* The worker thread may have opened the file by now, but the callback waits
   * for uv_run, the only place where callbacks run. */
  say("[main]", "This happens first: the file has only been asked for.");

  /* The order below is that of the loop's phases: due timers, idle, poll,
   * check. The file is opened in one iteration and read in a later one, so its
   * contents arrive after the first check. */
  left = uv_run(&loop, UV_RUN_DEFAULT);
  say("[main]", left == 0 ? "uv_run has returned: no handle, no request."
                          : "uv_run has returned early.");
  must(uv_loop_close(&loop), "uv_loop_close");
  return left;
}
