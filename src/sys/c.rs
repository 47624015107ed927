//! The C library. The crate calls it by this name so that functions that Miri lacks can be replaced here.

pub use libc::*;

// Miri's own functions serve other sockets and requests than the library's.
#[cfg(miri)]
pub use super::miri::{
    accept4, bind, close, connect, epoll_ctl, getpeername, getsockname, getsockopt, ioctl,
    pthread_attr_destroy, pthread_attr_init, pthread_attr_setstacksize, read, readv, setsockopt,
    shutdown, socket, statx, sysconf, write, writev,
};
