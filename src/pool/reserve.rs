//! A thread for files while all others of the pool are blocked.
//!
//! Work of the user, and look-ups, may wait for anything. When every thread of the pool has been running such
//! work for some time, one more thread runs the file operations that are queued, so that they do not wait for
//! it. Not if the user has set the size of the pool, which is then the limit. The thread ends when it has had
//! nothing to do for some time.

use super::{add_queued, lock, release, run_work, Stage, State, Task, Work, INBOX, STACK_SIZE};
use crate::list::{container_of, List};
use crate::observe;
use crate::observe::layout;
use crate::stack::Chain;
use crate::sys::thread;
use core::cell::Cell;
use core::ffi::c_void;
use core::mem::MaybeUninit;
use core::ptr;
use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, PoisonError};
use std::time::{Duration, Instant};

/// How long all threads have to be blocked. A program that queues requests behind blocked threads in order to
/// cancel them, as libuv's tests do, does so earlier.
const DELAY: Duration = Duration::from_millis(35);

/// How long the thread waits for files before it ends.
const IDLE: Duration = Duration::from_secs(2);

/// Whether every thread runs work that may wait. Written under the pool's lock.
static BLOCKED: AtomicBool = AtomicBool::new(false);

/// Whether there may be such a thread. Written under the pool's lock, or before there are threads.
static ALLOWED: AtomicBool = AtomicBool::new(false);

/// There is a file for the thread, or the pool is stopping.
static WAKE: Condvar = Condvar::new();

/// The part of the pool's state for the thread.
pub struct Reserve {
    /// File operations that are queued while all threads are blocked.
    pub files: List,
    /// New work, until it is distributed.
    incoming: List,
    /// The number of workers that run other work than files.
    blocking: Cell<usize>,
    blocked_since: Cell<Option<Instant>>,
    thread: Cell<Option<libc::pthread_t>>,
    /// Whether the thread has ended, and is to be joined.
    ended: Cell<bool>,
}

impl Reserve {
    pub const fn new() -> Reserve {
        Reserve {
            files: List::new(),
            incoming: List::new(),
            blocking: Cell::new(0),
            blocked_since: Cell::new(None),
            thread: Cell::new(None),
            ended: Cell::new(false),
        }
    }

    /// Counts work that a worker begins.
    pub fn began(&self, task: &Task) {
        super::add(&self.blocking, isize::from(task.kind != layout::Work::File));
    }

    /// Counts work that a worker has run.
    pub fn ended(&self, task: &Task) {
        super::add(&self.blocking, -isize::from(task.kind != layout::Work::File));
    }

    /// Wakes the thread, which sees that the pool is stopping. Returns it, to be joined.
    pub fn stop(&self) -> Option<libc::pthread_t> {
        WAKE.notify_one();
        self.thread.take()
    }

    /// Resets the state of a pool without threads.
    pub fn reset(&self) {
        BLOCKED.store(false, Ordering::Relaxed);
        self.blocking.set(0);
        self.blocked_since.set(None);
        self.thread.set(None);
        self.ended.set(false);
    }
}

/// Sets whether there may be such a thread.
pub fn allow(allowed: bool) {
    ALLOWED.store(allowed, Ordering::Relaxed);
}

/// Returns whether every thread runs work that may wait. A thread that has pushed onto the inbox and does not
/// see it has pushed before the inbox was looked at.
pub fn is_blocked() -> bool {
    BLOCKED.load(Ordering::Relaxed)
}

/// Called after a file operation was pushed onto the inbox of a blocked pool.
#[cold]
pub fn submitted_file() {
    let state = lock();
    state.drain_inbox();
    state.call_reserve();
    release(state);
}

impl State {
    /// Records whether every thread runs work that may wait. Called before the lock is released.
    #[inline]
    pub(super) fn update_blocked(&self) {
        let threads = self.threads.borrow().len();
        let blocked = self.reserve.blocking.get() == threads
            && threads >= super::DEFAULT_THREADS
            && ALLOWED.load(Ordering::Relaxed);
        if blocked != is_blocked() {
            self.set_blocked(blocked);
        }
    }

    #[cold]
    fn set_blocked(&self, blocked: bool) {
        let reserve = &self.reserve;
        reserve.blocked_since.set(blocked.then(Instant::now));
        BLOCKED.store(blocked, Ordering::Relaxed);
        if blocked {
            self.queue.move_to(&reserve.incoming);
            self.distribute();
            // Who pushes after this sees that the pool is blocked.
            self.drain_blocked(INBOX.0.take_in_order());
            self.call_reserve();
        }
    }

    /// Queues new work of a blocked pool.
    pub(super) fn drain_blocked(&self, new: Chain) {
        add_queued(new.append_to(&self.reserve.incoming) as isize);
        self.distribute();
    }

    fn distribute(&self) {
        while let Some(link) = self.reserve.incoming.pop_front() {
            // SAFETY: queued work is alive, and has a task. It was just unlinked.
            unsafe {
                let work = container_of!(link, Work, link);
                let is_file =
                    (*work).task.get().is_some_and(|task| task.kind == layout::Work::File);
                let queue = if is_file { &self.reserve.files } else { &self.queue };
                queue.push_back(&*link);
            }
        }
    }

    /// Wakes or starts the thread if there are files for it.
    fn call_reserve(&self) {
        let reserve = &self.reserve;
        if reserve.files.is_empty() || self.stopping.get() {
            return;
        }
        if reserve.ended.replace(false) {
            if let Some(id) = reserve.thread.take() {
                // SAFETY: it was not joined, and does not take the lock any more.
                unsafe { thread::join(id) };
            }
        }
        if reserve.thread.get().is_some() {
            WAKE.notify_one();
            return;
        }
        let mut id = MaybeUninit::uninit();
        // SAFETY: the function takes no argument. The id is written if there is a thread.
        reserve.thread.set(unsafe {
            let made = thread::create(id.as_mut_ptr(), STACK_SIZE, run_reserve, ptr::null_mut());
            made.ok().map(|()| id.assume_init())
        });
    }

    /// Returns how long the thread has to wait. Zero means that there is a file for it.
    fn reserve_wait(&self) -> Duration {
        match self.reserve.blocked_since.get() {
            Some(since) if !self.reserve.files.is_empty() => DELAY.saturating_sub(since.elapsed()),
            _ => IDLE,
        }
    }
}

extern "C-unwind" fn run_reserve(_: *mut c_void) -> *mut c_void {
    let _ = thread::set_name(c"libuv-worker");
    let worker = observe::Worker::begin();
    let mut state = lock();
    while !state.stopping.get() {
        let wait = state.reserve_wait();
        if wait.is_zero() {
            let Some(link) = state.reserve.files.pop_front() else { continue };
            add_queued(-1);
            // SAFETY: queued work is alive, and this thread's alone when it was taken out under the lock.
            unsafe {
                let work = container_of!(link, Work, link);
                (*work).stage.set(Stage::Started);
                release(state);
                run_work(&worker, work);
            }
            state = lock();
            continue;
        }
        let woken = WAKE.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner);
        state = woken.0;
        if woken.1.timed_out() && wait == IDLE && state.reserve_wait() == IDLE {
            break;
        }
    }
    state.reserve.ended.set(true);
    worker.end();
    ptr::null_mut()
}
