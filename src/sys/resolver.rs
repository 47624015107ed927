//! The C library's name resolution. These functions block on the network.

use super::{c, errno};
use crate::abi::{Error, Result};
use core::ffi::{c_char, c_int};
use libc::{addrinfo, sockaddr, socklen_t};

/// Calls getaddrinfo(3); [`free`] frees the list.
///
/// # Safety
/// `host` and `service` are NULL or strings; `hints` is NULL or initialised.
pub unsafe fn addresses(
    host: *const c_char,
    service: *const c_char,
    hints: *const addrinfo,
) -> Result<*mut addrinfo> {
    let mut list = core::ptr::null_mut();
    // SAFETY: as documented.
    match unsafe { c::getaddrinfo(host, service, hints, &raw mut list) } {
        0 => Ok(list),
        code => Err(error_of(code)),
    }
}

/// # Safety
/// `list` came from [`addresses`], or is made in the same way, and is not used afterwards.
pub unsafe fn free(list: *mut addrinfo) {
    // SAFETY: as documented.
    unsafe { c::freeaddrinfo(list) }
}

/// Calls getnameinfo(3), which writes the names of the host and of the service, each with a NUL.
///
/// # Safety
/// `address` points to `length` bytes; `host` and `service` have room for as many bytes as they say.
pub unsafe fn names(
    address: *const sockaddr,
    length: socklen_t,
    host: (*mut c_char, usize),
    service: (*mut c_char, usize),
    flags: c_int,
) -> Result {
    let size = |size| socklen_t::try_from(size).unwrap_or(socklen_t::MAX);
    let (host_size, service_size) = (size(host.1), size(service.1));
    // SAFETY: as documented.
    let code = unsafe {
        c::getnameinfo(address, length, host.0, host_size, service.0, service_size, flags)
    };
    match code {
        0 => Ok(()),
        code => Err(error_of(code)),
    }
}

/// glibc's codes that the `libc` crate lacks or has other numbers for.
const EAI_ADDRFAMILY: c_int = -9;
const EAI_CANCELED: c_int = -101;

fn error_of(code: c_int) -> Error {
    match code {
        EAI_ADDRFAMILY => Error::EAI_ADDRFAMILY,
        libc::EAI_AGAIN => Error::EAI_AGAIN,
        libc::EAI_BADFLAGS => Error::EAI_BADFLAGS,
        EAI_CANCELED => Error::EAI_CANCELED,
        libc::EAI_FAIL => Error::EAI_FAIL,
        libc::EAI_FAMILY => Error::EAI_FAMILY,
        libc::EAI_MEMORY => Error::EAI_MEMORY,
        libc::EAI_NODATA => Error::EAI_NODATA,
        libc::EAI_NONAME => Error::EAI_NONAME,
        libc::EAI_OVERFLOW => Error::EAI_OVERFLOW,
        libc::EAI_SERVICE => Error::EAI_SERVICE,
        libc::EAI_SOCKTYPE => Error::EAI_SOCKTYPE,
        libc::EAI_SYSTEM => Error::from_errno(errno()),
        // glibc returns no others.
        _ => Error::EAI_FAIL,
    }
}
