//! UDP handles.
//!
//! A socket is created when it is first needed, and then bound to an address that the kernel chooses. It is
//! registered edge-triggered: for reading while it receives; for writing only from a send that the kernel
//! has no room for to the next that it accepts, because a UDP socket reports an edge for every datagram
//! that leaves it.
//!
//! The first of several datagrams is sent at once. Those that follow before its callback are queued and
//! sent together in the loop's pending phase, where the callbacks are called.

mod bulk;
mod options;
mod receive;
pub mod send;

use super::{flag, Handle};
use crate::abi::*;
use crate::check;
use crate::event_loop::Loop;
use crate::ffi::{overlay, Overlay};
use crate::list::List;
use crate::observe::{layout, offsets};
use crate::poller::{EventHandler, Watcher};
use crate::sys::{self, socket};
use core::cell::Cell;
use core::ffi::{c_int, c_uint};
use core::mem::size_of;
use libc::{sockaddr, socklen_t};
use mio::event::Event;
use mio::Interest;

#[repr(C)]
pub struct Udp {
    pub handle: Handle,
    /// The bytes and the number of datagrams whose callback was not called yet.
    send_queue_size: Cell<usize>,
    send_queue_count: Cell<usize>,
    alloc_cb: Cell<uv_alloc_cb>,
    recv_cb: Cell<uv_udp_recv_cb>,
    pub watcher: Watcher,
    /// Datagrams to be sent, in order.
    unsent: List,
    /// Datagrams that were sent, or have failed, and were not called back yet.
    sent: List,
}

overlay!(Udp {
    handle,
    send_queue_size,
    send_queue_count,
    alloc_cb,
    recv_cb,
    watcher,
    unsent,
    sent,
} => uv_udp_t);
const _: () = {
    use core::mem::offset_of;
    assert!(offset_of!(Udp, send_queue_size) == offset_of!(uv_udp_t, send_queue_size));
    assert!(offset_of!(Udp, send_queue_count) == offset_of!(uv_udp_t, send_queue_count));
    assert!(offset_of!(Udp, recv_cb) == offset_of!(uv_udp_t, recv_cb));
    assert!(offset_of!(Udp, watcher) == offset_of!(uv_udp_t, io_watcher));
};

pub const OFFSETS: layout::UdpOffsets = offsets!(
    UdpOffsets,
    Udp {
        send_queue_size: send_queue_size,
        send_queue_count: send_queue_count,
        alloc_cb: alloc_cb,
        recv_cb: recv_cb,
        unsent: unsent,
        sent: sent,
        watcher: watcher,
        fd: watcher.fd,
    }
);

impl Udp {
    /// # Safety
    /// As for [`Handle::init`].
    unsafe fn init(at: *mut Udp, loop_: &Loop, fd: c_int) {
        // SAFETY: as documented.
        unsafe {
            Handle::init(at, loop_, UV_UDP, |handle| Udp {
                handle,
                send_queue_size: Cell::new(0),
                send_queue_count: Cell::new(0),
                alloc_cb: Cell::new(None),
                recv_cb: Cell::new(None),
                watcher: Watcher::new::<Udp>(fd),
                unsent: List::new(),
                sent: List::new(),
            });
        }
    }

    fn loop_(&self) -> &Loop {
        self.handle.loop_()
    }

    fn fd(&self) -> c_int {
        self.watcher.fd.get()
    }

    fn is_open(&self) -> bool {
        self.fd() != -1
    }

    fn is_connected(&self) -> bool {
        self.handle.has(flag::UDP_CONNECTED)
    }

    fn is_ipv6(&self) -> bool {
        self.handle.has(flag::IPV6)
    }

    fn c_pointer<T>(&self) -> *mut T {
        core::ptr::from_ref(self).cast_mut().cast()
    }

    /// Creates the handle's socket, unless it has one.
    fn ensure_socket(&self, family: c_int) -> Result {
        if !self.is_open() {
            self.watcher.fd.set(socket::socket(family, libc::SOCK_DGRAM, 0)?);
            self.init_socket(family);
        }
        Ok(())
    }

    fn init_socket(&self, family: c_int) {
        if family == libc::AF_INET6 {
            self.handle.set(flag::IPV6);
        }
    }

    /// Creates a socket, bound to an address that the kernel chooses, unless the handle has one.
    fn ensure_bound(&self, family: c_int, flags: c_uint) -> Result {
        if self.is_open() {
            return Ok(());
        }
        // SAFETY: zeros are a valid address of either family, the wildcard address.
        let mut any: libc::sockaddr_in6 = unsafe { core::mem::zeroed() };
        any.sin6_family = family as libc::sa_family_t;
        // SAFETY: an IPv6 address is larger than an IPv4 one.
        unsafe { self.bind((&raw const any).cast(), flags) }
    }

