//! Reading.

use super::Stream;
use crate::abi::*;
use crate::ffi::{call_user, Overlay};
use crate::handles::flag;
use core::ffi::c_int;
use mio::Interest;

/// How much the user is advised to provide room for.
const SUGGESTED_SIZE: usize = 64 * 1024;

/// Reads in a row on one stream, after which the others have their turn.
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
            // Another file may have the descriptor by now.
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

    /// Reads until there is nothing left, or the user stops it, or it had its share.
    pub(super) fn read(&self) {
        for _ in 0..READS_IN_A_ROW {
            if !self.handle.has(flag::READING) || !self.read_once() {
                return;
            }
        }
        if self.handle.has(flag::READING) {
            self.requeue();
        }
    }

    /// Reads once; whether there may be more.
    fn read_once(&self) -> bool {
        let mut buffer = uv_buf_t { base: core::ptr::null_mut(), len: 0 };
        let read_cb = self.read_cb.get();
        if let Some(alloc) = self.alloc_cb.get() {
            // SAFETY: the user's function, called with the handle that it was given for.
            call_user(|| unsafe { alloc(self.c_pointer(), SUGGESTED_SIZE, &raw mut buffer) });
        }
        if !self.handle.has(flag::READING) {
            // Stopped or closed by `alloc_cb`: the buffer goes back without data.
            self.read_cb.set(read_cb);
            self.give(Ok(0), &buffer);
            return false;
        }
        if buffer.base.is_null() || buffer.len == 0 {
            // The data is still there: it is asked about again when reading starts again, or with
            // the next edge.
            self.give(Err(Error::ENOBUFS), &buffer);
            if self.handle.has(flag::READING) {
                self.requeue();
            }
            return false;
        }
        // SAFETY: the user says that the buffer is writable.
        match unsafe { self.receive(&buffer) } {
            Ok(0) => self.end(&buffer),
            Ok(length) => {
                let short = length < buffer.len;
                // A descriptor that blocks is read once for each report.
                let full = !short && !self.handle.has(flag::BLOCKING_WRITES);
                let ended = self.watcher.read_closed.get();
                self.watcher.readable.set(full || ended);
                self.give(Ok(length), &buffer);
                // As in libuv the end comes in the next iteration, after what others have to read now.
                if !full && ended && self.handle.has(flag::READING) {
                    self.requeue();
                }
                full
            }
            Err(Error::EAGAIN) => {
                self.watcher.readable.set(false);
                self.give(Ok(0), &buffer);
                false
            }
            // As EIO of a terminal's master side; a `uv_tty_t` is told that, as in libuv.
            Err(_) if self.watcher.hung_up.get() && self.handle.kind() != UV_TTY => {
                self.end(&buffer)
            }
            Err(error) => {
                self.handle.clear(flag::READABLE | flag::WRITABLE);
                self.give_last(error, &buffer);
                false
            }
        }
    }

    /// The end of the stream; whether there may be more.
    fn end(&self, buffer: &uv_buf_t) -> bool {
        self.handle.set(flag::READ_EOF);
        self.give_last(Error::EOF, buffer);
        false
    }

    /// The callback for something after which nothing can be read.
    fn give_last(&self, error: Error, buffer: &uv_buf_t) {
        let callback = self.read_cb.get();
        self.stop_reading();
        self.read_cb.set(callback);
        self.give(Err(error), buffer);
    }

    fn give(&self, result: Result<usize>, buffer: &uv_buf_t) {
        let length = match result {
            Ok(length) => length as isize,
            Err(error) => error.code() as isize,
        };
        if let Some(callback) = self.read_cb.get() {
            // SAFETY: the user's function, called with the handle that it was given for.
            call_user(|| unsafe { callback(self.c_pointer(), length, buffer) });
        }
    }
}

/// Reads from a stream: for each piece of data `alloc_cb` provides memory and `read_cb` gets it.
///
/// Returns 0; `UV_EINVAL` when a callback is NULL or the stream is closing; `UV_EALREADY` when it
/// reads already; `UV_ENOTCONN` when it is not connected. Loop thread only.
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
    // SAFETY: the caller's contract.
    unsafe { Stream::of(stream) }.start_reading(alloc_cb, read_cb).into_c()
}

/// Stops reading; `read_cb` is not called any more, and what arrives stays with the kernel until
/// reading starts again. Stopping twice is harmless. Returns 0.
///
/// See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_read_stop>.
///
/// # Safety
/// `stream` is an initialised stream that is not closed.
#[no_mangle]
pub unsafe extern "C" fn uv_read_stop(stream: *mut uv_stream_t) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { Stream::of(stream) }.stop_reading();
    0
}
