use super::{Mode, Poller};
use crate::abi::{Error, Result};
use crate::ffi::interior_mutable;
use crate::list::Link;
use core::cell::Cell;
use core::ffi::c_int;
use mio::event::Event;
use mio::Interest;

/// A struct that a [`Watcher`] is part of, and that handles the events of its descriptor.
///
/// # Safety
/// A `Watcher` lies `OFFSET` bytes into every `Self`, which is reached through shared references only.
pub unsafe trait EventHandler: Sized {
    const OFFSET: usize;

    /// Whether another watcher of the same descriptor may take over the registration. The handler then
    /// registers again when it next needs to.
    const YIELDS: bool = false;

    /// Handles an event of the kernel.
    fn on_event(&self, event: &Event);

    /// Runs in the pending phase after [`Watcher::pending`] was queued.
    fn on_pending(&self) {}

    /// Runs in the poll phase after [`Watcher::requeued`] was queued.
    fn on_requeued(&self) {}

    /// Returns whether the handler waits for no event.
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
        // SAFETY: the functions are called with the watcher of an `H`, the type parameter of `Watcher::new`.
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

/// The bits of `Watcher::flags`.
const LEVEL: u8 = 1;
const STALE: u8 = 2;

/// One descriptor that a loop watches, at the place of `uv__io_t` in the handle.
///
/// `readable` is set by an event and cleared by a read that emptied the descriptor.
#[repr(C)]
pub struct Watcher {
    vtable: Cell<&'static Vtable>,
    pub pending: Link,
    pub requeued: Link,
    /// The generation of the registration. Events of another one are dropped.
    pub(super) generation: Cell<u32>,
    /// The events that [`Poller::register_level`] registered.
    pub level_events: Cell<u16>,
    flags: Cell<u8>,
    /// Nothing has used the registration for some time, in which the user may have put another file
    /// under the descriptor's number. It is renewed when it is next needed.
    unused: Cell<bool>,
    /// At libuv's offset, as some programs read it.
    pub fd: Cell<c_int>,
    interest: Cell<Option<Interest>>,
    /// An event reported that it is readable, and no read has emptied it since.
    pub readable: Cell<bool>,
    /// The peer has closed its writing side: a short read then does not mean that the next would block.
    pub read_closed: Cell<bool>,
    /// The latest event reported that the peer is gone, and no error.
    pub hung_up: Cell<bool>,
}

interior_mutable!(Watcher {
    vtable,
    pending,
    requeued,
    generation,
    level_events,
    flags,
    unused,
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
            flags: Cell::new(0),
            unused: Cell::new(false),
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

    /// Returns the number of the registration.
    pub fn generation(&self) -> u32 {
        self.generation.get()
    }

    /// Selects level-triggered or edge-triggered events, for registrations from now on.
    pub fn set_level_triggered(&self, level: bool) {
        self.set(LEVEL, level);
    }

    pub fn is_level_triggered(&self) -> bool {
        self.has(LEVEL)
    }

    fn mode(&self, interest: Interest) -> Mode {
        if !self.is_level_triggered() {
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

    /// Returns the mode of the registration.
    pub(super) fn registered(&self) -> Mode {
        match self.interest.get() {
            Some(interest) => self.mode(interest),
            None => Mode::Level(self.level_events.get()),
        }
    }

    fn has(&self, flag: u8) -> bool {
        self.flags.get() & flag != 0
    }

    fn set(&self, flag: u8, on: bool) {
        let rest = self.flags.get() & !flag;
        self.flags.set(if on { rest | flag } else { rest });
    }

    /// Returns whether the registration must be renewed before the next wait.
    pub(super) fn is_stale(&self) -> bool {
        self.has(STALE)
    }

    pub(super) fn set_stale(&self, stale: bool) {
        self.set(STALE, stale);
    }

    /// Notes that the handler waits for nothing any more. The registration stays, but is renewed when it
    /// is next needed, as the number may mean another file then.
    pub fn set_unused(&self) {
        self.unused.set(true);
    }

    pub fn is_unused(&self) -> bool {
        self.unused.get()
    }

    /// Adds these events to the registration. Readiness is not reported again if they are part of it.
    pub fn arm(&self, poller: &Poller, interest: Interest) -> Result {
        if self.unused.get() {
            return self.rearm(poller, interest);
        }
        let wanted = self.interest.get().map_or(interest, |now| now | interest);
        if self.interest.get() == Some(wanted) {
            return Ok(());
        }
        self.rearm(poller, interest)
    }

    /// Arms the watcher after a write that failed with this error.
    pub fn arm_after(&self, poller: &Poller, interest: Interest, error: Error) -> Result {
        match error {
            // Memory or a queue of the network device was short, so an edge may never come. Registering again
            // reports the descriptor in the next iteration if it is writable.
            Error::ENOBUFS => self.rearm(poller, interest),
            _ => self.arm(poller, interest),
        }
    }

    /// As [`Watcher::arm`], and has the current readiness reported again.
    #[inline(never)]
    pub fn rearm(&self, poller: &Poller, interest: Interest) -> Result {
        let now = self.interest.get().filter(|_| !self.unused.get());
        let wanted = now.map_or(interest, |now| now | interest);
        poller.register(self, self.mode(wanted))?;
        self.unused.set(false);
        self.interest.set(Some(wanted));
        Ok(())
    }

    /// Removes these events from the registration.
    pub fn disarm(&self, poller: &Poller, interest: Interest) {
        let Some(now) = self.interest.get() else { return };
        match now.remove(interest) {
            Some(rest) if rest == now => {}
            Some(rest) => {
                // Cannot fail for a registered descriptor; if it did, its events would be ignored.
                if poller.register(self, self.mode(rest)).is_ok() {
                    self.interest.set(Some(rest));
                }
            }
            None => {
                self.interest.set(None);
                poller.deregister(self);
            }
        }
    }

    /// Notes that another watcher has taken over the registration.
    pub(super) fn yield_registration(&self) {
        self.interest.set(None);
    }

    /// Deregisters the descriptor and leaves the loop's queues.
    pub fn deregister(&self, poller: &Poller) {
        if self.interest.take().is_some() {
            poller.deregister(self);
        }
        self.requeued.unlink();
        self.pending.unlink();
    }
}
