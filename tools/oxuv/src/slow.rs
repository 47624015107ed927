//! `oxuv slow`: callbacks that run for long.

use crate::describe::Describer;
use crate::descriptors::Descriptors;
use crate::error::{Error, Result};
use crate::layout::{Callback, LoopSlot, CALLBACK_NAMES};
use crate::library::Library;
use crate::names::duration;
use crate::output::print;
use crate::process::{proc_path, Process};
use crate::report::{outer_tid, thread_state};
use crate::stack::{self, Copied, Unwinder};
use crate::stats::{ask, sample, LoopSample};
use crate::symbols::Symbols;
use crate::target::{monotonic, Target};
use std::collections::HashSet;
use std::io;
use std::process::ExitCode;
use std::time::Duration;

/// Show callbacks that run longer than a limit
#[derive(clap::Args)]
pub struct Args {
    pid: i32,
    /// The limit, such as 50ms
    #[arg(long, default_value = "50ms", value_parser = parse_time)]
    over: Duration,
    /// Stop after this many seconds; without it, when the process ends
    #[arg(long)]
    seconds: Option<f64>,
    /// Never stop the thread to copy its stack
    #[arg(long)]
    nonblocking: bool,
}

/// The callbacks of requests.
const REQUESTS: [Callback; 10] = [
    Callback::Write,
    Callback::Connect,
    Callback::Shutdown,
    Callback::Send,
    Callback::Fs,
    Callback::Work,
    Callback::AfterWork,
    Callback::GetAddrInfo,
    Callback::GetNameInfo,
    Callback::Random,
];

/// How often a thread is tried to be stopped that another process traces.
const RETRIES: usize = 5;

/// For how long statistics are asked for each time, in nanoseconds.
const ASKED: u64 = 5_000_000_000;

/// Parses a time such as `50ms` or `2s`.
fn parse_time(text: &str) -> std::result::Result<Duration, String> {
    let units = [("ms", 1e-3), ("us", 1e-6), ("µs", 1e-6), ("s", 1.0)];
    let unit = units.into_iter().find_map(|(unit, size)| Some((text.strip_suffix(unit)?, size)));
    let (number, size) = unit.ok_or("a time such as 50ms or 2s is expected")?;
    let seconds = number.trim_end().parse::<f64>().map_err(|error| error.to_string())? * size;
    match (1e-4..=3600.0).contains(&seconds) {
        true => Ok(Duration::from_secs_f64(seconds)),
        false => Err("a time from 100us to 3600s is expected".to_owned()),
    }
}

pub fn run(args: Args) -> Result<ExitCode> {
    let target = Target::process(args.pid)?;
    let Target::Process(process) = &target else { return Err(Error::new("not a process")) };
    let libraries = target.libraries(process)?;
    if libraries.iter().all(|library| library.page().is_none()) {
        return Err(Error::new(format!("no loop of process {} has run yet", args.pid)));
    }
    let began = monotonic(Some(args.pid));
    let end = args.seconds.map(|seconds| began.saturating_add((seconds * 1e9) as u64));
    let limit = args.over.as_nanos() as u64;
    let code = (!args.nonblocking).then(|| Code::new(process));
    let mut watch = Watch {
        process,
        symbols: target.symbols(),
        began,
        limit,
        seen: HashSet::new(),
        code,
        longest_stop: Duration::ZERO,
        was_denied: false,
    };
    let mut asked = 0;
    loop {
        let now = monotonic(Some(args.pid));
        if process.has_ended() || end.is_some_and(|end| now >= end) {
            break;
        }
        if now >= asked + ASKED / 2 || asked == 0 {
            asked = now;
            for library in &libraries {
                ask(process, library, now + ASKED)?;
            }
        }
        // So often that no callback that is longer begins and ends in between.
        let mut next = (args.over / 2).clamp(Duration::from_millis(1), Duration::from_millis(100));
        for library in &libraries {
            next = next.min(watch.look(library, now)?);
        }
        std::thread::sleep(next);
    }
    if !watch.longest_stop.is_zero() {
        let time = duration(watch.longest_stop.as_nanos() as u64);
        eprintln!("oxuv: no thread was stopped for longer than {time}");
    }
    Ok(ExitCode::SUCCESS)
}

/// The code of a process at one moment: it may load libraries and compile functions later.
struct Code {
    maps: String,
    unwinder: Unwinder,
}

impl Code {
    fn new(process: &Process) -> Code {
        let maps = std::fs::read_to_string(proc_path(process.pid, "maps")).unwrap_or_default();
        Code { maps, unwinder: Unwinder::new(process) }
    }
}

/// What was reported so far.
struct Watch<'a> {
    process: &'a Process,
    symbols: Symbols,
    began: u64,
    limit: u64,
    /// By the moment when the callback began and whether it had ended.
    seen: HashSet<(u64, u64, bool)>,
    /// Missing where stacks are not copied.
    code: Option<Code>,
    longest_stop: Duration,
    /// Whether it was said that a thread may not be stopped.
    was_denied: bool,
}

