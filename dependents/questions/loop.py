# Programs with one thing in them that is to be found from outside: `python loop.py NAME` prints "ready" and stays
# in that state.
import asyncio
import sys
import threading
import time

import uvloop


def ready():
    print("ready", flush=True)


async def forever():
    await asyncio.get_running_loop().create_future()


async def callback():
    loop = asyncio.get_running_loop()

    def blocks():
        end = time.monotonic() + 0.3
        while time.monotonic() < end:
            pass
        loop.call_later(0.1, blocks)

    loop.call_later(0.1, blocks)
    ready()
    await forever()


async def timer():
    asyncio.get_running_loop().call_later(3600, ready)
    ready()
    await forever()


class Paused(asyncio.Protocol):
    """The peer neither reads nor closes."""

    def connection_made(self, transport):
        transport.pause_reading()


async def connect():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Paused, "127.0.0.1", 0)
    address = server.sockets[0].getsockname()
    transport, _ = await loop.create_connection(asyncio.Protocol, *address)
    return server, transport


async def socket():
    kept = await connect()
    ready()
    await forever()
    del kept


async def backlog():
    kept = await connect()
    kept[1].write(bytes(32 << 20))
    ready()
    await forever()


async def look_up(number):
    loop = asyncio.get_running_loop()
    tasks = [asyncio.ensure_future(loop.getaddrinfo(f"host{i}.example", 443)) for i in range(number)]
    loop.call_soon(ready)
    await asyncio.gather(*tasks)


async def lookups():
    await look_up(4)


# uvloop uses the pool for look-ups only.
async def pool():
    await look_up(7)


async def worker():
    async def spin():
        asyncio.get_running_loop().call_later(0.001, spins)
        await forever()

    def spins():
        while True:
            pass

    threading.Thread(target=uvloop.run, args=[spin()], daemon=True).start()
    ready()
    await forever()


uvloop.run(globals()[sys.argv[1]]())
