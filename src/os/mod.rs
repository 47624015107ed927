//! Services of the system that need no loop.
//!
//! Threads and what they share are the C library's own objects, at the C library's sizes, so that
//! static initialisers and a debugger's knowledge of them keep working. The files about them call
//! its `pthread_*` functions directly: a layer in `sys/` would only say each of them again.

mod cgroup;
mod clock;
mod cpu;
mod descriptor;
mod directories;
mod environment;
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
