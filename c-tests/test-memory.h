/* An allocator that counts, and that fails while `out_of_memory` is not 0. */
#ifndef OXUV_TEST_MEMORY_H
#define OXUV_TEST_MEMORY_H

#include "test.h"

static int out_of_memory;
UNUSED static int blocks;  /* given and not freed yet */
UNUSED static int refused; /* calls that got nothing */

static int refuse(void) {
  if (out_of_memory) refused++;
  return out_of_memory;
}

static void* scarce_malloc(size_t size) {
  if (refuse()) return NULL;
  blocks++;
  return malloc(size);
}

static void* scarce_calloc(size_t count, size_t size) {
  if (refuse()) return NULL;
  blocks++;
  return calloc(count, size);
}

static void* scarce_realloc(void* block, size_t size) {
  if (refuse()) return NULL;
  if (block == NULL) blocks++;
  return realloc(block, size);
}

static void scarce_free(void* block) {
  if (block != NULL) blocks--;
  free(block);
}

static void use_scarce_memory(void) {
  ASSERT_OK(uv_replace_allocator(scarce_malloc, scarce_realloc, scarce_calloc,
                                 scarce_free));
}

#endif
