//! Receiving datagrams.

use super::bulk::Message;
use super::Udp;
use crate::abi::*;
use crate::ffi::{call_observed, call_unobserved, Object, Overlay};
use crate::handles::flag;
use crate::observe::layout::Callback;
use crate::observe::{self, Caller};
use crate::poller::EventHandler;
use crate::sys::datagram::{self, ErrorRoom, Inbox, Received};
use core::ffi::{c_int, c_uint};
use core::mem::MaybeUninit;
use core::ptr;
use libc::{sockaddr, sockaddr_storage};
use mio::Interest;

/// The size of the buffer for one datagram, more than the largest datagram.
pub(super) const DATAGRAM_SIZE: usize = 64 * 1024;

/// The most datagrams from one socket before the next has its turn.
const DATAGRAMS_IN_A_ROW: usize = 32;

impl Udp {
    fn start_receiving(&self, alloc_cb: uv_alloc_cb, recv_cb: uv_udp_recv_cb) -> Result {
        if alloc_cb.is_none() || recv_cb.is_none() || self.handle.is_closing() {
            return Err(Error::EINVAL);
        }
        if self.handle.has(flag::READING) {
            return Err(Error::EALREADY);
        }
        self.ensure_bound(libc::AF_INET, 0)?;
        let poller = &self.loop_().poller;
        if self.watcher.readable.replace(false) {
            // An event was reported while the handle did not receive.
            self.watcher.rearm(poller, Interest::READABLE)?;
        } else {
            self.watcher.arm(poller, Interest::READABLE)?;
        }
        self.alloc_cb.set(alloc_cb);
        self.recv_cb.set(recv_cb);
        self.handle.set(flag::READING);
        self.handle.activate();
        if self.has_held() {
            self.watcher.readable.set(true);
            self.requeue();
        }
        Ok(())
    }

    fn stop_receiving(&self) {
        self.handle.clear(flag::READING);
        self.alloc_cb.set(None);
        self.recv_cb.set(None);
        self.deactivate_if_idle();
        if self.is_idle() {
            self.watcher.set_unused();
        }
    }

    /// Receives until nothing is left, the user stops it, or it has had its share. `failed` means that the
    /// socket has an error to report.
    pub(super) fn receive(&self, failed: bool) {
        // Once for all callbacks: for each it would be a tenth of the work.
        self.loop_().set_current(self.address().addr() as u64 | Callback::Recv.tag());
        let mut left = DATAGRAMS_IN_A_ROW;
        while left > 0 {
            match self.receive_some(failed) {
                Some(count) => left = left.saturating_sub(count),
                None => return,
            }
        }
        self.try_merging();
        if self.handle.has(flag::READING) {
            self.loop_().requeue(&self.watcher);
        }
    }

    /// Receives with one system call. Returns the number of datagrams, or `None` if nothing is left.
    // Inlined, as are the functions called for each datagram, for the same reason as in `Loop::poll`.
    #[inline(always)]
    fn receive_some(&self, failed: bool) -> Option<usize> {
        if self.has_bulk() && self.needs_bulk() {
            return self.receive_in_bulk();
        }
        let buffer = self.allocate()?;
        if self.handle.has(flag::UDP_RECVMMSG) {
            self.receive_many(&buffer, failed)
        } else {
            self.receive_one(&buffer)
        }
    }

    /// Gets a buffer from the user's `alloc_cb`.
    #[inline(always)]
    pub(super) fn allocate(&self) -> Option<uv_buf_t> {
        let mut buffer = uv_buf_t { base: ptr::null_mut(), len: 0 };
        let recv_cb = self.recv_cb.get();
        if let Some(alloc) = self.alloc_cb.get() {
            // SAFETY: the user's function, called with the handle that it was given for.
            call_unobserved(self, alloc as *const (), || unsafe {
                alloc(self.c_pointer(), DATAGRAM_SIZE, &raw mut buffer)
            });
        }
        if self.handle.is_closing() {
            self.report(Err(Error::EBADF), &buffer);
            return None;
        }
        if !self.handle.has(flag::READING) {
            // `alloc_cb` stopped receiving: its buffer is returned without data.
            self.call(recv_cb, 0, &buffer, ptr::null(), 0);
            return None;
        }
        let failure = if buffer.base.is_null() || buffer.len == 0 {
            Error::ENOBUFS
        } else if self.handle.has(flag::UDP_RECVMMSG) && buffer.len < DATAGRAM_SIZE {
            Error::EINVAL
        } else {
            return Some(buffer);
        };
        // The datagram stays in the socket; `alloc_cb` is called again in the next iteration.
        self.report(Err(failure), &buffer);
        self.requeue();
        None
    }

