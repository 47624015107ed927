#!/usr/bin/env python3
"""Runs libuv's own tests on libuv and on oxuv, and compares.

The test program comes out of the crate libuv-sys2 (see reference/). Each test
runs by itself as an ordinary user, in a network, process and mount namespace
and in an empty directory of its own. What libuv's library does on this
machine is the expectation; it is kept in target/conformance/ until the
program, the library or this script changes. A test counts as passed when it
passes on both libraries, as failed when oxuv does otherwise than libuv, and
as skipped when libuv skips it or fails it. Where the namespaces are refused,
as in most containers, all are skipped.
"""

import argparse
import collections
import concurrent.futures
import fnmatch
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = ROOT / "target"
OUT = TARGET / "conformance"
REFERENCE = TARGET / "reference"

MODES = {
    "default": {},
    "one-thread": {"UV_THREADPOOL_SIZE": "1"},
    "io-uring": {"UV_USE_IO_URING": "1"},
    "busy": {},
}

PASS, SKIP, REPORT = "pass", "skip", "report"
STATUS = {0: PASS, 7: SKIP}  # enum test_status in libuv's test/task.h
TIMEOUT = 120  # seconds; the program has a limit of its own for each test
# Marks of errors, not of warnings: the last line of a sanitizer's report, and a stack of valgrind.
ERROR_MARKS = b"SUMMARY: ", b"   at 0x"
SLOWER = 30  # how many times longer a test may take under a tool
NOBODY = 65534

Result = collections.namedtuple("Result", "status seconds")

# A tool that finds errors of memory and threads, and the command that runs tests
# under it. In the command and in the environment, {reports} is replaced by the
# directory of its reports.
Tool = collections.namedtuple("Tool", "name wrap")


