"""An echo server on asyncio: echo.py asyncio|uvloop|rloop protocol|streams.
Prints its port."""

import asyncio
import sys


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


async def echo(reader, writer):
    while data := await reader.read(100000):
        writer.write(data)
        await writer.drain()
    writer.close()


async def main(kind: str) -> None:
    if kind == "protocol":
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Echo, "127.0.0.1", 0)
    else:
        server = await asyncio.start_server(echo, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


loop, kind = sys.argv[1:]
new_loop = asyncio.new_event_loop
if loop != "asyncio":
    new_loop = __import__(loop).new_event_loop
with asyncio.Runner(loop_factory=new_loop) as runner:
    runner.run(main(kind))
