#!/usr/bin/env python3
"""Measures unmodified programs on libuv and on oxuv: Node.js reading files and
serving HTTP, and echo servers in Python on uvloop, rloop and asyncio. The servers
run at the same time and get their requests in turn, a fraction of a second each, so
that drift of the machine affects all alike. Keeps the figures in
build/bench/programs.json. setup.sh sets up the programs."""

import argparse
import contextlib
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "benches"))

import render  # noqa: E402
import run  # noqa: E402

HERE = ROOT / "benches" / "programs"
KEPT = ROOT / "build" / "bench" / "programs.json"
NODE = ROOT / "build" / "dependents" / "node" / "root"
PYTHON = ROOT / "build" / "bench" / "venv" / "bin" / "python"
CLIENT = ROOT / "target" / "bench" / "echo-client"
LIBRARIES = {"reference": ROOT / "target" / "reference", "ours": ROOT / "target" / "lib"}
TURNS = 6  # of each server in one measurement
OTHERS = ("rloop", "asyncio")


def environment(library: Path) -> dict:
    libnode = NODE / "usr" / "lib" / f"{os.uname().machine}-linux-gnu"
    return {**os.environ, "LD_LIBRARY_PATH": f"{library}:{libnode}"}


def node(*arguments) -> list:
    return [str(NODE / "usr" / "bin" / "node"), *map(str, arguments)]


def has_loaded(pid: int, library: Path) -> None:
    """Fails unless the process runs on this libuv."""
    maps = Path(f"/proc/{pid}/maps").read_text()
    loaded = set(re.findall(r"^(?:\S+ +){5}(/.*libuv\.so.*)", maps, re.M))
    if loaded != {str((library / "libuv.so.1").resolve())}:
        raise run.Failure(f"process {pid} runs on {loaded or 'no libuv'}")


