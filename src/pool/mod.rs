//! The thread pool: runs work that would block a loop. Its completion is an event of the loop.
//!
//! One pool serves all loops of the process. [`Work`] lies in the private area of a request. It moves
//! from the inbox to the queue, to a worker, and to its loop's stack of finished work; only one of
//! them has it at a time. Threads are started when there is work and no idle thread to take it, up to
//! the limit, and kept. Work that waits for the network (name look-ups) is *slow*: it may occupy half
//! of the threads, so that it cannot hold up file operations.
//!
//! Submitting pushes work onto the inbox without a lock. Workers move it to the queue under the pool's
//! lock. One worker at a time spins before it blocks (`spin.rs`). A worker that spins or was woken is
//! *searching*. When none is, the inbox holds a sentinel, and the thread that pushes onto it wakes a
//! worker. So new work takes the lock and wakes a worker only if it has to.

mod request;
mod reserve;

pub use request::PoolRequest;

use self::reserve::Reserve;
use crate::abi::*;
use crate::ffi::interior_mutable;
use crate::list::{container_of, Link, List};
use crate::mailbox::Mailbox;
use crate::observe::layout::{self, Address};
use crate::observe::{self, offsets, Job};
use crate::spin::AdaptiveSpin;
use crate::stack::Stack;
use crate::sys::{thread, time};
use core::cell::{Cell, RefCell};
use core::ffi::c_void;
use core::mem::{offset_of, MaybeUninit};
use core::ptr;
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

const DEFAULT_THREADS: usize = 4;
const MAX_THREADS: usize = 1024;
/// As large as a main thread's usually is, as work callbacks may be any code.
const STACK_SIZE: usize = 8 << 20;

/// How work is run and brought back.
#[derive(Clone, Copy)]
pub struct Task {
    /// For readers of other processes: the offset of the work in the request, the kind of work, and its
    /// callback.
    offset: u32,
    kind: layout::Work,
    callback: layout::Callback,
    /// Returns what is reported of the work while someone looks.
    job: unsafe fn(*const Work) -> Job,
    /// Runs on a thread of the pool.
    pub run: unsafe fn(*const Work),
    /// Runs on the loop's thread; the status is 0 or `ECANCELED`. It may free the request.
    pub done: unsafe fn(*const Work, Result),
    pub slow: bool,
}

/// One piece of work, at the place of `struct uv__work` in a request.
#[repr(C)]
pub struct Work {
    /// Written by the owner of the work. While it is queued, read and written under the pool's lock.
    stage: Cell<Stage>,
    /// The low bits of the loop's time in milliseconds when the work was submitted.
    pub began: Cell<u32>,
    /// None while the loop's ring does the work. Programs read libuv's field in this place at any time
    /// to see whether the ring has the work, so only the loop's thread writes it.
    task: Cell<Option<&'static Task>>,
    /// The destination of finished work. Outlives it, as a loop with requests is not closed.
    mailbox: Cell<*const Mailbox>,
    pub link: Link,
}

/// Where work is. Readers of other processes know the numbers.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
enum Stage {
    /// In the loop's ring.
    Ring = layout::stage::RING,
    /// Not submitted, or called back.
    Idle = layout::stage::IDLE,
    /// In the inbox or a queue.
    Queued = layout::stage::QUEUED,
    /// Taken by a worker; the callback has not begun.
    Started = layout::stage::STARTED,
    Cancelled = layout::stage::CANCELLED,
}

interior_mutable!(Work { stage, began, task, mailbox, link });
const _: () = {
    assert!(core::mem::size_of::<Work>() == core::mem::size_of::<uv__work>());
    assert!(core::mem::offset_of!(Work, task) == core::mem::offset_of!(uv__work, done));
};

