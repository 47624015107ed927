//! Names of files: unlink, rename, link, symlink, readlink, realpath.

use super::ring::HERE;
use super::{free_block, zero, Arguments, FsRequest, Operation, NONE};
use crate::abi::*;
use crate::memory;
use crate::sys;
use core::ffi::{c_char, c_int};
use core::mem::MaybeUninit;
use io_uring::opcode::{LinkAt, RenameAt, SymlinkAt, UnlinkAt};

pub(super) static UNLINK: Operation = Operation {
    entry: |req| Some(UnlinkAt::new(HERE, req.path.get()).build()),
    ..Operation::on_path(UV_FS_UNLINK, |req| sys::fs::unlink(req.path()).map(zero))
};

pub(super) static RENAME: Operation = Operation {
    entry: |req| Some(RenameAt::new(HERE, req.path.get(), HERE, req.new_path.get()).build()),
    ..Operation::on_paths(UV_FS_RENAME, |req| sys::fs::rename(req.path(), req.new_path()).map(zero))
};

pub(super) static LINK: Operation = Operation {
    entry: |req| Some(LinkAt::new(HERE, req.path.get(), HERE, req.new_path.get()).build()),
    ..Operation::on_paths(UV_FS_LINK, |req| sys::fs::link(req.path(), req.new_path()).map(zero))
};

pub(super) static SYMLINK: Operation = Operation {
    entry: |req| Some(SymlinkAt::new(HERE, req.path.get(), req.new_path.get()).build()),
    ..Operation::on_paths(UV_FS_SYMLINK, |req| {
        sys::fs::symlink(req.path(), req.new_path()).map(zero)
    })
};

pub(super) static READLINK: Operation = Operation {
    free: free_block,
    ..Operation::on_path(UV_FS_READLINK, |req| readlink(req).map(zero))
};

pub(super) static REALPATH: Operation = Operation {
    free: free_block,
    ..Operation::on_path(UV_FS_REALPATH, |req| realpath(req).map(zero))
};

fn readlink(request: &FsRequest) -> Result {
    // The longest target on Linux.
    let mut target = [MaybeUninit::<u8>::uninit(); libc::PATH_MAX as usize];
    let len = sys::fs::readlink(request.path(), &mut target)?;
    let text = memory::malloc(len + 1)?.cast::<u8>().as_ptr();
    // SAFETY: `len` bytes were read, and the block has room for one more.
    unsafe {
        core::ptr::copy_nonoverlapping(target.as_ptr().cast(), text, len);
        text.add(len).write(0);
    }
    request.ptr.set(text.cast());
    Ok(())
}

fn realpath(request: &FsRequest) -> Result {
    let resolved = sys::fs::realpath(request.path())?;
    request.ptr.set(memory::duplicate(resolved.as_c_str())?.as_ptr().cast());
    Ok(())
}

/// Deletes a name and, if it was the last one, the file: unlink(2).
///
/// The result is 0 or an error. `uv_fs_open()` describes `loop`, `req` and `cb`.
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_unlink>.
///
/// # Safety
/// As for `uv_fs_open()`.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_unlink(
    r#loop: *mut uv_loop_t,
    req: *mut uv_fs_t,
    path: *const c_char,
    cb: uv_fs_cb,
) -> c_int {
    // SAFETY: as documented.
    unsafe { UNLINK.start_rare(r#loop, req, cb, Arguments { path, ..NONE }) }
}

/// Renames a file or directory and replaces a file that has the name `new_path`: rename(2).
///
/// The result is 0 or an error. `uv_fs_open()` describes `loop`, `req` and `cb`.
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_rename>.
///
/// # Safety
/// As for `uv_fs_open()`.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_rename(
    r#loop: *mut uv_loop_t,
    req: *mut uv_fs_t,
    path: *const c_char,
    new_path: *const c_char,
    cb: uv_fs_cb,
) -> c_int {
    // SAFETY: as documented.
    unsafe { RENAME.start_rare(r#loop, req, cb, Arguments { path, new_path, ..NONE }) }
}

/// Gives the file `path` another name, `new_path`: link(2).
///
/// The result is 0 or an error. `uv_fs_open()` describes `loop`, `req` and `cb`.
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_link>.
///
/// # Safety
/// As for `uv_fs_open()`.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_link(
    r#loop: *mut uv_loop_t,
    req: *mut uv_fs_t,
    path: *const c_char,
    new_path: *const c_char,
    cb: uv_fs_cb,
) -> c_int {
    // SAFETY: as documented.
    unsafe { LINK.start_rare(r#loop, req, cb, Arguments { path, new_path, ..NONE }) }
}

/// Makes `new_path` a symbolic link with the target `path`: symlink(2).
///
/// `flags` are for Windows (`UV_FS_SYMLINK_DIR`, `UV_FS_SYMLINK_JUNCTION`) and ignored here. The
/// result is 0 or an error. `uv_fs_open()` describes `loop`, `req` and `cb`.
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_symlink>.
///
/// # Safety
/// As for `uv_fs_open()`.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_symlink(
    r#loop: *mut uv_loop_t,
    req: *mut uv_fs_t,
    path: *const c_char,
    new_path: *const c_char,
    flags: c_int,
    cb: uv_fs_cb,
) -> c_int {
    // SAFETY: as documented.
    unsafe { SYMLINK.start_rare(r#loop, req, cb, Arguments { path, new_path, flags, ..NONE }) }
}

/// Reads the target of a symbolic link: readlink(2).
///
/// The result is 0 or an error, `UV_EINVAL` if it is not a link. On success `req->ptr` is the
/// target, a string that `uv_fs_req_cleanup()` frees; otherwise it is NULL.
/// `uv_fs_open()` describes `loop`, `req` and `cb`.
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_readlink>.
///
/// # Safety
/// As for `uv_fs_open()`.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_readlink(
    r#loop: *mut uv_loop_t,
    req: *mut uv_fs_t,
    path: *const c_char,
    cb: uv_fs_cb,
) -> c_int {
    // SAFETY: as documented.
    unsafe { READLINK.start_rare(r#loop, req, cb, Arguments { path, ..NONE }) }
}

/// Finds the absolute path of a file, without symbolic links, `.` and `..`: realpath(3).
///
/// The result is 0 or an error. On success `req->ptr` is the path, a string that
/// `uv_fs_req_cleanup()` frees; otherwise it is NULL.
/// `uv_fs_open()` describes `loop`, `req` and `cb`.
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_realpath>.
///
/// # Safety
/// As for `uv_fs_open()`.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_realpath(
    r#loop: *mut uv_loop_t,
    req: *mut uv_fs_t,
    path: *const c_char,
    cb: uv_fs_cb,
) -> c_int {
    // SAFETY: as documented.
    unsafe { REALPATH.start_rare(r#loop, req, cb, Arguments { path, ..NONE }) }
}
