//! `oxuv trace`: writes a trace of what the loops do.

use crate::error::{Context, Error, Result};
use crate::library::Library;
use crate::names;
use crate::output::print;
use crate::process::{read_text, Process};
use crate::ring::{self, Collector, Recording};
use crate::symbols::Symbols;
use crate::target::{monotonic, Target};
use crate::timeline::{self, Timeline, What};
use crate::{html, page, perfetto};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Write a trace for Perfetto, or a page
#[derive(clap::Args)]
pub struct Args {
    /// A process, or the file of a recorder
    source: String,
    /// How long to record
    #[arg(long, default_value_t = 5.0, conflicts_with = "last")]
    seconds: f64,
    /// Write what the running recorder holds
    #[arg(long)]
    last: bool,
    /// The size of the ring of each thread
    #[arg(long, value_name = "SIZE", default_value = "4M", value_parser = parse_size)]
    ring: u64,
    /// The file to write: .pftrace for <https://ui.perfetto.dev>, .html for a page
    #[arg(short, long, value_name = "FILE", default_value = "trace.html")]
    output: PathBuf,
}

/// How often rings are read.
const BETWEEN_READS: Duration = Duration::from_millis(10);
/// For how long records are asked for each time, in nanoseconds. The process goes on recording for no longer than that
/// after this one was killed or interrupted.
const ASKED: u64 = 5_000_000_000;
/// More records are not kept: this much takes 512 MiB.
const MAX_RECORDS: usize = 1 << 24;

pub fn run(args: Args) -> Result<ExitCode> {
    let write = writer(&args.output)?;
    if !(0.0..=3600.0).contains(&args.seconds) {
        return Err(Error::usage("--seconds is a number from 0 to 3600"));
    }
    let (recording, symbols) = match args.source.parse() {
        Ok(pid) => of_process(pid, &args)?,
        Err(_) => of_file(Path::new(&args.source))?,
    };
    let timeline = timeline::build(&recording, &|address| symbols.name(address));
    let bytes = write(&timeline)?;
    std::fs::write(&args.output, bytes)
        .context(format!("cannot write {}", args.output.display()))?;
    summarize(&timeline, &args.output)?;
    Ok(ExitCode::SUCCESS)
}

type Writer = fn(&Timeline) -> Result<Vec<u8>>;

/// Returns what writes the kind of file that a name says.
fn writer(output: &Path) -> Result<Writer> {
    match output.extension().and_then(|it| it.to_str()) {
        Some("html") => Ok(|timeline| html::write(timeline).map(String::into_bytes)),
        Some("pftrace" | "perfetto-trace") => Ok(|timeline| Ok(perfetto::write(timeline))),
        _ => Err(Error::usage(format!(
            "{} is not the name of a trace: it ends with .pftrace or .html",
            output.display()
        ))),
    }
}

/// Parses a size such as `512K` or `4M`.
fn parse_size(text: &str) -> std::result::Result<u64, String> {
    let (digits, factor) = match text.strip_suffix(['K', 'M']) {
        Some(digits) if text.ends_with('K') => (digits, 1 << 10),
        Some(digits) => (digits, 1 << 20),
        None => (text, 1),
    };
    let size = digits.parse::<u64>().ok().and_then(|it| it.checked_mul(factor));
    size.filter(|it| (1 << 12..=1 << 29).contains(it))
        .ok_or_else(|| "a size from 4K to 512M is expected".to_owned())
}

fn of_file(path: &Path) -> Result<(Recording, Symbols)> {
    let recording = ring::read_file(path)?;
    let jit = read_text(Path::new(&format!("/tmp/perf-{}.map", recording.pid)));
    let symbols = Symbols::new(&recording.maps, PathBuf::from("/"), &jit.unwrap_or_default());
    Ok((recording, symbols))
}

