//! Definitions of the unwinder's functions, as a release build has no unwinder.
//!
//! The standard library refers to `libgcc_s`: to begin a panic, for frames with cleanup code, and for the
//! backtrace that `RUST_BACKTRACE` adds to a panic's message. With these definitions no program loads
//! `libgcc_s` because of us, and the optimiser removes the code that reads debug information, two fifths
//! of the library. A panic is a bug in this library and ends the process. Its message has its usual text
//! and location; the stack is in the core dump.
//!
//! A C++ exception out of a callback, and `pthread_exit` in one, use the unwinder of the program. It
//! unwinds most of our frames by their unwind tables alone. Where a frame has cleanup code, for other
//! calls it makes, std's personality function reads the frame's table with the functions of that
//! unwinder. It finds nothing to run: no frame between a callback and our caller owns anything during
//! the call ("Unwinding" in ARCHITECTURE.md).
//!
//! The names are hidden because the program's own unwinder has the same ones. In the static library
//! `cmake/stage.cmake` makes them local.
#![cfg(not(any(test, fuzzing, debug_assertions, feature = "check")))]

use crate::sys::c;
use core::arch::global_asm;
use core::ffi::{c_int, c_void, CStr};
use std::process;

const URC_END_OF_STACK: c_int = 5;

macro_rules! hidden {
    ($name:ident) => {
        global_asm!(concat!(".hidden ", stringify!($name)));
    };
}

/// Reports a stack without frames.
#[no_mangle]
extern "C" fn _Unwind_Backtrace(_trace: *mut c_void, _argument: *mut c_void) -> c_int {
    URC_END_OF_STACK
}

hidden!(_Unwind_Backtrace);

/// Defines functions that begin or end a panic, or run cleanup code.
macro_rules! aborts {
    ($($name:ident)*) => {$(
        #[no_mangle]
        extern "C" fn $name() -> ! {
            process::abort()
        }

        hidden!($name);
    )*};
}

aborts! {
    _Unwind_DeleteException
    _Unwind_GetDataRelBase
    _Unwind_GetIP
    _Unwind_GetTextRelBase
    _Unwind_RaiseException
    _Unwind_Resume
    _Unwind_SetGR
    _Unwind_SetIP
}

/// Looks up a function of the running unwinder.
fn find(name: &CStr) -> *mut c_void {
    // SAFETY: the names are strings.
    let found = unsafe {
        // A C++ program loads it for all its libraries, the C library for itself alone.
        let found = c::dlsym(c::RTLD_DEFAULT, name.as_ptr());
        if found.is_null() {
            c::dlsym(c::dlopen(c"libgcc_s.so.1".as_ptr(), c::RTLD_NOW), name.as_ptr())
        } else {
            found
        }
    };
    if found.is_null() {
        process::abort();
    }
    found
}

/// Defines functions that call the running unwinder.
macro_rules! passes_on {
    ($($name:ident($($argument:ident: $type:ty),*) -> $result:ty;)*) => {$(
        #[no_mangle]
        unsafe extern "C" fn $name($($argument: $type),*) -> $result {
            const NAME: &CStr = match CStr::from_bytes_with_nul(
                concat!(stringify!($name), "\0").as_bytes(),
            ) {
                Ok(name) => name,
                Err(_) => unreachable!(),
            };
            // SAFETY: unwinders have one ABI, in which this is the function's type.
            let function = unsafe {
                core::mem::transmute::<*mut c_void, unsafe extern "C" fn($($type),*) -> $result>(
                    find(NAME),
                )
            };
            // SAFETY: the caller means the unwinder's function of this name.
            unsafe { function($($argument),*) }
        }

        hidden!($name);
    )*};
}

passes_on! {
    _Unwind_GetIPInfo(context: *mut c_void, before_instruction: *mut c_int) -> usize;
    _Unwind_GetLanguageSpecificData(context: *mut c_void) -> *mut c_void;
    _Unwind_GetRegionStart(context: *mut c_void) -> usize;
}
