//! The contents of files: read, write, fsync, fdatasync, ftruncate.

use super::{require, zero, Arguments, FsRequest, Operation, NONE};
use crate::abi::*;
use crate::memory;
use crate::sys;
use core::ffi::{c_int, c_uint};
use io_uring::opcode::{Fsync, Ftruncate, Readv, Writev};
use io_uring::types::FsyncFlags;

/// The most buffers that one system call takes.
const IOV_MAX: u32 = libc::UIO_MAXIOV as u32;

pub(super) static READ: Operation = Operation {
    prepare: FsRequest::keep_buffers,
    entry: |req| {
        let count = req.nbufs.get().min(IOV_MAX);
        let entry = Readv::new(req.ring_file(), req.bufs.get().cast(), count);
        Some(entry.offset(req.ring_offset()).build())
    },
    interruptible: true,
    ..Operation::new(UV_FS_READ, |req| {
        // SAFETY: by the contract of `uv_fs_read` the buffers are valid for writing.
        let count = unsafe { sys::fs::read(req.file.get(), req.buffers(), req.off.get())? };
        Ok(count as isize)
    })
};

pub(super) static WRITE: Operation = Operation {
    prepare: |req| {
        require(!req.bufs.get().is_null() && req.nbufs.get() <= c_int::MAX as c_uint)?;
        require(sys::fd::total(req.buffers()) <= sys::fd::MAX_RW_COUNT)?;
        req.keep_buffers()
    },
    entry: |req| {
        let count = req.nbufs.get();
        let entry = Writev::new(req.ring_file(), req.bufs.get().cast(), count);
        // More buffers take several calls, as all of them are written.
        (count <= IOV_MAX).then(|| entry.offset(req.ring_offset()).build())
    },
    ..Operation::new(UV_FS_WRITE, write)
};

pub(super) static FSYNC: Operation = Operation {
    entry: |req| Some(Fsync::new(req.ring_file()).build()),
    ..Operation::new(UV_FS_FSYNC, |req| sys::fs::fsync(req.file.get()).map(zero))
};

pub(super) static FDATASYNC: Operation = Operation {
    entry: |req| Some(Fsync::new(req.ring_file()).flags(FsyncFlags::DATASYNC).build()),
    ..Operation::new(UV_FS_FDATASYNC, |req| sys::fs::fdatasync(req.file.get()).map(zero))
};

pub(super) static FTRUNCATE: Operation = Operation {
    entry: |req| {
        // The pool reports the error of a negative length.
        let length = u64::try_from(req.off.get()).ok()?;
        Some(Ftruncate::new(req.ring_file(), length).build())
    },
    ..Operation::new(UV_FS_FTRUNCATE, |req| {
        sys::fs::ftruncate(req.file.get(), req.off.get()).map(zero)
    })
};

impl FsRequest {
    /// Copies the array of buffers if the call is asynchronous. A synchronous one uses the caller's,
    /// which is never written to.
    fn keep_buffers(&self) -> Result {
        let (bufs, count) = (self.bufs.get(), self.nbufs.get() as usize);
        require(!bufs.is_null() && count > 0)?;
        if self.is_sync() {
            return Ok(());
        }
        let copy = if count <= 4 {
            self.bufsml.as_ptr().cast::<uv_buf_t>()
        } else {
            let size = count.checked_mul(size_of::<uv_buf_t>()).ok_or(Error::ENOMEM)?;
            memory::malloc(size)?.cast().as_ptr()
        };
        // SAFETY: by the contract of the C function the array has `count` buffers; the copy has
        // room for as many and does not overlap with it.
        unsafe { core::ptr::copy_nonoverlapping(bufs, copy, count) };
        self.bufs.set(copy);
        Ok(())
    }

    fn buffers(&self) -> &[uv_buf_t] {
        // SAFETY: the caller's array, which by the contract of the C function has `nbufs` buffers,
        // or the copy that `keep_buffers` made, which is not released before the operation is done.
        unsafe { core::slice::from_raw_parts(self.bufs.get(), self.nbufs.get() as usize) }
    }
}

