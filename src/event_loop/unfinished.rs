//! The work of the phase that runs.
//!
//! A C++ exception, or `pthread_exit`, may leave a callback and with it `uv_run`. What is still to be
//! done is in here then, and the next `uv_run` goes on with it: on the stack it would be lost, and
//! handles would point there.

use crate::handles::async_::AsyncReceiver;
use crate::handles::Handle;
use crate::list::List;
use crate::poller::Watcher;
use core::cell::Cell;
use core::ptr;

pub struct Unfinished {
    /// The loop runs, or a callback has left it.
    pub running: Cell<bool>,
    /// The watcher whose handler runs.
    pub watcher: Cell<*const Watcher>,
    /// The watchers that have their turn in this pending phase ...
    pub pending: List,
    /// ... and those in this poll phase.
    pub requeued: List,
    /// Timers that are due, and inactive already.
    pub timers: List,
    /// Work of the pool that is to be called back.
    pub works: List,
    pub asyncs: AsyncReceiver,
    /// Processes that have ended and are to be called back.
    pub ended: List,
    /// The stack of handles that are closed in this closing phase. The first is being closed.
    pub closing: Cell<*const Handle>,
}

impl Unfinished {
    pub const fn new() -> Unfinished {
        Unfinished {
            running: Cell::new(false),
            watcher: Cell::new(ptr::null()),
            pending: List::new(),
            requeued: List::new(),
            timers: List::new(),
            works: List::new(),
            asyncs: AsyncReceiver::new(),
            ended: List::new(),
            closing: Cell::new(ptr::null()),
        }
    }
}
