//! Native stacks of the threads of another process.
//!
//! ptrace stops a thread while its registers and the top of its stack are copied. The copy is unwound
//! afterwards, by the `.eh_frame` of the mapped files, and by frame pointers in code that no file has.

use crate::elf::{Elf, Section};
use crate::process::{Mapping, Memory, Process};
use framehop::{
    CacheNative, ExplicitModuleSectionInfo, FrameAddress, MayAllocateDuringUnwind, Module,
    UnwindRegsNative, Unwinder as _, UnwinderNative,
};
use std::io;
use std::mem::{size_of, MaybeUninit};
use std::ptr;
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// How many bytes of a stack are copied.
const COPIED: usize = 128 * 1024;
/// How many frames a stack may have.
pub const FRAMES: usize = 128;
/// How long to wait for a thread to stop. One that waits for a device does not stop before that has answered.
const TIMEOUT: Duration = Duration::from_millis(100);

/// The registers and the stack of a thread that was stopped.
pub struct Copied {
    registers: libc::user_regs_struct,
    stack: Vec<u8>,
    /// For how long it was stopped, at most.
    pub stopped: Duration,
}

/// Stops a thread and copies its registers and stack. The thread goes on also if this process is killed. Fails
/// with `PermissionDenied` if the kernel does not allow it, and with `TimedOut` if the thread does not stop.
pub fn copy(process: &Process, tid: i32) -> io::Result<Copied> {
    let memory = process.memory()?;
    // Not zeroed, so that all of it is there when the thread is stopped.
    let stack = vec![0xff; COPIED];
    let (send, receive) = mpsc::channel();
    // A thread of its own, as only the thread that has attached may wait and detach. If the other does not
    // stop in time, this one detaches as soon as it does.
    std::thread::Builder::new().spawn(move || {
        let _ = send.send(Stopped::stop(tid).and_then(|stopped| stopped.copy(&memory, stack)));
    })?;
    receive.recv_timeout(TIMEOUT).unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// A thread that is stopped. It goes on when this is dropped.
struct Stopped {
    tid: i32,
    since: Instant,
    /// A signal that it was about to receive.
    signal: i32,
}

fn ptrace(request: libc::c_uint, tid: i32, address: usize, data: usize) -> io::Result<()> {
    // SAFETY: these requests take integers, or `data` is the address of memory that the caller vouches for.
    match unsafe { libc::ptrace(request, tid, address, data) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

impl Stopped {
    fn stop(tid: i32) -> io::Result<Stopped> {
        // So that the other thread does not wait for this one to get a processor. Needs a privilege.
        // SAFETY: takes integers.
        unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, -20) };
        ptrace(libc::PTRACE_SEIZE, tid, 0, 0)?;
        let since = Instant::now();
        ptrace(libc::PTRACE_INTERRUPT, tid, 0, 0)?;
        let mut status = 0;
        loop {
            // SAFETY: writes to the integer.
            match unsafe { libc::waitpid(tid, &raw mut status, libc::__WALL) } {
                -1 if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
                -1 => return Err(io::Error::last_os_error()),
                _ => break,
            }
        }
        if !libc::WIFSTOPPED(status) {
            return Err(io::Error::from_raw_os_error(libc::ESRCH));
        }
        // It may have stopped to receive a signal, which it has to be given, or with its whole group.
        let is_event = status >> 16 == libc::PTRACE_EVENT_STOP;
        Ok(Stopped { tid, since, signal: if is_event { 0 } else { libc::WSTOPSIG(status) } })
    }

    fn copy(self, memory: &std::fs::File, mut stack: Vec<u8>) -> io::Result<Copied> {
        use std::os::unix::fs::FileExt;
        let mut registers = MaybeUninit::<libc::user_regs_struct>::uninit();
        let mut place = libc::iovec {
            iov_base: registers.as_mut_ptr().cast(),
            iov_len: size_of::<libc::user_regs_struct>(),
        };
        const NT_PRSTATUS: usize = 1;
        let to = ptr::from_mut(&mut place).expose_provenance();
        ptrace(libc::PTRACE_GETREGSET, self.tid, NT_PRSTATUS, to)?;
        if place.iov_len != size_of::<libc::user_regs_struct>() {
            // A 32-bit program.
            return Err(io::ErrorKind::Unsupported.into());
        }
        // SAFETY: the kernel has filled it in.
        let registers = unsafe { registers.assume_init() };
        let length = memory.read_at(&mut stack, stack_pointer(&registers))?;
        stack.truncate(length);
        let since = self.since;
        drop(self);
        Ok(Copied { registers, stack, stopped: since.elapsed() })
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        let _ = ptrace(libc::PTRACE_DETACH, self.tid, 0, self.signal as usize);
    }
}

#[cfg(target_arch = "x86_64")]
fn stack_pointer(registers: &libc::user_regs_struct) -> u64 {
    registers.rsp
}

#[cfg(target_arch = "x86_64")]
fn for_unwinding(registers: &libc::user_regs_struct) -> (u64, UnwindRegsNative) {
    let (pc, sp, fp) = (registers.rip, registers.rsp, registers.rbp);
    (pc, UnwindRegsNative::new(pc, sp, fp))
}

#[cfg(target_arch = "aarch64")]
fn stack_pointer(registers: &libc::user_regs_struct) -> u64 {
    registers.sp
}

#[cfg(target_arch = "aarch64")]
fn for_unwinding(registers: &libc::user_regs_struct) -> (u64, UnwindRegsNative) {
    let (lr, sp, fp) = (registers.regs[30], registers.sp, registers.regs[29]);
    (registers.pc, UnwindRegsNative::new(lr, sp, fp))
}

/// Unwinds stacks of a process.
pub struct Unwinder {
    unwinder: UnwinderNative<Section, MayAllocateDuringUnwind>,
    cache: CacheNative<MayAllocateDuringUnwind>,
}

impl Unwinder {
    /// Reads where the files that the process has mapped keep their `.eh_frame`.
    pub fn new(process: &Process) -> Unwinder {
        let mut unwinder = UnwinderNative::new();
        for mapping in process.maps.iter().filter(|mapping| mapping.executable) {
            if let Some(module) = module(process, mapping) {
                unwinder.add_module(module);
            }
        }
        Unwinder { unwinder, cache: CacheNative::new() }
    }

    /// Returns an address in each function of the stack, the innermost first: that of the instruction that runs,
    /// or of the call.
    pub fn unwind(&mut self, copied: &Copied) -> Vec<u64> {
        let bottom = stack_pointer(&copied.registers);
        let mut read = |address: u64| {
            let at = usize::try_from(address.wrapping_sub(bottom)).map_err(|_| ())?;
            let word = copied.stack.get(at..).and_then(|rest| rest.first_chunk()).ok_or(())?;
            Ok(u64::from_ne_bytes(*word))
        };
        let (pc, registers) = for_unwinding(&copied.registers);
        let mut frames = self.unwinder.iter_frames(pc, registers, &mut self.cache, &mut read);
        let mut found = Vec::new();
        while let Ok(Some(frame)) = frames.next() {
            found.push(match frame {
                FrameAddress::InstructionPointer(at) => at,
                FrameAddress::ReturnAddress(at) => u64::from(at) - 1,
            });
            if found.len() == FRAMES {
                break;
            }
        }
        found
    }
}

fn module(process: &Process, mapping: &Mapping) -> Option<Module<Section>> {
    let elf = match mapping.path.as_str() {
        "[vdso]" => {
            let length = usize::try_from(mapping.end - mapping.start).ok()?;
            Elf::from_memory(process.bytes(mapping.start, length).ok()?).ok()?
        }
        _ if mapping.is_file() => Elf::open(&process.file(mapping)).ok()?,
        _ => return None,
    };
    let base = mapping.start.wrapping_sub(elf.address_of_code(mapping.offset)?);
    let section =
        |name| elf.section(name).map_or((None, None), |(range, data)| (Some(range), Some(data)));
    let (text_svma, text) = section(".text");
    let (eh_frame_svma, eh_frame) = section(".eh_frame");
    let (eh_frame_hdr_svma, eh_frame_hdr) = section(".eh_frame_hdr");
    let got_svma = section(".got").0;
    let info = ExplicitModuleSectionInfo {
        text_svma,
        text,
        eh_frame_svma,
        eh_frame,
        eh_frame_hdr_svma,
        eh_frame_hdr,
        got_svma,
        ..Default::default()
    };
    Some(Module::new(mapping.path.clone(), mapping.start..mapping.end, base, info))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_stack_has_at_most_the_instruction() {
        let process = Process::open(std::process::id() as i32).unwrap();
        // SAFETY: all zeroes are valid registers.
        let registers = unsafe { std::mem::zeroed() };
        let copied = Copied { registers, stack: Vec::new(), stopped: Duration::ZERO };
        assert!(Unwinder::new(&process).unwind(&copied).len() <= 1);
    }
}
