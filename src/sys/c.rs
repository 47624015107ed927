//! The C library, as this crate calls it: under another name than `libc`, so that functions which a
//! checker lacks can be replaced here.

pub use libc::*;
