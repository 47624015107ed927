//! Copying inside the kernel: copyfile, sendfile.

use super::{require, zero, Arguments, FsRequest, Operation, NONE};
use crate::abi::*;
use crate::sys::{self, fd::MAX_RW_COUNT, fs::Target};
use core::ffi::{c_char, c_int, c_uint};
use libc::{mode_t, off_t};

/// Copies up to `length` bytes from `offset` in `input` to the current position of `output`, in the
/// fastest way that the two files support. Returns how many were copied, 0 at the end of the input.
fn transfer(output: c_int, input: c_int, offset: off_t, length: usize) -> Result<usize> {
    let copied = match sys::fs::copy_file_range(output, input, offset, length) {
        // CIFS and sandboxes return EPERM for what only sendfile supports.
        Err(Error::ENOSYS | Error::ENOTSUP | Error::EXDEV | Error::EPERM) => {
            sys::fs::sendfile(output, input, offset, length)
        }
        // Ceph has another error for that.
        Err(Error::EACCES) if is_ceph(input) => sys::fs::sendfile(output, input, offset, length),
        other => other,
    };
    match copied {
        // The file is of a kind that neither supports: a pipe, a device, a file in /proc.
        Err(Error::EINVAL | Error::EIO | Error::ENOTSOCK | Error::EXDEV) => {
            read_and_write(output, input, offset, length)
        }
        other => other,
    }
}

fn is_cifs(fd: c_int) -> bool {
    const CIFS: u32 = 0xff53_4d42;
    const SMB2: u32 = 0xfe53_4d42;
    matches!(sys::fs::file_system_of(fd), Ok(CIFS | SMB2))
}

fn is_ceph(fd: c_int) -> bool {
    const CEPH: u32 = 0x00c3_6400;
    matches!(sys::fs::file_system_of(fd), Ok(CEPH))
}

fn read_and_write(output: c_int, input: c_int, offset: off_t, length: usize) -> Result<usize> {
    let mut buffer = [0u8; 8192];
    let mut seekable = true;
    let mut total = 0;
    while total < length {
        let room = buffer.len().min(length - total);
        let at = if seekable { offset.saturating_add_unsigned(total as u64) } else { -1 };
        let count = match sys::fs::read_bytes(input, &mut buffer[..room], at) {
            Ok(0) => break,
            Ok(count) => count,
            // A pipe, or a terminal, which has another error.
            Err(Error::ESPIPE | Error::EIO)
                if total == 0 && seekable && sys::fs::seek(input, 0, libc::SEEK_CUR).is_err() =>
            {
                seekable = false;
                continue;
            }
            Err(_) if total > 0 => break,
            Err(error) => return Err(error),
        };
        write_all(output, &buffer[..count])?;
        total += count;
    }
    Ok(total)
}

