//! Idle, prepare and check handles: a callback in one phase of every iteration.

use super::Handle;
use crate::abi::*;
use crate::check;
use crate::event_loop::Loop;
use crate::ffi::{call_observed, call_unobserved, overlay, Object, Overlay};
use crate::list::{container_of, Link, List};
use crate::observe::layout::{self, phase, Callback};
use crate::observe::{self, offsets, Caller};
use core::cell::Cell;
use core::ffi::c_int;
use core::ptr;

/// An idle, prepare or check handle. The three types have the same layout and differ in their queue.
#[repr(C)]
pub struct LoopWatcher {
    handle: Handle,
    callback: Cell<HandleCallback>,
    link: Link,
}

/// The callback; those of the three types differ only in the type of the pointer.
type HandleCallback = uv_close_cb;
type Function = unsafe extern "C-unwind" fn(*mut uv_handle_t);

overlay!(LoopWatcher { handle, callback, link } => uv_idle_t);
overlay!(LoopWatcher => uv_prepare_t);
overlay!(LoopWatcher => uv_check_t);
const _: () = {
    use core::mem::offset_of;
    assert!(offset_of!(LoopWatcher, callback) == offset_of!(uv_idle_t, idle_cb));
    assert!(offset_of!(LoopWatcher, callback) == offset_of!(uv_prepare_t, prepare_cb));
    assert!(offset_of!(LoopWatcher, callback) == offset_of!(uv_check_t, check_cb));
};

pub const OFFSETS: layout::LoopWatcherOffsets =
    offsets!(LoopWatcherOffsets, LoopWatcher { callback: callback, link: link });

impl LoopWatcher {
    /// # Safety
    /// As for [`Handle::init`].
    unsafe fn init(at: *mut LoopWatcher, loop_: &Loop, kind: uv_handle_type) {
        // SAFETY: as documented.
        unsafe {
            Handle::init(at, loop_, kind, |handle| LoopWatcher {
                handle,
                callback: Cell::new(None),
                link: Link::new(),
            });
        }
    }

    fn queue(&self) -> &Queue {
        let loop_ = self.handle.loop_();
        match self.handle.kind() {
            UV_IDLE => &loop_.idle,
            UV_PREPARE => &loop_.prepare,
            _ => &loop_.check,
        }
    }

    /// Starts the handle, before all others of its type. An active handle keeps its callback.
    fn start(&self, callback: HandleCallback) -> Result {
        check::handle_starting(self);
        if self.handle.is_active() {
            return Ok(());
        }
        if callback.is_none() {
            return Err(Error::EINVAL);
        }
        // SAFETY: an inactive handle is in no queue; closing it unlinks it.
        unsafe { self.queue().handles.push_front(&self.link) };
        self.callback.set(callback);
        self.handle.activate();
        Ok(())
    }

    pub fn stop(&self) {
        if self.handle.is_active() {
            self.queue().remove(&self.link);
            self.handle.deactivate();
        }
    }
}

/// The active handles of one type.
pub struct Queue {
    handles: List,
    /// The link of the handle whose callback runs, or null. If the callback has stopped the handle: the next
    /// to be called or null, plus `MOVED`. Readers of other processes know this; see `layout::current`.
    running: Cell<*const Link>,
}

/// Added to the address of a link, which is a multiple of 8.
const MOVED: usize = 1;

/// The offset of `running`.
pub const RUNNING: usize = core::mem::offset_of!(Queue, running);

impl Queue {
    pub const fn new() -> Queue {
        Queue { handles: List::new(), running: Cell::new(ptr::null()) }
    }

    pub fn is_empty(&self) -> bool {
        self.handles.is_empty()
    }

    /// Returns the link after an active handle's, or null.
    ///
    /// # Safety
    /// `link` is in the queue.
    unsafe fn after(&self, link: *const Link) -> *const Link {
        // SAFETY: as documented.
        unsafe { self.handles.after(link) }.unwrap_or(ptr::null())
    }

    /// Removes an active handle.
    fn remove(&self, link: &Link) {
        let running = self.running.get();
        if ptr::eq(running, link) || ptr::eq(running, moved_to(link)) {
            // SAFETY: an active handle is in the queue.
            self.running.set(moved_to(unsafe { self.after(link) }));
        }
        link.unlink();
    }

