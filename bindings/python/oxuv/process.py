"""Child processes."""

from __future__ import annotations

import ctypes
import os
from typing import Any, Callable, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Union

from . import _ffi
from ._ffi import UV_PROCESS_DETACHED
from ._library import lib
from .errors import check
from .handles import Handle, handle_at
from .loop import Loop
from .pipe import Pipe
from .stream import Stream

__all__ = [
    "UV_PROCESS_DETACHED",
    "CreatePipe",
    "Process",
    "disable_stdio_inheritance",
    "kill",
]

StrPath = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]


class CreatePipe(NamedTuple):
    """Connect a fresh `Pipe` to one of a child's descriptors.

    `readable` and `writable` refer to the child's end.
    """

    pipe: Pipe
    readable: bool = True
    writable: bool = True
    nonblocking: bool = False


#: A descriptor of a child: none (/dev/null for the first three), one of the parent's
#: descriptors, the descriptor of a stream, or a new pipe to the parent.
Stdio = Union[None, int, Stream, CreatePipe]


class Process(Handle):
    """A child process, started with the handle.

    Closing the handle does not end the process, but its exit is not reported then.
    """

    _type = _ffi.UV_PROCESS

    def __init__(
        self,
        loop: Loop,
        args: Sequence[StrPath],
        callback: Optional[Callable[[Process, int, int], object]] = None,
        *,
        file: Optional[StrPath] = None,
        env: Optional[Mapping[str, str]] = None,
        cwd: Optional[StrPath] = None,
        stdio: Sequence[Stdio] = (),
        uid: Optional[int] = None,
        gid: Optional[int] = None,
        flags: int = 0,
    ) -> None:
        """Start a program; `callback(process, exit_status, term_signal)` is called at its end.

        `args` includes the program's name, which is looked up in PATH (that of `env`, if
        given) unless it has a slash; `file` names another program to run. The child gets
        `stdio` as descriptors 0, 1, 2 and so on, and otherwise only inheritable ones. With
        `flags` of `UV_PROCESS_DETACHED` the child leads a new session, so that it does not
        end with the parent's session.
        """
        if not args:
            raise ValueError("args must contain the program's name")
        self._exit_status: Optional[int] = None
        self._term_signal: Optional[int] = None
        self._file = os.fsencode(file if file is not None else args[0])
        options = _ffi.uv_process_options_t()
        options.exit_cb = _on_exit
        options.file = self._file
        options.args = _strings(map(os.fsencode, args))
        if env is not None:
            options.env = _strings(os.fsencode(f"{name}={env[name]}") for name in env)
        if cwd is not None:
            options.cwd = os.fsencode(cwd)
        options.flags = flags
        if uid is not None:
            options.flags |= _ffi.UV_PROCESS_SETUID
            options.uid = uid
        if gid is not None:
            options.flags |= _ffi.UV_PROCESS_SETGID
            options.gid = gid
        containers = (_ffi.uv_stdio_container_t * len(stdio))()
        for container, what in zip(containers, stdio):
            _fill(container, what)
        options.stdio = containers
        options.stdio_count = len(stdio)
        self._options: Any = options
        super().__init__(loop)
        self._callback = callback

    def _init(self) -> int:
        # libuv reads the options during the call only.
        options, self._options = self._options, None
        status = int(lib.uv_spawn(self._loop._address, self._address, options))
        if status < 0:
            # The handle is on the loop nevertheless, and has to be closed.
            self._open = True
            self.close()
            check(status, os.fsdecode(self._file))
        return status

    @property
    def pid(self) -> int:
        """The child's process id."""
        return int(lib.uv_process_get_pid(self._usable()))

    @property
    def exit_status(self) -> Optional[int]:
        """The exit status of the child; None while it runs."""
        return self._exit_status

    @property
    def term_signal(self) -> Optional[int]:
        """The signal that ended the child, 0 if it exited; None while it runs."""
        return self._term_signal

    def kill(self, signum: int) -> None:
        """Send a signal to the child. Fails with ESRCH if it has ended."""
        check(lib.uv_process_kill(self._usable(), signum))


def _strings(strings: Iterable[bytes]) -> Any:
    """Return a char** that ends with NULL."""
    listed: List[Optional[bytes]] = [*strings, None]
    if any(b"\0" in string for string in listed if string is not None):
        raise ValueError("embedded null byte")
    return (ctypes.c_char_p * len(listed))(*listed)


def _fill(container: Any, what: Stdio) -> None:
    if what is None:
        container.flags = _ffi.UV_IGNORE
    elif isinstance(what, int):
        container.flags = _ffi.UV_INHERIT_FD
        ctypes.c_int.from_buffer(container.data).value = what
    elif isinstance(what, Stream):
        container.flags = _ffi.UV_INHERIT_STREAM
        ctypes.c_void_p.from_buffer(container.data).value = what._usable()
    else:
        container.flags = _ffi.UV_CREATE_PIPE
        if what.readable:
            container.flags |= _ffi.UV_READABLE_PIPE
        if what.writable:
            container.flags |= _ffi.UV_WRITABLE_PIPE
        if what.nonblocking:
            container.flags |= _ffi.UV_NONBLOCK_PIPE
        ctypes.c_void_p.from_buffer(container.data).value = what.pipe._usable()


def _exit(address: int, exit_status: int, term_signal: int) -> None:
    process = handle_at(address)
    process._exit_status, process._term_signal = exit_status, term_signal
    process._call(exit_status, term_signal)


_on_exit = _ffi.uv_exit_cb(_exit)


def kill(pid: int, signum: int) -> None:
    """Send a signal to a process."""
    check(lib.uv_kill(pid, signum))


def disable_stdio_inheritance() -> None:
    """Make the descriptors inherited from the parent not inheritable by children."""
    lib.uv_disable_stdio_inheritance()
