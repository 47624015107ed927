#!/usr/bin/env python3
"""Tests OXUV_SHUFFLE: with order.c in this directory, and the races in examples/races/.

usage: run.py [--races] [--plain COUNT] [RACE...]
--races runs each race with the seeds 1 to 100 and prints how many show it; otherwise until one does.
--plain adds so many runs on the shipped library, which must not show it. The last line has
the counts, as scripts/test.sh expects them.
"""

import argparse
import concurrent.futures
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
OUT = ROOT / "target/shuffle"
CHECK = ROOT / "target/lib/check/libuv.so.1"
SHIPPED = ROOT / "target/lib/libuv.so.1"
RACES = ROOT / "examples/races"
NODE = ROOT / "build/dependents/node/root/usr"
LIMIT = 60  # seconds
SEEDS = 100
SHOWN = 3  # the status of a race


def build(source):
    program = OUT / source.stem
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        subprocess.run(["cc", "-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-I", ROOT / "include", "-o", program,
                        source, CHECK, "-lpthread"], check=True)
    return program


def run(command, library=CHECK, seed=None, limit=LIMIT, **more):
    """Returns the status, what was printed and what was reported."""
    path = str(library.parent)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OXUV_")}
    if (NODE / "bin/node") in command:
        path += f":{next((NODE / 'lib').glob('*-linux-gnu'))}"
    environment.update(LD_LIBRARY_PATH=path, OXUV_LIBRARY=str(library), OXUV_CHECK="1",
                       PYTHONPATH=str(ROOT / "bindings/python"), **more)
    if seed is not None:
        environment["OXUV_SHUFFLE"] = str(seed)
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=limit)
    return result.returncode, result.stdout, result.stderr


# ---- what is drawn ------------------------------------------------------------------------------

def lines(text):
    return {line.partition(":")[0]: line for line in text.splitlines()}


def one_seed_is_one_order(order):
    runs = {run([order], seed=seed) for seed in [1] * 10}
    assert len(runs) == 1, runs
    assert next(iter(runs))[0] == 0, runs


def seeds_differ(order):
    runs = [lines(run([order], seed=seed)[1]) for seed in range(8)]
    for part in runs[0]:
        found = {one[part] for one in runs}
        assert len(found) >= 4, found


def what_is_promised_stays(order):
    later = " 100 101 102 103 104 105 106 107"
    for seed in range(20):
        status, text, errors = run([order], seed=seed)
        assert (status, errors) == (0, ""), (seed, status, errors)
        parts = lines(text)
        assert parts["timers"].endswith(later), parts
        assert parts["stream"].startswith("stream: 0 1 2 3 4 5 6 7 160000 bytes"), parts
        for part in ("descriptors", "timers", "work"):
            numbers = parts[part].split(":")[1].removesuffix(later).split()
            assert sorted(numbers) == list("01234567"), parts


def loops_differ(order):
    # The same seed draws something else for the second loop.
    text = run([order, "twice"], seed=5)[1].splitlines()
    assert text[0] != text[1] and sorted(text[0].split()) == sorted(text[1].split()), text


def no_seed_is_the_plain_order(order):
    for more in ({}, {"OXUV_SHUFFLE": ""}):
        status, text, errors = run([order], **more)
        assert (status, errors) == (0, "") and "descriptors: 0 1 2 3 4 5 6 7\n" in text, (text, errors)


def a_wrong_seed_is_said_once(order):
    for seed in ("x", "-1", "1.5", "18446744073709551616"):
        status, text, errors = run([order, "twice"], seed=seed)
        assert status == 0 and errors.count("\n") == 1, errors
        assert errors.startswith(f"oxuv: nothing is shuffled, as OXUV_SHUFFLE={seed} is not a number"), errors
        assert "descriptors: 0 1 2 3 4 5 6 7\n" in text, text


def the_shipped_library_does_not_shuffle(order):
    status, text, errors = run([order], SHIPPED, seed="x")
    assert (status, errors) == (0, "") and "descriptors: 0 1 2 3 4 5 6 7\n" in text, (text, errors)


