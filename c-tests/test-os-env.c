/* The environment. */

#include "test-os.h"

static const char* name = "OXUV_TEST_VARIABLE";

static int get(char* buffer, size_t* size) {
  return uv_os_getenv(name, buffer, size);
}

TEST(os_env_set_get_unset) {
  char buffer[64];
  size_t size;

  ASSERT_OK(uv_os_setenv(name, "a value"));
  ASSERT_STR_EQ(getenv(name), "a value");
  os_check_text(get, "a value");
  ASSERT_OK(uv_os_setenv(name, "another"));
  os_check_text(get, "another");
  /* An empty value is one. */
  ASSERT_OK(uv_os_setenv(name, ""));
  os_check_text(get, "");

  ASSERT_OK(uv_os_unsetenv(name));
  size = sizeof(buffer);
  ASSERT_EQ(uv_os_getenv(name, buffer, &size), UV_ENOENT);
  ASSERT_EQ(size, sizeof(buffer));
  ASSERT_OK(uv_os_unsetenv(name));
}

TEST(os_env_bad_arguments) {
  char buffer[64];
  size_t size = sizeof(buffer);

  ASSERT_EQ(uv_os_setenv(NULL, "x"), UV_EINVAL);
  ASSERT_EQ(uv_os_setenv(name, NULL), UV_EINVAL);
  ASSERT_EQ(uv_os_setenv("", "x"), UV_EINVAL);
  ASSERT_EQ(uv_os_setenv("a=b", "x"), UV_EINVAL);
  ASSERT_EQ(uv_os_unsetenv(NULL), UV_EINVAL);
  ASSERT_EQ(uv_os_unsetenv(""), UV_EINVAL);
  ASSERT_EQ(uv_os_unsetenv("a=b"), UV_EINVAL);
  ASSERT_EQ(uv_os_getenv(NULL, buffer, &size), UV_EINVAL);
  ASSERT_EQ(uv_os_getenv("", buffer, &size), UV_ENOENT);
}

TEST(os_env_long_value) {
  size_t length = 1 << 20;
  size_t size = length + 1;
  char* value = malloc(size);
  char* copy = malloc(size);

  ASSERT_NOT_NULL(value);
  ASSERT_NOT_NULL(copy);
  memset(value, 'v', length);
  value[length] = '\0';
  ASSERT_OK(uv_os_setenv(name, value));
  ASSERT_OK(uv_os_getenv(name, copy, &size));
  ASSERT_EQ(size, length);
  ASSERT_MEM_EQ(copy, value, length + 1);
  free(value);
  free(copy);
}

TEST(os_env_list) {
  char* entries[] = {"A=1", "no equals sign", "=x=y", "B==", "", "C=", NULL};
  const char* expected[][2] = {{"A", "1"}, {"", "x=y"}, {"B", "="}, {"C", ""}};
  char** environment = environ;
  uv_env_item_t* items;
  int count, i;

  environ = entries;
  ASSERT_OK(uv_os_environ(&items, &count));
  environ = environment;
  ASSERT_EQ(count, 4);
  for (i = 0; i < count; i++) {
    ASSERT_STR_EQ(items[i].name, expected[i][0]);
    ASSERT_STR_EQ(items[i].value, expected[i][1]);
  }
  uv_os_free_environ(items, count);
}

TEST(os_env_list_is_a_copy) {
  uv_env_item_t* items;
  int count, i, found = 0;

  ASSERT_OK(uv_os_setenv(name, "before"));
  ASSERT_OK(uv_os_environ(&items, &count));
  ASSERT_OK(uv_os_setenv(name, "after"));
  for (i = 0; i < count; i++) {
    if (strcmp(items[i].name, name) != 0) continue;
    ASSERT_STR_EQ(items[i].value, "before");
    found++;
  }
  ASSERT_EQ(found, 1);
  uv_os_free_environ(items, count);
}

TEST(os_env_empty_list) {
  char* none[] = {NULL};
  char** environment = environ;
  uv_env_item_t* items;
  int count = -1;

  environ = none;
  ASSERT_OK(uv_os_environ(&items, &count));
  environ = environment;
  ASSERT_EQ(count, 0);
  uv_os_free_environ(items, count);
  uv_os_free_environ(NULL, 0);
}
