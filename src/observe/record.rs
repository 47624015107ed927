//! The flight recorder: rings of records, one for each loop and each thread of the pool, and one for what
//! all threads send.
//!
//! It is switched on by a reader, or by `OXUV_RECORD` in the environment: the size of a ring, such as `4M`,
//! or the path of a file, which begins with a slash. Rings in a file are still there when the process was
//! killed. They are mapped when a thread first needs one, and stay; a closed loop's serves another one.

use super::layout::{
    record, ring_kind, Record, Ring as Header, RingFile, RING_FILE_MAGIC, RING_MAGIC, VERSION,
};
use super::page;
use crate::abi::Result;
use crate::sys::{environment, fd, mapping, process, time};
use core::ffi::{c_int, CStr};
use core::mem::size_of;
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering};

/// The size of a ring in a file, and of one for which nothing was said.
const DEFAULT_SIZE: u64 = 1 << 20;
const MIN_RECORDS: u64 = 1 << 6;
const MAX_RECORDS: u64 = 1 << 24;

/// The layout of a file: the header, the mappings of the process, and the rings. What is not used
/// takes no memory.
const MAPS_AT: u64 = 4096;
const MAPS_SIZE: u64 = 1 << 18;
const RINGS_AT: u64 = MAPS_AT + MAPS_SIZE;
const STRIDE: u64 = DEFAULT_SIZE + 4096;
const RINGS_IN_FILE: u64 = 64;
const FILE_SIZE: u64 = RINGS_AT + RINGS_IN_FILE * STRIDE;

/// The file of this process, or NULL, and how many of its rings are given out.
static FILE: AtomicPtr<RingFile> = AtomicPtr::new(ptr::null_mut());
static FILE_RINGS: AtomicUsize = AtomicUsize::new(0);
/// The ring that all threads write, or NULL.
static SHARED: AtomicPtr<Header> = AtomicPtr::new(ptr::null_mut());

/// Reads the environment. Returns whether records are wanted.
pub fn init() -> bool {
    // SAFETY: no thread changes the environment while a loop is being initialised, as for getaddrinfo() and
    // other functions of the C library.
    let Some(value) = (unsafe { environment::get_secure(c"OXUV_RECORD") }) else { return false };
    let size = match value.to_bytes() {
        [b'/', ..] if open_file(value).is_ok() => DEFAULT_SIZE,
        text => parse_size(text),
    };
    page::set_ring_size(size);
    page::set_record_until(if size == 0 { 0 } else { u64::MAX });
    size != 0
}

/// Converts a size such as `65536`, `512K` or `4M`; 0 if it is none.
fn parse_size(text: &[u8]) -> u64 {
    let mut size: u64 = 0;
    for (i, byte) in text.iter().enumerate() {
        let factor = match byte {
            b'0'..=b'9' => 10,
            b'K' => 1 << 10,
            b'M' => 1 << 20,
            b'G' => 1 << 30,
            _ => return 0,
        };
        if factor != 10 && i + 1 != text.len() {
            return 0;
        }
        let digit = if factor == 10 { u64::from(byte - b'0') } else { 0 };
        size = size.saturating_mul(factor).saturating_add(digit);
    }
    size
}

/// In the child of a fork: drops the rings, which are the parent's, or copies. Returns whether the child
/// makes its own: not if the parent has a file.
pub fn after_fork_in_child() -> bool {
    SHARED.store(ptr::null_mut(), Ordering::Relaxed);
    let had_file = !FILE.swap(ptr::null_mut(), Ordering::Relaxed).is_null();
    !had_file && init()
}

// ---- rings ------------------------------------------------------------------------------------

/// A ring that one thread writes.
#[derive(Clone, Copy)]
pub struct Ring(*mut Header);

impl Ring {
    pub fn of_loop(loop_: u64, now: u64) -> Option<Ring> {
        let ring = Ring::make(ring_kind::LOOP, loop_)?;
        ring.identify(now, loop_);
        Some(ring)
    }

    pub fn of_worker(worker: page::Worker, now: u64) -> Option<Ring> {
        let place = worker.ring();
        let ring = place.load(Ordering::Relaxed);
        if ring != 0 {
            return Some(Ring(ptr::with_exposed_provenance_mut(ring as usize)));
        }
        let ring = Ring::make(ring_kind::WORKER, 0)?;
        place.store(ring.0.expose_provenance() as u64, Ordering::Relaxed);
        ring.identify(now, worker.number() as u64);
        Some(ring)
    }

