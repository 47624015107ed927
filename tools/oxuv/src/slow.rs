//! `oxuv slow`: callbacks that run for long, with their stacks.

use crate::error::{Error, Result};
use std::process::ExitCode;

/// Show callbacks that run longer than a limit
#[derive(clap::Args)]
pub struct Args {
    pid: i32,
    /// The limit, such as 50ms
    #[arg(long, default_value = "50ms")]
    over: String,
    /// Do not stop threads to read their stacks
    #[arg(long)]
    nonblocking: bool,
}

pub fn run(_args: Args) -> Result<ExitCode> {
    Err(Error::missing("slow"))
}
