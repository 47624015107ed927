//! Clocks and sleeping.

use super::{c, cvt, output, retry};
use crate::abi::Result;
use once_cell::sync::Lazy;

#[inline]
pub fn clock_gettime(clock: libc::clockid_t) -> Result<libc::timespec> {
    // SAFETY: clock_gettime() fills in the struct.
    unsafe { output(|time| c::clock_gettime(clock, time)) }
}

/// Returns the time of the monotonic clock, in nanoseconds.
#[inline(never)]
pub fn monotonic() -> u64 {
    // Never fails on Linux, and is never negative, nor is the coarse clock below.
    clock_gettime(libc::CLOCK_MONOTONIC)
        .map_or(0, |time| (time.tv_sec * 1_000_000_000 + time.tv_nsec).unsigned_abs())
}

/// Returns the time of the monotonic clock in milliseconds, from the coarse clock if that is precise
/// enough.
#[inline(always)]
pub fn monotonic_ms() -> u64 {
    static CLOCK: Lazy<libc::clockid_t> = Lazy::new(|| {
        let coarse = libc::CLOCK_MONOTONIC_COARSE;
        // SAFETY: clock_getres() fills in the struct.
        match unsafe { output(|resolution| c::clock_getres(coarse, resolution)) } {
            Ok(libc::timespec { tv_sec: 0, tv_nsec: ..=1_000_000 }) => coarse,
            _ => libc::CLOCK_MONOTONIC,
        }
    });
    clock_gettime(*CLOCK)
        .map_or(0, |time| (time.tv_sec * 1000 + time.tv_nsec / 1_000_000).unsigned_abs())
}

/// Sleeps for `milliseconds`, also when signals interrupt.
pub fn sleep(milliseconds: u32) {
    let mut left = libc::timespec {
        tv_sec: i64::from(milliseconds / 1000),
        tv_nsec: (milliseconds % 1000 * 1_000_000) as libc::c_long,
    };
    let left = &raw mut left;
    // SAFETY: reads and writes one struct. A call that is interrupted stores the rest; there is no
    // other error for values in range.
    let _ = retry(|| cvt(unsafe { c::nanosleep(left, left) }));
}
