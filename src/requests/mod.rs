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
use core::cell::Cell;
use core::ffi::c_void;

/// The fields that all requests begin with (`UV_REQ_FIELDS`).
#[repr(C)]
pub struct Request {
    pub data: Cell<*mut c_void>,
    kind: Cell<uv_req_type>,
    reserved: [usize; 5],
    /// For a write: how many bytes went. `uv__req_write_extra_s` in C.
    pub written: Cell<usize>,
}

crate::ffi::overlay!(Request => uv_req_t);
const _: () = assert!(core::mem::size_of::<Request>() == core::mem::size_of::<uv_req_t>());

impl Request {
    /// Makes the memory at `at` a request; `data` keeps its value.
    ///
    /// # Safety
    /// `at` is writable memory for a request that is not under way.
    pub unsafe fn init(at: *mut Request, kind: uv_req_type) {
        // SAFETY: the caller's contract.
        unsafe {
            (&raw mut (*at).kind).write(Cell::new(kind));
            (&raw mut (*at).written).write(Cell::new(0));
        }
    }

    pub fn kind(&self) -> uv_req_type {
        self.kind.get()
    }
}
