//! Readiness: which descriptors can be read or written without blocking.
//!
//! mio's selector reports readiness. A TCP socket stays registered, edge-triggered; the [`Watcher`] in
//! its handle caches the readiness until a read or write would block, so reading usually costs no further
//! system call. Pipes and terminals are registered without `EPOLLET`, as a short read
//! does not prove them empty. So is `uv_poll_t`, which calls back for as long as a descriptor is ready.
//!
//! The token of an event holds a descriptor and a generation. An event that was fetched for a closed
//! descriptor never reaches the handle that has its number now.

mod ring;
mod watcher;
pub use ring::Ring;
pub use watcher::{EventHandler, Watcher};

use crate::abi::{Error, Result};
use crate::check::Shuffle;
use crate::list::{container_of, Link};
use crate::memory::Array;
use crate::spin::AdaptiveSpin;
use crate::sys;
use core::cell::{Cell, RefCell, UnsafeCell};
use core::ffi::c_int;
use core::time::Duration;
use mio::event::{Event, Iter};
use mio::unix::SourceFd;
pub use mio::Waker;
use mio::{Events, Interest, Token};
use std::os::fd::AsRawFd;

/// The most events that one wait returns.
const EVENTS: usize = 1024;

/// The initial size of the table of descriptors.
const SLOTS: usize = 64;

/// The token of the waker; no descriptor's token is this large.
const WAKE: Token = Token(usize::MAX);

/// A timeout that does not block.
const NOW: Option<Duration> = Some(Duration::ZERO);

/// The trigger mode and the events of a registration.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Edge-triggered; for TCP and UDP sockets.
    Edge(Interest),
    /// Level-triggered, with epoll's events; for pipes, terminals and `uv_poll_t`.
    Level(u16),
}

pub struct Poller {
    poll: RefCell<mio::Poll>,
    /// The events of the latest wait: a `Box`, which `rest` points into, or null before the first wait.
    events: Cell<*mut Events>,
    /// The events not dispatched yet. Not on the stack, where an exception that leaves a callback
    /// would lose them.
    rest: UnsafeCell<Option<Iter<'static>>>,
    /// The registered watchers, indexed by descriptor; null where there is none. The rest of a
    /// registration is in the `Watcher`: with many connections this table is the loop's largest part.
    slots: RefCell<Array<*const Watcher>>,
    /// The descriptors of stale watchers: their registrations are renewed before the next wait.
    stale: RefCell<Array<c_int>>,
    /// The generation of the latest registration.
    generation: Cell<u32>,
    /// The process that made the selector, as a count of forks.
    process: Cell<u32>,
    /// Whether callbacks may be running.
    running: Cell<bool>,
    /// How many replies the streams expect for what they have sent since the last wait that blocked.
    expected_replies: Cell<u32>,
    /// Spins before a wait for one reply. Several replies and unexpected data are better read after a
    /// sleep, which finds more of them at once.
    spin: AdaptiveSpin,
    pub shuffle: Shuffle,
}

impl Poller {
    pub fn new() -> Result<Poller> {
        let mut slots = Array::new();
        // Reserved here so that a loop without memory fails to start.
        slots.reserve(SLOTS)?;
        Ok(Poller {
            poll: RefCell::new(mio::Poll::new()?),
            events: Cell::new(core::ptr::null_mut()),
            rest: UnsafeCell::new(None),
            slots: RefCell::new(slots),
            stale: RefCell::new(Array::new()),
            generation: Cell::new(0),
            process: Cell::new(sys::process::generation()),
            running: Cell::new(false),
            expected_replies: Cell::new(0),
            spin: AdaptiveSpin::without_credit(),
            shuffle: Shuffle::new(),
        })
    }

    /// The epoll descriptor.
    pub fn fd(&self) -> c_int {
        self.poll.borrow().as_raw_fd()
    }

    /// Returns whether the selector is inherited from the parent of a fork. Both processes share it then, so
    /// it must not be changed: the parent would miss events.
    pub fn is_inherited(&self) -> bool {
        self.process.get() != sys::process::generation()
    }

    /// Notes that the loop begins to run, and whether until it is done.
    pub fn enter(&self, to_the_end: bool) {
        self.shuffle.begin_run(to_the_end);
        self.running.set(true);
    }

    /// Notes that the loop stops running, and renews stale registrations for an embedder.
    pub fn leave(&self) {
        self.running.set(false);
        if !self.stale.borrow().is_empty() {
            self.refresh();
        }
    }

    pub fn waker(&self) -> Result<Waker> {
        Ok(Waker::new(self.poll.borrow().registry(), WAKE)?)
    }

    /// Returns the watcher that is registered for the descriptor. It is alive, as its handle is not
    /// closed.
    pub fn watcher(&self, fd: c_int) -> Option<*const Watcher> {
        let watcher = *self.slots.borrow().get(usize::try_from(fd).ok()?)?;
        (!watcher.is_null()).then_some(watcher)
    }

