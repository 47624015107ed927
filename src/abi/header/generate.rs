//! Generates `include/` from the Rust sources.
//!
//! All declarations and comments of the header come from the sources: types and constants from `src/abi`,
//! functions from the files that implement them. cbindgen converts Rust items to C, and the templates in
//! `src/abi/header` place its output. It is run on one part at a time, so that the templates define the
//! order of the parts; cbindgen would derive it from a dependency graph with cycles. A name that a part
//! does not define is written as it is.
//!
//! This module adds the parts of C's header that cbindgen lacks:
//!
//! - The errors, handle types and request types, which are tables (see `errno_table.rs`),
//!   become X-macros and enums.
//! - `c_enum!` blocks become enums: cbindgen does not expand macros.
//! - A struct's `base` becomes the macro with the base's fields, so that the C struct is flat: `tcp.data`,
//!   not `tcp.base.base.data`.
//! - `uv_timer_t` is a typedef of `struct uv_timer_s`.
//! - `# Safety` sections are left out: they are for Rust code.

use cbindgen::{Builder, Config, DocumentationStyle, ItemType, Language, Layout, Style};
use std::collections::HashMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// The headers, each with its template under `src/abi/header`.
const HEADERS: [(&str, &str); 6] = [
    ("uv.h", "uv.h"),
    ("uv/errno.h", "errno.h"),
    ("uv/linux.h", "linux.h"),
    ("uv/threadpool.h", "threadpool.h"),
    ("uv/unix.h", "unix.h"),
    ("uv/version.h", "version.h"),
];

/// The order of the files with functions. Other files follow, sorted by name.
const FUNCTION_ORDER: [&str; 10] = [
    "abi/version.rs",
    "os/error.rs",
    "memory.rs",
    "shutdown.rs",
    "event_loop/",
    "handles/mod.rs",
    "handles/",
    "requests/mod.rs",
    "requests/",
    "os/",
];

const LINE_LENGTH: usize = 90;

/// System types that have a tag in C.
const TAGGED: [&str; 8] = [
    "addrinfo",
    "sockaddr",
    "sockaddr_in",
    "sockaddr_in6",
    "sockaddr_storage",
    "termios",
    "uv__queue",
    "uv__work",
];

/// An overload for C++ programs that pass an `int`, which C++ does not convert to an enum.
const TTY_OVERLOAD: &str = "
inline int uv_tty_set_mode(uv_tty_t *handle, int mode) {
  return uv_tty_set_mode(handle, static_cast<uv_tty_mode_t>(mode));
}
";

struct ErrnoRow {
    name: &'static str,
    code: &'static str,
    message: &'static str,
}

struct TypeRow {
    constant: &'static str,
    value: u32,
    name: &'static str,
}

macro_rules! errno_table {
    ($($name:ident = $code:expr, $message:literal;)*) => {
        const ERRNO_TABLE: &[ErrnoRow] = &[$(ErrnoRow {
            name: stringify!($name),
            code: stringify!($code),
            message: $message,
        }),*];
    };
}

macro_rules! type_table {
    ($table:ident $($constant:ident = $value:literal, $name:tt, $c_type:ty;)*) => {
        const $table: &[TypeRow] = &[$(TypeRow {
            constant: stringify!($constant),
            value: $value,
            name: stringify!($name),
        }),*];
    };
}

macro_rules! handle_types {
    ($($rows:tt)*) => { type_table! { HANDLE_TABLE $($rows)* } };
}

macro_rules! request_types {
    ($($rows:tt)*) => { type_table! { REQUEST_TABLE $($rows)* } };
}

include!("../errno_table.rs");
include!("../types_table.rs");

/// Writes the headers into `include`, a directory in `out`.
pub fn generate(root: &Path, out: &Path) {
    let generator = Generator { src: root.join("src"), scratch: out.join("header-src") };
    // Files of an older layout of the sources: cbindgen would take them for modules.
    let _ = fs::remove_dir_all(&generator.scratch);
    let parts = generator.parts();
    let include = out.join("include");
    fs::create_dir_all(include.join("uv")).expect("the build directory is writable");
    for (header, template) in HEADERS {
        let template = read(&generator.src.join("abi/header").join(template));
        // C++98 has no comma after the last enumerator, which cbindgen writes.
        write(&include.join(header), &fill(&template, &parts).replace(",\n}", "\n}"));
    }
}

