//! Conversions of text: addresses, domain names, UTF-16. They are independent of loops.
#![deny(clippy::cast_possible_truncation, clippy::cast_sign_loss)]

pub mod idna;
pub mod inet;
pub mod wtf8;
