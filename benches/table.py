"""The table of benchmarks that the runner and the document read.

To add a benchmark, write it in C (bench_*.c), then add its metric to a group
here. Metrics of libuv's own programs begin with `libuv/`, those of the C programs
without a library in baselines/ with `baseline/`.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Group:
    """Metrics that share a target: the ratio to reach in oxuv's favour."""

    title: str
    target: float
    metrics: tuple
    # C programs that do the same work without a library, and a description of
    # one of their operations.
    baselines: dict = field(default_factory=dict)
    note: str = ""
    # A cost that reaches the target at this figure, whatever the ratio is.
    at_most: float = 0
    # The metric that the group is named after, if that is not the first one.
    named: str = ""

    def verdict(self, ours: float, ratio: float) -> str:
        if ours <= self.at_most or round(ratio, 2) >= self.target:
            return "reached"
        return "slower" if ratio < min(FLOOR, self.target) else "missed"


# A ratio below this counts as slower, whatever the target is.
FLOOR = 0.98

POOLS = (1, 2, 4, 8, 16, 32, 64)
HANDLES = (1, 10, 100, 1000, 10000)
# Measured again while every core is busy.
BUSY = ("fs_stat_1", "fs_stat_64", "fs_read_4k", "queue_work_1", "queue_work_64",
        "async1", "tcp_ping_pong_2threads")
# Do everything in one thread, so compare.py counts their instructions.
ONE_THREAD = (
    "loop_count", "loop_count_timer", "loop_init_close", "async_send_coalesced",
    "million_timers", "million_timers_ordered", "million_timers_sparse",
    "poll_ping_pong", "poll_change_events", "poll_same_events",
    "tcp_ping_pong", "tcp_churn", "udp_send_burst", "udp_try_send2_burst",
    "udp_send_64x1200", "udp_try_send2_64x1200", "udp_receive_burst",
    "udp_recvmmsg_burst", "growth_connections", "growth_udp", "growth_async",
    "growth_timers", "growth_idle",
)

