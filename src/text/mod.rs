//! Pure functions over bytes: nothing here knows about a loop.

pub mod inet;
