//! The system calls that read and write a stream.
//!
//! `recv` and `send` are a shorter path through the kernel than `read` and `write`. A handle may have any
//! descriptor, so they are tried first.

use super::ipc::descriptor_of;
use super::Stream;
use crate::abi::*;
use crate::check::Draw;
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

    /// Writes the buffers, or a drawn part of them. Returns the number of bytes, and whether it was a part.
    ///
    /// # Safety
    /// As for [`Stream::write_with`].
    #[inline(always)]
    pub(super) unsafe fn write_part(
        &self,
        buffers: &[uv_buf_t],
        handle: *const uv_stream_t,
    ) -> Result<(usize, bool)> {
        if !self.loop_().poller.shuffle.is_on() {
            // SAFETY: as documented.
            return unsafe { self.write_with(buffers, handle) }.map(|length| (length, false));
        }
        let total = sys::fd::total(buffers);
        let length = self.cut(Draw::Write, total);
        let mut left = length;
        let part: Vec<uv_buf_t> = buffers
            .iter()
            .map_while(|buffer| {
                let len = buffer.len.min(left);
                left -= len;
                (len > 0 || length == total).then_some(uv_buf_t { base: buffer.base, len })
            })
            .collect();
        let delays = self.handle.kind() == UV_TCP && self.no_delay() == Ok(0);
        if delays {
            self.set_no_delay(1);
        }
        // SAFETY: as documented; these are parts of the buffers.
        let written = unsafe { self.write_with(&part, handle) };
        if delays {
            self.set_no_delay(0);
        }
        Ok((written?, length < total && written == Ok(length)))
    }

    fn no_delay(&self) -> Result<c_int> {
        sys::socket::option(self.fd(), libc::IPPROTO_TCP, libc::TCP_NODELAY)
    }

    /// While a part is sent, so that the kernel does not wait for the peer before it sends the next.
    fn set_no_delay(&self, on: c_int) {
        let _ = sys::socket::set_option(self.fd(), libc::IPPROTO_TCP, libc::TCP_NODELAY, on);
    }

    /// Cuts the length of a read or write, if the schedule is shuffled and the kernel may do so.
    #[inline(always)]
    pub(super) fn cut(&self, draw: Draw, length: usize) -> usize {
        let shuffle = &self.loop_().poller.shuffle;
        match shuffle.is_on().then(|| self.shortest()).flatten() {
            Some(shortest) => {
                shuffle.cut(draw, self.handle.number(), length).max(shortest.min(length))
            }
            None => length,
        }
    }

    /// Returns the length from which on the kernel may read or write fewer bytes. Of a packet the rest would be lost. A
    /// pipe writes this many as one piece, and nothing tells the reader whether these are packets.
    #[cold]
    fn shortest(&self) -> Option<usize> {
        if self.handle.has(flag::BLOCKING_WRITES) {
            return None;
        }
        let fd = self.fd();
        let kind = || sys::socket::option(fd, libc::SOL_SOCKET, libc::SO_TYPE);
        match sys::fd::file_format(fd) {
            Ok(libc::S_IFSOCK) => (kind() == Ok(libc::SOCK_STREAM)).then_some(1),
            Ok(libc::S_IFIFO) => Some(libc::PIPE_BUF),
            _ => None,
        }
    }

    /// Returns whether the stream gives others their turn, if the schedule is shuffled.
    #[inline(always)]
    pub(super) fn has_drawn_share(&self) -> bool {
        let shuffle = &self.loop_().poller.shuffle;
        shuffle.is_on() && shuffle.next(Draw::Share, self.handle.number()) % 2 == 0
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
