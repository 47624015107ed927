//! `oxuv top`: a live view of loops and pool.

use crate::error::{Error, Result};
use std::process::ExitCode;

/// Show loops and pool live
#[derive(clap::Args)]
pub struct Args {
    pid: Option<i32>,
    /// Print once and exit
    #[arg(long)]
    once: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn run(_args: Args) -> Result<ExitCode> {
    Err(Error::missing("top"))
}
