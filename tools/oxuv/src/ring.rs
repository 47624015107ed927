//! The rings of the flight recorder: reads them from the memory of a process or from a file.
//!
//! A ring is written while it is read, a file may be cut off, and either may contain anything. What cannot be
//! read is left out, and counted as lost.

use crate::error::{Context, Error, Result};
use crate::layout::{
    ring_kind, Record, Ring, RingFile, RINGS, RING_FILE_MAGIC, RING_MAGIC, VERSION,
};
use crate::library::{read_struct, text, Library};
use crate::process::{open_file, parse_maps, Fault, Mapping, Memory, Read};
use std::collections::HashMap;
use std::fs::File;
use std::mem::{offset_of, size_of};
use std::os::unix::fs::FileExt;
use std::path::Path;

const RECORD: u64 = size_of::<Record>() as u64;
const MAX_CAPACITY: u64 = 1 << 24;

/// The kind of a record that stands for lost ones. The library writes none of this kind.
pub const GAP: u8 = 0;

/// The records of one thread, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Stream {
    /// One of [`ring_kind`].
    pub kind: u32,
    pub loop_: u64,
    pub tid: u32,
    /// The name of the thread.
    pub name: String,
    pub records: Vec<Record>,
}

/// The recording of a process.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    pub pid: u32,
    pub command: String,
    /// CLOCK_MONOTONIC and CLOCK_REALTIME at one moment, in nanoseconds; 0 if they are not known.
    pub clocks: (u64, u64),
    /// The time of CLOCK_MONOTONIC up to which it was recorded; 0 for that of the last record.
    pub end: u64,
    pub streams: Vec<Stream>,
    pub maps: Vec<Mapping>,
    /// Sentences about what is missing.
    pub notes: Vec<String>,
}

/// Some records of a ring, and the number of the next one.
struct Part {
    header: Ring,
    records: Vec<Record>,
    lost: u64,
    next: u64,
}

/// Reads the records of a ring from number `from` on.
fn read_ring(memory: &dyn Memory, at: u64, from: u64) -> Read<Part> {
    let header = read_header(memory, at)?;
    let (capacity, written) = (header.capacity, header.written);
    // One that was given to another loop begins from 0.
    let from = if from > written { 0 } else { from };
    let first = from.max(written.saturating_sub(capacity));
    let mut records = Vec::new();
    let mut number = first;
    while number < written {
        let index = number & (capacity - 1);
        let count = (capacity - index).min(written - number).min(4096);
        let place = at.wrapping_add(size_of::<Ring>() as u64 + index * RECORD);
        for i in 0..count {
            records.push((number + i, place.wrapping_add(i * RECORD)));
        }
        number += count;
    }
    let records = read_records(memory, &records);
    let after = read_header(memory, at)?;
    if identity(&after) != identity(&header) || after.written < written {
        return Err(Fault);
    }
    // The writer may be overwriting the oldest one.
    let valid = (after.written + 1).saturating_sub(capacity);
    let known = |record: &Record| (1..=15).contains(&record.kind) && record.time != 0;
    let records: Vec<_> = records
        .into_iter()
        .filter(|(number, record)| *number >= valid && known(record))
        .map(|(_, record)| record)
        .collect();
    let lost = (written - from).saturating_sub(records.len() as u64);
    Ok(Part { header, records, lost, next: written })
}

/// Reads records at these places, many at a time. Those that cannot be read are left out.
fn read_records(memory: &dyn Memory, places: &[(u64, u64)]) -> Vec<(u64, Record)> {
    let mut records = Vec::with_capacity(places.len());
    for chunk in places.chunk_by(|a, b| a.1.wrapping_add(RECORD) == b.1) {
        let Some(&(_, start)) = chunk.first() else { continue };
        match memory.bytes(start, chunk.len() * RECORD as usize) {
            Ok(bytes) => {
                let bytes = bytes.chunks_exact(RECORD as usize);
                records.extend(chunk.iter().zip(bytes).map(|(&(n, _), it)| (n, decode(it))));
            }
            Err(Fault) => records.extend(
                chunk.iter().filter_map(|&(n, at)| Some((n, read_struct(memory, at).ok()?))),
            ),
        }
    }
    records
}

