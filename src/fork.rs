//! What a fork means to the parts that all loops of a process share.

use crate::pool;
use crate::signal;
use crate::sys::c;
use crate::sys::process;
use core::cell::UnsafeCell;
use std::sync::Once;

/// The locks held during a fork.
struct Held(UnsafeCell<Option<Locks>>);

type Locks = (signal::ForkLock, pool::ForkLock);

// SAFETY: only whoever holds the locks touches it, and one thread at a time does.
unsafe impl Sync for Held {}

static HELD: Held = Held(UnsafeCell::new(None));

/// Sees to it that a child finds no lock held by a thread that it does not have.
pub fn init() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: the handlers are functions of the right type, and need nothing set up. Without
        // memory for them a fork is as it is in any program with locks.
        unsafe { c::pthread_atfork(Some(before), Some(after_in_parent), Some(after_in_child)) };
    });
}

extern "C" fn before() {
    let locks = (signal::fork_prepare(), pool::fork_prepare());
    // SAFETY: this thread holds the locks.
    unsafe { *HELD.0.get() = Some(locks) };
}

extern "C" fn after_in_parent() {
    let locks = held();
    signal::after_fork_in_parent();
    drop(locks);
}

extern "C" fn after_in_child() {
    let locks = held();
    process::count_fork();
    signal::after_fork_in_child();
    drop(locks);
    pool::after_fork_in_child();
}

fn held() -> Option<Locks> {
    // SAFETY: the thread that forks runs all handlers, in the child too, so it holds the locks. They
    // are released when nothing points to them any more.
    unsafe { (*HELD.0.get()).take() }
}
