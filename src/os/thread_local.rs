//! Thread-local storage: keys, for each of which every thread has its own pointer.

use super::pthread::require;
use crate::abi::*;
use crate::sys::c;
use crate::sys::check;
use core::ffi::{c_int, c_void};

/// Creates a key, whose value is NULL in every thread.
///
/// Returns 0, or an error code such as `UV_EAGAIN` if there are too many keys.
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_key_create>.
///
/// # Safety
/// `key` is memory for a key.
#[no_mangle]
pub unsafe extern "C" fn uv_key_create(key: *mut uv_key_t) -> c_int {
    // SAFETY: as documented.
    check(unsafe { c::pthread_key_create(key, None) }).into_c()
}

/// Deletes a key. It does not release the values.
///
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_key_delete>.
///
/// # Safety
/// `key` points to a key that exists.
#[no_mangle]
pub unsafe extern "C" fn uv_key_delete(key: *mut uv_key_t) {
    // SAFETY: as documented.
    require(unsafe { c::pthread_key_delete(*key) });
}

/// Returns the calling thread's value.
///
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_key_get>.
///
/// # Safety
/// `key` points to a key that exists.
#[no_mangle]
pub unsafe extern "C" fn uv_key_get(key: *mut uv_key_t) -> *mut c_void {
    // SAFETY: as documented.
    unsafe { c::pthread_getspecific(*key) }
}

/// Sets the calling thread's value.
///
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_key_set>.
///
/// # Safety
/// `key` points to a key that exists.
#[no_mangle]
pub unsafe extern "C" fn uv_key_set(key: *mut uv_key_t, value: *mut c_void) {
    // SAFETY: as documented.
    require(unsafe { c::pthread_setspecific(*key, value) });
}
