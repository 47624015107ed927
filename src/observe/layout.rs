//! The memory layout, for readers outside of the process such as the tool `oxuv`.
//!
//! The tool includes this file, so it uses `core` only. All integers have the byte order of the
//! machine; addresses are of the process that is looked at. A reader compares [`VERSION`] first: no
//! other version can be read with these types.
//!
//! - [`Description`], the exported symbol `oxuv_debug`: addresses of process-wide state, and the offsets
//!   of fields.
//! - [`Page`]: the statistics of the process, and the requests of readers.
//! - [`Ring`] and [`RingFile`]: the flight recorder.

/// The version of everything in this file. Any change increments it.
pub const VERSION: u32 = 1;

/// An address in the process that is looked at.
#[repr(transparent)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Address(pub *const ());

// SAFETY: an address is a number to those who read it; nothing is read through it.
unsafe impl Sync for Address {}
// SAFETY: as above.
unsafe impl Send for Address {}

/// The ELF note in the section `.note.oxuv`: its owner is `oxuv`, its type 1, and its content this. It
/// shows that a file contains the library, also when that is linked in statically and stripped.
/// [`Description`] is found by the symbol `oxuv_debug`, or by searching the writable memory of the file
/// for its magic at multiples of 8.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Note {
    pub name_size: u32,
    pub content_size: u32,
    pub kind: u32,
    pub name: [u8; 8],
    pub layout: u32,
    pub release: [u8; 16],
    pub build: [u8; 40],
}

pub const NOTE_NAME: [u8; 8] = *b"oxuv\0\0\0\0";
pub const NOTE_KIND: u32 = 1;

// ---- what is on ------------------------------------------------------------------------------

/// The bits of the word at [`Description::active`]. A reader switches on by writing 1 to the byte of
/// a bit, which leaves the others alone, after it has written to [`Request`].
pub mod active {
    /// The semaphore that all USDT probes share, which those who attach count up.
    pub const PROBES: u32 = 0xffff;
    /// Statistics of callbacks and work, until [`Request::stats_until`](super::Request).
    pub const STATS: u32 = 1 << 16;
    /// The flight recorder, until [`Request::record_until`](super::Request).
    pub const RECORD: u32 = 1 << 24;
    /// The offsets of the bytes that readers write 1 to.
    pub const STATS_BYTE: u32 = if cfg!(target_endian = "little") { 2 } else { 1 };
    pub const RECORD_BYTE: u32 = if cfg!(target_endian = "little") { 3 } else { 0 };
}

// ---- what a loop is doing ---------------------------------------------------------------------

/// The present activity of the loop's thread, in the order of asking:
///
/// 1. The word at [`LoopOffsets::current`], if it is not 0. Its lowest bits are one of these, and the rest
///    is the address of a handle or request, except for `WAITING`. The object may have been freed: the
///    word is not cleared after a callback, but when the next begins or a phase ends.
/// 2. The words at [`LoopOffsets::idle`], `prepare` and `check`, if one is not 0: the callback of the idle,
///    prepare or check handle with the link of this address. With the lowest bit set, the callback has
///    stopped or closed its handle, and the rest is the link of the next handle, or 0.
/// 3. The pointer at [`StateOffsets::watcher`], if it is not NULL: an event of the stream, UDP or poll handle
///    with this watcher is being handled, by one of its callbacks or the library's own code.
/// 4. The library's own code, or the loop does not run.
pub mod current {
    pub const TAG: u64 = 7;
    /// The callback that the type of the handle has: of a stream `read_cb`, of a UDP handle `recv_cb`.
    pub const HANDLE: u64 = 0;
    /// The callback of the request.
    pub const REQUEST: u64 = 1;
    /// `alloc_cb` of the stream. That of a UDP handle is `HANDLE`, as its `recv_cb`.
    pub const ALLOC: u64 = 2;
    /// `close_cb` of the handle.
    pub const CLOSE: u64 = 3;
    /// `connection_cb` of the stream.
    pub const CONNECTION: u64 = 4;
    /// The callback of `uv_walk()`, for the handle.
    pub const WALK: u64 = 5;
    /// The loop waits for events. The rest is the loop's time in milliseconds (CLOCK_MONOTONIC), shifted
    /// by [`SHIFT`], when the wait began.
    pub const WAITING: u64 = 7;
    pub const SHIFT: u32 = 3;
}

