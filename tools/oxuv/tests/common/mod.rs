//! The library and the planted programs, built for the tests, and running them.

#![allow(dead_code)]

use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

pub const OXUV: &str = env!("CARGO_BIN_EXE_oxuv");

/// How long a state may take to appear. No test passes because this time has passed.
const LIMIT: Duration = Duration::from_secs(30);

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// Returns a directory for the files of the tests.
pub fn scratch(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir_all(&directory).unwrap();
    directory
}

fn succeed(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Builds the library and returns `libuv.so.1`, in a directory of its own.
pub fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
        succeed(
            Command::new(env!("CARGO"))
                .args([
                    "build",
                    "--quiet",
                    "--locked",
                    "--package",
                    "oxuv",
                    "--lib",
                    "--target-dir",
                ])
                .arg(target)
                .current_dir(root()),
        );
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("oxuv-lib");
        std::fs::create_dir_all(&directory).unwrap();
        let link = directory.join("libuv.so.1");
        // Another test program may do the same at this moment.
        let own = directory.join(std::process::id().to_string());
        let _ = std::os::unix::fs::symlink(target.join("debug/libuv.so"), &own);
        std::fs::rename(&own, &link).unwrap();
        link
    })
}

/// Compiles a program of `tests/planted/`, in a directory of its own.
pub fn compile(name: &str, flags: &[&str]) -> PathBuf {
    compile_with(name, &[library().to_str().unwrap()], flags)
}

/// The same, with these libraries.
pub fn compile_with(name: &str, libraries: &[&str], flags: &[&str]) -> PathBuf {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let program = scratch(&format!("{name}-{}-{number}", std::process::id())).join(name);
    succeed(
        Command::new("cc")
            .args(["-O1", "-g", "-pthread", "-Wall", "-Wextra", "-o"])
            .arg(&program)
            .arg(format!("-I{}/include", root().display()))
            .arg(format!("{}/tests/planted/{name}.c", env!("CARGO_MANIFEST_DIR")))
            .args(libraries)
            .args(flags),
    );
    program
}

/// Returns the program with the planted situations.
pub fn planted() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| compile("planted", &[]))
}

/// A program that runs, and is killed in the end.
pub struct Running {
    pub child: Child,
    /// Its output before "ready".
    pub printed: String,
}

impl Running {
    pub fn start(command: &mut Command) -> Running {
        command.env("LD_LIBRARY_PATH", library().parent().unwrap()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while !line.ends_with("ready\n") {
            assert!(output.read_line(&mut line).unwrap() > 0, "it ended after {line:?}");
        }
        Running { child, printed: line.trim_end_matches("ready\n").trim_end().to_owned() }
    }

    pub fn planted(arguments: &[&str]) -> Running {
        Running::start(Command::new(planted()).args(arguments))
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks `oxuv why` until the answer is the expected one, and returns it. Fails when it never is.
    pub fn why(&self, expected: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + LIMIT;
        loop {
            let output = oxuv(&["why", "--json", &self.pid().to_string()]);
            let error = String::from_utf8_lossy(&output.stderr);
            let answer = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
            if expected(&answer) {
                return answer;
            }
            assert!(Instant::now() < end, "{error}{answer:#}");
            std::thread::yield_now();
        }
    }

    /// The same, for what `oxuv why` prints for a person.
    pub fn why_text(&self, expected: &[&str]) -> String {
        let end = Instant::now() + LIMIT;
        loop {
            let output = oxuv(&["why", &self.pid().to_string()]);
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            if expected.iter().all(|part| text.contains(part)) {
                return text;
            }
            let error = String::from_utf8_lossy(&output.stderr);
            assert!(Instant::now() < end, "{expected:?} is not in:\n{error}{text}");
            std::thread::yield_now();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn oxuv(arguments: &[&str]) -> Output {
    Command::new(OXUV).args(arguments).output().unwrap()
}

/// Runs a command that has to fail, and returns its status and its sentence.
pub fn refused(arguments: &[&str]) -> (i32, String) {
    let output = oxuv(arguments);
    assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
    let sentence = String::from_utf8_lossy(&output.stderr).trim_end().to_owned();
    assert!(!sentence.contains('\n'), "more than one line: {sentence}");
    (output.status.code().unwrap(), sentence)
}

/// Returns all elements of the arrays `name` in an answer's loops.
pub fn all<'a>(answer: &'a Value, name: &str) -> Vec<&'a Value> {
    loops(answer).into_iter().flat_map(|it| it[name].as_array().into_iter().flatten()).collect()
}

pub fn loops(answer: &Value) -> Vec<&Value> {
    let libraries = answer["libraries"].as_array().into_iter().flatten();
    libraries.flat_map(|library| library["loops"].as_array().into_iter().flatten()).collect()
}

/// Returns whether a text field of an object contains a text.
pub fn has(object: &Value, field: &str, text: &str) -> bool {
    object[field].as_str().is_some_and(|value| value.contains(text))
}

/// Says that the calling test cannot run here. Not by `eprintln!`, which shows nothing of a test that passes.
pub fn skip(reason: &str) {
    let thread = std::thread::current();
    let line = format!("\nSKIPPED: {}: {reason}\n", thread.name().unwrap_or("test"));
    let _ = std::io::stderr().write_all(line.as_bytes());
}
