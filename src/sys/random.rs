//! The kernel's random numbers.

use super::{fd, retry, syscall};
use crate::abi::{Error, Result};
use core::ffi::CStr;

/// Fills memory, which may be uninitialised, with random bytes. Waits until the kernel has gathered
/// enough entropy, which it has but for the first moments after the machine was started.
///
/// # Safety
/// `buffer` is good for writing `length` bytes.
pub unsafe fn fill(buffer: *mut u8, length: usize) -> Result {
    // SAFETY: the caller's contract.
    match unsafe { from_system_call(buffer, length) } {
        // A sandbox may forbid the call.
        // SAFETY: the caller's contract.
        Err(Error::ENOSYS | Error::EPERM) => unsafe { from_device(buffer, length) },
        result => result,
    }
}

/// # Safety
/// As for [`fill`].
unsafe fn from_system_call(buffer: *mut u8, length: usize) -> Result {
    let mut done = 0;
    while done < length {
        // SAFETY: `done` is less than `length`.
        let rest = unsafe { buffer.add(done) };
        done += retry(|| syscall!(getrandom(rest.cast(), length - done, 0)))? as usize;
    }
    Ok(())
}

/// # Safety
/// As for [`fill`].
unsafe fn from_device(buffer: *mut u8, length: usize) -> Result {
    // Unlike /dev/urandom, /dev/random waits until there is enough entropy.
    let mut one = 0;
    // SAFETY: the buffers are as large as said, the second by the caller's contract.
    unsafe {
        read_device(c"/dev/random", &mut one, 1)?;
        read_device(c"/dev/urandom", buffer, length)
    }
}

/// # Safety
/// As for [`fill`].
unsafe fn read_device(path: &CStr, buffer: *mut u8, length: usize) -> Result {
    let device = fd::open_cloexec(path, libc::O_RDONLY)?;
    let mut done = 0;
    let mut result = Ok(());
    while done < length && result.is_ok() {
        // SAFETY: `done` is less than `length`.
        let rest = unsafe { buffer.add(done) };
        result = match retry(|| syscall!(read(device, rest.cast(), length - done))) {
            Ok(0) => Err(Error::EIO),
            Ok(count) => {
                done += count as usize;
                Ok(())
            }
            Err(error) => Err(error),
        };
    }
    let _ = fd::close(device);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 64 bytes twice: that they agree, or are what was there before, has a chance of 2^-512.
    fn differs(fill: unsafe fn(*mut u8, usize) -> Result) {
        let mut buffers = [[0u8; 64]; 2];
        for buffer in &mut buffers {
            // SAFETY: the length is the buffer's.
            assert_eq!(unsafe { fill(buffer.as_mut_ptr(), buffer.len()) }, Ok(()));
        }
        assert_ne!(buffers[0], buffers[1]);
        assert_ne!(buffers[1], [0; 64]);
    }

    #[test]
    fn both_sources_give_random_bytes() {
        differs(fill);
        differs(from_device);
    }
}
