//! Which signals the process watches, for all loops.
//!
//! signal-hook's registry runs any number of actions for a signal without locks in the handler.
//! Around it stands what libuv promises beyond that: a handler installed before is replaced, not
//! called as well; the default action comes back when the last watcher stops; watchers that are all
//! one-shot leave the signal at its default action once it was caught; and signals which
//! signal-hook's own front end refuses, such as SIGSEGV, are allowed.

use crate::abi::{Error, Result};
use crate::sys::{self, signal};
use core::ffi::c_int;
use core::sync::atomic::{AtomicU32, Ordering};
use signal_hook::SigId;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

struct Watcher {
    start: u64,
    one_shot: bool,
    action: SigId,
}

#[derive(Default)]
struct Watched {
    watchers: Vec<Watcher>,
    /// The disposition that makes the kernel call signal-hook, known once it was installed.
    installed: Option<libc::sigaction>,
}

struct Registry {
    signals: BTreeMap<c_int, Watched>,
    starts: u64,
}

static REGISTRY: Mutex<Registry> = Mutex::new(Registry { signals: BTreeMap::new(), starts: 0 });

/// Counts forks. An action of an older generation belongs to the parent's loops, whose pipes the
/// child must not write to.
static GENERATION: AtomicU32 = AtomicU32::new(0);

fn registry() -> MutexGuard<'static, Registry> {
    // Nothing panics while it is locked; if something did, the data would still be whole.
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has the signal's handler write to the pipe; returns the name of this start, which is what it
/// writes.
pub fn start(signum: c_int, one_shot: bool, pipe: c_int) -> Result<u64> {
    // Only for what can be a signal is anything remembered.
    if !(1..=libc::SIGRTMAX()).contains(&signum) {
        return Err(Error::EINVAL);
    }
    let mut registry = registry();
    registry.starts += 1;
    let start = registry.starts;
    let watched = registry.signals.entry(signum).or_default();
    watched.watchers.try_reserve(1).map_err(|_| Error::ENOMEM)?;
    if watched.installed.is_none() {
        // signal-hook calls the handler that it replaces as well; so it shall find one that does
        // nothing. (Not SIG_IGN, which would make the kernel reap children.) This also refuses
        // signals that cannot be caught.
        let idle = signal::action(do_nothing as extern "C" fn(c_int) as usize, libc::SA_RESTART);
        signal::set_sigaction(signum, &idle)?;
    }
    let generation = GENERATION.load(Ordering::Relaxed);
    let action = move || {
        if GENERATION.load(Ordering::Relaxed) == generation {
            let errno = sys::errno();
            // A full pipe holds thousands of signals that were not dispatched yet; like the
            // kernel's own queue it then takes no more.
            let _ = sys::fd::write_bytes(pipe, &start.to_ne_bytes());
            sys::set_errno(errno);
        }
    };
    // SAFETY: the action does nothing but atomics and write(2), which are allowed in a handler.
    let action = unsafe { signal_hook_registry::register_signal_unchecked(signum, action) }?;
    if watched.installed.is_none() {
        watched.installed = Some(signal::sigaction(signum)?);
    }
    watched.watchers.push(Watcher { start, one_shot, action });
    watched.apply(signum)?;
    Ok(start)
}

pub fn stop(signum: c_int, start: u64) {
    let mut registry = registry();
    let Some(watched) = registry.signals.get_mut(&signum) else { return };
    let Some(index) = watched.watchers.iter().position(|w| w.start == start) else { return };
    let watcher = watched.watchers.swap_remove(index);
    // The disposition first: a signal between the two would be lost the other way round.
    let _ = watched.apply(signum);
    signal_hook::low_level::unregister(watcher.action);
}

impl Watched {
    /// Sets the signal's disposition to what its watchers need.
    fn apply(&self, signum: c_int) -> Result {
        let Some(mut action) = self.installed else { return Err(Error::EINVAL) };
        if self.watchers.is_empty() {
            action = signal::action(libc::SIG_DFL, 0);
        } else {
            action.sa_mask = signal::full_set();
            if self.watchers.iter().all(|w| w.one_shot) {
                action.sa_flags |= libc::SA_RESETHAND;
            }
        }
        signal::set_sigaction(signum, &action)
    }
}

extern "C" fn do_nothing(_: c_int) {}

/// The registry, locked for the time of a fork, so that the child finds it whole.
pub struct ForkLock(#[allow(dead_code)] MutexGuard<'static, Registry>);

pub fn fork_prepare() -> ForkLock {
    ForkLock(registry())
}

pub fn after_fork_in_child() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
}
