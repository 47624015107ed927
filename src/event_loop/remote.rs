//! The part of a loop that other threads and signal handlers reach.
//!
//! What they hand over goes on a lock-free stack. Whether the loop must be woken says `asleep`: it
//! is set while nobody looks at the stacks without being told to, which is when the loop waits in
//! the kernel and when it does not run. Before it goes to sleep the loop sets it and looks at the
//! stacks once more; whoever pushes looks at it after pushing. So one of the two sees the other, and
//! a loop that is busy anyway costs its helpers no system call.

use super::queue::{List, Stack};
use crate::abi::Result;
use crate::poller::{Poller, Waker};
use crate::pool::Work;
use crate::sync::atomic::{fence, AtomicBool, AtomicU32, Ordering};
use crate::sync::yield_now;
use core::cell::UnsafeCell;

pub struct Remote {
    /// Replaced in the child of a fork only, where no other thread is.
    waker: UnsafeCell<Waker>,
    asleep: AtomicBool,
    asyncs: Stack,
    done: Stack,
    /// Pool threads that are between handing over finished work and having woken the loop.
    posting: AtomicU32,
}

impl Remote {
    pub fn new(poller: &Poller) -> Result<Remote> {
        Ok(Remote {
            waker: UnsafeCell::new(poller.waker()?),
            asleep: AtomicBool::new(true),
            asyncs: Stack::new(),
            done: Stack::new(),
            posting: AtomicU32::new(0),
        })
    }

    /// Hands over an async handle that was sent to. Any thread.
    ///
    /// # Safety
    /// As for [`Stack::push`].
    pub unsafe fn push_async(&self, link: *const super::queue::Link) {
        // SAFETY: the caller's contract.
        unsafe { self.asyncs.push(link) };
        self.wake_if_asleep();
    }

    /// Hands over work that is done. Any thread.
    ///
    /// # Safety
    /// `work` is this thread's alone, and is given up.
    pub unsafe fn push_done(&self, work: &Work) {
        self.posting.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's contract.
        unsafe { self.done.push(&work.link) };
        self.wake_if_asleep();
        self.posting.fetch_sub(1, Ordering::Release);
    }

    fn wake_if_asleep(&self) {
        // Between the push and the look at the flag; the counterpart is in `fall_asleep`.
        fence(Ordering::SeqCst);
        if self.asleep.load(Ordering::Relaxed) && self.asleep.swap(false, Ordering::AcqRel) {
            self.wake();
        }
    }

    fn wake(&self) {
        // SAFETY: shared access; see `waker`.
        let waker = unsafe { &*self.waker.get() };
        // Writing to an eventfd fails only when its counter is full, which mio resets.
        let _ = waker.wake();
    }

    /// From now on the loop has to be woken. False, and it is not so, when there is something for
    /// it already.
    pub fn fall_asleep(&self) -> bool {
        self.asleep.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        if self.has_any() {
            self.wake_up();
            return false;
        }
        true
    }

    /// The loop looks at the stacks by itself again.
    pub fn wake_up(&self) {
        self.asleep.store(false, Ordering::Relaxed);
    }

    /// The loop stops running: its descriptor tells an embedder of what comes, and of what is there.
    pub fn leave(&self) {
        if !self.fall_asleep() {
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

    pub fn take_asyncs(&self, list: &List) {
        self.asyncs.take_into(list);
    }

    pub fn take_done(&self, list: &List) {
        self.done.take_into(list);
    }

    /// Waits until no thread is in the middle of `push_done`.
    pub fn settle(&self) {
        while self.posting.load(Ordering::Acquire) != 0 {
            yield_now();
        }
    }

    /// In the child of a fork: threads exist in the parent only.
    pub fn forget_threads(&self) {
        self.posting.store(0, Ordering::Relaxed);
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
