//! The user's own work on the thread pool: `uv_queue_work`.

use super::Request;
use crate::abi::*;
use crate::event_loop::Loop;
use crate::ffi::{call_unobserved, call_user, overlay, Overlay};
use crate::observe::layout::Callback;
use crate::observe::{layout, offsets};
use crate::pool::{PoolRequest, Work};
use core::cell::Cell;
use core::ffi::c_int;
use core::mem::offset_of;
use core::ptr;

#[repr(C)]
pub(super) struct UserWork {
    request: Request,
    loop_: Cell<*mut uv_loop_t>,
    work_cb: Cell<uv_work_cb>,
    after_work_cb: Cell<uv_after_work_cb>,
    work: Work,
}

overlay!(UserWork { request, loop_, work_cb, after_work_cb, work } => uv_work_t);
const _: () = {
    assert!(offset_of!(UserWork, loop_) == offset_of!(uv_work_t, r#loop));
    assert!(offset_of!(UserWork, after_work_cb) == offset_of!(uv_work_t, after_work_cb));
};

pub const OFFSETS: layout::UserWorkOffsets = offsets!(
    UserWorkOffsets,
    UserWork { loop_: loop_, work_cb: work_cb, after_work_cb: after_work_cb, work: work }
);

// SAFETY: `OFFSET` is that of the work, and the fields are `Cell`s.
unsafe impl PoolRequest for UserWork {
    const OFFSET: usize = offset_of!(UserWork, work);
    const KIND: layout::Work = layout::Work::User;
    const CALLBACK: layout::Callback = layout::Callback::AfterWork;

    fn details(&self) -> (*const (), u32) {
        (self.work_cb.get().map_or(ptr::null(), |callback| callback as *const ()), 0)
    }

    fn submitted(&self) -> &Cell<u64> {
        &self.request.began
    }

    fn run(&self) {
        if let Some(callback) = self.work_cb.get() {
            // SAFETY: the user's function, called with the request that it was given for.
            call_unobserved(self, callback as *const (), || unsafe {
                callback(ptr::from_ref(self).cast_mut().cast())
            });
        }
    }

    fn done(&self, status: Result) {
        if let Some(callback) = self.after_work_cb.get() {
            let request = ptr::from_ref(self).cast_mut().cast();
            // SAFETY: a loop with requests is not closed.
            let loop_ = unsafe { Loop::of(self.loop_.get()) };
            // SAFETY: the user's function, called with the request that it was given for.
            call_user(loop_, Callback::AfterWork, self, callback as *const (), || unsafe {
                callback(request, status.into_c())
            });
        }
    }
}

/// Runs `work_cb` on a thread of the pool, then `after_work_cb`, which may be NULL, on the loop's
/// thread.
///
/// Returns 0, or `UV_EINVAL` if `work_cb` is NULL. Loop thread only.
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
    // SAFETY: as documented.
    unsafe {
        Request::init(request, UV_WORK, |request| UserWork {
            request,
            loop_: Cell::new(r#loop),
            work_cb: Cell::new(work_cb),
            after_work_cb: Cell::new(after_work_cb),
            work: Work::new(),
        });
        Loop::of(r#loop).submit(&*request).into_c()
    }
}
