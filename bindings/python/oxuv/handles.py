"""The base of all handles, and the simple ones."""

from __future__ import annotations

import threading
import warnings
from datetime import timedelta
from typing import Any, Callable, Optional, TypeVar, Union

from . import _ffi
from ._library import lib
from ._native import Native, objects
from .errors import check
from .loop import Loop

__all__ = ["Async", "Check", "Handle", "Idle", "Milliseconds", "Prepare", "Timer"]

Self = TypeVar("Self", bound="Handle")

#: A time: a number of milliseconds, or a timedelta, which is rounded up to milliseconds.
Milliseconds = Union[int, timedelta]


def milliseconds(name: str, value: Milliseconds) -> int:
    """Convert the argument `name`. A float, which would be seconds elsewhere, is refused."""
    if isinstance(value, timedelta):
        value = -(-value // timedelta(milliseconds=1))
    elif not isinstance(value, int):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(
            f"{name} must be a number of milliseconds (int) or a timedelta, "
            f"not {type(value).__name__}"
        )
    if value < 0:
        raise ValueError(f"{name} must not be negative")
    return value


def check_callable(callback: object) -> None:
    if not callable(callback):
        raise TypeError(f"callback must be callable, not {type(callback).__name__}")


class Handle(Native):
    """The base of all handles.

    A handle lives until it is closed. While it is active, its loop keeps it alive, even
    without references in the program. An inactive handle without references is closed; for a
    stream, which has a descriptor, with a ResourceWarning as for a socket.
    """

    #: The UV_* number of the type, set by subclasses.
    _type = _ffi.UV_UNKNOWN_HANDLE
    _open = False  # until libuv has initialised the memory, and after close()
    _closed = False
    _warns_if_dropped = False

    def __init__(self, loop: Loop) -> None:
        loop._usable()
        super().__init__(lib.uv_handle_size(self._type))
        self._loop = loop
        self._callback: Optional[Callable[..., object]] = None
        self._close_callback: Optional[Callable[[Any], object]] = None
        check(self._init())
        self._open = True
        self._update()

    def _init(self) -> int:
        raise NotImplementedError

    def __repr__(self) -> str:
        if self._closed:
            state = "closed"
        elif not self._open:
            state = "closing"
        else:
            state = "active" if self.active else "inactive"
        return f"<{type(self).__name__} {state}>"

    def __del__(self) -> None:
        if not self._open or self._loop._closed:
            return
        message = f"unclosed handle {self!r}"
        self._loop._collect(self)
        if self._warns_if_dropped:
            warnings.warn(message, ResourceWarning, source=self)

    @property
    def loop(self) -> Loop:
        """The loop that the handle was made for."""
        return self._loop

    @property
    def active(self) -> bool:
        """Whether the handle is active: a timer runs, a stream reads, and so on."""
        return not self._closed and bool(lib.uv_is_active(self._address))

    @property
    def closing(self) -> bool:
        """Whether `close` was called."""
        return not self._open

    @property
    def closed(self) -> bool:
        """Whether the handle is closed and libuv no longer uses it."""
        return self._closed

    @property
    def has_ref(self) -> bool:
        """Whether the handle, while it is active, keeps the loop alive."""
        return not self._closed and bool(lib.uv_has_ref(self._address))

    def ref(self) -> None:
        """Make the handle keep the loop alive while it is active, which is the default."""
        lib.uv_ref(self._usable())

    def unref(self) -> None:
        """Make the handle not keep the loop alive."""
        lib.uv_unref(self._usable())

    def close(self: Self, callback: Optional[Callable[[Self], object]] = None) -> None:
        """Close the handle; the loop calls `callback` when it is closed.

        Closing a handle again has no effect.
        """
        self._close(callback, lib.uv_close)

    def _close(self, callback: Optional[Callable[[Any], object]], close: Any) -> None:
        if not self._open:
            if callback is not None:
                raise ValueError("the handle is already closed")
            return
        self._loop._check_thread()
        check(close(self._address, _on_close) or 0)
        self._open = False
        self._close_callback = callback
        # Restores the entry in the table, which the collector has cleared before __del__.
        objects[self._address] = self
        self._loop._held[self._address] = self

    def _usable(self) -> int:
        if not self._open:
            raise ValueError("the handle is closed")
        self._loop._check_thread()
        return self._address

    def _update(self) -> None:
        """Make the loop hold the handle exactly while libuv may call back."""
        if self._closed:
            return
        if not self._open or lib.uv_is_active(self._address):
            self._loop._held[self._address] = self
        else:
            self._loop._held.pop(self._address, None)

    def _release(self) -> None:
        """Drop objects that only callbacks need: no callback follows."""
        self._callback = self._close_callback = None

    def _call(self, *arguments: Any) -> None:
        """Call the user's callback, from a C callback."""
        callback = self._callback
        try:
            if callback is not None:
                callback(self, *arguments)
        except BaseException as error:
            self._loop._fail(error)
        finally:
            self._update()


def handle_at(address: int) -> Any:
    """Return the handle of a C callback."""
    return objects[address]


def _end_handle(address: int) -> None:
    handle = handle_at(address)
    handle._closed = True
    del handle._loop._held[address]
    callback = handle._close_callback
    handle._release()
    try:
        if callback is not None:
            callback(handle)
    except BaseException as error:
        handle._loop._fail(error)


def _dispatch(address: int) -> None:
    handle_at(address)._call()


_on_close = _ffi.uv_close_cb(_end_handle)
_on_timer = _ffi.uv_timer_cb(_dispatch)
_on_idle = _ffi.uv_idle_cb(_dispatch)
_on_prepare = _ffi.uv_prepare_cb(_dispatch)
_on_check = _ffi.uv_check_cb(_dispatch)
_on_async = _ffi.uv_async_cb(_dispatch)


class Timer(Handle):
    """Calls back after some time, and again if it repeats. Times are in milliseconds."""

    _type = _ffi.UV_TIMER

    def _init(self) -> int:
        return int(lib.uv_timer_init(self._loop._address, self._address))

    def start(
        self,
        callback: Callable[[Timer], object],
        timeout: Milliseconds,
        repeat: Milliseconds = 0,
    ) -> None:
        """Call back in `timeout` ms, and then every `repeat` ms unless that is 0.

        Both may be timedeltas instead: `timedelta(seconds=0.5)`.
        """
        check_callable(callback)
        timeout, repeat = milliseconds("timeout", timeout), milliseconds("repeat", repeat)
        check(lib.uv_timer_start(self._usable(), _on_timer, timeout, repeat))
        self._callback = callback
        self._update()

    def stop(self) -> None:
        """Stop: no callback follows. Stopping again has no effect."""
        check(lib.uv_timer_stop(self._usable()))
        self._update()

    def again(self) -> None:
        """Restart a repeating timer; fails with EINVAL if it was never started."""
        check(lib.uv_timer_again(self._usable()))
        self._update()

    @property
    def repeat(self) -> int:
        """The milliseconds between callbacks, 0 for a timer that calls back once.

        A new value, which may be a timedelta, counts from the next callback.
        """
        return int(lib.uv_timer_get_repeat(self._usable()))

    @repeat.setter
    def repeat(self, value: Milliseconds) -> None:
        lib.uv_timer_set_repeat(self._usable(), milliseconds("repeat", value))

    @property
    def due_in(self) -> int:
        """Milliseconds until the timer is due, 0 if it is due or stopped."""
        return int(lib.uv_timer_get_due_in(self._usable()))


class Idle(Handle):
    """Calls back once in each iteration, before the loop waits; the loop then never waits."""

    _type = _ffi.UV_IDLE

    def _init(self) -> int:
        return int(lib.uv_idle_init(self._loop._address, self._address))

    def start(self, callback: Callable[[Idle], object]) -> None:
        """Start, or change the callback of a started handle."""
        check_callable(callback)
        check(lib.uv_idle_start(self._usable(), _on_idle))
        self._callback = callback
        self._update()

    def stop(self) -> None:
        """Stop: no callback follows. Stopping again has no effect."""
        check(lib.uv_idle_stop(self._usable()))
        self._update()


class Prepare(Handle):
    """Calls back once in each iteration, right before the loop waits for events."""

    _type = _ffi.UV_PREPARE

    def _init(self) -> int:
        return int(lib.uv_prepare_init(self._loop._address, self._address))

    def start(self, callback: Callable[[Prepare], object]) -> None:
        """Start, or change the callback of a started handle."""
        check_callable(callback)
        check(lib.uv_prepare_start(self._usable(), _on_prepare))
        self._callback = callback
        self._update()

    def stop(self) -> None:
        """Stop: no callback follows. Stopping again has no effect."""
        check(lib.uv_prepare_stop(self._usable()))
        self._update()


class Check(Handle):
    """Calls back once in each iteration, right after the loop has handled its events."""

    _type = _ffi.UV_CHECK

    def _init(self) -> int:
        return int(lib.uv_check_init(self._loop._address, self._address))

    def start(self, callback: Callable[[Check], object]) -> None:
        """Start, or change the callback of a started handle."""
        check_callable(callback)
        check(lib.uv_check_start(self._usable(), _on_check))
        self._callback = callback
        self._update()

    def stop(self) -> None:
        """Stop: no callback follows. Stopping again has no effect."""
        check(lib.uv_check_stop(self._usable()))
        self._update()


class Async(Handle):
    """Wakes the loop from another thread.

    The handle is active, and keeps the loop alive, until it is closed. `send` may be called
    from any thread. Several sends may result in one callback.
    """

    _type = _ffi.UV_ASYNC

    def __init__(self, loop: Loop, callback: Optional[Callable[[Async], object]] = None) -> None:
        # Orders a send and a close in another thread. Reentrant, because a Python signal
        # handler may send while the same thread is sending.
        self._lock = threading.RLock()
        super().__init__(loop)
        self._callback = callback

    def _init(self) -> int:
        return int(lib.uv_async_init(self._loop._address, self._address, _on_async))

    def send(self) -> None:
        """Wake the loop and make it call back."""
        with self._lock:
            if not self._open:
                raise ValueError("the handle is closed")
            check(lib.uv_async_send(self._address))

    def _close(self, callback: Optional[Callable[[Any], object]], close: Any) -> None:
        with self._lock:
            super()._close(callback, close)
