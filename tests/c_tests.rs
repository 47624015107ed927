//! Runs the C tests, one binary, on the reference libuv and on this build of the library. A test that fails on
//! the reference is wrong.

mod library;

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

struct Counts {
    passed: usize,
    failed: usize,
    skipped: usize,
}

impl Counts {
    fn total(&self) -> usize {
        self.passed + self.failed + self.skipped
    }
}

#[test]
fn c_tests_pass_on_the_reference_and_on_oxuv() {
    let reference = run(&reference_dir());
    let oxuv = run(&oxuv_dir());
    assert_eq!(reference.failed, 0, "tests that fail on the reference are wrong");
    assert_eq!(oxuv.failed, 0);
    assert!(oxuv.passed > 0);
    // Some tests are skipped on the reference, as it does not survive them.
    assert_eq!(reference.total(), oxuv.total(), "the two libraries ran different tests");
    assert!(oxuv.skipped <= reference.skipped);
}

/// Returns a directory that contains only oxuv, under its soname.
fn oxuv_dir() -> PathBuf {
    let library = library::build();
    let dir = library.with_file_name("soname");
    fs::create_dir_all(&dir).unwrap();
    let link = dir.join("libuv.so.1");
    let _ = fs::remove_file(&link);
    symlink(library, link).unwrap();
    dir
}

fn reference_dir() -> PathBuf {
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--locked", "--package", "reference"])
        .current_dir(ROOT)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let library = String::from_utf8(output.stdout).unwrap();
    Path::new(library.trim_end()).parent().unwrap().to_path_buf()
}

/// Runs every C test on the `libuv.so.1` in `library` and returns the counts of the last line.
fn run(library: &Path) -> Counts {
    let jobs = std::thread::available_parallelism().map_or(1, usize::from).to_string();
    let output = Command::new("c-tests/run.sh")
        .current_dir(ROOT)
        .arg(library)
        .args(["--quiet", "--jobs", &jobs])
        .output()
        .unwrap();
    // Not captured by the test harness, as the counts are for every log.
    let mut log = io::stderr().lock();
    log.write_all(&output.stdout).unwrap();
    log.write_all(&output.stderr).unwrap();
    drop(log);

    let text = String::from_utf8_lossy(&output.stdout);
    let counts = text.lines().last().and_then(parse_counts).expect("no closing line");
    let ok = counts.failed == 0;
    assert_eq!(output.status.success(), ok, "c-tests/run.sh: {}", output.status);
    counts
}

/// Reads `12 passed, 0 failed, 1 skipped`.
fn parse_counts(line: &str) -> Option<Counts> {
    let mut numbers = line
        .split(", ")
        .zip(["passed", "failed", "skipped"])
        .map(|(part, name)| part.strip_suffix(name)?.trim_end().parse().ok());
    Some(Counts { passed: numbers.next()??, failed: numbers.next()??, skipped: numbers.next()?? })
}
