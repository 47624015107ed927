#!/usr/bin/env python3
"""Runs our C tests, and libuv's with --conformance, with OXUV_SHUFFLE.

Tests that rely on an order that libuv leaves open fail; c-tests/shuffle/exceptions.txt
names those that are known, with the reason, and they are left out. The last line has the
counts, as scripts/test.sh expects them.
"""

import argparse
import collections
import functools
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIBRARY = ROOT / "target/lib/check"
EXCEPTIONS = ROOT / "c-tests/shuffle/exceptions.txt"
MISUSE = ROOT / "c-tests/misuse/exceptions.txt"


def exceptions(path, mark):
    """Returns the names in the lines that begin with a mark."""
    pattern = re.compile(rf"^{mark}([a-z]\w*) ", re.M)
    return set(pattern.findall(path.read_text()))


def seeds(text):
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=seeds, default=range(1, 4), help="such as 7 or 1-20; 1-3 by default")
    parser.add_argument("--conformance", action="store_true", help="run libuv's own tests")
    parser.add_argument("--all", action="store_true", help="run those with a known reason to fail, too")
    parser.add_argument("--under", type=int, metavar="MS", help="run those of ours only that take at most so long")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("tests", nargs="*", help="names; by default all")
    return parser.parse_args()


def output(command, seed):
    """Returns what the command prints with this seed, or without one for ""."""
    environment = dict(os.environ, OXUV_SHUFFLE=str(seed), OXUV_CHECK="1")
    result = subprocess.run(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, errors="replace")
    return result.stdout


def counts(text):
    found = re.findall(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", text, re.M)
    if not found:
        sys.exit(f"the runner has no counts:\n{text}")
    return [int(count) for count in found[-1]]


@functools.cache
def chosen(runner, tests, everything, under):
    """Returns the names of our tests that are to be run."""
    listed = subprocess.run([*runner, "--list", *tests], cwd=ROOT, check=True,
                            stdout=subprocess.PIPE, text=True).stdout.split()
    left_out = exceptions(MISUSE, "")
    if not everything:
        left_out |= exceptions(EXCEPTIONS, "")
    names = [name for name in listed if name not in left_out]
    if under is None:
        return names
    text = output([*runner, *names], "")
    times = re.findall(r"^ok (\w+) \((\d+) ms\)$", text, re.M)
    return [name for name, time in times if int(time) <= under]


def c_tests(options, seed):
    """Runs our tests. Returns the counts, the names of those that failed, and the output."""
    runner = ("c-tests/run.sh", f"{LIBRARY}/")
    names = chosen(runner, tuple(options.tests), options.all, options.under)
    text = output([*runner, "--quiet", "--jobs", str(options.jobs), *names], seed)
    return counts(text), re.findall(r"^FAILED (\w+)", text, re.M), text


def conformance(options, seed):
    command = ["conformance/run.py", "--library", LIBRARY / "libuv.so.1",
               "--jobs", str(options.jobs), *options.tests]
    text = output(command, seed)
    passed, failed, skipped = counts(text)
    names = re.findall(r"^FAILED \([\w-]+\) (\w+):", text, re.M)
    known = set() if options.all else exceptions(EXCEPTIONS, "libuv ")
    unknown = [name for name in names if name not in known]
    return (passed, len(unknown), skipped + failed - len(unknown)), unknown, text


def main():
    options = arguments()
    total, names = collections.Counter(), {}
    run = conformance if options.conformance else c_tests
    logs = ROOT / "target/shuffle"
    logs.mkdir(parents=True, exist_ok=True)
    for seed in options.seeds:
        begin = time.monotonic()
        (passed, failed, skipped), failures, text = run(options, seed)
        (logs / f"{run.__name__}-{seed}.log").write_text(text)
        total += collections.Counter(passed=passed, failed=failed, skipped=skipped)
        for name in failures:
            names.setdefault(name, []).append(seed)
        seconds = time.monotonic() - begin
        print(f"seed {seed}: {passed} passed, {failed} failed in {seconds:.0f} s", flush=True)
    for name, failing in sorted(names.items()):
        with_seeds = ", ".join(f"OXUV_SHUFFLE={seed}" for seed in failing[:5])
        print(f"FAILED {name}: {len(failing)} times, with {with_seeds}")
    print(f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped")
    return int(not total["passed"] or total["failed"] > 0)


if __name__ == "__main__":
    sys.exit(main())
