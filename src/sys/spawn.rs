//! Starting a program in a child process.
//!
//! The child shares the parent's memory until it executes the program, and the parent's thread waits
//! for that (`CLONE_VM | CLONE_VFORK`), so the cost does not grow with the parent. The child has a stack
//! of its own, uses only plain memory and system calls, and resets all signal handlers before it can
//! receive a signal. It bypasses libc's wrappers that depend on the thread: those that are cancellation
//! points or that change the user of all threads.
//!
//! The child reports an error in the shared memory. Under some emulators, such as valgrind, every child
//! is a copy; a copy reports through a pipe, which closes when the program is executed. The first child
//! of a process uses both and shows whether later ones need the pipe.

use super::{c, cvt, fd, retry, signal};
use crate::abi::{Error, Result};
use core::cell::Cell;
use core::ffi::{c_char, c_int, c_void, CStr};
use core::mem::size_of;
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicI32, Ordering};

extern "C" {
    static environ: *const *const c_char;
}

/// The source of one of the child's descriptors.
#[derive(Clone, Copy)]
pub struct Source {
    /// The parent's descriptor; -1 means /dev/null for the first three, and none for others.
    pub fd: c_int,
    /// Makes the descriptor blocking, as most programs expect.
    pub make_blocking: bool,
}

/// A program to execute. The pointers are to C strings and to arrays of them that end with NULL.
pub struct Program<'a> {
    /// A path, or a name without a slash, which is searched for in the PATH of `env`.
    pub file: *const c_char,
    pub args: *const *const c_char,
    /// The parent's environment when NULL.
    pub env: *const *const c_char,
    /// The parent's when NULL.
    pub directory: *const c_char,
    pub new_session: bool,
    pub user: Option<libc::uid_t>,
    pub group: Option<libc::gid_t>,
    /// The sources of descriptors 0, 1, 2 and so on.
    pub sources: &'a [Cell<Source>],
}

/// Executes the program in a child process and returns the child's id, or the error of the child if it
/// did not get that far.
///
/// # Safety
/// The pointers in `program` are valid, as described there.
pub unsafe fn start(program: &Program<'_>) -> Result<libc::pid_t> {
    /// Whether a child has shared this process's memory.
    static SHARED: AtomicBool = AtomicBool::new(false);

    let stack = Stack::new()?;
    // A change of user makes the memory undumpable, which the child would share with the parent.
    // ThreadSanitizer treats every child as a copy (scripts/sanitize.sh).
    let copies = program.user.is_some() || program.group.is_some() || cfg!(tsan);
    let sharing = if copies { 0 } else { libc::CLONE_VM | libc::CLONE_VFORK };
    let pipe = match copies || !SHARED.load(Ordering::Relaxed) {
        true => Some(fd::pipe(0)?),
        false => None,
    };
    let report = pipe.map(|[_, report]| report);
    let child = Child { program, report, outcome: AtomicI32::new(Child::UNSEEN) };

    let blocked = signal::AllBlocked::new();
    let argument = ptr::from_ref(&child).cast_mut().cast();
    // SAFETY: the stack is large enough for `Child::main`. Its argument stays valid while the child uses
    // this memory: with CLONE_VFORK this thread waits for that, otherwise the child has a copy.
    let pid = cvt(unsafe { c::clone(Child::main, stack.top(), libc::SIGCHLD | sharing, argument) });
    drop(blocked);

    let outcome = child.outcome.load(Ordering::Relaxed);
    if outcome != Child::UNSEEN {
        SHARED.store(true, Ordering::Relaxed);
    }
    if let Some(report) = report {
        let _ = fd::close(report);
    }
    let result = pid.and_then(|pid| {
        let error = match pipe {
            Some([pipe, _]) if outcome == Child::UNSEEN => read_report(pipe),
            _ => Error::from_code_or_none(outcome),
        };
        let Some(error) = error else { return Ok(pid) };
        // SAFETY: with no place for the status, takes integers.
        let _ = retry(|| cvt(unsafe { c::waitpid(pid, ptr::null_mut(), 0) }));
        Err(error)
    });
    if let Some([pipe, _]) = pipe {
        let _ = fd::close(pipe);
    }
    result
}

