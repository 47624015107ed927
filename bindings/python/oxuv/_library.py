"""Finding and calling libuv.so.1."""

from __future__ import annotations

import ctypes
import os
import threading
from pathlib import Path
from typing import Any, Iterator

from . import _ffi

_PACKAGE = Path(__file__).resolve().parent


def _candidates() -> Iterator[str]:
    """Yield the paths to try, in order. OXUV_LIBRARY is the only one if it is set."""
    named = os.environ.get("OXUV_LIBRARY")
    if named:
        yield named
        return
    bundled = _PACKAGE / "libuv.so.1"
    if bundled.exists():  # the wheel of `make wheel`
        yield str(bundled)
    yield "libuv.so.1"
    if (_PACKAGE.parent / "pyproject.toml").exists():  # a checkout
        yield str(_PACKAGE.parents[2] / "target" / "lib" / "libuv.so.1")


def _load() -> ctypes.CDLL:
    tried = []
    for name in _candidates():
        try:
            library = ctypes.CDLL(name)
        except OSError as error:
            tried.append(f"{name}: {error}")
            continue
        if not hasattr(library, "uv_version"):
            tried.append(f"{name}: not libuv, it has no uv_version()")
            continue
        version = library.uv_version()
        # Newer minor versions only add functions.
        wanted = (_ffi.UV_VERSION_MAJOR, _ffi.UV_VERSION_MINOR)
        if version >> 16 == wanted[0] and version >> 8 & 0xFF >= wanted[1]:
            return library
        tried.append(
            f"{name}: version {version >> 16}.{version >> 8 & 0xFF}.{version & 0xFF}, "
            f"{wanted[0]}.{wanted[1]} or newer is needed"
        )
    raise OSError("no usable libuv.so.1 (set OXUV_LIBRARY to its path); tried:\n  "
                  + "\n  ".join(tried))  # fmt: skip


class Library:
    """The functions of libuv as attributes, each declared when it is first used.

    If the loaded library lacks a function, only the use of that function raises an
    AttributeError.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._library: ctypes.CDLL | None = None

    @property
    def path(self) -> str:
        """The name or path under which the library was loaded."""
        return str(self._loaded()._name)

    def _loaded(self) -> ctypes.CDLL:
        with self._lock:
            if self._library is None:
                self._library = _load()
            return self._library

    def __getattr__(self, name: str) -> Any:
        if name not in _ffi.PROTOTYPES:
            raise AttributeError(f"libuv has no function {name!r}")
        library = self._loaded()
        try:
            function = getattr(library, name)
        except AttributeError:
            raise AttributeError(f"{library._name} does not export {name}") from None
        function.restype, function.argtypes = _ffi.PROTOTYPES[name]
        setattr(self, name, function)
        return function


lib = Library()
