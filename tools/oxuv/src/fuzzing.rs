//! The functions that the targets in `fuzz/` call: each takes any bytes, and fails by a panic. `cargo test` replays
//! the inputs in `fuzz/corpus`.

use crate::core::Core;
use crate::describe::Describer;
use crate::layout::Description;
use crate::library::{self, read_struct, Library};
use crate::process::{inner_id, parse_maps, Memory, Process, Read};
use crate::ring::{self, Collector, Recording};
use crate::snapshot::Snapshot;
use crate::stats::{sample, utilization};
use crate::symbols::{demangle, Symbols};
use crate::{html, perfetto, timeline};
use std::cell::RefCell;
use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Calls `run` with the path of a file that has these bytes.
fn with_file(data: &[u8], run: impl FnOnce(&Path)) {
    // SAFETY: the name is a string, and the descriptor is this file's alone.
    let file =
        unsafe { File::from_raw_fd(libc::memfd_create(c"input".as_ptr(), libc::MFD_CLOEXEC)) };
    if file.write_all_at(data, 0).is_ok() {
        run(Path::new(&format!("/proc/self/fd/{}", file.as_raw_fd())));
    }
}

fn show(recording: &Recording) {
    let timeline = timeline::build(recording, &|address| format!("{address:#x}"));
    let _ = (html::write(&timeline), perfetto::write(&timeline));
}

/// Reads the file of a recorder and makes both kinds of trace of it.
pub fn ring_file(data: &[u8]) {
    with_file(data, |path| {
        if let Ok(recording) = ring::read_file(path) {
            show(&recording);
        }
    });
}

/// Opens a core file and looks for the library and its loops.
pub fn core_file(data: &[u8]) {
    with_file(data, |path| {
        let Ok(core) = Core::open(path, Some(path)) else { return };
        let _ = (core.replaced(Some(path)), core.cut_off());
        let found = library::find(&core, &core.maps, &|_| path.to_owned()).unwrap_or_default();
        found.iter().for_each(read_all);
        for mapping in core.maps.iter().take(16) {
            let _ = (core.u64(mapping.start), core.u64(mapping.end), core.text(mapping.start, 64));
        }
    });
}

/// Parses the map of a JIT compiler and other texts about a process.
pub fn perf_map(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let maps = parse_maps(&text);
    let symbols = Symbols::new(&[], PathBuf::from("/nonexistent"), &text);
    let mapped = Symbols::new(&maps, PathBuf::from("/nonexistent"), "");
    for at in [0, 0x1000, 0x1005, u64::MAX].into_iter().chain(maps.iter().map(|it| it.start)) {
        let _ = (symbols.name(at), mapped.name(at));
    }
    let _ = (inner_id(&text), text.lines().map(demangle).count());
}

/// The memory of a process, of which some words are not what they were.
struct Lying<'a> {
    memory: &'a dyn Memory,
    /// A byte for each reading: whether it is true, and how it is not.
    lies: RefCell<&'a [u8]>,
    /// The last address that was read.
    last: RefCell<u64>,
}

impl Memory for Lying<'_> {
    fn read(&self, address: u64, buffer: &mut [u8]) -> Read {
        self.memory.read(address, buffer)?;
        let mut lies = self.lies.borrow_mut();
        let Some((&first, rest)) = lies.split_first() else { return Ok(()) };
        *lies = rest;
        let last = self.last.replace(address);
        let value = match first {
            0..=239 => return Ok(()),
            240..=241 => 0,
            242..=243 => u64::MAX,
            244..=246 => last,
            247..=249 => address,
            250 => address + 8,
            251 => 1 << 40,
            _ => {
                let (word, rest) = lies.split_at(lies.len().min(8));
                *lies = rest;
                let mut bytes = [0; 8];
                bytes.iter_mut().zip(word).for_each(|(to, from)| *to = *from);
                u64::from_ne_bytes(bytes)
            }
        };
        buffer.iter_mut().zip(value.to_ne_bytes()).for_each(|(to, from)| *to = from);
        Ok(())
    }
}

/// Reads all that the commands read.
fn read_all(library: &Library<'_>) {
    let now = crate::target::monotonic(None);
    let symbols = Symbols::new(&[], PathBuf::from("/nonexistent"), "");
    let describer = Describer { library, symbols: &symbols, descriptors: None, now };
    let pool = library.pool().unwrap_or_default();
    let _ = describer.pool_report(&pool);
    for found in library.loops().unwrap_or_default().into_iter().take(100) {
        let _ = describer.report(found, &pool);
    }
    let (before, after) = (sample(library, now), sample(library, now + 1));
    for (before, after) in before.loops.iter().zip(&after.loops) {
        let _ = utilization(before, after);
    }
    let mut collector = Collector::default();
    collector.collect(library);
    let (streams, _) = collector.finish();
    show(&Recording { streams, ..Recording::default() });
}

/// Reads the library at `description` in this process, while some of what is read is a lie.
pub fn memory(description: u64, data: &[u8]) {
    let Ok(process) = Process::open(std::process::id() as i32) else { return };
    let snapshot = Snapshot::new(&process);
    let Ok(description) = read_struct::<Description>(&process, description) else { return };
    let lying = Lying { memory: &snapshot, lies: RefCell::new(data), last: RefCell::new(0) };
    read_all(&Library::new(&lying, description, String::new()));
}

#[cfg(test)]
#[path = "../../../fuzz/replay.rs"]
mod replay;

#[cfg(test)]
mod tests {
    use super::replay::replay;
    use super::*;

    #[test]
    fn inputs_that_the_fuzzer_kept() {
        replay("tool_ring_file", ring_file);
        replay("tool_core_file", core_file);
        replay("tool_perf_map", perf_map);
    }
}
