//! File operations: `uv_fs_t`.
//!
//! Every call has two forms. With a callback the request goes to the thread pool, or to the loop's
//! ring if there is one: what the
//! arguments point to is copied, [`run`](FsRequest::run) is called on a thread of the pool, the
//! callback on the loop's. Without one `run` is called right away and the arguments are used
//! where they are, so a synchronous call needs no loop and mostly no memory.
//!
//! From `submit` until `done` a request is the pool's; nothing else reads or writes its fields.

mod attributes;
mod copy;
mod dir;
mod link;
mod open_close;
mod read_write;
mod ring;
pub use ring::LoopRing;
mod stat;
mod temp;

use super::Request;
use crate::abi::*;
use crate::event_loop::Loop;
use crate::ffi::{call_user, overlay, padding, Overlay, Padding};
use crate::memory;
use crate::pool::{self, PoolRequest, Work};
use crate::sys::fs::{Path, Target};
use core::cell::Cell;
use core::ffi::{c_char, c_int, c_uint, c_void, CStr};
use core::mem::{offset_of, MaybeUninit};
use core::ptr;
use libc::{mode_t, off_t, ssize_t};

/// A file operation and its arguments. The fields that C sees as private have C's names and
/// places, because debuggers and some programs look at them.
#[repr(C)]
struct FsRequest {
    request: Request,
    kind: Cell<uv_fs_type>,
    padding: Padding<4>,
    loop_: Cell<*mut uv_loop_t>,
    callback: Cell<uv_fs_cb>,
    result: Cell<isize>,
    /// What it points to depends on `kind`; see `cleanup`.
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
    request,
    kind,
    padding,
    loop_,
    callback,
    result,
    ptr,
    path,
    statbuf,
    new_path,
    file,
    flags,
    mode,
    nbufs,
    bufs,
    off,
    uid,
    gid,
    atime,
    mtime,
    work,
    bufsml,
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

// SAFETY: the offset is that of the work, and the fields are `Cell`s.
unsafe impl PoolRequest for FsRequest {
    const OFFSET: usize = offset_of!(FsRequest, work);

    fn run(&self) {
        let outcome = self.perform();
        self.release_buffers();
        self.result.set(outcome.unwrap_or_else(|error| error.code() as isize));
    }

