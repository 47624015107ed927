//! Clocks and sleeping.

use super::{c, cvt, output, retry};
use crate::abi::Result;
use once_cell::sync::Lazy;

pub fn clock_gettime(clock: libc::clockid_t) -> Result<libc::timespec> {
    // SAFETY: clock_gettime() fills in the struct.
    unsafe { output(|time| c::clock_gettime(clock, time)) }
}

/// The monotonic clock, in nanoseconds.
pub fn monotonic() -> u64 {
    // Cannot fail on Linux, nor can the coarse one below.
    clock_gettime(libc::CLOCK_MONOTONIC)
        .map_or(0, |time| time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64)
}

/// The monotonic clock in milliseconds, as cheaply as millisecond precision can be had.
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
        .map_or(0, |time| time.tv_sec as u64 * 1000 + time.tv_nsec as u64 / 1_000_000)
}

/// Sleeps for the whole of `milliseconds`, however often signals interrupt.
pub fn sleep(milliseconds: u32) {
    let mut left = libc::timespec {
        tv_sec: (milliseconds / 1000) as libc::time_t,
        tv_nsec: (milliseconds % 1000 * 1_000_000) as libc::c_long,
    };
    let left = &raw mut left;
    // EINVAL cannot happen for values in range.
    // SAFETY: reads and writes the one struct; a call that is interrupted stores the rest.
    let _ = retry(|| cvt(unsafe { c::nanosleep(left, left) }));
}
