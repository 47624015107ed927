//! Clocks and sleeping.

use super::{retry, syscall};
use crate::abi::Result;
use core::mem::MaybeUninit;
use core::ptr;
use once_cell::sync::Lazy;

pub fn clock_gettime(clock: libc::clockid_t) -> Result<libc::timespec> {
    let mut time = MaybeUninit::uninit();
    syscall!(clock_gettime(clock, time.as_mut_ptr()))?;
    // SAFETY: clock_gettime() succeeded and filled it in.
    Ok(unsafe { time.assume_init() })
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
        let mut resolution = libc::timespec { tv_sec: 1, tv_nsec: 0 };
        match syscall!(clock_getres(libc::CLOCK_MONOTONIC_COARSE, &mut resolution)) {
            Ok(_) if resolution.tv_sec == 0 && resolution.tv_nsec <= 1_000_000 => {
                libc::CLOCK_MONOTONIC_COARSE
            }
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
    let left: *mut libc::timespec = ptr::addr_of_mut!(left);
    // The kernel writes the rest into `left`; EINVAL cannot happen for values in range.
    let _ = retry(|| syscall!(nanosleep(left, left)));
}
