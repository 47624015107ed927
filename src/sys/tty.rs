//! Terminals.

use super::{c, check, cvt, output, retry};
use crate::abi::Result;
use core::ffi::{c_char, c_int, c_uint, CStr};
use libc::{termios, winsize};

pub fn attributes(fd: c_int) -> Result<termios> {
    // SAFETY: tcgetattr() fills in the struct.
    unsafe { output(|attributes| c::tcgetattr(fd, attributes)) }
}

/// Sets the attributes without waiting for output. Async-signal-safe.
pub fn set_attributes(fd: c_int, attributes: &termios) -> Result {
    // SAFETY: reads the struct.
    retry(|| cvt(unsafe { c::tcsetattr(fd, libc::TCSANOW, attributes) })).map(drop)
}

/// Makes input and output binary; see cfmakeraw(3).
pub fn make_raw(attributes: &mut termios) {
    // SAFETY: writes to the struct.
    unsafe { c::cfmakeraw(attributes) };
}

pub fn window_size(fd: c_int) -> Result<winsize> {
    // SAFETY: TIOCGWINSZ fills in a winsize.
    unsafe { output(|size: *mut winsize| c::ioctl(fd, libc::TIOCGWINSZ, size)) }
}

/// Returns whether the descriptor is the master side of a pseudo-terminal.
pub fn is_master(fd: c_int) -> bool {
    // SAFETY: TIOCGPTN stores an unsigned int.
    unsafe { output(|number: *mut c_uint| c::ioctl(fd, libc::TIOCGPTN, number)) }.is_ok()
}

/// Opens the terminal again, so that no other process shares the file status flags.
pub fn reopen(fd: c_int, access: c_int) -> Result<c_int> {
    let mut path = [0 as c_char; 256];
    // SAFETY: the length is the buffer's.
    check(unsafe { c::ttyname_r(fd, path.as_mut_ptr(), path.len()) })?;
    // SAFETY: ttyname_r() ends the path with a NUL.
    let path = unsafe { CStr::from_ptr(path.as_ptr()) };
    super::fd::open_cloexec(path, access | libc::O_NOCTTY)
}
