//! Handle structs, which the user allocates.
//!
//! A handle begins with the fields of its base; in C these are the macros `UV_HANDLE_FIELDS` and
//! `UV_STREAM_FIELDS`. Fields without a description are private. They have libuv's names and offsets
//! because some programs read them.

use super::*;
use core::ffi::{c_char, c_int, c_uint, c_void};
use libc::{size_t, termios};

/// Private: used differently by each handle type.
#[repr(C)]
#[derive(Copy, Clone)]
pub union uv__handle_u {
    pub fd: c_int,
    pub reserved: [*mut c_void; 4],
}

/// The base of all handles.
/// See <https://docs.libuv.org/en/v1.x/handle.html#c.uv_handle_t>.
#[repr(C)]
#[derive(Copy, Clone)]
pub struct uv_handle_t {
    /// For the user.
    pub data: *mut c_void,
    /// The loop that the handle belongs to. Read-only.
    pub r#loop: *mut uv_loop_t,
    /// The type of the handle. Read-only.
    pub r#type: uv_handle_type,
    pub close_cb: uv_close_cb,
    pub handle_queue: uv__queue,
    pub u: uv__handle_u,
    pub next_closing: *mut uv_handle_t,
    pub flags: c_uint,
}

/// The base of the stream handles (TCP, pipe, TTY).
/// See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_stream_t>.
#[repr(C)]
#[derive(Copy, Clone)]
pub struct uv_stream_t {
    pub base: uv_handle_t,
    /// Bytes queued for writing. Read-only.
    pub write_queue_size: size_t,
    pub alloc_cb: uv_alloc_cb,
    pub read_cb: uv_read_cb,
    pub connect_req: *mut uv_connect_t,
    pub shutdown_req: *mut uv_shutdown_t,
    pub io_watcher: uv__io_t,
    pub write_queue: uv__queue,
    pub write_completed_queue: uv__queue,
    pub connection_cb: uv_connection_cb,
    pub delayed_error: c_int,
    pub accepted_fd: c_int,
    pub queued_fds: *mut c_void,
}

/// A TCP connection or a listening TCP socket. A stream.
/// See <https://docs.libuv.org/en/v1.x/tcp.html#c.uv_tcp_t>.
#[repr(C)]
#[derive(Copy, Clone)]
pub struct uv_tcp_t {
    pub base: uv_stream_t,
}

/// A Unix domain socket, a pipe or a FIFO. A stream.
/// See <https://docs.libuv.org/en/v1.x/pipe.html#c.uv_pipe_t>.
#[repr(C)]
#[derive(Copy, Clone)]
pub struct uv_pipe_t {
    pub base: uv_stream_t,
    /// Non-zero if handles can be sent over it.
    pub ipc: c_int,
    pub pipe_fname: *const c_char,
}

/// A terminal. A stream.
/// See <https://docs.libuv.org/en/v1.x/tty.html#c.uv_tty_t>.
#[repr(C)]
#[derive(Copy, Clone)]
pub struct uv_tty_t {
    pub base: uv_stream_t,
    pub orig_termios: termios,
    pub mode: c_int,
}

/// A UDP socket.
/// See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_t>.
#[repr(C)]
#[derive(Copy, Clone)]
pub struct uv_udp_t {
    pub base: uv_handle_t,
    /// Bytes queued for sending. Read-only.
    pub send_queue_size: size_t,
    /// Datagrams queued for sending. Read-only.
    pub send_queue_count: size_t,
    pub alloc_cb: uv_alloc_cb,
    pub recv_cb: uv_udp_recv_cb,
    pub io_watcher: uv__io_t,
    pub write_queue: uv__queue,
    pub write_completed_queue: uv__queue,
}

/// Watches a file descriptor of the user's.
/// See <https://docs.libuv.org/en/v1.x/poll.html#c.uv_poll_t>.
#[repr(C)]
#[derive(Copy, Clone)]
pub struct uv_poll_t {
    pub base: uv_handle_t,
    pub poll_cb: uv_poll_cb,
    pub io_watcher: uv__io_t,
}

/// Private: the links of a timer.
#[repr(C)]
#[derive(Copy, Clone)]
pub union uv__timer_node {
    pub heap: [*mut c_void; 3],
    pub queue: uv__queue,
}

/// A timer.
/// See <https://docs.libuv.org/en/v1.x/timer.html#c.uv_timer_t>.
#[repr(C)]
#[derive(Copy, Clone)]
pub struct uv_timer_t {
    pub base: uv_handle_t,
    pub timer_cb: uv_timer_cb,
    pub node: uv__timer_node,
    pub timeout: u64,
    pub repeat: u64,
    pub start_id: u64,
}

