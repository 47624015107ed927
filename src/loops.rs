//! The list of all loops of the process, for readers outside of it. Nothing in the library depends on it.
//!
//! The entries are in the part of a loop that has memory of its own: a program may free a loop that it
//! has not closed, and then only the address in the entry dangles.

use crate::list::{container_of, Link, List};
use crate::observe::layout;
use crate::sys::{process, thread};
use core::cell::Cell;
use core::ffi::c_int;
use core::mem::offset_of;
use core::ptr;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A loop's entry in the list.
pub struct Entry {
    link: Link,
    /// The `uv_loop_t`.
    loop_: Cell<*const ()>,
    /// The thread that last ran the loop: its thread pointer, and the kernel's id.
    thread: Cell<usize>,
    tid: Cell<c_int>,
}

pub struct Loops(List);

// SAFETY: the list is accessed with the lock only.
unsafe impl Sync for Loops {}

pub static LOOPS: Loops = Loops(List::new());
static LOCK: Mutex<()> = Mutex::new(());

/// Holds the lock of the list, during a fork for example.
pub struct ForkLock(#[allow(dead_code)] MutexGuard<'static, ()>);

pub fn fork_prepare() -> ForkLock {
    ForkLock(lock())
}

fn lock() -> MutexGuard<'static, ()> {
    // Nothing panics while it is locked.
    LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Entry {
    pub const fn new() -> Entry {
        Entry {
            link: Link::new(),
            loop_: Cell::new(ptr::null()),
            thread: Cell::new(0),
            tid: Cell::new(0),
        }
    }

    /// Adds the entry of this loop to the list.
    ///
    /// # Safety
    /// The entry is in no list, and is removed before it is freed.
    pub unsafe fn add(&self, loop_: *const ()) {
        self.loop_.set(loop_);
        let _lock = lock();
        // SAFETY: as documented.
        unsafe { LOOPS.0.push_back(&self.link) };
    }

    pub fn remove(&self) {
        let _lock = lock();
        self.link.unlink();
    }

    /// Records that this thread runs the loop.
    #[inline(always)]
    pub fn set_thread(&self) {
        let thread = thread::pointer();
        if self.thread.get() != thread {
            self.change_thread(thread);
        }
    }

    #[cold]
    fn change_thread(&self, thread: usize) {
        self.thread.set(thread);
        self.tid.set(process::thread_id());
    }
}

/// In the child of a fork: forgets the parent's threads. The thread that forks has a new id, and may be in a
/// callback of its loop.
pub fn after_fork_in_child() {
    let mut at = LOOPS.0.front();
    while let Some(link) = at {
        // SAFETY: the links in the list are part of entries, which are removed before they are freed. The
        // child has one thread.
        unsafe {
            let entry = &*container_of!(link, Entry, link);
            let thread = thread::pointer();
            if entry.thread.get() == thread {
                entry.change_thread(thread);
            } else {
                entry.thread.set(0);
                entry.tid.set(0);
            }
            at = LOOPS.0.after(link);
        }
    }
}

/// The offsets in a struct that has its entry at this offset.
pub const fn offsets(entry: usize) -> layout::EntryOffsets {
    layout::EntryOffsets {
        link: (entry + offset_of!(Entry, link)) as u32,
        loop_: (entry + offset_of!(Entry, loop_)) as u32,
        thread: (entry + offset_of!(Entry, thread)) as u32,
        tid: (entry + offset_of!(Entry, tid)) as u32,
    }
}
