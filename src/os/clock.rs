//! Clocks and sleeping.

use crate::abi::*;
use crate::sys;
use core::ffi::{c_int, c_long, c_uint};

/// Returns the time of the monotonic clock, in nanoseconds since an arbitrary point.
///
/// Any thread. See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_hrtime>.
#[no_mangle]
pub extern "C" fn uv_hrtime() -> u64 {
    sys::time::monotonic()
}

/// Converts a part of a second, which always fits.
fn below_second(part: c_long) -> i32 {
    part.try_into().unwrap_or(0)
}

/// Reads a clock.
///
/// Returns 0; `UV_EFAULT` if `ts` is NULL; `UV_EINVAL` if there is no such clock. Any thread.
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_clock_gettime>.
///
/// # Safety
/// `ts` is NULL or writable.
#[no_mangle]
pub unsafe extern "C" fn uv_clock_gettime(
    clock_id: uv_clock_id,
    ts: *mut uv_timespec64_t,
) -> c_int {
    if ts.is_null() {
        return Error::EFAULT.code();
    }
    let clock = match clock_id {
        UV_CLOCK_MONOTONIC => libc::CLOCK_MONOTONIC,
        UV_CLOCK_REALTIME => libc::CLOCK_REALTIME,
        _ => return Error::EINVAL.code(),
    };
    let time = sys::time::clock_gettime(clock)
        .map(|time| uv_timespec64_t { tv_sec: time.tv_sec, tv_nsec: below_second(time.tv_nsec) });
    // SAFETY: as documented.
    time.map(|time| unsafe { ts.write(time) }).into_c()
}

/// Puts the calling thread to sleep for `msec` milliseconds.
///
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_sleep>.
#[no_mangle]
pub extern "C" fn uv_sleep(msec: c_uint) {
    sys::time::sleep(msec);
}

/// Gets the time of day, in seconds and microseconds since the start of 1970.
///
/// Returns 0, or `UV_EINVAL` for NULL.
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_gettimeofday>.
///
/// # Safety
/// `tv` is NULL or good for writing.
#[no_mangle]
pub unsafe extern "C" fn uv_gettimeofday(tv: *mut uv_timeval64_t) -> c_int {
    if tv.is_null() {
        return Error::EINVAL.code();
    }
    let time = sys::time::clock_gettime(libc::CLOCK_REALTIME).map(|time| uv_timeval64_t {
        tv_sec: time.tv_sec,
        tv_usec: below_second(time.tv_nsec / 1000),
    });
    // SAFETY: as documented.
    time.map(|time| unsafe { tv.write(time) }).into_c()
}
