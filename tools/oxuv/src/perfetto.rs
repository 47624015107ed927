//! Writes a timeline as a Perfetto trace, <https://perfetto.dev/docs/reference/trace-packet-proto>.

use crate::layout::CALLBACK_NAMES;
use crate::timeline::{Counter, Place, Slice, Timeline, Track, TrackKind, What};
use std::collections::HashMap;

/// Fields and values of Perfetto's schema, of each message in the order of their numbers.
mod trace {
    pub const PACKET: u32 = 1;
}
mod packet {
    pub const CLOCK_SNAPSHOT: u32 = 6;
    pub const TIMESTAMP: u32 = 8;
    pub const SEQUENCE: u32 = 10;
    pub const TRACK_EVENT: u32 = 11;
    pub const INTERNED_DATA: u32 = 12;
    pub const SEQUENCE_FLAGS: u32 = 13;
    pub const DEFAULTS: u32 = 59;
    pub const TRACK_DESCRIPTOR: u32 = 60;
    pub const STATE_CLEARED: u64 = 1;
    pub const NEEDS_STATE: u64 = 2;
}
mod clock {
    pub const SNAPSHOT_CLOCKS: u32 = 1;
    pub const SNAPSHOT_PRIMARY: u32 = 2;
    pub const ID: u32 = 1;
    pub const TIMESTAMP: u32 = 2;
    pub const DEFAULT_ID: u32 = 58;
    pub const REALTIME: u64 = 1;
    pub const MONOTONIC: u64 = 3;
}
mod descriptor {
    pub const UUID: u32 = 1;
    pub const NAME: u32 = 2;
    pub const PROCESS: u32 = 3;
    pub const THREAD: u32 = 4;
    pub const PARENT: u32 = 5;
    pub const COUNTER: u32 = 8;
    pub const PROCESS_PID: u32 = 1;
    pub const PROCESS_NAME: u32 = 6;
    pub const THREAD_PID: u32 = 1;
    pub const THREAD_TID: u32 = 2;
    pub const THREAD_NAME: u32 = 5;
    pub const COUNTER_UNIT: u32 = 3;
    pub const UNIT_NS: u64 = 1;
    pub const UNIT_COUNT: u64 = 2;
}
mod event {
    pub const CATEGORIES: u32 = 3;
    pub const ANNOTATIONS: u32 = 4;
    pub const TYPE: u32 = 9;
    pub const NAME: u32 = 10;
    pub const TRACK: u32 = 11;
    pub const COUNTER_VALUE: u32 = 30;
    pub const FLOWS: u32 = 47;
    pub const BEGIN: u64 = 1;
    pub const END: u64 = 2;
    pub const INSTANT: u64 = 3;
    pub const COUNTER: u64 = 4;
    pub const ANNOTATION_UINT: u32 = 3;
    pub const ANNOTATION_INT: u32 = 4;
    pub const ANNOTATION_STRING: u32 = 6;
    pub const ANNOTATION_POINTER: u32 = 7;
    pub const ANNOTATION_NAME: u32 = 10;
}
mod interned {
    pub const CATEGORIES: u32 = 1;
    pub const NAMES: u32 = 2;
    pub const ID: u32 = 1;
    pub const TEXT: u32 = 2;
}

/// A message that is being written.
#[derive(Clone, Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn number(&mut self, field: u32, value: u64) -> &mut Message {
        self.varint(u64::from(field) << 3);
        self.varint(value);
        self
    }

    fn fixed(&mut self, field: u32, value: u64) -> &mut Message {
        self.varint(u64::from(field) << 3 | 1);
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    fn bytes(&mut self, field: u32, value: &[u8]) -> &mut Message {
        self.varint(u64::from(field) << 3 | 2);
        self.varint(value.len() as u64);
        self.0.extend_from_slice(value);
        self
    }

    fn text(&mut self, field: u32, value: &str) -> &mut Message {
        self.bytes(field, value.as_bytes())
    }

    fn message(&mut self, field: u32, value: &Message) -> &mut Message {
        self.bytes(field, &value.0)
    }
}

/// The only sequence of packets.
const SEQUENCE: u64 = 1;

struct Writer {
    trace: Message,
    /// Flows by the slice that they pass, and by the instant that they begin with.
    flows: HashMap<Place, Vec<u64>>,
}

const PROCESS: u64 = 1;

/// The track for slices, the thread's own; the first number of the tracks for counters.
fn track_id(track: usize) -> u64 {
    1000 + track as u64
}
fn counter_id(counter: usize) -> u64 {
    1_000_000 + counter as u64
}

