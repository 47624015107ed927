//! The tool reads loops of this process, while some of what it reads is a lie.
#![no_main]

use std::ffi::{c_int, c_void};
use std::mem::{size_of, MaybeUninit};
use std::sync::OnceLock;
use uv::abi::*;

extern "C" {
    static oxuv_debug: u8;
    fn uv_loop_init(at: *mut uv_loop_t) -> c_int;
    fn uv_run(at: *mut uv_loop_t, mode: c_int) -> c_int;
    fn uv_timer_init(at: *mut uv_loop_t, timer: *mut c_void) -> c_int;
    fn uv_timer_start(timer: *mut c_void, callback: uv_timer_cb, timeout: u64, repeat: u64) -> c_int;
    fn uv_tcp_init(at: *mut uv_loop_t, tcp: *mut c_void) -> c_int;
    fn uv_udp_init(at: *mut uv_loop_t, udp: *mut c_void) -> c_int;
    fn uv_pipe_init(at: *mut uv_loop_t, pipe: *mut c_void, ipc: c_int) -> c_int;
    fn uv_async_init(at: *mut uv_loop_t, async_: *mut c_void, callback: Option<extern "C" fn(*mut c_void)>) -> c_int;
    fn uv_close(handle: *mut c_void, callback: uv_close_cb);
    fn uv_fs_poll_init(at: *mut uv_loop_t, handle: *mut c_void) -> c_int;
}

unsafe extern "C-unwind" fn never(_: *mut uv_timer_t) {}

fn zeroed<T>() -> *mut c_void {
    let size = size_of::<MaybeUninit<T>>().div_ceil(8);
    Box::leak(vec![0_u64; size].into_boxed_slice()).as_mut_ptr().cast()
}

/// Makes loops with handles, which stay.
fn set_up() {
    for _ in 0..2 {
        // SAFETY: the memory is never freed, and of the sizes that the functions demand.
        unsafe {
            let at = zeroed::<uv_loop_t>().cast::<uv_loop_t>();
            uv_loop_init(at);
            for _ in 0..3 {
                let timer = zeroed::<uv_timer_t>();
                uv_timer_init(at, timer);
                uv_timer_start(timer, Some(never), 1_000_000, 5);
            }
            uv_tcp_init(at, zeroed::<uv_tcp_t>());
            uv_udp_init(at, zeroed::<uv_udp_t>());
            uv_pipe_init(at, zeroed::<uv_pipe_t>(), 1);
            uv_async_init(at, zeroed::<uv_async_t>(), None);
            uv_fs_poll_init(at, zeroed::<uv_fs_poll_t>());
            uv_run(at, 2);
            for _ in 0..3 {
                let timer = zeroed::<uv_timer_t>();
                uv_timer_init(at, timer);
                uv_close(timer, None);
            }
        }
    }
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    static SET_UP: OnceLock<()> = OnceLock::new();
    SET_UP.get_or_init(set_up);
    // SAFETY: only its address is taken.
    oxuv_tool::fuzzing::memory((&raw const oxuv_debug).addr() as u64, data);
});
