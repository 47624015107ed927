from __future__ import annotations

import errno
import os
import pickle

import pytest

import oxuv
from oxuv import _ffi, errors, fs


@pytest.mark.parametrize("name, code, message", _ffi.ERRORS)
def test_table_agrees_with_the_library(name: str, code: int, message: str) -> None:
    assert errors.err_name(code) == name
    assert errors.strerror(code) == message
    assert errors.CODES[name] == code
    assert errors.NAMES[code] == name


@pytest.mark.parametrize("name, code, message", _ffi.ERRORS)
def test_exception(name: str, code: int, message: str) -> None:
    error = errors.error(code)
    assert isinstance(error, errors.UVError)
    assert (error.name, error.code, error.errno, error.strerror) == (name, code, -code, message)
    # Also of the class that Python itself would use for this errno.
    assert isinstance(error, type(OSError(-code, message)))
    if hasattr(errno, name):
        assert oxuv.lib.uv_translate_sys_error(getattr(errno, name)) == code


@pytest.mark.parametrize(
    "name, builtin",
    [
        ("ENOENT", FileNotFoundError),
        ("EEXIST", FileExistsError),
        ("EACCES", PermissionError),
        ("EPERM", PermissionError),
        ("EISDIR", IsADirectoryError),
        ("ENOTDIR", NotADirectoryError),
        ("EAGAIN", BlockingIOError),
        ("ECONNREFUSED", ConnectionRefusedError),
        ("ECONNRESET", ConnectionResetError),
        ("ECONNABORTED", ConnectionAbortedError),
        ("EPIPE", BrokenPipeError),
        ("ETIMEDOUT", TimeoutError),
        ("EINTR", InterruptedError),
        ("ESRCH", ProcessLookupError),
    ],
)
def test_builtin_classes_match(name: str, builtin: type) -> None:
    with pytest.raises(builtin) as caught:
        errors.check(errors.CODES[name])
    assert isinstance(caught.value, errors.UVError)


def test_error_of_a_call_has_the_path() -> None:
    with pytest.raises(FileNotFoundError) as caught:
        fs.open("/nonexistent/file", os.O_RDONLY)
    error = caught.value
    assert error.filename == "/nonexistent/file"
    assert str(error) == "[Errno 2] no such file or directory: '/nonexistent/file'"


def test_error_with_two_paths() -> None:
    with pytest.raises(FileNotFoundError) as caught:
        fs.rename("/nonexistent/a", "/nonexistent/b")
    assert (caught.value.filename, caught.value.filename2) == ("/nonexistent/a", "/nonexistent/b")


def test_unknown_number() -> None:
    error = errors.error(-9999)
    assert isinstance(error, errors.UVError)
    assert error.name == "Unknown system error -9999"
    assert error.strerror == "Unknown system error -9999"


def test_errors_pickle() -> None:
    error = errors.error(_ffi.UV_ENOENT, "name")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert (copy.code, copy.filename) == (_ffi.UV_ENOENT, "name")


def test_check_passes_results_on() -> None:
    assert errors.check(0) == 0
    assert errors.check(7) == 7
