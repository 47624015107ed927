//! Request structs, which the user allocates: one for each operation, until its callback.
//!
//! Fields without a description are private. They have libuv's names and offsets because some programs
//! read them.

use super::*;
use core::ffi::{c_char, c_int, c_uint, c_void};
use libc::{addrinfo, mode_t, off_t, size_t, sockaddr, sockaddr_storage, ssize_t};

/// Size of the `host` buffer of `uv_getnameinfo_t`.
pub(crate) const NI_MAXHOST: usize = if cfg!(target_env = "musl") { 255 } else { 1025 };
/// Size of the `service` buffer of `uv_getnameinfo_t`.
pub(crate) const NI_MAXSERV: usize = 32;

/// The base of all requests.
/// See <https://docs.libuv.org/en/v1.x/request.html#c.uv_req_t>.
#[repr(C)]
#[derive(Copy, Clone)]
pub struct uv_req_t {
    /// For the user.
    pub data: *mut c_void,
    /// The type of the request. Read-only.
    pub r#type: uv_req_type,
    pub reserved: [*mut c_void; 6],
}

/// A request of `uv_shutdown()`.
/// See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_shutdown_t>.
#[repr(C)]
#[derive(Copy, Clone)]
pub struct uv_shutdown_t {
    pub base: uv_req_t,
    /// The stream.
    pub handle: *mut uv_stream_t,
    pub cb: uv_shutdown_cb,
}

/// A request of `uv_write()` and `uv_write2()`.
/// See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_write_t>.
#[repr(C)]
#[derive(Copy, Clone)]
pub struct uv_write_t {
    pub base: uv_req_t,
    pub cb: uv_write_cb,
    /// The stream that is sent with the data, or NULL.
    pub send_handle: *mut uv_stream_t,
    /// The stream.
    pub handle: *mut uv_stream_t,
    pub queue: uv__queue,
    pub write_index: c_uint,
    pub bufs: *mut uv_buf_t,
    pub nbufs: c_uint,
    pub error: c_int,
    pub bufsml: [uv_buf_t; 4],
}

/// A request of `uv_tcp_connect()` and `uv_pipe_connect()`.
/// See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_connect_t>.
#[repr(C)]
#[derive(Copy, Clone)]
pub struct uv_connect_t {
    pub base: uv_req_t,
    pub cb: uv_connect_cb,
    /// The stream that is being connected.
    pub handle: *mut uv_stream_t,
    pub queue: uv__queue,
}

/// Private: the destination of a datagram.
#[repr(C)]
#[derive(Copy, Clone)]
pub union uv__udp_send_addr {
    pub addr: sockaddr,
    pub storage: sockaddr_storage,
}

/// A request of `uv_udp_send()`.
/// See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_send_t>.
#[repr(C)]
#[derive(Copy, Clone)]
pub struct uv_udp_send_t {
    pub base: uv_req_t,
    /// The socket.
    pub handle: *mut uv_udp_t,
    pub cb: uv_udp_send_cb,
    pub queue: uv__queue,
    pub u: uv__udp_send_addr,
    pub nbufs: c_uint,
    pub bufs: *mut uv_buf_t,
    pub status: ssize_t,
    pub send_cb: uv_udp_send_cb,
    pub bufsml: [uv_buf_t; 4],
}

