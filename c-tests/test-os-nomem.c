/* These functions allocate their results with the allocator that
 * uv_replace_allocator() installed, and its failure is UV_ENOMEM. */

#include "test-os.h"

static int blocks;  /* that are not freed yet */
static int budget;  /* how many more allocations succeed */
static int refused; /* whether one did not */

static int refuse(void) {
  if (budget-- > 0) return 0;
  refused = 1;
  return 1;
}

static void* test_malloc(size_t size) {
  if (refuse()) return NULL;
  blocks++;
  return malloc(size);
}

static void* test_calloc(size_t count, size_t size) {
  if (refuse()) return NULL;
  blocks++;
  return calloc(count, size);
}

static void* test_realloc(void* block, size_t size) {
  if (refuse()) return NULL;
  if (block == NULL) blocks++;
  return realloc(block, size);
}

static void test_free(void* block) {
  if (block != NULL) blocks--;
  free(block);
}

/* Calls the function with no allocation allowed, then with one and so on, until
 * none is refused. The function frees its results. */
static void try_with_every_budget(int (*run)(void)) {
  int allowed;

  ASSERT_OK(uv_replace_allocator(test_malloc, test_realloc, test_calloc,
                                 test_free));
  for (allowed = 0; allowed < 10000; allowed++) {
    int err;
    budget = allowed;
    refused = 0;
    err = run();
    ASSERT_EQ(blocks, 0);
    ASSERT_EQ(err, refused ? UV_ENOMEM : 0);
    if (!refused) break;
  }
  /* It did allocate. */
  ASSERT_GT(allowed, 0);
  ASSERT_LT(allowed, 10000);
}

static int get_environ(void) {
  uv_env_item_t* items;
  int count;
  int err = uv_os_environ(&items, &count);
  if (err == 0) uv_os_free_environ(items, count);
  return err;
}

static int get_passwd(void) {
  uv_passwd_t user;
  int err = uv_os_get_passwd2(&user, 0);
  if (err == 0) uv_os_free_passwd(&user);
  return err;
}

static int get_group(void) {
  uv_group_t group;
  int err = uv_os_get_group(&group, 0);
  if (err == 0) uv_os_free_group(&group);
  return err;
}

static int get_cpu_info(void) {
  uv_cpu_info_t* cpus;
  int count;
  int err = uv_cpu_info(&cpus, &count);
  if (err == 0) uv_free_cpu_info(cpus, count);
  return err;
}

static int get_interface_addresses(void) {
  uv_interface_address_t* list;
  int count;
  int err = uv_interface_addresses(&list, &count);
  if (err == 0) uv_free_interface_addresses(list, count);
  return err;
}

static int convert(void) {
  const uint16_t text[] = {'a', 0xe9, 0};
  char* result = NULL;
  size_t length;
  int err = uv_utf16_to_wtf8(text, -1, &result, &length);
  if (err == 0) test_free(result);
  return err;
}

TEST(os_nomem_environ) {
  ASSERT_EQ(setenv("OXUV_TEST", "1", 1), 0);
  try_with_every_budget(get_environ);
}

TEST(os_nomem_passwd) { try_with_every_budget(get_passwd); }
TEST(os_nomem_group) { try_with_every_budget(get_group); }
TEST(os_nomem_cpu_info) { try_with_every_budget(get_cpu_info); }

TEST(os_nomem_interface_addresses) {
  uv_interface_address_t* list;
  int count;

  ASSERT_OK(uv_interface_addresses(&list, &count));
  uv_free_interface_addresses(list, count);
  if (count == 0) SKIP("no network interface has an address");
  try_with_every_budget(get_interface_addresses);
}

TEST(os_nomem_utf16_to_wtf8) { try_with_every_budget(convert); }

/* Without memory for a copy the program keeps its arguments, and there is no
 * place for a title. */
TEST(os_nomem_setup_args) {
  char first[] = "program";
  char* arguments[] = {first, NULL};

  ASSERT_OK(uv_replace_allocator(test_malloc, test_realloc, test_calloc,
                                 test_free));
  ASSERT_PTR_EQ(uv_setup_args(1, arguments), arguments);
  ASSERT_EQ(uv_set_process_title("title"), UV_ENOBUFS);
  ASSERT_STR_EQ(first, "program");
}

/* The error is there even if its message is not. */
TEST(os_nomem_dl_message) {
  uv_lib_t lib;

  ASSERT_OK(uv_replace_allocator(test_malloc, test_realloc, test_calloc,
                                 test_free));
  ASSERT_EQ(uv_dlopen("/missing/library.so", &lib), -1);
  ASSERT_STR_EQ(uv_dlerror(&lib), "no error");
  uv_dlclose(&lib);
  ASSERT_EQ(blocks, 0);
}
