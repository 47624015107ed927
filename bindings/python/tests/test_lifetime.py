"""Lifetimes of objects, with the collector running at critical points."""

from __future__ import annotations

import gc
import os
import threading
import weakref
from pathlib import Path
from typing import Any, Callable, List, Optional, Tuple

import pytest

import oxuv
from oxuv import Async, Check, Idle, Loop, Prepare, Signal, Tcp, Timer, fs, queue_work


def test_active_handle_survives_its_last_reference(loop: Loop) -> None:
    fired: List[str] = []
    Timer(loop).start(lambda h: fired.append("timer"), 1)
    gc.collect()
    assert loop.alive
    loop.run()
    assert fired == ["timer"]


def test_inactive_handle_is_closed_when_dropped(loop: Loop) -> None:
    for kind in (Timer, Idle, Prepare, Check, Signal):
        handle = kind(loop)
        reference = weakref.ref(handle)
        address = handle._address
        del handle
        gc.collect()
        assert oxuv.lib.uv_is_closing(address)
        loop.run()
        assert reference() is None
    loop.close()


def test_handle_is_collected_after_it_stopped(loop: Loop) -> None:
    timer = Timer(loop)
    timer.start(lambda h: None, 0)
    reference = weakref.ref(timer)
    del timer
    loop.run()
    gc.collect()
    loop.run()
    assert reference() is None


def test_dropped_stream_warns(loop: Loop) -> None:
    tcp = Tcp(loop)
    tcp.bind(("127.0.0.1", 0))
    sockets = {os.readlink(f"/proc/self/fd/{tcp.fileno()}")}
    with pytest.warns(ResourceWarning, match="unclosed handle <Tcp inactive>"):
        del tcp
    loop.run()
    with os.scandir("/proc/self/fd") as entries:
        assert not sockets & {os.readlink(e) for e in entries if e.is_symlink()}


def test_handle_in_a_cycle_is_closed(loop: Loop) -> None:
    timer = Timer(loop)
    timer.start(lambda h: None, 0)
    timer.cycle = [timer]  # type: ignore[attr-defined]
    reference = weakref.ref(timer)
    address = timer._address
    loop.run()
    del timer
    gc.collect()
    assert oxuv.lib.uv_is_closing(address)
    loop.run()
    gc.collect()
    assert reference() is None


def test_handle_dropped_by_another_thread_is_closed_by_its_own(loop: Loop) -> None:
    handles: List[Optional[Timer]] = [Timer(loop)]
    assert handles[0] is not None
    address = handles[0]._address

    def drop() -> None:
        handles.clear()
        gc.collect()

    thread = threading.Thread(target=drop)
    thread.start()
    thread.join()
    assert not oxuv.lib.uv_is_closing(address)
    loop.run()
    loop.close()


def test_callbacks_are_released(loop: Loop) -> None:
    class Target:
        def method(self, handle: object) -> None:
            pass

    target = Target()
    reference = weakref.ref(target)
    timer = Timer(loop)
    timer.start(target.method, 0)
    timer.close(target.method)
    request = fs.stat("/", callback=target.method, loop=loop)
    work = queue_work(loop, lambda: None, target.method)
    del target
    assert reference() is not None
    loop.run()
    gc.collect()
    assert reference() is None
    assert request.done and work.done and timer.closed


def test_request_survives_its_last_reference(loop: Loop, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"contents")
    seen: List[bytes] = []
    with open(path, "rb") as file:
        for _ in range(50):
            fs.read(file.fileno(), 100, 0, callback=lambda r: seen.append(r.result()), loop=loop)
            gc.collect()
        loop.run()
    assert seen == [b"contents"] * 50


def test_loop_with_a_request_in_flight_survives(tmp_path: Path) -> None:
    gate = threading.Event()
    finished = threading.Event()

    def work() -> None:
        gate.wait()
        finished.set()

    def start() -> "weakref.ref[Loop]":
        loop = Loop()
        queue_work(loop, work)
        return weakref.ref(loop)

    reference = start()
    gc.collect()
    loop = reference()
    assert loop is not None
    gate.set()
    assert finished.wait()
    loop.run()
    loop.close()


