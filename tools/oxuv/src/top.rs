//! `oxuv top`: a live view of loops and pool.

use crate::error::Result;
use crate::layout::{CALLBACK_NAMES, WORK_NAMES};
use crate::library::{Library, Loop};
use crate::live::{self, LoopRow};
use crate::names::{count, duration};
use crate::output::print;
use crate::ps;
use crate::report::{outer_tid, thread_name};
use crate::stats::{ask, sample, utilization, Delays, LoopSample, Sample};
use crate::symbols::Symbols;
use crate::target::{monotonic, Target};
use serde_json::{json, Value};
use std::fmt::Write;
use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

/// Show loops and pool live
#[derive(clap::Args)]
pub struct Args {
    /// All processes that run on oxuv if it is not given
    pid: Option<i32>,
    /// Print once and exit
    #[arg(long)]
    once: bool,
    /// Print JSON, once
    #[arg(long)]
    json: bool,
}

/// How often the view is renewed.
const INTERVAL: Duration = Duration::from_secs(1);
/// For how long statistics are asked for each time. They go off by themselves when nothing asks any more.
const ASKED: u64 = 5_000_000_000;
/// The slowest callbacks that are shown of each loop.
const SHOWN: usize = 5;

pub fn run(args: Args) -> Result<ExitCode> {
    let lasts = !args.once && !args.json;
    if lasts && std::io::stdout().is_terminal() {
        live::show(|wait| Ok(measure(&args, wait)?.rows), INTERVAL)?;
        return Ok(ExitCode::SUCCESS);
    }
    loop {
        let Measured { text, json, .. } = measure(&args, &mut || std::thread::sleep(INTERVAL))?;
        if args.json {
            print(&format!("{:#}\n", json!({ "processes": json })))?;
        } else {
            print(&text)?;
        }
        if !lasts {
            return Ok(ExitCode::SUCCESS);
        }
    }
}

/// The figures of one interval in three forms.
struct Measured {
    text: String,
    json: Vec<Value>,
    rows: Vec<LoopRow>,
}

/// Looks at the processes for as long as `wait` waits.
fn measure(args: &Args, wait: &mut dyn FnMut()) -> Result<Measured> {
    let targets = match args.pid {
        Some(pid) => vec![Target::process(pid)?],
        None => ps::targets()?.0,
    };
    if let (Some(_), Some(target)) = (args.pid, targets.first()) {
        // Says why it cannot be shown.
        target.libraries(target.memory())?;
    }
    let views = watch(&targets, wait);
    Ok(Measured {
        text: views.iter().map(text).collect(),
        json: views.iter().map(json).collect(),
        rows: views.iter().flat_map(rows).collect(),
    })
}

/// A copy of the library over one interval.
struct View<'a> {
    target: &'a Target,
    library: Library<'a>,
    symbols: Symbols,
    before: Sample,
    after: Sample,
}

/// Looks at the processes for as long as `wait` waits. Those that end are left out.
fn watch<'a>(targets: &'a [Target], wait: &mut dyn FnMut()) -> Vec<View<'a>> {
    let mut started = Vec::new();
    for target in targets {
        let Target::Process(process) = target else { continue };
        for library in target.libraries(process).unwrap_or_default() {
            let now = monotonic(Some(process.pid));
            if ask(process, &library, now + ASKED).is_ok() {
                let before = sample(&library, now);
                started.push((target, library, before));
            }
        }
    }
    wait();
    let mut views = Vec::new();
    for (target, library, before) in started {
        let after = sample(&library, monotonic(target.pid()));
        views.push(View { symbols: target.symbols(), target, library, before, after });
    }
    views.retain(|view| !view.after.loops.is_empty());
    views
}

/// A loop over one interval.
struct LoopView<'a> {
    before: &'a LoopSample,
    after: &'a LoopSample,
}