/// Returns the bytes of a trace file.
pub fn write(timeline: &Timeline) -> Vec<u8> {
    let mut flows: HashMap<Place, Vec<u64>> = HashMap::new();
    for (index, flow) in timeline.flows.iter().enumerate() {
        for &place in &flow.places {
            flows.entry(place).or_default().push(index as u64 + 1);
        }
    }
    let mut writer = Writer { trace: Message::default(), flows };
    writer.start(timeline);
    writer.descriptors(timeline);
    writer.events(timeline);
    writer.trace.0
}

impl Writer {
    fn packet(&mut self, flags: u64, fill: impl FnOnce(&mut Message)) {
        let mut message = Message::default();
        message.number(packet::SEQUENCE, SEQUENCE);
        if flags != 0 {
            message.number(packet::SEQUENCE_FLAGS, flags);
        }
        fill(&mut message);
        self.trace.message(trace::PACKET, &message);
    }

    /// The clocks, and the names that events refer to by their index.
    fn start(&mut self, timeline: &Timeline) {
        let mut snapshot = Message::default();
        let (monotonic, realtime) = timeline.clocks;
        let both = [(clock::MONOTONIC, monotonic), (clock::REALTIME, realtime)];
        for (id, time) in both.into_iter().filter(|(_, time)| *time != 0) {
            let mut one = Message::default();
            one.number(clock::ID, id).number(clock::TIMESTAMP, time);
            snapshot.message(clock::SNAPSHOT_CLOCKS, &one);
        }
        snapshot.number(clock::SNAPSHOT_PRIMARY, clock::MONOTONIC);
        let mut names = Message::default();
        for (field, texts) in [
            (interned::CATEGORIES, What::CATEGORIES.map(str::to_owned).as_slice()),
            (interned::NAMES, timeline.names.as_slice()),
        ] {
            for (id, text) in texts.iter().enumerate() {
                let mut entry = Message::default();
                entry.number(interned::ID, id as u64 + 1).text(interned::TEXT, text);
                names.message(field, &entry);
            }
        }
        let mut defaults = Message::default();
        defaults.number(clock::DEFAULT_ID, clock::MONOTONIC);
        self.packet(packet::STATE_CLEARED, |packet| {
            packet
                .message(packet::CLOCK_SNAPSHOT, &snapshot)
                .number(clock::DEFAULT_ID, clock::MONOTONIC)
                .number(packet::TIMESTAMP, timeline.start)
                .message(packet::DEFAULTS, &defaults)
                .message(packet::INTERNED_DATA, &names);
        });
    }

    fn descriptors(&mut self, timeline: &Timeline) {
        let pid = u64::from(timeline.pid);
        let mut process = Message::default();
        process
            .number(descriptor::PROCESS_PID, pid)
            .text(descriptor::PROCESS_NAME, &timeline.command);
        let mut message = Message::default();
        message.number(descriptor::UUID, PROCESS).message(descriptor::PROCESS, &process);
        self.describe(&message);
        for (index, track) in timeline.tracks.iter().enumerate() {
            let mut message = Message::default();
            message.number(descriptor::UUID, track_id(index)).number(descriptor::PARENT, PROCESS);
            // A thread has one track of its own; further loops that it runs have others.
            let same = |it: &Track| it.tid == track.tid && it.kind != TrackKind::Sends;
            let is_first = timeline.tracks.iter().position(same) == Some(index);
            if is_first {
                let mut thread = Message::default();
                thread
                    .number(descriptor::THREAD_PID, pid)
                    .number(descriptor::THREAD_TID, u64::from(track.tid))
                    .text(descriptor::THREAD_NAME, &track.title());
                message.message(descriptor::THREAD, &thread);
            } else {
                message.text(descriptor::NAME, &track.title());
            }
            self.describe(&message);
        }
        for (index, counter) in timeline.counters.iter().enumerate() {
            let mut unit = Message::default();
            let number = if counter.is_time { descriptor::UNIT_NS } else { descriptor::UNIT_COUNT };
            unit.number(descriptor::COUNTER_UNIT, number);
            let mut message = Message::default();
            message
                .number(descriptor::UUID, counter_id(index))
                .text(descriptor::NAME, &counter.name)
                .number(descriptor::PARENT, counter.track.map_or(PROCESS, track_id))
                .message(descriptor::COUNTER, &unit);
            self.describe(&message);
        }
    }

    fn describe(&mut self, message: &Message) {
        self.packet(0, |packet| {
            packet.message(packet::TRACK_DESCRIPTOR, message);
        });
    }

