//! The thread pool: work that would block a loop, done elsewhere and brought back as an event.
//!
//! One pool serves all loops of the process. [`Work`] lies in the private area of a request; it is
//! in the inbox and then in the queue, then a worker's, then on the stack of finished work of its
//! loop, and each has it to itself. Threads are started when there is work that no idle thread can
//! take, up to the limit, and are kept. Work that waits for the network (name look-ups) is *slow*: it
//! may have half of the threads, so that it cannot hold up files.
//!
//! Whoever submits puts work into the inbox without a lock. The queue is the workers', who fill it
//! from there under the pool's lock. One worker at a time *lingers* when it runs out of work
//! (`spin.rs`). When nobody would look at the inbox without being called, there is a mark in it:
//! who submits next calls. So new work takes the lock and wakes somebody only when it must.

mod request;

pub use request::PoolRequest;

use crate::abi::*;
use crate::ffi::interior_mutable;
use crate::list::{container_of, Link, List};
use crate::mailbox::Mailbox;
use crate::spin::AdaptiveSpin;
use crate::stack::Stack;
use crate::sys::thread;
use core::cell::Cell;
use core::ffi::c_void;
use core::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

const DEFAULT_THREADS: usize = 4;
const MAX_THREADS: usize = 1024;
/// As large as a main thread's usually is; work callbacks may be anyone's code.
const STACK_SIZE: usize = 8 << 20;

/// How work is done and brought back.
#[derive(Clone, Copy)]
pub struct Task {
    /// Runs on a thread of the pool.
    pub run: unsafe fn(*const Work),
    /// Runs on the loop's thread; the status is 0 or `ECANCELED`. It may free the request.
    pub done: unsafe fn(*const Work, Result),
    pub slow: bool,
}

/// One piece of work, at the place of `struct uv__work` in a request.
#[repr(C)]
pub struct Work {
    /// Changed by whoever has the work. While it is queued, read and changed under the pool's lock.
    stage: Cell<Stage>,
    /// None when the loop's ring does the work. Programs look at libuv's field in this place to tell
    /// that, at any time, so only the loop's thread changes it.
    task: Cell<Option<&'static Task>>,
    /// Where it is handed back. Outlives the work, as a loop with requests is not closed.
    mailbox: Cell<*const Mailbox>,
    pub link: Link,
}

/// As large as the field of libuv's that is there.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
enum Stage {
    /// The loop's ring has it.
    Ring,
    /// With the request's owner: not submitted, or called back.
    Idle,
    Queued,
    /// A worker has it, or had it and its callback is yet to come.
    Taken,
    Cancelled,
}

interior_mutable!(Work { stage, task, mailbox, link });
const _: () = {
    assert!(core::mem::size_of::<Work>() == core::mem::size_of::<uv__work>());
    assert!(core::mem::offset_of!(Work, task) == core::mem::offset_of!(uv__work, done));
};

struct State {
    queue: List,
    slow_queue: List,
    /// Workers that do slow work at the moment.
    slow_running: usize,
    /// Whose turn it is when both queues have work.
    slow_next: bool,
    idle: usize,
    /// Whether a worker is spinning.
    spinning: bool,
    /// Workers that were woken or started and have not come to the queue yet.
    coming: usize,
    threads: Vec<libc::pthread_t>,
    stopping: bool,
}

// SAFETY: the pointers in the queues are to work that its submitter gave up to the pool.
unsafe impl Send for State {}

static STATE: Mutex<State> = Mutex::new(State {
    queue: List::new(),
    slow_queue: List::new(),
    slow_running: 0,
    slow_next: false,
    idle: 0,
    spinning: false,
    coming: 0,
    threads: Vec::new(),
    stopping: false,
});
static WORK_TO_DO: Condvar = Condvar::new();

/// Apart from what else is written to: loops that submit and workers share it all the time. A static
/// of this type is marked as used, as the optimiser would put others into room that nobody uses.
#[repr(align(128))]
struct Apart<T>(T);

/// Work that is not slow and that no worker has seen yet. Emptied under the lock.
#[used]
static INBOX: Apart<Stack> = Apart(Stack::new(AtomicPtr::new(ptr::null_mut())));

/// Whether the first threads have all been started. Until then each work gets one of its own.
static STARTED: AtomicBool = AtomicBool::new(false);

/// How much work is in the queues: changed under the lock, watched without it.
#[used]
static QUEUED: Apart<AtomicUsize> = Apart(AtomicUsize::new(0));

