//! oxuv: an event loop with libuv's C ABI.

pub mod abi;
