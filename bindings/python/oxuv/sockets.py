"""Handles with a descriptor, and internet addresses."""

from __future__ import annotations

import ctypes
import errno
import socket
import struct
from typing import Any, Dict, Tuple, Union

from ._library import lib
from .errors import UVError, check
from .handles import Handle

__all__ = ["Address", "Descriptor", "Socket"]

#: (host, port), or (host, port, flowinfo, scope_id) for IPv6; the host is numeric.
Address = Union[Tuple[str, int], Tuple[str, int, int, int]]

_SOCKADDR_SIZE = 128  # of a sockaddr_storage


class Descriptor(Handle):
    """A handle with a file descriptor."""

    def fileno(self) -> int:
        """Return the file descriptor, which the handle goes on to own."""
        fd = ctypes.c_int()
        check(lib.uv_fileno(self._usable(), fd))
        return fd.value


class Socket(Descriptor):
    """The base of handles that own a descriptor, most of them a socket."""

    _warns_if_dropped = True

    def send_buffer_size(self, value: int = 0) -> int:
        """Set the size of the kernel's send buffer, or return it if `value` is 0."""
        return self._buffer_size(lib.uv_send_buffer_size, value)

    def recv_buffer_size(self, value: int = 0) -> int:
        """Set the size of the kernel's receive buffer, or return it if `value` is 0."""
        return self._buffer_size(lib.uv_recv_buffer_size, value)

    def _buffer_size(self, function: Any, value: int) -> int:
        size = ctypes.c_int(value)
        check(function(self._usable(), size))
        return size.value

    def _name(self, function: Any) -> Address:
        """Return the result of uv_tcp_getsockname() or a similar function."""
        sockaddr = ctypes.create_string_buffer(_SOCKADDR_SIZE)
        size = ctypes.c_int(_SOCKADDR_SIZE)
        check(function(self._usable(), sockaddr, size))
        return from_sockaddr(sockaddr.raw)


def to_sockaddr(address: Address) -> Any:
    host, port = address[:2]
    if not 0 <= port <= 65535:
        raise OverflowError("a port is a number from 0 to 65535")
    sockaddr = ctypes.create_string_buffer(_SOCKADDR_SIZE)
    convert = lib.uv_ip6_addr if ":" in host else lib.uv_ip4_addr
    if convert(host.encode(), port, sockaddr) < 0:
        raise UVError(
            errno.EINVAL, "the host must be a numeric address; getaddrinfo() finds it", host
        )
    if len(address) == 4:  # sin6_flowinfo and sin6_scope_id
        struct.pack_into("!I", sockaddr, 4, address[2])
        struct.pack_into("=I", sockaddr, 24, address[3])
    return sockaddr


def from_sockaddr(raw: bytes) -> Address:
    (family,) = struct.unpack_from("=H", raw)
    (port,) = struct.unpack_from("!H", raw, 2)
    if family == socket.AF_INET:
        return socket.inet_ntop(family, raw[4:8]), port
    if family == socket.AF_INET6:
        (flowinfo,) = struct.unpack_from("!I", raw, 4)
        (scope_id,) = struct.unpack_from("=I", raw, 24)
        return socket.inet_ntop(family, raw[8:24]), port, flowinfo, scope_id
    raise ValueError(f"address family {family} is not an internet family")


def sockaddr_at(pointer: int) -> Address:
    """Return the address that a C sockaddr* points to."""
    family = struct.unpack("=H", ctypes.string_at(pointer, 2))[0]
    # Reads exactly the struct of the family.
    return from_sockaddr(ctypes.string_at(pointer, _SIZES.get(family, 4)))


_SIZES: Dict[int, int] = {socket.AF_INET: 16, socket.AF_INET6: 28}
