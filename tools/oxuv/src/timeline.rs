//! Makes a timeline of records: what each thread did from when to when, and what followed from it.

use crate::layout::{phase, record, ring_kind, Callback, Record, Work, CALLBACK_NAMES, WORK_NAMES};
use crate::names;
use crate::ring::{self, Recording, Stream};
use std::collections::HashMap;

/// A timeline. Times are of CLOCK_MONOTONIC, in nanoseconds.
#[derive(Debug, Default)]
pub struct Timeline {
    pub pid: u32,
    pub command: String,
    pub clocks: (u64, u64),
    pub start: u64,
    pub end: u64,
    /// Slices and instants refer to their names by the index.
    pub names: Vec<String>,
    pub tracks: Vec<Track>,
    pub counters: Vec<Counter>,
    pub flows: Vec<Flow>,
    pub notes: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrackKind {
    Loop,
    Worker,
    /// Sends to async handles.
    Sends,
}

#[derive(Debug)]
pub struct Track {
    pub kind: TrackKind,
    pub tid: u32,
    pub loop_: u64,
    /// The name of the thread.
    pub thread: String,
    /// In the order of their beginnings; of those that begin at one time, the outer first.
    pub slices: Vec<Slice>,
    pub instants: Vec<Instant>,
}

impl Track {
    pub fn title(&self) -> String {
        let (thread, tid) = (&self.thread, self.tid);
        match self.kind {
            TrackKind::Loop => format!("loop {thread} {tid}"),
            TrackKind::Worker => format!("worker {tid}"),
            TrackKind::Sends => "async sends".to_owned(),
        }
    }
}

/// The content of a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Iteration,
    Phase,
    /// `detail` is the timeout as `i32`, `object` the number of events that came.
    Wait,
    /// `detail` is the kind; `waited` the time since the work was done.
    Callback,
    /// `detail` is the kind; `waited` the time in the queue.
    Work,
}

impl What {
    pub const CATEGORIES: [&'static str; 5] = ["iteration", "phase", "wait", "callback", "work"];

    /// Returns the index of the category.
    pub fn category(self) -> usize {
        match self {
            What::Iteration => 0,
            What::Phase => 1,
            What::Wait => 2,
            What::Callback => 3,
            What::Work => 4,
        }
    }

    /// Whether the thread is in it until its end was recorded. The end of the others is that of their contents.
    fn has_end(self) -> bool {
        matches!(self, What::Wait | What::Callback | What::Work)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    pub what: What,
    pub start: u64,
    pub end: u64,
    /// 0 for iterations, 1 for phases and waits, 2 and more for callbacks; 0 on workers.
    pub depth: u32,
    pub name: u32,
    pub detail: u32,
    pub object: u64,
    pub function: u64,
    /// A time before the slice, in nanoseconds; 0 if it is not known.
    pub waited: u64,
    /// It began before the first record, or had not ended at the last one.
    pub cut_start: bool,
    pub cut_end: bool,
}

/// Something without a duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instant {
    pub time: u64,
    pub name: u32,
    pub object: u64,
    pub extra: u32,
    pub extra_name: &'static str,
}

/// A value that changes: of the track of a loop, or of the process.
#[derive(Debug)]
pub struct Counter {
    pub name: String,
    pub track: Option<usize>,
    pub is_time: bool,
    pub points: Vec<(u64, u64)>,
}

/// A slice of a track.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    pub track: u32,
    pub slice: u32,
}

/// Slices that follow from each other: the callback that submitted something, the worker, the answer's callback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    pub places: Vec<Place>,
}