impl View<'_> {
    /// Returns the loops that have run.
    fn loops(&self) -> Vec<LoopView<'_>> {
        let before = |of: Loop| self.before.loops.iter().find(|it| it.of == of);
        let after = self.after.loops.iter().filter(|it| it.tid != 0);
        after.filter_map(|after| Some(LoopView { before: before(after.of)?, after })).collect()
    }

    fn pid(&self) -> i32 {
        self.target.pid().unwrap_or_default()
    }

    /// Returns how many threads of the pool are busy.
    fn busy(&self) -> usize {
        self.after.workers.iter().filter(|worker| worker.work != 0).count()
    }
}

impl LoopView<'_> {
    fn seconds(&self) -> f64 {
        self.after.time.saturating_sub(self.before.time).max(1) as f64 / 1e9
    }

    fn rate(&self, of: impl Fn(&LoopSample) -> u64) -> f64 {
        of(self.after).saturating_sub(of(self.before)) as f64 / self.seconds()
    }

    fn delays(&self) -> Option<Delays> {
        let after = self.after.slot.as_ref()?;
        Some(Delays::between(self.before.slot.as_deref(), after)).filter(|it| it.count() > 0)
    }

    /// Returns the slowest callbacks of the last minute: kind, function, duration and age.
    fn slowest(&self) -> Vec<(&'static str, u64, u64, u64)> {
        let Some(slot) = &self.after.slot else { return Vec::new() };
        let mut slowest: Vec<_> = slot
            .slowest
            .iter()
            .filter(|it| it.sequence % 2 == 0 && it.duration > 0)
            .map(|it| {
                let age = self.after.time.saturating_sub(it.started);
                (kind(it.kind), it.function, it.duration, age)
            })
            .filter(|(.., age)| *age < 60_000_000_000)
            .collect();
        slowest.sort_by_key(|(.., duration, _)| std::cmp::Reverse(*duration));
        slowest.truncate(SHOWN);
        slowest
    }

    /// Returns the callback that runs: kind, function, and for how long.
    fn running(&self) -> Option<(&'static str, u64, u64)> {
        let running = self.after.slot.as_ref()?.running;
        let age = self.after.time.saturating_sub(running.since);
        (running.kind != 0).then(|| (kind(running.kind), running.function, age))
    }
}

fn kind(number: u64) -> &'static str {
    CALLBACK_NAMES.get(number as usize).copied().unwrap_or("")
}

/// Returns the columns from `LOOP OF THREAD` to `P99`.
fn columns(view: &View<'_>, it: &LoopView<'_>) -> [String; 7] {
    let tid = outer_tid(view.pid(), it.after.tid);
    let name = thread_name(view.pid(), tid).unwrap_or_default();
    let delays = it.delays();
    let quantile = |share| delays.as_ref().map_or("-".into(), |it| duration(it.quantile(share)));
    [
        format!("{tid} {name}"),
        format!("{:.0}%", 100.0 * utilization(it.before, it.after)),
        format!("{:.0}", it.rate(|sample| sample.iterations)),
        format!("{:.0}", it.rate(|sample| sample.events)),
        duration(it.after.delay),
        quantile(0.5),
        quantile(0.99),
    ]
}

/// Returns a line for each of the slowest callbacks.
fn slowest_text(view: &View<'_>, it: &LoopView<'_>) -> Vec<String> {
    let line = |(kind, function, time, age)| {
        let name = view.symbols.name(function);
        format!("    {:>8} {name} ({kind}), {} ago", duration(time), duration(age))
    };
    it.slowest().into_iter().map(line).collect()
}

fn text(view: &View<'_>) -> String {
    let mut text = format!("process {}: {}\n", view.pid(), view.target.command());
    let _ = writeln!(
        text,
        "{:<24} {:>5} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "LOOP OF THREAD", "BUSY", "ITER/S", "EVENTS/S", "DELAY", "P50", "P99"
    );
    for it in view.loops() {
        let [thread, busy, iterations, events, delay, p50, p99] = columns(view, &it);
        let _ = writeln!(
            text,
            "{thread:<24} {busy:>5} {iterations:>9} {events:>9} {delay:>9} {p50:>9} {p99:>9}"
        );
        if let Some((kind, function, age)) = it.running() {
            let name = view.symbols.name(function);
            let _ = writeln!(text, "    runs {name} ({kind}) for {}", duration(age));
        }
        for line in slowest_text(view, &it) {
            let _ = writeln!(text, "{line}");
        }
    }
    pool_text(&mut text, view);
    text.push('\n');
    text
}

