//! Starting a program in a child process.
//!
//! The child shares the parent's memory until it runs the program, and the parent's thread waits
//! for that (`CLONE_VM | CLONE_VFORK`), so that the cost does not grow with the parent. Therefore
//! the child has a stack of its own, works with plain memory and system calls only, and resets all
//! signal handlers before the first signal can arrive. It bypasses libc's wrappers where these
//! would look at the thread: where they are points of cancellation, or would change the user of
//! all threads.
//!
//! An error comes back in that memory. A child that is a copy, as emulators such as valgrind make
//! any child, has a pipe for it that closes when the program is run. The first child of a process
//! has both, and tells whether the others need the pipe.

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

/// What the child gets as one of its descriptors.
#[derive(Clone, Copy)]
pub struct Source {
    /// The parent's descriptor; -1 is /dev/null for the first three and nothing for others.
    pub fd: c_int,
    /// The child does not expect a non-blocking descriptor.
    pub make_blocking: bool,
}

/// What to run and how. The pointers are C strings and arrays of them that end with NULL.
pub struct Program<'a> {
    /// A path, or a name without a slash that is looked up in the environment's PATH.
    pub file: *const c_char,
    pub args: *const *const c_char,
    /// The parent's environment when NULL.
    pub env: *const *const c_char,
    /// The parent's when NULL.
    pub directory: *const c_char,
    pub new_session: bool,
    pub user: Option<libc::uid_t>,
    pub group: Option<libc::gid_t>,
    /// Descriptor 0, 1, 2 and so on.
    pub sources: &'a [Cell<Source>],
}

/// Runs the program in a child process and returns its id; fails when the child fails before.
///
/// # Safety
/// The pointers in `program` are what they should be.
pub unsafe fn start(program: &Program<'_>) -> Result<libc::pid_t> {
    /// Whether a child has shared this process's memory.
    static SHARED: AtomicBool = AtomicBool::new(false);

    let stack = Stack::new()?;
    // A change of user would make the memory that the child shares with the parent undumpable.
    // ThreadSanitizer takes every child for a copy (scripts/sanitize.sh).
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
    // SAFETY: the stack is large enough for `Child::main`, whose argument lives until the child has
    // left this memory: CLONE_VFORK has this thread wait for that, or the child has a copy.
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
        // SAFETY: no status is asked for.
        let _ = retry(|| cvt(unsafe { c::waitpid(pid, ptr::null_mut(), 0) }));
        Err(error)
    });
    if let Some([pipe, _]) = pipe {
        let _ = fd::close(pipe);
    }
    result
}

/// The error that the child reported; None when it runs the program.
fn read_report(pipe: c_int) -> Option<Error> {
    let mut code = [0; size_of::<c_int>()];
    match fd::read_bytes(pipe, &mut code) {
        Ok(length) if length == code.len() => Error::from_code_or_none(c_int::from_ne_bytes(code)),
        _ => None,
    }
}

/// The id of a child of this process that has ended, without reaping it; None if there is none.
pub fn ended_child() -> Option<libc::pid_t> {
    // SAFETY: all zeroes are a valid siginfo_t, and say that there is no child.
    let mut info: libc::siginfo_t = unsafe { core::mem::zeroed() };
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: there is room for the answer.
    retry(|| cvt(unsafe { c::waitid(libc::P_ALL, 0, &mut info, options) })).ok()?;
    // SAFETY: the field that is meant in the answer about a child.
    let pid = unsafe { info.si_pid() };
    (pid != 0).then_some(pid)
}

/// The status of a child that ended, which is gone then; None while it runs.
pub fn take_status(pid: libc::pid_t) -> Result<Option<c_int>> {
    let mut status = 0;
    // SAFETY: there is room for the status.
    let found = retry(|| cvt(unsafe { c::waitpid(pid, &mut status, libc::WNOHANG) }))?;
    Ok((found == pid).then_some(status))
}

/// Memory for the child's stack.
struct Stack(*mut c_void);

impl Stack {
    /// Enough for a path, and for the frames of an unoptimised build.
    const SIZE: usize = 64 * 1024;

    fn new() -> Result<Stack> {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK;
        // SAFETY: a new mapping at an address that the kernel chooses.
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
        // SAFETY: the mapping is this one's, and the child has left it.
        unsafe { c::munmap(self.0, Self::SIZE) };
    }
}

/// What the child process does.
struct Child<'a> {
    program: &'a Program<'a>,
    /// Where an error is written to.
    report: Option<c_int>,
    /// `UNSEEN` until the child was there, then 0 or the code of its error; stays so for a parent
    /// that does not share its memory with the child.
    outcome: AtomicI32,
}

