# mypy: disable-error-code="func-returns-value"
from __future__ import annotations

import gc
import os
import socket
import stat
from pathlib import Path
from typing import List, Optional, Tuple, Union

import pytest

import oxuv
from oxuv import Handle, Loop, Pipe, Tcp, Udp, UVError


def abstract_name() -> str:
    return f"\0oxuv-test-{os.getpid()}-{os.urandom(8).hex()}"


def pair(loop: Loop, ipc: bool = False) -> Tuple[Pipe, Pipe]:
    ends = Pipe(loop, ipc), Pipe(loop, ipc)
    for end, fd in zip(ends, oxuv.socketpair()):
        end.open(fd)
    return ends


@pytest.mark.parametrize("kind", ["path", "bytes", "abstract"])
def test_echo(loop: Loop, tmp_path: Path, kind: str) -> None:
    name: Union[Path, bytes, str] = tmp_path / "socket"
    if kind == "bytes":
        name = os.fsencode(name)
    elif kind == "abstract":
        name = abstract_name()
    received: List[bytes] = []
    names: List[str] = []

    def on_connection(server: Pipe, error: Optional[UVError]) -> None:
        assert error is None
        peer = server.accept()
        names.append(peer.getsockname())
        peer.read_start(on_server_read)
        server.close()

    def on_server_read(peer: Pipe, data: bytes, error: Optional[UVError]) -> None:
        assert error is None
        if data:
            peer.write(data)
        else:
            peer.close()

    def on_connect(client: Pipe, error: Optional[UVError]) -> None:
        assert error is None
        names.append(client.getpeername())
        assert client.getsockname() == ""
        client.read_start(on_read)
        client.write([b"hel", b"lo"])

    def on_read(client: Pipe, data: bytes, error: Optional[UVError]) -> None:
        received.append(data)
        client.close()

    server = Pipe(loop)
    server.bind(name)
    server.listen(on_connection)
    assert server.getsockname() == os.fsdecode(name)
    Pipe(loop).connect(name, on_connect)
    loop.run()
    assert b"".join(received) == b"hello"
    assert names == [os.fsdecode(name)] * 2
    assert list(tmp_path.iterdir()) == []  # closing the server has removed its file


def test_errors(loop: Loop, tmp_path: Path) -> None:
    errors: List[Optional[UVError]] = []

    def on_connect(client: Pipe, error: Optional[UVError]) -> None:
        errors.append(error)
        client.close()

    Pipe(loop).connect(tmp_path / "nothing", on_connect)
    loop.run()
    assert isinstance(errors[0], FileNotFoundError)
    pipe = Pipe(loop)
    with pytest.raises(UVError) as caught:
        pipe.bind("x" * 200)
    assert caught.value.name == "EINVAL"
    with pytest.raises(UVError) as caught:
        pipe.connect("x" * 200, on_connect)
    assert caught.value.name == "EINVAL"
    pipe.close()
    assert len(errors) == 1


def test_open_pipe(loop: Loop) -> None:
    fds = oxuv.pipe(oxuv.UV_NONBLOCK_PIPE, oxuv.UV_NONBLOCK_PIPE)
    assert [os.get_blocking(fd) for fd in fds] == [False, False]
    reader, writer = Pipe(loop), Pipe(loop)
    reader.open(fds[0])
    writer.open(fds[1])
    assert (reader.readable, reader.writable) == (True, False)
    assert (writer.readable, writer.writable) == (False, True)
    assert [reader.fileno(), writer.fileno()] == list(fds)
    chunks: List[bytes] = []

    def on_read(stream: Pipe, data: bytes, error: Optional[UVError]) -> None:
        assert error is None
        chunks.append(data)
        if not data:
            stream.close()

    reader.read_start(on_read)
    assert writer.try_write(b"first ") == 6
    writer.write(b"second", lambda s, e: s.close())
    loop.run()
    assert b"".join(chunks) == b"first second"


def test_chmod(loop: Loop, tmp_path: Path) -> None:
    pipe = Pipe(loop)
    pipe.bind(tmp_path / "socket")
    os.chmod(tmp_path / "socket", 0o600)
    pipe.chmod(oxuv.UV_READABLE | oxuv.UV_WRITABLE)
    assert stat.S_IMODE(os.stat(tmp_path / "socket").st_mode) == 0o666
    pipe.close()


