//! Requests: operations that end with a callback.
//!
//! A request lives in memory that the user owns, from the call that starts it until its callback
//! begins. As with handles, the structs here lie over the C structs.

pub mod fs;
pub mod getaddrinfo;
pub mod getnameinfo;
pub mod random;
pub mod work;

use crate::abi::*;
use crate::ffi::{overlay, padding, Padding};
use core::cell::Cell;
use core::ffi::c_void;
use core::mem::MaybeUninit;

/// The fields that all requests begin with (`UV_REQ_FIELDS`).
#[repr(C)]
pub struct Request {
    /// May be uninitialised, as C's memory is.
    pub data: Cell<MaybeUninit<*mut c_void>>,
    kind: Cell<uv_req_type>,
    padding: Padding<4>,
    reserved: Padding<40>,
    /// For a write: how many bytes went. `uv__req_write_extra_s` in C.
    pub written: Cell<usize>,
}

overlay!(Request { data, kind, padding, reserved, written } => uv_req_t);
const _: () = assert!(core::mem::size_of::<Request>() == core::mem::size_of::<uv_req_t>());

impl Request {
    /// Makes the memory at `at` a request, of which `make` fills in the part behind the common fields.
    /// `data` keeps its value.
    ///
    /// # Safety
    /// `at` is writable memory for a request that is not under way, and `R` begins with a `Request`.
    pub unsafe fn init<R>(at: *mut R, kind: uv_req_type, make: impl FnOnce(Request) -> R) {
        // SAFETY: the caller's contract. `data` may be uninitialised.
        unsafe {
            at.write(make(Request {
                data: (&raw const (*at.cast::<Request>()).data).read(),
                kind: Cell::new(kind),
                padding: padding(),
                reserved: padding(),
                written: Cell::new(0),
            }));
        }
    }

    pub fn kind(&self) -> uv_req_type {
        self.kind.get()
    }
}
