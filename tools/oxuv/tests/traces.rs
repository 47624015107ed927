//! `oxuv trace`: traces of a known program, of one that was killed, and of one that runs.

mod common;

use common::{compile, library, oxuv, refused, scratch, Running};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs the known program, which records to a file, and returns the file.
fn record(directory: &Path, environment: &[(&str, &str)]) -> PathBuf {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let program = PROGRAM.get_or_init(|| compile("traced", &[]));
    let file = directory.join("rings");
    let status = Command::new(program)
        .env("LD_LIBRARY_PATH", library().parent().unwrap())
        .env("OXUV_RECORD", &file)
        .envs(environment.iter().copied())
        .status()
        .unwrap();
    assert_eq!(status.success(), environment.is_empty(), "{status}");
    file
}

/// Writes a trace of `source`, a file or a process, and returns what was printed.
fn trace(source: &str, output: &Path, more: &[&str]) -> Output {
    let output = output.to_str().unwrap();
    let result = oxuv(&[&["trace", source, "--output", output], more].concat());
    assert!(result.status.success(), "{}", text(&result.stderr));
    result
}

/// Returns a Python that has Perfetto's schema, or nothing if the package cannot be had.
fn python_with_perfetto() -> Option<&'static Path> {
    static PYTHON: OnceLock<Option<PathBuf>> = OnceLock::new();
    let found = PYTHON.get_or_init(|| {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("perfetto");
        let python = directory.join("bin/python");
        let works = |python: &Path| {
            let module = "import perfetto.protos.perfetto.trace.perfetto_trace_pb2";
            Command::new(python).args(["-c", module]).output().is_ok_and(|it| it.status.success())
        };
        if !works(&python) {
            let _ = Command::new("python3").args(["-m", "venv"]).arg(&directory).output();
            let _ = Command::new("timeout")
                .args(["120"])
                .arg(&python)
                .args(["-m", "pip", "install", "--quiet", "perfetto==0.59.1"])
                .output();
        }
        works(&python).then_some(python)
    });
    found.as_deref()
}

/// Returns the lines of what a trace shows, sorted.
fn decode(python: &Path, trace: &Path) -> Vec<String> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/decode.py");
    let output = Command::new(python).arg(script).arg(trace).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let mut lines: Vec<_> = text(&output.stdout).lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

/// Returns the lines that begin with a word, without it.
fn of<'a>(lines: &'a [String], word: &str) -> Vec<&'a str> {
    let rest = |line: &'a String| line.strip_prefix(word)?.strip_prefix('\t');
    lines.iter().filter_map(rest).collect()
}

#[test]
fn perfetto_shows_each_event_of_a_known_program() {
    let Some(python) = python_with_perfetto() else {
        common::skip("the package perfetto cannot be had");
        return;
    };
    let directory = scratch("trace-known");
    let output = directory.join("out.pftrace");
    trace(record(&directory, &[]).to_str().unwrap(), &output, &[]);
    let lines = decode(python, &output);
    let slices = of(&lines, "slice");
    let called: Vec<_> =
        slices.iter().filter_map(|it| it.strip_prefix("loop traced\tcallback\t")).collect();
    assert_eq!(
        called,
        [
            "after_work after_work",
            "async on_async",
            "close on_close",
            "close on_close",
            "close on_close",
            "close on_close",
            "fs stat on_stat",
            "read on_read",
            "timer on_timer",
            "write on_written",
        ]
    );
    let works: Vec<_> = slices.iter().filter_map(|it| it.strip_prefix("worker\twork\t")).collect();
    assert_eq!(works, ["fs stat", "user work_on_thread"]);
    compare_instants(&lines);
    assert_eq!(
        of(&lines, "flow"),
        [
            "after_work after_work > fs stat > fs stat on_stat",
            "async on_async > write on_written",
            "timer on_timer > user work_on_thread > after_work after_work",
            "user work_on_thread > async on_async",
        ]
    );
    assert_eq!(of(&lines, "note"), [""; 0]);
    let counters = of(&lines, "counter");
    assert!(counters.contains(&"pool: work queued\t1"), "{counters:?}");
    assert!(counters.contains(&"pool: threads busy\t1"), "{counters:?}");
    assert!(counters.iter().any(|it| it.starts_with("delay of loop ")), "{counters:?}");
}

fn compare_instants(lines: &[String]) {
    assert_eq!(
        of(lines, "instant"),
        [
            "closed async",
            "closed pipe",
            "closed pipe",
            "closed timer",
            "open async",
            "open pipe",
            "open pipe",
            "open timer",
            "queue fs stat",
            "queue user",
            "send",
            "write done",
            "write queued\tbytes=5",
        ]
    );
}

