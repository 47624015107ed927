//! Timers.
//!
//! A timer is in one of three places: among the loop's [`timers`](crate::event_loop::timers) while
//! it is active; in the list of those that are due, between the moment the loop finds it due and its
//! callback; or in neither.

use super::Handle;
use crate::abi::*;
use crate::event_loop::timers::{Node, Prefetcher};
use crate::event_loop::Loop;
use crate::ffi::{call_user, overlay, Overlay};
use crate::list::container_of;
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

impl Timer {
    /// Makes the memory at `at` a timer.
    ///
    /// # Safety
    /// As for [`Handle::init`].
    unsafe fn init(at: *mut Timer, loop_: &Loop) {
        // SAFETY: the caller's contract.
        unsafe {
            Handle::init(at, loop_, UV_TIMER, |handle| Timer {
                handle,
                callback: Cell::new(None),
                node: Node::new(),
            });
        }
    }

    /// As [`Timer::init`], for a part of another handle: the user does not see it, and it keeps no
    /// loop alive. [`Timer::close`] is all that it needs at its end.
    ///
    /// # Safety
    /// As for [`Handle::init`].
    pub unsafe fn init_internal(at: *mut Timer, loop_: &Loop) {
        // SAFETY: the caller's contract.
        unsafe {
            Timer::init(at, loop_);
            (*at).handle.hide();
        }
    }

    pub fn loop_(&self) -> &Loop {
        self.handle.loop_()
    }

    pub fn start(&self, callback: uv_timer_cb, timeout: u64, repeat: u64) -> Result {
        if callback.is_none() || self.handle.is_closing() {
            return Err(Error::EINVAL);
        }
        self.leave();
        self.callback.set(callback);
        self.node.repeat.set(repeat);
        let loop_ = self.handle.loop_();
        let now = loop_.now();
        // SAFETY: `leave` has taken it out of what it was in, as closing does before its memory goes.
        // A timeout past the end of time never comes.
        unsafe { loop_.timers.insert(&self.node, now, now.saturating_add(timeout)) };
        self.handle.activate();
        Ok(())
    }

    pub fn stop(&self) {
        self.leave();
        self.handle.deactivate();
    }

    /// Takes the timer out of what it is in, if anything.
    fn leave(&self) {
        if self.handle.is_active() {
            // SAFETY: an active timer is among the loop's.
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
            // Of a timer that is closing libuv says nothing here.
            let _ = self.start(self.callback.get(), repeat, repeat);
        }
        Ok(())
    }
}

/// Runs the timers that are due. Those that the callbacks start wait for the next round, however
/// soon they are due.
pub fn run_due(loop_: &Loop) {
    let due = &loop_.unfinished.timers;
    loop_.timers.take_due(loop_.now(), due);
    let mut prefetcher = Prefetcher::new();
    let mut at = due.front();
    while let Some(link) = at {
        // SAFETY: a timer that was started is alive, and so far all are in `due`.
        unsafe {
            let timer = &*container_of!(link, Timer, node.link);
            timer.handle.deactivate();
            prefetcher.visit(&timer.node);
            at = due.after(link);
        }
    }
    while let Some(link) = due.pop_front() {
        // SAFETY: closing a timer takes it out of `due`, so what is in there is alive.
        let timer = unsafe { &*container_of!(link, Timer, node.link) };
        timer.node.prefetch_later();
        // A repeating timer is started again first: its callback may stop it. One that was never
        // given a callback is not here, so this does not fail.
        let _ = timer.again();
        if let Some(callback) = timer.callback.get() {
            let this = core::ptr::from_ref(timer).cast_mut().cast();
            // SAFETY: the user's function, called with the handle that it was given for.
            call_user(|| unsafe { callback(this) });
        }
    }
}

/// Starts timers again that are due and have not been called back, as a callback has left the loop.
pub fn restart_due(loop_: &Loop) {
    while let Some(link) = loop_.unfinished.timers.pop_front() {
        // SAFETY: closing a timer takes it out of the list, so what is in there is alive, and among
        // the loop's timers no longer.
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
    // SAFETY: the caller's contract.
    unsafe { Timer::init(handle.cast(), Loop::of(r#loop)) };
    0
}

/// Starts a timer, or starts it anew if it is active: the callback runs `timeout` milliseconds
/// after the loop's current time (`uv_now()`), and then every `repeat` milliseconds unless
/// `repeat` is 0.
///
/// Returns 0, or `UV_EINVAL` when `cb` is NULL or the handle is closing.
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
    // SAFETY: the caller's contract.
    unsafe { Timer::of(handle) }.start(cb, timeout, repeat).into_c()
}

/// Stops a timer: its callback is not called any more. Stopping twice is harmless. Returns 0.
///
/// See <https://docs.libuv.org/en/v1.x/timer.html#c.uv_timer_stop>.
///
/// # Safety
/// `handle` is an initialised timer that is not closed.
#[no_mangle]
pub unsafe extern "C" fn uv_timer_stop(handle: *mut uv_timer_t) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { Timer::of(handle) }.stop();
    0
}

/// Stops a timer and, if it repeats, starts it again with its repeat value as the timeout.
///
/// Returns 0, or `UV_EINVAL` when the timer was never started.
/// See <https://docs.libuv.org/en/v1.x/timer.html#c.uv_timer_again>.
///
/// # Safety
/// `handle` is an initialised timer that is not closed.
#[no_mangle]
pub unsafe extern "C" fn uv_timer_again(handle: *mut uv_timer_t) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { Timer::of(handle) }.again().into_c()
}

/// Sets the repeat interval in milliseconds; 0 makes the timer run once. It is used from the next
/// time the timer is due.
///
/// See <https://docs.libuv.org/en/v1.x/timer.html#c.uv_timer_set_repeat>.
///
/// # Safety
/// `handle` is an initialised timer that is not closed.
#[no_mangle]
pub unsafe extern "C" fn uv_timer_set_repeat(handle: *mut uv_timer_t, repeat: u64) {
    // SAFETY: the caller's contract.
    unsafe { Timer::of(handle) }.node.repeat.set(repeat);
}

/// The repeat interval in milliseconds.
///
/// See <https://docs.libuv.org/en/v1.x/timer.html#c.uv_timer_get_repeat>.
///
/// # Safety
/// `handle` is an initialised timer that is not closed.
#[no_mangle]
pub unsafe extern "C" fn uv_timer_get_repeat(handle: *const uv_timer_t) -> u64 {
    // SAFETY: the caller's contract.
    unsafe { Timer::of(handle) }.node.repeat.get()
}

/// How many milliseconds from the loop's current time the timer is due; 0 when it is overdue.
///
/// See <https://docs.libuv.org/en/v1.x/timer.html#c.uv_timer_get_due_in>.
///
/// # Safety
/// `handle` is an initialised timer that is not closed.
#[no_mangle]
pub unsafe extern "C" fn uv_timer_get_due_in(handle: *const uv_timer_t) -> u64 {
    // SAFETY: the caller's contract.
    let timer = unsafe { Timer::of(handle) };
    timer.node.due.get().saturating_sub(timer.handle.loop_().now())
}
