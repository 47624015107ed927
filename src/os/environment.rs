//! The environment of the process.
//!
//! C has no lock for it: a thread must not use these functions while another changes a variable, through
//! these functions or others.

use crate::abi::*;
use crate::ffi::{text, TextOut};
use crate::memory;
use crate::sys::environment;
use core::ffi::{c_char, c_int};
use core::mem::size_of;

/// Gets an environment variable. `size` goes in as the size of `buffer` and comes out as the length
/// of the value.
///
/// Returns 0; `UV_ENOENT` if there is no such variable; `UV_ENOBUFS` if the buffer is too small,
/// with the size that is needed in `size`; `UV_EINVAL` for NULL and for a size of 0.
/// Not thread-safe. See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_os_getenv>.
///
/// # Safety
/// Each pointer is NULL or valid; `buffer` has room for `*size` bytes.
#[no_mangle]
pub unsafe extern "C" fn uv_os_getenv(
    name: *const c_char,
    buffer: *mut c_char,
    size: *mut usize,
) -> c_int {
    let get = || {
        // SAFETY: as documented.
        let (name, out) = unsafe { (text(name)?, TextOut::new(buffer, size)?) };
        // SAFETY: not thread-safe, as documented; the value is not used after this function.
        let value = unsafe { environment::get(name) }.ok_or(Error::ENOENT)?;
        // SAFETY: the value is a string.
        unsafe { out.put_overlapping(value.to_bytes()) }
    };
    get().into_c()
}

/// Sets an environment variable, replacing an existing value.
///
/// Returns 0; `UV_EINVAL` for NULL and for a name that is empty or contains `=`; `UV_ENOMEM`.
/// Not thread-safe. See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_os_setenv>.
///
/// # Safety
/// Each pointer is NULL or a string.
#[no_mangle]
pub unsafe extern "C" fn uv_os_setenv(name: *const c_char, value: *const c_char) -> c_int {
    let set = || {
        // SAFETY: as documented. Not thread-safe.
        unsafe { environment::set(text(name)?, text(value)?) }
    };
    set().into_c()
}

/// Removes an environment variable, if it exists.
///
/// Returns 0, or `UV_EINVAL` for NULL and for a name that is empty or contains `=`.
/// Not thread-safe. See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_os_unsetenv>.
///
/// # Safety
/// `name` is NULL or a string.
#[no_mangle]
pub unsafe extern "C" fn uv_os_unsetenv(name: *const c_char) -> c_int {
    // SAFETY: as documented. Not thread-safe.
    let unset = || unsafe { environment::unset(text(name)?) };
    unset().into_c()
}

/// Gets all environment variables, as an array to be freed by `uv_os_free_environ()`.
///
/// Returns 0 or `UV_ENOMEM`.
/// Not thread-safe. See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_os_environ>.
///
/// # Safety
/// Both pointers are good for writing.
#[no_mangle]
pub unsafe extern "C" fn uv_os_environ(
    envitems: *mut *mut uv_env_item_t,
    count: *mut c_int,
) -> c_int {
    // SAFETY: as documented.
    unsafe {
        envitems.write(core::ptr::null_mut());
        count.write(0);
    }
    // An entry without a `=` is not a variable. One that starts with it has an empty name.
    let variables = || {
        // SAFETY: not thread-safe, as documented; the entries are not used after this function.
        let entries = unsafe { environment::entries() };
        entries.filter_map(|entry| {
            let end = entry.to_bytes().iter().position(|&byte| byte == b'=')?;
            Some((entry.to_bytes_with_nul(), end))
        })
    };
    let (found, bytes) = variables().fold((0, 0), |(found, bytes), (entry, _)| {
        (found + 1, bytes + size_of::<uv_env_item_t>() + entry.len())
    });
    // One block has the array and then the strings.
    let Ok(block) = memory::malloc(bytes) else { return Error::ENOMEM.code() };
    let items = block.as_ptr().cast::<uv_env_item_t>();
    // SAFETY: the block has room for the items and the strings: no other thread changes them.
    unsafe {
        let mut place = items.add(found).cast::<c_char>();
        for (n, (entry, end)) in variables().take(found).enumerate() {
            core::ptr::copy_nonoverlapping(entry.as_ptr().cast(), place, entry.len());
            place.add(end).write(0);
            items.add(n).write(uv_env_item_t { name: place, value: place.add(end + 1) });
            place = place.add(entry.len());
        }
        envitems.write(items);
        count.write(found.try_into().unwrap_or(c_int::MAX));
    }
    0
}

/// Frees the result of `uv_os_environ()`. NULL is allowed.
///
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_os_free_environ>.
///
/// # Safety
/// `envitems` is NULL or came from `uv_os_environ()`, and is not used afterwards.
#[no_mangle]
pub unsafe extern "C" fn uv_os_free_environ(envitems: *mut uv_env_item_t, count: c_int) {
    let _ = count;
    // SAFETY: as documented; the array and the strings are in one block.
    unsafe { memory::free(envitems.cast()) };
}
