//! The process-wide registry of watched signals.
//!
//! signal-hook's registry runs any number of actions for a signal without locks in the handler. This
//! module adds libuv's guarantees: a previous handler is replaced and not called; the default action
//! returns when the last watcher stops, and also when a signal is received whose watchers are all
//! one-shot; and signals that signal-hook's public API refuses, such as SIGSEGV, are accepted.

mod handler;
pub use handler::{after_fork_in_child, after_fork_in_parent};

use crate::abi::{Error, Result};
use crate::memory::without_reserve;
use crate::sys::process::generation;
use crate::sys::{self, signal};
use core::cell::RefCell;
use core::ffi::c_int;
use core::sync::atomic::{AtomicU64, Ordering};
use signal_hook::SigId;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A message from the signal handler to a loop: the signal, and the number of watchers started before
/// it, as it is only for those.
pub struct Message {
    pub signum: c_int,
    pub starts: u64,
}

impl Message {
    /// Less than PIPE_BUF, so that writes are atomic.
    pub const SIZE: usize = 8;

    fn to_bytes(&self) -> [u8; Self::SIZE] {
        // Signal numbers are at most 64.
        (self.starts << 8 | self.signum as u64).to_ne_bytes()
    }

    pub fn from_bytes(bytes: [u8; Self::SIZE]) -> Self {
        let word = u64::from_ne_bytes(bytes);
        Message { signum: (word & 0xff) as c_int, starts: word >> 8 }
    }
}

/// The pipe of a loop. After a fork the same descriptor is another pipe, hence the generation.
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

struct Watched {
    signum: c_int,
    watchers: Vec<Watcher>,
    /// One action for each pipe of the watchers.
    actions: Vec<(Pipe, SigId)>,
    /// The disposition of the watched signal; `None` until signal-hook's was first installed.
    installed: Option<libc::sigaction>,
}

/// The signals that were watched so far, which are few.
static REGISTRY: Mutex<Vec<Watched>> = Mutex::new(Vec::new());

/// The number of starts and stops so far. Changed only while the registry is locked.
static STARTS: AtomicU64 = AtomicU64::new(0);

/// The locked registry. Signals are blocked while it is locked, because a handler of the program may
/// fork, which locks it too.
struct Locked {
    registry: MutexGuard<'static, Vec<Watched>>,
    _blocked: signal::AllBlocked,
}

impl Locked {
    fn watched(&mut self, signum: c_int) -> Option<&mut Watched> {
        self.registry.iter_mut().find(|watched| watched.signum == signum)
    }

    fn watched_or_new(&mut self, signum: c_int) -> Result<&mut Watched> {
        let found = self.registry.iter().position(|watched| watched.signum == signum);
        if found.is_none() {
            self.registry.try_reserve(1).map_err(|_| Error::ENOMEM)?;
            self.registry.push(Watched::new(signum));
        }
        let index = found.unwrap_or(self.registry.len() - 1);
        Ok(&mut self.registry[index])
    }
}

fn lock() -> Locked {
    let blocked = signal::AllBlocked::new();
    // No code panics while it is locked, and the data would be consistent.
    let registry = REGISTRY.lock().unwrap_or_else(PoisonError::into_inner);
    Locked { registry, _blocked: blocked }
}

/// Starts a watcher, whose signals are written to the pipe. Returns its number.
pub fn start(signum: c_int, one_shot: bool, write_end: c_int) -> Result<u64> {
    if !(1..=libc::SIGRTMAX()).contains(&signum) {
        return Err(Error::EINVAL);
    }
    let mut locked = lock();
    let start = STARTS.fetch_add(1, Ordering::Relaxed) + 1;
    let watcher = Watcher { start, one_shot, pipe: Pipe::new(write_end) };
    let before = signal::sigaction(signum)?;
    let watched = RefCell::new(locked.watched_or_new(signum)?);
    let started = without_reserve(
        || watched.borrow_mut().add_watcher(signum, watcher),
        |()| watched.borrow_mut().remove_watcher(signum, start),
    );
    if started.is_err() && watched.borrow().watchers.is_empty() {
        // SAFETY: it was the disposition before.
        let _ = unsafe { signal::set_sigaction(signum, &before) };
    }
    started.map(|()| start)
}

/// Changes the pipe of a watcher.
pub fn redirect(signum: c_int, start: u64, write_end: c_int) -> Result {
    let mut locked = lock();
    let watched = locked.watched(signum).ok_or(Error::EINVAL)?;
    let pipe = Pipe::new(write_end);
    // The new pipe is added first, so that no signal is lost between the two.
    watched.add_action(signum, pipe)?;
    if let Some(watcher) = watched.watchers.iter_mut().find(|w| w.start == start) {
        let old = core::mem::replace(&mut watcher.pipe, pipe);
        watched.remove_action(old);
    }
    // A one-shot watcher's signal that was caught before the fork has its default action back.
    match signal::sigaction(signum)?.sa_sigaction {
        libc::SIG_DFL => Ok(()),
        _ => watched.update_disposition(signum),
    }
}