/// The state that the pool's lock protects.
///
/// Work in the queues links to the lists in here, so there must be no `&mut State`, which would claim
/// that nothing else points to it: the fields are cells, and the guard is dereferenced shared only.
struct State {
    queue: List,
    slow_queue: List,
    /// The number of workers that are running slow work.
    slow_running: Cell<usize>,
    /// Whether slow work comes next if both queues have work.
    slow_next: Cell<bool>,
    /// The number of workers that wait for `WORK_AVAILABLE`.
    idle: Cell<usize>,
    /// Whether a worker is spinning.
    spinning: Cell<bool>,
    /// The number of workers that were woken and do not have the lock yet.
    waking: Cell<usize>,
    /// When a worker was woken last, by the monotonic clock.
    woken: Cell<u64>,
    threads: RefCell<Vec<libc::pthread_t>>,
    stopping: Cell<bool>,
    reserve: Reserve,
}

// SAFETY: the lists link to work that its submitter has given up to the pool. The work's cells are
// accessed under the lock until a worker owns it.
unsafe impl Send for State {}

static STATE: Mutex<State> = Mutex::new(State {
    queue: List::new(),
    slow_queue: List::new(),
    slow_running: Cell::new(0),
    slow_next: Cell::new(false),
    idle: Cell::new(0),
    spinning: Cell::new(false),
    waking: Cell::new(0),
    woken: Cell::new(0),
    threads: RefCell::new(Vec::new()),
    stopping: Cell::new(false),
    reserve: Reserve::new(),
});
static WORK_AVAILABLE: Condvar = Condvar::new();

/// Keeps a static that many threads write in cache lines of its own. Such statics are `#[used]`, or
/// the optimiser would place others in the padding.
#[repr(align(128))]
pub struct CachePadded<T>(pub T);

/// Work that is not slow and that no worker has seen yet. Emptied under the lock.
#[used]
static INBOX: CachePadded<Stack> = CachePadded(Stack::new(AtomicPtr::new(ptr::null_mut())));

/// Whether the first threads have been started. Until then a submission starts one for its work.
static STARTED: AtomicBool = AtomicBool::new(false);

/// The length of all queues. Written under the lock, read without it.
#[used]
static QUEUED: CachePadded<AtomicUsize> = CachePadded(AtomicUsize::new(0));

/// The limit of threads, or 0 if the environment was not read yet.
static THREAD_LIMIT: AtomicUsize = AtomicUsize::new(0);

/// The spins of workers that wait for work, and of loops that wait for workers. They share their credit, as a
/// spin of one fails if the other has to be woken.
#[used]
pub static SPIN: CachePadded<AdaptiveSpin> = CachePadded(AdaptiveSpin::new());

/// The address of the state, which its lock hides, for readers of other processes.
static STATE_ADDRESS: AtomicPtr<State> = AtomicPtr::new(ptr::null_mut());

pub const DESCRIPTION: layout::Pool = layout::Pool {
    state: Address((&raw const STATE_ADDRESS).cast()),
    inbox: Address((&raw const INBOX).cast()),
    queued: Address((&raw const QUEUED).cast()),
    limit: Address((&raw const THREAD_LIMIT).cast()),
};
pub const OFFSETS: layout::PoolOffsets = offsets!(
    PoolOffsets,
    State { queue: queue, slow_queue: slow_queue, slow_running: slow_running, idle: idle }
);
pub const TASK_OFFSETS: layout::TaskOffsets =
    offsets!(TaskOffsets, Task { offset: offset, kind: kind, callback: callback });
pub const fn work_offsets(mailbox_in_loop: usize) -> layout::WorkOffsets {
    layout::WorkOffsets {
        stage: offset_of!(Work, stage) as u32,
        began: offset_of!(Work, began) as u32,
        task: offset_of!(Work, task) as u32,
        mailbox: offset_of!(Work, mailbox) as u32,
        mailbox_in_loop: mailbox_in_loop as u32,
        link: offset_of!(Work, link) as u32,
    }
}

type Guard = MutexGuard<'static, State>;

