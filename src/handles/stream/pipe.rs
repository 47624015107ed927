//! Pipe handles: local sockets, pipes, and other descriptors opened as a pipe.

use super::connect::Connect;
use super::Stream;
use crate::abi::*;
use crate::check;
use crate::event_loop::Loop;
use crate::ffi::{overlay, padding, Overlay, Padding};
use crate::handles::{flag, Handle};
use crate::memory;
use crate::observe::{layout, offsets};
use crate::sys::fs::{Path, Target};
use crate::sys::{self, socket, unix_socket};
use core::cell::Cell;
use core::ffi::{c_char, c_int, c_uint, CStr};
use unix_socket::{Address, NAME_MAX, NAME_OFFSET};

#[repr(C)]
pub struct Pipe {
    stream: Stream,
    ipc: Cell<c_int>,
    padding: Padding<4>,
    /// The path that `bind` created and closing removes, allocated with [`memory`]; NULL if there is none.
    path: Cell<*const c_char>,
}

overlay!(Pipe { stream, ipc, padding, path } => uv_pipe_t);
overlay!(Stream => uv_pipe_t);
const _: () = {
    use core::mem::offset_of;
    assert!(offset_of!(Pipe, ipc) == offset_of!(uv_pipe_t, ipc));
    assert!(offset_of!(Pipe, path) == offset_of!(uv_pipe_t, pipe_fname));
};

pub const OFFSETS: layout::PipeOffsets = offsets!(PipeOffsets, Pipe { ipc: ipc, path: path });

impl Pipe {
    pub(super) fn is_ipc(&self) -> bool {
        self.ipc.get() != 0
    }

    fn open(&self, fd: c_int) -> Result {
        if self.stream.loop_().uses(fd) {
            return Err(Error::EEXIST);
        }
        let flags = directions(sys::fd::status_flags(fd)?);
        sys::fd::set_nonblocking(fd, true)?;
        self.stream.open(fd, flags)
    }

    fn bind(&self, name: &[u8]) -> Result {
        if self.stream.is_open() || self.stream.handle.is_closing() {
            return Err(Error::EINVAL);
        }
        let path = if is_path(name) { copy_path(name)? } else { core::ptr::null() };
        match bound_socket(name) {
            Ok(fd) => {
                self.stream.handle.set(flag::BOUND);
                self.stream.watcher.fd.set(fd);
                self.path.set(path);
                Ok(())
            }
            Err(error) => {
                // SAFETY: `path` is NULL or from `memory`, and not used again.
                unsafe { memory::free(path.cast_mut().cast()) };
                // libuv reports a missing directory as EACCES.
                Err(if error == Error::ENOENT { Error::EACCES } else { error })
            }
        }
    }

    /// # Safety
    /// As for `uv_pipe_connect2`.
    unsafe fn connect(
        &self,
        request: *mut Connect,
        name: Result<&[u8]>,
        callback: uv_connect_cb,
    ) -> Result {
        if self.stream.handle.is_closing() {
            return Err(Error::EINVAL);
        }
        if !self.stream.connect_request.get().is_null() {
            return Err(Error::EALREADY);
        }
        let result = name.and_then(|name| self.connect_to(name));
        self.stream.delayed_error.set(result.map_or_else(Error::code, |_| 0));
        // SAFETY: the request is alive until its callback, as documented.
        unsafe { self.stream.begin_connect(request, result == Ok(true), callback) }
    }

    /// Connects. Returns whether the connection is complete, as it usually is.
    fn connect_to(&self, name: &[u8]) -> Result<bool> {
        let is_new = !self.stream.is_open();
        if is_new {
            self.stream.watcher.fd.set(socket::socket(libc::AF_UNIX, libc::SOCK_STREAM, 0)?);
        }
        let connected = match Address::new(name).connect(self.stream.fd()) {
            Ok(()) => true,
            Err(error) if error == Error::from_errno(libc::EINPROGRESS) => false,
            Err(error) => return Err(error),
        };
        // As in libuv, a pipe that was bound or opened before keeps its directions.
        if is_new {
            self.stream.open(self.stream.fd(), flag::READABLE | flag::WRITABLE)?;
        }
        Ok(connected)
    }

