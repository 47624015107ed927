//! oxuv: an event-loop library with libuv's C ABI.
//!
//! An exported function `uv_*` is in the file of the thing that it acts on. It converts its pointers to
//! references once, calls a method, and returns the result as an `int`. The modules, from the lowest
//! layer up:
//!
//! - [`sync`]: the atomics of the lock-free parts.
//! - [`abi`]: the types of the C API: struct layouts, callback types, constants, the error table.
//!   `build.rs` generates `include/` from it and from the documentation of the functions.
//! - [`memory`]: allocation through the functions of `uv_replace_allocator`.
//! - [`sys`]: the only place that makes system calls.
//! - [`observe`]: looking into the library from outside of the process.
//! - [`check`]: reports of misuse, with the cargo feature `check`; empty functions without it.
//! - [`ffi`]: the C boundary: overlays on C's structs, calls of user callbacks, results in C memory.
//! - [`list`], [`stack`]: intrusive lists, and a lock-free stack of the same links.
//! - [`loops`]: the list of all loops.
//! - [`spin`]: adaptive spinning before a thread blocks.
//! - [`text`]: addresses, WTF-8, IDNA: functions over bytes.
//! - [`os`]: services without a loop: threads and locks, clocks, environment, host and process
//!   information.
//! - [`poller`]: readiness of descriptors, through mio's selector; the loop's io_uring.
//! - [`mailbox`]: messages from other threads and signal handlers to a loop.
//! - [`pool`]: the thread pool.
//! - [`signal`]: the process-wide registry of signals.
//! - [`identity`]: the version, and `OXUV_VERBOSE`.
//! - [`fork`], [`shutdown`]: fork and exit handling of process-wide state.
//! - [`event_loop`]: `uv_loop_t`: one iteration (`Loop::run`), the C functions of a loop, the timers.
//! - [`handles`]: one file or folder for each handle type; `handles/stream/` reads and writes.
//! - [`requests`]: operations that end with a callback: files (`requests/fs/`), work, name look-ups.
//! - [`describe`]: the description of the structs above, for readers outside of the process.
//! - `fuzzing`: what the targets in `fuzz/` call; not part of a build.
//! - [`unwind`]: the unwinder functions that std refers to; no module imports it.
//!
//! ARCHITECTURE.md has the rules that make it sound; `SAFETY` comments refer to them.

pub mod abi;
mod check;
mod describe;
mod event_loop;
mod ffi;
mod fork;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod handles;
mod identity;
mod list;
mod loops;
mod mailbox;
mod memory;
mod observe;
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
