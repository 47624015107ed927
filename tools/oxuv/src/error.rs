//! Errors: one sentence for the user, and an exit status.

use std::fmt;
use std::process::ExitCode;

/// Why a command cannot do what it was asked.
#[derive(Debug)]
pub struct Error {
    message: String,
    status: u8,
}

pub type Result<T = ()> = std::result::Result<T, Error>;

impl Error {
    /// Something cannot be done. Exit status 1.
    pub fn new(message: impl Into<String>) -> Error {
        Error { message: message.into(), status: 1 }
    }

    /// The arguments are wrong, or the library has another version. Exit status 2.
    pub fn usage(message: impl Into<String>) -> Error {
        Error { message: message.into(), status: 2 }
    }

    pub fn status(&self) -> ExitCode {
        ExitCode::from(self.status)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Adds what was being done to an error of the system.
pub trait Context<T> {
    fn context(self, doing: impl fmt::Display) -> Result<T>;
}

impl<T, E: fmt::Display> Context<T> for std::result::Result<T, E> {
    fn context(self, doing: impl fmt::Display) -> Result<T> {
        self.map_err(|error| Error::new(format!("{doing}: {error}")))
    }
}
