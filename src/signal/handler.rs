//! The function that the kernel calls for a signal.
//!
//! It calls signal-hook's, but never during a fork. Whoever changes signal-hook's registry waits for
//! the handlers that are in it, and the child of a fork does not have the threads that they run in.
//! So a fork begins when no handler is in the registry, and a handler that begins during a fork
//! defers its signal: the thread that forks delivers it, in the parent. A handler may not wait for
//! the fork itself, as it may have interrupted what the fork waits for, such as the allocator.

use crate::sys::signal::action;
use core::ffi::{c_int, c_void};
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use libc::siginfo_t;
use std::sync::OnceLock;
use std::thread::yield_now;

type Handler = extern "C" fn(c_int, *mut siginfo_t, *mut c_void);

/// signal-hook's handler, the same for all signals.
static SIGNAL_HOOK: OnceLock<Handler> = OnceLock::new();

/// Handlers that are, or may be, in signal-hook's registry.
static RUNNING: AtomicU32 = AtomicU32::new(0);

/// A thread forks.
static FORKING: AtomicBool = AtomicBool::new(false);

/// How often each signal, 1 to 64, came during the fork.
static DEFERRED: [AtomicU32; 65] = [const { AtomicU32::new(0) }; 65];

/// The disposition that has the kernel call `handle`, given one that has it call signal-hook's
/// handler. That one is in place for the moment in which a signal is first watched: a handler which
/// begins just then, in another thread, is not counted.
pub fn disposition(signal_hook: &libc::sigaction) -> libc::sigaction {
    // SAFETY: the disposition has SA_SIGINFO, so this is what it has a pointer to.
    SIGNAL_HOOK.get_or_init(|| unsafe {
        core::mem::transmute::<*const (), Handler>(signal_hook.sa_sigaction as *const ())
    });
    action(handle as Handler as usize, signal_hook.sa_flags)
}

extern "C" fn handle(signum: c_int, info: *mut siginfo_t, context: *mut c_void) {
    if let Some(running) = Running::begin() {
        running.call(signum, info, context);
    } else {
        DEFERRED[signum as usize].fetch_add(1, Ordering::SeqCst);
        // The fork may have ended before it could see this.
        deliver_deferred(signum);
    }
}

/// A handler that is counted in `RUNNING`.
struct Running;

impl Running {
    /// None during a fork.
    fn begin() -> Option<Running> {
        // Either this sees the fork, or the fork sees this.
        RUNNING.fetch_add(1, Ordering::SeqCst);
        let running = Running;
        (!FORKING.load(Ordering::SeqCst)).then_some(running)
    }

    fn call(&self, signum: c_int, info: *mut siginfo_t, context: *mut c_void) {
        if let Some(signal_hook) = SIGNAL_HOOK.get() {
            signal_hook(signum, info, context);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        RUNNING.fetch_sub(1, Ordering::Release);
    }
}

fn deliver_deferred(signum: c_int) {
    // During a fork it is for its end.
    let Some(running) = Running::begin() else { return };
    for _ in 0..DEFERRED[signum as usize].swap(0, Ordering::SeqCst) {
        // SAFETY: all zeroes are a valid siginfo_t. signal-hook wants one; our actions ignore it.
        let mut info: siginfo_t = unsafe { core::mem::zeroed() };
        info.si_signo = signum;
        running.call(signum, &raw mut info, ptr::null_mut());
    }
}

/// From here to the end of the fork no handler is in signal-hook's registry. Signals are blocked in
/// this thread, and only one forks at a time.
pub fn before_fork() {
    FORKING.store(true, Ordering::SeqCst);
    // Handlers are one system call away from being done.
    while RUNNING.load(Ordering::SeqCst) != 0 {
        yield_now();
    }
}

pub fn after_fork_in_parent() {
    FORKING.store(false, Ordering::SeqCst);
    (1..DEFERRED.len() as c_int).for_each(deliver_deferred);
}

/// The handlers and the signals are the parent's.
pub fn after_fork_in_child() {
    RUNNING.store(0, Ordering::Relaxed);
    for count in &DEFERRED {
        count.store(0, Ordering::Relaxed);
    }
    FORKING.store(false, Ordering::SeqCst);
}
