"""A TCP echo server and its clients on one loop.

    python3 tcp_echo.py [CLIENTS]

Each client sends a few messages, each one when the echo of the previous one is complete.
"""

from __future__ import annotations

import sys
from typing import Optional

import oxuv

MESSAGES = [b"one ", b"two ", b"three"]


class Client:
    def __init__(self, loop: oxuv.Loop, address: oxuv.Address) -> None:
        self.to_send = list(MESSAGES)
        self.expected = 0
        self.received = b""
        self.tcp = oxuv.Tcp(loop)
        self.tcp.connect(address, self.on_connect)

    def on_connect(self, tcp: oxuv.Tcp, error: Optional[oxuv.UVError]) -> None:
        if error is not None:
            raise error  # out of loop.run()
        tcp.read_start(self.on_read)
        self.send()

    def send(self) -> None:
        if not self.to_send:
            self.tcp.shutdown()  # the server then ends its direction
            return
        message = self.to_send.pop(0)
        self.expected += len(message)
        self.tcp.write(message)

    def on_read(self, tcp: oxuv.Tcp, data: bytes, error: Optional[oxuv.UVError]) -> None:
        if error is not None:
            raise error
        if not data:
            tcp.close()
            return
        self.received += data
        if len(self.received) == self.expected:
            self.send()


def on_connection(server: oxuv.Tcp, error: Optional[oxuv.UVError]) -> None:
    if error is not None:
        raise error
    server.accept().read_start(on_server_read)


def on_server_read(peer: oxuv.Tcp, data: bytes, error: Optional[oxuv.UVError]) -> None:
    if data:
        peer.write(data)
    else:  # the end, or an error such as a reset
        peer.close()


def main(count: int) -> None:
    with oxuv.Loop() as loop:
        server = oxuv.Tcp(loop)
        server.bind(("127.0.0.1", 0))
        server.listen(on_connection)
        server.unref()  # do not wait for further clients
        host, port = server.getsockname()[:2]
        print(f"echo server on {host}:{port}, {count} client(s)")

        clients = [Client(loop, server.getsockname()) for _ in range(count)]
        loop.run()

    wanted = b"".join(MESSAGES)
    complete = sum(client.received == wanted for client in clients)
    print(f"{complete} of {count} got all of {wanted.decode()!r} back")
    if complete != count:
        sys.exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
