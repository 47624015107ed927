//! The types of the functions that the caller passes in.
//!
//! NULL is `None`. Which callbacks may be NULL is written at the function that takes them.

use super::*;
use core::ffi::{c_char, c_int, c_uint, c_void};
use libc::{addrinfo, size_t, sockaddr, ssize_t};

/// Replaces malloc(3); see `uv_replace_allocator()`.
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_malloc_func>.
pub type uv_malloc_func = Option<unsafe extern "C" fn(size: size_t) -> *mut c_void>;
/// Replaces realloc(3).
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_realloc_func>.
pub type uv_realloc_func =
    Option<unsafe extern "C" fn(ptr: *mut c_void, size: size_t) -> *mut c_void>;
/// Replaces calloc(3).
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_calloc_func>.
pub type uv_calloc_func = Option<unsafe extern "C" fn(count: size_t, size: size_t) -> *mut c_void>;
/// Replaces free(3).
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_free_func>.
pub type uv_free_func = Option<unsafe extern "C" fn(ptr: *mut c_void)>;

/// Asks for memory to read into. Sets `buf` to a buffer of any length; `suggested_size` is a
/// hint. A NULL or empty buffer makes the read callback report `UV_ENOBUFS`. The buffer is the
/// caller's again when the read callback gets it.
/// See <https://docs.libuv.org/en/v1.x/handle.html#c.uv_alloc_cb>.
pub type uv_alloc_cb = Option<
    unsafe extern "C-unwind" fn(
        handle: *mut uv_handle_t,
        suggested_size: size_t,
        buf: *mut uv_buf_t,
    ),
>;
/// Reports data that was read: `nread` bytes in `buf`; 0 for nothing (try again later, not an
/// error); `UV_EOF` at the end of the stream; or another error, after which reading is to be
/// stopped or the stream closed. `buf` is what the allocation callback set, and it is the
/// caller's to free whatever `nread` says.
/// See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_read_cb>.
pub type uv_read_cb = Option<
    unsafe extern "C-unwind" fn(stream: *mut uv_stream_t, nread: ssize_t, buf: *const uv_buf_t),
>;
/// A write is done; `status` is 0 or an error. `req` and the buffers are the caller's again.
/// See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_write_cb>.
pub type uv_write_cb = Option<unsafe extern "C-unwind" fn(req: *mut uv_write_t, status: c_int)>;
/// A connection is made, or has failed with `status`.
/// See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_connect_cb>.
pub type uv_connect_cb = Option<unsafe extern "C-unwind" fn(req: *mut uv_connect_t, status: c_int)>;
/// The writing side is shut down, or that has failed with `status`.
/// See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_shutdown_cb>.
pub type uv_shutdown_cb =
    Option<unsafe extern "C-unwind" fn(req: *mut uv_shutdown_t, status: c_int)>;
/// A connection is waiting for `uv_accept()`, or accepting has failed with `status`.
/// See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_connection_cb>.
pub type uv_connection_cb =
    Option<unsafe extern "C-unwind" fn(server: *mut uv_stream_t, status: c_int)>;
/// The handle is closed. The library does not touch it any more: it can be freed here.
/// See <https://docs.libuv.org/en/v1.x/handle.html#c.uv_close_cb>.
pub type uv_close_cb = Option<unsafe extern "C-unwind" fn(handle: *mut uv_handle_t)>;
/// The descriptor is ready for `events` (of `enum uv_poll_event`), or `status` is an error.
/// See <https://docs.libuv.org/en/v1.x/poll.html#c.uv_poll_cb>.
pub type uv_poll_cb =
    Option<unsafe extern "C-unwind" fn(handle: *mut uv_poll_t, status: c_int, events: c_int)>;
/// The timer is due.
/// See <https://docs.libuv.org/en/v1.x/timer.html#c.uv_timer_cb>.
pub type uv_timer_cb = Option<unsafe extern "C-unwind" fn(handle: *mut uv_timer_t)>;
/// `uv_async_send()` was called, once or several times.
/// See <https://docs.libuv.org/en/v1.x/async.html#c.uv_async_cb>.
pub type uv_async_cb = Option<unsafe extern "C-unwind" fn(handle: *mut uv_async_t)>;
/// The loop is about to wait for events.
/// See <https://docs.libuv.org/en/v1.x/prepare.html#c.uv_prepare_cb>.
pub type uv_prepare_cb = Option<unsafe extern "C-unwind" fn(handle: *mut uv_prepare_t)>;
/// The loop has waited for events.
/// See <https://docs.libuv.org/en/v1.x/check.html#c.uv_check_cb>.
pub type uv_check_cb = Option<unsafe extern "C-unwind" fn(handle: *mut uv_check_t)>;
/// Once per loop iteration, before the prepare callbacks.
/// See <https://docs.libuv.org/en/v1.x/idle.html#c.uv_idle_cb>.
pub type uv_idle_cb = Option<unsafe extern "C-unwind" fn(handle: *mut uv_idle_t)>;
/// The child process ended, with `exit_status`, or because of the signal `term_signal` if that
/// is not 0.
/// See <https://docs.libuv.org/en/v1.x/process.html#c.uv_exit_cb>.
pub type uv_exit_cb = Option<
    unsafe extern "C-unwind" fn(handle: *mut uv_process_t, exit_status: i64, term_signal: c_int),
