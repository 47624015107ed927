//! `oxuv` shows what the event loops of a running program do, without changing or stopping the program.

mod check;
mod core;
mod describe;
mod descriptors;
mod elf;
mod error;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod generate;
mod html;
// The library uses all of it.
#[allow(dead_code)]
#[path = "../../../src/observe/layout.rs"]
mod layout;
mod library;
mod live;
mod metrics;
mod names;
mod output;
mod page;
mod perfetto;
mod process;
mod ps;
mod report;
mod ring;
mod run;
mod slow;
mod snapshot;
mod stack;
mod stats;
mod symbols;
mod target;
mod timeline;
mod top;
mod trace;
mod why;

use clap::{CommandFactory, Parser, Subcommand};
use std::process::ExitCode;

/// Shows what the event loops of a running program do.
#[derive(Parser)]
#[command(name = "oxuv", version, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(run::Args),
    Ps(ps::Args),
    Why(why::Args),
    Top(top::Args),
    Metrics(metrics::Args),
    Slow(slow::Args),
    Trace(trace::Args),
    Check(check::Args),
    #[command(hide = true)]
    Generate(generate::Args),
}

fn main() -> ExitCode {
    output::end_with_reader();
    let result = match Cli::parse().command {
        Command::Run(args) => run::run(args),
        Command::Ps(args) => ps::run(args),
        Command::Why(args) => why::run(args),
        Command::Top(args) => top::run(args),
        Command::Metrics(args) => metrics::run(args),
        Command::Slow(args) => slow::run(args),
        Command::Trace(args) => trace::run(args),
        Command::Check(args) => check::run(args),
        Command::Generate(args) => generate::run(args, Cli::command()),
    };
    match result {
        Ok(status) => status,
        Err(error) => {
            eprintln!("oxuv: {}", names::printable(&error.to_string()));
            error.status()
        }
    }
}
