/* The title of the process, which takes the place of its arguments. */

#include "test-os.h"

#include <fcntl.h>

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

static void set_titles(void* arg) {
  int i;
  for (i = 0; i < 2000; i++) ASSERT_OK(uv_set_process_title(arg));
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
}

/* On the program's real arguments, which the kernel shows in /proc. */
TEST(os_title_is_what_others_see) {
  char line[4096], path[32];
  char* end;
  ssize_t length;
  int fd;

  /* The arguments begin where the kernel says: field 48 of the file. */
  unsigned long start;
  FILE* stat = fopen("/proc/self/stat", "r");
  ASSERT_NOT_NULL(stat);
  ASSERT_NOT_NULL(fgets(line, sizeof(line), stat));
  fclose(stat);
  end = strrchr(line, ')');
  ASSERT_NOT_NULL(end);
  ASSERT_EQ(sscanf(end,
                   ") %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
                   "%*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
                   "%*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
                   "%*s %*s %*s %lu",
                   &start),
            1);
  if (start == 0) SKIP("the kernel does not tell where the arguments are");
  arguments[0] = (char*) start;
  uv_setup_args(1, arguments);
  ASSERT_OK(uv_set_process_title("new"));

  snprintf(path, sizeof(path), "/proc/%d/cmdline", (int) getpid());
  fd = open(path, O_RDONLY);
  ASSERT_GE(fd, 0);
  length = read(fd, line, sizeof(line));
  ASSERT_EQ(close(fd), 0);
  ASSERT_GT(length, 3);
  ASSERT_STR_EQ(line, "new");
}