/// Writes all buffers, in as many calls as that takes. If a call fails after others succeeded,
/// returns the bytes that they wrote: the caller gets the error when it writes the rest.
fn write(request: &FsRequest) -> Result<isize> {
    let (fd, mut offset) = (request.file.get(), request.off.get());
    let mut rest = Unwritten { buffers: request.buffers(), skip: 0 };
    let mut total = 0usize;
    loop {
        // SAFETY: by the contract of `uv_fs_write` the buffers are valid for reading.
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

/// The buffers that are not written yet. The array itself is not changed.
struct Unwritten<'a> {
    buffers: &'a [uv_buf_t],
    /// The number of bytes of the first buffer that are written.
    skip: usize,
}

impl Unwritten<'_> {
    /// # Safety
    /// Each buffer points to as many readable bytes as it says.
    unsafe fn write(&self, fd: c_int, offset: i64) -> Result<usize> {
        // SAFETY: as documented; the end of a buffer lies within it.
        unsafe {
            match self.buffers {
                // The end of a buffer that was partly written is written alone, which is rare.
                // Otherwise the array would have to be copied.
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

/// Reads from a file into buffers: preadv(2), or readv(2) from the current position when `offset`
/// is negative.
///
/// The result is the number of bytes, which may be less than there is room for, and 0 at the end
/// of the file. One call fills at most `IOV_MAX` (1024) buffers. The array `bufs` is copied, the
/// buffers themselves must stay valid until the callback.
///
/// `UV_EINVAL` if `bufs` is NULL or `nbufs` 0; `UV_EINTR` if a signal handler interrupted it, which
/// is possible for pipes and terminals.
/// `uv_fs_open()` describes `loop`, `req` and `cb`.
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_read>.
///
/// # Safety
/// As for `uv_fs_open()`; `bufs` has `nbufs` buffers, which are valid for writing.
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
    // SAFETY: as documented.
    unsafe { READ.start(r#loop, req, cb, Arguments { file, bufs, nbufs, off: offset, ..NONE }) }
}

/// Writes buffers to a file: pwritev(2), or writev(2) at the current position when `offset` is
/// negative. A file opened with `UV_FS_O_APPEND` is always appended to.
///
/// The result is the number of bytes. It is less than the buffers hold only if an error occurred
/// after some bytes were written; if none were written, the result is the error. The array `bufs` is
/// copied, the buffers themselves must stay valid until the callback.
///
/// `UV_EINVAL` if `bufs` is NULL or `nbufs` 0, or for more than 2 GiB less a page.
/// `uv_fs_open()` describes `loop`, `req` and `cb`.
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_write>.
///
/// # Safety
/// As for `uv_fs_open()`; `bufs` has `nbufs` buffers, which are valid for reading.
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
    // SAFETY: as documented.
    unsafe { WRITE.start(r#loop, req, cb, Arguments { file, bufs, nbufs, off: offset, ..NONE }) }
}

/// Flushes a file's contents and attributes to the disk: fsync(2).
///
/// The result is 0 or an error. `uv_fs_open()` describes `loop`, `req` and `cb`.
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
    // SAFETY: as documented.
    unsafe { FSYNC.start_rare(r#loop, req, cb, Arguments { file, ..NONE }) }
}

/// Flushes a file's contents to the disk: fdatasync(2).
///
/// The result is 0 or an error. `uv_fs_open()` describes `loop`, `req` and `cb`.
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
    // SAFETY: as documented.
    unsafe { FDATASYNC.start_rare(r#loop, req, cb, Arguments { file, ..NONE }) }
}

/// Sets the size of a file to `offset` bytes; a longer file ends in zeros: ftruncate(2).
///
/// The result is 0 or an error. `uv_fs_open()` describes `loop`, `req` and `cb`.
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
    // SAFETY: as documented.
    unsafe { FTRUNCATE.start_rare(r#loop, req, cb, Arguments { file, off: offset, ..NONE }) }
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
