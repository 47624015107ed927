//! Async handles, the thread pool with two threads, threads and locks.

use super::api::*;
use core::ffi::{c_int, c_void};
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use libc::{size_t, ssize_t};
use std::thread;

struct Sendable<T>(*mut T);
// SAFETY: the pointers are used as the library allows.
unsafe impl<T> Send for Sendable<T> {}

#[test]
fn async_handles_are_sent_to_and_closed() {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    unsafe extern "C-unwind" fn on_send(handle: *mut uv_async_t) {
        CALLS.fetch_add(1, Ordering::Relaxed);
        unsafe {
            // To one further on, that one's last send.
            let next = (*handle).base.data.cast::<uv_async_t>();
            if !next.is_null() {
                ok(uv_async_send(next));
            }
            close(handle);
        }
    }
    with_loop(|l| unsafe {
        let handles: [*mut uv_async_t; 3] = core::array::from_fn(|_| alloc());
        for (index, handle) in handles.into_iter().enumerate() {
            let next = handles.get(index + 1).copied().unwrap_or_default();
            ok(uv_async_init(l, handle, Some(on_send)));
            (*handle).base.data = next.cast();
        }
        ok(uv_async_send(handles[1]));
        ok(uv_async_send(handles[0]));
    });
    assert_eq!(CALLS.load(Ordering::Relaxed), 3);
}

/// The callback sees each send of a thread and the writes before it. The handle is closed while a thread may
/// be returning from its last send.
#[test]
fn threads_send_until_the_handle_is_closed() {
    struct Shared {
        _handle: uv_async_t,
        sent: u32,
    }
    unsafe extern "C-unwind" fn on_send(handle: *mut uv_async_t) {
        unsafe {
            let shared = handle.cast::<Shared>();
            // A plain read, which races unless the send orders it.
            assert_eq!((*shared).sent, 1);
        }
    }
    unsafe extern "C-unwind" fn on_last(handle: *mut uv_async_t) {
        unsafe { close(handle.cast::<Shared>()) }
    }
    with_loop(|l| unsafe {
        let shared = alloc::<Shared>();
        (&raw mut (*shared).sent).write(0);
        ok(uv_async_init(l, shared.cast(), Some(on_send)));
        let pointer = Sendable(shared);
        let sender = thread::spawn(move || {
            let Sendable(shared) = { pointer };
            (*shared).sent = 1;
            ok(uv_async_send(shared.cast()));
        });
        uv_run(l, UV_RUN_ONCE);
        sender.join().unwrap();
        let last = alloc::<Shared>();
        ok(uv_async_init(l, last.cast(), Some(on_last)));
        let pointer = Sendable(last);
        let sender = thread::spawn(move || {
            let Sendable(last) = { pointer };
            ok(uv_async_send(last.cast()));
        });
        close(shared);
        uv_run(l, UV_RUN_DEFAULT);
        sender.join().unwrap();
    });
}

#[test]
fn work_is_done_by_two_threads_and_freed() {
    static DONE: AtomicU32 = AtomicU32::new(0);
    unsafe extern "C-unwind" fn work(req: *mut uv_work_t) {
        unsafe { *(*req).base.data.cast::<u32>() += 1 }
    }
    unsafe extern "C-unwind" fn after(req: *mut uv_work_t, status: c_int) {
        ok(status);
        unsafe {
            let count = (*req).base.data.cast::<u32>();
            if *count < 3 {
                let l = (*req).r#loop;
                return ok(uv_queue_work(l, req, Some(work), Some(after)));
            }
            DONE.fetch_add(1, Ordering::Relaxed);
            free(count);
            free(req);
        }
    }
    with_loop(|l| unsafe {
        for _ in 0..4 {
            let req = alloc::<uv_work_t>();
            (*req).base.data = Box::into_raw(Box::new(0u32)).cast();
            ok(uv_queue_work(l, req, Some(work), Some(after)));
        }
    });
    assert_eq!(DONE.load(Ordering::Relaxed), 4);
}

/// Cancels requests, some of which a thread has already taken.
#[test]
fn work_is_cancelled() {
    static ENDED: AtomicU32 = AtomicU32::new(0);
    unsafe extern "C-unwind" fn work(_: *mut uv_work_t) {
        thread::yield_now();
    }
    unsafe extern "C-unwind" fn after(req: *mut uv_work_t, status: c_int) {
        assert!(status == 0 || status == Error::ECANCELED.code());
        ENDED.fetch_add(1, Ordering::Relaxed);
        unsafe { free(req) }
    }
    with_loop(|l| unsafe {
        let reqs: [*mut uv_work_t; 6] = core::array::from_fn(|_| alloc());
        for req in reqs {
            ok(uv_queue_work(l, req, Some(work), Some(after)));
        }
        for req in reqs.into_iter().rev() {
            let result = uv_cancel(req.cast());
            assert!(result == 0 || result == Error::EBUSY.code());
        }
    });
    assert_eq!(ENDED.load(Ordering::Relaxed), 6);
}

