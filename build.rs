//! Generates the C headers and sets the soname of the shared library.

use std::env;
use std::path::PathBuf;

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

    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libuv.so.1");
}
