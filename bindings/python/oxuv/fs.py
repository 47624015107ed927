"""File operations, each synchronous or asynchronous.

Without a callback a function does its work at once and returns the result, or raises the
error. With a callback it returns a `Request` at once, the work is done on the thread pool,
and the loop (the default loop unless one is given) calls `callback(request)`, in which
`request.result()` returns the result or raises the error:

    size = fs.stat("README.md").st_size
    fs.stat("README.md", callback=lambda request: print(request.result().st_size))

Paths may be str, bytes or path objects. Paths in results are str.
"""

from __future__ import annotations

import ctypes
import os
import warnings
from typing import (
    Any,
    Callable,
    Iterable,
    List,
    NamedTuple,
    Optional,
    Tuple,
    TypeVar,
    Union,
    overload,
)

from . import _ffi
from ._ffi import (
    UV_FS_COPYFILE_EXCL,
    UV_FS_COPYFILE_FICLONE,
    UV_FS_COPYFILE_FICLONE_FORCE,
)
from ._library import lib
from ._native import Buffer, make_bufs
from .errors import check, error
from .loop import Loop
from .requests import Request, request_at

__all__ = [
    "UV_FS_COPYFILE_EXCL",
    "UV_FS_COPYFILE_FICLONE",
    "UV_FS_COPYFILE_FICLONE_FORCE",
    "Dir",
    "DirEntry",
    "Stat",
    "StatFs",
    "access",
    "chmod",
    "chown",
    "close",
    "closedir",
    "copyfile",
    "fchmod",
    "fchown",
    "fdatasync",
    "fstat",
    "fsync",
    "ftruncate",
    "futime",
    "lchown",
    "link",
    "lstat",
    "lutime",
    "mkdir",
    "mkdtemp",
    "mkstemp",
    "open",
    "opendir",
    "read",
    "readdir",
    "readinto",
    "readlink",
    "realpath",
    "rename",
    "rmdir",
    "scandir",
    "sendfile",
    "stat",
    "statfs",
    "symlink",
    "unlink",
    "utime",
    "write",
]

StrPath = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]
T = TypeVar("T")
Callback = Callable[[Request[T]], object]

_NULL = _ffi.uv_fs_cb()


class Stat(NamedTuple):
    """What `stat` knows of a file. Times are in nanoseconds since the epoch."""

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
    """What `statfs` knows of a file system."""

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
    """A name in a directory, and what it names: "file", "dir", "link", ... or "unknown"."""

    name: str
    type: str


class Dir:
    """A directory that `opendir` has opened for `readdir`. Close it with `closedir`."""

    def __init__(self, address: int) -> None:
        self._address: Optional[int] = address

    def _usable(self) -> int:
        if self._address is None:
            raise ValueError("the directory is closed")
        return self._address

    def __del__(self) -> None:
        if self._address is not None:
            closedir(self)
            warnings.warn(f"unclosed directory {self!r}", ResourceWarning, source=self)


class _FsRequest(Request[T]):
    _type = _ffi.UV_FS

    def __init__(
        self,
        loop: Optional[Loop],
        callback: Optional[Callback[T]],
        convert: Callable[[Any], T],
        paths: Tuple[bytes, ...],
        keep: object,
    ) -> None:
        super().__init__(loop, callback, keep)
        self._convert = convert
        self._paths = paths

    def _end(self) -> None:
        """Take the result out of the C request, whose memory ends here."""
        req = _ffi.uv_fs_t.from_address(self._address)
        try:
            if req.result < 0:
                self._error = error(req.result, *map(os.fsdecode, self._paths))
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


def _call(
    function: str,
    arguments: Tuple[Any, ...],
    convert: Callable[[Any], Any],
    loop: Optional[Loop],
    callback: Optional[Callable[..., object]],
    paths: Tuple[bytes, ...] = (),
    keep: object = None,
) -> Any:
    """Start one of the uv_fs_* functions, or carry it out if there is no callback."""
    if callback is None:
        request: _FsRequest[Any] = _FsRequest(loop, None, convert, paths, keep)
        address = loop._usable() if loop is not None else None
        status = getattr(lib, function)(address, request._address, *arguments, _NULL)
        if status < 0:
            lib.uv_fs_req_cleanup(request._address)
            raise error(status, *map(os.fsdecode, paths))
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


