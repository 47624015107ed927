//! Sockets.

use super::{c, count, cvt, retry, sa_family, safe_calls, socklen};
use crate::abi::{uv_buf_t, Error, Result};
use core::ffi::c_int;
use core::mem::{align_of, size_of, MaybeUninit};
use core::ptr;

/// Makes a socket that is non-blocking and close-on-exec.
pub fn socket(family: c_int, kind: c_int, protocol: c_int) -> Result<c_int> {
    let kind = kind | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: takes integers.
    cvt(unsafe { c::socket(family, kind, protocol) })
}

/// Makes a pair of connected sockets that are close-on-exec; `kind` may contain SOCK_NONBLOCK.
pub fn socketpair(kind: c_int, protocol: c_int) -> Result<[c_int; 2]> {
    let (mut pair, kind) = ([-1; 2], kind | libc::SOCK_CLOEXEC);
    // SAFETY: there is room for two descriptors.
    cvt(unsafe { c::socketpair(libc::AF_UNIX, kind, protocol, pair.as_mut_ptr()) })?;
    Ok(pair)
}

/// Accepts a connection as a non-blocking, close-on-exec socket.
pub fn accept(fd: c_int) -> Result<c_int> {
    let (address, length) = (ptr::null_mut(), ptr::null_mut());
    let flags = libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: without an address to fill in, takes integers.
    retry(|| cvt(unsafe { c::accept4(fd, address, length, flags) }))
}

/// Returns the length of an address from C, which depends on the family; `EINVAL` for NULL and for
/// families other than IPv4 and IPv6.
///
/// # Safety
/// `address` points to as many bytes as its family needs.
pub unsafe fn address_length(address: *const libc::sockaddr) -> Result<libc::socklen_t> {
    if address.is_null() {
        return Err(Error::EINVAL);
    }
    // SAFETY: as documented.
    let length = match unsafe { family(address) } {
        libc::AF_INET => socklen::<libc::sockaddr_in>(),
        libc::AF_INET6 => socklen::<libc::sockaddr_in6>(),
        _ => return Err(Error::EINVAL),
    };
    Ok(length)
}

/// # Safety
/// `address` points to an address.
pub unsafe fn family(address: *const libc::sockaddr) -> c_int {
    // SAFETY: as documented. Every address begins with its family.
    c_int::from(unsafe { (&raw const (*address).sa_family).read_unaligned() })
}

/// # Safety
/// `address` points to `length` bytes.
pub unsafe fn bind(fd: c_int, address: *const libc::sockaddr, length: libc::socklen_t) -> Result {
    // SAFETY: as documented.
    cvt(unsafe { c::bind(fd, address, length) }).map(drop)
}

/// # Safety
/// `address` points to `length` bytes.
pub unsafe fn connect(
    fd: c_int,
    address: *const libc::sockaddr,
    length: libc::socklen_t,
) -> Result {
    // SAFETY: as documented.
    retry(|| cvt(unsafe { c::connect(fd, address, length) })).map(drop)
}

/// Removes the peer of a datagram socket.
pub fn disconnect(fd: c_int) -> Result {
    let none = libc::sockaddr { sa_family: sa_family(libc::AF_UNSPEC), sa_data: [0; 14] };
    // SAFETY: the length is the address's.
    unsafe { connect(fd, &raw const none, socklen::<libc::sockaddr>()) }
}

/// Reads from a connected socket into `buffer`, which may be uninitialised memory. `flags` are the
/// kernel's.
///
/// # Safety
/// `buffer.base` points to `buffer.len` writable bytes.
pub unsafe fn receive(fd: c_int, buffer: &uv_buf_t, flags: c_int) -> Result<usize> {
    // SAFETY: as documented.
    retry(|| count(unsafe { c::recv(fd, buffer.base.cast(), buffer.len, flags) }))
}

/// Writes to a connected socket. `flags` are the kernel's.
///
/// # Safety
/// Each buffer points to as many readable bytes as it says.
pub unsafe fn send(fd: c_int, buffers: &[uv_buf_t], flags: c_int) -> Result<usize> {
    if let [one] = buffers {
        // SAFETY: as documented.
        return retry(|| count(unsafe { c::send(fd, one.base.cast(), one.len, flags) }));
    }
    let message = message(buffers);
    // SAFETY: as documented.
    retry(|| count(unsafe { c::sendmsg(fd, &raw const message, flags) }))
}

/// Returns a message header for at most [`MAX_BUFFERS`](super::fd::MAX_BUFFERS) of the buffers.
pub fn message(buffers: &[uv_buf_t]) -> libc::msghdr {
    // SAFETY: all zeroes are a valid header, some of whose fields differ between C libraries.
    let mut message: libc::msghdr = unsafe { core::mem::zeroed() };
    message.msg_iov = super::fd::vectors(buffers).0.cast_mut();
    message.msg_iovlen = buffers.len().min(super::fd::MAX_BUFFERS) as _;
    message
}

