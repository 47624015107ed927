//! Sockets of the family AF_UNIX: their addresses, and descriptors sent over them.

use super::fd::MAX_BUFFERS;
use super::{c, count, cvt, retry};
use crate::abi::{uv_buf_t, Result};
use core::ffi::c_int;
use core::mem::{offset_of, size_of, MaybeUninit};
use libc::{sockaddr_un, socklen_t};

/// Where the name begins in an address.
pub const NAME_OFFSET: usize = offset_of!(sockaddr_un, sun_path);
/// How long a name can be.
pub const NAME_MAX: usize = size_of::<sockaddr_un>() - NAME_OFFSET;

/// How many descriptors the kernel puts into one message, `SCM_MAX_FD`.
pub const DESCRIPTORS_MAX: usize = 253;

/// An address; names that begin with a NUL are abstract, others are paths.
#[repr(C)]
pub struct Address {
    raw: sockaddr_un,
    /// Ends a path that fills the address, for those who look at it as a string.
    end: u8,
    length: socklen_t,
}

impl Address {
    /// The address of a name, of which at most [`NAME_MAX`] bytes are used. The kernel chooses an
    /// abstract name when it is empty.
    pub fn new(name: &[u8]) -> Address {
        // SAFETY: all zeroes are a valid address.
        let mut raw: sockaddr_un = unsafe { MaybeUninit::zeroed().assume_init() };
        raw.sun_family = libc::AF_UNIX as libc::sa_family_t;
        for (to, from) in raw.sun_path.iter_mut().zip(name) {
            *to = *from as libc::c_char;
        }
        let is_path = name.first().is_some_and(|first| *first != 0);
        let length =
            if is_path { size_of::<sockaddr_un>() } else { NAME_OFFSET + name.len().min(NAME_MAX) };
        Address { raw, end: 0, length: length as socklen_t }
    }

    pub fn bind(&self, fd: c_int) -> Result {
        // SAFETY: the length is that of the address.
        cvt(unsafe { c::bind(fd, (&raw const self.raw).cast(), self.length) }).map(drop)
    }

    pub fn connect(&self, fd: c_int) -> Result {
        let address = (&raw const self.raw).cast();
        // SAFETY: the length is that of the address.
        retry(|| cvt(unsafe { c::connect(fd, address, self.length) })).map(drop)
    }
}

/// Room for the control message that carries `N` bytes, aligned as the kernel wants it.
#[repr(C, align(8))]
struct Control<const N: usize>([MaybeUninit<u8>; N]);

const ONE: usize = {
    // SAFETY: computes a number.
    unsafe { libc::CMSG_SPACE(size_of::<c_int>() as u32) as usize }
};
const MANY: usize = {
    // SAFETY: computes a number.
    unsafe { libc::CMSG_SPACE((DESCRIPTORS_MAX * size_of::<c_int>()) as u32) as usize }
};

/// A message of these buffers, with room for control messages.
fn message<const N: usize>(buffers: &[uv_buf_t], control: &mut Control<N>) -> libc::msghdr {
    // SAFETY: all zeroes are a valid header.
    let mut message: libc::msghdr = unsafe { MaybeUninit::zeroed().assume_init() };
    // uv_buf_t has the layout of struct iovec, which abi/ asserts.
    message.msg_iov = buffers.as_ptr().cast_mut().cast();
    message.msg_iovlen = buffers.len().min(MAX_BUFFERS);
    message.msg_control = control.0.as_mut_ptr().cast();
    message.msg_controllen = N;
    message
}

/// Writes the buffers as `fd::write_vectored` does, and sends `descriptor` with the first byte.
///
/// # Safety
/// Each buffer points to as many readable bytes as it says.
pub unsafe fn send_descriptor(fd: c_int, buffers: &[uv_buf_t], descriptor: c_int) -> Result<usize> {
    let mut control = Control([MaybeUninit::zeroed(); ONE]);
    let message = message(buffers, &mut control);
    // SAFETY: the control buffer has room for a header and one descriptor, and is aligned.
    unsafe {
        let header = libc::CMSG_FIRSTHDR(&message);
        (*header).cmsg_level = libc::SOL_SOCKET;
        (*header).cmsg_type = libc::SCM_RIGHTS;
        (*header).cmsg_len = libc::CMSG_LEN(size_of::<c_int>() as u32) as usize;
        libc::CMSG_DATA(header).cast::<c_int>().write_unaligned(descriptor);
    }
    // SAFETY: the message has the caller's buffers, which are readable, and the descriptor.
    retry(|| count(unsafe { c::sendmsg(fd, &message, 0) }))
}

/// Reads into `buffer`, which may be uninitialised memory, and calls `take` with each descriptor
/// that came along. They are close-on-exec.
///
/// # Safety
/// `buffer.base` points to `buffer.len` writable bytes.
pub unsafe fn receive_descriptors(
    fd: c_int,
    buffer: &uv_buf_t,
    mut take: impl FnMut(c_int),
) -> Result<usize> {
    let mut control = Control([MaybeUninit::uninit(); MANY]);
    let mut message = message(core::slice::from_ref(buffer), &mut control);
    // SAFETY: the message has the caller's buffer, which is writable, and room for descriptors.
    let length = retry(|| count(unsafe { c::recvmsg(fd, &mut message, libc::MSG_CMSG_CLOEXEC) }))?;
    // SAFETY: the kernel filled the control buffer with messages and set its length.
    unsafe {
        let mut header = libc::CMSG_FIRSTHDR(&message);
        while !header.is_null() {
            if (*header).cmsg_level == libc::SOL_SOCKET && (*header).cmsg_type == libc::SCM_RIGHTS {
                let size = (*header).cmsg_len.saturating_sub(libc::CMSG_LEN(0) as usize);
                let data = libc::CMSG_DATA(header).cast::<c_int>();
                for index in 0..size / size_of::<c_int>() {
                    take(data.add(index).read_unaligned());
                }
            }
            header = libc::CMSG_NXTHDR(&message, header);
        }
    }
    Ok(length)
}
