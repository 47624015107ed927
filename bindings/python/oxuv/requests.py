"""Requests: an operation in flight, and its result."""

from __future__ import annotations

import atexit
import ctypes
import threading
from typing import Any, Callable, Dict, Generic, Optional, TypeVar

from . import _ffi
from ._library import lib
from ._native import Native
from .errors import check, error, error_or_none
from .handles import Handle
from .loop import Loop

__all__ = ["Request", "Work", "queue_work"]

T = TypeVar("T")


class Request(Native, Generic[T]):
    """An operation that was started with a callback.

    It is kept alive, with its memory, until the callback has been called.
    """

    _type = _ffi.UV_UNKNOWN_REQ

    def __init__(
        self,
        loop: Optional[Loop],
        callback: Optional[Callable[..., object]],
        keep: object = None,
    ) -> None:
        super().__init__(lib.uv_req_size(self._type))
        self._loop = loop
        self._callback = callback
        self._keep = keep
        self._done = False
        self._value: Any = None
        self._error: Optional[BaseException] = None

    def __repr__(self) -> str:
        state = "pending" if not self._done else "failed" if self._error else "done"
        return f"<{type(self).__name__} {state}>"

    @property
    def done(self) -> bool:
        return self._done

    def result(self) -> T:
        """Return the result of the operation, or raise its error."""
        if not self._done:
            raise RuntimeError("the request is still in flight")
        if self._error is not None:
            raise self._error
        value: T = self._value
        return value

    def cancel(self) -> None:
        """Cancel the operation if it has not started; otherwise fails with EBUSY.

        The callback of a cancelled request is still called, and its error is ECANCELED.
        """
        if self._done:
            raise RuntimeError("the request has finished")
        check(lib.uv_cancel(self._address))

    def _hold(self) -> None:
        """Keep the request alive until `_finish`."""
        _in_flight[self._address] = self

    def _finish(self, *arguments: Any) -> None:
        """Call the user's callback, from the C callback that ends the request."""
        loop = self._loop
        assert loop is not None
        del _in_flight[self._address]
        self._done = True
        callback, self._callback, self._keep = self._callback, None, None
        try:
            if callback is not None:
                callback(*(arguments or (self,)))
        except BaseException as failure:
            loop._fail(failure)


#: Every request in flight, by address. The references are strong and not the loop's, because
#: threads of the pool write to this memory even if the loop is gone.
_in_flight: Dict[int, Request[Any]] = {}


def request_at(address: int) -> Any:
    """Return the request of a C callback."""
    return _in_flight[address]


class HandleRequest(Request[None]):
    """A request of a handle, which it keeps alive. The callback gets handle and error."""

    def __init__(
        self, handle: Handle, callback: Optional[Callable[..., object]], keep: object = None
    ) -> None:
        super().__init__(handle._loop, callback, keep)
        self._handle = handle

    def _end(self, status: int) -> None:
        self._error = error_or_none(status)
        try:
            self._finish(self._handle, self._error)
        finally:
            self._handle._update()


def end_request(address: int, status: int) -> None:
    """Implements the C callback of every `HandleRequest`."""
    request_at(address)._end(status)


class Work(Request[T]):
    """A function call on the thread pool."""

    _type = _ffi.UV_WORK

    def __init__(
        self, loop: Loop, function: Callable[[], T], callback: Optional[Callable[..., object]]
    ) -> None:
        super().__init__(loop, callback)
        self._function: Optional[Callable[[], T]] = function


def queue_work(
    loop: Loop,
    function: Callable[[], T],
    callback: Optional[Callable[[Work[T]], object]] = None,
) -> Work[T]:
    """Call `function()` on the thread pool, then `callback(work)` on the loop.

    `work.result()` returns the result of the function or raises its exception. Without a
    callback `Loop.run` raises the exception. A thread of the pool keeps its
    `threading.local` data.
    """
    loop._usable()
    work = Work(loop, function, callback)
    work._hold()  # first, because a thread of the pool may look it up at once
    status = lib.uv_queue_work(loop._address, work._address, _on_work, _on_after_work)
    if status < 0:
        del _in_flight[work._address]
        raise error(status)
    return work


_local = threading.local()


def _run_work(address: int) -> None:
    if not hasattr(_local, "kept"):
        # ctypes would end the thread's state, and with it its local data, after the callback.
        ctypes.pythonapi.PyGILState_Ensure()
        _local.kept = True
    work = request_at(address)
    function, work._function = work._function, None
    if _exiting.is_set():
        return
    try:
        work._value = function()
    except BaseException as failure:
        work._error = failure


def _end_work(address: int, status: int) -> None:
    work = request_at(address)
    if status < 0:
        work._error = error(status)
    if work._callback is None and status != _ffi.UV_ECANCELED:
        work._callback = Work.result  # raises the exception of the function
    work._finish()


_on_work = _ffi.uv_work_cb(_run_work)
_on_after_work = _ffi.uv_after_work_cb(_end_work)

_exiting = threading.Event()


@atexit.register
def _at_exit() -> None:
    """End the interpreter although threads of the pool may be running."""
    if not _in_flight:
        return
    # Their memory must outlive the interpreter's clean-up.
    for request in _in_flight.values():
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(request))
    # A thread cannot call into a finalised interpreter: wait for the running functions, skip
    # the others.
    if any(isinstance(request, Work) for request in _in_flight.values()):
        _exiting.set()
        lib.uv_library_shutdown()