    /// Writes all events, in the order of their times; those of one track in the order of nesting.
    fn events(&mut self, timeline: &Timeline) {
        let mut events: Vec<(u64, Message)> = Vec::new();
        for (index, track) in timeline.tracks.iter().enumerate() {
            self.slices(index, track, &mut events);
            for instant in &track.instants {
                let mut message = named(event::INSTANT, index, instant.name);
                annotate(&mut message, "object", Value::Pointer(instant.object));
                if instant.extra != 0 {
                    let extra = u64::from(instant.extra);
                    annotate(&mut message, instant.extra_name, Value::Count(extra));
                }
                events.push((instant.time, message));
            }
        }
        for (index, counter) in timeline.counters.iter().enumerate() {
            events.extend(points(index, counter));
        }
        events.sort_by_key(|(time, _)| *time);
        for (time, message) in events {
            self.packet(packet::NEEDS_STATE, |packet| {
                packet.number(packet::TIMESTAMP, time).message(packet::TRACK_EVENT, &message);
            });
        }
    }

    /// Adds the beginnings and ends of slices, which are in the order of their beginnings.
    fn slices(&self, index: usize, track: &Track, events: &mut Vec<(u64, Message)>) {
        let mut open: Vec<&Slice> = Vec::new();
        let end = |slice: &Slice| {
            let mut message = Message::default();
            message.number(event::TYPE, event::END).number(event::TRACK, track_id(index));
            (slice.end, message)
        };
        for (number, slice) in track.slices.iter().enumerate() {
            while open.last().is_some_and(|last| last.depth >= slice.depth) {
                events.extend(open.pop().map(end));
            }
            let place = Place { track: index as u32, slice: number as u32 };
            events.push((slice.start, self.begin(place, slice)));
            open.push(slice);
        }
        events.extend(open.into_iter().rev().map(end));
    }

    fn begin(&self, place: Place, slice: &Slice) -> Message {
        let mut message = named(event::BEGIN, place.track as usize, slice.name);
        message.number(event::CATEGORIES, slice.what.category() as u64 + 1);
        for &flow in self.flows.get(&place).into_iter().flatten() {
            message.fixed(event::FLOWS, flow);
        }
        match slice.what {
            What::Iteration | What::Phase => {}
            What::Wait => {
                annotate(&mut message, "timeout_ms", Value::Number(slice.detail as i32));
                annotate(&mut message, "events", Value::Count(slice.object));
            }
            What::Callback => {
                let kind = CALLBACK_NAMES.get(slice.detail as usize).copied().unwrap_or("");
                annotate(&mut message, "kind", Value::Text(kind));
                annotate(&mut message, "object", Value::Pointer(slice.object));
                annotate(&mut message, "function", Value::Pointer(slice.function));
                if slice.waited != 0 {
                    annotate(&mut message, "waited_since_done_ns", Value::Count(slice.waited));
                }
            }
            What::Work => {
                annotate(&mut message, "request", Value::Pointer(slice.object));
                annotate(&mut message, "queued_ns", Value::Count(slice.waited));
            }
        }
        if slice.cut_start {
            annotate(&mut message, "note", Value::Text("began before the first record"));
        }
        if slice.cut_end {
            annotate(&mut message, "note", Value::Text("had not ended at the last record"));
        }
        message
    }
}

fn named(kind: u64, track: usize, name: u32) -> Message {
    let mut message = Message::default();
    message
        .number(event::TYPE, kind)
        .number(event::TRACK, track_id(track))
        .number(event::NAME, u64::from(name) + 1);
    message
}

fn points(index: usize, counter: &Counter) -> impl Iterator<Item = (u64, Message)> + '_ {
    counter.points.iter().map(move |&(time, value)| {
        let mut message = Message::default();
        message
            .number(event::TYPE, event::COUNTER)
            .number(event::TRACK, counter_id(index))
            .number(event::COUNTER_VALUE, value);
        (time, message)
    })
}

enum Value<'a> {
    Text(&'a str),
    Pointer(u64),
    Count(u64),
    Number(i32),
}

fn annotate(message: &mut Message, name: &str, value: Value<'_>) {
    let mut annotation = Message::default();
    annotation.text(event::ANNOTATION_NAME, name);
    match value {
        Value::Text(text) => annotation.text(event::ANNOTATION_STRING, text),
        Value::Pointer(address) => annotation.number(event::ANNOTATION_POINTER, address),
        Value::Count(count) => annotation.number(event::ANNOTATION_UINT, count),
        // A negative number is written as one of 64 bits.
        Value::Number(number) => annotation.number(event::ANNOTATION_INT, i64::from(number) as u64),
    };
    message.message(event::ANNOTATIONS, &annotation);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_fields() {
        let mut message = Message::default();
        message.number(1, 300).text(2, "ab").fixed(47, 1);
        let bytes = [8, 0xac, 2, 0x12, 2, b'a', b'b', 0xf9, 2, 1, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(message.0, bytes);
    }
}
