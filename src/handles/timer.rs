//! Timers.
//!
//! An active timer is in the loop's [`timers`](crate::event_loop::timers). When it is due it moves to a
//! list until its callback.

use super::Handle;
use crate::abi::*;
use crate::check::Draw;
use crate::event_loop::timers::{Node, Prefetcher};
use crate::event_loop::Loop;
use crate::ffi::{call_unobserved, call_user, overlay, Object, Overlay};
use crate::list::container_of;
use crate::observe::layout::Callback;
use crate::observe::layout::{self, phase};
use crate::observe::{self, offsets, Caller};
use core::cell::Cell;
use core::ffi::c_int;

#[repr(C)]
pub struct Timer {
    handle: Handle,
    callback: Cell<uv_timer_cb>,
    node: Node,
}

overlay!(Timer { handle, callback, node } => uv_timer_t);
const _: () = {
    use core::mem::offset_of;
    assert!(offset_of!(Timer, callback) == offset_of!(uv_timer_t, timer_cb));
    assert!(offset_of!(Timer, node.due) == offset_of!(uv_timer_t, timeout));
    assert!(offset_of!(Timer, node.repeat) == offset_of!(uv_timer_t, repeat));
};

pub const OFFSETS: layout::TimerOffsets = offsets!(
    TimerOffsets,
    Timer { callback: callback, due: node.due, repeat: node.repeat, link: node.link }
);

impl Timer {
    /// Initialises a timer at `at`.
    ///
    /// # Safety
    /// As for [`Handle::init`].
    unsafe fn init(at: *mut Timer, loop_: &Loop) {
        // SAFETY: as documented.
        unsafe {
            Handle::init(at, loop_, UV_TIMER, |handle| Timer {
                handle,
                callback: Cell::new(None),
                node: Node::new(),
            });
        }
    }

    /// Initialises a timer as a part of another handle: walks do not visit it, and it keeps no loop alive. It
    /// must be stopped before its memory is freed.
    ///
    /// # Safety
    /// As for [`Handle::init`].
    pub unsafe fn init_internal(at: *mut Timer, loop_: &Loop) {
        // SAFETY: as documented.
        unsafe {
            Timer::init(at, loop_);
            (*at).handle.make_internal();
        }
    }

    pub fn loop_(&self) -> &Loop {
        self.handle.loop_()
    }

    #[inline]
    pub fn start(&self, callback: uv_timer_cb, timeout: u64, repeat: u64) -> Result {
        if callback.is_none() || self.handle.is_closing() {
            return Err(Error::EINVAL);
        }
        self.unlink();
        self.callback.set(callback);
        self.node.repeat.set(repeat);
        let loop_ = self.handle.loop_();
        let now = loop_.now();
        // SAFETY: the node is unlinked, and closing unlinks it again before its memory is freed. A due time
        // beyond u64::MAX is never reached.
        unsafe { loop_.timers.insert(&self.node, now, now.saturating_add(timeout)) };
        self.handle.activate();
        Ok(())
    }

    pub fn stop(&self) {
        self.unlink();
        self.handle.deactivate();
    }

    /// Removes the timer from the loop's timers or the list of due ones.
    fn unlink(&self) {
        if self.handle.is_active() {
            // SAFETY: an active timer is in the loop's timers.
            unsafe { self.handle.loop_().timers.remove(&self.node) };
        } else {
            self.node.link.unlink();
        }
    }

    fn again(&self) -> Result {
        if self.callback.get().is_none() {
            return Err(Error::EINVAL);
        }
        let repeat = self.node.repeat.get();
        if repeat != 0 {
            // Fails for a closing timer, which libuv does not report.
            let _ = self.start(self.callback.get(), repeat, repeat);
        }
        Ok(())
    }
}

/// Calls the due timers. Those that the callbacks start are for the next call, however soon they are due.
/// Returns whether there were any.
pub fn run_due(loop_: &Loop) -> bool {
    let due = &loop_.state.timers;
    loop_.timers.take_due(loop_.now(), due);
    let shuffle = &loop_.poller.shuffle;
    if shuffle.is_on() {
        loop_.timers.shuffle(due, |number| shuffle.rank(Draw::Timer, number));
    }
    let mut prefetcher = Prefetcher::new();
    let mut at = due.front();
    let any = at.is_some();
    while let Some(link) = at {
        // SAFETY: a started timer is alive; all of these are in `due`, where no callback has run yet.
        unsafe {
            let timer = &*container_of!(link, Timer, node.link);
            timer.handle.deactivate();
            prefetcher.visit(&timer.node);
            at = due.after(link);
        }
    }
    if any {
        if observe::is_active() {
            call_due_observed(loop_);
        } else {
            call_due(loop_, |timer, callback, this| {
                loop_.set_current(timer.address().addr() as u64);
                // SAFETY: the user's function, called with the handle that it was given for.
                call_unobserved(timer, callback as *const (), || unsafe { callback(this) });
            });
        }
        loop_.set_current(0);
    }
    any
}

/// Calls the due timers while someone looks.
#[cold]
#[inline(never)]
fn call_due_observed(loop_: &Loop) {
    loop_.observer().phase(phase::TIMERS);
    call_due(loop_, |timer, callback, this| {
        // SAFETY: the user's function, called with the handle that it was given for.
        call_user(loop_, Callback::Timer, timer, callback as *const (), || unsafe {
            callback(this)
        });
    });
}