/// The kinds of callbacks.
#[repr(u8)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Callback {
    Timer = 1,
    Idle = 2,
    Prepare = 3,
    Check = 4,
    Async = 5,
    Poll = 6,
    Signal = 7,
    Exit = 8,
    FsEvent = 9,
    FsPoll = 10,
    Close = 11,
    /// Only in the word `current`, not in statistics and records.
    Alloc = 12,
    Read = 13,
    Write = 14,
    Connect = 15,
    Connection = 16,
    Shutdown = 17,
    Recv = 18,
    Send = 19,
    Fs = 20,
    /// Runs on a thread of the pool.
    Work = 21,
    AfterWork = 22,
    GetAddrInfo = 23,
    GetNameInfo = 24,
    Random = 25,
    Walk = 26,
}

/// One more than the largest number of a callback, rounded up.
pub const CALLBACKS: usize = 32;

/// The names of the kinds of callbacks, by number.
pub const CALLBACK_NAMES: [&str; CALLBACKS] = [
    "",
    "timer",
    "idle",
    "prepare",
    "check",
    "async",
    "poll",
    "signal",
    "exit",
    "fs_event",
    "fs_poll",
    "close",
    "alloc",
    "read",
    "write",
    "connect",
    "connection",
    "shutdown",
    "recv",
    "send",
    "fs",
    "work",
    "after_work",
    "getaddrinfo",
    "getnameinfo",
    "random",
    "walk",
    "",
    "",
    "",
    "",
    "",
];

impl Callback {
    /// Returns the tag that the word `current` has in such a callback.
    pub const fn tag(self) -> u64 {
        match self {
            Callback::Alloc => current::ALLOC,
            Callback::Close => current::CLOSE,
            Callback::Connection => current::CONNECTION,
            Callback::Walk => current::WALK,
            Callback::Write
            | Callback::Connect
            | Callback::Shutdown
            | Callback::Send
            | Callback::Fs
            | Callback::Work
            | Callback::AfterWork
            | Callback::GetAddrInfo
            | Callback::GetNameInfo
            | Callback::Random => current::REQUEST,
            _ => current::HANDLE,
        }
    }
}

/// The kinds of work of the pool: [`TaskOffsets::kind`], and the index of [`WorkerSlot::kinds`].
#[repr(u8)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Work {
    /// A file operation, or the `stat` of a path that is polled.
    File = 0,
    /// `uv_getaddrinfo()` and `uv_getnameinfo()`.
    LookUp = 1,
    /// `uv_queue_work()`.
    User = 2,
    /// `uv_random()`.
    Random = 3,
}

pub const WORKS: usize = 4;
pub const WORK_NAMES: [&str; WORKS] = ["file", "look-up", "user", "random"];

/// Where work is: [`WorkOffsets::stage`].
pub mod stage {
    pub const RING: u32 = 0;
    pub const IDLE: u32 = 1;
    pub const QUEUED: u32 = 2;
    pub const STARTED: u32 = 3;
    pub const CANCELLED: u32 = 4;
}

/// The bits of a handle's flags that tell something about it.
pub mod flag {
    pub const CLOSING: u32 = 0x01;
    pub const CLOSED: u32 = 0x02;
    pub const ACTIVE: u32 = 0x04;
    pub const REF: u32 = 0x08;
    pub const LISTENING: u32 = 0x40;
    pub const SHUT: u32 = 0x200;
    pub const READ_EOF: u32 = 0x800;
    pub const READING: u32 = 0x1000;
    pub const READABLE: u32 = 0x4000;
    pub const WRITABLE: u32 = 0x8000;
}

// ---- the description --------------------------------------------------------------------------

pub const DESCRIPTION_MAGIC: [u8; 8] = *b"oxuv\0dbg";

