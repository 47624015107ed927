//! Shutting down the writing side of a stream.

use super::Stream;
use crate::abi::*;
use crate::ffi::{call_user, overlay, Overlay};
use crate::handles::flag;
use crate::observe::layout::Callback;
use crate::observe::{layout, offsets};
use crate::requests::Request;
use crate::sys;
use core::cell::Cell;
use core::ffi::c_int;

#[repr(C)]
pub struct Shutdown {
    request: Request,
    stream: Cell<*const Stream>,
    callback: Cell<uv_shutdown_cb>,
}

overlay!(Shutdown { request, stream, callback } => uv_shutdown_t);
const _: () = assert!(
    core::mem::offset_of!(Shutdown, stream) == core::mem::offset_of!(uv_shutdown_t, handle)
);

pub const OFFSETS: layout::ConnectOffsets =
    offsets!(ConnectOffsets, Shutdown { callback: callback, stream: stream });

impl Stream {
    /// # Safety
    /// As for `uv_shutdown`.
    unsafe fn shut_down(&self, request: *mut Shutdown, callback: uv_shutdown_cb) -> Result {
        if !self.handle.has(flag::WRITABLE)
            || self.handle.has(flag::SHUT)
            || !self.shutdown_request.get().is_null()
            || self.handle.is_closing()
        {
            return Err(Error::ENOTCONN);
        }
        // SAFETY: `request` is memory for the request, as documented.
        unsafe {
            Request::init(request, UV_SHUTDOWN, |request| Shutdown {
                request,
                stream: Cell::new(self),
                callback: Cell::new(callback),
            });
            (*request).request.set_began(self.loop_().now());
        }
        self.loop_().request_began(request);
        self.shutdown_request.set(request);
        self.handle.clear(flag::WRITABLE);
        if self.write_queue.is_empty() {
            self.loop_().queue_pending(&self.watcher);
        }
        Ok(())
    }

    /// Shuts down the writing side if that was requested. The write queue is empty.
    pub(super) fn finish_shutdown(&self) {
        let request = self.shutdown_request.replace(core::ptr::null());
        if request.is_null() {
            return;
        }
        self.loop_().request_ended(request);
        let result = if self.handle.is_closing() {
            Err(Error::ECANCELED)
        } else {
            sys::socket::shut_down_writing(self.fd())
        };
        if result.is_ok() {
            self.handle.set(flag::SHUT);
        }
        // SAFETY: the request is alive until its callback is called.
        if let Some(callback) = unsafe { (*request).callback.get() } {
            // SAFETY: the user's function, called with the request that it was given for.
            call_user(
                self.loop_(),
                Callback::Shutdown,
                request,
                callback as *const (),
                || unsafe { callback(request.cast_mut().cast(), result.into_c()) },
            );
        }
    }
}

/// Shuts down the writing side of the stream after all queued writes, and calls `cb`. Reading continues.
///
/// Returns 0, or `UV_ENOTCONN` if the stream is not writable. Loop thread only.
/// See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_shutdown>.
///
/// # Safety
/// `req` is alive until `cb` is called; `handle` is an initialised stream.
#[no_mangle]
pub unsafe extern "C" fn uv_shutdown(
    req: *mut uv_shutdown_t,
    handle: *mut uv_stream_t,
    cb: uv_shutdown_cb,
) -> c_int {
    // SAFETY: as documented.
    unsafe { Stream::of(handle).shut_down(req.cast(), cb).into_c() }
}
