#!/usr/bin/env python3
"""Asks `oxuv` about programs in which something is to be found: node, uvloop, neovim, or those named.

The programs are unchanged and were started in the ordinary way; dependents/run.sh has set them up.
Each state is planted by one of node.mjs, loop.py and neovim.lua. An answer is awaited until it has
all that is expected. Runs in a network namespace whose name server never answers. The last line is
counts.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
WORK = ROOT / "build/dependents"
OXUV = ROOT / "target/tool/oxuv"
# No test passes because this time has passed.
LIMIT = 60

NODE = WORK / "node/root/usr"
LIBNODE = NODE / f"lib/{os.uname().machine}-linux-gnu"
NVIM = ["nvim", "--headless", "-u", "NONE", "-i", "NONE", "-n", "-c", f"luafile {HERE}/neovim.lua"]
PROGRAMS = {
    "node": [NODE / "bin/node", "--perf-basic-prof", HERE / "node.mjs"],
    "uvloop": [WORK / "uvloop/venv/bin/python", HERE / "loop.py"],
    "neovim": NVIM,
}

# What `oxuv why` says in each state, as regular expressions.
WHY = {
    "callback": [r"in callback .* for (at most )?\d"],
    "timer": [r"waits for events", r"timer +due in (59|60) min"],
    "socket": [r"tcp +listening on 127\.0\.0\.1:(\d+)", r"tcp +connected to 127\.0\.0\.1:\d+ from 127\.0\.0\.1:\d+"],
    "backlog": [r"tcp +connected to 127.*, \d+\.\d MiB wait to be written in 1 write"],
    "pool": [r"fs +open .*/fifo, on thread \d+ .* for \d", r"fs +open .*/fifo, queued"],
    "lookups": [rf"getaddrinfo host{i}\.example" for i in range(4)],
    "worker": [r"loop .*thread (?!{pid}\b)\d+[^\n]*\n +in callback"],
}
# The function that the library calls in the first state, and one that it calls in the end.
CALLBACKS = {
    "node": (r"node::Environment::RunTimers\(uv_timer_s\*\)", "JSEntryTrampoline"),
    "uvloop": ("__pyx_f_6uvloop_4loop___uvtimer_callback", "_PyEval_EvalFrameDefault"),
    "neovim": (r"liblua5.1-luv.so\S*", r"libluajit\S*"),
}

# uvloop uses the pool for look-ups only.
LOOK_UPS_QUEUED = [r"getaddrinfo host\d\.example\S*, on thread \d+", r"getaddrinfo host\d\.example\S*, queued"]


class Program:
    """A program that runs, and is killed in the end."""

    def __init__(self, name, state, scratch):
        self.state = state
        environment = {**os.environ, "LD_LIBRARY_PATH": f"{ROOT}/target/lib:{LIBNODE}", "QUESTION": state,
                       "DIRECTORY": str(scratch), "HOME": str(scratch)}
        command = [*PROGRAMS[name], *([] if name == "neovim" else [state, scratch])]
        self.process = subprocess.Popen(command, env=environment, cwd=scratch, text=True, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for line in self.process.stdout:
            if line.strip() == "ready":
                return
        raise AssertionError(f"it ended with status {self.process.wait()}")

    def __enter__(self):
        return str(self.process.pid)

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        Path(f"/tmp/perf-{self.process.pid}.map").unlink(missing_ok=True)


def ask(expected, *arguments):
    """Repeats a command until its output matches all regular expressions; returns it."""
    end = time.monotonic() + LIMIT
    while True:
        answer = subprocess.run([OXUV, *arguments], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                check=False).stdout
        missing = [part for part in expected if not re.search(part, answer)]
        if not missing:
            return answer
        assert time.monotonic() < end, f"{missing[0]!r} is not in:\n{answer}"


def ask_about(name, state, scratch):
    with Program(name, state, scratch) as pid:
        expected = LOOK_UPS_QUEUED if (name, state) == ("uvloop", "pool") else WHY[state]
        ask([part.replace("{pid}", pid) for part in expected], "why", pid)
        if state == "callback":
            called, inner = CALLBACKS[name]
            ask([rf"{called} runs for .*\(timer", rf"\n    .*{inner}.*\n(    .*\n)*    uv_run\n"],
                "slow", pid, "--over", "50ms", "--seconds", "1")
            ask([rf"[3-9]\d\d ms {called} \(timer\)"], "top", "--once", pid)
            page = scratch / "trace.html"
            ask([], "trace", pid, "--seconds", "1", "-o", page)
            # The page leaves out arguments.
            short = called.split(r"\(")[0]
            assert re.search(short, page.read_text()), f"{short} is not in the trace"
        elif state == "worker":
            ask([rf"callback of thread (?!{pid}\b)\d+ runs for|runs for .* thread (?!{pid}\b)\d+"],
                "slow", pid, "--over", "50ms", "--seconds", "1")
        elif state == "pool":
            ask([r"[1-9]\d* of [1-9]\d* threads busy"], "top", "--once", pid)


def inside(names):
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind(("127.0.0.1", 53))
    scratch = Path(tempfile.mkdtemp(prefix="oxuv-questions-"))
    for name, text in [("resolv.conf", "nameserver 127.0.0.1\n"), ("nsswitch.conf", "hosts: dns\n")]:
        file = scratch / name
        file.write_text(text)
        subprocess.run(["mount", "--bind", file, f"/etc/{name}"], check=True)
    os.mkfifo(scratch / "fifo")
    passed = failed = skipped = 0
    for name, command in PROGRAMS.items():
        if names and name not in names:
            continue
        if not shutil.which(str(command[0])):
            print(f"SKIPPED: {name}: dependents/run.sh has not set it up")
            skipped += 1
            continue
        for state in WHY:
            try:
                ask_about(name, state, scratch)
            except AssertionError as error:
                print(f"FAILED: {name}, {state}: {error}", flush=True)
                failed += 1
            else:
                print(f"ok {name}, {state}", flush=True)
                passed += 1
    shutil.rmtree(scratch)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


def main():
    if sys.argv[1:2] == ["--inside"]:
        return inside(sys.argv[2:])
    private = ["unshare", "--net", "--mount", *([] if os.getuid() == 0 else ["--map-root-user"])]
    if subprocess.run([*private, "true"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
        print("SKIPPED: needs namespaces\n0 passed, 0 failed, 1 skipped")
        return 0
    return subprocess.run([*private, sys.executable, __file__, "--inside", *sys.argv[1:]], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
