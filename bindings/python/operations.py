"""The functions of `oxuv.fs`, a row each. generate.py writes oxuv/fs.py from them.

A function takes its row's parameters, then `callback` and `loop` by keyword. It has two
overloads: without a callback it returns the result, with one a `Request` of it.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Operation(NamedTuple):
    name: str
    parameters: str
    result: str
    doc: str
    # The function of oxuv/_fs.py that makes the result from the uv_fs_t. By default the one
    # that CONVERSIONS has for the result's type.
    convert: str = ""
    # The arguments of uv_fs_NAME. By default the parameters, with paths encoded.
    arguments: str = ""
    # The body is the function of this name in oxuv/_fs.py.
    by_hand: bool = False


CONVERSIONS = {
    "None": "none",
    "int": "result_of",
    "str": "string_of",
    "Stat": "stat_of",
    "StatFs": "statfs_of",
}

OPERATIONS = (
    Operation(
        "open",
        "path: StrPath, flags: int, mode: int = 0o666",
        "int",
        "Open a file and return its descriptor. Flags are those of the os module.",
    ),
    Operation("close", "fd: int", "None", "Close a descriptor."),
    Operation(
        "read",
        "fd: int, size: int, offset: int = -1",
        "bytes",
        "Read up to `size` bytes, at `offset` or (with -1) at the current position.",
        by_hand=True,
    ),
    Operation(
        "readinto",
        "fd: int, buffers: Buffers, offset: int = -1",
        "int",
        "Read into one writable buffer, or several in a row, and return the number of bytes.",
        by_hand=True,
    ),
    Operation(
        "write",
        "fd: int, data: Buffers, offset: int = -1",
        "int",
        "Write a buffer, or several in a row, and return the number of bytes.",
        by_hand=True,
    ),
    Operation("unlink", "path: StrPath", "None", "Remove a file."),
    Operation("mkdir", "path: StrPath, mode: int = 0o777", "None", "Make a directory."),
    Operation(
        "mkdtemp",
        "template: StrPath",
        "str",
        "Make a directory, its final XXXXXX replaced by six characters, and return its path.",
        convert="path_of",
    ),
    Operation(
        "mkstemp",
        "template: StrPath",
        "Tuple[int, str]",
        "Make and open a file, named likewise, and return its descriptor and its path.",
        convert="descriptor_and_path_of",
    ),
    Operation("rmdir", "path: StrPath", "None", "Remove an empty directory."),
    Operation(
        "scandir",
        "path: StrPath",
        "List[DirEntry]",
        "Return the entries of a directory, sorted by name.",
        convert="entries_of",
        arguments="encode_path(path), 0",
    ),
    Operation(
        "opendir",
        "path: StrPath",
        "Dir",
        "Open a directory to read it in parts.",
        convert="dir_of",
    ),
    Operation(
        "readdir",
        "directory: Dir, count: int = 64",
        "List[DirEntry]",
        "Return the next entries, at most `count`; none at the end.",
        by_hand=True,
    ),
    Operation(
        "closedir",
        "directory: Dir",
        "None",
        "Close a directory.",
        arguments="directory._release(),",
    ),
    Operation("stat", "path: StrPath", "Stat", "Return a file's status, following symbolic links."),
    Operation("lstat", "path: StrPath", "Stat", "Return the status of a file or symbolic link."),
    Operation("fstat", "fd: int", "Stat", "Return the status of an open file."),
    Operation(
        "statfs", "path: StrPath", "StatFs", "Return the status of the file system of a file."
    ),
    Operation("rename", "path: StrPath, new_path: StrPath", "None", "Rename a file."),
    Operation("fsync", "fd: int", "None", "Wait until a file's data and metadata are on the disk."),
    Operation("fdatasync", "fd: int", "None", "Wait until a file's data is on the disk."),
    Operation("ftruncate", "fd: int, size: int", "None", "Change the size of an open file."),
    Operation(
        "sendfile",
        "out_fd: int, in_fd: int, offset: int, size: int",
        "int",
        "Copy bytes from `offset` of one file to another, and return their number.",
    ),
    Operation(
        "access",
        "path: StrPath, mode: int",
        "None",
        "Raise an error unless the file is accessible in `mode` (`os.R_OK` and so on).",
    ),
    Operation("chmod", "path: StrPath, mode: int", "None", "Change a file's permissions."),
    Operation("fchmod", "fd: int, mode: int", "None", "Change an open file's permissions."),
    Operation(
        "utime",
        "path: StrPath, atime: float, mtime: float",
        "None",
        "Set a file's times, in seconds since the epoch. Infinity means now, NaN means no change.",
    ),
    Operation(
        "futime",
        "fd: int, atime: float, mtime: float",
        "None",
        "Set an open file's times, like `utime`.",
    ),
    Operation(
        "lutime",
        "path: StrPath, atime: float, mtime: float",
        "None",
        "Set the times of a file or symbolic link, like `utime`.",
    ),
    Operation("link", "path: StrPath, new_path: StrPath", "None", "Make a hard link to a file."),
    Operation(
        "symlink",
        "path: StrPath, new_path: StrPath, flags: int = 0",
        "None",
        "Make `new_path` a symbolic link to `path`.",
    ),
    Operation("readlink", "path: StrPath", "str", "Return the target of a symbolic link."),
    Operation(
        "realpath", "path: StrPath", "str", "Return the absolute path without symbolic links."
    ),
    Operation(
        "chown",
        "path: StrPath, uid: int, gid: int",
        "None",
        "Change a file's owner and group; -1 leaves one of them as it is.",
    ),
    Operation(
        "fchown",
        "fd: int, uid: int, gid: int",
        "None",
        "Change the owner and group of an open file, like `chown`.",
    ),
    Operation(
        "lchown",
        "path: StrPath, uid: int, gid: int",
        "None",
        "Change the owner and group of a file or symbolic link, like `chown`.",
    ),
    Operation(
        "copyfile",
        "path: StrPath, new_path: StrPath, flags: int = 0",
        "None",
        "Copy a file. The flags are those of this module, UV_FS_COPYFILE_*.",
    ),
)


# The names of _fs.py that fs.py has besides the operations.
TYPES = ("Dir", "DirEntry", "Stat", "StatFs")
FLAGS = ("UV_FS_COPYFILE_EXCL", "UV_FS_COPYFILE_FICLONE", "UV_FS_COPYFILE_FICLONE_FORCE")

HEADER = '''"""File operations, each synchronous or asynchronous.

