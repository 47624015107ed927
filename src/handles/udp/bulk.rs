//! Messages of several datagrams, and datagrams that were received and not reported yet.
//!
//! The kernel can deliver the datagrams of one sender as one message (generic receive offload), which saves
//! most of the cost of a small datagram. The library asks for that when a socket has many datagrams in a row,
//! and stops when none were merged for some time: reading a message costs more than reading a datagram.
//!
//! Another reader of the socket would not see where a datagram ends. So it is not asked for a socket that came
//! from outside, or that another process may have since a fork, and it ends when the user gets the descriptor.
//! The datagrams in the socket are then received at once, and held until it is reported.

use super::receive::DATAGRAM_SIZE;
use super::Udp;
use crate::abi::*;
use crate::fork;
use crate::handles::flag;
use crate::memory;
use crate::sys;
use crate::sys::datagram::{self, Received};
use core::cell::Cell;
use core::ffi::{c_char, c_int};
use core::mem::{size_of, MaybeUninit};
use core::ptr;
use libc::{sockaddr, sockaddr_storage};

/// Messages in a row with one datagram each that end the merging.
const SINGLES: u32 = 64;

/// How many times a socket has to have many datagrams in a row before merging is tried again: the first
/// number, and the largest.
const PAUSES: (u32, u32) = (16, 4096);

/// How often a socket that other readers are to use is emptied, if datagrams keep coming, and the most messages
/// that are taken each time.
const DRAINS: usize = 16;
const MESSAGES: usize = 4096;

/// A message in the user's buffer.
pub(super) struct Message {
    pub base: *mut c_char,
    pub received: Received,
    /// The size of each datagram except the last, or 0 if there is one.
    pub segment: usize,
    pub from: *const sockaddr,
}

/// A received message, in memory of the library. Its bytes follow.
struct Held {
    next: Cell<*mut Held>,
    /// The offsets of the first datagram that was not reported, and of the end.
    start: Cell<usize>,
    end: Cell<usize>,
    segment: Cell<usize>,
    truncated: Cell<bool>,
    from: Cell<MaybeUninit<sockaddr_storage>>,
    from_length: Cell<usize>,
}

impl Held {
    /// Allocates a message with room for `size` bytes. It is freed with `memory::free`.
    fn new(size: usize) -> Result<*mut Held> {
        let held = memory::malloc(size_of::<Held>() + size)?.cast::<Held>().as_ptr();
        // SAFETY: the block is large enough and new.
        unsafe {
            held.write(Held {
                next: Cell::new(ptr::null_mut()),
                start: Cell::new(0),
                end: Cell::new(0),
                segment: Cell::new(0),
                truncated: Cell::new(false),
                from: Cell::new(MaybeUninit::uninit()),
                from_length: Cell::new(0),
            });
        }
        Ok(held)
    }

    /// # Safety
    /// `this` came from [`Held::new`].
    unsafe fn bytes(this: *mut Held) -> *mut c_char {
        // SAFETY: as documented; they follow the struct.
        unsafe { this.add(1).cast() }
    }

    fn set(&self, received: &Received, segment: usize) {
        self.start.set(0);
        self.end.set(received.length);
        self.segment.set(segment);
        self.truncated.set(received.truncated);
        self.from_length.set(received.address_length);
    }

    /// Returns the size of the first datagram that was not reported.
    fn first_length(&self) -> usize {
        let left = self.end.get() - self.start.get();
        if self.segment.get() == 0 {
            left
        } else {
            left.min(self.segment.get())
        }
    }

    fn datagrams(&self) -> usize {
        let left = self.end.get() - self.start.get();
        if self.segment.get() == 0 {
            1
        } else {
            left.div_ceil(self.segment.get())
        }
    }
}

/// The state of a handle that has received many datagrams in a row.
struct Bulk {
    /// Whether messages may have several datagrams.
    merging: Cell<bool>,
    /// The number of messages since one with several datagrams.
    singles: Cell<u32>,
    /// How many more times the socket has to have many datagrams in a row before merging is tried.
    wait: Cell<u32>,
    /// The next `wait`.
    pause: Cell<u32>,
    /// The messages that are held.
    first: Cell<*mut Held>,
    last: Cell<*mut Held>,
    /// Room for the largest message, while no message is in it.
    room: Cell<*mut Held>,
    /// The message that is always in `room`.
    reused: Cell<*mut Held>,
}

impl Bulk {
    fn push(&self, held: *mut Held) {
        let last = self.last.replace(held);
        if last.is_null() {
            self.first.set(held);
        } else {
            // SAFETY: held messages are alive.
            unsafe { (*last).next.set(held) };
        }
    }

