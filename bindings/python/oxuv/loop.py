"""The event loop."""

from __future__ import annotations

import ctypes
import enum
import threading
import warnings
from collections import deque
from types import TracebackType
from typing import TYPE_CHECKING, Any, Callable, Deque, Dict, List, Optional, Type

from . import _ffi
from ._library import lib
from ._native import Native, objects
from .errors import check

if TYPE_CHECKING:
    from .handles import Handle

__all__ = ["Loop", "RunMode"]


class RunMode(enum.IntEnum):
    """The duration of `Loop.run`."""

    #: Until the loop is not alive any more, or until `Loop.stop`.
    DEFAULT = _ffi.UV_RUN_DEFAULT
    #: One iteration, which waits for events if there are none.
    ONCE = _ffi.UV_RUN_ONCE
    #: One iteration, without waiting.
    NOWAIT = _ffi.UV_RUN_NOWAIT


class _Out(ctypes.Structure):
    """A uv_buf_t whose base is the memory of a bytes object."""

    _fields_ = [("base", ctypes.c_char_p), ("len", ctypes.c_size_t)]


class _Buffers:
    """Memory that all streams of a loop share: only one reads or writes at a time."""

    SIZE = 65536

    def __init__(self) -> None:
        self._memory = (ctypes.c_char * self.SIZE)()
        self._room = _ffi.uv_buf_t(ctypes.addressof(self._memory), self.SIZE)
        #: What is read, until the next read.
        self.view = memoryview(self._memory).cast("B")
        #: The address of the uv_buf_t of that memory.
        self.room = ctypes.addressof(self._room)
        self.out = _Out()
        self.out_pointer = ctypes.cast(ctypes.pointer(self.out), ctypes.POINTER(_ffi.uv_buf_t))


