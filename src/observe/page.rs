//! The page: statistics of loops and of the pool's threads, which readers copy.

use super::layout::{
    bucket, Kind, LoopSlot, Page, Running, Slow, Work, WorkKind, WorkerSlot, LOOP_SLOTS,
    PAGE_MAGIC, RINGS, SLOWEST, VERSION, WORKER_SLOTS,
};
use crate::sys::process;
use core::cell::UnsafeCell;
use core::mem::{size_of, MaybeUninit};
use core::sync::atomic::{fence, AtomicU64, Ordering};

/// The page, zeroed until it is used, so that it takes no memory.
pub struct PageMemory(UnsafeCell<MaybeUninit<Page>>);

// SAFETY: it is accessed as atomics only.
unsafe impl Sync for PageMemory {}

pub static PAGE: PageMemory = PageMemory(UnsafeCell::new(MaybeUninit::zeroed()));

/// How long a slow callback stays in the list, in nanoseconds.
const REMEMBER: u64 = 60_000_000_000;

/// How often those that are too old are looked for.
const CHECK: u64 = 1_000_000_000;

/// The distance of the moments whose delay is counted, in nanoseconds.
const TICK: u64 = 1_000_000;

/// The most moments of one span that are counted one by one.
const MAX_TICKS: u64 = 10_000;

fn page() -> *mut Page {
    PAGE.0.get().cast()
}

/// A word of the page as an atomic. Only the slot's own thread writes it.
///
/// # Safety
/// `word` is in the page.
unsafe fn at<'a>(word: *mut u64) -> &'a AtomicU64 {
    // SAFETY: the page is static, zeroed and accessed as atomics only.
    unsafe { AtomicU64::from_ptr(word) }
}

/// # Safety
/// `word` is in the page.
unsafe fn get(word: *mut u64) -> u64 {
    // SAFETY: as documented.
    unsafe { at(word) }.load(Ordering::Relaxed)
}

/// # Safety
/// `word` is in the page.
unsafe fn set(word: *mut u64, value: u64) {
    // SAFETY: as documented.
    unsafe { at(word) }.store(value, Ordering::Relaxed);
}

/// # Safety
/// `word` is in the page.
unsafe fn add(word: *mut u64, value: u64) {
    // SAFETY: as documented.
    unsafe { set(word, get(word).wrapping_add(value)) };
}

/// # Safety
/// `word` is in the page.
unsafe fn raise(word: *mut u64, value: u64) {
    // SAFETY: as documented.
    unsafe {
        if value > get(word) {
            set(word, value);
        }
    }
}

/// Begins or ends what readers have to see as a whole.
///
/// # Safety
/// `sequence` is in the page.
unsafe fn step(sequence: *mut u64) {
    fence(Ordering::Release);
    // SAFETY: as documented.
    unsafe { set(sequence, get(sequence).wrapping_add(1)) };
    fence(Ordering::Release);
}

/// Returns a number that the compiler does not know: it would unroll the loops over slots, which are rare.
fn unknown(count: usize) -> usize {
    core::hint::black_box(count)
}

/// Sets a word if it is 0. Returns whether it was.
///
/// # Safety
/// `word` is in the page.
unsafe fn take(word: *mut u64, value: u64) -> bool {
    // SAFETY: as documented.
    let word = unsafe { at(word) };
    word.compare_exchange(0, value, Ordering::Acquire, Ordering::Relaxed).is_ok()
}

pub fn init() {
    // SAFETY: the fields are in the page.
    unsafe {
        let page = page();
        set_ids(page);
        set((&raw mut (*page).magic).cast(), u64::from_ne_bytes(PAGE_MAGIC));
    }
}

/// # Safety
/// It is the page.
unsafe fn set_ids(page: *mut Page) {
    // SAFETY: the fields are in the page; two of 32 bits are one word.
    unsafe {
        let pair = |first: u32, second: u32| {
            let [a, b, c, d] = first.to_ne_bytes();
            let [e, f, g, h] = second.to_ne_bytes();
            u64::from_ne_bytes([a, b, c, d, e, f, g, h])
        };
        set((&raw mut (*page).version).cast(), pair(VERSION, size_of::<Page>() as u32));
        set((&raw mut (*page).pid).cast(), pair(process::id() as u32, 0));
    }
}

pub fn stats_until() -> u64 {
    // SAFETY: it is in the page.
    unsafe { get(&raw mut (*page()).request.stats_until) }
}

pub fn record_until() -> u64 {
    // SAFETY: it is in the page.
    unsafe { get(&raw mut (*page()).request.record_until) }
}

pub fn set_record_until(until: u64) {
    // SAFETY: it is in the page.
    unsafe { set(&raw mut (*page()).request.record_until, until) };
}

pub fn set_ring_size(bytes: u64) {
    // SAFETY: it is in the page.
    unsafe { set(&raw mut (*page()).request.ring_size, bytes) };
}

