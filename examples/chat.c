/* A chat over TCP: each line of a member is sent to all members. The bytes of a
 * line exist once, for any number of receivers, until it is sent to the last
 * one. A member that does not read is disconnected when its queue becomes too
 * long. Here one member talks, three read, and one does not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum {
  LONGEST_LINE = 16 * 1024,
  MOST_UNHEARD = 1024 * 1024,
  LISTENERS = 3,
  LINES = 2000, /* far more than socket buffers hold */
  WINDOW = 8
};

static uv_loop_t loop;

static void must(int result, const char* what) {
  if (result >= 0) return;
  fprintf(stderr, "%s: %s\n", what, uv_strerror(result));
  exit(1);
}

static void* must_alloc(size_t size) {
  void* memory = malloc(size);
  if (memory == NULL) must(UV_ENOMEM, "malloc");
  return memory;
}

/* TCP has no lines: one read may return a part of a line, or several. */
struct lines {
  char text[LONGEST_LINE];
  size_t size;
};

/* Calls on_line for each complete line. Returns UV_EMSGSIZE if a line is too
 * long, and UV_ECANCELED if on_line refuses further lines. */
static int add_lines(struct lines* lines, const uv_buf_t* buf, ssize_t nread,
                     int (*on_line)(void*, const char*, size_t), void* data) {
  const char* at = buf->base;
  const char* end = buf->base + nread;

  while (at < end) {
    const char* newline = memchr(at, '\n', (size_t) (end - at));
    size_t size = (size_t) ((newline != NULL ? newline + 1 : end) - at);

    if (lines->size + size > LONGEST_LINE) return UV_EMSGSIZE;
    memcpy(lines->text + lines->size, at, size);
    lines->size += size;
    at += size;
    if (newline == NULL) break;
    if (!on_line(data, lines->text, lines->size)) return UV_ECANCELED;
    lines->size = 0;
  }
  return 0;
}

/* Both sides process each read before the next one. */
static void on_alloc(uv_handle_t* handle, size_t suggested, uv_buf_t* buf) {
  static char memory[64 * 1024];

  (void) handle;
  (void) suggested;
  *buf = uv_buf_init(memory, sizeof(memory));
}

/* ---- The room ----------------------------------------------------------- */

struct message {
  int receivers; /* that it is not sent to yet */
  size_t size;
  char text[];
};

struct delivery {
  uv_write_t req;
  struct message* message;
};

struct member {
  uv_tcp_t tcp;
  struct member* next;
  struct lines lines;
};

static uv_tcp_t door;
static struct member* members;
static int entered, put_out;

static void free_member(uv_handle_t* handle) {
  free(handle);
}

static void remove_member(struct member* member) {
  struct member** link = &members;

  while (*link != member) link = &(*link)->next;
  *link = member->next;
  uv_close((uv_handle_t*) &member->tcp, free_member);
}

/* Also called with UV_ECANCELED for messages to a member that has left. */
static void on_delivered(uv_write_t* req, int status) {
  struct delivery* delivery = (struct delivery*) req;

  (void) status; /* a broken connection is reported to on_read */
  if (--delivery->message->receivers == 0) free(delivery->message);
  free(delivery);
}

static int tell_all(void* data, const char* text, size_t size) {
  struct member* speaker = data;
  struct message* message = must_alloc(sizeof(*message) + size);
  uv_buf_t buf = uv_buf_init(message->text, (unsigned int) size);
  struct member *member, *next;
  int heard = 0;

  message->receivers = 1; /* this function */
  message->size = size;
  memcpy(message->text, text, size);
  for (member = members; member != NULL; member = next) {
    uv_stream_t* stream = (uv_stream_t*) &member->tcp;
    struct delivery* delivery;

    next = member->next;
    if (uv_stream_get_write_queue_size(stream) > MOST_UNHEARD) {
      put_out++;
      remove_member(member);
      continue;
    }
    delivery = must_alloc(sizeof(*delivery));
    delivery->message = message;
    message->receivers++;
    must(uv_write(&delivery->req, stream, &buf, 1, on_delivered), "uv_write");
    if (member == speaker) heard = 1;
  }
  if (--message->receivers == 0) free(message);
  return heard; /* the sender itself may be disconnected */
}

static void on_member_read(uv_stream_t* stream, ssize_t nread,
                           const uv_buf_t* buf) {
  struct member* member = (struct member*) stream;

  if (nread < 0 || add_lines(&member->lines, buf, nread, tell_all, member) ==
                       UV_EMSGSIZE)
    remove_member(member);
}

