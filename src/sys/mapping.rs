//! Memory mappings.

use super::{c, cvt, output, retry};
use crate::abi::{Error, Result};
use core::ffi::{c_int, c_void, CStr};
use core::ptr::{self, NonNull};

/// Maps zeroed memory of the process.
pub fn anonymous(size: usize) -> Result<NonNull<c_void>> {
    map(size, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1)
}

/// Maps a file, shared with all who map it.
pub fn file(fd: c_int, size: usize) -> Result<NonNull<c_void>> {
    map(size, libc::MAP_SHARED, fd)
}

fn map(size: usize, flags: c_int, fd: c_int) -> Result<NonNull<c_void>> {
    let access = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: a mapping at an address that the kernel chooses affects no memory.
    let address = unsafe { c::mmap(ptr::null_mut(), size, access, flags, fd, 0) };
    if address == libc::MAP_FAILED {
        return Err(Error::last());
    }
    NonNull::new(address).ok_or(Error::ENOMEM)
}

/// Opens a file of the user alone for a mapping, and creates it if it does not exist. Not through a
/// symbolic link.
pub fn open(path: &CStr) -> Result<c_int> {
    let flags = libc::O_RDWR | libc::O_CREAT | libc::O_NOFOLLOW | libc::O_CLOEXEC;
    // SAFETY: the path is a string.
    retry(|| cvt(unsafe { c::open(path.as_ptr(), flags, 0o600) }))
}

/// Empties a file, and makes it as long as this, without contents.
pub fn resize(fd: c_int, size: u64) -> Result {
    let size = size.try_into().map_err(|_| Error::EINVAL)?;
    for length in [0, size] {
        // SAFETY: takes integers.
        retry(|| cvt(unsafe { c::ftruncate64(fd, length) }))?;
    }
    Ok(())
}

/// Returns whether it is a regular file of this user.
pub fn is_own_file(fd: c_int) -> bool {
    // SAFETY: fstat64() fills in the struct.
    let stat: Result<libc::stat64> = unsafe { output(|stat| c::fstat64(fd, stat)) };
    // SAFETY: takes nothing.
    let user = unsafe { c::geteuid() };
    stat.is_ok_and(|stat| stat.st_mode & libc::S_IFMT == libc::S_IFREG && stat.st_uid == user)
}
