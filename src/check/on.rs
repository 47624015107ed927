//! The functions that the rest of the library calls. Each records an event, or reports that it breaks a rule.

use super::memory::{self, Shape};
use super::registry::{
    kind_name, lock, lock_for_fork, try_lock, Guard, LoopRecord, Registry, State, Thing,
};
use super::report::{is_on, name_of, thread_name, Report, Stack};
use super::{Expected, Subject};
use crate::abi::*;
use crate::sys;
use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Once;

fn emit(report: Option<Report>) {
    if let Some(report) = report {
        report.emit();
    }
}

// ---- pointers from C --------------------------------------------------------------------------

/// How a function uses a loop or handle.
#[derive(Clone, Copy, PartialEq)]
enum Use {
    /// On the loop's thread.
    Loop,
    /// On any thread, or in a signal handler.
    AnyThread,
    /// On the loop's thread, to stop something.
    Stops,
    /// It only reads.
    Reads,
}

/// Checks a pointer that a function got from the program. The function is for the loop's thread only.
#[inline(always)]
pub fn entered<C: Subject>(pointer: *const C) {
    if is_on() {
        entered_by::<C>(pointer, Use::Loop);
    }
}

/// The same for a function that any thread, or even a signal handler, may call.
#[inline(always)]
pub fn entered_any_thread<C: Subject>(pointer: *const C) {
    if !is_on() {
        return;
    }
    // Without the lock, which this thread may hold, as long as there is nothing to report.
    // SAFETY: the program has promised that there is a handle.
    if pointer.is_null() || unsafe { !memory::is_marked_open(pointer.addr()) } {
        entered_by::<C>(pointer, Use::AnyThread);
    }
}

/// The same for a function that stops something.
#[inline(always)]
pub fn entered_stopping<C: Subject>(pointer: *const C) {
    if is_on() {
        entered_by::<C>(pointer, Use::Stops);
    }
}

/// The same for a function that only reads.
#[inline(always)]
pub fn entered_reading<C: Subject>(pointer: *const C) {
    if is_on() {
        entered_by::<C>(pointer, Use::Reads);
    }
}

fn entered_by<C: Subject>(pointer: *const C, how: Use) {
    let at = pointer.addr();
    match C::EXPECTED {
        Expected::Loop => loop_entered(at, how),
        Expected::Handle(kinds) => handle_entered(at, kinds, how),
        Expected::Request if at == 0 => emit(Some(null_pointer("request"))),
        Expected::Request => {}
    }
}

fn lock_for(how: Use) -> Option<Guard> {
    match how {
        Use::AnyThread => try_lock(),
        Use::Loop | Use::Stops | Use::Reads => Some(lock()),
    }
}

fn null_pointer(what: &str) -> Report {
    Report::new("null-pointer", format!("{{}} was called with NULL for a {what}"))
}

#[inline(never)]
fn loop_entered(at: usize, how: Use) {
    let Some(mut registry) = lock_for(how) else { return };
    let report = judge_loop(&mut registry, at, how);
    drop(registry);
    emit(report);
}

fn judge_loop(registry: &mut Registry, at: usize, how: Use) -> Option<Report> {
    if at == 0 {
        return Some(null_pointer("loop"));
    }
    let Some(record) = registry.loops.get_mut(&at) else {
        let sentence = format!(
            "{{}} was called with a loop at {at:#x} that uv_loop_init() was not called for"
        );
        return Some(Report::new("use-before-init", sentence));
    };
    if record.is_closed {
        let sentence = format!("{{}} was called with the loop at {at:#x}, which is closed");
        let report = Report::new("use-after-loop-close", sentence);
        return Some(report.note("uv_loop_close() was called here", &record.closed));
    }
    record.refused = None;
    if matches!(how, Use::AnyThread | Use::Reads) {
        return None;
    }
    // SAFETY: the program has promised that there is a loop.
    let state = unsafe { state_of(at) };
    if state != record.state {
        record.state = state;
        let sentence = format!(
            "the loop at {at:#x} was freed, moved or overwritten before uv_loop_close() succeeded, \
             as {{}} found"
        );
        let report = Report::new("loop-overwritten", sentence);
        return Some(report.note("The loop was initialised here", &record.made));
    }
    let runner = record.other_runner()?;
    Some(wrong_thread(record, &format!("the loop at {at:#x}"), runner))
}

