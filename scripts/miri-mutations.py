#!/usr/bin/env python3
"""Puts faults that Miri has found back, each into a copy of the tree, and runs the test that shows it.

Miri must report undefined behaviour each time: `make miri-mutations`. A fault whose code has changed so
that it cannot be put back is an error as well.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COPY = ROOT / "build/miri-mutation"
COPIED = ".cargo Cargo.toml Cargo.lock build.rs include reference scripts src tests".split()

# For each fault, the test that shows it, and the edits: file, text, replacement.
FAULTS = {
    "uv_cancel races with a worker for the stage of its work": (
        "file_operations_are_cancelled",
        [("src/pool/mod.rs", "self.task.get().is_none() && self.stage", "self.stage")],
    ),
    "a field of a file request is not written by its init": (
        "file_operations_are_cancelled",
        [
            (
                "src/requests/fs/operation.rs",
                "            &*at\n",
                "let file = (&raw mut (*at).file).cast::<MaybeUninit<u32>>();\n"
                "file.write(MaybeUninit::uninit());\n"
                "&*at\n",
            )
        ],
    ),
    "the number of an async handle is not written by its init": (
        "async_handles_are_sent_to",
        [
            (
                "src/handles/mod.rs",
                "            loop_.add_handle(&(*handle).all);\n",
                "let number = (&raw mut (*handle).number).cast::<MaybeUninit<u64>>();\n"
                "number.write(MaybeUninit::uninit());\n"
                "loop_.add_handle(&(*handle).all);\n",
            )
        ],
    ),
    "a worker has the pool's state as &mut, and links are not pinned": (
        "work_is_done_by_two_threads",
        [
            ("src/list.rs", "    _pin: PhantomPinned,\n}", "    _pin: core::marker::PhantomData<()>,\n}"),
            ("src/list.rs", "_pin: PhantomPinned }", "_pin: core::marker::PhantomData }"),
            ("src/ffi.rs", "for PhantomPinned", "for core::marker::PhantomData<()>"),
            (
                "src/pool/mod.rs",
                "match state.next() {",
                "fn next(state: &mut State) -> Option<(*const Work, &'static Task)> {\n"
                "    state.next()\n"
                "}\n"
                "match next(&mut state) {",
            ),
        ],
    ),
    "the headers of an outbox point into it while it is filled": (
        "an_outbox_moves",
        [
            ("src/sys/datagram.rs", "        self.point_headers();\n", ""),
            (
                "src/sys/datagram.rs",
                "            last_header.msg_iovlen = 0;\n",
                "last_header.msg_iovlen = 0;\nlast_header.msg_iov = free;\n",
            ),
        ],
    ),
    "a handle's reserved bytes are frozen behind a reference": (
        "timers_are_freed",
        [
            (
                "src/ffi.rs",
                "Cell<MaybeUninit<[u8; N]>>;",
                "MaybeUninit<[u8; N]>;\n"
                "// SAFETY: not sound.\n"
                "unsafe impl<const N: usize> InteriorMutable for MaybeUninit<[u8; N]> {}",
            ),
            ("src/ffi.rs", "    Cell::new(MaybeUninit::uninit())\n", "    MaybeUninit::uninit()\n"),
        ],
    ),
}


def copy_tree():
    shutil.rmtree(COPY, ignore_errors=True)
    COPY.mkdir(parents=True)
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, COPY / name)
        elif source.exists():
            shutil.copy2(source, COPY / name)


def put_back(edits):
    for path, text, replacement in edits:
        file = COPY / path
        source = file.read_text()
        if source.count(text) != 1:
            return f"{path} has {source.count(text)} times: {text.strip()}"
        file.write_text(source.replace(text, replacement))
    return None


def reports(test):
    """Runs the test; returns what undefined behaviour ended it, or None."""
    environment = os.environ | {"CARGO_TARGET_DIR": str(ROOT / "target")}
    command = ["timeout", "600", "scripts/miri.sh", test]
    run = subprocess.run(command, cwd=COPY, env=environment, capture_output=True, text=True)
    log = ROOT / "build/log/miri-mutation.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text(run.stdout + run.stderr)
    found = re.search(r"^.*error: Undefined Behavior: (.*)$", run.stdout, re.MULTILINE)
    return found and found[1]


def main():
    """Puts back the faults whose description has the argument in it."""
    failed = 0
    wanted = " ".join(sys.argv[1:])
    chosen = {fault: how for fault, how in FAULTS.items() if wanted in fault}
    for fault, (test, edits) in chosen.items():
        copy_tree()
        problem = put_back(edits)
        report = problem or reports(test)
        if problem or not report:
            failed += 1
            report = f"FAILED: {problem or 'not reported; see build/log/miri-mutation.log'}"
        print(f"{fault}: {report}", flush=True)
    shutil.rmtree(COPY)
    print(f"{len(chosen) - failed} passed, {failed} failed, 0 skipped")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
