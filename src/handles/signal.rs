//! Signal handles.
//!
//! A signal handler may do next to nothing, so it writes a message to a pipe of each loop that
//! watches the signal; the loop reads them and makes the callbacks. A message tells how many starts
//! of handles there had been in the process, so that a handle which was started later, perhaps
//! after it had been stopped in between, is not called.

use super::{flag, Handle};
use crate::abi::*;
use crate::event_loop::Loop;
use crate::ffi::{call_user, overlay, padding, Overlay, Padding};
use crate::list::{container_of, Link, List};
use crate::poller::{EventHandler, Watcher};
use crate::signal::{self as registry, Caught};
use crate::sys;
use core::cell::Cell;
use core::ffi::c_int;
use mio::event::Event;
use mio::Interest;

#[repr(C)]
pub struct Signal {
    handle: Handle,
    callback: Cell<uv_signal_cb>,
    /// The signal that is watched, 0 when stopped.
    signum: Cell<c_int>,
    padding: Padding<4>,
    link: Link,
    /// Which start of a signal handle in the process this is.
    start: Cell<u64>,
}

overlay!(Signal { handle, callback, signum, padding, link, start } => uv_signal_t);
const _: () = {
    use core::mem::offset_of;
    assert!(offset_of!(Signal, callback) == offset_of!(uv_signal_t, signal_cb));
    assert!(offset_of!(Signal, signum) == offset_of!(uv_signal_t, signum));
};

/// What a loop has for its signal handles.
pub struct LoopSignals {
    /// The reading end of the pipe, -1 until a handle is started.
    watcher: Watcher,
    write_end: Cell<c_int>,
    active: List,
    /// The start that watches SIGCHLD for the loop's process handles, 0 when there is none.
    child_start: Cell<u64>,
    /// The pipe is readable. Its messages are dispatched after the other events of a batch.
    caught: Cell<bool>,
}

impl LoopSignals {
    pub const fn new() -> Self {
        LoopSignals {
            watcher: Watcher::new::<LoopSignals>(-1),
            write_end: Cell::new(-1),
            active: List::new(),
            child_start: Cell::new(0),
            caught: Cell::new(false),
        }
    }

    fn open(&self, loop_: &Loop) -> Result {
        if self.write_end.get() != -1 {
            return Ok(());
        }
        let [read_end, write_end] = sys::fd::pipe_nonblocking()?;
        self.watcher.fd.set(read_end);
        self.write_end.set(write_end);
        self.watcher.arm(&loop_.poller, Interest::READABLE).inspect_err(|_| self.close(loop_))
    }

    /// Has `dispatch` say when a child process may have ended.
    pub fn watch_children(&self, loop_: &Loop) -> Result {
        if self.child_start.get() == 0 {
            self.open(loop_)?;
            let start = registry::start(libc::SIGCHLD, false, self.write_end.get())?;
            self.child_start.set(start);
        }
        Ok(())
    }

    pub fn unwatch_children(&self) {
        if self.child_start.get() != 0 {
            registry::stop(libc::SIGCHLD, self.child_start.replace(0));
        }
    }

    pub fn close(&self, loop_: &Loop) {
        self.watcher.deregister(&loop_.poller);
        for end in [&self.watcher.fd, &self.write_end] {
            if end.get() != -1 {
                let _ = sys::fd::close(end.replace(-1));
            }
        }
    }

    /// The pipe is shared with the parent process: makes a new one, and has the signals written
    /// to it from now on.
    pub fn after_fork(&self, loop_: &Loop) -> Result {
        self.close(loop_);
        let redirect = |signum, start| {
            self.open(loop_)?;
            registry::redirect(signum, start, self.write_end.get())
        };
        if self.child_start.get() != 0 {
            redirect(libc::SIGCHLD, self.child_start.get())?;
        }
        let mut next = self.active.front();
        while let Some(link) = next {
            // SAFETY: a handle in the list is active, hence alive, and stays in it here.
            let signal = unsafe {
                next = self.active.after(link);
                &*container_of!(link, Signal, link)
            };
            redirect(signal.signum.get(), signal.start.get())?;
        }
        Ok(())
    }

    /// The handle that is called after the one at `previous` for a signal: first those that stay,
    /// then the one-shot ones, either in the order of their addresses, as libuv has it.
    fn after(&self, previous: Position, caught: &Caught) -> Option<(Position, *const Signal)> {
        let mut found = None;
        let mut next = self.active.front();
        while let Some(link) = next {
            // SAFETY: a handle in the list is active, hence alive.
            let signal = unsafe {
                next = self.active.after(link);
                &*container_of!(link, Signal, link)
            };
            let watches =
                signal.signum.get() == caught.signum && signal.start.get() <= caught.starts;
            let position = signal.position();
            if watches && position > previous && found.is_none_or(|(first, _)| position < first) {
                found = Some((position, core::ptr::from_ref(signal)));
            }
        }
        found
    }

