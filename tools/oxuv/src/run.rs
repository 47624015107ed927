//! `oxuv run`: starts a program on this build of the library.

use crate::elf::Elf;
use crate::error::{Context, Error, Result};
use crate::library::contains;
use crate::process::{Mapping, Process};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

/// Start a program on this library
#[derive(clap::Args)]
pub struct Args {
    /// Record from the start, into memory of SIZE bytes (such as 4M) or into the file PATH
    #[arg(long, value_name = "SIZE|PATH", num_args = 0..=1, require_equals = true, default_missing_value = "4M")]
    record: Option<String>,
    /// Report misuse of the library
    #[arg(long)]
    check: bool,
    /// Draw from SEED, a number, what libuv leaves open: the order of callbacks, short reads and writes, delays
    #[arg(long, value_name = "SEED")]
    shuffle: Option<u64>,
    /// Load the library before all others, for a program whose own path to a libuv comes first
    #[arg(long)]
    preload: bool,
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    program: Vec<OsString>,
}

/// How a program is started.
#[derive(Default)]
pub struct Start {
    pub record: Option<String>,
    /// Use the library that reports misuse, with this value of `OXUV_CHECK`.
    pub check: Option<&'static str>,
    /// Use the library that shuffles the schedule, with this seed.
    pub shuffle: Option<u64>,
    pub preload: bool,
}

pub fn run(args: Args) -> Result<ExitCode> {
    let Args { record, check, shuffle, preload, program } = args;
    // The library that shuffles reports misuse, too.
    let check = if check { Some("1") } else { shuffle.and(Some("0")) };
    start(&program, &Start { record, check, shuffle, preload })
}

/// Becomes the program. A process beside it watches whether it loads the library, and says so if it does not.
pub fn start(program: &[OsString], how: &Start) -> Result<ExitCode> {
    let Some((name, arguments)) = program.split_first() else {
        return Err(Error::usage("there is no program to start"));
    };
    let library = library(how.check.is_some())?;
    let file = find_program(name)?;
    refuse_impossible(&file)?;
    let mut command = Command::new(name);
    command.args(arguments).env("LD_LIBRARY_PATH", search_path(&library));
    if how.preload {
        command.env("LD_PRELOAD", &library);
    }
    if let Some(value) = how.check {
        command.env("OXUV_CHECK", value);
    }
    if let Some(seed) = how.shuffle {
        command.env("OXUV_SHUFFLE", seed.to_string());
    }
    if let Some(record) = &how.record {
        command.env("OXUV_RECORD", absolute(record)?);
    }
    let mut watcher = watch(&library, &file)?;
    // Returns only if it fails.
    let error = command.exec();
    let _ = watcher.write_all(b"!");
    Err(error).context(format!("cannot start {}", name.to_string_lossy()))
}

/// Returns the directory of the library, before what the environment says.
fn search_path(library: &Path) -> OsString {
    let mut path = library.parent().unwrap_or(Path::new(".")).as_os_str().to_owned();
    if let Some(old) = std::env::var_os("LD_LIBRARY_PATH").filter(|old| !old.is_empty()) {
        path.push(":");
        path.push(old);
    }
    path
}

/// Makes the path of a recording absolute, as the program may change its directory.
fn absolute(record: &str) -> Result<OsString> {
    let is_size = record.starts_with(|c: char| c.is_ascii_digit());
    if is_size || record.starts_with('/') {
        return Ok(record.into());
    }
    Ok(std::path::absolute(record).context(format!("cannot record into {record}"))?.into())
}

/// Finds the library: where `OXUV_LIBRARY` says, or near this program.
fn library(checking: bool) -> Result<PathBuf> {
    let places = match std::env::var_os("OXUV_LIBRARY") {
        Some(place) => vec![PathBuf::from(place)],
        None => near_this_program(checking),
    };
    let found = places
        .iter()
        .find(|place| Elf::open(place).is_ok_and(|elf| elf.symbol("oxuv_debug").is_some()));
    let found = found.ok_or_else(|| {
        let list: Vec<_> = places.iter().map(|place| place.display().to_string()).collect();
        Error::new(format!("there is no library of oxuv at {}", list.join(", ")))
    })?;
    std::path::absolute(found).context("cannot find the library")
}

