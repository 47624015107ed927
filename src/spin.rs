//! Lingering: watching for something for some microseconds before going to sleep.
//!
//! To put a thread to sleep and wake it again takes longer than most file operations take. Watching
//! is only worth the processor's time while what is watched for nearly always comes soon. So a try
//! that was in vain costs as much credit as several that were not earn; a sleep that turned out to be
//! short earns as much as a success. Where more threads want to run than there are cores, sleeps can
//! be short and tries fail nevertheless: whoever watches has the core that the others need. So what
//! comes from any number of threads has failures that cost more and more, one after another.

use crate::sys::host;
use core::sync::atomic::{AtomicI32, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// For how many microseconds to watch for what usually comes soon: for as long as the sleep and the
/// wake-up would take that it saves. A program in JavaScript often needs more than 20 of them until it
/// asks for its next work.
const SPIN_MICROS: u16 = 50;
/// The same for what has to prove first that it comes soon.
const SHORT_SPIN_MICROS: u16 = 20;
/// How often the processor is told that it waits before the clock is looked at.
const HINTS: u32 = 32;
/// What a try in vain costs; a success earns 1.
const FAILURE: i16 = 8;
/// The most that can be saved up.
const MAX_CREDIT: i32 = 8 * FAILURE as i32;

/// How many cores there are, 0 until it was asked for. Not a lazy value: a fork may come while another
/// thread makes that, and the child would wait for it.
static CORES: AtomicUsize = AtomicUsize::new(0);

/// Where there is one core, whoever watches keeps everybody else from working. (Not std's
/// `available_parallelism`, which opens files: the caller would see descriptors come and go.)
fn several_cores() -> bool {
    let mut cores = CORES.load(Ordering::Relaxed);
    if cores == 0 {
        cores = host::cpus_of_this_thread().unwrap_or(1);
        CORES.store(cores, Ordering::Relaxed);
    }
    cores > 1
}

pub struct AdaptiveSpin {
    /// Only a hint, so no order between threads is needed.
    credit: AtomicI32,
    /// What the next try costs if it is in vain: twice as much as the one before until one succeeds,
    /// `max_failure` at most.
    failure: AtomicI32,
    max_failure: i16,
    /// For how long to watch, in microseconds: a loop has no room for a `Duration`.
    spin: u16,
}

impl AdaptiveSpin {
    /// For what usually comes soon.
    pub const fn new() -> AdaptiveSpin {
        AdaptiveSpin::with(MAX_CREDIT, FAILURE, SPIN_MICROS)
    }

    /// For what has to prove first that it comes soon, and may come from any number of threads. One
    /// try in vain after another costs more, up to `limit` times as much as the first.
    pub const fn earned(limit: i16) -> AdaptiveSpin {
        AdaptiveSpin::with(0, limit * FAILURE, SHORT_SPIN_MICROS)
    }

    const fn with(credit: i32, max_failure: i16, spin: u16) -> AdaptiveSpin {
        AdaptiveSpin {
            credit: AtomicI32::new(credit),
            failure: AtomicI32::new(FAILURE as i32),
            max_failure,
            spin,
        }
    }

    /// Watches until `ready` or the time is up; whether it is ready.
    pub fn watch(&self, ready: impl Fn() -> bool) -> bool {
        ready() || (self.has_credit() && self.spin(1, ready))
    }

    /// As `watch`, for what takes a system call to find out: without credit it does not look at all.
    // Inlined for the reason that `Loop::poll` is.
    #[inline(always)]
    pub fn ask(&self, mut ready: impl FnMut() -> bool) -> bool {
        self.has_credit() && (ready() || self.spin(HINTS, ready))
    }

    fn has_credit(&self) -> bool {
        self.credit.load(Ordering::Relaxed) >= i32::from(FAILURE) && several_cores()
    }

    fn duration(&self) -> Duration {
        Duration::from_micros(self.spin.into())
    }

    /// Looks each time the processor was told so often that it waits.
    #[inline(never)]
    fn spin(&self, hints_per_look: u32, mut ready: impl FnMut() -> bool) -> bool {
        let credit = self.credit.load(Ordering::Relaxed);
        let end = Instant::now() + self.duration();
        loop {
            for hint in 1..=HINTS {
                core::hint::spin_loop();
                if hint % hints_per_look == 0 && ready() {
                    self.failure.store(FAILURE.into(), Ordering::Relaxed);
                    self.earn(credit);
                    return true;
                }
            }
            // No yielding in between: on a busy machine that costs a whole time slice.
            if Instant::now() >= end {
                let failure = self.failure.load(Ordering::Relaxed);
                self.credit.store(credit - failure, Ordering::Relaxed);
                self.failure.store((2 * failure).min(self.max_failure.into()), Ordering::Relaxed);
                return false;
            }
        }
    }

    /// Takes note of how long a sleep was.
    pub fn slept(&self, since: Instant) {
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
