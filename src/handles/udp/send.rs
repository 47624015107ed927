//! Sending datagrams.

use super::{destination_length, Udp};
use crate::abi::*;
use crate::ffi::{call_user, overlay, padding, Object, Overlay, Padding};
use crate::handles::flag;
use crate::list::{container_of, Link};
use crate::memory;
use crate::observe::layout::Callback;
use crate::observe::{self, layout, offsets, Caller};
use crate::requests::Request;
use crate::sys::datagram::{self, Destination, Outbox, BATCH};
use crate::sys::fd::{total, MAX_RW_COUNT};
use core::cell::{Cell, UnsafeCell};
use core::ffi::{c_int, c_uint};
use core::mem::MaybeUninit;
use libc::{sockaddr, sockaddr_storage, socklen_t};
use mio::Interest;

/// The most batches on one socket before the next has its turn.
const BATCHES_IN_A_ROW: usize = 16;

#[repr(C)]
pub struct Send {
    request: Request,
    udp: Cell<*const Udp>,
    callback: Cell<uv_udp_send_cb>,
    link: Link,
    address: UnsafeCell<MaybeUninit<sockaddr_storage>>,
    count: Cell<c_uint>,
    /// 0 for the peer of a connected socket.
    address_length: Cell<socklen_t>,
    /// A copy of the user's array: `few`, or allocated if it is longer.
    buffers: Cell<*mut uv_buf_t>,
    size: Cell<usize>,
    error: Cell<c_int>,
    padding: Padding<4>,
    few: UnsafeCell<MaybeUninit<[uv_buf_t; 4]>>,
}

overlay!(Send {
    request,
    udp,
    callback,
    link,
    address,
    count,
    address_length,
    buffers,
    size,
    error,
    padding,
    few,
} => uv_udp_send_t);
const _: () = {
    use core::mem::offset_of;
    assert!(offset_of!(Send, udp) == offset_of!(uv_udp_send_t, handle));
    assert!(offset_of!(Send, callback) == offset_of!(uv_udp_send_t, cb));
    assert!(offset_of!(Send, few) == offset_of!(uv_udp_send_t, bufsml));
};

pub const OFFSETS: layout::SendOffsets = offsets!(
    SendOffsets,
    Send {
        callback: callback,
        udp: udp,
        link: link,
        size: size,
        address: address,
        address_length: address_length,
    }
);

impl Send {
    /// # Safety
    /// As for `uv_udp_send`; `to` and `buffers` are of its arguments.
    unsafe fn init(
        at: *mut Send,
        udp: &Udp,
        to: Destination,
        buffers: &[uv_buf_t],
        callback: uv_udp_send_cb,
    ) -> Result {
        // SAFETY: `at` points to a request, as documented; only an address is computed.
        let few = unsafe { (&raw mut (*at).few).cast::<uv_buf_t>() };
        let copy = if buffers.len() <= 4 {
            few
        } else {
            memory::malloc(size_of_val(buffers))?.as_ptr().cast()
        };
        // SAFETY: as documented. `copy` has room for the buffers and does not overlap them, and no address is
        // larger than a storage.
        unsafe {
            Request::init(at, UV_UDP_SEND, |request| Send {
                request,
                udp: Cell::new(udp),
                callback: Cell::new(callback),
                link: Link::new(),
                address: UnsafeCell::new(MaybeUninit::uninit()),
                count: Cell::new(buffers.len() as c_uint),
                address_length: Cell::new(to.length),
                buffers: Cell::new(copy),
                size: Cell::new(total(buffers)),
                error: Cell::new(0),
                padding: padding(),
                few: UnsafeCell::new(MaybeUninit::uninit()),
            });
            core::ptr::copy_nonoverlapping(buffers.as_ptr(), copy, buffers.len());
            core::ptr::copy_nonoverlapping(
                to.address.cast::<u8>(),
                (&raw mut (*at).address).cast(),
                to.length as usize,
            );
        }
        Ok(())
    }

    fn destination(&self) -> Destination {
        match self.address_length.get() {
            0 => Destination::PEER,
            length => Destination { address: self.address.get().cast_const().cast(), length },
        }
    }

