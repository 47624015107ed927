//! Reads the description, the page and the rings of the flight recorder. The
//! reader is the test itself, which loads the library and knows `layout.rs` as the tool does.

mod library;

#[allow(dead_code)]
#[path = "../src/observe/layout.rs"]
mod layout;

use layout::{active, current, record, Callback, Description, LoopSlot, Page, Record, Ring};
use std::ffi::{c_char, c_int, c_uint, c_void, CString};
use std::mem::{offset_of, transmute};
use std::sync::atomic::{AtomicU64, AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

type Callee = unsafe extern "C" fn(*mut c_void);

/// The functions that the tests call.
struct Uv {
    handle: usize,
}

impl Uv {
    fn symbol(&self, name: &str) -> *mut c_void {
        let name = CString::new(name).unwrap();
        // SAFETY: the library stays loaded.
        let symbol = unsafe { libc::dlsym(self.handle as *mut c_void, name.as_ptr()) };
        assert!(!symbol.is_null(), "{name:?}");
        symbol
    }

    /// Calls a function of up to five arguments, each an integer or a pointer.
    fn call<const N: usize>(&self, name: &str, arguments: [usize; N]) -> i64 {
        let mut all = [0; 5];
        all[..N].copy_from_slice(&arguments);
        let [a, b, c, d, e] = all;
        // SAFETY: it takes integers or pointers; further arguments in registers do no harm.
        unsafe {
            let function: unsafe extern "C" fn(usize, usize, usize, usize, usize) -> c_int =
                transmute(self.symbol(name));
            i64::from(function(a, b, c, d, e))
        }
    }

    fn description(&self) -> &'static Description {
        // SAFETY: the symbol is this struct, if its version is ours.
        let description = unsafe { &*self.symbol("oxuv_debug").cast::<Description>() };
        assert_eq!(description.magic, layout::DESCRIPTION_MAGIC);
        assert_eq!(description.version, layout::VERSION);
        assert_eq!(description.size as usize, size_of::<Description>());
        description
    }

    fn page(&self) -> *mut Page {
        self.description().page.0.cast_mut().cast()
    }

    /// Switches on until the end of time, or off.
    fn switch(&self, byte: u32, on: bool) {
        let word = self.description().active.0.cast_mut().cast::<u8>();
        // SAFETY: these are words and bytes of the library that readers write.
        unsafe {
            let request = &raw mut (*self.page()).request;
            let until = if on { u64::MAX } else { 0 };
            for place in [&raw mut (*request).stats_until, &raw mut (*request).record_until] {
                AtomicU64::from_ptr(place).store(until, Ordering::Relaxed);
            }
            AtomicU64::from_ptr(&raw mut (*request).ring_size).store(1 << 16, Ordering::Relaxed);
            if on {
                AtomicU8::from_ptr(word.add(byte as usize)).store(1, Ordering::Relaxed);
            }
        }
    }

    fn is_on(&self) -> bool {
        // SAFETY: it is a word of the library.
        unsafe { self.description().active.0.cast::<u32>().read_volatile() != 0 }
    }
}

/// Loads the library. The tests share its page, so one runs at a time.
fn uv() -> (Uv, MutexGuard<'static, ()>) {
    static TURN: Mutex<()> = Mutex::new(());
    static HANDLE: OnceLock<usize> = OnceLock::new();
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let handle = *HANDLE.get_or_init(|| {
        let path = CString::new(library::build().to_str().unwrap()).unwrap();
        // SAFETY: loads a library.
        let handle = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW) };
        assert!(!handle.is_null());
        handle as usize
    });
    (Uv { handle }, turn)
}

/// Memory for loops, handles and requests.
fn memory() -> usize {
    Box::leak(Box::new([0_u64; 512])).as_mut_ptr() as usize
}

fn read<T>(at: usize, offset: u32) -> T {
    // SAFETY: the description says that there is a `T`.
    unsafe { (at as *const u8).add(offset as usize).cast::<T>().read_unaligned() }
}

/// The loops in the library's list, as their states.
fn states(description: &Description) -> Vec<usize> {
    let (head, link) = (description.loops.0 as usize, description.offsets.link);
    let mut found = Vec::new();
    let mut at: usize = read(head, link.next);
    while at != 0 && at != head {
        found.push(at - description.offsets.state.entry.link as usize);
        at = read(at, link.next);
    }
    found
}

