//! `oxuv metrics`: figures as OpenMetrics text.

use crate::error::{Error, Result};
use std::process::ExitCode;

/// Print or serve figures as OpenMetrics text
#[derive(clap::Args)]
pub struct Args {
    pid: i32,
    /// Serve them over HTTP
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
}

pub fn run(_args: Args) -> Result<ExitCode> {
    Err(Error::missing("metrics"))
}
