//! `oxuv ps`: lists the processes that run on oxuv.

use crate::error::{Error, Result};
use std::process::ExitCode;

/// List the processes that run on oxuv
#[derive(clap::Args)]
pub struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn run(_args: Args) -> Result<ExitCode> {
    Err(Error::missing("ps"))
}
