from __future__ import annotations

import gc
import os
import socket
import weakref
from typing import List, Optional

import pytest

from oxuv import Loop, Poll, PollEvent, UVError


def test_readable_and_writable(loop: Loop) -> None:
    left, right = socket.socketpair()
    seen: List[PollEvent] = []
    received: List[bytes] = []

    def on_writable(poll: Poll, events: PollEvent, error: Optional[UVError]) -> None:
        assert error is None
        seen.append(events)
        right.send(b"ping")
        poll.start(PollEvent.READABLE, on_readable)
        left.send(b"pong")

    def on_readable(poll: Poll, events: PollEvent, error: Optional[UVError]) -> None:
        assert error is None
        seen.append(events)
        received.append(right.recv(100))
        poll.stop()
        assert not poll.active
        poll.close()

    with left, right:
        poll = Poll(loop, right)
        assert poll.fileno() == right.fileno()
        poll.start(PollEvent.READABLE | PollEvent.WRITABLE, on_writable)
        assert poll.active
        loop.run()
        assert left.recv(100) == b"ping"
    assert seen == [PollEvent.WRITABLE, PollEvent.READABLE]
    assert received == [b"pong"]


def test_is_level_triggered(loop: Loop) -> None:
    reader, writer = os.pipe()
    received: List[bytes] = []

    def on_event(poll: Poll, events: PollEvent, error: Optional[UVError]) -> None:
        assert events & PollEvent.READABLE
        received.append(os.read(reader, 1))
        if len(received) == 3:
            poll.close()

    os.write(writer, b"abc")
    Poll(loop, reader).start(PollEvent.READABLE, on_event)
    gc.collect()
    loop.run()
    assert received == [b"a", b"b", b"c"]
    os.close(reader)
    os.close(writer)


def test_disconnect(loop: Loop) -> None:
    left, right = socket.socketpair()
    seen: List[PollEvent] = []

    def on_event(poll: Poll, events: PollEvent, error: Optional[UVError]) -> None:
        seen.append(events)
        poll.close()

    with left, right:
        Poll(loop, right).start(PollEvent.DISCONNECT, on_event)
        left.shutdown(socket.SHUT_WR)
        loop.run()
    assert seen == [PollEvent.DISCONNECT]


def test_prioritized(loop: Loop) -> None:
    seen: List[PollEvent] = []

    def on_event(poll: Poll, events: PollEvent, error: Optional[UVError]) -> None:
        seen.append(events)
        poll.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_connection(server.getsockname()) as client:
            peer, _ = server.accept()
            with peer:
                Poll(loop, peer).start(PollEvent.PRIORITIZED, on_event)
                client.send(b"!", socket.MSG_OOB)
                loop.run()
    assert seen == [PollEvent.PRIORITIZED]


def test_descriptor_that_cannot_be_polled(loop: Loop, tmp_path: object) -> None:
    with open(f"{tmp_path}/file", "w") as file:
        with pytest.raises(PermissionError):
            Poll(loop, file)
    with pytest.raises(UVError) as caught:
        Poll(loop, 1_000_000)
    assert caught.value.name == "EBADF"
    loop.close()


def test_file_object_is_kept_while_it_is_watched(loop: Loop) -> None:
    left, right = socket.socketpair()
    reference = weakref.ref(right)
    seen: List[PollEvent] = []

    def on_event(poll: Poll, events: PollEvent, error: Optional[UVError]) -> None:
        seen.append(events)
        poll.close()

    Poll(loop, right).start(PollEvent.READABLE, on_event)
    fd = os.dup(right.fileno())
    with pytest.warns(ResourceWarning, match="unclosed <socket"):
        del right
        gc.collect()
        assert reference() is not None
        left.send(b"x")
        loop.run()
        gc.collect()
    assert seen == [PollEvent.READABLE]
    assert reference() is None
    left.close()
    os.close(fd)


def test_exception_in_the_callback(loop: Loop) -> None:
    def on_event(poll: Poll, events: PollEvent, error: Optional[UVError]) -> None:
        raise RuntimeError("mine")

    left, right = socket.socketpair()
    with left, right:
        poll = Poll(loop, left)
        poll.start(PollEvent.WRITABLE, on_event)
        with pytest.raises(RuntimeError, match="mine"):
            loop.run()
        poll.close()
        loop.run()
