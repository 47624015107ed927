"""TCP."""

from __future__ import annotations

import ctypes
import socket
from typing import Callable, Optional, Tuple

from . import _ffi
from ._library import lib
from .errors import UVError, check
from .loop import Loop
from .requests import Request
from .sockets import Address, to_sockaddr
from .stream import Connect, Stream, on_connect

__all__ = ["Tcp", "socketpair"]


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
        """Use an existing socket, which the handle then owns."""
        check(lib.uv_tcp_open(self._usable(), fd))

    def bind(self, address: Address, flags: int = 0) -> None:
        """Set the local address. Port 0 picks a free port.

        Flags are `UV_TCP_IPV6ONLY` and `UV_TCP_REUSEPORT`. An address in use may be reported
        by `listen` or `connect` instead.
        """
        check(lib.uv_tcp_bind(self._usable(), to_sockaddr(address), flags))

    def connect(
        self, address: Address, callback: Callable[[Tcp, Optional[UVError]], object]
    ) -> Request[None]:
        """Connect to a server."""
        request = Connect(self, callback)
        sockaddr = to_sockaddr(address)
        check(lib.uv_tcp_connect(request._address, self._usable(), sockaddr, on_connect))
        request._hold()
        self._update()
        return request

    def getsockname(self) -> Address:
        """Return the local address."""
        return self._name(lib.uv_tcp_getsockname)

    def getpeername(self) -> Address:
        """Return the address of the other end."""
        return self._name(lib.uv_tcp_getpeername)

    def nodelay(self, enable: bool) -> None:
        """Send small packets immediately (TCP_NODELAY)."""
        check(lib.uv_tcp_nodelay(self._usable(), enable))

    def keepalive(self, enable: bool, delay: int = 60, interval: int = 1, count: int = 10) -> None:
        """Probe an idle connection: after `delay` s, every `interval` s, `count` times."""
        check(lib.uv_tcp_keepalive_ex(self._usable(), enable, delay, interval, count))

    def simultaneous_accepts(self, enable: bool) -> None:
        """Accept several connections at once on Windows; has no effect elsewhere."""
        check(lib.uv_tcp_simultaneous_accepts(self._usable(), enable))

    def close_reset(self, callback: Optional[Callable[[Tcp], object]] = None) -> None:
        """Close with a RST packet, so that the other end sees ECONNRESET."""
        self._close(callback, lib.uv_tcp_close_reset)


def socketpair(
    type: int = socket.SOCK_STREAM, protocol: int = 0, flags0: int = 0, flags1: int = 0
) -> Tuple[int, int]:
    """Return two connected sockets, to be opened as streams."""
    fds = (ctypes.c_int * 2)()
    check(lib.uv_socketpair(type, protocol, fds, flags0, flags1))
    return fds[0], fds[1]
