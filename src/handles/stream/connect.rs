//! Connecting a stream.

use super::Stream;
use crate::abi::*;
use crate::ffi::{call_user, overlay};
use crate::handles::flag;
use crate::list::Link;
use crate::observe::layout::Callback;
use crate::observe::{layout, offsets};
use crate::requests::Request;
use crate::sys;
use core::cell::Cell;
use mio::Interest;

#[repr(C)]
pub struct Connect {
    request: Request,
    callback: Cell<uv_connect_cb>,
    stream: Cell<*const Stream>,
    link: Link,
}

overlay!(Connect { request, callback, stream, link } => uv_connect_t);
const _: () =
    assert!(core::mem::offset_of!(Connect, stream) == core::mem::offset_of!(uv_connect_t, handle));

pub const OFFSETS: layout::ConnectOffsets =
    offsets!(ConnectOffsets, Connect { callback: callback, stream: stream });

impl Stream {
    /// Begins to wait for a connection. If the stream is already `connected`, or connecting has failed with
    /// a delayed error, the callback is queued.
    ///
    /// # Safety
    /// `request` is alive and in place until `callback` is called.
    pub(super) unsafe fn begin_connect(
        &self,
        request: *mut Connect,
        connected: bool,
        callback: uv_connect_cb,
    ) -> Result {
        let failed = self.delayed_error.get() != 0;
        if !failed && !connected {
            self.arm(Interest::WRITABLE)?;
        }
        // SAFETY: `request` is memory for the request, as documented.
        unsafe {
            Request::init(request, UV_CONNECT, |request| Connect {
                request,
                callback: Cell::new(callback),
                stream: Cell::new(self),
                link: Link::new(),
            });
        }
        // SAFETY: it was initialised above.
        unsafe { (*request).request.set_began(self.loop_().now()) };
        self.loop_().request_began(request);
        self.connect_request.set(request);
        // A failed attempt may have set these. A connected handle keeps the state of its connection.
        if !self.handle.has(flag::READABLE) {
            self.watcher.readable.set(false);
            self.watcher.read_closed.set(false);
        }
        if failed {
            self.loop_().queue_pending(&self.watcher);
        } else if connected {
            // The callback is called in the poll phase, as if epoll had reported the connection.
            self.handle.set(flag::CONNECTED);
            self.loop_().requeue(&self.watcher);
        }
        Ok(())
    }

    /// Called when the kernel reported the end of connecting. Reads the result only now, as a callback may
    /// have reset the connection since.
    pub(super) fn on_connected(&self) {
        match sys::socket::take_error(self.fd()) {
            Err(error) if error == Error::from_errno(libc::EINPROGRESS) => {}
            result => self.finish_connect(result),
        }
    }

    pub(super) fn finish_connect(&self, result: Result) {
        self.handle.clear(flag::CONNECTED);
        self.call_connect(result);
        if !self.is_open() {
            return;
        }
        if result.is_err() {
            self.fail_writes(Error::ECANCELED);
        }
        // Finishes writes that were queued or cancelled meanwhile.
        if !self.write_queue.is_empty()
            || !self.written.is_empty()
            || !self.shutdown_request.get().is_null()
        {
            self.loop_().queue_pending(&self.watcher);
        }
    }

    pub(super) fn cancel_connect(&self) {
        if !self.connect_request.get().is_null() {
            self.call_connect(Err(Error::ECANCELED));
        }
    }

    fn call_connect(&self, result: Result) {
        let request = self.connect_request.replace(core::ptr::null());
        self.loop_().request_ended(request);
        // SAFETY: the request is alive until its callback is called.
        if let Some(callback) = unsafe { (*request).callback.get() } {
            // SAFETY: the user's function, called with the request that it was given for.
            call_user(self.loop_(), Callback::Connect, request, callback as *const (), || unsafe {
                callback(request.cast_mut().cast(), result.into_c())
            });
        }
    }
}
