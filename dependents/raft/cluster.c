/* Three servers of raft on one loop, with libraft's transport and storage for libuv. They elect a leader
 * and add up numbers, go on without the leader, and start again from their files.
 *   cluster DIRECTORY */
#include <raft.h>
#include <raft/uv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SERVERS 3
#define IN_FLIGHT 16

typedef struct {
  struct raft raft;
  struct raft_io io;
  struct raft_uv_transport transport;
  struct raft_fsm fsm;
  uint64_t count, sum;
  int running;
} server_t;

static uv_loop_t loop;
static server_t servers[SERVERS];
static const char* addresses[] = {"127.0.0.1:9001", "127.0.0.1:9002", "127.0.0.1:9003"};
static uint64_t applied, target;
static int in_flight;

#define CHECK(call)                                                 \
  do {                                                              \
    int error = (call);                                             \
    if (error != 0) {                                               \
      fprintf(stderr, "%s: %s\n", #call, raft_strerror(error));     \
      exit(1);                                                      \
    }                                                               \
  } while (0)

static int apply(struct raft_fsm* fsm, const struct raft_buffer* buffer, void** result) {
  server_t* server = fsm->data;
  uint64_t number;
  memcpy(&number, buffer->base, sizeof number);
  server->count++;
  server->sum += number;
  *result = NULL;
  return 0;
}

static int snapshot(struct raft_fsm* fsm, struct raft_buffer** buffers, unsigned* count) {
  server_t* server = fsm->data;
  uint64_t state[] = {server->count, server->sum};
  *buffers = raft_malloc(sizeof **buffers);
  (*buffers)->len = sizeof state;
  (*buffers)->base = raft_malloc(sizeof state);
  memcpy((*buffers)->base, state, sizeof state);
  *count = 1;
  return 0;
}

static int restore(struct raft_fsm* fsm, struct raft_buffer* buffer) {
  server_t* server = fsm->data;
  uint64_t state[2];
  memcpy(state, buffer->base, sizeof state);
  server->count = state[0];
  server->sum = state[1];
  raft_free(buffer->base);
  return 0;
}

static void start(int index, const char* directory, int bootstrap) {
  server_t* server = &servers[index];
  struct raft_configuration configuration;
  char path[512];
  int i;
  memset(server, 0, sizeof *server);
  snprintf(path, sizeof path, "%s/%d", directory, index);
  mkdir(path, 0755);
  server->fsm = (struct raft_fsm){.version = 1, .data = server, .apply = apply, .snapshot = snapshot, .restore = restore};
  CHECK(raft_uv_tcp_init(&server->transport, &loop));
  CHECK(raft_uv_init(&server->io, &loop, path, &server->transport));
  raft_uv_set_connect_retry_delay(&server->io, 20);
  CHECK(raft_init(&server->raft, &server->io, &server->fsm, (raft_id) index + 1, addresses[index]));
  raft_set_election_timeout(&server->raft, 300);
  raft_set_heartbeat_timeout(&server->raft, 50);
  raft_set_snapshot_threshold(&server->raft, 64);
  raft_set_snapshot_trailing(&server->raft, 16);
  raft_set_pre_vote(&server->raft, true);
  if (bootstrap) {
    raft_configuration_init(&configuration);
    for (i = 0; i < SERVERS; i++) {
      CHECK(raft_configuration_add(&configuration, (raft_id) i + 1, addresses[i], RAFT_VOTER));
    }
    CHECK(raft_bootstrap(&server->raft, &configuration));
    raft_configuration_close(&configuration);
  }
  CHECK(raft_start(&server->raft));
  server->running = 1;
}

static void on_closed(struct raft* raft) {
  server_t* server = (server_t*) raft;
  raft_uv_close(&server->io);
  raft_uv_tcp_close(&server->transport);
  server->running = 0;
}

static void stop(int index) {
  raft_close(&servers[index].raft, on_closed);
  while (servers[index].running) uv_run(&loop, UV_RUN_ONCE);
}

static int leader(void) {
  int i;
  for (;;) {
    for (i = 0; i < SERVERS; i++) {
      if (servers[i].running && raft_state(&servers[i].raft) == RAFT_LEADER) return i;
    }
    uv_run(&loop, UV_RUN_ONCE);
  }
}

static void on_applied(struct raft_apply* request, int status, void* result) {
  (void) result;
  in_flight--;
  if (status == 0) applied++;
  free(request);
}

/* Submits numbers until `until` were applied. What a leader loses that steps down is submitted again, with
 * the same sum. */
static void add_up(uint64_t until) {
  target = until;
  while (applied < target) {
    while (in_flight < IN_FLIGHT && applied + (uint64_t) in_flight < target) {
      struct raft_apply* request = calloc(1, sizeof *request);
      struct raft_buffer buffer = {raft_malloc(8), 8};
      uint64_t one = 7;
      memcpy(buffer.base, &one, 8);
      if (raft_apply(&servers[leader()].raft, request, &buffer, 1, on_applied) != 0) {
        raft_free(buffer.base);
        free(request);
        break;
      }
      in_flight++;
    }
    uv_run(&loop, UV_RUN_ONCE);
  }
}

/* Waits until all servers that run have the entries, and prints them. */
static void agree(const char* when) {
  int i;
  printf("%s\n", when);
  for (i = 0; i < SERVERS; i++) {
    while (servers[i].running && servers[i].count < target) uv_run(&loop, UV_RUN_ONCE);
  }
  for (i = 0; i < SERVERS; i++) {
    if (servers[i].running) {
      printf("  the sum is that of the entries: %s\n", servers[i].sum == 7 * servers[i].count ? "yes" : "no");
    }
  }
}

static void run(const char* directory) {
  int i, stopped;
  for (i = 0; i < SERVERS; i++) start(i, directory, 1);
  add_up(500);
  agree("with three servers, 500 entries");

  stopped = leader();
  stop(stopped);
  add_up(800);
  agree("without the first leader, 800 entries");

  start(stopped, directory, 0);
  agree("the first leader is back, and has them");

  for (i = 0; i < SERVERS; i++) stop(i);
  for (i = 0; i < SERVERS; i++) start(i, directory, 0);
  add_up(1000);
  agree("all of them started from their files, 1000 entries");
  for (i = 0; i < SERVERS; i++) stop(i);
}

int main(int argc, char** argv) {
  if (argc != 2 || uv_loop_init(&loop) != 0) return 1;
  run(argv[1]);
  while (uv_run(&loop, UV_RUN_ONCE)) continue;
  printf("the loop is closed: %s\n", uv_loop_close(&loop) == 0 ? "yes" : "no");
  return 0;
}
