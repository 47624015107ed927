//! The table of file operations, and how one is started.

use super::{attributes, copy, dir, link, open_close, read_write, ring, stat, temp};
use super::{FsRequest, Request};
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

/// A file operation: what is particular to one `fs_type`.
pub(super) struct Operation {
    pub kind: uv_fs_type,
    /// Checks the arguments and, for an asynchronous call, copies what they point to. After an error
    /// the request owns nothing.
    pub prepare: fn(&FsRequest) -> Result,
    /// Runs the operation.
    pub run: fn(&FsRequest) -> Result<isize>,
    /// Returns the entry for the loop's ring, or None if the pool must run it.
    pub entry: fn(&FsRequest) -> Option<Entry>,
    /// Converts what the ring wrote to where the entry told it to.
    pub take_answer: fn(&FsRequest),
    /// Frees what `ptr` pointed to, which is not NULL.
    pub free: unsafe fn(&FsRequest, *mut c_void),
    /// Whether the path is a template, which is filled in. The caller's is left as it is.
    pub fills_path: bool,
    /// Whether it ends with `EINTR` when a signal handler interrupts it. Otherwise it is repeated.
    pub interruptible: bool,
}

/// The operations by `fs_type`. The first does nothing.
static OPERATIONS: [&Operation; 37] = [
    &Operation::new(UV_FS_CUSTOM, |_| Err(Error::ENOSYS)),
    &open_close::OPEN,
    &open_close::CLOSE,
    &read_write::READ,
    &read_write::WRITE,
    &copy::SENDFILE,
    &stat::STAT,
    &stat::LSTAT,
    &stat::FSTAT,
    &read_write::FTRUNCATE,
    &attributes::UTIME,
    &attributes::FUTIME,
    &attributes::ACCESS,
    &attributes::CHMOD,
    &attributes::FCHMOD,
    &read_write::FSYNC,
    &read_write::FDATASYNC,
    &link::UNLINK,
    &dir::RMDIR,
    &dir::MKDIR,
    &temp::MKDTEMP,
    &link::RENAME,
    &dir::SCANDIR,
    &link::LINK,
    &link::SYMLINK,
    &link::READLINK,
    &attributes::CHOWN,
    &attributes::FCHOWN,
    &link::REALPATH,
    &copy::COPYFILE,
    &attributes::LCHOWN,
    &dir::OPENDIR,
    &dir::READDIR,
    &dir::CLOSEDIR,
    &stat::STATFS,
    &temp::MKSTEMP,
    &attributes::LUTIME,
];

/// The outcome of an operation whose outcome is not a number.
pub(super) fn zero((): ()) -> isize {
    0
}

/// What a caller passes to an operation. What the operation does not take is 0.
#[derive(Clone, Copy)]
pub(super) struct Arguments {
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

pub(super) const NONE: Arguments = Arguments {
    path: ptr::null(),
    new_path: ptr::null(),
    file: 0,
    flags: 0,
    mode: 0,
    bufs: ptr::null(),
    nbufs: 0,
    off: 0,
    uid: 0,
    gid: 0,
    atime: 0.0,
    mtime: 0.0,
    ptr: ptr::null_mut(),
};

impl Operation {
    /// An operation whose arguments point to nothing.
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

    /// An operation on a path.
    pub const fn on_path(kind: uv_fs_type, run: fn(&FsRequest) -> Result<isize>) -> Operation {
        Operation { prepare: FsRequest::keep_path, ..Operation::new(kind, run) }
    }

    /// An operation on two paths.
    pub const fn on_paths(kind: uv_fs_type, run: fn(&FsRequest) -> Result<isize>) -> Operation {
        Operation { prepare: FsRequest::keep_paths, ..Operation::new(kind, run) }
    }

    /// Makes `req` a request for this operation and runs it: here if there is no callback, on the pool
    /// or the loop's ring if there is one. Returns what the C function returns.
    ///
    /// # Safety
    /// `req` is NULL or memory for a request that is not under way; `loop` is an initialised loop
    /// unless there is no callback; until the operation is done both stay, and so does what the
    /// arguments of a synchronous call point to.
    #[inline(always)]
    pub unsafe fn start(
        &self,
        r#loop: *mut uv_loop_t,
        req: *mut uv_fs_t,
        callback: uv_fs_cb,
        arguments: Arguments,
    ) -> c_int {
        if req.is_null() {
            return Error::EINVAL.code();
        }
        // SAFETY: as documented.
        let request = unsafe { self.init(req.cast(), r#loop, callback, arguments) };
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

    /// # Safety
    /// `at` is memory for a request that is not under way.
    #[inline(always)]
    unsafe fn init<'a>(
        &self,
        at: *mut FsRequest,
        r#loop: *mut uv_loop_t,
        callback: uv_fs_cb,
        arguments: Arguments,
    ) -> &'a FsRequest {
        // SAFETY: as documented.
        unsafe {
            Request::init(at, UV_FS, |request| FsRequest {
                request,
                kind: Cell::new(self.kind),
                padding: padding(),
                loop_: Cell::new(r#loop),
                callback: Cell::new(callback),
                result: Cell::new(0),
                ptr: Cell::new(arguments.ptr),
                path: Cell::new(arguments.path),
                // Its own value, so that nothing is written there.
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
        }
    }
}

impl FsRequest {
    pub(super) fn operation(&self) -> &'static Operation {
        let index = usize::try_from(self.kind.get()).unwrap_or(0);
        OPERATIONS.get(index).unwrap_or(&OPERATIONS[0])
    }

    /// Forgets the arguments, which `prepare` found wrong or could not copy.
    #[cold]
    fn refuse(&self, error: Error) -> c_int {
        self.ptr.set(ptr::null_mut());
        self.path.set(ptr::null());
        self.new_path.set(ptr::null());
        self.bufs.set(ptr::null_mut());
        error.code()
    }

    /// Runs the operation, or has the pool or the ring run it. The value is the result if it is known
    /// now.
    ///
    /// # Safety
    /// As for [`Operation::start`].
    unsafe fn submit(&self, operation: &Operation) -> Result<isize> {
        if self.is_sync() {
            self.perform(operation);
            return Ok(self.result.get());
        }
        if self.loop_.get().is_null() {
            return Err(Error::EINVAL);
        }
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

const _: () = {
    let mut index = 0;
    while index < OPERATIONS.len() {
        assert!(OPERATIONS[index].kind as usize == index);
        index += 1;
    }
};
