//! File operations: `uv_fs_t`.
//!
//! Every function has two forms. With a callback the operation runs on the thread pool, or on the
//! loop's ring if it has one, and strings and arrays that are passed are copied. Without a callback
//! it runs at once on the caller's own memory, so a synchronous call needs no loop and hardly any
//! memory.
//!
//! Each operation is one [`Operation`], in the file of its family, and one C function, which starts
//! it.
//!
//! From `submit` until `done` the pool owns a request; nothing else reads or writes its fields.

mod attributes;
mod copy;
mod dir;
mod link;
mod open_close;
mod operation;
mod read_write;
mod ring;
mod stat;
mod temp;

pub use operation::Operation;
pub use ring::LoopRing;

use self::operation::{require, zero, Arguments, NONE};
use super::Request;
use crate::abi::*;
use crate::check;
use crate::event_loop::Loop;
use crate::ffi::{call_user, overlay, Overlay, Padding};
use crate::memory;
use crate::observe::layout::Callback;
use crate::observe::{layout, offsets};
use crate::pool::{self, PoolRequest, Work};
use crate::sys::fs::Path;
use core::cell::Cell;
use core::ffi::{c_char, c_int, c_uint, c_void, CStr};
use core::mem::{offset_of, MaybeUninit};
use core::ptr;
use libc::{mode_t, off_t, ssize_t};

/// A file operation and its arguments. The fields that C sees as private have C's names and
/// places, because debuggers and some programs look at them.
#[repr(C)]
pub struct FsRequest {
    request: Request,
    kind: Cell<uv_fs_type>,
    padding: Padding<4>,
    loop_: Cell<*mut uv_loop_t>,
    callback: Cell<uv_fs_cb>,
    result: Cell<isize>,
    /// Points to a result of the operation, which frees it, or to `statbuf`.
    ptr: Cell<*mut c_void>,
    path: Cell<*const c_char>,
    statbuf: Cell<MaybeUninit<uv_stat_t>>,
    /// In the same block as `path` if that is a copy.
    new_path: Cell<*const c_char>,
    file: Cell<uv_file>,
    flags: Cell<c_int>,
    mode: Cell<mode_t>,
    nbufs: Cell<c_uint>,
    bufs: Cell<*mut uv_buf_t>,
    off: Cell<off_t>,
    uid: Cell<uv_uid_t>,
    gid: Cell<uv_gid_t>,
    atime: Cell<f64>,
    mtime: Cell<f64>,
    work: Work,
    /// Room for the copies of up to four buffers.
    bufsml: Cell<[MaybeUninit<uv_buf_t>; 4]>,
}