@contextlib.contextmanager
def on_processor(which: int):
    """Keeps processes that are started in the block on one processor. The placement of
    a server and its client varies between runs and has more effect than the library."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {sorted(allowed)[which]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


class Server:
    """A server that prints its port. Counts its processor time from the first request
    on, and adds up the reports of its clients."""

    def __init__(self, command: list, library: Path, on_libuv: bool):
        self.process = subprocess.Popen(
            command, env=environment(library), stdout=subprocess.PIPE, text=True
        )
        self.port = self.process.stdout.readline().strip()
        if not self.port:
            raise run.Failure(f"{' '.join(map(str, command))} did not start")
        if on_libuv:
            has_loaded(self.process.pid, library)
        self.before = self.cpu()
        self.requests = 0
        self.seconds = 0.0

    def cpu(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")")[1].split()
        ticks = int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def sample(self) -> dict:
        return {"rate": self.requests / self.seconds, "amount": self.requests,
                "cpu_s": self.cpu() - self.before}

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


def in_turn(start: dict, client) -> dict:
    """Measures the servers that `start` starts. client(port) returns the number of
    requests and the seconds that they took."""
    run.fresh_network()
    servers: dict = {}
    try:
        for name, begin in start.items():
            servers[name] = begin()
        for turn in range(TURNS):
            order = list(servers.values())
            for server in order if turn % 2 else reversed(order):
                requests, seconds = client(server.port)
                server.requests += requests
                server.seconds += seconds
        return {name: server.sample() for name, server in servers.items()}
    finally:
        for server in servers.values():
            server.stop()


# ---- Measurements: metrics by name, in each of them by library --------------


def files(library: Path, *arguments) -> dict:
    """Returns metrics by name."""
    with tempfile.NamedTemporaryFile(prefix="oxuv-bench-") as file:
        file.write(b"x" * 4096)
        file.flush()
        output = subprocess.run(
            node(HERE / "files.mjs", file.name, *arguments), env=environment(library),
            check=True, stdout=subprocess.PIPE, text=True,
        ).stdout
    return {m.pop("metric"): m for m in map(json.loads, output.splitlines())}


def node_files() -> dict:
    sides = {side: files(library) for side, library in LIBRARIES.items()}
    return {metric: {side: sides[side][metric] for side in sides}
            for metric in sides["ours"]}


def node_http() -> dict:
    def client(port: str) -> tuple:
        output = subprocess.run(
            ["wrk", "-t1", "-c100", "-d1s", f"http://127.0.0.1:{port}/"],
            check=True, stdout=subprocess.PIPE, text=True,
        ).stdout
        requests = int(re.search(r"(\d+) requests in", output)[1])
        return requests, requests / float(re.search(r"Requests/sec:\s*([\d.]+)", output)[1])

    return {"node_http": in_turn(
        {side: lambda library=library: Server(node(HERE / "http.mjs"), library, True)
         for side, library in LIBRARIES.items()}, client)}


# glibc returns the top of the heap to the kernel when it is freed. With messages of
# 100 KiB that takes 28 page faults for each, or none, depending on the rest of the
# heap, and halves the round trips, whatever the library.
KEEP_FREED_MEMORY = f"MALLOC_TRIM_THRESHOLD_={64 << 20}"


def echo(kind: str, size: int) -> dict:
    def begin(loop: str, library: Path) -> Server:
        command = ["env", KEEP_FREED_MEMORY, PYTHON, HERE / "echo.py", loop, kind]
        with on_processor(0):
            return Server(command, library, loop == "uvloop")

    def client(port: str) -> tuple:
        seconds = 0.25
        with on_processor(-1):
            output = subprocess.run(
                [str(CLIENT), port, "10", str(size), str(seconds)],
                check=True, stdout=subprocess.PIPE, text=True,
            ).stdout
        return int(output), seconds

    start = {side: lambda library=library: begin("uvloop", library)
             for side, library in LIBRARIES.items()}
    start |= {loop: lambda loop=loop: begin(loop, LIBRARIES["reference"])
              for loop in OTHERS}
    return {f"uvloop_{kind}_{size}": in_turn(start, client)}


PROGRAMS = {
    "node_files": node_files,
    "node_http": node_http,
    **{
        f"uvloop_{kind}_{size}": lambda kind=kind, size=size: echo(kind, size)
        for kind in ("protocol", "streams")
        for size in (1024, 10240, 102400)
    },
}

TITLES = {
    "node_read_sequential": ("Node.js 18", "`fs.promises.readFile()` of 4 KiB, one after"
                             " another", "files/s"),
    "node_read_64": ("Node.js 18", "the same, 64 at a time", "files/s"),
    "node_http": ("Node.js 18", "`http` server, `wrk` with 100 connections",
                  "requests/s"),
    **{
        f"uvloop_{kind}_{size}": (
            "uvloop 0.22.1", f"echo of {size // 1024} KiB, {kind}, 10 connections",
            "round trips/s")
        for kind in ("protocol", "streams")
        for size in (1024, 10240, 102400)
    },
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0])
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--only", metavar="REGEX", default="")
    options = parser.parse_args()
    chosen = {n: p for n, p in PROGRAMS.items() if re.search(options.only, n)}
    if not chosen:
        raise run.Failure(f"no program has such a name; there are {' '.join(PROGRAMS)}")
    if not run.newer(CLIENT, HERE / "echo_client.c"):
        run.compile_c(CLIENT, [HERE / "echo_client.c"], "-Wall", "-Wextra")
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {"metrics": {}}
    print(run.HEADER, flush=True)
    for measure in chosen.values():
        samples: dict = {}
        for _ in range(options.pairs):
            for metric, sides in measure().items():
                for side, sample in sides.items():
                    samples.setdefault(metric, {}).setdefault(side, []).append(sample)
        for metric, sides in samples.items():
            program, title, unit = TITLES[metric]
            others = {n: [s["rate"] for s in sides.pop(n)] for n in OTHERS if n in sides}
            record = {"program": program, "title": title, "unit": unit, "kind": "rate",
                      "commit": run.commit(), "samples": sides, "syscalls": {},
                      "others": others}
            kept["metrics"][metric] = record
            print(run.row(metric, record), flush=True)
            for other, rates in others.items():
                print(f"  {other}: {render.number(statistics.median(rates))}")
        KEPT.parent.mkdir(parents=True, exist_ok=True)
        KEPT.write_text(json.dumps(kept, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (run.Failure, subprocess.CalledProcessError) as error:
        sys.exit(f"bench-programs: {error}")
