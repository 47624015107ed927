//! Terminals.

use super::c;
use super::syscall;
use crate::abi::{Error, Result};
use core::ffi::{c_char, c_int, CStr};
use core::mem::MaybeUninit;
use libc::{termios, winsize};

pub fn attributes(fd: c_int) -> Result<termios> {
    let mut attributes = MaybeUninit::<termios>::uninit();
    syscall!(tcgetattr(fd, attributes.as_mut_ptr()))?;
    // SAFETY: filled by the call that succeeded.
    Ok(unsafe { attributes.assume_init() })
}

/// Sets the attributes at once, without waiting for output. Async-signal-safe.
pub fn set_attributes(fd: c_int, attributes: &termios) -> Result {
    super::retry(|| syscall!(tcsetattr(fd, libc::TCSANOW, attributes))).map(drop)
}

/// Makes input and output binary, as cfmakeraw(3) says.
pub fn make_raw(attributes: &mut termios) {
    // SAFETY: changes fields of the struct.
    unsafe { c::cfmakeraw(attributes) };
}

pub fn window_size(fd: c_int) -> Result<winsize> {
    let mut size = winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    super::retry(|| syscall!(ioctl(fd, libc::TIOCGWINSZ, &mut size)))?;
    Ok(size)
}

/// Whether the descriptor is the side of a pseudo-terminal that its emulator holds.
pub fn is_master(fd: c_int) -> bool {
    let mut number: c_int = 0;
    syscall!(ioctl(fd, libc::TIOCGPTN, &mut number)).is_ok()
}

/// Opens the terminal anew, so that the file status flags are not shared with other processes.
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
