//! Services of the system that need no loop.
//!
//! Threads and what they share are the C library's own objects, at the C library's sizes, so that
//! static initialisers and a debugger's knowledge of them keep working. The files about them call
//! its `pthread_*` functions directly: a layer in `sys/` would only say each of them again.

mod cgroup;
mod cpu;
mod descriptor;
mod directories;
mod environment;
mod host;
mod interface;
mod library;
mod lock;
mod memory;
mod process;
mod sync;
mod thread;
mod thread_local;
mod title;
mod user;

use crate::abi::{Error, Result};
use core::ffi::{c_char, c_int, CStr};
use core::str::FromStr;

pub use descriptor::uv_guess_handle;
pub use title::shut_down;

/// The result of a function that returns an errno value instead of setting errno.
fn check(errno: c_int) -> Result {
    match errno {
        0 => Ok(()),
        errno => Err(Error::from_errno(errno)),
    }
}

/// Ends the process unless `errno` is 0. The functions that use this cannot report an error; what
/// went wrong is the program's use of a lock, and going on without it would corrupt what it guards.
fn require(errno: c_int) {
    if errno != 0 {
        std::process::abort();
    }
}

/// The result of an attempt that may find the object taken; any other failure ends the process.
fn attempt(errno: c_int) -> Result {
    if matches!(errno, libc::EBUSY | libc::EAGAIN) {
        return Err(Error::EBUSY);
    }
    require(errno);
    Ok(())
}

/// Borrows a string of C's; NULL is `EINVAL`.
///
/// # Safety
/// `text` is NULL or a string that lives as long as the result is used.
unsafe fn text<'a>(text: *const c_char) -> Result<&'a CStr> {
    if text.is_null() {
        return Err(Error::EINVAL);
    }
    // SAFETY: this function's own contract.
    Ok(unsafe { CStr::from_ptr(text) })
}

/// A buffer of the caller's for a string, and its size: in, how many bytes it has; out, the length
/// of the string, or on `ENOBUFS` the size that it needs.
pub(crate) struct TextOut {
    buffer: *mut u8,
    capacity: usize,
    size: *mut usize,
}

impl TextOut {
    /// No buffer, no size and a size of 0 are `EINVAL`.
    ///
    /// # Safety
    /// `size` is NULL or valid, and `buffer` is NULL or good for writing `*size` bytes, for as long
    /// as the result is used.
    pub(crate) unsafe fn new(buffer: *mut c_char, size: *mut usize) -> Result<TextOut> {
        if buffer.is_null() || size.is_null() {
            return Err(Error::EINVAL);
        }
        // SAFETY: this function's own contract.
        match unsafe { *size } {
            0 => Err(Error::EINVAL),
            capacity => Ok(TextOut { buffer: buffer.cast(), capacity, size }),
        }
    }

    fn set_size(&self, size: usize) {
        // SAFETY: the contract of `new`.
        unsafe { self.size.write(size) };
    }

    /// Gives the caller this text, which has no NUL in it.
    fn put(&self, text: &[u8]) -> Result {
        self.require_room(text.len())?;
        self.put_cut(text);
        Ok(())
    }

    /// Gives the caller the path that a handle watches; `EINVAL` and a size of 0 if it watches none.
    pub(crate) fn put_path(&self, path: Option<&CStr>) -> Result {
        match path {
            Some(path) => self.put(path.to_bytes()),
            None => {
                self.set_size(0);
                Err(Error::EINVAL)
            }
        }
    }

    /// `ENOBUFS` unless a text of this length fits.
    fn require_room(&self, length: usize) -> Result {
        if length >= self.capacity {
            self.set_size(length.saturating_add(1));
            return Err(Error::ENOBUFS);
        }
        Ok(())
    }

    /// Gives the caller as much of this text as there is room for.
    fn put_cut(&self, text: &[u8]) {
        let length = text.len().min(self.capacity - 1);
        // SAFETY: the buffer has room for `length` bytes and one more, by the contract of `new`.
        // The text may be in the very buffer, as a program may pass what getenv() gave to it.
        unsafe {
            core::ptr::copy(text.as_ptr(), self.buffer, length);
            self.buffer.add(length).write(0);
        }
        self.set_size(length);
    }
}

/// The first part of a text that blanks separate, as a number.
fn number<T: FromStr>(text: &[u8]) -> Option<T> {
    numbers(text).next()?
}

/// The parts of a text that blanks separate, each as a number.
fn numbers<T: FromStr>(text: &[u8]) -> impl Iterator<Item = Option<T>> + '_ {
    text.split(u8::is_ascii_whitespace)
        .filter(|part| !part.is_empty())
        .map(|part| core::str::from_utf8(part).ok()?.parse().ok())
}

/// Digits with a point among them, as /proc has them. Anything more std would read with 15 KB of
/// tables and code.
struct Decimal(f64);

impl FromStr for Decimal {
    type Err = Error;

    fn from_str(text: &str) -> Result<Decimal> {
        let parse = || {
            let (whole, fraction) = text.split_once('.')?;
            let scale = 10u64.checked_pow(u32::try_from(fraction.len()).ok()?)?;
            let digits = whole.parse::<u64>().ok()?.checked_mul(scale)?;
            Some(digits.checked_add(fraction.parse().ok()?)? as f64 / scale as f64)
        };
        parse().map(Decimal).ok_or(Error::EINVAL)
    }
}

/// What follows `key` on the line that begins with it.
fn field<'a>(text: &'a [u8], key: &str) -> Option<&'a [u8]> {
    text.split(|&byte| byte == b'\n').find_map(|line| line.strip_prefix(key.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_fields() {
        let text = b"MemTotal:  12 kB\nMemFree: 3 kB\n";
        assert_eq!(field(text, "MemFree:").and_then(number), Some(3u64));
        assert_eq!(field(text, "Mem"), Some(&b"Total:  12 kB"[..]));
        assert_eq!(field(text, "kB"), None);
        let decimals =
            numbers::<Decimal>(b" 0.05 61093.11 7 1.x .\n").map(|number| Some(number?.0));
        assert!(decimals.eq([Some(0.05), Some(61093.11), None, None, None]));
        assert_eq!(number::<u64>(b"-1"), None);
        assert_eq!(number::<u64>(b" \n"), None);
        assert!(numbers::<u8>(b"1 2  x 300\n").eq([Some(1), Some(2), None, None]));
    }

    #[test]
    fn text_out_reports_what_it_needs() {
        let mut buffer = [b'#' as c_char; 8];
        let mut size = 3;
        // SAFETY: the buffer is larger than the sizes given.
        unsafe {
            let pointer = buffer.as_mut_ptr();
            assert!(TextOut::new(core::ptr::null_mut(), &mut size).is_err());
            assert!(TextOut::new(pointer, core::ptr::null_mut()).is_err());
            assert!(TextOut::new(pointer, &mut 0).is_err());
            let out = TextOut::new(pointer, &mut size);
            assert_eq!(out.unwrap_or_else(|_| unreachable!()).put(b"abc"), Err(Error::ENOBUFS));
            assert_eq!((size, buffer[0]), (4, b'#' as c_char));
            let out = TextOut::new(buffer.as_mut_ptr(), &mut size);
            assert_eq!(out.unwrap_or_else(|_| unreachable!()).put(b"abc"), Ok(()));
            assert_eq!(size, 3);
            assert_eq!(CStr::from_ptr(buffer.as_ptr()), c"abc");
        }
    }
}
