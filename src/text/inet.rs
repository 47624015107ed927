//! IPv4 and IPv6 addresses as text.
//!
//! The syntax is that of POSIX's inet_pton(3) and inet_ntop(3): four decimal numbers without leading
//! zeros; groups of up to four hex digits, `::` once, and IPv4 notation for the last 32 bits. In addition
//! a `%` ends an IPv6 address and is followed by the name of a network interface, whose index becomes the
//! scope id.

use crate::abi::{Error, IntoC, Result};
use crate::ffi::text;
use crate::sys;
use core::ffi::{c_char, c_int, c_void, CStr};
use core::fmt::{self, Write};
use core::net::{Ipv4Addr, Ipv6Addr};
use core::str::FromStr;
use libc::{size_t, sockaddr, sockaddr_in, sockaddr_in6, AF_INET, AF_INET6};

/// The size of the longest IPv6 address, which ends with an IPv4 address, and a NUL; as in C.
const INET6_ADDRSTRLEN: usize = 46;

fn parse<T: FromStr>(text: &[u8]) -> Result<T> {
    core::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).ok_or(Error::EINVAL)
}

/// Parses `"127.0.0.1"`.
pub fn parse_v4(text: &[u8]) -> Result<[u8; 4]> {
    Ok(parse::<Ipv4Addr>(text)?.octets())
}

/// Parses `"::1"` or `"fe80::1%eth0"`; ignores the part from the `%` on.
pub fn parse_v6(text: &[u8]) -> Result<[u8; 16]> {
    let address = text.split(|&byte| byte == b'%').next().unwrap_or(text);
    Ok(parse::<Ipv6Addr>(address)?.octets())
}

/// Returns the text after the first `%`.
fn zone(text: &CStr) -> Option<&CStr> {
    let bytes = text.to_bytes_with_nul();
    let percent = bytes.iter().position(|&byte| byte == b'%')?;
    CStr::from_bytes_with_nul(bytes.get(percent + 1..)?).ok()
}

/// Returns the index of the network interface named after the `%` of an address; 0 if there is none.
pub fn scope_id(text: &CStr) -> u32 {
    zone(text).map_or(0, sys::interface::index)
}

/// The text form of an address.
pub struct Text {
    bytes: [u8; INET6_ADDRSTRLEN],
    len: usize,
}

impl Text {
    fn new(args: fmt::Arguments<'_>) -> Text {
        let mut text = Text { bytes: [0; INET6_ADDRSTRLEN], len: 0 };
        // Never fails: the array has room for the longest address and a NUL.
        let _ = text.write_fmt(args);
        text
    }

    /// Returns the text of an IPv4 address.
    pub fn v4(octets: [u8; 4]) -> Text {
        Text::new(format_args!("{}", Ipv4Addr::from(octets)))
    }

    /// Returns the text of an IPv6 address, in lower case, with `::` for the first longest run of two or
    /// more zero groups.
    pub fn v6(octets: [u8; 16]) -> Text {
        let address = Ipv6Addr::from(octets);
        match address.segments() {
            // std writes "IPv4-compatible" addresses in hex. If the seventh group is also zero, it belongs
            // to the run.
            [0, 0, 0, 0, 0, 0, high, low] if high != 0 => {
                let v4 = Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
                Text::new(format_args!("::{v4}"))
            }
            _ => Text::new(format_args!("{address}")),
        }
    }

    /// Returns the text without its NUL.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// Copies the text and a NUL to C's buffer; returns `ENOSPC` if they do not fit.
    ///
    /// # Safety
    /// `dst` is good for writing `size` bytes.
    unsafe fn copy_out(&self, dst: *mut c_char, size: size_t) -> Result {
        if self.len >= size {
            return Err(Error::ENOSPC);
        }
        let text = self.as_bytes();
        // SAFETY: `dst` has room for the text and one more byte, and does not overlap `self`.
        unsafe {
            core::ptr::copy_nonoverlapping(text.as_ptr(), dst.cast(), text.len());
            dst.add(text.len()).write(0);
        }
        Ok(())
    }
}

