//! Poll handles: readiness of a descriptor that belongs to the user or to another library.
//!
//! The callback is called for as long as the descriptor is ready, so the registration is level-triggered.
//! mio's events suffice in most cases; where they omit an event that was requested, `poll(2)` is asked.

use super::Handle;
use crate::abi::*;
use crate::check;
use crate::event_loop::Loop;
use crate::ffi::{call_user, overlay, Overlay};
use crate::observe::layout::Callback;
use crate::observe::{layout, offsets};
use crate::poller::{EventHandler, Watcher};
use crate::sys;
use core::cell::Cell;
use core::ffi::{c_int, c_short};
use mio::event::Event;

#[repr(C)]
pub struct Poll {
    handle: Handle,
    callback: Cell<uv_poll_cb>,
    pub watcher: Watcher,
}

overlay!(Poll { handle, callback, watcher } => uv_poll_t);
const _: () = {
    use core::mem::offset_of;
    assert!(offset_of!(Poll, callback) == offset_of!(uv_poll_t, poll_cb));
    assert!(offset_of!(Poll, watcher) == offset_of!(uv_poll_t, io_watcher));
};

/// The events, each with its bit in `poll(2)` and epoll.
const EVENTS: [(c_int, c_short); 4] = [
    (UV_READABLE, libc::POLLIN),
    (UV_WRITABLE, libc::POLLOUT),
    (UV_DISCONNECT, libc::POLLRDHUP),
    (UV_PRIORITIZED, libc::POLLPRI),
];

const ALL: c_int = UV_READABLE | UV_WRITABLE | UV_DISCONNECT | UV_PRIORITIZED;

fn to_kernel(events: c_int) -> c_short {
    EVENTS.iter().filter(|(ours, _)| events & ours != 0).fold(0, |bits, (_, bit)| bits | bit)
}

fn from_kernel(bits: c_short) -> c_int {
    EVENTS.iter().filter(|(_, bit)| bits & bit != 0).fold(0, |events, (ours, _)| events | ours)
}

pub const OFFSETS: layout::PollOffsets = offsets!(
    PollOffsets,
    Poll { callback: callback, fd: watcher.fd, events: watcher.level_events, watcher: watcher }
);

impl Poll {
    /// # Safety
    /// As for [`Handle::init`].
    unsafe fn init(at: *mut Poll, loop_: &Loop, fd: c_int) -> Result {
        if loop_.uses(fd) {
            return Err(Error::EEXIST);
        }
        loop_.poller.can_watch(fd)?;
        sys::fd::set_nonblocking(fd, true)?;
        // SAFETY: as documented.
        unsafe {
            Handle::init(at, loop_, UV_POLL, |handle| Poll {
                handle,
                callback: Cell::new(None),
                watcher: Watcher::new::<Poll>(fd),
            });
        }
        Ok(())
    }

    fn start(&self, events: c_int, callback: uv_poll_cb) -> Result {
        check::handle_starting(self);
        if self.handle.is_closing() || events & !ALL != 0 {
            return Err(Error::EINVAL);
        }
        let loop_ = self.handle.loop_();
        if !self.handle.is_active() && loop_.uses(self.watcher.fd.get()) {
            return Err(Error::EEXIST);
        }
        if events == 0 {
            self.stop();
            return Ok(());
        }
        let bits = to_kernel(events) as u16;
        loop_.poller.register_level(&self.watcher, bits).inspect_err(|_| self.stop())?;
        self.callback.set(callback);
        self.handle.activate();
        Ok(())
    }

    pub fn stop(&self) {
        self.handle.loop_().poller.deregister(&self.watcher);
        self.handle.deactivate();
    }

    /// Returns the events that an event without error and hang-up reports.
    fn ready_events(&self, event: &Event, requested: c_int) -> c_int {
        // mio's event is readable for urgent data too, and does not report that the peer closed its writing
        // side unless it is readable.
        let urgent_and_readable = event.is_priority() && requested & UV_READABLE != 0;
        let may_omit_disconnect = requested & UV_DISCONNECT != 0 && requested & UV_READABLE == 0;
        if urgent_and_readable || may_omit_disconnect {
            let now = sys::fd::poll_now(self.watcher.fd.get(), to_kernel(requested));
            // If the call fails, no event is reported.
            return from_kernel(now.unwrap_or(0));
        }
        let mut events = 0;
        if event.is_priority() {
            events |= UV_PRIORITIZED;
        } else if event.is_readable() {
            events |= UV_READABLE;
        }
        if event.is_writable() {
            events |= UV_WRITABLE;
        }
        if event.is_read_closed() {
            events |= UV_DISCONNECT;
        }
        events
    }

    /// Whether data of a reset connection can still be read. It counts as readable until that has
    /// happened; libuv reports the error at once, and the data is lost.
    fn has_rest(&self, event: &Event, requested: c_int) -> bool {
        event.is_readable()
            && event.is_read_closed()
            && requested & UV_READABLE != 0
            && sys::fd::unread(self.watcher.fd.get()).is_ok_and(|bytes| bytes > 0)
    }

