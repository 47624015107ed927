"""UDP endpoints."""

import asyncio
import socket

from steps import run


class Endpoint(asyncio.DatagramProtocol):
    def __init__(self, answers):
        self.answers = answers
        self.received = asyncio.Queue()
        self.errors = asyncio.Queue()
        self.closed = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, sender):
        self.received.put_nowait((data, sender))
        if self.answers:
            self.transport.sendto(data.upper(), sender)

    def error_received(self, error):
        self.errors.put_nowait(error)

    def connection_lost(self, error):
        self.closed.set_result(error)


async def make(answers=False, **options):
    return await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: Endpoint(answers), **options
    )


async def echo():
    served, server = await make(local_addr=("127.0.0.1", 0), answers=True)
    address = served.get_extra_info("sockname")
    clients = [await make(remote_addr=address) for _ in range(50)]
    right = 0
    for round in range(4):
        for number, (transport, _) in enumerate(clients):
            transport.sendto(b"message %d of %d" % (round, number))
        for number, (_, client) in enumerate(clients):
            data, sender = await client.received.get()
            right += data == b"MESSAGE %d OF %d" % (round, number) and sender == address
    for transport, client in [*clients, (served, server)]:
        transport.close()
        assert await client.closed is None
    return right


async def sizes():
    one, first = await make(local_addr=("127.0.0.1", 0))
    other, second = await make(local_addr=("127.0.0.1", 0))
    seen = []
    for size in (1, 1472, 65507):
        other.sendto(b"x" * size, one.get_extra_info("sockname"))
        data, sender = await first.received.get()
        seen.append((len(data), sender == other.get_extra_info("sockname")))
    try:
        other.sendto(b"x" * 65508, one.get_extra_info("sockname"))
        seen.append(type(await second.errors.get()).__name__)
    except OSError as error:
        seen.append(f"raised {type(error).__name__}")
    one.close()
    other.close()
    return seen


async def nobody_there():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unused:
        unused.bind(("127.0.0.1", 0))
        address = unused.getsockname()
    transport, client = await make(remote_addr=address)
    transport.sendto(b"hello?")
    error = await client.errors.get()
    transport.close()
    return type(error).__name__, await client.closed


async def ipv6():
    transport, endpoint = await make(local_addr=("::1", 0))
    address = transport.get_extra_info("sockname")
    transport.sendto(b"to myself", address)
    data, sender = await endpoint.received.get()
    transport.abort()
    await endpoint.closed
    return data, sender[:2] == address[:2]


async def sharing_a_port():
    one, _ = await make(local_addr=("127.0.0.1", 0), reuse_port=True)
    address = one.get_extra_info("sockname")
    other, _ = await make(local_addr=address, reuse_port=True)
    same = other.get_extra_info("sockname") == address
    one.close()
    other.close()
    try:
        taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        taken.bind(("127.0.0.1", 0))
        await make(local_addr=taken.getsockname())
    except OSError as error:
        return same, type(error).__name__
    finally:
        taken.close()


run(echo, sizes, nobody_there, ipv6, sharing_a_port)