    /// Queues the handle for the next poll phase, as there are more datagrams or an error.
    pub(super) fn requeue(&self) {
        if !self.handle.has(flag::READING) {
        } else if self.watcher.readable.get() {
            self.loop_().requeue(&self.watcher);
        } else {
            // If this fails, errors are reported with the next edge.
            let _ = self.watcher.rearm(&self.loop_().poller, Interest::READABLE);
        }
    }

    #[inline(always)]
    fn receive_one(&self, buffer: &uv_buf_t) -> Option<usize> {
        let mut from = MaybeUninit::<sockaddr_storage>::uninit();
        // SAFETY: the user's buffer is writable.
        match unsafe { datagram::receive(self.fd(), buffer, &mut from) } {
            Ok(received) => {
                self.report_datagram(&received, buffer, from.as_ptr().cast(), 0);
                self.handle.has(flag::READING).then_some(1)
            }
            Err(error) => self.end(error, buffer),
        }
    }

    /// Receives into pieces of the buffer, then returns the whole buffer.
    fn receive_many(&self, buffer: &uv_buf_t, failed: bool) -> Option<usize> {
        let mut inbox = Inbox::new();
        let merging = self.is_merging();
        // SAFETY: the user's buffer is writable.
        let (count, full) =
            match unsafe { inbox.receive(self.fd(), buffer, DATAGRAM_SIZE, merging) } {
                Ok(received) => received,
                Err(error) => return self.end(error, buffer),
            };
        // Fewer messages than fit were all, unless an error ended the call.
        let drained = !full && !failed;
        if drained {
            self.watcher.readable.set(false);
        }
        if merging {
            self.count_messages(inbox.iter(true).map(|(_, segment, _)| segment));
            if drained {
                self.end_merging_if_unused();
            }
        }
        let mut piece = uv_buf_t { base: buffer.base, len: DATAGRAM_SIZE };
        for (received, segment, from) in inbox.iter(merging) {
            if segment == 0 && !self.is_stopped() {
                self.report_datagram(&received, &piece, from, UV_UDP_MMSG_CHUNK);
            } else {
                self.report_or_hold(&Message { base: piece.base, received, segment, from });
            }
            // SAFETY: the buffer has at least `count` pieces.
            piece.base = unsafe { piece.base.add(DATAGRAM_SIZE) };
        }
        self.call(self.recv_cb.get(), 0, buffer, ptr::null(), UV_UDP_MMSG_FREE);
        if drained && self.handle.has(flag::READING) {
            let buffer = self.next_buffer()?;
            self.report(Ok(0), &buffer);
            return None;
        }
        self.handle.has(flag::READING).then_some(count.max(1))
    }

    /// Reports the datagrams of a message in the user's buffer, and holds those that come after the user has
    /// stopped receiving.
    #[inline(never)]
    fn report_or_hold(&self, message: &Message) {
        let rest = if self.is_stopped() { Some(0) } else { self.report_message(message) };
        if let Some(offset) = rest {
            // SAFETY: `offset` bytes of the message were reported.
            unsafe { self.hold(message, offset, false) };
        }
    }

    /// Returns whether the user has stopped receiving without closing the handle.
    fn is_stopped(&self) -> bool {
        !self.handle.has(flag::READING) && !self.handle.is_closing()
    }

    /// Reports the datagrams of a message in the user's buffer. If the user stops receiving, returns the offset
    /// of the first that was not reported.
    pub(super) fn report_message(&self, message: &Message) -> Option<usize> {
        let Message { base, received, segment, from } = *message;
        let mut offset = 0;
        loop {
            let (length, room) = match segment {
                0 => (received.length, DATAGRAM_SIZE),
                _ => (segment.min(received.length - offset), segment),
            };
            // SAFETY: the message has a datagram at this offset.
            let chunk = uv_buf_t { base: unsafe { base.add(offset) }, len: room };
            self.report_datagram(&Received { length, ..received }, &chunk, from, UV_UDP_MMSG_CHUNK);
            offset += length;
            if offset >= received.length {
                return None;
            }
            if self.is_stopped() {
                return Some(offset);
            }
        }
    }

    /// Reports a failed receive call, or one that found nothing.
    #[inline(always)]
    pub(super) fn end(&self, error: Error, buffer: &uv_buf_t) -> Option<usize> {
        if error == Error::EAGAIN {
            self.watcher.readable.set(false);
            if self.has_bulk() {
                self.end_merging_if_unused();
            }
            self.report(Ok(0), buffer);
        } else {
            self.report(Err(error), buffer);
            if self.watcher.readable.get() {
                self.requeue();
            }
        }
        None
    }

