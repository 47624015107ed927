//! The part of a loop that `uv_loop_t` has no room for: the remaining work of the current phase, and what
//! readers outside of the process look for.
//!
//! A C++ exception, or `pthread_exit`, may leave a callback and with it `uv_run`. The next `uv_run`
//! continues with the work that is stored here. On the stack it would be lost, and handles would have
//! dangling links.

use crate::handles::async_::AsyncReceiver;
use crate::handles::fs_event::Tree;
use crate::handles::Handle;
use crate::list::List;
use crate::loops::{self, Entry};
use crate::memory::Array;
use crate::observe::{layout, Observer};
use crate::poller::Watcher;
use core::cell::{Cell, RefCell};
use core::ffi::c_int;
use core::mem::offset_of;
use core::ptr;

pub struct State {
    pub entry: Entry,
    pub observer: Observer,
    /// How long the loop has waited, in milliseconds by its own time.
    pub(super) waited: Cell<u64>,
    /// Whether the loop is running, or a callback has left it.
    pub running: Cell<bool>,
    /// The watcher whose handler is running.
    pub watcher: Cell<*const Watcher>,
    /// The remaining watchers of this pending phase.
    pub pending: List,
    /// The remaining requeued watchers of this poll phase.
    pub requeued: List,
    /// The remaining due timers, which are already inactive.
    pub timers: List,
    /// The finished work of the pool that remains to be called back.
    pub works: List,
    pub asyncs: AsyncReceiver,
    /// The ended processes that remain to be called back.
    pub ended: List,
    /// The watches that remain to be called because the kernel dropped file system events.
    pub lost_watches: RefCell<Array<c_int>>,
    /// The recursive watch whose events are being dispatched. NULL again when its handle stops.
    pub tree: Cell<*const Tree>,
    /// The name that a recursive handle is called back with.
    pub name: RefCell<Array<u8>>,
    /// The remaining handles of this closing phase, a stack. The first is being closed.
    pub closing: Cell<*const Handle>,
    /// [`fork::count`](crate::fork::count) at the time when the loop was initialised.
    pub forks: u32,
}

impl State {
    /// Makes a state in memory of its own.
    pub fn boxed() -> Box<State> {
        // Allocated first, so that the state is not made on the stack and copied.
        let mut memory = Box::<State>::new_uninit();
        memory.write(State::new());
        // SAFETY: it was written.
        unsafe { memory.assume_init() }
    }

    #[inline(always)]
    fn new() -> State {
        State {
            entry: Entry::new(),
            observer: Observer::new(),
            waited: Cell::new(0),
            running: Cell::new(false),
            watcher: Cell::new(ptr::null()),
            pending: List::new(),
            requeued: List::new(),
            timers: List::new(),
            works: List::new(),
            asyncs: AsyncReceiver::new(),
            ended: List::new(),
            lost_watches: RefCell::new(Array::new()),
            tree: Cell::new(ptr::null()),
            name: RefCell::new(Array::new()),
            closing: Cell::new(ptr::null()),
            forks: crate::fork::count(),
        }
    }
}

pub const OFFSETS: layout::StateOffsets = layout::StateOffsets {
    entry: loops::offsets(offset_of!(State, entry)),
    running: offset_of!(State, running) as u32,
    waited_ms: offset_of!(State, waited) as u32,
    watcher: offset_of!(State, watcher) as u32,
    timers: offset_of!(State, timers) as u32,
    works: offset_of!(State, works) as u32,
    closing: offset_of!(State, closing) as u32,
};