/// A control message of a received message.
pub struct Control {
    pub level: c_int,
    pub kind: c_int,
    /// Aligned like a header. It ends where the buffer does, whatever the message says.
    pub data: *const u8,
    pub length: usize,
}

impl Control {
    /// Reads a value at an offset; nothing if it is not all there.
    ///
    /// # Safety
    /// The buffer is alive, and any bytes are a value of `T`.
    pub unsafe fn read<T>(&self, offset: usize) -> Option<T> {
        let end = offset.checked_add(size_of::<T>())?;
        // SAFETY: as documented; the data has that many bytes.
        (end <= self.length).then(|| unsafe { self.data.add(offset).cast::<T>().read_unaligned() })
    }
}

/// Returns the control messages of a received message.
///
/// # Safety
/// The kernel has filled in as many bytes of the control buffer as the message says, and the buffer outlives the
/// iterator.
#[allow(clippy::unnecessary_cast, reason = "the types of lengths differ between C libraries")]
pub unsafe fn controls(message: &libc::msghdr) -> impl Iterator<Item = Control> {
    const HEADER: usize = size_of::<libc::cmsghdr>();
    let (start, end) =
        (message.msg_control.cast::<u8>().cast_const(), message.msg_controllen as usize);
    let mut at = 0_usize;
    core::iter::from_fn(move || {
        if start.is_null() || at.checked_add(HEADER)? > end {
            return None;
        }
        // SAFETY: the header ends where the buffer does or before.
        let header = unsafe { start.add(at).cast::<libc::cmsghdr>().read_unaligned() };
        let length = (header.cmsg_len as usize).min(end - at).checked_sub(HEADER)?;
        // SAFETY: this is at most the end of the buffer.
        let data = unsafe { start.add(at + HEADER) };
        at = (at + HEADER + length).checked_next_multiple_of(align_of::<usize>())?;
        Some(Control { level: header.cmsg_level, kind: header.cmsg_type, data, length })
    })
}

safe_calls! {
    fn listen(fd: c_int, backlog: c_int);
    fn shutdown(fd: c_int, how: c_int);
}

pub fn shut_down_writing(fd: c_int) -> Result {
    shutdown(fd, libc::SHUT_WR)
}

/// A C function that stores an address and its length.
type NameFunction = unsafe extern "C" fn(c_int, *mut libc::sockaddr, *mut libc::socklen_t) -> c_int;

/// Returns an address, and its length.
///
/// # Safety
/// `function` is getsockname() or getpeername().
#[inline(never)]
unsafe fn address(function: NameFunction, fd: c_int) -> Result<(libc::sockaddr_storage, usize)> {
    let mut storage = MaybeUninit::<libc::sockaddr_storage>::zeroed();
    let mut length = socklen::<libc::sockaddr_storage>();
    // SAFETY: as documented; the length is that of the storage.
    cvt(unsafe { function(fd, storage.as_mut_ptr().cast(), &raw mut length) })?;
    // SAFETY: all zeroes are a valid value, of which the kernel overwrote a part.
    Ok((unsafe { storage.assume_init() }, (length as usize).min(size_of_val(&storage))))
}

/// Returns the address that the socket is bound to, and its length.
pub fn name(fd: c_int) -> Result<(libc::sockaddr_storage, usize)> {
    // SAFETY: passes getsockname().
    unsafe { address(c::getsockname, fd) }
}

/// Returns the address of the peer, and its length.
pub fn peer(fd: c_int) -> Result<(libc::sockaddr_storage, usize)> {
    // SAFETY: passes getpeername().
    unsafe { address(c::getpeername, fd) }
}

/// Returns an option whose value is an int.
pub fn option(fd: c_int, level: c_int, name: c_int) -> Result<c_int> {
    let (mut value, mut length) = (0, socklen::<c_int>());
    // SAFETY: the length is that of the int.
    cvt(unsafe { c::getsockopt(fd, level, name, (&raw mut value).cast(), &raw mut length) })?;
    Ok(value)
}

pub fn set_option(fd: c_int, level: c_int, name: c_int, value: c_int) -> Result {
    set_option_value(fd, level, name, &value)
}

/// Sets an option whose value is a struct of C.
pub fn set_option_value<T>(fd: c_int, level: c_int, name: c_int, value: &T) -> Result {
    let address = ptr::from_ref(value).cast();
    // SAFETY: the length is that of the value.
    cvt(unsafe { c::setsockopt(fd, level, name, address, socklen::<T>()) }).map(drop)
}

/// Takes the pending error of the socket, such as that of a connection attempt.
pub fn take_error(fd: c_int) -> Result {
    match option(fd, libc::SOL_SOCKET, libc::SO_ERROR)? {
        0 => Ok(()),
        errno => Err(Error::from_errno(errno)),
    }
}
