//! Attributes of files and file systems: stat, lstat, fstat, statfs.

use super::{free_block, zero, Arguments, FsRequest, Operation, NONE};
use crate::abi::*;
use crate::memory;
use crate::sys::{
    self,
    fs::{from_statx, StatxTarget, Target},
};
use core::ffi::{c_char, c_int, c_void};
use core::mem::MaybeUninit;
use core::ptr;
use io_uring::{opcode, squeue::Entry, types::Fd};

pub(super) static STAT: Operation = Operation {
    entry: |req| statx_entry(req, Target::Path(req.path())),
    take_answer: take_statx,
    free: free_statx,
    ..Operation::on_path(UV_FS_STAT, |req| stat(req, Target::Path(req.path())))
};

pub(super) static LSTAT: Operation = Operation {
    entry: |req| statx_entry(req, Target::Link(req.path())),
    take_answer: take_statx,
    free: free_statx,
    ..Operation::on_path(UV_FS_LSTAT, |req| stat(req, Target::Link(req.path())))
};

pub(super) static FSTAT: Operation = Operation {
    entry: |req| statx_entry(req, Target::File(req.file.get())),
    take_answer: take_statx,
    free: free_statx,
    ..Operation::new(UV_FS_FSTAT, |req| stat(req, Target::File(req.file.get())))
};

pub(super) static STATFS: Operation =
    Operation { free: free_block, ..Operation::on_path(UV_FS_STATFS, |req| statfs(req).map(zero)) };

fn stat(request: &FsRequest, target: Target<'_>) -> Result<isize> {
    // By reference: with `?` the result would be copied once more.
    match &sys::fs::stat(target) {
        Ok(found) => set_statbuf(request, found),
        Err(error) => return Err(*error),
    }
    Ok(0)
}

fn set_statbuf(request: &FsRequest, found: &uv_stat_t) {
    request.statbuf.set(MaybeUninit::new(*found));
    request.ptr.set(request.statbuf.as_ptr().cast());
}

/// Returns an entry whose answer goes to a new block in `ptr`.
fn statx_entry(request: &FsRequest, target: Target<'_>) -> Option<Entry> {
    let answer = memory::calloc(1, size_of::<libc::statx>()).ok()?.as_ptr();
    request.ptr.set(answer);
    let StatxTarget { dir, path, flags, mask } = target.for_statx();
    Some(opcode::Statx::new(Fd(dir), path, answer.cast()).flags(flags).mask(mask).build())
}

fn take_statx(request: &FsRequest) {
    // SAFETY: the block of `statx_entry`, which the kernel has filled in.
    let found = unsafe { from_statx(&*request.ptr.get().cast()) };
    request.release_ptr();
    set_statbuf(request, &found);
}

/// # Safety
/// `answer` is the request's `statbuf`, or the block of `statx_entry`, which is not used afterwards.
unsafe fn free_statx(request: &FsRequest, answer: *mut c_void) {
    if !ptr::eq(answer, request.statbuf.as_ptr().cast()) {
        // SAFETY: as documented.
        unsafe { memory::free(answer) };
    }
}

fn statfs(request: &FsRequest) -> Result {
    let found = sys::fs::statfs(request.path())?;
    let answer = memory::malloc(size_of::<uv_statfs_t>())?.cast::<uv_statfs_t>();
    // SAFETY: the block has the size of the value, and malloc aligns it.
    unsafe {
        answer.write(uv_statfs_t {
            f_type: found.f_type as u64,
            f_bsize: found.f_bsize as u64,
            f_blocks: found.f_blocks,
            f_bfree: found.f_bfree,
            f_bavail: found.f_bavail,
            f_files: found.f_files,
            f_ffree: found.f_ffree,
            f_frsize: found.f_frsize as u64,
            f_spare: [0; 3],
        })
    };
    request.ptr.set(answer.as_ptr().cast());
    Ok(())
}

/// Gets the attributes of a file: stat(2), with the time of birth where the file system has it.
///
/// The result is 0 or an error. On success they are in `req->statbuf`, and `req->ptr` points
/// there; otherwise it is NULL. `uv_fs_open()` describes `loop`, `req` and `cb`.
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_stat>.
///
/// # Safety
/// As for `uv_fs_open()`.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_stat(
    r#loop: *mut uv_loop_t,
    req: *mut uv_fs_t,
    path: *const c_char,
    cb: uv_fs_cb,
) -> c_int {
    // SAFETY: as documented.
    unsafe { STAT.start(r#loop, req, cb, Arguments { path, ..NONE }) }
}

/// As `uv_fs_stat()`, but of a symbolic link itself: lstat(2).
///
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_lstat>.
///
/// # Safety
/// As for `uv_fs_open()`.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_lstat(
    r#loop: *mut uv_loop_t,
    req: *mut uv_fs_t,
    path: *const c_char,
    cb: uv_fs_cb,
) -> c_int {
    // SAFETY: as documented.
    unsafe { LSTAT.start_rare(r#loop, req, cb, Arguments { path, ..NONE }) }
}

/// As `uv_fs_stat()`, but of an open file: fstat(2).
///
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_fstat>.
///
/// # Safety
/// As for `uv_fs_open()`.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_fstat(
    r#loop: *mut uv_loop_t,
    req: *mut uv_fs_t,
    file: uv_file,
    cb: uv_fs_cb,
) -> c_int {
    // SAFETY: as documented.
    unsafe { FSTAT.start_rare(r#loop, req, cb, Arguments { file, ..NONE }) }
}

/// Gets the size and the use of the file system that `path` is on: statfs(2).
///
/// The result is 0 or an error. On success `req->ptr` is a `uv_statfs_t` that
/// `uv_fs_req_cleanup()` frees; otherwise it is NULL.
/// `uv_fs_open()` describes `loop`, `req` and `cb`.
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_statfs>.
///
/// # Safety
/// As for `uv_fs_open()`.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_statfs(
    r#loop: *mut uv_loop_t,
    req: *mut uv_fs_t,
    path: *const c_char,
    cb: uv_fs_cb,
) -> c_int {
    // SAFETY: as documented.
    unsafe { STATFS.start_rare(r#loop, req, cb, Arguments { path, ..NONE }) }
}
