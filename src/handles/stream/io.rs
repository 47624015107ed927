//! The system calls that read and write a stream.
//!
//! `recv` and `send` are a shorter path through the kernel than `read` and `write`. A handle may have any
//! descriptor, so they are tried first.

use super::ipc::descriptor_of;
use super::Stream;
use crate::abi::*;
use crate::handles::flag;
use crate::sys::{self, unix_socket};
use core::ffi::c_int;

impl Stream {
    /// Calls `socket` with the descriptor, or `file` if that fails with `ENOTSOCK`, which the handle remembers.
    fn as_socket_or_file<T>(
        &self,
        socket: impl FnOnce(c_int) -> Result<T>,
        file: impl FnOnce(c_int) -> Result<T>,
    ) -> Result<T> {
        if !self.handle.has(flag::NOT_SOCKET) {
            match socket(self.fd()) {
                Err(Error::ENOTSOCK) => self.handle.set(flag::NOT_SOCKET),
                other => return other,
            }
        }
        file(self.fd())
    }

    /// Returns the flags for sending and receiving. Another process that shares the socket may make it
    /// blocking, which must not block the loop.
    fn message_flags(&self) -> c_int {
        match self.handle.has(flag::BLOCKING_WRITES) {
            true => 0,
            false => libc::MSG_DONTWAIT,
        }
    }

    /// Writes the buffers, and sends the handle with them unless it was sent.
    ///
    /// # Safety
    /// The buffers are readable, and `handle` is NULL or an initialised handle.
    pub(super) unsafe fn write_with(
        &self,
        buffers: &[uv_buf_t],
        handle: *const uv_stream_t,
    ) -> Result<usize> {
        // SAFETY: as documented.
        unsafe {
            if handle.is_null() {
                return self.as_socket_or_file(
                    |fd| sys::socket::send(fd, buffers, self.message_flags()),
                    |fd| sys::fd::write_vectored(fd, buffers),
                );
            }
            let descriptor = descriptor_of(handle.cast())?;
            unix_socket::send_descriptor(self.fd(), buffers, descriptor, self.message_flags())
        }
    }

    /// Reads, and keeps the descriptors that are received on an IPC pipe.
    ///
    /// # Safety
    /// The buffer is writable.
    pub(super) unsafe fn receive(&self, buffer: &uv_buf_t) -> Result<usize> {
        if self.as_ipc().is_none() {
            return self.as_socket_or_file(
                // SAFETY: as documented.
                |fd| unsafe { sys::socket::receive(fd, buffer, self.message_flags()) },
                // SAFETY: as documented.
                |fd| unsafe { sys::fd::read(fd, buffer) },
            );
        }
        let mut kept = Ok(());
        let keep = |fd| {
            let result = self.keep_descriptor(fd);
            if result.is_err() {
                let _ = sys::fd::close(fd);
                kept = result;
            }
        };
        // SAFETY: as documented.
        let length = unsafe {
            unix_socket::receive_descriptors(self.fd(), buffer, self.message_flags(), keep)
        }?;
        kept.map(|()| length)
    }
}
