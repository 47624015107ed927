use crate::abi::Result;
use crate::memory;
use crate::sys;
use core::cell::{Cell, UnsafeCell};
use core::ffi::c_int;

/// Messages that were read from a descriptor and are dispatched one after another.
///
/// They are not on the stack: when a callback leaves the loop, the rest stays for the next dispatch.
#[repr(C, align(8))]
pub struct Unread<const N: usize> {
    buffer: UnsafeCell<[u8; N]>,
    start: Cell<usize>,
    end: Cell<usize>,
}

impl<const N: usize> Unread<N> {
    /// Returns the messages not dispatched yet. They may not be used after [`Unread::fill`].
    pub fn rest(&self) -> &[u8] {
        // SAFETY: only `fill` writes to the buffer.
        let buffer = unsafe { &*self.buffer.get() };
        buffer.get(self.start.get()..self.end.get()).unwrap_or_default()
    }

    /// Sorts the messages that are left, each of `SIZE` bytes. Equal ones stay in their order.
    pub fn sort_rest<const SIZE: usize>(&self, key: impl Fn(&[u8; SIZE]) -> u64) {
        let mut messages: Vec<[u8; SIZE]> =
            self.rest().chunks_exact(SIZE).filter_map(|message| message.try_into().ok()).collect();
        messages.sort_by_key(key);
        // SAFETY: no message is in use, as `rest` documents.
        let buffer = unsafe { &mut *self.buffer.get() };
        let rest = buffer.get_mut(self.start.get()..self.end.get()).unwrap_or_default();
        for (place, message) in rest.chunks_exact_mut(SIZE).zip(&messages) {
            place.copy_from_slice(message);
        }
    }

    /// Marks the first `size` bytes of the rest as dispatched.
    pub fn advance(&self, size: usize) {
        self.start.set(self.start.get() + size);
    }

    /// Reads messages in place of the dispatched ones. Returns whether there were any.
    pub fn fill(&self, fd: c_int) -> bool {
        self.fill_by(|buffer| sys::fd::read_bytes(fd, buffer))
    }

    /// As [`Unread::fill`], with a function that returns how many bytes it wrote.
    pub fn fill_by(&self, read: impl FnOnce(&mut [u8]) -> Result<usize>) -> bool {
        self.clear();
        // SAFETY: no message of an earlier read is used any more, as `rest` documents.
        let length = read(unsafe { &mut *self.buffer.get() }).unwrap_or(0);
        self.end.set(length);
        length > 0
    }

    /// Returns whether the latest read left `room` bytes of the buffer unused, hence found all messages.
    pub fn had_room(&self, room: usize) -> bool {
        self.end.get() > 0 && self.end.get() + room <= N
    }

    pub fn clear(&self) {
        self.start.set(0);
        self.end.set(0);
    }
}

/// Allocates a `T` of zeros.
///
/// # Safety
/// Zeros are a valid `T`.
pub unsafe fn zeroed<T>() -> Result<*const T> {
    Ok(memory::calloc(1, size_of::<T>())?.cast::<T>().as_ptr())
}
