/* One operation after another, with some microseconds of work in each callback: what a thread that spins
 * before it blocks costs and gains. Arguments: the kind of operation (fs, work, async, reply), the work in
 * microseconds, the number of operations. Prints the median and the 99th percentile of the latency, and the
 * processor time of all threads for each operation, in nanoseconds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <uv.h>

static uv_loop_t loop, peer_loop;
static uv_fs_t file;
static uv_work_t work;
static uv_async_t here, there;
static uv_tcp_t near_end, far_end;
static uv_write_t request, reply;
static uint64_t began, gap, *latencies;
static int count, done;
static void (*begin)(void);
static void (*end)(void);

static void check(int condition, const char* text) {
  if (condition) return;
  fprintf(stderr, "failed: %s\n", text);
  exit(1);
}

static void finished(void) {
  uint64_t now = uv_hrtime();
  latencies[done++] = now - began;
  while (uv_hrtime() - now < gap) continue;
  if (done == count) {
    if (end != NULL) end();
    return;
  }
  began = uv_hrtime();
  begin();
}

static void on_stat(uv_fs_t* stat) {
  check(stat->result == 0, "the result of uv_fs_stat");
  uv_fs_req_cleanup(stat);
  finished();
}
static void begin_fs(void) { check(uv_fs_stat(&loop, &file, "/", on_stat) == 0, "uv_fs_stat"); }

static void empty(uv_work_t* unused) { (void) unused; }
static void on_work(uv_work_t* unused, int status) {
  (void) unused;
  check(status == 0, "the status of uv_queue_work");
  finished();
}
static void begin_work(void) { check(uv_queue_work(&loop, &work, empty, on_work) == 0, "uv_queue_work"); }

static void on_here(uv_async_t* unused) { (void) unused, finished(); }
static void on_there(uv_async_t* unused) {
  (void) unused;
  check(uv_async_send(&here) == 0, "uv_async_send");
}
static void begin_async(void) { check(uv_async_send(&there) == 0, "uv_async_send"); }

static char bytes[64], received[64];
static void allocate(uv_handle_t* handle, size_t size, uv_buf_t* buffer) {
  (void) size;
  *buffer = uv_buf_init(handle == (uv_handle_t*) &near_end ? received : bytes, sizeof bytes);
}
static void on_reply(uv_stream_t* unused, ssize_t size, const uv_buf_t* buffer) {
  (void) unused, (void) buffer;
  if (size > 0) finished();
}
static void on_request(uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer) {
  (void) buffer;
  uv_buf_t byte = uv_buf_init(bytes, 1);
  if (size > 0) check(uv_write(&reply, stream, &byte, 1, NULL) == 0, "uv_write");
}
static void begin_reply(void) {
  uv_buf_t byte = uv_buf_init(bytes, 1);
  check(uv_write(&request, (uv_stream_t*) &near_end, &byte, 1, NULL) == 0, "uv_write");
}
static void stop(void) { uv_stop(&loop); }

static void run_peer(void* unused) {
  (void) unused;
  uv_run(&peer_loop, UV_RUN_DEFAULT);
}

static void start_peer(int is_reply) {
  static uv_thread_t thread;
  check(uv_loop_init(&peer_loop) == 0, "the other loop");
  end = stop;
  if (is_reply) {
    uv_os_sock_t ends[2];
    check(uv_socketpair(SOCK_STREAM, 0, ends, UV_NONBLOCK_PIPE, UV_NONBLOCK_PIPE) == 0, "uv_socketpair");
    check(uv_tcp_init(&loop, &near_end) == 0 && uv_tcp_open(&near_end, ends[0]) == 0, "an end");
    check(uv_tcp_init(&peer_loop, &far_end) == 0 && uv_tcp_open(&far_end, ends[1]) == 0, "an end");
    uv_read_start((uv_stream_t*) &near_end, allocate, on_reply);
    uv_read_start((uv_stream_t*) &far_end, allocate, on_request);
  } else {
    check(uv_async_init(&loop, &here, on_here) == 0, "uv_async_init");
    check(uv_async_init(&peer_loop, &there, on_there) == 0, "uv_async_init");
  }
  check(uv_thread_create(&thread, run_peer, NULL) == 0, "a thread");
}

static int ascending(const void* left, const void* right) {
  uint64_t a = *(const uint64_t*) left, b = *(const uint64_t*) right;
  return (a > b) - (a < b);
}

static uint64_t processor_time(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return ((uint64_t) (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
          (uint64_t) (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec)) * 1000;
}

int main(int arguments, char** argument) {
  check(arguments == 4, "usage: pool_gap fs|work|async|reply MICROSECONDS OPERATIONS");
  const char* kind = argument[1];
  gap = strtoull(argument[2], NULL, 10) * 1000;
  count = atoi(argument[3]);
  latencies = calloc((size_t) count, sizeof *latencies);
  check(count > 0 && latencies != NULL && uv_loop_init(&loop) == 0, "a loop");
  if (strcmp(kind, "fs") == 0) {
    begin = begin_fs;
  } else if (strcmp(kind, "work") == 0) {
    begin = begin_work;
  } else {
    begin = strcmp(kind, "async") == 0 ? begin_async : begin_reply;
    start_peer(begin == begin_reply);
  }
  uint64_t before = processor_time();
  began = uv_hrtime();
  begin();
  uv_run(&loop, UV_RUN_DEFAULT);
  uint64_t each = (processor_time() - before) / (uint64_t) count;
  qsort(latencies, (size_t) count, sizeof *latencies, ascending);
  printf("%llu %llu %llu\n", (unsigned long long) latencies[count / 2],
         (unsigned long long) latencies[(int) ((int64_t) count * 99 / 100)], (unsigned long long) each);
  return 0;
}
