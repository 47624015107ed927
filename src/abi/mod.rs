//! What C sees: layouts, callbacks, constants, errors.
//!
//! The structs are pure layout, at libuv's sizes and with libuv's field offsets, which
//! `layout.rs` asserts. Their private part is at the disposal of the modules that implement
//! the handle: those keep their own state in a struct of their own that overlays the C one.
//! The doc comments become the comments of `include/uv.h`, which build.rs makes from these
//! files.

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
