use super::{Mode, Poller};
use crate::abi::Result;
use crate::ffi::interior_mutable;
use crate::list::Link;
use core::cell::Cell;
use core::ffi::c_int;
use mio::event::Event;
use mio::Interest;

/// The struct around a [`Watcher`], which is told about its descriptor.
///
/// # Safety
/// A `Watcher` lies `OFFSET` bytes into every `Self`, which is reached through shared references only.
pub unsafe trait EventHandler: Sized {
    const OFFSET: usize;

    /// Whether the registration goes to another watcher of the same descriptor that asks for it. The
    /// handler then registers again when it next needs to.
    const YIELDS: bool = false;

    /// Handles an event of the kernel.
    fn on_event(&self, event: &Event);

    /// Runs in the pending phase after [`Watcher::pending`] was queued.
    fn on_pending(&self) {}

    /// Runs in the poll phase after [`Watcher::requeued`] was queued.
    fn on_requeued(&self) {}

    /// Whether the handler waits for nothing of the kernel at the moment.
    fn is_idle(&self) -> bool {
        false
    }
}

/// The functions of an [`EventHandler`], each taking the handler's watcher, which is alive.
pub struct Vtable {
    pub on_event: unsafe fn(*const Watcher, &Event),
    pub on_pending: unsafe fn(*const Watcher),
    pub on_requeued: unsafe fn(*const Watcher),
    pub is_idle: unsafe fn(*const Watcher) -> bool,
    pub yields: bool,
}

impl Vtable {
    const fn of<H: EventHandler>() -> &'static Vtable {
        /// # Safety
        /// The watcher is that of a live `H`.
        unsafe fn handler<'a, H: EventHandler>(watcher: *const Watcher) -> &'a H {
            // SAFETY: as documented, and by the contract of the trait.
            unsafe { &*watcher.byte_sub(H::OFFSET).cast::<H>() }
        }
        // SAFETY: the functions are called with the watcher of an `H`, as `Watcher::new` is told.
        unsafe {
            &Vtable {
                on_event: |watcher, event| handler::<H>(watcher).on_event(event),
                on_pending: |watcher| handler::<H>(watcher).on_pending(),
                on_requeued: |watcher| handler::<H>(watcher).on_requeued(),
                is_idle: |watcher| handler::<H>(watcher).is_idle(),
                yields: H::YIELDS,
            }
        }
    }
}

/// One descriptor that a loop watches, at the place of `uv__io_t` in the handle.
///
/// `interest` is what the kernel was asked for; `readable` is set by an edge and cleared by a read
/// that took everything there was.
#[repr(C)]
pub struct Watcher {
    vtable: Cell<&'static Vtable>,
    pub pending: Link,
    pub requeued: Link,
    /// Of the registration; what an event for it must show.
    pub(super) generation: Cell<u32>,
    /// What [`Poller::watch_level`] registered it for.
    pub level_events: Cell<u16>,
    /// Readiness is reported for as long as it lasts, not only when it begins.
    level: Cell<bool>,
    /// Its registration is renewed before the next wait.
    pub(super) stale: Cell<bool>,
    /// Where libuv has it, as some programs read it from there.
    pub fd: Cell<c_int>,
    interest: Cell<Option<Interest>>,
    /// An edge said that there is something to read, and no read has emptied it since.
    pub readable: Cell<bool>,
    /// The peer will send no more: a short read then does not mean that the next would block.
    pub read_closed: Cell<bool>,
    /// The latest event said that the other side is gone, and of no error.
    pub hung_up: Cell<bool>,
}

interior_mutable!(Watcher {
    vtable,
    pending,
    requeued,
    generation,
    level_events,
    level,
    stale,
    fd,
    interest,
    readable,
    read_closed,
    hung_up,
});
const _: () = {
    assert!(core::mem::size_of::<Watcher>() == 56);
    assert!(core::mem::offset_of!(Watcher, fd) == 48);
};

impl Watcher {
    /// The watcher of a handler `H`, which it becomes a part of.
    pub const fn new<H: EventHandler>(fd: c_int) -> Watcher {
        Watcher {
            vtable: Cell::new(Vtable::of::<H>()),
            pending: Link::new(),
            requeued: Link::new(),
            generation: Cell::new(0),
            level_events: Cell::new(0),
            level: Cell::new(false),
            stale: Cell::new(false),
            fd: Cell::new(fd),
            interest: Cell::new(None),
            readable: Cell::new(false),
            read_closed: Cell::new(false),
            hung_up: Cell::new(false),
        }
    }

    pub fn vtable(&self) -> &'static Vtable {
        self.vtable.get()
    }

    /// Chooses between reports of what lasts and of what begins; takes effect with the next
    /// registration.
    pub fn set_level_triggered(&self, level: bool) {
        self.level.set(level);
    }

    pub fn is_level_triggered(&self) -> bool {
        self.level.get()
    }

    fn mode(&self, interest: Interest) -> Mode {
        if !self.level.get() {
            return Mode::Edge(interest);
        }
        let mut events = 0;
        if interest.is_readable() {
            events |= libc::EPOLLIN | libc::EPOLLRDHUP;
        }
        if interest.is_writable() {
            events |= libc::EPOLLOUT;
        }
        Mode::Level(events as u16)
    }

    /// What it is registered for.
    pub(super) fn registered(&self) -> Mode {
        match self.interest.get() {
            Some(interest) => self.mode(interest),
            None => Mode::Level(self.level_events.get()),
        }
    }

    /// Sees to it that (at least) these edges are reported. An edge of before is not repeated
    /// when they are already.
    pub fn arm(&self, poller: &Poller, interest: Interest) -> Result {
        let wanted = self.interest.get().map_or(interest, |now| now | interest);
        if self.interest.get() == Some(wanted) {
            return Ok(());
        }
        self.rearm(poller, interest)
    }

    /// As [`Watcher::arm`], and what is ready already is reported again.
    pub fn rearm(&self, poller: &Poller, interest: Interest) -> Result {
        let wanted = self.interest.get().map_or(interest, |now| now | interest);
        poller.watch(self, self.mode(wanted))?;
        self.interest.set(Some(wanted));
        Ok(())
    }

    /// Reports these edges no longer.
    pub fn disarm(&self, poller: &Poller, interest: Interest) {
        let Some(now) = self.interest.get() else { return };
        match now.remove(interest) {
            Some(rest) if rest == now => {}
            Some(rest) => {
                // Cannot fail for a registered descriptor; if it did, events would be ignored.
                if poller.watch(self, self.mode(rest)).is_ok() {
                    self.interest.set(Some(rest));
                }
            }
            None => {
                self.interest.set(None);
                poller.forget(self);
            }
        }
    }

    /// Another `Watcher` with the same descriptor has taken over the registration.
    pub(super) fn yield_registration(&self) {
        self.interest.set(None);
    }

    /// Ends all watching and leaves the loop's lists.
    pub fn forget(&self, poller: &Poller) {
        if self.interest.take().is_some() {
            poller.forget(self);
        }
        self.requeued.unlink();
        self.pending.unlink();
    }
}