impl fmt::Write for Text {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        let end = self.len + part.len();
        if end >= self.bytes.len() {
            return Err(fmt::Error);
        }
        self.bytes[self.len..end].copy_from_slice(part.as_bytes());
        self.len = end;
        Ok(())
    }
}

/// Returns the low 16 bits of a port in network byte order.
fn network_port(port: c_int) -> u16 {
    let [.., high, low] = port.to_be_bytes();
    u16::from_ne_bytes([high, low])
}

/// Converts a string with an IPv4 address to a socket address.
///
/// Returns 0, or `UV_EINVAL` if `ip` is not an IPv4 address; the family and the port are set in both
/// cases.
///
/// # Safety
/// `ip` is NULL or a string; `addr` is good for writing.
#[no_mangle]
pub unsafe extern "C" fn uv_ip4_addr(
    ip: *const c_char,
    port: c_int,
    addr: *mut sockaddr_in,
) -> c_int {
    // SAFETY: zeroes are a valid sockaddr_in.
    let mut out: sockaddr_in = unsafe { core::mem::zeroed() };
    out.sin_family = sys::sa_family(AF_INET);
    out.sin_port = network_port(port);
    // SAFETY: as documented.
    let text = unsafe { text(ip) };
    let parsed = text.and_then(|text| parse_v4(text.to_bytes()));
    if let Ok(octets) = parsed {
        out.sin_addr.s_addr = u32::from_ne_bytes(octets);
    }
    // SAFETY: as documented.
    unsafe { addr.write(out) };
    parsed.map(drop).into_c()
}

/// Converts a string with an IPv6 address to a socket address. In `"fe80::1%eth0"` the part after the `%`
/// is the name of the network interface for the scope id, which is 0 for an unknown name.
///
/// Returns 0, or `UV_EINVAL` if `ip` is not an IPv6 address; the family, the port and the scope id are
/// set in both cases.
///
/// # Safety
/// `ip` is NULL or a string; `addr` is good for writing.
#[no_mangle]
pub unsafe extern "C" fn uv_ip6_addr(
    ip: *const c_char,
    port: c_int,
    addr: *mut sockaddr_in6,
) -> c_int {
    // SAFETY: zeroes are a valid sockaddr_in6.
    let mut out: sockaddr_in6 = unsafe { core::mem::zeroed() };
    out.sin6_family = sys::sa_family(AF_INET6);
    out.sin6_port = network_port(port);
    // SAFETY: as documented.
    let text = unsafe { text(ip) };
    let parsed = text.and_then(|text| parse_v6(text.to_bytes()));
    if let Ok(octets) = parsed {
        out.sin6_addr.s6_addr = octets;
    }
    out.sin6_scope_id = text.map_or(0, scope_id);
    // SAFETY: as documented.
    unsafe { addr.write(out) };
    parsed.map(drop).into_c()
}

/// Writes an IPv4 socket address as a string, without its port. Ignores the family.
///
/// Returns 0, or `UV_ENOSPC` if `size` bytes do not hold the text and its NUL.
///
/// # Safety
/// `src` points to a socket address; `dst` is good for writing `size` bytes.
#[no_mangle]
pub unsafe extern "C" fn uv_ip4_name(
    src: *const sockaddr_in,
    dst: *mut c_char,
    size: size_t,
) -> c_int {
    // SAFETY: as documented.
    let octets = unsafe { (*src).sin_addr.s_addr }.to_ne_bytes();
    // SAFETY: as documented.
    unsafe { Text::v4(octets).copy_out(dst, size) }.into_c()
}