class Loop:
    """An event loop.

    A loop belongs to one thread: while it runs, only `Async.send` may be called from another,
    and everything else raises a RuntimeError there. A `with`
    statement closes all its open handles, and the loop, at the end of the block.
    """

    _closed = True  # until __init__ has succeeded
    _default: Optional[Loop] = None

    def __init__(self) -> None:
        memory = ctypes.create_string_buffer(lib.uv_loop_size())
        check(lib.uv_loop_init(ctypes.addressof(memory)))
        self._adopt(ctypes.addressof(memory), memory)

    def _adopt(self, address: int, memory: Any) -> None:
        self._address = address
        self._memory = memory
        self._held: Dict[int, Native] = {}
        self._garbage: Deque[Handle] = deque()
        self._failure: Optional[BaseException] = None
        self._running = False
        self._thread = threading.get_ident()
        self._interrupt: Optional[Handle] = None
        # The iteration in which a handle of the program was called for SIGINT.
        self._interrupted_in = -1
        self._stream_buffers: Optional[_Buffers] = None
        self._closed = False

    @classmethod
    def default(cls) -> Loop:
        """Return the default loop of the process, a new one if it was closed."""
        if Loop._default is None or Loop._default._closed:
            loop = cls.__new__(cls)
            # libuv owns this memory.
            loop._adopt(lib.uv_default_loop(), None)
            Loop._default = loop
        return Loop._default

    def __repr__(self) -> str:
        state = "closed" if self._closed else "running" if self._running else "open"
        return f"<{type(self).__name__} {state}>"

    def __enter__(self) -> Loop:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        value: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        if self._closed:
            return
        if self._running:
            raise RuntimeError("a loop cannot be closed while it runs")
        failure: Optional[BaseException] = None
        # A callback may raise, or open another handle: repeat until none is left.
        while True:
            for handle in self._handles():
                handle.close()
            try:
                self.run()
            except BaseException as error:
                failure = failure or error
            if not self._handles() and not self.alive:
                break
        self.close()
        if failure is not None:
            raise failure

    def __del__(self) -> None:
        if self._closed or self is Loop._default:
            return
        message = f"unclosed loop {self!r}"
        try:
            self.close()
        except OSError:
            # libuv still has pointers to this memory, so it must not be freed.
            _abandoned.append(self)
        warnings.warn(message, ResourceWarning, source=self)

    @property
    def closed(self) -> bool:
        """Whether `close` has succeeded."""
        return self._closed

    def close(self) -> None:
        """Close the loop. Fails with EBUSY while it has open handles or unfinished requests."""
        if self._closed:
            return
        if self._running:
            raise RuntimeError("a loop cannot be closed while it runs")
        self._close_garbage()
        if self._interrupt is not None and len(self._addresses()) == 1 and not self.alive:
            # Only the internal handle is left; closing it takes one iteration.
            self._interrupt.close()
            self._interrupt = None
            lib.uv_run(self._address, RunMode.NOWAIT)
        check(lib.uv_loop_close(self._address))
        self._closed = True

    def run(self, mode: RunMode = RunMode.DEFAULT) -> bool:
        """Run the loop. Returns whether it is still alive.

        If a callback raises, the loop stops at the end of its current iteration and `run`
        raises the exception. The loop stays usable: `run` can be called again. If further
        callbacks of that iteration raise, `sys.unraisablehook` reports them.

        In the main thread Ctrl-C raises KeyboardInterrupt here, unless the program has its
        own handler for SIGINT or watches it with a `Signal`.
        """
        from .signals import interruptible

        if self._running:
            raise RuntimeError("the loop is already running")
        self._usable()
        self._running = True
        self._thread = threading.get_ident()
        try:
            self._close_garbage()
            with interruptible(self, mode):
                alive = lib.uv_run(self._address, mode)
        finally:
            self._running = False
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
        return bool(alive)

    def stop(self) -> None:
        """Make `run` return at the end of the current iteration."""
        lib.uv_stop(self._usable())

    def fork(self) -> None:
        """Make the loop usable in a forked child."""
        check(lib.uv_loop_fork(self._usable()))

    def configure(self, option: int, value: int = 0) -> None:
        """Set the option `UV_LOOP_BLOCK_SIGNAL` or `UV_METRICS_IDLE_TIME`."""
        check(lib.uv_loop_configure(self._usable(), option, ctypes.c_int(value)))

    @property
    def alive(self) -> bool:
        """Whether there are active and referenced handles, requests or closing handles."""
        return not self._closed and bool(lib.uv_loop_alive(self._address))

    @property
    def now(self) -> int:
        """The loop's time in milliseconds, from an arbitrary start. Constant in a callback."""
        return int(lib.uv_now(self._usable()))

    def update_time(self) -> None:
        """Update `now`, for example after a long callback."""
        lib.uv_update_time(self._usable())

    @property
    def backend_fd(self) -> int:
        """A descriptor to poll, to embed this loop in another one."""
        return int(lib.uv_backend_fd(self._usable()))

    @property
    def backend_timeout(self) -> int:
        """The timeout of a poll of `backend_fd` in milliseconds; -1 means none."""
        return int(lib.uv_backend_timeout(self._usable()))

    @property
    def idle_time(self) -> int:
        """The nanoseconds spent waiting, if `UV_METRICS_IDLE_TIME` was configured."""
        return int(lib.uv_metrics_idle_time(self._usable()))

    def walk(self, callback: Callable[[Handle], object]) -> None:
        """Call `callback` with each handle of the loop, including closing ones."""
        for handle in self._handles():
            callback(handle)

    # For the other modules of this package.

    def _usable(self) -> int:
        if self._closed:
            raise ValueError("the loop is closed")
        self._check_thread()
        return self._address

    def _check_thread(self) -> None:
        # A loop that does not run may be passed on, for example to a thread that runs it.
        if self._running and threading.get_ident() != self._thread:
            raise RuntimeError("the loop runs in another thread; only Async.send works from here")

    def _buffers(self) -> _Buffers:
        if self._stream_buffers is None:
            self._stream_buffers = _Buffers()
        return self._stream_buffers

    def _addresses(self) -> List[int]:
        found: List[int] = []
        # The callback only runs during the call, so it may live on the stack.
        lib.uv_walk(self._address, _ffi.uv_walk_cb(lambda handle, _: found.append(handle)), None)
        return found

    def _handles(self) -> List[Handle]:
        handles: List[Any] = [objects.get(address) for address in self._addresses()]
        return [h for h in handles if h is not None and h is not self._interrupt]

    def _fail(self, error: BaseException) -> None:
        """Store an exception of a callback for `run`."""
        lib.uv_stop(self._address)
        if self._failure is not None and isinstance(error, Exception):
            raise error  # in a C callback, so ctypes gives it to sys.unraisablehook
        if self._failure is not None:
            error.__context__ = self._failure
        self._failure = error

    def _collect(self, handle: Handle) -> None:
        """Take ownership of an open handle without references."""
        if threading.get_ident() == self._thread:
            handle.close()
        else:
            # libuv is not thread-safe, so the loop's thread closes it in its next run.
            self._garbage.append(handle)

    def _close_garbage(self) -> None:
        while self._garbage:
            self._garbage.popleft().close()


#: Loops without references that libuv still uses.
_abandoned: List[Loop] = []
