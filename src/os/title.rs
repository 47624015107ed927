//! The title of the process, which `ps` shows.
//!
//! The kernel shows the memory where it put the arguments, and the process may write to it. The arguments
//! are copied to another place, and the title replaces them.

use crate::abi::*;
use crate::ffi::text;
use crate::memory;
use crate::sys::process;
use core::ffi::{c_char, c_int, c_void, CStr};
use core::mem::size_of;
use core::ptr;
use std::sync::{Mutex, MutexGuard, PoisonError};

struct Title {
    /// The copy of the arguments: an array of pointers and the strings, in one block.
    arguments: *mut c_void,
    /// The memory of the original arguments, and its size.
    place: *mut c_char,
    capacity: usize,
    length: usize,
}

// SAFETY: the memory stays valid until the process ends, and only the holder of the lock writes to it.
unsafe impl Send for Title {}

static TITLE: Mutex<Title> = Mutex::new(Title {
    arguments: ptr::null_mut(),
    place: ptr::null_mut(),
    capacity: 0,
    length: 0,
});

fn lock() -> MutexGuard<'static, Title> {
    TITLE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the size of the arguments, counting from the first one as long as they are adjacent.
///
/// # Safety
/// `arguments` are strings.
unsafe fn contiguous_size(arguments: &[*mut c_char]) -> usize {
    let Some(&first) = arguments.first() else { return 0 };
    let mut size = 0;
    for &argument in arguments {
        if argument != first.wrapping_add(size) {
            break;
        }
        // SAFETY: as documented.
        size += unsafe { CStr::from_ptr(argument) }.count_bytes() + 1;
    }
    size
}

/// Copies the arguments to a new block: pointers, NULL, strings.
///
/// # Safety
/// `arguments` are strings.
unsafe fn copy(arguments: &[*mut c_char]) -> Result<*mut *mut c_char> {
    // SAFETY: as documented.
    let size = |argument: *mut c_char| unsafe { CStr::from_ptr(argument) }.count_bytes() + 1;
    let array_size = (arguments.len() + 1) * size_of::<*mut c_char>();
    let text_size: usize = arguments.iter().map(|&argument| size(argument)).sum();
    let block = memory::malloc(array_size + text_size)?.as_ptr().cast::<*mut c_char>();
    // SAFETY: the block has room for the array, its NULL and the strings.
    unsafe {
        let mut place = block.add(arguments.len() + 1).cast::<c_char>();
        for (n, &argument) in arguments.iter().enumerate() {
            ptr::copy_nonoverlapping(argument, place, size(argument));
            block.add(n).write(place);
            place = place.add(size(argument));
        }
        block.add(arguments.len()).write(ptr::null_mut());
    }
    Ok(block)
}

/// Prepares for `uv_set_process_title()`. Call it once, early in `main()`, with the arguments of that, and
/// use the arguments that it returns instead. They are a copy, or the same if there is no memory for
/// one, and are valid until `uv_library_shutdown()`.
///
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_setup_args>.
///
/// # Safety
/// `argv` is an array of `argc` strings. Their memory belongs to the library from then on.
#[no_mangle]
pub unsafe extern "C" fn uv_setup_args(argc: c_int, argv: *mut *mut c_char) -> *mut *mut c_char {
    let Ok(count @ 1..) = usize::try_from(argc) else { return argv };
    // SAFETY: as documented.
    let (arguments, copy) = unsafe {
        let arguments = core::slice::from_raw_parts(argv, count);
        (arguments, copy(arguments))
    };
    let Ok(copy) = copy else { return argv };
    let mut title = lock();
    title.arguments = copy.cast();
    title.place = arguments[0];
    // SAFETY: as documented.
    unsafe {
        title.capacity = contiguous_size(arguments);
        title.length = CStr::from_ptr(arguments[0]).count_bytes();
    }
    copy
}

/// Sets the title of this process, truncated to the size of its arguments, and the name of the calling
/// thread.
///
/// Returns 0; `UV_ENOBUFS` if `uv_setup_args()` was not called before. Any thread.
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_set_process_title>.
///
/// # Safety
/// `title` is a string.
#[no_mangle]
pub unsafe extern "C" fn uv_set_process_title(title: *const c_char) -> c_int {
    let set = || {
        // SAFETY: as documented.
        let text = unsafe { text(title)? }.to_bytes();
        let mut title = lock();
        if title.arguments.is_null() {
            return Err(Error::ENOBUFS);
        }
        title.length = text.len().min(title.capacity.saturating_sub(1));
        // SAFETY: the place has `capacity` bytes, and this thread holds the lock. The text may overlap
        // the place.
        unsafe {
            ptr::copy(text.as_ptr().cast(), title.place, title.length);
            ptr::write_bytes(title.place.add(title.length), 0, title.capacity - title.length);
            process::set_thread_name(CStr::from_ptr(title.place));
        }
        Ok(())
    };
    set().into_c()
}

/// Gets the title of this process.
///
/// Returns 0; `UV_EINVAL` if `buffer` is NULL or `size` is 0; `UV_ENOBUFS` if the buffer is too
/// small, and if `uv_setup_args()` was not called before. Any thread.
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_get_process_title>.
///
/// # Safety
/// `buffer` is NULL or good for writing `size` bytes.
#[no_mangle]
pub unsafe extern "C" fn uv_get_process_title(buffer: *mut c_char, size: usize) -> c_int {
    if buffer.is_null() || size == 0 {
        return Error::EINVAL.code();
    }
    let title = lock();
    if title.arguments.is_null() || size <= title.length {
        return Error::ENOBUFS.code();
    }
    // SAFETY: the buffer has room for the title and a NUL, and this thread holds the lock.
    unsafe {
        ptr::copy(title.place, buffer, title.length);
        buffer.add(title.length).write(0);
    }
    0
}

/// Frees the arguments. The title can no longer be set or read.
pub fn shut_down() {
    let mut title = lock();
    let arguments = core::mem::replace(&mut title.arguments, ptr::null_mut());
    // SAFETY: `uv_setup_args` allocated the block, and nothing refers to it any more.
    unsafe { memory::free(arguments) };
}
