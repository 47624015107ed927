"""Pipes and Unix domain sockets."""

from __future__ import annotations

import ctypes
import os
from typing import Any, Callable, Optional, Tuple, Union

from . import _ffi
from ._ffi import UV_NONBLOCK_PIPE, UV_READABLE, UV_WRITABLE
from ._library import lib
from ._native import Buffers, make_bufs
from .errors import UVError, check, error
from .handles import Handle
from .loop import Loop
from .requests import Request
from .stream import Connect, Stream, on_connect
from .tcp import Tcp
from .udp import Udp

__all__ = ["UV_NONBLOCK_PIPE", "UV_READABLE", "UV_WRITABLE", "Pipe", "pipe"]

PipeName = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]


class Pipe(Stream):
    """A Unix domain socket, or one end of a pipe.

    Names are paths, or abstract if they begin with a null byte: `"\\0name"`. A name that is
    too long is an error, and never truncated.
    """

    _type = _ffi.UV_NAMED_PIPE

    def __init__(self, loop: Loop, ipc: bool = False) -> None:
        """`ipc` permits sending and receiving handles; a listening pipe cannot have it."""
        self._ipc = ipc
        super().__init__(loop)

    def _init(self) -> int:
        return int(lib.uv_pipe_init(self._loop._address, self._address, self._ipc))

    @property
    def ipc(self) -> bool:
        """Whether handles can be sent and received."""
        return self._ipc

    def open(self, fd: int) -> None:
        """Use an existing descriptor, which the handle then owns."""
        check(lib.uv_pipe_open(self._usable(), fd))

    def bind(self, name: PipeName) -> None:
        """Create a socket with a name. Closing the handle deletes the file."""
        path = os.fsencode(name)
        flags = _ffi.UV_PIPE_NO_TRUNCATE
        check(lib.uv_pipe_bind2(self._usable(), path, len(path), flags), path)

    def connect(
        self, name: PipeName, callback: Callable[[Pipe, Optional[UVError]], object]
    ) -> Request[None]:
        """Connect to a listening pipe."""
        request = Connect(self, callback)
        path = os.fsencode(name)
        flags = _ffi.UV_PIPE_NO_TRUNCATE
        arguments = (request._address, self._usable(), path, len(path), flags, on_connect)
        check(lib.uv_pipe_connect2(*arguments), path)
        request._hold()
        self._update()
        return request

    def chmod(self, mode: int) -> None:
        """Permit all users to connect: `UV_READABLE`, `UV_WRITABLE` or both."""
        check(lib.uv_pipe_chmod(self._usable(), mode))

    def getsockname(self) -> str:
        """Return the name of this socket, or ""."""
        return self._pipe_name(lib.uv_pipe_getsockname)

    def getpeername(self) -> str:
        """Return the name of the other end, or ""."""
        return self._pipe_name(lib.uv_pipe_getpeername)

    def _pipe_name(self, function: Any) -> str:
        buffer = ctypes.create_string_buffer(256)  # longer than sun_path
        size = ctypes.c_size_t(len(buffer))
        check(function(self._usable(), buffer, size))
        return os.fsdecode(buffer.raw[: size.value])

    def write(
        self,
        data: Buffers,
        callback: Optional[Callable[[Any, Optional[UVError]], object]] = None,
        send_handle: Optional[Handle] = None,
    ) -> Request[None]:
        """Write bytes, at least one if a handle is sent with them; see `Stream.write`.

        `send_handle` is a `Tcp`, `Pipe` or `Udp`; this pipe must have `ipc`. The handle must
        stay open until the write is done.
        """
        return self._write(data, callback, send_handle)

    def try_write(self, data: Buffers, send_handle: Optional[Handle] = None) -> int:
        """Write as much as possible at once, like `Stream.try_write`."""
        if send_handle is None:
            return super().try_write(data)
        bufs, count, _keep = make_bufs(data)
        return check(lib.uv_try_write2(self._usable(), bufs, count, send_handle._usable()))

    @property
    def pending_count(self) -> int:
        """The number of received handles that wait for `accept_handle`."""
        return int(lib.uv_pipe_pending_count(self._usable()))

    def accept_handle(self) -> Union[Tcp, Pipe, Udp]:
        """Return the next received handle; fails with EAGAIN if there is none.

        Call it in the read callback while `pending_count` is not 0.
        """
        kind = lib.uv_pipe_pending_type(self._usable())
        received: Union[Tcp, Pipe, Udp]
        if kind == _ffi.UV_TCP:
            received = Tcp(self._loop)
        elif kind == _ffi.UV_NAMED_PIPE:
            received = Pipe(self._loop)
        elif kind == _ffi.UV_UDP:
            received = Udp(self._loop)
        else:
            raise error(_ffi.UV_EAGAIN)
        status = lib.uv_accept(self._usable(), received._usable())
        if status < 0:
            received.close()
            raise error(status)
        received._update()
        return received


def pipe(read_flags: int = 0, write_flags: int = 0) -> Tuple[int, int]:
    """Return the descriptors of a pipe, the reading end first. The flag is `UV_NONBLOCK_PIPE`."""
    fds = (ctypes.c_int * 2)()
    check(lib.uv_pipe(fds, read_flags, write_flags))
    return fds[0], fds[1]