fn of_process(pid: i32, args: &Args) -> Result<(Recording, Symbols)> {
    let target = Target::process(pid)?;
    let Target::Process(process) = &target else { return Err(Error::new("not a process")) };
    let libraries = target.libraries(process)?;
    let command = target.command();
    let mut collectors: Vec<_> = libraries.iter().map(|_| Collector::default()).collect();
    let end = if args.last {
        for (library, collector) in libraries.iter().zip(&mut collectors) {
            collector.collect(library);
        }
        monotonic(Some(pid))
    } else {
        record(process, &libraries, &mut collectors, args)?
    };
    let realtime = std::time::UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos() as u64;
    let mut recording = Recording {
        pid: pid as u32,
        command,
        clocks: (monotonic(Some(pid)), realtime),
        end,
        ..Recording::default()
    };
    for collector in collectors {
        let (streams, note) = collector.finish();
        recording.streams.extend(streams);
        recording.notes.extend(note);
    }
    if process.has_ended() {
        recording.notes.push("The process ended while it was recorded".to_owned());
        recording.end = 0;
    }
    if recording.streams.is_empty() {
        return Err(Error::new(match args.last {
            true => format!(
                "process {pid} has recorded nothing: `oxuv run --record` starts a program that does, and \
                 --seconds records one that runs"
            ),
            false => format!("no loop of process {pid} did anything in this time"),
        }));
    }
    // Loaded now, as a JIT compiler may have made functions meanwhile.
    Ok((recording, target.symbols()))
}

/// Asks for records, and collects them for the time that was asked for. Returns when it ended.
fn record(
    process: &Process,
    libraries: &[Library<'_>],
    collectors: &mut [Collector],
    args: &Args,
) -> Result<u64> {
    let pid = process.pid;
    for (library, collector) in libraries.iter().zip(&mut *collectors) {
        collector.skip(library);
    }
    let end = monotonic(Some(pid)) + (args.seconds * 1e9) as u64;
    catch_interrupt();
    let mut asked = 0;
    loop {
        let now = monotonic(Some(pid));
        let stop = INTERRUPTED.load(Ordering::Relaxed) || process.has_ended() || now >= end;
        if !stop && now >= asked + ASKED / 5 {
            asked = now;
            for library in libraries {
                page::record(process, library, end.min(now + ASKED), args.ring)?;
            }
        }
        let mut count = 0;
        for (library, collector) in libraries.iter().zip(&mut *collectors) {
            count += collector.collect(library);
        }
        if count > MAX_RECORDS {
            eprintln!("oxuv: stops after {}", names::count(count, "record"));
            return Ok(now);
        }
        if stop {
            return Ok(now.min(end));
        }
        std::thread::sleep(BETWEEN_READS);
    }
}

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Lets Ctrl-C end the recording, so that what was recorded is written.
fn catch_interrupt() {
    extern "C" fn interrupt(_signal: libc::c_int) {
        INTERRUPTED.store(true, Ordering::Relaxed);
    }
    // SAFETY: the handler stores to an atomic, which is allowed in a signal handler.
    unsafe {
        let handler: extern "C" fn(libc::c_int) = interrupt;
        libc::signal(libc::SIGINT, handler as *const () as libc::sighandler_t);
    }
}

/// Says what was written.
fn summarize(timeline: &Timeline, output: &Path) -> Result {
    let of = |kind| timeline.tracks.iter().filter(|track| track.kind == kind).count();
    let slices = timeline.tracks.iter().flat_map(|track| &track.slices);
    let callbacks = slices.filter(|slice| slice.what == What::Callback).count();
    print(&format!(
        "{}: {}, {}, {}, {}\n",
        output.display(),
        names::duration(timeline.end.saturating_sub(timeline.start)),
        names::count(of(timeline::TrackKind::Loop), "loop"),
        names::count(of(timeline::TrackKind::Worker), "worker"),
        names::count(callbacks, "callback"),
    ))?;
    for note in &timeline.notes {
        eprintln!("oxuv: {note}");
    }
    Ok(())
}
