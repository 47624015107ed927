"""Runs the modules of a test suite in Python, each in its own process, and prints each test's outcome.

    suite.py [--jobs N] [--timeout SECONDS] [--skip TEST]... MODULE...

A module is run as a program, as `python -m MODULE` does. A module with a test that fails runs
once more, and a test counts as passed if it passed once, because many have time limits.
"""

import argparse
import os
import re
import runpy
import subprocess
import sys
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

RANK = {"ok": 0, "skipped": 1, "expected failure": 2, "failed": 3}


def record(path, skip):
    """Lets unittest write the outcome of each test to the file, and skip some tests."""
    pid = os.getpid()
    start, stop = unittest.TestResult.startTest, unittest.TestResult.stopTest

    def write(test, outcome):
        if os.getpid() == pid:  # not in a forked child
            with open(path, "a", encoding="utf-8") as file:
                file.write(f"{test.id().replace('__main__.', '')}\t{outcome}\n")

    def start_test(self, test):
        start(self, test)
        self.outcome = "ok"
        if test.id().rpartition(".")[2] in skip:
            test.__class__.setUp = lambda self: self.skipTest("not here")
        elif hasattr(test, "_testMethodName"):
            write(test, "started")

    def stop_test(self, test):
        stop(self, test)
        write(test, self.outcome)

    def adding(name, outcome):
        add = getattr(unittest.TestResult, name)

        def method(self, test, *rest):
            add(self, test, *rest)
            if hasattr(self, "outcome"):
                self.outcome = outcome

        setattr(unittest.TestResult, name, method)

    unittest.TestResult.startTest, unittest.TestResult.stopTest = start_test, stop_test
    adding("addFailure", "failed")
    adding("addError", "failed")
    adding("addSkip", "skipped")
    adding("addExpectedFailure", "expected failure")


def outcomes(path):
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        test, outcome = line.split("\t")
        found[test] = "failed" if outcome == "started" else outcome
    return found


def attempt(module, options, path):
    path.touch()
    command = [sys.executable, __file__, "--record", str(path)]
    for test in options.skip:
        command += ["--skip", test]
    command += [module]
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=sys.stderr, start_new_session=True
    )
    try:
        status = "passed" if process.wait(options.timeout) == 0 else "failed"
    except subprocess.TimeoutExpired:
        status = "failed"
        os.killpg(process.pid, 9)
        process.wait()
    return {"module": status, **outcomes(path)}


def run(module, options, directory):
    first = attempt(module, options, Path(directory, f"{module}.1"))
    if "failed" in first.values():
        second = attempt(module, options, Path(directory, f"{module}.2"))
        for test, outcome in second.items():
            first[test] = min(outcome, first.get(test, "failed"), key=lambda o: RANK.get(o, 0))
    return [f"{module}: {test} {outcome}" for test, outcome in sorted(first.items())]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--timeout", type=int, default=60)
    parser.add_argument("--skip", action="append", default=[])
    parser.add_argument("--record")
    parser.add_argument("modules", nargs="+")
    options = parser.parse_args()
    if options.record:
        record(options.record, options.skip)
        sys.path[0] = os.getcwd()
        sys.argv = [options.modules[0], "-v"]
        runpy.run_module(options.modules[0], run_name="__main__", alter_sys=True)
        return
    with tempfile.TemporaryDirectory() as directory, ThreadPoolExecutor(options.jobs) as pool:
        for lines in pool.map(lambda m: run(m, options, directory), options.modules):
            print("\n".join(lines), flush=True)


main()