GROUPS = (
    Group(
        "One file operation after another",
        8.0,
        ("fs_stat_1", "libuv/fs_stat.1"),
        {
            "baseline/stat": "`stat()` in one thread",
            "baseline/handover_spin": "a round trip between two threads that spin",
            "baseline/handover_sleep": "a round trip between two threads that sleep"
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
            "baseline/stat": "`stat()` in one thread",
            "baseline/stat_all_cores": "`stat()` in a thread on every core: the maximum for any pool",
            "baseline/stat_64_spin": "64 in flight between a requesting thread and a worker, handed"
            " over in batches of 8; both spin",
            "baseline/stat_64_sleep": "the same with a worker on every core, in batches of 32;"
            " all sleep when idle",
        },
        note="On two cores either the loop has one core and the pool the other, or all threads"
        " share both. The two baselines do this and only hand over requests; neither reaches"
        " twice the rate of the reference with a pool of 4. The ratio grows with the pool,"
        " because the reference wakes threads that find no work. While the loop spins for"
        " results, the pool has one core. Two alternatives were slower: a loop that sleeps until"
        " 8 to 32 requests are done, and workers that delay the wake-up until 16 requests are"
        " done or none is left (0.58 million requests a second, where spinning reached 0.79).",
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
            "baseline/handover_spin": "a round trip of one job, both threads spin",
            "baseline/handover_sleep": "a round trip of one job, both threads sleep",
            "baseline/file_chain": "open, fstat, read, close in one thread",
            "baseline/file_chain_16_spin": "16 files at a time between a thread that requests"
            " each of the four calls and a worker; both spin",
            "baseline/file_chain_16_sleep": "the same with a worker on every core; all sleep"
            " when idle",
        },
        note="`fs_chain_16` hands over four requests for each file. No baseline that hands over"
        " requests in the same way reaches three times the rate of the reference."
        " `queue_work_1000` depends on where the scheduler places the threads: on one core, where"
        " no data moves between caches, oxuv runs 20 million jobs a second, on two cores 8 to 10"
        " million. The reference runs 1 to 4.4 million.",
        named="queue_work_64",
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
            "baseline/eventfd": "a round trip between two threads, eventfd and epoll",
            "baseline/handover_sleep": "the same with a futex",
            "baseline/eventfd_self": "a thread that wakes itself, eventfd and epoll",
            "baseline/eventfd_8": "8 pairs of threads at once, eventfd and epoll",
            "baseline/atomic_or": "`atomic_fetch_or()` on a word that no other thread uses",
            "baseline/million_flags": "one thread sets the flags of a million structures in random"
            " order, another one takes each off a list and writes to it",
        },
        note="Waking a sleeping thread takes the time that the kernel takes"
        " (`baseline/eventfd`, `baseline/eventfd_8`). A library can only avoid calls around the"
        " wake-up, and wake-ups of threads that run. A send to a handle that is already pending"
        " is one locked operation (`baseline/atomic_or`) and a function call.",
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
            "baseline/timer_lists.insert": "inserts a million structures of a timer's size into 500 lists",
            "baseline/timer_lists.visit": "visits all of them, list by list, without prefetching",
            "baseline/timer_lists.remove": "removes them from the lists in memory order",
            "baseline/timer_lists_ordered.insert": "inserts them in the order of the lists",
            "baseline/timer_lists_ordered.visit": "visits all of them, in memory order",
            "baseline/timer_lists_ordered.remove": "removes them from the lists",
            "baseline/timer_lists_ordered.new_memory": "initialises and inserts them in memory"
            " that the kernel has not mapped yet",
        },
        note="Timers with close due times share a list. The remaining cost is cache misses: a"
        " million handles of 152 bytes do not fit into any cache. In libuv's own program `init`"
        " touches the memory for the first time: of about 90 ns for each timer, the kernel takes"
        " 75 to map pages; in mapped memory `uv_timer_init()` and `uv_timer_start()` take 8 ns"
        " each. `cleanup` iterates twice over all handles, and each iteration takes as long as"
        " `timer_lists_ordered.remove`. Its timers are due within 100 ms here. In the unchanged"
        " program the last timer is due a second after `init` began, so a faster `init` makes"
        " `dispatch` slower.",
        named="libuv/million_timers.total",
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
            "baseline/sendmmsg_20x64": "one `sendmmsg()` of 20 datagrams of 64 bytes",
            "baseline/gso_20x64": "one `sendmsg()` with `UDP_SEGMENT` for them",
            "baseline/sendmmsg_64x1200": "one `sendmmsg()` of 64 datagrams of 1,200 bytes",
            "baseline/gso_64x1200": "the same with `UDP_SEGMENT`, 53 at a time",
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
            "baseline/recvfrom_20x64": "`epoll_wait()`, 20 calls of `recvfrom()` with the sender's"
            " address, and one that finds no datagram",
            "baseline/recvmmsg_20x64": "the same with `recvmmsg()` into 20 buffers of 64 KiB",
            "baseline/udp_pummel_1": "9 calls of `sendmsg()`, `epoll_wait()`, `recvfrom()` until no"
            " datagram is left",
            "baseline/udp_pummel_10": "the same between 10 pairs of sockets",
            "baseline/udp_pummel_100": "the same between 100 pairs",
        },
        note="The baselines only do the work that libuv's interface requires: they receive each"
        " datagram with its sender's address into memory that the user provides, until none is"
        " left. libuv reaches the rate of the baseline with `recvmmsg()`, four fifths of it with"
        " one call for each datagram, and seven eighths in both directions. The target of 1.5"
        " times is more than the kernel permits. A faster library would have to receive datagrams"
        " before the user asks for them. Programs that share the socket, or stop after the first"
        " datagram, would notice.",
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
            "baseline/epoll_echo": "ping-pong, both ends on one epoll instance in one thread",
            "baseline/epoll_echo_2threads": "ping-pong, an epoll instance and a thread for each end",
            "baseline/epoll_echo_spin": "the same, with 100 calls of `epoll_wait()` before sleeping",
            "baseline/pipe_echo_2threads": "ping-pong on a socket pair, an epoll instance and a thread for each end",
            "baseline/pipe_echo_spin": "the same, with 100 calls of `epoll_wait()` before sleeping",
            "baseline/epoll_echo_100": "100 connections, an epoll instance and a thread for each end",
            "baseline/epoll_echo_1000": "1,000 connections",
            "baseline/tcp_churn": "connections that the server closes, one epoll instance in one thread",
            "baseline/tcp_pound_100": "100 clients at a time, a server process",
            "baseline/tcp_multi_accept2": "40 clients at a time, two threads that accept",
            "baseline/tcp_multi_accept8": "the same with eight threads",
            "baseline/tcp_pump": "blocking `write()` and `read()` of 64 KiB, two threads",
            "baseline/pipe_pump": "the same on a socket pair",
            "baseline/epoll_tcp_pump": "one way over TCP, with epoll at both ends",
            "baseline/epoll_pipe_pump": "the same on a socket pair",
            "baseline/tcp_write_batch": "`send()` of 13 bytes for each write, and a thread that reads",
        },
        note="For each message the baselines make one send, one receive and part of an"
        " `epoll_wait()`, as the libraries do; the rest is a few per cent. When a loop has sent"
        " one message and expects the reply at once, oxuv polls for some microseconds before it"
        " blocks, which avoids a sleep and a wake-up on another core. That takes more system"
        " calls and less CPU time.\n\n"
        "In one direction both libraries make the same calls, and the range over the pairs comes"
        " from the kernel: in a slow run of `pipe_pump` 64 % of the time is `_copy_from_iter()`,"
        " in a fast one 12 %. This is the copy into the socket's buffers, presumably into pages"
        " that were freed on the other core. A reader that does not sleep was tried: it"
        " disturbs the writer, and `libuv/tcp_pump100` became a third slower.\n\n"
        "A connection takes `socket()`, `connect()`, `accept4()` and two calls of `close()`,"
        " three quarters of its time in any program; a baseline takes 2 to 13 % less CPU time than"
        " libuv. libuv registers descriptors in batches through an io_uring of each loop, which"
        " saves part of two system calls for a connection, 0.2 µs each. oxuv has no such ring, and"
        " initialises loops six times as fast. Other ways to avoid calls cost as much elsewhere:"
        " closing a descriptor that is still registered with epoll takes 0.5 to 0.8 µs longer,"
        " and removing it first takes 0.73 µs; a level-triggered listening socket saves the last"
        " `accept4()`, 0.34 µs, but epoll reports it once more for each connection.",
    ),
    Group(
        "File copy and sequential read",
        1.0,
        ("fs_read_4k", "fs_read_64k", "fs_copyfile", "fs_sendfile"),
        {
            "baseline/pread_4k": "`pread()` of 4 KiB in one thread",
            "baseline/pread_64k": "`pread()` of 64 KiB in one thread",
            "baseline/copyfile": "`ftruncate()`, `copy_file_range()`, `close()`",
            "baseline/copy_file_range": "`copy_file_range()` onto existing pages",
        },
        note="Both libraries copy files with the same calls. `uv_fs_copyfile()` truncates an"
        " existing target, so its pages and blocks are new each time, and ext4 begins to write"
        " them when the file is closed. Without truncation the copy takes less than half the CPU"
        " time, but a process that is killed during the copy leaves a file of the right size with"
        " parts of the old contents. Reading and writing 64 KiB to 4 MiB at a time takes 1.1 to"
        " 1.6 times the CPU time of `copy_file_range()`.",
        named="fs_copyfile",
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
            "baseline/fork_exec": "`fork()`, `exec()`, `waitpid()` of `/bin/true` from a process of"
            " 256 MiB",
            "baseline/vfork_exec": "the same with `vfork()`",
            "baseline/pthread_create": "`pthread_create()` and `pthread_join()`",
            "baseline/tick": "`clock_gettime()` and `epoll_wait()` with a timeout of 0",
        },
        note="Starting a process or a thread, and a loop iteration without events, are mostly"
        " system calls. The child of `libuv/spawn` loads the library: that takes 198,000"
        " instructions with oxuv, 321,000 if the functions of the C library were bound"
        " immediately, and 170,000 with libuv.",
    ),
    Group(
        "With every core busy",
        1.0,
        tuple(f"{name}_busy" for name in BUSY),
        note="The same benchmarks while a process on every core never sleeps. A library"
        " that gains time by spinning must not lose it here.",
        named="fs_stat_64_busy",
    ),
    Group(
        "Memory of idle handles and loops",
        1.0,
        ("memory_connection", "memory_timer", "memory_loop"),
    ),
    Group(
        "Watching a tree of 10,000 directories",
        1.0,
        ("fs_event_tree", "memory_watched_directory"),
        note="One call with `UV_FS_EVENT_RECURSIVE`. libuv ignores the flag on Linux, so with libuv"
        " the benchmark walks the tree and starts a handle for each directory.",
    ),
    Group(
        "The same beside a bare program",
        1.0,
        ("fs_event_tree.of_bare",),
        at_most=1.5,
        note="The median time of watching the tree, divided by that of a C program that walks it"
        " (`open()`, `getdents64()`) and calls `inotify_add_watch()`. Both take turns in one"
        " process. The target is 1.5.",
    ),
    Group("Loading the library", 1 / 1.5, ("load_and_init",), {
        "baseline/exec": "a program without libuv, from `posix_spawn()` to its exit",
    }),
    Group("Size of the library", 1.0, ("size_stripped",), at_most=600 * 1024,
          note="The target is 600 KiB, stripped. Rust's standard library is included."),
)

