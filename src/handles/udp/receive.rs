//! Receiving.

use super::Udp;
use crate::abi::*;
use crate::ffi::{call_user, Overlay};
use crate::handles::flag;
use crate::poller::EventHandler;
use crate::sys::datagram::{self, ErrorRoom, Inbox, Received};
use core::ffi::{c_int, c_uint};
use core::mem::MaybeUninit;
use core::ptr;
use libc::{sockaddr, sockaddr_storage};
use mio::Interest;

/// The room for one datagram, which is more than the largest takes.
const DATAGRAM_SIZE: usize = 64 * 1024;

/// Datagrams in a row on one socket, after which the others have their turn.
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
            // Something was reported while nobody wanted it.
            self.watcher.rearm(poller, Interest::READABLE)?;
        } else {
            self.watcher.arm(poller, Interest::READABLE)?;
        }
        self.alloc_cb.set(alloc_cb);
        self.recv_cb.set(recv_cb);
        self.handle.set(flag::READING);
        self.handle.activate();
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

    /// Receives until there is nothing left, or the user stops it, or it had its share. `failed`
    /// says that the socket has an error to report.
    pub(super) fn receive(&self, failed: bool) {
        let mut left = DATAGRAMS_IN_A_ROW;
        while left > 0 {
            match self.receive_some(failed) {
                Some(count) => left = left.saturating_sub(count),
                None => return,
            }
        }
        if self.handle.has(flag::READING) {
            self.loop_().requeue(&self.watcher);
        }
    }

    /// Receives with one call; returns how many there were, None when it is not to be repeated.
    // Inlined, as is what it calls for each datagram, for the reason that `Loop::poll` gives.
    #[inline(always)]
    fn receive_some(&self, failed: bool) -> Option<usize> {
        let buffer = self.provide()?;
        if self.handle.has(flag::UDP_RECVMMSG) {
            self.receive_many(&buffer, failed)
        } else {
            self.receive_one(&buffer)
        }
    }

    /// Has the user provide a buffer.
    #[inline(always)]
    fn provide(&self) -> Option<uv_buf_t> {
        let mut buffer = uv_buf_t { base: ptr::null_mut(), len: 0 };
        let recv_cb = self.recv_cb.get();
        if let Some(alloc) = self.alloc_cb.get() {
            // SAFETY: the user's function, called with the handle that it was given for.
            call_user(|| unsafe { alloc(self.c_pointer(), DATAGRAM_SIZE, &raw mut buffer) });
        }
        if self.handle.is_closing() {
            self.give(Err(Error::EBADF), &buffer);
            return None;
        }
        if !self.handle.has(flag::READING) {
            // Stopped by `alloc_cb`: the buffer goes back without data.
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
        // What is there stays there; the user is asked again in the next tick.
        self.give(Err(failure), &buffer);
        self.requeue();
        None
    }

    /// There is something left to receive: datagrams, or else an error.
    fn requeue(&self) {
        if !self.handle.has(flag::READING) {
        } else if self.watcher.readable.get() {
            self.loop_().requeue(&self.watcher);
        } else {
            // Should this fail, errors wait for the next edge.
            let _ = self.watcher.rearm(&self.loop_().poller, Interest::READABLE);
        }
    }

    #[inline(always)]
    fn receive_one(&self, buffer: &uv_buf_t) -> Option<usize> {
        let mut from = MaybeUninit::<sockaddr_storage>::uninit();
        // SAFETY: the user says that the buffer is writable.
        match unsafe { datagram::receive(self.fd(), buffer, &mut from) } {
            Ok(received) => {
                self.give_datagram(&received, buffer, from.as_ptr().cast(), 0);
                self.handle.has(flag::READING).then_some(1)
            }
            Err(error) => self.end(error, buffer),
        }
    }

    /// Receives into pieces of the buffer, then gives the whole back.
    fn receive_many(&self, buffer: &uv_buf_t, failed: bool) -> Option<usize> {
        let mut inbox = Inbox::new();
        // SAFETY: the user says that the buffer is writable.
        let (count, full) = match unsafe { inbox.receive(self.fd(), buffer, DATAGRAM_SIZE) } {
            Ok(received) => received,
            Err(error) => return self.end(error, buffer),
        };
        // Fewer than there was room for were all, so the next call would find nothing; unless it was
        // an error that ended this one.
        let drained = !full && !failed;
        if drained {
            self.watcher.readable.set(false);
        }
        let mut piece = uv_buf_t { base: buffer.base, len: DATAGRAM_SIZE };
        for (received, from) in inbox.iter() {
            self.give_datagram(&received, &piece, from, UV_UDP_MMSG_CHUNK);
            // SAFETY: the call filled in as many pieces of the buffer.
            piece.base = unsafe { piece.base.add(DATAGRAM_SIZE) };
        }
        self.call(self.recv_cb.get(), 0, buffer, ptr::null(), UV_UDP_MMSG_FREE);
        if drained && self.handle.has(flag::READING) {
            let buffer = self.provide()?;
            self.give(Ok(0), &buffer);
            return None;
        }
        self.handle.has(flag::READING).then_some(count.max(1))
    }

    /// A receive call failed, or found nothing.
    fn end(&self, error: Error, buffer: &uv_buf_t) -> Option<usize> {
        if error == Error::EAGAIN {
            self.watcher.readable.set(false);
            self.give(Ok(0), buffer);
        } else {
            self.give(Err(error), buffer);
            if self.watcher.readable.get() {
                self.requeue();
            }
        }
        None
    }

    /// Reports what is in the socket's error queue.
    pub(super) fn receive_errors(&self) {
        for _ in 0..DATAGRAMS_IN_A_ROW {
            if !self.handle.has(flag::READING) {
                return;
            }
            let Some(buffer) = self.provide() else { return };
            let mut room = ErrorRoom::new();
            // SAFETY: the user says that the buffer is writable.
            match unsafe { datagram::take_queued_error(self.fd(), &buffer, &mut room) } {
                Ok(Some((error, offender))) => {
                    let nread = error.code() as isize;
                    let flags = UV_UDP_LINUX_RECVERR;
                    self.call(self.recv_cb.get(), nread, &buffer, offender, flags);
                }
                Ok(None) => self.give(Ok(0), &buffer),
                Err(Error::EAGAIN) => return self.give(Ok(0), &buffer),
                Err(error) => return self.give(Err(error), &buffer),
            }
        }
        self.requeue();
    }

    fn give_datagram(
        &self,
        received: &Received,
        buffer: &uv_buf_t,
        from: *const sockaddr,
        flags: c_uint,
    ) {
        let from = if received.address_length == 0 { ptr::null() } else { from };
        let partial = if received.truncated { UV_UDP_PARTIAL } else { 0 };
        let length = received.length as isize;
        self.call(self.recv_cb.get(), length, buffer, from, flags | partial);
    }

    fn give(&self, result: Result<usize>, buffer: &uv_buf_t) {
        let nread = match result {
            Ok(length) => length as isize,
            Err(error) => error.code() as isize,
        };
        self.call(self.recv_cb.get(), nread, buffer, ptr::null(), 0);
    }

    fn call(
        &self,
        callback: uv_udp_recv_cb,
        nread: isize,
        buffer: &uv_buf_t,
        from: *const sockaddr,
        flags: c_uint,
    ) {
        if let Some(callback) = callback {
            // SAFETY: the user's function, called with the handle that it was given for.
            call_user(|| unsafe { callback(self.c_pointer(), nread, buffer, from, flags) });
        }
    }
}