/// Makes the timeline. `name` returns the name of the function at an address.
pub fn build(recording: &Recording, name: &dyn Fn(u64) -> String) -> Timeline {
    let mut order: Vec<(u64, u32, u32)> = Vec::new();
    for (stream, it) in recording.streams.iter().enumerate() {
        let mut latest = 0;
        for (index, record) in it.records.iter().enumerate() {
            // A thread's records are in order, whatever their times say.
            latest = if ring::is_shared(it) { record.time } else { record.time.max(latest) };
            order.push((latest, stream as u32, index as u32));
        }
    }
    order.sort_by_key(|&(time, ..)| time);
    let end = order.last().map_or(0, |&(time, ..)| time).max(recording.end);
    let mut builder = Builder::new(recording, name);
    for (time, stream, index) in order {
        let record = recording.streams[stream as usize].records[index as usize];
        builder.add(stream as usize, &Record { time, ..record });
    }
    builder.finish(recording, end)
}

/// A request that the pool has, or that waits for its callback.
#[derive(Default)]
struct Pending {
    detail: u8,
    operation: u32,
    queued: u64,
    started: u64,
    done: u64,
    places: Vec<Place>,
}

/// The state of a track while it is made.
#[derive(Default)]
struct Threads {
    /// Indexes of the slices that are open, the innermost last.
    open: Vec<usize>,
    last: u64,
    /// Since when records are complete: the first one, or the first after a gap.
    since: u64,
    /// The first slice since then; and whether a callback that began before it may still run.
    first: usize,
    may_be_inside: bool,
    /// The latest wait, and the number of events before it.
    wait: Option<(usize, u64)>,
    /// When the latest wait ended.
    busy_since: Option<u64>,
    delays: Vec<(u64, u64)>,
}

struct Builder<'a> {
    timeline: Timeline,
    state: Vec<Threads>,
    /// The track of each thread, by its tid.
    by_tid: HashMap<u32, usize>,
    texts: HashMap<String, u32>,
    /// Names of functions, and of callbacks by kind, operation and function.
    functions: HashMap<u64, String>,
    labels: HashMap<(u8, u32, u64), u32>,
    resolve: &'a dyn Fn(u64) -> String,
    work: HashMap<u64, Pending>,
    writes: HashMap<u64, (u64, Option<Place>)>,
    sends: HashMap<u64, Option<Place>>,
    queue: (u64, Vec<(u64, u64)>),
    busy: (u64, Vec<(u64, u64)>),
}

