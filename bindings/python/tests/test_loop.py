# mypy: disable-error-code="func-returns-value"
from __future__ import annotations

import gc
import select
import threading
import warnings
from typing import List

import pytest

import oxuv
from oxuv import Check, Handle, Idle, Loop, Prepare, RunMode, Timer


def test_empty_loop_returns_at_once(loop: Loop) -> None:
    assert not loop.alive
    assert loop.run() is False
    assert loop.run(RunMode.ONCE) is False
    assert loop.run(RunMode.NOWAIT) is False


def test_phases_of_one_iteration(loop: Loop) -> None:
    order: List[str] = []
    idle, prepare, check, timer = Idle(loop), Prepare(loop), Check(loop), Timer(loop)
    idle.start(lambda h: order.append("idle"))
    prepare.start(lambda h: order.append("prepare"))
    check.start(lambda h: order.append("check"))
    timer.start(lambda h: order.append("timer"), 0)
    closing = Timer(loop)
    closing.close(lambda h: order.append("close"))
    assert loop.run(RunMode.NOWAIT) is True
    assert order == ["idle", "prepare", "check", "close", "timer"]


def test_run_modes(loop: Loop) -> None:
    ticks: List[int] = []
    timer = Timer(loop)
    timer.start(lambda h: ticks.append(1), 1, 1)
    while not ticks:
        assert loop.run(RunMode.ONCE) is True
    timer.stop()
    assert loop.run() is False


def test_stop_ends_run_and_run_continues(loop: Loop) -> None:
    ticks: List[int] = []

    def on_idle(handle: Idle) -> None:
        ticks.append(1)
        if len(ticks) == 3:
            loop.stop()
        if len(ticks) == 5:
            handle.stop()

    Idle(loop).start(on_idle)
    assert loop.run() is True
    assert len(ticks) == 3
    assert loop.run() is False
    assert len(ticks) == 5


def test_stop_before_run(loop: Loop) -> None:
    calls: List[int] = []
    idle = Idle(loop)
    idle.start(lambda h: calls.append(1))
    loop.stop()
    assert loop.run() is True
    assert len(calls) <= 1
    idle.stop()


def test_time(loop: Loop) -> None:
    before = loop.now
    assert loop.now == before
    start = oxuv.hrtime()
    while oxuv.hrtime() - start < 2_000_000:
        pass
    assert loop.now == before
    loop.update_time()
    assert loop.now > before


def test_walk(loop: Loop) -> None:
    handles = [Timer(loop), Idle(loop), Check(loop)]
    handles[0].close()
    seen: List[Handle] = []
    loop.walk(seen.append)
    assert sorted(map(id, seen)) == sorted(map(id, handles))

    def failing(handle: Handle) -> None:
        raise LookupError

    with pytest.raises(LookupError):
        loop.walk(failing)


def test_walk_may_close(loop: Loop) -> None:
    handles = [Timer(loop) for _ in range(10)]
    loop.walk(lambda handle: handle.close())
    loop.run()
    assert all(handle.closed for handle in handles)
    seen: List[Handle] = []
    loop.walk(seen.append)
    assert seen == []


def test_close_of_a_busy_loop() -> None:
    loop = Loop()
    timer = Timer(loop)
    with pytest.raises(oxuv.UVError) as caught:
        loop.close()
    assert caught.value.name == "EBUSY"
    assert not loop.closed
    timer.close()
    with pytest.raises(oxuv.UVError):
        loop.close()  # closing, but not closed
    loop.run()
    loop.close()
    assert loop.closed
    loop.close()


def test_closed_loop_is_unusable() -> None:
    loop = Loop()
    loop.close()
    for use in (loop.run, loop.stop, loop.update_time, lambda: loop.now, lambda: Timer(loop)):
        with pytest.raises(ValueError, match="closed"):
            use()
    with pytest.raises(ValueError, match="closed"):
        oxuv.queue_work(loop, lambda: None)
    assert not loop.alive


def test_with_closes_everything() -> None:
    closed: List[str] = []
    with Loop() as loop:
        timer = Timer(loop)
        timer.start(lambda h: None, 1_000_000, 1)
        other = Timer(loop)
        other.close(lambda h: closed.append("other"))
    assert closed == ["other"]
    assert timer.closed and other.closed and loop.closed