/// Copies the headers from `out` to `include/`, where they are committed, if they differ.
pub fn install(root: &Path, out: &Path) {
    fs::create_dir_all(root.join("include/uv")).expect("include/ is writable");
    for (header, _) in HEADERS {
        let (from, to) = (out.join("include").join(header), root.join("include").join(header));
        let text = read(&from);
        if fs::read_to_string(&to).ok().as_deref() != Some(&text) {
            write(&to, &text);
        }
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Replaces each `@name@` in a template.
fn fill(template: &str, parts: &HashMap<&str, String>) -> String {
    let mut text = template.to_string();
    for (name, part) in parts {
        text = text.replace(&format!("@{name}@"), part.trim());
    }
    text
}

struct Generator {
    src: PathBuf,
    /// The directory of the sources that cbindgen reads.
    scratch: PathBuf,
}

impl Generator {
    fn parts(&self) -> HashMap<&'static str, String> {
        let abi = |name: &str| prepare(&read(&self.src.join("abi").join(name)));
        let enums = abi("enums.rs");
        let (constants, versions) = split_version(&abi("constants.rs"));
        let handles = self.run("handles", &abi("handles.rs"), Style::Tag);
        let requests = self.run("requests", &abi("requests.rs"), Style::Tag);
        let (handles, handle_fields) = base_fields(&handles, "uv_handle_s", "UV_HANDLE_FIELDS");
        let (handles, stream_fields) =
            base_fields(&handles, "uv_stream_s", "UV_HANDLE_FIELDS\n  UV_STREAM_FIELDS");
        let (requests, request_fields) = base_fields(&requests, "uv_req_s", "UV_REQ_FIELDS");
        let forward = ["plain.rs", "handles.rs", "requests.rs", "event_loop.rs"];
        let unix = abi("unix.rs");
        // This comes before the typedef.
        let threadpool = self.run("threadpool", &abi("threadpool.rs"), Style::Tag);

        let functions = self.functions();
        let has_tty = functions.contains("uv_tty_set_mode(");
        let overloads = if has_tty { TTY_OVERLOAD } else { "" };

        HashMap::from([
            ("errno_map", x_macro("UV_ERRNO_MAP", &errno_rows())),
            ("errno_enum", errno_enum()),
            ("errno_codes", errno_codes()),
            ("handle_type_map", x_macro("UV_HANDLE_TYPE_MAP", &type_rows(HANDLE_TABLE))),
            ("handle_type_enum", type_enum(HANDLE_TABLE)),
            ("request_type_map", x_macro("UV_REQ_TYPE_MAP", &type_rows(REQUEST_TABLE))),
            ("request_type_enum", type_enum(REQUEST_TABLE)),
            ("forward", forward.map(|name| typedefs(&abi(name))).concat()),
            ("enums", self.run("enums", &macro_blocks(&enums, "c_enum!"), Style::Type)),
            ("flags", self.run("flags", &macro_blocks(&enums, "c_flags!"), Style::Tag)),
            ("constants", self.run("constants", &constants, Style::Tag)),
            ("version", self.run("version", &versions, Style::Tag)),
            ("callbacks", self.run("callbacks", &abi("callbacks.rs"), Style::Tag)),
            ("plain", self.run("plain", &abi("plain.rs"), Style::Tag)),
            ("handle_fields", handle_fields),
            ("stream_fields", stream_fields),
            ("handles", handles),
            ("request_fields", request_fields),
            ("requests", requests),
            ("event_loop", self.run("event_loop", &abi("event_loop.rs"), Style::Tag)),
            ("unix", typedefs(&unix) + "\n" + &self.run("unix", &unix, Style::Tag)),
            ("threadpool", threadpool.replace("uv_loop_t *", "struct uv_loop_s *")),
            ("functions", functions),
            ("overloads", overloads.to_string()),
        ])
    }

    /// Turns the types and constants of a source text into C, whether used or not.
    fn run(&self, name: &str, source: &str, style: Style) -> String {
        let mut config = config(style);
        for (kind, name) in items(source) {
            config.export.include.push(name.to_string());
            if kind == "struct" {
                config.export.rename.insert(name.to_string(), tag(name));
            }
        }
        self.cbindgen(name, source, config)
    }

    /// Turns the functions of a source text into C.
    fn run_functions(&self, name: &str, source: &str) -> String {
        let mut config = config(Style::Tag);
        config.export.item_types = vec![ItemType::Functions];
        config.function.prefix = Some("UV_EXTERN".to_string());
        config.function.args = Layout::Horizontal;
        self.cbindgen(name, source, config)
            .replace("UV_EXTERN\n", "UV_EXTERN ")
            .lines()
            .map(|line| wrap(line) + "\n")
            .collect()
    }

    fn cbindgen(&self, name: &str, source: &str, config: Config) -> String {
        let path = self.scratch.join(name).with_extension("rs");
        fs::create_dir_all(path.parent().expect("scratch has a name")).expect("writable");
        write(&path, source);
        let bindings = Builder::new().with_config(config).with_src(&path).generate();
        let bindings = bindings.unwrap_or_else(|error| panic!("header: {name}: {error}"));
        let mut text = Vec::new();
        bindings.write(&mut text);
        short_comments(&String::from_utf8(text).expect("cbindgen writes UTF-8"))
    }

    /// Returns the functions of all files, each file's under the first paragraph of its documentation.
    fn functions(&self) -> String {
        let mut files = Vec::new();
        rust_files(&self.src, &mut files);
        files.sort_by_key(|path| {
            let name = path.strip_prefix(&self.src).expect("below src").display().to_string();
            let order = FUNCTION_ORDER.iter().position(|prefix| name.starts_with(prefix));
            (order.unwrap_or(FUNCTION_ORDER.len()), name)
        });

        let mut text = String::new();
        for path in files {
            let source = prepare(&read(&path));
            if !source.contains("extern \"C\" fn uv_") {
                continue;
            }
            let name = path.strip_prefix(&self.src).expect("below src").display().to_string();
            // cbindgen follows `mod name;` to a file of that name in the same directory, so the name must
            // not be that of a module.
            let scratch = format!("functions-{}", name.replace('/', "-"));
            let functions = self.run_functions(&scratch, &source);
            let title: Vec<&str> =
                source.lines().map_while(|line| line.strip_prefix("//! ")).collect();
            let title = title.join("\n * ");
            write!(text, "/* {title} */\n\n{}\n\n", functions.trim()).expect("a String");
        }
        text
    }
}

fn config(style: Style) -> Config {
    let mut config = Config {
        language: Language::C,
        style,
        documentation_style: DocumentationStyle::Doxy,
        usize_is_size_t: true,
        line_length: LINE_LENGTH,
        no_includes: true,
        tab_width: 2,
        ..Config::default()
    };
    for tagged in TAGGED {
        config.export.rename.insert(tagged.to_string(), format!("struct {tagged}"));
    }
    config
}

fn rust_files(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("src is readable") {
        let path = entry.expect("src is readable").path();
        if path.ends_with("abi/header") {
            // This program, which is not part of the library.
        } else if path.is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// Returns the public items that a source defines, such as `("struct", "uv_buf_t")`.
fn items(source: &str) -> impl Iterator<Item = (&str, &str)> {
    source.lines().filter_map(|line| {
        let (kind, rest) = line.strip_prefix("pub ")?.split_once(' ')?;
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        Some((kind, &rest[..end]))
    })
}

/// Returns the tag of a struct: `uv_timer_s` for `uv_timer_t`. The tag `uv_buf_t` is an exception.
fn tag(name: &str) -> String {
    match name.strip_suffix("_t") {
        Some(stem) if name != "uv_buf_t" => format!("{stem}_s"),
        _ => name.to_string(),
    }
}

/// Returns typedefs for the structs of a source.
fn typedefs(source: &str) -> String {
    let structs = items(source).filter(|(kind, name)| *kind == "struct" && name.ends_with("_t"));
    structs.map(|(_, name)| format!("typedef struct {} {name};\n", tag(name))).collect()
}

/// Returns the source without `# Safety` sections and Rust links, for cbindgen.
fn prepare(source: &str) -> String {
    let mut text = String::new();
    let mut in_safety = false;
    for line in source.lines() {
        match line.trim_start().strip_prefix("///") {
            Some(" # Safety") => {
                in_safety = true;
                // Removes the empty comment line before the section.
                text.truncate(text.strip_suffix("///\n").unwrap_or(&text).len());
            }
            Some(doc) if doc.starts_with(" # ") => in_safety = false,
            Some(_) => {}
            None => in_safety = false,
        }
        if !in_safety {
            text.push_str(line);
            text.push('\n');
        }
    }
    // C has no links to items.
    text.replace("[`", "`").replace("`]", "`").replace("variadic: c_int", "...")
}

/// Breaks a long prototype into a line for each parameter.
fn wrap(line: &str) -> String {
    match line.find('(') {
        Some(paren) if line.starts_with("UV_EXTERN") && line.len() > LINE_LENGTH => {
            line.replace(", ", &format!(",\n{:1$}", "", paren + 1))
        }
        _ => line.to_string(),
    }
}

/// Joins the delimiters and text of one-line comments.
fn short_comments(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let mut short = String::new();
    let mut i = 0;
    while i < lines.len() {
        let indent = &lines[i][..lines[i].len() - lines[i].trim_start().len()];
        match lines[i..] {
            [open, comment, close, ..] if open.trim() == "/**" && close.trim() == "*/" => {
                let comment = comment.trim().trim_start_matches("* ");
                writeln!(short, "{indent}/** {comment} */").expect("a String");
                i += 3;
            }
            _ => {
                writeln!(short, "{}", lines[i]).expect("a String");
                i += 1;
            }
        }
    }
    short
}

/// Returns the contents of the blocks `name { type; … }` of a source. A block ends with a line of one
/// brace after that of the enum.
fn macro_blocks(source: &str, name: &str) -> String {
    let start = format!("{name} {{ ");
    let mut text = String::new();
    let mut lines = source.lines();
    while let Some(line) = lines.next() {
        if !line.starts_with(&start) {
            continue;
        }
        text.push_str("#[repr(C)]\n");
        for line in lines.by_ref() {
            text.push_str(line);
            text.push('\n');
            if line == "}" {
                break;
            }
        }
    }
    assert!(!text.is_empty(), "enums.rs has {name} blocks");
    text
}

/// Splits the constants into those of uv.h and those of uv/version.h.
fn split_version(source: &str) -> (String, String) {
    let is_version = |paragraph: &&str| paragraph.contains("pub const UV_VERSION_");
    let (versions, others): (Vec<&str>, Vec<&str>) = source.split("\n\n").partition(is_version);
    (others.join("\n\n"), versions.join("\n\n"))
}

/// Replaces the fields of the struct `tag`, and the `base` of structs that begin with it, by
/// `replacement`, which uses a macro. Returns the new text and the expansion of that macro.
fn base_fields(text: &str, tag: &str, replacement: &str) -> (String, String) {
    let start = format!("struct {tag} {{\n");
    let (before, rest) = text.split_once(&start).unwrap_or_else(|| panic!("no struct {tag}"));
    let (fields, after) = rest.split_once("\n};").expect("a struct has an end");
    let own: Vec<&str> =
        fields.lines().filter(|line| !line.trim_start().starts_with("UV_")).collect();
    let text = format!("{before}{start}  {replacement}\n}};{after}");
    let text = text.replace(&format!("  struct {tag} base;"), &format!("  {replacement}"));
    (text, format!("\\\n{}", own.join(" \\\n")))
}

fn errno_rows() -> Vec<String> {
    ERRNO_TABLE.iter().map(|e| format!("{}, \"{}\"", e.name, e.message)).collect()
}

fn type_rows(table: &[TypeRow]) -> Vec<String> {
    table.iter().map(|row| format!("{}, {}", &row.constant["UV_".len()..], row.name)).collect()
}

/// Returns `#define name(XX)` with an `XX(row)` for each row.
fn x_macro(name: &str, rows: &[String]) -> String {
    let rows: Vec<String> = rows.iter().map(|row| format!("  XX({row})")).collect();
    format!("#define {name}(XX) \\\n{}", rows.join(" \\\n"))
}

fn errno_enum() -> String {
    ERRNO_TABLE.iter().map(|e| format!("  UV_{0} = UV__{0},\n", e.name)).collect()
}

fn type_enum(table: &[TypeRow]) -> String {
    table.iter().map(|row| format!("  {} = {},\n", row.constant, row.value)).collect()
}

/// Returns lines such as `#define UV__EPERM (-EPERM)`, from the table's `-libc::EPERM`.
fn errno_codes() -> String {
    let code = |e: &ErrnoRow| e.code.replace("libc::", "").replace([' ', '\n'], "");
    ERRNO_TABLE.iter().map(|e| format!("#define UV__{} ({})\n", e.name, code(e))).collect()
}

/// Runs what works on text on any text, for the fuzz target.
#[cfg(fuzzing)]
pub fn convert(source: &str) {
    let text = prepare(source);
    let _ = (typedefs(&text), split_version(&text), short_comments(&text), wrap(&text));
    for block in ["c_enum!", "c_flags!"] {
        if text.lines().any(|line| line.starts_with(&format!("{block} {{ "))) {
            macro_blocks(&text, block);
        }
    }
    let _ = items(&text).map(|(_, name)| tag(name)).count();
}
