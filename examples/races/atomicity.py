"""An atomicity race: as atomicity.c. The status is 3 if a deposit is lost."""

import os
import sys
import tempfile

# The program believes that one thread does one thing at a time.
os.environ["UV_THREADPOOL_SIZE"] = "1"
import oxuv  # noqa: E402


def deposit(loop, fd, amount, checks):
    def after_check(request):
        if checks > 0:
            deposit(loop, fd, amount, checks - 1)
        else:
            oxuv.fs.read(fd, 8, 0, callback=after_read, loop=loop)

    def after_read(request):
        # What was read may be old by now.
        balance = b"%08d" % (int(request.result()) + amount)
        oxuv.fs.write(fd, balance, 0, callback=lambda request: request.result(), loop=loop)

    oxuv.fs.stat(".", callback=after_check, loop=loop)


with tempfile.TemporaryFile() as account, oxuv.Loop() as loop:
    account.write(b"%08d" % 100)
    account.flush()
    deposit(loop, account.fileno(), 10, 0)
    deposit(loop, account.fileno(), 5, 2)
    loop.run()
    account.seek(0)
    balance = int(account.read())

print(balance)
sys.exit(0 if balance == 115 else 3)
