/* Sends messages to an echo server and waits for each to come back:
 * echo_client PORT CONNECTIONS BYTES SECONDS prints the number of round trips. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CHECK(condition)                                              \
  do {                                                                \
    if (!(condition)) {                                               \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      exit(1);                                                        \
    }                                                                 \
  } while (0)

enum { MAX_MESSAGE = 128 * 1024, MAX_EVENTS = 256 };

struct connection {
  int fd;
  size_t echoed;
};

static char message[MAX_MESSAGE];

static double now(void) {
  struct timespec time;
  CHECK(clock_gettime(CLOCK_MONOTONIC, &time) == 0);
  return (double) time.tv_sec + (double) time.tv_nsec / 1e9;
}

static void send_message(int fd, size_t size) {
  CHECK(send(fd, message, size, 0) == (ssize_t) size);
}

int main(int argc, char** argv) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  struct epoll_event events[MAX_EVENTS];
  struct connection* connections;
  long round_trips = 0;
  int count, under_way, epoll = epoll_create1(0), one = 1, i;
  double end;
  size_t size;

  CHECK(argc == 5 && epoll >= 0);
  address.sin_port = htons((uint16_t) atoi(argv[1]));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  count = atoi(argv[2]);
  size = (size_t) atol(argv[3]);
  CHECK(size <= MAX_MESSAGE);
  connections = calloc((size_t) count, sizeof(*connections));
  CHECK(connections != NULL);
  for (i = 0; i < count; i++) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &connections[i]};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    CHECK(fd >= 0);
    CHECK(connect(fd, (struct sockaddr*) &address, sizeof(address)) == 0);
    CHECK(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == 0);
    CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0);
    connections[i].fd = fd;
  }
  end = now() + atof(argv[4]);
  for (i = 0; i < count; i++) send_message(connections[i].fd, size);
  /* Every message comes back before the end of its connection. */
  for (under_way = count; under_way > 0;) {
    static char room[MAX_MESSAGE];
    int ready = epoll_wait(epoll, events, MAX_EVENTS, 1000);

    for (i = 0; i < ready; i++) {
      struct connection* connection = events[i].data.ptr;
      ssize_t got = recv(connection->fd, room, sizeof(room), 0);

      CHECK(got > 0);
      connection->echoed += (size_t) got;
      if (connection->echoed < size) continue;
      connection->echoed = 0;
      if (now() >= end) {
        CHECK(close(connection->fd) == 0);
        under_way--;
        continue;
      }
      round_trips++;
      send_message(connection->fd, size);
    }
  }
  printf("%ld\n", round_trips);
  return 0;
}
