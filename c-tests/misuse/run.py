#!/usr/bin/env python3
"""Runs the programs of this directory, each with one mistake, on the library that reports misuse.

usage: run.py [--table] [--show] [NAME...]
The first comment of a program has the report that it must lead to, and the function that finds it.
--table adds what the reference does, and what valgrind reports on it; --show prints
the reports. The last line has the counts, as scripts/test.sh expects them.
"""

import argparse
import concurrent.futures
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
OUT = ROOT / "target" / "misuse"
CHECK = ROOT / "target" / "lib" / "check"
STATUS = 67
# Reports after which the program goes on.
WARNINGS = {"close-busy-loop"}
LIMIT = 20  # seconds


def build(source):
    program = OUT / source.stem
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        subprocess.run(
            ["cc", "-std=gnu11", "-O0", "-g", "-Wall", "-Wno-stringop-overflow", "-Wno-dangling-pointer", "-Wno-use-after-free",
             "-I", ROOT / "include", "-o", program, source, CHECK / "libuv.so.1", "-lpthread"],
            check=True,
        )
    return program


def run(program, library, **environment):
    """Returns the status and what was printed."""
    command = environment.pop("wrap", []) + [program]
    environment = dict(os.environ, LD_LIBRARY_PATH=str(library), **environment)
    try:
        result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=LIMIT)
    except subprocess.TimeoutExpired:
        return "hangs", ""
    return result.returncode, result.stderr


def outcome(status):
    if status == "hangs":
        return "hangs"
    if status < 0:
        return signal.Signals(-status).name
    return "nothing"  # a status other than 0 is what uv_run() returned


def judge(source, show):
    """Returns the code of the report, and what is wrong with it."""
    code, function = re.match(r"/\* expect: (\S+) ?(\S*)", source.read_text()).groups()
    status, text = run(build(source), CHECK, OXUV_CHECK="1")
    if show:
        print(text)
    if code == "nothing":
        return code, None if (status, text) == (0, "") else f"status {status}: {text}"
    found = re.search(r"(?:ERROR|WARNING): oxuv check: (\S+): ", text)
    summary = re.search(r"SUMMARY: oxuv check: (\S+) in (\w+)\(\)", text)
    if found is None or summary is None or found.group(1) != code:
        return code, f"status {status}: {text or 'no report'}"
    if function != summary.group(2):
        return code, f"found by {summary.group(2)}: {text}"
    if status != (0 if code in WARNINGS else STATUS):
        return code, f"status {status}"
    if "main" not in text or source.name not in text:
        return code, f"the stack does not lead to the program: {text}"
    return code, None


def judge_tool():
    """Returns what is wrong with `oxuv check`."""
    tool, program = ROOT / "target/tool/oxuv", OUT / "double-close"
    found = []
    for arguments, wanted in [([], STATUS), (["--continue"], 0)]:
        result = subprocess.run([tool, "check", *arguments, "--", program], capture_output=True,
                                text=True, timeout=LIMIT)
        if result.returncode != wanted or "ERROR: oxuv check: double-close" not in result.stderr:
            found.append(f"{arguments}: status {result.returncode}: {result.stderr}")
    return "\n".join(found)


def valgrind(program):
    status, text = run(program, ROOT / "target" / "reference", wrap=["valgrind", "-q", "--error-exitcode=9"])
    if status == "hangs":
        return "hangs"
    found = re.search(r"==\d+== ((?:Invalid|Conditional|Use of|Process terminating|Jump).*)", text)
    return found.group(1) if found else "nothing"


def table_row(source, code):
    program = build(source)
    text = source.read_text()
    mistake = re.search(r"\n \* (.*?) ?\*/", text, re.S).group(1)
    reference = outcome(run(program, ROOT / "target" / "reference")[0])
    return f"| {mistake} | {reference} | {valgrind(program)} | `{code}` |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--show", action="store_true")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    sources = [source for source in sorted(HERE.glob("*.c"))
               if not options.names or source.stem in options.names]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda source: judge(source, options.show), sources))
        for source, (code, problem) in zip(sources, results):
            if problem is not None:
                failed += 1
                print(f"FAILED {source.stem}: expected {code}: {problem}")
            elif not options.table:
                print(f"ok {source.stem}: {code}")
        problem = "" if options.names else judge_tool()
        if problem:
            failed += 1
            print(f"FAILED oxuv check: {problem}")
        if options.table:
            print("| mistake | libuv | valgrind | `oxuv check` |\n| --- | --- | --- | --- |")
            codes = [code for code, _ in results]
            wrong = [(source, code) for source, code in zip(sources, codes) if code != "nothing"]
            for row in pool.map(table_row, *zip(*wrong)):
                print(row)
    count = len(sources) + (not options.names)
    print(f"{count - failed} passed, {failed} failed, 0 skipped")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