def build_reference():
    """Builds libuv and its test program. Returns the program."""
    subprocess.run(
        ["cargo", "run", "-q", "--locked", "-p", "reference", "uv_run_tests"],
        cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return REFERENCE / "build/uv_run_tests"


def test_sources():
    """Returns the directory of libuv's tests, found through the link to its header."""
    return (REFERENCE / "include").resolve().parent / "test"


def compile_program(name, include):
    """Compiles the same sources against another header, or with CFLAGS and LDFLAGS."""
    objects = OUT / name
    objects.mkdir(parents=True, exist_ok=True)
    sources = test_sources()
    names = [source.stem for source in sorted(sources.glob("test-*.c"))]
    names += ["blackhole-server", "echo-server", "run-tests", "runner", "runner-unix"]
    command = ["cc", "-std=gnu11", "-O1", "-g", "-w", "-D_GNU_SOURCE",
               "-D_FILE_OFFSET_BITS=64", "-DUSING_UV_SHARED=1", f"-I{include}",
               *os.environ.get("CFLAGS", "").split()]
    headers = [include / "uv.h", *(include / "uv").glob("*.h")]
    newest = max(header.stat().st_mtime for header in headers)

    def compile_one(name):
        target = objects / (name + ".o")
        if target.exists() and target.stat().st_mtime > newest:
            return target
        subprocess.run([*command, "-c", "-o", target, sources / (name + ".c")], check=True)
        return target

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        built = list(pool.map(compile_one, names))
    program = objects / "uv_run_tests"
    subprocess.run(
        ["cc", "-o", program, *built, REFERENCE / "libuv.so.1", "-Wl,-rpath,$ORIGIN",
         *os.environ.get("LDFLAGS", "").split(), "-lpthread", "-ldl", "-lm", "-lutil"],
        check=True)
    return program


DROP_ROOT = ["--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups"]


def isolation():
    """Returns the prefix of a test's command: namespaces, then an ordinary user."""
    if os.geteuid() == 0:
        user, drop = [], DROP_ROOT
    else:
        user = ["--user", "--map-current-user", "--keep-caps"]
        drop = ["--inh-caps=-all", "--ambient-caps=-all"]
    # The shell is the namespace's first process: when it ends, all processes of the
    # test are killed.
    script = 'ip link set lo up && setpriv "$@"; exit $?'
    return ["unshare", *user, "--net", "--pid", "--fork", "--kill-child", "--mount-proc",
            "sh", "-c", script, "sh", *drop]


def refusal():
    """Returns unshare's error if the namespaces are refused, otherwise None."""
    trial = subprocess.run([*isolation(), "true"], stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if trial.returncode == 0:
        return None
    if not trial.stderr.startswith("unshare: "):
        sys.exit(f"a test cannot be isolated: {trial.stderr.strip() or trial.returncode}")
    return trial.stderr.strip()


def expand(text, reports):
    return text.replace("{reports}", str(reports))


def environment(reports):
    return {name: expand(value, reports) for name, value in os.environ.items()
            if name != "LD_LIBRARY_PATH"}


class Stage:
    """A directory that any user can read: the program, one library, fixtures."""

    def __init__(self, program, library, tool):
        self.tool = tool
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="oxuv-conformance-"))
        self.path.chmod(0o755)
        self.program = self.path / "uv_run_tests"
        shutil.copy(program, self.program)
        shutil.copy(library, self.path / "libuv.so.1")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)

    def command(self, *arguments, wrap=()):
        return [*isolation(), *wrap, str(self.program), *arguments]

    def directory(self, prefix):
        return pathlib.Path(tempfile.mkdtemp(prefix=prefix, dir=self.path))

    def names(self):
        # Even to list its tests the program refuses to run as root.
        user = ["setpriv", *DROP_ROOT] if os.geteuid() == 0 else []
        listing = subprocess.run(
            [*user, str(self.program), "--list"], check=True, stdout=subprocess.PIPE, text=True,
            cwd=self.path, env=environment(self.directory("reports-"))).stdout
        return [line.split()[0] for line in listing.splitlines() if line.strip()]

    def run(self, name, extra, log):
        """Runs one test in an empty directory, with its output in log."""
        cwd, reports = self.directory("run-"), self.directory("reports-")
        shutil.copytree(test_sources() / "fixtures", cwd / "test/fixtures",
                        copy_function=shutil.copyfile)
        if os.geteuid() == 0:
            for entry in [reports, cwd, *cwd.rglob("*")]:
                os.chown(entry, NOBODY, NOBODY)
        variables = environment(reports) | dict(TMPDIR=str(cwd), HOME=str(cwd), **extra)
        timeout = TIMEOUT
        if self.tool.name:
            timeout *= SLOWER
            variables["UV_TEST_TIMEOUT_MULTIPLIER"] = str(SLOWER)
        wrap = [expand(word, reports) for word in self.tool.wrap]
        begin = time.monotonic()
        with open(log, "wb") as output:
            process = subprocess.Popen(
                self.command(name, wrap=wrap), cwd=cwd, env=variables, stdin=subprocess.DEVNULL,
                stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
            try:
                code = process.wait(timeout)
                status = STATUS.get(code, f"exit code {code}")
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                status = "timeout"
        seconds = time.monotonic() - begin
        for report in reports.iterdir():
            text = report.read_bytes()
            if any(mark in text for mark in ERROR_MARKS):
                status = REPORT
            with open(log, "ab") as output:
                output.write(text)
        shutil.rmtree(reports)
        shutil.rmtree(cwd, ignore_errors=True)
        return Result(status, seconds)


class Load:
    """Keeps every core busy in a with statement."""

    def __init__(self, wanted):
        self.count = os.cpu_count() if wanted else 0

    def __enter__(self):
        spin = [sys.executable, "-c", "while True: pass"]
        self.processes = [subprocess.Popen(spin) for _ in range(self.count)]

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.wait()


def run_all(stage, names, mode, jobs, logs, durations, retries=0):
    """Returns {name: Result}; the longest tests start first."""
    logs.mkdir(parents=True, exist_ok=True)
    names = sorted(names, key=lambda name: -durations.get(name, 0))

    def run_one(name):
        for _ in range(retries + 1):
            result = stage.run(name, MODES[mode], logs / (name + ".log"))
            if result.status in (PASS, SKIP):
                break
        return name, result

    with Load(mode == "busy"), concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        return dict(pool.map(run_one, names))


def fingerprint(*files):
    digest = hashlib.sha256()
    for file in files:
        digest.update(pathlib.Path(file).read_bytes())
    return digest.hexdigest()


def label(library, mode, tool):
    """Returns the name of the results of a run."""
    return "-".join(filter(None, [library, mode, tool.name]))


def expectation(program, mode, tool, names, jobs):
    """Returns libuv's results in the tests of these names, each measured once.

    A test that fails is tried twice more, so that what is expected of oxuv is
    all that libuv can do.
    """
    library = REFERENCE / "libuv.so.1"
    run = label("reference", mode, tool)
    kept = OUT / f"{run}.json"
    key = fingerprint(program, library, __file__)
    saved = json.loads(kept.read_text()) if kept.exists() else {}
    results = saved["results"] if saved.get("key") == key else {}
    with Stage(program, library, tool) as stage:
        missing = [name for name in names if name not in results]
        if missing:
            print(f"{mode}: libuv first, to know what it does on this machine", flush=True)
            results |= run_all(stage, missing, mode, jobs, OUT / "log" / run, {}, retries=2)
            kept.write_text(json.dumps({"key": key, "results": results}, indent=1))
    return {name: Result(*results[name]) for name in names}


def chosen(names, patterns):
    if not patterns:
        return names
    return [name for name in names
            if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)]


