//! Signal handles.
//!
//! The signal handler of the process (`src/signal/`) writes a message to a pipe of each loop that watches
//! the signal; the loop reads the messages and calls the callbacks.
//!
//! As in libuv, a handle is called for a signal if it watched that signal when it was caught and watches it
//! when it is dispatched, whatever it watched between. A message holds the number of starts and stops of
//! signal handles in the process before it, so that a handle started later is not called. A handle that is
//! stopped while messages wait is remembered until they are dispatched ([`Past`]).

use super::unread::{zeroed, Unread};
use super::{flag, Handle};
use crate::abi::*;
use crate::check::{self, Draw, Shuffle};
use crate::event_loop::Loop;
use crate::ffi::{call_user, overlay, padding, Overlay, Padding};
use crate::list::{container_of, Link, List};
use crate::memory::{self, Array};
use crate::observe::layout::Callback;
use crate::observe::{layout, offsets};
use crate::poller::{EventHandler, Watcher};
use crate::signal::{self as registry, Message};
use crate::sys;
use core::cell::Cell;
use core::ffi::c_int;
use mio::event::Event;
use mio::Interest;

#[repr(C)]
pub struct Signal {
    handle: Handle,
    callback: Cell<uv_signal_cb>,
    /// The watched signal, or 0.
    signum: Cell<c_int>,
    padding: Padding<4>,
    link: Link,
    /// The number of this start of a signal handle in the process.
    start: Cell<u64>,
}

pub const OFFSETS: layout::SignalOffsets =
    offsets!(SignalOffsets, Signal { callback: callback, signum: signum });

/// An earlier start of a handle, which was stopped while messages waited.
#[derive(Clone, Copy)]
struct Past {
    /// Null when the handle is closed.
    handle: *const Signal,
    signum: c_int,
    start: u64,
    stop: u64,
}

overlay!(Signal { handle, callback, signum, padding, link, start } => uv_signal_t);
const _: () = {
    use core::mem::offset_of;
    assert!(offset_of!(Signal, callback) == offset_of!(uv_signal_t, signal_cb));
    assert!(offset_of!(Signal, signum) == offset_of!(uv_signal_t, signum));
};

/// The state of a loop's signal handles.
pub struct LoopSignals {
    /// The reading end of the pipe; its descriptor is -1 until a handle is started.
    watcher: Watcher,
    write_end: Cell<c_int>,
    active: List,
    /// The number of the start that watches SIGCHLD for the loop's process handles, or 0.
    child_start: Cell<u64>,
    /// Whether the pipe is readable. Its messages are dispatched after the other events of a batch.
    readable: Cell<bool>,
    /// Null until a handle is started.
    dispatch: Cell<*const Dispatch>,
}

/// The state of [`LoopSignals::dispatch`], which continues after a callback that left the loop by an
/// exception.
#[repr(C)]
struct Dispatch {
    messages: Unread<{ 64 * Message::SIZE }>,
    /// The handle called last for the first message.
    position: Cell<Position>,
    /// The start of the one-shot handle whose callback runs, or 0.
    one_shot: Cell<u64>,
    child_ended: Cell<bool>,
    /// Empty when no messages wait. It has room for the active handles, as stopping needs no memory.
    past: Cell<Array<Past>>,
    active: Cell<usize>,
}

impl Dispatch {
    /// Puts the messages into a drawn order, in which those of one signal stay in theirs.
    #[cold]
    fn shuffle(&self, shuffle: &Shuffle) {
        let round = shuffle.next(Draw::Signal, 0);
        self.messages.sort_rest::<{ Message::SIZE }>(|bytes| {
            let signum = Message::from_bytes(*bytes).signum;
            shuffle.rank(Draw::Signal, round ^ signum as u64)
        });
    }
}

impl LoopSignals {
    pub const fn new() -> Self {
        LoopSignals {
            watcher: Watcher::new::<LoopSignals>(-1),
            write_end: Cell::new(-1),
            active: List::new(),
            child_start: Cell::new(0),
            readable: Cell::new(false),
            dispatch: Cell::new(core::ptr::null()),
        }
    }

