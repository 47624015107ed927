//! The event loop: `uv_loop_t`, the phases of an iteration, and the conditions that keep the loop alive.

mod api;
pub use api::uv_default_loop;
mod state;
pub mod timers;
pub use state::{State, OFFSETS as STATE_OFFSETS};

use crate::abi::*;
use crate::check::{self, Draw};
use crate::ffi::{call_user, Overlay};
use crate::handles::fs_event::LoopFsEvents;
use crate::handles::signal::LoopSignals;
use crate::handles::timer;
use crate::handles::{handle_of, loop_watcher, process, Handle};
use crate::list::{container_of, Link, List};
use crate::mailbox::{self, Mailbox};
use crate::observe::layout::{self, current, phase, Callback};
use crate::observe::{self, Caller, Observer};
use crate::poller::{watcher_of_pending, watcher_of_requeued, Poller, Watcher};
use crate::pool::{self, PoolRequest, Task, Work};
use crate::requests::fs::LoopRing;
use crate::spin::AdaptiveSpin;
use crate::sys;
use core::cell::Cell;
use core::ffi::{c_int, c_ulong, c_void};
use core::mem::{offset_of, size_of, MaybeUninit};
use core::ptr;
use core::sync::atomic::{AtomicU64, Ordering};
use timers::Timers;

/// How often the pending queue is drained after the poll phase. Watchers queued after that wait for the
/// next iteration, so that they cannot starve the loop.
const PENDING_ROUNDS: usize = 8;

/// The bits of `uv_loop_t.flags`.
mod loop_flag {
    use core::ffi::c_ulong;
    pub const BLOCK_SIGPROF: c_ulong = 1;
    pub const METRICS_IDLE_TIME: c_ulong = 2;
    /// The events being dispatched were ready before the wait for them.
    pub const WERE_WAITING: c_ulong = 4;
}

/// An event loop, in memory that the user owns. It cannot be moved: elements of its lists point to
/// the heads in here.
#[repr(C)]
pub struct Loop {
    /// May be uninitialised, as the user sets it.
    pub data: Cell<MaybeUninit<*mut c_void>>,
    active_handles: Cell<u32>,
    /// All handles that are not closed, in the order of their numbers.
    pub handles: List,
    /// The number of active requests. C sees a union with a pointer.
    active_requests: Cell<u32>,
    /// The present activity of the loop's thread, for readers outside of the process: see `layout::current`. At the
    /// place of libuv's `internal_fields`.
    current: Cell<u64>,
    stop_flag: Cell<u32>,
    flags: Cell<c_ulong>,
    backend_fd: Cell<c_int>,

    pub poller: Poller,
    /// Watchers whose handler runs in the next pending phase.
    pending: List,
    /// Watchers that may be ready although the kernel will not report it again.
    requeued: List,
    pub idle: loop_watcher::Queue,
    pub prepare: loop_watcher::Queue,
    pub check: loop_watcher::Queue,
    /// A stack: the handle closed last gets its callback first.
    closing: Cell<*const Handle>,

    pub timers: Timers,
    now: Cell<u64>,

    /// The process whose threads use `mailbox`, as a count of forks.
    generation: Cell<u32>,
    /// The number of this loop's works that the pool has.
    works: Cell<u32>,
    async_spin: AdaptiveSpin,
    pub signals: LoopSignals,
    /// Other threads write to it often, so it lies between rarely used fields.
    pub mailbox: Mailbox,
    pub fs_events: LoopFsEvents,
    /// Process handles whose child is running.
    pub processes: List,
    /// Closed to accept and reject a connection when the process has no other descriptor left.
    pub spare_fd: Cell<c_int>,
    metrics: Metrics,
    pub ring: LoopRing,
    /// In memory of its own, as there is no room for it in C's struct.
    pub state: Box<State>,
    /// The number of handles initialised so far.
    handle_count: Cell<u64>,
}

