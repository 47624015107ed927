//! The target of a reading: a process or a core file.

use crate::core::Core;
use crate::descriptors::Descriptors;
use crate::error::{Error, Result};
use crate::library::{self, Library};
use crate::process::{proc_path, Mapping, Memory, Process};
use crate::symbols::Symbols;
use std::path::{Path, PathBuf};

/// A process, running or dead.
pub enum Target {
    Process(Process),
    Core(Core, Option<PathBuf>),
}

impl Target {
    pub fn process(pid: i32) -> Result<Target> {
        Process::open(pid).map(Target::Process)
    }

    pub fn core(path: &Path, program: Option<&Path>) -> Result<Target> {
        Ok(Target::Core(Core::open(path, program)?, program.map(Path::to_owned)))
    }

    pub fn memory(&self) -> &dyn Memory {
        match self {
            Target::Process(process) => process,
            Target::Core(core, _) => core,
        }
    }

    pub fn maps(&self) -> &[Mapping] {
        match self {
            Target::Process(process) => &process.maps,
            Target::Core(core, _) => &core.maps,
        }
    }

    pub fn pid(&self) -> Option<i32> {
        match self {
            Target::Process(process) => Some(process.pid),
            Target::Core(core, _) => core.pid,
        }
    }

    /// Returns the command, with its arguments.
    pub fn command(&self) -> String {
        match self {
            Target::Process(process) => command_of(process.pid),
            Target::Core(core, _) => core.command.clone().unwrap_or_default(),
        }
    }

    pub fn symbols(&self) -> Symbols {
        match self {
            Target::Process(process) => Symbols::of_process(process),
            Target::Core(core, program) => Symbols::new(&core.maps, PathBuf::from("/"), "")
                .with_files(core.replaced(program.as_deref())),
        }
    }

    pub fn descriptors(&self) -> Option<Descriptors> {
        match self {
            Target::Process(process) => Some(Descriptors::new(process.pid)),
            Target::Core(..) => None,
        }
    }

    /// Returns where a mapped file can be read.
    fn file(&self, mapping: &Mapping) -> PathBuf {
        match self {
            Target::Process(process) => process.file(mapping),
            Target::Core(core, program) => core
                .replaced(program.as_deref())
                .remove(&mapping.path)
                .unwrap_or_else(|| PathBuf::from(&mapping.path)),
        }
    }

    /// Returns a name for messages.
    pub fn name(&self) -> String {
        match self {
            Target::Process(process) => format!("process {}", process.pid),
            Target::Core(..) => "the process of the core file".to_owned(),
        }
    }

    /// Finds the copies of the library. Without one, the error says what the process runs on instead.
    pub fn libraries<'a>(&'a self, memory: &'a dyn Memory) -> Result<Vec<Library<'a>>> {
        let found = library::find(memory, self.maps(), &|mapping| self.file(mapping))?;
        if !found.is_empty() {
            return Ok(found);
        }
        if let Target::Process(process) = self {
            if process.has_ended() {
                return Err(Error::new(format!("process {} has ended", process.pid)));
            }
        }
        if let Target::Core(core, _) = self {
            if core.truncated {
                return Err(core.cut_off());
            }
        }
        let other = self.maps().iter().find(|mapping| {
            mapping.path.rsplit('/').next().is_some_and(|name| name.starts_with("libuv"))
        });
        Err(Error::new(match other {
            Some(other) => format!("{} runs on {}, which is not oxuv", self.name(), other.path),
            None => format!("{} has no oxuv in its memory", self.name()),
        }))
    }
}

/// Returns the command line of a process, or its name in brackets.
pub fn command_of(pid: i32) -> String {
    let line = std::fs::read(proc_path(pid, "cmdline")).unwrap_or_default();
    let words: Vec<_> = line
        .split(|&byte| byte == 0)
        .filter(|word| !word.is_empty())
        .map(String::from_utf8_lossy)
        .collect();
    if !words.is_empty() {
        return words.join(" ").replace(|c: char| c.is_control(), "?");
    }
    let name = std::fs::read_to_string(proc_path(pid, "comm")).unwrap_or_default();
    format!("[{}]", name.trim_end())
}

/// Returns the time of CLOCK_MONOTONIC as a process sees it, in nanoseconds: it may have a time namespace of
/// its own.
pub fn monotonic(pid: Option<i32>) -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes to the struct, which outlives the call.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    let own = i128::from(now.tv_sec) * 1_000_000_000 + i128::from(now.tv_nsec);
    let shift = pid.map_or(0, |pid| {
        clock_offset(&proc_path(pid, "timens_offsets"))
            - clock_offset(Path::new("/proc/self/timens_offsets"))
    });
    u64::try_from(own + shift).unwrap_or_default()
}

/// Returns the offset of CLOCK_MONOTONIC in nanoseconds from a file `timens_offsets`.
fn clock_offset(path: &Path) -> i128 {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("monotonic"));
    let mut numbers = line.unwrap_or_default().split_whitespace().map(str::parse::<i128>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(seconds)), Some(Ok(nanoseconds))) => seconds * 1_000_000_000 + nanoseconds,
        _ => 0,
    }
}
