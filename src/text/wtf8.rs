//! Conversion between UTF-16 and WTF-8.
//!
//! WTF-8 is UTF-8 that may contain surrogates, because UTF-16 of some systems contains unpaired
//! surrogates. Every string of 16-bit units has a WTF-8 form, which converts back to the same string.

use crate::abi::*;
use crate::memory;
use core::ffi::{c_char, c_int, CStr};
use core::mem::MaybeUninit;

/// Returns the code points of UTF-16, including unpaired surrogates.
fn code_points(utf16: &[u16]) -> impl Iterator<Item = u32> + '_ {
    char::decode_utf16(utf16.iter().copied())
        .map(|c| c.map_or_else(|lone| u32::from(lone.unpaired_surrogate()), u32::from))
}

/// Returns the bytes of a code point and their number.
fn encode(c: u32) -> ([u8; 4], usize) {
    let mut bytes = [0; 4];
    let Some(c) = char::from_u32(c) else {
        let continuation = |shift: u32| 0x80 | (c >> shift).to_le_bytes()[0] & 0x3f;
        // A surrogate, 0xd800 to 0xdfff.
        return ([0xed, continuation(6), continuation(0), 0], 3);
    };
    let length = c.encode_utf8(&mut bytes).len();
    (bytes, length)
}

fn length_as_wtf8(utf16: &[u16]) -> usize {
    code_points(utf16).map(|c| encode(c).1).sum()
}

/// Writes WTF-8, truncated to the buffer.
fn write_wtf8(utf16: &[u16], out: &mut [MaybeUninit<u8>]) {
    let bytes = code_points(utf16).flat_map(|c| {
        let (bytes, length) = encode(c);
        bytes.into_iter().take(length)
    });
    for (to, byte) in out.iter_mut().zip(bytes) {
        to.write(byte);
    }
}

/// Returns the first code point of a text and its number of bytes; `None` if the bytes are not WTF-8.
/// As in libuv, overlong forms of three and four bytes are allowed.
fn decode(wtf8: &[u8]) -> Option<(u32, usize)> {
    let (first, length) = match *wtf8.first()? {
        byte @ 0..0x80 => (byte, 1),
        byte @ 0xc2..0xe0 => (byte & 0x1f, 2),
        byte @ 0xe0..0xf0 => (byte & 0x0f, 3),
        byte @ 0xf0..0xf5 => (byte & 0x07, 4),
        _ => return None,
    };
    let mut c = u32::from(first);
    for &byte in wtf8.get(1..length)? {
        if byte & 0xc0 != 0x80 {
            return None;
        }
        c = c << 6 | u32::from(byte & 0x3f);
    }
    (c <= 0x10_ffff).then_some((c, length))
}

/// Returns the code points of WTF-8; the last item is `None` if the text is not WTF-8.
fn decode_all(wtf8: &[u8]) -> impl Iterator<Item = Option<u32>> + '_ {
    let mut rest = wtf8;
    core::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let found = decode(rest);
        rest = found.map_or(&[][..], |(_, length)| &rest[length..]);
        Some(found.map(|(c, _)| c))
    })
}

/// Returns the units of a code point, of which the second may be missing.
fn units(c: u32) -> (u16, Option<u16>) {
    if let Ok(unit) = u16::try_from(c) {
        return (unit, None);
    }
    let mut pair = [0; 2];
    char::from_u32(c).unwrap_or(char::REPLACEMENT_CHARACTER).encode_utf16(&mut pair);
    (pair[0], Some(pair[1]))
}

fn length_as_utf16(wtf8: &[u8]) -> Option<usize> {
    decode_all(wtf8).map(|c| Some(if c? < 0x1_0000 { 1 } else { 2 })).sum()
}

/// Writes the units and a NUL. The text ends at the first code point that is not WTF-8 or does not fit.
fn write_utf16(wtf8: &[u8], out: &mut [MaybeUninit<u16>]) {
    let Some(room) = out.len().checked_sub(1) else { return };
    let text = decode_all(wtf8).map_while(|c| c).flat_map(|c| {
        let (first, second) = units(c);
        core::iter::once(first).chain(second)
    });
    let mut length = 0;
    for (to, unit) in out.iter_mut().zip(text.take(room)) {
        to.write(unit);
        length += 1;
    }
    out[length].write(0);
}

