/* A commutativity race: two timers that are due at the same time change a price, and the result depends on which is
 * first. The status is 3 if it is not the expected one. */
#include <stdio.h>
#include <uv.h>

static int cents = 1000;

static void reduce_by_a_tenth(uv_timer_t* timer) {
  (void) timer;
  cents -= cents / 10;
}

static void take_the_voucher(uv_timer_t* timer) {
  (void) timer;
  cents -= 50;
}

int main(void) {
  uv_timer_t sale, voucher;

  uv_timer_init(uv_default_loop(), &sale);
  uv_timer_init(uv_default_loop(), &voucher);
  uv_timer_start(&sale, reduce_by_a_tenth, 1, 0);
  uv_timer_start(&voucher, take_the_voucher, 1, 0);
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  printf("%d\n", cents);
  return cents == 850 ? 0 : 3;
}
