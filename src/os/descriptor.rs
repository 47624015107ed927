//! File descriptors: their kind, pipes, and inheritance.

use crate::abi::*;
use crate::sys::{fd, socket};
use core::ffi::c_int;

/// The number of descriptors to check even if some of them are closed.
const INHERITED: c_int = 16;

/// Returns the type of handle for a descriptor: `UV_TTY`, `UV_NAMED_PIPE` (also for local stream
/// sockets), `UV_TCP`, `UV_UDP`, `UV_FILE` (also for character devices), or `UV_UNKNOWN_HANDLE`.
///
/// See <https://docs.libuv.org/en/v1.x/misc.html#c.uv_guess_handle>.
#[no_mangle]
pub extern "C" fn uv_guess_handle(file: uv_file) -> uv_handle_type {
    if fd::is_terminal(file) {
        return UV_TTY;
    }
    match fd::file_format(file) {
        Ok(libc::S_IFREG | libc::S_IFCHR) => UV_FILE,
        Ok(libc::S_IFIFO) => UV_NAMED_PIPE,
        Ok(libc::S_IFSOCK) => guess_socket(file).unwrap_or(UV_UNKNOWN_HANDLE),
        _ => UV_UNKNOWN_HANDLE,
    }
}

fn guess_socket(socket: c_int) -> Result<uv_handle_type> {
    let domain = socket::option(socket, libc::SOL_SOCKET, libc::SO_DOMAIN)?;
    let kind = socket::option(socket, libc::SOL_SOCKET, libc::SO_TYPE)?;
    Ok(match (kind, domain) {
        (libc::SOCK_STREAM, libc::AF_INET | libc::AF_INET6) => UV_TCP,
        (libc::SOCK_STREAM, libc::AF_UNIX) => UV_NAMED_PIPE,
        (libc::SOCK_DGRAM, libc::AF_INET | libc::AF_INET6) => UV_UDP,
        _ => UV_UNKNOWN_HANDLE,
    })
}

/// Makes a pipe: data written to `fds[1]` can be read from `fds[0]`. `read_flags` and `write_flags` are 0
/// or `UV_NONBLOCK_PIPE`. Both ends are close-on-exec.
///
/// Returns 0 or an error code such as `UV_EMFILE`. Any thread.
/// See <https://docs.libuv.org/en/v1.x/pipe.html#c.uv_pipe>.
///
/// # Safety
/// `fds` has room for two descriptors.
#[no_mangle]
pub unsafe extern "C" fn uv_pipe(
    fds: *mut uv_file,
    read_flags: c_int,
    write_flags: c_int,
) -> c_int {
    // SAFETY: as documented.
    pipe([read_flags, write_flags])
        .map(|ends| unsafe { fds.cast::<[c_int; 2]>().write_unaligned(ends) })
        .into_c()
}

fn pipe(flags: [c_int; 2]) -> Result<[c_int; 2]> {
    let nonblocking = flags.map(|flags| flags & UV_NONBLOCK_PIPE as c_int != 0);
    if nonblocking == [true; 2] {
        return fd::pipe_nonblocking();
    }
    let ends = fd::pipe(0)?;
    for (end, nonblocking) in ends.into_iter().zip(nonblocking) {
        let result = if nonblocking { fd::set_nonblocking(end, true) } else { Ok(()) };
        if let Err(error) = result {
            for end in ends {
                let _ = fd::close(end);
            }
            return Err(error);
        }
    }
    Ok(ends)
}

/// Makes the descriptors that this process inherited close-on-exec. Call it early in the program.
///
/// See <https://docs.libuv.org/en/v1.x/process.html#c.uv_disable_stdio_inheritance>.
#[no_mangle]
pub extern "C" fn uv_disable_stdio_inheritance() {
    let mut file = 0;
    while fd::set_cloexec(file).is_ok() || file < INHERITED {
        file += 1;
    }
}