    fn identify(self, time: u64, object: u64) {
        self.write([time, kinds(record::IDENTITY, 0, process::thread_id() as u32), object, 0]);
    }

    /// Returns whether this process has made it. The child of a fork has those of its parent, too, which may
    /// be in the parent's file.
    pub fn is_own(&self) -> bool {
        let address = self.0.expose_provenance() as u64;
        page::rings().iter().any(|place| place.load(Ordering::Relaxed) == address)
    }

    /// Lets another loop have the ring.
    pub fn free(self) {
        if !self.is_own() {
            return;
        }
        // SAFETY: a ring stays mapped.
        unsafe { AtomicU32::from_ptr(&raw mut (*self.0).ended) }.store(1, Ordering::Release);
    }

    /// Returns a ring with a header, the one of a closed loop if there is one.
    fn make(kind: u32, loop_: u64) -> Option<Ring> {
        let ring = Ring::ended().or_else(Ring::map)?;
        let header = ring.0;
        // SAFETY: the ring is mapped, and this thread's alone.
        unsafe {
            AtomicU64::from_ptr(&raw mut (*header).written).store(0, Ordering::Release);
            (&raw mut (*header).version).write(VERSION);
            (&raw mut (*header).kind).write(kind);
            (&raw mut (*header).loop_).write(loop_);
            (&raw mut (*header).tid).write(process::thread_id() as u32);
            process::thread_name(&mut (*header).name);
            AtomicU32::from_ptr(&raw mut (*header).ended).store(0, Ordering::Relaxed);
            // Written last: it makes the ring one.
            let magic = u64::from_ne_bytes(RING_MAGIC);
            AtomicU64::from_ptr((&raw mut (*header).magic).cast()).store(magic, Ordering::Release);
        }
        copy_maps();
        Some(ring)
    }

    fn ended() -> Option<Ring> {
        page::rings().iter().find_map(|place| {
            let ring: *mut Header =
                ptr::with_exposed_provenance_mut(place.load(Ordering::Acquire) as usize);
            if ring.is_null() {
                return None;
            }
            // SAFETY: a ring stays mapped.
            let ended = unsafe { AtomicU32::from_ptr(&raw mut (*ring).ended) };
            let taken = ended.compare_exchange(1, 2, Ordering::Acquire, Ordering::Relaxed);
            taken.is_ok().then_some(Ring(ring))
        })
    }

    /// Maps a new ring, and puts it into the page.
    fn map() -> Option<Ring> {
        let places = page::rings();
        places.iter().find(|place| place.load(Ordering::Relaxed) == 0)?;
        let (header, records) = Ring::map_memory()?;
        // SAFETY: the memory is large enough for a header.
        unsafe { (&raw mut (*header).capacity).write(records) };
        let address = header.expose_provenance() as u64;
        // Without a place left, as other threads took them, nobody will find the ring.
        let _ = places.iter().find(|place| {
            place.compare_exchange(0, address, Ordering::Release, Ordering::Relaxed).is_ok()
        });
        Some(Ring(header))
    }

    /// Returns memory for a ring, and for how many records.
    fn map_memory() -> Option<(*mut Header, u64)> {
        let wanted = match page::ring_size() {
            0 => DEFAULT_SIZE,
            size => size,
        };
        let records = (wanted / size_of::<Record>() as u64).clamp(MIN_RECORDS, MAX_RECORDS);
        let records = 1 << records.ilog2();
        let file = FILE.load(Ordering::Acquire);
        if file.is_null() {
            let size = size_of::<Header>() + records as usize * size_of::<Record>();
            return Some((mapping::anonymous(size).ok()?.cast().as_ptr(), records));
        }
        let index = FILE_RINGS.fetch_add(1, Ordering::Relaxed) as u64;
        if index >= RINGS_IN_FILE {
            return None;
        }
        // SAFETY: the file has room for so many rings.
        let header = unsafe { file.byte_add((RINGS_AT + index * STRIDE) as usize) };
        Some((header.cast(), DEFAULT_SIZE / size_of::<Record>() as u64))
    }