    /// Reports the errors in the socket's error queue.
    pub(super) fn receive_errors(&self) {
        for _ in 0..DATAGRAMS_IN_A_ROW {
            if !self.handle.has(flag::READING) {
                return;
            }
            let Some(buffer) = self.next_buffer() else { return };
            let mut room = ErrorRoom::new();
            // SAFETY: the user's buffer is writable.
            match unsafe { datagram::take_queued_error(self.fd(), &buffer, &mut room) } {
                Ok(Some((error, offender))) => {
                    let nread = error.code() as isize;
                    let flags = UV_UDP_LINUX_RECVERR;
                    self.call(self.recv_cb.get(), nread, &buffer, offender, flags);
                }
                Ok(None) => self.report(Ok(0), &buffer),
                Err(Error::EAGAIN) => return self.report(Ok(0), &buffer),
                Err(error) => return self.report(Err(error), &buffer),
            }
        }
        self.requeue();
    }

    pub(super) fn report_datagram(
        &self,
        received: &Received,
        buffer: &uv_buf_t,
        from: *const sockaddr,
        flags: c_uint,
    ) {
        let from = if received.address_length == 0 { ptr::null() } else { from };
        let partial = if received.truncated { UV_UDP_PARTIAL } else { 0 };
        let length = received.length as isize;
        self.call_now(self.recv_cb.get(), length, buffer, from, flags | partial);
    }

    #[inline(never)]
    pub(super) fn report(&self, result: Result<usize>, buffer: &uv_buf_t) {
        let nread = match result {
            Ok(length) => length as isize,
            Err(error) => error.code() as isize,
        };
        self.call(self.recv_cb.get(), nread, buffer, ptr::null(), 0);
    }

    #[inline(never)]
    pub(super) fn call(
        &self,
        callback: uv_udp_recv_cb,
        nread: isize,
        buffer: &uv_buf_t,
        from: *const sockaddr,
        flags: c_uint,
    ) {
        self.call_now(callback, nread, buffer, from, flags);
    }

    /// Calls `recv_cb` for a datagram.
    // Inlined, as `allocate`.
    #[inline(always)]
    fn call_now(
        &self,
        callback: uv_udp_recv_cb,
        nread: isize,
        buffer: &uv_buf_t,
        from: *const sockaddr,
        flags: c_uint,
    ) {
        if let Some(callback) = callback {
            // SAFETY: the user's function, called with the handle that it was given for.
            let call = || unsafe { callback(self.c_pointer(), nread, buffer, from, flags) };
            let (object, function) = (self.address(), callback as *const ());
            if observe::is_active() {
                call_observed(self.loop_(), Callback::Recv, object, function, call);
            } else {
                call_unobserved(object, function, call);
            }
        }
    }
}

/// Starts to receive: for each datagram `alloc_cb` provides a buffer, which `recv_cb` receives. If there is
/// no datagram, `recv_cb` receives the buffer with `nread` 0 and `addr` NULL. Creates the socket, bound to
/// the IPv4 wildcard address and a port that the kernel chooses, unless the handle has one.
///
/// With `UV_UDP_RECVMMSG` the buffer is divided into pieces of 64 KiB, one for each datagram (flag
/// `UV_UDP_MMSG_CHUNK`), and returned as a whole in a separate callback (`UV_UDP_MMSG_FREE`). A buffer
/// smaller than one piece is `UV_EINVAL`.
///
/// Returns 0, `UV_EINVAL` if a callback is NULL or the handle is closing, `UV_EALREADY` if it is already
/// receiving, or an error of creating the socket. Loop thread only.
/// See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_recv_start>.
///
/// # Safety
/// `handle` is an initialised UDP handle that is not closed.
#[no_mangle]
pub unsafe extern "C" fn uv_udp_recv_start(
    handle: *mut uv_udp_t,
    alloc_cb: uv_alloc_cb,
    recv_cb: uv_udp_recv_cb,
) -> c_int {
    // SAFETY: as documented.
    unsafe { Udp::of(handle) }.start_receiving(alloc_cb, recv_cb).into_c()
}

/// Stops receiving: `recv_cb` is not called any more. Datagrams that recvmmsg(2) has already returned are
/// reported after the next `uv_udp_recv_start()`; their buffer is not returned. Does nothing if the handle is not
/// receiving. Returns 0.
///
/// See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_recv_stop>.
///
/// # Safety
/// `handle` is an initialised UDP handle that is not closed.
#[no_mangle]
pub unsafe extern "C" fn uv_udp_recv_stop(handle: *mut uv_udp_t) -> c_int {
    // SAFETY: as documented.
    unsafe { Udp::of_stopping(handle) }.stop_receiving();
    0
}

/// Returns 1 if the handle was initialised with `UV_UDP_RECVMMSG`, otherwise 0.
///
/// See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_using_recvmmsg>.
///
/// # Safety
/// `handle` is an initialised UDP handle.
#[no_mangle]
pub unsafe extern "C" fn uv_udp_using_recvmmsg(handle: *const uv_udp_t) -> c_int {
    // SAFETY: as documented.
    c_int::from(unsafe { Udp::of_reading(handle) }.handle.has(flag::UDP_RECVMMSG))
}