    fn pop(&self) -> *mut Held {
        let first = self.first.get();
        // SAFETY: held messages are alive.
        if let Some(held) = unsafe { first.as_ref() } {
            self.first.set(held.next.replace(ptr::null_mut()));
            if self.first.get().is_null() {
                self.last.set(ptr::null_mut());
            }
        }
        first
    }

    /// Frees a message that was taken out, or keeps it for the next one.
    fn release(&self, held: *mut Held) {
        if held == self.reused.get() {
            self.room.set(held);
        } else {
            // SAFETY: it came from `Held::new`, and is in no list.
            unsafe { memory::free(held.cast()) };
        }
    }

    /// Copies the next datagram and its sender's address, and removes it.
    ///
    /// # Safety
    /// `buffer` is writable.
    unsafe fn take(
        &self,
        buffer: &uv_buf_t,
        from: &mut MaybeUninit<sockaddr_storage>,
    ) -> Option<Received> {
        let first = self.first.get();
        // SAFETY: held messages are alive.
        let held = unsafe { first.as_ref() }?;
        let size = held.first_length();
        let received = Received {
            length: size.min(buffer.len),
            truncated: held.truncated.get() || size > buffer.len,
            address_length: held.from_length.get(),
        };
        *from = held.from.get();
        let last = held.datagrams() == 1;
        // SAFETY: the message has the bytes, and the buffer room for them. They do not overlap.
        unsafe {
            let bytes = Held::bytes(first).add(held.start.get());
            ptr::copy_nonoverlapping(bytes, buffer.base, received.length);
        }
        held.start.set(held.start.get() + size);
        if last {
            self.release(self.pop());
        }
        Some(received)
    }
}

impl Udp {
    /// Returns the state, which [`Udp::free_bulk`] frees: it is not kept across a callback.
    fn bulk(&self) -> Option<&Bulk> {
        // SAFETY: set by `ensure_bulk`, or NULL.
        unsafe { self.handle.extra.get().cast::<Bulk>().as_ref() }
    }

    fn ensure_bulk(&self) -> Result<&Bulk> {
        if let Some(bulk) = self.bulk() {
            return Ok(bulk);
        }
        let bulk = memory::malloc(size_of::<Bulk>())?.cast::<Bulk>().as_ptr();
        // SAFETY: the block is large enough and new.
        unsafe {
            bulk.write(Bulk {
                merging: Cell::new(false),
                singles: Cell::new(0),
                wait: Cell::new(0),
                pause: Cell::new(PAUSES.0),
                first: Cell::new(ptr::null_mut()),
                last: Cell::new(ptr::null_mut()),
                room: Cell::new(ptr::null_mut()),
                reused: Cell::new(ptr::null_mut()),
            });
        }
        self.handle.extra.set(bulk.cast());
        // SAFETY: just written.
        Ok(unsafe { &*bulk })
    }

    pub(super) fn free_bulk(&self) {
        let Some(bulk) = self.bulk() else { return };
        let room = bulk.room.get();
        let mut held = bulk.pop();
        while !held.is_null() {
            // SAFETY: it came from `Held::new`, and is in no list any more.
            unsafe { memory::free(held.cast()) };
            held = bulk.pop();
        }
        let state = self.handle.extra.replace(ptr::null_mut());
        // SAFETY: the blocks came from `memory`, and nothing refers to them any more.
        unsafe {
            memory::free(room.cast());
            memory::free(state);
        }
    }

    #[inline(always)]
    pub(super) fn has_bulk(&self) -> bool {
        !self.handle.extra.get().is_null()
    }

    pub(super) fn has_held(&self) -> bool {
        self.bulk().is_some_and(|bulk| !bulk.first.get().is_null())
    }

    pub(super) fn is_merging(&self) -> bool {
        self.bulk().is_some_and(|bulk| bulk.merging.get())
    }

    /// Asks the kernel to merge datagrams if that may pay: called when the socket had many in a row.
    #[cold]
    pub(super) fn try_merging(&self) {
        let forked = self.loop_().state.forks != fork::count();
        if forked || self.handle.has(flag::UDP_SHARED | flag::UDP_NO_SEGMENTS) || !self.is_open() {
            return;
        }
        let Ok(bulk) = self.ensure_bulk() else { return };
        if bulk.merging.get() {
            return;
        }
        if bulk.wait.get() > 0 {
            return bulk.wait.set(bulk.wait.get() - 1);
        }
        if bulk.reused.get().is_null() && !self.handle.has(flag::UDP_RECVMMSG) {
            let Ok(room) = Held::new(DATAGRAM_SIZE) else { return };
            bulk.reused.set(room);
            bulk.room.set(room);
        }
        if datagram::set_merging(self.fd(), true).is_err() {
            // The kernel cannot do it.
            return self.handle.set(flag::UDP_SHARED);
        }
        bulk.merging.set(true);
        bulk.singles.set(0);
    }