    /// Writes the words of a [`Record`] over the oldest.
    #[inline(always)]
    pub fn write(self, record: [u64; 4]) {
        let header = self.0;
        // SAFETY: the ring is mapped, and only this thread writes it.
        unsafe {
            let written = AtomicU64::from_ptr(&raw mut (*header).written);
            let number = written.load(Ordering::Relaxed);
            let words = record_at(header, number);
            for (i, word) in record.into_iter().enumerate() {
                AtomicU64::from_ptr(words.add(i)).store(word, Ordering::Relaxed);
            }
            written.store(number + 1, Ordering::Release);
        }
    }
}

/// Returns the place of a record.
///
/// # Safety
/// It is the header of a ring.
unsafe fn record_at(header: *mut Header, number: u64) -> *mut u64 {
    // SAFETY: the records follow the header, as many as its capacity, a power of two.
    unsafe {
        let index = number & ((&raw const (*header).capacity).read() - 1);
        header.add(1).cast::<Record>().add(index as usize).cast()
    }
}

/// Returns the second word of a [`Record`], whose flags are 0.
#[inline(always)]
pub fn kinds(kind: u8, detail: u8, extra: u32) -> u64 {
    let [a, b, c, d] = extra.to_ne_bytes();
    u64::from_ne_bytes([kind, detail, 0, 0, a, b, c, d])
}

/// Writes a record to the ring of all threads. Signal handlers may call it.
pub fn write_shared([time, kinds, object, function]: [u64; 4]) {
    let mut header = SHARED.load(Ordering::Acquire);
    if header.is_null() {
        let Some(ring) = Ring::make(ring_kind::OTHER, 0) else { return };
        let (made, none) = (ring.0, ptr::null_mut());
        header = match SHARED.compare_exchange(none, made, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => made,
            Err(theirs) => {
                ring.free();
                theirs
            }
        };
    }
    // SAFETY: the ring is mapped; its words are accessed as atomics.
    unsafe {
        let written = AtomicU64::from_ptr(&raw mut (*header).written);
        let words = record_at(header, written.fetch_add(1, Ordering::AcqRel));
        let word = |i: usize| AtomicU64::from_ptr(words.add(i));
        word(1).store(0, Ordering::Relaxed);
        for (i, value) in [(0, time), (2, object), (3, function)] {
            word(i).store(value, Ordering::Release);
        }
        word(1).store(kinds, Ordering::Release);
    }
}

// ---- the file ---------------------------------------------------------------------------------

/// Makes the file of this process.
fn open_file(path: &CStr) -> Result {
    let fd = mapping::open(path)?;
    let fd = if is_in_use(fd) {
        // A child process has inherited the variable.
        fd::close(fd)?;
        let mut own = [0; 4096];
        mapping::open(path_with_pid(path, &mut own).ok_or(crate::abi::Error::ENAMETOOLONG)?)?
    } else {
        fd
    };
    let mapped = if mapping::is_own_file(fd) {
        mapping::resize(fd, FILE_SIZE).and_then(|()| mapping::file(fd, FILE_SIZE as usize))
    } else {
        Err(crate::abi::Error::EPERM)
    };
    fd::close(fd)?;
    let file = mapped?.cast::<RingFile>().as_ptr();
    // SAFETY: the mapping is large enough, and nobody else uses it yet.
    unsafe { write_header(file) };
    FILE_RINGS.store(0, Ordering::Relaxed);
    FILE.store(file, Ordering::Release);
    Ok(())
}

/// Returns whether another process that is alive records to the file.
fn is_in_use(fd: c_int) -> bool {
    let mut start = [0; 16];
    if !fd::read_bytes(fd, &mut start).is_ok_and(|length| length == start.len()) {
        return false;
    }
    let [a, b, c, d, e, f, g, h, _, _, _, _, pid @ ..] = start;
    let pid = u32::from_ne_bytes(pid);
    [a, b, c, d, e, f, g, h] == RING_FILE_MAGIC
        && pid != process::id() as u32
        && process::kill(pid as libc::pid_t, 0) != Err(crate::abi::Error::ESRCH)
}