    /// # Safety
    /// As for `uv_udp_bind`.
    unsafe fn bind(&self, address: *const sockaddr, flags: c_uint) -> Result {
        const KNOWN: c_uint =
            UV_UDP_IPV6ONLY | UV_UDP_REUSEADDR | UV_UDP_REUSEPORT | UV_UDP_LINUX_RECVERR;
        // SAFETY: as documented.
        let (length, family) =
            unsafe { (socket::address_length(address)?, socket::family(address)) };
        if flags & !KNOWN != 0 || self.handle.is_closing() {
            return Err(Error::EINVAL);
        }
        if flags & UV_UDP_IPV6ONLY != 0 && family != libc::AF_INET6 {
            return Err(Error::EINVAL);
        }
        self.ensure_socket(family)?;
        let fd = self.fd();
        if flags & UV_UDP_LINUX_RECVERR != 0 {
            let (level, option) = if family == libc::AF_INET6 {
                (libc::IPPROTO_IPV6, libc::IPV6_RECVERR)
            } else {
                (libc::IPPROTO_IP, libc::IP_RECVERR)
            };
            socket::set_option(fd, level, option, 1)?;
            self.handle.set(flag::UDP_NO_SEGMENTS);
        }
        set_reuse(fd, flags)?;
        if flags & UV_UDP_IPV6ONLY != 0 {
            socket::set_option(fd, libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, 1)?;
        }
        // SAFETY: as documented.
        match unsafe { socket::bind(fd, address, length) } {
            Err(Error::EAFNOSUPPORT) => return Err(Error::EINVAL),
            other => other?,
        }
        self.handle.set(flag::BOUND);
        Ok(())
    }

    pub fn open(&self, fd: c_int, flags: c_uint) -> Result {
        if flags & !(UV_UDP_REUSEADDR | UV_UDP_REUSEPORT) != 0 || self.handle.is_closing() {
            return Err(Error::EINVAL);
        }
        if self.is_open() {
            return Err(Error::EBUSY);
        }
        if self.loop_().uses(fd) {
            return Err(Error::EEXIST);
        }
        sys::fd::set_nonblocking(fd, true)?;
        set_reuse(fd, flags)?;
        self.watcher.fd.set(fd);
        self.handle.set(flag::UDP_SHARED);
        if let Ok(family) = socket::option(fd, libc::SOL_SOCKET, libc::SO_DOMAIN) {
            self.init_socket(family);
        }
        if has_error_queue(fd) {
            self.handle.set(flag::UDP_NO_SEGMENTS);
        }
        if socket::peer(fd).is_ok() {
            self.handle.set(flag::UDP_CONNECTED);
        }
        Ok(())
    }

    /// # Safety
    /// As for `uv_udp_connect`, and `address` is not NULL.
    unsafe fn connect(&self, address: *const sockaddr) -> Result {
        // SAFETY: as documented.
        let (length, family) =
            unsafe { (socket::address_length(address)?, socket::family(address)) };
        if self.is_connected() {
            return Err(Error::EISCONN);
        }
        self.ensure_bound(family, 0)?;
        // SAFETY: as documented.
        unsafe { socket::connect(self.fd(), address, length)? };
        self.handle.set(flag::UDP_CONNECTED);
        Ok(())
    }

    fn disconnect(&self) -> Result {
        if !self.is_connected() {
            return Err(Error::ENOTCONN);
        }
        socket::disconnect(self.fd())?;
        self.handle.clear(flag::UDP_CONNECTED);
        Ok(())
    }

    /// Deactivates the handle if it is neither receiving nor sending.
    fn deactivate_if_idle(&self) {
        if !self.handle.has(flag::READING) && self.send_queue_count.get() == 0 {
            self.handle.deactivate();
        }
    }

    pub fn close(&self) {
        // The receive callback stays, for the datagrams that recvmmsg(2) has returned.
        self.handle.clear(flag::READING);
        self.handle.deactivate();
        self.free_bulk();
        self.watcher.deregister(&self.loop_().poller);
        let fd = self.watcher.fd.replace(-1);
        // The standard descriptors stay open, or the next file would get their number.
        if fd > libc::STDERR_FILENO {
            let _ = sys::fd::close(fd);
        }
    }

    pub fn end_requests(&self) {
        self.fail_unsent(Error::ECANCELED);
        // Failing the sends queued the watcher, but the callbacks find no work left in the loop.
        self.watcher.pending.unlink();
        self.call_sent();
        // The callbacks may have sent more, and the user may free the memory now.
        self.watcher.pending.unlink();
    }
}

// SAFETY: the watcher is at the offset given, and handles are reached through shared references.
unsafe impl EventHandler for Udp {
    const OFFSET: usize = core::mem::offset_of!(Udp, watcher);
    const YIELDS: bool = true;

