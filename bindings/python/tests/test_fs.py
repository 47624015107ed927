"""Each file operation, synchronous and asynchronous."""

from __future__ import annotations

import math
import os
import stat
from pathlib import Path
from typing import Any, Callable, List

import pytest

import oxuv
from oxuv import Loop, UVError, fs

Call = Callable[..., Any]


@pytest.fixture(params=["sync", "async"])
def call(request: pytest.FixtureRequest, loop: Loop) -> Call:
    """Call an fs function either way: `call(fs.stat, path)` is its result or its error."""

    def synchronous(function: Call, *arguments: Any) -> Any:
        return function(*arguments)

    def asynchronous(function: Call, *arguments: Any) -> Any:
        ended: List[oxuv.Request[Any]] = []
        started = function(*arguments, callback=ended.append, loop=loop)
        assert not started.done
        loop.run()
        assert ended == [started]
        return started.result()

    return synchronous if request.param == "sync" else asynchronous


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    return path


def test_open_read_write_close(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "new"
    fd = call(fs.open, path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o640)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640 & ~current_umask()
    assert call(fs.write, fd, b"hello ") == 6
    assert call(fs.write, fd, [b"wor", bytearray(b"ld"), memoryview(b"!")]) == 6
    assert call(fs.write, fd, b"J", 0) == 1
    assert call(fs.read, fd, 100, 0) == b"Jello world!"
    assert call(fs.read, fd, 5, 6) == b"world"
    assert call(fs.read, fd, 10, 100) == b""
    call(fs.close, fd)
    with pytest.raises(UVError) as caught:
        call(fs.close, fd)
    assert caught.value.name == "EBADF"
    with pytest.raises(FileExistsError):
        call(fs.open, path, os.O_RDWR | os.O_CREAT | os.O_EXCL)


def current_umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_sequential_reads(call: Call, file: Path) -> None:
    fd = call(fs.open, file, os.O_RDONLY)
    assert [call(fs.read, fd, 4) for _ in range(4)] == [b"0123", b"4567", b"89", b""]
    call(fs.close, fd)


def test_readinto(call: Call, file: Path) -> None:
    fd = call(fs.open, file, os.O_RDONLY)
    one = bytearray(4)
    assert call(fs.readinto, fd, one, 2) == 4
    assert one == b"2345"
    parts = [bytearray(3), bytearray(5), bytearray(9)]
    assert call(fs.readinto, fd, parts, 0) == 10
    assert b"".join(parts) == b"0123456789" + bytes(7)
    for unusable in (b"readonly", [memoryview(b"readonly")]):
        with pytest.raises(TypeError):
            fs.readinto(fd, unusable)
    call(fs.close, fd)


def test_many_buffers(call: Call, tmp_path: Path) -> None:
    """More buffers than one system call takes."""
    fd = call(fs.open, tmp_path / "many", os.O_RDWR | os.O_CREAT)
    buffers = [b"%04d" % n for n in range(3000)]
    assert call(fs.write, fd, buffers) == 12000
    assert call(fs.read, fd, 20000, 0) == b"".join(buffers)
    call(fs.close, fd)


def test_directories(call: Call, tmp_path: Path) -> None:
    call(fs.mkdir, tmp_path / "dir", 0o700)
    assert stat.S_IMODE((tmp_path / "dir").stat().st_mode) == 0o700
    with pytest.raises(FileExistsError):
        call(fs.mkdir, tmp_path / "dir")
    made = call(fs.mkdtemp, tmp_path / "tmp-XXXXXX")
    assert Path(made).is_dir()
    assert Path(made).name.startswith("tmp-") and not made.endswith("XXXXXX")
    fd, path = call(fs.mkstemp, tmp_path / "file-XXXXXX")
    assert os.path.samestat(os.fstat(fd), os.stat(path))
    call(fs.close, fd)
    call(fs.rmdir, tmp_path / "dir")
    assert not (tmp_path / "dir").exists()
    with pytest.raises(NotADirectoryError):
        call(fs.rmdir, path)
    call(fs.unlink, path)
    assert not Path(path).exists()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    root.mkdir()
    (root / "b").write_bytes(b"")
    (root / "a").mkdir()
    (root / "c").symlink_to("b")
    os.mkfifo(root / "d")
    (root / os.fsdecode(b"\xff")).write_bytes(b"")
    return root


TREE = [("a", "dir"), ("b", "file"), ("c", "link"), ("d", "fifo"), (os.fsdecode(b"\xff"), "file")]


def test_scandir(call: Call, tree: Path) -> None:
    entries = call(fs.scandir, tree)
    assert [(e.name, e.type) for e in entries] == TREE
    assert call(fs.scandir, tree / "a") == []
    with pytest.raises(NotADirectoryError):
        call(fs.scandir, tree / "b")


@pytest.mark.parametrize("count", [1, 2, 100])
def test_readdir(call: Call, tree: Path, count: int) -> None:
    directory = call(fs.opendir, tree)
    found: List[fs.DirEntry] = []
    while True:
        entries = call(fs.readdir, directory, count)
        assert len(entries) <= count
        if not entries:
            break
        found += entries
    call(fs.closedir, directory)
    assert sorted((e.name, e.type) for e in found) == sorted(TREE)
    for use in (fs.readdir, fs.closedir):
        with pytest.raises(ValueError, match="closed"):
            call(use, directory)


def test_dropped_directory_is_closed(tree: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    directory = fs.opendir(tree)
    fs.readdir(directory, 1)
    with pytest.warns(ResourceWarning, match="unclosed directory"):
        del directory
    assert len(os.listdir("/proc/self/fd")) == before


def test_stat(call: Call, file: Path) -> None:
    link = file.parent / "link"
    link.symlink_to(file)
    fd = os.open(file, os.O_RDONLY)
    ours = [call(fs.stat, link), call(fs.fstat, fd), call(fs.lstat, link)]
    theirs = [os.stat(link), os.fstat(fd), os.lstat(link)]
    os.close(fd)
    names = [
        *("st_dev", "st_mode", "st_nlink", "st_uid", "st_gid", "st_rdev", "st_ino", "st_size"),
        *("st_blksize", "st_blocks", "st_mtime_ns", "st_ctime_ns"),
    ]
    for a, b in zip(ours, theirs):
        assert {n: getattr(a, n) for n in names} == {n: getattr(b, n) for n in names}
    assert stat.S_ISLNK(ours[2].st_mode)


def test_statfs(call: Call, tmp_path: Path) -> None:
    ours, theirs = call(fs.statfs, tmp_path), os.statvfs(tmp_path)
    assert ours.f_bsize == theirs.f_bsize
    assert ours.f_frsize == theirs.f_frsize
    assert ours.f_blocks == theirs.f_blocks
    assert ours.f_files == theirs.f_files
    with pytest.raises(FileNotFoundError):
        call(fs.statfs, "/nonexistent")


def test_rename_link_symlink(call: Call, file: Path) -> None:
    parent = file.parent
    call(fs.rename, file, parent / "renamed")
    assert not file.exists()
    call(fs.link, parent / "renamed", parent / "hard")
    assert (parent / "hard").samefile(parent / "renamed")
    call(fs.symlink, "renamed", parent / "soft")
    assert call(fs.readlink, parent / "soft") == "renamed"
    assert call(fs.realpath, parent / "soft") == os.path.realpath(parent / "renamed")
    with pytest.raises(UVError) as caught:
        call(fs.readlink, parent / "hard")
    assert caught.value.name == "EINVAL"


def test_sync_and_truncate(call: Call, file: Path) -> None:
    fd = os.open(file, os.O_RDWR)
    call(fs.ftruncate, fd, 4)
    call(fs.fsync, fd)
    call(fs.fdatasync, fd)
    os.close(fd)
    assert file.read_bytes() == b"0123"
    for function in (fs.fsync, fs.fdatasync):
        with pytest.raises(UVError):
            call(function, fd)


def test_sendfile_and_copyfile(call: Call, file: Path) -> None:
    out = file.parent / "out"
    with open(file, "rb") as source, open(out, "wb") as target:
        assert call(fs.sendfile, target.fileno(), source.fileno(), 3, 4) == 4
    assert out.read_bytes() == b"3456"
    call(fs.copyfile, file, out)
    assert out.read_bytes() == file.read_bytes()
    with pytest.raises(FileExistsError):
        call(fs.copyfile, file, out, fs.UV_FS_COPYFILE_EXCL)


def test_permissions(call: Call, file: Path) -> None:
    call(fs.access, file, os.R_OK | os.W_OK)
    with pytest.raises(FileNotFoundError):
        call(fs.access, file.parent / "missing", os.F_OK)
    call(fs.chmod, file, 0o600)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with open(file, "rb") as opened:
        call(fs.fchmod, opened.fileno(), 0o644)
        assert stat.S_IMODE(file.stat().st_mode) == 0o644
        uid, gid = os.getuid(), os.getgid()
        call(fs.fchown, opened.fileno(), uid, gid)
    call(fs.chown, file, uid, gid)
    call(fs.lchown, file, uid, gid)
    assert (file.stat().st_uid, file.stat().st_gid) == (uid, gid)
    with pytest.raises(FileNotFoundError):
        call(fs.chown, file.parent / "missing", uid, gid)


def test_times(call: Call, file: Path) -> None:
    link = file.parent / "link"
    link.symlink_to(file)
    call(fs.utime, file, 1000.5, 2000.25)
    assert (file.stat().st_atime, file.stat().st_mtime) == (1000.5, 2000.25)
    with open(file, "rb") as opened:
        call(fs.futime, opened.fileno(), 3000, 4000)
    assert (file.stat().st_atime, file.stat().st_mtime) == (3000, 4000)
    call(fs.lutime, link, 5000, 6000)
    assert (link.lstat().st_atime, link.lstat().st_mtime) == (5000, 6000)
    assert file.stat().st_mtime == 4000
    call(fs.utime, file, math.nan, math.inf)
    assert file.stat().st_atime == 3000
    assert file.stat().st_mtime > 1_000_000_000


def test_kinds_of_paths(call: Call, file: Path) -> None:
    for path in (file, str(file), os.fsencode(file)):
        assert call(fs.stat, path).st_size == 10
    with pytest.raises(ValueError, match="null"):
        call(fs.stat, "a\0b")
    with pytest.raises(UVError) as caught:
        call(fs.stat, "x" * 5000)
    assert caught.value.name == "ENAMETOOLONG"
    with pytest.raises(FileNotFoundError) as missing:
        call(fs.stat, b"/nonexistent")
    assert missing.value.filename == "/nonexistent"


def test_odd_names(call: Call, tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff\xfe") + " \n\N{SNOWMAN}"
    call(fs.mkdir, tmp_path / name)
    assert [e.name for e in call(fs.scandir, tmp_path)] == [name]
    assert call(fs.realpath, tmp_path / name) == os.path.realpath(tmp_path / name)


def test_synchronous_call_takes_a_loop(loop: Loop, file: Path) -> None:
    assert fs.stat(file, loop=loop).st_size == 10


def test_default_loop(file: Path) -> None:
    sizes: List[int] = []
    fs.stat(file, callback=lambda r: sizes.append(r.result().st_size))
    loop = Loop.default()
    loop.run()
    loop.close()
    assert sizes == [10]


def test_read_of_a_large_file_in_parallel(loop: Loop, tmp_path: Path) -> None:
    data = os.urandom(1 << 20)
    path = tmp_path / "large"
    path.write_bytes(data)
    chunks = {}
    size = 1 << 14

    def start(fd: int, offset: int) -> None:
        def on_read(request: oxuv.Request[bytes]) -> None:
            chunks[offset] = request.result()

        fs.read(fd, size, offset, callback=on_read, loop=loop)

    with open(path, "rb") as file:
        for offset in range(0, len(data), size):
            start(file.fileno(), offset)
        loop.run()
    assert b"".join(chunks[offset] for offset in sorted(chunks)) == data