    /// Makes the callbacks for the signals that were caught. True when a child of the loop may
    /// have ended.
    pub fn dispatch(&self) -> bool {
        if !self.caught.take() {
            return false;
        }
        let mut child_ended = false;
        let mut messages = [0; 64 * Caught::SIZE];
        // The pipe's edge is not repeated, so it is read until it is empty.
        while let Ok(length @ 1..) = sys::fd::read_bytes(self.watcher.fd.get(), &mut messages) {
            for message in messages[..length].chunks_exact(Caught::SIZE) {
                let caught = Caught::from_bytes(message.try_into().unwrap_or_default());
                child_ended |= caught.signum == libc::SIGCHLD && self.child_start.get() != 0;
                let mut position = (false, 0);
                // Callbacks start, stop and close handles, so the next is looked for after each.
                while let Some((next, signal)) = self.after(position, &caught) {
                    position = next;
                    // SAFETY: it is in the list of active handles.
                    unsafe { &*signal }.caught(caught.signum);
                }
            }
            if length < messages.len() {
                break;
            }
        }
        child_ended
    }
}

// SAFETY: the watcher is at the offset given, and the loop's state is reached through shared
// references.
unsafe impl EventHandler for LoopSignals {
    const OFFSET: usize = core::mem::offset_of!(LoopSignals, watcher);

    fn on_event(&self, _: &Event) {
        self.caught.set(true);
    }
}

/// Whether a handle is one-shot, and its address.
type Position = (bool, usize);

impl Signal {
    fn start(&self, callback: uv_signal_cb, signum: c_int, one_shot: bool) -> Result {
        if self.handle.is_closing() || signum == 0 {
            return Err(Error::EINVAL);
        }
        if signum == self.signum.get() {
            self.callback.set(callback);
            return Ok(());
        }
        self.stop();
        let loop_ = self.handle.loop_();
        loop_.signals.open(loop_)?;
        let start = registry::start(signum, one_shot, loop_.signals.write_end.get())?;
        self.start.set(start);
        self.signum.set(signum);
        self.callback.set(callback);
        self.handle.clear(flag::SIGNAL_ONE_SHOT);
        if one_shot {
            self.handle.set(flag::SIGNAL_ONE_SHOT);
        }
        // SAFETY: a stopped handle is in no list; closing it stops it.
        unsafe { loop_.signals.active.push_back(&self.link) };
        self.handle.activate();
        Ok(())
    }

    fn position(&self) -> Position {
        (self.handle.has(flag::SIGNAL_ONE_SHOT), core::ptr::from_ref(self).addr())
    }

    fn caught(&self, signum: c_int) {
        let start = self.start.get();
        let one_shot = self.handle.has(flag::SIGNAL_ONE_SHOT);
        if let Some(callback) = self.callback.get() {
            let this = core::ptr::from_ref(self).cast_mut().cast();
            // SAFETY: the user's function, called with the handle that it was given for.
            call_user(|| unsafe { callback(this, signum) });
        }
        // Closing is not finished within a callback, so the handle is still there; but the
        // callback may have started it anew.
        if one_shot && self.start.get() == start {
            self.stop();
        }
    }

    pub fn stop(&self) {
        if self.signum.get() != 0 {
            registry::stop(self.signum.replace(0), self.start.replace(0));
            self.link.unlink();
            self.handle.deactivate();
        }
    }
}

/// Initialises a signal handle. Returns 0 or an error code.
///
/// Loop thread only, as all signal functions; several loops may watch the same signal.
/// See <https://docs.libuv.org/en/v1.x/signal.html#c.uv_signal_init>.
///
/// # Safety
/// `loop` is an initialised loop and `handle` is memory for the handle, alive until it is closed.
#[no_mangle]
pub unsafe extern "C" fn uv_signal_init(r#loop: *mut uv_loop_t, handle: *mut uv_signal_t) -> c_int {
    let signal = handle.cast::<Signal>();
    // SAFETY: the caller's contract.
    unsafe {
        Handle::init(signal, Loop::of(r#loop), UV_SIGNAL, |handle| Signal {
            handle,
            callback: Cell::new(None),
            signum: Cell::new(0),
            padding: padding(),
            link: Link::new(),
            start: Cell::new(0),
        });
    }
    0
}

/// Calls `signal_cb` whenever the process receives the signal, instead of the signal's default
/// action, which comes back when the last handle for the signal stops.
///
/// Returns 0, or `UV_EINVAL` for a number that is no signal or cannot be caught.
/// See <https://docs.libuv.org/en/v1.x/signal.html#c.uv_signal_start>.
///
/// # Safety
/// `handle` is an initialised signal handle that is not closed.
#[no_mangle]
pub unsafe extern "C" fn uv_signal_start(
    handle: *mut uv_signal_t,
    signal_cb: uv_signal_cb,
    signum: c_int,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { Signal::of(handle) }.start(signal_cb, signum, false).into_c()
}

/// As `uv_signal_start()`, but the handle stops when the signal was received once.
///
/// See <https://docs.libuv.org/en/v1.x/signal.html#c.uv_signal_start_oneshot>.
///
/// # Safety
/// `handle` is an initialised signal handle that is not closed.
#[no_mangle]
pub unsafe extern "C" fn uv_signal_start_oneshot(
    handle: *mut uv_signal_t,
    signal_cb: uv_signal_cb,
    signum: c_int,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { Signal::of(handle) }.start(signal_cb, signum, true).into_c()
}

/// Stops a signal handle; stopping twice is harmless. Returns 0.
///
/// See <https://docs.libuv.org/en/v1.x/signal.html#c.uv_signal_stop>.
///
/// # Safety
/// `handle` is an initialised signal handle that is not closed.
#[no_mangle]
pub unsafe extern "C" fn uv_signal_stop(handle: *mut uv_signal_t) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { Signal::of(handle) }.stop();
    0
}
