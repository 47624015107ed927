/* Makes random programs from seeds and runs them; see README.md.
 *   driver CHILD seeds FIRST COUNT   prints each seed and the hash of its log, then the calls of each operation
 *   driver CHILD program SEED        prints the program that a seed is
 *   driver CHILD log SEED            prints the log of a seed
 *   driver CHILD run FILE            prints the log of a program that is written out
 * A line of a program is "SLOT.CALL OPERATION SLOT A B": what it does in the CALL-th callback of a slot, "-" for the
 * program itself. */
#include "world.c"
#include <sys/time.h>

enum { LINES = 4096, LIMIT = 24 };

struct line { int slot, call, operation, target, a, b; };

static struct line lines[LINES];
static int line_count, replaying, recording;
static int performed[SLOTS]; /* steps in callbacks, which are limited for each slot, as the order of slots may differ */
static uint64_t seed, current;

static uint64_t mix(uint64_t value) {
  value += 0x9e3779b97f4a7c15u;
  value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
  value = (value ^ value >> 27) * 0x94d049bb133111ebu;
  return value ^ value >> 31;
}

static int below(uint64_t* state, int limit) {
  *state = mix(*state);
  return (int) (*state >> 33) % limit;
}

static void perform_line(const struct line* line) {
  if (recording && line_count < LINES) lines[line_count++] = *line;
  perform(line->operation, line->target, line->a, line->b);
}

/* A third of the programs have few kinds, so that these meet often. */
static int has_few_kinds(void) { return mix(seed) % 3 == 0; }

static int likes(int operation) {
  int number = mix(seed * 64 + (uint64_t) operation) & 3;
  return has_few_kinds() ? number == 0 : number != 0;
}

/* Half of the steps act on the slot of the step before, so that what depends on each other comes together. */
static void random_step(uint64_t* state, int* target_before, int slot, int call) {
  int target = below(state, 2) ? *target_before : below(state, SLOTS), sum = 0;
  *target_before = target;
  unsigned kind = ONE(kind_at(target));
  int fits[OPERATIONS];
  for (int i = 0; i < OPERATIONS; i++) {
    const struct operation* operation = &operations[i];
    int fit = operation->kinds == ANY || (operation->kinds & kind);
    if (operation->kinds == ONE(FREE) && !likes(i)) fit = 0;
    fits[i] = fit ? operation->weight : 0;
    sum += fits[i];
  }
  int pick = below(state, sum), index = 0;
  while (pick >= fits[index]) pick -= fits[index++];
  struct line line = {slot, call, index, target, below(state, operations[index].a), below(state, operations[index].b)};
  perform_line(&line);
}

static int find_operation(const char* name) {
  for (int i = 0; i < OPERATIONS; i++)
    if (strcmp(operations[i].name, name) == 0) return i;
  return -1;
}

static void accept_sometimes(uint64_t* state, int slot, int call) {
  for (int i = 0; i < SLOTS; i++) {
    int target = (i * 7 + slot + 4 * call) % SLOTS;
    if (kind_at(target) != FREE || loop_for(target) != loop_for(slot)) continue;
    struct line line = {slot, call, find_operation("accept"), target, slot, below(state, 4)};
    if (below(state, 4)) perform_line(&line);
    return;
  }
}

static void trigger(int slot, int call) {
  if (replaying) {
    for (int i = 0; i < line_count; i++)
      if (lines[i].slot == slot && lines[i].call == call) perform_line(&lines[i]);
    return;
  }
  if (performed[slot] >= LIMIT) return;
  uint64_t state = mix(seed ^ (uint64_t) slot << 40 ^ (uint64_t) call << 48);
  if (kind_at(slot) == SERVER && call <= 8) accept_sometimes(&state, slot, call);
  int target = below(&state, SLOTS);
  for (int steps = below(&state, 4); steps > 0; steps--, performed[slot]++) random_step(&state, &target, slot, call);
}

static void own_step(uint64_t* state, const char* name) {
  int index = find_operation(name);
  struct line line = {-1, 0, index, 0, below(state, operations[index].a), below(state, operations[index].b)};
  if (line.a == 1 && strcmp(name, "fork") != 0 && below(state, 2)) line.a = 0;
  perform_line(&line);
}

static void random_program(void) {
  uint64_t state = mix(seed);
  int host = below(&state, 4) == 0, forks = below(&state, has_few_kinds() ? 3 : 8) == 0;
  int target = below(&state, SLOTS);
  for (int i = 0; i < 20; i++) random_step(&state, &target, -1, 0);
  for (int i = 0, n = 6 + below(&state, 12); i < n; i++) {
    own_step(&state, host && below(&state, 3) ? "host" : "run");
    for (int steps = below(&state, 8); steps > 0; steps--) random_step(&state, &target, -1, 0);
    if (forks && below(&state, 5) == 0) own_step(&state, "fork");
  }
}

static void hang(int number) {
  (void) number;
  if (in_child) _exit(70);
  if (log_size < LOG - 8) log_size += (size_t) sprintf(log_text + log_size, "HANG\n");
  if (recording < 2) printf("%llu hang\n", (unsigned long long) current);
  else fwrite(log_text, 1, log_size, stdout);
  fflush(stdout);
  _exit(3);
}

