//! Cancelling requests of every type: `uv_cancel`.

use super::getaddrinfo::AddrInfo;
use super::getnameinfo::NameInfo;
use super::random::Random;
use super::work::UserWork;
use super::{fs, Request};
use crate::abi::*;
use crate::ffi::Overlay;
use crate::handles::stream::write::Write;
use crate::pool::{self, PoolRequest};
use core::ffi::c_int;

/// # Safety
/// `req` is an `R` that was started and whose callback has not been called.
unsafe fn cancel<R: PoolRequest>(req: *mut uv_req_t) -> Result {
    // SAFETY: as documented.
    pool::cancel(unsafe { &*req.cast::<R>() })
}

/// Cancels a request that has not begun. Its callback is called later with `UV_ECANCELED`; until
/// then the library uses the memory. File, work, look-up, random and write requests can be
/// cancelled. A write that has begun reports how much was written (`uv_write_nwritten()`); cancelling
/// one that is complete has no effect.
///
/// Returns 0; `UV_EBUSY` if the request has begun or is done; `UV_EINVAL` for other requests.
/// Loop thread only. See <https://docs.libuv.org/en/v1.x/request.html#c.uv_cancel>.
///
/// # Safety
/// `req` is a request that was started and whose callback has not been called.
#[no_mangle]
pub unsafe extern "C" fn uv_cancel(req: *mut uv_req_t) -> c_int {
    // SAFETY: as documented; each function is called for requests of its type.
    unsafe {
        match Request::of(req).kind() {
            UV_WORK => cancel::<UserWork>(req),
            UV_FS => fs::cancel(req),
            UV_GETADDRINFO => cancel::<AddrInfo>(req),
            UV_GETNAMEINFO => cancel::<NameInfo>(req),
            UV_RANDOM => cancel::<Random>(req),
            UV_WRITE => Write::of(req.cast::<uv_write_t>()).cancel(),
            _ => Err(Error::EINVAL),
        }
        .into_c()
    }
}
