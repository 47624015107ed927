//! The committed headers agree with the sources.

mod library;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

const HEADERS: [&str; 6] =
    ["uv.h", "uv/errno.h", "uv/linux.h", "uv/threadpool.h", "uv/unix.h", "uv/version.h"];

fn committed() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/include"))
}

fn generated() -> &'static Path {
    Path::new(concat!(env!("OUT_DIR"), "/include"))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn committed_headers_are_not_stale() {
    for header in HEADERS {
        let (old, new) = (read(&committed().join(header)), read(&generated().join(header)));
        if old == new {
            continue;
        }
        let first = old.lines().zip(new.lines()).position(|(old, new)| old != new);
        let line = first.unwrap_or(old.lines().count().min(new.lines().count()));
        panic!(
            "include/{header} is stale from line {}; run `make header`\n\
             committed: {:?}\ngenerated: {:?}",
            line + 1,
            old.lines().nth(line),
            new.lines().nth(line),
        );
    }
}

/// Runs the C or C++ compiler, as `CC` and `CXX` name it, on a file that includes the header.
fn compile(cpp: bool, options: &[&str], source: &str) {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!(
        "include-{}.{}",
        options[0].trim_start_matches('-').replace('=', "-"),
        if cpp { "cc" } else { "c" }
    ));
    std::fs::write(&path, source).expect("the build directory is writable");
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let mut build = cc::Build::new();
    build.cpp(cpp).target(&target).host(&target).opt_level(0).cargo_metadata(false);
    let output = build
        .get_compiler()
        .to_command()
        .args(options)
        .args(["-pedantic", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-I"])
        .arg(committed())
        .arg(&path)
        .output()
        .expect("there is a compiler");
    assert!(output.status.success(), "{options:?}:\n{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn header_serves_c_and_cpp() {
    // Forward declarations as programs write them, and a repeated #include.
    let source = "\
struct uv_loop_s;
struct uv_timer_s;
#include <uv.h>
#include <uv.h>
struct uv_loop_s *loop_of(uv_tcp_t *tcp);
struct uv_loop_s *loop_of(uv_tcp_t *tcp) { return tcp->loop; }
#define XX(upper, lower) uv_##lower##_t lower;
union any { UV_HANDLE_TYPE_MAP(XX) };
#undef XX
struct mine { UV_HANDLE_FIELDS int more; };
int fd_of(uv_tcp_t *tcp);
int fd_of(uv_tcp_t *tcp) { return tcp->io_watcher.fd + tcp->u.fd; }
";
    // Strict C hides pthread's locks, for libuv's own header too; so ask for POSIX.
    compile(false, &["-std=c99", "-D_POSIX_C_SOURCE=200809L"], source);
    compile(false, &["-std=c11", "-D_GNU_SOURCE"], source);
    compile(false, &["-std=gnu17"], source);
    compile(true, &["-std=c++98"], source);
    compile(true, &["-std=c++11"], source);
    compile(true, &["-std=c++20"], source);
}

/// The functions that the header declares.
fn declared() -> BTreeSet<String> {
    let header = read(&committed().join("uv.h"));
    let functions = header.lines().filter(|line| line.starts_with("UV_EXTERN "));
    functions
        .map(|line| {
            let name = line.split('(').next().expect("split gives at least one part");
            name.rsplit([' ', '*']).next().expect("likewise").to_string()
        })
        .collect()
}

#[test]
fn shared_library_exports_what_the_header_declares() {
    let output = Command::new("nm")
        .args(["-D", "--defined-only", "--format=posix"])
        .arg(library::build())
        .output()
        .expect("nm is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let symbols = String::from_utf8(output.stdout).expect("symbols are ASCII");
    let exported: BTreeSet<String> =
        symbols.lines().filter_map(|line| line.split(' ').next()).map(str::to_string).collect();
    let declared = declared();
    assert!(!declared.is_empty());
    let missing: Vec<_> = declared.difference(&exported).collect();
    // Names of ours are not in the header, as a program that uses them does not run on libuv.
    let extra: Vec<_> =
        exported.difference(&declared).filter(|name| !name.starts_with("oxuv_")).collect();
    assert!(missing.is_empty(), "declared but not exported: {missing:?}");
    assert!(extra.is_empty(), "exported but not declared: {extra:?}");
}