pub fn ring_size() -> u64 {
    // SAFETY: it is in the page.
    unsafe { get(&raw mut (*page()).request.ring_size) }
}

/// Returns the places for the addresses of rings.
pub fn rings() -> &'static [AtomicU64] {
    // SAFETY: they are in the page.
    unsafe {
        let first = (&raw mut (*page()).rings).cast::<AtomicU64>();
        core::slice::from_raw_parts(first, unknown(RINGS))
    }
}

pub fn after_fork_in_child() {
    // SAFETY: all of it is in the page, and the child has one thread. The slots of loops stay theirs. Workers
    // take the first free slot.
    unsafe {
        let page = page();
        set_ids(page);
        (&raw mut (*page).request).write_bytes(0, 1);
        (&raw mut (*page).rings).write_bytes(0, 1);
        let mut slot = (&raw mut (*page).workers).cast::<WorkerSlot>();
        for _ in 0..unknown(WORKER_SLOTS) {
            if get(&raw mut (*slot).tid) == 0 {
                break;
            }
            slot.write_bytes(0, 1);
            slot = slot.add(1);
        }
    }
}

// ---- loops ------------------------------------------------------------------------------------

/// The slot of a loop, which only the loop's thread writes.
#[derive(Clone, Copy)]
pub struct Slot(*mut LoopSlot);

impl Slot {
    /// Returns a free slot for the loop at this address, if there is one.
    pub fn claim(loop_: u64, now: u64) -> Option<Slot> {
        // SAFETY: the fields are in the page.
        unsafe {
            let mut slot = (&raw mut (*page()).loops).cast::<LoopSlot>();
            for _ in 0..unknown(LOOP_SLOTS) {
                if take(&raw mut (*slot).loop_, loop_) {
                    Slot(slot).reset(now);
                    return Some(Slot(slot));
                }
                slot = slot.add(1);
            }
        }
        None
    }

    /// Gives the slot back.
    pub fn free(self) {
        // SAFETY: the field is in the page.
        unsafe { at(&raw mut (*self.0).loop_) }.store(0, Ordering::Release);
    }

    /// Begins to count at `now`.
    pub fn reset(self, now: u64) {
        let slot = self.0;
        // SAFETY: the fields are in the page.
        unsafe {
            step(&raw mut (*slot).sequence);
            let rest = size_of::<LoopSlot>() - core::mem::offset_of!(LoopSlot, since);
            (&raw mut (*slot).since).cast::<u8>().write_bytes(0, rest);
            set(&raw mut (*slot).since, now);
            set(&raw mut (*slot).written, now);
            set(&raw mut (*slot).tick, now);
            step(&raw mut (*slot).sequence);
        }
    }

    pub fn iteration(self, now: u64) {
        let slot = self.0;
        // SAFETY: the fields are in the page.
        unsafe {
            add(&raw mut (*slot).iterations, 1);
            if now.saturating_sub(get(&raw mut (*slot).checked)) > CHECK {
                set(&raw mut (*slot).checked, now);
                self.shortest(now);
            }
        }
    }

    /// The loop was busy until now.
    pub fn poll_begin(self, now: u64) {
        let slot = self.0;
        // SAFETY: the fields are in the page.
        unsafe {
            let mut tick = get(&raw mut (*slot).tick);
            raise(&raw mut (*slot).longest_delay, now.saturating_sub(tick));
            let weight = 1 + now.saturating_sub(tick) / (TICK * MAX_TICKS);
            while tick <= now {
                add(&raw mut (*slot).delays[bucket(now - tick)], weight);
                tick += TICK * weight;
            }
            set(&raw mut (*slot).tick, tick);
            self.set_written(now);
        }
    }

    /// The loop has waited since [`Slot::poll_begin`]; what was due meanwhile was not delayed.
    pub fn poll_end(self, now: u64) {
        let slot = self.0;
        // SAFETY: the fields are in the page.
        unsafe {
            let tick = get(&raw mut (*slot).tick);
            if now > tick {
                let ticks = (now - tick) / TICK + 1;
                add(&raw mut (*slot).delays[0], ticks);
                set(&raw mut (*slot).tick, tick + ticks * TICK);
            }
            let since = get(&raw mut (*slot).written);
            step(&raw mut (*slot).sequence);
            add(&raw mut (*slot).waiting, now.saturating_sub(since));
            self.set_written(now);
            step(&raw mut (*slot).sequence);
        }
    }

    fn set_written(self, now: u64) {
        // SAFETY: the field is in the page.
        unsafe { set(&raw mut (*self.0).written, now) };
    }

    /// Records which callback runs; none if `kind` is 0.
    pub fn set_running(self, running: &Running) {
        let slot = self.0;
        // SAFETY: the fields are in the page.
        unsafe {
            step(&raw mut (*slot).sequence);
            let to = &raw mut (*slot).running;
            set(&raw mut (*to).kind, running.kind);
            set(&raw mut (*to).object, running.object);
            set(&raw mut (*to).function, running.function);
            set(&raw mut (*to).since, running.since);
            step(&raw mut (*slot).sequence);
        }
    }

