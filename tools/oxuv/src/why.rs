//! `oxuv why`: what keeps each loop alive, and what it does now.

use crate::describe::{Describer, HandleText, Now, RequestText};
use crate::error::{Error, Result};
use crate::layout::flag;
use crate::library::Library;
use crate::names::{count, duration, handle_type};
use crate::output::print;
use crate::process::{field, Read};
use crate::report::{
    outer_tid, read_steady, thread_name, thread_state, LoopReport, Place, PlacedRequest, PoolReport,
};
use crate::snapshot::Snapshot;
use crate::target::{monotonic, Target};
use serde_json::{json, Value};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// Show what each loop does now and what keeps it alive
#[derive(clap::Args)]
pub struct Args {
    #[arg(required_unless_present = "core")]
    pid: Option<i32>,
    /// Read a core file instead of a process
    #[arg(long, value_name = "FILE", conflicts_with = "pid")]
    core: Option<PathBuf>,
    /// The program that the core file is of
    #[arg(long, value_name = "PROGRAM", requires = "core")]
    exe: Option<PathBuf>,
    /// Show unreferenced and inactive handles too, and all of many
    #[arg(long)]
    all: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// One copy of the library.
struct Copy {
    path: String,
    version: String,
    loops: Vec<LoopReport>,
    pool: PoolReport,
}

pub fn run(args: Args) -> Result<ExitCode> {
    let target = match (&args.core, args.pid) {
        (Some(core), _) => Target::core(core, args.exe.as_deref())?,
        (None, Some(pid)) => Target::process(pid)?,
        (None, None) => return Err(Error::usage("name a process or a core file")),
    };
    let symbols = target.symbols();
    let descriptors = target.descriptors();
    let snapshot = Snapshot::new(target.memory());
    let libraries = target.libraries(&snapshot)?;
    let mut copies = Vec::new();
    let mut now = 0;
    for library in &libraries {
        snapshot.renew();
        now = moment(&target, library);
        let describer =
            Describer { library, symbols: &symbols, descriptors: descriptors.as_ref(), now };
        copies.push(collect(&target, &snapshot, &describer)?);
    }
    let page =
        Page { target: &target, describe: &|function| symbols.name(function), now, args: &args };
    if args.json {
        print(&format!("{:#}\n", page.json(&copies)))?;
    } else {
        print(&page.text(&copies))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the time: of a core file the latest that a loop has seen.
fn moment(target: &Target, library: &Library<'_>) -> u64 {
    if let Target::Process(process) = target {
        return monotonic(Some(process.pid));
    }
    let offset = library.offsets().event_loop.now;
    let loops = library.loops().unwrap_or_default();
    let times = loops.iter().filter_map(|it| library.memory.u64(field(it.at, offset)).ok());
    times.max().unwrap_or_default().saturating_mul(1_000_000)
}

fn collect(target: &Target, snapshot: &Snapshot<'_>, describer: &Describer<'_>) -> Result<Copy> {
    let library = describer.library;
    let read = read_steady(snapshot, || {
        let pool = library.pool()?;
        let loops = library.loops()?;
        let reports = loops.into_iter().map(|it| describer.report(it, &pool)).collect::<Read<_>>();
        Ok((reports?, describer.pool_report(&pool)))
    });
    let (loops, pool) = read.map_err(|_| unreadable(target))?;
    Ok(Copy { path: library.path.clone(), version: library.version(), loops, pool })
}

fn unreadable(target: &Target) -> Error {
    match target {
        Target::Process(process) if process.has_ended() => {
            Error::new(format!("process {} ended while it was read", process.pid))
        }
        Target::Process(process) => Error::new(format!(
            "the lists of process {} changed at each attempt to read them, or are damaged",
            process.pid
        )),
        Target::Core(core, _) if core.truncated => core.cut_off(),
        Target::Core(..) => {
            Error::new("the core file lacks memory that the library's lists are in")
        }
    }
}

/// The most handles of a type, and the most requests of a place, that are shown without `--all`.
const SHOWN: usize = 20;

/// Writes what was collected.
struct Page<'a> {
    target: &'a Target,
    describe: &'a dyn Fn(u64) -> String,
    now: u64,
    args: &'a Args,
}

impl Page<'_> {
    fn function(&self, address: u64) -> String {
        (self.describe)(address)
    }

    /// Returns a thread's id and name.
    fn thread(&self, tid: i32) -> String {
        let Target::Process(process) = self.target else { return format!("thread {tid}") };
        let tid = outer_tid(process.pid, tid);
        match thread_name(process.pid, tid) {
            Some(name) => format!("thread {tid} ({name})"),
            None => format!("thread {tid}"),
        }
    }

    fn state(&self, tid: i32) -> Option<String> {
        let Target::Process(process) = self.target else { return None };
        thread_state(process.pid, outer_tid(process.pid, tid))
    }

    /// Returns the time since a moment, after `before`. For a core file the time of its end is unknown, so
    /// the text is empty.
    fn since(&self, before: &str, moment: u64) -> String {
        match self.target {
            Target::Process(_) => {
                format!("{before} {}", duration(self.now.saturating_sub(moment)))
            }
            Target::Core(..) => String::new(),
        }
    }

    // ---- text ---------------------------------------------------------------------------------

    fn text(&self, copies: &[Copy]) -> String {
        let pid = self.target.pid().map_or_else(String::new, |pid| pid.to_string());
        let mut text = format!("process {pid}: {}\n", self.target.command());
        for copy in copies {
            let _ = writeln!(text, "oxuv {} in {}", copy.version, copy.path);
            if copy.loops.is_empty() {
                text += "\nno loop\n";
            }
            for report in &copy.loops {
                self.loop_text(&mut text, report);
            }
            self.pool_text(&mut text, &copy.pool);
        }
        text
    }

    fn loop_text(&self, text: &mut String, report: &LoopReport) {
        let thread = if report.tid == 0 { "not run yet".into() } else { self.thread(report.tid) };
        let _ = writeln!(text, "\nloop {:#x}, {thread}", report.at);
        let _ = writeln!(text, "  {}", self.now_text(report));
        let (kept, others): (Vec<_>, Vec<_>) =
            report.handles.iter().partition(|handle| keeps_alive(handle));
        let _ = writeln!(text, "  {}", alive_text(report));
        self.handles_text(text, &kept);
        self.requests_text(text, report);
        if self.args.all && !others.is_empty() {
            let _ = writeln!(text, "  these do not keep it alive:");
            self.handles_text(text, &others);
        } else if !others.is_empty() {
            let _ = writeln!(
                text,
                "  {}, inactive or unreferenced ({}); --all shows them",
                count(others.len(), "other handle"),
                types(&others)
            );
        }
    }

    fn now_text(&self, report: &LoopReport) -> String {
        let state =
            || self.state(report.tid).map_or_else(String::new, |state| format!(", {state}"));
        match report.now {
            Now::Stopped => "does not run now".to_owned(),
            Now::Waiting(since) => format!("waits for events{}", self.since(" since", since)),
            Now::Library => format!("runs its own code{}", state()),
            Now::Callback { kind, object, function } => {
                let since = match report.callback_since {
                    Some(since) => self.since(" for", since),
                    None => self.since(" for at most", report.time),
                };
                let name = match function {
                    0 => "a callback".to_owned(),
                    function => format!("callback {}", self.function(function)),
                };
                let object = match object {
                    0 => kind.to_owned(),
                    object => format!("{kind} {object:#x}"),
                };
                format!("in {name}{since} ({object}{})", state())
            }
        }
    }

    fn handles_text(&self, text: &mut String, handles: &[&HandleText]) {
        let mut shown = HashMap::new();
        for handle in handles {
            let number = shown.entry(handle.handle.kind).or_insert(0);
            *number += 1;
            // Those with a backlog are always interesting.
            if *number <= SHOWN || self.args.all || handle.queued > 0 {
                let _ = writeln!(text, "    {}", self.handle_text(handle));
            }
        }
        let mut hidden: Vec<_> =
            shown.into_iter().filter(|(_, number)| *number > SHOWN && !self.args.all).collect();
        hidden.sort_unstable();
        for (kind, number) in hidden {
            let _ = writeln!(text, "    … {number} of type {} in all", handle_type(kind));
        }
    }

    fn handle_text(&self, handle: &HandleText) -> String {
        let flags = handle.handle.flags;
        let mut line = format!("{:<11} {}", handle_type(handle.handle.kind), handle.what);
        if flags & flag::CLOSING != 0 {
            line += ", closing";
        } else if flags & flag::ACTIVE == 0 {
            line += ", inactive";
        } else if flags & flag::REF == 0 {
            line += ", unreferenced";
        }
        if handle.function != 0 {
            line += &format!(" → {}", self.function(handle.function));
        }
        line
    }

    fn requests_text(&self, text: &mut String, report: &LoopReport) {
        let hidden = report.requests.len().saturating_sub(SHOWN);
        let shown = if self.args.all { report.requests.len() } else { SHOWN };
        for request in report.requests.iter().take(shown) {
            let _ = writeln!(text, "    {}", self.request_text(request));
        }
        if hidden > 0 && !self.args.all {
            let _ = writeln!(text, "    … {} in all", count(report.requests.len(), "request"));
        }
        let missing = (report.active_requests as usize).saturating_sub(counted(report));
        if missing > 0 {
            let many = count(missing, "more request");
            let _ = writeln!(text, "    {many}, in an io_uring or just finished");
        }
    }

    fn request_text(&self, request: &PlacedRequest) -> String {
        let RequestText { kind, what, function, began, .. } = &request.text;
        let mut line = format!("{kind:<11} {what}");
        line += &match request.place {
            Place::Kernel => ", under way".to_owned(),
            Place::Queued => ", queued for the pool".to_owned(),
            Place::Thread(tid) => format!(", on {}", self.thread(tid)),
            Place::Done => ", done".to_owned(),
        };
        if *began > 0 && request.place != Place::Done {
            line += &self.since(" for", *began);
        }
        if *function != 0 {
            line += &format!(" → {}", self.function(*function));
        }
        line
    }

    fn pool_text(&self, text: &mut String, pool: &PoolReport) {
        if pool.workers.is_empty() && pool.queued == 0 {
            return;
        }
        let busy = pool.workers.iter().filter(|worker| worker.work.is_some()).count();
        let limit =
            if pool.limit > 0 { format!(", at most {}", pool.limit) } else { String::new() };
        let _ = writeln!(
            text,
            "\npool: {busy} of {} busy{limit}; {} queued",
            count(pool.workers.len(), "thread"),
            pool.queued
        );
        for worker in &pool.workers {
            let Some(work) = &worker.work else { continue };
            let mut line = format!("{}: {} {}", self.thread(worker.tid), work.kind, work.what);
            // Without statistics, the time in the queue counts.
            match (worker.since, work.began) {
                (0, 0) => {}
                (0, began) => line += &self.since(", with the time in the queue", began),
                (since, _) => line += &self.since(", for", since),
            }
            if let Some(state) = self.state(worker.tid) {
                line += &format!(", {state}");
            }
            let _ = writeln!(text, "    {line}");
        }
    }

    // ---- JSON ---------------------------------------------------------------------------------

    fn json(&self, copies: &[Copy]) -> Value {
        let libraries: Vec<_> = copies
            .iter()
            .map(|copy| {
                json!({
                    "path": copy.path,
                    "version": copy.version,
                    "loops": copy.loops.iter().map(|it| self.loop_json(it)).collect::<Vec<_>>(),
                    "pool": self.pool_json(&copy.pool),
                })
            })
            .collect();
        json!({
            "pid": self.target.pid(),
            "command": self.target.command(),
            "libraries": libraries,
        })
    }

    fn seconds(&self, moment: u64) -> Value {
        match moment {
            0 => Value::Null,
            moment => json!(self.now.saturating_sub(moment) as f64 / 1e9),
        }
    }

    fn loop_json(&self, report: &LoopReport) -> Value {
        json!({
            "address": format!("{:#x}", report.at),
            "tid": report.tid,
            "now": self.now_json(report),
            "iterations": report.iterations,
            "events": report.events,
            "active_handles": report.active_handles,
            "active_requests": report.active_requests,
            "closing_handles": report.closing,
            "handles": report.handles.iter().map(|it| self.handle_json(it)).collect::<Vec<_>>(),
            "requests": report.requests.iter().map(|it| self.request_json(it)).collect::<Vec<_>>(),
        })
    }

    fn now_json(&self, report: &LoopReport) -> Value {
        match report.now {
            Now::Stopped => json!({ "state": "stopped" }),
            Now::Waiting(since) => json!({ "state": "waiting", "seconds": self.seconds(since) }),
            Now::Library => json!({ "state": "library" }),
            Now::Callback { kind, object, function } => json!({
                "state": "callback",
                "kind": kind,
                "object": format!("{object:#x}"),
                "function": self.function(function),
                "seconds": report.callback_since.map(|since| self.seconds(since)),
                "at_most_seconds": self.seconds(report.time),
            }),
        }
    }

    fn handle_json(&self, handle: &HandleText) -> Value {
        let flags = handle.handle.flags;
        json!({
            "address": format!("{:#x}", handle.handle.at),
            "type": handle_type(handle.handle.kind),
            "number": handle.handle.number,
            "what": handle.what,
            "active": flags & flag::ACTIVE != 0,
            "referenced": flags & flag::REF != 0,
            "closing": flags & flag::CLOSING != 0,
            "keeps_alive": keeps_alive(handle),
            "fd": handle.fd,
            "queued_bytes": handle.queued,
            "function": (handle.function != 0).then(|| self.function(handle.function)),
        })
    }

    fn request_json(&self, request: &PlacedRequest) -> Value {
        let text = &request.text;
        let (place, tid) = match request.place {
            Place::Kernel => ("kernel", None),
            Place::Queued => ("queued", None),
            Place::Thread(tid) => ("running", Some(tid)),
            Place::Done => ("done", None),
        };
        json!({
            "address": format!("{:#x}", text.at),
            "type": text.kind,
            "what": text.what,
            "place": place,
            "tid": tid,
            "seconds": self.seconds(text.began),
            "function": (text.function != 0).then(|| self.function(text.function)),
        })
    }

    fn pool_json(&self, pool: &PoolReport) -> Value {
        let workers: Vec<_> = pool
            .workers
            .iter()
            .map(|worker| {
                json!({
                    "tid": worker.tid,
                    "type": worker.work.as_ref().map(|work| work.kind),
                    "what": worker.work.as_ref().map(|work| work.what.clone()),
                    "seconds": self.seconds(worker.since),
                })
            })
            .collect();
        json!({ "limit": pool.limit, "queued": pool.queued, "threads": workers })
    }
}

/// Returns how many handles of each type there are: `2 timer, 1 udp`.
fn types(handles: &[&HandleText]) -> String {
    let mut numbers = BTreeMap::new();
    for handle in handles {
        *numbers.entry(handle_type(handle.handle.kind)).or_insert(0) += 1;
    }
    let words: Vec<_> =
        numbers.into_iter().map(|(kind, number)| format!("{number} {kind}")).collect();
    words.join(", ")
}

fn keeps_alive(handle: &HandleText) -> bool {
    let flags = handle.handle.flags;
    let active = flags & flag::ACTIVE != 0 && flags & flag::REF != 0;
    active || flags & flag::CLOSING != 0
}

/// Returns the number of requests that count as active.
fn counted(report: &LoopReport) -> usize {
    report.requests.iter().filter(|request| request.text.kind != "fs_poll").count()
}

fn alive_text(report: &LoopReport) -> String {
    let mut reasons = Vec::new();
    if report.active_handles > 0 {
        reasons.push(count(report.active_handles as usize, "handle"));
    }
    if report.active_requests > 0 {
        reasons.push(count(report.active_requests as usize, "request"));
    }
    if report.closing > 0 {
        reasons.push(format!("{} that closes", count(report.closing, "handle")));
    }
    if reasons.is_empty() {
        return "nothing keeps it alive".to_owned();
    }
    format!("kept alive by {}:", reasons.join(", "))
}
