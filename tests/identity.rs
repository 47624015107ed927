//! The library says which one it is: in its file, by its functions, and at load if it is asked.

mod library;

use std::ffi::{c_char, c_uint, CStr, CString};
use std::path::Path;
use std::process::Command;

const BANNER: &str = concat!("oxuv ", env!("CARGO_PKG_VERSION"), " (commit ");

/// Loads the library into a program that does not use it. Returns what is written to stderr.
fn stderr_of_a_program(library: &Path, variables: &[(&str, &str)]) -> String {
    let mut program = Command::new("/bin/true");
    program.env_clear().env("LD_PRELOAD", library).envs(variables.iter().copied());
    let output = program.output().expect("there is /bin/true");
    assert!(output.status.success());
    String::from_utf8(output.stderr).expect("it is text")
}

#[test]
fn reports_at_load_if_asked() {
    let library = library::build();
    for value in ["", "0", "yes"] {
        assert_eq!(stderr_of_a_program(&library, &[("OXUV_VERBOSE", value)]), "");
    }
    assert_eq!(stderr_of_a_program(&library, &[("UV_THREADPOOL_SIZE", "8")]), "");

    let report = stderr_of_a_program(
        &library,
        &[("OXUV_VERBOSE", "1"), ("UV_THREADPOOL_SIZE", "8"), ("OTHER_UV_", "9")],
    );
    let lines: Vec<&str> = report.lines().collect();
    assert_eq!(lines.len(), 3, "{report}");
    assert!(lines[0].starts_with(&format!("oxuv: {BANNER}")), "{report}");
    assert_eq!(lines[1], format!("oxuv: loaded from {}", library.display()));
    assert_eq!(lines[2], "oxuv: with OXUV_VERBOSE=1 UV_THREADPOOL_SIZE=8");
}

#[test]
fn long_variables_are_cut_off() {
    let long = "x".repeat(10_000);
    let report =
        stderr_of_a_program(&library::build(), &[("OXUV_VERBOSE", "1"), ("OXUV_LONG", &long)]);
    assert!(report.contains(" OXUV_LONG=xxx"), "{report}");
    assert!(report.len() < long.len());
}

#[test]
fn functions_and_file_agree() {
    let path = library::build();
    let name = CString::new(path.to_str().expect("target/ is UTF-8")).expect("it is a path");
    // SAFETY: the library is ours, and its functions have these types.
    let (number, text) = unsafe {
        let handle = libc::dlopen(name.as_ptr(), libc::RTLD_NOW);
        let number = libc::dlsym(handle, c"oxuv_version".as_ptr());
        let text = libc::dlsym(handle, c"oxuv_version_string".as_ptr());
        assert!(!number.is_null() && !text.is_null());
        let number: extern "C" fn() -> c_uint = std::mem::transmute(number);
        let text: extern "C" fn() -> *const c_char = std::mem::transmute(text);
        (number(), CStr::from_ptr(text()).to_str().expect("it is ASCII"))
    };
    let parts = env!("CARGO_PKG_VERSION").split('.').map(|part| part.parse::<c_uint>().unwrap());
    assert_eq!(number, parts.fold(0, |number, part| number << 8 | part));
    assert!(text.starts_with(BANNER), "{text}");
    assert!(text.ends_with(", interface of libuv 1.53.0)"), "{text}");

    let file = std::fs::read(path).expect("it was built");
    assert!(file.windows(text.len()).any(|window| window == text.as_bytes()));
}

/// Packages of each kind have the version of the library.
#[test]
fn versions_agree() {
    let read = |name: &str| {
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).expect(name)
    };
    let version = env!("CARGO_PKG_VERSION");
    for (file, text) in [
        ("debian/changelog", format!("oxuv ({version}) ")),
        ("CHANGELOG.md", format!("\n## {version} ")),
        ("bindings/python/oxuv/__init__.py", format!("\n__version__ = \"{version}\"\n")),
        ("tools/oxuv/Cargo.toml", format!("\nversion = \"{version}\"\n")),
    ] {
        assert!(read(file).contains(&text), "{file} does not have {text:?}");
    }
}
