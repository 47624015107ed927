"""Watching descriptors that other code reads and writes."""

from __future__ import annotations

import enum
from typing import Any, Callable, Optional, Protocol, Union

from . import _ffi
from ._library import lib
from .errors import UVError, check, error_or_none
from .handles import handle_at
from .loop import Loop
from .sockets import Descriptor

__all__ = ["Poll", "PollEvent"]


class PollEvent(enum.IntFlag):
    """What a `Poll` waits for."""

    #: There is something to read, or a connection to accept.
    READABLE = _ffi.UV_READABLE
    #: There is room to write.
    WRITABLE = _ffi.UV_WRITABLE
    #: The other end has closed its side.
    DISCONNECT = _ffi.UV_DISCONNECT
    #: There is out-of-band data, or a device reports a change.
    PRIORITIZED = _ffi.UV_PRIORITIZED


class _HasFileno(Protocol):
    def fileno(self) -> int: ...


class Poll(Descriptor):
    """Calls back while a descriptor is ready.

    The descriptor stays the program's: it must be open while the handle is active, and only
    one `Poll` may watch it. A file or socket object that was given is kept until the handle
    is closed.
    """

    _type = _ffi.UV_POLL

    def __init__(self, loop: Loop, fd: Union[int, _HasFileno]) -> None:
        self._file: Any = fd
        super().__init__(loop)

    def _init(self) -> int:
        fd = self._file if isinstance(self._file, int) else self._file.fileno()
        return int(lib.uv_poll_init(self._loop._address, self._address, fd))

    def start(
        self, events: int, callback: Callable[[Poll, PollEvent, Optional[UVError]], object]
    ) -> None:
        """Wait for some of the events, or change what is waited for.

        The callback comes again as long as the descriptor is ready. After an error the
        handle is stopped.
        """
        check(lib.uv_poll_start(self._usable(), events, _on_poll))
        self._callback = callback
        self._update()

    def stop(self) -> None:
        check(lib.uv_poll_stop(self._usable()))
        self._update()

    def _release(self) -> None:
        super()._release()
        self._file = None


def _dispatch(address: int, status: int, events: int) -> None:
    handle_at(address)._call(PollEvent(events), error_or_none(status))


_on_poll = _ffi.uv_poll_cb(_dispatch)
