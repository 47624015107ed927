//! ELF files: symbols, the build id, and where a file keeps an address.

use crate::error::{Context, Result};
use crate::process::open_file;
use memmap2::Mmap;
use object::elf::{
    FileHeader64, PF_X, PT_DYNAMIC, PT_INTERP, PT_LOAD, STT_FUNC, STT_GNU_IFUNC, STT_OBJECT,
};
use object::read::elf::{ElfFile, ProgramHeader};
use object::{Endianness, Object, ObjectKind, ObjectSection, ObjectSymbol, SymbolFlags};
use std::ops::{Deref, Range};
use std::path::Path;
use std::rc::Rc;

/// A 64-bit ELF file.
pub struct Elf {
    data: Rc<Data>,
}

/// The bytes of a file.
enum Data {
    Mapped(Mmap),
    Copied(Vec<u8>),
}

impl Default for Data {
    fn default() -> Data {
        Data::Copied(Vec::new())
    }
}

impl Deref for Data {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Data::Mapped(data) => data,
            Data::Copied(data) => data,
        }
    }
}

/// The bytes of a section.
#[derive(Default)]
pub struct Section {
    data: Rc<Data>,
    range: Range<usize>,
}

impl Deref for Section {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.data.get(self.range.clone()).unwrap_or_default()
    }
}

/// A function of a file: addresses before relocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    pub address: u64,
    pub size: u64,
    pub name: String,
}

impl Elf {
    pub fn open(path: &Path) -> Result<Elf> {
        let doing = format!("cannot read {}", path.display());
        let file = open_file(path).context(&doing)?;
        // SAFETY: the mapping is private and only read. A file that shrinks meanwhile would raise SIGBUS;
        // programs and libraries are replaced by renaming, not truncated.
        let data = unsafe { Mmap::map(&file) }.context(&doing)?;
        let elf = Elf { data: Rc::new(Data::Mapped(data)) };
        elf.file().context(doing)?;
        Ok(elf)
    }

    /// Reads a file from the memory of a process.
    pub fn from_memory(data: Vec<u8>) -> Result<Elf> {
        let elf = Elf { data: Rc::new(Data::Copied(data)) };
        elf.file().context("cannot read memory")?;
        Ok(elf)
    }

    /// Returns a section: its addresses before relocation, and its bytes.
    pub fn section(&self, name: &str) -> Option<(Range<u64>, Section)> {
        let file = self.file().ok()?;
        let section = file.section_by_name(name)?;
        let (offset, size) = section.file_range()?;
        let start = usize::try_from(offset).ok()?;
        let end = usize::try_from(offset.checked_add(size)?).ok()?;
        let addresses = section.address()..section.address().checked_add(size)?;
        Some((addresses, Section { data: self.data.clone(), range: start..end }))
    }

    fn file(&self) -> object::Result<ElfFile<'_, FileHeader64<Endianness>>> {
        ElfFile::parse(&**self.data)
    }

    /// Returns the address before relocation of the byte at `offset` in the file, in code. Neighbouring
    /// segments may share a page of the file, at different addresses.
    pub fn address_of_code(&self, offset: u64) -> Option<u64> {
        let file = self.file().ok()?;
        let endian = file.endian();
        file.elf_program_headers().iter().find_map(|header| {
            let (start, size) = header.file_range(endian);
            // Mappings begin at pages.
            let page = start & !0xfff;
            let is_code = header.p_type(endian) == PT_LOAD && header.p_flags(endian) & PF_X != 0;
            let inside = is_code && (page..start.saturating_add(size)).contains(&offset);
            inside.then(|| header.p_vaddr(endian).wrapping_sub(start).wrapping_add(offset))
        })
    }

    /// Returns whether the mapping of code begins at this offset in the file.
    pub fn is_start_of_code(&self, offset: u64) -> bool {
        let Ok(file) = self.file() else { return false };
        let endian = file.endian();
        file.elf_program_headers().iter().any(|header| {
            let is_code = header.p_type(endian) == PT_LOAD && header.p_flags(endian) & PF_X != 0;
            is_code && header.p_offset(endian) & !0xfff == offset
        })
    }

    /// Returns the address of a symbol that the dynamic symbol table or the full one defines.
    pub fn symbol(&self, name: &str) -> Option<u64> {
        let file = self.file().ok()?;
        let found = file.dynamic_symbols().chain(file.symbols()).find(|symbol| {
            symbol.is_definition() && symbol.name_bytes() == Ok(name.as_bytes())
                || symbol.address() != 0
                    && kind(&symbol.flags()) == STT_OBJECT
                    && symbol.name_bytes() == Ok(name.as_bytes())
        });
        found.map(|symbol| symbol.address())
    }

    /// Returns whether the file has a note of this owner, whose name ends with NULs.
    pub fn has_note(&self, owner: &[u8]) -> bool {
        let Ok(file) = self.file() else { return false };
        let endian = file.endian();
        let owner = owner.split(|&byte| byte == 0).next().unwrap_or_default();
        file.elf_program_headers().iter().any(|header| {
            let Ok(Some(mut notes)) = header.notes(endian, &**self.data) else { return false };
            std::iter::from_fn(|| notes.next().ok().flatten()).any(|note| note.name() == owner)
        })
    }

    /// Returns whether the file is a program that needs no loader.
    pub fn is_static(&self) -> bool {
        let Ok(file) = self.file() else { return false };
        let endian = file.endian();
        let has = |kind| file.elf_program_headers().iter().any(|it| it.p_type(endian) == kind);
        !has(PT_INTERP) && file.kind() != ObjectKind::Dynamic || !has(PT_DYNAMIC)
    }

    /// Returns the functions, in the order of their addresses.
    pub fn functions(&self) -> Vec<Function> {
        let Ok(file) = self.file() else { return Vec::new() };
        let mut functions: Vec<Function> = file
            .symbols()
            .chain(file.dynamic_symbols())
            .filter(|symbol| {
                matches!(kind(&symbol.flags()), STT_FUNC | STT_GNU_IFUNC) && symbol.address() != 0
            })
            .map(|symbol| Function {
                address: symbol.address(),
                size: symbol.size(),
                name: String::from_utf8_lossy(symbol.name_bytes().unwrap_or_default()).into_owned(),
            })
            .collect();
        functions.sort_by_key(|function| function.address);
        functions.dedup();
        functions
    }

    /// Returns the build id in hexadecimal digits.
    pub fn build_id(&self) -> Option<String> {
        let id = self.file().ok()?.build_id().ok()??;
        Some(id.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Returns the name of the file with debug information that `.gnu_debuglink` gives.
    pub fn debug_link(&self) -> Option<String> {
        let (name, _) = self.file().ok()?.gnu_debuglink().ok()??;
        Some(String::from_utf8_lossy(name).into_owned())
    }
}

fn kind(flags: &SymbolFlags<object::SectionIndex, object::SymbolIndex>) -> u8 {
    match flags {
        SymbolFlags::Elf { st_info, .. } => st_info & 0xf,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_this_program() -> Result {
        let elf = Elf::open(Path::new("/proc/self/exe"))?;
        assert!(elf.functions().iter().any(|function| function.name == "main"));
        assert!(!elf.is_static());
        assert_eq!(elf.symbol("no_such_symbol"), None);
        assert!(elf.symbol("main").is_some());
        Ok(())
    }

    #[test]
    fn refuses_other_files() {
        assert!(Elf::open(Path::new("/proc/self/maps")).is_err());
        assert!(Elf::open(Path::new("Cargo.toml")).is_err());
        assert!(Elf::open(Path::new("/nonexistent")).is_err());
    }
}
