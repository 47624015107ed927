//! Writing to streams.

use super::Stream;
use crate::abi::*;
use crate::check;
use crate::ffi::{call_user, overlay, Object, Overlay};
use crate::handles::flag;
use crate::list::{container_of, Link};
use crate::memory;
use crate::observe::layout::Callback;
use crate::observe::{self, layout, offsets, Caller};
use crate::requests::Request;
use crate::sys;
use core::cell::{Cell, UnsafeCell};
use core::ffi::{c_int, c_uint};
use core::mem::{size_of, MaybeUninit};
use mio::Interest;

/// The most writes on one stream before the next stream has its turn.
const WRITES_IN_A_ROW: usize = 32;

#[repr(C)]
pub struct Write {
    request: Request,
    callback: Cell<uv_write_cb>,
    send_handle: Cell<*mut uv_stream_t>,
    stream: Cell<*const Stream>,
    link: Link,
    /// The index of the first buffer that is not completely written. It is shortened as it is written.
    index: Cell<c_uint>,
    /// The low bits of the loop's time when the write had to wait, or 0.
    began: Cell<u32>,
    /// A copy of the user's array: `few`, or allocated if it is longer.
    buffers: Cell<*mut uv_buf_t>,
    count: Cell<c_uint>,
    error: Cell<c_int>,
    few: UnsafeCell<MaybeUninit<[uv_buf_t; 4]>>,
}

overlay!(Write {
    request,
    callback,
    send_handle,
    stream,
    link,
    index,
    began,
    buffers,
    count,
    error,
    few,
} => uv_write_t);
const _: () = {
    use core::mem::offset_of;
    assert!(offset_of!(Write, callback) == offset_of!(uv_write_t, cb));
    assert!(offset_of!(Write, send_handle) == offset_of!(uv_write_t, send_handle));
    assert!(offset_of!(Write, stream) == offset_of!(uv_write_t, handle));
    assert!(offset_of!(Write, few) == offset_of!(uv_write_t, bufsml));
};

pub const OFFSETS: layout::WriteOffsets = offsets!(
    WriteOffsets,
    Write {
        callback: callback,
        stream: stream,
        link: link,
        index: index,
        buffers: buffers,
        count: count,
        began: began,
    }
);

impl Write {
    /// # Safety
    /// As for `uv_write2`; `buffers` are the buffers passed to it.
    unsafe fn init(
        at: *mut Write,
        stream: &Stream,
        buffers: &[uv_buf_t],
        send_handle: *mut uv_stream_t,
        callback: uv_write_cb,
    ) -> Result {
        // SAFETY: `at` points to a request, as documented; only an address is computed.
        let few = unsafe { (&raw mut (*at).few).cast::<uv_buf_t>() };
        let copy = if buffers.len() <= 4 {
            few
        } else {
            memory::malloc(size_of_val(buffers))?.as_ptr().cast()
        };
        // SAFETY: as documented. `copy` has room for the buffers, and does not overlap them.
        unsafe {
            Request::init(at, UV_WRITE, |request| Write {
                request,
                callback: Cell::new(callback),
                send_handle: Cell::new(send_handle),
                stream: Cell::new(stream),
                link: Link::new(),
                index: Cell::new(0),
                began: Cell::new(0),
                buffers: Cell::new(copy),
                count: Cell::new(buffers.len() as c_uint),
                error: Cell::new(0),
                few: UnsafeCell::new(MaybeUninit::uninit()),
            });
            core::ptr::copy_nonoverlapping(buffers.as_ptr(), copy, buffers.len());
        }
        Ok(())
    }

    /// Records since when the write waits, for readers of other processes.
    fn set_began(&self, stream: &Stream) {
        if self.began.get() == 0 {
            self.began.set(stream.loop_().now() as u32);
        }
    }

    /// Returns the buffers that are not written yet.
    fn rest(&self) -> &[uv_buf_t] {
        let index = self.index.get();
        // SAFETY: `buffers` holds `count` buffers, and `index` does not exceed that.
        unsafe {
            core::slice::from_raw_parts(
                self.buffers.get().add(index as usize),
                (self.count.get() - index) as usize,
            )
        }
    }

    fn size(&self) -> usize {
        sys::fd::total(self.rest())
    }

