from __future__ import annotations

import ctypes
import gc
import grp
import ipaddress
import os
import platform
import pwd
import resource
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import List

import pytest
from conftest import PACKAGE

import oxuv
from oxuv import Loop, Request, UVError, _ffi, system


def meminfo(name: str) -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    raise AssertionError(name)


def test_clocks() -> None:
    first = system.hrtime()
    assert 0 <= system.hrtime() - first
    before = time.time_ns()
    realtime = system.clock_gettime_ns(_ffi.UV_CLOCK_REALTIME)
    seconds, microseconds = system.gettimeofday()
    after = time.time_ns()
    assert before <= realtime <= after
    assert before // 1000 <= seconds * 1_000_000 + microseconds <= after // 1000
    low = time.monotonic_ns()
    assert low <= system.clock_gettime_ns(_ffi.UV_CLOCK_MONOTONIC) <= time.monotonic_ns()
    with pytest.raises(UVError):
        system.clock_gettime_ns(99)


def test_uptime_and_load() -> None:
    boot = time.clock_gettime(time.CLOCK_BOOTTIME)
    assert boot - 1 <= system.uptime() <= time.clock_gettime(time.CLOCK_BOOTTIME) + 1
    assert all(value >= 0 for value in system.getloadavg())
    assert len(system.getloadavg()) == 3


def test_cpus() -> None:
    cpus = oxuv.cpu_info()
    assert len(cpus) == os.sysconf("SC_NPROCESSORS_ONLN")
    for cpu in cpus:
        assert cpu.model and cpu.speed >= 0
        assert cpu.times.user + cpu.times.sys + cpu.times.idle > 0
    assert 1 <= oxuv.available_parallelism() <= len(os.sched_getaffinity(0))


def test_interfaces() -> None:
    found = oxuv.interface_addresses()
    loopback = [entry for entry in found if entry.address == ("127.0.0.1", 0)]
    assert len(loopback) == 1
    name, mac, internal, _, netmask = loopback[0]
    assert (name, mac, internal) == ("lo", "00:00:00:00:00:00", True)
    assert netmask == ("255.0.0.0", 0)
    assert system.if_indextoname(socket.if_nametoindex("lo")) == "lo"
    for entry in found:
        ipaddress.ip_address(entry.address[0])
        address = Path("/sys/class/net", entry.name.split(":")[0], "address")
        if address.exists() and not entry.internal:
            assert entry.mac == address.read_text().strip()
    with pytest.raises(UVError) as caught:
        system.if_indextoname(0)
    assert caught.value.name == "ENXIO"


def test_names_of_the_system() -> None:
    assert system.uname() == (
        platform.system(),
        platform.release(),
        platform.version(),
        platform.machine(),
    )
    assert system.gethostname() == socket.gethostname()


def test_memory() -> None:
    total = system.total_memory()
    assert total == meminfo("MemTotal")
    assert 0 < system.free_memory() < total
    assert 0 < system.available_memory() <= total
    assert system.constrained_memory() >= 0
    before = system.resident_set_memory()
    block = ctypes.create_string_buffer(64 << 20)
    ctypes.memset(block, 1, len(block))
    assert system.resident_set_memory() - before > 32 << 20


def test_process() -> None:
    assert system.getpid() == os.getpid()
    assert system.getppid() == os.getppid()
    assert system.exepath() == os.readlink("/proc/self/exe")
    assert system.getpriority() == os.getpriority(os.PRIO_PROCESS, 0)
    assert system.getpriority(os.getppid()) == os.getpriority(os.PRIO_PROCESS, os.getppid())
    with pytest.raises(UVError) as caught:
        system.setpriority(100)
    assert caught.value.name == "EINVAL"


def test_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    assert system.cwd() == "/"
    system.chdir(tmp_path)
    assert system.cwd() == os.getcwd() == str(tmp_path)
    with pytest.raises(FileNotFoundError):
        system.chdir(tmp_path / "nothing")


def test_rusage() -> None:
    usage, theirs = system.rusage(), resource.getrusage(resource.RUSAGE_SELF)
    assert 0 <= theirs.ru_utime - usage.utime < 60
    assert 0 < usage.maxrss <= theirs.ru_maxrss
    assert 0 < usage.minflt <= theirs.ru_minflt
    thread = system.rusage_thread()
    assert thread.minflt <= system.rusage().minflt
    assert thread.utime <= system.rusage().utime


def test_title() -> None:
    """Runs in its own process, because the title replaces the command line."""
    program = (
        "from oxuv import system\n"
        "from pathlib import Path\n"
        "print(system.process_title())\n"
        "system.set_process_title('a title')\n"
        "print(system.process_title())\n"
        "print(Path('/proc/self/cmdline').read_bytes().rstrip(b'\\0').decode())\n"
        "system.set_process_title('x' * 10_000)\n"
        "print(0 < len(system.process_title()) < 10_000)\n"
        "import os, sys\n"
        "print(sys.argv[1:], os.environ['PATH'] == system.getenv('PATH'))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program, "argument"],
        env={**os.environ, "PYTHONPATH": str(PACKAGE)},
        capture_output=True,
        text=True,
    )
    assert result.stdout.splitlines() == [
        sys.executable,
        "a title",
        "a title",
        "True",
        "['argument'] True",
    ], result.stderr


def test_users() -> None:
    mine = pwd.getpwuid(os.geteuid())
    assert system.passwd() == (
        mine.pw_name,
        mine.pw_uid,
        mine.pw_gid,
        mine.pw_shell,
        mine.pw_dir,
    )
    assert system.passwd(0).username == pwd.getpwuid(0).pw_name
    with pytest.raises(FileNotFoundError):
        system.passwd(4_000_000_000)
    for entry in grp.getgrall():
        found = system.group(entry.gr_gid)
        theirs = grp.getgrgid(entry.gr_gid)
        assert found == (theirs.gr_name, theirs.gr_gid, theirs.gr_mem)
    with pytest.raises(FileNotFoundError):
        system.group(4_000_000_000)


def test_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OXUV_TEST", "long " * 2000)
    assert system.getenv("OXUV_TEST") == "long " * 2000
    system.setenv("OXUV_TEST", "a=b")
    assert system.environ()["OXUV_TEST"] == "a=b"
    assert set(system.environ()) >= set(os.environ)
    system.unsetenv("OXUV_TEST")
    assert system.getenv("OXUV_TEST") is None
    assert "OXUV_TEST" not in system.environ()
    monkeypatch.setenv("HOME", "/some/where")
    assert system.homedir() == "/some/where"
    monkeypatch.delenv("HOME")
    assert system.homedir() == pwd.getpwuid(os.geteuid()).pw_dir
    monkeypatch.setenv("TMPDIR", "/tmp/of/mine/")
    assert system.tmpdir() == "/tmp/of/mine"


def test_random(loop: Loop) -> None:
    values = {oxuv.random(16) for _ in range(10)}
    assert len(values) == 10 and {len(value) for value in values} == {16}
    assert oxuv.random(0) == b""
    seen: List[bytes] = []
    for _ in range(10):
        oxuv.random(1000, callback=lambda r: seen.append(r.result()), loop=loop)
        gc.collect()
    loop.run()
    assert len(set(seen)) == 10 and {len(value) for value in seen} == {1000}

    def fail(request: Request[bytes]) -> None:
        raise RuntimeError("mine")

    oxuv.random(1, callback=fail, loop=loop)
    with pytest.raises(RuntimeError, match="mine"):
        loop.run()
