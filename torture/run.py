#!/usr/bin/env python3
"""Runs drivers.c and the C tests with calls of the library failing in turn.

The calls are its allocations and the system calls in calls.h. For each test and each error of
a call, the n-th call fails, for every n up to a limit, and then all of them, or two in a row
if the error is transient. Crashes of the library are faults. A driver expects errors, so it must
also end, and find nothing wrong. A C test may stop at an assertion of its own, as the library
reports the failure, or wait for what the failure took away. Drivers must not spin. --slice runs a
random part, drawn from a seed, for some seconds. The last line is counts.
"""

import argparse
import collections
import concurrent.futures
import errno
import fnmatch
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
# How long a C test may take, and a driver. Most take milliseconds.
SECONDS, DRIVER_SECONDS = 10, 60
EVERY = 2**31 - 1
TRANSIENT = ("EAGAIN", "ECONNABORTED", "EINTR", "ENOBUFS")

Case = collections.namedtuple("Case", "test call error nth count")


def calls():
    """Returns the errors of each call, in the order of the counts in fail.c."""
    found = {"memory": ["ENOMEM"]}
    for name, errors in re.findall(r"^[A-Z]+\((\w+), ([^)]*)\)$",
                                   (ROOT / "torture/calls.h").read_text(), re.M):
        found[name] = errors.split(", ")
    return found


