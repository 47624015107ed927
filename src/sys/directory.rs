//! The working directory, links in `/proc`, the order of entries, and directories that are open.

use super::{c, count, cvt, fd, retry};
use crate::abi::{Error, Result};
use core::ffi::{c_char, c_int, c_void, CStr};
use core::mem::size_of;
use std::io::Write;

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

/// Opens a directory, by a path that may be longer than `PATH_MAX`. Its last part may not be a symbolic link.
/// `path` ends with a NUL; slashes in it are replaced by NULs.
pub fn open(path: &mut [u8]) -> Result<c_int> {
    const LIMIT: usize = libc::PATH_MAX as usize;
    let flags = libc::O_DIRECTORY | libc::O_NOFOLLOW | libc::O_CLOEXEC;
    let open = |from: c_int, path: &[u8], flags: c_int| {
        let path = CStr::from_bytes_until_nul(path).map_err(|_| Error::EINVAL)?;
        // SAFETY: the path is a string.
        let opened = retry(|| cvt(unsafe { c::openat(from, path.as_ptr(), flags) }));
        if from != libc::AT_FDCWD {
            let _ = fd::close(from);
        }
        opened
    };
    let (mut from, mut rest) = (libc::AT_FDCWD, path);
    while rest.len() > LIMIT {
        let slash = rest[..LIMIT].iter().rposition(|&byte| byte == b'/');
        let slash = slash.filter(|&slash| slash > 0).ok_or(Error::ENAMETOOLONG)?;
        rest[slash] = 0;
        from = open(from, &rest[..=slash], flags | libc::O_PATH)?;
        rest = &mut rest[slash + 1..];
    }
    open(from, rest, flags)
}

/// Writes the path of an open directory; returns its length. Fails with `ENOENT` where there is no `/proc`.
pub fn path_of(directory: c_int, buffer: &mut [u8]) -> Result<usize> {
    let mut link = [0; 32];
    // Has room: a number has ten digits.
    let _ = write!(&mut link[..], "/proc/self/fd/{directory}\0");
    let link = CStr::from_bytes_until_nul(&link).map_err(|_| Error::EINVAL)?;
    match read_link(link, buffer)? {
        length if length < buffer.len() => Ok(length),
        _ => Err(Error::ENAMETOOLONG),
    }
}

/// Reads entries of an open directory; returns how many bytes it wrote, 0 at the end.
pub fn read_entries(directory: c_int, buffer: &mut [u8]) -> Result<usize> {
    // SAFETY: the length is the buffer's.
    count(unsafe { c::syscall(libc::SYS_getdents64, directory, buffer.as_mut_ptr(), buffer.len()) })
}

/// An entry of a directory.
pub struct Entry<'a> {
    pub name: &'a CStr,
    /// Whether it is a directory, or the file system does not say.
    pub may_be_directory: bool,
}

/// Returns the first entry in bytes that [`read_entries`] wrote, and its size.
pub fn first_entry(bytes: &[u8]) -> Option<(Entry<'_>, usize)> {
    // The fields of struct linux_dirent64: d_ino, d_off, d_reclen, d_type, d_name.
    const SIZE: usize = 16;
    const TYPE: usize = 18;
    const NAME: usize = 19;
    let size = u16::from_ne_bytes([*bytes.get(SIZE)?, *bytes.get(SIZE + 1)?]);
    let entry = bytes.get(..usize::from(size))?;
    let may_be_directory = matches!(*entry.get(TYPE)?, libc::DT_DIR | libc::DT_UNKNOWN);
    let name = CStr::from_bytes_until_nul(entry.get(NAME..)?).ok()?;
    Some((Entry { name, may_be_directory }, usize::from(size)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_a_directory() {
        let mut bytes = vec![0; 16];
        for (size, kind, name) in [(24, libc::DT_DIR, "abcd"), (32, libc::DT_REG, "efg")] {
            let start = bytes.len() - 16;
            bytes.extend(u16::to_ne_bytes(size));
            bytes.push(kind);
            bytes.extend(name.as_bytes());
            bytes.resize(start + usize::from(size) + 16, 0);
        }
        let (entry, size) = first_entry(&bytes).unwrap();
        assert_eq!((entry.name, entry.may_be_directory, size), (c"abcd", true, 24));
        let (entry, size) = first_entry(&bytes[24..]).unwrap();
        assert_eq!((entry.name, entry.may_be_directory, size), (c"efg", false, 32));
        for length in 0..24 {
            assert!(first_entry(&bytes[..length]).is_none());
        }
    }
}
