//! Opening and closing files: open, close.

use super::ring::HERE;
use super::{zero, Arguments, Operation, NONE};
use crate::abi::*;
use crate::sys;
use core::ffi::{c_char, c_int};
use io_uring::opcode::{Close, OpenAt};
use libc::mode_t;

pub(super) static OPEN: Operation = Operation {
    entry: |req| {
        let flags = req.flags.get() | libc::O_CLOEXEC;
        Some(OpenAt::new(HERE, req.path.get()).flags(flags).mode(req.mode.get()).build())
    },
    ..Operation::on_path(UV_FS_OPEN, |req| {
        let fd = sys::fs::open(req.path(), req.flags.get(), req.mode.get())?;
        Ok(fd as isize)
    })
};

pub(super) static CLOSE: Operation = Operation {
    entry: |req| Some(Close::new(req.ring_file()).build()),
    interruptible: true,
    ..Operation::new(UV_FS_CLOSE, |req| sys::fd::close(req.file.get()).map(zero))
};

/// Opens a file: open(2) with `O_CLOEXEC`.
///
/// `flags` are `UV_FS_O_RDONLY` and similar constants; `mode` is the mode of a new file, less the
/// umask. The result is the file descriptor; close it with `uv_fs_close()`.
///
/// All `uv_fs_*()` functions work alike. With a callback the call is asynchronous: it copies the
/// path and returns 0, or an error if the request could not be started (`UV_EINVAL`, `UV_ENOMEM`);
/// `uv_run()` calls `cb` with the result in `req->result`. If `cb` is NULL, the call is synchronous:
/// `loop` is not used and may be NULL, and the result is also returned. Errors are negative. Pass the
/// request to `uv_fs_req_cleanup()` afterwards. Asynchronous calls: loop thread only.
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_open>.
///
/// # Safety
/// `loop` is an initialised loop, or there is no callback; `req` is NULL, which is an error, or
/// memory for a request, alive and in place until the callback; `path` is a string.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_open(
    r#loop: *mut uv_loop_t,
    req: *mut uv_fs_t,
    path: *const c_char,
    flags: c_int,
    mode: c_int,
    cb: uv_fs_cb,
) -> c_int {
    let arguments = Arguments { path, flags, mode: mode as mode_t, ..NONE };
    // SAFETY: as documented.
    unsafe { OPEN.start_rare(r#loop, req, cb, arguments) }
}

/// Closes a file descriptor: close(2). It is closed even if the call is interrupted, which is not an
/// error.
///
/// The result is 0 or an error. `uv_fs_open()` describes `loop`, `req` and `cb`.
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_close>.
///
/// # Safety
/// As for `uv_fs_open()`.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_close(
    r#loop: *mut uv_loop_t,
    req: *mut uv_fs_t,
    file: uv_file,
    cb: uv_fs_cb,
) -> c_int {
    // SAFETY: as documented.
    unsafe { CLOSE.start_rare(r#loop, req, cb, Arguments { file, ..NONE }) }
}

/// Returns the operating system's handle of a C runtime file descriptor: on Unix the same number.
///
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_get_osfhandle>.
#[no_mangle]
pub extern "C" fn uv_get_osfhandle(fd: c_int) -> uv_os_fd_t {
    fd
}

/// Returns the C runtime's file descriptor of an operating system handle: on Unix the same number.
///
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_open_osfhandle>.
#[no_mangle]
pub extern "C" fn uv_open_osfhandle(os_fd: uv_os_fd_t) -> c_int {
    os_fd
}
