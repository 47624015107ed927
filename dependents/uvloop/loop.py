"""The loop itself: order, timers, threads, signals, names, cancellation."""

import asyncio
import os
import random
import signal
import socket
import threading

import uvloop
from steps import run


async def order():
    loop, seen, done = asyncio.get_running_loop(), [], asyncio.Event()
    loop.call_later(0.4, seen.append, "400 ms")
    loop.call_later(0.01, seen.append, "10 ms")
    loop.call_later(0, seen.append, "0 ms")
    loop.call_soon(seen.append, "soon")
    loop.call_soon(lambda: loop.call_soon(seen.append, "sooner or later"))
    loop.call_later(0.01, seen.append, "10 ms again")
    loop.call_at(loop.time() + 0.5, done.set)
    await done.wait()
    return seen


async def timers():
    """A thousand timers in random order, every third cancelled; none is early."""
    loop, early, done = asyncio.get_running_loop(), [], asyncio.Event()
    delays = [number / 5000 for number in range(1000)]
    random.Random(1).shuffle(delays)

    def on_timer(due):
        early.append(loop.time() < due - 0.001)  # libuv counts in milliseconds

    handles = [loop.call_later(delay, on_timer, loop.time() + delay) for delay in delays]
    for handle in handles[::3]:
        handle.cancel()
    loop.call_later(0.25, done.set)
    await done.wait()
    return len(early), sum(early)


async def threads():
    loop, seen = asyncio.get_running_loop(), []
    done = loop.create_future()

    def note(thread, number):
        seen.append((thread, number))
        if len(seen) == 8000:
            done.set_result(None)

    def send(thread):
        for number in range(1000):
            loop.call_soon_threadsafe(note, thread, number)

    started = [threading.Thread(target=send, args=(thread,)) for thread in range(8)]
    for thread in started:
        thread.start()
    await done
    for thread in started:
        thread.join()
    in_order = all(
        [number for which, number in seen if which == thread] == list(range(1000))
        for thread in range(8)
    )
    return len(seen), in_order


async def executor():
    loop = asyncio.get_running_loop()
    results = await asyncio.gather(
        *(loop.run_in_executor(None, pow, number, 3) for number in range(200))
    )
    try:
        await loop.run_in_executor(None, int, "x")
    except ValueError as error:
        return results == [number**3 for number in range(200)], str(error)


async def signals():
    loop, seen, done = asyncio.get_running_loop(), [], asyncio.Event()
    before = signal.getsignal(signal.SIGUSR2)
    loop.add_signal_handler(signal.SIGUSR1, seen.append, "USR1")
    loop.add_signal_handler(signal.SIGUSR2, lambda: (seen.append("USR2"), done.set()))
    os.kill(os.getpid(), signal.SIGUSR1)
    while not seen:
        await asyncio.sleep(0)
    os.kill(os.getpid(), signal.SIGUSR2)
    await done.wait()
    removed = [loop.remove_signal_handler(s) for s in (signal.SIGUSR1, signal.SIGUSR2)]
    again = loop.remove_signal_handler(signal.SIGUSR1)
    return seen, removed, again, signal.getsignal(signal.SIGUSR2) == before


async def names():
    loop = asyncio.get_running_loop()
    same = []
    for arguments in (
        ("127.0.0.1", 80),
        ("::1", "http"),
        ("localhost", 443),
        (None, 0),
    ):
        options = {"type": socket.SOCK_STREAM}
        found = await loop.getaddrinfo(*arguments, **options)
        same.append(found == socket.getaddrinfo(*arguments, **options))
    try:
        await loop.getaddrinfo("no-such-name.invalid", 80)
    except socket.gaierror:
        same.append("gaierror")
    flags = socket.NI_NUMERICHOST | socket.NI_NUMERICSERV
    return same, await loop.getnameinfo(("127.0.0.1", 443), flags)


async def cancelling():
    seen = []

    async def wait(what):
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            seen.append(what)
            raise

    tasks = [asyncio.create_task(wait(number)) for number in range(5)]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    try:
        await asyncio.wait_for(wait("timed out"), 0.01)
    except asyncio.TimeoutError:
        seen.append("TimeoutError")
    # Connections in progress: they are not accepted once the backlog is full.
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(0)
    under_way = [
        asyncio.create_task(asyncio.open_connection(*listening.getsockname())) for _ in range(5)
    ]
    await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
    for task in under_way:
        task.cancel()
    ended = await asyncio.gather(*under_way, return_exceptions=True)
    for each in ended:
        if isinstance(each, tuple):
            each[1].close()
    listening.close()
    left = sum(isinstance(each, asyncio.CancelledError) for each in ended)
    return seen, {type(result).__name__ for result in results}, left > 0


async def exceptions():
    loop, seen, done = asyncio.get_running_loop(), [], asyncio.Event()

    def handler(loop, context):
        seen.append(repr(context["exception"]))
        if len(seen) == 2:
            done.set()

    loop.set_exception_handler(handler)
    loop.call_soon(lambda: 1 // 0)
    loop.call_later(0.01, [].pop)
    await done.wait()
    loop.set_exception_handler(None)
    return seen


async def other_loops():
    """Loops in other threads; each runs, is stopped and runs again."""

    def work(number):
        loop = uvloop.new_event_loop()
        loop.call_soon(loop.stop)
        loop.run_forever()
        loop.call_later(0.001, loop.stop)
        loop.run_forever()
        result = loop.run_until_complete(asyncio.sleep(0.001, number))
        loop.close()
        return result, loop.is_closed()

    results = await asyncio.gather(*(asyncio.to_thread(work, number) for number in range(20)))
    return results == [(number, True) for number in range(20)]


run(
    order,
    timers,
    threads,
    executor,
    signals,
    names,
    cancelling,
    exceptions,
    other_loops,
)
