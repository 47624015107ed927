//! Passing descriptors over pipes.
//!
//! A descriptor is sent with the first byte of its write. The kernel ends a read after data that has
//! descriptors, so they arrive in order with the data. Received descriptors are kept in the stream, the
//! first in `accepted_fd` and the others in `extra`, until `uv_accept` takes them or the stream is closed. While
//! many wait the pipe is not read, so that a peer cannot use up the memory and descriptors of this process.

use super::pipe::Pipe;
use super::Stream;
use crate::abi::*;
use crate::ffi::Overlay;
use crate::handles::Handle;
use crate::memory::{self, Array};
use crate::os::uv_guess_handle;
use crate::sys;
use core::cell::{Cell, RefCell};
use core::ffi::c_int;
use mio::Interest;

/// A pipe with this many descriptors, or more, is not read. A message has up to 253, so up to 508 wait.
const MANY: usize = 256;

/// The descriptors after the first, in order of arrival.
pub struct Queue {
    fds: RefCell<Array<c_int>>,
    /// The number of descriptors at the front that were taken.
    taken: Cell<usize>,
}

impl Queue {
    fn len(&self) -> usize {
        self.fds.borrow().len() - self.taken.get()
    }

    fn push(&self, fd: c_int) -> Result {
        let mut fds = self.fds.borrow_mut();
        // Reuses the space of taken ones when they are more than half: O(1) amortized.
        let taken = self.taken.get();
        if taken > fds.len() / 2 {
            fds.copy_within(taken.., 0);
            for _ in 0..self.taken.replace(0) {
                fds.pop();
            }
        }
        fds.push(fd)
    }
}

impl Stream {
    /// Returns the stream as a pipe if descriptors can be passed over it.
    pub(super) fn as_ipc(&self) -> Option<&Pipe> {
        self.as_pipe().filter(|pipe| pipe.is_ipc())
    }

    /// Fails unless the handle can be sent over this stream.
    ///
    /// # Safety
    /// `handle` is an initialised handle.
    pub(super) unsafe fn check_sendable(&self, handle: *const uv_stream_t) -> Result {
        if self.as_ipc().is_none() {
            return Err(Error::EINVAL);
        }
        // SAFETY: as documented.
        unsafe { descriptor_of(handle.cast()) }.map(drop)
    }

    fn queue(&self) -> Option<&Queue> {
        self.as_pipe()?;
        // SAFETY: `extra` of a pipe is NULL, or allocated by `keep_descriptor` and not freed.
        unsafe { self.extra.get().cast::<Queue>().as_ref() }
    }

    /// Keeps a received descriptor for `uv_accept`.
    pub(super) fn keep_descriptor(&self, fd: c_int) -> Result {
        if self.accepted_fd.get() == -1 {
            self.accepted_fd.set(fd);
            return Ok(());
        }
        let queue = match self.queue() {
            Some(queue) => queue,
            None => {
                let memory = memory::malloc(size_of::<Queue>())?.cast::<Queue>();
                let empty = Queue { fds: RefCell::new(Array::new()), taken: Cell::new(0) };
                self.extra.set(memory.as_ptr().cast());
                // SAFETY: the memory is fresh, of the right size and aligned as by malloc.
                unsafe {
                    memory.write(empty);
                    memory.as_ref()
                }
            }
        };
        queue.push(fd)
    }

    /// Returns whether the stream is not to be read until the user has accepted descriptors.
    #[inline(always)]
    pub(super) fn has_many_descriptors(&self) -> bool {
        // TCP handles use `extra`, too.
        !self.extra.get().is_null() && self.has_long_queue()
    }

    #[cold]
    #[inline(never)]
    fn has_long_queue(&self) -> bool {
        self.queue().is_some_and(|queue| 1 + queue.len() >= MANY)
    }

    /// Reads no more until the user has accepted descriptors. `uv_accept` registers the stream again.
    #[cold]
    #[inline(never)]
    pub(super) fn wait_for_accept(&self) {
        self.watcher.disarm(&self.loop_().poller, Interest::READABLE);
    }

    /// Moves the next descriptor to `accepted_fd`.
    pub(super) fn next_descriptor(&self) {
        let Some(queue) = self.queue() else { return };
        // The queue is empty if there was no memory for its first descriptor.
        if let Some(next) = queue.fds.borrow().get(queue.taken.get()) {
            self.accepted_fd.set(*next);
            queue.taken.set(queue.taken.get() + 1);
        }
        if queue.len() == 0 {
            self.drop_queue();
        }
    }

    fn drop_queue(&self) {
        if self.as_pipe().is_none() {
            return;
        }
        let queue = self.extra.replace(core::ptr::null_mut());
        if !queue.is_null() {
            // SAFETY: allocated by `keep_descriptor`, and no reference to it exists.
            unsafe {
                queue.cast::<Queue>().drop_in_place();
                memory::free(queue);
            }
        }
    }

    /// Closes the queued descriptors.
    pub(super) fn close_descriptors(&self) {
        if let Some(queue) = self.queue() {
            for fd in queue.fds.borrow().iter().skip(queue.taken.get()) {
                let _ = sys::fd::close(*fd);
            }
        }
        self.drop_queue();
    }
}

/// Returns the descriptor of a handle that is to be sent.
///
/// # Safety
/// `handle` is an initialised handle.
pub(super) unsafe fn descriptor_of(handle: *const uv_handle_t) -> Result<c_int> {
    // SAFETY: as documented.
    let handle = unsafe { Handle::of(handle) };
    match handle.kind() {
        UV_TCP | UV_NAMED_PIPE | UV_UDP => handle.shared_fd().map_err(|_| Error::EBADF),
        _ => Err(Error::EBADF),
    }
}

/// Returns the number of handles received over the pipe that `uv_accept()` can take.
///
/// While 256 or more wait, nothing is read from the pipe.
///
/// See <https://docs.libuv.org/en/v1.x/pipe.html#c.uv_pipe_pending_count>.
///
/// # Safety
/// `handle` is an initialised pipe.
#[no_mangle]
pub unsafe extern "C" fn uv_pipe_pending_count(handle: *mut uv_pipe_t) -> c_int {
    // SAFETY: as documented.
    let stream = unsafe { Stream::of(handle) };
    if stream.as_ipc().is_none() || stream.accepted_fd.get() == -1 {
        return 0;
    }
    c_int::try_from(1 + stream.queue().map_or(0, Queue::len)).unwrap_or(c_int::MAX)
}

/// Returns the type of handle to pass to the next `uv_accept()` on the pipe, or `UV_UNKNOWN_HANDLE` if no
/// handle was received or none of the types fits.
///
/// See <https://docs.libuv.org/en/v1.x/pipe.html#c.uv_pipe_pending_type>.
///
/// # Safety
/// `handle` is an initialised pipe.
#[no_mangle]
pub unsafe extern "C" fn uv_pipe_pending_type(handle: *mut uv_pipe_t) -> uv_handle_type {
    // SAFETY: as documented.
    let stream = unsafe { Stream::of(handle) };
    match stream.accepted_fd.get() {
        fd if fd != -1 && stream.as_ipc().is_some() => uv_guess_handle(fd),
        _ => UV_UNKNOWN_HANDLE,
    }
}