    /// Counts messages with one datagram each, given the sizes of the datagrams in received messages.
    pub(super) fn count_messages(&self, segments: impl Iterator<Item = usize>) {
        let Some(bulk) = self.bulk() else { return };
        for segment in segments {
            bulk.singles.set(if segment == 0 { bulk.singles.get() + 1 } else { 0 });
            if segment != 0 {
                bulk.pause.set(PAUSES.0);
            }
        }
    }

    /// Ends merging if there were many messages with one datagram in a row. Called when the socket was found
    /// empty.
    pub(super) fn end_merging_if_unused(&self) {
        let Some(bulk) = self.bulk() else { return };
        let unused = bulk.singles.get() >= SINGLES || self.handle.has(flag::UDP_SHARED);
        if bulk.merging.get() && unused && self.end_merging() {
            let (first, most) = PAUSES;
            bulk.wait.set(bulk.pause.get());
            bulk.pause.set((bulk.pause.get() * first).min(most));
        }
    }

    /// Ends merging, unless a message has come since the socket was found empty: without merging, the kernel
    /// does not tell the size of the datagrams in it.
    fn end_merging(&self) -> bool {
        let fd = self.fd();
        if datagram::set_merging(fd, false).is_err() {
            return false;
        }
        let is_empty = sys::fd::poll_now(fd, libc::POLLIN) == Ok(0);
        let ended = is_empty || datagram::set_merging(fd, true).is_err();
        if let Some(bulk) = self.bulk() {
            bulk.merging.set(!ended);
        }
        ended
    }

    /// Returns whether [`Udp::receive_in_bulk`] is to be called.
    #[cold]
    pub(super) fn needs_bulk(&self) -> bool {
        self.has_held() || (self.is_merging() && !self.handle.has(flag::UDP_RECVMMSG))
    }

    /// Reports a message that is held; otherwise receives one. Returns the number of datagrams, or `None` if
    /// nothing is left or the handle does not receive any more.
    pub(super) fn receive_in_bulk(&self) -> Option<usize> {
        if self.handle.has(flag::UDP_RECVMMSG) {
            return self.deliver_whole();
        }
        if self.has_held() {
            return self.deliver(None);
        }
        let buffer = self.next_buffer()?;
        let bulk = self.bulk()?;
        let room = bulk.room.replace(ptr::null_mut());
        if room.is_null() {
            // `alloc_cb` has run the loop, which left a part of a message.
            return self.deliver(Some(buffer));
        }
        // SAFETY: it came from `Held::new` with this size, and holds no message.
        match unsafe { receive_into(self.fd(), room) } {
            Ok(segment) => {
                bulk.push(room);
                self.count_messages(core::iter::once(segment));
                self.deliver(Some(buffer))
            }
            Err(error) => {
                bulk.room.set(room);
                self.end(error, &buffer)
            }
        }
    }

    #[inline(never)]
    pub(super) fn next_buffer(&self) -> Option<uv_buf_t> {
        self.allocate()
    }

    /// Copies the datagrams of the first message to a buffer each, beginning with `buffer`.
    fn deliver(&self, buffer: Option<uv_buf_t>) -> Option<usize> {
        let mut buffer = buffer;
        // SAFETY: held messages are alive.
        let count = unsafe { self.bulk()?.first.get().as_ref() }?.datagrams();
        for _ in 0..count {
            if !self.has_held() {
                break;
            }
            let buffer = match buffer.take() {
                Some(buffer) => buffer,
                None => self.next_buffer()?,
            };
            let mut from = MaybeUninit::uninit();
            // SAFETY: the user's buffer is writable.
            match self.bulk().and_then(|bulk| unsafe { bulk.take(&buffer, &mut from) }) {
                Some(received) => {
                    self.report_datagram(&received, &buffer, from.as_ptr().cast(), 0);
                }
                // A callback has run the loop, which has reported them.
                None => self.report(Ok(0), &buffer),
            }
            if !self.handle.has(flag::READING) {
                return None;
            }
        }
        Some(count)
    }

