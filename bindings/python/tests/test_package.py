"""The package as a whole: finding the library, the types, the examples, the README."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Dict, List, Optional

import pytest
from conftest import PACKAGE

import oxuv
import oxuv.emitter
from oxuv import _library


def run(
    arguments: List[str], environment: Optional[Dict[str, str]] = None, check: bool = True
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-X", "dev", *arguments],
        env={**os.environ, "PYTHONPATH": str(PACKAGE), **(environment or {})},
        cwd=PACKAGE,
        check=check,
        capture_output=True,
        text=True,
        timeout=120,
    )


def compile_library(directory: Path, source: str) -> str:
    path = directory / "libuv.so.1"
    command = [os.environ.get("CC", "cc"), "-shared", "-fPIC", "-x", "c", "-", "-o", str(path)]
    subprocess.run(command, input=source, text=True, check=True)
    return str(path)


def test_missing_library_says_what_was_tried() -> None:
    result = run(["-c", "import oxuv; oxuv.version()"], {"OXUV_LIBRARY": "/no/lib.so"}, False)
    assert result.returncode == 1
    assert "OXUV_LIBRARY" in result.stderr
    assert "/no/lib.so: cannot open shared object file" in result.stderr


def test_old_or_foreign_library_is_refused(tmp_path: Path) -> None:
    use = ["-c", "import oxuv; oxuv.version()"]
    old = compile_library(tmp_path, "unsigned uv_version(void) { return 0x012c02; }")
    result = run(use, {"OXUV_LIBRARY": old}, False)
    assert f"{old}: version 1.44.2, 1.53 or newer is needed" in result.stderr
    foreign = compile_library(tmp_path, "int other(void) { return 0; }")
    assert "not libuv" in run(use, {"OXUV_LIBRARY": foreign}, False).stderr


def test_loader_finds_the_library(tmp_path: Path) -> None:
    os.symlink(os.path.realpath(oxuv.library_path()), tmp_path / "libuv.so.1")
    environment = {"LD_LIBRARY_PATH": str(tmp_path), "OXUV_LIBRARY": ""}
    result = run(["-c", "import oxuv; print(oxuv.version(), oxuv.library_path())"], environment)
    assert result.stdout.split() == [oxuv.version(), "libuv.so.1"]


def test_where_the_library_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "bindings" / "python" / "oxuv"
    package.mkdir(parents=True)
    monkeypatch.setattr(_library, "_PACKAGE", package)
    monkeypatch.delenv("OXUV_LIBRARY", raising=False)
    assert list(_library._candidates()) == ["libuv.so.1"]  # installed
    (package.parent / "pyproject.toml").touch()
    checkout = str(tmp_path / "target" / "lib" / "libuv.so.1")
    assert list(_library._candidates()) == ["libuv.so.1", checkout]
    (package / "libuv.so.1").touch()
    assert list(_library._candidates())[0] == str(package / "libuv.so.1")
    monkeypatch.setenv("OXUV_LIBRARY", "/named")
    assert list(_library._candidates()) == ["/named"]


def test_import_needs_no_library_and_no_symbol(tmp_path: Path) -> None:
    """If a library lacks a function, only the use of the function fails."""
    library = compile_library(
        tmp_path,
        "unsigned uv_version(void) { return 0x013500; }\n"
        "unsigned long uv_hrtime(void) { return 7; }\n",
    )
    program = (
        "import oxuv\n"
        "print(oxuv.hrtime())\n"
        "try:\n"
        "    oxuv.Loop()\n"
        "except AttributeError as error:\n"
        "    print(error)\n"
    )
    output = run(["-c", program], {"OXUV_LIBRARY": library}).stdout
    assert output == f"7\n{library} does not export uv_loop_size\n"
    with pytest.raises(AttributeError, match="no function 'uv_nonsense'"):
        oxuv.lib.uv_nonsense()


def test_low_level_functions() -> None:
    assert oxuv.lib.uv_version() == oxuv._ffi.UV_VERSION_HEX
    assert oxuv.lib.uv_err_name(oxuv._ffi.UV_ENOENT) == b"ENOENT"
    assert abs(oxuv.hrtime() - time.monotonic_ns()) < 3_600_000_000_000


def test_everything_exported_exists() -> None:
    for module in (oxuv, oxuv.emitter, oxuv.fs, oxuv.errors):
        for name in module.__all__:
            assert hasattr(module, name), name
        assert len(set(module.__all__)) == len(module.__all__)


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_types(checker: str) -> None:
    pytest.importorskip(checker)
    # pyright does not look at the Python that it runs on unless that is named.
    options = {"mypy": ["--no-incremental"], "pyright": ["--pythonpath", sys.executable]}
    result = run(["-m", checker, *options[checker]], check=False)
    assert result.returncode == 0, result.stdout


def test_types_of_results(tmp_path: Path) -> None:
    """The types of the two ways to call an fs function."""
    program = tmp_path / "program.py"
    program.write_text(
        "import oxuv\n"
        "from oxuv import fs\n"
        "reveal_type(fs.stat('/').st_size)\n"
        "reveal_type(fs.mkstemp('/tmp/XXXXXX'))\n"
        "reveal_type(fs.read(0, 1, callback=lambda r: r.result()))\n"
        "with oxuv.Loop() as loop:\n"
        "    reveal_type(oxuv.queue_work(loop, lambda: 7).result())\n"
        "    oxuv.Timer(loop).start(lambda: None, 1)\n"
        "fs.stat(7)\n"
    )
    command = ["-m", "mypy", "--strict", "--config-file=", "--no-incremental", str(program)]
    output = run(command, check=False).stdout
    revealed = re.findall(r'Revealed type is "(.*?)"', output)
    assert [text.replace("builtins.", "") for text in revealed] == [
        "int",
        "tuple[int, str]",
        "oxuv.requests.Request[bytes]",
        "int",
    ]
    errors = re.findall(r"program.py:(\d+): error", output)
    assert errors[0] == "8" and set(errors) == {"8", "9"}


def test_first_event_example(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("first line\nsecond line\n")
    output = run(["examples/first_event.py", str(path)]).stdout
    events = [line.split(" <- ")[0].strip() for line in output.splitlines() if " <- " in line]
    assert events == [
        "This happens first",
        "idle",
        "the file is open",
        "check",
        "23 bytes arrive",
        "end of the file",
        "timer",
        "SIGUSR1",
    ]
    assert output.endswith(f"{path} begins: first line\n")


def test_echo_example() -> None:
    output = run(["examples/tcp_echo.py", "20"]).stdout
    assert output.endswith("20 of 20 got all of 'one two three' back\n")


@pytest.mark.parametrize("style", ["callback", "emitter"])
def test_upper_example(style: str) -> None:
    result = run([f"examples/upper_{style}.py"])
    assert result.stdout.splitlines() == [
        "THIS",
        "HAPPENS",
        "FIRST",
        "SIGTERM",
        "the child ended: status 0, signal 15",
    ]
    assert result.stderr == ""


def test_emitter_names_what_it_needs(tmp_path: Path) -> None:
    (tmp_path / "pyee.py").touch()  # without pyee.base
    environment = {"PYTHONPATH": f"{tmp_path}:{PACKAGE}"}
    result = run(["-c", "import oxuv.emitter"], environment, False)
    assert "ImportError: oxuv.emitter needs pyee: pip install pyee" in result.stderr


def test_readme_programs(tmp_path: Path) -> None:
    readme = (PACKAGE / "README.md").read_text()
    server, files, events = re.findall(r"```python\n(.*?)```", readme, re.S)
    size = (PACKAGE / "README.md").stat().st_size
    assert run(["-c", files]).stdout == f"{size}\n"
    assert run(["-c", events]).stdout == "HELLO\nended with 0\n"
    # The server, on a free port and with a client that stops it.
    server = server.replace("7000", "0")
    client = (
        "    def on_echo(client, data, error):\n"
        "        print(data)\n"
        "        client.close()\n"
        "        import os\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "    def on_connect(client, error):\n"
        "        client.read_start(on_echo)\n"
        "        client.write(b'hello')\n"
        "    oxuv.Tcp(loop).connect(server.getsockname(), on_connect)\n"
    )
    before, run_line = server.split("    loop.run()", 1)
    result = run(["-c", f"{before}{client}    loop.run(){run_line}"])
    assert (result.stdout, result.stderr) == ("b'hello'\n", "")
