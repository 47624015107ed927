//! The only place that makes a system call: thin functions that return [`Result`](crate::abi::Result).

pub mod c;
pub mod datagram;
pub mod directory;
pub mod environment;
pub mod fd;
pub mod fs;
pub mod host;
pub mod inotify;
pub mod interface;
pub mod library;
pub mod process;
pub mod random;
pub mod resolver;
pub mod signal;
pub mod socket;
pub mod spawn;
pub mod thread;
pub mod time;
pub mod tty;
pub mod unix_socket;
pub mod user;

/// Calls a libc function that answers -1 on failure, and turns errno into an `Error`.
macro_rules! syscall {
    ($name:ident ( $($argument:expr),* $(,)? )) => {{
        // SAFETY: the wrapper that names the call passes live pointers of the right types; the
        // kernel checks everything else.
        let result = unsafe { crate::sys::c::$name($($argument),*) };
        if result == -1 { Err(crate::abi::Error::last()) } else { Ok(result) }
    }};
}
pub(crate) use syscall;

/// Repeats a call for as long as a signal handler interrupts it.
pub fn retry<T>(mut call: impl FnMut() -> crate::abi::Result<T>) -> crate::abi::Result<T> {
    loop {
        match call() {
            Err(crate::abi::Error::EINTR) => {}
            other => return other,
        }
    }
}

pub fn errno() -> i32 {
    // SAFETY: errno's address is valid for the calling thread.
    unsafe { *c::__errno_location() }
}

pub fn set_errno(value: i32) {
    // SAFETY: errno's address is valid for the calling thread.
    unsafe { *c::__errno_location() = value }
}
