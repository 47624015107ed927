//! Terminals.

use super::{c, cvt, output, retry};
use crate::abi::{Error, Result};
use core::ffi::{c_char, c_int, c_uint, CStr};
use libc::{termios, winsize};

pub fn attributes(fd: c_int) -> Result<termios> {
    // SAFETY: tcgetattr() fills in the struct.
    unsafe { output(|attributes| c::tcgetattr(fd, attributes)) }
}

/// Sets the attributes at once, without waiting for output. Async-signal-safe.
pub fn set_attributes(fd: c_int, attributes: &termios) -> Result {
    // SAFETY: reads the struct.
    retry(|| cvt(unsafe { c::tcsetattr(fd, libc::TCSANOW, attributes) })).map(drop)
}

/// Makes input and output binary, as cfmakeraw(3) says.
pub fn make_raw(attributes: &mut termios) {
    // SAFETY: changes fields of the struct.
    unsafe { c::cfmakeraw(attributes) };
}

pub fn window_size(fd: c_int) -> Result<winsize> {
    // SAFETY: TIOCGWINSZ fills in a winsize.
    unsafe { output(|size: *mut winsize| c::ioctl(fd, libc::TIOCGWINSZ, size)) }
}

/// Whether the descriptor is the side of a pseudo-terminal that its emulator holds.
pub fn is_master(fd: c_int) -> bool {
    // SAFETY: TIOCGPTN stores an unsigned int.
    unsafe { output(|number: *mut c_uint| c::ioctl(fd, libc::TIOCGPTN, number)) }.is_ok()
}

/// Opens the terminal again, so that the file status flags are not shared with other processes.
pub fn reopen(fd: c_int, access: c_int) -> Result<c_int> {
    let mut path = [0 as c_char; 256];
    // SAFETY: the buffer is as long as said.
    match unsafe { c::ttyname_r(fd, path.as_mut_ptr(), path.len()) } {
        0 => {}
        errno => return Err(Error::from_errno(errno)),
    }
    // SAFETY: the call ended the path with a NUL.
    let path = unsafe { CStr::from_ptr(path.as_ptr()) };
    super::fd::open_cloexec(path, access | libc::O_NOCTTY)
}
