//! `oxuv check`: starts a program on the library that reports misuse.

use crate::error::{Error, Result};
use std::process::ExitCode;

/// Start a program and report its misuse of the library
#[derive(clap::Args)]
pub struct Args {
    /// Go on after a report
    #[arg(long = "continue")]
    go_on: bool,
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    program: Vec<std::ffi::OsString>,
}

pub fn run(_args: Args) -> Result<ExitCode> {
    Err(Error::missing("check"))
}
