/* expect: wrong-type uv_read_stop
 * A timer is used as a stream. */
#include <uv.h>

int main(void) {
  uv_timer_t timer;

  uv_timer_init(uv_default_loop(), &timer);
  return uv_read_stop((uv_stream_t*) &timer);
}