impl<'a> Builder<'a> {
    fn new(recording: &Recording, resolve: &'a dyn Fn(u64) -> String) -> Builder<'a> {
        let tracks: Vec<_> = recording.streams.iter().map(track_of).collect();
        let threads = tracks.iter().enumerate().rev();
        let threads = threads.filter(|(_, track)| track.kind != TrackKind::Sends);
        let by_tid = threads.map(|(index, track)| (track.tid, index)).collect();
        let state = tracks.iter().map(|_| Threads::default()).collect();
        let timeline = Timeline {
            pid: recording.pid,
            command: recording.command.clone(),
            clocks: recording.clocks,
            notes: recording.notes.clone(),
            tracks,
            ..Timeline::default()
        };
        Builder {
            timeline,
            state,
            by_tid,
            texts: HashMap::new(),
            functions: HashMap::new(),
            labels: HashMap::new(),
            resolve,
            work: HashMap::new(),
            writes: HashMap::new(),
            sends: HashMap::new(),
            queue: (0, Vec::new()),
            busy: (0, Vec::new()),
        }
    }

    fn add(&mut self, track: usize, record: &Record) {
        let now = record.time;
        if self.timeline.start == 0 {
            self.timeline.start = now;
        }
        if self.state[track].since == 0 {
            self.restart(track, now);
        }
        match record.kind {
            ring::GAP => self.gap(track, now),
            record::ITERATION => {
                self.close_to(track, 0);
                let name = self.text("iteration");
                self.open(track, slice(What::Iteration, record, 0, name));
            }
            record::PHASE => {
                self.close_to(track, 1);
                let name = self.text(phase_name(record.detail));
                self.open(track, slice(What::Phase, record, 1, name));
            }
            record::POLL_BEGIN => self.poll_begin(track, record),
            record::POLL_END => self.poll_end(track, record),
            record::CALLBACK_BEGIN => self.callback_begin(track, record),
            record::CALLBACK_END => self.callback_end(track, record),
            record::WORK_QUEUED => self.work_queued(track, record),
            record::WORK_STARTED => self.work_started(track, record),
            record::WORK_DONE => self.work_done(track, record),
            record::ASYNC_SEND => {
                let sender = self.by_tid.get(&record.extra).copied();
                let place = sender.and_then(|sender| self.current(sender));
                // Several sends are one callback: the first one's.
                self.sends.entry(record.object).or_insert(place);
                self.instant(track, record, "send", "tid");
            }
            record::WRITE_QUEUED => {
                self.writes.insert(record.object, (now, self.current(track)));
                self.instant(track, record, "write queued", "bytes");
            }
            record::WRITE_DONE => self.instant(track, record, "write done", "bytes"),
            record::HANDLE_OPENED | record::HANDLE_CLOSED => {
                let what = if record.kind == record::HANDLE_OPENED { "open" } else { "closed" };
                let name = format!("{what} {}", names::handle_type(u32::from(record.detail)));
                self.instant(track, record, &name, "");
            }
            _ => {}
        }
        self.state[track].last = now;
    }

    // ---- slices ----

    fn restart(&mut self, track: usize, now: u64) {
        let first = self.timeline.tracks[track].slices.len();
        let state = &mut self.state[track];
        (state.since, state.first, state.may_be_inside) = (now, first, true);
        (state.wait, state.busy_since) = (None, None);
    }

    fn gap(&mut self, track: usize, now: u64) {
        self.close_to(track, 0);
        self.restart(track, now);
    }

    fn open(&mut self, track: usize, slice: Slice) {
        let slices = &mut self.timeline.tracks[track].slices;
        self.state[track].open.push(slices.len());
        if slice.what != What::Callback {
            self.state[track].may_be_inside = false;
        }
        slices.push(slice);
    }

    /// Closes the innermost slice.
    fn close(&mut self, track: usize, end: u64) {
        if let Some(index) = self.state[track].open.pop() {
            self.timeline.tracks[track].slices[index].end = end;
        }
    }

    /// Closes slices of this depth and deeper ones. They were left at an unknown time: that of the last
    /// record.
    fn close_to(&mut self, track: usize, depth: u32) {
        let last = self.state[track].last;
        while self.innermost(track).is_some_and(|slice| slice.depth >= depth) {
            self.close(track, last);
        }
    }

    fn innermost(&self, track: usize) -> Option<&Slice> {
        let index = *self.state[track].open.last()?;
        Some(&self.timeline.tracks[track].slices[index])
    }

    /// Returns the callback or work that a thread is in.
    fn current(&self, track: usize) -> Option<Place> {
        let index = *self.state[track].open.last()?;
        let what = self.timeline.tracks[track].slices[index].what;
        let slice = index as u32;
        matches!(what, What::Callback | What::Work).then_some(Place { track: track as u32, slice })
    }

    /// Adds a slice that began before the first record, around those that there are since.
    fn add_cut(&mut self, track: usize, mut slice: Slice) {
        let state = &self.state[track];
        (slice.start, slice.end, slice.cut_start) = (state.since, slice.start, true);
        let slices = &mut self.timeline.tracks[track].slices;
        slices[state.first..].iter_mut().for_each(|inner| inner.depth += 1);
        slices.push(slice);
    }

    fn poll_begin(&mut self, track: usize, record: &Record) {
        let now = record.time;
        self.close_to(track, 1);
        let name = self.text("wait");
        let mut wait = slice(What::Wait, record, 1, name);
        (wait.detail, wait.object) = (record.extra, 0);
        self.open(track, wait);
        let state = &mut self.state[track];
        if let Some(since) = state.busy_since.take() {
            state.delays.push((now, now.saturating_sub(since)));
        }
    }

    fn poll_end(&mut self, track: usize, record: &Record) {
        let now = record.time;
        let index = match self.innermost(track).map(|slice| slice.what) {
            Some(What::Wait) => {
                let index = self.state[track].open.last().copied();
                self.close(track, now);
                index
            }
            _ if self.state[track].may_be_inside => {
                let name = self.text("wait");
                let mut wait = slice(What::Wait, record, 1, name);
                (wait.detail, wait.object) = (u32::MAX, 0);
                self.add_cut(track, wait);
                self.state[track].may_be_inside = false;
                Some(self.timeline.tracks[track].slices.len() - 1)
            }
            _ => None,
        };
        let state = &mut self.state[track];
        state.busy_since = Some(now);
        if let Some((before, events)) = state.wait {
            let came = record.object.saturating_sub(events);
            self.timeline.tracks[track].slices[before].object = came;
        }
        state.wait = index.map(|index| (index, record.object));
    }

    fn callback_begin(&mut self, track: usize, record: &Record) {
        let (now, object) = (record.time, record.object);
        let has_waited = self.state[track].busy_since.is_some();
        if has_waited && self.innermost(track).is_none_or(|slice| slice.depth == 0) {
            // The events of a wait have no record of their own.
            let name = self.text(phase_name(phase::POLL));
            self.open(track, slice(What::Phase, record, 1, name));
        }
        let name = self.callback_name(record);
        let depth = self.innermost(track).map_or(2, |slice| (slice.depth + 1).max(2));
        let mut callback = slice(What::Callback, record, depth, name);
        let place = self.next_place(track);
        if let Some(mut pending) = self.answered(record) {
            if pending.done != 0 {
                callback.waited = now.saturating_sub(pending.done);
            }
            if pending.started == 0 {
                // The loop's ring ran it, or it was cancelled.
                self.count_queue(now, -1);
            }
            pending.places.push(place);
            self.flow(pending.places);
        }
        let from = match record.detail {
            kind if kind == Callback::Async as u8 => self.sends.remove(&object).flatten(),
            kind if kind == Callback::Write as u8 || kind == Callback::Send as u8 => {
                let queued = self.writes.remove(&object);
                callback.waited = queued.map_or(0, |(queued, _)| now.saturating_sub(queued));
                queued.and_then(|(_, place)| place)
            }
            _ => None,
        };
        if let Some(from) = from {
            self.flow(vec![from, place]);
        }
        self.open(track, callback);
    }

    /// Takes the work whose callback this is.
    fn answered(&mut self, record: &Record) -> Option<Pending> {
        let answers = [
            Callback::Fs,
            Callback::FsPoll,
            Callback::AfterWork,
            Callback::GetAddrInfo,
            Callback::GetNameInfo,
            Callback::Random,
        ];
        let is_answer = answers.iter().any(|&kind| kind as u8 == record.detail);
        if is_answer {
            self.work.remove(&record.object)
        } else {
            None
        }
    }

    fn callback_end(&mut self, track: usize, record: &Record) {
        let slices = &self.timeline.tracks[track].slices;
        let matches = |&index: &usize| {
            let slice = &slices[index];
            slice.what == What::Callback
                && slice.object == record.object
                && slice.detail == u32::from(record.detail)
        };
        if let Some(position) = self.state[track].open.iter().rposition(matches) {
            // Those inside were left by an exception.
            while self.state[track].open.len() > position {
                self.close(track, record.time);
            }
        } else if self.state[track].may_be_inside && self.state[track].open.is_empty() {
            let name = self.callback_name(record);
            self.add_cut(track, slice(What::Callback, record, 2, name));
        }
    }

    // ---- work ----

    fn work_queued(&mut self, track: usize, record: &Record) {
        let what = format!("queue {}", work_name(record.detail, record.extra));
        self.instant(track, record, &what, "");
        let places = self.current(track).into_iter().collect();
        let (detail, operation, queued) = (record.detail, record.extra, record.time);
        let pending = Pending { detail, operation, queued, places, ..Pending::default() };
        let old = self.work.insert(record.object, pending);
        // The end of an older one of the same address was not seen.
        if old.is_none_or(|old| old.started != 0) {
            self.count_queue(record.time, 1);
        }
    }

    fn work_started(&mut self, track: usize, record: &Record) {
        self.close_to(track, 0);
        let now = record.time;
        let name = self.work_label(record);
        let mut work = slice(What::Work, record, 0, name);
        let place = self.next_place(track);
        if let Some(pending) = self.work.get_mut(&record.object) {
            work.waited = now.saturating_sub(pending.queued);
            pending.started = now;
            pending.places.push(place);
            self.count_queue(now, -1);
        }
        self.open(track, work);
        self.count_busy(now, 1);
    }

    fn work_done(&mut self, track: usize, record: &Record) {
        if self.state[track].open.is_empty() {
            if self.state[track].may_be_inside {
                let name = self.work_label(record);
                self.add_cut(track, slice(What::Work, record, 0, name));
                self.state[track].may_be_inside = false;
            }
            return;
        }
        if let Some(pending) = self.work.get_mut(&record.object) {
            pending.done = record.time;
        }
        self.close(track, record.time);
        self.count_busy(record.time, -1);
    }

    fn count_queue(&mut self, now: u64, change: i64) {
        count(&mut self.queue, now, change);
    }

    fn count_busy(&mut self, now: u64, change: i64) {
        count(&mut self.busy, now, change);
    }

    fn next_place(&self, track: usize) -> Place {
        let slice = self.timeline.tracks[track].slices.len() as u32;
        Place { track: track as u32, slice }
    }

    fn flow(&mut self, places: Vec<Place>) {
        if places.len() > 1 {
            self.timeline.flows.push(Flow { places });
        }
    }

    // ---- names ----

    fn text(&mut self, text: &str) -> u32 {
        if let Some(&index) = self.texts.get(text) {
            return index;
        }
        let index = self.timeline.names.len() as u32;
        self.timeline.names.push(text.to_owned());
        self.texts.insert(text.to_owned(), index);
        index
    }

    fn function(&mut self, address: u64) -> String {
        let resolve = self.resolve;
        self.functions.entry(address).or_insert_with(|| short(&resolve(address))).clone()
    }

    fn callback_name(&mut self, record: &Record) -> u32 {
        let pending = self.work.get(&record.object).filter(|it| it.detail == Work::File as u8);
        let is_file = record.detail == Callback::Fs as u8;
        let operation = pending.filter(|_| is_file).map_or(u32::MAX, |it| it.operation);
        let key = (record.detail, operation, record.function);
        if let Some(&label) = self.labels.get(&key) {
            return label;
        }
        let kind = CALLBACK_NAMES.get(record.detail as usize).copied().unwrap_or("");
        let kind = if kind.is_empty() { "callback" } else { kind };
        let function = self.function(record.function);
        let label = match operation {
            u32::MAX => format!("{kind} {function}"),
            operation => format!("{kind} {} {function}", names::operation(operation as i32)),
        };
        let label = self.text(&label);
        self.labels.insert(key, label);
        label
    }

    fn work_label(&mut self, record: &Record) -> u32 {
        let what = work_name(record.detail, record.extra);
        if record.function == 0 {
            return self.text(&what);
        }
        let function = self.function(record.function);
        self.text(&format!("{what} {function}"))
    }

    fn instant(&mut self, track: usize, record: &Record, name: &str, extra_name: &'static str) {
        let name = self.text(name);
        let extra = if extra_name.is_empty() { 0 } else { record.extra };
        let (time, object) = (record.time, record.object);
        let instant = Instant { time, name, object, extra, extra_name };
        self.timeline.tracks[track].instants.push(instant);
    }

    // ---- the end ----

    fn finish(mut self, recording: &Recording, end: u64) -> Timeline {
        for track in 0..self.state.len() {
            self.finish_track(track, end);
        }
        let mut timeline = self.timeline;
        timeline.end = end;
        for (track, state) in self.state.iter_mut().enumerate() {
            let points = std::mem::take(&mut state.delays);
            if !points.is_empty() {
                let name = format!("delay of loop {}", timeline.tracks[track].tid);
                timeline.counters.push(Counter { name, track: Some(track), is_time: true, points });
            }
        }
        for (name, (_, points)) in
            [("pool: work queued", self.queue), ("pool: threads busy", self.busy)]
        {
            if !points.is_empty() {
                let name = name.to_owned();
                timeline.counters.push(Counter { name, track: None, is_time: false, points });
            }
        }
        if recording.streams.iter().any(|it| it.records.iter().any(|it| it.kind == ring::GAP)) {
            let note =
                "The beginning is missing, where rings were full and records were overwritten";
            timeline.notes.push(note.to_owned());
        }
        sort_slices(&mut timeline);
        timeline
    }

    /// Ends what is open: what still runs at the end of the recording, the rest with its last record.
    fn finish_track(&mut self, track: usize, end: u64) {
        let last = self.state[track].last;
        let mut runs = false;
        while let Some(index) = self.state[track].open.pop() {
            let slice = &mut self.timeline.tracks[track].slices[index];
            runs |= slice.what.has_end();
            slice.end = if runs { end } else { last };
            slice.cut_end = runs;
        }
    }
}

/// Puts the slices of each track into order: those that began before the first record were added late.
fn sort_slices(timeline: &mut Timeline) {
    let mut moved: Vec<Vec<u32>> = Vec::new();
    for track in &mut timeline.tracks {
        let mut order: Vec<u32> = (0..track.slices.len() as u32).collect();
        let key = |&index: &u32| {
            let slice = &track.slices[index as usize];
            (slice.start, slice.depth)
        };
        order.sort_by_key(key);
        let mut places = vec![0; order.len()];
        for (to, &from) in order.iter().enumerate() {
            places[from as usize] = to as u32;
        }
        track.slices = order.iter().map(|&index| track.slices[index as usize]).collect();
        moved.push(places);
    }
    for place in timeline.flows.iter_mut().flat_map(|flow| &mut flow.places) {
        place.slice = moved[place.track as usize][place.slice as usize];
    }
}

fn count((value, points): &mut (u64, Vec<(u64, u64)>), now: u64, change: i64) {
    *value = value.saturating_add_signed(change);
    match points.last_mut() {
        Some(last) if last.0 == now => last.1 = *value,
        _ => points.push((now, *value)),
    }
}

fn track_of(stream: &Stream) -> Track {
    let kind = match stream.kind {
        ring_kind::WORKER => TrackKind::Worker,
        ring_kind::OTHER => TrackKind::Sends,
        _ => TrackKind::Loop,
    };
    Track {
        kind,
        tid: stream.tid,
        loop_: stream.loop_,
        thread: stream.name.clone(),
        slices: Vec::new(),
        instants: Vec::new(),
    }
}

fn slice(what: What, record: &Record, depth: u32, name: u32) -> Slice {
    Slice {
        what,
        start: record.time,
        end: record.time,
        depth,
        name,
        detail: u32::from(record.detail),
        object: record.object,
        function: record.function,
        waited: 0,
        cut_start: false,
        cut_end: false,
    }
}

fn phase_name(number: u8) -> &'static str {
    match number {
        phase::TIMERS => "timers",
        phase::PENDING => "pending",
        phase::IDLE => "idle",
        phase::PREPARE => "prepare",
        phase::POLL => "poll",
        phase::CHECK => "check",
        phase::CLOSING => "closing",
        _ => "phase",
    }
}