    fn open(&self, loop_: &Loop) -> Result {
        if self.write_end.get() != -1 {
            // The parent reads an inherited pipe. Without an active handle this closes it only.
            loop_.make_own()?;
            if self.write_end.get() != -1 {
                return Ok(());
            }
        }
        if self.dispatch.get().is_null() {
            // SAFETY: a zeroed `Dispatch` has no messages and no position.
            self.dispatch.set(unsafe { zeroed()? });
        }
        let [read_end, write_end] = sys::fd::pipe_nonblocking()?;
        self.watcher.fd.set(read_end);
        self.write_end.set(write_end);
        let armed = self.watcher.arm(&loop_.poller, Interest::READABLE);
        armed.inspect_err(|_| self.close_pipe(loop_))
    }

    /// Returns whether SIGCHLD is watched for the loop's process handles.
    pub fn watches_children(&self) -> bool {
        self.child_start.get() != 0
    }

    /// Watches SIGCHLD, so that `dispatch` returns true when a child may have ended.
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

    /// Releases all resources when the loop is closed.
    pub fn close(&self, loop_: &Loop) {
        self.close_pipe(loop_);
        self.with_past(|all| *all = Array::new());
        // SAFETY: NULL or from `memory`, and not used again.
        unsafe { memory::free(self.dispatch.replace(core::ptr::null()).cast_mut().cast()) };
    }

    fn close_pipe(&self, loop_: &Loop) {
        self.watcher.deregister(&loop_.poller);
        for end in [&self.watcher.fd, &self.write_end] {
            if end.get() != -1 {
                let _ = sys::fd::close(end.replace(-1));
            }
        }
    }

    fn dispatch_state(&self) -> Option<&Dispatch> {
        // SAFETY: NULL, or allocated with the pipe and freed when the loop is closed.
        unsafe { self.dispatch.get().as_ref() }
    }

    fn with_past<T>(&self, body: impl FnOnce(&mut Array<Past>) -> T) -> Option<T> {
        let dispatch = self.dispatch_state()?;
        let mut all = dispatch.past.replace(Array::new());
        let result = body(&mut all);
        dispatch.past.set(all);
        Some(result)
    }

    /// Makes room for one more active handle.
    fn reserve_past(&self) -> Result {
        let active = self.dispatch_state().map_or(0, |dispatch| dispatch.active.get());
        self.with_past(|all| all.reserve(active + 1)).unwrap_or(Ok(()))
    }

    fn count_active(&self, change: isize) {
        if let Some(dispatch) = self.dispatch_state() {
            dispatch.active.set(dispatch.active.get().wrapping_add_signed(change));
        }
    }

    /// Remembers a start that ends, if messages wait, which may be for it.
    fn push_past(&self, past: Past) {
        if self.has_messages() {
            // There is room.
            let _ = self.with_past(|all| all.push(past));
        } else {
            self.clear_past();
        }
    }

    fn has_messages(&self) -> bool {
        self.dispatch_state().is_some_and(|dispatch| !dispatch.messages.rest().is_empty())
            || sys::fd::unread(self.watcher.fd.get()) != Ok(0)
    }

    /// Forgets the starts of a handle that is being closed.
    fn forget_past(&self, handle: *const Signal) {
        self.with_past(|all| {
            for past in all.iter_mut().filter(|past| past.handle == handle) {
                past.handle = core::ptr::null();
            }
        });
    }

    fn clear_past(&self) {
        self.with_past(|all| while all.pop().is_some() {});
    }

    /// Returns whether a message is for an earlier start of the handle.
    fn is_for_past(&self, handle: *const Signal, message: &Message) -> bool {
        let is_for = |past: &Past| {
            past.handle == handle
                && past.signum == message.signum
                && (past.start..past.stop).contains(&message.starts)
        };
        self.with_past(|all| all.iter().any(is_for)).unwrap_or(false)
    }