    /// Advances over `length` written bytes. Returns whether all are written.
    fn advance(&self, mut length: usize) -> bool {
        self.request.written.set(self.request.written.get() + length);
        while self.index.get() < self.count.get() {
            // SAFETY: the index is in range, and no slice of the buffers is in use here.
            let buffer = unsafe { &mut *self.buffers.get().add(self.index.get() as usize) };
            if length < buffer.len {
                // SAFETY: `length` is less than the buffer's.
                buffer.base = unsafe { buffer.base.add(length) };
                buffer.len -= length;
                return false;
            }
            length -= buffer.len;
            self.index.set(self.index.get() + 1);
        }
        true
    }

    fn is_finished(&self) -> bool {
        self.error.get() != 0 || self.index.get() == self.count.get()
    }

    pub fn cancel(&self) -> Result {
        // SAFETY: the stream is not closed before the callback of its writes.
        let stream = unsafe { &*self.stream.get() };
        if stream.handle.is_closing() {
            return Err(Error::EBUSY);
        }
        if !self.is_finished() {
            stream.finish_write(self, Some(Error::ECANCELED));
        }
        Ok(())
    }
}

impl Stream {
    /// Checks the arguments of a write. Returns the number of bytes to write.
    ///
    /// # Safety
    /// `send_handle` is NULL or an initialised handle.
    #[inline]
    unsafe fn check_writable(
        &self,
        buffers: &[uv_buf_t],
        send_handle: *const uv_stream_t,
    ) -> Result<usize> {
        let total = sys::fd::total(buffers);
        if buffers.is_empty() || total > sys::fd::MAX_RW_COUNT {
            return Err(Error::EINVAL);
        }
        if !self.is_open() {
            return Err(Error::EBADF);
        }
        if !self.handle.has(flag::WRITABLE) {
            return Err(Error::EPIPE);
        }
        if !send_handle.is_null() {
            // SAFETY: not NULL, hence an initialised handle.
            unsafe { self.check_sendable(send_handle)? };
        }
        Ok(total)
    }

    /// # Safety
    /// As for `uv_write2`.
    unsafe fn write(
        &self,
        request: *mut Write,
        buffers: &[uv_buf_t],
        send_handle: *mut uv_stream_t,
        callback: uv_write_cb,
    ) -> Result {
        // SAFETY: as documented.
        let (write, total) = unsafe {
            let total = self.check_writable(buffers, send_handle)?;
            Write::init(request, self, buffers, send_handle, callback)?;
            (&*request, total)
        };
        let first = self.write_queue.is_empty();
        // A failed write counts until its callback. Those after it are not tried before, as in libuv.
        let after_failure = self.write_queue_size.get() != 0;
        if observe::is_active() {
            self.loop_().observer().write(true, write.address(), self.address(), total);
        }
        self.loop_().request_began(request);
        self.write_queue_size.set(self.write_queue_size.get() + total);
        // SAFETY: the request stays in place until its callback, before which it is unlinked.
        unsafe { self.write_queue.push_back(&write.link) };
        // Writes wait for the connection, and for earlier writes.
        if !first || !self.connect_request.get().is_null() {
            write.set_began(self);
        } else if after_failure {
            self.loop_().queue_pending(&self.watcher);
        } else {
            self.write_queued();
        }
        Ok(())
    }

    /// Writes as much of the queue as the descriptor accepts.
    fn write_queued(&self) {
        for _ in 0..WRITES_IN_A_ROW {
            let Some(link) = self.write_queue.front() else { return };
            // SAFETY: a write is alive until its callback, before which it is unlinked.
            let write = unsafe { &*container_of!(link, Write, link) };
            let is_all = write.rest().len() <= sys::fd::MAX_BUFFERS;
            // SAFETY: the user keeps the buffers and the handle alive until the write's callback.
            match unsafe { self.write_part(write.rest(), write.send_handle.get()) } {
                Ok((length, is_cut)) => {
                    write.send_handle.set(core::ptr::null_mut());
                    self.write_queue_size.set(self.write_queue_size.get() - length);
                    if write.advance(length) {
                        self.loop_().poller.expect_replies(1);
                        self.finish_write(write, None);
                    } else if is_cut {
                        // No edge comes, as there is room.
                        return self.wait_writable(write, Error::ENOBUFS);
                    } else if is_all {
                        return self.wait_writable(write, Error::EAGAIN);
                    }
                }
                Err(error @ (Error::EAGAIN | Error::ENOBUFS)) => {
                    return self.wait_writable(write, error);
                }
                Err(error) => return self.finish_write(write, Some(error)),
            }
        }
        if !self.write_queue.is_empty() {
            self.loop_().queue_pending(&self.watcher);
        }
    }