/// Borrows UTF-16 from C: `length` units, or all up to a NUL if that is negative.
///
/// # Safety
/// `utf16` has that many units.
unsafe fn utf16_text<'a>(utf16: *const u16, length: isize) -> &'a [u16] {
    // SAFETY: as documented.
    unsafe {
        let length = usize::try_from(length).unwrap_or_else(|_| {
            let mut end = 0;
            while *utf16.add(end) != 0 {
                end += 1;
            }
            end
        });
        if length == 0 {
            return &[];
        }
        core::slice::from_raw_parts(utf16, length)
    }
}

/// Returns the number of bytes of a UTF-16 string as WTF-8, without a NUL. `utf16_len` is the number of
/// units, or negative for a string that ends with a NUL.
///
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_utf16_length_as_wtf8>.
///
/// # Safety
/// `utf16` has that many units.
#[no_mangle]
pub unsafe extern "C" fn uv_utf16_length_as_wtf8(
    utf16: *const u16,
    utf16_len: libc::ssize_t,
) -> libc::size_t {
    // SAFETY: as documented.
    length_as_wtf8(unsafe { utf16_text(utf16, utf16_len) })
}

/// Converts a UTF-16 string to WTF-8 and adds a NUL. `utf16_len` is the number of units, or negative
/// for a string that ends with a NUL.
///
/// If `*wtf8_ptr` is NULL, it is set to new memory, which the caller must free. Otherwise it has room for
/// `*wtf8_len_ptr` bytes and one more, and the result is truncated to that. If `wtf8_ptr` is NULL, nothing
/// is converted. In all cases `*wtf8_len_ptr` becomes the number of bytes of the whole result, without the
/// NUL.
///
/// Returns 0; `UV_ENOBUFS` if the result was truncated; `UV_ENOMEM`; `UV_EINVAL` for a buffer without a
/// length. See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_utf16_to_wtf8>.
///
/// # Safety
/// `utf16` has that many units; the other pointers are NULL or as described.
#[no_mangle]
pub unsafe extern "C" fn uv_utf16_to_wtf8(
    utf16: *const u16,
    utf16_len: libc::ssize_t,
    wtf8_ptr: *mut *mut c_char,
    wtf8_len_ptr: *mut libc::size_t,
) -> c_int {
    let convert = || {
        // SAFETY: as documented; the buffer has `room` bytes and one more for the NUL.
        unsafe {
            let text = utf16_text(utf16, utf16_len);
            let length = length_as_wtf8(text);
            if let Some(pointer) = wtf8_ptr.as_mut() {
                let room = if pointer.is_null() {
                    *pointer = memory::malloc(length.saturating_add(1))?.as_ptr().cast();
                    length
                } else {
                    *wtf8_len_ptr.as_ref().ok_or(Error::EINVAL)?
                };
                let written = room.min(length);
                let out = pointer.cast::<MaybeUninit<u8>>();
                write_wtf8(text, core::slice::from_raw_parts_mut(out, written));
                pointer.add(written).write(0);
                set(wtf8_len_ptr, length);
                return if room < length { Err(Error::ENOBUFS) } else { Ok(()) };
            }
            set(wtf8_len_ptr, length);
        }
        Ok(())
    };
    convert().into_c()
}

/// # Safety
/// `pointer` is NULL or good for writing.
unsafe fn set(pointer: *mut usize, value: usize) {
    if !pointer.is_null() {
        // SAFETY: as documented.
        unsafe { pointer.write(value) };
    }
}

/// Returns the number of units of a WTF-8 string as UTF-16, with its NUL, or `UV_EINVAL` if it is not
/// WTF-8.
///
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_wtf8_length_as_utf16>.
///
/// # Safety
/// `wtf8` is a string.
#[no_mangle]
pub unsafe extern "C" fn uv_wtf8_length_as_utf16(wtf8: *const c_char) -> libc::ssize_t {
    // SAFETY: as documented.
    match length_as_utf16(unsafe { CStr::from_ptr(wtf8) }.to_bytes()) {
        Some(length) => length as libc::ssize_t + 1,
        None => Error::EINVAL.code() as libc::ssize_t,
    }
}

