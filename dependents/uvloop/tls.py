"""TLS, with the certificate that uvloop.sh has made for the name "localhost"."""

import asyncio
import os
import ssl

from steps import run

server_context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
server_context.load_cert_chain("certificate", "key")
server_context.set_alpn_protocols(["b", "a"])


def client_context():
    context = ssl.create_default_context(cafile="certificate")
    context.set_alpn_protocols(["a", "b"])
    return context


async def echo(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()
    except (ConnectionError, ssl.SSLError):
        pass


async def serve():
    server = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=server_context, backlog=200)
    return server, server.sockets[0].getsockname()[1]


async def many():
    server, port = await serve()

    async def client(number):
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=client_context(), server_hostname="localhost"
        )
        message = b"%d " % number * 1000
        writer.write(message)
        answer = await reader.readexactly(len(message))
        writer.close()
        await writer.wait_closed()
        return answer == message

    right = sum(await asyncio.gather(*map(client, range(50))))
    server.close()
    return right


async def much():
    server, port = await serve()
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=client_context(), server_hostname="localhost"
    )
    data = os.urandom(6 << 20)

    async def send():
        for start in range(0, len(data), 100_000):
            writer.write(data[start : start + 100_000])
            await writer.drain()

    sending = asyncio.create_task(send())
    same = await reader.readexactly(len(data)) == data
    await sending
    about = writer.get_extra_info("ssl_object")
    result = same, about.version(), about.selected_alpn_protocol()
    writer.close()
    server.close()
    return result


async def refused():
    """A name that is not in the certificate, an unknown certificate, and a peer without TLS."""
    server, port = await serve()
    seen = []
    for context, name in (
        (client_context(), "other.example"),
        (ssl.create_default_context(), "localhost"),
    ):
        try:
            await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=name)
        except ssl.SSLCertVerificationError as error:
            seen.append(error.verify_code)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.0\r\n\r\n")
    try:
        answer = await reader.read()
    except ConnectionError:
        answer = b""
    seen.append(answer)
    writer.close()
    server.close()
    return seen


async def upgraded():
    """A connection that starts without TLS."""

    async def on_connection(reader, writer):
        assert await reader.readline() == b"STARTTLS\n"
        writer.write(b"go on\n")
        await writer.drain()
        await writer.start_tls(server_context)
        writer.write((await reader.readline()).upper())
        writer.close()

    server = await asyncio.start_server(on_connection, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(b"STARTTLS\n")
    clear = await reader.readline()
    await writer.start_tls(client_context(), server_hostname="localhost")
    writer.write(b"in secret\n")
    secret = await reader.read()
    writer.close()
    server.close()
    return clear, secret


run(many, much, refused, upgraded)
