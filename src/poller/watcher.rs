use super::{Mode, Poller};
use crate::abi::Result;
use crate::ffi::{interior_mutable, padding, Padding};
use crate::list::Link;
use core::cell::Cell;
use core::ffi::c_int;
use mio::Interest;

/// What kind of thing an [`Watcher`] is part of, hence who is told that it is ready.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Kind {
    Stream = 1,
    Signals,
    Poll,
    Udp,
    FsEvents,
    Ring,
}

/// One descriptor that a loop watches, at the place of `uv__io_t` in the handle.
///
/// `interest` is what the kernel was asked for; `readable` is set by an edge and cleared by a read
/// that took everything there was.
#[repr(C)]
pub struct Watcher {
    kind: Cell<Kind>,
    interest: Cell<Option<Interest>>,
    /// An edge said that there is something to read, and no read has emptied it since.
    pub readable: Cell<bool>,
    /// The peer will send no more: a short read then does not mean that the next would block.
    pub read_closed: Cell<bool>,
    /// The latest event said that the other side is gone, and of no error.
    pub hung_up: Cell<bool>,
    /// Readiness is reported for as long as it lasts, not only when it begins.
    level: Cell<bool>,
    /// Its registration is renewed before the next wait.
    pub(super) stale: Cell<bool>,
    padding: Padding<1>,
    pub pending: Link,
    pub ready: Link,
    /// Of the registration; what an event for it must show.
    pub(super) generation: Cell<u32>,
    /// What [`Poller::watch_level`] registered it for.
    pub level_events: Cell<u32>,
    /// Where libuv has it, as some programs read it from there.
    pub fd: Cell<c_int>,
    end: Padding<4>,
}

interior_mutable!(Watcher {
    kind,
    interest,
    readable,
    read_closed,
    hung_up,
    level,
    stale,
    padding,
    pending,
    ready,
    generation,
    level_events,
    fd,
    end,
});
const _: () = {
    assert!(core::mem::size_of::<Watcher>() == 56);
    assert!(core::mem::offset_of!(Watcher, fd) == 48);
};

impl Watcher {
    pub const fn new(kind: Kind, fd: c_int) -> Watcher {
        Watcher {
            kind: Cell::new(kind),
            interest: Cell::new(None),
            readable: Cell::new(false),
            read_closed: Cell::new(false),
            hung_up: Cell::new(false),
            level: Cell::new(false),
            stale: Cell::new(false),
            padding: padding(),
            pending: Link::new(),
            ready: Link::new(),
            generation: Cell::new(0),
            level_events: Cell::new(0),
            fd: Cell::new(fd),
            end: padding(),
        }
    }

    pub fn kind(&self) -> Kind {
        self.kind.get()
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
        Mode::Level(events as u32)
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
    pub fn lose(&self) {
        self.interest.set(None);
    }

    /// Ends all watching and leaves the loop's lists.
    pub fn forget(&self, poller: &Poller) {
        if self.interest.take().is_some() {
            poller.forget(self);
        }
        self.ready.unlink();
        self.pending.unlink();
    }
}
