//! The memory and the mappings of a process.

use crate::error::{Error, Result};
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Opens a file whose path another process has chosen. Anything but a file of a file system is refused: a named pipe
/// would block, a device may have no end.
pub fn open_file(path: &Path) -> io::Result<File> {
    let file = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("it is not a file")),
    }
}

/// The longest text that is read from such a file.
const TEXT_MAX: u64 = 256 << 20;

/// Reads such a file, as far as it is text.
pub fn read_text(path: &Path) -> io::Result<String> {
    let mut text = Vec::new();
    open_file(path)?.take(TEXT_MAX).read_to_end(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Memory that is not there, or that the process gave back while it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault;

pub type Read<T = ()> = std::result::Result<T, Fault>;

/// Memory of a process, running or dead. It may change while it is read, so a reader bounds each walk and
/// trusts no length.
pub trait Memory {
    /// Fills the buffer from `address`.
    fn read(&self, address: u64, buffer: &mut [u8]) -> Read;

    fn bytes(&self, address: u64, length: usize) -> Read<Vec<u8>> {
        let mut buffer = vec![0; length];
        self.read(address, &mut buffer)?;
        Ok(buffer)
    }

    fn u8(&self, address: u64) -> Read<u8> {
        let mut buffer = [0];
        self.read(address, &mut buffer)?;
        Ok(buffer[0])
    }

    fn u32(&self, address: u64) -> Read<u32> {
        let mut buffer = [0; 4];
        self.read(address, &mut buffer)?;
        Ok(u32::from_ne_bytes(buffer))
    }

    fn i32(&self, address: u64) -> Read<i32> {
        self.u32(address).map(|number| number as i32)
    }

    fn u64(&self, address: u64) -> Read<u64> {
        let mut buffer = [0; 8];
        self.read(address, &mut buffer)?;
        Ok(u64::from_ne_bytes(buffer))
    }

    /// Reads a NUL-terminated string of at most `limit` bytes.
    fn text(&self, address: u64, limit: usize) -> Read<String> {
        const PAGE: u64 = 4096;
        let mut text = Vec::new();
        while text.len() < limit {
            let at = address.wrapping_add(text.len() as u64);
            // Not past the end of a page, as the next one may be missing.
            let room = (PAGE - at % PAGE).min((limit - text.len()) as u64) as usize;
            let part = self.bytes(at, room)?;
            if let Some(end) = part.iter().position(|&byte| byte == 0) {
                text.extend_from_slice(&part[..end]);
                break;
            }
            text.extend_from_slice(&part);
        }
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}

/// Returns the address of a field. What was read may be anything, so the sum may wrap.
pub fn field(at: u64, offset: u32) -> u64 {
    at.wrapping_add(u64::from(offset))
}

/// A range of addresses, and the file that it shows.
#[derive(Clone, Debug)]
pub struct Mapping {
    pub start: u64,
    pub end: u64,
    pub offset: u64,
    pub executable: bool,
    pub inode: u64,
    /// The path as the process sees it, a name such as `[heap]`, or empty.
    pub path: String,
}

impl Mapping {
    pub fn contains(&self, address: u64) -> bool {
        (self.start..self.end).contains(&address)
    }

    /// Returns whether this is a file of a file system.
    pub fn is_file(&self) -> bool {
        self.path.starts_with('/') && !self.path.starts_with("/memfd:")
    }
}

/// The suffix that the kernel appends to the path of a file that was deleted.
pub const DELETED: &str = " (deleted)";

/// Parses the text of `/proc/PID/maps`. Lines of another form are left out.
pub fn parse_maps(text: &str) -> Vec<Mapping> {
    text.lines().filter_map(parse_mapping).collect()
}

fn parse_mapping(line: &str) -> Option<Mapping> {
    let mut fields = line.splitn(6, ' ');
    let (start, end) = fields.next()?.split_once('-')?;
    let flags = fields.next()?;
    let offset = fields.next()?;
    let _device = fields.next()?;
    let inode = fields.next()?;
    Some(Mapping {
        start: u64::from_str_radix(start, 16).ok()?,
        end: u64::from_str_radix(end, 16).ok()?,
        offset: u64::from_str_radix(offset, 16).ok()?,
        executable: flags.contains('x'),
        inode: inode.parse().ok()?,
        path: fields.next().unwrap_or_default().trim_start().to_owned(),
    })
}

/// A process that runs.
pub struct Process {
    pub pid: i32,
    memory: File,
    pub maps: Vec<Mapping>,
}

impl Process {
    /// Opens the memory of a process for reading.
    pub fn open(pid: i32) -> Result<Process> {
        let directory = proc_path(pid, "");
        if pid <= 0 || !directory.exists() {
            return Err(Error::new(format!("there is no process {pid}")));
        }
        let explain = |error: io::Error| explain(pid, &error);
        let maps = std::fs::read_to_string(proc_path(pid, "maps")).map_err(explain)?;
        if maps.is_empty() {
            let ended = has_ended(pid);
            let what = if ended { "has ended" } else { "is a thread of the kernel" };
            return Err(Error::new(format!("process {pid} {what}")));
        }
        let memory = File::open(proc_path(pid, "mem")).map_err(explain)?;
        Ok(Process { pid, memory, maps: parse_maps(&maps) })
    }

    /// Returns the open memory.
    pub fn memory(&self) -> io::Result<File> {
        self.memory.try_clone()
    }

    /// Returns whether the process has ended.
    pub fn has_ended(&self) -> bool {
        has_ended(self.pid)
    }

    /// Returns a path of the process as a path of this process: it may have another root.
    pub fn path(&self, path: &str) -> PathBuf {
        proc_path(self.pid, "root").join(path.trim_start_matches('/'))
    }

    /// Returns where a mapped file can be read: below the root of the process, or, if it was deleted and we
    /// may, in the kernel's list.
    pub fn file(&self, mapping: &Mapping) -> PathBuf {
        if mapping.path.ends_with(DELETED) {
            let range = format!("map_files/{:x}-{:x}", mapping.start, mapping.end);
            return proc_path(self.pid, &range);
        }
        self.path(&mapping.path)
    }

    /// Opens the memory for writing. Only requests are written.
    pub fn write(&self, address: u64, bytes: &[u8]) -> Result {
        let explain = |error: io::Error| explain(self.pid, &error);
        let memory =
            File::options().write(true).open(proc_path(self.pid, "mem")).map_err(explain)?;
        memory.write_all_at(bytes, address).map_err(explain)
    }
}

impl Memory for Process {
    fn read(&self, address: u64, buffer: &mut [u8]) -> Read {
        // Offsets are signed, and user addresses on the supported machines are below 1 << 63.
        if address == 0 || address >> 63 != 0 {
            return Err(Fault);
        }
        self.memory.read_exact_at(buffer, address).map_err(|_| Fault)
    }
}

/// Returns the path of a file in `/proc/PID`.
pub fn proc_path(pid: i32, name: &str) -> PathBuf {
    Path::new("/proc").join(pid.to_string()).join(name)
}

/// Returns the id in the innermost namespace from the text of a file `status`.
pub fn inner_id(status: &str) -> Option<i32> {
    let line = status.lines().find_map(|line| line.strip_prefix("NSpid:"))?;
    line.split_whitespace().last()?.parse().ok()
}

fn has_ended(pid: i32) -> bool {
    let stat = std::fs::read_to_string(proc_path(pid, "stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    matches!(state.chars().next(), None | Some('Z' | 'X'))
}

/// Returns the sentence for an error of the system about a process.
fn explain(pid: i32, error: &io::Error) -> Error {
    match error.raw_os_error() {
        // The files of a process that has ended belong to root.
        Some(libc::EPERM | libc::EACCES) if has_ended(pid) => {
            Error::new(format!("process {pid} has ended"))
        }
        // SAFETY: takes nothing.
        Some(libc::EPERM | libc::EACCES) if unsafe { libc::geteuid() } == 0 => {
            Error::new(format!(
                "no permission to read process {pid}: this root lacks CAP_SYS_PTRACE over it, as in a container"
            ))
        }
        Some(libc::EPERM | libc::EACCES) => Error::new(format!(
            "no permission to read process {pid}: it belongs to another user, is set-uid, or Yama's \
             ptrace_scope forbids it; root can"
        )),
        Some(libc::ENOENT | libc::ESRCH) => Error::new(format!("process {pid} has ended")),
        _ => Error::new(format!("cannot read process {pid}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_maps() {
        let text = "7f0000001000-7f0000002000 r-xp 00003000 fe:01 42    /lib/a b.so (deleted)\n\
                    7ffc0000-7ffd0000 rw-p 00000000 00:00 0 \n\
                    not a mapping\n";
        let maps = parse_maps(text);
        assert_eq!(maps.len(), 2);
        assert_eq!((maps[0].start, maps[0].offset, maps[0].inode), (0x7f0000001000, 0x3000, 42));
        assert_eq!(maps[0].path, "/lib/a b.so (deleted)");
        assert!(maps[0].executable && maps[0].is_file());
        assert!(maps[1].path.is_empty());
    }

    #[test]
    fn refuses_what_is_no_process() {
        for pid in [-1, 0, i32::MAX] {
            let error = Process::open(pid).err().map(|error| error.to_string());
            assert_eq!(error, Some(format!("there is no process {pid}")));
        }
    }

    #[test]
    fn reads_this_process() -> Result {
        let this = Process::open(std::process::id() as i32)?;
        let (number, text) = (0x1234_5678_u64, c"a text");
        assert_eq!(this.u64((&raw const number).addr() as u64), Ok(number));
        assert_eq!(this.text(text.as_ptr().addr() as u64, 100), Ok("a text".to_owned()));
        assert_eq!(this.text(text.as_ptr().addr() as u64, 3), Ok("a t".to_owned()));
        assert_eq!(this.u64(0), Err(Fault));
        assert_eq!(this.u64(u64::MAX), Err(Fault));
        Ok(())
    }
}
