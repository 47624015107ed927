//! Pure functions over bytes: nothing here knows about a loop.

pub mod idna;
pub mod inet;
pub mod wtf8;