impl Watch<'_> {
    /// Reports what is new. Returns the time until a callback that runs now reaches the limit.
    fn look(&mut self, library: &Library<'_>, now: u64) -> Result<Duration> {
        let mut next = Duration::MAX;
        for sample in sample(library, now).loops {
            if let Some(slot) = &sample.slot {
                let age = sample.time.saturating_sub(slot.running.since);
                if slot.running.kind != 0 && age <= self.limit {
                    next = next.min(Duration::from_nanos(self.limit - age + 1));
                }
                self.running(library, &sample, slot)?;
                self.ended(&sample, slot)?;
            } else if sample.delay > self.limit {
                self.unknown(&sample)?;
            }
        }
        Ok(next)
    }

    /// Reports the callback that runs.
    fn running(&mut self, library: &Library<'_>, sample: &LoopSample, slot: &LoopSlot) -> Result {
        let running = slot.running;
        let age = sample.time.saturating_sub(running.since);
        let is_new = || (sample.of.at, running.since, false);
        if running.kind == 0 || age <= self.limit || !self.seen.insert(is_new()) {
            return Ok(());
        }
        let tid = outer_tid(self.process.pid, sample.tid);
        let state = thread_state(self.process.pid, tid).unwrap_or_default();
        let stack = self.stack(tid);
        // The stack is that of another callback if this one has ended meanwhile.
        let is_same =
            library.slot(sample.of).is_some_and(|slot| slot.running.since == running.since);
        let name = self.symbols.name(running.function);
        let object = self.object(library, running.kind, running.object);
        let (kind, age) = (kind(running.kind), duration(age));
        let state = if state.is_empty() { state } else { format!(", {state}") };
        let first = format!("{name} runs for {age} so far ({kind}{object}, thread {tid}{state})");
        self.print(&first, if is_same { &stack } else { &[] })
    }

    /// Prints a line and a stack below it, at once, so that a reader sees all of it.
    fn print(&self, first: &str, stack: &[u64]) -> Result {
        let names = stack.iter().map(|address| format!("    {}\n", self.symbols.name(*address)));
        let names: String = names.collect();
        let rest = if stack.len() == stack::FRAMES { "    … and their callers\n" } else { "" };
        print(&format!("{first}\n{names}{rest}"))
    }

    /// Describes the object of a callback: a handle or a request. It may be freed by now.
    fn object(&self, library: &Library<'_>, kind: u64, at: u64) -> String {
        let descriptors = Descriptors::new(self.process.pid);
        let describer = Describer {
            library,
            symbols: &self.symbols,
            descriptors: Some(&descriptors),
            now: monotonic(Some(self.process.pid)),
        };
        let what = match is_of_request(kind) {
            true => describer.request(at).map(|request| request.what),
            false => {
                library.handle(at).and_then(|it| describer.handle(it)).map(|handle| handle.what)
            }
        };
        what.ok()
            .filter(|what| !what.is_empty())
            .map_or_else(String::new, |what| format!(" {what}"))
    }

    /// Copies the stack of a thread, if that is wanted and allowed, and returns the addresses in its functions.
    fn stack(&mut self, tid: i32) -> Vec<u64> {
        let Some(code) = &mut self.code else { return Vec::new() };
        // Another `oxuv slow` may have stopped the thread, for a moment.
        let denied = |copied: &io::Result<Copied>| {
            copied.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
        };
        let mut copied = stack::copy(self.process, tid);
        for _ in 0..RETRIES {
            if !denied(&copied) {
                break;
            }
            std::thread::sleep(Duration::from_millis(2));
            copied = stack::copy(self.process, tid);
        }
        if denied(&copied) && !std::mem::replace(&mut self.was_denied, true) {
            eprintln!(
                "oxuv: threads may not be stopped, so there are no stacks: another process traces this one, or \
                 Yama's ptrace_scope forbids it"
            );
        }
        let Ok(copied) = copied else { return Vec::new() };
        self.longest_stop = self.longest_stop.max(copied.stopped);
        let pid = self.process.pid;
        let maps = std::fs::read_to_string(proc_path(pid, "maps")).unwrap_or_default();
        if maps != code.maps || self.symbols.is_old() {
            if let Ok(process) = Process::open(pid) {
                self.symbols = Symbols::of_process(&process);
                *code = Code::new(&process);
            }
        }
        code.unwinder.unwind(&copied)
    }

    /// Reports callbacks that have ended.
    fn ended(&mut self, sample: &LoopSample, slot: &LoopSlot) -> Result {
        for it in &slot.slowest {
            let is_new = it.started >= self.began && it.duration > self.limit;
            let whole = it.sequence % 2 == 0 && it.kind != 0;
            if is_new && whole && self.seen.insert((sample.of.at, it.started, true)) {
                let name = self.symbols.name(it.function);
                let tid = outer_tid(self.process.pid, sample.tid);
                let (kind, time) = (kind(it.kind), duration(it.duration));
                self.print(&format!("{name} ran for {time} ({kind}, thread {tid})"), &[])?;
            }
        }
        Ok(())
    }

    /// Reports a loop that has been busy since before statistics were switched on.
    fn unknown(&mut self, sample: &LoopSample) -> Result {
        let began = sample.time - sample.delay;
        // The loop's time is in milliseconds.
        if self.seen.insert((sample.of.at, began / 10_000_000, false)) {
            let tid = outer_tid(self.process.pid, sample.tid);
            let time = duration(sample.delay);
            let stack = self.stack(tid);
            self.print(&format!("a callback of thread {tid} runs for {time} so far"), &stack)?;
        }
        Ok(())
    }
}

/// Returns whether the object of such a callback is a request, not a handle.
fn is_of_request(kind: u64) -> bool {
    REQUESTS.iter().any(|callback| *callback as u64 == kind)
}

fn kind(number: u64) -> &'static str {
    CALLBACK_NAMES.get(number as usize).copied().unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_times() {
        assert_eq!(parse_time("50ms"), Ok(Duration::from_millis(50)));
        assert_eq!(parse_time("1.5s"), Ok(Duration::from_millis(1500)));
        for text in ["", "50", "ms", "-1s", "1us", "1e9s", "NaNs"] {
            assert!(parse_time(text).is_err(), "{text}");
        }
    }
}
