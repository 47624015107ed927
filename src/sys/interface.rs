//! Network interfaces.

use core::ffi::CStr;

/// The index of the interface with this name, or 0 if there is none.
pub fn index(name: &CStr) -> u32 {
    // SAFETY: the call only reads the string.
    unsafe { libc::if_nametoindex(name.as_ptr()) }
}