class Torture:
    def __init__(self, options):
        self.options = options
        self.calls = calls()
        self.shared = struct.Struct(f"{2 + len(self.calls)}I")
        self.directory = options.library.resolve()
        self.tests = ROOT / "target/c-tests/oxuv-tests"
        self.scratch = Path(tempfile.mkdtemp(prefix="oxuv-torture-"))
        self.drivers = self.scratch / "drivers"
        self.preload = self.scratch / "fail.so"
        # Compiles the tests, too.
        tests = self.output([ROOT / "c-tests/run.sh", self.directory, "--list"])
        compiler = ["cc", "-O1", "-g", "-I", ROOT / "include", "-I", ROOT / "c-tests", "-o"]
        subprocess.run([*compiler, self.preload, "-shared", "-fPIC", ROOT / "torture/fail.c",
                        "-ldl"], check=True)
        subprocess.run([*compiler, self.drivers, ROOT / "torture/drivers.c",
                        ROOT / "c-tests/runner.c", self.directory / "libuv.so.1",
                        "-Wl,-z,lazy", "-no-pie", "-lpthread", "-ldl", "-lutil"], check=True)
        drivers = self.output([self.drivers, "--list"])
        self.program = dict.fromkeys(tests, self.tests) | dict.fromkeys(drivers, self.drivers)
        self.faults = []
        self.runs = collections.Counter()
        self.failures = self.cut = self.waits = 0
        self.deadline = time.monotonic() + options.slice if options.slice else None

    def output(self, command):
        environment = {**os.environ, "LD_LIBRARY_PATH": str(self.directory)}
        return subprocess.run(command, env=environment, check=True, text=True,
                              stdout=subprocess.PIPE).stdout.split()

    def names(self):
        if self.options.drivers:
            return [name for name in self.program if self.is_driver(name)]
        patterns = self.options.names or ["*"]
        return [name for name in self.program
                if any(fnmatch.fnmatch(name, pattern) for pattern in patterns)]

    def run(self, case):
        """Returns the outcome (an exit status, "waits" or "spins"), failures, crashes, and calls."""
        with tempfile.NamedTemporaryFile(dir=self.scratch) as file:
            file.write(bytes(self.shared.size))
            file.flush()
            error = -1 if case.error == "SHORT" else getattr(errno, case.error)
            environment = {
                **os.environ, "LD_LIBRARY_PATH": str(self.directory),
                "LD_PRELOAD": str(self.preload), "OXUV_TORTURE_FILE": file.name,
                "OXUV_TORTURE_CALL": case.call, "OXUV_TORTURE_ERROR": str(error),
                "OXUV_TORTURE_NTH": str(case.nth), "OXUV_TORTURE_COUNT": str(case.count)}
            process = subprocess.Popen([self.program[case.test], "--one", case.test], env=environment,
                                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL, start_new_session=True)
            limit = DRIVER_SECONDS if self.is_driver(case.test) else SECONDS
            try:
                outcome = process.wait(limit)
            except subprocess.TimeoutExpired:
                outcome = None
            try:
                os.killpg(process.pid, 9)
            except ProcessLookupError:
                pass
            if outcome is None:
                used = os.wait4(process.pid, 0)[2]
                outcome = "spins" if used.ru_utime + used.ru_stime > limit / 4 else "waits"
                process.returncode = -9
            file.seek(0)
            failed, faults, *counts = self.shared.unpack(file.read(self.shared.size))
            return outcome, failed, faults, counts

    def cases(self, test):
        """Returns all cases of a test that passes."""
        none = Case(test, "memory", "ENOMEM", 0, 1)
        outcome, _, _, counts = self.run(none)
        if outcome not in (0, 77):
            if self.is_driver(test):
                self.fault(none, outcome)
            return []
        cases = []
        for (call, errors), made in zip(self.calls.items(), counts):
            if not made or not re.fullmatch(self.options.calls, call):
                continue
            last = min(made, self.options.limit)
            self.cut += (made - last) * len(errors)
            for error in errors:
                cases += [Case(test, call, error, nth, 1) for nth in range(1, last + 1)]
                cases.append(Case(test, call, error, 1, 2 if error in TRANSIENT else EVERY))
        return cases

    def test(self, name):
        cases = self.cases(name)
        if self.deadline:
            cases = random.Random(f"{self.options.seed} {name}").sample(cases, min(5, len(cases)))
        for case in cases:
            if self.deadline and time.monotonic() > self.deadline:
                return
            outcome, failed, faults, _ = self.run(case)
            self.runs[case.call == "memory"] += 1
            self.failures += failed
            if faults:
                self.fault(case, f"crashes, {outcome}")
            elif outcome != 0 and self.is_driver(name):
                self.fault(case, outcome)
            elif outcome in ("waits", "spins"):
                # Some C tests poll for what the failure has prevented, so only drivers show that the library spins.
                self.waits += 1

    def is_driver(self, name):
        return self.program[name] == self.drivers

    def fault(self, case, what):
        count = {1: "", 2: " and the next", EVERY: " and all later ones"}[case.count]
        what = f"exit status {what}" if isinstance(what, int) else what
        self.faults.append(f"{case.test} {case.call} {case.error} {case.nth}{count}: {what}")
        print("FAILED", self.faults[-1], flush=True)

    def all_tests(self):
        names = self.names()
        if self.deadline:
            random.Random(self.options.seed).shuffle(names)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for name in names:
                pool.submit(self.guarded, name)
        print(f"{len(names)} tests, {self.runs[True]} runs with failing allocations, {self.runs[False]}"
              f" with failing system calls; {self.failures} calls failed; {self.waits} C tests waited;"
              f" {self.cut} cases beyond call {self.options.limit} were not tried")
        runs = self.runs.total()
        print(f"{runs - len(self.faults)} passed, {len(self.faults)} failed, 0 skipped")
        return 1 if self.faults or not runs else 0

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
    parser.add_argument("names", nargs="*", help="patterns of tests and drivers")
    parser.add_argument("--drivers", action="store_true", help="all drivers")
    parser.add_argument("--calls", default=".*", metavar="PATTERN", help="memory, read, ...")
    parser.add_argument("--library", type=Path, default=ROOT / "target/lib")
    parser.add_argument("--limit", type=int, default=2000, help="the largest n")
    parser.add_argument("--slice", type=float, metavar="SECONDS", help="a random part only")
    parser.add_argument("--seed", default=seed())
    options = parser.parse_args()
    if options.slice:
        print(f"seed {options.seed}")
    return Torture(options).all_tests()


if __name__ == "__main__":
    sys.exit(main())