    fn remove_path(&self) {
        let path = self.path.replace(core::ptr::null());
        if !path.is_null() {
            // SAFETY: the path is a C string from `memory`, and not used again.
            unsafe {
                let _ = sys::fs::unlink(Path::new(path));
                memory::free(path.cast_mut().cast());
            }
        }
    }

    fn set_mode(&self, mode: c_int) -> Result {
        const BOTH: c_int = (UV_READABLE | UV_WRITABLE) as c_int;
        const READABLE: c_int = UV_READABLE as c_int;
        const WRITABLE: c_int = UV_WRITABLE as c_int;
        let readable = libc::S_IRUSR | libc::S_IRGRP | libc::S_IROTH;
        let writable = libc::S_IWUSR | libc::S_IWGRP | libc::S_IWOTH;
        let mode = match mode {
            READABLE => readable,
            WRITABLE => writable,
            BOTH => readable | writable,
            _ => return Err(Error::EINVAL),
        };
        let fd = self.stream.handle.fd()?;
        sys::fs::chmod(Target::File(fd), mode)?;
        // The file in the directory has a mode of its own.
        let (address, _) = socket::name(fd)?;
        let name = core::ptr::from_ref(&address).cast::<c_char>();
        // SAFETY: the address is shorter than its storage, which is zeroed, so the path has a NUL.
        sys::fs::chmod(Target::Path(unsafe { Path::new(name.add(NAME_OFFSET)) }), mode)
    }
}

fn bound_socket(name: &[u8]) -> Result<c_int> {
    let fd = socket::socket(libc::AF_UNIX, libc::SOCK_STREAM, 0)?;
    match Address::new(name).bind(fd) {
        Ok(()) => Ok(fd),
        Err(error) => {
            let _ = sys::fd::close(fd);
            Err(error)
        }
    }
}

/// Returns the directions of a descriptor with these status flags.
pub(super) fn directions(status_flags: c_int) -> u32 {
    match status_flags & libc::O_ACCMODE {
        libc::O_RDONLY => flag::READABLE,
        libc::O_WRONLY => flag::WRITABLE,
        _ => flag::READABLE | flag::WRITABLE,
    }
}

impl Stream {
    /// Returns the pipe that the stream is part of, if any.
    pub(super) fn as_pipe(&self) -> Option<&Pipe> {
        // SAFETY: a stream of this kind is the first field of a pipe.
        (self.handle.kind() == UV_NAMED_PIPE)
            .then(|| unsafe { &*core::ptr::from_ref(self).cast::<Pipe>() })
    }

    /// Removes the path that the pipe was bound to.
    pub(super) fn remove_path(&self) {
        if let Some(pipe) = self.as_pipe() {
            pipe.remove_path();
        }
    }

    pub(super) fn check_pipe_listen(&self) -> Result {
        if !self.is_open() || self.as_ipc().is_some() {
            return Err(Error::EINVAL);
        }
        Ok(())
    }
}

fn is_path(name: &[u8]) -> bool {
    name.first().is_some_and(|first| *first != 0)
}

fn copy_path(name: &[u8]) -> Result<*const c_char> {
    let copy = memory::malloc(name.len() + 1)?.cast::<u8>();
    // SAFETY: the copy has the size of the name and a NUL.
    unsafe {
        copy.as_ptr().copy_from_nonoverlapping(name.as_ptr(), name.len());
        copy.add(name.len()).write(0);
    }
    Ok(copy.as_ptr().cast())
}

