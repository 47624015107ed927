//! System calls on files. A NULL path goes to the kernel, which answers `EFAULT`.
//!
//! Calls that a signal handler interrupts are repeated, except for [`read`]: the reader of a pipe may
//! wait for the interruption.

use super::fd::vectors;
use super::{c, count, cvt, errno, output, retry, safe_calls, set_errno};
use crate::abi::{uv_buf_t, uv_stat_t, uv_timespec_t, Error, Result};
use core::ffi::{c_char, c_int, c_void};
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ptr::NonNull;
use libc::{gid_t, mode_t, off_t, timespec, uid_t};

/// A path from C: NULL, or a string that is valid for `'a`.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Path<'a>(*const c_char, PhantomData<&'a c_char>);

impl Path<'_> {
    /// # Safety
    /// `path` is NULL or points to a NUL-terminated string that outlives the result.
    pub unsafe fn new(path: *const c_char) -> Self {
        Path(path, PhantomData)
    }

    pub fn as_ptr(self) -> *const c_char {
        self.0
    }
}

impl From<Path<'_>> for *const c_char {
    fn from(path: Path<'_>) -> *const c_char {
        path.0
    }
}

safe_calls! {
    fn fsync(fd: c_int);
    fn fdatasync(fd: c_int);
    fn ftruncate(fd: c_int, length: off_t);
    fn unlink(path: Path<'_>);
    fn mkdir(path: Path<'_>, mode: mode_t);
    fn rmdir(path: Path<'_>);
    fn rename(from: Path<'_>, to: Path<'_>);
    fn link(from: Path<'_>, to: Path<'_>);
    fn symlink(target: Path<'_>, path: Path<'_>);
    fn access(path: Path<'_>, mode: c_int);
}

pub fn open(path: Path<'_>, flags: c_int, mode: mode_t) -> Result<c_int> {
    // SAFETY: a `Path` is NULL or a string.
    retry(|| cvt(unsafe { c::open(path.0, flags | libc::O_CLOEXEC, mode) }))
}

/// Reads into at most IOV_MAX of the buffers, from the current position if `offset` is negative.
///
/// # Safety
/// Each buffer points to as many writable bytes as it says, which may be uninitialised.
pub unsafe fn read(fd: c_int, buffers: &[uv_buf_t], offset: off_t) -> Result<usize> {
    let (list, length) = vectors(buffers);
    // SAFETY: as documented; `list` has `length` buffers.
    count(unsafe {
        match (buffers, offset < 0) {
            ([one], true) => c::read(fd, one.base.cast(), one.len),
            ([one], false) => c::pread(fd, one.base.cast(), one.len, offset),
            (_, true) => c::readv(fd, list, length),
            (_, false) => c::preadv(fd, list, length, offset),
        }
    })
}

/// Writes at most IOV_MAX of the buffers, at the current position if `offset` is negative.
///
/// # Safety
/// Each buffer points to as many readable bytes as it says.
pub unsafe fn write(fd: c_int, buffers: &[uv_buf_t], offset: off_t) -> Result<usize> {
    let (list, length) = vectors(buffers);
    // SAFETY: as documented; `list` has `length` buffers.
    retry(|| unsafe {
        count(match (buffers, offset < 0) {
            ([one], true) => c::write(fd, one.base.cast(), one.len),
            ([one], false) => c::pwrite(fd, one.base.cast(), one.len, offset),
            (_, true) => c::writev(fd, list, length),
            (_, false) => c::pwritev(fd, list, length, offset),
        })
    })
}

pub fn copy_file_range(out: c_int, input: c_int, offset: off_t, length: usize) -> Result<usize> {
    retry(|| {
        let (mut from, to) = (offset, core::ptr::null_mut());
        // SAFETY: updates `from`.
        count(unsafe { c::copy_file_range(input, &raw mut from, out, to, length, 0) })
    })
}

pub fn sendfile(out: c_int, input: c_int, offset: off_t, length: usize) -> Result<usize> {
    retry(|| {
        let mut from = offset;
        // SAFETY: updates `from`.
        count(unsafe { c::sendfile(out, input, &raw mut from, length) })
    })
}

/// Moves the position of a file, and returns where it is.
pub fn seek(fd: c_int, offset: off_t, whence: c_int) -> Result<off_t> {
    // SAFETY: takes integers.
    cvt(unsafe { c::lseek(fd, offset, whence) })
}

/// Makes `out` share the blocks of `input`.
pub fn clone(out: c_int, input: c_int) -> Result {
    // SAFETY: FICLONE takes an int.
    retry(|| cvt(unsafe { c::ioctl(out, libc::FICLONE, input) })).map(drop)
}

/// Reads at `offset`, or from the current position if that is negative; repeated after a signal.
pub fn read_bytes(fd: c_int, buffer: &mut [u8], offset: off_t) -> Result<usize> {
    let (base, len) = (buffer.as_mut_ptr().cast::<c_void>(), buffer.len());
    // SAFETY: the length is the buffer's.
    retry(|| unsafe {
        count(match offset < 0 {
            true => c::read(fd, base, len),
            false => c::pread(fd, base, len, offset),
        })
    })
}

pub fn write_bytes(fd: c_int, bytes: &[u8]) -> Result<usize> {
    // SAFETY: the length is that of the bytes.
    retry(|| count(unsafe { c::write(fd, bytes.as_ptr().cast(), bytes.len()) }))
}

/// Waits until a non-blocking descriptor is writable.
pub fn wait_writable(fd: c_int) -> Result {
    let mut poll = libc::pollfd { fd, events: libc::POLLOUT, revents: 0 };
    // SAFETY: there is one entry.
    retry(|| cvt(unsafe { c::poll(&raw mut poll, 1, -1) })).map(drop)
}

/// Reads the target of a link into `buffer`; returns its length.
pub fn readlink(path: Path<'_>, buffer: &mut [MaybeUninit<u8>]) -> Result<usize> {
    // SAFETY: a `Path` is NULL or a string, and the length is the buffer's.
    retry(|| count(unsafe { c::readlink(path.0, buffer.as_mut_ptr().cast(), buffer.len()) }))
}

/// A string that libc allocated.
pub struct LibcString(NonNull<c_char>);

impl LibcString {
    pub fn as_c_str(&self) -> &core::ffi::CStr {
        // SAFETY: libc returned a string, which lives until `self` is dropped.
        unsafe { core::ffi::CStr::from_ptr(self.0.as_ptr()) }
    }
}

impl Drop for LibcString {
    fn drop(&mut self) {
        // SAFETY: the string came from libc's malloc, and `self` is its owner.
        unsafe { c::free(self.0.as_ptr().cast()) }
    }
}

pub fn realpath(path: Path<'_>) -> Result<LibcString> {
    retry(|| {
        // SAFETY: a `Path` is NULL or a string; realpath() allocates a buffer if there is none.
        let resolved = unsafe { c::realpath(path.0, core::ptr::null_mut()) };
        NonNull::new(resolved).map(LibcString).ok_or_else(Error::last)
    })
}

/// Replaces the six `X` at the end of the template and makes a directory of that name.
///
/// # Safety
/// `template` is a writable string.
pub unsafe fn mkdtemp(template: *mut c_char) -> Result {
    retry(|| {
        // SAFETY: as documented.
        NonNull::new(unsafe { c::mkdtemp(template) }).map(drop).ok_or_else(Error::last)
    })
}

/// Replaces the six `X` at the end of the template, then creates and opens a file of that name.
///
/// # Safety
/// `template` is a writable string.
pub unsafe fn mkstemp(template: *mut c_char) -> Result<c_int> {
    // SAFETY: as documented.
    retry(|| cvt(unsafe { c::mkostemp(template, libc::O_CLOEXEC) }))
}

/// The file whose attributes are read or changed.
#[derive(Clone, Copy)]
pub enum Target<'a> {
    Path(Path<'a>),
    /// A path whose last part is not followed if it is a symbolic link.
    Link(Path<'a>),
    File(c_int),
}

/// The arguments of statx(2).
pub struct StatxTarget {
    pub dir: c_int,
    pub path: *const c_char,
    pub flags: c_int,
    pub mask: u32,
}

impl Target<'_> {
    pub fn for_statx(self) -> StatxTarget {
        let (dir, path, flags) = match self {
            Target::Path(path) => (libc::AT_FDCWD, path.0, 0),
            Target::Link(path) => (libc::AT_FDCWD, path.0, libc::AT_SYMLINK_NOFOLLOW),
            Target::File(fd) => (fd, c"".as_ptr(), libc::AT_EMPTY_PATH),
        };
        StatxTarget { dir, path, flags, mask: libc::STATX_BASIC_STATS | libc::STATX_BTIME }
    }
}

pub fn stat(target: Target<'_>) -> Result<uv_stat_t> {
    let StatxTarget { dir, path, flags, mask } = target.for_statx();
    let mut found = MaybeUninit::<libc::statx>::uninit();
    // SAFETY: the path is NULL or a string, and there is room for the struct.
    match retry(|| cvt(unsafe { c::statx(dir, path, flags, mask, found.as_mut_ptr()) })) {
        // SAFETY: statx() filled it in.
        Ok(0) => return Ok(from_statx(&unsafe { found.assume_init() })),
        // Sandboxes that do not know the call deny it in many ways. One is a positive result.
        Ok(_) | Err(Error::ENOSYS | Error::EPERM | Error::EINVAL | Error::ENOTSUP) => {}
        Err(error) => return Err(error),
    }
    // SAFETY: the path is NULL or a string; both functions fill in the struct.
    let found = unsafe {
        output(|found| match target {
            Target::File(fd) => c::fstat64(fd, found),
            _ => c::fstatat64(dir, path, found, flags),
        })
    };
    Ok(from_stat(&found?))
}

pub fn from_statx(found: &libc::statx) -> uv_stat_t {
    let time = |time: &libc::statx_timestamp| uv_timespec_t {
        tv_sec: time.tv_sec,
        tv_nsec: time.tv_nsec.into(),
    };
    uv_stat_t {
        st_dev: libc::makedev(found.stx_dev_major, found.stx_dev_minor),
        st_mode: found.stx_mode.into(),
        st_nlink: found.stx_nlink.into(),
        st_uid: found.stx_uid.into(),
        st_gid: found.stx_gid.into(),
        st_rdev: libc::makedev(found.stx_rdev_major, found.stx_rdev_minor),
        st_ino: found.stx_ino,
        st_size: found.stx_size,
        st_blksize: found.stx_blksize.into(),
        st_blocks: found.stx_blocks,
        st_flags: 0,
        st_gen: 0,
        st_atim: time(&found.stx_atime),
        st_mtim: time(&found.stx_mtime),
        st_ctim: time(&found.stx_ctime),
        st_birthtim: time(&found.stx_btime),
    }
}

/// `stat` has no birth time; the last change of the attributes comes closest.
fn from_stat(found: &libc::stat64) -> uv_stat_t {
    /// The size of a file, and others of its numbers, are never negative.
    fn unsigned<T>(number: T) -> u64
    where
        u64: TryFrom<T>,
    {
        number.try_into().unwrap_or(0)
    }
    let ctim = uv_timespec_t { tv_sec: found.st_ctime, tv_nsec: found.st_ctime_nsec };
    uv_stat_t {
        st_dev: found.st_dev,
        st_mode: found.st_mode.into(),
        st_nlink: found.st_nlink as _,
        st_uid: found.st_uid.into(),
        st_gid: found.st_gid.into(),
        st_rdev: found.st_rdev,
        st_ino: found.st_ino,
        st_size: unsigned(found.st_size),
        st_blksize: unsigned(found.st_blksize),
        st_blocks: unsigned(found.st_blocks),
        st_flags: 0,
        st_gen: 0,
        st_atim: uv_timespec_t { tv_sec: found.st_atime, tv_nsec: found.st_atime_nsec },
        st_mtim: uv_timespec_t { tv_sec: found.st_mtime, tv_nsec: found.st_mtime_nsec },
        st_ctim: ctim,
        st_birthtim: ctim,
    }
}

pub fn statfs(path: Path<'_>) -> Result<libc::statfs64> {
    // SAFETY: a `Path` is NULL or a string; statfs64() fills in the struct.
    unsafe { output(|found| c::statfs64(path.0, found)) }
}

/// Returns the magic number of the file system of an open file.
pub fn file_system_of(fd: c_int) -> Result<u32> {
    // SAFETY: fstatfs64() fills in the struct.
    let found: libc::statfs64 = unsafe { output(|found| c::fstatfs64(fd, found)) }?;
    Ok(u32::try_from(found.f_type).unwrap_or(0))
}

/// Changes the mode. Links are followed, as a link has no mode.
pub fn chmod(target: Target<'_>, mode: mode_t) -> Result {
    // SAFETY: a `Path` is NULL or a string.
    let call = || unsafe {
        match target {
            Target::Path(path) | Target::Link(path) => c::chmod(path.0, mode),
            Target::File(fd) => c::fchmod(fd, mode),
        }
    };
    retry(|| cvt(call())).map(drop)
}

/// Changes the owner and the group; an id of -1 changes nothing.
pub fn chown(target: Target<'_>, uid: uid_t, gid: gid_t) -> Result {
    // SAFETY: a `Path` is NULL or a string.
    let call = || unsafe {
        match target {
            Target::Path(path) => c::chown(path.0, uid, gid),
            Target::Link(path) => c::lchown(path.0, uid, gid),
            Target::File(fd) => c::fchown(fd, uid, gid),
        }
    };
    retry(|| cvt(call())).map(drop)
}

/// Sets the times of the last access and the last modification.
pub fn set_times(target: Target<'_>, times: [timespec; 2]) -> Result {
    let list = times.as_ptr();
    let link = libc::AT_SYMLINK_NOFOLLOW;
    // SAFETY: a `Path` is NULL or a string, and the list has the two times.
    let call = || unsafe {
        match target {
            Target::Path(path) => c::utimensat(libc::AT_FDCWD, path.0, list, 0),
            Target::Link(path) => c::utimensat(libc::AT_FDCWD, path.0, list, link),
            Target::File(fd) => c::futimens(fd, list),
        }
    };
    retry(|| cvt(call())).map(drop)
}

/// An open directory.
pub struct Directory(NonNull<libc::DIR>);

/// An entry of a directory.
pub struct Entry<'a> {
    pub name: &'a core::ffi::CStr,
    /// One of libc's `DT_` constants.
    pub kind: u8,
}

impl Directory {
    pub fn open(path: Path<'_>) -> Result<Directory> {
        retry(|| {
            // SAFETY: a `Path` is NULL or a string.
            let stream = unsafe { c::opendir(path.0) };
            NonNull::new(stream).map(Directory).ok_or_else(Error::last)
        })
    }

    /// # Safety
    /// `stream` came from [`Directory::into_raw`], and only this call takes it back.
    pub unsafe fn from_raw(stream: NonNull<libc::DIR>) -> Directory {
        Directory(stream)
    }

    pub fn into_raw(self) -> NonNull<libc::DIR> {
        core::mem::ManuallyDrop::new(self).0
    }

    /// Returns the next entry that is neither `.` nor `..`.
    pub fn next(&mut self) -> Result<Option<Entry<'_>>> {
        let before = errno();
        loop {
            set_errno(0);
            // SAFETY: the stream is open.
            let entry = unsafe { c::readdir64(self.0.as_ptr()) };
            if entry.is_null() {
                let result = if errno() == 0 { Ok(None) } else { Err(Error::last()) };
                set_errno(before);
                return result;
            }
            // SAFETY: the entry has a name and a type, and is valid until the next call, which takes
            // `&mut self`.
            let (name, kind) = unsafe {
                let name = (&raw const (*entry).d_name).cast();
                (core::ffi::CStr::from_ptr(name), (*entry).d_type)
            };
            if !matches!(name.to_bytes(), b"." | b"..") {
                set_errno(before);
                return Ok(Some(Entry { name, kind }));
            }
        }
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // SAFETY: the stream is open, and `self` is its owner. No data is lost if this fails.
        unsafe { c::closedir(self.0.as_ptr()) };
    }
}
