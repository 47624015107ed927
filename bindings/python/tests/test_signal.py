# mypy: disable-error-code="func-returns-value"
from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from typing import Any, Iterator, List

import pytest
from conftest import PACKAGE

import oxuv
from oxuv import Async, Loop, Signal


@pytest.fixture
def python_handler() -> Iterator[List[int]]:
    """A handler of the signal module for SIGUSR1."""
    calls: List[int] = []
    before = signal.signal(signal.SIGUSR1, lambda signum, frame: calls.append(signum))
    yield calls
    signal.signal(signal.SIGUSR1, before)


def kill(signum: int = signal.SIGUSR1) -> None:
    os.kill(os.getpid(), signum)


def test_signal(loop: Loop) -> None:
    seen: List[int] = []

    def on_signal(handle: Signal, signum: int) -> None:
        seen.append(signum)
        if len(seen) == 2:
            handle.stop()
        else:
            kill()

    handle = Signal(loop)
    assert handle.signum == 0
    handle.start(on_signal, signal.SIGUSR1)
    assert handle.signum == signal.SIGUSR1
    kill()
    loop.run()
    assert seen == [signal.SIGUSR1] * 2
    assert handle.signum == 0


def test_oneshot(loop: Loop) -> None:
    seen: List[int] = []
    handle = Signal(loop)
    handle.start_oneshot(lambda h, s: seen.append(s), signal.SIGUSR2)
    kill(signal.SIGUSR2)
    loop.run()
    assert seen == [signal.SIGUSR2]
    assert not handle.active
    assert handle.signum == 0


def test_oneshot_may_be_started_again_in_its_callback(loop: Loop) -> None:
    seen: List[int] = []

    def on_signal(handle: Signal, signum: int) -> None:
        assert not handle.active
        seen.append(signum)
        if len(seen) < 3:
            handle.start_oneshot(on_signal, signum)
            kill(signum)

    Signal(loop).start_oneshot(on_signal, signal.SIGUSR2)
    kill(signal.SIGUSR2)
    loop.run()
    assert seen == [signal.SIGUSR2] * 3


def test_several_watchers(loop: Loop) -> None:
    seen: List[str] = []

    def watch(on: Loop, name: str) -> None:
        def on_signal(handle: Signal, signum: int) -> None:
            seen.append(name)
            handle.close()

        Signal(on).start(on_signal, signal.SIGUSR1)

    with Loop() as other:
        watch(loop, "a")
        watch(loop, "b")
        watch(other, "c")
        kill()
        loop.run()
        other.run()
    assert sorted(seen) == ["a", "b", "c"]


def test_watching_another_signal(loop: Loop, python_handler: List[int]) -> None:
    handle = Signal(loop)
    seen: List[int] = []
    handle.start(lambda h, s: seen.append(s), signal.SIGUSR1)
    handle.start(lambda h, s: (seen.append(s), h.stop()), signal.SIGUSR2)
    kill(signal.SIGUSR1)  # handled by the signal module again
    assert python_handler == [signal.SIGUSR1]
    kill(signal.SIGUSR2)
    loop.run()
    assert seen == [signal.SIGUSR2]


@pytest.mark.parametrize("how", ["stop", "close", "oneshot", "drop"])
def test_python_handler_comes_back(loop: Loop, python_handler: List[int], how: str) -> None:
    seen: List[int] = []

    def on_signal(handle: Signal, signum: int) -> None:
        seen.append(signum)
        if how in ("stop", "drop"):
            handle.stop()
        if how == "close":
            handle.close()

    handle: Any = Signal(loop)
    start = handle.start_oneshot if how == "oneshot" else handle.start
    start(on_signal, signal.SIGUSR1)
    if how == "drop":
        del start, handle
    kill()
    assert python_handler == []
    loop.run()
    assert (seen, python_handler) == ([signal.SIGUSR1], [])
    kill()
    assert python_handler == [signal.SIGUSR1]


def test_python_handler_waits_for_the_last_watcher(loop: Loop, python_handler: List[int]) -> None:
    first, second = Signal(loop), Signal(loop)
    first.start(lambda h, s: None, signal.SIGUSR1)
    second.start(lambda h, s: None, signal.SIGUSR1)
    first.stop()
    kill()
    assert python_handler == []
    second.stop()
    kill()
    assert python_handler == [signal.SIGUSR1]


@pytest.mark.parametrize("signum", [0, -1, 12345, signal.SIGKILL])
def test_invalid_signals(loop: Loop, signum: int) -> None:
    handle = Signal(loop)
    with pytest.raises(oxuv.UVError) as caught:
        handle.start(lambda h, s: None, signum)
    assert caught.value.name == "EINVAL"
    assert not handle.active


def test_send_from_a_signal_handler(loop: Loop, python_handler: List[int]) -> None:
    """A handler of the signal module may wake the loop up."""
    woken: List[int] = []
    handle = Async(loop, lambda h: (woken.append(1), h.close()))
    signal.signal(signal.SIGUSR1, lambda signum, frame: handle.send())
    kill()
    loop.run()
    assert woken == [1]


INTERRUPT = """
import os, signal, sys
import oxuv

loop = oxuv.Loop()
keep = oxuv.Async(loop)
idle = oxuv.Idle(loop)
def ready(handle):
    handle.stop()
    print("ready", flush=True)
idle.start(ready)
{setup}
try:
    loop.run()
    print("returned")
except KeyboardInterrupt:
    print("interrupted")
# The handler is restored.
try:
    os.kill(os.getpid(), signal.SIGINT)
    print("ignored")
except KeyboardInterrupt:
    print("interrupted")
keep.close()
loop.__exit__(None, None, None)
print(loop.closed)
"""


@pytest.mark.parametrize(
    "setup, expected",
    [
        ("", ["interrupted", "interrupted", "True"]),
        (
            "s = oxuv.Signal(loop)\ns.start(lambda h, n: (h.close(), loop.stop()), signal.SIGINT)",
            ["returned", "interrupted", "True"],
        ),
        (
            "all = [oxuv.Signal(loop) for _ in range(20)]\n"
            "def on_signal(h, n):\n"
            "    for s in all: s.close()\n"
            "    loop.stop()\n"
            "def watch(handle):\n"
            "    for s in all: s.start(on_signal, signal.SIGINT)\n"
            "    ready(handle)\n"
            "idle.start(watch)",
            ["returned", "interrupted", "True"],
        ),
        (
            "def watch(handle):\n"
            "    s = oxuv.Signal(loop)\n"
            "    s.start(lambda h, n: (h.close(), loop.stop()), signal.SIGINT)\n"
            "    ready(handle)\n"
            "idle.start(watch)",
            ["returned", "interrupted", "True"],
        ),
    ],
    ids=["default", "watched", "watched by many", "watched later"],
)
def test_ctrl_c(setup: str, expected: List[str]) -> None:
    """SIGINT reaches a loop that waits, unless the program watches it itself."""
    process = subprocess.Popen(
        [sys.executable, "-X", "dev", "-c", INTERRUPT.format(setup=setup)],
        env={**os.environ, "PYTHONPATH": str(PACKAGE)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert output.split() == expected
    assert process.returncode == 0


def test_run_in_a_thread_leaves_sigint_alone() -> None:
    ran: List[bool] = []

    def run() -> None:
        with Loop() as loop:
            ran.append(loop.run())

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert ran == [False]
    with pytest.raises(KeyboardInterrupt):
        kill(signal.SIGINT)
