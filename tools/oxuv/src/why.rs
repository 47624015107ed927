//! `oxuv why`: what keeps each loop alive, and what it does now.

use crate::error::{Error, Result};
use std::process::ExitCode;

/// Show what each loop does now and what keeps it alive
#[derive(clap::Args)]
pub struct Args {
    #[arg(required_unless_present = "core")]
    pid: Option<i32>,
    /// Read a core file instead of a process
    #[arg(long, value_name = "FILE", conflicts_with = "pid")]
    core: Option<std::path::PathBuf>,
    /// The program that the core file is of
    #[arg(long, value_name = "PROGRAM", requires = "core")]
    exe: Option<std::path::PathBuf>,
    /// Show unreferenced and inactive handles too
    #[arg(long)]
    all: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn run(_args: Args) -> Result<ExitCode> {
    Err(Error::missing("why"))
}