impl Child<'_> {
    const UNSEEN: c_int = 1;

    extern "C" fn main(argument: *mut c_void) -> c_int {
        // SAFETY: `start` passes a Child that lives until this process left it.
        let child = unsafe { &*argument.cast::<Child>() };
        child.outcome.store(0, Ordering::Relaxed);
        let mut report = child.report;
        let Err(error) = child.run(&mut report);
        child.outcome.store(error.code(), Ordering::Relaxed);
        if let Some(report) = report {
            let _ = fd::write_uncancelled(report, &error.code().to_ne_bytes());
        }
        // The status that the child exits with.
        127
    }

    fn run(&self, report: &mut Option<c_int>) -> Result<core::convert::Infallible> {
        let program = self.program;
        if program.new_session {
            // SAFETY: needs nothing.
            cvt(unsafe { c::setsid() })?;
        }
        if !program.directory.is_null() {
            // SAFETY: the directory is a string, as `start` documents.
            cvt(unsafe { c::chdir(program.directory) })?;
        }
        let count = program.sources.len() as c_int;
        if let Some(fd) = report.filter(|fd| *fd < count) {
            *report = Some(move_above(fd, count)?);
        }
        self.place_descriptors(count)?;
        self.change_user()?;
        for signum in 1..=libc::SIGRTMAX() {
            // Two signals cannot be changed.
            let _ = signal::set_sigaction(signum, &signal::action(libc::SIG_DFL, 0));
        }
        signal::thread_mask(libc::SIG_SETMASK, &signal::empty_set());
        // SAFETY: the contract of `start`.
        Err(unsafe { execute(program) })
    }

    fn place_descriptors(&self, count: c_int) -> Result {
        let sources = || (0..count).zip(self.program.sources);
        // Those that would be replaced before it is their turn go out of the way first.
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
                // Fails for descriptors that cannot be read or written, for which it is no matter.
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
                // Allowed to the superuser only; others keep the groups that they have.
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

/// A copy of the descriptor with a number of at least `minimum`, which closes by itself.
fn move_above(fd: c_int, minimum: c_int) -> Result<c_int> {
    // SAFETY: takes integers.
    cvt(unsafe { c::fcntl(fd, libc::F_DUPFD_CLOEXEC, minimum) })
}

/// Makes `target` refer to what `fd` refers to; the program inherits it.
fn place(fd: c_int, target: c_int) -> Result {
    // SAFETY: takes integers. The child's descriptors are its own.
    retry(|| cvt(unsafe { c::dup2(fd, target) })).map(drop)
}

fn open_null(target: c_int) -> Result {
    let access = if target == libc::STDIN_FILENO { libc::O_RDONLY } else { libc::O_RDWR };
    let path = c"/dev/null".as_ptr();
    // SAFETY: the path is a string.
    let fd =
        cvt(unsafe { c::syscall(libc::SYS_openat, libc::AT_FDCWD, path, access, 0) })? as c_int;
    if fd != target {
        place(fd, target)?;
        // SAFETY: the descriptor was opened here.
        unsafe { c::syscall(libc::SYS_close, fd) };
    }
    Ok(())
}

/// Replaces the process with the program; returns when that fails.
///
/// # Safety
/// The pointers in `program` are what they should be.
unsafe fn execute(program: &Program<'_>) -> Error {
    // SAFETY: as documented; nothing changes `environ` while the child uses it but what
    // would equally disturb the parent.
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

/// How long the name of a file can be.
const NAME_MAX: usize = 255;

/// Where programs are when the environment has no PATH.
const DEFAULT_PATH: &[u8] = b"/bin:/usr/bin";

/// The value of PATH in an environment.
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

/// Tries the file in each directory of a PATH. `run` returns only when it fails.
fn search(path: &[u8], file: &[u8], run: impl Fn(*const c_char) -> Error) -> Error {
    let mut buffer = [0u8; libc::PATH_MAX as usize + NAME_MAX + 2];
    let mut denied = false;
    let mut last = Error::ENOENT;
    for directory in path.split(|byte| *byte == b':') {
        // An empty name is the current directory; a name that is too long is none.
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

    /// The paths that are tried, and the result, when each path fails as `fails` says.
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
    fn search_remembers_that_a_file_may_not_be_run() {
        let fails = |path: &str| if path == "/b/x" { Error::EACCES } else { Error::ENOTDIR };
        assert_eq!(tried("/a:/b:/c", "x", fails).1, Error::EACCES);
        assert_eq!(tried("/a:/c", "x", fails).1, Error::ENOTDIR);
    }

    #[test]
    fn search_ends_with_a_file_that_is_there_and_fails() {
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