fn near_this_program(checking: bool) -> Vec<PathBuf> {
    let program = std::env::current_exe().unwrap_or_default();
    let Some(prefix) = program.parent().and_then(Path::parent) else { return Vec::new() };
    let multiarch = format!("lib/{}-linux-gnu", std::env::consts::ARCH);
    let folder = if checking { "check/" } else { "" };
    ["lib/oxuv", "lib", &multiarch]
        .iter()
        .map(|directory| prefix.join(directory).join(format!("{folder}libuv.so.1")))
        .collect()
}

/// Returns the file that the shell would run.
fn find_program(name: &OsStr) -> Result<PathBuf> {
    let missing = || Error::new(format!("there is no program {}", name.to_string_lossy()));
    if name.as_encoded_bytes().contains(&b'/') {
        let path = PathBuf::from(name);
        return if path.is_file() { Ok(path) } else { Err(missing()) };
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_program = |path: &PathBuf| {
        path.metadata().is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
    };
    std::env::split_paths(&path).map(|it| it.join(name)).find(is_program).ok_or_else(missing)
}

/// Refuses a program that cannot use another library.
fn refuse_impossible(file: &Path) -> Result {
    let name = file.display();
    let Ok(data) = file.metadata() else { return Ok(()) };
    // SAFETY: these calls have no arguments and cannot fail.
    let (user, group) = unsafe { (libc::geteuid(), libc::getegid()) };
    let changes_user = data.mode() & libc::S_ISUID != 0 && data.uid() != user;
    let changes_group = data.mode() & libc::S_ISGID != 0 && data.gid() != group;
    if changes_user || changes_group {
        return Err(Error::new(format!(
            "{name} is set-uid or set-gid: its loader ignores the path of the library"
        )));
    }
    if user != 0 && has_capabilities(file) {
        return Err(Error::new(format!(
            "{name} has capabilities: its loader ignores the path of the library"
        )));
    }
    let program = interpreter(file).unwrap_or_else(|| file.to_owned());
    let Ok(elf) = Elf::open(&program) else { return Ok(()) };
    if contains(&program) {
        return Ok(());
    }
    if elf.is_static() {
        let what = match elf.symbol("uv_run") {
            Some(_) => "has libuv linked in statically",
            None => "is linked statically",
        };
        return Err(Error::new(format!(
            "{} {what}: it loads no library, so it cannot use another one",
            program.display()
        )));
    }
    if elf.symbol("uv_run").is_some() {
        return Err(Error::new(format!(
            "{} has libuv linked in statically, so it does not use another one",
            program.display()
        )));
    }
    Ok(())
}

/// Returns the program that a script names in its first line.
fn interpreter(file: &Path) -> Option<PathBuf> {
    let mut start = Vec::new();
    File::open(file).ok()?.take(256).read_to_end(&mut start).ok()?;
    let line = String::from_utf8_lossy(start.strip_prefix(b"#!")?).into_owned();
    let mut words = line.lines().next()?.split_whitespace();
    let program = words.next()?;
    if program.ends_with("/env") {
        return find_program(words.next()?.as_ref()).ok();
    }
    Some(program.into())
}

fn has_capabilities(file: &Path) -> bool {
    let Ok(path) = std::ffi::CString::new(file.as_os_str().as_encoded_bytes()) else {
        return false;
    };
    // SAFETY: both names are C strings; without a buffer only the size is returned.
    let size = unsafe {
        libc::getxattr(path.as_ptr(), c"security.capability".as_ptr(), std::ptr::null_mut(), 0)
    };
    size > 0
}

/// How long the program may take to load the library before that is reported. A program that loads it later,
/// as Python does with an import, still uses it.
const TIME_TO_LOAD: Duration = Duration::from_secs(5);
const BETWEEN_LOOKS: i32 = 5;

/// Starts a process that watches this one, which is about to become the program. It is no child of this one,
/// as the program may wait for all of its children. Returns the end of a socket that closes when the program
/// starts; a byte written to it ends the watching.
fn watch(library: &Path, program: &Path) -> Result<UnixStream> {
    let doing = "cannot start a process";
    let (mut starts, writer) = UnixStream::pair().context(doing)?;
    let pid = std::process::id() as i32;
    // SAFETY: no arguments but numbers; the result is a new descriptor or an error.
    let process = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) } as i32;
    if process == -1 {
        // An old kernel: the program runs unwatched.
        return Ok(writer);
    }
    // SAFETY: it was just opened, and nothing else uses it.
    let process = unsafe { OwnedFd::from_raw_fd(process) };
    let opened = Opened::new(library);
    // SAFETY: this process has one thread, so the child may do anything.
    match unsafe { libc::fork() } {
        -1 => return Err(std::io::Error::last_os_error()).context(doing),
        0 => {}
        child => {
            // SAFETY: the child is of this process, and its status is not wanted.
            unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
            return Ok(writer);
        }
    }
    // SAFETY: as above. The child ends at once, and its own child goes on.
    unsafe {
        if libc::fork() != 0 {
            libc::_exit(0);
        }
        // The terminal's signals are for the program, and so are its input and output.
        libc::setsid();
        libc::close(libc::STDIN_FILENO);
        libc::close(libc::STDOUT_FILENO);
    }
    drop(writer);
    if starts.read(&mut [0]).is_ok_and(|bytes| bytes == 0) {
        if let Some(sentence) = judge(pid, &process, library, program, &opened) {
            eprintln!("oxuv: {sentence}");
        }
    }
    // SAFETY: ends the process without what belongs to its parent.
    unsafe { libc::_exit(0) }
}

