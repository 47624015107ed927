//! TCP handles.

use super::connect::Connect;
use super::Stream;
use crate::abi::*;
use crate::check;
use crate::event_loop::Loop;
use crate::ffi::{write_address, Overlay};
use crate::handles::flag;
use crate::sys::{self, interface::Addresses, socket};
use core::ffi::{c_int, c_uint, c_void};
use libc::{sockaddr, sockaddr_in6};

/// The interval of keep-alive probes in seconds and their number, for `uv_tcp_keepalive()`.
const KEEPALIVE_INTERVAL: c_uint = 1;
const KEEPALIVE_COUNT: c_uint = 10;

/// The keep-alive settings: the idle time before the first probe and the interval between probes, in
/// seconds, and the number of probes. Each is from 1 to what the kernel accepts.
#[derive(Clone, Copy)]
struct Keepalive {
    idle: u16,
    interval: u16,
    count: u8,
}

impl Keepalive {
    fn new(idle: c_uint, interval: c_uint, count: c_uint) -> Result<Keepalive> {
        let range =
            |value, most| if (1..=most).contains(&value) { Ok(value) } else { Err(Error::EINVAL) };
        Ok(Keepalive {
            idle: range(idle, 32_767)? as u16,
            interval: range(interval, 32_767)? as u16,
            count: range(count, 127)? as u8,
        })
    }

    /// Packs the values into a pointer that is not dereferenced, for `Stream::extra`.
    fn pack(self) -> *mut c_void {
        let bits =
            u64::from(self.idle) << 32 | u64::from(self.interval) << 16 | u64::from(self.count);
        core::ptr::without_provenance_mut(bits as usize)
    }

    fn unpack(packed: *mut c_void) -> Keepalive {
        let bits = packed.addr() as u64;
        Keepalive { idle: (bits >> 32) as u16, interval: (bits >> 16) as u16, count: bits as u8 }
    }
}

impl Stream {
    /// Sets the options that were requested before the handle had a socket.
    pub(super) fn apply_socket_options(&self, fd: c_int) -> Result {
        if self.handle.has(flag::TCP_NODELAY) {
            set_nodelay(fd, true)?;
        }
        if self.handle.has(flag::TCP_KEEPALIVE) {
            set_keepalive(fd, Some(Keepalive::unpack(self.extra.get())))?;
        }
        Ok(())
    }

    /// Creates the handle's socket, unless it has one.
    #[inline]
    fn ensure_socket(&self, family: c_int, flags: u32) -> Result {
        if family != libc::AF_UNSPEC && !self.is_open() {
            let fd = socket::socket(family, libc::SOCK_STREAM, 0)?;
            let result = self.open(fd, flags);
            if result.is_err() {
                let _ = sys::fd::close(fd);
            }
            return result;
        }
        self.handle.set(flags);
        Ok(())
    }

    /// # Safety
    /// `address` is NULL or points to an address of its family's size.
    unsafe fn bind_tcp(&self, address: *const sockaddr, flags: c_uint) -> Result {
        if self.handle.is_closing() {
            return Err(Error::EINVAL);
        }
        // SAFETY: as documented.
        let (length, family) =
            unsafe { (socket::address_length(address)?, socket::family(address)) };
        if flags & UV_TCP_IPV6ONLY != 0 && family != libc::AF_INET6 {
            return Err(Error::EINVAL);
        }
        self.ensure_socket(family, 0)?;
        let fd = self.fd();
        socket::set_option(fd, libc::SOL_SOCKET, libc::SO_REUSEADDR, 1)?;
        if flags & UV_TCP_REUSEPORT != 0 {
            socket::set_option(fd, libc::SOL_SOCKET, libc::SO_REUSEPORT, 1)?;
        }
        if family == libc::AF_INET6 {
            let only = c_int::from(flags & UV_TCP_IPV6ONLY != 0);
            socket::set_option(fd, libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, only)?;
        }
        // SAFETY: as documented.
        match unsafe { socket::bind(fd, address, length) } {
            Ok(()) => self.delayed_error.set(0),
            // Reported by uv_listen or uv_tcp_connect, as in libuv.
            Err(Error::EADDRINUSE) => self.delayed_error.set(Error::EADDRINUSE.code()),
            Err(Error::EAFNOSUPPORT) => return Err(Error::EINVAL),
            Err(error) => return Err(error),
        }
        self.handle.set(flag::BOUND);
        if family == libc::AF_INET6 {
            self.handle.set(flag::IPV6);
        }
        Ok(())
    }

