//! Readiness: which descriptors can be read or written without blocking.
//!
//! mio's selector does the asking. A TCP socket stays registered, edge-triggered; the [`Watcher`] in
//! its handle remembers what an edge said until a read or write proves otherwise, so stopping and
//! starting a stream usually costs no system call. Of pipes and terminals a short read proves
//! nothing, and `uv_poll_t` promises to call back for as long as a descriptor is ready, so these
//! are registered on the same selector without `EPOLLET`.
//!
//! Events are matched to descriptors by number and generation: a descriptor that was closed and
//! whose number was given out again in the middle of a batch does not receive the old one's event.

mod ring;
mod watcher;
pub use ring::Ring;
pub use watcher::{EventHandler, Watcher};

use crate::abi::{Error, Result};
use crate::list::{container_of, Link};
use crate::memory::Array;
use crate::spin::AdaptiveSpin;
use crate::sys;
use core::cell::{Cell, RefCell};
use core::ffi::c_int;
use core::time::Duration;
use mio::event::Event;
use mio::unix::SourceFd;
pub use mio::Waker;
use mio::{Events, Interest, Token};
use std::os::fd::AsRawFd;
use std::time::Instant;

/// How many events one wait takes in.
const EVENTS: usize = 1024;

/// How many descriptors a loop has room for from the start.
const SLOTS: usize = 64;

/// The token of the wake-up; no descriptor's token can be this large.
const WAKE: Token = Token(usize::MAX);

/// As a timeout: not at all.
const NOW: Option<Duration> = Some(Duration::ZERO);

/// What a descriptor is registered for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Edge-triggered, as streams use it.
    Edge(Interest),
    /// Level-triggered with these epoll events, as pipes, terminals and `uv_poll_t` use it.
    Level(u16),
}

/// Something that a wait reported.
pub enum PollEvent<'a> {
    /// Another thread or a signal handler called for attention.
    Wake,
    /// A watched descriptor is ready; the `Watcher` is alive, as its handle is not closed.
    Ready(*const Watcher, &'a Event),
}

pub struct Poller {
    poll: RefCell<mio::Poll>,
    /// Absent while a batch of them is being dispatched.
    events: RefCell<Option<Events>>,
    /// Indexed by descriptor; null where nothing is watched. What a registration needs besides is
    /// in the `Watcher`: with tens of thousands of connections this table is what a loop grows by.
    slots: RefCell<Array<*const Watcher>>,
    /// The descriptors whose `Watcher` is stale.
    stale: RefCell<Array<c_int>>,
    /// Of the latest registration.
    generation: Cell<u32>,
    /// Messages that streams have sent since the last wait that could be long.
    sent: Cell<u32>,
    /// For the answer to a message, where one was sent. Several answers, and what comes unasked, had
    /// better be waited for asleep: more of it is there at once then, and a reader in haste gets in the
    /// sender's way.
    spin: AdaptiveSpin,
}

impl Poller {
    pub fn new() -> Result<Poller> {
        let mut slots = Array::new();
        // Room for the first descriptors: a loop that can have no memory fails to start.
        slots.reserve(SLOTS)?;
        Ok(Poller {
            poll: RefCell::new(mio::Poll::new()?),
            events: RefCell::new(Some(Events::with_capacity(EVENTS))),
            slots: RefCell::new(slots),
            stale: RefCell::new(Array::new()),
            generation: Cell::new(0),
            sent: Cell::new(0),
            spin: AdaptiveSpin::earned(64),
        })
    }

    /// The epoll descriptor.
    pub fn fd(&self) -> c_int {
        self.poll.borrow().as_raw_fd()
    }

    pub fn waker(&self) -> Result<Waker> {
        Ok(Waker::new(self.poll.borrow().registry(), WAKE)?)
    }

    /// What the descriptor is registered for, alive as its handle is not closed.
    pub fn watcher(&self, fd: c_int) -> Option<*const Watcher> {
        let watcher = *self.slots.borrow().get(usize::try_from(fd).ok()?)?;
        (!watcher.is_null()).then_some(watcher)
    }

    fn watches(&self, watcher: &Watcher) -> bool {
        self.watcher(watcher.fd.get()).is_some_and(|holder| core::ptr::eq(holder, watcher))
    }

