//! The monotonic clock for observers, who read it several times in an iteration.
//!
//! The processor's counter takes half as long to read as the clock, which the kernel computes from it. It is
//! used between readings of the clock, where the kernel uses it, too.

use crate::sys::time;
use core::cell::Cell;

/// How many ticks after a reading of the clock it is read again: some 100 microseconds.
const VALID_TICKS: u64 = 1 << 18;

/// How far apart the readings are that the rate is computed from, in nanoseconds. A reading is off by less
/// than [`MAX_READ_TICKS`], so the time is off by some nanoseconds.
const RATE_INTERVAL: core::ops::Range<u64> = 2_000_000..1_000_000_000;
/// The most ticks that a reading of the clock may take. One that took longer was interrupted.
const MAX_READ_TICKS: u64 = 1 << 9;
/// A time with this many binary places, in ticks, is the rate: the nanoseconds of a tick.
const RATE_BITS: u32 = 32;
/// Above this rate, the counter has less than 1 MHz.
const MAX_RATE: u64 = 1000 << RATE_BITS;

#[derive(Clone, Copy)]
struct Reading {
    nanoseconds: u64,
    ticks: u64,
}

const NONE: Reading = Reading { nanoseconds: 0, ticks: 0 };

/// The clock of one thread.
pub struct Clock {
    /// The latest reading, and for how many ticks it is valid.
    latest: Cell<Reading>,
    valid: Cell<u64>,
    rate: Cell<u64>,
    /// Whether the counter can be used; `None` before the first reading.
    usable: Cell<Option<bool>>,
    /// The reading that the next rate is computed from.
    first: Cell<Reading>,
}

impl Clock {
    pub const fn new() -> Clock {
        Clock {
            latest: Cell::new(NONE),
            valid: Cell::new(0),
            rate: Cell::new(0),
            usable: Cell::new(None),
            first: Cell::new(NONE),
        }
    }

    /// Returns the time of the monotonic clock, in nanoseconds.
    #[inline(always)]
    pub fn now(&self) -> u64 {
        let Reading { nanoseconds, ticks } = self.latest.get();
        let passed = counter().wrapping_sub(ticks);
        if passed >= self.valid.get() {
            return self.read();
        }
        // Below 2^18 * 2^42.
        nanoseconds + ((passed * self.rate.get()) >> RATE_BITS)
    }

    #[cold]
    #[inline(never)]
    fn read(&self) -> u64 {
        let usable = self.usable.get().unwrap_or_else(kernel_uses_counter);
        self.usable.set(Some(usable));
        let before = counter();
        let nanoseconds = time::monotonic();
        let ticks = counter();
        let reading = Reading { nanoseconds, ticks };
        let is_exact = usable && ticks.wrapping_sub(before) < MAX_READ_TICKS;
        if is_exact {
            self.update_rate(reading);
        }
        self.latest.set(reading);
        self.valid.set(if is_exact && self.rate.get() != 0 { VALID_TICKS } else { 0 });
        nanoseconds
    }

    fn update_rate(&self, reading: Reading) {
        let first = self.first.get();
        let nanoseconds = reading.nanoseconds.wrapping_sub(first.nanoseconds);
        if nanoseconds < RATE_INTERVAL.start {
            return;
        }
        self.first.set(reading);
        if RATE_INTERVAL.contains(&nanoseconds) {
            let ticks = reading.ticks.wrapping_sub(first.ticks);
            let rate = (nanoseconds << RATE_BITS).checked_div(ticks).unwrap_or(0);
            self.rate.set(if rate < MAX_RATE { rate } else { 0 });
        }
    }
}

/// Returns whether the kernel computes the time from the processor's counter, hence trusts it.
#[cfg(all(target_arch = "x86_64", not(miri)))]
fn kernel_uses_counter() -> bool {
    use crate::sys::fd;
    let path = c"/sys/devices/system/clocksource/clocksource0/current_clocksource";
    let mut name = [0; 4];
    if let Ok(fd) = fd::open_cloexec(path, libc::O_RDONLY) {
        let _ = fd::read_bytes(fd, &mut name);
        let _ = fd::close(fd);
    }
    &name == b"tsc\n"
}

#[cfg(not(all(target_arch = "x86_64", not(miri))))]
fn kernel_uses_counter() -> bool {
    false
}

/// Returns the processor's counter.
#[cfg(all(target_arch = "x86_64", not(miri)))]
#[inline(always)]
fn counter() -> u64 {
    // SAFETY: every x86-64 processor has the instruction. Where it is disabled, the kernel's vDSO does not
    // work either.
    unsafe { core::arch::x86_64::_rdtsc() }
}

#[cfg(not(all(target_arch = "x86_64", not(miri))))]
#[inline(always)]
fn counter() -> u64 {
    0
}

#[cfg(all(test, not(miri)))]
mod tests {
    use super::{time, Clock};

    /// In nanoseconds.
    const OFF: u64 = 10_000;

    #[test]
    fn the_time_is_that_of_the_monotonic_clock() {
        let clock = Clock::new();
        let start = time::monotonic();
        let mut last = start;
        // Several rates are computed.
        while last - start < 20_000_000 {
            let now = clock.now();
            let after = time::monotonic();
            assert!(now + OFF > last && now < after + OFF, "{last} {now} {after}");
            last = after;
        }
    }
}
