//! Socket options: multicast, broadcast, time to live.

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
    /// With the index of its interface, or 0.
    V6(in6_addr, u32),
}

impl Address {
    /// # Safety
    /// `text` is NULL or a string.
    unsafe fn parse(text: *const c_char) -> Result<Address> {
        if text.is_null() {
            return Err(Error::EINVAL);
        }
        // SAFETY: not NULL, hence a C string.
        let text = unsafe { CStr::from_ptr(text) };
        if let Ok(octets) = inet::parse_v4(text.to_bytes()) {
            return Ok(Address::V4(in_addr { s_addr: u32::from_ne_bytes(octets) }));
        }
        let octets = inet::parse_v6(text.to_bytes())?;
        Ok(Address::V6(in6_addr { s6_addr: octets }, inet::scope_id(text)))
    }

    /// Parses the IPv4 address of an interface; NULL is the wildcard address.
    ///
    /// # Safety
    /// As for [`Address::parse`].
    unsafe fn parse_v4_interface(text: *const c_char) -> Result<in_addr> {
        if text.is_null() {
            return Ok(in_addr { s_addr: libc::INADDR_ANY });
        }
        // SAFETY: as documented.
        match unsafe { Address::parse(text)? } {
            Address::V4(address) => Ok(address),
            Address::V6(..) => Err(Error::EINVAL),
        }
    }

