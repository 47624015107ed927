#!/usr/bin/env python3
"""Measures what spinning costs: one operation after another with some work in between.

Runs pool_gap.c on the reference, on oxuv and on the reference again, interleaved, for
files, work, wake-ups and replies, with 0, 1 and 3 busy processes on each core, on all
cores and on one. Prints the processor time of an operation and the 99th percentile of
its latency, and draws the grid (build/bench/pool-gap.svg). A cell fails if the median
of oxuv and its lowest figure both exceed 1.05 times the higher one of the reference's
two. Exits with 1 if a cell fails in processor time.
"""

import argparse
import os
import statistics
import subprocess
import sys
from pathlib import Path

from plot import Svg

ROOT = Path(__file__).resolve().parent.parent
KINDS = ("fs", "work", "async", "reply")
GAPS = (0, 2, 5, 10, 20, 45, 100, 1000)
CROWDS = (0, 1, 3)
LIMIT = 1.05
P99, PROCESSOR = 1, 2


def build(reference: Path, program: Path) -> None:
    program.parent.mkdir(parents=True, exist_ok=True)
    source = ROOT / "benches/pool_gap.c"
    options = ["-std=c11", "-D_GNU_SOURCE", "-O2", "-Wall", f"-I{ROOT / 'include'}"]
    libraries = [f"-L{reference}", "-l:libuv.so.1", "-lpthread"]
    compiler = os.environ.get("CC", "cc")
    subprocess.run([compiler, *options, source, "-o", program, *libraries], check=True)


def run(program: Path, library: Path, kind: str, gap: int, count: int) -> list:
    """Runs the program once. Returns its figures in nanoseconds."""
    output = subprocess.run(
        [program, kind, str(gap), str(count)],
        check=True,
        timeout=60,
        env={**os.environ, "LD_LIBRARY_PATH": str(library)},
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    return [int(figure) for figure in output.split()]


class Cell:
    """The figures of one cell: those of the reference, of oxuv, and of the reference again."""

    def __init__(self, runs: list):
        self.runs = runs

    def each(self, summary, figure: int) -> tuple:
        """Returns the summary of the reference, the higher one, and of oxuv."""
        first, ours, second = (
            summary(figures[figure] for figures in side) for side in self.runs
        )
        return max(first, second), ours

    def ratio(self, summary, figure: int) -> float:
        theirs, ours = self.each(summary, figure)
        return ours / theirs

    def fails(self, figure: int) -> bool:
        return all(self.ratio(summary, figure) > LIMIT for summary in (statistics.median, min))

    def row(self) -> str:
        text = ""
        for figure in (PROCESSOR, P99):
            theirs, ours = self.each(statistics.median, figure)
            lowest = self.ratio(min, figure)
            verdict = "FAILS" if self.fails(figure) else ""
            text += f"  {theirs / 1e3:9.2f} {ours / 1e3:9.2f} {ours / theirs:5.2f} {lowest:5.2f} {verdict:5}"
        return text


def measure(program: Path, libraries: list, kind: str, gap: int, options) -> Cell:
    count = max(200, min(options.count, 400_000 // (gap + 20)))
    runs: list = [[], [], []]
    for _ in range(options.rounds):
        for library, figures in zip(libraries, runs):
            figures.append(run(program, library, kind, gap, count))
    return Cell(runs)


def draw(cells: dict, path: Path) -> None:
    """Draws the ratio of processor time of each cell."""
    rows = sorted({key[:3] for key in cells}, key=lambda row: (row[0], KINDS.index(row[1]), row[2]))
    gaps = sorted({key[3] for key in cells})
    svg = Svg(250 + 62 * len(gaps), 70 + 24 * len(rows), "Processor time, oxuv divided by libuv")
    svg.text(10, 20, "Processor time of an operation, oxuv divided by libuv", "title")
    for column, gap in enumerate(gaps):
        svg.text(250 + 62 * column, 45, f"{gap} µs", "small")
    for index, (cores, kind, crowd) in enumerate(rows):
        y = 60 + 24 * index
        svg.text(10, y + 12, f"{kind}, {cores}, {crowd} busy processes a core", "small")
        for column, gap in enumerate(gaps):
            cell = cells.get((cores, kind, crowd, gap))
            if cell is None:
                continue
            ratio = cell.ratio(statistics.median, PROCESSOR)
            colour = "slower" if cell.fails(PROCESSOR) else "reached" if ratio <= 1 else "missed"
            svg.bar(250 + 62 * column, y, 20 * min(ratio, 1.5), 14, colour)
            svg.text(282 + 62 * column, y + 11, f"{ratio:.2f}", "small")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(str(svg))


def measure_crowd(crowd: int, cores: str, options, libraries: list, program: Path) -> dict:
    """Measures all kinds and gaps beside `crowd` busy processes on each core."""
    number = crowd * len(os.sched_getaffinity(0))
    busy = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(number)]
    cells = {}
    try:
        for kind in options.kinds:
            for gap in options.gaps:
                cell = measure(program, libraries, kind, gap, options)
                cells[cores, kind, crowd, gap] = cell
                print(f"{cores:9} {kind:5} {crowd:4} {gap:5}{cell.row()}", flush=True)
    finally:
        for process in busy:
            process.kill()
            process.wait()
    return cells


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--gaps", nargs="+", type=int, default=GAPS)
    parser.add_argument("--crowds", nargs="+", type=int, default=CROWDS)
    parser.add_argument("--cores", nargs="+", choices=("all", "one"), default=("all", "one"))
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--count", type=int, default=4000, help="operations in a run, at most")
    parser.add_argument("--reference", type=Path, default=ROOT / "target/reference")
    parser.add_argument("--ours", type=Path, default=ROOT / "target/lib")
    options = parser.parse_args()

    program = ROOT / "build/bench/pool_gap"
    build(options.reference, program)
    libraries = [options.reference, options.ours, options.reference]
    print("cores     kind  busy   gap  processor: libuv, oxuv, ratio, of the lowest   p99: the same")
    every_core = os.sched_getaffinity(0)
    cells: dict = {}
    for cores in options.cores:
        os.sched_setaffinity(0, every_core if cores == "all" else {min(every_core)})
        for crowd in options.crowds:
            cells |= measure_crowd(crowd, f"{cores} cores" if cores == "all" else "one core", options, libraries, program)
    draw(cells, ROOT / "build/bench/pool-gap.svg")
    failed = sum(cell.fails(PROCESSOR) for cell in cells.values())
    slow = sum(cell.fails(P99) for cell in cells.values())
    print(f"{len(cells)} cells; processor time fails in {failed}, p99 in {slow}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