    /// Calls every handle once. Those that callbacks start are placed before the first, so they are called
    /// in the next iteration. Returns whether there was any.
    #[inline(always)]
    pub fn run(&self, loop_: &Loop, kind: Callback) -> bool {
        let Some(first) = self.handles.front() else { return false };
        if observe::is_active() {
            self.run_observed(loop_, first, kind);
        } else {
            self.call_all(first, |watcher, callback, this| {
                let function = callback as *const ();
                // SAFETY: the user's function, called with the handle that it was given for.
                call_unobserved(watcher, function, || unsafe { callback(this) });
            });
        }
        true
    }

    /// As [`Queue::run`], while someone looks.
    #[cold]
    #[inline(never)]
    fn run_observed(&self, loop_: &Loop, first: *const Link, kind: Callback) {
        loop_.observer().phase(match kind {
            Callback::Idle => phase::IDLE,
            Callback::Prepare => phase::PREPARE,
            _ => phase::CHECK,
        });
        self.call_all(first, |watcher, callback, this| {
            let function = callback as *const ();
            // SAFETY: the user's function, called with the handle that it was given for.
            call_observed(loop_, kind, watcher.address(), function, || unsafe { callback(this) });
        });
    }

    #[inline(always)]
    fn call_all(
        &self,
        first: *const Link,
        call: impl Fn(&LoopWatcher, Function, *mut uv_handle_t),
    ) {
        let mut link = first;
        while !link.is_null() {
            // SAFETY: stopping or closing a handle removes it from the queue, so this one is alive.
            let watcher = unsafe { &*container_of!(link, LoopWatcher, link) };
            self.running.set(link);
            if let Some(callback) = watcher.callback.get() {
                call(watcher, callback, ptr::from_ref(watcher).cast_mut().cast());
            }
            link = if ptr::eq(self.running.get(), link) {
                // SAFETY: it was not removed.
                unsafe { self.after(link) }
            } else {
                self.running.get().map_addr(|address| address & !MOVED)
            };
        }
        // Ends the outer call too if a callback ran the loop again, which libuv forbids.
        self.running.set(ptr::null());
    }

    /// Forgets the running callback, which has left the loop by an exception.
    pub fn forget(&self) {
        self.running.set(ptr::null());
    }
}

/// Returns what `Queue::running` is after the callback has stopped its handle, if this is the next.
fn moved_to(next: *const Link) -> *const Link {
    next.map_addr(|address| address | MOVED)
}

/// Starts a handle with the callback of its type, converted to the common one.
macro_rules! start {
    ($handle:expr, $callback:expr, $type:ty) => {{
        // SAFETY: the callback types differ only in the type that their argument points to, and the
        // function is called with a pointer to that type.
        let callback = unsafe { core::mem::transmute::<$type, HandleCallback>($callback) };
        // SAFETY: as documented of the extern function.
        unsafe { LoopWatcher::of($handle) }.start(callback).into_c()
    }};
}

