/* A loop inside another program's loop: poll uv_backend_fd() for as long as
 * uv_backend_timeout() says, then run without waiting. No event may be lost
 * between the two. */

#include "test-tcp.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static int polls;

/* An interrupted wait is as good as any: the loop runs and asks again. */
static void embed_wait(uv_loop_t* loop) {
  struct pollfd p = {.fd = uv_backend_fd(loop), .events = POLLIN};
  if (poll(&p, 1, uv_backend_timeout(loop)) < 0) ASSERT_EQ(errno, EINTR);
  polls++;
}

static void embed_run(uv_loop_t* loop) {
  while (uv_run(loop, UV_RUN_NOWAIT) != 0) embed_wait(loop);
}

static int readable_now(uv_loop_t* loop) {
  struct pollfd p = {.fd = uv_backend_fd(loop), .events = POLLIN};
  return poll(&p, 1, 0);
}

static void timer_cb(uv_timer_t* timer) {
  fired++;
  uv_close((uv_handle_t*) timer, NULL);
}

TEST(embed_timers) {
  uv_loop_t loop;
  uv_timer_t timers[5];
  int i;

  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < 5; i++) {
    ASSERT_OK(uv_timer_init(&loop, &timers[i]));
    ASSERT_OK(uv_timer_start(&timers[i], timer_cb, (uint64_t) i * 3, 0));
  }
  embed_run(&loop);
  ASSERT_EQ(fired, 5);
  ASSERT_OK(uv_loop_close(&loop));
}

enum { ROUNDS = 300 };

static uv_sem_t answered;

static void ask(void* arg) {
  int i;
  for (i = 0; i < ROUNDS; i++) {
    ASSERT_OK(uv_async_send(arg));
    uv_sem_wait(&answered);
  }
}

static void answer_cb(uv_async_t* async) {
  uv_sem_post(&answered);
  if (++fired == ROUNDS) uv_close((uv_handle_t*) async, NULL);
}

TEST(embed_async_from_a_thread) {
  uv_loop_t loop;
  uv_async_t async;
  uv_thread_t thread;

  ASSERT_OK(uv_sem_init(&answered, 0));
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_async_init(&loop, &async, answer_cb));
  ASSERT_OK(uv_thread_create(&thread, ask, &async));
  embed_run(&loop);
  ASSERT_OK(uv_thread_join(&thread));
  ASSERT_EQ(fired, ROUNDS);
  uv_sem_destroy(&answered);
  ASSERT_OK(uv_loop_close(&loop));
}

TEST(embed_in_an_epoll_set) {
  struct epoll_event event = {.events = EPOLLIN};
  uv_loop_t loop;
  uv_async_t async;
  uv_thread_t thread;
  int epfd = epoll_create1(EPOLL_CLOEXEC);

  ASSERT_GE(epfd, 0);
  ASSERT_OK(uv_sem_init(&answered, 0));
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_async_init(&loop, &async, answer_cb));
  ASSERT_EQ(epoll_ctl(epfd, EPOLL_CTL_ADD, uv_backend_fd(&loop), &event), 0);
  ASSERT_OK(uv_thread_create(&thread, ask, &async));
  while (uv_run(&loop, UV_RUN_NOWAIT) != 0)
    if (epoll_wait(epfd, &event, 1, uv_backend_timeout(&loop)) < 0)
      ASSERT_EQ(errno, EINTR);
  ASSERT_OK(uv_thread_join(&thread));
  ASSERT_EQ(fired, ROUNDS);
  uv_sem_destroy(&answered);
  close(epfd);
  ASSERT_OK(uv_loop_close(&loop));
}

