//! Which signals the process watches, for all loops.
//!
//! signal-hook's registry runs any number of actions for a signal without locks in the handler.
//! Around it stands what libuv promises beyond that: a handler installed before is replaced, not
//! called as well; the default action comes back when the last watcher stops; watchers that are all
//! one-shot leave the signal at its default action once it was caught; and signals which
//! signal-hook's own front end refuses, such as SIGSEGV, are allowed.

mod handler;
pub use handler::{after_fork_in_child, after_fork_in_parent};

use crate::abi::{Error, Result};
use crate::sys::process::generation;
use crate::sys::{self, signal};
use core::ffi::c_int;
use core::sync::atomic::{AtomicU64, Ordering};
use signal_hook::SigId;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

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

/// A loop's pipe, in the process that has the loop: after a fork the same number is another pipe.
#[derive(Clone, Copy, PartialEq)]
struct Pipe {
    write_end: c_int,
    generation: u32,
}

struct Watcher {
    start: u64,
    one_shot: bool,
    pipe: Pipe,
}

#[derive(Default)]
struct Watched {
    watchers: Vec<Watcher>,
    /// One action for each pipe of the watchers.
    actions: Vec<(Pipe, SigId)>,
    /// The disposition while the signal is watched, known once signal-hook's was installed.
    installed: Option<libc::sigaction>,
}

static REGISTRY: Mutex<BTreeMap<c_int, Watched>> = Mutex::new(BTreeMap::new());

/// Counts the starts. Changed with the registry locked.
static STARTS: AtomicU64 = AtomicU64::new(0);

/// The registry, locked. Signals are blocked before and as long, because a handler of the program
/// may fork, which locks the registry too.
struct Locked {
    registry: MutexGuard<'static, BTreeMap<c_int, Watched>>,
    _blocked: signal::AllBlocked,
}

fn lock() -> Locked {
    let blocked = signal::AllBlocked::new();
    // Nothing panics while it is locked; if something did, the data would still be whole.
    let registry = REGISTRY.lock().unwrap_or_else(PoisonError::into_inner);
    Locked { registry, _blocked: blocked }
}

/// Has the signal's handler write to the pipe; returns the number of this start.
pub fn start(signum: c_int, one_shot: bool, write_end: c_int) -> Result<u64> {
    // Only for what can be a signal is anything remembered.
    if !(1..=libc::SIGRTMAX()).contains(&signum) {
        return Err(Error::EINVAL);
    }
    let mut locked = lock();
    let start = STARTS.fetch_add(1, Ordering::Relaxed) + 1;
    let watched = locked.registry.entry(signum).or_default();
    watched.watchers.try_reserve(1).map_err(|_| Error::ENOMEM)?;
    if watched.installed.is_none() {
        // signal-hook calls the handler that it replaces as well; so it shall find one that does
        // nothing. (Not SIG_IGN, which would make the kernel reap children.) This also refuses
        // signals that cannot be caught.
        let idle = signal::action(do_nothing as extern "C" fn(c_int) as usize, libc::SA_RESTART);
        // SAFETY: the handler does nothing.
        unsafe { signal::set_sigaction(signum, &idle)? };
    }
    let pipe = Pipe::new(write_end);
    watched.write_to(signum, pipe)?;
    if watched.installed.is_none() {
        watched.installed = Some(handler::disposition(&signal::sigaction(signum)?));
    }
    watched.watchers.push(Watcher { start, one_shot, pipe });
    watched.apply(signum)?;
    Ok(start)
}

/// Has the signal's handler write to another pipe for this start.
pub fn redirect(signum: c_int, start: u64, write_end: c_int) -> Result {
    let mut locked = lock();
    let watched = locked.registry.get_mut(&signum).ok_or(Error::EINVAL)?;
    let pipe = Pipe::new(write_end);
    // The new one first: a signal between the two must not be lost.
    watched.write_to(signum, pipe)?;
    if let Some(watcher) = watched.watchers.iter_mut().find(|w| w.start == start) {
        let old = core::mem::replace(&mut watcher.pipe, pipe);
        watched.release(old);
    }
    watched.apply(signum)
}

pub fn stop(signum: c_int, start: u64) {
    let mut locked = lock();
    let Some(watched) = locked.registry.get_mut(&signum) else { return };
    let Some(index) = watched.watchers.iter().position(|w| w.start == start) else { return };
    let pipe = watched.watchers.swap_remove(index).pipe;
    // The disposition first: a signal between the two would be lost the other way round.
    let _ = watched.apply(signum);
    watched.release(pipe);
}

impl Pipe {
    fn new(write_end: c_int) -> Pipe {
        Pipe { write_end, generation: generation() }
    }

    /// Called in the signal handler.
    fn write(self, signum: c_int) {
        if generation() == self.generation {
            let errno = sys::errno();
            let caught = Caught { signum, starts: STARTS.load(Ordering::Relaxed) };
            // A full pipe holds thousands of signals that were not dispatched yet; like the
            // kernel's own queue it then takes no more.
            let _ = sys::fd::write_uncancelled(self.write_end, &caught.to_bytes());
            sys::set_errno(errno);
        }
    }
}

impl Watched {
    /// Has the handler write to the pipe, if it does not yet.
    fn write_to(&mut self, signum: c_int, pipe: Pipe) -> Result {
        if self.actions.iter().any(|action| action.0 == pipe) {
            return Ok(());
        }
        self.actions.try_reserve(1).map_err(|_| Error::ENOMEM)?;
        // SAFETY: the action does nothing but atomics and write(2), which are allowed in a handler.
        let action = unsafe {
            signal_hook_registry::register_signal_unchecked(signum, move || pipe.write(signum))
        }?;
        self.actions.push((pipe, action));
        Ok(())
    }

    /// Has the handler not write to the pipe any more, if no watcher needs that.
    fn release(&mut self, pipe: Pipe) {
        if self.watchers.iter().any(|w| w.pipe == pipe) {
            return;
        }
        if let Some(index) = self.actions.iter().position(|action| action.0 == pipe) {
            signal_hook::low_level::unregister(self.actions.swap_remove(index).1);
        }
    }

    /// Sets the signal's disposition to what its watchers need.
    fn apply(&self, signum: c_int) -> Result {
        let Some(mut action) = self.installed else { return Err(Error::EINVAL) };
        if self.watchers.is_empty() {
            action = signal::action(libc::SIG_DFL, 0);
        } else if self.watchers.iter().all(|w| w.one_shot) {
            action.sa_flags |= libc::SA_RESETHAND;
        }
        // SAFETY: the handler is the default one, or `handler::handle`, which may run at any time.
        unsafe { signal::set_sigaction(signum, &action) }
    }
}

extern "C" fn do_nothing(_: c_int) {}

/// The registry, locked for the time of a fork, so that the child finds it whole.
pub struct ForkLock(#[allow(dead_code)] Locked);

pub fn fork_prepare() -> ForkLock {
    let locked = lock();
    handler::before_fork();
    ForkLock(locked)
}