    fn buffers(&self) -> &[uv_buf_t] {
        // SAFETY: `buffers` holds `count` buffers until the callback.
        unsafe { core::slice::from_raw_parts(self.buffers.get(), self.count.get() as usize) }
    }
}

impl Udp {
    /// Returns the destination for the address that the user passed.
    ///
    /// # Safety
    /// `address` is NULL or points to an address of its family's size.
    unsafe fn destination(&self, address: *const sockaddr) -> Result<Destination> {
        match (self.is_connected(), address.is_null()) {
            (true, true) => Ok(Destination::PEER),
            (true, false) => Err(Error::EISCONN),
            (false, true) => Err(Error::EDESTADDRREQ),
            (false, false) => {
                // SAFETY: not NULL, hence an address.
                let length = unsafe { destination_length(address)? };
                Ok(Destination { address, length })
            }
        }
    }

    /// Creates and binds a socket unless the handle has one.
    ///
    /// # Safety
    /// `to` is readable.
    unsafe fn ensure_sender(&self, to: Destination) -> Result {
        if self.is_open() {
            return Ok(());
        }
        if self.handle.is_closing() {
            return Err(Error::EBADF);
        }
        // SAFETY: a handle without a socket is not connected, so there is an address, which is readable.
        match unsafe { crate::sys::socket::family(to.address) } {
            libc::AF_UNIX => Err(Error::EINVAL),
            family => self.ensure_bound(family, 0),
        }
    }

    /// # Safety
    /// As for `uv_udp_send`.
    unsafe fn send(
        &self,
        request: *mut Send,
        buffers: &[uv_buf_t],
        to: Destination,
        callback: uv_udp_send_cb,
    ) -> Result {
        if self.handle.has(flag::CLOSED) {
            return Err(Error::ECANCELED);
        }
        if !self.handle.is_closing() {
            // SAFETY: as documented.
            unsafe { self.ensure_sender(to)? };
        }
        // SAFETY: as documented.
        let send = unsafe {
            Send::init(request, self, to, buffers, callback)?;
            &*request
        };
        let first = self.send_queue_count.get() == 0;
        if observe::is_active() {
            self.loop_().observer().write(true, send.address(), self.address(), send.size.get());
        }
        self.loop_().request_began(request);
        self.send_queue_size.set(self.send_queue_size.get().wrapping_add(send.size.get()));
        self.send_queue_count.set(self.send_queue_count.get() + 1);
        // SAFETY: the request stays in place until its callback, before which it is unlinked.
        unsafe { self.unsent.push_back(&send.link) };
        // A closing handle cancels the request, together with earlier ones.
        if self.handle.is_closing() {
            return Ok(());
        }
        self.handle.activate();
        if first && !self.handle.has(flag::UDP_CALLING) {
            self.send_unsent();
        } else {
            self.loop_().queue_pending(&self.watcher);
        }
        Ok(())
    }

    /// Sends as much of the queue as the kernel accepts.
    fn send_unsent(&self) {
        if self.handle.has(flag::UDP_BLOCKED) {
            return;
        }
        for _ in 0..BATCHES_IN_A_ROW {
            let Some(first) = self.unsent.front() else { return };
            // SAFETY: the user keeps the buffers and the requests, which hold the addresses, alive until the
            // callback.
            let sent = unsafe {
                if self.unsent.after(first).is_some() {
                    self.send_batch(|outbox| self.fill(outbox))
                } else {
                    let send = &*container_of!(first, Send, link);
                    datagram::send(self.fd(), send.destination(), send.buffers()).map(|_| 1)
                }
            };
            match sent {
                Ok(sent) => (0..sent).for_each(|_| self.finish_first(None)),
                Err(error @ (Error::EAGAIN | Error::ENOBUFS)) => return self.wait_writable(error),
                Err(error) => self.finish_first(Some(error)),
            }
        }
        if !self.unsent.is_empty() {
            self.loop_().queue_pending(&self.watcher);
        }
    }

