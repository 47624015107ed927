//! Streams: the common part of TCP sockets, pipes and terminals.
//!
//! A TCP socket stays registered, edge-triggered. Its [`Watcher`] caches `readable` from an event until a
//! read finds the end of the data. A short read finds it, unless the peer has closed its side: no further
//! edge is reported then, so reading continues to the end of the stream. A stream that stops reading after
//! its share is requeued; one that the user stopped is registered again (`rearm`) when reading starts.
//!
//! For other descriptors a short read does not mean that nothing is left: a terminal ends a read at a line,
//! a local socket where descriptors were sent. So pipes and terminals are registered level-triggered,
//! except listening sockets.
//!
//! Callbacks without an event (finished writes, failed connects, shutdowns) are called in the loop's
//! pending phase, never within the call that caused them.

mod connect;
mod io;
mod ipc;
mod listen;
mod pipe;
mod read;
mod shutdown;
mod tcp;
mod tty;
pub mod write;

pub use connect::OFFSETS as CONNECT_OFFSETS;
pub use pipe::OFFSETS as PIPE_OFFSETS;
pub use shutdown::OFFSETS as SHUTDOWN_OFFSETS;

use super::{flag, Handle};
use crate::abi::*;
use crate::event_loop::Loop;
use crate::ffi::{overlay, Overlay};
use crate::list::List;
use crate::observe::{layout, offsets};
use crate::poller::{EventHandler, Watcher};
use crate::sys;
use core::cell::Cell;
use core::ffi::{c_int, c_void};
use mio::event::Event;
use mio::Interest;

#[repr(C)]
pub struct Stream {
    pub handle: Handle,
    /// The number of bytes queued for writing.
    write_queue_size: Cell<usize>,
    alloc_cb: Cell<uv_alloc_cb>,
    read_cb: Cell<uv_read_cb>,
    connect_request: Cell<*const connect::Connect>,
    shutdown_request: Cell<*const shutdown::Shutdown>,
    pub watcher: Watcher,
    /// The queued writes, in order.
    write_queue: List,
    /// Finished writes whose callback was not called yet.
    written: List,
    connection_cb: Cell<uv_connection_cb>,
    /// The code of an error for the next operation or callback to report, or 0.
    delayed_error: Cell<c_int>,
    /// An accepted connection or a received descriptor, which `uv_accept` takes; or -1.
    accepted_fd: Cell<c_int>,
    /// For a pipe, the descriptors after that one: NULL or an [`ipc::Queue`]. For a TCP handle, the keep-alive
    /// settings.
    extra: Cell<*mut c_void>,
}

overlay!(Stream {
    handle,
    write_queue_size,
    alloc_cb,
    read_cb,
    connect_request,
    shutdown_request,
    watcher,
    write_queue,
    written,
    connection_cb,
    delayed_error,
    accepted_fd,
    extra,
} => uv_stream_t);
overlay!(Stream => uv_tcp_t);
const _: () = {
    use core::mem::offset_of;
    assert!(offset_of!(Stream, write_queue_size) == offset_of!(uv_stream_t, write_queue_size));
    assert!(offset_of!(Stream, read_cb) == offset_of!(uv_stream_t, read_cb));
    assert!(offset_of!(Stream, watcher) == offset_of!(uv_stream_t, io_watcher));
    assert!(offset_of!(Stream, connection_cb) == offset_of!(uv_stream_t, connection_cb));
    assert!(offset_of!(Stream, accepted_fd) == offset_of!(uv_stream_t, accepted_fd));
};

pub const OFFSETS: layout::StreamOffsets = offsets!(
    StreamOffsets,
    Stream {
        write_queue_size: write_queue_size,
        write_queue: write_queue,
        written: written,
        alloc_cb: alloc_cb,
        read_cb: read_cb,
        connection_cb: connection_cb,
        connect_request: connect_request,
        shutdown_request: shutdown_request,
        accepted_fd: accepted_fd,
        watcher: watcher,
        fd: watcher.fd,
    }
);

impl Stream {
    /// # Safety
    /// As for [`Handle::init`].
    unsafe fn init(at: *mut Stream, loop_: &Loop, kind: uv_handle_type) {
        // SAFETY: as documented.
        unsafe { Handle::init(at, loop_, kind, Stream::new) }
    }

