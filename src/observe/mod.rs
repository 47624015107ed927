//! Looking into the library from outside of the process.
//!
//! [`layout`] is what readers know; they include that file. The description of the library's structs,
//! `oxuv_debug`, is made in `src/describe.rs`, beside the modules that it describes.
//!
//! A loop that nobody looks at pays for tests of one word, [`ACTIVE`]. What follows when it is not 0 is
//! here, out of line: statistics in the page (`page.rs`), the flight recorder (`record.rs`) and USDT
//! probes (`probe.rs`). Nothing here calls the user's allocator, and a failure leaves something out.

// Readers use the rest.
mod clock;
#[allow(dead_code)]
pub mod layout;
mod page;
mod probe;
mod record;

pub use page::PAGE;

use crate::sys::{process, time};
use clock::Clock;
use core::cell::Cell;
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};
use layout::{active, record as kind, Callback, Description, Running, Work};
use page::Slot;
use probe::probe;
use record::Ring;

/// The parts that are switched on: `layout::active`. 0 while no reader looks. In a section with contents, as the kernel
/// finds the semaphore of a probe through the file.
#[link_section = ".probes"]
pub static ACTIVE: AtomicU32 = AtomicU32::new(0);

/// Counts what makes observers begin again: statistics or records were switched off, or this is the
/// child of a fork.
static EPOCH: AtomicU32 = AtomicU32::new(1);

/// Copies a text to an array, truncated so that a NUL follows it.
const fn text<const N: usize>(text: &str) -> [u8; N] {
    let mut array = [0; N];
    let mut i = 0;
    while i < text.len() && i < N - 1 {
        array[i] = text.as_bytes()[i];
        i += 1;
    }
    array
}

pub const RELEASE: [u8; 16] = text(env!("CARGO_PKG_VERSION"));
pub const BUILD: [u8; 40] = text(env!("OXUV_COMMIT"));

/// Keeps the description in a program that links the library statically, where the linker drops what
/// nothing refers to. Nobody reads it.
#[used]
static DESCRIPTION: AtomicPtr<Description> = AtomicPtr::new(ptr::null_mut());

/// Returns whether someone looks.
#[inline(always)]
pub fn is_active() -> bool {
    ACTIVE.load(Ordering::Relaxed) != 0
}

fn is_on(bit: u32) -> bool {
    ACTIVE.load(Ordering::Relaxed) & bit != 0
}

/// Prepares the page and reads the environment, before the first loop is initialised.
pub fn init(description: &'static Description) {
    DESCRIPTION.store(ptr::from_ref(description).cast_mut(), Ordering::Relaxed);
    page::init();
    if record::init() {
        ACTIVE.fetch_or(active::RECORD, Ordering::Relaxed);
    }
}

/// In the child of a fork: begins again, switched off, with a page of its own.
pub fn after_fork_in_child() {
    ACTIVE.fetch_and(active::PROBES, Ordering::Relaxed);
    EPOCH.fetch_add(1, Ordering::Relaxed);
    page::after_fork_in_child();
    if record::after_fork_in_child() {
        ACTIVE.fetch_or(active::RECORD, Ordering::Relaxed);
    }
}

