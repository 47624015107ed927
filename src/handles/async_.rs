//! Async handles: waking a loop from another thread or from a signal handler.
//!
//! The bit `PENDING` of a handle's state (`sends.rs`) is set by the first sender and cleared right
//! before the callback; sends in between cost one atomic operation. Whoever sets it pushes the
//! handle on the loop's stack and wakes the loop if it sleeps, and is done with handle and loop when
//! it then adds `PUSHED` to the state. So each push is followed by one such addition, and `uv_close`,
//! which knows how often the handle was taken off the stack, can wait for the last sender: after
//! that no other thread touches the handle or its loop. Closing leaves `PENDING` set for good.

use super::sends::Sends;
use super::Handle;
use crate::abi::*;
use crate::event_loop::Loop;
use crate::ffi::{call_user, overlay, Overlay};
use crate::list::{container_of, Link, List};
use crate::stack::Chain;
use crate::sys;
use core::cell::Cell;
use core::ffi::c_int;

#[repr(C)]
pub struct Async {
    handle: Handle,
    callback: Cell<uv_async_cb>,
    link: Link,
    sends: Sends,
}

overlay!(Async { handle, callback, link, sends } => uv_async_t);
const _: () =
    assert!(core::mem::offset_of!(Async, callback) == core::mem::offset_of!(uv_async_t, async_cb));

impl Async {
    /// Any thread.
    fn send(&self) {
        if self.sends.begin() {
            self.push();
        }
    }

    /// Kept out of `send`, as most sends of a thread that sends often find the bit set.
    #[cold]
    fn push(&self) {
        let errno = sys::errno();
        let mailbox = &self.handle.loop_().mailbox;
        // SAFETY: whoever sets PENDING is alone in pushing the handle. It stays alive until
        // `close` has seen that this is over.
        unsafe { mailbox.push_async(&self.link) };
        self.sends.finish_push();
        sys::set_errno(errno);
    }

    pub fn close(&self) {
        if self.sends.close() {
            take_sent(self.handle.loop_());
            self.link.unlink();
        }
        self.handle.deactivate();
    }
}

/// The handle that has a link in one of the lists here.
///
/// # Safety
/// It has not been closed: closing takes it out of whichever list it is in.
unsafe fn handle_of<'a>(link: *const Link) -> &'a Async {
    // SAFETY: the caller's contract.
    unsafe { &*container_of!(link, Async, link) }
}

fn number_of(link: *const Link) -> u64 {
    // SAFETY: only called with what is in a list.
    unsafe { handle_of(link) }.handle.number.get()
}

/// Brings what threads have sent meanwhile to the loop's list.
fn take_sent(loop_: &Loop) {
    take_sent_later(loop_);
    append(loop_, Chain::EMPTY);
}

/// The same, but what was taken now comes to the list with the next call: it is in the cache of
/// another core, and can be fetched from there while a handle is called back.
fn take_sent_later(loop_: &Loop) {
    let sent = loop_.mailbox.take_asyncs();
    sent.prefetch();
    append(loop_, sent);
}

/// Brings what was taken before to the loop's list.
fn append(loop_: &Loop, next: Chain) {
    let count = loop_.sent_last.replace(next).append_to(&loop_.sent_asyncs);
    loop_.sent_count.set(loop_.sent_count.get() + count);
}

/// Puts the handles in `due`, about `count` of them, in the order in which they were initialised.
fn put_in_order(loop_: &Loop, due: &List, count: usize) {
    let comparisons = count * count.checked_ilog2().unwrap_or(0) as usize;
    if (comparisons as u64) < loop_.asyncs.get() || due.is_sorted(&number_of) {
        due.sort(&number_of);
        return;
    }
    // The loop has all its handles in that order, and there are hardly more than are to be sorted.
    let ordered = List::new();
    for handle in loop_.listed_handles().take(comparisons) {
        if due.is_empty() {
            break;
        }
        if handle.kind() != UV_ASYNC {
            continue;
        }
        // SAFETY: the kind says what the handle is part of.
        let link = unsafe { &(*core::ptr::from_ref(handle).cast::<Async>()).link };
        // Then it is in `due`: what threads push meanwhile is not linked, nor is what is closed.
        if link.is_linked() {
            link.unlink();
            // SAFETY: it was in the other list until now.
            unsafe { ordered.push_back(link) };
        }
    }
    // Where there are many of other kinds, not all were come to.
    due.sort(&number_of);
    due.move_to(&ordered);
    ordered.move_to(due);
}