    /// Copies the first message to a buffer of the user, and reports its datagrams in there.
    fn deliver_whole(&self) -> Option<usize> {
        let buffer = self.next_buffer()?;
        let held = self.bulk().map_or(ptr::null_mut(), Bulk::pop);
        if held.is_null() {
            self.report(Ok(0), &buffer);
            return Some(1);
        }
        // SAFETY: held messages are alive.
        let this = unsafe { &*held };
        let (start, count) = (this.start.get(), this.datagrams());
        let length = this.end.get() - start;
        let from = this.from.get();
        let received = Received {
            length: length.min(buffer.len),
            truncated: this.truncated.get(),
            address_length: this.from_length.get(),
        };
        let message = Message {
            base: buffer.base,
            received,
            segment: this.segment.get(),
            from: from.as_ptr().cast(),
        };
        // SAFETY: the buffer has room for a whole message; they do not overlap.
        unsafe {
            ptr::copy_nonoverlapping(Held::bytes(held).add(start), buffer.base, received.length);
        }
        // SAFETY: it came from `Held::new`, and is in no list any more.
        unsafe { memory::free(held.cast()) };
        if let Some(offset) = self.report_message(&message) {
            // SAFETY: `offset` bytes of the message were reported.
            unsafe { self.hold(&message, offset, true) };
        }
        self.call(self.recv_cb.get(), 0, &buffer, ptr::null(), UV_UDP_MMSG_FREE);
        self.handle.has(flag::READING).then_some(count)
    }

    /// Copies a message from `offset` on, to be reported before all others that are held, or after them. Without
    /// memory it is lost.
    ///
    /// # Safety
    /// The message has a datagram at `offset`, or no bytes at all.
    #[cold]
    #[inline(never)]
    pub(super) unsafe fn hold(&self, message: &Message, offset: usize, before: bool) {
        // SAFETY: as documented.
        let (Ok(bulk), Ok(held)) = (self.ensure_bulk(), unsafe { copy(message, offset) }) else {
            return;
        };
        if before && !bulk.first.get().is_null() {
            // SAFETY: just made.
            unsafe { (*held).next.set(bulk.first.replace(held)) };
        } else {
            bulk.push(held);
        }
    }

    /// Prepares the socket for another reader: it gets single datagrams. Those that are in the socket are
    /// received.
    #[cold]
    pub fn share(&self) {
        self.handle.set(flag::UDP_SHARED);
        if !self.is_merging() {
            return;
        }
        for _ in 0..DRAINS {
            if self.drain().is_err() || self.end_merging() {
                break;
            }
        }
        if self.has_held() && self.handle.has(flag::READING) {
            self.watcher.readable.set(true);
            self.requeue();
        }
    }

    /// Receives and holds the messages in the socket. Fails if the memory does not suffice.
    fn drain(&self) -> Result {
        let bulk = self.ensure_bulk()?;
        for _ in 0..MESSAGES {
            let held = Held::new(DATAGRAM_SIZE)?;
            // SAFETY: new, with this size.
            if unsafe { receive_into(self.fd(), held) }.is_err() {
                // SAFETY: it is in no list.
                unsafe { memory::free(held.cast()) };
                break;
            }
            // SAFETY: it is in no list, and the message is in the part that stays.
            let shrunk =
                unsafe { memory::realloc(held.cast(), size_of::<Held>() + (*held).end.get()) };
            bulk.push(shrunk.map_or(held, |block| block.cast().as_ptr()));
        }
        Ok(())
    }
}

/// Receives a message. Returns the size of the datagrams in it, or 0 if it is one.
///
/// # Safety
/// `held` came from `Held::new(DATAGRAM_SIZE)`.
unsafe fn receive_into(fd: c_int, held: *mut Held) -> Result<usize> {
    let mut from = MaybeUninit::uninit();
    // SAFETY: as documented.
    unsafe {
        let buffer = uv_buf_t { base: Held::bytes(held), len: DATAGRAM_SIZE };
        let (received, segment) = datagram::receive_merged(fd, &buffer, &mut from)?;
        (*held).set(&received, segment);
        (*held).from.set(from);
        Ok(segment)
    }
}

/// Copies a message from `offset` on.
///
/// # Safety
/// The message has a datagram at `offset`, or no bytes at all.
unsafe fn copy(message: &Message, offset: usize) -> Result<*mut Held> {
    let length = message.received.length - offset;
    let held = Held::new(length)?;
    // SAFETY: as documented; there is room for the bytes, and for an address of this length.
    unsafe {
        (*held).set(&Received { length, ..message.received }, message.segment);
        ptr::copy_nonoverlapping(message.base.add(offset), Held::bytes(held), length);
        let mut from = MaybeUninit::<sockaddr_storage>::uninit();
        let size = message.received.address_length.min(size_of::<sockaddr_storage>());
        ptr::copy_nonoverlapping(message.from.cast::<u8>(), from.as_mut_ptr().cast(), size);
        (*held).from.set(from);
    }
    Ok(held)
}
