//! `oxuv ps`: the processes that run on oxuv.

use crate::error::{Context, Result};
use crate::library::{contains, Library};
use crate::names::duration;
use crate::output::print;
use crate::process::Process;
use crate::report::read_steady;
use crate::snapshot::Snapshot;
use crate::stats::{sample, utilization, LoopSample};
use crate::target::{monotonic, Target};
use serde_json::{json, Value};
use std::collections::HashMap;
use std::process::ExitCode;
use std::time::Duration;

/// List the processes that run on oxuv
#[derive(clap::Args)]
pub struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The time over which utilization is measured.
const INTERVAL: Duration = Duration::from_millis(250);

/// A copy of the library in a process.
struct Row {
    pid: i32,
    command: String,
    version: String,
    loops: usize,
    /// Threads of the pool.
    threads: usize,
    /// Of the busiest loop, from 0 to 1; nothing if none runs.
    utilization: Option<f64>,
    /// The longest time, in nanoseconds, for which a loop has not looked for events.
    delay: Option<u64>,
}

pub fn run(args: Args) -> Result<ExitCode> {
    let (targets, unreadable) = targets()?;
    let first: Vec<_> = targets.iter().map(samples).collect();
    std::thread::sleep(INTERVAL);
    let rows: Vec<Row> =
        targets.iter().zip(first).flat_map(|(target, first)| rows(target, &first)).collect();
    if args.json {
        let list: Vec<_> = rows.iter().map(json).collect();
        print(&format!("{:#}\n", json!({ "processes": list, "unreadable": unreadable })))?;
        return Ok(ExitCode::SUCCESS);
    }
    print(&table(&rows))?;
    if unreadable > 0 {
        let others = match unreadable {
            1 => "1 other process".to_owned(),
            many => format!("{many} other processes"),
        };
        eprintln!("oxuv: no permission to read {others}");
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the processes that may run on oxuv, and the number of those that cannot be read.
pub fn targets() -> Result<(Vec<Target>, usize)> {
    let mut known = HashMap::new();
    let (mut found, mut unreadable) = (Vec::new(), 0);
    for entry in std::fs::read_dir("/proc").context("cannot read /proc")?.flatten() {
        let pid = entry.file_name().to_str().and_then(|name| name.parse().ok());
        let Some(pid) = pid.filter(|&pid: &i32| pid != std::process::id() as i32) else { continue };
        match Process::open(pid) {
            Ok(process) if may_run(&process, &mut known) => found.push(Target::Process(process)),
            Ok(_) => {}
            Err(error) => unreadable += usize::from(error.to_string().contains("permission")),
        }
    }
    found.sort_by_key(Target::pid);
    Ok((found, unreadable))
}

/// Returns whether a file of the process contains the library. Remembers what is known of files.
fn may_run(process: &Process, known: &mut HashMap<(String, u64), bool>) -> bool {
    process.maps.iter().filter(|mapping| mapping.is_file() && mapping.executable).any(|mapping| {
        *known
            .entry((mapping.path.clone(), mapping.inode))
            .or_insert_with(|| contains(&process.file(mapping)))
    })
}

/// Returns the loops that run, by their address.
fn samples(target: &Target) -> HashMap<u64, LoopSample> {
    let libraries = target.libraries(target.memory()).unwrap_or_default();
    let loops = libraries.iter().flat_map(|it| sample(it, monotonic(target.pid())).loops);
    loops.filter(|it| it.running).map(|it| (it.of.at, it)).collect()
}

fn rows(target: &Target, first: &HashMap<u64, LoopSample>) -> Vec<Row> {
    let snapshot = Snapshot::new(target.memory());
    let second = samples(target);
    // A process that has ended is not listed.
    let Ok(libraries) = target.libraries(&snapshot) else { return Vec::new() };
    let row = |library: &Library<'_>| {
        let loops = read_steady(&snapshot, || library.loops()).ok()?;
        let pool = read_steady(&snapshot, || library.pool()).unwrap_or_default();
        let busy = loops
            .iter()
            .filter_map(|it| Some(utilization(first.get(&it.at)?, second.get(&it.at)?)));
        Some(Row {
            pid: target.pid()?,
            command: target.command(),
            version: library.version(),
            loops: loops.len(),
            threads: pool.workers.len(),
            utilization: busy.max_by(f64::total_cmp),
            delay: loops.iter().filter_map(|it| Some(second.get(&it.at)?.delay)).max(),
        })
    };
    libraries.iter().filter_map(row).collect()
}

fn table(rows: &[Row]) -> String {
    let mut text = format!(
        "{:>7} {:>5} {:>7} {:>5} {:>8}  {:<16} COMMAND\n",
        "PID", "LOOPS", "THREADS", "BUSY", "DELAY", "VERSION"
    );
    for row in rows {
        let busy = row.utilization.map_or("-".into(), |it| format!("{:.0}%", 100.0 * it));
        let delay = row.delay.map_or("-".into(), |delay| match delay {
            0 => "0".to_owned(),
            delay => duration(delay),
        });
        text += &format!(
            "{:>7} {:>5} {:>7} {busy:>5} {delay:>8}  {:<16} {}\n",
            row.pid, row.loops, row.threads, row.version, row.command
        );
    }
    text
}

fn json(row: &Row) -> Value {
    json!({
        "pid": row.pid,
        "command": row.command,
        "version": row.version,
        "loops": row.loops,
        "threads": row.threads,
        "utilization": row.utilization,
        "delay_seconds": row.delay.map(|delay| delay as f64 / 1e9),
    })
}