    fn new(handle: Handle) -> Stream {
        Stream {
            handle,
            write_queue_size: Cell::new(0),
            alloc_cb: Cell::new(None),
            read_cb: Cell::new(None),
            connect_request: Cell::new(core::ptr::null()),
            shutdown_request: Cell::new(core::ptr::null()),
            watcher: Watcher::new::<Stream>(-1),
            write_queue: List::new(),
            written: List::new(),
            connection_cb: Cell::new(None),
            delayed_error: Cell::new(0),
            accepted_fd: Cell::new(-1),
            extra: Cell::new(core::ptr::null_mut()),
        }
    }

    fn loop_(&self) -> &Loop {
        self.handle.loop_()
    }

    fn fd(&self) -> c_int {
        self.watcher.fd.get()
    }

    fn is_open(&self) -> bool {
        self.fd() != -1
    }

    fn c_pointer<T>(&self) -> *mut T {
        core::ptr::from_ref(self).cast_mut().cast()
    }

    /// Returns the interest to register. A TCP socket that had to wait to write reports that it is writable
    /// only after it was full again, so registering both directions from then on saves calls. Not for one
    /// that was just accepted: it is writable, and the event would only wake the loop.
    fn interest(&self, wanted: Interest) -> Interest {
        let reads = self.handle.has(flag::READING) || !self.watcher.readable.get();
        if self.handle.kind() == UV_TCP && wanted.is_writable() && reads {
            return Interest::READABLE | Interest::WRITABLE;
        }
        wanted
    }

    /// Sets the watcher unused if the stream waits for nothing any more.
    fn note_idle(&self) {
        if self.is_idle() {
            self.watcher.set_unused();
        }
    }

    fn arm(&self, wanted: Interest) -> Result {
        self.watcher.arm(&self.loop_().poller, self.interest(wanted))
    }

    /// Takes over a descriptor. `flags` are its directions.
    pub fn open(&self, fd: c_int, flags: u32) -> Result {
        if self.is_open() && self.fd() != fd {
            return Err(Error::EBUSY);
        }
        if self.handle.kind() == UV_TCP {
            self.apply_socket_options(fd)?;
        }
        self.watcher.fd.set(fd);
        self.handle.set(flags);
        Ok(())
    }

    pub fn close(&self) {
        self.stop_reading();
        self.handle.deactivate();
        self.handle.clear(flag::READABLE | flag::WRITABLE);
        self.watcher.deregister(&self.loop_().poller);
        match self.handle.kind() {
            UV_NAMED_PIPE => self.remove_path(),
            UV_TTY => self.restore_terminal(),
            _ => {}
        }
        let fd = self.watcher.fd.replace(-1);
        // The standard descriptors stay open, or the next file would get their number.
        if fd > libc::STDERR_FILENO {
            let _ = sys::fd::close(fd);
        }
        if self.accepted_fd.get() != -1 {
            let _ = sys::fd::close(self.accepted_fd.replace(-1));
        }
        self.close_descriptors();
    }

    /// Cancels every request of a closing stream, in the order in which they would finish.
    pub fn end_requests(&self) {
        self.cancel_connect();
        self.fail_writes(Error::ECANCELED);
        // Failing the writes queued the watcher, but the callbacks find no work left in the loop.
        self.watcher.pending.unlink();
        self.call_written();
        self.finish_shutdown();
        // The user may free the memory now.
        self.watcher.pending.unlink();
    }

    /// Queues the stream for the next poll phase, for readiness that the kernel does not report again.
    fn requeue(&self) {
        if !self.watcher.is_level_triggered() {
            self.loop_().requeue(&self.watcher);
        }
    }
}

// SAFETY: the watcher is at the offset given, and streams are reached through shared references.
unsafe impl EventHandler for Stream {
    const OFFSET: usize = core::mem::offset_of!(Stream, watcher);
    const YIELDS: bool = true;

    /// Returns whether the stream waits for no event. A shutdown waits for the writes only.
    fn is_idle(&self) -> bool {
        !self.handle.has(flag::READING | flag::LISTENING)
            && self.connect_request.get().is_null()
            && self.write_queue.is_empty()
    }