/// Returns the error that the child reported, or None if it executed the program.
fn read_report(pipe: c_int) -> Option<Error> {
    let mut code = [0; size_of::<c_int>()];
    match fd::read_bytes(pipe, &mut code) {
        Ok(length) if length == code.len() => Error::from_code_or_none(c_int::from_ne_bytes(code)),
        _ => None,
    }
}

/// Returns the id of a child that has ended, without reaping it, or None if there is none. Sandboxes may
/// refuse this call.
pub fn ended_child() -> Result<Option<libc::pid_t>> {
    // SAFETY: all zeroes are a valid siginfo_t, with the process id 0.
    let mut info: libc::siginfo_t = unsafe { core::mem::zeroed() };
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: writes to the struct.
    retry(|| cvt(unsafe { c::waitid(libc::P_ALL, 0, &raw mut info, options) }))?;
    // SAFETY: waitid() sets this field.
    let pid = unsafe { info.si_pid() };
    Ok((pid != 0).then_some(pid))
}

/// Reaps a child that has ended and returns its status; None while it runs.
pub fn take_status(pid: libc::pid_t) -> Result<Option<c_int>> {
    let mut status = 0;
    // SAFETY: writes to the int.
    let found = retry(|| cvt(unsafe { c::waitpid(pid, &raw mut status, libc::WNOHANG) }))?;
    Ok((found == pid).then_some(status))
}

/// The memory of the child's stack.
struct Stack(*mut c_void);

impl Stack {
    /// Enough for a path, and for the frames of an unoptimised build.
    const SIZE: usize = 64 * 1024;

    fn new() -> Result<Stack> {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK;
        // SAFETY: makes a new mapping at an address that the kernel chooses.
        let start = unsafe { c::mmap(ptr::null_mut(), Self::SIZE, access, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return Err(Error::last());
        }
        Ok(Stack(start))
    }

    fn top(&self) -> *mut c_void {
        self.0.wrapping_byte_add(Self::SIZE)
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SAFETY: `self` owns the mapping, and the child no longer uses it.
        unsafe { c::munmap(self.0, Self::SIZE) };
    }
}

/// The child process.
struct Child<'a> {
    program: &'a Program<'a>,
    /// The end of a pipe to write an error to.
    report: Option<c_int>,
    /// `UNSEEN` until the child has run, then 0 or the code of its error. A parent that does not share
    /// its memory with the child only sees `UNSEEN`.
    outcome: AtomicI32,
}

