//! Stacks, and the text of a report.

use crate::sys::environment;
use core::ffi::{c_int, c_void, CStr};
use core::fmt::Write;
use core::ops::Range;
use std::collections::HashSet;
use std::ffi::OsString;
use std::sync::{Mutex, OnceLock, PoisonError};

/// The exit status after a report, as those of the compiler's sanitizers are 66 and 77.
const STATUS: i32 = 67;
const FRAMES: usize = 16;
/// How many reports `OXUV_CHECK=continue` prints.
const LIMIT: usize = 100;

#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Off,
    Exit,
    Abort,
    Continue,
}

fn mode() -> Mode {
    static MODE: OnceLock<Mode> = OnceLock::new();
    *MODE.get_or_init(|| {
        // SAFETY: the value is not used after this function.
        let value = unsafe { environment::get_secure(c"OXUV_CHECK") }.unwrap_or_default();
        match value.to_bytes() {
            b"0" => Mode::Off,
            b"abort" => Mode::Abort,
            b"continue" => Mode::Continue,
            _ => Mode::Exit,
        }
    })
}

pub fn is_on() -> bool {
    mode() != Mode::Off
}

/// The return addresses of a stack, the innermost first.
#[derive(Clone, Default)]
pub struct Stack(Box<[usize]>);

impl Stack {
    /// Captures the whole stack.
    pub fn here() -> Stack {
        Stack::up_to(|_| false)
    }

    /// Captures the stack up to the callback that it is in, as unwinding takes most of the time of this library.
    #[inline(always)]
    pub fn of_event() -> Stack {
        let own = own_code();
        let mut left = false;
        Stack::up_to(|address| {
            let is_own = own.contains(&address);
            left |= !is_own;
            left && is_own
        })
    }

    /// Captures the stack until a frame that is the last one.
    #[inline(always)]
    fn up_to(mut is_last: impl FnMut(usize) -> bool) -> Stack {
        let mut frames = [0; FRAMES];
        let mut count = 0;
        // SAFETY: the unwinder and the closure may be used by several threads at once.
        unsafe {
            backtrace::trace_unsynchronized(|frame| {
                frames[count] = frame.ip().addr();
                count += 1;
                count < FRAMES && frames[count - 1] != 0 && !is_last(frames[count - 1])
            });
        }
        Stack(frames[..count].iter().copied().filter(|&it| it != 0).collect())
    }

    /// Returns the frames for people: of several of the library in a row the outermost, which is a function of
    /// the API.
    fn frames(&self) -> Vec<Frame> {
        let own = module_of(mode as fn() -> Mode as usize).0;
        let mut frames: Vec<Frame> = Vec::new();
        let mut was_own = false;
        for &address in &self.0 {
            let frame = Frame::new(address);
            let is_own = frame.base == own;
            if is_own && was_own {
                frames.pop();
            }
            was_own = is_own;
            frames.push(frame);
        }
        frames
    }

    /// Returns how many frames are of this function of the API.
    pub fn count(&self, function: &str) -> usize {
        self.0.iter().filter(|&&address| Frame::new(address).name == function).count()
    }
}

/// Returns where the code of this library is.
fn own_code() -> &'static Range<usize> {
    static RANGE: OnceLock<Range<usize>> = OnceLock::new();
    RANGE.get_or_init(|| {
        let mut range = 0..0;
        // SAFETY: the callback gets the range, which outlives the call.
        unsafe { libc::dl_iterate_phdr(Some(find_own_code), (&raw mut range).cast()) };
        range
    })
}

/// Stores the range of the segment with this function, and ends the iteration.
///
/// # Safety
/// `info` describes a loaded file, and `range` is a range.
unsafe extern "C" fn find_own_code(
    info: *mut libc::dl_phdr_info,
    _: usize,
    range: *mut c_void,
) -> c_int {
    let this = own_code as fn() -> _ as usize;
    // SAFETY: as documented.
    unsafe {
        let headers = core::slice::from_raw_parts((*info).dlpi_phdr, (*info).dlpi_phnum.into());
        for header in headers.iter().filter(|header| header.p_type == libc::PT_LOAD) {
            let start = ((*info).dlpi_addr + header.p_vaddr) as usize;
            let segment = start..start + header.p_memsz as usize;
            if segment.contains(&this) {
                range.cast::<Range<usize>>().write(segment);
                return 1;
            }
        }
    }
    0
}

struct Frame {
    address: usize,
    /// Where the file of the code is loaded.
    base: usize,
    name: String,
    place: String,
}

