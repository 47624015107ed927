//! Async handles: waking a loop from another thread or from a signal handler.
//!
//! The first send sets the bit `PENDING` of the handle's state (`sends.rs`), pushes the handle onto the
//! loop's stack and wakes the loop if it sleeps; the loop clears the bit right before the callback. Sends
//! in between cost one atomic operation. After a push the sender adds `PUSHED` to the state and is done
//! with handle and loop. `uv_close()` knows how often the handle was taken off the stack, and waits until
//! as many pushes have ended: then no other thread accesses the handle or, on its behalf, the loop.
//! Closing leaves `PENDING` set, so no thread pushes the handle again.
//!
//! [`AsyncReceiver`] is the loop's side.

use super::sends::Sends;
use super::Handle;
use crate::abi::*;
use crate::event_loop::Loop;
use crate::ffi::{call_user, overlay, Overlay};
use crate::list::{container_of, Link, List};
use crate::mailbox::Mailbox;
use crate::observe::layout::Callback;
use crate::observe::{self, layout, offsets};
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

pub const OFFSETS: layout::AsyncOffsets =
    offsets!(AsyncOffsets, Async { callback: callback, link: link, sends: sends });

impl Async {
    /// Any thread.
    fn send(&self) {
        if self.sends.begin() {
            self.push();
        }
    }

    /// Not inlined into `send`: most sends of a thread that sends often find the bit set. `extern "C"`, so
    /// that `send` needs no stack frame in case this unwinds.
    #[cold]
    extern "C" fn push(&self) {
        let errno = sys::errno();
        if observe::is_active() {
            observe::async_send(core::ptr::from_ref(self).cast());
        }
        let mailbox = &self.handle.loop_().mailbox;
        // SAFETY: only the thread that set PENDING pushes the handle, and `close` keeps handle and loop
        // alive until `finish_push`.
        unsafe { mailbox.push_async(&raw const self.link) };
        self.sends.finish_push();
        sys::set_errno(errno);
    }

    /// Loop thread only, when the handle is in no list any more.
    fn call_back(&self) {
        self.sends.take();
        if let Some(callback) = self.callback.get() {
            let this = core::ptr::from_ref(self).cast_mut().cast();
            // SAFETY: the function was given for this handle, which is not closed.
            call_user(
                self.handle.loop_(),
                Callback::Async,
                self,
                callback as *const (),
                || unsafe { callback(this) },
            );
        }
    }

    pub fn close(&self) {
        if self.sends.close() {
            let loop_ = self.handle.loop_();
            loop_.state.asyncs.receive(&loop_.mailbox);
            self.link.unlink();
        }
        self.handle.deactivate();
    }
}

/// Converts a link in a list of the receiver to its handle.
///
/// # Safety
/// The handle is not closed. Closing unlinks it.
unsafe fn handle_of<'a>(link: *const Link) -> &'a Async {
    // SAFETY: the lists contain links of async handles, and a handle is alive until it is closed.
    unsafe { &*container_of!(link, Async, link) }
}

fn number_of(link: *const Link) -> u64 {
    // SAFETY: it is only called for links in a list.
    unsafe { handle_of(link) }.handle.number()
}

/// How many steps an iteration may take to insert handles that are sent to during its callbacks: this
/// many, and `STEPS_PER_CALLBACK` more for each callback.
const STEPS: usize = 1000;
const STEPS_PER_CALLBACK: usize = 4;

/// The loop's side of its async handles. A handle that was sent to is on the mailbox's stack, then in
/// `sent` or `due`, and leaves that right before its callback.
///
/// libuv calls handles back in the order in which they were initialised, including those that are sent
/// to by the callback of a handle before them. An iteration calls back each handle at most once: one that
/// had its turn, and one that was initialised meanwhile, waits for the next. With `n` callbacks it takes
/// about `3 n log2 n` steps to sort the handles, and at most `STEPS + STEPS_PER_CALLBACK * n` to insert
/// others. Handles that are sent to when those are used up wait for the next iteration as well.
pub struct AsyncReceiver {
    /// How many async handles were initialised.
    initialised: Cell<u64>,
    /// Taken off the stack, while the processor prefetches it.
    prefetching: Cell<Chain>,
    /// To be called back in the next iteration.
    sent: List,
    /// To be called back in this iteration, sorted by number.
    due: List,
    /// The numbers of the handles that have not had their turn in this iteration ...
    turns: Cell<(u64, u64)>,
    /// ... and the steps left to insert them. Outside of `run` this is 0, and all lists but `sent` are
    /// empty, unless a callback has left the loop.
    steps: Cell<usize>,
}

impl AsyncReceiver {
    pub const fn new() -> AsyncReceiver {
        AsyncReceiver {
            initialised: Cell::new(0),
            prefetching: Cell::new(Chain::EMPTY),
            sent: List::new(),
            due: List::new(),
            turns: Cell::new((0, 0)),
            steps: Cell::new(0),
        }
    }

    /// Returns whether an async handle was ever initialised.
    pub fn is_used(&self) -> bool {
        self.initialised.get() > 0
    }

    /// Returns whether handles wait to be called back, apart from those on the mailbox's stack.
    pub fn has_received(&self) -> bool {
        !self.sent.is_empty()
    }

