"""Python bindings of libuv's API, for oxuv or any other libuv 1.53 or newer."""

from __future__ import annotations

from . import errors, fs
from ._ffi import (
    UV_LOOP_BLOCK_SIGNAL,
    UV_METRICS_IDLE_TIME,
    UV_TCP_IPV6ONLY,
    UV_TCP_REUSEPORT,
)
from ._library import lib
from .errors import UVError
from .handles import Async, Check, Handle, Idle, Prepare, Timer
from .loop import Loop, RunMode
from .requests import Request, Work, queue_work
from .signals import Signal
from .tcp import Address, Stream, Tcp, socketpair

__all__ = [
    "UV_LOOP_BLOCK_SIGNAL",
    "UV_METRICS_IDLE_TIME",
    "UV_TCP_IPV6ONLY",
    "UV_TCP_REUSEPORT",
    "Address",
    "Async",
    "Check",
    "Handle",
    "Idle",
    "Loop",
    "Prepare",
    "Request",
    "RunMode",
    "Signal",
    "Stream",
    "Tcp",
    "Timer",
    "UVError",
    "Work",
    "errors",
    "fs",
    "hrtime",
    "lib",
    "library_path",
    "queue_work",
    "socketpair",
    "version",
]


def version() -> str:
    """The version of the library in use, such as "1.53.0"."""
    return str(lib.uv_version_string().decode())


def library_path() -> str:
    """The name or path under which the library was loaded."""
    return lib.path


def hrtime() -> int:
    """A monotonic time in nanoseconds, from an arbitrary start."""
    return int(lib.uv_hrtime())