    pub(super) fn prepare_tcp_listen(&self) -> Result {
        self.check_delayed_error()?;
        self.ensure_socket(libc::AF_INET, 0)
    }

    fn check_delayed_error(&self) -> Result {
        Error::from_code_or_none(self.delayed_error.get()).map_or(Ok(()), Err)
    }

    /// # Safety
    /// As for `uv_tcp_connect`.
    unsafe fn connect_tcp(
        &self,
        request: *mut Connect,
        address: *const sockaddr,
        callback: uv_connect_cb,
    ) -> Result {
        // SAFETY: as documented.
        let (length, family) =
            unsafe { (socket::address_length(address)?, socket::family(address)) };
        if self.handle.is_closing() {
            return Err(Error::EINVAL);
        }
        if !self.connect_request.get().is_null() {
            return Err(Error::EALREADY);
        }
        let mut connected = false;
        if self.delayed_error.get() == 0 {
            self.ensure_socket(family, flag::READABLE | flag::WRITABLE)?;
            // SAFETY: as documented.
            let scoped = unsafe { with_scope(address) };
            let address =
                scoped.as_ref().map_or(address, |scoped| core::ptr::from_ref(scoped).cast());
            // SAFETY: as documented.
            match unsafe { socket::connect(self.fd(), address, length) } {
                Ok(()) => connected = true,
                Err(error) if error == Error::from_errno(libc::EINPROGRESS) => {}
                // Fails at once for a local address; the callback reports it, as for other addresses.
                Err(Error::ECONNREFUSED) => self.delayed_error.set(Error::ECONNREFUSED.code()),
                Err(error) => return Err(error),
            }
        }
        // SAFETY: as documented.
        unsafe { self.begin_connect(request, connected, callback) }
    }
}

/// Returns a link-local IPv6 address without an interface with the first interface that has a link-local
/// address, as the kernel requires one. Returns `None` for other addresses.
///
/// # Safety
/// `address` points to an address of its family's size.
unsafe fn with_scope(address: *const sockaddr) -> Option<sockaddr_in6> {
    // SAFETY: as documented.
    let mut peer = unsafe {
        if socket::family(address) != libc::AF_INET6 {
            return None;
        }
        address.cast::<sockaddr_in6>().read_unaligned()
    };
    if peer.sin6_scope_id != 0 || !is_link_local(&peer) {
        return None;
    }
    let interfaces = Addresses::get().ok()?;
    peer.sin6_scope_id = interfaces
        .iter()
        .filter(|interface| interface.has_flags(libc::IFF_UP))
        .filter_map(|interface| interface.ipv6())
        .map(|(address, _)| address)
        .find(is_link_local)?
        .sin6_scope_id;
    Some(peer)
}

fn is_link_local(address: &sockaddr_in6) -> bool {
    matches!(address.sin6_addr.s6_addr, [0xfe, 0x80..=0xbf, ..])
}

fn set_nodelay(fd: c_int, on: bool) -> Result {
    socket::set_option(fd, libc::IPPROTO_TCP, libc::TCP_NODELAY, c_int::from(on))
}

fn set_keepalive(fd: c_int, values: Option<Keepalive>) -> Result {
    socket::set_option(fd, libc::SOL_SOCKET, libc::SO_KEEPALIVE, values.is_some().into())?;
    let Some(Keepalive { idle, interval, count }) = values else { return Ok(()) };
    let options = [
        (libc::TCP_KEEPIDLE, idle.into()),
        (libc::TCP_KEEPINTVL, interval.into()),
        (libc::TCP_KEEPCNT, count.into()),
    ];
    let set = |(option, value)| socket::set_option(fd, libc::IPPROTO_TCP, option, value);
    options.into_iter().try_for_each(set)
}

