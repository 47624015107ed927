//! Writes a timeline as a page that needs nothing else: `trace.html` with the data in it.

use crate::error::{Error, Result};
use crate::layout::CALLBACK_NAMES;
use crate::timeline::{Counter, Timeline, Track, TrackKind};
use serde_json::{json, Value};

const PAGE: &str = include_str!("trace.html");
/// Where the page expects the data.
const PLACE: &str = "/*DATA*/ null";

/// The most slices that a browser shows with ease.
const MAX_SLICES: usize = 2_000_000;

pub fn write(timeline: &Timeline) -> Result<String> {
    let slices: usize = timeline.tracks.iter().map(|track| track.slices.len()).sum();
    if slices > MAX_SLICES {
        return Err(Error::new(format!(
            "{slices} slices are too many for a page; write a .pftrace, or record for a shorter time"
        )));
    }
    // Text that would end the script is escaped.
    let data = data(timeline).to_string().replace("</", "<\\/").replace("<!--", "<\\!--");
    Ok(PAGE.replacen(PLACE, &data, 1))
}

fn data(timeline: &Timeline) -> Value {
    let (monotonic, realtime) = timeline.clocks;
    let began = match monotonic {
        0 => 0,
        _ => timeline.start.wrapping_sub(monotonic).wrapping_add(realtime) / 1_000_000,
    };
    let start = timeline.start;
    json!({
        "pid": timeline.pid,
        "command": timeline.command,
        "began": began,
        "duration": timeline.end.saturating_sub(start),
        "names": timeline.names,
        "kinds": CALLBACK_NAMES,
        "tracks": timeline.tracks.iter().map(|it| track(it, start)).collect::<Vec<_>>(),
        "counters": timeline.counters.iter().map(|it| counter(it, start)).collect::<Vec<_>>(),
        "flows": timeline
            .flows
            .iter()
            .map(|flow| flow.places.iter().flat_map(|it| [it.track, it.slice]).collect::<Vec<_>>())
            .collect::<Vec<_>>(),
        "notes": timeline.notes,
    })
}

/// The slices as one array for each field, in base64.
fn track(track: &Track, start: u64) -> Value {
    let slices = &track.slices;
    let numbers = |field: &dyn Fn(usize) -> u64| {
        encode((0..slices.len()).flat_map(|index| (field(index) as f64).to_le_bytes()))
    };
    let words = |field: &dyn Fn(usize) -> u32| {
        encode((0..slices.len()).flat_map(|it| field(it).to_le_bytes()))
    };
    let kind = match track.kind {
        TrackKind::Loop => "loop",
        TrackKind::Worker => "worker",
        TrackKind::Sends => "sends",
    };
    let instants: Vec<_> = track
        .instants
        .iter()
        .map(|it| {
            json!([it.time.saturating_sub(start), it.name, it.object, it.extra, it.extra_name])
        })
        .collect();
    json!({
        "kind": kind,
        "title": track.title(),
        "tid": track.tid,
        "loop": format!("{:#x}", track.loop_),
        "start": numbers(&|it| slices[it].start.saturating_sub(start)),
        "duration": numbers(&|it| slices[it].end.saturating_sub(slices[it].start)),
        "object": numbers(&|it| slices[it].object),
        "waited": numbers(&|it| slices[it].waited),
        "name": words(&|it| slices[it].name),
        "what": words(&|it| slices[it].what.category() as u32),
        "depth": words(&|it| slices[it].depth),
        "detail": words(&|it| slices[it].detail),
        "cut": words(&|it| u32::from(slices[it].cut_start) | u32::from(slices[it].cut_end) << 1),
        "instants": instants,
    })
}

fn counter(counter: &Counter, start: u64) -> Value {
    json!({
        "name": counter.name,
        "track": counter.track,
        "isTime": counter.is_time,
        "times": counter.points.iter().map(|it| it.0.saturating_sub(start)).collect::<Vec<_>>(),
        "values": counter.points.iter().map(|it| it.1).collect::<Vec<_>>(),
    })
}

/// Encodes bytes in base64.
fn encode(bytes: impl Iterator<Item = u8>) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bytes: Vec<u8> = bytes.collect();
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let index = (word >> (18 - 6 * digit) & 63) as usize;
            text.push(if digit > chunk.len() { '=' } else { char::from(DIGITS[index]) });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes() {
        for (bytes, text) in
            [("", ""), ("M", "TQ=="), ("Ma", "TWE="), ("Man", "TWFu"), ("Many", "TWFueQ==")]
        {
            assert_eq!(encode(bytes.bytes()), text);
        }
    }

    #[test]
    fn text_in_the_data_does_not_end_the_script() -> Result {
        let command = "</script><!-- é";
        let timeline = Timeline { command: command.to_owned(), ..Timeline::default() };
        let page = write(&timeline)?;
        assert_eq!(page.matches("</script>").count(), PAGE.matches("</script>").count());
        assert!(page.contains("\"command\":\"<\\/script><\\!-- é\""));
        Ok(())
    }
}