overlay!(FsRequest {
    request, kind, padding, loop_, callback, result, ptr, path, statbuf, new_path, file, flags, mode,
    nbufs, bufs, off, uid, gid, atime, mtime, work, bufsml
} => uv_fs_t);
const _: () = {
    assert!(offset_of!(FsRequest, kind) == offset_of!(uv_fs_t, fs_type));
    assert!(offset_of!(FsRequest, loop_) == offset_of!(uv_fs_t, r#loop));
    assert!(offset_of!(FsRequest, callback) == offset_of!(uv_fs_t, cb));
    assert!(offset_of!(FsRequest, result) == offset_of!(uv_fs_t, result));
    assert!(offset_of!(FsRequest, ptr) == offset_of!(uv_fs_t, ptr));
    assert!(offset_of!(FsRequest, path) == offset_of!(uv_fs_t, path));
    assert!(offset_of!(FsRequest, statbuf) == offset_of!(uv_fs_t, statbuf));
    assert!(offset_of!(FsRequest, new_path) == offset_of!(uv_fs_t, new_path));
    assert!(offset_of!(FsRequest, bufs) == offset_of!(uv_fs_t, bufs));
    assert!(offset_of!(FsRequest, work) == offset_of!(uv_fs_t, work_req));
    assert!(offset_of!(FsRequest, bufsml) == offset_of!(uv_fs_t, bufsml));
};

pub const OFFSETS: layout::FsOffsets = offsets!(
    FsOffsets,
    FsRequest {
        operation: kind,
        loop_: loop_,
        callback: callback,
        path: path,
        new_path: new_path,
        file: file,
        buffer_count: nbufs,
        offset: off,
        work: work,
    }
);

// SAFETY: `OFFSET` is that of the work, and the fields are `Cell`s.
unsafe impl PoolRequest for FsRequest {
    const OFFSET: usize = offset_of!(FsRequest, work);
    const KIND: layout::Work = layout::Work::File;
    const CALLBACK: layout::Callback = layout::Callback::Fs;

    fn details(&self) -> (*const (), u32) {
        (ptr::null(), self.kind.get() as u32)
    }

    fn submitted(&self) -> &Cell<u64> {
        &self.request.began
    }

    fn run(&self) {
        self.perform(self.operation());
    }

    fn done(&self, status: Result) {
        if let Err(error) = status {
            self.result.set(error.code() as isize);
            self.release_buffers();
        }
        if let Some(callback) = self.callback.get() {
            // SAFETY: a loop with requests is not closed.
            let loop_ = unsafe { Loop::of(self.loop_.get()) };
            // SAFETY: the user's function, called with the request that it was given for.
            call_user(loop_, Callback::Fs, self, callback as *const (), || unsafe {
                callback(ptr::from_ref(self).cast_mut().cast())
            });
        }
    }
}

/// Cancels a request that the pool or the ring has not begun, for `uv_cancel`.
///
/// # Safety
/// `req` is a `uv_fs_t` that was started and whose callback has not been called.
pub unsafe fn cancel(req: *mut uv_req_t) -> Result {
    // SAFETY: as documented.
    let request = unsafe { FsRequest::of(req.cast::<uv_fs_t>()) };
    if request.work.is_on_ring() {
        return ring::cancel(request);
    }
    pool::cancel(request)
}

impl FsRequest {
    /// Returns whether the call is synchronous: it has no callback.
    fn is_sync(&self) -> bool {
        self.callback.get().is_none()
    }

    // ---- arguments ------------------------------------------------------------------------

    /// Copies the path, unless the call is synchronous.
    fn keep_path(&self) -> Result {
        if self.is_sync() {
            return Ok(());
        }
        self.copy_path()
    }

    fn copy_path(&self) -> Result {
        let path = self.path.get();
        require(!path.is_null())?;
        // SAFETY: by the contract of the C function it is a string.
        let copy = memory::duplicate(unsafe { CStr::from_ptr(path) })?;
        self.path.set(copy.as_ptr());
        Ok(())
    }

    /// Copies both paths, unless the call is synchronous.
    fn keep_paths(&self) -> Result {
        if self.is_sync() {
            return Ok(());
        }
        let (path, new_path) = (self.path.get(), self.new_path.get());
        require(!path.is_null() && !new_path.is_null())?;
        // SAFETY: by the contract of the C function these are strings; the block has room for both.
        unsafe {
            let first = CStr::from_ptr(path).to_bytes_with_nul();
            let second = CStr::from_ptr(new_path).to_bytes_with_nul();
            let block = memory::malloc(first.len() + second.len())?.cast::<u8>().as_ptr();
            ptr::copy_nonoverlapping(first.as_ptr(), block, first.len());
            ptr::copy_nonoverlapping(second.as_ptr(), block.add(first.len()), second.len());
            self.path.set(block.cast());
            self.new_path.set(block.add(first.len()).cast());
        }
        Ok(())
    }

    fn path(&self) -> Path<'_> {
        // SAFETY: NULL or a string by the contract of the C function, or a copy of one.
        unsafe { Path::new(self.path.get()) }
    }

    fn new_path(&self) -> Path<'_> {
        // SAFETY: NULL or a string by the contract of the C function, or a copy of one.
        unsafe { Path::new(self.new_path.get()) }
    }

    // ---- clean-up -------------------------------------------------------------------------

    fn release_buffers(&self) {
        let bufs = self.bufs.replace(ptr::null_mut());
        if !self.is_sync() && !ptr::eq(bufs, self.bufsml.as_ptr().cast()) {
            // SAFETY: NULL, or a copy that `keep_buffers` made.
            unsafe { memory::free(bufs.cast()) };
        }
    }

    fn release_ptr(&self) {
        let pointer = self.ptr.replace(ptr::null_mut());
        if !pointer.is_null() {
            // SAFETY: the operation set the pointer, which nothing refers to any more.
            unsafe { (self.operation().free)(self, pointer) };
        }
    }

    fn cleanup(&self) {
        let path = self.path.replace(ptr::null());
        self.new_path.set(ptr::null());
        if !self.is_sync() || self.operation().fills_path {
            // SAFETY: NULL, or a copy that `copy_path` or `keep_paths` made.
            unsafe { memory::free(path.cast_mut().cast()) };
        }
        self.release_ptr();
        self.release_buffers();
    }
}