def _none(req: Any) -> None:
    return None


def _result(req: Any) -> int:
    return int(req.result)


def _path_of(req: Any) -> str:
    return os.fsdecode(req.path)


def _string_at_ptr(req: Any) -> str:
    return os.fsdecode(ctypes.string_at(req.ptr))


def _ns(time: Any) -> int:
    return int(time.tv_sec * 1_000_000_000 + time.tv_nsec)


def stat_from(s: Any) -> Stat:
    """A `Stat` of a uv_stat_t."""
    return Stat(
        *(getattr(s, name) for name in Stat._fields[:12]),
        *map(_ns, (s.st_atim, s.st_mtim, s.st_ctim, s.st_birthtim)),
    )


def _stat_of(req: Any) -> Stat:
    return stat_from(req.statbuf)


def _statfs_of(req: Any) -> StatFs:
    s = _ffi.uv_statfs_t.from_address(req.ptr)
    return StatFs(*(getattr(s, name) for name in StatFs._fields))


def _entry(entry: Any) -> DirEntry:
    return DirEntry(os.fsdecode(entry.name), _DIRENT_TYPES[entry.type])


def _entries_of(req: Any) -> List[DirEntry]:
    entries = []
    entry = _ffi.uv_dirent_t()
    while lib.uv_fs_scandir_next(ctypes.addressof(req), entry) != _ffi.UV_EOF:
        entries.append(_entry(entry))
    return entries


@overload
def open(path: StrPath, flags: int, mode: int = 0o666, *, loop: Optional[Loop] = None) -> int: ...
@overload
def open(
    path: StrPath,
    flags: int,
    mode: int = 0o666,
    *,
    callback: Callback[int],
    loop: Optional[Loop] = None,
) -> Request[int]: ...
def open(
    path: StrPath,
    flags: int,
    mode: int = 0o666,
    *,
    callback: Optional[Callback[int]] = None,
    loop: Optional[Loop] = None,
) -> Any:
    """Open a file; the result is its descriptor. Flags are those of the os module."""
    name = encode_path(path)
    return _call("uv_fs_open", (name, flags, mode), _result, loop, callback, (name,))


@overload
def close(fd: int, *, loop: Optional[Loop] = None) -> None: ...
@overload
def close(fd: int, *, callback: Callback[None], loop: Optional[Loop] = None) -> Request[None]: ...
def close(
    fd: int, *, callback: Optional[Callback[None]] = None, loop: Optional[Loop] = None
) -> Any:
    """Close a descriptor."""
    return _call("uv_fs_close", (fd,), _none, loop, callback)


@overload
def read(fd: int, size: int, offset: int = -1, *, loop: Optional[Loop] = None) -> bytes: ...
@overload
def read(
    fd: int, size: int, offset: int = -1, *, callback: Callback[bytes], loop: Optional[Loop] = None
) -> Request[bytes]: ...
def read(
    fd: int,
    size: int,
    offset: int = -1,
    *,
    callback: Optional[Callback[bytes]] = None,
    loop: Optional[Loop] = None,
) -> Any:
    """Read up to `size` bytes, at `offset` or (with -1) at the current position."""
    buffer = bytearray(size)
    bufs, count, keep = make_bufs(buffer)

    def convert(req: Any) -> bytes:
        return bytes(memoryview(buffer)[: req.result])

    arguments = (fd, bufs, count, offset)
    return _call("uv_fs_read", arguments, convert, loop, callback, keep=keep)


@overload
def readinto(
    fd: int,
    buffers: Union[Buffer, Iterable[Buffer]],
    offset: int = -1,
    *,
    loop: Optional[Loop] = None,
) -> int: ...
@overload
def readinto(
    fd: int,
    buffers: Union[Buffer, Iterable[Buffer]],
    offset: int = -1,
    *,
    callback: Callback[int],
    loop: Optional[Loop] = None,
) -> Request[int]: ...
def readinto(
    fd: int,
    buffers: Union[Buffer, Iterable[Buffer]],
    offset: int = -1,
    *,
    callback: Optional[Callback[int]] = None,
    loop: Optional[Loop] = None,
) -> Any:
    """Read into one writable buffer, or several in a row; the result is the number of bytes."""
    if isinstance(buffers, (bytes, bytearray, memoryview)):
        buffers = (buffers,)
    views = [memoryview(buffer) for buffer in buffers]
    if any(view.readonly for view in views):
        raise TypeError("a buffer to read into must be writable")
    bufs, count, keep = make_bufs(views)
    arguments = (fd, bufs, count, offset)
    return _call("uv_fs_read", arguments, _result, loop, callback, keep=keep)