    fn call(&self, status: c_int, events: c_int) {
        if let Some(callback) = self.callback.get() {
            let this = core::ptr::from_ref(self).cast_mut().cast();
            // SAFETY: the user's function, called with the handle that it was given for.
            call_user(
                self.handle.loop_(),
                Callback::Poll,
                self,
                callback as *const (),
                || unsafe { callback(this, status, events) },
            );
        } else {
            check::callback_missing(self);
        }
    }
}

// SAFETY: the watcher is at the offset given, and handles are reached through shared references.
unsafe impl EventHandler for Poll {
    const OFFSET: usize = core::mem::offset_of!(Poll, watcher);

    fn on_event(&self, event: &Event) {
        let requested = from_kernel(self.watcher.level_events.get() as c_short);
        // A change of a sysfs attribute is an error together with urgent data. Any other error would be
        // reported again in every iteration.
        if event.is_error() && !event.is_priority() && !self.has_rest(event, requested) {
            self.stop();
            return self.call(Error::EBADF.code(), 0);
        }
        // Without an error both directions are closed, so no operation blocks.
        let hung_up = event.is_write_closed();
        let events = if event.is_error() || hung_up {
            requested
        } else {
            self.ready_events(event, requested)
        };
        // Nothing if the descriptor is no longer ready, or for an event that was not requested.
        if events & requested != 0 {
            self.call(0, events & requested);
        }
    }
}

/// Initialises a poll handle for a descriptor that epoll(7) supports. The descriptor becomes non-blocking;
/// the user owns it, and the handle does not close it.
///
/// Returns 0, `UV_EEXIST` if a handle of the loop watches the descriptor, `UV_EPERM` if epoll does not
/// support it (a regular file), or `UV_EBADF`. After an error the handle is not initialised. Loop thread
/// only, as all poll functions.
/// See <https://docs.libuv.org/en/v1.x/poll.html#c.uv_poll_init>.
///
/// # Safety
/// `loop` is an initialised loop and `handle` is memory for the handle, alive until it is closed.
#[no_mangle]
pub unsafe extern "C" fn uv_poll_init(
    r#loop: *mut uv_loop_t,
    handle: *mut uv_poll_t,
    fd: c_int,
) -> c_int {
    // SAFETY: as documented.
    unsafe { Poll::init(handle.cast(), Loop::of(r#loop), fd).into_c() }
}

/// Initialises a poll handle for a socket; the same as `uv_poll_init()`, except on Windows.
///
/// See <https://docs.libuv.org/en/v1.x/poll.html#c.uv_poll_init_socket>.
///
/// # Safety
/// As for `uv_poll_init()`.
#[no_mangle]
pub unsafe extern "C" fn uv_poll_init_socket(
    r#loop: *mut uv_loop_t,
    handle: *mut uv_poll_t,
    socket: uv_os_sock_t,
) -> c_int {
    // SAFETY: as documented.
    unsafe { Poll::init(handle.cast(), Loop::of(r#loop), socket).into_c() }
}

/// Calls `cb` in every iteration in which the descriptor is ready for one of `events`, of
/// `enum uv_poll_event`. Another call changes events and callback, and drops events that were not
/// dispatched yet; with 0 events it stops the handle.
///
/// When both directions of a connection are closed, all requested events are reported. On an error of the
/// descriptor the handle stops and the callback's status is `UV_EBADF`, for a connection that was reset
/// only when its data has been read, if that was requested. The descriptor must not be closed before the
/// handle is stopped or closed.
///
/// Returns 0, `UV_EEXIST` if another handle of the loop watches the descriptor, `UV_EINVAL` for unknown
/// events, or `UV_EBADF` if the descriptor is closed.
/// See <https://docs.libuv.org/en/v1.x/poll.html#c.uv_poll_start>.
///
/// # Safety
/// `handle` is an initialised poll handle that is not closed.
#[no_mangle]
pub unsafe extern "C" fn uv_poll_start(
    handle: *mut uv_poll_t,
    events: c_int,
    cb: uv_poll_cb,
) -> c_int {
    // SAFETY: as documented.
    unsafe { Poll::of(handle) }.start(events, cb).into_c()
}

/// Stops a poll handle: the callback is not called any more, and the descriptor may be closed. Does nothing
/// if it is not active. Returns 0.
///
/// See <https://docs.libuv.org/en/v1.x/poll.html#c.uv_poll_stop>.
///
/// # Safety
/// `handle` is an initialised poll handle that is not closed.
#[no_mangle]
pub unsafe extern "C" fn uv_poll_stop(handle: *mut uv_poll_t) -> c_int {
    // SAFETY: as documented.
    unsafe { Poll::of_stopping(handle) }.stop();
    0
}