/// Returns the name, truncated to the size of an address unless `flags` forbid it.
///
/// # Safety
/// `name` is NULL or points to `length` bytes.
unsafe fn name_of<'a>(name: *const c_char, length: usize, flags: c_uint) -> Result<&'a [u8]> {
    if flags & !(UV_PIPE_NO_TRUNCATE as c_uint) != 0 || name.is_null() {
        return Err(Error::EINVAL);
    }
    if flags & UV_PIPE_NO_TRUNCATE as c_uint != 0 && length > NAME_MAX {
        return Err(Error::EINVAL);
    }
    // SAFETY: as documented. memchr() reads no further than the first NUL.
    let (start, has_nul) = unsafe {
        let start = core::slice::from_raw_parts(name.cast::<u8>(), length.min(NAME_MAX));
        (start, !libc::memchr(name.cast(), 0, length).is_null())
    };
    if is_path(start) && has_nul {
        return Err(Error::EINVAL);
    }
    Ok(start)
}

/// # Safety
/// `name` is NULL or a C string.
unsafe fn string_length(name: *const c_char) -> usize {
    if name.is_null() {
        return 0;
    }
    // SAFETY: not NULL, hence a C string.
    unsafe { CStr::from_ptr(name) }.count_bytes()
}

/// Initialises a pipe handle. With a non-zero `ipc`, handles can be sent over it once it is connected.
/// Returns 0.
///
/// Loop thread only, as all functions on pipe handles.
/// See <https://docs.libuv.org/en/v1.x/pipe.html#c.uv_pipe_init>.
///
/// # Safety
/// `loop` is an initialised loop and `handle` is memory for the handle, alive until it is closed.
#[no_mangle]
pub unsafe extern "C" fn uv_pipe_init(
    r#loop: *mut uv_loop_t,
    handle: *mut uv_pipe_t,
    ipc: c_int,
) -> c_int {
    // SAFETY: as documented.
    unsafe {
        let pipe = handle.cast::<Pipe>();
        Handle::init(pipe, Loop::of(r#loop), UV_NAMED_PIPE, |handle| Pipe {
            stream: Stream::new(handle),
            ipc: Cell::new(ipc),
            padding: padding(),
            path: Cell::new(core::ptr::null()),
        });
        (*pipe).stream.watcher.set_level_triggered(true);
    }
    0
}

/// Opens the handle with an existing descriptor, such as an end of a pipe(2), a FIFO or a local socket.
/// The handle owns the descriptor, makes it non-blocking, and closes it.
///
/// Returns 0, `UV_EEXIST` if another handle of the loop has the descriptor, `UV_EBUSY` if the handle has
/// one already, or `UV_EBADF` if it is not open.
/// See <https://docs.libuv.org/en/v1.x/pipe.html#c.uv_pipe_open>.
///
/// # Safety
/// `handle` is an initialised pipe.
#[no_mangle]
pub unsafe extern "C" fn uv_pipe_open(handle: *mut uv_pipe_t, file: uv_file) -> c_int {
    // SAFETY: as documented.
    unsafe { Pipe::of(handle) }.open(file).into_c()
}

/// Binds the pipe to a path, which is truncated if it is too long for an address. Closing the handle
/// removes the file.
///
/// Returns the same as `uv_pipe_bind2()`.
/// See <https://docs.libuv.org/en/v1.x/pipe.html#c.uv_pipe_bind>.
///
/// # Safety
/// `handle` is an initialised pipe, and `name` is NULL or a C string.
#[no_mangle]
pub unsafe extern "C" fn uv_pipe_bind(handle: *mut uv_pipe_t, name: *const c_char) -> c_int {
    // SAFETY: as documented; a C string has as many bytes as its length.
    check::not_last(unsafe { uv_pipe_bind2(handle, name, string_length(name), 0) })
}