PROGRAMS_NOTE = (
    "An echo server and its client have a processor each. The client sends to the servers"
    " of all libraries in turn, for a quarter of a second each. With 64 files at a time"
    " Node's main thread is never idle: of the 20 µs that it takes for a file, the library"
    " and its system calls take 1.3 (*Profiles*), so no library could be more than 1.07 times"
    " as fast as oxuv."
)

# Benchmarks whose profiles the document shows.
PROFILES = ("fs_stat_64", "pipe_pump", "udp_recvmmsg_burst", "tcp_ping_pong",
            "libuv/tcp_multi_accept2", "libuv/spawn", "node_read_64")

# The baseline that does exactly the work of a benchmark.
AGAINST = {
    "fs_stat_1": "baseline/stat",
    "libuv/fs_stat.1": "baseline/stat",
    "fs_stat_64": "baseline/stat_64_sleep",
    **{f"fs_stat_64_pool/{size}": "baseline/stat_64_sleep" for size in POOLS},
    **{f"libuv/fs_stat.{n}": "baseline/stat_all_cores" for n in (2, 4, 8, 16, 32)},
    "queue_work_1": "baseline/handover_spin",
    "libuv/queue_work": "baseline/handover_spin",
    "fs_chain_1": "baseline/file_chain",
    "fs_chain_16": "baseline/file_chain_16_spin",
    "async1": "baseline/eventfd",
    "async8": "baseline/eventfd_8",
    "async_send_coalesced": "baseline/atomic_or",
    "libuv/million_async": "baseline/million_flags",
    "million_timers.insert": "baseline/timer_lists.insert",
    "million_timers.dispatch": "baseline/timer_lists.visit",
    "million_timers.cancel": "baseline/timer_lists.remove",
    "million_timers_ordered.insert": "baseline/timer_lists_ordered.insert",
    "million_timers_ordered.dispatch": "baseline/timer_lists_ordered.visit",
    "million_timers_ordered.cancel": "baseline/timer_lists_ordered.remove",
    "libuv/million_timers.init": "baseline/timer_lists_ordered.new_memory",
    "udp_send_burst": "baseline/gso_20x64",
    "udp_try_send2_burst": "baseline/gso_20x64",
    "udp_send_64x1200": "baseline/gso_64x1200",
    "udp_try_send2_64x1200": "baseline/gso_64x1200",
    "udp_receive_burst": "baseline/recvfrom_20x64",
    "udp_recvmmsg_burst": "baseline/recvmmsg_20x64",
    # One sender sends to the first receiver only, ten senders to the first ten.
    **{f"libuv/udp_pummel_1v{n}": "baseline/udp_pummel_1" for n in (1, 10, 100)},
    **{f"libuv/udp_pummel_10v{n}": "baseline/udp_pummel_10" for n in (10, 100)},
    "libuv/udp_pummel_100v100": "baseline/udp_pummel_100",
    "tcp_ping_pong": "baseline/epoll_echo",
    "tcp_ping_pong_2threads": "baseline/epoll_echo_spin",
    "libuv/tcp_write_batch": "baseline/tcp_write_batch",
    "pipe_ping_pong": "baseline/pipe_echo_spin",
    "tcp_echo_100": "baseline/epoll_echo_100",
    "tcp_echo_1000": "baseline/epoll_echo_1000",
    "tcp_churn": "baseline/tcp_churn",
    "libuv/tcp_pound_100": "baseline/tcp_pound_100",
    "libuv/tcp_multi_accept2": "baseline/tcp_multi_accept2",
    "libuv/tcp_multi_accept8": "baseline/tcp_multi_accept8",
    "tcp_pump": "baseline/epoll_tcp_pump",
    "pipe_pump": "baseline/epoll_pipe_pump",
    "fs_read_4k": "baseline/pread_4k",
    "fs_read_64k": "baseline/pread_64k",
    "fs_copyfile": "baseline/copyfile",
    "fs_sendfile": "baseline/copy_file_range",
    "spawn": "baseline/vfork_exec",
    "thread_create": "baseline/pthread_create",
    "libuv/thread_create": "baseline/pthread_create",
    "loop_count": "baseline/tick",
    "libuv/loop_count": "baseline/tick",
    "load_and_init": "baseline/exec",
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
           # Two files each: many machines permit 20,000 files.
           "connections", (*HANDLES[:-1], 9900)),
    Growth("growth_udp", "A datagram on one of N sockets", "sockets", HANDLES),
    Growth("growth_async", "Waking one of N async handles", "handles", HANDLES),
    Growth("growth_timers", "Restarting one of N timers", "timers",
           (*HANDLES, 100000, 1000000)),
    Growth("growth_idle", "One of N idle callbacks in an iteration", "handles", HANDLES),
    Growth("fs_stat_64_pool", "uv_fs_stat, 64 in flight, pool of N threads",
           "threads", POOLS),
)


