/* Eight connections at once, each sending both ways, with random pieces,
 * random buffers, and readers that stop and start at random moments. All bytes
 * and all ends must arrive. The generator's seed is fixed. */
#include "test-tcp.h"

enum { PAIRS = 8, ENDS = 2 * PAIRS, TOTAL = 300000, MAX_PIECE = 40000 };

struct end {
  uv_tcp_t tcp;
  int index;
  size_t sent;
  size_t received;
  int writing;
  int finished_writing;
  int got_eof;
  uv_write_t write;
  uv_shutdown_t shutdown;
};

static uv_loop_t loop;
static struct end ends[ENDS];
static char source[ENDS][TOTAL];
static unsigned seed = 20240229;
static uv_idle_t idle;
static int ended;

static size_t roll(size_t limit) {
  return (size_t) rand_r(&seed) % limit;
}

static void random_alloc(uv_handle_t* handle, size_t suggested,
                         uv_buf_t* buf) {
  static char memory[MAX_PIECE];
  (void) handle, (void) suggested;
  *buf = uv_buf_init(memory, roll(4) == 0 ? 1 + roll(16)
                                          : 1 + roll(sizeof(memory)));
}

static void end_if_done(struct end* end) {
  if (!end->got_eof || !end->finished_writing) return;
  if (uv_is_closing(HANDLE(&end->tcp))) return;
  uv_close(HANDLE(&end->tcp), NULL);
  if (++ended == ENDS) uv_close(HANDLE(&idle), NULL);
}

static void on_random_read(uv_stream_t* stream, ssize_t nread,
                           const uv_buf_t* buf) {
  struct end* end = stream->data;
  const char* expected = source[end->index ^ 1];
  if (nread == UV_EOF) {
    ASSERT_EQ(end->received, TOTAL);
    ASSERT_EQ(end->got_eof, 0);
    end->got_eof = 1;
    end_if_done(end);
    return;
  }
  ASSERT_GE(nread, 0);
  ASSERT_LE(end->received + nread, TOTAL);
  ASSERT_MEM_EQ(buf->base, expected + end->received, nread);
  end->received += nread;
  if (nread > 0 && roll(4) == 0) ASSERT_OK(uv_read_stop(stream));
}

static void on_random_shutdown(uv_shutdown_t* req, int status) {
  struct end* end = req->handle->data;
  ASSERT_OK(status);
  end->finished_writing = 1;
  end_if_done(end);
}

static void on_random_write(uv_write_t* req, int status) {
  struct end* end = req->handle->data;
  ASSERT_OK(status);
  end->writing = 0;
}

static void send_some(struct end* end) {
  size_t left = TOTAL - end->sent;
  size_t length = left < MAX_PIECE ? left : 1 + roll(MAX_PIECE);
  uv_buf_t bufs[7];
  unsigned count = 1 + roll(COUNT(bufs));
  unsigned i;
  char* at = source[end->index] + end->sent;
  if (left == 0) {
    if (end->shutdown.handle == NULL)
      ASSERT_OK(uv_shutdown(&end->shutdown, STREAM(&end->tcp),
                            on_random_shutdown));
    return;
  }
  for (i = 0; i < count; i++) {
    bufs[i] = uv_buf_init(at, length / count);
    at += length / count;
  }
  bufs[count - 1].len += length % count;
  if (roll(2) == 0) {
    int r = uv_try_write(STREAM(&end->tcp), bufs, count);
    if (r == UV_EAGAIN) return;
    ASSERT_GE(r, 0);
    end->sent += r;
  } else {
    ASSERT_OK(uv_write(&end->write, STREAM(&end->tcp), bufs, count,
                       on_random_write));
    end->writing = 1;
    end->sent += length;
  }
}

static void stir(uv_idle_t* handle) {
  struct end* end = &ends[roll(ENDS)];
  (void) handle;
  if (uv_is_closing(HANDLE(&end->tcp))) return;
  switch (roll(4)) {
    case 0:
      ASSERT_OK(uv_read_stop(STREAM(&end->tcp)));
      break;
    case 1:
      if (!end->got_eof && !uv_is_active(HANDLE(&end->tcp)))
        ASSERT_OK(uv_read_start(STREAM(&end->tcp), random_alloc,
                                on_random_read));
      break;
    default:
      if (!end->writing) send_some(end);
  }
}

TEST(stream_random_traffic) {
  int i, j;
  ASSERT_OK(uv_loop_init(&loop));
  for (i = 0; i < ENDS; i++) {
    int small = 20000;
    ends[i].index = i;
    for (j = 0; j < TOTAL; j++) source[i][j] = (char) rand_r(&seed);
    if (i % 2 == 0) continue;
    tcp_pair(&loop, &ends[i - 1].tcp, &ends[i].tcp);
    ends[i - 1].tcp.data = &ends[i - 1];
    ends[i].tcp.data = &ends[i];
    /* Small buffers of the kernel make for many partial writes. */
    ASSERT_OK(uv_send_buffer_size(HANDLE(&ends[i].tcp), &small));
    ASSERT_OK(uv_recv_buffer_size(HANDLE(&ends[i - 1].tcp), &small));
  }
  ASSERT_OK(uv_idle_init(&loop, &idle));
  ASSERT_OK(uv_idle_start(&idle, stir));
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_EQ(ended, ENDS);
  for (i = 0; i < ENDS; i++) ASSERT_EQ(ends[i].received, TOTAL);
  CLOSE_LOOP(&loop);
}
