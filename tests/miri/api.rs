//! The functions that the tests call, as `uv.h` declares them, and helpers.

use core::ffi::{c_char, c_int, c_uint, c_void};
use core::mem::MaybeUninit;
use libc::{size_t, ssize_t};

pub use crate::abi::*;

extern "C-unwind" {
    fn uv_library_shutdown();
    fn uv_loop_init(l: *mut uv_loop_t) -> c_int;
    fn uv_loop_close(l: *mut uv_loop_t) -> c_int;
    pub fn uv_run(l: *mut uv_loop_t, mode: uv_run_mode) -> c_int;
    pub fn uv_walk(l: *mut uv_loop_t, cb: uv_walk_cb, arg: *mut c_void);
    pub fn uv_close(h: *mut uv_handle_t, cb: uv_close_cb);
    pub fn uv_cancel(req: *mut uv_req_t) -> c_int;

    pub fn uv_timer_init(l: *mut uv_loop_t, h: *mut uv_timer_t) -> c_int;
    pub fn uv_timer_start(h: *mut uv_timer_t, cb: uv_timer_cb, t: u64, repeat: u64) -> c_int;
    pub fn uv_timer_stop(h: *mut uv_timer_t) -> c_int;
    pub fn uv_timer_again(h: *mut uv_timer_t) -> c_int;

    pub fn uv_idle_init(l: *mut uv_loop_t, h: *mut uv_idle_t) -> c_int;
    pub fn uv_idle_start(h: *mut uv_idle_t, cb: uv_idle_cb) -> c_int;
    pub fn uv_idle_stop(h: *mut uv_idle_t) -> c_int;
    pub fn uv_prepare_init(l: *mut uv_loop_t, h: *mut uv_prepare_t) -> c_int;
    pub fn uv_prepare_start(h: *mut uv_prepare_t, cb: uv_prepare_cb) -> c_int;
    pub fn uv_check_init(l: *mut uv_loop_t, h: *mut uv_check_t) -> c_int;
    pub fn uv_check_start(h: *mut uv_check_t, cb: uv_check_cb) -> c_int;

    pub fn uv_async_init(l: *mut uv_loop_t, h: *mut uv_async_t, cb: uv_async_cb) -> c_int;
    pub fn uv_async_send(h: *mut uv_async_t) -> c_int;

    pub fn uv_queue_work(
        l: *mut uv_loop_t,
        req: *mut uv_work_t,
        work: uv_work_cb,
        after: uv_after_work_cb,
    ) -> c_int;
    pub fn uv_random(
        l: *mut uv_loop_t,
        req: *mut uv_random_t,
        buf: *mut c_void,
        len: size_t,
        flags: c_uint,
        cb: uv_random_cb,
    ) -> c_int;

    pub fn uv_pipe_init(l: *mut uv_loop_t, h: *mut uv_pipe_t, ipc: c_int) -> c_int;
    pub fn uv_pipe_open(h: *mut uv_pipe_t, fd: uv_file) -> c_int;
    pub fn uv_socketpair(
        kind: c_int,
        protocol: c_int,
        fds: *mut uv_os_sock_t,
        f0: c_int,
        f1: c_int,
    ) -> c_int;
    pub fn uv_read_start(h: *mut uv_stream_t, alloc: uv_alloc_cb, read: uv_read_cb) -> c_int;
    pub fn uv_read_stop(h: *mut uv_stream_t) -> c_int;
    pub fn uv_write(
        req: *mut uv_write_t,
        h: *mut uv_stream_t,
        bufs: *const uv_buf_t,
        nbufs: c_uint,
        cb: uv_write_cb,
    ) -> c_int;
    pub fn uv_write2(
        req: *mut uv_write_t,
        h: *mut uv_stream_t,
        bufs: *const uv_buf_t,
        nbufs: c_uint,
        send: *mut uv_stream_t,
        cb: uv_write_cb,
    ) -> c_int;
    pub fn uv_shutdown(req: *mut uv_shutdown_t, h: *mut uv_stream_t, cb: uv_shutdown_cb) -> c_int;
    pub fn uv_accept(server: *mut uv_stream_t, client: *mut uv_stream_t) -> c_int;
    pub fn uv_listen(server: *mut uv_stream_t, backlog: c_int, cb: uv_connection_cb) -> c_int;
    pub fn uv_tcp_init(l: *mut uv_loop_t, h: *mut uv_tcp_t) -> c_int;
    pub fn uv_tcp_bind(h: *mut uv_tcp_t, a: *const libc::sockaddr, flags: c_uint) -> c_int;
    pub fn uv_tcp_getsockname(h: *const uv_tcp_t, a: *mut libc::sockaddr, l: *mut c_int) -> c_int;
    pub fn uv_tcp_connect(
        req: *mut uv_connect_t,
        h: *mut uv_tcp_t,
        a: *const libc::sockaddr,
        cb: uv_connect_cb,
    ) -> c_int;
    pub fn uv_ip4_addr(ip: *const c_char, port: c_int, a: *mut libc::sockaddr_in) -> c_int;

    pub fn uv_poll_init(l: *mut uv_loop_t, h: *mut uv_poll_t, fd: c_int) -> c_int;
    pub fn uv_poll_start(h: *mut uv_poll_t, events: c_int, cb: uv_poll_cb) -> c_int;

    pub fn uv_udp_init(l: *mut uv_loop_t, h: *mut uv_udp_t) -> c_int;
    pub fn uv_udp_init_ex(l: *mut uv_loop_t, h: *mut uv_udp_t, flags: c_uint) -> c_int;
    pub fn uv_udp_bind(h: *mut uv_udp_t, a: *const libc::sockaddr, flags: c_uint) -> c_int;
    pub fn uv_udp_send(
        req: *mut uv_udp_send_t,
        h: *mut uv_udp_t,
        bufs: *const uv_buf_t,
        nbufs: c_uint,
        a: *const libc::sockaddr,
        cb: uv_udp_send_cb,
    ) -> c_int;
    pub fn uv_udp_recv_start(h: *mut uv_udp_t, alloc: uv_alloc_cb, recv: uv_udp_recv_cb) -> c_int;

    pub fn uv_signal_init(l: *mut uv_loop_t, h: *mut uv_signal_t) -> c_int;
    pub fn uv_signal_start(h: *mut uv_signal_t, cb: uv_signal_cb, signum: c_int) -> c_int;
    pub fn uv_signal_start_oneshot(h: *mut uv_signal_t, cb: uv_signal_cb, signum: c_int) -> c_int;
    pub fn uv_kill(pid: c_int, signum: c_int) -> c_int;

    pub fn uv_fs_open(
        l: *mut uv_loop_t,
        req: *mut uv_fs_t,
        path: *const c_char,
        flags: c_int,
        mode: c_int,
        cb: uv_fs_cb,
    ) -> c_int;
    pub fn uv_fs_close(l: *mut uv_loop_t, req: *mut uv_fs_t, f: uv_file, cb: uv_fs_cb) -> c_int;
    pub fn uv_fs_fsync(l: *mut uv_loop_t, req: *mut uv_fs_t, f: uv_file, cb: uv_fs_cb) -> c_int;
    pub fn uv_fs_read(
        l: *mut uv_loop_t,
        req: *mut uv_fs_t,
        f: uv_file,
        bufs: *const uv_buf_t,
        nbufs: c_uint,
        offset: i64,
        cb: uv_fs_cb,
    ) -> c_int;
    pub fn uv_fs_write(
        l: *mut uv_loop_t,
        req: *mut uv_fs_t,
        f: uv_file,
        bufs: *const uv_buf_t,
        nbufs: c_uint,
        offset: i64,
        cb: uv_fs_cb,
    ) -> c_int;
    pub fn uv_fs_stat(l: *mut uv_loop_t, r: *mut uv_fs_t, p: *const c_char, cb: uv_fs_cb) -> c_int;
    pub fn uv_fs_unlink(
        l: *mut uv_loop_t,
        r: *mut uv_fs_t,
        p: *const c_char,
        cb: uv_fs_cb,
    ) -> c_int;
    pub fn uv_fs_rmdir(l: *mut uv_loop_t, r: *mut uv_fs_t, p: *const c_char, cb: uv_fs_cb)
        -> c_int;
    pub fn uv_fs_mkdtemp(
        l: *mut uv_loop_t,
        req: *mut uv_fs_t,
        template: *const c_char,
        cb: uv_fs_cb,
    ) -> c_int;
    pub fn uv_fs_scandir(
        l: *mut uv_loop_t,
        req: *mut uv_fs_t,
        path: *const c_char,
        flags: c_int,
        cb: uv_fs_cb,
    ) -> c_int;
    pub fn uv_fs_scandir_next(req: *mut uv_fs_t, entry: *mut uv_dirent_t) -> c_int;
    pub fn uv_fs_rename(
        l: *mut uv_loop_t,
        req: *mut uv_fs_t,
        from: *const c_char,
        to: *const c_char,
        cb: uv_fs_cb,
    ) -> c_int;
    pub fn uv_fs_poll_init(l: *mut uv_loop_t, h: *mut uv_fs_poll_t) -> c_int;
    pub fn uv_fs_poll_start(
        h: *mut uv_fs_poll_t,
        cb: uv_fs_poll_cb,
        path: *const c_char,
        interval: c_uint,
    ) -> c_int;
    pub fn uv_getaddrinfo(
        l: *mut uv_loop_t,
        req: *mut uv_getaddrinfo_t,
        cb: uv_getaddrinfo_cb,
        node: *const c_char,
        service: *const c_char,
        hints: *const libc::addrinfo,
    ) -> c_int;
    pub fn uv_freeaddrinfo(addresses: *mut libc::addrinfo);
    pub fn uv_thread_create(id: *mut uv_thread_t, entry: uv_thread_cb, arg: *mut c_void) -> c_int;
    pub fn uv_thread_join(id: *mut uv_thread_t) -> c_int;
    pub fn uv_mutex_init(mutex: *mut uv_mutex_t) -> c_int;
    pub fn uv_mutex_lock(mutex: *mut uv_mutex_t);
    pub fn uv_mutex_unlock(mutex: *mut uv_mutex_t);
    pub fn uv_mutex_destroy(mutex: *mut uv_mutex_t);
    pub fn uv_cond_init(cond: *mut uv_cond_t) -> c_int;
    pub fn uv_cond_signal(cond: *mut uv_cond_t);
    pub fn uv_cond_wait(cond: *mut uv_cond_t, mutex: *mut uv_mutex_t);
    pub fn uv_cond_destroy(cond: *mut uv_cond_t);
    pub fn uv_fs_req_cleanup(req: *mut uv_fs_t);
    pub fn uv_fs_get_result(req: *const uv_fs_t) -> ssize_t;
}

