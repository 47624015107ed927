/* expect: null-pointer uv_timer_stop
 * A function gets NULL for a handle. */
#include <uv.h>

int main(void) {
  return uv_timer_stop(NULL);
}
