//! The part of a loop that other threads and signal handlers reach.
//!
//! What they hand over goes on a lock-free stack. Before it goes to sleep the loop leaves a mark in
//! the stacks, if they are empty; whoever pushes on a mark wakes it. It is asleep while nobody looks
//! at the stacks without being told to, which is when the loop waits in the kernel and when it does
//! not run. So a loop that is busy anyway costs its helpers one atomic operation and no system call.

use crate::abi::Result;
use crate::list::{Link, List};
use crate::poller::{Poller, Waker};
use crate::stack::{Chain, Stack};
use crate::sync::atomic::{AtomicPtr, AtomicU32, Ordering};
use crate::sync::yield_now;
use core::cell::{Cell, UnsafeCell};

pub struct Mailbox {
    /// Replaced in the child of a fork only, where no other thread is.
    waker: UnsafeCell<Waker>,
    asyncs: Stack,
    done: Stack,
    /// Marks that were left and not taken away again: as often the loop is woken sooner or later.
    marks: Cell<u32>,
    /// How often it was. These counts may wrap.
    wakes: AtomicU32,
}

impl Mailbox {
    pub fn new(poller: &Poller) -> Result<Mailbox> {
        let mailbox = Mailbox {
            waker: UnsafeCell::new(poller.waker()?),
            asyncs: Stack::new(AtomicPtr::default()),
            done: Stack::new(AtomicPtr::default()),
            marks: Cell::new(0),
            wakes: AtomicU32::new(0),
        };
        mailbox.park();
        Ok(mailbox)
    }

    /// Hands over an async handle that was sent to. Any thread.
    ///
    /// # Safety
    /// As for [`Stack::push`].
    pub unsafe fn push_async(&self, link: *const Link) {
        // SAFETY: the caller's contract.
        if unsafe { self.asyncs.push(link) } {
            self.wake_parked();
        }
    }

    /// Hands over work that is done. Any thread.
    ///
    /// # Safety
    /// As for [`Stack::push`].
    pub unsafe fn push_done(&self, link: *const Link) {
        // SAFETY: the caller's contract. Unless there was a mark the loop may be gone afterwards.
        if unsafe { self.done.push(link) } {
            self.wake_parked();
        }
    }

    fn wake_parked(&self) {
        self.wake();
        // The last access, for which `settle` waits.
        self.wakes.fetch_add(1, Ordering::Release);
    }

    fn wake(&self) {
        // SAFETY: shared access; see `waker`.
        let waker = unsafe { &*self.waker.get() };
        // Writing to an eventfd fails only when its counter is full, which mio resets.
        let _ = waker.wake();
    }

    /// From now on the loop has to be woken. False, and it is not so, when there is something for
    /// it already.
    pub fn park(&self) -> bool {
        let asleep = self.stacks().iter().all(|stack| {
            let was_marked = stack.has_sentinel();
            let has_sentinel = stack.put_sentinel();
            self.count(u32::from(has_sentinel && !was_marked));
            has_sentinel
        });
        if !asleep {
            self.unpark();
        }
        asleep
    }

    /// The loop looks at the stacks by itself again.
    pub fn unpark(&self) {
        for stack in self.stacks() {
            if stack.remove_sentinel() {
                self.count(u32::MAX);
            }
        }
    }

    fn stacks(&self) -> [&Stack; 2] {
        [&self.done, &self.asyncs]
    }

    fn count(&self, marks: u32) {
        self.marks.set(self.marks.get().wrapping_add(marks));
    }

    /// The loop stops running: its descriptor tells an embedder of what comes, and of what is there.
    pub fn leave(&self) {
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

    /// Waits until no thread is about to wake the loop.
    pub fn settle(&self) {
        self.unpark();
        while self.wakes.load(Ordering::Acquire) != self.marks.get() {
            yield_now();
        }
    }

    /// In the child of a fork: threads exist in the parent only.
    pub fn forget_threads(&self) {
        let left = self.stacks().iter().filter(|stack| stack.has_sentinel()).count() as u32;
        self.wakes.store(self.marks.get().wrapping_sub(left), Ordering::Relaxed);
    }

    /// In the child of a fork: the poller is another.
    pub fn after_fork(&self, poller: &Poller) -> Result {
        let waker = poller.waker()?;
        // SAFETY: a child of fork has one thread, and it is not in `wake`.
        unsafe { *self.waker.get() = waker };
        // What was handed over before the fork is still to be delivered.
        self.leave();
        Ok(())
    }
}
