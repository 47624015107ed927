//! The kernel's random numbers.

use super::{c, count, fd, retry};
use crate::abi::{Error, Result};
use core::ffi::CStr;

/// Fills memory, which may be uninitialised, with random bytes. Blocks until the kernel has gathered
/// enough entropy, which may take a moment after the machine was started.
///
/// # Safety
/// `buffer` is good for writing `length` bytes.
pub unsafe fn fill(buffer: *mut u8, length: usize) -> Result {
    // SAFETY: as documented.
    match unsafe { from_system_call(buffer, length) } {
        // A sandbox may deny the call.
        // SAFETY: as documented.
        Err(Error::ENOSYS | Error::EPERM) => unsafe { from_device(buffer, length) },
        result => result,
    }
}

/// # Safety
/// As for [`fill`].
unsafe fn from_system_call(buffer: *mut u8, length: usize) -> Result {
    let mut done = 0;
    while done < length {
        // SAFETY: `done` of the `length` bytes are filled.
        done +=
            retry(|| unsafe { count(c::getrandom(buffer.add(done).cast(), length - done, 0)) })?;
    }
    Ok(())
}

/// # Safety
/// As for [`fill`].
unsafe fn from_device(buffer: *mut u8, length: usize) -> Result {
    // Unlike /dev/urandom, /dev/random blocks until there is enough entropy.
    let mut one = 0;
    // SAFETY: the first buffer is one byte, the second as documented.
    unsafe {
        read_device(c"/dev/random", &raw mut one, 1)?;
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
        // SAFETY: `done` of the `length` bytes are filled.
        let read =
            retry(|| unsafe { count(c::read(device, buffer.add(done).cast(), length - done)) });
        result = match read {
            Ok(0) => Err(Error::EIO),
            Ok(count) => {
                done += count;
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

    /// Fills 64 bytes twice. They are equal, or all zeroes, with a probability of 2^-512.
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
