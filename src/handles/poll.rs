//! Poll handles: readiness of a descriptor that belongs to the user or to another library.
//!
//! The callback is made for as long as the descriptor is ready, so it is registered
//! level-triggered. mio's selector tells of an event what concerns streams. What it leaves out is
//! rarely asked for, and `poll(2)` answers it then.

use super::Handle;
use crate::abi::*;
use crate::event_loop::Loop;
use crate::ffi::{call_user, overlay, Overlay};
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

/// The events, and what the kernel calls them: `poll(2)` and epoll use the same bits.
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

impl Poll {
    /// # Safety
    /// As for [`Handle::init`].
    unsafe fn init(at: *mut Poll, loop_: &Loop, fd: c_int) -> Result {
        if loop_.uses(fd) {
            return Err(Error::EEXIST);
        }
        loop_.poller.can_watch(fd)?;
        sys::fd::set_nonblocking(fd, true)?;
        // SAFETY: the caller's contract.
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

    /// What an event without error and hang-up says.
    fn exactly(&self, event: &Event, asked: c_int) -> c_int {
        // The selector counts urgent data as readable, and does not tell that the peer closed its
        // writing end when it does not tell of data as well.
        let urgent_and_readable = event.is_priority() && asked & UV_READABLE != 0;
        let may_hide_disconnect = asked & UV_DISCONNECT != 0 && asked & UV_READABLE == 0;
        if urgent_and_readable || may_hide_disconnect {
            let now = sys::fd::poll_now(self.watcher.fd.get(), to_kernel(asked));
            // When the call fails nothing is known to be ready.
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

    fn call(&self, status: c_int, events: c_int) {
        if let Some(callback) = self.callback.get() {
            let this = core::ptr::from_ref(self).cast_mut().cast();
            // SAFETY: the user's function, called with the handle that it was given for.
            call_user(|| unsafe { callback(this, status, events) });
        }
    }
}

// SAFETY: the watcher is at the offset given, and handles are reached through shared references.
unsafe impl EventHandler for Poll {
    const OFFSET: usize = core::mem::offset_of!(Poll, watcher);

    /// The kernel reported something about the descriptor.
    fn on_event(&self, event: &Event) {
        let asked = from_kernel(self.watcher.level_events.get() as c_short);
        // A change of a sysfs attribute is reported as an error together with urgent data. Any
        // other error would be reported for ever.
        if event.is_error() && !event.is_priority() {
            self.stop();
            return self.call(Error::EBADF.code(), 0);
        }
        // Without an error this says that both directions are closed: whatever is tried next will
        // not block.
        let hung_up = event.is_write_closed();
        let events = if event.is_error() || hung_up { asked } else { self.exactly(event, asked) };
        // None when the descriptor is ready no longer, or for something that is not asked for.
        if events & asked != 0 {
            self.call(0, events & asked);
        }
    }
}

/// Initialises a poll handle for a descriptor, which is made non-blocking and stays the caller's:
/// the handle does not close it. Anything that `epoll(7)` can wait for will do.
///
/// Returns 0; `UV_EEXIST` when a handle of the loop watches the descriptor; `UV_EPERM` when it can
/// not be waited for, as is the case for regular files; `UV_EBADF`. The handle is not initialised
/// when this fails. Loop thread only, as all poll functions.
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
    // SAFETY: the caller's contract.
    unsafe { Poll::init(handle.cast(), Loop::of(r#loop), fd).into_c() }
}

/// As `uv_poll_init()`, from which it differs on Windows only.
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
    // SAFETY: the caller's contract.
    unsafe { Poll::init(handle.cast(), Loop::of(r#loop), socket).into_c() }
}

/// Calls `cb` in every tick in which the descriptor is ready for one of `events`, of
/// `enum uv_poll_event`. May be called again to change either; no events is the same as stopping.
/// What a tick has found out already about the descriptor is forgotten.
///
/// When both ends of a connection are closed, all the events that were asked for are reported. On
/// an error of the descriptor the handle stops and the callback's status is `UV_EBADF`. The
/// descriptor must not be closed before the handle is stopped or closed.
///
/// Returns 0; `UV_EEXIST` when another handle of the loop watches the descriptor; `UV_EINVAL` for
/// unknown events; `UV_EBADF` when the descriptor is closed.
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
    // SAFETY: the caller's contract.
    unsafe { Poll::of(handle) }.start(events, cb).into_c()
}

/// Stops a poll handle; the callback is not called any more, and the descriptor may be closed.
/// Stopping twice is harmless. Returns 0.
///
/// See <https://docs.libuv.org/en/v1.x/poll.html#c.uv_poll_stop>.
///
/// # Safety
/// `handle` is an initialised poll handle that is not closed.
#[no_mangle]
pub unsafe extern "C" fn uv_poll_stop(handle: *mut uv_poll_t) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { Poll::of(handle) }.stop();
    0
}
