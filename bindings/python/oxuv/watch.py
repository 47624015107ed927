"""Watching files and directories for changes."""

from __future__ import annotations

import ctypes
import enum
import os
from typing import Any, Callable, Optional

from . import _ffi
from ._fs import Stat, StrPath, encode_path, stat_from
from ._library import lib
from .errors import UVError, check, error_or_none
from .handles import Handle, Milliseconds, check_callable, handle_at, milliseconds

__all__ = ["FsChange", "FsEvent", "FsPoll"]


class FsChange(enum.IntFlag):
    """A change of a file."""

    #: It was created, deleted or renamed.
    RENAME = _ffi.UV_RENAME
    #: Its contents or attributes changed.
    CHANGE = _ffi.UV_CHANGE


class _Watcher(Handle):
    """The base of both watchers."""

    def _path(self, function: Any) -> str:
        size = ctypes.c_size_t(4096)
        while True:
            buffer = ctypes.create_string_buffer(size.value)
            status = function(self._usable(), buffer, size)
            if status != _ffi.UV_ENOBUFS:
                check(status)
                return os.fsdecode(buffer.value)


class FsEvent(_Watcher):
    """Calls back when the system reports a change of a file or in a directory."""

    _type = _ffi.UV_FS_EVENT

    def _init(self) -> int:
        return int(lib.uv_fs_event_init(self._loop._address, self._address))

    def start(
        self,
        path: StrPath,
        callback: Callable[[FsEvent, Optional[str], FsChange, Optional[UVError]], object],
        *,
        recursive: bool = False,
    ) -> None:
        """Watch a file or a directory, with all its subdirectories if `recursive` is true.

        The callback gets the path of the changed file, relative to the directory, if it is known.
        """
        check_callable(callback)
        name = encode_path(path)
        flags = _ffi.UV_FS_EVENT_RECURSIVE if recursive else 0
        check(lib.uv_fs_event_start(self._usable(), _on_event, name, flags), name)
        self._callback = callback
        self._update()

    def stop(self) -> None:
        """Stop: no callback follows. Stopping again has no effect."""
        check(lib.uv_fs_event_stop(self._usable()))
        self._update()

    @property
    def path(self) -> str:
        """The watched path; fails with EINVAL if there is none."""
        return self._path(lib.uv_fs_event_getpath)


class FsPoll(_Watcher):
    """Calls back when the `stat` of a path changes. Works with any file system."""

    _type = _ffi.UV_FS_POLL

    def _init(self) -> int:
        return int(lib.uv_fs_poll_init(self._loop._address, self._address))

    def start(
        self,
        path: StrPath,
        callback: Callable[[FsPoll, Stat, Stat, Optional[UVError]], object],
        interval: Milliseconds,
    ) -> None:
        """Check every `interval` ms, or that timedelta; the callback gets the previous `Stat` and the new one.

        If `stat` fails there is one callback with the error, and a new `Stat` of zeros.
        """
        check_callable(callback)
        interval = milliseconds("interval", interval)
        name = encode_path(path)
        check(lib.uv_fs_poll_start(self._usable(), _on_poll, name, interval), name)
        self._callback = callback
        self._update()

    def stop(self) -> None:
        """Stop: no callback follows. Stopping again has no effect."""
        check(lib.uv_fs_poll_stop(self._usable()))
        self._update()

    @property
    def path(self) -> str:
        """The watched path; fails with EINVAL if there is none."""
        return self._path(lib.uv_fs_poll_getpath)


def _event(address: int, name: Optional[bytes], events: int, status: int) -> None:
    filename = None if name is None else os.fsdecode(name)
    handle_at(address)._call(filename, FsChange(events), error_or_none(status))


def _poll(address: int, status: int, previous: Any, current: Any) -> None:
    stats = stat_from(previous[0]), stat_from(current[0])
    handle_at(address)._call(*stats, error_or_none(status))


_on_event = _ffi.uv_fs_event_cb(_event)
_on_poll = _ffi.uv_fs_poll_cb(_poll)
