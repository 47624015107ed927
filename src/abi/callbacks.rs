//! Callback types.
//!
//! `None` is NULL. The function that takes a callback says whether it may be NULL.

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

/// Sets `buf` to a buffer of any length to read into; `suggested_size` is a hint. With a NULL or empty
/// buffer the read callback reports `UV_ENOBUFS`. The buffer is in use until the read callback gets it.
/// See <https://docs.libuv.org/en/v1.x/handle.html#c.uv_alloc_cb>.
pub type uv_alloc_cb = Option<
    unsafe extern "C-unwind" fn(
        handle: *mut uv_handle_t,
        suggested_size: size_t,
        buf: *mut uv_buf_t,
    ),
>;
/// Receives data that was read: `nread` is the number of bytes in `buf`, 0 if there was nothing to read
/// (not an error), `UV_EOF` at the end of the stream, or another error, after which the user must stop
/// reading or close the stream. `buf` was set by the allocation callback; the user frees it, also after
/// an error.
/// See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_read_cb>.
pub type uv_read_cb = Option<
    unsafe extern "C-unwind" fn(stream: *mut uv_stream_t, nread: ssize_t, buf: *const uv_buf_t),
>;
/// Called when a write has finished; `status` is 0 or an error. `req` and the buffers may be freed.
/// See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_write_cb>.
pub type uv_write_cb = Option<unsafe extern "C-unwind" fn(req: *mut uv_write_t, status: c_int)>;
/// Called when a connection is established, or has failed: `status` is 0 or an error.
/// See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_connect_cb>.
pub type uv_connect_cb = Option<unsafe extern "C-unwind" fn(req: *mut uv_connect_t, status: c_int)>;
/// Called when the writing side is shut down, or that has failed: `status` is 0 or an error.
/// See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_shutdown_cb>.
pub type uv_shutdown_cb =
    Option<unsafe extern "C-unwind" fn(req: *mut uv_shutdown_t, status: c_int)>;
/// Called when a connection can be taken with `uv_accept()`, or accepting has failed: `status` is 0 or
/// an error.
/// See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_connection_cb>.
pub type uv_connection_cb =
    Option<unsafe extern "C-unwind" fn(server: *mut uv_stream_t, status: c_int)>;
/// Called when the handle is closed. It may be freed in the callback: the library does not access it
/// any more.
/// See <https://docs.libuv.org/en/v1.x/handle.html#c.uv_close_cb>.
pub type uv_close_cb = Option<unsafe extern "C-unwind" fn(handle: *mut uv_handle_t)>;
/// Called when the descriptor is ready for `events` (of `enum uv_poll_event`), or with an error in
/// `status`.
/// See <https://docs.libuv.org/en/v1.x/poll.html#c.uv_poll_cb>.
pub type uv_poll_cb =
    Option<unsafe extern "C-unwind" fn(handle: *mut uv_poll_t, status: c_int, events: c_int)>;
/// Called when the timer is due.
/// See <https://docs.libuv.org/en/v1.x/timer.html#c.uv_timer_cb>.
pub type uv_timer_cb = Option<unsafe extern "C-unwind" fn(handle: *mut uv_timer_t)>;
/// Called after one or more calls of `uv_async_send()`.
/// See <https://docs.libuv.org/en/v1.x/async.html#c.uv_async_cb>.
pub type uv_async_cb = Option<unsafe extern "C-unwind" fn(handle: *mut uv_async_t)>;
/// Called before the loop waits for events.
/// See <https://docs.libuv.org/en/v1.x/prepare.html#c.uv_prepare_cb>.
pub type uv_prepare_cb = Option<unsafe extern "C-unwind" fn(handle: *mut uv_prepare_t)>;
/// Called after the loop has waited for events.
/// See <https://docs.libuv.org/en/v1.x/check.html#c.uv_check_cb>.
pub type uv_check_cb = Option<unsafe extern "C-unwind" fn(handle: *mut uv_check_t)>;
/// Called once per loop iteration, before the prepare callbacks.
/// See <https://docs.libuv.org/en/v1.x/idle.html#c.uv_idle_cb>.
pub type uv_idle_cb = Option<unsafe extern "C-unwind" fn(handle: *mut uv_idle_t)>;
/// Called when the child process has ended: by the signal `term_signal` if that is not 0, otherwise
/// with `exit_status`.
/// See <https://docs.libuv.org/en/v1.x/process.html#c.uv_exit_cb>.
pub type uv_exit_cb = Option<
    unsafe extern "C-unwind" fn(handle: *mut uv_process_t, exit_status: i64, term_signal: c_int),