// SAFETY: the struct is `repr(C)`; sizes and offsets are asserted below. Not all of its bytes are
// interior-mutable: its memory is freed when no method of it is on the stack, as the user may do so
// after `uv_loop_close` only.
unsafe impl Overlay<uv_loop_t> for Loop {}
const _: () = {
    use core::mem::align_of;
    assert!(size_of::<Loop>() <= size_of::<uv_loop_t>());
    assert!(align_of::<Loop>() <= align_of::<uv_loop_t>());
    assert!(offset_of!(Loop, active_handles) == offset_of!(uv_loop_t, active_handles));
    assert!(offset_of!(Loop, active_requests) == offset_of!(uv_loop_t, active_reqs));
    assert!(offset_of!(Loop, stop_flag) == offset_of!(uv_loop_t, stop_flag));
    assert!(offset_of!(Loop, backend_fd) == offset_of!(uv_loop_t, backend_fd));
};

pub const OFFSETS: layout::LoopOffsets = layout::LoopOffsets {
    size: size_of::<uv_loop_t>() as u32,
    state: offset_of!(Loop, state) as u32,
    current: offset_of!(Loop, current) as u32,
    data: offset_of!(Loop, data) as u32,
    active_handles: offset_of!(Loop, active_handles) as u32,
    active_requests: offset_of!(Loop, active_requests) as u32,
    handles: offset_of!(Loop, handles) as u32,
    stop_flag: offset_of!(Loop, stop_flag) as u32,
    backend_fd: offset_of!(Loop, backend_fd) as u32,
    closing: offset_of!(Loop, closing) as u32,
    idle: (offset_of!(Loop, idle) + loop_watcher::RUNNING) as u32,
    prepare: (offset_of!(Loop, prepare) + loop_watcher::RUNNING) as u32,
    check: (offset_of!(Loop, check) + loop_watcher::RUNNING) as u32,
    now: offset_of!(Loop, now) as u32,
    works: offset_of!(Loop, works) as u32,
    iterations: offset_of!(Loop, metrics.loop_count) as u32,
    events: offset_of!(Loop, metrics.events) as u32,
    events_waiting: offset_of!(Loop, metrics.events_waiting) as u32,
    idle_ns: offset_of!(Loop, metrics.idle_nanoseconds) as u32,
    sent: (offset_of!(Loop, mailbox) + mailbox::ASYNCS) as u32,
    done: (offset_of!(Loop, mailbox) + mailbox::DONE) as u32,
    handle_count: offset_of!(Loop, handle_count) as u32,
};
/// The offset of what other threads know of a loop.
pub const MAILBOX: usize = offset_of!(Loop, mailbox);

/// The figures of `uv_metrics_info` and `uv_metrics_idle_time`. Other threads read the times.
#[derive(Default)]
struct Metrics {
    loop_count: Cell<u64>,
    events: Cell<u64>,
    events_waiting: Cell<u64>,
    idle_nanoseconds: AtomicU64,
    /// When the current wait began, or 0.
    wait_began: AtomicU64,
}

/// Writes all fields of the struct at a pointer, except those that are written already.
macro_rules! write_fields {
    ($at:expr, $type:ident { $($written:ident),* } and { $($field:ident: $value:expr,)* }) => {{
        // Fails to compile if a field is missing.
        let _ = |all: $type| {
            let $type { $($written: _,)* $($field: _,)* } = all;
        };
        $((&raw mut (*$at).$field).write($value);)*
    }};
}

impl Caller for Loop {
    #[inline(always)]
    fn set_current(&self, word: u64) {
        self.current.set(word);
    }

    fn observer(&self) -> &Observer {
        &self.state.observer
    }
}

