#!/usr/bin/env python3
"""Measures tens of thousands of TCP connections on one loop, on both libraries.

Runs examples/many_clients.c in turn on the reference and on oxuv and prints the
medians. The number of connections is limited by the permitted descriptors, at most
50,000.
"""

import argparse
import os
import resource
import statistics
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SIDES = {"reference": ROOT / "target/reference", "oxuv": ROOT / "target/lib"}
CONNECTIONS = 50_000
OTHER_DESCRIPTORS = 64


def possible() -> int:
    """Returns the number of connections that a process may have."""
    wanted = CONNECTIONS + OTHER_DESCRIPTORS
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
        except ValueError:
            return hard - OTHER_DESCRIPTORS
    return CONNECTIONS


def run(program: Path, library: Path, connections: int, rounds: int) -> dict:
    """Runs the program once. Returns the figures and their units by name."""
    command = [program, str(connections), str(rounds)]
    if os.geteuid() == 0:
        # Ports in TIME_WAIT would slow down the next run.
        inside = 'ip link set lo up && exec "$@"'
        command = ["unshare", "--net", "sh", "-c", inside, "sh", *command]
    process = subprocess.run(
        command,
        check=True,
        env={**os.environ, "LD_LIBRARY_PATH": str(library)},
        stdout=subprocess.PIPE,
        text=True,
    )
    lines = [line.partition(" ") for line in process.stdout.splitlines()]
    return {name: value.split() for name, _, value in lines}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--connections", type=int, default=possible())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pairs", type=int, default=5)
    options = parser.parse_args()

    program = ROOT / "target/bench/many_clients"
    program.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [os.environ.get("CC", "cc"), "-O2", f"-I{ROOT / 'include'}"]
        + [ROOT / "examples/many_clients.c", "-o", program]
        + [f"-L{SIDES['reference']}", "-l:libuv.so.1"],
        check=True,
    )
    runs: dict = {side: [] for side in SIDES}
    for _ in range(options.pairs):
        for side, library in SIDES.items():
            runs[side].append(
                run(program, library, options.connections, options.rounds)
            )

    print(
        f"{options.connections} connections, {options.rounds} rounds;"
        f" medians of {options.pairs} runs, in turn"
    )
    print(f"{'':<30} {'reference':>12} {'oxuv':>12}")
    for name in runs["oxuv"][0]:
        if name in ("connections", "answers"):
            continue
        figures = [
            statistics.median(float(figures[name][0]) for figures in runs[side])
            for side in SIDES
        ]
        unit = " ".join(runs["oxuv"][0][name][1:])
        print(f"{name:<30} {figures[0]:>12.6g} {figures[1]:>12.6g} {unit}")


if __name__ == "__main__":
    main()