    /// Moves handles from the stack to the lists.
    fn receive(&self, mailbox: &Mailbox) {
        self.insert(self.prefetching.replace(Chain::EMPTY));
        self.insert(mailbox.take_asyncs());
    }

    /// Takes handles off the stack, and moves those that the call before took to the lists. They are in
    /// the cache of another core, and are prefetched during a callback.
    fn receive_later(&self, mailbox: &Mailbox) {
        let taken = mailbox.take_asyncs();
        taken.prefetch();
        self.insert(self.prefetching.replace(taken));
    }

    /// Inserts the handles into `due` if they have not had their turn and there are steps left, and
    /// otherwise into `sent`.
    fn insert(&self, taken: Chain) {
        let mut steps = self.steps.get();
        if steps == 0 {
            taken.append_to(&self.sent);
            return;
        }
        let (first, end) = self.turns.get();
        let received = List::new();
        taken.append_to(&received);
        while let Some(link) = received.front().filter(|_| steps > 0) {
            steps -= 1;
            // SAFETY: a handle in a list is alive, and is unlinked before it is closed.
            unsafe {
                (*link).unlink();
                let is_due = (first..end).contains(&number_of(link));
                if !(is_due && self.due.insert(&*link, &number_of, &mut steps)) {
                    self.sent.push_back(&*link);
                }
            }
        }
        received.move_to(&self.sent);
        self.steps.set(steps);
    }

    /// Requeues the handles that were not called back because a callback left the loop.
    pub fn resume(&self) {
        self.steps.set(0);
        self.insert(self.prefetching.replace(Chain::EMPTY));
        self.sent.prepend(&self.due);
    }

    /// Calls back the handles that were sent to.
    pub fn run(&self, loop_: &Loop) {
        let end = loop_.handle_count();
        self.receive(&loop_.mailbox);
        self.sent.move_to(&self.due);
        self.sort_due(loop_);
        self.steps.set(STEPS);
        while let Some(link) = self.due.pop_front() {
            // SAFETY: it was in a list.
            let handle = unsafe { handle_of(link) };
            self.turns.set((handle.handle.number() + 1, end));
            handle.call_back();
            match self.steps.get() {
                // Threads send faster than handles are called back.
                0 => self.receive_later(&loop_.mailbox),
                steps => {
                    self.steps.set(steps + STEPS_PER_CALLBACK);
                    self.receive(&loop_.mailbox);
                }
            }
        }
        self.steps.set(0);
        self.receive(&loop_.mailbox);
    }

    /// Sorts `due`.
    fn sort_due(&self, loop_: &Loop) {
        let count = self.due.len();
        let comparisons = count * count.checked_ilog2().unwrap_or(0) as usize;
        if (comparisons as u64) < self.initialised.get() || self.due.is_sorted(&number_of) {
            self.due.sort(&number_of);
            return;
        }
        // The loop's list of handles is sorted, and hardly longer than `due`: pick them from it.
        let sorted = List::new();
        for handle in loop_.listed_handles().take(comparisons) {
            if self.due.is_empty() {
                break;
            }
            if handle.kind() != UV_ASYNC {
                continue;
            }
            // SAFETY: the handle's type is `Async`.
            let link = unsafe { &(*core::ptr::from_ref(handle).cast::<Async>()).link };
            // It is in `due`, then: `sent` is empty, and elements of the stack are not linked.
            if link.is_linked() {
                link.unlink();
                // SAFETY: it is in no list now; the handle is alive, and unlinked before it is closed.
                unsafe { sorted.push_back(link) };
            }
        }
        // With many handles of other types, the rest was not reached.
        self.due.sort(&number_of);
        self.due.move_to(&sorted);
        sorted.move_to(&self.due);
    }

    /// In the child of a fork: completes the sends that the fork interrupted in the parent.
    pub fn after_fork(&self, loop_: &Loop) {
        self.receive(&loop_.mailbox);
        loop_.listed_handles().for_each(|handle| {
            if handle.kind() != UV_ASYNC {
                return;
            }
            // SAFETY: the handle's type is `Async`.
            let this = unsafe { &*core::ptr::from_ref(handle).cast::<Async>() };
            if this.sends.after_fork(handle.is_closing()) && !this.link.is_linked() {
                // SAFETY: it is in no list, alive, and unlinked before it is closed.
                unsafe { self.sent.push_back(&this.link) };
            }
        });
    }
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
    // SAFETY: the memory is the handle's as documented, and is initialised before it is used as one.
    unsafe {
        let loop_ = Loop::of(r#loop);
        Handle::init(handle, loop_, UV_ASYNC, |handle| Async {
            handle,
            callback: Cell::new(async_cb),
            link: Link::new(),
            sends: Sends::new(),
        });
        let initialised = &loop_.state.asyncs.initialised;
        initialised.set(initialised.get() + 1);
        (*handle).handle.activate();
    }
    0
}

/// Wakes the loop, which then calls the handle's callback on its own thread. Sends before that are
/// coalesced: the callback is called at least once after the last send.
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
    // SAFETY: as documented.
    unsafe { Async::of_any_thread(r#async) }.send();
    0
}
