//! `uv_queue_work`, and `uv_cancel` for all requests.

use super::{fs, getaddrinfo, getnameinfo, random, Request};
use crate::abi::*;
use crate::event_loop::Loop;
use crate::ffi::{call_user, overlay, Overlay};
use crate::handles::stream::write::Write;
use crate::list::container_of;
use crate::pool::{self, Task, Work};
use core::cell::Cell;
use core::ffi::c_int;

#[repr(C)]
struct UserWork {
    request: Request,
    loop_: Cell<*mut uv_loop_t>,
    work_cb: Cell<uv_work_cb>,
    after_work_cb: Cell<uv_after_work_cb>,
    work: Work,
}

overlay!(UserWork { request, loop_, work_cb, after_work_cb, work } => uv_work_t);
const _: () = {
    use core::mem::offset_of;
    assert!(offset_of!(UserWork, loop_) == offset_of!(uv_work_t, r#loop));
    assert!(offset_of!(UserWork, after_work_cb) == offset_of!(uv_work_t, after_work_cb));
};

static USER_WORK: Task = Task { run, done, slow: false };

/// # Safety
/// `work` is part of a `UserWork`, which is this thread's.
unsafe fn run(work: *const Work) {
    // SAFETY: the caller's contract; the callback is the user's, called as it was declared.
    unsafe {
        let request = container_of!(work, UserWork, work);
        if let Some(callback) = (*request).work_cb.get() {
            call_user(|| callback(request.cast_mut().cast()));
        }
    }
}

/// # Safety
/// `work` is part of a `UserWork`, which is done with.
unsafe fn done(work: *const Work, status: Result) {
    // SAFETY: the caller's contract; the callback may free the request, which is its last use.
    unsafe {
        let request = container_of!(work, UserWork, work);
        if let Some(callback) = (*request).after_work_cb.get() {
            call_user(|| callback(request.cast_mut().cast(), status.into_c()));
        }
    }
}

/// Runs `work_cb` on a thread of the pool and then `after_work_cb`, which may be NULL, on the
/// loop's thread.
///
/// Returns 0, or `UV_EINVAL` when `work_cb` is NULL. Loop thread only.
/// See <https://docs.libuv.org/en/v1.x/threadpool.html#c.uv_queue_work>.
///
/// # Safety
/// `loop` is an initialised loop; `req` is alive and in place until `after_work_cb` is called.
#[no_mangle]
pub unsafe extern "C" fn uv_queue_work(
    r#loop: *mut uv_loop_t,
    req: *mut uv_work_t,
    work_cb: uv_work_cb,
    after_work_cb: uv_after_work_cb,
) -> c_int {
    if work_cb.is_none() {
        return Error::EINVAL.code();
    }
    let request = req.cast::<UserWork>();
    // SAFETY: the caller's contract.
    unsafe {
        Request::init(request, UV_WORK, |request| UserWork {
            request,
            loop_: Cell::new(r#loop),
            work_cb: Cell::new(work_cb),
            after_work_cb: Cell::new(after_work_cb),
            work: Work::new(),
        });
        Loop::of(r#loop).submit(&(*request).work, &USER_WORK).into_c()
    }
}

/// Cancels a request that has not begun. Its callback is still called, later, with
/// `UV_ECANCELED`; the memory is the library's until then. File, work, look-up, random and write
/// requests can be cancelled; a write that has begun reports how much of it was done
/// (`uv_write_nwritten()`), one that is complete is left as it is.
///
/// Returns 0; `UV_EBUSY` when it has begun or is done; `UV_EINVAL` for other requests.
/// Loop thread only. See <https://docs.libuv.org/en/v1.x/request.html#c.uv_cancel>.
///
/// # Safety
/// `req` is a request that was started and whose callback has not been called.
#[no_mangle]
pub unsafe extern "C" fn uv_cancel(req: *mut uv_req_t) -> c_int {
    // SAFETY: the caller's contract; the type says what the request is part of.
    unsafe {
        match Request::of(req).kind() {
            UV_WORK => pool::cancel(&(*req.cast::<UserWork>()).work),
            UV_FS => fs::cancel(req),
            UV_GETADDRINFO => getaddrinfo::cancel(req),
            UV_GETNAMEINFO => getnameinfo::cancel(req),
            UV_RANDOM => random::cancel(req),
            UV_WRITE => Write::of(req.cast::<uv_write_t>()).cancel(),
            _ => Err(Error::EINVAL),
        }
        .into_c()
    }
}