/// Returns uninitialised memory, as `malloc()` does.
pub fn alloc<T>() -> *mut T {
    Box::into_raw(Box::<MaybeUninit<T>>::new(MaybeUninit::uninit())).cast()
}

/// Frees memory of `alloc`.
pub unsafe fn free<T>(memory: *mut T) {
    drop(unsafe { Box::<MaybeUninit<T>>::from_raw(memory.cast()) });
}

/// Asserts that a call succeeded.
#[track_caller]
pub fn ok(result: c_int) {
    assert_eq!(result, 0);
}

/// Calls `test` with a loop, which then runs until nothing is left to do. Afterwards neither memory nor
/// threads may be left.
pub fn with_loop(test: impl FnOnce(*mut uv_loop_t)) {
    std::env::set_var("UV_THREADPOOL_SIZE", "2");
    let l = alloc();
    unsafe {
        ok(uv_loop_init(l));
        test(l);
        ok(uv_run(l, UV_RUN_DEFAULT));
        ok(uv_loop_close(l));
        free(l);
        uv_library_shutdown();
    }
}

/// Closes a handle, and frees its memory in the close callback.
pub unsafe fn close<T>(handle: *mut T) {
    unsafe extern "C-unwind" fn on_close<T>(handle: *mut uv_handle_t) {
        unsafe { free(handle.cast::<T>()) }
    }
    unsafe { uv_close(handle.cast(), Some(on_close::<T>)) }
}