/// Calls its callback in every iteration, before the loop waits for events.
/// See <https://docs.libuv.org/en/v1.x/prepare.html#c.uv_prepare_t>.
#[repr(C)]
#[derive(Copy, Clone)]
pub struct uv_prepare_t {
    pub base: uv_handle_t,
    pub prepare_cb: uv_prepare_cb,
    pub queue: uv__queue,
}

/// Calls its callback in every iteration, after the loop has waited for events.
/// See <https://docs.libuv.org/en/v1.x/check.html#c.uv_check_t>.
#[repr(C)]
#[derive(Copy, Clone)]
pub struct uv_check_t {
    pub base: uv_handle_t,
    pub check_cb: uv_check_cb,
    pub queue: uv__queue,
}

/// Calls its callback in every iteration. While one is active the loop does not wait for events.
/// See <https://docs.libuv.org/en/v1.x/idle.html#c.uv_idle_t>.
#[repr(C)]
#[derive(Copy, Clone)]
pub struct uv_idle_t {
    pub base: uv_handle_t,
    pub idle_cb: uv_idle_cb,
    pub queue: uv__queue,
}

/// Wakes the loop from another thread or a signal handler, and calls its callback.
/// See <https://docs.libuv.org/en/v1.x/async.html#c.uv_async_t>.
#[repr(C)]
#[derive(Copy, Clone)]
pub struct uv_async_t {
    pub base: uv_handle_t,
    pub async_cb: uv_async_cb,
    pub queue: uv__queue,
    pub pending: c_int,
}

/// A child process.
/// See <https://docs.libuv.org/en/v1.x/process.html#c.uv_process_t>.
#[repr(C)]
#[derive(Copy, Clone)]
pub struct uv_process_t {
    pub base: uv_handle_t,
    pub exit_cb: uv_exit_cb,
    /// The process id. Read-only.
    pub pid: c_int,
    pub queue: uv__queue,
    pub status: c_int,
}

/// Watches a file or directory through kernel notifications.
/// See <https://docs.libuv.org/en/v1.x/fs_event.html#c.uv_fs_event_t>.
#[repr(C)]
#[derive(Copy, Clone)]
pub struct uv_fs_event_t {
    pub base: uv_handle_t,
    pub path: *mut c_char,
    pub cb: uv_fs_event_cb,
    pub watchers: uv__queue,
    pub wd: c_int,
}

/// Watches a path by calling stat(2) at an interval.
/// See <https://docs.libuv.org/en/v1.x/fs_poll.html#c.uv_fs_poll_t>.
#[repr(C)]
#[derive(Copy, Clone)]
pub struct uv_fs_poll_t {
    pub base: uv_handle_t,
    pub poll_ctx: *mut c_void,
}

/// Private: the links of a signal handle.
#[repr(C)]
#[derive(Copy, Clone)]
pub struct uv__signal_tree_entry {
    pub rbe_left: *mut c_void,
    pub rbe_right: *mut c_void,
    pub rbe_parent: *mut c_void,
    pub rbe_color: c_int,
}

/// Watches a signal.
/// See <https://docs.libuv.org/en/v1.x/signal.html#c.uv_signal_t>.
#[repr(C)]
#[derive(Copy, Clone)]
pub struct uv_signal_t {
    pub base: uv_handle_t,
    pub signal_cb: uv_signal_cb,
    /// The signal number; 0 while stopped. Read-only.
    pub signum: c_int,
    pub tree_entry: uv__signal_tree_entry,
    pub caught_signals: c_uint,
    pub dispatched_signals: c_uint,
}

/// Memory for any handle.
/// See <https://docs.libuv.org/en/v1.x/handle.html#c.uv_any_handle>.
#[repr(C)]
#[derive(Copy, Clone)]
pub union uv_any_handle {
    pub r#async: uv_async_t,
    pub check: uv_check_t,
    pub fs_event: uv_fs_event_t,
    pub fs_poll: uv_fs_poll_t,
    pub handle: uv_handle_t,
    pub idle: uv_idle_t,
    pub pipe: uv_pipe_t,
    pub poll: uv_poll_t,
    pub prepare: uv_prepare_t,
    pub process: uv_process_t,
    pub stream: uv_stream_t,
    pub tcp: uv_tcp_t,
    pub timer: uv_timer_t,
    pub tty: uv_tty_t,
    pub udp: uv_udp_t,
    pub signal: uv_signal_t,
}
