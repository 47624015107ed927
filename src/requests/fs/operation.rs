//! The description of a file operation, and starting one.

use super::attributes::{ACCESS, CHMOD, CHOWN, FCHMOD, FCHOWN, FUTIME, LCHOWN, LUTIME, UTIME};
use super::copy::{COPYFILE, SENDFILE};
use super::dir::{CLOSEDIR, MKDIR, OPENDIR, READDIR, RMDIR, SCANDIR};
use super::link::{LINK, READLINK, REALPATH, RENAME, SYMLINK, UNLINK};
use super::open_close::{CLOSE, OPEN};
use super::read_write::{FDATASYNC, FSYNC, FTRUNCATE, READ, WRITE};
use super::stat::{FSTAT, LSTAT, STAT, STATFS};
use super::temp::{MKDTEMP, MKSTEMP};
use super::{ring, FsRequest, Request};
use crate::abi::*;
use crate::event_loop::Loop;
use crate::ffi::{padding, Overlay};
use crate::pool::Work;
use core::cell::Cell;
use core::ffi::{c_char, c_int, c_uint, c_void};
use core::mem::MaybeUninit;
use core::ptr;
use io_uring::squeue::Entry;
use libc::{mode_t, off_t};

/// A file operation: everything that depends on the `fs_type`.
pub struct Operation {
    pub kind: uv_fs_type,
    /// Checks the arguments and, for an asynchronous call, copies the memory that they point to. After an
    /// error the request owns nothing.
    pub prepare: fn(&FsRequest) -> Result,
    /// Runs the operation.
    pub run: fn(&FsRequest) -> Result<isize>,
    /// Returns the entry for the loop's ring, or None if the pool must run it.
    pub entry: fn(&FsRequest) -> Option<Entry>,
    /// Converts the ring's answer, which it wrote to where the entry points.
    pub take_answer: fn(&FsRequest),
    /// Frees the result that `ptr` pointed to, which was not NULL.
    pub free: unsafe fn(&FsRequest, *mut c_void),
    /// Whether the path is a template that the operation fills in, always in a copy.
    pub fills_path: bool,
    /// Whether an interruption by a signal handler ends it with `EINTR`. Otherwise it is repeated.
    pub interruptible: bool,
}

/// Converts the outcome of an operation that has no count to return.
pub(super) fn zero((): ()) -> isize {
    0
}

/// Returns `EINVAL` unless the arguments are valid.
pub(super) fn require(valid: bool) -> Result {
    valid.then_some(()).ok_or(Error::EINVAL)
}

/// The arguments of an operation. Those that it does not take are 0.
#[derive(Clone, Copy)]
pub struct Arguments {
    pub path: *const c_char,
    pub new_path: *const c_char,
    pub file: uv_file,
    pub flags: c_int,
    pub mode: mode_t,
    pub bufs: *const uv_buf_t,
    pub nbufs: c_uint,
    pub off: off_t,
    pub uid: uv_uid_t,
    pub gid: uv_gid_t,
    pub atime: f64,
    pub mtime: f64,
    pub ptr: *mut c_void,
}

// SAFETY: zeroed memory is a valid value of these types: null pointers and zeroes.
pub(super) const NONE: Arguments = unsafe { core::mem::zeroed() };

impl Operation {
    /// Creates an operation that takes no memory of the caller's.
    pub const fn new(kind: uv_fs_type, run: fn(&FsRequest) -> Result<isize>) -> Operation {
        Operation {
            kind,
            prepare: |_| Ok(()),
            run,
            entry: |_| None,
            take_answer: |_| {},
            free: |_, _| {},
            fills_path: false,
            interruptible: false,
        }
    }

    /// Creates an operation on a path.
    pub const fn on_path(kind: uv_fs_type, run: fn(&FsRequest) -> Result<isize>) -> Operation {
        Operation { prepare: FsRequest::keep_path, ..Operation::new(kind, run) }
    }

    /// Creates an operation on two paths.
    pub const fn on_paths(kind: uv_fs_type, run: fn(&FsRequest) -> Result<isize>) -> Operation {
        Operation { prepare: FsRequest::keep_paths, ..Operation::new(kind, run) }
    }

