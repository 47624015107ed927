#!/usr/bin/env python3
"""Compares two builds of oxuv with each other.

Benchmarks in one thread run once on each build under callgrind, which counts the
instructions in user space. The others run on the old build, on the new one and on the
old one again, in rotating order, for some rounds. Each ratio is the median over the
rounds, and above 1 it is in favour of the new build. A row is slower if it takes over 1 %
more instructions, or if its ratio is below 0.98 and below that of the old build against
itself. That is the ratio of processor times where they are known, otherwise of wall
times. The exit status is 1 if a row is slower.
"""

import argparse
import re
import statistics
import subprocess
import sys
from pathlib import Path

import run
import table

SIDES = ("old", "new", "again")
MORE_INSTRUCTIONS = 1.01
PAIRS, PAIRS_OF_NAMED = 5, 30
VERDICTS = {True: "slower", False: ""}


def instructions(programs: run.Programs, library: Path, name: str) -> int:
    """Returns the instructions between the start and the end of the benchmark."""
    function = "bench_" + name.split("/")[0]
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
               f"--toggle-collect={function}", str(programs.own), name, "--quick"]
    process = subprocess.run(command, env=run.environment(library), text=True,
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    collected = re.search(r"Collected : (\d+)", process.stderr)
    if process.returncode != 0 or not collected or collected[1] == "0":
        raise run.Failure(f"under callgrind: {run.last_line(process.stderr)}")
    return int(collected[1])


def compare_instructions(programs: run.Programs, libraries: dict, name: str) -> bool:
    """Prints the row of a benchmark. Returns whether it is slower."""
    old, new = (instructions(programs, libraries[side], name) for side in ("old", "new"))
    slower = new > old * MORE_INSTRUCTIONS
    print(f"{name:<32} {old:>15,} → {new:>15,} instructions {old / new:>7.3f}"
          f"  {VERDICTS[slower]}", flush=True)
    return slower


def speed(sample: dict) -> float:
    return sample["rate"] if "rate" in sample else 1 / sample["cost"]


def economy(sample: dict) -> float:
    """Returns the operations in a second of processor time; 0 if it is not known."""
    return sample["amount"] / sample["cpu_s"] if sample.get("amount") and sample["cpu_s"] else 0


def ratio(samples: dict, side: str, figure) -> float:
    """Returns the median ratio of a side to the old build; 0 if a figure is not known."""
    pairs = [(figure(s), figure(old)) for s, old in zip(samples[side], samples["old"])]
    return statistics.median(s / old for s, old in pairs) if all(map(all, pairs)) else 0


def compare_times(benchmark: run.Benchmark, libraries: dict, rounds: int) -> bool:
    """Prints the rows of a benchmark's metrics. Returns whether one is slower."""
    samples: dict = {}
    for i in range(rounds):
        first = i % len(SIDES)
        for side in SIDES[first:] + SIDES[:first]:
            for name, sample in benchmark.once(libraries[side]).items():
                samples.setdefault(name, {s: [] for s in SIDES})[side].append(sample)
    any_slower = False
    for name, sides in samples.items():
        shown, judged = [], (0, 0)
        wall = "wall" if "rate" in sides["old"][0] else "cost"
        for label, figure in ((wall, speed), ("CPU", economy)):
            new, itself = (ratio(sides, side, figure) for side in ("new", "again"))
            if new:
                judged = (new, itself)
                shown.append(f"{label} {new:.3f} (old {itself:.3f})")
        slower = judged[0] < min(table.FLOOR, judged[1])
        any_slower |= slower
        print(f"{name:<32} {'  '.join(shown):<48}  {VERDICTS[slower]}", flush=True)
    return any_slower


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="REGEX",
                        help="benchmarks whose name matches; without, all of them")
    parser.add_argument("--old", type=Path, required=True, help="a libuv.so.1")
    parser.add_argument("--new", type=Path, default=run.ROOT / "target/lib")
    parser.add_argument("--reference", type=Path, default=run.ROOT / "target/reference")
    parser.add_argument("--include", type=Path, default=run.ROOT / "include")
    parser.add_argument("--pairs", type=int, help=f"rounds: {PAIRS_OF_NAMED} without, and"
                        f" {PAIRS} for all benchmarks")
    options = parser.parse_args()
    rounds = options.pairs or (PAIRS_OF_NAMED if options.names else PAIRS)
    old = run.library_directory(options.old)
    libraries = {"old": old, "new": run.library_directory(options.new), "again": old}
    programs = run.Programs(options.include, run.library_directory(options.reference),
                            quick=False, full=False)
    slower = []

    def job(name: str, benchmark: run.Benchmark) -> None:
        if name.split("/")[0] in table.ONE_THREAD:
            found = compare_instructions(programs, libraries, name)
        else:
            found = compare_times(benchmark, libraries, rounds)
        if found:
            slower.append(name)

    chosen = run.selected(programs.benchmarks(), options.names)
    run.warn_of_load()
    status = run.run_all({name: lambda n=name, b=benchmark: job(n, b)
                          for name, benchmark in chosen.items()})
    print(f"{len(slower)} slower: {' '.join(slower)}" if slower else "none is slower")
    return 1 if slower else status


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (run.Failure, subprocess.CalledProcessError, FileNotFoundError) as error:
        sys.exit(f"bench-compare: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
