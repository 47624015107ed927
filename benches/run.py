#!/usr/bin/env python3
"""Compares oxuv with the reference libuv, benchmark by benchmark.

One binary is run on both libraries in turn (reference, ours, reference, ...),
so that drift of the machine falls on both alike. Every metric is a rate: the
ratio is ours / reference, and above 1 oxuv is faster.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SIDES = ("reference", "ours")


def build(include: Path, library: Path) -> Path:
    """Compiles the benchmarks, linked to no library in particular."""
    binary = ROOT / "target" / "bench" / "oxuv-bench"
    binary.parent.mkdir(parents=True, exist_ok=True)
    sources = sorted(Path(__file__).parent.glob("*.c"))
    subprocess.run(
        [os.environ.get("CC", "cc"), "-O2", "-std=gnu11", "-Wall", "-Wextra"]
        + [f"-I{include}", *map(str, sources), "-o", str(binary)]
        + [f"-L{library}", "-l:libuv.so.1", "-lpthread"],
        check=True,
    )
    return binary


def output(binary: Path, arguments: list, library: Path) -> list:
    """Runs the binary on the library in that directory; returns its lines."""
    process = subprocess.run(
        [str(binary), *arguments],
        env={**os.environ, "LD_LIBRARY_PATH": str(library)},
        stdout=subprocess.PIPE,
        text=True,
    )
    if process.returncode != 0:
        what = " ".join(arguments)
        raise RuntimeError(f"{what} on {library}: exit {process.returncode}")
    return process.stdout.splitlines()


def run(binary: Path, name: str, library: Path, quick: bool) -> dict:
    """Runs one benchmark once; returns its metrics by name."""
    arguments = [name, "--quick"] if quick else [name]
    lines = output(binary, arguments, library)
    loaded, *metrics = map(json.loads, lines)
    if Path(loaded["library"]) != (library / "libuv.so.1").resolve():
        raise RuntimeError(f"{name}: ran on {loaded['library']}, not {library}")
    return {metric.pop("metric"): metric for metric in metrics}


def summary(samples: dict) -> dict:
    """Medians of both sides, and the ratio with its range over the pairs."""
    rates = {side: [s["rate"] for s in samples[side]] for side in SIDES}
    pairs = [ours / ref for ref, ours in zip(rates["reference"], rates["ours"])]
    result = {side: statistics.median(rates[side]) for side in SIDES}
    result["unit"] = samples["ours"][0]["unit"]
    result["ratio"] = result["ours"] / result["reference"]
    result["ratio_min"], result["ratio_max"] = min(pairs), max(pairs)
    for side in SIDES:
        cpu = [s["cpu_s"] for s in samples[side]]
        result[f"{side}_cpu_s"] = statistics.median(cpu)
    return result


def number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


HEADER = (
    f"{'metric':<32} {'reference':>13} {'ours':>13}  {'unit':<14}"
    f" {'ours/ref':>8}  {'over the pairs':<14} {'CPU s ref':>9} {'ours':>6}"
)


def row(name: str, r: dict) -> str:
    spread = f"{r['ratio_min']:.2f} - {r['ratio_max']:.2f}"
    return (
        f"{name:<32} {number(r['reference']):>13} {number(r['ours']):>13}"
        f"  {r['unit']:<14} {r['ratio']:>8.2f}  {spread:<14}"
        f" {r['reference_cpu_s']:>9.3f} {r['ours_cpu_s']:>6.3f}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--only", help="benchmarks whose name contains this")
    parser.add_argument("--quick", action="store_true", help="a tenth the work")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--ours", type=Path, default=ROOT / "target/lib")
    parser.add_argument(
        "--reference", type=Path, default=ROOT / "target/reference"
    )
    parser.add_argument("--include", type=Path, default=ROOT / "include")
    options = parser.parse_args()
    if options.pairs < 1:
        parser.error("--pairs must be at least 1")

    libraries = {side: getattr(options, side).resolve() for side in SIDES}
    for side, directory in libraries.items():
        if not (directory / "libuv.so.1").exists():
            sys.exit(f"{side}: no libuv.so.1 in {directory}; build it first")
    binary = build(options.include, libraries["reference"])
    names = output(binary, ["--list"], libraries["reference"])
    names = [n for n in names if options.only is None or options.only in n]
    if not names:
        sys.exit(f"no benchmark's name contains {options.only!r}")

    print(
        f"{options.pairs} interleaved pairs; medians. ours/ref is oxuv's rate"
        f" over the reference's: above 1, oxuv is faster."
    )
    load = os.getloadavg()[0]
    if load > 0.5:
        print(f"Load average {load:.1f}: other programs blur the wall times.")
    print(HEADER, flush=True)
    results = {}
    for name in names:
        samples: dict = {}
        for _ in range(options.pairs):
            for side in SIDES:
                metrics = run(binary, name, libraries[side], options.quick)
                for metric, sample in metrics.items():
                    sides = samples.setdefault(metric, {s: [] for s in SIDES})
                    sides[side].append(sample)
        for metric, sides in samples.items():
            results[metric] = summary(sides)
            print(row(metric, results[metric]), flush=True)
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (RuntimeError, subprocess.CalledProcessError) as error:
        sys.exit(f"bench: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
