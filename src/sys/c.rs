//! The C library. The crate calls it by this name so that functions that Miri lacks can be replaced here.

pub use libc::*;
