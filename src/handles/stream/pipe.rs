//! Pipes: local sockets, and whatever else is opened as a pipe.

use super::connect::Connect;
use super::Stream;
use crate::abi::*;
use crate::event_loop::Loop;
use crate::ffi::{overlay, padding, Overlay, Padding};
use crate::handles::{flag, Handle};
use crate::memory;
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
    /// The path that binding created and closing removes, from [`memory`]; NULL if there is none.
    path: Cell<*const c_char>,
}

overlay!(Pipe { stream, ipc, padding, path } => uv_pipe_t);
overlay!(Stream => uv_pipe_t);
const _: () = {
    use core::mem::offset_of;
    assert!(offset_of!(Pipe, ipc) == offset_of!(uv_pipe_t, ipc));
    assert!(offset_of!(Pipe, path) == offset_of!(uv_pipe_t, pipe_fname));
};

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
                // SAFETY: `path` came from `memory`, or is NULL.
                unsafe { memory::free(path.cast_mut().cast()) };
                // That a directory is missing has always been reported like this.
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
        // SAFETY: the caller's contract.
        unsafe { self.stream.begin_connect(request, result == Ok(true), callback) }
    }

    /// Whether that is done already, as it usually is.
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
        // One that was bound or opened before keeps the directions that it has, as in libuv.
        if is_new {
            self.stream.open(self.stream.fd(), flag::READABLE | flag::WRITABLE)?;
        }
        Ok(connected)
    }

    fn remove_path(&self) {
        let path = self.path.replace(core::ptr::null());
        if !path.is_null() {
            // SAFETY: the path is a C string from `memory`, which nobody else has.
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
        // The mode of the file in the directory is another than that of the socket.
        let (address, _) = socket::name(fd)?;
        let name = core::ptr::from_ref(&address).cast::<c_char>();
        // SAFETY: the address is shorter than its storage, the rest of which is zero.
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

/// The directions in which a descriptor with these flags can be used.
pub(super) fn directions(status_flags: c_int) -> u32 {
    match status_flags & libc::O_ACCMODE {
        libc::O_RDONLY => flag::READABLE,
        libc::O_WRONLY => flag::WRITABLE,
        _ => flag::READABLE | flag::WRITABLE,
    }
}

impl Stream {
    /// The stream as the pipe that it is part of.
    pub(super) fn as_pipe(&self) -> Option<&Pipe> {
        // SAFETY: the kind says that the stream is part of a pipe.
        (self.handle.kind() == UV_NAMED_PIPE)
            .then(|| unsafe { &*core::ptr::from_ref(self).cast::<Pipe>() })
    }

    /// Removes the path that a pipe was bound to.
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
    // SAFETY: the copy has room for the name and a NUL.
    unsafe {
        copy.as_ptr().copy_from_nonoverlapping(name.as_ptr(), name.len());
        copy.add(name.len()).write(0);
    }
    Ok(copy.as_ptr().cast())
}

/// The name that C passed, cut to what an address holds unless `flags` forbid it.
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
    // SAFETY: the caller's contract.
    unsafe { CStr::from_ptr(name) }.count_bytes()
}

/// Initialises a pipe handle. `ipc` is non-zero for a connected pipe that handles will be passed
/// over. Returns 0.
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
    // SAFETY: the caller's contract.
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

/// Makes the handle use an existing descriptor, such as an end of a pipe(2), a FIFO or a local
/// socket. It becomes non-blocking and the handle's: it is closed with it.
///
/// Returns 0; `UV_EEXIST` when the loop watches the descriptor already; `UV_EBUSY` when the handle
/// has another; `UV_EBADF` when it is not open.
/// See <https://docs.libuv.org/en/v1.x/pipe.html#c.uv_pipe_open>.
///
/// # Safety
/// `handle` is an initialised pipe.
#[no_mangle]
pub unsafe extern "C" fn uv_pipe_open(handle: *mut uv_pipe_t, file: uv_file) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { Pipe::of(handle) }.open(file).into_c()
}

/// Binds the pipe to a path, which is cut when it is longer than an address can hold. The file is
/// removed when the handle is closed.
///
/// Returns what `uv_pipe_bind2()` does.
/// See <https://docs.libuv.org/en/v1.x/pipe.html#c.uv_pipe_bind>.
///
/// # Safety
/// `handle` is an initialised pipe, and `name` is NULL or a C string.
#[no_mangle]
pub unsafe extern "C" fn uv_pipe_bind(handle: *mut uv_pipe_t, name: *const c_char) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { uv_pipe_bind2(handle, name, string_length(name), 0) }
}

