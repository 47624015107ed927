//! The pool's view of a request.

use super::{Task, Work};
use crate::abi::Result;
use crate::observe::{layout, Job};
use core::cell::Cell;
use core::ptr;

/// A request with a [`Work`] in it, which the pool runs.
///
/// # Safety
/// A `Work` lies `OFFSET` bytes into every `Self`, which is reached through shared references only.
pub unsafe trait PoolRequest: Sized {
    const OFFSET: usize;

    /// The kind of work, and the callback that `done` calls.
    const KIND: layout::Work;
    const CALLBACK: layout::Callback;

    /// Whether the work waits for the network.
    const SLOW: bool = false;

    /// Whether it is not a request of the user.
    const INTERNAL: bool = false;
    /// The function of the user that `run` calls, and the number of a file operation; for readers of other
    /// processes.
    fn details(&self) -> (*const (), u32) {
        (ptr::null(), 0)
    }

    /// The place for the time of submitting.
    fn submitted(&self) -> &Cell<u64>;

    /// Runs on a thread of the pool, which has the request to itself.
    fn run(&self);

    /// Runs on the loop's thread after [`run`](PoolRequest::run), or instead of it with `ECANCELED`.
    /// The request is not used afterwards, so the user's callback may free it.
    fn done(&self, status: Result);

    /// Returns what is reported of the work.
    fn job(&self) -> Job {
        let (function, operation) = self.details();
        let object = ptr::from_ref(self).cast();
        Job { kind: Self::KIND, object, function, operation, queued: self.submitted().get() }
    }

    fn work(&self) -> &Work {
        // SAFETY: the contract of the trait.
        unsafe { &*ptr::from_ref(self).byte_add(Self::OFFSET).cast() }
    }
}

impl Task {
    pub const fn of<R: PoolRequest>() -> &'static Task {
        /// # Safety
        /// The work is that of a live `R`.
        unsafe fn request<'a, R: PoolRequest>(work: *const Work) -> &'a R {
            // SAFETY: as documented, and by the contract of the trait.
            unsafe { &*work.byte_sub(R::OFFSET).cast::<R>() }
        }
        // SAFETY: the functions are called with the work of an `R`, which has this task.
        unsafe {
            &Task {
                offset: R::OFFSET as u32,
                kind: R::KIND,
                callback: R::CALLBACK,
                job: |work| request::<R>(work).job(),
                run: |work| request::<R>(work).run(),
                done: |work, status| request::<R>(work).done(status),
                slow: R::SLOW,
            }
        }
    }
}