    /// Sends the datagrams that `fill` adds to an outbox. Returns the number sent.
    ///
    /// # Safety
    /// The addresses and buffers of the datagrams are readable.
    unsafe fn send_batch(&self, fill: impl Fn(&mut Outbox) -> Result) -> Result<usize> {
        loop {
            let mut outbox = Outbox::new(!self.handle.has(flag::UDP_NO_SEGMENTS));
            fill(&mut outbox)?;
            // SAFETY: as documented.
            match unsafe { outbox.send(self.fd())? } {
                Some(sent) => return Ok(sent),
                None => self.handle.set(flag::UDP_NO_SEGMENTS),
            }
        }
    }

    /// Adds the first datagrams of the queue to the outbox.
    fn fill(&self, outbox: &mut Outbox) -> Result {
        let mut next = self.unsent.front();
        while let Some(link) = next.filter(|_| !outbox.is_full()) {
            // SAFETY: a request in the list is alive.
            unsafe {
                let send = &*container_of!(link, Send, link);
                outbox.push(send.destination(), send.buffers());
                next = self.unsent.after(link);
            }
        }
        Ok(())
    }

    /// Queues the callback of the first datagram for the next pending phase.
    fn finish_first(&self, error: Option<Error>) {
        if let Some(link) = self.unsent.move_front_to(&self.sent) {
            if let Some(error) = error {
                // SAFETY: a request in a list is alive.
                unsafe { (*container_of!(link, Send, link)).error.set(error.code()) };
            }
            self.loop_().queue_pending(&self.watcher);
        }
    }

    pub(super) fn fail_unsent(&self, error: Error) {
        while !self.unsent.is_empty() {
            self.finish_first(Some(error));
        }
    }

    fn wait_writable(&self, error: Error) {
        match self.watcher.arm_after(&self.loop_().poller, Interest::WRITABLE, error) {
            Ok(()) => self.handle.set(flag::UDP_BLOCKED),
            Err(error) => self.fail_unsent(error),
        }
    }

    /// Continues sending, and calls the callbacks of sent datagrams.
    pub(super) fn progress_sends(&self) {
        if self.is_open() {
            self.send_unsent();
        }
        self.call_sent();
        if self.is_open() && self.unsent.is_empty() {
            self.watcher.disarm(&self.loop_().poller, Interest::WRITABLE);
        }
    }

    pub(super) fn call_sent(&self) {
        // The flag is already set if a callback has left the loop by an exception.
        if self.sent.is_empty() && !self.handle.has(flag::UDP_CALLING) {
            return;
        }
        self.handle.set(flag::UDP_CALLING);
        // Datagrams that the callbacks send are called back in the next round.
        let last = self.sent.back();
        while let Some(link) = self.sent.pop_front() {
            // SAFETY: a request is alive until its callback, which is called below.
            let send = unsafe { &*container_of!(link, Send, link) };
            self.loop_().request_ended(send);
            self.send_queue_size.set(self.send_queue_size.get().wrapping_sub(send.size.get()));
            self.send_queue_count.set(self.send_queue_count.get() - 1);
            let buffers = send.buffers.replace(core::ptr::null_mut());
            if !core::ptr::eq(buffers, send.few.get().cast()) {
                // SAFETY: not `few`, hence allocated with `memory`.
                unsafe { memory::free(buffers.cast()) };
            }
            let status = send.error.get();
            if let Some(callback) = send.callback.get() {
                let request = core::ptr::from_ref(send).cast_mut().cast();
                // SAFETY: the user's function, called with the request that it was given for.
                call_user(self.loop_(), Callback::Send, send, callback as *const (), || unsafe {
                    callback(request, status)
                });
            }
            if last == Some(link) {
                break;
            }
        }
        self.handle.clear(flag::UDP_CALLING);
        self.deactivate_if_idle();
    }

    /// Fails with `EAGAIN` if datagrams are queued, which come first.
    fn check_may_try(&self) -> Result {
        if self.send_queue_count.get() != 0 {
            return Err(Error::EAGAIN);
        }
        Ok(())
    }