/// Binds the pipe to a name of `namelen` bytes. A name that begins with a NUL is abstract: it is not in the
/// file system. For an empty name the kernel chooses an abstract one. `flags` is 0 or
/// `UV_PIPE_NO_TRUNCATE`.
///
/// Returns 0; `UV_EINVAL` for other flags, a path that contains a NUL, a name that is too long and must
/// not be truncated, or a handle that is bound or open; `UV_EADDRINUSE` if the name exists; `UV_EACCES` if
/// it cannot be created; or another error code.
/// See <https://docs.libuv.org/en/v1.x/pipe.html#c.uv_pipe_bind2>.
///
/// # Safety
/// `handle` is an initialised pipe, and `name` is NULL or points to `namelen` bytes.
#[no_mangle]
pub unsafe extern "C" fn uv_pipe_bind2(
    handle: *mut uv_pipe_t,
    name: *const c_char,
    namelen: usize,
    flags: c_uint,
) -> c_int {
    // SAFETY: as documented.
    unsafe { name_of(name, namelen, flags).and_then(|name| Pipe::of(handle).bind(name)) }.into_c()
}

/// Connects to a path, which is truncated if it is too long for an address. `cb` receives all errors.
///
/// See <https://docs.libuv.org/en/v1.x/pipe.html#c.uv_pipe_connect>.
///
/// # Safety
/// As for `uv_pipe_connect2()`; `name` is NULL or a C string.
#[no_mangle]
pub unsafe extern "C" fn uv_pipe_connect(
    req: *mut uv_connect_t,
    handle: *mut uv_pipe_t,
    name: *const c_char,
    cb: uv_connect_cb,
) {
    // SAFETY: as documented; a C string has as many bytes as its length.
    unsafe {
        let name = peer_name(name, string_length(name), 0);
        // Fails, without a callback, only if the handle is closing or already connecting.
        let _ = Pipe::of(handle).connect(req.cast(), name, cb);
    }
}

/// Connects to a name of `namelen` bytes, which is abstract if it begins with a NUL. `flags` is 0 or
/// `UV_PIPE_NO_TRUNCATE`. Calls `cb` when the connection is established or has failed.
///
/// Returns 0. Does not call `cb` after an error: `UV_EINVAL` for other flags, an empty name, a path that
/// contains a NUL, or a name that is too long and must not be truncated; `UV_EALREADY` if the handle is
/// already connecting.
/// See <https://docs.libuv.org/en/v1.x/pipe.html#c.uv_pipe_connect2>.
///
/// # Safety
/// `req` is alive until `cb` is called; `handle` is an initialised pipe; `name` is NULL or points
/// to `namelen` bytes.
#[no_mangle]
pub unsafe extern "C" fn uv_pipe_connect2(
    req: *mut uv_connect_t,
    handle: *mut uv_pipe_t,
    name: *const c_char,
    namelen: usize,
    flags: c_uint,
    cb: uv_connect_cb,
) -> c_int {
    // SAFETY: as documented.
    unsafe {
        peer_name(name, namelen, flags)
            .and_then(|name| Pipe::of(handle).connect(req.cast(), Ok(name), cb))
            .into_c()
    }
}

/// Returns the name as [`name_of`] does, and fails if it is empty.
///
/// # Safety
/// As for [`name_of`].
unsafe fn peer_name<'a>(name: *const c_char, length: usize, flags: c_uint) -> Result<&'a [u8]> {
    // SAFETY: as documented.
    unsafe { name_of(name, length, flags) }.and_then(|name| {
        if name.is_empty() {
            Err(Error::EINVAL)
        } else {
            Ok(name)
        }
    })
}