    fn watches(&self, watcher: &Watcher) -> bool {
        self.watcher(watcher.fd.get()).is_some_and(|holder| core::ptr::eq(holder, watcher))
    }

    /// Gives the watcher a new generation, so that events fetched for it before are dropped.
    fn advance_generation(&self, watcher: &Watcher) {
        self.generation.set(self.generation.get().wrapping_add(1));
        watcher.generation.set(self.generation.get());
    }

    /// Registers the watcher's descriptor, or changes its registration; the kernel reports the current
    /// readiness again. If another watcher has registered the descriptor, this one takes over from a
    /// stream or UDP handle, and fails with `EEXIST` otherwise. The other is idle then, or gets no more
    /// events: two handles that were opened while idle can be started both.
    pub fn register(&self, watcher: &Watcher, mode: Mode) -> Result {
        let fd = watcher.fd.get();
        let index = usize::try_from(fd).map_err(|_| Error::EBADF)?;
        let mut slots = self.slots.borrow_mut();
        while slots.len() <= index {
            slots.push(core::ptr::null())?;
        }
        // SAFETY: a registered watcher is part of a live handler.
        let holder = unsafe { slots[index].as_ref() };
        if !holder.is_some_and(|holder| core::ptr::eq(holder, watcher)) {
            if let Some(other) = holder {
                if !other.vtable().yields {
                    return Err(Error::EEXIST);
                }
                other.yield_registration();
                slots[index] = core::ptr::null();
            }
            self.advance_generation(watcher);
        }
        let known = holder.is_some();
        match self.update_selector(watcher, mode, known) {
            // The user closed the descriptor, and its number was reused.
            Err(Error::ENOENT) if known => {
                self.advance_generation(watcher);
                watcher.readable.set(false);
                watcher.read_closed.set(false);
                self.update_selector(watcher, mode, false)?;
            }
            // The user closed the descriptor while a copy of it was open, which kept it registered, and
            // the number means the same file again.
            Err(Error::EEXIST) if !known => self.update_selector(watcher, mode, true)?,
            other => other?,
        }
        watcher.set_stale(false);
        slots[index] = watcher;
        Ok(())
    }

