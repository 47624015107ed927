//! The working directory, and links in `/proc`.

use super::{c, count, cvt};
use crate::abi::{Error, Result};
use core::ffi::CStr;

/// Writes the path of the working directory and a NUL, and returns its length.
///
/// # Safety
/// `buffer` is good for writing `size` bytes.
pub unsafe fn current(buffer: *mut u8, size: usize) -> Result<usize> {
    // SAFETY: as documented; on success the buffer holds a string.
    unsafe {
        if c::getcwd(buffer.cast(), size).is_null() {
            return Err(Error::last());
        }
        Ok(CStr::from_ptr(buffer.cast()).count_bytes())
    }
}

pub fn change(path: &CStr) -> Result {
    // SAFETY: the path is a string.
    cvt(unsafe { c::chdir(path.as_ptr()) }).map(drop)
}

/// Writes the target of a link, truncated to the buffer; returns how many bytes it wrote.
pub fn read_link(path: &CStr, buffer: &mut [u8]) -> Result<usize> {
    // SAFETY: the path is a string, and the length is the buffer's.
    count(unsafe { c::readlink(path.as_ptr(), buffer.as_mut_ptr().cast(), buffer.len()) })
}
