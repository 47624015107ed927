"""UDP."""

from __future__ import annotations

import ctypes
from typing import Any, Callable, Optional, Sequence, Tuple

from . import _ffi
from ._ffi import (
    UV_UDP_IPV6ONLY,
    UV_UDP_LINUX_RECVERR,
    UV_UDP_RECVMMSG,
    UV_UDP_REUSEADDR,
    UV_UDP_REUSEPORT,
)
from ._library import lib
from ._native import Buffer, Buffers, make_bufs
from .errors import UVError, check, error
from .handles import check_callable, handle_at
from .loop import Loop
from .requests import HandleRequest, Request, end_request
from .sockets import Address, Socket, sockaddr_at, to_sockaddr

__all__ = [
    "UV_UDP_IPV6ONLY",
    "UV_UDP_LINUX_RECVERR",
    "UV_UDP_RECVMMSG",
    "UV_UDP_REUSEADDR",
    "UV_UDP_REUSEPORT",
    "Udp",
]

# The number of datagrams that libuv sends or receives with one system call.
_MMSG = 20


class Udp(Socket):
    """A UDP socket."""

    _type = _ffi.UV_UDP

    def __init__(self, loop: Loop, flags: int = 0) -> None:
        """`flags`: an address family, which creates the socket at once, and `UV_UDP_RECVMMSG`."""
        self._flags = flags
        self._buffer: Any = None
        super().__init__(loop)

    def _init(self) -> int:
        return int(lib.uv_udp_init_ex(self._loop._address, self._address, self._flags))

    def open(self, fd: int) -> None:
        """Use an existing socket, which the handle then owns."""
        check(lib.uv_udp_open(self._usable(), fd))

    def bind(self, address: Address, flags: int = 0) -> None:
        """Set the local address. Port 0 picks a free port.

        Flags are `UV_UDP_IPV6ONLY`, `UV_UDP_REUSEADDR`, `UV_UDP_REUSEPORT` and
        `UV_UDP_LINUX_RECVERR`.
        """
        check(lib.uv_udp_bind(self._usable(), to_sockaddr(address), flags))

    def connect(self, address: Optional[Address]) -> None:
        """Send to this address and receive only from it; None disconnects."""
        check(lib.uv_udp_connect(self._usable(), _to_sockaddr_or_null(address)))

    def send(
        self,
        data: Buffers,
        address: Optional[Address] = None,
        callback: Optional[Callable[[Udp, Optional[UVError]], object]] = None,
    ) -> Request[None]:
        """Send one datagram, from one buffer or several; a connected handle needs no address.

        The buffers must not change until it is sent. Without a callback an error is not
        reported.
        """
        bufs, count, keep = make_bufs(data)
        request = _Send(self, callback, keep)
        sockaddr = _to_sockaddr_or_null(address)
        arguments = (request._address, self._usable(), bufs, count, sockaddr, _on_send)
        check(lib.uv_udp_send(*arguments))
        request._hold()
        self._update()
        return request

    def try_send(self, data: Buffers, address: Optional[Address] = None) -> int:
        """Send one datagram at once and return its size, or raise BlockingIOError."""
        bufs, count, _keep = make_bufs(data)
        sockaddr = _to_sockaddr_or_null(address)
        return check(lib.uv_udp_try_send(self._usable(), bufs, count, sockaddr))

    def try_send_many(self, datagrams: Sequence[Tuple[Buffer, Optional[Address]]]) -> int:
        """Send several datagrams at once and return the number sent; see `try_send`.

        One call sends at most 20.
        """
        # At most one system call: libuv 1.53.0 skips some datagrams if there are more.
        datagrams = datagrams[:_MMSG]
        count = len(datagrams)
        made = [make_bufs(data) for data, _ in datagrams]
        names = [_to_sockaddr_or_null(address) for _, address in datagrams]
        bufs = (ctypes.POINTER(_ffi.uv_buf_t) * count)(
            *(ctypes.cast(array, ctypes.POINTER(_ffi.uv_buf_t)) for array, _, _ in made)
        )
        lengths = (ctypes.c_uint * count)(*(length for _, length, _ in made))
        addresses = (ctypes.c_void_p * count)(
            *(None if name is None else ctypes.addressof(name) for name in names)
        )
        return check(lib.uv_udp_try_send2(self._usable(), count, bufs, lengths, addresses, 0))

    def recv_start(
        self, callback: Callable[[Udp, bytes, Optional[Address], Optional[UVError]], object]
    ) -> None:
        """Call back with each datagram and its source address, if that is known.

        A datagram that is too long is truncated and reported with EMSGSIZE.
        """
        check_callable(callback)
        check(lib.uv_udp_recv_start(self._usable(), _on_alloc, _on_recv))
        self._callback = callback
        self._update()

    def recv_stop(self) -> None:
        """Stop receiving: no callback follows until `recv_start`."""
        check(lib.uv_udp_recv_stop(self._usable()))
        self._update()

    def getsockname(self) -> Address:
        """Return the local address."""
        return self._name(lib.uv_udp_getsockname)

    def getpeername(self) -> Address:
        """Return the address that the handle is connected to."""
        return self._name(lib.uv_udp_getpeername)

    @property
    def send_queue_size(self) -> int:
        """The number of bytes that are queued for sending."""
        return int(lib.uv_udp_get_send_queue_size(self._usable()))

    @property
    def send_queue_count(self) -> int:
        """The number of datagrams that are queued for sending."""
        return int(lib.uv_udp_get_send_queue_count(self._usable()))

    @property
    def using_recvmmsg(self) -> bool:
        """Whether several datagrams are received with one system call."""
        return bool(lib.uv_udp_using_recvmmsg(self._usable()))

    def broadcast(self, enable: bool) -> None:
        """Permit sending to broadcast addresses."""
        check(lib.uv_udp_set_broadcast(self._usable(), enable))

    def ttl(self, value: int) -> None:
        """Set the number of routers (1 to 255) that a datagram may pass."""
        check(lib.uv_udp_set_ttl(self._usable(), value))

    def multicast_ttl(self, value: int) -> None:
        """Set the same for multicast datagrams."""
        check(lib.uv_udp_set_multicast_ttl(self._usable(), value))

    def multicast_loop(self, enable: bool) -> None:
        """Set whether multicast datagrams are also delivered to this machine."""
        check(lib.uv_udp_set_multicast_loop(self._usable(), enable))

    def multicast_interface(self, address: Optional[str]) -> None:
        """Send multicast datagrams through the interface with this address; None: any."""
        check(lib.uv_udp_set_multicast_interface(self._usable(), _encode(address)))

    def join_group(
        self, group: str, interface: Optional[str] = None, source: Optional[str] = None
    ) -> None:
        """Receive the datagrams of a multicast group, of `source` only if that is given.

        `interface` is the address of the interface to use.
        """
        self._membership(group, interface, source, _ffi.UV_JOIN_GROUP)

    def leave_group(
        self, group: str, interface: Optional[str] = None, source: Optional[str] = None
    ) -> None:
        """Undo `join_group`."""
        self._membership(group, interface, source, _ffi.UV_LEAVE_GROUP)

    def _membership(
        self, group: str, interface: Optional[str], source: Optional[str], membership: int
    ) -> None:
        arguments = [self._usable(), group.encode(), _encode(interface)]
        if source is None:
            check(lib.uv_udp_set_membership(*arguments, membership))
        else:
            arguments.append(source.encode())
            check(lib.uv_udp_set_source_membership(*arguments, membership))

    def _release(self) -> None:
        super()._release()
        self._buffer = None