/// What `limit` says, 0 until it was asked for.
static LIMIT: AtomicUsize = AtomicUsize::new(0);

#[used]
static WORKERS: Apart<AdaptiveSpin> = Apart(AdaptiveSpin::new());

fn state() -> MutexGuard<'static, State> {
    // Nothing panics while it is locked; if something did, the data would still be whole.
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Work {
    pub const fn new() -> Work {
        Work {
            stage: Cell::new(Stage::Idle),
            task: Cell::new(None),
            mailbox: Cell::new(core::ptr::null()),
            link: Link::new(),
        }
    }

    /// Takes note that the loop's ring does this instead of the pool.
    pub fn give_to_ring(&self) {
        self.stage.set(Stage::Ring);
        self.task.set(None);
    }

    /// Whether the loop's ring has it. Loop thread only, at any time.
    pub fn is_on_ring(&self) -> bool {
        // A worker may be writing the stage of work that has a task; without one the pool does not
        // have it.
        self.task.get().is_none() && self.stage.get() == Stage::Ring
    }

    /// The ring will report that it was cancelled, which it need not be told again.
    pub fn cancelled_on_ring(&self) {
        self.stage.set(Stage::Cancelled);
    }

    pub fn leave_ring(&self) {
        self.stage.set(Stage::Idle);
    }
}

/// Gives work to the pool; `task.done` is called on the loop's thread when it is done. Fails only
/// when there is no thread and none can be made.
///
/// # Safety
/// `work` is in no queue, and stays alive and in place until `task.done` is called.
pub unsafe fn submit(mailbox: &Mailbox, work: &Work, task: &'static Task) -> Result {
    work.task.set(Some(task));
    work.mailbox.set(mailbox);
    if !task.slow && STARTED.load(Ordering::Relaxed) {
        work.stage.set(Stage::Queued);
        // SAFETY: the caller's contract.
        if unsafe { INBOX.0.push(&work.link) } {
            call_worker();
        }
        return Ok(());
    }
    let mut state = state();
    let may_begin = !task.slow || state.may_do_slow();
    // So that work which comes one piece at a time is spread as libuv spreads it.
    let first = may_begin && state.threads.len() < DEFAULT_THREADS;
    if !(first && state.start_worker(work, task)?) {
        work.stage.set(Stage::Queued);
        let queue = if task.slow { &state.slow_queue } else { &state.queue };
        // SAFETY: the caller's contract.
        unsafe { queue.push_back(&work.link) };
        state.count(1);
    }
    let wake = may_begin && state.call_others();
    drop(state);
    if wake {
        WORK_TO_DO.notify_one();
    }
    Ok(())
}

/// There is work in the inbox that nobody may see otherwise.
#[cold]
fn call_worker() {
    let wake = state().call_others();
    if wake {
        WORK_TO_DO.notify_one();
    }
}

/// Takes a request back from the queue; its `done` is called with `ECANCELED` later. `EBUSY` when a
/// worker has begun it already, or it is done. Until then a second cancel changes nothing.
pub fn cancel<R: PoolRequest>(request: &R) -> Result {
    cancel_work(request.work())
}

fn cancel_work(work: &Work) -> Result {
    let state = state();
    match work.stage.get() {
        Stage::Queued => {}
        Stage::Cancelled => return Ok(()),
        _ => return Err(Error::EBUSY),
    }
    // In the inbox it cannot be unlinked.
    state.take_in();
    // In the child of a fork the parent's work is in no queue.
    if work.link.is_linked() {
        work.link.unlink();
        state.count(-1);
    }
    work.stage.set(Stage::Cancelled);
    drop(state);
    // SAFETY: out of the queue it is this thread's alone; its loop is alive, as it has a request.
    unsafe { (*work.mailbox.get()).push_done(&work.link) };
    Ok(())
}

/// Calls back work that its loop has got from the pool.
///
/// # Safety
/// `work` came off the loop's stack of finished work.
pub unsafe fn finish(work: *const Work) {
    // SAFETY: the caller's contract; the task's own contract is that of its submitter.
    unsafe {
        let cancelled = (*work).stage.replace(Stage::Idle) == Stage::Cancelled;
        let status = if cancelled { Err(Error::ECANCELED) } else { Ok(()) };
        if let Some(task) = (*work).task.get() {
            (task.done)(work, status);
        }
    }
}

impl State {
    fn somebody_comes(&self) -> bool {
        self.coming > 0 || self.spinning
    }

