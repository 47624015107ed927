/* Working directory, program file, home and temporary directories. */

#include "test-os.h"

#include <limits.h>
#include <pwd.h>
#include <sys/stat.h>

TEST(os_cwd_follows_chdir) {
  char start[PATH_MAX], path[PATH_MAX];

  ASSERT_NOT_NULL(getcwd(start, sizeof(start)));
  os_check_text(uv_cwd, start);
  snprintf(path, sizeof(path), "%s", test_path("directory"));
  ASSERT_EQ(mkdir(path, 0755), 0);
  ASSERT_OK(uv_chdir(path));
  os_check_text(uv_cwd, path);
  ASSERT_OK(uv_chdir("/"));
  os_check_text(uv_cwd, "/");
  ASSERT_OK(uv_chdir(start));
}

TEST(os_cwd_that_is_gone) {
  char buffer[PATH_MAX];
  size_t size = sizeof(buffer);

  ASSERT_EQ(mkdir(test_path("gone"), 0755), 0);
  ASSERT_OK(uv_chdir(test_path("gone")));
  ASSERT_EQ(rmdir(test_path("gone")), 0);
  ASSERT_EQ(uv_cwd(buffer, &size), UV_ENOENT);
  ASSERT_EQ(size, sizeof(buffer));
}

TEST(os_cwd_longer_than_path_max) {
  enum { DEPTH = 25, LENGTH = 200 };
  char name[LENGTH + 1], buffer[DEPTH * (LENGTH + 1) + PATH_MAX];
  size_t size;
  int i;

  ASSERT_EQ(chdir(test_path(".")), 0);
  memset(name, 'd', LENGTH);
  name[LENGTH] = '\0';
  for (i = 0; i < DEPTH; i++) {
    ASSERT_EQ(mkdir(name, 0755), 0);
    ASSERT_EQ(chdir(name), 0);
  }
  size = sizeof(buffer);
  ASSERT_OK(uv_cwd(buffer, &size));
  ASSERT_EQ(size, strlen(buffer));
  ASSERT_GT(size, PATH_MAX);
  /* The required size is unknown. */
  size = 100;
  ASSERT_EQ(uv_cwd(buffer, &size), UV_ERANGE);
  ASSERT_EQ(size, 100);
  /* So that it can be removed. */
  for (i = 0; i < DEPTH; i++) {
    ASSERT_EQ(chdir(".."), 0);
    ASSERT_EQ(rmdir(name), 0);
  }
}

TEST(os_chdir_errors) {
  ASSERT_EQ(uv_chdir(test_path("missing")), UV_ENOENT);
  ASSERT_EQ(uv_chdir("/proc/self/exe"), UV_ENOTDIR);
  ASSERT_EQ(uv_chdir(NULL), UV_EFAULT);
}

TEST(os_exepath_is_cut) {
  char expected[PATH_MAX], buffer[PATH_MAX];
  ssize_t length = readlink("/proc/self/exe", expected, sizeof(expected));
  size_t size = sizeof(buffer);

  ASSERT_GT(length, 0);
  ASSERT_OK(uv_exepath(buffer, &size));
  ASSERT_EQ(size, length);
  ASSERT_EQ(strlen(buffer), length);
  ASSERT_MEM_EQ(buffer, expected, length);

  memset(buffer, '#', sizeof(buffer));
  size = 4;
  ASSERT_OK(uv_exepath(buffer, &size));
  ASSERT_EQ(size, 3);
  ASSERT_MEM_EQ(buffer, expected, 3);
  ASSERT_EQ(buffer[3], '\0');
  ASSERT_EQ(buffer[4], '#');
  size = 1;
  ASSERT_OK(uv_exepath(buffer, &size));
  ASSERT_EQ(size, 0);
  ASSERT_STR_EQ(buffer, "");

  size = 0;
  ASSERT_EQ(uv_exepath(buffer, &size), UV_EINVAL);
  size = 1;
  ASSERT_EQ(uv_exepath(NULL, &size), UV_EINVAL);
  ASSERT_EQ(uv_exepath(buffer, NULL), UV_EINVAL);
}

TEST(os_homedir) {
  struct passwd* entry = getpwuid(geteuid());

  ASSERT_EQ(setenv("HOME", "/home/somebody/", 1), 0);
  os_check_text(uv_os_homedir, "/home/somebody/");
  ASSERT_EQ(setenv("HOME", "", 1), 0);
  os_check_text(uv_os_homedir, "");
  ASSERT_EQ(unsetenv("HOME"), 0);
  if (entry == NULL) SKIP("this user is not in the user database");
  os_check_text(uv_os_homedir, entry->pw_dir);
}

static void homedir_of_nobody_known(void) {
  char buffer[64];
  size_t size = sizeof(buffer);

  ASSERT_EQ(unsetenv("HOME"), 0);
  ASSERT_EQ(setuid(987654), 0);
  ASSERT_EQ(uv_os_homedir(buffer, &size), UV_ENOENT);
  ASSERT_EQ(size, sizeof(buffer));
}

TEST(os_homedir_of_unknown_user) {
  if (geteuid() != 0) SKIP("needs the privilege to be another user");
  ASSERT_EQ(child_status(homedir_of_nobody_known), 0);
}

TEST(os_tmpdir_order) {
  const char* names[] = {"TEMPDIR", "TEMP", "TMP", "TMPDIR"};
  char value[16];
  int i;

  for (i = 0; i < 4; i++) ASSERT_EQ(unsetenv(names[i]), 0);
  os_check_text(uv_os_tmpdir, "/tmp");
  for (i = 0; i < 4; i++) {
    snprintf(value, sizeof(value), "/directory/%d", i);
    ASSERT_EQ(setenv(names[i], value, 1), 0);
    os_check_text(uv_os_tmpdir, value);
  }
  ASSERT_EQ(setenv("TMPDIR", "", 1), 0);
  os_check_text(uv_os_tmpdir, "");
}

TEST(os_tmpdir_slash_at_the_end) {
  char buffer[16];
  size_t size = sizeof(buffer);

  ASSERT_EQ(setenv("TMPDIR", "/a/b/", 1), 0);
  ASSERT_OK(uv_os_tmpdir(buffer, &size));
  ASSERT_STR_EQ(buffer, "/a/b");
  ASSERT_EQ(size, 4);
  /* The slash needs room all the same. */
  size = 5;
  ASSERT_EQ(uv_os_tmpdir(buffer, &size), UV_ENOBUFS);
  ASSERT_EQ(size, 6);

  ASSERT_EQ(setenv("TMPDIR", "/", 1), 0);
  os_check_text(uv_os_tmpdir, "/");
}