/// Returns what is constant in a loop.
///
/// # Safety
/// The memory at `at` is readable.
unsafe fn state_of(at: usize) -> usize {
    let offset = STATE.load(Ordering::Relaxed);
    // SAFETY: as documented.
    unsafe { core::ptr::with_exposed_provenance::<usize>(at + offset).read() }
}

/// The offset of the loop's pointer to its state.
static STATE: AtomicUsize = AtomicUsize::new(0);

fn wrong_thread(record: &LoopRecord, name: &str, runner: libc::pid_t) -> Report {
    let (this, runner) = (thread_name(sys::process::thread_id()), thread_name(runner));
    let sentence = format!(
        "{{}} was called for {name} by {this}, while {runner} runs the loop: use uv_async_send()"
    );
    let report = Report::new("wrong-thread", sentence);
    report.note("The loop was initialised here", &record.made)
}

#[inline(never)]
fn handle_entered(at: usize, kinds: &[uv_handle_type], how: Use) {
    let Some(mut registry) = lock_for(how) else { return };
    let report = judge_handle(&mut registry, at, kinds, how);
    drop(registry);
    emit(report);
}

fn judge_handle(
    registry: &mut Registry,
    at: usize,
    kinds: &[uv_handle_type],
    how: Use,
) -> Option<Report> {
    let Some(thing) = registry.things.get(&at) else {
        // Programs ask whether a handle is closing that is zeroed.
        let is_zero = how == Use::Reads && memory::is_zero_handle(at);
        return (!is_zero).then(|| unknown_handle(registry, at));
    };
    let Shape::Handle { kind, .. } = thing.shape else {
        let sentence = format!("{{}} was called with {} for a handle", thing.name(at));
        return Some(thing.history(Report::new("wrong-type", sentence)));
    };
    match thing.state {
        State::Damaged => return None,
        State::Closed if matches!(how, Use::Stops | Use::Reads) && thing.is_marked_closed(at) => {
            return None
        }
        State::Closed => {
            let sentence = format!(
                "{{}} was called with {} after its close callback: it is closed",
                thing.name(at)
            );
            return Some(thing.history(Report::new("use-after-close", sentence)));
        }
        State::Called | State::Open | State::Closing => {}
    }
    if !kinds.is_empty() && !kinds.contains(&kind) {
        let wanted: Vec<_> = kinds.iter().map(|&kind| kind_name(kind)).collect();
        let sentence = format!(
            "{{}} was called with {}, but takes a handle of type {}",
            thing.name(at),
            wanted.join(", ")
        );
        return Some(thing.history(Report::new("wrong-type", sentence)));
    }
    if let Some(report) = check_open(thing, at) {
        registry.close(at, State::Damaged);
        return Some(report);
    }
    let record = registry.loops.get_mut(&thing.loop_)?;
    record.refused = None;
    if matches!(how, Use::AnyThread | Use::Reads) {
        return None;
    }
    let runner = record.other_runner()?;
    Some(thing.history(wrong_thread(record, &thing.name(at), runner)))
}

/// Returns what a handle is that is not known: NULL, a copy, or not initialised.
fn unknown_handle(registry: &Registry, at: usize) -> Report {
    if at == 0 {
        return null_pointer("handle");
    }
    let origin = memory::read(at, size_of::<uv_handle_t>()).and_then(|bytes| bytes.origin());
    match origin.and_then(|origin| Some((origin, registry.things.get(&origin)?))) {
        Some((origin, thing)) if origin != at => {
            let sentence = format!(
                "{{}} was called with a copy at {at:#x} of {}: a handle must not be moved or copied",
                thing.name(origin)
            );
            thing.history(Report::new("moved-handle", sentence))
        }
        _ => {
            let sentence =
                format!("{{}} was called with a handle at {at:#x} that was not initialised");
            Report::new("use-before-init", sentence)
        }
    }
}

/// Returns the result of a function that another function of the API has called, which is still on the stack then.
#[inline(always)]
pub fn not_last<T>(result: T) -> T {
    core::hint::black_box(result)
}

// ---- loops ------------------------------------------------------------------------------------

pub fn loop_before_init<T>(at: *const T) {
    if !is_on() {
        return;
    }
    watch_exit();
    let at = at.addr();
    let registry = lock();
    let report = registry.loops.get(&at).filter(|record| !record.is_closed && is_running(record));
    let report = report.map(|record| {
        let sentence = format!("{{}} was called for the loop at {at:#x}, which is running");
        Report::new("init-running-loop", sentence)
            .note("The loop was initialised here", &record.made)
    });
    drop(registry);
    emit(report);
}