    /// Replaces the pipe, which the parent process shares, in the child of a fork.
    pub fn after_fork(&self, loop_: &Loop) -> Result {
        self.close_pipe(loop_);
        self.clear_past();
        let redirect = |signum, start| {
            self.open(loop_)?;
            registry::redirect(signum, start, self.write_end.get())
        };
        if self.child_start.get() != 0 {
            redirect(libc::SIGCHLD, self.child_start.get())?;
        }
        for signal in self.active_handles() {
            redirect(signal.signum.get(), signal.start.get())?;
        }
        Ok(())
    }

    /// Returns the handle to call after the one at `previous` for a signal. As in libuv, one-shot handles come
    /// last, and both kinds are in the order of their addresses.
    fn after(&self, previous: Position, message: &Message) -> Option<(Position, *const Signal)> {
        self.active_handles()
            .filter(|signal| signal.watches(message))
            .map(|signal| (signal.position(), core::ptr::from_ref(signal)))
            .filter(|&(position, _)| position > previous)
            .min_by_key(|&(position, _)| position)
    }

    /// Iterates over the active handles. The handle that is visited may be stopped.
    fn active_handles(&self) -> impl Iterator<Item = &Signal> {
        // SAFETY: the next link is taken before a handle is visited, and is that of an active handle.
        core::iter::successors(self.active.front(), |&link| unsafe { self.active.after(link) })
            // SAFETY: a handle in the list is active, hence alive.
            .map(|link| unsafe { &*container_of!(link, Signal, link) })
    }

    /// Calls the callbacks for received signals. Returns true when a child of the loop may have ended, as
    /// its callback comes before those of later signals; `dispatch` goes on with them when it is called again.
    pub fn dispatch(&self, shuffle: &Shuffle) -> bool {
        if !self.readable.get() {
            return false;
        }
        let Some(dispatch) = self.dispatch_state() else { return false };
        if dispatch.child_ended.take() {
            return true;
        }
        loop {
            while let Some(bytes) = dispatch.messages.rest().first_chunk() {
                let message = Message::from_bytes(*bytes);
                if message.signum == libc::SIGCHLD && self.child_start.get() != 0 {
                    dispatch.child_ended.set(true);
                }
                // Callbacks start, stop and close handles, so the next one is searched for after each.
                while let Some((next, signal)) = self.after(dispatch.position.get(), &message) {
                    dispatch.position.set(next);
                    // SAFETY: `after` returns a handle in the list, which is active, hence alive.
                    unsafe { &*signal }.call(message.signum, &dispatch.one_shot);
                }
                dispatch.position.set((false, 0));
                dispatch.messages.advance(Message::SIZE);
                if dispatch.child_ended.take() {
                    return true;
                }
            }
            // The pipe is edge-triggered, so it is read until it is empty.
            let all = dispatch.messages.had_room(1);
            if all || !dispatch.messages.fill(self.watcher.fd.get()) {
                break;
            }
            if shuffle.is_on() {
                dispatch.shuffle(shuffle);
            }
        }
        dispatch.messages.clear();
        self.clear_past();
        self.readable.set(false);
        false
    }

    /// Returns whether the received signals are held back until the next iteration.
    pub fn hold(&self, loop_: &Loop) -> bool {
        let holds = self.readable.get() && loop_.poller.shuffle.holds_signals();
        if holds {
            // A requeued watcher keeps the poll phase from waiting.
            loop_.requeue(&self.watcher);
        }
        holds
    }

    /// Queues for the next poll phase the messages and ended processes that were not dispatched because a
    /// callback left the loop by an exception.
    pub fn requeue(&self, loop_: &Loop) {
        let Some(dispatch) = self.dispatch_state() else { return };
        let start = dispatch.one_shot.take();
        if let Some(signal) = self.active_handles().find(|it| start != 0 && it.start.get() == start)
        {
            signal.stop();
        }
        if !loop_.state.ended.is_empty() {
            dispatch.child_ended.set(true);
            self.readable.set(true);
        }
        if self.readable.get() {
            // A requeued watcher keeps the poll phase from waiting.
            loop_.requeue(&self.watcher);
        }
    }
}