    /// Starts a thread that begins with this work, if there may be another thread. Fails only when
    /// there is none at all.
    fn start_worker(&mut self, work: &Work, task: &'static Task) -> Result<bool> {
        // Who waits for the threads to end does not know of new ones.
        if self.stopping || self.threads.len() >= limit() {
            return Ok(false);
        }
        let stage = work.stage.replace(Stage::Taken);
        let first = ptr::from_ref(work).cast_mut().cast();
        let mut id = 0;
        let room = self.threads.try_reserve(1).map_err(|_| Error::ENOMEM);
        // SAFETY: the submitter gave the work up to the pool, so the thread may have it.
        match room.and_then(|()| unsafe { thread::create(&mut id, STACK_SIZE, run_worker, first) })
        {
            Ok(()) => {
                // The work may be over by now, and its memory the user's.
                self.slow_running += usize::from(task.slow);
                self.threads.push(id);
                STARTED
                    .store(self.threads.len() >= DEFAULT_THREADS.min(limit()), Ordering::Relaxed);
                Ok(true)
            }
            Err(error) => {
                work.stage.set(stage);
                match self.threads.is_empty() {
                    true => Err(error),
                    // The threads there are will get to it.
                    false => Ok(false),
                }
            }
        }
    }

    /// Sees to it that the work which is left is begun as well, and that who submits more knows
    /// whether to call. True when a worker must be woken once the lock is released: one at a time
    /// suffices, as whoever takes work and leaves some calls the next.
    fn call_others(&mut self) -> bool {
        loop {
            let all_busy = self.idle == 0 && self.threads.len() >= limit();
            if all_busy || self.somebody_comes() {
                return false;
            }
            if !self.has_next() {
                if INBOX.0.put_sentinel() {
                    return false;
                }
            } else if self.idle > 0 {
                self.coming += 1;
                return true;
            } else if !self.start_worker_with_next() {
                // The threads there are will get to it.
                return false;
            }
        }
    }

    fn start_worker_with_next(&mut self) -> bool {
        let Some((work, task)) = self.next() else { return false };
        // SAFETY: work in the queue is alive.
        let work = unsafe { &*work };
        if self.start_worker(work, task).unwrap_or(false) {
            return true;
        }
        let queue = if task.slow { &self.slow_queue } else { &self.queue };
        // SAFETY: it came out of this queue just now, and stays alive until it is done.
        unsafe { queue.push_front(&work.link) };
        self.count(1);
        false
    }

    fn may_do_slow(&self) -> bool {
        self.slow_running < limit().div_ceil(2)
    }

    /// Moves what is in the inbox to the queue.
    fn take_in(&self) {
        let count = INBOX.0.take_into(&self.queue);
        self.count(count as isize);
    }

    /// Takes note of a change of how much is in the queues.
    fn count(&self, change: isize) {
        let queued = QUEUED.0.load(Ordering::Relaxed);
        QUEUED.0.store(queued.wrapping_add_signed(change), Ordering::Relaxed);
    }

    fn has_next(&self) -> bool {
        if self.queue.is_empty() {
            self.take_in();
        }
        !self.queue.is_empty() || (!self.slow_queue.is_empty() && self.may_do_slow())
    }

    /// Takes the next work out of the queues.
    fn next(&mut self) -> Option<(*const Work, &'static Task)> {
        if self.queue.is_empty() {
            self.take_in();
        }
        let slow_possible = !self.slow_queue.is_empty() && self.may_do_slow();
        let slow = slow_possible && (self.slow_next || self.queue.is_empty());
        if slow_possible {
            self.slow_next = !slow;
        }
        let link = if slow { self.slow_queue.pop_front() } else { self.queue.pop_front() }?;
        self.count(-1);
        // SAFETY: what is in the queues is part of work, which is alive.
        unsafe {
            let work = container_of!(link, Work, link);
            Some((work, (*work).task.get()?))
        }
    }
}

/// How many threads there may be, settled when it is first asked for.
fn limit() -> usize {
    let limit = LIMIT.load(Ordering::Relaxed);
    if limit != 0 {
        return limit;
    }
    let limit = limit_from_environment();
    LIMIT.store(limit, Ordering::Relaxed);
    limit
}

