//! Core files: the memory of a process that has ended.

use crate::elf::Elf;
use crate::error::{Context, Error, Result};
use crate::process::{open_file, Fault, Mapping, Memory, Read};
use memmap2::Mmap;
use object::elf::{FileHeader64, ProgramHeader64, ET_CORE, NT_FILE, NT_PRPSINFO, PF_X, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader};
use object::Endianness;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// A part of the memory that the core file has.
struct Segment {
    start: u64,
    /// The end of what the file has, not of the mapping.
    end: u64,
    offset: u64,
}

/// A core file, with the files that the process had mapped for what it leaves out.
pub struct Core {
    data: Mmap,
    segments: Vec<Segment>,
    pub maps: Vec<Mapping>,
    pub pid: Option<i32>,
    /// The program's name and arguments, cut off by the kernel.
    pub command: Option<String>,
    files: HashMap<String, Mmap>,
    /// Whether the file ends before its parts do.
    pub truncated: bool,
}

impl Core {
    /// Opens a core file. `program` replaces the file of the program, which may be elsewhere by now.
    pub fn open(path: &Path, program: Option<&Path>) -> Result<Core> {
        let doing = format!("cannot read {}", path.display());
        let data = map(path).context(&doing)?;
        let header = FileHeader64::<Endianness>::parse(&*data);
        let endian = header.and_then(FileHeader::endian);
        let (Ok(header), Ok(endian)) = (header, endian) else {
            return Err(Error::new(format!("{} is no 64-bit ELF file", path.display())));
        };
        if header.e_type(endian) != ET_CORE {
            return Err(Error::new(format!("{} is no core file", path.display())));
        }
        let headers = header.program_headers(endian, &*data).context(&doing)?;
        let mut segments = Vec::new();
        let mut truncated = false;
        let mut maps = Vec::new();
        for header in headers {
            if header.p_type(endian) != PT_LOAD {
                continue;
            }
            let (start, flags) = (header.p_vaddr(endian), header.p_flags(endian));
            let offset = header.p_offset(endian);
            let room = (data.len() as u64).saturating_sub(offset);
            let size = header.p_filesz(endian).min(room);
            truncated |= size < header.p_filesz(endian);
            segments.push(Segment { start, end: start.saturating_add(size), offset });
            maps.push(Mapping {
                start,
                end: start.saturating_add(header.p_memsz(endian)),
                offset: 0,
                executable: flags & PF_X != 0,
                inode: 0,
                path: String::new(),
            });
        }
        let notes = read_notes(headers, endian, &data);
        let mut core = Core {
            segments,
            maps,
            pid: notes.pid,
            command: notes.command,
            files: HashMap::new(),
            truncated,
            data,
        };
        core.add_files(&notes.files, program);
        Ok(core)
    }

    /// Gives the mappings their files, and opens those.
    fn add_files(&mut self, files: &[Mapping], program: Option<&Path>) {
        let first = files.first().map(|mapping| mapping.path.clone());
        for mapping in &mut self.maps {
            let Some(file) = files.iter().find(|file| file.contains(mapping.start)) else {
                continue;
            };
            mapping.path = file.path.clone();
            mapping.offset = file.offset.wrapping_add(mapping.start - file.start);
        }
        // Pages that were not written to may be missing.
        let place = |path: &str| {
            program
                .filter(|_| first.as_deref() == Some(path))
                .map_or(PathBuf::from(path), Path::to_owned)
        };
        for file in files {
            if !self.maps.iter().any(|mapping| mapping.contains(file.start)) {
                let elf = Elf::open(&place(&file.path));
                let executable = elf.map_or(true, |elf| elf.is_start_of_code(file.offset));
                self.maps.push(Mapping { executable, ..file.clone() });
            }
        }
        self.maps.sort_by_key(|mapping| mapping.start);
        for file in files.iter().filter(|file| file.is_file()) {
            if !self.files.contains_key(&file.path) {
                if let Ok(data) = map(&place(&file.path)) {
                    self.files.insert(file.path.clone(), data);
                }
            }
        }
    }

    /// Returns the error for what is missing in a truncated file.
    pub fn cut_off(&self) -> Error {
        Error::new("the core file is cut off and lacks memory of the library")
    }

    /// Returns where each file with symbols is, for those that are not at their path any more.
    pub fn replaced(&self, program: Option<&Path>) -> HashMap<String, PathBuf> {
        let first = self.maps.iter().find(|mapping| mapping.is_file());
        match (first, program) {
            (Some(first), Some(program)) => {
                HashMap::from([(first.path.clone(), program.to_owned())])
            }
            _ => HashMap::new(),
        }
    }