/// Calls back every handle that was sent to, in the order in which they were initialised. That
/// includes what a callback sends to a handle further on; the others are for the next iteration.
pub fn run_sent(loop_: &Loop) {
    let sent = &loop_.sent_asyncs;
    let (due, later) = (List::new(), List::new());
    let end = loop_.asyncs.get();
    take_sent(loop_);
    sent.move_to(&due);
    put_in_order(loop_, &due, loop_.sent_count.take());
    // For finding the places of what is sent meanwhile. When they are used up, threads send faster
    // than is called back, and what they send does not get a place any more.
    let mut steps = 1000;
    let mut placed = 0;
    while let Some(link) = due.pop_front() {
        // SAFETY: it was in the list.
        let handle = unsafe { handle_of(link) };
        let next = handle.handle.number.get() + 1;
        handle.sends.take();
        if let Some(callback) = handle.callback.get() {
            let this = core::ptr::from_ref(handle).cast_mut().cast();
            // SAFETY: the user's function, called with the handle that it was given for.
            call_user(|| unsafe { callback(this) });
        }
        if steps == 0 {
            take_sent_later(loop_);
            continue;
        }
        steps += 4;
        take_sent(loop_);
        while let Some(link) = sent.front().filter(|_| steps > 0) {
            steps -= 1;
            let further_on = (next..end).contains(&number_of(link));
            // SAFETY: it is in the list, and closing takes it out of the other two as well.
            unsafe {
                (*link).unlink();
                if further_on && due.insert(&*link, &number_of, &mut steps) {
                    placed += 1;
                } else {
                    later.push_back(&*link);
                }
            }
        }
    }
    take_sent(loop_);
    later.move_to(sent);
    loop_.sent_count.set(loop_.sent_count.get().saturating_sub(placed));
}

/// In the child of a fork: senders that the fork caught between their steps are the parent's.
pub fn after_fork(loop_: &Loop) {
    take_sent(loop_);
    loop_.each_handle(|handle| {
        if handle.kind() != UV_ASYNC {
            return;
        }
        // SAFETY: the kind says what the handle is part of.
        let this = unsafe { &*core::ptr::from_ref(handle).cast::<Async>() };
        if this.sends.after_fork(handle.is_closing()) && !this.link.is_linked() {
            // SAFETY: it is in no list, and closing takes it out of this one.
            unsafe { loop_.sent_asyncs.push_back(&this.link) };
        }
    });
}

/// Initialises an async handle, which is active at once. `async_cb` may be NULL: sending then
/// only wakes the loop.
///
/// Returns 0 or an error code. Loop thread only.
/// See <https://docs.libuv.org/en/v1.x/async.html#c.uv_async_init>.
///
/// # Safety
/// `loop` is an initialised loop and `async` is memory for the handle, alive until it is closed.
#[no_mangle]
pub unsafe extern "C" fn uv_async_init(
    r#loop: *mut uv_loop_t,
    r#async: *mut uv_async_t,
    async_cb: uv_async_cb,
) -> c_int {
    let handle = r#async.cast::<Async>();
    // SAFETY: the caller's contract.
    unsafe {
        let loop_ = Loop::of(r#loop);
        Handle::init(handle, loop_, UV_ASYNC, |handle| Async {
            handle,
            callback: Cell::new(async_cb),
            link: Link::new(),
            sends: Sends::new(),
        });
        (*handle).handle.number.set(loop_.asyncs.replace(loop_.asyncs.get() + 1));
        (*handle).handle.activate();
    }
    0
}

/// Wakes the loop and has it call the handle's callback on its own thread. Sends that come before
/// the callback runs are one: it is called at least once after the last send.
///
/// Any thread, and signal handlers: it does not block, allocate or change errno. A full memory
/// fence, as is the beginning of the callback: the callback sees everything that the sender wrote
/// before. Returns 0.
/// See <https://docs.libuv.org/en/v1.x/async.html#c.uv_async_send>.
///
/// # Safety
/// `async` is an initialised async handle that `uv_close()` was not called for.
#[no_mangle]
pub unsafe extern "C" fn uv_async_send(r#async: *mut uv_async_t) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { Async::of(r#async) }.send();
    0
}