#[test]
fn the_rings_of_a_killed_process_show_where_it_was() {
    let directory = scratch("trace-killed");
    let file = record(&directory, &[("OXUV_TRACED", "kill")]);
    let page = directory.join("out.html");
    let printed = text(&trace(file.to_str().unwrap(), &page, &[]).stdout);
    assert!(printed.contains("1 loop, "), "{printed}");
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("\"read on_read\""));
    let Some(python) = python_with_perfetto() else {
        common::skip("the package perfetto cannot be had");
        return;
    };
    let output = directory.join("out.pftrace");
    trace(file.to_str().unwrap(), &output, &[]);
    let notes = decode(python, &output);
    let ended = "had not ended at the last record";
    assert!(of(&notes, "note").contains(&format!("read on_read\t{ended}").as_str()), "{notes:?}");
}

#[test]
fn a_process_that_runs() {
    let directory = scratch("trace-live");
    let program = Running::planted(&["churn"]);
    let pid = program.pid().to_string();
    let (status, sentence) = refused(&["trace", &pid, "--last"]);
    assert_eq!(status, 1);
    assert!(sentence.contains(&format!("process {pid} has recorded nothing")), "{sentence}");
    let page = directory.join("out.html");
    // Twice, as it is switched off in between.
    for _ in 0..2 {
        let printed = text(&trace(&pid, &page, &["--seconds", "0.2"]).stdout);
        assert!(printed.contains("1 loop"), "{printed}");
        assert!(!printed.contains(" 0 callbacks"), "{printed}");
    }
    // The ring is still there, and was used both times.
    let printed = text(&trace(&pid, &directory.join("out.pftrace"), &["--last"]).stdout);
    assert!(printed.contains(" 1 loop, "), "{printed}");
}

#[test]
fn what_a_running_recorder_holds() {
    let directory = scratch("trace-last");
    let mut command = Command::new(common::planted());
    let program = Running::start(command.arg("churn").env("OXUV_RECORD", "64K"));
    let pid = program.pid().to_string();
    // It is ready before its loop runs.
    let end = Instant::now() + Duration::from_secs(30);
    let output = directory.join("out.html");
    let printed = loop {
        let result = oxuv(&["trace", &pid, "--last", "--output", output.to_str().unwrap()]);
        if result.status.success() {
            break text(&result.stdout);
        }
        assert!(Instant::now() < end, "{}", text(&result.stderr));
    };
    assert!(printed.contains("1 loop"), "{printed}");
}

#[test]
fn a_trace_that_is_killed_leaves_no_recording() {
    let directory = scratch("killed-trace");
    let program = Running::planted(&["slow"]);
    let pid = program.pid().to_string();
    let last = || {
        let output = directory.join("last.pftrace");
        let result = oxuv(&["trace", &pid, "--last", "--output", output.to_str().unwrap()]);
        result
            .status
            .success()
            .then(|| text(&result.stdout).rsplit(", ").next().unwrap().to_owned())
    };
    let mut tool = Command::new(common::OXUV)
        .args(["trace", &pid, "--seconds", "3600", "--output"])
        .arg(directory.join("killed.pftrace"))
        .spawn()
        .unwrap();
    let end = Instant::now() + Duration::from_secs(60);
    while last().is_none() {
        assert!(Instant::now() < end, "nothing is recorded");
    }
    tool.kill().unwrap();
    tool.wait().unwrap();
    // Callbacks that come between two readings are not recorded any more.
    loop {
        let before = last();
        let top = oxuv(&["top", "--json", &pid]).stdout;
        let top: serde_json::Value = serde_json::from_slice(&top).unwrap();
        let slowest = &top["processes"][0]["loops"][0]["slowest"];
        if before == last() && slowest.as_array().is_some_and(|it| !it.is_empty()) {
            break;
        }
        assert!(Instant::now() < end, "it goes on recording");
    }
}

#[test]
fn refusals() {
    let directory = scratch("trace-refusals");
    let not_rings = directory.join("file");
    std::fs::write(&not_rings, "text").unwrap();
    let not_rings = not_rings.to_str().unwrap();
    for (arguments, status, words) in [
        (["999999999", "-o", "x.html"], 1, "there is no process 999999999"),
        ([not_rings, "-o", "x.html"], 1, "is not the file of a recorder"),
        (["/nothing", "-o", "x.html"], 1, "cannot read /nothing: No such file"),
        ([not_rings, "-o", "x.txt"], 2, "x.txt is not the name of a trace"),
        ([not_rings, "--seconds", "-1"], 2, "--seconds is a number"),
    ] {
        let [source, option, value] = arguments;
        let value = format!("{option}={value}").replace("-o=", "--output=");
        let (code, sentence) = refused(&["trace", source, &value]);
        assert_eq!(code, status, "{sentence}");
        assert!(sentence.starts_with("oxuv: ") && sentence.contains(words), "{sentence}");
    }
}

#[test]
fn the_page_works_in_a_browser() {
    let has = |program: &str| Command::new(program).arg("--version").output().is_ok();
    if !has("chromium") || !has("python3") {
        common::skip("there is no chromium");
        return;
    }
    let directory = scratch("trace-page");
    let page = directory.join("out.html");
    trace(record(&directory, &[]).to_str().unwrap(), &page, &[]);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/page.py");
    let output = Command::new("python3").arg(script).arg(&page).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
}
