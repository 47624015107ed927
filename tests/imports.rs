//! Checks the imports between the modules of `src/`, as in the picture of ARCHITECTURE.md.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The layers from the bottom up. A module imports from its own row and from those above it here. Rows
/// of one module have no circle; those of several are one.
const LAYERS: &[&[&str]] = &[
    &["sync"],
    &["abi"],
    &["memory"],
    &["sys"],
    &["observe"],
    &["check"],
    &["ffi"],
    &["list"],
    &["stack"],
    &["loops"],
    &["spin"],
    &["text"],
    &["os"],
    &["poller"],
    &["mailbox"],
    &["pool"],
    &["signal"],
    &["identity"],
    &["fork"],
    &["shutdown"],
    // A loop holds state of handles and requests, and these point to their loop.
    &["event_loop", "handles", "requests", "describe"],
    &["fuzzing"],
];

fn layer(module: &str) -> usize {
    let found = LAYERS.iter().position(|row| row.contains(&module));
    found.unwrap_or_else(|| panic!("{module} has no place in LAYERS"))
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("src/ is readable") {
        let path = entry.expect("src/ is readable").path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The modules that are named by `crate::` in the text, comments left out.
fn imports(text: &str) -> BTreeSet<&str> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let names = code.flat_map(|line| line.split("crate::").skip(1));
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    names.map(|rest| &rest[..rest.find(|c| !is_name(c)).unwrap_or(rest.len())]).collect()
}

#[test]
fn nothing_imports_upward() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    assert!(files.len() > LAYERS.len());
    for file in files {
        let relative = file.strip_prefix(&src).expect("it was found there");
        let first = relative.iter().next().and_then(|part| part.to_str()).expect("a name");
        let module = first.trim_end_matches(".rs");
        if ["lib", "unwind"].contains(&module) {
            continue;
        }
        let text = fs::read_to_string(&file).expect("a source file is text");
        for import in imports(&text).into_iter().filter(|import| !import.is_empty()) {
            assert!(
                layer(import) <= layer(module),
                "{} imports {import}, which is above it",
                relative.display()
            );
        }
    }
}
