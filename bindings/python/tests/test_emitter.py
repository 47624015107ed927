from __future__ import annotations

import gc
import os
import pty
import signal
import socket
import sys
import tty
from pathlib import Path
from typing import Any, Callable, List, Optional, Tuple

import pytest
from pyee.base import EventEmitter

import oxuv
from oxuv import Loop, Pipe, Tcp, Tty, UVError
from oxuv.emitter import AnyAddress, Process, Server, Signals, Stream, Udp, connect

LOCALHOST = ("127.0.0.1", 0)
Connected = Callable[[], Tuple[Tcp, Tcp]]
Pair = Callable[[], Tuple[Stream, Stream]]


def record(emitter: EventEmitter, *events: str) -> List[Tuple[Any, ...]]:
    """Collect the events of an emitter, as (event, arguments...)."""
    seen: List[Tuple[Any, ...]] = []

    def add(event: str) -> None:
        emitter.on(event, lambda *arguments: seen.append((event, *arguments)))

    for event in events:
        add(event)
    return seen


def collect(stream: Stream) -> List[bytes]:
    chunks: List[bytes] = []
    stream.on("data", chunks.append)
    return chunks


def serve(loop: Loop, address: AnyAddress, on_connection: Callable[[Stream], object]) -> Server:
    """A server for one connection."""
    server = Server(loop)
    server.listen(address)
    server.once("connection", on_connection)
    server.once("connection", lambda connection: server.close())
    return server


