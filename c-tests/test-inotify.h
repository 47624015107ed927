/* The limits of inotify. */
#ifndef OXUV_TEST_INOTIFY_H
#define OXUV_TEST_INOTIFY_H

#include "test.h"

/* How many events are kept before the kernel drops them; 0 if it is unknown. */
static int queue_limit(void) {
  FILE* file = fopen("/proc/sys/fs/inotify/max_queued_events", "r");
  int limit = 0;
  if (file == NULL || fscanf(file, "%d", &limit) != 1) limit = 0;
  if (file != NULL) fclose(file);
  return limit;
}

#endif