TEST(embed_fd_stays_readable_until_the_loop_runs) {
  uv_loop_t loop;
  uv_async_t async;

  ASSERT_OK(uv_sem_init(&answered, 0));
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_async_init(&loop, &async, answer_cb));
  ASSERT_NE(uv_run(&loop, UV_RUN_NOWAIT), 0);
  ASSERT_EQ(readable_now(&loop), 0);
  ASSERT_OK(uv_async_send(&async));
  ASSERT_EQ(readable_now(&loop), 1);
  ASSERT_EQ(readable_now(&loop), 1);
  ASSERT_NE(uv_run(&loop, UV_RUN_NOWAIT), 0);
  ASSERT_EQ(fired, 1);
  ASSERT_NE(uv_run(&loop, UV_RUN_NOWAIT), 0);
  ASSERT_EQ(readable_now(&loop), 0);
  ASSERT_EQ(uv_backend_timeout(&loop), -1);
  CLOSE_LOOP(&loop);
  uv_sem_destroy(&answered);
}

static void after_work(uv_work_t* req, int status) {
  ASSERT_OK(status);
  if (++fired < 100)
    ASSERT_OK(uv_queue_work(req->loop, req, no_work, after_work));
}

TEST(embed_pool_completions) {
  uv_loop_t loop;
  uv_work_t req;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_queue_work(&loop, &req, no_work, after_work));
  embed_run(&loop);
  ASSERT_EQ(fired, 100);
  ASSERT_OK(uv_loop_close(&loop));
}

static void stat_cb(uv_fs_t* req) {
  ASSERT_OK(req->result);
  uv_fs_req_cleanup(req);
  fired++;
}

TEST(embed_file_operations) {
  uv_loop_t loop;
  uv_fs_t reqs[10];
  int i;

  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < 10; i++) ASSERT_OK(uv_fs_stat(&loop, &reqs[i], "/", stat_cb));
  embed_run(&loop);
  ASSERT_EQ(fired, 10);
  ASSERT_OK(uv_loop_close(&loop));
}

static void signal_cb(uv_signal_t* watcher, int signum) {
  (void) signum;
  fired++;
  uv_close((uv_handle_t*) watcher, NULL);
}

TEST(embed_signals) {
  uv_loop_t loop;
  uv_signal_t watcher;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_signal_init(&loop, &watcher));
  ASSERT_OK(uv_signal_start(&watcher, signal_cb, SIGUSR1));
  ASSERT_NE(uv_run(&loop, UV_RUN_NOWAIT), 0);
  ASSERT_EQ(raise(SIGUSR1), 0);
  ASSERT_EQ(readable_now(&loop), 1);
  embed_run(&loop);
  ASSERT_EQ(fired, 1);
  ASSERT_OK(uv_loop_close(&loop));
}

static void idle_cb(uv_idle_t* idle) {
  if (++fired == 10) uv_close((uv_handle_t*) idle, NULL);
}

TEST(embed_idle_asks_to_be_run_at_once) {
  uv_loop_t loop;
  uv_idle_t idle;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_idle_init(&loop, &idle));
  ASSERT_OK(uv_idle_start(&idle, idle_cb));
  ASSERT_EQ(uv_backend_timeout(&loop), 0);
  embed_run(&loop);
  ASSERT_EQ(fired, 10);
  ASSERT_OK(uv_loop_close(&loop));
}

/* --- streams ----------------------------------------------------------- */

struct reader {
  uv_loop_t loop;
  uv_tcp_t tcp;
  uv_timer_t timer;
  int peer;
  size_t chunk;    /* bytes that one read may take */
  size_t received;
  int stop_after;  /* stop reading in every so manieth callback; 0: never */
  int callbacks;
  int eof;
};

static char chunk_memory[65536];

static void chunk_alloc_cb(uv_handle_t* handle, size_t suggested,
                           uv_buf_t* buf) {
  struct reader* r = handle->data;
  (void) suggested;
  *buf = uv_buf_init(chunk_memory, (unsigned int) r->chunk);
}

static void read_cb(uv_stream_t* stream, ssize_t nread, const uv_buf_t* buf);

static void resume_cb(uv_timer_t* timer) {
  struct reader* r = timer->data;
  ASSERT_OK(uv_read_start((uv_stream_t*) &r->tcp, chunk_alloc_cb, read_cb));
}

