//! Streams: what TCP sockets, pipes and terminals share.
//!
//! A stream's descriptor stays registered. Its [`Watcher`] keeps `readable`: an edge came and no read
//! has found the end of the data since. Reading clears it on a short read, unless the peer has
//! closed its side: no further edge comes then, so reading goes on to the end of the stream. A read
//! that stops early because it had its share puts the stream on the loop's ready list; a stream
//! that the user stopped is asked about anew (`rearm`) when reading starts again.
//!
//! Of other descriptors than TCP sockets a short read does not mean that there is no more: a
//! terminal ends reads at lines, a local socket where descriptors were sent along. Pipes and
//! terminals are therefore registered level-triggered, except for listening sockets.
//!
//! Callbacks that are due without an event (finished writes, failed connects, shutdown) are made
//! from the loop's pending phase, never from inside the call that caused them.

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

use super::{flag, Handle};
use crate::abi::*;
use crate::event_loop::Loop;
use crate::ffi::{overlay, Overlay};
use crate::list::List;
use crate::poller::{EventHandler, Watcher};
use crate::sys;
use core::cell::Cell;
use core::ffi::{c_int, c_void};
use mio::event::Event;
use mio::Interest;

#[repr(C)]
pub struct Stream {
    pub handle: Handle,
    /// Bytes that writes have queued and not yet written.
    write_queue_size: Cell<usize>,
    alloc_cb: Cell<uv_alloc_cb>,
    read_cb: Cell<uv_read_cb>,
    connect_request: Cell<*const connect::Connect>,
    shutdown_request: Cell<*const shutdown::Shutdown>,
    pub watcher: Watcher,
    /// Writes that are not written yet, in order.
    write_queue: List,
    /// Writes that are done and not called back yet.
    written: List,
    connection_cb: Cell<uv_connection_cb>,
    /// An error to be reported by the next operation or callback, as a code; 0 for none.
    delayed_error: Cell<c_int>,
    /// A connection, or a descriptor that was sent, which waits for `uv_accept`; or -1.
    accepted_fd: Cell<c_int>,
    /// Of a pipe, the descriptors behind that one: NULL or an [`ipc::Queue`]. Of a TCP handle, the values
    /// of keep-alive.
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

impl Stream {
    /// # Safety
    /// As for [`Handle::init`].
    unsafe fn init(at: *mut Stream, loop_: &Loop, kind: uv_handle_type) {
        // SAFETY: the caller's contract.
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

    /// What to register. A TCP socket that once had to wait until it can be written to reports that
    /// only after it was full again, so asking for both from then on costs nothing and saves calls. One
    /// that was accepted can be written to at once, and the event that says so would be for nothing.
    fn interest(&self, wanted: Interest) -> Interest {
        let reads = self.handle.has(flag::READING) || !self.watcher.readable.get();
        if self.handle.kind() == UV_TCP && wanted.is_writable() && reads {
            return Interest::READABLE | Interest::WRITABLE;
        }
        wanted
    }

    /// Notes it if the stream waits for nothing any more.
    fn note_idle(&self) {
        if self.is_idle() {
            self.watcher.set_unused();
        }
    }

    fn arm(&self, wanted: Interest) -> Result {
        self.watcher.arm(&self.loop_().poller, self.interest(wanted))
    }

    /// Takes over a descriptor. `flags` say in which directions it can be used.
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
        // The standard descriptors stay open: the next file would get their number.
        if fd > libc::STDERR_FILENO {
            let _ = sys::fd::close(fd);
        }
        if self.accepted_fd.get() != -1 {
            let _ = sys::fd::close(self.accepted_fd.replace(-1));
        }
        self.close_descriptors();
    }

    /// Cancels every request of a closing stream, in the order in which they would have ended.
    pub fn end_requests(&self) {
        self.cancel_connect();
        self.fail_writes(Error::ECANCELED);
        self.call_written();
        self.finish_shutdown();
        // Failing the writes put the stream on the pending list, and its memory may go away now.
        self.watcher.pending.unlink();
    }

    /// Has the stream called in the next poll phase for what the kernel will not report again.
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

    /// Whether the stream waits for nothing at the moment.
    fn is_idle(&self) -> bool {
        !self.handle.has(flag::READING | flag::LISTENING)
            && self.connect_request.get().is_null()
            && self.shutdown_request.get().is_null()
            && self.write_queue.is_empty()
    }

    /// The kernel reported an edge.
    fn on_event(&self, event: &Event) {
        let readable = event.is_readable() || event.is_read_closed() || event.is_error();
        let writable = event.is_writable() || event.is_write_closed() || event.is_error();
        // Without an error both sides are closed by EPOLLHUP only.
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
            // The same edge may have told of data, for a reader that did not wait to be connected.
            if readable && self.handle.has(flag::READING) {
                self.requeue();
            }
            return;
        }
        if readable {
            if self.handle.has(flag::READING) {
                self.read();
            } else if unread || self.watcher.is_level_triggered() {
                // The second edge that nobody wants, or what would be reported again and again.
                self.watcher.disarm(&self.loop_().poller, Interest::READABLE);
            }
        }
        // An edge says that TCP is writable whatever it is about; what is written already has its
        // turn in the pending phase.
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

/// Non-zero when the stream can be read from.
///
/// See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_is_readable>.
///
/// # Safety
/// `handle` is an initialised stream.
#[no_mangle]
pub unsafe extern "C" fn uv_is_readable(handle: *const uv_stream_t) -> c_int {
    // SAFETY: the caller's contract.
    c_int::from(unsafe { Stream::of(handle) }.handle.has(flag::READABLE))
}

/// Non-zero when the stream can be written to.
///
/// See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_is_writable>.
///
/// # Safety
/// `handle` is an initialised stream.
#[no_mangle]
pub unsafe extern "C" fn uv_is_writable(handle: *const uv_stream_t) -> c_int {
    // SAFETY: the caller's contract.
    c_int::from(unsafe { Stream::of(handle) }.handle.has(flag::WRITABLE))
}

/// Makes the stream's descriptor blocking (or not): writes then complete before `uv_write()`
/// returns, though their callbacks still come later.
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
    // SAFETY: the caller's contract.
    let stream = unsafe { Stream::of(handle) };
    let result = sys::fd::set_nonblocking(stream.fd(), blocking == 0);
    match blocking {
        _ if result.is_err() => {}
        0 => stream.handle.clear(flag::BLOCKING_WRITES),
        _ => stream.handle.set(flag::BLOCKING_WRITES),
    }
    result.into_c()
}

/// The field `write_queue_size`: how many bytes wait to be written.
///
/// See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_stream_get_write_queue_size>.
///
/// # Safety
/// `stream` is an initialised stream.
#[no_mangle]
pub unsafe extern "C" fn uv_stream_get_write_queue_size(stream: *const uv_stream_t) -> usize {
    // SAFETY: the caller's contract.
    unsafe { Stream::of(stream) }.write_queue_size.get()
}
