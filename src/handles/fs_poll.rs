//! Polling a path: `uv_fs_poll_t`, which calls stat(2) at an interval.
//!
//! Each start has a [`Context`] of its own, because the pool may still run its stat(2) when the
//! handle is stopped and started again. Such a context stays in the handle's list until the stat(2)
//! is done, and closing waits for it. The context of the latest start is the first.

use super::timer::Timer;
use super::Handle;
use crate::abi::*;
use crate::check;
use crate::event_loop::Loop;
use crate::ffi::{call_user, interior_mutable, overlay, Overlay, Padding, TextOut};
use crate::list::container_of;
use crate::memory;
use crate::observe::layout;
use crate::observe::layout::Callback;
use crate::pool::{PoolRequest, Work};
use crate::sys::fs::{stat, Path, Target};
use core::cell::Cell;
use core::ffi::{c_char, c_int, c_uint, CStr};
use core::mem::{offset_of, size_of};
use core::ptr;

#[repr(C)]
pub struct FsPoll {
    handle: Handle,
    contexts: Cell<*const Context>,
}

overlay!(FsPoll { handle, contexts } => uv_fs_poll_t);
const _: () = assert!(offset_of!(FsPoll, contexts) == offset_of!(uv_fs_poll_t, poll_ctx));

/// One start of a handle. The path follows in the same block.
struct Context {
    owner: Cell<*const FsPoll>,
    /// The next context in the handle's list.
    next: Cell<*const Context>,
    callback: Cell<uv_fs_poll_cb>,
    path: Cell<*const c_char>,
    timer: Timer,
    work: Work,
    submitted: Cell<u64>,
    /// Whether the pool has the work, and so accesses `found`.
    busy: Cell<bool>,
    found: Cell<Result<uv_stat_t>>,
    outcome: Cell<Outcome>,
    /// The result of the last stat(2) that succeeded; zeros before.
    known: Cell<uv_stat_t>,
    padding: Padding<7>,
}

interior_mutable!(Context {
    owner,
    next,
    callback,
    path,
    timer,
    work,
    submitted,
    busy,
    found,
    outcome,
    known,
    padding,
});

/// How the last stat(2) ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    None,
    Success,
    Failure(Error),
}

pub const OFFSETS: layout::FsPollOffsets = layout::FsPollOffsets {
    context: offset_of!(FsPoll, contexts) as u32,
    callback: offset_of!(Context, callback) as u32,
    path: offset_of!(Context, path) as u32,
    busy: offset_of!(Context, busy) as u32,
    timer: offset_of!(Context, timer) as u32,
    work: offset_of!(Context, work) as u32,
    handle: offset_of!(Context, owner) as u32,
};

// SAFETY: the offset is that of the work, and contexts are reached through shared references only.
unsafe impl PoolRequest for Context {
    const OFFSET: usize = offset_of!(Context, work);
    const INTERNAL: bool = true;
    const KIND: layout::Work = layout::Work::File;
    const CALLBACK: layout::Callback = layout::Callback::FsPoll;

    fn submitted(&self) -> &Cell<u64> {
        &self.submitted
    }

    fn run(&self) {
        // SAFETY: the path is in the context's block.
        let path = unsafe { Path::new(self.path.get()) };
        self.found.set(stat(Target::Path(path)));
    }

    fn done(&self, _: Result) {
        // SAFETY: the handle is not closed while it has a context.
        let owner = unsafe { &*self.owner.get() };
        self.busy.set(false);
        if owner.is_current(self) {
            self.report();
        } else {
            // SAFETY: the context of an earlier start is stopped, and the pool has just finished
            // with it.
            unsafe { owner.release(self) };
            owner.finish_close();
        }
    }
}

/// Submits the next stat(2) at the end of an interval.
unsafe extern "C-unwind" fn on_timer(timer: *mut uv_timer_t) {
    // SAFETY: the timer of a context is stopped before that is freed.
    let context = unsafe { &*container_of!(timer.cast_const(), Context, timer) };
    if !context.busy.get() {
        // Fails only if there is no thread and none can be started. The next interval tries again.
        let _ = context.submit();
    }
}

/// Returns whether the two differ, except in the time of access.
fn differ(a: &uv_stat_t, b: &uv_stat_t) -> bool {
    let without_access = |s: &uv_stat_t| uv_stat_t { st_atim: uv_timespec_t::default(), ..*s };
    without_access(a) != without_access(b)
}