/// Receives datagrams: for each one `alloc_cb` provides memory and `recv_cb` gets it. When there
/// are no more, `recv_cb` gets the memory back with `nread` 0 and `addr` NULL. A handle without a
/// socket gets one, bound to any IPv4 address and a port of the kernel's choice.
///
/// With `UV_UDP_RECVMMSG` the memory is used in pieces of 64 KiB, one for each datagram (flag
/// `UV_UDP_MMSG_CHUNK`), and given back as a whole in a callback of its own (`UV_UDP_MMSG_FREE`);
/// less than one piece is `UV_EINVAL`.
///
/// Returns 0; `UV_EINVAL` when a callback is NULL or the handle is closing; `UV_EALREADY` when it
/// receives already; or an error of making the socket. Loop thread only.
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
    // SAFETY: the caller's contract.
    unsafe { Udp::of(handle) }.start_receiving(alloc_cb, recv_cb).into_c()
}

/// Stops receiving; `recv_cb` is not called any more. What recvmmsg(2) has brought at that moment
/// is lost, and its memory is not given back. Stopping twice is harmless. Returns 0.
///
/// See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_recv_stop>.
///
/// # Safety
/// `handle` is an initialised UDP handle that is not closed.
#[no_mangle]
pub unsafe extern "C" fn uv_udp_recv_stop(handle: *mut uv_udp_t) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { Udp::of(handle) }.stop_receiving();
    0
}

/// 1 when the handle was initialised with `UV_UDP_RECVMMSG`, 0 otherwise.
///
/// See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_using_recvmmsg>.
///
/// # Safety
/// `handle` is an initialised UDP handle.
#[no_mangle]
pub unsafe extern "C" fn uv_udp_using_recvmmsg(handle: *const uv_udp_t) -> c_int {
    // SAFETY: the caller's contract.
    c_int::from(unsafe { Udp::of(handle) }.handle.has(flag::UDP_RECVMMSG))
}
