"""Streams and TCP."""

from __future__ import annotations

import ctypes
import socket
import struct
from typing import Any, Callable, Iterable, Optional, Tuple, TypeVar, Union

from . import _ffi
from ._library import lib
from ._native import Buffer, pin
from .errors import UVError, check, error, error_or_none
from .handles import Handle, handle_at
from .loop import Loop
from .requests import Request, request_at

__all__ = ["Address", "Stream", "Tcp", "socketpair"]

#: (host, port), or (host, port, flowinfo, scope_id) for IPv6; the host is numeric.
Address = Union[Tuple[str, int], Tuple[str, int, int, int]]

S = TypeVar("S", bound="Stream")

_SOCKADDR_SIZE = 128  # of a sockaddr_storage


class Stream(Handle):
    """The base of handles that read and write bytes.

    Callbacks get the stream first and an error, or None, last.
    """

    _warns_if_dropped = True

    def __init__(self, loop: Loop) -> None:
        self._read_callback: Optional[Callable[..., object]] = None
        self._buffer: Any = None
        super().__init__(loop)

    def listen(
        self: S, callback: Callable[[S, Optional[UVError]], object], backlog: int = 128
    ) -> None:
        """Wait for connections. The callback takes each one with `accept`."""
        check(lib.uv_listen(self._usable(), backlog, _on_connection))
        self._callback = callback
        self._update()

    def accept(self: S, client: Optional[S] = None) -> S:
        """The next connection, as a new stream on the same loop or as the one given."""
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

        The end of the stream is b"" and no error, after which nothing more comes.
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
        data: Union[Buffer, Iterable[Buffer]],
        callback: Optional[Callable[[S, Optional[UVError]], object]] = None,
    ) -> Request[None]:
        """Write a buffer, or several in a row; they must not change until it is done.

        The order of writes is kept. Without a callback an error is not reported.
        """
        bufs, count, keep = make_bufs(data)
        request = _Write(self, callback, keep)
        check(lib.uv_write(request._address, self._usable(), bufs, count, _on_write))
        request._hold()
        self._update()
        return request

    def try_write(self, data: Union[Buffer, Iterable[Buffer]]) -> int:
        """Write what can be written at once and return how many bytes that was.

        Raises BlockingIOError if it is nothing.
        """
        bufs, count, _keep = make_bufs(data)
        return check(lib.uv_try_write(self._usable(), bufs, count))

    def shutdown(
        self: S, callback: Optional[Callable[[S, Optional[UVError]], object]] = None
    ) -> Request[None]:
        """Send the end of the stream once everything is written."""
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
        """How many bytes wait to be written."""
        return int(lib.uv_stream_get_write_queue_size(self._usable()))

    def set_blocking(self, blocking: bool) -> None:
        check(lib.uv_stream_set_blocking(self._usable(), blocking))

    def fileno(self) -> int:
        fd = ctypes.c_int()
        check(lib.uv_fileno(self._usable(), fd))
        return fd.value

    def send_buffer_size(self, value: int = 0) -> int:
        """Set the size of the kernel's send buffer, or get it if `value` is 0."""
        return self._buffer_size(lib.uv_send_buffer_size, value)

    def recv_buffer_size(self, value: int = 0) -> int:
        """Set the size of the kernel's receive buffer, or get it if `value` is 0."""
        return self._buffer_size(lib.uv_recv_buffer_size, value)

    def _buffer_size(self, function: Any, value: int) -> int:
        size = ctypes.c_int(value)
        check(function(self._usable(), size))
        return size.value

    def _release(self) -> None:
        super()._release()
        self._read_callback = self._buffer = None


class _StreamRequest(Request[None]):
    """A request of a stream, which it keeps alive."""

    def __init__(
        self, stream: Stream, callback: Optional[Callable[..., object]], keep: object = None
    ) -> None:
        super().__init__(stream._loop, callback, keep)
        self._stream = stream

    def _end(self, status: int) -> None:
        self._error = error_or_none(status)
        try:
            self._finish(self._stream, self._error)
        finally:
            self._stream._update()


class _Connect(_StreamRequest):
    _type = _ffi.UV_CONNECT


class _Write(_StreamRequest):
    _type = _ffi.UV_WRITE


class _Shutdown(_StreamRequest):
    _type = _ffi.UV_SHUTDOWN


def _end_request(address: int, status: int) -> None:
    request_at(address)._end(status)


_on_connect = _ffi.uv_connect_cb(_end_request)
_on_write = _ffi.uv_write_cb(_end_request)
_on_shutdown = _ffi.uv_shutdown_cb(_end_request)


def _connection(address: int, status: int) -> None:
    handle_at(address)._call(error_or_none(status))


def _alloc(address: int, suggested: int, buf: Any) -> None:
    stream = handle_at(address)
    # One buffer serves all reads of a stream: what was read is copied out of it before
    # anything else happens.
    if stream._buffer is None or len(stream._buffer) < suggested:
        stream._buffer = ctypes.create_string_buffer(suggested)
    buf[0].base = ctypes.addressof(stream._buffer)
    buf[0].len = len(stream._buffer)


