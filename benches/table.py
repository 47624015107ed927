"""What is measured: the one table that the runner and the document read.

To add a benchmark, write it in C (bench_*.c), then name its metric in a group
here. Metrics of libuv's own programs begin with `libuv/`, figures of the bare
programs in limits/ with `bare/`.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Group:
    """Metrics that share a target: the ratio to reach in oxuv's favour."""

    title: str
    target: float
    metrics: tuple
    # Bare programs that do the same work without any library, and what each
    # of their operations stands for.
    limits: dict = field(default_factory=dict)
    note: str = ""
    # A cost that is reached at this figure, whatever the ratio is.
    at_most: float = 0

    def verdict(self, ours: float, ratio: float) -> str:
        if ours <= self.at_most or round(ratio, 2) >= self.target:
            return "reached"
        return "slower" if ratio < min(FLOOR, self.target) else "missed"


# A ratio below this is a loss, whatever the target.
FLOOR = 0.98

POOLS = (1, 2, 4, 8, 16, 32, 64)
HANDLES = (1, 10, 100, 1000, 10000)
# Measured a second time while every core is busy.
BUSY = ("fs_stat_1", "fs_stat_64", "fs_read_4k", "queue_work_1", "queue_work_64",
        "async1", "tcp_ping_pong_2threads")