/// Writes `path.PID` to the buffer.
fn path_with_pid<'a>(path: &CStr, buffer: &'a mut [u8; 4096]) -> Option<&'a CStr> {
    let path = path.to_bytes();
    let (to, rest) = buffer.split_at_mut_checked(path.len())?;
    to.copy_from_slice(path);
    // A dot and the digits, the last one first.
    let mut number = process::id().unsigned_abs();
    let digits = 1 + number.checked_ilog10().unwrap_or(0) as usize;
    *rest.get_mut(digits + 1)? = 0;
    let (dot, digits) = rest.get_mut(..=digits)?.split_first_mut()?;
    *dot = b'.';
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
    CStr::from_bytes_until_nul(buffer).ok()
}

/// # Safety
/// `file` is a new mapping of the size of a file.
unsafe fn write_header(file: *mut RingFile) {
    let real = time::clock_gettime(libc::CLOCK_REALTIME).map_or(0, |now| {
        (now.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(now.tv_nsec as u64)
    });
    let mut command = [0; 16];
    process::thread_name(&mut command);
    // SAFETY: as documented. The magic is written last.
    unsafe {
        file.write(RingFile {
            magic: [0; 8],
            version: VERSION,
            pid: process::id() as u32,
            size: FILE_SIZE,
            monotonic: time::monotonic(),
            realtime: real,
            rings_at: RINGS_AT,
            ring_stride: STRIDE,
            ring_count: RINGS_IN_FILE,
            maps_at: MAPS_AT,
            maps_size: MAPS_SIZE,
            page_size: 4096,
            padding: 0,
            release: super::RELEASE,
            build: super::BUILD,
            command,
        });
        (&raw mut (*file).magic).write_volatile(RING_FILE_MAGIC);
    }
}

/// Copies the mappings of the process to the file, so that addresses can be understood later.
fn copy_maps() {
    static BUSY: AtomicBool = AtomicBool::new(false);
    let file = FILE.load(Ordering::Acquire);
    if file.is_null() || BUSY.swap(true, Ordering::Acquire) {
        return;
    }
    if let Ok(fd) = fd::open_cloexec(c"/proc/self/maps", libc::O_RDONLY) {
        // SAFETY: the file has this much room for it, which only the thread that set `BUSY` writes; a NUL
        // stays at the end.
        let mut room = unsafe {
            let start = file.cast::<u8>().add(MAPS_AT as usize);
            core::slice::from_raw_parts_mut(start, MAPS_SIZE as usize - 1)
        };
        while let Ok(length @ 1..) = fd::read_bytes(fd, room) {
            room = room.get_mut(length..).unwrap_or_default();
        }
        if let Some(end) = room.first_mut() {
            *end = 0;
        }
        let _ = fd::close(fd);
    }
    BUSY.store(false, Ordering::Release);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, size) in [
            ("4M", 4 << 20),
            ("512K", 512 << 10),
            ("65536", 65536),
            ("1G", 1 << 30),
            ("", 0),
            ("M", 0),
            ("-1", 0),
            ("4 M", 0),
            ("99999999999999999999", u64::MAX),
            ("99999999999G", u64::MAX),
        ] {
            assert_eq!(parse_size(text.as_bytes()), size, "{text}");
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "needs mmap")]
    fn a_ring_keeps_the_last_records() {
        let ring = Ring::make(ring_kind::LOOP, 0x1000).unwrap();
        // SAFETY: the ring is mapped.
        let capacity = unsafe { (*ring.0).capacity };
        assert_eq!(capacity, DEFAULT_SIZE / 32);
        for object in 0..capacity + 10 {
            ring.write([object, kinds(record::CALLBACK_BEGIN, 3, 9), object, 1]);
        }
        // SAFETY: the records are in the ring.
        unsafe {
            assert_eq!((*ring.0).written, capacity + 10);
            let at = |number| record_at(ring.0, number).cast::<Record>().read();
            assert_eq!(at(capacity + 9).object, capacity + 9);
            assert_eq!(at(10).object, 10);
            assert_eq!(
                (at(3).kind, at(3).detail, at(3).extra, at(3).time),
                (4, 3, 9, capacity + 3)
            );
        }
        ring.free();
        let again = Ring::make(ring_kind::LOOP, 0x2000).unwrap();
        assert!(ptr::eq(ring.0, again.0));
    }
}
