#!/usr/bin/env python3
"""Profiles a benchmark on the reference libuv and on oxuv.

Runs it on both libraries in turn while `perf` samples every processor. For each
library it writes a flame graph, build/bench/profiles/NAME-SIDE.svg, and to
build/bench/profiles.json the shares of the processor time: the kernel, by system
call, the library and the program. Needs root, or kernel.perf_event_paranoid at -1.
"""

import argparse
import collections
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import render
import run
import table
from programs import run as programs

KEPT = render.PROFILES
FLAMEGRAPH = run.ROOT / "build" / "inferno" / "bin" / "inferno-flamegraph"
# Samples a second of each processor, taken by the clock: most virtual machines
# have no cycle counter. Not a round number, so that timers do not run in step.
FREQUENCY = 999
# Bytes of the stack that are copied for unwinding. libuv has an array of 12 KiB on it.
STACK_BYTES = 16384
# The benchmarks of programs/ that can be profiled, and how many times longer they
# run here, so that the start of Node.js has a small share.
NODE = {"node_read_sequential": "10", "node_read_64": "4"}
# Functions with a smaller share of the time are left out of the flame graphs.
MIN_PER_CENT = 0.3


# ---- Recording -------------------------------------------------------------


def record(data: Path, work):
    """Calls work() while perf writes to `data`. Returns the result of work()."""
    control, commands = os.pipe()
    answers, acknowledge = os.pipe()
    perf = subprocess.Popen(
        ["perf", "record", "--quiet", "--all-cpus", "--event=cpu-clock",
         f"--freq={FREQUENCY}", f"--call-graph=dwarf,{STACK_BYTES}",
         "--mmap-pages=2048", f"--output={data}", "--delay=-1",
         f"--control=fd:{control},{acknowledge}"],
        pass_fds=(control, acknowledge), stderr=subprocess.PIPE, text=True,
    )
    os.close(control)
    os.close(acknowledge)
    try:
        os.write(commands, b"enable\n")
        if not os.read(answers, 100):
            raise BrokenPipeError
        return work()
    except BrokenPipeError:
        raise run.Failure(f"perf cannot record here:\n{perf.communicate()[1]}") from None
    finally:
        perf.send_signal(signal.SIGINT)
        perf.wait()
        os.close(commands)
        os.close(answers)


TASK = re.compile(r"PERF_RECORD_(?:FORK\((\d+):\d+\):\((\d+):\d+\)|COMM exec: .*:(\d+)/)")
SAMPLE = re.compile(r"(\S.*?) +(\d+)/(\d+) +([\d.]+): *$")
FRAME = re.compile(r"\s+[0-9a-f]+ (.*) \((.*)\)$")


class Sample(NamedTuple):
    thread: str
    thread_id: str
    time: float
    another_program: bool  # started by the one that is profiled
    stack: list  # from the inside out: function and file


def samples(data: Path):
    """Yields the samples of the processes that this one has started."""
    script = subprocess.run(
        ["perf", "script", "--no-inline", "--show-task-events",
         "--fields=comm,pid,tid,time,ip,sym,dso", f"--input={data}"],
        check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        errors="replace",
    ).stdout
    parents: dict = {}
    programs = set()  # processes that run another program than their parent
    for block in script.split("\n\n"):
        stack = []
        for line in block.splitlines():
            if task := TASK.search(line):
                child, parent, executed = task.groups()
                if executed:
                    programs.add(executed)
                elif child != parent:  # not a new thread
                    parents[child] = parent
            elif frame := FRAME.match(line):
                stack.append(frame.groups())
            elif sample := SAMPLE.match(line):
                thread, process, thread_id, time = sample.groups()
        if not stack:
            continue
        line_of_descent = set()
        while process in parents and process != str(os.getpid()):
            line_of_descent.add(process)
            process = parents[process]
        started = len(programs & line_of_descent)
        if process == str(os.getpid()) and started:
            yield Sample(thread, thread_id, float(time), started > 1, stack)


# ---- Attribution -----------------------------------------------------------

KERNEL = "[kernel.kallsyms]"
SYSTEM_CALL = re.compile(r"(?:__x64_sys|__se_sys|__do_sys|__sys|ksys|kernel|vm)_(\w+)")
# Calls that do the same for a reader.
SAME = {
    "epoll_pwait": "epoll_wait",
    **dict.fromkeys(("write", "writev", "sendto", "sendmsg"), "write, send"),
    **dict.fromkeys(("read", "readv", "recvfrom", "recvmsg"), "read, recv"),
    "mmap_pgoff": "mmap",
    **dict.fromkeys(("vfork", "clone3"), "clone"),
}


def share_of(sample: Sample) -> str:
    """Returns the line of the table that a sample counts for."""
    if sample.another_program:
        return "the program that is started"
    pool = " (pool)" if sample.thread == "libuv-worker" else ""
    return label(sample.stack) + pool