/// Ends a start. Returns a number that is greater than those in the messages of signals before, and not
/// greater than those after.
pub fn stop(signum: c_int, start: u64) -> u64 {
    let mut locked = lock();
    let end = STARTS.fetch_add(1, Ordering::Relaxed) + 1;
    if let Some(watched) = locked.watched(signum) {
        watched.remove_watcher(signum, start);
    }
    end
}

impl Pipe {
    fn new(write_end: c_int) -> Pipe {
        Pipe { write_end, generation: generation() }
    }

    /// Writes a message. Called in the signal handler.
    fn write(self, signum: c_int) {
        if generation() == self.generation {
            let errno = sys::errno();
            let message = Message { signum, starts: STARTS.load(Ordering::Relaxed) };
            // Signals are lost when the pipe is full, with thousands of messages, as the kernel loses
            // them when its queue is full.
            let _ = sys::fd::write_uncancelled(self.write_end, &message.to_bytes());
            sys::set_errno(errno);
        }
    }
}

impl Watched {
    const fn new(signum: c_int) -> Watched {
        Watched { signum, watchers: Vec::new(), actions: Vec::new(), installed: None }
    }

    fn add_watcher(&mut self, signum: c_int, watcher: Watcher) -> Result {
        self.watchers.try_reserve(1).map_err(|_| Error::ENOMEM)?;
        if self.installed.is_none() {
            // signal-hook also calls the handler that it replaces, so install one that does nothing. (Not
            // SIG_IGN, which would make the kernel reap children.) This fails for signals that cannot be
            // caught.
            let empty =
                signal::action(do_nothing as extern "C" fn(c_int) as usize, libc::SA_RESTART);
            // SAFETY: the handler does nothing.
            unsafe { signal::set_sigaction(signum, &empty)? };
        }
        self.add_action(signum, watcher.pipe)?;
        if self.installed.is_none() {
            self.installed = Some(handler::disposition(&signal::sigaction(signum)?));
        }
        self.watchers.push(watcher);
        self.update_disposition(signum)
    }

    fn remove_watcher(&mut self, signum: c_int, start: u64) {
        let Some(index) = self.watchers.iter().position(|w| w.start == start) else { return };
        let pipe = self.watchers.swap_remove(index).pipe;
        // The disposition is changed first: a signal after the release would be lost.
        let _ = self.update_disposition(signum);
        self.remove_action(pipe);
    }

    /// Adds an action that writes to the pipe, unless there is one.
    fn add_action(&mut self, signum: c_int, pipe: Pipe) -> Result {
        if self.actions.iter().any(|action| action.0 == pipe) {
            return Ok(());
        }
        self.actions.try_reserve(1).map_err(|_| Error::ENOMEM)?;
        // SAFETY: the action uses only atomics and write(2), which are async-signal-safe.
        let action = unsafe {
            signal_hook_registry::register_signal_unchecked(signum, move || pipe.write(signum))
        }?;
        self.actions.push((pipe, action));
        Ok(())
    }

    /// Removes the action that writes to the pipe, unless a watcher needs it.
    fn remove_action(&mut self, pipe: Pipe) {
        if self.watchers.iter().any(|w| w.pipe == pipe) {
            return;
        }
        if let Some(index) = self.actions.iter().position(|action| action.0 == pipe) {
            signal_hook::low_level::unregister(self.actions.swap_remove(index).1);
        }
    }

    /// Sets the signal's disposition for its watchers.
    fn update_disposition(&self, signum: c_int) -> Result {
        let Some(mut action) = self.installed else { return Err(Error::EINVAL) };
        if self.watchers.is_empty() {
            action = signal::action(libc::SIG_DFL, 0);
        } else if self.watchers.iter().all(|w| w.one_shot) {
            action.sa_flags |= libc::SA_RESETHAND;
        }
        // SAFETY: the handler is the default action, or `handler::handle`, which may run at any time.
        unsafe { signal::set_sigaction(signum, &action) }
    }
}

extern "C" fn do_nothing(_: c_int) {}

/// The registry, locked during a fork so that the child inherits a consistent one.
pub struct ForkLock(#[allow(dead_code)] Locked);

pub fn fork_prepare() -> ForkLock {
    let locked = lock();
    handler::before_fork();
    ForkLock(locked)
}
