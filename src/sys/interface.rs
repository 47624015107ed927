//! Network interfaces.

use super::{c, output};
use crate::abi::{Error, Result};
use core::ffi::{c_int, CStr};

/// Returns the index of the interface with this name, or 0 if there is none.
pub fn index(name: &CStr) -> u32 {
    // SAFETY: reads a string.
    unsafe { c::if_nametoindex(name.as_ptr()) }
}

/// Returns the name of the interface with this index.
pub fn name(index: u32, buffer: &mut [u8; libc::IF_NAMESIZE]) -> Result<&CStr> {
    // SAFETY: the buffer has IF_NAMESIZE bytes.
    if unsafe { c::if_indextoname(index, buffer.as_mut_ptr().cast()) }.is_null() {
        return Err(Error::last());
    }
    CStr::from_bytes_until_nul(buffer).map_err(|_| Error::ENXIO)
}

/// The addresses of all interfaces.
pub struct Addresses(*mut libc::ifaddrs);

pub struct Address<'a>(&'a libc::ifaddrs);

impl Addresses {
    pub fn get() -> Result<Addresses> {
        // SAFETY: getifaddrs() stores the list's first element.
        unsafe { output(|first| c::getifaddrs(first)) }.map(Addresses)
    }

    pub fn iter(&self) -> impl Iterator<Item = Address<'_>> {
        let mut next = self.0.cast_const();
        core::iter::from_fn(move || {
            // SAFETY: the list is alive for as long as `self` is.
            let address = unsafe { next.as_ref() }?;
            next = address.ifa_next;
            Some(Address(address))
        })
    }
}

impl Drop for Addresses {
    fn drop(&mut self) {
        // SAFETY: the list came from getifaddrs(), and `self` is its owner.
        unsafe { c::freeifaddrs(self.0) };
    }
}

impl<'a> Address<'a> {
    pub fn name(&self) -> &'a CStr {
        // SAFETY: the name is a string that lives as long as the list.
        unsafe { CStr::from_ptr(self.0.ifa_name) }
    }

    pub fn has_flags(&self, flags: c_int) -> bool {
        self.0.ifa_flags & flags.unsigned_abs() == flags.unsigned_abs()
    }

    fn family(&self) -> Option<c_int> {
        // SAFETY: the address is NULL or points to one of the list's.
        unsafe { self.0.ifa_addr.as_ref() }.map(|address| c_int::from(address.sa_family))
    }

    /// Returns the address and the netmask if they are of this family, whose type is `T`.
    ///
    /// # Safety
    /// `T` is the address type of the family.
    unsafe fn as_family<T: Copy>(&self, family: c_int) -> Option<(T, Option<T>)> {
        if self.family() != Some(family) {
            return None;
        }
        // SAFETY: as documented; a netmask is NULL or of the same type.
        unsafe {
            let netmask = self.0.ifa_netmask.cast::<T>();
            let netmask = (!netmask.is_null()).then(|| netmask.read_unaligned());
            Some((self.0.ifa_addr.cast::<T>().read_unaligned(), netmask))
        }
    }

    pub fn ipv4(&self) -> Option<(libc::sockaddr_in, Option<libc::sockaddr_in>)> {
        // SAFETY: the types belong together.
        unsafe { self.as_family(libc::AF_INET) }
    }

    pub fn ipv6(&self) -> Option<(libc::sockaddr_in6, Option<libc::sockaddr_in6>)> {
        // SAFETY: the types belong together.
        unsafe { self.as_family(libc::AF_INET6) }
    }

    /// Returns the link-level address.
    pub fn link(&self) -> Option<libc::sockaddr_ll> {
        // SAFETY: the types belong together.
        unsafe { self.as_family(libc::AF_PACKET) }.map(|(address, _)| address)
    }
}