    /// Parses the IPv6 address of an interface and returns the interface's index; NULL is 0, any interface.
    ///
    /// # Safety
    /// As for [`Address::parse`].
    unsafe fn parse_v6_interface(text: *const c_char) -> Result<u32> {
        if text.is_null() {
            return Ok(0);
        }
        // SAFETY: as documented.
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
        // SAFETY: a zeroed storage is valid, and large and aligned enough for any address.
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

/// Returns the option of a membership.
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
        // SAFETY: as documented.
        let group = unsafe { Address::parse(group)? };
        self.ensure_bound(group.family(), UV_UDP_REUSEADDR)?;
        match group {
            Address::V4(group) => {
                let option = choose(membership, libc::IP_ADD_MEMBERSHIP, libc::IP_DROP_MEMBERSHIP)?;
                // SAFETY: as documented.
                let imr_interface = unsafe { Address::parse_v4_interface(interface)? };
                let value = libc::ip_mreq { imr_multiaddr: group, imr_interface };
                socket::set_option_value(self.fd(), libc::IPPROTO_IP, option, &value)
            }
            Address::V6(group, _) => {
                let option =
                    choose(membership, libc::IPV6_ADD_MEMBERSHIP, libc::IPV6_DROP_MEMBERSHIP)?;
                // SAFETY: as documented.
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
        // SAFETY: as documented.
        let (group, source) = unsafe { (Address::parse(group)?, Address::parse(source)?) };
        self.ensure_bound(group.family(), UV_UDP_REUSEADDR)?;
        match (group, source) {
            (Address::V4(group), Address::V4(source)) => {
                let option = choose(
                    membership,
                    libc::IP_ADD_SOURCE_MEMBERSHIP,
                    libc::IP_DROP_SOURCE_MEMBERSHIP,
                )?;
                // SAFETY: as documented.
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
                    // SAFETY: as documented.
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
            // SAFETY: as documented.
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

    /// Sets the option for the socket's family.
    fn set_ip_option(&self, v4: c_int, v6: c_int, value: c_int) -> Result {
        if self.is_ipv6() {
            socket::set_option(self.fd(), libc::IPPROTO_IPV6, v6, value)
        } else {
            socket::set_option(self.fd(), libc::IPPROTO_IP, v4, value)
        }
    }

    /// Sets an option as [`Udp::set_ip_option`] does. The value must fit into a byte.
    fn set_ip_byte(&self, v4: c_int, v6: c_int, value: c_int) -> Result {
        if u8::try_from(value).is_err() {
            return Err(Error::EINVAL);
        }
        self.set_ip_option(v4, v6, value)
    }
}

/// Joins (`UV_JOIN_GROUP`) or leaves (`UV_LEAVE_GROUP`) a multicast group on the interface with the address
/// `interface_addr`, or on one that the kernel chooses if that is NULL. Creates the socket, bound to the
/// wildcard address of the group's family, unless the handle has one.
///
/// Returns 0; `UV_EINVAL` if a string is not an address, the two are of different families, or `membership`
/// is invalid; or an error of setsockopt(2).
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
    // SAFETY: as documented.
    unsafe { Udp::of(handle).set_membership(multicast_addr, interface_addr, membership) }.into_c()
}

/// Joins or leaves a multicast group as `uv_udp_set_membership()` does, for datagrams of one source host.
///
/// Returns the same as `uv_udp_set_membership()`.
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
    // SAFETY: as documented.
    unsafe {
        Udp::of(handle)
            .set_source_membership(multicast_addr, interface_addr, source_addr, membership)
            .into_c()
    }
}

/// Sets whether datagrams that the handle sends to a multicast group are also delivered to this host.
///
/// Returns 0, `UV_EINVAL` for a number that does not fit into a byte, or `UV_EBADF` if the handle has no
/// socket.
/// See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_set_multicast_loop>.
///
/// # Safety
/// `handle` is an initialised UDP handle.
#[no_mangle]
pub unsafe extern "C" fn uv_udp_set_multicast_loop(handle: *mut uv_udp_t, on: c_int) -> c_int {
    // SAFETY: as documented.
    unsafe { Udp::of(handle) }
        .set_ip_byte(libc::IP_MULTICAST_LOOP, libc::IPV6_MULTICAST_LOOP, on)
        .into_c()
}

/// Sets the time to live of multicast datagrams, 0 to 255.
///
/// Returns 0, `UV_EINVAL` for other numbers, or `UV_EBADF` if the handle has no socket.
/// See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_set_multicast_ttl>.
///
/// # Safety
/// `handle` is an initialised UDP handle.
#[no_mangle]
pub unsafe extern "C" fn uv_udp_set_multicast_ttl(handle: *mut uv_udp_t, ttl: c_int) -> c_int {
    // SAFETY: as documented.
    unsafe { Udp::of(handle) }
        .set_ip_byte(libc::IP_MULTICAST_TTL, libc::IPV6_MULTICAST_HOPS, ttl)
        .into_c()
}

/// Sets the interface for sending multicast datagrams, by its address. If that is NULL the kernel chooses.
///
/// Returns 0, `UV_EINVAL` if the string is not an address, `UV_EBADF` if the handle has no socket, or
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
    // SAFETY: as documented.
    unsafe { Udp::of(handle).set_multicast_interface(interface_addr) }.into_c()
}

/// Sets whether the handle may send to broadcast addresses.
///
/// Returns 0, or `UV_EBADF` if the handle has no socket.
/// See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_set_broadcast>.
///
/// # Safety
/// `handle` is an initialised UDP handle.
#[no_mangle]
pub unsafe extern "C" fn uv_udp_set_broadcast(handle: *mut uv_udp_t, on: c_int) -> c_int {
    // SAFETY: as documented.
    let udp = unsafe { Udp::of(handle) };
    socket::set_option(udp.fd(), libc::SOL_SOCKET, libc::SO_BROADCAST, on).into_c()
}

/// Sets the time to live of unicast datagrams, 1 to 255.
///
/// Returns 0, `UV_EINVAL` for other numbers, or `UV_EBADF` if the handle has no socket.
/// See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_set_ttl>.
///
/// # Safety
/// `handle` is an initialised UDP handle.
#[no_mangle]
pub unsafe extern "C" fn uv_udp_set_ttl(handle: *mut uv_udp_t, ttl: c_int) -> c_int {
    if !(1..=255).contains(&ttl) {
        return Error::EINVAL.code();
    }
    // SAFETY: as documented.
    unsafe { Udp::of(handle) }.set_ip_option(libc::IP_TTL, libc::IPV6_UNICAST_HOPS, ttl).into_c()
}
