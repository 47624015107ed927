#!/usr/bin/env python3
"""Runs random programs on libuv and on oxuv and compares their logs; README.md says what may differ.

First the kept programs, then random ones for some seconds, from a seed that is the commit's
hash. A program that differs is shrunk and written as C. The last line is counts.
"""

import argparse
import collections
import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import emit

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BUILD = ROOT / "target/fuzz"
CHUNK = 200
# The callbacks that the loop is woken for by a message.
MAIL = ("async", "work", "fs", "random")


def build():
    BUILD.mkdir(parents=True, exist_ok=True)
    flags = ["-O2", "-g", "-Wall", "-Wextra", f"-I{ROOT / 'include'}"]
    subprocess.run(["cc", *flags, "-o", BUILD / "driver", HERE / "driver.c", "-rdynamic", "-Wl,-z,lazy",
                    ROOT / "target/reference/libuv.so.1", "-lpthread", "-ldl"], check=True)
    subprocess.run(["cc", "-O2", "-static", "-o", BUILD / "child", HERE / "child.c"], check=True)


def drive(library, *arguments, **more):
    """Returns what the driver prints, and its status."""
    environment = {**os.environ, "LD_LIBRARY_PATH": str(library), **more}
    process = subprocess.run([BUILD / "driver", BUILD / "child", *map(str, arguments)], env=environment, timeout=300,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    return process.stdout, process.returncode


def hashes(library, first, count):
    """Returns the hash of each seed's log, or the status of a program that crashes or hangs; and the calls."""
    found, calls, end = {}, collections.Counter(), first + count
    while first < end:
        output, status = drive(library, "seeds", first, end - first)
        for line in output.splitlines():
            name, *rest = line.split()
            if name == "calls":
                calls[rest[0]] += int(rest[1])
            else:
                found[int(name)] = rest[0]
        if status == 0:
            break
        first = max((seed for seed in found if seed >= first), default=first - 1) + 1
        if found.get(first - 1) != "hang":
            found[first] = f"status {status}"
            first += 1
    return found, calls


def runs_of(log):
    """Returns a log's text for each run of a loop, which begins with the line of the run."""
    return re.split(r"(?m)^(?=run )", log)


def callbacks(text):
    """Returns the lines of a run's callbacks, in their order."""
    return [line for line in text.partition("\nran ")[0].splitlines() if not line.startswith(" ")]


def by_handle(lines):
    """Groups callbacks that have to be in one order: those of a descriptor's handle, messages, all others."""
    found = {"mail": []}
    for line in lines:
        name, slot = (line.split() + [""])[:2]
        if name in ("read", "poll", "connection", "connected", "receive"):
            key = slot
        elif name in ("written", "shutdown"):
            key = slot + name
        else:
            key = "mail" if name in MAIL else "others"
        found.setdefault(key, []).append(line)
    return found


def only_reordered(log, expected):
    """Returns whether the first run that differs has the same callbacks, of descriptors in another order.

    Results in that run and what follows may be consequences. Some callbacks may come in the loop's next run."""
    ours, theirs = runs_of(log), runs_of(expected)
    i = next((i for i, (left, right) in enumerate(zip(ours, theirs)) if left != right), None)
    if i is None:
        return False
    left, right = callbacks(ours[i]), callbacks(theirs[i])
    if left == right:
        return False
    left, right = without_effects(left, ours[i], theirs[i]), without_effects(right, theirs[i], ours[i])
    left_head, right_head = head(left, right, ours[i], theirs[i:]), head(right, left, theirs[i], ours[i:])
    return agree(left_head, right_head, len(left_head) < len(left), len(right_head) < len(right))


def agrees(log, expected):
    return log == expected or only_reordered(log, expected)


def head(lines, others, text, other_runs):
    """Returns the callbacks before the first that the other run lacks, if that one comes later there."""
    seen = collections.Counter()
    for place, line in enumerate(lines):
        seen[line] += 1
        if seen[line] > others.count(line) and may_be_late(line, text):
            return lines[:place] if is_late(line, other_runs) else lines
    return lines


def agree(left, right, left_goes_on, right_goes_on):
    """Returns whether both have the same callbacks for each handle.

    One that goes on, after a callback that comes later in the other run, need not have all, as its effects are not
    compared."""
    left, right = by_handle(left), by_handle(right)
    for key in left.keys() | right.keys():
        one, other = left.get(key, []), right.get(key, [])
        same = min(len(one), len(other))
        if one[:same] != other[:same]:
            return False
        if (len(one) < len(other) and not left_goes_on) or (len(other) < len(one) and not right_goes_on):
            return False
    return True


def without_effects(lines, text, other):
    """Returns the callbacks without what operations in the run may have changed.

    This is what poll callbacks report of descriptors whose peer acted in the run, as oxuv may ask the kernel again,
    and the close callbacks of handles that only one run has closed, in a callback that came at another time."""
    changed = set(re.findall(r"(?m)^  peer \w+ (\d+)", text + other))
    closed = set(re.findall(r"(?m)^  close (\d+)", text)) - set(re.findall(r"(?m)^  close (\d+)", other))
    lines = [line for line in lines if not (line.startswith("close ") and line[6:] in closed)]
    return [line.rpartition(" ")[0] if line.startswith("poll ") and line.split()[1].rstrip(":") in changed else line
            for line in lines]


def may_be_late(line, text):
    """Returns whether a callback of a run may come in the loop's next run.

    Messages, signals, what is read when reading was begun or the peer wrote in the run, and a connection after
    another was accepted in it."""
    name, slot = (line.split() + [""])[:2]
    slot = slot.rstrip(":")
    if name == "timer":
        return text.startswith((f"run {text[4]} 0", f"run {text[4]} 1"))  # that are to wait until something is called
    if name == "read":
        return f"\n  read {slot}: 0 " in text or f"\n  peer writes {slot}: " in text
    if name == "connection":
        return re.search(rf"\n  accept \d+: 0 of {slot}\n", text) is not None
    return name in MAIL or name in ("signal", "exit", "sent")


def next_run(runs):
    """Returns the number of the next run of the first run's loop, but of one that uv_stop() has ended before."""
    loop = runs[0][4]
    stopped = f"\n  stop loop {loop}\n"
    is_stopped = stopped in runs[0].partition("\nran ")[2]
    for i in range(1, len(runs)):
        if runs[i][4] != loop:
            is_stopped |= stopped in runs[i]
        elif not is_stopped:
            return i
        else:
            is_stopped = stopped in runs[i].partition("\nran ")[2]
    return len(runs)


def is_late(line, runs):
    """Returns whether a callback comes in the loop's next run, or never, as its handle was stopped or closed before."""
    end = next_run(runs)
    later = "".join(runs[1:end] + [run.partition("\nran ")[0] for run in runs[end:end + 1]]).splitlines()
    slot = line.split()[1].rstrip(":")
    stopped = re.compile(rf"  (close|stop|replace) {slot}\b")
    return line in later or any(stopped.match(done) for done in runs[0].splitlines() + later)


class Pair:
    """The two libraries."""

    def __init__(self, ours, reference):
        self.ours, self.reference = ours, reference

    def expected(self, log, mode, argument):
        """Returns libuv's log, where the order of events is that in the given log if libuv's own is another."""
        plain, status = drive(self.reference, mode, argument)
        if plain == log or status != 0:
            return plain, status
        with tempfile.NamedTemporaryFile("w", suffix=".log") as guide:
            guide.write(log)
            guide.flush()
            guided = drive(self.reference, mode, argument, FUZZ_GUIDE=guide.name)
            other = drive(self.reference, mode, argument, FUZZ_GUIDE=guide.name, FUZZ_GUIDE_ALL="1")
            return other if agrees(log, other[0]) and not agrees(log, guided[0]) else guided

    def differs(self, mode, argument, attempts=3):
        """Returns both logs if they differ in each attempt, "skipped" if libuv itself fails, or None."""
        for attempt in range(attempts):
            time.sleep(attempt * 0.1)
            log, status = drive(self.ours, mode, argument)
            expected, expected_status = self.expected(log, mode, argument)
            if expected_status != 0 or "ENDED BY SIGNAL" in expected:
                return "skipped"
            if status == 0 and agrees(log, expected):
                return None
        return log, expected

    def lines_differ(self, lines):
        with tempfile.NamedTemporaryFile("w", suffix=".program") as file:
            file.write("\n".join(lines) + "\n")
            file.flush()
            result = self.differs("run", file.name, attempts=2)
        return result if isinstance(result, tuple) else None


def shrink(pair, lines):
    """Returns the program without the lines that the difference does not need."""
    size = len(lines) // 2
    deadline = time.monotonic() + 60
    while size > 0:
        start = 0
        while start < len(lines) and time.monotonic() < deadline:
            rest = lines[:start] + lines[start + size:]
            if rest and pair.lines_differ(rest):
                lines = rest
            else:
                start += size
        size //= 2
    return lines


def report(pair, seed):
    """Shrinks the program of a seed; writes it as text and as C, with both logs."""
    lines = drive(pair.reference, "program", seed)[0].splitlines()
    if not pair.lines_differ(lines):
        lines = drive(pair.ours, "program", seed)[0].splitlines()
    found = pair.lines_differ(lines)
    if not found:
        print(f"  seed {seed} differs, but not when it is written out")
        return
    lines = shrink(pair, lines)
    log, expected = pair.lines_differ(lines) or found
    base = BUILD / f"seed-{seed}"
    base.with_suffix(".program").write_text("\n".join(lines) + "\n")
    base.with_suffix(".c").write_text(emit.program(lines))
    base.with_suffix(".oxuv").write_text(log)
    base.with_suffix(".libuv").write_text(expected)
    print(f"  {base}.program, .c, .oxuv, .libuv: {len(lines)} lines")
    print("".join(f"    {line}\n" for line in lines), end="", flush=True)


def commit():
    """Returns a number from the hash of the commit, or a constant where git is missing or refuses."""
    try:
        found = subprocess.run(["git", "-C", ROOT, "rev-parse", "HEAD"], text=True, check=True,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError):
        return 20261130
    return int(found.stdout[:8], 16)


def examine(pair, seed, results):
    """Examines a seed whose hashes differ."""
    result = pair.differs("log", seed)
    if result is None:
        results["reordered"] += 1
    elif result == "skipped":
        results["libuv fails"] += 1
    else:
        results["different"].append(seed)
        print(f"FAILED: seed {seed}", flush=True)


def run_random(pair, options, calls):
    """Runs programs until the time is up or as many as asked for. Returns the seeds that differ; counts the calls."""
    first = options.seed if options.seed is not None else commit() * 1000
    print(f"seed {first}", flush=True)
    results = {"programs": 0, "reordered": 0, "libuv fails": 0, "different": []}
    deadline = time.monotonic() + options.seconds
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        while time.monotonic() < deadline and (not options.programs or results["programs"] < options.programs):
            starts = [first + results["programs"] + i * CHUNK for i in range(options.jobs)]
            chunks = [(pool.submit(hashes, pair.ours, start, CHUNK), pool.submit(hashes, pair.reference, start, CHUNK))
                      for start in starts]
            for ours, reference in chunks:
                ours, counted = ours.result()
                calls.update(counted)
                reference = reference.result()[0]
                for seed in ours.keys() | reference.keys():
                    if ours.get(seed) != reference.get(seed):
                        examine(pair, seed, results)
                results["programs"] += CHUNK
    print(", ".join(f"{name} {value if isinstance(value, int) else len(value)}" for name, value in results.items()))
    return results["different"]


def run_kept(pair, names):
    """Returns the kept programs that agree, and those that differ."""
    agree, differ = [], []
    for file in sorted((HERE / "kept").glob("*.program")):
        if names and file.stem not in names:
            continue
        result = pair.differs("run", file)
        (agree if result is None else differ).append(file.stem)
        if result is not None:
            print(f"FAILED: kept program {file.stem}", flush=True)
    return agree, differ


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kept", nargs="*", help="only these kept programs")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--programs", type=int, help="so many programs; --seconds is the limit still")
    parser.add_argument("--seed", type=int, help="the first seed")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--library", type=Path, default=ROOT / "target/lib", help="the directory of the library to test")
    parser.add_argument("--reference", type=Path, default=ROOT / "target/reference")
    parser.add_argument("--calls", action="store_true", help="print how often each operation was called")
    parser.add_argument("--shrink", type=int, default=3, help="how many different programs are shrunk")
    return parser.parse_args()


def main():
    options = parse()
    build()
    pair = Pair(options.library.resolve(), options.reference.resolve())
    agree, differ = run_kept(pair, options.kept)
    passed, failed, calls = len(agree), len(differ), collections.Counter()
    if not options.kept:
        different = run_random(pair, options, calls)
        for seed in different[:options.shrink]:
            report(pair, seed)
        passed, failed = passed + (not different), failed + len(different)
    if options.calls:
        for name, count in calls.most_common():
            print(f"{name:20} {count}")
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
