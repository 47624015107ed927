"""Support for the functions of `oxuv.fs`: their types, results and the call into libuv."""

from __future__ import annotations

import ctypes
import os
import warnings
from typing import Any, Callable, List, NamedTuple, Optional, Tuple, TypeVar, Union

from . import _ffi
from ._library import lib
from ._native import Buffers, make_bufs, separate
from .errors import check, error
from .loop import Loop
from .requests import Request, request_at

StrPath = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]
T = TypeVar("T")
Callback = Callable[[Request[T]], object]

_NULL = _ffi.uv_fs_cb()


class Stat(NamedTuple):
    """The status of a file. Times are in nanoseconds since the epoch."""

    st_dev: int
    st_mode: int
    st_nlink: int
    st_uid: int
    st_gid: int
    st_rdev: int
    st_ino: int
    st_size: int
    st_blksize: int
    st_blocks: int
    st_flags: int
    st_gen: int
    st_atime_ns: int
    st_mtime_ns: int
    st_ctime_ns: int
    st_birthtime_ns: int


class StatFs(NamedTuple):
    """The status of a file system."""

    f_type: int
    f_bsize: int
    f_blocks: int
    f_bfree: int
    f_bavail: int
    f_files: int
    f_ffree: int
    f_frsize: int


_DIRENT_TYPES = {
    _ffi.UV_DIRENT_UNKNOWN: "unknown",
    _ffi.UV_DIRENT_FILE: "file",
    _ffi.UV_DIRENT_DIR: "dir",
    _ffi.UV_DIRENT_LINK: "link",
    _ffi.UV_DIRENT_FIFO: "fifo",
    _ffi.UV_DIRENT_SOCKET: "socket",
    _ffi.UV_DIRENT_CHAR: "char",
    _ffi.UV_DIRENT_BLOCK: "block",
}


class DirEntry(NamedTuple):
    """A name in a directory and the type of its file: "file", "dir", "link", ... or "unknown"."""

    name: str
    type: str


class Dir:
    """An open directory, returned by `opendir`. Close it with `closedir`."""

    def __init__(self, address: int) -> None:
        self._address: Optional[int] = address

    def _usable(self) -> int:
        if self._address is None:
            raise ValueError("the directory is closed")
        return self._address

    def _release(self) -> int:
        """Return the address for `closedir`, and close the object."""
        address = self._usable()
        self._address = None
        return address

    def __del__(self) -> None:
        if self._address is not None:
            call("uv_fs_closedir", (self._release(),), none, None, None)
            warnings.warn(f"unclosed directory {self!r}", ResourceWarning, source=self)


class _FsRequest(Request[T]):
    _type = _ffi.UV_FS

    def __init__(
        self,
        loop: Optional[Loop],
        callback: Optional[Callback[T]],
        convert: Callable[[Any], T],
        paths: List[str],
        keep: object,
    ) -> None:
        super().__init__(loop, callback, keep)
        self._convert = convert
        self._paths = paths

    def _end(self) -> None:
        """Store the result of the C request, and free its memory."""
        req = _ffi.uv_fs_t.from_address(self._address)
        try:
            if req.result < 0:
                self._error = error(req.result, *self._paths)
            else:
                self._value = self._convert(req)
        except Exception as failure:
            self._error = failure
        finally:
            lib.uv_fs_req_cleanup(self._address)


def _end_fs(address: int) -> None:
    request = request_at(address)
    request._end()
    request._finish()


_on_fs = _ffi.uv_fs_cb(_end_fs)


def call(
    function: str,
    arguments: Tuple[Any, ...],
    convert: Callable[[Any], Any],
    loop: Optional[Loop],
    callback: Optional[Callable[..., object]],
    keep: object = None,
) -> Any:
    """Call a uv_fs_* function: at once without a callback, otherwise on the thread pool."""
    paths = [os.fsdecode(value) for value in arguments if isinstance(value, bytes)]
    if callback is None:
        request: _FsRequest[Any] = _FsRequest(loop, None, convert, paths, keep)
        address = loop._usable() if loop is not None else None
        status = getattr(lib, function)(address, request._address, *arguments, _NULL)
        if status < 0:
            lib.uv_fs_req_cleanup(request._address)
            raise error(status, *paths)
        request._end()
        request._done = True
        return request.result()
    loop = loop or Loop.default()
    request = _FsRequest(loop, callback, convert, paths, keep)
    check(getattr(lib, function)(loop._usable(), request._address, *arguments, _on_fs))
    request._hold()
    return request