/// Where the callback of a test finds the loop, and what it saw.
static LOOP: AtomicU64 = AtomicU64::new(0);
static SEEN: AtomicU64 = AtomicU64::new(0);

extern "C" fn look(_: *mut c_void) {
    let offset = SEEN.load(Ordering::Relaxed) as u32;
    SEEN.store(read(LOOP.load(Ordering::Relaxed) as usize, offset), Ordering::Relaxed);
}

extern "C" fn nothing(_: *mut c_void) {}

extern "C" fn done(_: *mut c_void, _: c_int) {}

/// Runs a timer once on a loop, and then closes the timer.
fn run_timer(uv: &Uv, event_loop: usize, callback: Callee) -> usize {
    let timer = memory();
    assert_eq!(uv.call("uv_timer_init", [event_loop, timer]), 0);
    assert_eq!(uv.call("uv_timer_start", [timer, callback as *const () as usize, 0, 0]), 0);
    assert_eq!(uv.call("uv_run", [event_loop, 0]), 0);
    uv.call("uv_close", [timer, nothing as *const () as usize]);
    assert_eq!(uv.call("uv_run", [event_loop, 0]), 0);
    timer
}

fn open(uv: &Uv) -> usize {
    let event_loop = memory();
    assert_eq!(uv.call("uv_loop_init", [event_loop]), 0);
    event_loop
}

#[test]
fn loops_are_listed_and_tell_what_they_do() {
    let (uv, _turn) = uv();
    let description = uv.description();
    let offsets = &description.offsets;
    let before = states(description).len();
    let loops: Vec<usize> = (0..3).map(|_| open(&uv)).collect();
    let listed: Vec<usize> = states(description)[before..]
        .iter()
        .map(|&state| read::<usize>(state, offsets.state.entry.loop_))
        .collect();
    assert_eq!(listed, loops);
    for &event_loop in &loops {
        assert_eq!(read::<usize>(event_loop, offsets.event_loop.state), {
            let at = listed.iter().position(|&it| it == event_loop).unwrap();
            states(description)[before + at]
        });
    }

    let first = loops[0];
    LOOP.store(first as u64, Ordering::Relaxed);
    SEEN.store(u64::from(offsets.event_loop.current), Ordering::Relaxed);
    let timer = run_timer(&uv, first, look);
    assert_eq!(SEEN.load(Ordering::Relaxed), timer as u64 | Callback::Timer.tag());
    assert_eq!(read::<u64>(first, offsets.event_loop.current), 0);
    let state: usize = read(first, offsets.event_loop.state);
    // SAFETY: takes nothing.
    let tid = unsafe { libc::gettid() };
    assert_eq!(read::<c_int>(state, offsets.state.entry.tid), tid);

    // An idle handle is found by the link that its phase stores.
    let idle = memory();
    assert_eq!(uv.call("uv_idle_init", [first, idle]), 0);
    assert_eq!(uv.call("uv_idle_start", [idle, look as *const () as usize]), 0);
    SEEN.store(u64::from(offsets.event_loop.idle), Ordering::Relaxed);
    assert_ne!(uv.call("uv_run", [first, 2]), 0);
    assert_eq!(SEEN.load(Ordering::Relaxed), idle as u64 + u64::from(offsets.loop_watcher.link));
    uv.call("uv_close", [idle, 0]);
    assert_eq!(uv.call("uv_run", [first, 0]), 0);

    for event_loop in loops {
        assert_eq!(uv.call("uv_loop_close", [event_loop]), 0);
    }
    assert_eq!(states(description).len(), before);
}

#[test]
fn a_waiting_loop_tells_since_when() {
    let (uv, _turn) = uv();
    let offsets = uv.description().offsets;
    let event_loop = open(&uv);
    let asynchronous = memory();
    assert_eq!(uv.call("uv_async_init", [event_loop, asynchronous, 0]), 0);
    let waiter = std::thread::spawn(move || {
        let (handle, word) = (uv.handle, offsets.event_loop.current);
        let looker = std::thread::spawn(move || {
            let uv = Uv { handle };
            // SAFETY: the word is in the loop.
            let word = unsafe { AtomicU64::from_ptr((event_loop + word as usize) as *mut u64) };
            loop {
                let now = word.load(Ordering::Relaxed);
                if now & current::TAG == current::WAITING {
                    uv.call("uv_async_send", [asynchronous]);
                    return now >> current::SHIFT;
                }
                std::thread::yield_now();
            }
        });
        uv.call("uv_run", [event_loop, 1]);
        let since = looker.join().unwrap();
        let now: u64 = read(event_loop, offsets.event_loop.now);
        assert!(since <= now, "{since} {now}");
        let state: usize = read(event_loop, offsets.event_loop.state);
        let waited: u64 = read(state, offsets.state.waited_ms);
        assert!(waited <= now, "{waited}");
        uv.call("uv_close", [asynchronous, 0]);
        uv.call("uv_run", [event_loop, 0]);
        assert_eq!(uv.call("uv_loop_close", [event_loop]), 0);
    });
    waiter.join().unwrap();
}