GROUPS = (
    Group(
        "One file operation after another",
        8.0,
        ("fs_stat_1", "libuv/fs_stat.1"),
        {
            "bare/stat": "`stat()` itself, in one thread",
            "bare/handover_spin": "there and back between two threads that spin",
            "bare/handover_sleep": "there and back between two threads that sleep"
            " on a futex",
        },
    ),
    Group(
        "64 file operations in flight",
        2.0,
        (
            "fs_stat_64",
            *(f"fs_stat_64_pool/{size}" for size in (4, 8, 16)),
            *(f"libuv/fs_stat.{depth}" for depth in (2, 4, 8, 16, 32)),
        ),
        {
            "bare/stat": "`stat()` itself, in one thread",
            "bare/stat_all_cores": "in a thread on every core: no pool can do more",
            "bare/stat_64_awake": "64 in flight between one thread that asks and one that"
            " does them, 8 handed over at a time; neither ever sleeps",
            "bare/stat_64_asleep": "the same with a worker on every core, 32 at a time; all"
            " sleep when they have nothing to do",
        },
        note="On two cores the loop can have one and the pool the other, or all threads"
        " take turns on both. The bare programs that do so hand over requests and nothing"
        " else, and neither does twice what the reference does with a pool of 4; the"
        " lead grows with the pool, where the reference wakes threads that find nothing to"
        " do. A loop that watches for what is done leaves one core to the pool. Tried"
        " instead, and slower: a loop that sleeps until 8 to 32 requests are done, and"
        " workers that put off waking it until 16 are done or none is left (0.58 million a"
        " second where watching made 0.79).",
    ),
    Group(
        "Work for the pool, chains of operations",
        3.0,
        (
            "queue_work_1",
            "queue_work_64",
            "queue_work_1000",
            "fs_chain_1",
            "fs_chain_16",
            "libuv/queue_work",
        ),
        {
            "bare/handover_spin": "one job there and back, both threads spinning",
            "bare/handover_sleep": "one job there and back, both threads sleeping",
            "bare/file_chain": "open, fstat, read, close in one thread",
            "bare/file_chain_16_awake": "16 files at a time between one thread that asks"
            " for each of the four and one that does it; neither ever sleeps",
            "bare/file_chain_16_asleep": "the same with a worker on every core; all sleep"
            " when they have nothing to do",
        },
        note="`fs_chain_16` is four hand-overs for each file, and no bare program that hands"
        " over the same way does three times what the reference does. `queue_work_1000` depends"
        " on where the scheduler puts the threads: on one core, where nothing passes from cache"
        " to cache, oxuv does 20 million jobs a second, on two 8 to 10. The reference does"
        " 1 to 4.4 million.",
    ),
    Group(
        "Wake-ups from other threads",
        2.0,
        (
            *(f"async{n}" for n in (1, 2, 4, 8)),
            *(f"async_pummel_{n}" for n in (1, 2, 4, 8)),
            "async_send_coalesced",
            *(f"libuv/async{n}" for n in (1, 2, 4, 8)),
            *(f"libuv/async_pummel_{n}" for n in (1, 2, 4, 8)),
            "libuv/million_async",
        ),
        {
            "bare/eventfd": "there and back between two threads, eventfd and epoll",
            "bare/handover_sleep": "the same with a futex",
            "bare/eventfd_self": "a thread that wakes itself: eventfd and epoll",
            "bare/eventfd_8": "8 pairs of threads at once, eventfd and epoll",
            "bare/atomic_or": "`atomic_fetch_or()` of a word that only this thread uses",
            "bare/million_flags": "one thread sets flags of a million structures in no"
            " order, another takes each off a list and touches it",
        },
        note="A sleeping thread that is woken up costs what the kernel takes for it"
        " (`bare/eventfd`, `bare/eventfd_8`); a library can only save the calls around it,"
        " and wake nobody who is awake. A send to a handle that is woken up already is one"
        " locked operation (`bare/atomic_or`) and a call.",
    ),
    Group(
        "A million timers",
        4.0,
        (
            *(
                f"{name}.{phase}"
                for name in ("million_timers", "million_timers_ordered")
                for phase in ("insert", "dispatch", "cancel")
            ),
            *(f"million_timers_sparse.{p}" for p in ("insert", "cancel", "cancel_first")),
            *(f"libuv/million_timers.{p}" for p in ("init", "dispatch", "cleanup", "total")),
        ),
        {
            "bare/timer_lists.insert": "a million structures of a timer's size into 500 lists",
            "bare/timer_lists.visit": "all of them, one list after the other, none fetched ahead",
            "bare/timer_lists.remove": "out of the lists, in the order of memory",
            "bare/timer_lists_ordered.insert": "into the lists, the first ones into the first",
            "bare/timer_lists_ordered.visit": "all of them, which is the order of memory",
            "bare/timer_lists_ordered.remove": "out of the lists",
            "bare/timer_lists_ordered.new_memory": "initialising and inserting them in memory"
            " that the kernel has yet to give",
        },
        note="Timers that are due close to each other are lists, so what is left is that a"
        " million handles of 152 bytes do not fit into any cache. In libuv's own program they"
        " are touched for the first time (`init`): of some 90 ns that a timer takes there, the"
        " kernel takes 75 for the pages; in memory that was touched before, `uv_timer_init()`"
        " and `uv_timer_start()` take 8 each. Its `cleanup` is two walks over all handles, each"
        " of which takes what `timer_lists_ordered.remove` takes. Its timers are due within"
        " 100 ms here; unchanged, the program waits for the last of them a second after `init`"
        " began, so that a faster `init` makes `dispatch` slower.",
    ),
    Group(
        "UDP: bursts of one size to one peer",
        2.5,
        (
            "udp_send_burst",
            "udp_try_send2_burst",
            "udp_send_64x1200",
            "udp_try_send2_64x1200",
        ),
        {
            "bare/sendmmsg_20x64": "one `sendmmsg()` of 20 datagrams of 64 bytes",
            "bare/gso_20x64": "one `sendmsg()` with `UDP_SEGMENT` for them",
            "bare/sendmmsg_64x1200": "64 datagrams of 1,200 bytes",
            "bare/gso_64x1200": "the same with `UDP_SEGMENT`, 53 at a time",
        },
    ),
    Group(
        "UDP: receiving, both directions",
        1.5,
        (
            "udp_receive_burst",
            "udp_recvmmsg_burst",
            *(
                f"libuv/udp_pummel_{pair}"
                for pair in ("1v1", "1v10", "1v100", "10v10", "10v100", "100v100")
            ),
        ),
        {
            "bare/recvfrom_20x64": "`epoll_wait()`, 20 calls of `recvfrom()` with the sender's"
            " address, and one that finds nothing",
            "bare/recvmmsg_20x64": "the same with `recvmmsg()` into 20 pieces of 64 KiB",
            "bare/udp_pummel_1": "9 calls of `sendmsg()`, `epoll_wait()`, `recvfrom()` until it"
            " finds nothing",
            "bare/udp_pummel_10": "the same between 10 pairs of sockets",
            "bare/udp_pummel_100": "between 100",
        },
        note="The bare programs do what libuv's interface asks for, and nothing else: each"
        " datagram with its sender's address, into memory that the user provides, until there"
        " are none. libuv gets as far with `recvmmsg()`, four fifths as far with one call for"
        " each datagram, and seven eighths in both directions; 1.5 times as far is more than the"
        " kernel allows. To do better, a library would have to receive datagrams before they are"
        " asked for, which a program notices that shares the socket or stops after the first.",
    ),
    Group(
        "TCP and pipes",
        1.05,
        (
            "tcp_ping_pong",
            "tcp_ping_pong_2threads",
            "tcp_echo_100",
            "tcp_echo_1000",
            "tcp_pump",
            "tcp_churn",
            "pipe_ping_pong",
            "pipe_pump",
            "libuv/ping_pongs",
            "libuv/tcp_write_batch",
            "libuv/tcp_pump1",
            "libuv/tcp_pump100",
            "libuv/tcp_pound_100",
            "libuv/tcp_pound_1000",
            "libuv/pipe_pump1",
            "libuv/pipe_pump100",
            "libuv/pipe_pound_100",
            "libuv/pipe_pound_1000",
            *(f"libuv/tcp_multi_accept{n}" for n in (2, 4, 8)),
        ),
        {
            "bare/epoll_echo": "ping-pong, both ends on one epoll in one thread",
            "bare/epoll_echo_2threads": "ping-pong, an epoll and a thread each",
            "bare/epoll_echo_awake": "the same, asking epoll 100 times before sleeping",
            "bare/pipe_echo_2threads": "ping-pong on a socket pair, an epoll and a thread each",
            "bare/pipe_echo_awake": "the same, asking epoll 100 times before sleeping",
            "bare/epoll_echo_100": "100 connections, an epoll and a thread each end",
            "bare/epoll_echo_1000": "1,000 connections",
            "bare/tcp_churn": "connections that the server closes, one epoll in one thread",
            "bare/tcp_pound_100": "100 clients at a time, a server process",
            "bare/tcp_multi_accept2": "40 clients at a time, two threads that accept",
            "bare/tcp_multi_accept8": "eight threads",
            "bare/tcp_pump": "blocking `write()` and `read()` of 64 KiB, two threads",
            "bare/pipe_pump": "the same on a socket pair",
            "bare/epoll_tcp_pump": "one way over TCP with epoll at both ends",
            "bare/epoll_pipe_pump": "the same on a socket pair",
            "bare/tcp_write_batch": "`send()` of 13 bytes for each write, a thread that reads",
        },
        note="One send, one receive and a share of one `epoll_wait()` for each "
        "message are what the bare programs pay as well; what is left "
        "between them and either library is a few per cent. Where a loop has sent one "
        "message and its answer comes at once, oxuv asks epoll for some microseconds "
        "instead of having its thread put to sleep and woken on another core: more "
        "system calls, less CPU time.\n\n"
        "One way, both libraries make the same calls, and "
        "the range over the pairs is the kernel's: in a slow run of `pipe_pump` 64 % of "
        "all time is `_copy_from_iter()`, in a fast one 12 %: the copy into the socket's "
        "buffers, presumably into pages that were freed on the other core. "
        "A reader that does not sleep was tried there: it gets in the writer's "
        "way, and `libuv/tcp_pump100` lost a third.\n\n"
        "A connection is "
        "`socket()`, `connect()`, `accept4()` and two `close()`, three quarters of its "
        "time, whoever calls them: a bare program takes 2 to 13 % less CPU time than "
        "libuv. libuv registers descriptors in batches through an io_uring that each loop "
        "has for it, which saves some of two entries into the kernel for a connection, "
        "0.2 µs each; oxuv has no such ring, and makes loops six times as fast. What else "
        "would leave calls out takes as much time elsewhere. Closing a descriptor that "
        "epoll still watches takes 0.5 to 0.8 µs longer, and taking it "
        "out before 0.73; a level-triggered listening socket saves asking whether "
        "more are waiting, 0.34 µs, and has epoll report it once more for each.",
    ),
    Group(
        "File copy and sequential read",
        1.0,
        ("fs_read_4k", "fs_read_64k", "fs_copyfile", "fs_sendfile"),
        {
            "bare/pread_4k": "`pread()` of 4 KiB in one thread",
            "bare/pread_64k": "of 64 KiB",
            "bare/copyfile": "`ftruncate()`, `copy_file_range()`, `close()`",
            "bare/copy_file_range": "`copy_file_range()` onto pages that are there",
        },
        note="Both libraries copy files with the same calls. `uv_fs_copyfile()` empties the file"
        " that is there, so pages and blocks are new each time, and ext4 begins to write them"
        " when the file is closed. Without that it takes less than half the CPU time, but who is"
        " killed meanwhile leaves a file of the right size that is partly the old one. Reading"
        " and writing 64 KiB to 4 MiB at a time takes 1.1 to 1.6 times the CPU time of"
        " `copy_file_range()`.",
    ),
    Group(
        "Processes, threads, loops, readiness",
        1.0,
        (
            "spawn",
            "thread_create",
            "loop_count",
            "loop_count_timer",
            "loop_init_close",
            "poll_ping_pong",
            "poll_change_events",
            "poll_same_events",
            "libuv/spawn",
            "libuv/thread_create",
            "libuv/loop_count",
            "libuv/getaddrinfo",
        ),
        {
            "bare/fork_exec": "`fork()`, `exec()`, `waitpid()` of `/bin/true` from"
            " 256 MiB",
            "bare/vfork_exec": "the same with `vfork()`",
            "bare/pthread_create": "`pthread_create()` and `pthread_join()`",
            "bare/tick": "`clock_gettime()` and `epoll_wait()` that does not wait",
        },
        note="Starting a process or a thread, and a tick that finds nothing, "
        "are system calls and little else. The child of `libuv/spawn` loads the library: with"
        " oxuv that takes 198,000 instructions, 321,000 if the C library's functions were bound"
        " at once, and 170,000 with libuv.",
    ),
    Group(
        "With every core busy",
        1.0,
        tuple(f"{name}_busy" for name in BUSY),
        note="The same benchmarks while a process on every core never sleeps:"
        " what a library gains by waiting actively, it must not lose here.",
    ),
    Group(
        "Memory of what is idle",
        1.0,
        ("memory_connection", "memory_timer", "memory_loop"),
    ),
    Group("Loading the library", 1 / 1.5, ("load_and_init",), {
        "bare/exec": "a program without libuv, from `posix_spawn()` to its end",
    }),
    Group("Size of the library", 1.0, ("size_stripped",), at_most=600 * 1024,
          note="Reached at 600 KiB, stripped; Rust's standard library is part of it."),
)

