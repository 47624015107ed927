#!/usr/bin/env python3
"""Measures oxuv and the reference libuv, benchmark by benchmark.

Each program runs on both libraries in turn (reference, ours, reference, ...),
so that drift of the machine falls on both alike. What is measured stands in
table.py; the figures are kept in build/bench/results.json, from which render.py
writes the document. A ratio above 1 is in oxuv's favour.
"""

import argparse
import ctypes
import fcntl
import json
import os
import re
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import render
import table

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "benches"
OUT = ROOT / "target" / "bench"
RESULTS = ROOT / "build" / "bench" / "results.json"
SIDES = ("reference", "ours")
MORE_PAIRS = 2  # times as many where the pairs disagree about the target
NOT_HERE = 3  # exit status: this machine does not let us measure that
# Programs that benchmarks of process starts start.
NOT_BENCHMARKS = {"first_loop", "nothing"}


class Failure(Exception):
    pass


# ---- Building --------------------------------------------------------------


def newer(output: Path, *inputs) -> bool:
    """Whether the output was made after the last change of the inputs."""
    return output.exists() and all(
        file.stat().st_mtime < output.stat().st_mtime
        for file in (*inputs, *HERE.glob("*.py"), *HERE.glob("*.h"))
    )


def compile_c(output: Path, sources: list, *flags) -> None:
    output.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [os.environ.get("CC", "cc"), "-O2", "-std=gnu11", "-pthread"]
        + [*map(str, sources), "-o", str(output), *flags],
        check=True,
    )


def build_own(include: Path, library: Path) -> Path:
    """Our benchmarks, linked to no library in particular."""
    binary = OUT / "oxuv-bench"
    sources = sorted(HERE.glob("*.c"))
    if not newer(binary, include / "uv.h", *sources):
        compile_c(binary, sources, "-Wall", "-Wextra", f"-I{include}",
                  f"-L{library}", "-l:libuv.so.1")
    return binary


def build_bare() -> Path:
    """The bare programs: no libuv at all."""
    binary = OUT / "oxuv-limits"
    sources = [HERE / "bench_main.c", *sorted((HERE / "limits").glob("*.c"))]
    if not newer(binary, *sources):
        compile_c(binary, sources, "-Wall", "-Wextra", "-DBENCH_BARE", f"-I{HERE}")
    return binary


def build_libuvs(reference: Path, library: Path, full: bool) -> Path:
    """libuv's own benchmarks, from the sources the reference is built from."""
    package = (reference / "include").resolve().parent
    binary = OUT / ("libuv-bench-full" if full else "libuv-bench")
    if newer(binary, package / "test"):
        return binary
    copy = OUT / "libuv-benchmarks"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(package / "test", copy,
                    ignore=shutil.ignore_patterns("test-*", "fixtures"))
    for name, old, new in () if full else table.SHORTENED:
        text = (copy / name).read_text()
        if old not in text:
            raise Failure(f"{name} holds no {old!r} any more")
        (copy / name).write_text(text.replace(old, new))
    names = ["runner", "runner-unix", "run-benchmarks", "echo-server",
             "blackhole-server"]
    sources = [copy / f"{n}.c" for n in names] + sorted(copy.glob("benchmark-*.c"))
    compile_c(
        binary, sources, "-w", "-D_GNU_SOURCE", "-D_FILE_OFFSET_BITS=64",
        "-DUSING_UV_SHARED=1", f"-I{package}/include", f"-I{copy}",
        f"-L{library}", "-l:libuv.so.1", "-ldl", "-lm",
    )
    return binary


# ---- Running ---------------------------------------------------------------


def fresh_network() -> None:
    """A loopback of our own, without the last run's TIME_WAIT sockets and open
    ports. Only root may have one; otherwise everybody shares the machine's."""
    clone_newnet = 0x40000000
    if ctypes.CDLL(None, use_errno=True).unshare(clone_newnet) != 0:
        return
    get_flags, set_flags, up = 0x8913, 0x8914, 0x1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(control, get_flags, request))[1]
        fcntl.ioctl(control, set_flags, struct.pack("16sh14x", b"lo", flags | up))


