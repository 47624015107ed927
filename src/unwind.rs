//! Definitions of the unwinder's functions, as a release build has no unwinder.
//!
//! Panics abort, so this library never starts to unwind. The standard library still refers to `libgcc_s`:
//! for frames with cleanup code, and for the backtrace that `RUST_BACKTRACE` adds to a panic's message.
//! With these definitions no program loads `libgcc_s` because of us, and the optimiser removes the code
//! that reads debug information, two fifths of the library. A panic's message has its usual text and
//! location; the stack is in the core dump.
//!
//! A C++ exception out of a callback, and `pthread_exit` in one, use the unwinder of the program. It
//! unwinds our frames by their unwind tables and calls nothing in them: they have no landing pads, nor has
//! any function of std between a callback and our caller.
//!
//! The names are hidden because the program's own unwinder has the same ones. In the static library
//! `cmake/stage.cmake` makes them local.
#![cfg(all(panic = "abort", not(debug_assertions)))]

use core::arch::global_asm;
use core::ffi::{c_int, c_void};
use std::process;

const URC_END_OF_STACK: c_int = 5;

/// Reports a stack without frames.
#[no_mangle]
extern "C" fn _Unwind_Backtrace(_trace: *mut c_void, _argument: *mut c_void) -> c_int {
    URC_END_OF_STACK
}

global_asm!(".hidden _Unwind_Backtrace");

/// Defines functions that only an unwinder and landing pads call.
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