/// Initialises a TCP handle without a socket. Returns 0.
///
/// Loop thread only, as all TCP functions.
/// See <https://docs.libuv.org/en/v1.x/tcp.html#c.uv_tcp_init>.
///
/// # Safety
/// `loop` is an initialised loop and `handle` is memory for the handle, alive until it is closed.
#[no_mangle]
pub unsafe extern "C" fn uv_tcp_init(r#loop: *mut uv_loop_t, handle: *mut uv_tcp_t) -> c_int {
    // SAFETY: as documented.
    check::not_last(unsafe { uv_tcp_init_ex(r#loop, handle, libc::AF_UNSPEC as c_uint) })
}

/// Initialises a TCP handle, and creates its socket if `flags` is `AF_INET` or `AF_INET6`; `AF_UNSPEC` creates
/// none.
///
/// Returns 0, `UV_EINVAL` for other flags, or an error of socket(2). After an error the handle is not
/// initialised.
/// See <https://docs.libuv.org/en/v1.x/tcp.html#c.uv_tcp_init_ex>.
///
/// # Safety
/// As for `uv_tcp_init()`.
#[no_mangle]
pub unsafe extern "C" fn uv_tcp_init_ex(
    r#loop: *mut uv_loop_t,
    handle: *mut uv_tcp_t,
    flags: c_uint,
) -> c_int {
    let family = match c_int::try_from(flags) {
        Ok(family @ (libc::AF_UNSPEC | libc::AF_INET | libc::AF_INET6)) => family,
        _ => return Error::EINVAL.code(),
    };
    let fd = if family == libc::AF_UNSPEC {
        -1
    } else {
        match socket::socket(family, libc::SOCK_STREAM, 0) {
            Ok(fd) => fd,
            Err(error) => return error.code(),
        }
    };
    // SAFETY: as documented.
    unsafe {
        Stream::init(handle.cast(), Loop::of(r#loop), UV_TCP);
        Stream::of(handle).watcher.fd.set(fd);
    }
    0
}

/// Opens the handle with an existing socket. The handle owns the socket, makes it non-blocking, and closes
/// it.
///
/// Returns 0, `UV_EEXIST` if another handle of the loop has the descriptor, `UV_EBUSY` if the handle has
/// one already, or an error of making it non-blocking.
/// See <https://docs.libuv.org/en/v1.x/tcp.html#c.uv_tcp_open>.
///
/// # Safety
/// `handle` is an initialised TCP handle.
#[no_mangle]
pub unsafe extern "C" fn uv_tcp_open(handle: *mut uv_tcp_t, sock: uv_os_sock_t) -> c_int {
    // SAFETY: as documented.
    let stream = unsafe { Stream::of(handle) };
    if stream.loop_().uses(sock) {
        return Error::EEXIST.code();
    }
    sys::fd::set_nonblocking(sock, true)
        .and_then(|()| stream.open(sock, flag::READABLE | flag::WRITABLE))
        .into_c()
}

/// Binds the handle to an address. `flags` are of `enum uv_tcp_flags`. If the address is in use,
/// `uv_listen()` or `uv_tcp_connect()` reports it.
///
/// Returns 0, `UV_EINVAL` for an address that is not IPv4 or IPv6, or another error code.
/// See <https://docs.libuv.org/en/v1.x/tcp.html#c.uv_tcp_bind>.
///
/// # Safety
/// `handle` is an initialised TCP handle, and `addr` points to an address of its family's size.
#[no_mangle]
pub unsafe extern "C" fn uv_tcp_bind(
    handle: *mut uv_tcp_t,
    addr: *const sockaddr,
    flags: c_uint,
) -> c_int {
    // SAFETY: as documented.
    unsafe { Stream::of(handle).bind_tcp(addr, flags) }.into_c()
}

/// Connects to an address. Calls `cb` when the connection is established or has failed.
///
/// Returns 0. Does not call `cb` after an error: `UV_EALREADY` if the handle is already connecting,
/// `UV_EINVAL` for an address that is not IPv4 or IPv6, or another error code.
/// See <https://docs.libuv.org/en/v1.x/tcp.html#c.uv_tcp_connect>.
///
/// # Safety
/// `req` is alive until `cb` is called; `handle` is an initialised TCP handle; `addr` points to an
/// address of its family's size.
#[no_mangle]
pub unsafe extern "C" fn uv_tcp_connect(
    req: *mut uv_connect_t,
    handle: *mut uv_tcp_t,
    addr: *const sockaddr,
    cb: uv_connect_cb,
) -> c_int {
    // SAFETY: as documented.
    unsafe { Stream::of(handle).connect_tcp(req.cast(), addr, cb) }.into_c()
}

/// Copies the address that the handle is bound to. `*namelen` is the size of `name`, and is set to the
/// length of the address.
///
/// Returns 0, a delayed error of `uv_tcp_bind()`, or `UV_EBADF` if the handle has no socket.
/// See <https://docs.libuv.org/en/v1.x/tcp.html#c.uv_tcp_getsockname>.
///
/// # Safety
/// `handle` is an initialised TCP handle, and `name` has room for `*namelen` bytes.
#[no_mangle]
pub unsafe extern "C" fn uv_tcp_getsockname(
    handle: *const uv_tcp_t,
    name: *mut sockaddr,
    namelen: *mut c_int,
) -> c_int {
    // SAFETY: as documented.
    unsafe {
        let stream = Stream::of_reading(handle);
        let address =
            stream.check_delayed_error().and_then(|()| stream.handle.fd()).and_then(socket::name);
        write_address(address, name, namelen).into_c()
    }
}

/// Copies the address of the peer, as `uv_tcp_getsockname()` does with the handle's own.
///
/// Returns the same, or `UV_ENOTCONN` if the handle is not connected.
/// See <https://docs.libuv.org/en/v1.x/tcp.html#c.uv_tcp_getpeername>.
///
/// # Safety
/// As for `uv_tcp_getsockname()`.
#[no_mangle]
pub unsafe extern "C" fn uv_tcp_getpeername(
    handle: *const uv_tcp_t,
    name: *mut sockaddr,
    namelen: *mut c_int,
) -> c_int {
    // SAFETY: as documented.
    unsafe {
        let stream = Stream::of_reading(handle);
        let address =
            stream.check_delayed_error().and_then(|()| stream.handle.fd()).and_then(socket::peer);
        write_address(address, name, namelen).into_c()
    }
}

/// Disables Nagle's algorithm, or enables it if `enable` is 0. Without a socket the setting takes effect
/// when there is one.
///
/// Returns 0 or an error code.
/// See <https://docs.libuv.org/en/v1.x/tcp.html#c.uv_tcp_nodelay>.
///
/// # Safety
/// `handle` is an initialised TCP handle.
#[no_mangle]
pub unsafe extern "C" fn uv_tcp_nodelay(handle: *mut uv_tcp_t, enable: c_int) -> c_int {
    // SAFETY: as documented.
    let stream = unsafe { Stream::of(handle) };
    let result = if stream.is_open() { set_nodelay(stream.fd(), enable != 0) } else { Ok(()) };
    if result.is_ok() {
        stream.handle.clear(flag::TCP_NODELAY);
        if enable != 0 {
            stream.handle.set(flag::TCP_NODELAY);
        }
    }
    result.into_c()
}

/// Enables keep-alive probes, or disables them if `enable` is 0: the first after `delay` seconds without
/// traffic, then one each second, ten in total.
///
/// Returns 0, or `UV_EINVAL` if `delay` is 0 and `enable` is not.
/// See <https://docs.libuv.org/en/v1.x/tcp.html#c.uv_tcp_keepalive>.
///
/// # Safety
/// `handle` is an initialised TCP handle.
#[no_mangle]
pub unsafe extern "C" fn uv_tcp_keepalive(
    handle: *mut uv_tcp_t,
    enable: c_int,
    delay: c_uint,
) -> c_int {
    // SAFETY: as documented.
    check::not_last(unsafe {
        uv_tcp_keepalive_ex(handle, enable, delay, KEEPALIVE_INTERVAL, KEEPALIVE_COUNT)
    })
}

/// Enables keep-alive probes, or disables them if `on` is 0: `idle` seconds until the first probe, `intvl`
/// seconds between probes, `cnt` probes. Without a socket the setting takes effect when there is one.
///
/// Returns 0, or `UV_EINVAL` if `on` is not 0 and one of the values is 0 or more than the kernel accepts.
/// See <https://docs.libuv.org/en/v1.x/tcp.html#c.uv_tcp_keepalive_ex>.
///
/// # Safety
/// `handle` is an initialised TCP handle.
#[no_mangle]
pub unsafe extern "C" fn uv_tcp_keepalive_ex(
    handle: *mut uv_tcp_t,
    on: c_int,
    idle: c_uint,
    intvl: c_uint,
    cnt: c_uint,
) -> c_int {
    // SAFETY: as documented.
    let stream = unsafe { Stream::of(handle) };
    let result = (on != 0).then(|| Keepalive::new(idle, intvl, cnt)).transpose();
    let result = result.and_then(|values| {
        if stream.is_open() {
            set_keepalive(stream.fd(), values)?;
        }
        stream.handle.clear(flag::TCP_KEEPALIVE);
        if let Some(values) = values {
            stream.handle.set(flag::TCP_KEEPALIVE);
            stream.extra.set(values.pack());
        }
        Ok(())
    });
    result.into_c()
}

/// Has no effect, except on Windows. Returns 0.
///
/// See <https://docs.libuv.org/en/v1.x/tcp.html#c.uv_tcp_simultaneous_accepts>.
///
/// # Safety
/// None of the arguments are used.
#[no_mangle]
pub unsafe extern "C" fn uv_tcp_simultaneous_accepts(
    _handle: *mut uv_tcp_t,
    _enable: c_int,
) -> c_int {
    0
}

/// Closes the handle and resets its connection: the peer receives a RST, and queued data is dropped.
///
/// Returns 0 or an error code, such as `UV_EINVAL` after `uv_shutdown()`. After an error the handle is not
/// closed.
/// See <https://docs.libuv.org/en/v1.x/tcp.html#c.uv_tcp_close_reset>.
///
/// # Safety
/// `handle` is an initialised TCP handle that is not closed.
#[no_mangle]
pub unsafe extern "C" fn uv_tcp_close_reset(handle: *mut uv_tcp_t, close_cb: uv_close_cb) -> c_int {
    // SAFETY: as documented.
    let stream = unsafe { Stream::of(handle) };
    if !stream.shutdown_request.get().is_null() {
        return Error::EINVAL.code();
    }
    let spin = libc::linger { l_onoff: 1, l_linger: 0 };
    let result = socket::set_option_value(stream.fd(), libc::SOL_SOCKET, libc::SO_LINGER, &spin);
    if result.is_ok() {
        stream.handle.close(close_cb);
    }
    result.into_c()
}

/// Creates a pair of connected local sockets. `flags0` and `flags1`, for the socket of that index, are 0 or
/// `UV_NONBLOCK_PIPE`. Both are close-on-exec.
///
/// Returns 0 or an error code. Any thread.
/// See <https://docs.libuv.org/en/v1.x/tcp.html#c.uv_socketpair>.
///
/// # Safety
/// `socket_vector` has room for two descriptors.
#[no_mangle]
pub unsafe extern "C" fn uv_socketpair(
    r#type: c_int,
    protocol: c_int,
    socket_vector: *mut uv_os_sock_t,
    flags0: c_int,
    flags1: c_int,
) -> c_int {
    let pair = match socket::socketpair(r#type, protocol) {
        Ok(pair) => pair,
        Err(error) => return error.code(),
    };
    for (fd, flags) in pair.into_iter().zip([flags0, flags1]) {
        if flags & UV_NONBLOCK_PIPE as c_int == 0 {
            continue;
        }
        if let Err(error) = sys::fd::set_nonblocking(fd, true) {
            for fd in pair {
                let _ = sys::fd::close(fd);
            }
            return error.code();
        }
    }
    // SAFETY: as documented.
    unsafe { socket_vector.cast::<[c_int; 2]>().write_unaligned(pair) };
    0
}