pub fn buf(bytes: &[u8]) -> uv_buf_t {
    uv_buf_t { base: bytes.as_ptr().cast_mut().cast(), len: bytes.len() }
}

/// Allocates a buffer of the suggested size, but at most 100 bytes.
pub unsafe extern "C-unwind" fn on_alloc(_: *mut uv_handle_t, size: size_t, to: *mut uv_buf_t) {
    let size = size.min(100);
    let memory = Box::into_raw(Box::<[u8]>::new_uninit_slice(size));
    unsafe { to.write(uv_buf_t { base: memory.cast(), len: size }) }
}

/// Frees a buffer of `on_alloc`, and returns its first `length` bytes.
pub unsafe fn taken(buf: *const uv_buf_t, length: ssize_t) -> Vec<u8> {
    unsafe {
        let uv_buf_t { base, len } = buf.read();
        if base.is_null() {
            return Vec::new();
        }
        let memory = core::ptr::slice_from_raw_parts_mut(base.cast::<MaybeUninit<u8>>(), len);
        let memory = Box::from_raw(memory);
        memory[..length.max(0) as usize].iter().map(|byte| byte.assume_init()).collect()
    }
}

pub fn loopback(port: u16) -> libc::sockaddr_in {
    let mut address = MaybeUninit::uninit();
    unsafe {
        ok(uv_ip4_addr(c"127.0.0.1".as_ptr(), port.into(), address.as_mut_ptr()));
        address.assume_init()
    }
}