static void talk(void);

static void on_enter(uv_stream_t* server, int status) {
  struct member* member = must_alloc(sizeof(*member));

  must(status, "listen");
  must(uv_tcp_init(&loop, &member->tcp), "uv_tcp_init");
  must(uv_accept(server, (uv_stream_t*) &member->tcp), "uv_accept");
  must(uv_read_start((uv_stream_t*) &member->tcp, on_alloc, on_member_read),
       "uv_read_start");
  member->lines.size = 0;
  member->next = members;
  members = member;
  /* A line sent before all are connected would not reach all. */
  if (++entered == LISTENERS + 2) talk();
}

/* ---- Clients: the first one talks, the last one does not read ----------- */

struct visitor {
  uv_tcp_t tcp;
  uv_connect_t connect;
  struct lines lines;
  int heard;
};

static struct visitor visitors[LISTENERS + 2];
static struct visitor* talker = &visitors[0];
static struct visitor* dreamer = &visitors[LISTENERS + 1];
static uv_write_t writes[WINDOW];
static char texts[WINDOW][LONGEST_LINE];
static int said, written;

static void on_said(uv_write_t* req, int status) {
  (void) req;
  must(status, "write");
  written++;
  talk();
}

/* It waits for its own lines to come back before it sends further ones. */
static void talk(void) {
  while (said < LINES && said - written < WINDOW &&
         said - talker->heard < WINDOW) {
    char* text = texts[said % WINDOW];
    uv_buf_t buf = uv_buf_init(text, LONGEST_LINE);

    memset(text, '.', LONGEST_LINE);
    text[snprintf(text, LONGEST_LINE, "%d", said)] = ' ';
    text[LONGEST_LINE - 1] = '\n';
    must(uv_write(&writes[said % WINDOW], (uv_stream_t*) &talker->tcp, &buf, 1,
                  on_said),
         "uv_write");
    said++;
  }
}

static int hear(void* data, const char* text, size_t size) {
  struct visitor* visitor = data;

  if (size != LONGEST_LINE || atoi(text) != visitor->heard) {
    fprintf(stderr, "heard %d instead of %d\n", atoi(text), visitor->heard);
    exit(1);
  }
  visitor->heard++;
  if (visitor == talker) talk();
  return 1;
}

static void on_hear(uv_stream_t* stream, ssize_t nread, const uv_buf_t* buf) {
  struct visitor* visitor = (struct visitor*) stream;

  must((int) nread, "read");
  must(add_lines(&visitor->lines, buf, nread, hear, visitor), "read a line");
  if (visitor->heard < LINES) return;
  uv_close((uv_handle_t*) stream, NULL);
  if (visitor == talker) {
    uv_close((uv_handle_t*) &dreamer->tcp, NULL);
    uv_close((uv_handle_t*) &door, NULL);
  }
}

static void on_connected(uv_connect_t* req, int status) {
  must(status, "connect");
  if ((struct visitor*) req->handle != dreamer)
    must(uv_read_start(req->handle, on_alloc, on_hear), "uv_read_start");
}

int main(void) {
  struct sockaddr_in address;
  int length = sizeof(address);
  int i;

  must(uv_loop_init(&loop), "uv_loop_init");
  must(uv_ip4_addr("127.0.0.1", 0, &address), "uv_ip4_addr");
  must(uv_tcp_init(&loop, &door), "uv_tcp_init");
  must(uv_tcp_bind(&door, (const struct sockaddr*) &address, 0), "bind");
  must(uv_listen((uv_stream_t*) &door, 16, on_enter), "uv_listen");
  must(uv_tcp_getsockname(&door, (struct sockaddr*) &address, &length),
       "uv_tcp_getsockname");

  for (i = 0; i < LISTENERS + 2; i++) {
    must(uv_tcp_init(&loop, &visitors[i].tcp), "uv_tcp_init");
    must(uv_tcp_connect(&visitors[i].connect, &visitors[i].tcp,
                        (const struct sockaddr*) &address, on_connected),
         "uv_tcp_connect");
  }

  must(uv_run(&loop, UV_RUN_DEFAULT), "uv_run");
  must(uv_loop_close(&loop), "uv_loop_close");
  for (i = 0; i <= LISTENERS; i++)
    printf("visitor %d heard %d of %d lines\n", i, visitors[i].heard, LINES);
  printf("%d was put out\n", put_out);
  return put_out == 1 ? 0 : 1;
}
