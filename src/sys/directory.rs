//! The working directory, and links in `/proc`.

use super::c;
use super::syscall;
use crate::abi::{Error, Result};
use core::ffi::CStr;

/// Writes the path of the working directory and a NUL, and returns its length.
///
/// # Safety
/// `buffer` is good for writing `size` bytes.
pub unsafe fn current(buffer: *mut u8, size: usize) -> Result<usize> {
    // SAFETY: the caller's contract; on success the buffer holds a string.
    unsafe {
        if c::getcwd(buffer.cast(), size).is_null() {
            return Err(Error::last());
        }
        Ok(CStr::from_ptr(buffer.cast()).count_bytes())
    }
}

pub fn change(path: &CStr) -> Result {
    syscall!(chdir(path.as_ptr())).map(drop)
}

/// Writes what the link says, cut to what fits, and returns how many bytes that is.
pub fn read_link(path: &CStr, buffer: &mut [u8]) -> Result<usize> {
    let length = buffer.len();
    syscall!(readlink(path.as_ptr(), buffer.as_mut_ptr().cast(), length)).map(|n| n as usize)
}
