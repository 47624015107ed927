"""Terminals."""

from __future__ import annotations

import ctypes
import enum
from typing import Tuple

from . import _ffi
from ._library import lib
from .errors import check
from .loop import Loop
from .stream import Stream

__all__ = ["Tty", "TtyMode", "guess_handle", "reset_tty_mode"]


class TtyMode(enum.IntEnum):
    """The input mode of a terminal."""

    #: Lines, with the terminal's own editing.
    NORMAL = _ffi.UV_TTY_MODE_NORMAL
    #: Single characters, and no signals from Ctrl-C and the like.
    RAW = _ffi.UV_TTY_MODE_RAW
    #: Raw: output is not changed either.
    IO = _ffi.UV_TTY_MODE_IO


class Tty(Stream):
    """A terminal. It has the same operations as any stream, except `listen`."""

    _type = _ffi.UV_TTY

    def __init__(self, loop: Loop, fd: int) -> None:
        """`fd` is a terminal's descriptor; closing the handle closes it unless it is 0 to 2."""
        self._fd = fd
        super().__init__(loop)

    def _init(self) -> int:
        return int(lib.uv_tty_init(self._loop._address, self._address, self._fd, 0))

    def set_mode(self, mode: TtyMode) -> None:
        """Set the mode. `reset_tty_mode` restores the previous one."""
        check(lib.uv_tty_set_mode(self._usable(), mode))

    @property
    def winsize(self) -> Tuple[int, int]:
        """The width and height of the window in characters."""
        width, height = ctypes.c_int(), ctypes.c_int()
        check(lib.uv_tty_get_winsize(self._usable(), width, height))
        return width.value, height.value


def reset_tty_mode() -> None:
    """Restore the mode from before `Tty.set_mode`, for example at the end of the program."""
    check(lib.uv_tty_reset_mode())


def guess_handle(fd: int) -> str:
    """Return the type of a descriptor: "tty", "pipe", "tcp", "udp", "file" or "unknown"."""
    return _HANDLE_NAMES.get(lib.uv_guess_handle(fd), "unknown")


_HANDLE_NAMES = {number: lower for _, number, lower in _ffi.HANDLE_TYPES}
_HANDLE_NAMES[_ffi.UV_FILE] = "file"