def test_send_handles(loop: Loop) -> None:
    """Send a handle of each type; the received one is the same socket."""
    left, right = pair(loop, ipc=True)
    assert left.ipc and right.ipc
    tcp, udp = Tcp(loop), Udp(loop)
    tcp.bind(("127.0.0.1", 0))
    udp.bind(("127.0.0.1", 0))
    one, other = pair(loop)
    sent: List[Handle] = [tcp, udp, one]
    received: List[Union[Tcp, Pipe, Udp]] = []
    data: List[bytes] = []
    written: List[Optional[UVError]] = []

    def on_read(stream: Pipe, chunk: bytes, error: Optional[UVError]) -> None:
        assert error is None
        data.append(chunk)
        while stream.pending_count:
            received.append(stream.accept_handle())
        if len(received) == 3:
            stream.close()
            left.close()

    for number, handle in enumerate(sent):
        left.write(b"%d" % number, lambda s, e: written.append(e), send_handle=handle)
    right.read_start(on_read)
    with pytest.raises(BlockingIOError):
        right.accept_handle()
    loop.run()
    assert b"".join(data) == b"012"
    assert written == [None] * 3
    assert [type(handle) for handle in received] == [Tcp, Udp, Pipe]
    got_tcp, got_udp, got_pipe = received
    assert isinstance(got_tcp, Tcp) and isinstance(got_udp, Udp) and isinstance(got_pipe, Pipe)
    assert got_tcp.getsockname() == tcp.getsockname()
    assert got_udp.getsockname() == udp.getsockname()
    other.try_write(b"through the copy")
    with socket.socket(fileno=os.dup(got_pipe.fileno())) as view:
        assert view.recv(100) == b"through the copy"
    for handle in [*sent, *received, other]:
        handle.close()


def test_try_write_a_handle(loop: Loop) -> None:
    left, right = pair(loop, ipc=True)
    tcp = Tcp(loop)
    tcp.bind(("127.0.0.1", 0))
    name = tcp.getsockname()
    assert left.try_write(b"x", tcp) == 1
    tcp.close()
    names: List[oxuv.Address] = []

    def on_read(stream: Pipe, data: bytes, error: Optional[UVError]) -> None:
        received = stream.accept_handle()
        assert isinstance(received, Tcp)
        names.append(received.getsockname())
        for handle in (received, left, right):
            handle.close()

    right.read_start(on_read)
    loop.run()
    assert names == [name]


def test_sending_a_handle_needs_ipc(loop: Loop) -> None:
    left, right = pair(loop)
    tcp = Tcp(loop, socket.AF_INET)
    with pytest.raises(UVError) as caught:
        left.write(b"x", send_handle=tcp)
    assert caught.value.name == "EINVAL"
    tcp.close()
    with pytest.raises(ValueError):
        left.write(b"x", send_handle=tcp)
    left.close()
    right.close()


def test_sent_handle_is_kept_until_the_write_is_done(loop: Loop) -> None:
    left, right = pair(loop, ipc=True)
    filler = b"x" * 3_000_000  # so that the next write has to wait
    left.write(filler)

    def send() -> None:
        tcp = Tcp(loop)
        tcp.bind(("127.0.0.1", 0))
        left.write(b"y", lambda s, e: s.close(), send_handle=tcp)

    received: List[Union[Tcp, Pipe, Udp]] = []
    size = 0

    def on_read(stream: Pipe, data: bytes, error: Optional[UVError]) -> None:
        nonlocal size
        size += len(data)
        if stream.pending_count:
            received.append(stream.accept_handle())
        if not data:
            stream.close()

    with pytest.warns(ResourceWarning, match="unclosed handle <Tcp inactive>"):
        send()
        gc.collect()
        right.read_start(on_read)
        loop.run()
        gc.collect()
    assert size == len(filler) + 1
    assert len(received) == 1
    received[0].close()


def test_dropped_pipe_warns(loop: Loop) -> None:
    pipe = Pipe(loop)
    with pytest.warns(ResourceWarning, match="unclosed handle <Pipe inactive>"):
        del pipe
        gc.collect()
    loop.run()


def test_exception_in_the_read_callback(loop: Loop) -> None:
    left, right = pair(loop)

    def on_read(stream: Pipe, data: bytes, error: Optional[UVError]) -> None:
        raise RuntimeError("mine")

    right.read_start(on_read)
    left.write(b"x")
    with pytest.raises(RuntimeError, match="mine"):
        loop.run()
    left.close()
    right.close()
