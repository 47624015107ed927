//! The shuffled schedule of `OXUV_SHUFFLE`.

use super::Draw;
use crate::sys::{self, environment};
use core::cell::{Cell, RefCell, UnsafeCell};
use core::time::Duration;
use mio::event::Event;
use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::Instant;

/// How long the loop waits at most for the rest of its work when some has finished, so that what is called back
/// together does not depend on the threads. Work that takes longer makes later waits shorter.
const TOGETHER: Duration = Duration::from_millis(20);
const SHORTEST: Duration = Duration::from_micros(100);
const BETWEEN_LOOKS: Duration = Duration::from_micros(20);

/// One thing of so many is held back, for at most so many iterations.
const HELD: u64 = 4;
const ITERATIONS: u64 = 8;

/// The counters of draws. Draws whose hashes are equal share one, which keeps them deterministic.
const COUNTERS: usize = 1024;

/// The generator of a loop. A draw depends on the seed, on the number of the loop, on what is drawn for which
/// object, and on how often that was drawn. So what one object does changes nothing for the others, and a
/// schedule is the same again although the kernel's differs.
pub struct Shuffle(Option<Box<Inner>>);

struct Inner {
    seed: u64,
    counters: [Cell<u32>; COUNTERS],
    /// The events of the latest wait, in the drawn order, and how many were dispatched.
    events: UnsafeCell<Vec<Event>>,
    at: Cell<usize>,
    /// Edges that are held back. The kernel does not report them again.
    held: RefCell<Vec<Event>>,
    /// Whether the latest wait held something back.
    holds: Cell<bool>,
    /// For how many more iterations async handles are held back; the last one calls them.
    asyncs_held: Cell<u64>,
    /// The pool's works by their addresses: the rank, and for how many iterations they are held back.
    works: RefCell<HashMap<usize, (u64, u64)>>,
    submitted: Cell<u64>,
    together: Cell<Duration>,
    /// Whether the loop runs until it is done, so that an iteration may do less.
    may_hold: Cell<bool>,
}

/// Returns the seed of the environment.
fn seed() -> Option<u64> {
    static SEED: OnceLock<Option<u64>> = OnceLock::new();
    *SEED.get_or_init(|| {
        // SAFETY: the value is not used after this function, and no thread changes the environment while a loop
        // is being initialised, as for getaddrinfo() and other functions of the C library.
        let value = unsafe { environment::get_secure(c"OXUV_SHUFFLE") }?;
        if value.is_empty() {
            return None;
        }
        let text = value.to_string_lossy();
        let seed = text.parse().ok();
        if seed.is_none() {
            eprintln!(
                "oxuv: nothing is shuffled, as OXUV_SHUFFLE={text} is not a number from 0 to {}",
                u64::MAX
            );
        }
        seed
    })
}

/// Returns a number for a new loop: how many its thread has initialised, and whether that is the main thread. Threads
/// that each initialise one do not race for a number; those that are not the main one have the same.
fn loop_number() -> u64 {
    thread_local!(static LOOPS: Cell<u64> = const { Cell::new(0) });
    let count = LOOPS.try_with(|loops| loops.replace(loops.get() + 1)).unwrap_or(0);
    let is_main = sys::process::thread_id().unsigned_abs() == std::process::id();
    count << 1 | u64::from(!is_main)
}

/// The finaliser of SplitMix64: a bijection.
fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

impl Shuffle {
    pub fn new() -> Shuffle {
        Shuffle(seed().map(|seed| {
            let number = loop_number();
            Box::new(Inner {
                seed: mix(mix(seed.wrapping_add(GOLDEN)).wrapping_add(number)),
                counters: [const { Cell::new(0) }; COUNTERS],
                events: UnsafeCell::default(),
                at: Cell::new(0),
                held: RefCell::default(),
                holds: Cell::new(false),
                asyncs_held: Cell::new(0),
                works: RefCell::default(),
                submitted: Cell::new(0),
                together: Cell::new(TOGETHER),
                may_hold: Cell::new(false),
            })
        }))
    }

