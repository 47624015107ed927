//! Flags and kinds of file descriptors.

use super::{retry, syscall};
use crate::abi::Result;
use core::ffi::c_int;

pub fn is_terminal(fd: c_int) -> bool {
    // SAFETY: isatty() takes any number.
    unsafe { libc::isatty(fd) == 1 }
}

/// Has a descriptor closed when the process executes another program.
pub fn set_cloexec(fd: c_int) -> Result {
    retry(|| syscall!(fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC))).map(drop)
}
