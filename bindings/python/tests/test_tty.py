from __future__ import annotations

import fcntl
import os
import socket
import struct
import termios
import tty
from typing import Iterator, List, Optional, Tuple

import pytest

import oxuv
from oxuv import Loop, Tty, TtyMode, UVError


@pytest.fixture
def pty() -> Iterator[Tuple[int, int]]:
    """A pseudo-terminal: the emulator's side, and the terminal."""
    main, terminal = os.openpty()
    yield main, terminal
    os.close(main)
    os.close(terminal)


def settings(fd: int) -> List[object]:
    return termios.tcgetattr(fd)


def test_read_and_write(loop: Loop, pty: Tuple[int, int]) -> None:
    main, terminal = pty
    tty.setraw(terminal)
    handle = Tty(loop, terminal)
    assert handle.readable and handle.writable
    received: List[bytes] = []

    def on_read(stream: Tty, data: bytes, error: Optional[UVError]) -> None:
        assert error is None
        received.append(data)
        stream.write(b"answer", lambda s, e: s.close())

    handle.read_start(on_read)
    os.write(main, b"typed")
    loop.run()
    assert received == [b"typed"]
    assert os.read(main, 100) == b"answer"


def test_modes(loop: Loop, pty: Tuple[int, int]) -> None:
    _, terminal = pty
    handle = Tty(loop, terminal)
    before = settings(terminal)
    handle.set_mode(TtyMode.RAW)
    raw = settings(terminal)
    local = raw[3]
    assert isinstance(local, int)
    assert not local & (termios.ICANON | termios.ECHO | termios.ISIG)
    handle.set_mode(TtyMode.NORMAL)
    assert settings(terminal) == before
    handle.set_mode(TtyMode.IO)
    output = settings(terminal)[1]
    assert isinstance(output, int) and not output & termios.OPOST
    oxuv.reset_tty_mode()
    assert settings(terminal) == before
    handle.close()


def test_winsize(loop: Loop, pty: Tuple[int, int]) -> None:
    main, terminal = pty
    handle = Tty(loop, terminal)
    fcntl.ioctl(main, termios.TIOCSWINSZ, struct.pack("4H", 33, 101, 0, 0))
    assert handle.winsize == (101, 33)
    handle.close()


def test_not_a_terminal(loop: Loop, tmp_path: object) -> None:
    with open(f"{tmp_path}/file", "w") as file:
        with pytest.raises(UVError) as caught:
            Tty(loop, file.fileno())
        assert caught.value.name == "EINVAL"
    assert not loop.alive
    loop.close()


def test_guess_handle(pty: Tuple[int, int], tmp_path: object) -> None:
    assert oxuv.guess_handle(pty[1]) == "tty"
    assert oxuv.guess_handle(-1) == "unknown"
    with open(f"{tmp_path}/file", "w") as file:
        assert oxuv.guess_handle(file.fileno()) == "file"
    for kind, name in [(socket.SOCK_STREAM, "tcp"), (socket.SOCK_DGRAM, "udp")]:
        with socket.socket(socket.AF_INET, kind) as sock:
            assert oxuv.guess_handle(sock.fileno()) == name
    fds = oxuv.pipe()
    assert [oxuv.guess_handle(fd) for fd in fds] == ["pipe", "pipe"]
    for fd in fds:
        os.close(fd)