/// `UV_THREADPOOL_SIZE`, within 1 to 1024.
fn limit_from_environment() -> usize {
    let Some(value) = std::env::var_os("UV_THREADPOOL_SIZE") else { return DEFAULT_THREADS };
    let digits = value.to_str().map(|text| {
        let text = text.trim_start();
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        // A negative number is as large as an unsigned one can be, as atoi() and a cast make it.
        if text.starts_with('-') {
            usize::MAX
        } else {
            text[..end].parse().unwrap_or(0)
        }
    });
    digits.unwrap_or(0).clamp(1, MAX_THREADS)
}

/// What a thread of the pool does, beginning with the work that it is made for.
extern "C" fn run_worker(first: *mut c_void) -> *mut c_void {
    let _ = thread::set_name(c"libuv-worker");
    // SAFETY: the work is alive, was marked as taken, and has a task since it was submitted.
    let mut slow = unsafe { do_work(first.cast_const().cast()) };
    let mut state = state();
    loop {
        state.slow_running -= usize::from(slow);
        let (work, task) = loop {
            match state.next() {
                Some(next) => break next,
                None if state.stopping => return ptr::null_mut(),
                None => state = await_work(state),
            }
        };
        slow = task.slow;
        state.slow_running += usize::from(slow);
        // SAFETY: out of the queue the work is this thread's alone.
        unsafe { (*work).stage.set(Stage::Taken) };
        let wake = state.call_others();
        drop(state);
        if wake {
            WORK_TO_DO.notify_one();
        }
        // SAFETY: as above.
        unsafe { do_work(work) };
        state = self::state();
    }
}

/// Does work and hands it to its loop; whether it was slow work.
///
/// # Safety
/// The work is alive and this thread's alone; its loop is alive, as it has a request.
unsafe fn do_work(work: *const Work) -> bool {
    // SAFETY: the caller's contract, and that of `submit`.
    unsafe {
        let Some(task) = (*work).task.get() else { return false };
        (task.run)(work);
        (*(*work).mailbox.get()).push_done(&(*work).link);
        task.slow
    }
}

/// Returns when there may be something to do.
fn await_work(mut state: MutexGuard<'static, State>) -> MutexGuard<'static, State> {
    if !state.spinning {
        state.spinning = true;
        // What is in the queues now is slow work that has to wait.
        let known = QUEUED.0.load(Ordering::Relaxed);
        drop(state);
        WORKERS.0.watch(|| !INBOX.0.is_empty() || QUEUED.0.load(Ordering::Relaxed) > known);
        state = self::state();
        state.spinning = false;
        // Not by the count: somebody may have taken the slow work since, and more work have come.
        if state.has_next() || state.stopping {
            return state;
        }
    }
    if !state.somebody_comes() && !INBOX.0.put_sentinel() {
        return state;
    }
    state.idle += 1;
    let since = Instant::now();
    state = WORK_TO_DO.wait(state).unwrap_or_else(PoisonError::into_inner);
    WORKERS.0.slept(since);
    state.idle -= 1;
    state.coming = state.coming.saturating_sub(1);
    state
}

/// Ends the threads when their work is done, and waits for that; the pool can be used again
/// afterwards.
pub fn shut_down() {
    let threads = {
        let mut state = state();
        if state.threads.is_empty() {
            LIMIT.store(0, Ordering::Relaxed);
            return;
        }
        // A worker that ends the process cannot wait for itself.
        if state.threads.contains(&thread::current()) {
            return;
        }
        state.stopping = true;
        STARTED.store(false, Ordering::Relaxed);
        core::mem::take(&mut state.threads)
    };
    WORK_TO_DO.notify_all();
    for id in threads {
        // SAFETY: a thread of the pool, which nobody else joins.
        unsafe { thread::join(id) };
    }
    let mut state = state();
    state.stopping = false;
    LIMIT.store(0, Ordering::Relaxed);
}

/// The pool, locked for the time of a fork, so that the child finds it whole.
pub struct ForkLock(#[allow(dead_code)] MutexGuard<'static, State>);

pub fn fork_prepare() -> ForkLock {
    ForkLock(state())
}

/// The child has none of the parent's threads, and the work that waits is the parent's.
pub fn after_fork_in_child() {
    let mut state = state();
    state.take_in();
    while state.queue.pop_front().is_some() || state.slow_queue.pop_front().is_some() {}
    QUEUED.0.store(0, Ordering::Relaxed);
    STARTED.store(false, Ordering::Relaxed);
    state.idle = 0;
    state.spinning = false;
    state.coming = 0;
    state.slow_running = 0;
    LIMIT.store(0, Ordering::Relaxed);
    state.stopping = false;
    state.threads.clear();
}