PROGRAMS_NOTE = (
    "An echo server and its client have a processor each, and the servers on all"
    " libraries get their messages in turn, a quarter of a second each. With 64 files"
    " at a time Node's main thread is never idle: of 20 µs that it takes for a file, 1.3"
    " are the library's and its system calls' (*Where the time goes*), so no library"
    " could be more than 1.07 times as fast as oxuv."
)

# Those of which the document shows where the time goes.
PROFILES = ("fs_stat_64", "pipe_pump", "udp_recvmmsg_burst", "tcp_ping_pong",
            "libuv/tcp_multi_accept2", "libuv/spawn", "node_read_64")

# The bare program that does exactly the work of a benchmark.
AGAINST = {
    "fs_stat_1": "bare/stat",
    "libuv/fs_stat.1": "bare/stat",
    "fs_stat_64": "bare/stat_64_asleep",
    **{f"fs_stat_64_pool/{size}": "bare/stat_64_asleep" for size in POOLS},
    **{f"libuv/fs_stat.{n}": "bare/stat_all_cores" for n in (2, 4, 8, 16, 32)},
    "queue_work_1": "bare/handover_spin",
    "libuv/queue_work": "bare/handover_spin",
    "fs_chain_1": "bare/file_chain",
    "fs_chain_16": "bare/file_chain_16_awake",
    "async1": "bare/eventfd",
    "async8": "bare/eventfd_8",
    "async_send_coalesced": "bare/atomic_or",
    "libuv/million_async": "bare/million_flags",
    "million_timers.insert": "bare/timer_lists.insert",
    "million_timers.dispatch": "bare/timer_lists.visit",
    "million_timers.cancel": "bare/timer_lists.remove",
    "million_timers_ordered.insert": "bare/timer_lists_ordered.insert",
    "million_timers_ordered.dispatch": "bare/timer_lists_ordered.visit",
    "million_timers_ordered.cancel": "bare/timer_lists_ordered.remove",
    "libuv/million_timers.init": "bare/timer_lists_ordered.new_memory",
    "udp_send_burst": "bare/gso_20x64",
    "udp_try_send2_burst": "bare/gso_20x64",
    "udp_send_64x1200": "bare/gso_64x1200",
    "udp_try_send2_64x1200": "bare/gso_64x1200",
    "udp_receive_burst": "bare/recvfrom_20x64",
    "udp_recvmmsg_burst": "bare/recvmmsg_20x64",
    # One sender sends to the first receiver only, ten to the first ten.
    **{f"libuv/udp_pummel_1v{n}": "bare/udp_pummel_1" for n in (1, 10, 100)},
    **{f"libuv/udp_pummel_10v{n}": "bare/udp_pummel_10" for n in (10, 100)},
    "libuv/udp_pummel_100v100": "bare/udp_pummel_100",
    "tcp_ping_pong": "bare/epoll_echo",
    "tcp_ping_pong_2threads": "bare/epoll_echo_awake",
    "libuv/tcp_write_batch": "bare/tcp_write_batch",
    "pipe_ping_pong": "bare/pipe_echo_awake",
    "tcp_echo_100": "bare/epoll_echo_100",
    "tcp_echo_1000": "bare/epoll_echo_1000",
    "tcp_churn": "bare/tcp_churn",
    "libuv/tcp_pound_100": "bare/tcp_pound_100",
    "libuv/tcp_multi_accept2": "bare/tcp_multi_accept2",
    "libuv/tcp_multi_accept8": "bare/tcp_multi_accept8",
    "tcp_pump": "bare/epoll_tcp_pump",
    "pipe_pump": "bare/epoll_pipe_pump",
    "fs_read_4k": "bare/pread_4k",
    "fs_read_64k": "bare/pread_64k",
    "fs_copyfile": "bare/copyfile",
    "fs_sendfile": "bare/copy_file_range",
    "spawn": "bare/vfork_exec",
    "thread_create": "bare/pthread_create",
    "libuv/thread_create": "bare/pthread_create",
    "loop_count": "bare/tick",
    "libuv/loop_count": "bare/tick",
    "load_and_init": "bare/exec",
}