/// Returns whether the loop runs, in this thread or another one.
fn is_running(record: &LoopRecord) -> bool {
    let here = record.runner == sys::thread::pointer() && Stack::here().count("uv_run") > 0;
    here || record.other_runner().is_some()
}

/// `state` is the offset of the pointer to the loop's state.
pub fn loop_initialised<T>(at: *const T, state: usize) {
    if !is_on() {
        return;
    }
    let at = at.expose_provenance();
    STATE.store(state, Ordering::Relaxed);
    // SAFETY: the loop was just initialised.
    let state = unsafe { state_of(at) };
    lock().add_loop(at, state);
}

/// Called before a loop is closed, or refused because it is busy.
pub fn loop_closing<T>(at: *const T, busy: bool) {
    if !is_on() {
        return;
    }
    let at = at.addr();
    let mut registry = lock();
    let mut report = judge_loop(&mut registry, at, Use::Loop);
    if let Some(record) = registry.loops.get_mut(&at).filter(|_| report.is_none()) {
        if busy {
            record.refused = Some(Stack::here());
        } else if is_running(record) {
            let sentence =
                format!("{{}} was called for the loop at {at:#x} inside of its own uv_run()");
            report = Some(
                Report::new("close-running-loop", sentence)
                    .note("The loop was initialised here", &record.made),
            );
        }
    }
    drop(registry);
    emit(report);
}

pub fn loop_closed<T>(at: *const T) {
    if !is_on() {
        return;
    }
    if let Some(record) = lock().loops.get_mut(&at.addr()) {
        record.is_closed = true;
        record.refused = None;
        record.closed = Stack::here();
    }
}

pub fn loop_forked<T>(at: *const T) {
    if let Some(record) = lock().loops.get_mut(&at.addr()) {
        record.process = sys::process::generation();
    }
}

/// Reports loops that are busy still when the process ends, if the program has ignored that.
extern "C" fn at_exit() {
    let registry = lock();
    let refused = registry.loops.iter().find_map(|(&at, record)| {
        let stack = record.refused.as_ref()?;
        (record.process == sys::process::generation()).then_some((at, record, stack))
    });
    let report = refused.map(|(at, record, stack)| {
        let open = record.things.len();
        let sentence = format!(
            "{{}} returned UV_EBUSY for the loop at {at:#x}, because of {open} open handles and active \
             requests, and nothing was done about it before the process ended"
        );
        let mut report = Report::new("close-busy-loop", sentence);
        for at in record.things.iter().take(3) {
            if let Some(thing) = registry.things.get(at) {
                let note = format!("Still there is {}, made here", thing.name(*at));
                report = report.note(note, &thing.made);
            }
        }
        (report, stack.clone())
    });
    drop(registry);
    if let Some((report, stack)) = report {
        report.warn(&stack);
    }
}

fn watch_exit() {
    static ONCE: Once = Once::new();
    // SAFETY: the function may be called at exit.
    ONCE.call_once(|| unsafe {
        libc::atexit(at_exit);
    });
}

/// A running loop: the one that ran before goes on at the end.
pub struct Running {
    loop_: usize,
    before: usize,
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(record) = lock().loops.get_mut(&self.loop_) {
            record.runner = self.before;
        }
    }
}

/// Records that this thread runs the loop, until the result is dropped.
pub fn run<T>(loop_: *const T) -> Running {
    let at = loop_.addr();
    let mut running = Running { loop_: at, before: 0 };
    if !is_on() {
        return running;
    }
    let mut registry = lock();
    let mut report = None;
    if let Some(record) = registry.loops.get_mut(&at) {
        running.before = record.runner;
        report = record.taken.take().or_else(|| judge_run(record, at));
        record.process = sys::process::generation();
        record.runner = sys::thread::pointer();
        record.runner_tid = sys::process::thread_id();
        record.runner_process = sys::process::generation();
    }
    let report = report.or_else(|| registry.check_some(at));
    drop(registry);
    emit(report);
    running
}

fn judge_run(record: &LoopRecord, at: usize) -> Option<Report> {
    let name = format!("the loop at {at:#x}");
    if record.process != sys::process::generation() {
        let sentence = format!(
            "{{}} was called for {name} in the child of a fork, without uv_loop_fork() before"
        );
        let report = Report::new("fork-without-loop-fork", sentence);
        return Some(report.note("The loop was initialised here, in the parent", &record.made));
    }
    if record.runner == sys::thread::pointer() && Stack::here().count("uv_run") > 1 {
        let sentence = format!(
            "{{}} was called for {name} by a callback of its own uv_run(): it is not reentrant"
        );
        let report = Report::new("nested-run", sentence);
        return Some(report.note("The loop was initialised here", &record.made));
    }
    None
}

