#!/usr/bin/env python3
"""Tests what the comparison of run.py accepts, and what it does not hide. The last line is counts."""

import sys

from run import only_reordered

HEAD = "  make 1: 0\nrun 0 2\n"
TAIL = "ran 0 alive 1\nrun 0 2\nasync 3\nclose 1\nran 0 alive 0\n"


def log(*lines):
    return HEAD + "".join(f"{line}\n" for line in lines) + TAIL


def next_run_has(line, first):
    """Returns a log where a callback comes in the run after the first."""
    return first.replace("run 0 2\nasync", f"run 0 2\n{line}\nasync")


def waiting(text):
    """Returns a log whose first run waits until something is called."""
    return text.replace("run 0 2", "run 0 1", 1)


# name, one log, another, whether the difference is accepted
CASES = [
    ("descriptors in another order", log("read 1: 5", "poll 2: 0 1"), log("poll 2: 0 1", "read 1: 5"), True),
    ("and the results of what they did", log("read 1: 5", "  write 2: 0 active 1", "poll 2: 0 1"),
     log("poll 2: 0 1", "read 1: 5", "  write 2: -32 active 1"), True),
    ("a write's callback after others", log("written 1: 0", "read 2: 5"), log("read 2: 5", "written 1: 0"), True),
    ("a message in a later run", log("read 1: 5", "async 3"), log("read 1: 5"), True),
    ("a message to a handle that is closed first", log("read 1: 5", "  close 4: 0 active 0", "async 4"),
     log("read 1: 5", "  close 4: 0 active 0"), True),
    ("a message whose handle is closed before the next run", log("async 4"),
     log().replace("alive 1\n", "alive 1\n  close 4: 0 active 0\n"), True),
    ("reading begun in the run and stopped after it", log("  read 4: 0 active 1", "read 4: 5"),
     log("  read 4: 0 active 1").replace("alive 1\n", "alive 1\n  stop 4: 0 active 0\n"), True),
    ("what the peer wrote in the run", log("read 1: 5", "  peer writes 4: 9", "read 4: 9"),
     next_run_has("read 4: 9", log("read 1: 5", "  peer writes 4: 9")), True),
    ("less than the peer wrote in the run", log("  peer writes 4: 9", "read 4: 9"),
     next_run_has("read 4: 8", log("  peer writes 4: 9")), False),
    ("a connection after another was accepted", log("  accept 5: 0 of 4", "connection 4: 0"),
     next_run_has("connection 4: 0", log("  accept 5: 0 of 4")), True),
    ("a connection in a later run", log("connection 4: 0"),
     next_run_has("connection 4: 0", log()), False),
    ("a message after a run that was stopped", log("async 4"),
     log().replace("alive 1\n", "alive 1\n  stop loop 0\n") + "run 0 2\nasync 4\nran 0 alive 0\n", True),
    ("a message after another loop was stopped", log("async 4"),
     log().replace("alive 1\n", "alive 1\n  stop loop 1\n") + "run 0 2\nasync 4\nran 0 alive 0\n", False),
    ("a message after the next run of the loop", log("read 1: 5", "async 4"),
     log("read 1: 5") + "run 0 2\nasync 4\n", False),
    ("a message whose handle is closed later", log("read 1: 5", "async 4"),
     log("read 1: 5") + "  close 4: 0 active 0\n", False),
    ("reading that was not begun in the run", log("read 4: 5"), next_run_has("read 4: 5", log()), False),
    ("an event since the peer was closed in the run", log("poll 3: 0 1", "  peer closes 2", "poll 2: 0 2"),
     log("poll 3: 0 1", "  peer closes 2", "poll 2: 0 6"), True),
    ("a peer that a message in a later run closes", log("poll 2: 0 2", "async 4", "  peer closes 2"),
     next_run_has("async 4", log("poll 2: 0 2")), True),
    ("an event without that", log("poll 3: 0 1", "  peer closes 3", "poll 2: 0 2"),
     log("poll 3: 0 1", "  peer closes 3", "poll 2: 0 6"), False),
    ("an error instead of an event", log("poll 3: 0 1", "  peer closes 2", "poll 2: 0 2"),
     log("poll 3: 0 1", "  peer closes 2", "poll 2: -9 0"), False),
    ("a message in a later run, and another order", log("read 1: 5", "poll 2: 0 1", "async 4", "timer 5"),
     next_run_has("async 4", log("poll 2: 0 1", "read 1: 5")), True),
    ("a lost callback before a message in a later run", log("read 1: 5", "poll 2: 0 1", "async 4"),
     next_run_has("async 4", log("read 1: 5")), False),
    ("another order before a message in a later run", log("timer 1", "timer 2", "async 4"),
     next_run_has("async 4", log("timer 2", "timer 1")), False),
    ("a timer after a run that is woken for nothing", waiting(log("timer 4")),
     waiting(next_run_has("timer 4", log())), True),
    ("a timer in a later run", log("timer 4"), next_run_has("timer 4", log()), False),
    ("a datagram that leaves later", log("sent 4: 0"), next_run_has("sent 4: 0", log()), True),
    ("a datagram that does not leave", log("sent 4: 0"), log(), False),
    ("other sums of datagrams", log() + "sums 1: 3 sent, 3 received\n", log() + "sums 1: 3 sent, 2 received\n", False),
    ("a local socket that is not connected", log("connected 4: 1"), log(), False),
    ("a child whose end comes later", log("exit 4: 0 9"), next_run_has("exit 4: 0 9", log()), True),
    ("a child whose end is lost", log("exit 4: 0 9"), log(), False),
    ("another end of a child", log("exit 4: 0 9"), log("exit 4: 1 0"), False),
    ("work that is lost", log("work 4: 0"), log(), False),
    ("work that fails", log("work 4: 0"), log("work 4: -125"), False),
    ("a timer that a message in a later run made due", waiting(log("poll 1: 0 1", "async 4", "timer 5")),
     waiting(next_run_has("async 4", log("poll 1: 0 1"))), True),
    ("a timer beside a message in a later run", waiting(log("poll 1: 0 1", "timer 5", "async 4")),
     waiting(next_run_has("async 4", log("poll 1: 0 1"))), False),
    ("a handle that was closed in a callback in another order", log("read 1: 5", "poll 2: 0 1"),
     log("poll 2: 0 1", "read 1: 5", "  close 4: 0 active 0", "close 4"), True),
    ("a close callback without closing", log("read 1: 5", "poll 2: 0 1"), log("poll 2: 0 1", "read 1: 5", "close 4"), False),
    ("a lost close callback", log("read 1: 5", "  close 4: 0 active 0", "poll 2: 0 1", "close 4"),
     log("poll 2: 0 1", "  close 4: 0 active 0", "read 1: 5"), False),
    ("a lost signal", log("signal 4: 10"), log() + "close 4\n", False),
    ("a lost callback", log("read 1: 5", "poll 2: 0 1"), log("poll 2: 0 1"), False),
    ("a callback more", log("read 1: 5"), log("read 1: 5", "read 1: 5"), False),
    ("another status", log("read 1: 5", "poll 2: 0 1"), log("poll 2: 0 1", "read 1: -104"), False),
    ("one handle's callbacks in another order", log("read 1: 5", "read 1: -4095"), log("read 1: -4095", "read 1: 5"), False),
    ("a lost message", log("read 1: 5", "async 4"), log("read 1: 5"), False),
    ("the order of messages", log("async 4", "async 3"), log("async 3", "async 4"), False),
    ("the order of signals and events", log("signal 4: 10", "exit 5: 0 0"), log("exit 5: 0 0", "signal 4: 10"), False),
    ("the order of timers", log("timer 4", "timer 5"), log("timer 5", "timer 4"), False),
    ("the order of phases", log("prepare 4", "read 1: 5", "check 5"), log("check 5", "read 1: 5", "prepare 4"), False),
    ("a close callback in another run", log("close 4"), log(), False),
    ("the end in the iteration of the data", log("read 1: 5", "read 1: -4095"), log("read 1: 5"), False),
    ("another result in the same order", log("read 1: 5", "  write 1: 0 active 1"),
     log("read 1: 5", "  write 1: -32 active 1"), False),
    ("a missed wake-up of a host", log("read 1: 5"), log("read 1: 5", "MISSED 1"), False),
    ("another result between runs", log("read 1: 5"), log("read 1: 5").replace("alive 1", "alive 0"), False),
    ("a report that is lacking", log() + "lacking reports 1: 0\n", log() + "lacking reports 1: 3\n", False),
]


def main():
    failed = [name for name, one, other, accepted in CASES
              if any(only_reordered(*pair) != accepted for pair in ((one, other), (other, one)))]
    for name in failed:
        print(f"FAILED: {name}")
    print(f"{len(CASES) - len(failed)} passed, {len(failed)} failed, 0 skipped")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
