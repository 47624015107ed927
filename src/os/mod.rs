//! Services of the system that need no loop.
//!
//! Threads and locks are the C library's own objects, at the C library's sizes, so that static
//! initialisers and debuggers work as usual. Their files call its `pthread_*` functions directly: a layer
//! in `sys/` would only repeat each of them.
#![deny(clippy::cast_possible_truncation, clippy::cast_sign_loss)]

mod cgroup;
mod clock;
mod cpu;
mod descriptor;
mod directories;
mod environment;
mod error;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod host;
mod interface;
mod library;
mod lock;
mod memory;
mod proc_text;
mod process;
mod pthread;
mod sync;
mod thread;
mod thread_local;
mod title;
mod user;

pub use descriptor::uv_guess_handle;
pub use title::shut_down;