fn slot_of(uv: &Uv, event_loop: usize) -> Option<*mut LoopSlot> {
    // SAFETY: the slots are in the page.
    (0..layout::LOOP_SLOTS).find_map(|i| unsafe {
        let slot = &raw mut (*uv.page()).loops[i];
        ((*slot).loop_ == event_loop as u64).then_some(slot)
    })
}

#[test]
fn statistics_are_kept_until_they_expire() {
    let (uv, _turn) = uv();
    let event_loop = open(&uv);
    run_timer(&uv, event_loop, nothing);
    assert!(slot_of(&uv, event_loop).is_none());

    uv.switch(active::STATS_BYTE, true);
    run_timer(&uv, event_loop, nothing);
    let slot = slot_of(&uv, event_loop).expect("a slot");
    // SAFETY: the slot is the loop's, which does not run.
    let count = |kind: Callback| unsafe { (*slot).kinds[kind as usize].count };
    assert_eq!((count(Callback::Timer), count(Callback::Close)), (1, 1));
    // SAFETY: likewise.
    unsafe {
        assert_eq!(((*slot).sequence % 2, (*slot).running.kind), (0, 0));
        assert_eq!((*slot).slowest.iter().filter(|slow| slow.duration > 0).count(), 2);
    }

    // The loop switches them off itself, at the beginning of an iteration.
    uv.switch(active::STATS_BYTE, false);
    run_timer(&uv, event_loop, nothing);
    assert!(!uv.is_on());
    let counted = count(Callback::Timer);
    run_timer(&uv, event_loop, nothing);
    assert_eq!(count(Callback::Timer), counted);
    assert_eq!(uv.call("uv_loop_close", [event_loop]), 0);
    assert!(slot_of(&uv, event_loop).is_none(), "the slot was not given back");
}

#[test]
fn work_is_counted_where_it_runs() {
    let (uv, _turn) = uv();
    let event_loop = open(&uv);
    uv.switch(active::STATS_BYTE, true);
    for _ in 0..20 {
        let request = memory();
        let functions = [nothing as *const () as usize, done as *const () as usize];
        let arguments = [event_loop, request, functions[0], functions[1]];
        assert_eq!(uv.call("uv_queue_work", arguments), 0);
    }
    assert_eq!(uv.call("uv_run", [event_loop, 0]), 0);
    let (mut ran, mut waited) = (0, 0);
    for worker in 0..layout::WORKER_SLOTS {
        // SAFETY: the slot is in the page; its worker has nothing to do.
        let kind = unsafe { (*uv.page()).workers[worker].kinds[layout::Work::User as usize] };
        ran += kind.count;
        waited += kind.waited;
    }
    assert_eq!((ran, waited), (20, 20));
    uv.switch(active::STATS_BYTE, false);
    run_timer(&uv, event_loop, nothing);
    assert_eq!(uv.call("uv_loop_close", [event_loop]), 0);
}

/// The records of a loop's ring.
fn records(uv: &Uv, event_loop: usize) -> Vec<Record> {
    // SAFETY: the rings in the page stay mapped.
    unsafe {
        let rings = (*uv.page()).rings;
        let rings = rings.iter().filter(|&&ring| ring != 0).map(|&ring| ring as *const Ring);
        let ring = rings.into_iter().find(|&ring| (*ring).loop_ == event_loop as u64);
        let ring = ring.expect("the loop has a ring");
        assert_eq!((*ring).magic, layout::RING_MAGIC);
        let first = ring.add(1).cast::<Record>();
        (0..(*ring).written).map(|n| first.add((n % (*ring).capacity) as usize).read()).collect()
    }
}