/// A file operation. `uv_fs_req_cleanup()` must be called after its callback, or after the call if it
/// was synchronous.
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_t>.
#[repr(C)]
#[derive(Copy, Clone)]
pub struct uv_fs_t {
    pub base: uv_req_t,
    /// The operation.
    pub fs_type: uv_fs_type,
    /// The loop.
    pub r#loop: *mut uv_loop_t,
    pub cb: uv_fs_cb,
    /// The result: a byte count, a descriptor or 0, or an error if it is negative.
    pub result: ssize_t,
    /// The result of operations that return more than a number: the target of `uv_fs_readlink()` and
    /// `uv_fs_realpath()`, the `uv_dir_t` of `uv_fs_opendir()`, the `uv_stat_t` or `uv_statfs_t` of those
    /// calls.
    pub ptr: *mut c_void,
    /// The path; a copy of the user's unless the call was synchronous.
    pub path: *const c_char,
    /// The result of `uv_fs_stat()`, `uv_fs_fstat()` and `uv_fs_lstat()`.
    pub statbuf: uv_stat_t,
    pub new_path: *const c_char,
    pub file: uv_file,
    pub flags: c_int,
    pub mode: mode_t,
    pub nbufs: c_uint,
    pub bufs: *mut uv_buf_t,
    pub off: off_t,
    pub uid: uv_uid_t,
    pub gid: uv_gid_t,
    pub atime: f64,
    pub mtime: f64,
    pub work_req: uv__work,
    pub bufsml: [uv_buf_t; 4],
}

/// A request of `uv_queue_work()`.
/// See <https://docs.libuv.org/en/v1.x/threadpool.html#c.uv_work_t>.
#[repr(C)]
#[derive(Copy, Clone)]
pub struct uv_work_t {
    pub base: uv_req_t,
    /// The loop, which calls `after_work_cb`.
    pub r#loop: *mut uv_loop_t,
    pub work_cb: uv_work_cb,
    pub after_work_cb: uv_after_work_cb,
    pub work_req: uv__work,
}

/// A request of `uv_getaddrinfo()`.
/// See <https://docs.libuv.org/en/v1.x/dns.html#c.uv_getaddrinfo_t>.
#[repr(C)]
#[derive(Copy, Clone)]
pub struct uv_getaddrinfo_t {
    pub base: uv_req_t,
    /// The loop.
    pub r#loop: *mut uv_loop_t,
    pub work_req: uv__work,
    pub cb: uv_getaddrinfo_cb,
    pub hints: *mut addrinfo,
    pub hostname: *mut c_char,
    pub service: *mut c_char,
    /// After a synchronous call (no callback), the outcome, to be freed with
    /// `uv_freeaddrinfo()`.
    pub addrinfo: *mut addrinfo,
    pub retcode: c_int,
}

/// A request of `uv_getnameinfo()`.
/// See <https://docs.libuv.org/en/v1.x/dns.html#c.uv_getnameinfo_t>.
#[repr(C)]
#[derive(Copy, Clone)]
pub struct uv_getnameinfo_t {
    pub base: uv_req_t,
    /// The loop.
    pub r#loop: *mut uv_loop_t,
    pub work_req: uv__work,
    pub getnameinfo_cb: uv_getnameinfo_cb,
    pub storage: sockaddr_storage,
    pub flags: c_int,
    /// The result: the name of the host.
    pub host: [c_char; NI_MAXHOST],
    /// The result: the name of the service.
    pub service: [c_char; NI_MAXSERV],
    pub retcode: c_int,
}

/// A request of `uv_random()`.
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_random_t>.
#[repr(C)]
#[derive(Copy, Clone)]
pub struct uv_random_t {
    pub base: uv_req_t,
    /// The loop.
    pub r#loop: *mut uv_loop_t,
    pub status: c_int,
    pub buf: *mut c_void,
    pub buflen: size_t,
    pub cb: uv_random_cb,
    pub work_req: uv__work,
}

/// Memory for any request.
/// See <https://docs.libuv.org/en/v1.x/request.html#c.uv_any_req>.
#[repr(C)]
#[derive(Copy, Clone)]
pub union uv_any_req {
    pub req: uv_req_t,
    pub connect: uv_connect_t,
    pub write: uv_write_t,
    pub shutdown: uv_shutdown_t,
    pub udp_send: uv_udp_send_t,
    pub fs: uv_fs_t,
    pub work: uv_work_t,
    pub getaddrinfo: uv_getaddrinfo_t,
    pub getnameinfo: uv_getnameinfo_t,
    pub random: uv_random_t,
}