/// Writes an IPv6 socket address as a string, without its port and scope id. Ignores the family.
///
/// Returns 0, or `UV_ENOSPC` if `size` bytes do not hold the text and its NUL.
///
/// # Safety
/// `src` points to a socket address; `dst` is good for writing `size` bytes.
#[no_mangle]
pub unsafe extern "C" fn uv_ip6_name(
    src: *const sockaddr_in6,
    dst: *mut c_char,
    size: size_t,
) -> c_int {
    // SAFETY: as documented.
    let octets = unsafe { (*src).sin6_addr.s6_addr };
    // SAFETY: as documented.
    unsafe { Text::v6(octets).copy_out(dst, size) }.into_c()
}

/// Writes an IPv4 or IPv6 socket address as a string.
///
/// Returns 0, `UV_ENOSPC` if `size` bytes do not hold the text and its NUL, or `UV_EAFNOSUPPORT`
/// if the address is neither IPv4 nor IPv6.
///
/// # Safety
/// `src` points to a socket address of its family's size; `dst` is good for writing `size` bytes.
#[no_mangle]
pub unsafe extern "C" fn uv_ip_name(src: *const sockaddr, dst: *mut c_char, size: size_t) -> c_int {
    // SAFETY: as documented; each function gets an address of its family.
    unsafe {
        match c_int::from((*src).sa_family) {
            AF_INET => uv_ip4_name(src.cast(), dst, size),
            AF_INET6 => uv_ip6_name(src.cast(), dst, size),
            _ => Error::EAFNOSUPPORT.code(),
        }
    }
}

/// Writes an address as a string. `src` points to 4 bytes for `AF_INET`, to 16 for `AF_INET6`, in
/// network order.
///
/// Returns 0, `UV_ENOSPC` if `size` bytes do not hold the text and its NUL, or `UV_EAFNOSUPPORT`
/// for any other `af`.
///
/// # Safety
/// `src` points to an address of the family `af`; `dst` is good for writing `size` bytes.
#[no_mangle]
pub unsafe extern "C" fn uv_inet_ntop(
    af: c_int,
    src: *const c_void,
    dst: *mut c_char,
    size: size_t,
) -> c_int {
    let text = match af {
        // SAFETY: as documented; arrays of bytes need no alignment.
        AF_INET => Text::v4(unsafe { *src.cast() }),
        // SAFETY: as documented.
        AF_INET6 => Text::v6(unsafe { *src.cast() }),
        _ => return Error::EAFNOSUPPORT.code(),
    };
    // SAFETY: as documented.
    unsafe { text.copy_out(dst, size) }.into_c()
}

