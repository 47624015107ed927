# mypy: disable-error-code="func-returns-value"
from __future__ import annotations

import socket
from typing import Any, Callable, Dict, List, Optional, Tuple

import pytest

import oxuv
from oxuv import Loop, Tcp, Timer, UVError

Connect = Callable[[], Tuple[Tcp, Tcp]]


def listen(loop: Loop, on_connection: Callable[[Tcp, Optional[UVError]], object]) -> Tcp:
    server = Tcp(loop)
    server.bind(("127.0.0.1", 0))
    server.listen(on_connection)
    return server


def test_echo_with_many_clients(loop: Loop) -> None:
    count = 100
    echoed: Dict[int, bytes] = {}
    finished: List[int] = []

    def on_connection(server: Tcp, error: Optional[UVError]) -> None:
        assert error is None
        server.accept().read_start(on_server_read)

    def on_server_read(peer: Tcp, data: bytes, error: Optional[UVError]) -> None:
        assert error is None
        if data:
            peer.write(data)
        else:
            peer.shutdown(lambda p, e: p.close())

    def start(number: int) -> None:
        message = b"%d " % number * (number * 20 + 1)
        echoed[number] = b""

        def on_connect(client: Tcp, error: Optional[UVError]) -> None:
            assert error is None
            client.read_start(on_read)
            client.write([message[:5], message[5:]], lambda c, e: c.shutdown())

        def on_read(client: Tcp, data: bytes, error: Optional[UVError]) -> None:
            assert error is None
            echoed[number] += data
            if not data:
                assert echoed[number] == message
                client.close()
                finished.append(number)
                if len(finished) == count:
                    server.close()

        Tcp(loop).connect(server.getsockname(), on_connect)

    server = listen(loop, on_connection)
    for number in range(count):
        start(number)
    loop.run()
    assert sorted(finished) == list(range(count))


def test_bulk(loop: Loop, connected: Connect) -> None:
    """Much more than a socket's buffer, in order, with reading that pauses."""
    left, right = connected()
    data = bytes(range(256)) * 40_000
    received = bytearray()

    def on_read(stream: Tcp, chunk: bytes, error: Optional[UVError]) -> None:
        received.extend(chunk)
        if not chunk:
            stream.close()
            return
        stream.read_stop()
        Timer(loop).start(lambda t: stream.read_start(on_read), 0)

    done: List[Optional[UVError]] = []
    left.write(data, lambda s, e: done.append(e))
    left.shutdown(lambda s, e: s.close())
    right.read_start(on_read)
    loop.run()
    assert bytes(received) == data
    assert done == [None]


def test_write_order_and_kinds_of_buffers(loop: Loop, connected: Connect) -> None:
    left, right = connected()
    received: List[bytes] = []
    order: List[int] = []

    def on_read(stream: Tcp, data: bytes, error: Optional[UVError]) -> None:
        received.append(data)
        if not data:
            stream.close()

    readonly = memoryview(b"-d-")
    left.write(b"a", lambda s, e: order.append(1))
    left.write(bytearray(b"b"), lambda s, e: order.append(2))
    left.write([b"c", readonly, memoryview(bytearray(b"e")), b""], lambda s, e: order.append(3))
    left.write(b"", lambda s, e: order.append(4))
    left.shutdown(lambda s, e: (order.append(5), s.close()))
    right.read_start(on_read)
    loop.run()
    assert b"".join(received) == b"abc-d-e"
    assert order == [1, 2, 3, 4, 5]


def test_try_write(loop: Loop, connected: Connect) -> None:
    left, right = connected()
    assert left.try_write(b"hello") == 5
    with pytest.raises(BlockingIOError):
        while True:
            left.try_write(b"x" * 100_000)
    received: List[bytes] = []

    def on_read(stream: Tcp, data: bytes, error: object) -> None:
        received.append(data)
        if data:
            left.close()
        else:
            stream.close()

    right.read_start(on_read)
    loop.run()
    assert b"".join(received).startswith(b"hellox")


def test_connection_refused(loop: Loop) -> None:
    server = listen(loop, lambda s, e: None)
    address = server.getsockname()
    server.close()
    loop.run()
    errors: List[Optional[UVError]] = []

    def on_connect(client: Tcp, error: Optional[UVError]) -> None:
        errors.append(error)
        client.close()

    request = Tcp(loop).connect(address, on_connect)
    loop.run()
    assert isinstance(errors[0], ConnectionRefusedError)
    with pytest.raises(ConnectionRefusedError):
        request.result()


def test_address_in_use(loop: Loop) -> None:
    first = listen(loop, lambda s, e: None)
    second = Tcp(loop)
    with pytest.raises(UVError) as caught:
        second.bind(first.getsockname())
        second.listen(lambda s, e: None)
    assert caught.value.name == "EADDRINUSE"
    first.close()
    second.close()


@pytest.mark.parametrize("reset", [False, True])
def test_peer_goes_away(loop: Loop, connected: Connect, reset: bool) -> None:
    left, right = connected()
    ends: List[Tuple[bytes, Optional[UVError]]] = []

    def on_read(stream: Tcp, data: bytes, error: Optional[UVError]) -> None:
        ends.append((data, error))
        stream.close()

    right.read_start(on_read)
    closed: List[Tcp] = []
    if reset:
        left.close_reset(closed.append)
    else:
        left.close(closed.append)
    loop.run()
    assert closed == [left]
    ((data, error),) = ends
    assert data == b""
    assert isinstance(error, ConnectionResetError) if reset else error is None


