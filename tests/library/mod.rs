//! The shared library that the tests look at.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds the library with the profile of this test and returns where it is. Cargo builds no
/// shared library for the tests of its own package.
pub fn build() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("it is in target/");
    let (profile, dir) =
        if cfg!(debug_assertions) { ("dev", "debug") } else { ("release", "release") };
    let output = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "--lib", "--profile", profile, "--target-dir"])
        .arg(target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    target.join(dir).join("libuv.so")
}
