/* expect: handle-overwritten uv_timer_stop
 * A string overflows into the handle behind it. */
#include <string.h>
#include <uv.h>

static void on_timer(uv_timer_t* timer) {
  (void) timer;
}


static struct {
  char name[8];
  uv_timer_t timer;
} connection;

int main(void) {
  /* The compiler does not see the size. */
  void (*volatile set)(void*, const char*, size_t) = (void (*)(void*, const char*, size_t)) memcpy;

  uv_timer_init(uv_default_loop(), &connection.timer);
  uv_timer_start(&connection.timer, on_timer, 10, 0);
  set(connection.name, "a name that is too long", 24);
  return uv_timer_stop(&connection.timer);
}
