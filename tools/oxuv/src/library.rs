//! The library in a process: where it is, and its loops, handles, requests and pool.

use crate::elf::Elf;
use crate::error::{Error, Result};
use crate::layout::{self, Description, LoopSlot, Offsets, Page, WorkerSlot};
use crate::process::{field, Fault, Mapping, Memory, Read};
use std::cell::Cell;
use std::collections::HashSet;
use std::mem::{offset_of, size_of, MaybeUninit};
use std::path::{Path, PathBuf};

/// A struct of the layout, which any bytes are a valid value of.
///
/// # Safety
/// It consists of integers, arrays of them, and raw pointers.
pub unsafe trait Plain: Copy {}
// SAFETY: as the trait demands.
unsafe impl Plain for Description {}
// SAFETY: as the trait demands.
unsafe impl Plain for LoopSlot {}
// SAFETY: as the trait demands.
unsafe impl Plain for WorkerSlot {}
// SAFETY: as the trait demands.
unsafe impl Plain for layout::Ring {}
// SAFETY: as the trait demands.
unsafe impl Plain for layout::Record {}
// SAFETY: as the trait demands.
unsafe impl Plain for layout::RingFile {}

/// Reads a struct.
pub fn read_struct<T: Plain>(memory: &dyn Memory, address: u64) -> Read<T> {
    let bytes = memory.bytes(address, size_of::<T>())?;
    let mut value = MaybeUninit::<T>::uninit();
    // SAFETY: the bytes are as many as the struct has, and any are a valid value of a `Plain` one.
    unsafe {
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), value.as_mut_ptr().cast(), bytes.len());
        Ok(value.assume_init())
    }
}

/// Returns the number of an address.
pub fn number(address: layout::Address) -> u64 {
    address.0.addr() as u64
}

/// Returns the text before the first NUL.
pub fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

/// The most elements of a list that are followed. A list that is longer is taken for a broken one.
const MANY: usize = 1 << 20;

/// The most elements of all lists in one reading: lists of broken memory may share elements.
const ALL: usize = 1 << 22;

/// One copy of the library in a process.
pub struct Library<'a> {
    pub memory: &'a dyn Memory,
    pub description: Description,
    /// The file that contains it.
    pub path: String,
    /// The number of elements that this reading may still follow.
    left: Cell<usize>,
}

/// Finds the copies of the library. `open` returns where a mapped file can be read.
pub fn find<'a>(
    memory: &'a dyn Memory,
    maps: &[Mapping],
    open: &dyn Fn(&Mapping) -> PathBuf,
) -> Result<Vec<Library<'a>>> {
    let mut found = Vec::new();
    let mut other_version = None;
    for address in addresses(memory, maps, open) {
        let mapping = maps.iter().find(|mapping| mapping.contains(address));
        let path = mapping.map_or_else(String::new, |mapping| mapping.path.clone());
        match describe(memory, address) {
            Ok(Some(description)) => found.push(Library::new(memory, description, path)),
            Ok(None) => {}
            Err(error) => other_version = Some(error),
        }
    }
    match other_version {
        Some(error) if found.is_empty() => Err(error),
        _ => Ok(found),
    }
}

/// Reads the description at an address. Returns nothing if there is none, and an error if it has another
/// version.
fn describe(memory: &dyn Memory, address: u64) -> Result<Option<Description>> {
    // The fields before the addresses are the same in all versions.
    const START: usize = offset_of!(Description, active);
    let Ok(start) = memory.bytes(address, START) else { return Ok(None) };
    if start[..8] != layout::DESCRIPTION_MAGIC {
        return Ok(None);
    }
    let word = |at: usize| u32::from_ne_bytes([0, 1, 2, 3].map(|byte| start[at + byte]));
    let version = word(offset_of!(Description, version));
    let size = word(offset_of!(Description, size)) as usize;
    if version != layout::VERSION || size != size_of::<Description>() {
        let release = text(&start[offset_of!(Description, release)..][..16]);
        return Err(Error::usage(format!(
            "the process runs on oxuv {release}, whose state has layout {version}; this program reads \
             layout {} (of oxuv {})",
            layout::VERSION,
            env!("CARGO_PKG_VERSION"),
        )));
    }
    Ok(read_struct(memory, address).ok())
}

