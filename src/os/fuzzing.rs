//! What the fuzz targets call in the parsers of this module.

use super::{cgroup, cpu, host, process};

/// Parses a text as each of the files below `/proc` and `/sys` that are read.
pub fn parse_all(text: &[u8]) {
    cgroup::parse_all(text);
    cpu::parse_all(text);
    host::parse_averages(text);
    process::parse_resident_pages(text);
}