#[inline(always)]
fn call_due(
    loop_: &Loop,
    call: impl Fn(&Timer, unsafe extern "C-unwind" fn(*mut uv_timer_t), *mut uv_timer_t),
) {
    let due = &loop_.state.timers;
    while let Some(link) = due.pop_front() {
        // SAFETY: closing a timer unlinks it from `due`, so those in it are alive.
        let timer = unsafe { &*container_of!(link, Timer, node.link) };
        timer.node.prefetch_later();
        // A repeating timer is started before its callback, which may stop it. This fails only for a timer
        // without a callback, which is never due.
        let _ = timer.again();
        if let Some(callback) = timer.callback.get() {
            call(timer, callback, core::ptr::from_ref(timer).cast_mut().cast());
        }
    }
}

/// Restarts due timers that were not called because a callback has left the loop by an exception.
pub fn restart_due(loop_: &Loop) {
    while let Some(link) = loop_.state.timers.pop_front() {
        // SAFETY: closing a timer unlinks it from the list, so those in it are alive, and no longer in the
        // loop's timers.
        unsafe {
            let timer = &*container_of!(link, Timer, node.link);
            loop_.timers.insert(&timer.node, loop_.now(), timer.node.due.get());
            timer.handle.activate();
        }
    }
}

/// Initialises a timer. Cannot fail; returns 0.
///
/// `loop` and `handle` must not be NULL. Loop thread only, as all timer functions.
/// See <https://docs.libuv.org/en/v1.x/timer.html#c.uv_timer_init>.
///
/// # Safety
/// `loop` is an initialised loop and `handle` is memory for a timer, alive until it is closed.
#[no_mangle]
pub unsafe extern "C" fn uv_timer_init(r#loop: *mut uv_loop_t, handle: *mut uv_timer_t) -> c_int {
    // SAFETY: as documented.
    unsafe { Timer::init(handle.cast(), Loop::of(r#loop)) };
    0
}

/// Starts a timer, or restarts it if it is active: `cb` is called `timeout` milliseconds after the loop's
/// time (`uv_now()`), and then every `repeat` milliseconds unless `repeat` is 0.
///
/// Returns 0, or `UV_EINVAL` if `cb` is NULL or the handle is closing.
/// See <https://docs.libuv.org/en/v1.x/timer.html#c.uv_timer_start>.
///
/// # Safety
/// `handle` is an initialised timer that is not closed.
#[no_mangle]
pub unsafe extern "C" fn uv_timer_start(
    handle: *mut uv_timer_t,
    cb: uv_timer_cb,
    timeout: u64,
    repeat: u64,
) -> c_int {
    // SAFETY: as documented.
    unsafe { Timer::of(handle) }.start(cb, timeout, repeat).into_c()
}

/// Stops a timer: its callback is not called any more. Does nothing if it is not active. Returns 0.
///
/// See <https://docs.libuv.org/en/v1.x/timer.html#c.uv_timer_stop>.
///
/// # Safety
/// `handle` is an initialised timer that is not closed.
#[no_mangle]
pub unsafe extern "C" fn uv_timer_stop(handle: *mut uv_timer_t) -> c_int {
    // SAFETY: as documented.
    unsafe { Timer::of_stopping(handle) }.stop();
    0
}

/// Stops a timer and, if it repeats, starts it again with its repeat value as the timeout.
///
/// Returns 0, or `UV_EINVAL` if the timer was never started.
/// See <https://docs.libuv.org/en/v1.x/timer.html#c.uv_timer_again>.
///
/// # Safety
/// `handle` is an initialised timer that is not closed.
#[no_mangle]
pub unsafe extern "C" fn uv_timer_again(handle: *mut uv_timer_t) -> c_int {
    // SAFETY: as documented.
    unsafe { Timer::of(handle) }.again().into_c()
}

/// Sets the repeat interval in milliseconds; with 0 the timer does not repeat. It takes effect when the
/// timer is next due.
///
/// See <https://docs.libuv.org/en/v1.x/timer.html#c.uv_timer_set_repeat>.
///
/// # Safety
/// `handle` is an initialised timer that is not closed.
#[no_mangle]
pub unsafe extern "C" fn uv_timer_set_repeat(handle: *mut uv_timer_t, repeat: u64) {
    // SAFETY: as documented.
    unsafe { Timer::of(handle) }.node.repeat.set(repeat);
}

/// Returns the repeat interval in milliseconds.
///
/// See <https://docs.libuv.org/en/v1.x/timer.html#c.uv_timer_get_repeat>.
///
/// # Safety
/// `handle` is an initialised timer that is not closed.
#[no_mangle]
pub unsafe extern "C" fn uv_timer_get_repeat(handle: *const uv_timer_t) -> u64 {
    // SAFETY: as documented.
    unsafe { Timer::of_reading(handle) }.node.repeat.get()
}

/// Returns the time until the timer is due, in milliseconds from the loop's time; 0 if it is overdue.
///
/// See <https://docs.libuv.org/en/v1.x/timer.html#c.uv_timer_get_due_in>.
///
/// # Safety
/// `handle` is an initialised timer that is not closed.
#[no_mangle]
pub unsafe extern "C" fn uv_timer_get_due_in(handle: *const uv_timer_t) -> u64 {
    // SAFETY: as documented.
    let timer = unsafe { Timer::of_reading(handle) };
    timer.node.due.get().saturating_sub(timer.handle.loop_().now())
}
