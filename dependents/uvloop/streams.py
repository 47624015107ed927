"""TCP and Unix domain sockets: streams, protocols and plain sockets."""

import asyncio
import hashlib
import os
import socket
import struct
from contextlib import suppress

from steps import run


async def echo(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def talk(number, connection):
    """Sends three messages of different lengths, and the end. Returns whether all came back."""
    reader, writer = connection
    messages = [b"%d" % number * (number * factor % 3000 + 1) for factor in (1, 7, 131)]
    for message in messages:
        writer.write(message)
        if await reader.readexactly(len(message)) != message:
            return False
    writer.write_eof()
    rest = await reader.read()
    writer.close()
    await writer.wait_closed()
    return rest == b""


async def tcp_streams():
    server = await asyncio.start_server(echo, "127.0.0.1", 0, backlog=500)
    address = server.sockets[0].getsockname()

    async def client(number):
        return await talk(number, await asyncio.open_connection(*address))

    async with server:
        return sum(await asyncio.gather(*map(client, range(500))))


async def unix_streams():
    server = await asyncio.start_unix_server(echo, "socket", backlog=500)

    async def client(number):
        return await talk(number, await asyncio.open_unix_connection("socket"))

    async with server:
        answered = sum(await asyncio.gather(*map(client, range(200))))
    return answered, os.path.exists("socket")


class Recorder(asyncio.Protocol):
    """Records its calls; a server's also echoes."""

    def __init__(self, serves=False):
        self.calls, self.received, self.serves = [], 0, serves
        self.closed = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.transport = transport
        self.calls.append("made")

    def data_received(self, data):
        self.received += len(data)
        if self.serves:
            self.transport.write(data)

    def eof_received(self):
        self.calls.append("eof")

    def pause_writing(self):
        self.calls.append("pause")

    def resume_writing(self):
        self.calls.append("resume")

    def connection_lost(self, error):
        self.calls.append(f"lost {type(error).__name__}" if error else "lost")
        self.closed.set_result(None)


async def tcp_protocols():
    loop = asyncio.get_running_loop()
    servers = []

    def serve():
        servers.append(Recorder(True))
        return servers[-1]

    server = await loop.create_server(serve, "127.0.0.1", 0, backlog=500)
    address = server.sockets[0].getsockname()

    async def client(number):
        transport, protocol = await loop.create_connection(Recorder, *address)
        transport.writelines([b"x" * number, b"y"])
        transport.write_eof()
        await protocol.closed
        return protocol.received == number + 1 and protocol.calls == ["made", "eof", "lost"]

    right = sum(await asyncio.gather(*map(client, range(500))))
    await asyncio.gather(*(protocol.closed for protocol in servers))
    server.close()
    await server.wait_closed()
    return right, {tuple(protocol.calls) for protocol in servers}


async def back_pressure():
    """While the reader does not read, the writer has to wait."""
    data = os.urandom(1 << 20) * 16
    read_now, done = asyncio.Event(), asyncio.get_running_loop().create_future()

    async def slow(reader, writer):
        await read_now.wait()
        digest = hashlib.sha256()
        while chunk := await reader.read(10_000):
            digest.update(chunk)
        done.set_result(digest.hexdigest())
        writer.close()

    server = await asyncio.start_server(slow, "127.0.0.1", 0)
    transport, protocol = await asyncio.get_running_loop().create_connection(
        Recorder, *server.sockets[0].getsockname()
    )
    transport.write(data)
    waiting = transport.get_write_buffer_size() > 0
    read_now.set()
    transport.write_eof()
    same = await done == hashlib.sha256(data).hexdigest()
    await protocol.closed
    server.close()
    return waiting, same, protocol.calls


async def answer_after_the_end():
    async def count(reader, writer):
        writer.write(b"%d bytes" % len(await reader.read()))
        writer.close()

    server = await asyncio.start_server(count, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(b"x" * 100_000)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    server.close()
    return answer


async def errors():
    seen = []
    unused = socket.socket()
    unused.bind(("127.0.0.1", 0))
    for attempt in (
        asyncio.open_connection(*unused.getsockname()),
        asyncio.open_unix_connection("no-such-socket"),
        asyncio.start_server(echo, *unused.getsockname()),
        asyncio.open_connection("256.256.256.256", 1),
    ):
        try:
            await attempt
        except OSError as error:
            seen.append(type(error).__name__)
    unused.close()

    async def reset(reader, writer):
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        await reader.readexactly(1)
        writer.transport.abort()

    server = await asyncio.start_server(reset, "127.0.0.1", 0)
    transport, protocol = await asyncio.get_running_loop().create_connection(
        Recorder, *server.sockets[0].getsockname()
    )
    transport.write(b"x")
    await protocol.closed
    server.close()
    return seen, protocol.calls


async def both_families():
    server = await asyncio.start_server(echo, ["127.0.0.1", "::1"], 0, reuse_port=True)
    families = []
    for listening in server.sockets:
        host, port = listening.getsockname()[:2]
        reader, writer = await asyncio.open_connection(host, port)
        families.append(writer.get_extra_info("socket").family.name)
        assert await talk(3, (reader, writer))
    server.close()
    await server.wait_closed()
    return families


async def plain_sockets():
    loop = asyncio.get_running_loop()
    listening = socket.create_server(("127.0.0.1", 0))
    client, data = socket.socket(), os.urandom(3_000_000)
    for each in (listening, client):
        each.setblocking(False)
    accepted = asyncio.create_task(loop.sock_accept(listening))
    await loop.sock_connect(client, listening.getsockname())
    peer, _ = await accepted
    sending = asyncio.create_task(loop.sock_sendall(client, data))
    received, buffer = bytearray(), bytearray(50_000)
    while len(received) < len(data):
        received += buffer[: await loop.sock_recv_into(peer, buffer)]
    await sending
    waiting = asyncio.create_task(loop.sock_recv(peer, 1))
    await asyncio.sleep(0)
    waiting.cancel()
    with suppress(asyncio.CancelledError):
        await waiting
    client.close()
    end = await loop.sock_recv(peer, 1)
    peer.close()
    listening.close()
    return received == data, waiting.cancelled(), end


async def readers_and_writers():
    loop, ends = asyncio.get_running_loop(), socket.socketpair()
    for end in ends:
        end.setblocking(False)
    order, done = [], loop.create_future()

    def on_writable():
        order.append("writable")
        loop.remove_writer(ends[0])
        ends[0].send(b"x")

    def on_readable():
        order.append(ends[1].recv(10))
        if not order[-1]:
            loop.remove_reader(ends[1])
            done.set_result(None)
        else:
            ends[0].close()

    loop.add_writer(ends[0], on_writable)
    loop.add_reader(ends[1], on_readable)
    await done
    ends[1].close()
    return order


async def handed_over():
    """Sockets made without the loop, and one that a transport passes on."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = await asyncio.start_server(echo, sock=listening)
    made = socket.create_connection(listening.getsockname())
    over = await talk(5, await asyncio.open_connection(sock=made))
    server.close()
    left, right = socket.socketpair()
    pair = [await asyncio.open_unix_connection(sock=each) for each in (left, right)]
    pair[0][1].write(b"through a pair")
    received = await pair[1][0].readexactly(14)
    for _, writer in pair:
        writer.close()
    return over, received


run(
    tcp_streams,
    unix_streams,
    tcp_protocols,
    back_pressure,
    answer_after_the_end,
    errors,
    both_families,
    plain_sockets,
    readers_and_writers,
    handed_over,
)