@dataclass(frozen=True)
class Growth:
    """A benchmark with a parameter, drawn as a curve for both libraries."""

    name: str
    title: str
    across: str
    points: tuple


GROWTH = (
    Growth("growth_connections", "A message on one of N connections",
           # Two files each, and 20,000 files are what many machines allow.
           "connections", (*HANDLES[:-1], 9900)),
    Growth("growth_udp", "A datagram on one of N sockets", "sockets", HANDLES),
    Growth("growth_async", "Waking one of N async handles", "handles", HANDLES),
    Growth("growth_timers", "Starting one of N timers anew", "timers",
           (*HANDLES, 100000, 1000000)),
    Growth("growth_idle", "One of N idle callbacks in a tick", "handles", HANDLES),
    Growth("fs_stat_64_pool", "uv_fs_stat, 64 in flight, pool of N threads",
           "threads", POOLS),
)


@dataclass(frozen=True)
class Program:
    """One of libuv's own benchmarks.

    `metrics` maps a name to the pattern that finds its figure in the output.
    `amount` is the number of operations done; for a benchmark that runs for a
    time, `seconds` is that time. Neither: operations cannot be told apart.
    """

    name: str
    metrics: dict
    unit: str
    amount: float = 0
    seconds: float = 0
    helper: str = ""
    seconds_are_printed: bool = False  # the figure is a time, not a rate


