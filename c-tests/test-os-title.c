/* The title of the process, which takes the place of its arguments. */

#include "test-os.h"

#include <fcntl.h>
#include <stdatomic.h>

/* Arguments as the kernel lays them out: one behind the other. */
static char memory[] = "program\0first\0second argument\0\0behind";
static char* arguments[5];

static char** set_up(void) {
  arguments[0] = memory;
  arguments[1] = memory + 8;
  arguments[2] = memory + 14;
  arguments[3] = memory + 30;
  arguments[4] = NULL;
  return uv_setup_args(4, arguments);
}

enum { CAPACITY = 31 };

TEST(os_title_needs_setup) {
  char title[64];

  ASSERT_EQ(uv_get_process_title(title, sizeof(title)), UV_ENOBUFS);
  ASSERT_EQ(uv_set_process_title("x"), UV_ENOBUFS);
  /* No arguments are no place for a title. */
  ASSERT_PTR_EQ(uv_setup_args(0, arguments), arguments);
  ASSERT_PTR_EQ(uv_setup_args(-1, arguments), arguments);
  ASSERT_EQ(uv_set_process_title("x"), UV_ENOBUFS);
}

TEST(os_title_setup_moves_the_arguments) {
  char** moved = set_up();
  char title[64];

  ASSERT(moved != arguments);
  ASSERT_STR_EQ(moved[0], "program");
  ASSERT_STR_EQ(moved[1], "first");
  ASSERT_STR_EQ(moved[2], "second argument");
  ASSERT_STR_EQ(moved[3], "");
  ASSERT_NULL(moved[4]);
  ASSERT_OK(uv_get_process_title(title, sizeof(title)));
  ASSERT_STR_EQ(title, "program");

  ASSERT_OK(uv_set_process_title("a longer title than before"));
  ASSERT_STR_EQ(moved[0], "program");
  ASSERT_STR_EQ(moved[2], "second argument");
}

TEST(os_title_takes_the_place_of_the_arguments) {
  uv_thread_t self = uv_thread_self();
  char title[64], name[16];
  int i;

  set_up();
  ASSERT_OK(uv_set_process_title("title"));
  ASSERT_OK(uv_get_process_title(title, sizeof(title)));
  ASSERT_STR_EQ(title, "title");
  ASSERT_STR_EQ(memory, "title");
  for (i = 5; i < CAPACITY; i++) ASSERT_EQ(memory[i], 0);
  ASSERT_STR_EQ(memory + CAPACITY, "behind");
  /* The thread is called so too. */
  ASSERT_OK(uv_thread_getname(&self, name, sizeof(name)));
  ASSERT_STR_EQ(name, "title");
}

TEST(os_title_is_cut_to_the_place) {
  char expected[CAPACITY], title[64], longer[1000];

  set_up();
  memset(longer, 'x', sizeof(longer) - 1);
  longer[sizeof(longer) - 1] = '\0';
  memset(expected, 'x', CAPACITY - 1);
  expected[CAPACITY - 1] = '\0';
  ASSERT_OK(uv_set_process_title(longer));
  ASSERT_OK(uv_get_process_title(title, sizeof(title)));
  ASSERT_STR_EQ(title, expected);
  ASSERT_STR_EQ(memory + CAPACITY, "behind");
}

TEST(os_title_edges) {
  char title[8] = "#######";

  set_up();
  ASSERT_OK(uv_set_process_title("%s %n"));
  ASSERT_EQ(uv_get_process_title(NULL, 8), UV_EINVAL);
  ASSERT_EQ(uv_get_process_title(title, 0), UV_EINVAL);
  ASSERT_EQ(uv_get_process_title(title, 5), UV_ENOBUFS);
  ASSERT_STR_EQ(title, "#######");
  ASSERT_OK(uv_get_process_title(title, 6));
  ASSERT_STR_EQ(title, "%s %n");
  ASSERT_OK(uv_set_process_title(""));
  ASSERT_OK(uv_get_process_title(title, 1));
  ASSERT_STR_EQ(title, "");
}

static atomic_int titles_set;

static void set_titles(void* arg) {
  int i;
  for (i = 0; i < 2000; i++) {
    ASSERT_OK(uv_set_process_title(arg));
    atomic_fetch_add(&titles_set, 1);
  }
}

TEST(os_title_from_many_threads) {
  char* titles[] = {"aaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbb"};
  uv_thread_t threads[2];
  char title[64];
  int i;

  set_up();
  ASSERT_OK(uv_set_process_title(titles[0]));
  for (i = 0; i < 2; i++)
    ASSERT_OK(uv_thread_create(&threads[i], set_titles, titles[i]));
  for (i = 0; i < 2000; i++) {
    ASSERT_OK(uv_get_process_title(title, sizeof(title)));
    ASSERT(strcmp(title, titles[0]) == 0 || strcmp(title, titles[1]) == 0);
  }
  for (i = 0; i < 2; i++) ASSERT_OK(uv_thread_join(&threads[i]));
  ASSERT_EQ(atomic_load(&titles_set), 4000);
}

/* The program's real arguments. The C library gives them to constructors. */
static char** real_arguments;

__attribute__((constructor)) static void keep_arguments(int argc, char** argv) {
  (void) argc;
  real_arguments = argv;
}

/* Where the kernel thinks that they are: field 48 of the file. */
static unsigned long start_of_arguments(void) {
  char line[4096];
  char* field;
  int number;
  FILE* file = fopen("/proc/self/stat", "r");

  ASSERT_NOT_NULL(file);
  ASSERT_NOT_NULL(fgets(line, sizeof(line), file));
  fclose(file);
  /* The second field may contain blanks, and ends with the last bracket. */
  field = strrchr(line, ')');
  for (number = 2; number < 48; number++) {
    ASSERT_NOT_NULL(field);
    field = strchr(field + 1, ' ');
  }
  ASSERT_NOT_NULL(field);
  return strtoul(field, NULL, 10);
}

TEST(os_title_is_what_others_see) {
  char line[4096], path[32];
  int fd;

  if (start_of_arguments() != (unsigned long) real_arguments[0])
    SKIP("the kernel knows the arguments of another program, such as valgrind");
  uv_setup_args(1, real_arguments);
  ASSERT_OK(uv_set_process_title("new"));

  snprintf(path, sizeof(path), "/proc/%d/cmdline", (int) getpid());
  fd = open(path, O_RDONLY);
  ASSERT_GE(fd, 0);
  ASSERT_GT(read(fd, line, sizeof(line)), 3);
  ASSERT_EQ(close(fd), 0);
  ASSERT_STR_EQ(line, "new");
}
