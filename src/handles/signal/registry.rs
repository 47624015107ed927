//! Which signals the process watches, for all loops.
//!
//! The one handler writes to the pipes of the loops that watch its signal. It finds them in a list of
//! [`Slot`]s, which are used again and never freed, so it needs no lock; and the child of a fork can
//! put right what handlers in other threads of its parent left half done.
//!
//! What libuv promises: a handler installed before is replaced; the default action comes back when
//! the last watcher stops; watchers that are all one-shot leave the signal at its default action once
//! it was caught; and every signal that can be caught can be watched.

use crate::abi::{Error, Result};
use crate::sys::{self, signal};
use core::ffi::c_int;
use core::ptr;
use core::sync::atomic::{AtomicI32, AtomicPtr, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::yield_now;

/// What a handler writes: a signal that was caught, and how many starts there had been by then,
/// which tells who it is for.
pub struct Caught {
    pub signum: c_int,
    pub starts: u64,
}

impl Caught {
    /// Shorter than PIPE_BUF, so it is written and read whole.
    pub const SIZE: usize = 8;

    fn to_bytes(&self) -> [u8; Self::SIZE] {
        // Signals end at 64.
        (self.starts << 8 | self.signum as u64).to_ne_bytes()
    }

    pub fn from_bytes(bytes: [u8; Self::SIZE]) -> Self {
        let message = u64::from_ne_bytes(bytes);
        Caught { signum: (message & 0xff) as c_int, starts: message >> 8 }
    }
}

/// Signals are 1 to 64.
const SIGNALS: usize = 65;

/// What the handler of a signal needs to know of one pipe.
struct Slot {
    /// The writing end, -1 while the slot is not in use.
    pipe: AtomicI32,
    /// Handlers that may be writing to the pipe.
    writing: AtomicU32,
    /// The next slot of the signal.
    next: Option<&'static Slot>,
}

/// The first slot of each signal. Changed with the registry locked.
static SLOTS: [AtomicPtr<Slot>; SIGNALS] = [const { AtomicPtr::new(ptr::null_mut()) }; SIGNALS];

struct Watcher {
    start: u64,
    one_shot: bool,
    slot: &'static Slot,
}

type Registry = [Vec<Watcher>; SIGNALS];

/// The watchers of each signal.
static REGISTRY: Mutex<Registry> = Mutex::new([const { Vec::new() }; SIGNALS]);

/// Counts the starts. Changed with the registry locked.
static STARTS: AtomicU64 = AtomicU64::new(0);

fn registry() -> MutexGuard<'static, Registry> {
    // Nothing panics while it is locked; if something did, the data would still be whole.
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

fn slots(signum: usize) -> impl Iterator<Item = &'static Slot> {
    // SAFETY: slots are never freed.
    let first = unsafe { SLOTS[signum].load(Ordering::Acquire).as_ref() };
    core::iter::successors(first, |slot| slot.next)
}

impl Slot {
    /// The slot of a pipe: the one it has, one that is free, or a new one. Called with the registry
    /// locked.
    fn of(signum: usize, pipe: c_int, watchers: &[Watcher]) -> &'static Slot {
        if let Some(known) = slots(signum).find(|slot| slot.pipe.load(Ordering::Relaxed) == pipe) {
            return known;
        }
        if let Some(free) = slots(signum).find(|slot| !slot.is_used(watchers)) {
            free.pipe.store(pipe, Ordering::Release);
            return free;
        }
        let new = Box::leak(Box::new(Slot {
            pipe: AtomicI32::new(pipe),
            writing: AtomicU32::new(0),
            next: slots(signum).next(),
        }));
        SLOTS[signum].store(new, Ordering::Release);
        new
    }

    fn is_used(&self, watchers: &[Watcher]) -> bool {
        watchers.iter().any(|watcher| ptr::eq(watcher.slot, self))
    }

    /// Called in the signal handler.
    fn write(&self, message: &[u8]) {
        // Either `release` sees this, or this sees that there is no pipe any more.
        self.writing.fetch_add(1, Ordering::SeqCst);
        let pipe = self.pipe.load(Ordering::SeqCst);
        if pipe != -1 {
            // A full pipe holds thousands of signals that were not dispatched yet; like the
            // kernel's own queue it then takes no more.
            let _ = sys::fd::write_bytes(pipe, message);
        }
        self.writing.fetch_sub(1, Ordering::Release);
    }

    /// Frees the slot unless a watcher uses it. After that no handler writes to the pipe, whose
    /// number may become another file's.
    fn release(&self, watchers: &[Watcher]) {
        if self.is_used(watchers) {
            return;
        }
        self.pipe.store(-1, Ordering::SeqCst);
        // Handlers are one system call away from being done.
        while self.writing.load(Ordering::SeqCst) != 0 {
            yield_now();
        }
    }
}

extern "C" fn handle(signum: c_int) {
    let errno = sys::errno();
    let message = Caught { signum, starts: STARTS.load(Ordering::Relaxed) }.to_bytes();
    for slot in slots(signum as usize) {
        slot.write(&message);
    }
    sys::set_errno(errno);
}

/// Has the signal's handler write to the pipe; returns the number of this start.
pub fn start(signum: c_int, one_shot: bool, pipe: c_int) -> Result<u64> {
    let mut registry = registry();
    let index = usize::try_from(signum).map_err(|_| Error::EINVAL)?;
    let watchers = registry.get_mut(index).ok_or(Error::EINVAL)?;
    watchers.try_reserve(1).map_err(|_| Error::ENOMEM)?;
    let start = STARTS.fetch_add(1, Ordering::Relaxed) + 1;
    let slot = Slot::of(index, pipe, watchers);
    watchers.push(Watcher { start, one_shot, slot });
    // Fails for what is no signal or cannot be caught.
    if let Err(error) = set_disposition(signum, watchers) {
        watchers.pop();
        slot.release(watchers);
        return Err(error);
    }
    Ok(start)
}

pub fn stop(signum: c_int, start: u64) {
    let mut registry = registry();
    let Some(watchers) = registry.get_mut(signum as usize) else { return };
    let Some(index) = watchers.iter().position(|w| w.start == start) else { return };
    let slot = watchers.swap_remove(index).slot;
    // The disposition first: a signal between the two would be lost the other way round.
    let _ = set_disposition(signum, watchers);
    slot.release(watchers);
}

/// Sets the signal's disposition to what its watchers need.
fn set_disposition(signum: c_int, watchers: &[Watcher]) -> Result {
    let action = if watchers.is_empty() {
        signal::action(libc::SIG_DFL, 0)
    } else {
        let once = watchers.iter().all(|w| w.one_shot);
        let flags = libc::SA_RESTART | if once { libc::SA_RESETHAND } else { 0 };
        signal::action(handle as extern "C" fn(c_int) as usize, flags)
    };
    signal::set_sigaction(signum, &action)
}

/// The registry, locked for the time of a fork, so that the child finds it whole.
pub struct ForkLock(#[allow(dead_code)] MutexGuard<'static, Registry>);

pub fn fork_prepare() -> ForkLock {
    ForkLock(registry())
}

/// The pipes are the parent's, and so are the handlers that were running.
pub fn after_fork_in_child() {
    for slot in (0..SIGNALS).flat_map(slots) {
        slot.pipe.store(-1, Ordering::Relaxed);
        slot.writing.store(0, Ordering::Relaxed);
    }
}
