//! `oxuv run`: starts a program on this build of the library.

use crate::error::{Error, Result};
use std::process::ExitCode;

/// Start a program on this library
#[derive(clap::Args)]
pub struct Args {
    /// Record from the start, into memory of SIZE bytes (such as 4M) or into the file PATH
    #[arg(long, value_name = "SIZE|PATH", num_args = 0..=1, require_equals = true, default_missing_value = "4M")]
    record: Option<String>,
    /// Report misuse of the library
    #[arg(long)]
    check: bool,
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    program: Vec<std::ffi::OsString>,
}

pub fn run(_args: Args) -> Result<ExitCode> {
    Err(Error::missing("run"))
}
