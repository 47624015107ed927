//! AF_UNIX sockets: addresses, and descriptors sent over them.

use super::{c, count, cvt, field, retry, sa_family, socket};
use crate::abi::{uv_buf_t, Result};
use core::ffi::c_int;
use core::mem::{offset_of, size_of, MaybeUninit};
use libc::{sockaddr_un, socklen_t};

/// The offset of the name in an address.
pub const NAME_OFFSET: usize = offset_of!(sockaddr_un, sun_path);
/// The maximum length of a name.
pub const NAME_MAX: usize = size_of::<sockaddr_un>() - NAME_OFFSET;

/// The most descriptors in one message, `SCM_MAX_FD`.
pub const DESCRIPTORS_MAX: usize = 253;

/// Room for control messages that options of a socket add.
const OPTIONS: usize = 512;

/// An address. Names that begin with a NUL are abstract, others are paths.
#[repr(C)]
pub struct Address {
    raw: sockaddr_un,
    /// Ends a path that fills the address, for code that reads it as a string.
    end: u8,
    length: socklen_t,
}

impl Address {
    /// Returns the address for the first [`NAME_MAX`] bytes of a name. For an empty name the kernel
    /// chooses an abstract one.
    pub fn new(name: &[u8]) -> Address {
        // SAFETY: all zeroes are a valid address.
        let mut raw: sockaddr_un = unsafe { MaybeUninit::zeroed().assume_init() };
        raw.sun_family = sa_family(libc::AF_UNIX);
        for (to, from) in raw.sun_path.iter_mut().zip(name) {
            *to = *from as libc::c_char;
        }
        let is_path = name.first().is_some_and(|first| *first != 0);
        let length =
            if is_path { size_of::<sockaddr_un>() } else { NAME_OFFSET + name.len().min(NAME_MAX) };
        let length = socklen_t::try_from(length).unwrap_or(0);
        Address { raw, end: 0, length }
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

/// A control buffer of `N` bytes, aligned for a header.
#[repr(C, align(8))]
struct Control<const N: usize>([MaybeUninit<u8>; N]);

/// Returns the size of a control message with this many descriptors.
#[expect(clippy::cast_possible_truncation, reason = "the callers' numbers are small")]
const fn control_size(descriptors: usize) -> usize {
    // SAFETY: computes a number.
    unsafe { libc::CMSG_SPACE((descriptors * size_of::<c_int>()) as u32) as usize }
}

/// Returns a message header for these buffers and this control buffer.
fn message<const N: usize>(buffers: &[uv_buf_t], control: &mut Control<N>) -> libc::msghdr {
    let mut message = socket::message(buffers);
    message.msg_control = control.0.as_mut_ptr().cast();
    message.msg_controllen = field(N);
    message
}

/// Writes the buffers like `socket::send`, and sends `descriptor` with the first byte.
///
/// # Safety
/// Each buffer points to as many readable bytes as it says.
pub unsafe fn send_descriptor(
    fd: c_int,
    buffers: &[uv_buf_t],
    descriptor: c_int,
    flags: c_int,
) -> Result<usize> {
    let mut control = Control([MaybeUninit::zeroed(); control_size(1)]);
    let message = message(buffers, &mut control);
    // SAFETY: the control buffer is aligned, and has room for a header and one descriptor.
    unsafe {
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        (*header).cmsg_level = libc::SOL_SOCKET;
        (*header).cmsg_type = libc::SCM_RIGHTS;
        (*header).cmsg_len = field(libc::CMSG_LEN(0) as usize + size_of::<c_int>());
        libc::CMSG_DATA(header).cast::<[u8; size_of::<c_int>()]>().write(descriptor.to_ne_bytes());
    }
    // SAFETY: as documented; the control buffer has one message.
    retry(|| count(unsafe { c::sendmsg(fd, &raw const message, flags) }))
}

/// Reads into `buffer`, which may be uninitialised memory, and calls `take` with each descriptor that
/// was received. They are close-on-exec.
///
/// # Safety
/// `buffer.base` points to `buffer.len` writable bytes.
pub unsafe fn receive_descriptors(
    fd: c_int,
    buffer: &uv_buf_t,
    flags: c_int,
    take: impl FnMut(c_int),
) -> Result<usize> {
    // What the socket's options add comes first, such as the sender's credentials.
    let mut control = Control([MaybeUninit::uninit(); control_size(DESCRIPTORS_MAX) + OPTIONS]);
    let mut message = message(core::slice::from_ref(buffer), &mut control);
    let flags = flags | libc::MSG_CMSG_CLOEXEC;
    // SAFETY: as documented; the size is that of the control buffer.
    let length = retry(|| count(unsafe { c::recvmsg(fd, &raw mut message, flags) }))?;
    // SAFETY: the kernel has filled in control messages and set their total length.
    unsafe { each_descriptor(&message, take) };
    Ok(length)
}

/// Calls `take` with each descriptor in the control messages of a received message.
///
/// # Safety
/// As many bytes of the control buffer are initialised as the message says.
pub unsafe fn each_descriptor(message: &libc::msghdr, mut take: impl FnMut(c_int)) {
    // SAFETY: as documented; any bytes are a number.
    unsafe {
        let rights =
            |it: &socket::Control| (it.level, it.kind) == (libc::SOL_SOCKET, libc::SCM_RIGHTS);
        for control in socket::controls(message).filter(rights) {
            (0..control.length / size_of::<c_int>())
                .filter_map(|index| control.read(index * size_of::<c_int>()))
                .for_each(&mut take);
        }
    }
}