/// Waits until the process has loaded the library, has ended, or has taken long. Returns what to say.
fn judge(
    pid: i32,
    process: &OwnedFd,
    library: &Path,
    program: &Path,
    opened: &Opened,
) -> Option<String> {
    let inode = library.metadata().ok()?.ino();
    // Linked in statically.
    let linked = contains(program);
    let end = Instant::now() + TIME_TO_LOAD;
    let name = program.display();
    let mut other = None;
    while Instant::now() < end {
        let maps = Process::open(pid).map(|process| process.maps).unwrap_or_default();
        if linked || maps.iter().any(|mapping| mapping.inode == inode) {
            return None;
        }
        other = maps.iter().find(|mapping| is_other_libuv(mapping)).cloned().or(other);
        let mut poll = libc::pollfd { fd: process.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one entry, which outlives the call.
        if unsafe { libc::poll(&raw mut poll, 1, BETWEEN_LOOKS) } == 1 {
            let loaded = opened.was_opened() && other.is_none();
            return (!loaded).then(|| explain(&name.to_string(), other.as_ref(), "ended without"));
        }
    }
    // The program may have started another one that uses it.
    let loaded = opened.was_opened() && other.is_none();
    let name = format!("{name} (process {pid})");
    (!loaded).then(|| explain(&name, other.as_ref(), "runs without"))
}

fn is_other_libuv(mapping: &Mapping) -> bool {
    mapping.path.rsplit('/').next().is_some_and(|name| name.starts_with("libuv.so"))
}

fn explain(name: &str, other: Option<&Mapping>, how: &str) -> String {
    match other {
        Some(other) => format!(
            "{name} has loaded {} instead, as its own path to libraries comes first; --preload may help",
            other.path
        ),
        None => format!(
            "{name} {how} loading libuv: it does not use it, or has a copy linked in statically"
        ),
    }
}

/// Whether anything has opened the library, from inotify: a program may end before it is looked at.
struct Opened(Option<OwnedFd>);

impl Opened {
    fn new(library: &Path) -> Opened {
        let Ok(path) = std::ffi::CString::new(library.as_os_str().as_encoded_bytes()) else {
            return Opened(None);
        };
        // SAFETY: the path is a C string, and the descriptor is new.
        unsafe {
            let fd = libc::inotify_init1(libc::IN_CLOEXEC | libc::IN_NONBLOCK);
            if fd == -1 {
                return Opened(None);
            }
            let fd = OwnedFd::from_raw_fd(fd);
            let watch = libc::inotify_add_watch(fd.as_raw_fd(), path.as_ptr(), libc::IN_OPEN);
            Opened((watch != -1).then_some(fd))
        }
    }

    /// Returns true also if that is unknown.
    fn was_opened(&self) -> bool {
        let Some(fd) = &self.0 else { return true };
        let mut poll = libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one entry, which outlives the call.
        unsafe { libc::poll(&raw mut poll, 1, 0) == 1 }
    }
}
