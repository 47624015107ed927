"""Python bindings of libuv's API, for oxuv or any other libuv 1.53 or newer."""

from __future__ import annotations

from . import errors, fs, system
from ._ffi import (
    UV_LOOP_BLOCK_SIGNAL,
    UV_METRICS_IDLE_TIME,
    UV_TCP_IPV6ONLY,
    UV_TCP_REUSEPORT,
)
from ._library import lib
from .dns import AddressInfo, getaddrinfo, getnameinfo
from .errors import UVError
from .handles import Async, Check, Handle, Idle, Prepare, Timer
from .loop import Loop, RunMode
from .pipe import UV_NONBLOCK_PIPE, UV_READABLE, UV_WRITABLE, Pipe, pipe
from .poll import Poll, PollEvent
from .process import (
    UV_PROCESS_DETACHED,
    CreatePipe,
    Process,
    disable_stdio_inheritance,
    kill,
)
from .requests import Request, Work, queue_work
from .signals import Signal
from .sockets import Address
from .stream import Stream
from .system import available_parallelism, cpu_info, hrtime, interface_addresses, random
from .tcp import Tcp, socketpair
from .tty import Tty, TtyMode, guess_handle, reset_tty_mode
from .udp import (
    UV_UDP_IPV6ONLY,
    UV_UDP_LINUX_RECVERR,
    UV_UDP_RECVMMSG,
    UV_UDP_REUSEADDR,
    UV_UDP_REUSEPORT,
    Udp,
)
from .watch import FsChange, FsEvent, FsPoll

__version__ = "1.53.0"

__all__ = [
    "UV_LOOP_BLOCK_SIGNAL",
    "UV_METRICS_IDLE_TIME",
    "UV_NONBLOCK_PIPE",
    "UV_PROCESS_DETACHED",
    "UV_READABLE",
    "UV_TCP_IPV6ONLY",
    "UV_TCP_REUSEPORT",
    "UV_UDP_IPV6ONLY",
    "UV_UDP_LINUX_RECVERR",
    "UV_UDP_RECVMMSG",
    "UV_UDP_REUSEADDR",
    "UV_UDP_REUSEPORT",
    "UV_WRITABLE",
    "Address",
    "AddressInfo",
    "Async",
    "Check",
    "CreatePipe",
    "FsChange",
    "FsEvent",
    "FsPoll",
    "Handle",
    "Idle",
    "Loop",
    "Pipe",
    "Poll",
    "PollEvent",
    "Prepare",
    "Process",
    "Request",
    "RunMode",
    "Signal",
    "Stream",
    "Tcp",
    "Timer",
    "Tty",
    "TtyMode",
    "UVError",
    "Udp",
    "Work",
    "__version__",
    "available_parallelism",
    "cpu_info",
    "disable_stdio_inheritance",
    "errors",
    "fs",
    "getaddrinfo",
    "getnameinfo",
    "guess_handle",
    "hrtime",
    "interface_addresses",
    "kill",
    "lib",
    "library_path",
    "pipe",
    "queue_work",
    "random",
    "reset_tty_mode",
    "socketpair",
    "system",
    "version",
]


def version() -> str:
    """Return the version of the library in use, such as "1.53.0"."""
    return str(lib.uv_version_string().decode())


def library_path() -> str:
    """Return the name or path under which the library was loaded."""
    return lib.path
