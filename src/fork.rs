//! Fork handling of process-wide state.

use crate::check;
use crate::loops;
use crate::observe;
use crate::observe::layout::Description;
use crate::pool;
use crate::signal;
use crate::sys::c;
use crate::sys::process;
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicU32, Ordering};
use std::sync::Once;

/// The locks that are held during a fork.
struct Held(UnsafeCell<Option<Locks>>);

type Locks = (signal::ForkLock, pool::ForkLock, loops::ForkLock, check::ForkLock);

// SAFETY: only the thread that holds the locks accesses the value.
unsafe impl Sync for Held {}

static HELD: Held = Held(UnsafeCell::new(None));

/// Installs the fork handlers, which ensure that a child inherits no lock held by a thread that it lacks.
///
/// Prepares looking from outside too, with the library's description of itself.
pub fn init(description: &'static Description) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        observe::init(description);
        // Fails only without memory, and then a child may inherit held locks.
        // SAFETY: the handlers may run at any time from now on.
        unsafe { c::pthread_atfork(Some(before), Some(after_in_parent), Some(after_in_child)) };
    });
}

extern "C" fn before() {
    let locks = (
        signal::fork_prepare(),
        pool::fork_prepare(),
        loops::fork_prepare(),
        check::fork_prepare(),
    );
    // SAFETY: this thread holds the locks.
    unsafe { *HELD.0.get() = Some(locks) };
}

/// Forks of this process, of which it was the parent or the child.
static FORKS: AtomicU32 = AtomicU32::new(0);

/// Returns a number that changes with each fork, in the parent and in the child.
pub fn count() -> u32 {
    FORKS.load(Ordering::Relaxed)
}

extern "C" fn after_in_parent() {
    FORKS.fetch_add(1, Ordering::Relaxed);
    let locks = held();
    signal::after_fork_in_parent();
    drop(locks);
}

extern "C" fn after_in_child() {
    FORKS.fetch_add(1, Ordering::Relaxed);
    let locks = held();
    process::count_fork();
    signal::after_fork_in_child();
    loops::after_fork_in_child();
    drop(locks);
    pool::after_fork_in_child();
    observe::after_fork_in_child();
}

fn held() -> Option<Locks> {
    // SAFETY: the thread that forks runs all handlers, also in the child, so this thread holds the locks.
    // They are released after the reference has ended.
    unsafe { (*HELD.0.get()).take() }
}