impl Child<'_> {
    const UNSEEN: c_int = 1;

    extern "C" fn main(argument: *mut c_void) -> c_int {
        // SAFETY: `start` passes a `Child` that stays valid while this process uses it.
        let child = unsafe { &*argument.cast::<Child>() };
        child.outcome.store(0, Ordering::Relaxed);
        let mut report = child.report;
        let Err(error) = child.run(&mut report);
        child.outcome.store(error.code(), Ordering::Relaxed);
        if let Some(report) = report {
            let _ = fd::write_uncancelled(report, &error.code().to_ne_bytes());
        }
        // The exit status.
        127
    }

    fn run(&self, report: &mut Option<c_int>) -> Result<core::convert::Infallible> {
        let program = self.program;
        if program.new_session {
            // SAFETY: takes nothing.
            cvt(unsafe { c::setsid() })?;
        }
        if !program.directory.is_null() {
            // SAFETY: the directory is a string, by the contract of `start`.
            cvt(unsafe { c::chdir(program.directory) })?;
        }
        let count = c_int::try_from(program.sources.len()).map_err(|_| Error::EINVAL)?;
        if let Some(fd) = report.filter(|fd| *fd < count) {
            *report = Some(move_above(fd, count)?);
        }
        self.place_descriptors(count)?;
        self.change_user()?;
        for signum in 1..=libc::SIGRTMAX() {
            // Fails for the two signals that cannot be caught.
            // SAFETY: the default action runs no handler.
            let _ = unsafe { signal::set_sigaction(signum, &signal::action(libc::SIG_DFL, 0)) };
        }
        signal::thread_mask(libc::SIG_SETMASK, &signal::empty_set());
        // SAFETY: by the contract of `start`.
        Err(unsafe { execute(program) })
    }

    fn place_descriptors(&self, count: c_int) -> Result {
        let sources = || (0..count).zip(self.program.sources);
        // Moves those that would be replaced before their turn out of the way.
        for (target, cell) in sources() {
            let source = cell.get();
            if (0..target).contains(&source.fd) {
                cell.set(Source { fd: move_above(source.fd, count)?, ..source });
            }
        }
        for (target, cell) in sources() {
            let source = cell.get();
            match source.fd {
                -1 if target > libc::STDERR_FILENO => continue,
                -1 => open_null(target)?,
                // SAFETY: takes integers.
                fd if fd == target => drop(cvt(unsafe { c::fcntl(fd, libc::F_SETFD, 0) })?),
                fd => place(fd, target)?,
            }
            if source.make_blocking {
                // Fails only for descriptors that can be neither read nor written.
                let _ = fd::set_nonblocking(target, false);
            }
        }
        Ok(())
    }

    fn change_user(&self) -> Result {
        let Program { user, group, .. } = *self.program;
        // SAFETY: the calls take integers, and a list of no groups.
        unsafe {
            if user.is_some() || group.is_some() {
                // Only the superuser may do this; others keep their groups.
                c::syscall(libc::SYS_setgroups, 0, ptr::null::<libc::gid_t>());
            }
            if let Some(group) = group {
                cvt(c::syscall(libc::SYS_setgid, group))?;
            }
            if let Some(user) = user {
                cvt(c::syscall(libc::SYS_setuid, user))?;
            }
        }
        Ok(())
    }
}

/// Duplicates the descriptor, close-on-exec, to a number of at least `minimum`.
fn move_above(fd: c_int, minimum: c_int) -> Result<c_int> {
    // SAFETY: takes integers.
    cvt(unsafe { c::fcntl(fd, libc::F_DUPFD_CLOEXEC, minimum) })
}

/// Makes `target` a duplicate of `fd` that the program inherits.
fn place(fd: c_int, target: c_int) -> Result {
    // SAFETY: takes integers. The child's descriptors are its own.
    retry(|| cvt(unsafe { c::dup2(fd, target) })).map(drop)
}

fn open_null(target: c_int) -> Result {
    let access = if target == libc::STDIN_FILENO { libc::O_RDONLY } else { libc::O_RDWR };
    let path = c"/dev/null".as_ptr();
    // SAFETY: the path is a string.
    let fd = cvt(unsafe { c::syscall(libc::SYS_openat, libc::AT_FDCWD, path, access, 0) })?;
    let fd = c_int::try_from(fd).map_err(|_| Error::EBADF)?;
    if fd != target {
        place(fd, target)?;
        // SAFETY: the descriptor was opened here.
        unsafe { c::syscall(libc::SYS_close, fd) };
    }
    Ok(())
}

/// Executes the program; returns only on failure.
///
/// # Safety
/// As for [`start`].
unsafe fn execute(program: &Program<'_>) -> Error {
    // SAFETY: as documented. The program must not change its environment while another thread reads it,
    // as `environ` is read here.
    unsafe {
        let env = if program.env.is_null() { environ } else { program.env };
        let run = |path| {
            c::execve(path, program.args, env);
            Error::last()
        };
        if program.file.is_null() {
            return Error::ENOENT;
        }
        let file = CStr::from_ptr(program.file).to_bytes();
        if file.contains(&b'/') {
            return run(program.file);
        }
        if file.len() > NAME_MAX {
            return Error::ENAMETOOLONG;
        }
        search(path_of(env), file, run)
    }
}

