//! Network interfaces.

use crate::abi::*;
use crate::ffi::TextOut;
use crate::memory;
use crate::sys::interface::{self, Address, Addresses};
use core::ffi::{c_char, c_int, c_uint};
use core::mem::size_of;

/// Returns the address and the netmask for the caller; `None` unless the interface is up and running
/// and the address is an IP address. A missing netmask is all zeroes.
fn usable(address: &Address<'_>) -> Option<(uv__interface_address, uv__interface_netmask)> {
    if !address.has_flags(libc::IFF_UP | libc::IFF_RUNNING) {
        return None;
    }
    // SAFETY: all zeroes are a valid value of these unions.
    let (mut to, mut mask): (uv__interface_address, uv__interface_netmask) =
        unsafe { (core::mem::zeroed(), core::mem::zeroed()) };
    if let Some((v4, netmask)) = address.ipv4() {
        to.address4 = v4;
        if let Some(netmask) = netmask {
            mask.netmask4 = netmask;
        }
    } else {
        let (v6, netmask) = address.ipv6()?;
        to.address6 = v6;
        if let Some(netmask) = netmask {
            mask.netmask6 = netmask;
        }
    }
    Some((to, mask))
}

/// Returns the hardware address of the interface of this address. The address may belong to an alias,
/// `eth0:1`, whose interface is `eth0`.
fn hardware_address(address: &Address<'_>, all: &Addresses) -> [c_char; 6] {
    let name = address.name().to_bytes();
    let interface = name.split(|&byte| byte == b':').next().unwrap_or(name);
    all.iter()
        .filter(|other| other.name().to_bytes() == interface)
        .find_map(|other| other.link())
        .map_or([0; 6], |link| core::array::from_fn(|n| c_char::from_ne_bytes([link.sll_addr[n]])))
}

/// Returns the array for the caller, in one block with the names; NULL if there are none.
fn addresses() -> Result<(*mut uv_interface_address_t, usize)> {
    let all = Addresses::get()?;
    let found = || all.iter().filter_map(|address| Some((usable(&address)?, address)));
    let (count, bytes) = found().fold((0, 0), |(count, bytes), (_, address)| {
        let size = size_of::<uv_interface_address_t>() + address.name().count_bytes() + 1;
        (count + 1, bytes + size)
    });
    if count == 0 {
        return Ok((core::ptr::null_mut(), 0));
    }
    let block = memory::malloc(bytes)?.as_ptr().cast::<uv_interface_address_t>();
    // SAFETY: the block has room for the array and for each name with its NUL.
    unsafe {
        let mut place = block.add(count).cast::<c_char>();
        for (n, ((to, netmask), address)) in found().enumerate() {
            let name_size = address.name().count_bytes() + 1;
            core::ptr::copy_nonoverlapping(address.name().as_ptr(), place, name_size);
            block.add(n).write(uv_interface_address_t {
                name: place,
                phys_addr: hardware_address(&address, &all),
                is_internal: c_int::from(address.has_flags(libc::IFF_LOOPBACK)),
                address: to,
                netmask,
            });
            place = place.add(name_size);
        }
    }
    Ok((block, count))
}

/// Gets the IPv4 and IPv6 addresses of the network interfaces that are up, as an array to be freed by
/// `uv_free_interface_addresses()`. It is NULL if there are none.
///
/// Returns 0 or an error code such as `UV_ENOMEM`.
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_interface_addresses>.
///
/// # Safety
/// Both pointers are good for writing.
#[no_mangle]
pub unsafe extern "C" fn uv_interface_addresses(
    addresses: *mut *mut uv_interface_address_t,
    count: *mut c_int,
) -> c_int {
    // SAFETY: as documented.
    unsafe {
        addresses.write(core::ptr::null_mut());
        count.write(0);
        self::addresses().map(|(array, length)| {
            addresses.write(array);
            count.write(length.try_into().unwrap_or(c_int::MAX));
        })
    }
    .into_c()
}

/// Frees the result of `uv_interface_addresses()`. NULL is allowed.
///
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_free_interface_addresses>.
///
/// # Safety
/// `addresses` is NULL or came from `uv_interface_addresses()`, and is not used afterwards.
#[no_mangle]
pub unsafe extern "C" fn uv_free_interface_addresses(
    addresses: *mut uv_interface_address_t,
    count: c_int,
) {
    let _ = count;
    // SAFETY: as documented; the array and the names are in one block.
    unsafe { memory::free(addresses.cast()) };
}

/// Gets the name of the network interface with this index. `size` goes in as the size of `buffer`,
/// for which `UV_IF_NAMESIZE` is always enough, and comes out as the length of the name.
///
/// Returns 0; `UV_ENXIO` if there is no such interface; `UV_ENOBUFS` if the buffer is too small,
/// with the size that is needed in `size`; `UV_EINVAL` for NULL and for a size of 0.
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_if_indextoname>.
///
/// # Safety
/// Each pointer is NULL or valid; `buffer` has room for `*size` bytes.
#[no_mangle]
pub unsafe extern "C" fn uv_if_indextoname(
    ifindex: c_uint,
    buffer: *mut c_char,
    size: *mut usize,
) -> c_int {
    let get = || {
        // SAFETY: as documented.
        let out = unsafe { TextOut::new(buffer, size)? };
        out.put(interface::name(ifindex, &mut [0; libc::IF_NAMESIZE])?.to_bytes())
    };
    get().into_c()
}

/// Gets the identifier of the network interface with this index that follows the `%` in a scoped IPv6
/// address. On Linux that is its name; see `uv_if_indextoname()`.
///
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_if_indextoiid>.
///
/// # Safety
/// As for `uv_if_indextoname()`.
#[no_mangle]
pub unsafe extern "C" fn uv_if_indextoiid(
    ifindex: c_uint,
    buffer: *mut c_char,
    size: *mut usize,
) -> c_int {
    // SAFETY: as documented.
    unsafe { uv_if_indextoname(ifindex, buffer, size) }
}