@dataclass(frozen=True)
class Program:
    """One of libuv's own benchmarks.

    `metrics` maps a name to the pattern that finds its figure in the output.
    `amount` is the number of operations done; for a benchmark that runs for a
    time, `seconds` is that time. Neither: operations are not counted.
    """

    name: str
    metrics: dict
    unit: str
    amount: float = 0
    seconds: float = 0
    helper: str = ""
    seconds_are_printed: bool = False  # the figure is a time, not a rate


NUMBER = r"([\d,.]+)"
SECONDS = 0.5  # the duration of benchmarks that run for a time

# libuv's programs run for five seconds and longer. They are built with these
# substitutions (file, from, to), so that many short pairs can be interleaved.
# Some print more digits, where the original ones would hide a difference.
SHORTENED = (
    ("benchmark-ping-pongs.c", "#define TIME 5000", "#define TIME 500"),
    ("benchmark-pound.c", "start < 10000", "start < 500"),
    ("benchmark-pump.c", "STATS_COUNT                 5",
     "STATS_COUNT                 1"),
    ("benchmark-pump.c", "STATS_INTERVAL              1000",
     "STATS_INTERVAL              500"),
    ("benchmark-pump.c", "client: %.1f gbit/s", "client: %.4f gbit/s"),
    ("benchmark-queue-work.c", "timeout = 5000", "timeout = 500"),
    # Initialising its handles takes half a second.
    ("benchmark-million-async.c", "timeout = 5000", "timeout = 2000"),
    ("benchmark-udp-pummel.c", "TEST_DURATION 5000", "TEST_DURATION 500"),
    ("benchmark-fs-stat.c", "(10 * 1e5)", "(1 * 1e5)"),
    ("benchmark-fs-stat.c", "(1 * (int) 1e5)", "((int) 2e4)"),
    ("benchmark-async.c", "NUM_PINGS (1000 * 1000)", "NUM_PINGS (20 * 1000)"),
    ("benchmark-async-pummel.c", "(1000 * 1000)", "(50 * 1000)"),
    ("benchmark-million-timers.c", "(10 * 1000 * 1000)", "(1000 * 1000)"),
    # All due within 100 ms. With 1,000 in each millisecond the last would be due
    # after a second, whatever the library does.
    ("benchmark-million-timers.c", "i % 1000 == 0", "i % 10000 == 0"),
    ("benchmark-million-timers.c", "%.2f seconds", "%.5f seconds"),
    ("benchmark-multi-accept.c", "(250 * 1000)", "(10 * 1000)"),
    # A backlog of 128 overflows when the accepting threads get no processor for
    # some milliseconds. Clients then wait a second for the TCP retransmission,
    # whatever the library does.
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
