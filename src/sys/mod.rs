//! System calls and other functions of the C library, as thin functions that return
//! [`Result`](crate::abi::Result). Nothing outside this module makes a system call.
#![deny(clippy::cast_possible_truncation, clippy::cast_sign_loss)]

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
pub mod mapping;
#[cfg(miri)]
mod miri;
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

pub use crate::abi::{errno, set_errno};
use crate::abi::{Error, Result};
use core::ffi::c_int;
use core::mem::{size_of, MaybeUninit};

/// Returns the result of a C function, or the error in errno when the result is -1.
fn cvt<T: PartialEq + From<i8>>(result: T) -> Result<T> {
    if result == T::from(-1) {
        Err(Error::last())
    } else {
        Ok(result)
    }
}

/// Returns the count that a C function returned, or the error in errno when it is negative.
fn count<T>(result: T) -> Result<usize>
where
    usize: TryFrom<T>,
{
    usize::try_from(result).map_err(|_| Error::last())
}

/// Converts a length to the type of a field, which differs between C libraries. The callers' lengths fit
/// all of them.
fn field<T: TryFrom<usize> + Default>(length: usize) -> T {
    T::try_from(length).unwrap_or_default()
}

/// Converts such a field to a length; a negative one, which the kernel does not write, to 0.
fn length<T>(field: T) -> usize
where
    usize: TryFrom<T>,
{
    usize::try_from(field).unwrap_or_default()
}

/// Returns the error that a C function returned instead of setting errno.
pub fn check(errno: c_int) -> Result {
    match errno {
        0 => Ok(()),
        errno => Err(Error::from_errno(errno)),
    }
}

/// Repeats a call while signal handlers interrupt it.
pub fn retry<T>(mut call: impl FnMut() -> Result<T>) -> Result<T> {
    loop {
        match call() {
            Err(Error::EINTR) => {}
            other => return other,
        }
    }
}

/// Returns the value that a C function stores through its pointer argument.
///
/// # Safety
/// `call` passes its argument to a C function which initialises the value when it does not return -1.
unsafe fn output<T>(mut call: impl FnMut(*mut T) -> c_int) -> Result<T> {
    let mut value = MaybeUninit::uninit();
    retry(|| cvt(call(value.as_mut_ptr())))?;
    // SAFETY: the call succeeded.
    Ok(unsafe { value.assume_init() })
}

/// Returns the size of a `T` in the type that the socket functions take.
#[expect(clippy::cast_possible_truncation, reason = "asserted")]
const fn socklen<T>() -> c::socklen_t {
    const { assert!(size_of::<T>() <= c::socklen_t::MAX as usize) };
    size_of::<T>() as c::socklen_t
}

/// Returns an address family in the type that an address holds it in.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "asserted")]
pub const fn sa_family(family: c_int) -> c::sa_family_t {
    assert!(0 <= family && family <= c::sa_family_t::MAX as c_int);
    family as c::sa_family_t
}

/// Defines functions that call the C functions of the same names, again when a signal handler
/// interrupts them. It is for C functions which take integers and strings and write no memory.
macro_rules! safe_calls {
    ($($(#[$attribute:meta])* fn $name:ident($($argument:ident: $type:ty),*);)*) => {$(
        $(#[$attribute])*
        pub fn $name($($argument: $type),*) -> crate::abi::Result {
            // SAFETY: an argument is an integer, whose value the function checks, or a `Path`, which
            // is NULL or a string, and which the function reads before it returns.
            super::retry(|| super::cvt(unsafe { super::c::$name($($argument.into()),*) })).map(drop)
        }
    )*};
}
use safe_calls;