// SAFETY: the watcher is at `OFFSET`, and the loop's state is accessed through shared references.
unsafe impl EventHandler for LoopSignals {
    const OFFSET: usize = core::mem::offset_of!(LoopSignals, watcher);

    fn on_event(&self, _: &Event) {
        self.readable.set(true);
    }
}

/// The order of calls: whether a handle is one-shot, then its address or, shuffled, its rank.
type Position = (bool, usize);

impl Signal {
    fn start(&self, callback: uv_signal_cb, signum: c_int, one_shot: bool) -> Result {
        check::handle_starting(self);
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
        loop_.signals.reserve_past()?;
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
        loop_.signals.count_active(1);
        self.handle.activate();
        Ok(())
    }

    /// Returns whether a signal is for this handle.
    fn watches(&self, message: &Message) -> bool {
        self.signum.get() == message.signum
            && (self.start.get() <= message.starts
                || self.handle.loop_().signals.is_for_past(self, message))
    }

    fn position(&self) -> Position {
        let shuffle = &self.handle.loop_().poller.shuffle;
        let place = if shuffle.is_on() {
            shuffle.rank(Draw::SignalHandle, self.handle.number()) as usize
        } else {
            core::ptr::from_ref(self).addr()
        };
        (self.handle.has(flag::SIGNAL_ONE_SHOT), place)
    }

    fn call(&self, signum: c_int, running: &Cell<u64>) {
        let start = self.start.get();
        let one_shot = self.handle.has(flag::SIGNAL_ONE_SHOT);
        running.set(if one_shot { start } else { 0 });
        if let Some(callback) = self.callback.get() {
            let this = core::ptr::from_ref(self).cast_mut().cast();
            // SAFETY: the user's function, called with the handle that it was given for.
            call_user(
                self.handle.loop_(),
                Callback::Signal,
                self,
                callback as *const (),
                || unsafe { callback(this, signum) },
            );
        }
        // A handle is not freed before its close callback. The callback may have restarted it.
        running.set(0);
        if one_shot && self.start.get() == start {
            self.stop();
        }
    }

    pub fn stop(&self) {
        if let Some(past) = self.end_start() {
            self.handle.loop_().signals.push_past(past);
        }
    }

    pub fn close(&self) {
        self.end_start();
        self.handle.loop_().signals.forget_past(self);
    }

    fn end_start(&self) -> Option<Past> {
        let (handle, signum, start) = (self, self.signum.replace(0), self.start.replace(0));
        if signum == 0 {
            return None;
        }
        let stop = registry::stop(signum, start);
        self.handle.loop_().signals.count_active(-1);
        self.link.unlink();
        self.handle.deactivate();
        Some(Past { handle, signum, start, stop })
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
    // SAFETY: as documented.
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

/// Calls `signal_cb` when the process receives the signal. The default action of the signal is disabled until
/// the last handle for it stops.
///
/// Returns 0, or `UV_EINVAL` for an invalid signal number or a signal that cannot be caught.
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
    // SAFETY: as documented.
    unsafe { Signal::of(handle) }.start(signal_cb, signum, false).into_c()
}

/// Starts the handle as `uv_signal_start()` does, and stops it when the signal is received.
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
    // SAFETY: as documented.
    unsafe { Signal::of(handle) }.start(signal_cb, signum, true).into_c()
}

/// Stops a signal handle. Does nothing if it is not active. Returns 0.
///
/// See <https://docs.libuv.org/en/v1.x/signal.html#c.uv_signal_stop>.
///
/// # Safety
/// `handle` is an initialised signal handle that is not closed.
#[no_mangle]
pub unsafe extern "C" fn uv_signal_stop(handle: *mut uv_signal_t) -> c_int {
    // SAFETY: as documented.
    unsafe { Signal::of_stopping(handle) }.stop();
    0
}
