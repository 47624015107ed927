//! Shared libraries that a program loads at run time.
//!
//! These functions return -1 for an error, and `uv_dlerror()` returns its message.

use crate::abi::*;
use crate::memory;
use crate::sys::library;
use core::ffi::{c_char, c_int, c_void};
use core::ptr;

/// Stores the dynamic linker's error, if there is one, for `uv_dlerror()`. Returns 0 or -1.
///
/// # Safety
/// `lib` is a library that `uv_dlopen()` has initialised.
unsafe fn keep_error(lib: *mut uv_lib_t) -> c_int {
    // Without memory for the copy this is still an error.
    // SAFETY: as documented; the text is copied at once.
    unsafe {
        let Some(text) = library::take_error() else { return 0 };
        memory::free((*lib).errmsg.cast());
        (*lib).errmsg = memory::duplicate(text).map_or(ptr::null_mut(), |copy| copy.as_ptr());
    }
    -1
}

/// Opens a shared library; a `filename` of NULL means the program itself. It must be closed also after an
/// error, as it holds the message.
///
/// Returns 0, or -1 for an error.
/// See <https://docs.libuv.org/en/v1.x/dll.html#c.uv_dlopen>.
///
/// # Safety
/// `filename` is NULL or a string; `lib` is memory for a library. The library's initialisers run.
#[no_mangle]
pub unsafe extern "C" fn uv_dlopen(filename: *const c_char, lib: *mut uv_lib_t) -> c_int {
    // SAFETY: as documented.
    unsafe {
        library::take_error();
        let handle = library::open(filename, libc::RTLD_LAZY);
        lib.write(uv_lib_t { handle, errmsg: ptr::null_mut() });
        if handle.is_null() {
            keep_error(lib);
            return -1;
        }
    }
    0
}

/// Closes a shared library and frees its last error message. Closing twice is harmless.
///
/// See <https://docs.libuv.org/en/v1.x/dll.html#c.uv_dlclose>.
///
/// # Safety
/// `lib` was initialised by `uv_dlopen()`. Nothing of the library is used afterwards.
#[no_mangle]
pub unsafe extern "C" fn uv_dlclose(lib: *mut uv_lib_t) {
    // SAFETY: as documented.
    unsafe {
        memory::free((*lib).errmsg.cast());
        (*lib).errmsg = ptr::null_mut();
        if !(*lib).handle.is_null() {
            library::close((*lib).handle);
            (*lib).handle = ptr::null_mut();
        }
    }
}

/// Looks up a symbol. Its address may be NULL without an error.
///
/// Returns 0, or -1 for an error.
/// See <https://docs.libuv.org/en/v1.x/dll.html#c.uv_dlsym>.
///
/// # Safety
/// `lib` is open, `name` is a string, and `ptr` is good for writing.
#[no_mangle]
pub unsafe extern "C" fn uv_dlsym(
    lib: *mut uv_lib_t,
    name: *const c_char,
    ptr: *mut *mut c_void,
) -> c_int {
    // SAFETY: as documented.
    unsafe {
        library::take_error();
        ptr.write(library::symbol((*lib).handle, name));
        keep_error(lib)
    }
}

/// Returns the message of the last error, or `"no error"`. The string belongs to `lib`.
///
/// See <https://docs.libuv.org/en/v1.x/dll.html#c.uv_dlerror>.
///
/// # Safety
/// `lib` was initialised by `uv_dlopen()`, or all its fields are NULL.
#[no_mangle]
pub unsafe extern "C" fn uv_dlerror(lib: *const uv_lib_t) -> *const c_char {
    // SAFETY: as documented.
    let message = unsafe { (*lib).errmsg };
    if message.is_null() {
        c"no error".as_ptr()
    } else {
        message
    }
}