@overload
def write(
    fd: int, data: Union[Buffer, Iterable[Buffer]], offset: int = -1, *, loop: Optional[Loop] = None
) -> int: ...
@overload
def write(
    fd: int,
    data: Union[Buffer, Iterable[Buffer]],
    offset: int = -1,
    *,
    callback: Callback[int],
    loop: Optional[Loop] = None,
) -> Request[int]: ...
def write(
    fd: int,
    data: Union[Buffer, Iterable[Buffer]],
    offset: int = -1,
    *,
    callback: Optional[Callback[int]] = None,
    loop: Optional[Loop] = None,
) -> Any:
    """Write a buffer, or several in a row; the result is the number of bytes."""
    bufs, count, keep = make_bufs(data)
    arguments = (fd, bufs, count, offset)
    return _call("uv_fs_write", arguments, _result, loop, callback, keep=keep)


@overload
def unlink(path: StrPath, *, loop: Optional[Loop] = None) -> None: ...
@overload
def unlink(
    path: StrPath, *, callback: Callback[None], loop: Optional[Loop] = None
) -> Request[None]: ...
def unlink(
    path: StrPath, *, callback: Optional[Callback[None]] = None, loop: Optional[Loop] = None
) -> Any:
    """Remove a file."""
    name = encode_path(path)
    return _call("uv_fs_unlink", (name,), _none, loop, callback, (name,))


@overload
def mkdir(path: StrPath, mode: int = 0o777, *, loop: Optional[Loop] = None) -> None: ...
@overload
def mkdir(
    path: StrPath, mode: int = 0o777, *, callback: Callback[None], loop: Optional[Loop] = None
) -> Request[None]: ...
def mkdir(
    path: StrPath,
    mode: int = 0o777,
    *,
    callback: Optional[Callback[None]] = None,
    loop: Optional[Loop] = None,
) -> Any:
    """Make a directory."""
    name = encode_path(path)
    return _call("uv_fs_mkdir", (name, mode), _none, loop, callback, (name,))


@overload
def mkdtemp(template: StrPath, *, loop: Optional[Loop] = None) -> str: ...
@overload
def mkdtemp(
    template: StrPath, *, callback: Callback[str], loop: Optional[Loop] = None
) -> Request[str]: ...
def mkdtemp(
    template: StrPath, *, callback: Optional[Callback[str]] = None, loop: Optional[Loop] = None
) -> Any:
    """Make a directory whose name ends in six characters in place of XXXXXX."""
    name = encode_path(template)
    return _call("uv_fs_mkdtemp", (name,), _path_of, loop, callback, (name,))


@overload
def mkstemp(template: StrPath, *, loop: Optional[Loop] = None) -> Tuple[int, str]: ...
@overload
def mkstemp(
    template: StrPath, *, callback: Callback[Tuple[int, str]], loop: Optional[Loop] = None
) -> Request[Tuple[int, str]]: ...
def mkstemp(
    template: StrPath,
    *,
    callback: Optional[Callback[Tuple[int, str]]] = None,
    loop: Optional[Loop] = None,
) -> Any:
    """Make and open a file likewise; the result is its descriptor and its path."""
    name = encode_path(template)
    arguments = (name,)
    return _call(
        "uv_fs_mkstemp",
        arguments,
        lambda req: (_result(req), _path_of(req)),
        loop,
        callback,
        (name,),
    )


@overload
def rmdir(path: StrPath, *, loop: Optional[Loop] = None) -> None: ...
@overload
def rmdir(
    path: StrPath, *, callback: Callback[None], loop: Optional[Loop] = None
) -> Request[None]: ...
def rmdir(
    path: StrPath, *, callback: Optional[Callback[None]] = None, loop: Optional[Loop] = None
) -> Any:
    """Remove an empty directory."""
    name = encode_path(path)
    return _call("uv_fs_rmdir", (name,), _none, loop, callback, (name,))


