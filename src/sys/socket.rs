//! Sockets.

use super::{retry, syscall};
use crate::abi::{uv_buf_t, Error, Result};
use core::ffi::c_int;
use core::mem::{size_of, MaybeUninit};

/// A socket that is non-blocking and close-on-exec.
pub fn socket(family: c_int, kind: c_int, protocol: c_int) -> Result<c_int> {
    syscall!(socket(family, kind | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC, protocol))
}

/// A pair of connected sockets that are close-on-exec; `kind` may contain SOCK_NONBLOCK.
pub fn socketpair(kind: c_int, protocol: c_int) -> Result<[c_int; 2]> {
    let mut pair = [-1; 2];
    syscall!(socketpair(libc::AF_UNIX, kind | libc::SOCK_CLOEXEC, protocol, pair.as_mut_ptr()))?;
    Ok(pair)
}

/// Accepts a connection as a non-blocking, close-on-exec socket.
pub fn accept(fd: c_int) -> Result<c_int> {
    let null = core::ptr::null_mut();
    let flags = libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    retry(|| syscall!(accept4(fd, null, core::ptr::null_mut(), flags)))
}

/// An address as C passes it: a pointer, and the length that its family has.
///
/// # Safety
/// `address` points to as many bytes as its family needs.
pub unsafe fn address_length(address: *const libc::sockaddr) -> Result<libc::socklen_t> {
    if address.is_null() {
        return Err(Error::EINVAL);
    }
    // SAFETY: the caller's contract.
    let length = match unsafe { family(address) } {
        libc::AF_INET => size_of::<libc::sockaddr_in>(),
        libc::AF_INET6 => size_of::<libc::sockaddr_in6>(),
        _ => return Err(Error::EINVAL),
    };
    Ok(length as libc::socklen_t)
}

/// # Safety
/// `address` points to an address.
pub unsafe fn family(address: *const libc::sockaddr) -> c_int {
    // SAFETY: the caller's contract; every address begins with its family.
    c_int::from(unsafe { (&raw const (*address).sa_family).read_unaligned() })
}

/// # Safety
/// `address` points to `length` bytes.
pub unsafe fn bind(fd: c_int, address: *const libc::sockaddr, length: libc::socklen_t) -> Result {
    syscall!(bind(fd, address, length)).map(drop)
}

/// # Safety
/// `address` points to `length` bytes.
pub unsafe fn connect(
    fd: c_int,
    address: *const libc::sockaddr,
    length: libc::socklen_t,
) -> Result {
    retry(|| syscall!(connect(fd, address, length))).map(drop)
}

/// Takes the peer of a datagram socket away.
pub fn disconnect(fd: c_int) -> Result {
    let none = libc::sockaddr { sa_family: libc::AF_UNSPEC as libc::sa_family_t, sa_data: [0; 14] };
    let length = size_of::<libc::sockaddr>() as libc::socklen_t;
    // SAFETY: the address is as long as is said.
    unsafe { connect(fd, &none, length) }
}

/// Reads from a connected socket into `buffer`, which may be uninitialised memory.
///
/// # Safety
/// `buffer.base` points to `buffer.len` writable bytes.
pub unsafe fn receive(fd: c_int, buffer: &uv_buf_t) -> Result<usize> {
    retry(|| syscall!(recv(fd, buffer.base.cast(), buffer.len, 0))).map(|n| n as usize)
}

/// Writes to a connected socket.
///
/// # Safety
/// `buffer.base` points to `buffer.len` readable bytes.
pub unsafe fn send(fd: c_int, buffer: &uv_buf_t) -> Result<usize> {
    retry(|| syscall!(send(fd, buffer.base.cast(), buffer.len, 0))).map(|n| n as usize)
}

pub fn listen(fd: c_int, backlog: c_int) -> Result {
    syscall!(listen(fd, backlog)).map(drop)
}

pub fn shut_down_writing(fd: c_int) -> Result {
    syscall!(shutdown(fd, libc::SHUT_WR)).map(drop)
}

/// The address that the socket is bound to, and how many bytes of it are meaningful.
pub fn name(fd: c_int) -> Result<(libc::sockaddr_storage, usize)> {
    let mut storage = MaybeUninit::<libc::sockaddr_storage>::zeroed();
    let mut length = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
    syscall!(getsockname(fd, storage.as_mut_ptr().cast(), &mut length))?;
    // SAFETY: all zeroes are a valid value, of which the kernel overwrote a part.
    Ok((unsafe { storage.assume_init() }, length as usize))
}

/// The address of the peer, and how many bytes of it are meaningful.
pub fn peer(fd: c_int) -> Result<(libc::sockaddr_storage, usize)> {
    let mut storage = MaybeUninit::<libc::sockaddr_storage>::zeroed();
    let mut length = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
    syscall!(getpeername(fd, storage.as_mut_ptr().cast(), &mut length))?;
    // SAFETY: all zeroes are a valid value, of which the kernel overwrote a part.
    Ok((unsafe { storage.assume_init() }, length as usize))
}

/// An option whose value is an int.
pub fn option(fd: c_int, level: c_int, name: c_int) -> Result<c_int> {
    let mut value: c_int = 0;
    let mut length = size_of::<c_int>() as libc::socklen_t;
    syscall!(getsockopt(fd, level, name, (&raw mut value).cast(), &mut length))?;
    Ok(value)
}

pub fn set_option(fd: c_int, level: c_int, name: c_int, value: c_int) -> Result {
    set_option_value(fd, level, name, &value)
}

/// An option whose value is a struct of C.
pub fn set_option_value<T>(fd: c_int, level: c_int, name: c_int, value: &T) -> Result {
    let length = size_of::<T>() as libc::socklen_t;
    syscall!(setsockopt(fd, level, name, core::ptr::from_ref(value).cast(), length)).map(drop)
}

/// The error that an asynchronous operation left in the socket.
pub fn take_error(fd: c_int) -> Result {
    match option(fd, libc::SOL_SOCKET, libc::SO_ERROR)? {
        0 => Ok(()),
        errno => Err(Error::from_errno(errno)),
    }
}