/// Returns the rows of the live view.
fn rows(view: &View<'_>) -> Vec<LoopRow> {
    let mut pool = String::new();
    pool_text(&mut pool, view);
    let row = |it: LoopView<'_>| {
        let [thread, busy, iterations, events, delay, p50, p99] = columns(view, &it);
        let running = it.running().map(|(kind, function, age)| {
            format!("{} ({kind}) for {}", view.symbols.name(function), duration(age))
        });
        let pid = view.pid().to_string();
        let runs = running.unwrap_or_default();
        let mut details = vec![view.target.command(), "slowest of the last minute:".to_owned()];
        details.extend(slowest_text(view, &it));
        details.extend(pool.lines().map(str::to_owned));
        LoopRow {
            id: (view.pid(), it.after.of.at),
            cells: [pid, thread, busy, iterations, events, delay, p50, p99, runs],
            utilization: utilization(it.before, it.after),
            events: it.rate(|sample| sample.events),
            delay: it.after.delay,
            details,
        }
    };
    view.loops().into_iter().map(row).collect()
}

fn pool_text(text: &mut String, view: &View<'_>) {
    let workers = &view.after.workers;
    if workers.is_empty() {
        return;
    }
    let threads = count(workers.len(), "thread");
    let _ = writeln!(text, "pool: {} of {threads} busy, {} queued", view.busy(), view.after.queued);
    for (index, name) in WORK_NAMES.iter().enumerate() {
        let (mut jobs, mut running, mut waited, mut waiting) = (0u64, 0u64, 0u64, 0u64);
        for kind in workers.iter().map(|worker| &worker.kinds[index]) {
            jobs = jobs.saturating_add(kind.count);
            running = running.saturating_add(kind.running);
            waited = waited.saturating_add(kind.waited);
            waiting = waiting.saturating_add(kind.waiting);
        }
        let Some(mean) = running.checked_div(jobs).map(duration) else { continue };
        let queued = duration(waiting / waited.max(1));
        let _ = writeln!(text, "    {name:<8} {jobs} done, {mean} each, {queued} in the queue");
    }
}

fn json(view: &View<'_>) -> Value {
    let loops: Vec<_> = view.loops().iter().map(|it| loop_json(view, it)).collect();
    json!({
        "pid": view.pid(),
        "command": view.target.command(),
        "version": view.library.version(),
        "loops": loops,
        "pool": {
            "threads": view.after.workers.len(),
            "busy": view.busy(),
            "queued": view.after.queued,
        },
    })
}

fn loop_json(view: &View<'_>, it: &LoopView<'_>) -> Value {
    let seconds = |time: u64| time as f64 / 1e9;
    let delays = it.delays();
    let quantile = |share| delays.as_ref().map(|it| seconds(it.quantile(share)));
    let slowest: Vec<_> = it
        .slowest()
        .into_iter()
        .map(|(kind, function, time, age)| {
            json!({
                "kind": kind,
                "function": view.symbols.name(function),
                "seconds": seconds(time),
                "ago_seconds": seconds(age),
            })
        })
        .collect();
    let running = it.running().map(|(kind, function, age)| {
        json!({
            "kind": kind, "function": view.symbols.name(function), "seconds": seconds(age),
        })
    });
    json!({
        "address": format!("{:#x}", it.after.of.at),
        "tid": it.after.tid,
        "runs": it.after.running,
        "utilization": utilization(it.before, it.after),
        "iterations_per_second": it.rate(|sample| sample.iterations),
        "events_per_second": it.rate(|sample| sample.events),
        "delay_seconds": seconds(it.after.delay),
        "delay": { "p50": quantile(0.5), "p90": quantile(0.9), "p99": quantile(0.99) },
        "running": running,
        "slowest": slowest,
    })
}