/// Initialises an idle handle. Cannot fail; returns 0.
///
/// Loop thread only, as all idle functions.
/// See <https://docs.libuv.org/en/v1.x/idle.html#c.uv_idle_init>.
///
/// # Safety
/// `loop` is an initialised loop and `idle` is memory for the handle, alive until it is closed.
#[no_mangle]
pub unsafe extern "C" fn uv_idle_init(r#loop: *mut uv_loop_t, idle: *mut uv_idle_t) -> c_int {
    // SAFETY: as documented.
    unsafe { LoopWatcher::init(idle.cast(), Loop::of(r#loop), UV_IDLE) };
    0
}

/// Calls `cb` once per loop iteration, before the prepare handles. While an idle handle is active the loop
/// does not wait for events. Does nothing if the handle is active.
///
/// Returns 0, or `UV_EINVAL` if `cb` is NULL.
/// See <https://docs.libuv.org/en/v1.x/idle.html#c.uv_idle_start>.
///
/// # Safety
/// `idle` is an initialised idle handle that is not closed.
#[no_mangle]
pub unsafe extern "C" fn uv_idle_start(idle: *mut uv_idle_t, cb: uv_idle_cb) -> c_int {
    start!(idle, cb, uv_idle_cb)
}

/// Stops an idle handle. Does nothing if it is not active. Returns 0.
///
/// See <https://docs.libuv.org/en/v1.x/idle.html#c.uv_idle_stop>.
///
/// # Safety
/// `idle` is an initialised idle handle that is not closed.
#[no_mangle]
pub unsafe extern "C" fn uv_idle_stop(idle: *mut uv_idle_t) -> c_int {
    // SAFETY: as documented.
    unsafe { LoopWatcher::of_stopping(idle) }.stop();
    0
}

/// Initialises a prepare handle. Cannot fail; returns 0.
///
/// Loop thread only, as all prepare functions.
/// See <https://docs.libuv.org/en/v1.x/prepare.html#c.uv_prepare_init>.
///
/// # Safety
/// `loop` is an initialised loop and `prepare` is memory for the handle, alive until it is closed.
#[no_mangle]
pub unsafe extern "C" fn uv_prepare_init(
    r#loop: *mut uv_loop_t,
    prepare: *mut uv_prepare_t,
) -> c_int {
    // SAFETY: as documented.
    unsafe { LoopWatcher::init(prepare.cast(), Loop::of(r#loop), UV_PREPARE) };
    0
}

/// Calls `cb` once per loop iteration, before the loop waits for events. Does nothing if the handle is
/// active.
///
/// Returns 0, or `UV_EINVAL` if `cb` is NULL.
/// See <https://docs.libuv.org/en/v1.x/prepare.html#c.uv_prepare_start>.
///
/// # Safety
/// `prepare` is an initialised prepare handle that is not closed.
#[no_mangle]
pub unsafe extern "C" fn uv_prepare_start(prepare: *mut uv_prepare_t, cb: uv_prepare_cb) -> c_int {
    start!(prepare, cb, uv_prepare_cb)
}

/// Stops a prepare handle. Does nothing if it is not active. Returns 0.
///
/// See <https://docs.libuv.org/en/v1.x/prepare.html#c.uv_prepare_stop>.
///
/// # Safety
/// `prepare` is an initialised prepare handle that is not closed.
#[no_mangle]
pub unsafe extern "C" fn uv_prepare_stop(prepare: *mut uv_prepare_t) -> c_int {
    // SAFETY: as documented.
    unsafe { LoopWatcher::of_stopping(prepare) }.stop();
    0
}

/// Initialises a check handle. Cannot fail; returns 0.
///
/// Loop thread only, as all check functions.
/// See <https://docs.libuv.org/en/v1.x/check.html#c.uv_check_init>.
///
/// # Safety
/// `loop` is an initialised loop and `check` is memory for the handle, alive until it is closed.
#[no_mangle]
pub unsafe extern "C" fn uv_check_init(r#loop: *mut uv_loop_t, check: *mut uv_check_t) -> c_int {
    // SAFETY: as documented.
    unsafe { LoopWatcher::init(check.cast(), Loop::of(r#loop), UV_CHECK) };
    0
}

/// Calls `cb` once per loop iteration, after the loop has waited for events. Does nothing if the handle is
/// active.
///
/// Returns 0, or `UV_EINVAL` if `cb` is NULL.
/// See <https://docs.libuv.org/en/v1.x/check.html#c.uv_check_start>.
///
/// # Safety
/// `check` is an initialised check handle that is not closed.
#[no_mangle]
pub unsafe extern "C" fn uv_check_start(check: *mut uv_check_t, cb: uv_check_cb) -> c_int {
    start!(check, cb, uv_check_cb)
}

/// Stops a check handle. Does nothing if it is not active. Returns 0.
///
/// See <https://docs.libuv.org/en/v1.x/check.html#c.uv_check_stop>.
///
/// # Safety
/// `check` is an initialised check handle that is not closed.
#[no_mangle]
pub unsafe extern "C" fn uv_check_stop(check: *mut uv_check_t) -> c_int {
    // SAFETY: as documented.
    unsafe { LoopWatcher::of_stopping(check) }.stop();
    0
}
