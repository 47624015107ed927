pub use crate::abi::*;
use core::ffi::{c_char, c_int, c_uint, c_void};
use core::mem::MaybeUninit;

extern "C" {
    pub fn uv_library_shutdown();
    pub fn uv_loop_init(l: *mut uv_loop_t) -> c_int;
    pub fn uv_loop_close(l: *mut uv_loop_t) -> c_int;
    pub fn uv_run(l: *mut uv_loop_t, mode: uv_run_mode) -> c_int;
    pub fn uv_stop(l: *mut uv_loop_t);
    pub fn uv_close(h: *mut uv_handle_t, cb: uv_close_cb);
    pub fn uv_timer_init(l: *mut uv_loop_t, h: *mut uv_timer_t) -> c_int;
    pub fn uv_timer_start(h: *mut uv_timer_t, cb: uv_timer_cb, t: u64, r: u64) -> c_int;
    pub fn uv_timer_stop(h: *mut uv_timer_t) -> c_int;
    pub fn uv_timer_again(h: *mut uv_timer_t) -> c_int;
}

/// Uninitialised memory, as from `malloc()`.
pub fn alloc<T>() -> *mut T {
    Box::into_raw(Box::<MaybeUninit<T>>::new(MaybeUninit::uninit())).cast()
}

pub unsafe fn free<T>(memory: *mut T) {
    drop(unsafe { Box::<MaybeUninit<T>>::from_raw(memory.cast()) });
}

pub fn new_loop() -> *mut uv_loop_t {
    let l = alloc();
    assert_eq!(unsafe { uv_loop_init(l) }, 0);
    l
}

pub unsafe fn close_loop(l: *mut uv_loop_t) {
    unsafe {
        assert_eq!(uv_run(l, UV_RUN_DEFAULT), 0);
        assert_eq!(uv_loop_close(l), 0);
        free(l);
    }
}

/// Closes a handle, and frees its memory in the close callback.
pub unsafe fn close<T>(handle: *mut T) {
    unsafe extern "C" fn on_close<T>(handle: *mut uv_handle_t) {
        unsafe { free(handle.cast::<T>()) }
    }
    unsafe { uv_close(handle.cast(), Some(on_close::<T>)) }
}
