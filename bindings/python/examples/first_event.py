"""The first event program: request a file, do something else, get the file later.

    python3 first_event.py [FILE]

Each line is printed by the callback that runs at that moment; the text after the arrow gives
the reason. A read never completes before the call that starts it has returned.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import List

import oxuv
from oxuv import fs


def say(what: str, why: str) -> None:
    print(f"{what:<34} <- {why}")


def main(path: str) -> None:
    print(f"libuv {oxuv.version()} from {oxuv.library_path()}\n")
    with oxuv.Loop() as loop:
        idle, check = oxuv.Idle(loop), oxuv.Check(loop)
        timer, usr1 = oxuv.Timer(loop), oxuv.Signal(loop)
        chunks: List[bytes] = []

        def on_idle(handle: oxuv.Idle) -> None:
            say("idle", "runs in each iteration before the loop polls; once is enough here")
            handle.stop()

        def on_check(handle: oxuv.Check) -> None:
            say("check", "runs in each iteration after the loop has polled")
            handle.stop()

        def on_timer(handle: oxuv.Timer) -> None:
            say("timer", "timers run last in an iteration; this one sends SIGUSR1")
            os.kill(os.getpid(), signal.SIGUSR1)

        def on_signal(handle: oxuv.Signal, signum: int) -> None:
            say(signal.Signals(signum).name, "delivered as an event of the next iteration")
            handle.stop()

        def on_open(request: oxuv.Request[int]) -> None:
            fd = request.result()
            say("the file is open", "a thread of the pool opened it; the loop was told")
            fs.read(fd, 64 * 1024, callback=lambda r: on_read(fd, r), loop=loop)

        def on_read(fd: int, request: oxuv.Request[bytes]) -> None:
            data = request.result()
            chunks.append(data)
            if data:
                say(f"{len(data)} bytes arrive", "one asynchronous read; request the next")
                fs.read(fd, 64 * 1024, callback=lambda r: on_read(fd, r), loop=loop)
            else:
                say("end of the file", "a read of 0 bytes")
                fs.close(fd)
                # Started here, so that the order of the lines is always the same.
                timer.start(on_timer, 10)

        usr1.start(on_signal, signal.SIGUSR1)
        idle.start(on_idle)
        check.start(on_check)
        fs.open(path, os.O_RDONLY, callback=on_open, loop=loop)

        say("This happens first", "fs.open() has only started; no callback runs before run()")
        loop.run()

        contents = b"".join(chunks).decode(errors="replace")
        print(f"\n{path} begins: {contents.splitlines()[0] if contents else ''}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else __file__)
