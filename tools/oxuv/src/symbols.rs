//! Names of functions in a process.
//!
//! They come from the symbol tables of the mapped files, of files with debug information that belong to them,
//! and from the map that a JIT compiler writes.

use crate::elf::{Elf, Function};
use crate::process::{inner_id, proc_path, read_text, Mapping, DELETED};
use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// The symbols of a mapped file.
struct Object {
    elf: Elf,
    functions: Vec<Function>,
}

/// Finds names for addresses of a process.
pub struct Symbols {
    maps: Vec<Mapping>,
    /// Where the process's root is.
    root: PathBuf,
    /// Files that are not at the path of their mapping.
    files: HashMap<String, PathBuf>,
    objects: RefCell<HashMap<String, Option<Rc<Object>>>>,
    /// The functions of a JIT compiler.
    jit: Vec<Function>,
    /// The file that they come from, and its size then.
    jit_file: Option<(PathBuf, u64)>,
}

impl Symbols {
    /// Returns the symbols of the files in `maps`, whose paths are below `root`. `jit` is the text of a
    /// `/tmp/perf-PID.map`, or empty.
    pub fn new(maps: &[Mapping], root: PathBuf, jit: &str) -> Symbols {
        let objects = RefCell::new(HashMap::new());
        let (maps, files) = (maps.to_vec(), HashMap::new());
        Symbols { maps, root, files, objects, jit: parse_jit(jit), jit_file: None }
    }

    /// Reads these files instead of those at the paths of the mappings.
    pub fn with_files(self, files: HashMap<String, PathBuf>) -> Symbols {
        Symbols { files, ..self }
    }

    /// Returns the symbols of a process that runs.
    pub fn of_process(process: &crate::process::Process) -> Symbols {
        let pid = process.pid;
        // In its own name space the process has another number.
        let status = std::fs::read_to_string(proc_path(pid, "status")).unwrap_or_default();
        let inner = inner_id(&status).unwrap_or(pid);
        let jit = [inner, pid].iter().find_map(|pid| {
            let file = process.path(&format!("/tmp/perf-{pid}.map"));
            Some((read_text(&file).ok()?, file))
        });
        let (jit, jit_file) = jit.map_or((String::new(), None), |(text, file)| {
            let length = text.len() as u64;
            (text, Some((file, length)))
        });
        // Those that were deleted or replaced since.
        let files = process.maps.iter().filter(|mapping| mapping.path.ends_with(DELETED));
        let files = files.map(|mapping| (mapping.path.clone(), process.file(mapping))).collect();
        let symbols = Symbols::new(&process.maps, process.path("/"), &jit).with_files(files);
        Symbols { jit_file, ..symbols }
    }

    /// Returns whether the JIT compiler has made more functions since.
    pub fn is_old(&self) -> bool {
        self.jit_file.as_ref().is_some_and(|(file, length)| {
            std::fs::metadata(file).is_ok_and(|now| now.len() != *length)
        })
    }

    /// Returns the name of the function at an address; without one the file and the address in it; `[JIT]` and
    /// the address for code that no file has.
    pub fn name(&self, address: u64) -> String {
        if let Some(function) = find(&self.jit, address) {
            return function.name.clone();
        }
        let Some(mapping) = self.maps.iter().find(|mapping| mapping.contains(address)) else {
            return format!("{address:#x}");
        };
        if !mapping.is_file() {
            let what = match mapping.path.as_str() {
                "" if mapping.executable => "[JIT]",
                "" => "[memory]",
                other => other,
            };
            return format!("{what} {address:#x}");
        }
        let offset = (address - mapping.start).wrapping_add(mapping.offset);
        let place = |at: u64| format!("{}+{at:#x}", file_name(&mapping.path));
        let Some(object) = self.object(&mapping.path) else { return place(offset) };
        let Some(address) = object.elf.address_of_code(offset) else { return place(offset) };
        let function = find(&object.functions, address);
        function.map_or_else(|| place(address), |function| demangle(&function.name))
    }

    fn object(&self, path: &str) -> Option<Rc<Object>> {
        self.objects.borrow_mut().entry(path.to_owned()).or_insert_with(|| self.load(path)).clone()
    }

