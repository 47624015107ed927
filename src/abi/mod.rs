//! The types of the C API: layouts, callbacks, constants, errors.
//!
//! The structs are pure layout, with libuv's sizes and field offsets, which `layout.rs` asserts. A module
//! that implements a handle or request overlays the C struct with its own (`ffi::Overlay`). build.rs
//! generates `include/uv.h` from these files, with the doc comments as its comments.

#![allow(non_camel_case_types)]

mod callbacks;
mod constants;
mod enums;
mod errno;
mod event_loop;
mod handles;
mod layout;
mod plain;
mod requests;
mod threadpool;
mod types;
mod unix;
mod version;

pub use callbacks::*;
pub use constants::*;
pub use enums::*;
pub use errno::*;
pub use event_loop::*;
pub use handles::*;
pub use plain::*;
pub use requests::*;
pub use threadpool::*;
pub use types::*;
pub use unix::*;
pub use version::*;
