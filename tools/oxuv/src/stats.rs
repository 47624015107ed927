//! Statistics of loops and pool, read twice, and what happened in between.

use crate::error::Result;
use crate::layout::{self, LoopSlot, Page, WorkerSlot, BUCKETS};
use crate::library::{read_struct, Library, Loop};
use crate::page;
use crate::process::{field, Process};
use std::mem::{offset_of, size_of};

const MS: u64 = 1_000_000;

/// A loop at one moment. Times are in nanoseconds.
pub struct LoopSample {
    pub of: Loop,
    pub tid: i32,
    pub running: bool,
    pub time: u64,
    pub waited: u64,
    pub iterations: u64,
    pub events: u64,
    /// For how long it has not looked for events.
    pub delay: u64,
    /// Missing until the loop has run since statistics were switched on.
    pub slot: Option<Box<LoopSlot>>,
}

/// The loops and the pool at one moment.
pub struct Sample {
    pub loops: Vec<LoopSample>,
    pub workers: Vec<WorkerSlot>,
    pub queued: u64,
}

/// Asks for statistics until a moment. A process whose loops have not run yet has none.
pub fn ask(process: &Process, library: &Library<'_>, until: u64) -> Result {
    match library.page() {
        Some(_) => page::keep_statistics(process, library, until),
        None => Ok(()),
    }
}

/// Reads everything at the moment `now`, of the process's CLOCK_MONOTONIC.
pub fn sample(library: &Library<'_>, now: u64) -> Sample {
    let loops = library.loops().unwrap_or_default();
    Sample {
        loops: loops.into_iter().filter_map(|of| sample_loop(library, of, now)).collect(),
        workers: workers(library),
        queued: library.queued().unwrap_or_default(),
    }
}

fn sample_loop(library: &Library<'_>, of: Loop, now: u64) -> Option<LoopSample> {
    let memory = library.memory;
    let (fields, state) = (&library.offsets().event_loop, &library.offsets().state);
    let running = memory.u8(field(of.state, state.running)).ok()? != 0;
    let waited = memory.u64(field(of.state, state.waited_ms)).ok()?;
    let time = memory.u64(field(of.at, fields.now)).ok()?.saturating_mul(MS);
    // While the loop waits, the time when that began is subtracted.
    let waits = waited > u64::MAX / 2;
    let waited = if waits { waited.wrapping_add(now / MS) } else { waited };
    Some(LoopSample {
        of,
        tid: memory.i32(field(of.state, state.entry.tid)).ok()?,
        running,
        time: now,
        waited: waited.saturating_mul(MS),
        iterations: memory.u64(field(of.at, fields.iterations)).ok()?,
        events: memory.u64(field(of.at, fields.events)).ok()?,
        delay: if waits || !running { 0 } else { now.saturating_sub(time) },
        slot: slot(library, of).filter(|slot| slot.since > 0),
    })
}

/// Reads the slot of a loop while its thread does not write it.
fn slot(library: &Library<'_>, of: Loop) -> Option<Box<LoopSlot>> {
    let memory = library.memory;
    let first = field(library.page()?, offset_of!(Page, loops) as u32);
    let places =
        (0..layout::LOOP_SLOTS).map(|it| field(first, (it * size_of::<LoopSlot>()) as u32));
    let at = places
        .into_iter()
        .find(|&at| memory.u64(field(at, offset_of!(LoopSlot, loop_) as u32)) == Ok(of.at))?;
    for _ in 0..100 {
        let slot: LoopSlot = read_struct(memory, at).ok()?;
        let sequence = memory.u64(field(at, offset_of!(LoopSlot, sequence) as u32)).ok()?;
        if slot.sequence % 2 == 0 && slot.sequence == sequence {
            return Some(Box::new(slot));
        }
    }
    None
}

fn workers(library: &Library<'_>) -> Vec<WorkerSlot> {
    let Some(page) = library.page() else { return Vec::new() };
    let first = field(page, offset_of!(Page, workers) as u32);
    let slots = (0..layout::WORKER_SLOTS).map_while(|index| {
        let at = field(first, (index * size_of::<WorkerSlot>()) as u32);
        read_struct::<WorkerSlot>(library.memory, at).ok().filter(|slot| slot.tid != 0)
    });
    slots.collect()
}

/// A histogram of delays.
pub struct Delays(pub [u64; BUCKETS]);

impl Delays {
    /// Returns what was counted between two slots of one loop, or since the statistics of the second began.
    pub fn between(before: Option<&LoopSlot>, after: &LoopSlot) -> Delays {
        let before =
            before.filter(|it| it.since == after.since).map_or([0; BUCKETS], |it| it.delays);
        Delays(std::array::from_fn(|it| after.delays[it].saturating_sub(before[it])))
    }

    pub fn count(&self) -> u64 {
        self.0.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Returns the delay in nanoseconds that this share of all does not exceed.
    pub fn quantile(&self, share: f64) -> u64 {
        let rank = (self.count() as f64 * share).ceil() as u64;
        let mut sum = 0u64;
        for (bucket, count) in self.0.iter().enumerate() {
            sum = sum.saturating_add(*count);
            if sum >= rank.max(1) {
                return layout::bucket_start((bucket + 1).min(BUCKETS - 1));
            }
        }
        0
    }

    /// Returns the mean, with the middle of each bucket for its delays.
    pub fn mean(&self) -> f64 {
        let sum = self.0.iter().enumerate().fold(0.0, |sum, (bucket, count)| {
            let end = layout::bucket_start((bucket + 1).min(BUCKETS - 1));
            let middle = (layout::bucket_start(bucket) + end) as f64 / 2.0;
            sum + middle * *count as f64
        });
        sum / self.count().max(1) as f64
    }
}

/// Returns the share of the time between two samples in which the loop did not wait.
pub fn utilization(before: &LoopSample, after: &LoopSample) -> f64 {
    let time = after.time.saturating_sub(before.time).max(1) as f64;
    let waited = after.waited.saturating_sub(before.waited) as f64;
    (1.0 - waited / time).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_quantiles() {
        let mut delays = Delays([0; BUCKETS]);
        assert_eq!((delays.quantile(0.5), delays.count()), (0, 0));
        delays.0[layout::bucket(2_000_000)] = 90;
        delays.0[layout::bucket(300_000_000)] = 10;
        let near = |value: u64, expected: f64| (value as f64 / expected - 1.0).abs() < 0.13;
        assert!(near(delays.quantile(0.5), 2e6) && near(delays.quantile(0.9), 2e6));
        assert!(near(delays.quantile(0.99), 3e8) && near(delays.mean() as u64, 3.18e7));
    }
}
