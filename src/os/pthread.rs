//! The results of the C library's lock functions, which return errors instead of setting errno.

use crate::abi::{Error, Result};
use core::ffi::c_int;

/// Aborts the process unless `errno` is 0. The functions that use this cannot report an error: the program
/// has misused a lock, and its data would be corrupted without the lock.
pub fn require(errno: c_int) {
    if errno != 0 {
        std::process::abort();
    }
}

/// Converts the result of an attempt to lock; any error other than `EBUSY` aborts the process.
pub fn attempt(errno: c_int) -> Result {
    if matches!(errno, libc::EBUSY | libc::EAGAIN) {
        return Err(Error::EBUSY);
    }
    require(errno);
    Ok(())
}
