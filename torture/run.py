#!/usr/bin/env python3
"""Runs the C tests with each allocation of the library failing in turn.

A test may stop at an assertion of its own, as the library reports the failure. Crashes
of the library and runs that do not end are faults. For each test the n-th allocation
fails, for every n up to a limit; --all lets all later ones fail too. --slice runs a
random part, drawn from a seed, for some seconds. The last line is counts.
"""

import argparse
import concurrent.futures
import mmap
import os
import random
import re
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 30

# These wait for data that is lost without memory, as with libuv: what recvmmsg() returned
# when the user stops receiving.
LOSES_DATA = {"udp_merged_stop_in_the_middle", "udp_mmsg_stop_in_the_callback"}

SHARED = struct.Struct("III")


class Torture:
    def __init__(self, options):
        self.options = options
        self.directory = options.library.resolve()
        self.tests = (ROOT / "target/c-tests/oxuv-tests").resolve()
        self.scratch = Path(tempfile.mkdtemp(prefix="oxuv-torture-"))
        self.preload = self.scratch / "fail.so"
        subprocess.run(["cc", "-O1", "-g", "-shared", "-fPIC", "-o", self.preload,
                        ROOT / "torture/fail.c", "-ldl"], check=True)
        self.faults = []
        self.failures = self.runs = self.cut = 0
        self.deadline = time.monotonic() + options.slice if options.slice else None

    def names(self):
        # Compiles them, too.
        command = [ROOT / "c-tests/run.sh", self.directory, "--list", *self.options.names]
        return subprocess.run(command, check=True, text=True,
                              stdout=subprocess.PIPE).stdout.split()

    def environment(self, **more):
        return {**os.environ, "LD_LIBRARY_PATH": str(self.directory), **more}

    def run(self, name, nth):
        """Returns the exit status (None: it did not end), and the calls, failures and crashes."""
        with tempfile.NamedTemporaryFile(dir=self.scratch) as file:
            file.write(bytes(SHARED.size))
            file.flush()
            more = {"OXUV_TORTURE_FILE": file.name, "OXUV_TORTURE_NTH": str(nth),
                    "LD_PRELOAD": str(self.preload)}
            if self.options.all:
                more["OXUV_TORTURE_ALL"] = "1"
            process = subprocess.Popen([self.tests, "--one", name], env=self.environment(**more),
                                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL, start_new_session=True)
            try:
                status = process.wait(SECONDS)
            except subprocess.TimeoutExpired:
                status = None
            try:
                os.killpg(process.pid, 9)
            except ProcessLookupError:
                pass
            process.wait()
            file.seek(0)
            return status, SHARED.unpack(file.read(SHARED.size))

    def test(self, name):
        status, (calls, _, _) = self.run(name, 0)
        if status not in (0, 77):
            return
        last = min(calls, self.options.limit)
        self.cut += calls - last
        numbers = list(range(1, last + 1))
        if self.deadline:
            numbers = random.Random(f"{self.options.seed} {name}").sample(numbers, min(5, last))
        for nth in numbers:
            if self.deadline and time.monotonic() > self.deadline:
                return
            status, (_, failed, faults) = self.run(name, nth)
            self.runs += 1
            self.failures += failed
            if faults or (status is None and name not in LOSES_DATA):
                what = "does not end" if status is None else f"crashes, status {status}"
                self.faults.append(f"{name} {nth}: {what}")
                print("FAILED", self.faults[-1], flush=True)

    def all_tests(self):
        names = self.names()
        if self.deadline:
            random.Random(self.options.seed).shuffle(names)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for name in names:
                pool.submit(self.guarded, name)
        print(f"{self.runs} runs of {len(names)} tests, {self.failures} failed allocations;"
              f" {self.cut} allocations beyond the {self.options.limit}th were not tried")
        print(f"{self.runs - len(self.faults)} passed, {len(self.faults)} failed, 0 skipped")
        return 1 if self.faults or not self.runs else 0

    def guarded(self, name):
        if self.deadline and time.monotonic() > self.deadline:
            return
        try:
            self.test(name)
        except Exception as error:  # A fault of this program ends it.
            self.faults.append(f"{name}: {error}")
            print("FAILED", self.faults[-1], flush=True)


def seed():
    """Returns the hash of the commit, or a constant where git is missing or refuses."""
    try:
        found = subprocess.run(["git", "-C", ROOT, "rev-parse", "HEAD"], text=True, check=True,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError):
        return "oxuv"
    return found.stdout.strip()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="tests; * at the end stands for anything")
    parser.add_argument("--library", type=Path, default=ROOT / "target/lib")
    parser.add_argument("--limit", type=int, default=2000, help="the largest n")
    parser.add_argument("--all", action="store_true", help="all allocations from the n-th on fail")
    parser.add_argument("--slice", type=float, metavar="SECONDS", help="a random part only")
    parser.add_argument("--seed", default=seed())
    options = parser.parse_args()
    if options.slice:
        print(f"seed {options.seed}")
    return Torture(options).all_tests()


if __name__ == "__main__":
    sys.exit(main())