#[test]
fn callbacks_are_recorded() {
    let (uv, _turn) = uv();
    let event_loop = open(&uv);
    uv.switch(active::RECORD_BYTE, true);
    let timer = run_timer(&uv, event_loop, nothing);
    let all = records(&uv, event_loop);
    assert!(all.windows(2).all(|pair| pair[0].time <= pair[1].time));
    assert_eq!((all[0].kind, all[0].object), (record::IDENTITY, event_loop as u64));
    let of_timer: Vec<(u8, u8)> =
        all.iter().filter(|it| it.object == timer as u64).map(|it| (it.kind, it.detail)).collect();
    let (timer_kind, close) = (Callback::Timer as u8, Callback::Close as u8);
    let expected = [
        (record::CALLBACK_BEGIN, timer_kind),
        (record::CALLBACK_END, timer_kind),
        (record::HANDLE_OPENED, 13),
        (record::HANDLE_CLOSED, 13),
        (record::CALLBACK_BEGIN, close),
        (record::CALLBACK_END, close),
    ];
    for step in expected {
        assert!(of_timer.contains(&step), "{step:?} is not in {of_timer:?}");
    }
    let begin = all.iter().find(|it| it.kind == record::CALLBACK_BEGIN).unwrap();
    assert_eq!(begin.function, nothing as *const () as usize as u64);
    uv.switch(active::RECORD_BYTE, false);
    run_timer(&uv, event_loop, nothing);
    assert!(!uv.is_on());
    assert_eq!(uv.call("uv_loop_close", [event_loop]), 0);
}

#[test]
fn the_child_of_a_fork_has_a_page_of_its_own() {
    let (uv, _turn) = uv();
    let event_loop = open(&uv);
    uv.switch(active::STATS_BYTE, true);
    run_timer(&uv, event_loop, nothing);
    // SAFETY: the child calls the library, which is prepared for that, and ends at once.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: takes nothing.
        let pid = unsafe { libc::getpid() } as u32;
        // SAFETY: the page is there.
        let page_is_own = unsafe { (*uv.page()).pid } == pid;
        let is_off = !uv.is_on();
        uv.call("uv_loop_fork", [event_loop]);
        let timer = memory();
        uv.call("uv_timer_init", [event_loop, timer]);
        uv.call("uv_timer_start", [timer, nothing as *const () as usize, 0, 0]);
        let ran = uv.call("uv_run", [event_loop, 0]) == 0;
        // SAFETY: ends the child.
        unsafe { libc::_exit(c_int::from(!(page_is_own && is_off && ran))) };
    }
    let mut status = 0;
    // SAFETY: the child was made above.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert_eq!(status, 0);
    assert!(uv.is_on());
    let slot = slot_of(&uv, event_loop).expect("a slot");
    // SAFETY: the slot is in the page.
    assert_eq!(unsafe { (*slot).kinds[Callback::Timer as usize].count }, 1);
    uv.switch(active::STATS_BYTE, false);
    run_timer(&uv, event_loop, nothing);
    assert_eq!(uv.call("uv_loop_close", [event_loop]), 0);
}

/// Runs a program and returns its output.
fn output(program: &str, arguments: &[&str], file: &str) -> String {
    let output = std::process::Command::new(program).args(arguments).arg(file).output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn probes_and_the_note_survive_strip() {
    let library = library::build();
    let stripped = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("stripped.so");
    std::fs::copy(&library, &stripped).unwrap();
    let stripped = stripped.to_str().unwrap();
    output("strip", &["-s"], stripped);
    let notes = output("readelf", &["-nW"], stripped);
    assert!(notes.contains("oxuv"), "{notes}");
    for name in [
        "loop__iterate",
        "poll__begin",
        "poll__end",
        "callback__begin",
        "callback__end",
        "work__queue",
        "work__start",
        "work__done",
        "handle__open",
        "handle__close",
        "write__queue",
        "async__send",
    ] {
        let found = notes.lines().filter(|line| line.trim() == format!("Name: {name}")).count();
        assert!(found > 0, "{name} is not in {notes}");
    }
    // Without this section gdb finds none; nothing else refers to it.
    assert!(output("readelf", &["-SW"], stripped).contains(".stapsdt.base"));
    // All of them have the semaphore.
    let semaphore = |line: &&str| line.contains("Semaphore: 0x0000000000000000");
    assert_eq!(notes.lines().filter(semaphore).count(), 0);
}

const _: () = {
    assert!(offset_of!(Page, request) % 8 == 0);
    assert!(size_of::<c_uint>() == 4 && size_of::<c_char>() == 1);
};
