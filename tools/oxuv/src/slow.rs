//! `oxuv slow`: callbacks that run for long.

use crate::error::{Error, Result};
use crate::layout::{LoopSlot, CALLBACK_NAMES};
use crate::library::Library;
use crate::names::duration;
use crate::process::Process;
use crate::report::{outer_tid, thread_state};
use crate::stats::{ask, sample, LoopSample};
use crate::symbols::Symbols;
use crate::target::{monotonic, Target};
use std::collections::HashSet;
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
    /// Does not stop threads. They are not stopped without it either
    #[arg(long)]
    nonblocking: bool,
}

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
    let mut watch =
        Watch { process, symbols: target.symbols(), began, limit, seen: HashSet::new() };
    let between = (args.over / 4).clamp(Duration::from_millis(1), Duration::from_millis(100));
    let mut asked = 0;
    loop {
        let now = monotonic(Some(args.pid));
        if process.has_ended() || end.is_some_and(|end| now >= end) {
            return Ok(ExitCode::SUCCESS);
        }
        if now >= asked + ASKED / 2 || asked == 0 {
            asked = now;
            for library in &libraries {
                ask(process, library, now + ASKED)?;
            }
        }
        for library in &libraries {
            watch.look(library, now);
        }
        std::thread::sleep(between);
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
}

impl Watch<'_> {
    fn look(&mut self, library: &Library<'_>, now: u64) {
        for sample in sample(library, now).loops {
            if let Some(slot) = &sample.slot {
                self.running(&sample, slot);
                self.ended(&sample, slot);
            } else if sample.delay > self.limit {
                self.unknown(&sample);
            }
        }
    }

    /// Reports the callback that runs.
    fn running(&mut self, sample: &LoopSample, slot: &LoopSlot) {
        let running = slot.running;
        let age = sample.time.saturating_sub(running.since);
        let is_new = || (sample.of.at, running.since, false);
        if running.kind != 0 && age > self.limit && self.seen.insert(is_new()) {
            let tid = outer_tid(self.process.pid, sample.tid);
            let state = thread_state(self.process.pid, tid).unwrap_or_default();
            let name = self.symbols.name(running.function);
            let (kind, object) = (kind(running.kind), running.object);
            let age = duration(age);
            println!("{name} runs for {age} so far ({kind} {object:#x}, thread {tid}, {state})");
        }
    }

    /// Reports callbacks that have ended.
    fn ended(&mut self, sample: &LoopSample, slot: &LoopSlot) {
        for it in &slot.slowest {
            let is_new = it.started >= self.began && it.duration > self.limit;
            let whole = it.sequence % 2 == 0 && it.kind != 0;
            if is_new && whole && self.seen.insert((sample.of.at, it.started, true)) {
                let name = self.symbols.name(it.function);
                let tid = outer_tid(self.process.pid, sample.tid);
                let time = duration(it.duration);
                println!(
                    "{name} ran for {time} ({} {:#x}, thread {tid})",
                    kind(it.kind),
                    it.object
                );
            }
        }
    }

    /// Reports a loop that has been busy since before statistics were switched on.
    fn unknown(&mut self, sample: &LoopSample) {
        let began = sample.time - sample.delay;
        // The loop's time is in milliseconds.
        if self.seen.insert((sample.of.at, began / 10_000_000, false)) {
            let tid = outer_tid(self.process.pid, sample.tid);
            let pid = self.process.pid;
            let time = duration(sample.delay);
            println!(
                "a callback of thread {tid} runs for {time} so far; `oxuv why {pid}` names it"
            );
        }
    }
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
