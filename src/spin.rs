//! Adaptive spinning: polling a condition for some microseconds before blocking.
//!
//! Blocking a thread and waking it takes longer than most file operations. But spinning is only worth
//! the processor time if the condition nearly always becomes true soon. So a spin that fails costs as
//! much credit as several that succeed earn, and a sleep that turns out to be short earns as much as a
//! success. If more threads are runnable than there are cores, sleeps may be short while spins fail, as
//! the spinning thread occupies the core that the others need. So where any number of threads may be
//! waited for, consecutive failures cost more and more.

use crate::sys::{environment, host};
use core::sync::atomic::{AtomicI32, AtomicU32, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How long to spin for what usually comes soon: as long as blocking and waking would take. A program
/// in JavaScript often needs more than 20 microseconds until it submits its next work.
const SPIN_MICROS: u16 = 50;
/// The same where successes have to be earned first.
const SHORT_SPIN_MICROS: u16 = 20;
/// Spin hints between two looks at the clock.
const HINTS: u32 = 32;
/// The credit that a failed spin costs; a success earns 1.
const FAILURE: i16 = 8;
/// The maximum credit.
const MAX_CREDIT: i32 = 8 * FAILURE as i32;

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
    /// The cost of the next failure. Doubles with each failure up to `max_failure`; reset by a success.
    failure: AtomicI32,
    max_failure: i16,
    /// How long to spin, in microseconds: a loop has no room for a `Duration`.
    micros: u16,
}

impl AdaptiveSpin {
    /// For conditions that usually become true soon.
    pub const fn new() -> AdaptiveSpin {
        AdaptiveSpin::with(MAX_CREDIT, FAILURE, SPIN_MICROS)
    }

    /// For conditions that any number of threads may make true: starts without credit, and the cost of
    /// consecutive failures grows up to `limit` times that of the first.
    pub const fn with_backoff(limit: i16) -> AdaptiveSpin {
        AdaptiveSpin::with(0, limit * FAILURE, SHORT_SPIN_MICROS)
    }

    const fn with(credit: i32, max_failure: i16, micros: u16) -> AdaptiveSpin {
        AdaptiveSpin {
            credit: AtomicI32::new(credit),
            failure: AtomicI32::new(FAILURE as i32),
            max_failure,
            micros,
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
        self.credit.load(Ordering::Relaxed) >= i32::from(FAILURE) && several_cores()
    }

    fn duration(&self) -> Duration {
        let window = WINDOW.load(Ordering::Relaxed);
        let micros = if window == NO_WINDOW { self.micros.into() } else { window };
        Duration::from_micros(micros.into())
    }

    /// Calls `ready` after every `hints_per_call` spin hints.
    #[inline(never)]
    fn spin(&self, hints_per_call: u32, mut ready: impl FnMut() -> bool) -> bool {
        let credit = self.credit.load(Ordering::Relaxed);
        let end = Instant::now() + self.duration();
        loop {
            for hint in 1..=HINTS {
                core::hint::spin_loop();
                if hint % hints_per_call == 0 && ready() {
                    self.failure.store(FAILURE.into(), Ordering::Relaxed);
                    self.earn(credit);
                    return true;
                }
            }
            // Not yielding: on a busy machine that costs a whole time slice.
            if Instant::now() >= end {
                let failure = self.failure.load(Ordering::Relaxed);
                self.credit.store(credit - failure, Ordering::Relaxed);
                self.failure.store((2 * failure).min(self.max_failure.into()), Ordering::Relaxed);
                return false;
            }
        }
    }

    /// Records a sleep, which earns credit if it was short.
    pub fn record_sleep(&self, since: Instant) {
        if since.elapsed() < 2 * self.duration() {
            self.earn(self.credit.load(Ordering::Relaxed));
        }
    }

    fn earn(&self, credit: i32) {
        if credit < MAX_CREDIT {
            self.credit.store(credit + 1, Ordering::Relaxed);
        }
    }
}