class _Send(HandleRequest):
    _type = _ffi.UV_UDP_SEND


def _to_sockaddr_or_null(address: Optional[Address]) -> Any:
    return None if address is None else to_sockaddr(address)


def _encode(text: Optional[str]) -> Optional[bytes]:
    return None if text is None else text.encode()


def _alloc(address: int, suggested: int, buf: Any) -> None:
    udp = handle_at(address)
    # All datagrams of a handle share one buffer: each is copied out of it.
    if udp._buffer is None:
        count = _MMSG if udp.using_recvmmsg else 1
        udp._buffer = ctypes.create_string_buffer(suggested * count)
    buf[0].base = ctypes.addressof(udp._buffer)
    buf[0].len = len(udp._buffer)


def _sender(sockaddr: Optional[int]) -> Optional[Address]:
    try:
        return sockaddr_at(sockaddr) if sockaddr else None
    except ValueError:
        return None  # a socket of another family was opened


def _recv(address: int, nread: int, buf: Any, sockaddr: Optional[int], flags: int) -> None:
    if nread == 0 and not sockaddr:
        return  # no datagram, or the end of the use of the buffer
    data, failed = b"", None
    if nread < 0:
        failed = error(nread)
    else:
        data = ctypes.string_at(buf[0].base, nread)
        if flags & _ffi.UV_UDP_PARTIAL:
            failed = error(_ffi.UV_EMSGSIZE)
    handle_at(address)._call(data, _sender(sockaddr), failed)


_on_alloc = _ffi.uv_alloc_cb(_alloc)
_on_recv = _ffi.uv_udp_recv_cb(_recv)
_on_send = _ffi.uv_udp_send_cb(end_request)
