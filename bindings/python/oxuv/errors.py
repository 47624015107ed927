"""libuv's errors as exceptions, from the table in the C header.

Every error is a `UVError`, which is an `OSError`. Where Python has a class of its own for an
errno the exception is of that class too, so `except FileNotFoundError` works as usual.
"""

from __future__ import annotations

from typing import Dict, Optional, Type, Union

from . import _ffi
from ._library import lib

__all__ = ["CODES", "NAMES", "UVError", "check", "err_name", "error", "strerror"]

#: libuv's number (negative) for each error name, without the UV_ prefix.
CODES: Dict[str, int] = {name: code for name, code, _ in _ffi.ERRORS}
#: The name of each of libuv's error numbers.
NAMES: Dict[int, str] = {code: name for name, code, _ in _ffi.ERRORS}
_MESSAGES: Dict[int, str] = {code: message for _, code, message in _ffi.ERRORS}

_Path = Union[str, bytes, None]


class UVError(OSError):
    """An error from libuv.

    `errno` is the positive number, which for errors of the system is that of the `errno`
    module. The errors that libuv adds (UV_EOF, UV_EAI_*, ...) have numbers of their own.
    """

    @property
    def code(self) -> int:
        """The number in C, which is negative: UV_ENOENT is -2."""
        return -(self.errno or 0)

    @property
    def name(self) -> str:
        """The name without the UV_ prefix, such as "ENOENT"."""
        return NAMES.get(self.code, f"Unknown system error {self.code}")


def _make_class(builtin: Type[OSError]) -> Type[UVError]:
    name = "UV" + builtin.__name__
    return type(name, (UVError, builtin), {"__module__": __name__, "__doc__": builtin.__doc__})


# OSError picks the class for an errno when it is called.
_CLASSES: Dict[Type[OSError], Type[UVError]] = {OSError: UVError}
for _code in NAMES:
    _builtin = type(OSError(-_code, ""))
    if _builtin not in _CLASSES:
        _CLASSES[_builtin] = _make_class(_builtin)
        globals()[_CLASSES[_builtin].__name__] = _CLASSES[_builtin]  # so that it pickles


def error(code: int, filename: _Path = None, filename2: _Path = None) -> UVError:
    """Return the exception for one of libuv's (negative) error numbers."""
    message = _MESSAGES.get(code) or strerror(code)
    cls = _CLASSES[type(OSError(-code, ""))]
    return cls(-code, message, filename, None, filename2)


def error_or_none(status: int) -> Optional[UVError]:
    """Return the error of a C callback's status argument, or None."""
    return error(status) if status < 0 else None


def check(result: int, filename: _Path = None, filename2: _Path = None) -> int:
    """Raise the error that a C function returned, or return its result."""
    if result < 0:
        raise error(result, filename, filename2)
    return result


def err_name(code: int) -> str:
    """Return the name of an error number, from uv_err_name()."""
    return _text("uv_err_name_r", code)


def strerror(code: int) -> str:
    """Return the message of an error number, from uv_strerror()."""
    return _text("uv_strerror_r", code)


def _text(function: str, code: int) -> str:
    # The _r variants, because the others allocate for an unknown number.
    import ctypes

    buffer = ctypes.create_string_buffer(128)
    getattr(lib, function)(code, buffer, len(buffer))
    return buffer.value.decode()