def environment(library: Path) -> dict:
    return {**os.environ, "LD_LIBRARY_PATH": str(library)}


def last_line(text: str) -> str:
    return text.strip().splitlines()[-1] if text.strip() else "no output"


def run_bench(binary: Path, library: Path, *arguments) -> list:
    """Runs a program that prints lines of JSON; [] if it cannot run here."""
    fresh_network()
    process = subprocess.run([str(binary), *arguments], env=environment(library),
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if process.returncode == NOT_HERE:
        return []
    if process.returncode != 0:
        raise Failure(f"{arguments[0]} on {library}: {last_line(process.stderr)}")
    return [json.loads(line) for line in process.stdout.splitlines()]


def run_own(binary: Path, library: Path, name: str, *options) -> dict:
    """One of our benchmarks, once; its metrics by name."""
    lines = run_bench(binary, library, name, *options)
    if not lines:
        return {}
    loaded, *metrics = lines
    if Path(loaded["library"]) != (library / "libuv.so.1").resolve():
        raise Failure(f"{name} ran on {loaded['library']}, not on {library}")
    return {metric.pop("metric"): metric for metric in metrics}


def wait_for_server(directory: str) -> None:
    """Until the helper listens, on TCP or on a pipe in its directory."""
    tcp = re.compile(r"^ *\d+: \S+ \S+ 0A ", re.M)
    for _ in range(5000):
        if tcp.search(Path("/proc/net/tcp").read_text()):
            return
        for name in os.listdir(directory):
            # The file is there when the pipe is bound, which is too early.
            pipe = rf"^(\S+ ){{3}}00010000 .* {re.escape(name)}$"
            if re.search(pipe, Path("/proc/net/unix").read_text(), re.M):
                return
        time.sleep(0.001)
    raise Failure("libuv's helper does not listen")


def run_libuvs(binary: Path, library: Path, program: table.Program,
               counter: tuple = ()) -> dict:
    """One of libuv's benchmarks, once, in the process that the runner of libuv
    would start; the server that it talks to is another one."""
    fresh_network()
    with tempfile.TemporaryDirectory(prefix="oxuv-bench-") as directory:
        start = dict(env=environment(library), cwd=directory,
                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        command = [*counter, str(binary), program.name]
        server = None
        if program.helper:
            server = subprocess.Popen([*command, program.helper], **start)
        try:
            if server:
                wait_for_server(directory)
            client = subprocess.Popen([*command, program.name], **start)
            output = client.stdout.read()
            _, status, usage = os.wait4(client.pid, 0)
            client.returncode = os.waitstatus_to_exitcode(status)
        finally:
            if server:
                os.kill(server.pid, signal.SIGTERM)
                server_output = server.stdout.read()
                _, _, server_usage = os.wait4(server.pid, 0)
                server.returncode = 0
    if client.returncode == NOT_HERE and counter:
        return {}
    if client.returncode != 0:
        raise Failure(f"{program.name} on {library}: {last_line(output)}")
    cpu = usage.ru_utime + usage.ru_stime
    if server:
        cpu += server_usage.ru_utime + server_usage.ru_stime

    metrics = {}
    for name, pattern in program.metrics.items():
        found = re.search(pattern, output)
        if not found:
            raise Failure(f"{program.name} on {library} printed no figure: "
                          f"{last_line(output)}")
        figure = float(found[1].replace(",", ""))
        if program.seconds_are_printed:
            figure = program.amount / figure
        metric = {"rate": figure, "unit": program.unit}
        # What the whole process used can be divided by its operations only if
        # it reports one figure.
        if len(program.metrics) == 1:
            metric["cpu_s"] = cpu
            metric["amount"] = program.amount or figure * program.seconds
            if counter:
                counts = [last_line(output)]
                if server:
                    counts.append(last_line(server_output))
                metric["syscalls"] = sum(json.loads(c)["syscalls"] for c in counts)
        metrics["libuv/" + name] = metric
    return metrics


# ---- Measuring -------------------------------------------------------------


class Session:
    def __init__(self, options):
        self.options = options
        self.libraries = {s: getattr(options, s).resolve() for s in SIDES}
        for side, directory in self.libraries.items():
            if not (directory / "libuv.so.1").exists():
                raise Failure(f"{side}: no libuv.so.1 in {directory}; build it first")
        reference = self.libraries["reference"]
        self.own = build_own(options.include, reference)
        self.bare = build_bare()
        self.libuvs = build_libuvs(options.reference, reference, options.full)
        self.results = {"metrics": {}, "bare": {}}
        if RESULTS.exists():
            self.results = json.loads(RESULTS.read_text())
        self.quick = ("--quick",) if options.quick else ()

    def save(self) -> None:
        if self.options.quick:
            return
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        RESULTS.write_text(json.dumps(self.results, indent=1) + "\n")

    def compare(self, once, count) -> None:
        """Runs `once(library)` in pairs, then `count(library)` for the system
        calls, and keeps what they return: metrics by name."""
        samples: dict = {}
        for done in range(self.options.pairs * MORE_PAIRS):
            if done == self.options.pairs and not any(undecided(*item) for item in samples.items()):
                break
            for side in SIDES:
                for name, sample in once(self.libraries[side]).items():
                    sides = samples.setdefault(name, {s: [] for s in SIDES})
                    sides[side].append(sample)
        counts = {side: count(self.libraries[side]) if count else {} for side in SIDES}
        for name, sides in samples.items():
            record = {
                "unit": sides["ours"][0]["unit"],
                "kind": render.kind(sides),
                "commit": commit(),
                "samples": sides,
                "syscalls": {},
            }
            for side in SIDES:
                counted = counts[side].get(name, {})
                if "syscalls" in counted and counted["amount"]:
                    record["syscalls"][side] = counted["syscalls"] / counted["amount"]
            self.results["metrics"][name] = record
            print(row(name, record), flush=True)
        self.save()

    def own_benchmark(self, name: str, *options) -> None:
        def once(library: Path, *more) -> dict:
            return run_own(self.own, library, name, *options, *more)

        self.compare(lambda library: once(library, *self.quick),
                     lambda library: once(library, "--quick", "--syscalls"))

    def libuvs_benchmark(self, program: table.Program) -> None:
        counter = (str(self.own), "--count-syscalls")
        self.compare(
            lambda library: run_libuvs(self.libuvs, library, program),
            None if len(program.metrics) > 1 else
            lambda library: run_libuvs(self.libuvs, library, program, counter),
        )

    def limit(self, name: str) -> None:
        for _ in range(self.options.pairs):
            for line in run_bench(self.bare, Path("/nonexistent"), name, *self.quick):
                metric = "bare/" + line.pop("metric")
                self.results["bare"].setdefault(metric, []).append(line)

    def limits(self, names: list) -> None:
        for name in names:
            for metric in [m for m in self.results["bare"]
                           if m.split("/")[1].split(".")[0] == name]:
                del self.results["bare"][metric]
            before = set(self.results["bare"])
            self.limit(name)
            for metric in sorted(set(self.results["bare"]) - before):
                samples = self.results["bare"][metric]
                rate = statistics.median(s["rate"] for s in samples)
                print(f"{metric:<32} {number(rate):>13} {samples[0]['unit']}",
                      flush=True)
            self.save()

    def size(self) -> None:
        def stripped(library: Path) -> dict:
            with tempfile.NamedTemporaryFile(prefix="oxuv-bench-") as copy:
                subprocess.run(["strip", "-o", copy.name, library / "libuv.so.1"],
                               check=True)
                size = os.stat(copy.name).st_size
            return {"size_stripped": {"cost": size, "unit": "bytes"}}

        self.compare(stripped, None)


def undecided(name: str, samples: dict) -> bool:
    """Whether some pairs reach the metric's target, or the floor, and some do not."""
    s = render.summary({"samples": samples, "kind": render.kind(samples)})
    return any(s["ratio_min"] < bound <= s["ratio_max"]
               for group in table.GROUPS if name in group.metrics and not group.at_most
               for bound in (group.target, table.FLOOR))


def commit() -> str:
    shown = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT,
                           stdout=subprocess.PIPE, text=True)
    return shown.stdout.strip() or "unknown"


def machine() -> dict:
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())
    return {
        "cpu": cpu[1] if cpu else os.uname().machine,
        "cores": os.cpu_count(),
        "memory_gib": round(int(memory[1]) / 2**20),
        "kernel": os.uname().release,
        "libc": os.confstr("CS_GNU_LIBC_VERSION"),
    }