impl Loop {
    /// Initialises the loop at `at`. Keeps the value of `data`, as libuv does.
    ///
    /// # Safety
    /// `at` is writable memory of the size of a `uv_loop_t`.
    pub unsafe fn init(at: *mut Loop) -> Result {
        crate::fork::init(&crate::describe::oxuv_debug);
        check::loop_before_init(at);
        // SAFETY: as documented; `data` may be uninitialised, which its type allows. The fields are written in
        // place, as copies of the loop would cost more than the rest of this. The loop removes its state from
        // the list when it is closed; if the program frees the loop before, the state stays allocated.
        unsafe {
            let poller = &raw mut (*at).poller;
            poller.write(Poller::new()?);
            match Mailbox::new(&*poller) {
                Ok(mailbox) => (&raw mut (*at).mailbox).write(mailbox),
                Err(error) => {
                    core::ptr::drop_in_place(poller);
                    return Err(error);
                }
            }
            write_fields!(at, Loop { data, poller, mailbox } and {
                active_handles: Cell::new(0),
                handles: List::new(),
                active_requests: Cell::new(0),
                current: Cell::new(0),
                stop_flag: Cell::new(0),
                flags: Cell::new(0),
                backend_fd: Cell::new((*at).poller.fd()),
                pending: List::new(),
                requeued: List::new(),
                idle: loop_watcher::Queue::new(),
                prepare: loop_watcher::Queue::new(),
                check: loop_watcher::Queue::new(),
                closing: Cell::new(core::ptr::null()),
                timers: Timers::new(),
                now: Cell::new(sys::time::monotonic_ms()),
                generation: Cell::new(sys::process::generation()),
                works: Cell::new(0),
                async_spin: AdaptiveSpin::without_credit(),
                signals: LoopSignals::new(),
                fs_events: LoopFsEvents::new(),
                processes: List::new(),
                spare_fd: Cell::new(-1),
                metrics: Metrics::default(),
                ring: LoopRing::new(),
                state: State::boxed(),
                handle_count: Cell::new(0),
            });
            (*at).state.observer.set_loop(at.cast_const().cast());
            (*at).state.entry.add(at.cast_const().cast());
        }
        check::loop_initialised(at, offset_of!(Loop, state));
        Ok(())
    }

    /// Releases the loop's resources. Returns `UV_EBUSY` while handles or requests are left.
    ///
    /// # Safety
    /// `at` is an initialised loop, which is not used afterwards when this succeeds.
    pub unsafe fn close(at: *mut Loop) -> Result {
        // SAFETY: as documented.
        let this = unsafe { &*at };
        let is_closed = this.backend_fd.get() == -1;
        let is_busy = this.active_requests.get() > 0 || !this.handles.is_empty();
        check::loop_closing(at, is_busy);
        if is_closed || is_busy {
            return Err(Error::EBUSY);
        }
        this.drop_parent_threads();
        this.mailbox.wait_for_wakers();
        if this.spare_fd.get() != -1 {
            let _ = sys::fd::close(this.spare_fd.get());
        }
        this.signals.unwatch_children();
        this.signals.close(this);
        this.fs_events.close(this);
        this.state.entry.remove();
        this.state.observer.close();
        // SAFETY: no reference into the loop exists any more, as it has no handles and no work.
        unsafe {
            core::ptr::drop_in_place(at);
            // A second close reads this if the memory is still valid.
            (&raw mut (*at).backend_fd).write(Cell::new(-1));
        }
        check::loop_closed(at);
        Ok(())
    }

    /// Replaces the kernel objects shared with the parent, in the child of a fork.
    fn after_fork(&self) -> Result {
        self.poller.renew()?;
        self.ring.after_fork(self);
        self.backend_fd.set(self.poller.fd());
        self.signals.after_fork(self)?;
        self.drop_threads();
        self.mailbox.after_fork(&self.poller)?;
        self.fs_events.after_fork(self)
    }

    /// Replaces inherited kernel objects if the child of a fork has not called `uv_loop_fork()`.
    pub fn make_own(&self) -> Result {
        match self.poller.is_inherited() {
            true => self.after_fork(),
            false => Ok(()),
        }
    }

    /// Drops the state of other threads if the loop was made before a fork: they run in the parent
    /// only. Called before anything waits for another thread.
    pub fn drop_parent_threads(&self) {
        if self.generation.get() != sys::process::generation() {
            self.drop_threads();
        }
    }

    fn drop_threads(&self) {
        self.generation.set(sys::process::generation());
        self.state.asyncs.after_fork(self);
        self.mailbox.complete_wakes();
    }

    // ---- liveness ---------------------------------------------------------------------------

    pub fn handle_became_active(&self) {
        self.active_handles.set(self.active_handles.get() + 1);
    }

    pub fn handle_became_inactive(&self) {
        self.active_handles.set(self.active_handles.get() - 1);
    }

    pub fn request_began<R>(&self, request: *const R) {
        check::request_began(request, ptr::from_ref(self).cast());
        self.active_requests.set(self.active_requests.get() + 1);
    }

    pub fn request_ended<R>(&self, request: *const R) {
        check::request_ended(request);
        self.active_requests.set(self.active_requests.get() - 1);
    }

