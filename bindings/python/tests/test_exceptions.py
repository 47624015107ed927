# mypy: disable-error-code="func-returns-value"
"""An exception in any callback is raised by run(), and the loop can continue."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any, Callable, Dict, List, Type

import pytest

import oxuv
from oxuv import Async, Check, Idle, Loop, Prepare, Signal, Tcp, Timer, fs, queue_work


class Boom(Exception):
    pass


def boom(*arguments: object) -> None:
    # Only once: repeating handles would raise again when the loop is run again.
    if not fired:
        fired.append(arguments)
        raise Boom


fired: List[Any] = []


def start_tcp(loop: Loop, failing: str) -> None:
    """An exchange in which the callback named `failing` raises."""

    def pick(name: str, callback: Callable[..., None]) -> Callable[..., None]:
        def both(*arguments: Any) -> None:
            callback(*arguments)
            if name == failing:
                boom()

        return both

    def on_connection(server: Tcp, error: object) -> None:
        server.accept().read_start(pick("read", on_read))

    def on_read(stream: Tcp, data: bytes, error: object) -> None:
        if not data:
            stream.close(pick("close", lambda h: None))

    def on_connect(client: Tcp, error: object) -> None:
        client.write(b"data", pick("write", on_write))

    def on_write(client: Tcp, error: object) -> None:
        client.shutdown(pick("shutdown", on_shutdown))

    def on_shutdown(client: Tcp, error: object) -> None:
        client.close()
        server.close()

    server = Tcp(loop)
    server.bind(("127.0.0.1", 0))
    server.listen(pick("connection", on_connection))
    Tcp(loop).connect(server.getsockname(), pick("connect", on_connect))


def start_signal(loop: Loop) -> None:
    def on_signal(handle: Signal, signum: int) -> None:
        handle.stop()
        boom()

    Signal(loop).start(on_signal, signal.SIGUSR1)
    os.kill(os.getpid(), signal.SIGUSR1)


def start_async(loop: Loop) -> None:
    def on_async(handle: Async) -> None:
        handle.close()
        boom()

    Async(loop, on_async).send()


def start_one_of(kind: Any) -> Callable[[Loop], None]:
    def start(loop: Loop) -> None:
        def callback(handle: Any) -> None:
            handle.stop()
            boom()

        kind(loop).start(callback)
        # So that the iteration does not block.
        Timer(loop).start(lambda h: None, 0)

    return start


def start_tcp_with(name: str) -> Callable[[Loop], None]:
    return lambda loop: start_tcp(loop, name)


CASES: Dict[str, Callable[[Loop], object]] = {
    "timer": lambda loop: Timer(loop).start(boom, 0),
    "repeating timer": lambda loop: Timer(loop).start(lambda h: (h.stop(), boom()), 0, 1),
    "idle": start_one_of(Idle),
    "prepare": start_one_of(Prepare),
    "check": start_one_of(Check),
    "async": start_async,
    "signal": start_signal,
    "close callback": lambda loop: Timer(loop).close(boom),
    "fs": lambda loop: fs.stat("/", callback=boom, loop=loop),
    "fs result": lambda loop: fs.stat("/", callback=lambda r: boom(r.result()), loop=loop),
    "work": lambda loop: queue_work(loop, lambda: None, boom),
    "work function": lambda loop: queue_work(loop, boom),
    **{
        f"tcp {name}": start_tcp_with(name)
        for name in ("connection", "connect", "read", "write", "shutdown", "close")
    },
}


@pytest.mark.parametrize("case", CASES)
def test_exception_surfaces_and_the_loop_goes_on(loop: Loop, case: str) -> None:
    fired.clear()
    CASES[case](loop)
    with pytest.raises(Boom):
        loop.run()
    assert len(fired) == 1
    # No operation in progress is lost, and no exception is raised twice.
    after: List[str] = []
    Timer(loop).start(lambda h: after.append("timer"), 1)
    assert loop.run() is False
    assert after == ["timer"]


def test_failed_operation_surfaces_through_result(loop: Loop) -> None:
    fs.open("/nonexistent", os.O_RDONLY, callback=lambda r: r.result() and None, loop=loop)
    with pytest.raises(FileNotFoundError):
        loop.run()


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_every_base_exception_surfaces(loop: Loop, error: Type[BaseException]) -> None:
    def on_timer(handle: Timer) -> None:
        raise error

    Timer(loop).start(on_timer, 0)
    with pytest.raises(error):
        loop.run()


def test_traceback_leads_to_the_callback(loop: Loop) -> None:
    def the_culprit(handle: Timer) -> None:
        raise Boom

    Timer(loop).start(the_culprit, 0)
    with pytest.raises(Boom) as caught:
        loop.run()
    assert caught.traceback[-1].name == "the_culprit"


def test_further_exceptions_of_the_iteration_are_reported(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: List[str] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda u: reported.append(str(u.exc_value)))

    def failing(number: int) -> Callable[[Timer], None]:
        def on_timer(handle: Timer) -> None:
            raise Boom(f"number {number}")

        return on_timer

    for number in range(3):
        Timer(loop).start(failing(number), 0)
    with pytest.raises(Boom, match="number 0"):
        loop.run()
    assert reported == ["number 1", "number 2"]
    assert loop.run() is False


def test_interrupt_wins_over_an_earlier_exception(loop: Loop) -> None:
    def first(handle: Timer) -> None:
        raise Boom

    def second(handle: Timer) -> None:
        raise KeyboardInterrupt

    Timer(loop).start(first, 0)
    Timer(loop).start(second, 0)
    with pytest.raises(KeyboardInterrupt) as caught:
        loop.run()
    assert isinstance(caught.value.__context__, Boom)


@pytest.mark.parametrize("mode", list(oxuv.RunMode))
def test_every_run_mode_raises(loop: Loop, mode: oxuv.RunMode) -> None:
    def on_idle(handle: Idle) -> None:
        handle.stop()
        raise Boom

    Idle(loop).start(on_idle)
    with pytest.raises(Boom):
        loop.run(mode)
