"""Streams: the base of Tcp, Pipe and Tty."""

from __future__ import annotations

import ctypes
from typing import Any, Callable, Optional, TypeVar

from . import _ffi
from ._library import lib
from ._native import Buffers, make_bufs
from .errors import UVError, check, error, error_or_none
from .handles import Handle, handle_at
from .loop import Loop
from .requests import HandleRequest, Request, end_request
from .sockets import Socket

__all__ = ["Stream"]

S = TypeVar("S", bound="Stream")


class Stream(Socket):
    """The base of handles that read and write bytes.

    Callbacks get the stream first and an error, or None, last.
    """

    def __init__(self, loop: Loop) -> None:
        self._read_callback: Optional[Callable[..., object]] = None
        self._buffer: Any = None
        super().__init__(loop)

    def listen(
        self: S, callback: Callable[[S, Optional[UVError]], object], backlog: int = 128
    ) -> None:
        """Listen for connections. The callback takes each one with `accept`."""
        check(lib.uv_listen(self._usable(), backlog, _on_connection))
        self._callback = callback
        self._update()

    def accept(self: S, client: Optional[S] = None) -> S:
        """Return the next connection, as a new stream on the same loop or the given one."""
        accepted = client if client is not None else type(self)(self._loop)
        status = lib.uv_accept(self._usable(), accepted._usable())
        if status < 0:
            if client is None:
                accepted.close()
            raise error(status)
        accepted._update()
        return accepted

    def read_start(self: S, callback: Callable[[S, bytes, Optional[UVError]], object]) -> None:
        """Call back with the bytes that arrive.

        The end of the stream is reported as b"" and no error; no callback follows.
        """
        check(lib.uv_read_start(self._usable(), _on_alloc, _on_read))
        self._read_callback = callback
        self._update()

    def read_stop(self) -> None:
        check(lib.uv_read_stop(self._usable()))
        self._buffer = None
        self._update()

    def write(
        self: S,
        data: Buffers,
        callback: Optional[Callable[[S, Optional[UVError]], object]] = None,
    ) -> Request[None]:
        """Write a buffer, or several in a row; they must not change until they are written.

        Writes are done in order. Without a callback an error is not reported.
        """
        return self._write(data, callback)

    def _write(
        self,
        data: Buffers,
        callback: Optional[Callable[..., object]],
        send_handle: Optional[Handle] = None,
    ) -> Request[None]:
        bufs, count, keep = make_bufs(data)
        request = _Write(self, callback, (keep, send_handle))
        arguments = (request._address, self._usable(), bufs, count)
        if send_handle is None:
            check(lib.uv_write(*arguments, _on_write))
        else:
            check(lib.uv_write2(*arguments, send_handle._usable(), _on_write))
        request._hold()
        self._update()
        return request

    def try_write(self, data: Buffers) -> int:
        """Write as much as possible at once and return the number of bytes.

        Raises BlockingIOError if nothing can be written.
        """
        bufs, count, _keep = make_bufs(data)
        return check(lib.uv_try_write(self._usable(), bufs, count))

    def shutdown(
        self: S, callback: Optional[Callable[[S, Optional[UVError]], object]] = None
    ) -> Request[None]:
        """End the stream after all data is written."""
        request = _Shutdown(self, callback)
        check(lib.uv_shutdown(request._address, self._usable(), _on_shutdown))
        request._hold()
        self._update()
        return request

    @property
    def readable(self) -> bool:
        return bool(lib.uv_is_readable(self._usable()))

    @property
    def writable(self) -> bool:
        return bool(lib.uv_is_writable(self._usable()))

    @property
    def write_queue_size(self) -> int:
        """The number of bytes that are queued for writing."""
        return int(lib.uv_stream_get_write_queue_size(self._usable()))

    def set_blocking(self, blocking: bool) -> None:
        check(lib.uv_stream_set_blocking(self._usable(), blocking))

    def _release(self) -> None:
        super()._release()
        self._read_callback = self._buffer = None


class Connect(HandleRequest):
    _type = _ffi.UV_CONNECT


class _Write(HandleRequest):
    _type = _ffi.UV_WRITE


class _Shutdown(HandleRequest):
    _type = _ffi.UV_SHUTDOWN


on_connect = _ffi.uv_connect_cb(end_request)
_on_write = _ffi.uv_write_cb(end_request)
_on_shutdown = _ffi.uv_shutdown_cb(end_request)


def _connection(address: int, status: int) -> None:
    handle_at(address)._call(error_or_none(status))


def _alloc(address: int, suggested: int, buf: Any) -> None:
    stream = handle_at(address)
    # All reads of a stream share one buffer: the data is copied out of it immediately.
    if stream._buffer is None or len(stream._buffer) < suggested:
        stream._buffer = ctypes.create_string_buffer(suggested)
    buf[0].base = ctypes.addressof(stream._buffer)
    buf[0].len = len(stream._buffer)


def _read(address: int, nread: int, buf: Any) -> None:
    if nread == 0:
        return  # no data
    stream = handle_at(address)
    data, failed = b"", None
    if nread > 0:
        data = ctypes.string_at(buf[0].base, nread)
    else:
        stream._buffer = None
        failed = error(nread) if nread != _ffi.UV_EOF else None
    try:
        stream._read_callback(stream, data, failed)
    except BaseException as failure:
        stream._loop._fail(failure)
    finally:
        stream._update()


_on_connection = _ffi.uv_connection_cb(_connection)
_on_alloc = _ffi.uv_alloc_cb(_alloc)
_on_read = _ffi.uv_read_cb(_read)
