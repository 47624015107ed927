#!/usr/bin/env python3
"""Measures unmodified programs on libuv and on oxuv, in turn: Node.js reading
files and answering HTTP requests, and echo servers in Python on uvloop, with
rloop and asyncio beside them. Keeps the figures in build/bench/programs.json.
setup.sh sets up what this runs."""

import argparse
import json
import os
import re
import signal
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
SECONDS = 1.5


def environment(library: Path) -> dict:
    libnode = NODE / "usr" / "lib" / f"{os.uname().machine}-linux-gnu"
    return {**os.environ, "LD_LIBRARY_PATH": f"{library}:{libnode}"}


def node(*arguments) -> list:
    return [str(NODE / "usr" / "bin" / "node"), *map(str, arguments)]


def has_loaded(pid: int, library: Path) -> None:
    """Fails unless the process runs on this libuv."""
    maps = Path(f"/proc/{pid}/maps").read_text()
    loaded = set(re.findall(r"/\S*libuv\.so\S*", maps))
    if loaded != {str((library / "libuv.so.1").resolve())}:
        raise run.Failure(f"process {pid} runs on {loaded or 'no libuv'}")


class Server:
    """A server that prints its port; afterwards, what processor time it took
    from the first request on."""

    def __init__(self, command: list, library: Path, on_libuv: bool):
        run.fresh_network()
        self.process = subprocess.Popen(
            command, env=environment(library), stdout=subprocess.PIPE, text=True
        )
        self.port = self.process.stdout.readline().strip()
        if not self.port:
            raise run.Failure(f"{' '.join(command)} did not start")
        if on_libuv:
            has_loaded(self.process.pid, library)
        self.before = self.cpu()

    def cpu(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")")[1].split()
        ticks = int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def stop(self) -> float:
        cpu = self.cpu() - self.before
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        return cpu


def files(library: Path) -> dict:
    with tempfile.NamedTemporaryFile(prefix="oxuv-bench-") as file:
        file.write(b"x" * 4096)
        file.flush()
        output = subprocess.run(
            node(HERE / "files.mjs", file.name), env=environment(library),
            check=True, stdout=subprocess.PIPE, text=True,
        ).stdout
    return {m.pop("metric"): m for m in map(json.loads, output.splitlines())}


def http(library: Path) -> dict:
    server = Server(node(HERE / "http.mjs"), library, True)
    output = subprocess.run(
        ["wrk", "-t1", "-c100", f"-d{SECONDS * 2:g}s", f"http://127.0.0.1:{server.port}/"],
        check=True, stdout=subprocess.PIPE, text=True,
    ).stdout
    cpu = server.stop()
    return {
        "node_http": {
            "rate": float(re.search(r"Requests/sec:\s*([\d.]+)", output)[1]),
            "amount": int(re.search(r"(\d+) requests in", output)[1]),
            "cpu_s": cpu,
        }
    }


def echo(loop: str, kind: str, size: int, library: Path) -> dict:
    server = Server([str(PYTHON), str(HERE / "echo.py"), loop, kind], library,
                    loop == "uvloop")
    output = subprocess.run(
        [str(CLIENT), server.port, "10", str(size), str(SECONDS)],
        check=True, stdout=subprocess.PIPE, text=True,
    ).stdout
    cpu = server.stop()
    return {"rate": int(output) / SECONDS, "amount": int(output), "cpu_s": cpu}


def uvloop(kind: str, size: int):
    def once(library: Path) -> dict:
        return {f"uvloop_{kind}_{size}": echo("uvloop", kind, size, library)}

    def beside() -> dict:
        return {
            f"uvloop_{kind}_{size}": {
                name: echo(loop, kind, size, LIBRARIES["reference"])["rate"]
                for name, loop in (("rloop", "rloop"), ("asyncio", "asyncio"))
            }
        }

    return once, beside


PROGRAMS = {
    "node_files": (files, None),
    "node_http": (http, None),
    **{
        f"uvloop_{kind}_{size}": uvloop(kind, size)
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
    if not run.newer(CLIENT, HERE / "echo_client.c"):
        run.compile_c(CLIENT, [HERE / "echo_client.c"], "-Wall", "-Wextra")
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {"metrics": {}}
    print(run.HEADER, flush=True)
    for name, (once, beside) in PROGRAMS.items():
        if not re.search(options.only, name):
            continue
        samples: dict = {}
        others: dict = {}
        for _ in range(options.pairs):
            for side, library in LIBRARIES.items():
                for metric, sample in once(library).items():
                    sides = samples.setdefault(metric, {"reference": [], "ours": []})
                    sides[side].append(sample)
            for metric, rates in beside().items() if beside else ():
                for other, rate in rates.items():
                    others.setdefault(metric, {}).setdefault(other, []).append(rate)
        for metric, sides in samples.items():
            program, title, unit = TITLES[metric]
            record = {"program": program, "title": title, "unit": unit, "kind": "rate",
                      "commit": run.commit(), "samples": sides, "syscalls": {},
                      "others": others.get(metric, {})}
            kept["metrics"][metric] = record
            print(run.row(metric, record), flush=True)
            for other, rates in record["others"].items():
                print(f"  {other}: {render.number(statistics.median(rates))}")
        KEPT.parent.mkdir(parents=True, exist_ok=True)
        KEPT.write_text(json.dumps(kept, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (run.Failure, subprocess.CalledProcessError) as error:
        sys.exit(f"bench-programs: {error}")