/// Parses an address: 4 bytes in network order for `AF_INET`, 16 for `AF_INET6`. Ignores the part of an
/// IPv6 address from a `%` on.
///
/// Returns 0; `UV_EINVAL` if `src` is NULL or not an address, leaving `dst` unchanged; `UV_EAFNOSUPPORT`
/// for any other `af`.
///
/// # Safety
/// `src` is NULL or a string; `dst` has room for an address of the family `af`.
#[no_mangle]
pub unsafe extern "C" fn uv_inet_pton(af: c_int, src: *const c_char, dst: *mut c_void) -> c_int {
    // SAFETY: as documented.
    let text = match unsafe { text(src) } {
        Ok(text) => text.to_bytes(),
        Err(error) => return error.code(),
    };
    match af {
        AF_INET => parse_v4(text).map(|octets| {
            // SAFETY: as documented; arrays of bytes need no alignment.
            unsafe { dst.cast::<[u8; 4]>().write(octets) }
        }),
        AF_INET6 => parse_v6(text).map(|octets| {
            // SAFETY: as documented; arrays of bytes need no alignment.
            unsafe { dst.cast::<[u8; 16]>().write(octets) }
        }),
        _ => Err(Error::EAFNOSUPPORT),
    }
    .into_c()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v6_text(octets: [u8; 16]) -> String {
        String::from_utf8(Text::v6(octets).as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn v4_accepts_only_four_plain_numbers() {
        assert_eq!(parse_v4(b"127.0.0.1"), Ok([127, 0, 0, 1]));
        assert_eq!(parse_v4(b"255.255.255.255"), Ok([255; 4]));
        for bad in [
            "",
            "1",
            "1.2.3",
            "1.2.3.4.5",
            "256.0.0.0",
            "01.2.3.4",
            "1.2.3.04",
            "0x1.2.3.4",
            "1..3.4",
            ".1.2.3.4",
            "1.2.3.4.",
            " 1.2.3.4",
            "1.2.3.4 ",
            "-1.2.3.4",
            "+1.2.3.4",
            "1.2.3.4%lo",
            "::1",
            "1.2.3.\u{664}",
        ] {
            assert_eq!(parse_v4(bad.as_bytes()), Err(Error::EINVAL), "{bad}");
        }
        assert_eq!(parse_v4(b"1.2.3.\xff"), Err(Error::EINVAL));
    }

    #[test]
    fn v6_text_round_trip() {
        for text in [
            "::",
            "::1",
            "1::",
            "1:2:3:4:5:6:7:8",
            "fe80::2acf:daff:fedd:342a",
            "::1.2.3.4",
            "::ffff:1.2.3.4",
            "::ffff:0.0.0.0",
            "::0.1.0.0",
            "::102",
            "64:ff9b::102:304",
            "1:0:2:3:4:5:6:7",
            "1::2:3:0:0:4",
            "0:0:1::1:0",
            "1::2:0:0:0",
            "::ffff:0:102:304",
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        ] {
            assert_eq!(v6_text(parse_v6(text.as_bytes()).unwrap()), text);
        }
        for (given, written) in [
            ("::A", "::a"),
            ("0001::", "1::"),
            ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
            ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
            ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"),
            ("fe80::1%eth0", "fe80::1"),
            ("fe80::1%", "fe80::1"),
            ("::1%\u{fffd}%x:1.2.3.4", "::1"),
        ] {
            assert_eq!(v6_text(parse_v6(given.as_bytes()).unwrap()), written);
        }
    }

    #[test]
    fn v6_refuses_other_texts() {
        for bad in [
            "",
            ":",
            ":1",
            "1:",
            "::1:",
            ":::",
            "1::8:9::",
            "12345::",
            "00001::",
            "g::",
            "%",
            "%lo",
            "1:2:3:4:5:6:7:8:9",
            "1:2:3:4:5:6:7:1.2.3.4",
            "1:2:3:4::5:6:7:8",
            "::1.2.3",
            "::01.2.3.4",
            "::1.2.3.4:5",
            "1.2.3.4",
            " ::1",
            "[::1]",
        ] {
            assert_eq!(parse_v6(bad.as_bytes()), Err(Error::EINVAL), "{bad}");
        }
    }

    #[test]
    fn the_zone_follows_the_first_percent() {
        assert_eq!(zone(c"fe80::1%eth0"), Some(c"eth0"));
        assert_eq!(zone(c"fe80::1%eth0%x"), Some(c"eth0%x"));
        assert_eq!(zone(c"fe80::1%"), Some(c""));
        assert_eq!(zone(c"fe80::1"), None);
    }

    #[test]
    fn a_buffer_that_is_too_small_stays_as_it_is() {
        let text = Text::v4([1, 2, 3, 4]);
        let mut buf = [b'z' as c_char; 8];
        // SAFETY: the sizes are no larger than buf.
        unsafe {
            assert_eq!(text.copy_out(buf.as_mut_ptr(), 0), Err(Error::ENOSPC));
            assert_eq!(text.copy_out(buf.as_mut_ptr(), 7), Err(Error::ENOSPC));
            assert_eq!(buf, [b'z' as c_char; 8]);
            assert_eq!(text.copy_out(buf.as_mut_ptr(), 8), Ok(()));
            assert_eq!(CStr::from_ptr(buf.as_ptr()), c"1.2.3.4");
        }
    }

    #[test]
    fn the_longest_text_fits() {
        let text = Text::v6([0xff; 16]);
        assert_eq!(text.as_bytes().len(), 39);
        assert_eq!(Text::v4([255; 4]).as_bytes().len(), 15);
    }
}