    /// As [`Operation::start`], for operations that are rare or take long. That one is copied to each caller,
    /// where most of the arguments are 0; here they are passed.
    ///
    /// # Safety
    /// As for `start`.
    #[inline(never)]
    pub unsafe fn start_rare(
        &'static self,
        r#loop: *mut uv_loop_t,
        req: *mut uv_fs_t,
        callback: uv_fs_cb,
        arguments: Arguments,
    ) -> c_int {
        // SAFETY: as documented.
        unsafe { self.start(r#loop, req, callback, arguments) }
    }

    /// Initialises `req` for this operation and runs it: at once if there is no callback, otherwise on the
    /// pool or the loop's ring. Returns the return value of the C function.
    ///
    /// # Safety
    /// `req` is NULL or memory for a request that is not active; `loop` is an initialised loop unless there
    /// is no callback; both stay valid until the operation is done, and so does the memory that the
    /// arguments of a synchronous call point to.
    #[inline(always)]
    pub unsafe fn start(
        &'static self,
        r#loop: *mut uv_loop_t,
        req: *mut uv_fs_t,
        callback: uv_fs_cb,
        arguments: Arguments,
    ) -> c_int {
        if req.is_null() {
            return Error::EINVAL.code();
        }
        let at = req.cast::<FsRequest>();
        // SAFETY: as documented.
        let request = unsafe {
            Request::init(at, UV_FS, |request| FsRequest {
                request,
                kind: Cell::new(self.kind),
                padding: padding(),
                loop_: Cell::new(r#loop),
                callback: Cell::new(callback),
                result: Cell::new(0),
                ptr: Cell::new(arguments.ptr),
                path: Cell::new(arguments.path),
                // Keeps its value, so that the compiler leaves out 160 bytes of stores.
                statbuf: (&raw const (*at).statbuf).read(),
                new_path: Cell::new(arguments.new_path),
                file: Cell::new(arguments.file),
                flags: Cell::new(arguments.flags),
                mode: Cell::new(arguments.mode),
                nbufs: Cell::new(arguments.nbufs),
                bufs: Cell::new(arguments.bufs.cast_mut()),
                off: Cell::new(arguments.off),
                uid: Cell::new(arguments.uid),
                gid: Cell::new(arguments.gid),
                atime: Cell::new(arguments.atime),
                mtime: Cell::new(arguments.mtime),
                work: Work::new(),
                bufsml: Cell::new([MaybeUninit::uninit(); 4]),
            });
            &*at
        };
        if let Err(error) = (self.prepare)(request) {
            return request.refuse(error);
        }
        // SAFETY: as documented.
        match unsafe { request.submit(self) } {
            Ok(result) => result as c_int,
            Err(error) => {
                request.cleanup();
                error.code()
            }
        }
    }
}

/// For a request whose memory is zeroed.
static NOTHING: Operation = Operation::new(UV_FS_CUSTOM, |_| Err(Error::ENOSYS));

const COUNT: usize = UV_FS_LUTIME as usize + 1;

/// The operations by their type.
static OPERATIONS: [&Operation; COUNT] = by_kind([
    &NOTHING, &OPEN, &CLOSE, &READ, &WRITE, &SENDFILE, &STAT, &LSTAT, &FSTAT, &FTRUNCATE, &UTIME,
    &FUTIME, &ACCESS, &CHMOD, &FCHMOD, &FSYNC, &FDATASYNC, &UNLINK, &RMDIR, &MKDIR, &MKDTEMP,
    &RENAME, &SCANDIR, &LINK, &SYMLINK, &READLINK, &CHOWN, &FCHOWN, &REALPATH, &COPYFILE, &LCHOWN,
    &OPENDIR, &READDIR, &CLOSEDIR, &STATFS, &MKSTEMP, &LUTIME,
]);

/// Returns the array if each operation is at the index of its type.
const fn by_kind(operations: [&'static Operation; COUNT]) -> [&'static Operation; COUNT] {
    let mut index = 0;
    while index < COUNT {
        assert!(operations[index].kind as usize == index);
        index += 1;
    }
    operations
}

impl FsRequest {
    /// Returns the operation; for zeroed memory one that does nothing.
    // By the type, which is in a cache line that the worker needs anyway.
    #[inline]
    pub(super) fn operation(&self) -> &'static Operation {
        let kind = usize::try_from(self.kind.get()).unwrap_or(0);
        OPERATIONS.get(kind).copied().unwrap_or(&NOTHING)
    }

    /// Clears the arguments after `prepare` failed, as the request does not own them.
    #[cold]
    fn refuse(&self, error: Error) -> c_int {
        self.ptr.set(ptr::null_mut());
        self.path.set(ptr::null());
        self.new_path.set(ptr::null());
        self.bufs.set(ptr::null_mut());
        error.code()
    }

    /// Runs the operation, or submits it to the ring or the pool. Returns the result, 0 if it is not
    /// known yet.
    ///
    /// # Safety
    /// As for [`Operation::start`].
    unsafe fn submit(&self, operation: &Operation) -> Result<isize> {
        if self.is_sync() {
            self.perform(operation);
            return Ok(self.result.get());
        }
        require(!self.loop_.get().is_null())?;
        // SAFETY: as documented.
        unsafe {
            let loop_ = Loop::of(self.loop_.get());
            if !ring::submit(loop_, self, operation) {
                loop_.submit(self)?;
            }
        }
        Ok(0)
    }

    pub(super) fn perform(&self, operation: &Operation) {
        let outcome = (operation.run)(self);
        self.release_buffers();
        self.result.set(outcome.unwrap_or_else(|error| error.code() as isize));
    }
}