def label(stack: list) -> str:
    kernel = [function for function, file in stack if file == KERNEL]
    if not kernel:
        file = Path(stack[0][1]).name
        if file.startswith("libuv.so"):
            return "the library"
        if file == "[vdso]":
            return "`clock_gettime` (vDSO)"
        return "libc" if re.match(r"libc\.|ld-", file) else "the program"
    # The outermost frames tell why the kernel was entered.
    if "do_syscall_64" in kernel:
        inside = kernel[: kernel.index("do_syscall_64")]
        for function in reversed(inside):
            if call := SYSTEM_CALL.match(function):
                return f"`{SAME.get(call[1], call[1])}`"
    if any(function.startswith("asm_exc_page_fault") for function in kernel):
        return "page faults"
    if any(function.startswith("asm_sysvec_") for function in kernel):
        return "interrupts"
    return "system call entry and exit"


def busiest(found: list) -> float:
    """Returns the share of its time that the thread with the most samples ran."""
    thread, count = collections.Counter(s.thread_id for s in found).most_common(1)[0]
    times = [s.time for s in found if s.thread_id == thread]
    return min(1.0, count / FREQUENCY / (max(times) - min(times)))


def folded(sample: Sample) -> str:
    """Returns the stack in the format of the flame graph's tool."""
    frames = [sample.thread]
    for function, file in reversed(sample.stack):
        if function == "[unknown]":
            name = Path(file).name
            function = "[generated code]" if name.startswith("perf-") else f"[{name}]"
        frames.append(function.replace(";", ":") + "_[k]" * (file == KERNEL))
    return ";".join(frames)


# ---- A benchmark -----------------------------------------------------------


def runner(name: str, libraries: dict, include: Path):
    """Returns what runs the benchmark once on a library and returns its metrics."""
    if name in NODE:
        return lambda library: programs.files(library, name, NODE[name])
    measured = run.Programs(include, libraries["reference"], quick=False, full=False)
    if name not in measured.benchmarks():
        raise run.Failure(f"there is no {name}")
    return measured.benchmarks()[name].once


def profile(name: str, once, libraries: dict, pairs: int) -> dict:
    result = {"commit": run.commit()}
    shares = {side: collections.Counter() for side in libraries}
    stacks = {side: collections.Counter() for side in libraries}
    metrics = {side: [] for side in libraries}
    busy = {side: [] for side in libraries}
    with tempfile.TemporaryDirectory(prefix="oxuv-profile-") as directory:
        data = Path(directory) / "perf.data"
        for _ in range(pairs):
            for side, library in libraries.items():
                metrics[side] += record(data, lambda: once(library)).values()
                found = list(samples(data))
                shares[side].update(map(share_of, found))
                stacks[side].update(map(folded, found))
                busy[side].append(busiest(found))
    # The time of a program with several figures cannot be divided by operations.
    counted = all("cpu_s" in m for m in metrics["ours"]) and len(metrics["ours"]) == pairs
    result["of"] = "operation" if counted else "run"
    for side in libraries:
        draw(name, side, stacks[side])
        total = shares[side].total()
        result[side] = {
            "cpu": sum(m["cpu_s"] for m in metrics[side])
            / sum(m["amount"] for m in metrics[side])
            if counted else total / FREQUENCY / pairs,
            "busiest": statistics.median(busy[side]),
            "shares": {what: n / total for what, n in shares[side].most_common()},
        }
    return result


def draw(name: str, side: str, stacks: collections.Counter) -> None:
    file = render.flame_graph(name, side)
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = "".join(f"{stack} {count}\n" for stack, count in sorted(stacks.items()))
    drawn = subprocess.run(
        [FLAMEGRAPH, "--quiet", "--deterministic", "--colors=java",
         f"--minwidth={MIN_PER_CENT}",
         f"--title={name} on {render.NAMES[side]}: processor time"],
        check=True, input=lines, stdout=subprocess.PIPE, text=True,
    ).stdout
    file.write_text(drawn)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", default=table.PROFILES,
                        help="benchmarks, as `make bench ARGS=--list` shows them,"
                        f" and {' '.join(NODE)}; without: {' '.join(table.PROFILES)}")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--ours", type=Path, default=run.ROOT / "target/lib")
    parser.add_argument("--reference", type=Path, default=run.ROOT / "target/reference")
    parser.add_argument("--include", type=Path, default=run.ROOT / "include")
    options = parser.parse_args()
    libraries = {side: getattr(options, side).resolve() for side in run.SIDES}
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    for name in options.names:
        once = runner(name, libraries, options.include)
        kept[name] = profile(name, once, libraries, options.pairs)
        KEPT.parent.mkdir(parents=True, exist_ok=True)
        KEPT.write_text(json.dumps(kept, indent=1) + "\n")
        print(render.profile(name, kept[name]), flush=True)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (run.Failure, subprocess.CalledProcessError, FileNotFoundError) as error:
        sys.exit(f"profile: {error}")