    #[inline(always)]
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Notes whether the loop runs until it is done.
    pub fn begin_run(&self, may_hold: bool) {
        if let Some(inner) = &self.0 {
            inner.may_hold.set(may_hold);
        }
    }

    /// Returns a number for the object that is the same in each call.
    pub fn rank(&self, draw: Draw, id: u64) -> u64 {
        self.0.as_ref().map_or(0, |inner| inner.key(draw, id))
    }

    /// Draws the next number for the object.
    pub fn next(&self, draw: Draw, id: u64) -> u64 {
        self.0.as_ref().map_or(0, |inner| inner.next(draw, id))
    }

    /// Cuts the length of a read or a write, half of the time, to at least 1. Short ones are as likely as long
    /// ones.
    pub fn cut(&self, draw: Draw, id: u64, length: usize) -> usize {
        let drawn = self.next(draw, id);
        if drawn & 1 == 0 {
            return length;
        }
        let bits = length.checked_ilog2().map_or(0, |bits| (drawn >> 8) % u64::from(bits + 1));
        let part = 1 + ((drawn >> 16) & ((1 << bits) - 1)) as usize;
        part.min(length)
    }

    /// Sleeps before a wait that may block, some of the time, so that more becomes ready meanwhile.
    pub fn pause(&self) {
        let drawn = self.next(Draw::Pause, 0);
        if drawn % HELD == 0 {
            std::thread::sleep(Duration::from_micros((drawn >> 8) % 500));
        }
    }

    // ---- events -------------------------------------------------------------------------------

