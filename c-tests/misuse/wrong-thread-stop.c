/* expect: wrong-thread uv_stop
 * A thread stops a loop that another thread runs. */
#include "thread.h"

int main(void) {
  start_thread();
  uv_stop(loop);
  return 0;
}
