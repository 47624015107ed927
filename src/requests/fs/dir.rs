//! Directories: mkdir, rmdir, scandir and its iterator, opendir, readdir, closedir.

use super::ring::HERE;
use super::{require, zero, Arguments, FsRequest, Operation, NONE};
use crate::abi::*;
use crate::ffi::Overlay;
use crate::memory::{self, Array};
use crate::sys::{self, fs::Directory};
use core::cell::Cell;
use core::ffi::{c_char, c_int, c_void};
use core::ptr::{self, NonNull};
use io_uring::opcode::MkDirAt;
use libc::mode_t;

pub(super) static MKDIR: Operation = Operation {
    entry: |req| Some(MkDirAt::new(HERE, req.path.get()).mode(req.mode.get()).build()),
    ..Operation::on_path(UV_FS_MKDIR, |req| sys::fs::mkdir(req.path(), req.mode.get()).map(zero))
};

pub(super) static RMDIR: Operation =
    Operation::on_path(UV_FS_RMDIR, |req| sys::fs::rmdir(req.path()).map(zero));

pub(super) static SCANDIR: Operation =
    Operation { free: free_scan, ..Operation::on_path(UV_FS_SCANDIR, scandir) };

/// `uv_fs_closedir()` frees the directory in `ptr`, not the request.
pub(super) static OPENDIR: Operation =
    Operation::on_path(UV_FS_OPENDIR, |req| opendir(req).map(zero));

pub(super) static READDIR: Operation = Operation {
    // SAFETY: by the contract of `uv_fs_readdir` the directory is NULL or valid.
    prepare: |req| require(!req.dir().is_null() && unsafe { !(*req.dir()).dirents.is_null() }),
    free: |req, dir| {
        // SAFETY: `readdir` wrote `result` names to the directory's entries.
        unsafe { free_names(dir.cast(), req.result.get()) };
    },
    ..Operation::new(UV_FS_READDIR, readdir)
};

pub(super) static CLOSEDIR: Operation = Operation {
    prepare: |req| require(!req.dir().is_null()),
    ..Operation::new(UV_FS_CLOSEDIR, |req| {
        closedir(req);
        Ok(0)
    })
};

fn entry_type(kind: u8) -> uv_dirent_type_t {
    match kind {
        libc::DT_REG => UV_DIRENT_FILE,
        libc::DT_DIR => UV_DIRENT_DIR,
        libc::DT_LNK => UV_DIRENT_LINK,
        libc::DT_FIFO => UV_DIRENT_FIFO,
        libc::DT_SOCK => UV_DIRENT_SOCKET,
        libc::DT_CHR => UV_DIRENT_CHAR,
        libc::DT_BLK => UV_DIRENT_BLOCK,
        _ => UV_DIRENT_UNKNOWN,
    }
}

// ---- scandir -------------------------------------------------------------------------------

/// The entries that scandir found. `req->ptr` points to it, in memory from `memory`.
struct Scan {
    /// All names, each with its NUL.
    names: Array<u8>,
    /// Sorted by name.
    entries: Array<Found>,
    /// The index of the iterator's next entry.
    next: Cell<usize>,
}

#[derive(Clone, Copy)]
#[repr(C)]
struct Found {
    /// In `names`.
    name: *const c_char,
    kind: u8,
}

impl Scan {
    fn of(request: &FsRequest) -> Result<Scan> {
        let mut scan = Scan { names: Array::new(), entries: Array::new(), next: Cell::new(0) };
        let mut directory = Directory::open(request.path())?;
        while let Some(entry) = directory.next()? {
            // The address follows when all names are known, as they may move until then.
            let name = ptr::without_provenance(scan.names.len());
            scan.entries.push(Found { name, kind: entry.kind })?;
            scan.names.extend_from_slice(entry.name.to_bytes_with_nul())?;
        }
        for found in scan.entries.iter_mut() {
            found.name = scan.names.as_ptr().wrapping_add(found.name.addr()).cast();
        }
        // SAFETY: each entry begins with a pointer to a string.
        unsafe { sys::directory::sort_by_name(&mut scan.entries) };
        Ok(scan)
    }
}

fn scandir(request: &FsRequest) -> Result<isize> {
    let scan = sys::retry(|| Scan::of(request))?;
    let count = scan.entries.len();
    if count > 0 {
        let block = memory::malloc(size_of::<Scan>())?.cast::<Scan>();
        // SAFETY: the block has the size of a `Scan`, and malloc aligns it.
        unsafe { block.write(scan) };
        request.ptr.set(block.as_ptr().cast());
    }
    Ok(count as isize)
}

/// # Safety
/// `scan` was put into `ptr` by `scandir`, and is not used afterwards.
unsafe fn free_scan(_: &FsRequest, scan: *mut c_void) {
    // SAFETY: as documented.
    unsafe {
        scan.cast::<Scan>().drop_in_place();
        memory::free(scan);
    }
}