def test_state(loop: Loop, connected: Connect) -> None:
    fresh = Tcp(loop)
    assert not fresh.readable and not fresh.writable
    with pytest.raises(UVError) as caught:
        fresh.fileno()
    assert caught.value.name == "EBADF"
    fresh.close()
    left, right = connected()
    assert left.readable and left.writable
    assert left.getpeername() == right.getsockname()
    assert left.getsockname() == right.getpeername()
    assert left.write_queue_size == 0
    left.shutdown()
    assert not left.writable
    loop.run()
    with pytest.raises(BrokenPipeError):
        left.write(b"late")
    left.close()
    right.close()


def test_options(loop: Loop, connected: Connect) -> None:
    left, right = connected()
    with socket.socket(fileno=socket.dup(left.fileno())) as view:
        left.nodelay(True)
        assert view.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        left.nodelay(False)
        assert not view.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        left.keepalive(True, 30, 5, 3)
        assert view.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        options = [socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT]
        assert [view.getsockopt(socket.IPPROTO_TCP, o) for o in options] == [30, 5, 3]
        left.keepalive(False)
        assert not view.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        with pytest.raises(UVError) as caught:
            left.keepalive(True, 0)
        assert caught.value.name == "EINVAL"
        left.send_buffer_size(20_000)
        assert left.send_buffer_size() == view.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
        left.recv_buffer_size(20_000)
        assert left.recv_buffer_size() == view.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        left.set_blocking(True)
        assert view.getblocking() or view.gettimeout() == socket.getdefaulttimeout()
        left.set_blocking(False)
        left.simultaneous_accepts(True)
    left.close()
    right.close()


def test_ipv6(loop: Loop) -> None:
    server = Tcp(loop)
    try:
        server.bind(("::1", 0), oxuv.UV_TCP_IPV6ONLY)
    except UVError as error:
        # These errors mean a machine without IPv6; others are failures.
        assert error.name in ("EADDRNOTAVAIL", "EAFNOSUPPORT")
        server.close()
        return
    host, port, flowinfo, scope_id = server.getsockname()  # type: ignore[misc]
    assert (host, flowinfo, scope_id) == ("::1", 0, 0)
    peers: List[Any] = []

    def on_connection(server: Tcp, error: Optional[UVError]) -> None:
        peer = server.accept()
        peers.append(peer.getpeername())
        peer.close()
        server.close()

    server.listen(on_connection)
    Tcp(loop).connect((host, port, 0, 0), lambda c, e: c.close())
    loop.run()
    assert peers[0][0] == "::1"


@pytest.mark.parametrize("host", ["localhost", "1.2.3", "1.2.3.4.5", "::zz", ""])
def test_invalid_address(loop: Loop, host: str) -> None:
    tcp = Tcp(loop)
    with pytest.raises(UVError) as caught:
        tcp.bind((host, 0))
    assert caught.value.name == "EINVAL"
    assert "numeric address; getaddrinfo()" in str(caught.value)
    with pytest.raises(OverflowError):
        tcp.bind(("127.0.0.1", 65536))
    tcp.close()


def test_accept_without_a_connection(loop: Loop) -> None:
    server = listen(loop, lambda s, e: None)
    with pytest.raises(BlockingIOError):
        server.accept()
    server.close()


def test_accept_into_a_handle(loop: Loop) -> None:
    mine = Tcp(loop)
    accepted: List[Tcp] = []

    def on_connection(server: Tcp, error: Optional[UVError]) -> None:
        accepted.append(server.accept(mine))
        mine.close()
        server.close()

    server = listen(loop, on_connection)
    Tcp(loop).connect(server.getsockname(), lambda c, e: c.close())
    loop.run()
    assert accepted == [mine]


def test_init_with_family_and_open(loop: Loop) -> None:
    tcp = Tcp(loop, socket.AF_INET)
    assert tcp.fileno() >= 0
    tcp.close()
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.bind(("127.0.0.1", 0))
    name = sock.getsockname()
    opened = Tcp(loop)
    opened.open(sock.detach())
    assert opened.getsockname() == name
    opened.close()
    with pytest.raises(UVError) as caught:
        Tcp(loop, 999)
    assert caught.value.name == "EINVAL"


def test_reuseport(loop: Loop) -> None:
    first, second = Tcp(loop), Tcp(loop)
    first.bind(("127.0.0.1", 0), oxuv.UV_TCP_REUSEPORT)
    first.listen(lambda s, e: None)
    second.bind(first.getsockname(), oxuv.UV_TCP_REUSEPORT)
    second.listen(lambda s, e: None)
    assert first.getsockname() == second.getsockname()
    first.close()
    second.close()


def test_shutdown_twice_and_unconnected(loop: Loop, connected: Connect) -> None:
    fresh = Tcp(loop)
    with pytest.raises(UVError) as caught:
        fresh.shutdown()
    assert caught.value.name == "ENOTCONN"
    fresh.close()
    left, right = connected()
    left.shutdown()
    with pytest.raises(UVError) as caught:
        left.shutdown()
    assert caught.value.name == "ENOTCONN"
    loop.run()
    left.close()
    right.close()


def test_read_start_on_a_stream_that_cannot_be_read(loop: Loop) -> None:
    fresh = Tcp(loop)
    with pytest.raises(UVError) as caught:
        fresh.read_start(lambda s, d, e: None)
    assert caught.value.name == "ENOTCONN"
    assert not fresh.active
    fresh.close()


def test_socketpair(loop: Loop) -> None:
    fds = oxuv.socketpair()
    ends = [Tcp(loop), Tcp(loop)]
    for end, fd in zip(ends, fds):
        end.open(fd)
    received: List[bytes] = []

    def on_read(stream: Tcp, data: bytes, error: Optional[UVError]) -> None:
        received.append(data)
        for end in ends:
            end.close()

    ends[1].read_start(on_read)
    ends[0].write(b"ping")
    loop.run()
    assert received == [b"ping"]
