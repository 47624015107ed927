"""Processor time of an echo server for each message: oxuv and an asyncio Protocol.

    python3 benches/echo.py [--rounds N] [--messages N]

For 1 and 50 clients, each with one message of 64 bytes on its way, the two servers run in
turn. Prints medians of the server process's time, and their ratio. The library is the one
that the package finds; asyncio runs on its own selector loop.
"""

from __future__ import annotations

import argparse
import os
import selectors
import socket
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

SIZE = 64


def serve_oxuv(listener: socket.socket, clients: int) -> None:
    import oxuv

    left = clients

    def on_connection(server, error):
        server.accept().read_start(on_read)

    def on_read(peer, data, error):
        nonlocal left
        if data:
            peer.write(data)
        else:
            peer.close()
            left -= 1
            if left == 0:
                server.close()

    with oxuv.Loop() as loop:
        server = oxuv.Tcp(loop)
        server.open(listener.detach())
        server.listen(on_connection)
        loop.run()


def serve_asyncio(listener: socket.socket, clients: int) -> None:
    import asyncio

    left = clients

    class Echo(asyncio.Protocol):
        def connection_made(self, transport):
            self.transport = transport

        def data_received(self, data):
            self.transport.write(data)

        def connection_lost(self, error):
            nonlocal left
            left -= 1
            if left == 0:
                done.set()

    async def main():
        nonlocal done
        done = asyncio.Event()
        server = await asyncio.get_running_loop().create_server(Echo, sock=listener)
        await done.wait()
        server.close()

    done = None
    asyncio.run(main())


def exchange(port: int, clients: int, messages: int) -> None:
    """Sends and receives all messages."""
    selector = selectors.DefaultSelector()
    left = {}
    for i in range(clients):
        client = socket.create_connection(("127.0.0.1", port))
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(client, selectors.EVENT_READ)
        left[client] = messages // clients
        client.send(bytes(SIZE))
    while left:
        for key, _ in selector.select():
            client = key.fileobj
            client.recv(SIZE)
            left[client] -= 1
            if left[client]:
                client.send(bytes(SIZE))
            else:
                selector.unregister(client)
                del left[client]
                client.close()


def measure(serve, clients: int, messages: int) -> float:
    """Returns the microseconds of a server's processor time for each message."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    port = listener.getsockname()[1]
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        began = time.process_time()
        serve(listener, clients)
        os.write(writer, repr(time.process_time() - began).encode())
        os._exit(0)
    listener.close()
    exchange(port, clients, messages)
    os.waitpid(child, 0)
    spent = float(os.read(reader, 100))
    os.close(reader)
    os.close(writer)
    return spent / messages * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--messages", type=int, default=20_000)
    options = parser.parse_args()
    import oxuv

    print(oxuv.lib.path)
    for clients in (1, 50):
        spent = {serve_oxuv: [], serve_asyncio: []}
        for _ in range(options.rounds):
            for serve, values in spent.items():
                values.append(measure(serve, clients, options.messages))
        ours, theirs = (statistics.median(values) for values in spent.values())
        print(f"{clients} clients: oxuv {ours:.2f} us, asyncio {theirs:.2f} us,"
              f" ratio {ours / theirs:.2f}")


if __name__ == "__main__":
    main()
