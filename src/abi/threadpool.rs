//! Contents of `uv/threadpool.h`.

use super::*;
use core::ffi::c_int;

/// Private: work for the thread pool.
#[repr(C)]
#[derive(Copy, Clone)]
pub struct uv__work {
    pub work: Option<unsafe extern "C-unwind" fn(w: *mut uv__work)>,
    pub done: Option<unsafe extern "C-unwind" fn(w: *mut uv__work, status: c_int)>,
    pub r#loop: *mut uv_loop_t,
    pub wq: uv__queue,
}
