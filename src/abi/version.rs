//! The version.

use super::*;
use core::ffi::{c_char, c_uint};

/// Returns the version of libuv that the loaded library implements, as one number. `UV_VERSION_HEX` is
/// that of the header.
/// See <https://docs.libuv.org/en/v1.x/version.html#c.uv_version>.
#[no_mangle]
pub extern "C" fn uv_version() -> c_uint {
    ((UV_VERSION_MAJOR << 16) | (UV_VERSION_MINOR << 8) | UV_VERSION_PATCH) as c_uint
}

/// Returns the version as text: `"1.53.0"`. The string is static.
/// See <https://docs.libuv.org/en/v1.x/version.html#c.uv_version_string>.
#[no_mangle]
pub extern "C" fn uv_version_string() -> *const c_char {
    c"1.53.0".as_ptr()
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::ffi::CStr;

    #[test]
    fn text_and_number_agree() {
        // SAFETY: the string is static.
        let text = unsafe { CStr::from_ptr(uv_version_string()) };
        let numbers = format!("{UV_VERSION_MAJOR}.{UV_VERSION_MINOR}.{UV_VERSION_PATCH}");
        assert_eq!(text.to_str(), Ok(numbers.as_str()));
        assert_eq!(uv_version(), 0x0001_3500);
    }
}