/// The library's description of itself: the data symbol `oxuv_debug`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Description {
    pub magic: [u8; 8],
    /// [`VERSION`].
    pub version: u32,
    /// The size of this struct.
    pub size: u32,
    /// oxuv's version and its commit. End with a NUL.
    pub release: [u8; 16],
    pub build: [u8; 40],
    /// A word of 32 bits; see [`active`].
    pub active: Address,
    /// A [`Page`].
    pub page: Address,
    /// The head of the list of all loops, whose elements are the links at [`EntryOffsets::link`].
    pub loops: Address,
    pub pool: Pool,
    pub offsets: Offsets,
}

/// The addresses of the pool's state.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Pool {
    /// The address of a pointer to the state that the pool's lock protects; it is NULL until the first
    /// thread was started.
    pub state: Address,
    /// The address of a pointer to the newest link of a chain (by [`LinkOffsets::next`]) of work that
    /// no thread has seen yet. NULL and 1 mean that there is none.
    pub inbox: Address,
    /// A `usize`: the length of both queues, without the inbox.
    pub queued: Address,
    /// A `usize`: the limit of threads; 0 if the pool was not used yet.
    pub limit: Address,
}

/// The offsets of the fields that are not in libuv's headers, and of some that are.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Offsets {
    pub link: LinkOffsets,
    pub event_loop: LoopOffsets,
    pub state: StateOffsets,
    pub handle: HandleOffsets,
    pub stream: StreamOffsets,
    pub pipe: PipeOffsets,
    pub udp: UdpOffsets,
    pub timer: TimerOffsets,
    pub loop_watcher: LoopWatcherOffsets,
    pub async_: AsyncOffsets,
    pub poll: PollOffsets,
    pub signal: SignalOffsets,
    pub process: ProcessOffsets,
    pub fs_event: FsEventOffsets,
    pub fs_poll: FsPollOffsets,
    pub request: RequestOffsets,
    pub write: WriteOffsets,
    pub send: SendOffsets,
    pub connect: ConnectOffsets,
    pub shutdown: ConnectOffsets,
    pub fs: FsOffsets,
    pub user_work: UserWorkOffsets,
    pub getaddrinfo: GetAddrInfoOffsets,
    pub getnameinfo: GetNameInfoOffsets,
    pub random: RandomOffsets,
    pub work: WorkOffsets,
    pub task: TaskOffsets,
    pub pool: PoolOffsets,
}

/// A link of a doubly linked list, which is a ring through its head. NULL in both: in no list, or an
/// empty list.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct LinkOffsets {
    pub next: u32,
    pub prev: u32,
}

/// `uv_loop_t`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct LoopOffsets {
    /// The size of the struct.
    pub size: u32,
    /// A pointer to the rest of the loop's state, whose offsets are [`StateOffsets`].
    pub state: u32,
    /// See [`current`]; 64 bits.
    pub current: u32,
    pub data: u32,
    /// `u32`: active and referenced handles.
    pub active_handles: u32,
    /// `u32`.
    pub active_requests: u32,
    /// The head of the list of handles; elements are the links at [`HandleOffsets::all`].
    pub handles: u32,
    /// `u32`.
    pub stop_flag: u32,
    /// `i32`: the epoll descriptor; -1 if the loop is closed.
    pub backend_fd: u32,
    /// Pointer to the first handle of a chain by [`HandleOffsets::next_closing`].
    pub closing: u32,
    /// The callback that runs in these phases; see [`current`].
    pub idle: u32,
    pub prepare: u32,
    pub check: u32,
    /// `u64`: the loop's time in milliseconds (CLOCK_MONOTONIC), when it was last updated.
    pub now: u32,
    /// `u32`: requests of this loop that the pool has.
    pub works: u32,
    /// `u64`: iterations, events, and those events that were ready before the wait for them (only with
    /// `UV_METRICS_IDLE_TIME`).
    pub iterations: u32,
    pub events: u32,
    pub events_waiting: u32,
    /// `u64`: nanoseconds; only with `UV_METRICS_IDLE_TIME`.
    pub idle_ns: u32,
    /// The chain of async handles that were sent to, and of finished work, as [`Pool::inbox`].
    pub sent: u32,
    pub done: u32,
    /// `u64`: how many handles were initialised so far.
    pub handle_count: u32,
}

