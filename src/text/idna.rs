//! Internationalised domain names: conversion of UTF-8 to the ASCII form that DNS uses.
//!
//! Each label that is not ASCII becomes `xn--` and its Punycode (RFC 3492). As in libuv, letters are
//! neither mapped to lower case nor normalised.

use crate::abi::{Error, Result};
use core::ffi::CStr;

// The parameters that RFC 3492, section 5, sets for domain names.
const BASE: u32 = 36;
const T_MIN: u32 = 1;
const T_MAX: u32 = 26;
const SKEW: u32 = 38;
const DAMP: u32 = 700;
const INITIAL_BIAS: u32 = 72;
const INITIAL_N: u32 = 128;

/// Returns whether a character ends a label: the dot, and those of East Asian keyboards.
fn is_dot(c: char) -> bool {
    matches!(c, '.' | '\u{3002}' | '\u{ff0e}' | '\u{ff61}')
}

/// A buffer of a fixed size.
struct Output<'a> {
    bytes: &'a mut [u8],
    length: usize,
}

impl Output<'_> {
    fn push(&mut self, byte: u8) -> Result {
        *self.bytes.get_mut(self.length).ok_or(Error::EINVAL)? = byte;
        self.length += 1;
        Ok(())
    }

    fn room(&self) -> usize {
        self.bytes.len() - self.length
    }
}

/// Converts a host name to ASCII, with a NUL at the end. An ASCII name stays the same.
///
/// Returns `EINVAL` if the name is empty or is not UTF-8, or if the result does not fit into `out`.
pub fn to_ascii<'a>(name: &[u8], out: &'a mut [u8]) -> Result<&'a CStr> {
    let name = core::str::from_utf8(name).map_err(|_| Error::EINVAL)?;
    if name.is_empty() {
        return Err(Error::EINVAL);
    }
    let mut output = Output { bytes: out, length: 0 };
    let mut labels = name.split(is_dot);
    if let Some(first) = labels.next() {
        add_label(first, &mut output)?;
    }
    for label in labels {
        output.push(b'.')?;
        add_label(label, &mut output)?;
    }
    output.push(0)?;
    CStr::from_bytes_until_nul(out).map_err(|_| Error::EINVAL)
}

fn add_label(label: &str, output: &mut Output<'_>) -> Result {
    if label.is_ascii() {
        return label.bytes().try_for_each(|byte| output.push(byte));
    }
    b"xn--".iter().try_for_each(|&byte| output.push(byte))?;
    add_punycode(label, output)
}

/// The encoding procedure of RFC 3492, section 6.3.
fn add_punycode(label: &str, output: &mut Output<'_>) -> Result {
    // Every character takes at least one byte. This also limits the numbers below: no sum or product of
    // a code point and a number of characters overflows.
    if label.chars().take(output.room() + 1).count() > output.room() {
        return Err(Error::EINVAL);
    }
    let mut handled = 0;
    for c in label.bytes().filter(u8::is_ascii) {
        output.push(c)?;
        handled += 1;
    }
    let basic = handled;
    if basic > 0 {
        output.push(b'-')?;
    }

    let (mut n, mut delta, mut bias) = (INITIAL_N, 0u32, INITIAL_BIAS);
    // Characters are encoded in the order of their code points.
    while let Some(next) = label.chars().map(u32::from).filter(|&c| c >= n).min() {
        let step = (next - n).checked_mul(handled + 1);
        delta = step.and_then(|step| delta.checked_add(step)).ok_or(Error::EINVAL)?;
        n = next;
        for c in label.chars().map(u32::from) {
            if c < n {
                delta += 1;
            } else if c == n {
                add_number(delta, bias, output)?;
                bias = adapt(delta, handled + 1, handled == basic);
                delta = 0;
                handled += 1;
            }
        }
        delta += 1;
        n += 1;
    }
    Ok(())
}

/// Writes a number whose digits have weights that depend on `bias`.
fn add_number(mut number: u32, bias: u32, output: &mut Output<'_>) -> Result {
    let mut k = BASE;
    loop {
        let threshold = k.saturating_sub(bias).clamp(T_MIN, T_MAX);
        if number < threshold {
            return output.push(digit(number));
        }
        let rest = number - threshold;
        output.push(digit(threshold + rest % (BASE - threshold)))?;
        number = rest / (BASE - threshold);
        k += BASE;
    }
}

