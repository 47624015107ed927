//! Random bytes: `uv_random`.

use super::Request;
use crate::abi::*;
use crate::event_loop::Loop;
use crate::ffi::{call_user, overlay, padding, Overlay, Padding};
use crate::observe::layout::Callback;
use crate::observe::{layout, offsets};
use crate::pool::{PoolRequest, Work};
use crate::sys;
use core::cell::Cell;
use core::ffi::{c_int, c_uint, c_void};
use core::mem::offset_of;
use core::ptr;

/// The most that one request can ask for.
const MAX_LENGTH: usize = 0x7fff_ffff;

#[repr(C)]
pub(super) struct Random {
    request: Request,
    loop_: Cell<*mut uv_loop_t>,
    status: Cell<c_int>,
    padding: Padding<4>,
    buffer: Cell<*mut c_void>,
    length: Cell<usize>,
    callback: Cell<uv_random_cb>,
    work: Work,
}

overlay!(Random { request, loop_, status, padding, buffer, length, callback, work } => uv_random_t);
const _: () = {
    assert!(offset_of!(Random, loop_) == offset_of!(uv_random_t, r#loop));
    assert!(offset_of!(Random, status) == offset_of!(uv_random_t, status));
    assert!(offset_of!(Random, buffer) == offset_of!(uv_random_t, buf));
    assert!(offset_of!(Random, work) == offset_of!(uv_random_t, work_req));
};

pub const OFFSETS: layout::RandomOffsets = offsets!(
    RandomOffsets,
    Random { loop_: loop_, callback: callback, length: length, work: work }
);

// SAFETY: `OFFSET` is that of the work, and the fields are `Cell`s.
unsafe impl PoolRequest for Random {
    const OFFSET: usize = offset_of!(Random, work);
    const KIND: layout::Work = layout::Work::Random;
    const CALLBACK: layout::Callback = layout::Callback::Random;

    fn submitted(&self) -> &Cell<u64> {
        &self.request.began
    }

    fn run(&self) {
        // SAFETY: by the contract of `uv_random` the buffer is valid until the callback.
        let outcome = unsafe { sys::random::fill(self.buffer.get().cast(), self.length.get()) };
        self.status.set(outcome.into_c());
    }

    fn done(&self, status: Result) {
        if let Err(error) = status {
            self.status.set(error.code());
        }
        if let Some(callback) = self.callback.get() {
            let request = ptr::from_ref(self).cast_mut().cast();
            let (status, buffer, length) =
                (self.status.get(), self.buffer.get(), self.length.get());
            // SAFETY: a loop with requests is not closed.
            let loop_ = unsafe { Loop::of(self.loop_.get()) };
            // SAFETY: the user's function, called with the request that it was given for.
            call_user(loop_, Callback::Random, self, callback as *const (), || unsafe {
                callback(request, status, buffer, length)
            });
        }
    }
}

/// Fills `buf` with `buflen` random bytes from the kernel, which are fit for cryptographic keys.
///
/// With a callback this runs on the thread pool, and `cb` is called on the loop's thread; `buf` must
/// be valid until then. Without a callback the call may block until the kernel has gathered entropy,
/// and uses neither `loop` nor `req`. `flags` must be 0.
///
/// Returns 0; `UV_E2BIG` for more than 2 GiB; `UV_EINVAL` for flags; without a callback also any
/// error of getrandom(2). With a callback: loop thread only.
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_random>.
///
/// # Safety
/// `buf` is valid for writing `buflen` bytes; with a callback `loop` is an initialised loop and `req`
/// is alive and in place until it is called.
#[no_mangle]
pub unsafe extern "C" fn uv_random(
    r#loop: *mut uv_loop_t,
    req: *mut uv_random_t,
    buf: *mut c_void,
    buflen: usize,
    flags: c_uint,
    cb: uv_random_cb,
) -> c_int {
    if buflen > MAX_LENGTH {
        return Error::E2BIG.code();
    }
    if flags != 0 {
        return Error::EINVAL.code();
    }
    if cb.is_none() {
        // SAFETY: as documented.
        return unsafe { sys::random::fill(buf.cast(), buflen) }.into_c();
    }
    let request = req.cast::<Random>();
    // SAFETY: as documented.
    unsafe {
        Request::init(request, UV_RANDOM, |request| Random {
            request,
            loop_: Cell::new(r#loop),
            status: Cell::new(0),
            padding: padding(),
            buffer: Cell::new(buf),
            length: Cell::new(buflen),
            callback: Cell::new(cb),
            work: Work::new(),
        });
        Loop::of(r#loop).submit(&*request).into_c()
    }
}