    fn has_work(&self) -> bool {
        self.active_handles.get() > 0 || self.active_requests.get() > 0
    }

    fn is_alive(&self) -> bool {
        self.has_work() || !self.pending.is_empty() || !self.closing.get().is_null()
    }

    // ---- queues of the phases ---------------------------------------------------------------

    pub fn now(&self) -> u64 {
        self.now.get()
    }

    /// Counts events of the selector. Those that were waiting are counted with `UV_METRICS_IDLE_TIME` only.
    pub fn count_events(&self, events: u64) {
        let both = loop_flag::WERE_WAITING | loop_flag::METRICS_IDLE_TIME;
        self.add_events(events, self.flags.get() & both == both);
    }

    fn add_events(&self, events: u64, were_waiting: bool) {
        let Metrics { events: all, events_waiting: waiting, .. } = &self.metrics;
        all.set(all.get() + events);
        if were_waiting {
            waiting.set(waiting.get() + events);
        }
    }

    #[inline(always)]
    fn update_time(&self) {
        self.now.set(sys::time::monotonic_ms());
    }

    pub fn closing_handle(&self, handle: &Handle) {
        handle.set_next_closing(self.closing.replace(handle));
    }

    /// Queues a watcher for the pending phase.
    pub fn queue_pending(&self, watcher: &Watcher) {
        if !watcher.pending.is_linked() {
            // SAFETY: `Watcher::deregister` unlinks it before its handle is closed.
            unsafe { self.pending.push_back(&watcher.pending) };
        }
    }

    /// Queues a watcher for the next poll phase, for readiness that the kernel will not report again.
    #[inline(never)]
    pub fn requeue(&self, watcher: &Watcher) {
        // One of this round has had its turn by an event.
        watcher.requeued.unlink();
        // SAFETY: `Watcher::deregister` unlinks it before its handle is closed.
        unsafe { self.requeued.push_back(&watcher.requeued) };
    }

    /// Returns whether a handle waits for events of the descriptor.
    pub fn uses(&self, fd: c_int) -> bool {
        // SAFETY: a registered watcher is part of a live handler.
        self.poller.watcher(fd).is_some_and(|it| unsafe { !((*it).vtable().is_idle)(it) })
    }

    // ---- one iteration ----------------------------------------------------------------------

    pub fn run(&self, mode: uv_run_mode) -> bool {
        if self.backend_fd.get() == -1 {
            return false;
        }
        let _running = check::run(self);
        // Waiting on the parent's selector would take events from the parent. If no descriptors are left for
        // another one, it is used.
        let _ = self.make_own();
        if self.state.running.replace(true) {
            self.resume();
        }
        self.state.entry.set_thread();
        if observe::is_active() {
            self.observer().run_begins();
        }
        let mut alive = self.is_alive();
        if !alive {
            self.update_time();
        }
        // Before version 1.45 libuv ran timers first; in default mode it still does once.
        if mode == UV_RUN_DEFAULT && alive && self.stop_flag.get() == 0 {
            self.update_time();
            timer::run_due(self);
        }
        // Whether callbacks may have run since the time was updated.
        let mut stale = true;
        self.mailbox.unpark();
        self.poller.enter(mode == UV_RUN_DEFAULT);
        while alive && self.stop_flag.get() == 0 {
            if observe::is_active() {
                self.observe_iteration();
            }
            let busy = self.run_pending() | self.idle.run(self, Callback::Idle);
            stale |= busy | self.prepare.run(self, Callback::Prepare);

            let may_wait = mode == UV_RUN_DEFAULT || (mode == UV_RUN_ONCE && !busy);
            let timeout = if may_wait { self.backend_timeout() } else { 0 };
            check::before_poll(self, timeout != 0, self.now());
            self.metrics.loop_count.set(self.metrics.loop_count.get() + 1);
            let mut called = self.poll(timeout, stale);

            called |= (0..PENDING_ROUNDS).take_while(|_| self.run_pending()).count() > 0;
            called |= self.check.run(self, Callback::Check) | self.run_closing();
            // Without callbacks no time has passed since the wait.
            if called {
                self.update_time();
            }
            stale = timer::run_due(self);

            alive = self.is_alive();
            if mode != UV_RUN_DEFAULT {
                break;
            }
        }
        self.stop_flag.set(0);
        self.poller.leave();
        self.mailbox.park_or_wake();
        self.state.running.set(false);
        alive
    }

