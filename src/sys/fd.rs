//! File descriptors of any kind.

use super::{c, count, cvt, output, retry};
use crate::abi::{uv_buf_t, Error, Result};
use core::ffi::c_int;

/// Closes a descriptor. Ignores EINTR and EINPROGRESS: Linux has released the descriptor by then.
pub fn close(fd: c_int) -> Result {
    // SAFETY: takes an integer. The caller owns the descriptor, or a C program told it to close that one.
    match cvt(unsafe { c::close(fd) }) {
        Ok(_) | Err(Error::EINTR) => Ok(()),
        Err(error) if error == Error::from_errno(libc::EINPROGRESS) => Ok(()),
        Err(error) => Err(error),
    }
}

pub fn set_nonblocking(fd: c_int, on: bool) -> Result {
    let value = c_int::from(on);
    // SAFETY: FIONBIO reads an int.
    retry(|| cvt(unsafe { c::ioctl(fd, libc::FIONBIO, &raw const value) })).map(drop)
}

pub fn open_cloexec(path: &core::ffi::CStr, flags: c_int) -> Result<c_int> {
    // SAFETY: the path is a string.
    retry(|| cvt(unsafe { c::open(path.as_ptr(), flags | libc::O_CLOEXEC, 0) }))
}

pub fn is_terminal(fd: c_int) -> bool {
    // SAFETY: isatty() takes any number.
    unsafe { c::isatty(fd) == 1 }
}

/// Makes a descriptor close-on-exec.
pub fn set_cloexec(fd: c_int) -> Result {
    // SAFETY: takes integers.
    retry(|| cvt(unsafe { c::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) })).map(drop)
}

/// Makes a pipe whose ends are close-on-exec and non-blocking.
pub fn pipe_nonblocking() -> Result<[c_int; 2]> {
    pipe(libc::O_NONBLOCK)
}

/// Makes a pipe whose ends are close-on-exec and have `flags`; returns the reading end first.
pub fn pipe(flags: c_int) -> Result<[c_int; 2]> {
    let mut ends = [-1; 2];
    // SAFETY: there is room for two descriptors.
    cvt(unsafe { c::pipe2(ends.as_mut_ptr(), flags | libc::O_CLOEXEC) })?;
    Ok(ends)
}

/// Makes `target` a close-on-exec duplicate of `fd`.
pub fn duplicate_to(fd: c_int, target: c_int) -> Result {
    // SAFETY: takes integers. The caller owns `target`.
    retry(|| cvt(unsafe { c::dup3(fd, target, libc::O_CLOEXEC) })).map(drop)
}

/// Returns the access mode and status flags of an open descriptor.
pub fn status_flags(fd: c_int) -> Result<c_int> {
    // SAFETY: takes integers.
    retry(|| cvt(unsafe { c::fcntl(fd, libc::F_GETFL) }))
}

/// Returns the file type, the `S_IFMT` bits of the mode.
pub fn file_format(fd: c_int) -> Result<libc::mode_t> {
    // SAFETY: fstat64() fills in the struct.
    let stat: libc::stat64 = unsafe { output(|stat| c::fstat64(fd, stat)) }?;
    Ok(stat.st_mode & libc::S_IFMT)
}

/// Reads into `buffer`, which may be uninitialised memory.
///
/// # Safety
/// `buffer.base` points to `buffer.len` writable bytes.
pub unsafe fn read(fd: c_int, buffer: &uv_buf_t) -> Result<usize> {
    // SAFETY: as documented.
    retry(|| count(unsafe { c::read(fd, buffer.base.cast(), buffer.len) }))
}

pub fn read_bytes(fd: c_int, buffer: &mut [u8]) -> Result<usize> {
    // SAFETY: the length is the buffer's.
    retry(|| count(unsafe { c::read(fd, buffer.as_mut_ptr().cast(), buffer.len()) }))
}

/// The most bytes that the kernel transfers in one call. libuv refuses larger writes.
pub const MAX_RW_COUNT: usize = 0x7fff_f000;

/// Returns the total size of the buffers, `usize::MAX` if it does not fit.
#[inline]
pub fn total(buffers: &[uv_buf_t]) -> usize {
    match buffers {
        [buffer] => buffer.len,
        _ => sum(buffers),
    }
}

#[inline(never)]
fn sum(buffers: &[uv_buf_t]) -> usize {
    buffers.iter().fold(0, |sum: usize, buffer| sum.saturating_add(buffer.len))
}

/// The most buffers that the kernel takes in one call, `IOV_MAX`.
pub const MAX_BUFFERS: usize = libc::UIO_MAXIOV as usize;

/// Returns the array and the count to pass to the kernel for at most [`MAX_BUFFERS`] of the buffers.
#[expect(clippy::cast_possible_truncation, reason = "MAX_BUFFERS is small")]
pub fn vectors(buffers: &[uv_buf_t]) -> (*const libc::iovec, c_int) {
    // uv_buf_t has the layout of struct iovec, which abi/ asserts.
    (buffers.as_ptr().cast(), buffers.len().min(MAX_BUFFERS) as c_int)
}

/// Writes at most [`MAX_BUFFERS`] of the buffers in one call; returns how many bytes were written.
///
/// # Safety
/// Each buffer points to as many readable bytes as it says.
pub unsafe fn write_vectored(fd: c_int, buffers: &[uv_buf_t]) -> Result<usize> {
    let (list, length) = vectors(buffers);
    // SAFETY: as documented; `list` has `length` buffers.
    retry(|| unsafe {
        count(match buffers {
            [one] => c::write(fd, one.base.cast(), one.len),
            _ => c::writev(fd, list, length),
        })
    })
}

pub fn epoll_ctl(epoll: c_int, operation: c_int, fd: c_int, events: u32, token: u64) -> Result {
    let mut event = libc::epoll_event { events, u64: token };
    // SAFETY: reads one event.
    cvt(unsafe { c::epoll_ctl(epoll, operation, fd, &raw mut event) }).map(drop)
}

/// Writes without being a cancellation point, which libc's write() is: a thread must not end inside a
/// signal handler, nor in a child that shares its memory.
pub fn write_uncancelled(fd: c_int, bytes: &[u8]) -> Result {
    // Miri has few system calls, and no cancellation.
    #[cfg(miri)]
    return super::fs::write_bytes(fd, bytes).map(drop);
    #[cfg(not(miri))]
    // SAFETY: the length is that of the bytes.
    cvt(unsafe { c::syscall(libc::SYS_write, fd, bytes.as_ptr(), bytes.len()) }).map(drop)
}

/// Returns how many bytes of a pipe or a socket can be read.
pub fn unread(fd: c_int) -> Result<c_int> {
    // SAFETY: FIONREAD writes an int.
    unsafe { output(|bytes: *mut c_int| c::ioctl(fd, libc::FIONREAD, bytes)) }
}

/// Returns which of the `poll(2)` events a descriptor is ready for now.
pub fn poll_now(fd: c_int, events: core::ffi::c_short) -> Result<core::ffi::c_short> {
    let mut asked = libc::pollfd { fd, events, revents: 0 };
    // SAFETY: there is one entry.
    retry(|| cvt(unsafe { c::poll(&raw mut asked, 1, 0) }))?;
    Ok(asked.revents)
}
