//! The state of an async handle that its senders and its loop share. `async_.rs` describes the
//! protocol.
//!
//! # Memory order
//!
//! libuv documents `uv_async_send()` as a full memory fence with respect to the handle's other sends
//! and its callbacks, coalesced sends included. For one handle acquire and release suffice for that:
//! every send and every callback begins with a read-modify-write of the same word. Those have one
//! order, and each sees all that came before the earlier ones in their threads.
//!
//! Programs rely on more: that a send is a full fence, as it is on the processors that libuv runs on.
//! A thread that writes `x`, sends and reads `y`, and another that writes `y`, sends to another
//! handle and reads `x`, must not both read the old value (store buffering). Only sequentially
//! consistent fences rule that out, so there is one in each send and one before each callback.

use crate::ffi::interior_mutable;
use crate::sync::atomic::{AtomicU32, Ordering};
use crate::sync::{fence_after_rmw, yield_now};
use core::cell::Cell;

/// The handle was sent to, and its callback has not begun.
const PENDING: u32 = 1;
/// Added for each push that has ended; the count may wrap.
const PUSHED: u32 = 2;

#[repr(C)]
pub struct Sends {
    state: AtomicU32,
    /// How often the loop took the handle off its stack, in the unit of the state.
    taken: Cell<u32>,
}

interior_mutable!(Sends { state, taken });

impl Sends {
    pub fn new() -> Sends {
        Sends { state: AtomicU32::new(0), taken: Cell::new(0) }
    }

    /// Records a send. If this returns true, the caller has to push the handle and then call
    /// [`Sends::finish_push`]. Any thread.
    pub fn begin(&self) -> bool {
        // A load does not suffice when the bit is set already: only a write puts this send before
        // the loop's clearing of the bit.
        let state = self.state.fetch_or(PENDING, Ordering::AcqRel);
        fence_after_rmw();
        state & PENDING == 0
    }

    /// Ends a push. The sender's last access to the handle.
    pub fn finish_push(&self) {
        self.state.fetch_add(PUSHED, Ordering::Release);
    }

    /// Called by the loop when it has taken the handle off its stack, right before the callback. The
    /// next send pushes the handle again.
    pub fn take(&self) {
        self.count_taken();
        self.state.fetch_and(!PENDING, Ordering::AcqRel);
        fence_after_rmw();
    }

    fn count_taken(&self) {
        self.taken.set(self.taken.get().wrapping_add(PUSHED));
    }

    /// Prevents further pushes and waits for the one under way. Returns whether the handle was pushed
    /// and not taken, in which case it is in a list of the loop.
    pub fn close(&self) -> bool {
        let was_pending = self.state.fetch_or(PENDING, Ordering::AcqRel) & PENDING != 0;
        if was_pending {
            self.count_taken();
        }
        // A push is a few instructions and at most one system call.
        while self.state.load(Ordering::Acquire) & !PENDING != self.taken.get() {
            yield_now();
        }
        was_pending
    }

    /// In the child of a fork, which has no senders: ends the pushes that the fork interrupted.
    /// Returns whether the handle is to be called back.
    pub fn after_fork(&self, closed: bool) -> bool {
        let pending = self.state.load(Ordering::Relaxed) & PENDING;
        let due = pending != 0 && !closed;
        let pushed = if due { PUSHED } else { 0 };
        self.state.store(self.taken.get().wrapping_add(pushed) | pending, Ordering::Relaxed);
        due
    }
}
