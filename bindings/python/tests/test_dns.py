"""Only names and addresses that need no network."""

from __future__ import annotations

import gc
import socket
from typing import Any, Dict, List, Tuple

import pytest

from oxuv import Address, AddressInfo, Loop, Request, UVError, getaddrinfo, getnameinfo

NUMERIC: Dict[str, Any] = {"flags": socket.AI_NUMERICHOST, "type": socket.SOCK_STREAM}


def test_getaddrinfo(loop: Loop) -> None:
    expected = AddressInfo(
        socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, None, ("127.0.0.1", 80)
    )
    assert getaddrinfo("127.0.0.1", 80, **NUMERIC) == [expected]
    results: List[List[AddressInfo]] = []
    getaddrinfo(
        "127.0.0.1", "80", callback=lambda r: results.append(r.result()), loop=loop, **NUMERIC
    )
    gc.collect()
    assert loop.alive
    loop.run()
    assert results == [[expected]]


def test_getaddrinfo_agrees_with_python() -> None:
    for host, family in [("localhost", socket.AF_INET), ("::1", 0), (None, socket.AF_INET6)]:
        theirs = socket.getaddrinfo(host, 7, family, socket.SOCK_STREAM)
        ours = getaddrinfo(host, 7, family=family, type=socket.SOCK_STREAM)
        assert [(i.family, i.type, i.protocol, i.address) for i in ours] == [
            (i[0], i[1], i[2], i[4]) for i in theirs
        ]


def test_canonical_name() -> None:
    (info, *_) = getaddrinfo("127.0.0.1", family=socket.AF_INET, flags=socket.AI_CANONNAME)
    assert info.canonname == "127.0.0.1"


def test_getaddrinfo_errors(loop: Loop) -> None:
    with pytest.raises(UVError) as caught:
        getaddrinfo("not a number", **NUMERIC)
    assert caught.value.name == "EAI_NONAME"
    errors: List[str] = []

    def on_result(request: Request[Any]) -> None:
        with pytest.raises(UVError) as caught:
            request.result()
        errors.append(caught.value.name)

    getaddrinfo("not a number", callback=on_result, loop=loop, **NUMERIC)
    loop.run()
    assert errors == ["EAI_NONAME"]
    with pytest.raises(UVError) as caught:
        getaddrinfo(None)
    assert caught.value.name == "EINVAL"
    with pytest.raises(UVError) as caught:
        getaddrinfo("x" * 1000)
    assert caught.value.name == "EINVAL"


def test_getnameinfo(loop: Loop) -> None:
    flags = socket.NI_NUMERICHOST | socket.NI_NUMERICSERV
    assert getnameinfo(("127.0.0.1", 80), flags) == ("127.0.0.1", "80")
    results: List[Tuple[str, str]] = []
    addresses: List[Address] = [("127.0.0.1", 1), ("::1", 2, 0, 0)]
    for address in addresses:
        getnameinfo(address, flags, callback=lambda r: results.append(r.result()), loop=loop)
        gc.collect()
    loop.run()
    assert sorted(results) == [("127.0.0.1", "1"), ("::1", "2")]


def test_getnameinfo_fails_without_a_name() -> None:
    with pytest.raises(UVError) as caught:
        getnameinfo(("0.0.0.1", 80), socket.NI_NAMEREQD)
    assert caught.value.name.startswith("EAI_")


def test_cancel(loop: Loop) -> None:
    """With the pool's threads busy a look-up can be cancelled."""
    import threading

    from oxuv import queue_work

    gate = threading.Event()
    errors: List[str] = []

    def on_result(request: Request[Any]) -> None:
        with pytest.raises(UVError) as caught:
            request.result()
        errors.append(caught.value.name)

    # As many as a pool can have, so that none is free.
    for _ in range(1024):
        queue_work(loop, gate.wait)
    try:
        getaddrinfo("127.0.0.1", callback=on_result, loop=loop, **NUMERIC).cancel()
        getnameinfo(("127.0.0.1", 80), callback=on_result, loop=loop).cancel()
    finally:
        gate.set()
    loop.run()
    assert errors == ["EAI_CANCELED"] * 2


def test_exception_in_the_callback(loop: Loop) -> None:
    def on_result(request: Request[Any]) -> None:
        raise RuntimeError("mine")

    getaddrinfo("127.0.0.1", callback=on_result, loop=loop, **NUMERIC)
    with pytest.raises(RuntimeError, match="mine"):
        loop.run()