fn lock() -> Guard {
    // Nothing panics while it is locked. If something did, the state would still be consistent.
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Releases the lock, and wakes a worker if one is needed for the remaining work.
fn release(state: Guard) {
    state.update_blocked();
    let notify = state.ensure_searching();
    if notify {
        state.woken.set(time::monotonic());
    }
    drop(state);
    if notify {
        WORK_AVAILABLE.notify_one();
    }
}

/// Increments or decrements a counter.
fn add(counter: &Cell<usize>, change: isize) {
    counter.set(counter.get().wrapping_add_signed(change));
}

impl Work {
    pub const fn new() -> Work {
        Work {
            stage: Cell::new(Stage::Idle),
            began: Cell::new(0),
            task: Cell::new(None),
            mailbox: Cell::new(core::ptr::null()),
            link: Link::new(),
        }
    }

    /// Records that the loop's ring does this instead of the pool.
    pub fn assign_to_ring(&self) {
        self.stage.set(Stage::Ring);
        self.task.set(None);
    }

    /// Returns whether the loop's ring has the work. Loop thread only, at any time.
    pub fn is_on_ring(&self) -> bool {
        // A worker may be writing the stage of work that has a task; without one the pool does not
        // have it.
        self.task.get().is_none() && self.stage.get() == Stage::Ring
    }

    /// Records that the ring will report the work as cancelled.
    pub fn cancelled_on_ring(&self) {
        self.stage.set(Stage::Cancelled);
    }

    pub fn leave_ring(&self) {
        self.stage.set(Stage::Idle);
    }
}

/// Gives work to the pool; `task.done` is called on the loop's thread when it is done. Fails only if
/// there is no thread and none can be started.
///
/// # Safety
/// `work` is in no queue, and stays alive and in place until `task.done` is called.
pub unsafe fn submit(mailbox: &Mailbox, work: &Work, task: &'static Task) -> Result {
    work.task.set(Some(task));
    work.mailbox.set(mailbox);
    if !task.slow && STARTED.load(Ordering::Relaxed) {
        work.stage.set(Stage::Queued);
        // SAFETY: as documented.
        if unsafe { INBOX.0.push(&raw const work.link) } {
            wake_worker();
        }
        if task.kind == layout::Work::File && reserve::is_blocked() {
            reserve::submitted_file();
        }
        return Ok(());
    }
    let state = lock();
    let can_start = !task.slow || state.can_run_slow();
    // While threads are being started each work gets one of its own, so that work that is submitted
    // one by one is spread over threads as with libuv.
    let own_thread = can_start && state.threads.borrow().len() < DEFAULT_THREADS;
    // SAFETY: as documented.
    if !(own_thread && unsafe { state.start_worker(work, task)? }) {
        work.stage.set(Stage::Queued);
        let queue = if task.slow { &state.slow_queue } else { &state.queue };
        // SAFETY: as documented.
        unsafe { queue.push_back(&work.link) };
        add_queued(1);
    }
    if can_start {
        release(state);
    }
    Ok(())
}

/// Wakes a worker for work in the inbox, if none is searching.
#[cold]
fn wake_worker() {
    release(lock());
}

/// Takes a request back from the queue; its `done` is called later with `ECANCELED`. Returns `EBUSY` if a
/// worker has begun it or it is done. Cancelling it again has no effect.
pub fn cancel<R: PoolRequest>(request: &R) -> Result {
    cancel_work(request.work())
}

fn cancel_work(work: &Work) -> Result {
    let state = lock();
    match work.stage.get() {
        Stage::Queued => {}
        Stage::Cancelled => return Ok(()),
        _ => return Err(Error::EBUSY),
    }
    // An element of the inbox cannot be unlinked.
    state.drain_inbox();
    // In the child of a fork the parent's work is in no queue.
    if work.link.is_linked() {
        work.link.unlink();
        add_queued(-1);
    }
    work.stage.set(Stage::Cancelled);
    drop(state);
    // SAFETY: it is in no queue, so no worker finds it. Its loop is alive, as it has a request.
    unsafe { (*work.mailbox.get()).push_done(&raw const work.link) };
    Ok(())
}

/// Returns the request that the work is a part of.
///
/// # Safety
/// `work` was submitted and is alive.
pub unsafe fn request_of(work: *const Work) -> *const u8 {
    // SAFETY: as documented; the task has the offset of the work in its request.
    unsafe { work.byte_sub((*work).task.get().map_or(0, |task| task.offset as usize)).cast() }
}

/// Calls back finished work. Loop thread only.
///
/// # Safety
/// `work` came off the loop's stack of finished work.
pub unsafe fn finish(work: *const Work) {
    // SAFETY: finished work is alive until `done`, and the loop's thread has it alone. `done` gets the
    // work that was submitted with it.
    unsafe {
        let cancelled = (*work).stage.replace(Stage::Idle) == Stage::Cancelled;
        let status = if cancelled { Err(Error::ECANCELED) } else { Ok(()) };
        if let Some(task) = (*work).task.get() {
            (task.done)(work, status);
        }
    }
}

/// Adds to the number of queued works. With the lock only.
fn add_queued(change: isize) {
    let queued = QUEUED.0.load(Ordering::Relaxed);
    QUEUED.0.store(queued.wrapping_add_signed(change), Ordering::Relaxed);
}

impl State {
    /// Returns whether a worker will check the inbox and the queues without being woken.
    fn has_searching(&self) -> bool {
        self.waking.get() > 0 || self.spinning.get()
    }

    /// Starts a thread that begins with this work. Returns false if there may be no other thread, and
    /// an error only if there is no thread at all.
    ///
    /// # Safety
    /// `work` is alive and in no queue. With true it is the thread's, and may be freed already.
    unsafe fn start_worker(&self, work: *const Work, task: &'static Task) -> Result<bool> {
        STATE_ADDRESS.store(ptr::from_ref(self).cast_mut(), Ordering::Relaxed);
        let mut threads = self.threads.borrow_mut();
        // `shut_down` joins the threads that there were when it began.
        if self.stopping.get() || threads.len() >= thread_limit() {
            return Ok(false);
        }
        let mut id = MaybeUninit::uninit();
        let room = threads.try_reserve(1).map_err(|_| Error::ENOMEM);
        // SAFETY: the caller has the work, and gives it to the thread; if there is none it is still
        // alive. `run_worker` takes a pointer to work.
        let created = room.and_then(|()| unsafe {
            let stage = (*work).stage.replace(Stage::Started);
            let argument = work.cast_mut().cast();
            thread::create(id.as_mut_ptr(), STACK_SIZE, run_worker, argument)
                .inspect_err(|_| (*work).stage.set(stage))
        });
        match created {
            Ok(()) => {
                // SAFETY: it was written, as there is a thread.
                threads.push(unsafe { id.assume_init() });
                add(&self.slow_running, isize::from(task.slow));
                self.reserve.began(task);
                let first_threads = DEFAULT_THREADS.min(thread_limit());
                STARTED.store(threads.len() >= first_threads, Ordering::Relaxed);
                Ok(true)
            }
            Err(error) if threads.is_empty() => Err(error),
            // The existing threads will run it.
            Err(_) => Ok(false),
        }
    }

    /// Ensures that a worker begins the work that is left, and that otherwise the next submission
    /// wakes one. Returns whether the caller has to wake a worker after releasing the lock. One is
    /// enough: a worker that takes work and leaves some calls this again.
    fn ensure_searching(&self) -> bool {
        loop {
            let all_busy = self.idle.get() == 0 && self.threads.borrow().len() >= thread_limit();
            if all_busy || self.has_searching() {
                return false;
            }
            if !self.has_next() {
                if INBOX.0.put_sentinel() {
                    return false;
                }
            } else if self.idle.get() > 0 {
                add(&self.waking, 1);
                return true;
            } else if !self.start_worker_with_next() {
                // The existing threads will run it.
                return false;
            }
        }
    }

    fn start_worker_with_next(&self) -> bool {
        let Some((work, task)) = self.next() else { return false };
        // SAFETY: work is alive while it is in a queue, and was taken out of one.
        unsafe {
            if self.start_worker(work, task).unwrap_or(false) {
                return true;
            }
            let queue = if task.slow { &self.slow_queue } else { &self.queue };
            queue.push_front(&(*work).link);
        }
        add_queued(1);
        false
    }

    fn can_run_slow(&self) -> bool {
        self.slow_running.get() < thread_limit().div_ceil(2)
    }

    /// Moves the work in the inbox to the queue.
    fn drain_inbox(&self) {
        if reserve::is_blocked() {
            return self.drain_blocked(INBOX.0.take());
        }
        add_queued(INBOX.0.take_into(&self.queue) as isize);
    }

    fn has_next(&self) -> bool {
        if self.queue.is_empty() {
            self.drain_inbox();
        }
        !self.queue.is_empty()
            || !self.reserve.files.is_empty()
            || (!self.slow_queue.is_empty() && self.can_run_slow())
    }

    /// Takes the next work out of the queues.
    fn next(&self) -> Option<(*const Work, &'static Task)> {
        if self.queue.is_empty() {
            self.drain_inbox();
        }
        let can_take_slow = !self.slow_queue.is_empty() && self.can_run_slow();
        let no_other = self.queue.is_empty() && self.reserve.files.is_empty();
        let slow = can_take_slow && (self.slow_next.get() || no_other);
        if can_take_slow {
            self.slow_next.set(!slow);
        }
        let link = if slow {
            self.slow_queue.pop_front()
        } else {
            self.reserve.files.pop_front().or_else(|| self.queue.pop_front())
        }?;
        add_queued(-1);
        // SAFETY: the queues contain links of work, which is alive until a worker has run it.
        unsafe {
            let work = container_of!(link, Work, link);
            Some((work, (*work).task.get()?))
        }
    }
}

/// The maximum number of threads, read from the environment at the first call.
fn thread_limit() -> usize {
    let limit = THREAD_LIMIT.load(Ordering::Relaxed);
    if limit != 0 {
        return limit;
    }
    let limit = thread_limit_from_environment();
    THREAD_LIMIT.store(limit, Ordering::Relaxed);
    limit
}

/// `UV_THREADPOOL_SIZE`, clamped to 1..=1024.
fn thread_limit_from_environment() -> usize {
    let value = std::env::var_os("UV_THREADPOOL_SIZE");
    reserve::allow(value.is_none());
    let Some(value) = value else { return DEFAULT_THREADS };
    // libuv converts the result of atoi() to an unsigned number, which makes -1 the largest.
    let text = value.as_bytes().trim_ascii_start();
    let digits = match text.split_first() {
        Some((b'-', _)) => return MAX_THREADS,
        Some((b'+', digits)) => digits,
        _ => text,
    };
    let size =
        digits.iter().take_while(|byte| byte.is_ascii_digit()).fold(0_usize, |size, byte| {
            size.saturating_mul(10).saturating_add(usize::from(byte - b'0'))
        });
    size.clamp(1, MAX_THREADS)
}

/// The main function of a thread of the pool. `first` is the work it was started for.
extern "C-unwind" fn run_worker(first: *mut c_void) -> *mut c_void {
    let _ = thread::set_name(c"libuv-worker");
    let worker = observe::Worker::begin();
    // SAFETY: `start_worker` gave the work to this thread.
    let mut ran = unsafe { run_work(&worker, first.cast_const().cast()) };
    let mut state = lock();
    loop {
        if let Some(task) = ran {
            add(&state.slow_running, -isize::from(task.slow));
            state.reserve.ended(task);
        }
        let (work, task) = loop {
            match state.next() {
                Some(next) => break next,
                None if state.stopping.get() => {
                    worker.end();
                    return ptr::null_mut();
                }
                None => state = wait_for_work(state),
            }
        };
        add(&state.slow_running, isize::from(task.slow));
        state.reserve.began(task);
        // SAFETY: work that was taken out of the queue under the lock is this thread's alone, and
        // alive until `run_work` has handed it over.
        unsafe {
            (*work).stage.set(Stage::Started);
            release(state);
            ran = run_work(&worker, work);
        }
        state = lock();
    }
}

/// Runs work and hands it to its loop. Returns its task.
///
/// # Safety
/// The work is alive and this thread's alone.
unsafe fn run_work(worker: &observe::Worker, work: *const Work) -> Option<&'static Task> {
    // SAFETY: `run` gets the work that was submitted with it. The mailbox outlives the work.
    // Afterwards the work may be freed, so it is not accessed.
    unsafe {
        let task = (*work).task.get()?;
        worker.set_work(work.cast());
        if observe::is_active() {
            run_observed(worker, work, task);
        } else {
            (task.run)(work);
        }
        worker.set_work(ptr::null());
        (*(*work).mailbox.get()).push_done(&raw const (*work).link);
        Some(task)
    }
}

