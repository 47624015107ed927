//! Handles: their common part, and a file or folder for each type.
//!
//! A handle is in the user's memory from its `init` function until its close callback begins. The structs
//! in this module overlay the C structs of [`abi`](crate::abi): public fields at libuv's offsets, our state
//! in the private area. They are accessed only through shared references, because a callback may call any
//! function with the same handle.

mod api;
pub mod async_;
pub mod fs_event;
pub mod fs_poll;
pub mod loop_watcher;
pub mod poll;
pub mod process;
mod sends;
pub mod signal;
pub mod stream;
pub mod timer;
pub mod udp;
mod unread;

use crate::abi::*;
use crate::check;
use crate::event_loop::Loop;
use crate::ffi::{call_unobserved, call_user, overlay, padding, Object, Padding};
use crate::list::Link;
use crate::observe::layout::Callback;
use crate::observe::{layout, Caller};
use core::cell::Cell;
use core::ffi::{c_int, c_void};
use core::mem::{offset_of, size_of, MaybeUninit};
use core::ptr;

/// The bits of `uv_handle_t.flags`. Debugger scripts for libuv read those below 0x20. Those that readers of
/// other processes know are in `layout`.
pub mod flag {
    pub use crate::observe::layout::flag::*;
    pub const BOUND: u32 = 0x2000;
    /// The descriptor is blocking, so writes complete at once.
    pub const BLOCKING_WRITES: u32 = 0x10_0000;
    pub const TCP_NODELAY: u32 = 0x100_0000;
    pub const TCP_KEEPALIVE: u32 = 0x200_0000;
    pub const PROCESS_ENDED: u32 = 0x100_0000;
    pub const IPV6: u32 = 0x400_0000;
    /// A stream is connected, but its callback was not called yet.
    pub const CONNECTED: u32 = 0x1000_0000;
    /// The descriptor of a stream is not a socket.
    pub const NOT_SOCKET: u32 = 0x800_0000;
    pub const SIGNAL_ONE_SHOT: u32 = 0x800_0000;
    /// Another reader than the library may know the socket.
    pub const UDP_SHARED: u32 = 0x200_0000;
    /// The handle has a `fs_event::Tree`.
    pub const FS_RECURSIVE: u32 = 0x800_0000;
    pub const UDP_CONNECTED: u32 = 0x1000_0000;
    pub const UDP_RECVMMSG: u32 = 0x2000_0000;
    /// The kernel's buffer is full; an event reports room in it.
    pub const UDP_BLOCKED: u32 = 0x4000_0000;
    /// The kernel refuses to segment a datagram.
    pub const UDP_NO_SEGMENTS: u32 = 0x800_0000;
    /// Send callbacks are being called.
    pub const UDP_CALLING: u32 = 0x8000_0000;
}

/// The first fields of all handles (`UV_HANDLE_FIELDS`).
#[repr(C)]
pub struct Handle {
    /// May be uninitialised, as the user sets it.
    pub data: Cell<MaybeUninit<*mut c_void>>,
    loop_: Cell<*const Loop>,
    kind: Cell<uv_handle_type>,
    padding: Padding<4>,
    close_cb: Cell<uv_close_cb>,
    /// In the loop's list of all handles, from `init` to the close callback.
    all: Link,
    /// The number of handles initialised on the loop before. At the offset of libuv's union.
    number: Cell<u64>,
    /// Used by UDP handles, which have no room in their own struct.
    pub extra: Cell<*mut c_void>,
    reserved: Padding<16>,
    /// The next in the loop's list of closing handles.
    next_closing: Cell<*const Handle>,
    flags: Cell<u32>,
    end: Padding<4>,
}

