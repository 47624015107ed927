//! Parsing of the text files below `/proc` and `/sys`.

use crate::abi::{Error, Result};
use core::str::FromStr;

/// Parses the first of the fields that whitespace separates.
#[inline(never)]
pub fn number(text: &[u8]) -> Option<u64> {
    numbers(text).next()?
}

/// Parses each of the fields that whitespace separates.
pub fn numbers<T: FromStr>(text: &[u8]) -> impl Iterator<Item = Option<T>> + '_ {
    text.split(u8::is_ascii_whitespace).filter(|part| !part.is_empty()).map(|part| parse(part))
}

#[inline(never)]
fn parse<T: FromStr>(part: &[u8]) -> Option<T> {
    core::str::from_utf8(part).ok()?.parse().ok()
}

/// Digits with a decimal point. Files below `/proc` have no other forms, and std's parser of floats is
/// 15 KB.
pub struct Decimal(pub f64);

impl FromStr for Decimal {
    type Err = Error;

    fn from_str(text: &str) -> Result<Decimal> {
        let parse = || {
            let (whole, fraction) = text.split_once('.')?;
            let scale = 10u64.checked_pow(u32::try_from(fraction.len()).ok()?)?;
            let digits = whole.parse::<u64>().ok()?.checked_mul(scale)?;
            Some(digits.checked_add(fraction.parse().ok()?)? as f64 / scale as f64)
        };
        parse().map(Decimal).ok_or(Error::EINVAL)
    }
}

/// Returns the text after `key` on the line that starts with it.
pub fn field<'a>(text: &'a [u8], key: &str) -> Option<&'a [u8]> {
    text.split(|&byte| byte == b'\n').find_map(|line| line.strip_prefix(key.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_fields() {
        let text = b"MemTotal:  12 kB\nMemFree: 3 kB\n";
        assert_eq!(field(text, "MemFree:").and_then(number), Some(3));
        assert_eq!(field(text, "Mem"), Some(&b"Total:  12 kB"[..]));
        assert_eq!(field(text, "kB"), None);
        let decimals =
            numbers::<Decimal>(b" 0.05 61093.11 7 1.x .\n").map(|number| Some(number?.0));
        assert!(decimals.eq([Some(0.05), Some(61093.11), None, None, None]));
        assert_eq!(number(b"-1"), None);
        assert_eq!(number(b" \n"), None);
        assert!(numbers::<u8>(b"1 2  x 300\n").eq([Some(1), Some(2), None, None]));
    }
}
