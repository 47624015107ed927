//! Services of the system that need no loop.
//!
//! Threads and what they share are the C library's own objects, at the C library's sizes, so that
//! static initialisers and a debugger's knowledge of them keep working. The files about them call
//! its `pthread_*` functions directly: a layer in `sys/` would only say each of them again.

mod lock;
mod sync;
mod thread;
mod thread_local;

use crate::abi::{Error, Result};
use core::ffi::c_int;

/// The result of a function that returns an errno value instead of setting errno.
fn check(errno: c_int) -> Result {
    match errno {
        0 => Ok(()),
        errno => Err(Error::from_errno(errno)),
    }
}

/// Ends the process unless `errno` is 0. The functions that use this cannot report an error; what
/// went wrong is the program's use of a lock, and going on without it would corrupt what it guards.
fn require(errno: c_int) {
    if errno != 0 {
        std::process::abort();
    }
}

/// The result of an attempt that may find the object taken; any other failure ends the process.
fn attempt(errno: c_int) -> Result {
    if matches!(errno, libc::EBUSY | libc::EAGAIN) {
        return Err(Error::EBUSY);
    }
    require(errno);
    Ok(())
}
