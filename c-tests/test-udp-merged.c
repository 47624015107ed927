/* Bursts of datagrams that a kernel can merge: however a library receives them,
 * each is reported by itself, with its size, its sender and in order. */
#include <netinet/udp.h>
#include <sys/wait.h>

#include "test-udp.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

enum { SENDERS = 3, MAX_SIZE = 1400, HEADER = 8, BURST = 40 };

static const unsigned kinds[] = {AF_UNSPEC, UV_UDP_RECVMMSG};

static uv_loop_t loop;
static uv_udp_t receiver;
static struct sockaddr_in receiver_addr;
static int senders[SENDERS], ports[SENDERS];
/* Of each sender: the numbers of the next datagram to send and to receive. */
static int next_out[SENDERS], next_in[SENDERS];
static int received, stop_after, close_after, cut;
static size_t user_len;
static char user_buffer[8 * DATAGRAM_SIZE];
static unsigned seed;

static int random_below(int limit) {
  seed = seed * 1103515245u + 12345u;
  return (int) ((seed >> 16) % (unsigned) limit);
}

/* The sizes follow from the sender and the number, so that the receiver knows
 * them. `uniform` ones can be merged. */
static int uniform;

static int size_of(int sender, int number) {
  if (uniform) return 1000;
  return HEADER + (sender * 311 + number / 7 * 97 + number % 7 / 6) %
                      (MAX_SIZE - HEADER);
}

static void fill(char* at, int sender, int number) {
  int i, size = size_of(sender, number);
  memcpy(at, &sender, 4);
  memcpy(at + 4, &number, 4);
  for (i = HEADER; i < size; i++) at[i] = (char) (sender * 31 + number * 7 + i);
}

/* Sends a run of datagrams of one size as one message, which the kernel splits. */
static void send_run(int sender, int count) {
  static char run[64 * MAX_SIZE];
  char control[CMSG_SPACE(sizeof(uint16_t))] = {0};
  int size = size_of(sender, next_out[sender]), total = 0;
  struct iovec vector = {run, 0};
  struct msghdr message = {.msg_name = &receiver_addr,
                           .msg_namelen = sizeof(receiver_addr),
                           .msg_iov = &vector,
                           .msg_iovlen = 1};
  while (count-- > 0 && total + size <= 60000 &&
         size_of(sender, next_out[sender]) == size) {
    fill(run + total, sender, next_out[sender]++);
    total += size;
  }
  vector.iov_len = total;
  if (total > size) {
    struct cmsghdr* header;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_UDP;
    header->cmsg_type = UDP_SEGMENT;
    header->cmsg_len = CMSG_LEN(sizeof(uint16_t));
    *(uint16_t*) CMSG_DATA(header) = (uint16_t) size;
  }
  ASSERT_EQ(sendmsg(senders[sender], &message, 0), total);
}

static void give_buffer(uv_handle_t* handle, size_t suggested, uv_buf_t* buf) {
  (void) handle;
  (void) suggested;
  *buf = uv_buf_init(user_buffer, (unsigned) user_len);
}

static void check(uv_udp_t* udp, ssize_t nread, const uv_buf_t* buf,
                  const struct sockaddr* addr, unsigned flags) {
  char expected[MAX_SIZE];
  int sender, size;
  if (addr == NULL) {
    ASSERT_EQ(nread, 0);
    return;
  }
  ASSERT_EQ(udp == &receiver, 1);
  ASSERT_GE(nread, HEADER);
  memcpy(&sender, buf->base, 4);
  ASSERT_EQ(ntohs(((const struct sockaddr_in*) addr)->sin_port),
            ports[sender]);
  size = size_of(sender, next_in[sender]);
  fill(expected, sender, next_in[sender]++);
  ASSERT_EQ(nread, size > cut ? cut : size);
  ASSERT_EQ((flags & UV_UDP_PARTIAL) != 0, size > cut);
  ASSERT_GE(buf->len, nread);
  ASSERT_OK(memcmp(buf->base, expected, nread));
  received++;
  if (received == stop_after) ASSERT_OK(uv_udp_recv_stop(udp));
  if (received == close_after) uv_close(HANDLE(udp), NULL);
}

static void start(unsigned kind) {
  int i, room = 4 << 20;
  ASSERT_OK(uv_loop_init(&loop));
  receiver_addr = udp_bound(&loop, &receiver, kind, 0);
  ASSERT_OK(uv_recv_buffer_size(HANDLE(&receiver), &room));
  for (i = 0; i < SENDERS; i++) {
    struct sockaddr_in addr;
    senders[i] = udp_raw(&addr);
    ports[i] = ntohs(addr.sin_port);
    next_out[i] = next_in[i] = 0;
  }
  user_len = kind == UV_UDP_RECVMMSG ? sizeof(user_buffer) : DATAGRAM_SIZE;
  received = stop_after = close_after = 0;
  cut = DATAGRAM_SIZE;
  uniform = 1;
  ASSERT_OK(uv_udp_recv_start(&receiver, give_buffer, check));
}

static void finish(void) {
  int i;
  CLOSE_LOOP(&loop);
  for (i = 0; i < SENDERS; i++) ASSERT_OK(close(senders[i]));
}

static int sent(void) {
  return next_out[0] + next_out[1] + next_out[2];
}

/* Receives enough in a row for a library to expect more. */
static void warm_up(void) {
  int i;
  for (i = 0; i < 4; i++) {
    send_run(0, BURST);
    RUN_UNTIL(&loop, received == sent());
  }
}

/* The handle's descriptor, without asking for it. */
static int hidden_fd(void) {
  return receiver.io_watcher.fd;
}