    /// Returns whether the handle waits for no event.
    fn is_idle(&self) -> bool {
        !self.handle.has(flag::READING | flag::UDP_BLOCKED)
    }

    fn on_event(&self, event: &Event) {
        let readable = event.is_readable() || event.is_read_closed();
        let failed = event.is_error();
        let writable = event.is_writable() || failed;
        if self.handle.has(flag::READING) {
            if readable {
                self.watcher.readable.set(true);
            }
            if readable || failed {
                self.receive(failed);
            }
            if failed {
                self.receive_errors();
            }
        } else if (readable || failed) && self.watcher.readable.replace(true) {
            // The second edge without a reader.
            self.watcher.disarm(&self.loop_().poller, Interest::READABLE);
        }
        if writable && self.is_open() {
            self.handle.clear(flag::UDP_BLOCKED);
            self.progress_sends();
        }
    }

    /// Called in the pending phase after `Loop::queue_pending`.
    fn on_pending(&self) {
        self.progress_sends();
    }

    /// Called in the poll phase after `Loop::requeue`.
    fn on_requeued(&self) {
        if self.watcher.readable.get() && self.handle.has(flag::READING) {
            self.receive(false);
        }
    }
}

/// Returns whether the kernel reports each datagram that was not delivered. Those of a segmented message
/// would share one report.
fn has_error_queue(fd: c_int) -> bool {
    let options = [(libc::IPPROTO_IP, libc::IP_RECVERR), (libc::IPPROTO_IPV6, libc::IPV6_RECVERR)];
    options.iter().any(|&(level, name)| socket::option(fd, level, name).is_ok_and(|on| on != 0))
}

fn set_reuse(fd: c_int, flags: c_uint) -> Result {
    if flags & UV_UDP_REUSEADDR != 0 {
        socket::set_option(fd, libc::SOL_SOCKET, libc::SO_REUSEADDR, 1)?;
    }
    if flags & UV_UDP_REUSEPORT != 0 {
        socket::set_option(fd, libc::SOL_SOCKET, libc::SO_REUSEPORT, 1)?;
    }
    Ok(())
}

/// Returns the size of the destination address of a datagram.
///
/// # Safety
/// `address` points to an address of its family's size.
unsafe fn destination_length(address: *const sockaddr) -> Result<socklen_t> {
    // SAFETY: as documented.
    match unsafe { socket::family(address) } {
        libc::AF_INET => Ok(size_of::<libc::sockaddr_in>() as socklen_t),
        libc::AF_INET6 => Ok(size_of::<libc::sockaddr_in6>() as socklen_t),
        libc::AF_UNIX => Ok(size_of::<libc::sockaddr_un>() as socklen_t),
        _ => Err(Error::EINVAL),
    }
}

