"""Information on the system and this process, and random bytes."""

from __future__ import annotations

import ctypes
import os
import threading
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple, Union, overload

from . import _ffi
from ._library import lib
from .errors import check, error_or_none
from .loop import Loop
from .requests import Request, request_at
from .sockets import Address, sockaddr_at

__all__ = [
    "CpuInfo",
    "CpuTimes",
    "Group",
    "InterfaceAddress",
    "Passwd",
    "RUsage",
    "Uname",
    "available_memory",
    "available_parallelism",
    "chdir",
    "clock_gettime_ns",
    "constrained_memory",
    "cpu_info",
    "cwd",
    "environ",
    "exepath",
    "free_memory",
    "getenv",
    "gethostname",
    "getloadavg",
    "getpid",
    "getppid",
    "getpriority",
    "gettimeofday",
    "group",
    "homedir",
    "hrtime",
    "if_indextoname",
    "interface_addresses",
    "passwd",
    "process_title",
    "random",
    "resident_set_memory",
    "rusage",
    "rusage_thread",
    "set_process_title",
    "setenv",
    "setpriority",
    "tmpdir",
    "total_memory",
    "uname",
    "unsetenv",
    "uptime",
]

# Time


def hrtime() -> int:
    """Return a monotonic time in nanoseconds, from an arbitrary start."""
    return int(lib.uv_hrtime())


def clock_gettime_ns(clock: int) -> int:
    """Return the time of `UV_CLOCK_MONOTONIC` or `UV_CLOCK_REALTIME`, in nanoseconds."""
    time = _ffi.uv_timespec64_t()
    check(lib.uv_clock_gettime(clock, time))
    return int(time.tv_sec * 1_000_000_000 + time.tv_nsec)


def gettimeofday() -> Tuple[int, int]:
    """Return the seconds since the epoch, and microseconds."""
    time = _ffi.uv_timeval64_t()
    check(lib.uv_gettimeofday(time))
    return time.tv_sec, time.tv_usec


def uptime() -> float:
    """Return the seconds since the system was started."""
    seconds = ctypes.c_double()
    check(lib.uv_uptime(seconds))
    return seconds.value


# The machine


class CpuTimes(NamedTuple):
    """The time of a CPU by use, in milliseconds."""

    user: int
    nice: int
    sys: int
    idle: int
    irq: int


class CpuInfo(NamedTuple):
    """A CPU; its speed is in MHz."""

    model: str
    speed: int
    times: CpuTimes


def cpu_info() -> List[CpuInfo]:
    """Return the online CPUs of the machine."""
    infos, count = ctypes.POINTER(_ffi.uv_cpu_info_t)(), ctypes.c_int()
    check(lib.uv_cpu_info(infos, count))
    try:
        return [
            CpuInfo(
                os.fsdecode(info.model),
                info.speed,
                CpuTimes(*(getattr(info.cpu_times, name) for name in CpuTimes._fields)),
            )
            for info in infos[: count.value]
        ]
    finally:
        lib.uv_free_cpu_info(infos, count)


def available_parallelism() -> int:
    """Return the number of threads of this process that can run at once."""
    return int(lib.uv_available_parallelism())


def getloadavg() -> Tuple[float, float, float]:
    """Return the average load of the last 1, 5 and 15 minutes."""
    values = (ctypes.c_double * 3)()
    lib.uv_loadavg(values)
    return values[0], values[1], values[2]


class InterfaceAddress(NamedTuple):
    """An address of a network interface. Ports are 0."""

    name: str
    mac: str
    internal: bool
    address: Address
    netmask: Address


def interface_addresses() -> List[InterfaceAddress]:
    """Return the addresses of the network interfaces that are up."""
    kind = _ffi.uv_interface_address_t
    items, count = ctypes.POINTER(kind)(), ctypes.c_int()
    check(lib.uv_interface_addresses(items, count))
    try:
        found = []
        for item in items[: count.value]:
            start = ctypes.addressof(item)
            mac = ctypes.string_at(start + kind.phys_addr.offset, kind.phys_addr.size)
            found.append(
                InterfaceAddress(
                    os.fsdecode(item.name),
                    mac.hex(":"),
                    bool(item.is_internal),
                    sockaddr_at(start + kind.address.offset),
                    sockaddr_at(start + kind.netmask.offset),
                )
            )
        return found
    finally:
        lib.uv_free_interface_addresses(items, count)


def if_indextoname(index: int) -> str:
    """Return the name of a network interface, for example of an IPv6 scope id."""
    buffer = ctypes.create_string_buffer(_ffi.UV_IF_NAMESIZE)
    size = ctypes.c_size_t(len(buffer))
    check(lib.uv_if_indextoname(index, buffer, size))
    return os.fsdecode(buffer.value)