fn decode(bytes: &[u8]) -> Record {
    let word = |at: usize| {
        let mut word = [0; 8];
        word.iter_mut().zip(&bytes[at..]).for_each(|(to, from)| *to = *from);
        word
    };
    let [kind, detail, a, b, c, d, e, f] = word(8);
    Record {
        time: u64::from_ne_bytes(word(0)),
        kind,
        detail,
        flags: u16::from_ne_bytes([a, b]),
        extra: u32::from_ne_bytes([c, d, e, f]),
        object: u64::from_ne_bytes(word(16)),
        function: u64::from_ne_bytes(word(24)),
    }
}

fn read_header(memory: &dyn Memory, at: u64) -> Read<Ring> {
    let header: Ring = read_struct(memory, at)?;
    let valid = header.magic == RING_MAGIC
        && header.version == VERSION
        && header.capacity.is_power_of_two()
        && header.capacity <= MAX_CAPACITY
        && header.written < u64::MAX / 2;
    if valid {
        Ok(header)
    } else {
        Err(Fault)
    }
}

/// Returns what tells whose ring it is.
fn identity(header: &Ring) -> Identity {
    (header.kind, header.loop_, header.tid)
}

// ---- a process ----------------------------------------------------------------------------------

/// Whose a ring is: kind, loop and thread.
type Identity = (u32, u64, u32);

/// A ring that was seen: whose it was, the number of its next record, and the index of its stream.
type Known = (Identity, u64, usize);

/// Collects records of the rings of a process, again and again.
#[derive(Default)]
pub struct Collector {
    streams: Vec<Stream>,
    /// By the address of the ring.
    rings: HashMap<u64, Known>,
    lost: u64,
    count: usize,
}

impl Collector {
    /// Skips the records that were written so far.
    pub fn skip(&mut self, library: &Library<'_>) {
        for at in addresses(library) {
            if let Ok(header) = read_header(library.memory, at) {
                let stream = self.add(&header);
                self.rings.insert(at, (identity(&header), header.written, stream));
            }
        }
    }

    /// Copies the records that are new. Returns how many were collected so far.
    pub fn collect(&mut self, library: &Library<'_>) -> usize {
        for at in addresses(library) {
            let known = self.rings.get(&at).copied();
            let from = known.map_or(0, |(_, next, _)| next);
            // A ring that changes its owner meanwhile is read next time.
            let Ok(mut part) = read_ring(library.memory, at, from) else { continue };
            let owner = identity(&part.header);
            let same = known.filter(|(old, next, _)| *old == owner && *next <= part.next);
            let is_new = known.is_some() && same.is_none();
            if is_new && from != 0 {
                // Those before belong to the new owner, too.
                let Ok(whole) = read_ring(library.memory, at, 0) else { continue };
                part = whole;
            }
            let stream = same.map_or_else(|| self.add(&part.header), |(_, _, stream)| stream);
            self.rings.insert(at, (owner, part.next, stream));
            self.count += part.records.len();
            self.append(stream, part);
        }
        self.count
    }

    fn add(&mut self, header: &Ring) -> usize {
        self.streams.push(Stream {
            kind: header.kind,
            loop_: header.loop_,
            tid: header.tid,
            name: text(&header.name),
            records: Vec::new(),
        });
        self.streams.len() - 1
    }

    fn append(&mut self, stream: usize, part: Part) {
        let records = &mut self.streams[stream].records;
        if let (true, Some(first)) = (part.lost > 0, part.records.first()) {
            // A ring that has been overwritten from its beginning has lost nothing that was wanted.
            if !records.is_empty() {
                self.lost += part.lost;
            }
            records.push(gap(first.time));
        }
        records.extend(part.records);
    }

    /// Returns what was collected.
    pub fn finish(self) -> (Vec<Stream>, Option<String>) {
        let streams = self.streams.into_iter().filter(|it| !it.records.is_empty()).collect();
        let lost = (self.lost > 0).then(|| {
            let lost = self.lost;
            format!("{lost} records were overwritten before they were read; --ring makes the rings larger")
        });
        (streams, lost)
    }
}

fn gap(time: u64) -> Record {
    Record { time, kind: GAP, detail: 0, flags: 0, extra: 0, object: 0, function: 0 }
}

/// Returns the addresses of the rings of a process.
fn addresses(library: &Library<'_>) -> Vec<u64> {
    let Some(page) = library.page() else { return Vec::new() };
    let at = page.wrapping_add(offset_of!(crate::layout::Page, rings) as u64);
    let Ok(bytes) = library.memory.bytes(at, RINGS * 8) else { return Vec::new() };
    let words = bytes
        .chunks_exact(8)
        .map(|word| u64::from_ne_bytes([0, 1, 2, 3, 4, 5, 6, 7].map(|i| word[i])));
    words.filter(|&address| address != 0).collect()
}

