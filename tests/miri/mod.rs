//! Calls the library as a C program does, under Miri: `make miri`.
//!
//! Handles and requests are in uninitialised memory of their own, which is freed or used again in
//! their last callback. So Miri sees reads of uninitialised memory, references that outlive the memory,
//! and pointers that the aliasing model of ARCHITECTURE.md does not allow. `src/sys/miri.rs` lists the
//! calls that are replaced and those that cannot run here.
#![allow(unsafe_op_in_unsafe_fn)]

mod api;
mod files;
mod handles;
mod signals;
mod streams;
mod threads;