/// The maximum length of a file name.
const NAME_MAX: usize = 255;

/// The PATH of an environment that has none.
const DEFAULT_PATH: &[u8] = b"/bin:/usr/bin";

/// Returns the value of PATH in an environment.
///
/// # Safety
/// `env` is an array of C strings that ends with NULL, or NULL.
unsafe fn path_of<'a>(env: *const *const c_char) -> &'a [u8] {
    let mut at = env;
    // SAFETY: as documented.
    unsafe {
        while !at.is_null() && !(*at).is_null() {
            if let Some(path) = CStr::from_ptr(*at).to_bytes().strip_prefix(b"PATH=") {
                return path;
            }
            at = at.add(1);
        }
    }
    DEFAULT_PATH
}

/// Tries the file in each directory of a PATH. `run` returns only on failure.
fn search(path: &[u8], file: &[u8], run: impl Fn(*const c_char) -> Error) -> Error {
    let mut buffer = [0u8; libc::PATH_MAX as usize + NAME_MAX + 2];
    let mut denied = false;
    let mut last = Error::ENOENT;
    for directory in path.split(|byte| *byte == b':') {
        // An empty name is the current directory. One that is too long is skipped.
        let separator: &[u8] = if directory.is_empty() { b"" } else { b"/" };
        if directory.len() >= libc::PATH_MAX as usize {
            continue;
        }
        let parts = directory.iter().chain(separator).chain(file).chain(b"\0");
        buffer.iter_mut().zip(parts).for_each(|(to, from)| *to = *from);
        last = run(buffer.as_ptr().cast());
        match last {
            Error::EACCES => denied = true,
            Error::ENOENT | Error::ENOTDIR => {}
            _ if [libc::ESTALE, libc::ENODEV, libc::ETIMEDOUT].contains(&last.errno()) => {}
            _ => return last,
        }
    }
    if denied {
        return Error::EACCES;
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    /// Returns the paths that `search` tries, and its result, when each fails with `fails(path)`.
    fn tried(path: &str, file: &str, fails: impl Fn(&str) -> Error) -> (Vec<String>, Error) {
        let tried = RefCell::new(Vec::new());
        let result = search(path.as_bytes(), file.as_bytes(), |candidate| {
            // SAFETY: `search` passes a C string.
            let candidate = unsafe { CStr::from_ptr(candidate) }.to_str().unwrap();
            tried.borrow_mut().push(candidate.to_owned());
            fails(candidate)
        });
        (tried.into_inner(), result)
    }

    #[test]
    fn search_tries_every_directory_in_order() {
        let (paths, error) = tried("/a::/long/name:b:", "cc", |_| Error::ENOENT);
        assert_eq!(paths, ["/a/cc", "cc", "/long/name/cc", "b/cc", "cc"]);
        assert_eq!(error, Error::ENOENT);
    }

    #[test]
    fn search_reports_eacces_if_a_file_may_not_be_executed() {
        let fails = |path: &str| if path == "/b/x" { Error::EACCES } else { Error::ENOTDIR };
        assert_eq!(tried("/a:/b:/c", "x", fails).1, Error::EACCES);
        assert_eq!(tried("/a:/c", "x", fails).1, Error::ENOTDIR);
    }

    #[test]
    fn search_ends_at_a_file_that_fails_otherwise() {
        let fails = |path: &str| if path == "/b/x" { Error::ENOMEM } else { Error::ENOENT };
        assert_eq!(
            tried("/a:/b:/c", "x", fails),
            (vec!["/a/x".into(), "/b/x".into()], Error::ENOMEM)
        );
    }

    #[test]
    fn search_skips_directories_that_are_too_long() {
        let path = format!("{}:/b", "a".repeat(libc::PATH_MAX as usize));
        assert_eq!(tried(&path, "x", |_| Error::ENOENT).0, ["/b/x"]);
    }
}