NUMBER = r"([\d,.]+)"
SECONDS = 0.5  # how long those run that run for a time

# libuv's programs run for five seconds and longer; they are built with these
# substitutions (file, from, to), so that many short pairs can be interleaved.
# More digits are printed where the original ones would hide a difference.
SHORTENED = (
    ("benchmark-ping-pongs.c", "#define TIME 5000", "#define TIME 500"),
    ("benchmark-pound.c", "start < 10000", "start < 500"),
    ("benchmark-pump.c", "STATS_COUNT                 5",
     "STATS_COUNT                 1"),
    ("benchmark-pump.c", "STATS_INTERVAL              1000",
     "STATS_INTERVAL              500"),
    ("benchmark-pump.c", "client: %.1f gbit/s", "client: %.4f gbit/s"),
    ("benchmark-queue-work.c", "timeout = 5000", "timeout = 500"),
    # Making its handles takes half a second of it.
    ("benchmark-million-async.c", "timeout = 5000", "timeout = 2000"),
    ("benchmark-udp-pummel.c", "TEST_DURATION 5000", "TEST_DURATION 500"),
    ("benchmark-fs-stat.c", "(10 * 1e5)", "(1 * 1e5)"),
    ("benchmark-fs-stat.c", "(1 * (int) 1e5)", "((int) 2e4)"),
    ("benchmark-async.c", "NUM_PINGS (1000 * 1000)", "NUM_PINGS (20 * 1000)"),
    ("benchmark-async-pummel.c", "(1000 * 1000)", "(50 * 1000)"),
    ("benchmark-million-timers.c", "(10 * 1000 * 1000)", "(1000 * 1000)"),
    # All due within 100 ms: at 1,000 in each millisecond a second would pass
    # until the last is due, whatever the library does.
    ("benchmark-million-timers.c", "i % 1000 == 0", "i % 10000 == 0"),
    ("benchmark-million-timers.c", "%.2f seconds", "%.5f seconds"),
    ("benchmark-multi-accept.c", "(250 * 1000)", "(10 * 1000)"),
    # A queue of 128 overflows when the threads that accept get no processor for
    # some milliseconds. Clients then wait a second for TCP to try again, whatever
    # the library does.
    ("benchmark-multi-accept.c", "                      128,\n", "                      4096,\n"),
    ("benchmark-tcp-write-batch.c", "(1000 * 1000)", "(100 * 1000)"),
    ("benchmark-tcp-write-batch.c", "in %.2fs", "in %.5fs"),
)