fn work_name(kind: u8, operation: u32) -> String {
    if kind == Work::File as u8 {
        return format!("fs {}", names::operation(operation as i32));
    }
    WORK_NAMES.get(kind as usize).copied().unwrap_or("work").to_owned()
}

/// Returns the name of a C++ function without its arguments and template arguments, if it is long.
fn short(name: &str) -> String {
    let name = name.replace("(anonymous namespace)", "anonymous");
    let end = name.find('(').filter(|&at| at > 0).unwrap_or(name.len());
    let (mut text, mut level) = (String::new(), 0u32);
    for c in name[..end].chars() {
        match c {
            '<' => level += 1,
            '>' => level = level.saturating_sub(1),
            _ if level > 0 => {}
            c => text.push(c),
        }
    }
    if text.is_empty() || text.starts_with("::") {
        name
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ring::made::{record, ticks};

    fn stream(kind: u32, tid: u32, records: Vec<Record>) -> Stream {
        Stream { kind, tid, loop_: 0x100, name: "thread".to_owned(), records }
    }

    fn built(streams: Vec<Stream>) -> Timeline {
        let recording = Recording { pid: 1, end: 9000, streams, ..Recording::default() };
        build(&recording, &|address| match address {
            1 => "on_read(uv_stream_s*, long)".to_owned(),
            2 => "node::Task<int>::Run()".to_owned(),
            _ => "on_timer".to_owned(),
        })
    }

    /// Returns depth, name, start and end of each slice.
    fn slices(timeline: &Timeline, track: usize) -> Vec<(u32, &str, u64, u64)> {
        let name = |slice: &Slice| timeline.names[slice.name as usize].as_str();
        let slices = timeline.tracks[track].slices.iter();
        slices.map(|it| (it.depth, name(it), it.start, it.end)).collect()
    }

    #[test]
    fn nests_what_a_loop_does() {
        let timeline = built(vec![stream(ring_kind::LOOP, 7, ticks(2).records)]);
        assert_eq!(
            slices(&timeline, 0),
            [
                (0, "iteration", 1100, 1170),
                (1, "wait", 1101, 1150),
                (1, "timers", 1155, 1170),
                (2, "timer on_timer", 1160, 1170),
                (0, "iteration", 1200, 1270),
                (1, "wait", 1201, 1250),
                (1, "timers", 1255, 1270),
                (2, "timer on_timer", 1260, 1270),
            ]
        );
        // The first wait had one event: the difference of the two numbers.
        assert_eq!(timeline.tracks[0].slices[1].object, 1);
        assert_eq!(timeline.counters.len(), 1);
        assert_eq!(timeline.counters[0].points, [(1201, 51)]);
        assert_eq!((timeline.start, timeline.end), (1000, 9000));
    }

    #[test]
    fn joins_what_follows_from_each_other() {
        let fs = Callback::Fs as u8;
        let on_loop = vec![
            record(10, record::ITERATION, 0, 0),
            Record { function: 1, ..record(11, record::CALLBACK_BEGIN, 13, 0x50) },
            Record { extra: 6, ..record(12, record::WORK_QUEUED, 0, 0x60) },
            Record { function: 1, ..record(20, record::CALLBACK_END, 13, 0x50) },
            Record { function: 2, ..record(50, record::CALLBACK_BEGIN, fs, 0x60) },
            record(55, record::CALLBACK_END, fs, 0x60),
        ];
        let on_worker = vec![
            Record { extra: 6, ..record(30, record::WORK_STARTED, 0, 0x60) },
            Record { extra: 6, ..record(44, record::WORK_DONE, 0, 0x60) },
        ];
        let timeline = built(vec![
            stream(ring_kind::LOOP, 7, on_loop),
            stream(ring_kind::WORKER, 8, on_worker),
        ]);
        assert_eq!(
            slices(&timeline, 0)[1..],
            [(2, "read on_read", 11, 20), (2, "fs stat node::Task::Run", 50, 55)]
        );
        assert_eq!(slices(&timeline, 1), [(0, "fs stat", 30, 44)]);
        let places = [(0, 1), (1, 0), (0, 2)].map(|(track, slice)| Place { track, slice });
        assert_eq!(timeline.flows, [Flow { places: places.to_vec() }]);
        // 18 ns in the queue; 6 from the end to the callback.
        assert_eq!(timeline.tracks[1].slices[0].waited, 18);
        assert_eq!(timeline.tracks[0].slices[2].waited, 6);
        let counters: Vec<_> = timeline.counters.iter().map(|it| it.points.as_slice()).collect();
        assert_eq!(counters, [&[(12, 1), (30, 0)], &[(30, 1), (44, 0)]]);
    }

    #[test]
    fn shows_what_was_cut() {
        let (timer, close) = (Callback::Timer as u8, Callback::Close as u8);
        let timeline = built(vec![stream(
            ring_kind::LOOP,
            7,
            vec![
                record(10, record::HANDLE_OPENED, 13, 0x51),
                record(12, record::CALLBACK_BEGIN, 26, 0x52),
                record(13, record::CALLBACK_END, 26, 0x52),
                record(15, record::CALLBACK_END, timer, 0x50),
                record(16, record::ITERATION, 0, 0),
                // This one was left by an exception, or its beginning was never there.
                record(17, record::CALLBACK_END, timer, 0x50),
                record(18, record::CALLBACK_BEGIN, close, 0x50),
            ],
        )]);
        assert_eq!(
            slices(&timeline, 0),
            [
                (2, "timer on_timer", 10, 15),
                (3, "walk on_timer", 12, 13),
                (0, "iteration", 16, 9000),
                (2, "close on_timer", 18, 9000),
            ]
        );
        let cut: Vec<_> =
            timeline.tracks[0].slices.iter().map(|it| (it.cut_start, it.cut_end)).collect();
        assert_eq!(cut, [(true, false), (false, false), (false, true), (false, true)]);
        assert_eq!(timeline.tracks[0].instants.len(), 1);
    }

    #[test]
    fn a_send_leads_to_its_callback() {
        let asynchronous = Callback::Async as u8;
        let timeline = built(vec![
            stream(
                ring_kind::LOOP,
                7,
                vec![
                    record(40, record::CALLBACK_BEGIN, asynchronous, 0x70),
                    record(41, record::CALLBACK_END, asynchronous, 0x70),
                ],
            ),
            stream(
                ring_kind::WORKER,
                8,
                vec![record(10, record::WORK_STARTED, 2, 1), record(50, record::WORK_DONE, 2, 1)],
            ),
            stream(
                ring_kind::OTHER,
                9,
                vec![Record { extra: 8, ..record(20, record::ASYNC_SEND, 0, 0x70) }],
            ),
        ]);
        let places = [(1, 0), (0, 0)].map(|(track, slice)| Place { track, slice });
        assert_eq!(timeline.flows, [Flow { places: places.to_vec() }]);
    }

    #[test]
    fn shortens_names_of_cpp() {
        for (name, text) in [
            ("on_timer", "on_timer"),
            ("node::fs::AfterInteger(uv_fs_s*)", "node::fs::AfterInteger"),
            ("(anonymous namespace)::f(int)", "anonymous::f"),
            ("std::map<int, std::vector<int>>::at(int)", "std::map::at"),
            ("<core::option::Option<T>>::map", "<core::option::Option<T>>::map"),
            ("libnode.so+0x10", "libnode.so+0x10"),
            ("[JIT] 0x10", "[JIT] 0x10"),
        ] {
            assert_eq!(short(name), text);
        }
    }
}