def _read(address: int, nread: int, buf: Any) -> None:
    if nread == 0:
        return  # nothing to read after all
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


class Tcp(Stream):
    """A TCP connection or server."""

    _type = _ffi.UV_TCP

    def __init__(self, loop: Loop, flags: int = 0) -> None:
        """`flags` may name an address family, which creates the socket at once."""
        self._flags = flags
        super().__init__(loop)

    def _init(self) -> int:
        if self._flags:
            return int(lib.uv_tcp_init_ex(self._loop._address, self._address, self._flags))
        return int(lib.uv_tcp_init(self._loop._address, self._address))

    def open(self, fd: int) -> None:
        """Use an existing socket, which from now on belongs to this handle."""
        check(lib.uv_tcp_open(self._usable(), fd))

    def bind(self, address: Address, flags: int = 0) -> None:
        """Set the local address. Port 0 picks a free port.

        Flags are `UV_TCP_IPV6ONLY` and `UV_TCP_REUSEPORT`. An address in use may be reported
        by `listen` or `connect` instead.
        """
        check(lib.uv_tcp_bind(self._usable(), _to_sockaddr(address), flags))

    def connect(
        self, address: Address, callback: Callable[[Tcp, Optional[UVError]], object]
    ) -> Request[None]:
        """Connect to a server."""
        request = _Connect(self, callback)
        sockaddr = _to_sockaddr(address)
        check(lib.uv_tcp_connect(request._address, self._usable(), sockaddr, _on_connect))
        request._hold()
        self._update()
        return request

    def getsockname(self) -> Address:
        """The local address."""
        return self._name(lib.uv_tcp_getsockname)

    def getpeername(self) -> Address:
        """The address of the other end."""
        return self._name(lib.uv_tcp_getpeername)

    def _name(self, function: Any) -> Address:
        sockaddr = ctypes.create_string_buffer(_SOCKADDR_SIZE)
        size = ctypes.c_int(_SOCKADDR_SIZE)
        check(function(self._usable(), sockaddr, size))
        return _from_sockaddr(sockaddr.raw)

    def nodelay(self, enable: bool) -> None:
        """Send small packets at once instead of collecting them."""
        check(lib.uv_tcp_nodelay(self._usable(), enable))

    def keepalive(self, enable: bool, delay: int = 60, interval: int = 1, count: int = 10) -> None:
        """Probe an idle connection: after `delay` s, every `interval` s, `count` times."""
        check(lib.uv_tcp_keepalive_ex(self._usable(), enable, delay, interval, count))

    def simultaneous_accepts(self, enable: bool) -> None:
        check(lib.uv_tcp_simultaneous_accepts(self._usable(), enable))

    def close_reset(self, callback: Optional[Callable[[Tcp], object]] = None) -> None:
        """Close with a RST packet, so that the other end sees ECONNRESET."""
        self._close(callback, lib.uv_tcp_close_reset)


def socketpair(
    type: int = socket.SOCK_STREAM, protocol: int = 0, flags0: int = 0, flags1: int = 0
) -> Tuple[int, int]:
    """Two connected sockets, to be opened as streams."""
    fds = (ctypes.c_int * 2)()
    check(lib.uv_socketpair(type, protocol, fds, flags0, flags1))
    return fds[0], fds[1]


def make_bufs(data: Union[Buffer, Iterable[Buffer]]) -> Tuple[Any, int, object]:
    """A uv_buf_t array for one buffer or several, its length, and what keeps it valid."""
    if isinstance(data, (bytes, bytearray, memoryview)):
        data = (data,)
    pinned = [pin(buffer) for buffer in data]
    bufs = (_ffi.uv_buf_t * len(pinned))()
    for buf, (address, length, _) in zip(bufs, pinned):
        buf.base, buf.len = address, length
    return bufs, len(pinned), pinned


def _to_sockaddr(address: Address) -> Any:
    host, port = address[:2]
    if not 0 <= port <= 65535:
        raise OverflowError("a port is a number from 0 to 65535")
    sockaddr = ctypes.create_string_buffer(_SOCKADDR_SIZE)
    convert = lib.uv_ip6_addr if ":" in host else lib.uv_ip4_addr
    check(convert(host.encode(), port, sockaddr), host)
    if len(address) == 4:  # sin6_flowinfo and sin6_scope_id
        struct.pack_into("!I", sockaddr, 4, address[2])
        struct.pack_into("=I", sockaddr, 24, address[3])
    return sockaddr


def _from_sockaddr(raw: bytes) -> Address:
    (family,) = struct.unpack_from("=H", raw)
    (port,) = struct.unpack_from("!H", raw, 2)
    if family == socket.AF_INET:
        return socket.inet_ntop(family, raw[4:8]), port
    if family == socket.AF_INET6:
        (flowinfo,) = struct.unpack_from("!I", raw, 4)
        (scope_id,) = struct.unpack_from("=I", raw, 24)
        return socket.inet_ntop(family, raw[8:24]), port, flowinfo, scope_id
    raise ValueError(f"address family {family} is not an internet family")
