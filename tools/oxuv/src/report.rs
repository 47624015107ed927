//! The state of the loops of one copy of the library, collected in one reading.

use crate::describe::{Describer, HandleText, Now, RequestText};
use crate::library::{Handle, Loop, Pool};
use crate::process::{field, inner_id, proc_path, Read};
use crate::snapshot::Snapshot;

/// A loop at about one moment.
pub struct LoopReport {
    pub at: u64,
    pub tid: i32,
    pub now: Now,
    /// When the callback began, in nanoseconds, if statistics are on.
    pub callback_since: Option<u64>,
    /// The loop's time in nanoseconds: a callback that runs began at or after it.
    pub time: u64,
    pub iterations: u64,
    pub events: u64,
    pub active_handles: u32,
    pub active_requests: u32,
    pub closing: usize,
    pub handles: Vec<HandleText>,
    pub requests: Vec<PlacedRequest>,
}

/// A request and where it is.
pub struct PlacedRequest {
    pub text: RequestText,
    pub place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The kernel has it, or will when the descriptor is ready.
    Kernel,
    /// It waits for a thread of the pool.
    Queued,
    /// A thread of the pool runs it.
    Thread(i32),
    /// It is done; its callback comes next.
    Done,
}

/// The pool at about one moment.
pub struct PoolReport {
    pub limit: u64,
    pub queued: usize,
    pub workers: Vec<WorkerReport>,
}

pub struct WorkerReport {
    pub tid: i32,
    pub work: Option<RequestText>,
    /// When it began, in nanoseconds; 0 if that is unknown.
    pub since: u64,
}

/// How often a reading is repeated that a change of the lists has spoilt.
const READINGS: usize = 20;

/// Reads until the reading was not spoilt by a change.
pub fn read_steady<T>(snapshot: &Snapshot<'_>, mut read: impl FnMut() -> Read<T>) -> Read<T> {
    let mut result = read();
    for _ in 1..READINGS {
        if result.is_ok() {
            break;
        }
        snapshot.renew();
        result = read();
    }
    result
}

impl Describer<'_> {
    /// Collects what is known about a loop. `pool` is what the pool works at.
    pub fn report(&self, of: Loop, pool: &Pool) -> Read<LoopReport> {
        let (library, memory) = (self.library, self.library.memory);
        let fields = &library.offsets().event_loop;
        let at = |offset: u32| field(of.at, offset);
        let handles = library.handles(of)?;
        let requests = self.requests(of, &handles, pool)?;
        let slot = library.slot(of);
        let since = slot.filter(|slot| slot.running.kind != 0).map(|slot| slot.running.since);
        Ok(LoopReport {
            at: of.at,
            tid: memory.i32(field(of.state, library.offsets().state.entry.tid))?,
            now: self.now(of)?,
            callback_since: since.filter(|&since| since > 0 && since <= self.now),
            time: memory.u64(at(fields.now))?.saturating_mul(1_000_000),
            iterations: memory.u64(at(fields.iterations))?,
            events: memory.u64(at(fields.events))?,
            active_handles: memory.u32(at(fields.active_handles))?,
            active_requests: memory.u32(at(fields.active_requests))?,
            closing: library.closing(of)?,
            handles: handles.into_iter().map(|it| self.handle(it)).collect::<Read<_>>()?,
            requests,
        })
    }

    fn requests(&self, of: Loop, handles: &[Handle], pool: &Pool) -> Read<Vec<PlacedRequest>> {
        let mut found = Vec::new();
        for &handle in handles {
            self.requests_of(handle, &mut found)?;
        }
        let mut placed: Vec<_> =
            found.into_iter().map(|text| PlacedRequest { text, place: Place::Kernel }).collect();
        let running = pool.workers.iter().filter_map(|it| Some((it.work?, Place::Thread(it.tid))));
        let queued = pool.queued.iter().map(|&work| (work, Place::Queued));
        let done = self.library.finished(of)?.into_iter().map(|work| (work, Place::Done));
        for (work, place) in running.chain(queued).chain(done) {
            if work.loop_ == of.at {
                // A worker may finish it meanwhile.
                if let Ok(text) = self.work(work) {
                    placed.push(PlacedRequest { text, place });
                }
            }
        }
        Ok(placed)
    }

    pub fn pool_report(&self, pool: &Pool) -> PoolReport {
        let workers = pool.workers.iter().map(|worker| WorkerReport {
            tid: worker.tid,
            work: worker.work.and_then(|work| self.work(work).ok()),
            since: worker.since,
        });
        PoolReport { limit: pool.limit, queued: pool.queued.len(), workers: workers.collect() }
    }
}

/// Returns the name of a thread.
pub fn thread_name(pid: i32, tid: i32) -> Option<String> {
    let name = std::fs::read_to_string(proc_path(pid, &format!("task/{tid}/comm"))).ok()?;
    Some(name.trim_end().to_owned())
}

/// Returns what a thread does, by the kernel: it runs, waits in a system call, or is stopped.
pub fn thread_state(pid: i32, tid: i32) -> Option<String> {
    let stat = std::fs::read_to_string(proc_path(pid, &format!("task/{tid}/stat"))).ok()?;
    match stat.rsplit_once(") ")?.1.chars().next()? {
        'T' => return Some("stopped by a signal".to_owned()),
        't' => return Some("stopped by a debugger".to_owned()),
        _ => {}
    }
    let call = std::fs::read_to_string(proc_path(pid, &format!("task/{tid}/syscall"))).ok()?;
    match call.split_whitespace().next()? {
        "running" => Some("running".to_owned()),
        number => match number.parse().ok()? {
            -1 => None,
            number => Some(format!("blocked in {}", crate::names::system_call(number))),
        },
    }
}

/// Returns the id in the namespace of this process of a thread that the process knows under another one.
pub fn outer_tid(pid: i32, inner: i32) -> i32 {
    if proc_path(pid, &format!("task/{inner}")).exists() && !has_own_namespace(pid) {
        return inner;
    }
    let Ok(tasks) = std::fs::read_dir(proc_path(pid, "task")) else { return inner };
    let found = tasks.flatten().find_map(|task| {
        let status = std::fs::read_to_string(task.path().join("status")).ok()?;
        (inner_id(&status)? == inner).then(|| task.file_name().to_str()?.parse().ok())?
    });
    found.unwrap_or(inner)
}

fn has_own_namespace(pid: i32) -> bool {
    let namespace = |pid: &str| std::fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
    namespace(&pid.to_string()) != namespace("self")
}