/// Switches off what has expired.
#[inline(never)]
fn expire(now: u64) {
    for (bit, until) in
        [(active::STATS, page::stats_until()), (active::RECORD, page::record_until())]
    {
        if now > until && is_on(bit) {
            ACTIVE.fetch_and(!bit, Ordering::Relaxed);
            EPOCH.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Something that calls callbacks of the user: a loop.
pub trait Caller {
    /// Sets what it does now; see `layout::current`.
    fn set_current(&self, word: u64);

    fn observer(&self) -> &Observer;
}

/// The part of a loop that is used while someone looks.
pub struct Observer {
    loop_: Cell<*const ()>,
    /// The value of `EPOCH` that the following belong to.
    epoch: Cell<u32>,
    slot: Cell<Option<Slot>>,
    ring: Cell<Option<Ring>>,
    clock: Clock,
    /// The latest time that was read, or 0.
    time: Cell<u64>,
    /// How many handles of the loop were reported.
    reported: Cell<u64>,
    /// The callback that runs, the innermost if they are nested.
    running: Cell<Running>,
}

/// A callback that runs, and the one around it.
pub struct Call {
    running: Running,
    outer: Running,
}

const NO_CALL: Running = Running { kind: 0, object: 0, function: 0, since: 0 };

impl Observer {
    pub const fn new() -> Observer {
        Observer {
            loop_: Cell::new(ptr::null()),
            epoch: Cell::new(0),
            slot: Cell::new(None),
            ring: Cell::new(None),
            clock: Clock::new(),
            time: Cell::new(0),
            reported: Cell::new(0),
            running: Cell::new(NO_CALL),
        }
    }

    /// Records which loop this is part of.
    pub fn set_loop(&self, loop_: *const ()) {
        self.loop_.set(loop_);
    }

    /// Gives the slot and the ring back when the loop is closed.
    pub fn close(&self) {
        if self.epoch.get() != 0 {
            self.release();
        }
    }

    #[cold]
    fn release(&self) {
        if let Some(slot) = self.slot.take() {
            slot.free();
        }
        if let Some(ring) = self.ring.take() {
            ring.free();
        }
    }

    /// Reads the clock.
    #[inline(never)]
    fn now(&self) -> u64 {
        // What is computed from the processor's counter may be some nanoseconds late.
        let now = self.clock.now().max(self.time.get());
        self.time.set(now);
        now
    }

    /// Returns the time when the clock was last read. Reading it costs as much as the rest of a record, so a
    /// callback begins where the one before it, or the wait, has ended.
    #[inline(always)]
    fn recent(&self) -> u64 {
        match self.time.get() {
            // Statistics or records have just begun.
            _ if self.epoch.get() != EPOCH.load(Ordering::Relaxed) => self.now(),
            0 => self.now(),
            time => time,
        }
    }

    /// The program runs the loop. What it did before is not part of an iteration.
    #[cold]
    #[inline(never)]
    pub fn run_begins(&self) {
        self.now();
    }

    fn address(&self) -> u64 {
        self.loop_.get().addr() as u64
    }

    /// Begins again if that is necessary.
    #[inline(always)]
    fn renew(&self, now: u64) {
        if self.epoch.get() != EPOCH.load(Ordering::Relaxed) {
            self.begin_again(now);
        }
    }

    #[cold]
    #[inline(never)]
    fn begin_again(&self, now: u64) {
        self.epoch.set(EPOCH.load(Ordering::Relaxed));
        if let Some(slot) = self.slot.get() {
            slot.reset(now);
        }
        self.ring.set(self.ring.get().filter(Ring::is_own));
        self.reported.set(0);
        self.time.set(now);
    }

    /// Returns the slot for statistics, if they are on.
    #[inline(always)]
    fn slot(&self, now: u64) -> Option<Slot> {
        is_on(active::STATS).then(|| self.own_slot(now)).flatten()
    }

    #[inline(never)]
    fn own_slot(&self, now: u64) -> Option<Slot> {
        self.renew(now);
        if self.slot.get().is_none() {
            self.slot.set(Slot::claim(self.address(), now));
        }
        self.slot.get()
    }

    /// Writes a record, if that is on.
    #[inline(always)]
    fn record(&self, now: u64, kind: u8, detail: u8, extra: u32, object: u64, function: u64) {
        if is_on(active::RECORD) {
            let kinds = record::kinds(kind, detail, extra);
            self.write_record([now, kinds, object, function]);
        }
    }

    #[inline(never)]
    fn write_record(&self, words: [u64; 4]) {
        self.renew(words[0]);
        if let Some(ring) = self.ring.get().or_else(|| self.make_ring(words[0])) {
            ring.write(words);
        }
    }

    #[cold]
    #[inline(never)]
    fn make_ring(&self, now: u64) -> Option<Ring> {
        self.ring.set(Ring::of_loop(self.address(), now));
        self.ring.get()
    }

    /// An iteration begins.
    #[cold]
    #[inline(never)]
    pub fn iteration(&self) {
        let now = self.recent();
        expire(now);
        if let Some(slot) = self.slot(now) {
            slot.iteration(now);
        }
        self.record(now, kind::ITERATION, 0, 0, 0, 0);
        probe!(loop__iterate, self.address());
    }

    /// The loop begins to wait.
    #[cold]
    #[inline(never)]
    pub fn poll_begin(&self, timeout: i32) {
        let now = self.now();
        if let Some(slot) = self.slot(now) {
            slot.poll_begin(now);
        }
        self.record(now, kind::POLL_BEGIN, 0, timeout as u32, 0, 0);
        probe!(poll__begin, self.address(), i64::from(timeout) as u64);
    }

    /// The wait has ended.
    #[cold]
    #[inline(never)]
    pub fn poll_end(&self, events_before: u64) {
        let now = self.now();
        if let Some(slot) = self.slot(now) {
            slot.poll_end(now);
        }
        self.record(now, kind::POLL_END, 0, 0, events_before, 0);
        probe!(poll__end, self.address(), events_before);
    }

    /// A phase with something to do begins.
    #[cold]
    #[inline(never)]
    pub fn phase(&self, phase: u8) {
        if is_on(active::RECORD) {
            self.record(self.recent(), kind::PHASE, phase, 0, 0, 0);
        }
    }

    /// A callback begins. Returns what [`Observer::callback_end`] needs.
    #[cold]
    #[inline(never)]
    pub fn callback_begin(
        &self,
        callback: Callback,
        object: *const (),
        function: *const (),
    ) -> Call {
        let outer = self.running.get();
        // The time of the callback around it began long ago.
        let now = if outer.kind == 0 { self.recent() } else { self.now() };
        let (object, function) = (object.addr() as u64, function.addr() as u64);
        let running = Running { kind: callback as u64, object, function, since: now };
        self.running.set(running);
        if let Some(slot) = self.slot(now) {
            slot.set_running(&running);
        }
        self.record(now, kind::CALLBACK_BEGIN, callback as u8, 0, object, function);
        probe!(callback__begin, self.address(), callback as u64, object, function);
        Call { running, outer }
    }

    /// A callback has ended. Its object may be freed.
    #[cold]
    #[inline(never)]
    pub fn callback_end(&self, call: &Call) {
        let now = self.now();
        // An exception may have left others that this one has called.
        let Call { running, outer } = call;
        self.running.set(*outer);
        if let Some(slot) = self.slot(now) {
            slot.count_call(now, running);
            slot.set_running(outer);
        }
        let &Running { kind: callback, object, function, .. } = running;
        self.record(now, kind::CALLBACK_END, callback as u8, 0, object, function);
        probe!(callback__end, self.address(), callback, object, function);
    }

    /// Forgets the callback that runs: an exception has left it.
    pub fn forget_call(&self) {
        self.running.set(NO_CALL);
    }

    /// A request is given to the pool, or to the loop's ring. Returns the time.
    #[cold]
    #[inline(never)]
    pub fn work_queued(&self, job: &Job) -> u64 {
        let now = self.now();
        let (request, function) = job.addresses();
        let detail = job.kind as u8;
        self.record(now, kind::WORK_QUEUED, detail, job.operation, request, function);
        probe!(work__queue, self.address(), u64::from(detail), request, function);
        now
    }

    /// Returns the number of the first handle to report, with which `count` handles are.
    pub fn report_until(&self, count: u64) -> u64 {
        self.reported.replace(count)
    }

    /// A handle was initialised, some time before, or is closed.
    #[cold]
    #[inline(never)]
    pub fn handle(&self, opened: bool, handle_type: u32, handle: *const ()) {
        let now = self.recent();
        let handle = handle.addr() as u64;
        let (kind, detail) =
            (if opened { kind::HANDLE_OPENED } else { kind::HANDLE_CLOSED }, handle_type as u8);
        self.record(now, kind, detail, 0, handle, 0);
        if opened {
            probe!(handle__open, self.address(), u64::from(handle_type), handle);
        } else {
            probe!(handle__close, self.address(), u64::from(handle_type), handle);
        }
    }

    /// A write was queued, or is done.
    #[cold]
    #[inline(never)]
    pub fn write(&self, queued: bool, request: *const (), handle: *const (), bytes: usize) {
        let (request, handle) = (request.addr() as u64, handle.addr() as u64);
        if is_on(active::RECORD) {
            let now = if queued { self.now() } else { self.recent() };
            let kind = if queued { kind::WRITE_QUEUED } else { kind::WRITE_DONE };
            let size = u32::try_from(bytes).unwrap_or(u32::MAX);
            self.record(now, kind, 0, size, request, handle);
        }
        if queued {
            probe!(write__queue, self.address(), request, handle, bytes as u64);
        }
    }
}

/// The description of work of the pool.
pub struct Job {
    pub kind: Work,
    pub object: *const (),
    /// The function of the user that runs, or NULL.
    pub function: *const (),
    /// The number of a file operation.
    pub operation: u32,
    /// When it was submitted; 0 if that is not known.
    pub queued: u64,
}

impl Job {
    fn addresses(&self) -> (u64, u64) {
        (self.object.addr() as u64, self.function.addr() as u64)
    }
}

/// A thread of the pool.
pub struct Worker {
    slot: page::Worker,
    clock: Clock,
}

impl Worker {
    /// The calling thread begins to run work.
    pub fn begin() -> Worker {
        Worker { slot: page::Worker::claim(), clock: Clock::new() }
    }

    /// The calling thread ends.
    pub fn end(&self) {
        self.slot.free();
    }

    /// Records which work runs; NULL if none does.
    #[inline(always)]
    pub fn set_work(&self, work: *const ()) {
        self.slot.set_work(work.addr() as u64);
    }

    /// Work begins. Returns the time, for [`Worker::work_done`].
    #[cold]
    #[inline(never)]
    pub fn work_started(&self, job: &Job) -> u64 {
        let now = self.clock.now();
        if is_on(active::STATS) {
            self.slot.work_started(now, job.kind, job.queued);
        }
        self.record(now, kind::WORK_STARTED, job);
        let (request, function) = job.addresses();
        probe!(work__start, self.slot.number() as u64, job.kind as u64, request, function);
        now
    }

    /// Work has ended.
    #[cold]
    #[inline(never)]
    pub fn work_done(&self, job: &Job, started: u64) {
        let now = self.clock.now();
        expire(now);
        if is_on(active::STATS) {
            self.slot.work_done(now, job.kind, started);
        }
        self.record(now, kind::WORK_DONE, job);
        let (request, function) = job.addresses();
        probe!(work__done, self.slot.number() as u64, job.kind as u64, request, function);
    }

    fn record(&self, time: u64, kind: u8, job: &Job) {
        if !is_on(active::RECORD) {
            return;
        }
        let (object, function) = job.addresses();
        if let Some(ring) = Ring::of_worker(self.slot, time) {
            ring.write([
                time,
                record::kinds(kind, job.kind as u8, job.operation),
                object,
                function,
            ]);
        }
    }
}

/// An async handle is sent to. Any thread, and signal handlers.
#[cold]
#[inline(never)]
pub fn async_send(handle: *const ()) {
    let handle = handle.addr() as u64;
    if is_on(active::RECORD) {
        let kinds = record::kinds(kind::ASYNC_SEND, 0, process::thread_id() as u32);
        record::write_shared([time::monotonic(), kinds, handle, 0]);
    }
    probe!(async__send, handle);
}

/// The offsets of fields, as one of the structs of [`layout`].
macro_rules! offsets {
    ($offsets:ident, $type:ty { $($name:ident: $($field:ident).+),+ $(,)? }) => {
        crate::observe::layout::$offsets {
            $($name: core::mem::offset_of!($type, $($field).+) as u32),+
        }
    };
}
pub(crate) use offsets;
