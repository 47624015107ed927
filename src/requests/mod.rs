//! Requests: operations that end with a callback.
//!
//! A request lives in memory that the user owns, from the call that starts it until its callback
//! begins. As with handles, the structs here lie over the C structs.

mod cancel;
pub mod fs;
mod getaddrinfo;
mod getnameinfo;
mod random;
mod work;

pub use getaddrinfo::OFFSETS as GETADDRINFO_OFFSETS;
pub use getnameinfo::OFFSETS as GETNAMEINFO_OFFSETS;
pub use random::OFFSETS as RANDOM_OFFSETS;
pub use work::OFFSETS as USER_WORK_OFFSETS;

use crate::abi::*;
use crate::check;
use crate::ffi::{overlay, padding, Padding};
use crate::observe::{layout, offsets};
use core::cell::Cell;
use core::ffi::{c_char, c_uint, c_void};
use core::mem::MaybeUninit;
use core::ptr;

/// The fields that all requests begin with (`UV_REQ_FIELDS`).
#[repr(C)]
pub struct Request {
    /// Belongs to the user, who may not have set it.
    data: Cell<MaybeUninit<*mut c_void>>,
    kind: Cell<uv_req_type>,
    padding: Padding<4>,
    /// When it began; see `layout::RequestOffsets`. 0 if that is not known.
    pub began: Cell<u64>,
    reserved: Padding<32>,
    /// The number of bytes that a write request has written. `uv__req_write_extra_s` in C.
    pub written: Cell<usize>,
}

overlay!(Request { data, kind, padding, began, reserved, written } => uv_req_t);
const _: () = assert!(size_of::<Request>() == size_of::<uv_req_t>());

pub const OFFSETS: layout::RequestOffsets =
    offsets!(RequestOffsets, Request { kind: kind, began: began });

impl Request {
    /// Writes a request to `at`. `make` adds the fields of its type to the common ones, of which
    /// `data` keeps its value.
    ///
    /// # Safety
    /// `at` is writable memory for a request that is not active, and `R` begins with a `Request`.
    pub unsafe fn init<R>(at: *mut R, kind: uv_req_type, make: impl FnOnce(Request) -> R) {
        check::request_before_init(at);
        // SAFETY: as documented; `data` is read as a value that may be uninitialised.
        unsafe {
            at.write(make(Request {
                data: (&raw const (*at.cast::<Request>()).data).read(),
                kind: Cell::new(kind),
                padding: padding(),
                began: Cell::new(0),
                reserved: padding(),
                written: Cell::new(0),
            }));
        }
    }

    /// Records the loop's time when the request had to wait.
    pub fn set_began(&self, now: u64) {
        self.began.set(now);
    }

    fn kind(&self) -> uv_req_type {
        self.kind.get()
    }
}

/// Returns the size in bytes of requests of this type; `(size_t) -1` if there is no such type.
///
/// See <https://docs.libuv.org/en/v1.x/request.html#c.uv_req_size>.
#[no_mangle]
pub extern "C" fn uv_req_size(r#type: uv_req_type) -> usize {
    request_type(r#type).map_or(usize::MAX, |info| info.size)
}

/// Returns the request's field `type`.
///
/// # Safety
/// `req` is a request.
#[no_mangle]
pub unsafe extern "C" fn uv_req_get_type(req: *const uv_req_t) -> uv_req_type {
    // SAFETY: as documented.
    unsafe { (&raw const (*req).r#type).read() }
}

/// Returns the name of a request type, as in the name of its struct; NULL if there is no such type.
///
/// The string is static. See <https://docs.libuv.org/en/v1.x/request.html#c.uv_req_type_name>.
#[no_mangle]
pub extern "C" fn uv_req_type_name(r#type: uv_req_type) -> *const c_char {
    request_type(r#type).map_or(ptr::null(), |info| info.name.as_ptr())
}

/// Returns the request's field `data`.
///
/// # Safety
/// `req` is a request.
#[no_mangle]
pub unsafe extern "C" fn uv_req_get_data(req: *const uv_req_t) -> *mut c_void {
    // SAFETY: as documented.
    unsafe { (&raw const (*req).data).read() }
}

/// Sets the request's field `data`.
///
/// # Safety
/// `req` is a request.
#[no_mangle]
pub unsafe extern "C" fn uv_req_set_data(req: *mut uv_req_t, data: *mut c_void) {
    // SAFETY: as documented.
    unsafe { (&raw mut (*req).data).write(data) }
}

/// Returns a `uv_buf_t` of these two values.
///
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_buf_init>.
#[no_mangle]
pub extern "C" fn uv_buf_init(base: *mut c_char, len: c_uint) -> uv_buf_t {
    uv_buf_t { base, len: len as usize }
}
