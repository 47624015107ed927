//! Semaphores, conditions, barriers and one-time initialisation.
//!
//! Functions that return nothing abort the process if the C library detects misuse.

use super::pthread::require;
use crate::abi::*;
use crate::sys;
use crate::sys::c;
use crate::sys::check;
use core::ffi::{c_int, c_uint};
use core::mem::MaybeUninit;
use core::ptr;

const NANOSECONDS_PER_SECOND: u64 = 1_000_000_000;

/// Repeats a semaphore function while signal handlers interrupt it.
fn semaphore_call(mut call: impl FnMut() -> c_int) -> Result {
    sys::retry(|| match call() {
        0 => Ok(()),
        _ => Err(Error::last()),
    })
}

/// Initialises a semaphore with a count. Returns 0, or `UV_EINVAL` for a count above `INT_MAX`.
///
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_sem_init>.
///
/// # Safety
/// `sem` is memory for a semaphore that is not in use.
#[no_mangle]
pub unsafe extern "C" fn uv_sem_init(sem: *mut uv_sem_t, value: c_uint) -> c_int {
    // SAFETY: as documented.
    semaphore_call(|| unsafe { c::sem_init(sem, 0, value) }).into_c()
}

/// Destroys a semaphore that no thread waits for. Its memory may be reused.
///
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_sem_destroy>.
///
/// # Safety
/// `sem` is an initialised semaphore.
#[no_mangle]
pub unsafe extern "C" fn uv_sem_destroy(sem: *mut uv_sem_t) {
    // SAFETY: as documented.
    require(unsafe { c::sem_destroy(sem) });
}

/// Increments the count, which releases one waiter.
///
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_sem_post>.
///
/// # Safety
/// `sem` is an initialised semaphore.
#[no_mangle]
pub unsafe extern "C" fn uv_sem_post(sem: *mut uv_sem_t) {
    // SAFETY: as documented.
    require(unsafe { c::sem_post(sem) });
}

/// Decrements the count, waiting until it is not 0. Signals do not end the wait.
///
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_sem_wait>.
///
/// # Safety
/// `sem` is an initialised semaphore.
#[no_mangle]
pub unsafe extern "C" fn uv_sem_wait(sem: *mut uv_sem_t) {
    // SAFETY: as documented.
    require(semaphore_call(|| unsafe { c::sem_wait(sem) }).into_c());
}

/// Decrements the count if it is not 0. Returns 0 or `UV_EAGAIN`.
///
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_sem_trywait>.
///
/// # Safety
/// `sem` is an initialised semaphore.
#[no_mangle]
pub unsafe extern "C" fn uv_sem_trywait(sem: *mut uv_sem_t) -> c_int {
    // SAFETY: as documented.
    let result = semaphore_call(|| unsafe { c::sem_trywait(sem) });
    if result != Err(Error::EAGAIN) {
        require(result.into_c());
    }
    result.into_c()
}

/// Initialises a condition. Returns 0 or an error code.
///
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_cond_init>.
///
/// # Safety
/// `cond` is memory for a condition that is not in use.
#[no_mangle]
pub unsafe extern "C" fn uv_cond_init(cond: *mut uv_cond_t) -> c_int {
    let mut attribute = MaybeUninit::uninit();
    let attribute = attribute.as_mut_ptr();
    // SAFETY: as documented; the attribute is used after it is initialised.
    let result = unsafe {
        check(c::pthread_condattr_init(attribute)).and_then(|()| {
            // A change of the time of day must not affect timed waits.
            let result = check(c::pthread_condattr_setclock(attribute, libc::CLOCK_MONOTONIC))
                .and_then(|()| check(c::pthread_cond_init(cond, attribute)));
            require(c::pthread_condattr_destroy(attribute));
            result
        })
    };
    result.into_c()
}

/// Destroys a condition that no thread waits for. Its memory may be reused.
///
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_cond_destroy>.
///
/// # Safety
/// `cond` is an initialised condition.
#[no_mangle]
pub unsafe extern "C" fn uv_cond_destroy(cond: *mut uv_cond_t) {
    // SAFETY: as documented.
    require(unsafe { c::pthread_cond_destroy(cond) });
}

/// Wakes at least one waiting thread, if there is any.
///
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_cond_signal>.
///
/// # Safety
/// `cond` is an initialised condition.
#[no_mangle]
pub unsafe extern "C" fn uv_cond_signal(cond: *mut uv_cond_t) {
    // SAFETY: as documented.
    require(unsafe { c::pthread_cond_signal(cond) });
}

