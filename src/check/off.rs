//! The functions of `on.rs`, empty. `on.rs` says what they do.

use super::{Draw, Subject};
use crate::abi::uv_handle_type;
use mio::event::Event;

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

/// No shuffled schedule.
pub struct Shuffle;

impl Shuffle {
    pub fn new() -> Shuffle {
        Shuffle
    }

    #[inline(always)]
    pub fn is_on(&self) -> bool {
        false
    }

    #[inline(always)]
    pub fn begin_run(&self, _may_hold: bool) {}

    #[inline(always)]
    pub fn rank(&self, _draw: Draw, _id: u64) -> u64 {
        0
    }

    #[inline(always)]
    pub fn next(&self, _draw: Draw, _id: u64) -> u64 {
        0
    }

    #[inline(always)]
    pub fn cut(&self, _draw: Draw, _id: u64, length: usize) -> usize {
        length
    }

    #[inline(always)]
    pub fn pause(&self) {}

    #[inline(always)]
    pub fn arrange<'a>(
        &self,
        _events: impl Iterator<Item = &'a Event>,
        _is_edge: impl Fn(&Event) -> Option<bool>,
    ) {
    }

    #[inline(always)]
    pub fn held_back(&self) -> bool {
        false
    }

    #[inline(always)]
    pub fn holds_events(&self) -> bool {
        false
    }

    #[inline(always)]
    pub fn has_events(&self) -> bool {
        false
    }

    #[inline(always)]
    pub fn next_event(&self) -> Option<&Event> {
        None
    }

    #[inline(always)]
    pub fn forget_events(&self) {}

    #[inline(always)]
    pub fn holds_signals(&self) -> bool {
        false
    }

    #[inline(always)]
    pub fn holds_asyncs(&self) -> bool {
        false
    }

    #[inline(always)]
    pub fn work_submitted(&self, _work: usize) {}

    #[inline(always)]
    pub fn settle(&self, _all_done: impl Fn() -> bool) {}

    #[inline(always)]
    pub fn work_rank(&self, _work: usize) -> u64 {
        0
    }

    #[inline(always)]
    pub fn holds_work(&self, _work: usize) -> bool {
        false
    }

    #[inline(always)]
    pub fn work_called(&self, _work: usize) {}
}