    /// # Safety
    /// As for `uv_udp_try_send`.
    unsafe fn try_send(&self, buffers: &[uv_buf_t], address: *const sockaddr) -> Result<c_int> {
        // SAFETY: as documented.
        unsafe {
            let to = self.destination(address)?;
            self.check_may_try()?;
            self.ensure_sender(to)?;
            match datagram::send(self.fd(), to, buffers) {
                Ok(length) => Ok(c_int::try_from(length).unwrap_or(c_int::MAX)),
                Err(Error::ENOBUFS) => Err(Error::EAGAIN),
                Err(error) => Err(error),
            }
        }
    }

    /// # Safety
    /// As for `uv_udp_try_send2`.
    unsafe fn try_send_many(&self, messages: &Messages) -> Result<usize> {
        self.check_may_try()?;
        for index in 0..messages.count {
            // SAFETY: as documented.
            unsafe { self.message(messages, index)? };
        }
        if messages.count == 0 || !self.is_open() {
            return Err(Error::EINVAL);
        }
        let mut sent = 0;
        while sent < messages.count {
            let end = messages.count.min(sent + BATCH);
            let fill = |outbox: &mut Outbox| {
                // SAFETY: as documented.
                (sent..end).try_for_each(|index| unsafe {
                    let (to, buffers) = self.message(messages, index)?;
                    outbox.push(to, buffers);
                    Ok(())
                })
            };
            // SAFETY: as documented.
            match unsafe { self.send_batch(fill) } {
                Ok(0) => break,
                // After fewer than all, the next call returns the error, or sends without segmentation.
                Ok(more) => sent += more,
                // The error is returned again when the rest is sent.
                Err(_) if sent > 0 => break,
                Err(Error::ENOBUFS) => return Err(Error::EAGAIN),
                Err(error) => return Err(error),
            }
        }
        Ok(sent)
    }

    /// Returns one of the datagrams passed to `uv_udp_try_send2`.
    ///
    /// # Safety
    /// As for `uv_udp_try_send2`; `index` is less than `count`.
    unsafe fn message<'a>(
        &self,
        messages: &Messages,
        index: usize,
    ) -> Result<(Destination, &'a [uv_buf_t])> {
        // SAFETY: as documented.
        unsafe {
            let address = match messages.addresses.is_null() {
                true => core::ptr::null(),
                false => messages.addresses.add(index).read(),
            };
            let to = self.destination(address)?;
            let buffers =
                slice(messages.buffers.add(index).read(), messages.buffer_counts.add(index).read());
            Ok((to, buffers?))
        }
    }
}

/// The arrays passed to `uv_udp_try_send2`.
struct Messages {
    count: usize,
    buffers: *const *mut uv_buf_t,
    buffer_counts: *const c_uint,
    addresses: *const *mut sockaddr,
}

/// Returns the buffers that C passed. Fails if there is none, if the count is negative as an `int`, or if
/// they are longer than the kernel accepts in one call.
///
/// # Safety
/// `buffers` points to `count` buffers if that is in range.
unsafe fn slice<'a>(buffers: *const uv_buf_t, count: c_uint) -> Result<&'a [uv_buf_t]> {
    if buffers.is_null() || count == 0 || c_int::try_from(count).is_err() {
        return Err(Error::EINVAL);
    }
    // SAFETY: as documented.
    let buffers = unsafe { core::slice::from_raw_parts(buffers, count as usize) };
    if total(buffers) > MAX_RW_COUNT {
        return Err(Error::EINVAL);
    }
    Ok(buffers)
}

