//! read, write, and what brings the bytes to the disk or cuts them off: fsync, fdatasync,
//! ftruncate.

use super::{start, FsRequest};
use crate::abi::*;
use crate::memory;
use crate::sys;
use core::ffi::{c_int, c_uint};

impl FsRequest {
    /// The buffers of the operation. An asynchronous one gets a copy of the array; a synchronous
    /// one uses the caller's, which is never written to.
    ///
    /// # Safety
    /// `bufs` is NULL or points to `nbufs` buffers, which stay until the operation is done.
    unsafe fn set_buffers(&self, bufs: *const uv_buf_t, nbufs: c_uint) -> Result {
        if bufs.is_null() || nbufs == 0 {
            return Err(Error::EINVAL);
        }
        self.nbufs.set(nbufs);
        if self.is_sync() {
            self.bufs.set(bufs.cast_mut());
            return Ok(());
        }
        let count = nbufs as usize;
        let copy = if count <= 4 {
            self.bufsml.as_ptr().cast::<uv_buf_t>()
        } else {
            let size = count.checked_mul(size_of::<uv_buf_t>()).ok_or(Error::ENOMEM)?;
            memory::malloc(size)?.cast().as_ptr()
        };
        // SAFETY: the caller's contract; there is room for all, in memory of our own.
        unsafe { core::ptr::copy_nonoverlapping(bufs, copy, count) };
        self.bufs.set(copy);
        Ok(())
    }

    fn buffers(&self) -> &[uv_buf_t] {
        // SAFETY: set by `set_buffers`, and not released before the operation is done.
        unsafe { core::slice::from_raw_parts(self.bufs.get(), self.nbufs.get() as usize) }
    }
}

pub(super) fn read(request: &FsRequest) -> Result<isize> {
    // SAFETY: the caller of `uv_fs_read` vouches for the buffers.
    let count = unsafe { sys::fs::read(request.file.get(), request.buffers(), request.off.get())? };
    Ok(count as isize)
}

/// Writes everything, in as many calls as it takes. When one fails after others did not, their
/// count is the result: the caller meets the error again when it writes the rest.
pub(super) fn write(request: &FsRequest) -> Result<isize> {
    let (fd, mut offset) = (request.file.get(), request.off.get());
    let mut rest = Unwritten { buffers: request.buffers(), skip: 0 };
    let mut total = 0usize;
    loop {
        // SAFETY: the caller of `uv_fs_write` vouches for the buffers.
        match unsafe { rest.write(fd, offset) } {
            Ok(0) => break,
            Ok(count) => {
                total += count;
                if offset >= 0 {
                    offset = offset.saturating_add_unsigned(count as u64);
                }
                rest.advance(count);
                if rest.buffers.is_empty() {
                    break;
                }
            }
            Err(_) if total > 0 => break,
            Err(error) => return Err(error),
        }
    }
    Ok(total as isize)
}

/// What is left of an array of buffers that is not ours to change.
struct Unwritten<'a> {
    buffers: &'a [uv_buf_t],
    /// How much of the first buffer is written.
    skip: usize,
}

impl Unwritten<'_> {
    /// # Safety
    /// Each buffer points to as many readable bytes as it says.
    unsafe fn write(&self, fd: c_int, offset: i64) -> Result<usize> {
        // SAFETY: the caller's contract, also for the end of a buffer.
        unsafe {
            match self.buffers {
                // The end of a buffer that a short write broke goes on its own: that is rare, and
                // otherwise it would take a copy of the array.
                [first, ..] if self.skip > 0 => {
                    let base = first.base.add(self.skip);
                    let end = uv_buf_t { base, len: first.len - self.skip };
                    sys::fs::write(fd, &[end], offset)
                }
                all => sys::fs::write(fd, all, offset),
            }
        }
    }

    fn advance(&mut self, count: usize) {
        self.skip += count;
        while let [first, others @ ..] = self.buffers {
            if self.skip < first.len {
                break;
            }
            self.skip -= first.len;
            self.buffers = others;
        }
    }
}

pub(super) fn fsync(request: &FsRequest) -> Result {
    sys::fs::fsync(request.file.get())
}

pub(super) fn fdatasync(request: &FsRequest) -> Result {
    sys::fs::fdatasync(request.file.get())
}

pub(super) fn ftruncate(request: &FsRequest) -> Result {
    sys::fs::ftruncate(request.file.get(), request.off.get())
}