# ---- Printing --------------------------------------------------------------


def number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


HEADER = (
    f"{'metric':<32} {'reference':>13} {'ours':>13}  {'unit':<14} {'ratio':>6}"
    f"  {'over the pairs':<14} {'CPU':>5}  syscalls ref, ours"
)


def row(name: str, record: dict) -> str:
    s = render.summary(record)
    spread = f"{s['ratio_min']:.2f} - {s['ratio_max']:.2f}"
    cpu = f"{s['cpu_ratio']:.2f}" if s["cpu_ratio"] else ""
    calls = [record["syscalls"].get(side) for side in SIDES]
    calls = "" if None in calls else f"{calls[0]:.3g}, {calls[1]:.3g}"
    return (
        f"{name:<32} {number(s['reference']):>13} {number(s['ours']):>13}"
        f"  {record['unit']:<14} {s['ratio']:>6.2f}  {spread:<14} {cpu:>5}  {calls}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--only", action="append", metavar="REGEX",
                        help="benchmarks whose name matches; may be repeated")
    parser.add_argument("--list", action="store_true", help="list their names")
    parser.add_argument("--quick", action="store_true",
                        help="a tenth of the work in our own; nothing is kept")
    parser.add_argument("--full", action="store_true",
                        help="libuv's benchmarks at their full length")
    parser.add_argument("--ours", type=Path, default=ROOT / "target/lib")
    parser.add_argument("--reference", type=Path, default=ROOT / "target/reference")
    parser.add_argument("--include", type=Path, default=ROOT / "include")
    options = parser.parse_args()
    if options.pairs < 1:
        parser.error("--pairs must be at least 1")

    def selected(name: str) -> bool:
        return not options.only or any(re.search(r, name) for r in options.only)

    session = Session(options)

    def listed(binary: Path) -> list:
        shown = subprocess.run([binary, "--list"], check=True, text=True,
                               stdout=subprocess.PIPE,
                               env=environment(session.libraries["reference"]))
        return shown.stdout.split()

    parametric = {g.name for g in table.GROWTH}
    jobs = [(n, lambda n=n: session.own_benchmark(n))
            for n in listed(session.own) if n not in parametric | NOT_BENCHMARKS]
    jobs += [(f"{g.name}/{n}", lambda g=g, n=n: session.own_benchmark(f"{g.name}/{n}"))
             for g in table.GROWTH for n in g.points]
    # A tenth of the work, which takes as long there.
    jobs += [(f"{n}_busy", lambda n=n: session.own_benchmark(n, "--busy", "--quick"))
             for n in table.BUSY]
    jobs += [("size_stripped", session.size)]
    jobs += [("libuv/" + p.name, lambda p=p: session.libuvs_benchmark(p))
             for p in table.PROGRAMS]
    jobs += [("bare/" + n, lambda n=n: session.limits([n])) for n in listed(session.bare) if n not in NOT_BENCHMARKS]
    jobs = [(name, job) for name, job in jobs if selected(name)]
    if options.list:
        print("\n".join(name for name, _ in jobs))
        return 0
    if not jobs:
        raise Failure("no benchmark has such a name; --list shows them")

    print(f"{options.pairs} interleaved pairs, {MORE_PAIRS} times as many where they"
          f" disagree about the target; medians. A ratio above 1 is in oxuv's"
          f" favour; CPU is what oxuv uses of the reference's.")
    load = os.getloadavg()[0]
    if load > 0.5:
        print(f"Load average {load:.1f}: other programs blur the wall times.")
    print(HEADER, flush=True)
    session.results["machine"] = machine()
    failed = []
    for name, job in jobs:
        try:
            job()
        except Failure as failure:
            failed.append(name)
            print(f"{name}: {failure}", file=sys.stderr, flush=True)
    if failed:
        print(f"{len(failed)} failed: {' '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Failure, subprocess.CalledProcessError) as error:
        sys.exit(f"bench: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
