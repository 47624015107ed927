//! Options of the socket: multicast, broadcast, time to live.

use super::Udp;
use crate::abi::*;
use crate::ffi::Overlay;
use crate::sys::socket;
use crate::text::inet;
use core::ffi::{c_char, c_int, CStr};
use libc::{in6_addr, in_addr, sockaddr_in, sockaddr_in6, sockaddr_storage};

/// An address of a network interface or a host.
enum Address {
    V4(in_addr),
    /// With the index of the interface that it belongs to, 0 for none.
    V6(in6_addr, u32),
}

impl Address {
    /// # Safety
    /// `text` is NULL or a string.
    unsafe fn parse(text: *const c_char) -> Result<Address> {
        if text.is_null() {
            return Err(Error::EINVAL);
        }
        // SAFETY: the caller's contract.
        let text = unsafe { CStr::from_ptr(text) };
        if let Ok(octets) = inet::parse_v4(text.to_bytes()) {
            return Ok(Address::V4(in_addr { s_addr: u32::from_ne_bytes(octets) }));
        }
        let octets = inet::parse_v6(text.to_bytes())?;
        Ok(Address::V6(in6_addr { s6_addr: octets }, inet::scope_id(text)))
    }

    /// As an IPv4 address of an interface; NULL is any.
    ///
    /// # Safety
    /// As for [`Address::parse`].
    unsafe fn parse_v4_interface(text: *const c_char) -> Result<in_addr> {
        if text.is_null() {
            return Ok(in_addr { s_addr: libc::INADDR_ANY });
        }
        // SAFETY: the caller's contract.
        match unsafe { Address::parse(text)? } {
            Address::V4(address) => Ok(address),
            Address::V6(..) => Err(Error::EINVAL),
        }
    }

    /// As the index of the interface of an IPv6 address; NULL is any, which is 0.
    ///
    /// # Safety
    /// As for [`Address::parse`].
    unsafe fn parse_v6_interface(text: *const c_char) -> Result<u32> {
        if text.is_null() {
            return Ok(0);
        }
        // SAFETY: the caller's contract.
        match unsafe { Address::parse(text)? } {
            Address::V6(_, interface) => Ok(interface),
            Address::V4(_) => Err(Error::EINVAL),
        }
    }

    fn family(&self) -> c_int {
        match self {
            Address::V4(_) => libc::AF_INET,
            Address::V6(..) => libc::AF_INET6,
        }
    }

    fn storage(&self) -> sockaddr_storage {
        // SAFETY: zeroes are a valid storage, which is large and aligned enough for any address.
        unsafe {
            let mut storage: sockaddr_storage = core::mem::zeroed();
            match *self {
                Address::V4(address) => {
                    let place = (&raw mut storage).cast::<sockaddr_in>();
                    (*place).sin_family = libc::AF_INET as libc::sa_family_t;
                    (*place).sin_addr = address;
                }
                Address::V6(address, interface) => {
                    let place = (&raw mut storage).cast::<sockaddr_in6>();
                    (*place).sin6_family = libc::AF_INET6 as libc::sa_family_t;
                    (*place).sin6_addr = address;
                    (*place).sin6_scope_id = interface;
                }
            }
            storage
        }
    }
}

/// Which of two options a membership asks for.
fn choose(membership: uv_membership, join: c_int, leave: c_int) -> Result<c_int> {
    match membership {
        UV_JOIN_GROUP => Ok(join),
        UV_LEAVE_GROUP => Ok(leave),
        _ => Err(Error::EINVAL),
    }
}

/// The kernel's struct for a group and one of its sources, `struct group_source_req`.
#[repr(C)]
struct GroupSource {
    interface: u32,
    group: sockaddr_storage,
    source: sockaddr_storage,
}

impl Udp {
    /// # Safety
    /// As for `uv_udp_set_membership`.
    unsafe fn set_membership(
        &self,
        group: *const c_char,
        interface: *const c_char,
        membership: uv_membership,
    ) -> Result {
        // SAFETY: the caller's contract.
        let group = unsafe { Address::parse(group)? };
        self.ensure_bound(group.family(), UV_UDP_REUSEADDR)?;
        match group {
            Address::V4(group) => {
                let option = choose(membership, libc::IP_ADD_MEMBERSHIP, libc::IP_DROP_MEMBERSHIP)?;
                // SAFETY: the caller's contract.
                let imr_interface = unsafe { Address::parse_v4_interface(interface)? };
                let value = libc::ip_mreq { imr_multiaddr: group, imr_interface };
                socket::set_option_value(self.fd(), libc::IPPROTO_IP, option, &value)
            }
            Address::V6(group, _) => {
                let option =
                    choose(membership, libc::IPV6_ADD_MEMBERSHIP, libc::IPV6_DROP_MEMBERSHIP)?;
                // SAFETY: the caller's contract.
                let ipv6mr_interface = unsafe { Address::parse_v6_interface(interface)? };
                let value = libc::ipv6_mreq { ipv6mr_multiaddr: group, ipv6mr_interface };
                socket::set_option_value(self.fd(), libc::IPPROTO_IPV6, option, &value)
            }
        }
    }