    /// Events that were taken in for `io` before are not for it.
    fn renumber(&self, watcher: &Watcher) {
        self.generation.set(self.generation.get().wrapping_add(1));
        watcher.generation.set(self.generation.get());
    }

    /// Registers `io.fd`, or changes what it is registered for; the kernel then reports anew what
    /// is ready already. A registration that another handle with the same descriptor has is taken
    /// over: that one does nothing at the moment, or the user would have two use it at once.
    pub fn watch(&self, watcher: &Watcher, mode: Mode) -> Result {
        let fd = watcher.fd.get();
        let index = usize::try_from(fd).map_err(|_| Error::EBADF)?;
        let mut slots = self.slots.borrow_mut();
        while slots.len() <= index {
            slots.push(core::ptr::null())?;
        }
        // SAFETY: what is registered is alive.
        let holder = unsafe { slots[index].as_ref() };
        if !holder.is_some_and(|holder| core::ptr::eq(holder, watcher)) {
            if let Some(other) = holder {
                if !other.vtable().yields {
                    return Err(Error::EEXIST);
                }
                other.yield_registration();
                slots[index] = core::ptr::null();
            }
            self.renumber(watcher);
        }
        self.register(watcher, mode, holder.is_some())?;
        watcher.stale.set(false);
        slots[index] = watcher;
        Ok(())
    }

