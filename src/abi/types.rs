//! Handle and request types: the values of their `type` fields, names and sizes.

use super::*;
use core::ffi::{c_uint, CStr};

/// The type of a handle. An enum in C, and an integer here, because C code can store any number.
/// See <https://docs.libuv.org/en/v1.x/handle.html#c.uv_handle_type>.
pub type uv_handle_type = c_uint;

/// The type of a request.
/// See <https://docs.libuv.org/en/v1.x/request.html#c.uv_req_type>.
pub type uv_req_type = c_uint;

/// A handle or request type.
pub struct TypeInfo {
    /// The value in the `type` field.
    pub value: c_uint,
    /// `"tcp"` for `UV_TCP`.
    pub name: &'static CStr,
    /// The size of the C struct.
    pub size: usize,
}

macro_rules! type_table {
    ($table:ident: $type:ty; $($constant:ident = $value:literal, $name:tt, $c_type:ty;)*) => {
        $(#[doc = concat!("The type of a `", stringify!($c_type), "`.")]
        pub const $constant: $type = $value;)*

        static $table: &[TypeInfo] = &[$(TypeInfo {
            value: $value,
            name: errno::c_str(concat!(stringify!($name), "\0")),
            size: size_of::<$c_type>(),
        }),*];
    };
}

macro_rules! handle_types {
    ($($rows:tt)*) => { type_table! { HANDLE_TYPES: uv_handle_type; $($rows)* } };
}

macro_rules! request_types {
    ($($rows:tt)*) => { type_table! { REQUEST_TYPES: uv_req_type; $($rows)* } };
}

include!("types_table.rs");

/// No handle.
pub const UV_UNKNOWN_HANDLE: uv_handle_type = 0;
/// Returned by `uv_guess_handle()` for a regular file; no handle has this type.
pub const UV_FILE: uv_handle_type = HANDLE_TYPES.len() as uv_handle_type + 1;
/// One past the last handle type.
pub const UV_HANDLE_TYPE_MAX: uv_handle_type = UV_FILE + 1;

/// No request.
pub const UV_UNKNOWN_REQ: uv_req_type = 0;
/// One past the last request type.
pub const UV_REQ_TYPE_MAX: uv_req_type = REQUEST_TYPES.len() as uv_req_type + 1;

// The tables are indexed by value.
const _: () = {
    let mut i = 0;
    while i < HANDLE_TYPES.len() {
        assert!(HANDLE_TYPES[i].value as usize == i + 1);
        i += 1;
    }
    i = 0;
    while i < REQUEST_TYPES.len() {
        assert!(REQUEST_TYPES[i].value as usize == i + 1);
        i += 1;
    }
};

/// Returns the handle type, or `None` for `UV_UNKNOWN_HANDLE`, `UV_FILE` and other numbers.
pub fn handle_type(value: uv_handle_type) -> Option<&'static TypeInfo> {
    HANDLE_TYPES.get((value as usize).wrapping_sub(1))
}

/// Returns the request type, or `None`.
pub fn request_type(value: uv_req_type) -> Option<&'static TypeInfo> {
    REQUEST_TYPES.get((value as usize).wrapping_sub(1))
}