/// The part of a loop that is not in `uv_loop_t`. It stays allocated if the program frees a loop that it
/// did not close, so a reader compares [`LoopOffsets::state`] of the loop with the state's address.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct StateOffsets {
    pub entry: EntryOffsets,
    /// `bool`: whether the loop runs, or was left by an exception.
    pub running: u32,
    /// `u64`: how long the loop has waited for events, in milliseconds by the loop's time. While it waits
    /// ([`current::WAITING`]) the time when the wait began is subtracted, so a reader adds its own.
    pub waited_ms: u32,
    /// See [`current`].
    pub watcher: u32,
    /// Lists of what remains of the current phase: due timers (links of timers), and finished work.
    pub timers: u32,
    pub works: u32,
    /// Pointer to the closing handles that remain, a chain as [`LoopOffsets::closing`].
    pub closing: u32,
}

/// A loop's entry in the list of all loops; these offsets are in the state, too.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct EntryOffsets {
    /// In the list of all loops.
    pub link: u32,
    /// Pointer to the `uv_loop_t`.
    pub loop_: u32,
    /// `u64`: the thread pointer of the thread that last ran the loop, which is its `pthread_t`; 0 if it
    /// has not run yet, or not since a fork.
    pub thread: u32,
    /// `i32`: the kernel's id of that thread, or 0.
    pub tid: u32,
}

/// The fields that every handle begins with.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct HandleOffsets {
    pub loop_: u32,
    /// `u32`: libuv's `uv_handle_type`.
    pub kind: u32,
    pub close_cb: u32,
    /// The link in the loop's list of handles.
    pub all: u32,
    /// `u64`: how many handles were initialised on the loop before.
    pub number: u32,
    pub next_closing: u32,
    /// `u32`; see [`flag`].
    pub flags: u32,
}

