//! All loops, handles and active requests of the process.

use super::memory::{self, Buffer, Shape, BATCH};
use super::report::{Report, Stack};
use crate::abi::*;
use crate::sys;
use core::cell::UnsafeCell;
use core::hash::{BuildHasherDefault, Hasher};
use core::ops::{Deref, DerefMut};
use core::sync::atomic::{AtomicUsize, Ordering};
use std::collections::{HashMap, VecDeque};

/// How many closed handles and loops are remembered.
const REMEMBERED: usize = 4096;

/// Hashes an address.
#[derive(Default)]
pub struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {}

    fn write_usize(&mut self, address: usize) {
        let product = (address as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = product ^ product >> 32;
    }
}

type Map<V> = HashMap<usize, V, BuildHasherDefault<AddressHasher>>;

#[derive(Clone, Copy, PartialEq)]
pub enum State {
    Open,
    Closing,
    /// Its close callback runs.
    Called,
    Closed,
    /// Was reported to be overwritten.
    Damaged,
}

/// A handle, or an active request.
pub struct Thing {
    pub shape: Shape,
    pub state: State,
    pub loop_: usize,
    pub made: Stack,
    pub closed: Stack,
    /// Tells it from others at the same address.
    pub id: u64,
    /// Its place in the loop's list.
    slot: usize,
}

impl Thing {
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed | State::Damaged)
    }

    pub fn name(&self, at: usize) -> String {
        match self.shape {
            Shape::Handle { kind, .. } => format!("the {} handle at {at:#x}", kind_name(kind)),
            Shape::Request { kind } => {
                let name = request_type(kind).map_or("?", |info| info.name.to_str().unwrap_or("?"));
                format!("the {name} request at {at:#x}")
            }
        }
    }

    /// Adds where it was made and closed.
    pub fn history(&self, report: Report) -> Report {
        let made = match self.shape {
            Shape::Handle { .. } => "The handle was initialised here",
            Shape::Request { .. } => "The request was submitted here",
        };
        let report = report.note(made, &self.made);
        match self.state {
            State::Open | State::Damaged => report,
            _ => report.note("uv_close() was called here", &self.closed),
        }
    }

    /// Returns whether the memory of a closed handle is still there.
    pub fn is_marked_closed(&self, at: usize) -> bool {
        let bytes = memory::read(at, size_of::<uv_handle_t>());
        bytes.is_some_and(|bytes| memory::is_marked_closed(at, bytes.get()))
    }

    /// Returns a report if the memory, which is readable, has changed.
    pub fn check(&self, at: usize) -> Option<Report> {
        let size = self.shape.size();
        // SAFETY: as documented.
        let bytes = unsafe {
            core::slice::from_raw_parts(core::ptr::with_exposed_provenance::<u8>(at), size)
        };
        (!self.shape.is_intact(at, bytes)).then(|| self.damage(at, "freed or overwritten"))
    }

    pub fn damage(&self, at: usize, how: &str) -> Report {
        let (code, until) = match self.shape {
            Shape::Handle { .. } => ("handle-overwritten", "its close callback is called"),
            Shape::Request { .. } => ("request-overwritten", "its callback is called"),
        };
        let name = self.name(at);
        let sentence = format!(
            "{name} was {how} while in use, as {{}} found: its memory must stay as it is until {until}"
        );
        self.history(Report::new(code, sentence))
    }
}

pub fn kind_name(kind: uv_handle_type) -> &'static str {
    handle_type(kind).map_or("?", |info| info.name.to_str().unwrap_or("?"))
}

pub struct LoopRecord {
    pub is_closed: bool,
    /// The thread that runs the loop, or 0: its thread pointer, and the kernel's id.
    pub runner: usize,
    pub runner_tid: libc::pid_t,
    /// The process of the runner, and the one that the loop was made for, as counts of forks.
    pub runner_process: u32,
    pub process: u32,
    pub made: Stack,
    pub closed: Stack,
    /// Where `uv_loop_close` was called while the loop was busy, if nothing has used the loop since.
    pub refused: Option<Stack>,
    /// A handle that was initialised on another loop before it was closed on this one.
    pub taken: Option<Report>,
    /// The word of the loop that points to its memory.
    pub state: usize,
    pub things: Vec<usize>,
    next: usize,
    /// The loop's time when its handles and requests were last looked at.
    pub checked: u64,
}

impl LoopRecord {
    fn new(state: usize) -> LoopRecord {
        LoopRecord {
            is_closed: false,
            runner: 0,
            runner_tid: 0,
            runner_process: 0,
            process: sys::process::generation(),
            made: Stack::here(),
            closed: Stack::default(),
            refused: None,
            taken: None,
            state,
            things: Vec::new(),
            next: 0,
            checked: 0,
        }
    }

    /// Returns the kernel's id of another thread that runs the loop.
    pub fn other_runner(&self) -> Option<libc::pid_t> {
        let is_other = self.runner != 0
            && self.runner != sys::thread::pointer()
            && self.runner_process == sys::process::generation();
        // SAFETY: signal 0 is not sent.
        let exists = |tid: libc::pid_t| unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), tid, 0) } == 0;
        (is_other && exists(self.runner_tid)).then_some(self.runner_tid)
    }
}

#[derive(Default)]
pub struct Registry {
    pub things: Map<Thing>,
    pub loops: Map<LoopRecord>,
    count: u64,
    closed: VecDeque<(usize, u64)>,
}

struct Shared(UnsafeCell<Option<Registry>>);