/// Wakes all waiting threads.
///
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_cond_broadcast>.
///
/// # Safety
/// `cond` is an initialised condition.
#[no_mangle]
pub unsafe extern "C" fn uv_cond_broadcast(cond: *mut uv_cond_t) {
    // SAFETY: as documented.
    require(unsafe { c::pthread_cond_broadcast(cond) });
}

/// Unlocks the mutex, waits to be woken, and locks it again. Spurious wake-ups are possible.
///
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_cond_wait>.
///
/// # Safety
/// `cond` is an initialised condition, and `mutex` a mutex that this thread holds.
#[no_mangle]
pub unsafe extern "C" fn uv_cond_wait(cond: *mut uv_cond_t, mutex: *mut uv_mutex_t) {
    // SAFETY: as documented.
    require(unsafe { c::pthread_cond_wait(cond, mutex) });
}

/// Like `uv_cond_wait()`, for at most `timeout` nanoseconds. Returns 0 or `UV_ETIMEDOUT`; the mutex is
/// locked again in both cases.
///
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_cond_timedwait>.
///
/// # Safety
/// `cond` comes from `uv_cond_init()`, and `mutex` is a mutex that this thread holds.
#[no_mangle]
pub unsafe extern "C" fn uv_cond_timedwait(
    cond: *mut uv_cond_t,
    mutex: *mut uv_mutex_t,
    timeout: u64,
) -> c_int {
    // As in libuv, a sum that overflows is in the past.
    let end = sys::time::monotonic().wrapping_add(timeout);
    let end = libc::timespec {
        tv_sec: (end / NANOSECONDS_PER_SECOND) as i64,
        tv_nsec: (end % NANOSECONDS_PER_SECOND) as libc::c_long,
    };
    // SAFETY: as documented.
    match unsafe { c::pthread_cond_timedwait(cond, mutex, &raw const end) } {
        libc::ETIMEDOUT => Error::ETIMEDOUT.code(),
        errno => {
            require(errno);
            0
        }
    }
}

/// Initialises a barrier for `count` threads. Returns 0, or `UV_EINVAL` for a count of 0 or above
/// `INT_MAX`.
///
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_barrier_init>.
///
/// # Safety
/// `barrier` is memory for a barrier that is not in use.
#[no_mangle]
pub unsafe extern "C" fn uv_barrier_init(barrier: *mut uv_barrier_t, count: c_uint) -> c_int {
    // SAFETY: as documented.
    check(unsafe { c::pthread_barrier_init(barrier, ptr::null(), count) }).into_c()
}

/// Destroys a barrier after all waiting threads have been released. Its memory may be reused.
///
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_barrier_destroy>.
///
/// # Safety
/// `barrier` is an initialised barrier.
#[no_mangle]
pub unsafe extern "C" fn uv_barrier_destroy(barrier: *mut uv_barrier_t) {
    // SAFETY: as documented.
    require(unsafe { c::pthread_barrier_destroy(barrier) });
}

/// Waits until as many threads wait as the barrier is for, and then releases all of them.
///
/// Returns a positive number in one of the threads, which may then destroy the barrier, and 0 in the
/// others. See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_barrier_wait>.
///
/// # Safety
/// `barrier` is an initialised barrier.
#[no_mangle]
pub unsafe extern "C" fn uv_barrier_wait(barrier: *mut uv_barrier_t) -> c_int {
    // SAFETY: as documented.
    match unsafe { c::pthread_barrier_wait(barrier) } {
        libc::PTHREAD_BARRIER_SERIAL_THREAD => 1,
        errno => {
            require(errno);
            0
        }
    }
}

/// Calls the function once for each guard. Other threads that call this in the meantime wait until the
/// function has returned.
///
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_once>.
///
/// # Safety
/// `guard` started as `UV_ONCE_INIT`.
#[no_mangle]
pub unsafe extern "C-unwind" fn uv_once(guard: *mut uv_once_t, callback: extern "C-unwind" fn()) {
    extern "C-unwind" {
        // The libc crate lacks it. A declaration in here stays out of the C header.
        fn pthread_once(once: *mut uv_once_t, routine: extern "C-unwind" fn()) -> c_int;
    }
    // SAFETY: as documented.
    require(unsafe { pthread_once(guard, callback) });
}