    /// # Safety
    /// As for `uv_udp_set_source_membership`.
    unsafe fn set_source_membership(
        &self,
        group: *const c_char,
        interface: *const c_char,
        source: *const c_char,
        membership: uv_membership,
    ) -> Result {
        // SAFETY: the caller's contract.
        let (group, source) = unsafe { (Address::parse(group)?, Address::parse(source)?) };
        self.ensure_bound(group.family(), UV_UDP_REUSEADDR)?;
        match (group, source) {
            (Address::V4(group), Address::V4(source)) => {
                let option = choose(
                    membership,
                    libc::IP_ADD_SOURCE_MEMBERSHIP,
                    libc::IP_DROP_SOURCE_MEMBERSHIP,
                )?;
                // SAFETY: the caller's contract.
                let imr_interface = unsafe { Address::parse_v4_interface(interface)? };
                let value = libc::ip_mreq_source {
                    imr_multiaddr: group,
                    imr_interface,
                    imr_sourceaddr: source,
                };
                socket::set_option_value(self.fd(), libc::IPPROTO_IP, option, &value)
            }
            (group @ Address::V6(..), source @ Address::V6(..)) => {
                let option = choose(
                    membership,
                    libc::MCAST_JOIN_SOURCE_GROUP,
                    libc::MCAST_LEAVE_SOURCE_GROUP,
                )?;
                let value = GroupSource {
                    // SAFETY: the caller's contract.
                    interface: unsafe { Address::parse_v6_interface(interface)? },
                    group: group.storage(),
                    source: source.storage(),
                };
                socket::set_option_value(self.fd(), libc::IPPROTO_IPV6, option, &value)
            }
            _ => Err(Error::EINVAL),
        }
    }

    /// # Safety
    /// As for `uv_udp_set_multicast_interface`.
    unsafe fn set_multicast_interface(&self, interface: *const c_char) -> Result {
        let address = if !interface.is_null() {
            // SAFETY: the caller's contract.
            unsafe { Address::parse(interface)? }
        } else if self.is_ipv6() {
            Address::V6(in6_addr { s6_addr: [0; 16] }, 0)
        } else {
            Address::V4(in_addr { s_addr: libc::INADDR_ANY })
        };
        match address {
            Address::V4(address) => {
                let name = libc::IP_MULTICAST_IF;
                socket::set_option_value(self.fd(), libc::IPPROTO_IP, name, &address)
            }
            Address::V6(_, interface) => {
                let name = libc::IPV6_MULTICAST_IF;
                socket::set_option(self.fd(), libc::IPPROTO_IPV6, name, interface as c_int)
            }
        }
    }

    /// Sets the option of the socket's own family.
    fn set_ip_option(&self, v4: c_int, v6: c_int, value: c_int) -> Result {
        if self.is_ipv6() {
            socket::set_option(self.fd(), libc::IPPROTO_IPV6, v6, value)
        } else {
            socket::set_option(self.fd(), libc::IPPROTO_IP, v4, value)
        }
    }

    /// As [`Udp::set_ip_option`], for a value that has to fit into a byte.
    fn set_ip_byte(&self, v4: c_int, v6: c_int, value: c_int) -> Result {
        if u8::try_from(value).is_err() {
            return Err(Error::EINVAL);
        }
        self.set_ip_option(v4, v6, value)
    }
}