    fn done(&self, status: Result) {
        if let Err(error) = status {
            self.result.set(error.code() as isize);
            self.release_buffers();
        }
        if let Some(callback) = self.callback.get() {
            // SAFETY: the user's function, called with the request that it was given for.
            call_user(|| unsafe { callback(ptr::from_ref(self).cast_mut().cast()) });
        }
    }
}

/// Takes a request off the pool's queue or back from the ring, for `uv_cancel`.
///
/// # Safety
/// `req` is a `uv_fs_t` that was started and whose callback has not been called.
pub unsafe fn cancel(req: *mut uv_req_t) -> Result {
    // SAFETY: the caller's contract.
    let request = unsafe { FsRequest::of(req.cast::<uv_fs_t>()) };
    if request.work.is_on_ring() {
        return ring::cancel(request);
    }
    pool::cancel(request)
}

/// Makes `req` a request, has `arguments` fill in what the operation needs, and runs it: here if
/// there is no callback, on the pool if there is one. Returns what the C function is to return.
///
/// # Safety
/// `req` is NULL or memory for a request that is not under way; `loop` is an initialised loop
/// unless there is no callback; until the operation is done both stay, and so does what the
/// arguments of a synchronous call point to.
unsafe fn start(
    r#loop: *mut uv_loop_t,
    req: *mut uv_fs_t,
    kind: uv_fs_type,
    callback: uv_fs_cb,
    arguments: impl FnOnce(&FsRequest) -> Result,
) -> c_int {
    if req.is_null() {
        return Error::EINVAL.code();
    }
    // SAFETY: the caller's contract.
    let request = unsafe { FsRequest::init(req.cast(), r#loop, kind, callback) };
    // SAFETY: likewise.
    match arguments(request).and_then(|()| unsafe { request.submit() }) {
        Ok(result) => result as c_int,
        Err(error) => {
            request.cleanup();
            error.code()
        }
    }
}

impl FsRequest {
    /// # Safety
    /// `at` is memory for a request that is not under way.
    unsafe fn init<'a>(
        at: *mut FsRequest,
        r#loop: *mut uv_loop_t,
        kind: uv_fs_type,
        callback: uv_fs_cb,
    ) -> &'a FsRequest {
        // SAFETY: as documented.
        unsafe {
            Request::init(at, UV_FS, |request| FsRequest {
                request,
                kind: Cell::new(kind),
                padding: padding(),
                loop_: Cell::new(r#loop),
                callback: Cell::new(callback),
                result: Cell::new(0),
                ptr: Cell::new(ptr::null_mut()),
                path: Cell::new(ptr::null()),
                // Kept, so that nothing is written to it.
                statbuf: (&raw const (*at).statbuf).read(),
                new_path: Cell::new(ptr::null()),
                file: Cell::new(0),
                flags: Cell::new(0),
                mode: Cell::new(0),
                nbufs: Cell::new(0),
                bufs: Cell::new(ptr::null_mut()),
                off: Cell::new(0),
                uid: Cell::new(0),
                gid: Cell::new(0),
                atime: Cell::new(0.0),
                mtime: Cell::new(0.0),
                work: Work::new(),
                bufsml: Cell::new([MaybeUninit::uninit(); 4]),
            });
            &*at
        }
    }

    /// Whether there is no callback to bring the outcome.
    fn is_sync(&self) -> bool {
        self.callback.get().is_none()
    }

    /// Runs the operation, or has the pool run it. The value is the result if it is known now.
    ///
    /// # Safety
    /// As for [`start`].
    unsafe fn submit(&self) -> Result<isize> {
        if self.is_sync() {
            self.run();
            return Ok(self.result.get());
        }
        if self.loop_.get().is_null() {
            return Err(Error::EINVAL);
        }
        // SAFETY: the caller's contract.
        unsafe {
            let loop_ = Loop::of(self.loop_.get());
            if !ring::submit(loop_, self) {
                loop_.submit(self)?;
            }
        }
        Ok(0)
    }

    fn perform(&self) -> Result<isize> {
        /// For operations whose outcome is not a number.
        fn zero(outcome: Result) -> Result<isize> {
            outcome.map(|()| 0)
        }
        match self.kind.get() {
            UV_FS_OPEN => open_close::open(self),
            UV_FS_CLOSE => zero(open_close::close(self)),
            UV_FS_READ => read_write::read(self),
            UV_FS_WRITE => read_write::write(self),
            UV_FS_FSYNC => zero(read_write::fsync(self)),
            UV_FS_FDATASYNC => zero(read_write::fdatasync(self)),
            UV_FS_FTRUNCATE => zero(read_write::ftruncate(self)),
            UV_FS_SENDFILE => copy::sendfile(self),
            UV_FS_COPYFILE => zero(copy::copyfile(self)),
            UV_FS_STAT | UV_FS_LSTAT | UV_FS_FSTAT => zero(stat::stat(self)),
            UV_FS_STATFS => zero(stat::statfs(self)),
            UV_FS_ACCESS => zero(attributes::access(self)),
            UV_FS_CHMOD | UV_FS_FCHMOD => zero(attributes::chmod(self)),
            UV_FS_CHOWN | UV_FS_FCHOWN | UV_FS_LCHOWN => zero(attributes::chown(self)),
            UV_FS_UTIME | UV_FS_FUTIME | UV_FS_LUTIME => zero(attributes::utime(self)),
            UV_FS_UNLINK => zero(link::unlink(self)),
            UV_FS_RENAME => zero(link::rename(self)),
            UV_FS_LINK => zero(link::link(self)),
            UV_FS_SYMLINK => zero(link::symlink(self)),
            UV_FS_READLINK => zero(link::readlink(self)),
            UV_FS_REALPATH => zero(link::realpath(self)),
            UV_FS_MKDIR => zero(dir::mkdir(self)),
            UV_FS_RMDIR => zero(dir::rmdir(self)),
            UV_FS_SCANDIR => dir::scandir(self),
            UV_FS_OPENDIR => zero(dir::opendir(self)),
            UV_FS_READDIR => dir::readdir(self),
            UV_FS_CLOSEDIR => zero(dir::closedir(self)),
            UV_FS_MKDTEMP => zero(temp::mkdtemp(self)),
            UV_FS_MKSTEMP => temp::mkstemp(self),
            _ => Err(Error::ENOSYS),
        }
    }

    // ---- arguments ------------------------------------------------------------------------

    /// The path of the operation, copied if the call is asynchronous.
    ///
    /// # Safety
    /// `path` is NULL or a string; for a synchronous call it stays until that is done.
    unsafe fn set_path(&self, path: *const c_char) -> Result {
        if self.is_sync() {
            self.path.set(path);
            return Ok(());
        }
        // SAFETY: the caller's contract.
        unsafe { self.copy_path(path) }
    }

    /// # Safety
    /// `path` is NULL or a string.
    unsafe fn copy_path(&self, path: *const c_char) -> Result {
        if path.is_null() {
            return Err(Error::EINVAL);
        }
        // SAFETY: the caller's contract.
        let copy = memory::duplicate(unsafe { CStr::from_ptr(path) })?;
        self.path.set(copy.as_ptr());
        Ok(())
    }

    /// The two paths of an operation, as [`FsRequest::set_path`].
    ///
    /// # Safety
    /// As for [`FsRequest::set_path`], for both.
    unsafe fn set_paths(&self, path: *const c_char, new_path: *const c_char) -> Result {
        if self.is_sync() {
            self.path.set(path);
            self.new_path.set(new_path);
            return Ok(());
        }
        if path.is_null() || new_path.is_null() {
            return Err(Error::EINVAL);
        }
        // SAFETY: the caller's contract; the block has room for both strings.
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
        // SAFETY: `set_path` got it from a caller who vouches for it, or copied it.
        unsafe { Path::new(self.path.get()) }
    }

    fn new_path(&self) -> Path<'_> {
        // SAFETY: likewise from `set_paths`.
        unsafe { Path::new(self.new_path.get()) }
    }

    /// What an operation that has forms for a path, a link and a file is about.
    fn target(&self) -> Target<'_> {
        match self.kind.get() {
            UV_FS_FSTAT | UV_FS_FCHMOD | UV_FS_FCHOWN | UV_FS_FUTIME => {
                Target::File(self.file.get())
            }
            UV_FS_LSTAT | UV_FS_LCHOWN | UV_FS_LUTIME => Target::Link(self.path()),
            _ => Target::Path(self.path()),
        }
    }

