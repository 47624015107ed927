//! Clocks and sleeping.

use crate::abi::*;
use crate::sys;
use core::ffi::{c_int, c_uint};

/// The monotonic clock, in nanoseconds from an unspecified start.
///
/// Any thread. See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_hrtime>.
#[no_mangle]
pub extern "C" fn uv_hrtime() -> u64 {
    sys::time::monotonic()
}

/// Reads a clock.
///
/// Returns 0; `UV_EFAULT` when `ts` is NULL; `UV_EINVAL` when there is no such clock. Any thread.
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
    let read = sys::time::clock_gettime(clock).map(|time| {
        let time = uv_timespec64_t { tv_sec: time.tv_sec, tv_nsec: time.tv_nsec as i32 };
        // SAFETY: the caller's contract.
        unsafe { ts.write(time) };
    });
    read.into_c()
}

/// Makes the calling thread sleep for `msec` milliseconds.
///
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_sleep>.
#[no_mangle]
pub extern "C" fn uv_sleep(msec: c_uint) {
    sys::time::sleep(msec);
}

/// Gets the time of day, in seconds and microseconds since 1970 began.
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
    let time = sys::time::clock_gettime(libc::CLOCK_REALTIME)
        .map(|time| uv_timeval64_t { tv_sec: time.tv_sec, tv_usec: (time.tv_nsec / 1000) as i32 });
    // SAFETY: the caller's contract.
    time.map(|time| unsafe { tv.write(time) }).into_c()
}
