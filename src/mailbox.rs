//! The part of a loop that other threads and signal handlers access.
//!
//! They push async handles and finished work onto lock-free stacks. Before the loop blocks it *parks*: it
//! puts a sentinel on each stack that is empty, and a thread that replaces a sentinel wakes the loop. A
//! loop is parked while it waits in the kernel and while it does not run. So handing something to a loop
//! that is running costs one atomic operation and no system call.

use crate::abi::Result;
use crate::list::{Link, List};
use crate::poller::{Poller, Waker};
use crate::stack::{Chain, Stack};
use crate::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};
use crate::sync::yield_now;
use crate::sys;
use core::cell::{Cell, UnsafeCell};

pub struct Mailbox {
    /// Replaced only in the child of a fork, which has no other threads.
    waker: UnsafeCell<Waker>,
    asyncs: Stack,
    done: Stack,
    /// Sentinels that were put and not removed again. The loop is woken, sooner or later, once for each.
    sentinels: Cell<u32>,
    /// How often threads have woken the loop. Both counts may wrap.
    wakes: AtomicU32,
    /// When a thread began to wake the loop last. A hint, by which it spins.
    woken: AtomicU64,
}

/// The offsets of the stacks.
pub const ASYNCS: usize = core::mem::offset_of!(Mailbox, asyncs);
pub const DONE: usize = core::mem::offset_of!(Mailbox, done);

impl Mailbox {
    pub fn new(poller: &Poller) -> Result<Mailbox> {
        let mailbox = Mailbox {
            waker: UnsafeCell::new(poller.waker()?),
            asyncs: Stack::new(AtomicPtr::default()),
            done: Stack::new(AtomicPtr::default()),
            sentinels: Cell::new(0),
            wakes: AtomicU32::new(0),
            woken: AtomicU64::new(0),
        };
        mailbox.park();
        Ok(mailbox)
    }

    /// Pushes an async handle that was sent to. Any thread.
    ///
    /// # Safety
    /// As for [`Stack::push`].
    pub unsafe fn push_async(&self, link: *const Link) {
        // SAFETY: as documented.
        if unsafe { self.asyncs.push(link) } {
            self.wake_parked();
        }
    }

    /// Pushes finished work. Any thread.
    ///
    /// # Safety
    /// As for [`Stack::push`].
    pub unsafe fn push_done(&self, link: *const Link) {
        // SAFETY: as documented. If there was no sentinel the loop may be freed right after the push;
        // otherwise `wait_for_wakers` waits for this thread.
        if unsafe { self.done.push(link) } {
            self.wake_parked();
        }
    }

    fn wake_parked(&self) {
        self.woken.store(sys::time::monotonic(), Ordering::Relaxed);
        self.wake();
        // The last access, for which `wait_for_wakers` waits.
        self.wakes.fetch_add(1, Ordering::Release);
    }

    fn wake(&self) {
        // SAFETY: it is only written in the child of a fork, while no other thread exists.
        let waker = unsafe { &*self.waker.get() };
        // Writing to an eventfd fails only if its counter is full, and then mio resets it.
        let _ = waker.wake();
    }

    /// Makes the next push wake the loop. Returns false, without that effect, if there was a push already.
    pub fn park(&self) -> bool {
        let parked = self.stacks().iter().all(|stack| {
            let had_sentinel = stack.has_sentinel();
            let has_sentinel = stack.put_sentinel();
            self.add_sentinels(u32::from(has_sentinel && !had_sentinel));
            has_sentinel
        });
        if !parked {
            self.unpark();
        }
        parked
    }

    /// Stops pushes from waking the loop, which checks the stacks itself from now on.
    pub fn unpark(&self) {
        for stack in self.stacks() {
            if stack.remove_sentinel() {
                self.add_sentinels(u32::MAX);
            }
        }
    }

    /// Returns when another thread woke the loop last, by the monotonic clock.
    pub fn woken(&self) -> u64 {
        self.woken.load(Ordering::Relaxed)
    }

    fn stacks(&self) -> [&Stack; 2] {
        [&self.done, &self.asyncs]
    }

    fn add_sentinels(&self, change: u32) {
        self.sentinels.set(self.sentinels.get().wrapping_add(change));
    }

    /// Parks, and wakes the loop for earlier pushes. Called when the loop stops running, so that an embedder
    /// that polls the backend descriptor is notified of all pushes.
    pub fn park_or_wake(&self) {
        if !self.park() {
            self.wake();
        }
    }

    pub fn has_done(&self) -> bool {
        !self.done.is_empty()
    }

    pub fn has_asyncs(&self) -> bool {
        !self.asyncs.is_empty()
    }

    pub fn has_any(&self) -> bool {
        self.has_done() || self.has_asyncs()
    }

    pub fn take_asyncs(&self) -> Chain {
        self.asyncs.take()
    }

    pub fn take_done(&self, list: &List) {
        self.done.take_into(list);
    }

    /// Waits until no thread is about to wake the loop. Then its memory may be freed.
    pub fn wait_for_wakers(&self) {
        self.unpark();
        while self.wakes.load(Ordering::Acquire) != self.sentinels.get() {
            yield_now();
        }
    }

    /// In the child of a fork: completes the wake-ups of the parent's threads.
    pub fn complete_wakes(&self) {
        let left = self.stacks().iter().filter(|stack| stack.has_sentinel()).count() as u32;
        self.wakes.store(self.sentinels.get().wrapping_sub(left), Ordering::Relaxed);
    }

    /// In the child of a fork: replaces the waker by one of the new poller.
    pub fn after_fork(&self, poller: &Poller) -> Result {
        let waker = poller.waker()?;
        // SAFETY: the child of a fork has one thread, and it is not in `wake`.
        unsafe { *self.waker.get() = waker };
        // Wakes the loop for pushes before the fork.
        self.park_or_wake();
        Ok(())
    }
}