@overload
def scandir(path: StrPath, *, loop: Optional[Loop] = None) -> List[DirEntry]: ...
@overload
def scandir(
    path: StrPath, *, callback: Callback[List[DirEntry]], loop: Optional[Loop] = None
) -> Request[List[DirEntry]]: ...
def scandir(
    path: StrPath,
    *,
    callback: Optional[Callback[List[DirEntry]]] = None,
    loop: Optional[Loop] = None,
) -> Any:
    """The entries of a directory, sorted by name."""
    name = encode_path(path)
    return _call("uv_fs_scandir", (name, 0), _entries_of, loop, callback, (name,))


@overload
def opendir(path: StrPath, *, loop: Optional[Loop] = None) -> Dir: ...
@overload
def opendir(
    path: StrPath, *, callback: Callback[Dir], loop: Optional[Loop] = None
) -> Request[Dir]: ...
def opendir(
    path: StrPath, *, callback: Optional[Callback[Dir]] = None, loop: Optional[Loop] = None
) -> Any:
    """Open a directory in order to read it in parts."""
    name = encode_path(path)
    return _call("uv_fs_opendir", (name,), lambda req: Dir(req.ptr), loop, callback, (name,))


@overload
def readdir(directory: Dir, count: int = 64, *, loop: Optional[Loop] = None) -> List[DirEntry]: ...
@overload
def readdir(
    directory: Dir,
    count: int = 64,
    *,
    callback: Callback[List[DirEntry]],
    loop: Optional[Loop] = None,
) -> Request[List[DirEntry]]: ...
def readdir(
    directory: Dir,
    count: int = 64,
    *,
    callback: Optional[Callback[List[DirEntry]]] = None,
    loop: Optional[Loop] = None,
) -> Any:
    """The next entries, at most `count`; none at the end."""
    # uv_fs_readdir fills an array that the caller attaches to the directory.
    entries = (_ffi.uv_dirent_t * count)()
    address = directory._usable()
    attached = _ffi.uv_dir_t.from_address(address)
    attached.dirents, attached.nentries = entries, count

    def convert(req: Any) -> List[DirEntry]:
        return [_entry(entry) for entry in entries[: req.result]]

    keep = (entries, directory)
    return _call("uv_fs_readdir", (address,), convert, loop, callback, keep=keep)


@overload
def closedir(directory: Dir, *, loop: Optional[Loop] = None) -> None: ...
@overload
def closedir(
    directory: Dir, *, callback: Callback[None], loop: Optional[Loop] = None
) -> Request[None]: ...
def closedir(
    directory: Dir, *, callback: Optional[Callback[None]] = None, loop: Optional[Loop] = None
) -> Any:
    """Close a directory."""
    address = directory._usable()
    directory._address = None
    return _call("uv_fs_closedir", (address,), _none, loop, callback)


@overload
def stat(path: StrPath, *, loop: Optional[Loop] = None) -> Stat: ...
@overload
def stat(
    path: StrPath, *, callback: Callback[Stat], loop: Optional[Loop] = None
) -> Request[Stat]: ...
def stat(
    path: StrPath, *, callback: Optional[Callback[Stat]] = None, loop: Optional[Loop] = None
) -> Any:
    """What is known of a file, following symbolic links."""
    name = encode_path(path)
    return _call("uv_fs_stat", (name,), _stat_of, loop, callback, (name,))


@overload
def lstat(path: StrPath, *, loop: Optional[Loop] = None) -> Stat: ...
@overload
def lstat(
    path: StrPath, *, callback: Callback[Stat], loop: Optional[Loop] = None
) -> Request[Stat]: ...
def lstat(
    path: StrPath, *, callback: Optional[Callback[Stat]] = None, loop: Optional[Loop] = None
) -> Any:
    """What is known of a file, or of a symbolic link itself."""
    name = encode_path(path)
    return _call("uv_fs_lstat", (name,), _stat_of, loop, callback, (name,))