impl Frame {
    fn new(address: usize) -> Frame {
        let (base, module) = module_of(address);
        let (mut name, mut place) = (String::new(), String::new());
        backtrace::resolve(core::ptr::without_provenance_mut::<c_void>(address), |symbol| {
            // The last one is the function itself, those before are inlined.
            name = symbol.name().map_or_else(String::new, |name| format!("{name:#}"));
            place = match (symbol.filename(), symbol.lineno()) {
                (Some(file), Some(line)) => format!("{}:{line}", file.display()),
                _ => String::new(),
            };
        });
        if name.is_empty() {
            name = String::from("??");
        }
        let file = module.rsplit('/').next().unwrap_or_default();
        if place.is_empty() || file.starts_with("libuv.so") {
            place = format!("({module}+{:#x})", address.wrapping_sub(base));
        }
        Frame { address, base, name, place }
    }
}

/// Returns where the file that has this address is loaded, and its path.
fn module_of(address: usize) -> (usize, String) {
    // SAFETY: an all-zero value is valid, and the function fills it for any address.
    unsafe {
        let mut info: libc::Dl_info = core::mem::zeroed();
        let found = libc::dladdr(core::ptr::without_provenance(address), &raw mut info) != 0;
        if !found || info.dli_fname.is_null() {
            return (0, String::from("??"));
        }
        let path = CStr::from_ptr(info.dli_fname).to_string_lossy().into_owned();
        (info.dli_fbase.addr(), path)
    }
}

/// Returns the name of the function at this address.
pub fn name_of(function: usize) -> String {
    // A return address would be in the call before it.
    Frame::new(function + 1).name
}

/// A broken rule, in one word and in one sentence, and stacks of earlier events.
pub struct Report {
    pub code: &'static str,
    /// `{}` stands for the function of the API that the program called.
    pub sentence: String,
    pub notes: Vec<(String, Stack)>,
}

impl Report {
    pub fn new(code: &'static str, sentence: String) -> Report {
        Report { code, sentence, notes: Vec::new() }
    }

    pub fn note(mut self, text: impl Into<String>, stack: &Stack) -> Report {
        self.notes.push((text.into(), stack.clone()));
        self
    }

    /// Writes the report, and ends the process unless it is to continue.
    pub fn emit(self) {
        let stack = Stack::here();
        if mode() == Mode::Continue && !is_new(self.code, &stack) {
            return;
        }
        self.write(&stack, "ERROR", if mode() == Mode::Continue { "CONTINUING" } else { "ENDING" });
        match mode() {
            Mode::Exit => {
                // SAFETY: ends the process, without handlers that may use the library again.
                unsafe { libc::_exit(STATUS) }
            }
            Mode::Abort => std::process::abort(),
            Mode::Continue | Mode::Off => {}
        }
    }

    /// Writes the report of something that harms nothing any more, of which this is the stack.
    pub fn warn(self, stack: &Stack) {
        self.write(stack, "WARNING", "CONTINUING");
    }

    fn write(&self, stack: &Stack, severity: &str, end: &str) {
        let text = self.text(stack, severity, end);
        // SAFETY: the bytes are readable. A report that cannot be written is lost.
        unsafe { libc::write(2, text.as_ptr().cast(), text.len()) };
    }

    fn text(&self, stack: &Stack, severity: &str, end: &str) -> String {
        let frames = stack.frames();
        let function = frames.first().map_or("??", |frame| &frame.name);
        let caller = frames.get(1);
        let sentence = self.sentence.replace("{}", &format!("{function}()"));
        let mut text = String::new();
        let pid = std::process::id();
        let rule = "=".repeat(65);
        let _ =
            writeln!(text, "{rule}\n=={pid}=={severity}: oxuv check: {}: {sentence}", self.code);
        append(&mut text, &frames);
        for (note, stack) in &self.notes {
            let _ = writeln!(text, "{note}:");
            append(&mut text, &stack.frames());
        }
        let _ = write!(text, "SUMMARY: oxuv check: {} in {function}()", self.code);
        if let Some(caller) = caller {
            let _ = write!(text, ", called by {} {}", caller.name, caller.place);
        }
        let _ = writeln!(text, "\n=={pid}=={end}");
        text
    }
}

fn append(text: &mut String, frames: &[Frame]) {
    for (number, Frame { address, name, place, .. }) in frames.iter().enumerate() {
        let _ = writeln!(text, "    #{number} {address:#x} in {name} {place}");
    }
}

/// Returns whether this was not reported yet.
fn is_new(code: &'static str, stack: &Stack) -> bool {
    type Seen = HashSet<(&'static str, Box<[usize]>)>;
    static SEEN: Mutex<Option<Seen>> = Mutex::new(None);
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    let seen = seen.get_or_insert_with(HashSet::new);
    seen.len() < LIMIT && seen.insert((code, stack.0.clone()))
}

/// Returns the name that a thread has.
pub fn thread_name(tid: i32) -> String {
    let path = OsString::from(format!("/proc/self/task/{tid}/comm"));
    let name = std::fs::read_to_string(path).unwrap_or_default();
    format!("thread {tid} \"{}\"", name.trim_end())
}