@pytest.fixture
def pair(loop: Loop) -> Tuple[Tcp, Tcp]:
    """Two connected streams over Unix sockets, whose buffers do not grow."""
    ends = Tcp(loop), Tcp(loop)
    for end, fd in zip(ends, oxuv.socketpair()):
        end.open(fd)
    return ends


def test_written_buffer_is_pinned(loop: Loop, pair: Tuple[Tcp, Tcp]) -> None:
    left, right = pair
    data = bytearray(b"x" * 4_000_000)
    received = 0

    def on_read(stream: Tcp, chunk: bytes, error: object) -> None:
        nonlocal received
        gc.collect(0)
        received += len(chunk)
        if not chunk:
            stream.close()

    left.write(data)
    assert left.write_queue_size > 0
    with pytest.raises(BufferError):
        data.extend(b"more")
    left.shutdown(lambda h, e: h.close())
    right.read_start(on_read)
    loop.run()
    assert received == 4_000_000
    data.extend(b"more")


def test_pending_writes_end_when_the_stream_closes(loop: Loop, pair: Tuple[Tcp, Tcp]) -> None:
    left, right = pair
    order: List[str] = []

    def on_write(stream: Tcp, error: Optional[oxuv.UVError]) -> None:
        assert error is not None
        order.append(error.name)

    left.write(b"x" * 10_000_000, on_write)
    left.write(b"y", on_write)
    left.close(lambda h: order.append("closed"))
    del left, pair
    gc.collect()
    right.close()
    loop.run()
    assert order == ["ECANCELED", "ECANCELED", "closed"]


def test_collector_in_every_callback(loop: Loop, tmp_path: Path) -> None:
    calls: List[str] = []

    def note(name: str) -> Callable[..., None]:
        def callback(*arguments: Any) -> None:
            calls.append(name)
            gc.collect()
            handle = arguments[0]
            if isinstance(handle, oxuv.Handle) and not handle.closing:
                handle.close(lambda h: gc.collect())

        return callback

    def on_connection(server: Tcp, error: object) -> None:
        gc.collect()
        server.accept().read_start(on_read)
        gc.collect()
        server.close()

    def on_read(stream: Tcp, data: bytes, error: object) -> None:
        gc.collect()
        if data:
            stream.write(data, lambda s, e: gc.collect())
        else:
            stream.close(note("server stream"))

    def on_connect(client: Tcp, error: object) -> None:
        gc.collect()
        client.read_start(on_echo)
        client.write([b"a", bytearray(b"b"), memoryview(b"c")], lambda s, e: gc.collect())

    def on_echo(client: Tcp, data: bytes, error: object) -> None:
        gc.collect()
        if data:
            client.shutdown(lambda s, e: gc.collect())
        else:
            client.close(note("client"))

    def start() -> None:
        server = Tcp(loop)
        server.bind(("127.0.0.1", 0))
        server.listen(on_connection)
        Tcp(loop).connect(server.getsockname(), on_connect)
        Timer(loop).start(note("timer"), 1, 1)
        Idle(loop).start(note("idle"))
        Prepare(loop).start(note("prepare"))
        Check(loop).start(note("check"))
        Async(loop, note("async")).send()
        fs.stat(tmp_path, callback=note("fs"), loop=loop)
        queue_work(loop, gc.collect, note("work"))

    start()
    gc.collect()
    loop.run()
    assert sorted(calls) == sorted(
        ["timer", "idle", "prepare", "check", "async", "fs", "work", "client", "server stream"]
    )
    loop.close()


def test_many_short_lived_handles(loop: Loop) -> None:
    fired: List[int] = []
    for _ in range(2000):
        Timer(loop).start(lambda h: fired.append(1), 0)
    loop.run()
    assert len(fired) == 2000
    gc.collect()
    loop.run()
    assert loop._held == {}
    loop.close()


def test_nothing_is_left_in_the_tables(loop: Loop) -> None:
    from oxuv import requests

    fs.stat("/", callback=lambda r: None, loop=loop)
    Timer(loop).start(lambda h: h.close(), 0)
    assert requests._in_flight and loop._held
    loop.run()
    assert not requests._in_flight and not loop._held
