"""A server that answers each line in capitals, with asyncio on uvloop.

    pip install uvloop
    python3 upper_asyncio.py

uvloop uses the libuv that it was built with; dependents/uvloop.sh builds it with oxuv.
upper_callback.py describes the program.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from asyncio import StreamReader, StreamWriter
from asyncio.subprocess import PIPE, Process
from typing import List

import uvloop  # pyright: ignore[reportMissingImports]

CHILD = ["sed", "-u", r"s/.*/\U&/"]
LINES = [b"this\n", b"happens\n", b"first\n"]


async def copy(reader: StreamReader, writer: StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()


async def serve() -> asyncio.Server:
    children: List[Process] = []

    async def on_connection(reader: StreamReader, writer: StreamWriter) -> None:
        child = await asyncio.create_subprocess_exec(*CHILD, stdin=PIPE, stdout=PIPE)
        children.append(child)
        assert child.stdin is not None and child.stdout is not None
        stdin = child.stdin
        request = asyncio.create_task(copy(reader, stdin))
        request.add_done_callback(lambda request: stdin.close())
        await copy(child.stdout, writer)
        status = await child.wait()
        print(f"the child ended: status {max(status, 0)}, signal {max(-status, 0)}")
        writer.close()
        await request

    def on_signal() -> None:
        print("SIGTERM")
        server.close()
        for child in children:
            child.terminate()

    server = await asyncio.start_server(on_connection, "127.0.0.1", 0)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, on_signal)
    return server


async def ask(host: str, port: int) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    for line in LINES:
        writer.write(line)
        print((await reader.readline()).decode().strip())
    os.kill(os.getpid(), signal.SIGTERM)
    await reader.read()  # until the server closes
    writer.close()


async def main() -> None:
    server = await serve()
    await ask(*server.sockets[0].getsockname())
    await server.wait_closed()


if __name__ == "__main__":
    uvloop.run(main())