class Uname(NamedTuple):
    """The operating system's name and version."""

    sysname: str
    release: str
    version: str
    machine: str


def uname() -> Uname:
    """Return the operating system."""
    names = _ffi.uv_utsname_t()
    check(lib.uv_os_uname(names))
    return Uname(*(os.fsdecode(getattr(names, name)) for name in Uname._fields))


def gethostname() -> str:
    """Return the name of the machine."""
    return _string(lib.uv_os_gethostname)


# Memory, in bytes


def total_memory() -> int:
    """Return the memory of the machine."""
    return int(lib.uv_get_total_memory())


def free_memory() -> int:
    """Return the memory that is available without swapping."""
    return int(lib.uv_get_free_memory())


def available_memory() -> int:
    """Return the memory that is available to this process within its limits."""
    return int(lib.uv_get_available_memory())


def constrained_memory() -> int:
    """Return the limit on the memory of this process, 0 if it is unknown or none."""
    return int(lib.uv_get_constrained_memory())


def resident_set_memory() -> int:
    """Return the resident memory of this process."""
    size = ctypes.c_size_t()
    check(lib.uv_resident_set_memory(size))
    return size.value


# The process


class RUsage(NamedTuple):
    """The resource usage; times are in seconds. Some numbers are always 0 on Linux."""

    utime: float
    stime: float
    maxrss: int
    ixrss: int
    idrss: int
    isrss: int
    minflt: int
    majflt: int
    nswap: int
    inblock: int
    oublock: int
    msgsnd: int
    msgrcv: int
    nsignals: int
    nvcsw: int
    nivcsw: int


def rusage() -> RUsage:
    """Return the resource usage of this process. `maxrss` is in kilobytes."""
    return _rusage(lib.uv_getrusage)


def rusage_thread() -> RUsage:
    """Return the resource usage of this thread."""
    return _rusage(lib.uv_getrusage_thread)


def _rusage(function: Any) -> RUsage:
    usage = _ffi.uv_rusage_t()
    check(function(usage))
    times = [time.tv_sec + time.tv_usec / 1_000_000 for time in (usage.ru_utime, usage.ru_stime)]
    return RUsage(*times, *(getattr(usage, f"ru_{name}") for name in RUsage._fields[2:]))


def getpid() -> int:
    """Return the id of this process."""
    return int(lib.uv_os_getpid())


def getppid() -> int:
    """Return the id of the parent process."""
    return int(lib.uv_os_getppid())


def getpriority(pid: int = 0) -> int:
    """Return the nice value of a process, from -20 (favoured) to 19; 0 is this process."""
    value = ctypes.c_int()
    check(lib.uv_os_getpriority(pid, value))
    return value.value


def setpriority(priority: int, pid: int = 0) -> None:
    """Set the nice value of a process."""
    check(lib.uv_os_setpriority(pid, priority))


def exepath() -> str:
    """Return the path of the running program, the Python interpreter."""
    buffer = ctypes.create_string_buffer(_PATH_MAX)
    size = ctypes.c_size_t(len(buffer))
    check(lib.uv_exepath(buffer, size))
    return os.fsdecode(buffer.value)


def cwd() -> str:
    """Return the working directory."""
    return _string(lib.uv_cwd)


def chdir(path: Union[str, bytes, os.PathLike[str], os.PathLike[bytes]]) -> None:
    """Change the working directory."""
    name = os.fsencode(path)
    check(lib.uv_chdir(name), name)


_title_lock = threading.Lock()
_title_argv: Any = None


def _setup_title() -> None:
    """Pass the process's arguments to libuv, which stores the title in their memory.

    C programs do this in main(). Python does not give access to the original argv, but the
    kernel reports its address.
    """
    global _title_argv
    with _title_lock:
        if _title_argv is not None:
            return
        with open("/proc/self/stat", "rb") as file:
            # The command is in parentheses and may contain blanks; the third field follows.
            fields = file.read().rpartition(b")")[2].split()
        start, end = int(fields[48 - 3]), int(fields[49 - 3])
        arguments = ctypes.string_at(start, end - start).split(b"\0")[:-1]
        argv = (ctypes.c_char_p * (len(arguments) + 1))()
        pointers = ctypes.cast(argv, ctypes.POINTER(ctypes.c_void_p))
        for index, argument in enumerate(arguments):
            pointers[index] = start
            start += len(argument) + 1
        lib.uv_setup_args(len(arguments), argv)
        _title_argv = argv


def process_title() -> str:
    """Return the title of the process, initially its command line."""
    _setup_title()
    size = 512
    while True:
        buffer = ctypes.create_string_buffer(size)
        status = lib.uv_get_process_title(buffer, size)
        if status != _ffi.UV_ENOBUFS or size > 1 << 22:
            check(status)
            return os.fsdecode(buffer.value)
        size *= 2


