//! The functions of `on.rs`, empty. `on.rs` says what they do.

use super::Subject;
use crate::abi::uv_handle_type;

macro_rules! nothing {
    ($($name:ident $(<$generic:ident: $bound:ident>)? ($($argument:ident: $type:ty),*);)*) => {
        $(#[inline(always)]
        pub fn $name $(<$generic: $bound>)? ($($argument: $type),*) {
            $(let _ = $argument;)*
        })*
    };
}

nothing! {
    entered<C: Subject>(pointer: *const C);
    entered_any_thread<C: Subject>(pointer: *const C);
    entered_stopping<C: Subject>(pointer: *const C);
    entered_reading<C: Subject>(pointer: *const C);
    loop_before_init<T: Sized>(at: *const T);
    loop_initialised<T: Sized>(at: *const T, state: usize);
    loop_closing<T: Sized>(at: *const T, busy: bool);
    loop_closed<T: Sized>(at: *const T);
    loop_forked<T: Sized>(at: *const T);
    before_poll<T: Sized>(loop_: *const T, waits: bool, now: u64);
    handle_before_init<T: Sized>(at: *const T, loop_: *const ());
    handle_initialised<T: Sized>(at: *const T, loop_: *const (), kind: uv_handle_type);
    handle_internal<T: Sized>(at: *const T);
    handle_closing<T: Sized>(at: *const T);
    handle_starting<T: Sized>(at: *const T);
    handle_closed<T: Sized>(at: *const T, called: bool);
    request_before_init<T: Sized>(at: *const T);
    request_began<T: Sized>(at: *const T, loop_: *const ());
    request_ended<T: Sized>(at: *const T);
    after_callback(object: usize, function: usize, checked: Checked);
    request_cleanup<T: Sized>(at: *const T);
    callback_missing<T: Sized>(object: *const T);
}

#[inline(always)]
pub fn not_last<T>(result: T) -> T {
    result
}

/// A callback that is expected.
pub struct Checked;

#[inline(always)]
pub fn before_callback(_object: usize) -> Checked {
    Checked
}

/// A running loop.
pub struct Running;

#[inline(always)]
pub fn run<T>(_loop: *const T) -> Running {
    Running
}

/// Holds the lock of the registry.
pub struct ForkLock;

pub fn fork_prepare() -> ForkLock {
    ForkLock
}