    fn part(&self, address: u64) -> Option<&[u8]> {
        let segment = self.segments.iter().find(|it| (it.start..it.end).contains(&address));
        if let Some(segment) = segment {
            let from = segment.offset.checked_add(address - segment.start)?;
            let to = segment.offset.checked_add(segment.end - segment.start)?;
            return self.data.get(usize::try_from(from).ok()?..usize::try_from(to).ok()?);
        }
        // The kernel leaves out what it can read from the file again.
        let mapping = self.maps.iter().find(|mapping| mapping.contains(address))?;
        let file = self.files.get(&mapping.path)?;
        let from = usize::try_from(mapping.offset.checked_add(address - mapping.start)?).ok()?;
        let to = mapping.offset.saturating_add(mapping.end - mapping.start);
        let to = usize::try_from(to).ok()?;
        file.get(from..to.min(file.len()))
    }
}

impl Memory for Core {
    fn read(&self, address: u64, buffer: &mut [u8]) -> Read {
        let mut done = 0;
        while done < buffer.len() {
            let at = address.checked_add(done as u64).ok_or(Fault)?;
            let part = self.part(at).filter(|part| !part.is_empty()).ok_or(Fault)?;
            let length = part.len().min(buffer.len() - done);
            buffer[done..done + length].copy_from_slice(&part[..length]);
            done += length;
        }
        Ok(())
    }
}

fn map(path: &Path) -> std::io::Result<Mmap> {
    let file = open_file(path)?;
    // SAFETY: the mapping is private and only read, and core files and programs are not truncated.
    unsafe { Mmap::map(&file) }
}

#[derive(Default)]
struct Notes {
    files: Vec<Mapping>,
    pid: Option<i32>,
    command: Option<String>,
}

fn read_notes(headers: &[ProgramHeader64<Endianness>], endian: Endianness, data: &[u8]) -> Notes {
    let mut found = Notes::default();
    for header in headers {
        let Ok(Some(mut notes)) = header.notes(endian, data) else { continue };
        while let Ok(Some(note)) = notes.next() {
            match (note.name(), note.n_type(endian)) {
                (b"CORE", NT_FILE) => found.files = parse_files(note.desc()),
                (b"CORE", NT_PRPSINFO) => {
                    (found.pid, found.command) = parse_info(note.desc());
                }
                _ => {}
            }
        }
    }
    found
}

fn number(data: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_ne_bytes(data.get(at..at.checked_add(8)?)?.try_into().ok()?))
}

/// Parses a note `NT_FILE`: the count, the size of a page, then start, end and page of each mapping, then the
/// paths.
fn parse_files(data: &[u8]) -> Vec<Mapping> {
    const HEADER: usize = 16;
    const ENTRY: usize = 24;
    let (Some(count), Some(page)) = (number(data, 0), number(data, 8)) else { return Vec::new() };
    let count = usize::try_from(count).unwrap_or(usize::MAX).min(data.len() / ENTRY);
    let names = data.get(HEADER + count * ENTRY..).unwrap_or_default();
    let names = names.split(|&byte| byte == 0);
    let entries = (0..count).map(|index| HEADER + index * ENTRY);
    entries
        .zip(names)
        .filter_map(|(at, name)| {
            Some(Mapping {
                start: number(data, at)?,
                end: number(data, at + 8)?,
                offset: number(data, at + 16)?.checked_mul(page)?,
                executable: false,
                inode: 0,
                path: String::from_utf8_lossy(name).into_owned(),
            })
        })
        .collect()
}

/// Parses a note `NT_PRPSINFO`, a `struct elf_prpsinfo`: the process's number and its arguments.
fn parse_info(data: &[u8]) -> (Option<i32>, Option<String>) {
    const PID: usize = 24;
    const ARGUMENTS: usize = 56;
    let pid = data.get(PID..PID + 4).and_then(|bytes| bytes.try_into().ok());
    let command = data.get(ARGUMENTS..).map(|text| {
        let end = text.iter().position(|&byte| byte == 0).unwrap_or(text.len());
        String::from_utf8_lossy(&text[..end]).trim_end().to_owned()
    });
    (pid.map(i32::from_ne_bytes), command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_other_files() {
        let open = |path| Core::open(Path::new(path), None).err().map(|error| error.to_string());
        assert_eq!(open("/proc/self/exe").as_deref(), Some("/proc/self/exe is no core file"));
        assert_eq!(open("Cargo.toml").as_deref(), Some("Cargo.toml is no 64-bit ELF file"));
        assert!(open("/nonexistent").is_some());
    }

    #[test]
    fn parses_the_list_of_files() {
        let numbers: [u64; 5] = [1, 4096, 0x1000, 0x3000, 2];
        let mut data: Vec<u8> = numbers.iter().flat_map(|number| number.to_ne_bytes()).collect();
        data.extend_from_slice(b"/lib/a.so\0");
        let files = parse_files(&data);
        assert_eq!(files.len(), 1);
        assert_eq!((files[0].start, files[0].end, files[0].offset), (0x1000, 0x3000, 0x2000));
        assert_eq!(files[0].path, "/lib/a.so");
        // Lengths that lie.
        data[..8].copy_from_slice(&u64::MAX.to_ne_bytes());
        assert!(parse_files(&data).len() <= data.len() / 24);
        assert!(parse_files(&data[..12]).is_empty());
    }
}