>;
/// Called by `uv_walk()` for each handle of a loop.
/// See <https://docs.libuv.org/en/v1.x/loop.html#c.uv_walk_cb>.
pub type uv_walk_cb =
    Option<unsafe extern "C-unwind" fn(handle: *mut uv_handle_t, arg: *mut c_void)>;
/// Called when the file operation has finished; `req->result` is its result.
/// See <https://docs.libuv.org/en/v1.x/fs.html#c.uv_fs_cb>.
pub type uv_fs_cb = Option<unsafe extern "C-unwind" fn(req: *mut uv_fs_t)>;
/// Does the work. Called on a thread of the pool.
/// See <https://docs.libuv.org/en/v1.x/threadpool.html#c.uv_work_cb>.
pub type uv_work_cb = Option<unsafe extern "C-unwind" fn(req: *mut uv_work_t)>;
/// Called on the loop's thread when the work has finished; `status` is 0, or `UV_ECANCELED` if
/// `uv_cancel()` was called before it began.
/// See <https://docs.libuv.org/en/v1.x/threadpool.html#c.uv_after_work_cb>.
pub type uv_after_work_cb = Option<unsafe extern "C-unwind" fn(req: *mut uv_work_t, status: c_int)>;
/// Called when the look-up has finished; `status` is 0 or an error. `res` is NULL after an error;
/// otherwise the user frees it with `uv_freeaddrinfo()`.
/// See <https://docs.libuv.org/en/v1.x/dns.html#c.uv_getaddrinfo_cb>.
pub type uv_getaddrinfo_cb = Option<
    unsafe extern "C-unwind" fn(req: *mut uv_getaddrinfo_t, status: c_int, res: *mut addrinfo),
>;
/// Called when the look-up has finished; `status` is 0 or an error. The strings are part of `req`, and
/// NULL after an error.
/// See <https://docs.libuv.org/en/v1.x/dns.html#c.uv_getnameinfo_cb>.
pub type uv_getnameinfo_cb = Option<
    unsafe extern "C-unwind" fn(
        req: *mut uv_getnameinfo_t,
        status: c_int,
        hostname: *const c_char,
        service: *const c_char,
    ),
>;
/// Called when `buf` is filled with random bytes, or with an error in `status`.
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_random_cb>.
pub type uv_random_cb = Option<
    unsafe extern "C-unwind" fn(
        req: *mut uv_random_t,
        status: c_int,
        buf: *mut c_void,
        buflen: size_t,
    ),
>;
/// Called when the watched path has changed, or with an error in `status`. `filename` is relative to the
/// watched directory, or NULL; `events` is of `enum uv_fs_event`.
/// See <https://docs.libuv.org/en/v1.x/fs_event.html#c.uv_fs_event_cb>.
pub type uv_fs_event_cb = Option<
    unsafe extern "C-unwind" fn(
        handle: *mut uv_fs_event_t,
        filename: *const c_char,
        events: c_int,
        status: c_int,
    ),
>;
/// Called when the watched path has changed from `prev` to `curr`, or could not be examined: `status` is
/// 0 or an error.
/// See <https://docs.libuv.org/en/v1.x/fs_poll.html#c.uv_fs_poll_cb>.
pub type uv_fs_poll_cb = Option<
    unsafe extern "C-unwind" fn(
        handle: *mut uv_fs_poll_t,
        status: c_int,
        prev: *const uv_stat_t,
        curr: *const uv_stat_t,
    ),
>;
/// Called when the signal was received.
/// See <https://docs.libuv.org/en/v1.x/signal.html#c.uv_signal_cb>.
pub type uv_signal_cb =
    Option<unsafe extern "C-unwind" fn(handle: *mut uv_signal_t, signum: c_int)>;
/// Called when the datagram was sent; `status` is 0 or an error. `req` and the buffers may be freed.
/// See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_send_cb>.
pub type uv_udp_send_cb =
    Option<unsafe extern "C-unwind" fn(req: *mut uv_udp_send_t, status: c_int)>;
/// Receives a datagram: `nread` bytes in `buf` from `addr`. If `nread` is 0 and `addr` is NULL there was
/// nothing to read; 0 with an address is an empty datagram; a negative `nread` is an error. `flags` is of
/// `enum uv_udp_flags`. `addr` is valid only during the call.
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
