//! What the lock-free structures are made of. `tests/loom.rs` includes their files beside a module
//! of this name that has loom's types instead, which try every interleaving.

pub use core::sync::atomic;
pub use std::thread::yield_now;