@overload
def fstat(fd: int, *, loop: Optional[Loop] = None) -> Stat: ...
@overload
def fstat(fd: int, *, callback: Callback[Stat], loop: Optional[Loop] = None) -> Request[Stat]: ...
def fstat(
    fd: int, *, callback: Optional[Callback[Stat]] = None, loop: Optional[Loop] = None
) -> Any:
    """What is known of an open file."""
    return _call("uv_fs_fstat", (fd,), _stat_of, loop, callback)


@overload
def statfs(path: StrPath, *, loop: Optional[Loop] = None) -> StatFs: ...
@overload
def statfs(
    path: StrPath, *, callback: Callback[StatFs], loop: Optional[Loop] = None
) -> Request[StatFs]: ...
def statfs(
    path: StrPath, *, callback: Optional[Callback[StatFs]] = None, loop: Optional[Loop] = None
) -> Any:
    """What is known of the file system that a file is on."""
    name = encode_path(path)
    return _call("uv_fs_statfs", (name,), _statfs_of, loop, callback, (name,))


@overload
def rename(path: StrPath, new_path: StrPath, *, loop: Optional[Loop] = None) -> None: ...
@overload
def rename(
    path: StrPath, new_path: StrPath, *, callback: Callback[None], loop: Optional[Loop] = None
) -> Request[None]: ...
def rename(
    path: StrPath,
    new_path: StrPath,
    *,
    callback: Optional[Callback[None]] = None,
    loop: Optional[Loop] = None,
) -> Any:
    """Give a file another name."""
    paths = (encode_path(path), encode_path(new_path))
    return _call("uv_fs_rename", paths, _none, loop, callback, paths)


@overload
def fsync(fd: int, *, loop: Optional[Loop] = None) -> None: ...
@overload
def fsync(fd: int, *, callback: Callback[None], loop: Optional[Loop] = None) -> Request[None]: ...
def fsync(
    fd: int, *, callback: Optional[Callback[None]] = None, loop: Optional[Loop] = None
) -> Any:
    """Wait until a file's data and metadata are on the disk."""
    return _call("uv_fs_fsync", (fd,), _none, loop, callback)


@overload
def fdatasync(fd: int, *, loop: Optional[Loop] = None) -> None: ...
@overload
def fdatasync(
    fd: int, *, callback: Callback[None], loop: Optional[Loop] = None
) -> Request[None]: ...
def fdatasync(
    fd: int, *, callback: Optional[Callback[None]] = None, loop: Optional[Loop] = None
) -> Any:
    """Wait until a file's data is on the disk."""
    return _call("uv_fs_fdatasync", (fd,), _none, loop, callback)


@overload
def ftruncate(fd: int, size: int, *, loop: Optional[Loop] = None) -> None: ...
@overload
def ftruncate(
    fd: int, size: int, *, callback: Callback[None], loop: Optional[Loop] = None
) -> Request[None]: ...
def ftruncate(
    fd: int, size: int, *, callback: Optional[Callback[None]] = None, loop: Optional[Loop] = None
) -> Any:
    """Give a file another size."""
    return _call("uv_fs_ftruncate", (fd, size), _none, loop, callback)


@overload
def sendfile(
    out_fd: int, in_fd: int, offset: int, size: int, *, loop: Optional[Loop] = None
) -> int: ...
@overload
def sendfile(
    out_fd: int,
    in_fd: int,
    offset: int,
    size: int,
    *,
    callback: Callback[int],
    loop: Optional[Loop] = None,
) -> Request[int]: ...
def sendfile(
    out_fd: int,
    in_fd: int,
    offset: int,
    size: int,
    *,
    callback: Optional[Callback[int]] = None,
    loop: Optional[Loop] = None,
) -> Any:
    """Copy bytes from `offset` of one file to another; the result is how many."""
    return _call("uv_fs_sendfile", (out_fd, in_fd, offset, size), _result, loop, callback)


@overload
def access(path: StrPath, mode: int, *, loop: Optional[Loop] = None) -> None: ...
@overload
def access(
    path: StrPath, mode: int, *, callback: Callback[None], loop: Optional[Loop] = None
) -> Request[None]: ...
def access(
    path: StrPath,
    mode: int,
    *,
    callback: Optional[Callback[None]] = None,
    loop: Optional[Loop] = None,
) -> Any:
    """Fail unless the file may be accessed like that (`os.R_OK` and so on)."""
    name = encode_path(path)
    return _call("uv_fs_access", (name, mode), _none, loop, callback, (name,))