>;
/// Called by `uv_walk()` for each handle of a loop.
/// See <https://docs.libuv.org/en/v1.x/loop.html#c.uv_walk_cb>.
pub type uv_walk_cb =
    Option<unsafe extern "C-unwind" fn(handle: *mut uv_handle_t, arg: *mut c_void)>;
/// The file operation is done; `req->result` says how.
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_cb>.
pub type uv_fs_cb = Option<unsafe extern "C-unwind" fn(req: *mut uv_fs_t)>;
/// The work itself. Runs on a thread of the pool.
/// See <https://docs.libuv.org/en/v1.x/threadpool.html#c.uv_work_cb>.
pub type uv_work_cb = Option<unsafe extern "C-unwind" fn(req: *mut uv_work_t)>;
/// The work is done. Runs on the loop's thread; `status` is 0, or `UV_ECANCELED` if
/// `uv_cancel()` was in time.
/// See <https://docs.libuv.org/en/v1.x/threadpool.html#c.uv_after_work_cb>.
pub type uv_after_work_cb = Option<unsafe extern "C-unwind" fn(req: *mut uv_work_t, status: c_int)>;
/// The look-up is done. `res` is to be freed with `uv_freeaddrinfo()`; it is NULL if `status`
/// is an error.
/// See <https://docs.libuv.org/en/v1.x/dns.html#c.uv_getaddrinfo_cb>.
pub type uv_getaddrinfo_cb = Option<
    unsafe extern "C-unwind" fn(req: *mut uv_getaddrinfo_t, status: c_int, res: *mut addrinfo),
>;
/// The look-up is done. The strings belong to `req`.
/// See <https://docs.libuv.org/en/v1.x/dns.html#c.uv_getnameinfo_cb>.
pub type uv_getnameinfo_cb = Option<
    unsafe extern "C-unwind" fn(
        req: *mut uv_getnameinfo_t,
        status: c_int,
        hostname: *const c_char,
        service: *const c_char,
    ),
>;
/// `buf` is filled with random bytes, or `status` is an error.
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_random_cb>.
pub type uv_random_cb = Option<
    unsafe extern "C-unwind" fn(
        req: *mut uv_random_t,
        status: c_int,
        buf: *mut c_void,
        buflen: size_t,
    ),
>;
/// Something changed. `filename` is relative to the watched directory, or NULL; `events` is of
/// `enum uv_fs_event`.
/// See <https://docs.libuv.org/en/v1.x/fs_event.html#c.uv_fs_event_cb>.
pub type uv_fs_event_cb = Option<
    unsafe extern "C-unwind" fn(
        handle: *mut uv_fs_event_t,
        filename: *const c_char,
        events: c_int,
        status: c_int,
    ),
>;
/// The watched path changed from `prev` to `curr`, or could not be read (`status`).
/// See <https://docs.libuv.org/en/v1.x/fs_poll.html#c.uv_fs_poll_cb>.
pub type uv_fs_poll_cb = Option<
    unsafe extern "C-unwind" fn(
        handle: *mut uv_fs_poll_t,
        status: c_int,
        prev: *const uv_stat_t,
        curr: *const uv_stat_t,
    ),
>;
/// The signal was received.
/// See <https://docs.libuv.org/en/v1.x/signal.html#c.uv_signal_cb>.
pub type uv_signal_cb =
    Option<unsafe extern "C-unwind" fn(handle: *mut uv_signal_t, signum: c_int)>;
/// The datagram is sent; `status` is 0 or an error.
/// See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_send_cb>.
pub type uv_udp_send_cb =
    Option<unsafe extern "C-unwind" fn(req: *mut uv_udp_send_t, status: c_int)>;
/// Reports a datagram: `nread` bytes in `buf` from `addr`. `nread` 0 with `addr` NULL means
/// that there is nothing to read; 0 with an address is an empty datagram; a negative `nread` is
/// an error. `flags` is of `enum uv_udp_flags`. `addr` is valid during the call only.
/// See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_recv_cb>.
pub type uv_udp_recv_cb = Option<
    unsafe extern "C-unwind" fn(
        handle: *mut uv_udp_t,
        nread: ssize_t,
        buf: *const uv_buf_t,
        addr: *const sockaddr,
        flags: c_uint,
    ),
>;
/// The function that a new thread runs.
/// See <https://docs.libuv.org/en/v1.x/threading.html#c.uv_thread_cb>.
pub type uv_thread_cb = Option<unsafe extern "C-unwind" fn(arg: *mut c_void)>;
