//! oxuv: an event-loop library with libuv's C ABI.
//!
//! A C program calls the functions named `uv_*`. Each stands in the file of the thing that it acts
//! on; it turns its pointers into references once, calls a method, and turns the result into an
//! `int`. So a newcomer finds:
//!
//! - [`abi`]: what C sees. Struct layouts, callback types, constants, the error table. `build.rs`
//!   makes `include/uv.h` from it and from the functions' documentation.
//! - [`event_loop`]: `uv_loop_t`, the phases of a tick in `Loop::run`, the order of
//!   the timers, the intrusive lists that everything is queued in.
//! - [`poller`]: which descriptors are ready. mio's selector, edge-triggered.
//! - [`pool`]: the thread pool, for what would block.
//! - [`handles`]: one file for each type of handle; `handles/stream/` for what is read and written.
//! - [`requests`]: operations that end with a callback: files in `requests/fs/`, work, cancelling.
//! - [`os`]: services that need no loop: threads and locks, the environment, what the host is like.
//! - [`text`]: addresses as text; pure functions over bytes.
//! - [`sys`]: the only place that makes system calls.
//! - [`memory`]: allocation through the functions that the user may replace.
//! - [`sync`]: what the lock-free parts are made of.
//! - [`fork`] and [`shutdown`]: what a fork and the end of the process mean to shared parts.
//! - [`unwind`]: what std asks an unwinder for, answered without one.
//!
//! The rules that make it sound are in ARCHITECTURE.md; the `SAFETY` comments refer to them.

pub mod abi;
mod event_loop;
mod ffi;
mod fork;
mod handles;
mod list;
mod mailbox;
mod memory;
mod os;
mod poller;
mod pool;
mod requests;
mod shutdown;
mod signal;
mod spin;
mod stack;
mod sync;
mod sys;
mod text;
mod unwind;

#[cfg(all(test, miri))]
#[path = "../tests/miri/mod.rs"]
mod miri;
