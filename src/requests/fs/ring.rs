//! File operations on a loop's ring (`poller/ring.rs`). An operation without an entry goes to the
//! pool, and so does one that the kernel does not support for this file.

use super::{FsRequest, Operation};
use crate::abi::*;
use crate::event_loop::Loop;
use crate::ffi::Overlay;
use crate::memory::without_reserve;
use crate::observe::{self, Caller};
use crate::poller::{EventHandler, Ring, Watcher};
use crate::pool::PoolRequest;
use core::cell::Cell;
use core::ptr;
use io_uring::types::Fd;
use mio::event::Event;
use std::rc::Rc;

/// The ring of a loop, made for the first file operation.
pub struct LoopRing {
    /// Counted, as a callback for a completion may fork and drop the ring in the child.
    active: Cell<Option<Rc<ActiveRing>>>,
    /// The ring whose completions are being called back.
    draining: Cell<Option<Rc<ActiveRing>>>,
    wanted: Cell<bool>,
}

struct ActiveRing {
    watcher: Watcher,
    ring: Ring,
    loop_: *const Loop,
}

impl LoopRing {
    pub const fn new() -> LoopRing {
        LoopRing { active: Cell::new(None), draining: Cell::new(None), wanted: Cell::new(false) }
    }

    /// Lets file operations go to a ring.
    pub fn want(&self) {
        self.wanted.set(true);
    }

    /// Returns the ring, which the first call makes. If that fails, it is not tried again.
    #[inline]
    fn get(&self, loop_: &Loop) -> Option<Rc<ActiveRing>> {
        // The child of a fork shares the parent's ring until it has a loop of its own.
        if !self.wanted.get() || loop_.poller.is_inherited() {
            return None;
        }
        self.active().or_else(|| self.make(loop_))
    }

    fn active(&self) -> Option<Rc<ActiveRing>> {
        let active = self.active.take();
        self.active.set(active.clone());
        active
    }

    #[cold]
    fn make(&self, loop_: &Loop) -> Option<Rc<ActiveRing>> {
        let make = || {
            let ring = Ring::new()?;
            let watcher = Watcher::new::<ActiveRing>(ring.fd());
            let active = Rc::new(ActiveRing { watcher, ring, loop_ });
            loop_.poller.register_level(&active.watcher, libc::EPOLLIN as u16)?;
            Ok(active)
        };
        let made = without_reserve(make, |active| loop_.poller.deregister(&active.watcher));
        self.wanted.set(made.is_ok());
        self.active.set(made.ok());
        self.active()
    }

    /// Drops the ring in the child of a fork: its operations are the parent's. The poller is the
    /// child's own by now.
    pub fn after_fork(&self, loop_: &Loop) {
        if let Some(active) = self.active.take() {
            loop_.poller.deregister(&active.watcher);
        }
    }
}

// SAFETY: the watcher is at the offset given, and rings are reached through shared references.
unsafe impl EventHandler for ActiveRing {
    const OFFSET: usize = core::mem::offset_of!(ActiveRing, watcher);

    /// Calls back the operations that are complete. Those that callbacks add wait for the next event,
    /// or they could keep the loop here.
    fn on_event(&self, _: &Event) {
        // SAFETY: the loop outlives its ring.
        let loop_ = unsafe { &*self.loop_ };
        let Some(active) = loop_.ring.active() else { return };
        let ring = Rc::as_ptr(&active);
        loop_.ring.draining.set(Some(active));
        // SAFETY: `draining` keeps it in memory until below.
        let active = unsafe { &*ring };
        for index in 0..active.ring.completed() {
            let is_current = loop_.ring.active().is_some_and(|now| ptr::eq(Rc::as_ptr(&now), ring));
            let Some(completion) = active.ring.pop().filter(|_| is_current) else { break };
            // Each completion counts as one event; the poll phase has counted one already.
            loop_.count_events(u64::from(index > 0));
            // SAFETY: the completion is from this loop's ring.
            unsafe { finish(loop_, completion) };
        }
        loop_.ring.draining.set(None);
    }
}

pub(super) const HERE: Fd = Fd(libc::AT_FDCWD);

/// Starts an operation on the ring. Returns false if the pool must run it.
///
/// # Safety
/// The request and the memory that it points to stay valid until its callback.
pub(super) unsafe fn submit(loop_: &Loop, request: &FsRequest, operation: &Operation) -> bool {
    let Some(active) = loop_.ring.get(loop_) else { return false };
    let Some(entry) = (operation.entry)(request) else { return false };
    let entry = entry.user_data(ptr::from_ref(request).expose_provenance() as u64);
    // Set before the push, as the kernel may complete the operation at once.
    request.work.assign_to_ring();
    request.work.began.set(loop_.now() as u32);
    if observe::is_active() {
        request.submitted().set(loop_.observer().work_queued(&request.job()));
    }
    // SAFETY: as documented; the entry points to copies of paths and buffers and to room for the
    // answer, which the request owns until the completion.
    let pushed = unsafe { active.ring.push(&entry) };
    if pushed {
        loop_.request_began(request);
    } else {
        request.release_ptr();
    }
    pushed
}

/// Completes an operation: calls back, or submits it to the pool if the ring could not run it.
///
/// # Safety
/// This is a completion of the loop's ring.
unsafe fn finish(loop_: &Loop, (user_data, result): (u64, i32)) {
    let request = ptr::with_exposed_provenance::<FsRequest>(user_data as usize);
    // SAFETY: `submit` put it there, and a request is alive until its callback.
    let this = unsafe { &*request };
    let cancelled = !this.work.is_on_ring();
    this.work.leave_ring();
    let mut result = result;
    if !cancelled && this.is_for_pool_after(result) {
        this.release_ptr();
        // SAFETY: the request is alive until its callback, and the ring has returned it.
        match unsafe { loop_.submit(this) } {
            Ok(()) => return loop_.request_ended(ptr::null::<FsRequest>()),
            Err(error) => result = error.code(),
        }
    }
    this.result.set(result as isize);
    this.release_buffers();
    if result == 0 {
        (this.operation().take_answer)(this);
    } else {
        this.release_ptr();
    }
    loop_.request_ended(this);
    this.done(Ok(()));
}

/// Cancels an operation that the kernel has not begun.
pub(super) fn cancel(request: &FsRequest) -> Result {
    // SAFETY: an active request has a loop, which is alive.
    let loop_ = unsafe { Loop::of(request.loop_.get()) };
    let active = loop_.ring.get(loop_).ok_or(Error::EBUSY)?;
    active.ring.cancel(ptr::from_ref(request).addr() as u64)?;
    request.work.cancelled_on_ring();
    Ok(())
}

impl FsRequest {
    pub(super) fn ring_file(&self) -> Fd {
        Fd(self.file.get())
    }

    /// Returns the offset for the ring. -1 means the current position, as any negative number does in
    /// the request.
    pub(super) fn ring_offset(&self) -> u64 {
        self.off.get().max(-1) as u64
    }

    /// Returns whether the pool must run the operation: if the ring does not support it for this file, or
    /// it was interrupted, as the pool repeats it.
    fn is_for_pool_after(&self, result: i32) -> bool {
        match -result {
            libc::EOPNOTSUPP => true,
            libc::EINTR => !self.operation().interruptible,
            _ => false,
        }
    }
}
