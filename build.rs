//! Generates the C headers, names the commit, and sets the soname of the shared library.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

#[path = "src/abi/header/generate.rs"]
mod header;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=src");
    println!("cargo:rerun-if-env-changed=OXUV_UPDATE_HEADER");

    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    header::generate(&root, &out);
    if env::var_os("OXUV_UPDATE_HEADER").is_some() {
        header::install(&root, &out);
    }

    println!("cargo:rustc-env=OXUV_COMMIT={}", commit(&root));
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libuv.so.1");
}

/// Returns 12 digits of the commit that `git archive` has written into the release, or `unknown`.
fn commit(root: &Path) -> String {
    let text = fs::read_to_string(root.join("src/commit.txt")).unwrap_or_default();
    match text.trim().get(..12) {
        Some(digits) if digits.bytes().all(|digit| digit.is_ascii_hexdigit()) => digits.to_string(),
        _ => "unknown".to_string(),
    }
}
