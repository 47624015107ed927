"""Async handles, the thread pool, and leaving the interpreter while it works."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import Callable, Dict, List, Set, Tuple

import pytest
from conftest import PACKAGE

import oxuv
from oxuv import Async, Loop, Timer, Work, queue_work


def run_python(program: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE)}
    return subprocess.run(
        [sys.executable, "-X", "dev", "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_send_from_another_thread(loop: Loop) -> None:
    threads: Set[int] = set()

    def on_async(handle: Async) -> None:
        threads.add(threading.get_ident())
        handle.close()

    handle = Async(loop, on_async)
    sender = threading.Thread(target=handle.send)
    sender.start()
    loop.run()
    sender.join()
    assert threads == {threading.get_ident()}


def test_sends_are_not_lost(loop: Loop) -> None:
    """Sends may coalesce, but each is followed by a callback that sees its effect."""
    count, each = 4, 2000
    sent = [0] * count
    calls = 0

    def on_async(handle: Async) -> None:
        nonlocal calls
        calls += 1
        if sum(sent) == count * each:
            handle.close()

    def run(number: int) -> None:
        for _ in range(each):
            sent[number] += 1
            try:
                handle.send()
            except ValueError:  # closed: the last one was already seen
                assert sum(sent) == count * each

    handle = Async(loop, on_async)
    threads = [threading.Thread(target=run, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    loop.run()
    for thread in threads:
        thread.join()
    assert handle.closed
    assert 1 <= calls <= count * each


def test_several_asyncs(loop: Loop) -> None:
    seen: List[int] = []

    def make(number: int) -> Async:
        def on_async(handle: Async) -> None:
            seen.append(number)
            handle.close()

        return Async(loop, on_async)

    handles = [make(n) for n in range(10)]
    for handle in handles:
        handle.send()
    loop.run()
    assert sorted(seen) == list(range(10))


def test_sends_coalesce(loop: Loop) -> None:
    calls: List[int] = []
    handle = Async(loop, lambda h: calls.append(1))
    for _ in range(100):
        handle.send()
    loop.run(oxuv.RunMode.NOWAIT)
    assert calls == [1]
    handle.close()


def test_async_without_callback(loop: Loop) -> None:
    handle = Async(loop)
    handle.send()
    loop.run(oxuv.RunMode.NOWAIT)
    handle.close()


def test_work_runs_on_another_thread(loop: Loop) -> None:
    results: List[int] = []
    work = queue_work(loop, threading.get_ident, lambda w: results.append(w.result()))
    with pytest.raises(RuntimeError, match="in flight"):
        work.result()
    loop.run()
    assert results == [work.result()]
    assert results[0] != threading.get_ident()


def test_work_in_parallel(loop: Loop) -> None:
    """Two functions that wait for each other need two threads."""
    barrier = threading.Barrier(2, timeout=60)
    done: List[int] = []
    for _ in range(2):
        queue_work(loop, barrier.wait, lambda w: done.append(w.result()))
    loop.run()
    assert sorted(done) == [0, 1]


def test_work_exception(loop: Loop) -> None:
    seen: List[Work[object]] = []
    queue_work(loop, lambda: 1 // 0, seen.append)
    loop.run()
    with pytest.raises(ZeroDivisionError):
        seen[0].result()
    queue_work(loop, lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        loop.run()


def test_work_can_be_cancelled_before_it_starts(loop: Loop) -> None:
    gate = threading.Event()
    started = threading.Semaphore(0)
    size = 4  # of the pool, unless UV_THREADPOOL_SIZE says otherwise
    size = int(os.environ.get("UV_THREADPOOL_SIZE", size))

    def block() -> None:
        started.release()
        gate.wait()

    blockers = [queue_work(loop, block) for _ in range(size)]
    for _ in blockers:
        started.acquire()
    ran: List[int] = []
    ended: List[str] = []

    def on_end(work: Work[None]) -> None:
        with pytest.raises(oxuv.UVError) as caught:
            work.result()
        ended.append(caught.value.name)

    waiting = queue_work(loop, lambda: ran.append(1), on_end)
    waiting.cancel()
    with pytest.raises(oxuv.UVError) as busy:
        blockers[0].cancel()
    assert busy.value.name == "EBUSY"
    gate.set()
    loop.run()
    assert (ended, ran) == (["ECANCELED"], [])
    with pytest.raises(RuntimeError, match="finished"):
        waiting.cancel()


def test_many_works(loop: Loop) -> None:
    results: List[int] = []

    def queue(number: int) -> None:
        queue_work(loop, lambda: number * number, lambda w: results.append(w.result()))

    for number in range(300):
        queue(number)
    loop.run()
    assert sorted(results) == [n * n for n in range(300)]


def test_exit_while_work_is_running_and_queued() -> None:
    result = run_python(
        "import oxuv, threading\n"
        "loop = oxuv.Loop.default()\n"
        "started = threading.Semaphore(0)\n"
        "finish = threading.Event()\n"
        "def work():\n"
        "    started.release()\n"
        "    finish.wait()\n"
        "    print('finished')\n"
        "oxuv.queue_work(loop, work)\n"
        "started.acquire()\n"
        "for _ in range(20):\n"
        "    oxuv.queue_work(loop, finish.wait)\n"
        "oxuv.fs.stat('/', callback=print, loop=loop)\n"
        "finish.set()\n"
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "finished\n", "")


def test_exit_with_open_handles() -> None:
    result = run_python(
        "import oxuv\n"
        "loop = oxuv.Loop.default()\n"
        "timer = oxuv.Timer(loop)\n"
        "timer.start(print, 1000)\n"
        "idle = oxuv.Idle(loop)\n"
        "other = oxuv.Loop()\n"
        "oxuv.Timer(other).start(print, 1000)\n"
        "other.run(oxuv.RunMode.NOWAIT)\n"
        "print('end')\n"
    )
    assert (result.returncode, result.stdout) == (0, "end\n")


def test_fork(loop: Loop) -> None:
    fired: List[int] = []
    Timer(loop).start(lambda h: fired.append(os.getpid()), 0)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            loop.fork()
            loop.run()
            status = 0 if fired == [os.getpid()] else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    loop.run()
    assert fired == [os.getpid()]


def test_local_data_of_a_pool_thread_stays(loop: Loop) -> None:
    local = threading.local()
    seen: Dict[int, int] = {}
    counts: List[Tuple[int, int]] = []

    def work() -> None:
        local.count = getattr(local, "count", 0) + 1
        counts.append((threading.get_ident(), local.count))

    for _ in range(20):
        queue_work(loop, work)
        loop.run()
    for thread, count in counts:
        seen[thread] = seen.get(thread, 0) + 1
        assert count == seen[thread]
    assert len(counts) == 20


def test_other_threads_are_refused_while_the_loop_runs(loop: Loop) -> None:
    timer, waker = Timer(loop), Async(loop)
    refused: List[bool] = []

    def use(call: Callable[[], object]) -> None:
        try:
            call()
        except RuntimeError as error:
            refused.append("the loop runs in another thread" in str(error))

    def other() -> None:
        for call in (
            loop.stop,
            lambda: Timer(loop),
            lambda: timer.start(lambda handle: None, 0),
            timer.close,
            lambda: queue_work(loop, os.getpid),
            loop.update_time,
        ):
            use(call)
        waker.send()

    def on_async(handle: Async) -> None:
        handle.close()
        timer.close()

    waker._callback = on_async
    # The loop is running when the thread begins.
    thread = threading.Thread(target=other)
    timer.start(lambda handle: thread.start(), 0)
    loop.run()
    thread.join()
    assert refused == [True] * 6


def test_a_loop_may_be_passed_to_a_thread(loop: Loop) -> None:
    threads: List[int] = []
    Timer(loop).start(lambda handle: threads.append(threading.get_ident()), 0)
    thread = threading.Thread(target=loop.run)
    thread.start()
    thread.join()
    assert threads != [threading.get_ident()]
    Timer(loop).start(lambda handle: threads.append(threading.get_ident()), 0)
    loop.run()
    assert threads[1] == threading.get_ident()
