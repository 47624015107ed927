//! Names and messages of error codes.

use crate::abi::*;
use crate::memory;
use core::ffi::{c_char, c_int, CStr};

/// Writes `text`, truncated to the buffer, and a NUL. Returns the buffer.
///
/// # Safety
/// `buf` is NULL or good for writing `buflen` bytes.
unsafe fn copy_out(text: &[u8], buf: *mut c_char, buflen: usize) -> *mut c_char {
    if !buf.is_null() && buflen > 0 {
        let len = text.len().min(buflen - 1);
        // SAFETY: as documented; there is room for `len` bytes and a NUL. The buffer does not overlap the
        // text, which is a static string or memory of this function's callers.
        unsafe {
            core::ptr::copy_nonoverlapping(text.as_ptr(), buf.cast::<u8>(), len);
            buf.add(len).write(0);
        }
    }
    buf
}

/// Returns the text for a code that is not in the table.
fn unknown(err: c_int) -> String {
    format!("Unknown system error {err}")
}

/// Returns the text of [`unknown`] in memory that is never freed, as the caller expects a static string.
fn leak_unknown(err: c_int) -> *const c_char {
    let text = unknown(err);
    match memory::malloc(text.len() + 1) {
        // SAFETY: the memory has room for the text and a NUL.
        Ok(buf) => unsafe { copy_out(text.as_bytes(), buf.cast().as_ptr(), text.len() + 1) },
        Err(_) => c"Unknown system error".as_ptr(),
    }
}

/// Looks up the name of `err`, which may be any number, in the table.
fn name(err: c_int) -> Option<&'static CStr> {
    Error::from_code_or_none(err)?.name()
}

/// Looks up the message of `err`.
fn message(err: c_int) -> Option<&'static CStr> {
    Error::from_code_or_none(err)?.message()
}

/// Returns the name of an error code: `"ENOENT"` for `UV_ENOENT`.
///
/// The string is static. For other numbers it is `"Unknown system error <err>"` in new memory that is
/// never freed; use `uv_err_name_r()` if such numbers may be frequent.
/// See <https://docs.libuv.org/en/v1.x/errors.html#c.uv_err_name>.
#[no_mangle]
pub extern "C" fn uv_err_name(err: c_int) -> *const c_char {
    name(err).map_or_else(|| leak_unknown(err), CStr::as_ptr)
}

/// Like `uv_err_name()`, but writes to `buf`, at most `buflen` bytes including a NUL. Allocates
/// nothing. Returns `buf`.
/// See <https://docs.libuv.org/en/v1.x/errors.html#c.uv_err_name_r>.
///
/// # Safety
/// `buf` is NULL or good for writing `buflen` bytes.
#[no_mangle]
pub unsafe extern "C" fn uv_err_name_r(err: c_int, buf: *mut c_char, buflen: usize) -> *mut c_char {
    match name(err) {
        // SAFETY: as documented.
        Some(text) => unsafe { copy_out(text.to_bytes(), buf, buflen) },
        // SAFETY: as documented.
        None => unsafe { copy_out(unknown(err).as_bytes(), buf, buflen) },
    }
}

/// Returns the message of an error code: `"no such file or directory"` for `UV_ENOENT`.
///
/// The string is static, except for a number that is not an error code; see `uv_err_name()`.
/// See <https://docs.libuv.org/en/v1.x/errors.html#c.uv_strerror>.
#[no_mangle]
pub extern "C" fn uv_strerror(err: c_int) -> *const c_char {
    message(err).map_or_else(|| leak_unknown(err), CStr::as_ptr)
}

/// Like `uv_strerror()`, but writes to `buf`, at most `buflen` bytes including a NUL. Allocates
/// nothing. Returns `buf`.
/// See <https://docs.libuv.org/en/v1.x/errors.html#c.uv_strerror_r>.
///
/// # Safety
/// `buf` is NULL or good for writing `buflen` bytes.
#[no_mangle]
pub unsafe extern "C" fn uv_strerror_r(err: c_int, buf: *mut c_char, buflen: usize) -> *mut c_char {
    match message(err) {
        // SAFETY: as documented.
        Some(text) => unsafe { copy_out(text.to_bytes(), buf, buflen) },
        // SAFETY: as documented.
        None => unsafe { copy_out(unknown(err).as_bytes(), buf, buflen) },
    }
}

/// Converts an errno value to an error code. Returns negative numbers and zero unchanged.
/// See <https://docs.libuv.org/en/v1.x/errors.html#c.uv_translate_sys_error>.
#[no_mangle]
pub extern "C" fn uv_translate_sys_error(sys_errno: c_int) -> c_int {
    if sys_errno > 0 {
        -sys_errno
    } else {
        sys_errno
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_truncated_to_the_buffer() {
        let mut buf = [1 as c_char; 5];
        // SAFETY: the lengths given are those of buf, or less.
        unsafe {
            assert_eq!(uv_err_name_r(-libc::ENOENT, buf.as_mut_ptr(), 0), buf.as_mut_ptr());
            assert_eq!(buf[0], 1);
            uv_err_name_r(-libc::ENOENT, buf.as_mut_ptr(), 5);
            assert_eq!(CStr::from_ptr(buf.as_ptr()), c"ENOE");
            uv_strerror_r(12345, buf.as_mut_ptr(), 4);
            assert_eq!(CStr::from_ptr(buf.as_ptr()), c"Unk");
            assert!(uv_strerror_r(-1, core::ptr::null_mut(), 0).is_null());
        }
    }
}