fn digit(value: u32) -> u8 {
    b"abcdefghijklmnopqrstuvwxyz0123456789"[value as usize]
}

/// Returns the bias for the next number, an estimate of its size: RFC 3492, section 6.1.
fn adapt(delta: u32, handled: u32, is_first: bool) -> u32 {
    let mut delta = delta / if is_first { DAMP } else { 2 };
    delta += delta / handled;
    let mut k = 0;
    while delta > (BASE - T_MIN) * T_MAX / 2 {
        delta /= BASE - T_MIN;
        k += BASE;
    }
    k + (BASE - T_MIN + 1) * delta / (delta + SKEW)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ascii(name: &[u8]) -> Result<String> {
        let mut out = [0; 256];
        to_ascii(name, &mut out).map(|text| text.to_string_lossy().into_owned())
    }

    fn check(name: &str, expected: &str) {
        assert_eq!(ascii(name.as_bytes()).as_deref(), Ok(expected));
        assert_eq!(ascii(expected.as_bytes()).as_deref(), Ok(expected), "a second time");
    }

    #[test]
    fn ascii_stays() {
        for name in ["localhost", "a.b.", ".", "..", ".com", "xn--p1ai", "MiXeD-Case", "-> 1 <-"] {
            check(name, name);
        }
    }

    #[test]
    fn names() {
        check("bücher.example", "xn--bcher-kva.example");
        check("ÿ", "xn--wda");
        check(".ö.ö.", ".xn--nda.xn--nda.");
        check("faß.de", "xn--fa-hia.de");
        check("例え.テスト", "xn--r8jz45g.xn--zckzah");
        check("президент.рф", "xn--d1abbgf6aiiy.xn--p1ai");
        check("☃-⌘.com", "xn----dqo34k.com");
        check("💩.la", "xn--ls8h.la");
    }

    /// Section 7.1 of RFC 3492, with letters in upper case where the label has them.
    #[test]
    fn samples_of_the_rfc() {
        check("他们为什么不说中文", "xn--ihqwcrb4cv8a8dqg056pqjye");
        check("Pročprostěnemluvíčesky", "xn--Proprostnemluvesky-uyb24dma41a");
        check("3年B組金八先生", "xn--3B-ww4c5e180e575a65lsy2b");
        check("MajiでKoiする5秒前", "xn--MajiKoi5-783gue6qz075azm5e");
        check("そのスピードで", "xn--d9juau41awczczp");
    }

    #[test]
    fn dots_of_all_kinds() {
        check("a。b．c｡d.e", "a.b.c.d.e");
        check("ü。", "xn--tda.");
    }

    #[test]
    fn bad_names() {
        let names: [&[u8]; 7] = [
            b"",
            b"\xff",
            b"a\xc3",
            b"\xc0\x80.com",
            b"\xed\xa0\x80",
            b"\xf4\x90\x80\x80",
            b"\xe4\xb8.com",
        ];
        for name in names {
            assert_eq!(ascii(name), Err(Error::EINVAL), "{name:?}");
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "takes minutes")]
    fn names_that_do_not_fit_are_refused() {
        assert!(ascii(&[b'a'; 255]).is_ok());
        assert_eq!(ascii(&[b'a'; 256]), Err(Error::EINVAL));
        assert_eq!(ascii("ü".repeat(100_000).as_bytes()), Err(Error::EINVAL));
        // For every size of the buffer: the whole name or an error.
        let name = "büch。er.日本".as_bytes();
        let whole = ascii(name).unwrap_or_default();
        for size in 0..40 {
            let mut out = vec![b'#'; size];
            let result = to_ascii(name, &mut out).map(|text| text.to_bytes().to_vec());
            if size > whole.len() {
                assert_eq!(result, Ok(whole.clone().into_bytes()));
            } else {
                assert_eq!(result, Err(Error::EINVAL));
            }
        }
    }
}