// ---- a file -------------------------------------------------------------------------------------

/// A file as memory, whose addresses are offsets.
struct FileMemory {
    file: File,
    size: u64,
}

impl Memory for FileMemory {
    fn read(&self, address: u64, buffer: &mut [u8]) -> Read {
        if address >= self.size {
            return Err(Fault);
        }
        self.file.read_exact_at(buffer, address).map_err(|_| Fault)
    }
}

/// Reads the file that a recorder has written.
pub fn read_file(path: &Path) -> Result<Recording> {
    let name = path.display();
    let doing = format!("cannot read {name}");
    let file = open_file(path).context(&doing)?;
    let data = file.metadata().context(&doing)?;
    let memory = FileMemory { file, size: data.len() };
    let start = memory.bytes(0, 12).unwrap_or_default();
    if !start.starts_with(&RING_FILE_MAGIC) {
        return Err(Error::new(format!("{name} is not the file of a recorder (OXUV_RECORD=PATH)")));
    }
    let version = u32::from_ne_bytes([8, 9, 10, 11].map(|at| start[at]));
    if version != VERSION {
        return Err(Error::usage(format!(
            "{name} has layout {version}; this program reads layout {VERSION}"
        )));
    }
    let cut = || Error::new(format!("{name} is cut off before its first record"));
    let header: RingFile = read_struct(&memory, 0).map_err(|Fault| cut())?;
    let mut recording = Recording {
        pid: header.pid,
        command: text(&header.command),
        clocks: (header.monotonic, header.realtime),
        ..Recording::default()
    };
    if memory.size < header.size {
        let missing = header.size - memory.size;
        recording.notes.push(format!("the last {missing} bytes of the file are missing"));
    }
    read_rings(&memory, &header, &mut recording);
    if recording.streams.is_empty() {
        let what = if memory.size < header.size { "is cut off, and has" } else { "has" };
        return Err(Error::new(format!("{name} {what} no records that can be read")));
    }
    let room = header.maps_size.min(1 << 20) as usize;
    let maps = memory.text(header.maps_at, room).unwrap_or_default();
    recording.maps = parse_maps(&maps);
    Ok(recording)
}

fn read_rings(memory: &FileMemory, header: &RingFile, recording: &mut Recording) {
    let mut broken = 0;
    // Not more than a file has room for.
    let count = header.ring_count.min(memory.size / size_of::<Ring>() as u64);
    for index in 0..count {
        let place = index.checked_mul(header.ring_stride);
        let Some(at) = place.and_then(|it| it.checked_add(header.rings_at)) else { break };
        match memory.bytes(at, 8) {
            Ok(magic) if magic == RING_MAGIC => {}
            Ok(magic) if magic == [0; 8] => continue,
            Ok(_) => {
                broken += 1;
                continue;
            }
            Err(Fault) => break,
        }
        // A process that still runs may reuse it at this moment.
        let part = read_ring(memory, at, 0).or_else(|_| read_ring(memory, at, 0));
        match part {
            Ok(part) => add_part(part, recording),
            Err(Fault) => broken += 1,
        }
    }
    if broken > 0 {
        let rings = crate::names::count(broken, "ring");
        recording.notes.push(format!("{rings} of the file cannot be read"));
    }
}

fn add_part(part: Part, recording: &mut Recording) {
    let Some(first) = part.records.first() else { return };
    let mut records = Vec::with_capacity(part.records.len() + 1);
    if part.lost > 0 {
        records.push(gap(first.time));
    }
    records.extend(part.records);
    let Ring { kind, loop_, tid, name, .. } = part.header;
    recording.streams.push(Stream { kind, loop_, tid, name: text(&name), records });
}

/// Returns whether many threads write to the ring.
pub fn is_shared(stream: &Stream) -> bool {
    stream.kind == ring_kind::OTHER
}

/// Ring files for tests.
#[cfg(test)]
pub mod made {
    use super::*;
    use crate::layout::record;

    const RINGS_AT: usize = 8192;
    const STRIDE: usize = 8192;

    pub fn record(time: u64, kind: u8, detail: u8, object: u64) -> Record {
        Record { time, kind, detail, flags: 0, extra: 0, object, function: 0 }
    }

    /// A ring with room for 64 records, which `records` were written to.
    pub struct Made {
        pub kind: u32,
        pub tid: u32,
        pub records: Vec<Record>,
    }

    fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
        bytes[at..at + value.len()].copy_from_slice(value);
    }

    fn put_record(bytes: &mut [u8], at: usize, record: &Record) {
        put(bytes, at, &record.time.to_ne_bytes());
        bytes[at + 8] = record.kind;
        bytes[at + 9] = record.detail;
        put(bytes, at + 12, &record.extra.to_ne_bytes());
        put(bytes, at + 16, &record.object.to_ne_bytes());
        put(bytes, at + 24, &record.function.to_ne_bytes());
    }

    /// Returns the bytes of a file.
    pub fn file(rings: &[Made]) -> Vec<u8> {
        let size = RINGS_AT + rings.len().max(4) * STRIDE;
        let mut bytes = vec![0; size];
        let header = |field: usize, value: u64, bytes: &mut [u8]| {
            put(bytes, field, &value.to_ne_bytes());
        };
        put(&mut bytes, 0, &RING_FILE_MAGIC);
        put(&mut bytes, offset_of!(RingFile, version), &VERSION.to_ne_bytes());
        put(&mut bytes, offset_of!(RingFile, pid), &4711_u32.to_ne_bytes());
        for (field, value) in [
            (offset_of!(RingFile, size), size as u64),
            (offset_of!(RingFile, rings_at), RINGS_AT as u64),
            (offset_of!(RingFile, ring_stride), STRIDE as u64),
            (offset_of!(RingFile, ring_count), rings.len().max(4) as u64),
            (offset_of!(RingFile, maps_at), 4096),
            (offset_of!(RingFile, maps_size), 4096),
        ] {
            header(field, value, &mut bytes);
        }
        put(&mut bytes, offset_of!(RingFile, command), b"program");
        put(&mut bytes, 4096, b"1000-2000 r-xp 00000000 00:00 7 /bin/program\n");
        for (index, ring) in rings.iter().enumerate() {
            let at = RINGS_AT + index * STRIDE;
            put(&mut bytes, at, &RING_MAGIC);
            put(&mut bytes, at + offset_of!(Ring, version), &VERSION.to_ne_bytes());
            put(&mut bytes, at + offset_of!(Ring, kind), &ring.kind.to_ne_bytes());
            put(&mut bytes, at + offset_of!(Ring, tid), &ring.tid.to_ne_bytes());
            put(&mut bytes, at + offset_of!(Ring, name), b"thread");
            header(at + offset_of!(Ring, capacity), 64, &mut bytes);
            header(at + offset_of!(Ring, written), ring.records.len() as u64, &mut bytes);
            for (number, record) in ring.records.iter().enumerate() {
                put_record(&mut bytes, at + size_of::<Ring>() + number % 64 * 32, record);
            }
        }
        bytes
    }

    /// A loop that is called back by a timer every 100 ns, `count` times.
    pub fn ticks(count: u64) -> Made {
        let mut records = vec![record(1000, record::IDENTITY, 0, 0)];
        for number in 1..=count {
            let now = 1000 + 100 * number;
            records.push(record(now, record::ITERATION, 0, 0));
            records.push(record(now + 1, record::POLL_BEGIN, 0, 0));
            records.push(record(now + 50, record::POLL_END, 0, number));
            records.push(record(now + 55, record::PHASE, crate::layout::phase::TIMERS, 0));
            records.push(record(now + 60, record::CALLBACK_BEGIN, 1, 0x1000));
            records.push(record(now + 70, record::CALLBACK_END, 1, 0x1000));
        }
        Made { kind: ring_kind::LOOP, tid: 4711, records }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline;
    use made::{file, record, ticks, Made};
    use std::path::PathBuf;

    /// Writes the bytes to a file of this test and reads it.
    fn read(name: &str, bytes: &[u8]) -> Result<Recording> {
        let path = PathBuf::from(format!(
            "{}/oxuv-ring-{}-{name}",
            std::env::temp_dir().display(),
            std::process::id()
        ));
        std::fs::write(&path, bytes).context("cannot write")?;
        let result = read_file(&path);
        std::fs::remove_file(&path).context("cannot remove")?;
        result
    }

    #[test]
    fn reads_a_file() -> Result {
        let recording = read("whole", &file(&[ticks(5)]))?;
        assert_eq!((recording.pid, recording.command.as_str()), (4711, "program"));
        assert_eq!((recording.maps.len(), recording.maps[0].path.as_str()), (1, "/bin/program"));
        let [stream] = recording.streams.as_slice() else { panic!("one stream") };
        assert_eq!(stream.records, ticks(5).records);
        assert_eq!((stream.name.as_str(), stream.tid), ("thread", 4711));
        assert!(recording.notes.is_empty());
        Ok(())
    }

    #[test]
    fn drops_the_record_that_may_be_being_overwritten() -> Result {
        let all = ticks(40).records;
        let recording = read("full", &file(&[ticks(40)]))?;
        let records = &recording.streams[0].records;
        assert_eq!(records[0].kind, GAP);
        assert_eq!(records[1..], all[all.len() - 63..]);
        Ok(())
    }

    #[test]
    fn leaves_out_torn_records() -> Result {
        let mut ring = ticks(3);
        ring.records[4] = record(0, 0, 0, 0);
        ring.records[7].kind = 200;
        let recording = read("torn", &file(&[ring]))?;
        let records = &recording.streams[0].records;
        assert_eq!(records.len(), 19 - 2 + 1);
        assert_eq!(records[0].kind, GAP);
        Ok(())
    }

    #[test]
    fn says_what_is_wrong() {
        let whole = file(&[ticks(5)]);
        let says = |name: &str, bytes: &[u8]| read(name, bytes).err().map(|it| it.to_string());
        let ends = |text: Option<String>, end: &str| {
            assert!(text.as_ref().is_some_and(|it| it.ends_with(end)), "{text:?}");
        };
        ends(says("empty", b""), "is not the file of a recorder (OXUV_RECORD=PATH)");
        ends(says("start", &whole[..40]), "is cut off before its first record");
        ends(says("maps", &whole[..5000]), "is cut off, and has no records that can be read");
        ends(says("none", &file(&[])), "has no records that can be read");
        let mut other = whole.clone();
        other[8] = 99;
        ends(
            says("version", &other),
            &format!("has layout 99; this program reads layout {VERSION}"),
        );
        assert!(read_file(Path::new("/"))
            .is_err_and(|it| it.to_string() == "cannot read /: it is not a file"));
    }

    #[test]
    fn reads_what_is_left_of_a_cut_file() -> Result {
        let whole = file(&[ticks(5), ticks(5)]);
        let recording = read("cut", &whole[..8192 + 64 + 10 * 32 + 7])?;
        assert_eq!(recording.streams.len(), 1);
        assert_eq!(recording.streams[0].records[1..], ticks(5).records[..10]);
        assert_eq!(recording.notes.len(), 1);
        Ok(())
    }

    #[test]
    fn leaves_out_broken_rings() -> Result {
        let mut bytes = file(&[ticks(5), ticks(6), ticks(7)]);
        // A capacity that is no power of two, and another magic.
        bytes[8192 + offset_of!(Ring, capacity)] = 63;
        bytes[2 * 8192 + 8192] = b'x';
        let recording = read("broken", &bytes)?;
        assert_eq!(recording.streams.len(), 1);
        assert_eq!(recording.notes, ["2 rings of the file cannot be read"]);
        Ok(())
    }

    /// Overwrites bytes at random: whatever a file contains, it is read or refused.
    #[test]
    fn survives_any_bytes() {
        let worker = Made { kind: ring_kind::WORKER, tid: 5, records: ticks(9).records };
        let sends = Made { kind: ring_kind::OTHER, tid: 6, records: ticks(9).records };
        let whole = file(&[ticks(40), worker, sends]);
        let mut seed: u64 = 0x1234_5678_9abc_def1;
        let mut random = move |below: usize| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            (seed % below as u64) as usize
        };
        for round in 0..400 {
            let mut bytes = whole.clone();
            for _ in 0..1 + random(12) {
                // Half of them hit the header of the file or of a ring, or the first records.
                let near = [0, 8192, 16384, 24576][random(4)] + random(400);
                let at = if random(2) == 0 { near } else { random(bytes.len()) };
                bytes[at] = [0, 0xff, 0x80, random(256) as u8][random(4)];
            }
            if random(4) == 0 {
                bytes.truncate(random(bytes.len()));
            }
            if let Ok(recording) = read(&format!("random-{round}"), &bytes) {
                let timeline = timeline::build(&recording, &|address| format!("{address:#x}"));
                assert!(!crate::perfetto::write(&timeline).is_empty());
                if round % 16 == 0 {
                    assert!(crate::html::write(&timeline).is_ok());
                }
            }
        }
    }
}