def the_tool_shuffles(order):
    tool = ROOT / "target/tool/oxuv"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OXUV_")}
    for seed in (3, 4):
        result = subprocess.run([tool, "run", "--shuffle", str(seed), "--", order], env=environment,
                                capture_output=True, text=True, timeout=LIMIT)
        assert (result.returncode, result.stdout) == run([order], seed=seed)[:2], result
    result = subprocess.run([tool, "run", "--shuffle", "x", "--", order], env=environment,
                            capture_output=True, text=True, timeout=LIMIT)
    assert result.returncode == 2 and "invalid value 'x'" in result.stderr, result


# ---- races --------------------------------------------------------------------------------------

def command_of(race):
    """Returns the command that runs a race, or why there is none."""
    if race.suffix == ".c":
        return [build(race)]
    if race.suffix == ".py":
        return [sys.executable, race]
    node = NODE / "bin/node"
    return [node, race] if node.exists() else "Debian's Node.js is not there; `make dependents ARGS=node` gets it"


def shows(command, library=CHECK, seed=None):
    status, text, errors = run(command, library, seed)
    assert status in (0, SHOWN) and errors == "", (command, seed, status, text, errors)
    return status == SHOWN


# Runs a race so many times in copies of one interpreter, which takes a tenth of the time to start one each.
FORKS = """
import os, runpy, sys
import oxuv
shown = 0
for _ in range(int(sys.argv[2])):
    if (child := os.fork()) == 0:
        status = 1
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            runpy.run_path(sys.argv[1], run_name="__main__")
        except SystemExit as end:
            status = end.code
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, 3), status
    shown += status == 3
print(shown)
"""


def plain_runs(race, command, count, pool):
    """Returns how many of so many runs on the shipped library show the race."""
    if race.suffix != ".py":
        return sum(pool.map(lambda _: shows(command, SHIPPED), range(count)))
    status, text, errors = run([sys.executable, "-c", FORKS, race, str(count)], SHIPPED, limit=600)
    assert (status, errors) == (0, ""), errors
    return int(text)


def judge_race(race, options, pool):
    """Returns what was found."""
    command = command_of(race)
    if isinstance(command, str):
        return None, command
    if options.races:
        found = sum(pool.map(lambda seed: shows(command, seed=seed), range(1, SEEDS + 1)))
        text = f"{found} of {SEEDS} shuffled runs"
    else:
        found = next((seed for seed in range(1, SEEDS + 1) if shows(command, seed=seed)), 0)
        text = f"OXUV_SHUFFLE={found}"
    assert found, "no run shows the race"
    if options.plain:
        plain = plain_runs(race, command, options.plain, pool)
        text += f", {plain} of {options.plain} plain ones"
        assert plain == 0, text
    return found, text


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--races", action="store_true")
    parser.add_argument("--plain", type=int, default=0)
    parser.add_argument("names", nargs="*", metavar="RACE", help="such as ordering.c; by default all")
    options = parser.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    passed = failed = skipped = 0
    order = build(HERE / "order.c")
    tests = [one_seed_is_one_order, seeds_differ, what_is_promised_stays, loops_differ,
             no_seed_is_the_plain_order, a_wrong_seed_is_said_once,
             the_shipped_library_does_not_shuffle, the_tool_shuffles]
    for test in tests:
        try:
            test(order)
            passed += 1
            print(f"ok {test.__name__}")
        except AssertionError as problem:
            failed += 1
            print(f"FAILED {test.__name__}: {problem}")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for race in sorted(RACES.glob("*.*")):
            if options.names and race.name not in options.names:
                continue
            try:
                found, text = judge_race(race, options, pool)
                passed, skipped = passed + bool(found), skipped + (not found)
                print(f"{'ok' if found else 'SKIPPED:'} {race.name}: {text}", flush=True)
            except AssertionError as problem:
                failed += 1
                print(f"FAILED {race.name}: {problem}", flush=True)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
