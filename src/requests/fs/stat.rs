//! What is known about files and file systems: stat, lstat, fstat, statfs.

use super::{start, FsRequest};
use crate::abi::*;
use crate::memory;
use crate::sys;
use core::ffi::{c_char, c_int};
use core::mem::MaybeUninit;

pub(super) fn stat(request: &FsRequest) -> Result {
    let found = sys::fs::stat(request.target())?;
    request.statbuf.set(MaybeUninit::new(found));
    request.ptr.set(request.statbuf.as_ptr().cast());
    Ok(())
}

pub(super) fn statfs(request: &FsRequest) -> Result {
    let found = sys::fs::statfs(request.path())?;
    let answer = memory::malloc(size_of::<uv_statfs_t>())?.cast::<uv_statfs_t>();
    // SAFETY: the block is as large as what is written, and malloc aligns it.
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
/// there; otherwise that is NULL. See `uv_fs_open()` for what `loop`, `req` and `cb` mean.
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
    // SAFETY: the caller's contract.
    unsafe { start(r#loop, req, UV_FS_STAT, cb, |request| request.set_path(path)) }
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
    // SAFETY: the caller's contract.
    unsafe { start(r#loop, req, UV_FS_LSTAT, cb, |request| request.set_path(path)) }
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
    // SAFETY: the caller's contract.
    unsafe {
        start(r#loop, req, UV_FS_FSTAT, cb, |request| {
            request.file.set(file);
            Ok(())
        })
    }
}

/// Gets the size and the use of the file system that `path` is on: statfs(2).
///
/// The result is 0 or an error. On success `req->ptr` is a `uv_statfs_t` that goes with
/// `uv_fs_req_cleanup()`; otherwise it is NULL.
/// See `uv_fs_open()` for what `loop`, `req` and `cb` mean.
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
    // SAFETY: the caller's contract.
    unsafe { start(r#loop, req, UV_FS_STATFS, cb, |request| request.set_path(path)) }
}
