//! Mutexes and read-write locks.
//!
//! A lock may be used by several threads between its init and its destroy function. Functions that return
//! nothing abort the process if the C library detects misuse.

use super::pthread::{attempt, require};
use crate::abi::*;
use crate::sys::c;
use crate::sys::check;
use core::ffi::c_int;
use core::mem::MaybeUninit;
use core::ptr;

/// A mutex attribute.
struct MutexAttribute(libc::pthread_mutexattr_t);

impl MutexAttribute {
    fn recursive() -> Result<MutexAttribute> {
        let mut attribute = MaybeUninit::uninit();
        // SAFETY: pthread_mutexattr_init() fills in the attribute or fails.
        unsafe {
            check(c::pthread_mutexattr_init(attribute.as_mut_ptr()))?;
            let mut attribute = MutexAttribute(attribute.assume_init());
            let kind = libc::PTHREAD_MUTEX_RECURSIVE;
            check(c::pthread_mutexattr_settype(&raw mut attribute.0, kind))?;
            Ok(attribute)
        }
    }
}

impl Drop for MutexAttribute {
    fn drop(&mut self) {
        // SAFETY: the attribute is initialised.
        require(unsafe { c::pthread_mutexattr_destroy(&raw mut self.0) });
    }
}

/// Initialises a mutex that a thread must not lock twice.
///
/// Returns 0 or an error code. See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_mutex_init>.
///
/// # Safety
/// `handle` is memory for a mutex that is not in use.
#[no_mangle]
pub unsafe extern "C" fn uv_mutex_init(handle: *mut uv_mutex_t) -> c_int {
    // SAFETY: as documented.
    check(unsafe { c::pthread_mutex_init(handle, ptr::null()) }).into_c()
}

/// Initialises a mutex that the thread which holds it may lock again. It must be unlocked as many
/// times.
///
/// Returns 0 or an error code.
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_mutex_init_recursive>.
///
/// # Safety
/// `handle` is memory for a mutex that is not in use.
#[no_mangle]
pub unsafe extern "C" fn uv_mutex_init_recursive(handle: *mut uv_mutex_t) -> c_int {
    MutexAttribute::recursive()
        .and_then(|attribute| {
            // SAFETY: as documented.
            check(unsafe { c::pthread_mutex_init(handle, &raw const attribute.0) })
        })
        .into_c()
}

/// Destroys a mutex that no thread holds. Its memory may be reused.
///
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_mutex_destroy>.
///
/// # Safety
/// `handle` is an initialised mutex.
#[no_mangle]
pub unsafe extern "C" fn uv_mutex_destroy(handle: *mut uv_mutex_t) {
    // SAFETY: as documented.
    require(unsafe { c::pthread_mutex_destroy(handle) });
}

/// Locks a mutex, waiting until it is free.
///
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_mutex_lock>.
///
/// # Safety
/// `handle` is an initialised mutex.
#[no_mangle]
pub unsafe extern "C" fn uv_mutex_lock(handle: *mut uv_mutex_t) {
    // SAFETY: as documented.
    require(unsafe { c::pthread_mutex_lock(handle) });
}

/// Locks a mutex if it is free. Returns 0 or `UV_EBUSY`.
///
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_mutex_trylock>.
///
/// # Safety
/// `handle` is an initialised mutex.
#[no_mangle]
pub unsafe extern "C" fn uv_mutex_trylock(handle: *mut uv_mutex_t) -> c_int {
    // SAFETY: as documented.
    attempt(unsafe { c::pthread_mutex_trylock(handle) }).into_c()
}

/// Unlocks a mutex, on the thread that locked it.
///
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_mutex_unlock>.
///
/// # Safety
/// `handle` is a mutex that this thread holds.
#[no_mangle]
pub unsafe extern "C" fn uv_mutex_unlock(handle: *mut uv_mutex_t) {
    // SAFETY: as documented.
    require(unsafe { c::pthread_mutex_unlock(handle) });
}

/// Initialises a read-write lock. Returns 0 or an error code.
///
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_rwlock_init>.
///
/// # Safety
/// `rwlock` is memory for a lock that is not in use.
#[no_mangle]
pub unsafe extern "C" fn uv_rwlock_init(rwlock: *mut uv_rwlock_t) -> c_int {
    // SAFETY: as documented.
    check(unsafe { c::pthread_rwlock_init(rwlock, ptr::null()) }).into_c()
}

/// Destroys a read-write lock that no thread holds. Its memory may be reused.
///
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_rwlock_destroy>.
///
/// # Safety
/// `rwlock` is an initialised lock.
#[no_mangle]
pub unsafe extern "C" fn uv_rwlock_destroy(rwlock: *mut uv_rwlock_t) {
    // SAFETY: as documented.
    require(unsafe { c::pthread_rwlock_destroy(rwlock) });
}

/// Locks for reading, waiting until no writer holds the lock. Any number of readers may hold it.
///
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_rwlock_rdlock>.
///
/// # Safety
/// `rwlock` is an initialised lock.
#[no_mangle]
pub unsafe extern "C" fn uv_rwlock_rdlock(rwlock: *mut uv_rwlock_t) {
    // SAFETY: as documented.
    require(unsafe { c::pthread_rwlock_rdlock(rwlock) });
}

/// Locks for reading if no writer holds the lock. Returns 0 or `UV_EBUSY`.
///
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_rwlock_tryrdlock>.
///
/// # Safety
/// `rwlock` is an initialised lock.
#[no_mangle]
pub unsafe extern "C" fn uv_rwlock_tryrdlock(rwlock: *mut uv_rwlock_t) -> c_int {
    // SAFETY: as documented.
    attempt(unsafe { c::pthread_rwlock_tryrdlock(rwlock) }).into_c()
}

/// Unlocks a lock that is held for reading.
///
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_rwlock_rdunlock>.
///
/// # Safety
/// `rwlock` is a lock that this thread holds for reading.
#[no_mangle]
pub unsafe extern "C" fn uv_rwlock_rdunlock(rwlock: *mut uv_rwlock_t) {
    // SAFETY: as documented.
    require(unsafe { c::pthread_rwlock_unlock(rwlock) });
}

/// Locks for writing, waiting until no other thread holds the lock.
///
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_rwlock_wrlock>.
///
/// # Safety
/// `rwlock` is an initialised lock.
#[no_mangle]
pub unsafe extern "C" fn uv_rwlock_wrlock(rwlock: *mut uv_rwlock_t) {
    // SAFETY: as documented.
    require(unsafe { c::pthread_rwlock_wrlock(rwlock) });
}

/// Locks for writing if no thread holds the lock. Returns 0 or `UV_EBUSY`.
///
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_rwlock_trywrlock>.
///
/// # Safety
/// `rwlock` is an initialised lock.
#[no_mangle]
pub unsafe extern "C" fn uv_rwlock_trywrlock(rwlock: *mut uv_rwlock_t) -> c_int {
    // SAFETY: as documented.
    attempt(unsafe { c::pthread_rwlock_trywrlock(rwlock) }).into_c()
}

/// Unlocks a lock that is held for writing.
///
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_rwlock_wrunlock>.
///
/// # Safety
/// `rwlock` is a lock that this thread holds for writing.
#[no_mangle]
pub unsafe extern "C" fn uv_rwlock_wrunlock(rwlock: *mut uv_rwlock_t) {
    // SAFETY: as documented.
    require(unsafe { c::pthread_rwlock_unlock(rwlock) });
}