def compare(expected, actual, mode, logs):
    """Prints the differences; returns the numbers of passed, failed, skipped."""
    counts = collections.Counter()
    for name in sorted(actual):
        want, got = expected[name].status, actual[name].status
        if want == PASS and got == PASS:
            counts["passed"] += 1
        elif want == PASS or (want == SKIP and got not in (PASS, SKIP)):
            counts["failed"] += 1
            print(f"FAILED ({mode}) {name}: {got}, with libuv: {want}")
            tail = (logs / (name + ".log")).read_text(errors="replace").splitlines()[-12:]
            print("".join(f"    {line}\n" for line in tail), end="")
        else:
            counts["skipped"] += 1
            print(f"SKIPPED: ({mode}) {name}: libuv: {want}, oxuv: {got}")
    return counts


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tests", nargs="*", metavar="TEST", help="names or globs; all without")
    parser.add_argument("--mode", action="append", choices=[*MODES, "all"],
                        help="may be repeated; the default is 'default'")
    parser.add_argument("--repeat", type=int, default=1, metavar="N")
    parser.add_argument("-j", "--jobs", type=int, default=2 * os.cpu_count(), metavar="N")
    parser.add_argument("--library", type=pathlib.Path, default=TARGET / "lib/libuv.so.1",
                        help="what to compare with libuv; target/lib/libuv.so.1 without")
    parser.add_argument("--our-header", action="store_true",
                        help="compile libuv's tests against include/uv.h")
    parser.add_argument("--tool", metavar="NAME",
                        help="valgrind.sh and sanitize.sh in scripts/ give this one and the next")
    parser.add_argument("--wrap", default="", metavar="COMMAND",
                        help="run each test under COMMAND")
    options = parser.parse_args()
    options.mode = options.mode or ["default"]
    if "all" in options.mode:
        options.mode = list(MODES)
    return options


def programs(options):
    """Returns the test program for libuv and the one for oxuv."""
    program = build_reference()
    if options.our_header:
        return program, compile_program("our-header", ROOT / "include")
    if options.tool and not options.wrap:
        program = compile_program(options.tool, REFERENCE / "include")
    return program, program


def leave_out(names, options, why):
    """Counts every test as skipped; returns the exit code."""
    count = len(names) * len(options.mode) * options.repeat
    print(f"SKIPPED: all {len(names)} tests: each needs namespaces of its own; {why}")
    print(f"0 passed, 0 failed, {count} skipped")
    return 0


def main():
    options = arguments()
    OUT.mkdir(parents=True, exist_ok=True)
    program, ours = programs(options)
    tool = Tool(options.tool, options.wrap.split())
    total = collections.Counter()
    with Stage(ours, options.library, tool) as stage:
        refused = refusal()
        names = chosen(stage.names(), options.tests)
        if not names:
            sys.exit(f"no test is called {' or '.join(options.tests)}")
        if refused:
            return leave_out(names, options, refused)
        for mode in options.mode:
            expected = expectation(program, mode, tool, names, options.jobs)
            durations = {name: result.seconds for name, result in expected.items()}
            for turn in range(1, options.repeat + 1):
                begin = time.monotonic()
                logs = OUT / "log" / label("oxuv", mode, tool)
                actual = run_all(stage, expected, mode, options.jobs, logs, durations)
                counts = compare(expected, actual, mode, logs)
                seconds = time.monotonic() - begin
                print(f"{mode} {turn}/{options.repeat}: {counts['passed']} passed, "
                      f"{counts['failed']} failed, {counts['skipped']} skipped "
                      f"in {seconds:.0f} s", flush=True)
                total += counts
    print(f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped")
    return 0 if total["passed"] and not total["failed"] else 1


if __name__ == "__main__":
    sys.exit(main())