/// TCP, pipe and terminal handles.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct StreamOffsets {
    /// `i32`: the descriptor, or -1.
    pub fd: u32,
    /// `usize`: bytes queued for writing.
    pub write_queue_size: u32,
    /// The lists of queued writes, and of finished ones that were not called back yet; elements are the
    /// links at [`WriteOffsets::link`].
    pub write_queue: u32,
    pub written: u32,
    pub alloc_cb: u32,
    pub read_cb: u32,
    pub connection_cb: u32,
    /// Pointers to the requests under way, or NULL.
    pub connect_request: u32,
    pub shutdown_request: u32,
    /// `i32`: a connection or descriptor that waits for `uv_accept()`, or -1.
    pub accepted_fd: u32,
    /// The watcher that [`StateOffsets::watcher`] points to.
    pub watcher: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PipeOffsets {
    /// `i32`: whether descriptors can be sent.
    pub ipc: u32,
    /// The path that it was bound to, or NULL.
    pub path: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct UdpOffsets {
    pub fd: u32,
    /// `usize`, both: datagrams that were not called back yet.
    pub send_queue_size: u32,
    pub send_queue_count: u32,
    pub alloc_cb: u32,
    pub recv_cb: u32,
    /// Lists of sends, whose elements are the links at [`SendOffsets::link`].
    pub unsent: u32,
    pub sent: u32,
    /// The watcher that [`StateOffsets::watcher`] points to.
    pub watcher: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct TimerOffsets {
    pub callback: u32,
    /// `u64`, both in milliseconds: the due time (of the loop's time), and 0 or the interval.
    pub due: u32,
    pub repeat: u32,
    /// The link in the list of due timers ([`StateOffsets::timers`]).
    pub link: u32,
}

/// Idle, prepare and check handles.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct LoopWatcherOffsets {
    pub callback: u32,
    /// See [`current`].
    pub link: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct AsyncOffsets {
    pub callback: u32,
    /// The link by which it is in the chain at [`LoopOffsets::sent`].
    pub link: u32,
    /// `u32`: the lowest bit tells whether it was sent to and not called back yet.
    pub sends: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PollOffsets {
    pub callback: u32,
    pub fd: u32,
    /// `u16`: epoll's bits.
    pub events: u32,
    /// The watcher that [`StateOffsets::watcher`] points to.
    pub watcher: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SignalOffsets {
    pub callback: u32,
    /// `i32`: 0 if it is stopped.
    pub signum: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ProcessOffsets {
    pub callback: u32,
    /// `i32`.
    pub pid: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FsEventOffsets {
    pub callback: u32,
    /// Pointer to a string, or NULL.
    pub path: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FsPollOffsets {
    /// In the handle: pointer to the context of the latest start, or NULL.
    pub context: u32,
    /// In the context: callback, pointer to the path, whether the pool has its work (`bool`), its
    /// [`TimerOffsets`] (a timer handle) and the link of its work.
    pub callback: u32,
    pub path: u32,
    pub busy: u32,
    pub timer: u32,
    pub work: u32,
    /// In the context: pointer to the handle.
    pub handle: u32,
}

/// The fields that every request begins with.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct RequestOffsets {
    /// `u32`: libuv's `uv_req_type`.
    pub kind: u32,
    /// `u64`: the loop's time in milliseconds when a connect or shutdown request was made. Of a request
    /// that the pool runs, when it was submitted, in nanoseconds of CLOCK_MONOTONIC, if statistics or
    /// records were on then. Otherwise 0.
    pub began: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct WriteOffsets {
    pub callback: u32,
    pub stream: u32,
    pub link: u32,
    /// `u32`: the first buffer that is not completely written; pointer to an array of `uv_buf_t`; `u32`: its
    /// length.
    pub index: u32,
    pub buffers: u32,
    pub count: u32,
    /// `u32`: the lowest bits of the loop's time in milliseconds since when it waits; 0 if it does not.
    pub began: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SendOffsets {
    pub callback: u32,
    pub udp: u32,
    pub link: u32,
    /// `usize`: bytes.
    pub size: u32,
    /// `sockaddr_storage`; `u32`: its length, 0 for the peer of a connected socket.
    pub address: u32,
    pub address_length: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ConnectOffsets {
    pub callback: u32,
    pub stream: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FsOffsets {
    /// `i32`: libuv's `uv_fs_type`.
    pub operation: u32,
    pub loop_: u32,
    pub callback: u32,
    /// Pointers to strings, or NULL.
    pub path: u32,
    pub new_path: u32,
    /// `i32`.
    pub file: u32,
    /// `u32`, `i64`: the number of buffers, and where to read or write.
    pub buffer_count: u32,
    pub offset: u32,
    pub work: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct UserWorkOffsets {
    pub loop_: u32,
    pub work_cb: u32,
    pub after_work_cb: u32,
    pub work: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct GetAddrInfoOffsets {
    pub loop_: u32,
    pub callback: u32,
    /// Pointers to strings, or NULL.
    pub host: u32,
    pub service: u32,
    pub work: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct GetNameInfoOffsets {
    pub loop_: u32,
    pub callback: u32,
    /// `sockaddr_storage`.
    pub address: u32,
    pub work: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct RandomOffsets {
    pub loop_: u32,
    pub callback: u32,
    /// `usize`: bytes.
    pub length: u32,
    pub work: u32,
}

/// The part of a request that the pool knows.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct WorkOffsets {
    /// `u32`; see [`stage`].
    pub stage: u32,
    /// `u32`: the lowest bits of the loop's time in milliseconds when the work was submitted.
    pub began: u32,
    /// Pointer to a task ([`TaskOffsets`]); NULL while the loop's io_uring has the work.
    pub task: u32,
    /// Pointer into the `uv_loop_t`, at [`WorkOffsets::mailbox_in_loop`].
    pub mailbox: u32,
    pub mailbox_in_loop: u32,
    pub link: u32,
}

/// How a type of request is run.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct TaskOffsets {
    /// `u32`: the offset of the work in the request, or in the context of a path that is polled.
    pub offset: u32,
    /// `u8`: a [`Work`].
    pub kind: u32,
    /// `u8`: a [`Callback`], the one that is called when the work is done; `FsPoll` is not a request.
    pub callback: u32,
}

/// The state of the pool; see [`Pool::state`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PoolOffsets {
    /// Lists of work, whose elements are the links at [`WorkOffsets::link`]. Slow work, which are
    /// look-ups, has a queue of its own.
    pub queue: u32,
    pub slow_queue: u32,
    /// `usize`: workers that run slow work, and workers that wait.
    pub slow_running: u32,
    pub idle: u32,
}

// ---- the page ---------------------------------------------------------------------------------

pub const PAGE_MAGIC: [u8; 8] = *b"oxuvpage";
pub const LOOP_SLOTS: usize = 64;
pub const WORKER_SLOTS: usize = 1024;
pub const RINGS: usize = 128;

/// The statistics of a process, in the zeroed data of the library, of which only what is used takes
/// memory. Each slot is written by one thread only. The header is valid when the magic is there: the
/// first loop sets it. The child of a fork has a copy of the parent's page, which it resets.
///
/// Values that belong together are written under a sequence lock: the writer increments the number to an
/// odd one before and to an even one afterwards, and a reader that saw an odd or a changed number
/// reads again.
#[repr(C, align(64))]
#[derive(Clone, Copy)]
pub struct Page {
    pub magic: [u8; 8],
    /// [`VERSION`].
    pub version: u32,
    /// The size of this struct.
    pub size: u32,
    pub pid: u32,
    pub padding: u32,
    pub request: Request,
    /// The addresses of the rings of the flight recorder, each a [`Ring`]; 0 where there is none.
    pub rings: [u64; RINGS],
    pub loops: [LoopSlot; LOOP_SLOTS],
    /// By the number of the worker.
    pub workers: [WorkerSlot; WORKER_SLOTS],
}

/// The requests of readers. They write here, and then switch on ([`active`]). Times are of
/// CLOCK_MONOTONIC, in nanoseconds.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// Statistics are kept until then.
    pub stats_until: u64,
    /// Records are written until then.
    pub record_until: u64,
    /// The size in bytes of the rings that are made for it.
    pub ring_size: u64,
}

/// The statistics of a loop, since `since`, when they were switched on.
#[repr(C, align(64))]
#[derive(Clone, Copy)]
pub struct LoopSlot {
    /// The sequence lock of the fields up to `kinds`.
    pub sequence: u64,
    /// The address of the `uv_loop_t`; 0 if the slot is free.
    pub loop_: u64,
    /// The address of the loop's [`Ring`], or 0.
    pub ring: u64,
    pub since: u64,
    /// When this slot was last written.
    pub written: u64,
    pub iterations: u64,
    /// Nanoseconds in the poll phase's wait, and in callbacks.
    pub waiting: u64,
    pub calling: u64,
    /// The callback that runs now; its `kind` is 0 if none does.
    pub running: Running,
    pub kinds: [Kind; CALLBACKS],
    /// The slowest callbacks of the last minute, in no order. Each has a sequence lock.
    pub slowest: [Slow; SLOWEST],
    /// Delays: for each millisecond the time until a timer due then would have been called. See
    /// [`bucket`].
    pub delays: [u64; BUCKETS],
    pub longest_delay: u64,
    /// Not for readers: the next moment to count, the shortest of the slowest callbacks, and when that was
    /// last determined.
    pub tick: u64,
    pub remembered: u64,
    pub checked: u64,
}

/// A callback that runs. `since` is when the callback before it or the wait for events has ended, so times of
/// callbacks include the library's own work for them, some microseconds, and that of `alloc_cb` the next.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Running {
    /// A [`Callback`], or 0.
    pub kind: u64,
    pub object: u64,
    pub function: u64,
    pub since: u64,
}

/// The callbacks of one kind: their number, and their times in nanoseconds.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    pub count: u64,
    pub total: u64,
    pub longest: u64,
}

pub const SLOWEST: usize = 16;

/// A callback that took long. `object` may be freed.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Slow {
    pub sequence: u64,
    pub kind: u64,
    pub object: u64,
    pub function: u64,
    pub started: u64,
    pub duration: u64,
}

/// A thread of the pool.
#[repr(C, align(64))]
#[derive(Clone, Copy)]
pub struct WorkerSlot {
    /// The address of the work that runs, or 0. Always kept.
    pub work: u64,
    /// The kernel's id of the thread; 0 if there is no such worker. Always kept.
    pub tid: u64,
    /// When that work began; 0 if statistics are off.
    pub since: u64,
    /// The address of the worker's [`Ring`], or 0.
    pub ring: u64,
    pub kinds: [WorkKind; WORKS],
}

/// The work of one kind that a worker has run: its number, and its times in nanoseconds. `waiting` is
/// the time in the queue of `waited` works, those that were submitted while statistics were on.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct WorkKind {
    pub count: u64,
    pub waited: u64,
    pub waiting: u64,
    pub longest_waiting: u64,
    pub running: u64,
    pub longest_running: u64,
}

/// The buckets of the histogram: 8 for each power of two of nanoseconds from 2^10, so a bucket is at most
/// 12.5 % wide. The first takes all that are shorter, the last all that are longer.
pub const BUCKETS: usize = 256;

/// Returns the bucket of a delay.
pub const fn bucket(nanoseconds: u64) -> usize {
    if nanoseconds < 1 << 10 {
        return 0;
    }
    let exponent = 63 - nanoseconds.leading_zeros();
    let index = (exponent - 10) as usize * 8 + (nanoseconds >> (exponent - 3) & 7) as usize + 1;
    if index < BUCKETS {
        index
    } else {
        BUCKETS - 1
    }
}

/// Returns the shortest delay of a bucket. That of the next is the end of its range.
pub const fn bucket_start(bucket: usize) -> u64 {
    match bucket {
        0 => 0,
        _ => (8 + (bucket as u64 - 1) % 8) << ((bucket - 1) / 8 + 7),
    }
}

// ---- the flight recorder ----------------------------------------------------------------------

pub const RING_MAGIC: [u8; 8] = *b"oxuvring";

/// The header of a ring, which records follow. One thread at a time writes a ring, except that of kind
/// [`ring_kind::OTHER`].
///
/// A reader copies the records, reads `written` again, and drops those that may have been overwritten
/// meanwhile: record `n` is at index `n % capacity`, and one thread may be writing number `written`.
#[repr(C, align(64))]
#[derive(Clone, Copy, Debug)]
pub struct Ring {
    pub magic: [u8; 8],
    /// [`VERSION`].
    pub version: u32,
    /// One of [`ring_kind`].
    pub kind: u32,
    /// The `uv_loop_t`, or 0.
    pub loop_: u64,
    /// The number of records that have room: a power of two.
    pub capacity: u64,
    /// How many records were ever written.
    pub written: u64,
    /// The kernel's id of the thread that writes it.
    pub tid: u32,
    /// 1 when the loop was closed. The ring may be given to another one then.
    pub ended: u32,
    /// The name of the thread; ends with a NUL.
    pub name: [u8; 16],
}

/// Whose records are in a ring.
pub mod ring_kind {
    /// Those of a loop.
    pub const LOOP: u32 = 1;
    /// Those of a thread of the pool.
    pub const WORKER: u32 = 2;
    /// Asynchronous sends of all threads. Many write it at a time, so a record is valid only if its
    /// `kind` is not 0; it is written last.
    pub const OTHER: u32 = 3;
}

/// One record. `time` is of CLOCK_MONOTONIC, in nanoseconds.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Record {
    pub time: u64,
    /// A number of [`record`].
    pub kind: u8,
    pub detail: u8,
    pub flags: u16,
    pub extra: u32,
    pub object: u64,
    pub function: u64,
}

/// The kinds of records.
pub mod record {
    /// An iteration begins.
    pub const ITERATION: u8 = 1;
    /// The loop begins to wait. `extra` is the timeout in milliseconds, as `i32`: -1 is without a limit.
    pub const POLL_BEGIN: u8 = 2;
    /// The wait ends. `object` is the number of events so far (`uv_metrics_t.events`).
    pub const POLL_END: u8 = 3;
    /// `detail` is the [`Callback`](super::Callback), `object` the handle or request, `function` the callback.
    pub const CALLBACK_BEGIN: u8 = 4;
    /// `detail` and `object` as in the beginning. Missing if an exception left the callback.
    pub const CALLBACK_END: u8 = 5;
    /// `detail` is the kind of [`Work`](super::Work), `object` the request (or the context of a path that
    /// is polled), `extra` the operation of a file request (`uv_fs_type`), `function` the one that
    /// `uv_queue_work()` was given. In the ring of the submitting loop.
    pub const WORK_QUEUED: u8 = 6;
    /// The same, in the ring of the worker.
    pub const WORK_STARTED: u8 = 7;
    pub const WORK_DONE: u8 = 8;
    /// `object` is the async handle, `extra` the kernel's id of the sending thread.
    pub const ASYNC_SEND: u8 = 9;
    /// `object` is the write or send request, `extra` the number of bytes, at most `u32::MAX`, `function`
    /// the handle.
    pub const WRITE_QUEUED: u8 = 10;
    /// All of it was written, or it failed. The callback comes later.
    pub const WRITE_DONE: u8 = 11;
    /// `detail` is libuv's handle type, `object` the handle. Written at the beginning of the next iteration, or
    /// right before the handle is closed; for all handles that there are when records are switched on.
    pub const HANDLE_OPENED: u8 = 12;
    /// The same, right before the close callback.
    pub const HANDLE_CLOSED: u8 = 13;
    /// `detail` is a number of [`phase`](super::phase).
    pub const PHASE: u8 = 14;
    /// The first record of a ring: `object` is the loop, or the number of the worker; `extra` the tid.
    pub const IDENTITY: u8 = 15;
}

/// The phases of an iteration that callbacks are called in.
pub mod phase {
    pub const TIMERS: u8 = 1;
    pub const PENDING: u8 = 2;
    pub const IDLE: u8 = 3;
    pub const PREPARE: u8 = 4;
    /// The events of the latest wait.
    pub const POLL: u8 = 5;
    pub const CHECK: u8 = 6;
    pub const CLOSING: u8 = 7;
}

pub const RING_FILE_MAGIC: [u8; 8] = *b"oxuvfile";

/// The header of a file with the rings of a process (`OXUV_RECORD=/path`).
#[repr(C, align(64))]
#[derive(Clone, Copy)]
pub struct RingFile {
    pub magic: [u8; 8],
    /// [`VERSION`].
    pub version: u32,
    pub pid: u32,
    /// The size of the file.
    pub size: u64,
    /// CLOCK_MONOTONIC and CLOCK_REALTIME at the same moment, in nanoseconds.
    pub monotonic: u64,
    pub realtime: u64,
    /// The offset of the first ring and the distance of two rings.
    pub rings_at: u64,
    pub ring_stride: u64,
    /// How many rings the file has room for; those in use have their magic.
    pub ring_count: u64,
    /// `/proc/PID/maps` when a ring was last made, as much as there is room for; it ends with a NUL. Its
    /// offset and the room for it.
    pub maps_at: u64,
    pub maps_size: u64,
    pub page_size: u32,
    pub padding: u32,
    /// As in [`Description`].
    pub release: [u8; 16],
    pub build: [u8; 40],
    /// The command: `/proc/PID/comm`, ends with a NUL.
    pub command: [u8; 16],
}

const _: () = {
    use core::mem::size_of;
    assert!(size_of::<Record>() == 32);
    assert!(size_of::<Ring>() == 64);
    assert!(bucket(1 << 10) == 1 && bucket_start(1) == 1 << 10);
    assert!(bucket(bucket_start(100)) == 100 && bucket(bucket_start(100) - 1) == 99);
};