const _: () = {
    assert!(size_of::<Handle>() == size_of::<uv_handle_t>());
    assert!(offset_of!(Handle, loop_) == offset_of!(uv_handle_t, r#loop));
    assert!(offset_of!(Handle, kind) == offset_of!(uv_handle_t, r#type));
    assert!(offset_of!(Handle, close_cb) == offset_of!(uv_handle_t, close_cb));
    assert!(offset_of!(Handle, flags) == offset_of!(uv_handle_t, flags));
};

overlay!(Handle {
    data,
    loop_,
    kind,
    padding,
    close_cb,
    all,
    number,
    extra,
    reserved,
    next_closing,
    flags,
    end,
} => uv_handle_t);

pub const OFFSETS: layout::HandleOffsets = layout::HandleOffsets {
    loop_: offset_of!(Handle, loop_) as u32,
    kind: offset_of!(Handle, kind) as u32,
    close_cb: offset_of!(Handle, close_cb) as u32,
    all: offset_of!(Handle, all) as u32,
    number: offset_of!(Handle, number) as u32,
    next_closing: offset_of!(Handle, next_closing) as u32,
    flags: offset_of!(Handle, flags) as u32,
};

impl Handle {
    /// Initialises a handle at `at`. `make` adds the fields of its type to the common ones. `data` keeps its
    /// value, as in libuv.
    ///
    /// # Safety
    /// `at` is memory for an `H`, which begins with a `Handle`, and holds no handle of a loop. It stays valid
    /// and in place until the handle is closed.
    pub unsafe fn init<H>(
        at: *mut H,
        loop_: &Loop,
        kind: uv_handle_type,
        make: impl FnOnce(Handle) -> H,
    ) {
        check::handle_before_init(at, ptr::from_ref(loop_).cast());
        let handle = at.cast::<Handle>();
        // SAFETY: as documented. `data` may be uninitialised, which its type allows.
        unsafe {
            at.write(make(Handle {
                data: (&raw const (*handle).data).read(),
                loop_: Cell::new(loop_),
                kind: Cell::new(kind),
                padding: padding(),
                close_cb: Cell::new(None),
                all: Link::new(),
                number: Cell::new(loop_.handle_count()),
                extra: Cell::new(core::ptr::null_mut()),
                reserved: padding(),
                next_closing: Cell::new(core::ptr::null()),
                flags: Cell::new(flag::REF),
                end: padding(),
            }));
            loop_.add_handle(&(*handle).all);
        }
        check::handle_initialised(at, ptr::from_ref(loop_).cast(), kind);
    }

    /// Makes a handle internal: walks do not visit it, and it keeps no loop alive or open.
    fn make_internal(&self) {
        check::handle_internal(self);
        self.unreference();
        self.all.unlink();
    }

    /// Returns the loop, which outlives the handle: `uv_loop_close` fails while there is one.
    pub fn loop_(&self) -> &Loop {
        // SAFETY: set by `init` from a reference to a loop, which outlives the handle.
        unsafe { &*self.loop_.get() }
    }

    /// Returns the handle's position in the order of initialisation.
    pub fn number(&self) -> u64 {
        self.number.get()
    }

    pub fn kind(&self) -> uv_handle_type {
        self.kind.get()
    }

    pub fn has(&self, flags: u32) -> bool {
        self.flags.get() & flags != 0
    }

    pub fn set(&self, flags: u32) {
        self.flags.set(self.flags.get() | flags);
    }

    pub fn clear(&self, flags: u32) {
        self.flags.set(self.flags.get() & !flags);
    }

    pub fn is_active(&self) -> bool {
        self.has(flag::ACTIVE)
    }

    pub fn is_closing(&self) -> bool {
        self.has(flag::CLOSING | flag::CLOSED)
    }

    /// Makes the handle active.
    pub fn activate(&self) {
        if !self.is_active() {
            self.set(flag::ACTIVE);
            if self.has(flag::REF) {
                self.loop_().handle_became_active();
            }
        }
    }

    pub fn deactivate(&self) {
        if self.is_active() {
            self.clear(flag::ACTIVE);
            if self.has(flag::REF) {
                self.loop_().handle_became_inactive();
            }
        }
    }

    fn reference(&self) {
        if !self.has(flag::REF) {
            self.set(flag::REF);
            if self.is_active() {
                self.loop_().handle_became_active();
            }
        }
    }

    fn unreference(&self) {
        if self.has(flag::REF) {
            self.clear(flag::REF);
            if self.is_active() {
                self.loop_().handle_became_inactive();
            }
        }
    }

    /// Begins to close the handle: stops it, and calls the callback in the closing phase. On a closing
    /// handle, where libuv aborts, it does nothing.
    pub fn close(&self, callback: uv_close_cb) {
        check::handle_closing(self);
        if self.is_closing() {
            return;
        }
        self.loop_().drop_parent_threads();
        self.set(flag::CLOSING);
        self.close_cb.set(callback);
        // SAFETY: the handle is the first field of the struct for its `kind`.
        unsafe {
            let this = core::ptr::from_ref(self);
            match self.kind() {
                UV_TIMER => (*this.cast::<timer::Timer>()).stop(),
                UV_IDLE | UV_PREPARE | UV_CHECK => {
                    (*this.cast::<loop_watcher::LoopWatcher>()).stop()
                }
                UV_ASYNC => (*this.cast::<async_::Async>()).close(),
                UV_SIGNAL => (*this.cast::<signal::Signal>()).close(),
                UV_POLL => (*this.cast::<poll::Poll>()).stop(),
                UV_FS_EVENT => (*this.cast::<fs_event::FsEvent>()).stop(),
                UV_FS_POLL => {
                    // If not closed yet, it closes when the pool has finished.
                    let closed = (*this.cast::<fs_poll::FsPoll>()).close();
                    if !closed {
                        return;
                    }
                }
                UV_PROCESS => (*this.cast::<process::Process>()).close(),
                UV_TCP | UV_NAMED_PIPE | UV_TTY => (*this.cast::<stream::Stream>()).close(),
                UV_UDP => (*this.cast::<udp::Udp>()).close(),
                _ => {}
            }
        }
        self.loop_().closing_handle(self);
    }

    /// Calls the last callbacks of the handle before its close callback. Is called again if one of them has
    /// left the loop by an exception.
    #[inline(always)]
    pub fn end_requests(&self) {
        self.flags.set(self.flags.get() & !flag::CLOSING | flag::CLOSED);
        // SAFETY: the handle is the first field of the struct for its `kind`.
        unsafe {
            let this = core::ptr::from_ref(self);
            match self.kind() {
                UV_TCP | UV_NAMED_PIPE | UV_TTY => (*this.cast::<stream::Stream>()).end_requests(),
                UV_UDP => (*this.cast::<udp::Udp>()).end_requests(),
                // These can be started while they are closing.
                UV_IDLE | UV_PREPARE | UV_CHECK => {
                    (*this.cast::<loop_watcher::LoopWatcher>()).stop()
                }
                _ => {}
            }
        }
    }

    /// Finishes closing with the close callback. The user may free the memory in it, so it is not accessed
    /// afterwards.
    #[inline]
    pub fn finish_close(&self) {
        let (loop_, word) = (self.loop_(), self.address().addr() as u64 | Callback::Close.tag());
        self.finish_with(|callback, this| {
            loop_.set_current(word);
            // SAFETY: the user's function, called with the handle that it was given for.
            call_unobserved(this, callback as *const (), || unsafe { callback(this) });
        });
    }

    /// As [`Handle::finish_close`], while someone looks.
    pub fn finish_close_observed(&self) {
        let (loop_, object) = (self.loop_(), self.address());
        loop_.observer().handle(false, self.kind(), object);
        self.finish_with(|callback, this| {
            let function = callback as *const ();
            // SAFETY: the user's function, called with the handle that it was given for.
            call_user(loop_, Callback::Close, object, function, || unsafe { callback(this) });
        });
    }

    #[inline(always)]
    fn finish_with(
        &self,
        call: impl FnOnce(unsafe extern "C-unwind" fn(*mut uv_handle_t), *mut uv_handle_t),
    ) {
        self.unreference();
        self.all.unlink();
        check::handle_closed(self, false);
        let this = ptr::from_ref(self);
        if let Some(callback) = self.close_cb.get() {
            call(callback, this.cast_mut().cast());
        }
        check::handle_closed(this, true);
    }

    pub fn next_closing(&self) -> *const Handle {
        self.next_closing.get()
    }

    pub fn set_next_closing(&self, next: *const Handle) {
        self.next_closing.set(next);
    }

    /// Returns the descriptor of the handle. Fails with `EINVAL` for a type without one, and with `EBADF` if
    /// the handle has none or is closing.
    pub fn fd(&self) -> Result<c_int> {
        let fd = match self.kind() {
            // SAFETY: the handle is the first field of a stream.
            UV_TCP | UV_NAMED_PIPE | UV_TTY => unsafe {
                (*core::ptr::from_ref(self).cast::<stream::Stream>()).watcher.fd.get()
            },
            // SAFETY: the handle is the first field of a poll handle.
            UV_POLL => unsafe {
                (*core::ptr::from_ref(self).cast::<poll::Poll>()).watcher.fd.get()
            },
            // SAFETY: the handle is the first field of a UDP handle.
            UV_UDP => unsafe { (*core::ptr::from_ref(self).cast::<udp::Udp>()).watcher.fd.get() },
            _ => return Err(Error::EINVAL),
        };
        if self.is_closing() || fd == -1 {
            return Err(Error::EBADF);
        }
        Ok(fd)
    }
}

impl Handle {
    /// Returns the descriptor for a caller that may read from it.
    pub fn shared_fd(&self) -> Result<c_int> {
        let fd = self.fd()?;
        if self.kind() == UV_UDP {
            // SAFETY: the handle is the first field of a UDP handle.
            unsafe { (*core::ptr::from_ref(self).cast::<udp::Udp>()).share() };
        }
        Ok(fd)
    }
}

/// Returns the handle of a link in the loop's list of all handles.
///
/// # Safety
/// `link` is the `all` link of a handle.
pub unsafe fn handle_of(link: *const Link) -> *const Handle {
    // SAFETY: as documented.
    unsafe { crate::list::container_of!(link, Handle, all) }
}