    // ---- what a request owns --------------------------------------------------------------

    /// The path is a copy when it had to outlive the call, or was to be written to.
    fn owns_path(&self) -> bool {
        !self.is_sync() || matches!(self.kind.get(), UV_FS_MKDTEMP | UV_FS_MKSTEMP)
    }

    fn release_buffers(&self) {
        let bufs = self.bufs.replace(ptr::null_mut());
        if !self.is_sync() && !ptr::eq(bufs, self.bufsml.as_ptr().cast()) {
            // SAFETY: NULL, or a copy that `set_buffers` made.
            unsafe { memory::free(bufs.cast()) };
        }
    }

    fn cleanup(&self) {
        let path = self.path.replace(ptr::null());
        self.new_path.set(ptr::null());
        if self.owns_path() {
            // SAFETY: NULL, or a copy that `set_path` made.
            unsafe { memory::free(path.cast_mut().cast()) };
        }
        let pointer = self.ptr.replace(ptr::null_mut());
        if !pointer.is_null() {
            match self.kind.get() {
                // SAFETY: the operation of that name put it there.
                UV_FS_SCANDIR => unsafe { dir::free_scan(pointer) },
                // SAFETY: likewise.
                UV_FS_READDIR => unsafe { dir::free_names(pointer.cast(), self.result.get()) },
                // SAFETY: likewise, in memory from `memory`.
                UV_FS_READLINK | UV_FS_REALPATH | UV_FS_STATFS => unsafe { memory::free(pointer) },
                // `statbuf`, or a directory, which closedir frees.
                _ => {}
            }
        }
        self.release_buffers();
    }
}

