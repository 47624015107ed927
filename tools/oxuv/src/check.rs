//! `oxuv check`: starts a program on the library that reports misuse.

use crate::error::Result;
use crate::run::{start, Start};
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

pub fn run(args: Args) -> Result<ExitCode> {
    let check = if args.go_on { "continue" } else { "1" };
    start(&args.program, &Start { check: Some(check), ..Start::default() })
}