    fn wait_writable(&self, first: &Write, error: Error) {
        first.set_began(self);
        // The next event reports room for the rest and no reply, so do not spin for it.
        self.loop_().poller.expect_replies(2);
        let interest = self.interest(Interest::WRITABLE);
        if let Err(error) = self.watcher.arm_after(&self.loop_().poller, interest, error) {
            self.fail_writes(error);
        }
    }

    /// Queues the callback of the write for the next pending phase.
    fn finish_write(&self, write: &Write, error: Option<Error>) {
        if observe::is_active() {
            self.loop_().observer().write(false, write.address(), self.address(), 0);
        }
        write.error.set(error.map_or(0, Error::code));
        write.link.unlink();
        // SAFETY: it was unlinked above, and is alive until its callback.
        unsafe { self.written.push_back(&write.link) };
        self.loop_().queue_pending(&self.watcher);
    }

    #[inline]
    pub(super) fn fail_writes(&self, error: Error) {
        while let Some(link) = self.write_queue.front() {
            // SAFETY: a write is alive until its callback; `finish_write` unlinks it.
            self.finish_write(unsafe { &*container_of!(link, Write, link) }, Some(error));
        }
    }

    /// Continues writing, and calls the callbacks of finished writes.
    pub(super) fn progress_writes(&self) {
        if self.is_open() {
            self.write_queued();
        }
        self.call_written();
        if !self.write_queue.is_empty() {
            return;
        }
        if self.is_open() && self.watcher.is_level_triggered() {
            // Local sockets and pipes report an edge for every read of the peer.
            self.watcher.disarm(&self.loop_().poller, Interest::WRITABLE);
        }
        // Cancelled if a callback has closed the stream.
        self.finish_shutdown();
        if self.is_open() {
            self.note_idle();
        }
    }

    pub(super) fn call_written(&self) {
        // Writes that the callbacks start are called back in the next round.
        let last = self.written.back();
        while let Some(link) = self.written.pop_front() {
            // SAFETY: a write is alive until its callback, which is called below.
            let write = unsafe { &*container_of!(link, Write, link) };
            self.loop_().request_ended(write);
            if write.error.get() != 0 {
                self.write_queue_size.set(self.write_queue_size.get() - write.size());
            }
            let buffers = write.buffers.replace(core::ptr::null_mut());
            if !core::ptr::eq(buffers, write.few.get().cast()) {
                // SAFETY: not `few`, hence allocated with `memory`.
                unsafe { memory::free(buffers.cast()) };
            }
            let status = write.error.get();
            if let Some(callback) = write.callback.get() {
                let request = core::ptr::from_ref(write).cast_mut().cast();
                // SAFETY: the user's function, called with the request that it was given for.
                call_user(self.loop_(), Callback::Write, write, callback as *const (), || unsafe {
                    callback(request, status)
                });
            }
            if last == Some(link) {
                break;
            }
        }
    }

    /// # Safety
    /// As for `uv_try_write2`.
    unsafe fn try_write(
        &self,
        buffers: &[uv_buf_t],
        send_handle: *mut uv_stream_t,
    ) -> Result<c_int> {
        // Queued writes come first.
        if !self.connect_request.get().is_null() || self.write_queue_size.get() != 0 {
            return Err(Error::EAGAIN);
        }
        // SAFETY: as documented.
        let written = unsafe {
            self.check_writable(buffers, send_handle)?;
            self.write_part(buffers, send_handle)
        };
        match written {
            Ok((length, _)) => {
                self.loop_().poller.expect_replies(1);
                Ok(c_int::try_from(length).unwrap_or(c_int::MAX))
            }
            Err(Error::ENOBUFS) => Err(Error::EAGAIN),
            Err(error) => Err(error),
        }
    }
}