/// Looks at the memory of the loop's handles and requests, unless the loop is so busy that it has done so within
/// this millisecond.
pub fn before_poll<T>(loop_: *const T, waits: bool, now: u64) {
    if !is_on() {
        return;
    }
    let mut registry = lock();
    let is_new = |record: &mut LoopRecord| core::mem::replace(&mut record.checked, now) != now;
    let report = match registry.loops.get_mut(&loop_.addr()).is_some_and(is_new) || waits {
        true => registry.check_some(loop_.addr()),
        false => None,
    };
    drop(registry);
    emit(report);
}

// ---- handles ----------------------------------------------------------------------------------

pub fn handle_before_init<T>(at: *const T, loop_: *const ()) {
    if !is_on() {
        return;
    }
    let (at, loop_) = (at.addr(), loop_.addr());
    let mut registry = lock();
    let Some(thing) =
        registry.things.get(&at).filter(|thing| !thing.is_closed() && thing.state != State::Called)
    else {
        return;
    };
    let name = thing.name(at);
    let (code, sentence) = match thing.shape {
        Shape::Handle { .. } => (
            "init-over-active-handle",
            format!(
                "{{}} was called over {name}, which is not closed: uv_close() was not called before \
                 its memory was used again, or its close callback is still to come"
            ),
        ),
        Shape::Request { .. } => (
            "init-over-active-request",
            format!("{{}} was called over {name}, whose callback was not called yet"),
        ),
    };
    let report = thing.history(Report::new(code, sentence));
    let old = thing.loop_;
    let mut report = Some(report);
    if old != loop_ {
        // Harmful only if the old loop is used again.
        match registry.loops.get_mut(&old) {
            Some(record) if !is_running(record) => record.taken = report.take(),
            _ => {}
        }
    }
    drop(registry);
    emit(report);
}

pub fn handle_initialised<T>(at: *const T, loop_: *const (), kind: uv_handle_type) {
    if is_on() {
        let (at, loop_) = (at.expose_provenance(), loop_.addr());
        let shape = Shape::handle(loop_, kind, size_of::<T>());
        // SAFETY: a handle of this shape was just initialised.
        unsafe { lock().add(at, loop_, shape) };
    }
}

/// Forgets a handle that is a part of another one.
pub fn handle_internal<T>(at: *const T) {
    if is_on() {
        lock().remove(at.addr());
    }
}

pub fn handle_closing<T>(at: *const T) {
    if !is_on() {
        return;
    }
    let at = at.addr();
    let mut registry = lock();
    let Some(thing) = registry.things.get_mut(&at) else { return };
    let mut report = None;
    if thing.state == State::Open {
        thing.state = State::Closing;
        thing.closed = Stack::of_event();
    } else if thing.state != State::Damaged {
        let sentence = format!("{{}} was called twice for {}", thing.name(at));
        report = Some(thing.history(Report::new("double-close", sentence)));
    }
    drop(registry);
    emit(report);
}

/// Checks that the handle that is about to be started is not closing.
pub fn handle_starting<T>(at: *const T) {
    if !is_on() {
        return;
    }
    let at = at.addr();
    let registry = lock();
    let report = registry.things.get(&at).filter(|it| it.state == State::Closing).map(|thing| {
        let sentence = format!("{{}} was called for {}, which is closing", thing.name(at));
        thing.history(Report::new("start-closing-handle", sentence))
    });
    drop(registry);
    emit(report);
}

/// Records that the close callback is next, or, if `called`, that it has returned.
pub fn handle_closed<T>(at: *const T, called: bool) {
    if !is_on() {
        return;
    }
    let at = at.addr();
    let mut registry = lock();
    if !called {
        if let Some(thing) = registry.things.get(&at) {
            // SAFETY: the memory is the handle's until its close callback.
            unsafe { thing.shape.mark_closed(at) };
        }
        return registry.close(at, State::Called);
    }
    // The callback may have initialised another handle there.
    if let Some(thing) = registry.things.get_mut(&at).filter(|it| it.state == State::Called) {
        thing.state = State::Closed;
    }
}

