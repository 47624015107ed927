//! Files and directories with new names: mkdtemp, mkstemp.

use super::{zero, Arguments, FsRequest, Operation, NONE};
use crate::abi::*;
use crate::sys;
use core::ffi::{c_char, c_int};

pub(super) static MKDTEMP: Operation = Operation {
    prepare: FsRequest::copy_path,
    fills_path: true,
    ..Operation::new(UV_FS_MKDTEMP, |req| {
        // SAFETY: `copy_path` made `path`, and nothing else refers to it.
        unsafe { sys::fs::mkdtemp(req.path.get().cast_mut()) }.map(zero)
    })
};

pub(super) static MKSTEMP: Operation = Operation {
    prepare: FsRequest::copy_path,
    fills_path: true,
    ..Operation::new(UV_FS_MKSTEMP, mkstemp)
};

fn mkstemp(request: &FsRequest) -> Result<isize> {
    let template = request.path.get().cast_mut();
    // SAFETY: `template` is a copy that `copy_path` made, and nothing else refers to it.
    match unsafe { sys::fs::mkstemp(template) } {
        Ok(fd) => Ok(fd as isize),
        Err(error) => {
            // Clears the template, so that the caller does not use it as a name.
            // SAFETY: a string has at least its NUL.
            unsafe { template.write(0) };
            Err(error)
        }
    }
}

/// Makes a directory with mode 0700 and a new name: mkdtemp(3).
///
/// `tpl` ends in `XXXXXX`, which is replaced in a copy: `req->path` is the directory's name until
/// `uv_fs_req_cleanup()`. The result is 0 or an error, `UV_EINVAL` for another template.
/// `uv_fs_open()` describes `loop`, `req` and `cb`.
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_mkdtemp>.
///
/// # Safety
/// As for `uv_fs_open()`.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_mkdtemp(
    r#loop: *mut uv_loop_t,
    req: *mut uv_fs_t,
    tpl: *const c_char,
    cb: uv_fs_cb,
) -> c_int {
    // SAFETY: as documented.
    unsafe { MKDTEMP.start_rare(r#loop, req, cb, Arguments { path: tpl, ..NONE }) }
}

/// Creates a file with mode 0600 and a new name, and opens it for reading and writing: mkstemp(3)
/// with `O_CLOEXEC`.
///
/// `tpl` ends in `XXXXXX`, which is replaced in a copy: `req->path` is the file's name until
/// `uv_fs_req_cleanup()`, or empty after a failure. The result is the file descriptor or an error,
/// `UV_EINVAL` for another template.
/// `uv_fs_open()` describes `loop`, `req` and `cb`.
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_mkstemp>.
///
/// # Safety
/// As for `uv_fs_open()`.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_mkstemp(
    r#loop: *mut uv_loop_t,
    req: *mut uv_fs_t,
    tpl: *const c_char,
    cb: uv_fs_cb,
) -> c_int {
    // SAFETY: as documented.
    unsafe { MKSTEMP.start_rare(r#loop, req, cb, Arguments { path: tpl, ..NONE }) }
}
