//! The functions that the targets in `fuzz/` call: each takes any bytes, and fails by a panic or a sanitizer's
//! report. `cargo test` replays the inputs in `fuzz/corpus`.

use crate::abi::*;
use crate::os::fuzzing as os;
use crate::sys::{datagram, unix_socket};
use crate::text::{idna, inet, wtf8};
use core::ffi::{c_char, c_int};
use core::mem::{size_of, MaybeUninit};
use core::ptr;
use libc::{sockaddr, sockaddr_in, sockaddr_in6, sockaddr_storage};
use std::ffi::CString;

/// Converts a name, with room for all of it and with less.
pub fn idna(data: &[u8]) {
    let Some((room, name)) = data.split_first() else { return };
    for room in [usize::from(*room), 256] {
        let mut out = vec![0xff; room];
        if let Ok(ascii) = idna::to_ascii(name, &mut out) {
            assert!(ascii.to_bytes().is_ascii());
            // A name of ASCII stays the same, up to a NUL.
            let text = name.split(|&byte| byte == 0).next().unwrap_or_default();
            assert!(!name.is_ascii() || text == ascii.to_bytes());
        }
    }
}

/// Returns the bytes up to the first NUL as C's string, of exactly this size.
fn c_string(data: &[u8]) -> CString {
    let end = data.iter().position(|&byte| byte == 0).unwrap_or(data.len());
    CString::new(&data[..end]).unwrap_or_default()
}

/// Converts UTF-16 to WTF-8 and back, and text to UTF-16 and back.
pub fn wtf8(data: &[u8]) {
    let units: Vec<u16> =
        data.chunks_exact(2).map(|pair| u16::from_ne_bytes([pair[0], pair[1]])).collect();
    let length = units.len() as isize;
    // SAFETY: the lengths are those of the buffers.
    unsafe {
        let size = wtf8::uv_utf16_length_as_wtf8(units.as_ptr(), length);
        for room in [0, size / 2, size] {
            let mut out = vec![0x7f_u8; room + 1];
            let (mut at, mut written) = (out.as_mut_ptr().cast::<c_char>(), room);
            let status =
                wtf8::uv_utf16_to_wtf8(units.as_ptr(), length, &raw mut at, &raw mut written);
            assert_eq!(
                (status, written),
                (if room < size { Error::ENOBUFS.code() } else { 0 }, size)
            );
            assert_eq!(out[room], 0);
            if room == size && !units.contains(&0) {
                let back = wtf8::uv_wtf8_length_as_utf16(at);
                assert_eq!(back, length + 1);
                let mut same = vec![1_u16; units.len() + 1];
                wtf8::uv_wtf8_to_utf16(at, same.as_mut_ptr(), same.len());
                assert_eq!(&same[..units.len()], &units[..]);
            }
        }
        let text = c_string(data);
        let Ok(length) = usize::try_from(wtf8::uv_wtf8_length_as_utf16(text.as_ptr())) else {
            return;
        };
        let mut units = vec![1_u16; length];
        wtf8::uv_wtf8_to_utf16(text.as_ptr(), units.as_mut_ptr(), length);
        assert_eq!(units.last(), Some(&0));
        assert!(!units[..length - 1].contains(&0));
    }
}

/// Parses addresses and writes them: what was written means the same.
pub fn addresses(data: &[u8]) {
    let text = c_string(data);
    let mut name = [1 as c_char; 46];
    let (out, size) = (name.as_mut_ptr(), name.len());
    let mut v4 = MaybeUninit::<sockaddr_in>::uninit();
    let mut v6 = MaybeUninit::<sockaddr_in6>::uninit();
    // SAFETY: the sizes are those of the buffers, and the addresses are written in any case.
    unsafe {
        if inet::uv_ip4_addr(text.as_ptr(), 1, v4.as_mut_ptr()) == 0 {
            assert_eq!(inet::uv_ip4_name(v4.as_ptr(), out, size), 0);
            let mut same = MaybeUninit::<sockaddr_in>::uninit();
            assert_eq!(inet::uv_ip4_addr(out, 1, same.as_mut_ptr()), 0);
            assert_eq!(same.assume_init().sin_addr.s_addr, v4.assume_init().sin_addr.s_addr);
        }
        if inet::uv_ip6_addr(text.as_ptr(), 1, v6.as_mut_ptr()) == 0 {
            assert_eq!(inet::uv_ip6_name(v6.as_ptr(), out, size), 0);
            let mut same = MaybeUninit::<sockaddr_in6>::uninit();
            assert_eq!(inet::uv_ip6_addr(out, 1, same.as_mut_ptr()), 0);
            assert_eq!(same.assume_init().sin6_addr.s6_addr, v6.assume_init().sin6_addr.s6_addr);
        }
        let mut bytes = [0_u8; 16];
        for family in [libc::AF_INET, libc::AF_INET6, -1] {
            inet::uv_inet_pton(family, text.as_ptr(), bytes.as_mut_ptr().cast());
        }
        let mut raw = MaybeUninit::<sockaddr_storage>::zeroed();
        ptr::copy_nonoverlapping(
            data.as_ptr(),
            raw.as_mut_ptr().cast(),
            data.len().min(size_of::<sockaddr_storage>()),
        );
        for room in 0..size {
            let mut name = vec![1 as c_char; room];
            inet::uv_ip_name(raw.as_ptr().cast::<sockaddr>(), name.as_mut_ptr(), room);
        }
    }
}

/// Looks through control messages that no kernel would write.
pub fn control_messages(data: &[u8]) {
    // Aligned like a header, and of exactly this size, so that a sanitizer sees each byte beyond.
    let layout = match std::alloc::Layout::from_size_align(data.len().max(1), 8) {
        Ok(layout) => layout,
        Err(_) => return,
    };
    // SAFETY: the block has the size of the data, is freed once, and the message points to it.
    unsafe {
        let block = std::alloc::alloc(layout);
        ptr::copy_nonoverlapping(data.as_ptr(), block, data.len());
        let mut message: libc::msghdr = MaybeUninit::zeroed().assume_init();
        message.msg_control = block.cast();
        message.msg_controllen = data.len() as _;
        let mut descriptors: Vec<c_int> = Vec::new();
        unix_socket::each_descriptor(&message, |fd| descriptors.push(fd));
        assert!(descriptors.len() <= data.len() / size_of::<c_int>());
        datagram::segment_size(&message);
        if let Some((error, address)) = datagram::queued_error(&message) {
            assert!(error.code() < 0);
            if !address.is_null() {
                assert_ne!(c_int::from((*address).sa_family), libc::AF_UNSPEC);
            }
        }
        std::alloc::dealloc(block, layout);
    }
}

/// Parses the text of files below `/proc` and `/sys`.
pub fn proc_text(data: &[u8]) {
    os::parse_all(data);
}

#[cfg(test)]
#[path = "../fuzz/replay.rs"]
mod replay;

#[cfg(test)]
mod tests {
    use super::replay::replay;
    use super::*;

    #[test]
    #[cfg_attr(miri, ignore)]
    fn inputs_that_the_fuzzer_kept() {
        replay("idna", idna);
        replay("wtf8", wtf8);
        replay("addresses", addresses);
        replay("control_messages", control_messages);
        replay("proc_text", proc_text);
    }
}