/// Reads from a file into buffers: preadv(2), or readv(2) from the current position when `offset`
/// is negative.
///
/// The result is the number of bytes, which may be less than there is room for, and 0 at the end
/// of the file. One call fills at most `IOV_MAX` (1024) buffers. The array `bufs` is copied, the
/// buffers themselves stay the caller's and must live until the callback.
///
/// `UV_EINVAL` when `bufs` is NULL or `nbufs` 0; `UV_EINTR` when a signal handler interrupted it,
/// which is possible for pipes and terminals.
/// See `uv_fs_open()` for what `loop`, `req` and `cb` mean.
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_read>.
///
/// # Safety
/// As for `uv_fs_open()`; `bufs` has `nbufs` buffers, which are good for writing.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_read(
    r#loop: *mut uv_loop_t,
    req: *mut uv_fs_t,
    file: uv_file,
    bufs: *const uv_buf_t,
    nbufs: c_uint,
    offset: i64,
    cb: uv_fs_cb,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        start(r#loop, req, UV_FS_READ, cb, |request| {
            request.file.set(file);
            request.off.set(offset);
            request.set_buffers(bufs, nbufs)
        })
    }
}

/// Writes buffers to a file: pwritev(2), or writev(2) at the current position when `offset` is
/// negative. A file opened with `UV_FS_O_APPEND` is appended to in any case.
///
/// The result is the number of bytes. It is less than there are only when an error kept it from
/// writing the rest, and that error is the result when nothing was written. The array `bufs` is
/// copied, the buffers themselves must live until the callback.
///
/// `UV_EINVAL` when `bufs` is NULL or `nbufs` 0, or for more than 2 GiB less a page.
/// See `uv_fs_open()` for what `loop`, `req` and `cb` mean.
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_write>.
///
/// # Safety
/// As for `uv_fs_open()`; `bufs` has `nbufs` buffers, which are good for reading.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_write(
    r#loop: *mut uv_loop_t,
    req: *mut uv_fs_t,
    file: uv_file,
    bufs: *const uv_buf_t,
    nbufs: c_uint,
    offset: i64,
    cb: uv_fs_cb,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        start(r#loop, req, UV_FS_WRITE, cb, |request| {
            request.file.set(file);
            request.off.set(offset);
            if bufs.is_null() || nbufs > c_int::MAX as c_uint {
                return Err(Error::EINVAL);
            }
            let buffers = core::slice::from_raw_parts(bufs, nbufs as usize);
            if sys::fd::total(buffers) > sys::fd::MAX_RW_COUNT {
                return Err(Error::EINVAL);
            }
            request.set_buffers(bufs, nbufs)
        })
    }
}

/// Brings a file's content and attributes to the disk: fsync(2).
///
/// The result is 0 or an error. See `uv_fs_open()` for what `loop`, `req` and `cb` mean.
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_fsync>.
///
/// # Safety
/// As for `uv_fs_open()`.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_fsync(
    r#loop: *mut uv_loop_t,
    req: *mut uv_fs_t,
    file: uv_file,
    cb: uv_fs_cb,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        start(r#loop, req, UV_FS_FSYNC, cb, |request| {
            request.file.set(file);
            Ok(())
        })
    }
}

/// Brings a file's content to the disk: fdatasync(2).
///
/// The result is 0 or an error. See `uv_fs_open()` for what `loop`, `req` and `cb` mean.
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_fdatasync>.
///
/// # Safety
/// As for `uv_fs_open()`.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_fdatasync(
    r#loop: *mut uv_loop_t,
    req: *mut uv_fs_t,
    file: uv_file,
    cb: uv_fs_cb,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        start(r#loop, req, UV_FS_FDATASYNC, cb, |request| {
            request.file.set(file);
            Ok(())
        })
    }
}

/// Makes a file `offset` bytes long, by cutting it or by filling it up with zeros: ftruncate(2).
///
/// The result is 0 or an error. See `uv_fs_open()` for what `loop`, `req` and `cb` mean.
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_ftruncate>.
///
/// # Safety
/// As for `uv_fs_open()`.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_ftruncate(
    r#loop: *mut uv_loop_t,
    req: *mut uv_fs_t,
    file: uv_file,
    offset: i64,
    cb: uv_fs_cb,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        start(r#loop, req, UV_FS_FTRUNCATE, cb, |request| {
            request.file.set(file);
            request.off.set(offset);
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buffers(lengths: &[usize]) -> Vec<uv_buf_t> {
        lengths.iter().map(|&len| uv_buf_t { base: core::ptr::null_mut(), len }).collect()
    }

    #[test]
    fn advance_skips_what_is_written() {
        let all = buffers(&[3, 0, 4, 5]);
        let mut rest = Unwritten { buffers: &all, skip: 0 };
        rest.advance(2);
        assert_eq!((rest.buffers.len(), rest.skip), (4, 2));
        rest.advance(1);
        assert_eq!((rest.buffers.len(), rest.skip), (2, 0));
        rest.advance(6);
        assert_eq!((rest.buffers.len(), rest.skip), (1, 2));
        rest.advance(3);
        assert!(rest.buffers.is_empty());
    }
}