def test_with_keeps_the_exception_of_the_block() -> None:
    loop = Loop()
    with pytest.raises(KeyError):
        with loop:
            Timer(loop).start(lambda h: None, 1_000_000)
            raise KeyError
    assert loop.closed


def test_with_finishes_although_callbacks_raise_and_open_more() -> None:
    late: List[Timer] = []

    def on_close(handle: Timer) -> None:
        late.append(Timer(loop))
        raise ArithmeticError

    loop = Loop()
    with pytest.raises(ArithmeticError):
        with loop:
            Timer(loop).close(on_close)
    assert loop.closed
    assert late[0].closed


def test_run_is_not_reentrant(loop: Loop) -> None:
    def on_timer(handle: Timer) -> None:
        for use in (loop.run, loop.close):
            with pytest.raises(RuntimeError, match="run"):
                use()
        ran.append(True)

    ran: List[bool] = []
    Timer(loop).start(on_timer, 0)
    loop.run()
    assert ran == [True]


def test_loop_runs_inside_a_callback_of_another(loop: Loop) -> None:
    order: List[str] = []

    def outer(handle: Timer) -> None:
        with Loop() as inner:
            Timer(inner).start(lambda h: order.append("inner"), 0)
            inner.run()
        order.append("outer")

    Timer(loop).start(outer, 0)
    loop.run()
    assert order == ["inner", "outer"]


def test_loops_in_threads() -> None:
    results: List[int] = []

    def run(number: int) -> None:
        with Loop() as loop:
            ticks: List[int] = []

            def on_timer(handle: Timer) -> None:
                ticks.append(1)
                if len(ticks) == 20:
                    handle.close()

            Timer(loop).start(on_timer, 0, 1)
            loop.run()
            results.append(number * len(ticks))

    threads = [threading.Thread(target=run, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [n * 20 for n in range(8)]


def test_default_loop() -> None:
    loop = Loop.default()
    assert Loop.default() is loop
    fired: List[bool] = []
    timer = Timer(loop)
    timer.start(lambda h: (fired.append(True), h.close()), 0)
    loop.run()
    assert fired == [True]
    loop.close()
    again = Loop.default()
    assert again is not loop
    assert not again.closed
    again.close()


def test_dropped_loop_warns_and_closes() -> None:
    loop = Loop()
    with pytest.warns(ResourceWarning, match="unclosed loop"):
        del loop
        gc.collect()


def test_dropped_loop_with_handles_is_safe() -> None:
    def drop() -> None:
        loop = Loop()
        Timer(loop).start(lambda h: None, 1_000_000)
        Idle(loop)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        drop()
        gc.collect()
        gc.collect()
    assert any("unclosed loop" in str(w.message) for w in caught)


def test_embedding(loop: Loop) -> None:
    """An outer poll of backend_fd, with the timeout of the loop."""
    received: List[bytes] = []
    a, b = oxuv.socketpair()
    left, right = oxuv.Tcp(loop), oxuv.Tcp(loop)
    left.open(a)
    right.open(b)

    def on_read(stream: oxuv.Tcp, data: bytes, error: object) -> None:
        received.append(data)
        stream.close()
        left.close()

    right.read_start(on_read)
    assert loop.run(RunMode.NOWAIT) is True
    assert loop.backend_timeout == -1
    left.write(b"x")
    poller = select.poll()
    poller.register(loop.backend_fd, select.POLLIN)
    while loop.alive:
        poller.poll(loop.backend_timeout)
        loop.run(RunMode.NOWAIT)
    assert received == [b"x"]


def test_idle_time_metric(loop: Loop) -> None:
    loop.configure(oxuv.UV_METRICS_IDLE_TIME)

    # A timer that is due before the loop waits for it adds nothing.
    def stop_after_a_wait(timer: Timer) -> None:
        if loop.idle_time > 0:
            timer.stop()

    Timer(loop).start(stop_after_a_wait, 1, 1)
    loop.run()
    assert loop.idle_time > 0


def test_configure_reports_errors(loop: Loop) -> None:
    with pytest.raises(oxuv.UVError):
        loop.configure(12345)
