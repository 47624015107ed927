//! Processes whose library has garbage in its memory. The tool ends with an answer or with a sentence.

mod common;

use common::{compile, scratch, Running, OXUV};
use std::os::unix::fs::symlink;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Runs the tool, which has to end.
fn end(arguments: &[&str]) -> Output {
    let mut command = Command::new(OXUV);
    let command = command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let limit = Instant::now() + Duration::from_secs(60);
    // Its output is shorter than the room of a pipe.
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > limit {
            child.kill().unwrap();
            panic!("{arguments:?} does not end");
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    child.wait_with_output().unwrap()
}

#[test]
fn garbage_in_the_memory_of_the_library() {
    let program = compile("lies", &[]);
    let trace = scratch("lies-trace").join("trace.html");
    let trace = trace.to_str().unwrap();
    let mut answers = 0;
    for seed in 1..=25 {
        let running = Running::start(Command::new(&program).arg(seed.to_string()));
        let pid = running.pid().to_string();
        for arguments in [
            &["why", &pid][..],
            &["why", "--all", "--json", &pid],
            &["metrics", &pid],
            &["slow", &pid, "--seconds", "0.01"],
            &["trace", &pid, "--seconds", "0.01", "--output", trace],
        ] {
            // This takes a second.
            if arguments[0] == "metrics" && seed % 5 != 0 {
                continue;
            }
            let output = end(arguments);
            let error = String::from_utf8_lossy(&output.stderr);
            let status = output.status.code();
            assert!(
                status.is_some_and(|it| it <= 2),
                "seed {seed}: {arguments:?}: {:?}, {error}",
                output.status.signal()
            );
            if status == Some(0) {
                answers += 1;
            } else {
                assert!(error.starts_with("oxuv: ") && error.lines().count() == 1, "{error}");
            }
        }
    }
    // Most of the garbage leaves something to be said.
    assert!(answers > 0);
}

/// What a process may put where the tool looks for the map of a JIT compiler.
#[test]
fn maps_of_a_jit_that_are_no_files() {
    let running = Running::planted(&["timer"]);
    let map = std::path::PathBuf::from(format!("/tmp/perf-{}.map", running.pid()));
    let whole = || running.why_text(&["kept alive by 1 handle"]);
    symlink("/dev/zero", &map).unwrap();
    whole();
    std::fs::remove_file(&map).unwrap();
    assert!(Command::new("mkfifo").arg(&map).status().unwrap().success());
    whole();
    std::fs::remove_file(&map).unwrap();
    std::fs::write(&map, b"0 ffffffffffffffff \x1b[2J\xff\n").unwrap();
    assert!(!whole().contains('\x1b'));
    std::fs::remove_file(&map).unwrap();
}