    /// Counts a callback that has ended.
    pub fn count_call(self, now: u64, ended: &Running) {
        let slot = self.0;
        let duration = now.saturating_sub(ended.since);
        // SAFETY: the fields are in the page; the kind is that of a callback.
        unsafe {
            let kind: *mut Kind = &raw mut (*slot).kinds[ended.kind as usize];
            add(&raw mut (*kind).count, 1);
            add(&raw mut (*kind).total, duration);
            raise(&raw mut (*kind).longest, duration);
            add(&raw mut (*slot).calling, duration);
            if duration > get(&raw mut (*slot).remembered) {
                self.remember(now, duration, ended);
            }
        }
    }

    /// Puts a callback among the slowest.
    #[cold]
    #[inline(never)]
    fn remember(self, now: u64, duration: u64, ended: &Running) {
        let slow = self.shortest(now);
        // SAFETY: the fields are in the page.
        unsafe {
            step(&raw mut (*slow).sequence);
            set(&raw mut (*slow).kind, ended.kind);
            set(&raw mut (*slow).object, ended.object);
            set(&raw mut (*slow).function, ended.function);
            set(&raw mut (*slow).started, ended.since);
            set(&raw mut (*slow).duration, duration);
            step(&raw mut (*slow).sequence);
        }
        self.shortest(now);
    }

    /// Returns the shortest of the slowest callbacks, or one that is too old, and determines how long a
    /// callback must take to be remembered.
    #[inline(never)]
    fn shortest(self, now: u64) -> *mut Slow {
        // SAFETY: the fields are in the page.
        unsafe {
            let mut slow = (&raw mut (*self.0).slowest).cast::<Slow>();
            let (mut shortest, mut least) = (slow, u64::MAX);
            for _ in 0..unknown(SLOWEST) {
                let is_old = now.saturating_sub(get(&raw mut (*slow).started)) > REMEMBER;
                let duration = if is_old { 0 } else { get(&raw mut (*slow).duration) };
                if duration < least {
                    (shortest, least) = (slow, duration);
                }
                slow = slow.add(1);
            }
            set(&raw mut (*self.0).remembered, least);
            shortest
        }
    }
}

// ---- workers ----------------------------------------------------------------------------------

/// The slot of a thread of the pool, which only this thread writes.
#[derive(Clone, Copy)]
pub struct Worker(*mut WorkerSlot);

impl Worker {
    /// Returns a free slot for the calling thread. There are as many as threads; one that a callback ended
    /// keeps its slot.
    pub fn claim() -> Worker {
        // SAFETY: the fields are in the page.
        unsafe {
            let mut slot = Worker::first();
            for _ in 1..unknown(WORKER_SLOTS) {
                if take(&raw mut (*slot).tid, process::thread_id() as u64) {
                    break;
                }
                slot = slot.add(1);
            }
            Worker(slot)
        }
    }

    fn first() -> *mut WorkerSlot {
        // SAFETY: it is in the page.
        unsafe { (&raw mut (*page()).workers).cast() }
    }

    /// Returns the number of the slot.
    pub fn number(self) -> usize {
        (self.0.addr() - Worker::first().addr()) / size_of::<WorkerSlot>()
    }

    /// Gives the slot back.
    pub fn free(self) {
        // SAFETY: the field is in the page.
        unsafe { at(&raw mut (*self.0).tid) }.store(0, Ordering::Release);
    }

    /// Records which work runs, which is always kept.
    #[inline(always)]
    pub fn set_work(self, work: u64) {
        // SAFETY: the field is in the page.
        unsafe { set(&raw mut (*self.0).work, work) };
    }

    /// Returns the place for the address of the worker's ring.
    pub fn ring(self) -> &'static AtomicU64 {
        // SAFETY: the field is in the page.
        unsafe { at(&raw mut (*self.0).ring) }
    }

    pub fn work_started(self, now: u64, work: Work, queued: u64) {
        let slot = self.0;
        // SAFETY: the fields are in the page.
        unsafe {
            set(&raw mut (*slot).since, now);
            if queued != 0 {
                let kind: *mut WorkKind = &raw mut (*slot).kinds[work as usize];
                let waited = now.saturating_sub(queued);
                add(&raw mut (*kind).waited, 1);
                add(&raw mut (*kind).waiting, waited);
                raise(&raw mut (*kind).longest_waiting, waited);
            }
        }
    }

    pub fn work_done(self, now: u64, work: Work, started: u64) {
        let slot = self.0;
        // SAFETY: the fields are in the page.
        unsafe {
            set(&raw mut (*slot).since, 0);
            let kind: *mut WorkKind = &raw mut (*slot).kinds[work as usize];
            let ran = now.saturating_sub(started);
            add(&raw mut (*kind).count, 1);
            add(&raw mut (*kind).running, ran);
            raise(&raw mut (*kind).longest_running, ran);
        }
    }
}