static void read_cb(uv_stream_t* stream, ssize_t nread, const uv_buf_t* buf) {
  struct reader* r = stream->data;

  (void) buf;
  if (nread == 0) return;
  if (nread < 0) {
    ASSERT_EQ(nread, UV_EOF);
    r->eof = 1;
    uv_close((uv_handle_t*) &r->tcp, NULL);
    uv_close((uv_handle_t*) &r->timer, NULL);
    return;
  }
  r->received += (size_t) nread;
  if (r->stop_after != 0 && ++r->callbacks % r->stop_after == 0) {
    ASSERT_OK(uv_read_stop(stream));
    ASSERT_OK(uv_timer_start(&r->timer, resume_cb, 1, 0));
  }
}

static void reader_init(struct reader* r, size_t chunk, int stop_after) {
  uv_os_sock_t fds[2];

  memset(r, 0, sizeof(*r));
  r->chunk = chunk;
  r->stop_after = stop_after;
  ASSERT_OK(uv_socketpair(SOCK_STREAM, 0, fds, UV_NONBLOCK_PIPE, 0));
  r->peer = fds[1];
  ASSERT_OK(uv_loop_init(&r->loop));
  ASSERT_OK(uv_tcp_init(&r->loop, &r->tcp));
  ASSERT_OK(uv_timer_init(&r->loop, &r->timer));
  ASSERT_OK(uv_tcp_open(&r->tcp, fds[0]));
  r->tcp.data = r;
  r->timer.data = r;
  ASSERT_OK(uv_read_start((uv_stream_t*) &r->tcp, chunk_alloc_cb, read_cb));
}

static void fill(int fd, size_t size) {
  static const char zeros[4096];
  while (size > 0) {
    size_t want = size < sizeof(zeros) ? size : sizeof(zeros);
    ssize_t n = write(fd, zeros, want);
    ASSERT_GT(n, 0);
    size -= (size_t) n;
  }
}

/* All bytes and the end arrive though everything was sent before the first
 * read and no new event will come from the kernel. */
TEST(embed_stream_leaves_no_data_behind) {
  static const struct {
    size_t size;
    size_t chunk;
    int stop_after;
  } cases[] = {
      {10, 1, 0},     {10, 1, 1},      {10, 1, 3},         {50000, 100, 0},
      {5000, 100, 7}, {50000, 1000, 1}, {50000, 65536, 0}, {50000, 65536, 1},
  };
  size_t i;

  for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    struct reader r;

    reader_init(&r, cases[i].chunk, cases[i].stop_after);
    fill(r.peer, cases[i].size);
    ASSERT_EQ(close(r.peer), 0);
    embed_run(&r.loop);
    ASSERT_EQ(r.received, cases[i].size);
    ASSERT_EQ(r.eof, 1);
    ASSERT_OK(uv_loop_close(&r.loop));
  }
}

static void writer_thread(void* arg) {
  static const char piece[20000];
  struct reader* r = arg;
  int i;

  /* Small and large pieces, while the embedder is waiting or is running. */
  for (i = 0; i < 200; i++) {
    size_t left = i % 10 == 0 ? sizeof(piece) : 3;
    while (left > 0) {
      struct pollfd p = {.fd = r->peer, .events = POLLOUT};
      ssize_t n = write(r->peer, piece, left);
      if (n > 0)
        left -= (size_t) n;
      else
        ASSERT_EQ(poll(&p, 1, -1), 1);
    }
  }
  ASSERT_EQ(close(r->peer), 0);
}

TEST(embed_stream_fed_by_a_thread) {
  uv_thread_t thread;
  struct reader r;

  reader_init(&r, 1000, 50);
  ASSERT_OK(uv_thread_create(&thread, writer_thread, &r));
  embed_run(&r.loop);
  ASSERT_OK(uv_thread_join(&thread));
  ASSERT_EQ(r.received, 20 * 20000 + 180 * 3);
  ASSERT_EQ(r.eof, 1);
  ASSERT_OK(uv_loop_close(&r.loop));
}

static void end_cb(uv_timer_t* timer) {
  fired++;
  uv_stop(timer->loop);
}

/* Unread data on a stopped stream must not turn the embedder into a busy
 * loop: it waits for the timer. */
