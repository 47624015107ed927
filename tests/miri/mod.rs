//! Calls the library as a C program does, under Miri: `make miri`.

mod api;
mod timers;
