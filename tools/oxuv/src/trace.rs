//! `oxuv trace`: writes a trace of what the loops do.

use crate::error::{Error, Result};
use std::process::ExitCode;

/// Write a trace for Perfetto, or a page
#[derive(clap::Args)]
pub struct Args {
    /// A process, or the file of a recorder
    source: String,
    /// How long to record
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Write what the running recorder holds
    #[arg(long)]
    last: bool,
    /// The file to write: .pftrace or .html
    #[arg(short, long, value_name = "FILE")]
    output: std::path::PathBuf,
}

pub fn run(_args: Args) -> Result<ExitCode> {
    Err(Error::missing("trace"))
}
