//! The dynamic linker.

use super::c;
use core::ffi::{c_char, c_int, c_void, CStr};
use core::mem::MaybeUninit;

/// Returns the dynamic linker's last error on this thread and clears it.
///
/// # Safety
/// The result is used before the thread calls the dynamic linker again.
pub unsafe fn take_error<'a>() -> Option<&'a CStr> {
    // SAFETY: dlerror() returns NULL or a string.
    unsafe {
        let text = c::dlerror();
        (!text.is_null()).then(|| CStr::from_ptr(text))
    }
}

/// # Safety
/// `path` is NULL, for the program itself, or a string. The library's initialisers run.
pub unsafe fn open(path: *const c_char, mode: c_int) -> *mut c_void {
    // SAFETY: as documented.
    unsafe { c::dlopen(path, mode) }
}

/// # Safety
/// `library` is open.
pub unsafe fn symbol(library: *mut c_void, name: *const c_char) -> *mut c_void {
    // SAFETY: as documented.
    unsafe { c::dlsym(library, name) }
}

/// # Safety
/// `library` is open, and nothing of it is used afterwards.
pub unsafe fn close(library: *mut c_void) {
    // SAFETY: as documented. An error only means that the library stays loaded.
    unsafe { c::dlclose(library) };
}

/// Returns the path of the program or library that an address of code or static data is in.
pub fn path_of(address: *const ()) -> Option<&'static CStr> {
    let mut info = MaybeUninit::<c::Dl_info>::uninit();
    // SAFETY: dladdr() takes any address, and initialises `info` if it returns another value than 0. The caller's
    // code is loaded, so the name stays.
    unsafe {
        if c::dladdr(address.cast(), info.as_mut_ptr()) == 0 {
            return None;
        }
        let name = info.assume_init().dli_fname;
        (!name.is_null()).then(|| CStr::from_ptr(name))
    }
}
