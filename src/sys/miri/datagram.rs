//! Messages, and UDP sockets made of socketpairs.
//!
//! The library has one end of each pair. The other end stands for the network: what is sent to a port
//! is written there, as a header and the bytes of the datagram.

use super::fail;
use core::ffi::{c_int, c_uint, c_void};
use core::mem::size_of;
use core::ptr;
use libc::{iovec, mmsghdr, msghdr, size_t, sockaddr, sockaddr_in, socklen_t, ssize_t};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard};

struct Socket {
    network: c_int,
    port: u16,
    peer: u16,
}

static SOCKETS: Mutex<BTreeMap<c_int, Socket>> = Mutex::new(BTreeMap::new());

/// Descriptors that were sent over streams and not received yet.
static PASSED: Mutex<VecDeque<c_int>> = Mutex::new(VecDeque::new());

fn sockets() -> MutexGuard<'static, BTreeMap<c_int, Socket>> {
    SOCKETS.lock().unwrap()
}

fn free_port(sockets: &BTreeMap<c_int, Socket>) -> u16 {
    (40_000..).find(|port| sockets.values().all(|socket| socket.port != *port)).unwrap()
}

fn is_datagram(fd: c_int) -> bool {
    sockets().contains_key(&fd)
}

unsafe fn port_of(address: *const sockaddr) -> u16 {
    u16::from_be((*address.cast::<sockaddr_in>()).sin_port)
}

unsafe fn put_address(port: u16, to: *mut sockaddr, length: *mut socklen_t) -> c_int {
    if !to.is_null() {
        let address = sockaddr_in {
            sin_family: libc::AF_INET as _,
            sin_port: port.to_be(),
            sin_addr: libc::in_addr { s_addr: 0x7f00_0001u32.to_be() },
            sin_zero: [0; 8],
        };
        let size = size_of::<sockaddr_in>();
        ptr::copy_nonoverlapping((&raw const address).cast::<u8>(), to.cast(), size);
        length.write(size as socklen_t);
    }
    0
}

pub unsafe extern "C" fn socket(family: c_int, kind: c_int, protocol: c_int) -> c_int {
    if kind & libc::SOCK_DGRAM == 0 {
        return libc::socket(family, kind, protocol);
    }
    let mut pair = [-1; 2];
    let kind = libc::SOCK_STREAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    if libc::socketpair(libc::AF_UNIX, kind, 0, pair.as_mut_ptr()) == 0 {
        sockets().insert(pair[0], Socket { network: pair[1], port: 0, peer: 0 });
    }
    pair[0]
}

pub unsafe extern "C" fn close(fd: c_int) -> c_int {
    if let Some(socket) = sockets().remove(&fd) {
        libc::close(socket.network);
    }
    libc::close(fd)
}

pub unsafe extern "C" fn bind(fd: c_int, address: *const sockaddr, length: socklen_t) -> c_int {
    if !is_datagram(fd) {
        return libc::bind(fd, address, length);
    }
    let mut sockets = sockets();
    let port = match port_of(address) {
        0 => free_port(&sockets),
        port if sockets.values().any(|socket| socket.port == port) => {
            return fail(libc::EADDRINUSE)
        }
        port => port,
    };
    sockets.get_mut(&fd).unwrap().port = port;
    0
}

pub unsafe extern "C" fn connect(fd: c_int, address: *const sockaddr, length: socklen_t) -> c_int {
    if !is_datagram(fd) {
        return libc::connect(fd, address, length);
    }
    let mut sockets = sockets();
    let port = free_port(&sockets);
    let socket = sockets.get_mut(&fd).unwrap();
    let known = c_int::from((*address).sa_family) == libc::AF_INET;
    socket.peer = if known { port_of(address) } else { 0 };
    if socket.port == 0 {
        socket.port = port;
    }
    0
}

pub unsafe extern "C" fn getsockname(
    fd: c_int,
    to: *mut sockaddr,
    length: *mut socklen_t,
) -> c_int {
    match sockets().get(&fd) {
        Some(socket) => put_address(socket.port, to, length),
        None => libc::getsockname(fd, to, length),
    }
}