    /// Fails with the kernel's error if the descriptor cannot be polled.
    pub fn can_watch(&self, fd: c_int) -> Result {
        match sys::fd::epoll_ctl(self.fd(), libc::EPOLL_CTL_ADD, fd, 0, u64::MAX - 1) {
            Ok(()) => sys::fd::epoll_ctl(self.fd(), libc::EPOLL_CTL_DEL, fd, 0, 0),
            Err(Error::EEXIST) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Registers the watcher's descriptor level-triggered for these epoll events. Drops events that were
    /// fetched for it.
    pub fn register_level(&self, watcher: &Watcher, events: u16) -> Result {
        let known = self.watches(watcher);
        if known {
            // Some libraries ask for the same events with every command, so a callback renews the
            // registration only once, before the next wait. It has to be: the number may mean another
            // file by now. Outside of callbacks an embedder may be about to poll the selector.
            let same = watcher.level_events.get() == events;
            if same && watcher.is_stale() {
                return Ok(());
            }
            self.advance_generation(watcher);
            let defer = same && self.running.get();
            if defer && self.stale.borrow_mut().push(watcher.fd.get()).is_ok() {
                watcher.set_stale(true);
                return Ok(());
            }
        }
        watcher.level_events.set(events);
        self.register(watcher, Mode::Level(events))
    }

    /// Makes room for events, and renews registrations.
    #[inline(always)]
    fn prepare(&self) {
        if self.events.get().is_null() {
            self.make_events();
        }
        if !self.stale.borrow().is_empty() {
            self.refresh();
        }
    }

    /// Renews the registrations that `register_level` deferred.
    #[cold]
    fn refresh(&self) {
        while let Some(fd) = self.stale.borrow_mut().pop() {
            // SAFETY: a registered watcher is part of a live handler.
            let Some(watcher) = self.watcher(fd).map(|watcher| unsafe { &*watcher }) else {
                continue;
            };
            if !watcher.is_stale() {
                continue;
            }
            watcher.set_stale(false);
            // Fails if the user has closed the descriptor: it has no events then.
            let _ = self.register(watcher, watcher.registered());
        }
    }

    fn update_selector(&self, watcher: &Watcher, mode: Mode, known: bool) -> Result {
        if self.is_inherited() {
            // Registered when the child renews the selector.
            return Ok(());
        }
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

    /// Notes that a stream expects so many replies.
    pub fn expect_replies(&self, count: u32) {
        self.expected_replies.set(self.expected_replies.get().saturating_add(count));
    }

    /// Deregisters the watcher. Drops events that were fetched for it.
    pub fn deregister(&self, watcher: &Watcher) {
        if !self.watches(watcher) {
            return;
        }
        let fd = watcher.fd.get();
        self.slots.borrow_mut()[fd as usize] = core::ptr::null();
        if self.is_inherited() {
            return;
        }
        // Fails if the user closed the descriptor first, which deregistered it.
        let _ = self.poll.borrow().registry().deregister(&mut SourceFd(&fd));
    }

    /// Waits for events, at most `timeout` milliseconds; -1 means without a limit. Finds none when the
    /// time is up or a signal handler ran; `epoll_wait` has no other error here. Does not wait while
    /// events of the previous wait are left.
    #[inline(always)]
    pub fn wait(&self, timeout: c_int) {
        // SAFETY: nothing else uses the iterator meanwhile.
        let rest = unsafe { &mut *self.rest.get() };
        if rest.is_some() || self.shuffle.has_events() {
            return; // A callback has left the loop before these were dispatched.
        }
        self.prepare();
        let timeout = match timeout {
            0 => NOW,
            _ => u64::try_from(timeout).ok().map(Duration::from_millis),
        };
        // Not borrowed, as a thread that is cancelled in the system call does not end the borrow.
        // SAFETY: only mio's wait runs while the references are in use, and `rest`, which is empty, is
        // the only other pointer to events.
        let (poll, events) = unsafe { (&mut *self.poll.as_ptr(), &mut *self.events.get()) };
        let reply_due = timeout != NOW && self.expected_replies.take() == 1;
        let mut has_events = || poll.poll(events, NOW).is_ok() && !events.is_empty();
        if !(reply_due && self.spin.poll_until(&mut has_events)) {
            let since = reply_due.then(sys::time::monotonic);
            let result = poll.poll(events, timeout);
            if self.shuffle.is_on() {
                return self.shuffle.arrange(events.iter(), |event| self.is_edge(event));
            }
            if result.is_err() || events.is_empty() {
                return;
            }
            if let Some(since) = since {
                self.spin.record_sleep(since, sys::time::monotonic());
            }
        }
        if self.shuffle.is_on() {
            return self.shuffle.arrange(events.iter(), |event| self.is_edge(event));
        }
        // SAFETY: the events live as long as the poller, and change only after `rest` was cleared.
        *rest = unsafe { Some((*self.events.get()).iter()) };
    }

    #[cold]
    fn make_events(&self) {
        self.events.set(Box::into_raw(Box::new(Events::with_capacity(EVENTS))));
    }

    /// Takes the next event of the latest wait, in the kernel's order, and skips events without a
    /// watcher. A handler reads the event before it calls back, as a callback may wait again.
    ///
    /// The watcher is looked up only now, because the callbacks of earlier events may have closed it.
    #[inline(always)]
    pub fn next_event(&self) -> Option<(*const Watcher, &Event)> {
        while self.shuffle.is_on() {
            let event = self.shuffle.next_event()?;
            if let Some(watcher) = self.watcher_of(event) {
                return Some((watcher, event));
            }
        }
        loop {
            // SAFETY: nothing else uses the iterator meanwhile.
            let rest = unsafe { &mut *self.rest.get() };
            let Some(event) = rest.as_mut()?.next() else {
                *rest = None;
                return None;
            };
            // The reason of a wake-up is in the mailbox.
            if event.token() != WAKE {
                if let Some(watcher) = self.watcher_of(event) {
                    return Some((watcher, event));
                }
            }
        }
    }

    fn watcher_of(&self, event: &Event) -> Option<*const Watcher> {
        let token = event.token();
        let watcher = self.watcher((token.0 & 0xffff_ffff) as c_int)?;
        // SAFETY: a registered watcher is part of a live handler.
        let generation = unsafe { (*watcher).generation.get() };
        (generation as usize == token.0 >> 32).then_some(watcher)
    }

    /// Returns whether the kernel reports an event only once, or None if no watcher waits for it.
    fn is_edge(&self, event: &Event) -> Option<bool> {
        let watcher = (event.token() != WAKE).then(|| self.watcher_of(event))??;
        // SAFETY: a registered watcher is part of a live handler.
        Some(matches!(unsafe { (*watcher).registered() }, Mode::Edge(_)))
    }

    /// Replaces the selector and registers every watcher again, in the child of a fork.
    pub fn renew(&self) -> Result {
        // Dropping the inherited selector closes the child's descriptor only.
        *self.poll.borrow_mut() = mio::Poll::new()?;
        self.process.set(sys::process::generation());
        self.shuffle.forget_events();
        let slots = self.slots.borrow();
        // SAFETY: a registered watcher is part of a live handler.
        for watcher in slots.iter().filter_map(|watcher| unsafe { watcher.as_ref() }) {
            match self.update_selector(watcher, watcher.registered(), false) {
                // The user has closed the descriptor: it has no events.
                Ok(()) | Err(Error::EBADF) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl Drop for Poller {
    fn drop(&mut self) {
        if !self.events.get().is_null() {
            // SAFETY: it came from a box, and what points into it is not used any more.
            drop(unsafe { Box::from_raw(self.events.get()) });
        }
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
