//! Reading from streams.

use super::Stream;
use crate::abi::*;
use crate::check::Draw;
use crate::ffi::{call_alloc, call_user, Overlay};
use crate::handles::flag;
use crate::observe::layout::Callback;
use core::ffi::c_int;
use mio::Interest;

/// The size of buffer that `alloc_cb` is asked for.
const SUGGESTED_SIZE: usize = 64 * 1024;

/// The most reads on one stream before the next stream has its turn.
const READS_IN_A_ROW: usize = 32;

impl Stream {
    fn start_reading(&self, alloc_cb: uv_alloc_cb, read_cb: uv_read_cb) -> Result {
        if alloc_cb.is_none() || read_cb.is_none() || self.handle.is_closing() {
            return Err(Error::EINVAL);
        }
        if self.handle.has(flag::READING) {
            return Err(Error::EALREADY);
        }
        if !self.handle.has(flag::READABLE) {
            return Err(Error::ENOTCONN);
        }
        if self.watcher.is_unused() {
            // The descriptor may be another file by now.
            self.handle.clear(flag::NOT_SOCKET);
        }
        if self.watcher.readable.get() {
            self.watcher.rearm(&self.loop_().poller, self.interest(Interest::READABLE))?;
        } else {
            self.arm(Interest::READABLE)?;
        }
        self.alloc_cb.set(alloc_cb);
        self.read_cb.set(read_cb);
        self.handle.set(flag::READING);
        self.handle.activate();
        Ok(())
    }

    pub(super) fn stop_reading(&self) {
        if self.handle.has(flag::READING) {
            self.handle.clear(flag::READING);
            self.alloc_cb.set(None);
            self.read_cb.set(None);
            self.handle.deactivate();
            self.note_idle();
        }
    }

    /// Reads until nothing is left, the user stops it, or it has had its share.
    pub(super) fn read(&self) {
        for _ in 0..READS_IN_A_ROW {
            if !self.handle.has(flag::READING) {
                return;
            }
            if self.has_many_descriptors() {
                return self.wait_for_accept();
            }
            if !self.read_once() {
                return;
            }
            if self.has_drawn_share() {
                break;
            }
        }
        if self.handle.has(flag::READING) {
            self.requeue();
        }
    }

    /// Reads once. Returns whether there may be more.
    fn read_once(&self) -> bool {
        let mut buffer = uv_buf_t { base: core::ptr::null_mut(), len: 0 };
        let read_cb = self.read_cb.get();
        if let Some(alloc) = self.alloc_cb.get() {
            // SAFETY: the user's function, called with the handle that it was given for.
            call_alloc(self.loop_(), self, alloc as *const (), || unsafe {
                alloc(self.c_pointer(), SUGGESTED_SIZE, &raw mut buffer)
            });
        }
        if !self.handle.has(flag::READING) {
            // `alloc_cb` stopped or closed the stream: its buffer is returned without data.
            self.read_cb.set(read_cb);
            self.call_back(Ok(0), &buffer);
            return false;
        }
        if buffer.base.is_null() || buffer.len == 0 {
            // The data stays in the kernel. A stream that still reads asks for a buffer in the next iteration.
            self.call_back(Err(Error::ENOBUFS), &buffer);
            if self.handle.has(flag::READING) {
                self.requeue();
            }
            return false;
        }
        let part = uv_buf_t { base: buffer.base, len: self.cut(Draw::Read, buffer.len) };
        // SAFETY: the user's buffer is writable.
        match unsafe { self.receive(&part) } {
            Ok(0) => self.end(&buffer),
            Ok(length) => {
                let short = length < part.len;
                // A blocking descriptor is read once for each event.
                let full = !short && !self.handle.has(flag::BLOCKING_WRITES);
                let ended = self.watcher.read_closed.get();
                self.watcher.readable.set(full || ended);
                if !short && !full && !self.watcher.is_level_triggered() {
                    // The kernel reports the rest again. It did not fail when reading started.
                    let _ = self.watcher.rearm(&self.loop_().poller, Interest::READABLE);
                }
                self.call_back(Ok(length), &buffer);
                // As in libuv the end is reported in the next iteration, after data of other streams.
                if !full && ended && self.handle.has(flag::READING) {
                    self.requeue();
                }
                full
            }
            Err(Error::EAGAIN) => {
                self.watcher.readable.set(false);
                self.call_back(Ok(0), &buffer);
                false
            }
            // Such as EIO of a terminal's master; a `uv_tty_t` reports the error, as in libuv.
            Err(_) if self.watcher.hung_up.get() && self.handle.kind() != UV_TTY => {
                self.end(&buffer)
            }
            Err(error) => {
                self.handle.clear(flag::READABLE | flag::WRITABLE);
                self.call_back_last(error, &buffer);
                false
            }
        }
    }

    /// Handles the end of the data. Returns false, as there is no more.
    fn end(&self, buffer: &uv_buf_t) -> bool {
        self.handle.set(flag::READ_EOF);
        self.call_back_last(Error::EOF, buffer);
        false
    }

    /// Stops reading and calls back with an error.
    fn call_back_last(&self, error: Error, buffer: &uv_buf_t) {
        let callback = self.read_cb.get();
        self.stop_reading();
        self.read_cb.set(callback);
        self.call_back(Err(error), buffer);
    }

    fn call_back(&self, result: Result<usize>, buffer: &uv_buf_t) {
        let length = match result {
            Ok(length) => length as isize,
            Err(error) => error.code() as isize,
        };
        if let Some(callback) = self.read_cb.get() {
            // SAFETY: the user's function, called with the handle that it was given for.
            call_user(self.loop_(), Callback::Read, self, callback as *const (), || unsafe {
                callback(self.c_pointer(), length, buffer)
            });
        }
    }
}

/// Starts to read from a stream: for each read `alloc_cb` provides a buffer and `read_cb` receives the
/// data.
///
/// Returns 0, `UV_EINVAL` if a callback is NULL or the stream is closing, `UV_EALREADY` if it is already
/// reading, or `UV_ENOTCONN` if it is not connected. Loop thread only.
/// See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_read_start>.
///
/// # Safety
/// `stream` is NULL or an initialised stream that is not closed.
#[no_mangle]
pub unsafe extern "C" fn uv_read_start(
    stream: *mut uv_stream_t,
    alloc_cb: uv_alloc_cb,
    read_cb: uv_read_cb,
) -> c_int {
    if stream.is_null() {
        return Error::EINVAL.code();
    }
    // SAFETY: as documented.
    unsafe { Stream::of(stream) }.start_reading(alloc_cb, read_cb).into_c()
}

/// Stops reading: `read_cb` is not called any more, and data stays in the kernel until reading starts
/// again. Does nothing if the stream is not reading. Returns 0.
///
/// See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_read_stop>.
///
/// # Safety
/// `stream` is an initialised stream that is not closed.
#[no_mangle]
pub unsafe extern "C" fn uv_read_stop(stream: *mut uv_stream_t) -> c_int {
    // SAFETY: as documented.
    unsafe { Stream::of_stopping(stream) }.stop_reading();
    0
}
