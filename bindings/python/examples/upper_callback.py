"""A server that answers each line in capitals, in the style of callbacks.

    python3 upper_callback.py

Each connection has a child process that converts the lines. A client sends a few lines; then
the program sends itself SIGTERM, and the server accepts no more connections and ends the
children. upper_emitter.py and upper_asyncio.py are the same program in other styles.
"""

from __future__ import annotations

import os
import signal
from typing import List, Optional

import oxuv

CHILD = ["sed", "-u", r"s/.*/\U&/"]
LINES = [b"this\n", b"happens\n", b"first\n"]


def serve(loop: oxuv.Loop) -> oxuv.Tcp:
    children: List[oxuv.Process] = []

    def on_connection(server: oxuv.Tcp, error: Optional[oxuv.UVError]) -> None:
        if error is not None:
            raise error
        client, stdin, stdout = server.accept(), oxuv.Pipe(loop), oxuv.Pipe(loop)
        pipes = (
            oxuv.CreatePipe(stdin, writable=False),
            oxuv.CreatePipe(stdout, readable=False),
            2,
        )

        def on_request(client: oxuv.Tcp, data: bytes, error: Optional[oxuv.UVError]) -> None:
            if data:
                stdin.write(data)
            else:
                stdin.close()  # the child's end of file

        def on_answer(stdout: oxuv.Pipe, data: bytes, error: Optional[oxuv.UVError]) -> None:
            if data:
                client.write(data)
            else:
                stdout.close()
                client.shutdown(lambda client, error: client.close())

        def on_exit(child: oxuv.Process, status: int, signum: int) -> None:
            print(f"the child ended: status {status}, signal {signum}")
            stdin.close()
            child.close()

        children.append(oxuv.Process(loop, CHILD, on_exit, stdio=pipes))
        client.read_start(on_request)
        stdout.read_start(on_answer)

    def on_signal(watcher: oxuv.Signal, signum: int) -> None:
        print(signal.Signals(signum).name)
        watcher.close()
        server.close()
        for child in children:
            child.kill(signum)

    server = oxuv.Tcp(loop)
    server.bind(("127.0.0.1", 0))
    server.listen(on_connection)
    oxuv.Signal(loop).start(on_signal, signal.SIGTERM)
    return server


def ask(loop: oxuv.Loop, address: oxuv.Address) -> None:
    lines = iter(LINES)
    answer = b""

    def on_connect(client: oxuv.Tcp, error: Optional[oxuv.UVError]) -> None:
        if error is not None:
            raise error
        client.read_start(on_read)
        client.write(next(lines))

    def on_read(client: oxuv.Tcp, data: bytes, error: Optional[oxuv.UVError]) -> None:
        nonlocal answer
        answer += data
        if not data:
            client.close()
        elif answer.endswith(b"\n"):
            print(answer.decode().strip())
            answer = b""
            line = next(lines, None)
            if line is not None:
                client.write(line)
            else:
                os.kill(os.getpid(), signal.SIGTERM)

    oxuv.Tcp(loop).connect(address, on_connect)


if __name__ == "__main__":
    with oxuv.Loop() as loop:
        ask(loop, serve(loop).getsockname())
        loop.run()
