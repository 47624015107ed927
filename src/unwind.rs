//! A release build has no unwinder.
//!
//! Panics abort, so nothing here begins to unwind. The standard library refers to `libgcc_s`
//! nevertheless: for frames that it could clean up, and for the stack that `RUST_BACKTRACE` adds to
//! a panic's message. Answered here, these references make no program load `libgcc_s`, and the
//! optimiser drops what reads debug information to print a stack, which is two fifths of the
//! library. A panic's message says what and where as before; the stack is in the core dump.
//!
//! A C++ exception out of a callback, or `pthread_exit` in one, brings its own unwinder. That
//! passes our frames by their unwind tables and calls nothing: they have no landing pads, and no
//! function of std that has any stands between a callback and what called us.
//!
//! The names are hidden, as they are the program's own unwinder's too. In the static library
//! `cmake/stage.cmake` makes them local.
#![cfg(all(panic = "abort", not(debug_assertions)))]

use core::arch::global_asm;
use core::ffi::{c_int, c_void};
use std::process;

const URC_END_OF_STACK: c_int = 5;

/// A stack without frames.
#[no_mangle]
extern "C" fn _Unwind_Backtrace(_trace: *mut c_void, _argument: *mut c_void) -> c_int {
    URC_END_OF_STACK
}

global_asm!(".hidden _Unwind_Backtrace");

/// What only an unwinder, or a landing pad that it entered, calls.
macro_rules! never_called {
    ($($name:ident)*) => {$(
        #[no_mangle]
        extern "C" fn $name() -> ! {
            process::abort()
        }

        global_asm!(concat!(".hidden ", stringify!($name)));
    )*};
}

never_called! {
    _Unwind_GetDataRelBase
    _Unwind_GetIP
    _Unwind_GetIPInfo
    _Unwind_GetLanguageSpecificData
    _Unwind_GetRegionStart
    _Unwind_GetTextRelBase
    _Unwind_Resume
    _Unwind_SetGR
    _Unwind_SetIP
}
