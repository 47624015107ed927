//! Adaptive spinning: polling a condition for some microseconds before blocking.
//!
//! Blocking a thread and waking it takes longer than most file operations. But spinning is only worth
//! the processor time if the condition becomes true before that is used up, and nearly always. How much it is
//! depends on where the kernel places the thread: on the core of the one that wakes it, or on one that was
//! idle. So a spin is about as long as the latest wake-ups have taken. One that fails costs as much credit as
//! several that succeed earn, and a sleep that turns out to be short earns as much as a success.
//!
//! Sleeps may be short while spins fail: the thread that is waited for may need the core of the one that
//! spins. So consecutive failures cost more and more. And two threads that wake each other find each other
//! asleep, as waking takes longer than a spin. So the first spins after a time without credit are longer, and
//! failures are as expensive as before until many spins have succeeded.

use crate::sys::{self, environment, host};
use core::sync::atomic::{AtomicI32, AtomicU16, AtomicU32, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The bounds of a spin, in nanoseconds. With the shorter one or less, operations of microseconds one after
/// another often do not begin to spin at all: a thread takes longer to be woken.
const SHORTEST: u16 = 20_000;
const LONGEST: u16 = 30_000;
/// The length of the first spins after a time without credit: longer than waking a thread on an idle core.
const FIRST_SPIN: u16 = 40_000;
/// The longest sleep that is short, in nanoseconds: waking the other thread, its work, and being woken.
const SHORT_SLEEP: u64 = 80_000;
/// A wake-up that takes longer than this had to wait for a core.
const LONGEST_WAKE: u64 = 100_000;
/// Spin hints between two looks at the clock.
const HINTS: u32 = 32;
/// The credit that a failed spin costs; a success earns 1.
const FAILURE: i32 = 8;
/// The credit below which spins are the first.
const FIRST: i32 = 2 * FAILURE;
/// The credit from which earlier failures are forgotten.
const PROVEN: i32 = 4 * FAILURE;
/// The maximum cost of consecutive failures.
const MAX_FAILURE: i32 = 16 * FAILURE;
/// The maximum credit.
const MAX_CREDIT: i32 = 8 * FAILURE;

/// The number of cores, or 0 if it is not known yet. Not a lazily initialised value: its lock might be
/// held by another thread during a fork, and the child would wait for it.
static CORES: AtomicUsize = AtomicUsize::new(0);

/// Returns whether spinning leaves a core for the thread that is waited for. std's `available_parallelism` opens
/// files, which would make descriptors appear and disappear.
fn several_cores() -> bool {
    let mut cores = CORES.load(Ordering::Relaxed);
    if cores == 0 {
        cores = match window_from_environment() {
            Some(0) => 1,
            window => {
                WINDOW.store(window.map_or(NO_WINDOW, u32::from), Ordering::Relaxed);
                host::cpus_of_this_thread().unwrap_or(1)
            }
        };
        CORES.store(cores, Ordering::Relaxed);
    }
    cores > 1
}

/// How long all spins last, in microseconds, if `OXUV_SPIN_US` says so.
static WINDOW: AtomicU32 = AtomicU32::new(NO_WINDOW);
const NO_WINDOW: u32 = u32::MAX;

/// Returns the microseconds of `OXUV_SPIN_US`; 0 turns spinning off.
fn window_from_environment() -> Option<u16> {
    // SAFETY: the value is not used after this function. A program that changes its environment while another
    // thread uses libuv has the same race with libuv.
    let value = unsafe { environment::get_secure(c"OXUV_SPIN_US")? };
    value.to_str().ok()?.parse().ok()
}

pub struct AdaptiveSpin {
    /// A hint only, so relaxed accesses suffice.
    credit: AtomicI32,
    /// The cost of the next failure. Doubles with each failure.
    failure: AtomicI32,
    /// How long to spin, in nanoseconds: a loop has no room for a `Duration`.
    length: AtomicU16,
}

impl AdaptiveSpin {
    /// For conditions that usually become true soon.
    pub const fn new() -> AdaptiveSpin {
        AdaptiveSpin::with(MAX_CREDIT, FAILURE, SHORTEST)
    }

    /// For conditions that any number of threads may make true: spins have to be earned first.
    pub const fn without_credit() -> AdaptiveSpin {
        AdaptiveSpin::with(0, MAX_FAILURE, SHORTEST)
    }

    const fn with(credit: i32, failure: i32, length: u16) -> AdaptiveSpin {
        AdaptiveSpin {
            credit: AtomicI32::new(credit),
            failure: AtomicI32::new(failure),
            length: AtomicU16::new(length),
        }
    }

    /// Spins until `ready` or the time is up. Returns whether it is ready.
    pub fn spin_until(&self, ready: impl Fn() -> bool) -> bool {
        ready() || (self.has_credit() && self.spin(1, ready))
    }

    /// Like `spin_until`, where `ready` is a system call: it is called less often, and not at all without
    /// credit.
    // Inlined for the same reason as `Loop::poll`.
    #[inline(always)]
    pub fn poll_until(&self, mut ready: impl FnMut() -> bool) -> bool {
        self.has_credit() && (ready() || self.spin(HINTS, ready))
    }

    fn has_credit(&self) -> bool {
        self.credit.load(Ordering::Relaxed) >= FAILURE && several_cores()
    }

    fn duration(&self, credit: i32) -> Duration {
        match WINDOW.load(Ordering::Relaxed) {
            NO_WINDOW if credit < FIRST => Duration::from_nanos(FIRST_SPIN.into()),
            NO_WINDOW => Duration::from_nanos(self.length.load(Ordering::Relaxed).into()),
            window => Duration::from_micros(window.into()),
        }
    }

    /// Calls `ready` after every `hints_per_call` spin hints.
    #[inline(never)]
    fn spin(&self, hints_per_call: u32, mut ready: impl FnMut() -> bool) -> bool {
        let credit = self.credit.load(Ordering::Relaxed);
        let end = Instant::now() + self.duration(credit);
        loop {
            for hint in 1..=HINTS {
                core::hint::spin_loop();
                if hint % hints_per_call == 0 && ready() {
                    self.earn(credit);
                    return true;
                }
            }
            // Not yielding: on a busy machine that costs a whole time slice.
            if Instant::now() >= end {
                let failure = self.failure.load(Ordering::Relaxed);
                self.credit.store(credit - failure, Ordering::Relaxed);
                self.failure.store((2 * failure).min(MAX_FAILURE), Ordering::Relaxed);
                return false;
            }
        }
    }

    /// Records a sleep, which earns credit if it was short. Both times are those of the monotonic clock.
    pub fn record_sleep(&self, since: u64, now: u64) {
        if now.saturating_sub(since) < SHORT_SLEEP {
            self.earn(self.credit.load(Ordering::Relaxed));
        }
    }

    /// Records a sleep that another thread ended by a wake-up that it began at `woken`. An earlier time
    /// belongs to an earlier sleep.
    pub fn record_wake(&self, since: u64, woken: u64) {
        let now = sys::time::monotonic();
        self.record_sleep(since, now);
        let took = now.saturating_sub(woken);
        if woken >= since && took < LONGEST_WAKE {
            let took = took.clamp(SHORTEST.into(), LONGEST.into()) as u16;
            let length = self.length.load(Ordering::Relaxed);
            self.length.store(length - length / 8 + took / 8, Ordering::Relaxed);
        }
    }

    fn earn(&self, credit: i32) {
        if credit < MAX_CREDIT {
            self.credit.store(credit + 1, Ordering::Relaxed);
            if credit == PROVEN {
                self.failure.store(FAILURE, Ordering::Relaxed);
            }
        }
    }
}
