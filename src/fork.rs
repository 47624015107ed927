//! What a fork means to the parts that all loops of a process share.

use crate::handles::signal;
use crate::pool;
use std::any::Any;
use std::cell::RefCell;
use std::sync::Once;

thread_local! {
    /// The locks held during a fork; both handlers run on the thread that forks.
    static HELD: RefCell<Vec<Box<dyn Any>>> = const { RefCell::new(Vec::new()) };
}

/// Sees to it that a child finds no lock held by a thread that it does not have.
pub fn init() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: the handlers are functions of the right type, and need nothing set up. Without
        // memory for them a fork is as it is in any program with locks.
        unsafe { libc::pthread_atfork(Some(before), Some(after_in_parent), Some(after_in_child)) };
    });
}

extern "C" fn before() {
    let locks: Vec<Box<dyn Any>> =
        vec![Box::new(signal::fork_prepare()), Box::new(pool::fork_prepare())];
    HELD.with(|held| *held.borrow_mut() = locks);
}

extern "C" fn after_in_parent() {
    HELD.with(|held| held.borrow_mut().clear());
}

extern "C" fn after_in_child() {
    after_in_parent();
    signal::after_fork_in_child();
    pool::after_fork_in_child();
}
