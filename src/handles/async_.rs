//! Async handles: waking a loop from another thread or from a signal handler.
//!
//! A handle's `state` is a flag and a count. `PENDING` is set by the first sender and cleared right
//! before the callback, so that sends in between cost one load; the handle that was set pending is
//! pushed on the loop's stack, and the loop is woken when the stack was empty. The count says how
//! many senders are between those steps: `uv_close` waits for them, after which no other thread
//! touches the handle or its loop.
//!
//! | state                | the handle is                                    |
//! | -------------------- | ------------------------------------------------ |
//! | 0                    | in no list                                       |
//! | PENDING, count > 0   | about to be pushed, or pushed                    |
//! | PENDING, count 0     | on the loop's stack or in its list of those due  |
//! | count > 0            | being called back while a sender wakes the loop  |
//!
//! Closing sets `PENDING` for good.

use super::{call_user, overlay, Handle, Overlay};
use crate::abi::*;
use crate::event_loop::queue::{container_of, Link};
use crate::event_loop::Loop;
use crate::sys;
use core::cell::Cell;
use core::ffi::c_int;
use core::sync::atomic::{fence, AtomicU32, Ordering};

#[repr(C)]
pub struct Async {
    handle: Handle,
    callback: Cell<uv_async_cb>,
    link: Link,
    state: AtomicU32,
}

overlay!(Async => uv_async_t);
const _: () =
    assert!(core::mem::offset_of!(Async, callback) == core::mem::offset_of!(uv_async_t, async_cb));

const PENDING: u32 = 1;
const SENDER: u32 = 2;

impl Async {
    /// Any thread.
    fn send(&self) {
        // Orders what the sender wrote before the look at the flag; the counterpart is in
        // `run_due`. Either the loop's callback sees the data, or this thread sees the flag clear.
        fence(Ordering::SeqCst);
        let mut state = self.state.load(Ordering::Relaxed);
        loop {
            if state & PENDING != 0 {
                return;
            }
            match self.state.compare_exchange_weak(
                state,
                (state | PENDING) + SENDER,
                Ordering::SeqCst,
                Ordering::Relaxed,
            ) {
                Ok(_) => break,
                Err(now) => state = now,
            }
        }
        let remote = &self.handle.loop_().remote;
        // SAFETY: whoever sets PENDING is alone in pushing the handle. It stays alive until
        // `close` has seen the count drop.
        if unsafe { remote.asyncs.push(&self.link) } {
            remote.wake();
        }
        self.state.fetch_sub(SENDER, Ordering::Release);
    }

    pub fn close(&self) {
        // The flag stays: sends to a handle that is being closed, a mistake that libuv forgives,
        // find it pending already.
        let was_pending = self.state.fetch_or(PENDING, Ordering::SeqCst) & PENDING != 0;
        // Senders are a few instructions and one system call away from being done.
        while self.state.load(Ordering::Acquire) >= SENDER {
            std::thread::yield_now();
        }
        if was_pending {
            let loop_ = self.handle.loop_();
            loop_.remote.asyncs.take_into(&loop_.due_asyncs);
            self.link.unlink();
            // If others were taken off the stack with it they still have to be called.
            if !loop_.due_asyncs.is_empty() {
                loop_.remote.wake();
            }
        }
        self.handle.deactivate();
    }
}

/// Calls back every handle that was sent to before this call began.
pub fn run_due(loop_: &Loop) {
    loop_.remote.asyncs.take_into(&loop_.due_asyncs);
    while let Some(link) = loop_.due_asyncs.pop_front() {
        // SAFETY: closing a handle takes it out of the list, so what is in there is alive.
        let handle = unsafe { &*container_of!(link, Async, link) };
        handle.state.fetch_and(!PENDING, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        if let Some(callback) = handle.callback.get() {
            let this = core::ptr::from_ref(handle).cast_mut().cast();
            // SAFETY: the user's function, called with the handle that it was given for.
            call_user(|| unsafe { callback(this) });
        }
    }
}

/// Initialises an async handle, which is active at once. `async_cb` may be NULL: sending then
/// only wakes the loop.
///
/// Returns 0 or an error code. Loop thread only.
/// See <https://docs.libuv.org/en/v1.x/async.html#c.uv_async_init>.
///
/// # Safety
/// `loop` is an initialised loop and `async` is memory for the handle, alive until it is closed.
#[no_mangle]
pub unsafe extern "C" fn uv_async_init(
    r#loop: *mut uv_loop_t,
    r#async: *mut uv_async_t,
    async_cb: uv_async_cb,
) -> c_int {
    let handle = r#async.cast::<Async>();
    // SAFETY: the caller's contract.
    unsafe {
        Handle::init(handle.cast(), Loop::of(r#loop), UV_ASYNC);
        (&raw mut (*handle).callback).write(Cell::new(async_cb));
        (&raw mut (*handle).link).write(Link::new());
        (&raw mut (*handle).state).write(AtomicU32::new(0));
        (*handle).handle.activate();
    }
    0
}

/// Wakes the loop and has it call the handle's callback on its own thread. Sends that come before
/// the callback runs are one: it is called at least once after the last send.
///
/// Any thread, and signal handlers: it does not block, allocate or change errno. Everything that
/// the sender wrote before is seen by the callback. Returns 0.
/// See <https://docs.libuv.org/en/v1.x/async.html#c.uv_async_send>.
///
/// # Safety
/// `async` is an initialised async handle that `uv_close()` was not called for.
#[no_mangle]
pub unsafe extern "C" fn uv_async_send(r#async: *mut uv_async_t) -> c_int {
    let errno = sys::errno();
    // SAFETY: the caller's contract.
    unsafe { Async::of(r#async) }.send();
    sys::set_errno(errno);
    0
}
