//! Builds the reference: libuv 1.53.0, from the C sources that the crates.io package
//! `libuv-sys2` carries, as `target/reference/libuv.so.1`. Prints that path.
//!
//! `cargo run -q -p reference` builds the library; further arguments are targets of libuv's own
//! CMake project to build as well, such as `uv_a` or `uv_run_tests`.

use std::env;
use std::error::Error;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The package in `Cargo.toml` that cargo downloads and checksums but never compiles.
const PACKAGE: &str = r#"{"name":"libuv-sys2","version":"1.53.1","#;

/// Programs look for libuv.so.1 where they lie themselves, so a copy of the test program runs on
/// the library that is put beside it, whatever environment its children are given.
const RPATH: &str = "-DCMAKE_BUILD_RPATH_USE_ORIGIN:BOOL=ON";

fn main() -> ExitCode {
    match build() {
        Ok(library) => {
            println!("{}", library.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("reference: {error}");
            ExitCode::FAILURE
        }
    }
}

fn build() -> Result<PathBuf> {
    let metadata = cargo_metadata()?;
    let package = metadata.find(PACKAGE).ok_or("cargo metadata does not list libuv-sys2 1.53.1")?;
    let manifest = string_field(&metadata[package..], "manifest_path")?;
    let source = Path::new(manifest).with_file_name("libuv");
    let out = Path::new(string_field(&metadata, "target_directory")?).join("reference");
    let tree = out.join("build");
    fs::create_dir_all(&out)?;

    // Tests and benchmarks may ask for the reference at the same time.
    let lock = File::create(out.join("lock"))?;
    // SAFETY: the file is open, and flock() reads nothing but the descriptor's number.
    if unsafe { libc::flock(lock.as_raw_fd(), libc::LOCK_EX) } != 0 {
        return Err(io::Error::last_os_error().into());
    }

    if !configured_for(&tree, &source) {
        configure(&tree, &source)?;
    }
    let targets = env::args_os().skip(1);
    let build = ["--build".as_ref(), tree.as_os_str(), "--target".as_ref(), "uv".as_ref()];
    run(Command::new("cmake").args(build).args(targets))?;

    let library = out.join("libuv.so.1");
    link("build/libuv.so.1.0.0".as_ref(), &library)?;
    link(&source.join("include"), &out.join("include"))?;
    Ok(library)
}

/// The flags are those of a distribution's package: optimised, with debug information.
fn configure(tree: &Path, source: &Path) -> Result<()> {
    if tree.exists() && !cache_has(tree, &home_entry(source)) {
        fs::remove_dir_all(tree)?;
    }
    let mut cmake = Command::new("cmake");
    cmake.arg("-S").arg(source).arg("-B").arg(tree);
    cmake.args(["-DCMAKE_BUILD_TYPE=RelWithDebInfo", "-DENABLE_CLANG_TIDY=OFF", RPATH]);
    if Command::new("ninja").arg("--version").output().is_ok() {
        cmake.args(["-G", "Ninja"]);
    }
    run(&mut cmake)
}

fn configured_for(tree: &Path, source: &Path) -> bool {
    let generated = tree.join("build.ninja").exists() || tree.join("Makefile").exists();
    generated
        && cache_has(tree, &home_entry(source))
        && cache_has(tree, RPATH.trim_start_matches("-D"))
}

fn home_entry(source: &Path) -> String {
    format!("CMAKE_HOME_DIRECTORY:INTERNAL={}", source.display())
}

fn cache_has(tree: &Path, entry: &str) -> bool {
    let cache = fs::read_to_string(tree.join("CMakeCache.txt")).unwrap_or_default();
    cache.lines().any(|line| line == entry)
}

fn cargo_metadata() -> Result<String> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version=1", "--locked", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// The value of the first `"name":"value"` in `json`. Cargo escapes nothing in a Unix path except
/// quotes and backslashes, and a path with one of those is refused.
fn string_field<'a>(json: &'a str, name: &str) -> Result<&'a str> {
    let value = json
        .split_once(&format!("\"{name}\":\""))
        .and_then(|(_, rest)| rest.split_once('"'))
        .map(|(value, _)| value)
        .ok_or_else(|| format!("cargo metadata has no {name}"))?;
    if value.contains('\\') {
        return Err(format!("{name} {value} has a character that must be escaped").into());
    }
    Ok(value)
}

/// Runs quietly; the output is shown when the command fails.
fn run(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("{name}: {error}"))?;
    if !output.status.success() {
        eprint!("{}", String::from_utf8_lossy(&output.stdout));
        eprint!("{}", String::from_utf8_lossy(&output.stderr));
        return Err(format!("{name}: {}", output.status).into());
    }
    Ok(())
}

fn link(original: &Path, link: &Path) -> Result<()> {
    if fs::read_link(link).is_ok_and(|found| found == original) {
        return Ok(());
    }
    // Renamed into place: a program may be loading the library this very moment.
    let temporary = link.with_extension("new");
    let _ = fs::remove_file(&temporary);
    symlink(original, &temporary)?;
    fs::rename(&temporary, link)?;
    Ok(())
}