#[test]
fn random_bytes_come_from_the_pool() {
    unsafe extern "C-unwind" fn on_random(
        req: *mut uv_random_t,
        status: c_int,
        bytes: *mut c_void,
        length: size_t,
    ) {
        ok(status);
        assert_eq!(length, 16);
        unsafe {
            // Reads each byte.
            assert_ne!(bytes.cast::<[u8; 16]>().read(), [0; 16]);
            free(bytes.cast::<[u8; 16]>());
            free(req);
        }
    }
    with_loop(|l| unsafe {
        let bytes = alloc::<[u8; 16]>();
        ok(uv_random(l, alloc(), bytes.cast(), 16, 0, Some(on_random)));
    });
}

/// `uv_cancel` must not race with the threads of the pool.
#[test]
fn file_operations_are_cancelled() {
    static ENDED: AtomicU32 = AtomicU32::new(0);
    static TAKEN: AtomicBool = AtomicBool::new(false);
    unsafe extern "C-unwind" fn work(_: *mut uv_work_t) {
        TAKEN.store(true, Ordering::Relaxed);
    }
    unsafe extern "C-unwind" fn after(req: *mut uv_work_t, _: c_int) {
        free(req);
    }
    unsafe extern "C-unwind" fn on_sync(req: *mut uv_fs_t) {
        let result: ssize_t = unsafe { uv_fs_get_result(req) };
        assert!([Error::EBADF, Error::ECANCELED].iter().any(|e| e.code() as ssize_t == result));
        ENDED.fetch_add(1, Ordering::Relaxed);
        unsafe {
            uv_fs_req_cleanup(req);
            free(req);
        }
    }
    with_loop(|l| unsafe {
        let reqs: [*mut uv_fs_t; 6] = core::array::from_fn(|_| alloc());
        for req in reqs {
            ok(uv_fs_fsync(l, req, 1_000_000, Some(on_sync)));
        }
        // When this is done, a thread has taken the last of them. Without ordering: `uv_cancel` has to
        // see to that.
        ok(uv_queue_work(l, alloc(), Some(work), Some(after)));
        while !TAKEN.load(Ordering::Relaxed) {
            thread::yield_now();
        }
        for req in reqs.into_iter().rev() {
            let result = uv_cancel(req.cast());
            assert!(result == 0 || result == Error::EBUSY.code());
        }
    });
    assert_eq!(ENDED.load(Ordering::Relaxed), 6);
}

#[test]
fn a_name_is_looked_up() {
    unsafe extern "C-unwind" fn on_found(
        req: *mut uv_getaddrinfo_t,
        status: c_int,
        addresses: *mut libc::addrinfo,
    ) {
        ok(status);
        assert_eq!((*addresses).ai_family, libc::AF_INET);
        uv_freeaddrinfo(addresses);
        free(req);
    }
    with_loop(|l| unsafe {
        let mut hints: libc::addrinfo = core::mem::zeroed();
        hints.ai_socktype = libc::SOCK_STREAM;
        let (req, node) = (alloc(), c"127.0.0.1".as_ptr());
        ok(uv_getaddrinfo(l, req, Some(on_found), node, ptr::null(), &raw const hints));
    });
}

#[test]
fn threads_wait_for_a_condition() {
    struct Shared {
        mutex: uv_mutex_t,
        cond: uv_cond_t,
        ready: bool,
    }
    // pthread takes a result, which C's function does not give (`os/thread.rs`) and Miri's has to.
    unsafe extern "C-unwind" fn run(shared: *mut c_void) -> *mut c_void {
        let shared = shared.cast::<Shared>();
        uv_mutex_lock(&raw mut (*shared).mutex);
        (*shared).ready = true;
        uv_cond_signal(&raw mut (*shared).cond);
        uv_mutex_unlock(&raw mut (*shared).mutex);
        ptr::null_mut()
    }
    unsafe {
        let run: uv_thread_cb = core::mem::transmute(run as *const ());
        let (shared, thread) = (alloc::<Shared>(), alloc::<uv_thread_t>());
        let (mutex, cond) = (&raw mut (*shared).mutex, &raw mut (*shared).cond);
        (&raw mut (*shared).ready).write(false);
        ok(uv_mutex_init(mutex));
        ok(uv_cond_init(cond));
        ok(uv_thread_create(thread, run, shared.cast()));
        uv_mutex_lock(mutex);
        while !(*shared).ready {
            uv_cond_wait(cond, mutex);
        }
        uv_mutex_unlock(mutex);
        ok(uv_thread_join(thread));
        uv_cond_destroy(cond);
        uv_mutex_destroy(mutex);
        free(shared);
        free(thread);
    }
}
