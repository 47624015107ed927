"""Running a loop inside asyncio.

An asyncio program runs on one thread, and so does a loop; `Embedded` lets both share it:

    import asyncio
    import oxuv
    from oxuv.aio import Embedded

    async def main() -> None:
        with oxuv.Loop() as loop:
            timer = oxuv.Timer(loop)
            timer.start(lambda handle: print("a second later"), 1000)
            await Embedded(loop).run()

    asyncio.run(main())
"""

from __future__ import annotations

import asyncio

from .loop import Loop, RunMode

__all__ = ["Embedded"]


class Embedded:
    """Runs a loop inside the running asyncio loop.

    asyncio waits for the loop's descriptor and its next timer, and the loop runs without
    waiting. So callbacks of both may use each other's objects: they run in the same thread.
    """

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._due = asyncio.Event()

    def wake(self) -> None:
        """Look at the loop again.

        Call this after starting a handle or a request outside of the loop's own callbacks, as
        asyncio does not see that.
        """
        self._due.set()

    async def run(self) -> None:
        """Run the loop until it is not alive any more, or until this task is cancelled.

        An exception of a callback is raised here. `run` can be called again afterwards.
        """
        asyncio_loop = asyncio.get_running_loop()
        descriptor = self._loop.backend_fd
        asyncio_loop.add_reader(descriptor, self._due.set)
        try:
            while self._loop.run(RunMode.NOWAIT):
                await self._wait(self._loop.backend_timeout)
        finally:
            asyncio_loop.remove_reader(descriptor)

    async def _wait(self, timeout: int) -> None:
        if timeout == 0:
            await asyncio.sleep(0)
            return
        timer = None
        if timeout > 0:
            loop = asyncio.get_running_loop()
            timer = loop.call_later(timeout / 1000, self._due.set)
        try:
            await self._due.wait()
            self._due.clear()
        finally:
            if timer is not None:
                timer.cancel()
