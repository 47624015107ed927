//! Conversions of text: addresses, domain names, UTF-16. They are independent of loops.

pub mod idna;
pub mod inet;
pub mod wtf8;