@overload
def chmod(path: StrPath, mode: int, *, loop: Optional[Loop] = None) -> None: ...
@overload
def chmod(
    path: StrPath, mode: int, *, callback: Callback[None], loop: Optional[Loop] = None
) -> Request[None]: ...
def chmod(
    path: StrPath,
    mode: int,
    *,
    callback: Optional[Callback[None]] = None,
    loop: Optional[Loop] = None,
) -> Any:
    """Change a file's permissions."""
    name = encode_path(path)
    return _call("uv_fs_chmod", (name, mode), _none, loop, callback, (name,))


@overload
def fchmod(fd: int, mode: int, *, loop: Optional[Loop] = None) -> None: ...
@overload
def fchmod(
    fd: int, mode: int, *, callback: Callback[None], loop: Optional[Loop] = None
) -> Request[None]: ...
def fchmod(
    fd: int, mode: int, *, callback: Optional[Callback[None]] = None, loop: Optional[Loop] = None
) -> Any:
    """Change an open file's permissions."""
    return _call("uv_fs_fchmod", (fd, mode), _none, loop, callback)


@overload
def utime(path: StrPath, atime: float, mtime: float, *, loop: Optional[Loop] = None) -> None: ...
@overload
def utime(
    path: StrPath,
    atime: float,
    mtime: float,
    *,
    callback: Callback[None],
    loop: Optional[Loop] = None,
) -> Request[None]: ...
def utime(
    path: StrPath,
    atime: float,
    mtime: float,
    *,
    callback: Optional[Callback[None]] = None,
    loop: Optional[Loop] = None,
) -> Any:
    """Set a file's times, in seconds since the epoch. Infinity is now, NaN leaves it alone."""
    name = encode_path(path)
    return _call("uv_fs_utime", (name, atime, mtime), _none, loop, callback, (name,))


@overload
def futime(fd: int, atime: float, mtime: float, *, loop: Optional[Loop] = None) -> None: ...
@overload
def futime(
    fd: int, atime: float, mtime: float, *, callback: Callback[None], loop: Optional[Loop] = None
) -> Request[None]: ...
def futime(
    fd: int,
    atime: float,
    mtime: float,
    *,
    callback: Optional[Callback[None]] = None,
    loop: Optional[Loop] = None,
) -> Any:
    """Set an open file's times, like `utime`."""
    return _call("uv_fs_futime", (fd, atime, mtime), _none, loop, callback)


@overload
def lutime(path: StrPath, atime: float, mtime: float, *, loop: Optional[Loop] = None) -> None: ...
@overload
def lutime(
    path: StrPath,
    atime: float,
    mtime: float,
    *,
    callback: Callback[None],
    loop: Optional[Loop] = None,
) -> Request[None]: ...
def lutime(
    path: StrPath,
    atime: float,
    mtime: float,
    *,
    callback: Optional[Callback[None]] = None,
    loop: Optional[Loop] = None,
) -> Any:
    """Set the times of a file or a symbolic link itself, like `utime`."""
    name = encode_path(path)
    return _call("uv_fs_lutime", (name, atime, mtime), _none, loop, callback, (name,))


@overload
def link(path: StrPath, new_path: StrPath, *, loop: Optional[Loop] = None) -> None: ...
@overload
def link(
    path: StrPath, new_path: StrPath, *, callback: Callback[None], loop: Optional[Loop] = None
) -> Request[None]: ...
def link(
    path: StrPath,
    new_path: StrPath,
    *,
    callback: Optional[Callback[None]] = None,
    loop: Optional[Loop] = None,
) -> Any:
    """Give a file one more name."""
    paths = (encode_path(path), encode_path(new_path))
    return _call("uv_fs_link", paths, _none, loop, callback, paths)


