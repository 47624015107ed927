//! File operations.

use crate::abi::*;

/// # Safety
/// `request` is a file request that was started.
pub unsafe fn cancel(_request: *mut uv_req_t) -> Result {
    Err(Error::EINVAL)
}
