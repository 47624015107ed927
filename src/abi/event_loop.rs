//! The loop.

use super::*;
use core::ffi::{c_int, c_uint, c_ulong, c_void};

/// Private: the number of active requests.
#[repr(C)]
#[derive(Copy, Clone)]
pub union uv__active_reqs {
    pub unused: *mut c_void,
    pub count: c_uint,
}

/// Private: the timers.
#[repr(C)]
#[derive(Copy, Clone)]
pub struct uv__timer_heap {
    pub min: *mut c_void,
    pub nelts: c_uint,
}

/// An event loop. Only one thread may use it at a time; other threads may call only `uv_async_send()`.
/// Fields other than `data` are private.
/// See <https://docs.libuv.org/en/v1.x/loop.html#c.uv_loop_t>.
#[repr(C)]
#[derive(Copy, Clone)]
pub struct uv_loop_t {
    /// For the user.
    pub data: *mut c_void,
    pub active_handles: c_uint,
    pub handle_queue: uv__queue,
    pub active_reqs: uv__active_reqs,
    pub internal_fields: *mut c_void,
    pub stop_flag: c_uint,
    pub flags: c_ulong,
    pub backend_fd: c_int,
    pub pending_queue: uv__queue,
    pub watcher_queue: uv__queue,
    pub watchers: *mut *mut uv__io_t,
    pub nwatchers: c_uint,
    pub nfds: c_uint,
    pub wq: uv__queue,
    pub wq_mutex: uv_mutex_t,
    pub wq_async: uv_async_t,
    pub cloexec_lock: uv_rwlock_t,
    pub closing_handles: *mut uv_handle_t,
    pub process_handles: uv__queue,
    pub prepare_handles: uv__queue,
    pub check_handles: uv__queue,
    pub idle_handles: uv__queue,
    pub async_handles: uv__queue,
    pub async_unused: Option<unsafe extern "C" fn()>,
    pub async_io_watcher: uv__io_t,
    pub async_wfd: c_int,
    pub timer_heap: uv__timer_heap,
    pub timer_counter: u64,
    pub time: u64,
    pub signal_pipefd: [c_int; 2],
    pub signal_io_watcher: uv__io_t,
    pub child_watcher: uv_signal_t,
    pub emfile_fd: c_int,
    pub inotify_read_watcher: uv__io_t,
    pub inotify_watchers: *mut c_void,
    pub inotify_fd: c_int,
}