/// Sends the buffers as one datagram to `addr`, or to the peer if that is NULL. The array and the address
/// may be reused after the call; the memory of the buffers must stay valid and unchanged until `send_cb`,
/// which may be NULL, is called. Creates the socket, bound to the wildcard address and a port that the kernel
/// chooses, unless the handle has one.
///
/// Returns 0, `UV_EINVAL` if there is no buffer or the family of the address is not supported,
/// `UV_EISCONN` for an address if the handle is connected, `UV_EDESTADDRREQ` for none if it is not,
/// `UV_ENOMEM`, or an error of creating the socket. `send_cb` receives errors of sending. Loop thread only.
/// See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_send>.
///
/// # Safety
/// `req` is alive until `send_cb` is called; `handle` is an initialised UDP handle; `bufs` has
/// `nbufs` buffers; `addr` is NULL or points to an address of its family's size.
#[no_mangle]
pub unsafe extern "C" fn uv_udp_send(
    req: *mut uv_udp_send_t,
    handle: *mut uv_udp_t,
    bufs: *const uv_buf_t,
    nbufs: c_uint,
    addr: *const sockaddr,
    send_cb: uv_udp_send_cb,
) -> c_int {
    // SAFETY: as documented.
    unsafe {
        let udp = Udp::of(handle);
        udp.destination(addr)
            .and_then(|to| udp.send(req.cast(), slice(bufs, nbufs)?, to, send_cb))
            .into_c()
    }
}

/// Sends the buffers as one datagram if that is possible without waiting.
///
/// Returns the size of the datagram, `UV_EAGAIN` if it cannot be sent now, or an error that `uv_udp_send()`
/// returns or reports.
/// See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_try_send>.
///
/// # Safety
/// `handle` is an initialised UDP handle; `bufs` has `nbufs` buffers; `addr` is NULL or points to
/// an address of its family's size.
#[no_mangle]
pub unsafe extern "C" fn uv_udp_try_send(
    handle: *mut uv_udp_t,
    bufs: *const uv_buf_t,
    nbufs: c_uint,
    addr: *const sockaddr,
) -> c_int {
    // SAFETY: as documented.
    unsafe {
        slice(bufs, nbufs).and_then(|buffers| Udp::of(handle).try_send(buffers, addr)).into_c()
    }
}

/// Sends as many of `count` datagrams as possible without waiting, with few system calls. The handle must
/// have a socket. `flags` is 0.
///
/// Returns the number of datagrams sent, at least one; `UV_EINVAL` if `count` is 0 or for other flags;
/// `UV_EAGAIN` if none can be sent now; or another error of the first.
/// See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_try_send2>.
///
/// # Safety
/// `handle` is an initialised UDP handle; the arrays have `count` elements; `bufs[i]` has
/// `nbufs[i]` buffers; `addrs[i]` is NULL or points to an address of its family's size.
#[no_mangle]
pub unsafe extern "C" fn uv_udp_try_send2(
    handle: *mut uv_udp_t,
    count: c_uint,
    bufs: *mut *mut uv_buf_t,
    nbufs: *mut c_uint,
    addrs: *mut *mut sockaddr,
    flags: c_uint,
) -> c_int {
    if flags != 0 {
        return Error::EINVAL.code();
    }
    let messages = Messages {
        count: count as usize,
        buffers: bufs.cast_const(),
        buffer_counts: nbufs.cast_const(),
        addresses: addrs.cast_const(),
    };
    // SAFETY: as documented.
    unsafe { Udp::of(handle).try_send_many(&messages) }.map(|sent| sent as c_int).into_c()
}

/// Returns the field `send_queue_size`: the number of bytes in datagrams whose callback was not called yet.
///
/// See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_get_send_queue_size>.
///
/// # Safety
/// `handle` is an initialised UDP handle.
#[no_mangle]
pub unsafe extern "C" fn uv_udp_get_send_queue_size(handle: *const uv_udp_t) -> usize {
    // SAFETY: as documented.
    unsafe { Udp::of_reading(handle) }.send_queue_size.get()
}

/// Returns the field `send_queue_count`: the number of datagrams whose callback was not called yet.
///
/// See <https://docs.libuv.org/en/v1.x/udp.html#c.uv_udp_get_send_queue_count>.
///
/// # Safety
/// `handle` is an initialised UDP handle.
#[no_mangle]
pub unsafe extern "C" fn uv_udp_get_send_queue_count(handle: *const uv_udp_t) -> usize {
    // SAFETY: as documented.
    unsafe { Udp::of_reading(handle) }.send_queue_count.get()
}