    #[cold]
    #[inline(never)]
    fn observe_iteration(&self) {
        self.observer().iteration();
        self.report_handles();
    }

    /// Reports the handles that were initialised since the last call.
    pub fn report_handles(&self) {
        let mut end = self.handle_count.get();
        let reported = self.observer().report_until(end);
        let mut at = self.handles.back();
        while let Some(link) = at {
            // SAFETY: a handle in the list is not closed, hence alive.
            unsafe {
                let handle = &*handle_of(link);
                // A handle that was initialised twice in a row is its own neighbour.
                if !(reported..end).contains(&handle.number()) {
                    return;
                }
                end = handle.number();
                self.observer().handle(true, handle.kind(), core::ptr::from_ref(handle).cast());
                at = self.handles.before(link);
            }
        }
    }

    /// Requeues the work that remains after a callback left the loop by an exception.
    #[cold]
    fn resume(&self) {
        let state = &self.state;
        let watcher = state.watcher.replace(core::ptr::null());
        // SAFETY: the handle has not had its close callback, which only a running loop calls.
        if let Some(watcher) = unsafe { watcher.as_ref() }.filter(|it| it.fd.get() != -1) {
            self.queue_pending(watcher);
            self.requeue(watcher);
        }
        [&self.idle, &self.prepare, &self.check].into_iter().for_each(loop_watcher::Queue::forget);
        self.current.set(0);
        state.observer.forget_call();
        self.pending.prepend(&state.pending);
        self.requeued.prepend(&state.requeued);
        timer::restart_due(self);
        while let Some(link) = state.works.pop_front() {
            // SAFETY: finished work belongs to its loop until its callback.
            unsafe { self.mailbox.push_done(link) };
        }
        state.asyncs.resume();
        self.signals.requeue(self);
        self.prepend_closing(state.closing.replace(core::ptr::null()));
    }

    /// Returns how long the poll phase may block, in milliseconds; -1 means without a limit.
    fn backend_timeout(&self) -> c_int {
        if self.stop_flag.get() != 0
            || !self.has_work()
            || !self.pending.is_empty()
            || !self.requeued.is_empty()
            || self.state.asyncs.has_received()
            || self.poller.shuffle.holds_events()
            || !self.idle.is_empty()
            || !self.closing.get().is_null()
        {
            return 0;
        }
        match self.timers.first_due() {
            None => -1,
            Some(due) => c_int::try_from(due.saturating_sub(self.now())).unwrap_or(c_int::MAX),
        }
    }

    /// Returns whether there was anything to run.
    #[inline(always)]
    fn run_pending(&self) -> bool {
        if self.pending.is_empty() {
            return false;
        }
        self.call_pending();
        true
    }

    /// Calls the handlers of pending watchers. Those that they queue are for the next round.
    #[inline(never)]
    fn call_pending(&self) {
        if observe::is_active() {
            self.observer().phase(phase::PENDING);
        }
        let State { pending: round, watcher: current, .. } = &*self.state;
        self.pending.move_to(round);
        while let Some(link) = round.pop_front() {
            // SAFETY: closing a handle unlinks its watcher, so one that is linked is alive.
            unsafe {
                let watcher = watcher_of_pending(link);
                current.set(watcher);
                ((*watcher).vtable().on_pending)(watcher);
            }
        }
        current.set(core::ptr::null());
        self.current.set(0);
    }

    /// Returns whether there was anything to run.
    fn run_closing(&self) -> bool {
        if self.closing.get().is_null() {
            return false;
        }
        if observe::is_active() {
            self.close_observed();
        } else {
            self.call_closing(Handle::finish_close);
        }
        self.current.set(0);
        true
    }

    #[cold]
    #[inline(never)]
    fn close_observed(&self) {
        self.report_handles();
        self.observer().phase(phase::CLOSING);
        self.call_closing(Handle::finish_close_observed);
    }