    /// Fails with what the kernel says of a descriptor that cannot be waited for.
    pub fn can_watch(&self, fd: c_int) -> Result {
        match sys::fd::epoll_ctl(self.fd(), libc::EPOLL_CTL_ADD, fd, 0, u64::MAX - 1) {
            Ok(()) => sys::fd::epoll_ctl(self.fd(), libc::EPOLL_CTL_DEL, fd, 0, 0),
            Err(Error::EEXIST) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Registers `io.fd` level-triggered for these epoll events. Events already taken in for it are
    /// dropped.
    pub fn watch_level(&self, watcher: &Watcher, events: u16) -> Result {
        let known = self.watches(watcher);
        if known {
            // Some libraries ask for the same with every command. Renewing it once before the next
            // wait is enough; that it is renewed at all is for a number that stands for another
            // file by now.
            let same = watcher.level_events.get() == events;
            if same && watcher.stale.get() {
                return Ok(());
            }
            self.renumber(watcher);
            if same && self.stale.borrow_mut().push(watcher.fd.get()).is_ok() {
                watcher.stale.set(true);
                return Ok(());
            }
        }
        watcher.level_events.set(events);
        match self.watch(watcher, Mode::Level(events)) {
            // The user closed the descriptor, and its number was given out anew.
            Err(Error::ENOENT) if known => {
                self.forget(watcher);
                self.watch(watcher, Mode::Level(events))
            }
            other => other,
        }
    }

    /// Brings the registrations up to date for which `watch_level` put that off.
    fn refresh(&self) {
        while let Some(fd) = self.stale.borrow_mut().pop() {
            // SAFETY: what is registered is alive.
            let Some(watcher) = self.watcher(fd).map(|watcher| unsafe { &*watcher }) else {
                continue;
            };
            if !watcher.stale.take() {
                continue;
            }
            if self.register(watcher, watcher.registered(), true) == Err(Error::ENOENT) {
                // Fails when the user has closed the descriptor: there is nothing to report.
                let _ = self.register(watcher, watcher.registered(), false);
            }
        }
    }

    fn register(&self, watcher: &Watcher, mode: Mode, known: bool) -> Result {
        let poll = self.poll.borrow();
        let fd = watcher.fd.get();
        // The low half holds the descriptor, which is not negative, so no token equals WAKE.
        let token = (watcher.generation.get() as usize) << 32 | fd as usize;
        match mode {
            Mode::Edge(interest) if known => {
                poll.registry().reregister(&mut SourceFd(&fd), Token(token), interest)?
            }
            Mode::Edge(interest) => {
                poll.registry().register(&mut SourceFd(&fd), Token(token), interest)?
            }
            Mode::Level(events) => {
                let operation = if known { libc::EPOLL_CTL_MOD } else { libc::EPOLL_CTL_ADD };
                sys::fd::epoll_ctl(poll.as_raw_fd(), operation, fd, events.into(), token as u64)?
            }
        }
        Ok(())
    }

    /// Takes note that a stream has sent so many messages.
    pub fn sent(&self, messages: u32) {
        self.sent.set(self.sent.get().saturating_add(messages));
    }

    /// Ends the watching of a descriptor; events already taken in for it are dropped.
    pub fn forget(&self, watcher: &Watcher) {
        if !self.watches(watcher) {
            return;
        }
        let fd = watcher.fd.get();
        self.slots.borrow_mut()[fd as usize] = core::ptr::null();
        // Fails when the user closed the descriptor first; the kernel has forgotten it then.
        let _ = self.poll.borrow().registry().deregister(&mut SourceFd(&fd));
    }

    /// Waits for events, at most `timeout` milliseconds (-1: for ever, 0: not at all). None when
    /// the time is up or a signal handler ran; the call cannot fail otherwise.
    #[inline(always)]
    pub fn wait(&self, timeout: c_int) -> Option<Batch<'_>> {
        self.refresh();
        let timeout = match timeout {
            0 => NOW,
            _ => u64::try_from(timeout).ok().map(Duration::from_millis),
        };
        // A thread that is cancelled in there leaves no borrow behind.
        // SAFETY: all that runs before they are out of use is mio's wait for the kernel.
        let (poll, slot) = unsafe { (&mut *self.poll.as_ptr(), &mut *self.events.as_ptr()) };
        // Absent only when a callback runs the loop that called it, which libuv forbids.
        let events = slot.get_or_insert_with(|| Events::with_capacity(EVENTS));
        let answer_due = timeout != NOW && self.sent.take() == 1;
        let mut answered = || poll.poll(events, NOW).is_ok() && !events.is_empty();
        if !(answer_due && self.spin.ask(&mut answered)) {
            let since = answer_due.then(Instant::now);
            let result = poll.poll(events, timeout);
            if result.is_err() || events.is_empty() {
                return None;
            }
            if let Some(since) = since {
                self.spin.slept(since);
            }
        }
        Some(Batch { poller: self, events: slot.take() })
    }

    fn identify<'a>(&self, event: &'a Event) -> Option<PollEvent<'a>> {
        let token = event.token();
        if token == WAKE {
            return Some(PollEvent::Wake);
        }
        let watcher = self.watcher((token.0 & 0xffff_ffff) as c_int)?;
        // SAFETY: what is registered is alive.
        let generation = unsafe { (*watcher).generation.get() };
        (generation as usize == token.0 >> 32).then_some(PollEvent::Ready(watcher, event))
    }

    /// In the child of a fork: a selector of its own with everything registered anew.
    pub fn renew(&self) -> Result {
        // Dropping the inherited one closes the child's copy only, the parent's stays as it is.
        *self.poll.borrow_mut() = mio::Poll::new()?;
        let slots = self.slots.borrow();
        // SAFETY: what is registered is alive.
        for watcher in slots.iter().filter_map(|watcher| unsafe { watcher.as_ref() }) {
            match self.register(watcher, watcher.registered(), false) {
                // The user has closed it; there is nothing to be told about it.
                Ok(()) | Err(Error::EBADF) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// The events of one wait.
pub struct Batch<'a> {
    poller: &'a Poller,
    events: Option<Events>,
}

impl Batch<'_> {
    /// What happened, in the kernel's order; looked up only when it is that event's turn, because
    /// the callbacks of earlier ones may have closed what later ones are about.
    pub fn iter(&self) -> impl Iterator<Item = PollEvent<'_>> {
        self.events.iter().flatten().filter_map(|event| self.poller.identify(event))
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        *self.poller.events.borrow_mut() = self.events.take();
    }
}

/// The watcher of a link in the loop's pending queue.
///
/// # Safety
/// `link` is the `pending` link of a watcher.
pub unsafe fn watcher_of_pending(link: *const Link) -> *const Watcher {
    // SAFETY: as documented.
    unsafe { container_of!(link, Watcher, pending) }
}

/// The watcher of a link in the loop's list of requeued descriptors.
///
/// # Safety
/// `link` is the `requeued` link of a watcher.
pub unsafe fn watcher_of_requeued(link: *const Link) -> *const Watcher {
    // SAFETY: as documented.
    unsafe { container_of!(link, Watcher, requeued) }
}
