//! Semaphores, conditions, barriers, and code that runs once.
//!
//! Where a function returns nothing, misuse that the system notices ends the process.

use super::pthread::require;
use crate::abi::*;
use crate::sys;
use crate::sys::c;
use crate::sys::check;
use core::ffi::{c_int, c_uint};
use core::mem::MaybeUninit;
use core::ptr;

const NANOSECONDS_PER_SECOND: u64 = 1_000_000_000;

/// Calls a function of the semaphores again for as long as a signal handler interrupts it.
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
    // SAFETY: the caller's contract.
    semaphore_call(|| unsafe { c::sem_init(sem, 0, value) }).into_c()
}

/// Ends a semaphore that nobody waits for. Its memory is the caller's again.
///
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_sem_destroy>.
///
/// # Safety
/// `sem` is an initialised semaphore.
#[no_mangle]
pub unsafe extern "C" fn uv_sem_destroy(sem: *mut uv_sem_t) {
    // SAFETY: the caller's contract.
    require(unsafe { c::sem_destroy(sem) });
}

/// Adds 1 to the count, which lets one waiter through.
///
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_sem_post>.
///
/// # Safety
/// `sem` is an initialised semaphore.
#[no_mangle]
pub unsafe extern "C" fn uv_sem_post(sem: *mut uv_sem_t) {
    // SAFETY: the caller's contract.
    require(unsafe { c::sem_post(sem) });
}

/// Takes 1 from the count, when it is not 0. Signals do not end the wait.
///
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_sem_wait>.
///
/// # Safety
/// `sem` is an initialised semaphore.
#[no_mangle]
pub unsafe extern "C" fn uv_sem_wait(sem: *mut uv_sem_t) {
    // SAFETY: the caller's contract.
    require(semaphore_call(|| unsafe { c::sem_wait(sem) }).into_c());
}

/// Takes 1 from the count if it is not 0 now. Returns 0 or `UV_EAGAIN`.
///
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_sem_trywait>.
///
/// # Safety
/// `sem` is an initialised semaphore.
#[no_mangle]
pub unsafe extern "C" fn uv_sem_trywait(sem: *mut uv_sem_t) -> c_int {
    // SAFETY: the caller's contract.
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
    // SAFETY: the caller's contract; the attribute is initialised before it is used.
    let result = unsafe {
        check(c::pthread_condattr_init(attribute)).and_then(|()| {
            // Timed waits end when they should even if somebody sets the time of day.
            let result = check(c::pthread_condattr_setclock(attribute, libc::CLOCK_MONOTONIC))
                .and_then(|()| check(c::pthread_cond_init(cond, attribute)));
            require(c::pthread_condattr_destroy(attribute));
            result
        })
    };
    result.into_c()
}

/// Ends a condition that nobody waits for. Its memory is the caller's again.
///
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_cond_destroy>.
///
/// # Safety
/// `cond` is an initialised condition.
#[no_mangle]
pub unsafe extern "C" fn uv_cond_destroy(cond: *mut uv_cond_t) {
    // SAFETY: the caller's contract.
    require(unsafe { c::pthread_cond_destroy(cond) });
}

/// Wakes at least one of the threads that wait, if there are any.
///
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_cond_signal>.
///
/// # Safety
/// `cond` is an initialised condition.
#[no_mangle]
pub unsafe extern "C" fn uv_cond_signal(cond: *mut uv_cond_t) {
    // SAFETY: the caller's contract.
    require(unsafe { c::pthread_cond_signal(cond) });
}

/// Wakes all threads that wait.
///
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_cond_broadcast>.
///
/// # Safety
/// `cond` is an initialised condition.
#[no_mangle]
pub unsafe extern "C" fn uv_cond_broadcast(cond: *mut uv_cond_t) {
    // SAFETY: the caller's contract.
    require(unsafe { c::pthread_cond_broadcast(cond) });
}

/// Unlocks the mutex, waits to be woken, and locks it again. It may also return without reason.
///
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_cond_wait>.
///
/// # Safety
/// `cond` is an initialised condition, and `mutex` a mutex that this thread holds.
#[no_mangle]
pub unsafe extern "C" fn uv_cond_wait(cond: *mut uv_cond_t, mutex: *mut uv_mutex_t) {
    // SAFETY: the caller's contract.
    require(unsafe { c::pthread_cond_wait(cond, mutex) });
}

/// As `uv_cond_wait()`, but for at most `timeout` nanoseconds. Returns 0 or `UV_ETIMEDOUT`; the
/// mutex is locked again either way.
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
    // A sum that does not fit is in the past, as it is in libuv.
    let end = sys::time::monotonic().wrapping_add(timeout);
    let end = libc::timespec {
        tv_sec: (end / NANOSECONDS_PER_SECOND) as libc::time_t,
        tv_nsec: (end % NANOSECONDS_PER_SECOND) as libc::c_long,
    };
    // SAFETY: the caller's contract.
    match unsafe { c::pthread_cond_timedwait(cond, mutex, &raw const end) } {
        libc::ETIMEDOUT => Error::ETIMEDOUT.code(),
        errno => {
            require(errno);
            0
        }
    }
}

/// Initialises a barrier that `count` threads wait at. Returns 0, or `UV_EINVAL` for a count of 0
/// or above `INT_MAX`.
///
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_barrier_init>.
///
/// # Safety
/// `barrier` is memory for a barrier that is not in use.
#[no_mangle]
pub unsafe extern "C" fn uv_barrier_init(barrier: *mut uv_barrier_t, count: c_uint) -> c_int {
    // SAFETY: the caller's contract.
    check(unsafe { c::pthread_barrier_init(barrier, ptr::null(), count) }).into_c()
}

/// Ends a barrier, once all who waited have been let through. Its memory is the caller's again.
///
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_barrier_destroy>.
///
/// # Safety
/// `barrier` is an initialised barrier.
#[no_mangle]
pub unsafe extern "C" fn uv_barrier_destroy(barrier: *mut uv_barrier_t) {
    // SAFETY: the caller's contract.
    require(unsafe { c::pthread_barrier_destroy(barrier) });
}

/// Waits until as many threads wait as the barrier was made for, and then lets all of them
/// through.
///
/// Returns a positive number to one of them, which may then destroy the barrier, and 0 to the
/// others. See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_barrier_wait>.
///
/// # Safety
/// `barrier` is an initialised barrier.
#[no_mangle]
pub unsafe extern "C" fn uv_barrier_wait(barrier: *mut uv_barrier_t) -> c_int {
    // SAFETY: the caller's contract.
    match unsafe { c::pthread_barrier_wait(barrier) } {
        libc::PTHREAD_BARRIER_SERIAL_THREAD => 1,
        errno => {
            require(errno);
            0
        }
    }
}

/// Calls the function the first time that it is called with this guard. Threads that call it in the
/// meantime wait until the function has returned.
///
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_once>.
///
/// # Safety
/// `guard` started as `UV_ONCE_INIT`.
#[no_mangle]
pub unsafe extern "C" fn uv_once(guard: *mut uv_once_t, callback: extern "C" fn()) {
    extern "C" {
        // The libc crate lacks this one. Declared in here, it stays out of the C header.
        fn pthread_once(once: *mut uv_once_t, routine: extern "C" fn()) -> c_int;
    }
    // SAFETY: the caller's contract.
    require(unsafe { pthread_once(guard, callback) });
}
