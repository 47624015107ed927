"""Runs uvloop's own tests on both libraries, without those of asyncio's loop.

    build/dependents/uvloop/venv/bin/python dependents/uvloop/suite.py [MODULE ...]

`dependents/run.sh --setup uvloop` and `make lib reference` come before. A test that has a
timeout can fail on a busy machine, on either library.
"""

import os
import subprocess
import sys
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
TESTS = TOP / "build" / "dependents" / "uvloop" / "tests"


class Result(unittest.TestResult):
    def startTest(self, test):
        super().startTest(test)
        self.outcome = "ok"

    def addSkip(self, test, reason):
        self.outcome = "skipped"

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self.outcome = "failed"

    addError = addFailure

    def stopTest(self, test):
        super().stopTest(test)
        print(test.id(), self.outcome, flush=True)


def tests_of(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from tests_of(test)
        elif "UV" in test.id():
            yield test


def run_module(module):
    sys.path.insert(0, str(TESTS.parent))
    suite = unittest.TestLoader().loadTestsFromName(f"tests.{module}")
    with open("/proc/self/maps") as maps:
        assert os.environ["LIBUV"] in maps.read()
    result = Result()
    unittest.TestSuite(tests_of(suite)).run(result)
    for _, text in result.failures:
        print(text, file=sys.stderr)


def outcomes(library, modules):
    """Returns the result of each test; runs some modules at a time."""
    with tempfile.TemporaryDirectory() as directory:
        path = library.resolve()
        os.symlink(path, f"{directory}/libuv.so.1")
        environment = {**os.environ, "LD_LIBRARY_PATH": directory, "LIBUV": str(path)}

        def run(module):
            command = [sys.executable, __file__, "--module", module]
            done = subprocess.run(
                command, env=environment, check=True, stdout=subprocess.PIPE, text=True
            )
            return [line.split() for line in done.stdout.splitlines()]

        with ThreadPoolExecutor(3) as pool:
            return dict(pair for pairs in pool.map(run, modules) for pair in pairs)


def main(modules):
    # test_sourcecode is about the style of uvloop's sources.
    found = [path.stem for path in sorted(TESTS.glob("test_*.py"))]
    modules = modules or [module for module in found if module != "test_sourcecode"]
    reference, ours = (
        outcomes(TOP / "target" / where / "libuv.so.1", modules) for where in ("reference", "lib")
    )
    for name in sorted({*reference, *ours}):
        both = reference.get(name, "missing"), ours.get(name, "missing")
        if both != ("ok", "ok"):
            print(f"{name}: {both[0]} on the reference, {both[1]} on oxuv")
    print(f"{list(ours.values()).count('ok')} of {len(ours)} tests pass on oxuv")
    return any(reference[name] == "ok" != outcome for name, outcome in ours.items())


if __name__ == "__main__":
    if sys.argv[1:2] == ["--module"]:
        run_module(sys.argv[2])
    else:
        sys.exit(main(sys.argv[1:]))