impl Context {
    fn submit(&self) -> Result {
        let loop_ = self.timer.loop_();
        // SAFETY: a context is freed only when the work is done.
        unsafe { loop_.submit(self)? };
        self.busy.set(true);
        Ok(())
    }

    /// Calls back if something changed. This comes last, as the callback may stop the handle and so free
    /// this context.
    fn report(&self) {
        let before = self.known.get();
        let (status, now) = match self.found.get() {
            Ok(found) => {
                self.known.set(found);
                let report = match self.outcome.replace(Outcome::Success) {
                    // There is nothing to compare the first result with.
                    Outcome::None => false,
                    Outcome::Success => differ(&before, &found),
                    Outcome::Failure(_) => true,
                };
                if !report {
                    return;
                }
                (0, found)
            }
            Err(error) => {
                let outcome = Outcome::Failure(error);
                if self.outcome.replace(outcome) == outcome {
                    return;
                }
                (error.code(), uv_stat_t::default())
            }
        };
        if let Some(callback) = self.callback.get() {
            let handle = self.owner.get().cast_mut().cast();
            // SAFETY: the user's function, called with the handle that it was given for.
            call_user(
                self.timer.loop_(),
                Callback::FsPoll,
                handle,
                callback as *const (),
                || unsafe { callback(handle, status, &raw const before, &raw const now) },
            );
        } else {
            check::callback_missing(self.owner.get());
        }
    }
}

impl FsPoll {
    fn start(&self, callback: uv_fs_poll_cb, path: &CStr, interval: c_uint) -> Result {
        check::handle_starting(self);
        if self.handle.is_active() {
            return Ok(());
        }
        if self.handle.is_closing() {
            return Err(Error::EINVAL);
        }
        let context = self.new_context(callback, path)?;
        let interval = u64::from(interval.max(1));
        // SAFETY: `new_context` allocated it, and nothing else refers to it yet.
        unsafe {
            let timer = &(*context).timer;
            // Repeats, so that no later start can fail.
            let started = timer.start(Some(on_timer), interval, interval);
            if let Err(error) = started.and_then(|()| (*context).submit()) {
                timer.stop();
                memory::free(context.cast_mut().cast());
                return Err(error);
            }
            (*context).next.set(self.contexts.replace(context));
        }
        self.handle.activate();
        Ok(())
    }

    fn new_context(&self, callback: uv_fs_poll_cb, path: &CStr) -> Result<*const Context> {
        let bytes = path.to_bytes_with_nul();
        let context =
            memory::malloc(size_of::<Context>() + bytes.len())?.cast::<Context>().as_ptr();
        // SAFETY: the block has the size of the struct and the path after it.
        unsafe {
            let copy = context.add(1).cast::<c_char>();
            ptr::copy_nonoverlapping(bytes.as_ptr().cast(), copy, bytes.len());
            (&raw mut (*context).owner).write(Cell::new(self));
            (&raw mut (*context).next).write(Cell::new(ptr::null()));
            (&raw mut (*context).callback).write(Cell::new(callback));
            (&raw mut (*context).path).write(Cell::new(copy));
            Timer::init_internal(&raw mut (*context).timer, self.handle.loop_());
            (&raw mut (*context).work).write(Work::new());
            (&raw mut (*context).busy).write(Cell::new(false));
            (&raw mut (*context).found).write(Cell::new(Ok(uv_stat_t::default())));
            (&raw mut (*context).outcome).write(Cell::new(Outcome::None));
            (&raw mut (*context).known).write(Cell::new(uv_stat_t::default()));
        }
        Ok(context)
    }

    fn is_current(&self, context: *const Context) -> bool {
        self.handle.is_active() && ptr::eq(self.contexts.get(), context)
    }

    fn stop(&self) {
        if self.handle.is_active() {
            self.handle.deactivate();
            let context = self.contexts.get();
            // SAFETY: an active handle has a context; contexts in the list are alive.
            unsafe {
                (*context).timer.stop();
                if !(*context).busy.get() {
                    self.release(context);
                }
            }
        }
    }

    /// Removes a context from the list and frees it.
    ///
    /// # Safety
    /// `context` is in the list and stopped, and the pool does not have it.
    unsafe fn release(&self, context: *const Context) {
        // SAFETY: contexts in the list are alive. Nothing uses `context` afterwards, as documented.
        unsafe {
            let mut place = &self.contexts;
            while !ptr::eq(place.get(), context) {
                place = &(*place.get()).next;
            }
            place.set((*context).next.get());
            memory::free(context.cast_mut().cast());
        }
    }