/// Converts a WTF-8 string to UTF-16 and adds a NUL. `utf16_len` is the result of
/// `uv_wtf8_length_as_utf16()`, which has checked the string.
///
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_wtf8_to_utf16>.
///
/// # Safety
/// `wtf8` is a string, and `utf16` has room for `utf16_len` units.
#[no_mangle]
pub unsafe extern "C" fn uv_wtf8_to_utf16(
    wtf8: *const c_char,
    utf16: *mut u16,
    utf16_len: libc::size_t,
) {
    if utf16_len == 0 {
        return;
    }
    // SAFETY: as documented.
    unsafe {
        let out = core::slice::from_raw_parts_mut(utf16.cast::<MaybeUninit<u16>>(), utf16_len);
        write_utf16(CStr::from_ptr(wtf8).to_bytes(), out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to_wtf8(utf16: &[u16]) -> Vec<u8> {
        let mut out = vec![MaybeUninit::new(0); length_as_wtf8(utf16)];
        write_wtf8(utf16, &mut out);
        // SAFETY: all of them were initialised.
        out.into_iter().map(|byte| unsafe { byte.assume_init() }).collect()
    }

    fn to_utf16(wtf8: &[u8], room: usize) -> Vec<u16> {
        let mut out = vec![MaybeUninit::new(0xaaaa); room];
        write_utf16(wtf8, &mut out);
        // SAFETY: all of them were initialised.
        out.into_iter().map(|unit| unsafe { unit.assume_init() }).collect()
    }

    #[test]
    fn agrees_with_utf8_and_utf16() {
        for c in
            ['a', '\u{7f}', '\u{80}', '\u{7ff}', '\u{800}', '\u{ffff}', '\u{10000}', '\u{10ffff}']
        {
            let utf16: Vec<u16> = c.encode_utf16(&mut [0; 2]).to_vec();
            let utf8 = c.to_string().into_bytes();
            assert_eq!(to_wtf8(&utf16), utf8);
            assert_eq!(length_as_utf16(&utf8), Some(utf16.len()));
            assert_eq!(to_utf16(&utf8, utf16.len() + 1), [&utf16[..], &[0]].concat());
        }
    }

    #[test]
    fn unpaired_surrogates_round_trip() {
        let utf16 = [0xdc00, 0xd800, 0xd800, 0x61, 0xdbff, 0xdfff, 0xd800];
        let wtf8 = to_wtf8(&utf16);
        assert_eq!(wtf8[..9], *b"\xed\xb0\x80\xed\xa0\x80\xed\xa0\x80");
        assert_eq!(length_as_utf16(&wtf8), Some(utf16.len()));
        assert_eq!(to_utf16(&wtf8, 8)[..7], utf16);
    }

    #[test]
    #[cfg_attr(miri, ignore = "takes minutes")]
    fn every_unit_round_trips() {
        for unit in 0..=u16::MAX {
            assert_eq!(to_utf16(&to_wtf8(&[unit]), 2), [unit, 0]);
        }
    }

    #[test]
    fn other_bytes_are_refused() {
        let texts: [&[u8]; 10] = [
            b"\x80",
            b"a\xff",
            b"\xc3",
            b"\xc0\x80",
            b"\xc1\xbf",
            b"\xe4\xb8",
            b"\xe4\xb8(",
            b"\xf0\x9f\x92",
            b"\xf4\x90\x80\x80",
            b"\xf5\x80\x80\x80",
        ];
        for text in texts {
            assert_eq!(length_as_utf16(text), None, "{text:?}");
        }
    }

    #[test]
    fn writing_stays_within_the_buffer() {
        assert_eq!(to_utf16(b"abc", 5), [0x61, 0x62, 0x63, 0, 0xaaaa]);
        assert_eq!(to_utf16(b"abc", 3), [0x61, 0x62, 0]);
        assert_eq!(to_utf16(b"abc", 0), []);
        assert_eq!(to_utf16(b"a\xffb", 4), [0x61, 0, 0xaaaa, 0xaaaa]);
        let mut out = [MaybeUninit::new(0); 2];
        write_wtf8(&[0x4e2d], &mut out);
        // SAFETY: all of them were initialised.
        assert_eq!(out.map(|byte| unsafe { byte.assume_init() }), [0xe4, 0xb8]);
    }
}