/// Frees a block that an operation allocated for `ptr`.
///
/// # Safety
/// `block` is from `memory` and not used afterwards.
unsafe fn free_block(_: &FsRequest, block: *mut c_void) {
    // SAFETY: as documented.
    unsafe { memory::free(block) };
}

/// Frees the memory that the library allocated for a request. Call it after the callback, or after a
/// synchronous call. Calling it again has no effect; NULL is allowed.
///
/// `path` and `ptr` are NULL afterwards, `result` and `statbuf` do not change. The directory of
/// `uv_fs_opendir()` is not freed; `uv_fs_closedir()` frees it. A request that `uv_fs_*()` did not
/// start, but returned an error for, need not be cleaned up.
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_req_cleanup>.
///
/// # Safety
/// `req` is NULL or a request that was given to one of the `uv_fs_*()` functions and is done.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_req_cleanup(req: *mut uv_fs_t) {
    if !req.is_null() {
        check::request_cleanup(req);
        // SAFETY: as documented.
        unsafe { FsRequest::of(req) }.cleanup();
    }
}

/// Returns the type of the operation, `req->fs_type`.
///
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_get_type>.
///
/// # Safety
/// `req` is a request that was given to one of the `uv_fs_*()` functions.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_get_type(req: *const uv_fs_t) -> uv_fs_type {
    // SAFETY: as documented.
    unsafe { FsRequest::of(req) }.kind.get()
}

/// Returns the result, `req->result`: a count, a file descriptor or 0, or a negative error code.
///
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_get_result>.
///
/// # Safety
/// `req` is a request that was given to one of the `uv_fs_*()` functions and is done.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_get_result(req: *const uv_fs_t) -> ssize_t {
    // SAFETY: as documented.
    unsafe { FsRequest::of(req) }.result.get()
}

/// Returns the errno value of a request that failed, `-req->result`.
///
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_get_system_error>.
///
/// # Safety
/// `req` is a request that was given to one of the `uv_fs_*()` functions and is done.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_get_system_error(req: *const uv_fs_t) -> c_int {
    // SAFETY: as documented.
    unsafe { FsRequest::of(req) }.result.get().wrapping_neg() as c_int
}

/// Returns `req->ptr`, the result of operations that have more than a number.
///
/// `uv_fs_req_cleanup()` frees the memory.
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_get_ptr>.
///
/// # Safety
/// `req` is a request that was given to one of the `uv_fs_*()` functions and is done.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_get_ptr(req: *const uv_fs_t) -> *mut c_void {
    // SAFETY: as documented.
    unsafe { FsRequest::of(req) }.ptr.get()
}

/// Returns `req->path`, the path of the operation, or NULL.
///
/// The memory belongs to the request, or after a synchronous call to the caller.
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_get_path>.
///
/// # Safety
/// `req` is a request that was given to one of the `uv_fs_*()` functions.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_get_path(req: *const uv_fs_t) -> *const c_char {
    // SAFETY: as documented.
    unsafe { FsRequest::of(req) }.path.get()
}

/// Returns the address of `req->statbuf`, which `uv_fs_stat()` and similar functions fill in.
///
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_get_statbuf>.
///
/// # Safety
/// `req` is memory for a request.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_get_statbuf(req: *mut uv_fs_t) -> *mut uv_stat_t {
    // SAFETY: as documented.
    unsafe { &raw mut (*req).statbuf }
}