/// Frees what the library allocated for a request. To be called after the callback, or after a
/// synchronous call; more than once does no harm, and NULL is allowed.
///
/// `path` and `ptr` are NULL afterwards, `result` and `statbuf` stay. The directory of
/// `uv_fs_opendir()` stays as well: that is what `uv_fs_closedir()` is for. A request whose
/// `uv_fs_*()` call returned an error instead of starting it need not be cleaned up.
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_req_cleanup>.
///
/// # Safety
/// `req` is NULL or a request that was given to one of the `uv_fs_*()` functions and is done.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_req_cleanup(req: *mut uv_fs_t) {
    if !req.is_null() {
        // SAFETY: the caller's contract.
        unsafe { FsRequest::of(req) }.cleanup();
    }
}

/// Which operation the request is for: `req->fs_type`.
///
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_get_type>.
///
/// # Safety
/// `req` is a request that was given to one of the `uv_fs_*()` functions.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_get_type(req: *const uv_fs_t) -> uv_fs_type {
    // SAFETY: the caller's contract.
    unsafe { FsRequest::of(req) }.kind.get()
}

/// The outcome, `req->result`: a count, a file descriptor or 0, or an error code if negative.
///
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_get_result>.
///
/// # Safety
/// `req` is a request that was given to one of the `uv_fs_*()` functions and is done.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_get_result(req: *const uv_fs_t) -> ssize_t {
    // SAFETY: the caller's contract.
    unsafe { FsRequest::of(req) }.result.get()
}

/// The errno value of a request that failed: `-req->result`.
///
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_get_system_error>.
///
/// # Safety
/// `req` is a request that was given to one of the `uv_fs_*()` functions and is done.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_get_system_error(req: *const uv_fs_t) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { FsRequest::of(req) }.result.get().wrapping_neg() as c_int
}

/// `req->ptr`: what the operation found, beyond a number.
///
/// The memory is the request's and goes with `uv_fs_req_cleanup()`.
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_get_ptr>.
///
/// # Safety
/// `req` is a request that was given to one of the `uv_fs_*()` functions and is done.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_get_ptr(req: *const uv_fs_t) -> *mut c_void {
    // SAFETY: the caller's contract.
    unsafe { FsRequest::of(req) }.ptr.get()
}

/// `req->path`: the path that the operation is about, or NULL.
///
/// The memory is the request's, or after a synchronous call the caller's own.
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_get_path>.
///
/// # Safety
/// `req` is a request that was given to one of the `uv_fs_*()` functions.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_get_path(req: *const uv_fs_t) -> *const c_char {
    // SAFETY: the caller's contract.
    unsafe { FsRequest::of(req) }.path.get()
}

/// The address of `req->statbuf`, which `uv_fs_stat()` and its kin fill in.
///
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_get_statbuf>.
///
/// # Safety
/// `req` is memory for a request.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_get_statbuf(req: *mut uv_fs_t) -> *mut uv_stat_t {
    // SAFETY: the caller's contract.
    unsafe { &raw mut (*req).statbuf }
}