    #[inline(always)]
    fn call_closing(&self, finish: impl Fn(&Handle)) {
        let closing = &self.state.closing;
        closing.set(self.closing.replace(core::ptr::null()));
        // SAFETY: a closing handle is alive until its close callback.
        while let Some(handle) = unsafe { closing.get().as_ref() } {
            handle.end_requests();
            // A handle that was initialised and closed again while it was closing points to itself.
            let after = handle.next_closing();
            closing.set(if core::ptr::eq(after, handle) { core::ptr::null() } else { after });
            finish(handle);
        }
    }

    /// Puts a chain of closing handles back on top of the stack.
    fn prepend_closing(&self, first: *const Handle) {
        // SAFETY: a closing handle is alive until its close callback.
        let Some(mut last) = (unsafe { first.as_ref() }) else { return };
        // SAFETY: a closing handle is alive until its close callback.
        while let Some(next) = unsafe { last.next_closing().as_ref() } {
            last = next;
        }
        last.set_next_closing(self.closing.replace(first));
    }

    /// Waits for events, at most `timeout` milliseconds, and dispatches them. Returns whether there were
    /// any. `stale` tells whether callbacks ran since the time was updated.
    // Inlined, as are its callees: a system call clears the processor's return predictions, and the
    // first return after it costs as much as the rest of an empty iteration.
    #[inline(always)]
    fn poll(&self, timeout: c_int, stale: bool) -> bool {
        let measure = self.flags.get() & loop_flag::METRICS_IDLE_TIME != 0;
        self.requeued.move_to(&self.state.requeued);
        if self.poller.shuffle.is_on() {
            self.shuffle_requeued();
            if timeout != 0 {
                self.poller.shuffle.pause();
            }
        }

        let began = self.now();
        // A first wait that does not block finds the events that were ready before the wait.
        let mut left = if measure { 0 } else { timeout };
        let mut asked = !measure || timeout == 0;
        loop {
            if self.poll_once(left, measure, stale) {
                self.current.set(0);
                return true;
            }
            if !asked {
                asked = true;
                left = timeout;
            } else if timeout == 0 {
                return false;
            } else if timeout > 0 {
                let passed = self.now().saturating_sub(began);
                match c_int::try_from(passed).map(|passed| timeout - passed) {
                    Ok(rest) if rest > 0 => left = rest,
                    _ => return false,
                }
            }
        }
    }

    /// Waits once and dispatches the events. Returns whether there were any.
    #[inline(always)]
    fn poll_once(&self, mut timeout: c_int, measure: bool, stale: bool) -> bool {
        let mut were_waiting = timeout == 0;
        if timeout != 0 {
            // Do not block for a message that another thread is about to send.
            let soon = (self.works.get() > 0 && pool::SPIN.0.spin_until(|| self.mailbox.has_any()))
                || self.async_spin.spin_until(|| self.mailbox.has_any());
            if soon || !self.mailbox.park() {
                timeout = 0;
            }
        }
        let helped = self.works.get() > 0 || self.state.asyncs.is_used();
        let since = (timeout != 0 && helped).then(sys::time::monotonic);
        let block_sigprof = self.flags.get() & loop_flag::BLOCK_SIGPROF != 0;
        let sigprof = block_sigprof.then(|| sys::signal::set_of(libc::SIGPROF));
        if let Some(set) = &sigprof {
            sys::signal::thread_mask(libc::SIG_BLOCK, set);
        }
        if measure && timeout != 0 {
            self.metrics.wait_began.store(sys::time::monotonic(), Ordering::Relaxed);
        }
        if timeout != 0 {
            self.begin_wait(stale);
        }
        if observe::is_active() {
            self.observer().poll_begin(timeout);
        }
        self.poller.wait(timeout);
        if observe::is_active() {
            self.observer().poll_end(self.metrics.events.get());
        }
        if measure && timeout != 0 {
            self.end_wait();
        }
        if let Some(set) = &sigprof {
            sys::signal::thread_mask(libc::SIG_UNBLOCK, set);
        }
        self.mailbox.unpark();
        if let Some(since) = since {
            if self.mailbox.has_asyncs() {
                self.async_spin.record_wake(since, self.mailbox.woken());
            }
            if self.works.get() > 0 {
                pool::SPIN.0.record_wake(since, self.mailbox.woken());
            }
        }
        self.update_time();
        if timeout != 0 {
            self.current.set(0);
            self.add_waited(self.now());
        }
        were_waiting |= measure && timeout == 0;
        let flag = if were_waiting { loop_flag::WERE_WAITING } else { 0 };
        self.flags.set(self.flags.get() & !loop_flag::WERE_WAITING | flag);
        self.dispatch()
    }

