//! The page: asking the library for statistics and records, for a limited time.

use crate::error::{Error, Result};
use crate::layout::{active, Page, Request};
use crate::library::{number, Library};
use crate::process::{Memory, Process};
use std::mem::offset_of;

/// Asks for statistics until a moment, in nanoseconds of the process's CLOCK_MONOTONIC. Asking again extends
/// the time.
pub fn keep_statistics(process: &Process, library: &Library<'_>, until: u64) -> Result {
    write(process, library, offset_of!(Request, stats_until), until)?;
    switch_on(process, library, active::STATS_BYTE)
}

/// Asks for records until a moment, in rings of this many bytes. A process that records already keeps its rings, and
/// goes on for longer if somebody has asked for that.
pub fn record(process: &Process, library: &Library<'_>, until: u64, ring_size: u64) -> Result {
    let on = process.u32(number(library.description.active)).unwrap_or(0);
    if on & active::RECORD == 0 {
        write(process, library, offset_of!(Request, ring_size), ring_size)?;
        write(process, library, offset_of!(Request, record_until), until)?;
    } else if read(process, library, offset_of!(Request, record_until)) < until {
        write(process, library, offset_of!(Request, record_until), until)?;
    }
    switch_on(process, library, active::RECORD_BYTE)
}

/// Reads a number of the request in the page.
fn read(process: &Process, library: &Library<'_>, field: usize) -> u64 {
    let at =
        library.page().map(|page| page.wrapping_add((offset_of!(Page, request) + field) as u64));
    at.and_then(|at| process.u64(at).ok()).unwrap_or(0)
}

/// Writes a number to the request in the page.
fn write(process: &Process, library: &Library<'_>, field: usize, value: u64) -> Result {
    let page = library
        .page()
        .ok_or_else(|| Error::new(format!("no loop of process {} has run yet", process.pid)))?;
    let at = page.wrapping_add((offset_of!(Page, request) + field) as u64);
    process.write(at, &value.to_ne_bytes())
}

/// Writes 1 to a byte of the word that says what is on.
fn switch_on(process: &Process, library: &Library<'_>, byte: u32) -> Result {
    process.write(number(library.description.active).wrapping_add(u64::from(byte)), &[1])
}
