# mypy: disable-error-code="func-returns-value"
from __future__ import annotations

import gc
import socket
from typing import List, Optional, Tuple

import pytest

import oxuv
from oxuv import Address, Loop, Udp, UVError

LOCAL = ("127.0.0.1", 0)


def bound(loop: Loop, flags: int = 0) -> Udp:
    udp = Udp(loop, flags)
    udp.bind(LOCAL)
    return udp


def test_echo(loop: Loop) -> None:
    received: List[Tuple[bytes, Optional[Address]]] = []
    sent: List[Optional[UVError]] = []

    def on_server(udp: Udp, data: bytes, sender: Optional[Address], error: object) -> None:
        assert error is None
        udp.send([b"<", data, b">"], sender, lambda u, e: u.close())

    def on_client(udp: Udp, data: bytes, sender: Optional[Address], error: object) -> None:
        assert error is None
        received.append((data, sender))
        udp.close()

    server, client = bound(loop), bound(loop)
    name = server.getsockname()
    server.recv_start(on_server)
    client.recv_start(on_client)
    client.send(b"ping", name, lambda u, e: sent.append(e))
    loop.run()
    assert received == [(b"<ping>", name)]
    assert sent == [None]


def test_empty_datagram(loop: Loop) -> None:
    received: List[bytes] = []

    def on_recv(udp: Udp, data: bytes, sender: Optional[Address], error: object) -> None:
        received.append(data)
        if len(received) == 2:
            udp.close()

    server = bound(loop)
    server.recv_start(on_recv)
    with Loop() as other:
        client = Udp(other)
        assert client.try_send(b"", server.getsockname()) == 0
        assert client.try_send([b"a", b"b"], server.getsockname()) == 2
    loop.run()
    assert received == [b"", b"ab"]


def test_connected(loop: Loop) -> None:
    server, client, stranger = bound(loop), bound(loop), bound(loop)
    with pytest.raises(UVError) as caught:
        client.getpeername()
    assert caught.value.name == "ENOTCONN"
    client.connect(server.getsockname())
    assert client.getpeername() == server.getsockname()
    received: List[bytes] = []

    def on_recv(udp: Udp, data: bytes, sender: Optional[Address], error: object) -> None:
        received.append(data)
        udp.close()

    client.recv_start(on_recv)
    stranger.try_send(b"from a stranger", client.getsockname())
    server.try_send(b"from the server", client.getsockname())
    assert client.try_send(b"x") == 1
    with pytest.raises(UVError) as caught:
        client.try_send(b"x", server.getsockname())
    assert caught.value.name == "EISCONN"
    loop.run()
    assert received == [b"from the server"]
    stranger.connect(server.getsockname())
    stranger.connect(None)
    with pytest.raises(UVError) as caught:
        stranger.try_send(b"x")
    assert caught.value.name == "EDESTADDRREQ"
    server.close()
    stranger.close()


def test_port_unreachable(loop: Loop) -> None:
    gone = bound(loop)
    address = gone.getsockname()
    gone.close()
    loop.run()
    client = bound(loop)
    client.connect(address)
    errors: List[Optional[UVError]] = []

    def on_recv(udp: Udp, data: bytes, sender: Optional[Address], error: Optional[UVError]) -> None:
        assert data == b""
        errors.append(error)
        udp.close()

    client.recv_start(on_recv)
    client.try_send(b"x")
    loop.run()
    assert len(errors) == 1 and isinstance(errors[0], ConnectionRefusedError)


@pytest.mark.parametrize("flags", [0, oxuv.UV_UDP_RECVMMSG])
def test_many(loop: Loop, flags: int) -> None:
    count = 100
    server, client = bound(loop, flags), bound(loop)
    assert server.using_recvmmsg == bool(flags)
    server.recv_buffer_size(1_000_000)
    received: List[bytes] = []

    def on_recv(udp: Udp, data: bytes, sender: Optional[Address], error: object) -> None:
        assert (error, sender) == (None, client.getsockname())
        received.append(data)
        if len(received) == count:
            udp.close()
            client.close()

    server.recv_start(on_recv)
    messages = [b"%d" % number for number in range(count)]
    sent = 0
    while sent < count:  # a call may send only some of them
        rest = [(message, server.getsockname()) for message in messages[sent:]]
        sent += client.try_send_many(rest)
    loop.run()
    assert received == messages


