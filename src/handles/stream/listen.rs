//! Listening for connections and accepting them.

use super::Stream;
use crate::abi::*;
use crate::check;
use crate::ffi::{call_user, Overlay};
use crate::handles::udp::Udp;
use crate::handles::{flag, Handle};
use crate::observe::layout::Callback;
use crate::sys;
use core::ffi::c_int;
use mio::Interest;

impl Stream {
    fn listen(&self, backlog: c_int, callback: uv_connection_cb) -> Result {
        if self.handle.is_closing() {
            return Err(Error::EINVAL);
        }
        match self.handle.kind() {
            UV_TCP => self.prepare_tcp_listen()?,
            UV_NAMED_PIPE => self.check_pipe_listen()?,
            _ => return Err(Error::EINVAL),
        }
        sys::socket::listen(self.fd(), backlog)?;
        let loop_ = self.loop_();
        if loop_.spare_fd.get() == -1 {
            // If this fails, connections cannot be refused after EMFILE.
            loop_.spare_fd.set(sys::fd::open_cloexec(c"/dev/null", libc::O_RDONLY).unwrap_or(-1));
        }
        self.connection_cb.set(callback);
        self.handle.set(flag::LISTENING | flag::BOUND);
        self.watcher.set_level_triggered(true);
        self.arm(Interest::READABLE)?;
        self.handle.activate();
        Ok(())
    }

    /// Accepts one connection and reports it. As in libuv the next one is for the next iteration.
    pub(super) fn accept_connection(&self) {
        if self.accepted_fd.get() == -1 {
            match sys::socket::accept(self.fd()) {
                Ok(fd) => {
                    self.accepted_fd.set(fd);
                    self.call_connection(Ok(()));
                }
                // The client has disconnected, or another process accepted the connection.
                Err(Error::EAGAIN | Error::ECONNABORTED) => return,
                Err(error @ (Error::EMFILE | Error::ENFILE)) => {
                    if self.refuse_connections() != Err(Error::EAGAIN) {
                        self.call_connection(Err(error));
                    }
                }
                Err(error) => self.call_connection(Err(error)),
            }
        }
        if self.accepted_fd.get() != -1 {
            // No other is accepted until the user takes this one.
            self.watcher.disarm(&self.loop_().poller, Interest::READABLE);
        }
    }

    /// Closes the spare descriptor and uses its number to accept and close all waiting connections, when no
    /// other descriptor is left. Otherwise the clients would wait, and the loop would spin. Returns the
    /// error that ended it: `EAGAIN` if no connection is left.
    fn refuse_connections(&self) -> Result {
        let spare = &self.loop_().spare_fd;
        if spare.get() == -1 {
            return Err(Error::EMFILE);
        }
        let _ = sys::fd::close(spare.replace(-1));
        let result = loop {
            match sys::socket::accept(self.fd()) {
                Ok(fd) => {
                    let _ = sys::fd::close(fd);
                }
                Err(error) => break Err(error),
            }
        };
        spare.set(sys::fd::open_cloexec(c"/dev/null", libc::O_RDONLY).unwrap_or(-1));
        result
    }

    fn call_connection(&self, result: Result) {
        if let Some(callback) = self.connection_cb.get() {
            // SAFETY: the user's function, called with the handle that it was given for.
            call_user(self.loop_(), Callback::Connection, self, callback as *const (), || unsafe {
                callback(self.c_pointer(), result.into_c())
            });
        } else {
            check::callback_missing(self);
        }
    }

    /// # Safety
    /// `client` is an initialised handle.
    unsafe fn accept_into(&self, client: *const uv_stream_t) -> Result {
        let fd = self.accepted_fd.get();
        if fd == -1 {
            return Err(Error::EAGAIN);
        }
        // SAFETY: an initialised handle, as documented, which is the first field of the struct for its kind.
        let result = unsafe {
            match Handle::of(client.cast()).kind() {
                UV_TCP | UV_NAMED_PIPE => {
                    Stream::of(client).open(fd, flag::READABLE | flag::WRITABLE)
                }
                UV_UDP => Udp::of(client.cast()).open(fd, UV_UDP_REUSEADDR),
                _ => return Err(Error::EINVAL),
            }
        };
        if result.is_err() {
            let _ = sys::fd::close(fd);
        }
        self.accepted_fd.set(-1);
        self.next_descriptor();
        let waits = self.handle.has(flag::READING) && !self.has_many_descriptors();
        if (self.handle.has(flag::LISTENING) || waits) && self.is_open() {
            self.arm(Interest::READABLE)?;
        }
        result
    }
}

/// Listens for connections. `cb` is called for each connection that `uv_accept()` can take. `backlog` is the
/// number of connections that the kernel may queue.
///
/// Returns 0 or an error code, such as `UV_EADDRINUSE` of a previous bind.
/// See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_listen>.
///
/// # Safety
/// `stream` is an initialised stream.
#[no_mangle]
pub unsafe extern "C" fn uv_listen(
    stream: *mut uv_stream_t,
    backlog: c_int,
    cb: uv_connection_cb,
) -> c_int {
    // SAFETY: as documented.
    unsafe { Stream::of(stream) }.listen(backlog, cb).into_c()
}

/// Accepts the connection that the connection callback reported, as `client`, which is initialised and not
/// connected. No other connection is reported before it is accepted. On a pipe that receives handles, it
/// takes the next received handle; `client` may be a UDP handle then.
///
/// Returns 0, `UV_EAGAIN` if there is none, `UV_EINVAL` if `client` is of another type, or `UV_EBUSY` if it
/// has a descriptor already; then the connection or handle is closed.
/// See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_accept>.
///
/// # Safety
/// `server` is an initialised stream, and `client` an initialised handle of the same loop.
#[no_mangle]
pub unsafe extern "C" fn uv_accept(server: *mut uv_stream_t, client: *mut uv_stream_t) -> c_int {
    // SAFETY: as documented.
    unsafe { Stream::of(server).accept_into(client) }.into_c()
}
