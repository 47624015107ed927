//! The C library. The crate calls it by this name so that functions that Miri lacks can be replaced here.

pub use libc::*;

// Miri's own functions serve other sockets and requests than the library's.
#[cfg(miri)]
pub use super::miri::{
    accept4, bind, close, connect, epoll_ctl, getpeername, getsockname, getsockopt, ioctl,
    pthread_attr_destroy, pthread_attr_init, pthread_attr_setstacksize, read, readv, setsockopt,
    shutdown, socket, statx, sysconf, write, writev,
};

/// musl has a function of this name only since version 1.2.4.
///
/// # Safety
/// As for the one of the C library.
#[cfg(all(target_env = "musl", not(miri)))]
pub unsafe fn statx(
    dir: c_int,
    path: *const c_char,
    flags: c_int,
    mask: c_uint,
    found: *mut libc::statx,
) -> c_int {
    // SAFETY: as documented.
    let result = unsafe { libc::syscall(libc::SYS_statx, dir, path, flags, mask, found) };
    c_int::try_from(result).unwrap_or(-1)
}