pub unsafe extern "C" fn getpeername(
    fd: c_int,
    to: *mut sockaddr,
    length: *mut socklen_t,
) -> c_int {
    match sockets().get(&fd) {
        Some(socket) if socket.peer == 0 => fail(libc::ENOTCONN),
        Some(socket) => put_address(socket.peer, to, length),
        None => libc::getpeername(fd, to, length),
    }
}

/// Datagram sockets accept every option.
pub unsafe extern "C" fn setsockopt(
    fd: c_int,
    level: c_int,
    name: c_int,
    value: *const c_void,
    length: socklen_t,
) -> c_int {
    if is_datagram(fd) {
        return 0;
    }
    libc::setsockopt(fd, level, name, value, length)
}

pub unsafe extern "C" fn getsockopt(
    fd: c_int,
    level: c_int,
    name: c_int,
    value: *mut c_void,
    length: *mut socklen_t,
) -> c_int {
    if is_datagram(fd) {
        let domain = (level, name) == (libc::SOL_SOCKET, libc::SO_DOMAIN);
        value.cast::<c_int>().write(if domain { libc::AF_INET } else { 0 });
        return 0;
    }
    libc::getsockopt(fd, level, name, value, length)
}

// ---- sending -------------------------------------------------------------------------------

unsafe fn gather(message: *const msghdr) -> Vec<u8> {
    let mut bytes = Vec::new();
    for index in 0..(*message).msg_iovlen {
        let part = (*message).msg_iov.add(index).read();
        if part.iov_len > 0 {
            bytes
                .extend_from_slice(core::slice::from_raw_parts(part.iov_base.cast(), part.iov_len));
        }
    }
    bytes
}

/// The size of the datagrams that a message is to be cut into, 0 for one.
unsafe fn segment(message: *const msghdr) -> usize {
    let control = libc::CMSG_FIRSTHDR(message);
    if control.is_null() || (*control).cmsg_type != libc::UDP_SEGMENT {
        return 0;
    }
    libc::CMSG_DATA(control).cast::<u16>().read().into()
}

unsafe fn send_datagrams(fd: c_int, message: *const msghdr) -> ssize_t {
    let mut sockets = sockets();
    let free = free_port(&sockets);
    let socket = sockets.get_mut(&fd).unwrap();
    if socket.port == 0 {
        socket.port = free;
    }
    let name = (*message).msg_name.cast::<sockaddr>();
    let to = if name.is_null() { socket.peer } else { port_of(name) };
    let from = socket.port;
    let bytes = gather(message);
    let segment = match segment(message) {
        0 => bytes.len().max(1),
        segment => segment,
    };
    let mut datagrams: Vec<&[u8]> = bytes.chunks(segment).collect();
    if datagrams.is_empty() {
        datagrams.push(&[]);
    }
    // A datagram without a receiver is lost.
    if let Some(target) = sockets.values().find(|socket| socket.port == to) {
        for datagram in datagrams {
            let mut frame = (datagram.len() as u32).to_ne_bytes().to_vec();
            frame.extend_from_slice(&u32::from(from).to_ne_bytes());
            frame.extend_from_slice(datagram);
            let mut rest = &frame[..];
            while !rest.is_empty() {
                let written = libc::write(target.network, rest.as_ptr().cast(), rest.len());
                rest = &rest[usize::try_from(written).unwrap()..];
            }
        }
    }
    bytes.len() as ssize_t
}

/// Puts a descriptor that is to be passed into the queue.
unsafe fn pass_descriptor(message: *const msghdr) {
    let control = libc::CMSG_FIRSTHDR(message);
    if !control.is_null() && (*control).cmsg_type == libc::SCM_RIGHTS {
        let copy = libc::dup(libc::CMSG_DATA(control).cast::<c_int>().read());
        PASSED.lock().unwrap().push_back(copy);
    }
}

#[no_mangle]
unsafe extern "C" fn sendmsg(fd: c_int, message: *const msghdr, _: c_int) -> ssize_t {
    if is_datagram(fd) {
        return send_datagrams(fd, message);
    }
    let bytes = gather(message);
    let written = super::write(fd, bytes.as_ptr().cast(), bytes.len());
    if written > 0 {
        pass_descriptor(message);
    }
    written
}

#[no_mangle]
unsafe extern "C" fn sendmmsg(fd: c_int, messages: *mut mmsghdr, count: c_uint, _: c_int) -> c_int {
    for index in 0..count as usize {
        let message = messages.add(index);
        (*message).msg_len = send_datagrams(fd, &raw const (*message).msg_hdr) as c_uint;
    }
    count as c_int
}

