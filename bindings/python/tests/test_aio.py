"""A loop inside asyncio."""

from __future__ import annotations

import asyncio
import threading
from typing import List

import pytest

import oxuv
from oxuv import Async, Loop, Timer
from oxuv.aio import Embedded


def test_timers_of_both(loop: Loop) -> None:
    order: List[str] = []

    async def main() -> None:
        def on_timer(handle: Timer) -> None:
            order.append("timer")
            asyncio.get_running_loop().call_soon(order.append, "asyncio")

        Timer(loop).start(on_timer, 1)
        await Embedded(loop).run()
        await asyncio.sleep(0)

    asyncio.run(main())
    assert order == ["timer", "asyncio"]


def test_descriptors_and_the_thread_pool(loop: Loop) -> None:
    received: List[bytes] = []

    async def main() -> None:
        server = oxuv.Tcp(loop)
        server.bind(("127.0.0.1", 0))

        def on_connection(server: oxuv.Tcp, error: object) -> None:
            peer = server.accept()

            def on_read(peer: oxuv.Tcp, data: bytes, error: object) -> None:
                if data:
                    received.append(data)
                else:
                    peer.close()
                    server.close()

            peer.read_start(on_read)

        server.listen(on_connection)
        embedded = asyncio.ensure_future(Embedded(loop).run())
        # The client is asyncio's.
        host, port = server.getsockname()[:2]
        _, writer = await asyncio.open_connection(host, port)
        writer.write(b"from asyncio")
        writer.close()
        await embedded

        work = oxuv.queue_work(loop, threading.get_ident)
        await Embedded(loop).run()
        assert work.result() != threading.get_ident()

    asyncio.run(main())
    assert b"".join(received) == b"from asyncio"


def test_wakes_from_a_thread_and_from_asyncio(loop: Loop) -> None:
    async def main() -> None:
        sent = asyncio.Event()

        def on_async(handle: Async) -> None:
            sent.set()

        handle = Async(loop, on_async)
        embedded = Embedded(loop)
        task = asyncio.ensure_future(embedded.run())
        await asyncio.sleep(0)
        thread = threading.Thread(target=handle.send)
        thread.start()
        await sent.wait()
        thread.join()
        # Nothing but `wake` tells asyncio of this.
        handle.close()
        embedded.wake()
        await task

    asyncio.run(main())


def test_exceptions_and_cancelling(loop: Loop) -> None:
    async def main() -> None:
        def fail(handle: Timer) -> None:
            raise KeyError("in a callback")

        timer = Timer(loop)
        timer.start(fail, 0)
        with pytest.raises(KeyError):
            await Embedded(loop).run()

        handle = Async(loop)
        task = asyncio.ensure_future(Embedded(loop).run())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        handle.close()
        await Embedded(loop).run()
        assert not loop.alive

    asyncio.run(main())