def set_process_title(title: str) -> None:
    """Set the title that ps shows. It is truncated to the length of the first one."""
    _setup_title()
    check(lib.uv_set_process_title(os.fsencode(title)))


# Users


class Passwd(NamedTuple):
    """A user in the password file. Missing fields are None."""

    username: str
    uid: int
    gid: int
    shell: Optional[str]
    homedir: Optional[str]


class Group(NamedTuple):
    """A group of users."""

    name: str
    gid: int
    members: List[str]


def passwd(uid: Optional[int] = None) -> Passwd:
    """Return a user, by default that of this process. Fails with ENOENT if unknown."""
    user = _ffi.uv_passwd_t()
    if uid is None:
        check(lib.uv_os_get_passwd(user))
    else:
        check(lib.uv_os_get_passwd2(user, uid))
    try:
        return Passwd(
            os.fsdecode(user.username),
            user.uid,
            user.gid,
            None if user.shell is None else os.fsdecode(user.shell),
            None if user.homedir is None else os.fsdecode(user.homedir),
        )
    finally:
        lib.uv_os_free_passwd(user)


def group(gid: int) -> Group:
    """Return a group by its number. Fails with ENOENT if unknown."""
    found = _ffi.uv_group_t()
    check(lib.uv_os_get_group(found, gid))
    try:
        members: List[str] = []
        while found.members[len(members)] is not None:
            members.append(os.fsdecode(found.members[len(members)]))
        return Group(os.fsdecode(found.groupname), found.gid, members)
    finally:
        lib.uv_os_free_group(found)


def homedir() -> str:
    """Return the home directory: HOME, or that of the password file."""
    return _string(lib.uv_os_homedir)


def tmpdir() -> str:
    """Return the directory for temporary files."""
    return _string(lib.uv_os_tmpdir)


# The environment. This is the C library's; `os.environ` is Python's copy of it.


def environ() -> Dict[str, str]:
    """Return all environment variables."""
    items, count = ctypes.POINTER(_ffi.uv_env_item_t)(), ctypes.c_int()
    check(lib.uv_os_environ(items, count))
    try:
        return {os.fsdecode(item.name): os.fsdecode(item.value) for item in items[: count.value]}
    finally:
        lib.uv_os_free_environ(items, count)


def getenv(name: str) -> Optional[str]:
    """Return the value of an environment variable, or None."""
    encoded = os.fsencode(name)
    try:
        return _string(lambda buffer, size: lib.uv_os_getenv(encoded, buffer, size))
    except FileNotFoundError:
        return None


def setenv(name: str, value: str) -> None:
    """Set an environment variable."""
    check(lib.uv_os_setenv(os.fsencode(name), os.fsencode(value)))


def unsetenv(name: str) -> None:
    """Remove an environment variable."""
    check(lib.uv_os_unsetenv(os.fsencode(name)))


_PATH_MAX = 4096


def _string(function: Any) -> str:
    """Return the string of a function that reports the size it needs if a buffer is too small."""
    size = ctypes.c_size_t(_PATH_MAX)
    while True:
        buffer = ctypes.create_string_buffer(size.value)
        status = function(buffer, size)
        if status != _ffi.UV_ENOBUFS:
            check(status)
            return os.fsdecode(buffer.value)


# Random bytes


class _Random(Request[bytes]):
    _type = _ffi.UV_RANDOM


def _random(address: int, status: int, buffer: int, size: int) -> None:
    request = request_at(address)
    request._error = error_or_none(status)
    if status >= 0:
        request._value = ctypes.string_at(buffer, size)
    request._finish()


_on_random = _ffi.uv_random_cb(_random)


@overload
def random(size: int, *, loop: Optional[Loop] = None) -> bytes: ...
@overload
def random(
    size: int, *, callback: Callable[[Request[bytes]], object], loop: Optional[Loop] = None
) -> Request[bytes]: ...
def random(
    size: int,
    *,
    callback: Optional[Callable[[Request[bytes]], object]] = None,
    loop: Optional[Loop] = None,
) -> Any:
    """Return secure random bytes: at once, or on the thread pool with a callback."""
    buffer = ctypes.create_string_buffer(size)
    memory = ctypes.addressof(buffer)
    if callback is None:
        check(lib.uv_random(None, None, memory, size, 0, _ffi.uv_random_cb()))
        return buffer.raw
    loop = loop or Loop.default()
    request = _Random(loop, callback, buffer)
    check(lib.uv_random(loop._usable(), request._address, memory, size, 0, _on_random))
    request._hold()
    return request
