from __future__ import annotations

import gc
import os
import signal
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import pytest

import oxuv
from oxuv import CreatePipe, Loop, Pipe, Process, UVError

Exit = Tuple[int, int]


def run(loop: Loop, *args: str, **options: Any) -> Tuple[Exit, bytes]:
    """Run a program to its end. Returns its exit and its standard output."""
    output: List[bytes] = []
    exits: List[Exit] = []

    def on_read(pipe: Pipe, data: bytes, error: Optional[UVError]) -> None:
        assert error is None
        output.append(data)
        if not data:
            pipe.close()

    def on_exit(process: Process, status: int, signum: int) -> None:
        exits.append((status, signum))
        process.close()

    pipe = Pipe(loop)
    options.setdefault("stdio", (None, CreatePipe(pipe, readable=False), 2))
    Process(loop, args, on_exit, **options)
    pipe.read_start(on_read)
    gc.collect()
    loop.run()
    return exits[0], b"".join(output)


def test_exit_status(loop: Loop) -> None:
    exits: List[Tuple[Process, int, int]] = []
    process = Process(loop, ["sh", "-c", "exit 7"], lambda *args: exits.append(args))
    assert process.pid > 0 and process.active
    assert (process.exit_status, process.term_signal) == (None, None)
    loop.run()
    assert exits == [(process, 7, 0)]
    assert (process.exit_status, process.term_signal) == (7, 0)
    with pytest.raises(ProcessLookupError):
        process.kill(0)
    with pytest.raises(ChildProcessError):
        os.waitpid(process.pid, os.WNOHANG)
    process.close()


def test_kill(loop: Loop) -> None:
    exits: List[Exit] = []
    first = Process(loop, ["sleep", "1000"], lambda p, *e: exits.append(e))
    first.kill(0)
    first.kill(signal.SIGTERM)
    loop.run()
    second = Process(loop, ["sleep", "1000"], lambda p, *e: exits.append(e))
    oxuv.kill(second.pid, signal.SIGKILL)
    loop.run()
    assert exits == [(0, signal.SIGTERM), (0, signal.SIGKILL)]
    with pytest.raises(UVError) as caught:
        oxuv.kill(os.getpid(), 1000)
    assert caught.value.name == "EINVAL"
    first.close()
    second.close()


def test_output_arguments_and_file(loop: Loop) -> None:
    args = ["name", "-c", 'printf "%s|" "$0" "$@"', "zero", "", "two words", "ü"]
    exits, output = run(loop, *args, file="/bin/sh")
    assert exits == (0, 0)
    assert output.decode() == "zero||two words|ü|"


def test_environment_and_directory(loop: Loop, tmp_path: Path) -> None:
    env = {"PATH": "/usr/bin:/bin", "OXUV_TEST": "a=b"}
    _, output = run(loop, "sh", "-c", 'echo "$OXUV_TEST"; pwd', env=env, cwd=tmp_path)
    assert output.decode().splitlines() == ["a=b", str(tmp_path)]
    _, output = run(loop, "/usr/bin/env", env={"ONLY": "this"})
    assert output == b"ONLY=this\n"
    # PATH is that of the child.
    program = tmp_path / "oxuv-test-program"
    program.write_text("#!/bin/sh\necho found\n")
    program.chmod(0o755)
    _, output = run(loop, program.name, env={"PATH": str(tmp_path)})
    assert output == b"found\n"


def test_all_forms_of_stdio(loop: Loop, tmp_path: Path) -> None:
    """A pipe both ways, a descriptor, a stream and nothing."""
    both, stream = Pipe(loop), Pipe(loop)
    ours, theirs = oxuv.socketpair()
    stream.open(theirs)
    received: List[bytes] = []
    exits: List[Exit] = []

    def on_read(pipe: Pipe, data: bytes, error: Optional[UVError]) -> None:
        assert error is None
        received.append(data)
        if not data:
            pipe.close()

    with open(tmp_path / "file", "wb") as file:
        process = Process(
            loop,
            ["sh", "-c", "cat <&3 >&3; echo to the file; echo to the stream >&4; cat"],
            lambda p, *e: exits.append(e),
            stdio=[None, file.fileno(), 2, CreatePipe(both), stream],
        )
    stream.close()
    both.read_start(on_read)
    both.write([b"back ", b"and forth"])
    both.shutdown()
    loop.run()
    assert exits == [(0, 0)]
    assert b"".join(received) == b"back and forth"
    assert (tmp_path / "file").read_bytes() == b"to the file\n"
    assert os.read(ours, 100) == b"to the stream\n"
    os.close(ours)
    process.close()


def test_child_gets_inheritable_descriptors_only(loop: Loop) -> None:
    private, shared = oxuv.pipe()
    os.set_inheritable(shared, True)
    test = 'for fd; do [ -e "/proc/self/fd/$fd" ] && echo "$fd"; done; true'
    _, output = run(loop, "sh", "-c", test, "sh", "0", "1", "2", str(private), str(shared))
    assert [int(fd) for fd in output.split()] == [0, 1, 2, shared]
    os.close(private)
    os.close(shared)


def test_failure_to_start(loop: Loop, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        Process(loop, [str(tmp_path / "nothing")])
    assert caught.value.filename == str(tmp_path / "nothing")
    assert "b'" not in str(caught.value)
    (tmp_path / "text").write_text("not a program")
    with pytest.raises(PermissionError):
        Process(loop, [tmp_path / "text"])
    with pytest.raises(FileNotFoundError):
        Process(loop, ["true"], cwd=tmp_path / "nothing")
    with pytest.raises(ValueError):
        Process(loop, [])
    with pytest.raises(ValueError, match="null byte"):
        Process(loop, ["true", "a\0b"])
    gc.collect()
    loop.run()
    loop.close()


def test_closed_pipe_for_stdio(loop: Loop) -> None:
    pipe = Pipe(loop)
    pipe.close()
    with pytest.raises(ValueError):
        Process(loop, ["true"], stdio=[CreatePipe(pipe)])


def test_detached(loop: Loop) -> None:
    """The child leads its own session."""
    program = "import os; print(os.getsid(0) == os.getpid())"
    for flags, expected in [(0, b"False\n"), (oxuv.UV_PROCESS_DETACHED, b"True\n")]:
        assert run(loop, sys.executable, "-S", "-c", program, flags=flags)[1] == expected


def test_user_and_group(loop: Loop) -> None:
    options: Dict[str, int] = {"uid": 65534, "gid": 65534}
    if os.getuid() != 0:
        with pytest.raises(PermissionError):
            Process(loop, ["true"], **options)  # type: ignore[arg-type]
        return
    _, output = run(loop, "sh", "-c", "id -u; id -g; id -G", **options)
    assert output.split() == [b"65534"] * 3


def test_many_at_once(loop: Loop) -> None:
    statuses: List[int] = []

    def on_exit(process: Process, status: int, signum: int) -> None:
        gc.collect()
        statuses.append(status)
        process.close()

    for number in range(20):
        Process(loop, ["sh", "-c", f"exit {number}"], on_exit)
    gc.collect()
    loop.run()
    assert sorted(statuses) == list(range(20))
    loop.close()


def test_exception_in_the_callback(loop: Loop) -> None:
    def on_exit(process: Process, status: int, signum: int) -> None:
        raise RuntimeError("mine")

    process = Process(loop, ["true"], on_exit)
    with pytest.raises(RuntimeError, match="mine"):
        loop.run()
    process.close()