/// Runs work while someone looks.
///
/// # Safety
/// As for [`run_work`]; the task is the work's.
#[cold]
#[inline(never)]
unsafe fn run_observed(worker: &observe::Worker, work: *const Work, task: &Task) {
    // SAFETY: as documented.
    unsafe {
        let job = (task.job)(work);
        let started = worker.work_started(&job);
        (task.run)(work);
        worker.work_done(&job, started);
    }
}

/// Spins, then blocks, until there may be work.
fn wait_for_work(mut state: Guard) -> Guard {
    if !state.spinning.get() {
        state.spinning.set(true);
        // The queues contain slow work only, which has to wait.
        let known = QUEUED.0.load(Ordering::Relaxed);
        drop(state);
        SPIN.0.spin_until(|| !INBOX.0.is_empty() || QUEUED.0.load(Ordering::Relaxed) > known);
        state = lock();
        state.spinning.set(false);
        // The count does not suffice: another worker may have taken slow work while new work arrived.
        if state.has_next() || state.stopping.get() {
            return state;
        }
    }
    if !state.has_searching() && !INBOX.0.put_sentinel() {
        return state;
    }
    add(&state.idle, 1);
    let since = time::monotonic();
    state = WORK_AVAILABLE.wait(state).unwrap_or_else(PoisonError::into_inner);
    SPIN.0.record_wake(since, state.woken.get());
    add(&state.idle, -1);
    // A spurious wake-up may find no worker counted as waking.
    state.waking.set(state.waking.get().saturating_sub(1));
    state
}