/// Copies the name of an address to `buffer`, with a NUL if it is a path, and sets `*size` to its length
/// without the NUL, or to the required size.
///
/// # Safety
/// `buffer` is NULL or has room for `*size` bytes.
unsafe fn copy_name(
    handle: *const uv_pipe_t,
    ask: fn(c_int) -> Result<(libc::sockaddr_storage, usize)>,
    buffer: *mut c_char,
    size: *mut usize,
) -> Result {
    if buffer.is_null() || size.is_null() {
        return Err(Error::EINVAL);
    }
    // SAFETY: `buffer` has room for `*size` bytes, as documented; an address is shorter than its storage.
    unsafe {
        let room = size.replace(0);
        if room == 0 {
            return Err(Error::EINVAL);
        }
        let (address, length) = Stream::of_reading(handle).handle.fd().and_then(ask)?;
        let address = core::ptr::from_ref(&address).cast::<u8>();
        let name = core::slice::from_raw_parts(
            address.add(NAME_OFFSET),
            length.saturating_sub(NAME_OFFSET),
        );
        let is_abstract = !name.is_empty() && name[0] == 0;
        let name =
            if is_abstract { name } else { name.split(|byte| *byte == 0).next().unwrap_or(name) };
        let needed = name.len() + usize::from(!is_abstract);
        if needed > room {
            size.write(needed);
            return Err(Error::ENOBUFS);
        }
        buffer.cast::<u8>().copy_from_nonoverlapping(name.as_ptr(), name.len());
        if !is_abstract {
            buffer.add(name.len()).write(0);
        }
        size.write(name.len());
    }
    Ok(())
}

/// Copies the name that the pipe is bound to. `*size` is the size of `buffer`, and is set to the length of
/// the name. A path is followed by a NUL, an abstract name begins with one, and the name of an unbound pipe
/// is empty.
///
/// Returns 0, `UV_ENOBUFS` if the buffer is too small, which sets `*size` to the required size, `UV_EBADF`
/// if the handle is not open, or `UV_ENOTSOCK` if it is not a socket.
/// See <https://docs.libuv.org/en/v1.x/pipe.html#c.uv_pipe_getsockname>.
///
/// # Safety
/// `handle` is an initialised pipe, and `buffer` is NULL or has room for `*size` bytes.
#[no_mangle]
pub unsafe extern "C" fn uv_pipe_getsockname(
    handle: *const uv_pipe_t,
    buffer: *mut c_char,
    size: *mut usize,
) -> c_int {
    // SAFETY: as documented.
    unsafe { copy_name(handle, socket::name, buffer, size) }.into_c()
}

/// Copies the name of the peer, as `uv_pipe_getsockname()` does with the pipe's own.
///
/// Returns the same, or `UV_ENOTCONN` if the pipe is not connected.
/// See <https://docs.libuv.org/en/v1.x/pipe.html#c.uv_pipe_getpeername>.
///
/// # Safety
/// As for `uv_pipe_getsockname()`.
#[no_mangle]
pub unsafe extern "C" fn uv_pipe_getpeername(
    handle: *const uv_pipe_t,
    buffer: *mut c_char,
    size: *mut usize,
) -> c_int {
    // SAFETY: as documented.
    unsafe { copy_name(handle, socket::peer, buffer, size) }.into_c()
}

/// Has no effect, except on Windows.
///
/// See <https://docs.libuv.org/en/v1.x/pipe.html#c.uv_pipe_pending_instances>.
///
/// # Safety
/// None of the arguments are used.
#[no_mangle]
pub unsafe extern "C" fn uv_pipe_pending_instances(_handle: *mut uv_pipe_t, _count: c_int) {}

/// Allows all users to read (`UV_READABLE`) or write (`UV_WRITABLE`), or both, the file that the pipe is
/// bound to.
///
/// Returns 0, `UV_EINVAL` for other flags, `UV_EBADF` if the handle is NULL or not open, or `UV_ENOENT` if
/// it has no file.
/// See <https://docs.libuv.org/en/v1.x/pipe.html#c.uv_pipe_chmod>.
///
/// # Safety
/// `handle` is NULL or an initialised pipe.
#[no_mangle]
pub unsafe extern "C" fn uv_pipe_chmod(handle: *mut uv_pipe_t, flags: c_int) -> c_int {
    if handle.is_null() {
        return Error::EBADF.code();
    }
    // SAFETY: as documented.
    unsafe { Pipe::of(handle) }.set_mode(flags).into_c()
}
