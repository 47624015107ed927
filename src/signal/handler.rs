//! The signal handler.
//!
//! It calls signal-hook's handler, but never during a fork. A change of signal-hook's registry waits for
//! the handlers that read it, and the child of a fork lacks their threads. So a fork begins when no
//! handler reads the registry. A handler that begins during a fork defers its signal, which the forking
//! thread delivers in the parent. A handler cannot wait for the end of the fork, as it may have
//! interrupted code that the fork waits for, such as the allocator.

use crate::sys::signal::action;
use core::ffi::{c_int, c_void};
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use libc::siginfo_t;
use std::sync::OnceLock;
use std::thread::yield_now;

type Handler = extern "C" fn(c_int, *mut siginfo_t, *mut c_void);

/// signal-hook's handler, which is the same for all signals.
static SIGNAL_HOOK: OnceLock<Handler> = OnceLock::new();

/// The number of handlers that may read signal-hook's registry.
static RUNNING: AtomicU32 = AtomicU32::new(0);

/// Whether a thread is forking.
static FORKING: AtomicBool = AtomicBool::new(false);

/// How often each signal, 1 to 64, was received during the fork.
static DEFERRED: [AtomicU32; 65] = [const { AtomicU32::new(0) }; 65];

/// Returns a disposition with our handler, given the one with signal-hook's. That one is installed for a
/// moment when a signal is first watched; a handler that begins then in another thread is not counted.
pub fn disposition(signal_hook: &libc::sigaction) -> libc::sigaction {
    // SAFETY: with SA_SIGINFO the handler has this type.
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
        // The fork may have ended without seeing this signal.
        deliver_deferred(signum);
    }
}

/// The count of one handler in `RUNNING`.
struct Running;

impl Running {
    /// Returns `None` during a fork.
    fn begin() -> Option<Running> {
        // Either this sees `FORKING`, or the fork sees the count.
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
    // The end of a fork delivers what came during it.
    let Some(running) = Running::begin() else { return };
    for _ in 0..DEFERRED[signum as usize].swap(0, Ordering::SeqCst) {
        // SAFETY: a zeroed siginfo_t is valid. signal-hook passes it to our actions, which ignore it.
        let mut info: siginfo_t = unsafe { core::mem::zeroed() };
        info.si_signo = signum;
        running.call(signum, &raw mut info, ptr::null_mut());
    }
}

/// Waits until no handler reads signal-hook's registry, and keeps new ones out until the fork has ended.
/// Signals are blocked in this thread, and only one thread forks at a time.
pub fn before_fork() {
    FORKING.store(true, Ordering::SeqCst);
    // A handler makes one system call, so the wait is short.
    while RUNNING.load(Ordering::SeqCst) != 0 {
        yield_now();
    }
}

pub fn after_fork_in_parent() {
    FORKING.store(false, Ordering::SeqCst);
    (1..DEFERRED.len() as c_int).for_each(deliver_deferred);
}

/// Drops the counts of handlers and of deferred signals, which are the parent's.
pub fn after_fork_in_child() {
    RUNNING.store(0, Ordering::Relaxed);
    for count in &DEFERRED {
        count.store(0, Ordering::Relaxed);
    }
    FORKING.store(false, Ordering::SeqCst);
}
