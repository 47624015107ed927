"""Watching descriptors that other code reads and writes."""

from __future__ import annotations

import enum
from typing import Any, Callable, Optional, Protocol, Union

from . import _ffi
from ._library import lib
from .errors import UVError, check, error_or_none
from .handles import check_callable, handle_at
from .loop import Loop
from .sockets import Descriptor

__all__ = ["Poll", "PollEvent"]


class PollEvent(enum.IntFlag):
    """Events of a `Poll`."""

    #: Data to read, or a connection to accept.
    READABLE = _ffi.UV_READABLE
    #: Room to write.
    WRITABLE = _ffi.UV_WRITABLE
    #: The other end has closed its side.
    DISCONNECT = _ffi.UV_DISCONNECT
    #: Out-of-band data, or a change reported by a device.
    PRIORITIZED = _ffi.UV_PRIORITIZED


class _HasFileno(Protocol):
    def fileno(self) -> int: ...


class Poll(Descriptor):
    """Calls back while a descriptor is ready.

    The program owns the descriptor: it must stay open while the handle is active, and only
    one `Poll` may watch it. The handle keeps a file or socket object until it is closed.
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
        """Watch for events, or change the watched events.

        The callback is repeated while the descriptor is ready. After an error the handle is
        stopped.
        """
        check_callable(callback)
        check(lib.uv_poll_start(self._usable(), events, _on_poll))
        self._callback = callback
        self._update()

    def stop(self) -> None:
        """Stop: no callback follows. Stopping again has no effect."""
        check(lib.uv_poll_stop(self._usable()))
        self._update()

    def _release(self) -> None:
        super()._release()
        self._file = None


def _dispatch(address: int, status: int, events: int) -> None:
    handle_at(address)._call(PollEvent(events), error_or_none(status))


_on_poll = _ffi.uv_poll_cb(_dispatch)