/// Returns the next entry; `EOF` after the last, and the error of a scan that failed.
fn next_entry(request: &FsRequest) -> Result<uv_dirent_t> {
    let result = request.result.get();
    if result < 0 {
        return Err(Error::from_errno(result as c_int));
    }
    let scan = request.ptr.get();
    if scan.is_null() {
        return Err(Error::EOF);
    }
    // SAFETY: `scandir` put it there, and it is not freed before the end is reached.
    let Scan { entries, next, .. } = unsafe { &*scan.cast::<Scan>() };
    let Some(found) = entries.get(next.get()) else {
        request.ptr.set(core::ptr::null_mut());
        // SAFETY: `ptr` was the only pointer to it.
        unsafe { free_scan(request, scan) };
        return Err(Error::EOF);
    };
    next.set(next.get() + 1);
    Ok(uv_dirent_t { name: found.name, r#type: entry_type(found.kind) })
}

// ---- opendir, readdir, closedir ------------------------------------------------------------

impl FsRequest {
    /// The directory that readdir reads and closedir closes.
    fn dir(&self) -> *mut uv_dir_t {
        self.ptr.get().cast()
    }
}

fn opendir(request: &FsRequest) -> Result {
    // Allocated first, so that a failure leaves no directory open.
    let dir = memory::calloc(1, size_of::<uv_dir_t>())?.cast::<uv_dir_t>();
    match Directory::open(request.path()) {
        Ok(directory) => {
            // SAFETY: `dir` is zeroed memory of that size, and zeroes are a valid `uv_dir_t`.
            unsafe { (*dir.as_ptr()).dir = directory.into_raw().as_ptr() };
            request.ptr.set(dir.as_ptr().cast());
            Ok(())
        }
        Err(error) => {
            // SAFETY: `calloc` returned it.
            unsafe { memory::free(dir.as_ptr().cast()) };
            Err(error)
        }
    }
}

fn readdir(request: &FsRequest) -> Result<isize> {
    let dir = request.dir();
    let mut count = 0;
    // SAFETY: by the contract of `uv_fs_readdir` the directory is valid, with room for entries.
    unsafe {
        match read_entries(dir, &mut count) {
            Ok(()) => Ok(count as isize),
            Err(error) => {
                free_names(dir, count as isize);
                Err(error)
            }
        }
    }
}

/// # Safety
/// `dir` came from `uv_fs_opendir`, and `dirents` has room for `nentries` entries.
unsafe fn read_entries(dir: *mut uv_dir_t, count: &mut usize) -> Result {
    // SAFETY: as documented. The stream stays the directory's, as the `Directory` is not dropped.
    unsafe {
        let stream = NonNull::new((*dir).dir).ok_or(Error::EINVAL)?;
        let mut directory = core::mem::ManuallyDrop::new(Directory::from_raw(stream));
        while *count < (*dir).nentries {
            let Some(entry) = directory.next()? else { break };
            let name = memory::duplicate(entry.name)?;
            let r#type = entry_type(entry.kind);
            (*dir).dirents.add(*count).write(uv_dirent_t { name: name.as_ptr(), r#type });
            *count += 1;
        }
    }
    Ok(())
}

/// Frees the names that `readdir` put into the caller's entries.
///
/// # Safety
/// `dir` is the directory that they were read from, and `readdir` returned `count`.
unsafe fn free_names(dir: *mut uv_dir_t, count: isize) {
    for i in 0..usize::try_from(count).unwrap_or(0) {
        // SAFETY: as documented.
        unsafe {
            let entry = (*dir).dirents.add(i);
            memory::free((*entry).name.cast_mut().cast());
            (*entry).name = core::ptr::null();
        }
    }
}

fn closedir(request: &FsRequest) {
    let dir = request.dir();
    request.ptr.set(core::ptr::null_mut());
    // SAFETY: by the contract of `uv_fs_closedir` the directory is valid and not used afterwards.
    unsafe {
        if let Some(stream) = NonNull::new((*dir).dir) {
            drop(Directory::from_raw(stream));
        }
        memory::free(dir.cast());
    }
}

// ---- the C functions -----------------------------------------------------------------------

/// Makes a directory: mkdir(2). `mode` is reduced by the umask.
///
/// The result is 0 or an error. `uv_fs_open()` describes `loop`, `req` and `cb`.
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_mkdir>.
///
/// # Safety
/// As for `uv_fs_open()`.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_mkdir(
    r#loop: *mut uv_loop_t,
    req: *mut uv_fs_t,
    path: *const c_char,
    mode: c_int,
    cb: uv_fs_cb,
) -> c_int {
    // SAFETY: as documented.
    unsafe { MKDIR.start_rare(r#loop, req, cb, Arguments { path, mode: mode as mode_t, ..NONE }) }
}

/// Deletes an empty directory: rmdir(2).
///
/// The result is 0 or an error. `uv_fs_open()` describes `loop`, `req` and `cb`.
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_rmdir>.
///
/// # Safety
/// As for `uv_fs_open()`.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_rmdir(
    r#loop: *mut uv_loop_t,
    req: *mut uv_fs_t,
    path: *const c_char,
    cb: uv_fs_cb,
) -> c_int {
    // SAFETY: as documented.
    unsafe { RMDIR.start_rare(r#loop, req, cb, Arguments { path, ..NONE }) }
}

/// Reads a whole directory, in the order of the bytes of the names, without `.` and `..`.
///
/// `flags` is not used. The result is the number of entries or an error; the entries come from
/// `uv_fs_scandir_next()`. `uv_fs_open()` describes `loop`, `req` and `cb`.
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_scandir>.
///
/// # Safety
/// As for `uv_fs_open()`.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_scandir(
    r#loop: *mut uv_loop_t,
    req: *mut uv_fs_t,
    path: *const c_char,
    flags: c_int,
    cb: uv_fs_cb,
) -> c_int {
    // SAFETY: as documented.
    unsafe { SCANDIR.start_rare(r#loop, req, cb, Arguments { path, flags, ..NONE }) }
}

/// Gets the next entry that `uv_fs_scandir()` found.
///
/// Returns 0 and sets `ent`, whose name is valid until the next call or `uv_fs_req_cleanup()`;
/// `UV_EOF` after the last one; the error of a `uv_fs_scandir()` that failed. The type is
/// `UV_DIRENT_UNKNOWN` on file systems that do not store it.
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_scandir_next>.
///
/// # Safety
/// `req` is a request of `uv_fs_scandir()` that is done; `ent` is valid for writing.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_scandir_next(req: *mut uv_fs_t, ent: *mut uv_dirent_t) -> c_int {
    // SAFETY: as documented.
    match next_entry(unsafe { FsRequest::of(req) }) {
        Ok(entry) => {
            // SAFETY: as documented.
            unsafe { ent.write(entry) };
            0
        }
        Err(error) => error.code(),
    }
}

/// Opens a directory for `uv_fs_readdir()`: opendir(3).
///
/// The result is 0 or an error. On success `req->ptr` is a `uv_dir_t`, which `uv_fs_closedir()`
/// frees, not `uv_fs_req_cleanup()`; otherwise it is NULL. `uv_fs_open()` describes `loop`, `req`
/// and `cb`.
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_opendir>.
///
/// # Safety
/// As for `uv_fs_open()`.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_opendir(
    r#loop: *mut uv_loop_t,
    req: *mut uv_fs_t,
    path: *const c_char,
    cb: uv_fs_cb,
) -> c_int {
    // SAFETY: as documented.
    unsafe { OPENDIR.start_rare(r#loop, req, cb, Arguments { path, ..NONE }) }
}

/// Reads the next entries of a directory into `dir->dirents`, at most `dir->nentries`, in no
/// particular order, without `.` and `..`.
///
/// The caller sets these two fields before. The result is the number of entries, 0 at the end, or
/// an error, `UV_EINVAL` if `dir` or `dir->dirents` is NULL. `uv_fs_req_cleanup()`
/// frees the names; it must be called before `dir` is closed or its fields are changed. Only one
/// request may read a directory at a time. `uv_fs_open()` describes `loop`, `req` and `cb`.
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_readdir>.
///
/// # Safety
/// As for `uv_fs_open()`; `dir` is NULL or came from `uv_fs_opendir()`, with room for `nentries`
/// entries in `dirents` until the request is cleaned up.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_readdir(
    r#loop: *mut uv_loop_t,
    req: *mut uv_fs_t,
    dir: *mut uv_dir_t,
    cb: uv_fs_cb,
) -> c_int {
    // SAFETY: as documented.
    unsafe { READDIR.start_rare(r#loop, req, cb, Arguments { ptr: dir.cast(), ..NONE }) }
}

/// Closes a directory and frees `dir`: closedir(3).
///
/// The result is 0, or `UV_EINVAL` if `dir` is NULL.
/// `uv_fs_open()` describes `loop`, `req` and `cb`.
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_closedir>.
///
/// # Safety
/// As for `uv_fs_open()`; `dir` is NULL or came from `uv_fs_opendir()`, and is not used afterwards.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_closedir(
    r#loop: *mut uv_loop_t,
    req: *mut uv_fs_t,
    dir: *mut uv_dir_t,
    cb: uv_fs_cb,
) -> c_int {
    // SAFETY: as documented.
    unsafe { CLOSEDIR.start_rare(r#loop, req, cb, Arguments { ptr: dir.cast(), ..NONE }) }
}
