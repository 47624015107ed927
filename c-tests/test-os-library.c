/* Shared libraries. */

#include "test-os.h"

#include <dlfcn.h>

TEST(os_dl_the_program_itself) {
  uv_lib_t lib;
  void* symbol = NULL;

  ASSERT_OK(uv_dlopen(NULL, &lib));
  ASSERT_NOT_NULL(lib.handle);
  ASSERT_STR_EQ(uv_dlerror(&lib), "no error");
  ASSERT_OK(uv_dlsym(&lib, "printf", &symbol));
  ASSERT_PTR_EQ(symbol, dlsym(RTLD_DEFAULT, "printf"));
  uv_dlclose(&lib);
  ASSERT_NULL(lib.handle);
}

TEST(os_dl_a_library) {
  uv_lib_t lib;
  double (*cosine)(double);
  void* symbol;

  if (uv_dlopen("libm.so.6", &lib) != 0) {
    fprintf(stderr, "%s\n", uv_dlerror(&lib));
    uv_dlclose(&lib);
    SKIP("there is no libm.so.6");
  }
  ASSERT_OK(uv_dlsym(&lib, "cos", &symbol));
  memcpy(&cosine, &symbol, sizeof(cosine));
  ASSERT(cosine(0) == 1);
  uv_dlclose(&lib);
}

TEST(os_dl_missing_library) {
  uv_lib_t lib;

  ASSERT_EQ(uv_dlopen("/missing/library.so", &lib), -1);
  ASSERT_NULL(lib.handle);
  ASSERT_NOT_NULL(strstr(uv_dlerror(&lib), "/missing/library.so"));
  /* The message stays until the library is closed. */
  ASSERT_NOT_NULL(strstr(uv_dlerror(&lib), "/missing/library.so"));
  uv_dlclose(&lib);
  ASSERT_STR_EQ(uv_dlerror(&lib), "no error");
  uv_dlclose(&lib);
}

TEST(os_dl_missing_symbol) {
  uv_lib_t lib;
  void* symbol = &lib;

  ASSERT_OK(uv_dlopen(NULL, &lib));
  ASSERT_EQ(uv_dlsym(&lib, "oxuv_there_is_no_such_symbol", &symbol), -1);
  ASSERT_NULL(symbol);
  ASSERT_NOT_NULL(strstr(uv_dlerror(&lib), "oxuv_there_is_no_such_symbol"));
  /* A later success does not clear the message. */
  ASSERT_OK(uv_dlsym(&lib, "printf", &symbol));
  ASSERT_NOT_NULL(strstr(uv_dlerror(&lib), "oxuv_there_is_no_such_symbol"));
  ASSERT_EQ(uv_dlsym(&lib, "oxuv_nor_this_one", &symbol), -1);
  ASSERT_NOT_NULL(strstr(uv_dlerror(&lib), "oxuv_nor_this_one"));
  uv_dlclose(&lib);
}
