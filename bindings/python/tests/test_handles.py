# mypy: disable-error-code="func-returns-value"
from __future__ import annotations

import os
import signal
from datetime import timedelta
from pathlib import Path
from typing import Any, Callable, List, Type

import pytest

import oxuv
from oxuv import Async, Check, Handle, Idle, Loop, Prepare, Signal, Tcp, Timer

KINDS: List[Type[Any]] = [Timer, Idle, Prepare, Check, Async, Signal, Tcp]


@pytest.mark.parametrize("kind", KINDS)
def test_life_of_a_handle(loop: Loop, kind: Type[Handle]) -> None:
    handle = kind(loop)
    assert handle.loop is loop
    assert handle.active == (kind is Async)
    assert not handle.closing
    assert handle.has_ref
    handle.unref()
    assert not handle.has_ref
    assert not loop.alive
    handle.ref()
    closed: List[Handle] = []
    handle.close(closed.append)
    assert handle.closing and not handle.closed
    assert "closing" in repr(handle)
    assert closed == []
    loop.run()
    assert closed == [handle]
    assert handle.closed and not handle.active
    assert "closed" in repr(handle)


@pytest.mark.parametrize("kind", KINDS)
def test_closed_handle_is_unusable(loop: Loop, kind: Type[Any]) -> None:
    handle = kind(loop)
    handle.close()
    handle.close()
    with pytest.raises(ValueError, match="closed"):
        handle.close(lambda h: None)
    names = {
        Timer: ["stop", "again"],
        Async: ["send"],
        Tcp: ["read_stop", "getsockname", "fileno", "shutdown"],
    }.get(kind, ["stop"])
    for name in [*names, "ref", "unref"]:
        with pytest.raises(ValueError, match="closed"):
            getattr(handle, name)()
    loop.run()
    for name in [*names, "ref", "unref"]:
        with pytest.raises(ValueError, match="closed"):
            getattr(handle, name)()
    handle.close()


@pytest.mark.parametrize("kind", [Idle, Prepare, Check])
def test_start_and_stop(loop: Loop, kind: Type[Any]) -> None:
    calls: List[str] = []
    handle = kind(loop)
    handle.start(lambda h: calls.append("first"))
    handle.start(lambda h: calls.append("second"))
    assert handle.active
    loop.run(oxuv.RunMode.NOWAIT)
    assert calls == ["second"]
    handle.stop()
    handle.stop()
    assert not handle.active
    loop.run()
    assert calls == ["second"]


def test_timers_fire_in_order(loop: Loop) -> None:
    order: List[int] = []

    def start(timeout: int, number: int) -> None:
        Timer(loop).start(lambda h: (order.append(number), h.close()), timeout)

    for number, timeout in enumerate([3, 1, 2, 1, 0]):
        start(timeout, number)
    loop.run()
    assert order == [4, 1, 3, 2, 0]


def test_repeating_timer(loop: Loop) -> None:
    count = 0

    def on_timer(timer: Timer) -> None:
        nonlocal count
        count += 1
        if count == 2:
            timer.repeat = 2
        if count == 4:
            timer.stop()

    timer = Timer(loop)
    with pytest.raises(oxuv.UVError) as caught:
        timer.again()
    assert caught.value.name == "EINVAL"
    timer.start(on_timer, 0, 1)
    assert timer.repeat == 1
    loop.run()
    assert count == 4
    assert timer.repeat == 2
    timer.again()
    assert timer.active
    assert 0 <= timer.due_in <= 2


def test_timer_arguments(loop: Loop) -> None:
    timer = Timer(loop)
    for timeout, repeat in ((-1, 0), (0, -1)):
        with pytest.raises(ValueError):
            timer.start(lambda h: None, timeout, repeat)
    with pytest.raises(ValueError):
        timer.repeat = -1
    for wrong in (0.5, None, "1"):
        argument: Any = wrong
        with pytest.raises(TypeError, match=r"timeout must be .* milliseconds .* timedelta"):
            timer.start(lambda h: None, argument)
        with pytest.raises(TypeError, match="repeat must be"):
            timer.start(lambda h: None, 1, argument)
        with pytest.raises(TypeError, match="repeat must be"):
            timer.repeat = argument
    assert not timer.active
    assert timer.due_in == 0


def test_timedelta(loop: Loop) -> None:
    timer = Timer(loop)
    timer.start(lambda h: None, timedelta(hours=1), timedelta(microseconds=1))
    assert timer.repeat == 1
    assert 3_500_000 < timer.due_in <= 3_600_000
    timer.repeat = timedelta(seconds=2)
    assert timer.repeat == 2000
    with pytest.raises(ValueError):
        timer.start(lambda h: None, timedelta(seconds=-1))


def test_callbacks_must_be_callable(loop: Loop, tmp_path: Path) -> None:
    nothing: Any = None
    reader, writer = os.pipe()
    pipe, tcp, udp = oxuv.Pipe(loop), oxuv.Tcp(loop), oxuv.Udp(loop)
    pipe.open(reader)
    tcp.bind(("127.0.0.1", 0))
    udp.bind(("127.0.0.1", 0))
    starts: List[Callable[[], object]] = [
        lambda: Timer(loop).start(nothing, 5),
        lambda: Idle(loop).start(nothing),
        lambda: Prepare(loop).start(nothing),
        lambda: Check(loop).start(nothing),
        lambda: oxuv.Signal(loop).start(nothing, signal.SIGUSR1),
        lambda: oxuv.Poll(loop, writer).start(oxuv.PollEvent.WRITABLE, nothing),
        lambda: oxuv.FsEvent(loop).start(tmp_path, nothing),
        lambda: oxuv.FsPoll(loop).start(tmp_path, nothing, 1000),
        lambda: pipe.read_start(nothing),
        lambda: tcp.listen(nothing),
        lambda: udp.recv_start(nothing),
    ]
    for start in starts:
        with pytest.raises(TypeError, match="callback must be callable, not NoneType"):
            start()
    loop.run()  # nothing was started
    for handle in (pipe, tcp, udp):
        handle.close()
    os.close(writer)


def test_unreferenced_handle_does_not_keep_the_loop(loop: Loop) -> None:
    timer = Timer(loop)
    timer.start(lambda h: pytest.fail("not due"), 1_000_000)
    timer.unref()
    assert not loop.alive
    assert loop.run() is False


def test_closing_another_handle_from_a_callback(loop: Loop) -> None:
    timers = [Timer(loop) for _ in range(5)]
    fired: List[Timer] = []

    def on_timer(timer: Timer) -> None:
        fired.append(timer)
        for other in timers:
            other.close()

    for timer in timers:
        timer.start(on_timer, 0)
    loop.run()
    assert fired == [timers[0]]
    assert all(timer.closed for timer in timers)