@overload
def symlink(
    path: StrPath, new_path: StrPath, flags: int = 0, *, loop: Optional[Loop] = None
) -> None: ...
@overload
def symlink(
    path: StrPath,
    new_path: StrPath,
    flags: int = 0,
    *,
    callback: Callback[None],
    loop: Optional[Loop] = None,
) -> Request[None]: ...
def symlink(
    path: StrPath,
    new_path: StrPath,
    flags: int = 0,
    *,
    callback: Optional[Callback[None]] = None,
    loop: Optional[Loop] = None,
) -> Any:
    """Make `new_path` a symbolic link to `path`."""
    paths = (encode_path(path), encode_path(new_path))
    return _call("uv_fs_symlink", (*paths, flags), _none, loop, callback, paths)


@overload
def readlink(path: StrPath, *, loop: Optional[Loop] = None) -> str: ...
@overload
def readlink(
    path: StrPath, *, callback: Callback[str], loop: Optional[Loop] = None
) -> Request[str]: ...
def readlink(
    path: StrPath, *, callback: Optional[Callback[str]] = None, loop: Optional[Loop] = None
) -> Any:
    """What a symbolic link says."""
    name = encode_path(path)
    return _call("uv_fs_readlink", (name,), _string_at_ptr, loop, callback, (name,))


@overload
def realpath(path: StrPath, *, loop: Optional[Loop] = None) -> str: ...
@overload
def realpath(
    path: StrPath, *, callback: Callback[str], loop: Optional[Loop] = None
) -> Request[str]: ...
def realpath(
    path: StrPath, *, callback: Optional[Callback[str]] = None, loop: Optional[Loop] = None
) -> Any:
    """The absolute path without symbolic links."""
    name = encode_path(path)
    return _call("uv_fs_realpath", (name,), _string_at_ptr, loop, callback, (name,))


@overload
def chown(path: StrPath, uid: int, gid: int, *, loop: Optional[Loop] = None) -> None: ...
@overload
def chown(
    path: StrPath, uid: int, gid: int, *, callback: Callback[None], loop: Optional[Loop] = None
) -> Request[None]: ...
def chown(
    path: StrPath,
    uid: int,
    gid: int,
    *,
    callback: Optional[Callback[None]] = None,
    loop: Optional[Loop] = None,
) -> Any:
    """Change a file's owner; -1 leaves a part of it alone."""
    name = encode_path(path)
    return _call("uv_fs_chown", (name, uid, gid), _none, loop, callback, (name,))


@overload
def fchown(fd: int, uid: int, gid: int, *, loop: Optional[Loop] = None) -> None: ...
@overload
def fchown(
    fd: int, uid: int, gid: int, *, callback: Callback[None], loop: Optional[Loop] = None
) -> Request[None]: ...
def fchown(
    fd: int,
    uid: int,
    gid: int,
    *,
    callback: Optional[Callback[None]] = None,
    loop: Optional[Loop] = None,
) -> Any:
    """Change an open file's owner."""
    return _call("uv_fs_fchown", (fd, uid, gid), _none, loop, callback)


@overload
def lchown(path: StrPath, uid: int, gid: int, *, loop: Optional[Loop] = None) -> None: ...
@overload
def lchown(
    path: StrPath, uid: int, gid: int, *, callback: Callback[None], loop: Optional[Loop] = None
) -> Request[None]: ...
def lchown(
    path: StrPath,
    uid: int,
    gid: int,
    *,
    callback: Optional[Callback[None]] = None,
    loop: Optional[Loop] = None,
) -> Any:
    """Change the owner of a file or a symbolic link itself."""
    name = encode_path(path)
    return _call("uv_fs_lchown", (name, uid, gid), _none, loop, callback, (name,))


@overload
def copyfile(
    path: StrPath, new_path: StrPath, flags: int = 0, *, loop: Optional[Loop] = None
) -> None: ...
@overload
def copyfile(
    path: StrPath,
    new_path: StrPath,
    flags: int = 0,
    *,
    callback: Callback[None],
    loop: Optional[Loop] = None,
) -> Request[None]: ...
def copyfile(
    path: StrPath,
    new_path: StrPath,
    flags: int = 0,
    *,
    callback: Optional[Callback[None]] = None,
    loop: Optional[Loop] = None,
) -> Any:
    """Copy a file. The flags are those of this module, UV_FS_COPYFILE_*."""
    paths = (encode_path(path), encode_path(new_path))
    return _call("uv_fs_copyfile", (*paths, flags), _none, loop, callback, paths)
