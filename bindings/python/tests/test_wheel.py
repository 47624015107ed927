"""The wheel that contains the library, installed outside the sources."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Dict

import pytest
from conftest import PACKAGE

import oxuv

PROGRAM = """
import oxuv
with oxuv.Loop() as loop:
    oxuv.Timer(loop).start(lambda timer: print(oxuv.version()), 1)
    loop.run()
print(oxuv.library_path())
"""


def python(*arguments: str, **environment: str) -> None:
    subprocess.run(
        [sys.executable, "-m", *arguments], env={**os.environ, **environment}, check=True
    )


@pytest.fixture(scope="module")
def library() -> str:
    return os.path.realpath(oxuv.library_path())


@pytest.fixture(scope="module")
def wheel(library: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("wheel")
    options = ["--no-build-isolation", "--no-deps", "--no-index", "-w", str(directory)]
    python("pip", "wheel", "-q", *options, str(PACKAGE), OXUV_WHEEL_LIBRARY=library)
    (path,) = directory.iterdir()
    return path


@pytest.fixture(scope="module")
def venv(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("venv")
    python("venv", "--without-pip", str(directory))
    executable = directory / "bin" / "python"
    python("pip", "--python", str(executable), "install", "-q", "--no-index", str(wheel))
    return directory


def run(venv: Path, program: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    base: Dict[str, str] = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    return subprocess.run(
        [str(venv / "bin" / "python"), "-c", program],
        env={**base, "OXUV_LIBRARY": "", **environment},
        cwd=venv,
        capture_output=True,
        text=True,
    )


def test_contents(wheel: Path) -> None:
    _, _, python_tag, abi, system = wheel.stem.split("-")
    assert (python_tag, abi) == ("py3", "none")
    assert system.startswith("manylinux_2_") and system.endswith(platform.machine())
    names = zipfile.ZipFile(wheel).namelist()
    assert {"oxuv/libuv.so.1", "oxuv/py.typed"} < set(names)
    assert [name for name in names if name.endswith("LICENSE-MIT")]


def test_library_inside_is_used(venv: Path) -> None:
    result = run(venv, PROGRAM)
    assert result.stderr == ""
    version, path = result.stdout.splitlines()
    assert version == oxuv.version()
    assert Path(path).name == "libuv.so.1" and venv in Path(path).parents


def test_named_library_comes_first(venv: Path, library: str) -> None:
    assert run(venv, PROGRAM, OXUV_LIBRARY=library).stdout.splitlines()[1] == library


def test_no_library_is_left_in_the_sources(wheel: Path) -> None:
    """A later build without the library must not contain it."""
    assert list(PACKAGE.rglob("libuv.so.1")) == []
