//! `oxuv generate`: the manual pages and the completions of shells, for packages.

use crate::error::{Context, Result};
use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Write the manual pages and the completions of shells
#[derive(clap::Args)]
pub struct Args {
    /// The directory to write to, as for /usr/share
    directory: PathBuf,
}

/// The sections of the manual page that the arguments do not tell, in roff.
const SECTIONS: &str = r#".SH EXAMPLES
.TP
.B oxuv run \-\- node server.js
Start a program on this library.
.TP
.B oxuv why 4711
Show what each loop of the process does now, and what keeps it alive.
.TP
.B oxuv slow 4711 \-\-over 50ms
Show each callback that runs longer, with its stack.
.TP
.B oxuv trace 4711 \-\-seconds 5 \-o trace.html
Write a page with what the loops do in five seconds.
.TP
.B oxuv check \-\- ./program
Report misuse of the library.
.TP
.B oxuv run \-\-shuffle 7 \-\- ./program
Draw the order of callbacks from a seed, to find races between them.
.SH "EXIT STATUS"
.TP
.B 0
The command was carried out.
.TP
.B 1
It cannot be: a sentence on standard error says why. Also what \fBoxuv run\fR cannot start.
.TP
.B 2
The arguments are wrong, or the process runs on another version of the library.
.SH ENVIRONMENT
.TP
.B OXUV_LIBRARY
The library that \fBoxuv run\fR and \fBoxuv check\fR use.
.SH FILES
.TP
.I /tmp/perf\-PID.map
Names of functions that were compiled at run time.
.SH "SEE ALSO"
.BR gdb (1),
.BR perf (1),
.BR strace (1)
"#;

pub fn run(args: Args, command: Command) -> Result<ExitCode> {
    write(&args.directory, command)
        .context(format!("cannot write to {}", args.directory.display()))?;
    Ok(ExitCode::SUCCESS)
}

fn write(directory: &Path, mut command: Command) -> io::Result<()> {
    let manual = directory.join("man/man1");
    fs::create_dir_all(&manual)?;
    command.build();
    // `oxuv-why.1` and so on.
    for part in command.get_subcommands().filter(|part| !part.is_hide_set()) {
        let name = part.get_display_name().unwrap_or(part.get_name()).to_owned();
        let file = fs::File::create(manual.join(format!("{name}.1")))?;
        Man::new(part.clone()).title(name).render(&mut io::BufWriter::new(file))?;
    }
    let mut page = fs::File::create(manual.join("oxuv.1"))?;
    Man::new(command.clone()).render(&mut page)?;
    page.write_all(SECTIONS.as_bytes())?;
    for (shell, place) in [
        (Shell::Bash, "bash-completion/completions/oxuv"),
        (Shell::Zsh, "zsh/vendor-completions/_oxuv"),
        (Shell::Fish, "fish/vendor_completions.d/oxuv.fish"),
    ] {
        let file = directory.join(place);
        fs::create_dir_all(file.parent().unwrap_or(directory))?;
        clap_complete::generate(shell, &mut command, "oxuv", &mut fs::File::create(file)?);
    }
    Ok(())
}