/// Writes all bytes, as they are read already; waits for an output that is non-blocking.
fn write_all(output: c_int, mut bytes: &[u8]) -> Result {
    while !bytes.is_empty() {
        match sys::fs::write_bytes(output, bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(Error::EAGAIN) => sys::fs::wait_writable(output)?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// `nbufs` is the number of bytes, `flags` the file to read from.
pub(super) static SENDFILE: Operation = Operation {
    prepare: |req| require(req.nbufs.get() as usize <= MAX_RW_COUNT),
    ..Operation::new(UV_FS_SENDFILE, |req| {
        let (output, input) = (req.file.get(), req.flags.get());
        let copied = transfer(output, input, req.off.get(), req.nbufs.get() as usize)?;
        Ok(copied as isize)
    })
};

pub(super) static COPYFILE: Operation = Operation {
    prepare: |req| {
        const KNOWN: c_int =
            UV_FS_COPYFILE_EXCL | UV_FS_COPYFILE_FICLONE | UV_FS_COPYFILE_FICLONE_FORCE;
        require(req.flags.get() & !KNOWN == 0)?;
        req.keep_paths()
    },
    ..Operation::on_paths(UV_FS_COPYFILE, |req| copyfile(req).map(zero))
};

/// A file descriptor that is closed when it is dropped.
struct File(c_int);

impl File {
    /// Closes the file and returns the outcome: some file systems report only here that a write
    /// failed.
    fn close(self) -> Result {
        sys::fd::close(core::mem::ManuallyDrop::new(self).0)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = sys::fd::close(self.0);
    }
}

fn copyfile(request: &FsRequest) -> Result {
    let flags = request.flags.get();
    let source = File(sys::fs::open(request.path(), libc::O_RDONLY, 0)?);
    let original = sys::fs::stat(Target::File(source.0))?;
    let create = |exclusive| {
        let flags = libc::O_WRONLY | libc::O_CREAT | exclusive;
        sys::fs::open(request.new_path(), flags, original.st_mode as mode_t & 0o7777)
    };
    // Whether the file is made here decides what becomes of it after an error.
    let (copy, is_new) = match create(libc::O_EXCL) {
        Err(Error::EEXIST) if flags & UV_FS_COPYFILE_EXCL == 0 => (File(create(0)?), false),
        other => (File(other?), true),
    };
    let before = sys::fs::stat(Target::File(copy.0))?;
    let outcome = fill(&copy, &source, &original, &before, flags);
    let closed = copy.close();
    if outcome.and(closed).is_err() && is_new {
        // No partial copy is left, unless it has another name by now. The first error is reported.
        let now = sys::fs::stat(Target::Link(request.new_path()));
        if now.is_ok_and(|now| is_same(&now, &before)) {
            let _ = sys::fs::unlink(request.new_path());
        }
    }
    outcome.and(closed)
}

fn is_same(one: &uv_stat_t, other: &uv_stat_t) -> bool {
    (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)
}

/// Makes `copy`, which is open for writing and may have existed before, equal to `source`.
fn fill(
    copy: &File,
    source: &File,
    original: &uv_stat_t,
    before: &uv_stat_t,
    flags: c_int,
) -> Result {
    if is_same(before, original) {
        return Ok(());
    }
    let target = Target::File(copy.0);
    // Not with O_TRUNC, as it could have been the source itself.
    sys::fs::ftruncate(copy.0, 0)?;
    // Times and owner are copied if that is allowed; the mode must be.
    let time = |time: &uv_timespec_t| libc::timespec { tv_sec: time.tv_sec, tv_nsec: time.tv_nsec };
    let _ = sys::fs::set_times(target, [time(&original.st_atim), time(&original.st_mtim)]);
    let (uid, gid) = (original.st_uid as uv_uid_t, original.st_gid as uv_gid_t);
    let _ = sys::fs::chown(target, uid, gid);
    match sys::fs::chmod(target, original.st_mode as mode_t & 0o7777) {
        // CIFS does not store modes.
        Err(Error::EPERM) if is_cifs(copy.0) => {}
        other => other?,
    }

    if flags & (UV_FS_COPYFILE_FICLONE | UV_FS_COPYFILE_FICLONE_FORCE) != 0 {
        match sys::fs::clone(copy.0, source.0) {
            Ok(()) => return Ok(()),
            Err(error) if flags & UV_FS_COPYFILE_FICLONE_FORCE != 0 => return Err(error),
            Err(_) => {}
        }
    }
    copy_content(copy.0, source.0, original)
}

/// Copies all bytes to the empty file `output`. Holes stay holes.
fn copy_content(output: c_int, input: c_int, original: &uv_stat_t) -> Result {
    let size = off_t::try_from(original.st_size).unwrap_or(off_t::MAX);
    let is_sparse = original.st_blocks.saturating_mul(512) < original.st_size;
    let mut offset = 0;
    while offset < size {
        let mut end = size;
        if is_sparse {
            let data = next_data(input, offset, size);
            if data.start > offset {
                sys::fs::ftruncate(output, data.start)?;
                sys::fs::seek(output, data.start, libc::SEEK_SET)?;
            }
            (offset, end) = (data.start, data.end);
        }
        while offset < end {
            match transfer(output, input, offset, usize::try_from(end - offset).unwrap_or(0))? {
                0 => break,
                count => offset = offset.saturating_add_unsigned(count as u64),
            }
        }
        // The file was truncated meanwhile, or its size is not that of its content.
        if offset < end {
            break;
        }
    }
    // Files in /proc and of some network file systems have more content than their size says. The
    // content of a device has no end.
    if original.st_mode & u64::from(libc::S_IFMT) == u64::from(libc::S_IFREG) {
        while read_and_write(output, input, offset, usize::MAX)? > 0 {
            offset = sys::fs::seek(output, 0, libc::SEEK_CUR)?;
        }
    }
    Ok(())
}

/// Returns the next part of the file from `offset` that is no hole. It is empty and at `size` if only a
/// hole follows, and everything if the file system does not know.
fn next_data(input: c_int, offset: off_t, size: off_t) -> core::ops::Range<off_t> {
    let start = match sys::fs::seek(input, offset, libc::SEEK_DATA) {
        Ok(start) => start.clamp(offset, size),
        Err(Error::ENXIO) => return size..size,
        Err(_) => return offset..size,
    };
    let end = sys::fs::seek(input, start, libc::SEEK_HOLE).unwrap_or(size);
    start..end.clamp(start, size)
}

/// Copies a file with its mode and, if that is allowed, its times and owner.
///
/// `flags` are 0 or of `UV_FS_COPYFILE_EXCL` (fail with `UV_EEXIST` if `new_path` exists, instead
/// of overwriting it), `UV_FS_COPYFILE_FICLONE` (share the blocks if the file system can) and
/// `UV_FS_COPYFILE_FICLONE_FORCE` (share the blocks or fail); others are `UV_EINVAL`. The result
/// is 0 or an error; a file that this call made is removed then, and one that was there before stays,
/// with part of the content. The content is copied up to its end, also if the size of the file is said
/// to be 0, and holes stay holes. Copying a file onto itself does nothing.
/// `uv_fs_open()` describes `loop`, `req` and `cb`.
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_copyfile>.
///
/// # Safety
/// As for `uv_fs_open()`.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_copyfile(
    r#loop: *mut uv_loop_t,
    req: *mut uv_fs_t,
    path: *const c_char,
    new_path: *const c_char,
    flags: c_int,
    cb: uv_fs_cb,
) -> c_int {
    // SAFETY: as documented.
    unsafe { COPYFILE.start_rare(r#loop, req, cb, Arguments { path, new_path, flags, ..NONE }) }
}

/// Copies up to `length` bytes, from `in_offset` in `in_fd` to the current position of `out_fd`,
/// inside the kernel if it supports that for these two files.
///
/// The position of `in_fd` does not change, unless it has no offsets, like a pipe. The result is
/// the number of bytes, which may be less than `length`, or an error. `UV_EINVAL` if `length` is
/// more than 2 GiB less a page. `uv_fs_open()` describes `loop`, `req` and `cb`.
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_sendfile>.
///
/// # Safety
/// As for `uv_fs_open()`.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_sendfile(
    r#loop: *mut uv_loop_t,
    req: *mut uv_fs_t,
    out_fd: uv_file,
    in_fd: uv_file,
    in_offset: i64,
    length: usize,
    cb: uv_fs_cb,
) -> c_int {
    // `prepare` refuses the largest number.
    let nbufs = c_uint::try_from(length).unwrap_or(c_uint::MAX);
    let arguments = Arguments { file: out_fd, flags: in_fd, nbufs, off: in_offset, ..NONE };
    // SAFETY: as documented.
    unsafe { SENDFILE.start_rare(r#loop, req, cb, arguments) }
}