@pytest.fixture(params=["tcp", "unix"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> AnyAddress:
    return LOCALHOST if request.param == "tcp" else tmp_path / "socket"


@pytest.fixture
def pair(loop: Loop) -> Pair:
    """Make a connected pair, of local sockets as those have small buffers."""

    def connect() -> Tuple[Stream, Stream]:
        ends = Pipe(loop), Pipe(loop)
        for end, fd in zip(ends, oxuv.socketpair()):
            end.open(fd)
        return Stream(ends[0]), Stream(ends[1])

    return connect


def test_events_of_a_connection(loop: Loop, address: AnyAddress) -> None:
    at_server: List[List[Tuple[Any, ...]]] = []

    def on_connection(peer: Stream) -> None:
        at_server.append(record(peer, "end", "finish", "error", "close"))
        peer.pipe(peer)

    server = serve(loop, address, on_connection)
    of_server = record(server, "listening", "error", "close")
    client = connect(loop, server.address())
    assert client.write(b"hello")  # before it is connected
    client.end(b", world")
    with pytest.raises(ValueError, match="write after end"):
        client.write(b"more")
    events = record(client, "connect", "data", "end", "finish", "error", "close")
    assert of_server == events == []  # nothing is emitted within a call
    loop.run()
    assert b"".join(event[1] for event in events if event[0] == "data") == b"hello, world"
    assert [event for event in events if event[0] != "data"] == [
        ("connect",),
        ("finish",),
        ("end",),
        ("close",),
    ]
    assert at_server == [[("end",), ("finish",), ("close",)]]
    assert of_server == [("listening",), ("close",)]
    assert client.destroyed
    client.destroy()
    server.close()


def test_refused(loop: Loop) -> None:
    free = socket.socket()
    free.bind(LOCALHOST)
    events = record(connect(loop, free.getsockname()), "connect", "error", "close")
    loop.run()
    assert [event[0] for event in events] == ["error", "close"]
    assert events[0][1].name == "ECONNREFUSED"

    client = connect(loop, free.getsockname())
    closed = record(client, "close")
    with pytest.raises(ConnectionRefusedError):  # there is no listener for "error"
        loop.run()
    assert closed == [("close",)]
    free.close()


def test_what_a_call_can_tell_it_raises(loop: Loop, tmp_path: Path) -> None:
    with pytest.raises(PermissionError):  # libuv says so
        Server(loop).listen(tmp_path / "missing" / "socket")
    with pytest.raises(UVError, match="ENAMETOOLONG|invalid|too long"):
        connect(loop, "x" * 200)
    with pytest.raises(FileNotFoundError):
        Process(loop, ["/no/such/program"])
    with pytest.raises(ValueError, match="'file' is not 'pipe'"):
        Process(loop, ["true"], stdio=("file",))
    server = Server(loop)
    server.listen(LOCALHOST)
    with pytest.raises(ValueError, match="already"):
        server.listen(LOCALHOST)
    server.close()
    loop.run()
    assert not loop.alive


def test_back_pressure(loop: Loop, pair: Pair) -> None:
    left, right = pair()
    data = bytes(range(256)) * 4096
    events = record(left, "drain", "finish")
    chunks: List[bytes] = []
    written = 0
    while left.write(data):
        written += 1
    assert left.handle.write_queue_size >= left.high_water_mark

    def on_drain() -> None:
        assert left.handle.write_queue_size == 0
        left.end(b"the end")

    left.once("drain", on_drain)
    left.resume()
    right.on("data", chunks.append)
    loop.run()
    assert b"".join(chunks) == data * (written + 1) + b"the end"
    assert events == [("drain",), ("finish",)]


def test_pipe_pauses_its_source(loop: Loop, pair: Pair) -> None:
    """Pipe one connection into another whose far end starts to read after the pause."""
    (a, b), (c, d) = pair(), pair()
    d.pause()
    chunks, waiting = collect(d), [0]
    assert b.pipe(c) is c

    def on_data(data: bytes) -> None:
        waiting.append(c.handle.write_queue_size)
        if not b.handle.active:
            d.resume()

    b.on("data", on_data)
    data = b"x" * 4_000_000
    a.end(data)
    a.resume()
    c.resume()
    loop.run()
    assert b"".join(chunks) == data
    assert c.high_water_mark <= max(waiting) < c.high_water_mark + 65536  # plus one read
    assert a.destroyed and b.destroyed and c.destroyed and d.destroyed


def test_pipe_into_a_closed_stream(loop: Loop, pair: Pair) -> None:
    """The source still comes to its end."""
    (a, b), (c, d) = pair(), pair()
    b.pipe(c)
    a.end(b"x" * 4_000_000)
    a.resume()
    b.once("data", lambda chunk: c.destroy())
    d.resume()
    ended = record(b, "end", "close")
    loop.run()
    assert ended == [("end",), ("close",)]


def test_pause(loop: Loop, pair: Pair) -> None:
    left, right = pair()
    left.resume()
    right.pause()
    chunks = collect(right)  # does not undo pause()
    left.write(b"first", lambda error: loop.stop())
    loop.run()
    assert chunks == [] and not right.handle.active

    def on_data(chunk: bytes) -> None:
        right.pause()
        left.end(b"second")
        oxuv.Timer(loop).start(lambda timer: right.resume(), 0)

    right.once("data", on_data)
    right.resume()
    loop.run()
    assert chunks == [b"first", b"second"]


def test_half_open(loop: Loop) -> None:
    def on_connection(peer: Stream) -> None:
        peer.allow_half_open = True
        peer.on("end", lambda: peer.write(b"still there", lambda error: peer.end()))
        peer.resume()

    client = connect(loop, serve(loop, LOCALHOST, on_connection).address())
    chunks = collect(client)
    client.end()
    loop.run()
    assert chunks == [b"still there"]


def test_destroy(loop: Loop, pair: Pair) -> None:
    left, right = pair()
    errors: List[Optional[UVError]] = []
    left.write(b"x" * 4_000_000, errors.append)
    events = record(left, "drain", "finish", "error", "close")
    left.destroy()
    right.resume()
    loop.run()
    assert errors[0] is not None and errors[0].name == "ECANCELED"
    assert events == [("close",)]
    with pytest.raises(ValueError, match="closed"):
        left.write(b"x")
    left.end()
    left.pause()
    left.resume()


def test_reset_is_an_error(loop: Loop, connected: Connected) -> None:
    handle, other = connected()
    stream = Stream(handle)
    events = record(stream, "end", "error", "close")
    stream.resume()
    other.close_reset()
    loop.run()
    assert [event[0] for event in events] == ["error", "close"]
    assert isinstance(events[0][1], ConnectionResetError)


def test_exception_in_a_listener(loop: Loop, pair: Pair) -> None:
    left, right = pair()
    left.end(b"x")
    left.resume()
    closed = record(right, "close") + record(left, "close")
    right.on("data", lambda data: None)

    def fail() -> None:
        raise KeyError("mine")

    right.on("end", fail)
    right.on("close", lambda: closed.append(("right",)))
    with pytest.raises(KeyError, match="mine"):
        loop.run()
    loop.run()  # the streams close nevertheless
    assert left.destroyed and closed == [("right",)]


def test_server_closes_after_its_connections(loop: Loop) -> None:
    order: List[str] = []
    server = Server(loop)
    server.listen(LOCALHOST)
    server.on("close", lambda: order.append("server"))

    def on_connection(peer: Stream) -> None:
        peer.on("close", lambda: order.append("connection"))
        peer.resume()
        server.close()
        oxuv.Timer(loop).start(lambda timer: client.end(), 0)

    server.on("connection", on_connection)
    client = connect(loop, server.address())
    client.resume()
    loop.run()
    assert order == ["connection", "server"]


def test_connection_that_nobody_keeps(loop: Loop) -> None:
    """The server does; without that the collector would close it."""
    server = serve(loop, LOCALHOST, lambda peer: peer.pause())
    client = connect(loop, server.address())
    loop.run()
    gc.collect()
    client.on("end", lambda: pytest.fail("the connection was dropped"))
    client.resume()
    loop.run(oxuv.RunMode.NOWAIT)
    (peer,) = server._connections
    peer.destroy()
    client.destroy()
    loop.run()
    assert not server._connections


def test_pipe_that_is_no_socket(loop: Loop) -> None:
    ends = [Pipe(loop), Pipe(loop)]
    for end, fd in zip(ends, oxuv.pipe()):
        end.open(fd)
    reader, writer = map(Stream, ends)
    chunks = collect(reader)
    of_writer, of_reader = record(writer, "finish", "close"), record(reader, "end", "close")
    writer.end(b"hello")
    loop.run()
    assert chunks == [b"hello"]
    assert of_writer == [("finish",), ("close",)]
    assert of_reader == [("end",), ("close",)]


def test_terminal(loop: Loop) -> None:
    controller, terminal = pty.openpty()
    tty.setraw(terminal)
    stream = Stream(Tty(loop, os.dup(terminal)))
    chunks = collect(stream)
    events = record(stream, "finish", "close")
    os.write(controller, b"typed")
    stream.once("data", lambda data: stream.end(b"shown"))
    stream.on("finish", stream.destroy)
    loop.run()
    assert chunks == [b"typed"] and os.read(controller, 100) == b"shown"
    assert events == [("finish",), ("close",)]
    os.close(controller)
    os.close(terminal)


def test_process(loop: Loop) -> None:
    program = "read line; echo got $line; echo warning >&2; cat; exit 3"
    child = Process(loop, ["sh", "-c", program])
    events = record(child, "exit", "close")
    output, messages = collect(child.stdout), collect(child.stderr)
    child.stdin.write(b"this\n")
    child.stdin.end(b"rest")
    assert child.pid > 0 and (child.exit_status, child.term_signal) == (None, None)
    loop.run()
    assert b"".join(output) == b"got this\nrest"
    assert b"".join(messages) == b"warning\n"
    assert events == [("exit", 3, 0), ("close", 3, 0)]
    assert child.exit_status == 3 and child.term_signal == 0
    assert child.kill() is False


def test_process_that_is_killed(loop: Loop) -> None:
    """The process closes although its input is not ended and its output not read."""
    child = Process(loop, ["cat"], stdio=("pipe", "pipe", None, "pipe"))
    with pytest.raises(ValueError, match="descriptor 2"):
        child.stderr  # noqa: B018
    assert [stream is not None for stream in child.stdio] == [True, True, False, True]
    events = record(child, "exit", "close")
    child.stdin.write(b"back", lambda error: child.kill())
    loop.run()
    assert events == [("exit", 0, signal.SIGTERM), ("close", 0, signal.SIGTERM)]


def test_process_with_a_paused_output(loop: Loop) -> None:
    child = Process(loop, ["echo", "hello"], stdio=(None, "pipe", 2))
    child.stdout.pause()
    events = record(child, "exit", "close")
    loop.run()
    assert events == [("exit", 0, 0)]
    output = collect(child.stdout)
    child.stdout.resume()
    loop.run()
    assert output == [b"hello\n"]
    assert events == [("exit", 0, 0), ("close", 0, 0)]


def test_process_both_ways(loop: Loop) -> None:
    """A descriptor above the standard three is a pipe for both directions."""
    program = "import os; os.write(3, os.read(3, 100).upper())"
    child = Process(loop, [sys.executable, "-c", program], stdio=(None, None, 2, "pipe"))
    stream = child.stdio[3]
    assert stream is not None
    answer = collect(stream)
    stream.write(b"question")
    loop.run()
    assert answer == [b"QUESTION"]


def test_udp(loop: Loop) -> None:
    server, client = Udp(loop), Udp(loop)
    server.bind(LOCALHOST)
    events = record(server, "listening", "message", "error", "close")
    answers = record(client, "message")

    def on_message(data: bytes, sender: oxuv.Address) -> None:
        server.send([data, b" yourself"], sender)

    def on_answer(data: bytes, sender: oxuv.Address) -> None:
        client.close()
        server.close()
        server.close()

    server.on("message", on_message)
    client.on("message", on_answer)
    sent: List[Optional[UVError]] = []
    client.send(b"hello", server.address(), sent.append)
    assert events == []
    address = server.address()
    port = client.address()[1]
    loop.run()
    assert sent == [None]
    assert events == [("listening",), ("message", b"hello", ("127.0.0.1", port)), ("close",)]
    assert answers == [("message", b"hello yourself", address)]


def test_udp_errors(loop: Loop) -> None:
    other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    other.bind(LOCALHOST)
    other.connect(other.getsockname())  # so it receives nothing from others
    client = Udp(loop)
    client.connect(other.getsockname())
    errors = record(client, "error")
    client.on("error", lambda error: client.close())
    client.send(b"to nobody")
    loop.run()
    assert [type(event[1]).__mro__[2] for event in errors] == [ConnectionRefusedError]
    other.close()


def test_signals(loop: Loop) -> None:
    signals = Signals(loop)
    seen = record(signals, "SIGUSR1")
    assert not loop.run()  # does not wait for signals

    def on_usr2(signum: signal.Signals) -> None:
        seen.append((signum.name,))
        timer.close()

    signals.once("SIGUSR2", on_usr2)
    timer = oxuv.Timer(loop)
    timer.start(lambda timer: None, 100_000)
    signals.on("SIGUSR1", lambda signum: os.kill(os.getpid(), signal.SIGUSR2))
    os.kill(os.getpid(), signal.SIGUSR1)
    loop.run()
    assert seen == [("SIGUSR1", signal.SIGUSR1), ("SIGUSR2",)]
    assert set(signals._watchers) == {"SIGUSR1"}  # once() has ended
    with pytest.raises(KeyError):
        signals.on("SIGNONE", print)
    signals.remove_all_listeners()
    assert signals._watchers == {}
    listener = signals.on("SIGHUP", lambda signum: None)
    assert set(signals._watchers) == {"SIGHUP"}
    signals.remove_listener("SIGHUP", listener)
    assert signals._watchers == {}


def test_leaving_the_loop_closes_without_events() -> None:
    with Loop() as loop:
        server = Server(loop)
        server.listen(LOCALHOST)
        client = connect(loop, server.address())
        client.write(b"x")
        events = record(client, "error", "close") + record(server, "listening", "close")
    assert events == []
    client.destroy()
    server.close()