/// Returns where descriptions may be.
fn addresses(
    memory: &dyn Memory,
    maps: &[Mapping],
    open: &dyn Fn(&Mapping) -> PathBuf,
) -> Vec<u64> {
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for mapping in maps.iter().filter(|mapping| mapping.is_file() && mapping.executable) {
        if !seen.insert((&mapping.path, mapping.inode)) {
            continue;
        }
        let file = open(mapping);
        match Elf::open(&file) {
            Ok(_) if !contains(&file) => {}
            Ok(elf) => match elf.symbol(SYMBOL).and_then(|it| relocate(&elf, mapping, it)) {
                Some(address) => found.push(address),
                None => found.extend(search(memory, maps, mapping)),
            },
            // The file was deleted or replaced.
            Err(_) => found.extend(search(memory, maps, mapping)),
        }
    }
    found
}

const SYMBOL: &str = "oxuv_debug";

/// Returns whether a file contains the library, as far as that can be seen.
pub fn contains(file: &Path) -> bool {
    let Ok(elf) = Elf::open(file) else {
        // A file that was deleted is searched in memory.
        return file.to_string_lossy().contains("map_files");
    };
    elf.has_note(&layout::NOTE_NAME) || elf.symbol(SYMBOL).is_some()
}

/// Returns the address in the process of an address in the file that is mapped.
fn relocate(elf: &Elf, mapping: &Mapping, address: u64) -> Option<u64> {
    let start = elf.address_of_code(mapping.offset)?;
    Some(mapping.start.wrapping_sub(start).wrapping_add(address))
}

/// The most bytes of one mapping that are searched.
const SEARCHED: u64 = 64 << 20;

/// Searches the data of a file in memory for the magic of a description.
fn search(memory: &dyn Memory, maps: &[Mapping], file: &Mapping) -> Vec<u64> {
    let mut found = Vec::new();
    let data = maps.iter().filter(|mapping| {
        (&mapping.path, mapping.inode) == (&file.path, file.inode) && !mapping.executable
    });
    for mapping in data {
        let size = mapping.end.saturating_sub(mapping.start).min(SEARCHED) as usize;
        let Ok(bytes) = memory.bytes(mapping.start, size) else { continue };
        let places = bytes.chunks_exact(8).enumerate();
        found.extend(
            places
                .filter(|(_, chunk)| *chunk == layout::DESCRIPTION_MAGIC)
                .map(|(index, _)| mapping.start + 8 * index as u64),
        );
    }
    found
}

/// A loop of the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loop {
    /// The `uv_loop_t`.
    pub at: u64,
    /// The part of its state that is elsewhere.
    pub state: u64,
}

/// A handle, by its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handle {
    pub at: u64,
    /// libuv's `uv_handle_type`.
    pub kind: u32,
    pub flags: u32,
    pub number: u64,
}

/// A work that the pool knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work {
    /// The request that contains it, or the context of a path that is polled.
    pub object: u64,
    /// The kind of work: [`layout::Work`].
    pub kind: u8,
    /// The callback that follows: [`layout::Callback`].
    pub callback: u8,
    /// The loop that submitted it.
    pub loop_: u64,
}

/// A thread of the pool.
#[derive(Clone, Copy, Debug)]
pub struct Worker {
    pub tid: i32,
    pub work: Option<Work>,
    /// When the work began, in nanoseconds; 0 if that is unknown.
    pub since: u64,
}

/// The pool.
#[derive(Clone, Debug, Default)]
pub struct Pool {
    pub workers: Vec<Worker>,
    /// The limit of threads; 0 if the pool was not used yet.
    pub limit: u64,
    pub queued: Vec<Work>,
}

