"""The generated declarations against the C compiler, the header and the library."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path
from typing import Dict, List, Tuple

import pytest
from conftest import PACKAGE

import oxuv
from oxuv import _ffi

STRUCTS = {
    name: value
    for name, value in vars(_ffi).items()
    if isinstance(value, type)
    and issubclass(value, ctypes.Structure)
    and value is not ctypes.Structure
}


def c_name(name: str) -> str:
    if name in ("uv_any_handle", "uv_any_req"):
        return f"union {name}"
    return name if name.endswith("_t") else f"struct {name}"


def fields(struct: type) -> List[str]:
    return [f[0] for f in struct._fields_ if not f[0].startswith("_opaque")]  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def compiled(include: Path, tmp_path_factory: pytest.TempPathFactory) -> Dict[str, int]:
    """Every size, alignment, offset and constant, from the C compiler."""
    lines = []

    def ask(key: str, expression: str) -> None:
        lines.append(f'  printf("%s %lld\\n", "{key}", (long long) ({expression}));')

    for name, struct in STRUCTS.items():
        c = c_name(name)
        if not name.startswith("uv_"):
            c = f"struct {name}"
        ask(f"sizeof.{name}", f"sizeof({c})")
        ask(f"alignof.{name}", f"_Alignof({c})")
        for field in fields(struct):
            ask(f"offsetof.{name}.{field}", f"offsetof({c}, {field})")
            ask(f"size.{name}.{field}", f"sizeof((({c}*) 0)->{field})")
    for name, value in vars(_ffi).items():
        if name.startswith("UV_") and isinstance(value, int):
            ask(name, name)
    source = tmp_path_factory.mktemp("abi") / "abi.c"
    source.write_text(
        "#define _GNU_SOURCE\n#include <stddef.h>\n#include <stdio.h>\n#include <uv.h>\n"
        "int main(void) {\n" + "\n".join(lines) + "\n  return 0;\n}\n"
    )
    program = source.with_suffix("")
    cc = os.environ.get("CC", "cc")
    subprocess.run([cc, "-w", f"-I{include}", str(source), "-o", str(program)], check=True)
    output = subprocess.run([str(program)], check=True, capture_output=True, text=True).stdout
    return {key: int(value) for key, value in (line.split() for line in output.splitlines())}


def test_there_are_declarations() -> None:
    assert len(STRUCTS) > 50
    assert len(_ffi.PROTOTYPES) > 100


@pytest.mark.parametrize("name", sorted(STRUCTS))
def test_layout_is_that_of_c(name: str, compiled: Dict[str, int]) -> None:
    struct = STRUCTS[name]
    ours: Dict[str, int] = {f"sizeof.{name}": ctypes.sizeof(struct)}
    for field in fields(struct):
        descriptor = getattr(struct, field)
        ours[f"offsetof.{name}.{field}"] = descriptor.offset
        ours[f"size.{name}.{field}"] = descriptor.size
    assert ours == {key: compiled[key] for key in ours}
    assert ctypes.alignment(struct) <= compiled[f"alignof.{name}"]


def test_constants_are_those_of_c(compiled: Dict[str, int]) -> None:
    ours = {n: v for n, v in vars(_ffi).items() if n.startswith("UV_") and isinstance(v, int)}
    assert len(ours) > 250
    assert ours == {name: compiled[name] for name in ours}


def test_generated_files_are_up_to_date(include: Path) -> None:
    command = [sys.executable, str(PACKAGE / "generate.py"), "--check", "--include", str(include)]
    assert subprocess.run(command, stderr=subprocess.PIPE, text=True).stderr == ""


def type_rows(rows: Tuple[Tuple[str, int, str], ...]) -> List[Tuple[int, str]]:
    return [(number, lower) for _, number, lower in rows]


@pytest.mark.parametrize("number, lower", type_rows(_ffi.HANDLE_TYPES))
def test_library_has_the_same_handles(number: int, lower: str) -> None:
    assert oxuv.lib.uv_handle_size(number) == ctypes.sizeof(getattr(_ffi, f"uv_{lower}_t"))
    assert oxuv.lib.uv_handle_type_name(number) == lower.encode()


@pytest.mark.parametrize("number, lower", type_rows(_ffi.REQ_TYPES))
def test_library_has_the_same_requests(number: int, lower: str) -> None:
    assert oxuv.lib.uv_req_size(number) == ctypes.sizeof(getattr(_ffi, f"uv_{lower}_t"))
    assert oxuv.lib.uv_req_type_name(number) == lower.encode()


def test_library_has_the_same_loop_and_version() -> None:
    assert oxuv.lib.uv_loop_size() == ctypes.sizeof(_ffi.uv_loop_t)
    assert oxuv.lib.uv_version() >= _ffi.UV_VERSION_HEX
    assert oxuv.version().startswith("1.")


def test_public_fields_read_what_the_library_wrote(loop: oxuv.Loop) -> None:
    timer = oxuv.Timer(loop)
    raw = _ffi.uv_timer_t.from_address(timer._address)
    assert raw.type == _ffi.UV_TIMER
    assert raw.loop == loop._address
    raw.data = 1234
    assert oxuv.lib.uv_handle_get_data(timer._address) == 1234
