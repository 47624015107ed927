"""Names and addresses.

As in `fs`, a function does its work at once without a callback, and on the thread pool with
one. The constants (families, types, flags) are those of the socket module.
"""

from __future__ import annotations

import ctypes
from typing import Any, Callable, List, NamedTuple, Optional, Tuple, Union, overload

from . import _ffi
from ._library import lib
from .errors import check, error
from .loop import Loop
from .requests import Request, request_at
from .sockets import Address, sockaddr_at, to_sockaddr

__all__ = ["AddressInfo", "getaddrinfo", "getnameinfo"]


class AddressInfo(NamedTuple):
    """One way to reach a host."""

    family: int
    type: int
    protocol: int
    #: The canonical name of the host, in the first result if AI_CANONNAME is set.
    canonname: Optional[str]
    address: Address


class _addrinfo(ctypes.Structure):
    """The system's struct addrinfo, which libuv's header does not define."""

    _fields_ = [
        ("ai_flags", ctypes.c_int),
        ("ai_family", ctypes.c_int),
        ("ai_socktype", ctypes.c_int),
        ("ai_protocol", ctypes.c_int),
        ("ai_addrlen", ctypes.c_uint32),
        ("ai_addr", ctypes.c_void_p),
        ("ai_canonname", ctypes.c_char_p),
        ("ai_next", ctypes.c_void_p),
    ]


class _GetAddrInfo(Request[List[AddressInfo]]):
    _type = _ffi.UV_GETADDRINFO

    def _end(self, status: int, head: Optional[int]) -> None:
        if status < 0:
            self._error = error(status)
            return
        try:
            self._value = list(_walk(head))
        finally:
            lib.uv_freeaddrinfo(head)


class _GetNameInfo(Request[Tuple[str, str]]):
    _type = _ffi.UV_GETNAMEINFO

    def _end(self, status: int, host: Optional[bytes], service: Optional[bytes]) -> None:
        if status < 0:
            self._error = error(status)
        else:
            self._value = (_text(host), _text(service))


def _walk(address: Optional[int]) -> Any:
    while address:
        info = _addrinfo.from_address(address)
        yield AddressInfo(
            info.ai_family,
            info.ai_socktype,
            info.ai_protocol,
            None if info.ai_canonname is None else _text(info.ai_canonname),
            sockaddr_at(info.ai_addr),
        )
        address = info.ai_next


def _text(name: Optional[bytes]) -> str:
    return (name or b"").decode(errors="surrogateescape")


def _addresses(address: int, status: int, head: Optional[int]) -> None:
    request = request_at(address)
    request._end(status, head)
    request._finish()


def _names(address: int, status: int, host: Optional[bytes], service: Optional[bytes]) -> None:
    request = request_at(address)
    request._end(status, host, service)
    request._finish()


_on_addresses = _ffi.uv_getaddrinfo_cb(_addresses)
_on_names = _ffi.uv_getnameinfo_cb(_names)


@overload
def getaddrinfo(
    host: Optional[str],
    service: Union[str, int, None] = None,
    *,
    family: int = 0,
    type: int = 0,
    protocol: int = 0,
    flags: int = 0,
    loop: Optional[Loop] = None,
) -> List[AddressInfo]: ...
@overload
def getaddrinfo(
    host: Optional[str],
    service: Union[str, int, None] = None,
    *,
    family: int = 0,
    type: int = 0,
    protocol: int = 0,
    flags: int = 0,
    callback: Callable[[Request[List[AddressInfo]]], object],
    loop: Optional[Loop] = None,
) -> Request[List[AddressInfo]]: ...
def getaddrinfo(
    host: Optional[str],
    service: Union[str, int, None] = None,
    *,
    family: int = 0,
    type: int = 0,
    protocol: int = 0,
    flags: int = 0,
    callback: Optional[Callable[[Request[List[AddressInfo]]], object]] = None,
    loop: Optional[Loop] = None,
) -> Any:
    """Look up the addresses of a host, a service, or both. The host may be international."""
    hints = _addrinfo(flags, family, type, protocol)
    loop = loop or Loop.default()
    request = _GetAddrInfo(loop, callback)
    cb = _on_addresses if callback is not None else _ffi.uv_getaddrinfo_cb()
    status = lib.uv_getaddrinfo(
        loop._usable(),
        request._address,
        cb,
        None if host is None else host.encode(),
        None if service is None else str(service).encode(),
        ctypes.addressof(hints),
    )
    check(status)
    if callback is not None:
        request._hold()
        return request
    request._end(0, _ffi.uv_getaddrinfo_t.from_address(request._address).addrinfo)
    request._done = True
    return request.result()


@overload
def getnameinfo(
    address: Address, flags: int = 0, *, loop: Optional[Loop] = None
) -> Tuple[str, str]: ...
@overload
def getnameinfo(
    address: Address,
    flags: int = 0,
    *,
    callback: Callable[[Request[Tuple[str, str]]], object],
    loop: Optional[Loop] = None,
) -> Request[Tuple[str, str]]: ...
def getnameinfo(
    address: Address,
    flags: int = 0,
    *,
    callback: Optional[Callable[[Request[Tuple[str, str]]], object]] = None,
    loop: Optional[Loop] = None,
) -> Any:
    """Look up the names of the host and the service of an address. Flags are NI_*."""
    loop = loop or Loop.default()
    request = _GetNameInfo(loop, callback)
    cb = _on_names if callback is not None else _ffi.uv_getnameinfo_cb()
    sockaddr = to_sockaddr(address)
    check(lib.uv_getnameinfo(loop._usable(), request._address, cb, sockaddr, flags))
    if callback is not None:
        request._hold()
        return request
    req = _ffi.uv_getnameinfo_t.from_address(request._address)
    request._end(0, req.host, req.service)
    request._done = True
    return request.result()