#[no_mangle]
unsafe extern "C" fn sendto(
    fd: c_int,
    base: *const c_void,
    length: size_t,
    _: c_int,
    address: *const sockaddr,
    address_length: socklen_t,
) -> ssize_t {
    let mut part = iovec { iov_base: base.cast_mut(), iov_len: length };
    let mut message: msghdr = core::mem::zeroed();
    message.msg_name = address.cast_mut().cast();
    message.msg_namelen = address_length;
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    sendmsg(fd, &message, 0)
}

// ---- receiving -----------------------------------------------------------------------------

/// Reads the whole of what is there, however often Miri cuts a read short.
unsafe fn read_all(fd: c_int, bytes: &mut [u8]) -> ssize_t {
    let mut done = 0;
    while done < bytes.len() {
        let rest = &mut bytes[done..];
        match libc::read(fd, rest.as_mut_ptr().cast(), rest.len()) {
            count @ 1.. => done += count as usize,
            failure => {
                assert_eq!(done, 0);
                return failure;
            }
        }
    }
    done as ssize_t
}

/// Receives a datagram into `room` bytes at `base`; returns its size.
unsafe fn receive(
    fd: c_int,
    base: *mut u8,
    room: usize,
    from: *mut sockaddr,
    from_length: *mut socklen_t,
) -> ssize_t {
    let mut header = [0; 8];
    let count = read_all(fd, &mut header);
    if count <= 0 {
        return count;
    }
    let number = |at| u32::from_ne_bytes(*header[at..].first_chunk().unwrap());
    let mut bytes = vec![0u8; number(0) as usize];
    read_all(fd, &mut bytes);
    ptr::copy_nonoverlapping(bytes.as_ptr(), base, bytes.len().min(room));
    put_address(number(4) as u16, from, from_length);
    bytes.len() as ssize_t
}

/// As with MSG_TRUNC, which is always given.
#[no_mangle]
unsafe extern "C" fn recvfrom(
    fd: c_int,
    base: *mut c_void,
    length: size_t,
    _: c_int,
    from: *mut sockaddr,
    from_length: *mut socklen_t,
) -> ssize_t {
    receive(fd, base.cast(), length, from, from_length)
}

#[no_mangle]
unsafe extern "C" fn recvmmsg(
    fd: c_int,
    messages: *mut mmsghdr,
    count: c_uint,
    _: c_int,
    _: *mut libc::timespec,
) -> c_int {
    for index in 0..count as usize {
        let message = messages.add(index);
        let header = &raw mut (*message).msg_hdr;
        let part = (*header).msg_iov.read();
        let name = (*header).msg_name.cast();
        let room = part.iov_len;
        let length = &raw mut (*header).msg_namelen;
        match receive(fd, part.iov_base.cast(), room, name, length) {
            -1 if index == 0 => return -1,
            -1 => return index as c_int,
            size => {
                (*message).msg_len = size.min(room as ssize_t) as c_uint;
                (*header).msg_flags = if size > room as ssize_t { libc::MSG_TRUNC } else { 0 };
            }
        }
    }
    count as c_int
}

#[no_mangle]
unsafe extern "C" fn recvmsg(fd: c_int, message: *mut msghdr, flags: c_int) -> ssize_t {
    if flags & libc::MSG_ERRQUEUE != 0 {
        return fail(libc::EAGAIN) as ssize_t;
    }
    let part = (*message).msg_iov.read();
    let count = super::read(fd, part.iov_base, part.iov_len);
    let passed = if count > 0 { PASSED.lock().unwrap().pop_front() } else { None };
    match passed {
        Some(descriptor) => {
            let control = libc::CMSG_FIRSTHDR(message);
            (*control).cmsg_level = libc::SOL_SOCKET;
            (*control).cmsg_type = libc::SCM_RIGHTS;
            (*control).cmsg_len = libc::CMSG_LEN(4) as usize;
            libc::CMSG_DATA(control).cast::<c_int>().write(descriptor);
            (*message).msg_controllen = libc::CMSG_SPACE(4) as usize;
        }
        None => (*message).msg_controllen = 0,
    }
    count
}