static void run_program(void) {
  struct itimerval limit = {{0, 0}, {3, 0}};
  setitimer(ITIMER_REAL, &limit, NULL);
  memset(performed, 0, sizeof performed);
  begin_program();
  if (!replaying) random_program();
  for (int i = 0; replaying && i < line_count; i++)
    if (lines[i].slot < 0) perform_line(&lines[i]);
  end_program();
}

static uint64_t hash(void) {
  uint64_t value = 1469598103934665603u;
  for (size_t i = 0; i < log_size; i++) value = (value ^ (unsigned char) log_text[i]) * 1099511628211u;
  return value;
}

static void run_seeds(uint64_t first, uint64_t count) {
  for (uint64_t i = 0; i < count; i++) {
    current = first + i;
    seed = mix(current);
    run_program();
    printf("%llu %016llx\n", (unsigned long long) current, (unsigned long long) hash());
    fflush(stdout);
  }
  for (int i = 0; i < OPERATIONS; i++) printf("calls %s %lu\n", operations[i].name, counts[i]);
  for (int i = 0; i < 32 && closes[i].name[0] != 0; i++) printf("calls close-in-%s %lu\n", closes[i].name, closes[i].count);
}

static void print_lines(void) {
  for (int i = 0; i < line_count; i++) {
    const struct line* line = &lines[i];
    if (line->slot < 0) printf("-");
    else printf("%d.%d", line->slot, line->call);
    printf(" %s %d %d %d\n", operations[line->operation].name, line->target, line->a, line->b);
  }
}

static void read_program(const char* file) {
  char text[256], when[32], name[64];
  FILE* input = fopen(file, "r");
  if (input == NULL) { perror(file); exit(2); }
  while (fgets(text, sizeof text, input) != NULL && line_count < LINES) {
    struct line line = {-1, 0, -1, 0, 0, 0};
    if (text[0] == '#' || sscanf(text, "%31s %63s %d %d %d", when, name, &line.target, &line.a, &line.b) < 5) continue;
    if (when[0] != '-') sscanf(when, "%d.%d", &line.slot, &line.call);
    line.operation = find_operation(name);
    if (line.operation < 0 || line.target < 0 || line.target >= SLOTS) { fprintf(stderr, "%s: %s", file, text); exit(2); }
    lines[line_count++] = line;
  }
  fclose(input);
}

/* The order of callbacks in each run, from a log of the other library. */
static unsigned char guide[1024][SLOTS];
static int guided;

static int place_in_guide(int slot) {
  for (int i = 0; runs < guided && i < SLOTS && guide[runs][i] != 0; i++)
    if (guide[runs][i] == slot + 1) return i;
  return 100 + slot;
}

static void add_to_guide(int run, int slot) {
  int length = 0;
  while (length < SLOTS && guide[run][length] != 0)
    if (guide[run][length++] == slot + 1) return;
  if (length < SLOTS) guide[run][length] = (unsigned char) (slot + 1);
}

static int is_one_of(const char* what, const char* const* names) {
  while (*names != NULL && strcmp(what, *names) != 0) names++;
  return *names != NULL;
}

/* Callbacks of the first kind are in the poll phase; those of the second are there or in the pending phase. The order
 * of both is tried with FUZZ_GUIDE_ALL. */
static void read_guide(const char* file) {
  static const char* const surely[] = {"read", "poll", "connection", "connected", "receive", NULL};
  static const char* const maybe[] = {"written", "shutdown", NULL};
  char text[256], what[32];
  int slot;
  for (int pass = 0; pass < 2; pass++) {
    FILE* input = fopen(file, "r");
    if (input == NULL) { perror(file); exit(2); }
    int forked = 0;
    for (int now = 0; fgets(text, sizeof text, input) != NULL;) {
      /* Not the runs of a fork. */
      if (strncmp(text, "fork\n", 5) == 0) forked = 1;
      if (strncmp(text, "forked", 6) == 0 || strncmp(text, "ENDED", 5) == 0) forked = 0;
      if (forked) continue;
      if (strncmp(text, "run ", 4) == 0 && now < 1023) guided = ++now + 1;
      if (text[0] == ' ' || sscanf(text, "%31s %d", what, &slot) < 2 || slot < 0 || slot >= SLOTS) continue;
      int both = getenv("FUZZ_GUIDE_ALL") != NULL && is_one_of(what, maybe);
      if (both || is_one_of(what, pass == 0 ? surely : maybe)) add_to_guide(now, slot);
    }
    fclose(input);
  }
  place_of = place_in_guide;
}

int main(int count, char** arguments) {
  if (count < 4) return 2;
  const char* mode = arguments[2];
  begin_world(arguments[1]);
  signal(SIGALRM, hang);
  if (getenv("FUZZ_GUIDE") != NULL) read_guide(getenv("FUZZ_GUIDE"));
  if (strcmp(mode, "seeds") == 0 && count == 5) {
    run_seeds(strtoull(arguments[3], NULL, 10), strtoull(arguments[4], NULL, 10));
  } else if (strcmp(mode, "run") == 0) {
    read_program(arguments[3]);
    replaying = 1;
    recording = 0;
    current = 0;
    run_program();
    fwrite(log_text, 1, log_size, stdout);
  } else {
    current = strtoull(arguments[3], NULL, 10);
    seed = mix(current);
    recording = strcmp(mode, "program") == 0 ? 1 : 2;
    run_program();
    if (recording == 1) print_lines();
    else fwrite(log_text, 1, log_size, stdout);
  }
  rmdir(folder);
  return 0;
}
