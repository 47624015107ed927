//! Errors: numbers, names and messages, from one table.
//!
//! In C an error is a negative `int`: a negated errno, or a code of libuv's own (`UV_EOF`,
//! `UV_EAI_NONAME` …). In the library it is an [`Error`], which is never zero or positive.

use core::ffi::{c_int, CStr};
use core::fmt;
use core::num::NonZero;
use std::io;

/// A libuv error code. Always negative.
#[derive(Copy, Clone, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Error(NonZero<c_int>);

/// Returns the calling thread's errno.
pub fn errno() -> c_int {
    // SAFETY: errno's address is valid for the calling thread.
    unsafe { *libc::__errno_location() }
}

pub fn set_errno(value: c_int) {
    // SAFETY: errno's address is valid for the calling thread.
    unsafe { *libc::__errno_location() = value }
}

/// The result of the library's own functions.
pub type Result<T = ()> = core::result::Result<T, Error>;

/// A row of the error table.
struct Row {
    error: Error,
    name: &'static CStr,
    message: &'static CStr,
}

macro_rules! errno_table {
    ($($name:ident = $code:expr, $message:literal;)*) => {
        #[allow(missing_docs)]
        impl Error {
            $(#[doc = $message] pub const $name: Error = Error::from_code($code);)*
        }

        static TABLE: &[Row] = &[$(Row {
            error: Error::$name,
            name: c_str(concat!(stringify!($name), "\0")),
            message: c_str(concat!($message, "\0")),
        }),*];
    };
}

include!("errno_table.rs");

pub(super) const fn c_str(text: &'static str) -> &'static CStr {
    match CStr::from_bytes_with_nul(text.as_bytes()) {
        Ok(text) => text,
        Err(_) => panic!("a table entry contains a NUL"),
    }
}

impl Error {
    /// Converts a constant. A code that is not negative does not compile.
    const fn from_code(code: c_int) -> Error {
        assert!(code < 0, "an error code is negative");
        match NonZero::new(code) {
            Some(code) => Error(code),
            None => unreachable!(),
        }
    }

    /// Returns the error for an errno value, negated or not. Zero becomes [`Error::UNKNOWN`].
    pub const fn from_errno(errno: c_int) -> Error {
        let code = if errno > 0 { -errno } else { errno };
        match NonZero::new(code) {
            Some(code) => Error(code),
            None => Error::UNKNOWN,
        }
    }

    /// Returns the error for a stored code, or `None` for 0 and for a count.
    pub const fn from_code_or_none(code: c_int) -> Option<Error> {
        match NonZero::new(code) {
            Some(code) if code.is_negative() => Some(Error(code)),
            _ => None,
        }
    }

    /// Returns the error for the calling thread's errno.
    // One function: the code for it is in hundreds of places.
    #[cold]
    #[inline(never)]
    pub fn last() -> Error {
        Error::from_errno(errno())
    }

    /// Returns the value for C.
    pub const fn code(self) -> c_int {
        self.0.get()
    }

    /// Returns the errno value, for `io::Error` and `strerror`.
    pub const fn errno(self) -> c_int {
        self.code().saturating_neg()
    }

    fn row(self) -> Option<&'static Row> {
        TABLE.iter().find(|row| row.error == self)
    }

    /// Returns a name such as `"EINVAL"`, or `None` for a code that is not in the table.
    pub fn name(self) -> Option<&'static CStr> {
        self.row().map(|row| row.name)
    }

    /// Returns a message such as `"invalid argument"`, or `None` for a code that is not in the table.
    pub fn message(self) -> Option<&'static CStr> {
        self.row().map(|row| row.message)
    }
}

impl From<io::Error> for Error {
    /// Converts an error without an errno, which std returns for some bad arguments, by its kind.
    fn from(error: io::Error) -> Error {
        if let Some(errno) = error.raw_os_error() {
            return Error::from_errno(errno);
        }
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Error::EOF,
            io::ErrorKind::OutOfMemory => Error::ENOMEM,
            io::ErrorKind::InvalidInput => Error::EINVAL,
            _ => Error::UNKNOWN,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.message() {
            Some(message) => f.write_str(&message.to_string_lossy()),
            None => write!(f, "Unknown system error {}", self.code()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(&name.to_string_lossy()),
            None => write!(f, "Error({})", self.code()),
        }
    }
}

impl std::error::Error for Error {}

/// Conversion to C's return value: zero or a count, or the negative code of an error.
pub trait IntoC {
    /// Converts to the C return value.
    fn into_c(self) -> c_int;
}

impl IntoC for Result<()> {
    fn into_c(self) -> c_int {
        match self {
            Ok(()) => 0,
            Err(error) => error.code(),
        }
    }
}

impl IntoC for Result<c_int> {
    fn into_c(self) -> c_int {
        self.unwrap_or_else(Error::code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_negative_and_above_the_limit() {
        for (i, row) in TABLE.iter().enumerate() {
            let code = row.error.code();
            assert!((-4095..0).contains(&code), "{:?} is {code}", row.error);
            assert!(TABLE[..i].iter().all(|other| other.error != row.error), "{:?}", row.error);
        }
    }

    #[test]
    fn errno_becomes_an_error_and_zero_never_does() {
        assert_eq!(Error::from_errno(libc::ENOENT), Error::ENOENT);
        assert_eq!(Error::from_errno(-libc::ENOENT), Error::ENOENT);
        assert_eq!(Error::from_errno(0), Error::UNKNOWN);
        assert_eq!(Error::from(io::Error::from_raw_os_error(libc::EBADF)), Error::EBADF);
        assert_eq!(format!("{:?}: {}", Error::EOF, Error::EOF), "EOF: end of file");
        assert_eq!(Error::from_errno(9999).to_string(), "Unknown system error -9999");
    }

    #[test]
    fn results_become_ints() {
        assert_eq!(Ok(()).into_c(), 0);
        assert_eq!(Ok(7).into_c(), 7);
        assert_eq!(Result::<()>::Err(Error::EBUSY).into_c(), -libc::EBUSY);
        assert_eq!(size_of::<Result<()>>(), size_of::<c_int>());
    }
}