/// Joins (`UV_JOIN_GROUP`) or leaves (`UV_LEAVE_GROUP`) a multicast group on the interface with the
/// address `interface_addr`; NULL leaves the choice of the interface to the kernel. A handle
/// without a socket gets one, bound to any address of the group's family.
///
/// Returns 0; `UV_EINVAL` when a string is no address, the two are not of the same family, or
/// `membership` is something else; or an error of setsockopt(2).
/// See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_set_membership>.
///
/// # Safety
/// `handle` is an initialised UDP handle; `multicast_addr` is a string, `interface_addr` NULL or a
/// string.
#[no_mangle]
pub unsafe extern "C" fn uv_udp_set_membership(
    handle: *mut uv_udp_t,
    multicast_addr: *const c_char,
    interface_addr: *const c_char,
    membership: uv_membership,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { Udp::of(handle).set_membership(multicast_addr, interface_addr, membership) }.into_c()
}

/// As `uv_udp_set_membership()`, for what one host sends to the group.
///
/// Returns what `uv_udp_set_membership()` does.
/// See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_set_source_membership>.
///
/// # Safety
/// As for `uv_udp_set_membership()`; `source_addr` is a string.
#[no_mangle]
pub unsafe extern "C" fn uv_udp_set_source_membership(
    handle: *mut uv_udp_t,
    multicast_addr: *const c_char,
    interface_addr: *const c_char,
    source_addr: *const c_char,
    membership: uv_membership,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe {
        Udp::of(handle)
            .set_source_membership(multicast_addr, interface_addr, source_addr, membership)
            .into_c()
    }
}

/// Whether (`on` is not 0) what the handle sends to a multicast group also reaches sockets on this
/// host.
///
/// Returns 0; `UV_EINVAL` for numbers that do not fit into a byte; `UV_EBADF` when there is no
/// socket.
/// See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_set_multicast_loop>.
///
/// # Safety
/// `handle` is an initialised UDP handle.
#[no_mangle]
pub unsafe extern "C" fn uv_udp_set_multicast_loop(handle: *mut uv_udp_t, on: c_int) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { Udp::of(handle) }
        .set_ip_byte(libc::IP_MULTICAST_LOOP, libc::IPV6_MULTICAST_LOOP, on)
        .into_c()
}

/// How many routers (0 to 255) multicast datagrams may pass.
///
/// Returns 0; `UV_EINVAL` for other numbers; `UV_EBADF` when there is no socket.
/// See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_set_multicast_ttl>.
///
/// # Safety
/// `handle` is an initialised UDP handle.
#[no_mangle]
pub unsafe extern "C" fn uv_udp_set_multicast_ttl(handle: *mut uv_udp_t, ttl: c_int) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { Udp::of(handle) }
        .set_ip_byte(libc::IP_MULTICAST_TTL, libc::IPV6_MULTICAST_HOPS, ttl)
        .into_c()
}

/// The interface, by its address, that multicast datagrams are sent on; NULL leaves the choice to
/// the kernel.
///
/// Returns 0; `UV_EINVAL` when the string is no address; `UV_EBADF` when there is no socket; or
/// another error of setsockopt(2).
/// See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_set_multicast_interface>.
///
/// # Safety
/// `handle` is an initialised UDP handle; `interface_addr` is NULL or a string.
#[no_mangle]
pub unsafe extern "C" fn uv_udp_set_multicast_interface(
    handle: *mut uv_udp_t,
    interface_addr: *const c_char,
) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { Udp::of(handle).set_multicast_interface(interface_addr) }.into_c()
}

/// Whether (`on` is not 0) the handle may send to broadcast addresses.
///
/// Returns 0, or `UV_EBADF` when there is no socket.
/// See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_set_broadcast>.
///
/// # Safety
/// `handle` is an initialised UDP handle.
#[no_mangle]
pub unsafe extern "C" fn uv_udp_set_broadcast(handle: *mut uv_udp_t, on: c_int) -> c_int {
    // SAFETY: the caller's contract.
    let udp = unsafe { Udp::of(handle) };
    socket::set_option(udp.fd(), libc::SOL_SOCKET, libc::SO_BROADCAST, on).into_c()
}

/// How many routers (1 to 255) unicast datagrams may pass.
///
/// Returns 0; `UV_EINVAL` for other numbers; `UV_EBADF` when there is no socket.
/// See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_set_ttl>.
///
/// # Safety
/// `handle` is an initialised UDP handle.
#[no_mangle]
pub unsafe extern "C" fn uv_udp_set_ttl(handle: *mut uv_udp_t, ttl: c_int) -> c_int {
    if !(1..=255).contains(&ttl) {
        return Error::EINVAL.code();
    }
    // SAFETY: the caller's contract.
    unsafe { Udp::of(handle) }.set_ip_option(libc::IP_TTL, libc::IPV6_UNICAST_HOPS, ttl).into_c()
}