    fn load(&self, path: &str) -> Option<Rc<Object>> {
        let file = match self.files.get(path) {
            Some(file) => file.clone(),
            None => self.root.join(path.trim_start_matches('/')),
        };
        let elf = Elf::open(&file).ok()?;
        let mut functions = elf.functions();
        if let Some(debug) = self.debug_file(&elf, &file) {
            functions.extend(debug.functions());
            functions.sort_by_key(|function| function.address);
        }
        Some(Rc::new(Object { elf, functions }))
    }

    /// Opens the file with debug information of a stripped one: by build id, or by the name in it.
    fn debug_file(&self, elf: &Elf, file: &Path) -> Option<Elf> {
        let mut places = Vec::new();
        if let Some(id) = elf.build_id().filter(|id| id.len() > 2) {
            let (first, rest) = id.split_at(2);
            let name = format!("usr/lib/debug/.build-id/{first}/{rest}.debug");
            places.push(self.root.join(&name));
            places.push(Path::new("/").join(name));
        }
        if let (Some(name), Some(directory)) = (elf.debug_link(), file.parent()) {
            places.push(directory.join(&name));
            places.push(directory.join(".debug").join(name));
        }
        places
            .iter()
            .filter(|place| place.as_path() != file)
            .find_map(|place| Elf::open(place).ok())
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Returns the function that contains an address. One without a size reaches to the next.
fn find(functions: &[Function], address: u64) -> Option<&Function> {
    let end = functions.partition_point(|function| function.address <= address);
    // Several names may begin at one address, and one that is larger may contain a smaller one.
    functions[..end]
        .iter()
        .rev()
        .take(16)
        .find(|function| function.size == 0 || address - function.address < function.size)
}

/// Returns the name as it was written in Rust or C++.
pub fn demangle(name: &str) -> String {
    if let Ok(name) = rustc_demangle::try_demangle(name) {
        return format!("{name:#}");
    }
    if name.starts_with("_Z") {
        if let Ok(symbol) = cpp_demangle::Symbol::new(name) {
            if let Ok(name) = symbol.demangle() {
                return name;
            }
        }
    }
    // The version that a dynamic symbol has.
    name.split('@').next().unwrap_or(name).to_owned()
}

/// Parses lines of start, size, both hexadecimal, and name.
fn parse_jit(text: &str) -> Vec<Function> {
    let mut functions: Vec<Function> = text
        .lines()
        .filter_map(|line| {
            let mut fields = line.splitn(3, ' ');
            let mut number = || {
                let field = fields.next()?;
                u64::from_str_radix(field.strip_prefix("0x").unwrap_or(field), 16).ok()
            };
            let (address, size) = (number()?, number()?);
            Some(Function { address, size, name: fields.next()?.to_owned() })
        })
        .collect();
    // A later line replaces an earlier one for the same address, and `find` looks from the end.
    functions.sort_by_key(|function| function.address);
    functions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_functions_of_this_process() -> crate::error::Result {
        let this = crate::process::Process::open(std::process::id() as i32)?;
        let symbols = Symbols::of_process(&this);
        let function = demangle as fn(&str) -> String;
        assert!(symbols.name(function as usize as u64).ends_with("symbols::demangle"));
        assert_eq!(symbols.name(16), "0x10");
        Ok(())
    }

    #[test]
    fn reads_what_a_jit_wrote() {
        let jit = "1000 10 LazyCompile:~first a.js:1\n1010 20 second\nnonsense\n1000 10 third\n";
        let symbols = Symbols::new(&[], PathBuf::from("/"), jit);
        assert_eq!(symbols.name(0x1005), "third");
        assert_eq!(symbols.name(0x1010), "second");
        assert_eq!(symbols.name(0x1030), "0x1030");
    }

    #[test]
    fn demangles() {
        assert_eq!(demangle("_ZN4node7WorkReq3runEv"), "node::WorkReq::run()");
        assert_eq!(demangle("on_timer"), "on_timer");
        assert_eq!(demangle("fopen@GLIBC_2.2.5"), "fopen");
    }
}