impl<'a> Library<'a> {
    pub fn new(memory: &'a dyn Memory, description: Description, path: String) -> Library<'a> {
        Library { memory, description, path, left: Cell::new(ALL) }
    }

    /// Counts an element of a list with `length` elements before it.
    fn follow(&self, length: usize) -> Read {
        let left = self.left.get().checked_sub(1).filter(|_| length < MANY).ok_or(Fault)?;
        self.left.set(left);
        Ok(())
    }

    pub fn offsets(&self) -> &Offsets {
        &self.description.offsets
    }

    /// Returns the version and the commit.
    pub fn version(&self) -> String {
        let (release, build) = (text(&self.description.release), text(&self.description.build));
        format!("{release} (commit {build})")
    }

    /// Follows a list from its head. Each element must point back to the one before.
    fn list(&self, head: u64) -> Read<Vec<u64>> {
        let link = &self.offsets().link;
        let (next, prev) = (link.next, link.prev);
        let mut elements = Vec::new();
        let mut before = head;
        loop {
            let at = self.memory.u64(field(before, next))?;
            if at == head || at == 0 && elements.is_empty() {
                return Ok(elements);
            }
            self.follow(elements.len())?;
            if at % 8 != 0 || self.memory.u64(field(at, prev))? != before {
                return Err(Fault);
            }
            elements.push(at);
            before = at;
        }
    }

    /// Follows a chain of links from its newest element.
    fn chain(&self, first: u64, next: u32) -> Read<Vec<u64>> {
        let mut elements = Vec::new();
        let mut at = first;
        // An element that is met again is one of a circle. Brent's algorithm: the one to meet is at a power of two.
        let mut mark = 0;
        // A sentinel is no address.
        while at > 1 {
            self.follow(elements.len())?;
            if at % 8 != 0 || at == mark {
                return Err(Fault);
            }
            if elements.len().is_power_of_two() {
                mark = at;
            }
            elements.push(at);
            let after = self.memory.u64(field(at, next))?;
            // A closing handle that was initialised again points to itself.
            at = if after == at { 0 } else { after };
        }
        Ok(elements)
    }

    /// Returns the loops of the process, oldest first.
    pub fn loops(&self) -> Read<Vec<Loop>> {
        self.left.set(ALL);
        let state = &self.offsets().state.entry;
        let links = self.list(number(self.description.loops))?;
        let mut loops = Vec::new();
        for link in links {
            let state_at = link.wrapping_sub(u64::from(state.link));
            let at = self.memory.u64(field(state_at, state.loop_))?;
            // The program may have freed a loop that it did not close.
            let back = self.memory.u64(field(at, self.offsets().event_loop.state));
            if back == Ok(state_at) {
                loops.push(Loop { at, state: state_at });
            }
        }
        Ok(loops)
    }

    /// Returns the handles of a loop, oldest first.
    pub fn handles(&self, of: Loop) -> Read<Vec<Handle>> {
        let links = self.list(field(of.at, self.offsets().event_loop.handles))?;
        let all = u64::from(self.offsets().handle.all);
        links.into_iter().map(|link| self.handle(link.wrapping_sub(all))).collect()
    }

    /// Reads the common part of a handle.
    pub fn handle(&self, at: u64) -> Read<Handle> {
        let fields = &self.offsets().handle;
        Ok(Handle {
            at,
            kind: self.memory.u32(field(at, fields.kind))?,
            flags: self.memory.u32(field(at, fields.flags))?,
            number: self.memory.u64(field(at, fields.number))?,
        })
    }

    /// Returns the number of handles whose close callback is to be called.
    pub fn closing(&self, of: Loop) -> Read<usize> {
        let next = self.offsets().handle.next_closing;
        let waiting = self.memory.u64(field(of.at, self.offsets().event_loop.closing))?;
        let current = self.memory.u64(field(of.state, self.offsets().state.closing))?;
        Ok(self.chain(waiting, next)?.len() + self.chain(current, next)?.len())
    }

    /// Returns the requests in a list whose links are `offset` bytes into them.
    pub fn requests(&self, head: u64, offset: u32) -> Read<Vec<u64>> {
        let links = self.list(head)?;
        Ok(links.into_iter().map(|link| link.wrapping_sub(u64::from(offset))).collect())
    }

    /// Returns work of a loop that is done and was not called back yet.
    pub fn finished(&self, of: Loop) -> Read<Vec<Work>> {
        let newest = self.memory.u64(field(of.at, self.offsets().event_loop.done))?;
        let mut links = self.chain(newest, self.offsets().link.next)?;
        links.extend(self.list(field(of.state, self.offsets().state.works))?);
        Ok(links.into_iter().filter_map(|link| self.linked_work(link).ok()).collect())
    }

    fn linked_work(&self, link: u64) -> Read<Work> {
        self.work(link.wrapping_sub(u64::from(self.offsets().work.link)))
    }

    /// Reads what a work is of.
    fn work(&self, at: u64) -> Read<Work> {
        let (work, task) = (&self.offsets().work, &self.offsets().task);
        let task_at = self.memory.u64(field(at, work.task))?;
        let mailbox = self.memory.u64(field(at, work.mailbox))?;
        let offset = self.memory.u32(field(task_at, task.offset))?;
        Ok(Work {
            object: at.wrapping_sub(u64::from(offset)),
            kind: self.memory.u8(field(task_at, task.kind))?,
            callback: self.memory.u8(field(task_at, task.callback))?,
            loop_: mailbox.wrapping_sub(u64::from(work.mailbox_in_loop)),
        })
    }

    /// Returns the threads of the pool, and the work that waits for them.
    pub fn pool(&self) -> Read<Pool> {
        self.left.set(ALL);
        let pool = &self.description.pool;
        let mut links =
            self.chain(self.memory.u64(number(pool.inbox))?, self.offsets().link.next)?;
        links.reverse();
        let state = self.memory.u64(number(pool.state))?;
        if state != 0 {
            let offsets = &self.offsets().pool;
            let mut queued = self.list(field(state, offsets.queue))?;
            queued.append(&mut links);
            queued.extend(self.list(field(state, offsets.slow_queue))?);
            links = queued;
        }
        Ok(Pool {
            workers: self.workers(),
            limit: self.memory.u64(number(pool.limit))?,
            queued: links.into_iter().filter_map(|link| self.linked_work(link).ok()).collect(),
        })
    }

    /// Returns how much work waits for a thread of the pool. The pool counts what is in its queues, but not what has
    /// been submitted while all threads were busy.
    pub fn queued(&self) -> Read<u64> {
        self.left.set(ALL);
        let pool = &self.description.pool;
        let inbox = || self.chain(self.memory.u64(number(pool.inbox))?, self.offsets().link.next);
        // A thread that takes the work meanwhile changes the list.
        let submitted = (0..10).find_map(|_| inbox().ok()).ok_or(Fault)?;
        Ok(self.memory.u64(number(pool.queued))?.saturating_add(submitted.len() as u64))
    }

    /// Returns the address of the page, if its header is valid.
    pub fn page(&self) -> Option<u64> {
        let at = number(self.description.page);
        let start = self.memory.bytes(at, 8).ok()?;
        let version = self.memory.u32(field(at, offset_of!(Page, version) as u32)).ok()?;
        (start == layout::PAGE_MAGIC && version == layout::VERSION).then_some(at)
    }

    fn workers(&self) -> Vec<Worker> {
        let Some(page) = self.page() else { return Vec::new() };
        let first = page.wrapping_add(offset_of!(Page, workers) as u64);
        let slots = (0..layout::WORKER_SLOTS as u64).map_while(|index| {
            let at = first.wrapping_add(index * size_of::<WorkerSlot>() as u64);
            read_struct::<WorkerSlot>(self.memory, at).ok().filter(|slot| slot.tid != 0)
        });
        slots
            .map(|slot| Worker {
                tid: slot.tid as i32,
                work: Some(slot.work).filter(|&work| work != 0).and_then(|at| self.work(at).ok()),
                since: slot.since,
            })
            .collect()
    }

    /// Returns the statistics of a loop.
    pub fn slot(&self, of: Loop) -> Option<LoopSlot> {
        let first = self.page()?.wrapping_add(offset_of!(Page, loops) as u64);
        (0..layout::LOOP_SLOTS as u64).find_map(|index| {
            let at = first.wrapping_add(index * size_of::<LoopSlot>() as u64);
            let owner = self.memory.u64(field(at, offset_of!(LoopSlot, loop_) as u32)).ok()?;
            if owner != of.at {
                return None;
            }
            read_struct::<LoopSlot>(self.memory, at).ok()
        })
    }
}