def test_datagram_longer_than_the_buffer(loop: Loop) -> None:
    """UDP datagrams are shorter, but any datagram socket can be opened."""
    fds = oxuv.socketpair(socket.SOCK_DGRAM)
    results: List[Tuple[int, Optional[str]]] = []

    def on_recv(udp: Udp, data: bytes, sender: Optional[Address], error: Optional[UVError]) -> None:
        results.append((len(data), error.name if error else None))
        udp.close()

    udp = Udp(loop)
    udp.open(fds[0])
    udp.recv_start(on_recv)
    with socket.socket(fileno=fds[1]) as sender:
        sender.send(b"x" * 100_000)
    loop.run()
    assert results == [(65536, "EMSGSIZE")]


def test_options(loop: Loop) -> None:
    udp = bound(loop)
    with socket.socket(fileno=socket.dup(udp.fileno())) as view:
        get = view.getsockopt
        udp.broadcast(True)
        assert get(socket.SOL_SOCKET, socket.SO_BROADCAST)
        udp.broadcast(False)
        assert not get(socket.SOL_SOCKET, socket.SO_BROADCAST)
        udp.ttl(7)
        assert get(socket.IPPROTO_IP, socket.IP_TTL) == 7
        udp.multicast_ttl(9)
        assert get(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL) == 9
        udp.multicast_loop(False)
        assert get(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP) == 0
        udp.multicast_interface("127.0.0.1")
        where = view.getsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, 4)
        assert socket.inet_ntoa(where) == "127.0.0.1"
        udp.multicast_interface(None)
        udp.send_buffer_size(20_000)
        assert udp.send_buffer_size() == get(socket.SOL_SOCKET, socket.SO_SNDBUF)
    for wrong in (0, 256):
        with pytest.raises(UVError) as caught:
            udp.ttl(wrong)
        assert caught.value.name == "EINVAL"
    udp.close()


@pytest.mark.parametrize("source", [None, "127.0.0.1"])
def test_multicast(loop: Loop, source: Optional[str]) -> None:
    group = "239.255.0.1"
    receiver, sender = Udp(loop), bound(loop)
    receiver.bind(("0.0.0.0", 0), oxuv.UV_UDP_REUSEADDR)
    receiver.join_group(group, "127.0.0.1", source)
    sender.multicast_interface("127.0.0.1")
    received: List[bytes] = []

    def on_recv(udp: Udp, data: bytes, address: Optional[Address], error: object) -> None:
        received.append(data)
        udp.leave_group(group, "127.0.0.1", source)
        with pytest.raises(UVError) as caught:
            udp.leave_group(group, "127.0.0.1", source)
        assert caught.value.name == ("EADDRNOTAVAIL" if source is None else "EINVAL")
        udp.close()

    receiver.recv_start(on_recv)
    assert sender.try_send(b"to all", (group, receiver.getsockname()[1])) == 6
    sender.close()
    loop.run()
    assert received == [b"to all"]


def test_bind_flags(loop: Loop) -> None:
    first, second, third = Udp(loop), Udp(loop), Udp(loop)
    first.bind(LOCAL, oxuv.UV_UDP_REUSEPORT)
    second.bind(first.getsockname(), oxuv.UV_UDP_REUSEPORT)
    assert first.getsockname() == second.getsockname()
    with pytest.raises(UVError) as caught:
        third.bind(first.getsockname())
    assert caught.value.name == "EADDRINUSE"
    with pytest.raises(UVError) as caught:
        first.bind(LOCAL)
    assert caught.value.name == "EINVAL"
    for udp in (first, second, third):
        udp.close()


def test_recv_stop_and_state(loop: Loop) -> None:
    udp = bound(loop)
    assert (udp.send_queue_size, udp.send_queue_count) == (0, 0)
    udp.recv_start(lambda u, d, a, e: None)
    assert udp.active
    udp.recv_stop()
    assert not udp.active
    loop.run()
    udp.close()
    with pytest.raises(ValueError):
        udp.send(b"x", LOCAL)


def test_lifetime(loop: Loop) -> None:
    received: List[bytes] = []

    def start() -> Address:
        server = bound(loop)
        server.recv_start(lambda u, d, a, e: (received.append(d), gc.collect(), u.close()))
        client = bound(loop)
        client.send(b"x", server.getsockname(), lambda u, e: (gc.collect(), u.close()))
        return server.getsockname()

    start()
    gc.collect()
    loop.run()
    assert received == [b"x"]
    udp = bound(loop)
    with pytest.warns(ResourceWarning, match="unclosed handle <Udp inactive>"):
        del udp
        gc.collect()
    loop.run()
    loop.close()


def test_exception_in_the_callback(loop: Loop) -> None:
    def on_recv(udp: Udp, data: bytes, sender: Optional[Address], error: object) -> None:
        raise RuntimeError("mine")

    udp = bound(loop)
    udp.recv_start(on_recv)
    udp.try_send(b"x", udp.getsockname())
    with pytest.raises(RuntimeError, match="mine"):
        loop.run()
    udp.close()