Without a callback a function does its work at once and returns the result, or raises the
error. With a callback it returns a `Request` at once, the work is done on the thread pool,
and the loop (the default loop unless one is given) calls `callback(request)`, in which
`request.result()` returns the result or raises the error:

    size = fs.stat("README.md").st_size
    fs.stat("README.md", callback=lambda request: print(request.result().st_size))

Paths may be str, bytes or path objects. Paths in results are str.

Generated by generate.py from operations.py. Do not edit: run generate.py again.
"""

from __future__ import annotations

from typing import Any, List, Optional, Tuple, overload

from . import _fs
from ._ffi import (
    {flags},
)
from ._fs import Callback, Dir, DirEntry, Stat, StatFs, StrPath, encode_path
from ._native import Buffers
from .loop import Loop
from .requests import Request

__all__ = [
    {names},
]
'''

WIDTH = 100


def layout(head: str, items: list[str], tail: str) -> str:
    """Return `head`, the items and `tail` on one line if they fit, else on several, as ruff."""
    line = f"{head}{', '.join(items)}{tail}"
    if len(line) <= WIDTH:
        return line
    line = f"    {', '.join(items)}"
    inside = line if len(line) <= WIDTH else "".join(f"    {item},\n" for item in items)[:-1]
    return f"{head}\n{inside}\n{tail}"


def body(operation: Operation, names: list[str]) -> str:
    if operation.by_hand:
        return f"    return _fs.{operation.name}({', '.join([*names, 'loop', 'callback'])})"
    paths = set(re.findall(r"(\w+): StrPath", operation.parameters))
    arguments = operation.arguments or ", ".join(
        f"encode_path({name})" if name in paths else name for name in names
    )
    if len(names) == 1 and not operation.arguments:
        arguments += ","
    convert = "_fs." + (operation.convert or CONVERSIONS[operation.result])
    call = f'_fs.call("uv_fs_{operation.name}", arguments, {convert}, loop, callback)'
    return f"    arguments = ({arguments})\n    return {call}"


def function(operation: Operation) -> str:
    """Return the two overloads and the function."""
    parameters = operation.parameters.split(", ")
    result, head = operation.result, f"def {operation.name}("
    loop = "loop: Optional[Loop] = None"
    callback = f"callback: Callback[{result}]"
    optional = f"callback: Optional[Callback[{result}]] = None"
    doc = f'    """{operation.doc}"""'
    if len(doc) > WIDTH:
        raise SystemExit(f"the docstring of {operation.name} is too long")
    return "\n".join(
        [
            "@overload",
            layout(head, [*parameters, "*", loop], f") -> {result}: ..."),
            "@overload",
            layout(head, [*parameters, "*", callback, loop], f") -> Request[{result}]: ..."),
            layout(head, [*parameters, "*", optional, loop], ") -> Any:"),
            doc,
            body(operation, [parameter.split(":")[0] for parameter in parameters]),
        ]
    )


def module() -> str:
    """Return the text of oxuv/fs.py."""
    exported = [*FLAGS, *TYPES, *sorted(operation.name for operation in OPERATIONS)]
    header = HEADER.format(
        flags=",\n    ".join(FLAGS), names=",\n    ".join(f'"{name}"' for name in exported)
    )
    return "\n\n\n".join([header[:-1], *map(function, OPERATIONS)]) + "\n"