    /// Takes the events of a wait in a drawn order, and holds some of them back. `is_edge` returns None for an
    /// event that nothing waits for, and otherwise whether the kernel reports it only once.
    pub fn arrange<'a>(
        &self,
        events: impl Iterator<Item = &'a Event>,
        is_edge: impl Fn(&Event) -> Option<bool>,
    ) {
        let Some(inner) = &self.0 else { return };
        let mut all: Vec<Event> = events.cloned().collect();
        // A new event of the same registration has the readiness of the older one, too.
        let is_new = |event: &Event| all.iter().all(|other| other.token() != event.token());
        let mut held = inner.held.take();
        held.retain(is_new);
        all.append(&mut held);
        all.retain(|event| is_edge(event).is_some());
        all.sort_by_cached_key(|event| inner.next(Draw::Event, event.token().0 as u64 >> 32));
        inner.holds.set(false);
        if inner.may_hold.get() {
            all.retain(|event| {
                let drawn = inner.next(Draw::HoldEvent, event.token().0 as u64 >> 32);
                let holds = drawn % (2 * HELD) == 0;
                if holds {
                    inner.holds.set(true);
                    if is_edge(event) == Some(true) {
                        held.push(event.clone());
                    }
                }
                !holds
            });
        }
        inner.held.replace(held);
        // SAFETY: all events of the latest wait were taken, and whoever took the last one has read it.
        unsafe { *inner.events.get() = all };
        inner.at.set(0);
    }

    /// Returns whether the latest wait held an event back.
    pub fn held_back(&self) -> bool {
        self.0.as_ref().is_some_and(|inner| inner.holds.get())
    }

    /// Returns whether the next wait must not block.
    pub fn holds_events(&self) -> bool {
        self.0.as_ref().is_some_and(|inner| !inner.held.borrow().is_empty())
    }

    /// Returns whether events of the latest wait are left.
    pub fn has_events(&self) -> bool {
        self.0.as_ref().is_some_and(|inner| inner.at.get() < inner.events().len())
    }

    /// Takes the next event of the latest wait. It is read before the next wait.
    pub fn next_event(&self) -> Option<&Event> {
        let inner = self.0.as_ref()?;
        let event = inner.events().get(inner.at.get())?;
        inner.at.set(inner.at.get() + 1);
        Some(event)
    }

    /// Drops held events, in the child of a fork.
    pub fn forget_events(&self) {
        if let Some(inner) = &self.0 {
            inner.held.take();
        }
    }

    /// Returns whether signals are held back for an iteration.
    pub fn holds_signals(&self) -> bool {
        let Some(inner) = &self.0 else { return false };
        inner.may_hold.get() && inner.next(Draw::HoldSignal, 0) % HELD == 0
    }

    /// Returns whether async handles that were sent to are held back in this iteration.
    pub fn holds_asyncs(&self) -> bool {
        let Some(inner) = self.0.as_ref().filter(|inner| inner.may_hold.get()) else {
            return false;
        };
        match inner.asyncs_held.get() {
            0 => inner.asyncs_held.set(inner.holds(Draw::HoldAsync, 0)),
            held => inner.asyncs_held.set(held - 1),
        }
        if inner.asyncs_held.get() > 0 {
            std::thread::sleep(BETWEEN_LOOKS);
        }
        inner.asyncs_held.get() > 0
    }

    // ---- the pool's work ----------------------------------------------------------------------

    /// Draws when the work at this address is called back.
    pub fn work_submitted(&self, work: usize) {
        let Some(inner) = &self.0 else { return };
        let number = inner.submitted.replace(inner.submitted.get() + 1);
        let held = inner.holds(Draw::HoldWork, number);
        inner.works.borrow_mut().insert(work, (inner.key(Draw::Work, number), held));
    }

    /// Waits until `all_done`, not for long.
    pub fn settle(&self, all_done: impl Fn() -> bool) {
        let Some(inner) = &self.0 else { return };
        let end = Instant::now() + inner.together.get();
        let mut done = all_done();
        while !done && Instant::now() < end {
            std::thread::sleep(BETWEEN_LOOKS);
            done = all_done();
        }
        let next = if done { TOGETHER } else { SHORTEST.max(inner.together.get() / 4) };
        inner.together.set(next);
    }

    /// Returns the place of the work among those that are finished.
    pub fn work_rank(&self, work: usize) -> u64 {
        let Some(inner) = &self.0 else { return 0 };
        inner.works.borrow().get(&work).map_or(0, |&(rank, _)| rank)
    }

    /// Returns whether finished work is held back in this iteration.
    pub fn holds_work(&self, work: usize) -> bool {
        let Some(inner) = self.0.as_ref().filter(|inner| inner.may_hold.get()) else {
            return false;
        };
        match inner.works.borrow_mut().get_mut(&work) {
            Some((_, held)) if *held > 0 => {
                *held -= 1;
                true
            }
            _ => false,
        }
    }

    pub fn work_called(&self, work: usize) {
        if let Some(inner) = &self.0 {
            inner.works.borrow_mut().remove(&work);
        }
    }
}

impl Inner {
    fn events(&self) -> &Vec<Event> {
        // SAFETY: only `arrange` changes them, when no event is in use.
        unsafe { &*self.events.get() }
    }

    fn key(&self, draw: Draw, id: u64) -> u64 {
        // Different for different objects, as both steps are bijections.
        mix(mix(self.seed ^ (draw as u64 + 1).wrapping_mul(GOLDEN)).wrapping_add(id))
    }

    fn next(&self, draw: Draw, id: u64) -> u64 {
        let key = self.key(draw, id);
        let counter = &self.counters[key as usize % COUNTERS];
        counter.set(counter.get().wrapping_add(1));
        mix(key.wrapping_add(u64::from(counter.get()).wrapping_mul(GOLDEN)))
    }

    /// Draws for how many iterations something is held back; 0 for most.
    fn holds(&self, draw: Draw, id: u64) -> u64 {
        let drawn = self.next(draw, id);
        if drawn % HELD == 0 {
            1 + (drawn >> 8) % ITERATIONS
        } else {
            0
        }
    }
}
