//! The C library's environment. `std::env` has a lock, which C code does not take.

use super::{c, cvt};
use crate::abi::Result;
use core::ffi::{c_char, CStr};

extern "C" {
    static environ: *const *const c_char;
}

/// # Safety
/// No thread changes the environment now, nor while the result is used.
pub unsafe fn get<'a>(name: &CStr) -> Option<&'a CStr> {
    // SAFETY: as documented, so the result is NULL or stays a string.
    unsafe {
        let value = c::getenv(name.as_ptr());
        (!value.is_null()).then(|| CStr::from_ptr(value))
    }
}

/// As [`get`], but finds nothing in a program with more rights than its user.
///
/// # Safety
/// As for [`get`].
pub unsafe fn get_secure<'a>(name: &CStr) -> Option<&'a CStr> {
    #[cfg(miri)]
    use c::getenv as secure_getenv;
    #[cfg(not(miri))]
    extern "C" {
        fn secure_getenv(name: *const c_char) -> *const c_char;
    }
    // SAFETY: as documented, so the result is NULL or stays a string.
    unsafe {
        let value = secure_getenv(name.as_ptr());
        (!value.is_null()).then(|| CStr::from_ptr(value))
    }
}

/// # Safety
/// No other thread uses the environment now.
pub unsafe fn set(name: &CStr, value: &CStr) -> Result {
    // SAFETY: as documented; both are strings, which setenv() copies.
    cvt(unsafe { c::setenv(name.as_ptr(), value.as_ptr(), 1) }).map(drop)
}

/// # Safety
/// No other thread uses the environment now.
pub unsafe fn unset(name: &CStr) -> Result {
    // SAFETY: as documented.
    cvt(unsafe { c::unsetenv(name.as_ptr()) }).map(drop)
}

/// Returns all entries. They are `name=value` unless the program put something else there.
///
/// # Safety
/// No thread changes the environment now, nor while the result is used.
pub unsafe fn entries<'a>() -> impl Iterator<Item = &'a CStr> {
    // SAFETY: as documented. The pointer is NULL after clearenv().
    let mut next = unsafe { environ };
    core::iter::from_fn(move || {
        if next.is_null() {
            return None;
        }
        // SAFETY: `next` is within the array, which NULL ends.
        unsafe {
            let entry = *next;
            if entry.is_null() {
                return None;
            }
            next = next.add(1);
            Some(CStr::from_ptr(entry))
        }
    })
}
