//! `oxuv metrics`: figures as OpenMetrics text.

use crate::error::{Context, Error, Result};
use crate::layout::WORK_NAMES;
use crate::library::Library;
use crate::output::print;
use crate::process::Process;
use crate::stats::Delays;
use crate::stats::{ask, sample, LoopSample, Sample};
use crate::target::{monotonic, Target};
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::process::ExitCode;
use std::time::Duration;

/// Print or serve figures as OpenMetrics text
#[derive(clap::Args)]
pub struct Args {
    pid: i32,
    /// Serve them over HTTP
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
}

/// For how long statistics are kept after each reading, in nanoseconds: longer than collectors wait.
const ASKED: u64 = 300_000_000_000;
/// How often it looks whether the process has ended, in milliseconds.
const LOOKS_EVERY: libc::c_int = 500;
/// For how long they are kept before figures are printed once.
const INTERVAL: Duration = Duration::from_secs(1);

pub fn run(args: Args) -> Result<ExitCode> {
    let target = Target::process(args.pid)?;
    let Target::Process(process) = &target else { return Err(Error::new("not a process")) };
    let libraries = target.libraries(process)?;
    match &args.listen {
        None => {
            for library in &libraries {
                ask(process, library, monotonic(Some(args.pid)) + 2_000_000_000)?;
            }
            std::thread::sleep(INTERVAL);
            print(&page(&libraries, args.pid))?;
        }
        Some(address) => serve(address, process, &libraries)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Answers requests until the process ends.
fn serve(address: &str, process: &Process, libraries: &[Library<'_>]) -> Result {
    let listener = TcpListener::bind(address).context(format!("cannot listen on {address}"))?;
    let bound = listener.local_addr().context("cannot listen")?;
    print(&format!("http://{bound}/metrics\n"))?;
    loop {
        if process.has_ended() {
            return Err(Error::new(format!("process {} has ended", process.pid)));
        }
        let mut ready = libc::pollfd { fd: listener.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one struct, which outlives the call.
        if unsafe { libc::poll(&raw mut ready, 1, LOOKS_EVERY) } < 1 {
            continue;
        }
        let connection = listener.accept();
        for library in libraries {
            if ask(process, library, monotonic(Some(process.pid)) + ASKED).is_err() {
                return Err(Error::new(format!("process {} has ended", process.pid)));
            }
        }
        if let Ok((connection, _)) = connection {
            // A client that goes away is no error.
            let _ = answer(connection, &page(libraries, process.pid));
        }
    }
}

fn answer(mut connection: TcpStream, page: &str) -> std::io::Result<()> {
    connection.set_read_timeout(Some(Duration::from_secs(5)))?;
    connection.set_write_timeout(Some(Duration::from_secs(5)))?;
    let mut request = Vec::new();
    let mut part = [0; 1024];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") && request.len() < 1 << 16 {
        match connection.read(&mut part)? {
            0 => return Ok(()),
            length => request.extend_from_slice(&part[..length]),
        }
    }
    let (status, body) = match request.starts_with(b"GET ") {
        true => ("200 OK", page),
        false => ("405 Method Not Allowed", ""),
    };
    write!(
        connection,
        "HTTP/1.1 {status}\r\nContent-Type: application/openmetrics-text; version=1.0.0; \
         charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// A metric: its name, type, unit and help.
struct Metric(&'static str, &'static str, &'static str, &'static str);

/// Writes the figures of a metric for each loop.
fn metric(text: &mut String, metric: &Metric, samples: &[(String, String, f64)]) {
    let Metric(name, kind, unit, help) = metric;
    let _ = writeln!(text, "# TYPE {name} {kind}");
    if !unit.is_empty() {
        let _ = writeln!(text, "# UNIT {name} {unit}");
    }
    let _ = writeln!(text, "# HELP {name} {help}");
    for (suffix, labels, value) in samples {
        let _ = writeln!(text, "{name}{suffix}{{{labels}}} {value}");
    }
}

fn page(libraries: &[Library<'_>], pid: i32) -> String {
    let samples: Vec<_> =
        libraries.iter().map(|library| sample(library, monotonic(Some(pid)))).collect();
    let mut text = String::new();
    let loops: Vec<_> = samples.iter().flat_map(|it| &it.loops).filter(|it| it.tid != 0).collect();
    loop_metrics(&mut text, &loops);
    delay_metrics(&mut text, &loops);
    pool_metrics(&mut text, &samples);
    text + "# EOF\n"
}

fn labels(it: &LoopSample) -> String {
    format!("loop=\"{:#x}\",thread=\"{}\"", it.of.at, it.tid)
}

fn loop_metrics(text: &mut String, loops: &[&LoopSample]) {
    let each = |suffix: &str, value: &dyn Fn(&LoopSample) -> f64| {
        loops.iter().map(|it| (suffix.to_owned(), labels(it), value(it))).collect::<Vec<_>>()
    };
    let iterations = Metric("libuv_eventloop_iterations", "counter", "", "Iterations of the loop.");
    metric(text, &iterations, &each("_total", &|it| it.iterations as f64));
    let events = Metric("libuv_eventloop_events", "counter", "", "Events that were handled.");
    metric(text, &events, &each("_total", &|it| it.events as f64));
    let mut states = Vec::new();
    for it in loops {
        let Some(slot) = &it.slot else { continue };
        let all = it.time.saturating_sub(slot.since);
        let idle = slot.waiting.min(all);
        for (state, time) in [("idle", idle), ("active", all - idle)] {
            let labels = format!("{},state=\"{state}\"", labels(it));
            states.push(("_total".to_owned(), labels, time as f64 / 1e9));
        }
    }
    let name = "libuv_eventloop_time_seconds";
    metric(text, &Metric(name, "counter", "seconds", "Time since statistics began."), &states);
    let utilization: Vec<_> = loops
        .iter()
        .filter_map(|it| {
            let slot = it.slot.as_ref()?;
            let all = it.time.saturating_sub(slot.since).max(1) as f64;
            let busy = (1.0 - slot.waiting as f64 / all).clamp(0.0, 1.0);
            Some((String::new(), labels(it), busy))
        })
        .collect();
    let help = "Share of the time since statistics began in which the loop did not wait.";
    metric(text, &Metric("libuv_eventloop_utilization", "gauge", "", help), &utilization);
}

fn delay_metrics(text: &mut String, loops: &[&LoopSample]) {
    type Figure = (&'static str, fn(&Delays, u64) -> f64);
    let figures: [Figure; 6] = [
        ("min", |delays, _| delays.quantile(0.0) as f64),
        ("max", |_, longest| longest as f64),
        ("mean", |delays, _| delays.mean()),
        ("p50", |delays, _| delays.quantile(0.5) as f64),
        ("p90", |delays, _| delays.quantile(0.9) as f64),
        ("p99", |delays, _| delays.quantile(0.99) as f64),
    ];
    for (figure, value) in figures {
        let name = format!("libuv_eventloop_delay_{figure}_seconds");
        let _ = writeln!(text, "# TYPE {name} gauge\n# UNIT {name} seconds");
        let _ = writeln!(text, "# HELP {name} Time from due to called: {figure}.");
        for it in loops {
            let Some(slot) = &it.slot else { continue };
            let delays = Delays::between(None, slot);
            if delays.count() > 0 {
                let value = value(&delays, slot.longest_delay) / 1e9;
                let _ = writeln!(text, "{name}{{{}}} {value}", labels(it));
            }
        }
    }
}

fn pool_metrics(text: &mut String, samples: &[Sample]) {
    let queued: u64 = samples.iter().fold(0, |sum, it| sum.saturating_add(it.queued));
    let name = "libuv_threadpool_queue_length";
    let _ = writeln!(text, "# TYPE {name} gauge\n# HELP {name} Work that waits for a thread.");
    let _ = writeln!(text, "{name} {queued}");
    let workers = || samples.iter().flat_map(|it| &it.workers);
    let name = "libuv_threadpool_threads";
    let _ = writeln!(text, "# TYPE {name} gauge\n# HELP {name} Threads of the pool.");
    let busy = workers().filter(|it| it.work != 0).count();
    let _ = writeln!(text, "{name}{{state=\"busy\"}} {busy}");
    let _ = writeln!(text, "{name}{{state=\"idle\"}} {}", workers().count() - busy);
    for (name, help, is_queue) in [
        ("libuv_threadpool_queue_duration_seconds", "Time of work in the queue.", true),
        ("libuv_threadpool_run_duration_seconds", "Time of work on a thread.", false),
    ] {
        let _ =
            writeln!(text, "# TYPE {name} summary\n# UNIT {name} seconds\n# HELP {name} {help}");
        for (index, kind) in WORK_NAMES.iter().enumerate() {
            let (mut number, mut time) = (0u64, 0u64);
            for work in workers().map(|worker| &worker.kinds[index]) {
                let one =
                    if is_queue { (work.waited, work.waiting) } else { (work.count, work.running) };
                number = number.saturating_add(one.0);
                time = time.saturating_add(one.1);
            }
            let _ = writeln!(text, "{name}_count{{kind=\"{kind}\"}} {number}");
            let _ = writeln!(text, "{name}_sum{{kind=\"{kind}\"}} {}", time as f64 / 1e9);
        }
    }
}