TEST(embed_stopped_stream_does_not_spin) {
  struct reader r;

  reader_init(&r, 10, 0);
  ASSERT_NE(uv_run(&r.loop, UV_RUN_NOWAIT), 0);
  ASSERT_OK(uv_read_stop((uv_stream_t*) &r.tcp));
  fill(r.peer, 1000);
  ASSERT_OK(uv_timer_start(&r.timer, end_cb, 30, 0));
  while (fired == 0) {
    uv_run(&r.loop, UV_RUN_NOWAIT);
    if (fired == 0) embed_wait(&r.loop);
  }
  /* A handful; thousands when the descriptor stays readable. */
  ASSERT_LT(polls, 200);
  ASSERT_EQ(r.received, 0);

  ASSERT_OK(uv_read_start((uv_stream_t*) &r.tcp, chunk_alloc_cb, read_cb));
  while (r.received < 1000) {
    embed_wait(&r.loop);
    uv_run(&r.loop, UV_RUN_NOWAIT);
  }
  ASSERT_EQ(r.received, 1000);
  CLOSE_LOOP(&r.loop);
  close(r.peer);
}

/* Nor must a connection that waits for uv_accept(), or those behind it. */
TEST(embed_waiting_connection_does_not_spin) {
  struct sockaddr_in addr;
  int clients[3];
  uv_tcp_t listener;
  uv_tcp_t accepted[3];
  uv_timer_t timer;
  uv_loop_t loop;
  int i;

  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_timer_init(&loop, &timer));
  addr = listen_loopback(&loop, &listener, count_connection);
  for (i = 0; i < 3; i++) {
    clients[i] = socket(AF_INET, SOCK_STREAM, 0);
    ASSERT_OK(connect(clients[i], SA(&addr), sizeof(addr)));
  }
  ASSERT_OK(uv_timer_start(&timer, end_cb, 30, 0));
  while (fired == 0) {
    uv_run(&loop, UV_RUN_NOWAIT);
    if (fired == 0) embed_wait(&loop);
  }
  ASSERT_LT(polls, 200);
  ASSERT_EQ(connections, 1);

  for (i = 0; i < 3; i++) {
    while (connections == i) {
      embed_wait(&loop);
      uv_run(&loop, UV_RUN_NOWAIT);
    }
    ASSERT_EQ(connections, i + 1);
    ASSERT_OK(uv_tcp_init(&loop, &accepted[i]));
    ASSERT_OK(uv_accept(STREAM(&listener), STREAM(&accepted[i])));
  }
  CLOSE_LOOP(&loop);
  for (i = 0; i < 3; i++) ASSERT_OK(close(clients[i]));
}

/* One thread waits, another runs: the waiter hands over at each event. */
static uv_sem_t run_now;
static uv_sem_t ran;
static atomic_int finished;

static void waiter(void* arg) {
  for (;;) {
    embed_wait(arg);
    uv_sem_post(&run_now);
    uv_sem_wait(&ran);
    if (atomic_load(&finished)) return;
  }
}

TEST(embed_with_a_thread_that_waits) {
  uv_loop_t loop;
  uv_timer_t timer;
  uv_work_t req;
  uv_thread_t thread;

  ASSERT_OK(uv_sem_init(&run_now, 0));
  ASSERT_OK(uv_sem_init(&ran, 0));
  ASSERT_OK(uv_loop_init(&loop));
  ASSERT_OK(uv_timer_init(&loop, &timer));
  ASSERT_OK(uv_timer_start(&timer, timer_cb, 5, 0));
  ASSERT_OK(uv_queue_work(&loop, &req, no_work, after_work));
  ASSERT_OK(uv_thread_create(&thread, waiter, &loop));
  do {
    uv_sem_wait(&run_now);
    atomic_store(&finished, uv_run(&loop, UV_RUN_NOWAIT) == 0);
    uv_sem_post(&ran);
  } while (!atomic_load(&finished));
  ASSERT_OK(uv_thread_join(&thread));
  ASSERT_GE(fired, 100);
  uv_sem_destroy(&run_now);
  uv_sem_destroy(&ran);
  ASSERT_OK(uv_loop_close(&loop));
}
