//! Facts about the machine: system calls, and files below `/proc` and `/sys`.

use super::{c, cvt, fd, output};
use crate::abi::Result;
use crate::memory::Array;
use core::ffi::{c_int, CStr};
use core::mem::size_of;

/// Reads a file, truncated to the buffer.
pub fn read_file<'a>(path: &CStr, buffer: &'a mut [u8]) -> Result<&'a [u8]> {
    let file = fd::open_cloexec(path, libc::O_RDONLY)?;
    let mut length = 0;
    let result = loop {
        match fd::read_bytes(file, &mut buffer[length..]) {
            Ok(0) => break Ok(()),
            Ok(count) => length += count,
            Err(error) => break Err(error),
        }
    };
    let _ = fd::close(file);
    result.map(|()| &buffer[..length])
}

/// Reads a whole file.
pub fn read_whole_file(path: &CStr) -> Result<Array<u8>> {
    let file = fd::open_cloexec(path, libc::O_RDONLY)?;
    let mut text = Array::new();
    let mut part = [0; 4096];
    let result = loop {
        let added = match fd::read_bytes(file, &mut part) {
            Ok(0) => break Ok(()),
            Ok(count) => text.extend_from_slice(&part[..count]),
            Err(error) => Err(error),
        };
        if added.is_err() {
            break added;
        }
    };
    let _ = fd::close(file);
    result.map(|()| text)
}

pub fn info() -> Result<libc::sysinfo> {
    // SAFETY: sysinfo() fills in the struct.
    unsafe { output(|info| c::sysinfo(info)) }
}

pub fn uname() -> Result<libc::utsname> {
    // SAFETY: uname() fills in the struct.
    unsafe { output(|names| c::uname(names)) }
}

/// Returns the kernel's version: `(6, 1, 12)` for the release `6.1.12-name`.
pub fn kernel_version() -> Result<(u32, u32, u32)> {
    let names = uname()?;
    let release = names.release.iter().map(|&c| c.to_ne_bytes()[0]).take_while(|&c| c != 0);
    let mut numbers = [0u32; 3];
    let mut index = 0;
    for c in release {
        match c {
            b'0'..=b'9' => {
                numbers[index] = numbers[index].saturating_mul(10).saturating_add((c - b'0').into())
            }
            b'.' if index < 2 => index += 1,
            _ => break,
        }
    }
    Ok((numbers[0], numbers[1], numbers[2]))
}

/// Room for the longest host name and a NUL.
pub type HostName = [u8; 65];

pub fn host_name(buffer: &mut HostName) -> Result<&[u8]> {
    let size = buffer.len();
    // SAFETY: the size is the buffer's.
    cvt(unsafe { c::gethostname(buffer.as_mut_ptr().cast(), size) })?;
    // SAFETY: as above.
    let length = unsafe { libc::strnlen(buffer.as_ptr().cast(), size) };
    Ok(&buffer[..length])
}

/// Returns a number from sysconf(3), or `None` if it is unknown.
pub fn configuration(name: c_int) -> Option<usize> {
    // SAFETY: takes an integer.
    usize::try_from(unsafe { c::sysconf(name) }).ok()
}

/// Returns how many CPUs the calling thread may run on, or `None` if that is unknown.
#[inline(never)]
pub fn cpus_of_this_thread() -> Option<usize> {
    let size = size_of::<libc::cpu_set_t>();
    // SAFETY: glibc's sched_getaffinity() fills in the whole set.
    let set = unsafe { output(|set| c::sched_getaffinity(0, size, set)) }.ok()?;
    // SAFETY: CPU_COUNT() reads a set.
    usize::try_from(unsafe { libc::CPU_COUNT(&set) }).ok()
}
