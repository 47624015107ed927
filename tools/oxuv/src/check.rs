//! `oxuv check`: starts a program on the library that reports misuse.

use crate::error::Result;
use crate::run::{start, Start};
use std::process::ExitCode;

/// Start a program and report its misuse of the library; the exit status is 67 after a report
#[derive(clap::Args)]
pub struct Args {
    /// Go on after a report
    #[arg(long = "continue")]
    go_on: bool,
    /// Abort at the first report, for a core file
    #[arg(long, conflicts_with = "go_on")]
    abort: bool,
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    program: Vec<std::ffi::OsString>,
}

pub fn run(args: Args) -> Result<ExitCode> {
    let check = match (args.go_on, args.abort) {
        (true, _) => "continue",
        (_, true) => "abort",
        _ => "1",
    };
    start(&args.program, &Start { check: Some(check), ..Start::default() })
}