/// Binds the pipe to a name of `namelen` bytes. One that begins with a NUL is abstract: it lives in
/// no directory. When it is empty the kernel chooses an abstract name. `flags` are 0 or
/// `UV_PIPE_NO_TRUNCATE`.
///
/// Returns 0; `UV_EINVAL` for other flags, a path that contains a NUL, a name that is too long and
/// must not be cut, or when the handle is bound or open already; `UV_EADDRINUSE` when the name
/// exists; `UV_EACCES` when it cannot be created; or another error code.
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
    // SAFETY: the caller's contract.
    unsafe { name_of(name, namelen, flags).and_then(|name| Pipe::of(handle).bind(name)) }.into_c()
}

/// Connects to the path, which is cut when it is longer than an address can hold. Every error is
/// reported by `cb`.
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
    // SAFETY: the caller's contract.
    unsafe {
        let name = peer_name(name, string_length(name), 0);
        // Fails only when there can be no callback: the handle is closing, or connecting already.
        let _ = Pipe::of(handle).connect(req.cast(), name, cb);
    }
}

/// Connects to a name of `namelen` bytes, which is abstract if it begins with a NUL. `flags` are 0
/// or `UV_PIPE_NO_TRUNCATE`. `cb` is called when that is done or has failed.
///
/// Returns 0; without a callback `UV_EINVAL` for other flags, an empty name, a path that contains
/// a NUL or a name that is too long and must not be cut; `UV_EALREADY` when a connection is being
/// made.
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
    // SAFETY: the caller's contract.
    unsafe {
        peer_name(name, namelen, flags)
            .and_then(|name| Pipe::of(handle).connect(req.cast(), Ok(name), cb))
            .into_c()
    }
}

/// As [`name_of`], but not empty.
///
/// # Safety
/// As for [`name_of`].
unsafe fn peer_name<'a>(name: *const c_char, length: usize, flags: c_uint) -> Result<&'a [u8]> {
    // SAFETY: the caller's contract.
    unsafe { name_of(name, length, flags) }.and_then(|name| {
        if name.is_empty() {
            Err(Error::EINVAL)
        } else {
            Ok(name)
        }
    })
}

/// Copies the name in an address to where C wants it, and tells its length, or how much room it
/// needs. A path gets a NUL, which its length does not count.
///
/// # Safety
/// `buffer` is NULL or has room for `*size` bytes.
unsafe fn give_name(
    handle: *const uv_pipe_t,
    ask: fn(c_int) -> Result<(libc::sockaddr_storage, usize)>,
    buffer: *mut c_char,
    size: *mut usize,
) -> Result {
    if buffer.is_null() || size.is_null() {
        return Err(Error::EINVAL);
    }
    // SAFETY: the caller's contract.
    unsafe {
        let room = size.replace(0);
        if room == 0 {
            return Err(Error::EINVAL);
        }
        let (address, length) = Stream::of(handle).handle.fd().and_then(ask)?;
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

/// The name that the pipe is bound to. `size` says how much room `buffer` has, and then how long
/// the name is. A path is followed by a NUL, an abstract name begins with one, and a pipe without
/// a name has one of length 0.
///
/// Returns 0; `UV_ENOBUFS` when there is not enough room, `*size` says then what is needed;
/// `UV_EBADF` when the handle is not open; `UV_ENOTSOCK` when it is no socket.
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
    // SAFETY: the caller's contract.
    unsafe { give_name(handle, socket::name, buffer, size) }.into_c()
}

/// The name of the peer, as `uv_pipe_getsockname()` gives the pipe's own.
///
/// Returns 0, or `UV_ENOTCONN` when there is no connection, among others.
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
    // SAFETY: the caller's contract.
    unsafe { give_name(handle, socket::peer, buffer, size) }.into_c()
}

/// Has an effect on Windows only.
///
/// See <https://docs.libuv.org/en/v1.x/pipe.html#c.uv_pipe_pending_instances>.
///
/// # Safety
/// None of the arguments are used.
#[no_mangle]
pub unsafe extern "C" fn uv_pipe_pending_instances(_handle: *mut uv_pipe_t, _count: c_int) {}

/// Lets every user read (`UV_READABLE`), write (`UV_WRITABLE`), or both, the file that the pipe is
/// bound to.
///
/// Returns 0; `UV_EINVAL` for another mode; `UV_EBADF` when the handle is NULL or not open;
/// `UV_ENOENT` when it has no file.
/// See <https://docs.libuv.org/en/v1.x/pipe.html#c.uv_pipe_chmod>.
///
/// # Safety
/// `handle` is NULL or an initialised pipe.
#[no_mangle]
pub unsafe extern "C" fn uv_pipe_chmod(handle: *mut uv_pipe_t, flags: c_int) -> c_int {
    if handle.is_null() {
        return Error::EBADF.code();
    }
    // SAFETY: the caller's contract.
    unsafe { Pipe::of(handle) }.set_mode(flags).into_c()
}