static int merges(void) {
  int on = 0;
  socklen_t len = sizeof(on);
  getsockopt(hidden_fd(), SOL_UDP, UDP_GRO, &on, &len);
  return on;
}

/* The other tests depend on it. */
TEST(udp_merged_when_many_come) {
  start(AF_UNSPEC);
  send_run(0, 1);
  RUN_UNTIL(&loop, received == 1);
  ASSERT_EQ(merges(), 0);
  warm_up();
  ASSERT_EQ(merges(), !test_on_reference());
  finish();
}

/* Senders whose datagrams cannot be merged. */
TEST(udp_merged_no_longer_than_it_pays) {
  int i, k;
  for (k = 0; k < (int) COUNT(kinds); k++) {
    start(kinds[k]);
    for (i = 0; i < 8; i++) {
      int count = BURST;
      while (count-- > 0) send_run(count % SENDERS, 1);
      RUN_UNTIL(&loop, received == sent());
    }
    ASSERT_EQ(merges(), 0);
    finish();
  }
}

TEST(udp_merged_random_sizes) {
  int i, k, round;
  for (k = 0; k < (int) COUNT(kinds); k++) {
    start(kinds[k]);
    warm_up();
    uniform = 0;
    seed = 4711;
    for (round = 0; round < 200; round++) {
      int runs = 1 + random_below(6);
      for (i = 0; i < runs; i++)
        send_run(random_below(SENDERS), 1 + random_below(BURST));
      RUN_UNTIL(&loop, received == sent());
    }
    for (i = 0; i < SENDERS; i++) ASSERT_EQ(next_in[i], next_out[i]);
    finish();
  }
}

TEST(udp_merged_into_small_buffers) {
  start(AF_UNSPEC);
  warm_up();
  cut = 100;
  user_len = 100;
  send_run(1, BURST);
  RUN_UNTIL(&loop, received == sent());
  finish();
}

/* libuv loses the rest of what recvmmsg() returned. */
TEST(udp_merged_stop_in_the_middle) {
  int k, n;
  for (k = 0; k < (int) COUNT(kinds); k++) {
    if (kinds[k] == UV_UDP_RECVMMSG && test_on_reference()) continue;
    start(kinds[k]);
    warm_up();
    send_run(0, BURST);
    send_run(1, BURST);
    for (n = 0; n < 2 * BURST; n += 9) {
      int before = received;
      stop_after = received + 9;
      if (n > 0) ASSERT_OK(uv_udp_recv_start(&receiver, give_buffer, check));
      RUN_UNTIL(&loop, received == sent() || received == before + 9);
      uv_run(&loop, UV_RUN_NOWAIT);
      ASSERT_LE(received, before + 9);
    }
    ASSERT_EQ(received, sent());
    finish();
  }
}

TEST(udp_merged_close_in_the_middle) {
  int k;
  for (k = 0; k < (int) COUNT(kinds); k++) {
    start(kinds[k]);
    warm_up();
    send_run(0, BURST);
    close_after = received + 5;
    ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
    ASSERT_GE(received, close_after);
    finish();
  }
}

static int direct_count(void) {
  char buffer[DATAGRAM_SIZE];
  int count = 0;
  ssize_t n;
  while ((n = recv(hidden_fd(), buffer, sizeof(buffer), MSG_DONTWAIT)) >= 0) {
    ASSERT_EQ(n, 1000);
    count++;
  }
  return count;
}

/* Whoever gets the descriptor reads single datagrams. Those that were in the
 * socket are for the callback; with libuv the first reader gets them. */
TEST(udp_merged_then_read_directly) {
  int k;
  for (k = 0; k < (int) COUNT(kinds); k++) {
    uv_os_fd_t fd;
    int before, mine = test_on_reference() ? 0 : BURST;
    start(kinds[k]);
    warm_up();
    before = received;
    send_run(0, BURST);
    ASSERT_OK(uv_fileno(HANDLE(&receiver), &fd));
    ASSERT_EQ(fd, hidden_fd());
    ASSERT_EQ(merges(), 0);
    ASSERT_EQ(direct_count(), BURST - mine);
    next_in[0] += BURST - mine;
    received += BURST - mine;
    RUN_UNTIL(&loop, received == before + BURST);
    /* From now on nothing is merged. */
    ASSERT_OK(uv_udp_recv_stop(&receiver));
    send_run(0, BURST);
    ASSERT_EQ(direct_count(), BURST);
    next_in[0] += BURST;
    received += BURST;
    ASSERT_OK(uv_udp_recv_start(&receiver, give_buffer, check));
    warm_up();
    ASSERT_EQ(merges(), 0);
    finish();
  }
}

/* The child may read from its copy. */
TEST(udp_merged_never_after_a_fork) {
  int status;
  pid_t child;
  start(AF_UNSPEC);
  child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) _exit(0);
  ASSERT_EQ(waitpid(child, &status, 0), child);
  warm_up();
  ASSERT_EQ(merges(), 0);
  finish();
}

/* A socket from outside has other readers. */
TEST(udp_merged_never_on_an_opened_socket) {
  struct sockaddr_in addr;
  int fd = udp_raw(&addr);
  start(AF_UNSPEC);
  uv_close(HANDLE(&receiver), NULL);
  ASSERT_OK(uv_run(&loop, UV_RUN_DEFAULT));
  ASSERT_OK(uv_udp_init(&loop, &receiver));
  ASSERT_OK(uv_udp_open(&receiver, fd));
  receiver_addr = addr;
  ASSERT_OK(uv_udp_recv_start(&receiver, give_buffer, check));
  warm_up();
  ASSERT_EQ(merges(), 0);
  finish();
}
