#!/usr/bin/env python3
"""Measures oxuv and the reference libuv, benchmark by benchmark.

Each program runs on both libraries in turn (reference, ours, reference, ...),
so that drift of the machine affects both alike. table.py lists the benchmarks;
the figures are kept in build/bench/results.json, from which render.py writes the
document. A ratio above 1 is in oxuv's favour.
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
from typing import Callable, NamedTuple, Optional

import render
import table

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "benches"
OUT = ROOT / "target" / "bench"
RESULTS = ROOT / "build" / "bench" / "results.json"
SIDES = ("reference", "ours")
MORE_PAIRS = 2  # times as many where the pairs disagree about the target
NOT_HERE = 3  # exit status: this machine does not permit the measurement
# Programs that benchmarks of process starts run.
NOT_BENCHMARKS = {"first_loop", "nothing"}


class Failure(Exception):
    pass


# ---- Building --------------------------------------------------------------


def newer(output: Path, *inputs) -> bool:
    """Returns whether the output is newer than the inputs."""
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
    """Builds our benchmarks, which use the libuv that the linker finds."""
    binary = OUT / "oxuv-bench"
    sources = sorted(HERE.glob("bench_*.c"))
    if not newer(binary, include / "uv.h", *sources):
        compile_c(binary, sources, "-Wall", "-Wextra", f"-I{include}",
                  f"-L{library}", "-l:libuv.so.1")
    return binary


def build_baselines() -> Path:
    """Builds the baselines: C programs without a library."""
    binary = OUT / "oxuv-baselines"
    sources = [HERE / "bench_main.c", *sorted((HERE / "baselines").glob("*.c"))]
    if not newer(binary, *sources):
        compile_c(binary, sources, "-Wall", "-Wextra", "-DBENCH_BASELINE", f"-I{HERE}")
    return binary


def build_libuvs(reference: Path, library: Path, full: bool) -> Path:
    """Builds libuv's own benchmarks, from the sources of the reference."""
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
            raise Failure(f"{name} does not contain {old!r}")
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
    """Enters a new network namespace, without the last run's TIME_WAIT sockets and
    open ports. Without the right to make one, runs use the machine's loopback."""
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
    """Runs a program that prints lines of JSON. Returns [] if it cannot run here."""
    fresh_network()
    process = subprocess.run([str(binary), *arguments], env=environment(library),
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if process.returncode == NOT_HERE:
        return []
    if process.returncode != 0:
        raise Failure(f"{arguments[0]} on {library}: {last_line(process.stderr)}")
    return [json.loads(line) for line in process.stdout.splitlines()]


def run_own(binary: Path, library: Path, name: str, *options) -> dict:
    """Runs one of our benchmarks once. Returns its metrics by name."""
    lines = run_bench(binary, library, name, *options)
    if not lines:
        return {}
    loaded, *metrics = lines
    if Path(loaded["library"]) != (library / "libuv.so.1").resolve():
        raise Failure(f"{name} ran on {loaded['library']}, not on {library}")
    return {metric.pop("metric"): metric for metric in metrics}


def wait_for_server(directory: str) -> None:
    """Waits until the helper listens, on TCP or on a pipe in its directory."""
    tcp = re.compile(r"^ *\d+: \S+ \S+ 0A ", re.M)
    for _ in range(5000):
        if tcp.search(Path("/proc/net/tcp").read_text()):
            return
        for name in os.listdir(directory):
            # The file exists as soon as the pipe is bound, which is too early.
            pipe = rf"^(\S+ ){{3}}00010000 .* {re.escape(name)}$"
            if re.search(pipe, Path("/proc/net/unix").read_text(), re.M):
                return
        time.sleep(0.001)
    raise Failure("libuv's helper does not listen")


def run_libuvs(binary: Path, library: Path, program: table.Program,
               counter: tuple = ()) -> dict:
    """Runs one of libuv's benchmarks once, in the process that libuv's runner would
    start; its server runs in another one."""
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
        # The processor time of the process can be divided by its operations only
        # if it reports one figure.
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


class Benchmark(NamedTuple):
    once: Callable  # runs it on a library and returns metrics by name
    count: Optional[Callable] = None  # the same, for the system calls


class Programs:
    """The programs that are run, and the benchmarks in them."""

    def __init__(self, include: Path, reference: Path, quick: bool, full: bool):
        self.reference = reference
        self.own = build_own(include, reference)
        self.libuvs = build_libuvs(reference, reference, full)
        self.quick = ("--quick",) if quick else ()

    def listed(self, binary: Path) -> list:
        shown = subprocess.run([binary, "--list"], check=True, text=True,
                               stdout=subprocess.PIPE, env=environment(self.reference))
        return [name for name in shown.stdout.split() if name not in NOT_BENCHMARKS]

    def own_benchmark(self, name: str, *options) -> Benchmark:
        def once(library: Path, *more) -> dict:
            return run_own(self.own, library, name, *options, *more)

        return Benchmark(lambda library: once(library, *self.quick),
                         lambda library: once(library, "--quick", "--syscalls"))

    def libuvs_benchmark(self, program: table.Program) -> Benchmark:
        def once(library: Path, counter: tuple = ()) -> dict:
            return run_libuvs(self.libuvs, library, program, counter)

        if len(program.metrics) > 1:
            return Benchmark(once)
        counter = (str(self.own), "--count-syscalls")
        return Benchmark(once, lambda library: once(library, counter))

    def benchmarks(self) -> dict:
        parametric = {g.name for g in table.GROWTH}
        found = {n: self.own_benchmark(n) for n in self.listed(self.own) if n not in parametric}
        found |= {f"{g.name}/{n}": self.own_benchmark(f"{g.name}/{n}")
                  for g in table.GROWTH for n in g.points}
        # A tenth of the work, which takes as long there.
        found |= {f"{n}_busy": self.own_benchmark(n, "--busy", "--quick") for n in table.BUSY}
        found["size_stripped"] = Benchmark(stripped_size)
        return found | {"libuv/" + p.name: self.libuvs_benchmark(p) for p in table.PROGRAMS}


def stripped_size(library: Path) -> dict:
    with tempfile.NamedTemporaryFile(prefix="oxuv-bench-") as copy:
        subprocess.run(["strip", "-o", copy.name, library / "libuv.so.1"], check=True)
        return {"size_stripped": {"cost": os.stat(copy.name).st_size, "unit": "bytes"}}


class Session:
    def __init__(self, options):
        self.options = options
        self.libraries = {s: library_directory(getattr(options, s)) for s in SIDES}
        self.programs = Programs(options.include, self.libraries["reference"],
                                 options.quick, options.full)
        self.baselines = build_baselines()
        self.results = {"metrics": {}, "baselines": {}}
        if RESULTS.exists():
            self.results |= json.loads(RESULTS.read_text())

    def jobs(self) -> dict:
        """Returns what measures each benchmark and baseline, by name."""
        jobs = {name: lambda b=benchmark: self.compare(b)
                for name, benchmark in self.programs.benchmarks().items()}
        return jobs | {"baseline/" + name: lambda n=name: self.baseline(n)
                       for name in self.programs.listed(self.baselines)}

    def save(self) -> None:
        if self.options.quick:
            return
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        RESULTS.write_text(json.dumps(self.results, indent=1) + "\n")

    def compare(self, benchmark: Benchmark) -> None:
        """Runs it in pairs, then for the system calls, and keeps the metrics."""
        samples: dict = {}
        for done in range(self.options.pairs * MORE_PAIRS):
            if done == self.options.pairs and not any(undecided(*item) for item in samples.items()):
                break
            for side in SIDES:
                for name, sample in benchmark.once(self.libraries[side]).items():
                    sides = samples.setdefault(name, {s: [] for s in SIDES})
                    sides[side].append(sample)
        counts = {side: benchmark.count(self.libraries[side]) if benchmark.count else {}
                  for side in SIDES}
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

    def baseline(self, name: str) -> None:
        kept = self.results["baselines"]
        for metric in [m for m in kept if m.split("/")[1].split(".")[0] == name]:
            del kept[metric]
        measured: dict = {}
        for _ in range(self.options.pairs):
            for line in run_bench(self.baselines, Path("/nonexistent"), name,
                                  *self.programs.quick):
                measured.setdefault("baseline/" + line.pop("metric"), []).append(line)
        for metric, samples in sorted(measured.items()):
            rate = statistics.median(s["rate"] for s in samples)
            print(f"{metric:<32} {number(rate):>13} {samples[0]['unit']}", flush=True)
        kept |= measured
        self.save()


def library_directory(given: Path) -> Path:
    """Returns the directory of a libuv.so.1 that is given by its path or directory."""
    directory = (given.parent if given.is_file() else given).resolve()
    if not (directory / "libuv.so.1").exists():
        raise Failure(f"no libuv.so.1 in {directory}; build it first")
    return directory


def undecided(name: str, samples: dict) -> bool:
    """Returns whether only some of the pairs reach the metric's target or the floor."""
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


def selected(benchmarks: dict, patterns: list) -> dict:
    """Returns those whose name matches one of the regular expressions; without, all."""
    chosen = {name: benchmark for name, benchmark in benchmarks.items()
              if not patterns or any(re.search(p, name) for p in patterns)}
    if not chosen:
        raise Failure("no benchmark has such a name; --list shows them")
    return chosen


def run_all(jobs: dict) -> int:
    """Runs the jobs. Returns the exit status: 1 if one of them failed."""
    failed = []
    for name, job in jobs.items():
        try:
            job()
        except Failure as failure:
            failed.append(name)
            print(f"{name}: {failure}", file=sys.stderr, flush=True)
    if failed:
        print(f"{len(failed)} failed: {' '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def warn_of_load() -> None:
    load = os.getloadavg()[0]
    if load > 0.5:
        print(f"Load average {load:.1f}: other programs disturb the wall times.")


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

    session = Session(options)
    jobs = selected(session.jobs(), options.only)
    if options.list:
        print("\n".join(jobs))
        return 0
    print(f"{options.pairs} interleaved pairs, {MORE_PAIRS} times as many where they"
          f" disagree about the target; medians. A ratio above 1 is in oxuv's"
          f" favour; CPU is the processor time of oxuv as a multiple of the reference's.")
    warn_of_load()
    print(HEADER, flush=True)
    session.results["machine"] = machine()
    return run_all(jobs)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Failure, subprocess.CalledProcessError) as error:
        sys.exit(f"bench: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
