//! Standard output.

use crate::error::{Context, Result};
use crate::names::printable;
use std::io::Write;

/// Prints text, some of which may be names that the other process has chosen.
pub fn print(text: &str) -> Result {
    let mut output = std::io::stdout().lock();
    let written = output.write_all(printable(text).as_bytes()).and_then(|()| output.flush());
    written.context("cannot write to standard output")
}

/// Lets SIGPIPE end this process, as it does other programs in a pipeline whose reader has seen enough. Rust ignores
/// it from the start.
pub fn end_with_reader() {
    // SAFETY: no handler is set.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
}
