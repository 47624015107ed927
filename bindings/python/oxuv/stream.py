"""Streams: the base of Tcp, Pipe and Tty."""

from __future__ import annotations

import ctypes
from ctypes import memmove
from typing import Callable, Dict, Optional, Tuple, TypeVar

from . import _ffi
from ._library import lib
from ._native import Buffers, make_bufs
from .errors import UVError, check, error, error_or_none
from .handles import Handle, check_callable, handle_at
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
        super().__init__(loop)

    def listen(
        self: S, callback: Callable[[S, Optional[UVError]], object], backlog: int = 128
    ) -> None:
        """Listen for connections. The callback takes each one with `accept`."""
        check_callable(callback)
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
        check_callable(callback)
        buffers = self._loop._buffers()
        check(lib.uv_read_start(self._usable(), _on_alloc, _on_read))
        self._read_callback = callback
        _reading[self._address] = (self, buffers.view)
        _rooms[self._address] = buffers.room
        self._update()

    def read_stop(self) -> None:
        """Stop reading: no callback follows until `read_start`."""
        check(lib.uv_read_stop(self._usable()))
        self._end_reading()
        self._update()

    def _end_reading(self) -> None:
        _reading.pop(self._address, None)
        _rooms.pop(self._address, None)

    def write(
        self: S,
        data: Buffers,
        callback: Optional[Callable[[S, Optional[UVError]], object]] = None,
    ) -> Request[None]:
        """Write a buffer, or several in a row; they must not change until they are written.

        Writes are done in order. Without a callback an error is not reported.
        """
        buffers = self._loop._buffers()
        if callback is None and type(data) is bytes and len(data) <= buffers.SIZE:
            # Most writes fit into the kernel's buffer, and then need no request.
            out = buffers.out
            out.base, out.len = data, len(data)
            written = lib.uv_try_write(self._usable(), buffers.out_pointer, 1)
            if written == len(data):
                return _WRITTEN
            if written > 0:
                data = data[written:]
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
        self._read_callback = None
        self._end_reading()


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


#: Each stream that reads, with the memory for the data. The stream is active, so its loop
#: holds it, too.
_reading: Dict[int, Tuple[Stream, memoryview]] = {}

#: The address of the uv_buf_t with that memory.
_rooms: Dict[int, int] = {}


def _alloc(address: int, suggested: int, buf: int) -> None:
    memmove(buf, _rooms[address], _BUF_SIZE)


def _read(address: int, nread: int, buf: int) -> None:
    if nread > 0:
        stream, view = _reading[address]
        try:
            stream._read_callback(stream, view[:nread].tobytes(), None)  # type: ignore[misc]
        except BaseException as failure:
            stream._loop._fail(failure)
    elif nread < 0:
        _end(address, nread)


def _end(address: int, status: int) -> None:
    """Report the end of a stream, or an error."""
    stream = handle_at(address)
    stream._end_reading()
    try:
        stream._read_callback(stream, b"", error(status) if status != _ffi.UV_EOF else None)
    except BaseException as failure:
        stream._loop._fail(failure)
    finally:
        stream._update()


def _written() -> Request[None]:
    """Return a request that is done."""
    request: Request[None] = Request.__new__(Request)
    request._loop = request._callback = request._keep = request._error = request._value = None
    request._done = True
    return request


_WRITTEN = _written()
_BUF_SIZE = ctypes.sizeof(_ffi.uv_buf_t)

# With addresses instead of pointers, whose objects cost more than the rest of a call.
_alloc_function = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p)(_alloc)
_read_function = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_ssize_t, ctypes.c_void_p)(_read)

_on_connection = _ffi.uv_connection_cb(_connection)
_on_alloc = ctypes.cast(_alloc_function, _ffi.uv_alloc_cb)
_on_read = ctypes.cast(_read_function, _ffi.uv_read_cb)
