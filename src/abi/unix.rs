//! Contents of `uv/unix.h`: portable names of system types, and private parts of the handle structs.

use core::ffi::{c_char, c_int, c_uint, c_void};
use libc::size_t;

/// A file descriptor of a file.
pub type uv_file = c_int;
/// A file descriptor of a socket.
pub type uv_os_sock_t = c_int;
/// A file descriptor of anything.
pub type uv_os_fd_t = c_int;
/// A process id.
pub type uv_pid_t = libc::pid_t;
/// A user id.
pub type uv_uid_t = libc::uid_t;
/// A group id.
pub type uv_gid_t = libc::gid_t;

/// State of `uv_once()`; initialised with `UV_ONCE_INIT`.
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_once_t>.
pub type uv_once_t = libc::pthread_once_t;
/// A thread.
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_thread_t>.
pub type uv_thread_t = libc::pthread_t;
/// A mutex.
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_mutex_t>.
pub type uv_mutex_t = libc::pthread_mutex_t;
/// A lock for many readers or one writer.
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_rwlock_t>.
pub type uv_rwlock_t = libc::pthread_rwlock_t;
/// A counting semaphore.
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_sem_t>.
pub type uv_sem_t = libc::sem_t;
/// A condition variable.
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_cond_t>.
pub type uv_cond_t = libc::pthread_cond_t;
/// A key for a thread-local pointer.
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_key_t>.
pub type uv_key_t = libc::pthread_key_t;
/// A barrier.
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_barrier_t>.
pub type uv_barrier_t = libc::pthread_barrier_t;

/// A buffer. It has the layout of `struct iovec`, so readv(2) and writev(2) accept an array of these.
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_buf_t>.
#[repr(C)]
#[derive(Copy, Clone, Debug)]
pub struct uv_buf_t {
    /// The first byte.
    pub base: *mut c_char,
    /// The number of bytes.
    pub len: size_t,
}

/// Private: a link of a doubly linked list.
#[repr(C)]
#[derive(Copy, Clone)]
pub struct uv__queue {
    pub next: *mut uv__queue,
    pub prev: *mut uv__queue,
}

/// Private: a watched file descriptor.
#[repr(C)]
#[derive(Copy, Clone)]
pub struct uv__io_t {
    pub bits: usize,
    pub pending_queue: uv__queue,
    pub watcher_queue: uv__queue,
    pub pevents: c_uint,
    pub events: c_uint,
    pub fd: c_int,
}

/// A shared library opened by `uv_dlopen()`.
/// See <https://docs.libuv.org/en/v1.x/dll.html#c.uv_lib_t>.
#[repr(C)]
#[derive(Copy, Clone)]
pub struct uv_lib_t {
    /// The handle of dlopen(3).
    pub handle: *mut c_void,
    /// The last error, for `uv_dlerror()`, or NULL.
    pub errmsg: *mut c_char,
}