// ---- requests ---------------------------------------------------------------------------------

pub fn request_before_init<T>(at: *const T) {
    if !is_on() {
        return;
    }
    let at = at.addr();
    let registry = lock();
    let report = registry.things.get(&at).filter(|thing| !thing.is_closed()).and_then(|thing| {
        let name = thing.name(at);
        match thing.shape {
            Shape::Handle { .. } if thing.state == State::Called => None,
            Shape::Handle { .. } => {
                let sentence = format!("{{}} was called with {name} for a request");
                Some(thing.history(Report::new("wrong-type", sentence)))
            }
            Shape::Request { .. } => {
                let sentence = format!(
                    "{{}} was called with {name}, which is active: its callback was not called yet"
                );
                Some(thing.history(Report::new("request-active", sentence)))
            }
        }
    });
    drop(registry);
    emit(report);
}

pub fn request_began<T>(at: *const T, loop_: *const ()) {
    if is_on() && !at.is_null() {
        // SAFETY: an initialised request is at the address.
        unsafe {
            let kind = (&raw const (*at.cast::<uv_req_t>()).r#type).read();
            lock().add(at.expose_provenance(), loop_.addr(), Shape::Request { kind });
        }
    }
}

/// Checks that the memory of the request, which is about to be called back, is as it was.
pub fn request_ended<T>(at: *const T) {
    if !is_on() {
        return;
    }
    let at = at.addr();
    let mut registry = lock();
    let report = registry.things.get(&at).and_then(|thing| thing.check(at));
    registry.remove(at);
    drop(registry);
    emit(report);
}

pub fn request_cleanup<T>(at: *const T) {
    if !is_on() {
        return;
    }
    let at = at.addr();
    let registry = lock();
    let report = registry.things.get(&at).filter(|thing| !thing.is_closed()).map(|thing| {
        let sentence = format!("{{}} was called for {}, which is active", thing.name(at));
        thing.history(Report::new("cleanup-active-request", sentence))
    });
    drop(registry);
    emit(report);
}

// ---- callbacks --------------------------------------------------------------------------------

/// Reports that there is no function to call back, where libuv would call NULL.
#[inline(always)]
pub fn callback_missing<T>(object: *const T) {
    if is_on() {
        no_callback(object.addr());
        // Keeps the caller on the stack.
        core::hint::black_box(object);
    }
}

#[inline(never)]
fn no_callback(at: usize) {
    let registry = lock();
    let report = match registry.things.get(&at) {
        Some(thing) => {
            let sentence =
                format!("{} has NULL for a callback that {{}} has to call", thing.name(at));
            thing.history(Report::new("null-callback", sentence))
        }
        None => {
            Report::new("null-callback", String::from("{} has to call a callback that is NULL"))
        }
    };
    drop(registry);
    report.emit();
}

/// Returns the id of the handle that is about to be called back.
#[inline]
pub fn before_callback(object: usize) -> u64 {
    if !is_on() {
        return 0;
    }
    let mut registry = lock();
    let Some(thing) = registry.things.get(&object) else { return 0 };
    let (id, report) = (thing.id, check_open(thing, object));
    if report.is_some() {
        registry.close(object, State::Damaged);
    }
    drop(registry);
    emit(report);
    id
}

/// Checks the memory of the handle whose callback has returned.
#[inline]
pub fn after_callback(object: usize, function: usize, id: u64) {
    if id == 0 {
        return;
    }
    let mut registry = lock();
    let Some(thing) = registry.things.get(&object).filter(|thing| thing.id == id) else { return };
    if !matches!(thing.state, State::Open | State::Closing) {
        return;
    }
    // The callback may have unmapped the memory.
    let bytes = memory::read(object, thing.shape.size());
    if bytes.is_some_and(|bytes| thing.shape.is_intact(object, bytes.get())) {
        return;
    }
    let how = format!("freed or overwritten by its callback {}()", name_of(function));
    let report = thing.damage(object, &how);
    registry.close(object, State::Damaged);
    drop(registry);
    report.emit();
}

fn check_open(thing: &Thing, at: usize) -> Option<Report> {
    match thing.state {
        State::Open | State::Closing => thing.check(at),
        _ => None,
    }
}

// ---- fork -------------------------------------------------------------------------------------

/// Holds the lock of the registry.
pub struct ForkLock(#[allow(dead_code)] Option<Guard>);

pub fn fork_prepare() -> ForkLock {
    ForkLock(lock_for_fork())
}
