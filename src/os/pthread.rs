//! The results of the C library's lock functions.

use crate::abi::{Error, Result};
use core::ffi::c_int;

/// Ends the process unless `errno` is 0. The functions that use this cannot report an error; what
/// went wrong is the program's use of a lock, and going on without it would corrupt what it guards.
pub fn require(errno: c_int) {
    if errno != 0 {
        std::process::abort();
    }
}

/// The result of an attempt that may find the object taken; any other failure ends the process.
pub fn attempt(errno: c_int) -> Result {
    if matches!(errno, libc::EBUSY | libc::EAGAIN) {
        return Err(Error::EBUSY);
    }
    require(errno);
    Ok(())
}