    fn on_event(&self, event: &Event) {
        let readable = event.is_readable() || event.is_read_closed() || event.is_error();
        let writable = event.is_writable() || event.is_write_closed() || event.is_error();
        // Without an error, only EPOLLHUP closes both sides.
        let hung_up = event.is_read_closed() && event.is_write_closed() && !event.is_error();
        self.watcher.hung_up.set(hung_up);
        let unread = self.watcher.readable.get();
        if readable {
            self.watcher.readable.set(true);
        }
        if event.is_read_closed() || event.is_error() {
            self.watcher.read_closed.set(true);
        }
        if self.handle.has(flag::LISTENING) {
            if readable {
                self.accept_connection();
            }
            return;
        }
        if !self.connect_request.get().is_null() {
            if writable {
                self.on_connected();
            }
            // The same event may report data, for a reader that started before the stream was connected.
            if readable && self.handle.has(flag::READING) {
                self.requeue();
            }
            return;
        }
        if readable {
            if self.handle.has(flag::READING) {
                self.read();
            } else if unread || self.watcher.is_level_triggered() {
                // Either the second edge without a reader, or an event that would be reported repeatedly.
                self.watcher.disarm(&self.loop_().poller, Interest::READABLE);
            }
        }
        // Every event of a TCP socket reports that it is writable; finished writes are called back in the
        // pending phase.
        let waiting = !self.write_queue.is_empty() || self.watcher.is_level_triggered();
        if writable && waiting && self.is_open() {
            self.progress_writes();
        }
    }

    /// Called in the pending phase after `Loop::queue_pending`.
    fn on_pending(&self) {
        if self.connect_request.get().is_null() {
            self.progress_writes();
        } else if let Some(error) = Error::from_code_or_none(self.delayed_error.replace(0)) {
            self.finish_connect(Err(error));
        }
    }

    /// Called in the poll phase after `Loop::requeue`.
    fn on_requeued(&self) {
        if !self.connect_request.get().is_null() {
            if self.handle.has(flag::CONNECTED) {
                self.on_connected();
            }
        } else if !self.watcher.readable.get() {
        } else if self.handle.has(flag::READING) {
            self.read();
        }
    }
}

/// Returns non-zero if the stream is readable.
///
/// See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_is_readable>.
///
/// # Safety
/// `handle` is an initialised stream.
#[no_mangle]
pub unsafe extern "C" fn uv_is_readable(handle: *const uv_stream_t) -> c_int {
    // SAFETY: as documented.
    c_int::from(unsafe { Stream::of_reading(handle) }.handle.has(flag::READABLE))
}

/// Returns non-zero if the stream is writable.
///
/// See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_is_writable>.
///
/// # Safety
/// `handle` is an initialised stream.
#[no_mangle]
pub unsafe extern "C" fn uv_is_writable(handle: *const uv_stream_t) -> c_int {
    // SAFETY: as documented.
    c_int::from(unsafe { Stream::of_reading(handle) }.handle.has(flag::WRITABLE))
}

/// Makes the stream's descriptor blocking, or non-blocking if `blocking` is 0. With a blocking one, writes
/// complete before `uv_write()` returns; their callbacks are still called later.
///
/// Returns 0 or an error code.
/// See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_stream_set_blocking>.
///
/// # Safety
/// `handle` is an initialised stream.
#[no_mangle]
pub unsafe extern "C" fn uv_stream_set_blocking(
    handle: *mut uv_stream_t,
    blocking: c_int,
) -> c_int {
    // SAFETY: as documented.
    let stream = unsafe { Stream::of(handle) };
    let result = sys::fd::set_nonblocking(stream.fd(), blocking == 0);
    match blocking {
        _ if result.is_err() => {}
        0 => stream.handle.clear(flag::BLOCKING_WRITES),
        _ => stream.handle.set(flag::BLOCKING_WRITES),
    }
    result.into_c()
}

/// Returns the field `write_queue_size`: the number of bytes queued for writing.
///
/// See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_stream_get_write_queue_size>.
///
/// # Safety
/// `stream` is an initialised stream.
#[no_mangle]
pub unsafe extern "C" fn uv_stream_get_write_queue_size(stream: *const uv_stream_t) -> usize {
    // SAFETY: as documented.
    unsafe { Stream::of_reading(stream) }.write_queue_size.get()
}