/// Returns the buffers that C passed, or none if the count is negative as an `int`.
///
/// # Safety
/// `buffers` points to `count` buffers, or `count` is 0 or more than `INT_MAX`.
unsafe fn slice<'a>(buffers: *const uv_buf_t, count: c_uint) -> &'a [uv_buf_t] {
    if buffers.is_null() || count == 0 || count > c_int::MAX as c_uint {
        return &[];
    }
    // SAFETY: as documented.
    unsafe { core::slice::from_raw_parts(buffers, count as usize) }
}

/// Writes the buffers to the stream, in order and after earlier writes. The array may be reused after the
/// call; the memory of the buffers must stay valid and unchanged until `cb`, which may be NULL, is called.
///
/// Returns 0, `UV_EINVAL` for no buffers or more than 2 GiB less a page, `UV_EBADF` if the stream is not
/// open, `UV_EPIPE` if it is not writable, or `UV_ENOMEM`. Loop thread only.
/// See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_write>.
///
/// # Safety
/// `req` is alive until `cb` is called; `handle` is an initialised stream; `bufs` has `nbufs`
/// buffers.
#[no_mangle]
pub unsafe extern "C" fn uv_write(
    req: *mut uv_write_t,
    handle: *mut uv_stream_t,
    bufs: *const uv_buf_t,
    nbufs: c_uint,
    cb: uv_write_cb,
) -> c_int {
    // SAFETY: as documented.
    check::not_last(unsafe { uv_write2(req, handle, bufs, nbufs, core::ptr::null_mut(), cb) })
}

/// Writes as `uv_write()` does, and sends `send_handle` with the first byte unless it is NULL.
///
/// Returns the same as `uv_write()`, or `UV_EINVAL` if handles cannot be sent over the stream.
/// See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_write2>.
///
/// # Safety
/// As for `uv_write()`; `send_handle` is NULL or an initialised stream.
#[no_mangle]
pub unsafe extern "C" fn uv_write2(
    req: *mut uv_write_t,
    handle: *mut uv_stream_t,
    bufs: *const uv_buf_t,
    nbufs: c_uint,
    send_handle: *mut uv_stream_t,
    cb: uv_write_cb,
) -> c_int {
    // SAFETY: as documented.
    unsafe { Stream::of(handle).write(req.cast(), slice(bufs, nbufs), send_handle, cb).into_c() }
}

/// Writes as much of the buffers as possible without waiting.
///
/// Returns the number of bytes written, which may be fewer than in the buffers, `UV_EAGAIN` if nothing can
/// be written now, or another error code.
/// See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_try_write>.
///
/// # Safety
/// `handle` is an initialised stream; `bufs` has `nbufs` buffers.
#[no_mangle]
pub unsafe extern "C" fn uv_try_write(
    handle: *mut uv_stream_t,
    bufs: *const uv_buf_t,
    nbufs: c_uint,
) -> c_int {
    // SAFETY: as documented.
    check::not_last(unsafe { uv_try_write2(handle, bufs, nbufs, core::ptr::null_mut()) })
}

/// Writes as `uv_try_write()` does, and sends `send_handle` with the first byte unless it is NULL.
///
/// See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_try_write2>.
///
/// # Safety
/// As for `uv_try_write()`; `send_handle` is NULL or an initialised stream.
#[no_mangle]
pub unsafe extern "C" fn uv_try_write2(
    handle: *mut uv_stream_t,
    bufs: *const uv_buf_t,
    nbufs: c_uint,
    send_handle: *mut uv_stream_t,
) -> c_int {
    // SAFETY: as documented.
    unsafe { Stream::of(handle).try_write(slice(bufs, nbufs), send_handle).into_c() }
}

/// Returns the number of bytes of the request that were written. Valid only in its callback.
///
/// See <https://docs.libuv.org/en/v1.x/stream.html#c.uv_write_nwritten>.
///
/// # Safety
/// `req` is a write request that was started.
#[no_mangle]
pub unsafe extern "C" fn uv_write_nwritten(req: *const uv_write_t) -> usize {
    // SAFETY: as documented.
    unsafe { Write::of(req) }.request.written.get()
}

const _: () = assert!(size_of::<uv_buf_t>() == size_of::<libc::iovec>());
