//! inotify: reports of changes to files and directories.

use super::{c, cvt};
use crate::abi::Result;
use core::ffi::{c_char, c_int, CStr};
use core::mem::size_of;
use std::io::Write;

/// The events to report for a watched path.
const INTEREST: u32 = libc::IN_ATTRIB
    | libc::IN_MODIFY
    | libc::IN_CREATE
    | libc::IN_DELETE
    | libc::IN_DELETE_SELF
    | libc::IN_MOVE_SELF
    | libc::IN_MOVED_FROM
    | libc::IN_MOVED_TO;

const HEADER: usize = size_of::<libc::inotify_event>();

/// Room for the longest event: its header, a file name and a NUL.
pub const LONGEST_EVENT: usize = HEADER + 256;

/// One event.
pub struct Event<'a> {
    /// The watch that reports it, a result of [`add_watch`].
    pub watch: c_int,
    pub mask: u32,
    /// The entry of a watched directory; `None` for an event of the watched path itself.
    pub name: Option<&'a CStr>,
}

/// Makes an inotify instance, which is non-blocking and close-on-exec.
pub fn init() -> Result<c_int> {
    // SAFETY: takes an integer.
    cvt(unsafe { c::inotify_init1(libc::IN_NONBLOCK | libc::IN_CLOEXEC) })
}

/// Watches a path and returns the number of the watch. A file that is watched already, by this or
/// another path, keeps its watch.
///
/// # Safety
/// `path` is NULL, which is an error, or a string.
pub unsafe fn add_watch(inotify: c_int, path: *const c_char) -> Result<c_int> {
    // SAFETY: as documented.
    cvt(unsafe { c::inotify_add_watch(inotify, path, INTEREST) })
}

/// Watches the directory that a descriptor is open for. Fails with `ENOENT` where there is no `/proc`.
pub fn add_watch_of(inotify: c_int, directory: c_int) -> Result<c_int> {
    add_watch_below(inotify, directory, "")
}

/// Watches the parent directory of the one that a descriptor is open for.
pub fn add_watch_of_parent(inotify: c_int, directory: c_int) -> Result<c_int> {
    add_watch_below(inotify, directory, "/..")
}

fn add_watch_below(inotify: c_int, directory: c_int, path: &str) -> Result<c_int> {
    let mut name = [0; 40];
    // Has room: a number has ten digits.
    let _ = write!(&mut name[..], "/proc/self/fd/{directory}{path}\0");
    let mask = INTEREST | libc::IN_ONLYDIR;
    // SAFETY: a NUL ends the string.
    cvt(unsafe { c::inotify_add_watch(inotify, name.as_ptr().cast(), mask) })
}

/// Removes a watch. Fails if the kernel has removed it, as it does when the file is deleted.
pub fn remove_watch(inotify: c_int, watch: c_int) -> Result {
    // SAFETY: takes integers.
    cvt(unsafe { c::inotify_rm_watch(inotify, watch) }).map(drop)
}

/// Returns the first event in the bytes that were read from an instance, and its size. The kernel
/// writes whole events only.
pub fn first(bytes: &[u8]) -> Option<(Event<'_>, usize)> {
    let header = bytes.get(..HEADER)?;
    // The fields of struct inotify_event: wd, mask, cookie, len.
    let field = |at: usize| header.get(at..at + 4)?.try_into().ok();
    let watch = c_int::from_ne_bytes(field(0)?);
    let mask = u32::from_ne_bytes(field(4)?);
    let length = u32::from_ne_bytes(field(12)?) as usize;
    let name = bytes.get(HEADER..HEADER + length)?;
    let event = Event { watch, mask, name: CStr::from_bytes_until_nul(name).ok() };
    Some((event, HEADER + length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(watch: i32, mask: u32, name: &[u8]) -> Vec<u8> {
        let mut bytes = watch.to_ne_bytes().to_vec();
        for field in [mask, 0, name.len().try_into().unwrap()] {
            bytes.extend(field.to_ne_bytes());
        }
        bytes.extend(name);
        bytes
    }

    #[test]
    fn events_with_and_without_names() {
        let mut bytes = event(7, libc::IN_CREATE, b"name\0\0\0\0");
        bytes.extend(event(-1, libc::IN_Q_OVERFLOW, b""));
        let (event, size) = first(&bytes).unwrap();
        assert_eq!((event.watch, event.mask, event.name), (7, libc::IN_CREATE, Some(c"name")));
        let (event, last) = first(&bytes[size..]).unwrap();
        assert_eq!((event.watch, event.mask, event.name), (-1, libc::IN_Q_OVERFLOW, None));
        assert_eq!(size + last, bytes.len());
    }

    #[test]
    fn a_torn_event_is_not_read() {
        let bytes = event(7, libc::IN_CREATE, b"name\0\0\0\0");
        for length in 0..bytes.len() {
            assert!(first(&bytes[..length]).is_none());
        }
    }
}