    /// Records that the loop waits since now.
    fn begin_wait(&self, stale: bool) {
        // Does not change the loop's time, by which timers that callbacks start are due.
        let since = if stale { sys::time::monotonic_ms() } else { self.now() };
        self.add_waited(since.wrapping_neg());
        self.current.set(since << current::SHIFT | current::WAITING);
    }

    fn add_waited(&self, milliseconds: u64) {
        let waited = &self.state.waited;
        waited.set(waited.get().wrapping_add(milliseconds));
    }

    fn end_wait(&self) {
        let began = self.metrics.wait_began.swap(0, Ordering::Relaxed);
        let waited = sys::time::monotonic().saturating_sub(began);
        self.metrics.idle_nanoseconds.fetch_add(waited, Ordering::Relaxed);
    }

    fn dispatch(&self) -> bool {
        let shuffle = &self.poller.shuffle;
        let mut any = shuffle.held_back();
        // Messages sent by the callbacks of this batch are for the next iteration.
        let mut has_mail = self.mailbox.has_done()
            || self.mailbox.has_asyncs()
            || self.state.asyncs.has_received();
        if shuffle.is_on() && has_mail && shuffle.next(Draw::MailFirst, 0) % 2 == 0 {
            (any, has_mail) = (true, false);
            self.run_mail();
        }
        let current = &self.state.watcher;
        while let Some((watcher, event)) = self.poller.next_event() {
            any = true;
            self.count_events(1);
            current.set(watcher);
            // SAFETY: a registered watcher is part of a live handler.
            unsafe { ((*watcher).vtable().on_event)(watcher, event) };
        }
        while let Some(link) = self.state.requeued.pop_front() {
            any = true;
            // SAFETY: closing a handle unlinks its watcher, so one that is linked is alive.
            unsafe {
                let watcher = watcher_of_requeued(link);
                current.set(watcher);
                ((*watcher).vtable().on_requeued)(watcher);
            }
        }
        if any {
            current.set(core::ptr::null());
        }
        if has_mail {
            any = true;
            self.run_mail();
        }
        if shuffle.is_on() && self.signals.hold(self) {
            return true;
        }
        // A signal often announces another event, such as the end of a child's pipe, whose callbacks
        // come first.
        while self.signals.dispatch(shuffle) {
            process::reap(self);
        }
        any
    }

    /// Handles what other threads have sent.
    #[inline(always)]
    fn run_mail(&self) {
        if self.mailbox.has_done() {
            self.run_done_works();
        }
        let has_asyncs = self.mailbox.has_asyncs() || self.state.asyncs.has_received();
        if has_asyncs && !self.poller.shuffle.holds_asyncs() {
            // One wake-up is one event, for any number of handles.
            self.count_events(1);
            self.state.asyncs.run(self);
        }
    }

    /// Puts the requeued watchers into a drawn order.
    #[cold]
    fn shuffle_requeued(&self) {
        let round = self.poller.shuffle.next(Draw::Requeued, 0);
        self.state.requeued.sort(&|link| {
            // SAFETY: a linked watcher is alive.
            let generation = unsafe { (*watcher_of_requeued(link)).generation() };
            self.poller.shuffle.rank(Draw::Requeued, round ^ u64::from(generation))
        });
    }

    /// Puts finished work into a drawn order, and hands some of it back until the next iteration.
    #[cold]
    fn shuffle_works(&self) {
        let (shuffle, works) = (&self.poller.shuffle, &self.state.works);
        // SAFETY: finished work belongs to its loop until its callback.
        let address = |link: *const Link| unsafe { container_of!(link, Work, link) }.addr();
        shuffle.settle(|| {
            self.mailbox.take_done(works);
            works.len() >= self.works.get() as usize
        });
        works.sort(&|link| shuffle.work_rank(address(link)));
        for _ in 0..works.len() {
            let Some(link) = works.pop_front() else { break };
            // SAFETY: as above.
            unsafe {
                if shuffle.holds_work(address(link)) {
                    self.mailbox.push_done(link);
                } else {
                    works.push_back(&*link);
                }
            }
        }
    }

