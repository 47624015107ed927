//! Calls the library as a C program does, under Miri: `make miri`.
//!
//! Handles and requests are in uninitialised memory of their own, which is freed or used again in
//! their last callback. So Miri sees reads of what was never written, references that outlive the
//! memory, and pointers that the aliasing model of ARCHITECTURE.md does not allow. Which calls are
//! replaced, and so what cannot run here, is in `src/sys/miri.rs`.
#![allow(unsafe_op_in_unsafe_fn)]

mod api;
mod files;
mod handles;
mod signals;
mod streams;
mod threads;