/// Initialises a UDP handle. Its socket is created when it is needed. Returns 0.
///
/// Loop thread only, as all UDP functions.
/// See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_init>.
///
/// # Safety
/// `loop` is an initialised loop and `handle` is memory for the handle, alive until it is closed.
#[no_mangle]
pub unsafe extern "C" fn uv_udp_init(r#loop: *mut uv_loop_t, handle: *mut uv_udp_t) -> c_int {
    // SAFETY: as documented.
    check::not_last(unsafe { uv_udp_init_ex(r#loop, handle, libc::AF_UNSPEC as c_uint) })
}

/// Initialises a UDP handle. The lower eight bits of `flags` are `AF_INET` or `AF_INET6`, which create the
/// socket at once, or `AF_UNSPEC`; `UV_UDP_RECVMMSG` may be added.
///
/// Returns 0, `UV_EINVAL` for other flags, or an error of socket(2). After an error the handle is not
/// initialised.
/// See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_init_ex>.
///
/// # Safety
/// As for `uv_udp_init()`.
#[no_mangle]
pub unsafe extern "C" fn uv_udp_init_ex(
    r#loop: *mut uv_loop_t,
    handle: *mut uv_udp_t,
    flags: c_uint,
) -> c_int {
    let family = match c_int::try_from(flags & !UV_UDP_RECVMMSG) {
        Ok(family @ (libc::AF_UNSPEC | libc::AF_INET | libc::AF_INET6)) => family,
        _ => return Error::EINVAL.code(),
    };
    let fd = if family == libc::AF_UNSPEC {
        -1
    } else {
        match socket::socket(family, libc::SOCK_DGRAM, 0) {
            Ok(fd) => fd,
            Err(error) => return error.code(),
        }
    };
    // SAFETY: as documented.
    let udp = unsafe {
        Udp::init(handle.cast(), Loop::of(r#loop), fd);
        Udp::of(handle)
    };
    udp.init_socket(family);
    if flags & UV_UDP_RECVMMSG != 0 {
        udp.handle.set(flag::UDP_RECVMMSG);
    }
    0
}

/// Opens the handle with an existing datagram socket. The handle owns the socket, sets its option
/// `SO_REUSEADDR`, makes it non-blocking, and closes it.
///
/// Returns the same as `uv_udp_open_ex()`.
/// See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_open>.
///
/// # Safety
/// `handle` is an initialised UDP handle.
#[no_mangle]
pub unsafe extern "C" fn uv_udp_open(handle: *mut uv_udp_t, sock: uv_os_sock_t) -> c_int {
    // SAFETY: as documented.
    unsafe { Udp::of(handle) }.open(sock, UV_UDP_REUSEADDR).into_c()
}

/// Opens the handle as `uv_udp_open()` does, and sets the option of `flags`: `UV_UDP_REUSEADDR`,
/// `UV_UDP_REUSEPORT`, or none if it is 0.
///
/// Returns 0, `UV_EINVAL` for other flags, `UV_EBUSY` if the handle has a socket, `UV_EEXIST` if another
/// handle of the loop has the descriptor, or an error of setting an option.
/// See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_open_ex>.
///
/// # Safety
/// `handle` is an initialised UDP handle.
#[no_mangle]
pub unsafe extern "C" fn uv_udp_open_ex(
    handle: *mut uv_udp_t,
    sock: uv_os_sock_t,
    flags: c_uint,
) -> c_int {
    // SAFETY: as documented.
    unsafe { Udp::of(handle) }.open(sock, flags).into_c()
}

/// Binds the handle to an address. `flags` are any of `UV_UDP_IPV6ONLY`, `UV_UDP_REUSEADDR`,
/// `UV_UDP_REUSEPORT` and `UV_UDP_LINUX_RECVERR`.
///
/// Returns 0; `UV_EINVAL` for other flags, an address that is not IPv4 or IPv6 or not of the socket's
/// family, or a handle that is bound already; or another error code, such as `UV_EADDRINUSE`.
/// See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_bind>.
///
/// # Safety
/// `handle` is an initialised UDP handle, and `addr` points to an address of its family's size.
#[no_mangle]
pub unsafe extern "C" fn uv_udp_bind(
    handle: *mut uv_udp_t,
    addr: *const sockaddr,
    flags: c_uint,
) -> c_int {
    // SAFETY: as documented.
    unsafe { Udp::of(handle).bind(addr, flags) }.into_c()
}

/// Connects the handle to a peer: datagrams without an address are sent to it, and only those from it are
/// received. An `addr` of NULL disconnects the handle.
///
/// Returns 0, `UV_EISCONN` if the handle is connected already, `UV_ENOTCONN` if it is not connected and
/// `addr` is NULL, `UV_EINVAL` for an address that is not IPv4 or IPv6, or an error of connect(2).
/// See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_connect>.
///
/// # Safety
/// `handle` is an initialised UDP handle, and `addr` is NULL or points to an address of its
/// family's size.
#[no_mangle]
pub unsafe extern "C" fn uv_udp_connect(handle: *mut uv_udp_t, addr: *const sockaddr) -> c_int {
    // SAFETY: as documented.
    unsafe {
        let udp = Udp::of(handle);
        if addr.is_null() { udp.disconnect() } else { udp.connect(addr) }.into_c()
    }
}

/// Copies the address of the peer. `*namelen` is the size of `name`, and is set to the length of the
/// address.
///
/// Returns 0, `UV_ENOTCONN` if the handle is not connected, or `UV_EBADF` if it has no socket.
/// See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_getpeername>.
///
/// # Safety
/// `handle` is an initialised UDP handle, and `name` has room for `*namelen` bytes.
#[no_mangle]
pub unsafe extern "C" fn uv_udp_getpeername(
    handle: *const uv_udp_t,
    name: *mut sockaddr,
    namelen: *mut c_int,
) -> c_int {
    // SAFETY: as documented.
    unsafe {
        let address = Udp::of_reading(handle).handle.fd().and_then(socket::peer);
        crate::ffi::write_address(address, name, namelen).into_c()
    }
}

/// Copies the address that the handle is bound to, as `uv_udp_getpeername()` does with the peer's.
///
/// Returns 0, or `UV_EBADF` if the handle has no socket.
/// See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_getsockname>.
///
/// # Safety
/// As for `uv_udp_getpeername()`.
#[no_mangle]
pub unsafe extern "C" fn uv_udp_getsockname(
    handle: *const uv_udp_t,
    name: *mut sockaddr,
    namelen: *mut c_int,
) -> c_int {
    // SAFETY: as documented.
    unsafe {
        let address = Udp::of_reading(handle).handle.fd().and_then(socket::name);
        crate::ffi::write_address(address, name, namelen).into_c()
    }
}