def encode_path(path: StrPath) -> bytes:
    encoded = os.fsencode(path)
    if b"\0" in encoded:
        raise ValueError("embedded null byte in a path")
    return encoded


def none(req: Any) -> None:
    return None


def result_of(req: Any) -> int:
    return int(req.result)


def path_of(req: Any) -> str:
    return os.fsdecode(req.path)


def descriptor_and_path_of(req: Any) -> Tuple[int, str]:
    return result_of(req), path_of(req)


def dir_of(req: Any) -> Dir:
    return Dir(req.ptr)


def string_of(req: Any) -> str:
    return os.fsdecode(ctypes.string_at(req.ptr))


def _ns(time: Any) -> int:
    return int(time.tv_sec * 1_000_000_000 + time.tv_nsec)


def stat_from(s: Any) -> Stat:
    """Return the `Stat` of a uv_stat_t."""
    return Stat(
        *(getattr(s, name) for name in Stat._fields[:12]),
        *map(_ns, (s.st_atim, s.st_mtim, s.st_ctim, s.st_birthtim)),
    )


def stat_of(req: Any) -> Stat:
    return stat_from(req.statbuf)


def statfs_of(req: Any) -> StatFs:
    s = _ffi.uv_statfs_t.from_address(req.ptr)
    return StatFs(*(getattr(s, name) for name in StatFs._fields))


def _entry(entry: Any) -> DirEntry:
    return DirEntry(os.fsdecode(entry.name), _DIRENT_TYPES[entry.type])


def entries_of(req: Any) -> List[DirEntry]:
    entries = []
    entry = _ffi.uv_dirent_t()
    while lib.uv_fs_scandir_next(ctypes.addressof(req), entry) != _ffi.UV_EOF:
        entries.append(_entry(entry))
    return entries


# The operations that need memory in addition to the request's.


def read(
    fd: int, size: int, offset: int, loop: Optional[Loop], callback: Optional[Callback[bytes]]
) -> Any:
    buffer = bytearray(size)
    bufs, count, keep = make_bufs(buffer)

    def convert(req: Any) -> bytes:
        return bytes(memoryview(buffer)[: req.result])

    return call("uv_fs_read", (fd, bufs, count, offset), convert, loop, callback, keep)


def readinto(
    fd: int, buffers: Buffers, offset: int, loop: Optional[Loop], callback: Optional[Callback[int]]
) -> Any:
    views = [memoryview(buffer) for buffer in separate(buffers)]
    if any(view.readonly for view in views):
        raise TypeError("a buffer to read into must be writable")
    bufs, count, keep = make_bufs(views)
    return call("uv_fs_read", (fd, bufs, count, offset), result_of, loop, callback, keep)


def write(
    fd: int, data: Buffers, offset: int, loop: Optional[Loop], callback: Optional[Callback[int]]
) -> Any:
    bufs, count, keep = make_bufs(data)
    return call("uv_fs_write", (fd, bufs, count, offset), result_of, loop, callback, keep)


def readdir(
    directory: Dir,
    count: int,
    loop: Optional[Loop],
    callback: Optional[Callback[List[DirEntry]]],
) -> Any:
    # uv_fs_readdir fills an array that the caller attaches to the directory.
    entries = (_ffi.uv_dirent_t * count)()
    address = directory._usable()
    attached = _ffi.uv_dir_t.from_address(address)
    attached.dirents, attached.nentries = entries, count

    def convert(req: Any) -> List[DirEntry]:
        return [_entry(entry) for entry in entries[: req.result]]

    return call("uv_fs_readdir", (address,), convert, loop, callback, (entries, directory))