// SAFETY: only the thread in `OWNER` accesses the registry, by its one guard.
unsafe impl Sync for Shared {}

static REGISTRY: Shared = Shared(UnsafeCell::new(None));

/// The thread that has the registry, or 0. Not a mutex, as the handler of a signal that interrupts this thread
/// anywhere must be able to see that it has the lock: a handler may fork.
static OWNER: AtomicUsize = AtomicUsize::new(0);

pub struct Guard(());

impl Drop for Guard {
    fn drop(&mut self) {
        OWNER.store(0, Ordering::Release);
    }
}

impl Deref for Guard {
    type Target = Registry;

    fn deref(&self) -> &Registry {
        // SAFETY: this thread has the registry, which `try_lock` has made.
        unsafe { (*REGISTRY.0.get()).as_ref().unwrap_unchecked() }
    }
}

impl DerefMut for Guard {
    fn deref_mut(&mut self) -> &mut Registry {
        // SAFETY: as above; the guard is borrowed mutably.
        unsafe { (*REGISTRY.0.get()).as_mut().unwrap_unchecked() }
    }
}

/// For functions that a signal handler may call.
pub fn try_lock() -> Option<Guard> {
    let this = sys::thread::pointer();
    OWNER.compare_exchange(0, this, Ordering::Acquire, Ordering::Relaxed).ok()?;
    let guard = Guard(());
    // SAFETY: this thread has the registry.
    unsafe { (*REGISTRY.0.get()).get_or_insert_with(Registry::default) };
    Some(guard)
}

pub fn lock() -> Guard {
    loop {
        if let Some(guard) = try_lock() {
            return guard;
        }
        std::thread::yield_now();
    }
}

/// Returns None if a signal handler forks that has interrupted this thread with the lock.
pub fn lock_for_fork() -> Option<Guard> {
    (OWNER.load(Ordering::Relaxed) != sys::thread::pointer()).then(lock)
}

impl Registry {
    pub fn add_loop(&mut self, at: usize, state: usize) {
        if let Some(old) = self.loops.insert(at, LoopRecord::new(state)) {
            // A loop that was freed without being closed.
            for thing in old.things {
                self.things.remove(&thing);
            }
        }
    }

    /// Adds a handle or request, and writes its check values.
    ///
    /// # Safety
    /// This is the shape of what is at `at`.
    pub unsafe fn add(&mut self, at: usize, loop_: usize, shape: Shape) {
        self.remove(at);
        let Some(record) = self.loops.get_mut(&loop_) else { return };
        // SAFETY: as documented.
        unsafe { shape.write(at) };
        self.count += 1;
        let slot = record.things.len();
        record.things.push(at);
        let (made, closed, id) = (Stack::of_event(), Stack::default(), self.count);
        let state = State::Open;
        self.things.insert(at, Thing { shape, state, loop_, made, closed, id, slot });
    }

    /// Takes it out of the loop's list, so that its memory is not looked at any more.
    fn unlist(&mut self, at: usize) {
        let Some(Thing { loop_, slot, .. }) = self.things.get(&at) else { return };
        let slot = *slot;
        let Some(record) = self.loops.get_mut(loop_) else { return };
        if record.things.get(slot) != Some(&at) {
            return;
        }
        record.things.swap_remove(slot);
        if let Some(moved) = record.things.get(slot).and_then(|moved| self.things.get_mut(moved)) {
            moved.slot = slot;
        }
    }

    pub fn remove(&mut self, at: usize) {
        self.unlist(at);
        self.things.remove(&at);
    }

    /// Records that nothing uses the memory any more.
    pub fn close(&mut self, at: usize, state: State) {
        self.unlist(at);
        let Some(thing) = self.things.get_mut(&at) else { return };
        thing.state = state;
        self.closed.push_back((at, thing.id));
        if self.closed.len() > REMEMBERED {
            if let Some((old, id)) = self.closed.pop_front() {
                if self.things.get(&old).is_some_and(|it| it.id == id) {
                    self.things.remove(&old);
                }
            }
        }
    }

    /// Looks at the memory of some of the loop's handles and requests, at others the next time.
    pub fn check_some(&mut self, loop_: usize) -> Option<Report> {
        let record = self.loops.get_mut(&loop_)?;
        if record.things.is_empty() {
            return None;
        }
        if record.next >= record.things.len() {
            record.next = 0;
        }
        let end = record.things.len().min(record.next + BATCH);
        let mut places = [(0, 0); BATCH];
        let mut count = 0;
        for &at in &record.things[record.next..end] {
            let Some(thing) = self.things.get(&at) else { continue };
            places[count] = (at, thing.shape.size());
            count += 1;
        }
        record.next = end;
        let (at, report) = self.check_places(&places[..count])?;
        self.close(at, State::Damaged);
        Some(report)
    }

    fn check_places(&self, places: &[(usize, usize)]) -> Option<(usize, Report)> {
        let mut buffer: Buffer = [0; size_of::<Buffer>()];
        let readable = memory::read_all(places, &mut buffer);
        let mut rest = &buffer[..];
        for &(at, size) in &places[..readable] {
            let (bytes, after) = rest.split_at(size);
            rest = after;
            let thing = self.things.get(&at)?;
            if !thing.shape.is_intact(at, bytes) {
                return Some((at, thing.damage(at, "freed or overwritten")));
            }
        }
        let &(at, _) = places.get(readable)?;
        Some((at, self.things.get(&at)?.damage(at, "unmapped")))
    }
}