    /// Stops the handle. Returns false if closing must wait for the pool.
    pub fn close(&self) -> bool {
        self.stop();
        self.contexts.get().is_null()
    }

    /// Closes the handle if that waited for its last context.
    fn finish_close(&self) {
        if self.handle.is_closing() && self.contexts.get().is_null() {
            self.handle.loop_().closing_handle(&self.handle);
        }
    }

    fn path(&self) -> Option<&CStr> {
        // SAFETY: an active handle has a context, which has a path.
        self.handle
            .is_active()
            .then(|| unsafe { CStr::from_ptr((*self.contexts.get()).path.get()) })
    }
}

/// Initialises a handle that polls a path. Cannot fail; returns 0.
///
/// Loop thread only, as all these functions.
/// See <https://docs.libuv.org/en/v1.x/fs_poll.html#c.uv_fs_poll_init>.
///
/// # Safety
/// `loop` is an initialised loop and `handle` is memory for the handle, alive until it is closed.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_poll_init(
    r#loop: *mut uv_loop_t,
    handle: *mut uv_fs_poll_t,
) -> c_int {
    let poll = handle.cast::<FsPoll>();
    // SAFETY: as documented.
    unsafe {
        Handle::init(poll, Loop::of(r#loop), UV_FS_POLL, |handle| FsPoll {
            handle,
            contexts: Cell::new(ptr::null()),
        });
    }
    0
}

/// Calls stat(2) for `path` now and every `interval` milliseconds (0 means 1), and `poll_cb` when the result
/// differs from the previous one.
///
/// The callback receives a status of 0, the previous and the current attributes. If stat(2) fails, it
/// receives the error, the previous attributes and zeros, and is not called again until the error changes.
/// The previous attributes are zeros until stat(2) has succeeded. The time of access is not compared.
///
/// Returns 0, also if the handle is active, which is not changed then; `UV_EINVAL` if it is closing or
/// `path` is NULL; or `UV_ENOMEM`.
/// See <https://docs.libuv.org/en/v1.x/fs_poll.html#c.uv_fs_poll_start>.
///
/// # Safety
/// `handle` is an initialised polling handle that is not closed; `path` is NULL or a string, which is
/// copied.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_poll_start(
    handle: *mut uv_fs_poll_t,
    poll_cb: uv_fs_poll_cb,
    path: *const c_char,
    interval: c_uint,
) -> c_int {
    if path.is_null() {
        return Error::EINVAL.code();
    }
    // SAFETY: as documented.
    unsafe { FsPoll::of(handle).start(poll_cb, CStr::from_ptr(path), interval) }.into_c()
}

/// Stops polling: the callback is not called any more. Does nothing if the handle is not active. Returns 0.
///
/// See <https://docs.libuv.org/en/v1.x/fs_poll.html#c.uv_fs_poll_stop>.
///
/// # Safety
/// `handle` is an initialised polling handle that is not closed.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_poll_stop(handle: *mut uv_fs_poll_t) -> c_int {
    // SAFETY: as documented.
    unsafe { FsPoll::of_stopping(handle) }.stop();
    0
}

/// Copies the path that the handle polls, with a NUL, and sets `*size` to its length without the NUL.
///
/// Returns 0; `UV_EINVAL` if the handle is not active, which sets `*size` to 0, or if `buffer` or `size` is
/// NULL or `*size` is 0; or `UV_ENOBUFS` if the buffer is too small, which sets `*size` to the required size.
/// See <https://docs.libuv.org/en/v1.x/fs_poll.html#c.uv_fs_poll_getpath>.
///
/// # Safety
/// `handle` is an initialised polling handle that is not closed; `buffer` has room for
/// `*size` bytes.
#[no_mangle]
pub unsafe extern "C" fn uv_fs_poll_getpath(
    handle: *mut uv_fs_poll_t,
    buffer: *mut c_char,
    size: *mut usize,
) -> c_int {
    // SAFETY: as documented.
    let (poll, out) = unsafe { (FsPoll::of(handle), TextOut::new(buffer, size)) };
    out.and_then(|out| out.put_path(poll.path())).into_c()
}
