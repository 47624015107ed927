"""A commutativity race: as commutativity.c. The status is 3 if the price is not the expected one."""

import sys

import oxuv

cents = 1000


def reduce_by_a_tenth(timer):
    global cents
    cents -= cents // 10


def take_the_voucher(timer):
    global cents
    cents -= 50


with oxuv.Loop() as loop:
    oxuv.Timer(loop).start(reduce_by_a_tenth, 1)
    oxuv.Timer(loop).start(take_the_voucher, 1)
    loop.run()

print(cents)
sys.exit(0 if cents == 850 else 3)