    /// Calls back finished work.
    fn run_done_works(&self) {
        let works = &self.state.works;
        self.mailbox.take_done(works);
        if self.poller.shuffle.is_on() {
            self.shuffle_works();
        }
        // The first is the event that woke the loop. The others were waiting without `UV_METRICS_IDLE_TIME` too.
        self.count_events(u64::from(!works.is_empty()));
        let mut count = 0u64;
        while let Some(link) = works.pop_front() {
            count += 1;
            self.works.set(self.works.get() - 1);
            // SAFETY: finished work is alive until its callback, and was handed over to this loop.
            unsafe {
                let work = container_of!(link, Work, link);
                self.request_ended(pool::request_of(work));
                self.poller.shuffle.work_called(work.addr());
                pool::finish(work);
            }
        }
        self.add_events(count.saturating_sub(1), self.flags.get() & loop_flag::WERE_WAITING != 0);
    }

    /// Submits a request to the pool. Fails only if there is no thread and none can be started.
    ///
    /// # Safety
    /// The request is not active, and stays alive and in place until it is `done`.
    pub unsafe fn submit<R: PoolRequest>(&self, request: &R) -> Result {
        request.work().began.set(self.now() as u32);
        if observe::is_active() {
            request.submitted().set(self.observer().work_queued(&request.job()));
        }
        self.poller.shuffle.work_submitted(ptr::from_ref(request.work()).addr());
        // SAFETY: as documented; the mailbox outlives the work, as a loop with requests is not closed.
        unsafe { pool::submit(&self.mailbox, request.work(), Task::of::<R>())? };
        self.request_began(if R::INTERNAL { ptr::null() } else { ptr::from_ref(request) });
        self.works.set(self.works.get() + 1);
        Ok(())
    }

    /// Returns the number of handles initialised so far.
    pub fn handle_count(&self) -> u64 {
        self.handle_count.get()
    }

    /// Adds a handle to the list.
    ///
    /// # Safety
    /// `link` is that of a handle whose number is the count, and leaves the list before its memory
    /// is freed.
    pub unsafe fn add_handle(&self, link: &Link) {
        self.handle_count.set(self.handle_count.get() + 1);
        // SAFETY: as documented.
        unsafe { self.handles.push_back(link) };
    }

    /// Iterates over the handles in the order of their initialisation. No handle may be opened or
    /// closed during the iteration.
    pub fn listed_handles(&self) -> impl Iterator<Item = &Handle> {
        // SAFETY: no handle is closed during the iteration, so the links stay in the list.
        core::iter::successors(self.handles.front(), |&link| unsafe { self.handles.after(link) })
            // SAFETY: a handle in the list is not closed, hence alive.
            .map(|link| unsafe { &*handle_of(link) })
    }

    /// Calls `visit`, which may open and close handles, for every handle that exists now. `function` is the
    /// user's, which it calls.
    fn walk(&self, function: *const (), visit: impl Fn(&Handle)) {
        // SAFETY: a handle in the list is not closed, hence alive.
        let number = |link| unsafe { (*handle_of(link)).number() };
        let first = self.handles.front().map(number);
        // A handle that was initialised twice in a row is its own neighbour. Moving the list mends that.
        let all = List::new();
        self.handles.move_to(&all);
        all.move_to(&self.handles);
        // A callback may have left another walk half-way.
        self.handles.sort(&number);
        let outer = self.current.get();
        let mut remaining = 0..self.handle_count.get();
        // A visited handle goes to the end of the list, which is in order again after the last one.
        while let Some(link) =
            self.handles.front().filter(|&link| remaining.contains(&number(link)))
        {
            remaining.start = number(link) + 1;
            self.handles.move_front_to(&self.handles);
            // SAFETY: a handle in the list is not closed, hence alive.
            let handle = unsafe { &*handle_of(link) };
            call_user(self, Callback::Walk, handle, function, || visit(handle));
        }
        self.current.set(outer);
        // A walk whose callback this is continues at `first`.
        let is_before = |handle: &Handle| Some(handle.number()) < first;
        let rest = self.listed_handles().position(|handle| !is_before(handle)).unwrap_or(0);
        for _ in 0..rest {
            self.handles.move_front_to(&self.handles);
        }
    }
}
