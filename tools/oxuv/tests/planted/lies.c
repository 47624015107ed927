/* lies SEED: makes a loop with handles, and then writes to random places of the library's memory. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

/* The description of the library: it has addresses after its first 80 bytes. */
extern char oxuv_debug[];

static uint64_t state;

static uint64_t draw(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state >> 8;
}

static void no_timer(uv_timer_t* timer) { (void) timer; }
static void no_signal(uv_signal_t* handle, int number) { (void) handle; (void) number; }

/* Whether the word may be an address of the library's data. */
static int is_near(uint64_t word, uint64_t to) {
  return word % 8 == 0 && (word > to ? word - to : to - word) < 1 << 20;
}

int main(int argc, char** argv) {
  static uv_loop_t loop;
  static union uv_any_handle handles[6];
  uint64_t *places[64], near = (uint64_t) (uintptr_t) oxuv_debug, word;
  size_t sizes[64], count = 0, i, writes;

  state = argc > 1 ? strtoull(argv[1], NULL, 10) * 2654435761u + 1 : 1;
  uv_loop_init(&loop);
  for (i = 0; i < 3; i++) {
    uv_timer_init(&loop, &handles[i].timer);
    uv_timer_start(&handles[i].timer, no_timer, 1000000, 1);
  }
  uv_tcp_init(&loop, &handles[3].tcp);
  uv_fs_event_init(&loop, &handles[4].fs_event);
  uv_signal_init(&loop, &handles[5].signal);
  uv_signal_start(&handles[5].signal, no_signal, SIGUSR1);
  uv_run(&loop, UV_RUN_NOWAIT);
  places[count] = (uint64_t*) &loop;
  sizes[count++] = sizeof(loop) / 8;
  for (i = 0; i < 6; i++) {
    places[count] = (uint64_t*) &handles[i];
    sizes[count++] = sizeof(uv_timer_t) / 8;
  }
  for (i = 80; i < 256 && count < 64; i += 8) {
    memcpy(&word, oxuv_debug + i, 8);
    if (is_near(word, near) && word != near) {
      places[count] = (uint64_t*) (uintptr_t) word;
      sizes[count++] = 2;
    }
  }
  for (writes = 1 + draw() % 6; writes > 0; writes--) {
    size_t at = draw() % count, other = draw() % count;
    uint64_t* place = places[at] + draw() % sizes[at];
    uint64_t target = (uint64_t) (uintptr_t) (places[other] + draw() % sizes[other]);
    switch (draw() % 8) {
      case 0: *place = 0; break;
      case 1: *place = UINT64_MAX; break;
      case 2: *place = (uint64_t) (uintptr_t) place; break;
      case 3: *place = draw(); break;
      case 4: *place = 0x8000000000000000u | draw(); break;
      case 5: *place += 8; break;
      default: *place = target;
    }
  }
  printf("ready\n");
  fflush(stdout);
  for (;;) pause();
}
