//! What senders and the loop know of an async handle: the part of it that is touched by several
//! threads. The protocol is described in `async_.rs`.

use crate::ffi::interior_mutable;
use crate::sync::atomic::{AtomicU32, Ordering};
use crate::sync::yield_now;
use core::cell::Cell;

/// Somebody has sent, and the callback has not begun.
const PENDING: u32 = 1;
/// What is added for each push that is over; the count may wrap.
const SENT: u32 = 2;

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

    /// Takes note that somebody sends; true for the one who has to push the handle and then call
    /// [`Sends::pushed`]. Any thread.
    pub fn begin(&self) -> bool {
        // An operation that writes even when the bit is set already: only then does the loop's
        // clearing of the bit come after everything that this thread wrote before.
        self.state.fetch_or(PENDING, Ordering::AcqRel) & PENDING == 0
    }

    /// The last that a sender does with the handle.
    pub fn pushed(&self) {
        self.state.fetch_add(SENT, Ordering::Release);
    }

    /// The loop has the handle off its stack and is about to call it back: the next to send pushes
    /// it again.
    pub fn take(&self) {
        self.count_taken();
        self.state.fetch_and(!PENDING, Ordering::AcqRel);
    }

    fn count_taken(&self) {
        self.taken.set(self.taken.get().wrapping_add(SENT));
    }

    /// Nobody pushes the handle any more, and who was about to is done. True when it was pushed and
    /// not taken: it is in one of the loop's lists then.
    pub fn close(&self) -> bool {
        let was_pending = self.state.fetch_or(PENDING, Ordering::AcqRel) & PENDING != 0;
        if was_pending {
            self.count_taken();
        }
        // Senders are a few instructions and one system call away from being done.
        while self.state.load(Ordering::Acquire) & !PENDING != self.taken.get() {
            yield_now();
        }
        was_pending
    }

    /// In the child of a fork, where no sender is: whoever was in the middle counts as done. True
    /// when the handle is to be called back. A closed handle was taken for the last time.
    pub fn after_fork(&self, closed: bool) -> bool {
        let pending = self.state.load(Ordering::Relaxed) & PENDING;
        let due = pending != 0 && !closed;
        let pushed = if due { SENT } else { 0 };
        self.state.store(self.taken.get().wrapping_add(pushed) | pending, Ordering::Relaxed);
        due
    }
}
