//! The working directory, links in `/proc`, and the order of entries.

use super::{c, count, cvt};
use crate::abi::{Error, Result};
use core::ffi::{c_char, c_int, c_void, CStr};
use core::mem::size_of;

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

/// Sorts structs by the bytes of the string that their first field points to.
///
/// # Safety
/// `T` begins with a pointer to a string.
// std's sort would be 11 KB of code.
pub unsafe fn sort_by_name<T: Copy>(entries: &mut [T]) {
    unsafe extern "C" fn compare(a: *const c_void, b: *const c_void) -> c_int {
        // SAFETY: both are entries.
        unsafe { c::strcmp(*a.cast::<*const c_char>(), *b.cast::<*const c_char>()) }
    }
    // SAFETY: the size and the number are those of the slice.
    unsafe {
        c::qsort(entries.as_mut_ptr().cast(), entries.len(), size_of::<T>(), Some(compare));
    }
}
