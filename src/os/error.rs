//! Names and messages of error codes.

use crate::abi::*;
use crate::memory;
use core::ffi::{c_char, c_int, CStr};

/// Writes `text` and a NUL into the caller's buffer, cut to fit, and hands the buffer back.
///
/// # Safety
/// `buf` is NULL or good for writing `buflen` bytes.
unsafe fn copy_out(text: &[u8], buf: *mut c_char, buflen: usize) -> *mut c_char {
    if !buf.is_null() && buflen > 0 {
        let len = text.len().min(buflen - 1);
        // SAFETY: the caller vouches for buflen bytes and len + 1 <= buflen; C code's buffer
        // cannot overlap our strings.
        unsafe {
            core::ptr::copy_nonoverlapping(text.as_ptr(), buf.cast::<u8>(), len);
            buf.add(len).write(0);
        }
    }
    buf
}

/// The text for a code that is not in the table.
fn unknown(err: c_int) -> String {
    format!("Unknown system error {err}")
}

/// As [`unknown`], in memory that is never freed: the caller expects a static string.
fn leak_unknown(err: c_int) -> *const c_char {
    let text = unknown(err);
    match memory::malloc(text.len() + 1) {
        // SAFETY: the memory has room for the text and a NUL.
        Ok(buf) => unsafe { copy_out(text.as_bytes(), buf.cast().as_ptr(), text.len() + 1) },
        Err(_) => c"Unknown system error".as_ptr(),
    }
}

/// Looks `err`, which comes from C and may be anything, up in the table.
fn name(err: c_int) -> Option<&'static CStr> {
    Error::from_code_or_none(err)?.name()
}

/// As [`name`], for the message.
fn message(err: c_int) -> Option<&'static CStr> {
    Error::from_code_or_none(err)?.message()
}

/// The name of an error code: `"ENOENT"` for `UV_ENOENT`.
///
/// The string is static. For a code that is not an error of this API the answer is
/// `"Unknown system error <err>"` in newly allocated memory that is never freed; use
/// `uv_err_name_r()` where such codes may turn up often.
/// See <https://docs.libuv.org/en/v1.x/errors.html#c.uv_err_name>.
#[no_mangle]
pub extern "C" fn uv_err_name(err: c_int) -> *const c_char {
    name(err).map_or_else(|| leak_unknown(err), CStr::as_ptr)
}

/// Like `uv_err_name()`, but writes into `buf`, at most `buflen` bytes including the final
/// NUL. Nothing is allocated. Returns `buf`.
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

/// The message for an error code: `"no such file or directory"` for `UV_ENOENT`.
///
/// The string is static, except for a code that is not an error of this API; see
/// `uv_err_name()`.
/// See <https://docs.libuv.org/en/v1.x/errors.html#c.uv_strerror>.
#[no_mangle]
pub extern "C" fn uv_strerror(err: c_int) -> *const c_char {
    message(err).map_or_else(|| leak_unknown(err), CStr::as_ptr)
}

/// Like `uv_strerror()`, but writes into `buf`, at most `buflen` bytes including the final
/// NUL. Nothing is allocated. Returns `buf`.
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

/// Turns a system error code (an errno value) into an error code of this API. A value that is
/// negative or zero is returned as it is.
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
    fn text_is_cut_to_the_buffer() {
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