/// Ends the threads when the queued work is done, and joins them. The pool can be used again
/// afterwards.
pub fn shut_down() {
    let threads = {
        let state = lock();
        if state.threads.borrow().is_empty() {
            THREAD_LIMIT.store(0, Ordering::Relaxed);
            return;
        }
        // A worker that ends the process cannot join itself.
        if state.threads.borrow().contains(&thread::current()) {
            return;
        }
        state.stopping.set(true);
        STARTED.store(false, Ordering::Relaxed);
        let mut threads = state.threads.take();
        threads.extend(state.reserve.stop());
        threads
    };
    WORK_AVAILABLE.notify_all();
    for id in threads {
        // SAFETY: only this function joins threads of the pool, and each of them once, as it takes
        // them out of the state.
        unsafe { thread::join(id) };
    }
    let state = lock();
    state.stopping.set(false);
    state.reserve.reset();
    THREAD_LIMIT.store(0, Ordering::Relaxed);
}

/// Holds the pool's lock during a fork, so that the child finds a consistent state.
pub struct ForkLock(#[allow(dead_code)] Guard);

pub fn fork_prepare() -> ForkLock {
    ForkLock(lock())
}

/// Resets the pool in the child of a fork: the threads and the queued work are the parent's.
pub fn after_fork_in_child() {
    let state = lock();
    state.drain_inbox();
    let queues = [&state.queue, &state.slow_queue, &state.reserve.files];
    while queues.iter().any(|queue| queue.pop_front().is_some()) {}
    QUEUED.0.store(0, Ordering::Relaxed);
    STARTED.store(false, Ordering::Relaxed);
    THREAD_LIMIT.store(0, Ordering::Relaxed);
    state.idle.set(0);
    state.spinning.set(false);
    state.waking.set(0);
    state.slow_running.set(0);
    state.stopping.set(false);
    state.reserve.reset();
    state.threads.borrow_mut().clear();
}
