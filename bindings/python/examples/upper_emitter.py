"""A server that answers each line in capitals, in the style of events.

    pip install pyee
    python3 upper_emitter.py

upper_callback.py describes the program.
"""

from __future__ import annotations

import os
import signal
from typing import List

import oxuv
from oxuv.emitter import AnyAddress, Process, Server, Signals, Stream, connect

CHILD = ["sed", "-u", r"s/.*/\U&/"]
LINES = [b"this\n", b"happens\n", b"first\n"]


def serve(loop: oxuv.Loop) -> Server:
    server, signals = Server(loop), Signals(loop)
    children: List[Process] = []

    def on_connection(client: Stream) -> None:
        child = Process(loop, CHILD, stdio=("pipe", "pipe", 2))
        child.on("exit", on_exit)
        children.append(child)
        client.pipe(child.stdin)
        child.stdout.pipe(client)

    def on_exit(status: int, signum: int) -> None:
        print(f"the child ended: status {status}, signal {signum}")

    def on_signal(signum: signal.Signals) -> None:
        print(signum.name)
        server.close()
        for child in children:
            child.kill(signum)

    server.on("connection", on_connection)
    server.listen(("127.0.0.1", 0))
    signals.once("SIGTERM", on_signal)
    return server


def ask(loop: oxuv.Loop, address: AnyAddress) -> None:
    client = connect(loop, address)
    lines = iter(LINES)
    answer = b""

    def on_data(data: bytes) -> None:
        nonlocal answer
        answer += data
        if answer.endswith(b"\n"):
            print(answer.decode().strip())
            answer = b""
            line = next(lines, None)
            if line is not None:
                client.write(line)
            else:
                os.kill(os.getpid(), signal.SIGTERM)

    client.on("connect", lambda: client.write(next(lines)))
    client.on("data", on_data)


if __name__ == "__main__":
    with oxuv.Loop() as loop:
        ask(loop, serve(loop).address())
        loop.run()
