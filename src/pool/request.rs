//! The pool's view of a request.

use super::{Task, Work};
use crate::abi::Result;
use crate::observe::layout;
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

    /// Runs on a thread of the pool, which has the request to itself.
    fn run(&self);

    /// Runs on the loop's thread after [`run`](PoolRequest::run), or instead of it with `ECANCELED`.
    /// The request is not used afterwards, so the user's callback may free it.
    fn done(&self, status: Result);

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
                run: |work| request::<R>(work).run(),
                done: |work, status| request::<R>(work).done(status),
                slow: R::SLOW,
            }
        }
    }
}