PROGRAMS = (
    Program("ping_pongs", {"ping_pongs": rf"ping_pongs: {NUMBER} roundtrips/s"},
            "round trips/s", seconds=SECONDS, helper="tcp4_echo_server"),
    Program("tcp_write_batch",
            {"tcp_write_batch": rf"write requests in {NUMBER}s"},
            "writes/s", amount=1e5, helper="tcp4_blackhole_server",
            seconds_are_printed=True),
    *(
        Program(f"{kind}_pump{n}_client",
                {f"{kind}_pump{n}": rf"client: {NUMBER} gbit/s"},
                "Gbit/s", seconds=SECONDS, helper=f"{kind}_pump_server")
        for kind in ("tcp", "pipe")
        for n in (1, 100)
    ),
    *(
        Program(f"{task}_pound_{n}",
                {f"{kind}_pound_{n}": rf"{NUMBER} accepts/s \(0 failed\)"},
                "connections/s", seconds=SECONDS, helper=f"{task}_echo_server")
        for kind, task in (("tcp", "tcp4"), ("pipe", "pipe"))
        for n in (100, 1000)
    ),
    *(
        Program(f"tcp_multi_accept{n}",
                {f"tcp_multi_accept{n}": rf"accept{n}: {NUMBER} accepts/sec"},
                "connections/s", amount=10e3)
        for n in (2, 4, 8)
    ),
    *(
        Program(f"udp_timed_pummel_{pair}",
                {f"udp_pummel_{pair}": rf"pummel_\w+: {NUMBER}/s received"},
                "datagrams/s", seconds=SECONDS)
        for pair in ("1v1", "1v10", "1v100", "10v10", "10v100", "100v100")
    ),
    Program("fs_stat",
            {f"fs_stat.{n}": rf"\({n} concurrent\): [\d.]+s \({NUMBER}/s\)"
             for n in (1, 2, 4, 8, 16, 32)}, "requests/s"),
    *(
        Program(f"async{n}", {f"async{n}": rf"async{n}: [\d.]+ sec \({NUMBER}/sec\)"},
                "round trips/s", amount=20e3)
        for n in (1, 2, 4, 8)
    ),
    *(
        Program(f"async_pummel_{n}", {f"async_pummel_{n}": rf"\({NUMBER}/sec\)"},
                "callbacks/s", amount=50e3)
        for n in (1, 2, 4, 8)
    ),
    Program("million_async", {"million_async": rf"\({NUMBER}/s,"}, "events/s",
            seconds=2),
    Program("queue_work", {"queue_work": rf"\({NUMBER}/s\)"}, "jobs/s",
            seconds=SECONDS),
    Program("million_timers",
            {f"million_timers.{phase}": rf"{NUMBER} seconds {phase}"
             for phase in ("init", "dispatch", "cleanup", "total")},
            "timers/s", amount=1e6, seconds_are_printed=True),
    Program("spawn", {"spawn": rf"spawn: {NUMBER} spawns/s"}, "children/s",
            amount=1000),
    Program("thread_create", {"thread_create": rf"\({NUMBER}/s\)"}, "threads/s",
            amount=20e3),
    Program("loop_count", {"loop_count": rf"\({NUMBER}/s\)"}, "ticks/s",
            amount=2e6),
    Program("getaddrinfo", {"getaddrinfo": rf"getaddrinfo: {NUMBER} req/s"},
            "requests/s", amount=10e3),
)
